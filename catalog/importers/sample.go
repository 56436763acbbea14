package importers

import (
	"bytes"
	"encoding/json"
	"path"
	"regexp"
	"strings"
)

// sampleBytes is how much of a file is looked at to find its format.
const sampleBytes = 256 << 10

// sample is the front of a file, as far as that tells its format.
type sample struct {
	File
	head  []byte
	json  map[string]bool // paths of the keys in the first JSON document, such as "data[].parent"; nil: no JSON
	yaml  map[string]bool // top-level keys of all YAML documents
	kinds map[string]bool // values of top-level apiVersion and kind: "kind=Component"
}

func newSample(f File) *sample {
	s := &sample{File: f, head: f.Data[:min(len(f.Data), sampleBytes)]}
	s.head = bytes.TrimPrefix(s.head, []byte("\xef\xbb\xbf"))
	trimmed := bytes.TrimLeft(s.head, " \t\r\n")
	if len(trimmed) > 0 && (trimmed[0] == '{' || trimmed[0] == '[') {
		s.readJSON(trimmed)
	}
	s.readYAML()
	return s
}

// ext is the extension of the file in lower case, with its dot.
func (s *sample) ext() string { return strings.ToLower(path.Ext(s.base())) }

// has reports whether the JSON document has all these paths.
func (s *sample) has(paths ...string) bool {
	for _, p := range paths {
		if !s.json[p] {
			return false
		}
	}
	return s.json != nil
}

// readJSON collects the paths of keys, of lists only those of the first few items.
func (s *sample) readJSON(data []byte) {
	const deep, few = 6, 3
	s.json = make(map[string]bool)
	d := json.NewDecoder(bytes.NewReader(data))
	d.UseNumber()
	var value func(at string, depth int) error
	value = func(at string, depth int) error {
		token, err := d.Token()
		if err != nil {
			return err
		}
		delim, ok := token.(json.Delim)
		if !ok {
			return nil
		}
		if depth > 200 {
			return errTreeSize
		}
		keep := depth < deep && at != "-"
		for i := 0; d.More(); i++ {
			inner := "-" // not kept
			if delim == '[' {
				if keep && i < few {
					inner = at + "[]"
				}
			} else {
				key, err := d.Token()
				if err != nil {
					return err
				}
				if keep && len(s.json) < 10_000 {
					inner = strings.TrimPrefix(at+"."+key.(string), ".")
					s.json[inner] = true
				}
			}
			if err := value(inner, depth+1); err != nil {
				return err
			}
		}
		_, err = d.Token()
		return err
	}
	_ = value("", 0) // a file cut short, or faulty behind its front, shows its format all the same
}

var (
	yamlKey  = regexp.MustCompile(`(?m)^["']?([A-Za-z_$][A-Za-z0-9_.$/-]*)["']?:(?:[ \t\r]|$)`)
	yamlKind = regexp.MustCompile(`(?m)^(apiVersion|kind):[ \t]*["']?([A-Za-z0-9_./-]+)`)
)

func (s *sample) readYAML() {
	s.yaml, s.kinds = make(map[string]bool), make(map[string]bool)
	for _, m := range yamlKey.FindAllSubmatch(s.head, 1000) {
		s.yaml[string(m[1])] = true
	}
	for _, m := range yamlKind.FindAllSubmatch(s.head, 1000) {
		s.kinds[string(m[1])+"="+string(m[2])] = true
	}
}
