package audit

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"testing/fstest"
)

// estateOf writes a catalog of n services in eight layers, four needs each: hard ones,
// soft ones, groups, fallbacks, and a few that lead back.
func estateOf(n int) string {
	const layers = 8
	r := rand.New(rand.NewPCG(1, 1))
	var b strings.Builder
	for i := range n {
		layer := i * layers / n
		fmt.Fprintf(&b, "[service.s%d]\ntier = %d\ncapacity = \"%d/s\"\n", i, r.IntN(4), 10+r.IntN(10000))
		if layer == 0 {
			b.WriteString("load = \"10/s\"\n")
		}
		b.WriteString("needs = [\n")
		for range 4 {
			from, to := (layer+1)*n/layers, (layer+2)*n/layers
			if layer == layers-1 {
				break
			}
			half := (from + to) / 2
			switch k, t, u := r.IntN(100), from+r.IntN(half-from), half+r.IntN(to-half); {
			case k < 15:
				fmt.Fprintf(&b, "  { at_least = 1, of = [\"s%d\", \"s%d\"], timeout = \"1s\" },\n", t, u)
			case k < 25:
				fmt.Fprintf(&b, "  { on = \"s%d\", fallback = \"s%d\" },\n", t, u)
			case k < 50:
				fmt.Fprintf(&b, "  { on = \"s%d\", if_lost = \"degrade\", timeout = \"1s\" },\n", t)
			case k < 52 && i > 0:
				fmt.Fprintf(&b, "  { on = \"s%d\", mode = \"async\", calls = 0.01 },\n", r.IntN(i))
			case k < 57:
				fmt.Fprintf(&b, "  { on = \"s%d\", to = \"repair\" },\n", t)
			default:
				fmt.Fprintf(&b, "  { on = \"s%d\", timeout = \"1s\", retry = { attempts = 3, base = \"50ms\" } },\n", u)
			}
		}
		b.WriteString("]\n")
	}
	return b.String()
}

// BenchmarkAudit is all rules on a catalog that is loaded.
func BenchmarkAudit(b *testing.B) {
	for _, n := range []int{1_000, 10_000, 100_000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			files := fstest.MapFS{} // one file may have two million keys
			services := strings.SplitAfter(estateOf(n), "]\n[service.")
			for i := 0; i < len(services); i += 10_000 {
				text := strings.TrimSuffix(strings.Join(services[i:min(i+10_000, len(services))], ""), "[service.")
				if i > 0 {
					text = "[service." + text
				}
				files[fmt.Sprintf("x%02d.toml", i/10_000)] = &fstest.MapFile{Data: []byte(text)}
			}
			in := load(b, files, "x")
			for b.Loop() {
				if _, err := Run(context.Background(), in, Options{}); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// TestLargeCatalog: on a large random catalog two audits find the same, every
// finding points at a place, and an audit that is cut off says so.
func TestLargeCatalog(t *testing.T) {
	in := load(t, fstest.MapFS{"x.toml": &fstest.MapFile{Data: []byte(estateOf(800))}}, "x")
	one, err := Run(t.Context(), in, Options{})
	if err != nil {
		t.Fatal(err)
	}
	two, err := Run(t.Context(), in, Options{})
	if err != nil {
		t.Fatal(err)
	}
	if len(one.Findings) == 0 || len(one.Findings) != len(two.Findings) {
		t.Fatalf("%d findings, then %d", len(one.Findings), len(two.Findings))
	}
	for i := range one.Findings {
		f, g := &one.Findings[i], &two.Findings[i]
		if f.Fingerprint() != g.Fingerprint() || f.Message != g.Message || f.At != g.At {
			t.Fatalf("finding %d: %s, then %s", i, f.Message, g.Message)
		}
		checkFinding(t, f)
	}
	// Each finding has a name of its own: what is suppressed or known is one.
	seen := make(map[string]string)
	for i := range one.Findings {
		f := &one.Findings[i]
		if before, ok := seen[f.Fingerprint()]; ok {
			t.Errorf("%s: %q and %q have one fingerprint", f.Rule.ID, before, f.Message)
		}
		seen[f.Fingerprint()] = f.Message
	}
	ctx, stop := context.WithCancel(t.Context())
	stop()
	if _, err := Run(ctx, in, Options{}); err == nil {
		t.Error("an audit that was interrupted says nothing of it")
	}
}
