package vault

import (
	"slices"
	"unsafe"

	"github.com/rapporthq/rapport/person"
	"github.com/rapporthq/rapport/trust/consent"
	"github.com/rapporthq/rapport/trust/ledger"
	"github.com/rapporthq/rapport/trust/tact"
)

// Opened is what a permit allowed, opened.
type Opened struct {
	Facts      []person.Fact  // permitted facts, in the order of Record.Facts
	History    []person.Event // permitted events, in the order of Record.History; lines of sensitive items are left out unless permitted
	Superseded []person.Fact  // for the person themselves only
	Unreadable []string       // names of permitted facts and events whose value could not be opened, each once
}

// Claimed is an identifier that a browser claimed, opened.
type Claimed struct {
	Claim
	Value string
}

// Open opens what the permit allows. It gives tact.ErrNoPermit for the zero permit, one that has run out or is somebody
// else's. A value that cannot be opened is no error: its name is in Unreadable, and callers doubt it.
func (r *Record) Open(p tact.Permit, now person.Instant) (*Opened, error) {
	o, err := r.openFor(p, now, true)
	if err != nil {
		return nil, err
	}
	if p.Kind() == tact.Self {
		o.Superseded = r.openFacts(o, r.Superseded, r.lostRows, p.Fact)
	}
	return o, nil
}

// OpenLines is Open without the events' properties, which a ranking does not read: it costs about half.
func (r *Record) OpenLines(p tact.Permit, now person.Instant) (*Opened, error) {
	return r.openFor(p, now, false)
}

func (r *Record) openFor(p tact.Permit, now person.Instant, properties bool) (*Opened, error) {
	if err := p.Check(r.Who.Root, now); err != nil {
		return nil, err
	}
	o := &Opened{}
	o.Facts = r.openFacts(o, r.Facts, r.factRows, p.Fact)
	r.openHistory(o, p, properties)
	return o, nil
}

func (o *Opened) miss(name string) {
	for _, n := range o.Unreadable {
		if n == name {
			return
		}
	}
	o.Unreadable = append(o.Unreadable, name)
}

func (r *Record) openFacts(o *Opened, heads []person.Head, rows []*Row, may func(int, string) bool) []person.Fact {
	var facts []person.Fact
	s := scratches.Get().(*scratch)
	defer s.free()
	for i := range heads {
		if !may(i, heads[i].Name) || r.isFar(heads[i].Of) {
			continue
		}
		value, err := r.body(s, rows[i])
		if err != nil || heads[i].Quality == 0 && r.headless(s, rows[i]) {
			o.miss(heads[i].Name)
			continue
		}
		facts = append(facts, person.Fact{Head: heads[i], Value: value})
	}
	return facts
}

func (r *Record) isFar(id person.ID) bool { return len(r.far) > 0 && slices.Contains(r.far, id) }

// headless says whether the row's head cannot be opened: its value may then not be used even when it can be.
func (r *Record) headless(s *scratch, row *Row) bool {
	_, err := r.head(s, row)
	return err != nil
}

// body opens a short value.
func (r *Record) body(s *scratch, row *Row) (string, error) {
	k := r.rings[row.Of]
	if k == nil {
		return "", ErrUnreadable
	}
	s.aad = bindRow(s.aad[:0], row.Of, partBody, row.Kind, row.Key, row.At)
	out, err := k.open(s.body[:0], row.Body, s.aad)
	s.body = out
	if err != nil || len(out) == 0 || out[0] != headVersion {
		return "", ErrUnreadable
	}
	return string(out[1:]), nil
}

// openHistory opens the permitted events: all bodies into one piece of memory, of which names and items are parts.
func (r *Record) openHistory(o *Opened, p tact.Permit, withProperties bool) {
	size, count := 0, 0
	for i := range r.frames {
		if p.Event(i, r.History[i].Name) && !r.isFar(r.frames[i].Of) {
			size += len(r.frames[i].Body)
			count++
		}
	}
	if count == 0 {
		return
	}
	type piece struct{ frame, from, to int }
	plain, pieces := make([]byte, 0, size), make([]piece, 0, count)
	s := scratches.Get().(*scratch)
	defer s.free()
	for i := range r.frames {
		f := &r.frames[i]
		if !p.Event(i, r.History[i].Name) || r.isFar(f.Of) {
			continue
		}
		k := r.rings[f.Of]
		if k == nil {
			o.miss(r.History[i].Name)
			continue
		}
		from := len(plain)
		s.aad = bindFrame(s.aad[:0], f)
		out, err := k.open(plain, f.Body, s.aad)
		if err != nil {
			o.miss(r.History[i].Name)
			continue
		}
		plain = out
		pieces = append(pieces, piece{i, from, len(plain)})
	}
	text := unsafe.String(unsafe.SliceData(plain), len(plain)) // nothing writes there from here on, so it need not be copied
	o.History = make([]person.Event, 0, len(pieces))
	slab := make([]person.Line, 0, len(text)/10) // a line takes some ten bytes
	for _, c := range pieces {
		from := len(slab)
		var properties map[string]any
		var err error
		slab, properties, err = parseBody(text[c.from:c.to], slab, withProperties)
		if err != nil {
			o.miss(r.History[c.frame].Name)
			continue
		}
		lines := slab[from:len(slab):len(slab)]
		o.History = append(o.History, person.Event{
			Head: r.History[c.frame], ID: r.frames[c.frame].ID, Lines: r.allowed(lines, p), Properties: properties,
		})
	}
}

// allowed leaves out the lines about items that a sensitive rule marks, unless each such rule is permitted.
func (r *Record) allowed(lines []person.Line, p tact.Permit) []person.Line {
	kept := lines[:0]
	for _, l := range lines {
		if r.mayShow(l.Item, p) {
			kept = append(kept, l)
		}
	}
	if len(kept) == 0 {
		return nil
	}
	return kept
}

func (r *Record) mayShow(item string, p tact.Permit) bool {
	if r.marks == nil {
		return p.Kind() == tact.Self // nobody can say which items are sensitive
	}
	for _, rule := range r.marks(item) {
		if !p.Sensitive(rule) {
			return false
		}
	}
	return true
}

// privy says whether the permit is the person's own or the privacy team's: evidence, claims and reasons are for no one else.
func privy(p tact.Permit) bool {
	return p.Kind() == tact.Self || (p.Kind() == tact.Staff && p.Role() == "privacy")
}

// Evidence opens the evidence of the i-th of the record's choices, for the person or the privacy team. ErrUnreadable when it cannot be opened.
func (r *Record) Evidence(p tact.Permit, now person.Instant, i int) (consent.Evidence, error) {
	if err := p.Check(r.Who.Root, now); err != nil {
		return consent.Evidence{}, err
	}
	if !privy(p) {
		return consent.Evidence{}, tact.ErrNoPermit
	}
	if i < 0 || i >= len(r.choiceRows) {
		return consent.Evidence{}, ErrNotFound
	}
	s := scratches.Get().(*scratch)
	defer s.free()
	row := r.choiceRows[i]
	k := r.rings[row.Of]
	if k == nil {
		return consent.Evidence{}, ErrUnreadable
	}
	s.aad = bindRow(s.aad[:0], row.Of, partBody, row.Kind, row.Key, row.At)
	out, err := k.open(s.body[:0], row.Body, s.aad)
	s.body = out
	if err != nil {
		return consent.Evidence{}, err
	}
	e, err := readEvidence(string(out))
	if err != nil {
		return consent.Evidence{}, ErrUnreadable
	}
	return e, nil
}

// Claimed opens the identifiers that browsers claimed for the person's devices, for the person or the privacy team.
// Those that cannot be opened are left out.
func (r *Record) Claimed(p tact.Permit, now person.Instant) ([]Claimed, error) {
	if err := p.Check(r.Who.Root, now); err != nil {
		return nil, err
	}
	if !privy(p) {
		return nil, tact.ErrNoPermit
	}
	s := scratches.Get().(*scratch)
	defer s.free()
	var list []Claimed
	for i, c := range r.Claims {
		if value, err := r.body(s, r.claimRows[i]); err == nil {
			list = append(list, Claimed{Claim: c, Value: value})
		}
	}
	return list, nil
}

// Receipt opens the body of one of the person's receipts: for the person and for staff (a look).
// ErrUnreadable when it is somebody else's or cannot be opened.
func (r *Record) Receipt(p tact.Permit, now person.Instant, row Row) ([]byte, error) {
	if err := p.Check(r.Who.Root, now); err != nil {
		return nil, err
	}
	if p.Kind() != tact.Self && p.Kind() != tact.Staff {
		return nil, tact.ErrNoPermit
	}
	k := r.rings[row.Of]
	if k == nil || row.Kind != ReceiptRow || r.isFar(row.Of) {
		return nil, ErrUnreadable
	}
	return k.open(nil, row.Body, bindRow(nil, row.Of, partBody, row.Kind, row.Key, row.At))
}

// Reason opens the reason of a look at this person, for the person or the privacy team.
func (r *Record) Reason(p tact.Permit, now person.Instant, look ledger.Row) (string, error) {
	if err := p.Check(r.Who.Root, now); err != nil {
		return "", err
	}
	if !privy(p) {
		return "", tact.ErrNoPermit
	}
	k := r.rings[look.Of]
	if k == nil {
		return "", ErrUnreadable
	}
	return k.reason(look)
}

// PopulationReason opens the reason of a look at a population, for the privacy team or a person whom it covers:
// of is the person of the permit.
func (v *Vault) PopulationReason(p tact.Permit, of person.ID, now person.Instant, look ledger.Row) (string, error) {
	if err := p.Check(of, now); err != nil {
		return "", err
	}
	if !privy(p) || !look.Of.IsZero() {
		return "", tact.ErrNoPermit
	}
	return v.home.reason(look)
}

func (k *KeyRing) reason(look ledger.Row) (string, error) {
	out, err := k.open(nil, look.Reason, bindRow(nil, k.id, partReason, 0, Key{}, look.At))
	return string(out), err
}
