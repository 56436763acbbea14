// Package cli is the command line: flags in, one exit code out, one file a
// command. Results go to stdout and nothing else does; messages and progress go to
// stderr.
package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"runtime/debug"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/knockon/knockon/catalog/diag"
	"github.com/knockon/knockon/catalog/toml"
	"github.com/knockon/knockon/out"
)

// Exit codes.
const (
	exitFine        = 0
	exitFindings    = 1   // of an audit or a comparison; or an expectation is not met
	exitInput       = 2   // bad input or usage
	exitInternal    = 3   // our own fault
	exitInterrupted = 130 // 128 + SIGINT, as shells say it
)

// Stdio is where a command reads and writes.
type Stdio struct {
	In       io.Reader
	Out, Err io.Writer
}

// exitError carries an exit code. What there is to say has been said, or is in err.
type exitError struct {
	code int
	err  error
}

func (e *exitError) Error() string { return e.err.Error() }
func (e *exitError) Unwrap() error { return e.err }

var errSaid = errors.New("the reason stands above")

// usagef is an error in what the user wrote on the command line.
func usagef(format string, args ...any) error {
	return &exitError{exitInput, fmt.Errorf(format, args...)}
}

// Main runs one command and returns its exit code.
func Main(args []string, std Stdio) (code int) {
	defer func() {
		if fault := recover(); fault != nil {
			fmt.Fprintf(std.Err, "knockon: internal error: %v\n\n%s\nThis is a fault of knockon, not of your catalog. Please report it with the lines above.\n", fault, debug.Stack())
			code = exitInternal
		}
	}()
	root := newRoot(&app{Stdio: std})
	root.SetArgs(args)
	root.SetIn(std.In)
	root.SetOut(std.Out)
	root.SetErr(std.Err)
	command, err := root.ExecuteC()
	if err == nil {
		return exitFine
	}
	var coded *exitError
	switch {
	case errors.Is(err, errSaid):
	case errors.Is(err, context.Canceled):
		fmt.Fprintln(std.Err, "knockon: interrupted")
		return exitInterrupted
	default:
		for message := range strings.Lines(err.Error()) { // joined errors have a line each
			fmt.Fprintf(std.Err, "knockon: %s\n", strings.TrimRight(message, "\n"))
		}
		if !errors.As(err, &coded) { // cobra's own: a flag it does not know or cannot read
			fmt.Fprintf(std.Err, "Run \"%s -h\" for how it is used.\n", command.CommandPath())
		}
	}
	if errors.As(err, &coded) {
		return coded.code
	}
	return exitInput
}

// app is what all commands share.
type app struct {
	Stdio
	catalogs []string      // -c
	texts    []toml.Text   // of the catalog that was loaded last
	outputs  []string      // -o
	format   string        // --format
	usual    string        // the format of stdout without it; text where empty
	formats  []out.Format  // those the command can write
	picture  string        // --picture
	pictures []out.Picture // those there are of what the command writes
	color    string        // --color
}

const rootExample = `  knockon                                     a first look at what is here
  knockon blast dynamodb-dns                  what falls when DynamoDB's DNS record goes
  knockon blast dynamodb-dns -o blast.svg     the same as a picture
  knockon run storm.toml -o run.svg           what happens over time, and does it recover
  knockon replay aws-2025-10-20               the outage of 20 October 2025, held against its record
  knockon audit                               what will hurt, before it does
  knockon import compose.yaml -o knockon.toml begin with what you have
  knockon blast payments -c my-catalog.toml   with my own catalog`

func newRoot(a *app) *cobra.Command {
	root := &cobra.Command{
		Use:   "knockon",
		Short: "Know what falls when this fails",
		Long: `knockon reads a catalog of services and what they need, and says what falls when
one of them fails, for how long, and why; what in the catalog will hurt before it
does; and what to mend first.

Without -c it takes knockon.toml or the folder knockon/ in the working directory,
else the built-in catalog aws-us-east-1, and says which. Without a command it looks at
what there is in the working directory, also in files of other formats, and says what
it comes to.`,
		Example:       rootExample,
		SilenceErrors: true,
		SilenceUsage:  true,
		Version:       version(),
		Args:          noCommand,
		RunE:          a.overview,
	}
	root.SetVersionTemplate("{{.Version}}\n")
	root.PersistentFlags().StringArrayVarP(&a.catalogs, "catalog", "c", nil, "a built-in `catalog`, a file, a folder, or - for stdin; may be repeated")
	root.PersistentFlags().StringVar(&a.color, "color", "auto", "colour in text: auto, always or never")
	root.SetFlagErrorFunc(func(c *cobra.Command, err error) error { return flagError(c, err) })
	root.CompletionOptions.HiddenDefaultCmd = false
	mustRegister(root.RegisterFlagCompletionFunc("catalog", a.completeCatalogs))
	mustRegister(root.RegisterFlagCompletionFunc("color", cobra.FixedCompletions([]string{"auto", "always", "never"}, cobra.ShellCompDirectiveNoFileComp)))
	root.PersistentPreRunE = func(*cobra.Command, []string) error {
		switch a.color {
		case "auto", "always", "never":
			return nil
		}
		return usagef("--color %q is not known%s", a.color, suggestion(a.color, []string{"auto", "always", "never"}))
	}
	cobra.EnableCommandSorting = false // they stand in the order in which one needs them
	for _, group := range []struct {
		title    string
		commands []*cobra.Command
	}{
		{"What falls, and for how long:", []*cobra.Command{
			newBlast(a), newRun(a), newWhy(a), newReplay(a), newServe(a),
		}},
		{"What to mend first:", []*cobra.Command{
			newAudit(a), newExplain(a), newRank(a), newSpof(a), newCutSets(a), newImportance(a), newAsk(a), newDiff(a),
		}},
		{"To have a catalog and keep it:", []*cobra.Command{
			newImport(a), newInit(a), newCheck(a), newFmt(a), newList(a), newShow(a), newRender(a), newPresets(a), newSchema(a),
		}},
	} {
		root.AddGroup(&cobra.Group{ID: group.title, Title: group.title})
		for _, c := range group.commands {
			c.GroupID = group.title
			root.AddCommand(c)
		}
	}
	root.SetHelpCommand(newHelp(root))
	root.AddCommand(newVersion(a))
	return root
}

// newHelp is cobra's help command, but for a word that is no command.
func newHelp(root *cobra.Command) *cobra.Command {
	return &cobra.Command{
		Use:   "help [command]",
		Short: "Help about any command",
		RunE: func(_ *cobra.Command, args []string) error {
			c, rest, err := root.Find(args)
			if err != nil || len(rest) > 0 {
				return noCommand(root, args)
			}
			return c.Help()
		},
	}
}

func mustRegister(err error) {
	if err != nil {
		panic("cli: " + err.Error())
	}
}

// flagError adds the flag that was probably meant.
func flagError(c *cobra.Command, err error) error {
	var invalid *pflag.InvalidValueError
	if errors.As(err, &invalid) {
		return fmt.Errorf("--%s %q is not %s", invalid.GetFlag().Name, invalid.GetValue(), article(invalid.GetFlag().Value.Type()))
	}
	var unknown *pflag.NotExistError
	if !errors.As(err, &unknown) {
		return err
	}
	var names []string
	c.Flags().VisitAll(func(f *pflag.Flag) { names = append(names, f.Name) })
	if near := diag.Nearest(unknown.GetSpecifiedName(), names); near != "" {
		return fmt.Errorf("%w; did you mean --%s?", err, near)
	}
	return err
}

// article names a type of flag.
func article(kind string) string {
	if kind == "int" {
		return "a whole number"
	}
	return "a " + kind
}

// noCommand refuses words that are no command, with the one that was meant.
func noCommand(c *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	var names []string
	for _, sub := range c.Commands() {
		names = append(names, sub.Name())
	}
	help := suggestion(args[0], names)
	if help == "" {
		help = `; "knockon -h" shows them all`
	}
	return usagef("there is no command %q%s", args[0], help)
}

// atMost takes a few arguments and refuses more.
func atMost(n int) cobra.PositionalArgs {
	return func(c *cobra.Command, args []string) error {
		if len(args) > n {
			return usagef("%q is one argument too many for %s", args[n], c.CommandPath())
		}
		return nil
	}
}

// suggestion is the end of a message about a word that is not known.
func suggestion(word string, candidates []string) string {
	if help := diag.DidYouMean(word, candidates); help != "" {
		return "; " + help
	}
	return ""
}
