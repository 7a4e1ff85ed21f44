package collect

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"sync/atomic"

	"github.com/rapporthq/rapport/charter"
	"github.com/rapporthq/rapport/fault"
	"github.com/rapporthq/rapport/know/quality"
	"github.com/rapporthq/rapport/person"
	"github.com/rapporthq/rapport/trust/consent"
	"github.com/rapporthq/rapport/trust/vault"
)

// Catalogue tells which products are known. catalogue.Shelf's owner fills it.
type Catalogue interface {
	// Knows says whether there is an item of that id.
	Knows(id string) bool
}

// Meter counts what the gate does. It is told numbers and reasons, never names as they were sent.
type Meter interface {
	Accepted(n int)
	EventRefused(r Reason, n int)
	FieldRefused(r Reason, n int)
	Chosen(purpose string, yes bool) // somebody said so, told once of a person, purpose and answer on a day
}

// Parts are what a Gate is made of. Catalogue and Meter may be nil.
type Parts struct {
	Vault      *vault.Vault
	Store      vault.Store
	Charters   func() charter.Series // the accepted charters, the one in force last
	Book       *Book
	Catalogue  Catalogue
	Tombs      Tombs          // nil: nobody was ever forgotten
	Pairings   vault.Pairings // nil: no steward ever said of two that they are different
	Meter      Meter
	Augmenters map[string]quality.Augmenter // by name; nil: quality.Augmenters
	Clock      person.Clock
	Log        *slog.Logger // told why a batch could not be kept, never what it held
}

// Gate judges what arrives and commits what may be kept. It is safe for use by many goroutines.
type Gate struct {
	parts Parts
	plans sync.Map // planKey → *plan
	notes sync.Pool
	memo  memo

	observer atomic.Pointer[Observer] // nil: nobody watches
}

// New makes a Gate. Vault, Store and Charters must be there.
func New(p Parts) *Gate {
	if p.Clock == nil {
		p.Clock = person.SystemClock
	}
	if p.Book == nil {
		p.Book = NewBook(nil, p.Clock)
	}
	if p.Log == nil {
		p.Log = slog.New(slog.DiscardHandler)
	}
	if p.Augmenters == nil {
		p.Augmenters = quality.Augmenters()
	}
	return &Gate{parts: p}
}

// Book is where the gate's refusals are counted.
func (g *Gate) Book() *Book { return g.parts.Book }

// Arrival is one request's or one file's worth of messages from one source.
type Arrival struct {
	Source string // the charter's name of the source
	Batch  *Batch
	GPC    bool // the browser that asked sent Sec-GPC: 1; heeded for client sources
	Dry    bool // judge and count in the Outcome, but commit nothing and leave no trace
}

// Outcome is what became of an Arrival.
type Outcome struct {
	Kept    int       // messages of which something was kept, or that joined or changed something
	Refused int       // messages of which nothing was kept
	Counts  []Refusal // what was refused, by the charter's names; Day is that of the receipt
}

// The faults of Accept, beside those of the store.
var (
	ErrSource = fault.New(fault.Unauthorised, "The charter in force names no such source: add it to the charter, or use another write key.")
	errBehind = errors.New("a newer charter is in force than this process has read")
)

const mostTries = 8

// Accept judges the messages of a batch in their order and commits what may be kept as one change. When it returns
// without an error, all that was accepted is on disk, synced. It returns a fault: Unauthorised when the charter names
// no such source, Unavailable when the store cannot take it now. After an error nothing was kept, or all of it was;
// sending the same again is harmless.
func (g *Gate) Accept(ctx context.Context, a Arrival) (Outcome, error) {
	received := g.parts.Clock()
	afresh := a.Dry // nothing will be checked by a commit
	careful := false
	for try := 0; ; try++ {
		out, err := g.attempt(ctx, a, received, afresh, careful)
		switch {
		case err == nil:
			g.watched(a)
			return out, nil
		case again(err) && try+1 < mostTries && ctx.Err() == nil:
			afresh = true // somebody changed a person meanwhile: read and judge again
			careful = careful || errors.Is(err, vault.ErrDifferent)
			continue
		}
		var f *fault.Error
		if errors.As(err, &f) {
			return Outcome{}, err
		}
		g.parts.Log.Warn("a batch could not be kept", "source", a.Source, "messages", len(a.Batch.Messages), "tries", try+1, "cause", err)
		return Outcome{}, fault.Wrap(fault.Unavailable, "This cannot be kept just now: send the same again in a moment.", err)
	}
}

// again says that a batch was judged by what is true no more: a person was changed, joined, split or forgotten meanwhile.
func again(err error) bool {
	return errors.Is(err, vault.ErrStale) || errors.Is(err, vault.ErrNotFound) || errors.Is(err, vault.ErrDifferent) || errors.Is(err, errBehind) || err == errDoubt
}

func (g *Gate) attempt(ctx context.Context, a Arrival, received person.Instant, afresh, careful bool) (Outcome, error) {
	series := g.parts.Charters()
	c := series.Current()
	if c == nil {
		return Outcome{}, errors.New("no charter is in force")
	}
	p := g.planOf(c, a.Source)
	if p == nil {
		return Outcome{}, ErrSource
	}
	st := g.begin(ctx, a, series, p, received)
	defer g.end(st)
	st.careful = careful
	blinds := st.read()
	if err := st.load(blinds, &series, afresh); err != nil {
		return Outcome{}, err
	}
	for i := range a.Batch.Messages {
		if err := st.message(i); err != nil {
			return Outcome{}, err
		}
	}
	if a.Dry || !st.changes() {
		if len(st.doubted) > 0 {
			return Outcome{}, errDoubt // no commit will check what was remembered
		}
		return st.finish(), nil
	}
	st.checkDoubted()
	if len(st.change.Enrol)+len(st.change.Identifiers) == 0 {
		st.change.Unless = nil
	}
	people, blinds := st.outdated()
	err := g.parts.Store.Commit(ctx, st.change)
	g.memo.forget(people, blinds) // after an error too: it may have been done
	if err != nil {
		return Outcome{}, err
	}
	return st.finish(), nil
}

// state is one attempt at a batch.
type state struct {
	g        *Gate
	ctx      context.Context
	arrival  Arrival
	charter  *charter.Charter
	series   charter.Series
	plan     *plan
	received person.Instant
	gpc      bool

	notes   []notes
	index   vault.Index
	asked   []asked // identifiers in the order in which the first pass met them
	stones  map[vault.Blind]stone
	idents  map[vault.Blind][]vault.Identifier
	people  map[person.ID]*subject
	new     map[person.ID]*newcomer
	users   map[person.ID]bool // pseudonyms to which a verified userId leads, as far as this batch looked
	change  vault.Change
	meets   []met         // of the message that is being judged
	shared  []vault.Blind // values that were found to be somebody else's too
	careful bool          // a join was refused for what a steward said: ask before each
	doubted []*subject    // who is refused something by what is only remembered: the commit checks their versions too
	tally   account
	sketch  sketch
	values  [][]byte
	own     []said
	chosen  []consent.Choice // the first of its person, purpose and answer today
}

// notes are what the first pass over a batch finds out about one message.
type notes struct {
	at        person.Instant
	hasUser   bool
	hasDevice bool
	user      vault.Blind // of the userId, as if it were verified
	claimed   vault.Blind // of the userId as this client source's claim
	device    vault.Blind
	previous  vault.Blind // of an alias: as a user
	before    vault.Blind // of an alias: as a device
	traits    []trait
}

func (g *Gate) begin(ctx context.Context, a Arrival, series charter.Series, p *plan, received person.Instant) *state {
	st, _ := g.notes.Get().(*state)
	if st == nil {
		st = &state{}
	}
	n := len(a.Batch.Messages)
	st.g, st.ctx, st.arrival, st.charter, st.series, st.plan, st.received = g, ctx, a, series.Current(), series, p, received
	st.gpc = a.GPC && !p.server
	if cap(st.notes) < n {
		st.notes = make([]notes, n)
	}
	st.notes = st.notes[:n]
	clear(st.notes)
	st.idents = make(map[vault.Blind][]vault.Identifier, n)
	st.people = make(map[person.ID]*subject, n)
	st.new = make(map[person.ID]*newcomer)
	st.users = make(map[person.ID]bool)
	st.index = g.parts.Vault.Index()
	st.change = vault.Change{Blinds: st.index.Generation()}
	st.asked, st.stones = st.asked[:0], nil
	st.doubted, st.chosen = st.doubted[:0], st.chosen[:0]
	st.meets, st.shared, st.careful = st.meets[:0], st.shared[:0], false
	st.tally.begin(p.source.Name, received)
	return st
}

// end gives the room back without what it held.
func (g *Gate) end(st *state) {
	st.arrival, st.charter, st.series, st.plan, st.ctx = Arrival{}, nil, charter.Series{}, nil, nil
	st.idents, st.people, st.new, st.users = nil, nil, nil, nil
	clear(st.doubted[:cap(st.doubted)])
	clear(st.asked[:cap(st.asked)])
	st.stones = nil
	clear(st.chosen[:cap(st.chosen)])
	st.change = vault.Change{}
	st.tally.clear()
	clear(st.notes)
	clear(st.values[:cap(st.values)])
	clear(st.sketch.body[:cap(st.sketch.body)])
	g.notes.Put(st)
}

// load finds and loads everybody whom the batch may be about: from memory what was read a moment ago, unless afresh.
func (st *state) load(blinds []vault.Blind, series *charter.Series, afresh bool) error {
	if len(blinds) == 0 {
		return nil
	}
	missing, before := blinds, st.g.memo.now()
	if !afresh {
		missing, before = st.g.memo.recall(st, blinds)
	}
	if err := st.loadMissing(missing, before, series); err != nil {
		return err
	}
	if err := st.loadStones(); err != nil {
		return err
	}
	for i := range st.notes {
		n := &st.notes[i]
		if n.hasUser {
			st.markUser(n.user)
		}
		st.markUser(n.previous)
	}
	return nil
}

func (st *state) loadMissing(blinds []vault.Blind, before uint64, series *charter.Series) error {
	if len(blinds) == 0 {
		return nil
	}
	found, err := st.g.parts.Store.Find(st.ctx, blinds)
	if err != nil || len(found) == 0 {
		return err
	}
	ids := make([]person.ID, 0, len(found))
	asked := make(map[person.ID]bool, len(found))
	lists := make(map[vault.Blind][]vault.Identifier, len(found))
	for _, ident := range found {
		st.lead(ident)
		lists[ident.Blind] = nil
		if !asked[ident.Of] {
			asked[ident.Of] = true
			ids = append(ids, ident.Of)
		}
	}
	for b := range lists {
		lists[b] = st.idents[b][:len(st.idents[b]):len(st.idents[b])]
	}
	loaded, err := st.g.parts.Store.Gate(st.ctx, ids)
	if err != nil {
		return err
	}
	var read []*subject
	for i := range loaded {
		l := &loaded[i]
		if l.Who.Root.IsZero() || (st.people[ids[i]] != nil && !st.people[ids[i]].recalled) {
			continue
		}
		if l.Charter > st.charter.Position {
			return errBehind
		}
		r, err := st.g.parts.Vault.Record(*l, nil, series, nil)
		if errors.Is(err, vault.ErrUnavailable) {
			return err // refused for now, and not for good
		}
		if err != nil {
			continue
		}
		t := &subject{who: r.Who, sealings: []*vault.Sealing{r.Sealing()}, choices: r.Choices, claims: r.Claims, restricted: r.Restricted,
			seen: []vault.Seen{{Root: r.Who.Root, Version: r.Version}}, read: st.received}
		read = append(read, t)
		sub := *t
		for _, id := range r.Who.All() {
			st.people[id] = &sub
		}
	}
	st.g.memo.remember(lists, read, before)
	return nil
}

func (st *state) markUser(b vault.Blind) {
	for _, ident := range st.idents[b] {
		if ident.Verified {
			st.users[ident.Of] = true
		}
	}
}

func (st *state) changes() bool {
	c := &st.change
	return len(c.Enrol)+len(c.Identifiers)+len(c.Joins)+len(c.Put)+len(c.Drop)+len(c.Frames)+len(c.Sightings) > 0
}

// finish counts what was refused, where the counts are kept.
func (st *state) finish() Outcome {
	t := &st.tally
	t.settle()
	out := Outcome{Kept: t.kept, Refused: t.refused, Counts: t.list()}
	if st.arrival.Dry {
		return out
	}
	st.g.parts.Book.add(t)
	if m := st.g.parts.Meter; m != nil {
		m.Accepted(t.kept)
		events, fields := t.reasons()
		for i := range st.chosen {
			m.Chosen(st.chosen[i].Purpose, st.chosen[i].Answer == consent.Yes)
		}
		for r, n := range events {
			m.EventRefused(r, n)
		}
		for r, n := range fields {
			m.FieldRefused(r, n)
		}
	}
	return out
}

// moment is the circumstance of one message's judgement.
func (st *state) moment(device person.ID) person.Moment {
	return person.Moment{At: st.received, Now: st.received, GPC: st.gpc, Device: device}
}

// say keeps a choice of somebody.
// words is the position of the charter whose words were shown to who answered at that time: an old answer that comes late, or comes
// again, agrees to nothing that was written since.
func (st *state) words(at person.Instant) int { return st.series.InForce(min(at, st.received)) }

func (st *state) say(p place, c consent.Choice, e consent.Evidence, occasion string) {
	ring := p.sub.ring(p.id)
	if ring == nil {
		return
	}
	st.keep(p)
	st.change.Put = append(st.change.Put, ring.SealChoice(c, e, occasion))
	if consent.First(p.sub.choices, c) {
		st.chosen = append(st.chosen, c)
	}
	p.sub.choices = append(p.sub.choices[:len(p.sub.choices):len(p.sub.choices)], c)
	p.sub.changed()
}
