package importers

import (
	"github.com/knockon/knockon/catalog"
	"github.com/knockon/knockon/catalog/diag"
)

// Catalog returns the draft as a catalog in which services and needs stand at their
// lines in the files that were imported, so that whoever speaks of them points there. Of
// a need that several places claim the first counts. The catalog is nil when the draft does
// not load, which its faults then say.
func (d *Draft) Catalog() (*catalog.Catalog, diag.List) {
	c, faults, err := catalog.Load(catalog.Source{Name: "import", Data: d.TOML()})
	if err != nil || faults.HasErrors() { // the source is in memory: no other error is possible
		return nil, faults
	}
	for i := range c.Services {
		s := &c.Services[i]
		if from := d.services[s.ID]; from != nil && from.At.File != "" {
			s.At = from.At
		}
		for j := range s.Needs {
			n := &s.Needs[j]
			if claimed := d.needs[edge{s.ID, n.Targets[0]}]; claimed != nil && claimed.Claims[0].At.File != "" {
				n.At = claimed.Claims[0].At
			}
		}
	}
	return c, faults
}
