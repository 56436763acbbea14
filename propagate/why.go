package propagate

// Cause is one link of a chain of causes: what ails a service in a span of time,
// what explains it, and how much of it.
type Cause struct {
	Service  string
	From, To float64 // seconds; the window of the service that is explained
	State    State   // the worst in it
	Kind     CauseKind
	Share    float64 // of what fails one link up, 0..1
	Fault    int     // index into the scenario's faults, of FaultCause; else -1
	Load     int     // index into the scenario's loads, of LoadCause; else -1

	Target        string  // of NeedCause: the need that is lost
	Age           float64 // of QueueCause: seconds a request waits at the worst
	Deadline      float64 // of QueueCause: seconds its callers wait; +Inf without limit
	Queue         float64 // of QueueCause and FullCause: requests waiting at the worst
	Amplification float64 // of RetryCause: attempts per original at the worst
	Callers       int     // of RetryCause: needs that retry
	Capacity      float64 // of CapacityCause: share of the capacity that was there

	Because []Cause // what explains this, the largest share first
}

// CauseKind is the kind of one link.
type CauseKind uint8

// The kinds of causes.
const (
	FaultCause    CauseKind = iota // a fault of the scenario strikes the service
	LoadCause                      // a load of the scenario is more than it can do
	NeedCause                      // a need is lost
	QueueCause                     // requests wait longer than their callers
	FullCause                      // the queue is full
	RetryCause                     // callers retry, and that is more than it can do
	CapacityCause                  // less capacity than declared, for no fault of its own
	ThrottleCause                  // a throttle or shedding refuses
	BreakerCause                   // a caller's breaker, bulkhead, throttle or budget stops calls
	ThreadsCause                   // its threads wait for others
)
