package scenario

import (
	"slices"
	"strings"

	"github.com/knockon/knockon/catalog/diag"
	"github.com/knockon/knockon/catalog/toml"
	"github.com/knockon/knockon/catalog/unit"
)

const conditions = `write "api is down", "api is not healthy", "queue of api is over 5000" or "goodput of api is under 50%"`

// relationWords are how conditions compare, from Over on.
var relationWords = []string{"over", "under"}

// condition reads a sentence about the present. A name may hold blanks, so the words
// around it are looked for from the end.
func (r *reader) condition(d *toml.Decoder, at diag.Span, text string) (*Condition, bool) {
	c := &Condition{Text: strings.TrimSpace(text), Span: at}
	i := strings.LastIndex(c.Text, " is ")
	if i < 0 {
		d.Errorf(at, conditions, "%q is not a sentence that can be true or not", short(c.Text))
		return nil, false
	}
	subject, rest := strings.TrimSpace(c.Text[:i]), strings.TrimSpace(c.Text[i+len(" is "):])
	first, amount, compared := strings.Cut(rest, " ")
	switch measure, _, named := strings.Cut(subject, " of "); {
	case slices.Contains(relationWords, first):
		return c, r.compared(d, c, subject, first, strings.TrimSpace(amount))
	case compared && first != "not" && named && isMeasure(strings.TrimSpace(measure)):
		d.UnknownWord(r.within(at, first, true), "comparison", first, relationWords)
		return nil, false
	}
	c.Kind, c.Service, c.Word = StateCondition, subject, rest
	if word, is := strings.CutPrefix(rest, "not "); is {
		c.Not, c.Word = true, strings.TrimSpace(word)
	}
	if !slices.Contains(States, c.Word) {
		switch word, _, _ := strings.Cut(c.Word, " "); {
		case c.Not && slices.Contains(relationWords, word):
			d.Errorf(at, conditions, "what is not over a number is under it, and here it is %q", short(c.Word))
		default:
			d.UnknownWord(r.within(at, c.Word, true), "state", c.Word, States)
		}
		return nil, false
	}
	c.NamedAt = r.within(at, c.Service, false)
	return c, r.isName(c.NamedAt, "service", c.Service)
}

func isMeasure(word string) bool {
	return slices.ContainsFunc(Measures, func(m MeasureInfo) bool { return m.Word == word })
}

// compared reads "queue of dwfm", "over" and "5000".
func (r *reader) compared(d *toml.Decoder, c *Condition, subject, relation, amount string) bool {
	c.Kind = NumberCondition
	c.Relation = Over + Relation(slices.Index(relationWords, relation))
	word, name, ok := strings.Cut(subject, " of ")
	word, name = strings.TrimSpace(word), strings.TrimSpace(name)
	if !ok {
		d.Errorf(c.Span, `write "queue of `+short(subject)+" is "+relation+` 5000"`, "it is not said what of %q is %s %s", short(subject), relation, short(amount))
		return false
	}
	var words []string // that have a value at every moment
	for i := range Measures {
		if Measures[i].Aggregate && (Measures[i].Service || Measures[i].Lease) {
			words = append(words, Measures[i].Word)
		}
	}
	if !slices.Contains(words, word) {
		place := r.within(c.Span, word, false)
		if isMeasure(word) {
			d.Errorf(place, "use one of those that services or leases have over time", "%s is nothing that could be observed of %q", word, short(name))
		} else {
			help := diag.DidYouMean(word, words)
			if help == "" {
				help = `write "queue of api", "age of api", "goodput of api", "held of droplets" or another of the measures over time`
			}
			d.Errorf(place, help, "unknown measure %q in a condition", short(word))
		}
		return false
	}
	c.Measure = Measure(slices.IndexFunc(Measures, func(m MeasureInfo) bool { return m.Word == word }))
	c.NamedAt = r.within(c.Span, name, false)
	info := Measures[c.Measure]
	what := "service"
	if info.Lease {
		what, c.Lease = "lease", name
	} else {
		c.Service = name
	}
	if strings.Contains(name, "->") {
		d.Errorf(c.NamedAt, "name a service", "conditions are about services and leases, and this is a need")
		return false
	}
	return r.isName(c.NamedAt, what, name) && r.bound(d, c, amount)
}

// bound reads the amount of a condition, which stands in its sentence without quotes
// of its own.
func (r *reader) bound(d *toml.Decoder, c *Condition, amount string) (ok bool) {
	place := r.within(c.Span, amount, true)
	info := Measures[c.Measure]
	f := formOf(c.Measure, Auto)
	sample, _, _ := strings.Cut(strings.ReplaceAll(f.example, `"`, ""), ", ")
	help := `write "` + c.Text[:strings.LastIndex(c.Text, " is ")] + " is " + relationWords[c.Relation-Over] + " " + sample + `"`
	c.Share = info.Nominal && isPercentage(amount)
	number, isNumber := decimal(amount)
	var err error
	switch {
	case amount == "":
		d.Errorf(c.Span, help, "this condition does not say how much")
		return false
	case c.Share || info.Unit == Share && isPercentage(amount):
		c.Value, ok = percent(amount)
	case info.Unit == PerSecond:
		var rate unit.Rate
		rate, err = unit.ParseRate(amount)
		c.Value, ok = float64(rate), err == nil
	case info.Unit == Seconds:
		var length unit.Duration
		length, err = unit.ParseDuration(amount)
		c.Value, ok = length.Seconds(), err == nil
	default:
		c.Value, ok = number, isNumber && number <= maxNumber
	}
	switch {
	case err != nil:
		d.Errorf(place, help, "%s", err)
	case !ok:
		d.Errorf(place, help, "%q is not %s", short(amount), f.name)
	case c.Value == 0 && c.Relation == Under:
		d.Errorf(place, help, "nothing is under 0")
		return false
	}
	return ok
}
