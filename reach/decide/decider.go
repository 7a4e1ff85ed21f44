// Package decide makes the decision: tact → ladder → rank → guard → receipt.
//
// Compute is its pure core. Decider puts it to work on a home: it finds the person, loads and judges, keeps the receipt
// and makes the words. It promises: whatever fails, the answer is a less personal one and says so, never an error; nothing is
// opened without a permit; no personal answer leaves without a receipt on its way to disk; what a person answers or
// chooses is in force for the next decision. It does not promise to be right about people: the reasons that it gives are the
// arithmetic that it did.
package decide

import (
	"context"
	"errors"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/rapporthq/rapport/fault"
	"github.com/rapporthq/rapport/person"
	"github.com/rapporthq/rapport/trust/access"
	"github.com/rapporthq/rapport/trust/rights"
	"github.com/rapporthq/rapport/trust/vault"
)

// Options change how a Decider works; the zero value is good.
type Options struct {
	Clock    person.Clock  // nil: the system's
	Deadline time.Duration // for finding and loading a person, deciding and keeping the receipt; 0: 250 ms
	Observe  func(Observed)
	Shared   bool // other processes decide for the same home
}

// Observed is what metrics may know of one decision: nothing personal.
type Observed struct {
	Placement string
	Rung      person.Rung
	Degraded  string
	Holds     map[string]int // by reason
	Took      time.Duration  // of the whole call
}

// Decider decides for a home. It is safe for many goroutines.
type Decider struct {
	live     *Live
	vault    *vault.Vault
	store    vault.Store
	clock    person.Clock
	deadline time.Duration
	observe  func(Observed)
	streams  streamBook
	recent   recent
	shared   bool
	stub     *access.Stub
	asking   atomic.Int32 // decisions under way
	asPlain  atomic.Int32 // and those that are made beside, about nobody
	names    *naming
}

// New makes a Decider.
func New(live *Live, v *vault.Vault, store vault.Store, o Options) *Decider {
	d := &Decider{
		live: live, vault: v, store: store, clock: o.Clock, deadline: o.Deadline, observe: o.Observe, shared: o.Shared,
		stub: access.NewStub(v.Secret("feedback")), names: newNaming(v, o.Shared),
	}
	if d.clock == nil {
		d.clock = person.SystemClock
	}
	if d.deadline <= 0 {
		d.deadline = 250 * time.Millisecond
	}
	return d
}

// Live is the house that the Decider follows.
func (d *Decider) Live() *Live { return d.live }

// most placements in one call, and items asked for at one of them.
const (
	MostPlacements = 20
	MostItems      = 100
)

// past is how far back a decision may be asked for without being a replay.
const past = 48 * time.Hour

// future is how far ahead a decision may be asked for.
const future = 366 * 24 * time.Hour

// The refusals of Decide.
var (
	errNoHouse     = fault.New(fault.Unavailable, "This home has no charter in force yet: accept one, then ask again.")
	errNoPlacement = fault.New(fault.Invalid, "Name one of the charter's placements in placement, or several in placements.")
	errMany        = fault.New(fault.Invalid, "Ask for at most 20 placements at once and 100 items at each.")
	errTwice       = fault.New(fault.Invalid, "Name each placement once.")
	errNotYours    = fault.New(fault.Refused, "This token may not ask for that placement: use one that names it.")
	errReplay      = fault.New(fault.Refused, "A time more than two days back is a replay: ask with a token of the privacy team.")
	errFuture      = fault.New(fault.Invalid, "The time to decide for is out of range: give one between 1970 and a year from now.")
	errPseudonym   = fault.New(fault.Refused, "Only staff may name a person by pseudonym: use one of their identifiers.")
)

// Decide answers one request: a decision for each placement, in their order, that never repeat an item. Its errors are
// faults about the request itself (unknown placement, not this token's, a replay); everything else lowers the rung.
func (d *Decider) Decide(ctx context.Context, req Request, p Principal) ([]Decision, error) {
	started := time.Now()
	now := d.clock()
	h := d.live.House()
	if h == nil {
		return nil, errNoHouse
	}
	at, err := checked(h, req, p, now)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, d.deadline)
	defer cancel()

	attested := req.Attested && p.Attest
	ask := Ask{
		Moment: person.Moment{
			At: at, Now: now, Region: req.Context.Region, Weather: req.Context.Weather, Language: req.Context.Language,
			GPC: req.GPC, Session: attested || p.Self,
		},
		Limit: req.Limit, Already: req.Already, Ceiling: person.Individual,
	}
	if req.Person.byAddress() && !ask.Moment.Session {
		ask.Ceiling, ask.Veiled = person.Context, true
	}
	if p.Unsure {
		ask.Ceiling = person.Generic
	}
	m := d.inTime(ctx,
		func() made {
			switch {
			case p.Unsure:
				return d.make(ctx, found{house: h, doubt: true, lowered: DegradedStore}, ask, req)
			case req.Person.IsZero():
				return d.make(ctx, found{house: h}, ask, req)
			}
			return d.make(ctx, d.who(ctx, h, req.Person, now), ask, req)
		},
		func() made { return d.make(ctx, nobody(d.live.House()), ask, req) },
		func() made {
			ask := ask
			ask.Ceiling = person.Generic
			return d.make(ctx, nobody(d.live.House().WithoutModel()), ask, req)
		})
	results, kept := m.results, m.kept
	out := make([]Decision, len(results))
	for i := range results {
		r := &results[i].Receipt
		if !kept {
			r.ID = d.names.unkept()
		}
		as := p.Reader(req.Context.Language)
		as.Values = results[i].Values
		out[i] = Read(r, m.house, as)
		if kept {
			out[i].Feedback = d.stub.Sign(out[i].ID, r.Now.Add(answerable))
		}
		d.report(r, time.Since(started))
	}
	return out, nil
}

// made is the decisions of a request before they are put into words.
type made struct {
	house   *House
	results []Result
	kept    bool // their receipts are on their way to disk
}

// make decides about whom was found, and keeps the receipts where somebody was.
func (d *Decider) make(ctx context.Context, who found, ask Ask, req Request) made {
	ask.Moment.Device, ask.Doubt, ask.Lowered = who.device, who.doubt, who.lowered
	if ask.Lowered != "" {
		ask.Ceiling = min(ask.Ceiling, person.Context)
	}
	m := made{house: who.house}
	if m.results = d.all(who.house, who.subject(), ask, req.Placements); who.record == nil {
		return m
	}
	if err := d.keep(ctx, who.record, m.results, req.Wait); err != nil {
		// Values may have been opened, and no account of it is on its way: what is said must not rest on them.
		ask.Ceiling, ask.Doubt, ask.Lowered = person.Context, true, reasonOf(err, DegradedReceipt)
		m.results = d.all(who.house, nil, ask, req.Placements)
		return m
	}
	m.kept = true
	return m
}

// checked finds what is wrong with a request itself, and the time for which it asks.
func checked(h *House, req Request, p Principal, now person.Instant) (person.Instant, error) {
	switch {
	case len(req.Placements) == 0:
		return 0, errNoPlacement
	case len(req.Placements) > MostPlacements || req.Limit > MostItems || req.Limit < 0:
		return 0, errMany
	case !req.Person.Pseudonym.IsZero() && !p.Pseudonyms:
		return 0, errPseudonym
	}
	for i, name := range req.Placements {
		if !p.May(name) { // before whether it exists: a token learns of its own placements only
			return 0, errNotYours
		}
		if h.Charter.Placements[name] == nil {
			return 0, errNoPlacement
		}
		if slices.Contains(req.Placements[:i], name) {
			return 0, errTwice
		}
	}
	at := req.Context.At
	switch {
	case at == 0:
		return now, nil
	case at < 0 || at > now.Add(future):
		return 0, errFuture
	case at < now.Add(-past) && !p.Privacy:
		return 0, errReplay
	}
	return at, nil
}

// byAddress says whether the person is named by an address only, which anybody can know.
func (r Ref) byAddress() bool {
	return r.Pseudonym.IsZero() && r.UserID == "" && r.AnonymousID == "" && (r.Email != "" || r.Phone != "")
}

// found is whom a request is about, as far as they are known.
type found struct {
	house   *House
	record  *vault.Record // nil: nobody known
	device  person.ID
	doubt   bool   // there may be somebody, and what protects them could not be read
	lowered string // why the rung is lower
}

// nobody is who is decided about when the time is over: there may be somebody.
func nobody(h *House) found { return found{house: h, doubt: true, lowered: DegradedTime} }

func (f found) subject() Subject { return Of(f.record) }

// mostAsking is how many decisions of a kind may be under way at once. When the store or the model hangs, those that gave up wait on until it comes
// back, and hold some memory each; with so many nobody asks it any more.
const mostAsking = 1024

// inTime gives the most personal decision that is there when the time is over, so that a part that hangs, be it the store or the model, holds up
// nobody. When the first one is not there at half of the time, or fell over, one about nobody is begun beside it; the last must wait for nothing.
func (d *Decider) inTime(ctx context.Context, first, second, last func() made) made {
	if ctx.Err() != nil {
		return last()
	}
	half := time.NewTimer(d.deadline / 2)
	defer half.Stop()
	personal := beside(&d.asking, first)
	if m, ok := before(half.C, personal); ok {
		return m
	}
	plain := beside(&d.asPlain, second)
	if m, ok := before(ctx.Done(), personal); ok {
		return m
	}
	if m, ok := before(ctx.Done(), plain); ok {
		return m
	}
	return last()
}

// beside does work in a goroutine of its own. What it gives is closed without a word when the work falls over, or too many are under way.
func beside(underWay *atomic.Int32, work func() made) <-chan made {
	done := make(chan made, 1)
	if underWay.Add(1) > mostAsking {
		underWay.Add(-1)
		close(done)
		return done
	}
	go func() {
		_ = room(0)
		defer func() {
			_ = recover() // who waits goes on without it, and says so
			underWay.Add(-1)
			close(done)
		}()
		done <- work()
	}()
	return done
}

// room lets the goroutine that calls it have at once the stack that a decision needs: else it is copied four times on its way there, for each decision.
//
//go:noinline
func room(i int) byte {
	var stack [12 << 10]byte
	return stack[i]
}

// before waits for what is done beside, until the time is over.
func before[T any](late <-chan T, done <-chan made) (m made, ok bool) {
	select {
	case m, ok = <-done:
	case <-late:
		select { // of what is there and the end of the time, what is there
		case m, ok = <-done:
		default:
		}
	}
	return m, ok
}

// who finds and loads a person. It never fails: what could not be done is in lowered, and the doubt that it leaves.
func (d *Decider) who(ctx context.Context, h *House, ref Ref, now person.Instant) (f found) {
	f.house = h
	defer func() {
		if recover() != nil {
			f = found{house: h, doubt: true, lowered: DegradedFault}
		}
	}()
	l, device, err := d.load(ctx, ref, now)
	f.device = device
	var record *vault.Record
	house := h
	if err == nil {
		record, house, err = d.record(ctx, l)
	}
	switch {
	case errors.Is(err, vault.ErrNotFound):
		return f
	case errors.Is(err, errOlder):
		f.doubt, f.lowered = true, DegradedCharter
		return f
	case err != nil:
		f.doubt, f.lowered = true, reasonOf(err, DegradedStore)
		return f
	}
	f.record, f.house = record, house
	return f
}

// reasonOf is the word of Degraded for an error.
func reasonOf(err error, otherwise string) string {
	if errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled) {
		return DegradedTime
	}
	return otherwise
}

// look is one identifier of a reference.
type look struct {
	kind  vault.IdentifierKind
	blind vault.Blind
}

// load loads whom a reference leads to, ErrNotFound for nobody known, and gives the device's pseudonym when one is named.
func (d *Decider) load(ctx context.Context, ref Ref, now person.Instant) (l vault.Loaded, device person.ID, err error) {
	if !ref.Pseudonym.IsZero() {
		l, err = d.store.Load(ctx, ref.Pseudonym)
		return l, device, err
	}
	var looks []look
	var blinds []vault.Blind
	for _, x := range [...]struct {
		kind  vault.IdentifierKind
		value string
	}{{vault.UserID, ref.UserID}, {vault.AnonymousID, ref.AnonymousID}, {vault.Email, ref.Email}, {vault.Phone, ref.Phone}} {
		if x.value == "" {
			continue
		}
		b, err := d.vault.Blind(x.kind, x.value)
		if err != nil { // no identifier at all: leads to nobody
			continue
		}
		looks, blinds = append(looks, look{x.kind, b}), append(blinds, b)
	}
	if err := ctx.Err(); err != nil && len(blinds) == 0 {
		return l, device, err
	}
	l, err = d.store.LoadBy(ctx, blinds, func(rows []vault.Identifier) (id person.ID) {
		id, device = meant(looks, rows, now)
		return id
	})
	return l, device, err
}

// meant is whom these identifiers lead to together, zero for nobody known, and whom the device among them leads to.
func meant(looks []look, rows []vault.Identifier, now person.Instant) (id, device person.ID) {
	for _, l := range looks {
		of := owner(rows, l.kind, l.blind, now)
		if l.kind == vault.AnonymousID {
			device = of
		}
		if id.IsZero() {
			id = of
		}
		if l.kind == vault.UserID && id.IsZero() {
			// A user id that leads to nobody is somebody new: the device's history may be another person's.
			for _, m := range looks {
				if m.kind == vault.AnonymousID {
					device = owner(rows, m.kind, m.blind, now)
				}
			}
			return person.ID{}, device
		}
	}
	return id, device
}

// owner is the pseudonym to which a blind leads: of a device the latest session that has begun; of everything else the one
// that was verified. Where two different ones stand, nobody: nobody can say who is meant.
func owner(rows []vault.Identifier, kind vault.IdentifierKind, blind vault.Blind, now person.Instant) person.ID {
	var best *vault.Identifier
	for i := range rows {
		r := &rows[i]
		if r.Blind != blind || r.Since > now {
			continue
		}
		if kind == vault.AnonymousID {
			if best == nil || r.Since > best.Since {
				best = r
			}
			continue
		}
		if !r.Verified {
			continue
		}
		if best != nil && best.Of != r.Of {
			return person.ID{}
		}
		best = r
	}
	if best == nil {
		return person.ID{}
	}
	return best.Of
}

// record gives the person's record and the house by whose charter it may be judged: one at least as new as the charter that
// was in force in the snapshot of the read.
func (d *Decider) record(ctx context.Context, l vault.Loaded) (*vault.Record, *House, error) {
	h, err := d.live.Follow(ctx, l.Charter)
	if err != nil {
		return nil, nil, err
	}
	known, err := d.streams.knowing(ctx, d.store, l.Frames)
	if err != nil {
		return nil, nil, err
	}
	r, err := d.vault.Record(l, known, &h.Series, h.Shelf.Sensitive)
	return r, h, err
}

// all computes every placement in its order; a later one does not repeat the items of an earlier one. A part that panics gives
// the generic rung, with everything removed that a protective rule could remove.
func (d *Decider) all(h *House, s Subject, a Ask, placements []string) []Result {
	out := make([]Result, len(placements))
	for i, name := range placements {
		a.Moment.Placement = name
		out[i] = Safely(h, s, a)
		if i+1 == len(placements) {
			break
		}
		for _, c := range out[i].Receipt.Items {
			a.Exclude = append(a.Exclude, c.Item)
		}
	}
	return out
}

// Safely is Compute whose panics lower the rung: first to the generic one without person or model, then to nothing at all.
func Safely(h *House, s Subject, a Ask) (res Result) {
	defer func() {
		if recover() != nil {
			res = safest(h, a)
		}
	}()
	return Compute(h, s, a)
}

func safest(h *House, a Ask) (res Result) {
	a.Ceiling, a.Doubt, a.Lowered = person.Generic, true, DegradedFault
	defer func() {
		if recover() != nil {
			res = Result{Receipt: Receipt{
				Placement: a.Moment.Placement, At: a.Moment.At, Now: a.Moment.Now, Charter: h.Charter.Position, Veiled: a.Veiled,
				Short: ShortFault, Degraded: DegradedFault,
			}}
		}
	}()
	return Compute(h.WithoutModel(), nil, a)
}

var errFell = errors.New("the store fell over")

// keep seals the receipts and hands them to the store.
func (d *Decider) keep(ctx context.Context, r *vault.Record, results []Result, wait bool) (err error) {
	defer func() {
		if recover() != nil {
			err = errFell
		}
	}()
	ring := r.Ring(r.Who.Asked())
	if ring == nil {
		return vault.ErrUnreadable
	}
	rows := make([]vault.Row, len(results))
	for i := range results {
		rec := &results[i].Receipt
		var key vault.Key
		rec.ID, key = d.names.kept(rec.Now)
		rows[i] = ring.SealReceipt(key, rec.Now, rec.Append(make([]byte, 0, 1024)))
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	if err := d.store.Keep(ctx, rows, wait); err != nil {
		return err
	}
	for i := range rows {
		d.recent.put(rows[i])
	}
	return nil
}

func (d *Decider) report(r *Receipt, took time.Duration) {
	if d.observe == nil {
		return
	}
	o := Observed{Placement: r.Placement, Rung: r.Rung, Degraded: r.Degraded, Took: took, Holds: make(map[string]int, len(r.Holds))}
	for _, h := range r.Holds {
		o.Holds[string(h.Reason)] += h.Count
	}
	d.observe(o)
}

// streamBook remembers the store's interned streams: a number means the same for ever.
type streamBook struct {
	mu    sync.RWMutex
	known map[vault.StreamID]vault.Stream
}

// knowing gives the look-up of streams, having asked the store once more when a frame has one that is not known here.
func (b *streamBook) knowing(ctx context.Context, s vault.Store, frames []vault.Frame) (func(vault.StreamID) (vault.Stream, bool), error) {
	b.mu.RLock()
	known := b.known
	b.mu.RUnlock()
	for i := range frames {
		if _, ok := known[frames[i].Stream]; ok {
			continue
		}
		all, err := s.Streams(ctx)
		if err != nil {
			return nil, err
		}
		b.mu.Lock()
		if len(all) >= len(b.known) {
			b.known = all
		}
		known = b.known
		b.mu.Unlock()
		break
	}
	return func(id vault.StreamID) (vault.Stream, bool) { st, ok := known[id]; return st, ok }, nil
}

// recent keeps the sealed receipts of the last moments, for answers that come before the store has written them.
type recent struct {
	mu   sync.Mutex
	at   map[vault.Key]int
	ring [4096]vault.Row
	next int
}

func (r *recent) put(row vault.Row) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.at == nil {
		r.at = make(map[vault.Key]int, len(r.ring))
	}
	if old := r.ring[r.next]; old.Body != nil {
		delete(r.at, old.Key)
	}
	r.ring[r.next], r.at[row.Key] = row, r.next
	r.next = (r.next + 1) % len(r.ring)
}

// get gives the receipt that has one of these keys.
func (r *recent) get(keys []vault.Key) (vault.Row, bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, key := range keys {
		if i, ok := r.at[key]; ok {
			return r.ring[i], true
		}
	}
	return vault.Row{}, false
}

// Holdings are the receipts of the last moments. See rights.Holder.
func (d *Decider) Holdings() []rights.Holding {
	return []rights.Holding{{Name: "receipts of the last moments", Keeps: "sealed receipts, for answers that come before they are written", Forgets: rights.Deleted}}
}

// Forget drops the receipts of these people from memory.
func (d *Decider) Forget(people []person.ID) {
	gone := make(map[person.ID]bool, len(people))
	for _, id := range people {
		gone[id] = true
	}
	r := &d.recent
	r.mu.Lock()
	defer r.mu.Unlock()
	for i := range r.ring {
		if row := &r.ring[i]; row.Body != nil && gone[row.Of] {
			delete(r.at, row.Key)
			*row = vault.Row{}
		}
	}
}
