package importers

import (
	"bytes"
	"cmp"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/knockon/knockon/catalog"
	"github.com/knockon/knockon/catalog/diag"
	"github.com/knockon/knockon/catalog/unit"
)

// kubernetes reads manifests: workloads are services, and an address in a variable or
// an argument leads through a Service and its selector to the workloads behind it.
//
// Addresses in ConfigMaps, and what policies of networks let through, are kept apart
// as inferred. Secrets are not looked into.
//
// Source: https://kubernetes.io/docs/reference/kubernetes-api/ and, for names in DNS,
// https://kubernetes.io/docs/concepts/services-networking/dns-pod-service/
var kubernetes = Format{
	Name:  "kubernetes",
	Title: "Kubernetes",
	What:  "manifests, what helm template prints, or kubectl get -o json",
	detects: func(s *sample) bool {
		if s.has("apiVersion", "kind") {
			return s.json["items"] || s.json["metadata"]
		}
		return s.yaml["apiVersion"] && s.yaml["kind"] && !strings.Contains(string(s.head), "backstage.io/")
	},
	reads: readKubernetes,
}

// workloadPods is where each kind of workload keeps the template of its pods.
var workloadPods = map[string][]string{
	"Deployment": {"spec", "template"}, "StatefulSet": {"spec", "template"}, "DaemonSet": {"spec", "template"},
	"ReplicaSet": {"spec", "template"}, "ReplicationController": {"spec", "template"}, "Job": {"spec", "template"},
	"CronJob":          {"spec", "jobTemplate", "spec", "template"},
	"Pod":              {},
	"DeploymentConfig": {"spec", "template"}, // OpenShift
	"Rollout":          {"spec", "template"}, // Argo
}

// object is one object of a cluster. Objects without a namespace share one, whose
// name is empty: it is given when they are applied.
type object struct {
	file                  File
	kind, namespace, name string
	at                    diag.Span
	tree                  *tree
	pod                   *tree // of a workload, the template of its pods
	labels                map[string]string
	id                    string // of a workload: its name as a service
}

type kubernetesReader struct {
	d         *Draft
	workloads []*object
	services  []*object
	others    []*object
	configs   map[[2]string]*object   // ConfigMaps, by namespace and name
	hosts     map[[2]string][]*object // Services, by namespace and name
	behind    map[*object][]*object   // the workloads that a Service selects
	byName    map[[2]string][]*object // workloads, by namespace and name
	byLabel   map[[3]string][]*object // and by namespace, label and its value
	templates map[string]bool         // files that are templates
	objects   int
	links     int // so far, with those to all workloads behind a Service
}

func readKubernetes(d *Draft, files []File, _ Options) {
	r := &kubernetesReader{
		d: d, configs: make(map[[2]string]*object), hosts: make(map[[2]string][]*object), behind: make(map[*object][]*object),
		templates: make(map[string]bool), byName: make(map[[2]string][]*object), byLabel: make(map[[3]string][]*object),
	}
	for _, f := range files {
		docs, err := readTrees(f.Data)
		if err != nil {
			if bytes.Contains(f.Data, []byte("{{")) {
				r.template(f)
				continue
			}
			d.Errorf(f.whole(), "", "this is no Kubernetes manifest: %v", err)
			continue
		}
		for _, doc := range docs {
			r.add(f, doc, 0)
		}
	}
	r.name()
	r.match()
	for _, o := range r.workloads {
		r.describe(o)
	}
	for _, o := range r.workloads {
		r.call(o)
	}
	for _, o := range r.others {
		r.allow(o)
	}
	r.enter()
	r.warnOfSilence()
}

const (
	maxObjects = 200_000
	maxLinks   = 512 << 10 // addresses, each counted for all workloads behind it
)

// add takes in an object, or those of a List.
func (r *kubernetesReader) add(f File, t *tree, depth int) {
	kind := t.get("kind").str()
	if items := t.get("items"); items != nil && (kind == "" || strings.HasSuffix(kind, "List")) && depth < 8 {
		for _, item := range items.list() {
			r.add(f, item, depth+1)
		}
		return
	}
	name := t.get("metadata", "name")
	if name != nil && (name.kind == mapTree || strings.Contains(name.str(), "{{")) {
		r.template(f)
		return
	}
	if kind == "" || cleanName(cmp.Or(name.str(), t.get("metadata", "generateName").str())) == "" {
		return
	}
	if r.objects++; r.objects > maxObjects {
		r.d.tooMany(fmt.Sprintf("more than %d objects; the rest is left out", maxObjects))
		return
	}
	o := &object{
		file: f, kind: kind, tree: t, at: f.at(t.get("metadata").line),
		name: cleanName(cmp.Or(name.str(), t.get("metadata", "generateName").str())), namespace: cleanName(t.get("metadata", "namespace").str()),
	}
	if name != nil {
		o.at = f.at(name.line)
	}
	switch pod, ok := workloadPods[kind]; {
	case ok:
		if slices.ContainsFunc(t.get("metadata", "ownerReferences").list(), func(owner *tree) bool {
			_, made := workloadPods[owner.get("kind").str()]
			return made
		}) {
			return // made by another workload, which is here too
		}
		o.pod = t.get(pod...)
		o.labels = texts(o.pod.get("metadata", "labels"))
		r.workloads = append(r.workloads, o)
	case kind == "Service" && !strings.HasPrefix(t.get("apiVersion").str(), "serving.knative.dev/"):
		key := [2]string{o.namespace, o.name}
		r.hosts[key] = append(r.hosts[key], o)
		r.services = append(r.services, o)
	case kind == "Service":
		o.pod = t.get("spec", "template")
		o.labels = texts(o.pod.get("metadata", "labels"))
		r.workloads = append(r.workloads, o)
	case kind == "ConfigMap":
		r.configs[[2]string{o.namespace, o.name}] = o
	default:
		r.others = append(r.others, o)
	}
}

// template says that a file is none of Kubernetes yet.
func (r *kubernetesReader) template(f File) {
	if r.templates[f.Name] {
		return
	}
	r.templates[f.Name] = true
	r.d.Warnf(f.whole(), "import what it makes: helm template CHART | knockon import kubernetes -", "this is a template of Helm, not yet a manifest; what has no name yet is left out")
}

// texts are the scalars of a map.
func texts(t *tree) map[string]string {
	m := make(map[string]string)
	for _, k := range t.entries() {
		if k.value.kind == scalarTree {
			m[k.name] = k.value.text
		}
	}
	return m
}

// name gives workloads their IDs: their names, with the namespace where several have
// workloads of that name.
func (r *kubernetesReader) name() {
	in := make(map[string]string) // the namespace in which a name was seen first
	twice := make(map[string]bool)
	for _, o := range r.workloads {
		if first, ok := in[o.name]; ok && first != o.namespace {
			twice[o.name] = true
		} else {
			in[o.name] = o.namespace
		}
	}
	for _, o := range r.workloads {
		o.id = o.name
		if twice[o.name] && o.namespace != "" {
			o.id = cleanName(o.namespace + "/" + o.name)
		}
	}
}

// match finds the workloads behind every Service. Each is looked for under one pair
// of a label and its value, so that thousands of both are no trouble.
func (r *kubernetesReader) match() {
	for _, o := range r.workloads {
		r.byName[[2]string{o.namespace, o.name}] = append(r.byName[[2]string{o.namespace, o.name}], o)
		for name, value := range o.labels {
			key := [3]string{o.namespace, name, value}
			r.byLabel[key] = append(r.byLabel[key], o)
		}
	}
	for _, s := range r.services {
		selector := s.tree.get("spec", "selector")
		if matched := selector.get("matchLabels"); matched != nil {
			selector = matched
		}
		r.behind[s] = r.selected(s.namespace, texts(selector))
	}
}

// selected are the workloads that have all labels of a selector; none where it is
// empty.
func (r *kubernetesReader) selected(namespace string, selector map[string]string) []*object {
	var fewest []*object
	first := true
	for name, value := range selector {
		if found := r.byLabel[[3]string{namespace, name, value}]; first || len(found) < len(fewest) {
			fewest, first = found, false
		}
	}
	var all []*object
	for _, o := range fewest {
		if has(o.labels, selector) {
			all = append(all, o)
		}
	}
	return all
}

func has(labels, selector map[string]string) bool {
	for name, value := range selector {
		if got, ok := labels[name]; !ok || got != value {
			return false
		}
	}
	return true
}

// podSpec is the specification of a workload's pods.
func (o *object) podSpec() *tree {
	if o.kind == "Pod" {
		return o.tree.get("spec")
	}
	return o.pod.get("spec")
}

func (r *kubernetesReader) describe(o *object) {
	s := r.d.Declare(o.id, o.at)
	spec := o.podSpec()
	label := func(name string) string {
		return cmp.Or(o.tree.get("metadata", "labels", name).str(), o.tree.get("metadata", "annotations", name).str(), o.labels[name])
	}
	s.Group = cmp.Or(s.Group, cleanGroup(label("app.kubernetes.io/part-of")), cleanGroup(o.namespace))
	s.Owner = cmp.Or(s.Owner, label("owner"), label("team"))
	for _, c := range spec.get("containers").list() {
		image := imageName(c.get("image").str())
		s.guessKind(image, "from the image "+cleanName(image))
		break // the others are sidecars
	}
	if s.Kind == catalog.KindService && (o.kind == "Job" || o.kind == "CronJob") {
		s.Kind = catalog.KindWorker
	}
	s.guessKind(o.name, "from its name")
	if n, err := strconv.ParseInt(o.tree.get("spec", "replicas").str(), 10, 32); err == nil && n > 0 && s.Replicas.Evidence == unit.NotStated {
		s.Replicas = unit.Value[int64]{V: n, Evidence: unit.Stated}
	}
	if class := spec.get("priorityClassName"); class.str() != "" && s.Tier.Evidence == unit.NotStated {
		s.Tier = criticality(strings.TrimSuffix(strings.TrimPrefix(class.str(), "system-node-"), "-priority"), place(o.file.at(class.line))+": priorityClassName "+cleanName(class.str()))
		if class.str() == "system-cluster-critical" {
			s.Tier = criticality("critical", place(o.file.at(class.line))+": priorityClassName "+class.str())
		}
	}
}

// addressName is what variables and flags are called whose value is an address even
// if it is a single word. SERVICE_NAME and the like are names of the workload itself.
var (
	addressName = regexp.MustCompile(`(?i)(HOST|ADDR|URL|URI|ENDPOINT|SERVER|SERVICE|BROKER|DSN|BOOTSTRAP|PEER|UPSTREAM|BACKEND)`)
	ownName     = regexp.MustCompile(`(?i)(?:(?:^|[^T])NAME|ID|TYPE|ACCOUNT|VERSION|NAMESPACE|MODE|DATABASE|USER|PASSWORD)$`)
)

// addressed is what values look like that hold an address whatever they are called.
var addressed = regexp.MustCompile(`(?i)://|[A-Za-z0-9]:[0-9]{2,5}(?:[^0-9:.]|$)|\.svc(?:[^a-z]|$)|(?:host|hostname|server|addr|address|data source)\s*=|\b(?:tcp|udp)\(`)

// call reads the addresses a workload is given.
func (r *kubernetesReader) call(o *object) {
	spec := o.podSpec()
	for _, list := range []string{"containers", "initContainers"} {
		for _, c := range spec.get(list).list() {
			purpose := catalog.ToServe
			if list == "initContainers" && c.get("restartPolicy").str() != "Always" {
				purpose = catalog.ToStart
			}
			r.variables(o, c, purpose)
			r.arguments(o, c, purpose)
		}
	}
}

func (r *kubernetesReader) variables(o *object, container *tree, purpose catalog.Purpose) {
	known := make(map[string]string)
	for _, from := range container.get("envFrom").list() {
		ref := from.get("configMapRef", "name").str()
		config := r.configs[[2]string{o.namespace, ref}]
		if ref == "" || config == nil {
			continue
		}
		for _, k := range config.tree.get("data").entries() {
			known[k.name] = k.value.str()
			r.address(o, variable{k.name, k.value.str(), config.file.at(k.line)}, "ConfigMap "+cleanName(ref)+", ", purpose, true)
		}
	}
	for _, e := range container.get("env").list() {
		name, value := e.get("name").str(), e.get("value")
		if value != nil {
			v := variable{name, expandKubernetes(value.str(), known), o.file.at(value.line)}
			known[name] = v.value
			r.address(o, v, "env ", purpose, false)
			continue
		}
		ref := e.get("valueFrom", "configMapKeyRef")
		config := r.configs[[2]string{o.namespace, ref.get("name").str()}]
		if ref == nil || config == nil {
			continue
		}
		for _, k := range config.tree.get("data").entries() {
			if k.name == ref.get("key").str() {
				known[name] = k.value.str()
				r.address(o, variable{name, k.value.str(), config.file.at(k.line)}, "ConfigMap "+cleanName(config.name)+", ", purpose, true)
			}
		}
	}
}

var kubernetesVariable = regexp.MustCompile(`\$\$|\$\(([A-Za-z0-9_.-]+)\)`)

// expandKubernetes replaces $(NAME) by the variables defined before.
func expandKubernetes(s string, known map[string]string) string {
	if !strings.Contains(s, "$(") || len(s) > maxValue {
		return s
	}
	size := len(s)
	return kubernetesVariable.ReplaceAllStringFunc(s, func(m string) string {
		if m == "$$" {
			return "$"
		}
		value, ok := known[m[2:len(m)-1]]
		if size += len(value); !ok || size > maxValue {
			return m
		}
		return value
	})
}

func (r *kubernetesReader) arguments(o *object, container *tree, purpose catalog.Purpose) {
	flag := "" // the one before, if it stands alone
	for _, list := range []string{"command", "args"} {
		for _, a := range container.get(list).strs() {
			at := o.file.at(a.line)
			if name, value, ok := strings.Cut(a.text, "="); ok && strings.HasPrefix(a.text, "-") {
				r.address(o, variable{name, value, at}, "argument ", purpose, false)
				flag = ""
				continue
			}
			r.address(o, variable{flag, a.text, at}, "argument ", purpose, false)
			flag = ""
			if strings.HasPrefix(a.text, "-") && !strings.ContainsAny(a.text, " \n") {
				flag = a.text
			}
		}
	}
}

// address notes whom a variable or an argument names.
func (r *kubernetesReader) address(o *object, v variable, rule string, purpose catalog.Purpose, inferred bool) {
	if r.links > maxLinks || !addressed.MatchString(v.value) && (!addressName.MatchString(v.name) || ownName.MatchString(v.name)) {
		return
	}
	rule = cleanText(rule + v.name)
	for _, host := range hostsIn(v.value) {
		targets, found := r.resolve(o.namespace, host)
		if r.links += len(targets); r.links > maxLinks {
			r.d.tooMany(fmt.Sprintf("more than %d addresses; the rest is left out", maxLinks))
			return
		}
		if slices.Contains(targets, o.id) {
			continue // its own address
		}
		for _, target := range targets {
			c := r.d.called(r.d.Service(o.id), target, v)
			c.Rule, c.Inferred = rule, inferred || found == byWorkload
			if purpose == catalog.ToStart {
				c.To, c.Known = purpose, unit.Guess
				c.Guess = "to start, as only a container that runs before the others names it"
			}
			r.d.Need(o.id, target, c)
		}
	}
}

// How an address was found.
type found uint8

const (
	byService found = iota
	byWorkload
)

// resolve finds what a host name leads to: the workloads behind a Service, the Service
// itself where none is known, or a workload of that name where there is no Service.
func (r *kubernetesReader) resolve(namespace, host string) ([]string, found) {
	host = strings.TrimSuffix(strings.ToLower(host), ".")
	parts := strings.Split(host, ".")
	full := false // it says that it is a Service
	if i := slices.Index(parts, "svc"); i > 0 && (i == len(parts)-1 || parts[len(parts)-1] == "local") {
		parts, full = parts[:i], true
	}
	if len(parts) > 3 || len(parts) == 3 && !full {
		return nil, byService
	}
	lookup := func(name, namespace string) []*object {
		if services := r.hosts[[2]string{namespace, name}]; services != nil {
			return services
		}
		return r.hosts[[2]string{"", name}] // applied to any namespace
	}
	var services []*object
	switch len(parts) {
	case 1:
		services = lookup(parts[0], namespace)
	default: // service.namespace, pod.service or pod.service.namespace
		if services = lookup(parts[0], parts[1]); services != nil && services[0].namespace == "" && !full && parts[1] != namespace {
			services = nil // api.example may be anybody's
		}
		if services == nil && len(parts) == 3 {
			services = lookup(parts[1], parts[2])
		}
		if services == nil && strings.ContainsAny(parts[0], "0123456789") {
			services = lookup(parts[1], namespace)
		}
	}
	var ids []string
	for _, s := range services {
		for _, o := range r.behind[s] {
			ids = append(ids, o.id)
		}
		if len(r.behind[s]) == 0 {
			ids = append(ids, s.name) // outside of the cluster, or in files not at hand
		}
	}
	if len(ids) > 0 {
		return ids, byService
	}
	if len(parts) == 1 {
		for _, o := range r.byName[[2]string{namespace, parts[0]}] {
			return []string{o.id}, byWorkload
		}
	}
	if full {
		return []string{strings.Join(parts, ".")}, byService
	}
	return nil, byService
}

// allow reads what other objects say of who may call whom, and of replicas.
func (r *kubernetesReader) allow(o *object) {
	switch o.kind {
	case "NetworkPolicy":
		r.policy(o)
	case "HorizontalPodAutoscaler":
		target := o.tree.get("spec", "scaleTargetRef", "name").str()
		n, err := strconv.ParseInt(o.tree.get("spec", "minReplicas").str(), 10, 32)
		for _, w := range r.byName[[2]string{o.namespace, target}] {
			if err == nil && n > 0 {
				r.d.Declare(w.id, diag.Span{}).Replicas = unit.Value[int64]{V: n, Evidence: unit.Stated}
			}
		}
	}
}

// policy reads a NetworkPolicy. That it lets a call through is no proof that it is
// made; a rule that names both ends is there for a reason.
func (r *kubernetesReader) policy(o *object) {
	own := r.pods(o.namespace, o.tree.get("spec", "podSelector"))
	for _, direction := range []struct{ key, peers string }{{"ingress", "from"}, {"egress", "to"}} {
		for _, rule := range o.tree.get("spec", direction.key).list() {
			for _, peer := range rule.get(direction.peers).list() {
				if peer.get("namespaceSelector") != nil || peer.get("podSelector") == nil {
					continue // many, or nobody known
				}
				for _, other := range r.pods(o.namespace, peer.get("podSelector")) {
					for _, self := range own {
						c := Claim{At: o.file.at(peer.line), Rule: "NetworkPolicy " + o.name + " allows it", Inferred: true}
						if direction.key == "ingress" {
							r.d.Need(other.id, self.id, c)
						} else {
							r.d.Need(self.id, other.id, c)
						}
					}
				}
			}
		}
	}
}

// pods are the workloads of a selector that names labels; none for one that takes all.
func (r *kubernetesReader) pods(namespace string, selector *tree) []*object {
	labels := texts(selector.get("matchLabels"))
	if len(labels) == 0 {
		return nil
	}
	const many = 50
	if all := r.selected(namespace, labels); len(all) <= many {
		return all
	}
	return nil // a rule for everybody
}

// enter notes where requests come in: behind an Ingress, a route of a gateway, or a
// Service that is open to the outside.
func (r *kubernetesReader) enter() {
	open := func(namespace, service string) {
		ids, how := r.resolve(namespace, service)
		if how == byService {
			for _, id := range ids {
				r.d.Enter(id)
			}
		}
	}
	for _, s := range r.services {
		if t := s.tree.get("spec", "type").str(); t == "LoadBalancer" || t == "NodePort" {
			open(s.namespace, s.name)
		}
	}
	for _, o := range r.others {
		spec := o.tree.get("spec")
		switch o.kind {
		case "Ingress":
			backends := []*tree{spec.get("defaultBackend"), spec.get("backend")}
			for _, rule := range spec.get("rules").list() {
				for _, p := range rule.get("http", "paths").list() {
					backends = append(backends, p.get("backend"))
				}
			}
			for _, b := range backends {
				open(o.namespace, cmp.Or(b.get("service", "name").str(), b.get("serviceName").str()))
			}
		case "HTTPRoute", "GRPCRoute":
			for _, rule := range spec.get("rules").list() {
				for _, b := range rule.get("backendRefs").list() {
					open(cmp.Or(b.get("namespace").str(), o.namespace), b.get("name").str())
				}
			}
		case "VirtualService":
			if len(spec.get("gateways").list()) == 0 {
				continue
			}
			for _, rule := range spec.get("http").list() {
				for _, route := range rule.get("route").list() {
					open(o.namespace, route.get("destination", "host").str())
				}
			}
		}
	}
}

// warnOfSilence says when most workloads name nobody: they have their peers in code.
func (r *kubernetesReader) warnOfSilence() {
	if len(r.workloads) < 3 {
		return
	}
	calls := make(map[string]bool)
	for e := range r.d.needs {
		calls[e.from], calls[e.on] = true, true
	}
	silent := 0
	for _, o := range r.workloads {
		if !calls[o.id] {
			silent++
		}
	}
	if silent > len(r.workloads)/2 {
		r.d.Warnf(r.workloads[0].file.whole(), "import traces or service-graph metrics beside the manifests",
			"%s no other, and no other names them: addresses that stand in programs or Secrets are not seen", plural(silent, "workload names", "workloads name"))
	}
}
