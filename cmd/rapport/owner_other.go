//go:build !unix

package main

// ownerOnly is the folder's own rights where there is no umask.
func ownerOnly() {}
