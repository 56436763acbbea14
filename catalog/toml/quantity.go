package toml

import (
	"fmt"
	"math"
	"strconv"
	"strings"

	"github.com/knockon/knockon/catalog/unit"
)

// Form is how a quantity is written.
type Form[T any] struct {
	Name    string                  // "a duration"
	Example string                  // `"250ms", "5s" or "1h30m"`
	Parse   func(string) (T, error) // the error is a message about the text
	Fix     func(float64) string    // what to write for a number without a unit, such as `"5s" or "5ms"`; "" for no idea
}

// Forms of the quantities of a catalog.
var (
	Duration = Form[unit.Duration]{"a duration", `"250ms", "5s" or "1h30m"`, unit.ParseDuration, seconds}
	Range    = Form[unit.Range]{"a duration or a range", `"3m" or "3m..3h"`, unit.ParseRange, seconds}
	Rate     = Form[unit.Rate]{"a rate", `"400/s" or "90/min"`, unit.ParseRate, perSecond}
	Ratio    = Form[unit.Ratio]{"a percentage", `"20%" or "0.1%"`, unit.ParseRatio, percent}
)

func seconds(n float64) string {
	if n < 0 || n > 1e15 {
		return ""
	}
	return fmt.Sprintf("\"%ss\" or \"%[1]sms\"", number(n))
}

func perSecond(n float64) string {
	if n < 0 || n > 1e15 {
		return ""
	}
	return fmt.Sprintf("\"%s/s\"", number(n))
}

// percent takes a number up to 1 for a share and a greater one for a percentage;
// 1 itself may be meant as either.
func percent(n float64) string {
	share := strconv.FormatFloat(n*100, 'g', 12, 64) // 0.07*100 is 7.000000000000001
	switch {
	case n == 1:
		return `"100%" or "1%"`
	case n >= 0 && n < 1 && !strings.Contains(share, "e"):
		return `"` + share + `%"`
	case n > 1 && n <= 100:
		return `"` + number(n) + `%"`
	}
	return ""
}

// Duration reads a duration, plain or with its evidence; see Quantity.
func (d *Decoder) Duration(key string, to *unit.Value[unit.Duration]) bool {
	return Quantity(d, key, Duration, to)
}

// Range reads a duration or a range of durations; see Quantity.
func (d *Decoder) Range(key string, to *unit.Value[unit.Range]) bool {
	return Quantity(d, key, Range, to)
}

// Rate reads a rate; see Quantity.
func (d *Decoder) Rate(key string, to *unit.Value[unit.Rate]) bool {
	return Quantity(d, key, Rate, to)
}

// Ratio reads a percentage; see Quantity.
func (d *Decoder) Ratio(key string, to *unit.Value[unit.Ratio]) bool {
	return Quantity(d, key, Ratio, to)
}

// Count reads an integer from low to high, plain or with its evidence; see
// Quantity.
func Count(d *Decoder, key string, low, high int64, to *unit.Value[int64]) bool {
	return evident(d, key, to, func(d *Decoder, key string, v *Value, n *int64) bool {
		return d.integer(key, v, low, high, n)
	})
}

// Real reads a number without a unit, such as a factor, from low to high, plain
// or with its evidence; see Quantity.
func Real(d *Decoder, key string, low, high float64, to *unit.Value[float64]) bool {
	return evident(d, key, to, func(d *Decoder, key string, v *Value, f *float64) bool {
		return d.real(key, v, low, high, f)
	})
}

// Quantity reads a quantity with its unit. It is written plainly, as
//
//	timeout = "3m"
//
// or with how it is known, in one of the ways
//
//	timeout = { documented = "3m", source = "https://…" }
//	timeout = { fitted = "3m", source = "the outage of 20 October" }
//	timeout = { guess = "3m" }
//
// of which only the first needs its source.
func Quantity[T any](d *Decoder, key string, form Form[T], to *unit.Value[T]) bool {
	return evident(d, key, to, form.read)
}

// read reads a quantity from a string, and tells what to write for anything else.
func (f Form[T]) read(d *Decoder, key string, v *Value, to *T) bool {
	switch s := v.Scalar.(type) {
	case string:
		parsed, err := f.Parse(s)
		if err == nil {
			*to = parsed
			return true
		}
		fix := ""
		if n, ferr := strconv.ParseFloat(strings.TrimSpace(s), 64); ferr == nil && !math.IsNaN(n) {
			fix = f.Fix(n)
		}
		d.Errorf(v.At, f.help(fix), "%s", plain(err.Error()))
	case int64:
		d.Errorf(v.At, f.help(f.Fix(float64(s))), "%d has no unit", s)
	case float64:
		d.Errorf(v.At, f.help(f.Fix(s)), "%s has no unit", number(s))
	default:
		d.mismatch(key, v, f.Name, f.help(""))
	}
	return false
}

func (f Form[T]) help(fix string) string {
	if fix == "" {
		return "write " + f.Name + " such as " + f.Example
	}
	return "write " + fix
}

// evidence is the kinds of evidence a catalog can claim, and their keys.
var evidence = [...]struct {
	key string
	unit.Evidence
}{{"documented", unit.Documented}, {"fitted", unit.Fitted}, {"guess", unit.Guess}}

// evident reads a value, plain or with its evidence.
func evident[T any](d *Decoder, key string, to *unit.Value[T], read func(*Decoder, string, *Value, *T) bool) bool {
	v, ok := d.Value(key)
	if !ok {
		return false
	}
	if v.Kind != TableKind {
		if ok = read(d, key, v, &to.V); ok {
			to.Evidence, to.Source, to.At = unit.Stated, "", v.At
		}
		return ok
	}
	sub := d.sub(key, v)
	value := unit.Value[T]{At: v.At}
	claims := 0
	for _, kind := range evidence {
		if !sub.Has(kind.key) {
			continue
		}
		if claims++; claims > 1 {
			d.Errorf(sub.Key(kind.key), "keep one of them", "%q is known in two ways", key)
			ok = false
			continue
		}
		value.Evidence = kind.Evidence
		stated, good := sub.Value(kind.key)
		if good {
			value.At = stated.At
			good = read(sub, kind.key, stated, &value.V)
		}
		ok = ok && good
	}
	hasSource := sub.Has("source")
	if !sub.String("source", &value.Source) && hasSource {
		ok = false
	}
	switch {
	case claims == 0 && len(v.Table.Entries) == 0, claims == 0 && hasSource:
		d.Errorf(v.At, "write { documented = …, source = … }, { fitted = … } or { guess = … }", "%q has no value", key)
		ok = false
	case claims == 0:
		ok = false // whatever stands there instead is an unknown key
	case value.Evidence == unit.Documented && !hasSource:
		d.Errorf(v.At, `add source = "…"`, "%q is documented, but not where", key)
		ok = false
	}
	sub.Done()
	if ok {
		*to = value
	}
	return ok
}
