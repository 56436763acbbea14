package plan

import (
	"math"
	"strconv"

	"github.com/knockon/knockon/catalog"
	"github.com/knockon/knockon/catalog/policy"
	"github.com/knockon/knockon/catalog/unit"
)

// What is assumed of instances that come and go.
const (
	AssumedLook    = 15.0  // seconds between two looks of an autoscaling: the default of the HPA
	AssumedLaunch  = 120.0 // seconds from a launch until the instance serves
	AssumedCalm    = 300.0 // seconds for which fewer must have been enough: the default of the HPA
	AssumedGrowth  = 10    // most replicas, in those at the start
	AssumedRelease = 600.0 // seconds over which what waited for a recovery comes
)

// Fleet is the instances of a service that come and go: autoscaling, turnover, a
// recovery that takes more than the end of the fault, a least number.
type Fleet struct {
	AtLeast float64 // replicas; with fewer it is down

	Scales    bool    // is autoscaled
	Target    float64 // utilisation
	Every     float64 // seconds between two looks, and between two attempts to launch what is missing
	Min, Max  float64 // replicas
	DownAfter float64 // seconds
	Delay     float64 // seconds from a launch at a look until it serves

	Lifetime       float64 // seconds, mean of an instance; +Inf where they do not end
	TerminateFirst bool
	Start          float64 // seconds from the launch of a replacement until it serves

	ByHand bool    // a failure of After seconds needs a restart
	After  float64 // seconds
	Rate   float64 // replicas per second that come back; +Inf: all at once
	Return float64 // seconds from the end of a fault, or of a restart, until it serves

	Launch []Launch // what an instance needs to be launched, all of it
}

// Launch is one need of a launch: enough of the targets must be there.
type Launch struct {
	Targets []int32
	AtLeast int
}

// Launchable is the share of the launches of a fleet that go through: what each need of
// a launch answers, multiplied; of a group, the last that is needed in order of how good
// they are. Answers tells which share of its requests a service answers well.
func (f *Fleet) Launchable(answers func(service int32) float64) float64 {
	share := 1.0
	for i := range f.Launch {
		l := &f.Launch[i]
		kth := 0.0
		for _, u := range l.Targets {
			a, better := answers(u), 0
			for _, w := range l.Targets {
				if b := answers(w); b > a || b == a && w < u {
					better++
				}
			}
			if better == l.AtLeast-1 {
				kth = a
			}
		}
		share *= kth
	}
	return share
}

// Deferred is what comes again of the requests from outside that failed.
type Deferred struct {
	Share         float64
	UntilRecovery bool
	Low, Spread   float64 // seconds from the failure, or from the recovery, until they come, evenly
}

// fleets finds what comes and goes, and what comes again.
func (p *Plan) fleets(index map[string]int32) {
	for v := range p.Services {
		s := &p.Services[v]
		d := s.Decl
		stated := s.Instances > 0 // or assumed, and said
		if r := d.Replicas; r != nil && (r.Count.IsStated() || len(r.Zones) > 0) {
			stated = true
		}
		f := &Fleet{Lifetime: math.Inf(1), Rate: math.Inf(1), Every: AssumedLook, Delay: AssumedLaunch, Start: AssumedLaunch}
		used := false
		if d.Replicas != nil && d.Replicas.AtLeast.IsStated() && stated {
			used, f.AtLeast = true, float64(d.Replicas.AtLeast.V)
		}
		if d.Turnover != nil {
			used = true
			p.turnover(s, f, d.Turnover)
		}
		if d.Recovery != nil {
			used = true
			f.recover(d.Recovery)
		}
		if d.Autoscale != nil {
			used = true
			p.autoscale(s, f, d.Autoscale)
		}
		if a := d.Autoscale; !stated && a != nil && a.Min.IsStated() {
			s.Replicas, stated = float64(a.Min.V), true
			p.assume(s.ID, "", "replicas", strconv.FormatInt(a.Min.V, 10), "not stated: the fewest of its autoscaling")
		}
		if !stated && (f.Scales || f.TerminateFirst || !math.IsInf(f.Rate, 1)) {
			p.assume(s.ID, "", "replicas", "1", "not stated")
		}
		if used {
			f.launches(d, index)
			s.Fleet = f
		}
		p.deferral(s)
	}
}

// over is a time in seconds that is stated, or else assumed, and said.
func (p *Plan) over(s *Service, key string, v unit.Value[unit.Duration], assumed float64) float64 {
	if v.IsStated() {
		return v.V.Seconds()
	}
	p.assume(s.ID, "", key, unit.FromSeconds(assumed).String(), "not stated")
	return assumed
}

func (p *Plan) autoscale(s *Service, f *Fleet, a *policy.Autoscale) {
	f.Scales = true
	f.Target = float64(a.Target.V)
	f.Every = p.over(s, "autoscale.every", a.Every, AssumedLook)
	f.Delay = p.over(s, "autoscale.delay", a.Delay, AssumedLaunch)
	f.DownAfter = p.over(s, "autoscale.down_after", a.DownAfter, AssumedCalm)
	f.Min, f.Max = float64(a.Min.Or(0)), float64(a.Max.Or(0))
	if !a.Min.IsStated() {
		f.Min = s.Replicas
		if f.Max > 0 {
			f.Min = min(f.Min, f.Max)
		}
		p.assume(s.ID, "", "autoscale.min", strconv.FormatFloat(f.Min, 'f', -1, 64), "not stated: the replicas at the start")
	}
	if !a.Max.IsStated() {
		f.Max = max(f.Min, AssumedGrowth*s.Replicas)
		p.assume(s.ID, "", "autoscale.max", strconv.FormatFloat(f.Max, 'f', -1, 64), "not stated: ten times the replicas at the start")
	}
}

func (p *Plan) turnover(s *Service, f *Fleet, t *policy.Turnover) {
	f.TerminateFirst = t.TerminateFirst
	if f.TerminateFirst { // else nothing ends before its replacement is there
		f.Lifetime = t.Lifetime.V.Seconds()
		f.Start = p.over(s, "turnover.start", t.Start, AssumedLaunch)
		f.Delay = f.Start
	}
}

func (f *Fleet) recover(r *policy.Recovery) {
	f.ByHand = r.By == "hand"
	f.After = r.After.Or(0).Seconds()
	f.Return = r.Start.Or(0).Seconds()
	if r.Rate.IsStated() {
		f.Rate = float64(r.Rate.V)
	}
}

// launches finds what an instance needs to be launched.
func (f *Fleet) launches(d *catalog.Service, index map[string]int32) {
	for j := range d.Needs {
		n := &d.Needs[j]
		if n.To != catalog.ToScale && n.To != catalog.ToStart {
			continue
		}
		l := Launch{AtLeast: 1}
		if n.IsGroup() {
			l.AtLeast = n.AtLeast
		}
		for _, t := range n.Targets {
			l.Targets = append(l.Targets, index[t])
		}
		f.Launch = append(f.Launch, l)
	}
}

// deferral finds what comes again.
func (p *Plan) deferral(s *Service) {
	d := s.Decl.Deferred
	if d == nil {
		return
	}
	s.Deferred = &Deferred{Share: float64(d.Share.V), UntilRecovery: d.UntilRecovery}
	if d.UntilRecovery {
		s.Deferred.Spread = p.over(s, "deferred.over", d.Over, AssumedRelease)
		return
	}
	s.Deferred.Low = d.After.V.Low.Seconds()
	s.Deferred.Spread = d.After.V.High.Seconds() - s.Deferred.Low
}
