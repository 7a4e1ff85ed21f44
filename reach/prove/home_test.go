package prove

import (
	"context"
	"database/sql"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	_ "github.com/mattn/go-sqlite3"

	"github.com/rapporthq/rapport/charter"
	"github.com/rapporthq/rapport/person"
	"github.com/rapporthq/rapport/reach/decide"
	"github.com/rapporthq/rapport/store"
	"github.com/rapporthq/rapport/trust/consent"
	"github.com/rapporthq/rapport/trust/ledger"
	"github.com/rapporthq/rapport/trust/vault"
)

// built is a real home on SQLite with some people of the town.
type built struct {
	t     testing.TB
	dir   string
	store *store.Store
	vault *vault.Vault
	tree  *ledger.Ledger
	house *decide.House
	ids   []person.ID
}

const mark = "MARKER"

func build(t testing.TB, people int) *built {
	t.Helper()
	ctx := context.Background()
	b := &built{t: t, dir: t.TempDir()}
	var err error
	if b.vault, err = vault.Create(b.dir); err != nil {
		t.Fatal(err)
	}
	if b.store, err = store.Open(ctx, store.Options{Dir: b.dir, Clock: func() person.Instant { return now }}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = b.store.Close() })
	signer, verifier := b.vault.TreeKey()
	if b.tree, err = ledger.New(b.store.Ledger(), signer, verifier); err != nil {
		t.Fatal(err)
	}
	w := newTown(t)
	c := retail(t)
	if err := b.store.AcceptCharter(ctx, 0, charter.Accepted{Position: 1, Hash: c.Hash, Source: c.Source, At: ago(300), By: "init"}); err != nil {
		t.Fatal(err)
	}
	b.house = w.ours()
	for i := range people {
		m := w.person(i, 8, nil)
		for k := range m.History { // what the sweep would have removed is not there
			if m.History[k].At < ago(5*365) {
				m.History[k].At, m.History[k].Received = ago(100), ago(100)
			}
		}
		for k := range m.Facts {
			if m.Facts[k].Name == "email" {
				m.Facts[k].Value = fmt.Sprintf("%s-%d@nowhere.example", mark, i)
			}
		}
		b.put(m)
	}
	return b
}

// put seals a person as the gate would, under a new pseudonym.
func (b *built) put(m *decide.Made) person.ID {
	b.t.Helper()
	ctx := context.Background()
	enrol, ring, err := b.vault.Enrol(ago(300))
	if err != nil {
		b.t.Fatal(err)
	}
	ch := vault.Change{Enrol: []vault.Enrolment{enrol}}
	for _, f := range m.Facts {
		f.Of = ring.ID()
		ch.Put = append(ch.Put, ring.SealFact(f))
	}
	for i, c := range m.Choices {
		c.Of = ring.ID()
		ch.Put = append(ch.Put, ring.SealChoice(c, consent.Evidence{Notice: "1", Language: "en", Words: mark + " words"}, fmt.Sprint(i)))
	}
	for _, f := range m.Feedback {
		f.Of, f.Decision = ring.ID(), "d"
		ch.Put = append(ch.Put, ring.SealFeedback(f))
	}
	for _, c := range m.Complaints {
		c.Of = ring.ID()
		ch.Put = append(ch.Put, ring.SealComplaint(c))
	}
	for _, s := range m.Shown {
		s.Of = ring.ID()
		ch.Put = append(ch.Put, ring.SealShown(s))
	}
	if m.Restricted {
		ch.Put = append(ch.Put, ring.SealRestriction(ago(10), true))
	}
	for _, e := range m.History {
		stream, err := b.store.Intern(ctx, vault.Stream{Event: e.Name, Source: e.Source, Charter: 1})
		if err != nil {
			b.t.Fatal(err)
		}
		body, err := vault.AppendBody(nil, e.Lines, e.Properties)
		if err != nil {
			b.t.Fatal(err)
		}
		ch.Frames = append(ch.Frames, ring.SealEvent(e.ID, stream, e.At, e.Received, body))
	}
	if err := b.store.Commit(ctx, ch); err != nil {
		b.t.Fatal(err)
	}
	for more := true; more; {
		if _, more, err = b.store.Fold(ctx, 1000); err != nil {
			b.t.Fatal(err)
		}
	}
	b.ids = append(b.ids, ring.ID())
	return ring.ID()
}

// home is the home as prove is told of it.
func (b *built) home() Home {
	streams, err := b.store.Streams(context.Background())
	if err != nil {
		b.t.Fatal(err)
	}
	return Home{
		Store: b.store, Vault: b.vault, House: b.house, Ledger: b.tree, Count: b.store.People, Oldest: b.store.Oldest, Keep: time.Hour, Dir: b.dir,
		Streams: func(id vault.StreamID) (vault.Stream, bool) { s, ok := streams[id]; return s, ok },
		Clock:   func() person.Instant { return now }, Actor: "prove", Reason: "a test",
	}
}

func (b *built) run(h Home) []Result {
	b.t.Helper()
	results, err := Run(context.Background(), h, Options{People: 10, Seed: 1})
	if err != nil {
		b.t.Fatal(err)
	}
	var names []string
	for _, r := range results {
		names = append(names, r.Check)
		if strings.Contains(strings.ToUpper(r.Detail), mark) {
			b.t.Errorf("%s tells a value: %s", r.Check, r.Detail)
		}
	}
	if !slices.Equal(names, Checks) {
		b.t.Errorf("the checks are %v", names)
	}
	return results
}

// rows writes out every row of the home's databases but the ledger's.
func (b *built) rows() map[string]string {
	b.t.Helper()
	out := map[string]string{}
	files, err := filepath.Glob(filepath.Join(b.dir, "*.db"))
	if err != nil || len(files) < 2 {
		b.t.Fatalf("the home has %d databases: %v", len(files), err)
	}
	for _, file := range files {
		b.open(file, func(db *sql.DB) {
			for _, table := range texts(b.t, db, "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'") {
				if slices.Contains([]string{"look", "tree", "head"}, table) {
					continue
				}
				out[filepath.Base(file)+" "+table] = strings.Join(everything(b.t, db, table), "\n")
			}
		})
	}
	return out
}

func (b *built) open(file string, use func(db *sql.DB)) {
	b.t.Helper()
	db, err := sql.Open("sqlite3", "file:"+file+"?_busy_timeout=5000")
	if err != nil {
		b.t.Fatal(err)
	}
	defer func() { _ = db.Close() }()
	use(db)
}

func texts(t testing.TB, db *sql.DB, query string) (out []string) {
	t.Helper()
	rows, err := db.Query(query)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		var s string
		if err := rows.Scan(&s); err != nil {
			t.Fatal(err)
		}
		out = append(out, s)
	}
	return out
}

func everything(t testing.TB, db *sql.DB, table string) (out []string) {
	t.Helper()
	where := ""
	if table == "counter" {
		where = " WHERE name <> 'ledger'"
	}
	rows, err := db.Query("SELECT * FROM " + table + where)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = rows.Close() }()
	columns, err := rows.Columns()
	if err != nil {
		t.Fatal(err)
	}
	for rows.Next() {
		cells, to := make([]any, len(columns)), make([]any, len(columns))
		for i := range cells {
			to[i] = &cells[i]
		}
		if err := rows.Scan(to...); err != nil {
			t.Fatal(err)
		}
		out = append(out, fmt.Sprintf("%x", cells))
	}
	slices.Sort(out)
	return out
}

func (b *built) looks() (n int) {
	b.open(filepath.Join(b.dir, "rapport.db"), func(db *sql.DB) {
		n = len(texts(b.t, db, "SELECT kind FROM look WHERE kind = 'look'"))
	})
	return n
}

func TestARealHomePasses(t *testing.T) {
	b := build(t, 30)
	before, looks := b.rows(), b.looks()
	if len(before["rapport.db sealed"]) == 0 || len(before["history.db history"]) == 0 {
		t.Fatalf("the home is empty")
	}
	one := b.run(b.home())
	for _, r := range one {
		t.Logf("%+v", r)
		if r.Cases == 0 {
			t.Errorf("%s met no case", r.Check)
		}
	}
	expect(t, one, nil)
	if n := b.looks(); n != looks+1 {
		t.Errorf("%d looks are on record", n-looks)
	}
	after := b.rows()
	for table := range after {
		if before[table] != after[table] {
			t.Errorf("%s was changed", table)
		}
	}

	// The same home and seed give the same results, but for the ledger, its retention and the files, which have grown by the look.
	two := b.run(b.home())
	for i := range one {
		if one[i] != two[i] && one[i].Check != Ledger && one[i].Check != Retention && one[i].Check != ThiefSees {
			t.Errorf("the second time it is %+v, and it was %+v", two[i], one[i])
		}
	}
}

// forgetful is a store that lets everybody be read and records nothing.
type forgetful struct {
	*store.Store
	ids []person.ID
}

func (f forgetful) Each(ctx context.Context, _ ledger.Row, yield func(vault.Loaded) error) error {
	for _, id := range f.ids {
		l, err := f.Load(ctx, id)
		if err != nil {
			return err
		}
		if err := yield(l); err != nil {
			return err
		}
	}
	return nil
}

// odd is a person with one thing that should not be there.
func odd(change func(m *decide.Made)) func(b *built, h *Home) {
	return func(b *built, _ *Home) {
		m := &decide.Made{Who: person.Person{Root: person.ID{'o'}}}
		e := person.Event{Head: head(m.Who.Root, "Order Completed", person.Observed, "tills", "store", ago(10)), ID: person.EventID{'o'}}
		e.Lines, e.Properties = []person.Line{{Item: "fruit-1", Quantity: 1}}, map[string]any{"order_id": "1"}
		m.History = append(m.History, e)
		change(m)
		b.put(m)
	}
}

func TestBrokenHomesAreSeen(t *testing.T) {
	newTown(t).ours() // made once, before several ask for it
	for _, c := range []struct {
		name  string
		spoil func(b *built, h *Home)
		fails []string
	}{
		{"nothing is wrong", func(*built, *Home) {}, nil},
		{"a fact that the charter does not name", odd(func(m *decide.Made) { know(m, mark+" shoe size", mark+" 44", person.Declared) }), []string{UndeclaredRest}},
		{"an event that the charter does not name", odd(func(m *decide.Made) { m.History[0].Name = mark + " Seen" }), []string{UndeclaredRest}},
		{"a property that the charter does not name", odd(func(m *decide.Made) { m.History[0].Properties[mark] = mark }), []string{UndeclaredRest}},
		{"lines where the charter names none", odd(func(m *decide.Made) { m.History[0].Name, m.History[0].Properties = "Page Viewed", nil }), []string{UndeclaredRest}},
		{"an event older than its retention", odd(func(m *decide.Made) {
			m.History[0].Name, m.History[0].Properties = "Product Viewed", nil
			m.History[0].At, m.History[0].Received = ago(400), ago(400)
		}), []string{Retention}},
		{"an event dated ahead, and kept for too long", odd(func(m *decide.Made) {
			m.History[0].Name, m.History[0].Properties = "Product Viewed", nil
			m.History[0].At, m.History[0].Received = ago(-9000), ago(400)
		}), []string{Retention}},
		{"a fact older than its retention", odd(func(m *decide.Made) { know(m, "income_band", "low", person.Declared).At = ago(370) }), []string{Retention}},
		{"a receipt older than its retention", func(b *built, _ *Home) {
			r := vault.Row{Of: b.ids[0], Kind: vault.ReceiptRow, Key: vault.Key{1}, At: ago(400), Head: []byte{1}, Body: []byte{1}}
			if err := b.store.Keep(context.Background(), []vault.Row{r}, true); err != nil {
				b.t.Fatal(err)
			}
		}, []string{Retention}},
		{"a look older than the ledger's retention", func(b *built, h *Home) {
			look, err := ledger.Seal(ledger.Look{At: ago(4000), Actor: "somebody", Role: "privacy", Purpose: "service", Reason: "a test", Fields: []string{"email"}, Count: 1, Filter: "everybody"}, h.Vault.Home())
			if err == nil {
				err = b.store.Commit(context.Background(), vault.Change{Looks: []ledger.Row{look}})
			}
			if err == nil {
				_, err = b.tree.Sequence(context.Background())
			}
			if err != nil {
				b.t.Fatal(err)
			}
		}, []string{Retention}},
		{"a row that cannot be opened", func(b *built, _ *Home) {
			b.open(filepath.Join(b.dir, "rapport.db"), func(db *sql.DB) { // a fact's
				b.exec(db, "UPDATE sealed SET head = zeroblob(64) WHERE kind = 1 AND (person, key) IN (SELECT person, key FROM sealed WHERE kind = 1 LIMIT 1)")
			})
		}, []string{UndeclaredRest}},
		{"a name in a file", func(b *built, _ *Home) {
			if err := os.WriteFile(filepath.Join(b.dir, "notes.txt"), []byte(strings.Repeat("x", 1<<20-5)+mark+"-3@nowhere.example"), 0o600); err != nil {
				b.t.Fatal(err)
			}
		}, []string{ThiefSees}},
		{"an address in the database", func(b *built, _ *Home) {
			if err := b.store.PutSetting(context.Background(), "a setting", "for "+mark+"-2@nowhere.example"); err != nil {
				b.t.Fatal(err)
			}
		}, []string{ThiefSees}},
		{"a look that is not recorded", func(b *built, h *Home) { h.Store = forgetful{b.store, b.ids} }, []string{Ledger}},
		{"an entry of the ledger was changed", func(b *built, h *Home) {
			b.run(*h)
			b.open(filepath.Join(b.dir, "rapport.db"), func(db *sql.DB) { b.exec(db, "UPDATE look SET actor = 'nobody' WHERE number = 1") })
		}, []string{Ledger}},
		{"an entry of the ledger was removed", func(b *built, h *Home) {
			b.run(*h)
			b.open(filepath.Join(b.dir, "rapport.db"), func(db *sql.DB) { b.exec(db, "DELETE FROM look WHERE number = 1") })
		}, []string{Ledger}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			b := build(t, 12)
			h := b.home()
			c.spoil(b, &h)
			h.Streams = b.home().Streams // with those that came meanwhile
			expect(t, b.run(h), c.fails)
		})
	}
}

func (b *built) exec(db *sql.DB, statements ...string) {
	b.t.Helper()
	for _, s := range statements {
		if _, err := db.Exec(s); err != nil {
			b.t.Fatal(err)
		}
	}
}
