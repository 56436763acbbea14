package graph

import (
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"

	"github.com/knockon/knockon/catalog"
)

// A fault tree of the Open-PSA Model Exchange Format (open-psa.org, version 2.0d) is
// read as a catalog: a basic event is a service that needs nothing and can fail, a gate
// is a service that cannot fail by itself. Of event trees, parameters that are not
// numbers and everything else that is not a fault tree nothing is taken.

// psaTree is a fault tree as it is written.
type psaTree struct {
	gates  map[string]*psaGate
	names  []string // of gates, in the order of the file
	events map[string]float64
	houses map[string]bool
}

// psaGate is a connective over gates, events, or connectives within it.
type psaGate struct {
	op   string // and, or, atleast, not, xor, nand, nor, iff, imply, cardinality; "" for just its one term
	k, l int
	of   []psaTerm
}

// psaTerm is one of the three.
type psaTerm struct {
	kind string // gate, event, house, constant; "" for a connective
	name string
	gate *psaGate
}

// Bounds on what is read: a file of another's making is not to be trusted.
const (
	psaMaxTerms = 1 << 20
	psaMaxDepth = 200
)

type psaReader struct {
	*psaTree
	d     *xml.Decoder
	terms int
}

func readPSA(r io.Reader) (*psaTree, error) {
	p := psaReader{
		psaTree: &psaTree{gates: make(map[string]*psaGate), events: make(map[string]float64), houses: make(map[string]bool)},
		d:       xml.NewDecoder(r),
	}
	root, err := p.next()
	if err != nil || root == nil || root.Name.Local != "opsa-mef" {
		return nil, errors.Join(errors.New("it is not an Open-PSA model"), err)
	}
	if err := p.children(0, p.define); err != nil {
		return nil, err
	}
	if len(p.names) == 0 {
		return nil, errors.New("there is no gate")
	}
	return p.psaTree, nil
}

// next returns the next element that begins, or nil where one ends.
func (p *psaReader) next() (*xml.StartElement, error) {
	for {
		token, err := p.d.Token()
		if err != nil {
			return nil, err
		}
		switch t := token.(type) {
		case xml.StartElement:
			t = t.Copy()
			return &t, nil
		case xml.EndElement:
			return nil, nil
		}
	}
}

// children tells of the elements in one. What it does not end itself is skipped.
func (p *psaReader) children(depth int, tell func(depth int, e *xml.StartElement) error) error {
	if depth > psaMaxDepth {
		return errors.New("too deep")
	}
	for {
		e, err := p.next()
		if e == nil || err != nil {
			return err
		}
		if err := tell(depth+1, e); err != nil {
			return err
		}
	}
}

func (p *psaReader) define(depth int, e *xml.StartElement) error {
	name := attribute(e, "name")
	switch e.Name.Local {
	case "define-fault-tree", "define-component", "model-data":
		return p.children(depth, p.define)
	case "define-gate":
		if _, twice := p.gates[name]; twice || name == "" {
			return fmt.Errorf("gate %q is defined twice or has no name", name)
		}
		g := &psaGate{}
		p.gates[name] = g
		p.names = append(p.names, name)
		err := p.children(depth, p.into(g))
		if err == nil && len(g.of) != 1 {
			err = fmt.Errorf("gate %q has %d formulas", name, len(g.of))
		}
		return err
	case "define-basic-event":
		p.events[name] = 0
		return p.children(depth, func(_ int, v *xml.StartElement) error {
			if v.Name.Local == "float" {
				f, err := strconv.ParseFloat(attribute(v, "value"), 64)
				if err != nil || !(f >= 0 && f <= 1) {
					return fmt.Errorf("event %q has the probability %q", name, attribute(v, "value"))
				}
				p.events[name] = f
			}
			return p.d.Skip()
		})
	case "define-house-event":
		return p.children(depth, func(_ int, v *xml.StartElement) error {
			if v.Name.Local == "constant" {
				p.houses[name] = attribute(v, "value") == "true"
			}
			return p.d.Skip()
		})
	}
	return p.d.Skip()
}

// into reads terms of a connective.
func (p *psaReader) into(g *psaGate) func(depth int, e *xml.StartElement) error {
	return func(depth int, e *xml.StartElement) error {
		if p.terms++; p.terms > psaMaxTerms {
			return errors.New("too many terms")
		}
		name := attribute(e, "name")
		switch kind := e.Name.Local; kind {
		case "label", "attributes":
			return p.d.Skip()
		case "gate", "basic-event", "house-event", "event":
			g.of = append(g.of, psaTerm{kind: kind, name: name})
			if kind == "event" && attribute(e, "type") != "" {
				g.of[len(g.of)-1].kind = attribute(e, "type")
			}
			return p.d.Skip()
		case "constant":
			g.of = append(g.of, psaTerm{kind: kind, name: attribute(e, "value")})
			return p.d.Skip()
		case "and", "or", "atleast", "not", "xor", "nand", "nor", "iff", "imply", "cardinality":
			within := &psaGate{op: kind}
			if kind == "atleast" || kind == "cardinality" {
				k, err := strconv.ParseUint(attribute(e, "min"), 10, 20)
				if err != nil {
					return fmt.Errorf("min=%q is not a number", attribute(e, "min"))
				}
				within.k = int(k)
				if kind == "cardinality" {
					l, err := strconv.ParseUint(attribute(e, "max"), 10, 20)
					if err != nil {
						return fmt.Errorf("max=%q is not a number", attribute(e, "max"))
					}
					within.l = int(l)
				}
			}
			g.of = append(g.of, psaTerm{gate: within})
			return p.children(depth, p.into(within))
		default:
			return fmt.Errorf("there is no connective %q", kind)
		}
	}
}

func attribute(e *xml.StartElement, name string) string {
	for _, a := range e.Attr {
		if a.Name.Local == name {
			return a.Value
		}
	}
	return ""
}

// tops are the gates that no other names.
func (p *psaTree) tops() []string {
	named := make(map[string]bool)
	var mark func(g *psaGate)
	mark = func(g *psaGate) {
		for _, t := range g.of {
			switch {
			case t.gate != nil:
				mark(t.gate)
			case p.gates[t.name] != nil && (t.kind == "gate" || t.kind == "event"):
				named[t.name] = true
			}
		}
	}
	for _, g := range p.gates {
		mark(g)
	}
	return slices.DeleteFunc(slices.Clone(p.names), func(n string) bool { return named[n] })
}

// psaCatalog is a fault tree as services.
type psaCatalog struct {
	catalog  *catalog.Catalog
	top      string
	fail     map[string]float64 // the basic events, and how probable they are
	given    []string           // house events that are true
	negates  map[string]string  // services that fail exactly when another has not
	tree     *psaTree
	services map[string]*catalog.Service
	open     map[string]bool // gates under way, to see one that needs itself
	nots     int
}

// services makes services of a fault tree: of a gate one that fails when it is true.
// An OR has a hard need for each of its terms; an AND, for one of them at least; k of n,
// for n-k+1 at least. Negations are pushed down to the events by De Morgan's laws, and
// that of an event is a service that fails when the event has not.
func (p *psaTree) services() (*psaCatalog, error) {
	tops := p.tops()
	if len(tops) != 1 {
		return nil, fmt.Errorf("%d gates are named by no other; one should be the top", len(tops))
	}
	c := &psaCatalog{
		tree: p, fail: make(map[string]float64), negates: make(map[string]string),
		services: make(map[string]*catalog.Service), open: make(map[string]bool),
	}
	top, err := c.gate(tops[0], false)
	if err != nil {
		return nil, err
	}
	c.top = top
	c.catalog = &catalog.Catalog{}
	for _, s := range c.services {
		slices.SortStableFunc(s.Needs, compareNeeds)
		c.catalog.Services = append(c.catalog.Services, *s)
	}
	slices.SortFunc(c.catalog.Services, func(a, b catalog.Service) int {
		switch {
		case a.ID < b.ID:
			return -1
		case a.ID > b.ID:
			return 1
		}
		return 0
	})
	slices.Sort(c.given)
	c.given = slices.Compact(c.given)
	return c, c.catalog.CheckValid()
}

func (c *psaCatalog) service(id string) *catalog.Service {
	s := c.services[id]
	if s == nil {
		n := service(id)
		s = &n
		c.services[id] = s
	}
	return s
}

// gate returns the service of a gate, or of its negation.
func (c *psaCatalog) gate(name string, negated bool) (string, error) {
	id := "gate " + name
	if negated {
		id = "no " + id
	}
	if c.open[id] {
		return "", fmt.Errorf("gate %q needs itself", name)
	}
	if c.services[id] != nil {
		return id, nil
	}
	g := c.tree.gates[name]
	if g == nil {
		return "", fmt.Errorf("there is no gate %q", name)
	}
	c.open[id] = true
	defer delete(c.open, id)
	s := c.service(id)
	of, err := c.term(g.of[0], negated)
	s.Needs = append(s.Needs, on(of))
	return id, err
}

// term returns the service of a term, or of its negation.
func (c *psaCatalog) term(t psaTerm, negated bool) (string, error) {
	switch kind := t.kind; {
	case t.gate != nil:
		return c.connective(t.gate, negated)
	case kind == "constant", kind == "house-event":
		is := t.name == "true"
		if kind == "house-event" {
			is = c.tree.houses[t.name]
		}
		if is != negated {
			c.given = append(c.given, "true")
			return c.service("true").ID, nil
		}
		return c.service("false").ID, nil
	case kind == "gate", kind == "event" && c.tree.gates[t.name] != nil:
		return c.gate(t.name, negated)
	}
	p, ok := c.tree.events[t.name]
	if !ok {
		return "", fmt.Errorf("there is no event %q", t.name)
	}
	id := "event " + t.name
	c.service(id)
	c.fail[id] = p
	if negated {
		c.negates["no "+id] = id
		id = c.service("no " + id).ID
		c.fail[id] = 1 - p
	}
	return id, nil
}

// connective returns a service for a connective within a gate.
func (c *psaCatalog) connective(g *psaGate, negated bool) (string, error) {
	n := len(g.of)
	if n == 0 {
		return "", fmt.Errorf("%s of nothing", g.op)
	}
	k := 0
	switch g.op {
	case "or", "nor":
		k = 1
	case "and", "nand":
		k = n
	case "atleast":
		k = g.k
	case "not":
		if n != 1 {
			return "", fmt.Errorf("not of %d terms", n)
		}
		return c.term(g.of[0], !negated)
	case "xor", "iff": // a but not b, or b but not a
		if n != 2 {
			return "", fmt.Errorf("%s of %d terms", g.op, n)
		}
		return c.connective(&psaGate{op: "or", of: []psaTerm{
			{gate: &psaGate{op: "and", of: []psaTerm{g.of[0], not(g.of[1])}}},
			{gate: &psaGate{op: "and", of: []psaTerm{not(g.of[0]), g.of[1]}}},
		}}, negated != (g.op == "iff"))
	case "imply":
		if n != 2 {
			return "", fmt.Errorf("imply of %d terms", n)
		}
		return c.connective(&psaGate{op: "or", of: []psaTerm{not(g.of[0]), g.of[1]}}, negated)
	case "cardinality":
		return c.connective(&psaGate{op: "and", of: []psaTerm{
			{gate: &psaGate{op: "atleast", k: g.k, of: g.of}},
			not(psaTerm{gate: &psaGate{op: "atleast", k: g.l + 1, of: g.of}}),
		}}, negated)
	}
	if g.op == "nor" || g.op == "nand" {
		negated = !negated
	}
	if negated { // fewer than k of n are true: n-k+1 are not
		k = n - k + 1
	}
	var of []string
	for _, t := range g.of {
		id, err := c.term(t, negated)
		if err != nil {
			return "", err
		}
		of = append(of, id)
	}
	switch {
	case k <= 0:
		c.given = append(c.given, "true")
		return c.service("true").ID, nil
	case k > n:
		return c.service("false").ID, nil
	}
	c.nots++
	s := c.service(fmt.Sprintf("inner %d", c.nots))
	switch {
	case k == 1:
		for _, id := range of {
			if !slices.ContainsFunc(s.Needs, func(n catalog.Need) bool { return n.Targets[0] == id }) {
				s.Needs = append(s.Needs, on(id))
			}
		}
	default:
		slices.Sort(of)
		if k == n { // naming it twice changes nothing
			of = slices.Compact(of)
			k = len(of)
		}
		for i := 1; i < len(of); i++ { // else it counts twice: by way of another
			if of[i] == of[i-1] {
				c.nots++
				same := c.service(fmt.Sprintf("same %d", c.nots))
				same.Needs = append(same.Needs, on(of[i-1]))
				of[i-1] = same.ID
			}
		}
		slices.Sort(of)
		s.Needs = append(s.Needs, atLeast(len(of)-k+1, of))
	}
	return s.ID, nil
}

func not(t psaTerm) psaTerm { return psaTerm{gate: &psaGate{op: "not", of: []psaTerm{t}}} }
