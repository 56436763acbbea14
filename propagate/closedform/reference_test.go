package closedform

import (
	"encoding/json"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// quantity is one number of a reference case: what it should be, and by which form
// it is computed here. The name and the time are those of the case.
type quantity struct {
	id, metric, when string
	want, got        float64
}

func truth(b bool) float64 {
	if b {
		return 1
	}
	return 0
}

// quantities are all numbers of the reference cases that a closed form answers. The
// values stand here as well, so that they are checked where the cases are not.
func quantities() []quantity {
	mm1 := MMC{Arrivals: 80, Service: 0.01, Servers: 1}
	mm10 := MMC{Arrivals: 85, Service: 0.1, Servers: 10}
	loss80 := MMCK{Arrivals: 80, Service: 0.01, Servers: 1, Waiting: 9}
	loss150 := MMCK{Arrivals: 150, Service: 0.01, Servers: 1, Waiting: 9}
	large := ErlangA{Arrivals: 120, Service: 1, Servers: 100, Patience: 2}
	small := ErlangA{Arrivals: 6, Service: 1, Servers: 5, Patience: 1}
	retrying := func(load float64) RetryingClient {
		return RetryingClient{Service: MMC{Arrivals: load, Service: 0.1, Servers: 10}, Timeout: 0.6, Attempts: 3}
	}
	storm := func(m float64) LeaseStorm {
		return LeaseStorm{Holders: m, Capacity: 20, Work: 0.05, Deadline: 5}
	}
	slow := func(c Call) float64 {
		c.PerRequest = 1
		return ThreadThroughput(200, ThreadHold(0.02, c))
	}
	admitted := func(from, to float64) float64 {
		return (BucketAdmitted(100, 500, 300, to) - BucketAdmitted(100, 500, 300, from)) / (to - from)
	}
	overload := Backlog(0, 150, 100, 60)
	messages := RetainedBacklog(100, 3600, math.Inf(1))
	retained := RetainedBacklog(100, 3600, 1800)
	cache := HitRatio(0.1, 60)

	all := []quantity{
		{"Q-01", "utilisation", "", 0.8, mm1.Utilisation()},
		{"Q-01", "mean_in_system", "", 4, mm1.MeanInSystem()},
		{"Q-01", "mean_queue", "", 3.2, mm1.MeanQueue()},
		{"Q-01", "mean_response", "", 0.05, mm1.MeanResponse()},
		{"Q-01", "mean_wait", "", 0.04, mm1.MeanWait()},
		{"Q-01", "P(response>0.25s)", "", 0.006737946999085467, mm1.ResponseTail(0.25)},
		{"Q-02", "P(wait)", "", 0.5298613051159033, mm10.WaitProbability()},
		{"Q-02", "mean_wait", "", 0.03532408700772689, mm10.MeanWait()},
		{"Q-02", "mean_queue", "", 3.002547395656786, mm10.MeanQueue()},
		{"Q-02", "P(wait>0.1s)", "", 0.11822803786696753, mm10.WaitTail(0.1)},
		{"Q-04", "mean_wait[scv=0]", "", 0.02, PollaczekKhinchine(80, 0.01, 0)},
		{"Q-04", "mean_wait[scv=1]", "", 0.04, PollaczekKhinchine(80, 0.01, 1)},
		{"Q-04", "mean_wait[scv=4]", "", 0.1, PollaczekKhinchine(80, 0.01, 4)},
		{"Q-06", "P(reject)[80]", "", 0.023492857579905612, loss80.Loss()},
		{"Q-06", "throughput[80]", "", 78.12057139360755, loss80.Throughput()},
		{"Q-06", "P(reject)[150]", "", 0.3372320801375222, loss150.Loss()},
		{"Q-06", "throughput[150]", "", 99.41518797937168, loss150.Throughput()},
		{"Q-06", "mean_in_system[150]", "", 8.128658644538232, loss150.MeanInSystem()},
		{"Q-07", "P(reject)[10,8]", "", 0.1216610642529515, ErlangB(10, 8)},
		{"Q-07", "P(reject)[100,90]", "", 0.026957380464359214, ErlangB(100, 90)},
		{"Q-07", "P(reject)[100,110]", "", 0.13611483891191742, ErlangB(100, 110)},
		{"Q-08", "P(abandon)", "", 0.16679063095507404, large.Abandonment()},
		{"Q-08", "mean_queue", "", 40.02975142921777, large.MeanQueue()},
		{"Q-08", "P(wait)", "", 0.9966343704206454, large.WaitProbability()},
		{"Q-08", "utilisation", "", 0.9998512428539178, large.Utilisation()},
		{"Q-10", "P(abandon)", "", 0.2530098674872114, small.Abandonment()},
		{"Q-10", "mean_queue", "", 1.5180592049232684, small.MeanQueue()},
		{"Q-10", "P(wait)", "", 0.7149434996833686, small.WaitProbability()},
		{"Q-10", "utilisation", "", 0.896388159015346, small.Utilisation()},
		{"Q-12", "P(attempt late)[70]", "", 0.00275996109042638, retrying(70).Lateness()},
		{"Q-12", "amplification[70]", "", 1.002767578475647, retrying(70).Amplification()},
		{"Q-12", "P(attempt late)[80]", "", 0.0035357607034750375, retrying(80).Lateness()},
		{"Q-12", "fold: largest load with a healthy fixed point", "", 89.8941607834456, retrying(70).Fold()},

		{"F-01", "queue", "t=60", 3000, overload},
		{"F-01", "queue_empty_at", "", 120, 60 + Drain(overload, 50, 100, 1)},
		{"F-01", "throughput", "0..120", 100, (60*150 + 60*50 - Backlog(overload, 50, 100, 60)) / 120},
		{"F-01", "wait_of_arrival_at_t=60", "", 30, FIFOWait(overload, 100)},
		{"F-01", "wait_of_arrival_at_t=30", "", 15, FIFOWait(Backlog(0, 150, 100, 30), 100)},
		{"F-01", "wait_of_arrival_at_t=90", "", 15, FIFOWait(Backlog(overload, 50, 100, 30), 100)},
		{"F-02", "queue", "t=60", 4800, Backlog(0, 80, 0, 60)},
		{"F-02", "queue_empty_at", "", 300, 60 + Drain(4800, 80, 100, 1)},
		{"F-02", "wait_of_arrival_at_t=0", "", 60, OutageWait(0, 60, 80, 100)},
		{"F-02", "wait_of_arrival_at_t=100", "", 40, OutageWait(100, 60, 80, 100)},
		{"F-07", "goodput", "1..60", 1000, LIFOGoodput(1500, 1000, 1, 0.001)},
		{"F-07", "failed_fraction", "5..60", 1.0 / 3, 1 - LIFOGoodput(1500, 1000, 1, 0.001)/1500},
		{"F-09", "backlog[a]", "t=3600", 360000, messages},
		{"F-09", "backlog_empty_at[a]", "", 10800, 3600 + Drain(messages, 100, 150, 1)},
		{"F-09", "oldest_age[a]", "t=7200", 1800, OldestAge(3600, 3600, 100, 150)},
		{"F-09", "expired[b]", "", 180000, ExpiredMessages(100, 3600, 1800)},
		{"F-09", "backlog[b]", "t=3600", 180000, retained},
		{"F-09", "backlog_empty_at[b]", "", 7200, 3600 + Drain(retained, 100, 150, 1)},
		{"F-11", "admitted", "0..2.4", 300, admitted(0, 2.4)},
		{"F-11", "admitted", "2.6..10", 100, admitted(2.6, 10)},
		{"F-11", "admitted_total", "t=10", 1500, BucketAdmitted(100, 500, 300, 10)},
		{"F-12", "utilisation_A", "", 0.5, VisitUtilisation(100, 1, 200)},
		{"F-12", "utilisation_B", "", 0.6, VisitUtilisation(100, 3, 500)},
		{"F-12", "utilisation_C", "", 0.75, VisitUtilisation(100, 3*2, 800)},
		{"F-12", "utilisation_D", "", 0.2, VisitUtilisation(100, 0.1, 50)},
		{"F-12", "max_sustainable_load", "", 400.0 / 3, SustainableLoad([]float64{1, 3, 6, 0.1}, []float64{200, 500, 800, 50})},

		{"R-02", "attempts_at_bottom[3 attempts, 5 layers]", "", 243, NestedAmplification(1, 3, 3, 3, 3, 3)},
		{"R-02", "attempts_at_bottom[4 attempts (3 retries), 3 layers]", "", 64, NestedAmplification(1, 4, 4, 4)},
		{"R-02", "attempts_at_bottom[4 attempts (3 retries), 5 layers]", "", 1024, NestedAmplification(1, 4, 4, 4, 4, 4)},
		{"R-02", "attempts_at_bottom[3 attempts, 2 layers]", "", 9, NestedAmplification(1, 3, 3)},
		{"R-06", "threshold_p", "", 1.0 / 11, TokenBudgetThreshold(0.1)},
		{"R-06", "time_to_stop_retries[p=1,1000 attempts/s,maxTokens 10]", "", 0.005, TokenBudgetStop(10, 0.1, 1000, 1)},
		{"R-06", "time_to_stop_retries[p=0.2,1000 attempts/s,maxTokens 10]", "", 0.041666666666666664, TokenBudgetStop(10, 0.1, 1000, 0.2)},
		{"R-07", "p_where_quota_binds[aws-standard]", "", 0.3207243473230675, QuotaThreshold(3, 5, 1)},
		{"R-07", "p_where_quota_binds[aws-2026]", "", 0.21485630389110388, QuotaThreshold(3, 14, 1)},
		{"R-09", "lower_bound[n=3]", "", 1000.0 / 3, CollapseFrom(1000, Amplification(3, 1))},
		{"R-09", "lower_bound[n=5]", "", 200, CollapseFrom(1000, Amplification(5, 1))},
		{"R-09", "lower_bound[budget 0.2]", "", 1000 / 1.2, CollapseFrom(1000, RatioBudgetAmplification(3, 1, 0.2, 0, 1000))},
		{"R-09", "lower_bound[n=1]", "", 1000, CollapseFrom(1000, Amplification(1, 1))},
		{"R-09", "upper_bound", "", 1000, SustainableLoad([]float64{1}, []float64{1000})},
		{"R-11", "mean_total_delay_2_retries[aws-standard]", "", 1.5, Backoff{Kind: FullJitter, Base: 1, Cap: 20}.MeanTotal(2)},
		{"R-11", "mean_total_delay_2_retries[aws-2026]", "", 0.075, Backoff{Kind: FullJitter, Base: 0.05, Cap: 20}.MeanTotal(2)},
		{"R-11", "mean_total_delay_3_retries[grpc example]", "", 0.7, Backoff{Kind: Exponential, Base: 0.1, Cap: 1}.MeanTotal(3)},
		{"R-11", "mean_total_delay_2_retries[resilience4j]", "", 1, Backoff{Kind: Fixed, Base: 0.5}.MeanTotal(2)},
		{"R-11", "mean_total_delay_2_retries[lambda-async]", "", 180, Backoff{Kind: Exponential, Base: 60, Factor: 2}.MeanTotal(2)},
		{"R-11", "mean_total_delay_3_retries[envoy]", "", 0.1375, Backoff{Kind: EnvoyJitter, Base: 0.025, Cap: 0.25}.MeanTotal(3)},
		{"R-12", "peak_rate[a]", "", 100000, HerdPeak(10000, 0, 0.1)},
		{"R-12", "peak_rate[b]", "", 1000, HerdPeak(10000, 10, 0.1)},

		{"C-01", "goodput[90]", "t>70", 90, SurvivorGoodput(90, 100, 2, 1)},
		{"C-01", "goodput[120]", "t>80", 0, SurvivorGoodput(120, 100, 2, 1)},
		{"C-01", "goodput[190]", "t>70", 0, SurvivorGoodput(190, 100, 2, 1)},
		{"C-01", "utilisation_survivor[90]", "t>70", 0.9, SurvivorLoad(90, 100, 2, 1)},
		{"C-03", "mean_detection[test]", "", 8.5, MeanDetection(5, 1, 2)},
		{"C-03", "max_detection[test]", "", 11, MaxDetection(5, 1, 2)},
		{"C-03", "mean_detection[alb-default]", "", 50, MeanDetection(30, 5, 2)},
		{"C-03", "mean_detection[k8s-readiness]", "", 26, MeanDetection(10, 1, 3)},
		{"C-03", "mean_detection[route53-30s]", "", 79, MeanDetection(30, 4, 3)},
		{"C-05", "max_throughput[callee 80 ms]", "", 2000, slow(Call{Latency: 0.08, Attempts: 1})},
		{"C-05", "max_throughput[every call times out at 2 s, 1 attempt]", "", 200 / 2.02, slow(Call{Timeout: 2, Failing: 1, Attempts: 1})},
		{"C-05", "max_throughput[same, 3 attempts, no backoff]", "", 200 / 6.02, slow(Call{Timeout: 2, Failing: 1, Attempts: 3})},
		{"C-05", "max_throughput[10 % of calls time out at 2 s, others 80 ms, 1 attempt]", "", 200 / 0.292, slow(Call{Latency: 0.08, Timeout: 2, Failing: 0.1, Attempts: 1})},
		{"C-07", "utilisation_of_live[a]", "", 750.0 / 700, SurvivorLoad(750, 100, 10, 3)},
		{"C-07", "goodput[a]", "t>120", 0, SurvivorGoodput(750, 100, 10, 3)},
		{"C-07", "goodput[b]", "t>75", 525, FailOpenGoodput(750, 100, 10, 3)},
		{"C-07", "utilisation_of_live[b]", "", 0.75, SurvivorLoad(750, 100, 10, 0)},

		{"K-01", "hit_ratio[0.01]", "", 0.375, HitRatio(0.01, 60)},
		{"K-01", "hit_ratio[0.1]", "", 6.0 / 7, HitRatio(0.1, 60)},
		{"K-01", "hit_ratio[1]", "", 60.0 / 61, HitRatio(1, 60)},
		{"K-02", "served_fraction", "t=0", 6.0 / 7, CacheServed(0, cache, 60, 0)},
		{"K-02", "served_fraction", "t=15", 4.5 / 7, CacheServed(15, cache, 60, 0)},
		{"K-02", "served_fraction", "t=30", 3.0 / 7, CacheServed(30, cache, 60, 0)},
		{"K-02", "served_fraction", "t>=60", 0, CacheServed(60, cache, 60, 0)},
		{"K-02", "served_fraction[stale 300]", "t=300", 6.0 / 7, CacheServed(300, cache, 60, 300)},
		{"K-02", "served_fraction[stale 300]", "t=330", 3.0 / 7, CacheServed(330, cache, 60, 300)},
		{"K-04", "old_fraction[0]", "t=30", 0.5, OldAnswer(30, 60, 0)},
		{"K-04", "old_fraction[0]", "t>=60", 0, OldAnswer(60, 60, 0)},
		{"K-04", "old_fraction[0.05]", "t=30", 0.525, OldAnswer(30, 60, 0.05)},
		{"K-04", "old_fraction[0.05]", "t>=60", 0.05, OldAnswer(60, 60, 0.05)},
		{"K-05", "valid_fraction", "t=39", 1, LeaseValid(39, 20, 60)},
		{"K-05", "valid_fraction", "t=45", 0.75, LeaseValid(45, 20, 60)},
		{"K-05", "valid_fraction", "t=50", 0.5, LeaseValid(50, 20, 60)},
		{"K-05", "valid_fraction", "t>=60", 0, LeaseValid(60, 20, 60)},
		{"K-06", "collapsed[M=1500]", "", 0, truth(storm(1500).Collapses())},
		{"K-06", "all_valid_at[M=1500]", "", 3.75, storm(1500).AllValidAt()},
		{"K-06", "collapsed[M=3000]", "", 0, truth(storm(3000).Collapses())},
		{"K-06", "all_valid_at[M=3000]", "", 10, storm(3000).AllValidAt()},
		{"K-06", "collapsed[M=3600]", "", 0, truth(storm(3600).Collapses())},
		{"K-06", "all_valid_at[M=3600]", "", 17, storm(3600).AllValidAt()},
		{"K-06", "collapsed[M=4400]", "", 1, truth(storm(4400).Collapses())},
		{"K-06", "valid_at_120s[M=4400]", "", 2000, storm(4400).ValidInTheLongRun()},
		{"K-06", "collapsed[M=6000]", "", 1, truth(storm(6000).Collapses())},
		{"K-06", "valid_at_120s[M=6000]", "", 2000, storm(6000).ValidInTheLongRun()},
		{"K-06", "threshold_M", "", 4000, storm(0).Threshold()},
		{"K-07", "all_valid_at", "", 6000.0 / 360, storm(6000).PacedRecovery(360)},
		{"K-07", "max_queue", "", 0, storm(6000).PacedQueue(360)},
	}
	for n := 2; n <= 5; n++ {
		for _, p := range []float64{0.1, 0.5, 0.9, 1} {
			attempts, reached := 0.0, 1.0
			for range n {
				attempts += reached
				reached *= p
			}
			all = append(all,
				quantity{"R-01", fmt.Sprintf("amplification[n=%d,p=%v]", n, p), "", attempts, Amplification(n, p)},
				quantity{"R-01", fmt.Sprintf("final_failure[n=%d,p=%v]", n, p), "", reached, FinalFailure(n, p)})
		}
	}
	for i, p := range []float64{0.1, 0.3, 0.5, 0.7, 0.9, 1} {
		name := fmt.Sprintf("amplification[p=%v]", p)
		all = append(all,
			quantity{"R-04", name, "", []float64{1.11, 1.2, 1.2, 1.2, 1.2, 1.2}[i], RatioBudgetAmplification(3, p, 0.2, 0, 1000)},
			quantity{"R-07", fmt.Sprintf("amplification[aws-standard,p=%v]", p), "", []float64{1.11, 1.39, 1.2, 1.0857142857142856, 1.0222222222222221, 1}[i], QuotaAmplification(3, p, 5, 1)},
			quantity{"R-07", fmt.Sprintf("amplification[aws-2026,p=%v]", p), "", []float64{1.11, 1 + 1.0/6, 1 + 1.0/14, 1.030612244897959, 1.007936507936508, 1}[i], QuotaAmplification(3, p, 14, 1)})
		if p > 0.2 {
			all = append(all, quantity{"R-06", name, "", 1, TokenBudgetAmplification(4, p, 0.1)})
		}
	}
	return all
}

// TestQuantities compares the forms with the values written beside them.
func TestQuantities(t *testing.T) {
	for _, q := range quantities() {
		// The values of a solved equation are known to fewer digits.
		if tolerance := max(1e-9, 1e-7*math.Abs(q.want)); !(math.Abs(q.got-q.want) <= tolerance) {
			t.Errorf("%s %s %s = %.17g, not %.17g", q.id, q.metric, q.when, q.got, q.want)
		}
	}
}

// open are the cases of the groups that are looked at which no closed form answers:
// flows that change over time in ways of their own.
var open = []string{"F-03", "F-05"}

// TestReferenceCases compares the forms with every number of the reference cases of
// stationary queues, retries, capacity and state with a time to live, and of those
// transients that have a closed form, within the tolerance of each.
func TestReferenceCases(t *testing.T) {
	data, err := os.ReadFile(filepath.Join(moduleRoot(t), "..", "shared", "reference", "cases.json"))
	if err != nil {
		t.Skip("skipped: the reference cases are not beside this checkout")
	}
	var reference struct {
		Cases []struct {
			ID       string
			Group    string
			Expected []struct {
				Metric string
				When   string
				Value  any
				TolRel float64 `json:"tol_rel"`
				TolAbs float64 `json:"tol_abs"`
				Check  string
			}
		}
	}
	if err := json.Unmarshal(data, &reference); err != nil {
		t.Fatal(err)
	}
	have := quantities()
	used := make([]bool, len(have))
	seen := 0
	for _, c := range reference.Cases {
		if !strings.Contains("QFRCK", c.Group) || slices.Contains(open, c.ID) {
			continue
		}
		for _, e := range c.Expected {
			seen++
			i := slices.IndexFunc(have, func(q quantity) bool {
				return q.id == c.ID && q.metric == e.Metric && q.when == e.When
			})
			if i < 0 {
				t.Errorf("%s: nothing computes %q %q", c.ID, e.Metric, e.When)
				continue
			}
			used[i] = true
			want, ok := e.Value.(float64)
			if b, is := e.Value.(bool); is {
				want, ok = truth(b), true
			}
			tolerance := max(e.TolAbs, e.TolRel*math.Abs(want))
			if e.Check == "equal" {
				tolerance = 0
			}
			if got := have[i].got; !ok || !(math.Abs(got-want) <= tolerance) {
				t.Errorf("%s %s %s = %.17g, not %v within %g", c.ID, e.Metric, e.When, got, e.Value, tolerance)
			}
		}
	}
	if seen < 150 {
		t.Errorf("only %d numbers were looked at", seen)
	}
	for i, q := range have {
		if !used[i] {
			t.Errorf("no case asks for %s %q %q", q.id, q.metric, q.when)
		}
	}
}

func moduleRoot(t *testing.T) string {
	t.Helper()
	dir, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			return dir
		}
		if dir == filepath.Dir(dir) {
			t.Fatal("no go.mod above this test")
		}
		dir = filepath.Dir(dir)
	}
}
