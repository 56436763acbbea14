package out

import (
	"bytes"
	"regexp"
	"strings"
	"testing"
)

// TestWhatIsStatedIsShown: every value that a service and its needs state stands in
// what `show` prints, once. The values are all different.
func TestWhatIsStatedIsShown(t *testing.T) {
	const text = `
[service.a]
load         = "11/s"
patience     = "12s"
capacity     = "13/s"
concurrency  = 14
service_time = "15ms"
queue        = { bound = 16, discipline = "codel", target = "17ms", interval = "118ms", deadline = "19s", retention = "20h", cancel = true, drop_expired = true, margin = "21ms", reject_cost = "22%", classes = "strict", visibility = "23m", max_receives = 24 }
throttle     = { rate = "25/s", burst = 26 }
shed         = { above = "27%" }
needs = [
  { on = "b", timeout = "31s", calls = 32, clients = 33, priority = 4, share = { guess = "34%" }, parallel = true },
  { on = "b", retry = { attempts = 41, backoff = "equal-jitter", base = "42ms", factor = 43, cap = "44s", jitter = "45%", deadline = "46s", budget = { ratio = "47%", min_rate = "48/s", cap = 49 } } },
  { on = "b", retry = { budget = { max_tokens = 51, token_ratio = 0.52 } }, breaker = { errors = "53%", window = "54s", calls = 55, open_for = "56s", probes = 57 } },
  { on = "b", retry = { budget = { quota = 61, cost = 60, timeout_cost = 62, refund = 63 } }, breaker = { ring = 64 }, bulkhead = { concurrent = 65, max_wait = "66ms" } },
  { on = "b", retry = { budget = { active = "71%", min_active = 72 } }, breaker = { in_a_row = 73 }, limit = { k = 74, window = "35s" } },
  { on = "b", retry = { budget = { max_active = 81 } }, limit = { rate = "82/s", burst = 83 } },
  { on = "b", retry = "polly-v8", breaker = "gobreaker", bulkhead = "resilience4j-bulkhead", limit = "kubernetes-client-go" },
  { on = "b", retry = { budget = "finagle-retry-budget" } },
]
[service.b]
queue = { classes = "weighted" }
[service.c]
queue = "codel-facebook"
`
	_, g := loadShop(t, text)
	written, _ := FormatOf("shown.txt")
	var shown bytes.Buffer
	for _, id := range []string{"a", "c"} {
		v, _ := g.Node(id)
		if err := written.Write(&shown, NewDetail(g, v), Options{}); err != nil {
			t.Fatal(err)
		}
	}
	said := shown.String()
	value := regexp.MustCompile(`= "?([0-9][0-9a-z./%]*)"?[ ,\n]`)
	seen := 0
	for _, m := range value.FindAllStringSubmatch(text, -1) {
		seen++
		if n := len(regexp.MustCompile(`(^|[ :])`+regexp.QuoteMeta(m[1])+`([ ,\n]|$)`).FindAllString(said, -1)); n != 1 {
			t.Errorf("%s is stated once and shown %d times", m[1], n)
		}
	}
	if seen < 50 {
		t.Errorf("only %d values were looked for", seen)
	}
	for _, word := range []string{"codel", "cancel yes", "drop expired yes", "strict", "equal-jitter", "at once", "34% (guess)", "preset codel-facebook", "preset polly-v8", "preset gobreaker", "preset resilience4j-bulkhead", "preset kubernetes-client-go", "budget: preset finagle-retry-budget"} {
		if !strings.Contains(said, word) {
			t.Errorf("%q is not shown", word)
		}
	}
	if t.Failed() {
		t.Log(said)
	}
}
