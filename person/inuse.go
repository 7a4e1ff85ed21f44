package person

// Outweighs says whether fact a holds against fact b of the same name: the verified one, then by how it was learnt, then the newer.
// The source's name decides the rest, so that the order of rows does not.
//
// It is for facts that passed a judgement (see InUse), and for showing a person all that is known. Before a judgement no fact may be set
// against another: one that is held would keep out one that is permitted, and so show through.
func Outweighs(a, b *Head) bool {
	switch {
	case a.Verified != b.Verified:
		return a.Verified
	case a.Learnt != b.Learnt:
		return a.Learnt > b.Learnt
	case a.At != b.At:
		return a.At > b.At
	case a.Received != b.Received:
		return a.Received > b.Received
	case a.Source != b.Source:
		return a.Source < b.Source
	}
	return string(a.Of[:]) < string(b.Of[:])
}

// InUse keeps one fact of each name, in the places of the first of each: the one that outweighs the others. Give it facts that a permit
// opened, and nothing else. The slice given is not changed, and comes back itself when no name is there twice.
//
// Protective facts do not go through it: each that may be read is read.
func InUse(facts []Fact) []Fact {
	twice := false
	for i := range facts {
		if place(facts[:i], facts[i].Name) >= 0 {
			twice = true
			break
		}
	}
	if !twice {
		return facts
	}
	out := make([]Fact, 0, len(facts))
	for i := range facts {
		f := &facts[i]
		k := place(out, f.Name)
		switch {
		case k < 0:
			out = append(out, *f)
		case Outweighs(&f.Head, &out[k].Head), !Outweighs(&out[k].Head, &f.Head) && f.Value < out[k].Value:
			out[k] = *f
		}
	}
	return out
}

// place is where a fact of that name is: people have a few dozen facts, so a walk is quicker than a map.
func place(facts []Fact, name string) int {
	for i := range facts {
		if facts[i].Name == name {
			return i
		}
	}
	return -1
}
