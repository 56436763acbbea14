package catalog

import (
	"cmp"
	"fmt"
	"math"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"github.com/knockon/knockon/catalog/diag"
	"github.com/knockon/knockon/catalog/unit"
)

// NumberUnit is what a number of a catalog counts.
type NumberUnit uint8

// The units of numbers.
const (
	PlainNumber NumberUnit = iota
	Seconds
	PerSecond
	ShareOfOne
)

// Number is one number that a catalog states, and its place in it:
//
//	service "dwfm".capacity
//	service "ec2-launch" -> "dynamodb".timeout
//	lease "droplets".regrant.cost
//	lease "droplets".ttl.high
//	health_check "nlb-targets".on_fail.rate
//
// A range is one number, its higher end, which moves the lower one by the same factor;
// each end is a number of its own besides.
type Number struct {
	Path     string
	Unit     NumberUnit
	Evidence unit.Evidence
	Source   string
	At       diag.Span // zero of what a preset brings

	get func() float64
	set func(float64)
}

// NewNumber is a number that stands elsewhere than in a catalog.
func NewNumber(path string, u NumberUnit, get func() float64, set func(float64)) Number {
	return Number{Path: path, Unit: u, get: get, set: set}
}

// Value is the number: seconds, requests per second, a share of one, or plain.
func (n *Number) Value() float64 { return n.get() }

// Set changes the catalog that the number was listed from: see Catalog.Clone. Counts
// are rounded, and no number becomes negative or a share more than one.
func (n *Number) Set(v float64) { n.set(v) }

// Text is the number as a catalog writes it, to four digits.
func (n *Number) Text() string { return FormatNumber(n.Value(), n.Unit) }

// FormatNumber writes a number as a catalog does, to four digits.
func FormatNumber(v float64, u NumberUnit) string {
	if math.IsNaN(v) || math.IsInf(v, 0) {
		return "none"
	}
	rough, err := strconv.ParseFloat(strconv.FormatFloat(v, 'g', 4, 64), 64)
	if err != nil {
		rough = v
	}
	switch u {
	case Seconds:
		return nanos(rough).String()
	case PerSecond:
		return strconv.FormatFloat(rough, 'f', -1, 64) + "/s"
	case ShareOfOne:
		return unit.Ratio(rough).String()
	}
	return strconv.FormatFloat(rough, 'f', -1, 64)
}

// ParseNumber reads "20ms", "400/s", "20%" or "3".
func ParseNumber(text string) (v float64, u NumberUnit, err error) {
	text = strings.TrimSpace(text)
	if n, err := strconv.ParseFloat(text, 64); err == nil {
		return n, PlainNumber, nil
	}
	switch {
	case strings.Contains(text, "/"):
		r, err := unit.ParseRate(text)
		return float64(r), PerSecond, err
	case strings.HasSuffix(text, "%"):
		r, err := unit.ParseRatio(text)
		return float64(r), ShareOfOne, err
	}
	d, err := unit.ParseDuration(text)
	return d.Seconds(), Seconds, err
}

// Numbers lists the numbers that a catalog states, sorted by Path. A need that a
// service has twice for one target has the second one's numbers after "#2".
func Numbers(c *Catalog) []Number {
	var l numbers
	for i := range c.Services {
		s := &c.Services[i]
		at := fmt.Sprintf("service %q", s.ID)
		seen := make(map[string]int)
		for j := range s.Needs {
			n := &s.Needs[j]
			target := strconv.Quote(strings.Join(n.Targets, ", "))
			if seen[target]++; seen[target] > 1 {
				target += "#" + strconv.Itoa(seen[target])
			}
			l.fields(at+" -> "+target, reflect.ValueOf(n).Elem())
		}
		l.fields(at, reflect.ValueOf(s).Elem())
	}
	for i := range c.Leases {
		l.fields(fmt.Sprintf("lease %q", c.Leases[i].ID), reflect.ValueOf(&c.Leases[i].Policy).Elem())
	}
	for i := range c.HealthChecks {
		h := &c.HealthChecks[i]
		at := fmt.Sprintf("health_check %q", h.ID)
		l.fields(at+".on_fail", reflect.ValueOf(&h.Policy.OnFail).Elem())
		l.fields(at+".policy", reflect.ValueOf(&h.Policy).Elem())
		for j := range h.Tests {
			l.fields(fmt.Sprintf("%s of %q", at, h.Tests[j].Service), reflect.ValueOf(&h.Tests[j]).Elem())
		}
	}
	slices.SortFunc(l, func(a, b Number) int { return cmp.Compare(a.Path, b.Path) })
	return l
}

// numbers are what has been listed until now.
type numbers []Number

// fields lists the numbers of a struct, and of the structs in it. Needs, tests and
// what a check does are listed with their own names.
func (l *numbers) fields(at string, v reflect.Value) {
	for i := range v.NumField() {
		field := v.Type().Field(i)
		if !field.IsExported() || field.Name == "At" || field.Name == "Tier" || field.Name == "OnFail" {
			continue
		}
		path := at + "." + snake(field.Name)
		f := v.Field(i)
		if f.Kind() == reflect.Pointer {
			if f.IsNil() {
				continue
			}
			f = f.Elem()
		}
		if f.Kind() != reflect.Struct {
			continue
		}
		if !l.number(path, f.Addr().Interface()) {
			l.fields(path, f)
		}
	}
}

// number lists a value, and reports whether it is one.
func (l *numbers) number(path string, v any) bool {
	switch v := v.(type) {
	case *unit.Value[unit.Duration]:
		listed(l, path, Seconds, v, func(d unit.Duration) float64 { return d.Seconds() }, nanos)
	case *unit.Value[unit.Rate]:
		listed(l, path, PerSecond, v, func(r unit.Rate) float64 { return float64(r) }, func(f float64) unit.Rate { return unit.Rate(max(0, f)) })
	case *unit.Value[unit.Ratio]:
		listed(l, path, ShareOfOne, v, func(r unit.Ratio) float64 { return float64(r) }, func(f float64) unit.Ratio { return unit.Ratio(min(1, max(0, f))) })
	case *unit.Value[int64]:
		listed(l, path, PlainNumber, v, func(n int64) float64 { return float64(n) }, func(f float64) int64 { return int64(math.Round(min(1e15, max(0, f)))) })
	case *unit.Value[float64]:
		listed(l, path, PlainNumber, v, func(n float64) float64 { return n }, func(f float64) float64 { return max(0, f) })
	case *unit.Value[unit.Range]:
		listed(l, path, Seconds, v, func(r unit.Range) float64 { return r.High.Seconds() }, func(f float64) unit.Range {
			r := v.V
			if r.High > 0 {
				r.Low = nanos(r.Low.Seconds() * (f / r.High.Seconds()))
			}
			return unit.Range{Low: r.Low, High: max(r.Low, nanos(f))}
		})
		if v.V.Low == v.V.High {
			break
		}
		listed(l, path+".high", Seconds, v, func(r unit.Range) float64 { return r.High.Seconds() }, func(f float64) unit.Range {
			return unit.Range{Low: min(v.V.Low, nanos(f)), High: nanos(f)}
		})
		listed(l, path+".low", Seconds, v, func(r unit.Range) float64 { return r.Low.Seconds() }, func(f float64) unit.Range {
			return unit.Range{Low: nanos(f), High: max(v.V.High, nanos(f))}
		})
	default:
		return false
	}
	return true
}

// listed adds a number, where it is stated.
func listed[T any](l *numbers, path string, u NumberUnit, v *unit.Value[T], get func(T) float64, set func(float64) T) {
	if !v.IsStated() {
		return
	}
	*l = append(*l, Number{
		Path: path, Unit: u, Evidence: v.Evidence, Source: v.Source, At: v.At,
		get: func() float64 { return get(v.V) },
		set: func(f float64) { v.V = set(f) },
	})
}

// nanos is a number of seconds as a duration.
func nanos(seconds float64) unit.Duration {
	if !(seconds > 0) {
		return 0
	}
	return unit.Duration(math.Round(min(seconds*1e9, float64(unit.MaxDuration))))
}

// snake is a field's name as a catalog writes its key.
func snake(name string) string {
	var b strings.Builder
	runes := []rune(name)
	for i, r := range runes {
		begins := i > 0 && (unicode.IsLower(runes[i-1]) || i+1 < len(runes) && unicode.IsLower(runes[i+1]))
		if unicode.IsUpper(r) && begins {
			b.WriteByte('_')
		}
		b.WriteRune(unicode.ToLower(r))
	}
	return b.String()
}

// Clone is a copy that shares nothing which can be written.
func (c *Catalog) Clone() *Catalog {
	return cloned(reflect.ValueOf(c)).Interface().(*Catalog)
}

func cloned(v reflect.Value) reflect.Value {
	switch v.Kind() {
	case reflect.Pointer:
		if v.IsNil() {
			return v
		}
		to := reflect.New(v.Type().Elem())
		to.Elem().Set(cloned(v.Elem()))
		return to
	case reflect.Slice:
		if v.IsNil() {
			return v
		}
		to := reflect.MakeSlice(v.Type(), v.Len(), v.Len())
		for i := range v.Len() {
			to.Index(i).Set(cloned(v.Index(i)))
		}
		return to
	case reflect.Struct:
		to := reflect.New(v.Type()).Elem()
		to.Set(v) // what is not exported is a copy of a plain value
		for i := range v.NumField() {
			if f := to.Field(i); f.CanSet() {
				f.Set(cloned(v.Field(i)))
			}
		}
		return to
	}
	return v
}
