package job

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"sync"
	"testing"
	"time"

	"github.com/rapporthq/rapport/person"
)

// table is leases in memory.
type table struct {
	mu   sync.Mutex
	held map[string]string
	till map[string]person.Instant
}

func newTable() *table {
	return &table{held: map[string]string{}, till: map[string]person.Instant{}}
}

func (l *table) Acquire(_ context.Context, name, holder string, ttl time.Duration, now person.Instant) (bool, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if h := l.held[name]; h != "" && h != holder && now < l.till[name] {
		return false, nil
	}
	l.held[name], l.till[name] = holder, now.Add(ttl)
	return true, nil
}

func (l *table) Release(_ context.Context, name, holder string) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.held[name] == holder {
		delete(l.held, name)
	}
	return nil
}

// hand is a ticker that the test turns.
type hand struct{ c chan time.Time }

func (h hand) C() <-chan time.Time { return h.c }

func (h hand) Stop() {}

func runner(l Leases, holder string, now *person.Instant, mu *sync.Mutex) (*Runner, chan time.Time) {
	c := make(chan time.Time)
	return New(Options{Leases: l, Holder: holder, Log: slog.New(slog.NewTextHandler(io.Discard, nil)),
		Clock: func() person.Instant { mu.Lock(); defer mu.Unlock(); return *now },
		Ticker: func(every time.Duration) Ticker {
			if every == time.Second {
				return hand{c}
			}
			return hand{make(chan time.Time)}
		}}), c
}

func TestOneHolderAtATime(t *testing.T) {
	l, mu, now := newTable(), &sync.Mutex{}, person.Instant(1)
	ran := make(chan string, 10)
	a, turnA := runner(l, "a", &now, mu)
	a.Every("work", time.Second, func(context.Context) error { ran <- "a"; return nil })
	b, turnB := runner(l, "b", &now, mu)
	b.Every("work", time.Second, func(context.Context) error { ran <- "b"; return nil })
	if err := a.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := <-ran; got != "a" {
		t.Fatalf("%s ran first", got)
	}
	if err := b.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	turnB <- time.Time{} // b was asked twice and has no lease
	turnA <- time.Time{}
	if got := <-ran; got != "a" {
		t.Fatalf("%s ran while a had the lease", got)
	}
	a.Stop() // gives the lease back
	turnB <- time.Time{}
	if got := <-ran; got != "b" {
		t.Fatalf("%s ran after a had stopped", got)
	}
	b.Stop()
	if len(ran) != 0 {
		t.Error("somebody ran besides")
	}
}

func TestALeaseRunsOutWithItsHolder(t *testing.T) {
	l, mu, now := newTable(), &sync.Mutex{}, person.Instant(1)
	if ok, _ := l.Acquire(t.Context(), "work", "dead", time.Minute, now); !ok {
		t.Fatal("no lease")
	}
	ran := make(chan string, 10)
	b, turn := runner(l, "b", &now, mu)
	b.Every("work", time.Second, func(context.Context) error { ran <- "b"; return nil })
	if err := b.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	turn <- time.Time{}
	if len(ran) != 0 {
		t.Fatal("it ran while the lease was another's")
	}
	mu.Lock()
	now = now.Add(2 * time.Minute)
	mu.Unlock()
	turn <- time.Time{}
	<-ran
	b.Stop()
}

func TestFailuresAndPanicsAreContained(t *testing.T) {
	l, mu, now := newTable(), &sync.Mutex{}, person.Instant(1)
	n := 0
	ran := make(chan int, 10)
	r, turn := runner(l, "a", &now, mu)
	r.Every("work", time.Second, func(context.Context) error {
		n++
		ran <- n
		switch n {
		case 1:
			return errors.New("no")
		case 2:
			panic("no")
		}
		return nil
	})
	if err := r.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	<-ran
	turn <- time.Time{}
	<-ran
	turn <- time.Time{}
	<-ran
	r.Stop()
	if s := r.States()["work"]; s.Runs != 3 || s.Failed != 2 {
		t.Errorf("state %+v, expected 3 runs of which 2 failed", s)
	}
	if err := r.Start(t.Context()); !errors.Is(err, ErrStarted) {
		t.Error("a runner started twice")
	}
}
