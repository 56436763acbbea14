package out

import (
	"encoding/csv"
	"io"
	"strings"
	"time"

	"github.com/knockon/knockon/propagate"
)

// writeCSV writes what a spreadsheet loads. Of a catalog these are its needs, of a run its series: one row for
// every bin of every service and need, and for every moment of an action, one column
// for every number, a cell empty where a number does not apply. RFC 4180.
func writeCSV(w io.Writer, r Report, _ Options) error {
	if m, ok := r.(*Map); ok {
		return writeMapCSV(w, m)
	}
	c := csv.NewWriter(w)
	c.UseCRLF = true
	switch r := r.(type) {
	case *Ensemble:
		return writeManyCSV(c, r)
	case *SinglePoints:
		return c.WriteAll(r.table())
	case *CutSets:
		return c.WriteAll(r.table())
	case *Importance:
		return c.WriteAll(r.table())
	}
	if replayed, ok := r.(*Replay); ok {
		return writeReplayCSV(c, replayed)
	}
	run, ok := r.(*Run)
	if !ok {
		return unsupported("csv", r)
	}
	t := newRunTable(run)
	if err := c.Write(t.head()); err != nil {
		return err
	}
	for i := range run.Services {
		s := &run.Services[i]
		for k := range s.Bins {
			if err := c.Write(t.service(s, k)); err != nil {
				return err
			}
		}
	}
	for i := range run.Needs {
		n := &run.Needs[i]
		for k := range n.Bins {
			if err := c.Write(t.need(n, k)); err != nil {
				return err
			}
		}
	}
	for i := range run.Actions {
		for _, row := range t.action(&run.Actions[i]) {
			if err := c.Write(row); err != nil {
				return err
			}
		}
	}
	c.Flush()
	return c.Error()
}

// The columns before the numbers.
const (
	timeColumn = iota
	lengthColumn
	clockColumn
	serviceColumn
	needColumn
	stateColumn
	firstNumber
)

var firstColumns = [firstNumber]string{"time_s", "length_s", "clock", "service", "need", "state"}

// runTable knows in which column a series stands: those that services and needs
// share have one column.
type runTable struct {
	*Run
	lengths  []float64
	names    []string
	services []int // column of each of serviceSeries
	needs    []int // column of each of needSeries
	actions  int   // column of the name of an action
	moments  int   // column of how far it came
}

func newRunTable(r *Run) *runTable {
	t := &runTable{Run: r, lengths: r.lengths(), names: append([]string{}, firstColumns[:]...)}
	index := make(map[string]int)
	column := func(name, unit string) int {
		if unit != "" {
			name += "_" + unit
		}
		at, ok := index[name]
		if !ok {
			at = len(t.names)
			index[name] = at
			t.names = append(t.names, name)
		}
		return at
	}
	for _, s := range serviceSeries {
		t.services = append(t.services, column(s.name, s.unit))
	}
	for _, s := range needSeries {
		t.needs = append(t.needs, column(s.name, s.unit))
	}
	t.actions, t.moments = column("action", ""), column("moment", "")
	return t
}

func (t *runTable) head() []string { return t.names }

func (t *runTable) begin(bin int, service, need string) []string {
	row := make([]string, len(t.names))
	row[timeColumn] = tableNumber(t.Times[bin])
	row[lengthColumn] = tableNumber(t.lengths[bin])
	row[clockColumn] = t.clockOf(t.Times[bin])
	row[serviceColumn], row[needColumn] = tableText(service), tableText(need)
	return row
}

func (t *runTable) service(s *RunService, bin int) []string {
	row := t.begin(bin, s.ID, "")
	row[stateColumn] = s.Bins[bin].State.String()
	for i, x := range serviceSeries {
		row[t.services[i]] = tableNumber(x.of(&s.Bins[bin], t.lengths[bin]))
	}
	return row
}

func (t *runTable) need(n *propagate.NeedResult, bin int) []string {
	row := t.begin(bin, n.Service, n.Target)
	for i, x := range needSeries {
		row[t.needs[i]] = tableNumber(x.of(&n.Bins[bin], t.lengths[bin]))
	}
	return row
}

func tableNumber(f float64) string { return string(appendNumber(nil, f, "")) }

// tableText keeps a spreadsheet from taking a name for a formula: OWASP, "CSV
// Injection".
func tableText(s string) string {
	s = printable(s)
	if s != "" && strings.ContainsRune("=+-@", rune(s[0])) {
		return "'" + s
	}
	return s
}

// clockOf is the wall clock at a time of the run as a table writes it; empty where the
// scenario has none.
func (r *Run) clockOf(seconds float64) string {
	if r.Start.IsZero() {
		return ""
	}
	return r.clock(seconds).Format("2006-01-02T15:04:05.999Z07:00")
}

// clock is the wall clock at a time of the run.
func (r *Run) clock(seconds float64) time.Time {
	return r.Start.Add(time.Duration(seconds * float64(time.Second)))
}
