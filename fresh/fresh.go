// Package fresh shares a question among those who ask it at the same time, so that what other processes may change can be asked
// for each time somebody wants to know it, and still costs little.
//
// It promises: whoever asks gets an answer to a question that was put after they had asked, never an older one; of one key one
// question is under way at a time, and all who come meanwhile share the next. It remembers nothing.
package fresh

import (
	"context"
	"errors"
	"sync"
	"time"
)

// Answers are shared by key. The zero value is good; it is safe for many goroutines and must not be copied.
type Answers[K comparable, V any] struct {
	// Within is how long one question may take, whoever waits for it: a minute when zero.
	Within time.Duration

	mu    sync.Mutex
	under map[K]*line[V] // keys of which a question is under way
}

// line is who waits behind the question that is under way.
type line[V any] struct {
	next *question[V]
	ask  func(context.Context) (V, error)
}

type question[V any] struct {
	done  chan struct{}
	value V
	err   error
}

var errPanic = errors.New("the question could not be put: it panicked")

// Ask gives what ask answers, or the error of ctx when that ends first: the question goes on for the others. ask is called with a
// context of its own; of those who share a question one's ask is called.
func (a *Answers[K, V]) Ask(ctx context.Context, key K, ask func(context.Context) (V, error)) (V, error) {
	var zero V
	if err := ctx.Err(); err != nil {
		return zero, err
	}
	q := a.join(key, ask)
	select {
	case <-q.done:
		return q.value, q.err
	case <-ctx.Done():
		return zero, ctx.Err()
	}
}

func (a *Answers[K, V]) join(key K, ask func(context.Context) (V, error)) *question[V] {
	a.mu.Lock()
	defer a.mu.Unlock()
	l := a.under[key]
	if l != nil && l.next != nil {
		return l.next
	}
	q := &question[V]{done: make(chan struct{})}
	if l != nil {
		l.next, l.ask = q, ask
		return q
	}
	if a.under == nil {
		a.under = map[K]*line[V]{}
	}
	a.under[key] = &line[V]{}
	go a.run(key, q, ask)
	return q
}

// run puts questions of a key one after the other until nobody waits.
func (a *Answers[K, V]) run(key K, q *question[V], ask func(context.Context) (V, error)) {
	within := a.Within
	if within == 0 {
		within = time.Minute
	}
	for q != nil {
		ctx, cancel := context.WithTimeout(context.Background(), within)
		q.value, q.err = contained(ctx, ask)
		cancel()
		answered := q
		a.mu.Lock()
		l := a.under[key]
		q, ask = l.next, l.ask
		l.next, l.ask = nil, nil
		if q == nil {
			delete(a.under, key)
		}
		a.mu.Unlock()
		close(answered.done)
	}
}

func contained[V any](ctx context.Context, ask func(context.Context) (V, error)) (v V, err error) {
	defer func() {
		if recover() != nil {
			err = errPanic
		}
	}()
	return ask(ctx)
}
