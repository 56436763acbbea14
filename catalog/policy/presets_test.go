package policy

import (
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"
	"unicode"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/knockon/knockon/catalog/diag"
	"github.com/knockon/knockon/catalog/toml"
	"github.com/knockon/knockon/catalog/unit"
)

// presets are all of them: by kind, then sorted as their tables are. Each is a
// pointer to the policy.
func presets() map[string][]any {
	all := make(map[string][]any)
	for _, p := range RetryPresets {
		all["retry"] = append(all["retry"], &p.Retry)
	}
	for _, p := range RetryBudgetPresets {
		all["budget"] = append(all["budget"], &p.Budget)
	}
	for _, p := range BreakerPresets {
		all["breaker"] = append(all["breaker"], &p.Breaker)
	}
	for _, p := range BulkheadPresets {
		all["bulkhead"] = append(all["bulkhead"], &p.Bulkhead)
	}
	for _, p := range ClientThrottlePresets {
		all["limit"] = append(all["limit"], &p.Limit)
	}
	for _, p := range QueuePresets {
		all["queue"] = append(all["queue"], &p.Queue)
	}
	return all
}

func nameOf(policy any) string {
	return reflect.ValueOf(policy).Elem().FieldByName("Preset").String()
}

// write prints a policy as a table of the catalog language: the keys are the names
// of the fields.
func write(v reflect.Value) string {
	var said []string
	for i := range v.NumField() {
		key, f := snake(v.Type().Field(i).Name), v.Field(i)
		switch {
		case key == "preset" || f.IsZero():
		case f.Kind() == reflect.String:
			said = append(said, fmt.Sprintf("%s = %q", key, f))
		case f.Kind() == reflect.Bool:
			said = append(said, key+" = true")
		case f.Kind() == reflect.Pointer:
			said = append(said, key+" = "+write(f.Elem()))
		default:
			value := fmt.Sprint(f.FieldByName("V"))
			if s, ok := f.FieldByName("V").Interface().(fmt.Stringer); ok {
				value = strconv.Quote(s.String())
			}
			said = append(said, fmt.Sprintf("%s = { documented = %s, source = %q }", key, value, f.FieldByName("Source")))
		}
	}
	return "{ " + strings.Join(said, ", ") + " }"
}

func snake(name string) string {
	var b strings.Builder
	for i, r := range name {
		if unicode.IsUpper(r) && i > 0 {
			b.WriteByte('_')
		}
		b.WriteRune(unicode.ToLower(r))
	}
	return b.String()
}

// read reads the key of a kind of policy.
func read(d *toml.Decoder, kind string) any {
	switch kind {
	case "retry":
		return RetryKeys(d, kind)
	case "budget":
		return RetryBudgetKeys(d, kind)
	case "breaker":
		return BreakerKeys(d, kind)
	case "bulkhead":
		return BulkheadKeys(d, kind)
	case "limit":
		return ClientThrottleKeys(d, kind)
	case "queue":
		return QueueKeys(d, kind)
	}
	panic("no policy " + kind)
}

var butNotWhereOrWhence = cmp.Options{
	cmp.FilterValues(func(a, b diag.Span) bool { return true }, cmp.Ignore()),
	cmp.FilterPath(func(p cmp.Path) bool { return p.Last().String() == ".Preset" }, cmp.Ignore()),
}

// TestPresets: each table is sorted, every value says where it is from, a preset
// is found by its name, and it says nothing that a catalog could not say itself.
func TestPresets(t *testing.T) {
	for kind, policies := range presets() {
		var names []string
		for _, p := range policies {
			names = append(names, nameOf(p))
			v := reflect.ValueOf(p).Elem()
			text := write(v)
			if strings.Contains(text, `source = ""`) {
				t.Errorf("%s %s: a value without a source: %s", kind, nameOf(p), text)
			}
			for _, text := range []string{text, strconv.Quote(nameOf(p))} {
				var got any
				if said := decode(t, kind+" = "+text, func(d *toml.Decoder) { got = read(d, kind) }); said != "" {
					t.Errorf("%s = %s: %s", kind, text, said)
				} else if d := cmp.Diff(p, got, butNotWhereOrWhence); d != "" {
					t.Errorf("%s = %s is read as something else:\n%s", kind, text, d)
				}
			}
		}
		if !slices.IsSorted(names) || len(slices.Compact(slices.Clone(names))) != len(names) {
			t.Errorf("presets of %s are not sorted or not unique: %v", kind, names)
		}
	}
}

// TestPresetsAreInTheReference: docs/catalog.md names them all.
func TestPresetsAreInTheReference(t *testing.T) {
	page, err := os.ReadFile(filepath.Join(moduleRoot(t), "docs", "catalog.md"))
	if err != nil {
		t.Fatal(err)
	}
	for kind, policies := range presets() {
		for _, p := range policies {
			if !strings.Contains(string(page), "`"+nameOf(p)+"`") {
				t.Errorf("docs/catalog.md does not name %s = %q", kind, nameOf(p))
			}
		}
	}
	for _, words := range [][]string{BackoffWords, DisciplineWords, ClassWords, RecoveryWords, UntilWords, OnTimeoutWords, LostWords, RemoveWords, ViaWords, DepthWords, BlindWords} {
		for _, w := range words {
			if !strings.Contains(string(page), "`"+w+"`") {
				t.Errorf("docs/catalog.md does not name %q", w)
			}
		}
	}
}

// TestWrittenBudgetsAreRead: what one family can say is read as it was said, and
// two families never are.
func TestWrittenBudgetsAreRead(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		count := func(label string, low int64) unit.Value[int64] {
			if low == 0 && rapid.Bool().Draw(t, label+" stated") {
				return unit.Value[int64]{}
			}
			return documented(rapid.Int64Range(max(low, 1), 1e9).Draw(t, label), "here")
		}
		ratio := documented(unit.Ratio(rapid.Float64Range(0, 1).Draw(t, "ratio")), "here")
		families := []func(*RetryBudget){
			func(b *RetryBudget) { b.Ratio, b.Cap = ratio, count("cap", 0) },
			func(b *RetryBudget) {
				b.MaxTokens = count("max_tokens", 1)
				b.TokenRatio = documented(float64(rapid.Int64Range(0, 1000).Draw(t, "token_ratio"))/8, "here")
			},
			func(b *RetryBudget) {
				b.Cost = count("cost", 1)
				b.Quota = documented(rapid.Int64Range(b.Cost.V, 1e9).Draw(t, "quota"), "here")
				b.TimeoutCost, b.Refund = count("timeout_cost", 0), count("refund", 0)
			},
			func(b *RetryBudget) { b.Active, b.MinActive = ratio, count("min_active", 0) },
			func(b *RetryBudget) { b.MaxActive = count("max_active", 1) },
		}
		var one RetryBudget
		i := rapid.IntRange(0, len(families)-1).Draw(t, "family")
		families[i](&one)
		got, faults := readBudget(write(reflect.ValueOf(one)))
		if len(faults) > 0 {
			t.Fatalf("%s: %v", write(reflect.ValueOf(one)), faults)
		}
		if d := cmp.Diff(&one, got, butNotWhereOrWhence); d != "" || got.Compare(&one) != 0 {
			t.Fatalf("read as something else:\n%s", d)
		}
		j := (i + rapid.IntRange(1, len(families)-1).Draw(t, "another")) % len(families)
		two := one
		families[j](&two)
		if _, faults := readBudget(write(reflect.ValueOf(two))); !faults.HasErrors() {
			t.Fatalf("two families in one budget: %s", write(reflect.ValueOf(two)))
		}
	})
}

func readBudget(text string) (*RetryBudget, diag.List) {
	doc, faults := toml.Parse("test.toml", []byte("budget = "+text))
	d := doc.Decoder(doc.Root, "the test", &faults)
	b := RetryBudgetKeys(d, "budget")
	d.Done()
	return b, faults
}

// What the language cannot carry of the collection, and why: whole presets, and
// values of others.
var (
	leftOut = map[string]string{
		"aws-sdk-adaptive":        "the limit follows a measured rate, and limits here are fixed",
		"brooker-token-bucket":    "each success deposits, and ours deposit for each request (ratio) or also give back what a retry cost (quota); how much the bucket holds is not said",
		"envoy-outlier-detection": "hosts of a target are ejected one by one, and a breaker here stops calls to the whole target",
		"eventbridge":             "the pauses are not documented, and 185 retries without them would come at once",
		"finagle-failure-accrual": "endpoints of a target are marked one by one, by either of two rules",
		"finagle-requeue":         "only what never reached the target is sent again, and a retry here follows any failure",
		"grpc-connection-backoff": "connections are made again, not calls",
		"haproxy-connect-retries": "only connections are made again, and a retry here follows any failure",
		"istio-outlier-detection": "hosts of a target are ejected one by one, and a breaker here stops calls to the whole target",
		"lambda-stream-source":    "retries hold up the whole shard, and nothing but the age of the record ends them",
		"nginx-next-upstream":     "every other server of the group is tried once; their number is not the policy's",
	}
	ofTheNeed   = "of the need (timeout), not of its retries"
	ofAnother   = "a policy of its own (bulkhead, breaker, queue or limit)"
	notTheValue = "not a value that acts, but a rule for others"
	notCarried  = map[string]string{
		"aws-sdk-legacy-botocore/connect_timeout_s":     ofTheNeed,
		"aws-sdk-legacy-botocore/read_timeout_s":        ofTheNeed,
		"aws-sdk-legacy-botocore/pool_connections":      ofAnother,
		"aws-sdk-standard-2026/throttling_retry_cost":   "what a throttle refuses costs what any failure costs",
		"dotnet-standard-resilience/attempt_timeout_s":  ofTheNeed,
		"dotnet-standard-resilience/concurrency_limit":  ofAnother,
		"dotnet-standard-resilience/breaker":            ofAnother,
		"envoy-circuit-breakers/max_connections":        "a bulkhead counts calls",
		"envoy-circuit-breakers/max_pending":            "a bulkhead bounds how long a call waits, not how many wait",
		"envoy-circuit-breakers/max_retries":            "in the budget of the retry preset envoy-retry-on",
		"envoy-default/route_timeout_s":                 ofTheNeed,
		"envoy-retry-on/route_timeout_s":                ofTheNeed,
		"grpc-default/max_attempts_cap":                 notTheValue,
		"hystrix-breaker/buckets":                       "the window slides smoothly",
		"hystrix/timeout_s":                             ofTheNeed,
		"hystrix/threads":                               ofAnother,
		"hystrix/queue":                                 ofAnother,
		"hystrix/semaphore":                             ofAnother,
		"istio-default/retry_on":                        "a retry here follows any failure",
		"istio-default/http_timeout":                    ofTheNeed,
		"istio-default/tcp_connect_timeout_s":           ofTheNeed,
		"kubernetes-controller-workqueue/overall_qps":   "the bucket delays retries, and a budget refuses them",
		"kubernetes-controller-workqueue/overall_burst": "the bucket delays retries, and a budget refuses them",
	}
)

// pauses are the backoffs of the collection, in its words, and in ours: the kind,
// base, factor, cap and jitter.
var pauses = map[string]string{
	"U(0,1) * 2^(k-1) s, uncapped (k = number of the failed attempt)": "full-jitter 1s 2  ",
	"0.05 * 2^(k-1) s":            "exponential 50ms 2  ",
	"U(0,1) * min(2^(k-1), 20) s": "full-jitter 1s 2 20s ",
	"U(0,1) * min(x * 2^(k-1), 20) s; x = 0.05 (transient), 1 (throttling), 0.025 (DynamoDB transient)": "full-jitter 50ms 2 20s ",
	"min(0.1 * 2^(k-1), 1) s * U(0.8,1.2)":           "exponential 100ms 2 1s 20%",
	"U(0, min(0.025*(2^k-1), 0.25)) s":               "envoy-jitter 25ms  250ms ",
	"as envoy, base 25 ms":                           "envoy-jitter 25ms  250ms ",
	"0.5 s fixed":                                    "fixed 500ms   ",
	"0.5 * 1.5^(k-1) s, random +-50 % if randomised": "exponential 500ms 1.5  ",
	"2 s constant":                                   "fixed 2s   ",
	"exponential 2 s base with jitter":               "full-jitter 2s 2  ", // see RetryPresets
	"min(0.5 * 1.5^(k-1), 60) s * U(0.5,1.5)":        "exponential 500ms 1.5 1m 50%",
	"min(2^(k-1), 30) s, no jitter":                  "exponential 1s 2 30s ",
	"1 s exponential, max 64 s":                      "exponential 1s 2 1m4s ",
	"60 s, then 120 s":                               "exponential 1m 2  ",
	"exponential 1 s .. 300 s":                       "exponential 1s  5m ",
	"1 s * 2^(k-1)":                                  "exponential 1s 2  ",
	"0.005 * 2^(k-1) .. 1000 s":                      "exponential 5ms 2 16m40s ",
}

func pausesOf(r *Retry) string {
	return strings.Join([]string{r.Backoff, said(r.Base), said(r.Factor), said(r.Cap), said(r.Jitter)}, " ")
}

func said[T any](v unit.Value[T]) string {
	if !v.IsStated() {
		return ""
	}
	return fmt.Sprint(v.V)
}

// carried tells where a value of the collection went: the number that a preset has
// for it, NaN for none.
var carried = map[string]func(p any) float64{
	"max_attempts":           func(p any) float64 { return float64(p.(*Retry).Attempts.V) },
	"max_attempts_dynamodb":  func(p any) float64 { return float64(dynamodb(p.(*Retry)).Attempts.V) },
	"max_elapsed_s":          func(p any) float64 { return p.(*Retry).Deadline.V.Seconds() },
	"max_age_s":              func(p any) float64 { return p.(*Retry).Deadline.V.Seconds() },
	"total_timeout_s":        func(p any) float64 { return p.(*Retry).Deadline.V.Seconds() },
	"quota_tokens":           func(p any) float64 { return float64(p.(*Retry).Budget.Quota.V) },
	"retry_cost":             func(p any) float64 { return float64(p.(*Retry).Budget.Cost.V) },
	"timeout_retry_cost":     func(p any) float64 { return float64(p.(*Retry).Budget.TimeoutCost.V) },
	"success_refund":         func(p any) float64 { return float64(p.(*Retry).Budget.Refund.V) },
	"max_concurrent_retries": func(p any) float64 { return float64(p.(*Retry).Budget.MaxActive.V) },
	"budget_ratio":           func(p any) float64 { return float64(p.(*Retry).Budget.Ratio.V) },

	"maxTokens":             func(p any) float64 { return float64(p.(*RetryBudget).MaxTokens.V) },
	"tokenRatio":            func(p any) float64 { return p.(*RetryBudget).TokenRatio.V },
	"budget_percent":        func(p any) float64 { return 100 * float64(p.(*RetryBudget).Active.V) },
	"min_retry_concurrency": func(p any) float64 { return float64(p.(*RetryBudget).MinActive.V) },
	"percent_can_retry":     func(p any) float64 { return 100 * float64(p.(*RetryBudget).Ratio.V) },
	"min_retries_per_s":     func(p any) float64 { return float64(p.(*RetryBudget).MinRate.V) },
	"ttl_s": func(p any) float64 { // where no cap is stated, 10 s; see RetryBudget
		if p.(*RetryBudget).Cap.IsStated() {
			return math.NaN()
		}
		return 10
	},

	"K":        func(p any) float64 { return p.(*ClientThrottle).K.V },
	"qps":      func(p any) float64 { return float64(p.(*ClientThrottle).Rate.V) },
	"burst":    func(p any) float64 { return float64(p.(*ClientThrottle).Burst.V) },
	"window_s": windowSeconds,

	"failure_rate":         func(p any) float64 { return float64(p.(*Breaker).Errors.V) },
	"min_calls":            func(p any) float64 { return float64(p.(*Breaker).Calls.V) },
	"window_calls":         func(p any) float64 { return float64(p.(*Breaker).Ring.V) },
	"consecutive_failures": func(p any) float64 { return float64(p.(*Breaker).InARow.V) },
	"open_s":               func(p any) float64 { return p.(*Breaker).OpenFor.V.Seconds() },
	"half_open_probes":     func(p any) float64 { return float64(p.(*Breaker).Probes.V) },

	"max_concurrent": func(p any) float64 { return float64(p.(*Bulkhead).Concurrent.V) },
	"max_requests":   func(p any) float64 { return float64(p.(*Bulkhead).Concurrent.V) },
	"threads":        func(p any) float64 { return float64(p.(*Bulkhead).Concurrent.V) },
	"max_wait_s":     func(p any) float64 { return p.(*Bulkhead).MaxWait.V.Seconds() },
	"queue":          func(p any) float64 { return p.(*Bulkhead).MaxWait.V.Seconds() }, // none waits

	"M_ms":                 func(p any) float64 { return 1000 * p.(*Queue).Target.V.Seconds() },
	"N_ms":                 func(p any) float64 { return 1000 * p.(*Queue).Interval.V.Seconds() },
	"visibility_timeout_s": func(p any) float64 { return p.(*Queue).Visibility.V.Seconds() },
	"retention_s":          func(p any) float64 { return p.(*Queue).Retention.V.Seconds() },
	"max_receive_count":    func(p any) float64 { return float64(p.(*Queue).MaxReceives.V) },
}

func windowSeconds(p any) float64 {
	switch p := p.(type) {
	case *ClientThrottle:
		return p.Window.V.Seconds()
	case *Breaker:
		return p.Window.V.Seconds()
	}
	return math.NaN()
}

// dynamodb is the preset of the same software for DynamoDB.
func dynamodb(r *Retry) *Retry {
	for _, p := range RetryPresets {
		if p.Retry.Preset == r.Preset+"-dynamodb" {
			return &p.Retry
		}
	}
	return &Retry{}
}

// TestPresetsAgreeWithTheCollection compares every value with a collection of
// defaults read from the software's own sources. What the language cannot carry is
// listed with the reason, and the list has nothing else in it.
func TestPresetsAgreeWithTheCollection(t *testing.T) {
	data, err := os.ReadFile(filepath.Join(moduleRoot(t), "..", "shared", "design", "defaults-presets.json"))
	if err != nil {
		t.Skip("skipped: the collection of defaults is not beside this checkout")
	}
	var collection struct {
		Presets []struct {
			Name   string         `json:"name"`
			Kind   string         `json:"kind"`
			Values map[string]any `json:"values"`
		} `json:"presets"`
	}
	if err := json.Unmarshal(data, &collection); err != nil {
		t.Fatal(err)
	}
	byName := make(map[string]any)
	for _, policies := range presets() {
		for _, p := range policies {
			byName[nameOf(p)] = p
		}
	}
	used := make(map[string]bool)
	compared := 0
	for _, c := range collection.Presets {
		if !slices.Contains([]string{"retry", "retry-budget", "client-throttle", "breaker", "bulkhead", "queue"}, c.Kind) {
			continue
		}
		p, ok := byName[c.Name]
		if _, out := leftOut[c.Name]; out == ok {
			t.Errorf("%s: is a preset: %v, left out with a reason: %v", c.Name, ok, out)
		}
		used[c.Name] = true
		if !ok {
			continue
		}
		for _, key := range slices.Sorted(maps.Keys(c.Values)) {
			value, id := c.Values[key], c.Name+"/"+key
			used[id] = true
			switch f := carried[key]; {
			case notCarried[id] != "":
			case key == "backoff":
				want, known := pauses[value.(string)]
				if got := pausesOf(p.(*Retry)); !known || got != want {
					t.Errorf("%s: pauses %q, the collection says %q, which is %q", c.Name, got, value, want)
				}
				compared++
			case f == nil:
				t.Errorf("%s: nothing is said of %s = %v", c.Name, key, value)
			default:
				want, isNumber := value.(float64)
				if got := f(p); !isNumber || math.Abs(got-want) > 1e-12*math.Abs(want) {
					t.Errorf("%s: %s is %v, the collection says %v", c.Name, key, got, value)
				}
				compared++
			}
		}
	}
	for _, list := range []map[string]string{leftOut, notCarried} {
		for _, name := range slices.Sorted(maps.Keys(list)) {
			if !used[name] || list[name] == "" {
				t.Errorf("%s is listed as not carried, and is not in the collection", name)
			}
		}
	}
	if compared < 80 {
		t.Errorf("only %d values could be compared", compared)
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
