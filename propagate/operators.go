package propagate

import (
	"math"
	"slices"

	"github.com/knockon/knockon/propagate/mech"
	"github.com/knockon/knockon/propagate/plan"
	"github.com/knockon/knockon/propagate/scenario"
)

// scene is what operators see and act on: an engine. Services are by index in the
// plan, times are seconds.
type scene interface {
	watched(v int32) *watch
	isGone(v int32) bool                           // a fault or a restart leaves nobody to answer
	counted(v int32) ServiceBin                    // in the open bin
	agesAt(v int32, t float64) (age, wait float64) // see ServiceBin
	leaseLevel(id string, m scenario.Measure) float64
	nominal(v int32) float64 // what is offered before anything happens
	do(d *scenario.Deed, r *ActionResult)
	unthrottle(v int32)
}

// operators are those who act on what happens: what they look at, how far each of
// their actions is, and what they have ordered. All of it changes between steps and
// never within one, so a step that is taken again finds it as it was. The engines share
// it: it counts times, and nothing flows in it.
type operators struct {
	scene   scene
	observe float64 // seconds of an observation
	sc      *scenario.Scenario
	signals []signal
	actions []acting
	orders  []orders // by service
	index   map[string]int32
	untils  map[*scenario.Deed]int32 // the signals at which throttles are lifted

	wake     float64 // when an action goes on by itself
	stirred  bool    // a signal turned in the last step
	easing   []int32 // services with a throttle that relaxes
	lifting  []int32 // services with a throttle that waits for a condition
	settled  float64 // from when on too little says something: calls are under way then
	first    float64 // when the first fault or change of load comes
	observed Result  // one bin, to measure what a condition is about
}

// orders are what operators have ordered of one service.
type orders struct {
	share   float64 // of the declared capacity
	class   int64   // requests of this priority and less important ones are refused; none is greater than nobody's
	relaxes bool
	relax   mech.Relaxing // of the throttle
	until   int32         // the signal at which the throttle is lifted; -1 without
}

// orders are what operators have ordered of the service of a server.
func (en *engine) orders(v int32) *orders {
	if s := &en.m.servers[v]; s.of != nil {
		v = s.service
	}
	return &en.operators.orders[v]
}

// signalKind is what a signal is about.
type signalKind uint8

const (
	conditionSignal signalKind = iota
	goneSignal                 // a tool is down
	darkSignal                 // what an observer needs is down or frozen
)

// signal is something that is so or not, and since when.
//
// A state is what the watch of its service says, with its patience: so a moment of
// health in the middle of an outage is none, and what is over is known to be over
// three observations later. It is so since the watch says, which puts the beginning
// of a state to that of the observation that showed it, as in the windows of the
// result. A number is taken over an observation, one after another, and is so since
// the beginning of the first that shows it; a level, such as what waits, is that of its
// end, and so since it passed the bound on a straight line.
//
// A step at whose end something has turned that an action waits for is taken again
// at half the length, until it is no longer than an observation: see engine.turns.
type signal struct {
	kind      signalKind
	condition *scenario.Condition // of conditionSignal
	service   int32               // -1 of a lease

	so     bool
	since  float64
	struck bool // gone by a fault, not by what its callers see

	began float64    // when the observation of a number began
	sum   ServiceBin // in it, in bins that are closed
	seen  ServiceBin // in the open bin, before it began
	level float64    // the number, at the end of the one before
	usual float64    // what is nominal; NaN while not known
}

// phase is how far an action is.
type phase uint8

const (
	following phase = iota // another action
	watching               // for a condition
	deciding
	ready // to make an attempt, as soon as the tools are there
	trying
	pausing // between attempts
	finished
)

// acting is one action on its way.
type acting struct {
	*scenario.Action
	phase     phase
	next      float64 // when it goes on by itself; +Inf where something else has to happen
	sight     mech.Sight
	condition int32   // signal; -1 without
	needs     []int32 // signals of what its observer needs
	tools     []int32 // signals
	followers []int32 // actions that come after it
	from      float64 // when it was ready
	missed    []int32 // tools that it waits for, of Tools
	failed    int     // attempts
	result    ActionResult
}

// ActionResult is what became of an action. Times are seconds from the beginning of
// the scenario, NaN where it never came to that. What is known late is not dated late:
// a state counts from where its window begins.
type ActionResult struct {
	ID         string    // may be empty
	Observed   float64   // what it waited for was seen; NaN where it waited for nothing to be seen
	Decided    float64   // the first attempt could begin, were the tools there
	Waited     float64   // seconds, for tools, before all attempts together
	WaitedFor  []string  // these tools, in the order of the scenario
	WaitsSince float64   // it waits for tools, when the run ends; NaN where it does not
	Attempts   []float64 // beginnings of its attempts; only the last can have worked
	Done       float64   // it took effect
	Over       float64   // what it did is over: the last part is back of what was restarted
	Ended      []int     // faults that it ended, of the scenario
}

func newActionResult(id string) ActionResult {
	never := math.NaN()
	return ActionResult{ID: id, Observed: never, Decided: never, WaitsSince: never, Done: never, Over: never}
}

func newOperators(p *plan.Plan, sc *scenario.Scenario, in scene, observe float64) operators {
	n := len(p.Services)
	o := operators{scene: in, observe: observe, sc: sc, wake: math.Inf(1), first: math.Inf(1), orders: make([]orders, n), index: make(map[string]int32, n), untils: make(map[*scenario.Deed]int32)}
	for v := range p.Services {
		o.index[p.Services[v].ID] = int32(v)
		o.orders[v] = orders{share: 1, class: math.MaxInt64, until: -1}
		o.settled = max(o.settled, 3*p.Services[v].Latency) // 95 % of what is under way then
	}
	for i := range sc.Faults {
		o.first = min(o.first, sc.Faults[i].At.Seconds())
	}
	for i := range sc.Loads {
		if at := sc.Loads[i].At.Seconds(); at > 0 {
			o.first = min(o.first, at)
		}
	}
	o.observed = Result{Scenario: sc, Times: make([]float64, 2), Outside: make([]float64, 1), Services: []ServiceResult{{Bins: make([]ServiceBin, 1)}}}
	observers := make(map[string]*scenario.Observer, len(sc.Observers))
	for i := range sc.Observers {
		observers[sc.Observers[i].ID] = &sc.Observers[i]
	}
	ids := make(map[string]int, len(sc.Actions))
	o.actions = make([]acting, len(sc.Actions))
	for i := range sc.Actions {
		a := &sc.Actions[i]
		if a.ID != "" {
			ids[a.ID] = i
		}
		x := &o.actions[i]
		*x = acting{Action: a, next: math.Inf(1), condition: -1, result: newActionResult(a.ID)}
		for _, tool := range a.Tools {
			x.tools = append(x.tools, o.of(goneSignal, tool))
		}
		for j := range a.Do {
			if d := &a.Do[j]; d.Until != nil {
				o.untils[d] = o.about(d.Until)
			}
		}
		w := a.After
		switch {
		case w == nil:
			x.phase, x.next = deciding, a.At.Seconds()
		case w.Observed != nil:
			x.phase, x.condition = watching, o.about(w.Observed)
			x.sight = mech.Sight{For: w.For.Seconds()}
			if b := observers[w.By]; b != nil {
				x.sight.Lag = b.Lag.Seconds()
				for _, need := range b.Needs {
					x.needs = append(x.needs, o.of(darkSignal, need))
				}
			}
			x.next = x.sight.Next()
		}
	}
	for i := range o.actions {
		if w := o.actions[i].After; w != nil && w.Done != "" {
			if j, ok := ids[w.Done]; ok {
				o.actions[j].followers = append(o.actions[j].followers, int32(i))
			}
		}
	}
	o.rest()
	return o
}

// of is the signal of what is down, or dark.
func (o *operators) of(kind signalKind, service string) int32 {
	v, ok := o.index[service]
	if !ok {
		v = -1
	}
	i := slices.IndexFunc(o.signals, func(g signal) bool { return g.kind == kind && g.service == v })
	if i < 0 {
		i = len(o.signals)
		o.signals = append(o.signals, signal{kind: kind, service: v})
	}
	return int32(i)
}

// about is the signal of a condition.
func (o *operators) about(c *scenario.Condition) int32 {
	g := signal{kind: conditionSignal, condition: c, service: -1, usual: math.NaN()}
	if v, ok := o.index[c.Service]; ok {
		g.service = v
	}
	if c.Kind == scenario.StateCondition { // nothing has happened yet
		g.so = (c.Word == Healthy.String()) != c.Not
	}
	o.signals = append(o.signals, g)
	return int32(len(o.signals) - 1)
}

// next is the first time after t at which an action goes on by itself.
func (o *operators) next(t float64) float64 {
	if o.wake > t+1e-9 {
		return o.wake
	}
	return forever
}

// rest finds when something happens next by itself.
func (o *operators) rest() {
	o.wake, o.stirred = math.Inf(1), false
	for i := range o.actions {
		o.wake = min(o.wake, o.actions[i].next)
	}
	for v := range o.orders {
		w := &o.orders[v]
		if w.relaxes {
			o.wake = min(o.wake, w.relax.At+w.relax.Over)
		}
	}
}

// operate lets operators do what is due at the present, in the order of the scenario,
// and reports whether anything changed.
func (o *operators) operate(t float64) bool {
	if !o.stirred && t < o.wake-1e-9 {
		return false
	}
	happened := o.elapse(t)
	for again := true; again; { // one may follow another at once, whatever their order
		again = false
		for i := range o.actions {
			was := o.actions[i].phase
			if o.advance(&o.actions[i], t) {
				happened = true
			}
			again = again || o.actions[i].phase != was
		}
		if o.lift() {
			happened, again = true, true
		}
	}
	o.rest()
	return happened
}

// elapse ends what operators ordered for a time.
func (o *operators) elapse(t float64) (ended bool) {
	for v := range o.orders {
		w := &o.orders[v]
		if w.relaxes && w.relax.Gone(t) {
			ended = true
			o.scene.unthrottle(int32(v))
		}
	}
	return ended
}

// lift ends throttles whose condition is so.
func (o *operators) lift() (lifted bool) {
	for k := 0; k < len(o.lifting); k++ {
		if v := o.lifting[k]; o.signals[o.orders[v].until].so {
			lifted = true
			o.scene.unthrottle(v)
			k--
		}
	}
	return lifted
}

// advance takes an action as far as it comes at the present, and reports whether it
// took effect.
func (o *operators) advance(x *acting, t float64) bool {
	due := func() bool { return t >= x.next-1e-9 }
	for {
		switch x.phase {
		case following, finished:
			return false
		case watching:
			sees, clear := o.see(x.needs)
			g := &o.signals[x.condition]
			at, seen := x.sight.Look(t, g.so, g.since, sees, clear)
			if !seen {
				x.next = x.sight.Next()
				return false
			}
			x.result.Observed = at
			x.phase, x.next = deciding, at+x.After.Decide.Seconds()
		case deciding:
			if !due() {
				return false
			}
			x.result.Decided, x.from = x.next, x.next
			x.phase = ready
		case ready:
			there, clear := o.see(x.tools)
			for k, i := range x.tools {
				if o.signals[i].so && !slices.Contains(x.missed, int32(k)) {
					x.missed = append(x.missed, int32(k))
				}
			}
			if !there {
				x.next = math.Inf(1)
				x.result.WaitsSince = x.from
				return false
			}
			begin := x.from
			if !math.IsNaN(x.result.WaitsSince) { // it had to wait
				begin = max(begin, clear)
			}
			x.result.Waited += begin - x.from
			x.result.WaitsSince = math.NaN()
			x.result.Attempts = append(x.result.Attempts, begin)
			x.phase, x.next = trying, begin+x.Takes.Seconds()
		case trying:
			if !due() {
				return false
			}
			if x.failed++; x.failed <= x.Tries {
				x.phase, x.next = pausing, x.next+x.Again.Seconds()
				continue
			}
			o.effect(x, t)
			return true
		case pausing:
			if !due() {
				return false
			}
			x.from, x.phase = x.next, ready
		}
	}
}

// see reports whether none of some signals is so, and since when.
func (o *operators) see(signals []int32) (all bool, since float64) {
	all, since = true, math.Inf(-1)
	for _, i := range signals {
		g := &o.signals[i]
		all = all && !g.so
		since = max(since, g.since)
	}
	return all, since
}

// effect does what an action is for.
func (o *operators) effect(x *acting, t float64) {
	x.phase, x.next = finished, math.Inf(1)
	x.result.Done = t
	x.result.Over = t + x.Lasts().Seconds()
	for j := range x.Do {
		o.scene.do(&x.Do[j], &x.result)
	}
	for _, i := range x.followers {
		y := &o.actions[i]
		y.phase, y.next = deciding, x.result.Over+y.After.Decide.Seconds()
	}
}

// granularity is the length of a step beyond which it is taken again where something
// turned in it that an action waits for.
func (en *engine) granularity() float64 { return max(en.base, en.observe) }

// turns reports whether something turned in the step that was just taken and is not
// kept yet, for which somebody waits.
func (en *engine) turns() bool {
	o := &en.operators
	if len(o.signals) == 0 {
		return false
	}
	turned := func(i int32) bool {
		so, _, _ := o.read(&o.signals[i], en.t, en.t+en.h)
		return so != o.signals[i].so
	}
	for i := range o.actions {
		x := &o.actions[i]
		switch x.phase {
		case watching:
			// Where there is nothing to see, being blind changes nothing.
			if turned(x.condition) || o.signals[x.condition].so && slices.ContainsFunc(x.needs, turned) {
				return true
			}
		case ready:
			if slices.ContainsFunc(x.tools, turned) {
				return true
			}
		}
	}
	for _, v := range o.lifting {
		if turned(o.orders[v].until) {
			return true
		}
	}
	return false
}

// finish tells what became of all actions, and when the faults were over.
func (o *operators) finish(r *Result, over func(fault int) float64) {
	r.Actions, r.FaultEnds = nil, nil
	for i := range o.actions {
		x := &o.actions[i]
		slices.Sort(x.missed)
		x.result.WaitedFor = nil
		for _, k := range x.missed {
			x.result.WaitedFor = append(x.result.WaitedFor, x.Tools[k])
		}
		r.Actions = append(r.Actions, x.result)
	}
	for i := range o.sc.Faults {
		f := &o.sc.Faults[i]
		end := over(i)
		switch {
		case f.Effect == scenario.Lapse && f.For == 0:
			end = f.At.Seconds()
		case end >= forever:
			end = math.Inf(1)
		}
		r.FaultEnds = append(r.FaultEnds, end)
	}
}

// notice lets what a fault strikes be gone at once, before anybody's calls to it fail.
func (o *operators) notice(t float64) {
	for i := range o.signals {
		g := &o.signals[i]
		if g.kind == conditionSignal || g.service < 0 {
			continue
		}
		if g.struck = o.scene.isGone(g.service); g.struck && !g.so {
			g.so, g.since, o.stirred = true, t, true
		}
	}
}

// gone reports whether a fault or a restart leaves nobody to answer.
func (s *server) gone() bool { return s.down || s.blackout >= 1 }

// readSignals takes note of how everything is after a step from one time to another.
func (o *operators) readSignals(from, now float64) {
	for i := range o.signals {
		g := &o.signals[i]
		so, since, over := o.read(g, from, now)
		if so != g.so {
			g.so, g.since, o.stirred = so, since, true
		}
		if over {
			_, _, g.level = o.compare(g, now)
			g.sum, g.began = ServiceBin{}, now
			if g.service >= 0 {
				g.seen = o.scene.counted(g.service)
			}
		}
	}
}

// carry takes observations of numbers over the border of a bin: before it is closed
// it adds what was counted, after that it begins to count anew.
func (o *operators) carry(closed bool) {
	for i := range o.signals {
		g := &o.signals[i]
		if !g.counts() {
			continue
		}
		now := o.scene.counted(g.service)
		if !closed {
			g.sum.add(&now, 1, 1)
			g.sum.add(&g.seen, -1, 1)
		}
		g.seen = now
	}
}

// counts reports whether a signal is about what a service counts.
func (g *signal) counts() bool {
	return g.kind == conditionSignal && g.condition.Kind == scenario.NumberCondition && g.service >= 0
}

func (en *engine) watched(v int32) *watch { return &en.m.servers[v].watch }
func (en *engine) isGone(v int32) bool    { return en.m.servers[v].gone() }

func (en *engine) nominal(v int32) float64 {
	return en.rec.result.nominal(&en.rec.result.Services[v])
}

func (en *engine) agesAt(v int32, t float64) (age, wait float64) {
	now := en.t
	en.t = t
	age, wait = en.ages(&en.m.servers[v])
	en.t = now
	return age, wait
}

// counted is what the open bin of a service has counted.
func (en *engine) counted(v int32) ServiceBin {
	s := &en.m.servers[v]
	b := s.bin
	for _, i := range s.In {
		e := &en.m.calls[i]
		b.Failed += e.bin.Failed
		if e.Async {
			b.Dead += e.bin.Failed
		}
	}
	return b
}

// read is how a signal is at the end of a step from one time to another, and since when; over is whether an
// observation of a number ends with it.
func (o *operators) read(g *signal, from, now float64) (so bool, since float64, over bool) {
	if g.kind == conditionSignal && g.condition.Kind == scenario.NumberCondition {
		if now-g.began < o.observe-1e-9 {
			return g.so, g.since, false
		}
		so, since, _ = o.compare(g, now)
		return so, since, true
	}
	w := o.scene.watched(g.service)
	switch {
	case g.kind == conditionSignal:
		return (w.state.String() == g.condition.Word) != g.condition.Not, w.from, false
	case o.scene.isGone(g.service):
		return true, from, false
	}
	so, since = w.state == Down || g.kind == darkSignal && w.state == Frozen, w.from
	if g.struck && !so { // it was too short for its callers to see it
		since = from
	}
	return so, since, false
}

// compare is whether a number is as a condition says, over the observation that ends
// now, and since when. In the beginning nothing is answered because nothing was asked:
// what is under a bound then says nothing.
func (o *operators) compare(g *signal, now float64) (so bool, since, level float64) {
	c := g.condition
	v, bound := o.number(g, now), c.Value
	if c.Share {
		bound *= o.usual(g, now)
	}
	so = v > bound
	if c.Relation == scenario.Under {
		so = v < bound && g.began >= o.settled
	}
	since = g.began
	if part := (bound - g.level) / (v - g.level); isLevel(c.Measure) && part > 0 && part <= 1 {
		since += float64(part * (now - g.began))
	}
	return so, since, v
}

// isLevel reports whether a measure is of a moment: conditions take it at the end of an
// observation, and find out by a straight line when it passed their bound.
func isLevel(m scenario.Measure) bool {
	switch m {
	case scenario.QueueMeasure, scenario.Age, scenario.Wait, scenario.Held, scenario.HeldShare, scenario.InRotation, scenario.Replicas:
		return true
	}
	return false
}

// number is what a condition is about, measured as an expectation measures it.
func (o *operators) number(g *signal, now float64) float64 {
	c := g.condition
	if g.service < 0 {
		return o.scene.leaseLevel(c.Lease, c.Measure)
	}
	r := &o.observed
	s := &r.Services[0]
	b := &s.Bins[0]
	open := o.scene.counted(g.service)
	*b = g.sum
	b.add(&open, 1, 1)
	b.add(&g.seen, -1, 1)
	b.Queue = open.Queue
	length := now - g.began
	r.Times[1] = length
	b.MeanQueue = b.Queue // a long step ends where it is too long, and was shorter on the way
	b.Busy /= length
	b.Capacity /= length
	b.Age, b.Wait = o.scene.agesAt(g.service, now)
	x := r.bin(c.Measure, s, nil, 0)
	if x.ratio {
		return x.part / x.of // not a number where there is nothing, and then nothing is so
	}
	return x.part / length
}

// usual is what a share of a condition is of: what was offered before anything
// happened, or the count of leases.
func (o *operators) usual(g *signal, now float64) float64 {
	if !math.IsNaN(g.usual) {
		return g.usual
	}
	if g.service < 0 {
		g.usual = o.scene.leaseLevel(g.condition.Lease, usualLevel)
		return g.usual
	}
	usual := o.scene.nominal(g.service)
	if now >= o.first {
		g.usual = usual
	}
	return usual
}
