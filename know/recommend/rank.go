package recommend

import (
	"cmp"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/rapporthq/rapport/person"
)

// Every score is added up in one order: the trend; then, by the index of the things taken, "again" for the thing itself and
// its weights to others; then facts by the index of their columns. Explain adds in the same order, so that the sums are the
// same to the last bit, whatever the order of the input.

// source is one thing taken or one fact, as far as the model knows it.
type source struct {
	at    int32 // index of the item, or of the column behind all items
	fact  bool
	times int32          // how often it was taken
	last  person.Instant // when last
	event person.EventID // and by which event
	x     float64        // how much it counts as a source
	again float64        // what it adds to itself
}

type scratch struct {
	score   []float64
	sources []source
	others  []Scored
	heap    []place
	keys    []key
	spare   []key
	folding folding
}

// Room keeps what a model made of an input between Rank and Reasons: see Input.Room. The zero Room is ready.
type Room struct{ w *scratch }

// room gives the sources of an input, and the place to work in.
func (m *Model) room(in *Input) *scratch {
	if in.Room != nil && in.Room.w != nil {
		return in.Room.w
	}
	w, _ := m.scratch.Get().(*scratch)
	if w == nil {
		w = &scratch{score: make([]float64, m.candidates)}
	}
	w.sources = m.sources(w, in)
	if in.Room != nil {
		in.Room.w = w
	}
	return w
}

// leave gives the place back unless the input keeps it.
func (m *Model) leave(in *Input, w *scratch) {
	if in.Room == nil {
		m.scratch.Put(w)
	}
}

// Leave gives back the room of an input that is not ranked or explained again.
func (m *Model) Leave(r *Room) {
	if r.w != nil {
		m.scratch.Put(r.w)
		r.w = nil
	}
}

type key struct {
	bits uint32 // falling with the score
	item int32
}

const day = float64(24 * time.Hour / time.Microsecond)

// amount is how much a thing taken n times counts as a source: each doubling counts as much as the first time.
func amount(n int) float64 {
	if n < len(amounts) {
		return amounts[n]
	}
	return math.Log2(1 + float64(n))
}

var amounts = func() (a [64]float64) {
	for n := range a {
		a[n] = math.Log2(1 + float64(n))
	}
	return a
}()

// again is what having taken a thing at these times adds to it at another.
func (t *terms) again(when []person.Instant, at person.Instant) float64 {
	if t.HalfLife <= 0 {
		return t.Again * float64(len(when))
	}
	sum := 0.0
	for _, w := range when {
		age := 0.0
		if w < at {
			age = float64(at-w) / day
		}
		sum += t.HalfLife / (t.HalfLife + age)
	}
	return t.Again * sum
}

// again is what having taken an item at these times adds to it.
func (m *Model) again(item int32, when []person.Instant, at person.Instant) float64 {
	v := m.terms.again(when, at) * m.repeats(item)
	if int(item) >= m.candidates {
		v += m.terms.Rare
	}
	return v
}

// repeats is how apt an item is to be taken again; nothing is known of what fewer than k people took.
func (m *Model) repeats(item int32) float64 {
	if int(item) < len(m.repeat) {
		return float64(m.repeat[item])
	}
	return 1
}

// sources resolves the input, in the order of adding.
func (m *Model) sources(w *scratch, in *Input) []source {
	dst := w.sources[:0]
	allow := in.Allow
	if allow == nil {
		allow = m.allowed
	}
	may := func(at int32) bool { return allow.Has(int(at)) && (len(in.Muted) == 0 || !in.Muted[m.ids[at]]) }
	again := !in.Muted[SourceAgain]
	for i := range in.Taken {
		t := &in.Taken[i]
		at, ok := m.index.Find(t.Item)
		if !ok || len(t.When) == 0 || !may(at) {
			continue
		}
		dst = append(dst, source{at: at, times: int32(len(t.When)), last: t.Last(), event: t.Event})
		if again {
			dst[len(dst)-1].again = m.again(at, t.When, in.At)
		}
	}
	if len(in.Events) > 0 {
		m.fold(&w.folding, in, func(at int32, when []person.Instant, event person.EventID) {
			if !may(at) {
				return
			}
			dst = append(dst, source{at: at, times: int32(len(when)), last: when[len(when)-1], event: event})
			if again {
				dst[len(dst)-1].again = m.again(at, when, in.At)
			}
		})
	}
	for i := range dst {
		dst[i].x = amount(int(dst[i].times))
	}
	for _, c := range in.Columns {
		at, ok := m.column[c]
		if !ok {
			continue
		}
		fact, _, _ := strings.Cut(c, "=")
		if len(in.Muted) > 0 && (in.Muted[fact] || in.Muted[SourceFact(fact)] || in.Muted[c]) {
			continue
		}
		dst = append(dst, source{at: at + int32(len(m.ids)), fact: true, x: 1})
	}
	byPlace := func(a, b source) int { return cmp.Compare(a.at, b.at) }
	if !slices.IsSortedFunc(dst, byPlace) { // what comes of events is
		slices.SortFunc(dst, byPlace)
	}
	// A thing or a fact counts once, even where a caller names it twice.
	return slices.CompactFunc(dst, func(a, b source) bool { return a.at == b.at })
}

// row is the place of a source's weights, and false for a thing without any.
func (m *Model) row(s *source) (int32, bool) {
	if s.fact {
		return s.at - int32(len(m.ids)), true
	}
	return s.at, s.at < int32(m.candidates)
}

// Rank scores every candidate, and every other item of the model that was taken, and appends them to dst[:0], best first,
// ties by id: all of them, or the Input.Most best. What dst holds is overwritten. Items outside Input.Allow are left out.
func (m *Model) Rank(dst []Scored, in Input) []Scored {
	dst = dst[:0]
	if m.candidates == 0 && len(m.ids) == 0 {
		return dst
	}
	w := m.room(&in)
	defer m.leave(&in, w)
	score := w.score
	if in.Muted[SourceTrend] {
		clear(score)
	} else {
		copy(score, m.trends[month(in.At)])
	}
	w.others = w.others[:0]
	for i := range w.sources {
		s := &w.sources[i]
		at, weighs := m.row(s)
		if !weighs {
			w.others = append(w.others, Scored{Item: int(s.at), ID: m.ids[s.at], Score: s.again})
			continue
		}
		if !s.fact {
			score[at] += s.again
		}
		lo, hi := m.start[at], m.start[at+1]
		if m.near != nil {
			add(score, m.near[lo:hi], m.weight[lo:hi], s.x)
		} else {
			add(score, m.to[lo:hi], m.weight[lo:hi], s.x)
		}
	}
	allow := in.Allow
	if allow == nil {
		allow = m.allowed
	}
	if in.Most > 0 {
		return m.choose(dst, w, allow, in.Most)
	}
	return m.sort(dst, w, allow)
}

// add adds a source's weights, each to its target.
func add[T int32 | uint16](score []float64, to []T, weight []float32, x float64) {
	weight = weight[:len(to)]
	for e, t := range to {
		score[t] += x * float64(weight[e])
	}
}

// choose gives the n best in order. They are kept in a heap with the worst of them at its top, which nearly every item is worse than.
func (m *Model) choose(dst []Scored, w *scratch, allow *Set, n int) []Scored {
	heap := w.heap[:0]
	offer := func(p place) {
		if len(heap) < n {
			heap = append(heap, p)
			for i := len(heap) - 1; i > 0; {
				up := (i - 1) / 2
				if !m.better(heap[up], heap[i]) {
					break
				}
				heap[i], heap[up] = heap[up], heap[i]
				i = up
			}
			return
		}
		if !m.better(p, heap[0]) {
			return
		}
		i := 0
		for {
			down := 2*i + 1
			if down >= n {
				break
			}
			if down+1 < n && m.better(heap[down], heap[down+1]) {
				down++
			}
			if !m.better(p, heap[down]) {
				break
			}
			heap[i] = heap[down]
			i = down
		}
		heap[i] = p
	}
	worst, full := 0.0, false
	for word, some := range allow.bits {
		if from := word << 6; from < len(w.score) {
			for i, s := range w.score[from:min(from+64, len(w.score))] {
				if full && s <= worst || some>>i&1 == 0 { // candidates come by id: of two equals the first is the better
					continue
				}
				offer(place{s + 0, int32(from + i)}) // -0 becomes 0
				if full = len(heap) == n; full {
					worst = heap[0].score
				}
			}
		}
	}
	for _, s := range w.others {
		offer(place{s.Score, int32(s.Item)})
	}
	w.heap = heap
	slices.SortFunc(heap, func(a, b place) int {
		if m.better(a, b) {
			return -1
		}
		return 1
	})
	dst = slices.Grow(dst, len(heap))
	for _, p := range heap {
		dst = append(dst, Scored{Item: int(p.item), ID: m.ids[p.item], Score: p.score})
	}
	return dst
}

// place is an item with its score.
type place struct {
	score float64
	item  int32
}

// better is best for two different items, without a look at their ids where it can be spared: candidates stand by id.
func (m *Model) better(a, b place) bool {
	if a.score != b.score {
		return a.score > b.score
	}
	if max(a.item, b.item) < int32(m.candidates) {
		return a.item < b.item
	}
	return m.ids[a.item] < m.ids[b.item]
}

// sort puts the scored items in order: by counting on the leading 32 bits of the score, then a pass that puts right the few
// that differ in later bits, and merges in the items that are no candidates.
func (m *Model) sort(dst []Scored, w *scratch, allow *Set) []Scored {
	w.keys = w.keys[:0]
	for i, s := range w.score {
		if !allow.Has(i) {
			continue
		}
		b := math.Float64bits(s + 0) // -0 becomes 0
		if b>>63 == 0 {
			b = ^b &^ (1 << 63)
		}
		w.keys = append(w.keys, key{bits: uint32(b >> 32), item: int32(i)})
	}
	n := len(w.keys)
	w.spare = slices.Grow(w.spare[:0], n)[:n]
	a, b := w.keys, w.spare
	const digit = 11
	var count [3][1 << digit]int32
	for _, k := range a {
		count[0][k.bits&(1<<digit-1)]++
		count[1][k.bits>>digit&(1<<digit-1)]++
		count[2][k.bits>>(2*digit)]++
	}
	for d := range count {
		at := int32(0)
		for i, c := range count[d] {
			count[d][i] = at
			at += c
		}
		shift := uint(d * digit)
		for _, k := range a {
			p := &count[d][k.bits>>shift&(1<<digit-1)]
			b[*p] = k
			*p++
		}
		a, b = b, a
	}
	dst = slices.Grow(dst, n+len(w.others))
	for _, k := range a {
		s := w.score[k.item] + 0
		dst = append(dst, Scored{Item: int(k.item), ID: m.ids[k.item], Score: s})
		for i := len(dst) - 1; i > 0 && dst[i-1].Score < s; i-- {
			dst[i-1], dst[i] = dst[i], dst[i-1]
		}
	}
	if len(w.others) == 0 {
		return dst
	}
	slices.SortFunc(w.others, best)
	dst = append(dst, w.others...)
	// Merge from the back, in place: both parts are in order already.
	i, j := n-1, len(w.others)-1
	for at := len(dst) - 1; j >= 0; at-- {
		if i >= 0 && best(dst[i], w.others[j]) > 0 {
			dst[at] = dst[i]
			i--
		} else {
			dst[at] = w.others[j]
			j--
		}
	}
	return dst
}

// best orders by score, highest first, then by id.
func best(a, b Scored) int {
	if a.Score != b.Score {
		return cmp.Compare(b.Score, a.Score)
	}
	return strings.Compare(a.ID, b.ID)
}

// Explain gives the parts of an item's score, largest first by size, ties by source; they add up to the score that Rank gave
// for the same input (to 1e-9). An item that Rank would not have ranked has none, and parts of nothing are left out.
func (m *Model) Explain(in Input, item string) []Part {
	at, ok := m.index.Find(item)
	allow := in.Allow
	if allow == nil {
		allow = m.allowed
	}
	if !ok || !allow.Has(int(at)) {
		return nil
	}
	parts := m.parts(&in, at)
	slices.SortFunc(parts, func(a, b Part) int {
		return cmp.Or(cmp.Compare(math.Abs(b.Weight), math.Abs(a.Weight)), strings.Compare(a.Source, b.Source))
	})
	return parts
}

// parts lists an item's parts in the order of adding.
func (m *Model) parts(in *Input, item int32) []Part {
	var parts []Part
	add := func(p Part) {
		if p.Weight != 0 {
			parts = append(parts, p)
		}
	}
	candidate := item < int32(m.candidates)
	if candidate && !in.Muted[SourceTrend] {
		add(Part{Source: SourceTrend, Weight: m.trends[month(in.At)][item]})
	}
	w := m.room(in)
	defer m.leave(in, w)
	for i := range w.sources {
		s := &w.sources[i]
		if !s.fact && s.at == item {
			add(m.part(s, true, s.again))
		}
		row, weighs := m.row(s)
		if !weighs || !candidate {
			continue
		}
		if weight, found := m.weighs(row, item); found {
			add(m.part(s, false, s.x*weight))
		}
	}
	return parts
}

// weighs is the weight of a row to an item, and false when there is none.
func (m *Model) weighs(row, item int32) (float64, bool) {
	lo, hi := m.start[row], m.start[row+1]
	if lo == hi {
		return 0, false
	}
	var at int
	var found bool
	if m.near != nil {
		at, found = find(m.near[lo:hi], item)
	} else {
		at, found = find(m.to[lo:hi], item)
	}
	return float64(m.weight[int(lo)+at]), found
}

// find is the place of an item among targets, of which there is one at least. Each step is added and not jumped over, for no processor could guess it:
// two thirds of the time that slices.BinarySearch takes.
func find[T int32 | uint16](to []T, item int32) (at int, found bool) {
	for n := len(to); n > 1; {
		half := n / 2
		at += half & int((int64(to[at+half])-int64(item)-1)>>63) // all bits where the target is not behind the item
		n -= half
	}
	return at, int32(to[at]) == item
}

// part is what a source adds, by itself or by taking it again.
func (m *Model) part(s *source, again bool, weight float64) Part {
	if s.fact {
		fact, _, _ := strings.Cut(m.columns[s.at-int32(len(m.ids))-int32(m.candidates)], "=")
		return Part{Source: SourceFact(fact), Fact: fact, Weight: weight}
	}
	p := Part{Source: m.ids[s.at], Item: m.ids[s.at], Event: s.event, Times: int(s.times), Last: s.last, Weight: weight}
	if again {
		p.Source = SourceAgain
	}
	return p
}
