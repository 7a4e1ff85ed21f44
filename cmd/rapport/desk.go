package main

import (
	"context"
	"os"
	"path/filepath"

	"github.com/rapporthq/rapport/charter"
	"github.com/rapporthq/rapport/fault"
	"github.com/rapporthq/rapport/know/catalogue"
	"github.com/rapporthq/rapport/person"
	"github.com/rapporthq/rapport/reach/decide"
	"github.com/rapporthq/rapport/trust/ledger"
	"github.com/rapporthq/rapport/web/console"
	"github.com/rapporthq/rapport/web/page"
)

// console is the staff's console over this home.
func (h *house) console(sess sessions, provider console.Provider, footer page.Footer) *console.Console {
	return console.New(console.Config{Charter: h.charter, Series: func() charter.Series { return h.live.House().Series }, Charters: h.charters, Tokens: tokens{h}, Shelf: func() *catalogue.Shelf { return h.live.House().Shelf }, Clock: h.clock,
		Playground: playground{h}, Sessions: staff{sess}, Provider: provider, Everywhere: staff{sess}.Everywhere, Home: watched{h}, Quality: watched{h}, Identity: h.steward, Footer: footer, Log: h.log})
}

// playground is console.Playground over the home.
type playground struct{ h *house }

// MadeUp decides about a person who does not exist: what somebody of that level would typically be.
func (p playground) MadeUp(_ context.Context, t console.Try) ([]decide.Decision, error) {
	return decide.CompareMadeUp(p.h.live.House(), t.Level, t.Sides, p.h.clock())
}

// Real decides about somebody real for the privacy role. The look is on record first.
func (p playground) Real(ctx context.Context, s console.Staff, t console.Try) ([]decide.Decision, error) {
	ref := decide.Ref{UserID: t.UserID}
	if t.Pseudonym != "" {
		id, err := person.ParseID(t.Pseudonym)
		if err != nil {
			return nil, fault.Wrap(fault.Invalid, "That is not a pseudonym: it begins with p_ and has 26 letters and digits more.", err)
		}
		ref = decide.Ref{Pseudonym: id}
	}
	return p.h.decider.Compare(ctx, ref, t.Sides, decide.Principal{Any: true, Explain: true, Privacy: true, Pseudonyms: true},
		ledger.Look{Actor: s.Name, Role: s.Role, Team: s.Team, Purpose: t.Purpose, Reason: t.Reason})
}

// charters are the accepted charters and the home's file, as it is now.
func (h *house) charters(ctx context.Context) (console.Charters, error) {
	accepted, err := h.store.Charters(ctx)
	if err != nil {
		return console.Charters{}, fault.Wrap(fault.Unavailable, "The charters cannot be read just now; try again in a moment.", err)
	}
	file, err := os.ReadFile(filepath.Join(h.dir, charterFile))
	if err != nil {
		h.log.Warn("the home's charter.yaml cannot be read", "error", err)
	}
	return console.Charters{Accepted: accepted, File: file}, nil
}
