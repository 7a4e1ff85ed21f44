//go:build !unix

package main

// freeDisk cannot say here how much room is left.
func freeDisk(string) (bytes uint64, ok bool) { return 0, false }
