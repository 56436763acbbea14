package out

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/knockon/knockon/catalog"
	"github.com/knockon/knockon/propagate"
)

// Why explains one window of one service: a report.
type Why struct {
	Run     *Run
	Service string
	At      float64           // the time that was asked for; negative: the worst window
	Window  *propagate.Window // the impairment it had then; nil: it was healthy
	Cause   *propagate.Cause  // nil: it was healthy, or nothing is known that explains it
}

func (*Why) kind() string { return "explanation" }

// NewWhy explains what ailed a service at a time; see Explain.
func NewWhy(c *catalog.Catalog, res *propagate.Result, explain Explain, service string, at float64) *Why {
	w := &Why{Run: NewRun(c, res, RunOptions{}), Service: service, At: at, Cause: explain(service, at)}
	i := slices.IndexFunc(w.Run.Services, func(s RunService) bool { return s.ID == service })
	if i < 0 {
		return w
	}
	windows := w.Run.Services[i].Windows
	for k := range windows {
		x := &windows[k]
		switch {
		case at >= 0 && (at < x.From || at >= x.To && !x.Open):
		case w.Window == nil || x.State > w.Window.State:
			w.Window = x
		}
	}
	return w
}

// chainLinks is how many links of a chain a line shows: the nearest ones and the
// last, which is the root of it.
const chainLinks = 4

// The least share of a cause that is worth a line, and how deep a tree is drawn.
const (
	leastShare = 0.01
	treeDepth  = 40
)

// mainChain is the chain of the greatest shares below a cause, without the links that
// only lead on to the next.
func mainChain(c *propagate.Cause) []*propagate.Cause {
	var all []*propagate.Cause
	for n := 0; c != nil && n < treeDepth; n++ {
		if c.Kind != propagate.NeedCause && c.Kind != propagate.SeveralCauses || len(c.Because) == 0 {
			all = append(all, c)
		}
		if len(c.Because) == 0 {
			break
		}
		c = &c.Because[0]
	}
	return all
}

// chain puts the main chain below a cause on one line.
func (r *Run) chain(c *propagate.Cause, most int) string {
	var parts []string
	for _, link := range mainChain(c) {
		parts = append(parts, r.link(link))
	}
	if n := len(parts); n > most {
		parts = append(append(parts[:most-2:most-2], "…"), parts[n-1])
	}
	return strings.Join(parts, " ← ")
}

// link is one link of a chain in words.
func (r *Run) link(c *propagate.Cause) string {
	switch c.Kind {
	case propagate.FaultCause:
		if e := r.event(FaultEvent, c.Fault); e != nil {
			text := e.Text + " " + r.span(e.At, e.To, e.Open)
			if e.By != "" {
				text += ", ended by " + e.By
			}
			return text
		}
		return "a fault of " + c.Service
	case propagate.LoadCause:
		if e := r.event(LoadEvent, c.Load); e != nil {
			return e.Text + " " + r.span(e.At, e.To, e.Open)
		}
		return "more is asked of " + c.Service + " than it can do"
	case propagate.NeedCause:
		return c.Service + " needs " + c.Target
	case propagate.QueueCause:
		text := possessive(c.Service) + " queue " + moment(c.Age)
		if !math.IsInf(c.Deadline, 1) {
			return text + " behind a " + moment(c.Deadline) + " deadline"
		}
		return text + " long"
	case propagate.FullCause:
		return possessive(c.Service) + " queue full at " + amount(c.Queue)
	case propagate.RetryCause:
		text := "retries ×" + digits(c.Amplification)
		switch {
		case c.Callers == 1:
			text += " from 1 caller"
		case c.Callers > 1:
			text += fmt.Sprintf(" from %d callers", c.Callers)
		}
		return text + " of " + c.Service
	case propagate.CapacityCause:
		return c.Service + " at " + percent(c.Capacity) + " capacity " + r.span(c.From, c.To, c.To >= r.Played)
	case propagate.LeaseCause:
		return fmt.Sprintf("%s: %s of %s held (lapsing since %s)", c.Service, percent(c.Capacity), c.Target, moment(c.Since))
	case propagate.RotationCause:
		return fmt.Sprintf("%s: %s in rotation, the others taken out by %s", c.Service, percent(c.Capacity), c.Target)
	case propagate.StaleCause:
		return fmt.Sprintf("%s goes by %s, which is %s behind", c.Service, c.Target, moment(c.Age))
	case propagate.SurgeCause:
		return fmt.Sprintf("%s asks %s for %s times the usual", c.Target, c.Service, digits(c.Amplification))
	case propagate.RegrantCause:
		return fmt.Sprintf("%s has leases of %s to make anew: %s attempts for each that lapsed", c.Service, c.Target, digits(c.Amplification))
	case propagate.ThrottleCause:
		return c.Service + " turns requests away"
	case propagate.BreakerCause:
		return "calls to " + cmp.Or(c.Target, c.Service) + " are stopped by their callers"
	case propagate.HandCause:
		return c.Service + " waits for a restart " + r.span(c.From, c.To, c.To >= r.Played)
	case propagate.SeveralCauses:
		return c.Service + " for several reasons"
	case propagate.ThreadsCause:
		return "all threads of " + c.Service + " wait for others"
	}
	return c.Service
}

// possessive is whose something is: payments', api's.
func possessive(name string) string {
	if strings.HasSuffix(name, "s") {
		return name + "'"
	}
	return name + "'s"
}

// event finds the event that a cause names by its index in the scenario; nil where
// there is none.
func (r *Run) event(kind EventKind, index int) *Event {
	i := slices.IndexFunc(r.Events, func(e Event) bool { return e.Kind == kind && e.Index == index })
	if i < 0 {
		return nil
	}
	return &r.Events[i]
}

// subject is what is explained: "checkout down 41s–3m12s".
func (w *Why) subject() string {
	c := w.Cause
	return w.Service + " " + c.State.String() + " " + w.Run.span(c.From, c.To, c.To >= w.Run.Played)
}

// unexplained is what is said of a service without a cause.
func (w *Why) unexplained() string {
	if x := w.Window; x != nil {
		return fmt.Sprintf("%s %s %s: nothing in this run is known to explain it", w.Service, x.State, w.Run.span(x.From, x.To, x.Open))
	}
	if w.At >= 0 {
		return fmt.Sprintf("%s is healthy at %s", w.Service, moment(w.At))
	}
	return w.Service + " is healthy all along"
}

func (w *Why) text(b *strings.Builder, o Options) {
	if w.Cause == nil {
		paragraph(b, w.unexplained(), bold, o)
		return
	}
	paragraph(b, w.subject()+" ← "+w.Run.chain(w.Cause, treeDepth), bold, o)
	if simple(w.Cause) {
		return
	}
	b.WriteString("\n")
	w.tree(b, w.Cause, 0, o)
}

// simple reports whether a cause has nothing to say beyond its main chain.
func simple(c *propagate.Cause) bool {
	for len(c.Because) == 1 && c.Because[0].Share >= 0.995 {
		c = &c.Because[0]
	}
	return len(c.Because) == 0
}

// tree draws all causes with their shares, the largest first.
func (w *Why) tree(b *strings.Builder, c *propagate.Cause, depth int, o Options) {
	share := ""
	if depth > 0 {
		share = fmt.Sprintf("%7s  ", percent(c.Share))
	} else {
		share = strings.Repeat(" ", 9)
	}
	indent := share + strings.Repeat("  ", depth)
	room := 0
	if o.Width > 0 {
		room = max(wrapLeast, o.Width-len([]rune(indent)))
	}
	for i, line := range wrapText(printable(w.Run.link(c)), room) {
		if i > 0 {
			indent = strings.Repeat(" ", len([]rune(indent)))
		}
		b.WriteString(indent + line + "\n")
	}
	if depth >= treeDepth {
		return
	}
	hidden := 0
	for i := range c.Because {
		if c.Because[i].Share < leastShare {
			hidden++
			continue
		}
		w.tree(b, &c.Because[i], depth+1, o)
	}
	if hidden > 0 {
		b.WriteString(strings.Repeat(" ", 9+2*(depth+1)) + fmt.Sprintf("and %d with less than %s\n", hidden, percent(leastShare)))
	}
}

type jsonWhy struct {
	Schema   string     `json:"schema"`
	Catalog  string     `json:"catalog,omitempty"`
	Scenario string     `json:"scenario"`
	Service  string     `json:"service"`
	At       *float64   `json:"at"`
	Impaired bool       `json:"impaired"`
	Cause    *jsonCause `json:"cause"`
}

type jsonCause struct {
	Service       string      `json:"service"`
	From          jsonNumber  `json:"from"`
	To            jsonNumber  `json:"to"`
	State         string      `json:"state"`
	Kind          string      `json:"kind"`
	Text          string      `json:"text"`
	Share         jsonNumber  `json:"share"`
	Target        string      `json:"target,omitempty"`
	Age           *jsonNumber `json:"age,omitempty"`
	Deadline      *jsonNumber `json:"deadline,omitempty"`
	Queue         *jsonNumber `json:"queue,omitempty"`
	Amplification *jsonNumber `json:"amplification,omitempty"`
	Callers       int         `json:"callers,omitempty"`
	Capacity      *jsonNumber `json:"capacity,omitempty"`
	Because       []jsonCause `json:"because"`
}

// causeWords are the kinds of causes, by value.
var causeWords = [...]string{"fault", "load", "need", "queue", "full", "retries", "capacity", "throttle", "breaker", "threads", "several", "hand", "lease", "rotation", "stale", "surge", "regrant"}

func (w *Why) json() any {
	j := jsonWhy{Schema: whySchema, Catalog: w.Run.Catalog, Scenario: w.Run.ID, Service: w.Service, Impaired: w.Window != nil}
	if w.At >= 0 {
		j.At = &w.At
	}
	if w.Cause != nil {
		c := w.Run.causeJSON(w.Cause, 0)
		j.Cause = &c
	}
	return j
}

func (r *Run) causeJSON(c *propagate.Cause, depth int) jsonCause {
	number := func(f float64) *jsonNumber { n := jsonNumber(f); return &n }
	j := jsonCause{
		Service: c.Service, From: jsonNumber(c.From), To: jsonNumber(c.To), State: c.State.String(), Kind: causeWords[c.Kind],
		Text: r.link(c), Share: jsonNumber(c.Share), Target: c.Target, Because: []jsonCause{},
	}
	switch c.Kind {
	case propagate.QueueCause:
		j.Age, j.Deadline, j.Queue = number(c.Age), number(c.Deadline), number(c.Queue)
	case propagate.FullCause:
		j.Queue = number(c.Queue)
	case propagate.StaleCause:
		j.Age = number(c.Age)
	case propagate.SurgeCause, propagate.RegrantCause:
		j.Amplification = number(c.Amplification)
	case propagate.RetryCause:
		j.Amplification, j.Callers = number(c.Amplification), c.Callers
	case propagate.CapacityCause, propagate.LeaseCause, propagate.RotationCause:
		j.Capacity = number(c.Capacity)
	}
	if depth < treeDepth {
		for i := range c.Because {
			j.Because = append(j.Because, r.causeJSON(&c.Because[i], depth+1))
		}
	}
	return j
}
