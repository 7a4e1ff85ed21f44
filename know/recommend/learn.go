package recommend

import (
	"cmp"
	"context"
	"errors"
	"iter"
	"math"
	"slices"
	"time"

	"github.com/rapporthq/rapport/know/recommend/linear"
	"github.com/rapporthq/rapport/person"
)

// History is one person's permitted history, without a name. Learn copies what it needs: slices may be used again.
type History struct {
	Taken   []Taken  // as Take makes it
	Columns []string // as Columns makes it
	Draw    uint64   // an even draw that says nothing of the person, the same each time; 0: it is made of what they took
}

// Options says how to learn. K is needed; the rest has good zero values.
type Options struct {
	K         int                  // the floor: no weight, count or column on fewer people
	Items     []string             // the catalogue: what fewer than k people took may be shown again to who took it
	Candidate func(id string) bool // items that may be candidates; nil: all that k people took
	Sensitive func(id string) bool // items that the charter's rules mark; nil: none
	Progress  func(share float64)  // called now and then with the share done, in [0,1]; may be nil
	Clock     person.Clock         // for Quality.FitSeconds; nil: the system's
	Sample    *Sample              // told whose histories are not needed; may be nil
	Fixed     *Fixed               // numbers to use instead of choosing them; Quality then has no figures

	most, choosing int64 // tests set them; see work
}

// Fixed are the model's few numbers beside its weights, chosen on held-out weeks or by who has chosen them before.
type Fixed struct {
	Again    float64 // what one purchase of the item itself, made now, adds
	HalfLife float64 // days after which a purchase counts half for Again; 0: it counts in full for ever
	Rare     float64 // what an item that fewer than k people took, and for which no weights speak, gets besides when it was taken
	Trend    float64 // what the most popular item of late gets
	Lambda   float64 // regularisation of the regressions
	Drop     float64 // more of it, in proportion to how often a source was taken (see linear.Gram.Fit)
	Memory   float64 // days by which having taken a thing loses 1/e of its gain as a target; 0: all counts alike
}

// Quality is what the hold-out of the last weeks said of the model, before it was fitted again on all. Figures are 0 where
// there was nothing to judge by.
type Quality struct {
	People                  int // whose histories came
	Learnt                  int // of them those it was learnt from: all, or a sample (see Learn)
	Items, Columns, Weights int
	HeldFrom                person.Instant // the last weeks start here; zero when the histories have no times
	Judged, JudgedNew       int            // people by whom NDCG10 and NDCG10New are measured
	NDCG10, NDCG10New       float64        // of the last weeks: bought products allowed, and new ones only
	Recall20, NDCG100       float64        // strong generalisation: people whom the fit never saw
	FitSeconds              float64        // the last fit, on all
	Chosen                  Fixed
}

// ErrK says that the floor is missing: without it nothing is learnt.
var ErrK = errors.New("learning needs k, the least number of people behind any weight: set it to 2 or more, as the charter says")

// Learn learns from one history for each person: it counts, chooses its few numbers on the last weeks, measures, and
// fits again on everything. An error leaves no model. The order of the histories does not matter to the bytes.
//
// What it costs is bounded, whoever comes. Of people who together cost more than a stated work (see sample.go; 50,000 people of 150 things taken once each, for
// example) a sample is learnt from, of those who drew the lowest numbers, and what is said of k people is then said of k people of the sample. The few numbers are
// chosen on a smaller sample, with the same k. A regularisation that was chosen on fewer people suits more: it is the ratio of two
// variances, whatever the number of rows (Hoerl and Kennard, "Ridge Regression", Technometrics 1970, section 6).
func Learn(ctx context.Context, histories iter.Seq[History], opts Options) (*Model, Quality, error) {
	var q Quality
	if opts.K < 2 {
		return nil, q, ErrK
	}
	if opts.Clock == nil {
		opts.Clock = person.SystemClock
	}
	if opts.Progress == nil {
		opts.Progress = func(float64) {}
	}
	opts.most, opts.choosing = cmp.Or(opts.most, mostWork), cmp.Or(opts.choosing, chooseWork)
	c, err := gather(ctx, histories, opts.most, opts.Sample)
	if err != nil {
		return nil, q, err
	}
	opts.Progress(0.1)
	if opts.Fixed != nil {
		q.Chosen = *opts.Fixed
	} else if err := choose(ctx, c, &opts, &q); err != nil {
		return nil, Quality{}, err
	}
	opts.Progress(0.8)
	begin := opts.Clock()
	l := learner{v: c.see(math.MaxInt64, opts.K, opts.Candidate, nil), opts: &opts, work: fitSolving}
	m, err := l.build(ctx, terms(q.Chosen))
	if err != nil {
		return nil, Quality{}, err
	}
	q.FitSeconds = float64(opts.Clock()-begin) / float64(time.Second/time.Microsecond)
	q.People, q.Learnt, q.Items, q.Columns, q.Weights = c.given, c.people(), m.candidates, len(m.columns), len(m.weight)
	opts.Progress(1)
	return m, q, nil
}

// How many multiplications all regressions of one fit may take together (see linear.Options.Work): those of the model, and of each that is
// fitted to choose its numbers.
const (
	fitSolving    = 6_000_000_000
	chooseSolving = 2_500_000_000
)

// learner fits models on one view.
type learner struct {
	v      *view
	opts   *Options
	work   int64
	g      *linear.Gram // of the memory
	memory float64
}

// build fits a model. Those that differ in what is done with the counts alone share them.
func (l *learner) build(ctx context.Context, t terms) (*Model, error) {
	if l.g == nil || l.memory != t.Memory {
		l.g, l.memory = nil, t.Memory
		g, err := linear.Count(ctx, l.v.rows(t.Memory), linear.Options{K: l.opts.K, Targets: len(l.v.candidates), Work: l.work})
		if err != nil {
			return nil, err
		}
		l.g = g
	}
	w, err := l.g.Fit(ctx, t.Lambda, t.Drop)
	if err != nil {
		return nil, err
	}
	return assemble(l.v, l.opts, w, t), nil
}

// assemble makes the model of what was fitted: names, weights turned to lie by source, popularity.
func assemble(v *view, opts *Options, w *linear.Weights, t terms) *Model {
	m := &Model{k: opts.K, learnt: v.end, candidates: len(v.candidates), terms: t}
	known := make(map[string]bool, len(v.candidates))
	for _, i := range v.candidates {
		m.ids = append(m.ids, v.items[i])
		known[v.items[i]] = true
	}
	var others []string
	for _, id := range opts.Items {
		if !known[id] {
			known[id] = true
			others = append(others, id)
		}
	}
	slices.Sort(others)
	m.ids = append(m.ids, others...)
	for _, f := range v.facts {
		m.columns = append(m.columns, v.columns[f])
	}
	m.marked = newSet(len(m.ids))
	if opts.Sensitive != nil {
		for i, id := range m.ids {
			if opts.Sensitive(id) {
				m.marked.add(i)
			}
		}
	}
	m.turn(w)
	m.popularity(v)
	m.ready()
	return m
}

// turn makes weights by source out of weights by target.
func (m *Model) turn(w *linear.Weights) {
	sources := m.candidates + len(m.columns)
	m.start = make([]int32, sources+1)
	for _, s := range w.From {
		m.start[s+1]++
	}
	for s := range sources {
		m.start[s+1] += m.start[s]
	}
	next := slices.Clone(m.start[:sources])
	m.to, m.weight, m.shared = make([]int32, len(w.From)), make([]float32, len(w.From)), make([]int32, len(w.From))
	for t := range m.candidates {
		for e := w.Start[t]; e < w.Start[t+1]; e++ {
			s := w.From[e]
			m.to[next[s]], m.weight[next[s]], m.shared[next[s]] = int32(t), w.Weight[e], w.People[e]
			next[s]++
		}
	}
}
