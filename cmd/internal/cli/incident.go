package cli

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/knockon/knockon/catalog"
	"github.com/knockon/knockon/catalog/builtin"
	"github.com/knockon/knockon/catalog/diag"
	"github.com/knockon/knockon/catalog/unit"
	"github.com/knockon/knockon/propagate/scenario"
)

// incident finds a scenario that is named otherwise than by its file: a built-in
// incident, unless a file has its name, or a folder with an incident. It returns the
// file that names in it are relative to; none is "".
func (a *app) incident(name string) (sc *scenario.Scenario, faults diag.List, file string, err error) {
	plain, explicit := strings.CutPrefix(name, "builtin:")
	info, lookErr := os.Stat(name)
	switch {
	case slices.Contains(builtin.Incidents(), plain) && (explicit || lookErr != nil):
		fsys, _ := builtin.Incident(plain)
		sc, faults, err = scenario.ReadIncident(fsys, "builtin:incidents/"+plain)
		return sc, faults, "-", err
	case explicit:
		return nil, nil, "", fmt.Errorf("there is no built-in incident %q%s", plain, suggestion(plain, builtin.Incidents()))
	case lookErr == nil && info.IsDir():
		root, err := os.OpenRoot(name)
		if err != nil {
			return nil, nil, "", fmt.Errorf("cannot read %s: %w", name, reason(err))
		}
		defer root.Close()
		if _, err := root.Stat(scenario.IncidentFile); errors.Is(err, fs.ErrNotExist) {
			return nil, nil, "", fmt.Errorf("cannot read %s: it is a folder without %s, and a scenario is one file", name, scenario.IncidentFile)
		}
		sc, faults, err = scenario.ReadIncident(root.FS(), filepath.ToSlash(filepath.Clean(name)))
		return sc, faults, filepath.Join(name, scenario.IncidentFile), err
	}
	return nil, nil, "", nil
}

// overlay is what -c lays over the catalog of an incident.
type overlay struct {
	title    string   // empty where it has none of its own
	services []string // sorted
}

// openIncident reads an incident and the catalog that it names, with those of -c on top. What is wrong with them has been printed when it
// returns an error.
func (a *app) openIncident(name string) (c *catalog.Catalog, sc *scenario.Scenario, own overlay, err error) {
	mine := a.catalogs
	a.catalogs = nil
	sc, faults, file, err := a.readScenario(name)
	if err != nil {
		return nil, nil, own, &exitError{exitInput, err}
	}
	if sc == nil {
		return nil, nil, own, a.report(faults)
	}
	for _, c := range sc.Catalogs {
		a.catalogs = append(a.catalogs, beside(file, c))
	}
	if len(a.catalogs) == 0 { // the incident leaves it to the user
		a.catalogs, mine = mine, nil
	}
	var base *catalog.Catalog
	if len(mine) > 0 {
		var others diag.List
		if base, others, err = a.load(false); err != nil {
			return nil, nil, own, err
		}
		if base == nil {
			return nil, nil, own, a.report(others)
		}
		a.catalogs = append(a.catalogs, mine...)
	}
	if c, sc, err = a.checked(sc, faults); err != nil || base == nil {
		return c, sc, own, err
	}
	for _, id := range c.IDs() {
		if base.Service(id) == nil {
			own.services = append(own.services, id)
		}
	}
	if c.Title != base.Title {
		own.title = c.Title
	}
	a.beware(sc, own.services)
	return c, sc, own, nil
}

// beware warns of a catalog that brings a copy of the incident's own, which nothing
// happens to.
func (a *app) beware(sc *scenario.Scenario, own []string) {
	for i := range sc.Faults {
		for _, id := range own {
			if prefix, ok := strings.CutSuffix(id, ":"+sc.Faults[i].Service); ok && prefix != "" {
				fmt.Fprintf(a.Err, "knockon: what %s names is a copy, which the incident does not strike; leave extends out, and name services without %q\n", id, prefix+":")
				return
			}
		}
	}
}

// checked loads the catalog of a scenario and holds one against the other.
func (a *app) checked(sc *scenario.Scenario, faults diag.List) (*catalog.Catalog, *scenario.Scenario, error) {
	c, others, err := a.load(true)
	if err != nil {
		return nil, nil, err
	}
	if c != nil {
		faults = append(faults, sc.Check(c)...)
	}
	if err := a.report(append(others, faults...)); err != nil {
		return nil, nil, err
	}
	return c, sc, nil
}

// parseAt reads a time of a scenario: since its start, such as "90s", or, where it has
// one, on the wall clock, such as "08:00": the first time after the start that a clock
// shows that.
func parseAt(text string, sc *scenario.Scenario) (seconds float64, err error) {
	if clock, err := time.Parse("15:04", text); err == nil {
		if sc.Start.IsZero() {
			return 0, usagef(`--at %s: the scenario has no start on the wall clock; write a time since the start such as "90s"`, text)
		}
		s := sc.Start
		at := time.Date(s.Year(), s.Month(), s.Day(), clock.Hour(), clock.Minute(), 0, 0, s.Location())
		if at.Before(s) {
			at = at.AddDate(0, 0, 1)
		}
		return at.Sub(s).Seconds(), nil
	}
	d, err := unit.ParseDuration(text)
	if err != nil {
		return 0, usagef(`--at: %v; write a time since the start such as "90s", or on the clock such as "08:00"`, err)
	}
	return d.Seconds(), nil
}

// incidentNames are the built-in incidents, and files that may be others.
func incidentNames(near string) []string {
	names := slices.Clone(builtin.Incidents())
	files, _ := filepath.Glob(filepath.Join(filepath.Dir(near), "*.toml"))
	return append(names, files...)
}
