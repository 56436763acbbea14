package importers

import (
	"cmp"
	"errors"
	"fmt"
	"html"
	"regexp"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/knockon/knockon/catalog"
)

// mermaid reads flowcharts, also those in Markdown. An arrow A --> B means that A
// needs B, unless the options say that its author meant the reverse. Services are
// named by the IDs of nodes; labels are titles, subgraphs are groups.
//
// Source: https://mermaid.js.org/syntax/flowchart.html and flow.jison in
// mermaid-js/mermaid.
var mermaid = Format{
	Name:  "mermaid",
	Title: "Mermaid",
	What:  "flowcharts, in files or in Markdown; A --> B means that A needs B, with --reverse the other way",
	detects: func(s *sample) bool {
		if s.json != nil {
			return false
		}
		if mermaidFence.Match(s.head) {
			return !s.Found // a page with a drawing is not there for its drawing
		}
		return mermaidHead.Match(s.head)
	},
	reads: func(d *Draft, files []File, o Options) {
		for _, f := range files {
			readMermaid(d, f, o.Reverse)
		}
	},
}

var (
	mermaidHead  = regexp.MustCompile(`\A\s*(?:---\s*\n(?s:.*?)\n---\s*\n)?(?:\s*%%[^\n]*\n)*\s*(?:flowchart|flowchart-elk|graph)(?:[ \t]+(?:TB|TD|BT|RL|LR|[<>^v]))?[ \t]*(?:;|\r?\n|%%|\z)`)
	mermaidFence = regexp.MustCompile("(?m)^[ \t>]*(?:```+|~~~+|:::)[ \t]*\\{?mermaid\\}?[^\n]*\n(?:---\\s*\n(?s:.*?)\n---\\s*\n)?(?:[ \t]*\n|[ \t]*%%[^\n]*\n)*[ \t>]*(?:flowchart|flowchart-elk|graph)\\b")
	mermaidOther = regexp.MustCompile(`^(?:sequenceDiagram|classDiagram|stateDiagram|erDiagram|C4[A-Z]|gantt|pie|journey|mindmap|architecture|block|timeline|gitGraph|quadrantChart|sankey|xychart|packet|kanban|requirement)`)
)

const maxMermaidEdges = 1 << 20 // with chains and lists taken apart

// mermaidParser reads one flowchart.
type mermaidParser struct {
	text  string
	at    int
	line  int
	nodes map[string]*mermaidNode
	order []*mermaidNode
	edges []mermaidEdge
	links map[string]bool     // IDs of edges
	boxes map[string]bool     // IDs of subgraphs
	group []*mermaidSubgraph  // those around
	skip  []mermaidUnreadable // what was not understood
	names map[string]string   // of nodes by ID, where a comment of ours says them
}

type mermaidNode struct {
	id, label string
	cylinder  bool
	group     []*mermaidSubgraph
	line      int
}

type mermaidSubgraph struct{ id, title string }

type mermaidEdge struct {
	from, on string
	label    string
	line     int
	drawn    bool // without a head
}

type mermaidUnreadable struct {
	line int
	why  error
}

// readMermaid reads all flowcharts of a file.
func readMermaid(d *Draft, f File, reverse bool) {
	text := strings.ReplaceAll(strings.ToValidUTF8(strings.TrimPrefix(string(f.Data), "\ufeff"), "\uFFFD"), "\r\n", "\n")
	found := 0
	chart := func(body string, line int) {
		p := &mermaidParser{text: body, line: line, nodes: make(map[string]*mermaidNode), links: make(map[string]bool), boxes: make(map[string]bool)}
		if !p.head() {
			return
		}
		found++
		p.statements()
		p.emit(d, f, reverse)
	}
	if mermaidFence.MatchString(text) {
		for _, block := range mermaidBlocks(text) {
			chart(block.text, block.line)
		}
	} else {
		chart(text, 1)
	}
	if found == 0 {
		d.Errorf(f.whole(), `a flowchart begins with "flowchart LR" or "graph TD"`, "there is no flowchart of Mermaid in this file")
	}
}

type mermaidBlock struct {
	text string
	line int
}

// mermaidBlocks are the fenced blocks of a Markdown page.
func mermaidBlocks(text string) []mermaidBlock {
	var blocks []mermaidBlock
	var body strings.Builder
	fence, start, line := "", 0, 0
	for l := range strings.Lines(text) {
		line++
		trimmed := strings.TrimLeft(l, " \t>")
		switch {
		case fence == "":
			for _, mark := range []string{"```", "~~~", ":::"} {
				if rest, ok := strings.CutPrefix(trimmed, mark); ok && strings.HasPrefix(strings.TrimLeft(rest, "`~: {"), "mermaid") {
					fence, start = mark, line+1
					body.Reset()
				}
			}
		case strings.HasPrefix(trimmed, fence):
			blocks = append(blocks, mermaidBlock{body.String(), start})
			fence = ""
		default:
			body.WriteString(l)
		}
	}
	return blocks
}

// head passes over what stands before the chart, and its first words.
func (p *mermaidParser) head() bool {
	p.space(true)
	if strings.HasPrefix(p.text[p.at:], "---\n") {
		end := strings.Index(p.text[p.at+4:], "\n---")
		if end < 0 {
			return false
		}
		p.advance(4 + end + 4)
		p.space(true)
	}
	word := p.word()
	if word != "flowchart" && word != "flowchart-elk" && word != "graph" {
		return false
	}
	p.advance(len(word))
	p.space(false)
	switch direction := p.word(); direction {
	case "TB", "TD", "BT", "RL", "LR":
		p.advance(len(direction))
	default:
		if p.at < len(p.text) && strings.ContainsRune("<>^v", rune(p.text[p.at])) {
			p.advance(1)
		}
	}
	return true
}

func (p *mermaidParser) advance(n int) {
	n = min(n, len(p.text)-p.at)
	p.line += strings.Count(p.text[p.at:p.at+n], "\n")
	p.at += n
}

// space passes over white space and comments; with lines, over ends of lines and of
// statements too.
func (p *mermaidParser) space(lines bool) {
	for p.at < len(p.text) {
		switch c := p.text[p.at]; {
		case c == ' ' || c == '\t' || c == '\r':
			p.at++
		case lines && (c == '\n' || c == ';'):
			p.advance(1)
		case strings.HasPrefix(p.text[p.at:], "%%"):
			p.comment(p.rest())
		default:
			return
		}
	}
}

// mermaidName is how our own export says which service a node is: names of services are
// not IDs of nodes.
var mermaidName = regexp.MustCompile(`^%% (n[0-9]+) is ("(?:[^"\\]|\\.)*")\s*$`)

func (p *mermaidParser) comment(line string) {
	said := mermaidName.FindStringSubmatch(line)
	if said == nil || len(p.names) >= maxServices {
		return
	}
	if name, err := strconv.Unquote(said[2]); err == nil && cleanName(name) != "" {
		if p.names == nil {
			p.names = make(map[string]string)
		}
		p.names[said[1]] = cleanName(name)
	}
}

// name is the name of the service that a node stands for.
func (p *mermaidParser) name(id string) string {
	return cmp.Or(p.names[id], id)
}

// rest passes over the rest of the line, and returns it.
func (p *mermaidParser) rest() string {
	line, _, _ := strings.Cut(p.text[p.at:], "\n")
	p.at += len(line)
	return line
}

// word is the word at hand.
func (p *mermaidParser) word() string {
	end := p.at
	for end < len(p.text) && (isNameByte(p.text[end]) || p.text[end] == '-') {
		end++
	}
	return p.text[p.at:end]
}

func (p *mermaidParser) statements() {
	for {
		p.space(true)
		if p.at >= len(p.text) {
			return
		}
		line := p.line
		switch word := p.word(); word {
		case "subgraph":
			p.advance(len(word))
			p.subgraph(p.rest())
			continue
		case "end":
			p.advance(len(word))
			if n := len(p.group); n > 0 {
				p.group = p.group[:n-1]
			}
			continue
		case "direction", "classDef", "class", "style", "linkStyle", "click", "accTitle":
			p.rest()
			continue
		case "accDescr":
			p.advance(len(word))
			if p.space(false); strings.HasPrefix(p.text[p.at:], "{") {
				end := strings.IndexByte(p.text[p.at:], '}')
				if end < 0 {
					end = len(p.text)
				}
				p.advance(end + 1)
			} else {
				p.rest()
			}
			continue
		}
		if err := p.chain(); err != nil {
			p.skip = append(p.skip, mermaidUnreadable{line, err})
			p.rest()
		}
	}
}

var mermaidBox = regexp.MustCompile(`^\s*([^\s\["]+)?\s*(?:\[\s*(?:"([^"]*)"|([^\]]*))\s*\])?\s*;?\s*$`)

// subgraph opens a group: subgraph id [title], subgraph "title", subgraph a title.
func (p *mermaidParser) subgraph(rest string) {
	rest, _, _ = strings.Cut(rest, "%%")
	box := &mermaidSubgraph{id: cleanName(strings.Trim(strings.TrimSpace(strings.TrimRight(rest, "; \t\r")), `"`))}
	box.title = mermaidLabel(box.id)
	if m := mermaidBox.FindStringSubmatch(rest); m != nil && m[1] != "" {
		box.id = cleanName(m[1])
		if box.title = mermaidLabel(m[2] + m[3]); box.title == "" {
			box.title = box.id
		}
	}
	p.boxes[box.id] = true
	if len(p.group) < maxDotDepth {
		p.group = append(p.group[:len(p.group):len(p.group)], box)
	}
}

// chain reads nodes and the links between them: a & b --> c --> d.
func (p *mermaidParser) chain() error {
	from, err := p.list()
	if err != nil {
		return err
	}
	for {
		p.space(false)
		if p.at >= len(p.text) || p.text[p.at] == '\n' || p.text[p.at] == ';' {
			return nil
		}
		line := p.line
		link, err := p.link()
		if err != nil {
			return err
		}
		p.space(true) // a link may end its line
		on, err := p.list()
		if err != nil {
			return err
		}
		if len(p.edges)+2*len(from)*len(on) > maxMermaidEdges {
			return fmt.Errorf("more than %d edges", maxMermaidEdges)
		}
		for _, a := range from {
			for _, b := range on {
				e := mermaidEdge{from: a, on: b, label: link.label, line: line, drawn: !link.forward && !link.back}
				if link.forward || e.drawn && !link.hidden {
					p.edges = append(p.edges, e)
				}
				if link.back {
					e.from, e.on = b, a
					p.edges = append(p.edges, e)
				}
			}
		}
		from = on
	}
}

// list reads a node, or several joined by an ampersand.
func (p *mermaidParser) list() ([]string, error) {
	var ids []string
	for {
		id, err := p.node()
		if err != nil {
			return nil, err
		}
		ids = append(ids, id)
		p.space(false)
		if p.at >= len(p.text) || p.text[p.at] != '&' {
			return ids, nil
		}
		p.at++
		p.space(true)
	}
}

var mermaidShapes = []struct {
	open   string
	closed []string
}{
	{"(((", []string{")))"}},
	{"((", []string{"))"}},
	{"([", []string{"])"}},
	{"(-", []string{"-)"}},
	{"[[", []string{"]]"}},
	{"[(", []string{")]"}},
	{"[/", []string{"/]", `\]`}},
	{`[\`, []string{`\]`, "/]"}},
	{"{{", []string{"}}"}},
	{"[", []string{"]"}},
	{"(", []string{")"}},
	{"{", []string{"}"}},
	{">", []string{"]"}},
}

var (
	mermaidAttributeLabel = regexp.MustCompile(`label\s*:\s*(?:"([^"]*)"|([^,}\n]*))`)
	mermaidAttributeShape = regexp.MustCompile(`shape\s*:\s*"?([A-Za-z0-9-]+)`)
)

// node reads a node with its shape and class.
func (p *mermaidParser) node() (string, error) {
	id := p.id()
	if id == "" {
		word, _, _ := strings.Cut(p.text[p.at:], "\n")
		if mermaidOther.MatchString(word) {
			return "", errors.New("only flowcharts are read")
		}
		return "", errors.New("here a node is expected")
	}
	line := p.line
	label, shape, err := p.shape()
	if err != nil {
		return "", err
	}
	if strings.HasPrefix(p.text[p.at:], ":::") {
		p.at += 3
		p.at += len(p.word())
	}
	clean := cleanName(id)
	if clean == "" || p.links[clean] {
		return clean, nil
	}
	n := p.nodes[clean]
	if n == nil {
		if len(p.nodes) >= maxServices {
			return "", fmt.Errorf("more than %d nodes", maxServices)
		}
		n = &mermaidNode{id: clean, line: line}
		p.nodes[clean] = n
		p.order = append(p.order, n)
	}
	if len(p.group) > len(n.group) {
		n.group = p.group
	}
	if label != "" {
		n.label = label
	}
	n.cylinder = n.cylinder || shape == "[("
	return clean, nil
}

// id reads the ID of a node.
func (p *mermaidParser) id() string {
	start := p.at
	for p.at < len(p.text) {
		r, size := utf8.DecodeRuneInString(p.text[p.at:])
		following := byte(0)
		if p.at+size < len(p.text) {
			following = p.text[p.at+size]
		}
		switch {
		case r == '-' && p.at > start && following != '-' && following != '.' && following != '>' && isMermaidID(following):
		case r < 0x80 && !isMermaidID(byte(r)):
			return p.text[start:p.at]
		}
		p.at += size
	}
	return p.text[start:p.at]
}

func isMermaidID(c byte) bool {
	return isNameByte(c) || c >= 0x80 || strings.IndexByte("./*+#$?!'\\:", c) >= 0 && c != ':'
}

// shape reads what stands behind the ID of a node: A[text], A@{ shape: cyl }.
func (p *mermaidParser) shape() (label, shape string, err error) {
	rest := p.text[p.at:min(len(p.text), p.at+maxValue)]
	if strings.HasPrefix(rest, "@{") {
		end := strings.IndexByte(rest, '}')
		if end < 0 {
			return "", "", errors.New("a brace is never closed")
		}
		attributes := rest[:end]
		p.advance(end + 1)
		if m := mermaidAttributeLabel.FindStringSubmatch(attributes); m != nil {
			label = mermaidLabel(m[1] + m[2])
		}
		if m := mermaidAttributeShape.FindStringSubmatch(attributes); m != nil && (m[1] == "cyl" || m[1] == "cylinder" || m[1] == "database" || m[1] == "db") {
			shape = "[("
		}
		return label, shape, nil
	}
	for _, s := range mermaidShapes {
		if !strings.HasPrefix(rest, s.open) {
			continue
		}
		body := rest[len(s.open):]
		quoted := strings.TrimLeft(body, " \t\n")
		from := len(body) - len(quoted)
		if strings.HasPrefix(quoted, `"`) {
			end := strings.IndexByte(quoted[1:], '"')
			if end < 0 {
				return "", "", errors.New("a string is never closed")
			}
			label, from = quoted[1:1+end], from+end+2
		} else if newline := strings.IndexByte(body, '\n'); newline >= 0 {
			body = body[:newline]
		}
		end, size := -1, 0
		for _, closed := range s.closed {
			if i := strings.Index(body[min(from, len(body)):], closed); i >= 0 && (end < 0 || i < end) {
				end, size = i, len(closed)
			}
		}
		if end < 0 {
			return "", "", fmt.Errorf("what %s opens is never closed", s.open)
		}
		if label == "" {
			label = body[:min(from, len(body))+end]
		}
		p.advance(len(s.open) + min(from, len(body)) + end + size)
		return mermaidLabel(label), s.open, nil
	}
	return "", "", nil
}

type mermaidLink struct {
	label                 string
	forward, back, hidden bool
}

var (
	mermaidLinkID    = regexp.MustCompile(`^([A-Za-z0-9_-]+)@[<xo~=.-]`)
	mermaidHidden    = regexp.MustCompile(`^~~~+`)
	mermaidClosed    = regexp.MustCompile(`^[xo<]?(?:--+[-xo>]|==+[=xo>]|-?\.+-[xo>]?)`)
	mermaidOpen      = regexp.MustCompile(`^[xo<]?(?:--|==|-\.)`)
	mermaidOpenEnd   = regexp.MustCompile(`--+[-xo>]|==+[=xo>]|\.+-[xo>]?`)
	mermaidLinkLabel = regexp.MustCompile(`^[ \t]*\|([^|\n]*)\|`)
)

// link reads a link with its text: -->, -->|text|, -- text -->, <-->, ~~~.
func (p *mermaidParser) link() (mermaidLink, error) {
	var l mermaidLink
	if m := mermaidLinkID.FindStringSubmatch(p.line1()); m != nil {
		p.links[m[1]] = true
		p.at += len(m[1]) + 1
	}
	rest := p.line1()
	arrow := ""
	if hidden := mermaidHidden.FindString(rest); hidden != "" {
		p.at += len(hidden)
		l.hidden = true
		return l, nil
	}
	if arrow = mermaidClosed.FindString(rest); arrow != "" {
		p.at += len(arrow)
		if m := mermaidLinkLabel.FindStringSubmatch(p.line1()); m != nil {
			l.label = mermaidLabel(m[1])
			p.at += len(m[0])
		}
	} else if open := mermaidOpen.FindString(rest); open != "" {
		at := mermaidOpenEnd.FindStringIndex(rest[len(open):])
		if at == nil {
			return l, errors.New("a link has a text and no end")
		}
		l.label = mermaidLabel(rest[len(open) : len(open)+at[0]])
		arrow = open + rest[len(open)+at[0]:len(open)+at[1]]
		p.at += len(open) + at[1]
	} else {
		return l, errors.New("here a link is expected")
	}
	l.back = strings.ContainsRune("<xo", rune(arrow[0]))
	l.forward = strings.ContainsRune(">xo", rune(arrow[len(arrow)-1]))
	if l.back && arrow[0] != '<' && l.forward {
		l.back = false // crosses and circles at both ends are no two arrows
	}
	return l, nil
}

// line1 is the rest of the line, which stays.
func (p *mermaidParser) line1() string {
	rest := p.text[p.at:]
	if i := strings.IndexByte(rest[:min(len(rest), maxValue)], '\n'); i >= 0 {
		return rest[:i]
	}
	return rest[:min(len(rest), maxValue)]
}

var (
	mermaidTag    = regexp.MustCompile(`<[^<>]*>`)
	mermaidEntity = regexp.MustCompile(`#([A-Za-z0-9]{1,10});`)
	mermaidIcon   = regexp.MustCompile(`\bfa[bsrlkd]?:fa-[A-Za-z0-9-]+`)
)

// mermaidLabel is the text of a label: entity codes, tags and icons resolved.
func mermaidLabel(s string) string {
	if s = strings.TrimSpace(s); len(s) > 1 && s[0] == '"' && s[len(s)-1] == '"' {
		s = s[1 : len(s)-1]
	}
	s = mermaidIcon.ReplaceAllString(mermaidTag.ReplaceAllString(s, " "), " ")
	s = mermaidEntity.ReplaceAllStringFunc(s, func(code string) string {
		if '0' <= code[1] && code[1] <= '9' {
			return html.UnescapeString("&" + code)
		}
		return html.UnescapeString("&" + code[1:])
	})
	return cleanText(cleanName(strings.Trim(strings.TrimSpace(html.UnescapeString(s)), "`")))
}

// emit makes services and needs of a chart.
func (p *mermaidParser) emit(d *Draft, f File, reverse bool) {
	for _, n := range p.order {
		if p.boxes[n.id] {
			continue
		}
		s := d.Declare(p.name(n.id), f.at(n.line))
		if p.names[n.id] != "" {
			n.label = "" // of ours, it says more than a title
		}
		if n.label != "" && s.Title != "" && s.Title != n.label {
			d.Warnf(f.at(n.line), "import the charts one by one", "%q is %q in one chart and %q in another", n.id, s.Title, n.label)
		}
		if n.label != "" {
			s.Title = n.label
		}
		if n.cylinder && s.Kind == catalog.KindService {
			s.Kind, s.KindGuess = catalog.KindDatabase, "from its shape"
		}
		s.guessKind(p.name(n.id), "from its name")
		titles := make([]string, len(n.group))
		for i, box := range n.group {
			titles[i] = box.title
		}
		if group := cleanGroup(titles...); group != "" {
			s.Group = group
		}
	}
	boxed, drawn := 0, 0
	for _, e := range p.edges {
		if p.boxes[e.from] || p.boxes[e.on] {
			boxed++
			continue
		}
		if e.drawn {
			drawn++
		}
		if reverse {
			e.from, e.on = e.on, e.from
		}
		d.Need(p.name(e.from), p.name(e.on), Claim{At: f.at(e.line), For: e.label})
	}
	if boxed > 0 {
		d.Warnf(f.whole(), "draw it between nodes", "%s from or to a whole subgraph, and left out", plural(boxed, "edge is", "edges are"))
	}
	if drawn > 0 {
		d.Warnf(f.whole(), "draw arrows", "%s no direction; the first is taken for the one that needs the other", plural(drawn, "edge has", "edges have"))
	}
	for i, s := range p.skip {
		if i == 20 {
			d.Warnf(f.whole(), "", "%d more lines are not understood", len(p.skip)-i)
			break
		}
		d.Warnf(f.at(s.line), "", "this line is not understood: %v", s.why)
	}
}
