package scenario

import (
	"github.com/knockon/knockon/catalog/toml"
)

// maxTries bounds how many attempts of an action fail.
const maxTries = 1000

func (r *reader) action(t *toml.Table) {
	d := r.doc.Decoder(t, "[[action]]", &r.faults)
	a := Action{Span: d.At()}
	r.id(d, actionID, &a.ID)
	hasAt, hasAfter := d.Has("at"), d.Has("after")
	switch {
	case hasAt && hasAfter:
		d.Errorf(d.Key("after"), "keep one of them", "this action has both at and after")
	case !hasAt && !hasAfter:
		d.Errorf(d.At(), `add at = "4h26m", or after = { observed = "api is down" }`, "this action does not say when")
	}
	if timed := plain(d, "at", toml.Duration, &a.At); !timed && !hasAfter || hasAt && hasAfter {
		r.untimed = true
	} else if timed && r.s.Horizon > 0 && a.At >= r.s.Horizon {
		d.Errorf(d.Key("at"), "write a time before "+r.s.Horizon.String()+", or a longer horizon", "this action is at %s, and the scenario is over at %s", a.At, r.s.Horizon)
	}
	r.after(d, &a)
	r.services(d, "tools", &a.Tools, &a.ToolsAt)
	r.tries(d, &a)
	plain(d, "takes", toml.Duration, &a.Takes)
	r.known(d, &a.Known)
	deeds := r.tables(d, "do")
	for _, t := range deeds {
		r.deed(t, &a)
	}
	v, ok := d.Value("do")
	if !d.Has("do") || ok && v.Kind == toml.ArrayKind && len(v.Items) == 0 {
		d.Errorf(d.At(), `add do = [{ purge = "api" }]`, "this action does nothing")
	}
	d.Done()
	if effect := plus(a.At, a.delay()); hasAt && !hasAfter && effect > a.At && r.s.Horizon > a.At && effect >= r.s.Horizon {
		r.warnf(d.Key("at"), "write an earlier time, or a longer horizon", "this action takes effect at %s, and the scenario is over at %s", effect, r.s.Horizon)
	}
	r.s.Actions = append(r.s.Actions, a)
}

// tries reads how often an action fails before it works.
func (r *reader) tries(d *toml.Decoder, a *Action) {
	const help = `tries = { fail = 2, again = "15m" }`
	t := d.Sub("tries", "how many attempts fail, and how long after each comes the next, such as "+help)
	if t == nil {
		return
	}
	var fail int64
	if t.Require("fail", "write "+help) && t.Int("fail", 1, maxTries, &fail) {
		a.Tries = int(fail)
	}
	if t.Require("again", "write "+help) && plain(t, "again", toml.Duration, &a.Again) && a.Again == 0 {
		t.Errorf(t.Key("again"), "write "+help, "an attempt that fails takes time")
	}
	t.Done()
}
