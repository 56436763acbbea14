package catalog

import (
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/knockon/knockon/catalog/diag"
	"github.com/knockon/knockon/catalog/toml"
)

// maxSuggestions bounds the search for what a dangling name may have meant: each
// costs a look at every name of the catalog.
const maxSuggestions = 200

// merge joins the fragments of all files into one sorted catalog, and reports
// what is defined twice or not at all.
func (l *loader) merge() *Catalog {
	c := &Catalog{}
	docs := make(map[string]*toml.Document, len(l.fragments))
	for _, f := range l.fragments {
		docs[f.doc.File] = f.doc
		l.header(c, f)
	}
	c.Services = unique(l, docs, "service", func(f *fragment) []Service { return f.services }, func(s *Service) (string, diag.Span) { return s.ID, s.At })
	c.Leases = unique(l, docs, "lease", func(f *fragment) []Lease { return f.leases }, func(x *Lease) (string, diag.Span) { return x.ID, x.At })
	c.HealthChecks = unique(l, docs, "health check", func(f *fragment) []HealthCheck { return f.healthChecks }, func(x *HealthCheck) (string, diag.Span) { return x.ID, x.At })
	for i := range c.HealthChecks {
		slices.SortFunc(c.HealthChecks[i].Tests, compareTests)
	}
	c.References = unique(l, docs, "reference", func(f *fragment) []Reference { return f.references }, func(x *Reference) (string, diag.Span) { return x.ID, x.At })
	c.Aliases = unique(l, docs, "alias", func(f *fragment) []Alias { return f.aliases }, func(x *Alias) (string, diag.Span) { return x.Name, x.At })
	if len(c.Services) == 0 && !l.faults.HasErrors() {
		at := diag.Span{}
		if len(l.fragments) > 0 {
			at.File = l.fragments[len(l.fragments)-1].doc.File
		}
		l.faults.Errorf(at, "write [service.checkout] and below it needs = [\"payments\"]", "there is no service in this catalog")
	}
	l.resolve(c, docs)
	l.warnOfRings(c, docs)
	l.checkShares(c, docs)
	return c
}

// checkShares refuses shares of what is not shared by weights, and more of it than
// there is. A target that no service has is reported elsewhere.
func (l *loader) checkShares(c *Catalog, docs map[string]*toml.Document) {
	given := make(map[string]float64)
	for i := range c.Services {
		for j := range c.Services[i].Needs {
			n := &c.Services[i].Needs[j]
			if !n.Share.IsStated() {
				continue
			}
			for _, id := range n.Targets {
				s := c.Service(id)
				if s == nil {
					continue
				}
				at := n.Share.At
				before := given[id]
				given[id] = before + n.Share.V
				switch {
				case s.Queue == nil || s.Queue.Classes != "weighted":
					l.faults.Add(diag.Diagnostic{
						Span: at, Text: docs[at.File].Line(at.Line),
						Message: `"` + id + `" is not shared by weights, so nobody has a share of it`,
						Help:    "write queue = { classes = \"weighted\" } in [service." + quoteKey(id) + "], or leave share out",
					})
				case before <= 1+shareSlack && given[id] > 1+shareSlack:
					l.faults.Add(diag.Diagnostic{
						Span: at, Text: docs[at.File].Line(at.Line),
						Message: `the shares of "` + id + `" come to ` + strconv.FormatFloat(math.Round(given[id]*1e4)/1e2, 'f', -1, 64) + `%, more than the whole`,
						Help:    "write shares that add up to 100% or less",
					})
				}
			}
		}
	}
}

// shareSlack is what shares may add up to beyond the whole: ten times 10% in
// floating point is not always 1.
const shareSlack = 1e-9

// warnOfRings finds pairs of services that fall back on each other for the same
// target: without it, each would wait for the other's answer.
func (l *loader) warnOfRings(c *Catalog, docs map[string]*toml.Document) {
	type fallback struct{ by, on, to string }
	named := make(map[fallback]bool)
	each := func(visit func(fallback, diag.Span)) {
		for i := range c.Services {
			s := &c.Services[i]
			for j := range s.Needs {
				n := &s.Needs[j]
				if n.Fallback == "" {
					continue
				}
				for _, on := range n.Targets {
					visit(fallback{s.ID, on, n.Fallback}, n.At)
				}
			}
		}
	}
	each(func(f fallback, _ diag.Span) { named[f] = true })
	each(func(f fallback, at diag.Span) {
		if f.by < f.to && named[fallback{f.to, f.on, f.by}] {
			l.faults.Add(diag.Diagnostic{
				Severity: diag.Warning, Span: at, Text: docs[at.File].Line(at.Line),
				Message: `"` + f.by + `" and "` + f.to + `" fall back on each other without "` + f.on + `"`,
				Help:    "one of them needs another fallback; as it is, both are shown as safe",
			})
		}
	})
}

func (l *loader) header(c *Catalog, f *fragment) {
	set := func(to *string, value string, at diag.Span, what string) {
		if value == "" || value == *to {
			return
		}
		if *to != "" {
			f.errorf(at, "say it in one file", "the %s of this catalog is given twice, and not the same", what)
			l.faults = append(l.faults, f.faults[len(f.faults)-1])
			return
		}
		*to = value
	}
	set(&c.Title, f.title, f.titleAt, "title")
	set(&c.Prefix, f.prefix, f.prefixAt, "prefix")
	if c.Description == "" {
		c.Description = f.description
	}
}

// unique joins what the fragments hold of one kind, sorted by ID, and keeps the
// first of each, reporting the others with both places. Services are large, so
// pointers are sorted and each service is copied once.
func unique[T any](l *loader, docs map[string]*toml.Document, what string, of func(*fragment) []T, key func(*T) (string, diag.Span)) []T {
	var all []*T
	for _, f := range l.fragments {
		items := of(f)
		for i := range items {
			all = append(all, &items[i])
		}
	}
	slices.SortStableFunc(all, func(a, b *T) int {
		ida, _ := key(a)
		idb, _ := key(b)
		return strings.Compare(ida, idb)
	})
	kept := make([]T, 0, len(all))
	for _, x := range all {
		id, at := key(x)
		if len(kept) > 0 {
			if first, firstAt := key(&kept[len(kept)-1]); first == id {
				if firstAt == at {
					continue // one line, read under two prefixes
				}
				l.faults.Add(diag.Diagnostic{
					Span:    at,
					Message: "the " + what + ` "` + id + `" is defined twice`,
					Help:    "merge the two, or rename one",
					Text:    docs[at.File].Line(at.Line),
					Related: []diag.Related{{Span: firstAt, Note: "first defined here"}},
				})
				continue
			}
		}
		kept = append(kept, *x)
	}
	return kept
}

// resolve reports every name that no service has.
func (l *loader) resolve(c *Catalog, docs map[string]*toml.Document) {
	known := make(map[string]bool, len(c.Services))
	for i := range c.Services {
		known[c.Services[i].ID] = true
	}
	var ids []string
	suggested := 0
	for _, f := range l.fragments {
		for _, w := range f.words {
			if known[w.name] {
				continue
			}
			if len(l.faults) > maxFaults {
				l.unlisted++
				continue
			}
			help := "declare it with [service." + quoteKey(w.name) + "]"
			if suggested++; suggested <= maxSuggestions {
				if ids == nil {
					ids = c.IDs()
				}
				if near := diag.Closest(w.name, ids); near != "" && near != w.by {
					help = `did you mean "` + near + `"?`
				}
			}
			l.faults.Add(diag.Diagnostic{
				Span:    w.at,
				Message: `there is no service "` + w.name + `", named in ` + w.in,
				Help:    help,
				Text:    docs[w.at.File].Line(w.at.Line),
			})
		}
	}
}

// quoteKey writes a name as a TOML key.
func quoteKey(name string) string {
	bare := name != "" && !strings.ContainsFunc(name, func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && r != '-' && r != '_'
	})
	if bare {
		return name
	}
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(name) + `"`
}

// qualify gives the names of an extended catalog its prefix: its own, not those of
// the catalogs it stands on itself. References keep theirs: whatever cites them
// need not know which catalog it ends up in.
func (f *fragment) qualify(prefix string, own map[string]bool) {
	id := func(s *string) { *s = prefix + ":" + *s }
	name := func(s *string) {
		if own[*s] {
			id(s)
		}
	}
	for i := range f.services {
		s := &f.services[i]
		id(&s.ID)
		if s.Group != "" {
			s.Group = prefix + "/" + s.Group
		} else {
			s.Group = prefix
		}
	}
	for i := range f.leases {
		id(&f.leases[i].ID)
	}
	for i := range f.healthChecks {
		id(&f.healthChecks[i].ID)
	}
	f.names(name)
	f.order()
}

// order puts needs into their canonical order again after names in them have changed.
func (f *fragment) order() {
	for i := range f.services {
		s := &f.services[i]
		for j := range s.Needs {
			slices.Sort(s.Needs[j].Targets)
		}
		slices.SortStableFunc(s.Needs, compareNeeds)
	}
}

// names visits every place at which a file names a service that it may not define.
func (f *fragment) names(visit func(*string)) {
	for i := range f.services {
		s := &f.services[i]
		for j := range s.Needs {
			for k := range s.Needs[j].Targets {
				visit(&s.Needs[j].Targets[k])
			}
			visit(&s.Needs[j].Fallback)
		}
	}
	for i := range f.leases {
		l := &f.leases[i]
		visit(&l.Keeper)
		visit(&l.Holder)
		visit(&l.Store)
	}
	for i := range f.healthChecks {
		h := &f.healthChecks[i]
		visit(&h.By)
		for j := range h.Tests {
			visit(&h.Tests[j].Service)
		}
	}
	for i := range f.aliases {
		visit(&f.aliases[i].Service)
	}
	for i := range f.words {
		visit(&f.words[i].name)
	}
}

// unify makes names of a catalog that was given, and is extended as well, those that it
// has by itself: aws:dynamodb is the dynamodb of the catalog beside it. A name that is
// defined as it stands stays. As of any catalog that is extended, the title is not kept.
func (l *loader) unify() {
	if len(l.below) == 0 {
		return
	}
	defined := make(map[string]bool)
	for _, f := range l.fragments {
		if l.below[f.source] {
			f.title, f.description, f.prefix = "", "", ""
		}
		for i := range f.services {
			defined[f.services[i].ID] = true
		}
	}
	for _, f := range l.fragments {
		f.names(func(s *string) {
			prefix, rest, ok := strings.Cut(*s, ":")
			if ok && !defined[*s] && defined[rest] && l.again[prefix] {
				*s = rest
			}
		})
		f.order()
		l.twice(f)
	}
}

// twice refuses a need that names one thing by two names.
func (l *loader) twice(f *fragment) {
	for i := range f.services {
		s := &f.services[i]
		for j := range s.Needs {
			n := &s.Needs[j]
			if len(slices.Compact(slices.Clone(n.Targets))) < len(n.Targets) || n.Fallback != "" && slices.Contains(n.Targets, n.Fallback) {
				f.errorf(n.At, "name each thing once", "this need of %q has two names for one thing", s.ID)
				l.faults = append(l.faults, f.faults[len(f.faults)-1])
			}
		}
	}
}
