package closedform

import (
	"cmp"
	"flag"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "rewrite docs/closed-forms.md")

// chapters are the files of the package in the order of the page.
var chapters = []struct{ file, title string }{
	{"erlang.go", "Waiting, with servers to spare"},
	{"kingman.go", "Waiting, whatever the distributions"},
	{"loss.go", "Queues that refuse"},
	{"erlang_a.go", "Queues that the impatient leave"},
	{"backlog.go", "Backlogs"},
	{"queue_bound.go", "Goodput in overload"},
	{"retries.go", "Retries"},
	{"retrying_client.go", "Retries against time-outs, and failures that outlast their cause"},
	{"budgets.go", "Retry budgets"},
	{"client_throttle.go", "Adaptive client throttling"},
	{"backoff.go", "Backoff"},
	{"threads.go", "Thread pools"},
	{"fan_out.go", "Calls per request"},
	{"token_bucket.go", "Rate limits"},
	{"replicas.go", "Replicas"},
	{"health_checks.go", "Health checks"},
	{"caches.go", "Caches"},
	{"dns.go", "DNS"},
	{"leases.go", "Leases"},
}

// inner are the files without an exported function.
var inner = []string{"closedform.go", "elementary.go"}

// form is what the comment of an exported function says.
type form struct {
	file, name                        string
	line                              int
	question, formula, domain, source string
}

var labels = []string{"Question", "Formula", "Domain", "Source"}

// forms reads the exported functions of the package, and its own comment.
func forms(t *testing.T) (all []form, packageDoc string) {
	t.Helper()
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	set := token.NewFileSet()
	for _, name := range files {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		file, err := parser.ParseFile(set, name, nil, parser.ParseComments|parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		if file.Doc != nil {
			packageDoc += file.Doc.Text()
		}
		found := slices.Contains(inner, name)
		for _, d := range file.Decls {
			f, ok := d.(*ast.FuncDecl)
			if !ok || !f.Name.IsExported() {
				continue
			}
			found = true
			e := form{file: name, name: f.Name.Name, line: set.Position(f.Pos()).Line}
			if f.Recv != nil {
				e.name = f.Recv.List[0].Type.(*ast.Ident).Name + "." + e.name
			}
			for i, to := range []*string{&e.question, &e.formula, &e.domain, &e.source} {
				_, rest, ok := strings.Cut(f.Doc.Text(), "\n\t"+labels[i]+":")
				if *to, _, _ = strings.Cut(rest, "\n"); !ok {
					t.Errorf("%s:%d: %s does not say its %s", name, e.line, e.name, strings.ToLower(labels[i]))
				}
				*to = strings.TrimSpace(*to)
			}
			all = append(all, e)
		}
		if !found {
			t.Errorf("%s exports no function", name)
		}
	}
	slices.SortStableFunc(all, func(a, b form) int { return cmp.Or(cmp.Compare(a.file, b.file), a.line-b.line) })
	return all, packageDoc
}

// TestDocument keeps docs/closed-forms.md what the comments say.
func TestDocument(t *testing.T) {
	all, doc := forms(t)
	var page strings.Builder
	page.WriteString(`# Closed forms

Which question, which formula, which function of package propagate/closedform.
Generated from its comments by ` + "`go test ./propagate/closedform -run TestDocument -update`" + `;
do not edit. The comments say for which arguments each holds.

Times are in seconds, rates in 1/s. lambda is the arrival rate, s the mean service
time, c the number of servers, mu = c/s the capacity, a = lambda s the load in Erlang,
T a time-out, n the number of attempts (the first included), p the share of them that
fails. Outside its domain a form gives NaN; what grows without bound is +Inf.
`)
	written := 0
	for _, c := range chapters {
		fmt.Fprintf(&page, "\n## %s\n\n| question | formula | function | source |\n|---|---|---|---|\n", c.title)
		for _, f := range all {
			if f.file != c.file {
				continue
			}
			written++
			if strings.ContainsAny(f.question+f.formula+f.source, "|`") {
				t.Errorf("%s: what stands in a table can hold neither a bar nor a backquote", f.name)
			}
			fmt.Fprintf(&page, "| %s | `%s` | `%s` | %s |\n", f.question, f.formula, f.name, f.source)
		}
	}
	if written != len(all) {
		t.Errorf("%d of %d functions stand in a chapter", written, len(all))
	}
	_, references, ok := strings.Cut(doc, "# References\n\n")
	if !ok {
		t.Fatal("the comment of the package has no references")
	}
	page.WriteString("\n## References\n\n" + strings.ReplaceAll(references, "  - ", "- "))

	path := filepath.Join(moduleRoot(t), "docs", "closed-forms.md")
	if *update {
		if err := os.WriteFile(path, []byte(page.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	old, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if string(old) != page.String() {
		t.Error("docs/closed-forms.md is not what the comments say: go test ./propagate/closedform -run TestDocument -update")
	}
}

// aCitation is an author, or several, with a year.
var aCitation = regexp.MustCompile(`[A-ZÜ][a-zü]+(?:(?:, | and )[A-Z][a-z]+| et al\.)* \d{4}`)

// TestSourcesAreListed: what a form cites is among the references, and the reverse.
func TestSourcesAreListed(t *testing.T) {
	all, doc := forms(t)
	_, references, _ := strings.Cut(doc, "# References\n\n")
	cited := make(map[string]bool)
	for _, f := range all {
		for _, c := range aCitation.FindAllString(f.source, -1) {
			cited[c] = true
			if !strings.Contains(references, "- "+c+":") {
				t.Errorf("%s cites %s, which is not among the references", f.name, c)
			}
		}
	}
	for line := range strings.Lines(references) {
		name, _, ok := strings.Cut(strings.TrimPrefix(strings.TrimSpace(line), "- "), ":")
		if ok && !cited[name] {
			t.Errorf("no form cites %s", name)
		}
	}
}
