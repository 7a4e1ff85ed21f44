package disktest

import (
	"bytes"
	"context"
	"database/sql"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	_ "github.com/mattn/go-sqlite3"
)

const asChild = "RAPPORT_DISKTEST_CHILD"

func TestMain(m *testing.M) {
	if dir := os.Getenv(asChild); dir != "" {
		if err := child(filepath.Join(dir, "rapport.db")); err != nil {
			_, _ = os.Stderr.WriteString(err.Error())
			os.Exit(4)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// child writes one row, synced, and one that is not.
func child(path string) error {
	db, err := sql.Open("sqlite3", "file:"+path+"?_journal_mode=WAL&_synchronous=FULL")
	if err != nil {
		return err
	}
	db.SetMaxOpenConns(1)
	for _, s := range []string{"CREATE TABLE t (n INTEGER)", "INSERT INTO t VALUES (1)", "PRAGMA synchronous=OFF", "INSERT INTO t VALUES (2)"} {
		if _, err := db.ExecContext(context.Background(), s); err != nil {
			return err
		}
	}
	os.Exit(0) // without closing, which would sync
	return nil
}

func run(t *testing.T, d *Disk, dir string) (string, error) {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(append(os.Environ(), asChild+"="+dir), d.Env()...)
	out, err := cmd.CombinedOutput()
	return string(out), err
}

// Without a fault the cut at the end may or may not have what was not synced, and always what was.
func TestACutKeepsWhatWasSyncedAndMayLoseTheRest(t *testing.T) {
	dir, base := t.TempDir(), t.TempDir()
	d := Under(t, dir, true)
	if out, err := run(t, d, dir); err != nil {
		t.Fatal(err, out)
	}
	if d.Get(Ops) == 0 || d.Get(WriteOps) == 0 || d.Now() == 0 {
		t.Fatal("the layer saw nothing")
	}
	seen := map[int]bool{}
	for seed := range uint64(40) {
		to := filepath.Join(t.TempDir(), "cut")
		if d.Cut(base, to, d.Now(), rand.New(rand.NewPCG(seed, 1))) == 0 {
			t.Fatal("no sync was recorded")
		}
		db, err := sql.Open("sqlite3", "file:"+filepath.Join(to, "rapport.db"))
		if err != nil {
			t.Fatal(err)
		}
		var n int
		if err := db.QueryRow("SELECT COUNT(*) FROM t").Scan(&n); err != nil {
			t.Fatal(err)
		}
		_ = db.Close()
		seen[n] = true
	}
	if len(seen) != 2 || !seen[1] || !seen[2] {
		t.Errorf("the cuts left %v rows, want 1 and 2", seen)
	}
}

func TestTheLayerFailsWhatItIsToldTo(t *testing.T) {
	for what, c := range map[string]struct {
		set  map[Field]int64
		says string
	}{
		"nothing": {nil, ""},
		"writes":  {map[Field]int64{WriteErrno: 28}, "full"},
		"syncs":   {map[Field]int64{SyncErrno: 5, SyncFails: -1}, "I/O"},
		"opening": {map[Field]int64{OpenErrno: 30}, "unable to open"},
		"killing": {map[Field]int64{KillAt: 3}, "killed"},
	} {
		dir := t.TempDir()
		d := Under(t, dir, false)
		for f, v := range c.set {
			d.Set(f, v)
		}
		out, err := run(t, d, dir)
		if err != nil {
			out += err.Error()
		}
		if (err == nil) != (c.says == "") || !strings.Contains(out, c.says) {
			t.Errorf("%s: %v %s", what, err, out)
		}
	}
}

func TestSectorsAreTorn(t *testing.T) {
	f := &inode{ops: []op{{kind: 'w', data: bytes.Repeat([]byte{1}, 4*sector)}}}
	sizes := map[int]bool{}
	for seed := range uint64(60) {
		sizes[bytes.Count(f.after(rand.New(rand.NewPCG(seed, 2))), []byte{1})/sector] = true
	}
	for n := range 5 {
		if !sizes[n] {
			t.Errorf("%d sectors of four never reach the disk alone", n)
		}
	}
}
