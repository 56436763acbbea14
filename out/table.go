package out

import (
	"strings"

	"golang.org/x/text/width"
)

// table is a block of text in columns for a terminal. Cells are made printable,
// and wide East Asian characters count as two columns.
type table struct {
	head  []string
	right []bool // align right, by column
	rows  [][]cell
}

// cell is one field of a table; style is an ANSI code, used only with colour.
type cell struct{ text, style string }

func (t *table) row(cells ...cell) { t.rows = append(t.rows, cells) }

// write prints the table. With a limit on the width the last column is cut to it,
// and if little is left of that column, all of it goes.
func (t *table) write(b *strings.Builder, o Options) {
	widths := make([]int, len(t.head))
	for i, h := range t.head {
		widths[i] = columns(h)
	}
	for _, r := range t.rows {
		for i, c := range r {
			r[i].text = printable(c.text)
			widths[i] = max(widths[i], columns(r[i].text))
		}
	}
	shown := len(widths)
	if o.Width > 0 {
		shown = fit(widths, o.Width)
	}
	line := func(cells []cell) {
		var row strings.Builder
		for i, c := range cells[:shown] {
			if i > 0 {
				row.WriteString("  ")
			}
			text := cut(c.text, widths[i])
			pad := strings.Repeat(" ", widths[i]-columns(text))
			if i == len(cells)-1 || i == shown-1 {
				if !t.right[i] {
					pad = ""
				}
			}
			if t.right[i] {
				row.WriteString(pad)
			}
			row.WriteString(paint(text, c.style, o))
			if !t.right[i] {
				row.WriteString(pad)
			}
		}
		b.WriteString(strings.TrimRight(row.String(), " "))
		b.WriteByte('\n')
	}
	head := make([]cell, len(t.head))
	for i, h := range t.head {
		head[i] = cell{h, dim}
	}
	line(head)
	for _, r := range t.rows {
		line(r)
	}
}

// fit narrows columns, the last first, until they fit; it returns how many are
// shown. A column narrower than this says nothing.
func fit(widths []int, limit int) int {
	const least = 10
	total := -2
	for _, w := range widths {
		total += w + 2
	}
	shown := len(widths)
	for i := len(widths) - 1; i > 0 && total > limit; i-- {
		if room := widths[i] - (total - limit); room >= min(least, widths[i]) {
			widths[i] = room
			return shown
		}
		total -= widths[i] + 2
		shown = i
	}
	if shown == 1 && widths[0] > limit {
		widths[0] = max(1, limit)
	}
	return shown
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

// columns is the number of terminal columns a text takes.
func columns(s string) int {
	n := 0
	for _, r := range s {
		n += columnsOf(r)
	}
	return n
}

func columnsOf(r rune) int {
	switch width.LookupRune(r).Kind() {
	case width.EastAsianWide, width.EastAsianFullwidth:
		return 2
	}
	return 1
}

// cut shortens a text to a number of columns.
func cut(s string, limit int) string {
	if columns(s) <= limit {
		return s
	}
	n := 0
	for i, r := range s {
		if n += columnsOf(r); n > limit-1 {
			return s[:i] + "…"
		}
	}
	return s
}

// printable replaces what would move a terminal's cursor, hide text or turn its
// direction: names come from untrusted catalogs.
func printable(s string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r == '\n', r == '\t':
			return ' '
		case r < 0x20, r >= 0x7f && r < 0xa0, r == 0x2028, r == 0x2029,
			r >= 0x202a && r <= 0x202e, r >= 0x2066 && r <= 0x2069, r == 0x200e, r == 0x200f:
			return '\uFFFD'
		}
		return r
	}, s)
}
