package mech

import "math"

// ScaleTolerance is how far the utilisation may be off its target, as a share of it,
// before an autoscaling does anything: the default of Kubernetes'
// horizontal-pod-autoscaler-tolerance.
const ScaleTolerance = 0.1

// Autoscale keeps the utilisation of a service at a target, as the horizontal pod
// autoscaler of Kubernetes does. All replicas are alike: threads and capacity of the
// service are those of the declared replicas, and grow and shrink with their number. The
// bound of its queue, its throttle, and the pools of others do not.
//
// # Equation
//
// Every so often it looks: at the mean utilisation u since the look before, busy servers
// per server that was there, and at the mean number n of replicas that were there. Where
// threads are unlimited u is throughput per capacity. What was asked for and does not
// serve yet has no utilisation. Then
//
//	desired = ceil(n u / target), at least min, at most max
//
// unless u is within a tenth of the target (Kubernetes, "Horizontal Pod Autoscaling",
// algorithm details). More than was asked for so far is asked for at once. Less is
// believed when every look for down_after seconds desired less: it is then the most that
// these desired, and the time begins anew.
//
// What is asked for and not there is launched at the looks, and only while what the
// service needs to scale and to start is there: a need that is down or black-holed lets
// nothing through, one that answers a share of its requests well lets that share of the
// launches through; several needs multiply. What was not launched is tried again at the
// next look. A launch serves delay seconds later. Of what is too much, those launched
// last that do not serve yet go first; what the others have in service is finished.
//
// An overload of λ on μ so leaves a backlog of (λ-μ)L when the first launches serve, L
// being delay and what is left of the period, and at μ' it drains in B/(μ'-λ) (Newell
// 1982, ch. 2).
//
// # When it is wrong
//
// A saturated service shows u = 1 however long its queue is, so a round of L grows it by
// 1/target at most; autoscalers that look at queues are faster. It learns nothing, and
// does nothing, while the service is down or black-holed. Rates at which a policy lets
// it scale, and nodes and images that have to be fetched first, are no more than delay.
type Autoscale struct {
	Target    float64
	Min, Max  float64 // replicas
	DownAfter float64 // seconds
	Want      float64 // replicas that are asked for

	since float64 // when fewer began to be desired; NaN while they are not
	most  float64 // desired since then
}

// NewAutoscale is an autoscaling that asks for so many replicas.
func NewAutoscale(target, low, high, downAfter, want float64) Autoscale {
	return Autoscale{Target: target, Min: low, Max: high, DownAfter: downAfter, Want: want, since: math.NaN()}
}

// Look decides at a time, from the replicas that were there and their utilisation
// since the last look.
func (a *Autoscale) Look(t, replicas, utilisation float64) {
	desired := a.Want
	if math.Abs(utilisation/a.Target-1) > ScaleTolerance+1e-9 {
		// A hair more than a whole number is that number.
		desired = math.Ceil(float64(replicas*utilisation)/a.Target - 1e-6)
	}
	desired = max(a.Min, min(a.Max, desired))
	if desired >= a.Want {
		a.Want, a.since = desired, math.NaN()
		return
	}
	if math.IsNaN(a.since) {
		a.since, a.most = t, desired
	}
	a.most = max(a.most, desired)
	if t-a.since >= a.DownAfter-1e-9 {
		a.Want, a.since = a.most, math.NaN()
	}
}
