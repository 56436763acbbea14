package out

import (
	"fmt"
	"io"
	"strconv"
	"strings"
)

// backstageID is the annotation that keeps the ID of a service whose name Backstage
// does not allow.
const backstageID = "knockon.github.io/id"

// writeBackstage writes the entities of a software catalog: components and resources
// with what they depend on. What Backstage demands and a catalog does not state, such
// as a lifecycle, is "unknown".
//
// Source: https://backstage.io/docs/features/software-catalog/descriptor-format
func writeBackstage(w io.Writer, r Report, _ Options) error {
	m, ok := r.(*Map)
	if !ok {
		return unsupported("backstage", r)
	}
	names := backstageNames(m)
	needs := make([][]int, len(m.Services))
	for _, l := range m.Links {
		if n := len(needs[l.From]); n == 0 || needs[l.From][n-1] != l.To {
			needs[l.From] = append(needs[l.From], l.To)
		}
	}
	var b strings.Builder
	for i := range m.Services {
		s := &m.Services[i]
		kind := backstageKind(s)
		fmt.Fprintf(&b, "---\napiVersion: backstage.io/v1alpha1\nkind: %s\nmetadata:\n  name: %s\n", kind, names[i])
		if names[i] != s.ID {
			fmt.Fprintf(&b, "  annotations:\n    %s: %s\n", backstageID, yamlQuote(s.ID))
		}
		if s.Title != s.ID && s.Title != "" {
			fmt.Fprintf(&b, "  title: %s\n", yamlQuote(s.Title))
		}
		if s.Description != "" {
			fmt.Fprintf(&b, "  description: %s\n", yamlQuote(s.Description))
		}
		if s.Tier != nil {
			fmt.Fprintf(&b, "  labels:\n    tier: \"%d\"\n", *s.Tier)
		}
		fmt.Fprintf(&b, "spec:\n  type: %s\n", s.Kind)
		if kind == "Component" {
			b.WriteString("  lifecycle: unknown\n")
		}
		owner := s.Owner
		if owner == "" {
			owner = "unknown"
		}
		fmt.Fprintf(&b, "  owner: %s\n", yamlQuote(owner))
		if s.Group != "" {
			fmt.Fprintf(&b, "  system: %s\n", backstageName(s.Group))
		}
		if len(needs[i]) > 0 {
			b.WriteString("  dependsOn:\n")
		}
		for _, to := range needs[i] {
			fmt.Fprintf(&b, "    - %s:default/%s\n", strings.ToLower(backstageKind(&m.Services[to])), names[to])
		}
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// backstageKind tells what people run from what they use.
func backstageKind(s *Service) string {
	switch s.Kind {
	case "database", "queue", "cache", "dns", "external":
		return "Resource"
	}
	return "Component"
}

// backstageNames gives every service a name that Backstage allows, each another one,
// whatever the case of its letters.
func backstageNames(m *Map) []string {
	names := make([]string, len(m.Services))
	taken := make(map[string]bool)
	for i := range m.Services {
		name := backstageName(m.Services[i].ID)
		for n := 2; taken[strings.ToLower(name)]; n++ {
			suffix := "-" + strconv.Itoa(n)
			base := backstageName(m.Services[i].ID)
			name = base[:min(len(base), 63-len(suffix))] + suffix
		}
		taken[strings.ToLower(name)] = true
		names[i] = name
	}
	return names
}

// backstageName is a text as a name: letters and digits with one of -_. between them,
// 63 of them at most.
func backstageName(s string) string {
	var b strings.Builder
	for _, r := range s {
		switch {
		case r >= 'a' && r <= 'z', r >= 'A' && r <= 'Z', r >= '0' && r <= '9', r == '-', r == '_', r == '.':
			b.WriteRune(r)
		default:
			b.WriteByte('-')
		}
	}
	name := strings.Trim(b.String()[:min(b.Len(), 63)], "-_.")
	if name == "" {
		return "unnamed"
	}
	return name
}

// yamlQuote is a text in double quotes, where YAML has the escapes of JSON.
func yamlQuote(s string) string { return jsonQuote(printable(s)) }
