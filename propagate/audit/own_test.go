package audit

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

const estate = `
[service.page]
group = "shop/front"
tier  = 0
owner = "team-front"
needs = ["api", { on = "db", if_lost = "degrade", timeout = "3s", retry = { attempts = 5 } }, { on = "pager", to = "repair" }]

[service.app]
group = "shop/front"
tier  = 1
needs = ["api", "cdn", { on = "mail", mode = "async" }]

[service.api]
group = "shop/back"
tier  = 2
needs = ["db", { on = "flags", if_lost = "stale" }]

[service.db]
kind = "database"
[service.mail]
kind = "external"
[service.cdn]
kind = "external"
[service.flags]
kind  = "control-plane"
needs = ["db"]
[service.pager]
kind = "tool"
`

// TestOwnRules holds each key of a rule of one's own against what it finds.
func TestOwnRules(t *testing.T) {
	for _, c := range []struct {
		rule string
		want []string // subjects
	}{
		{`[forbidden.x]` + "\n" + `from = { group = "shop/front*" }` + "\n" + `to = { kind = "database" }`, []string{"page -> db"}},
		{`[forbidden.x]` + "\n" + `to = { kind = ["database", "external"] }`, []string{"api -> db", "app -> cdn", "app -> mail", "flags -> db", "page -> db"}},
		{`[forbidden.x]` + "\n" + `to = { id = "db" }` + "\n" + `except = { id = ["f*", "page"] }`, []string{"api -> db"}},
		{`[forbidden.x]` + "\n" + `from = { tier = "0..1" }` + "\n" + `to = { id = "api" }`, []string{"app -> api", "page -> api"}},
		{`[forbidden.x]` + "\n" + `from = { tier = 1 }` + "\n" + `to = { id = "api" }`, []string{"app -> api"}},
		{`[forbidden.x]` + "\n" + `from = { owner = "team-*" }` + "\n" + `to = { id = "api" }`, []string{"page -> api"}},
		{`[forbidden.x]` + "\n" + `need = { mode = "async" }`, []string{"app -> mail"}},
		{`[forbidden.x]` + "\n" + `need = { if_lost = ["degrade", "stale"] }`, []string{"api -> flags", "page -> db"}},
		{`[forbidden.x]` + "\n" + `need = { timeout_over = "2s" }`, []string{"page -> db"}},
		{`[forbidden.x]` + "\n" + `need = { timeout_over = "3s" }`, nil},
		{`[forbidden.x]` + "\n" + `need = { attempts_over = 4 }`, []string{"page -> db"}},
		{`[forbidden.x]` + "\n" + `need = { attempts_over = 5 }`, nil},
		{`[forbidden.x]` + "\n" + `from = { id = "page" }` + "\n" + `need = { without = ["timeout"], to = "serve" }`, []string{"page -> api"}},
		{`[forbidden.x]` + "\n" + `need = { validates = false }`, nil},
		{`[forbidden.x]` + "\n" + `from = { tier = 1 }` + "\n" + `more_than = 2`, []string{"app"}},
		{`[forbidden.x]` + "\n" + `from = { tier = 1 }` + "\n" + `more_than = 3`, nil},
		{`[forbidden.x]` + "\n" + `from = { group = "shop/front" }` + "\n" + `to = { id = "db" }` + "\n" + `path = "hard"`, []string{"app -> db", "page -> db"}},
		{`[forbidden.x]` + "\n" + `from = { group = "shop/front" }` + "\n" + `to = { id = "flags" }` + "\n" + `path = "hard"`, nil},
		{`[forbidden.x]` + "\n" + `from = { group = "shop/front" }` + "\n" + `to = { id = "flags" }` + "\n" + `path = "any"`, []string{"app -> flags", "page -> flags"}},
		{`[forbidden.x]` + "\n" + `from = { id = "app" }` + "\n" + `to = { id = "db" }` + "\n" + `path = "any"` + "\n" + `longer_than = 2`, nil},
		{`[forbidden.x]` + "\n" + `from = { id = "app" }` + "\n" + `to = { id = "db" }` + "\n" + `path = "any"` + "\n" + `longer_than = 1`, []string{"app -> db"}},
		{`[forbidden.x]` + "\n" + `from = { id = "app" }` + "\n" + `to = { id = "db" }` + "\n" + `via = { kind = "control-plane" }` + "\n" + `path = "any"`, []string{"app -> db"}},
		{`[forbidden.x]` + "\n" + `from = { id = "app" }` + "\n" + `to = { id = "db" }` + "\n" + `via = { kind = "external" }` + "\n" + `path = "any"`, nil},
		{`[required.x]` + "\n" + `from = { tier = "0..1" }` + "\n" + `need = { to = "repair" }`, []string{"app"}},
		{`[required.x]` + "\n" + `from = { tier = "0..1" }` + "\n" + `to = { id = "api" }`, nil},
		{`[required.x]` + "\n" + `from = { tier = "0..1" }` + "\n" + `to = { kind = "external" }` + "\n" + `at_least = 2`, []string{"page"}},
		{`[required.x]` + "\n" + `from = { group = "shop/*" }` + "\n" + `states = ["tier", "owner"]`, []string{"api: owner", "app: owner"}},
	} {
		text := c.rule + "\n" + `message = "not so"`
		config, faults := ParseConfig("x.toml", []byte(text))
		if len(faults) > 0 {
			t.Errorf("%s\n%v", text, faults)
			continue
		}
		r := audited(t, estate, Options{Config: config, Only: []string{"x"}})
		var got []string
		for i := range r.Findings {
			got = append(got, r.Findings[i].Subject)
			checkFinding(t, &r.Findings[i])
		}
		slices.Sort(got)
		if !slices.Equal(got, c.want) {
			t.Errorf("%s\nfound %q, want %q", c.rule, got, c.want)
		}
	}
}

// TestBrokenOwnRules: each fault is named, with what to write instead.
func TestBrokenOwnRules(t *testing.T) {
	for text, want := range map[string]string{
		"[forbidden.KO105]\nmessage = \"m\"\nto = { id = \"a\" }":                           `"KO105" cannot be the name of a rule`,
		"[forbidden.single-point-of-failure]\nmessage = \"m\"\nto = { id = \"a\" }":         `cannot be the name of a rule`,
		"[forbidden.x]\nto = { id = \"a\" }":                                                `needs the key "message"`,
		"[forbidden.x]\nmessage = \"m\"":                                                    "the rule forbids every need",
		"[required.x]\nmessage = \"m\"\nfrom = { id = \"a\" }":                              "the rule requires nothing",
		"[forbidden.x]\nmessage = \"m\"\nto = { kind = \"databse\" }":                       `did you mean "database"`,
		"[forbidden.x]\nmessage = \"m\"\nto = { tier = \"1..0\" }":                          "no tier",
		"[forbidden.x]\nmessage = \"m\"\nneed = { without = [\"timeot\"] }":                 `did you mean "timeout"`,
		"[forbidden.x]\nmessage = \"m\"\nto = { id = \"a\" }\nvia = { id = \"b\" }":         "about a path of several needs",
		"[required.x]\nmessage = \"m\"\nstates = [\"ownr\"]":                                `did you mean "owner"`,
		"[required.x]\nmessage = \"m\"\nneed = { to = \"serve\" }\nmore_than = 3":           `unknown key "more_than"`,
		"[forbidden.x]\nmessage = \"m\"\nneed = {}\n[required.x]\nmessage = \"m\"\nneed={}": "two rules are called",
	} {
		c, faults := ParseConfig("x.toml", []byte(text))
		if c != nil || !strings.Contains(fmt.Sprint(faults), want) {
			t.Errorf("%s\nis answered %v, want %q", text, faults, want)
		}
	}
}
