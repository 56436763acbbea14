package out

import (
	"math"
	"strconv"
	"strings"
)

// table has a row for every single point.
func (r *SinglePoints) table() [][]string {
	rows := [][]string{{"rank", "service", "title", "group", "owner", "tier", "impacted", "weight", "loses", "path"}}
	for _, p := range r.Points {
		count, weight := p.Summary.Impacted()
		rows = append(rows, []string{
			strconv.Itoa(p.Place), tableText(p.ID), tableText(p.Title), tableText(p.Group), tableText(p.Owner), tier(p.Tier),
			strconv.Itoa(count), tableNumber(weight), strconv.Itoa(len(p.Loses)), tableText(strings.Join(p.Path, " > ")),
		})
	}
	return rows
}

// table has a row for every cut set that is listed; where none is, one for each number
// of members.
func (r *CutSets) table() [][]string {
	if r.Order < 0 {
		rows := [][]string{{"members", "cut_sets"}}
		for n, count := range r.Orders {
			if count.Sign() > 0 {
				rows = append(rows, []string{strconv.Itoa(n), count.String()})
			}
		}
		return rows
	}
	rows := [][]string{{"members", "probability", "causes"}}
	for _, s := range r.Sets {
		p := ""
		if s.Probability != nil {
			p = tableNumber(*s.Probability)
		}
		rows = append(rows, []string{strconv.Itoa(len(s.Causes)), p, tableText(strings.Join(s.Causes, " + "))})
	}
	return rows
}

// table has a row for every cause.
func (r *Importance) table() [][]string {
	rows := [][]string{{"rank", "cause", "probability", "birnbaum", "criticality", "fussell_vesely", "risk_achievement_worth", "risk_reduction_worth"}}
	for _, i := range r.Causes {
		reduction := tableNumber(i.Reduction)
		if math.IsInf(i.Reduction, 1) {
			reduction = "Infinity"
		}
		rows = append(rows, []string{
			strconv.Itoa(i.Place), tableText(i.Name), tableNumber(i.Probability), tableNumber(i.Birnbaum),
			tableNumber(i.Criticality), tableNumber(i.FussellVesely), tableNumber(i.Achievement), reduction,
		})
	}
	return rows
}
