package scenario

// Measure is a number that a run knows of a service, a need or a lease.
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
	Held
	HeldShare
	Regrants
	TimeToHeld
	RegrantsPerLease
	InRotation
	RotationChanges
	Replicas
	HitShare
)

// MeasureInfo describes a measure. It is the source of docs/measures.md.
type MeasureInfo struct {
	Word      string
	Unit      Unit
	Service   bool // services have it
	Need      bool // needs have it
	Lease     bool // leases have it
	Aggregate bool // mean, total, max and min make sense; others are one number of the run
	Nominal   bool // a condition may give it as a share of what is nominal: of the load, the count of leases, the replicas of the catalog
	Text      string
}

// Measures are by value.
var Measures = []MeasureInfo{
	Goodput:          {Word: "goodput", Unit: PerSecond, Service: true, Need: true, Aggregate: true, Nominal: true, Text: "originals answered rightly and in time, counted when the answer arrives"},
	Offered:          {Word: "offered", Unit: PerSecond, Service: true, Need: true, Aggregate: true, Nominal: true, Text: "originals: first attempts, and load from outside"},
	Attempts:         {Word: "attempts", Unit: PerSecond, Service: true, Need: true, Aggregate: true, Nominal: true, Text: "calls sent, retries included, those a breaker stopped excluded"},
	Admitted:         {Word: "admitted", Unit: PerSecond, Service: true, Aggregate: true, Nominal: true, Text: "attempts that were taken in: not refused, throttled, shed or over the bound"},
	Throughput:       {Word: "throughput", Unit: PerSecond, Service: true, Aggregate: true, Nominal: true, Text: "requests finished, whether or not anybody still waited"},
	Rejected:         {Word: "rejected", Unit: PerSecond, Service: true, Need: true, Aggregate: true, Text: "attempts refused at once"},
	Failed:           {Word: "failed", Unit: PerSecond, Service: true, Need: true, Aggregate: true, Text: "originals that failed for good: all attempts used, or none allowed"},
	Timeouts:         {Word: "timeouts", Unit: PerSecond, Service: true, Need: true, Aggregate: true, Text: "attempts that were given up by time-out"},
	ErrorsMeasure:    {Word: "errors", Unit: PerSecond, Service: true, Need: true, Aggregate: true, Text: "attempts answered with an error"},
	Wasted:           {Word: "wasted", Unit: PerSecond, Service: true, Aggregate: true, Text: "requests finished after the caller had given up"},
	Expired:          {Word: "expired", Unit: PerSecond, Service: true, Aggregate: true, Text: "requests dropped from the queue: past a deadline or the retention"},
	Amplification:    {Word: "amplification", Unit: Share, Service: true, Need: true, Aggregate: true, Text: "attempts per original in the same span"},
	FailedShare:      {Word: "failed-share", Unit: Share, Service: true, Need: true, Aggregate: true, Text: "failed originals per original in the same span"},
	Utilisation:      {Word: "utilisation", Unit: Share, Service: true, Aggregate: true, Text: "busy servers (threads) per server, averaged over time; of a capacity without servers, throughput per capacity"},
	QueueMeasure:     {Word: "queue", Unit: Requests, Service: true, Aggregate: true, Text: "requests waiting for a server, those nobody waits for included"},
	Age:              {Word: "age", Unit: Seconds, Service: true, Aggregate: true, Text: "age of the oldest waiting request"},
	Wait:             {Word: "wait", Unit: Seconds, Service: true, Aggregate: true, Text: "how long a request that arrives now will wait"},
	Latency:          {Word: "latency", Unit: Seconds, Service: true, Aggregate: true, Text: "from arrival to answer, of those finished"},
	EmptyAt:          {Word: "empty-at", Unit: Seconds, Service: true, Text: "when the queue is empty again for the first time after its greatest length"},
	Recovery:         {Word: "recovery", Unit: Seconds, Service: true, Text: "from the end of the last fault or load to the first bin from which goodput stays at half the nominal or more"},
	Calls:            {Word: "calls", Unit: PerSecond, Need: true, Aggregate: true, Text: "first attempts of the need"},
	CallsPerRequest:  {Word: "calls-per-request", Unit: Share, Need: true, Aggregate: true, Text: "attempts of the need per request offered from outside to the whole catalog"},
	Retries:          {Word: "retries", Unit: PerSecond, Need: true, Aggregate: true, Text: "second and later attempts"},
	BreakerRejected:  {Word: "breaker-rejected", Unit: PerSecond, Need: true, Aggregate: true, Text: "calls, retries included, that the breaker stopped"},
	BreakerOpens:     {Word: "breaker-opens", Unit: Requests, Need: true, Text: "how often the breaker of one client opened"},
	DeadLetters:      {Word: "dead-letters", Unit: PerSecond, Service: true, Need: true, Aggregate: true, Text: "requests given up after the last receive"},
	Held:             {Word: "held", Unit: Requests, Lease: true, Aggregate: true, Nominal: true, Text: "leases that are valid"},
	HeldShare:        {Word: "held-share", Unit: Share, Lease: true, Aggregate: true, Text: "leases that are valid, of those there are in normal operation"},
	Regrants:         {Word: "regrants", Unit: PerSecond, Lease: true, Aggregate: true, Text: "attempts to make a lease anew, those that failed included"},
	TimeToHeld:       {Word: "time-to-held", Unit: Seconds, Lease: true, Text: "from the beginning of the first lapse, or from 0s without one, until the key `share` of the leases is held again"},
	RegrantsPerLease: {Word: "regrants-per-lease", Unit: Share, Lease: true, Text: "attempts to make a lease anew in the whole run, per lease there is in normal operation"},
	InRotation:       {Word: "in-rotation", Unit: Requests, Service: true, Aggregate: true, Nominal: true, Text: "replicas that get traffic"},
	RotationChanges:  {Word: "rotation-changes", Unit: Requests, Service: true, Text: "how often a replica was taken out of rotation or put back"},
	Replicas:         {Word: "replicas", Unit: Requests, Service: true, Aggregate: true, Nominal: true, Text: "replicas that exist, in rotation or not"},
	HitShare:         {Word: "hit-share", Unit: Share, Need: true, Aggregate: true, Text: "requests answered from the cache, of those that ask for the need"},
}

func (m Measure) String() string { return Measures[m].Word }
