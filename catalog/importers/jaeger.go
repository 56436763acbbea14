package importers

import (
	"encoding/json"
	"errors"
	"slices"
	"strings"

	"github.com/knockon/knockon/catalog"
	"github.com/knockon/knockon/catalog/unit"
)

// jaeger reads what Jaeger's API answers: dependencies, and traces.
//
// In a dependency the parent is the caller. Of a span, the need is that of the
// service of its parent. Neither shows what is not instrumented, such as databases.
//
// Source: cmd/jaeger/internal/extension/jaegerquery in jaegertracing/jaeger.
var jaeger = Format{
	Name:  "jaeger",
	Title: "Jaeger",
	What:  "GET /api/dependencies, or traces as the UI and /api/traces give them",
	detects: func(s *sample) bool {
		return isDependencies(s) && !s.json["[].errorCount"] && !s.json["errorCount"] ||
			s.has("data[].spans[].spanID") || s.has("data.spans[].spanID") || s.has("spans[].spanID") || s.has("[].spans[].spanID") ||
			s.has("data", "total", "limit", "offset", "errors")
	},
	reads: readJaeger,
}

func isDependencies(s *sample) bool {
	return s.has("data[].parent", "data[].child") || s.has("[].parent", "[].child") || s.has("parent", "child")
}

// calledService is one entry of the dependencies of Jaeger or Zipkin.
type calledService struct {
	Parent, Child         string
	CallCount, ErrorCount looseNumber
}

type jaegerSpan struct {
	TraceID, SpanID string
	References      []struct{ SpanID, RefType string }
	ParentSpanID    string
	ProcessID       string
	Process         struct{ ServiceName string }
	Tags            []struct {
		Key   string
		Value any
	}
}

type jaegerTrace struct {
	Spans     []jaegerSpan
	Processes map[string]struct{ ServiceName string }
}

func readJaeger(d *Draft, files []File, _ Options) {
	for _, f := range files {
		t := d.Traffic(f.Name)
		empty := true
		err := jsonValues(f.Data, func(value json.RawMessage) error {
			var envelope struct {
				Data   json.RawMessage
				Errors []struct{ Msg string }
			}
			inner := value
			if value[0] == '{' {
				if err := json.Unmarshal(value, &envelope); err != nil {
					return err
				}
				for _, e := range envelope.Errors {
					d.Warnf(f.whole(), "", "Jaeger answered with an error: %s", cleanText(e.Msg))
				}
				if envelope.Data != nil {
					inner = envelope.Data
				}
			}
			found, err := readJaegerData(d, t, f, inner)
			empty = empty && !found
			return err
		})
		if err != nil {
			d.Errorf(f.whole(), "", "this is no answer of Jaeger: %v", err)
			continue
		}
		if empty {
			d.Warnf(f.whole(), "ask again with lookback=172800000, which is two days in milliseconds",
				"Jaeger has seen no dependencies; a daily job fills them at midnight UTC, so a short look-back can miss it")
		}
		t.Done()
	}
}

// readJaegerData reads what stands under "data": dependencies or traces, one or
// several. It reports whether there was anything.
func readJaegerData(d *Draft, t *Traffic, f File, data json.RawMessage) (found bool, err error) {
	switch {
	case string(data) == "null":
		return false, nil
	case data[0] == '{':
		data = slices.Concat([]byte("["), data, []byte("]"))
	case data[0] != '[':
		return false, errors.New("neither dependencies nor traces")
	}
	var items []json.RawMessage
	if err := json.Unmarshal(data, &items); err != nil {
		return false, err
	}
	for _, item := range items {
		var either struct {
			calledService
			jaegerTrace
		}
		if err := json.Unmarshal(item, &either); err != nil {
			return found, err
		}
		switch {
		case len(either.Spans) > 0:
			either.jaegerTrace.read(d, t, f)
			found = true
		case either.Parent != "" && either.Child != "":
			either.calledService.read(d, t, f)
			found = true
		}
	}
	return found, nil
}

// read adds one dependency.
func (c calledService) read(d *Draft, t *Traffic, f File) {
	d.Declare(c.Parent, f.whole()).guessKind(c.Parent, "from its name")
	d.Declare(c.Child, f.whole()).guessKind(c.Child, "from its name")
	t.Call(c.Parent, c.Child, float64(c.CallCount), float64(c.ErrorCount), Claim{At: f.whole()})
}

// read adds the calls of one trace.
func (trace *jaegerTrace) read(d *Draft, t *Traffic, f File) {
	services := make(map[string]string, len(trace.Spans))
	for i := range trace.Spans {
		s := &trace.Spans[i]
		if s.Process.ServiceName == "" {
			s.Process.ServiceName = trace.Processes[s.ProcessID].ServiceName
		}
		services[s.SpanID] = s.Process.ServiceName
	}
	missing := 0
	for i := range trace.Spans {
		s := &trace.Spans[i]
		to := s.Process.ServiceName
		if to == "" {
			continue
		}
		d.Declare(to, f.whole())
		c := Claim{At: f.whole(), Rule: "spans,", Known: unit.Stated}
		parents := make([]string, 0, 1)
		for _, r := range s.References {
			parents = append(parents, r.SpanID)
			if r.RefType == "FOLLOWS_FROM" {
				c.Mode = catalog.Async
			}
		}
		if len(parents) == 0 && s.ParentSpanID != "" {
			parents = append(parents, s.ParentSpanID)
		}
		failed := 0.0
		for _, tag := range s.Tags {
			if tag.Key == "error" && (tag.Value == true || tag.Value == "true") {
				failed = 1
			}
			if word, ok := tag.Value.(string); ok && tag.Key == "span.kind" && strings.EqualFold(word, "consumer") {
				c.Mode = catalog.Async
			}
		}
		crossed := len(parents) == 0
		for _, id := range parents {
			from, known := services[id]
			if !known {
				missing++
			}
			if from != "" && from != to {
				t.Call(from, to, 1, failed, c)
				crossed = true
			}
		}
		if crossed {
			t.Request(to, 1)
		}
	}
	if missing > 0 {
		d.Warnf(f.whole(), "export whole traces", "%s a parent that is not in the file, so needs may be missing", plural(missing, "span names", "spans name"))
	}
}
