package diag

import "testing"

func TestPrintable(t *testing.T) {
	for s, want := range map[string]string{
		"plain, 日本語, e\u0301 and 🔥":      "plain, 日本語, e\u0301 and 🔥",
		"two\nlines\tand\ttabs":          "two lines and tabs",
		"\x1b[2J\x00\r\x7f\u009b31m":     "�[2J����31m",
		"\u202e\u2066\u200e\u200f\u061c": "�����",
		"\u200b\ufeff\u00ad\u2028\u2029": "�����",
		"\U000e0001\U000e0061\U000e007f": "���",              // tags
		"नी\u200dर \u200c":               "नी\u200dर \u200c", // joiners are part of scripts
		"bad \xff utf-8":                 "bad � utf-8",
	} {
		if got := Printable(s); got != want {
			t.Errorf("%q became %q, not %q", s, got, want)
		}
	}
}

func TestColumns(t *testing.T) {
	for s, want := range map[string]int{"": 0, "abc": 3, "日本語": 6, "ｱ": 1, "Ａ": 2, "e\u0301": 1, "🔥": 2, "a\u200db": 2} {
		if got := Columns(s); got != want {
			t.Errorf("%q takes %d columns, not %d", s, got, want)
		}
	}
}
