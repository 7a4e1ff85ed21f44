package identity

import (
	"cmp"
	"math"
	"slices"
)

// Two files without duplicates in themselves are linked one to one, and that is knowledge: who has found a partner is no
// partner for others any more, and when nearly all have, the last ones are probably each other's. Let every number of links be
// equally likely beforehand, and every matching with so many links too; then with n links made between files of a and b records
// the odds that two of those that are left are one person's are, before their fields are looked at,
//
//	(n+1) / ((a-n)(b-n))
//
// (the ratio of the prior of Sadinle 2017, with a uniform share of overlap, with one link more). Links are made in the order of
// their scores while their odds are better than even.

// oneToOne links two files, or gives nil where a file shows duplicates in itself: more than one in fifty of the records that
// have a sure link have two.
func (r *records) oneToOne(md *model, pairs []pair) []int32 {
	links := make([]int32, r.n)
	some, several := 0, 0
	for _, p := range pairs {
		if p.score >= Sure {
			for _, i := range []int32{p.a, p.b} {
				switch links[i]++; links[i] {
				case 1:
					some++
				case 2:
					several++
				}
			}
		}
	}
	if several*50 > some {
		return nil
	}
	cluster := make([]int32, r.n)
	for i := range cluster {
		cluster[i] = int32(i)
	}
	partner := make([]bool, r.n)
	made := 0
	link := func(pairs []pair) {
		slices.SortFunc(pairs, func(x, y pair) int {
			return cmp.Or(cmp.Compare(y.score, x.score), cmp.Compare(x.a, y.a), cmp.Compare(x.b, y.b))
		})
		for again := true; again; {
			again = false
			for _, p := range pairs {
				if partner[p.a] || partner[p.b] {
					continue
				}
				left := float64(r.first-made) * float64(r.n-r.first-made)
				odds := float64(p.score) - md.prior + math.Log2(float64(made+1)/left)
				if odds <= Cut {
					continue // what is left may yet become fewer
				}
				partner[p.a], partner[p.b] = true, true
				cluster[p.b] = p.a
				made++
				again = true
			}
		}
	}
	link(slices.Clone(pairs))
	// Those that are left may share no block. Where they are few, all of them are compared.
	var a, b []int32
	for i := range int32(r.n) {
		switch {
		case partner[i]:
		case int(i) < r.first:
			a = append(a, i)
		default:
			b = append(b, i)
		}
	}
	const few = 1_000_000
	if len(a) > 0 && len(b) > 0 && len(a)*len(b) <= few {
		var v vector
		var rest []pair
		for _, i := range a {
			for _, j := range b {
				r.compare(i, j, &v)
				rest = append(rest, pair{i, j, float32(md.score(&v))})
			}
		}
		link(rest)
	}
	return cluster
}
