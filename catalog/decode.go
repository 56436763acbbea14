package catalog

import (
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/knockon/knockon/catalog/diag"
	"github.com/knockon/knockon/catalog/policy"
	"github.com/knockon/knockon/catalog/toml"
	"github.com/knockon/knockon/catalog/unit"
)

// Limits on names and texts: what is longer is not a name and fits no picture.
const (
	maxName   = 200
	maxText   = 10_000
	maxWeight = 1e12
	maxGroups = 16 // groups within groups
)

// word is a use of a service's name, kept until all names are known.
type word struct {
	name string
	at   diag.Span
	in   string // the table it stands in, for the message
	by   string // the service that uses it, if it is one
}

// parseFile reads one file: p is its path in its source, name what messages call it.
func parseFile(p, name string, data []byte) *fragment {
	doc, faults := toml.Parse(name, data)
	f := &fragment{path: p, doc: doc, faults: faults}
	if doc.Root != nil {
		f.root(doc.Root)
	}
	return f
}

func (f *fragment) root(t *toml.Table) {
	d := f.doc.Decoder(t, "the catalog", &f.faults)
	var format int64 = Format
	if d.Int("format", 1, 1<<31, &format) && format > Format {
		d.Errorf(d.Key("format"), "this knockon reads format 1; a newer one is needed", "format %d is not known", format)
	}
	if f.text(d, "title", &f.title) {
		f.titleAt = d.Key("title")
	}
	f.text(d, "description", &f.description)
	if f.text(d, "prefix", &f.prefix) {
		f.prefixAt = d.Key("prefix")
		f.name(f.prefixAt, "prefix", f.prefix)
	}
	f.readExtends(d)
	services := d.Map("service")
	f.services = make([]Service, 0, len(services))
	for _, e := range services {
		f.service(e)
	}
	for _, e := range d.Map("lease") {
		f.lease(e)
	}
	for _, e := range d.Map("health_check") {
		f.healthCheck(e)
	}
	for _, e := range d.Map("reference") {
		f.reference(e)
	}
	f.readAliases(d)
	d.Done()
}

// readAliases reads the names by which other tools know services.
func (f *fragment) readAliases(d *toml.Decoder) {
	t := d.Table("alias")
	if t == nil {
		return
	}
	names := f.doc.Decoder(t, "[alias]", &f.faults)
	for _, e := range t.Entries {
		a := Alias{Name: e.Key, At: e.At}
		if names.String(e.Key, &a.Service) {
			f.use(a.Service, e.Value.At, "[alias]", "")
			f.aliases = append(f.aliases, a)
		}
	}
}

func (f *fragment) readExtends(d *toml.Decoder) {
	v, ok := d.Value("extends")
	if !ok {
		return
	}
	if v.Kind != toml.ArrayKind {
		d.Errorf(v.At, `write extends = ["builtin:aws-us-east-1"]`, "extends is a list, not %s", v.Kind)
		return
	}
	for _, item := range v.Items {
		switch item.Kind {
		case toml.StringKind:
			if name := item.Scalar.(string); name != "" {
				f.extends = append(f.extends, extension{name: name, at: item.At})
			} else {
				d.Errorf(item.At, `write "builtin:aws-us-east-1" or "base.toml"`, "a catalog to extend has a name")
			}
		case toml.TableKind:
			e := extension{at: item.At}
			t := f.doc.Decoder(item.Table, "extends", &f.faults)
			if named := t.String("file", &e.name); named && e.name == "" || !named && !t.Has("file") {
				d.Errorf(item.At, `write { file = "base.toml", as = "base" }`, "an extended catalog needs a file")
			}
			var prefix string
			if t.String("as", &prefix) {
				f.name(t.Key("as"), "prefix", prefix)
				e.prefix = &prefix
			}
			t.Done()
			if e.name != "" {
				f.extends = append(f.extends, e)
			}
		default:
			d.Errorf(item.At, `write "builtin:aws-us-east-1" or { file = "base.toml", as = "base" }`, "a catalog to extend is named by a string, not %s", item.Kind)
		}
	}
}

func (f *fragment) service(e toml.Entry) {
	f.name(e.At, "service", e.Key)
	in := "[service." + e.Key + "]"
	s := Service{ID: e.Key, Weight: 1, At: e.At}
	d := f.doc.Decoder(e.Value.Table, in, &f.faults)
	f.text(d, "title", &s.Title)
	f.text(d, "description", &s.Description)
	if i, ok := enum(d, "kind", KindWords); ok {
		s.Kind = Kind(i)
	}
	if f.text(d, "group", &s.Group) {
		f.group(d, &s)
	}
	f.text(d, "owner", &s.Owner)
	toml.Count(d, "tier", 0, 9, &s.Tier)
	d.Number("weight", 0, maxWeight, &s.Weight)
	if i, ok := enum(d, "fails_as", FailureWords); ok {
		s.FailsAs = Failure(i)
	}
	d.Rate("load", &s.Load)
	d.Duration("patience", &s.Patience)
	if s.Patience.IsStated() && s.Patience.V == 0 {
		d.Errorf(s.Patience.At, "leave patience out when they wait for ever", "no answer can come within 0s")
	}
	d.Rate("capacity", &s.Capacity)
	toml.Count(d, "concurrency", 1, 1e9, &s.Concurrency)
	d.Range("service_time", &s.ServiceTime)
	s.Replicas = policy.ReplicasKeys(d, "replicas")
	s.Queue = policy.QueueKeys(d, "queue")
	s.Throttle = policy.ThrottleKeys(d, "throttle")
	s.Shed = policy.ShedKeys(d, "shed")
	s.Cache = policy.CacheKeys(d, "cache")
	s.Autoscale = policy.AutoscaleKeys(d, "autoscale", s.Replicas)
	s.Turnover = policy.TurnoverKeys(d, "turnover")
	s.Recovery = policy.RecoveryKeys(d, "recovery")
	s.Deferred = policy.DeferredKeys(d, "deferred")
	if d.String("rehearsed", &s.Rehearsed) {
		if _, err := time.Parse(time.DateOnly, s.Rehearsed); err != nil && s.Rehearsed != NeverRehearsed {
			d.Errorf(d.Key("rehearsed"), `write a day such as "2026-03-01", or "never"`, "rehearsed is the day on which it was last brought back after all of it was lost, and %q is none", s.Rehearsed)
			s.Rehearsed = ""
		}
	}
	f.sources(d, &s.Sources)
	if v, ok := d.Value("needs"); ok {
		f.needs(d, v, e.Key, &s.Needs)
	}
	for _, t := range d.Tables("need") {
		f.need(t, t.At, e.Key, &s.Needs)
	}
	d.Done()
	slices.SortStableFunc(s.Needs, compareNeeds)
	if s.Title == "" {
		s.Title = s.ID
	}
	f.services = append(f.services, s)
}

// group checks the path of a group.
func (f *fragment) group(d *toml.Decoder, s *Service) {
	parts := strings.Split(s.Group, "/")
	switch {
	case slices.Contains(parts, ""):
		d.Errorf(d.Key("group"), `write a path such as "shop/front"`, "group %q has an empty part", s.Group)
	case len(parts) > maxGroups:
		d.Errorf(d.Key("group"), "", "a group has more than %d parts", maxGroups)
	case utf8.RuneCountInString(s.Group) > maxName:
		d.Errorf(d.Key("group"), "", "the path of a group has more than %d characters", maxName)
	default:
		return
	}
	s.Group = ""
}

// needs reads the short form: a list of names and inline tables.
func (f *fragment) needs(d *toml.Decoder, v *toml.Value, id string, to *[]Need) {
	if v.Kind == toml.StringKind {
		d.Errorf(v.At, fmt.Sprintf("write needs = [%q]", v.Scalar), "needs is a list, not a string")
		return
	}
	if v.Kind != toml.ArrayKind {
		d.Errorf(v.At, `write needs = ["payments", { on = "cart", if_lost = "degrade" }]`, "needs is a list, not %s", v.Kind)
		return
	}
	*to = make([]Need, 0, len(v.Items))
	for _, item := range v.Items {
		switch item.Kind {
		case toml.StringKind:
			n := Need{Targets: []string{item.Scalar.(string)}, At: item.At}
			f.use(n.Targets[0], item.At, "[service."+id+"]", id)
			if f.checkNeed(d, &n, id) {
				*to = append(*to, n)
			}
		case toml.TableKind:
			f.need(item.Table, item.At, id, to)
		default:
			d.Errorf(item.At, `write "payments" or { on = "payments", … }`, "a need is a name or a table, not %s", item.Kind)
		}
	}
}

// need reads the long form of a need.
func (f *fragment) need(t *toml.Table, at diag.Span, id string, to *[]Need) {
	in := "a need of [service." + id + "]"
	d := f.doc.Decoder(t, in, &f.faults)
	n := Need{At: at}
	before := len(f.faults)
	f.targets(d, &n, id, in)
	if i, ok := enum(d, "mode", ModeWords); ok {
		n.Mode = Mode(i)
	}
	if i, ok := enum(d, "to", PurposeWords); ok {
		n.To = Purpose(i)
	}
	loss, lossStated := enum(d, "if_lost", LossWords)
	n.IfLost = Loss(loss)
	d.Range("ttl", &n.TTL)
	d.Duration("within", &n.Within)
	if d.String("fallback", &n.Fallback) {
		f.use(n.Fallback, d.Key("fallback"), in, id)
		if !lossStated {
			n.IfLost = Fallback
		}
	}
	validates := true
	d.Bool("validates", &validates)
	n.Believes = !validates
	d.Bool("shared", &n.Shared)
	f.text(d, "for", &n.For)
	d.Duration("timeout", &n.Timeout)
	toml.Real(d, "calls", 0, 1e6, &n.Calls)
	d.Bool("parallel", &n.Parallel)
	n.Retry = policy.RetryKeys(d, "retry")
	n.Breaker = policy.BreakerKeys(d, "breaker")
	n.Bulkhead = policy.BulkheadKeys(d, "bulkhead")
	n.Limit = policy.ClientThrottleKeys(d, "limit")
	n.Cache = policy.CacheKeys(d, "cache")
	toml.Count(d, "clients", 1, 1e9, &n.Clients)
	toml.Count(d, "priority", 0, 9, &n.Priority)
	var share unit.Value[unit.Ratio]
	if d.Ratio("share", &share) {
		n.Share = unit.Value[float64]{V: float64(share.V), Evidence: share.Evidence, Source: share.Source, At: share.At}
	}
	f.sources(d, &n.Sources)

	if n.TTL.IsStated() && n.IfLost != Stale {
		d.Errorf(d.Key("ttl"), `add if_lost = "stale", or leave ttl out`, "a ttl says how long a stale answer lasts, and this need does not go on with one")
	}
	if n.Fresh && n.IfLost == Stale {
		d.Errorf(d.Key("if_lost"), `leave if_lost out, and say in within how old is too old`, "a need for something recent cannot go on with what is stale")
	}
	if n.Within.IsStated() && !n.Fresh && n.Mode != Async {
		d.Errorf(d.Key("within"), `write fresh = "…" in place of on, or mode = "async"`, "within says how old something may be, and this need does not ask for anything recent")
	}
	if n.Fallback != "" && n.IfLost != Fallback {
		d.Errorf(d.Key("fallback"), `write if_lost = "fallback", or leave it out`, "this need has a fallback and says if_lost = %q", n.IfLost)
	}
	f.checkCache(d, &n)
	if n.Timeout.IsStated() && n.Timeout.V == 0 {
		d.Errorf(n.Timeout.At, `leave timeout out when there is none`, "no call can finish within 0s")
	}
	d.Done()
	if f.checkNeed(d, &n, id) && !f.faults[before:].HasErrors() {
		*to = append(*to, n)
	}
}

// checkCache refuses a cache where there are no answers to remember.
func (f *fragment) checkCache(d *toml.Decoder, n *Need) {
	switch {
	case n.Cache == nil:
	case n.Mode == Async:
		d.Errorf(d.Key("cache"), `leave cache out, or write mode = "sync"`, "a cache remembers answers, and an asynchronous need has none")
	case n.To != ToServe:
		d.Errorf(d.Key("cache"), `leave cache out, or write to = "serve"`, "a cache remembers the answers to requests, and this need is one to %s", n.To)
	case n.Fresh:
		d.Errorf(d.Key("cache"), `leave cache out, or write on in place of fresh`, "a need for something recent makes no calls, and so has no answers to remember")
	}
}

// targets reads what a need is on: `on`, `fresh`, or `at_least` … `of`.
func (f *fragment) targets(d *toml.Decoder, n *Need, id, in string) {
	var on, fresh string
	hasOn, hasFresh := d.String("on", &on), d.String("fresh", &fresh)
	hasOf := d.Has("of")
	d.Strings("of", &n.Targets)
	var least int64
	hasLeast := d.Int("at_least", 1, 1<<31, &least)
	forms := 0
	for _, has := range []bool{hasOn, hasFresh, hasOf || hasLeast} {
		if has {
			forms++
		}
	}
	switch {
	case forms > 1:
		d.Errorf(d.At(), `write on = "a", or fresh = "a", or at_least = 1, of = ["a", "b"]`, "a need is on one thing, and this one names several")
	case hasOn:
		n.Targets = []string{on}
		f.use(on, d.Key("on"), in, id)
	case hasFresh:
		n.Targets, n.Fresh = []string{fresh}, true
		f.use(fresh, d.Key("fresh"), in, id)
	case hasLeast && !hasOf:
		if !d.Has("of") {
			d.Errorf(d.Key("at_least"), `add of = ["a", "b"]`, "at_least %d of what", least)
		}
	case hasOf:
		f.alternatives(d, n, least, hasLeast, id, in)
	case !d.Has("on") && !d.Has("fresh"):
		d.Errorf(d.At(), `write on = "payments"`, "this need of [service.%s] does not say what it is on", id)
	}
}

func (f *fragment) alternatives(d *toml.Decoder, n *Need, least int64, hasLeast bool, id, in string) {
	if v, ok := d.Value("of"); ok && v.Kind == toml.ArrayKind {
		for i, item := range v.Items {
			if i < len(n.Targets) {
				f.use(n.Targets[i], item.At, in, id)
			}
		}
	}
	if !hasLeast {
		least = 1
	}
	slices.Sort(n.Targets)
	if unique := slices.Compact(slices.Clone(n.Targets)); len(unique) < len(n.Targets) {
		d.Errorf(d.Key("of"), "name each alternative once", "an alternative is named twice, and the same thing twice is not two")
		n.Targets = unique
	}
	switch {
	case len(n.Targets) == 0:
		d.Errorf(d.Key("of"), `write of = ["a", "b"]`, "this group has no alternatives")
	case least > int64(len(n.Targets)):
		d.Errorf(d.Key("at_least"), fmt.Sprintf("write at most %d", len(n.Targets)), "at least %d of %d can never be met", least, len(n.Targets))
		least = int64(len(n.Targets))
	}
	n.AtLeast = int(least)
}

// checkNeed refuses what cannot be, once the need is read.
func (f *fragment) checkNeed(d *toml.Decoder, n *Need, id string) bool {
	for _, t := range n.Targets {
		if t == id {
			d.Errorf(n.At, "leave it out; a service that fails has failed", "%q needs itself", id)
			return false
		}
	}
	if n.Fallback != "" && (n.Fallback == id || slices.Contains(n.Targets, n.Fallback)) {
		d.Errorf(n.At, "a fallback is something else", "%q falls back on what it has lost", id)
		return false
	}
	return len(n.Targets) > 0
}

func (f *fragment) lease(e toml.Entry) {
	f.name(e.At, "lease", e.Key)
	in := "[lease." + e.Key + "]"
	l := Lease{ID: e.Key, At: e.At}
	d := f.doc.Decoder(e.Value.Table, in, &f.faults)
	for _, role := range []struct {
		key      string
		to       *string
		required bool
	}{{"keeper", &l.Keeper, true}, {"holder", &l.Holder, true}, {"store", &l.Store, false}} {
		switch {
		case d.String(role.key, role.to):
			f.use(*role.to, d.Key(role.key), in, "")
		case role.required && !d.Has(role.key):
			d.Errorf(e.At, fmt.Sprintf(`add %s = "…"`, role.key), "%s does not name its %s", in, role.key)
		}
	}
	l.Policy = policy.LeaseKeys(d)
	f.sources(d, &l.Sources)
	if l.Holder != "" && (l.Holder == l.Store || l.Holder == l.Keeper) {
		d.Errorf(e.At, "the holder is the one that loses its work with the lease", "%s: %q holds a lease from itself", in, l.Holder)
	}
	d.Done()
	f.leases = append(f.leases, l)
}

func (f *fragment) healthCheck(e toml.Entry) {
	f.name(e.At, "health check", e.Key)
	in := "[health_check." + e.Key + "]"
	h := HealthCheck{ID: e.Key, At: e.At}
	d := f.doc.Decoder(e.Value.Table, in, &f.faults)
	if d.String("by", &h.By) {
		f.use(h.By, d.Key("by"), in, "")
	} else if !d.Has("by") {
		d.Errorf(e.At, `add by = "…"`, "%s does not say who performs it", in)
	}
	if v, ok := d.Value("tests"); ok {
		f.tests(d, v, &h, in)
	} else {
		d.Errorf(e.At, `add tests = ["…"]`, "%s does not say what it tests", in)
	}
	h.Policy = policy.HealthCheckKeys(d)
	f.sources(d, &h.Sources)
	d.Done()
	f.healthChecks = append(f.healthChecks, h)
}

func (f *fragment) tests(d *toml.Decoder, v *toml.Value, h *HealthCheck, in string) {
	if v.Kind != toml.ArrayKind {
		d.Errorf(v.At, `write tests = ["checkout"]`, "tests is a list, not %s", v.Kind)
		return
	}
	for _, item := range v.Items {
		var x Tested
		switch item.Kind {
		case toml.StringKind:
			x.Service = item.Scalar.(string)
			f.use(x.Service, item.At, in, "")
		case toml.TableKind:
			t := f.doc.Decoder(item.Table, "a test of "+in, &f.faults)
			if t.String("fresh", &x.Service) {
				x.Fresh = true
				f.use(x.Service, t.Key("fresh"), in, "")
			} else {
				t.Errorf(item.At, `write { fresh = "…", within = "60s" }`, "a test that is a table says what has to be fresh")
			}
			t.Duration("within", &x.Within)
			t.Done()
		default:
			d.Errorf(item.At, `write "checkout" or { fresh = "checkout", within = "60s" }`, "a test is a name or a table, not %s", item.Kind)
		}
		h.Tests = append(h.Tests, x)
	}
}

func (f *fragment) reference(e toml.Entry) {
	f.name(e.At, "reference", e.Key)
	r := Reference{ID: e.Key, At: e.At}
	d := f.doc.Decoder(e.Value.Table, "[reference."+e.Key+"]", &f.faults)
	f.text(d, "title", &r.Title)
	f.text(d, "url", &r.URL)
	d.Done()
	f.references = append(f.references, r)
}

// sources reads what is cited; the order in which it is says nothing.
func (f *fragment) sources(d *toml.Decoder, to *[]string) {
	if d.Strings("source", to) {
		slices.Sort(*to)
	}
}

// use notes that a service is named somewhere.
func (f *fragment) use(name string, at diag.Span, in, by string) {
	f.words = append(f.words, word{name, at, in, by})
}

// text reads a string that people will read.
func (f *fragment) text(d *toml.Decoder, key string, to *string) bool {
	if !d.String(key, to) {
		return false
	}
	if utf8.RuneCountInString(*to) > maxText {
		d.Errorf(d.Key(key), "", "%s has more than %d characters", key, maxText)
		*to = ""
		return false
	}
	return true
}

// name checks a name that other tables will use. Almost any printable word is
// one: quoting and escaping is the writers' work.
func (f *fragment) name(at diag.Span, what, name string) {
	switch {
	case name == "":
		f.errorf(at, "", "a %s has an empty name", what)
	case utf8.RuneCountInString(name) > maxName:
		f.errorf(at, "", "the name of a %s has more than %d characters", what, maxName)
	case strings.TrimSpace(name) != name:
		f.errorf(at, fmt.Sprintf("write %q", strings.TrimSpace(name)), "the name of a %s begins or ends with white space", what)
	case strings.ContainsFunc(name, func(r rune) bool { return unicode.IsControl(r) }):
		f.errorf(at, "", "the name of a %s has a control character", what)
	}
}

// enum reads one of a list of words and returns its index.
func enum(d *toml.Decoder, key string, words []string) (int, bool) {
	w, ok := d.Enum(key, words)
	if !ok {
		return 0, false
	}
	return slices.Index(words, w), true
}
