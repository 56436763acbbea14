// Package privatecache keeps the code that go-graphviz compiles to where nobody
// else can write.
//
// Package initialisation of go-graphviz compiles Graphviz from WebAssembly to
// machine code and caches it in os.TempDir()/go-graphviz, a folder it uses even
// when somebody else made it. wazero checks a cached file by a checksum alone
// and asks its embedder to guard the folder: on a shared host anybody could leave
// code there for the next user to run.
//
// So the init of this package points TMPDIR at a private folder below the user's
// cache, and package gv, whose init runs after go-graphviz', calls Restore. The
// order holds because Go initialises, among the packages whose imports are ready,
// the one whose path sorts first (since Go 1.21): this package imports little and
// sorts before github.com/tetratelabs/wazero, which go-graphviz waits for. A test
// of package gv guards it.
//
// Without a private folder there is no cache, which costs half a second at every
// start: slow is better than shared.
package privatecache

import (
	"os"
	"path/filepath"
	"runtime"
)

// nowhere is a folder that cannot be made, because its parent is a device.
var nowhere = filepath.Join(os.DevNull, "nowhere")

// saved is what the environment said before init.
var saved, wasSet = os.LookupEnv(variable())

func init() {
	dir, err := folder()
	if err != nil {
		dir = nowhere
	}
	os.Setenv(variable(), dir)
}

// Restore undoes what init did to the environment, for this process and for the
// programs it starts.
func Restore() {
	if wasSet {
		os.Setenv(variable(), saved)
	} else {
		os.Unsetenv(variable())
	}
}

// variable is what os.TempDir looks at first.
func variable() string {
	if runtime.GOOS == "windows" {
		return "TMP"
	}
	return "TMPDIR"
}

// folder makes the private folder, or finds the one made before.
func folder() (string, error) {
	cache, err := os.UserCacheDir()
	if err != nil {
		return "", err
	}
	dir := filepath.Join(cache, "knockon")
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return "", err
	}
	return dir, checkPrivate(dir)
}
