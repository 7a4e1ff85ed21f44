package main

import (
	"context"
	"errors"
	"strconv"
	"time"

	"github.com/rapporthq/rapport/charter"
	"github.com/rapporthq/rapport/person"
	"github.com/rapporthq/rapport/store"
	"github.com/rapporthq/rapport/trust/ledger"
	"github.com/rapporthq/rapport/trust/vault"
)

// How long our own conduct and book-keeping stay, where the charter says nothing shorter.
const (
	shownStays    = 35 * 24 * time.Hour // a month's cap and a little
	sessionsStay  = 7 * 24 * time.Hour  // after they ended
	refusalsCount = 400 * 24 * time.Hour
)

// sweepRules are what must go by the charter in force: facts and events after their retention, what it no longer declares, receipts.
func (h *house) sweepRules(ctx context.Context, c *charter.Charter, now person.Instant) (store.SweepRules, error) {
	r := store.SweepRules{Charter: c.Position, Declared: map[vault.Kind]map[store.Name]bool{vault.FactRow: {}, vault.ShownRow: {}, vault.VerdictRow: {}}, Streams: map[vault.StreamID]person.Instant{},
		Retained: now, Sessions: now.Add(-sessionsStay), Refusals: now.Add(-refusalsCount)}
	if !c.Receipts.Retain.IsZero() {
		r.Receipts = c.Receipts.Retain.Before(now)
		r.ReceiptsEntry = func(numbers []int64) (ledger.Row, error) {
			return ledger.ReceiptsRetentionRow(now, numbers, h.vault.Home())
		}
	}
	for name, d := range c.Data {
		for _, kind := range [...]vault.Kind{vault.FactRow, vault.VerdictRow} { // what was said of a value stays no longer than a value does
			half := store.Name(h.vault.NameHalf(kind, name))
			r.Declared[kind][half] = true
			if !d.Retain.IsZero() {
				r.Rows = append(r.Rows, store.RowRule{Kind: kind, Name: half, Before: d.Retain.Before(now)})
			}
		}
	}
	for name, p := range c.Placements {
		half := store.Name(h.vault.NameHalf(vault.ShownRow, name))
		r.Declared[vault.ShownRow][half] = true
		r.Rows = append(r.Rows, store.RowRule{Kind: vault.ShownRow, Name: half, Before: min(now.Add(-shownStays), p.NotAgainFor.Before(now))})
	}
	streams, err := h.store.Streams(ctx)
	if err != nil {
		return r, err
	}
	for id, s := range streams {
		e := c.Events[s.Event]
		switch {
		case e == nil:
			r.Streams[id] = store.Everything
		case !e.Retain.IsZero():
			r.Streams[id] = e.Retain.Before(now)
		}
	}
	return r, nil
}

// sweep removes what must go: after its retention, or no longer declared. It is a job; a charter that narrows runs it at once.
func (h *house) sweep(ctx context.Context) error {
	swept, err := h.sweepOnce(ctx, false)
	if err == nil {
		err = h.endLooks(ctx)
	}
	if swept != (store.Swept{}) {
		err = errors.Join(err, h.store.PutSetting(ctx, slackSetting, "1"))
		h.log.Info("swept", "rows", swept.Rows, "events", swept.Frames, "receipts", swept.Receipts)
	}
	return err
}

// endLooks removes looks after the ledger's retention; what stays in their place is one entry about their numbers.
func (h *house) endLooks(ctx context.Context) error {
	retain := h.charter().Ledger.Retain
	if retain.IsZero() {
		return nil
	}
	now := h.clock()
	for {
		n, err := h.store.EndLooks(ctx, retain.Before(now), 1000, func(numbers []int64) (ledger.Row, error) {
			return ledger.RetentionRow(now, numbers, h.vault.Home())
		})
		if err != nil || n == 0 {
			return err
		}
	}
}

// sweepIfDue sweeps each hour, for the first time one turn after the start.
func (h *house) sweepIfDue(ctx context.Context) error {
	now := h.clock()
	if h.sweptAt == 0 || h.sweptAt > now { // or the clock went back
		h.sweptAt = now.Add(sweepTurn - sweepEvery)
	}
	if now < h.sweptAt.Add(sweepEvery) {
		return nil
	}
	h.sweptAt = now
	return errors.Join(h.sweep(ctx), h.rewriteIfDue(ctx), h.rotateIfDue(ctx))
}

// What is removed is overwritten at once, but SQLite leaves a few copies of removed rows in the slack of its pages. Where anything was removed the files
// are written anew, at most once a day, for writers wait meanwhile.
const (
	rewriteEvery     = 24 * time.Hour
	slackSetting     = "removed since the files were rewritten"
	rewrittenSetting = "files rewritten"
)

func (h *house) rewriteIfDue(ctx context.Context) error {
	if h.shared() {
		return nil // PostgreSQL keeps its own pages: what is removed there is unreadable, not absent
	}
	slack, err := h.store.Setting(ctx, slackSetting)
	if err != nil || slack == "" {
		return err
	}
	text, err := h.store.Setting(ctx, rewrittenSetting)
	if err != nil {
		return err
	}
	now := h.clock()
	last, _ := strconv.ParseInt(text, 10, 64) // empty: never
	if last == 0 || last > int64(now) {
		return h.store.PutSetting(ctx, rewrittenSetting, strconv.FormatInt(int64(now), 10)) // a day's grace: the next removals go with these
	}
	if now < person.Instant(last).Add(rewriteEvery) {
		return nil
	}
	begun := time.Now()
	if err := h.store.Rewrite(ctx); err != nil {
		return err
	}
	h.log.Info("the database's files were written anew", "took", time.Since(begun).Round(time.Millisecond))
	return errors.Join(h.store.PutSetting(ctx, rewrittenSetting, strconv.FormatInt(int64(now), 10)), h.store.PutSetting(ctx, slackSetting, ""))
}

func (h *house) sweepOnce(ctx context.Context, count bool) (store.Swept, error) {
	for range 3 {
		rules, err := h.sweepRules(ctx, h.charter(), h.clock())
		if err != nil {
			return store.Swept{}, err
		}
		rules.Count = count
		swept, err := h.store.Sweep(ctx, rules)
		if !errors.Is(err, vault.ErrStale) {
			return swept, err
		}
		if err := h.follow(ctx); err != nil {
			return swept, err
		}
	}
	return store.Swept{}, vault.ErrStale
}

// purge says what a newly accepted charter leaves without a place, and removes it.
func (h *house) purge(ctx context.Context, say *speaker) error {
	if err := h.fold(ctx); err != nil {
		return err
	}
	pending, err := h.sweepOnce(ctx, true)
	if err != nil {
		return err
	}
	if n := pending.Rows + pending.Frames; n > 0 {
		say.Printf("%d facts and %d events have no place in it or have had their time: they are removed now.\n", pending.Rows, pending.Frames)
	}
	properties, err := h.purgeProperties(ctx, say)
	if err != nil {
		return err
	}
	if _, err = h.sweepOnce(ctx, false); err == nil && properties > 0 {
		say.Printf("%d events were cut down to what it declares.\n", properties)
	}
	if err == nil && pending.Rows+pending.Frames+properties > 0 {
		err = h.store.PutSetting(ctx, slackSetting, "1")
	}
	return err
}
