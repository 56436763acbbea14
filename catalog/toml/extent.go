package toml

import (
	"regexp"
	"strings"
)

// A faulty expression ends where the next one begins, and only a guess can tell
// where that is: behind an open bracket everything may belong to it. The guess is
// made by lines, as a reader would make it.

const keyPattern = `(?:[A-Za-z0-9_-]+|"[^"\n]*"|'[^'\n]*')`

var (
	// keyLine is a line that begins with a key, dots and an equals sign.
	keyLine = regexp.MustCompile(`^[ \t]*(` + keyPattern + `)(?:[ \t]*\.[ \t]*` + keyPattern + `)*[ \t]*=`)
	// headerLine is a line with nothing but a header.
	headerLine = regexp.MustCompile(`^[ \t]*\[\[?[ \t]*[A-Za-z_][A-Za-z0-9_-]*(?:[ \t]*\.[ \t]*` + keyPattern + `)*[ \t]*\]\]?[ \t]*(?:#[^\n]*)?\r?\n?$`)
)

// lineWindow is how much of a line the patterns look at.
const lineWindow = 1024

// extent is the guess where a faulty expression ends.
type extent struct {
	to     int // the start of the line behind it
	opener int // the bracket or quotes that are never closed, or -1
}

// extent guesses how far the expression goes that starts at an offset.
func (x *indexer) extent(start int) extent {
	text := x.doc.text
	end := x.doc.nextLine(start)
	if text[start] == '[' || text[start] == '#' {
		return extent{end, -1}
	}
	equals := strings.IndexByte(text[start:end], '=')
	if equals < 0 {
		return extent{end, -1}
	}
	var open []int    // offsets of the brackets that are open
	last := byte('=') // the last byte that was neither blank nor comment
	at := start + equals + 1
	for at < len(text) {
		switch c := text[at]; c {
		case ' ', '\t', '\r':
			at++
			continue
		case '#':
			at = max(x.doc.nextLine(at)-1, at+1)
			continue
		case '\n':
			at++
			if len(open) == 0 {
				if last == '=' && x.continues(at) {
					continue // the value stands on the next line
				}
				return extent{at, -1}
			}
			if x.begins(at, start, text[open[len(open)-1]], last) {
				return extent{at, open[len(open)-1]}
			}
			continue
		case '"', '\'':
			if triple := strings.Repeat(string(c), 3); strings.HasPrefix(text[at:], triple) {
				close := closing(text, at+3, triple)
				if close < 0 || last == '=' && len(open) == 0 && x.opensAgain(close, triple) {
					return extent{x.nextExpression(end), at}
				}
				at = close
			} else {
				at = x.doc.quoted(at)
				if text[at] == '\n' && len(open) == 0 {
					return extent{x.restOfString(at+1, c), -1}
				}
			}
		case '[', '{':
			open = append(open, at)
			at++
			if len(open) > 4*MaxDepth {
				return extent{x.nextExpression(end), -1}
			}
		case ']', '}':
			if len(open) > 0 {
				open = open[:len(open)-1]
			}
			at++
		default:
			at++
		}
		last = text[at-1]
	}
	if len(open) > 0 {
		return extent{len(text), open[len(open)-1]}
	}
	return extent{len(text), -1}
}

// begins guesses whether a line begins a new expression although a bracket is
// still open. A header stands nowhere else; a key may belong to a table, the more
// so where it is indented.
func (x *indexer) begins(at, start int, open, last byte) bool {
	header, key := x.looksLike(at)
	if header || !key {
		return header
	}
	belongs := open == '{' && (last == ',' || last == '{')
	return !belongs && x.indent(at) <= x.indent(start)
}

// indent is the width of the blanks a line begins with.
func (x *indexer) indent(at int) int {
	line := x.doc.starts[x.doc.lineAt(at)-1]
	return x.skipSpace(line) - line
}

// continues guesses whether a line is the value of the key on the line before.
func (x *indexer) continues(at int) bool {
	header, key := x.looksLike(at)
	line := x.doc.text[at:x.doc.nextLine(at)]
	value := strings.TrimLeft(line, " \t")
	indented := len(value) < len(line)
	return !key && (indented || !header) && strings.TrimSpace(value) != "" && value[0] != '#'
}

// restOfString is the line behind a string that goes on over lines though it must
// not: behind the line with its quote, unless an expression begins before that.
func (x *indexer) restOfString(at int, quote byte) int {
	for next := at; next < len(x.doc.text) && next-at < 4*lineWindow && x.continues(next); {
		end := x.doc.nextLine(next)
		if strings.IndexByte(x.doc.text[next:end], quote) >= 0 {
			return end
		}
		next = end
	}
	return at
}

// looksLike tells what the line at an offset looks like by itself.
func (x *indexer) looksLike(at int) (header, key bool) {
	line := x.doc.text[at:min(x.doc.nextLine(at), at+lineWindow)]
	// Most lines of a long text are neither, and a pattern is slow.
	if strings.IndexByte(line, '=') < 0 && strings.IndexByte(line, ']') < 0 {
		return false, false
	}
	return headerLine.MatchString(line), keyLine.MatchString(line)
}

// nextExpression is the first line at or behind an offset that looks like the
// start of an expression.
func (x *indexer) nextExpression(at int) int {
	for at < len(x.doc.text) {
		if header, key := x.looksLike(at); header || key {
			return at
		}
		at = x.doc.nextLine(at)
	}
	return at
}

// opensAgain guesses whether the three quotes that end at an offset are meant to
// open a string: they follow "key =". Then the string before was never closed.
func (x *indexer) opensAgain(end int, triple string) bool {
	line := x.doc.starts[x.doc.lineAt(end-1)-1]
	before := strings.TrimRight(x.doc.text[line:max(line, end-3)], " \t")
	return strings.HasSuffix(before, "=") && keyLine.MatchString(before)
}

// closing is the offset behind the three quotes that close a string, or -1.
func closing(text string, at int, triple string) int {
	for at < len(text) {
		if triple == `"""` && text[at] == '\\' {
			at += 2
			continue
		}
		if strings.HasPrefix(text[at:], triple) {
			at += 3
			for extra := 0; extra < 2 && at < len(text) && text[at] == triple[0]; extra++ {
				at++
			}
			return at
		}
		at++
	}
	return -1
}

// quoted is the offset behind the string that opens at an offset; a string that
// is not closed ends with its line.
func (t *Text) quoted(at int) int {
	text, quote := t.text, t.text[at]
	for at++; at < len(text); at++ {
		switch c := text[at]; {
		case c == quote:
			return at + 1
		case c == '\n':
			return at
		case c == '\\' && quote == '"' && at+1 < len(text) && text[at+1] != '\n':
			at++
		}
	}
	return at
}
