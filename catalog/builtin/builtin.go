// Package builtin holds the catalogs that ship with the tool, one folder each.
// To this package they are bytes; package catalog reads them.
package builtin

import (
	"embed"
	"io/fs"
)

// FS holds one folder for each built-in catalog.
//
//go:embed aws-us-east-1 web-shop
var FS embed.FS

// Names returns the names of the built-in catalogs, sorted.
func Names() []string {
	entries, err := fs.ReadDir(FS, ".")
	if err != nil {
		panic("builtin: " + err.Error())
	}
	names := make([]string, len(entries))
	for i, e := range entries {
		names[i] = e.Name()
	}
	return names
}
