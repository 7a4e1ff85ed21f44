package recommend

import "slices"

// AtLeast is the model without what rests on fewer than k people: m itself when it was learnt with that k or a higher one. A charter
// may ask for more people than the one by which a model was learnt; until it is learnt again, that much of it may be used. What is
// left keeps its weight, so scores are those of m without some of their parts. m stays as it is.
func (m *Model) AtLeast(k int) *Model {
	if m == nil || m.k >= k {
		return m
	}
	enough := func(people int32) bool { return int(people) >= k }
	out := &Model{k: k, learnt: m.learnt, all: m.all, terms: m.terms}

	// Items keep their order; those that too few took are no candidates any more, and stand among the others.
	var stay, rest []int
	for j := range m.ids {
		if j < m.candidates && enough(m.people[j]) {
			stay = append(stay, j)
		} else {
			rest = append(rest, j)
		}
	}
	slices.SortFunc(rest, func(a, b int) int {
		if m.ids[a] < m.ids[b] {
			return -1
		}
		return 1
	})
	out.candidates = len(stay)
	place := make([]int32, len(m.ids))
	out.marked = newSet(len(m.ids))
	for i, old := range append(slices.Clone(stay), rest...) {
		place[old] = int32(i)
		out.ids = append(out.ids, m.ids[old])
		if m.marked.Has(old) {
			out.marked.add(i)
		}
	}

	out.start = append(out.start, 0)
	weights := func(source int) {
		for e := m.start[source]; e < m.start[source+1]; e++ {
			if t := place[m.to[e]]; enough(m.shared[e]) && int(t) < out.candidates {
				out.to, out.weight, out.shared = append(out.to, t), append(out.weight, m.weight[e]), append(out.shared, m.shared[e])
			}
		}
		out.start = append(out.start, int32(len(out.to)))
	}
	for _, j := range stay {
		weights(j)
	}
	for c, name := range m.columns {
		before := len(out.to)
		if weights(m.candidates + c); len(out.to) > before {
			out.columns = append(out.columns, name)
		} else {
			out.start = out.start[:len(out.start)-1]
		}
	}

	for _, j := range stay {
		lately, recent := m.lately[j], m.recent[j]
		if !enough(recent) {
			lately, recent = 0, 0
		}
		out.people, out.repeat = append(out.people, m.people[j]), append(out.repeat, m.repeat[j])
		out.lately, out.recent = append(out.lately, lately), append(out.recent, recent)
	}
	for _, s := range m.season {
		var to season
		for _, j := range stay {
			lift, people := s.lift[j], s.people[j]
			if !enough(people) {
				lift, people = 1, 0
			}
			to.lift, to.people = append(to.lift, lift), append(to.people, people)
		}
		out.season = append(out.season, to)
	}
	out.ready()
	return out
}
