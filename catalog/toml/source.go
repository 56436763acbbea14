package toml

import (
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/knockon/knockon/catalog/diag"
)

// maxLine is the length in bytes up to which a source line is shown.
const maxLine = 64 << 10

// Line returns a line of the source, counted from 1, without its line ending. A
// very long line is cut.
func (d *Text) Line(n int) string {
	if n < 1 || n > len(d.starts) {
		return ""
	}
	line := d.text[d.starts[n-1]:d.lineEnd(n)]
	if len(line) > maxLine {
		cut := maxLine
		for cut > maxLine-utf8.UTFMax && !utf8.RuneStart(line[cut]) {
			cut--
		}
		line = line[:cut]
	}
	return line
}

// Contains reports whether a file has a stretch of text, wherever that stands.
func (d *Text) Contains(part string) bool { return strings.Contains(d.text, part) }

// lineEnd is the offset at which line n ends, before its line ending.
func (d *Text) lineEnd(n int) int {
	end := len(d.text)
	if n < len(d.starts) {
		end = d.starts[n] - 1
	}
	if end > d.starts[n-1] && d.text[end-1] == '\r' {
		end--
	}
	return end
}

// lineAt is the number of the line that holds an offset.
func (d *Text) lineAt(offset int) int {
	n, found := slices.BinarySearch(d.starts, offset)
	if found {
		return n + 1
	}
	return n
}

// lineStarts finds where lines begin.
func lineStarts(text string) []int {
	starts := make([]int, 1, strings.Count(text, "\n")+1)
	for at := 0; ; {
		i := strings.IndexByte(text[at:], '\n')
		if i < 0 {
			return starts
		}
		at += i + 1
		starts = append(starts, at)
	}
}

// textFor is the source line to print under a diagnostic at s, or "" where the
// fault stands beyond what is shown of a very long line.
func (d *Text) textFor(s diag.Span) string {
	line := d.Line(s.Line)
	if s.Col > maxLine && s.Col > utf8.RuneCountInString(line) {
		return ""
	}
	return line
}

// locator turns offsets into spans. It remembers the last place, so that places
// asked for in the order of the file cost their distance: counting each column
// from the start of the line would be quadratic in a file of one line.
type locator struct {
	doc    *Text
	line   int // of offset
	offset int
	col    int // of offset, from 0
}

// seek moves to an offset.
func (l *locator) seek(offset int) {
	d := l.doc
	start := d.starts[l.line-1]
	switch {
	case offset < start:
		l.line = d.lineAt(offset)
	case l.line < len(d.starts) && offset >= d.starts[l.line]:
		if l.line+1 >= len(d.starts) || offset < d.starts[l.line+1] {
			l.line++
		} else {
			l.line = d.lineAt(offset)
		}
	case offset >= l.offset:
		l.col += utf8.RuneCountInString(d.text[l.offset:offset])
		l.offset = offset
		return
	case l.offset-offset < offset-start:
		l.col -= utf8.RuneCountInString(d.text[offset:l.offset])
		l.offset = offset
		return
	}
	start = d.starts[l.line-1]
	l.offset, l.col = offset, utf8.RuneCountInString(d.text[start:offset])
}

// span is the stretch from one offset to another, or to the end of the line if
// that comes first.
func (l *locator) span(from, to int) diag.Span {
	l.seek(from)
	s := diag.Span{File: l.doc.File, Line: l.line, Col: l.col + 1}
	s.Width = l.width(l.line, from, to)
	return s
}

func (l *locator) width(line, from, to int) int {
	to = min(to, l.doc.lineEnd(line))
	if to <= from {
		return 1
	}
	return utf8.RuneCountInString(l.doc.text[from:to])
}

// String is the whole text, without a byte order mark and with a line feed at its end.
func (d *Text) String() string { return d.text }
