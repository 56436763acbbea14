package out

import (
	"time"

	"github.com/knockon/knockon/propagate/replay"
	"github.com/knockon/knockon/propagate/scenario"
)

const replaySchema = "knockon.replay/1"

type jsonReplay struct {
	Schema         string                  `json:"schema"`
	Catalog        string                  `json:"catalog,omitempty"`
	Scenario       jsonScenario            `json:"scenario"`
	Played         jsonNumber              `json:"played"`
	Chance         string                  `json:"chance,omitempty"`
	Partial        bool                    `json:"partial"`
	Threshold      jsonNumber              `json:"threshold"`
	Impact         []jsonImpactWindow      `json:"impact"`
	Windows        []jsonRecorded          `json:"windows"`
	Score          jsonScore               `json:"score"`
	Baselines      map[string]jsonBaseline `json:"baselines"`
	Own            []string                `json:"own,omitempty"`
	Parameters     []jsonParameter         `json:"parameters"`
	Seeds          *jsonSeeds              `json:"seeds,omitempty"`
	Fit            *jsonFit                `json:"fit,omitempty"`
	Actions        []jsonHesitation        `json:"actions,omitempty"`
	ActionsPartial bool                    `json:"actions_partial,omitempty"`
	Prediction     *jsonPrediction         `json:"prediction,omitempty"`
}

type jsonImpactWindow struct {
	Service string     `json:"service"`
	State   string     `json:"state"`
	From    jsonNumber `json:"from_min"`
	To      jsonNumber `json:"to_min"`
	Open    bool       `json:"open"`
}

func impactJSON(x *replay.Impact) jsonImpactWindow {
	return jsonImpactWindow{x.Service, x.State.String(), jsonNumber(x.From), jsonNumber(x.To), x.Open}
}

type jsonRecorded struct {
	Service    string            `json:"service"`
	Of         []string          `json:"of"`
	State      string            `json:"state"`
	Confidence string            `json:"confidence"`
	Facts      string            `json:"facts,omitempty"`
	Scored     bool              `json:"scored"`
	Unscored   string            `json:"unscored,omitempty"`
	Simulated  *jsonImpactWindow `json:"simulated"`
	Onset      jsonBoundary      `json:"onset"`
	Recovery   jsonBoundary      `json:"recovery"`
}

type jsonBoundary struct {
	Low       *jsonNumber `json:"recorded_from_min"`
	High      *jsonNumber `json:"recorded_to_min"`
	Class     string      `json:"class"`
	Scored    bool        `json:"scored"`
	Simulated jsonNumber  `json:"simulated_min"`
	Error     jsonNumber  `json:"error_min"`
	Once      int         `json:"counts_once,omitempty"`
	Private   string      `json:"private,omitempty"`
}

type jsonErrors struct {
	Count  int        `json:"count"`
	Median jsonNumber `json:"median_min"`
	P90    jsonNumber `json:"p90_min"`
	Mean   jsonNumber `json:"mean_min"`
}

func errorsJSON(e replay.Errors) jsonErrors {
	return jsonErrors{e.Count, jsonNumber(e.Median), jsonNumber(e.P90), jsonNumber(e.Mean)}
}

// jsonHeadline is a score in few numbers, of emergent boundaries.
type jsonHeadline struct {
	Onset      jsonErrors `json:"onset"`
	Recovery   jsonErrors `json:"recovery"`
	Overlap    jsonNumber `json:"overlap"`
	RightState jsonNumber `json:"right_state"`
	Order      jsonNumber `json:"order"`
	False      jsonNumber `json:"false_min"`
	Control    jsonNumber `json:"control_min"`
}

func headlineJSON(h *replay.Headline) jsonHeadline {
	return jsonHeadline{
		errorsJSON(h.Onset), errorsJSON(h.Recovery), jsonNumber(h.Overlap), jsonNumber(h.RightState), jsonNumber(h.Order),
		jsonNumber(h.False), jsonNumber(h.Control),
	}
}

type jsonScore struct {
	jsonHeadline
	Text       string          `json:"text"`
	Thresholds []jsonThreshold `json:"thresholds"`
	Early      jsonApart       `json:"early"`
	Scripted   jsonApart       `json:"scripted"`
	Services   []jsonOverlap   `json:"services"`
	Controls   []jsonOverlap   `json:"controls"`
	Looked     bool            `json:"private_looked_for"`
}

type jsonThreshold struct {
	Threshold jsonNumber `json:"threshold"`
	jsonHeadline
}

type jsonApart struct {
	Onset    jsonErrors `json:"onset"`
	Recovery jsonErrors `json:"recovery"`
}

type jsonOverlap struct {
	Service string     `json:"service"`
	Overlap jsonNumber `json:"overlap"`
	False   jsonNumber `json:"false_min"`
}

type jsonBaseline struct {
	Text string `json:"text"`
	jsonHeadline
	Beaten bool `json:"beaten"`
}

type jsonParameter struct {
	Name     string     `json:"name"`
	Of       []string   `json:"of"`
	Evidence string     `json:"evidence"`
	Source   string     `json:"source,omitempty"`
	Value    jsonNumber `json:"value"`
	Text     string     `json:"text"`
	Low      jsonNumber `json:"low"`
	High     jsonNumber `json:"high"`
	Why      string     `json:"why,omitempty"`
	Tried    bool       `json:"tried"`
	Private  bool       `json:"private"`
	Moves    []jsonMove `json:"moves"`
}

type jsonMove struct {
	Service string     `json:"service"`
	State   string     `json:"state"`
	End     string     `json:"end"`
	Down    jsonNumber `json:"down_min"`
	Up      jsonNumber `json:"up_min"`
}

func (r *Replay) json() any {
	j := jsonReplay{
		Schema: replaySchema, Catalog: r.Catalog, Played: jsonNumber(r.Played), Chance: r.Chance, Partial: r.Partial,
		Scenario:  jsonScenario{ID: r.ID, Title: r.Title, Description: r.Description, File: r.File, Horizon: jsonNumber(r.Horizon)},
		Threshold: replay.Shown, Own: r.Own, Impact: []jsonImpactWindow{}, Windows: []jsonRecorded{}, Baselines: make(map[string]jsonBaseline), Parameters: []jsonParameter{},
		Score: r.scoreJSON(), Seeds: r.seedsJSON(), Fit: r.fitJSON(), Actions: r.hesitationJSON(), ActionsPartial: r.Hesitation != nil && r.Hesitation.Partial, Prediction: r.predictionJSON(),
	}
	if !r.Start.IsZero() {
		j.Scenario.Start = r.Start.Format(time.RFC3339)
	}
	for i := range r.Replay.Impacts {
		j.Impact = append(j.Impact, impactJSON(&r.Replay.Impacts[i]))
	}
	s := r.Replay.Shown()
	for i := range r.Replay.Record.Windows {
		w, x := &r.Replay.Record.Windows[i], &s.Windows[i]
		k := jsonRecorded{
			Service: w.Service, Of: w.Of, State: w.State, Confidence: w.Confidence, Facts: w.Facts, Scored: w.Scores(), Unscored: w.Unscored,
			Onset: boundaryJSON(w.Start, &x.Onset), Recovery: boundaryJSON(w.End, &x.Recover),
		}
		if x.Impact != nil {
			y := impactJSON(x.Impact)
			k.Simulated = &y
		}
		j.Windows = append(j.Windows, k)
	}
	for i := range r.Replay.Baselines {
		b := &r.Replay.Baselines[i]
		h := b.Score.Headline()
		j.Baselines[b.Name] = jsonBaseline{b.Text, headlineJSON(&h), r.Replay.Headline.Better(&h)}
	}
	for i := range r.Parameters {
		j.Parameters = append(j.Parameters, r.parameterJSON(&r.Parameters[i]))
	}
	return j
}

func boundaryJSON(m scenario.Moment, x *replay.Boundary) jsonBoundary {
	b := jsonBoundary{
		Class: x.Class.String(), Scored: x.Scored, Simulated: jsonNumber(x.Simulated), Error: jsonNumber(x.Error), Once: x.Once, Private: x.Private,
	}
	if m.Known {
		low, high := jsonNumber(m.Low/60), jsonNumber(m.High/60)
		b.Low, b.High = &low, &high
	}
	return b
}

func (r *Replay) scoreJSON() jsonScore {
	s := r.Replay.Shown()
	j := jsonScore{
		jsonHeadline: headlineJSON(&r.Replay.Headline), Text: r.headline(), Looked: r.Replay.Private != nil,
		Early:    jsonApart{errorsJSON(s.Onsets[scenario.Early]), errorsJSON(s.Recoveries[scenario.Early])},
		Scripted: jsonApart{errorsJSON(s.Onsets[scenario.Scripted]), errorsJSON(s.Recoveries[scenario.Scripted])},
		Services: []jsonOverlap{}, Controls: []jsonOverlap{},
	}
	for i, t := range replay.Thresholds {
		h := r.Replay.At[i].Headline()
		j.Thresholds = append(j.Thresholds, jsonThreshold{jsonNumber(t), headlineJSON(&h)})
	}
	for _, x := range s.Services {
		j.Services = append(j.Services, jsonOverlap{x.Name, jsonNumber(x.Overlap), jsonNumber(x.False)})
	}
	for _, x := range s.Controls {
		j.Controls = append(j.Controls, jsonOverlap{x.Name, jsonNumber(x.Overlap), jsonNumber(x.False)})
	}
	return j
}

func (r *Replay) parameterJSON(p *replay.Parameter) jsonParameter {
	j := jsonParameter{
		Name: p.Name, Of: p.Paths, Evidence: evidenceWord(p.Evidence), Source: p.Source, Value: jsonNumber(p.Value), Text: numberText(p.Value, p.Unit),
		Low: jsonNumber(p.Low), High: jsonNumber(p.High), Why: p.Why, Tried: p.Tried, Private: p.Private, Moves: []jsonMove{},
	}
	for _, m := range p.Moves {
		j.Moves = append(j.Moves, jsonMove{r.Replay.Record.Windows[m.Window].Service, r.Replay.Record.Windows[m.Window].State, endWord(m.Ends), jsonNumber(m.Down), jsonNumber(m.Up)})
	}
	return j
}

func endWord(e replay.Ends) string {
	if e.End {
		return "end"
	}
	return "start"
}
