package event

import (
	"errors"
	"fmt"
	"math"

	"github.com/knockon/knockon/catalog/diag"
	"github.com/knockon/knockon/propagate/plan"
)

// ErrNotPlayed is that a catalog has more of something than is played request by
// request. The error that wraps it names it.
var ErrNotPlayed = errors.New("not played request by request")

const (
	// mostTogether is how many calls a request makes at once, and how many fallbacks a
	// service has: a request keeps them in one word.
	mostTogether = 64
	// mostKeys is how many keys of a cache are told apart.
	mostKeys = 1 << 22
	// mostHolders is how many holders of leases are played one by one.
	mostHolders = 1 << 24
)

// refuse names what is not played.
func refuse(p *plan.Plan) error {
	no := func(at diag.Span, format string, args ...any) error {
		return fmt.Errorf("%s: %s: %w", at, fmt.Sprintf(format, args...), ErrNotPlayed)
	}
	for v := range p.Services {
		s := &p.Services[v]
		fallbacks := 0
		for k := range s.Stages {
			if s.Stages[k].Fallback {
				fallbacks++
			}
			if n := len(s.Stages[k].Calls); n > mostTogether {
				return no(s.Decl.At, "%d calls of %q at once, more than %d,", n, s.ID, mostTogether)
			}
		}
		if fallbacks > mostTogether {
			return no(s.Decl.At, "%d fallbacks of %q, more than %d,", fallbacks, s.ID, mostTogether)
		}
	}
	for i := range p.Calls {
		c := &p.Calls[i]
		if c.Cache != nil && c.Cache.Keys > mostKeys {
			return no(p.Services[c.From].Decl.At, "a cache of %.3g keys at %q, more than %d,", c.Cache.Keys, p.Services[c.From].ID, mostKeys)
		}
	}
	holders := 0.0
	for i := range p.Leases {
		l := &p.Leases[i]
		if holders += math.Round(l.Count); holders > mostHolders {
			return no(p.Services[l.Keeper].Decl.At, "more than %d holders, with those of lease %q,", mostHolders, l.ID)
		}
	}
	return nil
}
