package recommend

import (
	"cmp"
	"context"
	"math"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/rapporthq/rapport/person"
)

// The model's few numbers are chosen on the last weeks of the histories, which the fit for choosing does not see. What is
// tried is a short list, so that the choice tells nothing of anybody; ties go to the first of the list, which is also what
// small or timeless data gets without a choice.
var (
	tryMemory   = []float64{30, 120}
	tryLambda   = []float64{200, 50, 800, 3200} // the last only where the one before it won
	tryLambdas  = []float64{200, 50, 100, 400, 800} // where there are no times
	tryAgain    = []float64{0.2, 0, 0.05, 0.1, 0.4, 0.8, 1.6}
	tryHalfLife = []float64{120, 30, 60, 240, 0}
	tryTrend    = []float64{0.03, 0, 0.01, 0.06, 0.1, 0.2}
)

const (
	heldDays    = 28.0 // the last weeks, or a quarter of the span if that is less
	leastSpan   = 21.0 // days of history below which nothing is held out
	mostJudged  = 2000 // people by whom is judged
	leastJudged = 50   // below it the first of each list stands
	unit        = 1e9  // figures are summed in integers of this fineness, so that the order of people does not matter
)

func choose(ctx context.Context, c *corpus, opts *Options, q *Quality) error {
	first := Fixed{Again: tryAgain[0], HalfLife: tryHalfLife[0], Trend: tryTrend[0], Lambda: tryLambda[0], Memory: tryMemory[0]}
	span := float64(c.end-c.begin) / day
	timed := c.end != 0
	if !timed {
		first.Memory, first.HalfLife = 0, 0
	}
	q.Chosen = first
	if timed && span >= leastSpan {
		if err := chooseByTime(ctx, c, opts, q, span); err != nil {
			return err
		}
	}
	opts.Progress(0.7)
	return strong(ctx, c, opts, q, timed)
}

// future is a judged person: what they had, and what they took in the held weeks.
type future struct {
	p     int
	truth []int32 // items, rising
	fresh int     // how many of them they had not taken before
}

func chooseByTime(ctx context.Context, c *corpus, opts *Options, q *Quality, span float64) error {
	until := c.end + 1 - person.Instant(min(heldDays, span/4)*day)
	v := c.see(until, opts.K, opts.Candidate, nil)
	judged := c.futures(v)
	if len(judged) < leastJudged || len(v.candidates) == 0 {
		return nil
	}
	q.HeldFrom = until
	q.Judged = len(judged)
	for _, f := range judged {
		if f.fresh > 0 {
			q.JudgedNew++
		}
	}
	var tried []Fixed
	var all, fresh []float64
	try := func(lambda, memory float64) error {
		m, err := build(ctx, v, opts, terms{Lambda: lambda, Memory: memory})
		if err != nil {
			return err
		}
		g := grid{m: m, v: v, judged: judged}
		g.run()
		for k, f := range g.tried() {
			f.Lambda, f.Memory = lambda, memory
			tried = append(tried, f)
			all = append(all, float64(g.all[k])/unit/float64(q.Judged))
			fresh = append(fresh, float64(g.fresh[k])/unit/float64(max(1, q.JudgedNew)))
		}
		opts.Progress(0.1 + 0.12*float64(len(tried)/len(g.all)))
		return nil
	}
	// The best of all tried: bought things allowed and new things count alike, each against its best.
	won := func() int {
		bestAll, bestFresh := max(slices.Max(all), 1e-9), max(slices.Max(fresh), 1e-9)
		at, top := 0, -1.0
		for i := range tried {
			if s := all[i]/bestAll + fresh[i]/bestFresh; s > top+1e-9 {
				at, top = i, s
			}
		}
		return at
	}
	for _, memory := range tryMemory {
		if err := try(tryLambda[0], memory); err != nil {
			return err
		}
	}
	memory := tried[won()].Memory
	for i, lambda := range tryLambda[1:] {
		if i == len(tryLambda)-2 && tried[won()].Lambda != tryLambda[i] {
			break
		}
		if err := try(lambda, memory); err != nil {
			return err
		}
	}
	w := won()
	q.Chosen, q.NDCG10, q.NDCG10New = tried[w], all[w], fresh[w]
	return nil
}

// futures lists who is judged: people seen before the view's end who took something after it, at most mostJudged of them, by
// their mark.
func (c *corpus) futures(v *view) []future {
	var fs []future
	for p := range c.people() {
		f := future{p: p}
		known := false
		for e := c.first[p]; e < c.first[p+1]; e++ {
			before, times := v.before(e), c.when[e+1]-c.when[e]
			known = known || len(before) > 0
			if len(before) == times || !v.may(c.item[e]) {
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

// may says whether an item could have been ranked: it was a candidate, or is what people had.
func (v *view) may(item int32) bool { return v.candidate[item] >= 0 }

// grid judges one fitted model under every choice of the terms beside the weights.
type grid struct {
	m          *Model
	v          *view
	judged     []future
	all, fresh []int64 // by choice: sums of ndcg@10 in units of 1/unit
}

func (g *grid) tried() []Fixed {
	var out []Fixed
	for _, c := range tryTrend {
		for _, h := range tryHalfLife {
			for _, a := range tryAgain {
				out = append(out, Fixed{Again: a, HalfLife: h, Trend: c})
			}
		}
	}
	return out
}

func (g *grid) run() {
	n := len(tryTrend) * len(tryHalfLife) * len(tryAgain)
	g.all, g.fresh = make([]int64, n), make([]int64, n)
	var mu sync.Mutex
	var next atomic.Int64
	var wg sync.WaitGroup
	for range min(runtime.GOMAXPROCS(0), len(g.judged)) {
		wg.Go(func() {
			j := judge{g: g, score: make([]float64, g.m.candidates), had: make([]bool, g.m.candidates),
				all: make([]int64, n), fresh: make([]int64, n)}
			for {
				i := int(next.Add(1)) - 1
				if i >= len(g.judged) {
					break
				}
				j.person(&g.judged[i])
			}
			mu.Lock()
			defer mu.Unlock()
			for i := range n {
				g.all[i] += j.all[i]
				g.fresh[i] += j.fresh[i]
			}
		})
	}
	wg.Wait()
}

// judge is one worker's room.
type judge struct {
	g          *grid
	score      []float64
	had        []bool
	all, fresh []int64
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
	v.each(f.p, func(item int32, when []person.Instant) {
		x := amount(len(when))
		for e := m.start[item]; e < m.start[item+1]; e++ {
			j.score[m.to[e]] += x * float64(m.weight[e])
		}
		owns = append(owns, own{item, when})
		j.had[item] = true
	})
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
		truth[v.candidate[i]] = true
	}
	unseen := make([]ranked, 0, 10)
	top := make([]ranked, 0, 10)
	k := 0
	for _, c := range tryTrend {
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
		for _, h := range tryHalfLife {
			one := terms{Again: 1, HalfLife: h}
			again := make([]float64, len(owns))
			for i, o := range owns {
				again[i] = one.again(o.when, v.until) * m.repeats(o.item)
			}
			for _, a := range tryAgain {
				top = append(top[:0], unseen...)
				for i, o := range owns {
					top = push(top, ranked{o.item, j.score[o.item] + c*float64(m.lately[o.item]) + a*again[i]})
				}
				j.all[k] += gainOf(top, truth, len(f.truth))
				j.fresh[k] += fresh
				k++
			}
		}
	}
	for _, o := range owns {
		j.had[o.item] = false
	}
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
