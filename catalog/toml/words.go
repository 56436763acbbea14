package toml

import "strings"

// Words on their way between a file and a message.

// literal writes what was meant by a word in TOML.
func literal(word string) string {
	switch strings.ToLower(word) {
	case "true", "yes", "on":
		return "true"
	case "false", "no", "off":
		return "false"
	}
	if isNumber(word) {
		return word
	}
	if digits := strings.NewReplacer(",", "", "_", "").Replace(word); digits != word && isNumber(digits) {
		return digits
	}
	if strings.HasPrefix(word, ".") && isNumber("0"+word) {
		return "0" + word
	}
	if trimmed := strings.TrimLeft(word, "0"); trimmed != word && isNumber(trimmed) {
		return trimmed + ` or "` + word + `"`
	}
	if len(word) > 1 && (word[0] == '"' || word[0] == '\'') && word[len(word)-1] == word[0] {
		return word
	}
	return quote(word)
}

// isNumber reports whether a text is a plain number.
func isNumber(text string) bool {
	digits := false
	for i, c := range []byte(text) {
		switch {
		case isDigit(c):
			digits = true
		case c == '.' && digits && i+1 < len(text) && strings.Count(text, ".") == 1:
		case c == '-' && i == 0:
		default:
			return false
		}
	}
	return digits && (len(text) == 1 || text[0] != '0' || text[1] == '.')
}

func isDigit(c byte) bool { return '0' <= c && c <= '9' }

// plain turns a library's message into one of ours: one line, lower case, short.
func plain(message string) string {
	message = strings.TrimPrefix(message, "toml: ")
	message = strings.Join(strings.Fields(message), " ")
	if len(message) > 1 && message[0] >= 'A' && message[0] <= 'Z' && !(message[1] >= 'A' && message[1] <= 'Z') {
		message = strings.ToLower(message[:1]) + message[1:]
	}
	if r := []rune(message); len(r) > 200 {
		message = string(r[:200]) + "…"
	}
	return strings.TrimSuffix(message, ".")
}

// short is a piece of source text, cut to the length of a message.
func short(text string) string {
	runes := []rune(text[:min(len(text), 400)])
	for i, r := range runes {
		if r == '\n' || r == '\r' {
			runes[i] = ' '
		}
	}
	if len(runes) > 40 {
		return string(runes[:40]) + "…"
	}
	return string(runes)
}

// quoteKey prints a key as TOML would have it.
func quoteKey(name string) string {
	for i := 0; i < len(name); i++ {
		if c := name[i]; !(c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '_' || c == '-') {
			return quote(name)
		}
	}
	if name == "" {
		return `""`
	}
	return name
}

// quote prints a string as TOML would have it.
func quote(s string) string {
	if strings.Contains(s, `\`) && !strings.Contains(s, "'") {
		return "'" + s + "'"
	}
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(s) + `"`
}
