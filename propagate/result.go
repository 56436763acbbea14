package propagate

import (
	"github.com/knockon/knockon/propagate/plan"
	"github.com/knockon/knockon/propagate/scenario"
)

// Result is what came of a scenario. Services and needs stand in the order of the
// catalog; every series has one entry per bin.
type Result struct {
	Scenario    *scenario.Scenario
	Times       []float64         // seconds; bin i is [Times[i], Times[i+1])
	Services    []ServiceResult   // by ID
	Needs       []NeedResult      // by service, then in canonical order
	Leases      []LeaseResult     // as in the catalog
	Outside     []float64         // requests from outside, to all services together, by bin
	Assumptions []plan.Assumption // what was not stated and mattered to the run, by service
	Doubts      []Doubt           // reasons not to trust this, by service
	Actions     []ActionResult    // of the scenario's actions, in their order
	FaultEnds   []float64         // seconds; when the faults of the scenario were over, in their order; +Inf for ever
	Expects     []Outcome         // of the scenario's expectations, in their order
	Verdict     Verdict
	Steps       Steps
	Balance     float64  // largest relative error of the mass balance
	Partial     bool     // interrupted: the series end before the horizon
	Ignored     []string // what the catalog declares and this engine does not play, sorted
}

// ServiceResult is one service over time.
type ServiceResult struct {
	ID       string
	Bins     []ServiceBin
	Windows  []Window // in order of time; times without a window are healthy
	Capacity float64  // requests per second when well; +Inf without limit
	Servers  float64  // requests in service at once; +Inf without limit
	Nominal  float64  // requests per second when all is well
	Replicas float64  // declared; 1 where they are not
	MaxQueue float64  // greatest length, at any step
	EmptyAt  float64  // seconds; when the queue was empty again after its greatest length; NaN if it was not, 0 if it never was longer than nothing
	Faulted  bool     // a fault of the scenario strikes it
	Hand     []Span   // when it waited for a restart, all of it or a part
	Change   []string // services it needs to start, to scale or to be changed
	Recent   []string // services of which it has to know what is recent, and fails where it does not
	Tests    []Tested // health checks that can take its replicas out of rotation
	Bound    float64  // of its queue, requests, where that was ever full; +Inf otherwise
}

// Tested is a health check of a service.
type Tested struct {
	Check  string
	Recent []string // services that have to be recent for it to pass
}

// ServiceBin is what a service did in one bin. Counts are requests, not rates.
type ServiceBin struct {
	Offered   float64 // originals that arrived: first attempts, and load from outside
	Attempts  float64 // all attempts that arrived
	Good      float64 // answered rightly and in time
	Failed    float64 // originals that failed for good, as their callers count
	Timeouts  float64 // attempts given up by their callers
	Errors    float64 // attempts answered with an error
	Refused   float64 // attempts refused because it was down
	Throttled float64 // attempts refused by a throttle or by shedding
	Full      float64 // attempts refused because the queue was full
	Finished  float64 // requests finished, whether or not anybody waited
	Wasted    float64 // of Finished: nobody waited any more
	Expired   float64 // dropped from the queue unserved
	Dead      float64 // given up to the dead letters
	Latency   float64 // of Finished: seconds from arrival to answer, summed

	Queue     float64 // waiting at the end of the bin
	MeanQueue float64 // averaged over the bin
	MaxQueue  float64
	Age       float64 // seconds; oldest waiting request, at the end
	Wait      float64 // seconds; of a request that arrives at the end
	Busy      float64 // share of the servers, averaged over the bin
	Capacity  float64 // share of the capacity that was there, averaged

	Replicas        float64 // that serve, averaged
	InRotation      float64 // of them, get traffic, averaged
	RotationChanges float64 // replicas taken out of rotation or put back
	Deferred        float64 // of Offered: had failed before, and came again

	State State // at the end of the bin
}

// NeedResult is one need of one service for one target over time. A group of
// alternatives has one for every member.
type NeedResult struct {
	Service string
	Target  string
	Index   int // of the need in the service's canonical order
	Async   bool
	Soft    bool    // the service goes on without it
	Timeout float64 // seconds; +Inf without
	Retries int     // attempts after the first
	Nominal float64 // calls per second when all is well
	Bins    []NeedBin
	Opens   float64 // how often the breaker of one client opened
}

// NeedBin is what calls for one need did in one bin. Counts are calls.
type NeedBin struct {
	Calls    float64 // first attempts
	Attempts float64 // sent, retries included
	Good     float64 // attempts answered rightly and in time
	Timeouts float64
	Rejected float64 // refused at once by the target
	Errors   float64 // answered with an error
	Stopped  float64 // not sent: breaker, bulkhead or client throttle
	Denied   float64 // retries not allowed by the budget
	Failed   float64 // calls that failed for good
	Lost     float64 // requests of the service that failed for this need
	Hits     float64 // calls that were not made: answered from the cache
	Barred   float64 // likewise: the cache knew that they fail
	Joined   float64 // likewise: they waited for another's
	InFlight float64 // sent and neither answered nor given up, at the end of the bin
	Open     float64 // share of the bin in which the breaker was not closed
}

// State is how a service is at one time, worse ones greater.
type State uint8

// The states of a service; scenario.States has their words.
const (
	Healthy State = iota
	Recovering
	Exposed // it works, and what would protect it is switched off
	Frozen
	Throttled
	Delayed
	Degraded
	Down
)

func (s State) String() string { return scenario.States[s] }

// Window is a span in which a service was impaired in one way.
type Window struct {
	From, To float64 // seconds; To is the end of the run where it was not over
	State    State
	Open     bool // not over when the run ended
}

// Span is a time from one second to another.
type Span struct{ From, To float64 }

// Outcome is an expectation and whether it was met.
type Outcome struct {
	Expect scenario.Expect
	Met    bool
	So     bool    // of a verdict: it is as expected, whatever the probability
	Got    string  // what was found, for messages
	Value  float64 // of a number; NaN where there is none
}

// Verdict is how a run ends, with the evidence.
type Verdict struct {
	Word       string           // one of scenario.Verdicts
	Services   []ServiceVerdict // impaired at any time, worst first
	TriggerEnd float64          // seconds; when the last fault or change of load was over; +Inf if never
}

// ServiceVerdict is how one service ends.
type ServiceVerdict struct {
	ID       string
	Word     string  // one of scenario.Verdicts
	From, To float64 // first and last impairment, seconds
	Worst    State
	Lost     float64 // originals that failed
	Attempts float64 // per original, in the last part of the run
	Recovery float64 // seconds from the end of the trigger to health; NaN while it is not healthy
	Evidence string  // one sentence with the numbers; of a metastable service
}

// Steps is how the run was stepped.
type Steps struct {
	Taken, Refused    int     // refused ones were too long and were taken again
	Shortest, Longest float64 // seconds
	Base              float64 // seconds; the step in which nothing that matters is missed
}

// Options are how to run.
type Options struct {
	Tolerance float64            // 0: DefaultTolerance
	Progress  func(done float64) // share of the horizon; may be nil

	Stochastic bool   // flows are drawn by chance, under Seed, and not their means
	Seed       uint64 // of a stochastic run
}

// DefaultTolerance is the share of a time-out that a step may take while rates
// change, and the change of a rate that a step may make beyond that.
const DefaultTolerance = 0.05
