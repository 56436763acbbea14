package study

import (
	"fmt"
	"math"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/knockon/knockon/catalog/policy"
	"github.com/knockon/knockon/catalog/unit"
	"github.com/knockon/knockon/propagate/plan"
)

// TestTheDocumentIsTrue: docs/assumptions.md says of every key what is assumed and
// which range is tried, and nothing of a key that there is not.
func TestTheDocumentIsTrue(t *testing.T) {
	data, err := os.ReadFile("../../docs/assumptions.md")
	if err != nil {
		t.Fatal(err)
	}
	_, section, ok := strings.Cut(string(data), "## Numbers that ask tries\n")
	section, _, also := strings.Cut(section, "\n## ")
	if !ok || !also {
		t.Fatal("the document has no such section")
	}
	rows := make(map[string][]string)
	for line := range strings.Lines(section) {
		if cells := strings.Split(strings.Trim(strings.TrimSpace(line), "|"), "|"); strings.HasPrefix(line, "| `") {
			for i := range cells {
				cells[i] = strings.TrimSpace(cells[i])
			}
			rows[strings.Trim(cells[0], "`")] = cells
		}
	}
	seconds := func(s float64) string { return unit.Duration(math.Round(s * 1e9)).String() }
	number := func(f float64) string { return digits(f) }
	factor := func(f float64) string { return "÷" + number(f) + " to ×" + number(f) }
	want := map[string][2]string{
		"load":            {unit.Rate(plan.AssumedLoad).String(), factor(LoadFactor)},
		"capacity":        {number(plan.AssumedHeadroom) + " × load", number(LeastHeadroom) + " × load to " + number(MostHeadroom) + " × load"},
		"concurrency":     {number(plan.AssumedThreads), factor(ConcurrencyFactor)},
		"service_time":    {seconds(plan.AssumedServiceTime), factor(ServiceTimeFactor)},
		"timeout":         {seconds(plan.AssumedTimeout), "÷" + number(TimeoutDown) + " to ×" + number(TimeoutUp)},
		"calls":           {number(plan.AssumedCalls), factor(CallsFactor)},
		"retry":           {"none", fmt.Sprintf("%d attempts", RetryAttempts)},
		"retry.attempts":  {number(plan.AssumedAttempts), fmt.Sprintf("%d to %d", FewAttempts, ManyAttempts)},
		"retry.backoff":   {plan.AssumedBackoff, "none, exponential"},
		"retry.base":      {seconds(plan.AssumedBase), ShortBase.String() + " to " + LongBase.String()},
		"cache.hit_ratio": {unit.Ratio(plan.AssumedHitRatio).String(), unit.Ratio(FewHits).String() + " to " + unit.Ratio(ManyHits).String()},
		"cache.ttl":       {seconds(plan.AssumedTTL), factor(TTLFactor)},
	}
	for i := range fleetRanges {
		r := &fleetRanges[i]
		value := seconds(r.assumed)
		switch r.key {
		case "replicas":
			value = "1"
		case "autoscale.min":
			value = "1 × replicas"
		case "autoscale.max":
			value = number(plan.AssumedGrowth) + " × replicas"
		}
		want[r.key] = [2]string{value, r.words()}
	}
	for _, key := range Keys {
		cells := rows[key]
		if len(cells) != 5 {
			t.Errorf("%s: %d cells", key, len(cells))
			continue
		}
		if cells[1] != want[key][0] || cells[3] != want[key][1] {
			t.Errorf("%s: the document says %s, range %s; it is %s, range %s", key, cells[1], cells[3], want[key][0], want[key][1])
		}
		if cells[2] == "" || cells[4] == "" {
			t.Errorf("%s: it does not say why", key)
		}
	}
	if len(rows) != len(Keys) || len(want) != len(Keys) {
		t.Errorf("%d rows for %d keys", len(rows), len(Keys))
	}
	text := strings.Join(strings.Fields(string(data)), " ")
	for _, said := range []string{
		fmt.Sprintf("In a cycle ×%s is the most", number(CycleCallsFactor)),
		seconds(plan.AssumedTimeout/TimeoutDown) + " to " + seconds(plan.AssumedTimeout*TimeoutUp),
		seconds(plan.AssumedServiceTime/ServiceTimeFactor) + " is a lookup, " + seconds(plan.AssumedServiceTime*ServiceTimeFactor) + " a query",
		fmt.Sprintf("pools of %s and of %s", number(plan.AssumedThreads/ConcurrencyFactor), number(plan.AssumedThreads*ConcurrencyFactor)),
		fmt.Sprintf("%s points", number(100*LeastShare)),
		fmt.Sprintf("by %s and %s %%", seconds(LeastRecovery), number(100*LeastRelative)),
		policy.CoDelTarget.String() + ", " + policy.CoDelInterval.String(),
		"for two minutes without faults",
		"`" + strings.Join(severity[:4], "`, `") + "`",
	} {
		if !strings.Contains(text, said) {
			t.Errorf("the document does not say %q", said)
		}
	}
	if restSeconds != (2*time.Minute).Seconds() || LeastMinutes != 1 {
		t.Error("the document says two minutes without faults, and one service-minute")
	}
}

// TestAnEndIsReachedByEqualFactors: half of the way is the geometric mean.
func TestAnEndIsReachedByEqualFactors(t *testing.T) {
	q := Quantity{Key: "load", Value: "100/s"}
	_, low, high := q.levels(nil)
	for _, test := range []struct {
		end  end
		way  float64
		want string
	}{
		{low, 1, "33.3/s"},
		{low, 0.5, "57.7/s"},
		{low, 0.25, "76/s"},
		{high, 0.25, "132/s"},
		{high, 0.5, "173/s"},
		{high, 1, "300/s"},
	} {
		if got := test.end(test.way).text; got != test.want {
			t.Errorf("%g of the way is %s, want %s", test.way, got, test.want)
		}
	}
	for _, key := range Keys {
		for _, e := range ends {
			if text := rangeText(key, e, 1); text == "" || !slices.Contains([]string{"retry", "retry.attempts", "retry.backoff"}, key) && !fleetRangeOf(key).ends(e) && text == rangeText(key, e, 0.5) {
				t.Errorf("%s: %q", key, text)
			}
		}
	}
}
