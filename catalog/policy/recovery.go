package policy

import (
	"github.com/knockon/knockon/catalog/toml"
	"github.com/knockon/knockon/catalog/unit"
)

// Recovery is how a service comes back once a fault of its own has ended.
type Recovery struct {
	By    string                    // one of RecoveryWords; "" where not stated
	After unit.Value[unit.Duration] // by hand: a failure that lasts so long needs the hand; any where not stated
	Rate  unit.Value[unit.Rate]     // replicas that come back; all at once where not stated
	Start unit.Value[unit.Duration] // from the end of the fault, or the restart, until it serves
}

// RecoveryWords are who brings a service back: nobody has to, or somebody does.
var RecoveryWords = []string{"itself", "hand"}

// RecoveryKeys reads `recovery = "hand"` or `recovery = { by = "hand", … }`.
func RecoveryKeys(d *toml.Decoder, key string) *Recovery {
	v, ok := d.Value(key)
	if !ok {
		return nil
	}
	r := &Recovery{}
	if v.Kind == toml.StringKind {
		if r.By, ok = d.Enum(key, RecoveryWords); !ok {
			return nil
		}
		return r
	}
	t := d.Sub(key, `how it comes back: "hand", or a table such as { by = "hand", after = "30s" }`)
	if t == nil {
		return nil
	}
	if w, ok := t.Enum("by", RecoveryWords); ok {
		r.By = w
	}
	t.Duration("after", &r.After)
	t.Rate("rate", &r.Rate)
	t.Duration("start", &r.Start)
	// An unknown word has been answered, and may have been meant for "hand".
	answered := t.Has("by") && r.By == ""
	if t.Has("after") && r.By != "hand" && !answered {
		t.Errorf(t.Key("after"), `add by = "hand", or leave after out`, "after says when it needs the hand, and this service comes back by itself")
	}
	refuseZero(t, r.Rate, `write a rate such as "6/h"`, "at 0 replicas a second none comes back")
	t.Done()
	return r
}
