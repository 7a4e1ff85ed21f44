package store

import (
	"context"
	"database/sql/driver"
	"testing"
	"time"

	"github.com/rapporthq/rapport/person"
	"github.com/rapporthq/rapport/store/pgtest"
	"github.com/rapporthq/rapport/trust/ledger"
	"github.com/rapporthq/rapport/trust/rights"
	"github.com/rapporthq/rapport/trust/vault"
)

func shared(t *testing.T) *Store {
	t.Helper()
	s, err := Open(context.Background(), Options{URL: pgtest.URL(t)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s
}

// plainAct is an event of somebody, judged by a version of theirs, and a trait if at is given.
func plainAct(of person.ID, version int64, event byte, at person.Instant, value string) *act {
	ch := &vault.Change{Seen: []vault.Seen{{Root: of, Version: version}}, Frames: []vault.Frame{{Of: of, ID: person.EventID{event}, Stream: 1, At: 5, Received: 5, Body: []byte{event}}}}
	if at > 0 {
		ch.Put = []vault.Row{{Of: of, Kind: vault.FactRow, Key: vault.Key{1}, At: at, Head: []byte{}, Body: []byte(value)}}
	}
	return &act{ctx: context.Background(), change: ch, done: make(chan error, 1)}
}

func TestPlainActsAreDoneTogetherOrNotAtAll(t *testing.T) {
	ctx := context.Background()
	s := shared(t)
	ids := enrolMany(t, s, 3)
	one, two := ids[0], ids[1]
	journalled := func() (n int) {
		if err := s.engine.ask(ctx, query{text: "SELECT COUNT(*) FROM journal", scan: func(r row) error { n = int(r.int(0)); return nil }}); err != nil {
			t.Fatal(err)
		}
		return n
	}
	newcomer := &act{ctx: ctx, change: &vault.Change{Enrol: []vault.Enrolment{{ID: person.NewID(), Wrapped: []byte{1}}}}, done: make(chan error, 1)}
	choice := plainAct(two, 1, 9, 7, "no")
	choice.change.Put[0].Kind = vault.ChoiceRow
	good := []*act{plainAct(one, 1, 1, 7, "later"), plainAct(one, 1, 2, 6, "earlier"), newcomer, plainAct(two, 1, 3, 0, ""), choice}
	if left := s.together(good); len(left) != 2 || left[0] != newcomer || left[1] != choice {
		t.Fatalf("%d are left, wanted who comes newly and who chooses", len(left))
	}
	for _, a := range []*act{good[0], good[1], good[3]} {
		if err := <-a.done; err != nil {
			t.Error(err)
		}
	}
	if n := journalled(); n != 1 {
		t.Errorf("%d rows in the journal for one group", n)
	}
	for name, bad := range map[string]*act{
		"an older version":                    plainAct(two, 0, 4, 0, ""),
		"nobody":                              plainAct(person.NewID(), 1, 5, 0, ""),
		"an older version, of whom is held":   plainAct(two, 2, 6, 8, "x"),
		"another version than another's, too": plainAct(one, 2, 7, 0, ""),
	} {
		before := journalled()
		acts := []*act{plainAct(one, 1, 8, 9, "alone"), bad}
		left := s.together(acts)
		if len(left) == 0 || left[len(left)-1] != bad {
			t.Errorf("%s is done", name)
		}
		if name != "another version than another's, too" && (len(left) != 2 || journalled() != before) {
			t.Errorf("%s is half done: %d are left", name, len(left))
		}
	}
	if _, _, err := s.Fold(ctx, 100); err != nil {
		t.Fatal(err)
	}
	l, err := s.Load(ctx, one)
	if err != nil || len(l.Rows) != 1 || len(l.Frames) != 3 {
		t.Fatalf("%d rows and %d frames (%v), wanted 1 and 3", len(l.Rows), len(l.Frames), err)
	}
	if v := string(l.Rows[0].Body); v != "alone" { // by the act that went without the one that saw another version
		t.Errorf("the trait is %q", v)
	}
}

// TestTheLaterOfTwoTraitsStays has two acts of one group write one trait.
func TestTheLaterOfTwoTraitsStays(t *testing.T) {
	s := shared(t)
	ids := enrolMany(t, s, 2)
	for i, order := range [][2]person.Instant{{6, 7}, {7, 6}} {
		a, b := plainAct(ids[i], 1, 1, order[0], "first"), plainAct(ids[i], 1, 2, order[1], "second")
		if left := s.together([]*act{a, b}); len(left) > 0 {
			t.Fatal("they are not done")
		}
		l, err := s.Load(context.Background(), ids[i])
		if err != nil || len(l.Rows) != 1 || string(l.Rows[0].Body) != []string{"second", "first"}[i] {
			t.Errorf("%v: %v, %v", order, l.Rows, err)
		}
	}
}

// TestWhatIsOnItsWayIsForgottenToo forgets somebody of whom an event or a receipt was judged and is not committed yet: the erasure waits for it, and it goes.
func TestWhatIsOnItsWayIsForgottenToo(t *testing.T) {
	for table, write := range map[string]func(ctx context.Context, s *Store, c conn, of person.ID, halfway func()) error{
		"sealed": func(ctx context.Context, s *Store, c conn, of person.ID, halfway func()) error {
			p := &plain{seen: map[person.ID]int64{}}
			p.take(plainAct(of, 1, 1, 0, "").change)
			fit := false
			if err := c.do(ctx, p.statement(&fit)); err != nil || !fit {
				t.Errorf("the event is not written: %v", err)
			}
			halfway()
			return nil
		},
		"receipt": func(ctx context.Context, s *Store, c conn, of person.ID, halfway func()) error {
			r := vault.Row{Of: of, Kind: vault.ReceiptRow, Key: vault.Key{1}, At: 1, Head: []byte{1}, Body: []byte{1}}
			if err := c.do(ctx, receiptRows([]vault.Row{r})); err != nil {
				t.Errorf("the receipt is not written: %v", err)
			}
			halfway()
			return nil
		},
	} {
		t.Run(table, func(t *testing.T) { onItsWay(t, table, write) })
	}
}

func onItsWay(t *testing.T, table string, write func(ctx context.Context, s *Store, c conn, of person.ID, halfway func()) error) {
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	s := shared(t)
	of := enrolMany(t, s, 1)[0]
	written, goOn, done := make(chan struct{}), make(chan struct{}), make(chan error, 1)
	go func() {
		done <- s.engine.transaction(ctx, func(c conn) error {
			return write(ctx, s, c, of, func() { close(written); <-goOn })
		})
	}()
	<-written
	entry := func(looks, receipts []int64) (ledger.Row, error) {
		return ledger.Row{Kind: "erasure", At: 2, Reason: []byte{}}, nil
	}
	if _, err := s.ForgetPerson(ctx, rights.Forgetting{ID: [16]byte{1}, People: []person.ID{of}, Seen: []vault.Seen{{Root: of, Version: 1}}, At: 2, Entry: entry}); err != nil {
		t.Fatal(err)
	}
	cleared := make(chan error, 1)
	go func() { cleared <- s.Clear(ctx, entry) }()
	waits := false
	for ended := false; !waits && !ended; {
		select {
		case err := <-cleared:
			t.Errorf("the erasure did not wait: %v", err)
			cleared <- err
			ended = true
		default:
			if err := s.engine.ask(ctx, query{text: "SELECT 1 FROM pg_locks WHERE NOT granted AND relation = CAST('" + table + "' AS regclass) AND database = (SELECT oid FROM pg_database WHERE datname = current_database())",
				scan: func(row) error { waits = true; return nil }}); err != nil {
				t.Fatal(err)
			}
		}
	}
	close(goOn)
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	if err := <-cleared; err != nil {
		t.Fatal(err)
	}
	if err := eachFrame(ctx, s, func(f vault.Frame) {
		if f.Of == of {
			t.Error("the event is in the journal")
		}
	}); err != nil {
		t.Fatal(err)
	}
	if err := s.engine.ask(ctx, query{text: "SELECT 1 FROM receipt WHERE person = $1", args: []driver.Value{of[:]}, scan: func(row) error { t.Error("the receipt is there"); return nil }}); err != nil {
		t.Fatal(err)
	}
	late := plainAct(of, 1, 2, 0, "")
	if left := s.together([]*act{late}); len(left) != 1 {
		t.Error("an event of who was forgotten is taken")
	}
}

func eachFrame(ctx context.Context, s *Store, each func(vault.Frame)) error {
	return s.engine.snapshot(ctx, func(c conn) error {
		return eachInJournal(ctx, c, 0, 1<<60, 10, func(_ int64, r row) (bool, error) {
			return true, vault.ParseFrames(r.bytes(2), r.at(1), func(f vault.Frame) error { each(f); return nil })
		})
	})
}

// Receipts that come together are one statement: of two of one name the later stays, and of who is not there none is kept.
func TestReceiptsTogetherAreAsIfTheyCameAlone(t *testing.T) {
	ctx := context.Background()
	s := shared(t)
	ids := enrolMany(t, s, 2)
	receipt := func(of person.ID, key byte, at person.Instant, body string) vault.Row {
		return vault.Row{Of: of, Kind: vault.ReceiptRow, Key: vault.Key{key}, At: at, Head: []byte{1}, Body: []byte(body)}
	}
	if err := s.engine.transaction(ctx, func(c conn) error {
		return c.do(ctx, receiptRows([]vault.Row{
			receipt(ids[0], 1, 5, "first"), receipt(ids[0], 2, 6, "first"), receipt(person.ID{99}, 3, 5, "nobody's"), receipt(ids[0], 1, 6, "second"), receipt(ids[0], 2, 5, "second"),
			receipt(ids[1], 4, 5, "own"), receipt(ids[0], 4, 6, "another's"), receipt(ids[1], 5, 5, ""),
		}))
	}); err != nil {
		t.Fatal(err)
	}
	if err := s.engine.transaction(ctx, func(c conn) error {
		return c.do(ctx, receiptRows([]vault.Row{receipt(ids[1], 5, 4, "older"), receipt(ids[0], 4, 7, "another's"), receipt(ids[0], 2, 9, "newer")}))
	}); err != nil {
		t.Fatal(err)
	}
	for key, want := range map[byte]string{1: "second", 2: "newer", 4: "own", 5: ""} {
		if r, _, err := s.Receipt(ctx, vault.Key{key}); err != nil || string(r.Body) != want || (key > 3) != (r.Of == ids[1]) {
			t.Errorf("receipt %d: %q of %v, %v; expected %q", key, r.Body, r.Of, err, want)
		}
	}
	kept := 0
	if err := s.engine.ask(ctx, query{text: "SELECT key FROM receipt", scan: func(row) error { kept++; return nil }}); err != nil || kept != 4 {
		t.Errorf("%d receipts are kept, %v; expected those of who is there, 4", kept, err)
	}
}
