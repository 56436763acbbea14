package toml

import (
	"iter"
	"strings"

	"github.com/knockon/knockon/catalog/diag"
)

// Comment is a comment of a file.
type Comment struct {
	At    diag.Span // of the number sign and all that follows it
	Body  string    // what follows the number sign, without blanks around it
	Alone bool      // nothing stands before it on its line
}

// Comments yields the comments of a file that parses, in order. A number sign
// within a string begins none.
func (t *Text) Comments() iter.Seq[Comment] {
	return func(yield func(Comment) bool) {
		l := locator{doc: t, line: 1}
		for at := 0; at < len(t.text); {
			step := strings.IndexAny(t.text[at:], `#"'`)
			if step < 0 {
				return
			}
			at += step
			if quote := t.text[at]; quote != '#' {
				triple := strings.Repeat(string(quote), 3)
				if !strings.HasPrefix(t.text[at:], triple) {
					at = t.quoted(at)
				} else if at = closing(t.text, at+3, triple); at < 0 {
					return
				}
				continue
			}
			end := t.lineEnd(t.lineAt(at))
			start := t.starts[t.lineAt(at)-1]
			c := Comment{
				At:    l.span(at, end),
				Body:  strings.TrimSpace(t.text[at+1 : end]),
				Alone: strings.TrimSpace(t.text[start:at]) == "",
			}
			if !yield(c) {
				return
			}
			at = end
		}
	}
}

// NextStatement is the first line after a line that holds more than blanks and a
// comment; 0 if there is none.
func (t *Text) NextStatement(line int) int {
	for n := line + 1; n <= len(t.starts); n++ {
		if text := strings.TrimSpace(t.Line(n)); text != "" && text[0] != '#' {
			return n
		}
	}
	return 0
}
