package toml

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/BurntSushi/toml"
	"github.com/pelletier/go-toml/v2/unstable"
)

// decode lets BurntSushi read what is left of the text and fills the values in.
func (r *reader) decode(data []byte) {
	if len(r.cuts) > 0 {
		data = slices.Clone(data)
	}
	for _, c := range r.cuts {
		blank(data[c.from:c.to])
	}
	read := 0
	for attempt := 0; ; attempt++ {
		values, err := unmarshal(data)
		if err == nil {
			r.fill(r.doc.Root, values)
			return
		}
		if attempt == 0 && len(r.cuts) == 0 {
			data = slices.Clone(data)
		}
		read += len(data)
		if !r.refused(data, err) || attempt == maxRecovery || read > MaxBytes {
			r.stopped = true
			return
		}
	}
}

// blank overwrites a stretch with spaces, keeping its lines.
func blank(text []byte) {
	for i, c := range text {
		if c != '\n' {
			text[i] = ' '
		}
	}
}

// unmarshal is BurntSushi's decoder without its panics.
func unmarshal(data []byte) (values map[string]any, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("%v", p)
		}
	}()
	var v any
	if err = toml.Unmarshal(data, &v); err != nil {
		return nil, err
	}
	values, _ = v.(map[string]any)
	return values, nil
}

// refused reports what BurntSushi refuses though the index has accepted it, and
// blanks the expression. It returns false when that is not possible.
func (r *reader) refused(data []byte, err error) bool {
	var perr toml.ParseError
	if !errors.As(err, &perr) {
		r.fault(r.locate.span(0, 1), "", "this file cannot be read: %s", plain(err.Error()))
		return false
	}
	at := min(max(perr.Position.Start, 0), len(data)-1)
	r.fault(r.locate.span(at, min(at+perr.Position.Len, len(data))), "", "%s", plain(perr.Message))
	cut := r.around(data, at)
	blank(data[cut.from:cut.to])
	return cut.from < cut.to
}

// around is the lines of the expression at an offset; with a header go all lines
// under it.
func (r *reader) around(data []byte, at int) stretch {
	cut := stretch{0, len(data)}
	inHeader := false
	var p unstable.Parser
	p.Reset(data)
	for p.NextExpression() {
		n := p.Expression()
		header := n.Kind != unstable.KeyValue
		start := int(n.Raw.Offset)
		if header {
			start = int(n.Child().Raw.Offset)
		}
		start = r.doc.starts[r.doc.lineAt(start)-1]
		if start <= at {
			cut.from, inHeader = start, header
		} else if header || !inHeader {
			cut.to = start
			break
		}
	}
	return cut
}

// fill enters the values of a table.
func (r *reader) fill(t *Table, values map[string]any) {
	for i := range t.Entries {
		e := &t.Entries[i]
		if e.Value.Kind == FaultyKind {
			continue
		}
		v, ok := values[e.Key]
		if !ok || !r.fillValue(e.Value, v) {
			r.disagree(e.Value)
		}
	}
}

// fillValue enters what BurntSushi has read; it returns false when that is of
// another kind.
func (r *reader) fillValue(v *Value, read any) bool {
	var kind Kind
	switch read := read.(type) {
	case string:
		kind = StringKind
	case int64:
		kind = IntegerKind
	case float64:
		kind = FloatKind
	case bool:
		kind = BoolKind
	case time.Time:
		if v.Kind == TimeKind {
			v.Scalar = universal(read)
		}
		return v.Kind == TimeKind
	case map[string]any:
		if v.Kind == TableKind {
			r.fill(v.Table, read)
		}
		return v.Kind == TableKind
	case []map[string]any:
		return fillItems(r, v, read)
	case []any:
		return fillItems(r, v, read)
	default:
		return false
	}
	v.Scalar = read
	return v.Kind == kind
}

func fillItems[T any](r *reader, v *Value, read []T) bool {
	if v.Kind != ArrayKind || len(v.Items) != len(read) {
		return false
	}
	for i, item := range v.Items {
		if !r.fillValue(item, any(read[i])) {
			r.disagree(item)
		}
	}
	return true
}

// disagree marks a value that BurntSushi does not know. Where faults were cut
// out, that is what is to be expected.
func (r *reader) disagree(v *Value) {
	if len(*r.list) == 0 {
		r.fault(v.At, "write it in another way", "two readers of TOML do not agree about this value")
	}
	v.Kind, v.Scalar, v.Items, v.Table = FaultyKind, nil, nil, nil
}

// universal makes a time the same on every machine: BurntSushi reads times
// without an offset in the zone of the machine.
func universal(t time.Time) time.Time {
	switch t.Location().String() {
	case "datetime-local", "date-local", "time-local":
		return time.Date(t.Year(), t.Month(), t.Day(), t.Hour(), t.Minute(), t.Second(), t.Nanosecond(), time.UTC)
	}
	return t.UTC()
}

// scalarFault tells what is wrong with a scalar that has the right form: the
// index does not look at values, and BurntSushi would stop at the first.
func scalarFault(kind unstable.Kind, text string) (message, help string) {
	switch kind {
	case unstable.Integer:
		if len(text) > 18 {
			if _, err := strconv.ParseInt(text, 0, 64); err != nil {
				return short(text) + " is too large for an integer", ""
			}
		}
	case unstable.Float:
		if len(text) > 18 || strings.ContainsAny(text, "eE") {
			if _, err := strconv.ParseFloat(strings.ReplaceAll(text, "_", ""), 64); err != nil {
				return short(text) + " is too large for a number", ""
			}
		}
	case unstable.LocalDate, unstable.LocalTime, unstable.LocalDateTime, unstable.DateTime:
		if !isTime(text) {
			return short(text) + " is not a date or time", "write a date as 2025-10-20 or 2025-10-20T06:49:00Z"
		}
	}
	return "", ""
}

// isTime reports whether a text is one of TOML's dates and times.
func isTime(text string) bool {
	if len(text) > 64 {
		return false
	}
	text = strings.NewReplacer("t", "T", "z", "Z", " ", "T").Replace(text)
	for _, layout := range []string{
		time.RFC3339Nano, "2006-01-02T15:04:05.999999999", "2006-01-02", "15:04:05.999999999",
		"2006-01-02T15:04Z07:00", "2006-01-02T15:04", "15:04",
	} {
		if _, err := time.Parse(layout, text); err == nil {
			return true
		}
	}
	return false
}
