package out

import (
	"bytes"
	"encoding/json"
	"io"
	"math"
	"strconv"
	"time"

	"github.com/knockon/knockon/propagate"
)

// jsonNumber is a number of a run: nine digits of it, which is more than the engine
// knows, and null where JSON has no word for it.
type jsonNumber float64

func (n jsonNumber) MarshalJSON() ([]byte, error) { return appendNumber(nil, float64(n), "null"), nil }

// appendNumber writes a number of a run, or the word for what is no finite number.
func appendNumber(b []byte, f float64, none string) []byte {
	if math.IsNaN(f) || math.IsInf(f, 0) {
		return append(b, none...)
	}
	if f == 0 {
		return append(b, '0') // never "-0"
	}
	f, _ = strconv.ParseFloat(strconv.FormatFloat(f, 'g', 9, 64), 64)
	if a := math.Abs(f); a >= 1e-6 && a < 1e15 {
		return strconv.AppendFloat(b, f, 'f', -1, 64)
	}
	return strconv.AppendFloat(b, f, 'g', -1, 64)
}

// jsonColumn is a series.
type jsonColumn []float64

func (c jsonColumn) MarshalJSON() ([]byte, error) {
	b := append(make([]byte, 0, 8*len(c)+2), '[')
	for i, f := range c {
		if i > 0 {
			b = append(b, ',')
		}
		b = appendNumber(b, f, "null")
	}
	return append(b, ']'), nil
}

type jsonRun struct {
	Schema       string            `json:"schema"`
	Catalog      string            `json:"catalog,omitempty"`
	Scenario     jsonScenario      `json:"scenario"`
	Played       jsonNumber        `json:"played"`
	Chance       string            `json:"chance,omitempty"`
	Partial      bool              `json:"partial"`
	Verdict      jsonVerdict       `json:"verdict"`
	Expectations []jsonExpectation `json:"expectations"`
	Events       []jsonEvent       `json:"events"`
	Actions      []jsonAction      `json:"actions"`
	Times        jsonColumn        `json:"times"`
	Services     []lazyRunService  `json:"services"`
	Needs        []lazyRunNeed     `json:"needs"`
	Assumptions  []jsonAssumption  `json:"assumptions"`
	Doubts       []jsonDoubt       `json:"doubts"`
	Ignored      []string          `json:"ignored"`
	Steps        jsonSteps         `json:"steps"`
	Balance      jsonNumber        `json:"balance"`
}

type jsonScenario struct {
	ID          string     `json:"id"`
	Title       string     `json:"title"`
	Description string     `json:"description,omitempty"`
	File        string     `json:"file,omitempty"`
	Start       string     `json:"start,omitempty"`
	Horizon     jsonNumber `json:"horizon"`
}

type jsonVerdict struct {
	Word       string           `json:"word"`
	Text       string           `json:"text"`
	TriggerEnd jsonNumber       `json:"trigger_end"`
	Services   []jsonImpairment `json:"services"`
}

type jsonImpairment struct {
	ID       string     `json:"id"`
	Word     string     `json:"word,omitempty"`
	Worst    string     `json:"worst"`
	From     jsonNumber `json:"from"`
	To       jsonNumber `json:"to"`
	Open     bool       `json:"open"`
	Failed   jsonNumber `json:"failed"`
	Offered  jsonNumber `json:"offered"`
	Recovery jsonNumber `json:"recovery"`
	Evidence string     `json:"evidence,omitempty"`
	Because  string     `json:"because,omitempty"`
}

type jsonExpectation struct {
	Text   string     `json:"text"`
	Met    bool       `json:"met"`
	Found  string     `json:"found"`
	Value  jsonNumber `json:"value"`
	File   string     `json:"file,omitempty"`
	Line   int        `json:"line,omitempty"`
	Column int        `json:"column,omitempty"`
}

type jsonEvent struct {
	Kind    string     `json:"kind"`
	ID      string     `json:"id,omitempty"`
	Service string     `json:"service,omitempty"`
	Text    string     `json:"text"`
	At      jsonNumber `json:"at"`
	Until   jsonNumber `json:"until"`
	By      string     `json:"ended_by,omitempty"`
}

type jsonWindow struct {
	From  jsonNumber `json:"from"`
	To    jsonNumber `json:"to"`
	State string     `json:"state"`
	Open  bool       `json:"open"`
}

type jsonRunService struct {
	ID       string       `json:"id"`
	Title    string       `json:"title"`
	Capacity jsonNumber   `json:"capacity"`
	Servers  jsonNumber   `json:"servers"`
	Nominal  jsonNumber   `json:"nominal"`
	MaxQueue jsonNumber   `json:"max_queue"`
	Faulted  bool         `json:"faulted"`
	Windows  []jsonWindow `json:"windows"`
	State    []string     `json:"state"`
	Series   jsonSeries   `json:"series"`
}

type jsonRunNeed struct {
	Service string     `json:"service"`
	Target  string     `json:"target"`
	Index   int        `json:"index"`
	Async   bool       `json:"async"`
	Soft    bool       `json:"soft"`
	Timeout jsonNumber `json:"timeout"`
	Retries int        `json:"retries"`
	Nominal jsonNumber `json:"nominal"`
	Opens   jsonNumber `json:"opens"`
	Series  jsonSeries `json:"series"`
}

type jsonDoubt struct {
	Service string `json:"service"`
	Text    string `json:"text"`
}

type jsonAssumption struct {
	Service string `json:"service"`
	Need    string `json:"need,omitempty"`
	Key     string `json:"key"`
	Value   string `json:"value"`
	Because string `json:"because,omitempty"`
}

type jsonSteps struct {
	Tolerance jsonNumber `json:"tolerance"`
	Taken     int        `json:"taken"`
	Refused   int        `json:"refused"`
	Shortest  jsonNumber `json:"shortest"`
	Longest   jsonNumber `json:"longest"`
	Base      jsonNumber `json:"base"`
}

// jsonSeries is an object of columns, in the order of the table of series.
type jsonSeries struct {
	names   []string
	columns []jsonColumn
}

func (s jsonSeries) MarshalJSON() ([]byte, error) {
	b := []byte{'{'}
	for i, name := range s.names {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(strconv.AppendQuote(b, name), ':')
		column, err := s.columns[i].MarshalJSON()
		if err != nil {
			return nil, err
		}
		b = append(b, column...)
	}
	return append(b, '}'), nil
}

func columnsOf[B any](all []series[B], bins []B, lengths []float64) (s jsonSeries) {
	for _, x := range all {
		column := make(jsonColumn, len(bins))
		for i := range bins {
			column[i] = x.of(&bins[i], lengths[i])
		}
		s.names = append(s.names, x.name)
		s.columns = append(s.columns, column)
	}
	return s
}

// lazyRunService puts the series of a service into columns when its turn comes.
type lazyRunService struct {
	*RunService
	lengths []float64
}

func (l lazyRunService) MarshalJSON() ([]byte, error) {
	s := l.RunService
	j := jsonRunService{
		ID: s.ID, Title: s.Title, Capacity: jsonNumber(s.Capacity), Servers: jsonNumber(s.Servers), Nominal: jsonNumber(s.Nominal),
		MaxQueue: jsonNumber(s.MaxQueue), Faulted: s.Faulted, Windows: []jsonWindow{}, State: make([]string, len(s.Bins)),
		Series: columnsOf(serviceSeries, s.Bins, l.lengths),
	}
	for _, w := range s.Windows {
		j.Windows = append(j.Windows, jsonWindow{jsonNumber(w.From), jsonNumber(w.To), w.State.String(), w.Open})
	}
	for i := range s.Bins {
		j.State[i] = s.Bins[i].State.String()
	}
	return json.Marshal(j)
}

type lazyRunNeed struct {
	*propagate.NeedResult
	lengths []float64
}

func (l lazyRunNeed) MarshalJSON() ([]byte, error) {
	n := l.NeedResult
	return json.Marshal(jsonRunNeed{
		Service: n.Service, Target: n.Target, Index: n.Index, Async: n.Async, Soft: n.Soft, Timeout: jsonNumber(n.Timeout),
		Retries: n.Retries, Nominal: jsonNumber(n.Nominal), Opens: jsonNumber(n.Opens), Series: columnsOf(needSeries, n.Bins, l.lengths),
	})
}

func (r *Run) json() any { return r.document() }

func (r *Run) document() jsonRun {
	lengths := r.lengths()
	j := jsonRun{
		Schema: runSchema, Catalog: r.Catalog, Played: jsonNumber(r.Played), Chance: r.Chance, Partial: r.Partial, Times: jsonColumn(r.Times),
		Scenario:     jsonScenario{ID: r.ID, Title: r.Title, Description: r.Description, File: r.File, Horizon: jsonNumber(r.Horizon)},
		Verdict:      jsonVerdict{Word: r.Verdict, Text: r.headline(), TriggerEnd: jsonNumber(r.TriggerEnd), Services: []jsonImpairment{}},
		Expectations: []jsonExpectation{}, Events: []jsonEvent{}, Actions: []jsonAction{}, Services: []lazyRunService{}, Needs: []lazyRunNeed{},
		Assumptions: []jsonAssumption{}, Doubts: []jsonDoubt{}, Ignored: append([]string{}, r.Ignored...),
		Steps: jsonSteps{
			jsonNumber(r.Tolerance), r.Steps.Taken, r.Steps.Refused,
			jsonNumber(r.Steps.Shortest), jsonNumber(r.Steps.Longest), jsonNumber(r.Steps.Base),
		},
		Balance: jsonNumber(r.Balance),
	}
	if !r.Start.IsZero() {
		j.Scenario.Start = r.Start.Format(time.RFC3339)
	}
	for i := range r.Impaired {
		m := &r.Impaired[i]
		j.Verdict.Services = append(j.Verdict.Services, jsonImpairment{
			r.Services[m.Service].ID, m.Word, m.Worst.String(), jsonNumber(m.From), jsonNumber(m.To), m.Open,
			jsonNumber(m.Lost), jsonNumber(m.Offered), jsonNumber(m.Recovery), m.Evidence, m.Because,
		})
	}
	for _, x := range r.Expects {
		j.Expectations = append(j.Expectations, jsonExpectation{x.Text, x.Met, x.Got, jsonNumber(x.Value), x.Place.File, x.Place.Line, x.Place.Col})
	}
	for _, e := range r.Events {
		j.Events = append(j.Events, jsonEvent{e.Kind.String(), e.ID, e.Service, e.Text, jsonNumber(e.At), jsonNumber(e.To), e.By})
	}
	for i := range r.Actions {
		j.Actions = append(j.Actions, r.Actions[i].json())
	}
	for i := range r.Services {
		j.Services = append(j.Services, lazyRunService{&r.Services[i], lengths})
	}
	for i := range r.Needs {
		j.Needs = append(j.Needs, lazyRunNeed{&r.Needs[i], lengths})
	}
	for _, d := range r.Doubts {
		j.Doubts = append(j.Doubts, jsonDoubt{d.Service, d.Text})
	}
	for _, a := range r.Assumptions {
		j.Assumptions = append(j.Assumptions, jsonAssumption{a.Service, a.Need, a.Key, a.Value, a.Why})
	}
	return j
}

// writeRunJSON writes each series on one line: a thousand numbers on as many lines
// are no easier to read.
func writeRunJSON(w io.Writer, document any) error {
	var b bytes.Buffer
	e := json.NewEncoder(hiddenEscaper{&b})
	e.SetIndent("", "  ")
	if err := e.Encode(document); err != nil {
		return err
	}
	_, err := w.Write(inlineLists(b.Bytes()))
	return err
}

// inlineLists puts lists of plain values of an indented document on one line each.
func inlineLists(doc []byte) []byte {
	all := make([]byte, 0, len(doc))
	for i := 0; i < len(doc); i++ {
		switch doc[i] {
		case '"':
			end := stringEnd(doc, i)
			all = append(all, doc[i:end]...)
			i = end - 1
		case '[':
			if line, end, ok := plainList(doc, i); ok {
				all = append(all, line...)
				i = end - 1
				continue
			}
			all = append(all, '[')
		default:
			all = append(all, doc[i])
		}
	}
	return all
}

// plainList is the list at a place on one line, and where it ends; ok is false
// where it holds lists or objects.
func plainList(doc []byte, at int) (line []byte, end int, ok bool) {
	line = append(line, '[')
	for i := at + 1; i < len(doc); i++ {
		switch c := doc[i]; c {
		case '[', '{':
			return nil, 0, false
		case ']':
			return append(line, ']'), i + 1, true
		case ' ', '\n':
		case ',':
			line = append(line, ',', ' ')
		case '"':
			end := stringEnd(doc, i)
			line = append(line, doc[i:end]...)
			i = end - 1
		default:
			line = append(line, c)
		}
	}
	return nil, 0, false
}

// stringEnd is where the string that begins at a place is over.
func stringEnd(doc []byte, at int) int {
	for i := at + 1; i < len(doc); i++ {
		switch doc[i] {
		case '\\':
			i++
		case '"':
			return i + 1
		}
	}
	return len(doc)
}
