package cli

import (
	"bytes"
	"flag"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
)

var update = flag.Bool("update", false, "rewrite golden files and generated pages")

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){
		"knockon": func() { os.Exit(Main(os.Args[1:], Stdio{os.Stdin, os.Stdout, os.Stderr})) },
	})
}

// TestScripts runs the command line as a user would, one script a command.
func TestScripts(t *testing.T) {
	cache, err := os.UserCacheDir()
	if err != nil {
		cache = t.TempDir()
	}
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata",
		UpdateScripts:       *update,
		RequireExplicitExec: true,
		Setup: func(e *testscript.Env) error {
			// Every script has an empty home; without a cache that outlives it,
			// each command would compile Graphviz anew.
			e.Setenv("XDG_CACHE_HOME", cache)
			e.Setenv("NO_COLOR", "")
			return nil
		},
	})
}

// run is one command in this process.
func run(t *testing.T, stdin string, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	var out, errs bytes.Buffer
	code = Main(args, Stdio{strings.NewReader(stdin), &out, &errs})
	return code, out.String(), errs.String()
}

// TestFaultsOfOursExitThree: a panic anywhere is our fault, and says so.
func TestFaultsOfOursExitThree(t *testing.T) {
	var errs bytes.Buffer
	code := Main([]string{"check", "-c", "-"}, Stdio{panicking{}, io.Discard, &errs})
	if code != exitInternal || !strings.Contains(errs.String(), "internal error") {
		t.Errorf("exit %d: %s", code, errs.String())
	}
}

type panicking struct{}

func (panicking) Read([]byte) (int, error) { panic("broken on purpose") }

// TestAResultThatCannotBeWritten leaves nothing half written behind.
func TestAResultThatCannotBeWritten(t *testing.T) {
	dir := t.TempDir()
	code, _, errs := run(t, "", "list", "-c", "web-shop", "-o", filepath.Join(dir, "no", "such", "list.json"))
	if code != exitInput || !strings.Contains(errs, "cannot write") {
		t.Errorf("exit %d: %s", code, errs)
	}
	code, _, errs = run(t, "", "list", "-c", "web-shop", "--format", "json", "-o", dir)
	if code != exitInput || !strings.Contains(errs, "folder") {
		t.Errorf("exit %d: %s", code, errs)
	}
	if left, _ := filepath.Glob(filepath.Join(dir, ".*")); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
}

// TestLinksAndModesSurvive: writing through a link changes its target and keeps
// the target's permissions.
func TestLinksAndModesSurvive(t *testing.T) {
	dir := t.TempDir()
	target, link := filepath.Join(dir, "target.json"), filepath.Join(dir, "link.json")
	if err := os.WriteFile(target, []byte("old"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("target.json", link); err != nil {
		t.Skip("no links on this file system")
	}
	if code, _, errs := run(t, "", "list", "-c", "web-shop", "-o", link); code != exitFine {
		t.Fatal(errs)
	}
	data, err := os.ReadFile(target)
	if err != nil || !bytes.HasPrefix(data, []byte("{")) {
		t.Errorf("target holds %.20q, %v", data, err)
	}
	info, err := os.Stat(target)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v, %v", info.Mode(), err)
	}
	if info, err := os.Lstat(link); err != nil || info.Mode()&os.ModeSymlink == 0 {
		t.Error("the link is gone")
	}
}
