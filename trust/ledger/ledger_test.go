package ledger_test

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"

	"github.com/rapporthq/rapport/person"
	"github.com/rapporthq/rapport/trust/ledger"
	"github.com/rapporthq/rapport/trust/ledger/ledgertest"
)

var march = person.At(time.Date(2026, 3, 30, 12, 0, 0, 0, time.UTC))

// key is a person's, or with the zero id the home's.
type key struct {
	id   person.ID
	gone bool
}

func (k key) ID() person.ID { return k.id }

func (k key) LeafKey() ([]byte, error) {
	if k.gone {
		return nil, errors.New("forgotten")
	}
	h := sha256.Sum256(append([]byte("key of "), k.id[:]...))
	return h[:], nil
}

func (k key) SealReason(_ person.Instant, reason string) []byte {
	return []byte(strings.ToUpper("sealed " + reason))
}

// house is a ledger over memory, with people whose keys may be lost.
type house struct {
	t      testing.TB
	store  *ledgertest.Memory
	ledger *ledger.Ledger
	signer string
	public string
	people []person.ID
	gone   map[person.ID]bool
}

func newHouse(t testing.TB) *house {
	t.Helper()
	h := &house{t: t, store: &ledgertest.Memory{}, gone: map[person.ID]bool{}}
	var err error
	if h.signer, h.public, err = note.GenerateKey(nil, "rapport-ledger"); err != nil {
		t.Fatal(err)
	}
	if h.ledger, err = ledger.New(h.store, h.signer, h.public); err != nil {
		t.Fatal(err)
	}
	for range 5 {
		h.people = append(h.people, person.NewID())
	}
	return h
}

func (h *house) keys(_ context.Context, of []person.ID) (map[person.ID][]byte, error) {
	out := map[person.ID][]byte{}
	for _, id := range of {
		if k, err := (key{id: id}).LeafKey(); err == nil && !h.gone[id] {
			out[id] = k
		}
	}
	return out, nil
}

// look commits a look at the i-th person, or at a population for -1.
func (h *house) look(i int, n int) ledger.Row {
	h.t.Helper()
	l := ledger.Look{At: march.Add(time.Duration(n) * time.Hour), Actor: "ann", Role: "agent", Team: "care", Purpose: "service",
		Reason: fmt.Sprintf("call %d", n), Fields: []string{"name", "Order Completed"}, Count: 120}
	if i >= 0 {
		l.Of = h.people[i]
	} else {
		l.Actor, l.Team, l.Role, l.Filter = "learn", "", "job", "all who said yes"
	}
	r, err := ledger.Seal(l, key{id: l.Of})
	if err != nil {
		h.t.Fatal(err)
	}
	h.store.Add(r)
	return r
}

func (h *house) sequence() {
	h.t.Helper()
	if _, err := h.ledger.Sequence(context.Background()); err != nil {
		h.t.Fatal(err)
	}
}

// filled has n looks, in several runs of the sequencer.
func filled(t testing.TB, n int) *house {
	h := newHouse(t)
	for i := range n {
		h.look(i%6-1, i)
		if i%7 == 3 {
			h.sequence()
		}
	}
	h.sequence()
	return h
}

func (h *house) verify(store *ledgertest.Memory, known ...[]byte) ledger.Report {
	h.t.Helper()
	l, err := ledger.New(store, "", h.public)
	if err != nil {
		h.t.Fatal(err)
	}
	var kept []ledger.Kept
	for _, k := range known {
		kept = append(kept, ledger.Kept{Head: k, Where: "a file"})
	}
	rep, err := l.Verify(context.Background(), h.keys, kept...)
	if err != nil {
		h.t.Fatal(err)
	}
	return rep
}

func TestALedgerThatNobodyTouchedIsRight(t *testing.T) {
	for _, n := range []int{0, 1, 2, 3, 7, 8, 33, 2500} {
		h := filled(t, n)
		rep := h.verify(h.store)
		if !rep.OK() || rep.Size != int64(n) || rep.Rows != int64(n) || rep.Keyed != int64(n) || rep.Waiting != 0 {
			t.Errorf("%d looks: %+v", n, rep)
		}
	}
	h := filled(t, 3)
	h.look(0, 9)
	if rep := h.verify(h.store); !rep.OK() || rep.Waiting != 1 || rep.Size != 3 {
		t.Errorf("a look that waits for its number is no fault: %+v", rep)
	}
}

func TestHowTheSequencerRunsDoesNotMatter(t *testing.T) {
	a, b := filled(t, 50), newHouse(t)
	for _, e := range a.store.Entries {
		e.Row.Number = 0
		b.store.Add(e.Row)
	}
	b.sequence()
	if d := cmp.Diff(a.store.Stored, b.store.Stored); d != "" {
		t.Fatal("the same rows in one run make another tree")
	}
}

func TestEveryTamperingIsFoundAndNamed(t *testing.T) {
	h := filled(t, 40)
	early := append([]byte(nil), filledHead(h, 20)...)
	other := filled(t, 40)
	at := func(m *ledgertest.Memory, n int64) *ledger.Row {
		for i := range m.Entries {
			if m.Entries[i].Row.Number == n {
				return &m.Entries[i].Row
			}
		}
		t.Fatalf("no row %d", n)
		return nil
	}
	drop := func(m *ledgertest.Memory, gone func(n int64) bool) {
		kept := m.Entries[:0:0]
		for _, e := range m.Entries {
			if !gone(e.Row.Number) {
				kept = append(kept, e)
			}
		}
		m.Entries = kept
	}
	// rehash makes the stored hashes and the head anew over the rows, as who may write everything but has no key of ours would.
	rehash := func(m *ledgertest.Memory, signer string, public string) {
		rows := m.Entries
		fresh := &ledgertest.Memory{}
		for _, e := range rows {
			e.Row.Number = 0
			fresh.Add(e.Row)
		}
		l, err := ledger.New(fresh, signer, public)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := l.Sequence(context.Background()); err != nil {
			t.Fatal(err)
		}
		m.Entries, m.Stored, m.Signed = fresh.Entries, fresh.Stored, fresh.Signed
	}
	for name, tc := range map[string]struct {
		tamper func(m *ledgertest.Memory)
		want   map[int64]ledger.Fault // 0: the ledger as a whole
		known  [][]byte
	}{
		"who looked":               {tamper: func(m *ledgertest.Memory) { at(m, 9).Actor = "bob" }, want: map[int64]ledger.Fault{9: ledger.Changed}},
		"why":                      {tamper: func(m *ledgertest.Memory) { at(m, 9).Purpose = "other" }, want: map[int64]ledger.Fault{9: ledger.Changed}},
		"when":                     {tamper: func(m *ledgertest.Memory) { at(m, 9).At++ }, want: map[int64]ledger.Fault{9: ledger.Changed}},
		"what was read":            {tamper: func(m *ledgertest.Memory) { at(m, 9).Fields = "name" }, want: map[int64]ledger.Fault{9: ledger.Changed}},
		"how many":                 {tamper: func(m *ledgertest.Memory) { at(m, 7).Count = 1 }, want: map[int64]ledger.Fault{7: ledger.Changed}},
		"which population":         {tamper: func(m *ledgertest.Memory) { at(m, 7).Filter = "nobody" }, want: map[int64]ledger.Fault{7: ledger.Changed}},
		"the sealed reason":        {tamper: func(m *ledgertest.Memory) { at(m, 9).Reason[8] ^= 1 }, want: map[int64]ledger.Fault{9: ledger.Changed}},
		"whom it was at":           {tamper: func(m *ledgertest.Memory) { at(m, 9).Of = h.people[0] }, want: map[int64]ledger.Fault{9: ledger.Changed}},
		"the leaf":                 {tamper: func(m *ledgertest.Memory) { at(m, 9).Leaf[0] ^= 1 }, want: map[int64]ledger.Fault{9: ledger.Changed}},
		"kind":                     {tamper: func(m *ledgertest.Memory) { at(m, 9).Kind = ledger.KindReceipts }, want: map[int64]ledger.Fault{9: ledger.Changed}},
		"link to the person taken": {tamper: func(m *ledgertest.Memory) { r := at(m, 9); r.Of, r.Reason = person.ID{}, nil }, want: map[int64]ledger.Fault{9: ledger.Emptied}},
		"a row in the middle":      {tamper: func(m *ledgertest.Memory) { drop(m, func(n int64) bool { return n == 17 }) }, want: map[int64]ledger.Fault{17: ledger.Missing}},
		"the first row":            {tamper: func(m *ledgertest.Memory) { drop(m, func(n int64) bool { return n == 1 }) }, want: map[int64]ledger.Fault{1: ledger.Missing}},
		"the last rows":            {tamper: func(m *ledgertest.Memory) { drop(m, func(n int64) bool { return n > 35 }) }, want: map[int64]ledger.Fault{36: ledger.CutBack}},
		"all rows":                 {tamper: func(m *ledgertest.Memory) { m.Entries = nil }, want: map[int64]ledger.Fault{1: ledger.CutBack}},
		"two rows swapped":         {tamper: func(m *ledgertest.Memory) { at(m, 9).Number, at(m, 11).Number = 11, 9 }, want: map[int64]ledger.Fault{9: ledger.Swapped, 11: ledger.Swapped}},
		"a row added at the end":   {tamper: func(m *ledgertest.Memory) { r := *at(m, 9); r.Number = 41; m.Add(r) }, want: map[int64]ledger.Fault{41: ledger.Added}},
		"a row added on another":   {tamper: func(m *ledgertest.Memory) { r := *at(m, 9); r.Number = 10; m.Add(r) }, want: map[int64]ledger.Fault{10: ledger.Added}},
		"a number taken back":      {tamper: func(m *ledgertest.Memory) { at(m, 9).Number = 0 }, want: map[int64]ledger.Fault{9: ledger.Missing}},
		"a stored leaf hash":       {tamper: func(m *ledgertest.Memory) { flip(m, tlog.StoredHashIndex(0, 8)) }, want: map[int64]ledger.Fault{9: ledger.BadTree}},
		"a stored inner hash":      {tamper: func(m *ledgertest.Memory) { flip(m, tlog.StoredHashIndex(2, 3)) }, want: map[int64]ledger.Fault{16: ledger.BadTree}},
		"a stored hash taken away": {tamper: func(m *ledgertest.Memory) { delete(m.Stored, tlog.StoredHashIndex(0, 8)) }, want: map[int64]ledger.Fault{9: ledger.BadTree}},
		"the head's signature":     {tamper: func(m *ledgertest.Memory) { m.Signed[len(m.Signed)-3] ^= 1 }, want: map[int64]ledger.Fault{0: ledger.BadSignature}},
		"the head's root":          {tamper: func(m *ledgertest.Memory) { m.Signed[len("rapport-ledger\n40\n")+3] ^= 1 }, want: map[int64]ledger.Fault{0: ledger.BadSignature}},
		"another home's head":      {tamper: func(m *ledgertest.Memory) { m.Signed = other.store.Signed }, want: map[int64]ledger.Fault{0: ledger.BadSignature}},
		"the head taken away":      {tamper: func(m *ledgertest.Memory) { m.Signed = nil }, want: allAdded(40)},
		"an older head put back":   {tamper: func(m *ledgertest.Memory) { m.Signed = early }, want: addedFrom(21, 40)},
		"all made anew, other key": {tamper: func(m *ledgertest.Memory) { at(m, 9).Actor = "bob"; rehash(m, other.signer, other.public) },
			want: map[int64]ledger.Fault{0: ledger.BadSignature, 9: ledger.Changed}},
		"hashes made anew, head kept": {tamper: func(m *ledgertest.Memory) {
			signed := m.Signed
			at(m, 9).Number, at(m, 15).Number = 15, 9
			sortByNumber(m)
			rehash(m, other.signer, other.public)
			m.Signed = signed
		}, want: map[int64]ledger.Fault{0: ledger.BadRoot}},
		"cut back with its older head, told by a kept one": {tamper: func(m *ledgertest.Memory) {
			drop(m, func(n int64) bool { return n > 20 })
			m.Signed = early
		}, known: [][]byte{h.store.Signed}, want: map[int64]ledger.Fault{21: ledger.CutBack}},
		"made anew with the stolen key, told by a kept one": {tamper: func(m *ledgertest.Memory) {
			drop(m, func(n int64) bool { return n == 5 })
			rehash(m, h.signer, h.public)
		}, known: [][]byte{early}, want: map[int64]ledger.Fault{0: ledger.Forked}},
	} {
		t.Run(name, func(t *testing.T) {
			m := h.store.Clone()
			tc.tamper(m)
			rep := h.verify(m, tc.known...)
			got := map[int64]ledger.Fault{}
			for _, p := range rep.Problems {
				got[p.Number] = p.Fault
			}
			if d := cmp.Diff(tc.want, got); d != "" {
				t.Errorf("%s\n%+v", d, rep.Problems)
			}
		})
	}
	if rep := h.verify(h.store, h.store.Signed, early); !rep.OK() {
		t.Errorf("heads that were kept are contained: %+v", rep.Problems)
	}
}

func flip(m *ledgertest.Memory, index int64) {
	h := m.Stored[index]
	h[5] ^= 1
	m.Stored[index] = h
}

func sortByNumber(m *ledgertest.Memory) {
	out := make([]ledger.Waiting, len(m.Entries))
	for _, e := range m.Entries {
		out[e.Row.Number-1] = e
	}
	m.Entries = out
}

func allAdded(n int64) map[int64]ledger.Fault { return addedFrom(1, n) }

func addedFrom(from, to int64) map[int64]ledger.Fault {
	out := map[int64]ledger.Fault{}
	for i := from; i <= to; i++ {
		out[i] = ledger.Added
	}
	return out
}

// filledHead is the head that the house had after its first n entries.
func filledHead(h *house, n int) []byte {
	m := &ledgertest.Memory{}
	for _, e := range h.store.Entries[:n] {
		e.Row.Number = 0
		m.Add(e.Row)
	}
	l, err := ledger.New(m, h.signer, h.public)
	if err != nil {
		h.t.Fatal(err)
	}
	if _, err := l.Sequence(context.Background()); err != nil {
		h.t.Fatal(err)
	}
	return m.Signed
}

func TestErasureEmptiesWhatItNames(t *testing.T) {
	h := filled(t, 40)
	who := h.people[2]
	var numbers []int64
	for _, e := range h.store.Entries {
		if e.Row.Of == who {
			numbers = append(numbers, e.Row.Number)
		}
	}
	empty := func(m *ledgertest.Memory) {
		for i := range m.Entries {
			if r := &m.Entries[i].Row; r.Of == who {
				r.Of, r.Reason = person.ID{}, nil
			}
		}
	}
	h.gone[who] = true
	if rep := h.verify(h.store); rep.OK() {
		t.Error("a person's key is gone without an erasure, and nobody says so")
	}
	e, err := ledger.ErasureRow(march, "privacy", "privacy", numbers, nil, key{})
	if err != nil {
		t.Fatal(err)
	}
	h.store.Add(e)
	h.sequence()
	empty(h.store)
	rep := h.verify(h.store)
	if !rep.OK() || rep.Erased != int64(len(numbers)) || rep.Keyed != 41-int64(len(numbers)) {
		t.Fatalf("%+v", rep)
	}
	tampered := func(says string, fault ledger.Fault, number int64, tamper func(m *ledgertest.Memory)) {
		m := h.store.Clone()
		tamper(m)
		for _, p := range h.verify(m).Problems {
			if p.Fault == fault && p.Number == number {
				return
			}
		}
		t.Errorf("%s: %+v", says, h.verify(m).Problems)
	}
	tampered("an emptied row keeps who, why and what", ledger.Changed, numbers[0], func(m *ledgertest.Memory) { m.Entries[numbers[0]-1].Row.Actor = "bob" })
	tampered("a further row emptied under cover of the erasure", ledger.Emptied, numbers[0]+1, func(m *ledgertest.Memory) {
		m.Entries[numbers[0]].Row.Of, m.Entries[numbers[0]].Row.Reason = person.ID{}, nil
	})
	tampered("a row taken away under cover of the erasure", ledger.Missing, numbers[0], func(m *ledgertest.Memory) {
		m.Entries = append(m.Entries[:numbers[0]-1:numbers[0]-1], m.Entries[numbers[0]:]...)
	})
	tampered("the erasure names more than it did", ledger.Changed, 41, func(m *ledgertest.Memory) { m.Entries[40].Row.Filter = "1-40" })
	tampered("the erasure is gone", ledger.Emptied, numbers[0], func(m *ledgertest.Memory) { m.Entries = m.Entries[:40] })
}

func TestRetentionDropsWhatItNames(t *testing.T) {
	h := filled(t, 40)
	r, err := ledger.RetentionRow(march, []int64{1, 2, 3, 4, 5}, key{})
	if err != nil {
		t.Fatal(err)
	}
	h.store.Add(r)
	h.sequence()
	h.store.Entries = h.store.Entries[5:]
	if rep := h.verify(h.store); !rep.OK() || rep.Erased != 5 {
		t.Fatalf("%+v", rep)
	}
	h.store.Entries = h.store.Entries[1:]
	if rep := h.verify(h.store); len(rep.Problems) != 1 || rep.Problems[0].Number != 6 || rep.Problems[0].Fault != ledger.Missing {
		t.Fatalf("%+v", rep.Problems)
	}
}

func TestAnErasureCannotNameWhatComesAfterIt(t *testing.T) {
	h := filled(t, 3)
	e, err := ledger.ErasureRow(march, "x", "privacy", []int64{2, 9}, nil, key{})
	if err != nil {
		t.Fatal(err)
	}
	h.store.Add(e)
	h.sequence()
	if rep := h.verify(h.store); len(rep.Problems) != 1 || rep.Problems[0].Fault != ledger.BadErasure {
		t.Fatalf("%+v", rep.Problems)
	}
	// One that a thief without the home's key makes empties nothing.
	h = filled(t, 12)
	forged, err := ledger.ErasureRow(march, "x", "privacy", []int64{2}, nil, key{})
	if err != nil {
		t.Fatal(err)
	}
	forged.Leaf[0] ^= 1
	h.store.Add(forged)
	h.sequence()
	h.store.Entries[1].Row.Of, h.store.Entries[1].Row.Reason = person.ID{}, nil
	got := map[int64]ledger.Fault{}
	for _, p := range h.verify(h.store).Problems {
		got[p.Number] = p.Fault
	}
	if d := cmp.Diff(map[int64]ledger.Fault{2: ledger.Emptied, 13: ledger.Emptied}, got); d != "" {
		t.Fatal(d)
	}
}

func TestTheSequencerSignsNothingWrong(t *testing.T) {
	h := filled(t, 20)
	ctx := context.Background()
	tampered := h.store.Clone()
	flip(tampered, tlog.StoredHashIndex(2, 4)) // on the right edge of 20 entries
	l, err := ledger.New(tampered, h.signer, h.public)
	if err != nil {
		t.Fatal(err)
	}
	extra := h.look(0, 30)
	tampered.Add(extra)
	if n, err := l.Sequence(ctx); !errors.Is(err, ledger.ErrTree) || n != 0 {
		t.Fatalf("the sequencer signs over a tampered tree: %d %v", n, err)
	}
	m := h.store.Clone()
	m.Signed = filled(t, 2).store.Signed
	if l, err = ledger.New(m, h.signer, h.public); err != nil {
		t.Fatal(err)
	}
	if n, err := l.Sequence(ctx); !errors.Is(err, ledger.ErrTree) || n != 0 {
		t.Fatalf("the sequencer signs over another's head: %d %v", n, err)
	}
	// Two processes at once: one folds, the other begins again behind it, nothing is folded twice.
	rival, err := ledger.New(h.store, h.signer, h.public)
	if err != nil {
		t.Fatal(err)
	}
	first := func() {
		h.store.Before = nil
		if n, err := rival.Sequence(ctx); n != 1 || err != nil {
			t.Errorf("the rival: %d %v", n, err)
		}
	}
	h.store.Before = func(ledger.Folding) { first() }
	if n, err := h.ledger.Sequence(ctx); err != nil || n != 0 {
		t.Fatalf("two processes fold the same rows: %d %v", n, err)
	}
	if rep := h.verify(h.store); !rep.OK() || rep.Size != 21 {
		t.Fatalf("%+v", rep)
	}
	// One that always comes second says so in the end.
	var always func(ledger.Folding)
	always = func(ledger.Folding) {
		first()
		h.look(0, 31)
		h.store.Before = always
	}
	h.look(0, 31)
	h.store.Before = always
	if n, err := h.ledger.Sequence(ctx); !errors.Is(err, ledger.ErrMoved) || n != 0 {
		t.Fatalf("it tries for ever, or folds what is folded: %d %v", n, err)
	}
	h.store.Before = nil
	if n, err := h.ledger.Sequence(ctx); n != 1 || err != nil {
		t.Fatalf("what was left: %d %v", n, err)
	}
	if rep := h.verify(h.store); !rep.OK() || rep.Size < 25 {
		t.Fatalf("%+v", rep)
	}
	h.store.Fail = errors.New("disk")
	if _, err := h.ledger.Sequence(ctx); err == nil {
		t.Fatal("the store's error is lost")
	}
	if _, err := h.ledger.Verify(ctx, h.keys); err == nil {
		t.Fatal("a ledger that cannot be read looks right")
	}
}

func TestALookThatSaysTooLittleIsNone(t *testing.T) {
	id := person.NewID()
	good := ledger.Look{Of: id, At: march, Actor: "ann", Role: "agent", Purpose: "service", Fields: []string{"name"}}
	if _, err := ledger.Seal(good, key{id: id}); err != nil {
		t.Fatal(err)
	}
	for name, spoil := range map[string]func(l *ledger.Look, k *key){
		"no actor":          func(l *ledger.Look, _ *key) { l.Actor = "" },
		"no role":           func(l *ledger.Look, _ *key) { l.Role = "" },
		"no purpose":        func(l *ledger.Look, _ *key) { l.Purpose = "" },
		"no time":           func(l *ledger.Look, _ *key) { l.At = 0 },
		"no fields":         func(l *ledger.Look, _ *key) { l.Fields = nil },
		"another's key":     func(_ *ledger.Look, k *key) { k.id = person.NewID() },
		"the home's key":    func(_ *ledger.Look, k *key) { k.id = person.ID{} },
		"a forgotten one":   func(_ *ledger.Look, k *key) { k.gone = true },
		"fewer than nobody": func(l *ledger.Look, _ *key) { l.Count = -1 },
	} {
		l, k := good, key{id: id}
		spoil(&l, &k)
		if r, err := ledger.Seal(l, k); err == nil || r.Kind != "" {
			t.Errorf("%s: a row is made", name)
		}
	}
}

func TestProofs(t *testing.T) {
	h := filled(t, 40)
	ctx := context.Background()
	early := filledHead(h, 20)
	for n := int64(1); n <= 40; n++ {
		p, err := h.ledger.Prove(ctx, n)
		if err != nil {
			t.Fatal(n, err)
		}
		row := h.store.Entries[n-1].Row
		if err := h.ledger.CheckRow(p, row); err != nil {
			t.Fatal(n, err)
		}
		row.Actor = "bob"
		if h.ledger.CheckRow(p, row) == nil {
			t.Fatal("a proof holds for another row")
		}
		p.Number = n%40 + 1
		if h.ledger.Check(p) == nil {
			t.Fatal("a proof holds at another number")
		}
	}
	for _, n := range []int64{-1, 0, 41} {
		if _, err := h.ledger.Prove(ctx, n); !errors.Is(err, ledger.ErrNumber) {
			t.Errorf("entry %d: %v", n, err)
		}
	}
	x, err := h.ledger.Extends(ctx, early)
	if err != nil {
		t.Fatal(err)
	}
	x.Hashes[0][3] ^= 1
	if h.ledger.CheckExtension(x) == nil {
		t.Fatal("a spoilt extension holds")
	}
	if _, err := h.ledger.Extends(ctx, filledHead(filled(t, 40), 20)); err == nil {
		t.Fatal("another home's head is contained")
	}
	if _, err := h.ledger.Extends(ctx, h.store.Signed); err != nil {
		t.Fatal(err)
	}
}

func TestEveryByteOfTheHeadCounts(t *testing.T) {
	h := filled(t, 5)
	whole := slices.Clone(h.store.Signed)
	for i := range whole {
		for bit := range 8 {
			h.store.Signed = slices.Clone(whole)
			h.store.Signed[i] ^= 1 << bit
			rep, err := h.ledger.Verify(context.Background(), h.keys)
			if err != nil || rep.OK() {
				t.Fatalf("bit %d of byte %d of the head was changed, and nothing is found: %v", bit, i, err)
			}
		}
	}
}

func TestOtherRows(t *testing.T) {
	h := newHouse(t)
	b, err := ledger.CharterRow(march, "ann", "sha256:x", 2, key{})
	if err != nil {
		t.Fatal(err)
	}
	h.store.Add(b)
	h.sequence()
	if rep := h.verify(h.store); !rep.OK() || rep.Keyed != 1 {
		t.Fatalf("%+v", rep)
	}
	m := h.store.Clone()
	m.Entries[0].Row.Count = 1
	if rep := h.verify(m); rep.OK() {
		t.Fatal("another position is not noticed")
	}
}

func BenchmarkSequence1000(b *testing.B) {
	for b.Loop() {
		b.StopTimer()
		h := newHouse(b)
		for i := range 1000 {
			h.look(i%5, i)
		}
		b.StartTimer()
		h.sequence()
	}
}

func BenchmarkSeal(b *testing.B) {
	k := key{id: person.NewID()}
	l := ledger.Look{Of: k.id, At: march, Actor: "ann", Role: "agent", Purpose: "service", Fields: []string{"name"}}
	b.ReportAllocs()
	for b.Loop() {
		_, _ = ledger.Seal(l, k)
	}
}
