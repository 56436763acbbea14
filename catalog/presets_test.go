package catalog

import (
	"fmt"
	"testing"

	"github.com/knockon/knockon/catalog/policy"
)

// TestPresetsAreWrittenAsTheyAreRead: the values listed for a preset are themselves
// what a catalog can say, and so is its name.
func TestPresetsAreWrittenAsTheyAreRead(t *testing.T) {
	presets := policy.Presets()
	if len(presets) < 30 {
		t.Errorf("only %d presets", len(presets))
	}
	for _, p := range presets {
		for _, value := range []string{p.Values, fmt.Sprintf("%q", p.Name)} {
			text := fmt.Sprintf("[service.a]\nneeds = [{ on = \"b\", %s = %s }]\n[service.b]\n", p.Key, value)
			switch p.Key {
			case "queue":
				text = fmt.Sprintf("[service.a]\nqueue = %s\n", value)
			case "budget":
				text = fmt.Sprintf("[service.a]\nneeds = [{ on = \"b\", retry = { attempts = 2, budget = %s } }]\n[service.b]\n", value)
			}
			if _, faults, err := Load(Source{Name: "preset.toml", Data: []byte(text)}); err != nil || len(faults) > 0 {
				t.Errorf("%s: %v %v", p.Name, err, faults)
			}
		}
		if p.Source == "" {
			t.Errorf("%s has no source", p.Name)
		}
	}
}
