//go:build unix

package privatecache

import (
	"errors"
	"os"
	"syscall"
)

var errNotPrivate = errors.New("others can write to the folder")

// checkPrivate refuses a folder that others may enter or that is not ours: HOME
// may be another user's under sudo, XDG_CACHE_HOME may be shared.
func checkPrivate(dir string) error {
	info, err := os.Lstat(dir)
	if err != nil {
		return err
	}
	owner, ok := info.Sys().(*syscall.Stat_t)
	if !info.IsDir() || info.Mode().Perm()&0o077 != 0 || !ok || int(owner.Uid) != os.Geteuid() {
		return errNotPrivate
	}
	return nil
}
