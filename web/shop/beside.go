package shop

import (
	"context"
	"sync"
	"time"
)

// What the shop tells Rapport and needs no answer to, a view and what was shown, goes beside the page: the page does not wait
// until it is on disk. A visit's messages go one after the other, in the order in which they were given, and whatever asks or
// tells something else for the visit waits for them first: so the next page shows their effect. Close waits for all of them.

// patience is how long a door may take, and how long a page waits for what went before it.
const patience = 2 * time.Second

// beside counts what is under way.
type beside struct {
	mu    sync.Mutex
	some  sync.WaitGroup
	ended bool
}

// send runs a message of a visit after those before it. After Close it is sent before send returns.
func (b *beside) send(v *visit, message func(ctx context.Context)) {
	done := make(chan struct{})
	v.mu.Lock()
	before := v.pending
	v.pending = done
	v.mu.Unlock()
	one := func() {
		defer close(done)
		if before != nil {
			<-before
		}
		message(context.Background()) // the door's own patience ends it, not the reader who goes away
	}
	b.mu.Lock()
	ended := b.ended
	if !ended {
		b.some.Go(one)
	}
	b.mu.Unlock()
	if ended {
		one()
	}
}

// settled waits until what a visit sent is at Rapport. It gives up when the reader does, or after a while: a page then shows
// what was known before.
func (v *visit) settled(ctx context.Context) {
	v.mu.Lock()
	pending := v.pending
	v.mu.Unlock()
	if pending == nil {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	select {
	case <-pending:
	case <-ctx.Done():
	}
}

// Close waits until everything that was given is at Rapport, or the context ends.
func (s *Shop) Close(ctx context.Context) error {
	s.beside.mu.Lock()
	s.beside.ended = true
	s.beside.mu.Unlock()
	done := make(chan struct{})
	go func() { s.beside.some.Wait(); close(done) }()
	select {
	case <-done:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
