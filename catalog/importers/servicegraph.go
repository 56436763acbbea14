package importers

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/knockon/knockon/catalog"
	"github.com/knockon/knockon/catalog/diag"
	"github.com/knockon/knockon/catalog/unit"
)

// servicegraph reads the metrics that Tempo, the OpenTelemetry collector and eBPF
// agents make of traces: requests, failures and latencies between a client and a
// server. They are taken from an answer of Prometheus, from its text format, or from
// metrics in OTLP.
//
// Source: modules/generator/processor/servicegraphs in grafana/tempo, and
// connector/servicegraphconnector in open-telemetry/opentelemetry-collector-contrib.
var servicegraph = Format{
	Name:  "servicegraph",
	Title: "service graph metrics",
	What:  "traces_service_graph_request_total as an answer of Prometheus, as text, or in OTLP",
	detects: func(s *sample) bool {
		return s.has("status", "data.resultType") || bytes.Contains(s.head, []byte("service_graph_request")) && !s.json["apiVersion"]
	},
	reads: readServiceGraph,
}

var graphMetric = regexp.MustCompile(`traces_service_graph_request_(failed_total|total|(?:messaging_system|client|server)(?:_seconds)?(?:_sum|_count|_bucket)?)`)

// graphLink is what the series say of one client and one server.
type graphLink struct {
	calls, failed          float64
	clientSum, clientCount float64 // latency in seconds
	serverSum, serverCount float64
	kind                   string // connection_type
}

type graphReader struct {
	d     *Draft
	f     File
	links map[edge]*graphLink
}

func readServiceGraph(d *Draft, files []File, o Options) {
	for _, f := range files {
		r := &graphReader{d: d, f: f, links: make(map[edge]*graphLink)}
		if err := r.read(); err != nil {
			d.Errorf(f.whole(), "", "these are no metrics of a service graph: %v", err)
			continue
		}
		if len(r.links) == 0 {
			d.Warnf(f.whole(), "ask for sum by (client, server, connection_type) (increase(traces_service_graph_request_total[7d]))",
				"there are no series of a service graph in this file")
		}
		r.done(o)
	}
}

func (r *graphReader) read() error {
	switch trimmed := bytes.TrimLeft(r.f.Data, " \t\r\n\ufeff"); {
	case bytes.HasPrefix(trimmed, []byte("{")):
		return jsonValues(r.f.Data, func(value json.RawMessage) error {
			t, err := readJSONTree(value)
			if err != nil {
				return err
			}
			if t.get("resourceMetrics") != nil {
				r.readOTLP(t)
				return nil
			}
			return r.readAnswer(value)
		})
	case bytes.Contains(r.f.Data, []byte("resourceMetrics:")):
		docs, err := readTrees(r.f.Data)
		for _, t := range docs {
			r.readOTLP(t)
		}
		return err
	}
	return r.readText()
}

// add takes in one value of one series.
func (r *graphReader) add(metric string, label func(string) string, value float64) {
	client, server := cleanName(label("client")), cleanName(label("server"))
	if client == "" || server == "" || math.IsNaN(value) || math.IsInf(value, 0) || value < 0 {
		return
	}
	what := "total" // a query by client and server drops the name
	if metric != "" {
		m := graphMetric.FindStringSubmatch(metric)
		if m == nil {
			return
		}
		what = strings.Replace(m[1], "_seconds", "", 1)
	}
	if label("failed") == "true" && what == "total" {
		r.link(client, server, label).failed += value
	}
	l := r.link(client, server, label)
	switch what {
	case "total":
		l.calls += value
	case "failed_total":
		l.failed += value
	case "client_sum":
		l.clientSum += value
	case "client_count":
		l.clientCount += value
	case "server_sum":
		l.serverSum += value
	case "server_count":
		l.serverCount += value
	}
}

func (r *graphReader) link(client, server string, label func(string) string) *graphLink {
	l := r.links[edge{client, server}]
	if l == nil {
		l = &graphLink{}
		if len(r.links) < maxNeeds {
			r.links[edge{client, server}] = l
		}
	}
	l.kind = cmp.Or(l.kind, label("connection_type"))
	return l
}

// readAnswer reads what /api/v1/query and /api/v1/query_range answer.
func (r *graphReader) readAnswer(value json.RawMessage) error {
	var answer struct {
		Status, Error string
		Data          struct {
			Result []struct {
				Metric map[string]string
				Value  []any
				Values [][]any
			}
		}
	}
	if err := json.Unmarshal(value, &answer); err != nil {
		return err
	}
	if answer.Status == "error" {
		return fmt.Errorf("the answer is an error: %s", cleanText(answer.Error))
	}
	for _, s := range answer.Data.Result {
		if n := len(s.Values); n > 0 {
			s.Value = s.Values[n-1] // counters grow: the last says all
		}
		if len(s.Value) != 2 {
			continue
		}
		text, _ := s.Value[1].(string)
		if v, err := strconv.ParseFloat(text, 64); err == nil {
			r.add(s.Metric["__name__"], func(name string) string { return s.Metric[name] }, v)
		}
	}
	return nil
}

// readText reads the text format of Prometheus.
func (r *graphReader) readText() error {
	for line := range strings.Lines(string(r.f.Data)) {
		line = strings.TrimSpace(line)
		if line == "" || line[0] == '#' || !graphMetric.MatchString(line) {
			continue
		}
		name, rest, ok := strings.Cut(line, "{")
		if !ok {
			continue
		}
		labels, rest, ok := textLabels(rest)
		fields := strings.Fields(rest)
		if !ok || len(fields) == 0 {
			continue
		}
		if v, err := strconv.ParseFloat(fields[0], 64); err == nil {
			r.add(strings.TrimSpace(name), func(name string) string { return labels[name] }, v)
		}
	}
	return nil
}

// textLabels reads name="value" pairs up to the closing brace.
func textLabels(s string) (labels map[string]string, rest string, ok bool) {
	labels = make(map[string]string)
	for {
		s = strings.TrimLeft(s, " \t,")
		if strings.HasPrefix(s, "}") {
			return labels, s[1:], true
		}
		name, value, found := strings.Cut(s, `="`)
		if !found {
			return labels, "", false
		}
		var b strings.Builder
		i := 0
		for ; i < len(value) && value[i] != '"'; i++ {
			if value[i] == '\\' && i+1 < len(value) {
				if i++; value[i] == 'n' {
					b.WriteByte('\n')
					continue
				}
			}
			b.WriteByte(value[i])
		}
		if i == len(value) {
			return labels, "", false
		}
		labels[strings.TrimSpace(name)] = b.String()
		s = value[i+1:]
	}
}

// readOTLP reads metrics as the collector writes them.
func (r *graphReader) readOTLP(t *tree) {
	for _, resource := range t.get("resourceMetrics").list() {
		for _, scope := range resource.get("scopeMetrics").list() {
			for _, metric := range scope.get("metrics").list() {
				name := metric.get("name").str()
				for _, p := range metric.get("sum", "dataPoints").list() {
					v, _ := strconv.ParseFloat(cmp.Or(p.get("asInt").str(), p.get("asDouble").str()), 64)
					r.add(name, pointLabel(p), v)
				}
				for _, p := range metric.get("histogram", "dataPoints").list() {
					sum, _ := strconv.ParseFloat(p.get("sum").str(), 64)
					count, _ := strconv.ParseFloat(p.get("count").str(), 64)
					r.add(name+"_sum", pointLabel(p), sum)
					r.add(name+"_count", pointLabel(p), count)
				}
			}
		}
	}
}

func pointLabel(p *tree) func(string) string {
	return func(name string) string {
		for _, a := range p.get("attributes").list() {
			if a.get("key").str() == name {
				for _, v := range a.get("value").entries() {
					return v.value.str()
				}
			}
		}
		return ""
	}
}

// done turns the series into services and needs.
func (r *graphReader) done(o Options) {
	t := r.d.Traffic(r.f.Name)
	edges := make([]edge, 0, len(r.links))
	servers := make(map[string]bool)
	for e := range r.links {
		edges = append(edges, e)
		servers[e.on] = true
	}
	slices.SortFunc(edges, func(a, b edge) int {
		return cmp.Or(strings.Compare(a.from, b.from), strings.Compare(a.on, b.on))
	})
	outside := make(map[string]float64)
	for _, e := range edges {
		l := r.links[e]
		if l.calls == 0 && l.failed > 0 {
			l.calls = l.failed
		}
		if l.calls == 0 && l.kind == "" && l.clientCount == 0 && l.serverCount == 0 {
			continue
		}
		if e.on == "unknown" || e.from == "unknown" {
			continue
		}
		if e.from == "user" && !servers["user"] {
			// Tempo's name for whoever sends requests without a trace.
			r.d.Declare(e.on, r.f.whole())
			r.d.Enter(e.on)
			outside[e.on] += l.calls
			continue
		}
		r.d.Declare(e.from, r.f.whole()).guessKind(e.from, "from its name")
		to := r.d.Declare(e.on, r.f.whole())
		c := Claim{At: r.f.whole()}
		switch l.kind {
		case "database":
			to.guessKind(e.on, "from its name")
			if to.Kind == catalog.KindService {
				to.Kind = catalog.KindDatabase
			}
		case "messaging_system":
			c.Mode, c.Known = catalog.Async, unit.Stated
		case "virtual_node":
			if to.guessKind(e.on, "from its name"); to.Kind == catalog.KindService {
				to.Kind, to.KindGuess = catalog.KindExternal, "as nothing of it is traced"
			}
		default:
			to.guessKind(e.on, "from its name")
		}
		t.Call(e.from, e.on, l.calls, l.failed, c)
	}
	t.outside = outside
	t.Done()
	r.loads(outside, o)
	r.serviceTimes(edges)
}

// loads states what enters from outside, where it is known over how long it was
// counted.
func (r *graphReader) loads(outside map[string]float64, o Options) {
	if o.Window <= 0 {
		return
	}
	for id, calls := range outside {
		if s := r.d.Service(id); s != nil && calls > 0 {
			s.Load = unit.Value[unit.Rate]{
				V: rateOf(calls / o.Window), Evidence: unit.Documented,
				Source: r.f.Name + ": " + counted(calls, "request") + " from outside",
			}
		}
	}
}

// rateOf is a rate to four digits of the unit in which it is written.
func rateOf(perSecond float64) unit.Rate {
	text := number(significant(perSecond)) + "/s"
	if perSecond < 1 {
		text = number(significant(perSecond*3600)) + "/h"
	}
	r, err := unit.ParseRate(text)
	if err != nil {
		return unit.Rate(perSecond)
	}
	return r
}

// serviceTimes states how long services take themselves: the mean latency that they
// report, less the time they wait for others. Where they wait for nobody it is what
// was measured; else it is worked out as if they asked one after another.
func (r *graphReader) serviceTimes(edges []edge) {
	type mean struct{ sum, count float64 }
	at, waits := make(map[string]mean), make(map[string]float64)
	for _, e := range edges {
		l := r.links[e]
		m := at[e.on]
		if l.serverCount > 0 {
			m.sum, m.count = m.sum+l.serverSum, m.count+l.serverCount
		} else if l.kind == "database" && l.clientCount > 0 {
			m.sum, m.count = m.sum+l.clientSum, m.count+l.clientCount
		}
		at[e.on] = m
		if l.kind != "messaging_system" && l.clientCount > 0 {
			waits[e.from] += l.clientSum
		}
	}
	for id, m := range at {
		s := r.d.Service(id)
		if s == nil || m.count == 0 {
			continue
		}
		own, evidence := m.sum, unit.Documented
		what := "mean of " + counted(m.count, "request")
		if waits[id] > 0 {
			own, evidence, what = m.sum-waits[id], unit.Fitted, what+", less the waiting for others"
		}
		if own <= 0 {
			continue
		}
		s.ServiceTime = meanTime(own/m.count, evidence, r.f.Name+": "+what)
	}
}

// meanTime is a service time in seconds, to four digits.
func meanTime(seconds float64, evidence unit.Evidence, source string) unit.Value[unit.Range] {
	nanos := significant(seconds * 1e9)
	if !(nanos >= 1) || nanos > float64(unit.MaxDuration) {
		return unit.Value[unit.Range]{}
	}
	d := unit.Duration(nanos)
	return unit.Value[unit.Range]{V: unit.Range{Low: d, High: d}, Evidence: evidence, Source: source, At: diag.Span{}}
}
