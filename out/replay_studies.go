package out

import (
	"fmt"
	"math"
	"strconv"
	"strings"

	"github.com/knockon/knockon/propagate/replay"
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
		head:  []string{"DONE AT", "ACTION", "IMPACT WITHOUT IT", "AT ONCE", "A MINUTE COST", "POINT OF NO RETURN"},
		right: []bool{false, false, true, true, true, false}, key: 1,
	}
	for i := range h.Actions {
		a := &h.Actions[i]
		act := &r.Replay.Result.Scenario.Actions[a.Action]
		name := act.ID
		if name == "" {
			name = actionText(act)
		}
		t.row(cell{text: r.minute(a.Done)}, cell{name, bold}, cell{text: hours(a.Never)}, cell{text: hours(a.Early)}, cell{text: whole(a.PerMin) + " min"}, cell{text: r.noReturn(a)})
	}
	t.write(b, o)
	paragraph(b, fmt.Sprintf("impact is the minutes of all scored services together, as it was played %s; an action avoids the collapse when all is well %s after it and stays so, all other actions being done when they were",
		hours(h.Minutes), moment(60*h.Grace)), dim, o)
}

// noReturn says until when an action would have avoided the collapse.
func (r *Replay) noReturn(a *replay.Acted) string {
	switch {
	case !a.Matters:
		return "it changes nothing, whenever it is done"
	case a.InTime:
		return "it still worked when it was done"
	case math.IsNaN(a.Last):
		return "no time would have been early enough"
	}
	return fmt.Sprintf("%s, %s before it was done", r.minute(a.Last), moment(60*(a.Done-a.Last)))
}

// hours prints minutes of impact.
func hours(minutes float64) string {
	if minutes < 600 {
		return whole(minutes) + " min"
	}
	return whole(minutes/60) + " h"
}

// predictionText says what could have been foretold.
func (r *Replay) predictionText(b *strings.Builder, o Options) {
	p := r.Prediction
	if p == nil {
		return
	}
	b.WriteString("\n")
	t := table{head: []string{"FORETOLD FROM " + r.minute(p.Until), "RECORDED", "5 %", "MEDIAN", "95 %", ""}, right: []bool{false, true, true, true, true, false}}
	for i := range p.Boundaries {
		x := &p.Boundaries[i]
		w := &r.Replay.Record.Windows[x.Window]
		m := w.Start
		if x.End {
			m = w.End
		}
		mark := cell{"inside", green}
		if !x.Inside {
			mark = cell{"outside", yellow}
		}
		if x.None > 0 {
			mark.text += ", not there in " + percent(x.None)
		}
		t.row(cell{endWord(x.Ends) + " of " + w.Service + " " + w.State, bold}, cell{text: r.band(m)}, cell{text: r.minute(x.Low)}, cell{text: r.minute(x.Median)}, cell{text: r.minute(x.High)}, mark)
	}
	t.write(b, o)
	paragraph(b, fmt.Sprintf("%d of %d boundaries lie in the interval; %d draws of %d agree best with what was recorded until then, and are kept", p.Inside, len(p.Boundaries), p.Kept, p.Draws), dim, o)
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
	ID      string     `json:"id,omitempty"`
	Text    string     `json:"text"`
	Done    jsonNumber `json:"done_min"`
	Never   jsonNumber `json:"impact_without_min"`
	Early   jsonNumber `json:"impact_at_once_min"`
	PerMin  jsonNumber `json:"impact_per_minute"`
	Last    jsonNumber `json:"no_return_min"`
	InTime  bool       `json:"in_time"`
	Matters bool       `json:"matters"`
}

func (r *Replay) hesitationJSON() []jsonHesitation {
	if r.Hesitation == nil {
		return nil
	}
	all := []jsonHesitation{}
	for i := range r.Hesitation.Actions {
		a := &r.Hesitation.Actions[i]
		act := &r.Replay.Result.Scenario.Actions[a.Action]
		all = append(all, jsonHesitation{
			act.ID, actionText(act), jsonNumber(a.Done), jsonNumber(a.Never), jsonNumber(a.Early), jsonNumber(a.PerMin), jsonNumber(a.Last), a.InTime, a.Matters,
		})
	}
	return all
}

type jsonPrediction struct {
	Until      jsonNumber      `json:"until_min"`
	Seed       string          `json:"seed"`
	Draws      int             `json:"draws"`
	Kept       int             `json:"kept"`
	Inside     int             `json:"inside"`
	Boundaries []jsonPredicted `json:"boundaries"`
}

type jsonPredicted struct {
	jsonSpannedBoundary
	RecordedFrom jsonNumber `json:"recorded_from_min"`
	RecordedTo   jsonNumber `json:"recorded_to_min"`
	Inside       bool       `json:"inside"`
}

func (r *Replay) predictionJSON() *jsonPrediction {
	p := r.Prediction
	if p == nil {
		return nil
	}
	j := &jsonPrediction{Until: jsonNumber(p.Until), Seed: strconv.FormatUint(p.Seed, 10), Draws: p.Draws, Kept: p.Kept, Inside: p.Inside, Boundaries: []jsonPredicted{}}
	for i := range p.Boundaries {
		x := &p.Boundaries[i]
		m := r.Replay.Record.Windows[x.Window].Start
		if x.End {
			m = r.Replay.Record.Windows[x.Window].End
		}
		j.Boundaries = append(j.Boundaries, jsonPredicted{r.spanned(x.Ends, x.Low, x.Median, x.High, x.None), jsonNumber(m.Low / 60), jsonNumber(m.High / 60), x.Inside})
	}
	return j
}
