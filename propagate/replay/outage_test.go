package replay_test

import (
	"context"
	"flag"
	"math"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/knockon/knockon/catalog"
	"github.com/knockon/knockon/catalog/builtin"
	"github.com/knockon/knockon/catalog/unit"
	"github.com/knockon/knockon/propagate"
	"github.com/knockon/knockon/propagate/replay"
	"github.com/knockon/knockon/propagate/scenario"
)

// outage is the incident of 20 October 2025, to be changed and played.
type outage struct {
	c  *catalog.Catalog
	sc *scenario.Scenario
}

func newOutage(t *testing.T) *outage {
	t.Helper()
	fsys, ok := builtin.Incident("aws-2025-10-20")
	if !ok {
		t.Fatal("there is no such incident")
	}
	sc, faults, err := scenario.ReadIncident(fsys, "aws-2025-10-20")
	if err != nil || len(faults) > 0 {
		t.Fatal(err, faults)
	}
	source, _ := catalog.Builtin("aws-us-east-1")
	c, faults, err := catalog.Load(source)
	if err != nil || len(faults) > 0 {
		t.Fatal(err, faults)
	}
	return &outage{c, sc}
}

// long skips what takes more than a few seconds, unless it is asked for.
func long(t *testing.T) {
	t.Helper()
	if os.Getenv("KNOCKON_LONG") == "" && !strings.Contains(flag.Lookup("test.run").Value.String(), "Long") {
		t.Skip("skipped: go test -run Long, or KNOCKON_LONG=1, plays the outage of 20 October 2025 and what could have been")
	}
}

// without leaves actions out.
func (o *outage) without(ids ...string) {
	o.sc.Actions = slices.DeleteFunc(slices.Clone(o.sc.Actions), func(a scenario.Action) bool { return slices.Contains(ids, a.ID) })
}

func (o *outage) action(t *testing.T, id string) *scenario.Action {
	t.Helper()
	i := slices.IndexFunc(o.sc.Actions, func(a scenario.Action) bool { return a.ID == id })
	if i < 0 {
		t.Fatalf("there is no action %q", id)
	}
	return &o.sc.Actions[i]
}

// play runs it for so many minutes, with the actions that come in that time.
func (o *outage) play(t *testing.T, minutes float64) night {
	t.Helper()
	o.sc.Horizon = unit.FromSeconds(60 * minutes)
	o.sc.Actions = slices.DeleteFunc(slices.Clone(o.sc.Actions), func(a scenario.Action) bool { return a.At >= o.sc.Horizon })
	sc := replay.Finer(o.sc)
	res, err := propagate.Run(context.Background(), o.c, sc, propagate.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%d steps", res.Steps.Taken)
	return night{replay.Impacts(o.c, res, sc.Record, replay.Shown), res}
}

// night is what came of it.
type night struct {
	impacts []replay.Impact
	res     *propagate.Result
}

// last is the last minute of a span at which a service was in a state, or in any where
// none is named; NaN if it never was.
func (n night) last(service string, from, to float64, states ...propagate.State) float64 {
	last := math.NaN()
	for _, x := range n.impacts {
		if x.Service == service && x.From < to && x.To > from && (len(states) == 0 || slices.Contains(states, x.State)) {
			last = min(x.To, to)
		}
	}
	return last
}

// TestProtectedRecord: nothing else is wrong with that night. With the record in place
// nobody notices anything, whatever the load of the day and what operators do not do.
func TestProtectedRecord(t *testing.T) {
	o := newOutage(t)
	o.sc.Faults = nil
	o.sc.Actions = nil
	n := o.play(t, 24*60)
	for _, x := range n.impacts {
		t.Errorf("%s is %v from %v to %v", x.Service, x.State, x.From, x.To)
	}
}

// TestFiveMinutes: few leases have run out by then, so those that have to be made anew
// are fewer than twice what DWFM makes within a deadline. There is no collapse, and when
// the last client has forgotten the empty answer, a quarter of an hour after it was
// replaced, all is over but for the backlogs of a few minutes.
func TestFiveMinutes(t *testing.T) {
	o := newOutage(t)
	o.without("internal-endpoints", "unstick-dwfm", "restore-poller")
	o.action(t, "restore-record").At = unit.FromSeconds(5 * 60)
	n := o.play(t, 90)
	for _, x := range n.impacts {
		// The poller waits for a hand, and who hands it work waits with it.
		if x.To > 35 && !slices.Contains([]string{"lambda-sqs-poller", "batch-pipeline", "organizations"}, x.Service) {
			t.Errorf("%s is %v from %v to %v", x.Service, x.State, x.From, x.To)
		}
	}
}

// TestNight: the replay, and the bar that was set for it beforehand.
func TestNight(t *testing.T) {
	o := newOutage(t)
	n := o.play(t, 30*60)
	h := replay.New(o.c, n.res, nil).Headline
	t.Logf("onset %+v, recovery %+v, overlap %v, false %v", h.Onset, h.Recovery, h.Overlap, h.False)
	if h.Onset.Median > 15 || h.Onset.P90 > 60 || h.Recovery.Median > 15 || h.Recovery.P90 > 60 {
		t.Errorf("onsets are off by %+v, recoveries by %+v", h.Onset, h.Recovery)
	}
	if h.Overlap < 0.85 || h.Control > 0 {
		t.Errorf("overlap %v; %v minutes where all was well", h.Overlap, h.Control)
	}

	// At 08:00 a post-mortem would say of Lambda that hosts were out of rotation, as checks
	// went by a Network Manager that was behind with what had been held up by DWFM.
	var chain []string
	for c := n.res.Why("lambda-invoke", 492*60); c != nil; c = &c.Because[0] {
		chain = append(chain, c.Service+" "+c.Target)
		if len(c.Because) == 0 {
			break
		}
	}
	want := []string{
		"lambda-fleet lambda-hosts", "lambda-fleet network-manager", "network-manager instance-changes",
		"instance-changes dwfm", "dwfm dwfm-hosts", "dwfm-hosts dynamodb", "dynamodb dynamodb-dns", "dynamodb-dns ",
	}
	at := 0
	for _, link := range chain {
		if at < len(want) && link == want[at] {
			at++
		}
	}
	if at < len(want) {
		t.Errorf("the chain of causes is %q, without %q", chain, want[at])
	}
}

// TestNobodyThrottles: leases that have to be made anew are more than twice what
// DWFM makes within a deadline. What it works on has been given up by then and is asked
// for again, behind what it will work on in vain (closedform.LeaseStorm).
// Nothing in that ends by itself: launches fail to the end.
func TestNobodyThrottles(t *testing.T) {
	o := newOutage(t)
	o.without("unstick-dwfm", "relax-launches")
	const end = 14 * 60
	n := o.play(t, end)
	if got := n.last("ec2-launch", 200, end, propagate.Down); got != end {
		t.Errorf("launches are down until %v, not to the end", got)
	}
	if held := n.res.Leases[0].Bins[end-1].Held; held > 0.1*n.res.Leases[0].Count {
		t.Errorf("%v leases are held", held)
	}
}

// TestAtOnce: throttled and restarted as soon as the record is back, DWFM makes all
// leases in as long as it took it after 04:14, for that is work and not waiting: about 75
// minutes instead of three hours.
func TestAtOnce(t *testing.T) {
	o := newOutage(t)
	o.action(t, "unstick-dwfm").At = unit.FromSeconds(157 * 60)
	n := o.play(t, 5*60)
	if got := n.last("ec2-launch", 160, 300, propagate.Down) - 157; !(got > 60 && got < 95) {
		t.Errorf("launches are back %v minutes after the record", got)
	}
}

// TestPacedFromTheStart: with no more asking at a time than can be answered, nothing
// has to be thrown away, and leases are all made without anybody: a million at 290/s are
// 58 minutes, and those of the longest life never lapse.
func TestPacedFromTheStart(t *testing.T) {
	o := newOutage(t)
	o.without("unstick-dwfm")
	for i := range o.c.Leases {
		if l := &o.c.Leases[i]; l.ID == "droplets" {
			l.Policy.Regrant.Pace = unit.Value[unit.Rate]{V: 290, Evidence: unit.Stated}
		}
	}
	n := o.play(t, 5*60)
	if got := n.last("ec2-launch", 160, 300, propagate.Down) - 157; !(got < 95) {
		t.Errorf("launches are back %v minutes after the record", got)
	}
}

// TestBoundOnRemoval: the second wave is capacity that health checks took away while
// nothing was wrong with it. Where they may take no more than is spare, network state is
// as late as it was, and nobody's requests fail of it.
func TestBoundOnRemoval(t *testing.T) {
	o := newOutage(t)
	for i := range o.c.HealthChecks {
		if h := &o.c.HealthChecks[i]; h.ID == "nlb-targets" || h.ID == "lambda-hosts" {
			h.Policy.OnFail.MaxRemoved = unit.Value[unit.Ratio]{V: 0.2, Evidence: unit.Stated}
		}
	}
	o.without("failover-off", "failover-on", "let-events-go")
	const end = 14 * 60
	n := o.play(t, end)
	if got := n.last("network-manager", 420, 600, propagate.Delayed); math.IsNaN(got) {
		t.Error("Network Manager is not late, and this says nothing")
	}
	for _, id := range []string{"nlb", "sts", "connect", "lambda-invoke", "lambda-async"} {
		if got := n.last(id, 200, end); !math.IsNaN(got) {
			t.Errorf("%s is impaired until %v", id, got)
		}
	}
}

// TestWhatIsFittedHasARange: foretelling draws what was fitted to the whole night from
// ranges that were argued beforehand, so that each such value has to have one.
func TestWhatIsFittedHasARange(t *testing.T) {
	o := newOutage(t)
	fitted := 0
	for _, p := range replay.Parameters(o.c, o.sc) {
		if p.Evidence == unit.Fitted {
			fitted++
			if math.IsNaN(p.Low) {
				t.Errorf("%s is fitted and has no range", p.Name)
			}
		}
	}
	if fitted == 0 {
		t.Error("nothing is fitted, and this says nothing")
	}
}

// TestLongForetoldWithoutTheRest: at 05:28 nobody knows when the rest of the night ends.
// Another end of it, in the record and in the values that were fitted to it, gives the
// same draws and intervals.
func TestLongForetoldWithoutTheRest(t *testing.T) {
	long(t)
	o := newOutage(t)
	const until = 340.0
	foretold := func() *replay.Prediction {
		p, err := replay.Predict(t.Context(), o.c, replay.Finer(o.sc), until, 8, 1, func(ctx context.Context, c *catalog.Catalog, sc *scenario.Scenario) (*propagate.Result, error) {
			return propagate.Run(ctx, c, sc, propagate.Options{})
		}, nil)
		if err != nil {
			t.Fatal(err)
		}
		return p
	}
	want := foretold()
	rec := *o.sc.Record
	rec.Windows = slices.Clone(rec.Windows)
	for i := range rec.Windows {
		for _, m := range []*scenario.Moment{&rec.Windows[i].Start, &rec.Windows[i].End} {
			if m.Known && m.High > 60*until { // twice as long after that time, in the same order
				m.Low, m.High = 60*until+2*(m.Low-60*until), 60*until+2*(m.High-60*until)
			}
		}
	}
	o.sc.Record = &rec
	for i := range o.c.Services {
		if s := &o.c.Services[i]; s.ID == "nlb" || s.ID == "lambda-fleet" {
			s.Capacity.V *= 1.2
		}
	}
	got := foretold()
	if len(want.Boundaries) < 10 || len(got.Boundaries) != len(want.Boundaries) {
		t.Fatalf("%d and %d boundaries", len(got.Boundaries), len(want.Boundaries))
	}
	same := func(a, b float64) bool { return a == b || math.IsNaN(a) && math.IsNaN(b) }
	for i := range want.Boundaries {
		a, b := &got.Boundaries[i], &want.Boundaries[i]
		if a.Ends != b.Ends || !same(a.Low, b.Low) || !same(a.Median, b.Median) || !same(a.High, b.High) || a.None != b.None {
			t.Errorf("%+v, not %+v", a, b)
		}
	}
	for i := range want.Parameters {
		if a, b := &got.Parameters[i], &want.Parameters[i]; a.From != b.From || a.To != b.To || a.Informed != b.Informed {
			t.Errorf("%+v, not %+v", a, b)
		}
	}
}

// TestLongPointOfNoReturn: leases lapse evenly while the record is gone. While those that
// have are fewer than DWFM makes within a deadline, all is over soon after it is back; from
// some minute on they are more, and nothing in that ends by itself. So waiting costs little
// before, very much at one minute, and little again after it. Nobody throttles or
// restarts here; the poller waits for a hand in any case.
func TestLongPointOfNoReturn(t *testing.T) {
	long(t)
	o := newOutage(t)
	o.sc.Actions = slices.DeleteFunc(slices.Clone(o.sc.Actions), func(a scenario.Action) bool { return a.ID != "restore-record" && a.ID != "restore-poller" })
	o.sc.Horizon = unit.FromSeconds(60 * 8 * 60)
	play := func(ctx context.Context, sc *scenario.Scenario) (*propagate.Result, error) {
		return propagate.Run(ctx, o.c, sc, propagate.Options{})
	}
	base, err := play(t.Context(), replay.Finer(o.sc))
	if err != nil {
		t.Fatal(err)
	}
	h, err := replay.Delay(t.Context(), o.c, base, replay.DefaultGrace, play, nil)
	if err != nil {
		t.Fatal(err)
	}
	if len(h.Actions) != 2 {
		t.Fatalf("%+v", h.Actions)
	}
	record, poller := h.Actions[0], h.Actions[1]
	if !(record.Last >= 5 && record.Last <= 30) || record.InTime || !math.IsNaN(record.Relapse) {
		t.Errorf("the record back at minute %v avoids the collapse: %+v", record.Last, record)
	}
	if x := record.Cliff; x == nil || !(x.From > record.Last && x.From > 30 && x.To < 120 && x.To-x.From <= 1) {
		t.Errorf("what it is worth falls at %+v: %+v", x, record)
	}
	if !math.IsNaN(poller.Last) || !poller.Matters {
		t.Errorf("the poller avoids the collapse of launches: %+v", poller)
	}
}
