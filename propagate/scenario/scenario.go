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
	Faults      []Fault       // in the order of the file
	Loads       []Load        // in the order of the file
	Actions     []Action      // in the order of the file
	Expects     []Expect      // in the order of the file
	File        string        // as it was named

	doc *toml.Document // for the lines that Check shows; nil where no file was read
}

// Fault is something that goes wrong by itself.
type Fault struct {
	ID      string // may be empty
	At      unit.Duration
	For     unit.Duration // 0: to the horizon
	Service string
	Effect  Effect
	Amount  float64       // of slow: times; of errors and capacity: a share (0..1)
	Up      unit.Duration // of flapping: time well
	Down    unit.Duration // of flapping: time down, which comes first
	Zone    string        // only this zone; may be empty
	Span    diag.Span

	ServiceAt diag.Span // where Service is named
	ZoneAt    diag.Span // where Zone is named
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
)

// EffectWords are the effects as a scenario writes them, by value.
var EffectWords = []string{"down", "blackhole", "slow", "errors", "capacity", "corrupt", "flapping"}

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

// Action is something operators do.
type Action struct {
	ID   string // may be empty
	At   unit.Duration
	Do   []Deed // in the order of the file
	Span diag.Span
}

// Deed is one thing done to one service.
type Deed struct {
	Verb   Verb
	Target string        // a service
	Rate   unit.Rate     // of a throttle by rate
	Share  float64       // of capacity, and of a throttle by share of the capacity; where Rate is 0 as well, nothing is admitted
	Length unit.Duration // of a restart: time without capacity
	Span   diag.Span

	TargetAt diag.Span // where Target is named
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
	Restart                 // no capacity for Length, and what waits is lost
)

// VerbWords are the deeds as a scenario writes them, by value.
var VerbWords = []string{"purge", "throttle", "unthrottle", "stop_retries", "let_retry", "set_capacity", "restart"}

func (v Verb) String() string { return VerbWords[v] }

// Expect is one thing that is expected, and makes the scenario a test. It is one of
//
//   - a state: that = "checkout is down", at a time or during a span;
//   - a recovery: that = "checkout recovers", within a time after the last fault;
//   - a verdict: that = "verdict is metastable";
//   - a number: measure = "goodput", of = "checkout", is = "600/s", tolerance = "3%".
type Expect struct {
	Kind    ExpectKind
	Text    string // as it was written, for messages
	Service string // of a state, a recovery, or a number of a service
	Need    string // the target, where a number is of the need of Service for Need
	Not     bool   // the opposite is expected
	Word    string // the state or verdict

	At     unit.Value[unit.Duration]
	From   unit.Duration // of during
	To     unit.Duration
	During bool
	Within unit.Value[unit.Duration]
	After  unit.Value[unit.Duration] // where a recovery is counted from; TriggerEnd where not stated

	Measure  Measure
	As       Aggregate
	Bin      unit.Duration // of Max and Min: the length a rate is taken over; the recorded resolution where 0
	Relation Relation
	Value    float64 // seconds, requests per second, shares, or plain
	Relative float64 // tolerance as a share of Value
	Absolute float64 // tolerance in the unit of Value; the larger of both counts
	Span     diag.Span

	ServiceAt diag.Span // where Service is named
	NeedAt    diag.Span // where Need is named
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

// The relations.
const (
	Is Relation = iota
	AtLeast
	AtMost
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
var States = []string{"healthy", "recovering", "frozen", "throttled", "delayed", "degraded", "down"}

// Verdicts are the words for how a run ends.
var Verdicts = []string{"healthy", "recovered", "degraded", "metastable", "ongoing"}
