package out

import "github.com/knockon/knockon/propagate/study"

const askSchema = "knockon.ask/1"

type jsonAsk struct {
	Schema    string         `json:"schema"`
	Catalog   string         `json:"catalog,omitempty"`
	Scenario  jsonAskedOf    `json:"scenario"`
	Answer    jsonAnswer     `json:"answer"`
	Assumed   int            `json:"assumed"`
	Changed   int            `json:"changed"`
	Alone     int            `json:"tried_alone"`
	Runs      int            `json:"runs"`
	Complete  bool           `json:"complete"`
	Partial   bool           `json:"partial"`
	Questions []jsonQuestion `json:"questions"`
	Families  []jsonTogether `json:"families"`
	Groups    []jsonTogether `json:"groups"`
}

type jsonAskedOf struct {
	ID    string `json:"id"`
	Title string `json:"title"`
	File  string `json:"file,omitempty"`
}

type jsonAnswer struct {
	Verdict      string     `json:"verdict"`
	Failed       jsonNumber `json:"failed"`
	FailedShare  jsonNumber `json:"failed_share"`
	Minutes      jsonNumber `json:"service_minutes"`
	Recovery     jsonNumber `json:"recovery"`
	Expectations []bool     `json:"expectations"`
}

type jsonQuestion struct {
	Rank    int         `json:"rank"`
	Service string      `json:"service"`
	Need    string      `json:"need,omitempty"`
	Key     string      `json:"key"`
	Assumed string      `json:"assumed"`
	Because string      `json:"because,omitempty"`
	File    string      `json:"file,omitempty"`
	Line    int         `json:"line,omitempty"`
	Column  int         `json:"column,omitempty"`
	TOML    string      `json:"toml"`
	Low     *jsonEffect `json:"low"`
	High    *jsonEffect `json:"high"`
}

type jsonTogether struct {
	Key     string      `json:"key"`
	Numbers int         `json:"numbers"`
	First   string      `json:"first"`
	Last    string      `json:"last"`
	Low     *jsonEffect `json:"low"`
	High    *jsonEffect `json:"high"`
}

type jsonEffect struct {
	Value   string      `json:"value"`
	Changes bool        `json:"changes"`
	Text    string      `json:"text"`
	Answer  *jsonAnswer `json:"answer"`
}

func answerJSON(a *study.Answer) jsonAnswer {
	return jsonAnswer{
		a.Verdict, jsonNumber(a.Failed), jsonNumber(a.Share), jsonNumber(a.Minutes), jsonNumber(a.Recovery), append([]bool{}, a.Met...),
	}
}

// effectJSON is nil where there is nothing to try at that end.
func (r *Ask) effectJSON(e *study.Effect) *jsonEffect {
	if e.Value == "" {
		return nil
	}
	j := &jsonEffect{Value: e.Value, Changes: e.Answer != nil && e.Move.Moved(), Text: r.change(e)}
	if e.Answer != nil {
		a := answerJSON(e.Answer)
		j.Answer = &a
	}
	return j
}

func (r *Ask) togetherJSON(all []Together) []jsonTogether {
	j := make([]jsonTogether, len(all))
	for i := range all {
		t := &all[i]
		j[i] = jsonTogether{t.Key, t.Numbers, t.First, t.Last, r.effectJSON(&t.Low), r.effectJSON(&t.High)}
	}
	return j
}

func (r *Ask) json() any {
	j := jsonAsk{
		Schema: askSchema, Catalog: r.Catalog, Scenario: jsonAskedOf{r.ID, r.Title, r.File}, Answer: answerJSON(&r.Base),
		Assumed: r.Assumed, Changed: r.Changed, Alone: r.Alone, Runs: r.Runs, Complete: r.Complete, Partial: r.Partial,
		Questions: make([]jsonQuestion, len(r.Questions)), Families: r.togetherJSON(r.Families), Groups: r.togetherJSON(r.Groups),
	}
	for i := range r.Questions {
		q := &r.Questions[i]
		j.Questions[i] = jsonQuestion{
			Rank: q.Place, Service: q.Service, Need: q.Target, Key: q.Key, Assumed: q.Value, Because: q.Why,
			File: q.At.File, Line: q.At.Line, Column: q.At.Col, TOML: q.TOML, Low: r.effectJSON(&q.Low), High: r.effectJSON(&q.High),
		}
	}
	return j
}
