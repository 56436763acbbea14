package catalog

import _ "embed"

// Schema is the language of catalogs as a JSON Schema, for editors: keys with what
// they mean, words, the forms of quantities. It is made from the types of this
// package and of package policy, and from their comments; a test keeps it so. What it
// accepts may still be refused by Load, which knows more.
//
//go:embed schema.json
var Schema []byte
