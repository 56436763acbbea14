package propagate

import (
	"fmt"
	"go/ast"
	"go/doc"
	"go/format"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode"

	"github.com/knockon/knockon/catalog"
	"github.com/knockon/knockon/catalog/policy"
	"github.com/knockon/knockon/propagate/scenario"
)

// mechanism is a page of docs/mechanisms. All that it says is read from the code:
// the comments of its policy and of its behaviour, its presets, and the reference
// cases whose catalogs state it.
type mechanism struct {
	title    string
	file     string   // of catalog/policy and of propagate/mech, and of the page
	where    string   // it is stated in a catalog
	policy   any      // what can be said
	presets  any      // a sorted table, or nil
	engine   []string // functions of package propagate that play the rest of it
	shown    string   // the folder of docs/gallery/scenarios that shows it
	isStated func(*catalog.Catalog, *scenario.Scenario) bool
}

// stated reports whether a need or a service of a catalog says something.
func stated(ofNeed func(*catalog.Need) bool, ofService func(*catalog.Service) bool) func(*catalog.Catalog, *scenario.Scenario) bool {
	return func(c *catalog.Catalog, _ *scenario.Scenario) bool {
		return slices.ContainsFunc(c.Services, func(s catalog.Service) bool {
			return ofService != nil && ofService(&s) || ofNeed != nil && slices.ContainsFunc(s.Needs, func(n catalog.Need) bool { return ofNeed(&n) })
		})
	}
}

var mechanisms = []mechanism{
	{
		"Retry", "retry", "`retry` of a need",
		policy.Retry{},
		policy.RetryPresets,
		[]string{"fail", "mayRetry", "retries", "admit", "amplified", "echo", "handoff"},
		"retry-storm",
		stated(func(n *catalog.Need) bool { return n.Retry != nil && n.Retry.Attempts.Or(3) > 1 }, nil),
	},
	{
		"Retry budget", "retry_budget", "`budget` of a `retry`",
		policy.RetryBudget{},
		policy.RetryBudgetPresets,
		nil,
		"retry-budget",
		stated(func(n *catalog.Need) bool { return n.Retry != nil && n.Retry.Budget != nil }, nil),
	},
	{
		"Circuit breaker", "breaker", "`breaker` of a need",
		policy.Breaker{},
		policy.BreakerPresets,
		[]string{"offer"},
		"breaker",
		stated(func(n *catalog.Need) bool { return n.Breaker != nil }, nil),
	},
	{
		"Bulkhead", "bulkhead", "`bulkhead` of a need",
		policy.Bulkhead{},
		policy.BulkheadPresets,
		[]string{"offer", "holding"},
		"soft-need-bulkhead",
		stated(func(n *catalog.Need) bool { return n.Bulkhead != nil }, nil),
	},
	{
		"Client throttle", "client_throttle", "`limit` of a need",
		policy.ClientThrottle{},
		policy.ClientThrottlePresets,
		[]string{"offer"},
		"client-throttle",
		stated(func(n *catalog.Need) bool { return n.Limit != nil }, nil),
	},
	{
		"Cache", "cache", "`cache` of a need, or of a service for all its needs without one",
		policy.Cache{},
		nil,
		[]string{"lookUp", "ask", "part", "fillCaches"},
		"empty-record",
		stated(func(n *catalog.Need) bool { return n.Cache != nil }, func(s *catalog.Service) bool { return s.Cache != nil }),
	},
	{
		"Queue", "queue", "`queue` of a service",
		policy.Queue{},
		policy.QueuePresets,
		[]string{"order", "fairShare", "serveLane", "settleLeaf", "lapse"},
		"queue-bound",
		stated(nil, func(s *catalog.Service) bool { return s.Queue != nil }),
	},
	{
		"Throttle", "throttle", "`throttle` of a service, and what operators do with `throttle = \"api\", to = …`",
		policy.Throttle{},
		nil,
		nil,
		"throttle",
		func(c *catalog.Catalog, sc *scenario.Scenario) bool {
			return stated(nil, func(s *catalog.Service) bool { return s.Throttle != nil })(c, sc) ||
				slices.ContainsFunc(sc.Actions, func(a scenario.Action) bool {
					return slices.ContainsFunc(a.Do, func(d scenario.Deed) bool { return d.Verb == scenario.Throttle })
				})
		},
	},
	{
		"Shedding", "shed", "`shed` of a service",
		policy.Shed{},
		nil,
		nil,
		"shed",
		stated(nil, func(s *catalog.Service) bool { return s.Shed != nil }),
	},
	{
		"Health checks", "health_check", "`[health_check.ID]`; what operators do with `drain`, `undrain`, `disable` and `enable`; faults with a `count`",
		policy.HealthCheck{},
		nil,
		[]string{"tellApart", "divide", "gather", "admitPart", "look", "rotate", "settled"},
		"health-checks",
		func(c *catalog.Catalog, sc *scenario.Scenario) bool {
			return len(c.HealthChecks) > 0 ||
				slices.ContainsFunc(sc.Faults, func(f scenario.Fault) bool { return f.Count > 0 }) ||
				slices.ContainsFunc(sc.Actions, func(a scenario.Action) bool {
					return slices.ContainsFunc(a.Do, func(d scenario.Deed) bool { return d.Verb == scenario.Drain })
				})
		},
	},
	{
		"Autoscaling", "autoscale", "`autoscale` of a service",
		policy.Autoscale{},
		nil,
		[]string{"looked", "goodShare", "remove", "automate"},
		"launch-path-lost",
		stated(nil, func(s *catalog.Service) bool { return s.Autoscale != nil }),
	},
	{
		"Turnover", "turnover", "`turnover` of a service",
		policy.Turnover{},
		nil,
		[]string{"crew", "looked", "goodShare"},
		"turnover",
		stated(nil, func(s *catalog.Service) bool { return s.Turnover != nil }),
	},
	{
		"Recovery", "recovery", "`recovery` of a service",
		policy.Recovery{},
		nil,
		[]string{"struck", "observed", "restart", "restarts", "thin"},
		"by-hand",
		stated(nil, func(s *catalog.Service) bool { return s.Recovery != nil }),
	},
	{
		"Demand that comes back", "deferred", "`deferred` of a service",
		policy.Deferred{},
		nil,
		[]string{"withhold", "comeAgain"},
		"deferred-demand",
		stated(nil, func(s *catalog.Service) bool { return s.Deferred != nil }),
	},
	{
		"Operators", "operators", "`[[observer]]` and `[[action]]` of a scenario",
		scenario.Action{},
		nil,
		[]string{"operators", "signal", "advance", "turns", "compare", "do", "reroute", "bar", "throttle", "restart"},
		"blind-observer",
		func(_ *catalog.Catalog, sc *scenario.Scenario) bool { return len(sc.Actions) > 0 },
	},
	{
		"Lease", "lease", "`[lease.ID]`",
		policy.Lease{},
		nil,
		[]string{"offerLease", "failLease", "decideLease", "grant", "closeLeases", "sharpLeases", "horizonOfLeases", "askAhead"},
		"lease-storm",
		func(c *catalog.Catalog, _ *scenario.Scenario) bool { return len(c.Leases) > 0 },
	},
}

// TestMechanisms keeps docs/mechanisms what the code says.
func TestMechanisms(t *testing.T) {
	policies, behaviour, engine := readSource(t, "../catalog/policy"), readSource(t, "mech"), readSource(t, ".")
	scenarios := readSource(t, "scenario")
	folder := filepath.Join(docs, "mechanisms")
	var index strings.Builder
	index.WriteString(`# Mechanisms

How each mechanism of failure and recovery is declared and played, one page each.
Generated from the code by ` + "`go test ./propagate -run TestMechanisms -update`" + `; do not edit.
To add one: [CONTRIBUTING.md](../../CONTRIBUTING.md#adding-a-mechanism).

| mechanism | stated as | what it is | presets | reference cases |
|---|---|---|--:|--:|
`)
	pages := []string{"README.md"}
	for _, m := range mechanisms {
		name := m.pageName()
		text, cases := m.page(t, policies, behaviour, engine)
		said := policies
		if m.ofScenario() {
			said = scenarios
		}
		fmt.Fprintf(&index, "| [%s](%s) | %s | %s | %d | %d |\n", m.title, name, m.where, said.synopsis(reflect.TypeOf(m.policy).Name()), m.countPresets(), cases)
		samePage(t, filepath.Join(folder, name), text)
		pages = append(pages, name)
	}
	index.WriteString("\nThe places in which requests are served, delays and the exponential function are in\n[propagate/mech](../../propagate/mech) too; what plays them all together is in\n[the decision on how the engine steps](../adr/0008-how-the-rate-engine-steps.md).\n")
	samePage(t, filepath.Join(folder, "README.md"), index.String())
	found, err := fs.Glob(os.DirFS(folder), "*")
	slices.Sort(pages)
	if err != nil || !slices.Equal(found, pages) {
		t.Errorf("docs/mechanisms holds %v, not %v", found, pages)
	}
}

func (m *mechanism) pageName() string { return strings.ReplaceAll(m.file, "_", "-") + ".md" }

// ofScenario reports whether a scenario states the mechanism, and no catalog.
func (m *mechanism) ofScenario() bool {
	return reflect.TypeOf(m.policy).PkgPath() == reflect.TypeFor[scenario.Scenario]().PkgPath()
}

func (m *mechanism) countPresets() int {
	if m.presets == nil {
		return 0
	}
	return reflect.ValueOf(m.presets).Len()
}

// page writes the page of a mechanism and counts its reference cases.
func (m *mechanism) page(t *testing.T, policies, behaviour, engine *source) (text string, cases int) {
	t.Helper()
	var b strings.Builder
	kind := reflect.TypeOf(m.policy).Name()
	fmt.Fprintf(&b, "# %s\n\nGenerated from the code by `go test ./propagate -run TestMechanisms -update`; do not edit.\n\n", m.title)
	if m.ofScenario() {
		fmt.Fprintf(&b, "## What a scenario can say\n\nAs %s: [docs/scenario.md](../scenario.md#actions)\n\n", m.where)
	} else {
		fmt.Fprintf(&b, "## What a catalog can say\n\nAs %s: [catalog/policy/%s.go](../../catalog/policy/%s.go)\n\n%s\n", m.where, m.file, m.file, policies.markdown(policies.typeDoc(t, kind)))
		b.WriteString(policies.fields(t, kind))
		b.WriteString(policies.words(m.file + ".go"))
	}
	functions, sections := behaviour.exported(t, m.file+".go")
	fmt.Fprintf(&b, "## Equation and source\n\n%s\n", section(t, m, sections, "Equation"))
	if m.shown == "" {
		t.Errorf("%s: no scenario shows it", m.title)
	} else {
		folder := "../gallery/scenarios/" + m.shown
		if _, err := os.Stat(filepath.Join(docs, "gallery", "scenarios", m.shown, "run.svg")); err != nil {
			t.Error(err)
		}
		fmt.Fprintf(&b, "## See it\n\n![%s, over time](%s/run.svg)\n\n[The scenario](%s/scenario.toml) and [its catalog](%s/catalog.toml); [what they show](../scenarios.md).\n\n", m.title, folder, folder, folder)
	}
	fmt.Fprintf(&b, "## When it is wrong\n\n%s\n", section(t, m, sections, "When it is wrong"))
	fmt.Fprintf(&b, "## In the code\n\n[propagate/mech/%s.go](../../propagate/mech/%s.go)\n\n", m.file, m.file)
	b.WriteString(functions)
	if len(m.engine) > 0 {
		b.WriteString("In the engine:\n\n")
	}
	for _, name := range m.engine {
		file, text := engine.comment(t, name)
		text = strings.TrimPrefix(strings.Join(strings.Fields(text), " "), name)
		fmt.Fprintf(&b, "- `%s`%s ([%s](../../propagate/%s))\n", name, text, file, file)
	}
	if len(m.engine) > 0 {
		b.WriteString("\n")
	}
	if m.presets != nil {
		b.WriteString("## Presets\n\n| name | what it says | read in |\n|---|---|---|\n")
		table := reflect.ValueOf(m.presets)
		for i := range table.Len() {
			p := table.Index(i).Field(0)
			name, said := policies.said(t, p)
			fmt.Fprintf(&b, "| `%s` | %s | %s |\n", name, said, table.Index(i).FieldByName("Source"))
		}
		b.WriteString("\n")
	}
	b.WriteString("## Reference cases\n\nThose whose catalogs or scenarios state it; [validation.md](../validation.md) says what they come to.\n\n| case | what it is |\n|---|---|\n")
	text, cases = m.cases(t)
	b.WriteString(text)
	return b.String(), cases
}

// section is what the comments of a mechanism say below a heading.
func section(t *testing.T, m *mechanism, sections map[string]string, heading string) string {
	t.Helper()
	if sections[heading] == "" {
		t.Errorf("%s: nothing that propagate/mech/%s.go exports says \"# %s\"", m.title, m.file, heading)
	}
	return sections[heading]
}

// cases lists the reference cases that state the mechanism.
func (m *mechanism) cases(t *testing.T) (text string, n int) {
	t.Helper()
	var b strings.Builder
	last := ""
	for _, f := range cases(t) {
		if f.folder == last {
			continue
		}
		c, s := f.open(t)
		if !m.isStated(c, s) {
			continue
		}
		last = f.folder
		n++
		fmt.Fprintf(&b, "| [%s](../../%s) | %s |\n", f.id(), path.Join("propagate", casesDir, f.folder), c.Title)
	}
	if n == 0 {
		b.WriteString("| none | |\n")
	}
	return b.String(), n
}

// source is a package as its comments tell it.
type source struct {
	set   *token.FileSet
	files []*ast.File
	doc   *doc.Package
}

// readSource reads the package in a folder, without its tests.
func readSource(t *testing.T, folder string) *source {
	t.Helper()
	names, err := filepath.Glob(filepath.Join(folder, "*.go"))
	if err != nil {
		t.Fatal(err)
	}
	s := &source{set: token.NewFileSet()}
	for _, name := range names {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		f, err := parser.ParseFile(s.set, name, nil, parser.ParseComments)
		if err != nil {
			t.Fatal(err)
		}
		s.files = append(s.files, f)
	}
	if s.doc, err = doc.NewFromFiles(s.set, s.files, "github.com/knockon/knockon", doc.AllDecls|doc.PreserveAST); err != nil {
		t.Fatal(err)
	}
	return s
}

func (s *source) markdown(text string) string { return string(s.doc.Markdown(text)) }

// fileOf is the name of the file in which something stands.
func (s *source) fileOf(p token.Pos) string { return filepath.Base(s.set.Position(p).Filename) }

func (s *source) find(name string) *doc.Type {
	i := slices.IndexFunc(s.doc.Types, func(d *doc.Type) bool { return d.Name == name })
	if i < 0 {
		return nil
	}
	return s.doc.Types[i]
}

func (s *source) typeDoc(t *testing.T, name string) string {
	t.Helper()
	d := s.find(name)
	if d == nil || d.Doc == "" {
		t.Fatalf("type %s is not there or says nothing", name)
	}
	return d.Doc
}

// synopsis is the first sentence of the comment of a type, as a part of a table.
func (s *source) synopsis(name string) string {
	text, _, _ := strings.Cut(s.doc.Synopsis(s.find(name).Doc), ":")
	for _, verb := range []string{" is ", " are ", " "} {
		if rest, ok := strings.CutPrefix(text, name+verb); ok {
			return strings.TrimSuffix(rest, ".")
		}
	}
	return strings.TrimSuffix(text, ".")
}

// keys are the names in a catalog of the fields of a policy, by field, read from the
// function that decodes it and the methods that help it, and likewise of the policies
// that are parts of it.
func (s *source) keys(t *testing.T, kind string) map[string]string {
	t.Helper()
	keys := make(map[string]string)
	for _, part := range s.parts(kind) {
		for field, key := range s.keys(t, part) {
			keys[field] = key
		}
	}
	for _, f := range s.files {
		for _, d := range f.Decls {
			fn, ok := d.(*ast.FuncDecl)
			if !ok || fn.Recv == nil && fn.Name.Name != kind+"Keys" || fn.Recv != nil && receiver(fn) != kind {
				continue
			}
			ast.Inspect(fn.Body, func(n ast.Node) bool {
				switch n := n.(type) {
				case *ast.CallExpr: // t.Ratio("errors", &b.Errors)
					if len(n.Args) >= 2 {
						if u, ok := n.Args[len(n.Args)-1].(*ast.UnaryExpr); ok && u.Op == token.AND {
							note(keys, u.X, n)
						}
					}
				case *ast.AssignStmt: // r.Budget = RetryBudgetKeys(t, "budget")
					if call, ok := n.Rhs[0].(*ast.CallExpr); ok {
						note(keys, n.Lhs[0], call)
					}
				case *ast.IfStmt: // if w, ok := t.Enum("backoff", …); ok { r.Backoff = w }
					a, ok := n.Init.(*ast.AssignStmt)
					if !ok {
						break
					}
					call, isCall := a.Rhs[0].(*ast.CallExpr)
					set, isSet := n.Body.List[0].(*ast.AssignStmt)
					if isCall && isSet {
						note(keys, set.Lhs[0], call)
					}
				}
				return true
			})
		}
	}
	return keys
}

// receiver is the name of the type that a method is of.
func receiver(fn *ast.FuncDecl) string {
	kind := fn.Recv.List[0].Type
	if p, ok := kind.(*ast.StarExpr); ok {
		kind = p.X
	}
	return kind.(*ast.Ident).Name
}

// parts are the types of this package that stand in a type as tables in a table, such
// as the renewal in a lease.
func (s *source) parts(kind string) (names []string) {
	for _, f := range s.structure(kind).Fields.List {
		if id, ok := f.Type.(*ast.Ident); ok {
			if d := s.find(id.Name); d != nil {
				names = append(names, id.Name)
			}
		}
	}
	return names
}

func (s *source) structure(kind string) *ast.StructType {
	return s.find(kind).Decl.Specs[0].(*ast.TypeSpec).Type.(*ast.StructType)
}

// note remembers the string in a call as the key of a field.
func note(keys map[string]string, field ast.Expr, call *ast.CallExpr) {
	to, ok := field.(*ast.SelectorExpr)
	if !ok {
		return
	}
	for _, a := range call.Args {
		if lit, ok := a.(*ast.BasicLit); ok && lit.Kind == token.STRING {
			keys[to.Sel.Name] = strings.Trim(lit.Value, `"`)
			return
		}
	}
}

// fields lists the keys of a policy with the comments of their fields.
func (s *source) fields(t *testing.T, kind string) string {
	t.Helper()
	keys := s.keys(t, kind)
	if len(keys) == 0 {
		t.Fatalf("%sKeys reads no key", kind)
	}
	var b strings.Builder
	b.WriteString("| key | such as | meaning |\n|---|---|---|\n")
	written := make(map[string]bool)
	s.rows(t, &b, kind, "", keys, written)
	for field, key := range keys {
		if !written[field] {
			t.Errorf("%s: %q does not stand on its page", kind, key)
		}
	}
	b.WriteString("\n")
	return b.String()
}

// rows writes a row for every field that a catalog states.
func (s *source) rows(t *testing.T, b *strings.Builder, kind, prefix string, keys map[string]string, written map[string]bool) {
	for _, f := range s.structure(kind).Fields.List {
		if text := strings.Join(strings.Fields(f.Doc.Text()), " "); text != "" {
			fmt.Fprintf(b, "| | | *%s* |\n", text)
		}
		for _, name := range f.Names {
			if id, ok := f.Type.(*ast.Ident); ok && s.find(id.Name) != nil {
				words := strings.ToLower(camel.ReplaceAllString(name.Name, "${1}_$2"))
				s.rows(t, b, id.Name, prefix+words+".", keys, written)
				continue
			}
			key, ok := keys[name.Name]
			if !ok {
				continue
			}
			written[name.Name] = true
			text := strings.Join(strings.Fields(f.Comment.Text()), " ")
			if strings.Contains(text, "|") {
				t.Errorf("%s.%s: what stands in a table can hold no bar", kind, name.Name)
			}
			fmt.Fprintf(b, "| `%s%s` | %s | %s |\n", prefix, key, s.example(t, f.Type), text)
		}
	}
}

// example is how a catalog writes a value of a type.
func (s *source) example(t *testing.T, of ast.Expr) string {
	t.Helper()
	var name strings.Builder
	if err := format.Node(&name, s.set, of); err != nil {
		t.Fatal(err)
	}
	text, ok := map[string]string{
		"unit.Value[unit.Duration]": "`\"30s\"`", "unit.Value[unit.Range]": "`\"30s\"`, `\"5s..60s\"`", "unit.Value[unit.Rate]": "`\"100/s\"`",
		"unit.Value[unit.Ratio]": "`\"20%\"`", "unit.Value[int64]": "`3`", "unit.Value[float64]": "`0.5`",
		"string": "a word", "bool": "`true`", "[]string": "words",
	}[name.String()]
	switch {
	case ok:
		return text
	case strings.HasPrefix(name.String(), "*"):
		return "a table"
	}
	t.Errorf("no example of %s", name.String())
	return ""
}

var camel = regexp.MustCompile("([a-z])([A-Z])")

// words are the lists of words in a file, with their comments.
func (s *source) words(file string) string {
	var b strings.Builder
	for _, v := range s.doc.Vars {
		if s.fileOf(v.Decl.Pos()) != file || !strings.HasSuffix(v.Names[0], "Words") {
			continue
		}
		var list []string
		ast.Inspect(v.Decl, func(n ast.Node) bool {
			if lit, ok := n.(*ast.BasicLit); ok {
				list = append(list, "`"+strings.Trim(lit.Value, `"`)+"`")
			}
			return true
		})
		fmt.Fprintf(&b, "%s: %s\n\n%s\n", v.Names[0], strings.Join(list, ", "), s.markdown(v.Doc))
	}
	return b.String()
}

// exported are the comments of what a file exports, with its signature; what stands
// below headings in them is returned by heading.
func (s *source) exported(t *testing.T, file string) (text string, sections map[string]string) {
	t.Helper()
	var b strings.Builder
	sections = make(map[string]string)
	written := 0
	add := func(pos token.Pos, decl any, comment string) {
		if s.fileOf(pos) != file {
			return
		}
		written++
		if comment == "" {
			t.Errorf("%s: something exported says nothing", file)
		}
		comment, rest, _ := strings.Cut(comment, "\n# ")
		for rest != "" {
			heading, text, _ := strings.Cut(rest, "\n")
			text, rest, _ = strings.Cut(text, "\n# ")
			sections[heading] += s.markdown(text)
		}
		var code strings.Builder
		if err := format.Node(&code, s.set, decl); err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(&b, "`%s`\n\n%s\n", code.String(), quoted(s.markdown(comment)))
	}
	signature := func(f *ast.FuncDecl) any {
		return &ast.FuncDecl{Recv: f.Recv, Name: f.Name, Type: f.Type}
	}
	function := func(f *doc.Func) {
		if ast.IsExported(f.Name) && f.Name != "Copy" && f.Name != "Clear" {
			add(f.Decl.Pos(), signature(f.Decl), f.Doc)
		}
	}
	for _, d := range s.doc.Types {
		if !ast.IsExported(d.Name) {
			continue
		}
		if s.fileOf(d.Decl.Pos()) == file {
			add(d.Decl.Pos(), ast.NewIdent("type "+d.Name), d.Doc)
		}
		for _, f := range slices.Concat(d.Funcs, d.Methods) {
			function(f)
		}
	}
	for _, f := range s.doc.Funcs {
		function(f)
	}
	if written == 0 {
		t.Errorf("%s exports nothing", file)
	}
	return b.String(), sections
}

// quoted indents a text below its signature.
func quoted(text string) string {
	var b strings.Builder
	for line := range strings.Lines(strings.TrimSpace(text)) {
		b.WriteString(strings.TrimRightFunc("> "+line, unicode.IsSpace) + "\n")
	}
	return b.String()
}

// comment is the comment of a function, method or type of a package, and its file.
func (s *source) comment(t *testing.T, name string) (file, text string) {
	t.Helper()
	for _, f := range s.files {
		for _, d := range f.Decls {
			var comment *ast.CommentGroup
			var is string
			switch d := d.(type) {
			case *ast.FuncDecl:
				is, comment = d.Name.Name, d.Doc
			case *ast.GenDecl:
				if spec, ok := d.Specs[0].(*ast.TypeSpec); ok {
					is, comment = spec.Name.Name, d.Doc
				}
			}
			if is == name && comment != nil {
				return s.fileOf(d.Pos()), comment.Text()
			}
		}
	}
	t.Errorf("%s is not there or says nothing", name)
	return "", ""
}

// said is what a preset says, as a catalog writes it, and its name.
func (s *source) said(t *testing.T, p reflect.Value) (name, text string) {
	t.Helper()
	keys := s.keys(t, p.Type().Name())
	var parts []string
	for i := range p.NumField() {
		f, field := p.Field(i), p.Type().Field(i)
		if field.Name == "Preset" {
			name = f.String()
			continue
		}
		if v, ok := s.value(t, f); ok {
			parts = append(parts, keys[field.Name]+" = "+v)
		}
	}
	return name, "`" + strings.Join(parts, ", ") + "`"
}

// value writes the value of a field as a catalog does; ok is false for one that is
// not stated.
func (s *source) value(t *testing.T, f reflect.Value) (text string, ok bool) {
	t.Helper()
	switch {
	case f.Kind() == reflect.String:
		return fmt.Sprintf("%q", f.String()), f.String() != ""
	case f.Kind() == reflect.Bool:
		return "true", f.Bool()
	case f.Kind() == reflect.Pointer:
		if f.IsNil() {
			return "", false
		}
		_, inner := s.said(t, f.Elem())
		return "{ " + strings.Trim(inner, "`") + " }", true
	}
	if !f.MethodByName("IsStated").Call(nil)[0].Bool() {
		return "", false
	}
	v := f.FieldByName("V").Interface()
	if _, quantity := v.(fmt.Stringer); quantity {
		return fmt.Sprintf("%q", v), true
	}
	return fmt.Sprint(v), true
}
