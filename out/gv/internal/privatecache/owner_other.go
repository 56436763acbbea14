//go:build !unix

package privatecache

// checkPrivate trusts the user's cache folder, which the profile of the user
// protects.
func checkPrivate(string) error { return nil }
