package audit

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/knockon/knockon/catalog"
	"github.com/knockon/knockon/catalog/toml"
	"github.com/knockon/knockon/catalog/unit"
	"github.com/knockon/knockon/graph"
)

// A user's own rule says which needs are forbidden, or which are required, by
// conditions on the service that has them, on what is needed, and on the need itself:
//
//	[forbidden.front-to-database]
//	message = "front ends reach databases through services only"
//	from    = { group = "shop/front*" }
//	to      = { kind = "database" }
//
//	[required.on-call]
//	message = "what is important has a way to be repaired"
//	from    = { tier = "0..1" }
//	need    = { to = "repair" }
type ownRule struct {
	required bool
	from, to serviceCondition
	except   serviceCondition // services that are left alone
	via      serviceCondition // what a path must go through
	need     needCondition
	path     string // one of PathWords
	more     int64  // forbidden: only more than so many of one service
	least    int64  // required: so many
	longer   int64  // forbidden: only paths of more than so many needs
	needs    bool   // required: it is about needs, and not only about what is stated
	states   []string
}

// PathWords say how far a rule looks.
var PathWords = []string{
	"direct", // one need
	"hard",   // a chain of needs that nothing breaks: losing the end takes the beginning down
	"any",    // a chain of any needs
}

// serviceCondition holds for services for which all holds that is stated of it.
type serviceCondition struct {
	stated    bool
	id        []string // patterns, one of which must match
	group     []string
	owner     []string
	kind      []string
	low, high int64 // tier
	tier      bool
}

func (c *serviceCondition) holds(s *catalog.Service) bool {
	matches := func(patterns []string, text string) bool {
		return len(patterns) == 0 || slices.ContainsFunc(patterns, func(p string) bool { return glob(p, text) })
	}
	return matches(c.id, s.ID) && matches(c.group, s.Group) && matches(c.owner, s.Owner) && matches(c.kind, s.Kind.String()) &&
		(!c.tier || s.Tier.IsStated() && c.low <= s.Tier.V && s.Tier.V <= c.high)
}

// needCondition holds for needs for which all holds that is stated of it.
type needCondition struct {
	mode, to, ifLost []string
	timeoutOver      unit.Value[unit.Duration]
	attemptsOver     unit.Value[int64]
	without          []string
	believes         *bool
}

// needKeys are what a need can be without, sorted.
var needKeys = []string{"breaker", "bulkhead", "cache", "for", "limit", "retry", "source", "timeout"}

func (c *needCondition) holds(n *graph.Need) bool {
	d := n.Declared
	if d == nil {
		return false
	}
	in := func(words []string, word string) bool { return len(words) == 0 || slices.Contains(words, word) }
	switch {
	case !in(c.mode, d.Mode.String()), !in(c.to, d.To.String()), !in(c.ifLost, d.IfLost.String()):
		return false
	case c.timeoutOver.IsStated() && !(d.Timeout.IsStated() && d.Timeout.V > c.timeoutOver.V):
		return false
	case c.attemptsOver.IsStated() && !(d.Retry != nil && d.Retry.Attempts.Or(3) > c.attemptsOver.V):
		return false
	case c.believes != nil && *c.believes != d.Believes:
		return false
	}
	return !slices.ContainsFunc(c.without, func(key string) bool { return hasKey(d, key) })
}

// hasKey reports whether a need states one of needKeys.
func hasKey(d *catalog.Need, key string) bool {
	switch key {
	case "breaker":
		return d.Breaker != nil
	case "bulkhead":
		return d.Bulkhead != nil
	case "cache":
		return d.Cache != nil
	case "for":
		return d.For != ""
	case "limit":
		return d.Limit != nil
	case "retry":
		return d.Retry != nil
	case "source":
		return len(d.Sources) > 0
	}
	return d.Timeout.IsStated()
}

// serviceKeys are what a service can be required to state, sorted.
var serviceKeys = []string{"capacity", "concurrency", "description", "group", "load", "owner", "queue", "recovery", "replicas", "service_time", "tier"}

func statesKey(s *catalog.Service, key string) bool {
	switch key {
	case "capacity":
		return s.Capacity.IsStated()
	case "concurrency":
		return s.Concurrency.IsStated()
	case "description":
		return s.Description != ""
	case "group":
		return s.Group != ""
	case "load":
		return s.Load.IsStated()
	case "owner":
		return s.Owner != ""
	case "queue":
		return s.Queue != nil
	case "recovery":
		return s.Recovery != nil
	case "replicas":
		return s.Replicas != nil
	case "service_time":
		return s.ServiceTime.IsStated()
	}
	return s.Tier.IsStated()
}

var (
	ownID      = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9]*([_-][A-Za-z0-9]+)*$`)
	reservedID = regexp.MustCompile(`(?i)^KO\d+$`)
)

// readOwn reads the user's own rules of one kind.
func readOwn(d *toml.Decoder, kind string, sub func(*toml.Table, string) *toml.Decoder) (rules []*Rule) {
	for _, e := range d.Map(kind) {
		t := sub(e.Value.Table, "["+kind+"."+e.Key+"]")
		if _, taken := RuleNamed(e.Key); taken || reservedID.MatchString(e.Key) || !ownID.MatchString(e.Key) {
			d.Errorf(e.At, `write a name of your own, such as "front-to-database"`, "%q cannot be the name of a rule", e.Key)
		}
		rules = append(rules, readOwnRule(t, e.Key, kind == "required"))
	}
	return rules
}

func readOwnRule(t *toml.Decoder, id string, required bool) *Rule {
	o := &ownRule{required: required, path: "direct", least: 1}
	r := &Rule{ID: id, Name: id, Severity: Warning, Looks: "A rule of your own."}
	t.Require("message", `write message = "what is wrong, and what to do instead"`)
	t.String("message", &r.Summary)
	t.String("why", &r.Why)
	t.String("fix", &r.Fix)
	if word, ok := t.Enum("severity", SeverityWords); ok {
		r.Severity = Severity(slices.Index(SeverityWords, word))
	}
	o.from, o.to, o.except, o.via = readCondition(t, "from"), readCondition(t, "to"), readCondition(t, "except"), readCondition(t, "via")
	if n := t.Sub("need", `conditions on the need, such as { mode = "sync", without = ["timeout"] }`); n != nil {
		o.need = readNeedCondition(n)
	}
	if word, ok := t.Enum("path", PathWords); ok {
		o.path = word
	}
	switch {
	case required:
		t.Int("at_least", 1, 1e9, &o.least)
		t.Strings("states", &o.states)
		o.needs = t.Has("to") || t.Has("need")
		checkWords(t, "states", "key of a service", o.states, serviceKeys)
		if !o.needs && !t.Has("states") {
			t.Errorf(t.At(), `write to = { … }, need = { … } or states = ["owner"]`, "the rule requires nothing")
		}
	default:
		t.Int("more_than", 0, 1e9, &o.more)
		t.Int("longer_than", 1, 1e9, &o.longer)
		if !t.Has("from") && !t.Has("to") && !t.Has("need") {
			t.Errorf(t.At(), `write from = { … }, to = { … } or need = { … }`, "the rule forbids every need")
		}
	}
	for _, key := range []string{"via", "longer_than"} {
		if t.Has(key) && o.path == "direct" {
			t.Errorf(t.Key(key), `add path = "hard" or path = "any"`, "%q is about a path of several needs", key)
		}
	}
	t.Done()
	r.Check = o.check
	return r
}

func readCondition(t *toml.Decoder, key string) (c serviceCondition) {
	d := t.Sub(key, `conditions on a service, such as { group = "shop/*", tier = "0..1" }`)
	if d == nil {
		return c
	}
	c.stated = true
	d.Strings("id", &c.id)
	d.Strings("group", &c.group)
	d.Strings("owner", &c.owner)
	d.Strings("kind", &c.kind)
	checkWords(d, "kind", "kind", c.kind, catalog.KindWords)
	if v, ok := d.Value("tier"); ok {
		text := ""
		switch s := v.Scalar.(type) {
		case int64:
			text = strconv.FormatInt(s, 10)
		case string:
			text = s
		}
		low, high, isRange := strings.Cut(text, "..")
		var errs [2]error
		c.low, errs[0] = strconv.ParseInt(strings.TrimSpace(low), 10, 64)
		c.high = c.low
		if isRange {
			c.high, errs[1] = strconv.ParseInt(strings.TrimSpace(high), 10, 64)
		}
		if c.tier = errs[0] == nil && errs[1] == nil && c.low <= c.high; !c.tier {
			d.Errorf(v.At, `write tier = 0 or tier = "0..1"`, "this is no tier and no range of them")
		}
	}
	d.Done()
	return c
}

func readNeedCondition(d *toml.Decoder) (c needCondition) {
	for _, x := range []struct {
		key   string
		words []string
		to    *[]string
	}{{"mode", catalog.ModeWords, &c.mode}, {"to", catalog.PurposeWords, &c.to}, {"if_lost", catalog.LossWords, &c.ifLost}, {"without", needKeys, &c.without}} {
		d.Strings(x.key, x.to)
		checkWords(d, x.key, "word for "+x.key, *x.to, x.words)
	}
	d.Duration("timeout_over", &c.timeoutOver)
	toml.Count(d, "attempts_over", 0, 1e6, &c.attemptsOver)
	validates := true
	if d.Bool("validates", &validates) {
		believes := !validates
		c.believes = &believes
	}
	d.Done()
	return c
}

func checkWords(d *toml.Decoder, key, what string, words, known []string) {
	for _, w := range words {
		if !slices.Contains(known, w) {
			d.UnknownWord(d.Key(key), what, w, known)
		}
	}
}

func (o *ownRule) check(p *Pass) {
	for v := range graph.Node(p.Graph.Len()) {
		s := p.Graph.Service(v)
		if !o.from.holds(s) || o.except.stated && o.except.holds(s) {
			continue
		}
		if key := o.missingKey(s); key != "" {
			p.Report(Finding{Subject: s.ID + ": " + key, Service: s.ID, At: s.At, Damage: p.Damage(v), Message: fmt.Sprintf("%s: %s does not state %s", p.rule.Summary, s.ID, key)})
		}
		if o.required && !o.needs {
			continue
		}
		found := o.matches(p, v)
		switch n := int64(len(found)); {
		case o.required && n < o.least:
			p.Report(Finding{Service: s.ID, At: s.At, Damage: p.Damage(v), Message: fmt.Sprintf("%s: %s has %d of %s", p.rule.Summary, s.ID, n, Plural(int(o.least), "required need"))})
		case !o.required && n > o.more:
			o.reportForbidden(p, v, found)
		}
	}
}

func (o *ownRule) missingKey(s *catalog.Service) string {
	for _, key := range o.states {
		if !statesKey(s, key) {
			return key
		}
	}
	return ""
}

// reached is a target that a rule is about, with the way to it.
type reached struct {
	target graph.Node
	need   *graph.Need // the first on the way
	path   []Step
}

// matches are the needs, or the ends of paths, of one service that the rule is about.
func (o *ownRule) matches(p *Pass, v graph.Node) (found []reached) {
	if o.path == "direct" {
		for n := range p.Graph.Needs(v) {
			if !o.need.holds(n) {
				continue
			}
			for _, t := range p.Graph.Targets(n) {
				if o.to.holds(p.Graph.Service(t)) {
					found = append(found, reached{t, n, []Step{p.Needs(n, t)}})
				}
			}
		}
		return found
	}
	follow := func(n *graph.Need) bool {
		return (o.path == "any" || cannotDoWithout(n)) && (n.From != v || n.Lease != nil || o.need.holds(n))
	}
	add := func(r *Reliance, before []Step) {
		for _, t := range r.Nodes {
			if t == v || !o.to.holds(p.Graph.Service(t)) {
				continue
			}
			path := append(slices.Clone(before), p.Path(r, t)...)
			if int64(len(path)) > o.longer && !slices.ContainsFunc(found, func(x reached) bool { return x.target == t }) {
				found = append(found, reached{t, nil, path})
			}
		}
	}
	r := p.reach(v, follow)
	if !o.via.stated {
		add(r, nil)
		return found
	}
	for _, m := range r.Nodes {
		if m != v && o.via.holds(p.Graph.Service(m)) {
			add(p.reach(m, follow), p.Path(r, m))
		}
	}
	return found
}

// reportForbidden reports each need by itself, or all of a service where only their
// number is too large.
func (o *ownRule) reportForbidden(p *Pass, v graph.Node, found []reached) {
	id := p.Graph.ID(v)
	if o.more > 0 {
		var steps []Step
		for _, x := range found {
			steps = append(steps, x.path...)
		}
		p.Report(Finding{
			Service: id, At: p.Graph.Service(v).At, Path: steps, Damage: p.Damage(v),
			Message: fmt.Sprintf("%s: %s has %d, and may have %d", p.rule.Summary, id, len(found), o.more),
		})
		return
	}
	for _, x := range found {
		at := x.path[0].At
		to := p.Graph.ID(x.target)
		how := ""
		if n := len(x.path); n > 1 {
			how = fmt.Sprintf(" by way of %s", Plural(n, "need"))
		}
		p.Report(Finding{
			Subject: id + " -> " + to, Service: id, At: at, Path: x.path, Damage: p.Damage(v),
			Message: fmt.Sprintf("%s: %s needs %s%s", p.rule.Summary, id, to, how),
		})
	}
}
