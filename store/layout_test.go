package store

import (
	"bytes"
	"context"
	"crypto/rand"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/rapporthq/rapport/person"
	"github.com/rapporthq/rapport/trust/vault"
)

// oldLayout makes a home as it was made when rows of history stood inside their tree, as a killed process leaves it: with events in history.db's log. It
// gives who is in it, and everything about them.
func oldLayout(t *testing.T) (dir string, who map[person.ID]vault.Loaded) {
	t.Helper()
	files := fstest.MapFS{}
	names, err := embedded.ReadDir("schema")
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range names {
		text, err := embedded.ReadFile("schema/" + f.Name())
		if err != nil {
			t.Fatal(err)
		}
		files["schema/"+f.Name()] = &fstest.MapFile{Data: text}
	}
	const first = "schema/history_0001_chunks.sql"
	files[first].Data = bytes.Replace(files[first].Data, []byte("PRIMARY KEY (person, chunk)\n);"), []byte("PRIMARY KEY (person, chunk)\n) CLUSTERED;"), 1)
	schema = files
	t.Cleanup(func() { schema = embedded })
	ctx, from := context.Background(), t.TempDir()
	s, err := Open(ctx, Options{Dir: from})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	schema = embedded
	ids := enrolMany(t, s, 500)[:60]
	for round := range 3 { // the last stays in the log
		for i, id := range ids {
			var c vault.Change
			for n := range byte(1 + i%4) {
				body := make([]byte, 200+2000*(i%5))
				_, _ = rand.Read(body)
				c.Frames = append(c.Frames, vault.Frame{Of: id, ID: person.EventID{byte(round), byte(i), n}, Stream: 1, At: person.Instant(100 * round), Received: 1, Body: body})
			}
			if err := s.Commit(ctx, c); err != nil {
				t.Fatal(err)
			}
		}
		if _, _, err := s.Fold(ctx, 1_000_000); err != nil {
			t.Fatal(err)
		}
		if round == 1 {
			if err := s.engine.settle(ctx, false); err != nil {
				t.Fatal(err)
			}
		}
	}
	dir, who = t.TempDir(), map[person.ID]vault.Loaded{}
	for _, id := range ids {
		if who[id], err = s.Load(ctx, id); err != nil {
			t.Fatal(err)
		}
	}
	for _, f := range []string{mainFile, mainFile + "-wal", historyFile, historyFile + "-wal"} {
		b, err := os.ReadFile(filepath.Join(from, f))
		if err == nil {
			err = os.WriteFile(filepath.Join(dir, f), b, 0o600)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if sizeOf(filepath.Join(dir, historyFile+"-wal")) == 0 {
		t.Fatal("nothing is in the log")
	}
	return dir, who
}

// hasOldLayout says how history.db is laid out.
func hasOldLayout(t *testing.T, s *Store) (old bool) {
	t.Helper()
	err := s.engine.fold(context.Background(), func(c conn) error {
		return c.do(context.Background(), query{text: "SELECT sql FROM sqlite_schema WHERE name = 'history'", scan: func(r row) error {
			old = strings.Contains(r.text(0), "WITHOUT ROWID")
			return nil
		}})
	})
	if err != nil {
		t.Fatal(err)
	}
	return old
}

// TestAHistoryOfTheOldLayoutIsWrittenAnew opens such a home: after a kill, beside what another start left of its copy, and where no copy can be written.
func TestAHistoryOfTheOldLayoutIsWrittenAnew(t *testing.T) {
	for name, c := range map[string]struct {
		before func(fresh string) error
		old    bool
	}{
		"as it is":           {func(string) error { return nil }, false},
		"half a copy":        {func(fresh string) error { return os.WriteFile(fresh, []byte("SQLite format 3\x00 and no more"), 0o600) }, false},
		"no room for a copy": {func(fresh string) error { return os.MkdirAll(filepath.Join(fresh, "in the way"), 0o700) }, true},
	} {
		t.Run(name, func(t *testing.T) {
			ctx := context.Background()
			dir, who := oldLayout(t)
			if err := c.before(filepath.Join(dir, freshFile)); err != nil {
				t.Fatal(err)
			}
			for range 2 { // and once more
				s, err := Open(ctx, Options{Dir: dir})
				if err != nil {
					t.Fatal(err)
				}
				if old := hasOldLayout(t, s); old != c.old {
					t.Errorf("the layout is the old one: %v", old)
				}
				for id, want := range who {
					if got, err := s.Load(ctx, id); err != nil || !reflect.DeepEqual(got, want) {
						t.Fatalf("somebody has other events than before: %d for %d, %v", len(got.Frames), len(want.Frames), err)
					}
				}
				var id person.ID
				for id = range who {
					break
				}
				if err := s.Commit(ctx, vault.Change{Frames: []vault.Frame{{Of: id, ID: person.EventID(person.NewID()), Stream: 1, At: 9000, Received: 9000, Body: []byte("later")}}}); err != nil {
					t.Fatal(err)
				}
				if _, _, err := s.Fold(ctx, 1_000_000); err != nil {
					t.Fatal(err)
				}
				if who[id], err = s.Load(ctx, id); err != nil {
					t.Fatal(err)
				}
				if err := s.Close(); err != nil {
					t.Fatal(err)
				}
			}
			if info, err := os.Stat(filepath.Join(dir, freshFile)); err == nil && !info.IsDir() {
				t.Error("a copy is left behind")
			}
		})
	}
}
