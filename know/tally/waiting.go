package tally

import (
	"context"
	"sync"
)

// Waiting adds up counts in memory until they are written. A count is at any time either waiting or written: a Sum that runs beside a
// Flush finds it once, never twice and never not at all. It is safe for many goroutines; Add waits for nobody's disk.
type Waiting[K comparable] struct {
	turn chan struct{} // held while counts go from here to where they are kept, and while both are read

	mu     sync.Mutex
	counts map[K]int64
}

// NewWaiting makes a Waiting without counts.
func NewWaiting[K comparable]() *Waiting[K] {
	return &Waiting[K]{turn: make(chan struct{}, 1), counts: map[K]int64{}}
}

// Add counts n more of a key.
func (w *Waiting[K]) Add(key K, n int64) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.counts[key] += n
}

func (w *Waiting[K]) take(ctx context.Context) error {
	select {
	case w.turn <- struct{}{}:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Flush gives what waits to write, if anything does. After an error it waits on. Errors: write's, and the context's.
func (w *Waiting[K]) Flush(ctx context.Context, write func(counts map[K]int64) error) error {
	if err := w.take(ctx); err != nil {
		return err
	}
	defer func() { <-w.turn }()
	w.mu.Lock()
	taken := w.counts
	w.counts = map[K]int64{}
	w.mu.Unlock()
	if len(taken) == 0 {
		return nil
	}
	err := write(taken)
	if err != nil {
		for key, n := range taken {
			w.Add(key, n)
		}
	}
	return err
}

// Sum adds what waits to what read finds written, of the keys that are wanted. Errors: read's, and the context's.
func (w *Waiting[K]) Sum(ctx context.Context, wanted func(key K) bool, read func(add func(key K, n int64)) error) (map[K]int64, error) {
	if err := w.take(ctx); err != nil {
		return nil, err
	}
	defer func() { <-w.turn }()
	sum := map[K]int64{}
	w.mu.Lock()
	for key, n := range w.counts {
		if wanted(key) {
			sum[key] += n
		}
	}
	w.mu.Unlock()
	return sum, read(func(key K, n int64) { sum[key] += n })
}
