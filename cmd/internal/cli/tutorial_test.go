package cli

import (
	"bytes"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// TestTutorial goes through docs/tutorial.md as its reader would: it writes the files
// that the page names before a block, runs every command in an empty folder with the
// demo's Compose files in it, and compares what is printed with what the page shows.
func TestTutorial(t *testing.T) {
	page, err := filepath.Abs("../../../docs/tutorial.md")
	if err != nil {
		t.Fatal(err)
	}
	demo := filepath.Join(filepath.Dir(page), "..", "..", "shared", "samples", "compose", "otel-demo")
	if _, err := os.Stat(demo); err != nil {
		t.Skip("the collection ../shared/samples is not here, and with it the demo's Compose files")
	}
	text, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	t.Chdir(t.TempDir())
	for _, name := range []string{".env", "compose.yaml", "compose.full.yaml", "compose.observability.yaml"} {
		data, err := os.ReadFile(filepath.Join(demo, name))
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, data, 0o666); err != nil {
			t.Fatal(err)
		}
	}
	var got strings.Builder
	at, commands := 0, 0
	for _, m := range regexp.MustCompile("(?s)```(console|toml|json)\n(.*?)```").FindAllSubmatchIndex(text, -1) {
		before := string(text[at:m[0]])
		got.WriteString(before)
		kind, block := string(text[m[2]:m[3]]), string(text[m[4]:m[5]])
		at = m[1]
		if kind != "console" {
			follow(t, before, block)
			got.Write(text[m[0]:m[1]])
			continue
		}
		got.WriteString("```console\n")
		for line := range strings.Lines(block) {
			command, ok := strings.CutPrefix(line, "$ knockon ")
			if !ok {
				continue
			}
			commands++
			got.WriteString(line)
			var both bytes.Buffer
			if code := Main(strings.Fields(command), Stdio{strings.NewReader(""), &both, &both}); code > exitFindings {
				t.Fatalf("%s: exit %d\n%s", line, code, both.String())
			}
			for printed := range strings.Lines(both.String()) {
				got.WriteString(strings.TrimRight(printed, " \n") + "\n")
			}
		}
		got.WriteString("```")
	}
	got.Write(text[at:])
	if commands < 7 {
		t.Errorf("only %d commands were run", commands)
	}
	if *update {
		if err := os.WriteFile(page, []byte(got.String()), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if got.String() != string(text) {
		t.Errorf("docs/tutorial.md shows what is no longer printed; run go test ./cmd/internal/cli -run Tutorial -update and look at the difference")
	}
	for _, file := range []string{"knockon.toml", "storm.html", "storm.svg"} {
		if info, err := os.Stat(file); err != nil || info.Size() == 0 {
			t.Errorf("%s was not written", file)
		}
	}
}

// follow writes a block into the file that the text before it names last; it adds to
// a file that is there.
func follow(t *testing.T, before, block string) {
	t.Helper()
	names := regexp.MustCompile("`([a-z]+\\.(?:toml|json))`").FindAllStringSubmatch(before, -1)
	if len(names) == 0 {
		t.Fatalf("no file is named before\n%s", block)
	}
	f, err := os.OpenFile(names[len(names)-1][1], os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o666)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if _, err := f.WriteString("\n" + block); err != nil {
		t.Fatal(err)
	}
}
