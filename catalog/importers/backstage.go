package importers

import (
	"cmp"
	"path"
	"slices"
	"strconv"
	"strings"

	"github.com/knockon/knockon/catalog"
	"github.com/knockon/knockon/catalog/diag"
	"github.com/knockon/knockon/catalog/unit"
)

// backstage reads the entities of a software catalog: components and resources are
// services, APIs lead from who consumes them to who provides them, systems and
// domains are groups.
//
// Source: https://backstage.io/docs/features/software-catalog/descriptor-format and
// BuiltinKindsEntityProcessor.ts in backstage/backstage.
var backstage = Format{
	Name:  "backstage",
	Title: "Backstage",
	What:  "catalog-info.yaml, a folder of them, or GET /api/catalog/entities",
	detects: func(s *sample) bool {
		if s.has("[].kind", "[].metadata.name", "[].apiVersion") || s.has("items[].kind", "items[].metadata.name", "items[].apiVersion") || s.has("kind", "metadata.name", "apiVersion") {
			return strings.Contains(string(s.head), "backstage.io/")
		}
		if !s.yaml["apiVersion"] || !s.yaml["kind"] {
			return false
		}
		return slices.ContainsFunc(backstageKinds, func(kind string) bool { return s.kinds["kind="+kind] })
	},
	reads: readBackstage,
}

var backstageKinds = []string{"Component", "Resource", "API", "System", "Domain", "Group", "User", "Location", "Template"}

// entity is one Backstage entity.
type entity struct {
	kind, namespace, name string // in lower case, as references are compared
	written               string // the name as it is written
	file                  File
	at                    diag.Span
	spec, metadata        *tree
	relations             *tree
	service               string // its ID, of components and resources
}

func (e *entity) ref() string { return e.kind + ":" + e.namespace + "/" + e.name }

func (e *entity) isService() bool { return e.kind == "component" || e.kind == "resource" }

type backstageReader struct {
	d         *Draft
	entities  []*entity
	byRef     map[string]*entity
	providers map[string][]*entity // of an API, by its ref
	names     []string             // of services, to suggest
	isName    map[string]bool
}

func readBackstage(d *Draft, files []File, o Options) {
	r := &backstageReader{d: d, byRef: make(map[string]*entity), providers: make(map[string][]*entity), isName: make(map[string]bool)}
	for _, f := range files {
		docs, err := readTrees(f.Data)
		if err != nil {
			if strings.Contains(string(f.Data), "${{") {
				continue // the skeleton of a template, which is no YAML yet
			}
			d.Errorf(f.whole(), "", "this is no Backstage entity: %v", err)
			continue
		}
		for _, doc := range docs {
			items := doc.list()
			if list := doc.get("items").list(); len(list) > 0 {
				items = list
			}
			if len(items) == 0 {
				items = []*tree{doc}
			}
			for _, item := range items {
				r.add(f, item)
			}
		}
	}
	r.name()
	for _, e := range r.entities {
		r.describe(e, o)
	}
	for _, e := range r.entities {
		r.relate(e)
	}
	r.warnOfLocations(files)
}

// add takes one entity in, unless it is one of a template's skeleton.
func (r *backstageReader) add(f File, t *tree) {
	kind, name := t.get("kind").str(), t.get("metadata", "name").str()
	if !slices.Contains(backstageKinds, kind) || name == "" || strings.Contains(name, "${{") {
		return
	}
	e := &entity{
		kind: strings.ToLower(kind), name: strings.ToLower(name), written: cleanName(name),
		namespace: strings.ToLower(cmp.Or(t.get("metadata", "namespace").str(), "default")),
		file:      f, at: f.at(t.get("metadata", "name").line),
		spec: t.get("spec"), metadata: t.get("metadata"), relations: t.get("relations"),
	}
	if first := r.byRef[e.ref()]; first != nil {
		r.d.Faults.Add(diag.Diagnostic{
			Severity: diag.Warning, Span: e.at, Message: "the entity " + cleanName(e.ref()) + " is declared twice; the first counts",
			Related: []diag.Related{{Span: first.at, Note: "first declared here"}},
		})
		return
	}
	r.byRef[e.ref()] = e
	r.entities = append(r.entities, e)
}

// name gives every component and resource its ID: its name, or the whole reference
// where two share one.
func (r *backstageReader) name() {
	count := make(map[string]int)
	for _, e := range r.entities {
		if e.isService() {
			count[e.name]++
		}
	}
	for _, e := range r.entities {
		if !e.isService() {
			continue
		}
		e.service = e.written
		if id := e.metadata.get("annotations", "knockon.github.io/id").str(); id != "" {
			e.service = cleanName(id) // as our own export keeps it
		}
		if count[e.name] > 1 && e.service == e.written {
			e.service = e.kind + ":" + e.namespace + "/" + e.written
		}
		r.names = append(r.names, e.service)
		r.isName[e.service] = true
	}
}

// backstageTypes are common values of spec.type, and what they are here.
var backstageTypes = map[string]catalog.Kind{
	"website": catalog.KindApplication, "frontend": catalog.KindApplication, "app": catalog.KindApplication, "mobile-app": catalog.KindApplication,
	"database": catalog.KindDatabase, "db": catalog.KindDatabase, "sql": catalog.KindDatabase, "storage": catalog.KindDatabase,
	"s3-bucket": catalog.KindDatabase, "s3": catalog.KindDatabase, "bucket": catalog.KindDatabase, "rds": catalog.KindDatabase,
	"queue": catalog.KindQueue, "message-queue": catalog.KindQueue, "message-broker": catalog.KindQueue, "broker": catalog.KindQueue,
	"topic": catalog.KindQueue, "kafka-topic": catalog.KindQueue, "stream": catalog.KindQueue, "event-bus": catalog.KindQueue,
	"cache": catalog.KindCache, "gateway": catalog.KindGateway, "load-balancer": catalog.KindGateway, "dns": catalog.KindDNS,
	"tool": catalog.KindTool, "worker": catalog.KindWorker, "job": catalog.KindWorker, "cronjob": catalog.KindWorker,
}

// describe declares the service of an entity.
func (r *backstageReader) describe(e *entity, o Options) {
	for _, api := range e.spec.get("providesApis").strs() {
		r.provide(e, r.resolve(e, api.text, "api"))
	}
	for _, x := range e.relations.list() {
		ref := relationTarget(x)
		switch x.get("type").str() {
		case "providesApi":
			r.provide(e, r.resolve(e, ref, "api"))
		case "apiProvidedBy":
			if provider := r.byRef[r.resolve(e, ref, "component")]; provider != nil {
				r.provide(provider, e.ref())
			}
		}
	}
	if !e.isService() {
		return
	}
	s := r.d.Declare(e.service, e.at)
	s.Title = e.metadata.get("title").str()
	s.Description = e.metadata.get("description").str()
	s.Owner = r.owner(e)
	kind := strings.ToLower(e.spec.get("type").str())
	if k, ok := backstageTypes[kind]; ok {
		s.Kind = k
	} else {
		s.guessKind(kind, "from its type "+cleanName(kind))
	}
	s.Group = r.group(e)
	if o.TierKey != "" {
		for _, from := range []string{"annotations", "labels"} {
			if v := e.metadata.get(from, o.TierKey); v != nil {
				s.Tier = tierOf(v.str(), place(e.file.at(v.line))+": "+cleanName(o.TierKey))
			}
		}
	}
	r.warnOfSpec(e)
}

// tierOf reads a tier that somebody has written as he liked: "1", "tier-1",
// "critical".
func tierOf(text, source string) unit.Value[int64] {
	text = strings.TrimSpace(text)
	if i := strings.LastIndexFunc(text, func(c rune) bool { return c < '0' || c > '9' }); i < len(text)-1 {
		if n, err := strconv.ParseInt(text[i+1:], 10, 64); err == nil && n <= 9 {
			return unit.Value[int64]{V: n, Evidence: unit.Documented, Source: source}
		}
	}
	return criticality(text, source)
}

func (r *backstageReader) provide(e *entity, api string) {
	if e.isService() && !slices.Contains(r.providers[api], e) {
		r.providers[api] = append(r.providers[api], e)
	}
}

// owner is spec.owner without what goes without saying.
func (r *backstageReader) owner(e *entity) string {
	owner := e.spec.get("owner").str()
	for _, x := range e.relations.list() {
		if owner == "" && x.get("type").str() == "ownedBy" {
			owner = relationTarget(x)
		}
	}
	if rest, ok := strings.CutPrefix(strings.ToLower(owner), "group:"); ok {
		owner = owner[len(owner)-len(rest):]
	}
	return strings.TrimPrefix(owner, "default/")
}

// group is the path of the domain and the system of an entity.
func (r *backstageReader) group(e *entity) string {
	system := e.spec.get("system").str()
	for _, x := range e.relations.list() {
		if ref := relationTarget(x); system == "" && x.get("type").str() == "partOf" && strings.HasPrefix(strings.ToLower(ref), "system:") {
			system = ref
		}
	}
	if system == "" {
		return ""
	}
	domain := ""
	if s := r.byRef[r.resolve(e, system, "system")]; s != nil {
		system = s.written
		domain = s.spec.get("domain").str()
	}
	return cleanGroup(shortRef(domain), shortRef(system))
}

// shortRef is the name in a reference.
func shortRef(ref string) string { return ref[strings.LastIndexAny(ref, ":/")+1:] }

// relationTarget is the reference of a resolved relation, in either of its forms.
func relationTarget(x *tree) string {
	if ref := x.get("targetRef").str(); ref != "" {
		return ref
	}
	t := x.get("target")
	if t.get("name") == nil {
		return t.str()
	}
	return t.get("kind").str() + ":" + cmp.Or(t.get("namespace").str(), "default") + "/" + t.get("name").str()
}

// resolve makes a whole reference of one as it is written: [kind:][namespace/]name.
// The namespace is that of the entity in which it stands.
func (r *backstageReader) resolve(e *entity, ref, kind string) string {
	ref = strings.ToLower(strings.TrimSpace(ref))
	if before, after, ok := strings.Cut(ref, ":"); ok {
		kind, ref = before, after
	}
	namespace, name := e.namespace, ref
	if before, after, ok := strings.Cut(ref, "/"); ok {
		namespace, name = before, after
	}
	return kind + ":" + namespace + "/" + name
}

// relate adds the needs of an entity.
func (r *backstageReader) relate(e *entity) {
	if !e.isService() {
		return
	}
	for _, on := range e.spec.get("dependsOn").strs() {
		r.need(e, r.target(e, on.text, "dependsOn", on.line), Claim{At: e.file.at(on.line), Rule: "dependsOn"})
	}
	for _, by := range e.spec.get("dependencyOf").strs() {
		if from := r.target(e, by.text, "dependencyOf", by.line); from != "" {
			r.d.Need(from, e.service, Claim{At: e.file.at(by.line), Rule: "dependencyOf"})
		}
	}
	for _, api := range e.spec.get("consumesApis").strs() {
		r.consume(e, api.text, e.file.at(api.line), "consumesApis")
	}
	for _, x := range e.relations.list() {
		ref, at := relationTarget(x), e.file.at(x.line)
		switch x.get("type").str() {
		case "dependsOn":
			r.need(e, r.target(e, ref, "dependsOn", x.line), Claim{At: at, Rule: "relation dependsOn"})
		case "dependencyOf":
			if from := r.target(e, ref, "dependencyOf", x.line); from != "" {
				r.d.Need(from, e.service, Claim{At: at, Rule: "relation dependencyOf"})
			}
		case "consumesApi":
			r.consume(e, ref, at, "relation consumesApi")
		}
	}
}

func (r *backstageReader) need(e *entity, on string, c Claim) {
	if on != "" {
		r.d.Need(e.service, on, c)
	}
}

// target is the service that a reference means. One that no file declares is kept
// under its name, with a warning.
func (r *backstageReader) target(e *entity, ref, field string, line int) string {
	if strings.Contains(ref, "${{") || strings.TrimSpace(ref) == "" {
		return ""
	}
	at := e.file.at(line)
	if !strings.Contains(ref, ":") {
		found := cmp.Or(r.byRef[r.resolve(e, ref, "component")], r.byRef[r.resolve(e, ref, "resource")])
		if found != nil {
			r.d.Warnf(at, "write "+strconv.Quote(found.kind+":"+cleanName(ref)), "%q in %s has no kind, and Backstage rejects the entity", cleanName(ref), field)
			return found.service
		}
	} else if found := r.byRef[r.resolve(e, ref, "")]; found != nil {
		switch {
		case found.isService():
			return found.service
		case found.kind == "api":
			r.consume(e, ref, at, field)
		default:
			r.d.Warnf(at, "name the component or resource of it that is needed", "%s names %q, which is no service", field, cleanName(ref))
		}
		return ""
	}
	r.d.Warnf(at, r.d.suggest(shortRef(ref), r.names), "%q of %s is declared nowhere", cleanName(ref), field)
	return shortRef(ref)
}

// consume adds the needs for all who provide an API.
func (r *backstageReader) consume(e *entity, ref string, at diag.Span, field string) {
	if strings.Contains(ref, "${{") || strings.TrimSpace(ref) == "" {
		return
	}
	whole := r.resolve(e, ref, "api")
	if !strings.HasPrefix(whole, "api:") {
		r.need(e, r.target(e, ref, field, at.Line), Claim{At: at, Rule: field})
		return
	}
	providers := r.providers[whole]
	for _, p := range providers {
		r.d.Need(e.service, p.service, Claim{At: at, Rule: field + " " + shortRef(cleanName(ref))})
	}
	switch {
	case len(providers) > 0:
	case r.isName[shortRef(ref)]:
		r.d.Warnf(at, "", "nobody provides the API %q; there is a service of that name, which does not say that it does", cleanName(ref))
	default:
		r.d.Warnf(at, "add it to providesApis of the component that does", "nobody provides the API %q, so it is not known whom %q needs", cleanName(ref), e.service)
		r.d.Need(e.service, shortRef(ref), Claim{At: at, Rule: field + ", which nobody provides"})
	}
}

var specKeys = []string{
	"type", "lifecycle", "owner", "system", "subcomponentOf", "providesApis", "consumesApis", "dependsOn", "dependencyOf", "profile", "domain", "presence",
}

// ignored are keys that people write and Backstage passes over.
var ignored = map[string]string{
	"apiConsumedBy": "write consumesApis in the component that consumes it",
	"apiProvidedBy": "write providesApis in the component that provides it",
	"dependencies":  "write dependsOn",
	"dependents":    "write dependencyOf",
}

func (r *backstageReader) warnOfSpec(e *entity) {
	for _, k := range e.spec.entries() {
		if help, ok := ignored[k.name]; ok {
			r.d.Warnf(e.file.at(k.line), help, "Backstage ignores %q", k.name)
		}
	}
	warnOfKeys(r.d, e.file, e.spec, "spec of "+strconv.Quote(e.service), specKeys)
}

// warnOfLocations says once that what locations point at was not read.
func (r *backstageReader) warnOfLocations(files []File) {
	var missing []string
	var at diag.Span
	for _, e := range r.entities {
		if e.kind != "location" {
			continue
		}
		for _, t := range append(e.spec.get("target").strs(), e.spec.get("targets").strs()...) {
			p := path.Join(e.file.folder(), t.text)
			named := slices.ContainsFunc(files, func(f File) bool {
				ok, _ := path.Match(p, path.Clean(f.Name))
				return ok
			})
			if !named {
				if at.IsZero() {
					at = e.file.at(t.line)
				}
				missing = append(missing, cleanName(t.text))
			}
		}
	}
	if len(missing) > 0 {
		r.d.Warnf(at, "name them, or the folder they are in", "%s not read, because only what was named is: %s",
			plural(len(missing), "target of a Location is", "targets of Locations are"), strings.Join(missing[:min(len(missing), 3)], ", "))
	}
}
