package identity

import (
	"cmp"
	"context"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
)

// chunk is how many records a worker takes at a time.
const chunk = 256

// inParallel shares the records 0 to n among as many workers as there are processors. Each is made by its own call of start.
func inParallel(n int, start func() func(from, to int32)) {
	var next atomic.Int64
	var all sync.WaitGroup
	for range runtime.GOMAXPROCS(0) {
		all.Go(func() {
			work := start()
			for {
				to := next.Add(chunk)
				from := to - chunk
				if from >= int64(n) {
					return
				}
				work(int32(from), int32(min(to, int64(n))))
			}
		})
	}
	all.Wait()
}

// each calls with the numbers 0 to n, shared among as many workers as there are processors.
func each(n int, do func(i int)) {
	var next atomic.Int64
	var all sync.WaitGroup
	for range runtime.GOMAXPROCS(0) {
		all.Go(func() {
			for {
				i := int(next.Add(1)) - 1
				if i >= n {
					return
				}
				do(i)
			}
		})
	}
	all.Wait()
}

// asking is how many records ask for others: all, or the first file's.
func (r *records) asking() int {
	if r.two {
		return r.first
	}
	return r.n
}

// limit is with how many others a record is compared at most: fewer where there are many, for the whole is to end.
func (r *records) limit() int { return min(100, max(16, 40_000_000/max(r.n, 1))) }

// scores compares each record with those that share most blocks with it, and keeps the pairs that score above least. It says
// also how many were compared.
func (r *records) scores(ctx context.Context, md *model, o Options) (pairs []pair, compared int64, err error) {
	var mu sync.Mutex
	n, limit := r.asking(), r.limit()
	done := int64(0)
	inParallel(n, func() func(from, to int32) {
		s := r.seeker(md)
		var v vector
		var own []pair
		return func(from, to int32) {
			if ctx.Err() != nil {
				return
			}
			own = own[:0]
			count := int64(0)
			for i := from; i < to; i++ {
				for _, m := range s.seek(i, false, limit) {
					count++
					r.compare(i, m.record, &v)
					if score := float32(md.score(&v)); score > least {
						own = append(own, pair{i, m.record, score})
					}
				}
			}
			mu.Lock()
			pairs = append(pairs, own...)
			compared += count
			done += int64(to - from)
			o.say("comparing", done, int64(n))
			mu.Unlock()
		}
	})
	if err := ctx.Err(); err != nil {
		return nil, 0, err
	}
	slices.SortFunc(pairs, func(x, y pair) int { return cmp.Or(cmp.Compare(x.a, y.a), cmp.Compare(x.b, y.b)) })
	return pairs, compared, nil
}
