package linear

import (
	"context"
	"errors"
	"math"
)

// Weights is what was fitted: for each target the weights of its sources.
type Weights struct {
	Start  []int32 // target t is From[Start[t]:Start[t+1]]
	From   []int32 // source columns, rising
	Weight []float32
	People []int32 // how many people have both source and target: at least K
}

// ErrLambda says that a regression was asked for without regularisation, which has no answer where columns repeat.
var ErrLambda = errors.New("lambda must be a number above 0, and drop one from 0")

// Fit solves (G_SS + drop D_SS + lambda I) w = c_S for each target, S its sources, D the diagonal of G, c the sum of the
// target's gains over shared people. With drop = p/(1-p) it is what training with every source left out at random with
// chance p comes to, in closed form; 0 is the plain ridge regression.
func (g *Gram) Fit(ctx context.Context, lambda, drop float64) (*Weights, error) {
	if !(lambda > 0) || math.IsInf(lambda, 0) || !(drop >= 0) || math.IsInf(drop, 0) {
		return nil, ErrLambda
	}
	w := &Weights{Start: make([]int32, len(g.sources)+1)}
	widest := 0
	for t, s := range g.sources {
		w.Start[t+1] = w.Start[t] + int32(len(s.col))
		widest = max(widest, len(s.col))
	}
	total := w.Start[len(g.sources)]
	w.From, w.Weight, w.People = make([]int32, total), make([]float32, total), make([]int32, total)
	err := eachColumn(ctx, len(g.sources), func() func(int) {
		a, x, at := make([]float64, widest*widest), make([]float64, widest), make([]int32, widest)
		return func(t int) {
			s := g.sources[t]
			n := len(s.col)
			if n == 0 {
				return
			}
			for i, c := range s.col {
				at[i] = g.source[c]
			}
			g.gather(a, n, at[:n])
			for i := range n {
				a[i*n+i] += lambda + drop*a[i*n+i]
				x[i] = float64(s.cross[i]) / One
			}
			solve(a, n, x[:n])
			copy(w.From[w.Start[t]:], s.col)
			copy(w.People[w.Start[t]:], s.people)
			for i, v := range x[:n] {
				w.Weight[w.Start[t]+int32(i)] = float32(v)
			}
		}
	})
	if err != nil {
		return nil, err
	}
	return w, nil
}

// solve replaces x by the solution of A x = b (b in x), A symmetric positive definite, its lower triangle in a row by row.
// A Gram matrix plus lambda I always is: its pivots are at least lambda, up to rounding far below it.
func solve(a []float64, n int, x []float64) {
	for i := range n {
		ri := a[i*n : i*n+i+1]
		j := 0
		for ; j+4 <= i; j += 4 {
			// Four columns at once share the loads of row i up to column j; the small triangle follows.
			r0, r1, r2, r3 := a[j*n:j*n+j+1], a[(j+1)*n:(j+1)*n+j+2], a[(j+2)*n:(j+2)*n+j+3], a[(j+3)*n:(j+3)*n+j+4]
			s0, s1, s2, s3 := ri[j], ri[j+1], ri[j+2], ri[j+3]
			q0, q1, q2, q3 := r0[:j], r1[:j], r2[:j], r3[:j]
			for p, v := range ri[:j] {
				s0 -= v * q0[p]
				s1 -= v * q1[p]
				s2 -= v * q2[p]
				s3 -= v * q3[p]
			}
			s0 /= r0[j]
			s1 = (s1 - s0*r1[j]) / r1[j+1]
			s2 = (s2 - s0*r2[j] - s1*r2[j+1]) / r2[j+2]
			s3 = (s3 - s0*r3[j] - s1*r3[j+1] - s2*r3[j+2]) / r3[j+3]
			ri[j], ri[j+1], ri[j+2], ri[j+3] = s0, s1, s2, s3
		}
		for ; j < i; j++ {
			rj := a[j*n : j*n+j+1]
			s := ri[j]
			for p, v := range rj[:j] {
				s -= ri[p] * v
			}
			ri[j] = s / rj[j]
		}
		d := ri[i]
		for _, v := range ri[:i] {
			d -= v * v
		}
		ri[i] = math.Sqrt(d)
		b := x[i]
		for p, v := range ri[:i] {
			b -= v * x[p]
		}
		x[i] = b / ri[i]
	}
	for i := n - 1; i >= 0; i-- {
		x[i] /= a[i*n+i]
		v := x[i]
		for p, l := range a[i*n : i*n+i] {
			x[p] -= v * l
		}
	}
}
