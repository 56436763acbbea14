package toml

import (
	"regexp"
	"strings"

	"github.com/knockon/knockon/catalog/diag"
)

// maxColumns is how long a line may be before its list is put on several.
const maxColumns = 100

// Format lays a file out in the one way that all our files have: a blank line before
// a header, equals signs and comments of lines that belong together below one another,
// one item a line in a list that does not fit on one. The order of what stands there, every comment and every value stay as
// they are. What only TOML 1.1 allows becomes TOML 1.0: tables in braces come on one
// line, and comments in them above it. A file that has been formatted stays the same.
//
// Nothing is returned for a file with a fault.
func Format(file string, data []byte) ([]byte, diag.List) {
	doc, faults := Parse(file, data)
	if faults.HasErrors() {
		return nil, faults
	}
	f := &formatter{text: strings.ReplaceAll(doc.text, "\r\n", "\n")}
	f.statements()
	return []byte(f.String()), nil
}

// formatter reads a valid text from front to back.
type formatter struct {
	text  string
	at    int
	units []formatUnit
}

// formatUnit is one statement, or a line with only a comment.
type formatUnit struct {
	blank  bool // blank lines stood before it
	kind   byte // '#' for a comment, '[' for a header, '=' for a key
	text   string
	key    string
	value  string
	above  []string // comments from within the value
	behind string   // the comment on its line
	more   []string // lines that go on with that comment
}

// String joins the units.
func (f *formatter) String() string {
	// A header takes the comments above it along when it gets a blank line.
	for i := range f.units {
		if f.units[i].kind != '[' {
			continue
		}
		first := i
		for first > 0 && !f.units[first].blank && f.units[first-1].kind == '#' {
			first--
		}
		if first == i && first > 0 && f.units[first-1].kind == '[' {
			continue // tables without keys may stand close
		}
		f.units[first].blank = true
	}
	var b strings.Builder
	for i := 0; i < len(f.units); {
		if f.units[i].blank && i > 0 {
			b.WriteByte('\n')
		}
		// Keys that follow one another without anything between belong together.
		end := i + 1
		for f.units[i].isLine() && end < len(f.units) && f.units[end].isLine() && !f.units[end].blank && len(f.units[end].above) == 0 {
			end++
		}
		writeUnits(&b, f.units[i:end])
		i = end
	}
	return b.String()
}

// isLine reports whether the unit is a key with its value on one line.
func (u *formatUnit) isLine() bool { return u.kind == '=' && !strings.Contains(u.value, "\n") }

// writeUnits writes lines that belong together.
func writeUnits(b *strings.Builder, units []formatUnit) {
	width := 0
	for _, u := range units {
		width = max(width, diag.Columns(u.key))
	}
	for i := range units {
		u := &units[i]
		if u.kind == '=' {
			u.text = u.key + strings.Repeat(" ", width-diag.Columns(u.key)) + " = " + u.value
		}
	}
	for i := range units {
		u := &units[i]
		for _, c := range u.above {
			b.WriteString(c + "\n")
		}
		b.WriteString(u.text)
		if u.behind != "" {
			last := u.text[strings.LastIndexByte(u.text, '\n')+1:]
			column := max(commentColumn(units, i), diag.Columns(last)+1)
			b.WriteString(strings.Repeat(" ", column-diag.Columns(last)) + u.behind)
			for _, c := range u.more {
				b.WriteString("\n" + strings.Repeat(" ", column) + c)
			}
		}
		b.WriteByte('\n')
	}
}

// commentColumn is where the comments of a line and of those around it begin that
// have one too.
func commentColumn(units []formatUnit, at int) int {
	has := func(i int) bool {
		return i >= 0 && i < len(units) && units[i].behind != "" && !strings.Contains(units[i].text, "\n")
	}
	if !has(at) {
		return 0
	}
	first, last := at, at
	for has(first - 1) {
		first--
	}
	for has(last + 1) {
		last++
	}
	column := 0
	for i := first; i <= last; i++ {
		column = max(column, diag.Columns(units[i].text)+1)
	}
	return column
}

func (f *formatter) statements() {
	for {
		newlines := 0
		for f.at < len(f.text) && strings.IndexByte(" \t\n", f.text[f.at]) >= 0 {
			if f.text[f.at] == '\n' {
				newlines++
			}
			f.at++
		}
		if f.at == len(f.text) {
			return
		}
		u := formatUnit{blank: newlines > 1 || len(f.units) == 0 && newlines > 0}
		if last := len(f.units) - 1; f.text[f.at] == '#' && last >= 0 && newlines == 1 && f.units[last].behind != "" && f.indent() > 2 {
			f.units[last].more = append(f.units[last].more, f.comment())
			continue
		}
		switch c := f.text[f.at]; c {
		case '#':
			u.kind, u.text = '#', f.comment()
		case '[':
			u.kind, u.text = '[', f.header()
		default:
			u.kind = '='
			u.key = f.key()
			f.at++ // the equals sign
			f.space()
			v := f.value()
			v.hoist(&u.above)
			u.value = v.print("", diag.Columns(u.key)+len(" = "))
		}
		f.space()
		if u.kind != '#' && f.at < len(f.text) && f.text[f.at] == '#' {
			u.behind = f.comment()
		}
		f.units = append(f.units, u)
	}
}

// indent is how far the line goes before the place at hand.
func (f *formatter) indent() int {
	return f.at - strings.LastIndexByte(f.text[:f.at], '\n') - 1
}

// space passes over blanks within a line.
func (f *formatter) space() {
	for f.at < len(f.text) && (f.text[f.at] == ' ' || f.text[f.at] == '\t') {
		f.at++
	}
}

// comment reads up to the end of the line.
func (f *formatter) comment() string {
	end := f.at + strings.IndexByte(f.text[f.at:], '\n')
	text := strings.TrimRight(f.text[f.at:end], " \t")
	f.at = end
	return text
}

func (f *formatter) header() string {
	double := strings.HasPrefix(f.text[f.at:], "[[")
	f.at++
	if double {
		f.at++
	}
	key := f.key()
	f.at++
	if double {
		f.at++
		return "[[" + key + "]]"
	}
	return "[" + key + "]"
}

var bareKey = regexp.MustCompile(`^[A-Za-z0-9_-]+$`)

// key reads a key with its dots.
func (f *formatter) key() string {
	var parts []string
	for {
		f.space()
		start := f.at
		switch f.text[f.at] {
		case '"', '\'':
			f.at, _ = stringEnd(f.text, f.at)
			part := f.text[start:f.at]
			if inner := part[1 : len(part)-1]; bareKey.MatchString(inner) {
				part = inner
			}
			parts = append(parts, oldEscapes(part))
		default:
			for f.at < len(f.text) && strings.IndexByte(" \t.=]\n", f.text[f.at]) < 0 {
				f.at++
			}
			parts = append(parts, f.text[start:f.at])
		}
		f.space()
		if f.text[f.at] != '.' {
			return strings.Join(parts, ".")
		}
		f.at++
	}
}

// formatValue is a value in pieces.
type formatValue struct {
	kind     byte   // '[' or '{'; 0 for what has no pieces
	text     string // of what has none
	items    []formatItem
	last     []string // comments before the closing bracket
	manyLine bool     // a list that stood on several lines
}

// formatItem is an item of a list, or a key of a table in braces.
type formatItem struct {
	above  []string // comments on lines of their own
	key    string
	value  *formatValue
	behind string // the comment on its line
}

var shortTime = regexp.MustCompile(`^((?:\d{4}-\d\d-\d\d[Tt ])?\d\d:\d\d)((?:[Zz]|[+-]\d\d:\d\d)?)$`)

func (f *formatter) value() *formatValue {
	start := f.at
	switch c := f.text[f.at]; c {
	case '[', '{':
		return f.pieces(c)
	case '"', '\'':
		f.at, _ = stringEnd(f.text, f.at)
		text := f.text[start:f.at]
		if c == '"' {
			text = oldEscapes(text)
		}
		return &formatValue{text: text}
	}
	for strings.IndexByte(" \t,]}#\n", f.text[f.at]) < 0 {
		f.at++
	}
	// A date and a time may have a blank between them.
	if rest := f.text[f.at:]; len(rest) > 3 && rest[0] == ' ' && isDigit(rest[1]) && isDigit(rest[2]) && rest[3] == ':' {
		f.at++
		for strings.IndexByte(" \t,]}#\n", f.text[f.at]) < 0 {
			f.at++
		}
	}
	text := f.text[start:f.at]
	if m := shortTime.FindStringSubmatch(text); m != nil { // TOML 1.1: without seconds
		text = m[1] + ":00" + m[2]
	}
	return &formatValue{text: text}
}

// pieces reads a list, or a table in braces.
func (f *formatter) pieces(open byte) *formatValue {
	v := &formatValue{kind: open}
	f.at++
	var above []string
	item, line := -1, 0 // the item that a comment on its line belongs to
	for {
		switch c := f.text[f.at]; c {
		case ' ', '\t', ',':
			f.at++
		case '\n':
			f.at++
			line++
			v.manyLine = true
		case '#':
			if comment := f.comment(); item >= 0 && line == 0 && v.items[item].behind == "" {
				v.items[item].behind = comment
			} else {
				above = append(above, comment)
			}
		case ']', '}':
			f.at++
			v.last = above
			return v
		default:
			x := formatItem{above: above}
			above = nil
			if open == '{' {
				x.key = f.key()
				f.at++
				f.space()
			}
			x.value = f.value()
			v.items = append(v.items, x)
			item, line = len(v.items)-1, 0
		}
	}
}

// hoist takes the comments out of what has to stand on one line.
func (v *formatValue) hoist(to *[]string) {
	for i := range v.items {
		x := &v.items[i]
		if v.kind == '{' {
			*to = append(*to, x.above...)
			x.value.flatten(to)
			if x.behind != "" {
				*to = append(*to, x.behind)
			}
			x.above, x.behind = nil, ""
		} else {
			// A list in a list may stand on lines of its own, and so may the comments
			// of its items.
			x.value.hoist(&x.above)
		}
	}
	if v.kind == '{' {
		*to = append(*to, v.last...)
		v.last = nil
	}
}

// flatten puts a value on one line, whatever it is.
func (v *formatValue) flatten(to *[]string) {
	for i := range v.items {
		x := &v.items[i]
		*to = append(*to, x.above...)
		x.value.flatten(to)
		if x.behind != "" {
			*to = append(*to, x.behind)
		}
		x.above, x.behind = nil, ""
	}
	*to = append(*to, v.last...)
	v.last, v.manyLine = nil, false
}

// print writes a value; from is the column in which it begins.
func (v *formatValue) print(indent string, from int) string {
	switch {
	case v.kind == 0:
		return v.text
	case len(v.items) == 0 && len(v.last) == 0:
		return string(v.kind) + string(v.kind+2) // [] and {}, as ASCII has them
	case v.kind == '{':
		return v.line()
	case !v.needsLines():
		if line := v.line(); from+diag.Columns(line) <= maxColumns {
			return line
		}
	}
	var b strings.Builder
	b.WriteString("[\n")
	inner := indent + "  "
	for _, x := range v.items {
		for _, c := range x.above {
			b.WriteString(inner + c + "\n")
		}
		b.WriteString(inner + x.value.print(inner, len(inner)) + ",")
		if x.behind != "" {
			b.WriteString(" " + x.behind)
		}
		b.WriteByte('\n')
	}
	for _, c := range v.last {
		b.WriteString(inner + c + "\n")
	}
	b.WriteString(indent + "]")
	return b.String()
}

// needsLines reports whether a list has to stand on several lines: it did, or there
// are comments in it.
func (v *formatValue) needsLines() bool {
	if v.kind != '[' {
		return false
	}
	if v.manyLine || len(v.last) > 0 {
		return true
	}
	for _, x := range v.items {
		if len(x.above) > 0 || x.behind != "" || x.value.needsLines() {
			return true
		}
	}
	return false
}

// line writes a value on one line.
func (v *formatValue) line() string {
	if v.kind == 0 {
		return v.text
	}
	parts := make([]string, len(v.items))
	for i, x := range v.items {
		if x.key != "" {
			parts[i] = x.key + " = "
		}
		parts[i] += x.value.line()
	}
	switch {
	case v.kind == '[':
		return "[" + strings.Join(parts, ", ") + "]"
	case len(parts) == 0:
		return "{}"
	}
	return "{ " + strings.Join(parts, ", ") + " }"
}

// oldEscapes writes the escapes of TOML 1.1 in a string, \e and \xHH, as TOML 1.0
// has them.
func oldEscapes(s string) string {
	if s[0] != '"' || !strings.Contains(s, `\`) {
		return s
	}
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] != '\\' || i+1 == len(s) {
			b.WriteByte(s[i])
			continue
		}
		i++
		switch s[i] {
		case 'e':
			b.WriteString(`\u001B`)
		case 'x':
			b.WriteString(`\u00`)
		default:
			b.WriteByte('\\')
			b.WriteByte(s[i])
		}
	}
	return b.String()
}
