package out

import (
	"math"
	"math/big"
)

const (
	singlePointsSchema = "knockon.single-points/1"
	cutSetsSchema      = "knockon.cut-sets/1"
	importanceSchema   = "knockon.importance/1"
)

type jsonSinglePoints struct {
	Schema   string            `json:"schema"`
	Catalog  string            `json:"catalog,omitempty"`
	Of       string            `json:"of,omitempty"`
	Tier     *int64            `json:"tier,omitempty"`
	Asked    int               `json:"asked"`
	Total    int               `json:"total"`
	Complete bool              `json:"complete"`
	Points   []jsonSinglePoint `json:"points"`
	Exposed  []jsonExposure    `json:"exposed"`
}

type jsonSinglePoint struct {
	Rank     int            `json:"rank"`
	ID       string         `json:"id"`
	Title    string         `json:"title"`
	Group    string         `json:"group"`
	Owner    string         `json:"owner"`
	Tier     *int64         `json:"tier"`
	Impacted int            `json:"impacted"`
	Weight   float64        `json:"weight"`
	Outcomes map[string]int `json:"outcomes"`
	Loses    []string       `json:"loses"`
	Path     []string       `json:"path,omitempty"`
	Because  string         `json:"because,omitempty"`
}

type jsonExposure struct {
	ID   string `json:"id"`
	Tier *int64 `json:"tier"`
	To   int    `json:"single_points"`
}

func (r *SinglePoints) json() any {
	j := jsonSinglePoints{
		Schema: singlePointsSchema, Catalog: r.Title, Of: r.Of, Asked: r.Asked, Total: r.Total, Complete: !r.Partial,
		Points: []jsonSinglePoint{}, Exposed: []jsonExposure{},
	}
	if r.Of == "" && !r.Untiered {
		j.Tier = &r.Tier
	}
	for _, p := range r.Points {
		s := summaryJSON(p.Summary)
		j.Points = append(j.Points, jsonSinglePoint{
			p.Place, p.ID, p.Title, p.Group, p.Owner, p.Tier, s.Impacted, s.Weight.Impacted, s.Outcomes,
			append([]string{}, p.Loses...), p.Path, p.Because,
		})
	}
	for _, e := range r.Exposed {
		j.Exposed = append(j.Exposed, jsonExposure(e))
	}
	return j
}

// jsonFaultTree is what documents on a fault tree begin with.
type jsonFaultTree struct {
	Schema      string      `json:"schema"`
	Catalog     string      `json:"catalog,omitempty"`
	Service     string      `json:"service"`
	Outcome     string      `json:"outcome"`
	Given       []string    `json:"given"`
	Probability *jsonNumber `json:"probability"`
	Assumed     *jsonNumber `json:"assumed_probability"`
}

func (r *FaultTree) json(schema string) jsonFaultTree {
	return jsonFaultTree{
		schema, r.Title, r.Of, r.Outcome, append([]string{}, r.Given...), (*jsonNumber)(r.Probability), (*jsonNumber)(r.Assumed),
	}
}

type jsonCutSets struct {
	jsonFaultTree
	Count  *big.Int     `json:"minimal_cut_sets"`
	Orders []jsonOrder  `json:"by_members"`
	Listed int          `json:"listed"`
	Sets   []jsonCutSet `json:"cut_sets"`
}

type jsonOrder struct {
	Members int      `json:"members"`
	Count   *big.Int `json:"cut_sets"`
}

type jsonCutSet struct {
	Causes      []string    `json:"causes"`
	Probability *jsonNumber `json:"probability,omitempty"`
}

func (r *CutSets) json() any {
	j := jsonCutSets{
		jsonFaultTree: r.FaultTree.json(cutSetsSchema), Count: r.Total, Orders: []jsonOrder{}, Listed: r.Listed, Sets: []jsonCutSet{},
	}
	for n, count := range r.Orders {
		if count.Sign() > 0 {
			j.Orders = append(j.Orders, jsonOrder{n, count})
		}
	}
	for _, s := range r.Sets {
		j.Sets = append(j.Sets, jsonCutSet{append([]string{}, s.Causes...), (*jsonNumber)(s.Probability)})
	}
	return j
}

type jsonImportance struct {
	jsonFaultTree
	Total  int             `json:"total"`
	Causes []jsonImportant `json:"causes"`
}

type jsonImportant struct {
	Rank          int        `json:"rank"`
	Name          string     `json:"name"`
	Probability   jsonNumber `json:"probability"`
	Birnbaum      jsonNumber `json:"birnbaum"`
	Criticality   jsonNumber `json:"criticality"`
	FussellVesely jsonNumber `json:"fussell_vesely"`
	Achievement   jsonNumber `json:"risk_achievement_worth"`
	Reduction     jsonRatio  `json:"risk_reduction_worth"`
}

// jsonRatio is a number that can be infinite, which JSON has no number for: then it is
// the string "Infinity", which parsers of numbers in most languages understand.
type jsonRatio float64

func (n jsonRatio) MarshalJSON() ([]byte, error) {
	if math.IsInf(float64(n), 1) {
		return []byte(`"Infinity"`), nil
	}
	return jsonNumber(n).MarshalJSON()
}

func (r *Importance) json() any {
	j := jsonImportance{jsonFaultTree: r.FaultTree.json(importanceSchema), Total: r.Total, Causes: []jsonImportant{}}
	for _, i := range r.Causes {
		j.Causes = append(j.Causes, jsonImportant{
			i.Place, i.Name, jsonNumber(i.Probability), jsonNumber(i.Birnbaum), jsonNumber(i.Criticality),
			jsonNumber(i.FussellVesely), jsonNumber(i.Achievement), jsonRatio(i.Reduction),
		})
	}
	return j
}
