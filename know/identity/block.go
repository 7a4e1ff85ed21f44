package identity

import (
	"cmp"
	"slices"
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
	largest int32   // the size of the largest block

	start   []int64 // by block
	members []int32
	bits    []float32
	block   []int32  // by key: its block, or -1
	on      []uint32 // by block: the sources that it rests on
	wide    []bool   // by key: it may be crossed

	begin  []int64 // by record: where its blocks begin
	blocks []int32
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
				for _, w := range append([]int32{v.given, v.surname}, v.rest...) {
					if w != 0 {
						put(word[w])
						put(sounds[w])
					}
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
				if len(v.words) != 1 || f.words[v.words[0]].text != v.text {
					list = append(list, add(source, true))
				}
				for _, w := range v.words {
					list = append(list, words[w])
				}
				if f.kind == Birth {
					d := v.date
					list = append(list, dated(years, d.year, true))
					if d.month > 0 {
						list = append(list, dated(months, d.year*100+d.month, true), dated(days, d.month*100+d.day, false))
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
	source := 0
	if r.names != nil {
		r.keys.value(source, r.names.of[i], do)
		source++
	}
	for _, f := range r.fields {
		r.keys.value(source, f.of[i], do)
		source++
	}
}

func (k *keys) value(source int, v int32, do func(key int32)) {
	starts := k.of[source]
	for _, key := range k.lists[source][starts[v]:starts[v+1]] {
		do(key)
	}
}

// crossings is how many crossings of wide keys a record has at most: those that the fewest records are expected to share.
const crossings = 12

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

// cross gives each record the crossings of what is too common by itself, in the order of the records.
func (r *records) cross() []entry {
	k := &r.keys
	own := make([][]entry, (r.n+chunk-1)/chunk)
	inParallel(r.n, func() func(from, to int32) {
		var wide []int32
		return func(from, to int32) {
			out := make([]entry, 0, crossings*chunk)
			for i := from; i < to; i++ {
				wide = wide[:0]
				r.each(i, func(key int32) {
					if k.count[key] > k.largest && k.wide[key] {
						wide = append(wide, key)
					}
				})
				// The best so far, ascending by the size that chance gives them, then by key.
				begin := len(out)
				var sizes [crossings]float64
				for x, a := range wide {
					for _, b := range wide[x+1:] {
						if k.source[a] == k.source[b] && (k.source[a] > 0 || r.names == nil) {
							continue
						}
						size := float64(k.count[a]) * float64(k.count[b]) / float64(r.n)
						if size > 10*float64(k.largest) {
							continue
						}
						key := uint64(min(a, b))*uint64(len(k.count)) + uint64(max(a, b))
						n := len(out) - begin
						if n == crossings {
							if size > sizes[n-1] || size == sizes[n-1] && key > out[len(out)-1].key {
								continue
							}
							n--
						} else {
							out = append(out, entry{})
						}
						for n > 0 && (size < sizes[n-1] || size == sizes[n-1] && key < out[begin+n-1].key) {
							sizes[n], out[begin+n] = sizes[n-1], out[begin+n-1]
							n--
						}
						sizes[n], out[begin+n] = size, entry{key, i}
					}
				}
			}
			own[from/chunk] = out
		}
	})
	return slices.Concat(own...)
}

// build makes the blocks.
func (r *records) build() {
	k := &r.keys
	largest := k.size(r.n)
	k.largest = largest
	k.block = make([]int32, len(k.count))
	k.start, k.bits, k.on = nil, nil, nil
	total := int64(0)
	for i, n := range k.count {
		k.block[i] = -1
		if n > 1 && n <= largest {
			k.block[i] = int32(len(k.start))
			k.start = append(k.start, total)
			k.bits = append(k.bits, surprise(n, r.n))
			k.on = append(k.on, 1<<k.source[i])
			total += int64(n)
		}
	}
	crossed := byKey(r.cross(), uint64(len(k.count))*uint64(len(k.count)))
	first := int32(len(k.start))
	var runs [][2]int
	for i := 0; i < len(crossed); {
		j := i
		for j < len(crossed) && crossed[j].key == crossed[i].key {
			j++
		}
		if n := int32(j - i); n > 1 && n <= largest {
			key := crossed[i].key
			runs = append(runs, [2]int{i, j})
			k.start = append(k.start, total)
			k.bits = append(k.bits, surprise(n, r.n))
			k.on = append(k.on, 1<<k.source[key/uint64(len(k.count))]|1<<k.source[key%uint64(len(k.count))])
			total += int64(n)
		}
		i = j
	}
	k.start = append(k.start, total)
	k.members = make([]int32, total)
	next := slices.Clone(k.start)
	put := func(b, i int32) {
		k.members[next[b]] = i
		next[b]++
	}
	for i := range int32(r.n) {
		r.each(i, func(key int32) {
			if b := k.block[key]; b >= 0 {
				put(b, i)
			}
		})
	}
	for x, run := range runs {
		for _, e := range crossed[run[0]:run[1]] {
			put(first+int32(x), e.record)
		}
	}
	k.turn(r.n)
}

// turn makes the list of each record's blocks, the smallest first.
func (k *keys) turn(n int) {
	k.begin = make([]int64, n+1)
	for _, i := range k.members {
		k.begin[i+1]++
	}
	for i := range n {
		k.begin[i+1] += k.begin[i]
	}
	next := slices.Clone(k.begin)
	k.blocks = make([]int32, len(k.members))
	order := make([]int32, len(k.start)-1)
	for b := range order {
		order[b] = int32(b)
	}
	slices.SortFunc(order, func(a, b int32) int { return cmp.Or(cmp.Compare(k.bits[b], k.bits[a]), cmp.Compare(a, b)) })
	for _, b := range order {
		for _, i := range k.members[k.start[b]:k.start[b+1]] {
			k.blocks[next[i]] = b
			next[i]++
		}
	}
}

// seeker finds the records with which one shares blocks. Each worker has its own.
type seeker struct {
	r     *records
	bits  []float32 // by record: what it shares with the one that is asked about
	free  []uint32  // by record: the sources that some shared block does not rest on
	met   []int32
	found []int32
}

func (r *records) seeker() *seeker {
	return &seeker{r: r, bits: make([]float32, r.n), free: make([]uint32, r.n)}
}

// touches is how many members of blocks are looked at for one record.
const touches = 3000

// seek gives the records to compare i with: those that share at least so many bits with it, and of them at most limit, those that
// share most. Only such as may be linked with it: of the other file where there are two, and after it unless all is asked for. The
// bits and free sources of what it gives are good until the next call.
func (s *seeker) seek(i int32, all bool, limit int, enough float32) []int32 {
	for _, j := range s.met {
		s.bits[j] = 0
	}
	s.met = s.met[:0]
	k := &s.r.keys
	left := touches
	for _, b := range k.blocks[k.begin[i]:k.begin[i+1]] {
		members := k.members[k.start[b]:k.start[b+1]]
		if left -= len(members); left < 0 {
			break
		}
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
		bits, free := k.bits[b], ^k.on[b]
		for _, j := range members {
			if j == i {
				continue
			}
			if s.bits[j] == 0 {
				s.met = append(s.met, j)
				s.free[j] = 0
			}
			s.bits[j] += bits
			s.free[j] |= free
		}
	}
	s.found = s.found[:0]
	for _, j := range s.met {
		if s.bits[j] >= enough {
			s.found = append(s.found, j)
		}
	}
	if len(s.found) > limit {
		slices.SortFunc(s.found, func(a, b int32) int { return cmp.Or(cmp.Compare(s.bits[b], s.bits[a]), cmp.Compare(a, b)) })
		s.found = s.found[:limit]
	}
	return s.found
}
