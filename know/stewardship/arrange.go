package stewardship

import (
	"cmp"
	"slices"

	"github.com/rapporthq/rapport/know/identity"
)

// mostWaiting is how many pairs a match leaves for a steward at most, those with the highest scores: nobody reads more.
const mostWaiting = 10_000

// group is people who are joined by one match, and the links between their records that show it: the fewest, and of these the surest.
type group struct {
	people []int32
	links  []identity.Pair
}

// arrangement is what becomes of the pairs that a match found.
type arrangement struct {
	groups    []group         // to be joined
	waiting   []identity.Pair // for a steward, the highest score first
	beyond    int             // pairs more than mostWaiting
	contested int             // groups that were not joined, for they would have brought two together whom a steward called different
}

// arrange decides what becomes of the pairs of the records of n people; of says by record whose it is. Links that are sure and within one cluster make groups. A group in which two people are
// whom a steward called different joins nobody: which of its links is wrong is not for a program to say, so each waits for a steward. Of the
// other pairs one for each two groups waits, the surest, and none between groups that hold two whom a steward called different: it was
// answered already.
func arrange(n int, of []int32, pairs []identity.Pair, cluster []int32, join bool, different [][2]int32) arrangement {
	var out arrangement
	pairs = slices.Clone(pairs)
	slices.SortFunc(pairs, func(x, y identity.Pair) int {
		return cmp.Or(cmp.Compare(y.Score, x.Score), cmp.Compare(x.A, y.A), cmp.Compare(x.B, y.B))
	})
	sets := newSets(n)
	var links []identity.Pair
	if join {
		for _, p := range pairs {
			if p.Score >= identity.Sure && cluster[p.A] == cluster[p.B] && sets.unite(of[p.A], of[p.B]) {
				links = append(links, p)
			}
		}
	}
	contested := map[int32]bool{}
	for _, d := range different {
		if r := sets.root(d[0]); r == sets.root(d[1]) {
			contested[r] = true
		}
	}
	out.contested = len(contested)
	joined := newSets(n)
	place := map[int32]int{}
	for _, l := range links {
		r := sets.root(of[l.A])
		if contested[r] {
			continue
		}
		joined.unite(of[l.A], of[l.B])
		at, ok := place[r]
		if !ok {
			at = len(out.groups)
			place[r] = at
			out.groups = append(out.groups, group{})
		}
		g := &out.groups[at]
		g.links = append(g.links, l)
		for _, i := range []int32{of[l.A], of[l.B]} {
			if !slices.Contains(g.people, i) {
				g.people = append(g.people, i)
			}
		}
	}
	answered := map[[2]int32]bool{}
	between := func(a, b int32) [2]int32 {
		x, y := joined.root(a), joined.root(b)
		return [2]int32{min(x, y), max(x, y)}
	}
	for _, d := range different {
		answered[between(d[0], d[1])] = true
	}
	for _, p := range pairs {
		at := between(of[p.A], of[p.B])
		if at[0] == at[1] || answered[at] {
			continue
		}
		answered[at] = true
		if len(out.waiting) == mostWaiting {
			out.beyond++
			continue
		}
		out.waiting = append(out.waiting, p)
	}
	return out
}

// sets are disjoint sets of people, by their numbers.
type sets []int32

func newSets(n int) sets {
	s := make(sets, n)
	for i := range s {
		s[i] = int32(i)
	}
	return s
}

func (s sets) root(i int32) int32 {
	for s[i] != i {
		s[i] = s[s[i]]
		i = s[i]
	}
	return i
}

// unite brings two sets together, and says whether they were two.
func (s sets) unite(a, b int32) bool {
	a, b = s.root(a), s.root(b)
	if a == b {
		return false
	}
	s[max(a, b)] = min(a, b)
	return true
}
