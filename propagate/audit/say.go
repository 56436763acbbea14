package audit

import (
	"fmt"
	"math"
	"strconv"
	"strings"

	"github.com/knockon/knockon/catalog/unit"
	"github.com/knockon/knockon/graph"
)

// Say prints a quantity with what is known of it, so that no guess reads like a fact:
// "40ms", "40ms (guess)", "40ms (fitted)".
func Say[T fmt.Stringer](v unit.Value[T]) string { return evidence(v.V.String(), v.Evidence) }

// SayCount is Say for numbers without a unit.
func SayCount(v unit.Value[int64]) string { return evidence(Amount(float64(v.V)), v.Evidence) }

func evidence(text string, e unit.Evidence) string {
	if e == unit.Guess || e == unit.Fitted {
		return text + " (" + e.String() + ")"
	}
	return text
}

// Amount prints a number to three digits: "0.041", "27", "8450", "1M".
func Amount(x float64) string {
	text := func(x float64) string { return strconv.FormatFloat(unit.Rough(x), 'f', -1, 64) }
	switch a := math.Abs(x); {
	case math.IsInf(x, 0) || math.IsNaN(x) || a >= 1e15:
		return strconv.FormatFloat(x, 'g', 3, 64)
	case a < 9999.5 && x == math.Trunc(x):
		return strconv.FormatFloat(x, 'f', 0, 64)
	case a >= 999.5e6:
		return text(x/1e9) + "G"
	case a >= 999.5e3:
		return text(x/1e6) + "M"
	case a >= 9999.5:
		return text(x/1e3) + "k"
	}
	return text(x)
}

// Times prints a factor: "27 times", "1.4 times".
func Times(x float64) string { return Amount(unit.Rough(x)) + " times" }

// Seconds prints a time in seconds as a catalog writes it, to three digits.
func Seconds(s float64) string {
	if math.IsInf(s, 1) {
		return "for ever"
	}
	return unit.FromSeconds(unit.Rough(s)).String()
}

// PerSecond prints a rate to three digits.
func PerSecond(x float64) string { return unit.Rate(unit.Rough(x)).String() }

// Percent prints a share of a whole, to a whole one or to two digits below ten.
func Percent(x float64) string {
	digits := 0
	if math.Abs(x) < 0.0995 && x != 0 {
		digits = 1
	}
	return strconv.FormatFloat(100*x, 'f', digits, 64) + "%"
}

// Plural counts things: "1 service", "27 services".
func Plural(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return Amount(float64(n)) + " " + noun + "s"
}

// Names lists services by ID, the first few of them by name.
func (f *Facts) Names(nodes []graph.Node) string {
	ids := make([]string, len(nodes))
	for i, v := range nodes {
		ids[i] = f.Graph.ID(v)
	}
	return List(ids)
}

// List joins words for a sentence: "a", "a and b", "a, b and c"; of many the first
// few: "a, b, c and 9 more".
func List(words []string) string {
	const few = 4
	switch n := len(words); {
	case n == 0:
		return "none"
	case n == 1:
		return words[0]
	case n > few+1:
		return fmt.Sprintf("%s and %d more", strings.Join(words[:few], ", "), n-few)
	default:
		return strings.Join(words[:n-1], ", ") + " and " + words[n-1]
	}
}
