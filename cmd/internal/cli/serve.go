package cli

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"html"
	"io/fs"
	"net"
	"net/http"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/spf13/cobra"

	"github.com/knockon/knockon/out"
)

func newServe(a *app) *cobra.Command {
	var port int
	c := &cobra.Command{
		Use:   "serve SCENARIO.toml",
		Short: "The page of a scenario in a browser, made again when you save",
		Long: `Serve shows the page that "knockon run SCENARIO.toml -o run.html" writes, on this
machine only, and makes it again when the scenario or the catalog is saved: edit, look,
edit. What is wrong with them is shown in its place.

It writes nothing, answers nobody but this machine, and refuses requests that other
sites send through your browser. Ctrl-C ends it.`,
		Example: `  knockon serve storm.toml
  knockon serve storm.toml -c shop.toml --port 8080`,
		Args:              needScenario,
		ValidArgsFunction: completeScenario,
		RunE: func(_ *cobra.Command, args []string) error {
			if port < 0 || port > 65535 {
				return usagef("--port %d is no port; write 1 to 65535, or 0 for any that is free", port)
			}
			if args[0] == "-" || slices.Contains(a.catalogs, "-") {
				return usagef("what stands on stdin cannot be read again; name a file")
			}
			if _, err := os.Stat(args[0]); err != nil {
				if _, _, _, err := a.readScenario(args[0]); err != nil { // it may be an incident that is built in
					return &exitError{exitInput, err}
				}
			}
			return a.serve(args[0], port)
		},
	}
	c.Flags().IntVar(&port, "port", 0, "`port` on this machine; 0 takes any that is free")
	return c
}

// serve answers until it is interrupted.
func (a *app) serve(scenario string, port int) error {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	l, err := net.Listen("tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(port)))
	if err != nil {
		return &exitError{exitInput, fmt.Errorf("cannot listen on port %d: %w", port, err)}
	}
	s := &http.Server{
		Handler:           newLive(ctx, a, scenario, l.Addr().(*net.TCPAddr).Port),
		ReadHeaderTimeout: 5 * time.Second,
		MaxHeaderBytes:    16 << 10,
		BaseContext:       func(net.Listener) context.Context { return ctx },
	}
	fmt.Fprintf(a.Err, "knockon: http://%s shows %s; Ctrl-C ends it\n", l.Addr(), scenario)
	done := make(chan error, 1)
	go func() { done <- s.Serve(l) }()
	select {
	case err := <-done:
		return &exitError{exitInput, err}
	case <-ctx.Done():
	}
	last, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	if err := s.Shutdown(last); errors.Is(err, context.DeadlineExceeded) {
		return s.Close()
	}
	return nil
}

// live is a page that is made again when its files change. It is made when somebody asks
// for it, by one request at a time.
type live struct {
	ctx      context.Context // ends when the server does
	app      *app
	scenario string
	hosts    []string // as which a browser may know this server

	mutex   sync.Mutex
	version string
	page    []byte
}

func newLive(ctx context.Context, a *app, scenario string, port int) *live {
	l := &live{ctx: ctx, app: a, scenario: scenario}
	for _, host := range []string{"127.0.0.1", "localhost", "::1"} {
		l.hosts = append(l.hosts, net.JoinHostPort(host, strconv.Itoa(port)))
	}
	return l
}

// ServeHTTP answers requests of this machine's own browser. A foreign Host header is how
// a site that gives its name our address would read the page (DNS rebinding); a foreign
// Origin is a site that asks from within the browser.
func (l *live) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("X-Frame-Options", "DENY")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
	h.Set("Content-Security-Policy", "frame-ancestors 'none'")
	h.Set("Cache-Control", "no-store")
	origin := r.Header.Get("Origin")
	switch {
	case !slices.Contains(l.hosts, r.Host):
		http.Error(w, "this server answers only as localhost", http.StatusForbidden)
	case origin != "" && !slices.Contains(l.hosts, strings.TrimPrefix(origin, "http://")):
		http.Error(w, "this server answers only its own page", http.StatusForbidden)
	case r.Method != http.MethodGet && r.Method != http.MethodHead:
		h.Set("Allow", "GET, HEAD")
		http.Error(w, "this server only shows", http.StatusMethodNotAllowed)
	case r.URL.Path == "/":
		h.Set("Content-Type", "text/html; charset=utf-8")
		page := l.current(r.Context())
		h.Set("Content-Length", strconv.Itoa(len(page)))
		if r.Method == http.MethodGet {
			w.Write(page) // a reader who has gone is no fault
		}
	case r.URL.Path == "/version":
		h.Set("Content-Type", "text/plain; charset=utf-8")
		fmt.Fprint(w, l.wait(r.Context(), r.URL.Query().Get("of")))
	default:
		http.NotFound(w, r)
	}
}

// How often files are looked at, and how long a page waits for news.
const (
	lookEvery = 250 * time.Millisecond
	waitMost  = 20 * time.Second
)

// wait returns the version of the files when it is no longer the one named, or after a
// while.
func (l *live) wait(ctx context.Context, of string) string {
	end := time.Now().Add(waitMost)
	for {
		now := l.fingerprint()
		if now != of || time.Now().After(end) {
			return now
		}
		select {
		case <-ctx.Done():
			return now
		case <-l.ctx.Done():
			return now
		case <-time.After(lookEvery):
		}
	}
}

// current is the page of the files as they are now.
func (l *live) current(ctx context.Context) []byte {
	l.mutex.Lock()
	defer l.mutex.Unlock()
	if version := l.fingerprint(); version != l.version || l.page == nil {
		page, whole := l.make(ctx)
		if !whole { // the reader has gone; the next one waits for all of it
			return page
		}
		l.version, l.page = version, page
	}
	return l.page
}

// make plays the scenario and writes the page; whole is false when it was interrupted.
func (l *live) make(ctx context.Context) (page []byte, whole bool) {
	var said, written bytes.Buffer
	a := *l.app // reading settles which catalog it is; the next time it may be another
	a.Err, a.Out = &said, &written
	a.catalogs = slices.Clone(l.app.catalogs)
	c, sc, err := a.openScenario(l.scenario)
	if err == nil {
		var chance chanceFlags
		flags := &cobra.Command{}
		chance.add(flags)
		runs, failed := chance.resolve(flags.Flags(), sc) // nothing but what the scenario says
		if err = failed; err == nil {
			runs.seeds = 1 // a page shows one run
			res, failed := a.play(ctx, "playing", c, sc, runs, 0)
			if err = failed; err == nil {
				option := out.RunOptions{Explain: res.Why, Chance: runs.chance(), Source: sourceLines()}
				f, _ := out.FormatNamed("html")
				err = f.Write(&written, out.NewRun(c, res, option), out.Options{Live: true})
			}
		}
	}
	if err == nil {
		return written.Bytes(), true
	}
	if !errors.Is(err, errSaid) {
		fmt.Fprintf(&said, "knockon: %v\n", err)
	}
	return faultPage(l.scenario, said.String()), !errors.Is(err, context.Canceled)
}

// faultPage shows what is wrong, and looks again every few seconds.
func faultPage(scenario, said string) []byte {
	return fmt.Appendf(nil, `<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><meta http-equiv="refresh" content="2">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'">
<meta name="color-scheme" content="light dark"><title>%s</title></head>
<body><h1>%s</h1>
<p>It cannot be played as it is. This page looks again every two seconds.</p>
<pre>%s</pre></body></html>
`, html.EscapeString(scenario), html.EscapeString(scenario), html.EscapeString(said))
}

// fingerprint changes when a file changes that the page is made of.
func (l *live) fingerprint() string {
	sum := sha256.New()
	add := func(name string) {
		if info, err := os.Stat(name); err == nil {
			fmt.Fprintf(sum, "%q %d %d\n", name, info.Size(), info.ModTime().UnixNano())
		} else {
			fmt.Fprintf(sum, "%q is not there\n", name)
		}
	}
	catalogs := slices.Clone(l.app.catalogs)
	if len(catalogs) == 0 {
		if sc, _, file, err := l.app.readScenario(l.scenario); err == nil && sc != nil {
			for _, name := range sc.Catalogs {
				catalogs = append(catalogs, beside(file, name))
			}
		}
		if len(catalogs) == 0 {
			catalogs = []string{defaultFile, defaultFolder}
		}
	}
	const mostFiles = 10_000
	seen := 0
	for _, name := range append(catalogs, l.scenario) {
		folder := name
		if info, err := os.Stat(name); err != nil || !info.IsDir() {
			add(name)
			if err != nil {
				continue
			}
			folder = filepath.Dir(name) // what it extends stands beside it
			if entries, err := os.ReadDir(folder); err == nil {
				for _, e := range entries {
					if seen++; seen < mostFiles && filepath.Ext(e.Name()) == ".toml" {
						add(filepath.Join(folder, e.Name()))
					}
				}
			}
			continue
		}
		filepath.WalkDir(folder, func(path string, e fs.DirEntry, err error) error {
			if err == nil && !e.IsDir() && filepath.Ext(path) == ".toml" {
				if seen++; seen > mostFiles {
					return fs.SkipAll
				}
				add(path)
			}
			return nil
		})
	}
	return hex.EncodeToString(sum.Sum(nil)[:12])
}
