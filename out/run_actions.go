package out

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/knockon/knockon/propagate"
	"github.com/knockon/knockon/propagate/scenario"
)

// RunAction is what became of an action.
type RunAction struct {
	propagate.ActionResult
	Text  string   // what it is: "restore dns-record"
	Ended []string // faults that it ended, by ID, or in words where they have none
}

// name is how a text calls an action.
func (a *RunAction) name() string {
	if a.ID != "" {
		return a.ID
	}
	return a.Text
}

// runActions describes what became of the actions of a scenario.
func runActions(res *propagate.Result) []RunAction {
	var all []RunAction
	sc := res.Scenario
	for i := range res.Actions {
		a := RunAction{ActionResult: res.Actions[i], Text: actionText(&sc.Actions[i])}
		for _, f := range a.ActionResult.Ended {
			name := sc.Faults[f].ID
			if name == "" {
				name = faultText(&sc.Faults[f])
			}
			a.Ended = append(a.Ended, name)
		}
		all = append(all, a)
	}
	return all
}

// course is how far an action came and when: "seen 2h25m, decided 4h14m, done 4h24m
// (waited 12m for internal-tooling)".
func (a *RunAction) course() string {
	known := func(t float64) bool { return !math.IsNaN(t) }
	var parts []string
	if known(a.Observed) {
		parts = append(parts, "seen "+moment(a.Observed))
	}
	if known(a.Decided) && a.Decided != a.Done {
		parts = append(parts, "decided "+moment(a.Decided))
	}
	n := len(a.Attempts)
	switch {
	case known(a.Done):
		done := "done " + moment(a.Done)
		if n > 1 {
			done += fmt.Sprintf(" at attempt %d", n)
		}
		parts = append(parts, done)
	case len(parts) == 0:
		return "it never came to that"
	case n > 0:
		parts = append(parts, fmt.Sprintf("not done after %s", plural(n, "attempt")))
	default:
		parts = append(parts, "not done")
	}
	text := strings.Join(parts, ", ")
	tools := strings.Join(a.WaitedFor, ", ")
	switch {
	case known(a.WaitsSince):
		text += " (waits for " + tools + " since " + moment(a.WaitsSince) + ")"
	case a.Waited > 0:
		text += " (waited " + moment(a.Waited) + " for " + tools + ")"
	}
	return text
}

// mostActions is how many actions a text lists, the first of the scenario.
const mostActions = 20

func (r *Run) actionsText(b *strings.Builder, o Options) {
	if len(r.Actions) == 0 {
		return
	}
	b.WriteString("\n")
	shown := r.Actions[:min(len(r.Actions), mostActions)]
	for i := range shown {
		paragraph(b, shown[i].name()+": "+shown[i].course(), "", o)
	}
	if rest := len(r.Actions) - len(shown); rest > 0 {
		paragraph(b, fmt.Sprintf("and %d more; --format json has them", rest), "", o)
	}
}

// enders are who ended each fault of a scenario, by index; "" where nobody did.
func (r *Run) enders(sc *scenario.Scenario, res *propagate.Result) []string {
	by := make([]string, len(sc.Faults))
	for i := range res.Actions {
		for _, f := range res.Actions[i].Ended {
			by[f] = r.Actions[i].name()
		}
	}
	return by
}

type jsonAction struct {
	ID         string     `json:"id,omitempty"`
	Text       string     `json:"text"`
	Observed   jsonNumber `json:"observed"`
	Decided    jsonNumber `json:"decided"`
	Waited     jsonNumber `json:"waited"`
	WaitedFor  []string   `json:"waited_for"`
	WaitsSince jsonNumber `json:"waits_since"`
	Attempts   jsonColumn `json:"attempts"`
	Done       jsonNumber `json:"done"`
	Over       jsonNumber `json:"over"`
	Ended      []string   `json:"ended"`
}

func (a *RunAction) json() jsonAction {
	return jsonAction{
		a.ID, a.Text, jsonNumber(a.Observed), jsonNumber(a.Decided), jsonNumber(a.Waited), append([]string{}, a.WaitedFor...),
		jsonNumber(a.WaitsSince), jsonColumn(a.Attempts), jsonNumber(a.Done), jsonNumber(a.Over), append([]string{}, a.Ended...),
	}
}

// action is the rows of an action: one for every moment to which it came, in order.
func (t *runTable) action(a *RunAction) [][]string {
	type at struct {
		time float64
		word string
	}
	moments := []at{{a.Observed, "observed"}, {a.Decided, "decided"}}
	for i, begin := range a.Attempts {
		moments = append(moments, at{begin, "attempt " + strconv.Itoa(i+1)})
	}
	moments = append(moments, at{a.Done, "done"}, at{a.Over, "over"})
	var rows [][]string
	for _, m := range slices.DeleteFunc(moments, func(m at) bool { return math.IsNaN(m.time) }) {
		row := make([]string, len(t.names))
		row[timeColumn] = tableNumber(m.time)
		if !t.Start.IsZero() {
			row[clockColumn] = t.clock(m.time).Format("2006-01-02T15:04:05.999Z07:00")
		}
		row[t.actions], row[t.moments] = tableText(a.name()), m.word
		rows = append(rows, row)
	}
	return rows
}
