package vault

import (
	"slices"

	"github.com/rapporthq/rapport/person"
)

// FactRows names every row that keeps a fact of this name, from each source and pseudonym, superseded ones too, and what was said of its
// values: what must go when the person removes the fact. Rows whose head could not be opened are found by their key.
func (r *Record) FactRows(name string) []RowID {
	var ids []RowID
	for _, kept := range []struct {
		kind Kind
		rows []*Row
	}{{FactRow, r.factRows}, {FactRow, r.lostRows}, {VerdictRow, r.verdictRows}} {
		half := r.v.NameHalf(kept.kind, name)
		for _, row := range kept.rows {
			if [8]byte(row.Key[:8]) == half {
				ids = append(ids, RowID{row.Of, kept.kind, row.Key})
			}
		}
	}
	return ids
}

// InferredFrom names every row that keeps a fact which was inferred from the fact of this name: what must go when it does.
func (r *Record) InferredFrom(name string) []RowID {
	var ids []RowID
	for i := range r.Facts {
		if slices.Contains(r.Facts[i].Inputs, name) {
			ids = append(ids, r.FactRow(i))
		}
	}
	for i := range r.Superseded {
		if slices.Contains(r.Superseded[i].Inputs, name) {
			ids = append(ids, RowID{r.lostRows[i].Of, FactRow, r.lostRows[i].Key})
		}
	}
	return ids
}

// FactRow names the row of the i-th of Facts.
func (r *Record) FactRow(i int) RowID {
	return RowID{r.factRows[i].Of, FactRow, r.factRows[i].Key}
}

// Places gives, for each of the facts that were opened of this record, its place in Facts: what could not be opened is not among them,
// and several have one name.
func (r *Record) Places(o *Opened) []int {
	places := make([]int, 0, len(o.Facts))
	for i := range r.Facts {
		if k := len(places); k < len(o.Facts) {
			f, h := &o.Facts[k].Head, &r.Facts[i]
			if f.Name == h.Name && f.Source == h.Source && f.Of == h.Of && f.Learnt == h.Learnt {
				places = append(places, i)
			}
		}
	}
	return places
}

// Frame gives the frame of an event without its body, to seal another body in its place.
func (r *Record) Frame(id person.EventID) (Frame, bool) {
	for i := range r.frames {
		if r.frames[i].ID == id {
			f := r.frames[i]
			f.Body = nil
			return f, true
		}
	}
	return Frame{}, false
}
