package out

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/knockon/knockon/catalog"
	"github.com/knockon/knockon/propagate"
	"github.com/knockon/knockon/propagate/scenario"
)

func TestCourseOfAnAction(t *testing.T) {
	never := math.NaN()
	for _, x := range []struct {
		a    propagate.ActionResult
		want string
	}{
		{propagate.ActionResult{Observed: 8700, Decided: 15240, Waited: 720, WaitedFor: []string{"internal-tooling"}, WaitsSince: never, Attempts: []float64{15240}, Done: 15840, Over: 15840}, "seen 2h25m, decided 4h14m, done 4h24m (waited 12m for internal-tooling)"},
		{propagate.ActionResult{Observed: never, Decided: 60, WaitsSince: never, Attempts: []float64{60}, Done: 60, Over: 90}, "done 1m"},
		{propagate.ActionResult{Observed: never, Decided: 60, WaitsSince: never, Attempts: []float64{60, 120, 180}, Done: 200, Over: 200}, "decided 1m, done 3m20s at attempt 3"},
		{propagate.ActionResult{Observed: 50, Decided: 60, WaitedFor: []string{"console", "vpn"}, WaitsSince: 60, Done: never, Over: never}, "seen 50s, decided 1m, not done (waits for console, vpn since 1m)"},
		{propagate.ActionResult{Observed: 50, Decided: 60, WaitsSince: never, Attempts: []float64{60}, Done: never, Over: never}, "seen 50s, decided 1m, not done after 1 attempt"},
		{propagate.ActionResult{Observed: 50, Decided: never, WaitsSince: never, Done: never, Over: never}, "seen 50s, not done"},
		{propagate.ActionResult{Observed: never, Decided: never, WaitsSince: never, Done: never, Over: never}, "it never came to that"},
	} {
		if got := (&RunAction{ActionResult: x.a}).course(); got != x.want {
			t.Errorf("%q, want %q", got, x.want)
		}
	}
}

// TestActionsInEveryFormat plays two actions, one of which takes effect, and looks for
// them in the text, in JSON, in the table, among the events and in the explanation.
func TestActionsInEveryFormat(t *testing.T) {
	c, faults, err := catalog.Load(catalog.Source{Name: "c.toml", Data: []byte(`
[service.users]
kind  = "external"
load  = "100/s"
needs = [{ on = "api", timeout = "1s" }]
[service.api]
capacity     = "1000/s"
service_time = "10ms"
`)})
	if err != nil || c == nil {
		t.Fatal(err, faults)
	}
	sc, faults := scenario.Parse("s.toml", []byte(`
horizon = "10m"
[[fault]]
id = "release"
at = "60s"
service = "api"
effect = "down"
[[action]]
id = "roll-back"
after = { observed = "api is down", for = "1m", decide = "2m" }
do = [{ roll_back = "release" }]
[[action]]
after = { observed = "queue of api is over 1000000" }
do = [{ purge = "api" }]
`))
	if sc == nil {
		t.Fatal(faults)
	}
	res, err := propagate.Run(t.Context(), c, sc, propagate.Options{})
	if err != nil {
		t.Fatal(err)
	}
	r := NewRun(c, res, RunOptions{Explain: res.Why})

	var text strings.Builder
	r.text(&text, Options{})
	for _, want := range []string{"\nroll-back: seen 2m, done 4m\n", "\npurge api: it never came to that\n", "api down 1m–4m, ended by roll-back"} {
		if !strings.Contains(text.String(), want) {
			t.Errorf("the text does not say %q:\n%s", want, text.String())
		}
	}

	var doc bytes.Buffer
	if err := writeRunJSON(&doc, r.json()); err != nil {
		t.Fatal(err)
	}
	var j struct {
		Events []struct {
			Kind    string
			Until   float64
			EndedBy string `json:"ended_by"`
		}
		Actions []struct {
			ID             string
			Observed, Done *float64
			Attempts       []float64
			Ended          []string
		}
	}
	if err := json.Unmarshal(doc.Bytes(), &j); err != nil {
		t.Fatal(err)
	}
	if len(j.Actions) != 2 || j.Actions[0].Done == nil || math.Abs(*j.Actions[0].Done-240) > 1 || !slices.Equal(j.Actions[0].Ended, []string{"release"}) ||
		len(j.Actions[0].Attempts) != 1 || j.Actions[1].Observed != nil || j.Actions[1].Done != nil {
		t.Errorf("the document says %+v", j.Actions)
	}
	if len(j.Events) != 2 || j.Events[0].EndedBy != "roll-back" || math.Abs(j.Events[0].Until-240) > 1 || j.Events[1].Kind != "action" {
		t.Errorf("the events are %+v", j.Events)
	}

	var table bytes.Buffer
	if err := writeCSV(&table, r, Options{}); err != nil {
		t.Fatal(err)
	}
	rows, err := csv.NewReader(&table).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	action, moment := slices.Index(rows[0], "action"), slices.Index(rows[0], "moment")
	var moments []string
	for _, row := range rows[1:] {
		if row[action] != "" {
			moments = append(moments, row[action]+" "+row[moment])
		}
	}
	if want := []string{"roll-back observed", "roll-back decided", "roll-back attempt 1", "roll-back done", "roll-back over"}; !slices.Equal(moments, want) {
		t.Errorf("the table has %v, want %v", moments, want)
	}
}
