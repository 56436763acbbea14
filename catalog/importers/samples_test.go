package importers

import (
	"encoding/json"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/knockon/knockon/catalog"
)

// samples is the collection of real files beside the checkout.
func samples(t testing.TB) string {
	dir, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			break
		}
		if parent := filepath.Dir(dir); parent != dir {
			dir = parent
			continue
		}
		t.Fatal("there is no go.mod above the package")
	}
	folder := filepath.Join(dir, "..", "shared", "samples")
	if _, err := os.Stat(folder); err != nil {
		t.Skip("the collection ../shared/samples is not here; the fixtures in testdata are tested all the same")
	}
	return folder
}

// expected is what a sample should give; see "conventions" in each file.
type expected struct {
	Sample       string     `json:"sample"`
	Services     []string   `json:"services"`
	Dependencies [][]string `json:"dependencies"`
	InferredEnv  [][]string `json:"inferred_env"`
	Dangling     [][]string `json:"dangling_refs"`
}

// sampleFiles are the files of samples that are neither one file nor a folder.
var sampleFiles = map[string][]string{
	// The set that the project calls its default.
	"compose/otel-demo": {".env", "compose.yaml", "compose.full.yaml", "compose.observability.yaml"},
}

// notYet are samples of formats that have no importer, with the reason.
var notYet = map[string]string{
	"dfd/":                                "diagrams of data flows labelled by hand; no tool writes them",
	"structurizr/amazon-web-services.dsl": "only Structurizr can read its DSL; the JSON it exports is imported",
	"structurizr/big-bank-plc.dsl":        "only Structurizr can read its DSL; the JSON it exports is imported",
}

func readSample(t testing.TB, folder, sample string) []File {
	var files []File
	add := func(path string) {
		data, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		name, err := filepath.Rel(folder, path)
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, File{Name: filepath.ToSlash(name), Data: data})
	}
	path := filepath.Join(folder, sample)
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	switch names := sampleFiles[sample]; {
	case names != nil:
		for _, name := range names {
			add(filepath.Join(path, name))
		}
	case info.IsDir():
		err := filepath.WalkDir(path, func(p string, e fs.DirEntry, err error) error {
			if err == nil && !e.IsDir() {
				add(p)
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	default:
		add(path)
	}
	return files
}

// differs are the samples in which we differ on purpose; docs/import.md says why.
// Each lists what we have that is not expected, and what is expected that we have
// not.
var differs = map[string]struct{ more, less [][]string }{
	"zipkin/messaging-kafka.spans.json": {
		more: [][]string{{"serviceb", "kafka"}},
		less: [][]string{{"kafka", "servicea"}, {"kafka", "serviceb"}},
	},
	"zipkin/messaging2.spans.json": {
		more: [][]string{{"notification-service", "rabbitmq"}},
		less: [][]string{{"rabbitmq", "notification-service"}},
	},
}

// TestSamples imports every sample, with its format detected, and compares.
func TestSamples(t *testing.T) {
	folder := samples(t)
	var names []string
	err := filepath.WalkDir(folder, func(p string, _ fs.DirEntry, err error) error {
		if strings.HasSuffix(p, ".expected.json") {
			names = append(names, p)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(names) < 50 {
		t.Errorf("only %d samples were found", len(names))
	}
	for _, name := range names {
		data, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		var want expected
		if err := json.Unmarshal(data, &want); err != nil {
			t.Fatal(err)
		}
		t.Run(want.Sample, func(t *testing.T) {
			for prefix, reason := range notYet {
				if strings.HasPrefix(want.Sample, prefix) {
					t.Skip(reason)
				}
			}
			files := readSample(t, folder, want.Sample)
			inputs, unknown := Group(files)
			if len(unknown) > 0 || len(inputs) != 1 {
				t.Fatalf("%d formats were detected, and none for %d of %d files", len(inputs), len(unknown), len(files))
			}
			d := Import(inputs, Options{})
			for _, f := range d.Faults {
				t.Log(f)
			}
			if d.Faults.HasErrors() {
				t.Fatal("there are errors")
			}
			compare(t, want, d)
			loads(t, d)
		})
	}
}

func compare(t *testing.T, want expected, d *Draft) {
	if diff := cmp.Diff(nonNil(want.Services), nonNil(d.Names())); diff != "" {
		t.Errorf("services: -want +got\n%s", diff)
	}
	dependencies := want.Dependencies
	if x, ok := differs[want.Sample]; ok {
		for _, pair := range x.less {
			if i := slices.IndexFunc(dependencies, func(p []string) bool { return slices.Equal(p, pair) }); i >= 0 {
				dependencies = slices.Delete(dependencies, i, i+1)
			} else {
				t.Errorf("%v is not expected at all", pair)
			}
		}
		dependencies = append(dependencies, x.more...)
		slices.SortFunc(dependencies, slices.Compare)
	}
	if diff := cmp.Diff(nonNil(dependencies), nonNil(d.Pairs((*Need).Declared))); diff != "" {
		t.Errorf("dependencies: -want +got\n%s", diff)
	}
	if want.InferredEnv != nil {
		if diff := cmp.Diff(want.InferredEnv, nonNil(d.Pairs((*Need).Inferred))); diff != "" {
			t.Errorf("inferred: -want +got\n%s", diff)
		}
	}
}

func nonNil[T any](s []T) []T { return append([]T{}, s...) }

// loads checks that what an import writes is a catalog without a fault.
func loads(t *testing.T, d *Draft) {
	t.Helper()
	text := d.TOML()
	if len(d.Services) == 0 {
		return
	}
	c, faults, err := catalog.Load(catalog.Source{Name: "imported.toml", Data: text})
	if err != nil || len(faults) > 0 {
		t.Fatalf("what was imported does not load: %v %v\n%.2000s", err, faults, text)
	}
	if len(c.Services) != len(d.Services) {
		t.Errorf("%d services were written, %d read", len(d.Services), len(c.Services))
	}
	needs := 0
	for i := range c.Services {
		needs += len(c.Services[i].Needs)
		for _, n := range c.Services[i].Needs {
			if len(n.Sources) == 0 {
				t.Errorf("%s needs %v, and nothing says where that is from", c.Services[i].ID, n.Targets)
			}
		}
	}
	if needs != len(d.Needs) {
		t.Errorf("%d needs were written, %d read", len(d.Needs), needs)
	}
}
