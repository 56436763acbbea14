package policy

import (
	"github.com/knockon/knockon/catalog/toml"
	"github.com/knockon/knockon/catalog/unit"
)

// Lease is how leases of one kind are granted, renewed and lost.
type Lease struct {
	Count   unit.Value[int64]      // leases held in normal operation
	TTL     unit.Value[unit.Range] // from the last renewal to expiry
	Renew   Renew
	Regrant Regrant
}

// Renew is the extension of a valid lease.
type Renew struct {
	Every unit.Value[unit.Duration]
	Cost  unit.Value[unit.Duration] // work at the keeper, in server time
}

// Regrant is the making of a lease anew.
type Regrant struct {
	Cost      unit.Value[unit.Duration] // work at the keeper, in server time
	Deadline  unit.Value[unit.Duration] // after which the attempt is given up
	OnTimeout string                    // one of OnTimeoutWords; "" where not stated
}

// OnTimeoutWords are what happens to a regrant that missed its deadline.
var OnTimeoutWords = []string{"requeue", "drop"}

// LeaseKeys reads the policy of a [lease.ID] table.
func LeaseKeys(d *toml.Decoder) Lease {
	var l Lease
	toml.Count(d, "count", 1, 1e15, &l.Count)
	d.Range("ttl", &l.TTL)
	if t := d.Sub("renew", `how it is renewed, such as { every = "1m", cost = "1ms" }`); t != nil {
		t.Duration("every", &l.Renew.Every)
		t.Duration("cost", &l.Renew.Cost)
		t.Done()
	}
	if t := d.Sub("regrant", `how it is made anew, such as { cost = "40ms", deadline = "10m" }`); t != nil {
		t.Duration("cost", &l.Regrant.Cost)
		t.Duration("deadline", &l.Regrant.Deadline)
		if w, ok := t.Enum("on_timeout", OnTimeoutWords); ok {
			l.Regrant.OnTimeout = w
		}
		t.Done()
	}
	if l.TTL.IsStated() && l.Renew.Every.IsStated() && l.Renew.Every.V > l.TTL.V.High {
		d.Errorf(l.Renew.Every.At, "renew before the ttl ends", "renewed every %s, but lasts %s at most", l.Renew.Every.V, l.TTL.V.High)
	}
	return l
}
