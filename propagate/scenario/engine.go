package scenario

import (
	"github.com/knockon/knockon/catalog/toml"
)

// Engine is what plays a scenario.
type Engine uint8

// The engines.
const (
	RateEngine       Engine = iota // means of many requests; every run is the same
	EventEngine                    // single requests, by chance
	StochasticEngine               // the rate engine with flows drawn by chance
)

// EngineWords are the engines as a scenario writes them, by value.
var EngineWords = []string{"rate", "event", "stochastic"}

func (e Engine) String() string { return EngineWords[e] }

// ByChance reports whether runs of this engine differ by their seeds.
func (e Engine) ByChance() bool { return e != RateEngine }

// MostSeeds is how many runs a scenario may ask for.
const MostSeeds = 10_000

// engine reads what plays the scenario, and how often.
func (r *reader) engine(d *toml.Decoder) {
	s := r.s
	if word, ok := d.Enum("engine", EngineWords); ok {
		for i, w := range EngineWords {
			if w == word {
				s.Engine = Engine(i)
			}
		}
	}
	if !d.Has("seeds") {
		return
	}
	d.Int("seeds", 1, MostSeeds, &s.Seeds)
	if v, stated := d.Value("engine"); !s.Engine.ByChance() && (!stated || v.Kind == toml.StringKind && v.Scalar.(string) == EngineWords[RateEngine]) {
		d.Errorf(d.Key("seeds"), `add engine = "stochastic", or leave it out`, "every run of the rate engine is the same")
	}
}
