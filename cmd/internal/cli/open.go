package cli

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"unicode"

	"github.com/spf13/cobra"

	"github.com/knockon/knockon/catalog"
	"github.com/knockon/knockon/catalog/diag"
	"github.com/knockon/knockon/catalog/toml"
	"github.com/knockon/knockon/graph"
)

// The catalog taken when -c is not given: the first of these that exists, else the
// built-in one.
const (
	defaultFile    = "knockon.toml"
	defaultFolder  = "knockon"
	defaultBuiltin = "aws-us-east-1"
)

// open loads the catalog the flags name. What is wrong with it has been printed
// when it returns an error.
func (a *app) open() (*catalog.Catalog, *graph.Graph, error) {
	c, faults, err := a.load(true)
	if err != nil {
		return nil, nil, err
	}
	if err := a.report(faults); err != nil {
		return nil, nil, err
	}
	return c, graph.Build(c), nil
}

// load reads the catalog and returns its faults. With tell it says which one was
// taken when the user did not.
func (a *app) load(tell bool) (*catalog.Catalog, diag.List, error) {
	c, _, faults, err := a.loadWithTexts(tell)
	return c, faults, err
}

// loadWithTexts is load for who also shows or changes the files.
func (a *app) loadWithTexts(tell bool) (*catalog.Catalog, []toml.Text, diag.List, error) {
	names := a.catalogs
	if len(names) == 0 {
		name, said := defaultCatalog()
		if tell {
			fmt.Fprintf(a.Err, "knockon: catalog: %s\n", said)
		}
		names = []string{name}
	}
	sources := make([]catalog.Source, 0, len(names))
	for _, name := range names {
		s, release, err := a.source(name)
		if err != nil {
			return nil, nil, nil, &exitError{exitInput, err}
		}
		defer release()
		sources = append(sources, s)
	}
	c, texts, faults, err := catalog.LoadWithTexts(sources...)
	a.texts = texts
	if err != nil {
		return nil, nil, nil, &exitError{exitInput, err}
	}
	return c, texts, faults, nil
}

// report prints the faults of a catalog and returns an error if any of them is one.
func (a *app) report(faults diag.List) error {
	for _, d := range faults {
		fmt.Fprint(a.Err, d)
	}
	errs, _ := faults.Count()
	if errs == 0 {
		return nil
	}
	noun := "errors"
	if errs == 1 {
		noun = "error"
	}
	fmt.Fprintf(a.Err, "knockon: %d %s\n", errs, noun)
	return &exitError{exitInput, errSaid}
}

func defaultCatalog() (name, said string) {
	if info, err := os.Stat(defaultFile); err == nil && !info.IsDir() {
		return defaultFile, defaultFile
	}
	if info, err := os.Stat(defaultFolder); err == nil && info.IsDir() {
		return "./" + defaultFolder, defaultFolder + "/"
	}
	return "builtin:" + defaultBuiltin, "built-in " + defaultBuiltin + " (there is no " + defaultFile + " here)"
}

// source finds what a -c names. A folder is opened as a root: links that lead out
// of it are refused by the operating system's own means.
func (a *app) source(name string) (catalog.Source, func(), error) {
	none := func() {}
	if name == "-" {
		data, err := io.ReadAll(io.LimitReader(a.In, toml.MaxBytes+1))
		if err != nil {
			return catalog.Source{}, none, fmt.Errorf("cannot read stdin: %w", err)
		}
		return catalog.Source{Name: "stdin", Data: data}, none, nil
	}
	plain, explicit := strings.CutPrefix(name, "builtin:")
	if s, ok := catalog.Builtin(plain); ok {
		if _, err := os.Lstat(plain); err == nil && !explicit {
			fmt.Fprintf(a.Err, "knockon: catalog: built-in %s; write ./%s for what has that name here\n", plain, plain)
		}
		return s, none, nil
	}
	if explicit {
		return catalog.Source{}, none, fmt.Errorf("there is no built-in catalog %q%s", plain, suggestion(plain, catalog.Builtins()))
	}
	real, err := filepath.EvalSymlinks(name)
	var info fs.FileInfo
	if err == nil {
		info, err = os.Stat(real)
	}
	if err != nil {
		return catalog.Source{}, none, a.notFound(name, err)
	}
	switch {
	case info.IsDir():
		return openRoot(real, ".", name)
	case info.Mode().IsRegular():
		return openRoot(filepath.Dir(real), filepath.Base(real), name)
	}
	// A pipe or a device: read it, but not for ever.
	f, err := os.Open(real)
	if err != nil {
		return catalog.Source{}, none, err
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, toml.MaxBytes+1))
	if err != nil {
		return catalog.Source{}, none, err
	}
	return catalog.Source{Name: name, Data: data}, none, nil
}

func openRoot(folder, path, name string) (catalog.Source, func(), error) {
	root, err := os.OpenRoot(folder)
	if err != nil {
		return catalog.Source{}, func() {}, fmt.Errorf("cannot read %s: %w", name, reason(err))
	}
	return catalog.Source{FS: root.FS(), Path: path, Name: filepath.ToSlash(filepath.Clean(name))}, func() { root.Close() }, nil
}

func (a *app) notFound(name string, err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		candidates := catalog.Builtins()
		if files, err := filepath.Glob(filepath.Join(filepath.Dir(name), "*.toml")); err == nil {
			candidates = append(candidates, files...)
		}
		return fmt.Errorf("there is no catalog %q: not a built-in one, a file or a folder%s", name, suggestion(name, candidates))
	}
	return fmt.Errorf("cannot read %s: %w", name, reason(err))
}

// reason strips what we say ourselves from an error of the file system.
func reason(err error) error {
	if perr, ok := errors.AsType[*fs.PathError](err); ok {
		return perr.Err
	}
	if lerr, ok := errors.AsType[*os.LinkError](err); ok {
		return lerr.Err
	}
	if err != nil && strings.Contains(err.Error(), "too many links") { // of filepath.EvalSymlinks
		return errors.New("its links run in a circle")
	}
	return err
}

// services finds services by name; every name that does not exist is reported,
// with the one that was probably meant.
func (a *app) services(g *graph.Graph, names []string) ([]graph.Node, error) {
	var nodes []graph.Node
	var ids []string
	missing := 0
	for _, name := range names {
		if v, ok := g.Node(name); ok {
			nodes = append(nodes, v)
			continue
		}
		if ids == nil {
			for v := range graph.Node(g.Len()) {
				ids = append(ids, g.ID(v))
			}
		}
		missing++
		fmt.Fprintf(a.Err, "knockon: there is no service %q in this catalog%s\n", name, nearService(g, name, ids))
	}
	if missing > 0 {
		return nil, &exitError{exitInput, errSaid}
	}
	return nodes, nil
}

// nearService suggests the few services whose names begin with the word, else the
// one spelt most like it, else the few that have it in their name or title.
func nearService(g *graph.Graph, name string, ids []string) string {
	const few = 5
	word := strings.ToLower(name)
	var begin, have []string
	for v := range graph.Node(g.Len()) {
		s := g.Service(v)
		switch id := strings.ToLower(s.ID); {
		case word == "":
		case strings.HasPrefix(id, word):
			begin = append(begin, s.ID)
		case strings.Contains(id, word) || strings.Contains(strings.ToLower(s.Title), word):
			have = append(have, s.ID)
		}
	}
	if n := len(begin); n > 0 && n <= few {
		return fmt.Sprintf("; did you mean %s?", strings.Join(quoted(begin), " or "))
	}
	if near := diag.Nearest(name, ids); near != "" {
		return fmt.Sprintf("; did you mean %q?", near)
	}
	switch have = append(begin, have...); {
	case len(have) == 0:
		if part := diag.Nearest(name, parts(ids)); part != "" {
			return fmt.Sprintf("; see \"knockon list %s\"", part)
		}
		return `; "knockon list" shows them all`
	case len(have) > few:
		return fmt.Sprintf("; %d have it in their name, see \"knockon list %s\"", len(have), name)
	}
	return fmt.Sprintf("; did you mean %s?", strings.Join(quoted(have), " or "))
}

// parts returns the words that names are made of.
func parts(ids []string) []string {
	var all []string
	for _, id := range ids {
		all = append(all, strings.FieldsFunc(id, func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) })...)
	}
	return all
}

func quoted(words []string) []string {
	q := make([]string, len(words))
	for i, w := range words {
		q[i] = fmt.Sprintf("%q", w)
	}
	return q
}

func (a *app) completeCatalogs(_ *cobra.Command, _ []string, prefix string) ([]string, cobra.ShellCompDirective) {
	var names []string
	for _, name := range catalog.Builtins() {
		if strings.HasPrefix(name, prefix) {
			names = append(names, name)
		}
	}
	return names, cobra.ShellCompDirectiveDefault
}

// completeServices offers the services of the catalog at hand, with their titles.
func (a *app) completeServices(_ *cobra.Command, args []string, prefix string) ([]string, cobra.ShellCompDirective) {
	c, faults, err := a.load(false)
	if err != nil || faults.HasErrors() {
		return nil, cobra.ShellCompDirectiveError
	}
	var found []string
	for i := range c.Services {
		s := &c.Services[i]
		if strings.HasPrefix(s.ID, prefix) && !slices.Contains(args, s.ID) {
			found = append(found, s.ID+"\t"+s.Title)
		}
	}
	return found, cobra.ShellCompDirectiveNoFileComp
}
