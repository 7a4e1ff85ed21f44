package vault

import "github.com/rapporthq/rapport/person"

// FactRows names every row that keeps a fact of this name, the one that holds and those it outweighs: what must go when the
// person removes the fact. Rows whose head could not be opened are found by their key.
func (r *Record) FactRows(name string) []RowID {
	half := r.v.NameHalf(FactRow, name)
	var ids []RowID
	for _, rows := range [][]*Row{r.factRows, r.lostRows} {
		for _, row := range rows {
			if [8]byte(row.Key[:8]) == half {
				ids = append(ids, RowID{row.Of, FactRow, row.Key})
			}
		}
	}
	return ids
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
