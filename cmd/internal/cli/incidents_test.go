package cli

import (
	"encoding/json"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/knockon/knockon/catalog"
	"github.com/knockon/knockon/catalog/builtin"
	"github.com/knockon/knockon/propagate"
	"github.com/knockon/knockon/propagate/replay"
	"github.com/knockon/knockon/propagate/scenario"
)

// told is what a test reads of a replay's document.
type told struct {
	Scenario  struct{ Title string }
	Threshold float64
	Impact    []struct {
		Service, State string
		From           float64 `json:"from_min"`
		To             float64 `json:"to_min"`
		Open           bool
	}
	Windows []struct {
		Service, State, Confidence, Unscored string
		Scored                               bool
		Simulated                            *struct {
			State string
			From  float64 `json:"from_min"`
			To    float64 `json:"to_min"`
			Open  bool
		}
		Onset, Recovery toldBoundary
	}
	Score struct {
		toldHeadline
		Looked     bool `json:"private_looked_for"`
		Thresholds []struct {
			Threshold float64
			toldHeadline
		}
	}
	Baselines  map[string]toldHeadline
	Parameters []struct {
		Name, Evidence, Text string
		Low, High            *float64
		Private              bool
	}
}

type toldBoundary struct {
	Low     *float64 `json:"recorded_from_min"`
	High    *float64 `json:"recorded_to_min"`
	Class   string
	Scored  bool
	Error   *float64 `json:"error_min"`
	Private string
}

type toldHeadline struct {
	Onset, Recovery struct {
		Count  int
		Median *float64 `json:"median_min"`
		P90    *float64 `json:"p90_min"`
	}
	Overlap, Order *float64
	RightState     *float64 `json:"right_state"`
	False          *float64 `json:"false_min"`
	Control        *float64 `json:"control_min"`
}

// slow are incidents that take longer to play than an ordinary test may.
var slow = []string{"aws-2025-10-20"}

// TestIncidents replays every built-in incident, and moves its parameters. Its score has
// to be that of its own list of windows, and docs/validation.md has to have it; with
// -update it is written. Those that take long are played with KNOCKON_LONG=1 only.
func TestIncidents(t *testing.T) {
	long := os.Getenv("KNOCKON_LONG") != ""
	page := filepath.Join("..", "..", "..", "docs", "validation.md")
	old, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	text := string(old)
	for _, name := range builtin.Incidents() {
		if slices.Contains(slow, name) && !long {
			t.Logf("%s is not replayed: KNOCKON_LONG=1 does", name)
			continue
		}
		args := []string{"replay", name, "--format", "json", "--parameters"}
		code, document, errs := run(t, "", args...)
		if code != exitFine {
			t.Errorf("%s: exit %d\n%s", name, code, errs)
			continue
		}
		var x told
		if err := json.Unmarshal([]byte(document), &x); err != nil {
			t.Fatal(err)
		}
		x.compareWith(t, name)
		text = section(text, name, x.page(name))
	}
	sameFile(t, page, []byte(text))
}

// compareWith scores the windows of a document again, from nothing but them.
func (x *told) compareWith(t *testing.T, name string) {
	t.Helper()
	fsys, _ := builtin.Incident(name)
	sc, faults, err := scenario.ReadIncident(fsys, name)
	if err != nil || sc == nil {
		t.Fatal(faults, err)
	}
	var impacts []replay.Impact
	for _, w := range x.Impact {
		state := slices.Index(scenario.States, w.State)
		impacts = append(impacts, replay.Impact{Service: w.Service, State: propagate.State(state), From: w.From, To: w.To, Open: w.Open})
	}
	private := make(map[replay.Ends]string)
	for i, w := range x.Windows {
		for _, b := range []struct {
			toldBoundary
			end bool
		}{{w.Onset, false}, {w.Recovery, true}} {
			if b.Private != "" {
				private[replay.Ends{Window: i, End: b.end}] = b.Private
			}
		}
	}
	h := replay.Judge(sc.Record, impacts, sc.Horizon.Seconds()/60, private).Headline()
	for _, at := range x.Score.Thresholds {
		if at.Threshold != x.Threshold {
			continue
		}
		for what, pair := range map[string][2]float64{
			"onset": {h.Onset.Median, number(at.Onset.Median)}, "recovery": {h.Recovery.P90, number(at.Recovery.P90)},
			"overlap": {h.Overlap, number(at.Overlap)}, "false minutes": {h.False, number(at.False)}, "order": {h.Order, number(at.Order)},
		} {
			if math.Abs(pair[0]-pair[1]) > 1e-6 || math.IsNaN(pair[0]) != math.IsNaN(pair[1]) {
				t.Errorf("%s: %s is %v, and %v by its windows", name, what, pair[1], pair[0])
			}
		}
	}
}

// number is a number of a document; NaN for null.
func number(f *float64) float64 {
	if f == nil {
		return math.NaN()
	}
	return *f
}

// section puts a text between the marks of an incident, at the end of the part on
// incidents where it has none yet.
func section(page, name, text string) string {
	begin, end := "<!-- replay "+name+": generated -->\n", "<!-- end of replay "+name+" -->\n"
	if !strings.Contains(page, begin) {
		const last = "<!-- end of incidents -->\n"
		page = strings.Replace(page, last, begin+end+"\n"+last, 1)
	}
	before, rest, _ := strings.Cut(page, begin)
	_, after, _ := strings.Cut(rest, end)
	return before + begin + "\n" + text + "\n" + end + after
}

// page is what docs/validation.md says of an incident.
func (x *told) page(name string) string {
	var b strings.Builder
	fmt.Fprintf(&b, "### %s\n\n`knockon replay %s`", x.Scenario.Title, name)
	if x.Score.Looked {
		b.WriteString("; boundaries that hang on a fitted value of their own were looked for (`--parameters`)")
	} else {
		b.WriteString("; whether boundaries hang on a fitted value of their own was not looked for (`--parameters`)")
	}
	b.WriteString("\n\n")
	b.WriteString("| emergent boundaries | n | replay | 2 % | 5 % | 10 % | reachability | last action | root only |\n|---|--:|--:|--:|--:|--:|--:|--:|--:|\n")
	columns := []toldHeadline{x.Score.toldHeadline}
	for _, at := range x.Score.Thresholds {
		columns = append(columns, at.toldHeadline)
	}
	for _, name := range []string{"reachability", "last-action", "root-only"} {
		columns = append(columns, x.Baselines[name])
	}
	row := func(what, n string, of func(*toldHeadline) *float64, digits int) {
		fmt.Fprintf(&b, "| %s | %s |", what, n)
		for i := range columns {
			cell := digitsOf(of(&columns[i]), digits)
			if i == 0 {
				cell = "**" + cell + "**"
			}
			fmt.Fprintf(&b, " %s |", cell)
		}
		b.WriteString("\n")
	}
	onsets, recoveries := strconv.Itoa(x.Score.Onset.Count), strconv.Itoa(x.Score.Recovery.Count)
	row("onset, median (min)", onsets, func(h *toldHeadline) *float64 { return h.Onset.Median }, 1)
	row("onset, 90th percentile (min)", onsets, func(h *toldHeadline) *float64 { return h.Onset.P90 }, 1)
	row("recovery, median (min)", recoveries, func(h *toldHeadline) *float64 { return h.Recovery.Median }, 1)
	row("recovery, 90th percentile (min)", recoveries, func(h *toldHeadline) *float64 { return h.Recovery.P90 }, 1)
	row("overlap of impaired minutes", "", func(h *toldHeadline) *float64 { return h.Overlap }, 2)
	row("share of minutes in the right state", "", func(h *toldHeadline) *float64 { return h.RightState }, 2)
	row("order of onsets (Kendall's tau)", "", func(h *toldHeadline) *float64 { return h.Order }, 2)
	row("false minutes", "", func(h *toldHeadline) *float64 { return h.False }, 0)
	row("false minutes where all was well", "", func(h *toldHeadline) *float64 { return h.Control }, 0)

	b.WriteString("\n| service | recorded | min | known | simulated | min | onset off | recovery off |\n|---|---|--:|---|---|--:|--:|--:|\n")
	for _, w := range x.Windows {
		if !w.Scored {
			continue
		}
		state, at := "nothing", ""
		if s := w.Simulated; s != nil {
			state, at = s.State, digitsOf(&s.From, 0)+"–"+digitsOf(&s.To, 0)
			if s.Open {
				at = digitsOf(&s.From, 0) + "–the end"
			}
		}
		fmt.Fprintf(&b, "| %s | %s | %s–%s | %s | %s | %s | %s | %s |\n", w.Service, w.State, w.Onset.band(), w.Recovery.band(), w.Confidence, state, at, w.Onset.off(), w.Recovery.off())
	}
	var unscored []string
	for _, w := range x.Windows {
		if !w.Scored {
			unscored = append(unscored, fmt.Sprintf("%s (%s)", w.Service, w.Unscored))
		}
	}
	if len(unscored) > 0 {
		b.WriteString("\nNot scored: " + strings.Join(unscored, "; ") + ".\n")
	}
	b.WriteString("\n" + x.known())
	return b.String()
}

// known lists what is fitted and what is guessed.
func (x *told) known() string {
	by := make(map[string][]string)
	for _, p := range x.Parameters {
		text := fmt.Sprintf("%s = %s", p.Name, p.Text)
		if p.Private {
			text += " (private)"
		}
		by[p.Evidence] = append(by[p.Evidence], text)
	}
	text := fmt.Sprintf("Of %d numbers, %d are documented or stated, %d fitted and %d guessed.", len(x.Parameters), len(by["documented"])+len(by["stated"]), len(by["fitted"]), len(by["guess"]))
	for _, word := range []string{"fitted", "guess"} {
		if list := by[word]; len(list) > 0 {
			what := map[string]string{"fitted": "Fitted", "guess": "Guessed"}[word]
			text += fmt.Sprintf("\n\n<details><summary>%s: %d</summary>\n\n%s\n\n</details>", what, len(list), "- "+strings.Join(list, "\n- "))
		}
	}
	return text + "\n"
}

func (b *toldBoundary) band() string {
	switch {
	case b.Low == nil:
		return "?"
	case *b.Low == *b.High:
		return digitsOf(b.Low, 0)
	}
	return digitsOf(b.Low, 0) + "…" + digitsOf(b.High, 0)
}

func (b *toldBoundary) off() string {
	if !b.Scored {
		return ""
	}
	text := digitsOf(b.Error, 1)
	switch {
	case b.Private != "":
		text += " (private)"
	case b.Class != "emergent":
		text += " (" + b.Class + ")"
	}
	return text
}

func digitsOf(f *float64, digits int) string {
	if f == nil {
		return "–"
	}
	text := strconv.FormatFloat(*f, 'f', digits, 64)
	if strings.Contains(text, ".") && digits == 1 {
		text = strings.TrimSuffix(text, ".0")
	}
	return text
}

// replayed plays a built-in incident with its catalog and scenario changed.
func replayedWith(t *testing.T, name string, change func(*catalog.Catalog, *scenario.Scenario)) (*propagate.Result, *replay.Replay) {
	t.Helper()
	fsys, _ := builtin.Incident(name)
	sc, _, err := scenario.ReadIncident(fsys, name)
	if err != nil || sc == nil {
		t.Fatal(err)
	}
	source, _ := catalog.Builtin(strings.TrimPrefix(sc.Catalogs[0], "builtin:"))
	c, _, err := catalog.Load(source)
	if err != nil || c == nil {
		t.Fatal(err)
	}
	change(c, sc)
	res, err := propagate.Run(t.Context(), c, replay.Finer(sc), propagate.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return res, replay.New(c, res, nil)
}

// TestRepairNeedsWhatIsBroken: what made the outage of Facebook long. Engineers could
// have undone the command from afar within minutes of finding it, had their way in not
// needed the links that were down; and without somebody on site it would have lasted.
func TestRepairNeedsWhatIsBroken(t *testing.T) {
	const name = "facebook-2021-10-04"
	action := func(res *propagate.Result, id string) *propagate.ActionResult {
		at := slices.IndexFunc(res.Actions, func(a propagate.ActionResult) bool { return a.ID == id })
		return &res.Actions[at]
	}
	short := func(_ *catalog.Catalog, sc *scenario.Scenario) { sc.Horizon = 2 * 3600e9 }
	res, _ := replayedWith(t, name, short)
	if a := action(res, "from-afar"); !slices.Equal(a.WaitedFor, []string{"out-of-band"}) || !math.IsNaN(a.Done) {
		t.Errorf("the repair from afar does not wait for its tool: %+v", a)
	}
	if res.Verdict.Word != "ongoing" {
		t.Errorf("nobody is on site yet, and it is %s", res.Verdict.Word)
	}
	res, _ = replayedWith(t, name, func(c *catalog.Catalog, sc *scenario.Scenario) {
		short(c, sc)
		c.Service("out-of-band").Needs = nil
	})
	if a := action(res, "from-afar"); !(a.Done <= 16*60) {
		t.Errorf("with a way in of its own the links are back at %vs", a.Done)
	}
	if res.Verdict.Word != "recovered" {
		t.Errorf("with a way in of its own it is %s", res.Verdict.Word)
	}
}

// TestRoutesOutliveTheirControlPlane: a network that goes on with the routes it has for
// longer than its control plane is away harms nobody, which is what Google changed.
func TestRoutesOutliveTheirControlPlane(t *testing.T) {
	const name = "google-2019-06-02"
	impaired := func(r *replay.Replay) bool {
		return slices.ContainsFunc(r.Impacts, func(x replay.Impact) bool { return x.Service == "cloud-products" })
	}
	if _, r := replayedWith(t, name, func(*catalog.Catalog, *scenario.Scenario) {}); !impaired(r) {
		t.Error("routes of three minutes last")
	}
	_, r := replayedWith(t, name, func(c *catalog.Catalog, _ *scenario.Scenario) {
		n := &c.Service("network").Needs[0]
		n.TTL.V.Low, n.TTL.V.High = 8*3600e9, 8*3600e9
	})
	if impaired(r) {
		t.Error("routes of eight hours do not outlive four")
	}
}
