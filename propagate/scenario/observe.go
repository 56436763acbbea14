package scenario

import (
	"github.com/knockon/knockon/catalog/diag"
	"github.com/knockon/knockon/catalog/toml"
)

func (r *reader) observer(t *toml.Table) {
	d := r.doc.Decoder(t, "[[observer]]", &r.faults)
	o := Observer{Span: d.At()}
	if !d.Has("id") {
		d.Errorf(d.At(), `add id = "oncall"`, "this observer has no name by which an action could tell that it waits for it")
	}
	r.id(d, observerID, &o.ID)
	r.services(d, "needs", &o.Needs, &o.NeedsAt)
	plain(d, "lag", toml.Duration, &o.Lag)
	d.Done()
	r.s.Observers = append(r.s.Observers, o)
}

// services reads a list of services and the place of each.
func (r *reader) services(d *toml.Decoder, key string, to *[]string, places *[]diag.Span) {
	var names []string
	if !d.Strings(key, &names) {
		return
	}
	v, _ := d.Value(key)
	if len(names) == 0 {
		d.Errorf(v.At, `write `+key+` = ["monitoring"], or leave it out`, "the list of %s is empty", key)
	}
	if !r.room(len(names), v.At) {
		return
	}
	seen := make(map[string]bool, len(names))
	for i, name := range names {
		at := v.At
		if v.Kind == toml.ArrayKind {
			at = v.Items[i].At
		}
		switch {
		case !r.isName(at, "service", name):
		case seen[name]:
			d.Errorf(at, "name each service once", "%q is there twice", name)
		default:
			seen[name] = true
			*to, *places = append(*to, name), append(*places, at)
		}
	}
}

// after reads what an action waits for.
func (r *reader) after(d *toml.Decoder, a *Action) {
	const example = `{ observed = "api is down", by = "oncall", decide = "10m" }`
	t := d.Sub("after", "what it waits for, such as "+example)
	if t == nil {
		return
	}
	w := &Trigger{Span: d.Key("after")}
	a.After = w
	observed, done := t.Has("observed"), t.Has("done")
	switch {
	case observed && done:
		t.Errorf(t.Key("done"), "keep one of them", "this action waits for what is observed and for what is done")
	case !observed && !done:
		t.Errorf(t.At(), `write after = `+example+` or { done = "restore-dns", decide = "10m" }`, "this action does not say what it waits for")
	}
	var text string
	if t.String("observed", &text) {
		v, _ := t.Value("observed")
		w.Observed, _ = r.condition(t, v.At, text)
	}
	r.name(t, "done", "action", &w.Done, &w.DoneAt)
	hasFor, hasBy := plain(t, "for", toml.Duration, &w.For), r.name(t, "by", "observer", &w.By, &w.ByAt)
	if done && !observed && (hasFor || hasBy) {
		refuse(t, "leave it out", "who has done something knows it at once", "for", "by")
	}
	plain(t, "decide", toml.Duration, &w.Decide)
	t.Done()
	if wait := plus(w.For, w.Decide); r.s.Horizon > 0 && wait >= r.s.Horizon {
		r.warnf(w.Span, "leave the action out, or write a longer horizon", "this action is decided after %s at the earliest, and the scenario is over at %s", wait, r.s.Horizon)
	}
}
