package audit

import (
	"github.com/knockon/knockon/catalog/unit"
)

// Pass is what a rule is given: facts to ask, parameters, and Report.
type Pass struct {
	*Facts
	rule     *Rule
	config   *Config
	severity Severity
	found    []Finding
}

// Report adds a finding. The rule fills in Subject, At, Message and, as it can, the
// rest; whose rule it is and how severe is known. A Severity that the rule sets
// itself is kept when it is milder.
func (p *Pass) Report(f Finding) {
	f.Rule = p.rule
	f.Severity = max(f.Severity, p.severity)
	if f.At.File == "" { // it is about all of the catalog
		f.At = FirstLine(p.Catalog)
	}
	if f.Subject == "" {
		f.Subject = f.Service
	}
	p.found = append(p.found, f)
}

// Count is a parameter that is a whole number.
func (p *Pass) Count(key string) int { return int(param[int64](p, key)) }

// Number is a parameter that is a number.
func (p *Pass) Number(key string) float64 { return param[float64](p, key) }

// Duration is a parameter that is a duration.
func (p *Pass) Duration(key string) unit.Duration { return param[unit.Duration](p, key) }

// Ratio is a parameter that is a share of a whole.
func (p *Pass) Ratio(key string) unit.Ratio { return param[unit.Ratio](p, key) }

// Words is a parameter that is a list of words.
func (p *Pass) Words(key string) []string { return param[[]string](p, key) }

// param is a parameter as configured, else its default. To ask for one that the rule
// does not have is a fault of the rule.
func param[T any](p *Pass, key string) T {
	for _, q := range p.rule.Params {
		if q.Key == key {
			if v, ok := p.config.param(p.rule, key); ok {
				return v.(T)
			}
			return q.Default.(T)
		}
	}
	panic("audit: " + p.rule.ID + " has no parameter " + key)
}
