package out

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/knockon/knockon/graph"
	"github.com/knockon/knockon/propagate"
)

var (
	inlineStyle   = regexp.MustCompile(`(?s)<style>(.*?)</style>`)
	inlineScript  = regexp.MustCompile(`(?s)<script>(.*?)</script>`)
	inlineData    = regexp.MustCompile(`(?s)<script type="application/json" id="data">(.*?)</script>`)
	contentPolicy = regexp.MustCompile(`content="(default-src[^"]*)"`)
)

// bareHTML is a page without what is the same in every page.
func bareHTML(page []byte) []byte {
	for _, x := range []*regexp.Regexp{inlineStyle, inlineScript} {
		page = x.ReplaceAll(page, nil)
	}
	return regexp.MustCompile(`sha256-[^']*`).ReplaceAll(page, []byte("sha256-…"))
}

func TestPages(t *testing.T) {
	c, g := loadShop(t, shop)
	for name, r := range map[string]Report{
		"run":   replayed(t),
		"blast": blastOf(t, c, g, graph.Options{}, "audit", "kv-a"),
	} {
		page := written(t, "html", r)
		golden(t, filepath.Join("testdata", name+".page.html"), bareHTML(page))
		checkPage(t, name, page)
	}
}

// checkPage holds what must be so of every page: its policy lets run what it has and
// nothing else, it is well formed, and it names nothing outside.
func checkPage(t *testing.T, name string, page []byte) pageData {
	t.Helper()
	policy := contentPolicy.FindSubmatch(page)
	if policy == nil {
		t.Fatalf("%s has no policy", name)
	}
	for _, x := range []*regexp.Regexp{inlineStyle, inlineScript} {
		all := x.FindAllSubmatch(page, -1)
		if len(all) != 1 || !bytes.Contains(policy[1], []byte(hashOf(string(all[0][1])))) {
			t.Errorf("%s: %d of %v, or it is not in the policy", name, len(all), x)
		}
	}
	if want := regexp.MustCompile(`^default-src 'none'; base-uri 'none'; form-action 'none'; style-src 'sha256-[^']+'; script-src 'sha256-[^']+'$`); !want.Match(policy[1]) {
		t.Errorf("%s: the policy is %s", name, policy[1])
	}
	if n := bytes.Count(bytes.ToLower(page), []byte("<script")); n != 2 {
		t.Errorf("%s has %d scripts", name, n)
	}
	bare := bareHTML(page)
	data := inlineData.FindSubmatch(bare)
	var d pageData
	if data == nil {
		t.Fatalf("%s has no data", name)
	}
	var loose map[string]any
	if err := json.Unmarshal(data[1], &loose); err != nil {
		t.Errorf("%s: %v", name, err)
	}
	bare = inlineData.ReplaceAll(bare, nil)
	for _, word := range []string{" style=", " onclick", " onload", " onerror", "javascript:", "http://", "https://", "src="} {
		rest := bytes.ReplaceAll(bare, []byte(`xmlns="http://www.w3.org/2000/svg"`), nil)
		if tags := regexp.MustCompile(`<[^>]*`+word).FindAll(rest, 2); len(tags) > 0 {
			t.Errorf("%s has %q in %q", name, word, tags)
		}
	}
	// What is open is closed, in order; HTML's own way of leaving tags open is known.
	decoder := xml.NewDecoder(bytes.NewReader(bytes.TrimPrefix(bare, []byte("<!DOCTYPE html>"))))
	decoder.Strict, decoder.AutoClose, decoder.Entity = true, []string{"meta"}, nil
	bare = regexp.MustCompile(`(<meta[^>]*)>`).ReplaceAll(bare, []byte("$1/>"))
	bare = bytes.ReplaceAll(bare, []byte(" hidden>"), []byte(` hidden="">`))
	decoder = xml.NewDecoder(bytes.NewReader(bytes.TrimPrefix(bare, []byte("<!DOCTYPE html>"))))
	ids := make(map[string]bool)
	for {
		token, err := decoder.Token()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Errorf("%s: %v", name, err)
			break
		}
		if e, ok := token.(xml.StartElement); ok {
			for _, a := range e.Attr {
				if a.Name.Local == "id" {
					if ids[a.Value] {
						t.Errorf("%s: two elements are called %q", name, a.Value)
					}
					ids[a.Value] = true
				}
			}
		}
	}
	return d
}

// TestPageOfUntrustedNames: no name gets out of its place, in words, pictures or data.
func TestPageOfUntrustedNames(t *testing.T) {
	checkPage(t, "blast", written(t, "html", untrusted()))
	r := fixedReport(t)
	r.Title, r.Catalog, r.Description = hostile[0], hostile[3], strings.Join(hostile, " ")
	names := append(slices.Clone(hostile), strings.Repeat("x", 10_000))
	for i := range r.Services {
		s, m := &r.Services[i], &r.Map.Services[i]
		s.ID, s.Title = names[len(names)-1-i]+" <b>", names[2*i+1]
		m.ID, m.Title, m.Group, m.Owner = s.ID, s.Title, names[2*i], names[3*i]
	}
	for i := range r.Impaired {
		r.Impaired[i].Because, r.Impaired[i].Evidence = strings.Join(hostile, " ← "), hostile[i]
	}
	for i := range r.Events {
		r.Events[i].Text = hostile[i]
	}
	r.Tabs = []Tab{{Title: hostile[0], Report: r}}
	page := written(t, "html", r)
	checkPage(t, "run", page)
	data := inlineData.FindSubmatch(page)[1]
	if bytes.ContainsAny(data, "<>&\u2028\u2029\u202e\u200b") {
		t.Error("the data hold what HTML or a reader could take for something else")
	}
}

// TestPageOfAThousand stays below two million bytes, however much flaps.
func TestPageOfAThousand(t *testing.T) {
	r := fixedReport(t)
	model, worst := r.Services[3], r.Impaired[2]
	r.Map = nil
	for i := range 1000 {
		s := model
		s.ID, s.Title = fmt.Sprintf("service-%04d", i), fmt.Sprintf("Service number %d", i)
		s.Windows = nil
		for k := range 60 {
			at := float64(4*k) + float64(i%7)/10
			s.Windows = append(s.Windows, propagate.Window{From: at, To: at + 1, State: propagate.Delayed})
		}
		r.Services = append(r.Services, s)
		worst.Service = len(r.Services) - 1
		r.Impaired = append(r.Impaired, worst)
	}
	page := written(t, "html", r)
	if len(page) > 2_000_000 {
		t.Errorf("%d bytes", len(page))
	}
	checkPage(t, "a thousand", page)
}
