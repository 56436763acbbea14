package policy

import (
	"fmt"
	"reflect"
	"strconv"
	"strings"
	"unicode"
)

// Preset is the defaults of real software, ready to be named in a catalog.
type Preset struct {
	Key    string // of a need, or of a service for a queue: "retry"
	Name   string
	Values string // as a catalog would write them
	Source string // where they were read
}

// Presets returns all presets, sorted by key and name.
func Presets() []Preset {
	var all []Preset
	for i := range BreakerPresets {
		p := &BreakerPresets[i]
		all = append(all, Preset{"breaker", p.Breaker.Preset, valuesOf(p.Breaker), p.Source})
	}
	for i := range RetryBudgetPresets {
		p := &RetryBudgetPresets[i]
		all = append(all, Preset{"budget", p.Budget.Preset, valuesOf(p.Budget), p.Source})
	}
	for i := range BulkheadPresets {
		p := &BulkheadPresets[i]
		all = append(all, Preset{"bulkhead", p.Bulkhead.Preset, valuesOf(p.Bulkhead), p.Source})
	}
	for i := range ClientThrottlePresets {
		p := &ClientThrottlePresets[i]
		all = append(all, Preset{"limit", p.Limit.Preset, valuesOf(p.Limit), p.Source})
	}
	for i := range QueuePresets {
		p := &QueuePresets[i]
		all = append(all, Preset{"queue", p.Queue.Preset, valuesOf(p.Queue), p.Source})
	}
	for i := range RetryPresets {
		p := &RetryPresets[i]
		all = append(all, Preset{"retry", p.Retry.Preset, valuesOf(p.Retry), p.Source})
	}
	return all
}

// valuesOf writes what a policy states as a table in braces.
func valuesOf(policy any) string {
	v := reflect.ValueOf(policy)
	var parts []string
	for i := range v.NumField() {
		name := v.Type().Field(i).Name
		if text := valueOf(v.Field(i)); text != "" && name != "Preset" {
			parts = append(parts, KeyOf(name)+" = "+text)
		}
	}
	return "{ " + strings.Join(parts, ", ") + " }"
}

// valueOf writes one value; "" for what is not stated.
func valueOf(v reflect.Value) string {
	switch v.Kind() {
	case reflect.Pointer:
		if v.IsNil() {
			return ""
		}
		return valuesOf(v.Elem().Interface())
	case reflect.String:
		if v.Len() == 0 {
			return ""
		}
		return strconv.Quote(v.String())
	case reflect.Bool:
		if !v.Bool() {
			return ""
		}
		return "true"
	case reflect.Struct: // a unit.Value
		if stated := v.MethodByName("IsStated"); !stated.IsValid() || !stated.Call(nil)[0].Bool() {
			return ""
		}
		x := v.FieldByName("V").Interface()
		if s, ok := x.(fmt.Stringer); ok {
			return strconv.Quote(s.String())
		}
		return fmt.Sprint(x)
	}
	return ""
}

// KeyOf is the key of a catalog for a field of a policy: MaxWait is max_wait.
func KeyOf(field string) string {
	var b strings.Builder
	for i, r := range field {
		if unicode.IsUpper(r) && i > 0 {
			before, after := field[i-1], byte('A')
			if i+1 < len(field) {
				after = field[i+1]
			}
			if unicode.IsLower(rune(before)) || unicode.IsLower(rune(after)) {
				b.WriteByte('_')
			}
		}
		b.WriteRune(unicode.ToLower(r))
	}
	return b.String()
}
