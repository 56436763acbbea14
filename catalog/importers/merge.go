package importers

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/knockon/knockon/catalog"
	"github.com/knockon/knockon/catalog/diag"
	"github.com/knockon/knockon/catalog/toml"
	"github.com/knockon/knockon/catalog/unit"
)

// Merge is a catalog with an import added to it, and what the two say of each other.
//
// What somebody has written stays as it is. A value that an import of the same file
// has written before is written anew; what is missing is added; where the two
// disagree, it is said.
type Merge struct {
	Text []byte

	Services       []string   // added, sorted
	Needs          [][]string // added, as [A, B]
	Updated        []string   // values written anew or added, in words
	Unobserved     [][]string // needs of the catalog that nothing was seen of, although both ends were
	Undeclared     [][]string // needs that were seen and that the catalog did not have
	Contradictions []string   // in words
	Suggestions    []string   // lines for [alias], with why
}

// Into adds the draft to a catalog. The text is that of its file, c what it loads as,
// with all that it extends. Names are changed by the aliases of c.
func (d *Draft) Into(file string, text []byte, c *catalog.Catalog) (*Merge, diag.List) {
	doc, faults := toml.Parse(file, text)
	if faults.HasErrors() {
		return nil, faults
	}
	d.rename(c.Aliases)
	m := &merger{draft: d, doc: doc, edits: doc.Edit(), catalog: c, merge: &Merge{}}
	m.needs = d.needsBySource()
	m.index()
	for _, s := range d.Services {
		m.service(s)
	}
	m.unobserved()
	m.suggest()
	m.merge.Text = m.edits.Bytes()
	return m.merge, nil
}

// rename gives services the IDs that a catalog has for them.
func (d *Draft) rename(aliases []catalog.Alias) {
	to := make(map[string]string, len(aliases))
	for _, a := range aliases {
		to[a.Name] = a.Service
	}
	name := func(id string) string { return cmp.Or(to[id], id) }
	services, needs := d.services, d.Needs
	d.services, d.Services, d.needs, d.Needs = make(map[string]*Service), nil, make(map[edge]*Need), nil
	for _, id := range sortedKeys(services) {
		s := services[id]
		s.ID = name(id)
		if known := d.services[s.ID]; known != nil {
			known.join(s)
			continue
		}
		d.services[s.ID] = s
	}
	for _, n := range needs {
		from, on := name(n.From), name(n.On)
		for _, c := range n.Claims {
			if k := d.Need(from, on, c); k != nil && n.calls >= k.calls && n.Calls.IsStated() {
				k.Calls, k.calls = n.Calls, n.calls
			}
		}
	}
	for i, id := range d.Entries {
		d.Entries[i] = name(id)
	}
	d.finish()
}

// join takes over what another service knows that turns out to be the same.
func (s *Service) join(o *Service) {
	s.Title, s.Description = cmp.Or(s.Title, o.Title), cmp.Or(s.Description, o.Description)
	s.Group, s.Owner = cmp.Or(s.Group, o.Group), cmp.Or(s.Owner, o.Owner)
	if s.Kind == catalog.KindService {
		s.Kind, s.KindGuess = o.Kind, o.KindGuess
	}
	if !s.Tier.IsStated() {
		s.Tier = o.Tier
	}
	if !s.Replicas.IsStated() {
		s.Replicas = o.Replicas
	}
	if !s.Load.IsStated() {
		s.Load = o.Load
	}
	if !s.ServiceTime.IsStated() {
		s.ServiceTime = o.ServiceTime
	}
	s.Declared = s.Declared || o.Declared
	s.Sources = append(s.Sources, o.Sources...)
}

func sortedKeys[V any](m map[string]V) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}

// merger is the state of one merge.
type merger struct {
	draft   *Draft
	doc     *toml.Document
	edits   *toml.Edits
	catalog *catalog.Catalog
	merge   *Merge

	needs  map[string][]*Need     // of the draft, by who needs
	tables map[string]*toml.Table // of the services that stand in the file
	places map[edge]standing      // where a need for one target stands in the file
	knows  map[edge]bool          // all that the catalog says of two services, fallbacks and groups too
}

// standing is a need as it stands in the file: a bare name, braces, or a table of its own.
type standing struct {
	value *toml.Value // of a list of needs
	table *toml.Table // of a need that is more than a name
}

// index finds where the file says what.
func (m *merger) index() {
	m.tables, m.places, m.knows = make(map[string]*toml.Table), make(map[edge]standing), make(map[edge]bool)
	if e, ok := m.doc.Root.Get("service"); ok && e.Value.Kind == toml.TableKind {
		for _, s := range e.Value.Table.Entries {
			if s.Value.Kind == toml.TableKind {
				m.tables[s.Key] = s.Value.Table
				m.indexNeeds(s.Key, s.Value.Table)
			}
		}
	}
	for i := range m.catalog.Services {
		s := &m.catalog.Services[i]
		for j := range s.Needs {
			n := &s.Needs[j]
			for _, on := range append(slices.Clone(n.Targets), n.Fallback) {
				m.knows[edge{s.ID, on}] = true
			}
		}
	}
}

func (m *merger) indexNeeds(id string, t *toml.Table) {
	at := func(v *toml.Value, table *toml.Table) {
		if on, ok := table.Get("on"); ok && on.Value.Kind == toml.StringKind {
			m.places[edge{id, on.Value.Scalar.(string)}] = standing{v, table}
		}
	}
	if e, ok := t.Get("needs"); ok {
		for _, item := range e.Value.Items {
			switch item.Kind {
			case toml.StringKind:
				m.places[edge{id, item.Scalar.(string)}] = standing{value: item}
			case toml.TableKind:
				at(item, item.Table)
			}
		}
	}
	if e, ok := t.Get("need"); ok {
		for _, item := range e.Value.Items {
			if item.Kind == toml.TableKind {
				at(nil, item.Table)
			}
		}
	}
}

// service adds a service, or what is new of it.
func (m *merger) service(s *Service) {
	var fresh []*Need
	table := m.tables[s.ID]
	known := m.catalog.Service(s.ID)
	for _, n := range m.needs[s.ID] {
		if m.knows[edge{n.From, n.On}] {
			m.update(n)
			continue
		}
		fresh = append(fresh, n)
		pair := []string{n.From, n.On}
		m.merge.Needs = append(m.merge.Needs, pair)
		if known != nil && m.catalog.Service(n.On) != nil && n.Observed() {
			m.merge.Undeclared = append(m.merge.Undeclared, pair)
		}
		if m.knows[edge{n.On, n.From}] {
			m.merge.Contradictions = append(m.merge.Contradictions, fmt.Sprintf("the catalog says that %q needs %q; %s says the reverse", n.On, n.From, n.Sources()[0]))
		}
	}
	switch {
	case known == nil:
		m.merge.Services = append(m.merge.Services, s.ID)
		m.edits.Append("\n" + string(formatted(s.toml(fresh))))
		return
	case table == nil && len(fresh) > 0:
		// It stands in a catalog that this one extends, which is not ours to change.
		m.merge.Contradictions = append(m.merge.Contradictions, fmt.Sprintf("%q is declared in a catalog that this one extends, so its %s not added", s.ID, plural(len(fresh), "need is", "needs are")))
		return
	case table == nil:
		return
	}
	lines := m.fill(s, table, known)
	if len(fresh) > 0 {
		items := make([]string, len(fresh))
		for i, n := range fresh {
			items[i] = n.toml()
		}
		if e, ok := table.Get("needs"); ok && e.Value.Kind == toml.ArrayKind {
			m.edits.AddItems(e.Value, table.IsInline(), items...)
		} else if table.IsInline() {
			lines = append(lines, "needs = ["+strings.Join(items, ", ")+"]")
		} else {
			lines = append(lines, "needs = [\n  "+strings.Join(items, ",\n  ")+",\n]")
		}
	}
	m.edits.AddKeys(table, "service."+toml.Key(s.ID), lines...)
}

// fill returns the lines for what the catalog does not say of a service, and compares
// what it does.
func (m *merger) fill(s *Service, table *toml.Table, known *catalog.Service) (lines []string) {
	for _, l := range s.lines() {
		if l.key == "source" {
			continue
		}
		e, stated := table.Get(l.key)
		switch {
		case !stated:
			text := l.key + " = " + l.value
			if l.note != "" && !table.IsInline() {
				text += " # " + comment(l.note)
			}
			lines = append(lines, text)
			m.merge.Updated = append(m.merge.Updated, fmt.Sprintf("%s of %s: %s", l.key, s.ID, l.value))
		case m.ours(e.Value):
			if m.edits.Text(e.Value) != l.value {
				m.edits.Replace(e.Value, l.value)
				m.merge.Updated = append(m.merge.Updated, fmt.Sprintf("%s of %s: %s", l.key, s.ID, l.value))
			}
		default:
			m.contradict(s, l.key, known)
		}
	}
	return lines
}

// contradict says where a catalog and an import disagree about a service.
func (m *merger) contradict(s *Service, key string, known *catalog.Service) {
	var here, there string
	switch key {
	case "owner":
		here, there = known.Owner, s.Owner
	case "kind":
		if s.KindGuess == "" {
			here, there = known.Kind.String(), s.Kind.String()
		}
	case "tier":
		here, there = decimal(known.Tier.V), decimal(s.Tier.V)
	case "replicas":
		if known.Replicas != nil && known.Replicas.Count.IsStated() {
			here, there = decimal(known.Replicas.Count.V), decimal(s.Replicas.V)
		}
	case "load":
		if unlike(float64(known.Load.V), float64(s.Load.V)) {
			here, there = known.Load.V.String(), s.Load.V.String()
		}
	case "service_time":
		if unlike(float64(known.ServiceTime.V.High), float64(s.ServiceTime.V.High)) {
			here, there = known.ServiceTime.V.String(), s.ServiceTime.V.String()
		}
	}
	if here != there {
		m.merge.Contradictions = append(m.merge.Contradictions, fmt.Sprintf("%s of %q: the catalog says %s, the import %s", key, s.ID, here, there))
	}
}

// unlike reports whether two measures differ by more than a quarter.
func unlike(a, b float64) bool { return math.Abs(a-b) > 0.25*max(a, b) }

// ours reports whether a value was written by an import of a file that is imported
// again: then it is a table that names the file.
func (m *merger) ours(v *toml.Value) bool {
	if v.Kind != toml.TableKind {
		return false
	}
	e, ok := v.Table.Get("source")
	if !ok || e.Value.Kind != toml.StringKind {
		return false
	}
	return m.fromOurFile(e.Value.Scalar.(string))
}

func (m *merger) fromOurFile(source string) bool {
	return slices.ContainsFunc(m.draft.files, func(f string) bool {
		return source == f || strings.HasPrefix(source, f+":")
	})
}

// update writes anew what an import has said of a need before, and adds calls where
// nobody has said how many there are.
func (m *merger) update(n *Need) {
	at, ok := m.places[edge{n.From, n.On}]
	if !ok {
		return // in a group, as a fallback, or in another file
	}
	m.compareNeed(n)
	calls := quantity(n.Calls, realNumber)
	said := fmt.Sprintf("calls of %s to %s: %s", n.From, n.On, calls)
	if at.table == nil {
		if calls != "" {
			m.edits.Replace(at.value, n.withOn("calls = "+calls))
			m.merge.Updated = append(m.merge.Updated, said)
		}
		return
	}
	var lines []string
	if e, stated := at.table.Get("calls"); calls == "" {
	} else if !stated {
		lines = append(lines, "calls = "+calls)
		m.merge.Updated = append(m.merge.Updated, said)
	} else if m.ours(e.Value) && m.edits.Text(e.Value) != calls {
		m.edits.Replace(e.Value, calls)
		m.merge.Updated = append(m.merge.Updated, said)
	}
	if e, stated := at.table.Get("source"); stated && m.allOurs(e.Value) {
		if source := oneOrList(n.Sources()); m.edits.Text(e.Value) != source {
			m.edits.Replace(e.Value, source)
		}
	}
	m.edits.AddKeys(at.table, "", lines...)
}

// withOn is a need in braces with one more key.
func (n *Need) withOn(more string) string {
	return "{ on = " + toml.String(n.On) + ", " + more + ", source = " + oneOrList(n.Sources()) + " }"
}

// allOurs reports whether a source names files that are imported again, and no other.
func (m *merger) allOurs(v *toml.Value) bool {
	items := v.Items
	if v.Kind == toml.StringKind {
		items = []*toml.Value{v}
	}
	for _, item := range items {
		text, ok := item.Scalar.(string)
		if !ok || !m.fromOurFile(text) && !strings.HasPrefix(text, "guess: ") && !strings.HasPrefix(text, "and ") {
			return false
		}
	}
	return len(items) > 0
}

// compareNeed says where the catalog and the import disagree about a need.
func (m *merger) compareNeed(n *Need) {
	s := m.catalog.Service(n.From)
	for i := range s.Needs {
		k := &s.Needs[i]
		if k.IsGroup() || k.Targets[0] != n.On {
			continue
		}
		if k.Calls.IsStated() && n.Calls.IsStated() && !m.fromOurFile(k.Calls.Source) && unlike(k.Calls.V, n.Calls.V) {
			m.merge.Contradictions = append(m.merge.Contradictions, fmt.Sprintf("calls of %q to %q: the catalog says %s for each request, %s", n.From, n.On, realNumber(k.Calls.V), n.Calls.Source+", which is "+realNumber(n.Calls.V)))
		}
		for _, c := range n.Claims {
			if c.Known == unit.Stated && c.To == catalog.ToServe && k.To == catalog.ToServe && c.Mode != k.Mode && n.Mode == c.Mode {
				m.merge.Contradictions = append(m.merge.Contradictions, fmt.Sprintf("%q needs %q: the catalog says %s, %s says %s", n.From, n.On, k.Mode, n.Sources()[0], c.Mode))
				break
			}
			if c.Observed && k.To != catalog.ToServe {
				m.merge.Contradictions = append(m.merge.Contradictions, fmt.Sprintf("%q needs %q only to %s, says the catalog; %s", n.From, n.On, k.To, n.Sources()[0]))
				break
			}
		}
	}
}

// unobserved lists the needs of the catalog of which no call was seen although calls
// of both services were.
func (m *merger) unobserved() {
	seen, called := make(map[string]bool), make(map[edge]bool)
	for _, n := range m.draft.Needs {
		if n.Observed() {
			seen[n.From], seen[n.On] = true, true
			called[edge{n.From, n.On}] = true
		}
	}
	for i := range m.catalog.Services {
		s := &m.catalog.Services[i]
		for j := range s.Needs {
			n := &s.Needs[j]
			if n.IsGroup() || n.To != catalog.ToServe || n.Fresh {
				continue
			}
			if on := n.Targets[0]; seen[s.ID] && seen[on] && !called[edge{s.ID, on}] {
				m.merge.Unobserved = append(m.merge.Unobserved, []string{s.ID, on})
			}
		}
	}
}

// suggest finds services that may be the same under two names: one that is new, and
// one of the catalog that the import does not name.
func (m *merger) suggest() {
	var left []string
	byStem := make(map[string][]string)
	for i := range m.catalog.Services {
		if id := m.catalog.Services[i].ID; m.draft.services[id] == nil {
			left = append(left, id)
			byStem[stem(id)] = append(byStem[stem(id)], id)
		}
	}
	for i, id := range m.merge.Services {
		if i == maxSuggested {
			return
		}
		near := ""
		if same := byStem[stem(id)]; len(same) == 1 {
			near = same[0]
		} else if n := diag.Nearest(id, left); n != "" && len(id) > 4 {
			near = n
		}
		if near != "" {
			m.merge.Suggestions = append(m.merge.Suggestions, fmt.Sprintf("%s = %s", toml.Key(id), toml.String(near)))
		}
	}
}

// maxSuggested bounds a search that looks at every name for every new one.
const maxSuggested = 200

// stem is a name without what people add to names: "payment-service-v2" is "payment".
func stem(id string) string {
	s := strings.ToLower(id)
	s = s[strings.LastIndexAny(s, "/:")+1:]
	words := strings.FieldsFunc(s, func(r rune) bool { return strings.ContainsRune("-_. ", r) })
	words = slices.DeleteFunc(words, func(w string) bool {
		return slices.Contains([]string{"service", "svc", "server", "api", "app", "prod", "production", "v1", "v2", "v3"}, w)
	})
	s = strings.Join(words, "")
	for _, suffix := range []string{"service", "svc", "server", "api"} {
		if rest := strings.TrimSuffix(s, suffix); rest != "" {
			s = rest
		}
	}
	return s
}
