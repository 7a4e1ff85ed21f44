package recommend

import (
	"cmp"
	"math"
	"slices"
	"strings"
)

// Neighbour is an item that is taken by the same people as another one, more often than chance has it.
type Neighbour struct {
	Item string
	Near float64 // in (0,1): see Neighbours
}

// Neighbours lists what is taken by those who take an item ("goes with"), nearest first, ties by id. How near two items are is
// the correlation of having taken the one with having taken the other (the phi coefficient: Yule, "On the Methods of Measuring
// Association Between Two Attributes", 1912), which is 0 where the one says nothing of the other, however popular both are. It
// is shrunk by n/(n+k) for the n people who took both (Koren, "Factorization Meets the Neighborhood", KDD 2008, eq. 2). The weights
// by which Rank adds up are no measure of it: they are large for what nearly everybody takes.
//
// Every pair rests on at least k people. Items that were marked sensitive when the model was learnt are neither asked about nor
// listed, and what is not taken together more often than by chance is not listed.
func (m *Model) Neighbours(item string) []Neighbour {
	at, ok := m.index.Find(item)
	if !ok || int(at) >= m.candidates || m.marked.Has(int(at)) {
		return nil
	}
	var near []Neighbour
	for e := m.start[at]; e < m.start[at+1]; e++ {
		to := m.to[e]
		if to == at || m.marked.Has(int(to)) {
			continue
		}
		both := float64(m.shared[e])
		if r := phi(float64(m.people[at]), float64(m.people[to]), both, float64(m.everybody())); r > 0 {
			near = append(near, Neighbour{m.ids[to], r * both / (both + float64(m.k))})
		}
	}
	slices.SortFunc(near, func(a, b Neighbour) int { return cmp.Or(cmp.Compare(b.Near, a.Near), strings.Compare(a.Item, b.Item)) })
	return near
}

// phi is the correlation of two properties that a and b of n people have, and both of them together; 0 where one of them tells
// nobody apart.
func phi(a, b, both, n float64) float64 {
	spread := a * (n - a) * b * (n - b)
	if spread <= 0 {
		return 0
	}
	return (n*both - a*b) / math.Sqrt(spread)
}

// everybody is how many people took any candidate. A model of the first version does not say: the people of its most popular
// item stand for all.
func (m *Model) everybody() int32 {
	if m.all > 0 || m.candidates == 0 {
		return m.all
	}
	return slices.Max(m.people)
}
