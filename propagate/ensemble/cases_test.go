package ensemble_test

import (
	"context"
	"flag"
	"io/fs"
	"math"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/knockon/knockon/catalog"
	"github.com/knockon/knockon/propagate"
	"github.com/knockon/knockon/propagate/ensemble"
	"github.com/knockon/knockon/propagate/scenario"
)

// casesDir are the cases of package propagate; those that begin with "chance" are
// played here.
const casesDir = "../testdata/cases"

// quickCases are over in about a second; the others are played by TestLongCases.
var quickCases = []string{"D-11-how-long-a-surge/chance-2500ms", "D-12-how-long-an-outage/chance-1200ms"}

// collapses are the mean times of collapse of D-30, in seconds, where most runs do.
// They are notes of the reference and no tolerance of it: a hundred runs of single
// requests know the first to ten percent, and the second is cut off by the horizon.
var collapses = map[string]float64{"D-30-few-servers/chance-1": 145, "D-30-few-servers/chance-2": 2600}

const collapsesOff = 0.35

func chanceCases(t *testing.T) []string {
	t.Helper()
	names, err := fs.Glob(os.DirFS(casesDir), "*/chance*.toml")
	if err != nil || len(names) == 0 {
		t.Fatal("no cases: ", err)
	}
	for i := range names {
		names[i] = strings.TrimSuffix(names[i], ".toml")
	}
	return names
}

func stochastic(c *catalog.Catalog, sc *scenario.Scenario) ensemble.Play {
	return func(ctx context.Context, seed uint64) (*propagate.Result, error) {
		return propagate.Run(ctx, c, sc, propagate.Options{Stochastic: true, Seed: seed})
	}
}

// open reads a case as the command line does.
func open(t testing.TB, name string) (*catalog.Catalog, *scenario.Scenario) {
	t.Helper()
	dir := os.DirFS(filepath.Join(casesDir, path.Dir(name)))
	sc, faults, err := scenario.ReadFile(dir, path.Base(name)+".toml", name+".toml")
	if err != nil || len(faults) > 0 {
		t.Fatal(err, faults)
	}
	c, faults, err := catalog.Load(catalog.Source{FS: dir, Path: sc.Catalogs[0], Name: sc.Catalogs[0]})
	if err != nil || len(faults) > 0 {
		t.Fatal(err, faults)
	}
	if faults := sc.Check(c); len(faults) > 0 {
		t.Fatal(faults)
	}
	if sc.Engine != scenario.StochasticEngine || sc.Seeds == 0 || len(sc.Expects) == 0 {
		t.Fatal("it does not say that it is played by chance, how often, or what is expected")
	}
	return c, sc
}

func hold(t *testing.T, name string) {
	c, sc := open(t, name)
	e, err := ensemble.Run(t.Context(), stochastic(c, sc), ensemble.Options{Seeds: int(sc.Seeds), First: 1})
	if err != nil {
		t.Fatal(err)
	}
	for _, o := range e.Expects {
		if testing.Verbose() {
			t.Logf("%s: %s", o.Expect.Text, o.Got)
		}
		if !o.Met {
			t.Errorf("line %d: %s: got %s", o.Expect.Span.Line, o.Expect.Text, o.Got)
		}
	}
	if want := collapses[name]; want > 0 {
		for i := range e.Services {
			if s := &e.Services[i]; s.ID == "api" {
				t.Logf("collapse after %.0f s ± %.0f", s.Collapse.Mean, s.Collapse.Half)
				if math.Abs(s.Collapse.Mean-want) > collapsesOff*want {
					t.Errorf("it collapses after %.0f s on average, not %.0f", s.Collapse.Mean, want)
				}
			}
		}
	}
}

// TestCases plays the cases by chance that are over in about a second.
func TestCases(t *testing.T) {
	for _, name := range chanceCases(t) {
		t.Run(name, func(t *testing.T) {
			if !slices.Contains(quickCases, name) {
				t.Skip("skipped: it takes longer than a second; go test -run Long plays it")
			}
			hold(t, name)
		})
	}
}

// TestLongCases plays the others, where they are asked for.
func TestLongCases(t *testing.T) {
	asked := os.Getenv("KNOCKON_LONG") != ""
	if run := flag.Lookup("test.run"); run != nil && strings.Contains(run.Value.String(), "Long") {
		asked = true
	}
	if !asked {
		t.Skip("skipped: go test -run Long, or KNOCKON_LONG=1, plays the long cases")
	}
	for _, name := range chanceCases(t) {
		if !slices.Contains(quickCases, name) {
			t.Run(name, func(t *testing.T) { hold(t, name) })
		}
	}
}

// BenchmarkRun is what one run costs: D-11, 400 s of two services with 600 requests a
// second, and D-30, two hours of two services with few.
func BenchmarkRun(b *testing.B) {
	for _, name := range []string{"D-11-how-long-a-surge/chance-2500ms", "D-30-few-servers/chance-1", "D-30-few-servers/chance-10"} {
		b.Run(name, func(b *testing.B) {
			c, sc := open(b, name)
			seed := uint64(0)
			for b.Loop() {
				seed++
				if _, err := propagate.Run(b.Context(), c, sc, propagate.Options{Stochastic: true, Seed: seed}); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
