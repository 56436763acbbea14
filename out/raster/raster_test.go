package raster

import (
	"bytes"
	"image/color"
	"image/png"
	"math"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func picture(body string) []byte {
	return []byte(`<svg xmlns="http://www.w3.org/2000/svg" width="40" height="20"><style>
.red{fill:#ff0000}
g .blue,circle{fill:#0000ff}
.thin{fill:none;stroke:#00ff00;stroke-width:2}
.odd .red{fill:#00ffff}
@media (prefers-color-scheme:dark){.red{fill:#000000}}
@keyframes a1{0%{opacity:0}}
</style>` + body + `</svg>`)
}

// at paints a picture and returns the colour of a pixel of it.
func at(t *testing.T, body string, scale float64, x, y int) color.NRGBA {
	t.Helper()
	var b bytes.Buffer
	if err := PNG(&b, picture(body), Options{Scale: scale}); err != nil {
		t.Fatal(err)
	}
	m, err := png.Decode(&b)
	if err != nil {
		t.Fatal(err)
	}
	return color.NRGBAModel.Convert(m.At(x, y)).(color.NRGBA)
}

var (
	red   = color.NRGBA{255, 0, 0, 255}
	green = color.NRGBA{0, 255, 0, 255}
	blue  = color.NRGBA{0, 0, 255, 255}
	cyan  = color.NRGBA{0, 255, 255, 255}
	white = color.NRGBA{255, 255, 255, 255}
)

func TestElements(t *testing.T) {
	for _, c := range []struct {
		body  string
		scale float64
		x, y  int
		want  color.NRGBA
	}{
		{`<rect class="red" width="10" height="10"/>`, 1, 5, 5, red},
		{`<rect class="red" width="10" height="10"/>`, 1, 12, 5, white},
		{`<rect class="red" width="10" height="10"/>`, 2, 18, 5, red},
		{`<rect class="red" width="10" height="10" rx="5"/>`, 1, 0, 0, white}, // a corner is round
		{`<rect class="blue" width="10" height="10"/>`, 1, 5, 5, color.NRGBA{A: 255}},
		{`<g><rect class="blue" width="10" height="10"/></g>`, 1, 5, 5, blue},
		{`<g class="odd"><rect class="red" width="10" height="10"/></g>`, 1, 5, 5, cyan}, // two classes weigh more
		{`<circle cx="20" cy="10" r="8"/>`, 1, 20, 10, blue},
		{`<circle cx="20" cy="10" r="8"/>`, 1, 13, 3, white},
		{`<g transform="translate(20 0) scale(2)"><rect class="red" width="5" height="5"/></g>`, 1, 28, 8, red},
		{`<g opacity="0"><rect class="red" width="10" height="10"/></g>`, 1, 5, 5, white},
		{`<path class="red" d="M0 0h10v10H0Z"/>`, 1, 5, 5, red},
		{`<path class="thin" d="M0 10H40"/>`, 1, 20, 10, green},
		{`<path class="thin" d="M0 10H40"/>`, 1, 20, 14, white},
		{`<path class="red" d="M10 0a10 10 0 0 1 0 20Z"/>`, 1, 18, 10, red},
		{`<path class="red" d="M10 0a10 10 0 0 1 0 20Z"/>`, 1, 5, 10, white},
		{`<title>a <b>title</b> is not seen</title>`, 1, 5, 5, white},
	} {
		if got := at(t, c.body, c.scale, c.x, c.y); got != c.want {
			t.Errorf("%s: %v at %d,%d", c.body, got, c.x, c.y)
		}
	}
	if got := at(t, `<g opacity="0.5"><rect class="red" width="10" height="10"/></g>`, 1, 5, 5); got.R != 255 || got.G < 126 || got.G > 129 {
		t.Errorf("half of red is %v", got)
	}
}

func TestWhatIsNotKnownIsAnError(t *testing.T) {
	for _, body := range []string{`<image href="x"/>`, `<rect transform="rotate(3)"/>`, `<path d="M0 0X"/>`, `<path d="L"/>`, `<g class="red"`, `<foreignObject/>`, `<rect fill="url(#x)" width="1" height="1"/>`} {
		if err := PNG(&bytes.Buffer{}, picture(body), Options{}); err == nil {
			t.Errorf("%s is painted", body)
		}
	}
	if err := PNG(&bytes.Buffer{}, []byte(`<svg width="0" height="9"/>`), Options{}); err == nil {
		t.Error("a picture of nothing is painted")
	}
}

// TestBigPicturesShrink: a picture has no more than so many pixels.
func TestBigPicturesShrink(t *testing.T) {
	m, err := paint([]byte(`<svg width="100000" height="60000"/>`), Options{Scale: 2})
	if err != nil {
		t.Fatal(err)
	}
	if b := m.Bounds(); b.Dx()*b.Dy() > MostPixels || b.Dx() < 9000 {
		t.Errorf("%v", b)
	}
}

// area of all lines of a shape that turn the same way, by the shoelace formula.
func area(s shape) float64 {
	sum := 0.0
	for _, line := range s {
		n := len(line.points)
		for i, a := range line.points {
			b := line.points[(i+1)%n]
			sum += (a.x*b.y - b.x*a.y) / 2
		}
	}
	return sum
}

func TestPaths(t *testing.T) {
	for d, want := range map[string]float64{
		"M0 0H10V10H0Z":                         100,
		"m0 0h10v10h-10z":                       100,
		"M0,0L10,0 10,10 0,10Z":                 100,
		"M0 0h10v10h-10zm2 2v2h2v-2z":           96, // a hole turns the other way
		"M0-5a5 5 0 0 1 0 10a5 5 0 0 1 0-10Z":   math.Pi * 25,
		"M0 0A5 5 0 1 1 0 10A5 5 0 1 1 0 0Z":    math.Pi * 25,
		"M0 0Q5 10 10 0Z":                       -100.0 / 3,
		"M0 0C0 5.523 4.477 10 10 10V0Z":        -100 * math.Pi / 4,
		"M0 0C0 1 0 2 0 3S0 5 0 6H6V0Z":         -36,
		"M1.5.5 2.5.5 2.5 1.5 1.5 1.5Z":         1,
		"M0 0H1e1V10H0ZM20 0H30V10H20Z":         200,
		"M8 2.5a5.5 5.5 0 0 1 0 11Z":            math.Pi * 5.5 * 5.5 / 2,
		"M3.5 2v5m0 3.5V14M8 2v2m0 3.5V14":      0,
		"M6 1.200c1.4 1 2.7 1.3 3.9 1.400v3Z":   area(must("M6 1.2c1.4 1 2.7 1.3 3.9 1.4v3Z")),
		"M0 0a5 5 0 0110 0zM0 0":                area(must("M0 0a5 5 0 0 1 10 0z")), // flags without spaces
		"M 10 10 h 0.5 v .5 h -.5 z M 0 0 h 0 ": 0.25,
	} {
		s, err := parsePath(d)
		if err != nil {
			t.Errorf("%q: %v", d, err)
			continue
		}
		if got := area(s); math.Abs(got-want) > 0.01*math.Abs(want)+0.001 {
			t.Errorf("%q has an area of %v instead of %v", d, got, want)
		}
	}
}

func must(d string) shape {
	s, err := parsePath(d)
	if err != nil {
		panic(err)
	}
	return s
}

// TestDashes: dashes are as long as the pattern says, together.
func TestDashes(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		pattern := rapid.SliceOfN(rapid.Float64Range(0.5, 9), 2, 2).Draw(t, "pattern")
		length := rapid.Float64Range(1, 200).Draw(t, "length")
		line := shape{{points: []point{{0, 0}, {length / 3, 0}, {length, 0}}}}
		sum := 0.0
		for _, dash := range line.dashed(pattern) {
			sum += dash.points[len(dash.points)-1].x - dash.points[0].x
		}
		period := pattern[0] + pattern[1]
		want := math.Floor(length/period)*pattern[0] + math.Min(pattern[0], math.Mod(length, period))
		if math.Abs(sum-want) > 1e-6*length+1e-3 {
			t.Fatalf("%v of %v instead of %v", sum, length, want)
		}
	})
}

// TestStrokes: all parts of a stroke turn the same way, so that none is taken out.
func TestStrokes(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		line := polyline{closed: rapid.Bool().Draw(t, "closed")}
		for range rapid.IntRange(2, 9).Draw(t, "points") {
			line.points = append(line.points, point{rapid.Float64Range(-50, 50).Draw(t, "x"), rapid.Float64Range(-50, 50).Draw(t, "y")})
		}
		for _, part := range (shape{line}).stroked(3, true) {
			if area(shape{part}) < 0 {
				t.Fatalf("%v turns the wrong way", part)
			}
		}
	})
}

// TestTextKeepsItsWidth: letters are narrowed to what was measured, and no more.
func TestTextKeepsItsWidth(t *testing.T) {
	right := func(o Options) int {
		m, err := paint([]byte(`<svg width="300" height="30"><text x="0" y="20">Hamburgefonstiv ✓ 日本</text></svg>`), o)
		if err != nil {
			t.Fatal(err)
		}
		last := 0
		for x := range m.Bounds().Dx() {
			for y := range m.Bounds().Dy() {
				if m.RGBAAt(x, y).R < 128 {
					last = x
				}
			}
		}
		return last
	}
	wide := right(Options{})
	narrow := right(Options{Width: func(string, float64, bool) float64 { return 100 }})
	if wide < 150 || narrow > 100 || narrow < 90 {
		t.Errorf("%d pixels, and narrowed to 100 units %d", wide, narrow)
	}
}

func FuzzPath(f *testing.F) {
	for _, d := range []string{"M0 0H10V10Z", "m1 1a2 2 0 0 1 3 3s1 1 2 2", "M1e9 0L-1e9 1", "M0 0A0 0 0 0 0 1 1", "M.5.5.5.5", "M--1", "Z", ""} {
		f.Add(d)
	}
	f.Fuzz(func(t *testing.T, d string) {
		if len(d) > 2000 {
			return
		}
		s, err := parsePath(d)
		if err != nil {
			return
		}
		s.bounds()
		if strings.Count(d, ".") < 50 {
			s.stroked(1, true)
		}
	})
}
