package importers

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/knockon/knockon/catalog"
	"github.com/knockon/knockon/catalog/diag"
)

// dot reads graphs in the language of Graphviz. An edge a -> b means that a needs
// b, unless the options say that its author meant the reverse.
//
// Source: https://graphviz.org/doc/info/lang.html
var dot = Format{
	Name:  "dot",
	Title: "Graphviz",
	What:  "graphs in DOT; a -> b means that a needs b, with --reverse the other way",
	detects: func(s *sample) bool {
		return s.json == nil && dotHead.Match(s.head) && !bytes.Contains(s.head, []byte(`"[root] `))
	},
	reads: func(d *Draft, files []File, o Options) {
		for _, f := range files {
			p := &dotParser{d: d, f: f, lexer: dotLexer{text: f.Data, line: 1}, reverse: o.Reverse, groups: make(map[string][]*string)}
			if err := p.file(); err != nil {
				d.Errorf(f.at(p.lexer.line), "", "this is no graph in DOT: %v", err)
			}
		}
	},
}

var dotHead = regexp.MustCompile(`(?is)(?:^|[\s;}])(?:strict\s+)?(?:di)?graph\s*(?:[A-Za-z0-9_.-]+|"(?:[^"\\]|\\.)*")?\s*\{`)

const (
	maxDotDepth = 100
	maxDotEdges = 2 << 20 // with chains and groups taken apart
)

type dotParser struct {
	d          *Draft
	f          File
	lexer      dotLexer
	token      dotToken
	reverse    bool
	directed   bool
	undirected int                  // edges without a direction
	edges      int                  // so far
	groups     map[string][]*string // labels of the clusters around a node, by its name
}

// dotScope is what holds inside a pair of braces.
type dotScope struct {
	group []*string // labels of the clusters around, which may be named later
	depth int
}

// file reads all graphs of a file, and passes over what stands around them.
func (p *dotParser) file() error {
	found := false
	for {
		if err := p.next(); err != nil {
			return err
		}
		switch {
		case p.token.kind == dotEnd && found:
			p.group()
			if p.undirected > 0 {
				p.d.Warnf(p.f.whole(), "check the directions, or draw a digraph",
					"%s no direction; the first is taken for the one that needs the other", plural(p.undirected, "edge has", "edges have"))
			}
			return nil
		case p.token.kind == dotEnd:
			return errors.New("there is no graph in this file")
		case p.token.is("digraph"), p.token.is("graph"):
			p.directed = p.token.is("digraph")
			ok, err := p.graph()
			if err != nil {
				return err
			}
			found = found || ok
		}
	}
}

// graph reads a graph behind its keyword. It is none if no brace follows.
func (p *dotParser) graph() (bool, error) {
	if err := p.next(); err != nil {
		return false, err
	}
	if p.token.kind == dotID {
		if err := p.next(); err != nil {
			return false, err
		}
	}
	if !p.token.punct('{') {
		return false, nil
	}
	_, err := p.statements(dotScope{})
	return true, err
}

func (p *dotParser) next() error {
	var err error
	p.token, err = p.lexer.next()
	return err
}

// statements reads up to the closing brace, and returns the nodes named on the way.
// The token at hand is the opening brace, and afterwards the closing one.
func (p *dotParser) statements(scope dotScope) (nodes []string, err error) {
	if scope.depth > maxDotDepth {
		return nil, fmt.Errorf("nested more than %d deep", maxDotDepth)
	}
	if err := p.next(); err != nil {
		return nil, err
	}
	for {
		switch {
		case p.token.kind == dotEnd:
			return nil, errors.New("a brace is never closed")
		case p.token.punct('}'):
			return nodes, nil
		case p.token.punct(';'), p.token.punct(','):
			if err := p.next(); err != nil {
				return nil, err
			}
		case p.token.is("graph"), p.token.is("node"), p.token.is("edge"):
			isGraph := p.token.is("graph")
			if err := p.next(); err != nil {
				return nil, err
			}
			attributes, err := p.attributes()
			if err != nil {
				return nil, err
			}
			if isGraph {
				scope.name(attributes["label"])
			}
		default:
			named, err := p.statement(&scope)
			if err != nil {
				return nil, err
			}
			if nodes = append(nodes, named...); len(nodes) > maxServices {
				return nil, fmt.Errorf("more than %d nodes in one pair of braces", maxServices)
			}
		}
	}
}

// name gives the innermost cluster its label.
func (s *dotScope) name(label string) {
	if n := len(s.group); n > 0 && plainLabel(label) != "" {
		*s.group[n-1] = plainLabel(label)
	}
}

// statement reads a node, a chain of edges, a subgraph, or an attribute of the
// scope, and what attributes follow.
func (p *dotParser) statement(scope *dotScope) (nodes []string, err error) {
	var chain [][]string
	at := p.f.at(p.token.line)
	for {
		operand, single, err := p.operand(scope)
		if err != nil {
			return nil, err
		}
		if single && len(chain) == 0 && p.token.punct('=') { // label = "…"
			return nil, p.assignment(scope, operand[0])
		}
		chain = append(chain, operand)
		nodes = append(nodes, operand...)
		if single {
			p.declare(operand[0], at, *scope)
		}
		if p.token.kind != dotArrow {
			break
		}
		if err := p.next(); err != nil {
			return nil, err
		}
	}
	attributes, err := p.attributes()
	if err != nil {
		return nil, err
	}
	if len(chain) == 1 {
		for _, id := range chain[0] {
			p.describe(id, attributes)
		}
		return nodes, nil
	}
	for i := range chain[1:] {
		if err := p.connect(chain[i], chain[i+1], at, attributes); err != nil {
			return nil, err
		}
	}
	return nodes, nil
}

func (p *dotParser) assignment(scope *dotScope, key string) error {
	if err := p.next(); err != nil {
		return err
	}
	if p.token.kind != dotID {
		return fmt.Errorf("%q has no value", cleanName(key))
	}
	if strings.EqualFold(key, "label") {
		scope.name(p.token.text)
	}
	return p.next()
}

// operand reads a node or a subgraph; single says that it is a node.
func (p *dotParser) operand(scope *dotScope) (nodes []string, single bool, err error) {
	switch {
	case p.token.is("subgraph"), p.token.punct('{'):
		inner := dotScope{group: scope.group, depth: scope.depth + 1}
		if p.token.is("subgraph") {
			if err := p.next(); err != nil {
				return nil, false, err
			}
			if p.token.kind == dotID {
				if name, ok := strings.CutPrefix(p.token.text, "cluster"); ok {
					name = strings.TrimLeft(name, "_")
					inner.group = append(slices.Clone(scope.group), &name)
				}
				if err := p.next(); err != nil {
					return nil, false, err
				}
			}
		}
		if !p.token.punct('{') {
			return nil, false, nil // a subgraph that is only referred to
		}
		if nodes, err = p.statements(inner); err != nil {
			return nil, false, err
		}
		return nodes, false, p.next()
	case p.token.kind != dotID:
		return nil, false, fmt.Errorf("%q is not expected here", p.token.text)
	}
	id := p.token.text
	if err := p.next(); err != nil {
		return nil, false, err
	}
	for p.token.punct(':') { // a port, and a side of it
		if err := p.next(); err != nil {
			return nil, false, err
		}
		if p.token.kind != dotID {
			return nil, false, errors.New("a port without a name")
		}
		if err := p.next(); err != nil {
			return nil, false, err
		}
	}
	return []string{id}, true, nil
}

// attributes reads all lists in brackets that follow.
func (p *dotParser) attributes() (map[string]string, error) {
	var all map[string]string
	for p.token.punct('[') {
		if err := p.next(); err != nil {
			return nil, err
		}
		for !p.token.punct(']') {
			if p.token.punct(',') || p.token.punct(';') {
				if err := p.next(); err != nil {
					return nil, err
				}
				continue
			}
			if p.token.kind != dotID {
				return nil, errors.New("a list of attributes is never closed")
			}
			key, value := strings.ToLower(p.token.text), "true"
			if err := p.next(); err != nil {
				return nil, err
			}
			if p.token.punct('=') {
				if err := p.next(); err != nil {
					return nil, err
				}
				if p.token.kind != dotID {
					return nil, fmt.Errorf("%q has no value", cleanName(key))
				}
				value = p.token.text
				if err := p.next(); err != nil {
					return nil, err
				}
			}
			if all == nil {
				all = make(map[string]string)
			}
			all[key] = value
		}
		if err := p.next(); err != nil {
			return nil, err
		}
	}
	return all, nil
}

// declare notes a node where it is named first.
func (p *dotParser) declare(id string, at diag.Span, scope dotScope) {
	id = cleanName(id)
	if len(p.groups[id]) < len(scope.group) {
		p.groups[id] = scope.group
	}
	if s := p.d.Service(id); s == nil || !s.Declared {
		p.d.Declare(id, at).guessKind(id, "from its name")
	}
}

// group puts the nodes in their clusters, once all of these have their labels.
func (p *dotParser) group() {
	for id, labels := range p.groups {
		parts := make([]string, len(labels))
		for i, label := range labels {
			parts[i] = *label
		}
		if s := p.d.Service(id); s != nil {
			s.Group = cmp.Or(s.Group, cleanGroup(parts...))
		}
	}
}

// describe takes over what the attributes of a node say.
func (p *dotParser) describe(id string, attributes map[string]string) {
	s := p.d.Service(cleanName(id))
	if s == nil || attributes == nil {
		return
	}
	if label := plainLabel(attributes["label"]); label != "" {
		s.Title = label
	}
	if attributes["shape"] == "cylinder" && s.Kind == catalog.KindService {
		s.Kind, s.KindGuess = catalog.KindDatabase, "from its shape"
	}
}

// connect adds an edge from every node of one side to every one of the other.
func (p *dotParser) connect(from, to []string, at diag.Span, attributes map[string]string) error {
	if p.edges += len(from) * len(to); p.edges > maxDotEdges {
		return fmt.Errorf("more than %d edges", maxDotEdges)
	}
	for _, a := range from {
		for _, b := range to {
			if !p.directed {
				p.undirected++
			}
			if p.reverse {
				p.d.Need(b, a, Claim{At: at, For: plainLabel(attributes["label"])})
			} else {
				p.d.Need(a, b, Claim{At: at, For: plainLabel(attributes["label"])})
			}
		}
	}
	return nil
}

// plainLabel is the text of a label; none for what is HTML, a record, or stands for
// the name itself.
func plainLabel(label string) string {
	if strings.HasPrefix(label, "<") || strings.ContainsAny(label, "{|}") || label == `\N` {
		return ""
	}
	return cleanText(strings.NewReplacer(`\n`, " ", `\l`, " ", `\r`, " ", `\N`, "", `\G`, "").Replace(label))
}

type dotKind uint8

const (
	dotEnd dotKind = iota
	dotID
	dotArrow
	dotPunct
)

type dotToken struct {
	kind   dotKind
	text   string
	quoted bool // keywords in quotes are names
	line   int
}

func (t dotToken) is(keyword string) bool {
	return t.kind == dotID && !t.quoted && strings.EqualFold(t.text, keyword)
}

func (t dotToken) punct(c byte) bool { return t.kind == dotPunct && t.text[0] == c }

// dotLexer cuts a text into tokens. Bytes that are no UTF-8 are taken for Latin-1.
type dotLexer struct {
	text []byte
	at   int
	line int
}

func (l *dotLexer) next() (dotToken, error) {
	if err := l.space(); err != nil {
		return dotToken{}, err
	}
	t := dotToken{kind: dotPunct, line: l.line}
	if l.at == len(l.text) {
		t.kind = dotEnd
		return t, nil
	}
	switch c := l.text[l.at]; {
	case c == '"':
		return l.quoted(t)
	case c == '<':
		return l.html(t)
	case c == '-' && l.at+1 < len(l.text) && (l.text[l.at+1] == '>' || l.text[l.at+1] == '-'):
		t.kind, t.text = dotArrow, string(l.text[l.at:l.at+2])
		l.at += 2
		return t, nil
	case isDotByte(c) || c == '-' || c == '.':
		start := l.at
		for l.at++; l.at < len(l.text) && (isDotByte(l.text[l.at]) || l.text[l.at] == '.' && isNumeral(l.text[start])); l.at++ {
		}
		t.kind, t.text = dotID, decodeDot(l.text[start:l.at])
		return t, nil
	default:
		t.text = string(c)
		l.at++
		return t, nil
	}
}

func isNumeral(c byte) bool { return '0' <= c && c <= '9' || c == '.' || c == '-' }

func isDotByte(c byte) bool { return isNameByte(c) || c >= 0x80 }

// decodeDot makes text of bytes, which are UTF-8 or else Latin-1.
func decodeDot(b []byte) string {
	if utf8.Valid(b) {
		return string(b)
	}
	runes := make([]rune, len(b))
	for i, c := range b {
		runes[i] = rune(c)
	}
	return string(runes)
}

// space passes over white space, comments and lines of the preprocessor.
func (l *dotLexer) space() error {
	for l.at < len(l.text) {
		rest := l.text[l.at:]
		switch c := rest[0]; {
		case c == '\n':
			l.line++
			l.at++
		case c == ' ' || c == '\t' || c == '\r' || c == '\f' || bytes.HasPrefix(rest, []byte("\xef\xbb\xbf")):
			l.at++
			if c == 0xef {
				l.at += 2
			}
		case bytes.HasPrefix(rest, []byte("//")), c == '#' && (l.at == 0 || l.text[l.at-1] == '\n'):
			if end := bytes.IndexByte(rest, '\n'); end >= 0 {
				l.at += end
			} else {
				l.at = len(l.text)
			}
		case bytes.HasPrefix(rest, []byte("/*")):
			end := bytes.Index(rest[2:], []byte("*/"))
			if end < 0 {
				return errors.New("a comment is never closed")
			}
			l.line += bytes.Count(rest[:end], []byte("\n"))
			l.at += end + 4
		default:
			return nil
		}
	}
	return nil
}

// quoted reads a string in quotes, and those that a plus sign joins to it.
func (l *dotLexer) quoted(t dotToken) (dotToken, error) {
	t.kind, t.quoted = dotID, true
	var b []byte
	for {
		l.at++ // the opening quote
		for ; ; l.at++ {
			if l.at >= len(l.text) {
				l.line = cmp.Or(t.line, l.line)
				return t, errors.New("a string is never closed")
			}
			c := l.text[l.at]
			if c == '"' {
				break
			}
			if c == '\n' {
				l.line++
			}
			if c == '\\' && l.at+1 < len(l.text) {
				switch following := l.text[l.at+1]; following {
				case '"':
					l.at++
					c = '"'
				case '\n':
					l.at++
					l.line++
					continue
				case '\\': // an escape in labels only; names are not written with two
					l.at++
				}
			}
			b = append(b, c)
		}
		l.at++ // the closing quote
		before, line := l.at, l.line
		if err := l.space(); err != nil {
			return t, err
		}
		if l.at == len(l.text) || l.text[l.at] != '+' {
			l.at, l.line = before, line
			t.text = decodeDot(b)
			return t, nil
		}
		l.at++
		if err := l.space(); err != nil {
			return t, err
		}
		if l.at == len(l.text) || l.text[l.at] != '"' {
			return t, errors.New("a plus sign joins strings in quotes")
		}
	}
}

// html reads a label of HTML, as far as its angle brackets close.
func (l *dotLexer) html(t dotToken) (dotToken, error) {
	t.kind, t.quoted = dotID, true
	open, start := 0, l.at
	for ; l.at < len(l.text); l.at++ {
		switch l.text[l.at] {
		case '\n':
			l.line++
		case '<':
			open++
		case '>':
			if open--; open == 0 {
				l.at++
				t.text = decodeDot(l.text[start:l.at])
				return t, nil
			}
		}
	}
	return t, errors.New("a label of HTML is never closed")
}
