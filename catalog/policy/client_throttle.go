package policy

import (
	"cmp"
	"strings"

	"github.com/knockon/knockon/catalog/toml"
	"github.com/knockon/knockon/catalog/unit"
)

// ClientThrottle holds calls back in the client process: by what the target
// accepted lately (Site Reliability Engineering, 2016, ch. 21: a call is refused
// locally with probability (requests - K accepts)/(requests + 1) over Window), or
// by a token bucket (Rate, Burst).
type ClientThrottle struct {
	Preset string // the preset it was taken from; may be empty
	K      unit.Value[float64]
	Window unit.Value[unit.Duration] // 2 min where not stated
	Rate   unit.Value[unit.Rate]
	Burst  unit.Value[int64] // calls at once
}

// ClientThrottlePreset is the client-side throttle of real software, by name.
type ClientThrottlePreset struct {
	Limit  ClientThrottle
	Source string
}

// ClientThrottlePresets are sorted by name.
var ClientThrottlePresets = []ClientThrottlePreset{
	{adaptiveThrottle("google-sre-adaptive", 2, "2m", sreBook), sreBook},
	{clientBucket("kubernetes-client-go", "5/s", 10, clientGo+" rest/config.go"), clientGo + " rest/config.go"},
}

const (
	sreBook  = "Site Reliability Engineering (2016), ch. 21"
	clientGo = "k8s.io/client-go v0.37.2"
)

func adaptiveThrottle(name string, k float64, window, source string) ClientThrottle {
	return ClientThrottle{Preset: name, K: documented(k, source), Window: documentedDuration(window, source)}
}

func clientBucket(name, rate string, burst int64, source string) ClientThrottle {
	return ClientThrottle{Preset: name, Rate: documentedRate(rate, source), Burst: documented(burst, source)}
}

// ClientThrottleKeys reads `limit = "preset"`, `limit = { k = 2, … }` or
// `limit = { rate = "5/s", … }`.
func ClientThrottleKeys(d *toml.Decoder, key string) *ClientThrottle {
	if p, isName := preset(d, key, "limit preset", ClientThrottlePresets, func(p *ClientThrottlePreset) string { return p.Limit.Preset }); isName {
		if p == nil {
			return nil
		}
		found := p.Limit
		return &found
	}
	const example = `{ k = 2, window = "2m" } or { rate = "5/s", burst = 10 }`
	t := d.Sub(key, "a limit, by the name of a preset or as a table such as "+example)
	if t == nil {
		return nil
	}
	l := &ClientThrottle{}
	toml.Real(t, "k", 1, 1e6, &l.K)
	t.Duration("window", &l.Window)
	t.Rate("rate", &l.Rate)
	toml.Count(t, "burst", 1, 1e15, &l.Burst)
	oneFamily(t, "limit", "write "+example, family{"k", "window"}, family{"rate", "burst"})
	t.Done()
	return l
}

// Compare orders limits by what they say; nil comes first.
func (l *ClientThrottle) Compare(o *ClientThrottle) int {
	if l == nil || o == nil {
		return compareNil(l == nil, o == nil)
	}
	return cmp.Or(
		strings.Compare(l.Preset, o.Preset),
		compareValues(l.K, o.K),
		compareValues(l.Window, o.Window),
		compareValues(l.Rate, o.Rate),
		compareValues(l.Burst, o.Burst),
	)
}
