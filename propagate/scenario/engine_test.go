package scenario

import (
	"strings"
	"testing"
)

func TestEngine(t *testing.T) {
	for _, test := range []struct {
		text   string
		engine Engine
		seeds  int64
		fault  string // in the message and the help
	}{
		{``, RateEngine, 0, ""},
		{`engine = "rate"`, RateEngine, 0, ""},
		{"engine = \"stochastic\"\nseeds = 100", StochasticEngine, 100, ""},
		{`engine = "event"`, EventEngine, 0, ""},
		{`engine = "stochastics"`, 0, 0, `did you mean "stochastic"`},
		{`seeds = 100`, 0, 0, "every run of the rate engine is the same"},
		{"engine = \"rate\"\nseeds = 2", 0, 0, "every run of the rate engine is the same"},
		{"engine = \"stochastic\"\nseeds = 0", 0, 0, "seeds"},
		{"engine = \"stochastic\"\nseeds = 10001", 0, 0, "10000"},
		{"engine = 3\nseeds = 2", 0, 0, "engine"},
	} {
		s, faults := Parse("a.toml", []byte("horizon = \"9s\"\n"+test.text))
		if test.fault != "" {
			if len(faults) != 1 || !strings.Contains(faults[0].Message+faults[0].Help, test.fault) {
				t.Errorf("%s: %v", test.text, faults)
			}
			continue
		}
		if len(faults) > 0 {
			t.Fatal(test.text, faults)
		}
		if s.Engine != test.engine || s.Seeds != test.seeds {
			t.Errorf("%s: %s, %d", test.text, s.Engine, s.Seeds)
		}
	}
}
