package graph

import (
	"context"
	"fmt"
	"math/big"
	"math/bits"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// is evaluates a term by definition: the events of a set have happened.
func (p *psaTree) is(t psaTerm, happened func(event string) bool) bool {
	switch {
	case t.gate != nil:
	case t.kind == "constant":
		return t.name == "true"
	case t.kind == "house-event":
		return p.houses[t.name]
	case p.gates[t.name] != nil && (t.kind == "gate" || t.kind == "event"):
		return p.is(p.gates[t.name].of[0], happened)
	default:
		return happened(t.name)
	}
	true_, all := 0, len(t.gate.of)
	for _, u := range t.gate.of {
		if p.is(u, happened) {
			true_++
		}
	}
	switch t.gate.op {
	case "and":
		return true_ == all
	case "or":
		return true_ > 0
	case "not", "nor":
		return true_ == 0
	case "nand":
		return true_ < all
	case "xor":
		return true_ == 1
	case "iff":
		return true_ != 1
	case "atleast":
		return true_ >= t.gate.k
	case "cardinality":
		return true_ >= t.gate.k && true_ <= t.gate.l
	case "imply":
		return !p.is(t.gate.of[0], happened) || p.is(t.gate.of[1], happened)
	}
	panic("no connective " + t.gate.op)
}

// checkPSA holds a small fault tree against its definition. Minimal cut sets of one with
// negations are its minimal solutions: sets of events that make the top true when no
// other has happened, and of which no part does. Those of the Aralia suite are counted
// so too.
func checkPSA(t rapid.TB, p *psaTree) {
	c, err := p.services()
	if err != nil {
		return // said what is wrong
	}
	var events []string
	for e := range p.events {
		events = append(events, e)
	}
	slices.Sort(events)
	ft, chances, err := c.faultTree(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	top := psaTerm{kind: "gate", name: strings.TrimPrefix(c.top, "gate ")}
	probability := 0.0
	true_ := make([]bool, 1<<len(events))
	for set := range true_ {
		true_[set] = p.is(top, func(e string) bool { return set&(1<<slices.Index(events, e)) != 0 })
		if true_[set] {
			q := 1.0
			for i, e := range events {
				if set&(1<<i) != 0 {
					q *= p.events[e]
				} else {
					q *= 1 - p.events[e]
				}
			}
			probability += q
		}
	}
	orders := make([]*big.Int, 0, 12)
	for set, is := range true_ {
		for part := (set - 1) & set; is && set > 0; part = (part - 1) & set {
			is = !true_[part]
			if part == 0 {
				break
			}
		}
		if is {
			n := bits.OnesCount(uint(set))
			for len(orders) <= n {
				orders = append(orders, new(big.Int))
			}
			orders[n].Add(orders[n], big.NewInt(1))
		}
	}
	if got := ft.Orders(); fmt.Sprint(got) != fmt.Sprint(orders) {
		t.Fatalf("orders: got %v, want %v", got, orders)
	}
	if got := ft.Probability(chances); !near(got, probability) {
		t.Fatalf("probability: got %v, want %v", got, probability)
	}
}

// anyPSA draws fault trees of every connective.
func anyPSA(t *rapid.T, negations bool) *psaTree {
	p := &psaTree{gates: make(map[string]*psaGate), events: make(map[string]float64), houses: map[string]bool{"on": true, "off": false}}
	for i := range rapid.IntRange(1, 8).Draw(t, "events") {
		p.events[fmt.Sprint("e", i)] = rapid.SampledFrom([]float64{0.1, 0.5, 0.9, 0, 1, 0.01}).Draw(t, "chance")
	}
	ops := []string{"and", "or", "atleast", "and", "or"}
	if negations {
		ops = append(ops, "not", "xor", "iff", "imply", "nand", "nor", "cardinality")
	}
	gates := rapid.IntRange(1, 7).Draw(t, "gates")
	var term func(depth, from int) psaTerm
	term = func(depth, from int) psaTerm {
		switch kind := rapid.IntRange(0, 9).Draw(t, "kind"); {
		case kind < 3 && from < gates:
			return psaTerm{kind: "gate", name: fmt.Sprint("g", rapid.IntRange(from, gates-1).Draw(t, "gate"))}
		case kind < 5 && depth < 3:
			g := &psaGate{op: rapid.SampledFrom(ops).Draw(t, "op")}
			n := rapid.IntRange(1, 4).Draw(t, "terms")
			switch g.op {
			case "not":
				n = 1
			case "xor", "iff", "imply":
				n = 2
			case "atleast":
				g.k = rapid.IntRange(0, n+1).Draw(t, "k")
			case "cardinality":
				g.k = rapid.IntRange(0, n).Draw(t, "k")
				g.l = rapid.IntRange(g.k, n).Draw(t, "l")
			}
			for range n {
				g.of = append(g.of, term(depth+1, from))
			}
			return psaTerm{gate: g}
		case kind == 9:
			return psaTerm{kind: "house-event", name: rapid.SampledFrom([]string{"on", "off"}).Draw(t, "house")}
		}
		return psaTerm{kind: "basic-event", name: fmt.Sprint("e", rapid.IntRange(0, len(p.events)-1).Draw(t, "event"))}
	}
	for i := range gates {
		name := fmt.Sprint("g", i)
		p.names = append(p.names, name)
		p.gates[name] = &psaGate{of: []psaTerm{term(0, i+1)}}
	}
	// One top: whatever no other names.
	root := &psaGate{op: rapid.SampledFrom([]string{"and", "or"}).Draw(t, "root")}
	for _, name := range p.tops() {
		root.of = append(root.of, psaTerm{kind: "gate", name: name})
	}
	p.names = append(p.names, "root")
	p.gates["root"] = &psaGate{of: []psaTerm{{gate: root}}}
	return p
}

func TestFaultTreesByDefinition(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) { checkPSA(t, anyPSA(t, rapid.Bool().Draw(t, "negations"))) })
}

// FuzzOpenPSA: a file either says what is wrong with it, or is read as what it says.
func FuzzOpenPSA(f *testing.F) {
	model := func(gates string) string {
		return `<opsa-mef><define-fault-tree name="x">` + gates + `</define-fault-tree><model-data>
<define-basic-event name="a"><float value="0.1"/></define-basic-event>
<define-basic-event name="b"><float value="0.5"/></define-basic-event>
<define-house-event name="h"><constant value="true"/></define-house-event></model-data></opsa-mef>`
	}
	f.Add(model(`<define-gate name="t"><or><basic-event name="a"/><gate name="u"/></or></define-gate>
<define-gate name="u"><atleast min="2"><event name="a"/><basic-event name="b"/><house-event name="h"/></atleast></define-gate>`))
	f.Add(model(`<define-gate name="t"><label>xor</label><xor><basic-event name="a"/><not><basic-event name="b"/></not></xor></define-gate>`))
	f.Add(model(`<define-gate name="t"><and><gate name="t"/></and></define-gate>`))
	f.Add(model(`<define-gate name="t"><cardinality min="1" max="1"><basic-event name="a"/><basic-event name="a"/></cardinality></define-gate>`))
	f.Add(model(`<define-gate name="t"><atleast min="-1"><basic-event name="a"/></atleast></define-gate>`))
	f.Add(model(``))
	f.Add(`<opsa-mef>`)
	f.Fuzz(func(t *testing.T, text string) {
		p, err := readPSA(strings.NewReader(text))
		if err == nil && len(p.events) <= 10 && len(p.gates) <= 20 && len(text) < 4000 {
			checkPSA(t, p)
		}
	})
}
