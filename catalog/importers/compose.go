package importers

import (
	"fmt"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/knockon/knockon/catalog"
	"github.com/knockon/knockon/catalog/diag"
	"github.com/knockon/knockon/catalog/unit"
)

// compose reads Docker Compose files.
//
// What a service names in depends_on is the order in which things start, and no
// call; an address in its environment is a call that nobody has declared. The two
// are kept apart, and a need that both speak of is one to serve.
//
// Source: https://github.com/compose-spec/compose-spec/blob/main/05-services.md and
// 12-interpolation.md.
var compose = Format{
	Name:  "compose",
	Title: "Docker Compose",
	What:  "compose.yaml and the files layered on it; .env where it is used",
	detects: func(s *sample) bool {
		if isDotEnv(s.File) {
			return true
		}
		if !s.yaml["services"] && !s.json["services"] || s.yaml["apiVersion"] || s.json["apiVersion"] || s.json["bomFormat"] {
			return false
		}
		return strings.Contains(s.base(), "compose") || regexpComposeBody.Match(s.head)
	},
	reads: readCompose,
}

var regexpComposeBody = regexp.MustCompile(`(?m)^[ \t]+["']?(image|build|depends_on|container_name)["']?[ \t]*:`)

func isDotEnv(f File) bool { return f.base() == ".env" || path.Ext(f.base()) == ".env" }

// composeService is one service, all files merged.
type composeService struct {
	name     string
	at       diag.Span
	image    string
	env      []variable // by name, in the order of the files
	edges    []composeEdge
	aliases  []string
	replicas int64
}

// variable is one variable of an environment. Its value may be a secret.
type variable struct {
	name, value string
	at          diag.Span
}

// composeEdge is one name under depends_on, links or network_mode.
type composeEdge struct {
	on, rule string
	to       catalog.Purpose
	at       diag.Span
}

type composeReader struct {
	d        *Draft
	files    []File
	env      map[string]string // of interpolation
	services []*composeService // in the order of the files
	byName   map[string]*composeService
	unset    []string // variables that nothing sets
	extends  int

	envFiles map[string][]variable // files of variables, by path
	unread   []string              // env_file that were not named
}

func readCompose(d *Draft, files []File, _ Options) {
	r := &composeReader{d: d, env: make(map[string]string), byName: make(map[string]*composeService), envFiles: make(map[string][]variable)}
	for _, f := range files {
		if isDotEnv(f) {
			variables := readDotEnv(f, r.env)
			r.envFiles[path.Clean(f.Name)] = variables
			for _, v := range variables {
				r.env[v.name] = v.value
			}
			continue
		}
		r.files = append(r.files, f)
	}
	if len(r.files) == 0 && len(files) > 0 {
		d.Errorf(files[0].whole(), "name the Compose file too", "a file of variables says nothing by itself")
		return
	}
	r.choose()
	for _, f := range r.files {
		r.read(f)
	}
	r.link()
}

// choose keeps, of the Compose files that were found in a folder, those that Docker
// would take there: what COMPOSE_FILE names, else the first of the usual names and
// its override. Where there is none of these, all of them count.
func (r *composeReader) choose() {
	folders := make(map[string][]string) // names of the files in a folder
	for _, f := range r.files {
		if f.Found {
			folders[f.folder()] = append(folders[f.folder()], f.base())
		}
	}
	var left []string
	r.files = slices.DeleteFunc(r.files, func(f File) bool {
		if !f.Found {
			return false
		}
		chosen := r.chosen(folders[f.folder()])
		if len(chosen) == 0 || slices.Contains(chosen, f.base()) {
			return false
		}
		left = append(left, f.Name)
		return true
	})
	if len(left) > 0 {
		r.d.Warnf(diag.Span{File: left[0]}, "name the files that are layered, in their order",
			"%s left out, as Docker would: %s", plural(len(left), "Compose file is", "Compose files are"), strings.Join(left[:min(len(left), 5)], ", "))
	}
}

func (r *composeReader) chosen(names []string) []string {
	if set := r.env["COMPOSE_FILE"]; set != "" {
		return strings.FieldsFunc(set, func(c rune) bool { return c == ':' || c == ';' })
	}
	for _, stem := range []string{"compose", "docker-compose"} {
		for _, ext := range []string{".yaml", ".yml"} {
			if slices.Contains(names, stem+ext) {
				return []string{stem + ext, stem + ".override.yaml", stem + ".override.yml"}
			}
		}
	}
	return nil
}

// service returns the service of a name, made where it is new.
func (r *composeReader) service(name string, at diag.Span) *composeService {
	if s := r.byName[name]; s != nil {
		return s
	}
	s := &composeService{name: name, at: at}
	r.byName[name] = s
	r.services = append(r.services, s)
	return s
}

func (r *composeReader) read(f File) {
	docs, err := readTrees(f.Data)
	if err != nil {
		r.d.Errorf(f.whole(), "", "this is no Compose file: %v", err)
		return
	}
	found := false
	for _, doc := range docs {
		services := doc.get("services")
		found = found || services != nil
		if len(services.entries()) > maxServices {
			r.d.Errorf(f.at(services.line), "", "more than %d services", maxServices)
			return
		}
		for _, k := range services.entries() {
			r.readService(f, k.name, k.value, f.at(k.line), doc)
		}
		for _, x := range doc.get("include").list() {
			for _, p := range append(x.strs(), x.get("path").strs()...) {
				if !r.isNamed(f, p.text) {
					r.d.Warnf(f.at(p.line), "name it too", "what %q includes is not read: only files that were named are", p.text)
				}
			}
		}
		warnOfKeys(r.d, f, doc, "a Compose file", []string{"services", "version", "name", "include", "networks", "volumes", "configs", "secrets", "models"})
	}
	if !found {
		r.d.Errorf(f.whole(), `a Compose file has a key "services"`, "there are no services in this file")
	}
}

// isNamed reports whether a path, as it stands in a file, is one of the files at hand.
func (r *composeReader) isNamed(f File, p string) bool { return r.named(f, p) != nil }

func (r *composeReader) named(f File, p string) *File {
	p = path.Join(f.folder(), p)
	for i := range r.files {
		if path.Clean(r.files[i].Name) == p {
			return &r.files[i]
		}
	}
	return nil
}

var composeServiceKeys = []string{"image", "build", "depends_on", "links", "environment", "env_file", "network_mode", "container_name", "hostname", "networks", "deploy", "scale", "healthcheck", "ports", "restart", "command", "volumes", "labels", "profiles", "extends", "entrypoint", "expose", "logging"}

func (r *composeReader) readService(f File, name string, t *tree, at diag.Span, doc *tree) {
	s := r.service(name, at)
	r.inherit(f, s, t, doc, 0)
	warnOfKeys(r.d, f, t, "service "+strconv.Quote(name), composeServiceKeys)
	if t.get("image") != nil {
		s.image = r.quietly(t.get("image").str())
	}
	for _, key := range []string{"container_name", "hostname"} {
		if v := r.expand(t.get(key).str()); v != "" {
			s.aliases = append(s.aliases, v)
		}
	}
	for _, network := range t.get("networks").entries() {
		for _, alias := range network.value.get("aliases").strs() {
			s.aliases = append(s.aliases, r.expand(alias.text))
		}
	}
	for _, v := range []*tree{t.get("scale"), t.get("deploy", "replicas")} {
		if n, err := strconv.ParseInt(r.expand(v.str()), 10, 32); err == nil && n > 0 {
			s.replicas = n
		}
	}
	r.environment(f, s, t)

	dependsOn := t.get("depends_on")
	if dependsOn != nil && (dependsOn.tag == "!reset" || dependsOn.tag == "!override") {
		s.edges = slices.DeleteFunc(s.edges, func(e composeEdge) bool { return e.to == catalog.ToStart })
	}
	if dependsOn != nil && dependsOn.tag != "!reset" {
		for _, on := range dependsOn.strs() {
			s.edges = append(s.edges, composeEdge{r.expand(on.text), "depends_on", catalog.ToStart, f.at(on.line)})
		}
		for _, on := range dependsOn.entries() {
			rule := "depends_on"
			if on.value.get("condition").str() == "service_healthy" {
				rule += ", healthy"
			}
			s.edges = append(s.edges, composeEdge{on.name, rule, catalog.ToStart, f.at(on.line)})
		}
	}
	for _, link := range t.get("links").strs() {
		on, _, _ := strings.Cut(r.expand(link.text), ":")
		s.edges = append(s.edges, composeEdge{on, "links", catalog.ToServe, f.at(link.line)})
	}
	if mode := t.get("network_mode"); mode != nil {
		if on, ok := strings.CutPrefix(r.expand(mode.str()), "service:"); ok {
			s.edges = append(s.edges, composeEdge{on, "network_mode", catalog.ToServe, f.at(mode.line)})
		}
	}
}

// inherit takes over what a service extends. Files that were not named are not read.
func (r *composeReader) inherit(f File, s *composeService, t, doc *tree, depth int) {
	extends := t.get("extends")
	if extends == nil || depth > 8 {
		return
	}
	name, file := extends.get("service").str(), r.expand(extends.get("file").str())
	if extends.kind == scalarTree {
		name = extends.text
	}
	if file != "" && path.Join(f.folder(), file) != path.Clean(f.Name) {
		other := r.named(f, file)
		if other == nil {
			r.d.Warnf(f.at(extends.line), "name it too", "%q extends a service of %q, which is not read: only files that were named are", s.name, file)
			return
		}
		docs, err := readTrees(other.Data)
		if r.extends++; err != nil || len(docs) == 0 || r.extends > 100 {
			return
		}
		f, doc = *other, docs[0]
	}
	base := doc.get("services", name)
	if base == nil || base == t {
		return
	}
	r.inherit(f, s, base, doc, depth+1)
	if image := base.get("image").str(); image != "" {
		s.image = r.quietly(image)
	}
	r.environment(f, s, base)
}

// environment adds the variables of a service, interpolated.
func (r *composeReader) environment(f File, s *composeService, t *tree) {
	set := func(name, value string, at diag.Span) {
		v := variable{name, value, at}
		if i := slices.IndexFunc(s.env, func(x variable) bool { return x.name == name }); i >= 0 {
			s.env[i] = v
		} else if len(s.env) < 10_000 {
			s.env = append(s.env, v)
		}
	}
	files := t.get("env_file").strs()
	for _, x := range t.get("env_file").list() {
		if p := x.get("path"); p != nil {
			files = append(files, p)
		}
	}
	for _, p := range files {
		variables, named := r.envFiles[path.Join(f.folder(), r.expand(p.str()))]
		if !named {
			r.unread = append(r.unread, r.expand(p.str()))
		}
		for _, v := range variables {
			set(v.name, v.value, v.at)
		}
	}
	env := t.get("environment")
	for _, item := range env.strs() {
		name, value, has := strings.Cut(item.text, "=")
		name = r.expand(name)
		if !has {
			value, has = r.env[name]
		} else {
			value = r.expand(value)
		}
		if has {
			set(name, value, f.at(item.line))
		}
	}
	for _, k := range env.entries() {
		value := r.expand(k.value.str())
		if k.value.kind == nullTree {
			value = r.env[k.name]
		}
		set(k.name, value, f.at(k.line))
	}
}

// link turns what was read into services and needs.
func (r *composeReader) link() {
	names := make(map[string]string) // by what they are called in addresses
	for _, s := range r.services {
		for _, alias := range s.aliases {
			names[strings.ToLower(alias)] = s.name
		}
	}
	for _, s := range r.services {
		names[strings.ToLower(s.name)] = s.name // a service's own name wins
	}
	declared := make([]string, 0, len(r.services))
	for _, s := range r.services {
		declared = append(declared, s.name)
		x := r.d.Declare(s.name, s.at)
		x.guessKind(imageName(s.image), "from the image "+imageName(s.image))
		x.guessKind(s.name, "from its name")
		if s.replicas > 0 {
			x.Replicas = unit.Value[int64]{V: s.replicas, Evidence: unit.Stated}
		}
		for _, v := range s.env {
			if v.name != "OTEL_RESOURCE_ATTRIBUTES" {
				continue
			}
			for attribute := range strings.SplitSeq(v.value, ",") {
				if word, ok := strings.CutPrefix(attribute, "service.criticality="); ok {
					x.Tier = criticality(word, place(v.at)+": service.criticality="+cleanName(word))
				}
			}
		}
	}
	for _, s := range r.services {
		for _, e := range s.edges {
			if r.byName[e.on] == nil {
				r.d.Warnf(e.at, r.d.suggest(e.on, declared), "%q names %q in %s, and there is no such service", s.name, e.on, strings.SplitN(e.rule, ",", 2)[0])
			}
			known := unit.Stated
			if e.to == catalog.ToServe {
				known = unit.NotStated
			}
			r.d.Need(s.name, e.on, Claim{At: e.at, Rule: e.rule, To: e.to, Known: known})
		}
		for _, v := range s.env {
			for _, host := range hostsIn(v.value) {
				if on, ok := names[strings.ToLower(host)]; ok {
					r.d.Need(s.name, on, r.called(on, v))
				}
			}
		}
	}
	r.warnOfStartOrder()
	r.warnOfUnset()
}

var telemetry = regexp.MustCompile(`^(OTEL_(EXPORTER|COLLECTOR)|PUBLIC_OTEL_|JAEGER_(AGENT|ENDPOINT)|ZIPKIN_|DD_(AGENT|TRACE)|STATSD_)`)

// called is what a variable with an address says of the need for the one it names.
func (r *composeReader) called(on string, v variable) Claim {
	c := Claim{At: v.at, Rule: "env " + cleanName(v.name), Inferred: true}
	switch {
	case telemetry.MatchString(v.name):
		c.Mode, c.For, c.Known, c.Guess = catalog.Async, "telemetry", unit.Guess, "async, from the variable's name"
	case r.d.Service(on).Kind == catalog.KindQueue:
		c.Mode, c.Known, c.Guess = catalog.Async, unit.Guess, "async, as the target is a queue"
	}
	return c
}

// warnOfStartOrder says once which needs are known from the order of starting only.
func (r *composeReader) warnOfStartOrder() {
	var only []string
	total := 0
	var first diag.Span
	for _, s := range r.services {
		for _, e := range s.edges {
			n := r.d.needs[edge{s.name, e.on}]
			if n == nil || slices.ContainsFunc(n.Claims, func(c Claim) bool { return c.To == catalog.ToServe }) {
				continue
			}
			if total++; len(only) < 3 {
				only = append(only, s.name+" → "+e.on)
			}
			if first.IsZero() {
				first = e.at
			}
		}
	}
	if total > 0 {
		r.d.Warnf(first, `where one is also called, take to = "start" out`,
			"depends_on is the order of starting, not a call: %s known only from it (%s)", plural(total, "need is", "needs are"), strings.Join(only, ", "))
	}
}

func (r *composeReader) warnOfUnset() {
	if len(r.unread) > 0 {
		r.d.Warnf(r.files[0].whole(), "name them too", "%s not read, because only files that were named are: %s",
			plural(len(r.unread), "env_file is", "env_files are"), cleanText(strings.Join(r.unread[:min(len(r.unread), 5)], ", ")))
	}
	if len(r.unset) == 0 || len(r.files) == 0 {
		return
	}
	slices.Sort(r.unset)
	unset := slices.Compact(r.unset)
	shown := unset[:min(len(unset), 5)]
	r.d.Warnf(r.files[0].whole(), "name the .env file too, if there is one",
		"%s used and not set (%s), so addresses in them are not seen", plural(len(unset), "variable is", "variables are"), strings.Join(shown, ", "))
}

// plural prints "1 need is" or "3 needs are".
func plural(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, many)
}

// expand interpolates variables.
func (r *composeReader) expand(s string) string {
	return interpolate(s, r.env, func(name string) {
		if len(r.unset) < 1000 {
			r.unset = append(r.unset, cleanName(name))
		}
	})
}

// quietly interpolates what holds no address.
func (r *composeReader) quietly(s string) string {
	return interpolate(s, r.env, func(string) {})
}

// warnOfKeys reports keys that nobody knows and that are spelt like one that is.
func warnOfKeys(d *Draft, f File, t *tree, in string, known []string) {
	for _, k := range t.entries() {
		if slices.Contains(known, k.name) || strings.HasPrefix(k.name, "x-") {
			continue
		}
		if near := diag.Nearest(k.name, known); near != "" {
			d.Warnf(f.at(k.line), "did you mean "+strconv.Quote(near)+"?", "unknown key %q in %s", cleanName(k.name), in)
		}
	}
}
