package out

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/knockon/knockon/catalog"
	"github.com/knockon/knockon/catalog/unit"
	"github.com/knockon/knockon/propagate/replay"
	"github.com/knockon/knockon/propagate/scenario"
)

// Replay is an incident that was played beside what was recorded of it.
type Replay struct {
	*Run
	Replay     *replay.Replay
	Parameters []replay.Parameter
	Spread     *replay.Spread     // of many seeds; nil of one run
	Fit        *replay.Fit        // nil where nothing was fitted
	Hesitation *replay.Hesitation // nil where nobody asked
	Prediction *replay.Prediction // nil where nobody asked

	Own            []string // services laid over those of the incident, sorted
	OwnTitle       string   // of their catalog; may be empty
	ShowParameters bool     // a text lists all of them

	explain Explain // nil: only the worst of a service is explained, by its Impairment
}

func (*Replay) kind() string { return "replay" }

// NewReplay describes a replay.
func NewReplay(c *catalog.Catalog, r *replay.Replay, o RunOptions) *Replay {
	o.Recorded = recordedOf(r.Record, r.Result.Scenario.Horizon.Seconds())
	return &Replay{Run: NewRun(c, r.Result, o), Replay: r, explain: o.Explain}
}

// minute prints a time of a replay, in minutes: on the wall clock where there is one.
func (r *Replay) minute(m float64) string {
	switch {
	case math.IsNaN(m):
		return "?"
	case r.Start.IsZero() && m < 0:
		return "-" + moment(-60*m)
	case r.Start.IsZero():
		return moment(60 * m)
	}
	text := r.clock(60 * m).Format("15:04")
	if days := int(math.Floor((60*m + float64(r.Start.Hour()*3600+r.Start.Minute()*60+r.Start.Second())) / 86400)); days > 1 {
		text += fmt.Sprintf("+%dd", days-1) // the night of the incident is one
	}
	return text
}

// band prints a recorded time: "02:40", "23:56…00:20", or "?" where it is not known.
func (r *Replay) band(m scenario.Moment) string {
	switch {
	case !m.Known:
		return "?"
	case m.Low == m.High:
		return r.minute(m.Low / 60)
	}
	return r.minute(m.Low/60) + "…" + r.minute(m.High/60)
}

// simulated prints a window that came out.
func (r *Replay) simulated(x *replay.Impact) string {
	switch {
	case x == nil:
		return "nothing"
	case x.Open:
		return r.minute(x.From) + "–the end"
	}
	return r.minute(x.From) + "–" + r.minute(x.To)
}

// off prints an error in minutes.
func off(b *replay.Boundary) string {
	if !b.Scored {
		return "–"
	}
	return whole(b.Error)
}

// whole prints minutes without a fraction where that says nothing.
func whole(minutes float64) string {
	switch {
	case math.IsNaN(minutes):
		return "–"
	case math.IsInf(minutes, 0):
		return "∞"
	case math.Abs(minutes) >= 9.95:
		return fmt.Sprintf("%.0f", minutes)
	}
	return digits(math.Round(10*minutes) / 10)
}

// fraction prints a number from 0 to 1.
func fraction(f float64) string {
	if math.IsNaN(f) {
		return "–"
	}
	return fmt.Sprintf("%.2f", f)
}

// headline is the score in a sentence.
func (r *Replay) headline() string {
	if r.Partial {
		return fmt.Sprintf("interrupted after %s of %s: what follows is scored as if it had ended there", moment(r.Played), moment(r.Horizon))
	}
	h := &r.Replay.Headline
	var text string
	switch {
	case h.Onset.Count == 0 && h.Recovery.Count == 0:
		text = "no emergent boundary is scored"
	case h.Onset.Count == 0:
		text = "no emergent onset is scored"
	default:
		text = fmt.Sprintf("emergent onsets are off by %s min in the median and %s in the 90th percentile", whole(h.Onset.Median), whole(h.Onset.P90))
	}
	switch {
	case h.Recovery.Count > 0:
		text += fmt.Sprintf(", recoveries by %s and %s min", whole(h.Recovery.Median), whole(h.Recovery.P90))
	case h.Onset.Count > 0:
		text += ", no emergent recovery is scored"
	}
	text += fmt.Sprintf("; overlap %s", fraction(h.Overlap))
	switch {
	case len(r.Replay.Record.Controls) == 0:
	case h.Control == 0:
		text += "; what was well stays well"
	default:
		text += fmt.Sprintf("; %s min of impact where all was well", whole(h.Control))
	}
	return text
}

// beaten says which baselines the score beats clearly.
func (r *Replay) beaten() string {
	var beaten, not []string
	for i := range r.Replay.Baselines {
		b := &r.Replay.Baselines[i]
		h := b.Score.Headline()
		if r.Replay.Headline.Better(&h) {
			beaten = append(beaten, b.Name)
		} else {
			not = append(not, b.Name)
		}
	}
	switch {
	case len(r.Replay.Shown().Services) == 0:
		return "no window is scored"
	case len(not) == 0:
		return "all baselines are clearly beaten"
	case len(beaten) == 0:
		return "no baseline is clearly beaten"
	}
	return "clearly beaten: " + strings.Join(beaten, ", ") + "; not: " + strings.Join(not, ", ")
}

// scoreLine is one line of a score.
type scoreLine struct {
	name, key string
	of        func(h *replay.Headline) float64
	print     func(float64) string
}

// scoreLines are the lines of a score, in the order in which they are shown.
var scoreLines = []scoreLine{
	{"onset, median", "onset_median_min", func(h *replay.Headline) float64 { return h.Onset.Median }, whole},
	{"onset, 90th percentile", "onset_p90_min", func(h *replay.Headline) float64 { return h.Onset.P90 }, whole},
	{"recovery, median", "recovery_median_min", func(h *replay.Headline) float64 { return h.Recovery.Median }, whole},
	{"recovery, 90th percentile", "recovery_p90_min", func(h *replay.Headline) float64 { return h.Recovery.P90 }, whole},
	{"overlap", "overlap", func(h *replay.Headline) float64 { return h.Overlap }, fraction},
	{"minutes in the right state", "right_state", func(h *replay.Headline) float64 { return h.RightState }, fraction},
	{"order of onsets", "order", func(h *replay.Headline) float64 { return h.Order }, fraction},
	{"false minutes", "false_min", func(h *replay.Headline) float64 { return h.False }, whole},
	{"… where all was well", "control_min", func(h *replay.Headline) float64 { return h.Control }, whole},
}

// column is one score in a table of them.
type column struct {
	name string
	of   replay.Headline
}

// columns are the score that counts, those it is the worst of, and the baselines.
func (r *Replay) columns() []column {
	all := []column{{"REPLAY", r.Replay.Headline}}
	for i, t := range replay.Thresholds {
		all = append(all, column{"AT " + percent(t), r.Replay.At[i].Headline()})
	}
	for i := range r.Replay.Baselines {
		b := &r.Replay.Baselines[i]
		all = append(all, column{strings.ToUpper(b.Name), b.Score.Headline()})
	}
	return all
}

// numberText prints the value of a parameter.
func numberText(v float64, u catalog.NumberUnit) string {
	if math.IsNaN(v) {
		return "–"
	}
	return catalog.FormatNumber(v, u)
}

// evidenceWord is how a value is known.
func evidenceWord(e unit.Evidence) string {
	switch e {
	case unit.Documented:
		return "documented"
	case unit.Fitted:
		return "fitted"
	case unit.Guess:
		return "guess"
	case unit.Stated:
		return "stated"
	}
	return "not stated"
}

// known counts parameters by how they are known: "22 documented, 7 fitted, 90 guess".
func (r *Replay) known() string {
	counts := make(map[string]int)
	for i := range r.Parameters {
		counts[evidenceWord(r.Parameters[i].Evidence)]++
	}
	var parts []string
	for _, word := range []string{"documented", "stated", "fitted", "guess", "not stated"} {
		if n := counts[word]; n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", n, word))
		}
	}
	return strings.Join(parts, ", ")
}

// boundaryName names one end of a recorded window: "end of dwfm down".
func (r *Replay) boundaryName(e replay.Ends) string {
	w := &r.Replay.Record.Windows[e.Window]
	which := "start"
	at := w.Start
	if e.End {
		which, at = "end", w.End
	}
	return fmt.Sprintf("%s of %s %s (%s)", which, w.Service, w.State, r.band(at))
}

// movesText says which boundaries move with a parameter, the farthest first.
func (r *Replay) movesText(p *replay.Parameter) string {
	switch {
	case !p.Tried:
		return ""
	case len(p.Moves) == 0:
		return "moves nothing"
	}
	moves := slices.Clone(p.Moves)
	slices.SortStableFunc(moves, func(a, b replay.Move) int {
		return cmp.Compare(max(math.Abs(b.Down), math.Abs(b.Up)), max(math.Abs(a.Down), math.Abs(a.Up)))
	})
	const most = 4
	var parts []string
	for i, m := range moves {
		if i == most {
			parts = append(parts, fmt.Sprintf("and %d more", len(moves)-most))
			break
		}
		parts = append(parts, fmt.Sprintf("%s %s/%s min", r.boundaryName(m.Ends), signedMinutes(m.Down), signedMinutes(m.Up)))
	}
	text := strings.Join(parts, "; ")
	if p.Private {
		text += " — private: it leaves the headline"
	}
	return text
}

func signedMinutes(m float64) string {
	switch {
	case math.IsInf(m, 1):
		return "gone"
	case math.IsInf(m, -1):
		return "comes"
	case m > 0:
		return "+" + whole(m)
	}
	return whole(m)
}

// stateWord is the state of a simulated window.
func stateWord(x *replay.Impact) string {
	if x == nil {
		return ""
	}
	return x.State.String()
}
