package toml

import (
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/knockon/knockon/catalog/diag"
)

// Key writes a name as a key of TOML 1.0: bare where that is possible.
func Key(name string) string {
	if name == "" {
		return `""`
	}
	for i := 0; i < len(name); i++ {
		if c := name[i]; !(c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '_' || c == '-') {
			return String(name)
		}
	}
	return name
}

// String writes a text as a basic string of TOML 1.0, on one line. What a terminal
// would obey, and bytes that are no text, are escaped or replaced.
func String(s string) string {
	var b strings.Builder
	b.Grow(len(s) + 2)
	b.WriteByte('"')
	for _, r := range s { // invalid bytes come as utf8.RuneError
		switch {
		case r == '"', r == '\\':
			b.WriteByte('\\')
			b.WriteRune(r)
		case r == '\n':
			b.WriteString(`\n`)
		case r == '\t':
			b.WriteString(`\t`)
		case r > 0xffff && diag.IsHidden(r):
			fmt.Fprintf(&b, `\U%08X`, r)
		case diag.IsHidden(r):
			fmt.Fprintf(&b, `\u%04X`, r)
		case r == utf8.RuneError:
			b.WriteRune(utf8.RuneError)
		default:
			b.WriteRune(r)
		}
	}
	b.WriteByte('"')
	return b.String()
}
