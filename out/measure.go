package out

import (
	"unicode"

	"github.com/knockon/knockon/catalog/diag"
)

// Text is measured before anybody has chosen a font, so a picture asks for fonts
// with the widths of Helvetica, which Arial, Liberation Sans and most system
// fonts share within a few per cent, and leaves room for the rest.

// advance is the width of printable ASCII in thousandths of the font size, from
// the metrics of Liberation Sans, regular and bold.
var advance = [2][95]int{
	{
		278, 278, 355, 556, 556, 889, 667, 191, 333, 333, 389, 584, 278, 333, 278, 278,
		556, 556, 556, 556, 556, 556, 556, 556, 556, 556, 278, 278, 584, 584, 584, 556,
		1015, 667, 667, 722, 722, 667, 611, 778, 722, 278, 500, 667, 556, 833, 722, 778,
		667, 778, 722, 667, 611, 722, 667, 944, 667, 667, 611, 278, 278, 278, 469, 556,
		333, 556, 556, 500, 556, 556, 278, 556, 556, 222, 222, 500, 222, 833, 556, 556,
		556, 556, 333, 500, 278, 556, 500, 722, 500, 500, 500, 334, 260, 334, 584,
	},
	{
		278, 333, 474, 556, 556, 889, 722, 238, 333, 333, 389, 584, 278, 333, 278, 278,
		556, 556, 556, 556, 556, 556, 556, 556, 556, 556, 333, 333, 584, 584, 584, 611,
		975, 722, 722, 722, 722, 667, 611, 778, 722, 278, 556, 722, 611, 833, 722, 778,
		667, 778, 722, 667, 611, 722, 667, 944, 667, 667, 611, 333, 278, 333, 584, 556,
		333, 556, 611, 556, 611, 556, 333, 611, 611, 278, 278, 556, 278, 889, 611, 611,
		611, 611, 389, 556, 333, 611, 556, 778, 556, 556, 500, 389, 280, 389, 584,
	},
}

// slack is what other fonts of the list may take more.
const slack = 1.05

// style is a size in pixels and a weight.
type style struct {
	size float64
	bold bool
}

// width estimates how wide a text is drawn.
func (t style) width(s string) float64 {
	table := &advance[0]
	if t.bold {
		table = &advance[1]
	}
	sum := 0
	for _, r := range s {
		switch {
		case ' ' <= r && r <= '~':
			sum += table[r-' ']
		case unicode.In(r, unicode.Mn, unicode.Me, unicode.Cf):
		case diag.Columns(string(r)) == 2, r == '…', r == '\uFFFD':
			sum += 1000
		case unicode.IsLetter(r):
			sum += 700 // the wider letters of other alphabets
		default:
			sum += 584
		}
	}
	return float64(sum) / 1000 * t.size * slack
}

// fit shortens a text to a width and ends it with an ellipsis.
func (t style) fit(s string, limit float64) string {
	if t.width(s) <= limit {
		return s
	}
	runes := []rune(s)
	// Widths only grow, so the longest prefix that fits is found by halving.
	low, high := 0, len(runes)
	for low < high {
		mid := (low + high + 1) / 2
		if t.width(string(runes[:mid])+"…") <= limit {
			low = mid
		} else {
			high = mid - 1
		}
	}
	for low > 0 && runes[low-1] == ' ' {
		low--
	}
	return string(runes[:low]) + "…"
}
