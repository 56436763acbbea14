package scenario

import (
	"fmt"
	"strings"
	"time"

	"github.com/knockon/knockon/catalog/toml"
	"github.com/knockon/knockon/catalog/unit"
)

// day is the length of a Daily load.
const day = unit.Duration(24 * time.Hour)

func (r *reader) load(t *toml.Table) {
	d := r.doc.Decoder(t, "[[load]]", &r.faults)
	l := Load{Span: d.At()}
	r.id(d, loadID, &l.ID)
	named := r.service(d, "this load", &l.Service, &l.ServiceAt)
	stated := r.offered(d, &l)
	hasPoints := len(l.Points) > 0
	assumed := unit.Duration(0)
	if hasPoints {
		assumed = l.Points[0].At
	}
	w := r.window(d, "this load", assumed, true)
	if hasPoints && w.ok && w.at != assumed {
		d.Errorf(d.Key("at"), "leave at out", "this load begins at %s and its first point is at %s", w.at, assumed)
		w.ok = false
	}
	l.At, l.For = w.at, w.length
	r.ramp(d, &l, w)
	r.unplayed(d, &l, w)
	d.Done()
	if stated {
		r.s.Loads = append(r.s.Loads, l)
	}
	// Multiples multiply; two loads that each say how much it is contradict.
	if named && stated && w.ok && l.Times == 0 {
		r.spans = append(r.spans, span{
			service: l.Service, kind: loadWord, from: w.at, to: w.end(r.s.Horizon), at: l.Span,
		})
	}
}

// offered reads how much is offered, in one of four ways.
func (r *reader) offered(d *toml.Decoder, l *Load) bool {
	ways := 0
	for _, key := range []string{"rate", "times", "points", "daily"} {
		if !d.Has(key) {
			continue
		}
		if ways++; ways > 1 {
			d.Errorf(d.Key(key), "keep one of them; a multiple is a [[load]] of its own", "this load is given in two ways")
		}
	}
	if ways == 0 {
		d.Errorf(d.At(), `add rate = "2400/s", times = 4, points = [["0s", "600/s"], ["60s", "2400/s"]] or daily = { peak = "14h", trough = "30%" }`, "this load does not say how much is offered")
	}
	ok := ways == 1
	if d.Has("rate") {
		ok = d.Rate("rate", &l.Rate) && ok
	}
	if d.Has("times") {
		ok = d.Number("times", 0, maxTimes, &l.Times) && ok
		if ok && l.Times == 0 {
			d.Errorf(d.Key("times"), `write rate = "0/s"`, "no multiple of a load is none")
			ok = false
		}
	}
	if d.Has("daily") {
		ok = r.daily(d, l) && ok
	}
	if v, is := d.Value("points"); is {
		ok = r.points(d, v, l) && ok
	} else if d.Has("points") {
		ok = false
	}
	r.shape(d, l)
	return ok
}

func (r *reader) daily(d *toml.Decoder, l *Load) bool {
	const help = `{ peak = "14h", trough = "30%" }`
	t := d.Sub("daily", "when it is most and how little it gets, such as "+help)
	if t == nil {
		return false
	}
	daily := &Daily{}
	var trough unit.Ratio
	ok := t.Require("peak", "write daily = "+help) && plain(t, "peak", toml.Duration, &daily.Peak)
	if ok && daily.Peak >= day {
		t.Errorf(t.Key("peak"), `write a time after midnight, such as "14h"`, "the peak of a day is within its 24h, and %s is not", daily.Peak)
		ok = false
	}
	ok = t.Require("trough", "write daily = "+help) && plain(t, "trough", toml.Ratio, &trough) && ok
	t.Done()
	daily.Trough = float64(trough)
	l.Daily = daily
	return ok
}

func (r *reader) shape(d *toml.Decoder, l *Load) {
	shape, ok := d.Enum("shape", []string{"steps", "linear"})
	if !d.Has("shape") {
		return
	}
	if !d.Has("points") {
		d.Errorf(d.Key("shape"), "leave it out", "a shape is how a load gets from point to point, and this one has no points")
	}
	l.Linear = ok && shape == "linear"
}

const pointsHelp = `write points = [["0s", "600/s"], ["60s", "2400/s"]]`

func (r *reader) points(d *toml.Decoder, v *toml.Value, l *Load) bool {
	if v.Kind != toml.ArrayKind {
		d.Errorf(v.At, pointsHelp, `"points" is a list of times and rates, not %s`, v.Kind)
		return false
	}
	if len(v.Items) == 0 {
		d.Errorf(v.At, pointsHelp, `"points" is empty`)
		return false
	}
	if !r.room(len(v.Items), v.At) {
		return false
	}
	ok := true
	for _, item := range v.Items {
		p, good := r.point(d, item)
		if good && len(l.Points) > 0 && p.At <= l.Points[len(l.Points)-1].At {
			d.Errorf(item.At, "put the points in order of time, one for each", "the point at %s comes after the one at %s", p.At, l.Points[len(l.Points)-1].At)
			good = false
		}
		if good {
			l.Points = append(l.Points, p)
		}
		ok = ok && good
	}
	return ok
}

func (r *reader) point(d *toml.Decoder, v *toml.Value) (p Point, ok bool) {
	if v.Kind == toml.FaultyKind {
		return p, false
	}
	if v.Kind != toml.ArrayKind || len(v.Items) != 2 {
		d.Errorf(v.At, `write ["60s", "2400/s"]`, "a point is a time and a rate")
		return p, false
	}
	at, okAt := item(d, v.Items[0], toml.Duration)
	rate, okRate := item(d, v.Items[1], toml.Rate)
	return Point{at, rate}, okAt && okRate
}

// item reads a quantity that is an item of a list.
func item[T any](d *toml.Decoder, v *toml.Value, form toml.Form[T]) (q T, ok bool) {
	fix := ""
	var message string
	switch s := v.Scalar.(type) {
	case string:
		q, err := form.Parse(s)
		if err == nil {
			return q, true
		}
		if n, is := decimal(strings.TrimSpace(s)); is {
			fix = form.Fix(n)
		}
		message = err.Error()
	case int64:
		fix, message = form.Fix(float64(s)), fmt.Sprintf("%d has no unit", s)
	case float64:
		fix, message = form.Fix(s), formatNumber(s)+" has no unit"
	default:
		if v.Kind == toml.FaultyKind {
			return q, false
		}
		message = fmt.Sprintf("%s must stand here, not %s", form.Name, v.Kind)
	}
	if fix == "" {
		fix = form.Name + " such as " + form.Example
	}
	d.Errorf(v.At, "write "+fix, "%s", message)
	return q, false
}

// ramp reads the time in which a load is reached, and left at its end.
func (r *reader) ramp(d *toml.Decoder, l *Load, w window) {
	if !plain(d, "ramp", toml.Duration, &l.Ramp) {
		return
	}
	switch at := d.Key("ramp"); {
	case len(l.Points) > 0:
		d.Errorf(at, `write shape = "linear" in place of it`, "a load of points gets from one to the next by its shape")
	case l.Daily != nil:
		d.Errorf(at, "leave it out", "a load that follows the day changes slowly by itself")
	case w.ok && w.length > 0 && l.Ramp > w.length/2:
		d.Errorf(at, `write "`+(w.length/2).String()+`" or less`, "the ramps up and down take %s each, and the load is over after %s", l.Ramp, w.length)
	}
}

// unplayed warns of points that the scenario does not reach.
func (r *reader) unplayed(d *toml.Decoder, l *Load, w window) {
	end := w.end(r.s.Horizon)
	for i, p := range l.Points {
		// A straight line needs the point it leads to.
		if i == 0 || p.At < end || l.Linear && l.Points[i-1].At < end {
			continue
		}
		if w.ok {
			r.warnf(d.Key("points"), "leave it out, or write a longer horizon", "the point at %s is not reached: this load is over at %s", p.At, end)
		}
		return
	}
}
