package scenario

import (
	"encoding/csv"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/knockon/knockon/catalog"
	"github.com/knockon/knockon/catalog/builtin"
	"github.com/knockon/knockon/catalog/diag"
)

const incident = `
scenario = "small"
horizon  = "3h"

[incident]
source   = ["https://example.com/post-mortem"]
once     = ["52m"]
controls = ["shop"]

[[fault]]
id         = "f"
at         = "0s"
service    = "db"
effect     = "down"
confidence = "A"
facts      = "the disk was full"

[[action]]
at         = "40m"
confidence = "B"
facts      = "the disk was cleared"
do         = [{ restore = "f" }]

[[recorded]]
service     = "api"
state       = "down"
start       = "-1m..3m"
start_class = "early"
end         = "52m"
end_class   = "emergent"
confidence  = "B"
facts       = "errors on all pages"

[[recorded]]
service    = "work"
of         = ["worker", "mailer"]
state      = "delayed"
limit      = "5m"
end        = "1h10m"
end_class  = "emergent"
confidence = "H"

[[recorded]]
service    = "mailer"
state      = "down"
start      = "0m"
confidence = "M"
unscored   = "recalled"

[[parameter]]
name  = "what the db can do"
of    = 'service "db".capacity'
range = ["80/s", "320/s"]
why   = "half and twice what its kind does"
`

const incidentCatalog = `
[service.shop]
[service.api]
needs = ["db"]
[service.db]
capacity = { guess = "160/s" }
[service.worker]
[service.mailer]
`

func TestRecord(t *testing.T) {
	s, faults := Parse("small.toml", []byte(incident))
	if len(faults) > 0 {
		t.Fatal(faults)
	}
	minutes := func(low, high float64) Moment { return Moment{true, 60 * low, 60 * high} }
	want := &Record{
		Sources:  []string{"https://example.com/post-mortem"},
		Once:     []Moment{minutes(52, 52)},
		Controls: []string{"shop"},
		Windows: []Recorded{
			{Service: "api", Of: []string{"api"}, State: "down", Start: minutes(-1, 3), StartClass: Early, End: minutes(52, 52), EndClass: Emergent, Confidence: "B", Facts: "errors on all pages"},
			{Service: "work", Of: []string{"worker", "mailer"}, State: "delayed", End: minutes(70, 70), EndClass: Emergent, Confidence: "H", Limit: 5 * minute},
			{Service: "mailer", Of: []string{"mailer"}, State: "down", Start: minutes(0, 0), Confidence: "M", Unscored: "recalled"},
		},
		Parameters: []Parameter{{Name: "what the db can do", Paths: []string{`service "db".capacity`}, Low: 80, High: 320, Unit: catalog.PerSecond, Why: "half and twice what its kind does"}},
		File:       "small.toml",
	}
	if diff := cmp.Diff(want, s.Record, cmpopts.IgnoreTypes(diag.Span{}, []diag.Span{}), cmpopts.IgnoreUnexported(Record{})); diff != "" {
		t.Error(diff)
	}
	if f, a := s.Faults[0].Known, s.Actions[0].Known; f != (Known{"A", "the disk was full"}) || a != (Known{"B", "the disk was cleared"}) {
		t.Errorf("known: %v, %v", f, a)
	}
	c := mustLoad(t, incidentCatalog)
	if faults := s.Check(c); len(faults) > 0 {
		t.Error(faults)
	}
}

func mustLoad(t *testing.T, text string) *catalog.Catalog {
	t.Helper()
	c, faults, err := catalog.Load(catalog.Source{Name: "c.toml", Data: []byte(text)})
	if err != nil || faults.HasErrors() {
		t.Fatal(err, faults)
	}
	return c
}

// TestRecordNamesTheCatalog: what a record names has to be there, and a range has to be
// of the same kind as the value.
func TestRecordNamesTheCatalog(t *testing.T) {
	text := strings.NewReplacer(
		`controls = ["shop"]`, `controls = ["shopp"]`,
		`of         = ["worker", "mailer"]`, `of         = ["worker", "mailr"]`,
		`service "db".capacity`, `service "db".capacitee`,
		`at         = "0s"`, `at         = "1m"`,
	).Replace(incident) + `
[[parameter]]
name  = "in another unit"
of    = 'service "db".capacity'
range = ["80ms", "320ms"]
[[parameter]]
name  = "out of range"
of    = 'service "db".capacity'
range = ["200/s", "320/s"]
[[parameter]]
name     = "known twice"
of       = 'service "db".capacity'
range    = ["80/s", "320/s"]
evidence = "guess"
[[parameter]]
name  = "known nowhere"
of    = 'fault "f".at'
range = ["1m", "2m"]
[[parameter]]
name     = "of a deed"
of       = 'action "rescue".at'
range    = ["20m", "60m"]
evidence = "guess"
[[action]]
id = "rescue"
at = "30m"
do = [{ purge = "api" }]
`
	s, faults := Parse("small.toml", []byte(text))
	if len(faults) > 0 {
		t.Fatal(faults)
	}
	var all strings.Builder
	for _, d := range s.Check(mustLoad(t, incidentCatalog)) {
		all.WriteString(d.String())
	}
	golden(t, "testdata/check-record.txt", all.String())
}

// TestReadIncident: a folder has the scenario, and may have the record apart.
func TestReadIncident(t *testing.T) {
	scene, record, _ := strings.Cut(incident, "[[recorded]]")
	scene, _, _ = strings.Cut(scene, "[incident]")
	scene += "[[fault]]\nat = \"0s\"\nservice = \"db\"\neffect = \"down\"\n"
	fsys := fstest.MapFS{"incident.toml": {Data: []byte(scene)}, "recorded.toml": {Data: []byte("[[recorded]]" + record)}}
	s, faults, err := ReadIncident(fsys, "here")
	if err != nil || len(faults) > 0 {
		t.Fatal(err, faults)
	}
	if s.Record == nil || len(s.Record.Windows) != 3 || s.Record.File != "here/recorded.toml" || s.File != "here/incident.toml" {
		t.Errorf("%+v", s.Record)
	}
	fsys["incident.toml"] = &fstest.MapFile{Data: []byte(incident)}
	if s, faults, _ = ReadIncident(fsys, "here"); s != nil || !strings.Contains(faults[0].Message, "recorded here and in here/recorded.toml") {
		t.Error(faults)
	}
	fsys["incident.toml"] = &fstest.MapFile{Data: []byte(scene + "[[parameter]]\nname = \"own\"\nof = 'service \"db\".load'\nrange = [\"1/s\", \"2/s\"]\n")}
	if s, faults, _ = ReadIncident(fsys, "here"); s == nil || len(s.Record.Windows) != 3 || len(s.Record.Parameters) != 2 {
		t.Error(faults)
	} else if faults := s.Check(mustLoad(t, incidentCatalog)); len(faults) != 1 || !strings.HasPrefix(faults[0].Text, "of = ") || faults[0].Span.File != "here/incident.toml" {
		t.Error(faults)
	}
	fsys["incident.toml"] = &fstest.MapFile{Data: []byte(incident)}
	delete(fsys, "recorded.toml")
	if s, faults, _ = ReadIncident(fsys, "here"); s == nil || len(s.Record.Windows) != 3 {
		t.Error(faults)
	}
	delete(fsys, "incident.toml")
	if _, _, err = ReadIncident(fsys, "here"); err == nil || err.Error() != "cannot read here/incident.toml: file does not exist" {
		t.Error(err)
	}
}

// TestAWSRecordIsTheScoredSheet: the windows that are scored, and their bands and
// classes, were settled elsewhere and before anything was played. It needs the
// collection beside the project.
func TestAWSRecordIsTheScoredSheet(t *testing.T) {
	data, err := os.Open(filepath.Join("..", "..", "..", "shared", "facts", "aws-2025-10-20.scored.csv"))
	if err != nil {
		t.Skip("skipped: the collection of facts is not beside this checkout")
	}
	defer data.Close()
	rows, err := csv.NewReader(data).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	fsys, ok := builtin.Incident("aws-2025-10-20")
	if !ok {
		t.Fatal("there is no such incident")
	}
	text, err := fsys.(interface {
		ReadFile(string) ([]byte, error)
	}).ReadFile(RecordedFile)
	if err != nil {
		t.Fatal(err)
	}
	rec, faults := ParseRecord("recorded.toml", text)
	if len(faults) > 0 {
		t.Fatal(faults)
	}
	minutes := func(m Moment) [2]string {
		if !m.Known {
			return [2]string{}
		}
		return [2]string{strconv.FormatFloat(m.Low/60, 'f', -1, 64), strconv.FormatFloat(m.High/60, 'f', -1, 64)}
	}
	classes := map[Class]string{Emergent: "E", Early: "early", Scripted: "S"}
	var got [][]string
	for i := range rec.Windows {
		w := &rec.Windows[i]
		if !w.Scores() {
			if w.Unscored == "" {
				t.Errorf("%s is not scored, and does not say why", w.Service)
			}
			continue
		}
		from, to := minutes(w.Start), minutes(w.End)
		got = append(got, []string{strconv.Itoa(len(got) + 1), w.Service, w.State, from[0], from[1], to[0], to[1], classes[w.StartClass], classes[w.EndClass], w.Confidence})
	}
	var want [][]string
	for _, row := range rows[1:] {
		want = append(want, row[:10])
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// TestDocumentedRecord holds that the example of docs/replay.md can be read, and that the
// page names every word of the language.
func TestDocumentedRecord(t *testing.T) {
	page, err := os.ReadFile("../../docs/replay.md")
	if err != nil {
		t.Fatal(err)
	}
	_, text, _ := strings.Cut(string(page), "```toml\n")
	text, _, ok := strings.Cut(text, "```")
	s, faults := Parse("replay.md", []byte(text))
	if !ok || len(faults) > 0 || s.Record == nil || len(s.Record.Windows) != 1 || len(s.Record.Parameters) != 1 {
		t.Fatal(faults)
	}
	for _, words := range [][]string{RecordedStates, ClassWords, Confidences, {"source", "controls", "once", "of", "start_class", "end_class", "limit", "facts", "unscored", "range", "why", IncidentFile, RecordedFile}} {
		for _, word := range words {
			if !strings.Contains(string(page), "`"+word+"`") {
				t.Errorf("docs/replay.md does not say %q", word)
			}
		}
	}
}
