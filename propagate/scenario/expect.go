package scenario

import (
	"slices"
	"strings"

	"github.com/knockon/knockon/catalog/diag"
	"github.com/knockon/knockon/catalog/toml"
	"github.com/knockon/knockon/catalog/unit"
)

func (r *reader) expect(t *toml.Table) {
	d := r.doc.Decoder(t, "[[expect]]", &r.faults)
	x := Expect{Span: d.At()}
	hasThat, hasMeasure := d.Has("that"), d.Has("measure")
	for _, key := range slices.Concat(timeKeys, numberKeys) {
		d.Has(key) // known in any case; what is out of place is told by refuse
	}
	ok := false
	switch {
	case hasThat && hasMeasure:
		d.Errorf(d.Key("measure"), "keep one of them, or write two expectations", "this expectation is of a state and of a number")
	case hasThat:
		ok = r.that(d, &x)
	case hasMeasure:
		ok = r.number(d, &x)
	default:
		d.Errorf(d.At(), `add that = "api is healthy" or measure = "goodput"`, "this expectation does not say what is expected")
	}
	d.Done()
	if ok {
		r.s.Expects = append(r.s.Expects, x)
	}
}

// Keys of an expectation, beside that and measure.
var (
	timeKeys   = []string{"at", "during", "within", "after"}
	numberKeys = []string{"of", "share", "as", "bin", "is", "at_least", "at_most", "tolerance", "probability"}
)

// refuse reports the keys of a table that say nothing there.
func refuse(d *toml.Decoder, help, why string, keys ...string) {
	for _, key := range keys {
		if d.Has(key) {
			d.Errorf(d.Key(key), help, "%q says nothing here: %s", key, why)
		}
	}
}

const sentences = `write "api is down", "api is not healthy", "api recovers", "api does not recover" or "verdict is metastable"`

// that reads a sentence about a state, a recovery or the verdict.
func (r *reader) that(d *toml.Decoder, x *Expect) bool {
	var text string
	if !d.String("that", &text) {
		return false
	}
	v, _ := d.Value("that")
	x.Span = v.At
	text = strings.TrimSpace(text)
	x.Text = text
	known := r.sentence(d, v.At, text, x)
	for _, key := range numberKeys {
		if (key == "tolerance" || key == "probability") && (x.Kind == ExpectVerdict || !known) {
			continue // a verdict is so with a probability
		}
		refuse(d, "write measure in place of that, or leave it out", "a sentence is true or not", key)
	}
	if !known {
		return false
	}
	if x.Kind != ExpectVerdict {
		x.ServiceAt = r.within(v.At, x.Service, false)
		if !r.isName(x.ServiceAt, "service", x.Service) {
			return false
		}
	}
	switch x.Kind {
	case ExpectState:
		refuse(d, "write at or during", "a state is expected at a time", "within", "after")
		return r.moment(d, x)
	case ExpectRecovery:
		refuse(d, "write within, and after where it does not count from the end of the last fault", "a recovery has a time from which it counts", "at", "during")
		return r.recovery(d, x)
	}
	refuse(d, "leave it out", "the verdict is about the whole run", timeKeys...)
	return r.probability(d, x)
}

// probability reads in how many of many runs a verdict is expected, give or take an
// absolute share: a percentage could be meant of the probability or of the runs.
func (r *reader) probability(d *toml.Decoder, x *Expect) bool {
	if !d.Has("probability") {
		refuse(d, "leave it out, or add probability = \"56%\"", "the verdict of one run is so or not", "tolerance")
		return !d.Has("tolerance")
	}
	ok := plainValue(d, "probability", toml.Ratio, &x.Probability)
	if v, stated := d.Value("tolerance"); stated && v.Kind == toml.StringKind && isPercentage(v.Scalar.(string)) {
		help := "write tolerance = 0.15"
		if share, is := percent(v.Scalar.(string)); is && share <= 1 {
			help = "write tolerance = " + formatNumber(share)
		}
		d.Errorf(v.At, help, "it is not clear of what %q is a part: a probability is met give or take an absolute share", short(v.Scalar.(string)))
		return false
	}
	if !d.Has("tolerance") {
		d.Errorf(d.Key("probability"), "add tolerance = 0.15", "this expectation does not say how far off the share of the runs may be")
		return false
	}
	if !d.Number("tolerance", 0, 1, &x.Absolute) || !ok {
		return false
	}
	x.Text += " with probability " + x.Probability.V.String() + " ± " + formatNumber(x.Absolute)
	return true
}

// sentence takes a sentence apart. A name may hold blanks, so the words around it
// are looked for from the end.
func (r *reader) sentence(d *toml.Decoder, at diag.Span, text string, x *Expect) bool {
	for _, form := range []struct {
		end string
		not bool
	}{{" does not recover", true}, {" recovers", false}} {
		if subject, is := strings.CutSuffix(text, form.end); is {
			x.Kind, x.Service, x.Not = ExpectRecovery, strings.TrimSpace(subject), form.not
			return true
		}
	}
	i := strings.LastIndex(text, " is ")
	if i < 0 {
		help := sentences
		for _, verb := range []string{" recovers ", " does not recover "} {
			if subject, _, is := strings.Cut(text, verb); is {
				help = `write that = "` + subject + strings.TrimSuffix(verb, " ") + `", and the time as within = "3m"`
			}
		}
		d.Errorf(at, help, "%q is not a sentence that can be true or not", short(text))
		return false
	}
	subject, word := strings.TrimSpace(text[:i]), strings.TrimSpace(text[i+len(" is "):])
	if rest, is := strings.CutPrefix(word, "not "); is {
		x.Not, word = true, strings.TrimSpace(rest)
	}
	x.Kind, x.Service, x.Word = ExpectState, subject, word
	what, words := "state", States
	if subject == "verdict" {
		x.Kind, x.Service = ExpectVerdict, ""
		what, words = "verdict", Verdicts
	}
	if slices.Contains(words, word) {
		return true
	}
	place := r.within(at, word, true)
	if first, _, more := strings.Cut(word, " "); more && slices.Contains(words, first) {
		d.Errorf(place, `write that = "`+strings.TrimSuffix(text, strings.TrimPrefix(word, first))+`", and the time as at = "80s" or during = "80s..120s"`, "the sentence goes on behind %q", first)
		return false
	}
	d.UnknownWord(place, what, word, words)
	return false
}

// moment reads at or during. Where neither is there, an expectation is of the
// whole: the state at the end, a number over the run.
func (r *reader) moment(d *toml.Decoder, x *Expect) bool {
	horizon := r.s.Horizon
	hasAt, hasDuring := d.Has("at"), d.Has("during")
	switch {
	case hasAt && hasDuring:
		d.Errorf(d.Key("during"), "keep one of them", "this expectation has both at and during")
		return false
	case hasAt:
		if !plainValue(d, "at", toml.Duration, &x.At) {
			return false
		}
		if horizon > 0 && x.At.V > horizon {
			d.Errorf(x.At.At, "write "+horizon.String()+" or less, or a longer horizon", "this is expected at %s, and the scenario is over at %s", x.At.V, horizon)
			return false
		}
		x.Text += " at " + x.At.V.String()
	case hasDuring:
		var span unit.Range
		if v, ok := d.Value("during"); ok {
			if text, is := v.Scalar.(string); is && !strings.Contains(text, "..") {
				d.Errorf(v.At, `write during = "80s..120s", or at for one moment`, "%q is not a span of time", short(text))
				return false
			}
		}
		if !plain(d, "during", spanForm, &span) {
			return false
		}
		at := d.Key("during")
		if span.Low == span.High {
			d.Errorf(at, `write at = "`+span.Low.String()+`", or a span such as during = "80s..120s"`, "a span of no length")
			return false
		}
		if horizon > 0 && span.High > horizon {
			d.Errorf(at, "write an end of "+horizon.String()+" or less, or a longer horizon", "this is expected until %s, and the scenario is over at %s", span.High, horizon)
			return false
		}
		x.From, x.To, x.During = span.Low, span.High, true
		x.Text += " during " + span.String()
	}
	return true
}

// spanForm is a range of durations that is one span of time.
var spanForm = toml.Form[unit.Range]{
	Name: "a span of time", Example: `"80s..120s"`, Parse: unit.ParseRange,
	Fix: func(float64) string { return "" },
}

// recovery reads within and after, and sees that the scenario is long enough to
// tell.
func (r *reader) recovery(d *toml.Decoder, x *Expect) bool {
	ok := true
	if d.Has("within") {
		if ok = plainValue(d, "within", toml.Duration, &x.Within); ok {
			x.Text += " within " + x.Within.V.String()
		}
	}
	horizon := r.s.Horizon
	from, known := r.trigger.end, r.trigger.known
	switch {
	case d.Has("after"):
		if !plainValue(d, "after", toml.Duration, &x.After) {
			return false
		}
		from, known = x.After.V, true
		x.Text += " after " + from.String()
	case r.untimed || horizon == 0 || r.trigger.run:
		return ok
	case !known:
		d.Errorf(x.Span, `add after = "70s", or an end to the fault`, "a fault lasts to the horizon, so there is no time from which a recovery counts")
		return false
	}
	switch {
	case !ok || horizon == 0:
	case from >= horizon:
		at := x.Span
		if x.After.IsStated() {
			at = x.After.At
		}
		d.Errorf(at, "write a longer horizon", "the recovery counts from %s, and the scenario is over at %s", from, horizon)
		return false
	case x.Within.IsStated() && x.Within.V > horizon-from:
		d.Errorf(x.Within.At, "write "+(horizon-from).String()+" or less, or a longer horizon", "%s from %s is beyond the horizon of %s", x.Within.V, from, horizon)
		return false
	}
	return ok
}

// number reads an expectation of a measure.
func (r *reader) number(d *toml.Decoder, x *Expect) bool {
	x.Kind = ExpectNumber
	words := make([]string, len(Measures))
	for i := range Measures {
		words[i] = Measures[i].Word
	}
	word, ok := d.Enum("measure", words)
	if !ok {
		return false
	}
	v, _ := d.Value("measure")
	x.Span = v.At
	x.Measure = Measure(slices.Index(words, word))
	ok = r.of(d, x)
	refuse(d, "write at or during", "a number is expected at a time", "within", "after")
	ok = r.aggregate(d, x) && ok
	if x.As != Auto {
		x.Text = AggregateWords[x.As] + " "
	}
	x.Text += word + " of " + x.Service + x.Lease
	if x.Need != "" {
		x.Text += " -> " + x.Need
	}
	ok = r.held(d, x) && ok
	ok = r.when(d, x) && ok
	refuse(d, "leave it out", "the verdict is what has a probability", "probability")
	text, related := r.relation(d, x)
	r.tolerance(d, x)
	x.Text += " " + text
	return ok && related
}

// of reads whose number it is: a service's, or that of a need, "shop -> api".
func (r *reader) of(d *toml.Decoder, x *Expect) bool {
	info := Measures[x.Measure]
	var text string
	if !d.String("of", &text) {
		if !d.Has("of") {
			d.Errorf(d.At(), "add of = "+info.subjects(), "this expectation does not say whose %s it is about", x.Measure)
		}
		return false
	}
	v, _ := d.Value("of")
	n := r.need(v.At, text)
	switch {
	case info.Lease && n.is:
		d.Errorf(v.At, `write of = "droplets"`, "%s is a number of a lease, and this is a need", x.Measure)
		return false
	case info.Lease:
		x.Lease, x.LeaseAt = n.from, n.fromAt
		return r.isName(x.LeaseAt, "lease", x.Lease)
	}
	x.Service, x.Need, x.ServiceAt = n.from, n.to, n.fromAt
	switch {
	case n.is && !info.Need:
		help := x.Need
		if help == "" {
			help = "api"
		}
		d.Errorf(v.At, `write of = "`+help+`"`, "%s is a number of a service, and this is a need", x.Measure)
		return false
	case !n.is && !info.Service:
		d.Errorf(v.At, `write of = "shop -> `+x.Service+`" for the calls of shop`, "%s is a number of a need, and this is a service", x.Measure)
		return false
	}
	ok := r.isName(x.ServiceAt, "service", x.Service)
	if n.is {
		x.NeedAt = n.toAt
		ok = r.isName(x.NeedAt, "service", x.Need) && ok
	}
	return ok
}

// subjects is what has the measure, as of names it.
func (m MeasureInfo) subjects() string {
	switch {
	case m.Lease:
		return `"droplets"`
	case m.Service && m.Need:
		return `"api", or "shop -> api" for a need`
	case m.Need:
		return `"shop -> api"`
	}
	return `"api"`
}

// held reads which share of the leases is to be held again.
func (r *reader) held(d *toml.Decoder, x *Expect) bool {
	if x.Measure != TimeToHeld {
		refuse(d, "leave it out", "only time-to-held is the time until some share is held", "share")
		return !d.Has("share")
	}
	if !d.Has("share") {
		d.Errorf(d.At(), `add share = "99%"`, "this expectation does not say when enough leases are held")
		return false
	}
	var share unit.Ratio
	if !plain(d, "share", toml.Ratio, &share) {
		return false
	}
	if share == 0 {
		d.Errorf(d.Key("share"), `write share = "99%"`, "no lease at all is held at any time")
		return false
	}
	x.Share = float64(share)
	x.Text += " to " + share.String()
	return true
}

// aggregate reads how a series becomes one number.
func (r *reader) aggregate(d *toml.Decoder, x *Expect) bool {
	info := Measures[x.Measure]
	if i, ok := d.Enum("as", AggregateWords[1:]); ok {
		x.As = Aggregate(slices.Index(AggregateWords, i))
	} else if d.Has("as") {
		return false
	}
	if !info.Aggregate {
		refuse(d, "leave it out", info.Word+" is one number of the whole run", "as", "at", "during", "bin")
		return !d.Has("as") && !d.Has("at") && !d.Has("during") && !d.Has("bin")
	}
	switch {
	case x.As != Auto && d.Has("at"):
		d.Errorf(d.Key("as"), `write during = "80s..120s", or leave as out`, "at one time there is no %s", AggregateWords[x.As])
		return false
	case x.As == Total && info.Unit != PerSecond:
		d.Errorf(d.Key("as"), `use one of "max", "mean", "min"`, "only what is counted has a total, and %s is not", info.Word)
		return false
	}
	return true
}

// when reads the time of a number, and the bins of its extremes.
func (r *reader) when(d *toml.Decoder, x *Expect) bool {
	info := Measures[x.Measure]
	if !info.Aggregate {
		return true
	}
	ok := r.moment(d, x)
	if !d.Has("bin") {
		return ok
	}
	at := d.Key("bin")
	switch {
	case x.As != Max && x.As != Min:
		d.Errorf(at, `write as = "max" or "min", or leave bin out`, "a bin is the time over which the greatest or smallest rate is taken")
		return false
	case info.Unit == Requests || info.Unit == Seconds:
		d.Errorf(at, "leave it out", "%s has a value at every moment, and needs no bins", info.Word)
		return false
	case !plain(d, "bin", toml.Duration, &x.Bin):
		return false
	}
	longest := r.s.Horizon
	if x.During {
		longest = x.To - x.From
	}
	switch {
	case x.Bin == 0:
		d.Errorf(at, `write bin = "100ms", or leave it out`, "a bin of no length")
		return false
	case longest > 0 && x.Bin > longest:
		d.Errorf(at, "write "+longest.String()+" or less", "a bin of %s is longer than the span of %s", x.Bin, longest)
		return false
	}
	return ok
}
