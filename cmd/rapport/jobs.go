package main

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"time"

	"github.com/rapporthq/rapport/job"
)

// shared says that other processes may serve the same database.
func (h *house) shared() bool { return h.database }

// How often the background work is done.
const (
	foldEvery     = 200 * time.Millisecond
	sequenceEvery = 500 * time.Millisecond
	followEvery   = time.Second
	flushEvery    = 5 * time.Second
	sweepEvery    = time.Hour
	learnEvery    = 24 * time.Hour
)

// foldAtOnce is how many events one fold brings into history.
const foldAtOnce = 100_000

// startJobs starts the background work of a serving process. What may run only once among many processes is leased.
func (h *house) startJobs(ctx context.Context) (stop func(), err error) {
	var b [8]byte
	_, _ = rand.Read(b[:])
	var leases job.Leases = job.Alone{}
	if h.shared() {
		leases = h.store
	}
	r := job.New(job.Options{Leases: leases, Holder: hex.EncodeToString(b[:]), Clock: h.clock, Log: h.log})
	r.Every("fold", foldEvery, h.fold)
	r.Every("sequence", sequenceEvery, h.sequence)
	r.Every("sweep", sweepEvery, h.sweep)
	r.Every("learn", learnEvery, h.learnIfDue)
	if err := r.Start(ctx); err != nil {
		return nil, err
	}
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
				if err := h.follow(own); err != nil && own.Err() == nil {
					h.log.Warn("charter, catalogue and models could not be looked up", "error", err)
				}
			case <-flush.C:
				if err := h.book.Flush(own); err != nil && own.Err() == nil {
					h.log.Warn("the counts of refusals could not be written", "error", err)
				}
			}
		}
	}()
	return func() {
		cancel()
		<-done
		r.Stop()
	}, nil
}

// fold brings journalled events into people's histories until none is left.
func (h *house) fold(ctx context.Context) error {
	for {
		_, more, err := h.store.Fold(ctx, foldAtOnce)
		if err != nil || !more || ctx.Err() != nil {
			return err
		}
	}
}

// sequence folds what was committed into the ledger's tree.
func (h *house) sequence(ctx context.Context) error {
	if err := h.receiptsToLedger(ctx); err != nil {
		return err
	}
	_, err := h.ledger.Sequence(ctx)
	return err
}
