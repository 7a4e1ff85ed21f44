//go:build unix

package main

import "golang.org/x/sys/unix"

// freeDisk is how many bytes we may still write where path is; ok is false when nobody can say.
func freeDisk(path string) (bytes uint64, ok bool) {
	var s unix.Statfs_t
	if unix.Statfs(path, &s) != nil {
		return 0, false
	}
	return uint64(s.Bavail) * uint64(s.Bsize), true
}
