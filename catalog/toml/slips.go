package toml

import (
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/pelletier/go-toml/v2/unstable"
)

// slip is a syntax error on its way to a message that says what to write. Few
// errors are typing errors; most are another language's way of writing it.
type slip struct {
	text    string
	start   int // of the expression
	end     int // of its first line, without a comment or line ending
	from    int // of the fault
	to      int
	message string
	help    string
}

func (s *slip) say(from, to int, message, help string) {
	s.from, s.to, s.message, s.help = from, to, message, help
}

// explain reports a syntax error at an offset.
func (x *indexer) explain(start, at int, ext extent, err error) {
	text := x.doc.text
	s := &slip{text: text, start: start, end: x.doc.lineEnd(x.doc.lineAt(start))}
	s.say(at, at+1, plain(err.Error()), "")
	r, size := utf8.DecodeRuneInString(text[min(at, len(text)):])
	equals := keyLine.FindStringIndex(text[start:min(s.end, start+lineWindow)])
	var perr *unstable.ParserError
	switch {
	case errors.As(err, &perr) && strings.Contains(perr.Message, "nest"):
		s.say(at, at+1, fmt.Sprintf("lists and tables are nested more than %d deep", MaxDepth), "")
	case ext.opener >= 0 && (at >= ext.to || at >= len(text)-1):
		s.unclosed(ext.opener)
	case r < ' ' && r != '\t' && r != '\n' && r != '\r' && size > 0, r == 0x7f:
		s.say(at, at+1, fmt.Sprintf("the control character U+%04X is not allowed", r), "remove it")
	case text[start] == '[':
		s.header(at)
	case equals == nil || at < start+equals[1]:
		s.key(at)
	default:
		s.value(start+equals[1], at, ext)
	}
	x.fault(x.locate.span(s.from, max(s.to, s.from+1)), s.help, "%s", s.message)
}

// unclosed explains a bracket or quotes without an end.
func (s *slip) unclosed(opener int) {
	switch s.text[opener] {
	case '[':
		s.say(opener, opener+1, "this list is never closed", `add "]" at its end`)
	case '{':
		s.say(opener, opener+1, "this table is never closed", `add "}" at its end`)
	default:
		quotes := s.text[opener : opener+1]
		if triple := strings.Repeat(quotes, 3); strings.HasPrefix(s.text[opener:], triple) {
			quotes = triple
		}
		s.say(opener, opener+len(quotes), "this string is never closed", "add "+quotes+" at its end")
	}
}

// header explains a fault in [a.b] or [[a.b]].
func (s *slip) header(at int) {
	line := s.text[s.start:s.end]
	open := "["
	if strings.HasPrefix(line, "[[") {
		open = "[["
	}
	shut := strings.Repeat("]", len(open))
	body, rest, closed := strings.Cut(line[len(open):], "]")
	if !closed {
		body, _, _ = strings.Cut(body, "#")
	}
	body = strings.TrimSpace(body)
	width := s.start + len(strings.TrimRight(line, " \t"))
	switch {
	case body == "" || body == "[":
		s.say(s.start, width, "a header needs a name", "write "+open+"name"+shut)
	case !closed && strings.ContainsAny(body, " ="):
		s.say(s.start, width, "this header is never closed", "")
	case !closed:
		s.say(s.start, width, "this header is never closed", "write "+open+short(body)+shut)
	case !strings.HasPrefix(rest, shut[1:]):
		s.say(s.start, width, "this header opens with two brackets and closes with one", "write "+open+short(body)+shut)
	case at >= s.start+len(line)-len(rest)+len(shut)-1:
		s.say(at, s.end, "only a comment may stand behind a header", "put it on a line of its own")
	default:
		s.bareKey(at, s.start+len(open)+len(body), "]")
	}
}

// bareKey explains a character that a key without quotes cannot have.
func (s *slip) bareKey(at, end int, stops string) {
	from, to := at, at
	for from > s.start && !strings.ContainsRune(". \t["+stops, rune(s.text[from-1])) {
		from--
	}
	for to < end && !strings.ContainsRune(". \t"+stops, rune(s.text[to])) {
		to++
	}
	word := s.text[from:to]
	r, _ := utf8.DecodeRuneInString(s.text[at:])
	switch {
	case word == "" && r == '.', word == "":
		s.say(at, at+1, "a part of this key is empty", "")
	case isQuote(r):
		s.say(at, at+utf8.RuneLen(r), fmt.Sprintf("%c is not a quote in TOML", r), `use straight quotes: "`)
	case strings.ContainsAny(s.text[min(from, at):at], " \t"), from == at && at > s.start && (s.text[at-1] == ' ' || s.text[at-1] == '\t'):
		s.say(at, to, "a key with blanks needs quotes", "")
	default:
		s.say(from, to, fmt.Sprintf("%s needs quotes, for its %q", short(word), r), "write "+quote(short(word)))
	}
}

// key explains a fault before or at the equals sign.
func (s *slip) key(at int) {
	line := strings.TrimRight(s.text[s.start:s.end], " \t")
	end := s.start + len(line)
	first := line[:1]
	c := byte('\n')
	if at < end {
		c = s.text[at]
	}
	name := strings.TrimSpace(s.text[s.start:min(at, end)])
	rest := ""
	if at < end {
		rest = strings.TrimSpace(s.text[at+1 : end])
	}
	switch {
	case strings.HasPrefix(line, "//"), strings.HasPrefix(line, "/*"), strings.HasPrefix(line, "--"), first == ";":
		s.say(s.start, end, "this is not a comment in TOML", "begin it with #")
	case strings.HasPrefix(line, "- "):
		s.say(s.start, s.start+1, "lists are not written with dashes", `write key = ["…", "…"]`)
	case strings.ContainsAny(first, "]}),"):
		s.say(s.start, s.start+1, fmt.Sprintf("%q belongs to nothing", first), "")
	case first == "=":
		s.say(s.start, s.start+1, "there is no key before =", "")
	case first == "{":
		s.say(s.start, s.start+1, "a table in braces needs a key", "write key = { … }")
	case (first == `"` || first == "'") && at >= end:
		s.say(s.start, end, "this key is never closed or has no value", "write "+first+"key"+first+" = …")
	case c == '=':
		s.say(at-1, at, "a part of this key is empty", "")
	case c == ':':
		s.say(at, at+1, "a key is followed by = in TOML, not by a colon", s.assignment(name, rest))
	case at >= end:
		s.say(s.start, end, short(line)+" has no value", "write "+short(line)+" = …")
	case s.text[at-min(at, 1)] == ' ' || s.text[at-min(at, 1)] == '\t':
		if before, _, ok := strings.Cut(line, "="); ok && !strings.ContainsAny(before, `"'`) {
			s.say(s.start, s.start+len(strings.TrimSpace(before)), "a key with blanks needs quotes", "write "+quote(short(strings.TrimSpace(before)))+" = …")
			return
		}
		s.say(at, end, "there is no = behind the key "+short(name), s.assignment(name, s.text[at:end]))
	default:
		s.bareKey(at, end, "=:")
	}
}

// assignment is the help that writes a key and its value correctly.
func (s *slip) assignment(name, value string) string {
	value = strings.TrimSpace(uncomment(value))
	if value == "" || len(value) > 60 || strings.ContainsAny(value, `[]{}=`) {
		return "write " + short(name) + " = …"
	}
	return "write " + short(name) + " = " + literal(value)
}

// uncomment cuts a comment off, unless the text has quotes.
func uncomment(text string) string {
	if strings.ContainsAny(text, `"'`) {
		return text
	}
	text, _, _ = strings.Cut(text, " #")
	return text
}

// value explains a fault behind the equals sign, which ends at an offset.
func (s *slip) value(equals, at int, ext extent) {
	from := equals
	for from < s.end && (s.text[from] == ' ' || s.text[from] == '\t') {
		from++
	}
	if from >= s.end || s.text[from] == '#' {
		name := strings.TrimSpace(s.text[s.start : equals-1])
		help := "write " + short(name) + " = …"
		if ext.to > s.end+2 {
			help = "put the value on the same line"
		}
		s.say(s.start, equals, "there is no value behind =", help)
		return
	}
	p := s.position(from, at)
	r, size := utf8.DecodeRuneInString(s.text[at:])
	switch {
	case p.quoted >= 0 && (at >= len(s.text)-1 || r == '\n' || r == '\r') && p.single:
		end := at
		for end > p.quoted+1 && (s.text[end-1] == ' ' || s.text[end-1] == '\t') {
			end--
		}
		quote := s.text[p.quoted : p.quoted+1]
		if ext.to > at+1 {
			s.say(p.quoted, end, "a string in "+quote+" ends with its line", "use "+strings.Repeat(quote, 3)+" for a string of several lines")
			return
		}
		s.say(p.quoted, end, "this string is never closed", "add "+quote+" at its end")
	case p.quoted >= 0:
		s.escape(p, at)
	case isQuote(r):
		s.curly(at, size)
	case r == '=' && at == from:
		s.say(at, at+1, "a second = behind the key", "remove it")
	case p.after:
		s.trailing(p, at, r)
	case r == ',' && at > from && isNumber(s.lastWord(at-1)):
		s.bare(p, from, at)
	case r == ',':
		s.say(at, at+1, "nothing stands before this comma", "remove it")
	case r == ':' && p.bracket == '{':
		s.say(at, at+1, "a key is followed by = in TOML, not by a colon", "write key = value")
	case r == '\n' || r == '\r' || at >= s.end && p.bracket == 0:
		word := strings.TrimSpace(s.text[from:max(s.end, from)])
		s.say(from, from+len(word), short(word)+" is not complete", "")
	default:
		s.bare(p, from, at)
	}
}

// position is where in a value a fault stands.
type position struct {
	bracket byte // innermost that is open, or 0
	quoted  int  // where the string opens it stands in, or -1
	single  bool // that string ends with its line
	after   bool // a value ends before it
	last    int  // offset of the last byte that is neither blank nor comment
}

// position reads a value up to an offset.
func (s *slip) position(from, at int) position {
	p := position{quoted: -1, last: from - 1}
	var open []byte
	for i := from; i < at && i < len(s.text); {
		c := s.text[i]
		switch c {
		case ' ', '\t', '\r', '\n':
			i++
			continue
		case '#':
			for i < at && s.text[i] != '\n' {
				i++
			}
			continue
		case '"', '\'':
			end, single := stringEnd(s.text, i)
			if end < 0 || end > at {
				p.quoted, p.single = i, single
				if len(open) > 0 {
					p.bracket = open[len(open)-1]
				}
				return p
			}
			i = end
			p.after = true
		case '[', '{':
			open = append(open, c)
			p.after = false
			i++
		case ']', '}':
			open = open[:max(len(open)-1, 0)]
			p.after = true
			i++
		case ',', '=':
			p.after = false
			i++
		default:
			// A word ends where a blank follows; a fault within it is its own.
			for i < at && !strings.ContainsRune(" \t\r\n,[]{}=#", rune(s.text[i])) {
				i++
			}
			p.after = i < at
		}
		p.last = i - 1
	}
	if len(open) > 0 {
		p.bracket = open[len(open)-1]
	}
	return p
}

// stringEnd is the offset behind the string that opens at one, or -1.
func stringEnd(text string, at int) (end int, single bool) {
	quote := text[at]
	if triple := strings.Repeat(text[at:at+1], 3); strings.HasPrefix(text[at:], triple) {
		return closing(text, at+3, triple), false
	}
	for i := at + 1; i < len(text) && text[i] != '\n'; i++ {
		switch {
		case text[i] == quote:
			return i + 1, true
		case text[i] == '\\' && quote == '"':
			i++
		}
	}
	return -1, true
}

// escape explains a fault inside a string: mostly a backslash of Windows.
func (s *slip) escape(p position, at int) {
	back := at
	for back > p.quoted && back > at-9 && s.text[back] != '\\' {
		back--
	}
	if s.text[back] != '\\' {
		return
	}
	end := back + 2
	if s.text[end-1] == '\n' || s.text[end-1] == '\r' {
		s.say(back, back+1, "a string in \" ends with its line", `use """ for a string of several lines`)
		return
	}
	if strings.ContainsRune("uUx", rune(s.text[end-1])) {
		for end < len(s.text) && end < back+10 && strings.IndexByte("0123456789abcdefABCDEF", s.text[end]) >= 0 {
			end++
		}
	}
	help := `write \\ for a backslash`
	if close, single := stringEnd(s.text, p.quoted); single && close > 0 && s.text[p.quoted] == '"' {
		if inner := s.text[p.quoted+1 : close-1]; len(inner) <= 60 && !strings.Contains(inner, "'") && !strings.Contains(inner, `\\`) {
			help = "write '" + inner + `', or \\ for each backslash`
		}
	}
	message := s.text[back:end] + " means nothing in a string"
	if end-back >= 6 {
		message, help = s.text[back:end]+" is not a character", ""
	}
	s.say(back, end, message, help)
}

// isQuote reports whether r is a quote of typography.
func isQuote(r rune) bool { return strings.ContainsRune("“”„‟‘’‚‛«»‹›`´", r) }

// curly explains quotes that a word processor has put in.
func (s *slip) curly(at, size int) {
	rest := s.text[at+size : max(s.end, at+size)]
	r, _ := utf8.DecodeRuneInString(s.text[at:])
	help := `use straight quotes: "`
	if i := strings.IndexFunc(rest, isQuote); i >= 0 && i <= 60 {
		help = "write " + quote(rest[:i])
	}
	s.say(at, at+size, fmt.Sprintf("%c is not a quote in TOML", r), help)
}

// trailing explains text behind a complete value.
func (s *slip) trailing(p position, at int, r rune) {
	line := strings.IndexByte(s.text[at:], '\n')
	rest := strings.TrimSpace(uncomment(s.text[at : at+min(line, lineWindow)]))
	to := at + len(rest)
	word := s.lastWord(p.last)
	switch {
	case r == ':':
		s.say(at, at+1, "a key is followed by = in TOML, not by a colon", "write key = value")
	case p.bracket == '[' && r != ';':
		s.say(at, at+1, "a comma is missing between two items of a list", `put "," before it`)
	case p.bracket == '{' && r != ';':
		s.say(at, at+1, "a comma is missing between two keys of a table", `put "," before it`)
	case r == ';' || r == ',' && rest == ",":
		s.say(at, at+1, fmt.Sprintf("a line does not end with %q in TOML", r), "remove it")
	case keyLine.MatchString(rest):
		s.say(at, to, "a second key on the same line", "give it a line of its own")
	case word != "" && isDigit(word[0]) && len(rest) <= 20:
		s.say(p.last+1-len(word), to, word+" "+short(rest)+" is not TOML", "write "+quote(word+" "+rest))
	case s.text[p.last] == '\'' && strings.HasSuffix(rest, "'"), s.text[p.last] == '"' && strings.HasSuffix(rest, `"`):
		c := s.text[p.last]
		help := `write \" for a quote inside of a string`
		if c == '\'' {
			help = `put the string into double quotes`
		}
		s.say(at, to, fmt.Sprintf("the string has ended at the %c before", c), help)
	default:
		s.say(at, to, "only a comment may stand behind a value", "begin it with #")
	}
}

// lastWord is the word that ends at an offset.
func (s *slip) lastWord(last int) string {
	from := last + 1
	for from > s.start && !strings.ContainsRune(" \t\r\n,[]{}=\"'", rune(s.text[from-1])) {
		from--
	}
	return s.text[from : last+1]
}

// bare explains a word that is no value.
func (s *slip) bare(p position, value, at int) {
	from := max(at, value)
	for from > value && !strings.ContainsRune(" \t\r\n,[]{}=\"'", rune(s.text[from-1])) {
		from--
	}
	to := from
	stops := ",[]{}=\"'#\r\n"
	for to < len(s.text) && to < from+lineWindow && !strings.ContainsRune(stops, rune(s.text[to])) {
		to++
	}
	// At the end of a line a comma may be part of what was meant: 1,000 ms.
	if p.bracket == 0 {
		to = max(to, from+len(strings.TrimRight(uncomment(s.text[from:max(s.end, from)]), " \t")))
	}
	word := strings.TrimSpace(s.text[from:to])
	if word == "" || from > at {
		return
	}
	isKey := p.bracket != 0 && s.text[to] == '='
	to = from + len(word)
	if isKey {
		s.say(from, to, "a list holds no keys", "write { "+short(word)+" = … }")
		return
	}
	if p.bracket == '{' && s.lastByte(from) != '=' {
		s.say(from, to, short(word)+" has no value", "write "+short(word)+" = …")
		return
	}
	switch strings.ToLower(word) {
	case "null", "nil", "none", "~":
		s.say(from, to, "TOML has no "+word, "leave the key out")
	default:
		s.say(from, to, short(word)+" is not TOML", "write "+literal(short(word)))
	}
}

// lastByte is the last byte before an offset that is not blank.
func (s *slip) lastByte(at int) byte {
	for at--; at > s.start; at-- {
		if c := s.text[at]; c != ' ' && c != '\t' {
			return c
		}
	}
	return 0
}
