package scenario

import (
	"slices"
	"strings"

	"github.com/knockon/knockon/catalog"
	"github.com/knockon/knockon/catalog/diag"
)

// maxSuggestions bounds the search for what a dangling name may have meant: each
// costs a look at every name of the catalog.
const maxSuggestions = 200

// Check reports what the scenario names and the catalog does not have: services,
// zones of a service, needs of one. A scenario without errors can be played on the
// catalog.
func (s *Scenario) Check(c *catalog.Catalog) diag.List {
	k := &checker{s: s, c: c, named: make(map[string]bool, len(c.Services))}
	for i := range c.Services {
		k.named[c.Services[i].ID] = true
	}
	for i := range s.Faults {
		f := &s.Faults[i]
		if k.service(f.Service, or(f.ServiceAt, f.Span), "[[fault]]") {
			k.zone(f)
		}
	}
	k.loads()
	for i := range s.Actions {
		for j := range s.Actions[i].Do {
			x := &s.Actions[i].Do[j]
			k.service(x.Target, or(x.TargetAt, x.Span), "[[action]]")
		}
	}
	for i := range s.Expects {
		k.expect(&s.Expects[i])
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
}

func (k *checker) add(severity diag.Severity, at diag.Span, help, message string) {
	if len(k.faults) > maxFaults {
		k.unlisted++
		return
	}
	d := diag.Diagnostic{Severity: severity, Span: at, Message: message, Help: help}
	if at.IsZero() {
		d.Span.File = k.s.File
	} else if k.s.doc != nil {
		d.Text = k.s.doc.Line(at.Line)
	}
	k.faults.Add(d)
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

// zone reports a zone in which a service has no replicas.
func (k *checker) zone(f *Fault) {
	if f.Zone == "" {
		return
	}
	var zones []string
	if r := k.c.Service(f.Service).Replicas; r != nil {
		zones = r.Zones
	}
	switch {
	case slices.Contains(zones, f.Zone):
	case len(zones) == 0:
		k.add(diag.Error, or(f.ZoneAt, f.Span), `leave it out, or declare replicas = { zones = ["az1", "az2"] } in the catalog`, `"`+f.Service+`" has no zones in the catalog`)
	default:
		k.add(diag.Error, or(f.ZoneAt, f.Span), diag.DidYouMean(f.Zone, zones), `"`+f.Service+`" has no replicas in the zone "`+f.Zone+`"`)
	}
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

// expect looks at the service and the need of an expectation.
func (k *checker) expect(x *Expect) {
	if x.Kind == ExpectVerdict {
		return
	}
	const in = "[[expect]]"
	known := k.service(x.Service, or(x.ServiceAt, x.Span), in)
	if x.Need == "" || !known {
		if x.Need != "" {
			k.service(x.Need, or(x.NeedAt, x.Span), in)
		}
		return
	}
	var targets []string
	service := k.c.Service(x.Service)
	for i := range service.Needs {
		if slices.Contains(service.Needs[i].Targets, x.Need) {
			return
		}
		targets = append(targets, service.Needs[i].Targets...)
	}
	slices.Sort(targets)
	targets = slices.Compact(targets)
	help := diag.DidYouMean(x.Need, targets)
	switch {
	case len(targets) == 0:
		help = "it has no needs"
	case help == "":
		help = "it needs " + strings.Join(targets[:min(len(targets), 8)], ", ") + " and others"
	}
	message := `"` + x.Service + `" does not need "` + x.Need + `"`
	if !k.named[x.Need] {
		message += ", which is not a service"
	}
	k.add(diag.Error, or(x.NeedAt, x.Span), help, message)
}

// or is the exact place of a name, or the place of what names it: scenarios that
// were not read from a file have neither.
func or(exact, whole diag.Span) diag.Span {
	if exact.IsZero() {
		return whole
	}
	return exact
}
