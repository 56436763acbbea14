package policy

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/knockon/knockon/catalog/diag"
	"github.com/knockon/knockon/catalog/toml"
	"github.com/knockon/knockon/catalog/unit"
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

func TestPresetsAreSortedAndSourced(t *testing.T) {
	var names []string
	for _, p := range RetryPresets {
		names = append(names, p.Retry.Preset)
		if p.Source == "" || p.Retry.Attempts.Evidence != unit.Documented {
			t.Errorf("preset %q does not say where it is from", p.Retry.Preset)
		}
		if b := p.Retry.Backoff; b != "" && !slices.Contains(BackoffWords, b) {
			t.Errorf("preset %q backs off by %q", p.Retry.Preset, b)
		}
	}
	if !slices.IsSorted(names) || len(slices.Compact(names)) != len(RetryPresets) {
		t.Errorf("retry presets are not sorted or not unique: %v", names)
	}
	names = nil
	for _, p := range BreakerPresets {
		names = append(names, p.Breaker.Preset)
	}
	if !slices.IsSorted(names) {
		t.Errorf("breaker presets are not sorted: %v", names)
	}
}

// TestPresetsAgreeWithTheCollection compares attempts with a collection of
// defaults read from the software's own sources.
func TestPresetsAgreeWithTheCollection(t *testing.T) {
	data, err := os.ReadFile(filepath.Join(moduleRoot(t), "..", "shared", "design", "defaults-presets.json"))
	if err != nil {
		t.Skip("skipped: the collection of defaults is not beside this checkout")
	}
	var collection struct {
		Presets []struct {
			Name        string         `json:"name"`
			Kind        string         `json:"kind"`
			MaxAttempts *int64         `json:"max_attempts"`
			Values      map[string]any `json:"values"`
		} `json:"presets"`
	}
	if err := json.Unmarshal(data, &collection); err != nil {
		t.Fatal(err)
	}
	compared := 0
	for _, c := range collection.Presets {
		i := slices.IndexFunc(RetryPresets, func(p RetryPreset) bool { return p.Retry.Preset == c.Name })
		attempts, ok := c.Values["max_attempts"].(float64)
		if c.MaxAttempts != nil {
			attempts, ok = float64(*c.MaxAttempts), true
		}
		if i < 0 || !ok {
			continue
		}
		compared++
		if got := RetryPresets[i].Retry.Attempts.V; got != int64(attempts) {
			t.Errorf("%s: %d attempts, the collection says %v", c.Name, got, attempts)
		}
	}
	if compared < 10 {
		t.Errorf("only %d presets could be compared", compared)
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

func TestRetry(t *testing.T) {
	var r *Retry
	read := func(d *toml.Decoder) { r = RetryKeys(d, "retry") }
	if said := decode(t, `retry = "aws-sdk-standard"`, read); said != "" || r.Attempts.V != 3 || r.Cap.V.String() != "20s" {
		t.Errorf("preset: %q %+v", said, r)
	}
	if said := decode(t, `retry = { attempts = 4, backoff = "equal-jitter", base = "10ms", factor = 1.5, cap = "1s", budget = "10%" }`, read); said != "" || r.Attempts.V != 4 || r.Factor.V != 1.5 || r.Budget.V != 0.1 {
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
	} {
		if said := decode(t, text, read); !strings.Contains(said, want) {
			t.Errorf("%s: want %q in %q", text, want, said)
		}
	}
}

func TestBreakerQueueThrottleCache(t *testing.T) {
	for text, want := range map[string]string{
		`breaker = { errors = "150%" }`:      "more than the whole",
		`breaker = "hystrix"`:                `did you mean "hystrix-breaker"`,
		`queue = { discipline = "fiffo" }`:   `did you mean "fifo"`,
		`queue = { bound = -1 }`:             "from 0",
		`throttle = { rate = 5 }`:            `write "5/s"`,
		`cache = { ttl = "1h..1m" }`:         "backwards",
		`replicas = 0`:                       "from 1",
		`replicas = { count=2, at_least=3 }`: "3 of 2",
	} {
		said := decode(t, text, func(d *toml.Decoder) {
			BreakerKeys(d, "breaker")
			QueueKeys(d, "queue")
			ThrottleKeys(d, "throttle")
			CacheKeys(d, "cache")
			ReplicasKeys(d, "replicas")
		})
		if !strings.Contains(said, want) {
			t.Errorf("%s: want %q in %q", text, want, said)
		}
	}
}

func TestLeaseAndHealthCheck(t *testing.T) {
	for text, want := range map[string]string{
		"ttl = \"1m\"\nrenew = { every = \"2m\" }": "renewed every 2m, but lasts 1m",
		`regrant = { on_timeout = "retry" }`:       "unknown on_timeout",
	} {
		if said := decode(t, text, func(d *toml.Decoder) { LeaseKeys(d) }); !strings.Contains(said, want) {
			t.Errorf("%s: want %q in %q", text, want, said)
		}
	}
	if said := decode(t, `on_fail = { via = "dsn" }`, func(d *toml.Decoder) { HealthCheckKeys(d) }); !strings.Contains(said, `did you mean "dns"`) {
		t.Errorf("via: %q", said)
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
