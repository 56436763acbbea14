package policy

import (
	"github.com/knockon/knockon/catalog/toml"
	"github.com/knockon/knockon/catalog/unit"
)

// Turnover is that instances end and are replaced though nothing is wrong with
// them: deployments, spot instances, short-lived workers. A replacement takes what
// the service needs to scale and to start; without it the service dwindles.
type Turnover struct {
	Lifetime       unit.Value[unit.Duration] // mean life of an instance
	Start          unit.Value[unit.Duration] // from the launch of an instance until it serves
	TerminateFirst bool                      // ends before its replacement is there; otherwise only after
}

// TurnoverKeys reads `turnover = { lifetime = "8h", … }`.
func TurnoverKeys(d *toml.Decoder, key string) *Turnover {
	const example = `{ lifetime = "8h", start = "3m" }`
	t := d.Sub(key, "how long an instance lives, such as "+example)
	if t == nil {
		return nil
	}
	o := &Turnover{}
	t.Require("lifetime", "write "+example)
	t.Duration("lifetime", &o.Lifetime)
	t.Duration("start", &o.Start)
	t.Bool("terminate_first", &o.TerminateFirst)
	refuseZero(t, o.Lifetime, `write a time such as "8h", or leave turnover out`, "an instance that lives for 0s never serves")
	t.Done()
	return o
}
