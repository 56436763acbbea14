package out

import (
	"fmt"
	"strings"

	"github.com/knockon/knockon/catalog"
	"github.com/knockon/knockon/catalog/unit"
	"github.com/knockon/knockon/graph"
)

// describe says what a need is and what for: "needs payments (the money)".
func describe(g *graph.Graph, e *graph.Need) string { return needText(g, e) + purpose(e) }

// purpose is what a need is for, in brackets, if the catalog says it.
func purpose(e *graph.Need) string {
	if e.Declared == nil || e.Declared.For == "" {
		return ""
	}
	return " (" + e.Declared.For + ")"
}

// needText says what a need is in the words of the language: "needs payments",
// "needs 2 of kv-a, kv-b, kv-c to start".
func needText(g *graph.Graph, e *graph.Need) string {
	names := targetNames(g, e)
	if e.Lease != nil {
		return fmt.Sprintf("holds lease %s through %s", e.Lease.ID, strings.Join(names, " and "))
	}
	n := e.Declared
	var b strings.Builder
	switch {
	case n.IsGroup():
		fmt.Fprintf(&b, "needs %d of %s", n.AtLeast, strings.Join(names, ", "))
	case n.Fresh:
		fmt.Fprintf(&b, "needs %s to be recent", names[0])
	default:
		fmt.Fprintf(&b, "needs %s", names[0])
	}
	if n.To != catalog.ToServe {
		fmt.Fprintf(&b, " to %s", n.To)
	}
	if n.Mode == catalog.Async {
		b.WriteString(" through a queue")
	}
	return b.String()
}

func targetNames(g *graph.Graph, e *graph.Need) []string {
	var names []string
	for _, t := range g.Targets(e) {
		names = append(names, g.ID(t))
	}
	return names
}

// because says why a service came to its outcome: what it needs, what became of
// that, and what it was needed for.
func because(g *graph.Graph, b *graph.Blast, cause graph.Node, e *graph.Need) string {
	text := needText(g, e) + ": " + verdict(g, b, cause, e)
	if b.Corrupt(e.From) {
		text += ", so it answers wrongly"
	}
	return text + purpose(e)
}

func verdict(g *graph.Graph, b *graph.Blast, cause graph.Node, e *graph.Need) string {
	became := outcomeWord(b.Outcome(cause), b.Corrupt(cause))
	id := g.ID(cause)
	switch n := e.Declared; {
	case e.Lease != nil:
		return fmt.Sprintf("%s is %s, and what is held runs out", id, became)
	case n.IsGroup():
		return fmt.Sprintf("too few are left with %s %s", id, became)
	case n.Fallback != "" && id == n.Fallback:
		return fmt.Sprintf("its fallback %s is %s", id, became)
	case b.Corrupt(cause) && n.Believes:
		return "it answers wrongly and is believed"
	case n.TTL.IsStated():
		return fmt.Sprintf("it is %s, and what is known lasts %s", became, n.TTL.V)
	}
	return "it is " + became
}

func outcomeWord(o graph.Outcome, corrupt bool) string {
	if corrupt {
		return "answering wrongly"
	}
	return o.String()
}

// held says what a failure met at a need through which it did not pass.
func held(g *graph.Graph, h graph.Containment) string {
	e := h.Need
	lost := make([]string, len(h.Lost))
	for i, v := range h.Lost {
		lost[i] = g.ID(v)
	}
	what := strings.Join(lost, ", ")
	delay, _ := e.Delay()
	switch h.Barrier {
	case graph.ByFallback:
		if f, ok := e.Fallback(); ok {
			return fmt.Sprintf("%s answers in place of %s", g.ID(f), what)
		}
		return fmt.Sprintf("the answer comes from elsewhere without %s", what)
	case graph.ByRedundancy:
		return fmt.Sprintf("%d of %d are enough without %s", e.AtLeast(), len(g.Targets(e)), what)
	case graph.ByCache:
		return fmt.Sprintf("what it knows of %s lasts %s", what, delay)
	case graph.ByLease:
		return fmt.Sprintf("what is held lasts %s without %s", delay, what)
	case graph.ByQueue:
		return fmt.Sprintf("work may wait %s for %s", delay, what)
	case graph.ByStaticStability:
		return staticStability(e, what)
	}
	return fmt.Sprintf("what is left of %s is enough", what)
}

func staticStability(e *graph.Need, what string) string {
	n := e.Declared
	switch {
	case n == nil:
		return fmt.Sprintf("what is held runs on without %s", what)
	case n.To == catalog.ToRepair:
		return fmt.Sprintf("runs on; %s is needed only to repair it", what)
	case n.IfLost == catalog.Stale:
		return fmt.Sprintf("goes on with what it last knew of %s", what)
	}
	return fmt.Sprintf("%s still serves, though it cannot change", what)
}

// assumption says which unstated time was taken to be zero.
func assumption(g *graph.Graph, e *graph.Need) string {
	if e.Lease != nil {
		return fmt.Sprintf("lease %s states no ttl: taken to run out at once", e.Lease.ID)
	}
	return fmt.Sprintf("%s states no within for %s: taken to feel it at once", g.ID(e.From), strings.Join(targetNames(g, e), ", "))
}

// when prints a time after the failure.
func when(d unit.Duration) string {
	if d == 0 {
		return "at once"
	}
	return "after " + d.String()
}

// plural is "1 service" or "3 services".
func plural(n int, one string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %ss", n, one)
}
