package main

import (
	"context"
	"fmt"
	"sort"

	"github.com/rapporthq/rapport/fault"
	"github.com/rapporthq/rapport/person"
	"github.com/rapporthq/rapport/reach/decide"
	"github.com/rapporthq/rapport/trust/ledger"
	"github.com/rapporthq/rapport/web/console"
	"github.com/rapporthq/rapport/web/page"
)

// console is the staff's console over this home.
func (h *house) console(sess sessions, footer page.Footer) *console.Console {
	return console.New(console.Config{Charter: h.charter, Playground: playground{h}, Sessions: staff{sess}, Overview: h.overview, Footer: footer, Log: h.log})
}

// playground is console.Playground over the home.
type playground struct{ h *house }

// MadeUp decides about a person who does not exist: what somebody of that level would typically be.
func (p playground) MadeUp(_ context.Context, t console.Try) (decide.Decision, error) {
	house := p.h.live.House()
	now := p.h.clock()
	if t.At == 0 {
		t.At = now
	}
	made := decide.MadeUp(house, t.Level, now)
	res := decide.Safely(house, made, decide.Ask{Moment: person.Moment{Placement: t.Placement, At: t.At, Now: now, GPC: t.GPC, Region: house.Charter.Brand.Region, Language: t.Language}, Ceiling: person.Individual})
	return decide.Read(&res.Receipt, house, decide.Reader{Language: t.Language, Holds: true, Private: true, Values: res.Values}), nil
}

// Real decides about somebody real for the privacy role. The look is on record first.
func (p playground) Real(ctx context.Context, s console.Staff, t console.Try) (decide.Decision, error) {
	ref := decide.Ref{UserID: t.UserID}
	if t.Pseudonym != "" {
		id, err := person.ParseID(t.Pseudonym)
		if err != nil {
			return decide.Decision{}, fault.Wrap(fault.Invalid, "That is not a pseudonym: it begins with p_ and has 26 letters and digits more.", err)
		}
		ref = decide.Ref{Pseudonym: id}
	}
	ds, err := p.h.decider.Try(ctx, decide.Request{Person: ref, Placements: []string{t.Placement}, GPC: t.GPC, Context: decide.Circumstance{At: t.At, Language: t.Language}},
		decide.Principal{Any: true, Explain: true, Privacy: true, Pseudonyms: true},
		ledger.Look{Actor: s.Name, Role: s.Role, Team: s.Team, Purpose: t.Purpose, Reason: t.Reason})
	if err != nil {
		return decide.Decision{}, err
	}
	if len(ds) != 1 {
		return decide.Decision{}, fault.New(fault.Unavailable, "No decision can be made just now; try again in a moment.")
	}
	return ds[0], nil
}

// overview is the console's first page.
func (h *house) overview(ctx context.Context) (console.Overview, error) {
	house := h.live.House()
	o := console.Overview{Charter: house.Charter, Position: house.Charter.Position, Models: house.ModelVersion}
	refusals, err := h.book.Refusals(ctx, "", h.clock().Day()-6)
	if err != nil {
		return o, err
	}
	for _, r := range refusals {
		o.Refusals = append(o.Refusals, console.Refusal{Day: person.Instant(r.Day * 86_400_000_000).Time().Format("2 January"), Source: r.Source, Reason: string(r.Reason), Event: r.Event, Field: r.Field, Count: r.Count})
	}
	sort.SliceStable(o.Refusals, func(i, j int) bool { return o.Refusals[i].Count > o.Refusals[j].Count })
	if len(o.Refusals) > 50 {
		o.Refusals = o.Refusals[:50]
	}
	size, waiting, err := h.ledger.Size(ctx)
	o.Ledger = console.LedgerState{Entries: size, Waiting: int64(waiting), Sound: err == nil, Says: "The head is signed by this home's key; rapport ledger verify walks every entry."}
	if err != nil {
		o.Ledger.Says = fmt.Sprintf("The ledger's head cannot be read: run rapport ledger verify (%T).", err)
	}
	return o, nil
}
