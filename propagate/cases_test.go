package propagate

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/knockon/knockon/catalog"
	"github.com/knockon/knockon/propagate/scenario"
)

// The cases: folders with catalogs and scenarios whose right answers are known, by
// theory or from simulations of single requests. Catalogs are the files that begin
// with "catalog"; each other file is a scenario that names its own.
const casesDir = "testdata/cases"

// slowCases take longer than a second, and are played by TestLongCases only.
var slowCases = []string{}

// caseFile is one scenario of one case.
type caseFile struct {
	folder string // "D-01-retry-storm"
	name   string // "storm"
}

func (f caseFile) String() string { return f.folder + "/" + f.name }

// id is the folder's case: "D-22a" of "D-22a-two-layer-storm".
func (f caseFile) id() string {
	group, rest, _ := strings.Cut(f.folder, "-")
	number, _, _ := strings.Cut(rest, "-")
	return group + "-" + number
}

// cases are the scenarios of the rate engine, in order of their names. What begins with
// "chance" is played many times, by package ensemble.
func cases(t *testing.T) []caseFile {
	t.Helper()
	return slices.DeleteFunc(allCases(t), func(f caseFile) bool { return strings.HasPrefix(f.name, "chance") })
}

// allCases are all scenarios, in order of their names.
func allCases(t *testing.T) []caseFile {
	t.Helper()
	names, err := fs.Glob(os.DirFS(casesDir), "*/*.toml")
	if err != nil || len(names) == 0 {
		t.Fatal("no cases: ", err)
	}
	var all []caseFile
	for _, name := range names {
		folder, file, _ := strings.Cut(name, "/")
		if file = strings.TrimSuffix(file, ".toml"); !strings.HasPrefix(file, "catalog") {
			all = append(all, caseFile{folder, file})
		}
	}
	return all
}

// open reads a scenario and its catalog as the command line does. A diagnostic of
// either is a fault of the case, also where it is a warning.
func (f caseFile) open(t testing.TB) (*catalog.Catalog, *scenario.Scenario) {
	t.Helper()
	dir := os.DirFS(filepath.Join(casesDir, f.folder))
	s, faults, err := scenario.ReadFile(dir, f.name+".toml", f.String()+".toml")
	if err != nil || len(faults) > 0 {
		t.Fatal(err, faults)
	}
	var sources []catalog.Source
	for _, name := range s.Catalogs {
		sources = append(sources, catalog.Source{FS: dir, Path: name, Name: f.folder + "/" + name})
	}
	c, faults, err := catalog.Load(sources...)
	if err != nil || len(faults) > 0 {
		t.Fatal(err, faults)
	}
	if faults := s.Check(c); len(faults) > 0 {
		t.Fatal(faults)
	}
	return c, s
}

// hold plays a case and reports every expectation that is not met.
func (f caseFile) hold(t *testing.T) {
	c, s := f.open(t)
	if len(s.Expects) == 0 {
		t.Fatal("nothing is expected")
	}
	began := time.Now()
	r, err := Run(context.Background(), c, s, Options{})
	if err != nil {
		t.Fatal(err)
	}
	if took := time.Since(began); took > time.Second && !slices.Contains(slowCases, f.String()) && testing.Verbose() {
		t.Logf("took %s", took.Round(time.Millisecond))
	}
	if len(r.Expects) != len(s.Expects) {
		t.Fatalf("%d of %d expectations were looked at", len(r.Expects), len(s.Expects))
	}
	for _, o := range r.Expects {
		if !o.Met {
			t.Errorf("line %d: %s%s: got %s", o.Expect.Span.Line, o.Expect.Text, margin(&o.Expect), o.Got)
		}
	}
}

// margin writes the tolerance of an expectation.
func margin(e *scenario.Expect) string {
	if e.Kind != scenario.ExpectNumber || e.Relation != scenario.Is {
		return ""
	}
	return fmt.Sprintf(" ± %.4g", max(e.Absolute, math.Abs(e.Relative*e.Value)))
}

// TestCases plays every case that is over in about a second.
func TestCases(t *testing.T) {
	for _, f := range cases(t) {
		t.Run(f.String(), func(t *testing.T) {
			if slices.Contains(slowCases, f.String()) {
				t.Skip("skipped: it takes longer than a second; go test -run Long plays it")
			}
			f.hold(t)
		})
	}
}

// TestLongCases plays the others, where they are asked for: with -run Long, or with
// KNOCKON_LONG=1.
func TestLongCases(t *testing.T) {
	asked := os.Getenv("KNOCKON_LONG") != ""
	if run := flag.Lookup("test.run"); run != nil && strings.Contains(run.Value.String(), "Long") {
		asked = true
	}
	if !asked {
		t.Skip("skipped: go test -run Long, or KNOCKON_LONG=1, plays the long cases")
	}
	for _, f := range cases(t) {
		if slices.Contains(slowCases, f.String()) {
			t.Run(f.String(), f.hold)
		}
	}
}

// expressed are the reference cases that scenarios can say.
var expressed = []string{
	"F-01", "F-02", "F-03", "F-05", "F-07", "F-09", "F-11", "F-12",
	"R-01", "R-02", "R-04", "R-06", "R-07", "R-09", "R-11", "R-12",
	"C-01", "C-05",
	"D-24b", "D-25", "D-27", "D-28",
	"K-01", "K-02", "K-04",
	"K-05", "K-06", "K-07",
	"D-01", "D-03", "D-04", "D-06", "D-07", "D-09", "D-10", "D-12", "D-13", "D-15", "D-16", "D-18", "D-19", "D-21", "D-22a",
	"D-23a", "D-23c", "D-24a", "D-30",
}

// measureOf is what the quantities of the reference cases are called here; those
// that are not in it are not measures, see bracketed.
var measureOf = map[string]scenario.Measure{
	"queue": scenario.QueueMeasure, "queue_A": scenario.QueueMeasure, "queue_B": scenario.QueueMeasure, "backlog": scenario.QueueMeasure,
	"queue_empty_at": scenario.EmptyAt, "all_empty_at": scenario.EmptyAt, "backlog_empty_at": scenario.EmptyAt,
	"throughput": scenario.Throughput, "max_throughput": scenario.Throughput,
	"wait_of_arrival_at_t": scenario.Wait,
	"goodput":              scenario.Goodput,
	"utilisation":          scenario.Utilisation, "utilisation_A": scenario.Utilisation, "utilisation_B": scenario.Utilisation, "utilisation_C": scenario.Utilisation, "utilisation_D": scenario.Utilisation, "utilisation_survivor": scenario.Utilisation,
	"threads busy A": scenario.Utilisation, "threads busy B": scenario.Utilisation, "threads busy C": scenario.Utilisation,
	"failed_requests_total": scenario.Failed,
	"failed_fraction":       scenario.FailedShare, "final_failure": scenario.FailedShare, "failed_originals/originals": scenario.FailedShare,
	"oldest_age": scenario.Age,
	"expired":    scenario.Expired,
	"admitted":   scenario.Admitted, "admitted_total": scenario.Admitted,
	"amplification":                 scenario.Amplification,
	"attempts_at_bottom":            scenario.CallsPerRequest,
	"calls A->B per client request": scenario.CallsPerRequest, "calls B->C per client request": scenario.CallsPerRequest,
	"mean_total_delay_2_retries": scenario.Latency, "mean_total_delay_3_retries": scenario.Latency,
	"peak_rate":                        scenario.Retries,
	"completions_after_client_gave_up": scenario.Wasted,
	"recovery_time":                    scenario.Recovery,
	"breaker_rejected_total":           scenario.BreakerRejected,
	"breaker_opens_per_client":         scenario.BreakerOpens,
	"instances_in_rotation":            scenario.InRotation, "rotation_changes": scenario.RotationChanges,
	"hit_ratio": scenario.HitShare, "old_fraction": scenario.HitShare,
	"served_fraction": scenario.Goodput,
	"valid_leases":    scenario.Held, "valid_at_120s": scenario.Held, "valid_fraction": scenario.HeldShare,
	"all_valid_at": scenario.TimeToHeld, "time_to_50%": scenario.TimeToHeld, "time_to_99%": scenario.TimeToHeld,
	"attempts_per_holder": scenario.RegrantsPerLease, "attempts_per_client": scenario.RegrantsPerLease,
	"max_queue": scenario.QueueMeasure,
}

// offeredTo is the load of cases that give shares of it, per second.
var offeredTo = map[string]float64{"served_fraction": 1000}

// bracketed are quantities that are thresholds, and no measures of one run: one
// scenario stands on each side of them, as far away as the tolerance. The last is
// what is the number in both: a load, a share of errors, the length of a fault, or
// a time at which something is over.
var bracketed = []struct {
	id, metric, below, above string
	number                   string
}{
	{"F-12", "max_sustainable_load", "offered-132", "offered-134", "load"},
	{"R-06", "threshold_p", "threshold-below", "threshold-above", "errors"},
	{"R-06", "time_to_stop_retries[p=1,1000 attempts/s,maxTokens 10]", "", "stops-at-5ms", "time"},
	{"R-06", "time_to_stop_retries[p=0.2,1000 attempts/s,maxTokens 10]", "stops-at-42ms", "stops-at-42ms", "time"},
	{"R-07", "p_where_quota_binds[aws-standard]", "binds-below", "binds-above", "errors"},
	{"R-07", "p_where_quota_binds[aws-2026]", "binds-below", "binds-above", "errors"},
	{"R-09", "lower_bound[n=3]", "3-attempts-below", "3-attempts-above", "load"},
	{"R-09", "lower_bound[n=5]", "5-attempts-below", "5-attempts-above", "load"},
	{"R-09", "lower_bound[budget 0.2]", "budget-20-below", "budget-20-above", "load"},
	{"R-09", "lower_bound[n=1]", "1-attempt-below", "1-attempt-above", "load"},
	{"R-09", "upper_bound", "upper-bound-below", "upper-bound-above", "load"},
	{"K-06", "threshold_M", "threshold-below", "threshold-above", "leases"},
	{"D-12", "critical_outage_D*", "critical-below", "critical-above", "length"},
}

// numbers are all numbers of one kind in a scenario and its catalog.
func (f caseFile) numbers(t *testing.T, kind string) []float64 {
	c, s := f.open(t)
	var out []float64
	switch kind {
	case "load":
		for i := range c.Services {
			if l := c.Services[i].Load; l.IsStated() {
				out = append(out, float64(l.V))
			}
		}
		for i := range s.Loads {
			out = append(out, float64(s.Loads[i].Rate.V))
		}
	case "leases":
		for i := range c.Leases {
			out = append(out, float64(c.Leases[i].Policy.Count.V))
		}
	case "errors":
		for i := range s.Faults {
			out = append(out, s.Faults[i].Amount)
		}
	case "length":
		for i := range s.Faults {
			out = append(out, s.Faults[i].For.Seconds())
		}
	case "time":
		for i := range s.Expects {
			out = append(out, s.Expects[i].From.Seconds(), s.Expects[i].To.Seconds())
		}
	}
	return out
}

// metric is one quantity of a reference case.
type metric struct {
	Metric string
	When   string
	Value  any
	TolRel float64 `json:"tol_rel"`
	TolAbs float64 `json:"tol_abs"`
}

var variantOf = regexp.MustCompile(`^(.*?)(?:=\d+)?(?:\[(.*)\])?$`)

// word is the metric without its variant: "goodput" of "goodput[outage 2 s]", and
// "wait_of_arrival_at_t" of "wait_of_arrival_at_t=60".
func (m metric) word() string { return variantOf.FindStringSubmatch(m.Metric)[1] }

// is reports whether an expectation says what the metric does: the measure, the
// time, the value and the tolerance.
func (m metric) is(e *scenario.Expect, horizon float64) bool {
	if collapsed, sentence := m.Value.(bool); sentence && m.word() == "collapsed" {
		return e.Kind == scenario.ExpectVerdict && e.Word == "metastable" && e.Not != collapsed
	}
	if recovers, sentence := m.Value.(bool); sentence {
		return (m.word() == "recovers" || m.word() == "goodput_restored") && e.Kind == scenario.ExpectRecovery && e.Not != recovers
	}
	if p, ok := m.Value.(float64); ok && m.word() == "P(collapsed within 7200 s)" {
		return e.Kind == scenario.ExpectVerdict && e.Word == "metastable" && !e.Not && e.Probability.IsStated() && float64(e.Probability.V) == p && e.Absolute == m.TolAbs
	}
	measure, ok := measureOf[m.word()]
	value, number := m.Value.(float64)
	if !ok || !number || e.Kind != scenario.ExpectNumber || e.Measure != measure || e.Relation != scenario.Is {
		return false
	}
	absolute := m.TolAbs
	if load := offeredTo[m.word()]; load > 0 {
		value, absolute = value*load, absolute*load
	}
	near := func(a, b float64) bool { return math.Abs(a-b) <= 2e-5*max(math.Abs(a), math.Abs(b))+1e-9 }
	return near(e.Value, value) && near(e.Relative, m.TolRel) && near(e.Absolute, absolute) && m.at(e, horizon)
}

var timesOf = regexp.MustCompile(`\d+(?:\.\d+)?`)

// at reports whether an expectation looks when the metric does. One without a time
// is of the whole run; where the metric has none, the case does not say when, and
// any time will do.
func (m metric) at(e *scenario.Expect, horizon float64) bool {
	var t []float64
	for _, text := range timesOf.FindAllString(m.When, -1) {
		x, _ := strconv.ParseFloat(text, 64)
		t = append(t, x)
	}
	from, to := 0.0, horizon
	if e.During {
		from, to = e.From.Seconds(), e.To.Seconds()
	}
	near := func(a, b float64) bool { return math.Abs(a-b) < 1e-6 }
	switch {
	case m.word() == "wait_of_arrival_at_t":
		_, time, _ := strings.Cut(m.Metric, "=")
		x, _ := strconv.ParseFloat(time, 64)
		return e.At.IsStated() && near(e.At.V.Seconds(), x)
	case m.When == "" || strings.HasPrefix(m.When, "after"):
		return true
	case m.word() == "admitted_total":
		return near(from, 0) && near(to, t[0])
	case strings.HasPrefix(m.When, "t="):
		return e.At.IsStated() && near(e.At.V.Seconds(), t[0])
	case strings.HasPrefix(m.When, "t>"):
		return near(from, t[0]) && near(to, horizon)
	case strings.HasPrefix(m.When, "last"):
		return near(from, horizon-t[0]) && near(to, horizon)
	}
	return len(t) == 2 && near(from, t[0]) && near(to, t[1])
}

// TestCasesSayTheReference holds that every quantity of the reference cases that
// scenarios can say stands in one, with its time, value and tolerance.
func TestCasesSayTheReference(t *testing.T) {
	data, err := os.ReadFile(filepath.Join("..", "..", "shared", "reference", "cases.json"))
	if err != nil {
		t.Skip("skipped: the reference cases are not beside this checkout")
	}
	var reference struct {
		Cases []struct {
			ID       string
			Expected []metric
		}
	}
	if err := json.Unmarshal(data, &reference); err != nil {
		t.Fatal(err)
	}
	files := allCases(t)
	seen := 0
	for _, c := range reference.Cases {
		if !slices.Contains(expressed, c.ID) {
			continue
		}
		seen++
		type said struct {
			expect  scenario.Expect
			horizon float64
			used    bool
		}
		var all []said
		for _, f := range files {
			if f.id() != c.ID {
				continue
			}
			_, s := f.open(t)
			for _, e := range s.Expects {
				all = append(all, said{e, s.Horizon.Seconds(), false})
			}
		}
		for _, m := range c.Expected {
			if bracket(t, files, c.ID, m) {
				continue
			}
			i := slices.IndexFunc(all, func(x said) bool { return !x.used && m.is(&x.expect, x.horizon) })
			if i < 0 {
				t.Errorf("%s: no expectation says %s %s = %v (±%v, ±%v)", c.ID, m.Metric, m.When, m.Value, m.TolRel, m.TolAbs)
				continue
			}
			all[i].used = true
		}
	}
	if seen != len(expressed) {
		t.Errorf("%d of %d cases are in the reference", seen, len(expressed))
	}
}

// bracket checks a threshold; it reports whether the metric is one.
func bracket(t *testing.T, files []caseFile, id string, m metric) bool {
	t.Helper()
	for _, b := range bracketed {
		if b.id != id || b.metric != m.Metric {
			continue
		}
		value := m.Value.(float64)
		off := max(m.TolAbs, m.TolRel*value)
		for _, side := range []struct {
			name string
			want float64
		}{{b.below, value - off}, {b.above, value + off}} {
			if side.name == "" {
				continue
			}
			i := slices.IndexFunc(files, func(f caseFile) bool { return f.id() == id && f.name == side.name })
			if i < 0 {
				t.Errorf("%s %s: there is no %s.toml", id, m.Metric, side.name)
				continue
			}
			numbers := files[i].numbers(t, b.number)
			if !slices.ContainsFunc(numbers, func(x float64) bool { return math.Abs(x-side.want) <= 2e-3*side.want }) {
				t.Errorf("%s %s: %s has no %s of %.6g, but %v", id, m.Metric, files[i], b.number, side.want, numbers)
			}
		}
		return true
	}
	return false
}
