package store

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"testing"
	"testing/fstest"

	"github.com/rapporthq/rapport/store/pgtest"
)

// TestANewerSchemaSaysWhoMayGoOn opens one database with binaries of three versions: the one of today, one that only adds, and one that does not.
func TestANewerSchemaSaysWhoMayGoOn(t *testing.T) {
	t.Cleanup(func() { schema = embedded })
	last := Schema()["main"]
	with := func(t *testing.T, texts ...string) {
		t.Helper()
		files := fstest.MapFS{}
		if err := fs.WalkDir(embedded, ".", func(path string, d fs.DirEntry, err error) error {
			if err == nil && !d.IsDir() {
				b, err := embedded.ReadFile(path)
				files[path] = &fstest.MapFile{Data: b}
				return err
			}
			return err
		}); err != nil {
			t.Fatal(err)
		}
		for i, text := range texts {
			files[fmt.Sprintf("schema/main_%04d_planted.sql", last+int64(i)+1)] = &fstest.MapFile{Data: []byte(text)}
		}
		schema = files
	}
	adds := fmt.Sprintf("-- Serves binaries from version %d\n", last) + "CREATE TABLE added (n BIGINT NOT NULL);\n"
	const changes = "ALTER TABLE added ADD COLUMN more BIGINT;\n"
	ctx := context.Background()
	for engine, o := range map[string]Options{"SQLite": {Dir: filepath.Join(t.TempDir(), "home")}, "PostgreSQL": {URL: pgtest.URL(t)}} {
		t.Run(engine, func(t *testing.T) {
			goesOn := func(s *Store) error {
				_, err := s.InForce(ctx, "")
				return errors.Join(err, s.PutSetting(ctx, "a", "b"))
			}
			open := func() *Store {
				t.Helper()
				s, err := Open(ctx, o)
				if err != nil {
					t.Fatal(err)
				}
				return s
			}
			shared := o.URL != ""
			with(t)
			old := open()
			if !shared {
				_ = old.Close() // one process at a time
			}
			with(t, adds)
			newer := open()
			if err := goesOn(newer); err != nil {
				t.Fatal(err)
			}
			if !shared {
				_ = newer.Close()
			}
			with(t)
			again := open() // the old one is started again
			for _, s := range []*Store{old, again} {
				if s == old && !shared {
					continue
				}
				if err := goesOn(s); err != nil {
					t.Errorf("the older one may not go on: %v", err)
				}
			}
			if err := again.Copy(ctx, func(CopyRow) error { return nil }); !errors.Is(err, ErrNewer) {
				t.Errorf("the older one copies what it does not know: %v", err)
			}
			if !shared {
				_ = again.Close()
			}
			with(t, adds, changes)
			newest := open()
			if err := goesOn(newest); err != nil {
				t.Fatal(err)
			}
			if !shared {
				_ = newest.Close()
			}
			for _, s := range []*Store{old, newer, again} {
				if _, err := s.InForce(ctx, ""); shared && !errors.Is(err, ErrNewer) {
					t.Errorf("an older one goes on beside what it does not know: %v", err)
				}
			}
			for _, texts := range [][]string{nil, {adds}} {
				with(t, texts...)
				if _, err := Open(ctx, o); !errors.Is(err, ErrNewer) {
					t.Errorf("an older one starts beside what it does not know: %v", err)
				}
			}
			if shared {
				for _, s := range []*Store{old, newer, again, newest} {
					_ = s.Close()
				}
			}
		})
	}
}
