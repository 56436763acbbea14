package importers

import (
	"regexp"
	"strconv"
	"strings"

	"github.com/knockon/knockon/catalog"
	"github.com/knockon/knockon/catalog/unit"
)

// cloudformation reads templates: resources are services, and what a resource refers
// to, by Ref, Fn::GetAtt, Fn::Sub or DependsOn, is needed. Values are not read.
//
// Source: https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/template-guide.html
var cloudformation = Format{
	Name:  "cloudformation",
	Title: "AWS CloudFormation",
	What:  "templates in JSON or YAML, of SAM and cdk synth too",
	detects: func(s *sample) bool {
		if !s.yaml["Resources"] && !s.json["Resources"] {
			return false
		}
		return s.yaml["AWSTemplateFormatVersion"] || s.json["AWSTemplateFormatVersion"] || cloudType.Match(s.head)
	},
	reads: readCloudFormation,
}

var cloudType = regexp.MustCompile(`["']?Type["']?\s*:\s*["']?(?:AWS|Alexa|Custom)::`)

// cloudTemplate is one template with its resources, by logical ID.
type cloudTemplate struct {
	file      File
	resources []treeKey
	ids       map[string]string // what a resource is called as a service
}

type cloudReader struct {
	d        *Draft
	imported int // values of other stacks
}

func readCloudFormation(d *Draft, files []File, _ Options) {
	r := &cloudReader{d: d}
	var templates []*cloudTemplate
	defined := make(map[string]int)
	for _, f := range files {
		docs, err := readTrees(f.Data)
		if err != nil {
			d.Errorf(f.whole(), "", "this is no template of CloudFormation: %v", err)
			continue
		}
		for _, doc := range docs {
			t := &cloudTemplate{file: f, ids: make(map[string]string)}
			for _, k := range doc.get("Resources").entries() {
				if k.value.get("Type").str() != "" && !strings.HasPrefix(k.name, "Fn::") {
					t.resources = append(t.resources, k)
					defined[k.name]++
				}
			}
			templates = append(templates, t)
		}
	}
	for _, t := range templates {
		stem, _, _ := strings.Cut(t.file.base(), ".")
		for _, k := range t.resources {
			t.ids[k.name] = cleanName(k.name)
			if defined[k.name] > 1 { // logical IDs are unique in a template only
				t.ids[k.name] = cleanName(stem + "/" + k.name)
			}
			r.describe(t, k)
		}
	}
	resources := 0
	for _, t := range templates {
		for _, k := range t.resources {
			resources++
			r.references(t, k.name, k.value)
		}
	}
	if r.imported > 0 {
		d.Warnf(files[0].whole(), "name the templates of the other stacks, and join what they export by hand",
			"%s from other stacks, and not known", plural(r.imported, "value comes", "values come"))
	}
	if resources > 0 {
		d.Warnf(files[0].whole(), "import traces or manifests for what calls what",
			"these are resources, and which of them is made first; a call that a program makes is not among them")
	}
}

func (r *cloudReader) describe(t *cloudTemplate, k treeKey) {
	kind := k.value.get("Type").str()
	s := r.d.Declare(t.ids[k.name], t.file.at(k.line))
	s.Description = kind
	if x, ok := kindOfResource(kind); ok && s.Kind == catalog.KindService {
		s.Kind = x
	}
	for _, key := range []string{"DesiredCount", "DesiredCapacity"} {
		if n, err := strconv.ParseInt(k.value.get("Properties", key).str(), 10, 32); err == nil && n > 0 {
			s.Replicas = unit.Value[int64]{V: n, Evidence: unit.Stated}
		}
	}
}

// references walks a resource and notes whom it names.
func (r *cloudReader) references(t *cloudTemplate, from string, resource *tree) {
	for _, k := range resource.entries() {
		switch k.name {
		case "Type", "Condition":
		case "DependsOn":
			for _, on := range k.value.strs() {
				if t.ids[on.text] == "" {
					r.d.Warnf(t.file.at(on.line), "", "%q depends on %q, and there is no such resource", from, cleanName(on.text))
					continue
				}
				r.need(t, from, on.text, "DependsOn", on.line)
			}
		default:
			r.walk(t, from, k.value)
		}
	}
}

func (r *cloudReader) walk(t *cloudTemplate, from string, v *tree) {
	if function, ok := strings.CutPrefix(v.tag, "!"); ok && r.call(t, from, function, v) {
		return
	}
	for _, k := range v.entries() {
		if len(v.keys) == 1 && (k.name == "Ref" || strings.HasPrefix(k.name, "Fn::")) && r.call(t, from, strings.TrimPrefix(k.name, "Fn::"), k.value) {
			return
		}
		r.walk(t, from, k.value)
	}
	for _, item := range v.list() {
		r.walk(t, from, item)
	}
}

var cloudVariable = regexp.MustCompile(`\$\{([^!}][^}]*)\}`)

// call reads an intrinsic function; false where the walk has to go on into its
// arguments.
func (r *cloudReader) call(t *cloudTemplate, from, function string, v *tree) bool {
	switch function {
	case "Ref":
		r.need(t, from, v.str(), "Ref", v.line)
		return v.kind == scalarTree
	case "GetAtt":
		name, _, _ := strings.Cut(v.str(), ".")
		if items := v.list(); len(items) > 0 {
			name = items[0].str()
		}
		r.need(t, from, name, "GetAtt", v.line)
		return v.kind == scalarTree
	case "ImportValue":
		r.imported++
		return false
	case "Sub":
		text, own := v, (*tree)(nil)
		if items := v.list(); len(items) > 0 {
			text = items[0]
			if len(items) > 1 {
				own = items[1]
				r.walk(t, from, own)
			}
		}
		names := make(map[string]bool, len(own.entries()))
		for _, k := range own.entries() {
			names[k.name] = true
		}
		for _, m := range cloudVariable.FindAllStringSubmatch(text.str(), -1) {
			name, _, _ := strings.Cut(strings.TrimSpace(m[1]), ".")
			if !names[name] {
				r.need(t, from, name, "Sub", text.line)
			}
		}
		return true
	}
	return false
}

// need notes a reference to a resource. Parameters and the like are none.
func (r *cloudReader) need(t *cloudTemplate, from, on, rule string, line int) {
	if id := t.ids[on]; id != "" {
		r.d.Need(t.ids[from], id, Claim{At: t.file.at(line), Rule: rule})
	}
}
