package main

import (
	"context"
	"time"

	"github.com/rapporthq/rapport/fault"
	"github.com/rapporthq/rapport/know/collect"
	"github.com/rapporthq/rapport/know/tally"
	"github.com/rapporthq/rapport/trust/ledger"
	"github.com/rapporthq/rapport/web/console"
)

// watched is console.Home.
type watched struct{ h *house }

func (w watched) Overview(ctx context.Context) (console.Overview, error) {
	o := console.Overview{Today: w.h.clock().Day(), Models: w.h.live.House().ModelVersion}
	from := o.Today - console.Days + 1
	var err error
	if o.Counts, err = w.h.meter.days.Since(ctx, from); err != nil {
		return o, err
	}
	if o.Refusals, err = w.h.book.Refusals(ctx, "", from); err != nil {
		return o, err
	}
	size, _, err := w.h.ledger.Size(ctx)
	o.Entries, o.Sound = int(size), err == nil // what cannot be read now is not called sound
	return o, nil
}

// Census is console.Quality.
func (w watched) Census(ctx context.Context) (console.Census, error) {
	c := console.Census{Today: w.h.clock().Day()}
	var err error
	c.Counts, err = w.h.meter.days.Of(ctx, tally.Census, c.Today-console.Days+1)
	return c, err
}

func (w watched) Recent(source string) []collect.Recent { return w.h.book.Recent(source) }

func (w watched) Names(source string) []collect.Name { return w.h.book.Names(source) }

// latestLooks is how many entries back the console's page of the ledger goes.
const latestLooks = 50

func (w watched) Ledger(ctx context.Context) (l console.Ledger, err error) {
	size, waiting, err := w.h.ledger.Size(ctx)
	if err != nil {
		w.h.log.Warn("the ledger's head cannot be read", "error", err)
	}
	l.Entries, l.Waiting = int(size), waiting
	l.Sound, l.Public = err == nil, w.h.ledger.Public()
	head, err := w.h.ledger.Signed(ctx)
	if err != nil {
		return l, err
	}
	l.Head = string(head)
	anchors, err := w.h.anchors(ctx)
	if err != nil {
		return l, err
	}
	for _, a := range anchors {
		l.Anchors = append(l.Anchors, console.Anchor{Where: a.Where, Entries: a.Size, At: a.At, Fault: a.Fault, Failed: a.Says != ""})
	}
	if l.Months, err = w.h.ledger.Months(ctx); err != nil {
		return l, err
	}
	l.Latest, err = w.h.ledger.Latest(ctx, latestLooks)
	return l, err
}

// walkingTime is how long a page waits for a walk of the ledger; a longer one is for the command line.
const walkingTime = 40 * time.Second

func (w watched) Verify(ctx context.Context) (ledger.Report, error) {
	if !w.h.walking.TryLock() {
		return ledger.Report{}, fault.New(fault.Unavailable, "Somebody else has the ledger walked just now; try again in a moment.")
	}
	defer w.h.walking.Unlock()
	ctx, cancel := context.WithTimeout(ctx, walkingTime)
	defer cancel()
	rep, _, err := w.h.verifyLedger(ctx, "console", nil)
	return rep, err
}
