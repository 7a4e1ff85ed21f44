package decide

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/rapporthq/rapport/fault"
	"github.com/rapporthq/rapport/person"
	"github.com/rapporthq/rapport/trust/consent"
	"github.com/rapporthq/rapport/trust/ledger"
	"github.com/rapporthq/rapport/trust/tact"
	"github.com/rapporthq/rapport/trust/vault"
)

// answerable is how long after a decision its feedback token lets a browser answer it.
const answerable = 90 * 24 * time.Hour

// tries is how often an act is judged again when somebody else changed the person meanwhile.
const tries = 5

// The refusals of answers.
var (
	errNoDecision = fault.New(fault.NotFound, "No decision is kept under that name: use the one that the decision came with.")
	errNoItem     = fault.New(fault.NotFound, "That item was not in this decision: name one that was.")
	errNoSource   = fault.New(fault.NotFound, "That reason was not one of the item's: name one that was, or none.")
	errKind       = fault.New(fault.Invalid, "The kind of feedback is one of useful, not-for-me, too-personal and how-do-you-know.")
	errTooMany    = fault.New(fault.Invalid, "Name at least one item that was shown, and at most 100.")
	errNobody     = fault.New(fault.NotFound, "Nobody is known by that identifier: check it, or send the person's events first.")
	errComplaint  = fault.New(fault.Invalid, "Name the complaint in complaint with up to 100 letters and digits, and its state: open or closed.")
	errClosed     = fault.New(fault.NotFound, "No complaint of this person is open under that name.")
	errTry        = fault.New(fault.Refused, "Only the privacy team may try a real person's decision.")
	errToken      = fault.New(fault.Unauthorised, "This feedback token is not for that decision, or has run out: ask for a new decision.")
)

// CheckToken refuses a feedback token that is not this decision's.
func (d *Decider) CheckToken(decision, token string) error {
	if d.stub.Check(decision, token, d.clock()) != nil {
		return errToken
	}
	return nil
}

// account is one stored decision, opened, with the person's record as it is now.
type account struct {
	receipt Receipt
	row     vault.Row
	record  *vault.Record
	house   *House
}

// account opens a receipt. self is the person's own leave to have their act verified against it; else look is who reads and
// why, in the ledger before anything is opened. Errors are faults.
func (d *Decider) account(ctx context.Context, id ID, look *ledger.Look) (*account, error) {
	keys := d.names.keys(id)
	row, ok := d.recent.get(keys)
	var l vault.Loaded
	var err error
	if ok && look == nil {
		l, err = d.store.Rows(ctx, row.Of)
	} else if !ok {
		row, l, err = d.kept(ctx, keys)
	}
	if err != nil {
		return nil, asFault(err)
	}
	if look != nil {
		if l, _, err = d.looked(ctx, Ref{Pseudonym: row.Of}, d.clock(), *look); err != nil {
			return nil, asFault(err)
		}
	}
	record, house, err := d.record(ctx, l)
	if err != nil {
		return nil, asFault(err)
	}
	now := d.clock()
	permit := tact.ForSelf(record.Who, house.Charter.Position, now.Add(time.Minute))
	if look != nil {
		permit, err = tact.ForExplain(house.Charter, look.Actor, look.Role, look.Team, look.Purpose, record.Who, now.Add(time.Minute))
		if err != nil {
			return nil, fault.Wrap(fault.Refused, "Name one of the charter's purposes for reading this decision.", err)
		}
	}
	body, err := record.Receipt(permit, now, row)
	if err != nil {
		return nil, asFault(err)
	}
	r, err := ParseReceipt(id, body)
	if err != nil {
		return nil, fault.Wrap(fault.Internal, "This decision can no longer be read.", err)
	}
	return &account{receipt: r, row: row, record: record, house: house}, nil
}

// keptWithin is how long a receipt is looked for that another process may not have written yet: the store has it on disk within
// 100 ms, longer when the disk is slow. Only who may answer decisions waits.
const keptWithin = 2 * time.Second

// kept reads a receipt from the store; where others share it, one that is not there yet is waited for.
func (d *Decider) kept(ctx context.Context, keys []vault.Key) (vault.Row, vault.Loaded, error) {
	find := func() (row vault.Row, l vault.Loaded, err error) {
		for _, key := range keys {
			if row, l, err = d.store.Receipt(ctx, key); !errors.Is(err, vault.ErrNotFound) {
				break
			}
		}
		return row, l, err
	}
	row, l, err := find()
	if !d.shared || !errors.Is(err, vault.ErrNotFound) {
		return row, l, err
	}
	again := time.NewTicker(25 * time.Millisecond)
	defer again.Stop()
	for late := time.After(keptWithin); errors.Is(err, vault.ErrNotFound); {
		select {
		case <-ctx.Done():
			return row, l, ctx.Err()
		case <-late:
			return row, l, err
		case <-again.C:
			row, l, err = find()
		}
	}
	return row, l, err
}

// looked is load with the look in the transaction of the read: the look is sealed by the key of who was found, and who is given out was read with it.
func (d *Decider) looked(ctx context.Context, ref Ref, now person.Instant, look ledger.Look) (l vault.Loaded, device person.ID, err error) {
	if l, device, err = d.load(ctx, ref, now); err != nil {
		return l, device, err
	}
	row, err := d.lookRow(l, look)
	if err != nil {
		return vault.Loaded{}, device, err
	}
	l, err = d.store.Load(ctx, l.Who.Asked(), row)
	return l, device, err
}

func (d *Decider) lookRow(l vault.Loaded, look ledger.Look) (ledger.Row, error) {
	ring, err := d.vault.Key(l.Who.Root, l.Wrapped[l.Who.Root])
	if err != nil {
		return ledger.Row{}, err
	}
	look.Of, look.At = l.Who.Root, d.clock()
	return ledger.Seal(look, ring)
}

// asFault is a store's or vault's error as people may read it.
func asFault(err error) error {
	switch {
	case err == nil:
		return nil
	case errors.As(err, new(*fault.Error)):
		return err
	case errors.Is(err, vault.ErrNotFound):
		return errNoDecision
	case errors.Is(err, vault.ErrStale):
		return fault.Wrap(fault.Conflict, "Somebody else changed this at the same time: try again.", err)
	case errors.Is(err, vault.ErrUnavailable), errors.Is(err, context.DeadlineExceeded), errors.Is(err, context.Canceled):
		return fault.Wrap(fault.Unavailable, "The store cannot be reached or is full: try again soon.", err)
	}
	return fault.Wrap(fault.Internal, "Something went wrong on our side; nothing was changed. Try again, and tell us if it stays.", err)
}

// Answer is what a person says of one item of one decision.
type Answer struct {
	Decision ID
	Item     string
	Kind     person.FeedbackKind
	Source   string    // the one reason that is meant, as the decision named it; empty: all that it named
	By       person.ID // the person themselves, in their own session; or
	As       Principal // who answers for them; the zero Principal may answer nothing
}

// Feedback records an answer; it is in force for the very next decision. Remembered is false when the decision was about
// nobody known, so that there is nobody to remember it for. Who may answer: the decision's person, and who may ask for its
// placement; for others it is not there. Errors are faults.
func (d *Decider) Feedback(ctx context.Context, a Answer) (remembered bool, err error) {
	if !a.Kind.Valid() {
		return false, errKind
	}
	if d.names.isUnkept(a.Decision) {
		return false, nil
	}
	p := a.As
	if !a.By.IsZero() {
		p = Principal{Self: true, Person: a.By}
	}
	return true, d.act(ctx, a.Decision, p, func(k *account, now person.Instant) ([]vault.Row, error) {
		c := k.receipt.has(a.Item)
		if c == nil {
			return nil, errNoItem
		}
		f := person.Feedback{Of: k.row.Of, Kind: a.Kind, Decision: a.Decision.String(), Placement: k.receipt.Placement, Item: a.Item, At: now}
		known := a.Source == ""
		for _, p := range c.Parts {
			if a.Source != "" && p.Source() != a.Source {
				continue
			}
			known = true
			if m := p.mutes(); m != "" && p.Weight > 0 && !slices.Contains(f.Sources, m) {
				f.Sources = append(f.Sources, m)
			}
		}
		if !known {
			return nil, errNoSource
		}
		return []vault.Row{k.record.Ring(k.row.Of).SealFeedback(f)}, nil
	})
}

// Shown records what was really shown of a decision: caps and "not again" count it. It is remembered only where the person's
// standing allows the placement's purpose, then and now; for others the caller's session is all there is. p is as for Feedback.
// Errors are faults.
func (d *Decider) Shown(ctx context.Context, id ID, items []string, p Principal) (remembered bool, err error) {
	if len(items) == 0 || len(items) > MostItems {
		return false, errTooMany
	}
	if d.names.isUnkept(id) {
		return false, nil
	}
	err = d.act(ctx, id, p, func(k *account, now person.Instant) ([]vault.Row, error) {
		for _, it := range items {
			if k.receipt.has(it) == nil {
				return nil, errNoItem
			}
		}
		remembered = k.receipt.Remembered && k.allowed(now)
		if !remembered {
			return nil, nil
		}
		s := person.Shown{Of: k.row.Of, Decision: id.String(), Placement: k.receipt.Placement, At: now}
		for _, before := range k.record.Shown {
			if before.Decision == s.Decision {
				s.Items = append(s.Items, before.Items...)
			}
		}
		n := len(s.Items)
		s.Items = append(s.Items, items...)
		slices.Sort(s.Items)
		s.Items = slices.Compact(s.Items)
		if len(s.Items) == n {
			return nil, nil // the same again
		}
		return []vault.Row{k.record.Ring(k.row.Of).SealShown(s)}, nil
	})
	return remembered && err == nil, err
}

// allowed says whether the placement's purpose is allowed now.
func (k *account) allowed(now person.Instant) bool {
	p := k.house.Charter.Placements[k.receipt.Placement]
	if p == nil || k.record.Restricted {
		return false
	}
	m := person.Moment{Placement: p.Name, At: now, Now: now}
	return consent.Of(k.house.Charter, p.Purpose, k.record.Who, k.record.Choices, m, now).Allowed
}

// act does what rows says, judged by the person as they are, and again when somebody changed them meanwhile.
func (d *Decider) act(ctx context.Context, id ID, p Principal, rows func(*account, person.Instant) ([]vault.Row, error)) error {
	for range tries {
		k, err := d.account(ctx, id, nil)
		if err != nil {
			return err
		}
		if !p.answers(k) {
			return errNoDecision // somebody else's: as if it were not there
		}
		if k.record.Ring(k.row.Of) == nil {
			return errNoDecision
		}
		put, err := rows(k, d.clock())
		if err != nil || len(put) == 0 {
			return err
		}
		err = d.store.Commit(ctx, vault.Change{Seen: []vault.Seen{{Root: k.record.Who.Root, Version: k.record.Version}}, Put: put})
		if !errors.Is(err, vault.ErrStale) {
			return asFault(err)
		}
	}
	return asFault(vault.ErrStale)
}

// Complain opens a complaint of a person, or closes it. Without a name a new one is drawn and given back. While it is open it
// strains the relationship. Errors are faults.
func (d *Decider) Complain(ctx context.Context, who Ref, name string, open bool) (string, error) {
	if name == "" && open {
		name = strings.TrimPrefix(NewID().String(), "dec_")
	}
	if !complaintName(name) {
		return "", errComplaint
	}
	for range tries {
		now := d.clock()
		l, _, err := d.load(ctx, who, now)
		if errors.Is(err, vault.ErrNotFound) {
			return "", errNobody
		}
		if err != nil {
			return "", asFault(err)
		}
		record, _, err := d.record(ctx, l)
		if err != nil {
			return "", asFault(err)
		}
		c := person.Complaint{Of: record.Who.Asked(), ID: name, Opened: now}
		for _, before := range record.Complaints {
			if before.ID == name {
				c = before
			}
		}
		switch {
		case open && c.Closed == 0 && c.Opened != now:
			return name, nil // open already
		case open:
			c.Opened, c.Closed = now, 0
		case c.Opened == now || c.Closed != 0:
			return "", errClosed
		default:
			c.Closed = now
		}
		ring := record.Ring(c.Of)
		if ring == nil {
			return "", errNobody
		}
		err = d.store.Commit(ctx, vault.Change{
			Seen: []vault.Seen{{Root: record.Who.Root, Version: record.Version}}, Put: []vault.Row{ring.SealComplaint(c)},
		})
		if !errors.Is(err, vault.ErrStale) {
			return name, asFault(err)
		}
	}
	return "", asFault(vault.ErrStale)
}

func complaintName(s string) bool {
	if s == "" || len(s) > 100 {
		return false
	}
	return strings.IndexFunc(s, func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && r != '-' && r != '_' && r != '.' && r != ':'
	}) < 0
}

// Own is one of the person's own decisions, for their signed session: who is a pseudonym of theirs. Errors are faults.
func (d *Decider) Own(ctx context.Context, who person.ID, id ID, language string) (Decision, error) {
	k, err := d.account(ctx, id, nil)
	if err != nil {
		return Decision{}, err
	}
	if !k.record.Who.Surely(who) {
		return Decision{}, errNoDecision
	}
	return Read(&k.receipt, k.house, Reader{Language: language, Holds: true, Private: true, Times: true}), nil
}

// Owned lists the person's decisions, newest first, for their signed session: at most most of them, after the first from, and
// whether there are more. Ones that can no longer be read are left out. Errors are faults.
func (d *Decider) Owned(ctx context.Context, who person.ID, from, most int, language string) (list []Decision, more bool, err error) {
	l, err := d.store.Load(ctx, who)
	if err != nil {
		return nil, false, asFault(err)
	}
	record, house, err := d.record(ctx, l)
	if err != nil {
		return nil, false, asFault(err)
	}
	rows, err := d.store.Receipts(ctx, who, from, most+1)
	if err != nil {
		return nil, false, asFault(err)
	}
	if more = len(rows) > most; more {
		rows = rows[:most]
	}
	now := d.clock()
	permit := tact.ForSelf(record.Who, house.Charter.Position, now.Add(time.Minute))
	for _, row := range rows {
		body, err := record.Receipt(permit, now, row)
		if err != nil {
			continue
		}
		r, err := ParseReceipt(d.names.of(&row), body)
		if err != nil {
			continue
		}
		list = append(list, Read(&r, house, Reader{Language: language, Holds: true, Private: true, Times: true}))
	}
	return list, more, nil
}

// Account is one decision for somebody else than its person: the look is in the ledger before anything is opened; its Of, At,
// Fields and Count are filled in here. Errors are faults.
func (d *Decider) Account(ctx context.Context, id ID, look ledger.Look, p Principal, language string) (Decision, error) {
	if d.names.isUnkept(id) {
		return Decision{}, errNoDecision
	}
	look.Fields, look.Count = []string{"receipt"}, 1
	k, err := d.account(ctx, id, &look)
	if err != nil {
		return Decision{}, err
	}
	if !p.Privacy && !p.answers(k) {
		return Decision{}, errNoDecision
	}
	as := p.Reader(language)
	as.Times = true
	return Read(&k.receipt, k.house, as), nil
}

// Try decides about a real person for the privacy team: nothing is remembered of it, and the look is in the ledger before
// anything is opened; a look that cannot be recorded is an error. Somebody who is not known is decided for as a stranger, and
// nobody was looked at then.
func (d *Decider) Try(ctx context.Context, req Request, p Principal, look ledger.Look) ([]Decision, error) {
	now := d.clock()
	h := d.live.House()
	if h == nil {
		return nil, errNoHouse
	}
	if !p.Privacy {
		return nil, errTry
	}
	at, err := checked(h, req, p, now)
	if err != nil {
		return nil, err
	}
	look.Fields, look.Count = []string{"decision"}, 1
	l, device, err := d.looked(ctx, req.Person, now, look)
	var record *vault.Record
	switch {
	case errors.Is(err, vault.ErrNotFound):
	case err != nil:
		return nil, asFault(err)
	default:
		if record, h, err = d.record(ctx, l); err != nil {
			return nil, asFault(err)
		}
	}
	results := d.all(h, Of(record), Ask{
		Moment: person.Moment{
			At: at, Now: now, Region: req.Context.Region, Weather: req.Context.Weather, Language: req.Context.Language, GPC: req.GPC, Device: device,
		},
		Limit: req.Limit, Already: req.Already, Ceiling: person.Individual,
	}, req.Placements)
	out := make([]Decision, len(results))
	for i := range results {
		results[i].Receipt.ID = d.names.unkept()
		as := p.Reader(req.Context.Language)
		as.Values = results[i].Values
		out[i] = Read(&results[i].Receipt, h, as)
	}
	return out, nil
}
