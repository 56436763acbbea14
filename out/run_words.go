package out

import (
	"cmp"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/knockon/knockon/catalog/unit"
	"github.com/knockon/knockon/propagate/scenario"
)

// faultText says what a fault does to which service: "ledger slow ×4 in az1".
func faultText(f *scenario.Fault) string {
	text := f.Service + " " + f.EffectText()
	if f.Effect == scenario.Capacity {
		text = f.Service + " at " + unit.Ratio(f.Amount).String() + " capacity"
	}
	if f.Effect == scenario.Flapping {
		text += fmt.Sprintf(" (%s down, %s up)", f.Down, f.Up)
	}
	if f.Zone != "" {
		text += " in " + f.Zone
	}
	return text
}

// loadText says what is offered to which service: "load ×2 on shop-front".
func loadText(l *scenario.Load) string {
	what := "load"
	switch {
	case l.Daily != nil:
		what = "daily load"
	case len(l.Points) > 0:
		what = "changing load"
	case l.Times > 0:
		what = "load ×" + strconv.FormatFloat(l.Times, 'f', -1, 64)
	default:
		what = "load " + l.Rate.V.String()
	}
	return what + " on " + l.Service
}

// actionText says what operators do: "throttle api to 100/s, stop retries at api".
func actionText(a *scenario.Action) string {
	var parts []string
	for i := range a.Do {
		parts = append(parts, deedText(&a.Do[i]))
	}
	return strings.Join(parts, ", ")
}

func deedText(d *scenario.Deed) string {
	share := strconv.FormatFloat(math.Round(d.Share*1e4)/1e2, 'f', -1, 64) + "%" // of capacity it may be more than 100 %
	need := d.From + " -> " + d.To
	what := strings.ReplaceAll(d.Verb.String(), "_", " ")
	switch d.Verb {
	case scenario.Throttle:
		text := "throttle " + d.Target + " to " + share
		if d.Rate > 0 {
			text = "throttle " + d.Target + " to " + d.Rate.String()
		}
		if d.Relax > 0 {
			text += ", relaxed over " + d.Relax.String()
		}
		if d.Until != nil {
			text += " until " + d.Until.Text
		}
		return text
	case scenario.StopRetries, scenario.LetRetry:
		return what + " at " + d.Target
	case scenario.SetCapacity:
		return d.Target + " to " + share + " capacity"
	case scenario.Restart:
		text := "restart " + d.Target + " for " + d.Length.String()
		if d.Waves > 1 {
			text += fmt.Sprintf(" in %d waves every %s", d.Waves, d.Every)
		}
		return text
	case scenario.Drain, scenario.Undrain:
		return what + " " + d.Target + " in " + d.Zone
	case scenario.Cut, scenario.Bypass, scenario.Mend:
		return what + " " + need
	case scenario.FailOver:
		return what + " " + need + " to " + d.Instead
	case scenario.Shed:
		return fmt.Sprintf("shed class %d of %s", d.Class, d.Target)
	case scenario.Pace:
		return "pace " + d.Target + " to " + d.Rate.String()
	case scenario.Disable, scenario.Enable:
		if d.Autoscale {
			return what + " autoscaling of " + d.Target
		}
	case scenario.DropExpired:
		return "drop what expires at " + d.Target
	}
	return what + " " + d.Target
}

// moment prints a time of a run as people say it: no finer than they would look.
func moment(seconds float64) string {
	switch {
	case math.IsNaN(seconds):
		return "never"
	case seconds > unit.MaxDuration.Seconds():
		return "for ever"
	}
	grain := time.Second
	switch {
	case seconds < 0.1:
		grain = 100 * time.Microsecond
	case seconds < 1:
		grain = time.Millisecond
	case seconds < 10:
		grain = 100 * time.Millisecond
	case seconds >= 86400:
		grain = time.Minute
	}
	whole, part := math.Modf(math.Max(0, seconds))
	d := time.Duration(whole)*time.Second + time.Duration(math.Round(part*1e9))
	d = d.Round(grain)
	if text := d.Seconds(); 1 <= text && text < 10 && d%time.Second != 0 {
		return strconv.FormatFloat(text, 'f', 1, 64) + "s" // "3.5s" rather than "3s500ms"
	}
	return unit.Duration(d).String()
}

// span prints a window: "41s–3m12s", or "from 41s to the end".
func (r *Run) span(from, to float64, open bool) string {
	switch {
	case open && from <= 0:
		return "all along"
	case open:
		return "from " + moment(from) + " to the end"
	}
	return moment(from) + "–" + moment(to)
}

// amount prints a number of requests, or a rate, in three digits or so: "12.4k".
func amount(f float64) string {
	switch a := math.Abs(f); {
	case math.IsNaN(f):
		return "–"
	case math.IsInf(f, 0):
		return "∞"
	case a >= 999.5e6:
		return digits(f/1e9) + "G"
	case a >= 999.5e3:
		return digits(f/1e6) + "M"
	case a >= 9999.5:
		return digits(f/1e3) + "k"
	case a >= 99.5:
		return strconv.FormatFloat(f, 'f', 0, 64)
	case a < 0.001:
		return "0"
	}
	return digits(f)
}

// digits prints three of them.
func digits(f float64) string {
	places := 2
	switch a := math.Abs(f); {
	case a >= 99.5:
		places = 0
	case a >= 9.95:
		places = 1
	}
	text := strconv.FormatFloat(f, 'f', places, 64)
	if strings.Contains(text, ".") {
		text = strings.TrimRight(strings.TrimRight(text, "0"), ".")
	}
	return text
}

// percent prints a share: "20 %", "0.4 %", and never "0 %" of something.
func percent(share float64) string {
	switch {
	case share > 0 && share < 0.001:
		return "<0.1 %"
	case share < 0.0995:
		return digits(math.Floor(share*1000)/10) + " %"
	case share > 0.995 && share < 1: // all but a few are not all
		return strconv.FormatFloat(math.Min(99.9, math.Floor(share*1000)/10), 'f', -1, 64) + " %"
	}
	return strconv.FormatFloat(math.Round(share*100), 'f', 0, 64) + " %"
}

// headline says in one sentence how a run ends, with the evidence.
func (r *Run) headline() string {
	if r.head != "" {
		return r.head
	}
	if r.Partial {
		return fmt.Sprintf("interrupted after %s of %s", moment(r.Played), moment(r.Horizon))
	}
	if len(r.Impaired) == 0 {
		return cmp.Or(r.Verdict, "healthy") + ": no service was impaired"
	}
	worst := &r.Impaired[0]
	id := r.Services[worst.Service].ID
	text := ""
	switch r.Verdict {
	case "recovered":
		text = r.were() + " impaired and are healthy again"
		if len(r.Impaired) == 1 {
			text = r.were() + " impaired and is healthy again"
		}
		switch last := r.lastRecovery(); {
		case last > 0:
			text += ", the last " + moment(last) + " after the trigger"
		case last == 0:
			text += ", since before the trigger was over"
		}
	case "metastable":
		text = worst.Evidence
		if text == "" {
			text = fmt.Sprintf("the trigger was over at %s, and %s is still %s", moment(r.TriggerEnd), id, r.stateAtEnd(worst))
		}
	case "degraded":
		text = fmt.Sprintf("%s is still %s when the run ends", id, r.stateAtEnd(worst))
		if !math.IsInf(r.TriggerEnd, 1) {
			text += fmt.Sprintf(", %s after the trigger", moment(r.Played-r.TriggerEnd))
		}
	case "ongoing":
		text = fmt.Sprintf("%s is %s when the run ends", id, r.stateAtEnd(worst))
		if math.IsInf(r.TriggerEnd, 1) {
			text += ", and the trigger is not over"
		} else {
			text += ", and it is not yet clear whether it recovers"
		}
	default:
		text = r.were() + " impaired"
	}
	if r.Verdict == "" {
		return text
	}
	return r.Verdict + ": " + text
}

// were is "1 service was" or "3 services were".
func (r *Run) were() string {
	if len(r.Impaired) == 1 {
		return "1 service was"
	}
	return plural(len(r.Impaired), "service") + " were"
}

// lastRecovery is when the last service was healthy again, counted from the end of
// the trigger; NaN where that is not known.
func (r *Run) lastRecovery() float64 {
	last := math.NaN()
	for i := range r.Impaired {
		if v := r.Impaired[i].Recovery; math.IsNaN(last) || v > last {
			last = v
		}
	}
	return last
}

// stateAtEnd is the state a service is in when the run ends.
func (r *Run) stateAtEnd(m *Impairment) string {
	if windows := r.Services[m.Service].Windows; m.Open {
		return windows[len(windows)-1].State.String()
	}
	return "healthy"
}

// played says how long the run is, and from when.
func (r *Run) played() string {
	text := moment(r.Horizon)
	if r.Partial {
		text = moment(r.Played) + " of " + text
	}
	if !r.Start.IsZero() {
		text += " from " + r.Start.Format("2006-01-02 15:04:05 -07:00")
	}
	if r.Chance != "" {
		text += "; " + r.Chance
	}
	return text
}

// tally counts the expectations: "3 of 4 expectations are met".
func (r *Run) tally() string {
	met := len(r.Expects) - r.unmet()
	switch n := len(r.Expects); {
	case n == 0, r.Partial:
		return ""
	case n == 1 && met == 1:
		return "the expectation is met"
	case n == 1:
		return "the expectation is not met"
	case met == n:
		return fmt.Sprintf("all %d expectations are met", n)
	case met == 1:
		return fmt.Sprintf("1 of %d expectations is met", n)
	default:
		return fmt.Sprintf("%d of %d expectations are met", met, n)
	}
}
