package linear

import (
	"context"
	"errors"
	"math"
	"math/rand/v2"
	"reflect"
	"runtime"
	"slices"
	"testing"

	_ "github.com/rapporthq/rapport/person/seedtest" // draws the same each time
	"gonum.org/v1/gonum/mat"
	"pgregory.net/rapid"
)

// draw makes rows with some structure: people of two tastes, and a hub that nearly everybody has.
func draw(rng *rand.Rand, people, cols int, gains bool) *Rows {
	r := &Rows{Cols: cols, Start: []int{0}}
	for p := range people {
		var cs []int32
		var gs []uint16
		for c := range cols {
			chance := 0.15
			if c%2 == p%2 {
				chance = 0.5
			}
			if c == 0 {
				chance = 0.9
			}
			if rng.Float64() < chance {
				cs = append(cs, int32(c))
				if gains {
					gs = append(gs, uint16(rng.IntN(One+1)))
				}
			}
		}
		r.Add(cs, gs)
	}
	return r
}

func dense(r *Rows) (x, y [][]float64) {
	for p := range r.Len() {
		row, gain := make([]float64, r.Cols), make([]float64, r.Cols)
		for e := r.Start[p]; e < r.Start[p+1]; e++ {
			row[r.Col[e]], gain[r.Col[e]] = 1, 1
			if r.Gain != nil {
				gain[r.Col[e]] = float64(r.Gain[e]) / One
			}
		}
		x, y = append(x, row), append(y, gain)
	}
	return x, y
}

// reference fits one target by the normal equations with a library's solver, on the columns that share at least k people.
func reference(t interface{ Fatal(...any) }, r *Rows, o Options, target int, lambda float64) map[int32]float64 {
	x, y := dense(r)
	var s []int
	for c := range r.Cols {
		n := 0
		for p := range x {
			if x[p][c] == 1 && x[p][target] == 1 {
				n++
			}
		}
		if c != target && n >= o.K {
			s = append(s, c)
		}
	}
	if len(s) == 0 {
		return nil
	}
	a, b := mat.NewSymDense(len(s), nil), mat.NewVecDense(len(s), nil)
	for i, c := range s {
		for j, d := range s[i:] {
			sum := 0.0
			for p := range x {
				sum += x[p][c] * x[p][d]
			}
			if j == 0 {
				sum += lambda
			}
			a.SetSym(i, i+j, sum)
		}
		sum := 0.0
		for p := range x {
			sum += x[p][c] * y[p][target]
		}
		b.SetVec(i, sum)
	}
	var w mat.VecDense
	if err := w.SolveVec(a, b); err != nil {
		t.Fatal(err)
	}
	out := map[int32]float64{}
	for i, c := range s {
		out[int32(c)] = w.AtVec(i)
	}
	return out
}

func fit(t interface{ Fatal(...any) }, r *Rows, o Options, lambda float64) (*Gram, *Weights) {
	g, err := Count(context.Background(), r, o)
	if err != nil {
		t.Fatal(err)
	}
	w, err := g.Fit(context.Background(), lambda, 0)
	if err != nil {
		t.Fatal(err)
	}
	return g, w
}

func of(w *Weights, target int) map[int32]float64 {
	out := map[int32]float64{}
	for e := w.Start[target]; e < w.Start[target+1]; e++ {
		out[w.From[e]] = float64(w.Weight[e])
	}
	return out
}

func TestFitIsTheClosedForm(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		rng := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 1))
		cols := rapid.IntRange(2, 24).Draw(t, "columns")
		o := Options{K: rapid.IntRange(1, 12).Draw(t, "k"), Targets: rapid.IntRange(1, cols).Draw(t, "targets")}
		lambda := rapid.SampledFrom([]float64{0.5, 10, 300}).Draw(t, "lambda")
		r := draw(rng, rapid.IntRange(1, 60).Draw(t, "people"), cols, rapid.Bool().Draw(t, "gains"))
		_, w := fit(t, r, o, lambda)
		for target := range o.Targets {
			want, got := reference(t, r, o, target, lambda), of(w, target)
			if len(want) != len(got) {
				t.Fatalf("target %d has %d sources, want %d", target, len(got), len(want))
			}
			for c, v := range want {
				if math.Abs(got[c]-v) > 1e-5*(1+math.Abs(v)) {
					t.Fatalf("weight %d to %d is %g, want %g", c, target, got[c], v)
				}
			}
		}
	})
}

func TestWhoSharesWhatIsCounted(t *testing.T) {
	rng := rand.New(rand.NewPCG(7, 7))
	r := &Rows{Cols: 400, Start: []int{0}}
	for range 900 {
		at, cs := rng.IntN(40), []int32{}
		for c := at; c < 400; c += 20 + rng.IntN(41) {
			cs = append(cs, int32(c))
		}
		r.Add(cs, nil)
	}
	g, _ := fit(t, r, Options{K: 1, Targets: 400}, 1)
	x, _ := dense(r)
	for range 50 {
		var s []int32
		for c := range int32(400) {
			if rng.IntN(12) == 0 {
				s = append(s, c)
			}
		}
		n := len(s)
		a := make([]float64, n*n)
		g.gather(a, n, s)
		for i := range n {
			for j := range i + 1 {
				sum := 0.0
				for p := range x {
					sum += x[p][s[i]] * x[p][s[j]]
				}
				if a[i*n+j] != sum {
					t.Fatalf("columns %d and %d share %g people, not %g", s[i], s[j], sum, a[i*n+j])
				}
			}
		}
	}
}

func TestEveryWeightRestsOnKPeople(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 3))
	r := draw(rng, 120, 30, false)
	const k = 25
	_, w := fit(t, r, Options{K: k, Targets: 26}, 5)
	x, _ := dense(r)
	seen := 0
	for target := range 26 {
		for e := w.Start[target]; e < w.Start[target+1]; e++ {
			n := int32(0)
			for p := range x {
				if x[p][target] == 1 && x[p][w.From[e]] == 1 {
					n++
				}
			}
			if n != w.People[e] || n < k {
				t.Fatalf("weight %d to %d rests on %d people and says %d", w.From[e], target, n, w.People[e])
			}
			seen++
		}
	}
	if all := 26 * 29; seen == 0 || seen == all {
		t.Fatalf("%d of %d pairs have k people: the test tests nothing", seen, all)
	}
}

func TestTheCapKeepsTheStrongestAndAllFacts(t *testing.T) {
	rng := rand.New(rand.NewPCG(5, 5))
	r := draw(rng, 200, 30, false)
	g, w := fit(t, r, Options{K: 5, Targets: 25, Cap: 4}, 5)
	x, _ := dense(r)
	for target := range 25 {
		shares := func(c int32) float64 {
			n := 0.0
			for p := range x {
				n += x[p][target] * x[p][c]
			}
			return n
		}
		least, facts := math.Inf(1), 0
		got := of(w, target)
		for c := range got {
			if c < 25 {
				least = min(least, shares(c)/math.Sqrt(float64(g.People(int(c)))))
			} else {
				facts++
			}
		}
		if len(got)-facts != 4 || facts != 5 {
			t.Fatalf("target %d has %d items and %d facts as sources", target, len(got)-facts, facts)
		}
		for c := range int32(25) {
			if _, in := got[c]; !in && int(c) != target && shares(c)/math.Sqrt(float64(g.People(int(c)))) > least {
				t.Fatalf("target %d left out %d, which is stronger than one that is in", target, c)
			}
		}
	}
}

func TestOnlyTheMostTakenAreSources(t *testing.T) {
	rng := rand.New(rand.NewPCG(6, 6))
	r := draw(rng, 200, 30, true)
	o := Options{K: 5, Targets: 25, Sources: 9}
	g, w := fit(t, r, o, 5)
	fewest, seen := math.MaxInt, map[int32]bool{}
	for _, from := range w.From {
		seen[from] = true
		if from < 25 {
			fewest = min(fewest, g.People(int(from)))
		}
	}
	if len(seen) != 9+5 {
		t.Errorf("%d columns are sources", len(seen))
	}
	for c := range int32(25) {
		if !seen[c] && g.People(int(c)) > fewest {
			t.Errorf("%d has %d people and is no source, one with %d is", c, g.People(int(c)), fewest)
		}
	}
	// What is fitted is what would be fitted if there were no other columns than the sources and the target.
	for target := range 25 {
		left := &Rows{Cols: r.Cols}
		for p := range r.Len() {
			var cs []int32
			var gs []uint16
			for e := r.Start[p]; e < r.Start[p+1]; e++ {
				if c := r.Col[e]; seen[c] || int(c) == target {
					cs, gs = append(cs, c), append(gs, r.Gain[e])
				}
			}
			left.Add(cs, gs)
		}
		want := reference(t, left, o, target, 5)
		delete(want, int32(target))
		got := of(w, target)
		for c, v := range want {
			if seen[c] && math.Abs(got[c]-v) > 1e-5*(1+math.Abs(v)) {
				t.Fatalf("weight %d to %d is %g, want %g", c, target, got[c], v)
			}
		}
		if len(got) != len(want) {
			t.Fatalf("target %d has %d sources, want %d", target, len(got), len(want))
		}
	}
}

func TestAFitTakesNoMoreThanItsWork(t *testing.T) {
	rng := rand.New(rand.NewPCG(8, 8))
	r := draw(rng, 400, 130, false)
	_, wide := fit(t, r, Options{K: 2, Targets: 120}, 5)
	cost := func(w *Weights) (all int64) {
		for t := range 120 {
			n := int64(w.Start[t+1] - w.Start[t])
			all += n * n * n / 6
		}
		return all
	}
	for _, part := range []int64{2, 4, 1000} {
		work := cost(wide) / part
		_, w := fit(t, r, Options{K: 2, Targets: 120, Work: work}, 5)
		width := int(w.Start[1]) - 10
		if cost(w) > work && width > leastCap || width < leastCap || part == 2 && cost(w) < work*9/10 {
			t.Errorf("%d multiplications on %d sources, %d are allowed", cost(w), width, work)
		}
		_, want := fit(t, r, Options{K: 2, Targets: 120, Cap: width}, 5)
		if !reflect.DeepEqual(w, want) {
			t.Errorf("the %d sources are not the strongest", width)
		}
	}
}

func TestSameBitsForAnyOrderAndProcessors(t *testing.T) {
	rng := rand.New(rand.NewPCG(11, 11))
	r := draw(rng, 300, 40, true)
	o := Options{K: 10, Targets: 35, Cap: 12}
	_, want := fit(t, r, o, 20)
	for _, procs := range []int{1, 2, 5} {
		before := runtime.GOMAXPROCS(procs)
		order := rng.Perm(r.Len())
		s := &Rows{Cols: r.Cols}
		for _, p := range order {
			s.Add(r.Col[r.Start[p]:r.Start[p+1]], r.Gain[r.Start[p]:r.Start[p+1]])
		}
		_, got := fit(t, s, o, 20)
		runtime.GOMAXPROCS(before)
		if !reflect.DeepEqual(want, got) {
			t.Fatalf("other bits on %d processors", procs)
		}
	}
}

func TestWhatCannotBeFitted(t *testing.T) {
	r := draw(rand.New(rand.NewPCG(1, 1)), 10, 5, false)
	for _, o := range []Options{{K: 0, Targets: 5}, {K: 1, Targets: 6}, {K: 1, Targets: -1}} {
		if _, err := Count(t.Context(), r, o); !errors.Is(err, ErrOptions) {
			t.Errorf("%+v was counted", o)
		}
	}
	g, err := Count(t.Context(), r, Options{K: 1, Targets: 5})
	if err != nil {
		t.Fatal(err)
	}
	for _, l := range []float64{0, -1, math.NaN(), math.Inf(1)} {
		if _, err := g.Fit(t.Context(), l, 0); !errors.Is(err, ErrLambda) {
			t.Errorf("fitted with lambda %g", l)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := g.Fit(ctx, 1, 0); err == nil {
		t.Error("a fit that was called off came back whole")
	}
	if _, err := Count(ctx, r, Options{K: 1, Targets: 5}); err == nil {
		t.Error("a count that was called off came back whole")
	}
}

func TestNobodyAtAll(t *testing.T) {
	_, w := fit(t, &Rows{Cols: 3}, Options{K: 1, Targets: 3}, 1)
	if len(w.Weight) != 0 || !slices.Equal(w.Start, []int32{0, 0, 0, 0}) {
		t.Errorf("%+v", w)
	}
}

func BenchmarkSolve200(b *testing.B) {
	rng := rand.New(rand.NewPCG(1, 1))
	const n = 200
	src, a, x := make([]float64, n*n), make([]float64, n*n), make([]float64, n)
	for i := range n {
		for j := range i {
			src[i*n+j] = rng.Float64()
		}
		src[i*n+i] = 2 * n
	}
	for b.Loop() {
		copy(a, src)
		for i := range x {
			x[i] = 1
		}
		solve(a, n, x)
	}
	b.ReportMetric(float64(n*n*n)/3*float64(b.N)/b.Elapsed().Seconds()/1e9, "Gmul/s")
}
