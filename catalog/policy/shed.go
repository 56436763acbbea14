package policy

import (
	"github.com/knockon/knockon/catalog/toml"
	"github.com/knockon/knockon/catalog/unit"
)

// Shed refuses arrivals beyond a share of the capacity, the least important first.
type Shed struct {
	Above unit.Value[unit.Ratio] // of the capacity
}

// ShedKeys reads `shed = { above = "90%" }`.
func ShedKeys(d *toml.Decoder, key string) *Shed {
	t := d.Sub(key, `above which share of the capacity it refuses, such as { above = "90%" }`)
	if t == nil {
		return nil
	}
	s := &Shed{}
	t.Require("above", `write { above = "90%" }`)
	t.Ratio("above", &s.Above)
	if s.Above.IsStated() && s.Above.V == 0 {
		t.Errorf(s.Above.At, `write a share such as "90%"`, "who sheds above 0%% serves nobody")
	}
	t.Done()
	return s
}
