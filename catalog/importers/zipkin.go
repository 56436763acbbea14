package importers

import (
	"cmp"
	"encoding/json"
	"errors"
	"slices"
	"strings"

	"github.com/knockon/knockon/catalog"
	"github.com/knockon/knockon/catalog/unit"
)

// zipkin reads what Zipkin's API answers: dependencies, and spans of version 2.
//
// Spans become links as in Zipkin's own DependencyLinker, but for one: Zipkin draws
// broker → consumer, the way the message goes. A consumer needs its broker.
//
// Source: zipkin2/internal/{DependencyLinker,SpanNode,Trace}.java in openzipkin/zipkin.
var zipkin = Format{
	Name:  "zipkin",
	Title: "Zipkin",
	What:  "GET /api/v2/dependencies, or spans and traces of version 2",
	detects: func(s *sample) bool {
		return isDependencies(s) || s.has("[].traceId", "[].id") || s.has("[][].traceId", "[][].id") || s.has("traceId", "id")
	},
	reads: readZipkin,
}

type zipkinSpan struct {
	TraceID, ID, ParentID string
	Kind                  string
	Shared                bool
	LocalEndpoint         struct{ ServiceName, IPv4, IPv6 string }
	RemoteEndpoint        struct{ ServiceName string }
	Tags                  map[string]any

	parent   *zipkinSpan
	children int
	orphan   bool // its parent is not there, so it hangs on the root
}

func (s *zipkinSpan) local() string  { return strings.ToLower(s.LocalEndpoint.ServiceName) }
func (s *zipkinSpan) remote() string { return strings.ToLower(s.RemoteEndpoint.ServiceName) }

// endpoint tells servers apart that share the ID of a client's span.
func (s *zipkinSpan) endpoint() string {
	return s.local() + " " + s.LocalEndpoint.IPv4 + " " + s.LocalEndpoint.IPv6
}

func readZipkin(d *Draft, files []File, _ Options) {
	for _, f := range files {
		t := d.Traffic(f.Name)
		traces := make(map[string][]*zipkinSpan)
		var order []string
		add := func(s *zipkinSpan) {
			// IDs of 64 and 128 bits of one trace differ in their front.
			id := s.TraceID[max(0, len(s.TraceID)-16):]
			if traces[id] == nil {
				order = append(order, id)
			}
			traces[id] = append(traces[id], s)
		}
		var read func(value json.RawMessage, depth int) error
		read = func(value json.RawMessage, depth int) error {
			if value[0] == '[' && depth < 3 {
				var items []json.RawMessage
				if err := json.Unmarshal(value, &items); err != nil {
					return err
				}
				for _, item := range items {
					if err := read(item, depth+1); err != nil {
						return err
					}
				}
				return nil
			}
			var either struct {
				zipkinSpan
				calledService
			}
			if err := json.Unmarshal(value, &either); err != nil {
				return err
			}
			switch {
			case either.Parent != "" && either.Child != "":
				either.calledService.read(d, t, f)
			case either.TraceID != "" && either.ID != "":
				s := either.zipkinSpan
				add(&s)
			default:
				return errors.New("neither a dependency nor a span of version 2")
			}
			return nil
		}
		if err := jsonValues(f.Data, func(value json.RawMessage) error { return read(value, 0) }); err != nil {
			d.Errorf(f.whole(), "", "this is no answer of Zipkin: %v", err)
			continue
		}
		unnamed := 0
		for _, id := range order {
			unnamed += linkZipkin(d, t, f, traces[id])
		}
		if unnamed > 0 {
			d.Warnf(f.whole(), "", "%s no service, so needs may be missing", plural(unnamed, "span names", "spans name"))
		}
		warnOfBrokers(d, t, f)
		if len(order) > 0 {
			warnOfFewTraces(d, f, len(order), len(t.links))
		}
		t.Done()
	}
}

// linkZipkin adds the calls of one trace, and returns how many spans have no service.
func linkZipkin(d *Draft, t *Traffic, f File, spans []*zipkinSpan) (unnamed int) {
	spans = treeOfZipkin(spans)
	for _, s := range spans {
		if s.local() == "" {
			unnamed++
		}
		if s.Kind == "SERVER" || s.Kind == "CONSUMER" {
			t.Request(s.local(), 1)
		}
		failed := 0.0
		if _, is := s.Tags["error"]; is {
			failed = 1
		}
		how := Claim{At: f.whole(), Rule: "spans,", Known: unit.Stated}
		if s.orphan {
			how.Known, how.Guess = unit.Guess, "the caller, whose span is missing"
		}
		call := func(from, on string, failed float64, mode catalog.Mode) {
			if from == "" || on == "" {
				return
			}
			how.Mode = mode
			for _, name := range []string{from, on} {
				d.Declare(name, f.whole()).guessKind(name, "from its name")
			}
			t.Call(from, on, 1, failed, how)
		}
		// The server's name is the better one; the client's counts where nobody answered.
		if s.Kind == "CLIENT" && s.children > 0 {
			continue
		}
		kind := s.Kind
		if kind == "" && s.local() != "" && s.remote() != "" {
			kind = "CLIENT" // both sides are known
		}
		switch kind {
		case "PRODUCER":
			call(s.local(), s.remote(), failed, catalog.Async)
			continue
		case "CONSUMER":
			if s.local() != "" && s.remote() != "" {
				for _, name := range []string{s.local(), s.remote()} {
					d.Declare(name, f.whole()).guessKind(name, "from its name")
				}
				t.Receive(s.local(), s.remote(), 1, Claim{At: f.whole(), Rule: "spans,", Mode: catalog.Async, Known: unit.Stated})
			}
			continue
		case "SERVER", "CLIENT":
		default:
			continue
		}
		from, on := s.local(), s.remote()
		if kind == "SERVER" {
			from, on = s.remote(), s.local()
		}
		if caller := s.caller(); caller != nil && caller.local() != "" {
			if kind == "CLIENT" && s.local() != "" && caller.local() != s.local() {
				call(caller.local(), s.local(), 0, catalog.Sync) // a server that recorded nothing
			}
			if kind == "SERVER" || from == "" {
				from = caller.local()
			}
		}
		call(from, on, failed, catalog.Sync)
	}
	return unnamed
}

// caller is the nearest span above that is remote.
func (s *zipkinSpan) caller() *zipkinSpan {
	for p, steps := s.parent, 0; p != nil && steps < 10_000; p, steps = p.parent, steps+1 {
		if p.Kind != "" {
			return p
		}
	}
	return nil
}

// treeOfZipkin joins what was reported of one span in parts, and finds parents.
func treeOfZipkin(spans []*zipkinSpan) []*zipkinSpan {
	slices.SortStableFunc(spans, func(a, b *zipkinSpan) int {
		return cmp.Or(
			strings.Compare(a.ID, b.ID),
			compareFlags(a.Shared, b.Shared),
			compareFlags(a.Kind != "CLIENT", b.Kind != "CLIENT"),
		)
	})
	var merged []*zipkinSpan
	clients := make(map[string]*zipkinSpan) // spans that are not shared, by ID
	servers := make(map[string]*zipkinSpan) // shared ones, by ID and endpoint, and by ID alone
	for _, s := range spans {
		var last *zipkinSpan
		if n := len(merged); n > 0 && merged[n-1].ID == s.ID {
			last = merged[n-1]
		}
		if last != nil && last.Kind == "CLIENT" && s.Kind == "SERVER" {
			s.Shared = true // whether it says so or not
		}
		if last != nil && last.Shared == s.Shared && (last.endpoint() == s.endpoint() || s.local() == "") {
			last.merge(s)
			continue
		}
		if last != nil && s.ParentID == "" {
			s.ParentID = last.ParentID
		}
		merged = append(merged, s)
		if !s.Shared {
			if clients[s.ID] == nil { // the client's comes first
				clients[s.ID] = s
			}
			continue
		}
		servers[s.ID+" "+s.endpoint()] = s
		if servers[s.ID] == nil {
			servers[s.ID] = s
		}
	}
	var root *zipkinSpan
	if i := slices.IndexFunc(merged, func(s *zipkinSpan) bool { return !s.Shared && s.ParentID == "" }); i >= 0 {
		root = merged[i]
	}
	for _, s := range merged {
		switch {
		case s.Shared:
			s.parent = clients[s.ID]
		case s.ParentID != "":
			s.parent = cmp.Or(servers[s.ParentID+" "+s.endpoint()], clients[s.ParentID])
		}
		if s.parent == nil || s.parent == s {
			s.parent, s.orphan = root, true
		}
		if s.parent == s {
			s.parent = nil
		}
		if s.parent != nil {
			s.parent.children++
		}
	}
	return merged
}

// merge takes over what a part of the same span knows.
func (s *zipkinSpan) merge(part *zipkinSpan) {
	s.ParentID = cmp.Or(s.ParentID, part.ParentID)
	s.Kind = cmp.Or(s.Kind, part.Kind)
	s.LocalEndpoint.ServiceName = cmp.Or(s.LocalEndpoint.ServiceName, part.LocalEndpoint.ServiceName)
	s.RemoteEndpoint.ServiceName = cmp.Or(s.RemoteEndpoint.ServiceName, part.RemoteEndpoint.ServiceName)
	if s.Tags == nil {
		s.Tags = part.Tags
	} else if e, is := part.Tags["error"]; is {
		s.Tags["error"] = e
	}
}

// warnOfBrokers says that what a broker "calls" consumes from it.
func warnOfBrokers(d *Draft, t *Traffic, f File) {
	var drawn []string
	for e := range t.links {
		if s := d.Service(e.from); s != nil && s.Kind == catalog.KindQueue && t.links[e].claim.Known == unit.NotStated {
			drawn = append(drawn, e.from+" → "+e.on)
		}
	}
	slices.Sort(drawn)
	if len(drawn) > 0 {
		d.Warnf(f.whole(), "import the spans instead, or turn these needs round",
			"a broker calls nobody: %s drawn the way the message goes (%s)", plural(len(drawn), "dependency is", "dependencies are"), strings.Join(drawn[:min(3, len(drawn))], ", "))
	}
}
