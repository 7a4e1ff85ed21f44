package job_test

import (
	"context"
	"errors"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/rapporthq/rapport/job"
	"github.com/rapporthq/rapport/person"
)

// leases in memory.
type leases struct {
	mu  sync.Mutex
	of  map[string]lease
	err error
}

type lease struct {
	holder string
	until  person.Instant
}

func (l *leases) Acquire(_ context.Context, name, holder string, ttl time.Duration, now person.Instant) (bool, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.err != nil {
		return false, l.err
	}
	if l.of == nil {
		l.of = map[string]lease{}
	}
	if have, ok := l.of[name]; ok && have.holder != holder && have.until > now {
		return false, nil
	}
	l.of[name] = lease{holder, now.Add(ttl)}
	return true, nil
}

func (l *leases) Release(_ context.Context, name, holder string) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.of[name].holder == holder {
		delete(l.of, name)
	}
	return nil
}

// clock is a time that passes by hand: After's channels fire when enough has passed.
type clock struct {
	mu      sync.Mutex
	now     time.Duration
	wrong   time.Duration // how far what it says is from what passes
	waiting []*alarm
	asked   chan time.Duration // each wait that began
}

type alarm struct {
	at time.Duration
	c  chan time.Time
}

func newClock() *clock { return &clock{asked: make(chan time.Duration, 1000)} }

func (c *clock) Now() person.Instant {
	c.mu.Lock()
	defer c.mu.Unlock()
	return person.Instant(1_000_000).Add(c.now + c.wrong)
}

func (c *clock) After(d time.Duration) <-chan time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	a := &alarm{c.now + d, make(chan time.Time, 1)}
	c.waiting = append(c.waiting, a)
	c.asked <- d
	return a.c
}

func (c *clock) pass(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now += d
	var left []*alarm
	for _, a := range c.waiting {
		if a.at <= c.now {
			a.c <- time.Time{}
		} else {
			left = append(left, a)
		}
	}
	c.waiting = left
}

// until waits for somebody to wait that long.
func (c *clock) until(t *testing.T, d time.Duration) {
	t.Helper()
	for {
		select {
		case got := <-c.asked:
			if got == d {
				return
			}
		case <-time.After(10 * time.Second):
			t.Fatalf("nobody waits %v", d)
		}
	}
}

func stop(t *testing.T, r *job.Runner) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	if err := r.Stop(ctx); err != nil {
		t.Fatal(err)
	}
}

func TestAJobRunsAtItsTimes(t *testing.T) {
	c := newClock()
	r := &job.Runner{Leases: &leases{}, Clock: c.Now, After: c.After}
	runs := make(chan int, 10)
	n := 0
	r.Every("fold", time.Second, func(context.Context) error {
		n++
		runs <- n
		if n == 2 {
			return job.ErrMore
		}
		if n == 4 {
			return errors.New("broken")
		}
		return nil
	})
	r.Start(context.Background())
	r.Start(context.Background()) // again is harmless
	want := func(n int) {
		t.Helper()
		select {
		case got := <-runs:
			if got != n {
				t.Fatalf("run %d, want %d", got, n)
			}
		case <-time.After(10 * time.Second):
			t.Fatalf("run %d does not come", n)
		}
	}
	want(1) // at once
	c.until(t, time.Second)
	c.pass(time.Second)
	want(2)
	want(3) // more was waiting
	c.until(t, time.Second)
	r.Nudge("fold")
	r.Nudge("no such job")
	want(4)
	c.until(t, time.Second)
	s := r.States()[0]
	if s.Name != "fold" || s.Runs != 4 || s.Err == nil || s.Running || !s.Holder || s.Ended == 0 {
		t.Fatalf("%+v", s)
	}
	stop(t, r)
	if s := r.States()[0]; s.Holder {
		t.Fatal("the lease was not given back")
	}
}

// TestAClockThatGoesBackKeepsNoJobWaiting sets the clock a year back: the next run is an interval later, not a year.
func TestAClockThatGoesBackKeepsNoJobWaiting(t *testing.T) {
	c := newClock()
	c.wrong = 365 * 24 * time.Hour
	ran := make(chan struct{}, 10)
	r := &job.Runner{Leases: &leases{}, Clock: c.Now, After: c.After}
	r.Every("fold", time.Second, func(context.Context) error { ran <- struct{}{}; return nil })
	r.Start(t.Context())
	defer stop(t, r)
	again := func(when string) {
		t.Helper()
		select {
		case <-ran:
		case <-time.After(10 * time.Second):
			t.Fatalf("%s it does not run", when)
		}
	}
	again("at the start")
	c.until(t, time.Second)
	c.mu.Lock()
	c.wrong = 0
	c.mu.Unlock()
	c.pass(time.Second) // finds the clock set back
	c.until(t, time.Second)
	c.pass(time.Second)
	again("after the clock went back")
}

func TestAPanicEndsOneRun(t *testing.T) {
	c := newClock()
	r := &job.Runner{Leases: &leases{}, Clock: c.Now, After: c.After}
	r.Every("bad", time.Second, func(context.Context) error { panic("jane@example.com") })
	r.Start(context.Background())
	for range 3 {
		c.until(t, time.Second)
		c.pass(time.Second)
	}
	c.until(t, time.Second)
	s := r.States()[0]
	stop(t, r)
	if s.Runs != 4 || s.Err == nil || strings.Contains(s.Err.Error(), "jane") {
		t.Fatalf("%+v", s)
	}
}

func TestOneProcessRunsAJobAndAnotherFollows(t *testing.T) {
	c, l := newClock(), &leases{}
	var at atomic.Int32
	var overlap atomic.Bool
	release := make(chan struct{})
	process := func(name string) *job.Runner {
		r := &job.Runner{Leases: l, Holder: name, Clock: c.Now, After: c.After, TTL: 30 * time.Second}
		r.Every("learn", time.Second, func(ctx context.Context) error {
			if at.Add(1) > 1 {
				overlap.Store(true)
			}
			defer at.Add(-1)
			select {
			case <-release:
			case <-ctx.Done():
			}
			return nil
		})
		r.Start(context.Background())
		return r
	}
	a := process("a")
	c.until(t, 10*time.Second) // a runs and renews
	b := process("b")
	c.until(t, time.Second) // b does not get it, and waits
	for range 6 {           // a minute: twice the lease, renewed on the way
		c.pass(10 * time.Second)
		c.until(t, 10*time.Second)
	}
	if overlap.Load() {
		t.Fatal("two ran at once")
	}
	if !a.States()[0].Holder || b.States()[0].Holder {
		t.Fatal("the wrong one holds the lease")
	}
	stop(t, a) // gives it back
	c.pass(time.Second)
	c.until(t, 10*time.Second) // b renews: it runs
	if overlap.Load() || !b.States()[0].Running {
		t.Fatalf("b did not follow: %+v", b.States()[0])
	}
	close(release)
	stop(t, b)
}

func TestALostLeaseEndsTheRun(t *testing.T) {
	c, l := newClock(), &leases{}
	r := &job.Runner{Leases: l, Holder: "a", Clock: c.Now, After: c.After, TTL: 30 * time.Second}
	ended := make(chan error, 10)
	r.Every("learn", time.Second, func(ctx context.Context) error {
		<-ctx.Done()
		ended <- ctx.Err()
		return ctx.Err()
	})
	r.Start(context.Background())
	c.until(t, 10*time.Second)
	l.mu.Lock()
	l.of["job:learn"] = lease{"b", c.Now().Add(time.Hour)} // as if a had slept and b had followed
	l.mu.Unlock()
	c.pass(10 * time.Second)
	select {
	case <-ended:
	case <-time.After(10 * time.Second):
		t.Fatal("it runs on without its lease")
	}
	stop(t, r)
}

func TestStopWaitsAndGivesUpWithItsContext(t *testing.T) {
	c := newClock()
	r := &job.Runner{Leases: &leases{}, Clock: c.Now, After: c.After}
	release := make(chan struct{})
	began := make(chan struct{})
	r.Every("slow", time.Second, func(context.Context) error { close(began); <-release; return nil })
	r.Start(context.Background())
	<-began
	gone, cancel := context.WithCancel(context.Background())
	cancel()
	if err := r.Stop(gone); !errors.Is(err, context.Canceled) {
		t.Fatal(err)
	}
	close(release)
	stop(t, r)
	if n := r.States()[0].Runs; n != 1 {
		t.Fatalf("%d runs", n)
	}
}

func TestLeasesThatCannotBeReachedRunNothing(t *testing.T) {
	c := newClock()
	r := &job.Runner{Leases: &leases{err: errors.New("no store")}, Clock: c.Now, After: c.After}
	r.Every("fold", time.Second, func(context.Context) error { t.Error("it ran"); return nil })
	r.Start(context.Background())
	c.until(t, time.Second)
	if s := r.States()[0]; s.Err == nil || s.Holder {
		t.Fatalf("%+v", s)
	}
	stop(t, r)
	(&job.Runner{}).Stop(context.Background()) // never started
}

func TestTheLeaseOfARareJobIsKeptAndFollowedSoon(t *testing.T) {
	c, l := newClock(), &leases{}
	process := func(name string, runs *atomic.Int32) *job.Runner {
		r := &job.Runner{Leases: l, Holder: name, Clock: c.Now, After: c.After, TTL: 30 * time.Second}
		r.Every("sweep", 24*time.Hour, func(context.Context) error { runs.Add(1); return nil })
		r.Start(context.Background())
		return r
	}
	var inA, inB atomic.Int32
	a := process("a", &inA)
	c.until(t, 10*time.Second) // the run's own renewal, which each run begins
	c.until(t, 10*time.Second) // renewed long before the next run
	b := process("b", &inB)
	c.until(t, 10*time.Second)
	for range 20 {
		c.pass(10 * time.Second)
		c.until(t, 10*time.Second)
		c.until(t, 10*time.Second)
	}
	if inA.Load() != 1 || inB.Load() != 0 {
		t.Fatalf("%d and %d runs", inA.Load(), inB.Load())
	}
	stop(t, a)
	c.pass(10 * time.Second)
	c.until(t, 10*time.Second)
	c.until(t, 10*time.Second)
	if inB.Load() != 1 {
		t.Fatal("nobody followed")
	}
	stop(t, b)
}
