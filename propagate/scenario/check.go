package scenario

import (
	"slices"
	"strconv"
	"strings"

	"github.com/knockon/knockon/catalog"
	"github.com/knockon/knockon/catalog/diag"
	"github.com/knockon/knockon/catalog/toml"
)

// maxSuggestions bounds the search for what a dangling name may have meant: each
// costs a look at every name of the catalog.
const maxSuggestions = 200

// Check reports what the scenario names and the catalog does not have: services,
// zones and replicas of a service, needs of one, leases, health checks. A scenario
// without errors can be played on the catalog.
func (s *Scenario) Check(c *catalog.Catalog) diag.List {
	k := &checker{s: s, c: c, named: make(map[string]bool, len(c.Services))}
	for i := range c.Services {
		k.named[c.Services[i].ID] = true
	}
	for i := range c.Leases {
		k.leases = append(k.leases, c.Leases[i].ID)
	}
	for i := range c.HealthChecks {
		k.healthChecks = append(k.healthChecks, c.HealthChecks[i].ID)
	}
	for i := range s.Faults {
		f := &s.Faults[i]
		if f.Effect == Lapse {
			k.lease(f.Lease, or(f.LeaseAt, f.Span), "[[fault]]")
		} else if k.service(f.Service, or(f.ServiceAt, f.Span), "[[fault]]") {
			k.zone(f.Service, f.Zone, or(f.ZoneAt, f.Span))
			k.count(f)
		}
	}
	k.loads()
	for i := range s.Observers {
		o := &s.Observers[i]
		k.services(o.Needs, o.NeedsAt, o.Span, "[[observer]]")
	}
	for i := range s.Actions {
		k.action(&s.Actions[i])
	}
	if s.doc == nil { // a file has been looked at when it was read
		s.references(s.kinds(), func(at diag.Span, help, message string) { k.add(diag.Error, at, help, message) })
	}
	for i := range s.Expects {
		k.expect(&s.Expects[i])
	}
	if s.Record != nil {
		k.record(s.Record)
	}
	return listed(k.faults, k.unlisted)
}

// checker compares a scenario with a catalog.
type checker struct {
	s         *Scenario
	c         *catalog.Catalog
	named     map[string]bool
	ids       []string // of all services, once somebody needs them
	suggested int
	faults    diag.List
	unlisted  int // found when there were enough

	leases, healthChecks []string // sorted
}

func (k *checker) add(severity diag.Severity, at diag.Span, help, message string) {
	if len(k.faults) > maxFaults {
		k.unlisted++
		return
	}
	d := diag.Diagnostic{Severity: severity, Span: at, Message: message, Help: help}
	if at.IsZero() {
		d.Span.File = k.s.File
	} else if doc := k.s.document(at.File); doc != nil {
		d.Text = doc.Line(at.Line)
	}
	k.faults.Add(d)
}

// document is the file of a place: that of the scenario, or of its record where that
// stands apart; nil where no file was read.
func (s *Scenario) document(file string) *toml.Document {
	if s.Record != nil && s.Record.doc != nil && s.Record.File == file {
		return s.Record.doc
	}
	return s.doc
}

// service reports a name that no service has.
func (k *checker) service(name string, at diag.Span, in string) bool {
	if k.named[name] {
		return true
	}
	help := "declare it in the catalog, or name another"
	if k.suggested++; k.suggested <= maxSuggestions && len(k.faults) <= maxFaults {
		if k.ids == nil {
			k.ids = k.c.IDs()
		}
		if near := diag.Closest(name, k.ids); near != "" {
			help = `did you mean "` + near + `"?`
		}
	}
	k.add(diag.Error, at, help, `there is no service "`+name+`" in the catalog, named in `+in)
	return false
}

// services reports names of a list that no service has.
func (k *checker) services(names []string, places []diag.Span, whole diag.Span, in string) {
	for i, name := range names {
		at := whole
		if i < len(places) {
			at = places[i]
		}
		k.service(name, at, in)
	}
}

// lease reports a name that no lease has.
func (k *checker) lease(name string, at diag.Span, in string) bool {
	return k.listed(name, k.leases, "lease", at, in)
}

// listed reports a name that is not in a sorted list of the catalog.
func (k *checker) listed(name string, list []string, what string, at diag.Span, in string) bool {
	if _, ok := slices.BinarySearch(list, name); ok {
		return true
	}
	help := "declare it in the catalog, or name another"
	if k.suggested++; len(list) > 0 && k.suggested <= maxSuggestions && len(k.faults) <= maxFaults {
		if near := diag.DidYouMean(name, list); near != "" {
			help = near
		}
	}
	message := `there is no ` + what + ` "` + name + `" in the catalog, named in ` + in
	if k.named[name] {
		message += "; it is a service"
	}
	k.add(diag.Error, at, help, message)
	return false
}

// zone reports a zone in which a service has no replicas.
func (k *checker) zone(service, zone string, at diag.Span) {
	if zone == "" {
		return
	}
	var zones []string
	if r := k.c.Service(service).Replicas; r != nil {
		zones = r.Zones
	}
	switch {
	case slices.Contains(zones, zone):
	case len(zones) == 0:
		k.add(diag.Error, at, `leave it out, or declare replicas = { zones = ["az1", "az2"] } in the catalog`, `"`+service+`" has no zones in the catalog`)
	default:
		k.add(diag.Error, at, diag.DidYouMean(zone, zones), `"`+service+`" has no replicas in the zone "`+zone+`"`)
	}
}

// count reports more replicas than a service has.
func (k *checker) count(f *Fault) {
	if f.Count == 0 {
		return
	}
	has := int64(0)
	if r := k.c.Service(f.Service).Replicas; r != nil {
		has = r.Count.Or(int64(len(r.Zones)))
	}
	at := or(f.CountAt, f.Span)
	switch {
	case has == 0:
		k.add(diag.Error, at, "leave it out, or declare replicas = 5 in the catalog", `it is not known how many replicas "`+f.Service+`" has`)
	case f.Count > has:
		k.add(diag.Error, at, "write a number up to "+strconv.FormatInt(has, 10), `"`+f.Service+`" has `+strconv.FormatInt(has, 10)+" replicas, and the fault strikes "+strconv.FormatInt(f.Count, 10))
	}
}

// action looks at what an action waits for, needs and does.
func (k *checker) action(a *Action) {
	const in = "[[action]]"
	k.services(a.Tools, a.ToolsAt, a.Span, in)
	if a.After != nil && a.After.Observed != nil {
		k.condition(a.After.Observed, in)
	}
	for i := range a.Do {
		x := &a.Do[i]
		at := or(x.TargetAt, x.Span)
		switch deeds[x.Verb].on {
		case onService:
			if k.service(x.Target, at, in) {
				k.zone(x.Target, x.Zone, or(x.ZoneAt, x.Span))
			}
		case onNeed:
			k.need(x.From, x.To, or(x.FromAt, x.Span), or(x.ToAt, x.Span), in)
			if x.Verb == FailOver {
				k.service(x.Instead, or(x.InsteadAt, x.Span), in)
			}
		case onLease:
			k.lease(x.Target, at, in)
		case onAutomatic:
			if x.Autoscale {
				if k.service(x.Target, at, in) && k.c.Service(x.Target).Autoscale == nil {
					k.add(diag.Error, at, `leave it out, or declare autoscale = { target = "60%", max = 40 } in the catalog`, `"`+x.Target+`" does not scale by itself in the catalog`)
				}
			} else {
				k.listed(x.Target, k.healthChecks, "health check", at, in)
			}
		}
		if x.Until != nil {
			k.condition(x.Until, in)
		}
	}
}

// condition looks at what a condition is about.
func (k *checker) condition(c *Condition, in string) {
	at := or(c.NamedAt, c.Span)
	if c.Kind == NumberCondition && Measures[c.Measure].Lease {
		k.lease(c.Lease, at, in)
		return
	}
	k.service(c.Service, at, in)
}

// loads looks at services and at what multiples and days are of.
func (k *checker) loads() {
	given := make(map[string]bool) // a rate is stated by the scenario, at some time
	for i := range k.s.Loads {
		if l := &k.s.Loads[i]; l.Times == 0 && l.Daily == nil {
			given[l.Service] = true
		}
	}
	for i := range k.s.Loads {
		l := &k.s.Loads[i]
		if !k.service(l.Service, or(l.ServiceAt, l.Span), "[[load]]") || k.c.Service(l.Service).Load.IsStated() {
			continue
		}
		switch {
		case l.Daily != nil:
			k.add(diag.Warning, or(l.ServiceAt, l.Span), "state its load in the catalog: that is the peak", `the load of "`+l.Service+`" is not stated, so its day has no known peak`)
		case l.Times > 0 && !given[l.Service]:
			k.add(diag.Warning, or(l.ServiceAt, l.Span), `state its load in the catalog, or write rate = "2400/s"`, `the load of "`+l.Service+`" is not stated, so it is not known what is multiplied`)
		}
	}
}

// expect looks at the service, the need or the lease of an expectation.
func (k *checker) expect(x *Expect) {
	const in = "[[expect]]"
	switch {
	case x.Kind == ExpectVerdict:
	case x.Kind == ExpectNumber && Measures[x.Measure].Lease:
		k.lease(x.Lease, or(x.LeaseAt, x.Span), in)
	case x.Need != "":
		k.need(x.Service, x.Need, or(x.ServiceAt, x.Span), or(x.NeedAt, x.Span), in)
	default:
		k.service(x.Service, or(x.ServiceAt, x.Span), in)
	}
}

// need reports what is no need of a service for another.
func (k *checker) need(from, to string, fromAt, toAt diag.Span, in string) {
	if !k.service(from, fromAt, in) {
		k.service(to, toAt, in)
		return
	}
	var targets []string
	service := k.c.Service(from)
	for i := range service.Needs {
		if slices.Contains(service.Needs[i].Targets, to) {
			return
		}
		targets = append(targets, service.Needs[i].Targets...)
	}
	slices.Sort(targets)
	targets = slices.Compact(targets)
	help := diag.DidYouMean(to, targets)
	switch {
	case len(targets) == 0:
		help = "it has no needs"
	case help == "":
		help = "it needs " + strings.Join(targets[:min(len(targets), 8)], ", ") + " and others"
	}
	message := `"` + from + `" does not need "` + to + `"`
	if !k.named[to] {
		message += ", which is not a service"
	}
	k.add(diag.Error, toAt, help, message)
}

// or is the exact place of a name, or the place of what names it: scenarios that
// were not read from a file have neither.
func or(exact, whole diag.Span) diag.Span {
	if exact.IsZero() {
		return whole
	}
	return exact
}
