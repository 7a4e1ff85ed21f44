package vault

import (
	"github.com/rapporthq/rapport/charter"
	"github.com/rapporthq/rapport/person"
	"github.com/rapporthq/rapport/trust/consent"
)

// readRows opens the heads of all rows and gives, by name, when something was last shown to the person.
func (r *Record) readRows(rows []Row, c *charter.Charter) map[string]person.Instant {
	var told map[string]person.Instant
	s := scratches.Get().(*scratch)
	defer s.free()
	restricted := make(map[person.ID]bool, 1)
	for i := range rows {
		row := &rows[i]
		head, err := r.head(s, row)
		if err == nil {
			err = r.readRow(row, head, &told, restricted)
		}
		if err != nil {
			r.Unreadable++
			r.doubt(row, c, restricted)
		}
	}
	for _, on := range restricted {
		r.Restricted = r.Restricted || on
	}
	return told
}

// head opens the head of a row into a text of its own.
func (r *Record) head(s *scratch, row *Row) (string, error) {
	if row.Kind == ReceiptRow {
		return "", nil
	}
	k := r.rings[row.Of]
	if k == nil {
		return "", ErrUnreadable
	}
	s.aad = bindRow(s.aad[:0], row.Of, partHead, row.Kind, row.Key, row.At)
	out, err := k.open(s.head[:0], row.Head, s.aad)
	s.head = out
	if err != nil {
		return "", err
	}
	return string(out), nil
}

func (r *Record) readRow(row *Row, head string, told *map[string]person.Instant, restricted map[person.ID]bool) error {
	switch row.Kind {
	case FactRow:
		var h person.Head
		var m mark
		if err := readFact(head, row.Of, row.At, &h, &m); err != nil {
			return err
		}
		r.Facts, r.factRows, r.marked = append(r.Facts, h), append(r.factRows, row), append(r.marked, m)
	case ChoiceRow:
		c, err := readChoice(head, row.Of, row.At)
		if err != nil {
			return err
		}
		r.Choices, r.choiceRows = append(r.Choices, c), append(r.choiceRows, row)
	case FeedbackRow:
		f, err := readFeedback(head, row.Of, row.At)
		if err != nil {
			return err
		}
		r.Feedback = append(r.Feedback, f)
	case ComplaintRow:
		c, err := readComplaint(head, row.Of)
		if err != nil {
			return err
		}
		r.Complaints = append(r.Complaints, c)
	case RestrictRow:
		on, _, err := readNames(head)
		if err != nil {
			return err
		}
		restricted[row.Of] = restricted[row.Of] || on
		r.RestrictAt = max(r.RestrictAt, row.At)
	case ShownRow:
		s, err := readShown(head, row.Of, row.At)
		if err != nil {
			return err
		}
		r.Shown = append(r.Shown, s)
	case ToldRow:
		if r.isFar(row.Of) {
			return nil // another may have been told
		}
		on, names, err := readNames(head)
		if err != nil {
			return err
		}
		if *told == nil {
			*told = make(map[string]person.Instant, len(names))
		}
		for _, n := range names {
			if on && row.At > (*told)[n] {
				(*told)[n] = row.At
			}
		}
	case SuppressedRow:
		r.suppress(row)
		_, names, err := readNames(head)
		if err != nil {
			return err
		}
		for _, n := range names {
			if n != Everything {
				r.Removed = append(r.Removed, n)
			}
		}
	case ClaimRow:
		kind, blind, err := readClaim(head)
		if err != nil {
			return err
		}
		r.Claims, r.claimRows = append(r.Claims, Claim{Of: row.Of, Kind: kind, Blind: blind, At: row.At}), append(r.claimRows, row)
	case VerdictRow:
		v, err := readVerdict(head, row.At)
		if err != nil {
			return err
		}
		r.verdicts, r.verdictRows = append(r.verdicts, v), append(r.verdictRows, row)
	case ReceiptRow: // not loaded for decisions, and nothing to judge by
	default:
		return errCodec
	}
	return nil
}

func (r *Record) suppress(row *Row) {
	if r.suppressed == nil {
		r.suppressed = make(map[[8]byte]bool, 4)
	}
	r.suppressed[[8]byte(row.Key[:8])] = true
}

// doubt takes a row that cannot be read for what protects the person most. Its name is known only if the charter has it.
func (r *Record) doubt(row *Row, c *charter.Charter, restricted map[person.ID]bool) {
	switch row.Kind {
	case FactRow:
		if name, ok := r.v.namesOf(c).facts[[8]byte(row.Key[:8])]; ok {
			h := person.Head{Of: row.Of, Name: name, Learnt: unreadable, At: row.At, Received: row.At, Unreadable: true}
			r.Facts, r.factRows, r.marked = append(r.Facts, h), append(r.factRows, row), append(r.marked, mark{})
			return
		}
		// A name that cannot be told could be any protective one.
		if c != nil {
			for _, n := range c.Order.Data {
				if d := c.Data[n]; d != nil && d.Protective {
					h := person.Head{Of: row.Of, Name: n, Learnt: unreadable, At: row.At, Received: row.At, Unreadable: true}
					r.Facts, r.factRows, r.marked = append(r.Facts, h), append(r.factRows, row), append(r.marked, mark{})
				}
			}
		}
	case ChoiceRow:
		if purpose, ok := r.v.namesOf(c).purposes[[8]byte(row.Key[:8])]; ok {
			r.no(row, purpose)
			return
		}
		if c != nil {
			for purpose := range c.Purposes {
				r.no(row, purpose)
			}
		}
	case FeedbackRow:
		f := person.Feedback{Of: row.Of, Kind: person.TooPersonal, At: row.At}
		f.Placement = r.v.namesOf(c).feedback[[8]byte(row.Key[:8])]
		r.Feedback = append(r.Feedback, f)
	case ComplaintRow:
		r.Complaints = append(r.Complaints, person.Complaint{Of: row.Of, Opened: row.At})
	case RestrictRow:
		restricted[row.Of] = true
	case ShownRow:
		r.Shown = append(r.Shown, person.Shown{Of: row.Of, Placement: r.v.namesOf(c).shown[[8]byte(row.Key[:8])], At: row.At})
	case SuppressedRow:
		r.suppress(row)
	case VerdictRow:
		r.verdicts = append(r.verdicts, verdict{name: r.v.namesOf(c).verdicts[[8]byte(row.Key[:8])], all: true, doubt: person.Disputed, at: row.At})
		r.verdictRows = append(r.verdictRows, row)
	}
}

func (r *Record) no(row *Row, purpose string) {
	r.Choices = append(r.Choices, consent.Choice{Of: row.Of, Purpose: purpose, Answer: consent.No, At: row.At, Received: row.At, Verified: true})
	r.choiceRows = append(r.choiceRows, row)
}

// nameTable tells what first halves of row keys mean under one charter.
type nameTable struct {
	facts, purposes, feedback, shown, verdicts map[[8]byte]string
}

var noNames nameTable

func (v *Vault) namesOf(c *charter.Charter) *nameTable {
	if c == nil {
		return &noNames
	}
	if t, ok := v.fields.Load(c); ok {
		return t.(*nameTable)
	}
	t := &nameTable{facts: map[[8]byte]string{}, purposes: map[[8]byte]string{}, feedback: map[[8]byte]string{}, shown: map[[8]byte]string{}, verdicts: map[[8]byte]string{}}
	for n := range c.Data {
		t.verdicts[v.NameHalf(VerdictRow, n)] = n
		t.facts[v.NameHalf(FactRow, n)] = n
	}
	for n := range c.Purposes {
		t.purposes[v.NameHalf(ChoiceRow, n)] = n
	}
	for n := range c.Placements {
		t.feedback[v.NameHalf(FeedbackRow, n)] = n
		t.shown[v.NameHalf(ShownRow, n)] = n
	}
	v.fields.Store(c, t)
	return t
}
