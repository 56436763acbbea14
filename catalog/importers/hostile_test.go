package importers

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/knockon/knockon/catalog"
)

// hostile are files that mean harm, by what they do; what takes its harm from its
// size is smaller by a factor.
func hostile(smaller int) map[string]string {
	deep := func(open string, n int) string { return strings.Repeat(open, n/smaller) }
	laughs := "services:\n  a0: &a0 {image: x}\n"
	for i := 1; i <= 40; i++ {
		laughs += fmt.Sprintf("  a%d: &a%d [*a%d, *a%d, *a%d]\n", i, i, i-1, i-1, i-1)
	}
	merges := "x0: &m0 {a: 1}\n"
	for i := 1; i <= 60; i++ {
		merges += fmt.Sprintf("x%d: &m%d\n  <<: [*m%d, *m%d]\n  k%d: *m%d\n", i, i, i-1, i-1, i, i-1)
	}
	doubling := "A0=http://db\n"
	for i := 1; i <= 60; i++ {
		doubling += fmt.Sprintf("A%d=$A%d$A%d\n", i, i-1, i-1)
	}
	group := "digraph {" + strings.Repeat("{", 20)
	for i := range 3000 / smaller {
		group += fmt.Sprintf("n%d;", i)
	}
	group += strings.Repeat("}", 20)
	product := group + " -> " + strings.TrimPrefix(group, "digraph {") + "}"
	return map[string]string{
		"laughs":      laughs,
		"merges":      merges + "services: {a: *m60}\n",
		"self":        "services: &s\n  a: *s\n",
		"doubling":    doubling,
		"deep lists":  deep("[", 1_000_000),
		"deep maps":   deep(`{"a":`, 500_000),
		"deep blocks": deep("- ", 200_000) + "x\n",
		"deep flow":   "services: " + deep("{a: ", 20_000) + "\n",
		"deep dot":    "digraph " + deep("{", 100_000),
		"deep edges":  "digraph { a " + deep("-> a ", 200_000) + "}",
		"product":     product,
		"attributes":  "digraph { a [" + deep("x=1 ", 500_000) + "] }",
		"html":        "digraph { a [label=" + deep("<", 500_000) + "] }",
		"strings":     "digraph { a [label=\"" + deep(`\`, 500_001) + `\`,
		"pluses":      "digraph { a [label=" + deep(`"x" + `, 100_000) + `"y"] }`,
		"numbers":     `[{"parent":"a","child":"b","callCount":1e308},{"parent":"a","child":"b","callCount":1e308},{"parent":"a","child":"c","callCount":99999999999999999999999999}]`,
		"beyond":      `[{"parent":"a","child":"b","callCount":1e999}]`,
		"negative":    `[{"parent":"a","child":"b","callCount":-5}]`,
		"names":       `[{"parent":"` + deep("x", 1_000_000) + `","child":"\u0000\u001b[2J\u202e\"\\\n","callCount":1}]`,
		"blank":       `[{"parent":"  ","child":"\t","callCount":1}]`,
		"halves":      `[{"parent":"\ud800","child":"` + "\xff\xfe" + `","callCount":1}]`,
		"csv":         "from,to\n" + deep("a,b\n", 300_000),
		"quotes":      "from,to\n\"" + deep("a", 3_000_000),
		"commas":      "from,to\n" + deep(",", 3_000_000),
		"labels":      "traces_service_graph_request_total{" + deep(`a="b",`, 100_000) + "} 1\ntraces_service_graph_request_total{client=\"a\",server=\"b",
		"infinite":    "traces_service_graph_request_total{client=\"a\",server=\"b\"} +Inf\ntraces_service_graph_request_total{client=\"a\",server=\"c\"} NaN\n",
		"spans":       `{"resourceSpans":[{"resource":{"attributes":[{"key":"service.name","value":{"stringValue":"a"}}]},"scopeSpans":[{"spans":[` + strings.TrimSuffix(deep(`{"traceId":"1","spanId":"1","parentSpanId":"1","kind":3},`, 50_000), ",") + `]}]}]}`,
		"chain":       chain(20_000 / smaller),
		"circle":      `[{"traceId":"1","id":"1","parentId":"2"},{"traceId":"1","id":"2","parentId":"1","kind":"CLIENT","localEndpoint":{"serviceName":"x"}}]`,
		"anchors":     "services:\n" + deep("  a: &a {}\n", 100_000),
		"documents":   deep("---\n", 500_000),
		"entities":    deep("---\napiVersion: backstage.io/v1alpha1\nkind: Component\nmetadata: {name: a}\nspec: {dependsOn: [a, 'b:c/d', ':/', '${{x}}']}\n", 2_000),
		"nothing":     "",
		"zeros":       deep("\x00", 100_000),
	}
}

// chain is one trace in which every span is below the one before, in one service.
func chain(n int) string {
	var b strings.Builder
	b.WriteString(`{"resourceSpans":[{"resource":{"attributes":[{"key":"service.name","value":{"stringValue":"a"}}]},"scopeSpans":[{"spans":[`)
	for i := range n {
		fmt.Fprintf(&b, `{"traceId":"0000000000000001","spanId":"%016x","parentSpanId":"%016x","kind":3},`, i+1, i)
	}
	return strings.TrimSuffix(b.String(), ",") + `]}]}]}`
}

// TestHostile gives every format every hostile file: it must end soon, take little
// memory, and what it makes must load.
//
// With KNOCKON_LONG=1 the files have their full size.
func TestHostile(t *testing.T) {
	const long, much = 10 * time.Second, 2 << 30
	smaller := 20
	if os.Getenv("KNOCKON_LONG") != "" {
		smaller = 1
	}
	for name, text := range hostile(smaller) {
		for _, format := range Formats() {
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			start := time.Now()
			d := Import([]Input{{format, []File{{Name: "f.env", Data: []byte(text)}, {Name: "f", Data: []byte(text)}}}}, Options{})
			took := time.Since(start)
			runtime.ReadMemStats(&after)
			if took > long {
				t.Errorf("%s as %s took %v", name, format.Name, took)
			}
			if n := after.TotalAlloc - before.TotalAlloc; n > much {
				t.Errorf("%s as %s allocated %d MiB", name, format.Name, n>>20)
			}
			loads(t, d)
		}
		Detect(File{Name: "f", Data: []byte(text)})
	}
}

// TestNoSecrets: values of variables, and what stands before the host in an address,
// get into no output.
func TestNoSecrets(t *testing.T) {
	const secret = "hunter2"
	files := []File{
		{Name: ".env", Data: []byte("PASSWORD=" + secret + "\nBROKEN='" + secret + "\n")},
		{Name: "compose.yaml", Data: []byte(`
services:
  api:
    image: shop/api
    environment:
      DATABASE_URL: "postgres://app:hunter2@db:5432/shop"
      DSN: "app:hunter2@tcp(db:3306)/x"
      PASSWORD: ${PASSWORD}
      OTHER: "${NOT_SET:-hunter2}"
      hunter: hunter2@db
    env_file: hunter.env
  db: {image: postgres}
`)},
	}
	inputs, _ := Group(files)
	d := Import(inputs, Options{})
	said := fmt.Sprint(d.Faults) + string(d.TOML())
	if strings.Contains(said, secret) {
		t.Errorf("a secret is told:\n%s", said)
	}
	if len(d.Needs) != 1 {
		t.Errorf("%d needs were found, and not the one", len(d.Needs))
	}
}

// fuzzFormat is the property of all fuzz targets here: no panic, an end, and a
// catalog that loads and says the same a second time.
func fuzzFormat(f *testing.F, name string, seeds ...string) {
	format, ok := FormatNamed(name)
	if !ok {
		f.Fatalf("there is no format %q", name)
	}
	for _, s := range seeds {
		f.Add([]byte(s))
	}
	files, _ := filepath.Glob(filepath.Join("testdata", name, "*"))
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		file := File{Name: "f", Data: data}
		Detect(file)
		d := Import([]Input{{format, []File{file}}}, Options{Window: 60})
		one := d.TOML()
		if two := Import([]Input{{format, []File{file}}}, Options{Window: 60}).TOML(); !bytes.Equal(one, two) {
			t.Errorf("two imports differ:\n%s\n%s", one, two)
		}
		if len(d.Services) > 0 {
			if _, faults, err := catalog.Load(catalog.Source{Name: "f.toml", Data: one}); err != nil || len(faults) > 0 {
				t.Fatalf("%v %v\n%s", err, faults, one)
			}
		}
	})
}

func FuzzCompose(f *testing.F) {
	fuzzFormat(f, "compose", "services:\n  a: {depends_on: [b], environment: {X: 'http://b:1/'}}\n  b: {image: redis, links: ['a:b']}\n")
}

func FuzzDotEnv(f *testing.F) {
	f.Add("A=b # c\nexport D='e'\nF=\"${A:-x}$D\"\n")
	f.Fuzz(func(t *testing.T, text string) {
		env := make(map[string]string)
		for _, v := range readDotEnv(File{Name: ".env", Data: []byte(text)}, env) {
			if len(v.value) > 2*maxValue+len(text) {
				t.Errorf("a value of %d bytes", len(v.value))
			}
			hostsIn(v.value)
		}
		interpolate(text, map[string]string{"A": "b"}, func(string) {})
	})
}

func FuzzBackstage(f *testing.F) {
	fuzzFormat(f, "backstage", "apiVersion: backstage.io/v1alpha1\nkind: Component\nmetadata: {name: a}\nspec: {owner: x, dependsOn: [resource:b, c]}\n---\nkind: Resource\nmetadata: {name: b}\n")
}

func FuzzJaeger(f *testing.F) {
	fuzzFormat(f, "jaeger", `[{"parent":"a","child":"b","callCount":2}]`, `{"data":[{"spans":[{"spanID":"1","processID":"p"},{"spanID":"2","processID":"q","references":[{"spanID":"1"}]}],"processes":{"p":{"serviceName":"a"},"q":{"serviceName":"b"}}}]}`)
}

func FuzzZipkin(f *testing.F) {
	fuzzFormat(f, "zipkin", `[[{"traceId":"1","id":"1","kind":"CLIENT","localEndpoint":{"serviceName":"a"}},{"traceId":"1","id":"1","kind":"SERVER","shared":true,"localEndpoint":{"serviceName":"b"}}]]`)
}

func FuzzServiceGraph(f *testing.F) {
	fuzzFormat(f, "servicegraph", `{"status":"success","data":{"result":[{"metric":{"client":"a","server":"b"},"value":[1,"2"]}]}}`, "traces_service_graph_request_total{client=\"a\",server=\"b\"} 1\n")
}

func FuzzOTLP(f *testing.F) {
	fuzzFormat(f, "otlp", `{"resourceSpans":[{"resource":{"attributes":[{"key":"service.name","value":{"stringValue":"a"}}]},"scopeSpans":[{"spans":[{"traceId":"AAAAAAAAAAAAAAAAAAAAAQ==","spanId":"AAAAAAAAAAE=","kind":"SPAN_KIND_CLIENT","attributes":[{"key":"db.system","value":{"stringValue":"redis"}}]}]}]}]}`)
}

func FuzzCSV(f *testing.F) { fuzzFormat(f, "csv", "from;to;calls\na;b;2\n") }

func FuzzDOT(f *testing.F) {
	fuzzFormat(f, "dot", "strict digraph x { a:p -> {b c} [label=\"y\"]; subgraph cluster_1 { label=z; d } /* */ \"e\" + \"f\" -> g }", "graph { a -- b }")
}
