package vault

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
