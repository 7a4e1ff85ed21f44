package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"github.com/rapporthq/rapport/charter"
	"github.com/rapporthq/rapport/fault"
	"github.com/rapporthq/rapport/know/collect"
	"github.com/rapporthq/rapport/know/stewardship"
	"github.com/rapporthq/rapport/know/tally"
	"github.com/rapporthq/rapport/person"
	"github.com/rapporthq/rapport/reach/decide"
	"github.com/rapporthq/rapport/store"
	"github.com/rapporthq/rapport/trust/access"
	"github.com/rapporthq/rapport/trust/ledger"
	"github.com/rapporthq/rapport/trust/ledger/anchor"
	"github.com/rapporthq/rapport/trust/rights"
	"github.com/rapporthq/rapport/trust/self"
	"github.com/rapporthq/rapport/trust/vault"
)

// house is an open home: its store and keys, and the nouns over them.
type house struct {
	dir     string
	log     *slog.Logger
	clock   person.Clock
	meter   *meter
	store   *store.Store
	vault   *vault.Vault
	ledger  *ledger.Ledger
	keeper  *access.Keeper
	live    *decide.Live
	book    *collect.Book
	gate    *collect.Gate
	decider *decide.Decider
	acts    *self.Acts
	eraser  *rights.Eraser
	steward *stewardship.Steward
	streams *streamNames
	rates   rates

	database  bool           // on PostgreSQL, which processes share
	sweptAt   person.Instant // the sweep job's own
	following following
	outdated  chan error // told once when a newer binary has changed the database so that this one may not go on
	walking   sync.Mutex // one walk of the ledger for a page at a time
	witnesses *http.Client
	rotating  sync.Mutex // one rotation of the keys at a time
	learning  sync.Mutex // one learning at a time: what began earlier must not replace what knows more
}

// openHouse opens a home. Its charter.yaml is put in force when there is no charter in force yet.
func openHouse(ctx context.Context, o homeOptions) (*house, error) {
	if o.Home == "" {
		return nil, usage{errors.New("say which home with --home DIR")}
	}
	var err error
	if o.Home, err = filepath.Abs(o.Home); err != nil {
		return nil, err
	}
	if !isHome(o.Home) {
		return nil, fault.New(fault.NotFound, "There is no home in "+o.Home+"; make one with rapport init "+o.Home+".")
	}
	service, err := o.keyService()
	if err != nil {
		return nil, err
	}
	v, err := vault.Open(o.Home, service...)
	if err != nil {
		return nil, err
	}
	h := &house{dir: o.Home, log: slog.Default(), clock: o.clock, meter: newMeter(), vault: v, rates: usualRates, witnesses: anchor.NewClient(), outdated: make(chan error, 1)}
	if h.clock == nil {
		h.clock = person.SystemClock
	}
	so := store.Options{Clock: h.clock, Meter: h.meter, K: h.k, Blinds: v}
	if h.database = o.Database != ""; h.database {
		so.URL = o.Database
	} else {
		so.Dir = filepath.Join(o.Home, databaseDir)
	}
	if h.store, err = store.Open(ctx, so); err != nil {
		if errors.Is(err, store.ErrInUse) {
			return nil, fault.Wrap(fault.Conflict, "Another rapport has this home open: stop it, or give commands while it serves.", err)
		}
		return nil, err
	}
	if err := h.wire(ctx); err != nil {
		_ = h.store.Close()
		return nil, err
	}
	return h, nil
}

func (h *house) wire(ctx context.Context) error {
	var err error
	signer, verifier := h.vault.TreeKey()
	if h.ledger, err = ledger.New(h.store.Ledger(), signer, verifier); err != nil {
		return err
	}
	if err := h.serveIndex(ctx); err != nil {
		return err
	}
	h.streams = &streamNames{store: h.store}
	h.live = decide.NewLive(nil, func(ctx context.Context, _ int) (*decide.House, error) {
		err := h.follow(ctx)
		return h.live.House(), err
	})
	if err := h.firstCharter(ctx); err != nil {
		return err
	}
	if err := h.follow(ctx); err != nil {
		return err
	}
	h.keeper = access.NewKeeper(h.store, h.store, h.clock, h.shared())
	h.book = collect.NewBook(h.store, h.clock)
	h.meter.days = tally.NewBook(h.store, h.clock)
	h.gate = collect.New(collect.Parts{Vault: h.vault, Store: h.store, Charters: func() charter.Series { return h.live.House().Series }, Book: h.book,
		Catalogue: shelfOf{h.live}, Tombs: h.store, Pairings: h.store, Meter: h.meter, Alone: !h.shared(), Clock: h.clock, Log: h.log})
	h.decider = decide.New(h.live, h.vault, h.store, decide.Options{Clock: h.clock, Observe: h.meter.decided, Shared: h.shared()})
	h.eraser = &rights.Eraser{Store: h.store, Vault: h.vault, Ledger: h.ledger, Entries: h.store.Ledger(), Series: h.series, Streams: h.streams.of,
		Marks:   func(item string) []string { return h.live.House().Shelf.Sensitive(item) },
		Holders: []rights.Holder{h.store, h.gate, h.decider}, Ended: h.keeper.Dropped, Clock: h.clock, Shared: h.shared()}
	h.steward = h.newSteward()
	h.acts = &self.Acts{Store: h.store, Vault: h.vault, Series: h.series, Streams: h.streams.of, Clock: h.clock, Chosen: h.meter.Chosen}
	return nil
}

// Close writes what waits and lets the home go.
func (h *house) Close() {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	h.flush(ctx)
	if err := h.store.Close(); err != nil {
		h.log.Warn("the store did not close cleanly", "error", err)
	}
}

// flush writes the counts of the day.
func (h *house) flush(ctx context.Context) {
	if err := errors.Join(h.book.Flush(ctx), h.meter.days.Flush(ctx)); err != nil && ctx.Err() == nil {
		h.log.Warn("the counts of the day could not be written and wait", "error", err)
	}
}

func (h *house) series() *charter.Series {
	s := h.live.House().Series
	return &s
}

func (h *house) charter() *charter.Charter { return h.live.House().Charter }

// k is the charter's k, for the store: before there is a charter nothing rests on anybody.
func (h *house) k() int {
	if h.live == nil || h.live.House() == nil {
		return 1 << 30
	}
	return h.charter().K
}

// firstCharter puts the home's charter.yaml in force when the series is empty; later edits are proposals until they are accepted.
func (h *house) firstCharter(ctx context.Context) error {
	accepted, err := h.store.Charters(ctx)
	if err != nil || len(accepted) > 0 {
		return err
	}
	source, err := os.ReadFile(filepath.Join(h.dir, charterFile))
	if err != nil {
		return fmt.Errorf("the home has no charter yet and its charter.yaml cannot be read: %w", err)
	}
	_, err = h.accept(ctx, source, "init")
	if code, _ := fault.Of(err); code == fault.Conflict {
		return nil // another process was first
	}
	return err
}

// accept puts a charter in force: a new position in the series, and an entry in the ledger. A charter with errors is refused and
// the one in force stays.
func (h *house) accept(ctx context.Context, source []byte, by string) (charter.Accepted, error) {
	c, problems := charter.Parse(source)
	if c == nil {
		return charter.Accepted{}, flawed("The charter has errors, so the one in force stays", problems)
	}
	accepted, err := h.store.Charters(ctx)
	if err != nil {
		return charter.Accepted{}, err
	}
	last := 0
	if n := len(accepted); n > 0 {
		last = accepted[n-1].Position
		if accepted[n-1].Hash == c.Hash {
			return accepted[n-1], fault.New(fault.Conflict, "This very charter is in force already.")
		}
	}
	a := charter.Accepted{Position: last + 1, Hash: c.Hash, Source: source, At: h.clock(), By: by}
	row, err := ledger.CharterRow(a.At, by, a.Hash, a.Position, h.vault.Home())
	if err != nil {
		return charter.Accepted{}, err
	}
	if err := h.store.AcceptCharter(ctx, last, a, row); err != nil {
		if errors.Is(err, vault.ErrStale) {
			return charter.Accepted{}, fault.Wrap(fault.Conflict, "Another charter was accepted meanwhile; look at it and try again.", err)
		}
		return charter.Accepted{}, err
	}
	if h.live.House() != nil {
		if _, err := h.live.Follow(ctx, a.Position); err != nil {
			return a, err
		}
	}
	return a, nil
}

// shelfOf tells the gate which products are known.
type shelfOf struct{ live *decide.Live }

func (s shelfOf) Knows(id string) bool { return s.live.House().Shelf.Item(id) != nil }

// streamNames keeps the store's interned streams in memory: they never change.
type streamNames struct {
	store *store.Store
	names atomic.Pointer[map[vault.StreamID]vault.Stream]
}

// of gives a stream; one that is not known yet is asked for once.
func (s *streamNames) of(id vault.StreamID) (vault.Stream, bool) {
	if m := s.names.Load(); m != nil {
		if st, ok := (*m)[id]; ok {
			return st, true
		}
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	m, err := s.store.Streams(ctx)
	if err != nil {
		return vault.Stream{}, false
	}
	s.names.Store(&m)
	st, ok := m[id]
	return st, ok
}
