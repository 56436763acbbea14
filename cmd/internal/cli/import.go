package cli

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/knockon/knockon/catalog"
	"github.com/knockon/knockon/catalog/diag"
	"github.com/knockon/knockon/catalog/importers"
	"github.com/knockon/knockon/out"
)

// maxWarned is how many warnings of an import are printed; --format json has all.
const maxWarned = 25

func newImport(a *app) *cobra.Command {
	var options importers.Options
	var window, into string
	var overwrite bool
	c := &cobra.Command{
		Use:   "import [FORMAT] FILE...",
		Short: "A catalog from what you already have",
		Long: "Import makes a catalog of files of other formats: what is declared gives names, owners\n" +
			"and tiers, what was observed gives calls, and several sources at once give one catalog.\n" +
			"Every need says where it comes from. What a source cannot know is not stated.\n\n" +
			"The format is found by what is in a file, or named first; - is stdin. In a folder,\n" +
			"every file of a known format counts. Nothing else is read.\n\n" +
			"Formats:\n" + formatTable(),
		Example: `  knockon import compose.yaml .env -o catalog.toml
  knockon import .                                   whatever is in this folder
  curl -s 'jaeger:16686/api/dependencies?…' | knockon import jaeger - -o catalog.toml
  knockon import compose.yaml dependencies.json      declared and observed, together
  knockon import dependencies.json --into catalog.toml     add, keep what is written by hand
  knockon import csv calls.csv --from caller --on callee
  knockon import compose.yaml --format json | jq .dependencies`,
		ValidArgsFunction: func(_ *cobra.Command, args []string, prefix string) ([]string, cobra.ShellCompDirective) {
			var names []string
			for _, f := range importers.Formats() {
				if len(args) == 0 && strings.HasPrefix(f.Name, prefix) {
					names = append(names, f.Name+"\t"+f.Title)
				}
			}
			return names, cobra.ShellCompDirectiveDefault
		},
		RunE: func(_ *cobra.Command, args []string) error {
			if len(a.catalogs) > 0 {
				return usagef("import makes a catalog; --into names one to add to, and -c has no place")
			}
			a.usual = "toml"
			plan, err := a.plan()
			if err != nil {
				return err
			}
			if into != "" && len(a.outputs) == 0 && a.format == "" {
				plan[0].file = into
			} else if err := mayWrite(plan, overwrite); err != nil {
				return err
			}
			if options.Window, err = parseWindow(window); err != nil {
				return err
			}
			d, err := a.imported(args, options)
			if err != nil {
				return err
			}
			if into != "" {
				return a.mergeInto(plan, into, d)
			}
			return a.write(plan, out.NewImport(d))
		},
	}
	a.addOutput(c, (*out.Import)(nil))
	c.Flags().StringVar(&into, "into", "", "add to a catalog's `file`: what is written by hand stays, and disagreement is reported")
	c.Flags().BoolVar(&overwrite, "overwrite", false, "let -o replace a catalog that exists")
	c.Flags().BoolVar(&options.Reverse, "reverse", false, "of graphs as drawn: an arrow leads from what is needed to what needs it")
	c.Flags().StringVar(&options.From, "from", "", "of CSV: the `column` with the one that needs")
	c.Flags().StringVar(&options.On, "on", "", "of CSV: the `column` with what is needed")
	c.Flags().StringVar(&options.TierKey, "tier-from", "", "of Backstage: the annotation or label, by its `key`, that holds a tier")
	c.Flags().StringVar(&window, "window", "", "over what `time` calls were counted, such as 24h; then loads are known")
	return c
}

// mergeInto adds an import to a catalog, and says what the two say of each other.
func (a *app) mergeInto(plan []output, file string, d *importers.Draft) error {
	info, err := os.Stat(file)
	if err != nil {
		return usagef("cannot read %s: %w", file, reason(err))
	}
	if info.IsDir() {
		return usagef("%s is a folder; name the file in it that --into adds to", file)
	}
	source, release, err := a.source("./" + strings.TrimPrefix(file, "./"))
	if filepath.IsAbs(file) {
		source, release, err = a.source(file)
	}
	if err != nil {
		return &exitError{exitInput, err}
	}
	defer release()
	text, err := fs.ReadFile(source.FS, source.Path)
	if err != nil {
		return usagef("cannot read %s: %w", file, reason(err))
	}
	c, faults, err := catalog.Load(source)
	if err != nil {
		return &exitError{exitInput, err}
	}
	if err := a.report(faults); err != nil {
		return err
	}
	m, faults := d.Into(source.Name, text, c)
	if err := a.report(faults); err != nil {
		return err
	}
	if err := a.reload(source, m.Text); err != nil {
		return err
	}
	r := out.NewMerge(d, m)
	if !slices.ContainsFunc(plan, func(o output) bool { return o.format.Name == "text" || o.format.Name == "json" }) {
		said, _ := out.FormatNamed("text")
		if err := said.Write(a.Err, r, out.Options{}); err != nil {
			return err
		}
	}
	if bytes.Equal(m.Text, text) && len(plan) == 1 && plan[0].file == file {
		fmt.Fprintf(a.Err, "knockon: %s stays as it is\n", file)
		return nil
	}
	return a.write(plan, r)
}

// reload checks that a merged catalog is still one, before it takes the place of
// what was there.
func (a *app) reload(source catalog.Source, text []byte) error {
	_, faults, err := catalog.Load(catalog.Source{Name: source.Name, FS: replaced{source.FS, source.Path, text}, Path: source.Path})
	if err != nil {
		return &exitError{exitInput, err}
	}
	if faults.HasErrors() {
		for _, d := range faults {
			fmt.Fprint(a.Err, d)
		}
		panic("the merged catalog does not load; nothing was written")
	}
	return nil
}

// replaced is a file system in which one file has another content.
type replaced struct {
	fs.FS
	path string
	text []byte
}

func (r replaced) Open(name string) (fs.File, error) {
	if name != r.path {
		return r.FS.Open(name)
	}
	info, err := fs.Stat(r.FS, name)
	return textFile{bytes.NewReader(r.text), info}, err
}

// textFile is an open file with the content of a text and the rest of another.
type textFile struct {
	*bytes.Reader
	info fs.FileInfo
}

func (f textFile) Stat() (fs.FileInfo, error) { return f.info, nil }
func (f textFile) Close() error               { return nil }

func formatTable() string {
	var b strings.Builder
	for _, f := range importers.Formats() {
		fmt.Fprintf(&b, "  %-15s %s: %s\n", f.Name, f.Title, f.What)
	}
	return strings.TrimSuffix(b.String(), "\n")
}

func parseWindow(text string) (float64, error) {
	if text == "" {
		return 0, nil
	}
	d, err := parseFor(text)
	if err != nil {
		return 0, usagef(`--window %q is not a length of time; write one such as "24h"`, text)
	}
	return d.Seconds(), nil
}

// mayWrite refuses to replace a catalog: somebody may have written in it.
func mayWrite(plan []output, overwrite bool) error {
	for _, o := range plan {
		if o.file == "" || o.format.Name != "toml" || overwrite {
			continue
		}
		if info, err := os.Stat(o.file); err == nil && info.Mode().IsRegular() && info.Size() > 0 {
			return usagef("%s exists, and somebody may have written in it; --overwrite replaces it", o.file)
		}
	}
	return nil
}

// imported reads what the arguments of import name. What is wrong with it has been
// printed when it returns an error.
func (a *app) imported(args []string, options importers.Options) (*importers.Draft, error) {
	format, names, err := splitFormat(args)
	if err != nil {
		return nil, err
	}
	var files []importers.File
	total := 0
	for _, name := range names {
		read, err := a.foreign(name, &total)
		if err != nil {
			return nil, &exitError{exitInput, err}
		}
		files = append(files, read...)
	}
	inputs, err := sorted(format, files)
	if err != nil {
		return nil, err
	}
	d := importers.Import(inputs, options)
	if err := a.reportImport(d.Faults); err != nil {
		return nil, err
	}
	if len(d.Services) == 0 && a.format != "json" {
		return nil, usagef("there is no service in what was read, so there is no catalog")
	}
	fmt.Fprintf(a.Err, "knockon: %s in %s\n", countServices(d), formatsIn(inputs))
	return d, nil
}

func countServices(d *importers.Draft) string {
	text := fmt.Sprintf("%d services", len(d.Services))
	if len(d.Services) == 1 {
		text = "1 service"
	}
	if len(d.Needs) == 1 {
		return text + " and 1 need"
	}
	return fmt.Sprintf("%s and %d needs", text, len(d.Needs))
}

func formatsIn(inputs []importers.Input) string {
	var parts []string
	for _, in := range inputs {
		files := fmt.Sprintf("%d files", len(in.Files))
		if len(in.Files) == 1 {
			files = "1 file"
		}
		parts = append(parts, fmt.Sprintf("%s of %s", files, in.Format.Title))
	}
	return strings.Join(parts, ", ")
}

// splitFormat tells the format, if one is named, from the files.
func splitFormat(args []string) (*importers.Format, []string, error) {
	if len(args) == 0 {
		return nil, nil, usagef(`which files? For example "knockon import compose.yaml", or "knockon import ." for what is in this folder`)
	}
	format, ok := importers.FormatNamed(args[0])
	switch {
	case ok && len(args) > 1:
		return &format, args[1:], nil
	case ok:
		if _, err := os.Stat(args[0]); err != nil {
			return nil, nil, usagef(`which files of %s? For example "knockon import %s FILE"; - is stdin`, format.Title, format.Name)
		}
	case len(args) > 1 && args[0] != "-":
		if _, err := os.Stat(args[0]); errors.Is(err, fs.ErrNotExist) && !strings.ContainsAny(args[0], "./\\") {
			return nil, nil, usagef("there is no format %q and no file of that name%s", args[0], suggestion(args[0], importFormats()))
		}
	}
	return nil, args, nil
}

func importFormats() []string {
	var names []string
	for _, f := range importers.Formats() {
		names = append(names, f.Name)
	}
	return names
}

// sorted gives every file to its format. Files that only stand in a folder, and are
// of no format, are passed over.
func sorted(format *importers.Format, files []importers.File) ([]importers.Input, error) {
	if format != nil {
		files = slices.DeleteFunc(files, func(f importers.File) bool {
			found, ok := importers.Detect(f)
			return f.Found && (!ok || found.Name != format.Name)
		})
		if len(files) == 0 {
			return nil, usagef("there is nothing of %s in this folder", format.Title)
		}
		return []importers.Input{{Format: *format, Files: files}}, nil
	}
	inputs, unknown := importers.Group(files)
	for _, f := range unknown {
		if !f.Found {
			return nil, usagef("the format of %s is not known by what is in it; name it first: %s", f.Name, strings.Join(importFormats(), ", "))
		}
	}
	if len(inputs) == 0 {
		return nil, usagef("there is no file of a known format in this folder; known are %s", strings.Join(importFormats(), ", "))
	}
	return inputs, nil
}

// reportImport prints the first warnings, and returns an error if one is one.
func (a *app) reportImport(faults diag.List) error {
	if errs, _ := faults.Count(); errs > 0 {
		return a.report(faults)
	}
	if more := len(faults) - maxWarned; more > 0 {
		if err := a.report(faults[:maxWarned]); err != nil {
			return err
		}
		fmt.Fprintf(a.Err, "knockon: %d more warnings; --format json has them all\n", more)
		return nil
	}
	return a.report(faults)
}

// foreign reads a file, what stands in a folder, or stdin.
func (a *app) foreign(name string, total *int) ([]importers.File, error) {
	if name == "-" {
		data, err := readBounded(a.In, total)
		if err != nil {
			return nil, fmt.Errorf("cannot read stdin: %w", err)
		}
		return []importers.File{{Name: "stdin", Data: data}}, nil
	}
	info, err := os.Stat(name)
	if err != nil {
		return nil, fmt.Errorf("cannot read %s: %w", name, reason(err))
	}
	if info.IsDir() {
		return foreignFolder(name, total)
	}
	f, err := os.Open(name)
	if err != nil {
		return nil, fmt.Errorf("cannot read %s: %w", name, reason(err))
	}
	defer f.Close()
	data, err := readBounded(f, total)
	if err != nil {
		return nil, fmt.Errorf("cannot read %s: %w", name, err)
	}
	return []importers.File{{Name: shownName(name), Data: data}}, nil
}

// shownName is how a file is called in messages and sources: with no absolute path,
// which would differ from one machine to the next.
func shownName(name string) string {
	if filepath.IsAbs(name) {
		if here, err := os.Getwd(); err == nil {
			if relative, err := filepath.Rel(here, name); err == nil {
				name = relative
			}
		}
	}
	return filepath.ToSlash(filepath.Clean(name))
}

// errTooMuch is that of an import that would take more memory than it may.
var errTooMuch = fmt.Errorf("a file may have %d MiB, and all of them %d MiB", importers.MaxBytes>>20, importers.MaxTotal>>20)

// readBounded reads no more than an import may have.
func readBounded(r io.Reader, total *int) ([]byte, error) {
	data, err := io.ReadAll(io.LimitReader(r, importers.MaxBytes+1))
	if err != nil {
		return nil, reason(err)
	}
	if *total += len(data); len(data) > importers.MaxBytes || *total > importers.MaxTotal {
		return nil, errTooMuch
	}
	return data, nil
}

// foreignExtensions are those of files that are looked at in a folder.
var foreignExtensions = []string{
	".yaml", ".yml", ".json", ".jsonl", ".ndjson", ".prom", ".csv", ".tsv", ".dot", ".gv", ".mmd", ".mermaid", ".tfstate", ".env", ".template",
}

// passedOver are folders in which nobody keeps what describes his own services.
var passedOver = []string{"node_modules", "vendor", "testdata"}

// foreignFolder reads the files of a folder and of those below it. Links are not
// followed, and neither are hidden folders.
func foreignFolder(name string, total *int) ([]importers.File, error) {
	root, err := os.OpenRoot(name)
	if err != nil {
		return nil, fmt.Errorf("cannot read %s: %w", name, reason(err))
	}
	defer root.Close()
	shown := shownName(name)
	var files []importers.File
	err = fs.WalkDir(root.FS(), ".", func(p string, e fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return fmt.Errorf("cannot read %s: %w", path.Join(shown, p), reason(err))
		case e.IsDir() && p != "." && (strings.HasPrefix(e.Name(), ".") || slices.Contains(passedOver, e.Name())):
			return fs.SkipDir
		case !e.Type().IsRegular() || !slices.Contains(foreignExtensions, strings.ToLower(path.Ext(p))):
			return nil
		}
		f, err := root.Open(filepath.FromSlash(p))
		if err != nil {
			return fmt.Errorf("cannot read %s: %w", path.Join(shown, p), reason(err))
		}
		defer f.Close()
		data, err := readBounded(f, total)
		if err != nil {
			return fmt.Errorf("cannot read %s: %w", path.Join(shown, p), err)
		}
		files = append(files, importers.File{Name: path.Join(shown, p), Data: data, Found: true})
		return nil
	})
	return files, err
}
