package main

import (
	"context"
	"time"

	"github.com/rapporthq/rapport/charter"
	"github.com/rapporthq/rapport/person"
	"github.com/rapporthq/rapport/trust/ledger"
	"github.com/rapporthq/rapport/trust/tact"
	"github.com/rapporthq/rapport/trust/vault"
)

// purgeProperties cuts events that are kept down to the properties that the charter in force declares. It opens them for that, so it is
// one look at the population; it is done only when a charter of the series declared more of some event than the one in force.
func (h *house) purgeProperties(ctx context.Context, say *speaker) (int, error) {
	series := h.live.House().Series
	c := series.Current()
	narrowed := map[string]bool{}
	for pos := 1; pos < c.Position; pos++ {
		before := series.At(pos)
		if before == nil {
			continue
		}
		for name, e := range before.Events {
			now := c.Events[name]
			if now == nil {
				continue // the whole event goes: that is the sweep's
			}
			for p := range e.Properties {
				if now.Properties[p] == nil {
					narrowed[name] = true
				}
			}
		}
	}
	if len(narrowed) == 0 {
		return 0, nil
	}
	count, err := h.store.People(ctx)
	if err != nil {
		return 0, err
	}
	now := h.clock()
	permit, err := tact.ForCheck("purge", "everybody", count, c.Position, now.Add(time.Hour))
	if err != nil {
		return 0, err
	}
	look, err := ledger.Seal(ledger.Look{At: now, Actor: "purge", Role: permit.Role(), Purpose: permit.Purpose(), Reason: "removing what the charter no longer declares", Fields: permit.Fields(), Count: count, Filter: "everybody"}, h.vault.Home())
	if err != nil {
		return 0, err
	}
	// Read first, write afterwards: a walk reads one state.
	changed, done := map[person.ID]map[person.EventID][]byte{}, int64(0)
	cut := 0
	err = h.store.Each(ctx, look, func(l vault.Loaded) error {
		done++
		say.Progress("removing", done, int64(count))
		r, err := h.vault.Record(l, h.streams.of, &series, h.live.House().Shelf.Sensitive)
		if err != nil {
			return err
		}
		o, err := r.Open(permit, h.clock())
		if err != nil {
			return err
		}
		for i := range o.History {
			e := &o.History[i]
			if !narrowed[e.Name] || !cutDown(c.Events[e.Name], e) {
				continue
			}
			body, err := vault.AppendBody(nil, e.Lines, e.Properties)
			if err != nil {
				return err
			}
			f, ok := r.Frame(e.ID)
			ring := r.Ring(e.Of)
			if !ok || ring == nil {
				continue
			}
			if changed[e.Of] == nil {
				changed[e.Of] = map[person.EventID][]byte{}
			}
			changed[e.Of][e.ID] = ring.AppendEvent(nil, f, body)
			cut++
		}
		return nil
	})
	if err != nil {
		return 0, err
	}
	for of, bodies := range changed {
		if err := h.store.Reseal(ctx, of, bodies); err != nil {
			return 0, err
		}
	}
	return cut, nil
}

// cutDown takes out of an event what the charter does not declare, and says whether there was anything.
func cutDown(declared *charter.Event, e *person.Event) bool {
	cut, lines := false, false
	for name := range e.Properties {
		if declared.Properties[name] == nil {
			delete(e.Properties, name)
			cut = true
		}
	}
	for _, p := range declared.Properties {
		lines = lines || p.Type.Name == charter.TItems || p.Type.Name == charter.TItem
	}
	if !lines && len(e.Lines) > 0 {
		e.Lines, cut = nil, true
	}
	return cut
}
