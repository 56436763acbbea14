package cli

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/knockon/knockon/catalog/toml"
)

func newFmt(a *app) *cobra.Command {
	var check bool
	c := &cobra.Command{
		Use:   "fmt [FILE...]",
		Short: "Lay catalogs and scenarios out in the one way",
		Long: `Fmt rewrites TOML files in the layout that all our files have: spaces, blank lines,
lists that are too long for a line, TOML 1.0. Order, values and every comment stay.
Of a folder, every .toml file in it. Without a file it takes knockon.toml or the
folder knockon/; - reads stdin and writes stdout.`,
		Example: `  knockon fmt
  knockon fmt shop.toml
  knockon fmt --check knockon/     in CI: exits with 1 if a file would change
  knockon fmt - < shop.toml`,
		RunE: func(_ *cobra.Command, args []string) error {
			if len(a.catalogs) > 0 {
				return usagef("name the files as arguments; leave -c out")
			}
			if len(args) == 0 {
				name, _ := defaultCatalog()
				if strings.HasPrefix(name, "builtin:") {
					return usagef(`which file? For example "knockon fmt shop.toml"; there is no knockon.toml here`)
				}
				args = []string{name}
			}
			return a.formatAll(args, check)
		},
	}
	c.Flags().BoolVar(&check, "check", false, "write nothing; list the files that would change, and exit with 1")
	return c
}

// formatAll formats files, and reports all that is wrong with any of them.
func (a *app) formatAll(args []string, check bool) error {
	var files []string
	for _, arg := range args {
		if arg == "-" {
			if len(args) > 1 {
				return usagef("- is stdin, and stands alone")
			}
			return a.formatStdin(check)
		}
		found, err := tomlFiles(arg)
		if err != nil {
			return &exitError{exitInput, err}
		}
		files = append(files, found...)
	}
	changed := 0
	var failed error
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			return usagef("cannot read %s: %w", file, reason(err))
		}
		formatted, faults := toml.Format(filepath.ToSlash(file), text)
		if err := a.report(faults); err != nil {
			failed = err
			continue
		}
		if bytes.Equal(text, formatted) {
			continue
		}
		changed++
		fmt.Fprintln(a.Out, file)
		if check {
			continue
		}
		if err := writeFile(file, formatted); err != nil {
			return usagef("cannot write %s: %w", file, err)
		}
	}
	if failed == nil && check && changed > 0 {
		return &exitError{exitFindings, errors.New(`what is listed would change; "knockon fmt" does it`)}
	}
	return failed
}

func (a *app) formatStdin(check bool) error {
	text, err := io.ReadAll(io.LimitReader(a.In, toml.MaxBytes+1))
	if err != nil {
		return usagef("cannot read stdin: %w", err)
	}
	formatted, faults := toml.Format("stdin", text)
	if err := a.report(faults); err != nil {
		return err
	}
	if check {
		if !bytes.Equal(text, formatted) {
			return &exitError{exitFindings, errors.New("stdin would change")}
		}
		return nil
	}
	_, err = a.Out.Write(formatted)
	return err
}

// tomlFiles are a file, or the .toml files of a folder that are not hidden, sorted.
func tomlFiles(name string) ([]string, error) {
	info, err := os.Stat(name)
	if err != nil {
		return nil, fmt.Errorf("cannot read %s: %w", name, reason(err))
	}
	if !info.IsDir() {
		return []string{name}, nil
	}
	var files []string
	err = filepath.WalkDir(name, func(p string, e fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case p != name && strings.HasPrefix(e.Name(), "."):
			if e.IsDir() {
				return fs.SkipDir
			}
		case e.Type().IsRegular() && filepath.Ext(p) == ".toml":
			files = append(files, p)
		}
		return nil
	})
	slices.Sort(files)
	return files, err
}
