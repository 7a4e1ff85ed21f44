package main

import (
	"crypto/sha256"
	"os"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"github.com/rapporthq/rapport/person"
	"github.com/rapporthq/rapport/trust/access"
)

// TestWhatWasRemovedLeavesThePagesWithinADay ends many sessions: the sweep removes them, and a day later the files are written anew without their pages.
func TestWhatWasRemovedLeavesThePagesWithinADay(t *testing.T) {
	now := person.SystemClock()
	home := exampleHome(t)
	h, err := openHouse(t.Context(), homeOptions{Home: home, clock: func() person.Instant { return now }})
	if err != nil {
		t.Fatal(err)
	}
	defer h.Close()
	for n := range 1500 {
		if err := h.store.PutSession(t.Context(), access.Session{Hash: sha256.Sum256([]byte(strconv.Itoa(n))), Expires: now.Add(-30 * 24 * time.Hour)}); err != nil {
			t.Fatal(err)
		}
	}
	size := func() int64 {
		info, err := os.Stat(filepath.Join(home, databaseDir, "rapport.db"))
		if err != nil {
			t.Fatal(err)
		}
		return info.Size()
	}
	turn := func(later time.Duration) {
		t.Helper()
		now = now.Add(later)
		if err := h.sweepIfDue(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	turn(0) // the first turn only begins to count
	turn(2 * time.Hour)
	full := size()
	turn(2 * time.Hour)
	if got := size(); got != full {
		t.Errorf("the files are rewritten at once: %d bytes, were %d", got, full)
	}
	turn(25 * time.Hour)
	if got := size(); got >= full*3/4 {
		t.Errorf("a day later the file has %d bytes, had %d: it was not rewritten", got, full)
	}
	if slack, err := h.store.Setting(t.Context(), slackSetting); err != nil || slack != "" {
		t.Errorf("it would be rewritten again and again: %q, %v", slack, err)
	}
}
