package policy

import (
	"github.com/knockon/knockon/catalog/toml"
	"github.com/knockon/knockon/catalog/unit"
)

// Throttle is a token bucket in front of a service.
type Throttle struct {
	Rate  unit.Value[unit.Rate] // admitted in the long run
	Burst unit.Value[int64]     // admitted at once, after a pause; 0 where not stated
}

// ThrottleKeys reads `throttle = { rate = "100/s", burst = 500 }`.
func ThrottleKeys(d *toml.Decoder, key string) *Throttle {
	t := d.Sub(key, `a throttle such as { rate = "100/s", burst = 500 }`)
	if t == nil {
		return nil
	}
	r := &Throttle{}
	t.Rate("rate", &r.Rate)
	toml.Count(t, "burst", 0, 1e15, &r.Burst)
	t.Done()
	return r
}
