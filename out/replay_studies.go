package out

import (
	"fmt"
	"math"
	"strconv"
	"strings"

	"github.com/knockon/knockon/catalog"
	"github.com/knockon/knockon/propagate/replay"
	"github.com/knockon/knockon/propagate/scenario"
)

// What is asked of an incident besides its score: many seeds, the time of actions, what
// could have been foretold, and which values fit.

// spreadText says what chance does to the score.
func (r *Replay) spreadText(b *strings.Builder, o Options) {
	s := r.Spread
	if s == nil {
		return
	}
	b.WriteString("\n")
	t := table{head: []string{"OF " + strconv.Itoa(s.Runs) + " RUNS", "5 %", "MEDIAN", "95 %"}, right: []bool{false, true, true, true}}
	for _, n := range scoreLines {
		low, mid, high := s.Of(n.of)
		t.row(cell{n.name, bold}, cell{text: n.print(low)}, cell{text: n.print(mid)}, cell{text: n.print(high)})
	}
	t.write(b, o)
	b.WriteString("\n")
	t = table{head: []string{"BOUNDARY", "5 %", "MEDIAN", "95 %", "NOT THERE"}, right: []bool{false, true, true, true, true}}
	for _, x := range s.Boundaries {
		none := ""
		if x.None > 0 {
			none = percent(x.None)
		}
		t.row(cell{r.boundaryName(x.Ends), bold}, cell{text: r.minute(x.Low)}, cell{text: r.minute(x.Median)}, cell{text: r.minute(x.High)}, cell{none, yellow})
	}
	t.write(b, o)
}

// hesitationText says what the time of each action was worth.
func (r *Replay) hesitationText(b *strings.Builder, o Options) {
	h := r.Hesitation
	if h == nil {
		return
	}
	b.WriteString("\n")
	t := table{
		head:  []string{"DONE AT", "ACTION", "IMPACT WITHOUT IT", "BEST AT", "IMPACT THEN", "EACH MINUTE SINCE COST", "POINT OF NO RETURN"},
		right: []bool{false, false, true, true, true, true, false}, key: 1, prose: true,
	}
	for i := range h.Actions {
		a := &h.Actions[i]
		best, then, cost := r.minute(a.Best), hours(a.AtBest), whole(a.PerMin)+" min"
		switch {
		case !a.Matters:
			best, then, cost = "–", "–", "–"
		case a.Best >= a.Done || a.PerMin == 0:
			best, cost = "as done", "–"
		}
		t.row(cell{text: r.minute(a.Done)}, cell{r.actionName(a.Action), bold}, cell{text: hours(a.Never)}, cell{text: best}, cell{text: then}, cell{text: cost}, cell{text: r.noReturn(a)})
	}
	t.write(b, o)
	for i := range h.Actions {
		if a := &h.Actions[i]; a.Cliff != nil {
			paragraph(b, fmt.Sprintf("%s: waiting does not cost the same at all times. From %s to %s impact grows by %s, %s of all that waiting cost",
				r.actionName(a.Action), r.minute(a.Cliff.From), r.minute(a.Cliff.To), hours(a.Cliff.Rise), percent(a.Cliff.Share)), "", o)
		}
	}
	if h.Partial {
		paragraph(b, "interrupted: actions that had not been tried are left out, and times are less exact", yellow, o)
	}
	paragraph(b, fmt.Sprintf("impact is the minutes of all scored services together, as it was played %s; best is the latest time that was tried at which it is the least. An action avoids the collapse when all that is scored is well %s after it and stays so, and nothing was done later: but for what only a hand brings back, which counts with the action that does so. Where it does not avoid it, all other actions are done when they were",
		hours(h.Minutes), moment(60*h.Grace)), dim, o)
}

// actionName is how an action is called: its id, or else what it does.
func (r *Replay) actionName(action int) string {
	act := &r.Replay.Result.Scenario.Actions[action]
	if act.ID != "" {
		return act.ID
	}
	return actionText(act)
}

// noReturn says until when an action would have avoided the collapse.
func (r *Replay) noReturn(a *replay.Acted) string {
	text := ""
	switch {
	case !a.Matters:
		return "it changes nothing, whenever it is done"
	case a.InTime:
		text = "none: it was in time when it was done"
	case !math.IsNaN(a.Last):
		text = fmt.Sprintf("%s, %s before it was done", r.minute(a.Last), moment(60*(a.Done-a.Last)))
	case math.Abs(a.Never-r.Hesitation.Minutes) <= 1 && r.Hesitation.Minutes-a.AtBest <= 1:
		return "it repairs nothing: without it impact is the same"
	default:
		text = "no time would have been early enough"
		if saved := r.Hesitation.Minutes - a.AtBest; saved >= 1 {
			text += fmt.Sprintf("; at %s it would have saved %s", r.minute(a.Best), hours(saved))
		}
	}
	if !math.IsNaN(a.Relapse) {
		text += fmt.Sprintf("; not at every time before: not at %s", r.minute(a.Relapse))
	}
	return text
}

// hours prints minutes of impact.
func hours(minutes float64) string {
	if minutes < 600 {
		return whole(minutes) + " min"
	}
	return whole(minutes/60) + " h"
}

// predictionText says what could have been foretold, and from what.
func (r *Replay) predictionText(b *strings.Builder, o Options) {
	p := r.Prediction
	if p == nil {
		return
	}
	b.WriteString("\n")
	t := table{head: []string{"FORETOLD FROM " + r.minute(p.Until), "RECORDED", "5 %", "MEDIAN", "95 %", ""}, right: []bool{false, true, true, true, true, false}}
	at := func(m float64) cell {
		if m >= p.Horizon {
			return cell{text: "not over"}
		}
		return cell{text: r.minute(m)}
	}
	for i := range p.Boundaries {
		x := &p.Boundaries[i]
		w := &r.Replay.Record.Windows[x.Window]
		mark := cell{"inside", green}
		if !x.Inside {
			mark = cell{"outside", yellow}
		}
		if x.None > 0 {
			mark.text += ", not there in " + percent(x.None)
		}
		t.row(cell{endWord(x.Ends) + " of " + w.Service + " " + w.State, bold}, cell{text: r.band(recordedEnd(w, x.Ends))}, at(x.Low), at(x.Median), at(x.High), mark)
	}
	t.write(b, o)
	if p.Partial {
		paragraph(b, fmt.Sprintf("interrupted: it rests on the %d draws that had been played", p.Draws), yellow, o)
	}
	paragraph(b, r.hits()+fmt.Sprintf(". %d of %d draws agree best with what was recorded until then, and are kept; intervals are of those that have the window", p.Kept, p.Draws), "", o)
	for _, x := range p.False {
		paragraph(b, fmt.Sprintf("nothing of the kind is recorded: %s is impaired after %s in %s of the draws, for %s", x.Service, r.minute(p.Until), percent(x.Share), moment(60*x.Minutes)), yellow, o)
	}
	b.WriteString("\n")
	t = table{head: []string{"DRAWN FROM ITS RANGE", "RANGE", "5 %", "95 %", "AS WIDE", "WHAT IS RECORDED UNTIL THEN"}, right: []bool{false, false, true, true, true, false}, prose: true}
	for i := range p.Parameters {
		x := &p.Parameters[i]
		says := cell{"says nothing of it", dim}
		if x.Informed {
			says = cell{text: "bears upon it"}
		}
		t.row(cell{x.Name, bold}, cell{text: numberText(x.Low, x.Unit) + "…" + numberText(x.High, x.Unit)},
			cell{text: endText(x.From, x.Unit)}, cell{text: endText(x.To, x.Unit)}, cell{text: percent(x.Spread)}, says)
	}
	t.write(b, o)
	paragraph(b, fmt.Sprintf("as wide: from 5 to 95 %% of the kept draws, beside all draws. No draw uses a value that was fitted to the whole record%s. Guesses without a range are as they are: %d. What operators did later is done when they did it",
		fixedText(p.Fixed), p.Guesses), dim, o)
}

// hits says how many boundaries lie in their intervals, beside how many would anyway.
func (r *Replay) hits() string {
	p := r.Prediction
	return fmt.Sprintf("%d of %d boundaries lie in their interval of 90 %%, where %s would by right; of times at random from then to the end of the play it would be %s, and %d lie in the intervals that the ranges give alone",
		p.Inside, len(p.Boundaries), whole(0.9*float64(len(p.Boundaries))), whole(p.Chance), p.Before)
}

// fixedText names what could not be drawn.
func fixedText(names []string) string {
	if len(names) == 0 {
		return ""
	}
	return ", but for what has no range: " + strings.Join(names, ", ")
}

// recordedEnd is one end of a recorded window.
func recordedEnd(w *scenario.Recorded, e replay.Ends) scenario.Moment {
	if e.End {
		return w.End
	}
	return w.Start
}

// endText prints an end of an interval of a value as exactly as it is worth.
func endText(x float64, u catalog.NumberUnit) string {
	if u == catalog.Seconds && x >= 600 {
		return numberText(60*math.Round(x/60), u)
	}
	x, _ = strconv.ParseFloat(strconv.FormatFloat(x, 'g', 3, 64), 64)
	return numberText(x, u)
}

// fitText says what was fitted, and which of it the record holds.
func (r *Replay) fitText(b *strings.Builder, o Options) {
	f := r.Fit
	if f == nil {
		return
	}
	b.WriteString("\n")
	t := table{head: []string{"FITTED", "WAS", "FOUND", "RANGE", "HELD BY THE RECORD"}, right: []bool{false, true, true, false, false}, prose: true}
	for i := range f.Parameters {
		p := &f.Parameters[i]
		t.row(cell{p.Name, bold}, cell{text: numberText(p.Value, p.Unit)}, cell{text: numberText(p.Found, p.Unit)},
			cell{text: numberText(p.Low, p.Unit) + "…" + numberText(p.High, p.Unit)}, cell{text: heldText(f, i)})
	}
	t.write(b, o)
	paragraph(b, fmt.Sprintf("cost %.3f, from %.3f; %s, seed %d. What was found stands in a catalog as { fitted = … }; --format json has it with all digits", f.Cost, f.Start, plural(f.Runs, "run"), f.Seed), dim, o)
}

// heldText says plainly whether the record knows a value.
func heldText(f *replay.Fit, i int) string {
	p := &f.Parameters[i]
	if math.IsNaN(p.Down) {
		return "not looked for: interrupted"
	}
	below, above := p.Identified()
	text := ""
	switch {
	case below && above:
		text = "yes: cost rises on both sides"
	case below:
		text = "from below only: a greater value does as well"
	case above:
		text = "from above only: a smaller value does as well"
	default:
		text = "no: a quarter more or less changes nothing"
	}
	if p.Edge {
		text += "; at an end of its range, which may be too narrow"
	}
	for _, pair := range f.Pairs {
		other := -1
		switch i {
		case pair.A:
			other = pair.B
		case pair.B:
			other = pair.A
		}
		if other >= 0 {
			way := "together"
			if pair.Opposite {
				way = "against each other"
			}
			text += fmt.Sprintf("; not apart from %s: %s they change little", f.Parameters[other].Name, way)
		}
	}
	return text
}

type jsonSeeds struct {
	First      string                `json:"first"`
	Runs       int                   `json:"runs"`
	Score      map[string]jsonSpan   `json:"score"`
	Boundaries []jsonSpannedBoundary `json:"boundaries"`
}

type jsonSpan struct {
	Low    jsonNumber `json:"p5"`
	Median jsonNumber `json:"median"`
	High   jsonNumber `json:"p95"`
}

type jsonSpannedBoundary struct {
	Service string `json:"service"`
	State   string `json:"state"`
	End     string `json:"end"`
	jsonSpan
	None jsonNumber `json:"not_there"`
}

func (r *Replay) spanned(e replay.Ends, low, median, high, none float64) jsonSpannedBoundary {
	w := &r.Replay.Record.Windows[e.Window]
	return jsonSpannedBoundary{w.Service, w.State, endWord(e), jsonSpan{jsonNumber(low), jsonNumber(median), jsonNumber(high)}, jsonNumber(none)}
}

func (r *Replay) seedsJSON() *jsonSeeds {
	if r.Spread == nil {
		return nil
	}
	j := &jsonSeeds{First: strconv.FormatUint(r.Spread.First, 10), Runs: r.Spread.Runs, Score: make(map[string]jsonSpan), Boundaries: []jsonSpannedBoundary{}}
	for _, n := range scoreLines {
		low, mid, high := r.Spread.Of(n.of)
		j.Score[n.key] = jsonSpan{jsonNumber(low), jsonNumber(mid), jsonNumber(high)}
	}
	for _, x := range r.Spread.Boundaries {
		j.Boundaries = append(j.Boundaries, r.spanned(x.Ends, x.Low, x.Median, x.High, x.None))
	}
	return j
}

type jsonFit struct {
	Seed        string       `json:"seed"`
	Generations int          `json:"generations"`
	Runs        int          `json:"runs"`
	Partial     bool         `json:"partial"`
	Start       jsonNumber   `json:"cost_before"`
	Cost        jsonNumber   `json:"cost"`
	Parameters  []jsonFitted `json:"parameters"`
	Pairs       []jsonPair   `json:"pairs"`
}

type jsonFitted struct {
	Name  string     `json:"name"`
	Of    []string   `json:"of"`
	Was   jsonNumber `json:"was"`
	Found jsonNumber `json:"found"`
	Text  string     `json:"text"`
	Low   jsonNumber `json:"low"`
	High  jsonNumber `json:"high"`
	Down  jsonNumber `json:"cost_rise_down"`
	Up    jsonNumber `json:"cost_rise_up"`
	Held  string     `json:"held"`
}

type jsonPair struct {
	A        string     `json:"a"`
	B        string     `json:"b"`
	Opposite bool       `json:"opposite"`
	Rise     jsonNumber `json:"cost_rise"`
}

func (r *Replay) fitJSON() *jsonFit {
	f := r.Fit
	if f == nil {
		return nil
	}
	j := &jsonFit{
		Seed: strconv.FormatUint(f.Seed, 10), Generations: f.Generations, Runs: f.Runs, Partial: f.Partial, Start: jsonNumber(f.Start), Cost: jsonNumber(f.Cost),
		Parameters: []jsonFitted{}, Pairs: []jsonPair{},
	}
	for i := range f.Parameters {
		p := &f.Parameters[i]
		j.Parameters = append(j.Parameters, jsonFitted{
			p.Name, p.Paths, jsonNumber(p.Value), jsonNumber(p.Found), numberText(p.Found, p.Unit), jsonNumber(p.Low), jsonNumber(p.High),
			jsonNumber(p.Down), jsonNumber(p.Up), heldText(f, i),
		})
	}
	for _, p := range f.Pairs {
		j.Pairs = append(j.Pairs, jsonPair{f.Parameters[p.A].Name, f.Parameters[p.B].Name, p.Opposite, jsonNumber(p.Rise)})
	}
	return j
}

type jsonHesitation struct {
	ID      string      `json:"id,omitempty"`
	Text    string      `json:"text"`
	Done    jsonNumber  `json:"done_min"`
	Never   jsonNumber  `json:"impact_without_min"`
	Matters bool        `json:"matters"`
	Best    jsonNumber  `json:"best_min"`
	AtBest  jsonNumber  `json:"impact_at_best_min"`
	PerMin  jsonNumber  `json:"impact_per_minute"`
	Last    jsonNumber  `json:"no_return_min"`
	InTime  bool        `json:"in_time"`
	Relapse jsonNumber  `json:"relapse_min"`
	Cliff   *jsonCliff  `json:"cliff"`
	Tried   []jsonTried `json:"tried"`
	Says    string      `json:"says"`
}

type jsonCliff struct {
	From  jsonNumber `json:"from_min"`
	To    jsonNumber `json:"to_min"`
	Rise  jsonNumber `json:"impact_min"`
	Share jsonNumber `json:"share"`
}

type jsonTried struct {
	At      jsonNumber `json:"at_min"`
	Impact  jsonNumber `json:"impact_min"`
	Avoided bool       `json:"avoided"`
}

func (r *Replay) hesitationJSON() []jsonHesitation {
	if r.Hesitation == nil {
		return nil
	}
	all := []jsonHesitation{}
	for i := range r.Hesitation.Actions {
		a := &r.Hesitation.Actions[i]
		act := &r.Replay.Result.Scenario.Actions[a.Action]
		j := jsonHesitation{
			ID: act.ID, Text: actionText(act), Done: jsonNumber(a.Done), Never: jsonNumber(a.Never), Matters: a.Matters, Best: jsonNumber(a.Best), AtBest: jsonNumber(a.AtBest),
			PerMin: jsonNumber(a.PerMin), Last: jsonNumber(a.Last), InTime: a.InTime, Relapse: jsonNumber(a.Relapse), Tried: []jsonTried{}, Says: r.noReturn(a),
		}
		if x := a.Cliff; x != nil {
			j.Cliff = &jsonCliff{jsonNumber(x.From), jsonNumber(x.To), jsonNumber(x.Rise), jsonNumber(x.Share)}
		}
		for _, t := range a.Tried {
			j.Tried = append(j.Tried, jsonTried{jsonNumber(t.At), jsonNumber(t.Minutes), t.Avoided})
		}
		all = append(all, j)
	}
	return all
}

type jsonPrediction struct {
	Until      jsonNumber       `json:"until_min"`
	Seed       string           `json:"seed"`
	Draws      int              `json:"draws"`
	Kept       int              `json:"kept"`
	Partial    bool             `json:"partial"`
	Inside     int              `json:"inside"`
	Before     int              `json:"inside_by_ranges"`
	Chance     jsonNumber       `json:"inside_by_chance"`
	Text       string           `json:"text"`
	Boundaries []jsonPredicted  `json:"boundaries"`
	False      []jsonUnrecorded `json:"unrecorded"`
	Parameters []jsonNarrowed   `json:"parameters"`
	Fixed      []string         `json:"fitted_without_range"`
	Guesses    int              `json:"guesses_without_range"`
}

type jsonPredicted struct {
	jsonSpannedBoundary
	RecordedFrom jsonNumber `json:"recorded_from_min"`
	RecordedTo   jsonNumber `json:"recorded_to_min"`
	Inside       bool       `json:"inside"`
	BeforeLow    jsonNumber `json:"by_ranges_p5"`
	BeforeHigh   jsonNumber `json:"by_ranges_p95"`
}

type jsonUnrecorded struct {
	Service string     `json:"service"`
	Share   jsonNumber `json:"share"`
	Minutes jsonNumber `json:"median_min"`
}

type jsonNarrowed struct {
	Name     string     `json:"name"`
	Low      jsonNumber `json:"low"`
	High     jsonNumber `json:"high"`
	From     jsonNumber `json:"p5"`
	To       jsonNumber `json:"p95"`
	Spread   jsonNumber `json:"spread"`
	Informed bool       `json:"informed"`
	Range    string     `json:"range"`
	Kept     string     `json:"kept"`
}

func (r *Replay) predictionJSON() *jsonPrediction {
	p := r.Prediction
	if p == nil {
		return nil
	}
	j := &jsonPrediction{
		Until: jsonNumber(p.Until), Seed: strconv.FormatUint(p.Seed, 10), Draws: p.Draws, Kept: p.Kept, Partial: p.Partial,
		Inside: p.Inside, Before: p.Before, Chance: jsonNumber(p.Chance), Text: r.hits(),
		Boundaries: []jsonPredicted{}, False: []jsonUnrecorded{}, Parameters: []jsonNarrowed{}, Fixed: append([]string{}, p.Fixed...), Guesses: p.Guesses,
	}
	for i := range p.Boundaries {
		x := &p.Boundaries[i]
		m := recordedEnd(&r.Replay.Record.Windows[x.Window], x.Ends)
		j.Boundaries = append(j.Boundaries, jsonPredicted{
			r.spanned(x.Ends, x.Low, x.Median, x.High, x.None), jsonNumber(m.Low / 60), jsonNumber(m.High / 60), x.Inside,
			jsonNumber(x.Before[0]), jsonNumber(x.Before[1]),
		})
	}
	for _, x := range p.False {
		j.False = append(j.False, jsonUnrecorded{x.Service, jsonNumber(x.Share), jsonNumber(x.Minutes)})
	}
	for i := range p.Parameters {
		x := &p.Parameters[i]
		j.Parameters = append(j.Parameters, jsonNarrowed{
			x.Name, jsonNumber(x.Low), jsonNumber(x.High), jsonNumber(x.From), jsonNumber(x.To), jsonNumber(x.Spread), x.Informed,
			numberText(x.Low, x.Unit) + "…" + numberText(x.High, x.Unit), endText(x.From, x.Unit) + "…" + endText(x.To, x.Unit),
		})
	}
	return j
}
