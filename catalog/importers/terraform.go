package importers

import (
	"bytes"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/knockon/knockon/catalog"
	"github.com/knockon/knockon/catalog/diag"
	"github.com/knockon/knockon/catalog/unit"
)

// terraform reads graphs, plans and states. What comes of it are resources, named by
// their addresses without the keys of instances, and what is made before what.
//
// Values of attributes may be secrets: none is read.
//
// Source: https://developer.hashicorp.com/terraform/internals/json-format and, for
// states and graphs, internal/states/statefile and internal/command/graph.go in
// hashicorp/terraform.
var terraform = Format{
	Name:  "terraform",
	Title: "Terraform",
	What:  "terraform graph, terraform show -json of a plan or a state, a .tfstate",
	detects: func(s *sample) bool {
		switch {
		case s.json == nil:
			return isTerraformGraph(s)
		case s.json["planned_values"] || s.has("configuration.root_module") || s.has("values.root_module"):
			return true
		case s.json["resource_changes"]:
			return s.json["terraform_version"] || s.json["format_version"]
		}
		return s.json["version"] && (s.json["terraform_version"] || s.json["lineage"])
	},
	reads: func(d *Draft, files []File, _ Options) {
		r := &terraformReader{d: d, resources: make(map[string]bool)}
		for _, f := range files {
			r.f = f
			if !bytes.HasPrefix(bytes.TrimLeft(f.Data, " \t\r\n\ufeff"), []byte("{")) {
				r.graph()
				continue
			}
			t, err := readJSONTree(f.Data)
			if err != nil {
				d.Errorf(f.whole(), "", "this is no plan or state of Terraform: %v", jsonError(err))
				continue
			}
			r.document(t)
		}
		if len(r.resources) > 0 {
			d.Warnf(files[0].whole(), "import traces or manifests for what calls what",
				"these are resources, and which of them is made first; a call that a program makes is not among them")
		}
	},
}

var terraformGraph = regexp.MustCompile(`rankdir\s*=\s*"RL"[\s;]*node\s*\[\s*shape\s*=\s*rect,\s*fontname`)

// isTerraformGraph tells the graphs of Terraform from other graphs of Graphviz.
func isTerraformGraph(s *sample) bool {
	return dotHead.Match(s.head) && (bytes.Contains(s.head, []byte(`"[root] `)) || terraformGraph.Match(s.head))
}

type terraformReader struct {
	d         *Draft
	f         File
	resources map[string]bool // addresses, of all files
}

// declare notes a resource.
func (r *terraformReader) declare(a string, line int) *Service {
	r.resources[a] = true
	s := r.d.Declare(a, r.f.at(line))
	modules, kind := terraformParts(a)
	if k, ok := kindOfResource(kind); ok && s.Kind == catalog.KindService {
		s.Kind = k
	}
	s.Group = cleanGroup(modules...)
	return s
}

// terraformKey is the key of an instance in an address: [0], ["a.b"].
var terraformKey = regexp.MustCompile(`\[(?:"(?:[^"\\]|\\.)*"|[^\]"]*)\]`)

// terraformAddress is an address without the keys of instances, and cut off behind
// the name of the resource; "" for what is no resource.
func terraformAddress(s string) string {
	parts := strings.Split(terraformKey.ReplaceAllString(s, ""), ".")
	i := 0
	for i+1 < len(parts) && parts[i] == "module" {
		i += 2
	}
	if i < len(parts) && parts[i] == "data" {
		i++
	}
	if i+1 >= len(parts) || parts[i] == "" || parts[i+1] == "" {
		return ""
	}
	switch parts[i] {
	case "var", "local", "output", "provider", "meta", "path", "each", "count", "self", "root", "module", "data", "terraform":
		return ""
	}
	return cleanName(strings.Join(parts[:i+2], "."))
}

// terraformParts are the modules around a resource, and its type.
func terraformParts(address string) (modules []string, kind string) {
	parts := strings.Split(address, ".")
	for len(parts) > 2 && parts[0] == "module" {
		modules, parts = append(modules, parts[1]), parts[2:]
	}
	if parts[0] == "data" {
		return modules, ""
	}
	return modules, parts[0]
}

// document reads a plan or a state of any version.
func (r *terraformReader) document(t *tree) {
	switch {
	case t.get("configuration", "root_module") != nil:
		r.plan(t.get("configuration", "root_module"))
	case t.get("values", "root_module") != nil:
		r.shown(t.get("values", "root_module"))
	case t.get("planned_values", "root_module") != nil:
		r.shown(t.get("planned_values", "root_module"))
	case t.get("modules") != nil:
		r.state3(t)
	case t.get("resources") != nil || t.get("version") != nil:
		r.state4(t)
	case t.get("resource_changes") != nil: // cut out of a plan
		for _, x := range t.get("resource_changes").list() {
			if a := terraformAddress(x.get("address").str()); a != "" {
				r.declare(a, x.line)
			}
		}
	default:
		r.d.Errorf(r.f.whole(), "take terraform show -json, or the .tfstate", "there are no resources in this file")
	}
}

// terraformNeed is a dependency as it stands in a state.
type terraformNeed struct {
	from, module, on string
	line             int
}

// link turns dependencies into needs. Those on what is not in the file are dropped.
func (r *terraformReader) link(needs []terraformNeed) {
	missing := 0
	for _, n := range needs {
		relative := n.on
		if n.module != "" {
			relative = n.module + "." + n.on
		}
		on := terraformAddress(relative) // before version 0.12.?, relative to the module
		if !r.resources[on] {
			on = terraformAddress(n.on)
		}
		if !r.resources[on] {
			missing++
			continue
		}
		r.d.Need(n.from, on, Claim{At: r.f.at(n.line), Rule: "depends on"})
	}
	if missing > 0 {
		r.d.Warnf(r.f.whole(), "", "%s not in this file, and left out", plural(missing, "dependency is on what is", "dependencies are on what is"))
	}
}

// state4 reads a .tfstate of version 4. The dependencies in it are those of the
// dependencies too.
func (r *terraformReader) state4(t *tree) {
	var needs []terraformNeed
	for _, x := range t.get("resources").list() {
		module := x.get("module").str()
		address := x.get("type").str() + "." + x.get("name").str()
		if x.get("mode").str() == "data" {
			address = "data." + address
		}
		if module != "" {
			address = module + "." + address
		}
		if address = terraformAddress(address); address == "" {
			continue
		}
		s := r.declare(address, x.line)
		instances := int64(0)
		for _, instance := range x.get("instances").list() {
			if instance.get("deposed") == nil {
				instances++
			}
			for _, key := range []string{"dependencies", "depends_on"} {
				for _, on := range instance.get(key).strs() {
					needs = append(needs, terraformNeed{address, module, on.text, on.line})
				}
			}
		}
		s.countInstances(x.get("type").str(), instances)
	}
	r.link(needs)
}

// countInstances takes the instances of a resource that serves for its replicas.
func (s *Service) countInstances(kind string, n int64) {
	serves := s.Kind != catalog.KindService || strings.HasSuffix(kind, "_instance") || strings.HasSuffix(kind, "_server") || strings.HasSuffix(kind, "virtual_machine")
	if n > 1 && serves {
		s.Replicas = unit.Value[int64]{V: n, Evidence: unit.Stated}
	}
}

// state3 reads a .tfstate of versions 1 to 3.
func (r *terraformReader) state3(t *tree) {
	var needs []terraformNeed
	for _, m := range t.get("modules").list() {
		module := ""
		for i, p := range m.get("path").strs() {
			if i > 0 { // the first is "root"
				module += "module." + p.text + "."
			}
		}
		module = strings.TrimSuffix(module, ".")
		instances := make(map[string]int64)
		for _, x := range m.get("resources").entries() {
			address := strings.TrimPrefix(module+"."+withoutIndex(x.name), ".")
			if address = terraformAddress(address); address == "" {
				continue
			}
			instances[address]++
			r.declare(address, x.line).countInstances(x.value.get("type").str(), instances[address])
			for _, on := range x.value.get("depends_on").strs() {
				needs = append(needs, terraformNeed{address, module, withoutIndex(on.text), on.line})
			}
		}
	}
	r.link(needs)
}

// withoutIndex is an address of version 3 without its index: aws_instance.web.0, or
// aws_instance.web.*.
func withoutIndex(address string) string {
	i := strings.LastIndexByte(address, '.')
	if i > 0 && address[i+1:] != "" && strings.Trim(address[i+1:], "0123456789*") == "" {
		return address[:i]
	}
	return address
}

// shown reads the values of terraform show -json.
func (r *terraformReader) shown(root *tree) {
	var needs []terraformNeed
	instances := make(map[string]int64)
	var walk func(m *tree)
	walk = func(m *tree) { // no deeper than trees are
		for _, x := range m.get("resources").list() {
			address := terraformAddress(x.get("address").str())
			if address == "" {
				continue
			}
			if x.get("deposed_key") == nil {
				instances[address]++
			}
			r.declare(address, x.line).countInstances(x.get("type").str(), instances[address])
			for _, on := range x.get("depends_on").strs() {
				needs = append(needs, terraformNeed{address, terraformKey.ReplaceAllString(m.get("address").str(), ""), on.text, on.line})
			}
		}
		for _, child := range m.get("child_modules").list() {
			walk(child)
		}
	}
	walk(root)
	r.link(needs)
}

// terraformNode is a node of the graphs of versions before 1.7, and of graphs with
// -type.
var terraformNode = regexp.MustCompile(`^(?:\[root\] )?(.*?)(?: \((expand|close|destroy|clean up state|prepare state|validate)[^()]*\))?$`)

const maxTerraformSteps = 4 << 20

// graph reads what terraform graph prints. Variables, locals, outputs and modules are
// ways from one resource to another; they are followed and do not stay. Providers,
// and what is torn down, are dropped.
func (r *terraformReader) graph() {
	scratch := newDraft()
	p := &dotParser{d: scratch, f: r.f, lexer: dotLexer{text: r.f.Data, line: 1}, groups: make(map[string][]*string)}
	if err := p.file(); err != nil {
		r.d.Errorf(r.f.at(p.lexer.line), "", "this is no graph of Terraform: %v", err)
		return
	}
	scratch.finish()
	for _, fault := range scratch.Faults {
		r.d.Faults.Add(fault)
	}
	address := make(map[string]string) // of the nodes that are resources
	way := make(map[string]bool)       // of the others, those to be followed
	for _, s := range scratch.Services {
		m := terraformNode.FindStringSubmatch(s.ID)
		if m == nil || m[2] == "destroy" || m[2] == "clean up state" || strings.HasPrefix(m[1], "provider") || strings.Contains(m[1], ".provider") {
			continue
		}
		if a := terraformAddress(m[1]); a != "" {
			address[s.ID] = a
			line := 0
			if len(s.Sources) > 0 {
				_, after, _ := strings.Cut(strings.TrimPrefix(s.Sources[0], r.f.Name), ":")
				line, _ = strconv.Atoi(after)
			}
			r.declare(a, line)
		} else if m[1] != "root" && !strings.HasPrefix(m[1], "meta.") {
			way[s.ID] = true
		}
	}
	next := scratch.needsBySource()
	steps := 0
	for _, s := range scratch.Services {
		from := address[s.ID]
		if from == "" {
			continue
		}
		seen := map[string]bool{s.ID: true}
		type visit struct {
			id    string
			claim Claim
		}
		var stack []visit
		push := func(id string, through string) {
			for _, n := range slices.Backward(next[id]) {
				at := diag.Span{}
				if len(n.Claims) > 0 {
					at = n.Claims[0].At
				}
				stack = append(stack, visit{n.On, Claim{At: at, Rule: through}})
			}
		}
		push(s.ID, "depends on")
		for len(stack) > 0 {
			v := stack[len(stack)-1]
			stack = stack[:len(stack)-1]
			if steps++; steps > maxTerraformSteps {
				r.d.tooMany(fmt.Sprintf("more than %d steps through variables, locals and outputs; the rest is left out", maxTerraformSteps))
				return
			}
			if seen[v.id] {
				continue
			}
			seen[v.id] = true
			if on := address[v.id]; on != "" {
				r.d.Need(from, on, v.claim)
			} else if way[v.id] {
				push(v.id, "depends on it through "+cleanName(terraformNode.FindStringSubmatch(v.id)[1]))
			}
		}
	}
}
