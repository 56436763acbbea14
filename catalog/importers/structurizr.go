package importers

import (
	"bytes"
	"cmp"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/knockon/knockon/catalog"
	"github.com/knockon/knockon/catalog/unit"
)

// structurizr reads workspaces in JSON. Services are containers, and the software
// systems that have none; components belong to their container. What touches a system
// that has containers sums up what they do, and what touches people is no call.
//
// Source: https://github.com/structurizr/json
var structurizr = Format{
	Name:  "structurizr",
	Title: "Structurizr",
	What:  "a workspace in JSON; structurizr export -format json makes it of a DSL",
	detects: func(s *sample) bool {
		return s.json["model"] && (s.json["model.softwareSystems"] || s.json["model.people"] || s.json["views"]) || isStructurizrDSL(s)
	},
	reads: func(d *Draft, files []File, _ Options) {
		for _, f := range files {
			t, err := readJSONTree(f.Data)
			switch {
			case err != nil && f.Found && isStructurizrDSL(newSample(f)):
				d.Warnf(f.whole(), "structurizr export -workspace "+f.base()+" -format json", "this is the DSL, which only Structurizr can read; it is left out")
			case err != nil && isStructurizrDSL(newSample(f)):
				d.Errorf(f.whole(), "structurizr export -workspace "+f.base()+" -format json", "this is the DSL, which only Structurizr can read; export it to JSON")
			case err != nil:
				d.Errorf(f.whole(), "", "this is no workspace in JSON: %v", jsonError(err))
			default:
				r := &structurizrReader{d: d, f: f, elements: make(map[string]*structurizrElement)}
				r.read(t.get("model"))
			}
		}
	},
}

type structurizrElement struct {
	tree    *tree
	name    string
	parent  *structurizrElement
	kind    structurizrKind
	service *Service
	id      string // of the service
}

type structurizrKind uint8

const (
	structurizrPerson structurizrKind = iota
	structurizrSystem
	structurizrSummary // a system that has containers
	structurizrContainer
	structurizrComponent
	structurizrCustom
)

type structurizrReader struct {
	d        *Draft
	f        File
	order    []*structurizrElement
	elements map[string]*structurizrElement // by id
	summed   int
}

func (r *structurizrReader) add(t *tree, kind structurizrKind, parent *structurizrElement) *structurizrElement {
	e := &structurizrElement{tree: t, name: cleanName(t.get("name").str()), parent: parent, kind: kind}
	if id := t.get("id").str(); id != "" && r.elements[id] == nil {
		r.elements[id] = e
	}
	r.order = append(r.order, e)
	return e
}

func (r *structurizrReader) read(model *tree) {
	if model == nil {
		r.d.Errorf(r.f.whole(), "", "there is no model in this workspace")
		return
	}
	for _, t := range model.get("people").list() {
		r.add(t, structurizrPerson, nil)
	}
	for _, t := range model.get("customElements").list() {
		r.add(t, structurizrCustom, nil)
	}
	for _, t := range model.get("softwareSystems").list() {
		kind := structurizrSystem
		if len(t.get("containers").list()) > 0 {
			kind = structurizrSummary
		}
		system := r.add(t, kind, nil)
		for _, t := range t.get("containers").list() {
			container := r.add(t, structurizrContainer, system)
			for _, t := range t.get("components").list() {
				r.add(t, structurizrComponent, container)
			}
		}
	}
	r.name()
	for _, e := range r.order {
		if e.id != "" {
			r.describe(e)
		}
	}
	for _, e := range r.order {
		r.relate(e)
	}
	if r.summed > 0 {
		r.d.Warnf(r.f.whole(), "draw them between containers where they are missing there",
			"%s from or to a system that has containers, and left out: containers say the same in detail", plural(r.summed, "relationship is", "relationships are"))
	}
	r.deploy(model)
}

// name gives services their IDs: names are unique within a system only.
func (r *structurizrReader) name() {
	count := make(map[string]int)
	for _, e := range r.order {
		if e.isService() {
			count[e.name]++
		}
	}
	for _, e := range r.order {
		if !e.isService() {
			continue
		}
		e.id = e.name
		if count[e.name] > 1 && e.parent != nil {
			e.id = cleanName(e.parent.name + "/" + e.name)
		}
	}
}

func (e *structurizrElement) isService() bool {
	return (e.kind == structurizrContainer || e.kind == structurizrSystem) && e.name != ""
}

func (r *structurizrReader) describe(e *structurizrElement) {
	s := r.d.Declare(e.id, r.f.at(e.tree.line))
	e.service = s
	s.Description = e.tree.get("description").str()
	property := func(name string) string { return e.tree.get("properties", name).str() }
	s.Title = property("title")
	s.Owner = cmp.Or(property("owner"), property("team"))
	s.Group = cleanGroup(strings.Split(e.tree.get("group").str(), "/")...)
	if s.Group == "" && e.parent != nil {
		s.Group = cleanGroup(e.parent.name)
	}
	if tier, err := strconv.ParseInt(property("tier"), 10, 8); err == nil && tier >= 0 {
		s.Tier = unit.Value[int64]{V: tier, Evidence: unit.Stated}
	}
	if i := slices.Index(catalog.KindWords, property("kind")); i >= 0 {
		s.Kind = catalog.Kind(i)
		return
	}
	tags := strings.Split(e.tree.get("tags").str(), ",")
	for _, tag := range []struct {
		word string
		kind catalog.Kind
	}{{"Database", catalog.KindDatabase}, {"Queue", catalog.KindQueue}, {"Message Bus", catalog.KindQueue}, {"Cache", catalog.KindCache}, {"Existing System", catalog.KindExternal}, {"External", catalog.KindExternal}} {
		if s.Kind == catalog.KindService && slices.ContainsFunc(tags, func(t string) bool { return strings.EqualFold(strings.TrimSpace(t), tag.word) }) {
			s.Kind, s.KindGuess = tag.kind, "from the tag "+tag.word
		}
	}
	for word := range strings.FieldsSeq(strings.NewReplacer(",", " ", "/", " ", "(", " ", ")", " ").Replace(e.tree.get("technology").str())) {
		s.guessKind(word, "from the technology "+cleanName(word))
	}
}

// relate reads what an element uses.
func (r *structurizrReader) relate(e *structurizrElement) {
	for _, t := range e.tree.get("relationships").list() {
		if t.get("linkedRelationshipId").str() != "" {
			continue // implied by another
		}
		from, on := e, r.elements[t.get("destinationId").str()]
		if source := r.elements[t.get("sourceId").str()]; source != nil {
			from = source
		}
		if on == nil {
			continue // an instance, or nothing
		}
		if from.kind == structurizrSummary || on.kind == structurizrSummary {
			if from.kind != structurizrPerson && on.kind != structurizrPerson {
				r.summed++
			}
			continue
		}
		if from.kind == structurizrComponent {
			from = from.parent
		}
		if on.kind == structurizrComponent {
			on = on.parent
		}
		if on.id != "" && from.kind == structurizrPerson {
			r.d.Enter(on.id)
		}
		if from.id == "" || on.id == "" {
			continue
		}
		c := Claim{At: r.f.at(t.line), For: t.get("description").str(), Rule: cleanText(t.get("technology").str())}
		if t.get("interactionStyle").str() == "Asynchronous" {
			c.Mode, c.Known = catalog.Async, unit.Stated
		}
		r.d.Need(from.id, on.id, c)
	}
}

// deploy takes over how often a container is deployed, in the environment that has
// most of it.
func (r *structurizrReader) deploy(model *tree) {
	counts := make(map[[2]string]int64) // by container and environment
	var walk func(t *tree, environment string, times int64)
	walk = func(t *tree, environment string, times int64) { // no deeper than trees are
		if n, err := strconv.ParseInt(t.get("instances").str(), 10, 32); err == nil && n > 1 {
			times = min(times*n, 1_000_000)
		}
		for _, instance := range append(slices.Clone(t.get("containerInstances").list()), t.get("softwareSystemInstances").list()...) {
			id := cmp.Or(instance.get("containerId").str(), instance.get("softwareSystemId").str())
			key := [2]string{id, environment}
			counts[key] = min(counts[key]+times, 1_000_000)
		}
		for _, child := range t.get("children").list() {
			walk(child, environment, times)
		}
	}
	for _, t := range model.get("deploymentNodes").list() {
		walk(t, t.get("environment").str(), 1)
	}
	for key, n := range counts { // the largest counts, in whatever order
		e := r.elements[key[0]]
		if e == nil || e.service == nil || n < 2 || n <= e.service.Replicas.V {
			continue
		}
		e.service.Replicas = unit.Value[int64]{V: n, Evidence: unit.Stated}
	}
}

var structurizrDSL = regexp.MustCompile(`(?m)^\s*workspace\b[^{\n]*\{\s*$`)

func isStructurizrDSL(s *sample) bool {
	return s.json == nil && structurizrDSL.Match(s.head) && bytes.Contains(s.head, []byte("model"))
}
