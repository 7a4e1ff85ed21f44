package recommend

import (
	"cmp"
	"context"
	"math"
	"slices"
)

// Strong generalisation: a tenth of the people is kept from the fit; each is then judged by a fifth of what they took,
// given the rest. Where histories have no times it also chooses lambda and drop.

const (
	foldLeast = 5   // candidates that a person must have taken to be judged
	foldMost  = 500 // people judged
)

func strong(ctx context.Context, c *corpus, opts *Options, q *Quality, timed bool, out func(int) bool) error {
	var able []int
	for p := range c.people() {
		if c.first[p+1]-c.first[p] >= foldLeast && !out(p) {
			able = append(able, p)
		}
	}
	slices.SortFunc(able, func(a, b int) int { return cmp.Compare(c.mark[a], c.mark[b]) })
	able = able[:min(len(able)/10, foldMost)]
	if len(able) < leastJudged/2 {
		return nil
	}
	held := make(map[int]bool, len(able))
	for _, p := range able {
		held[p] = true
	}
	v := c.see(math.MaxInt64, opts.K, opts.Candidate, func(p int) bool { return held[p] || out(p) })
	if len(v.candidates) == 0 {
		return nil
	}
	tries := []Fixed{q.Chosen}
	if !timed {
		tries = tries[:0]
		for _, l := range tryLambdas {
			for _, d := range tryDrop {
				t := q.Chosen
				t.Lambda, t.Drop = l, d
				tries = append(tries, t)
			}
		}
	}
	won := -1.0
	l := learner{v: v, opts: opts, work: chooseSolving}
	for _, t := range tries {
		m, err := l.build(ctx, terms(t))
		if err != nil {
			return err
		}
		recall, ndcg := 0.0, 0.0
		n := 0
		for _, p := range able {
			given, truth := fold(c, p)
			if len(truth) == 0 || len(given) == 0 {
				continue
			}
			in := Input{Taken: given, At: c.end, Muted: map[string]bool{SourceAgain: true}, Allow: m.Set(func(string) bool { return true })}
			had := map[string]bool{}
			for _, g := range given {
				had[g.Item] = true
			}
			for _, k := range c.col[c.colAt[p]:c.colAt[p+1]] {
				in.Columns = append(in.Columns, c.columns[k])
			}
			top := leave(m.Rank(nil, in), had, 100)
			f := figuresOf(top, truth)
			recall += math.Round(f.Recall20*unit) / unit
			ndcg += math.Round(f.NDCG100*unit) / unit
			n++
		}
		if n == 0 {
			return nil
		}
		if ndcg/float64(n) > won+1e-9 {
			won = ndcg / float64(n)
			q.Recall20, q.NDCG100, q.Chosen = recall/float64(n), won, t
		}
	}
	return nil
}

// fold splits what a person took: about four fifths are given, the rest is to be found.
func fold(c *corpus, p int) (given []Taken, truth map[string]bool) {
	truth = map[string]bool{}
	for e := c.first[p]; e < c.first[p+1]; e++ {
		id := c.items[c.item[e]]
		if hash(id, c.mark[p])%5 == 0 {
			truth[id] = true
		} else {
			given = append(given, Taken{Item: id, When: c.times[c.when[e]:c.when[e+1]]})
		}
	}
	return given, truth
}

// leave gives the first n ids that are not among those had.
func leave(ranked []Scored, had map[string]bool, n int) []string {
	out := make([]string, 0, n)
	for i := range ranked {
		if len(out) == n {
			break
		}
		if !had[ranked[i].ID] {
			out = append(out, ranked[i].ID)
		}
	}
	return out
}

// Figures are the measures of one ranking, or their mean over people. Recall is divided by min(n, relevant) at 20 (as the
// literature on strong generalisation does) and by what is relevant at 10.
type Figures struct {
	Recall20 float64 `json:"recall@20"`
	NDCG100  float64 `json:"ndcg@100"`
	Recall10 float64 `json:"recall@10"`
	NDCG10   float64 `json:"ndcg@10"`
	Hit10    float64 `json:"hit@10"`
}

// figuresOf measures one ranking, best first, against what was to be found.
func figuresOf(top []string, truth map[string]bool) Figures {
	var f Figures
	if len(truth) == 0 {
		return f
	}
	dcg, ideal := 0.0, 0.0
	at := func(i int) float64 { return 1 / math.Log2(float64(i+2)) }
	hits := 0
	for i := range 100 {
		if i < len(truth) {
			ideal += at(i)
		}
		if i < len(top) && truth[top[i]] {
			dcg += at(i)
			hits++
		}
		switch i {
		case 9:
			f.NDCG10, f.Recall10 = dcg/ideal, float64(hits)/float64(len(truth))
			if hits > 0 {
				f.Hit10 = 1
			}
		case 19:
			f.Recall20 = float64(hits) / float64(min(20, len(truth)))
		}
	}
	f.NDCG100 = dcg / ideal
	return f
}
