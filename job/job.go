// Package job runs background work again and again, in one process at a time, over leases that the processes share.
//
// It promises: of all processes with the same leases one runs a job, a job never runs twice at once in one of them, a panic
// ends that run only, and Stop returns when nothing runs any more. A process that dies is followed by another within the
// lease's time. It does not promise that a run is never repeated: a process that lost its lease while it ran may have been
// followed already, so every job must bear to be run again.
package job

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/rapporthq/rapport/person"
)

// Leases are kept by the store. now is the runner's clock.
type Leases interface {
	// Acquire takes or renews a lease for ttl, and says whether holder has it.
	Acquire(ctx context.Context, name, holder string, ttl time.Duration, now person.Instant) (bool, error)
	// Release gives it back, if holder has it.
	Release(ctx context.Context, name, holder string) error
}

// Work is one run of a job. It ends soon after ctx does. A run that gives ErrMore is followed by the next at once.
type Work func(ctx context.Context) error

// ErrMore says that a run did its part and more is waiting.
var ErrMore = errors.New("more of this work is waiting")

var errPanic = errors.New("the job panicked; what it said is not kept, for it may be about a person")

// State is what a job did last, for pages and metrics. Err holds no personal data because no work's error may.
type State struct {
	Name    string
	Every   time.Duration
	Holder  bool // this process holds the lease
	Running bool
	Runs    int
	Began   person.Instant // of the last run, zero before the first
	Ended   person.Instant
	Err     error // of the last run, nil when it went well
}

// Runner runs jobs. Its fields are set before Start; Clock and After may be nil: then they are the system's.
type Runner struct {
	Leases Leases
	Holder string // names this process; drawn when empty
	Clock  person.Clock
	// After gives a channel that gets a value after d, as time.After does; tests pass their own.
	After func(d time.Duration) <-chan time.Time
	// TTL is how long a lease lasts without being renewed: one minute when zero. It is renewed at a third of it.
	TTL time.Duration

	mu      sync.Mutex
	jobs    []*running
	cancel  context.CancelFunc
	done    sync.WaitGroup
	started bool
}

type running struct {
	state State
	work  Work
	nudge chan struct{}
}

// Every adds a job: work is run each interval, beginning at Start. Names are unique; it panics on a second one and after
// Start, for that is a programmer's mistake.
func (r *Runner) Every(name string, interval time.Duration, work Work) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.started || interval <= 0 || slices.ContainsFunc(r.jobs, func(j *running) bool { return j.state.Name == name }) {
		panic("job: " + name + " must be new, come before Start and have an interval")
	}
	r.jobs = append(r.jobs, &running{state: State{Name: name, Every: interval}, work: work, nudge: make(chan struct{}, 1)})
}

// Start begins to run the jobs and returns at once.
func (r *Runner) Start(ctx context.Context) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.started {
		return
	}
	r.started = true
	if r.Clock == nil {
		r.Clock = person.SystemClock
	}
	if r.After == nil {
		r.After = time.After
	}
	if r.TTL == 0 {
		r.TTL = time.Minute
	}
	if r.Holder == "" {
		r.Holder = strings.TrimPrefix(person.NewID().String(), "p_")
	}
	ctx, r.cancel = context.WithCancel(ctx)
	for _, j := range r.jobs {
		r.done.Add(1)
		go func() {
			defer r.done.Done()
			r.loop(ctx, j)
		}()
	}
}

// Stop ends all jobs and waits for those that run, or for ctx; leases are given back.
func (r *Runner) Stop(ctx context.Context) error {
	r.mu.Lock()
	cancel := r.cancel
	r.mu.Unlock()
	if cancel == nil {
		return nil
	}
	cancel()
	ended := make(chan struct{})
	go func() { r.done.Wait(); close(ended) }()
	select {
	case <-ended:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Nudge has a job run now rather than at its time, in this process and if it has the lease. Unknown names are no error.
func (r *Runner) Nudge(name string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, j := range r.jobs {
		if j.state.Name == name {
			select {
			case j.nudge <- struct{}{}:
			default:
			}
		}
	}
}

// States lists the jobs in the order in which they were added.
func (r *Runner) States() []State {
	r.mu.Lock()
	defer r.mu.Unlock()
	out := make([]State, len(r.jobs))
	for i, j := range r.jobs {
		out[i] = j.state
	}
	return out
}

func (r *Runner) set(j *running, change func(*State)) {
	r.mu.Lock()
	defer r.mu.Unlock()
	change(&j.state)
}

func (r *Runner) loop(ctx context.Context, j *running) {
	lease := "job:" + j.state.Name
	defer func() {
		release, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
		defer cancel()
		_ = r.Leases.Release(release, lease, r.Holder) // else it runs out
		r.set(j, func(s *State) { s.Holder = false })
	}()
	var due person.Instant // when the next run is wanted, if this process has the lease then
	for nudged := false; ctx.Err() == nil; {
		now := r.Clock()
		due = min(due, now.Add(j.state.Every)) // a clock that went back keeps no job waiting
		had := r.held(j)
		held, err := r.Leases.Acquire(ctx, lease, r.Holder, r.TTL, now)
		held = held && err == nil
		r.set(j, func(s *State) {
			s.Holder = held
			if err != nil {
				s.Err = err
			}
		})
		if held && (!had || nudged || now >= due) { // who follows another runs at once: nobody knows when the other did
			due = now.Add(j.state.Every)
			if r.run(ctx, j, lease) {
				due = now
				continue
			}
		}
		wait := min(j.state.Every, r.TTL/3) // the lease is kept between runs too
		if held {
			wait = max(0, min(wait, time.Duration(due-r.Clock())*time.Microsecond))
		}
		nudged = false
		select {
		case <-ctx.Done():
		case <-j.nudge:
			nudged = true
		case <-r.After(wait):
		}
	}
}

func (r *Runner) held(j *running) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return j.state.Holder
}

// run is one run under a lease that is renewed while it lasts; when the lease is lost the run's context ends.
func (r *Runner) run(ctx context.Context, j *running, lease string) (more bool) {
	ctx, cancel := context.WithCancel(ctx)
	r.set(j, func(s *State) { s.Running, s.Began = true, r.Clock() })
	var renewing sync.WaitGroup
	renewing.Add(1)
	go func() {
		defer renewing.Done()
		ttl := r.TTL
		lost := r.Clock().Add(ttl)
		for {
			select {
			case <-ctx.Done():
				return
			case <-r.After(ttl / 3):
			}
			now := r.Clock()
			held, err := r.Leases.Acquire(ctx, lease, r.Holder, ttl, now)
			switch {
			case err == nil && held:
				lost = now.Add(ttl)
			case err == nil || now >= lost: // somebody else has it, or may have it by now
				cancel()
				return
			}
		}
	}()
	err := contained(ctx, j.work)
	cancel()
	renewing.Wait()
	more = errors.Is(err, ErrMore)
	if more {
		err = nil
	}
	r.set(j, func(s *State) { s.Running, s.Ended, s.Runs, s.Err = false, r.Clock(), s.Runs+1, err })
	return more
}

// contained runs work and makes a panic an error. The panic's value is not kept: it may hold what was being worked on.
func contained(ctx context.Context, work Work) (err error) {
	defer func() {
		if recover() != nil {
			err = errPanic
		}
	}()
	return work(ctx)
}
