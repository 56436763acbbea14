package importers

import (
	"fmt"
	"slices"
	"strings"
)

// The configuration in a plan: its expressions say what they refer to, and a variable
// of a module leads to the call of the module, an output to the module.

const maxReferences = 2 << 20 // followed in one plan, all ways to them counted

// terraformModule is one module of a configuration, once for every call.
type terraformModule struct {
	path     string // "", or "module.a.module.b."
	tree     *tree
	call     *tree // in the parent
	parent   *terraformModule
	children map[string]*terraformModule
}

type planReader struct {
	*terraformReader
	modules  int
	followed int
	locals   int // references to local values
}

// plan reads the configuration of a plan.
func (r *terraformReader) plan(root *tree) {
	p := &planReader{terraformReader: r}
	m := p.module(&terraformModule{tree: root})
	p.needs(m)
	if p.locals > 0 {
		r.d.Warnf(r.f.whole(), "import terraform graph -type=plan too: it has them",
			"%s to local values, and plans do not say what these refer to", plural(p.locals, "reference leads", "references lead"))
	}
}

// module declares the resources of a module and of those in it.
func (p *planReader) module(m *terraformModule) *terraformModule {
	m.children = make(map[string]*terraformModule)
	for _, x := range m.tree.get("resources").list() {
		if a := p.resource(m, x); a != "" {
			p.declare(a, x.line)
		}
	}
	for _, k := range m.tree.get("module_calls").entries() {
		if p.modules++; p.modules > maxServices {
			break
		}
		m.children[k.name] = p.module(&terraformModule{
			path: m.path + "module." + k.name + ".", tree: k.value.get("module"), call: k.value, parent: m,
		})
	}
	return m
}

// resource is the address of a resource in a module.
func (p *planReader) resource(m *terraformModule, x *tree) string {
	return terraformAddress(m.path + x.get("address").str())
}

// needs links the resources of a module and of those in it.
func (p *planReader) needs(m *terraformModule) {
	for _, x := range m.tree.get("resources").list() {
		from := p.resource(m, x)
		for _, key := range []string{"expressions", "count_expression", "for_each_expression", "provisioners"} {
			for _, list := range references(x.get(key), nil) {
				p.follow(from, m, list, "refers to it", nil)
			}
		}
		if on := x.get("depends_on"); on != nil {
			p.follow(from, m, on, "depends_on", nil)
		}
		for around := m; around.parent != nil; around = around.parent {
			if on := around.call.get("depends_on"); on != nil {
				p.follow(from, around.parent, on, "depends_on of "+strings.TrimSuffix(around.path, "."), nil)
			}
		}
	}
	for _, k := range m.tree.get("module_calls").entries() {
		if child := m.children[k.name]; child != nil {
			p.needs(child)
		}
	}
}

// references are all lists of references inside an expression.
func references(t *tree, lists []*tree) []*tree {
	for _, k := range t.entries() {
		if k.name == "references" && k.value.kind == listTree {
			lists = append(lists, k.value)
			continue
		}
		if k.name != "constant_value" {
			lists = references(k.value, lists)
		}
	}
	for _, item := range t.list() {
		lists = references(item, lists)
	}
	return lists
}

// follow notes that a resource needs what a list refers to, in the eyes of module m.
// seen are the variables and outputs on the way, which may lead in a circle.
func (p *planReader) follow(from string, m *terraformModule, list *tree, rule string, seen []string) {
	refs := list.strs()
	outputs := make(map[string]bool) // modules of which single outputs are listed
	for _, ref := range refs {
		if parts := strings.Split(terraformKey.ReplaceAllString(ref.text, ""), "."); len(parts) > 2 && parts[0] == "module" {
			outputs[parts[1]] = true
		}
	}
	for _, ref := range refs {
		if p.followed++; p.followed > maxReferences {
			p.d.tooMany(fmt.Sprintf("more than %d references; the rest is left out", maxReferences))
			return
		}
		parts := strings.Split(terraformKey.ReplaceAllString(ref.text, ""), ".")
		name := ""
		if len(parts) > 1 {
			name = parts[1]
		}
		mark := m.path + strings.Join(parts[:min(len(parts), 3)], ".")
		switch parts[0] {
		case "local":
			p.locals++
		case "var":
			if m.parent == nil || slices.Contains(seen, mark) {
				continue
			}
			for _, inner := range references(m.call.get("expressions", name), nil) {
				p.follow(from, m.parent, inner, rule+" through "+cleanName(m.path+"var."+name), append(slices.Clip(seen), mark))
			}
		case "module":
			child := m.children[name]
			if child == nil || slices.Contains(seen, mark) {
				continue
			}
			if len(parts) > 2 {
				output := child.tree.get("outputs", parts[2])
				through := rule + " through " + cleanName(child.path+"output."+parts[2])
				for _, inner := range references(output.get("expression"), nil) {
					p.follow(from, child, inner, through, append(slices.Clip(seen), mark))
				}
				if on := output.get("depends_on"); on != nil {
					p.follow(from, child, on, through, append(slices.Clip(seen), mark))
				}
				continue
			}
			// The module as a whole is listed behind each of its outputs.
			if !outputs[name] {
				p.all(from, child, Claim{At: p.f.at(ref.line), Rule: rule})
			}
		default:
			if on := terraformAddress(m.path + ref.text); p.resources[on] {
				p.d.Need(from, on, Claim{At: p.f.at(ref.line), Rule: rule})
			}
		}
	}
}

// all notes that a resource needs every resource of a module.
func (p *planReader) all(from string, m *terraformModule, c Claim) {
	for _, x := range m.tree.get("resources").list() {
		if p.followed++; p.followed > maxReferences {
			return
		}
		if on := p.resource(m, x); on != "" {
			p.d.Need(from, on, c)
		}
	}
	for _, k := range m.tree.get("module_calls").entries() {
		if child := m.children[k.name]; child != nil {
			p.all(from, child, c)
		}
	}
}
