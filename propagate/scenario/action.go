package scenario

import (
	"slices"
	"strconv"

	"github.com/knockon/knockon/catalog/toml"
)

func (r *reader) action(t *toml.Table) {
	d := r.doc.Decoder(t, "[[action]]", &r.faults)
	a := Action{Span: d.At()}
	r.id(d, &a.ID)
	switch {
	case !d.Has("at"):
		d.Errorf(d.At(), `add at = "4h26m"`, "this action does not say when")
	case plain(d, "at", toml.Duration, &a.At) && r.s.Horizon > 0 && a.At >= r.s.Horizon:
		d.Errorf(d.Key("at"), "write a time before "+r.s.Horizon.String()+", or a longer horizon", "this action is at %s, and the scenario is over at %s", a.At, r.s.Horizon)
	}
	deeds := r.tables(d, "do")
	for _, t := range deeds {
		r.deed(t, &a)
	}
	v, ok := d.Value("do")
	if !d.Has("do") || ok && v.Kind == toml.ArrayKind && len(v.Items) == 0 {
		d.Errorf(d.At(), `add do = [{ purge = "api" }]`, "this action does nothing")
	}
	d.Done()
	r.s.Actions = append(r.s.Actions, a)
}

func (r *reader) deed(t *toml.Table, a *Action) {
	d := r.doc.Decoder(t, "a deed of [[action]]", &r.faults)
	x := Deed{Span: d.At()}
	var verbs []string
	for i, word := range VerbWords {
		if d.Has(word) {
			verbs = append(verbs, word)
			x.Verb = Verb(i)
		}
	}
	switch len(verbs) {
	case 1:
		r.name(d, verbs[0], "service", &x.Target, &x.TargetAt)
		r.extent(d, &x)
	case 0:
		// An unknown verb is an unknown key, of which Done tells more.
		known := func(e toml.Entry) bool { return e.Key == "to" || e.Key == "takes" }
		if !slices.ContainsFunc(t.Entries, func(e toml.Entry) bool { return !known(e) }) {
			d.Errorf(d.At(), `write { purge = "api" }, { throttle = "api", to = "100/s" } or the like`, "this deed does nothing")
		}
		d.Has("to")
		d.Has("takes")
	default:
		d.Errorf(d.Key(verbs[1]), `write { `+verbs[0]+` = "api" }, { `+verbs[1]+` = "api" }`, "a deed is one thing, and this is %s and %s", verbs[0], verbs[1])
		d.Has("to")
		d.Has("takes")
	}
	d.Done()
	if len(verbs) == 1 {
		a.Do = append(a.Do, x)
	}
}

// extent reads how far or how long something is done.
func (r *reader) extent(d *toml.Decoder, x *Deed) {
	hasTo, hasTakes := d.Has("to"), d.Has("takes")
	switch x.Verb {
	case Throttle:
		if !hasTo {
			d.Errorf(d.At(), `add to = "100/s" or to = "20%"`, "this throttle does not say how much is admitted")
		} else {
			r.throttled(d, x)
		}
	case SetCapacity:
		if !hasTo {
			d.Errorf(d.At(), `add to = "50%"`, "set_capacity does not say how much")
		} else if v, ok := d.Value("to"); ok {
			x.Share, _ = percentage(d, v, "to", `"50%"`)
		}
	case Restart:
		if !hasTakes {
			d.Errorf(d.At(), `add takes = "30s"`, "this restart does not say how long it takes")
		} else if plain(d, "takes", toml.Duration, &x.Length) && x.Length == 0 {
			d.Errorf(d.Key("takes"), `write takes = "30s", or { purge = "`+x.Target+`" } where only what waits is lost`, "a restart takes time")
		}
	}
	if hasTo && x.Verb != Throttle && x.Verb != SetCapacity {
		d.Errorf(d.Key("to"), "leave it out", "%s is not done to some degree", x.Verb)
	}
	if hasTakes && x.Verb != Restart {
		d.Errorf(d.Key("takes"), "leave it out", "%s is done at once", x.Verb)
	}
}

// throttled reads a rate, or a share of the capacity.
func (r *reader) throttled(d *toml.Decoder, x *Deed) {
	v, ok := d.Value("to")
	if !ok {
		return
	}
	const help = `write "100/s" or, of the capacity, "20%"`
	switch s := v.Scalar.(type) {
	case string:
		if isPercentage(s) {
			x.Share, _ = percentage(d, v, "to", `"20%"`)
			return
		}
		rate, err := toml.Rate.Parse(s)
		if err != nil {
			d.Errorf(v.At, help, "%s", err)
			return
		}
		x.Rate = rate
	case int64:
		d.Errorf(v.At, `write "`+strconv.FormatInt(s, 10)+`/s" or "20%"`, "%d has no unit", s)
	case float64:
		d.Errorf(v.At, help, "%s has no unit", formatNumber(s))
	default:
		d.Errorf(v.At, help, `"to" must be a rate or a percentage, not %s`, v.Kind)
	}
}
