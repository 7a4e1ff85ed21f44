//go:build !linux

package store

// beside does work. Where threads have no priority of their own it goes before nobody and after nobody.
func beside(work func() error) error { return work() }
