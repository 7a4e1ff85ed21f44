package recommend

import "math/bits"

// names finds the number of a name. Names of up to eight bytes, as most products' are, stand in the table themselves, so that a look-up touches one place of
// memory: a map goes on to the name that it points to. Every line of every order that a decision rests on is looked up.
type names struct {
	slots []slot // a power of two of them, at most half of them full; a name's is the first free one from where its hash points
	shift int
	long  map[string]int32
}

type slot struct {
	key    uint64
	length int32 // -1 in an empty slot
	at     int32
}

const short = 8 // bytes

func newNames(all []string) *names {
	n := &names{long: map[string]int32{}}
	size := 1 << bits.Len(uint(2*len(all)))
	n.slots, n.shift = make([]slot, size), 64-bits.TrailingZeros(uint(size))
	for i := range n.slots {
		n.slots[i].length = -1
	}
	for at, name := range all {
		if len(name) > short {
			n.long[name] = int32(at)
			continue
		}
		key := packed(name)
		i := n.slot(key)
		for n.slots[i].length >= 0 {
			i = (i + 1) & (size - 1)
		}
		n.slots[i] = slot{key, int32(len(name)), int32(at)}
	}
	return n
}

func (n *names) slot(key uint64) int { return int(key * 0x9E3779B97F4A7C15 >> n.shift) } // Fibonacci hashing: Knuth, volume 3, 6.4

// find gives a name's number, and false for a name that is none of them.
func (n *names) find(name string) (int32, bool) {
	if n == nil { // of the zero Model
		return 0, false
	}
	if len(name) > short {
		at, ok := n.long[name]
		return at, ok
	}
	key := packed(name)
	for i := n.slot(key); ; i = (i + 1) & (len(n.slots) - 1) {
		switch s := &n.slots[i]; {
		case s.length < 0:
			return 0, false
		case s.key == key && s.length == int32(len(name)):
			return s.at, true
		}
	}
}

// packed is a short name as a number: no other name of its length has the same.
func packed(name string) (key uint64) {
	if len(name) >= 4 {
		return uint64(four(name)) | uint64(four(name[len(name)-4:]))<<32 // which overlap
	}
	for i := range len(name) {
		key |= uint64(name[i]) << (8 * i)
	}
	return key
}

func four(s string) uint32 {
	_ = s[3]
	return uint32(s[0]) | uint32(s[1])<<8 | uint32(s[2])<<16 | uint32(s[3])<<24
}
