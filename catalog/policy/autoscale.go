package policy

import (
	"fmt"

	"github.com/knockon/knockon/catalog/toml"
	"github.com/knockon/knockon/catalog/unit"
)

// Autoscale keeps the utilisation of a service at a target by adding and removing
// replicas. To launch one takes what the service needs to scale and to start.
type Autoscale struct {
	Target    unit.Value[unit.Ratio]    // utilisation it aims at
	Every     unit.Value[unit.Duration] // between two looks
	Delay     unit.Value[unit.Duration] // from the decision until a new replica serves
	Min       unit.Value[int64]         // replicas
	Max       unit.Value[int64]         // replicas
	DownAfter unit.Value[unit.Duration] // how long fewer must have been enough before one is removed
}

// AutoscaleKeys reads `autoscale = { target = "60%", max = 40, … }` of a service
// with these replicas, nil where not stated.
func AutoscaleKeys(d *toml.Decoder, key string, r *Replicas) *Autoscale {
	const example = `{ target = "60%", every = "15s", min = 4, max = 40 }`
	t := d.Sub(key, "the utilisation it aims at, such as "+example)
	if t == nil {
		return nil
	}
	a := &Autoscale{}
	t.Require("target", "write "+example)
	t.Ratio("target", &a.Target)
	t.Duration("every", &a.Every)
	t.Duration("delay", &a.Delay)
	toml.Count(t, "min", 1, 1e9, &a.Min)
	toml.Count(t, "max", 1, 1e9, &a.Max)
	t.Duration("down_after", &a.DownAfter)
	refuseZero(t, a.Target, `write a share such as "60%"`, "no number of replicas has a utilisation of 0%")
	refuseZero(t, a.Every, `write a time such as "15s"`, "it looks every 0s, and so never stops looking")
	a.check(t, r)
	t.Done()
	return a
}

// check refuses bounds that exclude each other or the replicas there are.
func (a *Autoscale) check(t *toml.Decoder, r *Replicas) {
	if a.Min.IsStated() && a.Max.IsStated() && a.Min.V > a.Max.V {
		t.Errorf(a.Min.At, "write a min up to the max", "min %d is more than max %d", a.Min.V, a.Max.V)
		return
	}
	if r == nil {
		return
	}
	switch n := r.Count; {
	case n.IsStated() && a.Min.IsStated() && n.V < a.Min.V:
		t.Errorf(a.Min.At, fmt.Sprintf("write min = %d or less, or more replicas", n.V), "the service has %d replicas, and never fewer than %d", n.V, a.Min.V)
	case n.IsStated() && a.Max.IsStated() && n.V > a.Max.V:
		t.Errorf(a.Max.At, fmt.Sprintf("write max = %d or more, or fewer replicas", n.V), "the service has %d replicas, and never more than %d", n.V, a.Max.V)
	case r.AtLeast.IsStated() && a.Max.IsStated() && r.AtLeast.V > a.Max.V:
		t.Errorf(a.Max.At, fmt.Sprintf("write max = %d or more", r.AtLeast.V), "the service needs %d replicas, and never has more than %d", r.AtLeast.V, a.Max.V)
	}
}
