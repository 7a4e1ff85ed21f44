package rights

import (
	"cmp"
	"context"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"errors"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/mod/sumdb/note"

	"github.com/rapporthq/rapport/charter"
	"github.com/rapporthq/rapport/fault"
	"github.com/rapporthq/rapport/person"
	"github.com/rapporthq/rapport/trust/ledger"
	"github.com/rapporthq/rapport/trust/tact"
	"github.com/rapporthq/rapport/trust/vault"
)

// Ledger is what an erasure needs of the ledger.
type Ledger interface {
	Sequence(ctx context.Context) (int, error)
	Size(ctx context.Context) (entries int64, waiting int, err error)
}

// Eraser forgets people. Make one for a home; it is safe for many goroutines.
type Eraser struct {
	Store   Store
	Vault   *vault.Vault
	Ledger  Ledger
	Entries interface {
		Rows(ctx context.Context, from int64, limit int) ([]ledger.Row, error)
	}
	Series  func() *charter.Series
	Streams func(vault.StreamID) (vault.Stream, bool)
	Marks   func(item string) []string // the sensitive rules under which an item falls
	Holders []Holder
	Ended   func(session [32]byte) // told of each session that went
	Clock   person.Clock
	Shared  bool // the database is another program's, whose pages it keeps itself

	ending sync.Mutex
}

// Erasure asks that somebody be forgotten.
type Erasure struct {
	Person  person.ID   // any of their pseudonyms
	Claims  []vault.Key // see Named
	Actor   string      // who does it: staff or a command, never the person's name
	Role    string
	Besides bool // found besides the person, and perhaps gone with them: then nothing is done, and there is no certificate of its own
	Now     bool // wait until the pages of the database's files are written anew
}

// RewrittenWithin is how long, at most, a serving home on SQLite leaves bytes of what was removed in the slack of its files' pages.
const RewrittenWithin = 26 * time.Hour

const (
	pagesNow    = "The database's files were written anew after the erasure and before this was signed: no byte of what was removed is in them."
	pagesSoon   = "The database's files are written anew within 26 hours while the home is served; until then single bytes of what was removed may lie between the rows of a page, sealed by a key that is destroyed."
	pagesShared = "The database belongs to a server that keeps its own pages and logs: what was removed may lie there until it writes over them, sealed by a key that is destroyed. It is unreadable, not absent."
)

// Named finds who is to be forgotten by an identifier: whom it leads to and, for a userId, the pseudonyms that browsers made by claiming it. claims are for
// Erasure. ErrNotFound when nobody is.
func (e *Eraser) Named(ctx context.Context, kind vault.IdentifierKind, value string) (people []person.ID, claims []vault.Key, err error) {
	b, err := e.Vault.Blind(kind, value)
	if err != nil {
		return nil, nil, fault.Wrap(fault.Invalid, "That identifier cannot be used; give it as the events have it.", err)
	}
	blinds := []vault.Blind{b}
	if kind == vault.UserID {
		series := e.Series()
		for pos := 1; pos <= series.Current().Position; pos++ {
			c := series.At(pos)
			if c == nil {
				continue
			}
			for _, name := range c.Order.Sources {
				if b, err := e.Vault.Blind(vault.ClaimedUser, vault.ClaimedAs(name, value)); err == nil && !slices.Contains(blinds, b) {
					blinds = append(blinds, b)
				}
			}
		}
		key, err := e.Vault.ClaimKey(kind, value)
		if err != nil {
			return nil, nil, err
		}
		claims = append(claims, key)
	}
	found, err := e.Store.Find(ctx, blinds)
	if err != nil {
		return nil, nil, said(err)
	}
	// The one whom the identifier leads to now comes first; of a device, whose session it is.
	now := e.Clock()
	slices.SortFunc(found, func(a, b vault.Identifier) int {
		if n := cmp.Compare(slices.Index(blinds, a.Blind), slices.Index(blinds, b.Blind)); n != 0 {
			return n
		}
		return cmp.Compare(b.Since, a.Since)
	})
	led := false
	for _, f := range found {
		if f.Blind == b && (led || f.Since > now) {
			continue
		}
		led = led || f.Blind == b
		if !slices.Contains(people, f.Of) {
			people = append(people, f.Of)
		}
	}
	if len(people) == 0 {
		return nil, nil, said(vault.ErrNotFound)
	}
	return people, claims, nil
}

// tries is how often somebody is loaded again who was changed meanwhile.
const tries = 256

// Erase forgets these people and gives their certificates in the same order, without those of who was found Besides and was gone already. When somebody cannot be forgotten, or is not known
// (ErrNotFound), the others are all the same, and their certificates come with the error.
func (e *Eraser) Erase(ctx context.Context, who ...Erasure) ([][]byte, error) {
	ids, failed := make([][16]byte, len(who)), make([]error, len(who))
	var next atomic.Int64
	var all sync.WaitGroup
	for range min(len(who), together) {
		all.Go(func() {
			for i := int(next.Add(1)) - 1; i < len(who); i = int(next.Add(1)) - 1 {
				ids[i], failed[i] = e.begin(ctx, who[i])
				if errors.Is(failed[i], vault.ErrNotFound) && who[i].Besides {
					failed[i] = nil
				}
			}
		})
	}
	all.Wait()
	if _, err := e.resume(ctx); err != nil {
		return nil, said(err)
	}
	var out [][]byte
	for _, id := range ids {
		if id == ([16]byte{}) {
			continue
		}
		certificate, err := e.Store.Certificate(ctx, id)
		if err != nil {
			return out, said(err)
		}
		out = append(out, certificate)
	}
	return out, said(errors.Join(failed...))
}

// together is how many are begun at the same time: they share the disk's syncs.
const together = 16

// Again forgets pseudonyms whose keys are gone already, in a home that was restored from a copy of before: there are no new certificates, for those that were issued
// came with the keys. The ledger of the copy says that it was done again.
func (e *Eraser) Again(ctx context.Context, people []person.ID) error {
	for _, id := range people {
		var f Forgetting
		now := e.Clock()
		f.At, f.People, f.Sightings = now, []person.ID{id}, []vault.Sighting{e.Vault.SightingOf("", id)}
		f.Entry = func(looks, receipts []int64) (ledger.Row, error) {
			return ledger.ErasureRow(now, "restore", "job", looks, receipts, e.Vault.Home())
		}
		_, err := e.Store.ForgetPerson(ctx, f)
		if errors.Is(err, ErrUnnumbered) {
			if _, err := e.Ledger.Sequence(ctx); err != nil {
				return said(err)
			}
			_, err = e.Store.ForgetPerson(ctx, f)
		}
		if err != nil {
			return said(err)
		}
		e.letGo(f.People, nil)
	}
	return said(e.clear(ctx))
}

// Resume goes on with every erasure that was cut off, and says how many certificates it issued.
func (e *Eraser) Resume(ctx context.Context) (int, error) {
	n, err := e.resume(ctx)
	return n, said(err)
}

func said(err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, vault.ErrNotFound):
		return fault.Wrap(fault.NotFound, "Nothing is kept about this person: nobody is found by that.", err)
	case errors.Is(err, vault.ErrStale), errors.Is(err, ErrUnnumbered):
		return fault.Wrap(fault.Conflict, "Too much happened with this person at once; try again.", err)
	case errors.Is(err, vault.ErrUnavailable):
		return fault.Wrap(fault.Unavailable, "The database cannot do this just now. What was destroyed stays destroyed, and the rest is gone on with; try again in a moment.", err)
	}
	return err
}

// begin destroys the keys and rows of one person: from its return on nobody can read them.
func (e *Eraser) begin(ctx context.Context, w Erasure) (begun [16]byte, err error) {
	var id [16]byte
	_, _ = rand.Read(id[:])
	for range tries {
		var loaded vault.Loaded
		if loaded, err = e.Store.Load(ctx, w.Person); err != nil {
			return begun, err
		}
		if loaded.Who.Doubted() { // who is perhaps somebody else is not forgotten with them
			if err = e.part(ctx, loaded); err != nil && !errors.Is(err, vault.ErrStale) {
				return begun, err
			}
			continue
		}
		var f Forgetting
		if f, err = e.forgetting(ctx, id, w, loaded); err != nil {
			return begun, err
		}
		var sessions [][32]byte
		sessions, err = e.Store.ForgetPerson(ctx, f)
		switch {
		case err == nil:
			e.letGo(f.People, sessions)
			return id, nil
		case errors.Is(err, ErrUnnumbered):
			if _, err := e.Ledger.Sequence(ctx); err != nil && !errors.Is(err, ledger.ErrMoved) {
				return begun, err
			}
		case !errors.Is(err, vault.ErrStale):
			return begun, err
		}
	}
	return begun, err
}

// part undoes one doubtful link of somebody, with what a split leaves to both sides.
func (e *Eraser) part(ctx context.Context, loaded vault.Loaded) error {
	r, err := e.Vault.Record(loaded, e.Streams, e.Series(), e.Marks)
	if err != nil {
		return err
	}
	for _, j := range loaded.Who.Also {
		if j.Doubtful {
			c, err := r.Split(j.ID, e.Clock(), "erasure")
			if err != nil {
				return err
			}
			return e.Store.Commit(ctx, c)
		}
	}
	return nil
}

// letGo empties what is in memory.
func (e *Eraser) letGo(people []person.ID, sessions [][32]byte) {
	e.Vault.Forget(people...)
	for _, h := range e.Holders {
		h.Forget(people)
	}
	for _, s := range sessions {
		if e.Ended != nil {
			e.Ended(s)
		}
	}
}

// own is what is kept in memory by those who know nothing of this package.
var own = []Holding{
	{Name: "data keys in memory", Keeps: "unwrapped data keys of who was read a moment ago", Forgets: Deleted},
	{Name: "sessions in memory", Keeps: "who comes by a cookie, for some seconds", Forgets: Deleted},
	{Name: "rates", Keeps: "keyed hashes of addresses, tokens and people, for a minute", Forgets: RunsOut},
}

// Holdings is everything that the home's holders declare.
func (e *Eraser) Holdings() []Holding {
	all := slices.Clone(own)
	for _, h := range e.Holders {
		all = append(all, h.Holdings()...)
	}
	return all
}

func (e *Eraser) forgetting(ctx context.Context, id [16]byte, w Erasure, loaded vault.Loaded) (Forgetting, error) {
	now := e.Clock()
	obliged, err := e.obliged(loaded, now)
	if err != nil {
		return Forgetting{}, err
	}
	size, _, err := e.Ledger.Size(ctx)
	if err != nil {
		return Forgetting{}, err
	}
	d := draft{Now: w.Now && !e.Shared, Certificate: Certificate{ID: hex.EncodeToString(id[:]), Asked: when(now), By: w.Actor, Role: w.Role,
		Keys: len(loaded.Who.All()), Entry: Entry{From: size}}}
	f := Forgetting{ID: id, At: now, People: loaded.Who.All(), Seen: []vault.Seen{{Root: loaded.Who.Root, Version: loaded.Version}}}
	f.Claims = w.Claims
	for _, p := range f.People {
		f.Sightings = append(f.Sightings, e.Vault.SightingOf("", p))
	}
	f.Tombstones = func(blinds []vault.Blind) []vault.Tombstone {
		out := make([]vault.Tombstone, len(blinds))
		for i, b := range blinds {
			out[i] = e.Vault.Tombstone(b)
		}
		return out
	}
	f.Retained = func(blinds []vault.Blind) []vault.Retained {
		var out []vault.Retained
		if len(blinds) == 0 {
			blinds = []vault.Blind{{}} // nobody's: then no question finds it, and it stays until its end
		}
		for _, by := range blinds { // the law's question may come by any of them
			for _, o := range obliged {
				out = append(out, e.Vault.Retain(by, o.Purpose, person.At(o.Until), o.body))
			}
		}
		return out
	}
	f.Entry = func(looks, receipts []int64) (ledger.Row, error) {
		return ledger.ErasureRow(now, w.Actor, w.Role, looks, receipts, e.Vault.Home())
	}
	f.Draft = func(gone Gone, stones []vault.Tombstone, _ []vault.Retained, entry ledger.Row) ([]byte, error) {
		d := d
		for _, o := range obliged {
			d.Retained = append(d.Retained, o.Kept)
		}
		d.fill(gone, e.Holdings(), stones, entry)
		return json.Marshal(d)
	}
	return f, nil
}

// obligation is one fact or event that a law obliges to keep.
type obligation struct {
	Kept
	body []byte
}

// Retained is what is sealed of a fact or an event that a law obliges to keep.
type Retained struct {
	What       string         `json:"what"`
	At         time.Time      `json:"at"`
	Value      string         `json:"value,omitempty"`
	Lines      []Line         `json:"lines,omitempty"`
	Properties map[string]any `json:"properties,omitempty"`
}

// obliged takes out of somebody's record what a law obliges to keep, and is not over yet.
func (e *Eraser) obliged(loaded vault.Loaded, now person.Instant) ([]obligation, error) {
	series := e.Series()
	c := series.Current()
	permit, err := tact.ForObligation(c, loaded.Who, now.Add(time.Minute))
	if err != nil || len(permit.Fields()) == 0 {
		return nil, err
	}
	r, err := e.Vault.Record(loaded, e.Streams, series, e.Marks)
	if err != nil {
		return nil, err
	}
	o, err := r.Open(permit, now)
	if err != nil {
		return nil, err
	}
	var out []obligation
	keep := func(k Retained, at person.Instant, purposes []string, retain charter.Span) error {
		until := retain.After(at)
		if until <= now {
			return nil
		}
		k.At = at.Time().UTC()
		body, err := json.Marshal(k)
		out = append(out, obligation{Kept{k.What, tact.Obliged(c, purposes), until.Time().UTC()}, body})
		return err
	}
	for i := range o.Facts {
		f := &o.Facts[i]
		if d := c.Data[f.Name]; d != nil {
			err = errors.Join(err, keep(Retained{What: f.Name, Value: f.Value}, f.At, d.Purposes, d.Retain))
		}
	}
	for i := range o.History {
		h := &o.History[i]
		if ev := c.Events[h.Name]; ev != nil {
			err = errors.Join(err, keep(Retained{What: h.Name, Lines: linesOf(h.Lines), Properties: h.Properties}, h.At, ev.Purposes, ev.Retain))
		}
	}
	return out, err
}

// resume does what is left of every erasure that has begun, and says how many certificates it issued.
func (e *Eraser) resume(ctx context.Context) (n int, err error) {
	e.ending.Lock()
	defer e.ending.Unlock()
	pending, err := e.Store.Unfinished(ctx)
	if err != nil || len(pending) == 0 {
		return 0, err
	}
	if err := e.clear(ctx); err != nil {
		return 0, err
	}
	drafts := make([]draft, len(pending))
	rewrite := false
	for i := range pending {
		if err := json.Unmarshal(pending[i].Draft, &drafts[i]); err != nil {
			return 0, err
		}
		rewrite = rewrite || drafts[i].Now
	}
	if rewrite {
		if err := e.rewrite(ctx); err != nil {
			return 0, err
		}
	}
	if _, err := e.Ledger.Sequence(ctx); err != nil && !errors.Is(err, ledger.ErrMoved) {
		return 0, err
	}
	key, _ := e.Vault.TreeKey()
	signer, err := note.NewSigner(key)
	if err != nil {
		return 0, err
	}
	for i := range pending {
		if err := e.issue(ctx, pending[i].ID, &drafts[i], signer); err != nil {
			return n, err
		}
		n++
	}
	return n, nil
}

func (e *Eraser) issue(ctx context.Context, id [16]byte, d *draft, signer note.Signer) (err error) {
	c := &d.Certificate
	if c.Entry.Number, err = e.number(ctx, c.Entry); err != nil {
		return err
	}
	now := e.Clock()
	c.Home, c.Done = signer.Name(), when(now)
	switch {
	case e.Shared:
		c.Pages = pagesShared
	case d.Now:
		c.Pages = pagesNow
	default:
		c.Pages = pagesSoon
	}
	signed, err := c.sign(signer)
	if err != nil {
		return err
	}
	return e.Store.Issue(ctx, id, now, signed)
}

// clear brings the second half of every erasure to its end.
func (e *Eraser) clear(ctx context.Context) (err error) {
	for range tries {
		err = e.Store.Clear(ctx, func(looks, receipts []int64) (ledger.Row, error) {
			return ledger.ErasureRow(e.Clock(), "erasure", "job", looks, receipts, e.Vault.Home())
		})
		if !errors.Is(err, ErrUnnumbered) {
			return err
		}
		if _, err := e.Ledger.Sequence(ctx); err != nil && !errors.Is(err, ledger.ErrMoved) {
			return err
		}
	}
	return err
}

// rewrite waits for readers that hold on to an old state of the files: they end within seconds.
func (e *Eraser) rewrite(ctx context.Context) (err error) {
	for range 10 {
		if err = e.Store.Rewrite(ctx); !errors.Is(err, vault.ErrUnavailable) {
			return err
		}
		select {
		case <-time.After(time.Second):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return err
}

// number finds the place of an erasure's row in the ledger.
func (e *Eraser) number(ctx context.Context, entry Entry) (int64, error) {
	for from := entry.From + 1; ; {
		rows, err := e.Entries.Rows(ctx, from, 1000)
		if err != nil || len(rows) == 0 {
			return 0, errors.Join(err, ErrUnnumbered)
		}
		for i := range rows {
			if rows[i].Kind == ledger.KindErasure && hex.EncodeToString(rows[i].Leaf[:]) == entry.Leaf {
				return rows[i].Number, nil
			}
			from = rows[i].Number + 1
		}
	}
}
