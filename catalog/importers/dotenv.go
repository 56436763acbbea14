package importers

import (
	"strings"

	"github.com/knockon/knockon/catalog/diag"
)

// readDotEnv reads a file of variables as Docker Compose does: quotes, comments
// behind a blank, values that use variables set before them or in env.
//
// Source: https://docs.docker.com/compose/how-tos/environment-variables/variable-interpolation/
func readDotEnv(f File, env map[string]string) []variable {
	known := make(map[string]string, len(env))
	for name, value := range env {
		known[name] = value
	}
	var variables []variable
	text := strings.ReplaceAll(string(f.Data[:min(len(f.Data), 4<<20)]), "\r\n", "\n")
	text = strings.TrimPrefix(text, "\ufeff")
	line := 0
	for raw := range strings.Lines(text) {
		line++
		entry := strings.TrimSpace(raw)
		entry = strings.TrimSpace(strings.TrimPrefix(entry, "export "))
		name, value, ok := strings.Cut(entry, "=")
		name = strings.TrimSpace(name)
		if !ok || name == "" || strings.HasPrefix(entry, "#") || strings.ContainsAny(name, " \t") {
			continue
		}
		value = strings.TrimSpace(value)
		expands := true
		switch {
		case strings.HasPrefix(value, "'"), strings.HasPrefix(value, `"`):
			expands = value[0] == '"'
			if end := strings.IndexByte(value[1:], value[0]); end >= 0 {
				value = value[1 : 1+end]
			} else {
				value = value[1:]
			}
		default:
			if i := strings.Index(" "+value, " #"); i >= 0 {
				value = strings.TrimSpace(value[:max(i-1, 0)])
			}
		}
		if expands {
			value = interpolate(value, known, func(string) {})
		}
		known[name] = value
		if len(variables) < 100_000 {
			variables = append(variables, variable{name, value, diag.Span{File: f.Name, Line: line}})
		}
	}
	return variables
}

// interpolate replaces $NAME, ${NAME}, ${NAME:-default}, ${NAME-default},
// ${NAME:+instead}, ${NAME+instead} and ${NAME:?message}; $$ is a dollar. A name
// that env does not have is told to unset, and stands for nothing.
func interpolate(s string, env map[string]string, unset func(string)) string {
	text, _ := interpolateDeep(s, env, unset, 0)
	return text
}

func interpolateDeep(s string, env map[string]string, unset func(string), depth int) (string, bool) {
	if !strings.Contains(s, "$") || depth > 8 {
		return s, true
	}
	var b strings.Builder
	for i := 0; i < len(s); {
		if b.Len() > maxValue {
			return b.String()[:maxValue], false
		}
		if s[i] != '$' || i+1 == len(s) {
			b.WriteByte(s[i])
			i++
			continue
		}
		switch c := s[i+1]; {
		case c == '$':
			b.WriteByte('$')
			i += 2
		case c == '{':
			end := closingBrace(s, i+2)
			if end < 0 {
				b.WriteByte('$')
				i++
				continue
			}
			b.WriteString(substitute(s[i+2:end], env, unset, depth))
			i = end + 1
		case isNameByte(c):
			end := i + 1
			for end < len(s) && isNameByte(s[end]) {
				end++
			}
			b.WriteString(substitute(s[i+1:end], env, unset, depth))
			i = end
		default:
			b.WriteByte('$')
			i++
		}
	}
	return b.String(), true
}

// closingBrace finds the brace that closes one opened before an offset, or -1.
func closingBrace(s string, from int) int {
	open := 1
	for i := from; i < len(s); i++ {
		switch {
		case s[i] == '{' && s[i-1] == '$':
			open++
		case s[i] == '}':
			if open--; open == 0 {
				return i
			}
		}
	}
	return -1
}

// substitute is what the inside of ${…} stands for.
func substitute(inside string, env map[string]string, unset func(string), depth int) string {
	end := 0
	for end < len(inside) && isNameByte(inside[end]) {
		end++
	}
	name, operator := inside[:end], inside[end:]
	value, set := env[name]
	empty := strings.HasPrefix(operator, ":")
	if operator = strings.TrimPrefix(operator, ":"); operator == "" {
		if !set {
			unset(name)
		}
		return value
	}
	present := set && !(empty && value == "")
	word := operator[1:]
	switch operator[0] {
	case '-':
		if !present {
			value, _ = interpolateDeep(word, env, unset, depth+1)
		}
	case '+':
		value = ""
		if present {
			value, _ = interpolateDeep(word, env, unset, depth+1)
		}
	case '?':
		if !present {
			unset(name)
		}
	}
	return value
}

func isNameByte(c byte) bool {
	return c == '_' || '0' <= c && c <= '9' || 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z'
}
