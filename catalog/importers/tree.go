package importers

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"

	"go.yaml.in/yaml/v3"
)

// Limits on one YAML file, or a JSON file that is read as a tree. The library's
// nodes take some 200 bytes each.
const (
	maxTreeBytes = 16 << 20 // of YAML
	maxJSONBytes = 64 << 20
	maxTreeNodes = 2 << 20 // with aliases followed
	maxTreeDepth = 100
)

// tree is a YAML or JSON value that knows its line. What an alias names is shared,
// and the whole is bounded with all aliases followed, so that walking a tree is too.
type tree struct {
	kind  treeKind
	line  int
	tag   string // of YAML, where it is no standard one: "!Ref"
	text  string // of a scalar
	quote bool   // the scalar is a string whatever it looks like
	keys  []treeKey
	items []*tree
	size  int
}

type treeKind uint8

const (
	nullTree treeKind = iota
	scalarTree
	listTree
	mapTree
)

type treeKey struct {
	name  string
	line  int
	value *tree
}

// get returns the value of a key, or nil.
func (t *tree) get(path ...string) *tree {
	for _, name := range path {
		if t == nil || t.kind != mapTree {
			return nil
		}
		var next *tree
		for i := range t.keys {
			if t.keys[i].name == name {
				next = t.keys[i].value
				break
			}
		}
		t = next
	}
	return t
}

// str returns the text of a scalar, or "".
func (t *tree) str() string {
	if t == nil || t.kind != scalarTree {
		return ""
	}
	return t.text
}

// strs returns the texts of a list of scalars, or that of one.
func (t *tree) strs() []*tree {
	switch {
	case t == nil:
		return nil
	case t.kind == scalarTree:
		return []*tree{t}
	case t.kind != listTree:
		return nil
	}
	var texts []*tree
	for _, item := range t.items {
		if item.kind == scalarTree {
			texts = append(texts, item)
		}
	}
	return texts
}

// entries returns the keys of a map; none for anything else.
func (t *tree) entries() []treeKey {
	if t == nil || t.kind != mapTree {
		return nil
	}
	return t.keys
}

// list returns the items of a list; none for anything else.
func (t *tree) list() []*tree {
	if t == nil || t.kind != listTree {
		return nil
	}
	return t.items
}

// readTrees reads the documents of a YAML file, or the one of a JSON file. Those
// before a fault are returned with it.
func readTrees(data []byte) ([]*tree, error) {
	data = bytes.TrimPrefix(data, []byte("\xef\xbb\xbf"))
	if len(data) > maxJSONBytes {
		return nil, fmt.Errorf("the file is larger than %d MiB", maxJSONBytes>>20)
	}
	if trimmed := bytes.TrimLeft(data, " \t\r\n"); len(trimmed) > 0 && (trimmed[0] == '{' || trimmed[0] == '[') {
		// JSON first: tabs are white space in it, and none in YAML.
		if t, err := readJSONTree(data); err == nil {
			return []*tree{t}, nil
		}
	}
	if len(data) > maxTreeBytes {
		return nil, fmt.Errorf("the file is larger than %d MiB", maxTreeBytes>>20)
	}
	return readYAMLTrees(data)
}

var errTreeSize = fmt.Errorf("more than %d values, aliases followed", maxTreeNodes)

func readYAMLTrees(data []byte) (trees []*tree, err error) {
	// Every node costs at least one of these.
	separators := 0
	for _, c := range data {
		switch c {
		case '\n', ',', '[', '{', ':':
			separators++
		}
	}
	if separators > maxTreeNodes {
		return nil, errTreeSize
	}
	defer func() {
		if fault := recover(); fault != nil { // the library's own, on text that is no YAML
			err = errors.New("this is no YAML")
		}
	}()
	d := yaml.NewDecoder(bytes.NewReader(data))
	total := 0
	for {
		var n yaml.Node
		err := d.Decode(&n)
		if errors.Is(err, io.EOF) {
			return trees, nil
		}
		if err != nil {
			return trees, yamlError(err)
		}
		c := &yamlConverter{done: make(map[*yaml.Node]*tree)}
		t, err := c.convert(&n, 0)
		if err != nil {
			return trees, err
		}
		if total += t.size; total > maxTreeNodes {
			return trees, errTreeSize
		}
		trees = append(trees, t)
	}
}

// yamlError is a library's message without what it quotes from the file.
func yamlError(err error) error {
	message := strings.TrimPrefix(err.Error(), "yaml: ")
	if i := strings.IndexByte(message, '`'); i >= 0 {
		message = strings.TrimSpace(message[:i])
	}
	message, _, _ = strings.Cut(message, "\n")
	return errors.New(message)
}

// yamlConverter turns nodes of the library into trees.
type yamlConverter struct {
	done map[*yaml.Node]*tree // nil while it is being made
}

func (c *yamlConverter) convert(n *yaml.Node, depth int) (*tree, error) {
	if depth > maxTreeDepth {
		return nil, fmt.Errorf("line %d: nested more than %d deep", n.Line, maxTreeDepth)
	}
	switch n.Kind {
	case yaml.DocumentNode:
		if len(n.Content) == 0 {
			return &tree{size: 1}, nil
		}
		return c.convert(n.Content[0], depth)
	case yaml.AliasNode:
		if t := c.done[n.Alias]; t != nil {
			return t, nil
		}
		return nil, fmt.Errorf("line %d: an alias for what it stands in", n.Line)
	}
	t := &tree{line: n.Line, size: 1}
	if n.Style&yaml.TaggedStyle != 0 || strings.HasPrefix(n.Tag, "!") && !strings.HasPrefix(n.Tag, "!!") {
		t.tag = n.Tag
	}
	c.done[n] = nil
	switch n.Kind {
	case yaml.ScalarNode:
		t.kind, t.text = scalarTree, n.Value
		t.quote = n.Style&(yaml.DoubleQuotedStyle|yaml.SingleQuotedStyle|yaml.LiteralStyle|yaml.FoldedStyle) != 0
		if n.Tag == "!!null" {
			t.kind = nullTree
		}
	case yaml.SequenceNode:
		t.kind = listTree
		for _, item := range n.Content {
			x, err := c.convert(item, depth+1)
			if err != nil {
				return nil, err
			}
			if err := t.grow(x); err != nil {
				return nil, err
			}
			t.items = append(t.items, x)
		}
	case yaml.MappingNode:
		t.kind = mapTree
		if err := c.mapping(t, n, depth); err != nil {
			return nil, err
		}
	}
	c.done[n] = t
	return t, nil
}

func (c *yamlConverter) mapping(t *tree, n *yaml.Node, depth int) error {
	var merged []*tree
	known := make(map[string]bool, len(n.Content)/2)
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, value := n.Content[i], n.Content[i+1]
		x, err := c.convert(value, depth+1)
		if err != nil {
			return err
		}
		if err := t.grow(x); err != nil {
			return err
		}
		if key.Kind == yaml.ScalarNode && key.Value == "<<" && key.Style == 0 {
			merged = append(merged, x)
			continue
		}
		name := key.Value
		if key.Kind == yaml.AliasNode && key.Alias.Kind == yaml.ScalarNode {
			name = key.Alias.Value
		}
		if known[name] {
			continue // the first counts; the reader of the format knows better than we what to say
		}
		known[name] = true
		t.keys = append(t.keys, treeKey{name, key.Line, x})
	}
	// Merged keys come after the map's own, which win; the first of several maps too.
	for len(merged) > 0 {
		m := merged[0]
		merged = merged[1:]
		if m.kind == listTree {
			merged = append(append([]*tree{}, m.items...), merged...)
			continue
		}
		for _, k := range m.entries() {
			if !known[k.name] {
				known[k.name] = true
				if err := t.grow(k.value); err != nil {
					return err
				}
				t.keys = append(t.keys, k)
			}
		}
	}
	return nil
}

func (t *tree) grow(x *tree) error {
	if t.size += x.size; t.size > maxTreeNodes {
		return errTreeSize
	}
	return nil
}

// readJSONTree reads one JSON document.
func readJSONTree(data []byte) (*tree, error) {
	data = bytes.TrimPrefix(data, []byte("\xef\xbb\xbf"))
	if len(data) > maxJSONBytes {
		return nil, fmt.Errorf("the file is larger than %d MiB", maxJSONBytes>>20)
	}
	r := &jsonTreeReader{d: json.NewDecoder(bytes.NewReader(data)), data: data, line: 1}
	r.d.UseNumber()
	t, err := r.value(0)
	if err != nil {
		return nil, err
	}
	if _, err := r.d.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("something follows the JSON document")
	}
	return t, nil
}

type jsonTreeReader struct {
	d     *json.Decoder
	data  []byte
	at    int // the line is that of this offset
	line  int
	count int
}

// token returns the next token and the line it ends on.
func (r *jsonTreeReader) token() (json.Token, int, error) {
	token, err := r.d.Token()
	if err != nil {
		return nil, 0, err
	}
	if r.count++; r.count > 2*maxTreeNodes {
		return nil, 0, errTreeSize
	}
	to := int(r.d.InputOffset())
	r.line += bytes.Count(r.data[r.at:to], []byte("\n"))
	r.at = to
	return token, r.line, nil
}

func (r *jsonTreeReader) value(depth int) (*tree, error) {
	token, line, err := r.token()
	if err != nil {
		return nil, err
	}
	if depth > maxTreeDepth {
		return nil, fmt.Errorf("line %d: nested more than %d deep", line, maxTreeDepth)
	}
	t := &tree{line: line, size: 1}
	switch v := token.(type) {
	case json.Delim:
		t.kind = listTree
		if v == '{' {
			t.kind = mapTree
		}
		known := make(map[string]bool)
		for r.d.More() {
			var name string
			var keyLine int
			if t.kind == mapTree {
				key, at, err := r.token()
				if err != nil {
					return nil, err
				}
				name, keyLine = key.(string), at
			}
			x, err := r.value(depth + 1)
			if err != nil {
				return nil, err
			}
			t.size += x.size
			switch {
			case t.kind == listTree:
				t.items = append(t.items, x)
			case !known[name]:
				known[name] = true
				t.keys = append(t.keys, treeKey{name, keyLine, x})
			}
		}
		_, _, err := r.token()
		return t, err
	case string:
		t.kind, t.text, t.quote = scalarTree, v, true
	case json.Number:
		t.kind, t.text = scalarTree, v.String()
	case bool:
		t.kind, t.text = scalarTree, fmt.Sprint(v)
	}
	return t, nil
}
