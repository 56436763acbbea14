package scenario

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/knockon/knockon/catalog"
	"github.com/knockon/knockon/catalog/diag"
	"github.com/knockon/knockon/catalog/toml"
	"github.com/knockon/knockon/catalog/unit"
)

// Record is what is known of an incident that happened: which services were impaired
// from when to when, and how well that is known. A scenario that has one can be
// replayed: what comes out of it is held against what was recorded.
type Record struct {
	Sources    []string    // of the whole incident, in the order of the file
	Once       []Moment    // bands of boundaries with one cause, which count once
	Controls   []string    // services of the catalog that are known to have been well all along
	Windows    []Recorded  // in the order of the file
	Parameters []Parameter // in the order of the file
	File       string

	ControlsAt []diag.Span // where Controls are named, one each

	doc *toml.Document // for the lines that Check shows
}

// Recorded is one window in which a service is recorded to have been impaired.
type Recorded struct {
	Service    string        // as the record calls it; windows of one service have one name
	Of         []string      // services of the catalog it stands for, together; Service itself where not stated
	State      string        // one of RecordedStates
	Start, End Moment        // seconds after the start of the scenario; may be before it
	StartClass Class         // Unscored where Start is not known
	EndClass   Class         // likewise of End
	Confidence string        // one of Confidences
	Limit      unit.Duration // of delayed: the age of the oldest work from which it counts; 0 where not stated
	Facts      string        // what it is known from
	Unscored   string        // why it is not scored; "" where it is
	Span       diag.Span

	OfAt []diag.Span // where Of are named, one each; where Service is, if they are not
}

// Moment is a time that is known to lie in a band, in seconds after the start of the
// scenario.
type Moment struct {
	Known     bool
	Low, High float64
}

// Mid is the middle of the band.
func (m Moment) Mid() float64 { return 0.5 * (m.Low + m.High) }

// Class is how much a boundary says about a model.
type Class uint8

// The classes of boundaries.
const (
	Unscored Class = iota // not known well enough
	Emergent              // nothing in the scenario is near it: it has to come out
	Early                 // so soon after the fault that every model has it
	Scripted              // an action, or the fault itself, is near it
)

// ClassWords are the classes as a record writes them, by value.
var ClassWords = []string{"unscored", "emergent", "early", "scripted"}

func (c Class) String() string { return ClassWords[c] }

// RecordedStates are the states a record can tell apart.
var RecordedStates = []string{"frozen", "throttled", "delayed", "degraded", "down"}

// Confidences are how well a window is known: the words of those it happened to, or
// two independent copies (A); one source that cites them (B); posts of the time, which
// tell when they were written (H); thin (C); recalled and not read again (M).
var Confidences = []string{"A", "B", "H", "C", "M"}

// tolerances are the seconds by which a boundary of each of Confidences may be off
// without an error; those without one are not scored.
var tolerances = map[string]float64{"A": 120, "B": 300, "H": 900}

// Tolerance is by how many seconds a boundary of a confidence may be off.
func Tolerance(confidence string) float64 { return tolerances[confidence] }

// Parameter is a number of the catalog or of the scenario that the record may be used to
// find: one value at one or several places.
type Parameter struct {
	Name      string
	Paths     []string      // places, as catalog.Numbers and Numbers name them
	Evidence  unit.Evidence // of a number of the scenario; NotStated of one of the catalog, which says so itself
	Low, High float64       // in seconds, requests per second, shares, or plain
	Unit      catalog.NumberUnit
	Why       string // why the range is what it is
	Span      diag.Span

	PathsAt []diag.Span // one each
}

// evidenceWords are how a number of the scenario may be known, and evidences the same.
var (
	evidenceWords = []string{"documented", "fitted", "guess"}
	evidences     = []unit.Evidence{unit.Documented, unit.Fitted, unit.Guess}
)

// Scores reports whether anything of a window is scored.
func (w *Recorded) Scores() bool {
	return w.Unscored == "" && (w.StartClass != Unscored || w.EndClass != Unscored)
}

// record reads what a file says of an incident; nil where it says nothing.
func (r *reader) record(d *toml.Decoder) *Record {
	if !d.Has("incident") && !d.Has("recorded") && !d.Has("parameter") {
		return nil
	}
	rec := &Record{File: r.s.File, doc: r.doc}
	r.incident(d, rec)
	for _, t := range r.tables(d, "recorded") {
		r.recorded(t, rec)
	}
	names := make(map[string]diag.Span)
	for _, t := range r.tables(d, "parameter") {
		r.parameter(t, rec, names)
	}
	r.oneMeaning(rec)
	return rec
}

func (r *reader) incident(d *toml.Decoder, rec *Record) {
	t := d.Sub("incident", `what is known of it, such as { source = "https://…" }`)
	if t == nil {
		return
	}
	t.Strings("source", &rec.Sources)
	var once []string
	if t.Strings("once", &once) {
		v, _ := t.Value("once")
		for i, text := range once {
			at := v.At
			if v.Kind == toml.ArrayKind {
				at = v.Items[i].At
			}
			if m, ok := moment(t, at, text); ok {
				rec.Once = append(rec.Once, m)
			}
		}
	}
	r.services(t, "controls", &rec.Controls, &rec.ControlsAt)
	t.Done()
}

func (r *reader) recorded(t *toml.Table, rec *Record) {
	d := r.doc.Decoder(t, "[[recorded]]", &r.faults)
	w := Recorded{Span: d.At()}
	var at diag.Span
	named := r.service(d, "this window", &w.Service, &at)
	if r.services(d, "of", &w.Of, &w.OfAt); len(w.Of) == 0 && named {
		w.Of, w.OfAt = []string{w.Service}, []diag.Span{at}
	}
	if d.Require("state", `write state = "degraded"`) {
		w.State, _ = d.Enum("state", RecordedStates)
	}
	if d.Require("confidence", `write confidence = "A" for what those said to whom it happened, "B" for one source that cites them, "H" for a post of the time`) {
		w.Confidence, _ = d.Enum("confidence", Confidences)
	}
	r.text(d, "facts", &w.Facts)
	r.text(d, "unscored", &w.Unscored)
	if plain(d, "limit", toml.Duration, &w.Limit) && w.State != "" && w.State != "delayed" {
		d.Errorf(d.Key("limit"), "leave it out", "a limit is the age from which a service counts as delayed, and this one is %s", w.State)
	}
	w.Start, w.StartClass = r.boundary(d, &w, "start")
	w.End, w.EndClass = r.boundary(d, &w, "end")
	d.Done()
	if w.Start.Known && w.End.Known && w.End.High <= w.Start.Low {
		d.Errorf(d.Key("end"), "write a time after the start", "this window ends before it begins")
	}
	if _, scored := tolerances[w.Confidence]; w.Confidence != "" && !scored && w.Unscored == "" {
		d.Errorf(d.Key("confidence"), `add unscored = "recalled, and not read again"`, "what is known with confidence %q only is not scored, and this window does not say why", w.Confidence)
	}
	if named {
		rec.Windows = append(rec.Windows, w)
	}
}

// known reads how what happened is known.
func (r *reader) known(d *toml.Decoder, k *Known) {
	if d.Has("confidence") {
		k.Confidence, _ = d.Enum("confidence", Confidences)
	}
	r.text(d, "facts", &k.Facts)
}

// boundary reads one end of a window, and how much it says.
func (r *reader) boundary(d *toml.Decoder, w *Recorded, key string) (m Moment, class Class) {
	var text, word string
	classKey := key + "_class"
	if d.String(key, &text) {
		m, _ = moment(d, d.Key(key), text)
	}
	classed := false
	if d.Has(classKey) {
		word, classed = d.Enum(classKey, ClassWords)
	}
	if classed {
		class = Class(slices.Index(ClassWords, word))
	}
	switch {
	case !d.Has(key) && classed && class != Unscored:
		d.Errorf(d.Key(classKey), "leave it out, or add "+key+` = "2h52m"`, "the %s of this window is not known, and cannot be scored", key)
	case d.Has(key) && !d.Has(classKey) && w.Unscored == "":
		d.Errorf(d.Key(key), "add "+classKey+` = "emergent", "early", "scripted" or "unscored"`, "it is not said how much the %s of this window tells", key)
	}
	return m, class
}

// moment reads "2h52m", "8m..32m" or "-3m..27m".
func moment(d *toml.Decoder, at diag.Span, text string) (m Moment, ok bool) {
	const help = `write a time since the start such as "2h52m", or a band such as "8m..32m" or "-3m..27m"`
	low, high, band := strings.Cut(text, "..")
	if !band {
		high = low
	}
	var err error
	if m.Low, err = signed(low); err == nil {
		m.High, err = signed(high)
	}
	switch {
	case err != nil:
		d.Errorf(at, help, "%v", err)
	case m.High < m.Low:
		d.Errorf(at, help, "a band begins with its earlier end, and %q does not", short(text))
	default:
		m.Known = true
		return m, true
	}
	return Moment{}, false
}

// signed reads a time that may be before the start.
func signed(text string) (float64, error) {
	text = strings.TrimSpace(text)
	rest, before := strings.CutPrefix(text, "-")
	v, err := unit.ParseDuration(rest)
	switch {
	case err != nil:
		return 0, err
	case v > unit.Duration(366*24*time.Hour):
		return 0, fmt.Errorf("%q is more than a year away", short(text))
	case before:
		return -v.Seconds(), nil
	}
	return v.Seconds(), nil
}

func (r *reader) parameter(t *toml.Table, rec *Record, names map[string]diag.Span) {
	d := r.doc.Decoder(t, "[[parameter]]", &r.faults)
	p := Parameter{Span: d.At()}
	var at diag.Span
	if !d.Has("name") {
		d.Errorf(d.At(), `add name = "cost of a lease"`, "this parameter has no name")
	} else if r.name(d, "name", "parameter", &p.Name, &at) {
		if first, taken := names[p.Name]; taken {
			r.errorf(at, "give it another one, or name both places in one parameter", "there are two parameters %q", p.Name)
			if last := len(r.faults) - 1; r.faults[last].Span == at {
				r.faults[last].Related = []diag.Related{{Span: first, Note: "first used here"}}
			}
		}
		names[p.Name] = at
	}
	if d.Require("of", `write of = 'lease "droplets".regrant.cost', or a list of such places`) && d.Strings("of", &p.Paths) {
		v, _ := d.Value("of")
		if len(p.Paths) == 0 {
			d.Errorf(v.At, `write of = 'lease "droplets".regrant.cost'`, "this parameter is of nothing")
		}
		for i := range p.Paths {
			at := v.At
			if v.Kind == toml.ArrayKind {
				at = v.Items[i].At
			}
			p.PathsAt = append(p.PathsAt, at)
		}
		if !r.room(len(p.Paths), v.At) {
			p.Paths, p.PathsAt = nil, nil
		}
	}
	if d.Require("range", `write range = ["20ms", "80ms"]`) {
		r.span(d, &p)
	}
	r.text(d, "why", &p.Why)
	if d.Has("evidence") {
		if word, ok := d.Enum("evidence", evidenceWords); ok {
			p.Evidence = evidences[slices.Index(evidenceWords, word)]
		}
	}
	d.Done()
	rec.Parameters = append(rec.Parameters, p)
}

// span reads the two ends of the range of a parameter.
func (r *reader) span(d *toml.Decoder, p *Parameter) {
	const help = `write the least and the greatest that can be, such as ["20ms", "80ms"]`
	v, ok := d.Value("range")
	if !ok {
		return
	}
	if v.Kind != toml.ArrayKind || len(v.Items) != 2 {
		d.Errorf(v.At, help, "a range has two ends")
		return
	}
	var ends [2]float64
	var units [2]catalog.NumberUnit
	for i, item := range v.Items {
		var err error
		switch s := item.Scalar.(type) {
		case string:
			ends[i], units[i], err = catalog.ParseNumber(s)
		case int64:
			ends[i] = float64(s)
		case float64:
			ends[i] = s
		default:
			err = errors.New("this is no number")
		}
		if err == nil && !(ends[i] > 0 && ends[i] <= maxNumber) {
			err = errors.New("an end of a range is more than 0, since it is searched by factors")
		}
		if err != nil {
			d.Errorf(item.At, help, "%v", err)
			return
		}
	}
	switch {
	case units[0] != units[1]:
		d.Errorf(v.At, help, "the ends of this range have different units")
	case !(ends[0] < ends[1]):
		d.Errorf(v.At, help, "a range begins with its smaller end")
	default:
		p.Low, p.High, p.Unit = ends[0], ends[1], units[0]
	}
}

// oneMeaning reports a recorded service that stands for other services in one window
// than in another: they are held against one and the same simulated demand.
func (r *reader) oneMeaning(rec *Record) {
	first := make(map[string]*Recorded, len(rec.Windows))
	for i := range rec.Windows {
		w := &rec.Windows[i]
		f, known := first[w.Service]
		if !known {
			first[w.Service] = w
			continue
		}
		if a, b := slices.Sorted(slices.Values(f.Of)), slices.Sorted(slices.Values(w.Of)); !slices.Equal(a, b) {
			r.errorf(w.Span, "say the same in all windows of it, or give it another name", "%q stands for other services here than in its first window", short(w.Service))
		}
	}
}

// ParseRecord reads a record that stands in a file of its own, beside the scenario:
// [incident], [[recorded]] and [[parameter]], and nothing else.
func ParseRecord(name string, data []byte) (*Record, diag.List) {
	doc, faults := toml.Parse(name, data)
	r := &reader{doc: doc, faults: faults, s: &Scenario{File: name, doc: doc}, ids: make(map[string]identified)}
	var rec *Record
	if doc.Root != nil {
		r.top = doc.Decoder(doc.Root, "the record", &r.faults)
		if rec = r.record(r.top); rec == nil {
			r.errorf(diag.Span{File: name, Line: 1, Col: 1, Width: 1}, `add [[recorded]] with service = "api", state = "down", start = "0m" and end = "52m"`, "there is nothing recorded in this file")
		}
		r.top.Done()
	}
	r.faults = listed(r.faults, 0)
	if r.faults.HasErrors() {
		return nil, r.faults
	}
	return rec, r.faults
}

// record looks at what a record names.
func (k *checker) record(rec *Record) {
	k.services(rec.Controls, rec.ControlsAt, diag.Span{}, "[incident]")
	for i := range rec.Windows {
		w := &rec.Windows[i]
		k.services(w.Of, w.OfAt, w.Span, "[[recorded]]")
	}
	if len(rec.Parameters) == 0 {
		return
	}
	declared := catalog.Numbers(k.c)
	numbers := append(declared[:len(declared):len(declared)], Numbers(k.s)...)
	slices.SortFunc(numbers, func(a, b catalog.Number) int { return strings.Compare(a.Path, b.Path) })
	paths := make([]string, len(numbers))
	for i := range numbers {
		paths[i] = numbers[i].Path
	}
	for i := range rec.Parameters {
		p := &rec.Parameters[i]
		for j, path := range p.Paths {
			at := p.Span
			if j < len(p.PathsAt) {
				at = p.PathsAt[j]
			}
			n, found := slices.BinarySearch(paths, path)
			if !found {
				help := "state it there, or name another"
				if k.suggested++; k.suggested <= maxSuggestions && len(k.faults) <= maxFaults {
					if near := diag.Closest(path, paths); near != "" {
						help = "did you mean '" + near + "'?"
					}
				}
				k.add(diag.Error, at, help, "neither the catalog nor the scenario states "+short(path))
				continue
			}
			x := &numbers[n]
			_, inCatalog := slices.BinarySearchFunc(declared, path, func(n catalog.Number, path string) int { return strings.Compare(n.Path, path) })
			switch {
			case inCatalog && p.Evidence != unit.NotStated:
				k.add(diag.Error, at, "leave evidence out, and say it there", "how "+path+" is known stands in the catalog")
			case !inCatalog && p.Evidence == unit.NotStated:
				k.add(diag.Error, at, `add evidence = "fitted" or "guess"`, "it is not said how "+path+" is known, and the scenario has no place for it")
			}
			if v := x.Value(); x.Unit != p.Unit {
				k.add(diag.Error, at, "write the range as the catalog writes the value", path+" is "+x.Text()+", and the range of this parameter has another unit")
			} else if v < p.Low*(1-1e-9) || v > p.High*(1+1e-9) {
				k.add(diag.Warning, at, "widen the range, or look at the value again", path+" is "+x.Text()+", which is outside of the range of this parameter")
			}
		}
	}
}

// Last is the last known end of what is scored, in seconds; 0 where there is none.
func (rec *Record) Last() float64 {
	last := math.Inf(-1)
	for i := range rec.Windows {
		if w := &rec.Windows[i]; w.Scores() && w.End.Known {
			last = max(last, w.End.High)
		}
	}
	return max(0, last)
}

// The files of an incident in a folder: the scenario, and, where it stands apart, the
// record.
const (
	IncidentFile = "incident.toml"
	RecordedFile = "recorded.toml"
)

// ReadIncident reads the incident in the root of fsys: the scenario in IncidentFile, and
// the record in RecordedFile, where there is one. Name is what messages call the folder.
// Faults and errors are as those of ReadFile.
func ReadIncident(fsys fs.FS, name string) (*Scenario, diag.List, error) {
	s, faults, err := ReadFile(fsys, IncidentFile, path.Join(name, IncidentFile))
	if err != nil {
		return nil, nil, err
	}
	recorded := path.Join(name, RecordedFile)
	f, err := fsys.Open(RecordedFile)
	if errors.Is(err, fs.ErrNotExist) {
		return s, faults, nil
	}
	if err != nil {
		return nil, nil, unreadable(recorded, err)
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, toml.MaxBytes+1))
	if err != nil {
		return nil, nil, unreadable(recorded, err)
	}
	rec, others := ParseRecord(recorded, data)
	faults = append(faults, others...)
	if s != nil && rec != nil {
		if own := s.Record; own != nil {
			if len(own.Windows) > 0 && len(rec.Windows) > 0 {
				faults.Errorf(own.Windows[0].Span, "keep one of them", "the windows of this incident are recorded here and in %s", recorded)
			}
			rec.join(own)
		}
		s.Record = rec
	}
	faults.Sort()
	if faults.HasErrors() {
		return nil, faults, nil
	}
	return s, faults, nil
}

// join adds what another file says of the same incident.
func (rec *Record) join(other *Record) {
	rec.Sources = append(rec.Sources, other.Sources...)
	rec.Once = append(rec.Once, other.Once...)
	rec.Controls, rec.ControlsAt = append(rec.Controls, other.Controls...), append(rec.ControlsAt, other.ControlsAt...)
	rec.Windows = append(rec.Windows, other.Windows...)
	rec.Parameters = append(rec.Parameters, other.Parameters...)
}
