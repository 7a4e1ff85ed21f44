package storetest

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/rapporthq/rapport/person"
	"github.com/rapporthq/rapport/store"
	"github.com/rapporthq/rapport/trust/ledger"
	"github.com/rapporthq/rapport/trust/vault"
)

func looked(t *testing.T, h *Home) {
	s := h.Open(t)
	enrol(t, s, 1)
	must(t, s.Commit(ctx, vault.Change{Put: []vault.Row{row(1, vault.ReceiptRow, 1, Noon, "receipt")}}))
	pending := func() int {
		rows, err := s.Ledger().Pending(ctx, 100)
		must(t, err)
		return len(rows)
	}
	reads := map[string]func() error{
		"load":     func() error { _, err := s.Load(ctx, id(1), look(id(1), "why")); return err },
		"receipts": func() error { _, err := s.Receipts(ctx, id(1), 0, 1, look(id(1), "why")); return err },
		"receipt":  func() error { _, _, err := s.Receipt(ctx, key(1), look(id(1), "why")); return err },
		"each":     func() error { return s.Each(ctx, look(person.ID{}, "all"), func(vault.Loaded) error { return nil }) },
		"snapshot": func() error {
			return s.Snapshot(ctx, look(person.ID{}, "all"), func(*store.View) error { return nil })
		},
	}
	for what, read := range reads {
		before := pending()
		must(t, read())
		if pending() != before+1 {
			t.Fatalf("%s left no look", what)
		}
	}
	seen := false
	must(t, s.Each(ctx, look(person.ID{}, "first"), func(vault.Loaded) error {
		seen = true
		if n := pending(); n != len(reads)+1 {
			t.Fatalf("people were given out before the look was there: %d", n)
		}
		return nil
	}))
	if !seen {
		t.Fatal("nobody was given out")
	}
	_, err := s.Load(ctx, id(9), look(id(9), "nobody"))
	if !errors.Is(err, vault.ErrNotFound) {
		t.Fatal(err)
	}
	// When the look cannot be written, nothing is given out.
	must(t, s.Close())
	if l, err := s.Load(ctx, id(1), look(id(1), "why")); err == nil || len(l.Wrapped) != 0 {
		t.Fatalf("read without a look: %v, %v", l, err)
	}
}

// oneTransaction writes while it reads: a look lies, among the looks that the writes leave, where its read lay among the writes.
func oneTransaction(t *testing.T, h *Home) {
	s := h.Open(t)
	enrol(t, s, 1)
	const writes, reads = 60, 60
	read := make([]string, reads)
	var all sync.WaitGroup
	all.Add(2)
	go func() {
		defer all.Done()
		for n := range writes {
			c := vault.Change{Put: []vault.Row{row(1, vault.FactRow, 1, Noon+person.Instant(n), fmt.Sprint(n))}, Looks: []ledger.Row{look(id(1), "write")}}
			if err := s.Commit(ctx, c); err != nil {
				t.Error(err)
			}
		}
	}()
	go func() {
		defer all.Done()
		for n := range reads {
			l, err := s.Load(ctx, id(1), look(id(1), fmt.Sprint(n)))
			if err != nil {
				t.Error(err)
			} else if len(l.Rows) > 0 {
				read[n] = string(l.Rows[0].Body)
			}
		}
	}()
	all.Wait()
	looks, err := s.Ledger().Pending(ctx, writes+reads)
	must(t, err)
	if len(looks) != writes+reads {
		t.Fatalf("%d looks", len(looks))
	}
	written, met := 0, 0
	for _, w := range looks {
		if string(w.Row.Reason) == "write" {
			written++
			continue
		}
		n, seen := 0, 0
		_, err := fmt.Sscan(string(w.Row.Reason), &n)
		must(t, err)
		if read[n] != "" {
			_, err = fmt.Sscan(read[n], &seen)
			must(t, err)
			seen++
		}
		if seen > written { // several writers number their looks before they commit: there a write may have come between
			t.Fatalf("read %d saw %d writes, and its look lies after %d", n, seen, written)
		}
		if h.Options.URL == "" && seen < written {
			t.Fatalf("read %d saw %d writes, and its look lies after %d: it was appended by another transaction", n, seen, written)
		}
		if seen > 0 && seen < writes {
			met++
		}
	}
	if met == 0 {
		t.Fatal("no read lay between the writes: nothing was shown")
	}
}

func receiptsOfMany(t *testing.T, h *Home) {
	s := h.Open(t)
	const first, last = 1000, 1599 // more than one list of them
	for n := uint64(first); n <= last; n += 100 {
		var c vault.Change
		for m := n; m < n+100; m++ {
			c.Enrol = append(c.Enrol, enrolment(m))
			if m > first {
				c.Joins = append(c.Joins, vault.Join{ID: id(m), To: id(first), At: Noon, Why: "sign-in"})
			}
		}
		must(t, s.Commit(ctx, c))
	}
	var rows []vault.Row
	for i := uint64(0); i < 12; i++ { // the newer, the further on, and back again
		rows = append(rows, row(first+(i*350)%600, vault.ReceiptRow, i+1, Noon.Add(time.Duration(i)*time.Second), "a"))
	}
	must(t, s.Keep(ctx, rows, true))
	for from := 0; from < 12; from += 5 {
		got, err := s.Receipts(ctx, id(last), from, 5)
		must(t, err)
		if want := min(5, 12-from); len(got) != want {
			t.Fatalf("from %d: %d receipts, want %d", from, len(got), want)
		}
		for i, r := range got {
			if want := rows[11-from-i]; r.Key != want.Key {
				t.Errorf("from %d: receipt %d is of %v, want %v", from, i, r.At, want.At)
			}
		}
	}
}

func receipts(t *testing.T, h *Home) {
	s := h.Open(t)
	enrol(t, s, 1, 2, 3)
	join(t, s, 2, 1, Noon)
	a, b, c, d := row(1, vault.ReceiptRow, 1, Noon, "a"), row(2, vault.ReceiptRow, 2, Noon+2, "b"), row(1, vault.ReceiptRow, 3, Noon+1, "c"), row(3, vault.ReceiptRow, 4, Noon, "d")
	must(t, s.Keep(ctx, []vault.Row{a, b}, true))
	must(t, s.Keep(ctx, []vault.Row{c, d}, false))
	must(t, s.Keep(ctx, nil, true))
	wait(t, "receipts that nobody waits for", func() bool {
		_, _, err := s.Receipt(ctx, key(4))
		return err == nil
	})
	for range 2 {
		got, err := s.Receipts(ctx, id(2), 0, 10)
		must(t, err)
		if len(got) != 3 || got[0].Key != b.Key || got[1].Key != c.Key || got[2].Key != a.Key {
			t.Fatalf("not the newest first: %v", got)
		}
		same(t, b, got[0])
		if got, err = s.Receipts(ctx, id(1), 0, 1); err != nil || len(got) != 1 || got[0].Key != b.Key {
			t.Fatal(got, err)
		}
		if got, err = s.Receipts(ctx, id(1), 1, 5); err != nil || len(got) != 2 || got[0].Key != c.Key || got[1].Key != a.Key {
			t.Fatal("after the first:", got, err)
		}
		if got, err = s.Receipts(ctx, id(1), 3, 5); err != nil || len(got) != 0 {
			t.Fatal("after all:", got, err)
		}
		r, l, err := s.Receipt(ctx, key(2))
		must(t, err)
		same(t, b, r)
		if l.Who.Root != id(1) || len(l.Wrapped) != 2 {
			t.Fatalf("whose is it: %v", l.Who)
		}
		must(t, s.Keep(ctx, []vault.Row{row(3, vault.ReceiptRow, 9, Noon, "at closing")}, false))
		must(t, s.Close()) // writes what waits
		if err := s.Keep(ctx, []vault.Row{d}, false); !errors.Is(err, vault.ErrUnavailable) {
			t.Fatalf("kept by a closed store: %v", err)
		}
		s = h.Open(t)
		if _, _, err := s.Receipt(ctx, key(9)); err != nil {
			t.Fatalf("what waited at closing is lost: %v", err)
		}
	}
	if len(load(t, s, 1).Rows) != 0 {
		t.Fatal("receipts were loaded for a decision")
	}
}

// wait asks until it is so; what is waited for comes within 100 ms, and a slow machine gets more.
func wait(t testing.TB, what string, so func() bool) {
	t.Helper()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	deadline, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	for !so() {
		select {
		case <-tick.C:
		case <-deadline.Done():
			t.Fatalf("waited for %s in vain", what)
		}
	}
}

func streams(t *testing.T, h *Home) {
	s := h.Open(t)
	want := map[vault.StreamID]vault.Stream{}
	var mu sync.Mutex
	var all sync.WaitGroup
	for n := range 40 {
		all.Add(1)
		go func() {
			defer all.Done()
			st := vault.Stream{Event: fmt.Sprintf("Event %d", n%10), Source: "web", Charter: 1 + n%2}
			got, err := s.Intern(ctx, st)
			mu.Lock()
			defer mu.Unlock()
			if err != nil {
				t.Error(err)
			} else if before, ok := want[got]; ok && before != st {
				t.Errorf("one number for %v and %v", before, st)
			}
			want[got] = st
		}()
	}
	all.Wait()
	if len(want) != 10 {
		t.Fatalf("%d numbers of 10 streams", len(want))
	}
	for range 2 {
		got, err := s.Streams(ctx)
		must(t, err)
		same(t, want, got)
		for n, st := range want {
			if again, err := s.Intern(ctx, st); err != nil || again != n {
				t.Fatal(again, n, err)
			}
		}
		must(t, s.Close())
		s = h.Open(t)
	}
}

func everybody(t *testing.T, h *Home) {
	s := h.Open(t)
	const people = 700
	var c vault.Change
	for n := range uint64(people) {
		c.Enrol = append(c.Enrol, enrolment(n+1))
		c.Put = append(c.Put, row(n+1, vault.FactRow, 1, Noon, "x"))
		c.Frames = append(c.Frames, frame(n+1, n, Noon))
	}
	for n := uint64(2); n < 40; n += 2 { // some of them are one
		c.Joins = append(c.Joins, vault.Join{ID: id(n), To: id(people - n), At: Noon})
	}
	must(t, s.Commit(ctx, c))
	foldAll(t, s)
	check := func(each func(func(vault.Loaded) error) error) {
		t.Helper()
		seen := map[person.ID]int{}
		must(t, each(func(l vault.Loaded) error {
			for _, p := range l.Who.All() {
				seen[p]++
			}
			if len(l.Rows) != len(l.Who.All()) || len(l.Frames) != len(l.Who.All()) || len(l.Wrapped) != len(l.Who.All()) {
				t.Fatalf("not whole: %v", l)
			}
			return nil
		}))
		if len(seen) != people {
			t.Fatalf("%d of %d pseudonyms", len(seen), people)
		}
		for _, n := range seen {
			if n != 1 {
				t.Fatal("somebody was seen twice")
			}
		}
		enough := errors.New("enough")
		n := 0
		if err := each(func(vault.Loaded) error { n++; return enough }); !errors.Is(err, enough) || n != 1 {
			t.Fatalf("went on after %d: %v", n, err)
		}
	}
	check(func(yield func(vault.Loaded) error) error { return s.Each(ctx, look(person.ID{}, "all"), yield) })
	check(func(yield func(vault.Loaded) error) error {
		return s.Snapshot(ctx, look(person.ID{}, "all"), func(v *store.View) error { return v.Each(ctx, yield) })
	})
}

func snapshot(t *testing.T, h *Home) {
	s := h.Open(t)
	enrol(t, s, 1)
	must(t, s.Snapshot(ctx, look(person.ID{}, "self-check"), func(v *store.View) error {
		before, err := v.Load(ctx, id(1))
		if err != nil {
			return err
		}
		// Others write meanwhile, and are not seen.
		must(t, s.Commit(ctx, vault.Change{Put: []vault.Row{row(1, vault.ChoiceRow, 1, Noon, "x")}, Enrol: []vault.Enrolment{enrolment(2)}}))
		after, err := v.Load(ctx, id(1))
		if err != nil {
			return err
		}
		same(t, before, after)
		n := 0
		if err := v.Each(ctx, func(vault.Loaded) error { n++; return nil }); err != nil {
			return err
		}
		if n != 1 {
			t.Fatalf("%d people in a state that had one", n)
		}
		if _, err := v.Load(ctx, id(2)); !errors.Is(err, vault.ErrNotFound) {
			t.Fatal(err)
		}
		return nil
	}))
	if len(load(t, s, 1).Rows) != 1 {
		t.Fatal("what was written meanwhile is lost")
	}
}

func tree(t *testing.T, h *Home) {
	s := h.Open(t)
	enrol(t, s, 1, 2)
	l := s.Ledger()
	if head, err := l.Head(ctx); err != nil || head != nil {
		t.Fatal(head, err)
	}
	for n := range 5 {
		must(t, s.Commit(ctx, vault.Change{Looks: []ledger.Row{look(id(uint64(1+n%2)), fmt.Sprint(n))}}))
	}
	waiting, err := l.Pending(ctx, 3)
	must(t, err)
	if len(waiting) != 3 || string(waiting[0].Row.Reason) != "0" || string(waiting[2].Row.Reason) != "2" {
		t.Fatalf("not in the order of their commits: %v", waiting)
	}
	want := look(id(1), "0")
	same(t, want, waiting[0].Row)
	f := ledger.Folding{First: 1, Rows: waiting, Head: []byte("signed 3")}
	for i := range f.Rows {
		f.Rows[i].Row.Number = int64(i + 1)
		f.Hashes = append(f.Hashes, ledger.HashAt{Index: int64(i), Hash: [32]byte{byte(i)}})
	}
	var all sync.WaitGroup
	results := make(chan error, 8)
	for range 8 { // eight sequencers at once
		all.Add(1)
		go func() { defer all.Done(); results <- l.Fold(ctx, f) }()
	}
	all.Wait()
	close(results)
	done := 0
	for err := range results {
		if err == nil {
			done++
		} else if !errors.Is(err, ledger.ErrMoved) {
			t.Fatal(err)
		}
	}
	if done != 1 {
		t.Fatalf("the tree was extended %d times", done)
	}
	if err := l.Fold(ctx, ledger.Folding{First: 4, Rows: waiting[:1], Head: []byte("bad")}); !errors.Is(err, ledger.ErrMoved) {
		t.Fatalf("a row was numbered twice: %v", err)
	}
	head, err := l.Head(ctx)
	must(t, err)
	same(t, "signed 3", string(head))
	hashes, err := l.Hashes(ctx, []int64{2, 0, 2})
	must(t, err)
	if hashes[0][0] != 2 || hashes[1][0] != 0 || hashes[2][0] != 2 {
		t.Fatal(hashes)
	}
	if _, err := l.Hashes(ctx, []int64{0, 77}); err == nil {
		t.Fatal("a hash that is not there is no error")
	}
	rows, err := l.Rows(ctx, 2, 10)
	must(t, err)
	if len(rows) != 2 || rows[0].Number != 2 || rows[1].Number != 3 {
		t.Fatal(rows)
	}
	if rest, err := l.Pending(ctx, 10); err != nil || len(rest) != 2 {
		t.Fatal(rest, err)
	}
	must(t, s.Commit(ctx, vault.Change{Looks: []ledger.Row{{At: Noon, Kind: "look", Actor: "job", Role: "job", Purpose: "measure", Fields: "x", Count: 70, Filter: "all"},
		{At: Noon, Kind: "receipts", Actor: "job", Role: "job", Purpose: "measure", Fields: "x"}}}))
	looks, err := l.Looks(ctx, []person.ID{id(1)}, 10)
	must(t, err)
	if len(looks) != 4 || looks[0].Count != 70 || string(looks[1].Reason) != "4" || looks[3].Number != 1 {
		t.Fatalf("not the looks at one person and at everybody, newest first: %v", looks)
	}
	if looks, err = l.Looks(ctx, []person.ID{id(1), id(2)}, 2); err != nil || len(looks) != 2 {
		t.Fatal(looks, err)
	}
}
