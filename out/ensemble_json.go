package out

import (
	"strconv"

	"github.com/knockon/knockon/propagate/ensemble"
)

type jsonEnsemble struct {
	Schema       string                `json:"schema"`
	Catalog      string                `json:"catalog,omitempty"`
	Scenario     jsonScenario          `json:"scenario"`
	Engine       string                `json:"engine"`
	Planned      int                   `json:"planned"`
	Partial      bool                  `json:"partial"`
	Verdict      jsonManyVerdict       `json:"verdict"`
	Verdicts     []jsonVerdictShare    `json:"verdicts"`
	Expectations []jsonManyExpectation `json:"expectations"`
	Events       []jsonEvent           `json:"events"`
	Times        jsonColumn            `json:"times"`
	Services     []jsonManyService     `json:"services"`
	Runs         []jsonPlayed          `json:"runs"`
	Assumptions  []jsonAssumption      `json:"assumptions"`
	Doubts       []jsonDoubt           `json:"doubts"`
	Ignored      []string              `json:"ignored"`
}

type jsonManyVerdict struct {
	Word       string     `json:"word"`
	Text       string     `json:"text"`
	TriggerEnd jsonNumber `json:"trigger_end"`
}

type jsonVerdictShare struct {
	Word string `json:"word"`
	jsonShare
}

type jsonShare struct {
	Count int        `json:"count"`
	Share jsonNumber `json:"share"`
	Low   jsonNumber `json:"low"`
	High  jsonNumber `json:"high"`
}

func shareJSON(s ensemble.Share) jsonShare {
	return jsonShare{s.Count, jsonNumber(s.Share), jsonNumber(s.Low), jsonNumber(s.High)}
}

type jsonSpread struct {
	Runs   int        `json:"runs"`
	Mean   jsonNumber `json:"mean"`
	Half   jsonNumber `json:"half"`
	Low    jsonNumber `json:"low"`
	Median jsonNumber `json:"median"`
	High   jsonNumber `json:"high"`
	Least  jsonNumber `json:"least"`
	Most   jsonNumber `json:"most"`
}

func spreadJSON(s ensemble.Spread) *jsonSpread {
	if s.Of == 0 {
		return nil
	}
	return &jsonSpread{
		s.Of, jsonNumber(s.Mean), jsonNumber(s.Half), jsonNumber(s.Low), jsonNumber(s.Median), jsonNumber(s.High), jsonNumber(s.Least), jsonNumber(s.Most),
	}
}

type jsonManyExpectation struct {
	jsonExpectation
	As    jsonShare   `json:"as"`
	Among *jsonSpread `json:"among"`
}

type jsonManyService struct {
	ID         string      `json:"id"`
	Title      string      `json:"title"`
	Capacity   jsonNumber  `json:"capacity"`
	Nominal    jsonNumber  `json:"nominal"`
	Impaired   jsonShare   `json:"impaired"`
	Metastable jsonShare   `json:"metastable"`
	From       *jsonSpread `json:"from"`
	To         *jsonSpread `json:"to"`
	Recovery   *jsonSpread `json:"recovery"`
	Collapse   *jsonSpread `json:"collapse"`
	Failed     *jsonSpread `json:"failed"`
	Series     jsonSeries  `json:"series"`
}

type jsonPlayed struct {
	Seed     string     `json:"seed"`
	Verdict  string     `json:"verdict"`
	Failed   jsonNumber `json:"failed"`
	Recovery jsonNumber `json:"recovery"`
	Steps    int        `json:"steps"`
}

// manySeries are the numbers of a service over all runs, by bin.
var manySeries = []struct {
	name, unit string
	of         func(s *ensemble.Service, bin int) float64
}{
	{"offered", "per_s", func(s *ensemble.Service, k int) float64 { return s.Offered[k].Mean }},
	{"goodput", "per_s", func(s *ensemble.Service, k int) float64 { return s.Goodput[k].Mean }},
	{"goodput_half", "per_s", func(s *ensemble.Service, k int) float64 { return s.Goodput[k].Half }},
	{"goodput_low", "per_s", func(s *ensemble.Service, k int) float64 { return s.Goodput[k].Low }},
	{"goodput_high", "per_s", func(s *ensemble.Service, k int) float64 { return s.Goodput[k].High }},
	{"impaired", "share", func(s *ensemble.Service, k int) float64 { return s.Ill[k] }},
}

func (e *Ensemble) json() any {
	run := e.Run.document()
	j := jsonEnsemble{
		Schema: manySchema, Catalog: run.Catalog, Scenario: run.Scenario, Engine: e.Engine, Planned: e.Many.Planned, Partial: e.Partial,
		Verdict:  jsonManyVerdict{e.Verdict, e.headline(), jsonNumber(e.TriggerEnd)},
		Verdicts: []jsonVerdictShare{}, Expectations: []jsonManyExpectation{}, Events: run.Events, Times: run.Times,
		Services: []jsonManyService{}, Runs: []jsonPlayed{}, Assumptions: run.Assumptions, Doubts: run.Doubts, Ignored: run.Ignored,
	}
	for i := len(e.Many.Verdicts) - 1; i >= 0; i-- {
		v := &e.Many.Verdicts[i]
		j.Verdicts = append(j.Verdicts, jsonVerdictShare{v.Word, shareJSON(v.Share)})
	}
	for i := range e.Many.Expects {
		x := &e.Many.Expects[i]
		j.Expectations = append(j.Expectations, jsonManyExpectation{run.Expectations[i], shareJSON(x.As), spreadJSON(x.Value)})
	}
	for i := range e.Many.Services {
		s := &e.Many.Services[i]
		x := jsonManyService{
			ID: s.ID, Title: e.Services[i].Title, Capacity: jsonNumber(e.Services[i].Capacity), Nominal: jsonNumber(e.Services[i].Nominal),
			Impaired: shareJSON(s.Impaired), Metastable: shareJSON(s.Metastable),
			From: spreadJSON(s.From), To: spreadJSON(s.To), Recovery: spreadJSON(s.Recovery), Collapse: spreadJSON(s.Collapse), Failed: spreadJSON(s.Failed),
		}
		for _, y := range manySeries {
			column := make(jsonColumn, len(s.Goodput))
			for k := range column {
				column[k] = y.of(s, k)
			}
			x.Series.names = append(x.Series.names, y.name)
			x.Series.columns = append(x.Series.columns, column)
		}
		j.Services = append(j.Services, x)
	}
	for _, r := range e.Many.Runs {
		// A seed has up to 20 digits, and a number of JSON may keep 15 of them.
		j.Runs = append(j.Runs, jsonPlayed{strconv.FormatUint(r.Seed, 10), r.Verdict, jsonNumber(r.Failed), jsonNumber(r.Recovery), r.Steps})
	}
	return j
}
