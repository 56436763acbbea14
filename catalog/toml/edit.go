package toml

import (
	"cmp"
	"slices"
	"strings"

	"github.com/knockon/knockon/catalog/diag"
)

// Edits are changes to the text of a document that leave everything else in it as
// somebody wrote it: comments, order, white space. Places are those of the document
// as it was parsed, however many changes there are.
type Edits struct {
	doc  *Document
	list []edit
}

// edit replaces the text from one offset to another.
type edit struct {
	from, to int
	text     string
}

// Edit begins a set of changes. The document must be without faults.
func (d *Document) Edit() *Edits { return &Edits{doc: d} }

// Len is the number of changes so far.
func (e *Edits) Len() int { return len(e.list) }

// Bytes returns the text with the changes made. What is added at one place comes in
// the order in which it was asked for, and before what is replaced there.
func (e *Edits) Bytes() []byte {
	slices.SortStableFunc(e.list, func(a, b edit) int {
		return cmp.Or(cmp.Compare(a.from, b.from), cmp.Compare(a.to, b.to))
	})
	var b strings.Builder
	at := 0
	for _, x := range e.list {
		if x.from < at {
			panic("toml: edits overlap")
		}
		b.WriteString(e.doc.text[at:x.from])
		b.WriteString(x.text)
		at = x.to
	}
	b.WriteString(e.doc.text[at:])
	return []byte(b.String())
}

// add notes a change, with the line endings that the document has.
func (e *Edits) add(from, to int, text string) {
	if end := strings.IndexByte(e.doc.text, '\n'); end > 0 && e.doc.text[end-1] == '\r' {
		text = strings.ReplaceAll(text, "\n", "\r\n")
	}
	e.list = append(e.list, edit{from, to, text})
}

// Replace writes another value in place of one that stands in the text.
func (e *Edits) Replace(v *Value, text string) {
	from := e.doc.offset(v.At)
	e.add(from, e.doc.valueEnd(from), text)
}

// Text is a value as it stands in the text.
func (e *Edits) Text(v *Value) string {
	from := e.doc.offset(v.At)
	return e.doc.text[from:e.doc.valueEnd(from)]
}

// AddKeys adds lines such as `owner = "shop"` to a table: below its last key, or in
// its braces. The name is that of its header, for a table that has none.
func (e *Edits) AddKeys(t *Table, name string, lines ...string) {
	if len(lines) == 0 {
		return
	}
	switch t.origin {
	case enclosed:
		from := e.doc.offset(t.At)
		end := e.doc.valueEnd(from) - 1
		last := strings.TrimRight(e.doc.text[from:end], " \t\r\n")
		text := strings.Join(lines, ", ") + " "
		switch last[len(last)-1] {
		case '{':
			text = " " + text
		case ',':
			text = " " + text
		default:
			text = ", " + text
		}
		at := from + len(last)
		e.add(at, end, text)
	case headed:
		line := t.At.Line
		for i := range t.Entries {
			line = max(line, e.lastLine(&t.Entries[i]))
		}
		at := e.doc.lineEnd(line)
		e.add(at, at, "\n"+strings.Join(lines, "\n"))
	default:
		e.Append("\n[" + name + "]\n" + strings.Join(lines, "\n") + "\n")
	}
}

// lastLine is the last line of a key that stands directly in a table; 0 for what has
// a header of its own.
func (e *Edits) lastLine(entry *Entry) int {
	v := entry.Value
	switch {
	case v.Kind == TableKind && v.Table.origin == dotted:
		line := 0
		for i := range v.Table.Entries {
			line = max(line, e.lastLine(&v.Table.Entries[i]))
		}
		return line
	case v.Kind == TableKind && v.Table.origin != enclosed, v.Kind == ArrayKind && v.grows:
		return 0
	}
	return e.doc.lineAt(e.doc.valueEnd(e.doc.offset(v.At)) - 1)
}

// AddItems adds items to a list in brackets. One that stands on a single line is put
// on several, unless it is in the braces of a table.
func (e *Edits) AddItems(list *Value, oneLine bool, items ...string) {
	if len(items) == 0 {
		return
	}
	text := e.doc.text
	from := e.doc.offset(list.At)
	end := e.doc.valueEnd(from)
	inner := text[from+1 : end-1]
	if !strings.Contains(inner, "\n") {
		open, between, close := "", ", ", ""
		if !oneLine {
			open, between, close = "\n  ", ",\n  ", ",\n"
		}
		// What stands between the items is written anew, and the items stay: they may
		// have changes of their own.
		at, lead := from+1, open
		for _, item := range list.Items {
			start := e.doc.offset(item.At)
			e.add(at, start, lead)
			at, lead = e.doc.valueEnd(start), between
		}
		e.add(at, end-1, lead+strings.Join(items, between)+close)
		return
	}
	// The list ends where only white space and comments come before its bracket.
	indent := "  "
	if n := len(list.Items); n > 0 {
		last := e.doc.offset(list.Items[n-1].At)
		start := e.doc.starts[e.doc.lineAt(last)-1]
		if lead := text[start:last]; strings.TrimSpace(lead) == "" {
			indent = lead
		}
		after := e.doc.valueEnd(last)
		if !e.comma(after, end-1) {
			e.add(after, after, ",")
		}
	}
	line := e.doc.starts[e.doc.lineAt(end-1)-1]
	written := indent + strings.Join(items, ",\n"+indent) + ",\n"
	at := line
	if lead := text[line : end-1]; strings.TrimSpace(lead) != "" { // the bracket stands behind an item
		at, written = end-1, "\n"+written
	}
	e.add(at, at, written)
}

// comma reports whether there is a comma between two offsets, comments apart.
func (e *Edits) comma(from, to int) bool {
	for at := from; at < to; at++ {
		switch e.doc.text[at] {
		case ',':
			return true
		case '#':
			at = e.doc.nextLine(at) - 1
		}
	}
	return false
}

// Append adds text at the end, which must be whole lines.
func (e *Edits) Append(text string) {
	at := len(e.doc.text)
	e.add(at, at, text)
}

// offset is where a span begins.
func (d *Document) offset(s diag.Span) int {
	at := d.starts[s.Line-1]
	for col := 1; col < s.Col; col++ {
		at++
		for at < len(d.text) && d.text[at]&0xc0 == 0x80 { // inside a rune
			at++
		}
	}
	return at
}

// valueEnd is the offset behind the value that begins at one. The text is valid.
func (d *Document) valueEnd(from int) int {
	text := d.text
	open := 0
	for at := from; at < len(text); {
		switch c := text[at]; c {
		case '"', '\'':
			at, _ = stringEnd(text, at)
		case '[', '{':
			open++
			at++
			continue
		case ']', '}':
			if open == 0 {
				return at
			}
			open--
			at++
		case '#':
			if open == 0 {
				return at
			}
			at = d.nextLine(at)
			continue
		case '\n', '\r', ',':
			if open == 0 {
				return at
			}
			at++
			continue
		case ' ', '\t':
			at++
			continue
		default:
			for at < len(text) && !strings.ContainsRune(" \t\r\n,]}#", rune(text[at])) {
				at++
			}
			// A date and a time may have a blank between them.
			if rest := text[at:]; open == 0 && len(rest) > 3 && rest[0] == ' ' && isDigit(rest[1]) && isDigit(rest[2]) && rest[3] == ':' {
				at++
				continue
			}
		}
		if open == 0 {
			return at
		}
	}
	return len(text)
}
