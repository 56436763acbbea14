package cli

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"
)

// TestPipelines holds the examples of docs/ci.md to what they are for: they are YAML
// with the parts that each system asks for, and every command of ours in them runs.
func TestPipelines(t *testing.T) {
	text, err := os.ReadFile(filepath.Join("..", "..", "..", "docs", "ci.md"))
	if err != nil {
		t.Fatal(err)
	}
	blocks := regexp.MustCompile("(?s)```yaml\n(.*?)```").FindAllStringSubmatch(string(text), -1)
	if len(blocks) != 3 {
		t.Fatalf("%d examples; this test knows three", len(blocks))
	}
	var github struct {
		Name        string
		On          map[string]any
		Permissions map[string]string
		Jobs        map[string]struct {
			RunsOn string `yaml:"runs-on"`
			Steps  []struct {
				Name, Uses, Run, If string
				With                map[string]string
			}
		}
	}
	var gitlab map[string]struct {
		Image, Stage string
		Script       []string
		Artifacts    struct {
			When    string
			Paths   []string
			Reports map[string]string
		}
	}
	var hooks struct {
		Repos []struct {
			Repo  string
			Hooks []struct {
				ID, Name, Entry, Language, Files string
				PassFilenames                    bool `yaml:"pass_filenames"`
			}
		}
	}
	for i, into := range []any{&github, &gitlab, &hooks} {
		d := yaml.NewDecoder(strings.NewReader(blocks[i][1]))
		d.KnownFields(true)
		if err := d.Decode(into); err != nil {
			t.Fatalf("example %d: %v", i+1, err)
		}
	}
	var lines []string
	for _, job := range github.Jobs {
		if job.RunsOn == "" || github.Permissions["security-events"] != "write" {
			t.Error("the job runs nowhere, or may not upload")
		}
		for _, step := range job.Steps {
			if (step.Uses == "") == (step.Run == "") {
				t.Errorf("a step uses something or runs something: %+v", step)
			}
			if step.Uses != "" && !regexp.MustCompile(`^[\w.-]+/[\w./-]+@v\d+$`).MatchString(step.Uses) {
				t.Errorf("%q is no action with a version", step.Uses)
			}
			lines = append(lines, strings.Split(step.Run, "\n")...)
		}
	}
	for _, job := range gitlab {
		lines = append(lines, job.Script...)
	}
	for _, r := range hooks.Repos {
		for _, h := range r.Hooks {
			lines = append(lines, h.Entry)
		}
	}
	t.Chdir(t.TempDir())
	if err := os.WriteFile("knockon.toml", []byte("[service.a]\nneeds = [\"b\"]\n[service.b]\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	ran := 0
	for _, line := range lines {
		words := strings.Fields(line)
		if len(words) == 0 || words[0] != "knockon" {
			continue
		}
		ran++
		if code, _, errs := run(t, "", words[1:]...); code != exitFine {
			t.Errorf("%s: exit %d: %s", line, code, errs)
		}
	}
	if ran < 4 {
		t.Errorf("only %d commands were run", ran)
	}
	// What a later step uploads is what an earlier one wrote.
	for _, file := range []string{"audit.sarif", "audit.xml", "audit.md"} {
		if _, err := os.Stat(file); err != nil {
			t.Error(err)
		}
	}
}
