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
	K       int // least number of people who share both columns of a weight; at least 1
	Targets int // columns below this number are targets and sources, the others (facts) are sources only
	Cap     int // at most this many target columns are sources of one target: those of largest cosine; 0: 200. Facts come besides
}

// ErrOptions says that rows and options do not fit together.
var ErrOptions = errors.New("the rows cannot be counted: K must be at least 1, and targets at most the number of columns")

// Gram is what Fit needs to know of the rows: how many people share each two columns, and for each target its sources.
// It is immutable and safe for many goroutines.
type Gram struct {
	opts    Options
	cols    int
	people  []int32   // by column
	above   []counts  // by column: how many share it with each later column
	sources []sources // by target
}

// counts is one row of the Gram matrix right of the diagonal, dense or sparse, whichever is smaller.
type counts struct {
	first int32   // dense: the column of dense[0]
	dense []int32 //
	col   []int32 // sparse: rising
	n     []int32
}

// sources are the columns on which a target may be fitted.
type sources struct {
	col    []int32 // rising
	people []int32 // who share it with the target: at least K
	cross  []int64 // sum of the target's gains over them, in units of 1/One
}

// Count counts. The time is the sum over people of the square of what they have; the memory is that of the pairs that occur.
func Count(ctx context.Context, r *Rows, o Options) (*Gram, error) {
	if o.K < 1 || o.Targets > r.Cols || o.Targets < 0 {
		return nil, ErrOptions
	}
	if o.Cap <= 0 {
		o.Cap = 200
	}
	t := transpose(r)
	g := &Gram{opts: o, cols: r.Cols, people: make([]int32, r.Cols), above: make([]counts, r.Cols), sources: make([]sources, o.Targets)}
	for c := range r.Cols {
		g.people[c] = int32(t.start[c+1] - t.start[c])
	}
	err := eachColumn(ctx, r.Cols, func() func(int) {
		n := make([]int32, r.Cols)
		cross := make([]int64, r.Cols)
		return func(c int) { g.count(r, &t, c, n, cross) }
	})
	if err != nil {
		return nil, err
	}
	return g, nil
}

// count fills one column's part of the Gram matrix and, for a target, its sources. n and cross are zero before and after.
func (g *Gram) count(r *Rows, t *byColumn, c int, n []int32, cross []int64) {
	for e := t.start[c]; e < t.start[c+1]; e++ {
		lo, hi := r.Start[t.row[e]], r.Start[t.row[e]+1]
		gain := int64(One)
		if r.Gain != nil {
			gain = int64(r.Gain[lo+int(t.at[e])])
		}
		row := r.Col[lo:hi]
		if c >= g.opts.Targets {
			row = row[t.at[e]:]
		}
		for _, d := range row {
			n[d]++
			cross[d] += gain
		}
	}
	pairs := 0
	for d := c + 1; d < g.cols; d++ {
		if n[d] > 0 {
			pairs++
		}
	}
	if 2*pairs >= g.cols-c-1 {
		g.above[c] = counts{first: int32(c + 1), dense: slices.Clone(n[c+1:])}
	} else {
		k := counts{col: make([]int32, 0, pairs), n: make([]int32, 0, pairs)}
		for d := c + 1; d < g.cols; d++ {
			if n[d] > 0 {
				k.col, k.n = append(k.col, int32(d)), append(k.n, n[d])
			}
		}
		g.above[c] = k
	}
	if c < g.opts.Targets {
		g.sources[c] = g.choose(c, n, cross)
	}
	clear(n)
	clear(cross)
}

// choose takes the columns that share at least K people with the target, and of too many the strongest by cosine.
func (g *Gram) choose(c int, n []int32, cross []int64) sources {
	var s sources
	for d := range g.opts.Targets {
		if d != c && int(n[d]) >= g.opts.K {
			s.col = append(s.col, int32(d))
		}
	}
	if len(s.col) > g.opts.Cap {
		cosine := func(d int32) float64 { return float64(n[d]) / math.Sqrt(float64(g.people[d])) }
		slices.SortFunc(s.col, func(a, b int32) int {
			return cmp.Or(cmp.Compare(cosine(b), cosine(a)), cmp.Compare(a, b))
		})
		s.col = s.col[:g.opts.Cap]
		slices.Sort(s.col)
	}
	for d := g.opts.Targets; d < g.cols; d++ {
		if int(n[d]) >= g.opts.K {
			s.col = append(s.col, int32(d))
		}
	}
	s.col = slices.Clip(s.col)
	s.people = make([]int32, len(s.col))
	s.cross = make([]int64, len(s.col))
	for i, d := range s.col {
		s.people[i], s.cross[i] = n[d], cross[d]
	}
	return s
}

// People is how many rows have the column.
func (g *Gram) People(column int) int { return int(g.people[column]) }

// gather writes the Gram matrix of the columns s into the lower triangle of a, row by row with the given stride.
func (g *Gram) gather(a []float64, stride int, s []int32) {
	for i, c := range s {
		a[i*stride+i] = float64(g.people[c])
		k := &g.above[c]
		if k.dense != nil {
			for j := i + 1; j < len(s); j++ {
				a[j*stride+i] = float64(k.dense[s[j]-k.first])
			}
			continue
		}
		at := 0
		for j := i + 1; j < len(s); j++ {
			rest := k.col[at:]
			// Step by doubling: sources are few and the row is long, or the other way about.
			step := 1
			for step < len(rest) && rest[step] < s[j] {
				step *= 2
			}
			lo := step / 2
			p, found := slices.BinarySearch(rest[lo:min(step+1, len(rest))], s[j])
			at += lo + p
			if found {
				a[j*stride+i] = float64(k.n[at])
			} else {
				a[j*stride+i] = 0
			}
		}
	}
}
