package cli

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"strings"

	"github.com/spf13/cobra"

	"github.com/knockon/knockon/catalog"
	"github.com/knockon/knockon/catalog/importers"
	"github.com/knockon/knockon/graph"
	"github.com/knockon/knockon/out"
	"github.com/knockon/knockon/propagate/audit"
)

// overview is knockon without a command: what there is in the working directory, what it
// comes to, and what to type next. It writes nothing.
func (a *app) overview(_ *cobra.Command, _ []string) error {
	c, from, notes, next, err := a.whatIsHere()
	if err != nil {
		return err
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	g := graph.Build(c)
	damages, err := g.Rank(ctx, graph.Options{}, nil)
	if err != nil {
		return err
	}
	var flags auditFlags
	option, _, err := a.auditOptions(&flags)
	if err != nil {
		return err
	}
	found, err := audit.Run(ctx, audit.Input{Catalog: c, Graph: g, Texts: a.texts}, option)
	if err != nil {
		return err
	}
	r := out.NewOverview(c, g, damages, found)
	r.From, r.Notes = from, notes
	r.Next = next(r.Worst())
	text, _ := out.FormatNamed("text")
	return a.write([]output{{format: text}}, r)
}

// nextSteps are the commands that make sense after an overview, by the service whose
// loss does most.
type nextSteps func(worst string) [][2]string

// whatIsHere is the catalog that was named or stands in the working directory; else what
// can be imported there; else the one that is built in, to look around.
func (a *app) whatIsHere() (c *catalog.Catalog, from string, notes []string, next nextSteps, err error) {
	name, said := defaultCatalog()
	if len(a.catalogs) > 0 || !strings.HasPrefix(name, "builtin:") {
		flag := ""
		if len(a.catalogs) > 0 {
			said, flag = strings.Join(a.catalogs, " and "), " -c "+strings.Join(a.catalogs, " -c ")
		}
		c, faults, err := a.load(false)
		if err == nil {
			err = a.report(faults)
		}
		return c, said, nil, func(worst string) [][2]string {
			return [][2]string{
				{"knockon blast " + worst + flag + " -o blast.html", "what falls with it, as a page to look at"},
				{"knockon audit" + flag, "all findings, with their evidence"},
				{"knockon ask" + flag, "which missing numbers would change the answer most"},
			}
		}, err
	}
	d, formats, err := a.importHere()
	if err != nil {
		return nil, "", nil, nil, err
	}
	if d != nil {
		c, faults := d.Catalog()
		if c == nil {
			return nil, "", nil, nil, a.report(faults)
		}
		if n := len(d.Faults); n > 0 {
			notes = append(notes, fmt.Sprintf("%s of the import; \"knockon import .\" shows them", counted(n, "warning")))
		}
		return c, formats + " in this folder", notes, func(worst string) [][2]string {
			return [][2]string{
				{"knockon import . -o knockon.toml", "keep this as a catalog, and write down what no file knows"},
				{"knockon blast " + worst, "then: what falls with it"},
				{"knockon audit", "and all findings, with their evidence"},
			}
		}, nil
	}
	a.catalogs = []string{name}
	c, faults, err := a.load(false)
	if err == nil {
		err = a.report(faults)
	}
	notes = []string{"There is no knockon.toml here, and no file of a format that can be imported: this is a Region of AWS as of October 2025, to look around."}
	return c, "the built-in catalog " + defaultBuiltin, notes, func(string) [][2]string {
		return [][2]string{
			{"knockon replay aws-2025-10-20", "the outage of 20 October 2025, against its record"},
			{"knockon blast dynamodb-dns -o blast.html", "how far one empty DNS record goes"},
			{"knockon init", "a small catalog with comments, to begin with one's own"},
			{"knockon import compose.yaml -o knockon.toml", "or begin with what there is"},
		}
	}, err
}

// importHere imports what stands in the working directory; nil when that is nothing.
func (a *app) importHere() (*importers.Draft, string, error) {
	total := 0
	files, err := a.foreign(".", &total)
	if errors.Is(err, errTooMuch) {
		return nil, "", nil // nobody's project: a home, or a root
	}
	if err != nil {
		return nil, "", &exitError{exitInput, err}
	}
	inputs, _ := importers.Group(files)
	if len(inputs) == 0 {
		return nil, "", nil
	}
	d := importers.Import(inputs, importers.Options{})
	if errs, _ := d.Faults.Count(); errs > 0 || len(d.Services) == 0 {
		return nil, "", a.reportImport(d.Faults)
	}
	return d, formatsIn(inputs), nil
}

// counted is a number with its noun.
func counted(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}
