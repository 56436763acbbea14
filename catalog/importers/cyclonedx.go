package importers

import (
	"bytes"
	"cmp"
	"strings"

	"github.com/knockon/knockon/catalog"
)

// cyclonedx reads the services of a bill of materials, and what it is the bill of.
// Libraries and other components are no services; needs between them are dropped.
//
// Source: https://cyclonedx.org/docs/1.6/json/
var cyclonedx = Format{
	Name:  "cyclonedx",
	Title: "CycloneDX",
	What:  "a bill of materials in JSON that lists services",
	detects: func(s *sample) bool {
		return s.json["bomFormat"] || s.has("specVersion", "services") || isCycloneXML(s.head)
	},
	reads: func(d *Draft, files []File, _ Options) {
		for _, f := range files {
			if isCycloneXML(f.Data[:min(len(f.Data), sampleBytes)]) {
				d.Errorf(f.whole(), "cyclonedx convert --input-file "+f.base()+" --output-format json", "this is a bill of materials in XML; convert it to JSON")
				continue
			}
			t, err := readJSONTree(f.Data)
			if err != nil {
				d.Errorf(f.whole(), "", "this is no bill of materials in JSON: %v", jsonError(err))
				continue
			}
			r := &cycloneReader{d: d, f: f, ids: make(map[string]string), components: make(map[string]bool)}
			r.read(t)
		}
	},
}

func isCycloneXML(head []byte) bool {
	return bytes.HasPrefix(bytes.TrimLeft(head, " \t\r\n\ufeff"), []byte("<")) && bytes.Contains(head, []byte("cyclonedx.org/schema/bom"))
}

type cycloneReader struct {
	d          *Draft
	f          File
	ids        map[string]string // of services, by reference
	components map[string]bool   // references of libraries and the like
}

func (r *cycloneReader) read(t *tree) {
	r.services(t.get("services"))
	services := len(r.ids)
	if whole := t.get("metadata", "component"); whole != nil {
		if s := r.declare(whole); s != nil && whole.get("type").str() == "application" && s.Kind == catalog.KindService {
			s.Kind = catalog.KindApplication
		}
	}
	r.others(t.get("components"))
	if services == 0 {
		r.d.Warnf(r.f.whole(), "use a bill of materials of a system (SaaSBOM)", "this bill of materials lists no services, only what programs are made of")
	}
	for _, dependency := range t.get("dependencies").list() {
		ref := dependency.get("ref").str()
		from := r.ids[ref]
		if from == "" {
			if !r.components[ref] && ref != "" {
				r.d.Warnf(r.f.at(dependency.line), "", "%q has dependencies and is described nowhere", cleanName(ref))
			}
			continue
		}
		for _, on := range dependency.get("dependsOn").strs() {
			id := r.ids[on.text]
			switch {
			case r.components[on.text] && id == "":
				continue
			case id == "":
				id = on.text
				r.d.Warnf(r.f.at(on.line), "", "%q depends on %q, which is described nowhere", from, cleanName(on.text))
			}
			r.d.Need(from, id, Claim{At: r.f.at(on.line), Rule: "dependsOn"})
		}
	}
}

// services declares services and those in them.
func (r *cycloneReader) services(list *tree) {
	for _, t := range list.list() {
		r.declare(t)
		r.services(t.get("services")) // no deeper than trees are
	}
}

// declare notes a service, named by its reference, or by its name where it has none.
func (r *cycloneReader) declare(t *tree) *Service {
	ref := cmp.Or(t.get("bom-ref").str(), t.get("name").str())
	id := cleanName(ref)
	if id == "" {
		return nil
	}
	r.ids[ref] = id
	s := r.d.Declare(id, r.f.at(t.line))
	s.Title, s.Description = t.get("name").str(), t.get("description").str()
	s.Group = cleanGroup(t.get("group").str())
	s.Owner = t.get("provider", "name").str()
	for word := range strings.FieldsSeq(t.get("name").str()) {
		s.guessKind(word, "from its name")
	}
	return s
}

// others notes the references of components, which are no services.
func (r *cycloneReader) others(list *tree) {
	for _, t := range list.list() {
		if ref := t.get("bom-ref").str(); ref != "" {
			r.components[ref] = true
		}
		r.others(t.get("components"))
	}
}
