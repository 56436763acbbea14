package audit

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/knockon/knockon/catalog/diag"
	"github.com/knockon/knockon/catalog/toml"
	"github.com/knockon/knockon/catalog/unit"
)

// ConfigFile is the name of the configuration, looked for upwards from where the
// audit runs. It is a file of its own because knockon.toml is a catalog.
const ConfigFile = "knockon-audit.toml"

// Config is what a user has settled about the audit.
type Config struct {
	File         string             // it was read from; empty without one
	Settings     map[string]Setting // by ID of rule
	FailOn       string             // one of FailOnWords; empty where not stated
	Baseline     string             // a file, relative to the configuration; may be empty
	Own          []*Rule            // the user's own rules, by ID
	Suppressions []*Suppression
}

// FailOnWords are the severities from which on an audit fails, and "never".
var FailOnWords = []string{"error", "warning", "note", "never"}

// Setting is what a user has settled about one rule.
type Setting struct {
	Off      bool
	Severity *Severity
	Params   map[string]any // of the types of Param.Default
}

// ParseConfig reads a configuration. Every fault of it is in the list; the
// configuration is nil when one of them is an error.
func ParseConfig(name string, data []byte) (*Config, diag.List) {
	doc, faults := toml.Parse(name, data)
	c := &Config{File: name, Settings: make(map[string]Setting)}
	d := doc.Decoder(doc.Root, "the configuration of the audit", &faults)
	if word, ok := d.Enum("fail_on", FailOnWords); ok {
		c.FailOn = word
	}
	d.String("baseline", &c.Baseline)
	known := Rules()
	var ids []string
	for _, r := range known {
		ids = append(ids, r.ID)
	}
	for _, e := range d.Map("rule") {
		i := slices.Index(ids, e.Key)
		if i < 0 {
			if r, ok := RuleNamed(e.Key); ok {
				d.Errorf(e.At, "write [rule."+r.ID+"]", "rules are configured by their ID")
			} else {
				d.UnknownWord(e.At, "rule", e.Key, ids)
			}
			continue
		}
		c.Settings[e.Key] = readSetting(doc.Decoder(e.Value.Table, "[rule."+e.Key+"]", &faults), known[i])
	}
	sub := func(t *toml.Table, what string) *toml.Decoder { return doc.Decoder(t, what, &faults) }
	c.Own = append(readOwn(d, "forbidden", sub), readOwn(d, "required", sub)...)
	slices.SortFunc(c.Own, func(a, b *Rule) int { return strings.Compare(a.ID, b.ID) })
	for i := 1; i < len(c.Own); i++ {
		if c.Own[i].ID == c.Own[i-1].ID {
			d.Errorf(d.Key("required"), "give one of them another name", "two rules are called %q", c.Own[i].ID)
		}
	}
	for _, t := range d.Tables("suppress") {
		c.Suppressions = append(c.Suppressions, readConfigured(doc.Decoder(t, "a suppression", &faults)))
	}
	d.Done()
	faults.Sort()
	if faults.HasErrors() {
		return nil, faults
	}
	return c, faults
}

func readSetting(d *toml.Decoder, r *Rule) Setting {
	s := Setting{Params: make(map[string]any)}
	enabled := true
	d.Bool("enabled", &enabled)
	s.Off = !enabled
	if word, ok := d.Enum("severity", SeverityWords); ok {
		severity := Severity(slices.Index(SeverityWords, word))
		s.Severity = &severity
	}
	for _, p := range r.Params {
		if v, ok := readParam(d, p); ok {
			s.Params[p.Key] = v
		}
	}
	d.Done()
	return s
}

// readParam reads a parameter in the type of its default.
func readParam(d *toml.Decoder, p Param) (any, bool) {
	switch p.Default.(type) {
	case int64:
		var v int64
		return v, d.Int(p.Key, 0, 1e15, &v)
	case float64:
		var v float64
		return v, d.Number(p.Key, 0, 1e15, &v)
	case unit.Duration:
		var v unit.Value[unit.Duration]
		d.Duration(p.Key, &v)
		return v.V, v.IsStated()
	case unit.Ratio:
		var v unit.Value[unit.Ratio]
		d.Ratio(p.Key, &v)
		return v.V, v.IsStated()
	case []string:
		var v []string
		return v, d.Strings(p.Key, &v)
	}
	panic(fmt.Sprintf("audit: parameter %s has a default of type %T", p.Key, p.Default))
}

// readConfigured reads one [[suppress]].
func readConfigured(d *toml.Decoder) *Suppression {
	s := &Suppression{At: d.At()}
	const example = `write rule = "KO203", subject = "checkout -> auth", reason = "…", owner = "…", until = 2027-06-30`
	for _, key := range []string{"rule", "subject", "reason", "owner", "until"} {
		d.Require(key, example)
	}
	d.String("rule", &s.Rule)
	d.String("subject", &s.Subject)
	d.String("reason", &s.Reason)
	d.String("owner", &s.Owner)
	switch v, ok := d.Value("until"); {
	case !ok:
	case v.Kind == toml.TimeKind:
		s.Until = v.Scalar.(time.Time).Truncate(24 * time.Hour)
	case v.Kind == toml.StringKind:
		s.set("until", v.Scalar.(string))
	default:
		d.Errorf(v.At, "write until = 2027-06-30", "until is a date, not %s", v.Kind)
	}
	s.check()
	d.Done()
	return s
}

// rules are those that run: all, or only some, without those that are switched off.
func (c *Config) rules(only []string) []*Rule {
	rules := append(Rules(), c.Own...)
	return slices.DeleteFunc(rules, func(r *Rule) bool {
		if len(only) > 0 {
			return !slices.ContainsFunc(only, func(id string) bool { return strings.EqualFold(id, r.ID) })
		}
		return c.Settings[r.ID].Off
	})
}

func (c *Config) severity(r *Rule) Severity {
	if s := c.Settings[r.ID].Severity; s != nil {
		return *s
	}
	return r.Severity
}

func (c *Config) param(r *Rule, key string) (any, bool) {
	v, ok := c.Settings[r.ID].Params[key]
	return v, ok
}
