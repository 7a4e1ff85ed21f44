package prove

import (
	"slices"

	"github.com/rapporthq/rapport/person"
	"github.com/rapporthq/rapport/reach/decide"
	"github.com/rapporthq/rapport/trust/tact"
	"github.com/rapporthq/rapport/trust/vault"
)

// Rest is somebody of whom several sources say the same thing, from the rows as they are at rest, and from the rows without one of them. The
// copies in memory that the other checks change have all facts that the vault gives to be judged; here the vault itself is put to the
// proof: a fact that is held must not keep another from being judged.
type Rest struct {
	Whole *vault.Record
	Less  []Less
}

// Less is the record without the row of one fact that has others of its name beside it.
type Less struct {
	Place  int // of the fact in Whole.Facts
	Record *vault.Record
}

// atRestOf reads the person again without each of the facts that share their name. What cannot be read again has been read once, so that is
// left out. It is nil when there is nothing to try.
func atRestOf(r *vault.Record, l vault.Loaded, read func(vault.Loaded) (*vault.Record, error)) *Rest {
	out := Rest{Whole: r}
	for i := range r.Facts {
		if name := r.Facts[i].Name; len(r.FactRows(name)) < 2 || feeds(r, name) {
			continue // with an input goes what was derived from it: see changes.derived
		}
		if r.Facts[i].Unreadable {
			continue // a row that nobody can read puts the whole person in doubt, and without it they are not: UndeclaredRest tells of it
		}
		gone := r.FactRow(i)
		less := l
		less.Rows = slices.DeleteFunc(slices.Clone(l.Rows), func(row vault.Row) bool {
			return row.Of == gone.Of && row.Kind == gone.Kind && row.Key == gone.Key
		})
		if again, err := read(less); err == nil {
			out.Less = append(out.Less, Less{i, again})
		}
	}
	if len(out.Less) == 0 {
		return nil
	}
	return &out
}

// feeds says whether anything was derived from what has this name.
func feeds(r *vault.Record, name string) bool {
	rests := func(h person.Head) bool { return slices.Contains(h.Inputs, name) }
	return slices.ContainsFunc(r.Facts, rests) || slices.ContainsFunc(r.History, rests)
}

// rest compares, at each placement, the decision from all rows with the one without a held fact's row. It gives how many were compared.
// These are no cases of their own: the same facts are changed in memory too, where it is known whether they matter.
func (p *Prover) rest(f *findings) (tried int) {
	c := p.snap.House.Charter
	for _, one := range p.snap.AtRest {
		whole := decide.Of(one.Whole)
		for _, placement := range c.Order.Placements {
			a := p.ask(p.snap.House, placement)
			reasons := p.judgedHeads(p.snap.House, whole.Heads(), a).FactReasons
			base := ""
			for _, less := range one.Less {
				reason := reasons[less.Place]
				d := c.Data[one.Whole.Facts[less.Place].Name]
				if reason == "" || d != nil && d.Protective && (reason == tact.Expired || reason == tact.Doubtful) {
					continue // doubt plays its part: see ProtectiveOnlyRemoves
				}
				if base == "" {
					base = p.decided(p.snap.House, whole, a)
				}
				tried++
				if p.decided(p.snap.House, decide.Of(less.Record), a) != base {
					name := nameless
					if d != nil {
						name = d.Name
					}
					f.leaks[name+" at rest"]++
				}
			}
		}
	}
	return tried
}
