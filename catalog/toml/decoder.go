package toml

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/knockon/knockon/catalog/diag"
)

// Decoder reads one table, key by key. The keys asked for are the keys known;
// Done complains about the others. A method that reads a key returns false, and
// leaves its target alone, when the key is absent or at fault; a fault is
// reported, an absent key is not.
//
// A Decoder, and all Decoders of one Document, belong to one goroutine.
type Decoder struct {
	doc   *Document
	table *Table
	what  string
	of    *Decoder // where what is a key of another table
	list  *diag.List
	asked []string
}

// Decoder returns a Decoder for t. What names the table in messages, such as
// "[service.checkout]" or "a need"; the list receives the faults.
func (d *Document) Decoder(t *Table, what string, list *diag.List) *Decoder {
	return &Decoder{doc: d, table: t, what: what, list: list, asked: make([]string, 0, 8)}
}

// Done reports the keys that nobody has asked for.
func (d *Decoder) Done() {
	for i := range d.table.Entries {
		e := &d.table.Entries[i]
		if !slices.Contains(d.asked, e.Key) {
			d.Errorf(e.At, diag.DidYouMean(e.Key, d.asked), "unknown key %q in %s", short(e.Key), d.name())
		}
	}
}

// name is the table's name in messages.
func (d *Decoder) name() string {
	if d.of != nil {
		return d.what + " of " + d.of.name()
	}
	return d.what
}

// At is the place of the table.
func (d *Decoder) At() diag.Span { return d.table.At }

// Errorf reports an error at a place of the document.
func (d *Decoder) Errorf(at diag.Span, help, format string, args ...any) {
	d.doc.faults++
	switch {
	case d.doc.faults > MaxFaults:
		return
	case d.doc.faults == MaxFaults:
		help, format, args = "", "more faults are not listed", nil
	}
	d.list.Add(diag.Diagnostic{
		Span:    at,
		Message: fmt.Sprintf(format, args...),
		Help:    help,
		Text:    d.doc.textFor(at),
	})
}

// entry marks a key as known and returns its entry, or nil.
func (d *Decoder) entry(key string) *Entry {
	if !slices.Contains(d.asked, key) {
		d.asked = append(d.asked, key)
	}
	if i := d.table.find(key); i >= 0 {
		return &d.table.Entries[i]
	}
	return nil
}

// Has reports whether the table has the key, be its value good or faulty.
func (d *Decoder) Has(key string) bool { return d.entry(key) != nil }

// Require reports a key that is absent, and whether it is there.
func (d *Decoder) Require(key, help string) bool {
	if d.Has(key) {
		return true
	}
	d.Errorf(d.table.At, help, "%s needs the key %q", d.name(), key)
	return false
}

// Key is the place of a key, or of the table when the key is absent.
func (d *Decoder) Key(key string) diag.Span {
	if e := d.entry(key); e != nil {
		return e.At
	}
	return d.table.At
}

// Value returns the value of a key, whatever its kind, unless it is faulty.
func (d *Decoder) Value(key string) (*Value, bool) {
	if e := d.entry(key); e != nil && e.Value.Kind != FaultyKind {
		return e.Value, true
	}
	return nil, false
}

// kind returns the value of a key if it is of a kind, and complains if not.
func (d *Decoder) kind(key string, k Kind) (*Value, bool) {
	v, ok := d.Value(key)
	if ok && v.Kind != k {
		d.mismatch(key, v, k.String(), "")
		return nil, false
	}
	return v, ok
}

// mismatch reports a value of the wrong kind.
func (d *Decoder) mismatch(key string, v *Value, needed, help string) {
	if help == "" && needed == StringKind.String() {
		if text, ok := plainScalar(v); ok {
			help = "write " + quoteKey(key) + " = " + quote(text)
		}
	}
	d.Errorf(v.At, help, "%q must be %s, not %s", key, needed, v.Kind)
}

// plainScalar prints a scalar that is no string.
func plainScalar(v *Value) (string, bool) {
	switch s := v.Scalar.(type) {
	case int64:
		return strconv.FormatInt(s, 10), true
	case float64:
		return number(s), true
	case bool:
		return strconv.FormatBool(s), true
	}
	return "", false
}

// number prints a number as a person would.
func number(f float64) string {
	if abs := math.Abs(f); abs != 0 && (abs < 1e-6 || abs >= 1e15) {
		return strconv.FormatFloat(f, 'g', -1, 64)
	}
	return strconv.FormatFloat(f, 'f', -1, 64)
}

// String reads a string.
func (d *Decoder) String(key string, to *string) bool {
	v, ok := d.kind(key, StringKind)
	if ok {
		*to = v.Scalar.(string)
	}
	return ok
}

// Bool reads true or false.
func (d *Decoder) Bool(key string, to *bool) bool {
	v, ok := d.Value(key)
	if !ok {
		return false
	}
	if v.Kind != BoolKind {
		help := ""
		switch s, _ := v.Scalar.(string); strings.ToLower(s) {
		case "true", "yes", "on":
			help = "write " + quoteKey(key) + " = true, without quotes"
		case "false", "no", "off":
			help = "write " + quoteKey(key) + " = false, without quotes"
		}
		d.mismatch(key, v, BoolKind.String(), help)
		return false
	}
	*to = v.Scalar.(bool)
	return true
}

// Int reads an integer from low to high.
func (d *Decoder) Int(key string, low, high int64, to *int64) bool {
	v, ok := d.Value(key)
	return ok && d.integer(key, v, low, high, to)
}

func (d *Decoder) integer(key string, v *Value, low, high int64, to *int64) bool {
	if v.Kind != IntegerKind {
		help := ""
		switch s := v.Scalar.(type) {
		case string:
			if n, err := strconv.ParseInt(strings.TrimSpace(s), 10, 64); err == nil {
				help = fmt.Sprintf("write %s = %d, without quotes", quoteKey(key), n)
			}
		case float64:
			if s == math.Trunc(s) && math.Abs(s) < 1<<53 {
				help = fmt.Sprintf("write %s = %d", quoteKey(key), int64(s))
			}
		}
		d.mismatch(key, v, IntegerKind.String(), help)
		return false
	}
	n := v.Scalar.(int64)
	if n < low || n > high {
		help := fmt.Sprintf("write a number from %d to %d", low, high)
		switch {
		case high == math.MaxInt64:
			help = fmt.Sprintf("write %d or more", low)
		case low == math.MinInt64:
			help = fmt.Sprintf("write %d or less", high)
		}
		d.Errorf(v.At, help, "%d is out of range for %q", n, key)
		return false
	}
	*to = n
	return true
}

// Number reads an integer or a number with a point, from low to high.
func (d *Decoder) Number(key string, low, high float64, to *float64) bool {
	v, ok := d.Value(key)
	return ok && d.real(key, v, low, high, to)
}

func (d *Decoder) real(key string, v *Value, low, high float64, to *float64) bool {
	var f float64
	switch s := v.Scalar.(type) {
	case int64:
		f = float64(s)
	case float64:
		f = s
	default:
		help := ""
		if text, isText := s.(string); isText {
			if n, err := strconv.ParseFloat(strings.TrimSpace(text), 64); err == nil {
				help = fmt.Sprintf("write %s = %s, without quotes", quoteKey(key), number(n))
			}
		}
		d.mismatch(key, v, FloatKind.String(), help)
		return false
	}
	if !(f >= low && f <= high) || math.IsInf(f, 0) {
		help := fmt.Sprintf("write a number from %s to %s", number(low), number(high))
		if math.IsInf(high, 1) || high == math.MaxFloat64 {
			help = fmt.Sprintf("write %s or more", number(low))
		}
		d.Errorf(v.At, help, "%s is out of range for %q", number(f), key)
		return false
	}
	*to = f
	return true
}

// Strings reads a list of strings, or one string for a list of one.
func (d *Decoder) Strings(key string, to *[]string) bool {
	v, ok := d.Value(key)
	if !ok {
		return false
	}
	switch v.Kind {
	case StringKind:
		*to = []string{v.Scalar.(string)}
		return true
	case ArrayKind:
		list := make([]string, 0, len(v.Items))
		for _, item := range v.Items {
			if item.Kind != StringKind {
				if item.Kind != FaultyKind {
					help := ""
					if text, plain := plainScalar(item); plain {
						help = "write " + quote(text)
					}
					d.Errorf(item.At, help, "%q must hold strings, not %s", key, item.Kind)
				}
				ok = false
				continue
			}
			list = append(list, item.Scalar.(string))
		}
		if ok {
			*to = list
		}
		return ok
	}
	help := ""
	if text, plain := plainScalar(v); plain {
		help = "write " + quoteKey(key) + " = [" + quote(text) + "]"
	}
	d.mismatch(key, v, "a string or a list of strings", help)
	return false
}

// Enum reads one word out of several.
func (d *Decoder) Enum(key string, words []string) (word string, ok bool) {
	v, ok := d.kind(key, StringKind)
	if !ok {
		return "", false
	}
	word = v.Scalar.(string)
	if !slices.Contains(words, word) {
		d.UnknownWord(v.At, key, word, words)
		return "", false
	}
	return word, true
}

// UnknownWord reports a word that is none of those allowed, with the one that was
// probably meant. What says of which kind the words are.
func (d *Decoder) UnknownWord(at diag.Span, what, word string, words []string) {
	d.Errorf(at, diag.DidYouMean(word, words), "unknown %s %q in %s", what, short(word), d.name())
}

// Sub returns a Decoder for the table of a key, or nil. What says what the table
// holds, for the help on a value that is none: "how it is renewed, such as { … }".
func (d *Decoder) Sub(key, what string) *Decoder {
	v, ok := d.Value(key)
	if !ok {
		return nil
	}
	if v.Kind != TableKind {
		help := ""
		if what != "" {
			help = "say " + what
		}
		d.mismatch(key, v, TableKind.String(), help)
		return nil
	}
	return d.sub(key, v)
}

func (d *Decoder) sub(key string, v *Value) *Decoder {
	return &Decoder{doc: d.doc, table: v.Table, what: key, of: d, list: d.list, asked: make([]string, 0, 8)}
}

// Table returns the table of a key, or nil.
func (d *Decoder) Table(key string) *Table {
	v, ok := d.Value(key)
	if !ok {
		return nil
	}
	if v.Kind != TableKind {
		help := ""
		if v.Kind == ArrayKind && v.grows {
			help = "write a header with single brackets, and only once"
		}
		d.mismatch(key, v, TableKind.String(), help)
		return nil
	}
	return v.Table
}

// Tables returns the tables of a list, written as [[key]] or in braces.
func (d *Decoder) Tables(key string) []*Table {
	v, ok := d.Value(key)
	if !ok {
		return nil
	}
	if v.Kind != ArrayKind {
		help := ""
		if v.Kind == TableKind && v.Table.origin == enclosed {
			help = "put it in square brackets: [{ … }]"
		} else if v.Kind == TableKind {
			help = "write the header with double brackets"
		}
		d.mismatch(key, v, "a list of tables", help)
		return nil
	}
	tables := make([]*Table, 0, len(v.Items))
	for _, item := range v.Items {
		switch item.Kind {
		case TableKind:
			tables = append(tables, item.Table)
		case FaultyKind:
		default:
			d.Errorf(item.At, "", "%q must hold tables, not %s", key, item.Kind)
		}
	}
	return tables
}

// Map returns the entries of a table of tables, such as all of [service.*], in
// the order of the file. Each entry's value has a table.
func (d *Decoder) Map(key string) []Entry {
	v, ok := d.Value(key)
	if !ok {
		return nil
	}
	if v.Kind != TableKind {
		help := ""
		if v.Kind == ArrayKind && v.grows {
			help = "write [" + quoteKey(key) + ".NAME], with the name in the header"
		}
		d.mismatch(key, v, "a table of tables", help)
		return nil
	}
	bad := func(e Entry) bool { return e.Value.Kind != TableKind }
	if !slices.ContainsFunc(v.Table.Entries, bad) {
		return v.Table.Entries
	}
	var entries []Entry
	for _, e := range v.Table.Entries {
		switch {
		case !bad(e):
			entries = append(entries, e)
		case e.Value.Kind == ArrayKind && e.Value.grows:
			d.Errorf(e.At, "write the header with single brackets", "%q is defined as a list of tables", short(e.Key))
		case e.Value.Kind != FaultyKind:
			d.Errorf(e.At, "write ["+quoteKey(key)+".NAME] and put the keys below it",
				"[%s] holds tables; %q is %s", quoteKey(key), short(e.Key), e.Value.Kind)
		}
	}
	return entries
}
