package out

import (
	"fmt"
	"io"
	"strings"

	"github.com/knockon/knockon/propagate/audit"
)

// Workflow commands of GitHub Actions, which shows each at its line of a pull request
// (docs.github.com, Workflow commands for GitHub Actions). It shows ten of each
// severity in a step; the worst come first.

var annotationCommands = [...]string{audit.Error: "error", audit.Warning: "warning", audit.Note: "notice"}

func writeAnnotations(w io.Writer, r Report, _ Options) error {
	a, ok := r.(*Audit)
	if !ok {
		return unsupported("github", r)
	}
	var b strings.Builder
	for i := range a.Findings {
		f := &a.Findings[i]
		if f.State != audit.Open {
			continue
		}
		fmt.Fprintf(&b, "::%s file=%s,line=%d", annotationCommands[f.Severity], property(filePath(f.At.File)), max(1, f.At.Line))
		if f.At.Col > 0 {
			fmt.Fprintf(&b, ",col=%d,endColumn=%d", f.At.Col, f.At.Col+max(1, f.At.Width))
		}
		fmt.Fprintf(&b, ",title=%s::", property(f.Rule.ID+" "+f.Rule.Name))
		text := f.Message
		for _, s := range f.Path {
			text += "\n" + s.At.String() + ": " + s.Text
		}
		b.WriteString(message(text) + "\n")
	}
	b.WriteString(printable("knockon: "+a.headline()) + "\n")
	_, err := io.WriteString(w, b.String())
	return err
}

var (
	messageEscaper  = strings.NewReplacer("%", "%25", "\r", "%0D", "\n", "%0A")
	propertyEscaper = strings.NewReplacer("%", "%25", "\r", "%0D", "\n", "%0A", ":", "%3A", ",", "%2C")
)

func property(s string) string { return propertyEscaper.Replace(printable(s)) }

// message escapes a text of several lines.
func message(s string) string {
	lines := strings.Split(s, "\n")
	for i := range lines {
		lines[i] = printable(lines[i])
	}
	return messageEscaper.Replace(strings.Join(lines, "\n"))
}
