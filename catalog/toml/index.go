package toml

import (
	"fmt"
	"strings"

	"github.com/knockon/knockon/catalog/diag"
	"github.com/pelletier/go-toml/v2/unstable"
)

// indexer builds the tree of tables with places, and reports what is defined
// twice. What it cannot use it cuts out, see cut.
type indexer struct {
	*reader
	parser  unstable.Parser
	base    int    // offset of what the parser was last given
	current *Table // under the last header; nil while that header is faulty
	depth   int    // of current
	path    int    // cost of the path of current, see pathCost
	end     int    // offset behind the last good expression
	parts   []part // of the key at hand, to save allocations
	values  []Value
	tables  []Table
}

// part is one part of a dotted key.
type part struct {
	name     string
	from, to int
}

// expression adds one top-level expression to the tree.
func (x *indexer) expression(n *unstable.Node) {
	switch n.Kind {
	case unstable.KeyValue:
		from := x.base + int(n.Raw.Offset)
		x.end = from + int(n.Raw.Length)
		if x.current == nil || !x.keyValue(x.current, n, x.depth, x.path) {
			x.cut(from, x.end)
		}
	case unstable.Table, unstable.ArrayTable:
		x.parts = x.key(x.parts[:0], n.Key())
		first, last := x.parts[0], x.parts[len(x.parts)-1]
		from := strings.LastIndexByte(x.doc.text[:first.from], '[')
		x.end = last.to + strings.IndexByte(x.doc.text[last.to:], ']') + 1
		if n.Kind == unstable.ArrayTable {
			from, x.end = from-1, x.end+1
		}
		x.current = x.header(x.parts, n.Kind == unstable.ArrayTable)
		if x.current == nil {
			x.cut(from, x.end)
		}
	}
}

// key appends the parts of a key.
func (x *indexer) key(parts []part, it unstable.Iterator) []part {
	for it.Next() {
		n := it.Node()
		from := x.base + int(n.Raw.Offset)
		to := from + int(n.Raw.Length)
		// A bare key, and a quoted one without escapes, stands in the text as it
		// is and need not be copied.
		name := x.doc.text[from:to]
		if len(name) != len(n.Data) {
			if inner := name[1 : len(name)-1]; inner == string(n.Data) {
				name = inner
			} else {
				name = string(n.Data)
			}
		}
		parts = append(parts, part{name, from, to})
	}
	return parts
}

// header opens the table of a header. It returns nil when the header is faulty.
func (x *indexer) header(parts []part, list bool) *Table {
	if !x.fits(parts, 0, 0) {
		return nil
	}
	t := x.doc.Root
	x.depth, x.path = len(parts), 0
	for i, p := range parts {
		x.path += pathCost(p.name)
		at := t.find(p.name)
		last := i == len(parts)-1
		switch {
		case at < 0 && !last:
			t = x.addTable(t, p, x.locate.span(p.from, p.to), implied)
		case at < 0 && !list:
			t = x.addTable(t, p, x.headerSpan(parts), headed)
		case at < 0:
			span := x.headerSpan(parts)
			v := x.newValue(ArrayKind, span)
			v.grows = true
			t.add(Entry{Key: p.name, At: x.locate.span(p.from, p.to), Value: v})
			t = x.addItem(v, span)
		default:
			if t = x.reopen(parts, i, &t.Entries[at], list); t == nil {
				return nil
			}
		}
	}
	return t
}

// reopen is the table a header means when part i of its key is known already.
func (x *indexer) reopen(parts []part, i int, known *Entry, list bool) *Table {
	v := known.Value
	last := i == len(parts)-1
	switch {
	case v.Kind == FaultyKind:
		return nil // reported where it stands
	case v.Kind == ArrayKind && v.grows && !last:
		return v.Items[len(v.Items)-1].Table
	case v.Kind == ArrayKind && v.grows && list:
		return x.addItem(v, x.headerSpan(parts))
	case v.Kind == TableKind && v.Table.origin != enclosed && !last:
		return v.Table
	case v.Kind == TableKind && v.Table.origin == implied && !list:
		v.Table.origin = headed
		v.At = x.headerSpan(parts)
		v.Table.At = v.At
		return v.Table
	}
	name := keyPath(parts[:i+1])
	p := parts[i]
	help := ""
	switch {
	case v.Kind == TableKind && v.Table.origin == headed && last && !list:
		x.twice(x.headerSpan(parts), v.At, "join the two, or rename one of them", "table [%s] is defined twice", name)
		return nil
	case v.Kind == ArrayKind && v.grows:
		help = "write [[" + name + "]] to add one more"
	case v.Kind == TableKind && v.Table.origin == enclosed:
		help = "a table in braces is complete; add the keys between its braces"
	case v.Kind == TableKind && !list:
		help = "keys with dots have made this table; add to it in the same way"
	}
	x.twice(x.locate.span(p.from, p.to), known.At, help, "%s is already %s", name, describe(v))
	return nil
}

// describe names a value in "… is already a list".
func describe(v *Value) string {
	if v.Kind == ArrayKind && v.grows {
		return "a list of tables"
	}
	return v.Kind.String()
}

// keyValue adds key = value to t. It returns false when the expression is faulty.
func (x *indexer) keyValue(t *Table, n *unstable.Node, depth, path int) bool {
	// Inline tables nest, so the scratch space of parts is used as a stack.
	mark := len(x.parts)
	if t == x.current {
		mark = 0
	}
	x.parts = x.key(x.parts[:mark], n.Key())
	parts := x.parts[mark:]
	defer func() { x.parts = x.parts[:mark] }()

	if !x.fits(parts, depth, path) {
		return false
	}
	for _, p := range parts[:len(parts)-1] {
		path += pathCost(p.name)
		at := t.find(p.name)
		if at < 0 {
			t = x.addTable(t, p, x.locate.span(p.from, p.to), dotted)
			continue
		}
		known := &t.Entries[at]
		switch v := known.Value; {
		case v.Kind == TableKind && v.Table.origin == dotted:
			t = v.Table
		case v.Kind == FaultyKind:
			return false
		default:
			help := ""
			if v.Kind == TableKind {
				help = "write the key where that table is defined"
			}
			x.twice(x.locate.span(p.from, p.to), known.At, help, "%q is already %s", p.name, describe(v))
			return false
		}
	}
	last := parts[len(parts)-1]
	span := x.locate.span(last.from, last.to)
	if at := t.find(last.name); at >= 0 {
		x.twice(span, t.Entries[at].At, "", "key %q is defined twice", last.name)
		return false
	}
	from := x.skipSpace(last.to)
	from = x.skipSpace(from + len("="))
	v, _, ok := x.value(n.Value(), from, depth+len(parts), path+pathCost(last.name))
	if !ok {
		v.Kind, v.Items, v.Table = FaultyKind, nil, nil
	}
	t.add(Entry{Key: last.name, At: span, Value: v})
	return ok
}

// value builds a value that starts at an offset, and tells where it ends, or -1
// when that is of no use any more.
func (x *indexer) value(n *unstable.Node, from, depth, path int) (v *Value, end int, ok bool) {
	ok = true
	switch n.Kind {
	case unstable.Array:
		v = x.newValue(ArrayKind, x.locate.span(from, from+1))
		line := x.locate.line
		if depth >= MaxDepth {
			x.fault(v.At, "", "lists and tables are nested more than %d deep", MaxDepth)
			return v, -1, false
		}
		end = from + 1
		for it := n.Children(); it.Next(); {
			var item *Value
			var good bool
			item, end, good = x.value(it.Node(), x.skipFiller(end), depth+1, path)
			ok = ok && good
			if end < 0 || !x.count(1) {
				return v, -1, false
			}
			v.Items = append(v.Items, item)
		}
		end = x.skipFiller(end) + 1
		v.At.Width = x.locate.width(line, from, end)
		return v, end, ok
	case unstable.InlineTable:
		from = x.base + int(n.Raw.Offset)
		v = x.newValue(TableKind, x.locate.span(from, from+1))
		line := x.locate.line
		v.Table = x.newTable(v.At, enclosed)
		end = from + 1
		for it := n.Children(); it.Next(); {
			pair := it.Node()
			// Go on after a fault: the next key may hold another one.
			ok = x.keyValue(v.Table, pair, depth, path) && ok
			end = x.base + int(pair.Raw.Offset) + int(pair.Raw.Length)
		}
		end = x.skipFiller(end) + 1
		v.At.Width = x.locate.width(line, from, end)
		v.Table.At = v.At
		return v, end, ok
	}
	from = x.base + int(n.Raw.Offset)
	end = from + int(n.Raw.Length)
	v = x.newValue(scalarKind(n.Kind), x.locate.span(from, end))
	if message, help := scalarFault(n.Kind, x.doc.text[from:end]); message != "" {
		x.fault(v.At, help, "%s", message)
		ok = false
	}
	return v, end, ok
}

func scalarKind(k unstable.Kind) Kind {
	switch k {
	case unstable.String:
		return StringKind
	case unstable.Integer:
		return IntegerKind
	case unstable.Float:
		return FloatKind
	case unstable.Bool:
		return BoolKind
	}
	return TimeKind
}

// fits checks the limits for a key under a path of a given depth and cost.
func (x *indexer) fits(parts []part, depth, path int) bool {
	first, last := parts[0], parts[len(parts)-1]
	if depth+len(parts) > MaxDepth {
		x.fault(x.locate.span(first.from, last.to), "",
			"a key with %d parts, where tables may be %d deep", depth+len(parts), MaxDepth)
		return false
	}
	for _, p := range parts {
		path += pathCost(p.name)
	}
	// BurntSushi opens every prefix of a dotted key from the root.
	x.work += path * len(parts)
	if x.work > maxWork {
		x.stop(x.locate.span(first.from, last.to), "the keys up to here are too long and too many to be read")
		return false
	}
	return x.count(len(parts))
}

// count counts keys and list items. It returns false once there are too many.
func (x *indexer) count(n int) bool {
	if x.stopped {
		return false
	}
	x.keys += n
	if x.keys > MaxKeys {
		x.stop(x.locate.span(x.locate.offset, x.locate.offset+1),
			fmt.Sprintf("more than %d keys and list items", MaxKeys))
		return false
	}
	return true
}

// twice reports a second definition together with the first.
func (x *indexer) twice(second, first diag.Span, help, format string, args ...any) {
	x.report(diag.Diagnostic{
		Span:    second,
		Message: fmt.Sprintf(format, args...),
		Help:    help,
		Related: []diag.Related{{Span: first, Note: "first defined here"}},
	})
}

func (x *indexer) headerSpan(parts []part) diag.Span {
	return x.locate.span(parts[0].from, parts[len(parts)-1].to)
}

func (x *indexer) addTable(parent *Table, p part, opens diag.Span, o origin) *Table {
	t := x.newTable(opens, o)
	v := x.newValue(TableKind, opens)
	v.Table = t
	parent.add(Entry{Key: p.name, At: x.locate.span(p.from, p.to), Value: v})
	return t
}

func (x *indexer) addItem(list *Value, opens diag.Span) *Table {
	v := x.newValue(TableKind, opens)
	v.Table = x.newTable(opens, headed)
	list.Items = append(list.Items, v)
	return v.Table
}

// slab is how many values or tables are allocated at a time, after n were: few
// for a small file, many for a large one.
func slab(n int) int { return min(512, max(16, 2*n)) }

func (x *indexer) newValue(k Kind, at diag.Span) *Value {
	if len(x.values) == cap(x.values) {
		x.values = make([]Value, 0, slab(cap(x.values)))
	}
	x.values = append(x.values, Value{Kind: k, At: at})
	return &x.values[len(x.values)-1]
}

func (x *indexer) newTable(at diag.Span, o origin) *Table {
	if len(x.tables) == cap(x.tables) {
		x.tables = make([]Table, 0, slab(cap(x.tables)))
	}
	x.tables = append(x.tables, Table{At: at, origin: o})
	return &x.tables[len(x.tables)-1]
}

// skipSpace returns the offset of the first byte that is no blank.
func (x *indexer) skipSpace(at int) int {
	for at < len(x.doc.text) && (x.doc.text[at] == ' ' || x.doc.text[at] == '\t') {
		at++
	}
	return at
}

// skipFiller passes over what may stand between the items of a list.
func (x *indexer) skipFiller(at int) int {
	for at < len(x.doc.text) {
		switch x.doc.text[at] {
		case ' ', '\t', '\r', '\n', ',':
			at++
		case '#':
			at = x.doc.nextLine(at)
		default:
			return at
		}
	}
	return at
}

// keyPath prints a key the way a header does.
func keyPath(parts []part) string {
	names := make([]string, len(parts))
	for i, p := range parts {
		names[i] = quoteKey(p.name)
	}
	return strings.Join(names, ".")
}
