package cli

import (
	"context"
	"errors"
	"fmt"
	"math/big"
	"os"
	"os/signal"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/knockon/knockon/catalog"
	"github.com/knockon/knockon/catalog/unit"
	"github.com/knockon/knockon/graph"
	"github.com/knockon/knockon/out"
)

// faultTreeFlags are what cutsets and importance have in common.
type faultTreeFlags struct {
	given         []string
	reliable      []string
	probabilities []string
	common        []string
	from          string
}

func (f *faultTreeFlags) add(a *app, c *cobra.Command) {
	c.Flags().StringArrayVar(&f.given, "given", nil, "a `service` that is down already; may be repeated")
	c.Flags().StringArrayVar(&f.reliable, "reliable", nil, "a `service` that never fails by itself; may be repeated")
	c.Flags().StringArrayVar(&f.common, "common-cause", nil, "services that share a cause, and the share of their failures it makes: `a,b,c=10%`; may be repeated")
	c.Flags().StringVar(&f.from, "from", "down", "the mildest `outcome` that counts: down, degraded, delayed, frozen or stale")
	mustRegister(c.RegisterFlagCompletionFunc("given", a.completeServices))
	mustRegister(c.RegisterFlagCompletionFunc("reliable", a.completeServices))
	mustRegister(c.RegisterFlagCompletionFunc("from", cobra.FixedCompletions(outcomesThatCount(), cobra.ShellCompDirectiveNoFileComp)))
}

func outcomesThatCount() []string {
	words := slices.Clone(graph.OutcomeWords[graph.Stale:])
	slices.Reverse(words)
	return words
}

// faultTree is what these commands work on.
type faultTree struct {
	catalog *catalog.Catalog
	*graph.FaultTree
	given   []string
	chances out.Chances
}

// openFaultTree reads the flags and makes the fault tree of a service. Assumed is the
// probability of causes for which none is given; nil: there is none.
func (a *app) openFaultTree(ctx context.Context, service string, f *faultTreeFlags, assumed *float64) (*faultTree, error) {
	from := slices.Index(graph.OutcomeWords[:], f.from)
	if from <= int(graph.Safe) {
		return nil, usagef("--from %q is not known%s", f.from, suggestion(f.from, outcomesThatCount()))
	}
	c, g, err := a.open()
	if err != nil {
		return nil, err
	}
	chance, err := a.parseChances(g, f.probabilities, assumed)
	if err != nil {
		return nil, err
	}
	common, betas, err := a.parseCommon(g, f.common)
	if err != nil {
		return nil, err
	}
	nodes, err := a.services(g, slices.Concat([]string{service}, f.given, f.reliable))
	if err != nil {
		return nil, err
	}
	o := graph.TreeOptions{From: graph.Outcome(from), Given: nodes[1 : 1+len(f.given)], Common: common}
	if reliable := nodes[1+len(f.given):]; len(reliable) > 0 {
		o.Reliable = func(v graph.Node) bool { return slices.Contains(reliable, v) }
	}
	t, err := g.FaultTree(ctx, nodes[0], o)
	if errors.Is(err, graph.ErrTooLarge) {
		return nil, &exitError{exitInput, fmt.Errorf(`the fault tree of %s needs more than %d vertices, about 2 GB; ask for less, such as "knockon spof %s", or leave parts of it out with --reliable`,
			service, graph.DefaultVertices, service)}
	}
	if err != nil {
		return nil, err
	}
	tree := &faultTree{catalog: c, FaultTree: t, given: slices.Sorted(slices.Values(f.given))}
	if assumed != nil || len(f.probabilities) > 0 {
		tree.chances = chance.of(t, common, betas)
	}
	return tree, nil
}

// chances are what --probability says.
type chances struct {
	by      map[string]float64
	all     float64
	stated  bool // all is
	assumed *float64
}

func (a *app) parseChances(g *graph.Graph, flags []string, assumed *float64) (chances, error) {
	p := chances{by: make(map[string]float64), assumed: assumed}
	if assumed != nil {
		p.all = *assumed
	}
	for _, flag := range flags {
		id, text, named := cutLast(flag, "=")
		if !named {
			text = flag
		}
		share, err := parseProbability(text)
		switch {
		case err != nil:
			return p, usagef(`--probability %q: %v; write "0.1%%" for all services, or "db=0.1%%" for one`, flag, err)
		case share > 1:
			return p, usagef("--probability %q: nothing is more probable than 100%%", flag)
		}
		if !named {
			p.all, p.stated = share, true
			continue
		}
		if _, err := a.services(g, []string{id}); err != nil {
			return p, err
		}
		p.by[id] = share
	}
	return p, nil
}

// parseProbability reads a percentage, or a number as reliability engineers write it.
func parseProbability(text string) (float64, error) {
	if p, err := strconv.ParseFloat(text, 64); err == nil && p >= 0 {
		return p, nil
	}
	share, err := unit.ParseRatio(text)
	return float64(share), err
}

// cutLast cuts a text at the last separator: names may have it in them.
func cutLast(s, separator string) (before, after string, found bool) {
	if i := strings.LastIndex(s, separator); i >= 0 {
		return s[:i], s[i+len(separator):], true
	}
	return s, "", false
}

// parseCommon reads common causes, each with its beta factor.
func (a *app) parseCommon(g *graph.Graph, flags []string) (all []graph.CommonCause, betas []float64, err error) {
	for _, flag := range flags {
		ids, text, _ := cutLast(flag, "=")
		share, err := unit.ParseRatio(text)
		names := strings.Split(ids, ",")
		if err != nil || share <= 0 || share > 1 || len(names) < 2 {
			return nil, nil, usagef(`--common-cause %q: write services and a share, such as "kv-a,kv-b=10%%"`, flag)
		}
		nodes, err := a.services(g, names)
		if err != nil {
			return nil, nil, err
		}
		slices.Sort(nodes)
		names = nil
		for _, v := range slices.Compact(nodes) {
			names = append(names, g.ID(v))
		}
		all = append(all, graph.CommonCause{Name: "common cause of " + strings.Join(names, ", "), Services: slices.Compact(nodes)})
		betas = append(betas, float64(share))
	}
	return all, betas, nil
}

// of gives every cause its probability. By the model of beta factors a common cause
// takes its share of the failures of its members: where they differ, of the least
// probable.
func (p chances) of(t *graph.FaultTree, common []graph.CommonCause, betas []float64) out.Chances {
	var is out.Chances
	graphOf := func(id string) float64 {
		if own, ok := p.by[id]; ok {
			return own
		}
		return p.all
	}
	shared := make(map[string]float64) // by name of the common cause
	taken := make(map[graph.Node]float64)
	names := make(map[graph.Node]string)
	for _, c := range t.Causes() {
		if len(c.Services) == 1 {
			names[c.Services[0]] = c.Name
		}
	}
	for i, c := range common {
		least := 1.0
		for _, v := range c.Services {
			least = min(least, graphOf(names[v]))
		}
		shared[c.Name] = least * betas[i]
		for _, v := range c.Services {
			taken[v] += shared[c.Name]
		}
	}
	for _, c := range t.Causes() {
		if q, ok := shared[c.Name]; ok && len(c.Services) > 1 {
			is.Of = append(is.Of, q)
			continue
		}
		if _, own := p.by[c.Name]; !own && !p.stated && p.assumed != nil {
			is.Assumed = p.assumed
		}
		is.Of = append(is.Of, max(0, graphOf(c.Name)-taken[c.Services[0]]))
	}
	if is.Of == nil {
		is.Of = []float64{}
	}
	return is
}

// maxListed is how many cut sets are made into a list.
const maxListed = 200_000

func newCutSets(a *app) *cobra.Command {
	var f faultTreeFlags
	var order, most int
	var count bool
	c := &cobra.Command{
		Use:   "cutsets SERVICE",
		Short: "Which services together take one down",
		Long: `Cutsets finds the minimal cut sets of a service: services that, failing together and
for as long as it lasts, take it down, and of which none can be left out. A set of
one is a single point of failure; a set of two says which redundancy is all there is.

It counts all of them, exactly and without listing them, and lists those of at most
--order services. With --probability it says how probable it is that the service is
lost, exactly and not by rare events, when every service fails by itself with that
probability and independently of the others.

A common cause takes several at once: with --common-cause a,b=10% one in ten failures
of a and of b are failures of both (beta factor). What the catalog says they both need
is in it already.`,
		Example: `  knockon cutsets checkout -c web-shop
  knockon cutsets checkout --order 3 --top 0 -o cutsets.csv
  knockon cutsets checkout --count                    how many, of how many services
  knockon cutsets checkout --probability 0.1% --probability db=1%
  knockon cutsets checkout --given kv-a               while kv-a is being repaired`,
		Args:              theService("cutsets"),
		ValidArgsFunction: a.completeOneService,
		RunE: func(c *cobra.Command, args []string) error {
			plan, err := a.plan()
			switch {
			case err != nil:
				return err
			case order < 1:
				return usagef("--order %d: write the most services a set may have, such as 2", order)
			case most < 0:
				return usagef("--top %d: write a number of sets, or 0 for all", most)
			case count && (c.Flags().Changed("order") || c.Flags().Changed("top")):
				return usagef("--count lists nothing; leave out --order and --top, or it")
			}
			ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
			defer stop()
			var assumed *float64
			if p := assumedProbability; len(f.probabilities) > 0 { // of some, perhaps not of all
				assumed = &p
			}
			t, err := a.openFaultTree(ctx, args[0], &f, assumed)
			if err != nil {
				return err
			}
			if count {
				order = -1
			} else if n := upTo(t.Orders(), order); n.Cmp(big.NewInt(maxListed)) > 0 {
				return usagef("--order %d: there are %s such sets, too many for a list; write a lower order, or --count", order, n)
			}
			return a.write(plan, out.NewCutSets(t.catalog, t.FaultTree, t.given, t.chances, order, most))
		},
	}
	a.addOutput(c, (*out.CutSets)(nil))
	c.Flags().IntVar(&order, "order", 2, "the most services a set that is listed has")
	c.Flags().IntVar(&most, "top", 20, "how many sets are listed; 0 for all")
	c.Flags().BoolVar(&count, "count", false, "count, and list nothing")
	c.Flags().StringArrayVar(&f.probabilities, "probability", nil, "how probable a failure is, of all services or of one: `0.1% or db=0.1%`; may be repeated")
	f.add(a, c)
	return c
}

// upTo adds up the counts of sets of at most so many members.
func upTo(orders []*big.Int, most int) *big.Int {
	sum := new(big.Int)
	for n, count := range orders {
		if n <= most {
			sum.Add(sum, count)
		}
	}
	return sum
}

// theService takes exactly one.
func theService(command string) cobra.PositionalArgs {
	return func(_ *cobra.Command, args []string) error {
		if len(args) != 1 {
			return usagef(`which service? For example "knockon %s checkout"`, command)
		}
		return nil
	}
}
