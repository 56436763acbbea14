package importers

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/knockon/knockon/catalog"
	"github.com/knockon/knockon/catalog/toml"
	"github.com/knockon/knockon/catalog/unit"
)

// maxFrom is how many files the head of a catalog names.
const maxFrom = 8

// TOML writes the draft as a catalog: sorted, grouped, every service and need with
// where it comes from. The same draft gives the same bytes.
func (d *Draft) TOML() []byte {
	var b strings.Builder
	b.WriteString(d.head())
	services := slices.Clone(d.Services)
	slices.SortStableFunc(services, func(a, b *Service) int {
		return cmp.Or(
			compareFlags(a.Group == "", b.Group == ""), // those in a group first
			strings.Compare(a.Group, b.Group),
			compareFlags(!a.Declared, !b.Declared),
		)
	})
	needs := d.needsBySource()
	group, grouped := "", len(services) > 0 && services[0].Group != ""
	stubs := false
	for _, s := range services {
		switch {
		case grouped && s.Group != group && s.Group != "":
			fmt.Fprintf(&b, "\n# ---- %s ----\n", comment(s.Group))
		case grouped && s.Group != group:
			b.WriteString("\n# ---- in no group ----\n")
		}
		if !s.Declared && s.Group == "" && !stubs {
			stubs = true
			b.WriteString("\n# Named by others, and declared by no file.\n")
		}
		group = s.Group
		b.WriteByte('\n')
		b.WriteString(s.toml(needs[s.ID]))
	}
	return formatted(b.String())
}

// formatted lays out what we have written.
func formatted(text string) []byte {
	laid, faults := toml.Format("catalog", []byte(text))
	if len(faults) > 0 {
		panic("importers: " + faults[0].String())
	}
	return laid
}

// head is the comment a catalog begins with.
func (d *Draft) head() string {
	var b strings.Builder
	b.WriteString("# Imported from")
	if len(d.from) == 1 {
		fmt.Fprintf(&b, " %s.\n", comment(d.from[0]))
	} else {
		b.WriteByte('\n')
		for i, f := range d.from {
			if i == maxFrom {
				fmt.Fprintf(&b, "#   and %d more\n", len(d.from)-maxFrom)
				break
			}
			fmt.Fprintf(&b, "#   %s\n", comment(f))
		}
	}
	b.WriteString("# What these cannot know is not stated: time-outs, retries, what happens without a\n")
	b.WriteString("# target. State it where it matters. \"source\" says where each line comes from.\n")
	return b.String()
}

func (d *Draft) needsBySource() map[string][]*Need {
	needs := make(map[string][]*Need)
	for _, n := range d.Needs {
		needs[n.From] = append(needs[n.From], n)
	}
	return needs
}

// toml writes a service with its needs.
func (s *Service) toml(needs []*Need) string {
	var b strings.Builder
	fmt.Fprintf(&b, "[service.%s]\n", toml.Key(s.ID))
	for _, line := range s.lines() {
		b.WriteString(line.key + " = " + line.value)
		if line.note != "" {
			b.WriteString(" # " + comment(line.note))
		}
		b.WriteByte('\n')
	}
	if len(needs) > 0 {
		b.WriteString("needs = [\n")
		for _, n := range needs {
			b.WriteString("  " + n.toml() + ",\n")
		}
		b.WriteString("]\n")
	}
	return b.String()
}

// line is one key of a table.
type line struct{ key, value, note string }

// lines are the keys of a service beside its needs.
func (s *Service) lines() []line {
	var lines []line
	text := func(key, value string) {
		if value != "" {
			lines = append(lines, line{key: key, value: toml.String(value)})
		}
	}
	text("title", s.Title)
	text("description", s.Description)
	if s.Kind != catalog.KindService {
		l := line{key: "kind", value: toml.String(s.Kind.String())}
		if s.KindGuess != "" {
			l.note = "a guess, " + s.KindGuess
		}
		lines = append(lines, l)
	}
	text("group", s.Group)
	text("owner", s.Owner)
	if v := quantity(s.Tier, decimal); v != "" {
		lines = append(lines, line{key: "tier", value: v})
	}
	if v := quantity(s.Load, func(r unit.Rate) string { return toml.String(r.String()) }); v != "" {
		lines = append(lines, line{key: "load", value: v})
	}
	if v := quantity(s.ServiceTime, func(r unit.Range) string { return toml.String(r.String()) }); v != "" {
		lines = append(lines, line{key: "service_time", value: v})
	}
	if v := quantity(s.Replicas, decimal); v != "" {
		lines = append(lines, line{key: "replicas", value: v})
	}
	if len(s.Sources) > 0 {
		lines = append(lines, line{key: "source", value: oneOrList(s.Sources)})
	}
	return lines
}

// toml writes a need as an inline table of one line.
func (n *Need) toml() string {
	parts := []string{"on = " + toml.String(n.On)}
	add := func(key, value string) { parts = append(parts, key+" = "+value) }
	if n.Mode != catalog.Sync {
		add("mode", toml.String(n.Mode.String()))
	}
	if n.To != catalog.ToServe {
		add("to", toml.String(n.To.String()))
	}
	if n.IfLost != catalog.Fail {
		add("if_lost", toml.String(n.IfLost.String()))
	}
	if n.For != "" {
		add("for", toml.String(n.For))
	}
	if v := quantity(n.Calls, realNumber); v != "" {
		add("calls", v)
	}
	add("source", oneOrList(n.Sources()))
	return "{ " + strings.Join(parts, ", ") + " }"
}

// Sources are the places a need is known from, and what of it is a guess.
func (n *Need) Sources() []string {
	var list []string
	for i, c := range n.Claims {
		if i == maxSources {
			break
		}
		text := place(c.At)
		if c.Rule != "" {
			text += ": " + c.Rule
		}
		list = append(list, cleanText(text))
	}
	if more := max(0, len(n.Claims)-maxSources) + n.more; more > 0 {
		list = append(list, "and "+plural(more, "more place", "more places"))
	}
	if n.Guess != "" {
		list = append(list, "guess: "+n.Guess)
	}
	return list
}

func oneOrList(texts []string) string {
	if len(texts) == 1 {
		return toml.String(texts[0])
	}
	quoted := make([]string, len(texts))
	for i, t := range texts {
		quoted[i] = toml.String(t)
	}
	return "[" + strings.Join(quoted, ", ") + "]"
}

// quantity writes a value with how it is known; "" where it is not stated.
func quantity[T any](v unit.Value[T], write func(T) string) string {
	switch v.Evidence {
	case unit.NotStated:
		return ""
	case unit.Stated:
		return write(v.V)
	}
	text := "{ " + v.Evidence.String() + " = " + write(v.V)
	if v.Source != "" {
		text += ", source = " + toml.String(cleanText(v.Source))
	}
	return text + " }"
}

func realNumber(f float64) string { return strconv.FormatFloat(f, 'f', -1, 64) }

func decimal(n int64) string { return strconv.FormatInt(n, 10) }

// comment makes a text safe to stand behind a number sign.
func comment(s string) string {
	quoted := toml.String(s) // escapes what is no text
	return quoted[1 : len(quoted)-1]
}

func compareFlags(a, b bool) int {
	switch {
	case a == b:
		return 0
	case b:
		return -1
	}
	return 1
}
