package recommend

import (
	"math"
	"slices"
)

// Reasons is what Explain gives of one item, cut short: its largest parts, and how many more there are.
type Reasons struct {
	Parts []Part // largest first by size, ties by source
	More  int    // parts that are not among them; they add up to the score less the sum of Parts
}

// Reasons explains several items of one ranking, each with its n largest parts: the same as Explain's first n, at a fraction of its cost,
// for the input is resolved once and nothing is sorted whole. An item that Rank would not have ranked has none.
func (m *Model) Reasons(in Input, items []string, n int) []Reasons {
	out := make([]Reasons, len(items))
	allow := in.Allow
	if allow == nil {
		allow = m.allowed
	}
	w := m.room(&in)
	defer m.leave(&in, w)
	slab := make([]Part, 0, n*len(items))
	top := largest{m: m, sources: w.sources, n: n, parts: make([]share, 0, n+1)}
	for k, id := range items {
		item, ok := m.index.Find(id)
		if !ok || !allow.Has(int(item)) {
			continue
		}
		top.parts, top.more = top.parts[:0], 0
		candidate := item < int32(m.candidates)
		if candidate && !in.Muted[SourceTrend] {
			top.offer(share{m.trends[month(in.At)][item], trend})
		}
		for i := range w.sources {
			s := &w.sources[i]
			if !s.fact && s.at == item {
				top.offer(share{s.again, int32(i) | again})
			}
			row, weighs := m.row(s)
			if !weighs || !candidate {
				continue
			}
			if weight, found := m.weighs(row, item); found {
				top.offer(share{s.x * weight, int32(i)})
			}
		}
		from := len(slab)
		for _, p := range top.parts {
			slab = append(slab, top.part(p))
		}
		out[k] = Reasons{Parts: slab[from:len(slab):len(slab)], More: top.more}
	}
	return out
}

// share is a part before it has its words.
type share struct {
	weight float64
	from   int32 // the source's place; or trend
}

const (
	trend = -1
	again = 1 << 30 // besides the place: for taking it again
)

// largest keeps the n largest parts that it was offered, in order.
type largest struct {
	m       *Model
	sources []source
	parts   []share
	n       int
	more    int
}

// offer takes a part; one of nothing does not count.
func (l *largest) offer(p share) {
	if p.weight == 0 {
		return
	}
	at := len(l.parts)
	for at > 0 && l.larger(p, l.parts[at-1]) {
		at--
	}
	if at >= l.n {
		l.more++
		return
	}
	if len(l.parts) == l.n {
		l.more++
		l.parts = l.parts[:l.n-1]
	}
	l.parts = slices.Insert(l.parts, at, p)
}

// larger orders parts as Explain does: largest first by size, then by source.
func (l *largest) larger(a, b share) bool {
	if x, y := math.Abs(a.weight), math.Abs(b.weight); x != y {
		return x > y
	}
	return l.part(a).Source < l.part(b).Source
}

func (l *largest) part(p share) Part {
	if p.from == trend {
		return Part{Source: SourceTrend, Weight: p.weight}
	}
	return l.m.part(&l.sources[p.from&^again], p.from&again != 0, p.weight)
}
