package importers

import (
	"cmp"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/knockon/knockon/catalog"
	"github.com/knockon/knockon/catalog/unit"
)

// otlp reads OpenTelemetry traces in JSON: as the protocol has them, as the
// collector writes them to files (one request a line), and as Tempo answers.
//
// A span whose parent is in another service is a call. A client's span that nobody
// answers names whom it called in its attributes: first those that Tempo looks at.
//
// Source: docs/specification.md in open-telemetry/opentelemetry-proto, and
// modules/generator/processor/servicegraphs in grafana/tempo.
var otlp = Format{
	Name:  "otlp",
	Title: "OpenTelemetry traces",
	What:  "OTLP in JSON, one document or one a line; ids in hex or base64; Tempo's answers",
	detects: func(s *sample) bool {
		return slices.ContainsFunc([]string{"resourceSpans", "batches", "trace.resourceSpans", "trace.batches", "[].resourceSpans", "[].batches"}, func(p string) bool { return s.has(p) })
	},
	reads: readOTLP,
}

type otlpRequest struct {
	ResourceSpans, Batches []otlpResource
	Trace                  *struct{ ResourceSpans, Batches []otlpResource }
}

type otlpResource struct {
	Resource                                struct{ Attributes otlpAttributes }
	ScopeSpans, InstrumentationLibrarySpans []struct{ Spans []otlpSpan }
}

type otlpSpan struct {
	TraceID, SpanID, ParentSpanID string
	Kind                          otlpEnum
	Attributes                    otlpAttributes
	Links                         []struct{ TraceID, SpanID string }
	Status                        struct{ Code otlpEnum }
	StartTimeUnixNano             looseNumber
	EndTimeUnixNano               looseNumber

	service string
	local   *otlpSpan // the span by which its service was entered
	own     []stretch // of an entry: when its service waited for others
	called  bool      // another service has a span below it
}

type otlpAttributes []struct {
	Key   string
	Value struct{ StringValue string }
}

func (as otlpAttributes) get(key string) string {
	for i := range as {
		if as[i].Key == key {
			return as[i].Value.StringValue
		}
	}
	return ""
}

func (as otlpAttributes) hasPrefix(prefix string) bool {
	for i := range as {
		if strings.HasPrefix(as[i].Key, prefix) {
			return true
		}
	}
	return false
}

// otlpEnum is a number, as the protocol demands, or a name, as many write it.
type otlpEnum int

// Kinds of spans, and the status of one that failed.
const (
	otlpServer   otlpEnum = 2
	otlpClient   otlpEnum = 3
	otlpProducer otlpEnum = 4
	otlpConsumer otlpEnum = 5
	otlpFailed   otlpEnum = 2
)

func (e *otlpEnum) UnmarshalJSON(data []byte) error {
	words := map[string]otlpEnum{
		"SPAN_KIND_INTERNAL": 1, "SPAN_KIND_SERVER": otlpServer, "SPAN_KIND_CLIENT": otlpClient,
		"SPAN_KIND_PRODUCER": otlpProducer, "SPAN_KIND_CONSUMER": otlpConsumer, "STATUS_CODE_OK": 1, "STATUS_CODE_ERROR": otlpFailed,
	}
	var word string
	if json.Unmarshal(data, &word) == nil {
		if n, ok := words[word]; ok {
			*e = n
			return nil
		}
	}
	var n looseNumber
	if err := n.UnmarshalJSON(data); err != nil {
		return err
	}
	*e = otlpEnum(n)
	return nil
}

// otlpID makes ids comparable: hex in lower case, of either writing.
func otlpID(id string) string {
	switch len(id) {
	case 16, 32:
		if _, err := hex.DecodeString(id); err == nil {
			return strings.ToLower(id)
		}
	case 0:
		return ""
	}
	raw, err := base64.RawStdEncoding.DecodeString(strings.TrimRight(id, "="))
	if err != nil {
		return id
	}
	if text := hex.EncodeToString(raw); strings.Trim(text, "0") != "" {
		return text
	}
	return "" // all zero: none
}

type otlpReader struct {
	d      *Draft
	f      File
	t      *Traffic
	traces map[string]map[string]*otlpSpan // by trace and id
	spans  []*otlpSpan

	unnamed int // resources without a service.name
}

func readOTLP(d *Draft, files []File, _ Options) {
	// Spans of one trace may stand in several files.
	r := &otlpReader{d: d, traces: make(map[string]map[string]*otlpSpan)}
	for _, f := range files {
		if r.f.Name == "" {
			r.f = f
		}
		err := jsonValues(f.Data, func(value json.RawMessage) error {
			requests := make([]otlpRequest, 1)
			if value[0] == '[' {
				return errOr(json.Unmarshal(value, &requests), func() { r.takeAll(f, requests) })
			}
			return errOr(json.Unmarshal(value, &requests[0]), func() { r.takeAll(f, requests) })
		})
		if err != nil {
			d.Errorf(f.whole(), "", "these are no traces of OpenTelemetry: %v", err)
		}
	}
	if len(files) > 1 {
		r.f.Name = fmt.Sprintf("%s and %d more", r.f.Name, len(files)-1)
		d.files = append(d.files, r.f.Name)
	}
	if r.unnamed > 0 {
		d.Warnf(r.f.whole(), "set OTEL_SERVICE_NAME where they are made", "%s no service.name, and the spans left out", plural(r.unnamed, "resource has", "resources have"))
	}
	r.t = d.Traffic(r.f.Name)
	r.link()
	r.t.Done()
	r.serviceTimes()
	warnOfFewTraces(d, r.f, len(r.traces), len(r.t.links))
}

func errOr(err error, then func()) error {
	if err == nil {
		then()
	}
	return err
}

func (r *otlpReader) takeAll(f File, requests []otlpRequest) {
	for i := range requests {
		q := &requests[i]
		lists := [][]otlpResource{q.ResourceSpans, q.Batches}
		if q.Trace != nil {
			lists = append(lists, q.Trace.ResourceSpans, q.Trace.Batches)
		}
		for _, list := range lists {
			for j := range list {
				r.take(f, &list[j])
			}
		}
	}
}

// take adds the spans of one resource.
func (r *otlpReader) take(f File, x *otlpResource) {
	name := cleanName(x.Resource.Attributes.get("service.name"))
	if name == "" {
		r.unnamed++
		return
	}
	s := r.d.Declare(name, f.whole())
	s.Group = cmp.Or(s.Group, cleanGroup(x.Resource.Attributes.get("service.namespace")))
	if word := x.Resource.Attributes.get("service.criticality"); word != "" && s.Tier.Evidence == unit.NotStated {
		s.Tier = criticality(word, f.Name+": service.criticality="+cleanName(word))
	}
	for _, scope := range append(x.ScopeSpans, x.InstrumentationLibrarySpans...) {
		for i := range scope.Spans {
			span := &scope.Spans[i]
			span.TraceID, span.SpanID, span.ParentSpanID = otlpID(span.TraceID), otlpID(span.SpanID), otlpID(span.ParentSpanID)
			span.service = name
			trace := r.traces[span.TraceID]
			if trace == nil {
				trace = make(map[string]*otlpSpan)
				r.traces[span.TraceID] = trace
			}
			if trace[span.SpanID] == nil { // the same span twice is one
				trace[span.SpanID] = span
				r.spans = append(r.spans, span)
			}
		}
	}
}

// link turns spans into calls.
func (r *otlpReader) link() {
	missing := 0
	for _, s := range r.spans {
		parent := r.traces[s.TraceID][s.ParentSpanID]
		if parent != nil && parent.service != s.service {
			parent.called = true
		}
	}
	for _, s := range r.spans {
		trace := r.traces[s.TraceID]
		parent := trace[s.ParentSpanID]
		if s.ParentSpanID != "" && parent == nil {
			missing++
		}
		if parent == nil || parent.service != s.service {
			r.t.Request(s.service, 1)
		}
		c := Claim{At: r.f.whole(), Rule: "spans,", Known: unit.Stated}
		failed := 0.0
		if s.Status.Code == otlpFailed {
			failed = 1
		}
		switch {
		case parent != nil && parent.service != s.service:
			if s.Kind == otlpConsumer || parent.Kind == otlpProducer {
				c.Mode = catalog.Async
			}
			r.t.Call(parent.service, s.service, 1, failed, c)
		case parent == nil && (s.Kind == otlpServer || s.Kind == otlpConsumer) && s.Attributes.get("peer.service") != "":
			peer := s.Attributes.get("peer.service")
			r.d.Declare(peer, r.f.whole())
			if s.Kind == otlpConsumer {
				c.Mode = catalog.Async
			}
			r.t.Call(peer, s.service, 1, failed, c)
		}
		if (s.Kind == otlpClient || s.Kind == otlpProducer) && !s.called {
			r.virtual(s, failed, c)
		}
		r.linked(s, parent)
		s.local = localRoot(trace, s)
		if s.Kind == otlpClient && s.local != s {
			s.local.own = append(s.local.own, stretch{float64(s.StartTimeUnixNano), float64(s.EndTimeUnixNano)})
		}
	}
	if missing > 0 {
		r.d.Warnf(r.f.whole(), "export whole traces", "%s a parent that is not here, so needs may be missing", plural(missing, "span names", "spans name"))
	}
}

// virtual adds the call of a client that nobody answered: to a database, or to what
// is not traced.
func (r *otlpReader) virtual(s *otlpSpan, failed float64, c Claim) {
	keys := []string{"peer.service"}
	database := s.Attributes.hasPrefix("db.")
	if database {
		keys = []string{"peer.service", "server.address", "network.peer.address", "db.namespace", "db.name", "db.system", "db.system.name"}
	}
	for _, key := range keys {
		name := cleanName(s.Attributes.get(key))
		if name == "" || name == s.service {
			continue
		}
		x := r.d.Declare(name, r.f.whole())
		for _, product := range []string{s.Attributes.get("db.system"), s.Attributes.get("db.system.name"), s.Attributes.get("messaging.system"), name} {
			x.guessKind(product, "from its name or system")
		}
		if database && x.Kind == catalog.KindService {
			x.Kind = catalog.KindDatabase
		}
		if s.Kind == otlpProducer {
			c.Mode = catalog.Async
		}
		c.Rule = "attribute " + key + ","
		r.t.Call(s.service, name, 1, failed, c)
		return
	}
}

// linked adds what a consumer is linked to where it has no parent: the producers of
// what it took. They stand in no span's parent, so the needs are inferred.
func (r *otlpReader) linked(s *otlpSpan, parent *otlpSpan) {
	if s.Kind != otlpConsumer || parent != nil {
		return
	}
	for _, l := range s.Links {
		producer := r.traces[otlpID(l.TraceID)][otlpID(l.SpanID)]
		if producer != nil && producer.service != s.service {
			r.d.Need(producer.service, s.service, Claim{
				At: r.f.whole(), Rule: "link of a consumer's span", Mode: catalog.Async, Known: unit.Stated, Inferred: true,
			})
		}
	}
}

// localRoot is the span by which the service of a span was entered.
func localRoot(trace map[string]*otlpSpan, s *otlpSpan) *otlpSpan {
	top := s
	for range 1000 {
		parent := trace[top.ParentSpanID]
		if parent == nil || parent.service != s.service || parent == s {
			break
		}
		top = parent
	}
	return top
}

// stretch is a time from one moment to another.
type stretch struct{ from, to float64 }

// serviceTimes states how long services take themselves: the mean length of the
// spans they are entered by, without the time in which they waited for others.
func (r *otlpReader) serviceTimes() {
	sum, count := make(map[string]float64), make(map[string]float64)
	for _, s := range r.spans {
		if s.local != s || s.Kind != otlpServer {
			continue
		}
		if whole := float64(s.EndTimeUnixNano - s.StartTimeUnixNano); whole > 0 {
			sum[s.service] += max(0, whole-covered(s.own, float64(s.StartTimeUnixNano), float64(s.EndTimeUnixNano)))
			count[s.service]++
		}
	}
	for id, n := range count {
		if s := r.d.Service(id); s != nil {
			s.ServiceTime = meanTime(sum[id]/n/1e9, unit.Documented, r.f.Name+": mean of "+counted(n, "span")+", without its calls")
		}
	}
}

// covered is how much of the time between two moments some stretches cover.
func covered(stretches []stretch, from, to float64) float64 {
	slices.SortFunc(stretches, func(a, b stretch) int { return cmp.Or(cmp.Compare(a.from, b.from), cmp.Compare(a.to, b.to)) })
	total := 0.0
	for _, s := range stretches {
		if s.from = max(s.from, from); min(s.to, to) > s.from {
			from = min(s.to, to)
			total += from - s.from
		}
	}
	return total
}

// fewTraces is how many traces show only what is called often: one call in a
// hundred requests is in none of a hundred traces with probability 0.37.
const fewTraces = 100

func warnOfFewTraces(d *Draft, f File, traces, links int) {
	if links > 0 && traces < fewTraces {
		d.Warnf(f.whole(), "export more of them, or import the dependencies of a whole day",
			"%s of what is sampled: a need that is called seldom may not be among them", plural(traces, "trace is part", "traces are part"))
	}
}
