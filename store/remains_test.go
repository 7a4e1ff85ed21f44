package store

import (
	"bytes"
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/rapporthq/rapport/person"
	"github.com/rapporthq/rapport/trust/vault"
)

// What a sweep removes is not left in any file of the home, the write-ahead logs included.
func TestNothingRemains(t *testing.T) {
	ctx, dir := context.Background(), t.TempDir()
	s, err := Open(ctx, Options{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	gone, stays := []byte("PURGED-CONTENT-MARKER"), []byte("DECLARED-CONTENT-MARKER")
	var ids []person.ID
	for range 400 {
		ids = append(ids, person.NewID())
	}
	for i, id := range ids {
		c := vault.Change{Enrol: []vault.Enrolment{{ID: id, Wrapped: []byte{1}, At: 1}}}
		for n := range byte(6) {
			marker, name := gone, byte(1)
			if n%2 == 0 {
				marker, name = stays, 2
			}
			c.Put = append(c.Put, vault.Row{Of: id, Kind: vault.FactRow, Key: vault.Key{name, 8: n}, At: 1, Head: marker, Body: bytes.Repeat(marker, 1+i%9)})
			c.Frames = append(c.Frames, vault.Frame{Of: id, ID: person.EventID(person.NewID()), Stream: vault.StreamID(name), At: 1, Received: 1, Body: bytes.Repeat(marker, 1+i%40)})
		}
		if err := s.Commit(ctx, c); err != nil {
			t.Fatal(err)
		}
		if i%50 == 0 {
			if _, _, err := s.Fold(ctx, 100_000); err != nil {
				t.Fatal(err)
			}
		}
	}
	if _, _, err := s.Fold(ctx, 100_000); err != nil {
		t.Fatal(err)
	}
	before := count(t, dir, gone)
	if before == 0 || count(t, dir, stays) == 0 {
		t.Fatal("the search finds nothing at all")
	}
	n, err := s.Sweep(ctx, SweepRules{
		Declared: map[vault.Kind]map[Name]bool{vault.FactRow: {{2}: true}},
		Streams:  map[vault.StreamID]person.Instant{1: Everything},
	})
	if err != nil || n.Rows != 1200 || n.Frames != 1200 {
		t.Fatal(n, err)
	}
	// Some copies stay in the slack of pages that SQLite balanced before; what it frees itself it overwrites.
	if left := count(t, dir, gone); left > before/50 {
		t.Fatalf("%d of %d copies are left after the sweep", left, before)
	}
	if err := s.Rewrite(ctx); err != nil {
		t.Fatal(err)
	}
	if left := count(t, dir, gone); left != 0 {
		t.Fatalf("%d copies of what was removed are left", left)
	}
	if count(t, dir, stays) == 0 {
		t.Fatal("what stays is gone too")
	}
}

// A long read keeps the logs from being emptied: the sweep says so soon, and writers go on.
func TestALongReadDoesNotHoldUpASweep(t *testing.T) {
	ctx := context.Background()
	s, err := Open(ctx, Options{Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if err := s.Commit(ctx, crashEnrolAll()); err != nil {
		t.Fatal(err)
	}
	if err := s.Snapshot(ctx, lookAtAll(), func(v *View) error {
		if _, err := v.Load(ctx, crashPerson(1)); err != nil {
			return err
		}
		if err := s.Commit(ctx, crashChange(1)); err != nil {
			return err
		}
		began := time.Now()
		n, err := s.Sweep(ctx, SweepRules{Rows: []RowRule{{Kind: vault.FactRow, Name: Name{7: 1}, Before: Everything}}})
		if n.Rows != 1 || !errors.Is(err, vault.ErrUnavailable) {
			t.Errorf("%v %v", n, err)
		}
		if took := time.Since(began); took > 5*time.Second { // SQLite would wait ten
			t.Errorf("the sweep held writers up for %v", took)
		}
		return s.Commit(ctx, crashChange(2))
	}); err != nil {
		t.Fatal(err)
	}
	if err := s.settle(ctx); err != nil {
		t.Fatal(err)
	}
}

func count(t *testing.T, dir string, marker []byte) (n int) {
	t.Helper()
	if err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		b, err := os.ReadFile(path)
		n += bytes.Count(b, marker)
		return err
	}); err != nil {
		t.Fatal(err)
	}
	return n
}
