// Package scenario is what happens to a catalog: faults, changes of load, what
// operators do, and what is expected of it all, which makes a scenario a test.
//
// A scenario is a TOML file; docs/scenario.md is its reference. Times count from
// the start of the scenario.
package scenario

import (
	"time"

	"github.com/knockon/knockon/catalog/diag"
	"github.com/knockon/knockon/catalog/toml"
	"github.com/knockon/knockon/catalog/unit"
)

// Format is the version of the scenario language this package reads.
const Format = 1

// Scenario is one course of events.
type Scenario struct {
	ID          string // from `scenario = "…"`; the file's name without its ending where not stated
	Title       string // for people; the ID where not stated
	Description string
	Catalogs    []string      // files, folders or builtin:NAME, relative to the scenario's file
	CatalogAt   diag.Span     // where they are named
	Start       time.Time     // on the wall clock, with the offset it is written with; zero where not stated
	Horizon     unit.Duration // how long it is played
	Resolution  unit.Duration // of the recorded series; 0: chosen from the horizon
	Engine      Engine        // what plays it
	Seeds       int64         // how many runs, where chance decides; 0 where not stated
	Faults      []Fault       // in the order of the file
	Loads       []Load        // in the order of the file
	Observers   []Observer    // in the order of the file
	Actions     []Action      // in the order of the file
	Expects     []Expect      // in the order of the file
	Record      *Record       // what was recorded of it, where it happened; nil where it did not
	File        string        // as it was named

	doc *toml.Document // for the lines that Check shows; nil where no file was read
}

// Fault is something that goes wrong by itself.
type Fault struct {
	ID      string // may be empty
	At      unit.Duration
	For     unit.Duration // 0: to the horizon; of a lapse: at once
	Service string        // "" of a lapse
	Lease   string        // of a lapse: whose leases are lost; "" of the others
	Effect  Effect
	Amount  float64       // of slow: times; of errors, capacity and lapse: a share (0..1)
	Up      unit.Duration // of flapping: time well
	Down    unit.Duration // of flapping: time down, which comes first
	Zone    string        // only this zone; may be empty
	Count   int64         // only so many replicas, wherever they stand; 0: all, or all of the zone
	Known   Known         // of an incident
	Span    diag.Span

	ServiceAt diag.Span // where Service is named
	LeaseAt   diag.Span // where Lease is named
	ZoneAt    diag.Span // where Zone is named
	CountAt   diag.Span // where Count is stated
}

// Effect is what a fault does to a service.
type Effect uint8

// The effects of faults.
const (
	Down      Effect = iota // refuses what comes and fails what is in service
	Blackhole               // takes what comes and never answers
	Slow                    // every request takes Amount times as long
	Errors                  // a share of Amount of the answers are errors
	Capacity                // a share of Amount of the capacity is left; what is in service finishes
	Corrupt                 // answers wrongly
	Flapping                // down, then well, in turns
	Lapse                   // a share of Amount of the leases held is lost, at once or evenly over For
)

// EffectWords are the effects as a scenario writes them, by value.
var EffectWords = []string{"down", "blackhole", "slow", "errors", "capacity", "corrupt", "flapping", "lapse"}

func (e Effect) String() string { return EffectWords[e] }

// Load is a change of what is offered to a service from outside.
type Load struct {
	ID      string // may be empty
	Service string
	At      unit.Duration
	For     unit.Duration // 0: to the horizon
	Ramp    unit.Duration // time in which the change is made, from At on, and unmade again before For is over
	Rate    unit.Value[unit.Rate]
	Times   float64 // of the load before; 0 where Rate, Points or Daily is stated
	Points  []Point // in order of time; straight lines between them where Linear, else steps
	Linear  bool
	Daily   *Daily
	Span    diag.Span

	ServiceAt diag.Span // where Service is named
}

// Point is a load at a time.
type Point struct {
	At   unit.Duration // from the start of the scenario; the first is the At of its Load
	Rate unit.Rate
}

// Daily is a load that follows the day: a cosine with its peak at Peak after
// midnight (of the wall clock, or of the start where there is none), and at the
// trough Trough of the peak. The catalog's load is the peak.
type Daily struct {
	Peak   unit.Duration
	Trough float64
}

// Known is how something that happened is known.
type Known struct {
	Confidence string // one of Confidences; "" where not stated
	Facts      string // what it is known from
}

// Observer is somebody, or something, that sees what happens. It is blind while
// one of its Needs is down or frozen.
type Observer struct {
	ID    string
	Needs []string      // services, in the order of the file
	Lag   unit.Duration // from what happens to what is seen
	Span  diag.Span

	NeedsAt []diag.Span // where Needs are named, one each
}

// Action is something operators do: at a time, or after what they observe or have
// done. From the decision it takes Tries attempts that fail, Again after each of
// them, and Takes to the effect.
type Action struct {
	ID    string        // may be empty
	At    unit.Duration // when it is decided; 0 where After is stated
	Known Known         // of what operators did in an incident
	After *Trigger      // nil: at At
	Tools []string      // services; it waits while one of them is down; in the order of the file
	Tries int           // attempts that fail before one works
	Again unit.Duration // from the end of an attempt that fails to the beginning of the next; 0 where Tries is 0
	Takes unit.Duration // from the decision, or the last attempt, to the effect
	Do    []Deed        // in the order of the file
	Span  diag.Span

	ToolsAt []diag.Span // where Tools are named, one each
}

// Trigger is what an action waits for: a condition that an observer sees, or the
// completion of another action. Decide after it the action is decided.
type Trigger struct {
	Observed *Condition    // nil where Done is stated
	For      unit.Duration // how long Observed must be so without a break before it counts
	By       string        // an observer; "": seen at once, and never blind
	Done     string        // the ID of another action; "" where Observed is stated
	Decide   unit.Duration
	Span     diag.Span

	ByAt   diag.Span // where By is named
	DoneAt diag.Span // where Done is named
}

// Condition is a sentence about the present that is true or not: "dwfm is not
// healthy", "queue of dwfm is over 5000".
type Condition struct {
	Kind    ConditionKind
	Text    string // as it was written, for messages
	Service string // of a state, or of a number of a service
	Lease   string // of a number of a lease

	Not  bool   // of a state: in any other
	Word string // of a state

	Measure  Measure  // of a number
	Relation Relation // of a number: Over or Under
	Value    float64  // seconds, requests per second, shares, or plain
	Share    bool     // Value is a share (1 is all) of what is nominal; see MeasureInfo.Nominal
	Span     diag.Span

	NamedAt diag.Span // where Service or Lease is named
}

// ConditionKind is what a condition is about.
type ConditionKind uint8

// The kinds of conditions.
const (
	StateCondition ConditionKind = iota
	NumberCondition
)

// Deed is one thing done to one service, need, fault, lease or automatic action.
type Deed struct {
	Verb      Verb
	Target    string        // a service; of Restore and RollBack a fault's ID; of Pace, Unpace, Pause and Resume a lease; of Disable and Enable a health check; "" where From and To are stated
	PutBack   bool          // of Disable: what the health check has taken out of rotation returns to it
	Autoscale bool          // of Disable and Enable: Target is a service, and this is about its autoscaling
	From      string        // of Cut, Bypass, FailOver and Mend: the service whose need it is
	To        string        // of these: the service that it needs
	Instead   string        // of FailOver: the service that From calls in place of To
	Zone      string        // of Drain and Undrain
	Class     int64         // of Shed: requests of this priority and of less important ones, which have greater numbers
	Rate      unit.Rate     // of a throttle by rate, and of a pace
	Share     float64       // of capacity, and of a throttle by share of the capacity; where Rate is 0 as well, nothing is admitted
	Length    unit.Duration // of a restart: time without capacity, of each wave
	Waves     int           // of a restart: equal parts of the replicas, one after another; 0 and 1: all at once
	Every     unit.Duration // of a restart in waves: from the beginning of one to that of the next
	Purge     bool          // of a restart: what waits is lost; true where not stated
	Relax     unit.Duration // of a throttle: over so long it grows straight to the full capacity, and is then gone; 0: it stays
	Until     *Condition    // of a throttle: it is lifted once this is so; nil: it stays
	Span      diag.Span

	TargetAt  diag.Span // where Target is named
	FromAt    diag.Span // where From is named
	ToAt      diag.Span // where To is named
	InsteadAt diag.Span // where Instead is named
	ZoneAt    diag.Span // where Zone is named
}

// Verb is what can be done.
type Verb uint8

// The deeds of operators.
const (
	Purge       Verb = iota // throw away what waits; clients learn of it by time-out
	Throttle                // admit no more than Rate, or than Share of the capacity
	Unthrottle              // undo Throttle
	StopRetries             // callers of Target make no second attempts
	LetRetry                // undo StopRetries
	SetCapacity             // Share of the declared capacity
	Restart                 // no capacity for Length, and what waits is lost where Purge; heals what only comes back by hand
	Restore                 // ends the fault Target
	RollBack                // the same, of a fault that was a change
	Drain                   // no traffic to the replicas in Zone
	Undrain                 // undo Drain
	Cut                     // calls of a need are not sent, and fail at once
	Bypass                  // calls of a need are not sent, and count as answered
	FailOver                // calls of a need go to Instead
	Mend                    // undo Cut, Bypass and FailOver
	Shed                    // requests of Class and of less important ones are refused
	Unshed                  // undo Shed
	Disable                 // a health check, or autoscaling, does nothing
	Enable                  // undo Disable
	Pace                    // no more than Rate attempts to regrant a lease are admitted
	Unpace                  // undo Pace, to what the catalog says
	Pause                   // no attempts to regrant a lease
	Resume                  // undo Pause
	DropExpired             // what has expired while it waited is dropped when its turn comes
)

// VerbWords are the deeds as a scenario writes them, by value.
var VerbWords = []string{
	"purge", "throttle", "unthrottle", "stop_retries", "let_retry", "set_capacity", "restart",
	"restore", "roll_back", "drain", "undrain", "cut", "bypass", "fail_over", "mend", "shed", "unshed",
	"disable", "enable", "pace", "unpace", "pause", "resume", "drop_expired",
}

func (v Verb) String() string { return VerbWords[v] }

// Expect is one thing that is expected, and makes the scenario a test. It is one of
//
//   - a state: that = "checkout is down", at a time or during a span;
//   - a recovery: that = "checkout recovers", within a time after the last fault;
//   - a verdict: that = "verdict is metastable", of the run or of a share of many;
//   - a number: measure = "goodput", of = "checkout", is = "600/s", tolerance = "3%".
type Expect struct {
	Kind    ExpectKind
	Text    string // as it was written, for messages
	Service string // of a state, a recovery, or a number of a service
	Need    string // the target, where a number is of the need of Service for Need
	Lease   string // of a number of a lease
	Not     bool   // the opposite is expected
	Word    string // the state or verdict

	At     unit.Value[unit.Duration]
	From   unit.Duration // of during
	To     unit.Duration
	During bool
	Within unit.Value[unit.Duration]
	After  unit.Value[unit.Duration] // where a recovery is counted from; TriggerEnd where not stated

	Probability unit.Value[unit.Ratio] // of a verdict: in so many of the runs it is so, give or take Absolute; where not stated, of the one run

	Measure  Measure
	Share    float64 // of TimeToHeld: of the leases (0..1]
	As       Aggregate
	Bin      unit.Duration // of Max and Min: the length a rate is taken over; the recorded resolution where 0
	Relation Relation
	Value    float64 // seconds, requests per second, shares, or plain
	Relative float64 // tolerance as a share of Value
	Absolute float64 // tolerance in the unit of Value; the larger of both counts
	Span     diag.Span

	ServiceAt diag.Span // where Service is named
	NeedAt    diag.Span // where Need is named
	LeaseAt   diag.Span // where Lease is named
}

// ExpectKind is what an expectation is about.
type ExpectKind uint8

// The kinds of expectations.
const (
	ExpectState ExpectKind = iota
	ExpectRecovery
	ExpectVerdict
	ExpectNumber
)

// Relation is how a number is compared.
type Relation uint8

// The relations. Expectations have the first three, conditions the others.
const (
	Is Relation = iota
	AtLeast
	AtMost
	Over
	Under
)

// Aggregate is how a series becomes one number.
type Aggregate uint8

// The aggregates. Value is at a time; the others are over a span, or the whole run.
const (
	Auto Aggregate = iota // Value at a time, else Mean
	Mean
	Total
	Max
	Min
)

// AggregateWords are the aggregates as a scenario writes them, by value.
var AggregateWords = []string{"", "mean", "total", "max", "min"}

// States are the words for the state of a service over time; see docs/scenario.md.
var States = []string{"healthy", "recovering", "exposed", "frozen", "throttled", "delayed", "degraded", "down"}

// Verdicts are the words for how a run ends.
var Verdicts = []string{"healthy", "recovered", "degraded", "metastable", "ongoing"}
