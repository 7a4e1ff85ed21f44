package main

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	_ "github.com/jackc/pgx/v5/stdlib"
	_ "github.com/mattn/go-sqlite3"
	signed "golang.org/x/mod/sumdb/note"

	"github.com/rapporthq/rapport/person"
	"github.com/rapporthq/rapport/store"
	"github.com/rapporthq/rapport/store/pgtest"
	"github.com/rapporthq/rapport/trust/ledger"
	"github.com/rapporthq/rapport/trust/vault"
)

// Somebody with a hand on the database of a stopped home, by SQL and by copies of files, and sometimes with its keys: each kind of
// tampering is found, and named, by rapport ledger verify.

// scene is a stopped home whose ledger has entries, and a look that waits for its number.
type scene struct {
	t       *testing.T
	home    homeOptions
	clock   person.Instant
	entries int64
	people  []person.ID
	early   []byte // the head after the first twenty entries
	head    []byte // the last one
}

// sceneEntries is how many entries the scene's ledger has: the charter, and looks at five people and at populations in turn.
const sceneEntries = 40

// stage makes a scene: after the first twenty entries early is called with the home stopped.
func stage(t *testing.T, database string, early func(s *scene)) *scene {
	t.Helper()
	s := &scene{t: t, home: homeOptions{Home: exampleHome(t), Database: database}, clock: person.At(time.Date(2026, 3, 30, 12, 0, 0, 0, time.UTC))}
	s.home.clock = func() person.Instant { return s.clock }
	s.open(func(h *house) {
		for range 5 {
			e, _, err := h.vault.Enrol(s.clock)
			s.must(err)
			s.must(h.store.Commit(context.Background(), vault.Change{Enrol: []vault.Enrolment{e}}))
			s.people = append(s.people, e.ID)
		}
		s.fill(h, 20)
	})
	s.early = s.signed()
	if early != nil {
		early(s)
	}
	s.clock = s.clock.Add(48 * time.Hour)
	s.open(func(h *house) {
		s.fill(h, sceneEntries)
		s.look(h, 1) // this one waits
	})
	s.head = s.signed()
	return s
}

func (s *scene) must(err error) {
	s.t.Helper()
	if err != nil {
		s.t.Fatal(err)
	}
}

func (s *scene) open(do func(h *house)) {
	s.t.Helper()
	h, err := openHouse(context.Background(), s.home)
	s.must(err)
	defer h.Close()
	do(h)
}

// fill looks until the ledger has n entries, folding now and then.
func (s *scene) fill(h *house, n int64) {
	for s.entries < n {
		if s.entries > 0 { // the first is the charter's
			s.look(h, int(s.entries)%6-1)
		}
		s.entries++
		if s.entries%7 == 3 || s.entries == n {
			_, err := h.ledger.Sequence(context.Background())
			s.must(err)
		}
	}
}

// look reads the i-th person, or for -1 a population, and leaves the look.
func (s *scene) look(h *house, i int) {
	s.clock = s.clock.Add(time.Minute)
	l := ledger.Look{At: s.clock, Actor: "ann", Role: "agent", Team: "care", Purpose: "service", Reason: "a call", Fields: []string{"name", "Order Completed"}}
	key := ledger.Key(h.vault.Home())
	if i < 0 {
		l.Actor, l.Role, l.Filter, l.Count = "learn", "job", "all who said yes", 120
	} else {
		l.Of = s.people[i]
		loaded, err := h.store.Load(context.Background(), l.Of)
		s.must(err)
		key, err = h.vault.Key(l.Of, loaded.Wrapped[l.Of])
		s.must(err)
	}
	row, err := ledger.Seal(l, key)
	s.must(err)
	if i < 0 {
		s.must(h.store.Each(context.Background(), row, func(vault.Loaded) error { return nil }))
		return
	}
	_, err = h.store.Load(context.Background(), l.Of, row)
	s.must(err)
}

func (s *scene) signed() (head []byte) {
	s.open(func(h *house) {
		var err error
		head, err = h.ledger.Signed(context.Background())
		s.must(err)
	})
	return head
}

// sql runs statements on the stopped home's database, as anybody who may write it could.
func (s *scene) sql(statements ...string) {
	s.t.Helper()
	driver, source := "sqlite3", filepath.Join(s.home.Home, databaseDir, "rapport.db")
	if s.home.Database != "" {
		driver, source = "pgx", s.home.Database
	}
	db, err := sql.Open(driver, source)
	s.must(err)
	defer func() { s.must(db.Close()) }()
	for _, text := range statements {
		_, err := db.Exec(text)
		s.must(err)
	}
}

// refold has the rows numbered anew, the tree made of them and a head signed, by whoever has that key; the look that waits is numbered too.
func (s *scene) refold(signer, public string) {
	s.t.Helper()
	s.sql("UPDATE look SET number = NULL", "DELETE FROM tree", "DELETE FROM head")
	o := store.Options{URL: s.home.Database, Clock: s.home.clock}
	if s.home.Database == "" {
		o.Dir = filepath.Join(s.home.Home, databaseDir)
	}
	st, err := store.Open(context.Background(), o)
	s.must(err)
	l, err := ledger.New(st.Ledger(), signer, public)
	s.must(err)
	_, err = l.Sequence(context.Background())
	s.must(err)
	s.must(st.Close())
}

// ownKey is the home's own signing key, in the hands of who has its keys folder.
func (s *scene) ownKey() (signer, public string) {
	v, err := vault.Open(s.home.Home)
	s.must(err)
	return v.TreeKey()
}

// found are the faults that rapport ledger verify names, by entry.
func (s *scene) found(args ledgerArgs) map[int64]ledger.Fault {
	s.t.Helper()
	var said strings.Builder
	args.JSON = true
	err := perform(context.Background(), s.home, "ledger-verify", args, &speaker{out: func(text string) error { said.WriteString(text); return nil }})
	var rep ledger.Report
	if jsonErr := json.Unmarshal([]byte(said.String()), &rep); jsonErr != nil {
		s.t.Fatalf("verify names nothing: %v; it said %q", err, &said)
	}
	if (err == nil) != rep.OK() {
		s.t.Errorf("verify found %d faults and ended with %v", len(rep.Problems), err)
	}
	out := map[int64]ledger.Fault{}
	for _, p := range rep.Problems {
		out[p.Number] = p.Fault
	}
	return out
}

// copyFolder copies the files of a folder, as their owner's alone.
func copyFolder(t *testing.T, from, to string) {
	t.Helper()
	entries, err := os.ReadDir(from)
	if err == nil {
		err = errors.Join(os.RemoveAll(to), os.MkdirAll(to, 0o700))
	}
	for _, e := range entries {
		raw, readErr := os.ReadFile(filepath.Join(from, e.Name()))
		err = errors.Join(err, readErr, os.WriteFile(filepath.Join(to, e.Name()), raw, 0o600))
	}
	if err != nil {
		t.Fatal(err)
	}
}

func faults(fault ledger.Fault, numbers ...int64) map[int64]ledger.Fault {
	out := map[int64]ledger.Fault{}
	for _, n := range numbers {
		out[n] = fault
	}
	return out
}

func with(all map[int64]ledger.Fault, number int64, fault ledger.Fault) map[int64]ledger.Fault {
	all[number] = fault
	return all
}

func spanOf(from, to int64) (numbers []int64) {
	for n := from; n <= to; n++ {
		numbers = append(numbers, n)
	}
	return numbers
}

// numbersOf are the entries about the i-th person.
func numbersOf(i int, to int64) (numbers []int64) {
	for n := int64(2); n <= to; n++ {
		if int(n-1)%6-1 == i {
			numbers = append(numbers, n)
		}
	}
	return numbers
}

// tamperings are the kinds. Entry 1 is the charter's; 9 and 11 are looks at people, 13 at a population; 41 is the look that waits, which
// verify brings into the tree first.
var tamperings = []struct {
	name   string
	tamper func(s *scene)
	want   map[int64]ledger.Fault // 0: the ledger as a whole
}{
	{"a row changed: who looked", func(s *scene) { s.sql("UPDATE look SET actor = 'bob' WHERE number = 9") }, faults(ledger.Changed, 9)},
	{"a row changed: what was read", func(s *scene) { s.sql("UPDATE look SET fields = 'name' WHERE number = 9") }, faults(ledger.Changed, 9)},
	{"a row changed: whom it was at", func(s *scene) {
		s.sql("UPDATE look SET person = (SELECT person FROM look WHERE number = 11) WHERE number = 9")
	}, faults(ledger.Changed, 9)},
	{"a row changed: the sealed reason", func(s *scene) {
		s.sql("UPDATE look SET reason = (SELECT reason FROM look WHERE number = 11) WHERE number = 9")
	}, faults(ledger.Changed, 9)},
	{"a row changed: how many people", func(s *scene) { s.sql("UPDATE look SET count = 1 WHERE number = 13") }, faults(ledger.Changed, 13)},
	{"a row emptied without an erasure", func(s *scene) {
		s.sql("UPDATE look SET person = (SELECT person FROM look WHERE number = 13), reason = (SELECT reason FROM look WHERE number = 1) WHERE number = 9")
	}, faults(ledger.Emptied, 9)},
	{"a row dropped", func(s *scene) { s.sql("DELETE FROM look WHERE number = 17") }, faults(ledger.Missing, 17)},
	{"a row's number taken back", func(s *scene) { s.sql("UPDATE look SET number = NULL WHERE number = 17") }, faults(ledger.Missing, 17)},
	{"two rows swapped", func(s *scene) {
		s.sql("UPDATE look SET number = 1000 WHERE number = 9", "UPDATE look SET number = 9 WHERE number = 11", "UPDATE look SET number = 11 WHERE number = 1000")
	}, faults(ledger.Swapped, 9, 11)},
	{"a row added with a number", func(s *scene) { s.sql(added("41", "at")) }, faults(ledger.Added, 41)},
	{"a row added to be folded", func(s *scene) { s.sql(added("NULL", "at + 1")) }, faults(ledger.Changed, 42)},
	{"a row added at a population, to be folded", func(s *scene) { s.sql(strings.Replace(added("NULL", "at + 1"), "number = 9", "number = 13", 1)) }, faults(ledger.Emptied, 42)},
	{"a row backdated", func(s *scene) { s.sql("UPDATE look SET at = at - 86400000000 WHERE number = 9") }, faults(ledger.Changed, 9)},
	{"the tree cut back: the last rows gone", func(s *scene) { s.sql("DELETE FROM look WHERE number > 35 OR number IS NULL") }, faults(ledger.CutBack, 36)},
	{"the tree cut back: all rows gone", func(s *scene) { s.sql("DELETE FROM look") }, faults(ledger.CutBack, 1)},
	{"the tree: a stored leaf's hash changed", func(s *scene) {
		s.sql("UPDATE tree SET hash = (SELECT hash FROM tree WHERE idx = 0) WHERE idx = " + stored(0, 9))
	}, faults(ledger.BadTree, 9)},
	{"the tree: a stored inner hash changed", func(s *scene) {
		s.sql("UPDATE tree SET hash = (SELECT hash FROM tree WHERE idx = 0) WHERE idx = " + stored(3, 16))
	}, faults(ledger.BadTree, 16)},
	{"the tree: a hash at its edge changed, while a look waits", func(s *scene) {
		s.sql("UPDATE tree SET hash = (SELECT hash FROM tree WHERE idx = 0) WHERE idx = " + stored(3, 40))
	}, faults(ledger.BadTree, 40)},
	{"the tree: a stored hash gone", func(s *scene) { s.sql("DELETE FROM tree WHERE idx = " + stored(0, 9)) }, faults(ledger.BadTree, 9)},
	{"the tree forked: rows and hashes made anew under the old head", func(s *scene) {
		s.sql("DELETE FROM look WHERE number = 5")
		signer, public, err := signed.GenerateKey(nil, "rapport-ledger")
		s.must(err)
		s.refold(signer, public)
		s.putHead(s.head)
	}, faults(ledger.BadRoot, 0)},
	{"the tree re-signed with another key", func(s *scene) {
		s.sql("UPDATE look SET actor = 'bob' WHERE number = 9")
		signer, public, err := signed.GenerateKey(nil, "rapport-ledger")
		s.must(err)
		s.refold(signer, public)
	}, map[int64]ledger.Fault{0: ledger.BadSignature, 9: ledger.Changed}},
	{"the tree re-signed with the home's key, not the people's", func(s *scene) {
		s.sql("UPDATE look SET actor = 'bob' WHERE number = 9")
		s.refold(s.ownKey())
	}, faults(ledger.Changed, 9)},
	{"the checkpoint replaced by an older one", func(s *scene) { s.putHead(s.early) }, faults(ledger.Added, spanOf(21, 40)...)},
	{"the checkpoint replaced by another home's", func(s *scene) {
		s.putHead(stage(s.t, "", nil).head)
	}, faults(ledger.BadSignature, 0)},
	{"the checkpoint gone", func(s *scene) { s.sql("DELETE FROM head") }, faults(ledger.Added, spanOf(1, 40)...)},
	{"a person's key swapped with another's", func(s *scene) {
		a, b := fmt.Sprintf("(SELECT person FROM look WHERE number = %d)", 9), fmt.Sprintf("(SELECT person FROM look WHERE number = %d)", 11)
		s.sql("CREATE TABLE aside AS SELECT id, wrapped FROM person",
			"UPDATE person SET wrapped = (SELECT wrapped FROM aside WHERE id = "+b+") WHERE id = "+a, "UPDATE person SET wrapped = (SELECT wrapped FROM aside WHERE id = "+a+") WHERE id = "+b)
	}, faults(ledger.Emptied, append(append(numbersOf(1, 40), 41), numbersOf(3, 40)...)...)},
	{"the home's keys swapped with another home's", func(s *scene) {
		copyFolder(s.t, filepath.Join(exampleHome(s.t), "keys"), filepath.Join(s.home.Home, "keys"))
	}, with(faults(ledger.Emptied, spanOf(1, 40)...), 0, ledger.BadSignature)},
}

// added is a statement that puts in a copy of entry 9 with another number and time.
func added(number, at string) string {
	return "INSERT INTO look (number, person, at, kind, actor, role, team, purpose, fields, count, filter, reason, leaf) SELECT " + number + ", person, " + at +
		", kind, actor, role, team, purpose, fields, count, filter, reason, leaf FROM look WHERE number = 9"
}

// stored is the place in the table of the hash at a level over entry n.
func stored(level int, n int64) string {
	at := int64(0) // each entry is stored with the hashes of the subtrees that it completes
	for i := int64(1); i < n; i++ {
		for rest := i; ; rest /= 2 {
			at++
			if rest%2 != 0 {
				break
			}
		}
	}
	return fmt.Sprint(at + int64(level))
}

// putHead puts a signed head in the place of the one that is there.
func (s *scene) putHead(head []byte) {
	s.sql("UPDATE head SET signed = " + s.bytes(head))
}

func (s *scene) bytes(b []byte) string {
	if s.home.Database != "" {
		return fmt.Sprintf(`'\x%x'`, b)
	}
	return fmt.Sprintf("x'%x'", b)
}

func TestEveryTamperingWithAHomesDatabaseIsFoundAndNamed(t *testing.T) {
	for _, engine := range []string{"SQLite", "PostgreSQL"} {
		t.Run(engine, func(t *testing.T) {
			database := ""
			if engine == "PostgreSQL" {
				database = pgtest.URL(t)
			}
			s := stage(t, database, nil)
			restore := s.kept()
			if d := cmp.Diff(faults(""), s.found(ledgerArgs{})); d != "" {
				t.Fatalf("a ledger that nobody touched:\n%s", d)
			}
			for _, kind := range tamperings {
				t.Run(kind.name, func(t *testing.T) {
					restore()
					here := *s
					here.t = t
					kind.tamper(&here)
					if d := cmp.Diff(kind.want, here.found(ledgerArgs{})); d != "" {
						t.Error(d)
					}
				})
			}
		})
	}
}

// kept puts the database of a stopped home aside, whole, and gives what puts it back, as a file of last week is put back.
func (s *scene) kept() (restore func()) {
	s.t.Helper()
	keys, folder, aside := filepath.Join(s.home.Home, "keys"), filepath.Join(s.home.Home, databaseDir), s.t.TempDir()
	copyFolder(s.t, keys, filepath.Join(aside, "keys"))
	if s.home.Database == "" {
		copyFolder(s.t, folder, filepath.Join(aside, "database"))
		return func() {
			copyFolder(s.t, filepath.Join(aside, "keys"), keys)
			copyFolder(s.t, filepath.Join(aside, "database"), folder)
		}
	}
	tables := []string{"look", "tree", "head", "person", "setting", "receipt"}
	name := fmt.Sprintf("kept_%d", s.entries)
	for _, table := range tables {
		s.sql(fmt.Sprintf("CREATE TABLE %s_%s AS TABLE %s", name, table, table))
	}
	return func() {
		s.t.Helper()
		copyFolder(s.t, filepath.Join(aside, "keys"), keys)
		s.sql("DROP TABLE IF EXISTS aside")
		for _, table := range tables {
			s.sql("DELETE FROM "+table, fmt.Sprintf("INSERT INTO %s SELECT * FROM %s_%s", table, name, table))
		}
	}
}
