// Package linear is the maths of the recommender and nothing else: it counts who shares what, and fits, for each target
// column, a ridge regression on the columns that share at least k people with it.
//
// It promises: the closed form (no iteration, no randomness); every weight rests on at least K people who have both its
// columns; sums are made of integers or in a fixed order, so the same rows in any order, on any number of processors,
// give the same bits. It knows nothing of items, facts or people's names.
package linear

import (
	"context"
	"runtime"
	"sync"
	"sync/atomic"
)

// One is the gain of a row's entry that counts in full: gains are integers in units of 1/One, so that their sums are
// exact in any order.
const One = 1 << 15

// Rows is a sparse matrix with one row for each person. Entries are 0 or 1 as sources; as targets they count with a gain.
type Rows struct {
	Cols  int
	Start []int    // row r is Col[Start[r]:Start[r+1]]
	Col   []int32  // rising within a row, each at most once
	Gain  []uint16 // of the entry as a target, in units of 1/One; nil: all count in full
}

// Len is the number of rows.
func (r *Rows) Len() int { return max(0, len(r.Start)-1) }

// Add appends one row. cols must be rising; gains is nil or as long.
func (r *Rows) Add(cols []int32, gains []uint16) {
	if len(r.Start) == 0 {
		r.Start = append(r.Start, 0)
	}
	r.Col = append(r.Col, cols...)
	r.Gain = append(r.Gain, gains...)
	r.Start = append(r.Start, len(r.Col))
}

// byColumn is the transpose: which rows have a column, and with which gain.
type byColumn struct {
	start []int
	row   []int32
	gain  []uint16 // nil: all count in full
}

func transpose(r *Rows) byColumn {
	t := byColumn{start: make([]int, r.Cols+1), row: make([]int32, len(r.Col))}
	if r.Gain != nil {
		t.gain = make([]uint16, len(r.Col))
	}
	for _, c := range r.Col {
		t.start[c+1]++
	}
	for c := range r.Cols {
		t.start[c+1] += t.start[c]
	}
	next := append([]int(nil), t.start[:r.Cols]...)
	for p := range r.Len() {
		for e := r.Start[p]; e < r.Start[p+1]; e++ {
			c := r.Col[e]
			t.row[next[c]] = int32(p)
			if t.gain != nil {
				t.gain[next[c]] = r.Gain[e]
			}
			next[c]++
		}
	}
	return t
}

// only is the rows with those columns alone that have a new number, under it, and without gains; new numbers must rise with the old ones.
func (r *Rows) only(number []int32) *Rows {
	out := &Rows{Start: make([]int, 1, r.Len()+1), Col: make([]int32, 0, len(r.Col))}
	for p := range r.Len() {
		for _, c := range r.Col[r.Start[p]:r.Start[p+1]] {
			if n := number[c]; n >= 0 {
				out.Col = append(out.Col, n)
			}
		}
		out.Start = append(out.Start, len(out.Col))
	}
	return out
}

// eachColumn runs do(worker, column) for every column in [0,n) on all processors. Which worker takes which column is not
// fixed, so do must write only to what belongs to the column. It stops early when ctx ends.
func eachColumn(ctx context.Context, n int, worker func() func(column int)) error {
	workers := min(runtime.GOMAXPROCS(0), max(1, n))
	var next atomic.Int64
	var wg sync.WaitGroup
	for range workers {
		wg.Go(func() {
			do := worker()
			for {
				c := int(next.Add(1)) - 1
				if c >= n || ctx.Err() != nil {
					return
				}
				do(c)
			}
		})
	}
	wg.Wait()
	return ctx.Err()
}
