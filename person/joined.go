package person

import (
	"math"
	"slices"
)

// Person is a set of pseudonyms, joined because the same person verifiably stands behind each.
type Person struct {
	Root ID     // the pseudonym that names the set: the one that is not joined to another
	Also []Join // the others, in the order in which they were joined
	By   ID     // the pseudonym by which a joined person was asked for; see Asked
}

// Join is one pseudonym brought to a person, when and why.
type Join struct {
	ID       ID
	At       Instant
	To       ID     // the pseudonym to which it was brought; zero: the root
	Why      string // what joined them: "sign-in", "alias", "steward", or the kind of the value that both have
	Doubtful bool   // the value turned out to be too many people's, or the match is not sure: see Far
}

// All lists the pseudonyms, root first.
func (p Person) All() []ID {
	ids := make([]ID, 0, 1+len(p.Also))
	ids = append(ids, p.Root)
	for i := range p.Also {
		ids = append(ids, p.Also[i].ID)
	}
	return ids
}

// Has says whether id is one of the person's pseudonyms.
func (p Person) Has(id ID) bool { return id == p.Root || p.join(id) != nil }

// Never is later than every time: a join whose time is not known counts as made then, so that the stricter answer stands.
const Never = Instant(math.MaxInt64)

// Together is since when two of the person's pseudonyms are one person's: the latest of the joins between them. It is the beginning of time for one
// pseudonym and itself.
func (p Person) Together(a, b ID) Instant {
	last := Instant(math.MinInt64)
	for a != b {
		// The one from which it is further up to the root goes up. What was joined to what is a tree.
		if p.height(a) < p.height(b) {
			a, b = b, a
		}
		j := p.join(a)
		if j == nil {
			return Never
		}
		if last = max(last, j.At); j.At == 0 {
			last = Never
		}
		if a = j.To; a.IsZero() {
			a = p.Root
		}
	}
	return last
}

// height is how many joins lie between a pseudonym and the root.
func (p Person) height(id ID) int {
	for n := range p.Also {
		j := p.join(id)
		if j == nil {
			return n
		}
		if id = j.To; id.IsZero() {
			id = p.Root
		}
	}
	return len(p.Also)
}

// Asked is the pseudonym by which the person was asked for, the root when nobody said which. What comes of it is kept under it, so that it leaves with
// it in a split.
func (p Person) Asked() ID {
	if p.Has(p.By) {
		return p.By
	}
	return p.Root
}

// Surely says whether id is a pseudonym of whoever asked, without a doubtful link between.
func (p Person) Surely(id ID) bool { return p.Has(id) && !slices.Contains(p.Far(), id) }

// JoinedAt is the time of the latest join, zero when the person has one pseudonym only.
func (p Person) JoinedAt() Instant {
	var last Instant
	for i := range p.Also {
		last = max(last, p.Also[i].At)
	}
	return last
}

// join is how a pseudonym came to the person; nil for the root and for whoever is not of them.
func (p Person) join(id ID) *Join {
	for i := range p.Also {
		if p.Also[i].ID == id {
			return &p.Also[i]
		}
	}
	return nil
}

// Doubted says whether one of the links by which the person is one person is doubtful.
func (p Person) Doubted() bool {
	return slices.ContainsFunc(p.Also, func(j Join) bool { return j.Doubtful })
}

// Far lists the pseudonyms that are joined to the one by which somebody asked by a doubtful link, directly or through others. What is
// known under them is not used for whoever asks, nor shown to them: it may be somebody else's. Nil when no link is doubtful.
func (p Person) Far() []ID {
	if !p.Doubted() {
		return nil
	}
	near := p.surely(p.Asked())
	var far []ID
	for _, id := range p.All() {
		if p.surely(id) != near {
			far = append(far, id)
		}
	}
	return far
}

// Sides are the people whom a doubtful link takes for one, each with the pseudonyms that are surely theirs: whoever asks first. One, the person,
// when no link is doubtful.
func (p Person) Sides() []Person {
	if !p.Doubted() {
		return []Person{p}
	}
	out := []Person{{Root: p.surely(p.Asked())}}
	for _, id := range p.All() {
		root := p.surely(id)
		i := slices.IndexFunc(out, func(s Person) bool { return s.Root == root })
		if i < 0 {
			i = len(out)
			out = append(out, Person{Root: root})
		}
		if id != root {
			out[i].Also = append(out[i].Also, *p.join(id))
		}
	}
	return out
}

// surely is the pseudonym that names those with whom id is joined without a doubtful link.
func (p Person) surely(id ID) ID {
	for range p.Also { // what was joined to what is a tree: no way up is longer
		j := p.join(id)
		if j == nil || j.Doubtful {
			break
		}
		if id = j.To; id.IsZero() {
			return p.Root
		}
	}
	return id
}

// Under lists a pseudonym and all that were joined to it, directly or through others: what leaves with it in a split.
func (p Person) Under(id ID) []ID {
	if id == p.Root {
		return p.All()
	}
	out := []ID{id}
	for i := 0; i < len(out); i++ {
		for k := range p.Also {
			if j := &p.Also[k]; j.To == out[i] && j.ID != out[i] && !slices.Contains(out, j.ID) {
				out = append(out, j.ID)
			}
		}
	}
	return out
}

// Cut gives the pseudonym that must be split off so that two of the person's part: of the links between them the doubtful one, or else the
// latest. ok is false when they are one pseudonym or not both of this person.
func (p Person) Cut(a, b ID) (id ID, ok bool) {
	if a == b || !p.Has(a) || !p.Has(b) {
		return ID{}, false
	}
	var best *Join
	for i := range p.Also {
		j := &p.Also[i]
		under := p.Under(j.ID)
		if slices.Contains(under, a) == slices.Contains(under, b) {
			continue // not between them
		}
		if best == nil || j.Doubtful && !best.Doubtful || j.Doubtful == best.Doubtful && j.At > best.At {
			best = j
		}
	}
	if best == nil {
		return ID{}, false
	}
	return best.ID, true
}
