package catalog

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"runtime"
	"slices"
	"strings"
	"sync"

	"github.com/knockon/knockon/catalog/builtin"
	"github.com/knockon/knockon/catalog/diag"
	"github.com/knockon/knockon/catalog/toml"
)

// Limits on what one Load reads, beside those on a single file in package toml.
const (
	maxFiles   = 100_000
	maxTotal   = 1 << 30 // bytes over all files
	maxExtends = 64      // catalogs that stand on one another
	maxFaults  = 1000    // diagnostics listed; more are counted
)

// Source is a place a catalog is read from: a file or folder of FS, or bytes at
// hand. Nothing outside FS is ever opened.
type Source struct {
	FS   fs.FS  // nil when Data holds the text
	Path string // slash-separated, within FS
	Name string // how messages call Path; Path itself where empty
	Data []byte
}

// Builtin returns the source of a catalog that ships with the tool, such as
// "aws-us-east-1"; ok is false when there is none of that name.
func Builtin(name string) (s Source, ok bool) {
	if !slices.Contains(builtin.Names(), name) {
		return Source{}, false
	}
	return Source{FS: builtin.FS, Path: name, Name: "builtin:" + name}, true
}

// Builtins returns the names of the catalogs that ship with the tool, sorted.
func Builtins() []string { return builtin.Names() }

// Load reads one catalog from one or more sources. Every fault of every file is
// in the list, sorted by place; the catalog is nil when one of them is an error.
// The error is for what could not be read at all. A source that another one extends is
// one catalog, whose names need no prefix.
func Load(sources ...Source) (*Catalog, diag.List, error) {
	c, _, faults, err := LoadWithTexts(sources...)
	return c, faults, err
}

// LoadWithTexts is Load for who also wants to show or change the files: it returns
// their texts, sorted by name.
func LoadWithTexts(sources ...Source) (*Catalog, []toml.Text, diag.List, error) {
	l := &loader{proposed: make(map[string]string), below: make(map[string]bool), again: make(map[string]bool)}
	sources = slices.Clone(sources)
	for i := range sources {
		sources[i].Name = cmp.Or(sources[i].Name, sources[i].Path)
		l.given = append(l.given, sources[i].Name)
	}
	for _, s := range sources {
		if err := l.read(s); err != nil {
			return nil, nil, nil, err
		}
	}
	c, faults := l.finish()
	texts := make([]toml.Text, 0, len(l.fragments))
	for _, f := range l.fragments {
		texts = append(texts, f.doc.Text)
	}
	slices.SortFunc(texts, func(a, b toml.Text) int { return strings.Compare(a.File, b.File) })
	texts = slices.CompactFunc(texts, func(a, b toml.Text) bool { return a.File == b.File })
	return c, texts, faults, nil
}

// finish joins what was read, and returns a catalog only if nothing is wrong with it.
func (l *loader) finish() (*Catalog, diag.List) {
	l.unify()
	c := l.merge()
	l.faults.Sort()
	if more := len(l.faults) - maxFaults + l.unlisted; len(l.faults) > maxFaults {
		l.faults = l.faults[:maxFaults]
		l.faults.Errorf(l.faults[maxFaults-1].Span, "", "%d more faults are not listed", more)
	}
	if l.faults.HasErrors() {
		return nil, l.faults
	}
	if err := c.CheckValid(); err != nil {
		panic(err) // a fault that Load let through
	}
	return c, l.faults
}

// loader collects the fragments of all files, in an order that does not depend
// on the machine: sources as given, files by name, catalogs extended first.
type loader struct {
	fragments []*fragment
	faults    diag.List
	total     int
	unlisted  int               // faults found when there were enough
	extended  []string          // what was read by extends, to read it once
	proposed  map[string]string // the prefix that an extended catalog proposes
	given     []string          // names of the sources
	below     map[string]bool   // those of given that another one extends
	again     map[string]bool   // the prefixes by which they are extended
	standing  []string          // the catalogs being read, each extended by the one before
}

// fragment is what one file contributes.
type fragment struct {
	path         string // within its source
	source       string // as messages call it
	doc          *toml.Document
	faults       diag.List
	title        string
	titleAt      diag.Span
	description  string
	prefix       string
	prefixAt     diag.Span
	extends      []extension
	services     []Service
	leases       []Lease
	healthChecks []HealthCheck
	references   []Reference
	aliases      []Alias
	words        []word // names of services used, to be resolved
}

// extension is one entry of `extends`.
type extension struct {
	name   string
	prefix *string // nil: the prefix the extended catalog proposes
	at     diag.Span
}

func (l *loader) read(s Source) error {
	fragments, err := l.parse(s)
	if err != nil {
		return err
	}
	_, err = l.adopt(s, fragments, "", "")
	return err
}

// adopt takes the files of one catalog in, after those it stands on. Its names get
// its prefix; names of a catalog below that has a prefix of its own keep that, so
// that aws:dynamodb is one service whoever extends aws. What is joined without a
// prefix, here or below, is returned: it takes the prefix of the catalog above.
// Outer is the prefix that applies where this catalog has none.
func (l *loader) adopt(s Source, fragments []*fragment, prefix, outer string) (unnamed []*fragment, err error) {
	inner := prefix
	if inner == "" {
		inner = outer
	}
	l.standing = append(l.standing, s.Name)
	for _, f := range fragments {
		for _, e := range f.extends {
			joined, err := l.extend(s, f, e, inner)
			if err != nil {
				return nil, err
			}
			unnamed = append(unnamed, joined...)
		}
	}
	l.standing = l.standing[:len(l.standing)-1]
	unnamed = append(unnamed, fragments...)
	if prefix != "" {
		own := make(map[string]bool)
		for _, f := range unnamed {
			for i := range f.services {
				own[f.services[i].ID] = true
			}
		}
		for _, f := range unnamed {
			f.qualify(prefix, own)
		}
		unnamed = nil
	}
	for _, f := range fragments {
		f.source = s.Name
		if len(l.standing) > 0 {
			f.title, f.description, f.prefix = "", "", ""
		}
		l.fragments = append(l.fragments, f)
		l.faults = append(l.faults, f.faults...)
	}
	return unnamed, nil
}

// extend reads a catalog on which another stands: a built-in one, or a file or
// folder beside it, never one outside the folder that was named.
func (l *loader) extend(from Source, f *fragment, e extension, outer string) ([]*fragment, error) {
	to, ok := extended(from, f, e)
	if !ok {
		return nil, nil
	}
	if slices.Contains(l.standing, to.Name) {
		f.errorf(e.at, "leave it out", "%q is a catalog that stands on this one", e.name)
		return nil, nil
	}
	if len(l.extended) >= maxExtends {
		f.errorf(e.at, "", "more than %d catalogs stand on one another", maxExtends)
		return nil, nil
	}
	var fragments []*fragment
	prefix, known := l.proposed[to.Name]
	if !known {
		read, err := l.parse(to)
		if err != nil {
			f.errorf(e.at, "", "a catalog to extend cannot be read: %v", err)
			return nil, nil
		}
		for _, g := range read {
			if g.prefix != "" {
				prefix = g.prefix
			}
		}
		l.proposed[to.Name] = prefix
		fragments = read
	}
	if e.prefix != nil {
		prefix = *e.prefix
	}
	if slices.Contains(l.given, to.Name) {
		l.again[prefix] = true
		l.below[to.Name] = true
		return nil, nil
	}
	named := prefix
	if named == "" {
		named = outer
	}
	key := to.Name + "\x00" + named
	if slices.Contains(l.extended, key) {
		return nil, nil
	}
	l.extended = append(l.extended, key)
	if fragments == nil {
		read, err := l.parse(to)
		if err != nil {
			return nil, err
		}
		fragments = read
	}
	return l.adopt(to, fragments, prefix, outer)
}

// extended finds what an entry of extends names, or says why that cannot be.
func extended(from Source, f *fragment, e extension) (to Source, ok bool) {
	if name, is := strings.CutPrefix(e.name, "builtin:"); is {
		if to, ok = Builtin(name); !ok {
			f.errorf(e.at, diag.DidYouMean(name, Builtins()), "there is no built-in catalog %q", name)
		}
		return to, ok
	}
	target := path.Join(path.Dir(f.path), e.name)
	switch {
	case from.FS == nil:
		f.errorf(e.at, `give both with -c`, "a catalog that is not a file cannot extend %q", e.name)
	case path.IsAbs(e.name), !fs.ValidPath(target):
		f.errorf(e.at, `give both with -c`, "%q is outside the folder of this catalog, and nothing there is read", e.name)
	case target == ".", strings.HasPrefix(f.path, target+"/"):
		f.errorf(e.at, "leave it out", "%q is the folder this catalog stands in", e.name)
	default:
		return Source{FS: from.FS, Path: target, Name: path.Join(path.Dir(f.doc.File), e.name)}, true
	}
	return Source{}, false
}

// parse reads the files of a source side by side; results are joined in order.
func (l *loader) parse(s Source) ([]*fragment, error) {
	if s.FS == nil {
		return []*fragment{parseFile(s.Name, s.Name, s.Data)}, nil
	}
	files, err := l.list(s)
	if err != nil {
		return nil, err
	}
	fragments := make([]*fragment, len(files))
	failed := make([]error, len(files))
	var next sync.Mutex
	taken := 0
	var workers sync.WaitGroup
	for range min(runtime.GOMAXPROCS(0), len(files)) {
		workers.Go(func() {
			for {
				next.Lock()
				i := taken
				taken++
				next.Unlock()
				if i >= len(files) {
					return
				}
				data, err := readFile(s.FS, files[i].path, files[i].name)
				if err != nil {
					failed[i] = err
					continue
				}
				fragments[i] = parseFile(files[i].path, files[i].name, data)
			}
		})
	}
	workers.Wait()
	return fragments, errors.Join(failed...)
}

type file struct{ path, name string }

// list returns the files of a source: itself, or every *.toml file below it that
// is not hidden. Links to files are followed where FS allows, which for a folder of
// the user's means inside that folder; links to folders are refused.
func (l *loader) list(s Source) ([]file, error) {
	info, err := fs.Stat(s.FS, s.Path)
	if err != nil {
		return nil, fmt.Errorf("cannot read %s: %w", s.Name, reason(err))
	}
	if !info.IsDir() {
		return []file{{s.Path, s.Name}}, nil
	}
	var files []file
	var failed []error
	err = fs.WalkDir(s.FS, s.Path, func(p string, e fs.DirEntry, err error) error {
		name := s.Name
		if rest := strings.TrimPrefix(strings.TrimPrefix(p, s.Path), "/"); rest != "" && p != s.Path {
			name = path.Join(s.Name, rest)
			if s.Path == "." {
				name = path.Join(s.Name, p)
			}
		}
		switch {
		case err != nil:
			failed = append(failed, fmt.Errorf("cannot read %s: %w", name, reason(err)))
			return nil
		case p != s.Path && strings.HasPrefix(e.Name(), "."):
			if e.IsDir() {
				return fs.SkipDir
			}
			return nil
		case e.Type()&fs.ModeSymlink != 0 && path.Ext(p) != ".toml":
			// A team's folder must not vanish because it is a link.
			if info, err := fs.Stat(s.FS, p); err == nil && info.IsDir() {
				failed = append(failed, fmt.Errorf("cannot read %s: it is a link to a folder, and these are not followed; name the folder with -c", name))
			}
			return nil
		case e.IsDir() || path.Ext(p) != ".toml":
			return nil
		}
		info, err := fs.Stat(s.FS, p)
		switch {
		case err != nil:
			failed = append(failed, fmt.Errorf("cannot read %s: %w", name, reason(err)))
			return nil
		case !info.Mode().IsRegular():
			return nil
		}
		if l.total += int(min(info.Size(), toml.MaxBytes)); l.total > maxTotal || len(files) >= maxFiles {
			return fmt.Errorf("cannot read %s: a catalog may have %d files and %d MiB in all", s.Name, maxFiles, maxTotal>>20)
		}
		files = append(files, file{p, name})
		return nil
	})
	if err != nil {
		return nil, err
	}
	if len(failed) > 0 {
		return nil, errors.Join(failed...)
	}
	if len(files) == 0 {
		return nil, fmt.Errorf("cannot read %s: there is no .toml file in this folder", s.Name)
	}
	return files, nil
}

// readFile reads at most one byte more than a file may have: the parser then says
// that it is too large.
func readFile(fsys fs.FS, p, name string) ([]byte, error) {
	f, err := fsys.Open(p)
	if err != nil {
		return nil, fmt.Errorf("cannot read %s: %w", name, reason(err))
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, toml.MaxBytes+1))
	if err != nil {
		return nil, fmt.Errorf("cannot read %s: %w", name, reason(err))
	}
	return data, nil
}

// reason strips the operation and path from an error of a file system: our
// messages name the file the way the user did.
func reason(err error) error {
	if perr, ok := errors.AsType[*fs.PathError](err); ok {
		err = perr.Err
	}
	if err.Error() == "path escapes from parent" { // of os.Root, which does not export it
		return errors.New("it is a link that leads out of the folder, and nothing there is read")
	}
	return err
}

func (f *fragment) errorf(at diag.Span, help, format string, args ...any) {
	f.faults.Add(diag.Diagnostic{
		Span: at, Message: fmt.Sprintf(format, args...), Help: help, Text: f.doc.Line(at.Line),
	})
}
