package catalog

import (
	"strings"
	"testing"
	"testing/fstest"
)

// TestAliases: names of other tools stand for services that exist, also for those of a
// catalog that this one extends.
func TestAliases(t *testing.T) {
	c, faults, err := Load(Source{Path: "mine.toml", FS: fstest.MapFS{
		"mine.toml": {Data: []byte("extends = [{ file = \"base.toml\", as = \"base\" }]\n[alias]\nzpay = \"pay\"\n\"pay v2\" = \"pay\"\n[service.pay]\n")},
		"base.toml": {Data: []byte("[alias]\nthe-db = \"db\"\n[service.db]\n")},
	}})
	if err != nil || len(faults) > 0 {
		t.Fatal(err, faults)
	}
	var got []string
	for _, a := range c.Aliases {
		got = append(got, a.Name+"="+a.Service)
	}
	if said := strings.Join(got, " "); said != "pay v2=pay the-db=base:db zpay=pay" {
		t.Errorf("the aliases are %s", said)
	}
	for text, want := range map[string]string{
		"[alias]\nx = \"pya\"\n[service.pay]\n": `there is no service "pya", named in [alias]`,
		"[alias]\nx = 1\n[service.pay]\n":       `"x" must be a string, not an integer`,
		"alias = \"x\"\n[service.pay]\n":        `"alias" must be a table, not a string`,
	} {
		if _, faults, _ := Load(Source{Name: "f", Data: []byte(text)}); len(faults) != 1 || faults[0].Message != want {
			t.Errorf("%q: %v", text, faults)
		}
	}
}
