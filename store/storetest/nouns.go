package storetest

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/rapporthq/rapport/charter"
	"github.com/rapporthq/rapport/know/catalogue"
	"github.com/rapporthq/rapport/know/collect"
	"github.com/rapporthq/rapport/person"
	"github.com/rapporthq/rapport/store"
	"github.com/rapporthq/rapport/trust/access"
	"github.com/rapporthq/rapport/trust/vault"
)

func charters(t *testing.T, h *Home) {
	s := h.Open(t)
	enrol(t, s, 1)
	if all, err := s.Charters(ctx); err != nil || len(all) != 0 {
		t.Fatal(all, err)
	}
	one := charter.Accepted{Position: 1, Hash: "sha256:1", Source: []byte("charter: 1"), At: Noon, By: "init"}
	two := charter.Accepted{Position: 2, Hash: "sha256:2", Source: []byte("charter: 2"), At: Noon + 1, By: "ann"}
	if err := s.AcceptCharter(ctx, 1, two); !errors.Is(err, vault.ErrStale) {
		t.Fatalf("a second before the first: %v", err)
	}
	must(t, s.AcceptCharter(ctx, 0, one))
	var all sync.WaitGroup
	results := make(chan error, 8)
	for range 8 {
		all.Add(1)
		go func() { defer all.Done(); results <- s.AcceptCharter(ctx, 1, two) }()
	}
	all.Wait()
	close(results)
	done := 0
	for err := range results {
		if err == nil {
			done++
		} else if !errors.Is(err, vault.ErrStale) {
			t.Fatal(err)
		}
	}
	if done != 1 {
		t.Fatalf("one position was taken %d times", done)
	}
	got, err := s.Charters(ctx)
	must(t, err)
	same(t, []charter.Accepted{one, two}, got)
	if p, err := s.CharterPosition(ctx); err != nil || p != 2 || load(t, s, 1).Charter != 2 {
		t.Fatal(p, err)
	}
}

func models(t *testing.T, h *Home) {
	s := h.Open(t)
	if _, _, err := s.Model(ctx, "recommend"); !errors.Is(err, vault.ErrNotFound) {
		t.Fatal(err)
	}
	for i, v := range []string{"1", "2"} {
		must(t, s.PutModel(ctx, "recommend", v, Noon+person.Instant(i), make([]byte, 3<<20)))
		version, body, err := s.Model(ctx, "recommend")
		if err != nil || version != v || len(body) != 3<<20 {
			t.Fatal(version, len(body), err)
		}
		if f, err := s.InForce(ctx, "recommend"); err != nil || f.Model != v {
			t.Fatal(f, err)
		}
	}
	if f, err := s.InForce(ctx, "other"); err != nil || f.Model != "" {
		t.Fatal(f, err)
	}
	if err := s.PutModel(ctx, "recommend", "late", Noon, []byte{1}); !errors.Is(err, vault.ErrStale) {
		t.Fatalf("what was begun earlier replaces what knows more: %v", err)
	}
	if f, err := s.InForce(ctx, "recommend"); err != nil || f.Model != "2" {
		t.Fatal(f, err)
	}
	// What was learnt by a clock a year ahead gives way when the clock is right again.
	must(t, s.PutModel(ctx, "recommend", "ahead", h.Clock().Add(365*24*time.Hour), []byte{1}))
	must(t, s.PutModel(ctx, "recommend", "right", h.Clock(), []byte{2}))
	if f, err := s.InForce(ctx, "recommend"); err != nil || f.Model != "right" {
		t.Fatal(f, err)
	}
}

func item(id string) catalogue.Item {
	return catalogue.Item{Item: charter.Item{ID: id, Name: "n " + id}}
}

func items(t *testing.T, h *Home) {
	s := h.Open(t)
	if v, err := s.ItemsVersion(ctx); v != 0 || err != nil {
		t.Fatal(v, err)
	}
	v1, err := s.PutItems(ctx, []catalogue.Item{item("b"), item("a"), item("B"), item("é"), item("z")})
	must(t, err)
	changed := item("a")
	changed.Price = 2.5
	v2, err := s.PutItems(ctx, []catalogue.Item{changed})
	must(t, err)
	if v1 < 1 || v2 != v1+1 {
		t.Fatal(v1, v2)
	}
	got, v, err := s.Items(ctx)
	must(t, err)
	if v != v2 {
		t.Fatal(v, v2)
	}
	same(t, []catalogue.Item{item("B"), changed, item("b"), item("z"), item("é")}, got) // bytewise
}

func sightings(t *testing.T, h *Home) {
	h.Options.K = func() int { return 3 }
	s := h.Open(t)
	enrol(t, s, 1)
	saw := func(person uint64, items ...string) {
		t.Helper()
		var c vault.Change
		for _, it := range items {
			c.Sightings = append(c.Sightings, vault.Sighting{Item: blind(uint64(it[0])), Person: blind(person), ItemID: it})
		}
		must(t, s.Commit(ctx, c))
	}
	known := func(want ...string) {
		t.Helper()
		got, _, err := s.Items(ctx)
		must(t, err)
		var ids []string
		for _, it := range got {
			if !it.Bare {
				t.Fatalf("%s is not bare", it.ID)
			}
			ids = append(ids, it.ID)
		}
		same(t, want, ids)
	}
	saw(1, "x", "y")
	saw(1, "x", "x")
	saw(2, "x")
	known()
	saw(2, "x")
	known()
	saw(3, "x")
	known("x")
	saw(4, "x")
	saw(2, "y")
	known("x")
	saw(5, "y")
	known("x", "y")
	if f, err := s.InForce(ctx, ""); err != nil || f.Items != 0 || f.Sighted != 2 {
		t.Fatal(f, err)
	}
}

func tokens(t *testing.T, h *Home) {
	s := h.Open(t)
	a := access.Token{Hash: [32]byte{1}, Role: access.Decide, Name: "a", Placements: []string{"home"}, Rate: 50, Issued: Noon + 1}
	b := access.Token{Hash: [32]byte{2}, Role: access.Source, Name: "b", Source: "web", Issued: Noon}
	must(t, s.PutToken(ctx, a))
	must(t, s.PutToken(ctx, b))
	if err := s.PutToken(ctx, a); err == nil {
		t.Fatal("one hash twice is no error")
	}
	got, ok, err := s.TokenByHash(ctx, a.Hash)
	must(t, err)
	if !ok {
		t.Fatal("not found")
	}
	same(t, a, got)
	if _, ok, err := s.TokenByHash(ctx, [32]byte{9}); ok || err != nil {
		t.Fatal(ok, err)
	}
	must(t, s.RevokeToken(ctx, a.Hash, Noon+5))
	must(t, s.RevokeToken(ctx, a.Hash, Noon+9)) // the first stays
	must(t, s.RevokeToken(ctx, [32]byte{9}, Noon))
	a.Revoked = Noon + 5
	all, err := s.AllTokens(ctx)
	must(t, err)
	same(t, []access.Token{b, a}, all)
}

// staffSessions: signing out everywhere ends this member's sessions that go on, and nobody else's, whatever they are called.
func staffSessions(t *testing.T, h *Home) {
	s := h.Open(t)
	enrol(t, s, 1)
	ann, other := access.Member("https://id.example", "1"), access.Member("https://id.example", "2")
	begin := func(n byte, more access.Session) [32]byte {
		more.Hash, more.Began = [32]byte{n}, Noon
		if more.Expires == 0 {
			more.Expires = Noon + 100
		}
		must(t, s.PutSession(ctx, more))
		return more.Hash
	}
	desk := begin(1, access.Session{Role: access.Privacy, Name: "Ann", Member: ann})
	phone := begin(2, access.Session{Role: access.Marketer, Name: "Ann Other-Role", Member: ann})
	namesake := begin(3, access.Session{Role: access.Privacy, Name: "Ann", Member: other})
	customer := begin(4, access.Session{Role: access.Customer, Person: id(1), Member: ann})
	begin(5, access.Session{Role: access.Privacy, Name: "Ann", Member: ann, Expires: Noon + 5})
	left := begin(6, access.Session{Role: access.Privacy, Name: "Ann", Member: ann})
	must(t, s.RevokeSession(ctx, left, Noon+1))

	ended, err := s.RevokeStaffSessions(ctx, ann, Noon+10)
	must(t, err)
	slices.SortFunc(ended, func(a, b [32]byte) int { return bytes.Compare(a[:], b[:]) })
	same(t, [][32]byte{desk, phone}, ended)
	for hash, want := range map[[32]byte]person.Instant{desk: Noon + 10, phone: Noon + 10, namesake: 0, customer: 0, left: Noon + 1} {
		if got, ok, err := s.SessionByHash(ctx, hash); !ok || err != nil || got.Revoked != want {
			t.Errorf("session %d ended at %d, want %d (%v)", hash[0], got.Revoked, want, err)
		}
	}
	ended, err = s.RevokeStaffSessions(ctx, ann, Noon+11)
	must(t, err)
	if len(ended) != 0 {
		t.Errorf("%d sessions end twice", len(ended))
	}
}

func sessions(t *testing.T, h *Home) {
	s := h.Open(t)
	enrol(t, s, 1, 2)
	join(t, s, 2, 1, Noon)
	a := access.Session{Hash: [32]byte{1}, Role: access.Customer, Person: id(1), Began: Noon, Expires: Noon + 100}
	b := access.Session{Hash: [32]byte{2}, Role: access.Customer, Person: id(2), Began: Noon, Expires: Noon + 100}
	staff := access.Session{Hash: [32]byte{3}, Role: access.Privacy, Name: "ann", Member: [32]byte{1}, Began: Noon, Expires: Noon + 100}
	for _, n := range []access.Session{a, b, staff} {
		must(t, s.PutSession(ctx, n))
		got, ok, err := s.SessionByHash(ctx, n.Hash)
		must(t, err)
		if !ok {
			t.Fatal("not found")
		}
		same(t, n, got)
	}
	must(t, s.RevokeSessionsOf(ctx, id(2), Noon+1)) // both of this person's pseudonyms
	for _, n := range []access.Session{a, b} {
		if got, ok, err := s.SessionByHash(ctx, n.Hash); !ok || err != nil || got.Revoked != Noon+1 {
			t.Fatal(got.Revoked, ok, err)
		}
	}
	if got, _, err := s.SessionByHash(ctx, staff.Hash); err != nil || got.Revoked != 0 {
		t.Fatal("somebody else's session ended")
	}
	must(t, s.RevokeSession(ctx, staff.Hash, Noon+2))
	if got, _, err := s.SessionByHash(ctx, staff.Hash); err != nil || got.Revoked != Noon+2 {
		t.Fatal(got.Revoked, err)
	}
	if _, ok, err := s.SessionByHash(ctx, [32]byte{9}); ok || err != nil {
		t.Fatal(ok, err)
	}
	link := access.Link{Hash: [32]byte{7}, Person: id(1), Expires: Noon + 50}
	must(t, s.PutLink(ctx, link))
	var all sync.WaitGroup
	var mu sync.Mutex
	taken := 0
	for range 50 {
		all.Add(1)
		go func() {
			defer all.Done()
			got, ok, err := s.TakeLink(ctx, link.Hash)
			mu.Lock()
			defer mu.Unlock()
			if err != nil {
				t.Error(err)
			}
			if ok {
				taken++
				if got != link {
					t.Error("another link")
				}
			}
		}()
	}
	all.Wait()
	if taken != 1 {
		t.Fatalf("one link was taken %d times", taken)
	}
}

func spent(t *testing.T, h *Home) {
	s := h.Open(t)
	takers := []*store.Store{s}
	if h.Options.URL != "" {
		takers = append(takers, h.Open(t)) // another process of the same home
	}
	var all sync.WaitGroup
	var firsts atomic.Int64
	for i := range 50 {
		all.Add(1)
		go func() {
			defer all.Done()
			first, err := takers[i%len(takers)].Spend(ctx, [32]byte{8}, Noon+50)
			if err != nil {
				t.Error(err)
			}
			if first {
				firsts.Add(1)
			}
		}()
	}
	all.Wait()
	if n := firsts.Load(); n != 1 {
		t.Fatalf("it was used %d times", n)
	}
	if first, err := s.Spend(ctx, [32]byte{9}, Noon+90); err != nil || !first {
		t.Fatal("another one", first, err)
	}
	for _, one := range takers {
		must(t, one.Close())
	}
	s = h.Open(t)
	if first, err := s.Spend(ctx, [32]byte{8}, Noon+50); err != nil || first {
		t.Fatal("after a restart", first, err)
	}
	if _, err := s.Sweep(ctx, store.SweepRules{Sessions: Noon + 60}); err != nil {
		t.Fatal(err)
	}
	for b, want := range map[byte]bool{8: true, 9: false} {
		if first, err := s.Spend(ctx, [32]byte{b}, Noon+50); err != nil || first != want {
			t.Fatalf("after a sweep %d is new: %v %v", b, first, err)
		}
	}
}

func refusals(t *testing.T, h *Home) {
	s := h.Open(t)
	n := collect.Refusal{Day: 20_000, Source: "web", Event: "Page Viewed", Field: "path", Reason: collect.TypeMismatch, Count: 2}
	other := n
	other.Source = "tills"
	must(t, s.AddRefusals(ctx, []collect.Refusal{n, other, n}))
	must(t, s.AddRefusals(ctx, nil))
	later := n
	later.Day, later.Count = 20_001, 1
	must(t, s.AddRefusals(ctx, []collect.Refusal{later}))
	n.Count = 4
	got, err := s.Refusals(ctx, "web", 20_000)
	must(t, err)
	if len(got) != 2 || got[0] != n && got[1] != n {
		t.Fatal(got)
	}
	if got, err = s.Refusals(ctx, "", 20_000); err != nil || len(got) != 3 {
		t.Fatal(got, err)
	}
	if got, err = s.Refusals(ctx, "web", 20_001); err != nil || len(got) != 1 || got[0] != later {
		t.Fatal(got, err)
	}
}

func settings(t *testing.T, h *Home) {
	s := h.Open(t)
	for _, text := range []string{"", "one", "two", ""} {
		must(t, s.PutSetting(ctx, "import", text))
		if got, err := s.Setting(ctx, "import"); err != nil || got != text {
			t.Fatal(got, err)
		}
	}
}

func leases(t *testing.T, h *Home) {
	s := h.Open(t)
	var all sync.WaitGroup
	var mu sync.Mutex
	var holders []string
	for n := range 20 {
		all.Add(1)
		go func() {
			defer all.Done()
			name := fmt.Sprint(n)
			held, err := s.Acquire(ctx, "fold", name, time.Second, Noon)
			mu.Lock()
			defer mu.Unlock()
			if err != nil {
				t.Error(err)
			}
			if held {
				holders = append(holders, name)
			}
		}()
	}
	all.Wait()
	if len(holders) != 1 {
		t.Fatalf("%d hold one lease", len(holders))
	}
	acquire := func(holder string, at int64, want bool) {
		t.Helper()
		if held, err := s.Acquire(ctx, "fold", holder, time.Second, Noon.Add(time.Duration(at)*time.Millisecond)); err != nil || held != want {
			t.Fatal(held, err)
		}
	}
	acquire(holders[0], 500, true) // renewed until 1500
	acquire("late", 1400, false)
	acquire("late", 1500, true) // it had run out
	acquire(holders[0], 1600, false)
	must(t, s.Release(ctx, "fold", holders[0])) // not theirs any more
	acquire(holders[0], 1700, false)
	must(t, s.Release(ctx, "fold", "late"))
	acquire(holders[0], 1800, true)
	acquire(holders[0], 1800+365*24*3600*1000, true) // by a clock that is a year ahead
	acquire("right", 1900, true)
	acquire(holders[0], 2000, false)
}
