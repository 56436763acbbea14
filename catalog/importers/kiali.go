package importers

import (
	"math"
	"strconv"

	"github.com/knockon/knockon/catalog"
)

// kiali reads the traffic graphs of a service mesh. Versions of an app, its workloads
// and the Service in front of them are one service, named namespace/app.
//
// Source: graph/config/common/common.go in kiali/kiali.
var kiali = Format{
	Name:  "kiali",
	Title: "Kiali",
	What:  "the answer of GET /api/namespaces/graph?namespaces=…&graphType=…",
	detects: func(s *sample) bool {
		return s.has("elements.nodes", "graphType") || s.has("elements.nodes[].data.nodeType")
	},
	reads: func(d *Draft, files []File, _ Options) {
		for _, f := range files {
			docs, err := readTrees(f.Data)
			if err != nil || len(docs) == 0 || docs[0].get("elements") == nil {
				d.Errorf(f.whole(), "ask for GET /api/namespaces/graph?namespaces=…", "this is no graph of Kiali%s", behindColon(err))
				continue
			}
			readKiali(d, f, docs[0])
		}
	},
}

// behindColon prints ": reason", or nothing.
func behindColon(err error) string {
	if err == nil {
		return ""
	}
	return ": " + err.Error()
}

func readKiali(d *Draft, f File, t *tree) {
	const outside = "\x00" // requests from what is not known
	names := make(map[string]string)
	boxes := 0
	for _, n := range t.get("elements", "nodes").list() {
		data := n.get("data")
		id := data.get("id").str()
		if data.get("nodeType").str() == "box" || known(data.get("isBox")) != "" {
			boxes++
			continue
		}
		name := kialiName(data)
		if name == "" {
			names[id] = outside
			continue
		}
		names[id] = name
		s := d.Declare(name, f.at(data.line))
		s.Group = cleanGroup(known(data.get("namespace")))
		switch {
		case data.get("isWaypoint").str() == "true":
			s.Kind, s.KindGuess = catalog.KindGateway, ""
		case data.get("isServiceEntry") != nil && data.get("isServiceEntry").kind != nullTree:
			s.Kind, s.KindGuess = catalog.KindExternal, ""
		default:
			s.guessKind(kialiApp(data), "from its name")
		}
		if data.get("isRoot").str() == "true" {
			d.Enter(name)
		}
	}
	if len(names) == 0 {
		d.Warnf(f.whole(), "ask for a longer duration, and for namespaces in which requests are made", "there is nothing in this graph")
		return
	}
	seconds := number64(t.get("duration"))
	if seconds <= 0 {
		seconds = 1
	}
	traffic := d.Traffic(f.Name)
	traffic.outside = make(map[string]float64)
	dangling := 0
	for _, e := range t.get("elements", "edges").list() {
		data := e.get("data")
		from, on := names[data.get("source").str()], names[data.get("target").str()]
		requests, failed := kialiRequests(data.get("traffic", "rates"))
		requests, failed = math.Round(requests*seconds), math.Round(failed*seconds)
		switch {
		case from == "" || on == "":
			dangling++
		case on == outside:
		case from == outside:
			d.Enter(on)
			traffic.outside[cleanName(on)] += requests
		case requests > 0:
			traffic.Call(from, on, requests, failed, Claim{At: f.at(data.line)})
		default: // bytes of TCP, or idle
			rule := "idle"
			if protocol := data.get("traffic", "protocol").str(); protocol != "" {
				rule = cleanName(protocol)
			}
			d.Need(from, on, Claim{At: f.at(data.line), Rule: rule, Observed: rule != "idle"})
		}
	}
	traffic.Done()
	if dangling > 0 {
		d.Warnf(f.whole(), "", "%s no node, or a box of them, at an end, and %s left out", plural(dangling, "edge has", "edges have"), map[bool]string{true: "is", false: "are"}[dangling == 1])
	}
}

// kialiName is what a node is called; "" for what the mesh does not know.
func kialiName(data *tree) string {
	app := kialiApp(data)
	if app == "" {
		return ""
	}
	if namespace := data.get("namespace").str(); namespace != "" {
		return cleanName(namespace + "/" + app)
	}
	return cleanName(app)
}

func kialiApp(data *tree) string {
	keys := []string{"app", "workload", "service"}
	if data.get("nodeType").str() == "service" {
		keys = []string{"service", "app", "workload"}
	}
	for _, key := range keys {
		if name := known(data.get(key)); name != "" {
			return name
		}
	}
	return ""
}

// known is the text of a value, unless it says that it is unknown.
func known(t *tree) string {
	if s := t.str(); s != "unknown" && s != "false" {
		return s
	}
	return ""
}

// kialiRequests are the requests a second on an edge, and those that failed at the
// server. Rates of TCP are bytes and count nothing.
func kialiRequests(rates *tree) (all, failed float64) {
	for _, r := range rates.entries() {
		switch r.name {
		case "http", "grpc":
			all += number64(r.value)
		case "http5xx", "httpNoResponse", "grpcErr", "grpcNoResponse":
			failed += number64(r.value)
		}
	}
	return all, failed
}

// number64 is a number, in quotes or not; 0 for what is none, not finite or below 0.
func number64(t *tree) float64 {
	v, err := strconv.ParseFloat(t.str(), 64)
	if err != nil || !(v >= 0) || v > 1e15 {
		return 0
	}
	return v
}
