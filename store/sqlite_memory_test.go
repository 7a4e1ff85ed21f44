package store

import "testing"

func TestSQLiteDoesNotCountItsMemory(t *testing.T) {
	if uncounted != 0 {
		t.Errorf("SQLite was told too late, or is not there: %d", uncounted)
	}
}
