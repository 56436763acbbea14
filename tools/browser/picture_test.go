// Package browser looks at the pictures in a real browser: what Go can only
// estimate (how wide a text is, what a colour comes out as) is measured here.
package browser

import (
	"bytes"
	"context"
	"fmt"
	"image"
	_ "image/png"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
)

var knockon string // the binary under test

func TestMain(m *testing.M) { os.Exit(testMain(m)) }

func testMain(m *testing.M) int {
	dir, err := os.MkdirTemp("", "knockon-browser-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(dir)
	knockon = filepath.Join(dir, "knockon")
	build := exec.Command("go", "build", "-o", knockon, "./cmd/knockon")
	build.Dir = filepath.Join("..", "..")
	if said, err := build.CombinedOutput(); err != nil {
		fmt.Fprintf(os.Stderr, "building knockon: %v\n%s", err, said)
		return 1
	}
	return m.Run()
}

// browser starts Chromium, or skips the test where there is none and none is
// required.
func browser(t *testing.T) context.Context {
	t.Helper()
	found := false
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome"} {
		if _, err := exec.LookPath(name); err == nil {
			found = true
		}
	}
	if !found {
		if os.Getenv("KNOCKON_BROWSER") == "required" {
			t.Fatal("no Chromium found, and KNOCKON_BROWSER=required")
		}
		t.Skip("skipped: no Chromium found")
	}
	options := append(chromedp.DefaultExecAllocatorOptions[:],
		chromedp.NoSandbox, chromedp.DisableGPU,
		chromedp.Flag("disable-quic", true),
		chromedp.Flag("disable-component-update", true),
		chromedp.WSURLReadTimeout(time.Minute),
	)
	allocator, stop := chromedp.NewExecAllocator(t.Context(), options...)
	t.Cleanup(stop)
	ctx, cancel := chromedp.NewContext(allocator)
	t.Cleanup(cancel)
	return ctx
}

// draw runs knockon and returns the file it wrote.
func draw(t *testing.T, args ...string) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "picture.svg")
	command := exec.Command(knockon, append(args, "-o", file)...)
	if said, err := command.CombinedOutput(); err != nil {
		t.Fatalf("knockon %s: %v\n%s", strings.Join(args, " "), err, said)
	}
	return file
}

// faults is run in the page. It returns what a person would trip over: texts that
// stick out of their card or of the picture, cards and texts that cover each
// other, letters too pale to read.
const faults = `(() => {
  const found = [], svg = document.querySelector('svg'), slack = 1.5;
  const box = e => e.getBoundingClientRect();
  const inside = (a, b) => a.left >= b.left - slack && a.right <= b.right + slack && a.top >= b.top - slack && a.bottom <= b.bottom + slack;
  const meet = (a, b) => Math.min(a.right, b.right) - Math.max(a.left, b.left) > slack && Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top) > slack;
  const name = e => JSON.stringify((e.textContent || e.id || e.getAttribute('class') || '').trim().slice(0, 60));
  const whole = box(svg);
  const cards = [...svg.querySelectorAll('.node[id]')].map(n => ({ e: n, card: n.querySelector('.card'), texts: [...n.querySelectorAll('text')] }));
  for (const n of cards) {
    if (!n.card) { found.push('a node without a card: ' + n.e.id); continue; }
    for (const t of n.texts) if (!inside(box(t), box(n.card))) found.push('text sticks out of its card: ' + name(t) + ' in ' + n.e.id);
    for (let i = 0; i < n.texts.length; i++) for (let j = 0; j < i; j++)
      if (meet(box(n.texts[i]), box(n.texts[j]))) found.push('texts cover each other in ' + n.e.id + ': ' + name(n.texts[i]) + ', ' + name(n.texts[j]));
  }
  const free = [...svg.querySelectorAll('text')].filter(t => !t.closest('.node') && t.textContent.trim());
  const boxes = cards.filter(n => n.card).map(n => ({ id: n.e.id, b: box(n.card) }));
  for (let i = 0; i < boxes.length; i++) for (let j = 0; j < i; j++)
    if (meet(boxes[i].b, boxes[j].b)) found.push('cards cover each other: ' + boxes[i].id + ', ' + boxes[j].id);
  const freeBoxes = free.map(t => ({ t, b: box(t) }));
  for (let i = 0; i < freeBoxes.length; i++) {
    if (!inside(freeBoxes[i].b, whole)) found.push('text sticks out of the picture: ' + name(freeBoxes[i].t));
    for (let j = 0; j < i; j++) if (meet(freeBoxes[i].b, freeBoxes[j].b)) found.push('texts cover each other: ' + name(freeBoxes[i].t) + ', ' + name(freeBoxes[j].t));
    for (const c of boxes) if (meet(freeBoxes[i].b, c.b)) found.push('a text lies on a card: ' + name(freeBoxes[i].t) + ', ' + c.id);
  }
  const rgb = s => (s.match(/[\d.]+/g) || [0, 0, 0]).map(Number);
  const light = c => { const [r, g, b] = c.slice(0, 3).map(v => { v /= 255; return v <= .04045 ? v / 12.92 : ((v + .055) / 1.055) ** 2.4; }); return .2126 * r + .7152 * g + .0722 * b; };
  for (const n of cards) if (n.card) for (const t of n.texts) {
    const a = light(rgb(getComputedStyle(t).fill)), b = light(rgb(getComputedStyle(n.card).fill));
    const contrast = (Math.max(a, b) + .05) / (Math.min(a, b) + .05);
    if (contrast < 4.5) found.push('contrast ' + contrast.toFixed(2) + ' of ' + name(t) + ' in ' + n.e.id);
  }
  return { nodes: cards.length, paper: getComputedStyle(svg.querySelector('.page') || svg).fill, found: found.slice(0, 20) };
})()`

type look struct {
	Nodes int      `json:"nodes"`
	Paper string   `json:"paper"`
	Found []string `json:"found"`
}

func TestPictures(t *testing.T) {
	ctx := browser(t)
	dir := t.TempDir()
	write := func(name, text string) string {
		file := filepath.Join(dir, name)
		if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		return file
	}
	hostile := write("hostile.toml", hostileCatalog)
	for _, c := range []struct {
		name string
		args []string
	}{
		{"the outage", []string{"blast", "dynamodb-dns", "-c", "aws-us-east-1"}},
		{"the outage, two minutes", []string{"blast", "dynamodb-dns", "-c", "aws-us-east-1", "--for", "2m"}},
		{"a leaf", []string{"blast", "support-center", "-c", "aws-us-east-1"}},
		{"two roots", []string{"blast", "nlb", "iam", "-c", "aws-us-east-1"}},
		{"the whole of AWS", []string{"render", "-c", "aws-us-east-1"}},
		{"a shop", []string{"blast", "postgres-primary", "-c", "web-shop"}},
		{"the whole shop", []string{"render", "-c", "web-shop"}},
		{"8 services", []string{"blast", "s0", "-c", write("8.toml", generated(8))}},
		{"80 services", []string{"blast", "s0", "-c", write("80.toml", generated(80))}},
		{"80 services, whole", []string{"render", "-c", write("80.toml", generated(80))}},
		{"800 services", []string{"blast", "s0", "-c", write("800.toml", generated(800))}},
		{"800 services, whole", []string{"render", "-c", write("800.toml", generated(800))}},
		{"hostile names", []string{"blast", "root", "-c", hostile}},
		{"hostile names, whole", []string{"render", "-c", hostile}},
	} {
		t.Run(c.name, func(t *testing.T) {
			file := draw(t, c.args...)
			papers := make(map[string]string)
			for _, scheme := range []string{"light", "dark"} {
				seen, picture := open(t, ctx, file, scheme)
				if seen.Nodes == 0 {
					t.Error("there is no node in the picture")
				}
				for _, f := range seen.Found {
					t.Errorf("%s: %s", scheme, f)
				}
				papers[scheme] = seen.Paper
				if n := colours(t, picture); n < 8 {
					t.Errorf("%s: only %d colours: is the picture empty?", scheme, n)
				}
			}
			if papers["light"] == papers["dark"] {
				t.Errorf("the paper is %s in light and in dark", papers["light"])
			}
		})
	}
}

// TestNothingRuns: a picture of hostile names runs no script and asks for nothing.
func TestNothingRuns(t *testing.T) {
	ctx := browser(t)
	file := filepath.Join(t.TempDir(), "hostile.toml")
	if err := os.WriteFile(file, []byte(hostileCatalog), 0o644); err != nil {
		t.Fatal(err)
	}
	open(t, ctx, draw(t, "blast", "root", "-c", file), "light")
	ran := evaluate[bool](t, ctx, `'ran' in window`)
	scripts := evaluate[int](t, ctx, `document.querySelectorAll('script, foreignObject, image, a, [onload], [onclick], [onerror]').length`)
	resources := evaluate[int](t, ctx, `performance.getEntriesByType('resource').length`)
	if ran || scripts > 0 || resources > 0 {
		t.Errorf("a script ran: %v; %d active elements; %d files asked for", ran, scripts, resources)
	}
}

// open shows a picture in a colour scheme; it returns what is wrong with it and
// how it looks.
func open(t *testing.T, ctx context.Context, file, scheme string) (look, []byte) {
	t.Helper()
	err := chromedp.Do(ctx,
		chromedp.Func(func(ctx context.Context, target *chromedp.Target) error {
			_, err := cdp.Call(ctx, target, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
				Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}},
			})
			return err
		}),
		chromedp.Navigate("file://"+file),
	)
	if err != nil {
		t.Fatal(err)
	}
	seen := evaluate[look](t, ctx, faults)
	picture, err := chromedp.Run(ctx, chromedp.CaptureScreenshot())
	if err != nil {
		t.Fatal(err)
	}
	return seen, picture
}

func evaluate[T any](t *testing.T, ctx context.Context, script string) T {
	t.Helper()
	v, err := chromedp.Run(ctx, chromedp.Evaluate[T](script))
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// colours counts the colours of a screenshot.
func colours(t *testing.T, data []byte) int {
	t.Helper()
	picture, _, err := image.Decode(bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	seen := make(map[[3]uint32]bool)
	b := picture.Bounds()
	for y := b.Min.Y; y < b.Max.Y; y += 2 {
		for x := b.Min.X; x < b.Max.X; x += 2 {
			r, g, bl, _ := picture.At(x, y).RGBA()
			seen[[3]uint32{r, g, bl}] = true
		}
	}
	return len(seen)
}

const hostileCatalog = `
title = "<script>window.ran=1</script> & \"quotes\" ]]>"
[service.root]
title = "\"];evil[label=\"x"
[service."<script>window.ran=1</script>"]
group = "<img src=x onerror=window.ran=1>"
needs = ["root"]
[service."a\"b'c&d;e"]
title = "line one\nline two \\N \\l {record|<p>} 😀 日本語のとても長い名前のサービスです"
needs = [{ on = "root", for = "]]> <b>bold</b>" }]
[service."javascript:window.ran=1"]
title = "` + strings500 + `"
needs = [{ on = "root", if_lost = "degrade" }]
[service."right\u202eleft"]
needs = [{ on = "root", mode = "async" }]
[service.safe]
needs = [{ on = "root", if_lost = "fallback" }]
`

const strings500 = "Wide Mixed wwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWW"

// generated is a catalog of n services in layers: every service needs up to three
// of those before it, in one of all the ways there are.
func generated(n int) string {
	r := rand.New(rand.NewPCG(20, 10))
	forms := []string{
		`{ on = "%s" }`, `{ on = "%s" }`, `{ on = "%s", if_lost = "degrade" }`, `{ on = "%s", if_lost = "fallback" }`,
		`{ on = "%s", if_lost = "stale", ttl = "5m" }`, `{ on = "%s", mode = "async" }`, `{ on = "%s", to = "scale" }`, `{ on = "%s", to = "repair" }`,
	}
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, "[service.s%d]\ntitle = \"Service number %d\"\ngroup = \"group-%d\"\ntier = %d\nneeds = [", i, i, i*12/n, i%4)
		named := make(map[int]bool)
		for range min(i, 1+r.IntN(3)) {
			to := r.IntN(i)
			if r.IntN(3) == 0 {
				to = 0
			}
			if !named[to] {
				named[to] = true
				fmt.Fprintf(&b, forms[r.IntN(len(forms))]+", ", fmt.Sprintf("s%d", to))
			}
		}
		b.WriteString("]\n")
	}
	return b.String()
}
