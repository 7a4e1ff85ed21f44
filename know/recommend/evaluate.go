package recommend

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	"github.com/rapporthq/rapport/person"
)

// Evaluation says how to judge the recommender and the baselines on a file of events.
//
// Protocol "strong" judges people whom no fit has seen: of those with at least MinItems items (of items that MinPeople took) 500
// are kept for validation (nobody uses them: our numbers are chosen inside the learning part) and 500 for the test, or a sixth
// each of few people; four fifths of a test person's items, drawn at random, are given and the rest is to be found among all
// items but those given. Protocol "time" learns from everything before SplitAt and judges those seen before by what they took
// after it, twice: with what they had allowed, and with new things only. Items are those that MinPeople took before.
type Evaluation struct {
	Table
	Protocol  string         // strong or time
	SplitAt   person.Instant // of the time protocol; zero: the last 28 days are judged
	Seeds     int            // of the strong protocol: how many draws, from seed 42; 0: 1
	K         int            // our floor; 0: 25
	MinPeople int            // 0: 10 for strong, 1 for time
	MinItems  int            // of the strong protocol; 0: 5
	Lambda    float64        // of the dense EASE^R; 0: 100 for strong, 400 for time
	MostDense int            // items above which the dense baselines are left out; 0: 4500
	OursOnly  bool           // no baselines
	Clock     person.Clock   // nil: the system's
}

// Row is one method's figures.
type Row struct {
	Method     string   `json:"method"`
	Seed       int      `json:"seed,omitempty"`
	Figures             // of strong: given items left out; of time: all items allowed
	New        *Figures `json:"new,omitempty"` // of time: what the person had is left out
	Judged     int      `json:"judged"`
	JudgedNew  int      `json:"judged_new,omitempty"`
	Items      int      `json:"items"`
	FitSeconds float64  `json:"fit_s"`
	Chosen     *Fixed   `json:"chosen,omitempty"` // ours: the numbers chosen inside the learning part
}

// ErrEvaluation says that an evaluation was asked for in a way that cannot be done.
var ErrEvaluation = errors.New("this cannot be evaluated")

// Evaluate reads the events, plain CSV or gzip, and calls emit with each method's figures as they come, ours first.
func Evaluate(ctx context.Context, r io.Reader, e Evaluation, emit func(Row)) error {
	if e.Clock == nil {
		e.Clock = person.SystemClock
	}
	def := func(v *int, d int) {
		if *v <= 0 {
			*v = d
		}
	}
	def(&e.K, 25)
	def(&e.Seeds, 1)
	def(&e.MinItems, 5)
	def(&e.MostDense, 4500)
	switch e.Protocol {
	case "strong":
		def(&e.MinPeople, 10)
		if e.Lambda <= 0 {
			e.Lambda = 100
		}
	case "time":
		def(&e.MinPeople, 1)
		if e.Lambda <= 0 {
			e.Lambda = 400
		}
		if e.Time == "" {
			return fmt.Errorf("%w: the time protocol needs the column of the time", ErrEvaluation)
		}
	default:
		return fmt.Errorf("%w: the protocol is strong or time", ErrEvaluation)
	}
	ev, err := readEvents(r, e.Table)
	if err != nil {
		return err
	}
	if len(ev.lines) == 0 {
		return fmt.Errorf("%w: the file has no line with a user and an item", ErrEvaluation)
	}
	if e.Protocol == "time" {
		return e.byTime(ctx, ev, emit)
	}
	for s := range e.Seeds {
		if err := e.strong(ctx, ev, 42+s, emit); err != nil {
			return err
		}
	}
	return nil
}

// task is one set of people to judge.
type task struct {
	ids   []string // names of all items, by number
	train [][]Taken
	fresh bool // also judge by new things alone
	cases []trial
	at    person.Instant
}

type trial struct {
	given []Taken
	truth map[string]bool
}

func (e *Evaluation) strong(ctx context.Context, ev *events, seed int, emit func(Row)) error {
	ev = ev.untimed()
	people := ev.peopleBy(math.MaxInt64)
	all := ev.histories(math.MaxInt64, func(i int32) bool { return people[i] >= e.MinPeople })
	var able [][]Taken
	for _, h := range all {
		if len(h) >= e.MinItems {
			able = append(able, h)
		}
	}
	n := min(500, len(able)/6)
	if n == 0 {
		return fmt.Errorf("%w: fewer than 6 people took %d items or more", ErrEvaluation, e.MinItems)
	}
	rng := rand.New(rand.NewPCG(uint64(seed), 0))
	rng.Shuffle(len(able), func(i, j int) { able[i], able[j] = able[j], able[i] })
	t := task{train: able[2*n:]}
	for i, p := range people {
		if p >= e.MinPeople {
			t.ids = append(t.ids, ev.items[i])
		}
	}
	for _, h := range able[n : 2*n] {
		c := trial{truth: map[string]bool{}}
		held := int(math.Round(0.2 * float64(len(h))))
		for i, p := range rng.Perm(len(h)) {
			if i < max(1, held) {
				c.truth[h[p].Item] = true
			} else {
				c.given = append(c.given, h[p])
			}
		}
		t.cases = append(t.cases, c)
	}
	return e.run(ctx, &t, seed, emit)
}

func (e *Evaluation) byTime(ctx context.Context, ev *events, emit func(Row)) error {
	split := e.SplitAt
	if split == 0 {
		for _, l := range ev.lines {
			split = max(split, l.at)
		}
		split = split.Add(-28 * 24 * time.Hour)
	}
	people := ev.peopleBy(split)
	known := func(i int32) bool { return e.MinPeople <= 1 || people[i] >= e.MinPeople }
	t := task{fresh: true, at: split}
	for i := range ev.items {
		if people[i] >= e.MinPeople && people[i] > 0 {
			t.ids = append(t.ids, ev.items[i])
		}
	}
	train := ev.histories(split, known)
	truth := make([]map[string]bool, len(ev.users))
	seen := make([]bool, len(ev.users))
	for _, l := range ev.lines {
		seen[l.user] = seen[l.user] || l.at < split
		if l.at >= split && known(l.item) {
			if truth[l.user] == nil {
				truth[l.user] = map[string]bool{}
			}
			truth[l.user][ev.items[l.item]] = true
		}
	}
	for u, h := range train {
		if len(h) > 0 {
			t.train = append(t.train, h)
		}
		if seen[u] && truth[u] != nil {
			t.cases = append(t.cases, trial{given: h, truth: truth[u]})
		}
	}
	if len(t.cases) == 0 || len(t.ids) == 0 {
		return fmt.Errorf("%w: nobody seen before the split took anything after it", ErrEvaluation)
	}
	return e.run(ctx, &t, 0, emit)
}

func (e *Evaluation) run(ctx context.Context, t *task, seed int, emit func(Row)) error {
	if err := e.ours(ctx, t, seed, emit); err != nil || e.OursOnly {
		return err
	}
	number := make(map[string]int32, len(t.ids))
	for i, id := range t.ids {
		number[id] = int32(i)
	}
	owns := func(h []Taken) []owned {
		out := make([]owned, 0, len(h))
		for _, o := range h {
			out = append(out, owned{number[o.Item], o.When})
		}
		slices.SortFunc(out, func(a, b owned) int { return int(a.item - b.item) })
		return out
	}
	b := basis{items: len(t.ids), at: t.at}
	for _, h := range t.train {
		b.rows = append(b.rows, owns(h))
	}
	lines := []baseline{{"popular", popular(0)}}
	if t.at != 0 {
		lines = append(lines, baseline{"popular, last 30 days", popular(30)})
	}
	if t.fresh {
		lines = append(lines, baseline{"personal frequency", frequency(false)}, baseline{"frequency, lately first", frequency(true)})
	}
	if len(t.ids) <= e.MostDense {
		lines = append(lines, baseline{"item cosine", cosine}, baseline{fmt.Sprintf("EASE^R, lambda %g", e.Lambda), ease(e.Lambda)})
	}
	for _, l := range lines {
		begin := e.Clock()
		score, err := l.fit(ctx, &b)
		if err != nil {
			return err
		}
		row := Row{Method: l.name, Seed: seed, Items: len(t.ids), FitSeconds: seconds(e.Clock() - begin)}
		row.judge(t, func(given []Taken, n int, fresh bool) []string {
			user := owns(given)
			var leave map[int32]bool
			if fresh {
				leave = make(map[int32]bool, len(user))
				for _, o := range user {
					leave[o.item] = true
				}
			}
			top := topOf(score(user), n, leave)
			ids := make([]string, len(top))
			for i, j := range top {
				ids[i] = t.ids[j]
			}
			return ids
		})
		emit(row)
	}
	return ctx.Err()
}

func seconds(i person.Instant) float64 { return float64(i) / 1e6 }

// ours learns and judges the recommender itself.
func (e *Evaluation) ours(ctx context.Context, t *task, seed int, emit func(Row)) error {
	histories := func(yield func(History) bool) {
		for _, h := range t.train {
			if !yield(History{Taken: h}) {
				return
			}
		}
	}
	m, q, err := Learn(ctx, histories, Options{K: e.K, Items: t.ids, Clock: e.Clock})
	if err != nil {
		return err
	}
	row := Row{Method: "rapport", Seed: seed, Items: len(t.ids), FitSeconds: q.FitSeconds, Chosen: &q.Chosen}
	var buf []Scored
	row.judge(t, func(given []Taken, n int, fresh bool) []string {
		in := Input{Taken: given, At: t.at}
		had := map[string]bool{}
		if fresh {
			for _, o := range given {
				had[o.Item] = true
			}
		}
		buf = m.Rank(buf, in)
		return leave(buf, had, n)
	})
	emit(row)
	return nil
}

// judge fills the row's figures. top gives the n best for what is given, with or without what is given.
func (r *Row) judge(t *task, top func(given []Taken, n int, fresh bool) []string) {
	var fresh Figures
	for _, c := range t.cases {
		if !t.fresh {
			r.Figures.add(figuresOf(top(c.given, 100, true), c.truth))
			r.Judged++
			continue
		}
		r.Figures.add(figuresOf(top(c.given, 100, false), c.truth))
		r.Judged++
		left := map[string]bool{}
		for id := range c.truth {
			left[id] = true
		}
		for _, o := range c.given {
			delete(left, o.Item)
		}
		if len(left) > 0 {
			fresh.add(figuresOf(top(c.given, 100, true), left))
			r.JudgedNew++
		}
	}
	r.Figures.scale(1 / float64(max(1, r.Judged)))
	if t.fresh {
		fresh.scale(1 / float64(max(1, r.JudgedNew)))
		r.New = &fresh
	}
}

func (f *Figures) add(g Figures) {
	f.Recall20 += g.Recall20
	f.NDCG100 += g.NDCG100
	f.Recall10 += g.Recall10
	f.NDCG10 += g.NDCG10
	f.Hit10 += g.Hit10
}

func (f *Figures) scale(by float64) {
	f.Recall20 *= by
	f.NDCG100 *= by
	f.Recall10 *= by
	f.NDCG10 *= by
	f.Hit10 *= by
}

// untimed is the events without their times: the strong protocol must not know them.
func (ev *events) untimed() *events {
	out := &events{users: ev.users, items: ev.items, lines: slices.Clone(ev.lines)}
	for i := range out.lines {
		out.lines[i].at = 0
	}
	return out
}

// peopleBy counts, by item, who took it before a time.
func (ev *events) peopleBy(before person.Instant) []int {
	n := make([]int, len(ev.items))
	last := make([]int32, len(ev.items))
	for i := range last {
		last[i] = -1
	}
	for _, l := range ev.lines { // lines lie by user
		if (!ev.timed || l.at < before) && last[l.item] != l.user {
			last[l.item] = l.user
			n[l.item]++
		}
	}
	return n
}

// String is the row as people read it.
func (r Row) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%-24s", r.Method)
	if r.New == nil {
		fmt.Fprintf(&b, " recall@20 %.3f  ndcg@100 %.3f  ndcg@10 %.3f  hit@10 %.3f", r.Recall20, r.NDCG100, r.NDCG10, r.Hit10)
	} else {
		fmt.Fprintf(&b, " recall@10 %.3f  ndcg@10 %.3f  hit@10 %.3f", r.Recall10, r.NDCG10, r.Hit10)
		fmt.Fprintf(&b, "  new only: %.3f %.3f %.3f", r.New.Recall10, r.New.NDCG10, r.New.Hit10)
	}
	fmt.Fprintf(&b, "  fit %.1f s", r.FitSeconds)
	return b.String()
}
