package cli

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"github.com/knockon/knockon/out"
)

// addOutput gives a command -o, --format and, where there are several, --picture, with
// the formats and pictures that can show what it writes: reports of which only the kind
// matters, the usual one first.
func (a *app) addOutput(c *cobra.Command, reports ...out.Report) {
	formats := formatsOf(reports[0])
	c.PreRun = func(*cobra.Command, []string) { a.shows(reports[0]) }
	var pictures []string
	for _, r := range reports {
		for _, p := range out.Pictures(r) {
			if !slices.Contains(pictures, string(p)) {
				pictures = append(pictures, string(p))
			}
		}
	}
	if len(pictures) > 1 {
		c.Flags().StringVar(&a.picture, "picture", "", "`what` a picture shows: "+strings.Join(pictures, ", ")+"; a file can say it by its name, as storm."+pictures[1]+".svg does")
		mustRegister(c.RegisterFlagCompletionFunc("picture", cobra.FixedCompletions(pictures, cobra.ShellCompDirectiveNoFileComp)))
	}
	c.Flags().StringArrayVarP(&a.outputs, "output", "o", nil, "write to a `file`, its format by the extension; - is stdout; may be repeated")
	c.Flags().StringVarP(&a.format, "format", "f", "", "`format`, whatever the extension: "+strings.Join(formatNames(formats), ", "))
	mustRegister(c.RegisterFlagCompletionFunc("format", cobra.FixedCompletions(formatNames(formats), cobra.ShellCompDirectiveNoFileComp)))
}

// shows settles which formats and pictures there are of what a command writes.
func (a *app) shows(r out.Report) { a.formats, a.pictures = formatsOf(r), out.Pictures(r) }

// formatsOf are the formats that can show a report.
func formatsOf(r out.Report) []out.Format {
	return slices.DeleteFunc(out.Formats(), func(f out.Format) bool { return !f.Shows(r) })
}

func formatNames(formats []out.Format) []string {
	var names []string
	for _, f := range formats {
		names = append(names, f.Name)
	}
	return names
}

// output is one place a report goes, and how.
type output struct {
	file    string // "" for stdout
	format  out.Format
	picture out.Picture
}

// plan settles formats before any work is done, so that a misspelt one costs no
// waiting.
func (a *app) plan() ([]output, error) {
	files := a.outputs
	if len(files) == 0 {
		files = []string{"-"}
	}
	if a.picture != "" && !slices.Contains(a.pictures, out.Picture(a.picture)) {
		var names []string
		for _, p := range a.pictures {
			names = append(names, string(p))
		}
		return nil, usagef("there is no picture %q of this; use %s", a.picture, strings.Join(names, " or "))
	}
	var plan []output
	for _, file := range files {
		o := output{file: file}
		switch file {
		case "":
			return nil, usagef("-o needs the name of a file; - is stdout")
		case "-":
			o.file = ""
		}
		var known bool
		switch {
		case a.format != "":
			if o.format, known = out.FormatNamed(a.format); !known {
				return nil, usagef("--format %q is not known%s", a.format, suggestion(a.format, formatNames(a.formats)))
			}
		case o.file != "":
			if o.format, known = out.FormatOf(file); !known {
				return nil, usagef("the format of %q is not known by its extension; use one of %s, or --format", file, extensions(a.formats))
			}
		default:
			o.format, _ = out.FormatNamed(cmp.Or(a.usual, "text"))
		}
		if !slices.Contains(formatNames(a.formats), o.format.Name) {
			return nil, usagef("this cannot be written as %s; use %s", o.format.Name, strings.Join(formatNames(a.formats), " or "))
		}
		o.picture = out.Picture(a.picture)
		if named := pictureOf(file); slices.Contains(a.pictures, named) {
			o.picture = named
		}
		plan = append(plan, o)
	}
	return plan, nil
}

// pictureOf is what a file is to show by its name: storm.lanes.svg.
func pictureOf(file string) out.Picture {
	name := filepath.Base(file)
	name = strings.TrimSuffix(name, filepath.Ext(name))
	return out.Picture(strings.TrimPrefix(filepath.Ext(name), "."))
}

func extensions(formats []out.Format) string {
	var all []string
	for _, f := range formats {
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
		options.Picture = o.picture
		if err := o.format.Write(&b, r, options); err != nil {
			return &exitError{exitInternal, err}
		}
		if o.file == "" {
			if _, err := a.Out.Write(b.Bytes()); err != nil {
				return &exitError{exitInput, fmt.Errorf("cannot write the result: %w", reason(err))}
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
// it. A file keeps its permissions, a link stays a link, and what is not a regular
// file, such as /dev/null, is written as it is.
func writeFile(name string, data []byte) error {
	name = followLinks(name)
	info, err := os.Stat(name)
	exists := err == nil
	switch {
	case exists && info.IsDir():
		return errors.New("it is a folder")
	case exists && !info.Mode().IsRegular():
		return reason(writeInPlace(name, data))
	}
	// Not os.CreateTemp, which would take from a new file what the umask allows.
	temp := filepath.Join(filepath.Dir(name), fmt.Sprintf(".%s.%08x", filepath.Base(name), rand.Uint32()))
	f, err := os.OpenFile(temp, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o666)
	if err != nil {
		return reason(err)
	}
	_, err = f.Write(data)
	if exists && err == nil {
		err = f.Chmod(info.Mode().Perm())
	}
	if closed := f.Close(); err == nil {
		err = closed
	}
	if err == nil {
		err = os.Rename(temp, name)
	}
	if err != nil {
		os.Remove(temp)
	}
	return reason(err)
}

func writeInPlace(name string, data []byte) error {
	f, err := os.OpenFile(name, os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	defer f.Close()
	_, err = f.Write(data)
	return err
}

// followLinks finds the file behind a link, also one that is yet to be made.
func followLinks(name string) string {
	if real, err := filepath.EvalSymlinks(name); err == nil {
		return real
	}
	if target, err := os.Readlink(name); err == nil {
		if filepath.IsAbs(target) {
			return target
		}
		return filepath.Join(filepath.Dir(name), target)
	}
	return name
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
