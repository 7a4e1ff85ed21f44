package identity

import (
	"cmp"
	"math/bits"
	"slices"
	"sync/atomic"
)

// Blocking. Which pairs to look at is chosen by the data alone: every value of a record, and every part of it by which a
// person might be found (a word of a name, its sound, the year and month of a date, the area of a postcode), is a key. A key
// that few records have is a block. Keys that too many have are crossed with one another, and the crossings that few have are
// blocks too: nobody says which columns to block on. Of the records that it meets in its blocks, each is compared with those
// with which it shares most, counted in bits of surprise.

// keys are the blocks of a set of records.
type keys struct {
	of      [][]int32 // for each source (names, then fields) and value: where its keys begin in lists
	lists   [][]int32
	count   []int32 // by key: how many records have it
	source  []uint8 // by key
	wide    []bool  // by key: it may be crossed
	largest int32   // the size of the largest block

	start   []uint32 // by block: where its members begin, ascending
	members []int32
	on      []uint32  // by block: the sources that it rests on
	bits    []float32 // by size of a block: how surprising it is to share one

	begin  []uint32 // by record: where its blocks begin
	blocks []int32  // the smallest first
}

// newKeys gives every value its keys and counts them.
func newKeys(r *records) keys {
	var k keys
	add := func(source int, wide bool) int32 {
		k.count = append(k.count, 0)
		k.source = append(k.source, uint8(source))
		k.wide = append(k.wide, wide)
		return int32(len(k.count) - 1)
	}
	source := 0
	if p := r.names; p != nil {
		word := make([]int32, len(p.words))
		sound := map[string]int32{}
		sounds := make([]int32, len(p.words))
		for i := 1; i < len(p.words); i++ {
			word[i] = add(source, true)
			sounds[i] = -1
			if s := p.words[i].skeleton; len(s) > 2 {
				at, ok := sound[s]
				if !ok {
					at = add(source, false)
					sound[s] = at
				}
				sounds[i] = at
			}
		}
		starts, list := []int32{0}, []int32{}
		for i := range p.values {
			v := &p.values[i]
			from := len(list)
			put := func(at int32) {
				if at >= 0 && !slices.Contains(list[from:], at) {
					list = append(list, at)
				}
			}
			if i > 0 {
				both := func(w int32) {
					if w != 0 {
						put(word[w])
						put(sounds[w])
					}
				}
				both(v.given)
				both(v.surname)
				for _, w := range p.restOf(v) {
					both(w)
				}
			}
			k.tally(list[from:], v.count)
			starts = append(starts, int32(len(list)))
		}
		k.of, k.lists = append(k.of, starts), append(k.lists, list)
		source++
	}
	for _, f := range r.fields {
		words := make([]int32, len(f.words))
		for i := 1; i < len(f.words); i++ {
			words[i] = add(source, true)
		}
		months, years, days := map[int]int32{}, map[int]int32{}, map[int]int32{}
		dated := func(m map[int]int32, v int, wide bool) int32 {
			at, ok := m[v]
			if !ok {
				at = add(source, wide)
				m[v] = at
			}
			return at
		}
		starts, list := []int32{0}, []int32{}
		for i := range f.values {
			v := &f.values[i]
			from := len(list)
			if i > 0 {
				own := f.wordsOf(v)
				if len(own) != 1 || f.words[own[0]].text != v.text {
					list = append(list, add(source, true))
				}
				for _, w := range own {
					list = append(list, words[w])
				}
				if f.kind == Birth {
					year, month, day := int(v.date.year), int(v.date.month), int(v.date.day)
					list = append(list, dated(years, year, true))
					if month > 0 {
						list = append(list, dated(months, year*100+month, true), dated(days, month*100+day, false))
					}
				}
			}
			k.tally(list[from:], v.count)
			starts = append(starts, int32(len(list)))
		}
		k.of, k.lists = append(k.of, starts), append(k.lists, list)
		source++
	}
	return k
}

func (k *keys) tally(list []int32, n int32) {
	for _, at := range list {
		k.count[at] += n
	}
}

// each calls with the keys of a record.
func (r *records) each(i int32, do func(key int32)) {
	source, row := 0, r.row(i)
	if r.names != nil {
		r.keys.value(source, row[0], do)
		source++
	}
	for _, v := range row[r.base:] {
		r.keys.value(source, v, do)
		source++
	}
}

func (k *keys) value(source int, v int32, do func(key int32)) {
	starts := k.of[source]
	for _, key := range k.lists[source][starts[v]:starts[v+1]] {
		do(key)
	}
}

// crossings is how many crossings of wide keys a record has at most: of its rarest wide keys those that the fewest records are expected to
// share. A key is in so many of them at most as uses says.
const (
	crossings = 12
	rarest    = 10
	uses      = 3
)

type entry struct {
	key    uint64
	record int32
}

// byKey sorts entries by their keys, which are below top, and leaves those of one key in their order (radix sort).
func byKey(e []entry, top uint64) []entry {
	const digit = 11
	other := make([]entry, len(e))
	for shift := 0; top>>shift > 0; shift += digit {
		var at [1 << digit]int
		for i := range e {
			at[e[i].key>>shift&(1<<digit-1)]++
		}
		sum := 0
		for d, n := range at {
			at[d] = sum
			sum += n
		}
		for i := range e {
			d := e[i].key >> shift & (1<<digit - 1)
			other[at[d]] = e[i]
			at[d]++
		}
		e, other = other, e
	}
	return e
}

// met is how many others a record meets in its blocks on average, at most: the size up to which a key is a block follows.
const met = 400

// size is how many records a block has at most: as many as keep the meetings within bounds, and never more than a thousand.
func (k *keys) size(n int) int32 {
	const most = 1000
	var keys [most + 1]int64
	for _, c := range k.count {
		if c <= most {
			keys[c]++
		}
	}
	meetings := 0.0
	for size := 2; size <= most; size++ {
		meetings += float64(keys[size]) * float64(size) * float64(size-1)
		if meetings > met*float64(n) {
			return int32(max(2, size-1))
		}
	}
	return most
}

// crosser finds the crossings of what is too common by itself. Each worker has its own.
type crosser struct {
	r     *records
	wide  []int32
	used  [rarest]uint8
	pairs []crossing
	best  []uint64
}

// crossing is two wide keys, by their places among the record's, and how many records share both by chance, times all records.
type crossing struct {
	size float64
	a, b uint8
}

// of gives the crossings of a record: the pairs of wide keys that the fewest are expected to share, by what chance gives them. No key
// is in more than a few, for where that one has an error, they are lost together.
func (c *crosser) of(i int32) []uint64 {
	k := &c.r.keys
	c.wide, c.pairs, c.best = c.wide[:0], c.pairs[:0], c.best[:0]
	c.r.each(i, func(key int32) {
		if k.count[key] > k.largest && k.wide[key] {
			c.wide = append(c.wide, key)
		}
	})
	if len(c.wide) > rarest {
		slices.SortFunc(c.wide, func(a, b int32) int { return cmp.Or(cmp.Compare(k.count[a], k.count[b]), cmp.Compare(a, b)) })
		c.wide = c.wide[:rarest]
	}
	c.used = [rarest]uint8{}
	most := 10 * float64(k.largest) * float64(c.r.n)
	for x, a := range c.wide {
		for y, b := range c.wide[x+1:] {
			if k.source[a] == k.source[b] && (k.source[a] > 0 || c.r.names == nil) {
				continue
			}
			if size := float64(k.count[a]) * float64(k.count[b]); size <= most {
				c.pairs = append(c.pairs, crossing{size, uint8(x), uint8(x + 1 + y)})
			}
		}
	}
	for len(c.best) < crossings && len(c.pairs) > 0 {
		least := 0
		for x := range c.pairs {
			if c.pairs[x].size < c.pairs[least].size {
				least = x
			}
		}
		p := c.pairs[least]
		c.pairs[least] = c.pairs[len(c.pairs)-1]
		c.pairs = c.pairs[:len(c.pairs)-1]
		if c.used[p.a] == uses || c.used[p.b] == uses {
			continue
		}
		c.used[p.a]++
		c.used[p.b]++
		a, b := c.wide[p.a], c.wide[p.b]
		c.best = append(c.best, uint64(min(a, b))*uint64(len(k.count))+uint64(max(a, b)))
	}
	return c.best
}

// shares is how many parts the crossings are sorted in.
const shares = 256

// spread makes a hash of a crossing, which is as good in any of its bits.
func spread(key uint64) uint64 {
	d := draws{key}
	return d.next()
}

// crossed gives the crossings that two records have at least and at most as many as a block may have, those of one key together.
// Most crossings are one record's alone; they are told first, by two maps of bits, so that there is no room needed for them.
func (r *records) crossed() [][]entry {
	slots := 1 << bits.Len(uint(8*crossings*r.n))
	once, twice := make([]uint32, slots/32+1), make([]uint32, slots/32+1)
	inParallel(r.n, func() func(from, to int32) {
		c := crosser{r: r}
		return func(from, to int32) {
			for i := from; i < to; i++ {
				for _, key := range c.of(i) {
					at := spread(key) & uint64(slots-1)
					if bit := uint32(1) << (at % 32); atomic.OrUint32(&once[at/32], bit)&bit != 0 {
						atomic.OrUint32(&twice[at/32], bit)
					}
				}
			}
		}
	})
	own := make([][]entry, (r.n+chunk-1)/chunk)
	inParallel(r.n, func() func(from, to int32) {
		c := crosser{r: r}
		var out []entry
		return func(from, to int32) {
			out = out[:0]
			for i := from; i < to; i++ {
				for _, key := range c.of(i) {
					if at := spread(key) & uint64(slots-1); twice[at/32]>>(at%32)&1 != 0 {
						out = append(out, entry{key, i})
					}
				}
			}
			own[from/chunk] = slices.Clone(out)
		}
	})
	var sizes [shares]int
	for _, entries := range own {
		for _, e := range entries {
			sizes[spread(e.key)>>56]++
		}
	}
	parts := make([][]entry, shares)
	for i := range parts {
		parts[i] = make([]entry, 0, sizes[i])
	}
	for x, entries := range own {
		for _, e := range entries {
			parts[spread(e.key)>>56] = append(parts[spread(e.key)>>56], e)
		}
		own[x] = nil
	}
	top := uint64(len(r.keys.count)) * uint64(len(r.keys.count))
	each(shares, func(i int) {
		sorted := byKey(parts[i], top)
		kept := sorted[:0]
		for from := 0; from < len(sorted); {
			to := from
			for to < len(sorted) && sorted[to].key == sorted[from].key {
				to++
			}
			if n := int32(to - from); n > 1 && n <= r.keys.largest {
				kept = append(kept, sorted[from:to]...)
			}
			from = to
		}
		parts[i] = kept
	})
	return parts
}

// build makes the blocks.
func (r *records) build() {
	r.keys = newKeys(r)
	k := &r.keys
	k.largest = k.size(r.n)
	k.bits = make([]float32, k.largest+1)
	for n := range k.bits {
		k.bits[n] = surprise(int32(n), r.n)
	}
	parts := r.crossed()
	blocks, total := 0, 0
	for _, n := range k.count {
		if n > 1 && n <= k.largest {
			blocks++
			total += int(n)
		}
	}
	for _, part := range parts {
		total += len(part)
		for i := range part {
			if i == 0 || part[i].key != part[i-1].key {
				blocks++
			}
		}
	}
	k.start, k.on, k.members = make([]uint32, 1, blocks+1), make([]uint32, 0, blocks), make([]int32, 0, total)
	block := make([]int32, len(k.count)) // by key
	filled := uint32(0)
	for i, n := range k.count {
		block[i] = -1
		if n > 1 && n <= k.largest {
			block[i] = int32(len(k.on))
			k.on = append(k.on, 1<<k.source[i])
			filled += uint32(n)
			k.start = append(k.start, filled)
		}
	}
	k.members = k.members[:filled]
	for i := int32(r.n) - 1; i >= 0; i-- { // from the end, which is then where each block begins
		r.each(i, func(key int32) {
			if b := block[key]; b >= 0 {
				k.start[b+1]--
				k.members[k.start[b+1]] = i
			}
		})
	}
	copy(k.start, k.start[1:])
	k.start = k.start[:len(k.on)]
	for _, part := range parts {
		for i, e := range part {
			if i == 0 || e.key != part[i-1].key {
				k.start = append(k.start, uint32(len(k.members)))
				k.on = append(k.on, 1<<k.source[e.key/uint64(len(k.count))]|1<<k.source[e.key%uint64(len(k.count))])
			}
			k.members = append(k.members, e.record)
		}
	}
	k.start = append(k.start, uint32(len(k.members)))
	k.of, k.lists, k.count, k.source, k.wide = nil, nil, nil, nil, nil
	k.turn(r.n)
}

// turn makes the list of each record's blocks, the smallest first.
func (k *keys) turn(n int) {
	ordered := make([]int32, len(k.start)-1) // blocks by size, by counting
	at := make([]int, k.largest+2)
	for b := range ordered {
		at[k.start[b+1]-k.start[b]+1]++
	}
	for size := range k.largest + 1 {
		at[size+1] += at[size]
	}
	for b := range ordered {
		size := k.start[b+1] - k.start[b]
		ordered[at[size]] = int32(b)
		at[size]++
	}
	k.begin = make([]uint32, n+1)
	for _, i := range k.members {
		k.begin[i]++
	}
	sum := uint32(0)
	for i, own := range k.begin { // where each record's blocks end
		sum += own
		k.begin[i] = sum
	}
	k.blocks = make([]int32, len(k.members))
	for _, b := range slices.Backward(ordered) {
		for _, i := range k.members[k.start[b]:k.start[b+1]] {
			k.begin[i]--
			k.blocks[k.begin[i]] = b
		}
	}
}

// meeting is a record that another one meets in blocks.
type meeting struct {
	record int32
	bits   float32 // what both share
	free   uint32  // the sources that some shared block does not rest on
	seen   float32 // at a glance, where there is a model
}

// seeker finds the records with which one shares blocks. Each worker has its own: a table of those met, by a hash of their number.
type seeker struct {
	r     *records
	slots [2 * room]int16 // 1 more than a place in met; 0 is free
	taken []int16         // the slots in use
	met   []meeting
	found []meeting

	md     *model // by which pairs are chosen; nil where there is none yet
	glance *glance
}

func (r *records) seeker(md *model) *seeker {
	s := &seeker{r: r, md: md}
	if md != nil {
		s.glance = r.glance(md)
	}
	return s
}

// touches is how many members of blocks are looked at for one record; room is enough for them.
const (
	touches = 3000
	room    = 4096
)

// seek gives the records to compare i with: those that share enough with it in blocks and at a glance, and of them at most limit, those
// that share most. Only such as may be linked with it: of the other file where there are two, and after it unless all is asked for. What
// it gives is good until the next call.
func (s *seeker) seek(i int32, all bool, limit int) []meeting {
	for _, at := range s.taken {
		s.slots[at] = 0
	}
	s.taken, s.met = s.taken[:0], s.met[:0]
	k := &s.r.keys
	left := touches
	for _, b := range k.blocks[k.begin[i]:k.begin[i+1]] {
		members := k.members[k.start[b]:k.start[b+1]]
		if left -= len(members); left < 0 {
			break
		}
		bits, free := k.bits[len(members)], ^k.on[b]
		switch {
		case s.r.two && int(i) < s.r.first:
			at, _ := slices.BinarySearch(members, int32(s.r.first))
			members = members[at:]
		case s.r.two:
			at, _ := slices.BinarySearch(members, int32(s.r.first))
			members = members[:at]
		case !all:
			at, _ := slices.BinarySearch(members, i+1)
			members = members[at:]
		}
		for _, j := range members {
			if j == i {
				continue
			}
			at := uint32(j) * 0x9e3779b1 >> (32 - 13)
			for s.slots[at] != 0 && s.met[s.slots[at]-1].record != j {
				at = (at + 1) & (2*room - 1)
			}
			if s.slots[at] == 0 {
				s.met = append(s.met, meeting{record: j})
				s.slots[at] = int16(len(s.met))
				s.taken = append(s.taken, int16(at))
			}
			m := &s.met[s.slots[at]-1]
			m.bits += bits
			m.free |= free
		}
	}
	s.found = s.found[:0]
	if s.md == nil {
		s.found = append(s.found, s.met...)
	} else {
		s.glance.from(i)
		for _, m := range s.met {
			if m.bits >= s.md.enough {
				if m.seen = s.glance.at(m.record); m.seen >= s.md.likely {
					s.found = append(s.found, m)
				}
			}
		}
	}
	if len(s.found) > limit {
		slices.SortFunc(s.found, func(a, b meeting) int {
			return cmp.Or(cmp.Compare(b.seen, a.seen), cmp.Compare(b.bits, a.bits), cmp.Compare(a.record, b.record))
		})
		s.found = s.found[:limit]
	}
	return s.found
}
