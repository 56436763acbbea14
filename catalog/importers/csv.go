package importers

import (
	"bytes"
	"encoding/csv"
	"errors"
	"io"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"github.com/knockon/knockon/catalog/diag"
)

// edgeList reads tables with a row for every need, or for every call.
//
// Source of the form: RFC 4180; names of columns as tracing data sets have them,
// such as those of Erms and Alibaba.
var edgeList = Format{
	Name:  "csv",
	Title: "CSV",
	What:  "a row for each need: from, to, and calls and errors where they are counted",
	detects: func(s *sample) bool {
		if s.json != nil {
			return false
		}
		if ext := s.ext(); ext == ".csv" || ext == ".tsv" {
			return true
		}
		first, _, _ := bytes.Cut(s.head, []byte("\n"))
		columns := strings.Split(string(first), string(delimiter(first)))
		from, on := column(columns, fromColumns), column(columns, onColumns)
		return len(columns) > 1 && from >= 0 && on >= 0
	},
	reads: readEdgeList,
}

// Names of columns, as they are compared: in lower case, letters and digits only.
var (
	fromColumns  = []string{"from", "source", "src", "caller", "client", "parent", "parentms", "um", "consumer", "service"}
	onColumns    = []string{"on", "to", "target", "dst", "destination", "callee", "server", "child", "childms", "dm", "dependency", "dependson", "needs", "provider"}
	callColumns  = []string{"calls", "callcount", "count", "requests", "n", "weight"}
	errorColumns = []string{"errors", "errorcount", "failed", "failures"}
)

// column is the first of the columns that has one of the names, in their order.
func column(columns, names []string) int {
	for _, name := range names {
		for i, c := range columns {
			if columnName(c) == name {
				return i
			}
		}
	}
	return -1
}

func columnName(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsLetter(r) || unicode.IsDigit(r) {
			return unicode.ToLower(r)
		}
		return -1
	}, s)
}

// delimiter is what a line has most of.
func delimiter(line []byte) rune {
	best, most := ',', 0
	for _, d := range ",;\t|" {
		if n := bytes.Count(line, []byte(string(d))); n > most {
			best, most = d, n
		}
	}
	return best
}

func readEdgeList(d *Draft, files []File, o Options) {
	for _, f := range files {
		readCSV(d, f, o)
	}
}

func readCSV(d *Draft, f File, o Options) {
	data := bytes.TrimPrefix(f.Data, []byte("\xef\xbb\xbf"))
	var first []byte
	for line := range bytes.Lines(data) {
		if first = bytes.TrimSpace(line); len(first) > 0 && first[0] != '#' {
			break
		}
	}
	r := csv.NewReader(bytes.NewReader(data))
	r.Comma, r.Comment, r.FieldsPerRecord, r.LazyQuotes, r.TrimLeadingSpace = delimiter(first), '#', -1, true, true
	r.ReuseRecord = true
	t := d.Traffic(f.Name)
	from, on, calls, failed := -1, -1, -1, -1
	skipped, selves := 0, 0
	var skippedAt diag.Span
	for row := 0; ; row++ {
		fields, err := r.Read()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			var parse *csv.ParseError
			at := f.whole()
			if errors.As(err, &parse) {
				at, err = f.at(parse.Line), parse.Err
			}
			d.Errorf(at, "", "this is no CSV: %v", err)
			return
		}
		line, _ := r.FieldPos(0)
		if row == 0 {
			var header bool
			if from, on, header = columns(d, f, fields, o); from < 0 {
				return
			}
			if header {
				calls, failed = column(fields, callColumns), column(fields, errorColumns)
				continue
			}
		}
		if from < len(fields) && strings.TrimSpace(fields[from]) != "" && (on >= len(fields) || strings.TrimSpace(fields[on]) == "") {
			d.Declare(fields[from], f.at(line)) // a service that needs nothing
			continue
		}
		if max(from, on) >= len(fields) || strings.TrimSpace(fields[from]) == "" || strings.TrimSpace(fields[on]) == "" {
			if skipped++; skippedAt.IsZero() {
				skippedAt = f.at(line)
			}
			continue
		}
		a, b := fields[from], fields[on]
		if o.Reverse {
			a, b = b, a
		}
		if cleanName(a) == cleanName(b) {
			selves++
			d.Declare(a, f.at(line))
			continue
		}
		d.Declare(a, diag.Span{})
		d.Declare(b, diag.Span{})
		if calls < 0 {
			d.Need(strings.Clone(a), strings.Clone(b), Claim{At: f.at(line)})
			continue
		}
		t.Call(strings.Clone(a), strings.Clone(b), field(fields, calls), field(fields, failed), Claim{At: f.at(line)})
	}
	if skipped > 0 {
		d.Warnf(skippedAt, "", "%s nobody who needs, and left out", plural(skipped, "row names", "rows name"))
	}
	if selves > 0 {
		d.Warnf(f.whole(), "", "%s of a service that calls itself, and left out", plural(selves, "row is", "rows are"))
	}
	t.Done()
}

func field(fields []string, i int) float64 {
	if i < 0 || i >= len(fields) {
		return 0
	}
	n, err := strconv.ParseFloat(strings.TrimSpace(fields[i]), 64)
	if err != nil || n < 0 {
		return 0
	}
	return n
}

// columns finds the two columns of names, by what the user said, by the header, or
// as the first two. It returns -1 where that cannot be.
func columns(d *Draft, f File, fields []string, o Options) (from, on int, header bool) {
	named := func(flag, name string, guess []string) (int, bool) {
		if name == "" {
			return column(fields, guess), true
		}
		i := slices.IndexFunc(fields, func(c string) bool { return columnName(c) == columnName(name) })
		if i < 0 {
			d.Errorf(f.at(1), diag.DidYouMean(name, fields), "there is no column %q for --%s", name, flag)
		}
		return i, i >= 0
	}
	from, ok := named("from", o.From, fromColumns)
	on, also := named("on", o.On, onColumns)
	switch {
	case !ok || !also:
		return -1, -1, false
	case from >= 0 && on >= 0 && from != on:
		return from, on, true
	case len(fields) < 2:
		d.Errorf(f.at(1), "name the format, if it is not CSV", "there is only one column")
		return -1, -1, false
	}
	d.Warnf(f.at(1), "say which columns they are with --from and --on", "no header is known, so the first column is taken for what needs the second")
	return 0, 1, false
}
