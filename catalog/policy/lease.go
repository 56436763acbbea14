package policy

import (
	"github.com/knockon/knockon/catalog/toml"
	"github.com/knockon/knockon/catalog/unit"
)

// Lease is how leases of one kind are granted, renewed and lost.
type Lease struct {
	Count   unit.Value[int64]      // leases held in normal operation
	TTL     unit.Value[unit.Range] // from the last renewal to expiry
	Lost    string                 // what the holder loses with them, one of LostWords; "" where not stated
	Cold    bool                   // none is held at the start of a scenario
	Renew   Renew
	Regrant Regrant
}

// Renew is the extension of a valid lease.
type Renew struct {
	Every   unit.Value[unit.Duration]
	Cost    unit.Value[unit.Duration] // work at the keeper, in server time
	Timeout unit.Value[unit.Duration] // after which the holder gives the renewal up
}

// Regrant is the making of a lease anew.
type Regrant struct {
	Cost      unit.Value[unit.Duration] // work at the keeper, in server time
	Deadline  unit.Value[unit.Duration] // after which the attempt is given up
	OnTimeout string                    // one of OnTimeoutWords; "" where not stated
	Pace      unit.Value[unit.Rate]     // attempts admitted; the deadline of one begins with its admission
	Pause     unit.Value[unit.Range]    // before an attempt is made again
	Retry     *Retry                    // or: how that pause grows; without attempts, deadline and budget. nil: not stated
}

// Words of leases.
var (
	// OnTimeoutWords are what happens to a regrant that missed its deadline.
	OnTimeoutWords = []string{"requeue", "drop"}

	// LostWords are what a holder loses with its leases: as large a share of its
	// capacity; as large a share of its requests; or nothing, until it looks for a
	// lease and finds none.
	LostWords = []string{"capacity", "requests", "nothing"}
)

// LeaseKeys reads the policy of a [lease.ID] table.
func LeaseKeys(d *toml.Decoder) Lease {
	var l Lease
	toml.Count(d, "count", 1, 1e15, &l.Count)
	d.Range("ttl", &l.TTL)
	if w, ok := d.Enum("lost", LostWords); ok {
		l.Lost = w
	}
	d.Bool("cold", &l.Cold)
	if t := d.Sub("renew", `how it is renewed, such as { every = "1m", cost = "1ms" }`); t != nil {
		l.Renew.keys(t)
	}
	if t := d.Sub("regrant", `how it is made anew, such as { cost = "40ms", deadline = "10m" }`); t != nil {
		l.Regrant.keys(t)
	}
	if l.TTL.IsStated() && l.Renew.Every.IsStated() && l.Renew.Every.V > l.TTL.V.High {
		d.Errorf(l.Renew.Every.At, "renew before the ttl ends", "renewed every %s, but lasts %s at most", l.Renew.Every.V, l.TTL.V.High)
	}
	return l
}

func (r *Renew) keys(t *toml.Decoder) {
	t.Duration("every", &r.Every)
	t.Duration("cost", &r.Cost)
	t.Duration("timeout", &r.Timeout)
	refuseZero(t, r.Every, `write a time such as "1m"`, "renewed every 0s, it is never done renewing")
	refuseZero(t, r.Timeout, "leave timeout out when there is none", "no renewal can finish within 0s")
	t.Done()
}

func (r *Regrant) keys(t *toml.Decoder) {
	t.Duration("cost", &r.Cost)
	t.Duration("deadline", &r.Deadline)
	if w, ok := t.Enum("on_timeout", OnTimeoutWords); ok {
		r.OnTimeout = w
	}
	t.Rate("pace", &r.Pace)
	t.Range("pause", &r.Pause)
	r.Retry = pauseKeys(t, "retry")
	refuseZero(t, r.Deadline, "leave deadline out when there is none", "no attempt can finish within 0s")
	refuseZero(t, r.Pace, `write a rate such as "300/s"; a scenario can pause a lease`, "at a pace of 0/s nothing is granted")
	if t.Has("pause") && t.Has("retry") {
		t.Errorf(t.Key("retry"), "keep one of them", "pause and retry both say how long it waits before the next attempt")
	}
	for _, key := range []string{"pause", "retry"} {
		if r.OnTimeout == "drop" && t.Has(key) {
			t.Errorf(t.Key(key), `write on_timeout = "requeue", or leave it out`, "%q waits for the next attempt, and what is dropped is not attempted again", key)
			break
		}
	}
	t.Done()
}

// pauseKeys reads the pauses of a retry whose attempts nothing limits: it goes on
// until there is a lease.
func pauseKeys(d *toml.Decoder, key string) *Retry {
	t := d.Sub(key, `how long it waits between attempts, such as { backoff = "full-jitter", base = "2s", cap = "60s" }`)
	if t == nil {
		return nil
	}
	r := &Retry{}
	r.pauses(t)
	for _, limit := range []string{"attempts", "deadline", "budget"} {
		if t.Has(limit) {
			t.Errorf(t.Key(limit), "leave it out", "%q ends the attempts, and these go on until there is a lease", limit)
		}
	}
	r.check(t)
	t.Done()
	return r
}
