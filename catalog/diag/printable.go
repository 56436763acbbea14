package diag

import (
	"strings"
	"unicode"

	"golang.org/x/text/width"
)

// Printable makes a text from an untrusted file safe to show: it replaces what
// could move a terminal's cursor, hide text or reverse its direction, and puts a
// text of several lines on one. Each code point stays one code point, so that
// carets stay right. See Boucher and Anderson, "Trojan Source", 2021.
func Printable(s string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r == '\t', r == '\n':
			return ' '
		case IsHidden(r):
			return unicode.ReplacementChar
		}
		return r
	}, s)
}

// IsHidden reports whether a code point acts instead of being seen: controls,
// line and paragraph separators, marks of direction, tags, spaces of no width.
func IsHidden(r rune) bool {
	const zeroWidthNonJoiner, zeroWidthJoiner = 0x200c, 0x200d // scripts need them
	switch r {
	case zeroWidthNonJoiner, zeroWidthJoiner:
		return false
	case 0x2028, 0x2029:
		return true
	}
	return unicode.IsControl(r) || unicode.Is(unicode.Cf, r)
}

// Columns is how many columns of a terminal a text takes: none for marks that
// stand on the letter before, two for what is wide in Unicode's UAX #11.
func Columns(s string) int {
	n := 0
	for _, r := range s {
		switch {
		case unicode.In(r, unicode.Mn, unicode.Me, unicode.Cf):
		case isWide(r):
			n += 2
		default:
			n++
		}
	}
	return n
}

func isWide(r rune) bool {
	kind := width.LookupRune(r).Kind()
	return kind == width.EastAsianWide || kind == width.EastAsianFullwidth
}
