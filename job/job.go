// Package job runs background work over leases: of all processes of a home one at a time does a piece of work, and when that
// one dies another goes on.
//
// It promises: a piece of work is never run by two processes at once for as long as clocks differ by less than the lease's
// slack; a failing or panicking run is said in the log and tried again at its next turn; Stop waits until nothing runs.
// It does not promise that a run is done exactly once: work must be such that doing it again is harmless.
package job

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/rapporthq/rapport/person"
)

// Leases say who does a piece of work. The store fills it.
type Leases interface {
	// Acquire takes or renews the lease of that name until now+ttl; false when another holder has it.
	Acquire(ctx context.Context, name, holder string, ttl time.Duration, now person.Instant) (bool, error)
	// Release gives it back, if it is the holder's.
	Release(ctx context.Context, name, holder string) error
}

// Ticker tells when a piece of work has its next turn; tests drive it by hand.
type Ticker interface {
	C() <-chan time.Time
	Stop()
}

// Options are what a Runner is made of. Leases and Holder are needed.
type Options struct {
	Leases Leases
	Holder string // names this process, like no other
	Clock  person.Clock
	Ticker func(every time.Duration) Ticker // nil: the system's
	Log    *slog.Logger
}

// Runner runs pieces of work. Add them with Every, then Start once.
type Runner struct {
	o      Options
	works  []work
	cancel context.CancelFunc
	done   sync.WaitGroup
	mu     sync.Mutex
	states map[string]State
}

type work struct {
	name  string
	every time.Duration
	run   func(context.Context) error
}

// State is how a piece of work last went in this process.
type State struct {
	Runs   int
	Failed int
	Last   person.Instant
	Holds  bool // this process has the lease
}

// slack is how much longer than its turn a lease lasts at least: what a slow run and a clock may be off by.
const slack = 10 * time.Second

// New makes a Runner.
func New(o Options) *Runner {
	if o.Clock == nil {
		o.Clock = person.SystemClock
	}
	if o.Log == nil {
		o.Log = slog.Default()
	}
	if o.Ticker == nil {
		o.Ticker = func(every time.Duration) Ticker { return systemTicker{time.NewTicker(every)} }
	}
	return &Runner{o: o, states: map[string]State{}}
}

// Every adds a piece of work, to be run once at the start and then at every turn. It is to be called before Start.
func (r *Runner) Every(name string, every time.Duration, run func(context.Context) error) {
	r.works = append(r.works, work{name, every, run})
}

// ErrStarted says that a Runner was started before.
var ErrStarted = errors.New("this runner was started before: make a new one")

// Start begins and returns at once. The work ends with the context or with Stop.
func (r *Runner) Start(ctx context.Context) error {
	if r.cancel != nil {
		return ErrStarted
	}
	ctx, r.cancel = context.WithCancel(ctx)
	for _, w := range r.works {
		r.done.Add(1)
		go func() {
			defer r.done.Done()
			r.loop(ctx, w)
		}()
	}
	return nil
}

// Stop ends the work, waits for what is running, and gives the leases back.
func (r *Runner) Stop() {
	if r.cancel != nil {
		r.cancel()
		r.done.Wait()
	}
}

// States tells how each piece of work last went here.
func (r *Runner) States() map[string]State {
	r.mu.Lock()
	defer r.mu.Unlock()
	out := make(map[string]State, len(r.states))
	for n, s := range r.states {
		out[n] = s
	}
	return out
}

func (r *Runner) loop(ctx context.Context, w work) {
	t := r.o.Ticker(w.every)
	defer t.Stop()
	var until person.Instant // of the lease that this process has
	for {
		r.turn(ctx, w, &until)
		select {
		case <-ctx.Done():
			// The context is over, but the lease should not have to run out.
			release, cancel := context.WithTimeout(context.Background(), time.Second)
			_ = r.o.Leases.Release(release, w.name, r.o.Holder)
			cancel()
			return
		case <-t.C():
		}
	}
}

// turn runs the work if the lease is, or becomes, this process's. A lease is asked for again when half of it is over, so that
// work with many turns writes little. While the work runs the lease is renewed; a lease that is lost ends the run.
func (r *Runner) turn(ctx context.Context, w work, until *person.Instant) {
	ttl := min(w.every, time.Minute) + slack
	now := r.o.Clock()
	held, err := true, error(nil)
	if now >= until.Add(-ttl/2) {
		held, err = r.o.Leases.Acquire(ctx, w.name, r.o.Holder, ttl, now)
		*until = 0
		if held && err == nil {
			*until = now.Add(ttl)
		}
	}
	r.note(w.name, func(s *State) { s.Holds = held && err == nil })
	if err != nil {
		if ctx.Err() == nil {
			r.o.Log.Warn("a lease could not be asked for", "job", w.name, "error", err)
		}
		return
	}
	if !held {
		return
	}
	running, cancel := context.WithCancel(ctx)
	renewed := make(chan struct{})
	go func() {
		defer close(renewed)
		t := r.o.Ticker(ttl / 3)
		defer t.Stop()
		for {
			select {
			case <-running.Done():
				return
			case <-t.C():
				if ok, err := r.o.Leases.Acquire(running, w.name, r.o.Holder, ttl, r.o.Clock()); err == nil && !ok {
					cancel()
					return
				}
			}
		}
	}()
	err = contained(running, w.run)
	cancel()
	<-renewed
	r.note(w.name, func(s *State) {
		s.Runs++
		s.Last = r.o.Clock()
		if err != nil {
			s.Failed++
		}
	})
	if err != nil && ctx.Err() == nil {
		r.o.Log.Warn("a job failed and is tried again at its next turn", "job", w.name, "error", err)
	}
}

// contained runs work; a panic is an error of the run, not the end of the process.
func contained(ctx context.Context, run func(context.Context) error) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("it panicked: %T", p)
		}
	}()
	return run(ctx)
}

func (r *Runner) note(name string, change func(*State)) {
	r.mu.Lock()
	defer r.mu.Unlock()
	s := r.states[name]
	change(&s)
	r.states[name] = s
}

// Alone is the leases of a home that only one process can have open.
type Alone struct{}

// Acquire is always granted.
func (Alone) Acquire(context.Context, string, string, time.Duration, person.Instant) (bool, error) {
	return true, nil
}

// Release has nothing to give back.
func (Alone) Release(context.Context, string, string) error { return nil }

type systemTicker struct{ t *time.Ticker }

func (s systemTicker) C() <-chan time.Time { return s.t.C }

func (s systemTicker) Stop() { s.t.Stop() }
