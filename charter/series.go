package charter

import "github.com/rapporthq/rapport/person"

// Series is the accepted charters by their position, from 1. It is a value: Append gives a new Series and leaves
// the old one as it was, so that a decision works under one Series from its beginning to its end. Positions may be
// missing; the zero Series has none.
type Series struct {
	at      map[int]*Charter
	current *Charter
}

// NewSeries is the series of the charters by their Position. Charters without a position are left out; of two with
// the same position the first stays, for an accepted charter never changes.
func NewSeries(cs ...*Charter) Series {
	return Series{}.Append(cs...)
}

// Append is the series with the charters added, by their Position.
func (s Series) Append(cs ...*Charter) Series {
	n := Series{at: make(map[int]*Charter, len(s.at)+len(cs)), current: s.current}
	for pos, c := range s.at {
		n.at[pos] = c
	}
	for _, c := range cs {
		if c == nil || c.Position < 1 || n.at[c.Position] != nil {
			continue
		}
		n.at[c.Position] = c
		if n.current == nil || c.Position > n.current.Position {
			n.current = c
		}
	}
	return n
}

// At is the charter at a position, nil when the series does not have it: callers then withhold.
func (s Series) At(pos int) *Charter { return s.at[pos] }

// Current is the charter in force: the one at the highest position, nil when there is none.
func (s Series) Current() *Charter { return s.current }

// InForce is the position of the charter that was in force at a time: of those accepted by then the last. Who answered before the
// first was accepted did so under no newer words than the first's. 0 when there is none.
func (s Series) InForce(at person.Instant) (pos int) {
	first := 0
	for p, c := range s.at {
		if c.Since <= at {
			pos = max(pos, p)
		}
		if first == 0 || p < first {
			first = p
		}
	}
	return max(pos, first)
}

// Len counts the charters.
func (s Series) Len() int { return len(s.at) }

// Placed is the charter at a position of the series, accepted at a time: a copy that shares all else. The charter itself stays a
// proposal.
func (c *Charter) Placed(pos int, since person.Instant) *Charter {
	n := *c
	n.Position, n.Since = pos, since
	return &n
}

// Allows says whether the charter gives a fact, or an event, a purpose. What it does not name has none.
func (c *Charter) Allows(name string, event bool, purpose string) bool {
	if c == nil || purpose == "" {
		return false
	}
	if event {
		e := c.Events[name]
		return e != nil && e.HasPurpose(purpose)
	}
	d := c.Data[name]
	return d != nil && d.HasPurpose(purpose)
}
