package scenario

// Measure is a number that a run knows of a service or of a need.
type Measure uint8

// Unit is what a measure is counted in.
type Unit uint8

// The units of measures. A rate has totals, which are plain numbers.
const (
	PerSecond Unit = iota
	Requests       // a number of requests, threads or things
	Share          // 0..1, or a plain ratio such as an amplification
	Seconds
)

// The measures. An original is one request of a client with all its attempts; an
// attempt is one call that was sent, those that are refused included and those
// that a breaker stopped excluded.
const (
	Goodput Measure = iota
	Offered
	Attempts
	Admitted
	Throughput
	Rejected
	Failed
	Timeouts
	ErrorsMeasure
	Wasted
	Expired
	Amplification
	FailedShare
	Utilisation
	QueueMeasure
	Age
	Wait
	Latency
	EmptyAt
	Recovery
	Calls
	CallsPerRequest
	Retries
	BreakerRejected
	BreakerOpens
	DeadLetters
)

// MeasureInfo describes a measure. It is the source of docs/measures.md.
type MeasureInfo struct {
	Word      string
	Unit      Unit
	Service   bool // services have it
	Need      bool // needs have it
	Aggregate bool // mean, total, max and min make sense; others are one number of the run
	Text      string
}

// Measures are by value.
var Measures = []MeasureInfo{
	Goodput:         {"goodput", PerSecond, true, true, true, "originals answered rightly and in time, counted when the answer arrives"},
	Offered:         {"offered", PerSecond, true, true, true, "originals: first attempts, and load from outside"},
	Attempts:        {"attempts", PerSecond, true, true, true, "calls sent, retries included, those a breaker stopped excluded"},
	Admitted:        {"admitted", PerSecond, true, false, true, "attempts that were taken in: not refused, throttled, shed or over the bound"},
	Throughput:      {"throughput", PerSecond, true, false, true, "requests finished, whether or not anybody still waited"},
	Rejected:        {"rejected", PerSecond, true, true, true, "attempts refused at once"},
	Failed:          {"failed", PerSecond, true, true, true, "originals that failed for good: all attempts used, or none allowed"},
	Timeouts:        {"timeouts", PerSecond, true, true, true, "attempts that were given up by time-out"},
	ErrorsMeasure:   {"errors", PerSecond, true, true, true, "attempts answered with an error"},
	Wasted:          {"wasted", PerSecond, true, false, true, "requests finished after the caller had given up"},
	Expired:         {"expired", PerSecond, true, false, true, "requests dropped from the queue: past a deadline or the retention"},
	Amplification:   {"amplification", Share, true, true, true, "attempts per original in the same span"},
	FailedShare:     {"failed-share", Share, true, true, true, "failed originals per original in the same span"},
	Utilisation:     {"utilisation", Share, true, false, true, "busy servers (threads) per server, averaged over time; of a capacity without servers, throughput per capacity"},
	QueueMeasure:    {"queue", Requests, true, false, true, "requests waiting for a server, those nobody waits for included"},
	Age:             {"age", Seconds, true, false, true, "age of the oldest waiting request"},
	Wait:            {"wait", Seconds, true, false, true, "how long a request that arrives now will wait"},
	Latency:         {"latency", Seconds, true, false, true, "from arrival to answer, of those finished"},
	EmptyAt:         {"empty-at", Seconds, true, false, false, "when the queue is empty again for the first time after its greatest length"},
	Recovery:        {"recovery", Seconds, true, false, false, "from the end of the last fault or load to the first bin from which goodput stays at half the nominal or more"},
	Calls:           {"calls", PerSecond, false, true, true, "first attempts of the need"},
	CallsPerRequest: {"calls-per-request", Share, false, true, true, "attempts of the need per request offered from outside to the whole catalog"},
	Retries:         {"retries", PerSecond, false, true, true, "second and later attempts"},
	BreakerRejected: {"breaker-rejected", PerSecond, false, true, true, "calls, retries included, that the breaker stopped"},
	BreakerOpens:    {"breaker-opens", Requests, false, true, false, "how often the breaker of one client opened"},
	DeadLetters:     {"dead-letters", PerSecond, true, true, true, "requests given up after the last receive"},
}

func (m Measure) String() string { return Measures[m].Word }
