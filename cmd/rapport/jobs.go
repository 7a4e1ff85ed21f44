package main

import (
	"context"
	"errors"
	"time"

	"github.com/rapporthq/rapport/job"
	"github.com/rapporthq/rapport/person"
	"github.com/rapporthq/rapport/store"
)

// shared says that other processes may serve the same database.
func (h *house) shared() bool { return h.database }

// How often the background work is done.
const (
	foldEvery     = time.Second // more at once costs less an event: rows are written in the order of people
	sequenceEvery = 500 * time.Millisecond
	followEvery   = time.Second
	flushEvery    = 5 * time.Second
	sweepEvery    = time.Hour
	sweepTurn     = 10 * time.Minute // how often it is looked whether sweeping is due; a start has better things to do
	eraseEvery    = 5 * time.Second  // an erasure that was cut off is gone on with
	learnEvery    = 24 * time.Hour
	dueEvery      = time.Hour // how often it is looked whether learning is due
)

// leaseFor is how long a job of a process that died waits for another: that long, and until the other looks again, a third of it.
const leaseFor = 6 * time.Second

// How many events one fold brings into history. On PostgreSQL several seconds' events gather for one: it writes each person once.
const (
	foldAtOnce       = 100_000
	foldAtOnceShared = 250_000
)

// startJobs starts the background work of a serving process. What may run only once among many processes is leased.
func (h *house) startJobs(ctx context.Context) (stop func(), err error) {
	r := &job.Runner{Leases: h.store, Clock: h.clock, TTL: leaseFor}
	if !h.shared() {
		r.Leases = alone{}
	}
	for _, j := range []struct {
		name  string
		every time.Duration
		work  job.Work
	}{{"fold", foldEvery, h.fold}, {"sequence", sequenceEvery, h.sequence}, {"sweep", sweepTurn, h.sweepIfDue}, {"learn", dueEvery, h.learnAndCount}, {"anchor", anchorEvery, h.anchor}, {"erase", eraseEvery, h.finishErasures}} {
		r.Every(j.name, j.every, h.told(j.name, j.work))
	}
	r.Start(ctx)
	own, cancel := context.WithCancel(ctx)
	done := make(chan struct{})
	go func() {
		defer close(done)
		follow, flush := time.NewTicker(followEvery), time.NewTicker(flushEvery)
		defer follow.Stop()
		defer flush.Stop()
		for {
			select {
			case <-own.Done():
				return
			case <-follow.C:
				err := h.follow(own)
				if errors.Is(err, store.ErrNewer) { // beside which this binary may not go on: it makes room
					select {
					case h.outdated <- err:
					default:
					}
				}
				if err != nil && own.Err() == nil {
					h.log.Warn("charter, catalogue and models could not be looked up", "error", err)
				}
			case <-flush.C:
				h.flush(own)
			}
		}
	}()
	return func() {
		cancel()
		<-done
		ended, stop := context.WithTimeout(context.Background(), 30*time.Second)
		defer stop()
		if err := r.Stop(ended); err != nil {
			h.log.Warn("a job did not end in time", "error", err)
		}
	}, nil
}

// told says in the log when a run of a job failed; it is tried again at its next turn.
func (h *house) told(name string, work job.Work) job.Work {
	return func(ctx context.Context) error {
		err := work(ctx)
		if err != nil && ctx.Err() == nil {
			h.log.Warn("a job failed and is tried again at its next turn", "job", name, "error", err)
		}
		return err
	}
}

// alone is the leases of a home that only one process can have open.
type alone struct{}

func (alone) Acquire(context.Context, string, string, time.Duration, person.Instant) (bool, error) {
	return true, nil
}

func (alone) Release(context.Context, string, string) error { return nil }

// fold brings journalled events into people's histories until none is left.
func (h *house) fold(ctx context.Context) error {
	atOnce := foldAtOnce
	if h.shared() {
		atOnce = foldAtOnceShared
	}
	for {
		_, more, err := h.store.FoldWhenDue(ctx, atOnce)
		if err != nil || !more || ctx.Err() != nil {
			return err
		}
	}
}

// finishErasures goes on with erasures that were cut off.
func (h *house) finishErasures(ctx context.Context) error {
	behind := h.vault.Follow()
	_, err := h.eraser.Resume(ctx)
	return errors.Join(behind, err)
}

// sequence folds what was committed into the ledger's tree.
func (h *house) sequence(ctx context.Context) error {
	if err := h.receiptsToLedger(ctx); err != nil {
		return err
	}
	_, err := h.ledger.Sequence(ctx)
	return err
}
