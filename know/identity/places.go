package identity

import "hash/maphash"

// places finds where something is kept, by a hash of it: eight bytes for each, whatever its own size, for a file of millions of
// records has columns of millions of values. The caller keeps the values and says whether one is the same.
type places struct {
	slots []uint64 // the upper half of a hash, and 1 more than the place; 0 is free
	n     int
}

var seed = maphash.MakeSeed() // no answer depends on it

func hashOf(s string) uint64 { return maphash.String(seed, s) }

// at gives the place of what has the hash and is the same. Where it is not known, the next place is noted for it.
func (p *places) at(hash uint64, next int, same func(at int32) bool) (at int32, known bool) {
	if 4*(p.n+1) > 3*len(p.slots) {
		p.grow()
	}
	upper := hash >> 32
	for i := p.first(upper); ; i = (i + 1) & (len(p.slots) - 1) {
		switch slot := p.slots[i]; {
		case slot == 0:
			p.slots[i] = upper<<32 | uint64(next+1)
			p.n++
			return int32(next), false
		case slot>>32 == upper && same(int32(uint32(slot))-1):
			return int32(uint32(slot)) - 1, true
		}
	}
}

// first is where to look first for the upper half of a hash.
func (p *places) first(upper uint64) int { return int(upper * uint64(len(p.slots)) >> 32) }

func (p *places) grow() {
	was := p.slots
	p.slots = make([]uint64, max(64, 2*len(was)))
	for _, slot := range was {
		if slot != 0 {
			i := p.first(slot >> 32)
			for p.slots[i] != 0 {
				i = (i + 1) & (len(p.slots) - 1)
			}
			p.slots[i] = slot
		}
	}
}
