package mech_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// readNotPlayed are the policies that catalogs can state and no mechanism plays yet,
// each with the reason.
var readNotPlayed = map[string]string{
	"replicas": "counts and zones: package plan says how many instances are told apart, and health_check plays them",
}

// madeOf are the files that are no mechanism of their own.
var madeOf = map[string]string{
	"chance":    "dice, and servers by chance",
	"mech":      "the package",
	"exp":       "elementary functions that are the same on every machine",
	"line":      "delays",
	"operators": "what a scenario says, and no catalog",
	"service":   "servers, which are keys of a service and no policy",
}

func stems(t *testing.T, dir string) map[string]bool {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "*.go"))
	if err != nil || len(files) == 0 {
		t.Fatal("no files in ", dir, err)
	}
	all := make(map[string]bool)
	for _, f := range files {
		if name := filepath.Base(f); !strings.HasSuffix(name, "_test.go") {
			all[strings.TrimSuffix(name, ".go")] = true
		}
	}
	return all
}

// TestTwins: what a catalog can say about a mechanism, in catalog/policy/<name>.go,
// is played by the file of that name here, or stands in the list above.
func TestTwins(t *testing.T) {
	policies, mechanisms := stems(t, filepath.Join("..", "..", "catalog", "policy")), stems(t, ".")
	for p := range policies {
		if p == "policy" || p == "presets" || strings.HasSuffix(p, "_presets") {
			continue
		}
		reason, excused := readNotPlayed[p]
		switch {
		case mechanisms[p] && excused:
			t.Errorf("%s is played: take it off the list", p)
		case !mechanisms[p] && !excused:
			t.Errorf("catalog/policy/%s.go has no twin %s.go in propagate/mech", p, p)
		case excused && reason == "":
			t.Errorf("%s is not played, and nobody says why", p)
		}
	}
	for p := range readNotPlayed {
		if !policies[p] {
			t.Errorf("there is no policy %s", p)
		}
	}
	for m := range mechanisms {
		if !policies[m] && madeOf[m] == "" {
			t.Errorf("propagate/mech/%s.go plays nothing that a catalog can say", m)
		}
		if policies[m] {
			if _, err := os.Stat(m + "_test.go"); err != nil && m != "shed" {
				t.Errorf("%s.go has no tests", m)
			}
		}
	}
}
