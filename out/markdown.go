package out

import (
	"cmp"
	"fmt"
	"io"
	"strings"

	"github.com/knockon/knockon/propagate/audit"
)

// Markdown, as GitHub and GitLab show it in a pull request.

func writeMarkdown(w io.Writer, r Report, _ Options) error {
	var b strings.Builder
	switch r := r.(type) {
	case *Audit:
		r.markdown(&b)
	case *Diff:
		r.markdown(&b)
	case *Rule:
		fmt.Fprintf(&b, "# %s %s\n\n%s Severity: %s.\n\n%s", r.ID, r.Name, escapeMarkdown(r.Summary), r.Severity, r.body())
	default:
		return unsupported("markdown", r)
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// markdown is a comment on a pull request: what there is in one line, the worst in full,
// the rest in a table that is folded away.
func (r *Audit) markdown(b *strings.Builder) {
	fmt.Fprintf(b, "### knockon audit: %s\n", escapeMarkdown(r.headline()))
	shown := 0
	rest := false
	for i := range r.Findings {
		f := &r.Findings[i]
		if f.State != audit.Open {
			continue
		}
		if shown++; shown <= r.Most || r.Most == 0 {
			fmt.Fprintf(b, "\n%d. **%s %s** %s\n   %s\n", shown, f.Severity, ruleLink(f.Rule), escapeMarkdown(f.Message), markdownCode(f.At.String()))
			for _, s := range f.Path {
				fmt.Fprintf(b, "   - %s %s\n", escapeMarkdown(s.Text), markdownCode(s.At.String()))
			}
			fmt.Fprintf(b, "\n   *%s*\n", escapeMarkdown(cmp.Or(f.Fix, f.Rule.Fix)))
			continue
		}
		if !rest {
			rest = true
			b.WriteString("\n<details><summary>The others</summary>\n\n| severity | rule | place | finding |\n|---|---|---|---|\n")
		}
		fmt.Fprintf(b, "| %s | %s | %s | %s |\n", f.Severity, ruleLink(f.Rule), markdownCode(f.At.String()), escapeMarkdown(f.Message))
	}
	if rest {
		b.WriteString("\n</details>\n")
	}
}

func ruleLink(r *audit.Rule) string {
	if _, ours := audit.RuleNamed(r.ID); ours {
		return fmt.Sprintf("[%s](%s/blob/main/docs/rules/%s.md)", r.ID, projectURL, r.ID)
	}
	return escapeMarkdown(r.ID)
}

// body is the explanation of a rule in Markdown, without its title.
func (r *Rule) body() string {
	var b strings.Builder
	for i, s := range r.sections() {
		if i > 0 {
			b.WriteString("\n")
		}
		fmt.Fprintf(&b, "## %s\n\n%s\n", s.title, escapeMarkdown(s.text))
	}
	if len(r.Params) > 0 {
		fmt.Fprintf(&b, "\n## Parameters\n\nIn `[rule.%s]` of `%s`, beside `enabled` and `severity`:\n\n| key | default | what |\n|---|---|---|\n", r.ID, audit.ConfigFile)
		for _, p := range r.Params {
			fmt.Fprintf(&b, "| `%s` | `%s` | %s |\n", p.Key, p, escapeMarkdown(p.What))
		}
	}
	fmt.Fprintf(&b, "\n## To live with it for a time\n\nOn the line of the finding, or alone on the line above it:\n\n    %s\n", r.allow())
	return b.String()
}

// plain is the explanation of a rule for who cannot show Markdown.
func (r *Rule) plain() string {
	var parts []string
	for _, s := range r.sections() {
		parts = append(parts, s.title+": "+s.text)
	}
	return strings.Join(parts, "\n\n")
}

var markdownEscaper = strings.NewReplacer(
	`\`, `\\`, "`", "\\`", "*", `\*`, "_", `\_`, "[", `\[`, "]", `\]`, "<", "&lt;", ">", "&gt;", "&", "&amp;", "|", `\|`, "#", `\#`, "~", `\~`, "@", "&#64;",
)

// escapeMarkdown makes a text mean itself: no link, no mention, no table.
func escapeMarkdown(s string) string { return markdownEscaper.Replace(printable(s)) }

// markdownCode is a text in the type of code, within which only backticks end it.
func markdownCode(s string) string {
	return "`" + strings.NewReplacer("`", "'", "|", "¦").Replace(printable(s)) + "`"
}
