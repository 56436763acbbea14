package cli

import (
	"io"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// liveStorm is a page that is served on port 8080, and the folder of its files.
func liveStorm(t *testing.T) (*live, string) {
	t.Helper()
	dir := t.TempDir()
	for name, text := range map[string]string{
		"shop.toml":  "[service.api]\nload = \"100/s\"\nneeds = [\"db\"]\n[service.db]\ntitle = \"The first\"\n",
		"storm.toml": "scenario = \"storm\"\ncatalog = \"shop.toml\"\nhorizon = \"2m\"\n[[fault]]\nat = \"10s\"\nfor = \"10s\"\nservice = \"db\"\neffect = \"down\"\n",
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	a := &app{Stdio: Stdio{In: strings.NewReader(""), Out: io.Discard, Err: io.Discard}}
	return newLive(t.Context(), a, filepath.Join(dir, "storm.toml"), 8080), dir
}

func ask(l *live, method, path, host, origin string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, "http://"+host+path, nil)
	if origin != "" {
		r.Header.Set("Origin", origin)
	}
	w := httptest.NewRecorder()
	l.ServeHTTP(w, r)
	return w
}

func TestServeAnswersItsOwnBrowserOnly(t *testing.T) {
	l, _ := liveStorm(t)
	for _, c := range []struct {
		method, path, host, origin string
		code                       int
	}{
		{"GET", "/", "localhost:8080", "", 200},
		{"GET", "/", "127.0.0.1:8080", "http://127.0.0.1:8080", 200},
		{"GET", "/", "[::1]:8080", "", 200},
		{"HEAD", "/", "localhost:8080", "", 200},
		{"GET", "/", "evil.example:8080", "", 403}, // a name that was given our address
		{"GET", "/", "localhost.evil.example:8080", "", 403},
		{"GET", "/", "localhost", "", 403}, // another port
		{"GET", "/", "127.0.0.1:8081", "", 403},
		{"GET", "/", "localhost:8080", "https://evil.example", 403},
		{"GET", "/", "localhost:8080", "null", 403},
		{"GET", "/version", "localhost:8080", "http://localhost:3000", 403},
		{"POST", "/", "localhost:8080", "", 405},
		{"PUT", "/storm.toml", "localhost:8080", "", 405},
		{"GET", "/storm.toml", "localhost:8080", "", 404},
		{"GET", "/../storm.toml", "localhost:8080", "", 404},
		{"GET", "/etc/passwd", "localhost:8080", "", 404},
	} {
		if w := ask(l, c.method, c.path, c.host, c.origin); w.Code != c.code {
			t.Errorf("%s %s as %s from %q: %d instead of %d", c.method, c.path, c.host, c.origin, w.Code, c.code)
		} else if w.Header().Get("X-Frame-Options") != "DENY" || w.Header().Get("Access-Control-Allow-Origin") != "" {
			t.Errorf("%s %s: headers %v", c.method, c.path, w.Header())
		}
	}
}

func TestServeMakesThePageAgain(t *testing.T) {
	l, dir := liveStorm(t)
	page := func() string { return ask(l, "GET", "/", "localhost:8080", "").Body.String() }
	first := page()
	if !strings.Contains(first, "The first") || !strings.Contains(first, "connect-src 'self'") || !strings.Contains(first, "data-live") {
		t.Fatalf("no page: %.400s", first)
	}
	if page() != first {
		t.Error("the same files give another page")
	}
	version := ask(l, "GET", "/version", "localhost:8080", "").Body.String()
	save := func(name, text string) {
		t.Helper()
		file := filepath.Join(dir, name)
		if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		// Clocks of file systems are coarse.
		if err := os.Chtimes(file, time.Time{}, time.Now().Add(time.Duration(len(text))*time.Second)); err != nil {
			t.Fatal(err)
		}
	}
	news := make(chan string)
	go func() { news <- ask(l, "GET", "/version?of="+version, "localhost:8080", "").Body.String() }()
	save("shop.toml", "[service.api]\nload = \"100/s\"\nneeds = [\"db\"]\n[service.db]\ntitle = \"The second\"\n")
	select {
	case now := <-news:
		if now == version {
			t.Error("the version is what it was")
		}
	case <-time.After(10 * time.Second):
		t.Fatal("nobody says that a file has changed")
	}
	if second := page(); !strings.Contains(second, "The second") || strings.Contains(second, "The first") {
		t.Error("the page is what it was")
	}
	save("shop.toml", "[service.api]\nneeds = [\"dbb<script>\"]\n[service.db]\n")
	broken := page()
	if !strings.Contains(broken, "shop.toml:2:10: error:") || strings.Contains(broken, "<script") || !strings.Contains(broken, "http-equiv=\"refresh\"") {
		t.Errorf("what is wrong is not shown: %s", broken)
	}
	save("shop.toml", "[service.api]\nload = \"100/s\"\nneeds = [\"db\"]\n[service.db]\ntitle = \"The third, once more\"\n")
	if third := page(); !strings.Contains(third, "The third") {
		t.Error("it does not recover from a fault")
	}
}
