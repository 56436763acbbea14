package out

import (
	"strings"

	"github.com/knockon/knockon/catalog/diag"
)

// table is a block of text in columns for a terminal. Cells are made printable,
// and wide East Asian characters count as two columns.
type table struct {
	head  []string
	right []bool // align right, by column
	key   int    // the column that names what a row is about
	prose bool   // the last column is sentences: columns between go before they are cut
	rows  [][]cell
}

// cell is one field of a table; style is an ANSI code, used only with colour.
type cell struct{ text, style string }

func (t *table) row(cells ...cell) { t.rows = append(t.rows, cells) }

// write prints the table. With a limit on the width, what does not fit into the
// last column goes on below it.
func (t *table) write(b *strings.Builder, o Options) {
	widths := make([]int, len(t.head))
	for i, h := range t.head {
		widths[i] = diag.Columns(h)
	}
	for _, r := range t.rows {
		for i, c := range r {
			r[i].text = printable(c.text)
			widths[i] = max(widths[i], diag.Columns(r[i].text))
		}
	}
	if o.Width > 0 {
		t.fit(widths, o.Width)
	}
	head := make([]cell, len(t.head))
	for i, h := range t.head {
		head[i] = cell{h, dim}
	}
	t.line(b, head, widths, o)
	for _, r := range t.rows {
		t.line(b, r, widths, o)
	}
}

// line prints one row. Columns without a width are left out.
func (t *table) line(b *strings.Builder, cells []cell, widths []int, o Options) {
	var row strings.Builder
	var rest []string // of the last column
	indent := 0
	for i, c := range cells {
		if widths[i] == 0 {
			continue
		}
		if row.Len() > 0 {
			row.WriteString("  ")
			indent += 2
		}
		text := ""
		if i == len(cells)-1 && widths[i] >= wrapLeast {
			lines := wrapText(c.text, widths[i])
			text, rest = lines[0], lines[1:]
		} else {
			text = cut(c.text, widths[i])
			indent += widths[i]
		}
		pad := strings.Repeat(" ", max(0, widths[i]-diag.Columns(text)))
		if t.right[i] {
			row.WriteString(pad + paint(text, c.style, o))
		} else {
			row.WriteString(paint(text, c.style, o) + pad)
		}
	}
	b.WriteString(strings.TrimRight(row.String(), " ") + "\n")
	for _, text := range rest {
		b.WriteString(strings.Repeat(" ", indent) + paint(text, cells[len(cells)-1].style, o) + "\n")
	}
}

// What a column has to keep in order to say something: words are broken into lines
// down to wrapLeast columns, and cut off down to cutLeast.
const (
	wrapLeast = 24
	cutLeast  = 10
)

// fit narrows columns until they fit, the last first. One that would say nothing
// is left out; the key never is.
func (t *table) fit(widths []int, limit int) {
	total := -2
	for _, w := range widths {
		total += w + 2
	}
	if t.prose {
		total = t.makeRoom(widths, total, limit)
	}
	for i := len(widths) - 1; i >= 0 && total > limit; i-- {
		room := widths[i] - (total - limit)
		switch {
		case i == t.key:
		case room >= cutLeast:
			widths[i], total = room, limit
		default:
			total -= widths[i] + 2
			widths[i] = 0
		}
	}
	if total > limit {
		widths[t.key] = max(1, widths[t.key]-(total-limit))
	}
}

// makeRoom leaves out columns between the first and the last, if that saves the
// last from being cut, and returns the total that is left.
func (t *table) makeRoom(widths []int, total, limit int) int {
	last := len(widths) - 1
	least := total
	for i := 1; i < last; i++ {
		if i != t.key {
			least -= widths[i] + 2
		}
	}
	enough := limit + max(0, widths[last]-wrapLeast) // of a total
	for i := last - 1; i > 0 && least <= enough && total > enough; i-- {
		if i != t.key {
			total -= widths[i] + 2
			widths[i] = 0
		}
	}
	return total
}

// The styles of text, as ANSI codes.
const (
	dim    = "2"
	bold   = "1"
	red    = "31"
	yellow = "33"
	blue   = "34"
	cyan   = "36"
	green  = "32"
)

func paint(text, style string, o Options) string {
	if !o.Color || style == "" || text == "" {
		return text
	}
	return "\x1b[" + style + "m" + text + "\x1b[0m"
}

// cut shortens a text to a number of columns.
func cut(s string, limit int) string {
	if diag.Columns(s) <= limit {
		return s
	}
	return s[:prefix(s, limit-1)] + "…"
}

// prefix is the length of the longest beginning of a text that fits into a number
// of columns.
func prefix(s string, limit int) int {
	n := 0
	for i, r := range s {
		if n += diag.Columns(string(r)); n > limit {
			return i
		}
	}
	return len(s)
}

// wrapText breaks a text into lines of at most so many columns, between words and,
// where a word is longer than that, within it. A limit of 0 breaks nothing.
func wrapText(s string, limit int) []string {
	if limit <= 0 || diag.Columns(s) <= limit {
		return []string{s}
	}
	var lines []string
	line, taken := "", 0
	for word := range strings.SplitSeq(s, " ") {
		n := diag.Columns(word)
		if line != "" && taken+1+n <= limit {
			line, taken = line+" "+word, taken+1+n
			continue
		}
		if line != "" {
			lines = append(lines, line)
		}
		for n > limit {
			at := prefix(word, limit)
			if at == 0 {
				break // a wide letter in a single column
			}
			lines = append(lines, word[:at])
			word = word[at:]
			n = diag.Columns(word)
		}
		line, taken = word, n
	}
	return append(lines, line)
}

// printable makes a name from an untrusted catalog fit to be shown, whatever the
// format.
func printable(s string) string { return diag.Printable(s) }
