package scenario

import (
	"slices"
	"strconv"
	"strings"

	"github.com/knockon/knockon/catalog/diag"
	"github.com/knockon/knockon/catalog/toml"
	"github.com/knockon/knockon/catalog/unit"
)

// maxTimes bounds how many times as slow, or as much, something may become.
const maxTimes = 1e6

// maxCount bounds how many replicas are struck; a catalog has no more.
const maxCount = 1_000_000_000

// loadWord is the effect that is no fault of the service: more is asked of it.
const loadWord = "load"

// example is how each effect is written, by value.
var example = []string{"down", "blackhole", "slow ×4", "errors 30%", "capacity 50%", "corrupt", "flapping", "lapse 100%"}

func (r *reader) fault(t *toml.Table) {
	d := r.doc.Decoder(t, "[[fault]]", &r.faults)
	f := Fault{Span: d.At()}
	r.id(d, faultID, &f.ID)
	w := r.window(d, "this fault", 0, false)
	f.At, f.For = w.at, w.length
	named := r.struck(d, &f)
	zoned := r.name(d, "zone", "zone", &f.Zone, &f.ZoneAt)
	times, isLoad, ok := r.effect(d, &f)
	r.turns(d, &f, ok && !isLoad)
	r.part(d, &f, ok, isLoad)
	r.known(d, &f.Known)
	if ok && named {
		ok = r.fitting(d, &f, isLoad)
	}
	d.Done()
	switch {
	case !ok:
	case isLoad:
		r.s.Loads = append(r.s.Loads, Load{
			ID: f.ID, Service: f.Service, At: f.At, For: f.For, Times: times, Span: f.Span, ServiceAt: f.ServiceAt,
		})
	default:
		r.s.Faults = append(r.s.Faults, f)
		if named && w.ok && (zoned || !d.Has("zone")) && f.Effect != Lapse {
			part := f.Zone
			if f.Count > 0 {
				part = "\x00" // no zone has this name
			}
			r.spans = append(r.spans, span{
				service: f.Service, kind: f.Effect.exclusive() + "\x00" + part, word: f.Effect.String(),
				from: w.at, to: w.end(r.s.Horizon), at: f.Span,
			})
		}
	}
}

// struck reads the service, or the lease, that a fault strikes.
func (r *reader) struck(d *toml.Decoder, f *Fault) bool {
	hasService, hasLease := d.Has("service"), d.Has("lease")
	if !hasLease {
		return r.service(d, "this fault", &f.Service, &f.ServiceAt)
	}
	if hasService {
		d.Errorf(d.Key("lease"), "keep one of them, or write two faults", "this fault has both a service and a lease")
	}
	return r.name(d, "lease", "lease", &f.Lease, &f.LeaseAt) && !hasService
}

// fitting reports an effect that does not go with what is struck.
func (r *reader) fitting(d *toml.Decoder, f *Fault, isLoad bool) bool {
	word := f.Effect.String()
	if isLoad {
		word = loadWord
	}
	switch lapse := f.Effect == Lapse && !isLoad; {
	case lapse && f.Lease == "":
		d.Errorf(d.Key("service"), `write lease = "droplets" in place of it`, "what lapses is a lease, and this is a service")
	case !lapse && f.Lease != "":
		d.Errorf(d.Key("lease"), `write service = "api" in place of it, or effect = "lapse 100%"`, "%q happens to a service, and this is a lease", word)
	default:
		return true
	}
	return false
}

// part reads how many replicas a fault strikes, and refuses parts of what has none.
func (r *reader) part(d *toml.Decoder, f *Fault, known, isLoad bool) {
	if d.Int("count", 1, maxCount, &f.Count) {
		f.CountAt = d.Key("count")
	}
	if d.Has("count") && d.Has("zone") {
		d.Errorf(d.Key("count"), "keep one of them", "this fault strikes a zone and a number of replicas")
	}
	for _, key := range []string{"zone", "count"} {
		switch {
		case !known || !d.Has(key):
		case isLoad && key == "zone":
			d.Errorf(d.Key(key), "leave it out", "load comes from outside and goes to all zones")
		case isLoad:
			d.Errorf(d.Key(key), "leave it out", "load comes from outside and goes to all replicas")
		case f.Effect == Lapse:
			d.Errorf(d.Key(key), "leave it out", "leases are lost, wherever their holder stands")
		}
	}
}

// exclusive is a word that effects share that cannot strike at the same time: a
// service cannot refuse a request and swallow it.
func (e Effect) exclusive() string {
	switch e {
	case Down, Blackhole, Flapping:
		return "no answer"
	}
	return e.String()
}

// effect reads "down", "slow ×4" or "errors 30%". The load of "load ×3" is the
// number of times.
func (r *reader) effect(d *toml.Decoder, f *Fault) (times float64, isLoad, ok bool) {
	var text string
	if !d.String("effect", &text) {
		if !d.Has("effect") {
			d.Errorf(d.At(), `add effect = "down" or "slow ×4"`, "this fault does not say what happens")
		}
		return 0, false, false
	}
	v, _ := d.Value("effect")
	text = strings.TrimSpace(text)
	end := strings.IndexFunc(text, func(c rune) bool { return (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && c != '-' && c != '_' })
	if end < 0 {
		end = len(text)
	}
	word, amount := text[:end], strings.TrimSpace(text[end:])
	if word == loadWord {
		times, ok = r.times(d, v.At, loadWord, amount, "×3", 0)
		return times, true, ok
	}
	i := slices.Index(EffectWords, word)
	if i < 0 {
		if word == "" {
			word = text
		}
		words := append(slices.Clone(EffectWords), loadWord)
		help := diag.DidYouMean(word, words)
		if help == "" {
			slices.Sort(words)
			help = `use one of "` + strings.Join(words, `", "`) + `"`
		}
		d.Errorf(v.At, help, "unknown effect %q in [[fault]]", short(word))
		return 0, false, false
	}
	f.Effect = Effect(i)
	switch f.Effect {
	case Slow:
		f.Amount, ok = r.times(d, v.At, word, amount, "×4", 1)
	case Errors, Capacity, Lapse:
		f.Amount, ok = r.share(d, v.At, f.Effect, amount)
	default:
		if ok = amount == ""; !ok {
			d.Errorf(v.At, `write effect = "`+word+`"`, "%q has no amount, and here it is %q", word, short(amount))
		}
	}
	return 0, false, ok
}

// times reads "×4", "x4" or "4x" behind a word.
func (r *reader) times(d *toml.Decoder, at diag.Span, word, amount, example string, least float64) (n float64, ok bool) {
	help := `write effect = "` + word + " " + example + `"`
	digits, signed := amount, false
	for _, sign := range []string{"×", "x", "X", "*"} {
		if rest, is := strings.CutPrefix(amount, sign); is {
			digits, signed = rest, true
		} else if rest, is := strings.CutSuffix(amount, sign); is {
			digits, signed = rest, true
		}
	}
	n, ok = decimal(strings.TrimSpace(digits))
	switch {
	case amount == "":
		d.Errorf(at, help, "%q does not say how much", word)
	case ok && !signed:
		d.Errorf(at, `write effect = "`+word+" ×"+strings.TrimSpace(digits)+`"`, "%q does not say of what it is a multiple", word+" "+short(amount))
	case !ok:
		d.Errorf(at, help, "%q is not a number of times", short(amount))
	case n > maxTimes:
		d.Errorf(at, "write ×1000000 or less", "%q is out of range", short(amount))
	case n < least:
		d.Errorf(at, help, "%q would make it faster", word+" "+short(amount))
	case n == 0:
		d.Errorf(at, `write a [[load]] with rate = "0/s"`, "no multiple of a load is none")
	default:
		return n, true
	}
	return 0, false
}

// share reads a percentage behind a word.
func (r *reader) share(d *toml.Decoder, at diag.Span, e Effect, amount string) (share float64, ok bool) {
	help := `write effect = "` + example[e] + `"`
	if amount == "" {
		d.Errorf(at, help, "%q does not say how much", e)
		return 0, false
	}
	ratio, err := unit.ParseRatio(amount)
	if err == nil {
		return float64(ratio), true
	}
	if n, is := decimal(amount); is {
		if fix := toml.Ratio.Fix(n); fix != "" && !strings.Contains(fix, " ") {
			help = `write effect = "` + e.String() + " " + strings.Trim(fix, `"`) + `"`
		}
	}
	d.Errorf(at, help, "%s", err)
	return 0, false
}

// turns reads the turns of flapping, and refuses them elsewhere.
func (r *reader) turns(d *toml.Decoder, f *Fault, known bool) {
	for _, turn := range []struct {
		key, example string
		to           *unit.Duration
	}{{"up", `"20s"`, &f.Up}, {"down", `"10s"`, &f.Down}} {
		has := d.Has(turn.key)
		switch {
		case known && f.Effect == Flapping && !has:
			d.Errorf(d.At(), "add "+turn.key+" = "+turn.example, "this service is flapping, and it is not said how long it is %s each time", turn.key)
		case known && f.Effect != Flapping && has:
			d.Errorf(d.Key(turn.key), `write effect = "flapping", or leave it out`, "%s is how long a flapping service is %[1]s each time", turn.key)
		case has && plain(d, turn.key, toml.Duration, turn.to) && *turn.to == 0:
			d.Errorf(d.Key(turn.key), "write "+turn.key+" = "+turn.example, "a flapping service is %s for some time", turn.key)
		}
	}
}

// EffectText is the effect as a scenario writes it: "slow ×4", "errors 30%".
func (f *Fault) EffectText() string {
	switch f.Effect {
	case Slow:
		return f.Effect.String() + " ×" + strconv.FormatFloat(f.Amount, 'f', -1, 64)
	case Errors, Capacity, Lapse:
		return f.Effect.String() + " " + unit.Ratio(f.Amount).String()
	}
	return f.Effect.String()
}
