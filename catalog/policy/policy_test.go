package policy

import (
	"strings"
	"testing"

	"github.com/knockon/knockon/catalog/diag"
	"github.com/knockon/knockon/catalog/toml"
)

// decode reads the keys of a table with f and returns what it complained about.
func decode(t *testing.T, text string, f func(*toml.Decoder)) string {
	t.Helper()
	doc, faults := toml.Parse("test.toml", []byte(text))
	d := doc.Decoder(doc.Root, "the test", &faults)
	f(d)
	d.Done()
	return strings.Join(messages(faults), "\n")
}

func messages(l diag.List) []string {
	var all []string
	for _, d := range l {
		all = append(all, d.Message+"; "+d.Help)
	}
	return all
}

func TestRetry(t *testing.T) {
	var r *Retry
	read := func(d *toml.Decoder) { r = RetryKeys(d, "retry") }
	if said := decode(t, `retry = "aws-sdk-standard"`, read); said != "" || r.Attempts.V != 3 || r.Cap.V.String() != "20s" {
		t.Errorf("preset: %q %+v", said, r)
	}
	if said := decode(t, `retry = { attempts = 4, backoff = "equal-jitter", base = "10ms", factor = 1.5, cap = "1s", jitter = "20%", deadline = "30s", budget = "10%" }`, read); said != "" || r.Attempts.V != 4 || r.Factor.V != 1.5 || r.Jitter.V != 0.2 || r.Deadline.V.String() != "30s" || r.Budget.Ratio.V != 0.1 {
		t.Errorf("table: %q %+v", said, r)
	}
	for text, want := range map[string]string{
		`retry = "aws-sdk"`:                        `"aws-sdk-standard"`,
		`retry = 3`:                                "attempts = 3",
		`retry = { atempts = 3 }`:                  `did you mean "attempts"`,
		`retry = { attempts = 0 }`:                 "from 1",
		`retry = { budget = 0.2 }`:                 `write "20%"`,
		`retry = { backoff = "jitter" }`:           "unknown backoff",
		`retry = { base = "10s", cap = "1s" }`:     "longer than cap",
		`retry = { factor = 0.5 }`:                 "from 1",
		`retry = { attempts = { guess = "many" }}`: "must be an integer",
		`retry = { attempts = 1001 }`:              "out of range",
		`retry = { jitter = 0.2 }`:                 `write "20%"`,

		`retry = { backoff = "none", cap = "1s" }`:                             `"cap" belongs to a pause`,
		`retry = { backoff = "fixed", factor = 2 }`:                            `no part in backoff = "fixed"`,
		`retry = { backoff = "envoy-jitter", factor = 2 }`:                     "these pauses double",
		`retry = { backoff = "fixed", base = "10s", deadline = "5s" }`:         "later than the deadline 5s",
		`retry = { budget = { active = "20%", min_activ = 3 } }`:               `unknown key "min_activ" in budget of retry of the test; did you mean "min_active"`,
		`retry = { backoff = "fulljitter", base = "1s", budget = "finagle"  }`: `did you mean "finagle-retry-budget"`,
	} {
		if said := decode(t, text, read); !strings.Contains(said, want) {
			t.Errorf("%s: want %q in %q", text, want, said)
		}
	}
}

func TestRetryBudget(t *testing.T) {
	var b *RetryBudget
	read := func(d *toml.Decoder) { b = RetryBudgetKeys(d, "budget") }
	kinds := map[BudgetKind][]string{
		RatioBudget: {
			`budget = "20%"`,
			`budget = { guess = "20%" }`,
			`budget = { documented = "20%", source = "runbook" }`,
			`budget = { ratio = "20%", min_rate = "10/s", cap = 100 }`,
			`budget = "finagle-retry-budget"`,
		},
		TokenBudget: {
			`budget = { max_tokens = 100, token_ratio = 0.1 }`,
			`budget = "grpc-retry-throttling-example"`,
		},
		QuotaBudget: {
			`budget = { quota = 500, cost = 5, timeout_cost = 10, refund = 1 }`,
		},
		ActiveBudget: {
			`budget = { active = "20%", min_active = 3 }`,
			`budget = "envoy-retry-budget"`,
			`budget = { max_active = { guess = 3 } }`,
		},
	}
	for want, texts := range kinds {
		for _, text := range texts {
			if said := decode(t, text, read); said != "" || b.Kind() != want {
				t.Errorf("%s: %q, family %d", text, said, b.Kind())
			}
		}
	}
	for text, want := range map[string]string{
		`budget = 0.2`:                                  `write "20%"`,
		`budget = "20"`:                                 `write "20%"`,
		`budget = "120%"`:                               "more than the whole",
		`budget = ""`:                                   "unknown retry budget preset",
		`budget = true`:                                 "say a budget",
		`budget = {}`:                                   "this one is empty",
		`budget = { guess = "20%", cap = 3 }`:           `unknown key "cap"`,
		`budget = { min_rate = "10/s" }`:                `"min_rate" goes with "ratio"`,
		`budget = { min_active = 3 }`:                   `"min_active" goes with "active"`,
		`budget = { ratio = "20%", max_tokens = 10 }`:   `"ratio" and "max_tokens" belong to different kinds of retry budget`,
		`budget = { active = "20%", max_active = 3 }`:   `"active" and "max_active" belong`,
		`budget = { cap = 10, token_ratio = 0.1 }`:      `"cap" and "token_ratio" belong`,
		`budget = { max_tokens = 10 }`:                  "add token_ratio",
		`budget = { quota = 500 }`:                      "add cost",
		`budget = { quota = 5, cost = 14 }`:             "never more than 5",
		`budget = { quota = 0, cost = 14 }`:             "out of range",
		`budget = { maxTokens = 10, token_ratio = 0.1}`: `did you mean "max_tokens"`,
	} {
		if said := decode(t, text, read); !strings.Contains(said, want) {
			t.Errorf("%s: want %q in %q", text, want, said)
		}
	}
	if (*RetryBudget)(nil).Kind() != NoBudget || (&RetryBudget{}).Kind() != NoBudget {
		t.Error("no budget has a family")
	}
}

func TestQueue(t *testing.T) {
	var q *Queue
	read := func(d *toml.Decoder) { q = QueueKeys(d, "queue") }
	const all = `queue = { bound = 10, discipline = "codel", deadline = "2s", retention = "4d", cancel = true, drop_expired = true, margin = "200ms", reject_cost = "5%", classes = "weighted", target = "5ms", interval = "100ms", visibility = "30s", max_receives = 10 }`
	if said := decode(t, all, read); said != "" || !q.Cancel || !q.DropExpired || q.Margin.V.String() != "200ms" || q.RejectCost.V != 0.05 || q.Classes != "weighted" || q.Target.V.String() != "5ms" || q.Interval.V.String() != "100ms" || q.Visibility.V.String() != "30s" || q.MaxReceives.V != 10 {
		t.Errorf("table: %q %+v", said, q)
	}
	if said := decode(t, `queue = "sqs-redelivery"`, read); said != "" || q.Retention.V.String() != "4d" {
		t.Errorf("preset: %q %+v", said, q)
	}
	for _, text := range []string{
		`queue = { discipline = "adaptive-lifo", interval = "100ms" }`,
		`queue = { discipline = "codel", target = "20ms" }`,
		`queue = { max_receives = 3 }`,
	} {
		if said := decode(t, text, read); said != "" {
			t.Errorf("%s: %q", text, said)
		}
	}
	for text, want := range map[string]string{
		`queue = { discipline = "fiffo" }`:                                      `did you mean "fifo"`,
		`queue = { bound = -1 }`:                                                "from 0",
		`queue = "codel"`:                                                       `did you mean "codel-facebook"`,
		`queue = { margin = "1s" }`:                                             "add drop_expired = true",
		`queue = { margin = "1s", drop_expired = false }`:                       "add drop_expired = true",
		`queue = { cancel = "yes" }`:                                            "true, without quotes",
		`queue = { classes = "strikt" }`:                                        `did you mean "strict"`,
		`queue = { target = "5ms" }`:                                            `add discipline = "codel"`,
		`queue = { discipline = "lifo", interval = "5ms" }`:                     "served by neither",
		`queue = { discipline = "codel", target = "100ms", interval = "50ms" }`: "not shorter than its interval 50ms",
		`queue = { discipline = "codel", target = "200ms" }`:                    "not shorter than its interval 100ms",
		`queue = { discipline = "codel", interval = "5ms" }`:                    "target 5ms is not shorter",
		`queue = { visibility = "5d", retention = "4d" }`:                       "forgotten it after 4d",
	} {
		if said := decode(t, text, read); !strings.Contains(said, want) {
			t.Errorf("%s: want %q in %q", text, want, said)
		}
	}
	// One fault is answered once: nobody knows what the word was meant for.
	if said := decode(t, `queue = { discipline = "coddel", target = "5ms" }`, read); strings.Count(said, ";") != 1 {
		t.Errorf("a misspelt discipline: %q", said)
	}
}

func TestClientSide(t *testing.T) {
	var b *Bulkhead
	var l *ClientThrottle
	var k *Breaker
	read := func(d *toml.Decoder) {
		b, l, k = BulkheadKeys(d, "bulkhead"), ClientThrottleKeys(d, "limit"), BreakerKeys(d, "breaker")
	}
	if said := decode(t, "bulkhead = \"resilience4j-bulkhead\"\nlimit = \"google-sre-adaptive\"\nbreaker = \"gobreaker\"", read); said != "" || b.Concurrent.V != 25 || l.K.V != 2 || k.InARow.V != 6 {
		t.Errorf("presets: %q", said)
	}
	if said := decode(t, "bulkhead = { concurrent = 8, max_wait = \"1s\" }\nlimit = { rate = \"5/s\", burst = 10 }\nbreaker = { errors = \"50%\", ring = 20, calls = 10 }", read); said != "" || b.MaxWait.V.String() != "1s" || l.Burst.V != 10 || k.Ring.V != 20 {
		t.Errorf("tables: %q", said)
	}
	for text, want := range map[string]string{
		`bulkhead = 25`:                                           "concurrent = 25",
		`bulkhead = "resilience4j"`:                               `did you mean "resilience4j-bulkhead"`,
		`bulkhead = { max_wait = "1s" }`:                          `"max_wait" goes with "concurrent"`,
		`bulkhead = { concurrent = 0 }`:                           "from 1",
		`limit = "google-sre"`:                                    `did you mean "google-sre-adaptive"`,
		`limit = { k = 0.5 }`:                                     "from 1",
		`limit = { burst = 3 }`:                                   `"burst" goes with "rate"`,
		`limit = { k = 2, rate = "5/s" }`:                         `"k" and "rate" belong to different kinds of limit`,
		`breaker = { errors = "150%" }`:                           "more than the whole",
		`breaker = { errors = "0%" }`:                             "always open",
		`breaker = "hystrix"`:                                     `did you mean "hystrix-breaker"`,
		`breaker = { in_a_row = 5, errors = "50%" }`:              `"errors" counts a share`,
		`breaker = { errors = "50%", window = "1s", ring = 10 }`:  "not both",
		`breaker = { errors = "50%", ring = 10, calls = 20 }`:     "never holds 20 calls",
		`breaker = { errors = "50%", open_fro = "1s", ring = 1 }`: `did you mean "open_for"`,
	} {
		if said := decode(t, text, read); !strings.Contains(said, want) {
			t.Errorf("%s: want %q in %q", text, want, said)
		}
	}
}

func TestThrottleShedCacheReplicas(t *testing.T) {
	for text, want := range map[string]string{
		`throttle = { rate = 5 }`:            `write "5/s"`,
		`shed = "90%"`:                       `above = "90%"`,
		`shed = {}`:                          `needs the key "above"`,
		`shed = { above = "0%" }`:            "serves nobody",
		`cache = { ttl = "1h..1m" }`:         "backwards",
		`cache = "60s"`:                      `say a cache such as`,
		`replicas = 0`:                       "from 1",
		`replicas = { count=2, at_least=3 }`: "3 of 2",
	} {
		said := decode(t, text, func(d *toml.Decoder) {
			ThrottleKeys(d, "throttle")
			ShedKeys(d, "shed")
			CacheKeys(d, "cache")
			ReplicasKeys(d, "replicas")
		})
		if !strings.Contains(said, want) {
			t.Errorf("%s: want %q in %q", text, want, said)
		}
	}
}

func TestLeaseAndHealthCheck(t *testing.T) {
	lease := func(d *toml.Decoder) { LeaseKeys(d) }
	check := func(d *toml.Decoder) { HealthCheckKeys(d) }
	for _, text := range []string{
		`regrant = { on_timeout = "requeue", pause = "0s..20s" }`,
		`regrant = { retry = { backoff = "exponential", base = "1s", factor = 3, jitter = "10%" } }`,
		`regrant = { on_timeout = "drop", pace = "6/h" }`,
		"lost = \"nothing\"\ncold = false",
	} {
		if said := decode(t, text, lease); said != "" {
			t.Errorf("%s: %q", text, said)
		}
	}
	for text, want := range map[string]string{
		"ttl = \"1m\"\nrenew = { every = \"2m\" }":                "renewed every 2m, but lasts 1m",
		`regrant = { on_timeout = "retry" }`:                      "unknown on_timeout",
		`renew = { every = "0s" }`:                                "never done renewing",
		`renew = { timeout = "0s" }`:                              "leave timeout out",
		`regrant = { deadline = "0s" }`:                           "leave deadline out",
		`regrant = { pace = "0/s" }`:                              "nothing is granted",
		`regrant = { pace = 300 }`:                                `write "300/s"`,
		`regrant = { pause = "1s", retry = { base = "1s" } }`:     "pause and retry both say",
		`regrant = { on_timeout = "drop", pause = "1s" }`:         `"pause" waits for the next attempt`,
		`regrant = { on_timeout = "drop", retry = {} }`:           `"retry" waits for the next attempt`,
		`regrant = { retry = "aws-sdk-standard" }`:                `such as { backoff = "full-jitter"`,
		`regrant = { retry = { attempts = 3 } }`:                  `"attempts" ends the attempts`,
		`regrant = { retry = { deadline = "3s" } }`:               `"deadline" ends the attempts`,
		`regrant = { retry = { budget = "3%" } }`:                 `"budget" ends the attempts`,
		`regrant = { retry = { base = "30s", cap = "1s" } }`:      "longer than cap",
		`regrant = { retry = { backoff = "fixed", factor = 2 } }`: "no part in backoff",
		`lost = "capacty"`:                                        `did you mean "capacity"`,
		`cold = "yes"`:                                            "true, without quotes",
		`regrant = { retry = { backof = "fixed", base = "1s" } }`: `unknown key "backof" in retry of regrant of the test; did you mean "backoff"`,
	} {
		if said := decode(t, text, lease); !strings.Contains(said, want) || strings.Contains(said, "\n") {
			t.Errorf("%s: want %q alone in %q", text, want, said)
		}
	}
	for text, want := range map[string]string{
		`on_fail = { via = "dsn" }`:                    `did you mean "dns"`,
		`on_fail = { rate = "0/min" }`:                 "nothing is ever removed",
		`on_fail = { rate = 6 }`:                       `write "6/s"`,
		`policy = { interval = "0s" }`:                 "never stops testing",
		`policy = { timeout = "0s" }`:                  "leave timeout out",
		`policy = { depth = "shalow" }`:                `did you mean "shallow"`,
		`policy = { if_blind = "open" }`:               `unknown if_blind "open"`,
		`policy = { rate = "6/min", interval = "1s" }`: `unknown key "rate"`,
	} {
		if said := decode(t, text, check); !strings.Contains(said, want) || strings.Contains(said, "\n") {
			t.Errorf("%s: want %q alone in %q", text, want, said)
		}
	}
}

// TestLifeOfAService: how its instances come and go, and its requests come again.
func TestLifeOfAService(t *testing.T) {
	read := func(d *toml.Decoder) {
		CacheKeys(d, "cache")
		AutoscaleKeys(d, "autoscale", ReplicasKeys(d, "replicas"))
		TurnoverKeys(d, "turnover")
		RecoveryKeys(d, "recovery")
		DeferredKeys(d, "deferred")
	}
	for _, text := range []string{
		`autoscale = { target = "60%" }`,
		"replicas = 4\nautoscale = { target = \"60%\", min = 4, max = 4 }",
		`turnover = { lifetime = "8h" }`,
		`recovery = "itself"`,
		`recovery = { by = "itself", rate = "6/h" }`,
		`recovery = { start = "2m" }`,
		`deferred = { share = "60%", after = "5m" }`,
		`deferred = { share = "60%", until = "recovery" }`,
		`cache = { ttl = "0s", hit_ratio = "100%", pinned = "100%" }`,
	} {
		if said := decode(t, text, read); said != "" {
			t.Errorf("%s: %q", text, said)
		}
	}
	for text, want := range map[string]string{
		`cache = { keys = 10, hit_ratio = "85%" }`:                         "keep one of them",
		`cache = { keys = 0 }`:                                             "from 1",
		`cache = { pinned = 0.05 }`:                                        `write "5%"`,
		`cache = { keep_alive = "5m", ttl = "1m" }`:                        `did you mean "keepalive"`,
		`cache = { coalesce = "yes" }`:                                     "true, without quotes",
		`autoscale = "60%"`:                                                "say the utilisation it aims at",
		`autoscale = { max = 40 }`:                                         `needs the key "target"`,
		`autoscale = { target = "0%" }`:                                    "no number of replicas",
		`autoscale = { target = "60%", every = "0s" }`:                     "never stops looking",
		`autoscale = { target = "60%", min = 0 }`:                          "from 1",
		`autoscale = { target = "60%", min = 5, max = 4 }`:                 "min 5 is more than max 4",
		"replicas = 3\nautoscale = { target = \"60%\", min = 4 }":          "write min = 3 or less",
		"replicas = 9\nautoscale = { target = \"60%\", max = 4 }":          "write max = 9 or more",
		"replicas = {at_least=5}\nautoscale = {target = \"60%\", max = 4}": "write max = 5 or more",
		`turnover = { start = "3m" }`:                                      `needs the key "lifetime"`,
		`turnover = { lifetime = "0s" }`:                                   "never serves",
		`recovery = 3`:                                                     `say how it comes back: "hand"`,
		`recovery = "hands"`:                                               `did you mean "hand"`,
		`recovery = { by = "hands", after = "30s" }`:                       `did you mean "hand"`,
		`recovery = { by = "itself", after = "30s" }`:                      `add by = "hand"`,
		`recovery = { after = "30s" }`:                                     `add by = "hand"`,
		`recovery = { rate = "0/h" }`:                                      "none comes back",
		`recovery = { rate = 6 }`:                                          `write "6/s"`,
		`deferred = { after = "5m" }`:                                      `needs the key "share"`,
		`deferred = { share = "60%" }`:                                     "but not when",
		`deferred = { share = "60%", over = "10m" }`:                       `"over" goes with "until"`,
		`deferred = { share = "60%", after = "5m", over = "10m" }`:         `"after" and "over" belong to different kinds`,
		`deferred = { share = "60%", after = "5m", until = "recovery" }`:   `"after" and "until" belong to different kinds`,
		`deferred = { share = "60%", until = "recvery" }`:                  `did you mean "recovery"`,
	} {
		if said := decode(t, text, read); !strings.Contains(said, want) || strings.Contains(said, "\n") {
			t.Errorf("%s: want %q alone in %q", text, want, said)
		}
	}
}

// TestCompareLooksAtWhatIsSaid: two policies are equal exactly if they say the same.
func TestCompareLooksAtWhatIsSaid(t *testing.T) {
	read := func(text string) *Retry {
		var r *Retry
		if said := decode(t, text, func(d *toml.Decoder) { r = RetryKeys(d, "retry") }); said != "" {
			t.Fatal(said)
		}
		return r
	}
	a := read(`retry = { attempts = 3, base = "1s" }`)
	b := read("\n\nretry = { base = \"1s\", attempts = 3 }")
	c := read(`retry = { attempts = 3, base = "2s" }`)
	if a.Compare(b) != 0 || a.Compare(c) >= 0 || c.Compare(a) <= 0 || (*Retry)(nil).Compare(a) >= 0 || (*Retry)(nil).Compare(nil) != 0 {
		t.Error("Compare is not an order of what is said")
	}
}

// TestCachesCompare: every key of a cache tells two of them apart, whichever way
// round they are compared.
func TestCachesCompare(t *testing.T) {
	texts := []string{
		`{}`, `{ ttl = "1m" }`, `{ ttl = "1m..2m" }`, `{ ttl = { guess = "1m" } }`, `{ negative_ttl = "1m" }`, `{ stale_on_error = "1m" }`,
		`{ hit_ratio = "1%" }`, `{ keys = 1 }`, `{ pinned = "1%" }`, `{ keepalive = "1m" }`,
		`{ coalesce = true }`, `{ coalesce = false }`, `{ cold = true }`,
	}
	caches := []*Cache{nil}
	for _, text := range texts {
		if said := decode(t, "cache = "+text, func(d *toml.Decoder) { caches = append(caches, CacheKeys(d, "cache")) }); said != "" {
			t.Fatalf("%s: %s", text, said)
		}
	}
	for i, a := range caches {
		for j, b := range caches {
			if ab, ba := a.Compare(b), b.Compare(a); ab != -ba || (ab == 0) != (i == j) {
				t.Errorf("%+v and %+v compare as %d and %d", a, b, ab, ba)
			}
		}
	}
}
