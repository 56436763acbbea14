package importers

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	gonum "gonum.org/v1/gonum/graph/formats/dot"
	"gonum.org/v1/gonum/graph/formats/dot/ast"
)

// TestDOTAgainstGonum compares our reader with gonum's on the graphs that two modules
// we depend on bring for their own tests. Where gonum refuses a file, ours has to read
// it all the same, or refuse it too.
func TestDOTAgainstGonum(t *testing.T) {
	var files []string
	for _, m := range []struct{ module, glob string }{
		{"gonum.org/v1/gonum", "graph/formats/dot/internal/testdata/*.dot"},
		{"github.com/goccy/go-graphviz", "testdata/directed/*.gv"},
	} {
		dir, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}", m.module).Output()
		if err != nil {
			t.Skipf("the module cache is not here: %v", err)
		}
		found, _ := filepath.Glob(filepath.Join(strings.TrimSpace(string(dir)), m.glob))
		files = append(files, found...)
	}
	if len(files) < 30 {
		t.Skipf("only %d graphs in the module cache", len(files))
	}
	compared := 0
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		d := Import([]Input{{dotFormat(t), []File{{Name: filepath.Base(file), Data: data}}}}, Options{})
		theirs, err := gonum.ParseBytes(data)
		if err != nil {
			t.Logf("%s: gonum says %.100v; ours %d nodes, %v", filepath.Base(file), err, len(d.Services), d.Faults)
			continue
		}
		if d.Faults.HasErrors() {
			t.Errorf("%s: %v", filepath.Base(file), d.Faults)
			continue
		}
		o := &oracle{nodes: make(map[string]bool), edges: make(map[string]bool)}
		for _, g := range theirs.Graphs {
			o.statements(g.Stmts)
		}
		var pairs []string
		for _, p := range d.Pairs((*Need).Declared) {
			pairs = append(pairs, p[0]+" → "+p[1])
		}
		slices.Sort(pairs)
		names := d.Names()
		slices.Sort(names)
		if diff := cmp.Diff(sortedNames(o.nodes), nonNil(names)); diff != "" {
			t.Errorf("%s: nodes -gonum +ours\n%s", filepath.Base(file), diff)
		}
		if diff := cmp.Diff(sortedNames(o.edges), nonNil(pairs)); diff != "" {
			t.Errorf("%s: edges -gonum +ours\n%s", filepath.Base(file), diff)
		}
		compared++
	}
	t.Logf("%d of %d graphs were compared", compared, len(files))
	if compared < 30 {
		t.Errorf("only %d graphs were compared", compared)
	}
}

func dotFormat(t *testing.T) Format {
	f, ok := FormatNamed("dot")
	if !ok {
		t.Fatal("no dot")
	}
	return f
}

// oracle collects nodes and edges from gonum's tree.
type oracle struct{ nodes, edges map[string]bool }

func plainID(id string) string {
	if strings.HasPrefix(id, `"`) {
		id = strings.TrimSuffix(strings.TrimPrefix(id, `"`), `"`)
		id = strings.NewReplacer(`\"`, `"`, "\\\n", "", `\\`, `\`).Replace(id)
	}
	return cleanName(id)
}

func (o *oracle) statements(list []ast.Stmt) (nodes []string) {
	for _, s := range list {
		switch s := s.(type) {
		case *ast.NodeStmt:
			nodes = append(nodes, o.node(s.Node)...)
		case *ast.Subgraph:
			nodes = append(nodes, o.statements(s.Stmts)...)
		case *ast.EdgeStmt:
			from := o.vertex(s.From)
			nodes = append(nodes, from...)
			for to := s.To; to != nil; to = to.To {
				next := o.vertex(to.Vertex)
				nodes = append(nodes, next...)
				for _, a := range from {
					for _, b := range next {
						if a != b {
							o.edges[a+" → "+b] = true
						}
					}
				}
				from = next
			}
		}
	}
	return nodes
}

func (o *oracle) vertex(v ast.Vertex) []string {
	switch v := v.(type) {
	case *ast.Node:
		return o.node(v)
	case *ast.Subgraph:
		return o.statements(v.Stmts)
	}
	return nil
}

func (o *oracle) node(n *ast.Node) []string {
	id := plainID(n.ID)
	o.nodes[id] = true
	return []string{id}
}

func sortedNames(m map[string]bool) []string {
	return slices.DeleteFunc(sortedKeys(m), func(s string) bool { return s == "" })
}
