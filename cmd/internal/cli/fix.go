package cli

import (
	"bytes"
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/knockon/knockon/catalog/diag"
	"github.com/knockon/knockon/catalog/toml"
	"github.com/knockon/knockon/propagate/audit"
)

// fixed is one file with the edits that mend findings.
type fixed struct {
	text  *toml.Text
	edits []toml.Edit
	whats []string // by edit
	after string
}

// fixes collects the edits of open findings by file. Findings whose edits want the same
// place are left for the next time.
func (a *app) fixes(texts []toml.Text, r *audit.Result) []*fixed {
	var files []*fixed
	for i := range r.Findings {
		f := &r.Findings[i]
		if f.State != audit.Open {
			continue
		}
		for _, e := range f.Edits {
			file := fileOf(&files, texts, e.At.File)
			if file == nil {
				continue
			}
			after, err := file.text.Splice(append(slices.Clone(file.edits), e.Edit))
			if err != nil {
				fmt.Fprintf(a.Err, "knockon: %s is left for the next time: %v\n", f.Rule.ID, err)
				continue
			}
			if slices.Contains(file.edits, e.Edit) {
				continue
			}
			file.edits, file.after = append(file.edits, e.Edit), after
			file.whats = append(file.whats, fmt.Sprintf("%s: %s: %s", e.At, f.Rule.ID, e.What))
		}
	}
	slices.SortFunc(files, func(x, y *fixed) int { return strings.Compare(x.text.File, y.text.File) })
	return slices.DeleteFunc(files, func(f *fixed) bool { return len(f.edits) == 0 })
}

func fileOf(files *[]*fixed, texts []toml.Text, name string) *fixed {
	for _, f := range *files {
		if f.text.File == name {
			return f
		}
	}
	for i := range texts {
		if texts[i].File == name {
			*files = append(*files, &fixed{text: &texts[i]})
			return (*files)[len(*files)-1]
		}
	}
	return nil
}

// fix mends what can be mended by itself: it shows the lines that change and, unless it
// is a preview, writes the files. Files that are not on disk are only shown.
func (a *app) fix(texts []toml.Text, r *audit.Result, preview bool) error {
	files := a.fixes(texts, r)
	changes := 0
	for _, f := range files {
		changes += len(f.edits)
		if _, faults := toml.Parse(f.text.File, []byte(f.after)); faults.HasErrors() {
			return &exitError{exitInternal, fmt.Errorf("the edits of %s would break it; nothing was written:\n%s", f.text.File, faults[0])}
		}
		a.showEdits(f)
	}
	if changes == 0 {
		fmt.Fprintln(a.Err, "knockon: there is nothing that can be mended by itself")
		return nil
	}
	if preview {
		fmt.Fprintf(a.Err, "knockon: %d to make in %d; --fix without --preview makes them\n", changes, len(files))
		return nil
	}
	for _, f := range files {
		if err := rewrite(f); err != nil {
			return &exitError{exitInput, fmt.Errorf("cannot write %s: %w", f.text.File, reason(err))}
		}
		fmt.Fprintf(a.Err, "knockon: wrote %s\n", f.text.File)
	}
	return nil
}

// showEdits prints the lines that change, as diff does.
func (a *app) showEdits(f *fixed) {
	o := a.terminal()
	paint := func(text, style string) string {
		if !o.Color {
			return text
		}
		return "\x1b[" + style + "m" + text + "\x1b[0m"
	}
	slices.Sort(f.whats)
	for _, what := range f.whats {
		fmt.Fprintf(a.Out, "# %s\n", diag.Printable(what))
	}
	name := diag.Printable(f.text.File)
	fmt.Fprintf(a.Out, "--- %s\n+++ %s\n", name, name)
	before, after := lines(f.text.String()), lines(f.after)
	for _, h := range hunks(before, after) {
		fmt.Fprintf(a.Out, "@@ -%d,%d +%d,%d @@\n", h.from+1, h.to-h.from, h.fresh+1, h.end-h.fresh)
		for _, line := range before[h.from:h.to] {
			fmt.Fprintln(a.Out, paint("-"+diag.Printable(line), "31"))
		}
		for _, line := range after[h.fresh:h.end] {
			fmt.Fprintln(a.Out, paint("+"+diag.Printable(line), "32"))
		}
	}
}

func lines(text string) []string { return strings.Split(strings.TrimSuffix(text, "\n"), "\n") }

// hunk is a stretch of lines that another takes the place of.
type hunk struct{ from, to, fresh, end int }

// hunks compares two texts of which the second has few and small changes: where lines
// differ, it looks for the nearest pair that agrees again.
func hunks(before, after []string) []hunk {
	var all []hunk
	i, j := 0, 0
	for i < len(before) || j < len(after) {
		if i < len(before) && j < len(after) && before[i] == after[j] {
			i, j = i+1, j+1
			continue
		}
		h := hunk{from: i, fresh: j}
		h.to, h.end = meet(before, after, i, j)
		all = append(all, h)
		i, j = h.to, h.end
	}
	return all
}

func meet(before, after []string, i, j int) (int, int) {
	for far := 1; far < len(before)-i+len(after)-j; far++ {
		for k := range far + 1 {
			x, y := i+k, j+far-k
			if x < len(before) && y < len(after) && before[x] == after[y] && before[x] != "" {
				return x, y
			}
		}
	}
	return len(before), len(after)
}

// rewrite writes a file as its edits leave it, if it is still what was read.
func rewrite(f *fixed) error {
	data, err := os.ReadFile(f.text.File)
	if err != nil {
		return err
	}
	mark := []byte("\xef\xbb\xbf")
	text, marked := bytes.CutPrefix(data, mark)
	after := []byte(f.after)
	read := f.text.String()
	if !bytes.HasSuffix(text, []byte("\n")) {
		read, after = strings.TrimSuffix(read, "\n"), bytes.TrimSuffix(after, []byte("\n"))
	}
	if string(text) != read {
		return fmt.Errorf("it has changed since it was read")
	}
	if marked {
		after = append(mark, after...)
	}
	return writeFile(f.text.File, after)
}
