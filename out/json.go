package out

import (
	"encoding/json"
	"fmt"
	"io"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/knockon/knockon/catalog/diag"
	"github.com/knockon/knockon/catalog/unit"
	"github.com/knockon/knockon/graph"
)

// The JSON documents. Each names its schema; a number after the slash rises when
// something is renamed or removed, not when something is added. Times are seconds
// after the failure of the roots. docs/json.md describes them.
const (
	blastSchema    = "knockon.blast/1"
	catalogSchema  = "knockon.catalog/1"
	rankingSchema  = "knockon.ranking/1"
	listingSchema  = "knockon.listing/1"
	detailSchema   = "knockon.service/1"
	checkSchema    = "knockon.check/1"
	runSchema      = "knockon.run/1"
	manySchema     = "knockon.ensemble/1"
	whySchema      = "knockon.why/1"
	importSchema   = "knockon.import/1"
	presetsSchema  = "knockon.presets/1"
	overviewSchema = "knockon.overview/1"
)

type jsonSummary struct {
	Services int                `json:"services"`
	Impacted int                `json:"impacted"`
	Weight   jsonWeight         `json:"weight"`
	Outcomes map[string]int     `json:"outcomes"` // encoding/json sorts the keys
	Weights  map[string]float64 `json:"weights"`
}

type jsonWeight struct {
	Total    float64 `json:"total"`
	Impacted float64 `json:"impacted"`
}

type jsonSlice struct {
	Name string `json:"name"`
	jsonSummary
}

type jsonService struct {
	ID          string   `json:"id"`
	Title       string   `json:"title"`
	Description string   `json:"description,omitempty"`
	Kind        string   `json:"kind"`
	Group       string   `json:"group,omitempty"`
	Owner       string   `json:"owner,omitempty"`
	Tier        *int64   `json:"tier"`
	Weight      float64  `json:"weight"`
	Sources     []string `json:"sources,omitempty"`
}

type jsonImpact struct {
	jsonService
	Root     bool        `json:"root,omitempty"`
	Outcome  string      `json:"outcome"`
	Corrupt  bool        `json:"corrupt,omitempty"`
	Earliest *float64    `json:"earliest"`
	Distance *int        `json:"distance"`
	Path     []string    `json:"path"`
	PathCut  bool        `json:"path_cut,omitempty"`
	Because  string      `json:"because,omitempty"`
	Phases   []jsonPhase `json:"phases,omitempty"`
}

type jsonPhase struct {
	Outcome  string  `json:"outcome"`
	Earliest float64 `json:"earliest"`
}

type jsonContainment struct {
	ID      string   `json:"id"`
	Outcome string   `json:"outcome"`
	On      []string `json:"on"`
	Held    string   `json:"held,omitempty"`
	Where   string   `json:"where"`
	Because string   `json:"because"`
}

type jsonBlast struct {
	Schema    string            `json:"schema"`
	Catalog   string            `json:"catalog,omitempty"`
	Roots     []string          `json:"roots"`
	As        string            `json:"as"`
	For       *float64          `json:"for"`
	Summary   jsonSummary       `json:"summary"`
	ByGroup   []jsonSlice       `json:"by_group"`
	ByTier    []jsonSlice       `json:"by_tier"`
	ByOwner   []jsonSlice       `json:"by_owner"`
	Services  []lazyImpact      `json:"services"`
	Contained []jsonContainment `json:"contained"`
	Recovery  []jsonContainment `json:"recovery"`
	Assumed   []string          `json:"assumed"`
}

type jsonNeed struct {
	From     string   `json:"from"`
	On       []string `json:"on"`
	Kind     string   `json:"kind"`
	AtLeast  int      `json:"at_least,omitempty"`
	Fallback string   `json:"fallback,omitempty"`
	For      string   `json:"for,omitempty"`
}

type jsonCatalog struct {
	Schema      string        `json:"schema"`
	Title       string        `json:"title,omitempty"`
	Description string        `json:"description,omitempty"`
	Services    []jsonService `json:"services"`
	Needs       []jsonNeed    `json:"needs"`
}

type jsonRank struct {
	Rank     int     `json:"rank"`
	ID       string  `json:"id"`
	Title    string  `json:"title"`
	Group    string  `json:"group,omitempty"`
	Owner    string  `json:"owner,omitempty"`
	Tier     *int64  `json:"tier"`
	Impacted int     `json:"impacted"`
	Weight   float64 `json:"weight"`

	Outcomes map[string]int     `json:"outcomes"`
	Weights  map[string]float64 `json:"weights"`
}

type jsonRanking struct {
	Schema   string     `json:"schema"`
	Catalog  string     `json:"catalog,omitempty"`
	For      *float64   `json:"for"`
	Services int        `json:"services"`
	Ranked   int        `json:"ranked"`
	Complete bool       `json:"complete"`
	Weight   float64    `json:"weight"`
	Ranking  []jsonRank `json:"ranking"`
}

func writeJSON(w io.Writer, r Report, _ Options) error {
	switch r.(type) {
	case *Run, *Ensemble: // a row of numbers stands on one line
		return writeRunJSON(w, r.json())
	}
	e := json.NewEncoder(hiddenEscaper{w})
	e.SetIndent("", "  ")
	return e.Encode(r.json())
}

// hiddenEscaper writes JSON with \u escapes for what encoding/json leaves as it is
// and a terminal obeys. It can only stand in strings.
type hiddenEscaper struct{ io.Writer }

func (w hiddenEscaper) Write(p []byte) (int, error) {
	done := 0
	for i := 0; i < len(p); {
		r, n := utf8.DecodeRune(p[i:])
		if r >= utf8.RuneSelf && diag.IsHidden(r) {
			if _, err := w.Writer.Write(p[done:i]); err != nil {
				return done, err
			}
			for _, unit := range utf16.Encode([]rune{r}) {
				if _, err := fmt.Fprintf(w.Writer, `\u%04x`, unit); err != nil {
					return i, err
				}
			}
			done = i + n
		}
		i += n
	}
	if _, err := w.Writer.Write(p[done:]); err != nil {
		return done, err
	}
	return len(p), nil
}

func (r *Blast) json() any {
	j := jsonBlast{
		Schema: blastSchema, Catalog: r.Title, Roots: r.ids(r.Roots), As: r.As, For: seconds(r.For),
		Summary: summaryJSON(r.Summary), ByGroup: slicesJSON(r.ByGroup), ByTier: slicesJSON(r.ByTier), ByOwner: slicesJSON(r.ByOwner),
		Services:  make([]lazyImpact, len(r.Services)),
		Contained: r.containmentsJSON(r.Contained), Recovery: r.containmentsJSON(r.Recovery),
		Assumed: append([]string{}, r.Assumed...),
	}
	for i := range r.Services {
		j.Services[i] = lazyImpact{r, i}
	}
	return j
}

// pathHops is how many hops of a path a document shows, those nearest to the
// service. All hops of all paths are the square of the length of a chain.
const pathHops = 100

// lazyImpact puts a service into words when its turn comes to be written.
type lazyImpact struct {
	*Blast
	service int
}

func (l lazyImpact) MarshalJSON() ([]byte, error) {
	s := &l.Services[l.service]
	j := jsonImpact{
		jsonService: s.json(), Root: s.Root, Outcome: s.Outcome.String(), Corrupt: s.Corrupt, Path: []string{}, Because: s.Because,
	}
	if s.Outcome != graph.Safe {
		earliest, distance := s.Earliest.Seconds(), s.Distance
		j.Earliest, j.Distance = &earliest, &distance
		path, cut := l.path(l.service, pathHops)
		j.Path, j.PathCut = l.ids(path), cut
	}
	for _, p := range s.Phases {
		j.Phases = append(j.Phases, jsonPhase{p.Outcome.String(), p.Earliest.Seconds()})
	}
	return json.Marshal(j)
}

func (m *Map) containmentsJSON(all []Containment) []jsonContainment {
	j := make([]jsonContainment, len(all))
	for i, c := range all {
		s := &m.Services[c.Service]
		j[i] = jsonContainment{s.ID, s.Outcome.String(), m.ids(c.Lost), c.Held, c.Where, c.Because}
	}
	return j
}

func (m *Map) json() any {
	j := jsonCatalog{Schema: catalogSchema, Title: m.Title, Description: m.Description, Needs: []jsonNeed{}}
	for i := range m.Services {
		j.Services = append(j.Services, m.Services[i].json())
	}
	need := -1
	for _, l := range m.Links {
		to := m.Services[l.To].ID
		switch {
		case l.Alternative:
			j.Needs[len(j.Needs)-1].Fallback = to
		case l.Need == need:
			last := &j.Needs[len(j.Needs)-1]
			last.On = append(last.On, to)
		default:
			j.Needs = append(j.Needs, jsonNeed{m.Services[l.From].ID, []string{to}, l.Kind.String(), l.AtLeast, "", l.For})
		}
		need = l.Need
	}
	return j
}

func (r *Ranking) json() any {
	j := jsonRanking{
		Schema: rankingSchema, Catalog: r.Title, For: seconds(r.For),
		Services: r.Of, Ranked: r.Total, Complete: r.Total == r.Of, Weight: r.Weight, Ranking: []jsonRank{},
	}
	for _, k := range r.Ranks {
		s := summaryJSON(k.Summary)
		j.Ranking = append(j.Ranking, jsonRank{
			Rank: k.Place, ID: k.ID, Title: k.Title, Group: k.Group, Owner: k.Owner, Tier: k.Tier,
			Impacted: s.Impacted, Weight: s.Weight.Impacted, Outcomes: s.Outcomes, Weights: s.Weights,
		})
	}
	return j
}

func (s *Service) json() jsonService {
	return jsonService{s.ID, s.Title, s.Description, s.Kind, s.Group, s.Owner, s.Tier, s.Weight, s.Sources}
}

func summaryJSON(s graph.Summary) jsonSummary {
	j := jsonSummary{Outcomes: make(map[string]int), Weights: make(map[string]float64)}
	j.Impacted, j.Weight.Impacted = s.Impacted()
	for o, word := range graph.OutcomeWords {
		j.Services += s.Count[o]
		j.Weight.Total += s.Weight[o]
		j.Outcomes[word] = s.Count[o]
		j.Weights[word] = s.Weight[o]
	}
	return j
}

func slicesJSON(all []Slice) []jsonSlice {
	j := make([]jsonSlice, len(all))
	for i, s := range all {
		j[i] = jsonSlice{s.Name, summaryJSON(s.Summary)}
	}
	return j
}

func (m *Map) ids(nodes []int) []string {
	ids := make([]string, len(nodes))
	for i, v := range nodes {
		ids[i] = m.Services[v].ID
	}
	return ids
}

// seconds is nil for a failure that lasts.
func seconds(d unit.Duration) *float64 {
	if d == 0 {
		return nil
	}
	s := d.Seconds()
	return &s
}

type jsonListed struct {
	jsonService
	Needs int `json:"needs"`
	Users int `json:"used_by"`
}

type jsonListing struct {
	Schema   string       `json:"schema"`
	Catalog  string       `json:"catalog,omitempty"`
	Total    int          `json:"total"`
	Services []jsonListed `json:"services"`
}

func (l *Listing) json() any {
	j := jsonListing{Schema: listingSchema, Catalog: l.Title, Total: l.Total, Services: []jsonListed{}}
	for i := range l.Rows {
		r := &l.Rows[i]
		j.Services = append(j.Services, jsonListed{r.Service.json(), r.Needs, r.Users})
	}
	return j
}

type jsonDetail struct {
	Schema string `json:"schema"`
	jsonService
	Facts map[string]string `json:"facts"`
	Needs []jsonDetailNeed  `json:"needs"`
	Users []jsonDetailNeed  `json:"needed_by"`
}

type jsonDetailNeed struct {
	Service string            `json:"service"`
	Need    string            `json:"need"`
	IfLost  string            `json:"if_lost"`
	Facts   map[string]string `json:"facts,omitempty"`
	Sources []string          `json:"sources,omitempty"`
}

func (d *Detail) json() any {
	needs := func(all []DetailNeed) []jsonDetailNeed {
		j := make([]jsonDetailNeed, len(all))
		for i, n := range all {
			j[i] = jsonDetailNeed{n.Service, n.Text, n.IfLost, factsJSON(n.Facts), n.Sources}
		}
		return j
	}
	return jsonDetail{detailSchema, d.Service.json(), factsJSON(d.Facts), needs(d.Needs), needs(d.Users)}
}

func factsJSON(all [][2]string) map[string]string {
	j := make(map[string]string, len(all))
	for _, f := range all {
		j[f[0]] = f[1]
	}
	return j
}
