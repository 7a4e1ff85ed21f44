package collect

import (
	"context"
	"os"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/rapporthq/rapport/charter"
	"github.com/rapporthq/rapport/person"
	"github.com/rapporthq/rapport/trust/ledger"
	"github.com/rapporthq/rapport/trust/tact"
	"github.com/rapporthq/rapport/trust/vault"
)

// fakeStore keeps in memory what package vault's Store promises of Find, Gate, Load, Commit and Intern.
type fakeStore struct {
	vault.Store
	mu       sync.Mutex
	idents   map[vault.Blind][]vault.Identifier
	root     map[person.ID]person.ID
	joined   map[person.ID]person.Instant
	members  map[person.ID][]person.ID
	wrapped  map[person.ID][]byte
	version  map[person.ID]int64
	rows     map[person.ID]map[vault.RowID]vault.Row
	frames   map[person.EventID]vault.Frame
	order    map[person.ID][]person.EventID
	streams  []vault.Stream
	commits  int
	before   func() // called before each Commit: somebody else's act
	fail     error
	read     func()
	sighted  func([]vault.Sighting)
	position int // of the charter in force
	stones   map[vault.Tombstone]person.Instant
}

func newFake() *fakeStore {
	return &fakeStore{idents: map[vault.Blind][]vault.Identifier{}, root: map[person.ID]person.ID{}, joined: map[person.ID]person.Instant{},
		members: map[person.ID][]person.ID{}, wrapped: map[person.ID][]byte{}, version: map[person.ID]int64{}, rows: map[person.ID]map[vault.RowID]vault.Row{}, order: map[person.ID][]person.EventID{},
		frames: map[person.EventID]vault.Frame{}}
}

func (f *fakeStore) Find(_ context.Context, blinds []vault.Blind) ([]vault.Identifier, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.read != nil {
		f.read()
	}
	var out []vault.Identifier
	for _, b := range blinds {
		out = append(out, f.idents[b]...)
	}
	return out, nil
}

func (f *fakeStore) loaded(id person.ID, all bool) vault.Loaded {
	root, ok := f.root[id]
	if !ok {
		return vault.Loaded{}
	}
	l := vault.Loaded{Who: person.Person{Root: root}, Wrapped: map[person.ID][]byte{root: f.wrapped[root]}, Version: f.version[root], Charter: f.position}
	for _, m := range f.members[root] {
		l.Who.Also = append(l.Who.Also, person.Join{ID: m, At: f.joined[m]})
		l.Wrapped[m] = f.wrapped[m]
	}
	for _, id := range l.Who.All() {
		for _, r := range f.rows[id] {
			if all || r.Kind == vault.ChoiceRow || r.Kind == vault.RestrictRow || r.Kind == vault.SuppressedRow || r.Kind == vault.ClaimRow {
				l.Rows = append(l.Rows, r)
			}
		}
		if all {
			for _, e := range f.order[id] {
				l.Frames = append(l.Frames, f.frames[e])
			}
		}
	}
	slices.SortStableFunc(l.Frames, func(a, b vault.Frame) int { return int(a.At - b.At) })
	return l
}

func (f *fakeStore) Gate(_ context.Context, ids []person.ID) ([]vault.Loaded, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	out := make([]vault.Loaded, len(ids))
	for i, id := range ids {
		out[i] = f.loaded(id, false)
	}
	return out, nil
}

func (f *fakeStore) Load(_ context.Context, id person.ID, _ ...ledger.Row) (vault.Loaded, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	l := f.loaded(id, true)
	if l.Who.Root.IsZero() {
		return l, vault.ErrNotFound
	}
	return l, nil
}

func (f *fakeStore) Commit(ctx context.Context, c vault.Change) error {
	if f.before != nil {
		f.before()
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.fail != nil {
		return f.fail
	}
	for _, s := range c.Seen {
		if f.root[s.Root] != s.Root || f.version[s.Root] != s.Version {
			return vault.ErrStale
		}
	}
	for _, m := range c.Unless {
		if _, ok := f.stones[m]; ok {
			return vault.ErrStale
		}
	}
	for _, m := range c.Lift {
		delete(f.stones, m)
	}
	taken := func(i vault.Identifier) bool {
		for _, o := range f.idents[i.Blind] {
			if o.Since == i.Since {
				return true
			}
		}
		return false
	}
	for _, e := range c.Enrol {
		for _, i := range e.Identifiers {
			if taken(i) {
				return vault.ErrStale
			}
		}
	}
	for _, i := range c.Identifiers {
		if taken(i) {
			return vault.ErrStale
		}
	}
	for _, e := range c.Enrol {
		f.root[e.ID], f.wrapped[e.ID], f.version[e.ID] = e.ID, e.Wrapped, 1
		for _, i := range e.Identifiers {
			f.idents[i.Blind] = append(f.idents[i.Blind], i)
		}
	}
	for _, i := range c.Identifiers {
		if _, ok := f.root[i.Of]; !ok {
			return vault.ErrNotFound
		}
		f.idents[i.Blind] = append(f.idents[i.Blind], i)
	}
	for _, j := range c.Joins {
		to, old := f.root[j.To], f.root[j.ID]
		for _, id := range append([]person.ID{old}, f.members[old]...) {
			f.root[id] = to
			f.members[to] = append(f.members[to], id)
			if f.joined[id] == 0 {
				f.joined[id] = j.At
			}
		}
		delete(f.members, old)
		f.version[to]++
	}
	for _, id := range c.Drop {
		delete(f.rows[id.Of], id)
		f.version[f.root[id.Of]]++
	}
	for _, r := range c.Put {
		if _, ok := f.root[r.Of]; !ok {
			return vault.ErrNotFound
		}
		id := vault.RowID{Of: r.Of, Kind: r.Kind, Key: r.Key}
		if f.rows[r.Of] == nil {
			f.rows[r.Of] = map[vault.RowID]vault.Row{}
		}
		if old, ok := f.rows[r.Of][id]; !ok || r.At >= old.At {
			f.rows[r.Of][id] = r
		}
		if r.Kind == vault.ChoiceRow || r.Kind == vault.RestrictRow || r.Kind == vault.SuppressedRow {
			f.version[f.root[r.Of]]++
		}
	}
	for _, fr := range c.Frames {
		if _, ok := f.root[fr.Of]; !ok {
			return vault.ErrNotFound
		}
		if _, twice := f.frames[fr.ID]; !twice {
			f.order[fr.Of] = append(f.order[fr.Of], fr.ID)
			f.frames[fr.ID] = fr
		}
	}
	if f.sighted != nil {
		f.sighted(c.Sightings)
	}
	f.commits++
	return nil
}

func (f *fakeStore) Intern(_ context.Context, s vault.Stream) (vault.StreamID, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if i := slices.Index(f.streams, s); i >= 0 {
		return vault.StreamID(i + 1), nil
	}
	f.streams = append(f.streams, s)
	return vault.StreamID(len(f.streams)), nil
}

// home is a gate over the fake, and means to look at what it kept.
type home struct {
	t     testing.TB
	gate  *Gate
	store *fakeStore
	vault *vault.Vault
	chart *charter.Charter
	now   person.Instant
}

var testNow = person.At(time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC))

func newHome(t testing.TB) *home {
	t.Helper()
	src, err := os.ReadFile("testdata/charter.yaml")
	if err != nil {
		t.Fatal(err)
	}
	c, problems := charter.Parse(src)
	if c == nil {
		t.Fatalf("charter: %v", problems)
	}
	v, err := vault.Create(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	h := &home{t: t, store: newFake(), vault: v, chart: c.Placed(1, 0), now: testNow}
	series := charter.NewSeries(h.chart)
	h.gate = New(Parts{Vault: v, Store: h.store, Charters: func() charter.Series { return series }, Clock: func() person.Instant { return h.now }})
	return h
}

// send parses and accepts a body and fails the test on any error.
func (h *home) send(source, body string, as Type, gpc ...bool) Outcome {
	h.t.Helper()
	out, err := h.try(source, body, as, gpc...)
	if err != nil {
		h.t.Fatalf("accept: %v", err)
	}
	return out
}

func (h *home) try(source, body string, as Type, gpc ...bool) (Outcome, error) {
	h.t.Helper()
	var b Batch
	if err := b.Parse([]byte(body), as); err != nil {
		h.t.Fatalf("parse: %v", err)
	}
	return h.gate.Accept(context.Background(), Arrival{Source: source, Batch: &b, GPC: len(gpc) > 0 && gpc[0]})
}

// person opens everything about who is behind an identifier; nil when nobody is.
func (h *home) person(kind vault.IdentifierKind, value string, at person.Instant) *opened {
	h.t.Helper()
	b, err := h.vault.Blind(kind, value)
	if err != nil {
		h.t.Fatal(err)
	}
	list := slices.Clone(h.store.idents[b])
	if len(list) == 0 {
		return nil
	}
	slices.SortFunc(list, func(a, b vault.Identifier) int { return int(a.Since - b.Since) })
	ident, _ := session(list, at)
	return h.open(ident.Of)
}

type opened struct {
	*vault.Opened
	record *vault.Record
	id     person.ID
}

func (h *home) open(id person.ID) *opened {
	h.t.Helper()
	l, err := h.store.Load(context.Background(), id)
	if err != nil {
		h.t.Fatal(err)
	}
	series := charter.NewSeries(h.chart)
	r, err := h.vault.Record(l, func(s vault.StreamID) (vault.Stream, bool) { return h.store.streams[s-1], true }, &series, func(string) []string { return nil })
	if err != nil {
		h.t.Fatal(err)
	}
	o, err := r.Open(tact.ForSelf(r.Who, 1, h.now+1e6), h.now)
	if err != nil {
		h.t.Fatal(err)
	}
	return &opened{o, r, id}
}

func (o *opened) facts() map[string]string {
	m := map[string]string{}
	if o == nil {
		return m
	}
	for _, f := range o.Facts {
		m[f.Name] = f.Value
	}
	return m
}

func (o *opened) events() []string {
	var out []string
	if o == nil {
		return nil
	}
	for _, e := range o.History {
		out = append(out, e.Name)
	}
	return out
}
