// Package builtin holds the catalogs and the incidents that ship with the tool, one
// folder each. To this package they are bytes; packages catalog and scenario read them.
package builtin

import (
	"embed"
	"io/fs"
	"slices"
)

// FS holds one folder for each built-in catalog, and those of incidents in a folder of
// their own.
//
//go:embed aws-us-east-1 facebook-2021 google-2019 web-shop incidents
var FS embed.FS

const incidents = "incidents"

// Names returns the names of the built-in catalogs, sorted.
func Names() []string {
	return slices.DeleteFunc(folders("."), func(name string) bool { return name == incidents })
}

// Incidents returns the names of the built-in incidents, sorted: the folders that have a
// scenario.
func Incidents() []string {
	return slices.DeleteFunc(folders(incidents), func(name string) bool {
		_, err := fs.Stat(FS, incidents+"/"+name+"/incident.toml")
		return err != nil
	})
}

// Incident returns the files of a built-in incident; false where there is none.
func Incident(name string) (fs.FS, bool) {
	if !slices.Contains(folders(incidents), name) {
		return nil, false
	}
	sub, err := fs.Sub(FS, incidents+"/"+name)
	if err != nil {
		panic("builtin: " + err.Error())
	}
	return sub, true
}

func folders(of string) []string {
	entries, err := fs.ReadDir(FS, of)
	if err != nil {
		panic("builtin: " + err.Error())
	}
	names := make([]string, len(entries))
	for i, e := range entries {
		names[i] = e.Name()
	}
	return names
}
