package policy

import "github.com/knockon/knockon/catalog/unit"

// Bulkhead limits the calls of one need that are under way at once in one client
// process, so that one slow target cannot hold every thread.
type Bulkhead struct {
	Preset     string // the preset it was taken from; may be empty
	Concurrent unit.Value[int64]
	MaxWait    unit.Value[unit.Duration] // how long a call waits for a place; 0 where not stated
}
