package linear

import (
	"cmp"
	"context"
	"errors"
	"math"
	"slices"
)

// Options says what to fit.
type Options struct {
	K       int   // least number of people who share both columns of a weight; at least 1
	Targets int   // columns below this number are targets, the others (facts) are sources only
	Cap     int   // at most this many target columns are sources of one target: those of largest cosine; 0: 200. Facts come besides
	Sources int   // at most this many target columns are sources at all: those that most people have, of equals the first; 0: MostSources
	Work    int64 // at most about so many multiplications for a Fit, else Cap is less, but never under leastCap; 0: as many as it takes
}

// leastCap is how many sources a target has at least, whatever the work.
const leastCap = 40

// MostSources bounds the Gram matrix: at four bytes a pair that of so many sources takes 200 MB.
const MostSources = 10_000

// Most rows that can be counted: two sums share one number of 64 bits.
const mostRows = 1<<24 - 1

// ErrOptions says that rows and options do not fit together.
var ErrOptions = errors.New("the rows cannot be counted: K must be at least 1, targets at most the number of columns, and rows fewer than 16,777,216")

// Gram is what Fit needs to know of the rows: how many people share each two sources, and for each target its sources.
// It is immutable and safe for many goroutines.
type Gram struct {
	opts    Options
	people  []int32   // by column
	source  []int32   // by column: its place among the sources, -1: it is none
	column  []int32   // by source
	root    []float64 // by source: the root of how many people have it
	above   [][]int32 // by source: how many share it with each later source
	sources []sources // by target
}

// sources are the columns on which a target may be fitted.
type sources struct {
	col    []int32 // rising
	people []int32 // who share it with the target: at least K
	cross  []int64 // sum of the target's gains over them, in units of 1/One
}

// Count counts. The time is the sum over people of what they have times what of it are sources; the memory is 4 bytes for each pair of
// sources, 16 for each source of a target, and 10 for each entry while it counts.
func Count(ctx context.Context, r *Rows, o Options) (*Gram, error) {
	if o.K < 1 || o.Targets > r.Cols || o.Targets < 0 || r.Len() > mostRows {
		return nil, ErrOptions
	}
	if o.Cap <= 0 {
		o.Cap = 200
	}
	if o.Sources <= 0 {
		o.Sources = MostSources
	}
	t := transpose(r)
	g := &Gram{opts: o, people: make([]int32, r.Cols), sources: make([]sources, o.Targets)}
	for c := range r.Cols {
		g.people[c] = int32(t.start[c+1] - t.start[c])
	}
	g.admit()
	few := r.only(g.source)
	g.above = make([][]int32, len(g.column))
	err := eachColumn(ctx, r.Cols, func() func(int) {
		shared := make([]uint64, len(g.column))
		return func(c int) { g.count(few, &t, c, shared) }
	})
	if err != nil {
		return nil, err
	}
	g.narrow()
	return g, nil
}

// narrow leaves each target so many sources, of its strongest, that a Fit takes no more than the work it may: solving for n of them takes
// about n³/6 multiplications.
func (g *Gram) narrow() {
	if g.opts.Work <= 0 {
		return
	}
	width := g.opts.Cap
	items := make([]int, len(g.sources))
	for t := range g.sources {
		items[t] = g.sources[t].items(g)
	}
	for ; width > leastCap; width-- {
		work := int64(0)
		for t, s := range g.sources {
			n := int64(len(s.col) - max(0, items[t]-width))
			work += n * n * n / 6
		}
		if work <= g.opts.Work {
			break
		}
	}
	for t := range g.sources {
		g.sources[t] = g.sources[t].strongest(g, width)
	}
}

// items is how many of the sources are target columns: they are the first.
func (s *sources) items(g *Gram) int {
	n, _ := slices.BinarySearch(s.col, int32(g.opts.Targets))
	return n
}

// strongest is the sources with at most so many of the target columns among them.
func (s sources) strongest(g *Gram, width int) sources {
	items := s.items(g)
	if items <= width {
		return s
	}
	order := make([]strength, items)
	for i, c := range s.col[:items] {
		order[i] = strength{float64(s.people[i]) / g.root[g.source[c]], int32(i)}
	}
	slices.SortFunc(order, weakest)
	stay := make([]int, 0, len(s.col))
	for _, o := range order[items-width:] {
		stay = append(stay, int(o.source))
	}
	for i := items; i < len(s.col); i++ {
		stay = append(stay, i)
	}
	slices.Sort(stay)
	var out sources
	for _, i := range stay {
		out.col, out.people, out.cross = append(out.col, s.col[i]), append(out.people, s.people[i]), append(out.cross, s.cross[i])
	}
	return out
}

// admit says which columns are sources.
func (g *Gram) admit() {
	cols := len(g.people)
	for c := range cols {
		g.column = append(g.column, int32(c))
	}
	if n := g.opts.Targets; n > g.opts.Sources {
		slices.SortFunc(g.column[:n], func(a, b int32) int {
			return cmp.Or(cmp.Compare(g.people[b], g.people[a]), cmp.Compare(a, b))
		})
		g.column = slices.Delete(g.column, g.opts.Sources, n)
		slices.Sort(g.column)
	}
	for _, c := range g.column {
		g.root = append(g.root, math.Sqrt(float64(g.people[c])))
	}
	g.source = make([]int32, cols)
	for c := range g.source {
		g.source[c] = -1
	}
	for s, c := range g.column {
		g.source[c] = int32(s)
	}
}

// How many people share two columns and the sum of their gains are added up as one number: people above the lowest 40 bits, gains in them.
const (
	onePerson = 1 << 40
	gains     = onePerson - 1
)

// count fills one column's part of the Gram matrix and, for a target, its sources. few has the rows' sources, shared is by source and
// zero before and after.
func (g *Gram) count(few *Rows, t *byColumn, c int, shared []uint64) {
	s := g.source[c]
	for e := t.start[c]; e < t.start[c+1]; e++ {
		row := few.Col[few.Start[t.row[e]]:few.Start[t.row[e]+1]]
		if c >= g.opts.Targets { // what is before it has counted it
			at, _ := slices.BinarySearch(row, s)
			row = row[at:]
		}
		add := uint64(onePerson | One)
		if t.gain != nil {
			add = onePerson | uint64(t.gain[e])
		}
		for _, d := range row {
			shared[d] += add
		}
	}
	if s >= 0 {
		after := shared[s+1:]
		g.above[s] = make([]int32, len(after))
		for i, v := range after {
			g.above[s][i] = int32(v / onePerson)
		}
	}
	if c < g.opts.Targets {
		g.sources[c] = g.choose(c, shared)
	}
	clear(shared)
}

// choose takes the columns that share at least K people with the target, and of too many the strongest by cosine: its square is the share
// of the target that a column explains by itself, in a regression on nothing else.
func (g *Gram) choose(c int, shared []uint64) sources {
	var s sources
	enough := uint64(g.opts.K) * onePerson
	items, _ := slices.BinarySearch(g.column, int32(g.opts.Targets))
	var top []strength // a heap with the weakest first
	for d, v := range shared[:items] {
		if v < enough || g.column[d] == int32(c) {
			continue
		}
		one := strength{float64(v/onePerson) / g.root[d], int32(d)}
		switch {
		case len(top) < g.opts.Cap:
			if top = append(top, one); len(top) == g.opts.Cap {
				slices.SortFunc(top, weakest)
			}
		case weakest(top[0], one) < 0:
			replace(top, one)
		}
	}
	for _, one := range top {
		s.col = append(s.col, one.source) // a source for now
	}
	slices.Sort(s.col)
	for d := items; d < len(shared); d++ {
		if shared[d] >= enough {
			s.col = append(s.col, int32(d))
		}
	}
	s.col = slices.Clip(s.col)
	s.people = make([]int32, len(s.col))
	s.cross = make([]int64, len(s.col))
	for i, d := range s.col {
		s.col[i], s.people[i], s.cross[i] = g.column[d], int32(shared[d]/onePerson), int64(shared[d]&gains)
	}
	return s
}

type strength struct {
	cosine float64 // but for a factor that is the target's
	source int32
}

// weakest is the order of strength, of equals the last first.
func weakest(a, b strength) int {
	return cmp.Or(cmp.Compare(a.cosine, b.cosine), cmp.Compare(b.source, a.source))
}

// replace puts one in the place of a heap's weakest.
func replace(heap []strength, one strength) {
	i := 0
	for {
		down := 2*i + 1
		if down >= len(heap) {
			break
		}
		if down+1 < len(heap) && weakest(heap[down+1], heap[down]) < 0 {
			down++
		}
		if weakest(one, heap[down]) < 0 {
			break
		}
		heap[i] = heap[down]
		i = down
	}
	heap[i] = one
}

// People is how many rows have the column.
func (g *Gram) People(column int) int { return int(g.people[column]) }

// gather writes the Gram matrix of the sources s, which rise, into the lower triangle of a, row by row with the given stride.
func (g *Gram) gather(a []float64, stride int, s []int32) {
	for i, c := range s {
		a[i*stride+i] = float64(g.people[g.column[c]])
		above := g.above[c]
		at := (i+1)*stride + i
		for _, d := range s[i+1:] {
			a[at] = float64(above[d-c-1])
			at += stride
		}
	}
}
