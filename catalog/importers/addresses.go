package importers

import (
	"regexp"
	"strings"

	"github.com/knockon/knockon/catalog"
	"github.com/knockon/knockon/catalog/unit"
)

// Addresses in values of environments: URLs, connection strings, plain hosts.

const maxValue = 64 << 10 // of a value that is searched, or made by interpolation

var (
	addressURL  = regexp.MustCompile(`[A-Za-z][A-Za-z0-9+.-]*://([^/\s?#"'<>]+)`)
	addressPair = regexp.MustCompile(`(?i)(?:^|[;,\s])(?:host|hosts|hostname|server|servers|data source|addr|address|endpoint)\s*=\s*([^;,\s]+)`)
	addressCall = regexp.MustCompile(`(?i)\b(?:tcp|udp)\(([^)]+)\)`)
	addressHost = regexp.MustCompile(`^([A-Za-z0-9_](?:[A-Za-z0-9_.-]*[A-Za-z0-9_])?)(?::[0-9]{1,5})?(?:/.*)?$`)
)

// hostsIn returns the hosts a value names, in its order. A word that stands alone
// may be a host too; whether one of that name exists is the caller's to know.
func hostsIn(value string) []string {
	if len(value) > maxValue {
		return nil
	}
	var hosts []string
	add := func(authority string) {
		if i := strings.LastIndexByte(authority, '@'); i >= 0 {
			authority = authority[i+1:] // what stands before may be a password
		}
		for part := range strings.SplitSeq(authority, ",") {
			part = strings.TrimPrefix(part, "tcp:")
			if m := addressHost.FindStringSubmatch(strings.TrimSpace(part)); m != nil {
				hosts = append(hosts, m[1])
			}
		}
	}
	for _, m := range addressURL.FindAllStringSubmatch(value, 100) {
		add(m[1])
	}
	rest := addressURL.ReplaceAllString(value, "")
	for _, pattern := range []*regexp.Regexp{addressPair, addressCall} {
		for _, m := range pattern.FindAllStringSubmatch(rest, 100) {
			add(m[1])
		}
	}
	if rest == value {
		for word := range strings.FieldsFuncSeq(value, func(r rune) bool { return strings.ContainsRune(",; \t\n", r) }) {
			add(strings.Trim(word, `"'`))
		}
	}
	return hosts
}

var telemetry = regexp.MustCompile(`^(OTEL_(EXPORTER|COLLECTOR)|PUBLIC_OTEL_|JAEGER_(AGENT|ENDPOINT)|ZIPKIN_|DD_(AGENT|TRACE)|STATSD_)`)

// called is what a variable with an address says of the need for the one it names.
func (d *Draft) called(from *Service, on string, v variable) Claim {
	c := Claim{At: v.at, Rule: "env " + cleanName(v.name), Inferred: true}
	target := d.Service(cleanName(on))
	switch {
	case telemetry.MatchString(v.name):
		// Exporters drop what they cannot send, and the service goes on; whoever has to
		// heal it is blind.
		c.To, c.For, c.Known, c.Guess = catalog.ToRepair, "telemetry", unit.Guess, "to repair, from the variable's name"
	case from.Kind == catalog.KindTool:
		c.IfLost, c.Known, c.Guess = catalog.Degrade, unit.Guess, "degrade, as a tool observes its target"
	case target != nil && target.Kind == catalog.KindQueue:
		c.Mode, c.Known, c.Guess = catalog.Async, unit.Guess, "async, as the target is a queue"
	}
	return c
}
