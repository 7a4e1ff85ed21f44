// Package names finds the number of a name among many: a product's place in the catalogue or in a model. Every line of every
// order that a decision rests on is looked up, and so are the products that its words name.
package names

import (
	"encoding/binary"
	"math/bits"
)

// Table is the names of a list with their places in it. It is immutable and safe for many goroutines; the nil Table has no names.
//
// Names of up to eight bytes, as most products' are, stand in the table themselves, so that a look-up touches one place of memory:
// a map goes on to the name that it points to.
type Table struct {
	slots []slot // a power of two of them, at most three in four full, so that they stay in the processor; a name's is the first free one from where its hash points
	shift int
	long  map[string]int32
}

type slot struct {
	key  uint64
	size int32 // of the name, in bytes; -1 in an empty slot
	at   int32
}

const short = 8 // bytes

// New makes the table. The names are all different.
func New(list []string) *Table {
	t := &Table{long: map[string]int32{}}
	size := 1 << bits.Len(uint(len(list)+len(list)/3))
	t.slots, t.shift = make([]slot, size), 64-bits.TrailingZeros(uint(size))
	for i := range t.slots {
		t.slots[i].size = -1
	}
	for at, name := range list {
		if len(name) > short {
			t.long[name] = int32(at)
			continue
		}
		key := packed(name)
		i := t.slot(key)
		for t.slots[i].size >= 0 {
			i = (i + 1) & (size - 1)
		}
		t.slots[i] = slot{key, int32(len(name)), int32(at)}
	}
	return t
}

func (t *Table) slot(key uint64) int { return int(key * 0x9E3779B97F4A7C15 >> t.shift) } // Fibonacci hashing: Knuth, volume 3, 6.4

// Find gives a name's place in the list, and false for a name that is not in it.
func (t *Table) Find(name string) (int32, bool) {
	if t == nil {
		return 0, false
	}
	if len(name) > short {
		at, ok := t.long[name]
		return at, ok
	}
	key := packed(name)
	for i := t.slot(key); ; i = (i + 1) & (len(t.slots) - 1) {
		switch s := &t.slots[i]; {
		case s.size < 0:
			return 0, false
		case s.key == key && s.size == int32(len(name)):
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
	b := [4]byte{s[0], s[1], s[2], s[3]}
	return binary.LittleEndian.Uint32(b[:])
}
