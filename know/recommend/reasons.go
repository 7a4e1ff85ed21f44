package recommend

import (
	"cmp"
	"math"
	"slices"
	"strings"
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
	w, _ := m.scratch.Get().(*scratch)
	if w == nil {
		w = &scratch{score: make([]float64, m.candidates)}
	}
	defer m.scratch.Put(w)
	w.sources = m.sources(w.sources, &in)
	slab := make([]Part, 0, n*len(items))
	for k, id := range items {
		item, ok := m.index[id]
		if !ok || !allow.Has(int(item)) {
			continue
		}
		from := len(slab)
		top := largest{parts: slab[from:from], n: n}
		candidate := item < int32(m.candidates)
		if candidate && !in.Muted[SourceTrend] {
			if w := m.trends[month(in.At)][item]; w != 0 {
				top.offer(Part{Source: SourceTrend, Weight: w})
			}
		}
		for i := range w.sources {
			s := &w.sources[i]
			if s.taken >= 0 && s.at == item && top.may(s.again) {
				t := &in.Taken[s.taken]
				top.offer(Part{Source: SourceAgain, Item: t.Item, Event: t.Event, Weight: s.again})
			}
			row, weighs := m.row(s)
			if !weighs || !candidate {
				continue
			}
			lo, hi := m.start[row], m.start[row+1]
			e, found := slices.BinarySearch(m.to[lo:hi], item)
			if !found {
				continue
			}
			p := Part{Weight: s.x * float64(m.weight[lo+int32(e)])}
			if !top.may(p.Weight) {
				continue
			}
			if s.taken >= 0 {
				t := &in.Taken[s.taken]
				p.Source, p.Item, p.Event = t.Item, t.Item, t.Event
			} else {
				p.Fact, _, _ = strings.Cut(m.columns[row-int32(m.candidates)], "=")
				p.Source = SourceFact(p.Fact)
			}
			top.offer(p)
		}
		out[k] = Reasons{Parts: top.parts, More: top.more}
		slab = slab[:from+len(top.parts)]
	}
	return out
}

// largest keeps the n largest parts that it was offered, in order.
type largest struct {
	parts []Part
	n     int
	more  int
}

// may says whether a part of this weight could be among them; one that could not is counted as one more. Parts of nothing do not count.
func (l *largest) may(weight float64) bool {
	if weight == 0 {
		return false
	}
	if len(l.parts) < l.n || l.n > 0 && math.Abs(weight) >= math.Abs(l.parts[len(l.parts)-1].Weight) {
		return true
	}
	l.more++
	return false
}

func (l *largest) offer(p Part) {
	at := len(l.parts)
	for at > 0 && larger(p, l.parts[at-1]) < 0 {
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
func larger(a, b Part) int {
	if x, y := math.Abs(a.Weight), math.Abs(b.Weight); x != y {
		return cmp.Compare(y, x)
	}
	return strings.Compare(a.Source, b.Source)
}
