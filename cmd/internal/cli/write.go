package cli

import (
	"bytes"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"github.com/knockon/knockon/out"
)

// addOutput gives a command -o and --format.
func (a *app) addOutput(c *cobra.Command) {
	c.Flags().StringArrayVarP(&a.outputs, "output", "o", nil, "write to a `file`, its format by the extension; - is stdout; may be repeated")
	c.Flags().StringVar(&a.format, "format", "", "`format`, whatever the extension: "+strings.Join(out.FormatNames(), ", "))
	mustRegister(c.RegisterFlagCompletionFunc("format", cobra.FixedCompletions(out.FormatNames(), cobra.ShellCompDirectiveNoFileComp)))
}

// output is one place a report goes, and how.
type output struct {
	file   string // "" for stdout
	format out.Format
}

// plan settles formats before any work is done, so that a misspelt one costs no
// waiting.
func (a *app) plan() ([]output, error) {
	files := a.outputs
	if len(files) == 0 {
		files = []string{"-"}
	}
	var plan []output
	for _, file := range files {
		o := output{file: file}
		if file == "-" {
			o.file = ""
		}
		var ok bool
		switch {
		case a.format != "":
			if o.format, ok = out.FormatNamed(a.format); !ok {
				return nil, usagef("--format %q is not known%s", a.format, suggestion(a.format, out.FormatNames()))
			}
		case o.file != "":
			if o.format, ok = out.FormatOf(file); !ok {
				return nil, usagef("the format of %q is not known by its extension; use one of %s, or --format", file, extensions())
			}
		default:
			o.format, _ = out.FormatNamed("text")
		}
		plan = append(plan, o)
	}
	return plan, nil
}

func extensions() string {
	var all []string
	for _, f := range out.Formats() {
		for _, e := range f.Extensions {
			all = append(all, "."+e)
		}
	}
	slices.Sort(all)
	return strings.Join(all, ", ")
}

// write writes a report wherever it was asked for. A file is written whole or not
// at all.
func (a *app) write(plan []output, r out.Report) error {
	for _, o := range plan {
		var b bytes.Buffer
		options := out.Options{}
		if o.file == "" {
			options = a.terminal()
		}
		if err := o.format.Write(&b, r, options); err != nil {
			if _, ok := err.(*out.UnsupportedError); ok {
				return &exitError{exitInput, err}
			}
			return &exitError{exitInternal, err}
		}
		if o.file == "" {
			if _, err := a.Out.Write(b.Bytes()); err != nil {
				return &exitError{exitInput, fmt.Errorf("cannot write the result: %w", err)}
			}
			continue
		}
		if err := writeFile(o.file, b.Bytes()); err != nil {
			return &exitError{exitInput, fmt.Errorf("cannot write %s: %w", o.file, err)}
		}
		fmt.Fprintf(a.Err, "knockon: wrote %s\n", o.file)
	}
	return nil
}

// terminal says how text is written to stdout: in colour and to its width on a
// terminal, plain and whole into a pipe. See no-color.org for NO_COLOR.
func (a *app) terminal() out.Options {
	var o out.Options
	f, ok := a.Out.(*os.File)
	tty := ok && term.IsTerminal(int(f.Fd()))
	if tty {
		if width, _, err := term.GetSize(int(f.Fd())); err == nil {
			o.Width = width
		}
	}
	switch {
	case a.color == "always":
		o.Color = true
	case a.color == "never" || os.Getenv("NO_COLOR") != "":
	case forced(os.Getenv("CLICOLOR_FORCE")):
		o.Color = true
	default:
		o.Color = tty && os.Getenv("TERM") != "dumb"
	}
	return o
}

func forced(value string) bool { return value != "" && value != "0" }

// writeFile writes beside the file and renames, so that nobody ever sees half of
// it. What is not a regular file, such as /dev/null, is written as it is.
func writeFile(name string, data []byte) (err error) {
	mode := fs.FileMode(0o644)
	if real, err := filepath.EvalSymlinks(name); err == nil {
		name = real // a link stays a link
	}
	if info, err := os.Stat(name); err == nil {
		if info.IsDir() {
			return fmt.Errorf("it is a folder")
		}
		if !info.Mode().IsRegular() {
			f, err := os.OpenFile(name, os.O_WRONLY, 0)
			if err != nil {
				return reason(err)
			}
			defer f.Close()
			_, err = f.Write(data)
			return err
		}
		mode = info.Mode().Perm()
	}
	f, err := os.CreateTemp(filepath.Dir(name), "."+filepath.Base(name)+".*")
	if err != nil {
		return reason(err)
	}
	defer func() {
		if err != nil {
			f.Close()
			os.Remove(f.Name())
			err = reason(err)
		}
	}()
	if _, err = f.Write(data); err != nil {
		return err
	}
	if err = f.Chmod(mode); err != nil {
		return err
	}
	if err = f.Close(); err != nil {
		return err
	}
	return os.Rename(f.Name(), name)
}

// progress shows one line on a terminal's stderr while something long goes on.
type progress struct {
	w       io.Writer
	label   string
	percent int
}

// newProgress returns nil when stderr is not a terminal; a nil progress is silent.
func (a *app) newProgress(label string) *progress {
	f, ok := a.Err.(*os.File)
	if !ok || !term.IsTerminal(int(f.Fd())) {
		return nil
	}
	return &progress{w: a.Err, label: label, percent: -1}
}

func (p *progress) show(done, total int) {
	if p == nil || total == 0 {
		return
	}
	if percent := 100 * done / total; percent > p.percent {
		p.percent = percent
		fmt.Fprintf(p.w, "\r%s %3d %%", p.label, percent)
	}
}

// clear removes the line again.
func (p *progress) clear() {
	if p != nil && p.percent >= 0 {
		fmt.Fprint(p.w, "\r\x1b[K")
	}
}
