package out

import (
	"bytes"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/knockon/knockon/graph"
)

var (
	keyframes = regexp.MustCompile(`@keyframes (\w+)\{((?:[\d.]+%\{[^}]*\})*)\}`)
	oneFrame  = regexp.MustCompile(`([\d.]+)%\{`)
	moves     = regexp.MustCompile(`class="move (\w+)"`)
)

// TestAnimations: the pictures are golden, XML, and every part that moves has frames
// that rise from the beginning of a round.
func TestAnimations(t *testing.T) {
	c, g := loadShop(t, shop)
	for name, r := range map[string]Report{
		"run":   fixedReport(t),
		"blast": blastOf(t, c, g, graph.Options{}, "audit", "kv-a"),
	} {
		svg, err := svgOf(r, Animation)
		if err != nil {
			t.Fatal(err)
		}
		golden(t, filepath.Join("testdata", name+".animation.svg"), svg)
		if _, err := svgText(svg); err != nil {
			t.Error(err)
		}
		for _, rule := range []string{"@media (prefers-reduced-motion:reduce){.move{animation:none}}", "@media print{.move{animation:none}}"} {
			if !bytes.Contains(svg, []byte(rule)) {
				t.Errorf("%s: %s is not there", name, rule)
			}
		}
		known := make(map[string]bool)
		for _, m := range keyframes.FindAllSubmatch(svg, -1) {
			known[string(m[1])] = true
			last := -1.0
			for _, f := range oneFrame.FindAllSubmatch(m[2], -1) {
				at, _ := strconv.ParseFloat(string(f[1]), 64)
				if last < 0 && at != 0 || at <= last && string(m[1]) != "hand" || at > 100 {
					t.Errorf("%s: the frames of %s go from %v%% to %v%%", name, m[1], last, at)
				}
				last = at
			}
		}
		for _, m := range moves.FindAllSubmatch(svg, -1) {
			class := string(m[1])
			if class == "going" || strings.HasPrefix(class, "f") {
				continue
			}
			if !known[class] {
				t.Errorf("%s: nothing says how %s moves", name, class)
			}
		}
		if len(known) < 4 {
			t.Errorf("%s: only %d ways to move", name, len(known))
		}
	}
}

// TestStillOfAnAnimation: what does not play shows the moment at which most is affected.
func TestStillOfAnAnimation(t *testing.T) {
	r := fixedReport(t)
	svg, err := svgOf(r, Animation)
	if err != nil {
		t.Fatal(err)
	}
	// At the peak, 45 s, the ledger is delayed, the checkout degraded and its clients down.
	for _, want := range []string{`opacity="1"><g id="n-ledger-2" class="node o-delayed root"`, `opacity="1"><g id="n-checkout-2" class="node o-degraded"`, `opacity="1"><g id="n-clients-2" class="node o-down"`} {
		if !bytes.Contains(svg, []byte(want)) {
			t.Errorf("%s is not there", want)
		}
	}
	if bytes.Contains(svg, []byte(`opacity="1"><g id="n-ledger-3"`)) {
		t.Error("the ledger has two looks at once")
	}
	if n := len(regexp.MustCompile(`class="move f\d+" opacity="1"`).FindAll(svg, -1)); n != 1 {
		t.Errorf("%d clock faces at once", n)
	}
}

func TestRadiusPicture(t *testing.T) {
	svg, err := svgOf(replayed(t), Curve)
	if err != nil {
		t.Fatal(err)
	}
	golden(t, filepath.Join("testdata", "run.radius.svg"), svg)
	text, err := svgText(svg)
	if err != nil {
		t.Fatal(err)
	}
	for _, part := range []string{"onset, 12:00  ·  40s", "peak, 12:00  ·  45s", "the end, 12:03  ·  4m", "half of the peak"} {
		if !strings.Contains(text, part) {
			t.Errorf("%q is not said", part)
		}
	}
	var affected []string
	for _, m := range regexp.MustCompile(`data-affected="(\d+)"`).FindAllSubmatch(svg, -1) {
		affected = append(affected, string(m[1]))
	}
	if !slices.Equal(affected, []string{"1", "3", "3"}) {
		t.Errorf("the small graphs show %v affected", affected)
	}
}

// TestWorstOf: at every time the worst of what lies over each other, and nothing else.
func TestWorstOf(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var all []outcomeSpan
		for range rapid.IntRange(0, 6).Draw(t, "spans") {
			from := float64(rapid.IntRange(0, 50).Draw(t, "from"))
			all = append(all, outcomeSpan{from, from + float64(rapid.IntRange(1, 30).Draw(t, "length")), rapid.SampledFrom(outcomeOrder[1:]).Draw(t, "outcome")})
		}
		c := &course{spans: [][]outcomeSpan{worstOf(slices.Clone(all), true)}}
		for at := 0.5; at < 90; at++ {
			worst := 0
			for _, s := range all {
				if s.from <= at && at < s.to {
					worst = max(worst, slices.Index(outcomeOrder, s.outcome))
				}
			}
			if got := c.at(0, at); got != outcomeOrder[worst] {
				t.Fatalf("at %v it is %s instead of %s: %v", at, got, outcomeOrder[worst], c.spans[0])
			}
		}
	})
}

// TestProgress: time never goes back, and all of it is shown.
func TestProgress(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a := &animation{course: &course{length: 100}}
		a.changes = rapid.SliceOfN(rapid.Float64Range(0, 100), 0, 20).Draw(t, "changes")
		slices.Sort(a.changes)
		last := 0.0
		for at := 0.0; at <= 100; at += 0.5 {
			p := a.progress(at)
			if p < last || p < animationLead || p > 1-animationHold+1e-9 {
				t.Fatalf("at %v after %v", p, last)
			}
			last = p
		}
		if last < 1-animationHold-1e-9 {
			t.Fatalf("it ends at %v", last)
		}
	})
}
