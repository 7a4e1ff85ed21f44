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
	Alone      bool                         // no other process writes this home: who was read is remembered for ten minutes, and not for one
	Clock      person.Clock
	Log        *slog.Logger // told why a batch could not be kept, never what it held
}

// Gate judges what arrives and commits what may be kept. It is safe for use by many goroutines.
type Gate struct {
	parts Parts
	plans sync.Map // planKey → *plan
	notes sync.Pool
	memo  memo
	line  line

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
	g := &Gate{parts: p}
	g.memo.most = mostRemembered
	return g
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
//
// Small requests that come at the same time are judged together, in the order in which they came. Each has its own answer, and what is wrong
// with one is nothing to the others.
func (g *Gate) Accept(ctx context.Context, a Arrival) (Outcome, error) {
	t := &turn{Arrival: a, ctx: ctx, received: g.parts.Clock(), afresh: a.Dry} // dry: nothing will be checked by a commit
	if a.Dry || len(a.Batch.Messages) > fewMessages {
		return g.alone(t)
	}
	t.word = make(chan word, 1)
	return g.shared(t)
}

// alone takes one request through the gate, again when somebody changed a person meanwhile.
func (g *Gate) alone(t *turn) (Outcome, error) {
	careful := false
	one := []*turn{t}
	for try := 0; ; try++ {
		t.out, t.err = Outcome{}, nil
		err := g.attempt(t.ctx, one, t.afresh, careful)
		if err == nil {
			err = t.err
		}
		switch {
		case err == nil:
			g.watched(t.Arrival)
			return t.out, nil
		case again(err) && try+1 < mostTries && t.ctx.Err() == nil:
			t.afresh = true
			careful = careful || errors.Is(err, vault.ErrDifferent)
			continue
		}
		var f *fault.Error
		if errors.As(err, &f) {
			return Outcome{}, err
		}
		g.parts.Log.Warn("a batch could not be kept", "source", t.Source, "messages", len(t.Batch.Messages), "tries", try+1, "cause", err)
		return Outcome{}, unkept(err)
	}
}

// again says that a batch was judged by what is true no more: a person was changed, joined, split or forgotten meanwhile.
func again(err error) bool {
	return errors.Is(err, vault.ErrStale) || errors.Is(err, vault.ErrNotFound) || errors.Is(err, vault.ErrDifferent) || errors.Is(err, errBehind) || err == errDoubt
}

// attempt judges requests in their order and commits what may be kept of them as one change. Without an error each has its answer, or an error of
// its own; after one nothing was kept, or all of it was, and none has an answer.
func (g *Gate) attempt(ctx context.Context, turns []*turn, afresh, careful bool) error {
	series := g.parts.Charters()
	c := series.Current()
	if c == nil {
		return errors.New("no charter is in force")
	}
	st := g.begin(ctx, series)
	defer g.end(st)
	st.careful = careful
	for _, t := range turns {
		if t.err = t.ctx.Err(); t.err != nil {
			t.err = unkept(t.err)
		} else if p := g.planOf(c, t.Source); p != nil {
			st.add(t, p)
		} else {
			t.err = ErrSource
		}
	}
	if len(st.parts) == 0 {
		return nil
	}
	blinds := st.read()
	if err := st.load(blinds, &series, afresh); err != nil {
		return err
	}
	for k := range st.parts {
		st.turn(k)
		for i := range st.arrival.Batch.Messages {
			if err := st.message(i); err != nil {
				return err
			}
		}
		st.parts[k].chosen = len(st.chosen)
		st.leave()
	}
	if st.arrival.Dry || !st.changes() {
		if len(st.doubted) > 0 {
			return errDoubt // no commit will check what was remembered
		}
	} else if err := st.commit(); err != nil {
		return err
	}
	first := 0
	for k := range st.parts {
		p := &st.parts[k]
		p.of.out = st.finish(p, st.chosen[first:p.chosen])
		first = p.chosen
	}
	return nil
}

// commit hands the change in.
func (st *state) commit() error {
	st.checkDoubted()
	if len(st.change.Enrol)+len(st.change.Identifiers) == 0 {
		st.change.Unless = nil
	}
	people, blinds := st.outdated()
	err := st.g.parts.Store.Commit(st.ctx, st.change)
	st.g.memo.forget(people, blinds) // after an error too: it may have been done
	return err
}

// part is one request of an attempt.
type part struct {
	of     *turn
	plan   *plan
	from   int // place of its first message among the notes
	tally  account
	chosen int // how many choices there were when its last message was judged
}

// add puts a request behind those of the attempt.
func (st *state) add(t *turn, p *plan) {
	from := len(st.notes)
	if k := len(st.parts); k < cap(st.parts) {
		st.parts = st.parts[:k+1] // with the room of its tally
	} else {
		st.parts = append(st.parts, part{})
	}
	k := len(st.parts) - 1
	q := &st.parts[k]
	q.of, q.plan, q.from = t, p, from
	q.tally.begin(p.source.Name, t.received)
	n := from + len(t.Batch.Messages)
	if cap(st.notes) < n {
		st.notes = append(make([]notes, 0, max(n, 2*cap(st.notes))), st.notes...)
	}
	st.notes = st.notes[:n]
	clear(st.notes[from:])
	st.turn(k)
}

// turn has what follows be about one of the requests.
func (st *state) turn(k int) {
	p := &st.parts[k]
	st.arrival, st.plan, st.received, st.tally, st.first = p.of.Arrival, p.plan, p.of.received, &p.tally, p.from
	st.gpc = st.arrival.GPC && !p.plan.server
}

// state is one attempt at a batch, or at several together.
type state struct {
	g       *Gate
	ctx     context.Context
	charter *charter.Charter
	series  charter.Series
	parts   []part

	// Of the request whose turn it is.
	arrival  Arrival
	plan     *plan
	received person.Instant
	gpc      bool
	tally    *account
	first    int // place of its first message among the notes

	notes   []notes
	index   vault.Index
	asked   []asked // identifiers in the order in which the first pass met them
	stones  map[vault.Blind]stone
	idents  map[vault.Blind][]vault.Identifier
	people  map[person.ID]*subject
	new     map[person.ID]*newcomer
	came    []vault.Identifier // by which newcomers of this request were met
	users   map[person.ID]bool // pseudonyms to which a verified userId leads, as far as this batch looked
	change  vault.Change
	meets   []met         // of the message that is being judged
	shared  []vault.Blind // values that were found to be somebody else's too
	careful bool          // a join was refused for what a steward said: ask before each
	doubted []*subject    // who is refused something by what is only remembered: the commit checks their versions too
	sketch  sketch
	values  [][]byte
	own     []said
	chosen  []consent.Choice // the first of its person, purpose and answer today

	// Room for who is remembered.
	subjects    room[subject]
	versions    room[vault.Seen]
	joins       room[person.Join]
	choices     room[consent.Choice]
	claims      room[vault.Claim]
	sealings    room[vault.Sealing]
	sealed      room[*vault.Sealing]
	identifiers room[vault.Identifier]
	answers     room[stood]
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

func (g *Gate) begin(ctx context.Context, series charter.Series) *state {
	st, _ := g.notes.Get().(*state)
	if st == nil {
		st = &state{}
	}
	st.g, st.ctx, st.charter, st.series = g, ctx, series.Current(), series
	st.parts, st.notes = st.parts[:0], st.notes[:0]
	if st.idents == nil {
		st.idents = make(map[vault.Blind][]vault.Identifier)
		st.people = make(map[person.ID]*subject)
		st.new = make(map[person.ID]*newcomer)
		st.users = make(map[person.ID]bool)
	}
	st.index = g.parts.Vault.Index()
	st.change = vault.Change{Blinds: st.index.Generation()}
	st.asked, st.stones, st.came = st.asked[:0], nil, st.came[:0]
	st.doubted, st.chosen = st.doubted[:0], st.chosen[:0]
	st.meets, st.shared, st.careful = st.meets[:0], st.shared[:0], false
	return st
}

// end gives the room back without what it held.
func (g *Gate) end(st *state) {
	st.arrival, st.charter, st.series, st.plan, st.ctx, st.tally = Arrival{}, nil, charter.Series{}, nil, nil, nil
	for k := range st.parts {
		p := &st.parts[k]
		p.of, p.plan = nil, nil
		p.tally.clear()
	}
	if len(st.idents) > 1000 { // after a large file: emptying a large map costs as much each time
		st.idents, st.people, st.new, st.users = nil, nil, nil, nil
	}
	clear(st.idents)
	clear(st.people)
	clear(st.new)
	clear(st.users)
	st.subjects.end(func(t *subject) { *t = subject{} })
	st.versions.end(func(*vault.Seen) {})
	st.joins.end(func(j *person.Join) { *j = person.Join{} })
	st.choices.end(func(c *consent.Choice) { *c = consent.Choice{} })
	st.claims.end(func(c *vault.Claim) { *c = vault.Claim{} })
	st.sealings.end((*vault.Sealing).Wipe)
	st.sealed.end(func(s **vault.Sealing) { *s = nil })
	st.identifiers.end(func(*vault.Identifier) {})
	st.answers.end(func(s *stood) { *s = stood{} })
	clear(st.doubted[:cap(st.doubted)])
	clear(st.asked[:cap(st.asked)])
	st.stones = nil
	clear(st.chosen[:cap(st.chosen)])
	st.change = vault.Change{}
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
		missing, before = st.g.memo.recall(st, blinds, st.received-st.g.remembers())
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

// remembers is for how long somebody is judged by memory.
func (g *Gate) remembers() person.Instant {
	if g.parts.Alone {
		return rememberAlone
	}
	return rememberFor
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
		for _, id := range r.Who.All() {
			st.people[id] = t
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
func (st *state) finish(p *part, chosen []consent.Choice) Outcome {
	t := &p.tally
	t.settle()
	out := Outcome{Kept: t.kept, Refused: t.refused, Counts: t.list()}
	if p.of.Dry {
		return out
	}
	st.g.parts.Book.add(t)
	if m := st.g.parts.Meter; m != nil {
		m.Accepted(t.kept)
		events, fields := t.reasons()
		for i := range chosen {
			m.Chosen(chosen[i].Purpose, chosen[i].Answer == consent.Yes)
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

// words is the position of the charter whose words were shown to who answered at that time: an old answer that comes late, or comes
// again, agrees to nothing that was written since.
func (st *state) words(at person.Instant) int { return st.series.InForce(min(at, st.received)) }

// say keeps a choice of somebody. One that was said already, at the same time, agrees to what it agreed to: while the clock was back a
// charter may have been accepted that is older than it by that clock.
func (st *state) say(p place, c consent.Choice, e consent.Evidence, occasion string) {
	ring := p.sub.ring(p.id)
	if ring == nil {
		return
	}
	for i := range p.sub.choices {
		if said := &p.sub.choices[i]; said.Of == c.Of && said.Purpose == c.Purpose && said.At == c.At && said.Answer == c.Answer {
			c.Charter = min(c.Charter, said.Charter)
		}
	}
	st.keep(p)
	st.change.Put = append(st.change.Put, ring.SealChoice(c, e, occasion))
	if consent.First(p.sub.choices, c) {
		st.chosen = append(st.chosen, c)
	}
	p.sub.choices = append(p.sub.choices[:len(p.sub.choices):len(p.sub.choices)], c)
	p.sub.changed()
}
