package closedform

import (
	"fmt"
	"math"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// anything is one call of an exported function: x holds its numbers in their order,
// n its whole numbers. It gives back a number that is never negative.
type anything struct {
	name    string
	numbers int // how many of x are used
	call    func(x []float64, n []int) float64
}

func mmc(x []float64, n []int) MMC         { return MMC{x[0], x[1], n[0]} }
func mmck(x []float64, n []int) MMCK       { return MMCK{x[0], x[1], n[0], n[1]} }
func erlangA(x []float64, n []int) ErlangA { return ErlangA{x[0], x[1], n[0], x[2]} }
func client(x []float64, n []int) RetryingClient {
	return RetryingClient{mmc(x, n), x[2], n[1]}
}
func backoff(x []float64) Backoff { return Backoff{FullJitter, x[0], x[1], x[2]} }
func call(x []float64, n []int) Call {
	return Call{x[0], x[1], x[2], x[3], n[0], backoff(x[4:])}
}

func storm(x []float64) LeaseStorm {
	return LeaseStorm{x[0], x[1], x[2], x[3], x[4], x[5], x[6], x[7]}
}

var everything = []anything{
	{"ErlangB", 1, func(x []float64, n []int) float64 { return ErlangB(n[0], x[0]) }},
	{"ErlangC", 1, func(x []float64, n []int) float64 { return ErlangC(n[0], x[0]) }},
	{"MMC.Utilisation", 2, func(x []float64, n []int) float64 { return mmc(x, n).Utilisation() }},
	{"MMC.WaitProbability", 2, func(x []float64, n []int) float64 { return mmc(x, n).WaitProbability() }},
	{"MMC.MeanWait", 2, func(x []float64, n []int) float64 { return mmc(x, n).MeanWait() }},
	{"MMC.MeanQueue", 2, func(x []float64, n []int) float64 { return mmc(x, n).MeanQueue() }},
	{"MMC.MeanResponse", 2, func(x []float64, n []int) float64 { return mmc(x, n).MeanResponse() }},
	{"MMC.MeanInSystem", 2, func(x []float64, n []int) float64 { return mmc(x, n).MeanInSystem() }},
	{"MMC.WaitTail", 3, func(x []float64, n []int) float64 { return mmc(x, n).WaitTail(x[2]) }},
	{"MMC.WaitQuantile", 3, func(x []float64, n []int) float64 { return mmc(x, n).WaitQuantile(x[2]) }},
	{"MMC.ResponseTail", 3, func(x []float64, n []int) float64 { return mmc(x, n).ResponseTail(x[2]) }},
	{"PollaczekKhinchine", 3, func(x []float64, n []int) float64 { return PollaczekKhinchine(x[0], x[1], x[2]) }},
	{"Kingman", 4, func(x []float64, n []int) float64 { return Kingman(x[0], x[1], x[2], x[3]) }},
	{"AllenCunneen", 4, func(x []float64, n []int) float64 { return AllenCunneen(mmc(x, n), x[2], x[3]) }},
	{"MMCK.Loss", 2, func(x []float64, n []int) float64 { return mmck(x, n).Loss() }},
	{"MMCK.Throughput", 2, func(x []float64, n []int) float64 { return mmck(x, n).Throughput() }},
	{"MMCK.MeanQueue", 2, func(x []float64, n []int) float64 { return mmck(x, n).MeanQueue() }},
	{"MMCK.MeanInSystem", 2, func(x []float64, n []int) float64 { return mmck(x, n).MeanInSystem() }},
	{"MMCK.MeanWait", 2, func(x []float64, n []int) float64 { return mmck(x, n).MeanWait() }},
	{"ErlangA.Abandonment", 3, func(x []float64, n []int) float64 { return erlangA(x, n).Abandonment() }},
	{"ErlangA.WaitProbability", 3, func(x []float64, n []int) float64 { return erlangA(x, n).WaitProbability() }},
	{"ErlangA.MeanQueue", 3, func(x []float64, n []int) float64 { return erlangA(x, n).MeanQueue() }},
	{"ErlangA.Utilisation", 3, func(x []float64, n []int) float64 { return erlangA(x, n).Utilisation() }},
	{"ErlangA.FluidAbandonment", 3, func(x []float64, n []int) float64 { return erlangA(x, n).FluidAbandonment() }},
	{"ErlangA.FluidQueue", 3, func(x []float64, n []int) float64 { return erlangA(x, n).FluidQueue() }},
	{"RetryingClient.Lateness", 3, func(x []float64, n []int) float64 { return client(x, n).Lateness() }},
	{"RetryingClient.Amplification", 3, func(x []float64, n []int) float64 { return client(x, n).Amplification() }},
	{"RetryingClient.Fold", 3, func(x []float64, n []int) float64 { return client(x, n).Fold() }},
	{"RetryingClient.CollapseTime", 3, func(x []float64, n []int) float64 { return client(x, n).CollapseTime() }},
	{"CollapseFrom", 2, func(x []float64, n []int) float64 { return CollapseFrom(x[0], x[1]) }},
	{"Headroom", 3, func(x []float64, n []int) float64 { return Headroom(x[0], x[1], x[2]) }},
	{"Amplification", 1, func(x []float64, n []int) float64 { return Amplification(n[0], x[0]) }},
	{"FinalFailure", 1, func(x []float64, n []int) float64 { return FinalFailure(n[0], x[0]) }},
	{"NestedAmplification", 1, func(x []float64, n []int) float64 { return NestedAmplification(x[0], n...) }},
	{"NestedFailure", 1, func(x []float64, n []int) float64 { return NestedFailure(x[0], n...) }},
	{"RatioBudgetAmplification", 4, func(x []float64, n []int) float64 {
		return RatioBudgetAmplification(n[0], x[0], x[1], x[2], x[3])
	}},
	{"TokenBudgetThreshold", 1, func(x []float64, n []int) float64 { return TokenBudgetThreshold(x[0]) }},
	{"TokenBudgetAmplification", 2, func(x []float64, n []int) float64 { return TokenBudgetAmplification(n[0], x[0], x[1]) }},
	{"TokenBudgetStop", 4, func(x []float64, n []int) float64 { return TokenBudgetStop(x[0], x[1], x[2], x[3]) }},
	{"QuotaAmplification", 3, func(x []float64, n []int) float64 { return QuotaAmplification(n[0], x[0], x[1], x[2]) }},
	{"QuotaThreshold", 2, func(x []float64, n []int) float64 { return QuotaThreshold(n[0], x[0], x[1]) }},
	{"QuotaBurst", 3, func(x []float64, n []int) float64 { return QuotaBurst(x[0], x[1], x[2]) }},
	{"ActiveBudgetAmplification", 4, func(x []float64, n []int) float64 {
		return ActiveBudgetAmplification(n[0], x[0], x[1], x[2], x[3])
	}},
	{"ClientThrottleSent", 3, func(x []float64, n []int) float64 { return ClientThrottleSent(x[0], x[1], x[2]) }},
	{"ClientThrottleShare", 3, func(x []float64, n []int) float64 { return ClientThrottleShare(x[0], x[1], x[2]) }},
	{"Backoff.Bound", 3, func(x []float64, n []int) float64 { return backoff(x).Bound(n[0]) }},
	{"Backoff.Mean", 3, func(x []float64, n []int) float64 { return backoff(x).Mean(n[0]) }},
	{"Backoff.MeanTotal", 3, func(x []float64, n []int) float64 { return backoff(x).MeanTotal(n[0]) }},
	{"HerdPeak", 3, func(x []float64, n []int) float64 { return HerdPeak(x[0], x[1], x[2]) }},
	{"Call.Hold", 7, func(x []float64, n []int) float64 { return call(x, n).Hold() }},
	{"ThreadHold", 8, func(x []float64, n []int) float64 { return ThreadHold(x[7], call(x, n)) }},
	{"ThreadThroughput", 2, func(x []float64, n []int) float64 { return ThreadThroughput(x[0], x[1]) }},
	{"ThreadsBusy", 2, func(x []float64, n []int) float64 { return ThreadsBusy(x[0], x[1]) }},
	{"Timely", 2, func(x []float64, n []int) float64 { return Timely(x[0], x[1]) }},
	{"QueueBound", 3, func(x []float64, n []int) float64 { return QueueBound(x[0], x[1], x[2]) }},
	{"BoundedQueueGoodput", 4, func(x []float64, n []int) float64 { return BoundedQueueGoodput(x[0], x[1], x[2], x[3]) }},
	{"DeadlineMarginGoodput", 3, func(x []float64, n []int) float64 { return DeadlineMarginGoodput(x[0], x[1], x[2]) }},
	{"LIFOGoodput", 4, func(x []float64, n []int) float64 { return LIFOGoodput(x[0], x[1], x[2], x[3]) }},
	{"GraceBeforeLate", 3, func(x []float64, n []int) float64 { return GraceBeforeLate(x[0], x[1], x[2]) }},
	{"CostlyRejectionGoodput", 3, func(x []float64, n []int) float64 { return CostlyRejectionGoodput(x[0], x[1], x[2]) }},
	{"CostlyRejectionCollapse", 2, func(x []float64, n []int) float64 { return CostlyRejectionCollapse(x[0], x[1]) }},
	{"LeaseValid", 3, func(x []float64, n []int) float64 { return LeaseValid(x[0], x[1], x[2]) }},
	{"LeaseStorm.PerDeadline", 8, func(x []float64, n []int) float64 { return storm(x).PerDeadline() }},
	{"LeaseStorm.Threshold", 8, func(x []float64, n []int) float64 { return storm(x).Threshold() }},
	{"LeaseStorm.Collapses", 0, func(x []float64, n []int) float64 { return truth(storm(x).Collapses()) }},
	{"LeaseStorm.AllValidAt", 8, func(x []float64, n []int) float64 { return storm(x).AllValidAt() }},
	{"LeaseStorm.Rounds", 8, func(x []float64, n []int) float64 { return storm(x).Rounds() }},
	{"LeaseStorm.ValidInTheLongRun", 8, func(x []float64, n []int) float64 { return storm(x).ValidInTheLongRun() }},
	{"LeaseStorm.SafePace", 8, func(x []float64, n []int) float64 { return storm(x).SafePace() }},
	{"LeaseStorm.PacedRecovery", 9, func(x []float64, n []int) float64 { return storm(x).PacedRecovery(x[8]) }},
	{"LeaseStorm.PacedQueue", 9, func(x []float64, n []int) float64 { return storm(x).PacedQueue(x[8]) }},
	{"HitRatio", 2, func(x []float64, n []int) float64 { return HitRatio(x[0], x[1]) }},
	{"CacheServed", 4, func(x []float64, n []int) float64 { return CacheServed(x[0], x[1], x[2], x[3]) }},
	{"ColdCacheHerd", 1, func(x []float64, n []int) float64 { return ColdCacheHerd(x[0]) }},
	{"CacheRefillRate", 3, func(x []float64, n []int) float64 { return CacheRefillRate(x[0], x[1], x[2]) }},
	{"OldAnswer", 3, func(x []float64, n []int) float64 { return OldAnswer(x[0], x[1], x[2]) }},
	{"MeanDetection", 2, func(x []float64, n []int) float64 { return MeanDetection(x[0], x[1], n[0]) }},
	{"MaxDetection", 2, func(x []float64, n []int) float64 { return MaxDetection(x[0], x[1], n[0]) }},
	{"ChecksToEject", 1, func(x []float64, n []int) float64 { return ChecksToEject(x[0], n[0]) }},
	{"EjectionRate", 2, func(x []float64, n []int) float64 { return EjectionRate(x[0], n[0], x[1]) }},
	{"MaxUtilisation", 0, func(x []float64, n []int) float64 { return MaxUtilisation(n[0], n[1]) }},
	{"SurvivorLoad", 2, func(x []float64, n []int) float64 { return SurvivorLoad(x[0], x[1], n[0], n[1]) }},
	{"SurvivorGoodput", 2, func(x []float64, n []int) float64 { return SurvivorGoodput(x[0], x[1], n[0], n[1]) }},
	{"FailOpenGoodput", 2, func(x []float64, n []int) float64 { return FailOpenGoodput(x[0], x[1], n[0], n[1]) }},
	{"Backlog", 4, func(x []float64, n []int) float64 { return Backlog(x[0], x[1], x[2], x[3]) }},
	{"Drain", 4, func(x []float64, n []int) float64 { return Drain(x[0], x[1], x[2], x[3]) }},
	{"FIFOWait", 2, func(x []float64, n []int) float64 { return FIFOWait(x[0], x[1]) }},
	{"OutageWait", 4, func(x []float64, n []int) float64 { return OutageWait(x[0], x[1], x[2], x[3]) }},
	{"RetainedBacklog", 3, func(x []float64, n []int) float64 { return RetainedBacklog(x[0], x[1], x[2]) }},
	{"ExpiredMessages", 3, func(x []float64, n []int) float64 { return ExpiredMessages(x[0], x[1], x[2]) }},
	{"OldestAge", 4, func(x []float64, n []int) float64 { return OldestAge(x[0], x[1], x[2], x[3]) }},
	{"Deliveries", 2, func(x []float64, n []int) float64 { return Deliveries(x[0], x[1]) }},
	{"ScaleOutBacklog", 3, func(x []float64, n []int) float64 { return ScaleOutBacklog(x[0], x[1], x[2]) }},
	{"ScaleOutRecovery", 4, func(x []float64, n []int) float64 { return ScaleOutRecovery(x[0], x[1], x[2], x[3]) }},
	{"BucketAdmitted", 4, func(x []float64, n []int) float64 { return BucketAdmitted(x[0], x[1], x[2], x[3]) }},
	{"BucketLasts", 3, func(x []float64, n []int) float64 { return BucketLasts(x[0], x[1], x[2]) }},
	{"VisitUtilisation", 3, func(x []float64, n []int) float64 { return VisitUtilisation(x[0], x[1], x[2]) }},
	{"SustainableLoad", 4, func(x []float64, n []int) float64 { return SustainableLoad(x[:2], x[2:4]) }},
}

// TestEveryFormIsTried keeps the list above complete.
func TestEveryFormIsTried(t *testing.T) {
	all, _ := forms(t)
	for _, f := range all {
		if !slices.ContainsFunc(everything, func(a anything) bool { return a.name == f.name }) {
			t.Errorf("%s is not tried with odd arguments", f.name)
		}
	}
	if len(everything) != len(all) {
		t.Errorf("%d functions are tried, %d are exported", len(everything), len(all))
	}
}

// TestNaNInNaNOut: no form makes a number of what is none.
func TestNaNInNaNOut(t *testing.T) {
	for _, a := range everything {
		for i := range a.numbers {
			x, n := slices.Repeat([]float64{1}, 9), []int{2, 1}
			x[i] = math.NaN()
			if got := a.call(x, n); !math.IsNaN(got) {
				t.Errorf("%s makes %v of NaN as number %d", a.name, got, i+1)
			}
		}
	}
}

// TestOddArguments: whatever the arguments, no form panics, hangs, or comes out
// negative, and within the domain of finite arguments of common size none is NaN.
func TestOddArguments(t *testing.T) {
	odd := rapid.OneOf(
		rapid.SampledFrom([]float64{0, 5e-324, 1e-300, 1e-9, 0.5, 1, 1 + 0x1p-52, 2, 100, 1e9, 1e12, 1e300, math.MaxFloat64, math.Inf(1), math.Inf(-1), -1, math.NaN()}),
		rapid.Float64())
	whole := rapid.SampledFrom([]int{-1, 0, 1, 2, 3, 10, 1000, 1_000_000, math.MaxInt32, math.MaxInt})
	rapid.Check(t, func(t *rapid.T) {
		x := rapid.SliceOfN(odd, 9, 9).Draw(t, "numbers")
		n := rapid.SliceOfN(whole, 2, 2).Draw(t, "whole numbers")
		for _, a := range everything {
			if got := a.call(x, n); got < 0 {
				t.Fatalf("%s = %v", a.name, got)
			}
		}
	})
	usual := rapid.Float64Range(0.001, 1)
	rapid.Check(t, func(t *rapid.T) {
		x := rapid.SliceOfN(usual, 9, 9).Draw(t, "numbers")
		n := []int{rapid.IntRange(2, 50).Draw(t, "more"), rapid.IntRange(1, 2).Draw(t, "fewer")}
		for _, a := range everything {
			switch a.name {
			case "CollapseFrom", "Headroom", "ClientThrottleSent", "ClientThrottleShare", "Drain", "Backoff.Bound", "Backoff.Mean", "Backoff.MeanTotal", "Call.Hold", "ThreadHold", "LeaseValid":
				continue // one of their arguments is at least 1, or at least another
			}
			if got := a.call(x, n); math.IsNaN(got) {
				t.Fatalf("%s is NaN", a.name)
			}
		}
	})
}

// TestOutsideTheDomain: what no one can mean gives NaN.
func TestOutsideTheDomain(t *testing.T) {
	q := MMC{Arrivals: 1, Service: 1, Servers: 2}
	for i, got := range []float64{
		ErlangB(-1, 1), ErlangB(1, -1), ErlangC(0, 0),
		MMC{Arrivals: 1, Service: 0, Servers: 1}.MeanWait(), q.WaitTail(-1), q.WaitQuantile(1.1),
		MMCK{Arrivals: 1, Service: 1, Servers: 1, Waiting: -1}.Loss(),
		ErlangA{Arrivals: 1, Service: 1, Servers: 1}.Abandonment(),
		RetryingClient{Service: q, Timeout: 1}.Lateness(),
		CollapseFrom(1, 0.5), Amplification(0, 0.5), Amplification(3, 1.5), NestedAmplification(0.5, 3, 0),
		RatioBudgetAmplification(3, 0.5, 0.2, 0, 0), QuotaAmplification(3, 0.5, 0, 1),
		Backoff{Kind: "fibonacci", Base: 1}.Mean(1), Backoff{Kind: Fixed, Base: 1}.Mean(0), Backoff{Kind: Exponential, Base: 1, Factor: 0.5}.Bound(1),
		Call{Attempts: 0}.Hold(), ThreadThroughput(1, 0), LeaseValid(1, 61, 60),
		LeaseStorm{Holders: 1, Capacity: 1, Deadline: 1}.Threshold(),
		ColdCacheHerd(2), OldAnswer(1, 60, -0.1), MeanDetection(5, 1, 0), MaxUtilisation(2, 3),
		Drain(1, 1, 2, 0), SustainableLoad([]float64{1}, nil),
	} {
		if !math.IsNaN(got) {
			t.Errorf("number %d is %v", i, got)
		}
	}
}

func BenchmarkErlangC(b *testing.B) {
	for _, c := range []int{10, 1000, 1_000_000} {
		for _, load := range []float64{0.8, 0.9999} {
			b.Run(fmt.Sprintf("servers=%d/load=%v", c, load), func(b *testing.B) {
				for b.Loop() {
					ErlangC(c, float64(c)*load)
				}
			})
		}
	}
}

func BenchmarkErlangA(b *testing.B) {
	for _, c := range []int{10, 1000, 1_000_000} {
		q := ErlangA{Arrivals: 1.1 * float64(c), Service: 1, Servers: c, Patience: 2}
		b.Run(fmt.Sprintf("servers=%d", c), func(b *testing.B) {
			for b.Loop() {
				q.Abandonment()
			}
		})
	}
}

func BenchmarkFold(b *testing.B) {
	for _, c := range []int{10, 1000, 100_000} {
		r := RetryingClient{Service: MMC{Arrivals: 1, Service: 0.1, Servers: c}, Timeout: 0.6, Attempts: 3}
		b.Run(fmt.Sprintf("servers=%d", c), func(b *testing.B) {
			for b.Loop() {
				r.Fold()
			}
		})
	}
}
