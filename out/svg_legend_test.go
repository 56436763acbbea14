package out

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/knockon/knockon/graph"
	"github.com/knockon/knockon/out/scene"
)

// TestNotesOfManyServices: notes, and the description that screen readers get from
// them, do not grow with what is not drawn.
func TestNotesOfManyServices(t *testing.T) {
	b := &Blast{Map: Map{Services: make([]Service, 100_000)}, Roots: []int{0}, As: "down"}
	for i := range b.Services {
		b.Services[i] = Service{ID: fmt.Sprintf("service-%05d", i), Kind: "service", Cause: -1}
		b.Assumed = append(b.Assumed, "something")
	}
	b.Services[0].Root, b.Services[0].Outcome = true, graph.Down
	svg := string(written(t, "svg", b))
	if n := len(svg); n > 50_000 {
		t.Errorf("the picture of one box has %d bytes", n)
	}
	if text, err := svgText([]byte(svg)); err != nil || !strings.Contains(text, "and 99959 more") || !strings.Contains(text, "and 99960 more") {
		t.Error(text, err)
	}
}

func TestWrapWords(t *testing.T) {
	text := strings.Repeat("some words ", 100_000)
	lines := wrapWords(text, noteStyle, 300, 3)
	if len(lines) != 3 || !strings.HasSuffix(lines[2], "…") {
		t.Errorf("%q", lines)
	}
	for _, line := range lines {
		if noteStyle.width(line) > 300 {
			t.Errorf("%q is %v wide", line, noteStyle.width(line))
		}
	}
	if got := wrapWords("a b", noteStyle, 300, 3); !slices.Equal(got, []string{"a b"}) {
		t.Errorf("%q", got)
	}
}

// TestLegendOfHardNeeds: a line that is not drawn is not explained.
func TestLegendOfHardNeeds(t *testing.T) {
	explained := func(ids ...string) bool {
		c, g := loadShop(t, "[service.a]\nneeds = [\"b\", \"c\"]\n[service.b]\n[service.c]\n")
		return slices.Contains(blastScene(blastOf(t, c, g, graph.Options{}, ids...)).Legend, scene.Entry{Sign: "kind hard", Text: linkMeanings[Hard]})
	}
	if explained("b") {
		t.Error("all that is drawn carries a failure")
	}
	if !explained("b", "c") {
		t.Error("a need by which nothing came is not explained")
	}
}
