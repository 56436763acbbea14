package scenario

import (
	"slices"
	"strconv"
	"strings"

	"github.com/knockon/knockon/catalog/diag"
	"github.com/knockon/knockon/catalog/toml"
	"github.com/knockon/knockon/catalog/unit"
)

const (
	maxWaves    = 10_000 // of a restart
	maxCapacity = 100    // times the declared capacity
	maxClass    = 9      // the least important priority of a catalog
)

// object is what a deed is done to.
type object uint8

const (
	onService object = iota
	onNeed
	onFault
	onLease
	onAutomatic // a health check, or the autoscaling of a service
)

// deeds are what each deed is done to, and what else it may say, by verb.
var deeds = []struct {
	on      object
	keys    []string
	example string
}{
	Purge:       {onService, nil, `{ purge = "api" }`},
	Throttle:    {onService, []string{"to", "relax", "until"}, `{ throttle = "api", to = "100/s" }`},
	Unthrottle:  {onService, nil, `{ unthrottle = "api" }`},
	StopRetries: {onService, nil, `{ stop_retries = "api" }`},
	LetRetry:    {onService, nil, `{ let_retry = "api" }`},
	SetCapacity: {onService, []string{"to"}, `{ set_capacity = "api", to = "50%" }`},
	Restart:     {onService, []string{"takes", "waves", "every", "purge"}, `{ restart = "api", takes = "30s" }`},
	Restore:     {onFault, nil, `{ restore = "zone-outage" }`},
	RollBack:    {onFault, nil, `{ roll_back = "bad-deployment" }`},
	Drain:       {onService, []string{"zone"}, `{ drain = "api", zone = "az1" }`},
	Undrain:     {onService, []string{"zone"}, `{ undrain = "api", zone = "az1" }`},
	Cut:         {onNeed, nil, `{ cut = "shop -> api" }`},
	Bypass:      {onNeed, nil, `{ bypass = "shop -> api" }`},
	FailOver:    {onNeed, []string{"to"}, `{ fail_over = "shop -> api", to = "api-2" }`},
	Mend:        {onNeed, nil, `{ mend = "shop -> api" }`},
	Shed:        {onService, []string{"class"}, `{ shed = "api", class = 2 }`},
	Unshed:      {onService, nil, `{ unshed = "api" }`},
	Disable:     {onAutomatic, []string{"put_back"}, `{ disable = "targets" } or { disable = "autoscale of api" }`},
	Enable:      {onAutomatic, nil, `{ enable = "targets" } or { enable = "autoscale of api" }`},
	Pace:        {onLease, []string{"to"}, `{ pace = "droplets", to = "300/s" }`},
	Unpace:      {onLease, nil, `{ unpace = "droplets" }`},
	Pause:       {onLease, nil, `{ pause = "droplets" }`},
	Resume:      {onLease, nil, `{ resume = "droplets" }`},
	DropExpired: {onService, nil, `{ drop_expired = "api" }`},
}

// deedKeys are the keys of a deed beside its verb. Purge is one of both.
var deedKeys = []string{"to", "relax", "until", "takes", "waves", "every", "zone", "class", "put_back"}

func (r *reader) deed(t *toml.Table, a *Action) {
	d := r.doc.Decoder(t, "a deed of [[action]]", &r.faults)
	x := Deed{Span: d.At()}
	var verbs []string
	for i, word := range VerbWords {
		if !d.Has(word) {
			continue
		}
		if Verb(i) == Purge && d.Has(Restart.String()) && isAnswer(d, word) {
			continue // in { restart = "api", purge = false } it says how, and is no deed
		}
		verbs = append(verbs, word)
		x.Verb = Verb(i)
	}
	for _, key := range deedKeys {
		d.Has(key) // known in any case; what is out of place is told by extent
	}
	switch len(verbs) {
	case 1:
		r.object(d, &x)
		r.extent(d, &x)
	case 0:
		// An unknown verb is an unknown key, of which Done tells more.
		if !slices.ContainsFunc(t.Entries, func(e toml.Entry) bool { return !slices.Contains(deedKeys, e.Key) }) {
			d.Errorf(d.At(), `write { purge = "api" }, { throttle = "api", to = "100/s" } or the like`, "this deed does nothing")
		}
	default:
		d.Errorf(d.Key(verbs[1]), `write { `+verbs[0]+` = "api" }, { `+verbs[1]+` = "api" }`, "a deed is one thing, and this is %s and %s", verbs[0], verbs[1])
	}
	d.Done()
	if len(verbs) == 1 {
		a.Do = append(a.Do, x)
	}
}

// isAnswer reports whether a value is meant as yes or no, and not as a name.
func isAnswer(d *toml.Decoder, key string) bool {
	v, ok := d.Value(key)
	if !ok {
		return false
	}
	text, isText := v.Scalar.(string)
	return !isText || slices.Contains([]string{"true", "false", "yes", "no", "on", "off"}, strings.ToLower(text))
}

// autoscaleOf is before the service whose autoscaling is meant.
const autoscaleOf = "autoscale of "

// object reads what a deed is done to.
func (r *reader) object(d *toml.Decoder, x *Deed) {
	word := x.Verb.String()
	switch deeds[x.Verb].on {
	case onService:
		r.name(d, word, "service", &x.Target, &x.TargetAt)
	case onFault:
		r.name(d, word, "fault", &x.Target, &x.TargetAt)
	case onLease:
		r.name(d, word, "lease", &x.Target, &x.TargetAt)
	case onAutomatic:
		var text string
		if !d.String(word, &text) {
			return
		}
		v, _ := d.Value(word)
		x.Target, x.TargetAt = text, v.At
		if service, is := strings.CutPrefix(text, autoscaleOf); is {
			x.Autoscale, x.Target, x.TargetAt = true, strings.TrimSpace(service), r.within(v.At, strings.TrimSpace(service), true)
			r.isName(x.TargetAt, "service", x.Target)
			return
		}
		r.isName(x.TargetAt, "health check", x.Target)
	case onNeed:
		var text string
		if !d.String(word, &text) {
			return
		}
		v, _ := d.Value(word)
		n := r.need(v.At, text)
		if !n.is {
			d.Errorf(v.At, "write "+deeds[x.Verb].example, "%s is done to a need, and this is none", x.Verb)
			return
		}
		x.From, x.To, x.FromAt, x.ToAt = n.from, n.to, n.fromAt, n.toAt
		if r.isName(x.FromAt, "service", x.From) && r.isName(x.ToAt, "service", x.To) && x.From == x.To {
			d.Errorf(v.At, "write "+deeds[x.Verb].example, "%q does not need itself", short(x.From))
		}
	}
}

// extent reads how, how far or how long something is done.
func (r *reader) extent(d *toml.Decoder, x *Deed) {
	for _, key := range deedKeys {
		if !d.Has(key) || slices.Contains(deeds[x.Verb].keys, key) {
			continue
		}
		switch key {
		case "to":
			d.Errorf(d.Key(key), "leave it out", "%s is not done to some degree", x.Verb)
		case "takes":
			d.Errorf(d.Key(key), "leave it out", "%s is done at once", x.Verb)
		default:
			refuse(d, "leave it out", x.Verb.String()+" has no such thing", key)
		}
	}
	switch x.Verb {
	case Throttle:
		if !d.Has("to") {
			d.Errorf(d.At(), `add to = "100/s" or to = "20%"`, "this throttle does not say how much is admitted")
		} else {
			r.throttled(d, x)
		}
		r.lifted(d, x)
	case SetCapacity:
		if !d.Has("to") {
			d.Errorf(d.At(), `add to = "50%"`, "set_capacity does not say how much")
		} else if v, ok := d.Value("to"); ok {
			if x.Share, ok = percentage(d, v, "to", `"50%"`); ok && x.Share > maxCapacity {
				d.Errorf(v.At, `write "10000%" or less`, "%q is too large", short(v.Scalar.(string)))
			}
		}
	case Restart:
		r.restart(d, x)
	case Drain, Undrain:
		if !d.Has("zone") {
			d.Errorf(d.At(), `add zone = "az1"`, "%s does not say which zone", x.Verb)
		}
		r.name(d, "zone", "zone", &x.Zone, &x.ZoneAt)
	case Shed:
		if !d.Has("class") {
			d.Errorf(d.At(), "add class = 2", "shed does not say which requests are refused: those of this priority and of less important ones, which have greater numbers")
		}
		d.Int("class", 0, maxClass, &x.Class)
	case FailOver:
		if !d.Has("to") {
			d.Errorf(d.At(), `add to = "api-2"`, "fail_over does not say who is called instead")
		} else if r.name(d, "to", "service", &x.Instead, &x.InsteadAt) && (x.Instead == x.To || x.Instead == x.From) && x.From != x.To {
			d.Errorf(x.InsteadAt, "name another service", "the calls of %q to %q cannot go to %q instead", short(x.From), short(x.To), short(x.Instead))
		}
	case Disable:
		if d.Bool("put_back", &x.PutBack); x.PutBack && x.Autoscale {
			d.Errorf(d.Key("put_back"), "leave it out", "an autoscaling takes nothing out of rotation")
		}
	case Pace:
		if !d.Has("to") {
			d.Errorf(d.At(), `add to = "300/s"`, "pace does not say how many attempts are admitted")
		} else if plain(d, "to", toml.Rate, &x.Rate) && x.Rate == 0 {
			d.Errorf(d.Key("to"), `write { pause = "`+short(x.Target)+`" }`, "a pace of 0 is a pause")
		}
	}
}

// lifted reads when a throttle is over by itself.
func (r *reader) lifted(d *toml.Decoder, x *Deed) {
	if plain(d, "relax", toml.Duration, &x.Relax) && x.Relax == 0 {
		d.Errorf(d.Key("relax"), `write relax = "2h", or leave the throttle out`, "a throttle that is gone at once is none")
	}
	var text string
	if d.String("until", &text) {
		v, _ := d.Value("until")
		x.Until, _ = r.condition(d, v.At, text)
	}
}

// restart reads how long a restart takes, and in which parts it is made.
func (r *reader) restart(d *toml.Decoder, x *Deed) {
	if !d.Has("takes") {
		d.Errorf(d.At(), `add takes = "30s"`, "this restart does not say how long it takes")
	} else if plain(d, "takes", toml.Duration, &x.Length) && x.Length == 0 {
		d.Errorf(d.Key("takes"), `write takes = "30s", or { purge = "`+x.Target+`" } where only what waits is lost`, "a restart takes time")
	}
	var waves int64
	x.Purge = true
	d.Bool("purge", &x.Purge)
	hasWaves := d.Int("waves", 1, maxWaves, &waves)
	x.Waves = int(waves)
	hasEvery := plain(d, "every", toml.Duration, &x.Every)
	switch {
	case hasEvery && !d.Has("waves"):
		d.Errorf(d.Key("every"), "add waves = 5, or leave it out", "every is the time from wave to wave, and this restart is made at once")
	case hasEvery && x.Every == 0:
		d.Errorf(d.Key("every"), `write every = "10m", or leave waves out`, "waves that begin at the same time are one")
	case hasEvery && hasWaves && waves == 1:
		d.Errorf(d.Key("every"), "leave it out, or write waves = 5", "one wave has no next one")
	case hasWaves && waves > 1 && !d.Has("every"):
		d.Errorf(d.Key("waves"), `add every = "10m"`, "this restart does not say how long it is from wave to wave")
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

// ends are the services of a need, written "shop -> api".
type ends struct {
	from, to     string
	fromAt, toAt diag.Span
	is           bool // it is a need; otherwise from is all there is
}

func (r *reader) need(at diag.Span, text string) (n ends) {
	n.from, n.to, n.is = strings.Cut(strings.ReplaceAll(text, "→", "->"), "->")
	n.from, n.to = strings.TrimSpace(n.from), strings.TrimSpace(n.to)
	n.fromAt = r.within(at, n.from, false)
	if n.toAt = at; n.is {
		n.toAt = r.within(at, n.to, true)
	}
	return n
}

// Lasts is how long a deed goes on after it has begun: until the last wave of a
// restart is back; 0 of what is done at once.
func (x *Deed) Lasts() unit.Duration {
	if x.Verb != Restart {
		return 0
	}
	return plus(x.Length, many(max(x.Waves, 1)-1, x.Every))
}
