package out

import (
	"encoding/xml"
	"fmt"
	"io"
	"time"

	"github.com/knockon/knockon/propagate/audit"
)

// JUnit XML, as Jenkins and GitLab read it: a suite for each rule, a failure for each
// open finding, skipped for what is suppressed or in the baseline, and a case that
// passes for a rule that found nothing.

type junitSuites struct {
	XMLName  xml.Name     `xml:"testsuites"`
	Name     string       `xml:"name,attr"`
	Tests    int          `xml:"tests,attr"`
	Failures int          `xml:"failures,attr"`
	Skipped  int          `xml:"skipped,attr"`
	Suites   []junitSuite `xml:"testsuite"`
}

type junitSuite struct {
	Name     string      `xml:"name,attr"`
	Tests    int         `xml:"tests,attr"`
	Failures int         `xml:"failures,attr"`
	Skipped  int         `xml:"skipped,attr"`
	Cases    []junitCase `xml:"testcase"`
}

type junitCase struct {
	Class   string        `xml:"classname,attr"`
	Name    string        `xml:"name,attr"`
	File    string        `xml:"file,attr,omitempty"`
	Line    int           `xml:"line,attr,omitempty"`
	Failure *junitFailure `xml:"failure,omitempty"`
	Skipped *junitSkipped `xml:"skipped,omitempty"`
}

type junitFailure struct {
	Type    string `xml:"type,attr"`
	Message string `xml:"message,attr"`
	Text    string `xml:",chardata"`
}

type junitSkipped struct {
	Message string `xml:"message,attr"`
}

func writeJUnit(w io.Writer, r Report, _ Options) error {
	a, ok := r.(*Audit)
	if !ok {
		return unsupported("junit", r)
	}
	if _, err := io.WriteString(w, xml.Header); err != nil {
		return err
	}
	e := xml.NewEncoder(w)
	e.Indent("", "  ")
	if err := e.Encode(a.junit()); err != nil {
		return err
	}
	_, err := io.WriteString(w, "\n")
	return err
}

func (r *Audit) junit() *junitSuites {
	all := &junitSuites{Name: "knockon audit"}
	for _, rule := range r.Rules {
		s := junitSuite{Name: rule.ID + " " + rule.Name}
		for i := range r.Findings {
			if f := &r.Findings[i]; f.Rule.ID == rule.ID {
				s.add(f)
			}
		}
		if len(s.Cases) == 0 {
			s.Cases = []junitCase{{Class: rule.ID, Name: "nothing found"}}
		}
		s.Tests = len(s.Cases)
		all.Tests += s.Tests
		all.Failures += s.Failures
		all.Skipped += s.Skipped
		all.Suites = append(all.Suites, s)
	}
	return all
}

func (s *junitSuite) add(f *audit.Finding) {
	c := junitCase{Class: f.Rule.ID, Name: printable(f.Subject), File: printable(filePath(f.At.File)), Line: f.At.Line}
	switch f.State {
	case audit.Open:
		s.Failures++
		text := ""
		for _, step := range f.Path {
			text += fmt.Sprintf("%s: %s\n", printable(step.At.String()), printable(step.Text))
		}
		c.Failure = &junitFailure{f.Severity.String(), printable(f.Message), text}
	case audit.Suppressed:
		s.Skipped++
		x := f.Suppression
		c.Skipped = &junitSkipped{printable(fmt.Sprintf("suppressed until %s by %s: %s", x.Until.Format(time.DateOnly), x.Owner, x.Reason))}
	default:
		s.Skipped++
		c.Skipped = &junitSkipped{"in the baseline"}
	}
	s.Cases = append(s.Cases, c)
}
