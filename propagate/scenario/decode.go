package scenario

import (
	"cmp"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/knockon/knockon/catalog"
	"github.com/knockon/knockon/catalog/diag"
	"github.com/knockon/knockon/catalog/toml"
	"github.com/knockon/knockon/catalog/unit"
)

func (r *reader) root(t *toml.Table) {
	d := r.doc.Decoder(t, "the scenario", &r.faults)
	r.top = d
	s := r.s
	var format int64 = Format
	if d.Int("format", 1, 1<<31, &format) && format > Format {
		d.Errorf(d.Key("format"), "this knockon reads format 1; a newer one is needed", "format %d is not known", format)
	}
	var at diag.Span
	if !r.name(d, "scenario", "scenario", &s.ID, &at) {
		s.ID = stem(s.File)
	}
	s.Title = s.ID
	r.text(d, "title", &s.Title)
	r.text(d, "description", &s.Description)
	r.catalogs(d)
	r.start(d)
	if !d.Has("horizon") {
		d.Errorf(diag.Span{File: s.File, Line: 1, Col: 1, Width: 1}, `add horizon = "400s"`, "the scenario does not say how long it is played")
	} else if plain(d, "horizon", toml.Duration, &s.Horizon) && s.Horizon == 0 {
		d.Errorf(d.Key("horizon"), `write horizon = "400s"`, "nothing happens in a scenario of 0s")
	}
	r.resolution(d)
	r.engine(d)
	for _, t := range r.tables(d, "fault") {
		r.fault(t)
	}
	for _, t := range r.tables(d, "load") {
		r.load(t)
	}
	// A fault whose effect is load is a load; the order of the file holds for both.
	slices.SortStableFunc(s.Loads, func(a, b Load) int { return a.Span.Compare(b.Span) })
	r.overlaps()
	for _, t := range r.tables(d, "observer") {
		r.observer(t)
	}
	for _, t := range r.tables(d, "action") {
		r.action(t)
	}
	s.references(r.ids, r.refer)
	r.restored()
	for _, t := range r.tables(d, "expect") {
		r.expect(t)
	}
	s.Record = r.record(d)
	d.Done()
}

func (r *reader) catalogs(d *toml.Decoder) {
	var names []string
	if !d.Strings("catalog", &names) {
		return
	}
	v, _ := d.Value("catalog")
	r.s.CatalogAt = v.At
	for i, name := range names {
		at := v.At
		if v.Kind == toml.ArrayKind {
			at = v.Items[i].At
		}
		if name == "" {
			d.Errorf(at, `write catalog = "shop.toml" or "builtin:web-shop"`, "a catalog has a name")
			continue
		}
		if builtin, is := strings.CutPrefix(name, "builtin:"); is && !slices.Contains(catalog.Builtins(), builtin) {
			d.Errorf(at, diag.DidYouMean(builtin, catalog.Builtins()), "there is no built-in catalog %q", builtin)
			continue
		}
		r.s.Catalogs = append(r.s.Catalogs, name)
	}
	if len(names) == 0 {
		d.Errorf(v.At, `write catalog = "shop.toml", or leave it out`, "the list of catalogs is empty")
	}
}

// start reads the wall clock of the scenario. The reader of TOML gives every time
// in UTC; here the offset matters, because days begin by it, so the text is read
// again.
func (r *reader) start(d *toml.Decoder) {
	v, ok := d.Value("start")
	if !ok {
		return
	}
	const example = "write start = 2025-10-19T23:48:00-07:00"
	if v.Kind != toml.TimeKind {
		help := example
		if text, is := v.Scalar.(string); is {
			if _, err := time.Parse(time.RFC3339, text); err == nil {
				help = "write start = " + text + ", without quotes"
			}
		}
		d.Errorf(v.At, help, `"start" must be a date and time, not %s`, v.Kind)
		return
	}
	text := strings.ToUpper(strings.Replace(r.source(v.At), " ", "T", 1))
	t, err := time.Parse(time.RFC3339Nano, text)
	if err != nil { // seconds may be left out in newer TOML
		t, err = time.Parse("2006-01-02T15:04Z07:00", text)
	}
	if err != nil {
		help := example
		if local, err := time.Parse("2006-01-02T15:04:05", text); err == nil {
			help = "write start = " + local.Format("2006-01-02T15:04:05") + "Z for UTC, or another offset"
		}
		d.Errorf(v.At, help, "start is not a date with a time and an offset, so it is not known when that is")
		return
	}
	// time.Parse takes the zone of the machine where the offset is the same.
	if _, offset := t.Zone(); offset == 0 {
		r.s.Start = t.UTC()
	} else {
		r.s.Start = t.In(time.FixedZone("", offset))
	}
}

func (r *reader) resolution(d *toml.Decoder) {
	s := r.s
	if !plain(d, "resolution", toml.Duration, &s.Resolution) {
		return
	}
	at := d.Key("resolution")
	switch {
	case s.Resolution == 0:
		d.Errorf(at, `write resolution = "1s", or leave it out`, "nothing can be recorded every 0s")
	case s.Horizon > 0 && s.Resolution > s.Horizon:
		d.Errorf(at, "write "+s.Horizon.String()+" or less, or leave it out", "the resolution %s is longer than the horizon %s", s.Resolution, s.Horizon)
	case s.Horizon/s.Resolution > maxBins:
		least := unit.Duration(math.Ceil(s.Horizon.Seconds()/maxBins)) * unit.Duration(time.Second)
		d.Errorf(at, `write "`+least.String()+`" or more`, "the resolution %s makes more than %d records of %s", s.Resolution, maxBins, s.Horizon)
	}
}

// service reads the service that something happens to.
func (r *reader) service(d *toml.Decoder, in string, to *string, at *diag.Span) bool {
	if !d.Has("service") {
		d.Errorf(d.At(), `add service = "api"`, "%s does not say to which service it happens", in)
		return false
	}
	return r.name(d, "service", "service", to, at)
}

// window is a time in which something lasts.
type window struct {
	at, length unit.Duration // the length is 0: to the horizon
	ok         bool          // both are known and in order
}

// end is when the window is over; the horizon may not be known.
func (w window) end(horizon unit.Duration) unit.Duration {
	switch {
	case w.length > 0:
		return w.at + w.length
	case horizon > 0:
		return horizon
	}
	return math.MaxInt64
}

// window reads at, for and until. Where at may be left out, assumed is the time
// instead of it.
func (r *reader) window(d *toml.Decoder, in string, assumed unit.Duration, optional bool) window {
	w := window{at: assumed, ok: true}
	switch {
	case d.Has("at"):
		w.ok = plain(d, "at", toml.Duration, &w.at)
	case !optional:
		d.Errorf(d.At(), `add at = "60s"`, "%s does not say when", in)
		w.ok = false
	}
	var until unit.Duration
	hasFor, hasUntil := d.Has("for"), d.Has("until")
	if hasFor && !plain(d, "for", toml.Duration, &w.length) || hasUntil && !plain(d, "until", toml.Duration, &until) {
		w.ok = false
	}
	last := "for"
	switch {
	case hasFor && hasUntil:
		d.Errorf(d.Key("until"), "keep one of them", "%s has both for and until", in)
		w.ok = false
	case !w.ok:
	case hasUntil && until <= w.at:
		d.Errorf(d.Key("until"), "write a time after "+w.at.String(), "%s is over at %s, before it begins at %s", in, until, w.at)
		w.ok = false
	case hasUntil:
		w.length, last = until-w.at, "until"
	case hasFor && w.length == 0:
		d.Errorf(d.Key("for"), `write for = "10s", or leave it out where it lasts to the horizon`, "%s lasts no time", in)
		w.ok = false
	}
	horizon := r.s.Horizon
	switch {
	case !w.ok || horizon == 0:
	case w.at >= horizon:
		at := d.At()
		if d.Has("at") {
			at = d.Key("at")
		}
		d.Errorf(at, "write a time before "+horizon.String()+", or a longer horizon", "%s begins at %s, and the scenario is over at %s", in, w.at, horizon)
		w.ok = false
	case w.length > 0 && w.at+w.length > horizon:
		r.warnf(d.Key(last), "leave "+last+" out, or write a longer horizon", "%s ends at %s, and the scenario is over at %s", in, w.at+w.length, horizon)
	}
	r.untimed = r.untimed || !w.ok
	return w
}

// span is a time in which something is so, and nothing else of its key may be.
type span struct {
	service, kind string // of one kind, a service has one at a time
	word          string // the effect; "" of a load
	from, to      unit.Duration
	at            diag.Span
}

// overlaps reports what cannot be at the same time.
func (r *reader) overlaps() {
	slices.SortStableFunc(r.spans, func(a, b span) int {
		return cmp.Or(
			strings.Compare(a.service, b.service),
			strings.Compare(a.kind, b.kind),
			cmp.Compare(a.from, b.from),
			a.at.Compare(b.at),
		)
	})
	var last span // of those before, the one that ends last
	for _, s := range r.spans {
		if s.service != last.service || s.kind != last.kind {
			last = s
			continue
		}
		if s.from < last.to {
			r.overlap(last, s)
		}
		if s.to > last.to {
			last = s
		}
	}
}

func (r *reader) overlap(a, b span) {
	before := len(r.faults)
	const help = "end one before the other begins"
	switch {
	case b.word == "":
		r.errorf(b.at, help+`; a multiple with times is not in the way`, "from %s on two loads say what is offered to %q", b.from, b.service)
	case a.word == b.word:
		r.errorf(b.at, help, "from %s on %q is struck twice by the effect %q", b.from, b.service, b.word)
	default:
		r.errorf(b.at, help, "from %s on %q is struck by the effects %q and %q, and it cannot be both", b.from, b.service, a.word, b.word)
	}
	if len(r.faults) > before {
		r.faults[before].Related = []diag.Related{{Span: a.at, Note: "the other stands here"}}
	}
}
