package toml

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/knockon/knockon/catalog/diag"
	"github.com/pelletier/go-toml/v2/unstable"
)

const (
	// maxWork bounds what BurntSushi has to do: it prints and keeps the whole
	// path of every key, and opens every prefix of a dotted key from the root.
	// Short files could make it use memory without end.
	maxWork = 256 << 20
	// maxRescan bounds how often recovery may read the same bytes again.
	maxRescan = 4 * MaxBytes
)

// pathCost is the share of one part in the work of a key.
func pathCost(name string) int { return len(name) + 16 }

// reader is the state of one Parse.
type reader struct {
	doc     *Document
	list    *diag.List
	locate  locator
	cuts    []stretch // what BurntSushi must not see
	encoded []int     // lines with faults of encoding
	work    int       // see maxWork
	keys    int       // see MaxKeys
	stopped bool      // a limit is broken: nothing of the file is of use
	more    int       // faults that are not listed
	moreAt  diag.Span // the first of them
}

// stretch is a part of the text, from one offset to another.
type stretch struct{ from, to int }

// Parse reads a file. All its faults are reported, not only the first; what can
// be read is in the Document, which is never nil. A value that is at fault keeps
// its key, with a Value of FaultyKind. Under a faulty header nothing is read.
func Parse(file string, data []byte) (*Document, diag.List) {
	var list diag.List
	doc := &Document{Text: Text{File: file, starts: []int{0}}, Root: &Table{At: diag.Span{File: file, Line: 1, Col: 1}, origin: headed}}
	r := &reader{doc: doc, list: &list, locate: locator{doc: &doc.Text, line: 1}}
	if data = r.admit(data); data == nil {
		return doc, list
	}
	x := &indexer{reader: r, current: doc.Root}
	x.run(data)
	if !r.stopped {
		r.decode(data)
	}
	if r.stopped {
		doc.Root = &Table{At: doc.Root.At, origin: headed}
	}
	if r.more > 0 {
		list.Add(diag.Diagnostic{Span: r.moreAt, Message: fmt.Sprintf("%d more faults are not listed", r.more), Text: doc.textFor(r.moreAt)})
	}
	doc.faults = len(list)
	return doc, list
}

// admit checks the bytes as such. It returns what there is to parse, offset by
// offset the text of the document, or nil.
func (r *reader) admit(data []byte) []byte {
	whole := diag.Span{File: r.doc.File, Line: 1, Col: 1, Width: 1}
	if len(data) > MaxBytes {
		r.fault(whole, "split it into several files", "the file is larger than %d MiB", MaxBytes>>20)
		return nil
	}
	if bytes.HasPrefix(data, []byte("\xff\xfe")) || bytes.HasPrefix(data, []byte("\xfe\xff")) {
		r.fault(whole, "save it as UTF-8", "the file is in UTF-16")
		return nil
	}
	data = bytes.TrimPrefix(data, []byte("\xef\xbb\xbf"))
	lone := loneReturn(data)
	if !bytes.HasSuffix(data, []byte("\n")) {
		data = append(bytes.Clone(data), '\n')
	}
	r.doc.text = string(data)
	r.doc.starts = lineStarts(r.doc.text)
	if i := bytes.IndexByte(data, 0); i >= 0 {
		r.fault(r.locate.span(i, i+1), "save it as UTF-8 text", "a NUL byte; this is no text file")
		return nil
	}
	// The index counts keys exactly, but one expression after the other; a single
	// one could fill the memory.
	items := bytes.Count(data, []byte(",")) + bytes.Count(data, []byte("=")) + bytes.Count(data, []byte("["))
	if items > 2*MaxKeys {
		r.fault(whole, "split it into several files", "the file has more than %d keys and list items", MaxKeys)
		return nil
	}
	if !utf8.Valid(data) {
		data = r.admitEncoding(data)
	}
	if lone >= 0 {
		r.fault(r.locate.span(lone, lone+1), "save the file with Unix or Windows line endings", "a carriage return without a line feed does not end a line")
		if bytes.IndexByte(data, '\n') == len(data)-1 {
			return nil // old Macintosh line endings: all of it is one line
		}
		r.encoded = append(r.encoded, r.locate.line)
	}
	return data
}

// admitEncoding reports the first byte of each line that is not UTF-8, and
// returns a copy in which such bytes are question marks.
func (r *reader) admitEncoding(data []byte) []byte {
	data = bytes.Clone(data)
	line := 0
	for at := 0; at < len(data); {
		c, size := utf8.DecodeRune(data[at:])
		if c == utf8.RuneError && size == 1 {
			if n := r.doc.lineAt(at); n != line {
				line = n
				r.encoded = append(r.encoded, n)
				r.fault(r.locate.span(at, at+1), "save the file as UTF-8", "the byte 0x%02X is not UTF-8", data[at])
			}
			data[at] = '?'
		}
		at += size
	}
	return data
}

// loneReturn is the offset of the first carriage return that ends no line.
func loneReturn(data []byte) int {
	for at := 0; ; {
		i := bytes.IndexByte(data[at:], '\r')
		if i < 0 {
			return -1
		}
		at += i + 1
		if at == len(data) || data[at] != '\n' {
			return at - 1
		}
	}
}

// run reads all expressions, passing over faulty ones.
func (x *indexer) run(data []byte) {
	rescanned := 0
	for faults := 0; !x.stopped; faults++ {
		x.base = x.end
		x.parser.Reset(data[x.base:])
		for !x.stopped && x.parser.NextExpression() {
			x.expression(x.parser.Expression())
		}
		err := x.parser.Error()
		if err == nil || x.stopped {
			return
		}
		at := x.base
		var perr *unstable.ParserError
		if errors.As(err, &perr) {
			at = cap(data) - cap(perr.Highlight) // both end with the array below them
			at = min(max(at, x.end), len(data)-1)
		}
		if rescanned += at - x.end; faults == maxRecovery || rescanned > maxRescan {
			x.fault(x.locate.span(at, at+1), "", "too many faults; the rest of the file is not read")
			x.cut(x.end, len(data))
			return
		}
		x.pass(at, err)
	}
}

// pass reports a syntax error found at an offset, and moves behind the
// expression it stands in.
func (x *indexer) pass(at int, err error) {
	text := x.doc.text
	start := x.faultStart(at)
	ext := x.extent(start)
	line := x.doc.lineAt(start)
	known := false
	for _, n := range x.encoded {
		known = known || n >= line && n <= x.doc.lineAt(max(start, ext.to-1))
	}
	if !known {
		x.explain(start, max(at, start), ext, err)
	}
	x.cut(start, ext.to)
	if text[start] == '[' {
		x.current = nil
	} else if x.current != nil {
		x.keepKey(start)
	}
	x.end = ext.to
}

// faultStart is the offset at which the expression begins whose fault is at an
// offset.
func (x *indexer) faultStart(at int) int {
	text := x.doc.text
	start := x.end
	if start > 0 && text[start-1] != '\n' {
		// Behind a good expression, on its line.
		start = x.doc.nextLine(start)
	}
	for start < at {
		switch text[start] {
		case ' ', '\t', '\r', '\n':
			start++
			continue
		case '#':
			if next := x.doc.nextLine(start); next <= at {
				start = next
				continue
			}
		}
		break
	}
	return start
}

// nextLine is the offset at which the line behind the one of an offset begins.
func (d *Text) nextLine(offset int) int {
	return offset + strings.IndexByte(d.text[offset:], '\n') + 1
}

// keepKey enters the key of a faulty expression.
func (x *indexer) keepKey(start int) {
	line := x.doc.text[start:x.doc.nextLine(start)]
	if len(line) > 1024 {
		return
	}
	match := keyLine.FindStringSubmatchIndex(line)
	if match == nil {
		return
	}
	from, to := start+match[2], start+match[3]
	name := strings.Trim(x.doc.text[from:to], `"'`)
	if x.current.find(name) < 0 {
		span := x.locate.span(from, to)
		x.current.add(Entry{Key: name, At: span, Value: x.newValue(FaultyKind, span)})
	}
}

// cut takes a stretch out of what BurntSushi will see.
func (r *reader) cut(from, to int) { r.cuts = append(r.cuts, stretch{from, to}) }

// fault reports an error.
func (r *reader) fault(at diag.Span, help, format string, args ...any) {
	r.report(diag.Diagnostic{Span: at, Message: fmt.Sprintf(format, args...), Help: help})
}

// stop reports a broken limit.
func (r *reader) stop(at diag.Span, message string) {
	if !r.stopped {
		r.stopped = true
		r.fault(at, "split the file into several", "%s", message)
	}
}

func (r *reader) report(d diag.Diagnostic) {
	if len(*r.list) >= MaxFaults-1 {
		if r.more++; r.more == 1 {
			r.moreAt = d.Span
		}
		return
	}
	d.Text = r.doc.textFor(d.Span)
	r.list.Add(d)
}
