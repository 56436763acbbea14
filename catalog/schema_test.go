package catalog

import (
	"bytes"
	"encoding/json"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/knockon/knockon/catalog/builtin"
	"github.com/knockon/knockon/catalog/policy"
	"github.com/knockon/knockon/catalog/toml"
)

// object is an object of JSON; encoding/json sorts its keys.
type object = map[string]any

// schemaWords are the lists of words that comments of fields name.
var schemaWords = map[string][]string{
	"BackoffWords": policy.BackoffWords, "DisciplineWords": policy.DisciplineWords, "ClassWords": policy.ClassWords,
	"RemoveWords": policy.RemoveWords, "ViaWords": policy.ViaWords, "DepthWords": policy.DepthWords, "BlindWords": policy.BlindWords,
	"OnTimeoutWords": policy.OnTimeoutWords, "LostWords": policy.LostWords, "RecoveryWords": policy.RecoveryWords, "UntilWords": policy.UntilWords,
	"Kind": KindWords, "Mode": ModeWords, "Purpose": PurposeWords, "Loss": LossWords, "Failure": FailureWords,
}

// schemaMaker makes a schema of the structs of some packages.
type schemaMaker struct {
	structs map[string]*ast.StructType // by package and name: "policy.Retry"
	presets map[string][]string        // names, by key
	docs    map[string]string          // what types are, in a sentence
	defs    object
}

func newSchemaMaker(t *testing.T) *schemaMaker {
	m := &schemaMaker{structs: make(map[string]*ast.StructType), presets: make(map[string][]string), docs: make(map[string]string), defs: object{}}
	for _, p := range policy.Presets() {
		m.presets[p.Key] = append(m.presets[p.Key], p.Name)
	}
	for _, dir := range []string{".", "policy"} {
		files, err := filepath.Glob(filepath.Join(dir, "*.go"))
		if err != nil {
			t.Fatal(err)
		}
		for _, file := range files {
			if strings.HasSuffix(file, "_test.go") {
				continue
			}
			parsed, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.ParseComments)
			if err != nil {
				t.Fatal(err)
			}
			ast.Inspect(parsed, func(n ast.Node) bool {
				if decl, ok := n.(*ast.GenDecl); ok && decl.Tok == token.TYPE && len(decl.Specs) == 1 {
					name := decl.Specs[0].(*ast.TypeSpec).Name.Name
					sentence := strings.Join(strings.Fields(decl.Doc.Text()), " ")
					if end := sentenceEnd.FindStringIndex(sentence); end != nil {
						sentence = sentence[:end[0]]
					}
					sentence = strings.TrimSuffix(sentence, ".")
					for _, verb := range []string{" is ", " are ", " says "} {
						sentence = strings.TrimPrefix(sentence, name+verb)
					}
					m.docs[parsed.Name.Name+"."+name] = sentence
				}
				if spec, ok := n.(*ast.TypeSpec); ok {
					if s, ok := spec.Type.(*ast.StructType); ok {
						m.structs[parsed.Name.Name+"."+spec.Name.Name] = s
					}
				}
				return true
			})
		}
	}
	quantity := func(value object) object {
		source := object{"type": "string", "description": "where it is known from"}
		forms := []any{value}
		for _, claim := range []string{"documented", "fitted", "guess"} {
			form := object{"type": "object", "properties": object{claim: value, "source": source}, "required": []string{claim}, "additionalProperties": false}
			if claim == "documented" {
				form["required"] = []string{claim, "source"}
			}
			forms = append(forms, form)
		}
		return object{"anyOf": forms}
	}
	text := func(pattern string, examples ...string) object {
		return quantity(object{"type": "string", "pattern": pattern, "examples": examples})
	}
	const duration = `\s*\d+(\.\d+)?\s*(ns|us|µs|μs|ms|s|m|min|h|d|w)(\s*\d+(\.\d+)?\s*(ns|us|µs|μs|ms|s|m|min|h|d|w))*\s*`
	m.defs["duration"] = text("^("+duration+"|0)$", "250ms", "5s", "1h30m")
	m.defs["range"] = text("^("+duration+`|\s*0\s*)(\.\.`+duration+")?$", "3m", "3m..3h")
	m.defs["rate"] = text(`^\s*\d+(\.\d+)?[kM]?[a-z ]*/\s*(s|sec|min|m|h|d)\s*$`, "400/s", "90/min")
	m.defs["ratio"] = text(`^\s*\d+(\.\d+)?\s*%\s*$`, "20%", "0.1%")
	m.defs["integer"] = quantity(object{"type": "integer", "minimum": 0})
	m.defs["number"] = quantity(object{"type": "number", "minimum": 0})
	return m
}

func ref(name string) object { return object{"$ref": "#/$defs/" + name} }

// properties are the keys of a struct, without some of its fields.
func (m *schemaMaker) properties(name string, without ...string) object {
	s := m.structs[name]
	if s == nil {
		panic("there is no type " + name)
	}
	pkg, _, _ := strings.Cut(name, ".")
	properties := object{}
	for _, f := range s.Fields.List {
		for _, field := range f.Names {
			if slices.Contains(without, field.Name) || field.Name == "Preset" || field.Name == "At" {
				continue
			}
			key, comment := policy.KeyOf(field.Name), strings.TrimSpace(f.Comment.Text())
			value := m.value(pkg, key, f.Type, comment)
			if said := m.said(comment, f.Type, pkg); said != "" {
				value["description"] = said
			}
			properties[key] = value
		}
	}
	return properties
}

// unsaid is what comments say for readers of Go.
var unsaid = regexp.MustCompile(`(;? ?\bnil: not stated(, see the service's)?)|(; may be empty)|(; "" where not stated)|(, one of \w+Words)|(one of \w+Words;? ?)|( or, )`)

// said is what a field means: its comment, or what its type is.
func (m *schemaMaker) said(comment string, t ast.Expr, pkg string) string {
	comment = strings.Join(strings.Fields(unsaid.ReplaceAllString(comment, "")), " ")
	if comment != "" {
		return comment
	}
	switch x := t.(type) {
	case *ast.StarExpr:
		return m.said("", x.X, pkg)
	case *ast.SelectorExpr:
		return m.docs["policy."+x.Sel.Name]
	case *ast.Ident:
		return m.docs[pkg+"."+x.Name]
	}
	return ""
}

var sentenceEnd = regexp.MustCompile(`\. [A-Z]`)

var wordList = regexp.MustCompile(`one of (\w+Words)`)

// value is the schema of a field.
func (m *schemaMaker) value(pkg, key string, t ast.Expr, comment string) object {
	switch t := t.(type) {
	case *ast.IndexExpr: // unit.Value[…]
		return m.quantityOf(t.Index)
	case *ast.StarExpr:
		if other, ok := t.X.(*ast.SelectorExpr); ok {
			return m.policy(key, other.Sel.Name)
		}
		return m.policy(key, t.X.(*ast.Ident).Name)
	case *ast.ArrayType:
		return object{"anyOf": []any{object{"type": "string"}, object{"type": "array", "items": object{"type": "string"}}}}
	case *ast.Ident:
		switch t.Name {
		case "string":
			if match := wordList.FindStringSubmatch(comment); match != nil {
				return object{"enum": m.words(match[1])}
			}
			return object{"type": "string"}
		case "bool":
			return object{"type": "boolean"}
		case "int":
			return object{"type": "integer", "minimum": 0}
		case "float64":
			return object{"type": "number", "minimum": 0}
		}
		if words, ok := schemaWords[t.Name]; ok {
			return object{"enum": words}
		}
		return closed(m.properties(pkg + "." + t.Name))
	}
	panic(fmt.Sprintf("%s is of an unknown type %T", key, t))
}

func (m *schemaMaker) words(name string) []string {
	words, ok := schemaWords[name]
	if !ok {
		panic("the words " + name + " are not known here")
	}
	return words
}

func (m *schemaMaker) quantityOf(t ast.Expr) object {
	name := ""
	switch t := t.(type) {
	case *ast.Ident:
		name = map[string]string{"int64": "integer", "float64": "number"}[t.Name]
	case *ast.SelectorExpr:
		name = strings.ToLower(t.Sel.Name)
	}
	if m.defs[name] == nil {
		panic(fmt.Sprintf("an unknown quantity %q", name))
	}
	return ref(name)
}

// policy is a table, the name of a preset, or one of the short forms.
func (m *schemaMaker) policy(key, name string) object {
	def := policy.KeyOf(name)
	if m.defs[def] == nil {
		m.defs[def] = object{} // against recursion
		switch name {
		case "Deferred":
			properties := m.properties("policy.Deferred", "UntilRecovery")
			properties["until"] = object{"enum": policy.UntilWords, "description": "in place of after: when the service works again"}
			m.defs[def] = closed(properties)
		default:
			m.defs[def] = closed(m.properties("policy."+name, "CoalesceStated"))
		}
	}
	forms := []any{ref(def)}
	if names := m.presets[key]; len(names) > 0 {
		forms = append(forms, object{"enum": names})
	}
	switch name {
	case "Replicas":
		forms = append(forms, ref("integer"))
	case "Recovery":
		forms = append(forms, object{"enum": policy.RecoveryWords})
	case "RetryBudget":
		forms = append(forms, ref("ratio"))
	}
	if len(forms) == 1 {
		return ref(def)
	}
	return object{"anyOf": forms}
}

func closed(properties object) object {
	return object{"type": "object", "properties": properties, "additionalProperties": false}
}

// make is the whole schema.
func (m *schemaMaker) make() object {
	str := func(description string) object { return object{"type": "string", "description": description} }
	source := object{"anyOf": []any{object{"type": "string"}, object{"type": "array", "items": object{"type": "string"}}}, "description": "where it is known from: words, or the ID of a reference"}
	table := func(def, description string) object {
		return object{"type": "object", "additionalProperties": ref(def), "description": description}
	}

	need := m.properties("catalog.Need", "Targets", "Fresh", "Believes", "Sources")
	need["on"] = str("the service that is needed")
	need["of"] = object{"type": "array", "items": object{"type": "string"}, "description": "alternatives, of which at_least must be up"}
	need["fresh"] = str("a service that has to be recent, and not merely to answer")
	need["validates"] = object{"type": "boolean", "description": "false: takes a wrong answer for a right one"}
	need["share"] = object{"$ref": "#/$defs/ratio", "description": "of the target's capacity, where its classes are weighted"}
	need["source"] = source
	m.defs["need"] = closed(need)

	service := m.properties("catalog.Service", "ID", "Sources", "Needs")
	service["source"] = source
	service["needs"] = object{"type": "array", "items": object{"anyOf": []any{object{"type": "string"}, ref("need")}}, "description": "what it cannot do without, or would rather not"}
	service["need"] = object{"type": "array", "items": ref("need"), "description": "more needs, each as a table of its own"}
	m.defs["service"] = closed(service)

	lease := m.properties("catalog.Lease", "ID", "Policy", "Sources")
	for key, value := range m.properties("policy.Lease") {
		lease[key] = value
	}
	lease["source"] = source
	m.defs["lease"] = closed(lease)

	check := m.properties("catalog.HealthCheck", "ID", "Policy", "Sources", "Tests")
	check["policy"] = closed(m.properties("policy.HealthCheck", "OnFail"))
	check["on_fail"] = closed(m.properties("policy.OnFail"))
	check["tests"] = object{"type": "array", "items": object{"anyOf": []any{
		object{"type": "string"}, closed(object{"fresh": object{"type": "string"}, "within": ref("duration")}),
	}}, "description": "what is checked"}
	check["source"] = source
	m.defs["health_check"] = closed(check)
	m.defs["reference"] = closed(m.properties("catalog.Reference", "ID"))

	root := closed(object{
		"title":       str("of the catalog"),
		"description": str("of the catalog"),
		"prefix":      str("how a catalog that extends this one names its services"),
		"format":      object{"const": Format, "description": "the version of the language"},
		"extends": object{"type": "array", "description": "catalogs that this one stands on", "items": object{"anyOf": []any{
			object{"type": "string"}, closed(object{"file": object{"type": "string"}, "as": object{"type": "string"}}),
		}}},
		"service":      table("service", "by ID"),
		"lease":        table("lease", "by ID: what a keeper grants for a time and a holder must renew"),
		"health_check": table("health_check", "by ID: one subsystem testing others and acting on what it sees"),
		"reference":    table("reference", "by ID: documents that values and needs cite"),
		"alias":        object{"type": "object", "additionalProperties": object{"type": "string"}, "description": "names by which other tools know services"},
	})
	root["$schema"] = "https://json-schema.org/draft/2020-12/schema"
	root["title"] = "A catalog of knockon"
	root["$defs"] = m.defs
	return root
}

// TestSchema: the schema that is written is the one of the types.
func TestSchema(t *testing.T) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	if err := e.Encode(newSchemaMaker(t).make()); err != nil {
		t.Fatal(err)
	}
	if *update {
		if err := os.WriteFile("schema.json", b.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if !bytes.Equal(b.Bytes(), Schema) {
		t.Error("schema.json is not the schema of the types; run go test ./catalog -run Schema -update and look at the difference")
	}
}

func readSchema(t *testing.T) object {
	var schema object
	if err := json.Unmarshal(Schema, &schema); err != nil {
		t.Fatal(err)
	}
	return schema
}

// TestSchemaKnowsWhatIsWritten: every key of the built-in catalogs is in the schema.
func TestSchemaKnowsWhatIsWritten(t *testing.T) {
	schema := readSchema(t)
	keys := 0
	look := func(p string, _ fs.DirEntry, err error) error {
		if filepath.Ext(p) != ".toml" {
			return err
		}
		data, err := fs.ReadFile(builtin.FS, p)
		if err != nil {
			return err
		}
		doc, faults := toml.Parse(p, data)
		if len(faults) > 0 {
			t.Error(faults)
		}
		keys += checkTable(t, schema, schema, doc.Root)
		return nil
	}
	for _, name := range builtin.Names() {
		if err := fs.WalkDir(builtin.FS, name, look); err != nil {
			t.Error(err)
		}
	}
	if keys < 300 {
		t.Errorf("only %d keys were looked at", keys)
	}
}

// checkTable looks for every key of a table in a schema.
func checkTable(t *testing.T, root, schema object, table *toml.Table) (keys int) {
	tables := tablesOf(root, schema)
	for _, e := range table.Entries {
		keys++
		var found []object
		for _, s := range tables {
			if properties, ok := s["properties"].(object); ok {
				if p, ok := properties[e.Key].(object); ok {
					found = append(found, p)
					continue
				}
			}
			if more, ok := s["additionalProperties"].(object); ok {
				found = append(found, more)
			}
		}
		if len(found) == 0 {
			t.Errorf("%s: %q is not in the schema", e.At, e.Key)
			continue
		}
		any := object{"anyOf": anys(found)}
		switch e.Value.Kind {
		case toml.TableKind:
			keys += checkTable(t, root, any, e.Value.Table)
		case toml.ArrayKind:
			for _, item := range e.Value.Items {
				if item.Kind == toml.TableKind {
					keys += checkTable(t, root, itemsOf(root, any), item.Table)
				}
			}
		}
	}
	return keys
}

func anys(list []object) []any {
	all := make([]any, len(list))
	for i, x := range list {
		all[i] = x
	}
	return all
}

// tablesOf follows references and alternatives to the tables that a schema allows.
func tablesOf(root, schema object) []object {
	if name, ok := schema["$ref"].(string); ok {
		return tablesOf(root, root["$defs"].(object)[strings.TrimPrefix(name, "#/$defs/")].(object))
	}
	var all []object
	if schema["type"] == "object" || schema["type"] == "array" {
		all = append(all, schema)
	}
	if list, ok := schema["anyOf"].([]any); ok {
		for _, x := range list {
			all = append(all, tablesOf(root, x.(object))...)
		}
	}
	return all
}

func itemsOf(root, schema object) object {
	var all []object
	for _, s := range tablesOf(root, schema) {
		if items, ok := s["items"].(object); ok {
			all = append(all, items)
		}
	}
	return object{"anyOf": anys(all)}
}

// TestSchemaHasNoMore: every key that the schema allows is one that Load knows.
func TestSchemaHasNoMore(t *testing.T) {
	schema := readSchema(t)
	defs := schema["$defs"].(object)
	places := map[string]string{ // a table of each kind, with a place for a key
		"service": "[service.a]\n%s", "need": "[[service.a.need]]\non = \"b\"\n%s\n[service.b]", "lease": "[lease.a]\n%s",
		"health_check": "[health_check.a]\n%s", "reference": "[reference.a]\n%s",
		"retry": "[[service.x.need]]\nretry = { %s }", "breaker": "[[service.x.need]]\nbreaker = { %s }",
		"bulkhead": "[[service.x.need]]\nbulkhead = { %s }", "client_throttle": "[[service.x.need]]\nlimit = { %s }", "cache": "[service.x]\ncache = { %s }",
		"retry_budget": "[[service.x.need]]\nretry = { budget = { %s } }", "queue": "[service.x]\nqueue = { %s }", "replicas": "[service.x]\nreplicas = { %s }",
		"throttle": "[service.x]\nthrottle = { %s }", "shed": "[service.x]\nshed = { %s }", "autoscale": "[service.x]\nautoscale = { %s }",
		"turnover": "[service.x]\nturnover = { %s }", "recovery": "[service.x]\nrecovery = { %s }", "deferred": "[service.x]\ndeferred = { %s }",
	}
	for name, def := range defs {
		properties, ok := def.(object)["properties"].(object)
		if !ok {
			continue // a quantity
		}
		place, ok := places[name]
		if !ok {
			t.Errorf("there is no place for a key of %s", name)
			continue
		}
		for key := range properties {
			text := fmt.Sprintf(place, key+" = 1979-05-27")
			_, faults, err := Load(Source{Name: "f.toml", Data: []byte(text)})
			if err != nil {
				t.Fatal(err)
			}
			for _, d := range faults {
				if strings.Contains(d.Message, fmt.Sprintf("unknown key %q", key)) {
					t.Errorf("%s of %s is in the schema, and Load says %s", key, name, d.Message)
				}
			}
		}
	}
}

// TestSchemaHasTheWordsOfThePage: every key that docs/catalog.md explains in a table
// is somewhere in the schema.
func TestSchemaHasTheWordsOfThePage(t *testing.T) {
	page, err := os.ReadFile("../docs/catalog.md")
	if err != nil {
		t.Fatal(err)
	}
	seen := 0
	for _, row := range regexp.MustCompile("(?m)^\\| ((?:`[a-z_]+`(?:, )?)+)¹? \\|").FindAllSubmatch(page, -1) {
		for _, key := range regexp.MustCompile("`([a-z_]+)`").FindAllSubmatch(row[1], -1) {
			if seen++; !bytes.Contains(Schema, fmt.Appendf(nil, "%q:", key[1])) && !bytes.Contains(Schema, fmt.Appendf(nil, "%q", key[1])) {
				t.Errorf("%s is not in the schema", key[1])
			}
		}
	}
	if seen < 60 {
		t.Errorf("only %d keys were found on the page", seen)
	}
}
