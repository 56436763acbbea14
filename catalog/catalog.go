// Package catalog is what a person declares: services, what they need, and the
// policies between them.
//
// A Catalog is plain data, sorted and complete: Load reads it from TOML, fills in
// what is not stated, and returns every fault of every file at once. After Load
// nothing in it is written again. CheckValid lists the invariants. The package
// does not know what failure does with a catalog; that is the next room, graph.
//
// Read Need first: the three questions about a need, kept apart.
package catalog

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/knockon/knockon/catalog/diag"
	"github.com/knockon/knockon/catalog/policy"
	"github.com/knockon/knockon/catalog/unit"
)

// Format is the version of the catalog language this package reads.
const Format = 1

// Catalog is a set of services and what they need.
type Catalog struct {
	Title        string
	Description  string
	Prefix       string        // how a catalog that extends this one names its services
	Services     []Service     // sorted by ID
	Leases       []Lease       // sorted by ID
	HealthChecks []HealthCheck // sorted by ID
	References   []Reference   // sorted by ID
	Aliases      []Alias       // sorted by Name
}

// Service is anything that can fail by itself: a service, a table, a queue, a DNS
// record, a team's tool. Aspects of one product that fail differently (its data
// plane and its control plane) are different services.
type Service struct {
	ID          string
	Title       string // for people; the ID where not stated
	Description string
	Kind        Kind
	Group       string                    // a path such as "shop/front"; may be empty
	Owner       string                    // who is called; may be empty
	Tier        unit.Value[int64]         // 0 is the most important
	Weight      float64                   // what losing it counts for; 1 where not stated
	FailsAs     Failure                   // what its users see when it cannot work
	Load        unit.Value[unit.Rate]     // requests offered to it from outside
	Patience    unit.Value[unit.Duration] // how long those outside wait for an answer; for ever where not stated
	Capacity    unit.Value[unit.Rate]     // requests it can finish
	Concurrency unit.Value[int64]         // requests in service at once
	ServiceTime unit.Value[unit.Range]    // time to serve one request
	Replicas    *policy.Replicas          // nil: not stated
	Queue       *policy.Queue             // nil: not stated
	Throttle    *policy.Throttle          // nil: not stated
	Shed        *policy.Shed              // nil: not stated
	Cache       *policy.Cache             // of every synchronous need to serve without one; nil: not stated
	Autoscale   *policy.Autoscale         // nil: not stated
	Turnover    *policy.Turnover          // nil: not stated
	Recovery    *policy.Recovery          // nil: not stated
	Deferred    *policy.Deferred          // nil: not stated
	Rehearsed   string                    // the day on which it was last brought back after all of it was lost, such as "2026-03-01"; never; "" where not stated
	Sources     []string                  // references or free words
	Needs       []Need                    // in canonical order, see compareNeeds
	At          diag.Span                 // where it is declared
}

// Need is one thing a service cannot do without, or would rather not. It answers
// three questions that one list of "kinds" would mix: how the target is called
// (Mode), when it is needed (To), and what happens without it (IfLost).
type Need struct {
	Targets  []string // sorted; more than one only in a group of alternatives
	AtLeast  int      // how many of a group must be up; 0 for a single target
	Fresh    bool     // needs the target to be recent, not merely to answer
	Mode     Mode
	To       Purpose
	IfLost   Loss
	Fallback string                    // the service that answers instead; may be empty
	TTL      unit.Value[unit.Range]    // how long a stale answer lasts
	Within   unit.Value[unit.Duration] // tolerated age of what is fresh or queued
	Believes bool                      // takes a wrong answer for a right one (validates = false)
	Shared   bool                      // one and the same target behind every replica
	For      string                    // what for, in a few words
	Timeout  unit.Value[unit.Duration]
	Calls    unit.Value[float64]    // calls per request
	Parallel bool                   // calls go out at once rather than one after another
	Retry    *policy.Retry          // nil: not stated
	Breaker  *policy.Breaker        // nil: not stated
	Bulkhead *policy.Bulkhead       // nil: not stated
	Limit    *policy.ClientThrottle // nil: not stated
	Cache    *policy.Cache          // of its answers at the caller; nil: not stated, see the service's
	Clients  unit.Value[int64]      // client processes, each with its own budget, breaker and bulkhead; the caller's replicas where not stated
	Priority unit.Value[int64]      // of its calls at the target; 0 is the most important
	Share    unit.Value[float64]    // 0..1 of the target's capacity, where its classes are weighted
	Sources  []string               // references or free words
	At       diag.Span              // where it is declared
}

// IsGroup reports whether the need is one of k out of n.
func (n *Need) IsGroup() bool { return n.AtLeast > 0 }

// Kind says what a service is, for pictures and summaries.
type Kind uint8

// NeverRehearsed is what a catalog writes in place of a day on which recovery was rehearsed.
const NeverRehearsed = "never"

// The kinds of services.
const (
	KindService Kind = iota
	KindApplication
	KindDatabase
	KindQueue
	KindCache
	KindDNS
	KindGateway
	KindControl
	KindWorker
	KindTool
	KindExternal
)

// KindWords are the kinds as a catalog writes them, by value.
var KindWords = []string{
	"service", "application", "database", "queue", "cache", "dns", "gateway", "control-plane", "worker", "tool", "external",
}

func (k Kind) String() string { return KindWords[k] }

// Mode is how a target is called.
type Mode uint8

// The modes of a need.
const (
	Sync  Mode = iota // the caller waits for the answer
	Async             // through a queue: the caller hands over and goes on
)

// ModeWords are the modes as a catalog writes them, by value.
var ModeWords = []string{"sync", "async"}

func (m Mode) String() string { return ModeWords[m] }

// Purpose is when a target is needed.
type Purpose uint8

// The purposes of a need.
const (
	ToServe  Purpose = iota // for every request
	ToStart                 // when an instance starts
	ToScale                 // when capacity is added
	ToChange                // when somebody changes something
	ToRepair                // when operators heal it
)

// PurposeWords are the purposes as a catalog writes them, by value.
var PurposeWords = []string{"serve", "start", "scale", "change", "repair"}

func (p Purpose) String() string { return PurposeWords[p] }

// Loss is what happens to a service without its target.
type Loss uint8

// The answers to a loss.
const (
	Fail     Loss = iota // the request fails: a hard need
	Degrade              // the request succeeds with less
	Fallback             // the answer comes as well from elsewhere
	Stale                // goes on with what it last knew
)

// LossWords are the answers to a loss as a catalog writes them, by value.
var LossWords = []string{"fail", "degrade", "fallback", "stale"}

func (l Loss) String() string { return LossWords[l] }

// Failure is what the users of a service see when it cannot work.
type Failure uint8

// The ways a service fails.
const (
	FailsDown    Failure = iota // no answer, or an error
	FailsCorrupt                // a wrong answer
)

// FailureWords are the ways to fail as a catalog writes them, by value.
var FailureWords = []string{"down", "corrupt"}

func (f Failure) String() string { return FailureWords[f] }

// Lease is what a keeper grants for a time and a holder must renew: sessions,
// credentials, registrations, hosts under management. While it is valid the
// holder works without its store.
type Lease struct {
	ID      string
	Keeper  string // grants and renews
	Holder  string // loses its work with the lease
	Store   string // renewing needs it; may be empty
	Policy  policy.Lease
	Sources []string
	At      diag.Span
}

// HealthCheck is one subsystem testing others and acting on what it sees.
type HealthCheck struct {
	ID      string
	By      string   // the service that performs the check
	Tests   []Tested // what is checked, in canonical order
	Policy  policy.HealthCheck
	Sources []string
	At      diag.Span
}

// Tested is what a health check looks at: a service, or how recent one is.
type Tested struct {
	Service string
	Fresh   bool
	Within  unit.Value[unit.Duration]
}

// Reference is a document that values and needs cite by its ID.
type Reference struct {
	ID    string
	Title string
	URL   string
	At    diag.Span
}

// Alias is the name by which other tools know a service; imports use it.
type Alias struct {
	Name    string
	Service string
	At      diag.Span
}

// Service returns the service with an ID, or nil.
func (c *Catalog) Service(id string) *Service {
	i, ok := slices.BinarySearchFunc(c.Services, id, func(s Service, id string) int {
		return strings.Compare(s.ID, id)
	})
	if !ok {
		return nil
	}
	return &c.Services[i]
}

// IDs returns the IDs of all services, sorted.
func (c *Catalog) IDs() []string {
	ids := make([]string, len(c.Services))
	for i := range c.Services {
		ids[i] = c.Services[i].ID
	}
	return ids
}

// CheckValid returns an error that names the first invariant the catalog breaks:
// sorted unique IDs, needs that name services of the catalog, groups that can be
// met, needs in canonical order. Load never returns a catalog that fails it.
func (c *Catalog) CheckValid() error {
	known := make(map[string]bool, len(c.Services))
	for i := range c.Services {
		if i > 0 && c.Services[i-1].ID >= c.Services[i].ID {
			return fmt.Errorf("catalog: services %q and %q are not in order", c.Services[i-1].ID, c.Services[i].ID)
		}
		known[c.Services[i].ID] = true
	}
	for i := range c.Services {
		s := &c.Services[i]
		if s.Weight < 0 {
			return fmt.Errorf("catalog: service %q has weight %v", s.ID, s.Weight)
		}
		if !slices.IsSortedFunc(s.Needs, compareNeeds) {
			return fmt.Errorf("catalog: needs of %q are not in order", s.ID)
		}
		for j := range s.Needs {
			if err := s.Needs[j].checkValid(s.ID, known); err != nil {
				return err
			}
		}
	}
	for i := range c.Leases {
		l := &c.Leases[i]
		for _, id := range []string{l.Keeper, l.Holder} {
			if !known[id] {
				return fmt.Errorf("catalog: lease %q names %q, which is not a service", l.ID, id)
			}
		}
		if l.Store != "" && !known[l.Store] {
			return fmt.Errorf("catalog: lease %q names %q, which is not a service", l.ID, l.Store)
		}
	}
	return nil
}

func (n *Need) checkValid(id string, known map[string]bool) error {
	switch {
	case len(n.Targets) == 0:
		return fmt.Errorf("catalog: a need of %q has no target", id)
	case !n.IsGroup() && len(n.Targets) > 1, n.AtLeast > len(n.Targets), n.AtLeast < 0:
		return fmt.Errorf("catalog: a need of %q asks for %d of %d", id, n.AtLeast, len(n.Targets))
	}
	for i, t := range n.Targets {
		switch {
		case !known[t]:
			return fmt.Errorf("catalog: %q needs %q, which is not a service", id, t)
		case t == id:
			return fmt.Errorf("catalog: %q needs itself", id)
		case i > 0 && n.Targets[i-1] >= t:
			return fmt.Errorf("catalog: targets of a need of %q are not in order", id)
		}
	}
	if n.Fallback != "" && (!known[n.Fallback] || n.IfLost != Fallback) {
		return fmt.Errorf("catalog: a need of %q has an impossible fallback %q", id, n.Fallback)
	}
	return nil
}

// compareNeeds is the canonical order of the needs of one service. It looks at
// what a need says and never at where it stands, so that moving lines about in a
// file changes no output.
func compareNeeds(a, b Need) int {
	flag := func(x bool) int {
		if x {
			return 1
		}
		return 0
	}
	return cmp.Or(
		slices.Compare(a.Targets, b.Targets),
		cmp.Compare(a.To, b.To),
		cmp.Compare(a.Mode, b.Mode),
		cmp.Compare(a.IfLost, b.IfLost),
		cmp.Compare(a.AtLeast, b.AtLeast),
		cmp.Compare(flag(a.Fresh), flag(b.Fresh)),
		cmp.Compare(flag(a.Believes), flag(b.Believes)),
		strings.Compare(a.Fallback, b.Fallback),
		compareRanges(a.TTL, b.TTL),
		cmp.Compare(a.Within.Evidence, b.Within.Evidence),
		cmp.Compare(a.Within.V, b.Within.V),
		strings.Compare(a.For, b.For),
		slices.Compare(a.Sources, b.Sources),
		cmp.Compare(a.Timeout.Evidence, b.Timeout.Evidence),
		cmp.Compare(a.Timeout.V, b.Timeout.V),
		cmp.Compare(a.Calls.Evidence, b.Calls.Evidence),
		cmp.Compare(a.Calls.V, b.Calls.V),
		cmp.Compare(flag(a.Parallel), flag(b.Parallel)),
		cmp.Compare(flag(a.Shared), flag(b.Shared)),
		a.Retry.Compare(b.Retry),
		a.Breaker.Compare(b.Breaker),
		a.Bulkhead.Compare(b.Bulkhead),
		a.Limit.Compare(b.Limit),
		a.Cache.Compare(b.Cache),
		cmp.Compare(a.Clients.Evidence, b.Clients.Evidence),
		cmp.Compare(a.Clients.V, b.Clients.V),
		cmp.Compare(a.Priority.Evidence, b.Priority.Evidence),
		cmp.Compare(a.Priority.V, b.Priority.V),
		cmp.Compare(a.Share.Evidence, b.Share.Evidence),
		cmp.Compare(a.Share.V, b.Share.V),
	)
}

// compareTests is the canonical order of what a health check looks at.
func compareTests(a, b Tested) int {
	fresh := 0
	if a.Fresh != b.Fresh {
		fresh = -1
		if a.Fresh {
			fresh = 1
		}
	}
	return cmp.Or(
		strings.Compare(a.Service, b.Service),
		fresh,
		cmp.Compare(a.Within.Evidence, b.Within.Evidence),
		cmp.Compare(a.Within.V, b.Within.V),
	)
}

func compareRanges(a, b unit.Value[unit.Range]) int {
	return cmp.Or(
		cmp.Compare(a.Evidence, b.Evidence),
		cmp.Compare(a.V.Low, b.V.Low),
		cmp.Compare(a.V.High, b.V.High),
	)
}
