package scenario

import (
	"strconv"
	"strings"

	"github.com/knockon/knockon/catalog/toml"
	"github.com/knockon/knockon/catalog/unit"
)

// maxNumber bounds what can be expected of anything.
const maxNumber = 1e18

// Tolerances where none is stated. Sums of millions of float64 end about as close
// to zero as the absolute one.
const (
	defaultRelative = 0.01
	defaultAbsolute = 1e-9
)

// form is how the values of a measure are written.
type form struct {
	name    string // "a rate"
	example string // of a value
	small   string // of a tolerance
	read    func(d *toml.Decoder, v *toml.Value, key string, f form) (float64, bool)
}

// formOf is how the value of a measure is written once it is one number.
func formOf(m Measure, as Aggregate) form {
	switch Measures[m].Unit {
	case PerSecond:
		if as == Total {
			return form{"a number of requests", `1500`, `15`, count}
		}
		return form{"a rate", `"600/s"`, `"18/s"`, quantity(toml.Rate, func(r unit.Rate) float64 { return float64(r) })}
	case Seconds:
		return form{"a duration", `"33s"`, `"500ms"`, quantity(toml.Duration, unit.Duration.Seconds)}
	case Share:
		return form{"a share or a ratio", `"20%", 0.2 or 3`, `0.05`, ratio}
	}
	return form{"a number", `1500`, `15`, count}
}

// count reads a number without a unit.
func count(d *toml.Decoder, v *toml.Value, key string, f form) (float64, bool) {
	n, ok := bare(v)
	switch {
	case !ok && v.Kind == toml.StringKind:
		help := "write " + key + " = " + f.example
		if n, is := decimal(strings.TrimSpace(v.Scalar.(string))); is {
			help = "write " + formatNumber(n) + ", without quotes"
		}
		d.Errorf(v.At, help, "%q must be %s here, not %q", key, f.name, short(v.Scalar.(string)))
		return 0, false
	case !ok:
		d.Errorf(v.At, "write "+key+" = "+f.example, "%q must be %s, not %s", key, f.name, v.Kind)
		return 0, false
	}
	return n, inRange(d, v, key, n)
}

// ratio reads a percentage, or a number that may exceed 1.
func ratio(d *toml.Decoder, v *toml.Value, key string, f form) (float64, bool) {
	if n, ok := bare(v); ok {
		return n, inRange(d, v, key, n)
	}
	return percentage(d, v, key, f.example)
}

// quantity reads a value with a unit.
func quantity[T any](q toml.Form[T], number func(T) float64) func(*toml.Decoder, *toml.Value, string, form) (float64, bool) {
	return func(d *toml.Decoder, v *toml.Value, _ string, _ form) (float64, bool) {
		x, ok := item(d, v, q)
		return number(x), ok
	}
}

// percentage reads a percentage that may exceed the whole.
func percentage(d *toml.Decoder, v *toml.Value, key, example string) (share float64, ok bool) {
	text, is := v.Scalar.(string)
	if !is {
		help := "write " + example
		if n, bare := bare(v); bare {
			if fix := toml.Ratio.Fix(n); fix != "" {
				help = "write " + fix
			}
			d.Errorf(v.At, help, "%s has no unit", formatNumber(n))
		} else if v.Kind != toml.FaultyKind {
			d.Errorf(v.At, help, "%q must be a percentage, not %s", key, v.Kind)
		}
		return 0, false
	}
	digits, marked := strings.CutSuffix(strings.TrimSpace(text), "%")
	n, ok := decimal(strings.TrimSpace(digits))
	switch {
	case !marked && ok:
		d.Errorf(v.At, `write "`+text+`%", or the number without quotes where it is a ratio`, "%q has no unit", short(text))
		return 0, false
	case !marked || !ok:
		d.Errorf(v.At, "write "+example, "%q is not a percentage", short(text))
		return 0, false
	case n > 100*maxTimes:
		d.Errorf(v.At, "write "+example, "%q is too large", short(text))
		return 0, false
	}
	return percent(text)
}

// percent is the share that a percentage is.
func percent(text string) (share float64, ok bool) {
	digits := strings.TrimSpace(strings.TrimSuffix(strings.TrimSpace(text), "%"))
	if n, ok := decimal(digits); !ok || n > 100*maxTimes {
		return 0, false
	}
	// The exponent divides without the error of a division; see unit.ParseRatio.
	return parseFloat(digits + "e-2")
}

func isPercentage(text string) bool { return strings.HasSuffix(strings.TrimSpace(text), "%") }

func parseFloat(text string) (float64, bool) {
	f, err := strconv.ParseFloat(text, 64)
	return f, err == nil
}

// bare is a number without a unit.
func bare(v *toml.Value) (float64, bool) {
	switch s := v.Scalar.(type) {
	case int64:
		return float64(s), true
	case float64:
		return s, true
	}
	return 0, false
}

func inRange(d *toml.Decoder, v *toml.Value, key string, n float64) bool {
	if n >= 0 && n <= maxNumber {
		return true
	}
	d.Errorf(v.At, "write 0 or more", "%s is out of range for %q", formatNumber(n), key)
	return false
}

func formatNumber(f float64) string { return strconv.FormatFloat(f, 'g', 12, 64) }

// relation reads the one of is, at_least and at_most that is there.
func (r *reader) relation(d *toml.Decoder, x *Expect) (text string, ok bool) {
	f := formOf(x.Measure, x.As)
	key := ""
	for i, word := range []string{"is", "at_least", "at_most"} {
		switch {
		case !d.Has(word):
		case key == "":
			key = word
			x.Relation = Relation(i)
		default:
			d.Errorf(d.Key(word), "keep one of them, or write two expectations", "this expectation has both %s and %s", key, word)
			return "", false
		}
	}
	if key == "" {
		d.Errorf(d.At(), "add is = "+f.example+", at_least or at_most", "this expectation does not say how much %s is expected", x.Measure)
		return "", false
	}
	v, ok := d.Value(key)
	if !ok {
		return "", false
	}
	if x.Value, ok = f.read(d, v, key, f); !ok {
		return "", false
	}
	if text, is := v.Scalar.(string); is {
		return strings.ReplaceAll(key, "_", " ") + " " + strings.TrimSpace(text), true
	}
	return strings.ReplaceAll(key, "_", " ") + " " + formatNumber(x.Value), true
}

// tolerance reads how far off a number may be: a percentage of it, an amount in
// its unit, or both, of which the larger counts.
func (r *reader) tolerance(d *toml.Decoder, x *Expect) {
	if !d.Has("tolerance") {
		if x.Relation == Is {
			x.Absolute = defaultAbsolute
			if x.Measure != BreakerOpens && x.Measure != RotationChanges { // whole numbers
				x.Relative = defaultRelative
			}
		}
		return
	}
	f := formOf(x.Measure, x.As)
	v, ok := d.Value("tolerance")
	switch {
	case !ok:
		return
	case x.Relation != Is:
		d.Errorf(d.Key("tolerance"), "leave it out, and move the bound", "a tolerance is for is; at_least and at_most are bounds already")
		return
	}
	items := []*toml.Value{v}
	if v.Kind == toml.ArrayKind {
		items = v.Items
	}
	if len(items) == 0 || len(items) > 2 {
		d.Errorf(v.At, `write tolerance = ["5%", `+f.small+`]`, "a tolerance is a percentage, an amount, or one of each")
		return
	}
	relative, absolute := false, false
	for _, item := range items {
		if item.Kind == toml.FaultyKind {
			continue
		}
		text, is := item.Scalar.(string)
		twice := false
		if is && isPercentage(text) {
			twice, relative = relative, true
			x.Relative, _ = percentage(d, item, "tolerance", `"5%"`)
		} else {
			twice, absolute = absolute, true
			x.Absolute = r.margin(d, item, f)
		}
		if twice {
			d.Errorf(item.At, `write tolerance = ["5%", `+f.small+`]`, "two of a kind: a tolerance has one percentage and one amount")
		}
	}
}

// margin reads an absolute tolerance.
func (r *reader) margin(d *toml.Decoder, v *toml.Value, f form) float64 {
	if _, text := v.Scalar.(string); !text && v.Kind != toml.IntegerKind && v.Kind != toml.FloatKind {
		d.Errorf(v.At, `write "5%" or `+f.small, "a tolerance is a percentage or %s, not %s", f.name, v.Kind)
		return 0
	}
	f.example = f.small
	n, _ := f.read(d, v, "tolerance", f)
	return n
}

// short is a piece of a value, cut to the length of a message.
func short(text string) string {
	const most = 40
	if runes := []rune(text[:min(len(text), 4*most+4)]); len(runes) > most {
		return string(runes[:most]) + "…"
	}
	return text
}

// stated reads a quantity.
func stated[T any](d *toml.Decoder, key string, form toml.Form[T]) (q T, ok bool) {
	var v unit.Value[T]
	ok = toml.Quantity(d, key, form, &v)
	return v.V, ok
}

// plainValue reads a quantity without evidence, and keeps its place.
func plainValue[T any](d *toml.Decoder, key string, form toml.Form[T], to *unit.Value[T]) bool {
	var q T
	if !plain(d, key, form, &q) {
		return false
	}
	v, _ := d.Value(key)
	*to = unit.Value[T]{V: q, Evidence: unit.Stated, At: v.At}
	return true
}
