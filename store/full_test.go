//go:build linux

package store

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/rapporthq/rapport/trust/vault"
)

// A full disk answers ErrUnavailable; what was acknowledged stays, and with space the store goes on by itself.
func TestAFullDisk(t *testing.T) {
	dir, more := smallDisk(t)
	ctx := context.Background()
	s, err := Open(ctx, Options{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if err := s.Commit(ctx, crashEnrolAll()); err != nil {
		t.Fatal(err)
	}
	limit(t, s, dir, 700)
	acknowledged := map[uint64]bool{}
	var mu sync.Mutex
	next, refused := uint64(0), 0
	batch := func() {
		var all sync.WaitGroup
		for range 8 {
			next++
			n := next
			all.Add(1)
			go func() {
				defer all.Done()
				c := crashChange(n)
				c.Put[0].Body = make([]byte, 20_000)
				err := s.Commit(ctx, c)
				mu.Lock()
				defer mu.Unlock()
				switch {
				case err == nil:
					acknowledged[n] = true
				case errors.Is(err, vault.ErrUnavailable):
					refused++
				default:
					t.Errorf("a full disk must be ErrUnavailable: %v", err)
				}
			}()
		}
		all.Wait()
	}
	for refused < 40 && next < 20_000 && !t.Failed() {
		batch()
		if _, _, err := s.Fold(ctx, 100); err != nil && !errors.Is(err, vault.ErrUnavailable) {
			t.Fatal(err)
		}
	}
	if refused < 40 || len(acknowledged) == 0 {
		t.Fatalf("the disk never filled: %d acknowledged, %d refused", len(acknowledged), refused)
	}
	if _, err := s.Find(ctx, []vault.Blind{{1}}); err != nil {
		t.Fatalf("reading on a full disk: %v", err)
	}
	before := len(acknowledged)
	more()
	limit(t, s, dir, 1<<30)
	batch()
	batch()
	if len(acknowledged) < before+8 {
		t.Fatalf("with space again %d acts went through", len(acknowledged)-before)
	}
	survived(t, s, acknowledged)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if s, err = Open(ctx, Options{Dir: dir}); err != nil {
		t.Fatal(err)
	}
	survived(t, s, acknowledged)
}

var mounted bool

// smallDisk is a folder on a disk of six megabytes, and what gives it more. Who may not mount gets an ordinary folder, and
// limit keeps the file small instead.
func smallDisk(t *testing.T) (dir string, more func()) {
	t.Helper()
	dir = filepath.Join(t.TempDir(), "disk")
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := unix.Mount("tmpfs", dir, "tmpfs", 0, "size=6m"); err != nil {
		mounted = false
		return dir, func() {}
	}
	mounted = true
	t.Cleanup(func() { _ = unix.Unmount(dir, unix.MNT_DETACH) })
	return dir, func() {
		if err := unix.Mount("tmpfs", dir, "tmpfs", unix.MS_REMOUNT, "size=256m"); err != nil {
			t.Fatal(err)
		}
	}
}

// limit sets how many pages the main file may have, where no disk does.
func limit(t *testing.T, s *Store, _ string, pages int) {
	t.Helper()
	if mounted {
		return
	}
	l := s.engine.(*lite)
	l.writing.Lock()
	defer l.writing.Unlock()
	if l.writer == nil {
		var err error
		if l.writer, err = l.open(mainFile, mainCache); err != nil {
			t.Fatal(err)
		}
	}
	if err := l.writer.one(&query{text: "PRAGMA max_page_count=" + strconv.Itoa(pages), scan: ignore}); err != nil {
		t.Fatal(err)
	}
}
