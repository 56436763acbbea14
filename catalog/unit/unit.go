// Package unit reads and prints the quantities of a catalog: durations, rates,
// ratios and ranges of them.
//
// A quantity is written with its unit ("250ms", "400/s", "20%"); a bare number
// is refused, because "timeout = 5" has been read as nanoseconds, milliseconds
// and seconds by people who were all sure. Every type parses what it prints:
// Parse(x.String()) == x.
package unit

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
)

// Duration is a length of time, zero or more, with nanosecond resolution.
type Duration time.Duration

// MaxDuration is the longest duration a catalog may state: ten years.
const MaxDuration = Duration(10 * 365 * 24 * time.Hour)

var durationUnits = []struct {
	name  string
	nanos int64
}{
	{"ns", 1},
	{"us", 1e3},
	{"µs", 1e3},
	{"μs", 1e3},
	{"ms", 1e6},
	{"s", 1e9},
	{"m", 60e9},
	{"min", 60e9},
	{"h", 3600e9},
	{"d", 86400e9},
	{"w", 7 * 86400e9},
}

// ParseDuration reads "250ms", "1h30m", "2d" or "1 w". Units are ns, us (µs), ms,
// s, m (min), h, d (24 h) and w (7 d), the larger before the smaller; a decimal
// point is allowed, a sign is not.
func ParseDuration(s string) (Duration, error) {
	rest := strings.TrimSpace(s)
	if rest == "" {
		return 0, fmt.Errorf("an empty duration")
	}
	if rest == "0" {
		return 0, nil
	}
	var total, last int64
	for rest != "" {
		number, tail, ok := leadingNumber(rest)
		if !ok {
			return 0, fmt.Errorf("%q is not a duration", s)
		}
		rest = strings.TrimLeft(tail, " ")
		end := 0
		for end < len(rest) && !isDigit(rest[end]) && rest[end] != ' ' {
			end++
		}
		var scale int64
		for _, u := range durationUnits {
			if rest[:end] == u.name {
				scale = u.nanos
			}
		}
		switch {
		case end == 0:
			return 0, fmt.Errorf("%q has no unit", s)
		case scale == 0:
			return 0, fmt.Errorf("%q has an unknown unit %q", s, rest[:end])
		case last != 0 && scale >= last:
			return 0, fmt.Errorf("%q has its units out of order", s)
		}
		last = scale
		nanos, ok := times(number, scale)
		if total += nanos; !ok || total > int64(MaxDuration) {
			return 0, fmt.Errorf("%q is longer than ten years", s)
		}
		rest = strings.TrimLeft(rest[end:], " ")
	}
	return Duration(total), nil
}

// times is a decimal number times a scale, rounded, if that is no longer than the
// longest duration. Whole numbers stay exact, which a float64 does not keep.
func times(number string, scale int64) (n int64, ok bool) {
	whole, fraction, _ := strings.Cut(number, ".")
	n, err := strconv.ParseInt(whole, 10, 64)
	if err != nil || n > int64(MaxDuration)/scale {
		return 0, false
	}
	n *= scale
	if fraction != "" {
		part, err := strconv.ParseFloat("0."+fraction, 64)
		if err != nil {
			return 0, false
		}
		n += int64(math.Round(part * float64(scale)))
	}
	return n, true
}

// Std returns d as the standard library's type.
func (d Duration) Std() time.Duration { return time.Duration(d) }

// Seconds returns d in seconds.
func (d Duration) Seconds() float64 { return time.Duration(d).Seconds() }

// String prints the shortest exact form: "1h30m", "250ms", "2d"; zero is "0s".
func (d Duration) String() string {
	switch {
	case d == 0:
		return "0s"
	case d < 0:
		return time.Duration(d).String() // no duration of a catalog, but of a bug
	}
	var b strings.Builder
	n := int64(d)
	for _, u := range []struct {
		name  string
		nanos int64
	}{{"d", 86400e9}, {"h", 3600e9}, {"m", 60e9}, {"s", 1e9}, {"ms", 1e6}, {"us", 1e3}, {"ns", 1}} {
		if q := n / u.nanos; q > 0 {
			fmt.Fprintf(&b, "%d%s", q, u.name)
			n -= q * u.nanos
		}
	}
	return b.String()
}

// Rate is a frequency in events per second.
type Rate float64

var rateUnits = []struct {
	name    string
	seconds float64
}{{"s", 1}, {"sec", 1}, {"min", 60}, {"m", 60}, {"h", 3600}, {"d", 86400}}

// ParseRate reads "400/s", "1.5k/s", "90/min" or "5 requests/h". The word before
// the slash is for the reader; k and M are thousands and millions.
func ParseRate(s string) (Rate, error) {
	count, per, ok := strings.Cut(strings.TrimSpace(s), "/")
	if !ok {
		return 0, fmt.Errorf("%q has no unit", s)
	}
	text, tail, ok := leadingNumber(strings.TrimSpace(count))
	number, err := strconv.ParseFloat(text, 64)
	if !ok || err != nil {
		return 0, fmt.Errorf("%q is not a rate", s)
	}
	switch {
	case strings.HasPrefix(tail, "k") && !startsWord(tail[1:]):
		number, tail = number*1e3, tail[1:]
	case strings.HasPrefix(tail, "M") && !startsWord(tail[1:]):
		number, tail = number*1e6, tail[1:]
	}
	for _, r := range strings.TrimSpace(tail) {
		if (r < 'a' || r > 'z') && r != ' ' {
			return 0, fmt.Errorf("%q is not a rate", s)
		}
	}
	per = strings.TrimSpace(per)
	for _, u := range rateUnits {
		if per == u.name {
			rate := number / u.seconds
			if rate > 1e15 {
				return 0, fmt.Errorf("%q is too large", s)
			}
			return Rate(rate), nil
		}
	}
	return 0, fmt.Errorf("%q has an unknown unit %q after the slash", s, per)
}

// String prints the rate per second, or per minute, hour or day where that is
// the larger and exact form.
func (r Rate) String() string {
	for _, u := range []struct {
		name    string
		seconds float64
	}{{"s", 1}, {"min", 60}, {"h", 3600}, {"d", 86400}} {
		n := float64(r) * u.seconds
		if text := float(n); n >= 1 || n == 0 {
			if back, err := ParseRate(text + "/" + u.name); err == nil && back == r {
				return text + "/" + u.name
			}
		}
	}
	return float(float64(r)) + "/s"
}

// Ratio is a share of a whole, from 0 to 1.
type Ratio float64

// ParseRatio reads a percentage such as "20%" or "0.1 %". A bare "0.2" is refused:
// one reader takes it for a fifth, the next for a fifth of a per cent.
func ParseRatio(s string) (Ratio, error) {
	number, tail, ok := leadingNumber(strings.TrimSpace(s))
	// The exponent divides without the error of a division, so that every ratio has
	// a percentage that reads as itself.
	share, err := strconv.ParseFloat(number+"e-2", 64)
	switch {
	case !ok || err != nil:
		return 0, fmt.Errorf("%q is not a percentage", s)
	case strings.TrimSpace(tail) == "":
		return 0, fmt.Errorf("%q has no unit", s)
	case strings.TrimSpace(tail) != "%":
		return 0, fmt.Errorf("%q is not a percentage", s)
	case share > 1:
		return 0, fmt.Errorf("%q is more than the whole", s)
	}
	return Ratio(share), nil
}

// String prints a percentage.
func (r Ratio) String() string {
	if !(r >= 0 && r <= 1) {
		return float(float64(r)*100) + "%" // no ratio of a catalog
	}
	// The digits of the share, with the point two places further right.
	whole, fraction, _ := strings.Cut(float(float64(r)), ".")
	fraction += "00"
	whole = strings.TrimLeft(whole+fraction[:2], "0")
	fraction = strings.TrimRight(fraction[2:], "0")
	if whole == "" {
		whole = "0"
	}
	if fraction != "" {
		whole += "." + fraction
	}
	return whole + "%"
}

// Range is a duration that is not the same each time: anything from Low to High.
// A single duration has both ends equal.
type Range struct{ Low, High Duration }

// ParseRange reads "3m" or "3m..3h".
func ParseRange(s string) (Range, error) {
	low, high, isRange := strings.Cut(s, "..")
	l, err := ParseDuration(low)
	if err != nil {
		return Range{}, err
	}
	if !isRange {
		return Range{l, l}, nil
	}
	h, err := ParseDuration(high)
	if err != nil {
		return Range{}, err
	}
	if h < l {
		return Range{}, fmt.Errorf("%q runs backwards", s)
	}
	return Range{l, h}, nil
}

// String prints "3m" or "3m..3h".
func (r Range) String() string {
	if r.Low == r.High {
		return r.Low.String()
	}
	return r.Low.String() + ".." + r.High.String()
}

// leadingNumber splits an unsigned decimal number from the front of s.
func leadingNumber(s string) (number, tail string, ok bool) {
	end, points := 0, 0
	for ; end < len(s); end++ {
		if s[end] == '.' && end > 0 && end+1 < len(s) && isDigit(s[end+1]) {
			points++
		} else if !isDigit(s[end]) {
			break
		}
	}
	return s[:end], s[end:], end > 0 && points <= 1
}

func isDigit(c byte) bool { return '0' <= c && c <= '9' }

func startsWord(s string) bool { return s != "" && 'a' <= s[0] && s[0] <= 'z' }

func float(f float64) string { return strconv.FormatFloat(f, 'f', -1, 64) }
