//go:build unix

package main

import "syscall"

// ownerOnly makes every file that the process makes readable by its owner only.
func ownerOnly() { syscall.Umask(0o077) }
