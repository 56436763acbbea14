package cli

import (
	"strings"

	"github.com/spf13/cobra"

	"github.com/knockon/knockon/out"
	"github.com/knockon/knockon/propagate/audit"
)

func newExplain(a *app) *cobra.Command {
	c := &cobra.Command{
		Use:   "explain [RULE]",
		Short: "What a rule of the audit looks for, why, and when it is wrong",
		Long: `Explain says of a rule of the audit what exactly it looks for, why that matters, which
outage taught it, when a finding is a false alarm, what to do, and what can be
configured. Without a rule it lists all of them.`,
		Example: `  knockon explain
  knockon explain KO105
  knockon explain single-point-of-failure
  knockon explain --format json`,
		Args:              atMost(1),
		ValidArgsFunction: completeRules,
		RunE: func(_ *cobra.Command, args []string) error {
			plan, err := a.plan()
			if err != nil {
				return err
			}
			if len(args) == 0 {
				return a.write(plan, &out.RuleList{Rules: audit.Rules()})
			}
			r, ok := audit.RuleNamed(args[0])
			if !ok {
				return usagef("there is no rule %q%s", args[0], suggestion(args[0], ruleWords()))
			}
			return a.write(plan, &out.Rule{Rule: r})
		},
	}
	a.addOutput(c, (*out.Rule)(nil))
	return c
}

// ruleWords are the IDs and names of rules.
func ruleWords() []string {
	var words []string
	for _, r := range audit.Rules() {
		words = append(words, r.ID, r.Name)
	}
	return words
}

func completeRules(_ *cobra.Command, args []string, prefix string) ([]string, cobra.ShellCompDirective) {
	var found []string
	for _, r := range audit.Rules() {
		if len(args) == 0 && strings.HasPrefix(r.ID, strings.ToUpper(prefix)) {
			found = append(found, r.ID+"\t"+r.Name)
		}
	}
	return found, cobra.ShellCompDirectiveNoFileComp
}
