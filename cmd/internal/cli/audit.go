package cli

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/knockon/knockon/catalog"
	"github.com/knockon/knockon/catalog/toml"
	"github.com/knockon/knockon/graph"
	"github.com/knockon/knockon/out"
	"github.com/knockon/knockon/propagate/audit"
)

// auditFlags are what the command line says of an audit.
type auditFlags struct {
	rules         []string
	config        string
	noConfig      bool
	failOn        string
	baseline      string
	writeBaseline string
	today         string
	most          int
	timings       bool
	fix, preview  bool
}

// defaultFailOn is the severity from which on an audit fails.
const defaultFailOn = "warning"

func newAudit(a *app) *cobra.Command {
	var flags auditFlags
	c := &cobra.Command{
		Use:   "audit [CATALOG...]",
		Short: "What will hurt, before it does: findings with file, line and evidence",
		Long: `Audit looks for what outages are made of: single points of failure, redundancy that is
not independent, recovery that needs what it must repair, retries that multiply,
time-outs that do not fit, state that cannot be restored in time. Findings are ranked by
severity and by the damage they do; the first are shown with their evidence.

"knockon explain" lists the rules, "knockon explain KO105" says why one matters. Rules
are configured in ` + audit.ConfigFile + `, looked for from here upwards.

A finding that is to be lived with is suppressed on its line, or on the line above, with
a reason, an owner and a last day:

    # ` + audit.Marker + ` KO101 reason=moves to cells owner=team-data until=2027-06-30

The exit code is 1 when there is a finding of severity --fail-on or worse that is neither
suppressed nor in the baseline.`,
		Example: `  knockon audit
  knockon audit shop.toml --top 0                     all findings with their evidence
  knockon audit --rule KO101,KO105
  knockon audit --fail-on error --format sarif -o audit.sarif
  knockon audit --fix --preview
  knockon audit --write-baseline baseline.json        accept what there is
  knockon audit --baseline baseline.json              fail on what is new`,
		ValidArgsFunction: a.completeCatalogs,
		RunE: func(_ *cobra.Command, args []string) error {
			if len(args) > 0 && len(a.catalogs) > 0 {
				return usagef("name the catalog once: as an argument or with -c")
			}
			if len(args) > 0 {
				a.catalogs = args
			}
			return a.audit(&flags)
		},
	}
	a.addOutput(c, (*out.Audit)(nil))
	f := c.Flags()
	flags.addRules(c)
	f.StringVar(&flags.baseline, "baseline", "", "a `file` of known findings, which do not count")
	f.StringVar(&flags.writeBaseline, "write-baseline", "", "write the findings to a `file` of known ones, and exit with 0")
	f.IntVar(&flags.most, "top", 5, "how many findings are shown with their evidence; 0 for all")
	f.BoolVar(&flags.timings, "timings", false, "say how long each rule took")
	f.BoolVar(&flags.fix, "fix", false, "mend what can be mended by itself, and show the lines that change")
	f.BoolVar(&flags.preview, "preview", false, "with --fix: show what would change, and write nothing")
	return c
}

// addRules adds the flags that say what is looked for, and how bad is too bad.
func (flags *auditFlags) addRules(c *cobra.Command) {
	f := c.Flags()
	f.StringSliceVar(&flags.rules, "rule", nil, "only these `rules`, by ID, its beginning (KO1), or name")
	f.StringVar(&flags.config, "config", "", "the configuration `file`; without it "+audit.ConfigFile+" here or in a folder above")
	f.BoolVar(&flags.noConfig, "no-config", false, "without a configuration")
	f.StringVar(&flags.failOn, "fail-on", "", "the `severity` from which on it fails: error, warning, note or never (default "+defaultFailOn+")")
	f.StringVar(&flags.today, "today", "", "the `date` on which suppressions expire or not; without it, today")
	mustRegister(c.RegisterFlagCompletionFunc("fail-on", cobra.FixedCompletions(audit.FailOnWords, cobra.ShellCompDirectiveNoFileComp)))
	mustRegister(c.RegisterFlagCompletionFunc("rule", completeRules))
}

// audit settles all that was asked for, runs the audit and writes its report.
func (a *app) audit(flags *auditFlags) error {
	plan, err := a.plan()
	if err != nil {
		return err
	}
	option, failOn, err := a.auditOptions(flags)
	if err != nil {
		return err
	}
	began := time.Now()
	c, texts, faults, err := a.loadWithTexts(true)
	if err != nil {
		return err
	}
	if err := a.report(faults); err != nil {
		return err
	}
	in := audit.Input{Catalog: c, Graph: graph.Build(c), Texts: texts}
	loading := time.Since(began)
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	p := a.newProgress("auditing")
	option.Progress = func(done, total int, _ string) { p.show(done, total) }
	result, err := audit.Run(ctx, in, option)
	p.clear()
	if err != nil {
		return err
	}
	if flags.timings {
		a.timings(loading, result)
	}
	if flags.writeBaseline != "" {
		return a.writeBaseline(flags.writeBaseline, result)
	}
	if flags.fix {
		return a.fix(texts, result, flags.preview)
	}
	if err := a.write(plan, out.NewAudit(c, result, flags.most)); err != nil {
		return err
	}
	worst, any := result.Worst()
	if any && failOn != "never" && worst <= audit.Severity(slices.Index(audit.SeverityWords, failOn)) {
		return &exitError{exitFindings, errSaid}
	}
	return nil
}

// auditOptions checks the flags and reads the files they name.
func (a *app) auditOptions(flags *auditFlags) (o audit.Options, failOn string, err error) {
	switch {
	case flags.most < 0:
		return o, "", usagef("--top %d: write a number of findings, or 0 for all", flags.most)
	case flags.noConfig && flags.config != "":
		return o, "", usagef("--config and --no-config exclude each other")
	case flags.preview && !flags.fix:
		return o, "", usagef("--preview goes with --fix")
	case flags.fix && (len(a.outputs) > 0 || a.format != ""):
		return o, "", usagef("--fix shows the lines that change and writes no report; leave -o and --format out")
	case flags.failOn != "" && !slices.Contains(audit.FailOnWords, flags.failOn):
		return o, "", usagef("--fail-on %q is not known; use one of %s", flags.failOn, strings.Join(audit.FailOnWords, ", "))
	}
	o.Today = time.Now().UTC().Truncate(24 * time.Hour)
	if flags.today != "" {
		if o.Today, err = time.Parse(time.DateOnly, flags.today); err != nil {
			return o, "", usagef("--today %q is not a date such as 2027-06-30", flags.today)
		}
	}
	if !flags.noConfig {
		if o.Config, err = a.auditConfig(flags.config); err != nil {
			return o, "", err
		}
	}
	if o.Only, err = chosenRules(flags.rules, o.Config); err != nil {
		return o, "", err
	}
	failOn, baseline := flags.failOn, flags.baseline
	if o.Config != nil {
		failOn = cmp.Or(failOn, o.Config.FailOn)
		if baseline == "" && o.Config.Baseline != "" && flags.writeBaseline == "" {
			baseline = filepath.Join(filepath.Dir(o.Config.File), filepath.FromSlash(o.Config.Baseline))
		}
	}
	if baseline != "" {
		data, err := readAtMost(baseline, audit.MaxBaseline+1)
		if err == nil {
			o.Baseline, err = audit.ReadBaseline(data)
		}
		if err != nil {
			return o, "", &exitError{exitInput, fmt.Errorf("cannot read the baseline %s: %w", baseline, reason(err))}
		}
	}
	return o, cmp.Or(failOn, defaultFailOn), nil
}

// auditConfig reads the configuration that was named, else the one that is found here
// or in a folder above, if there is one.
func (a *app) auditConfig(name string) (*audit.Config, error) {
	if name == "" {
		if name = findUpwards(audit.ConfigFile); name == "" {
			return nil, nil
		}
		fmt.Fprintf(a.Err, "knockon: configuration: %s\n", name)
	}
	data, err := readAtMost(name, toml.MaxBytes+1)
	if err != nil {
		return nil, &exitError{exitInput, fmt.Errorf("cannot read the configuration %s: %w", name, reason(err))}
	}
	config, faults := audit.ParseConfig(filepath.ToSlash(name), data)
	if err := a.report(faults); err != nil {
		return nil, err
	}
	return config, nil
}

// auditTab is the audit of a catalog as a tab of its page, where a page is asked for:
// what the outage that is shown could have told. Suppressions do not expire there, so
// that a page is the same on every day.
func (a *app) auditTab(ctx context.Context, plan []output, c *catalog.Catalog, g *graph.Graph) ([]out.Tab, error) {
	if !showsPage(plan) {
		return nil, nil
	}
	config, err := a.auditConfig("")
	if err != nil {
		return nil, err
	}
	result, err := audit.Run(ctx, audit.Input{Catalog: c, Graph: g, Texts: a.texts}, audit.Options{Config: config})
	if err != nil {
		return nil, nil // interrupted: the page goes without
	}
	return []out.Tab{{Title: "Audit", Report: out.NewAudit(c, result, tabFindings)}}, nil
}

// tabFindings is how many findings the tab shows with their evidence.
const tabFindings = 10

// findUpwards looks for a file here and in the folders above, up to that of a
// repository: what lies beyond is nobody's who works here. It returns "" without one.
func findUpwards(name string) string {
	here, err := os.Getwd()
	if err != nil {
		return ""
	}
	up := ""
	for dir := here; ; dir = filepath.Dir(dir) {
		if info, err := os.Stat(filepath.Join(dir, name)); err == nil && info.Mode().IsRegular() {
			return filepath.Join(up, name)
		}
		if _, err := os.Stat(filepath.Join(dir, ".git")); err == nil || dir == filepath.Dir(dir) {
			return ""
		}
		up = filepath.Join(up, "..")
	}
}

// readAtMost reads a file, up to a number of bytes.
func readAtMost(name string, most int64) ([]byte, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err == nil && info.IsDir() {
		return nil, &fs.PathError{Op: "read", Path: name, Err: errors.New("it is a folder")}
	}
	return io.ReadAll(io.LimitReader(f, most))
}

// chosenRules turns words into IDs of rules: a word is an ID, its beginning, or a name.
func chosenRules(words []string, config *audit.Config) ([]string, error) {
	rules := audit.Rules()
	if config != nil {
		rules = append(rules, config.Own...)
	}
	var only []string
	for _, word := range words {
		found := false
		for _, r := range rules {
			if strings.HasPrefix(r.ID, strings.ToUpper(word)) && word != "" || strings.EqualFold(r.ID, word) || strings.EqualFold(r.Name, word) {
				only, found = append(only, r.ID), true
			}
		}
		if !found {
			return nil, usagef("--rule: there is no rule %q%s", word, suggestion(word, ruleWords()))
		}
	}
	return only, nil
}

func (a *app) timings(loading time.Duration, r *audit.Result) {
	total := loading
	fmt.Fprintf(a.Err, "knockon: %-9s %s\n", "loading", loading.Round(time.Millisecond))
	for _, t := range r.Timings {
		total += t.Takes
		fmt.Fprintf(a.Err, "knockon: %-9s %s\n", t.What, t.Takes.Round(100*time.Microsecond))
	}
	fmt.Fprintf(a.Err, "knockon: %-9s %s\n", "in all", total.Round(time.Millisecond))
}

func (a *app) writeBaseline(name string, r *audit.Result) error {
	var b bytes.Buffer
	baseline := audit.NewBaseline(r)
	if err := baseline.Write(&b); err != nil {
		return &exitError{exitInternal, err}
	}
	if err := writeFile(name, b.Bytes()); err != nil {
		return &exitError{exitInput, fmt.Errorf("cannot write %s: %w", name, err)}
	}
	noun := "findings"
	if len(baseline.Findings) == 1 {
		noun = "finding"
	}
	fmt.Fprintf(a.Err, "knockon: wrote %s with %d %s\n", name, len(baseline.Findings), noun)
	return nil
}
