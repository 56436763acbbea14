// Package house holds the laws of the house: which room may import which.
package house

import (
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

const module = "github.com/knockon/knockon/"

// rooms stand in a row; a room imports only rooms to its left.
var rooms = []string{"catalog", "graph", "propagate", "out", "cmd"}

// layout is the only package that may import go-graphviz, which compiles a
// WebAssembly module in every program that links it, leaks and is not safe for
// concurrent use.
const layout = "out/gv"

func TestRoomsImportOnlyLeftward(t *testing.T) {
	seen := make(map[string]int)
	for _, i := range imports(t) {
		room, _, _ := strings.Cut(i.from, "/")
		seen[room]++
		target, ours := strings.CutPrefix(i.path, module)
		if !ours {
			continue
		}
		to, _, _ := strings.Cut(target, "/")
		if slices.Index(rooms, to) > slices.Index(rooms, room) {
			t.Errorf("%s: %s may not import %s: rooms import only rooms to their left (%s)", i.file, room, i.path, strings.Join(rooms, ", "))
		}
	}
	for _, r := range []string{"catalog", "graph", "out", "cmd"} {
		if seen[r] == 0 {
			t.Errorf("no import of room %s was looked at: is this test looking in the right place?", r)
		}
	}
}

func TestOnlyTheLayoutImportsGraphviz(t *testing.T) {
	found := false
	for _, i := range imports(t) {
		if !strings.HasPrefix(i.path, "github.com/goccy/") {
			continue
		}
		if i.from == layout || strings.HasPrefix(i.from, layout+"/") {
			found = true
			continue
		}
		t.Errorf("%s imports %s: only %s may", i.file, i.path, layout)
	}
	if !found {
		t.Errorf("%s does not import go-graphviz: is this test looking in the right place?", layout)
	}
}

// TestNothingStandsOutsideTheRooms keeps Go code in the five rooms.
func TestNothingStandsOutsideTheRooms(t *testing.T) {
	for _, i := range imports(t) {
		if room, _, _ := strings.Cut(i.from, "/"); !slices.Contains(rooms, room) {
			t.Errorf("%s stands in no room", i.file)
		}
	}
}

type imported struct {
	file string // relative to the module
	from string // package folder, relative to the module
	path string
}

// imports reads the imports of all Go files of the module, tests included.
func imports(t *testing.T) []imported {
	t.Helper()
	root := moduleRoot(t)
	var all []imported
	err := filepath.WalkDir(root, func(p string, e fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case e.IsDir() && p != root && (strings.HasPrefix(e.Name(), ".") || e.Name() == "testdata" || hasModule(p)):
			return filepath.SkipDir
		case e.IsDir() || filepath.Ext(p) != ".go":
			return nil
		}
		rel, err := filepath.Rel(root, p)
		if err != nil {
			return err
		}
		rel = filepath.ToSlash(rel)
		f, err := parser.ParseFile(token.NewFileSet(), p, nil, parser.ImportsOnly)
		if err != nil {
			return err
		}
		for _, s := range f.Imports {
			path, err := strconv.Unquote(s.Path.Value)
			if err != nil {
				return err
			}
			all = append(all, imported{rel, filepath.ToSlash(filepath.Dir(rel)), path})
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// hasModule reports whether a folder is a module of its own, such as tools.
func hasModule(dir string) bool {
	_, err := os.Stat(filepath.Join(dir, "go.mod"))
	return err == nil
}

func moduleRoot(t *testing.T) string {
	t.Helper()
	dir, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for !hasModule(dir) {
		if dir == filepath.Dir(dir) {
			t.Fatal("no go.mod above this test")
		}
		dir = filepath.Dir(dir)
	}
	return dir
}
