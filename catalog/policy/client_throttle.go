package policy

import "github.com/knockon/knockon/catalog/unit"

// ClientThrottle holds calls back in the client process: by what the target
// accepted lately (Site Reliability Engineering, 2016, ch. 21: a call is refused
// locally with probability (requests - K accepts)/(requests + 1) over Window), or
// by a token bucket (Rate, Burst).
type ClientThrottle struct {
	Preset string // the preset it was taken from; may be empty
	K      unit.Value[float64]
	Window unit.Value[unit.Duration]
	Rate   unit.Value[unit.Rate]
	Burst  unit.Value[int64]
}
