package store

import (
	"context"
	"crypto/rand"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rapporthq/rapport/person"
	"github.com/rapporthq/rapport/trust/vault"
)

// TestRewritingAHomeTakesNoMemoryForIt writes a home anew that is many times as large as what the process may gather for that: a large home is rewritten by the process that
// serves it, and must not end it.
func TestRewritingAHomeTakesNoMemoryForIt(t *testing.T) {
	ctx, dir := context.Background(), t.TempDir()
	s, err := Open(ctx, Options{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	body := make([]byte, 1<<20)
	_, _ = rand.Read(body)
	const rows = 100 // of a megabyte
	for n := range rows {
		id := person.NewID()
		c := vault.Change{Enrol: []vault.Enrolment{{ID: id, Wrapped: []byte{1}, At: 1}}, Put: []vault.Row{{Of: id, Kind: vault.FactRow, Key: vault.Key{byte(n), byte(n >> 8)}, At: 1, Body: body}}}
		if err := s.Commit(ctx, c); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.Rewrite(ctx); err != nil { // the log is empty, and all caches are as large as they get
		t.Fatal(err)
	}
	if err := os.WriteFile("/proc/self/clear_refs", []byte("5"), 0o600); err != nil { // the peak begins anew
		t.Fatalf("this kernel does not tell a peak apart, so nothing can be said here: %v", err)
	}
	before := memory(t, "VmRSS")
	if err := s.Rewrite(ctx); err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(filepath.Join(dir, mainFile))
	if err != nil {
		t.Fatal(err)
	}
	grew := memory(t, "VmHWM") - before
	t.Logf("a file of %d MB was written anew with %d MB", info.Size()>>20, grew>>20)
	if grew > info.Size()/2 {
		t.Errorf("a file of %d MB took %d MB of memory to be written anew", info.Size()>>20, grew>>20)
	}
}

// memory is a line of /proc/self/status, in bytes.
func memory(t *testing.T, name string) int64 {
	t.Helper()
	raw, err := os.ReadFile("/proc/self/status")
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(raw)) {
		if rest, ok := strings.CutPrefix(line, name+":"); ok {
			var kb int64
			if _, err := fmt.Sscan(rest, &kb); err != nil {
				t.Fatal(err)
			}
			return kb << 10
		}
	}
	t.Fatal("there is no " + name)
	return 0
}
