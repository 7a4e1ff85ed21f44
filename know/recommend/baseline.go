package recommend

import (
	"cmp"
	"context"
	"math"
	"slices"

	"gonum.org/v1/gonum/mat"

	"github.com/rapporthq/rapport/person"
)

// What others do, so that our figures stand beside them in the same run.

// basis is what baselines learn from: histories in item numbers.
type basis struct {
	items int
	rows  [][]owned // by user, rising by item
	at    person.Instant
}

type owned struct {
	item int32
	when []person.Instant
}

// scorer gives a score for every item for a user; the slice is its own and stands until the next call.
type scorer func(user []owned) []float64

type baseline struct {
	name string
	fit  func(ctx context.Context, b *basis) (scorer, error)
}

// popular counts people; days > 0: those who took it in the last days.
func popular(days float64) func(context.Context, *basis) (scorer, error) {
	return func(_ context.Context, b *basis) (scorer, error) {
		n := b.popularity(days)
		return func([]owned) []float64 { return n }, nil
	}
}

func (b *basis) popularity(days float64) []float64 {
	n := make([]float64, b.items)
	for _, row := range b.rows {
		for _, o := range row {
			if days == 0 || float64(b.at-o.when[len(o.when)-1])/day <= days {
				n[o.item]++
			}
		}
	}
	return n
}

// frequency ranks by how often, ties by how lately or how popular, and fills up with what is popular.
func frequency(lately bool) func(context.Context, *basis) (scorer, error) {
	return func(_ context.Context, b *basis) (scorer, error) {
		pop := b.popularity(0)
		top := max(1, slices.Max(append([]float64{1}, pop...)))
		out := make([]float64, b.items)
		return func(user []owned) []float64 {
			for i, p := range pop {
				out[i] = p / top * 0.5
			}
			for _, o := range user {
				if lately && b.at > 0 {
					out[o.item] = 0.5 * float64(o.when[len(o.when)-1]) / float64(b.at)
				}
				out[o.item] += float64(len(o.when))
			}
			return out
		}, nil
	}
}

// cosine adds up the cosines with what the user took.
func cosine(ctx context.Context, b *basis) (scorer, error) {
	g := b.gram()
	root := make([]float64, b.items)
	for i := range root {
		root[i] = math.Sqrt(g[i*b.items+i])
	}
	for i := range b.items {
		for j := range b.items {
			if g[i*b.items+j] != 0 {
				g[i*b.items+j] /= root[i] * root[j]
			}
		}
		g[i*b.items+i] = 0
	}
	return b.byRows(g), ctx.Err()
}

// ease is the dense EASE^R: B = I - P / diag(P), P = (G + lambda I)^-1.
func ease(lambda float64) func(context.Context, *basis) (scorer, error) {
	return func(ctx context.Context, b *basis) (scorer, error) {
		n := b.items
		g := b.gram()
		for i := range n {
			g[i*n+i] += lambda
		}
		var chol mat.Cholesky
		if !chol.Factorize(mat.NewSymDense(n, g)) {
			return nil, ErrEvents
		}
		var p mat.SymDense
		if err := chol.InverseTo(&p); err != nil {
			return nil, err
		}
		raw := p.RawSymmetric()
		for i := range n {
			for j := i; j < n; j++ {
				v := raw.Data[i*raw.Stride+j]
				g[i*n+j], g[j*n+i] = v, v
			}
		}
		diag := make([]float64, n)
		for i := range n {
			diag[i] = g[i*n+i]
		}
		for i := range n {
			for j := range n {
				g[i*n+j] /= -diag[j]
			}
			g[i*n+i] = 0
		}
		return b.byRows(g), ctx.Err()
	}
}

func (b *basis) gram() []float64 {
	g := make([]float64, b.items*b.items)
	for _, row := range b.rows {
		for _, i := range row {
			r := g[int(i.item)*b.items : (int(i.item)+1)*b.items]
			for _, j := range row {
				r[j.item]++
			}
		}
	}
	return g
}

func (b *basis) byRows(w []float64) scorer {
	out := make([]float64, b.items)
	return func(user []owned) []float64 {
		clear(out)
		for _, o := range user {
			for j, v := range w[int(o.item)*b.items : (int(o.item)+1)*b.items] {
				out[j] += v
			}
		}
		return out
	}
}

// topOf gives the n best items, ties by number, without those left out.
func topOf(score []float64, n int, leave map[int32]bool) []int32 {
	type s struct {
		item  int32
		score float64
	}
	var top []s
	order := func(a, b s) int { return cmp.Or(cmp.Compare(b.score, a.score), cmp.Compare(a.item, b.item)) }
	for i, v := range score {
		if len(top) == n && v <= top[n-1].score || leave[int32(i)] {
			continue
		}
		e := s{int32(i), v}
		at, _ := slices.BinarySearchFunc(top, e, order)
		if len(top) < n {
			top = append(top, s{})
		}
		copy(top[at+1:], top[at:])
		top[at] = e
	}
	out := make([]int32, len(top))
	for i, t := range top {
		out[i] = t.item
	}
	return out
}
