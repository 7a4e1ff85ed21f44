package recommend

import (
	"context"
	"math"

	"github.com/rapporthq/rapport/person"
)

// The model's few numbers are chosen on the last weeks of the histories, which the fit for choosing does not see. What is
// tried is a short list, so that the choice tells nothing of anybody; ties go to the first of the list, which is also what
// small or timeless data gets without a choice.
var (
	tryMemory   = []float64{30, 120}
	tryLambda   = []float64{200, 50, 800, 3200} // the last only where the one before it won
	tryRare     = []float64{0, 0.5, 1, 1.5}
	tryDrop     = []float64{0, 0.3}
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
	limit := uint64(math.MaxUint64)
	if c.spent > opts.choosing {
		limit = c.below(opts.choosing)
	}
	out := func(p int) bool { return c.draw[p] >= limit }
	if timed && span >= leastSpan {
		if err := chooseByTime(ctx, c, opts, q, span, out); err != nil {
			return err
		}
	}
	opts.Progress(0.7)
	return strong(ctx, c, opts, q, timed, out)
}

func chooseByTime(ctx context.Context, c *corpus, opts *Options, q *Quality, span float64, out func(int) bool) error {
	until := c.end + 1 - person.Instant(min(heldDays, span/4)*day)
	v := c.see(until, opts.K, opts.Candidate, out)
	judged := c.futures(v, opts.Items)
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
	l := learner{v: v, opts: opts, work: chooseSolving}
	var tried []outcome
	try := func(lambda, memory, drop float64) error {
		m, err := l.build(ctx, terms{Lambda: lambda, Memory: memory, Drop: drop})
		if err != nil {
			return err
		}
		g := grid{m: m, v: v, judged: judged, trend: tryTrend, halfLife: tryHalfLife, again: tryAgain, rare: []float64{0}}
		tried = append(tried, g.run()...)
		opts.Progress(0.1 + 0.1*float64(len(tried)/(len(tryTrend)*len(tryHalfLife)*len(tryAgain))))
		return nil
	}
	for _, memory := range tryMemory {
		if err := try(tryLambda[0], memory, 0); err != nil {
			return err
		}
	}
	memory := won(tried).Memory
	for i, lambda := range tryLambda[1:] {
		if i == len(tryLambda)-2 && won(tried).Lambda != tryLambda[i] {
			break
		}
		if err := try(lambda, memory, 0); err != nil {
			return err
		}
	}
	if err := try(won(tried).Lambda, memory, tryDrop[1]); err != nil {
		return err
	}
	w := won(tried)
	// What is too rare for weights is chosen last, as a share of what weights say of the things that people have.
	g := grid{m: w.m, v: v, judged: judged, trend: []float64{w.Trend}, halfLife: []float64{w.HalfLife}, again: []float64{w.Again}}
	for _, share := range tryRare {
		g.rare = append(g.rare, share*w.owned)
	}
	w = won(g.run())
	q.Chosen, q.NDCG10, q.NDCG10New = w.Fixed, float64(w.all)/unit/float64(q.Judged), float64(w.fresh)/unit/float64(max(1, q.JudgedNew))
	return nil
}

// outcome is what one choice of the numbers came to.
type outcome struct {
	Fixed
	m          *Model
	owned      float64 // the mean of what weights say of the candidates that people have
	all, fresh int64   // bought things allowed, and new things only: sums of ndcg@10 in units of 1/unit
}

// won is the best of all tried, the first of equals: bought things allowed and new things count alike, each against its best.
func won(tried []outcome) outcome {
	bestAll, bestFresh := int64(1), int64(1)
	for _, o := range tried {
		bestAll, bestFresh = max(bestAll, o.all), max(bestFresh, o.fresh)
	}
	at, top := 0, -1.0
	for i, o := range tried {
		if s := float64(o.all)/float64(bestAll) + float64(o.fresh)/float64(bestFresh); s > top+1e-9 {
			at, top = i, s
		}
	}
	return tried[at]
}
