package cli

import (
	"bytes"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// scenarios is the folder of the scenarios that docs/scenarios.md shows: each has a
// folder with a catalog, a scenario and its picture.
var scenarios = filepath.Join("..", "..", "..", "docs", "gallery", "scenarios")

// TestScenarioGallery plays every scenario that docs/scenarios.md shows, as a user
// would. All their expectations are met; the pictures, and what the page prints below
// its commands, are what the program makes today. With -update it writes both.
func TestScenarioGallery(t *testing.T) {
	page := filepath.Join("..", "..", "..", "docs", "scenarios.md")
	old, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	text := string(old)
	for _, name := range scenarioFolders(t) {
		file := filepath.Join(scenarios, name, "scenario.toml")
		code, picture, errs := run(t, "", "run", file, "--format", "svg")
		if code != exitFine {
			t.Errorf("%s: exit %d\n%s", name, code, errs)
			continue
		}
		sameFile(t, filepath.Join(scenarios, name, "run.svg"), []byte(picture))
		if !strings.Contains(text, "](gallery/scenarios/"+name+"/run.svg)") {
			t.Errorf("docs/scenarios.md does not show the picture of %s", name)
		}
		code, printed, errs := run(t, "", "run", file, "--format", "text")
		if code != exitFine || errs != "" {
			t.Errorf("%s: exit %d\n%s", name, code, errs)
		}
		text = printedBelow(t, text, name, printed)
	}
	sameFile(t, page, []byte(text))
}

// scenarioFolders are the scenarios by name. Each folder has what a reader needs to
// play it, and nothing else.
func scenarioFolders(t *testing.T) (names []string) {
	t.Helper()
	entries, err := os.ReadDir(scenarios)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		var files []string
		inside, err := os.ReadDir(filepath.Join(scenarios, e.Name()))
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range inside {
			files = append(files, f.Name())
		}
		want := []string{"catalog.toml", "run.svg", "scenario.toml"}
		if *update {
			want, files = want[:1], slices.DeleteFunc(files, func(f string) bool { return f != want[0] })
		}
		if !slices.Equal(files, want) {
			t.Errorf("%s holds %v, not %v", e.Name(), files, want)
		}
		names = append(names, e.Name())
	}
	if len(names) < 10 {
		t.Errorf("only %d scenarios", len(names))
	}
	return names
}

// printedBelow replaces what a page prints below the command that plays a scenario.
func printedBelow(t *testing.T, page, name, printed string) string {
	t.Helper()
	command := "```console\n$ knockon run docs/gallery/scenarios/" + name + "/scenario.toml\n"
	before, rest, ok := strings.Cut(page, command)
	_, after, closed := strings.Cut(rest, "```\n")
	if !ok || !closed {
		t.Errorf("docs/scenarios.md does not play %s: it wants a block that begins\n%s", name, command)
		return page
	}
	return before + command + printed + "```\n" + after
}

// playedOnPage are the commands of docs/scenarios.md that play a scenario.
var playedOnPage = regexp.MustCompile(`\$ knockon run docs/gallery/scenarios/([^/\s]+)/scenario\.toml`)

// TestThePagePlaysWhatThereIs: no command of docs/scenarios.md plays what has gone.
func TestThePagePlaysWhatThereIs(t *testing.T) {
	text, err := os.ReadFile(filepath.Join("..", "..", "..", "docs", "scenarios.md"))
	if err != nil {
		t.Fatal(err)
	}
	names := scenarioFolders(t)
	played := make(map[string]bool)
	for _, m := range playedOnPage.FindAllSubmatch(text, -1) {
		name := string(m[1])
		if !slices.Contains(names, name) || played[name] {
			t.Errorf("docs/scenarios.md plays %s, which is not there or was played before", name)
		}
		played[name] = true
	}
}

// sameFile compares a file with what it should hold, or writes it with -update.
func sameFile(t *testing.T, file string, want []byte) {
	t.Helper()
	if *update {
		if err := os.WriteFile(file, want, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("%s is not what the program makes now: run go test ./cmd/internal/cli -run Scenario -update and look at the difference", filepath.Base(file))
	}
}
