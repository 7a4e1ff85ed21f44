package recommend

import (
	"cmp"
	"math"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/rapporthq/rapport/person"
)

// future is a judged person: what they had, and what they took in the held weeks.
type future struct {
	p     int
	truth []int32 // items, rising
	fresh int     // how many of them they had not taken before
}

// futures lists who is judged: people seen before the view's end who took something after it that could be ranked (a candidate,
// or of the catalogue), at most mostJudged of them, by their mark.
func (c *corpus) futures(v *view, catalogue []string) []future {
	may := make([]bool, len(c.items))
	for _, id := range catalogue {
		if i, ok := slices.BinarySearch(c.items, id); ok {
			may[i] = true
		}
	}
	for _, i := range v.candidates {
		may[i] = true
	}
	var fs []future
	for p := range c.people() {
		if v.out != nil && v.out(p) {
			continue
		}
		f := future{p: p}
		known := false
		for e := c.first[p]; e < c.first[p+1]; e++ {
			before, times := v.before(e), int(c.when[e+1]-c.when[e])
			known = known || len(before) > 0
			if len(before) == times || !may[c.item[e]] {
				continue
			}
			f.truth = append(f.truth, c.item[e])
			if len(before) == 0 {
				f.fresh++
			}
		}
		if known && len(f.truth) > 0 {
			fs = append(fs, f)
		}
	}
	slices.SortFunc(fs, func(a, b future) int { return cmp.Compare(c.mark[a.p], c.mark[b.p]) })
	return fs[:min(len(fs), mostJudged)]
}

// grid judges one fitted model under every choice of the terms beside the weights.
type grid struct {
	m      *Model
	v      *view
	judged []future

	trend, halfLife, again, rare []float64 // what is tried
}

func (g *grid) run() []outcome {
	var out []outcome
	for _, c := range g.trend {
		for _, h := range g.halfLife {
			for _, a := range g.again {
				for _, r := range g.rare {
					f := Fixed(g.m.terms)
					f.Trend, f.HalfLife, f.Again, f.Rare = c, h, a, r
					out = append(out, outcome{Fixed: f, m: g.m})
				}
			}
		}
	}
	var mu sync.Mutex
	var next atomic.Int64
	var wg sync.WaitGroup
	var owned, owns int64
	for range min(runtime.GOMAXPROCS(0), len(g.judged)) {
		wg.Go(func() {
			j := judge{g: g, score: make([]float64, g.m.candidates), had: make([]bool, g.m.candidates),
				all: make([]int64, len(out)), fresh: make([]int64, len(out))}
			for {
				i := int(next.Add(1)) - 1
				if i >= len(g.judged) {
					break
				}
				j.person(&g.judged[i])
			}
			mu.Lock()
			defer mu.Unlock()
			owned += j.owned
			owns += j.owns
			for i := range out {
				out[i].all += j.all[i]
				out[i].fresh += j.fresh[i]
			}
		})
	}
	wg.Wait()
	for i := range out {
		out[i].owned = float64(owned) / unit / float64(max(1, owns))
	}
	return out
}

// judge is one worker's room.
type judge struct {
	g          *grid
	score      []float64
	had        []bool
	all, fresh []int64
	owned      int64 // sum of what weights say of the candidates that people have, in units of 1/unit
	owns       int64
}

type ranked struct {
	item  int32
	score float64
}

// push keeps the ten best in order.
func push(top []ranked, r ranked) []ranked {
	if len(top) == 10 && !above(r, top[9]) {
		return top
	}
	i, _ := slices.BinarySearchFunc(top, r, func(a, b ranked) int {
		if above(a, b) {
			return -1
		}
		return 1
	})
	if len(top) < 10 {
		top = append(top, ranked{})
	}
	copy(top[i+1:], top[i:])
	top[i] = r
	return top
}

func above(a, b ranked) bool { return a.score > b.score || (a.score == b.score && a.item < b.item) }

func (j *judge) person(f *future) {
	m, v := j.g.m, j.g.v
	clear(j.score)
	type own struct {
		item int32
		when []person.Instant
	}
	var owns []own
	for e := v.first[f.p]; e < v.first[f.p+1]; e++ {
		when := v.before(e)
		if len(when) == 0 {
			continue
		}
		item := v.candidate[v.item[e]]
		if item < 0 {
			owns = append(owns, own{v.place(v.item[e]), when})
			continue
		}
		x := amount(len(when))
		for e := m.start[item]; e < m.start[item+1]; e++ {
			j.score[m.to[e]] += x * float64(m.weight[e])
		}
		owns = append(owns, own{item, when})
		j.had[item] = true
	}
	for _, c := range v.col[v.colAt[f.p]:v.colAt[f.p+1]] {
		if k := v.fact[c]; k >= 0 {
			s := len(v.candidates) + int(k)
			for e := m.start[s]; e < m.start[s+1]; e++ {
				j.score[m.to[e]] += float64(m.weight[e])
			}
		}
	}
	truth := make(map[int32]bool, len(f.truth))
	for _, i := range f.truth {
		truth[v.place(i)] = true
	}
	for _, o := range owns {
		if o.item < int32(m.candidates) {
			j.owned += int64(math.Round(j.score[o.item] * unit))
			j.owns++
		}
	}
	unseen := make([]ranked, 0, 10)
	top := make([]ranked, 0, 10)
	k := 0
	for _, c := range j.g.trend {
		unseen = unseen[:0]
		for i, s := range j.score {
			if !j.had[i] {
				s += c * float64(m.lately[i])
				if len(unseen) < 10 || s > unseen[9].score {
					unseen = push(unseen, ranked{int32(i), s})
				}
			}
		}
		fresh := int64(0)
		if f.fresh > 0 {
			fresh = gainOf(unseen, truth, f.fresh)
		}
		for _, h := range j.g.halfLife {
			one := terms{Again: 1, HalfLife: h}
			again := make([]float64, len(owns))
			for i, o := range owns {
				again[i] = one.again(o.when, v.until) * m.repeats(o.item)
			}
			for _, a := range j.g.again {
				for _, r := range j.g.rare {
					top = append(top[:0], unseen...)
					for i, o := range owns {
						s := a * again[i]
						if o.item < int32(m.candidates) {
							s += j.score[o.item] + c*float64(m.lately[o.item])
						} else {
							s += r
						}
						if len(top) < 10 || s >= top[9].score {
							top = push(top, ranked{o.item, s})
						}
					}
					j.all[k] += gainOf(top, truth, len(f.truth))
					j.fresh[k] += fresh
					k++
				}
			}
		}
	}
	for _, o := range owns {
		if o.item < int32(m.candidates) {
			j.had[o.item] = false
		}
	}
}

// place numbers an item: candidates first, then, as far as somebody has them, the others.
func (v *view) place(item int32) int32 {
	if c := v.candidate[item]; c >= 0 {
		return c
	}
	return int32(len(v.candidates)) + item
}

// gainOf is ndcg@10 in units of 1/unit.
func gainOf(top []ranked, truth map[int32]bool, relevant int) int64 {
	dcg, ideal := 0.0, 0.0
	for i, r := range top {
		if truth[r.item] {
			dcg += 1 / math.Log2(float64(i+2))
		}
	}
	for i := range min(10, relevant) {
		ideal += 1 / math.Log2(float64(i+2))
	}
	return int64(math.Round(dcg / ideal * unit))
}
