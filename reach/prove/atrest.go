package prove

import (
	"fmt"
	"time"

	"github.com/rapporthq/rapport/charter"
	"github.com/rapporthq/rapport/person"
	"github.com/rapporthq/rapport/trust/vault"
)

// atRest gathers, person by person, what is kept that should not be.
type atRest struct {
	home       Home
	now        person.Instant
	things     int // facts, events and properties looked at
	aged       int // of these, the ones with an age
	unreadable int
	foreign    tally
	overdue    tally
	thief      *thief
}

func newAtRest(h Home, now person.Instant) *atRest {
	return &atRest{home: h, now: now, foreign: tally{}, overdue: tally{}, thief: newThief()}
}

func (a *atRest) person(l *vault.Loaded, r *vault.Record, o *vault.Opened) {
	c := a.home.House.Charter
	a.unreadable += r.Unreadable + len(o.Unreadable)
	for _, heads := range [][]person.Head{r.Facts, r.Superseded} {
		for i := range heads {
			a.things++
			d := c.Data[heads[i].Name]
			if d == nil {
				a.foreign["a fact"]++ // not by its name, which could be anything
				continue
			}
			a.age(d.Name, d.Retain, heads[i].At, heads[i].Received)
		}
	}
	for i := range r.History {
		a.things++
		e := c.Events[r.History[i].Name]
		if e == nil {
			a.foreign["an event"]++
			continue
		}
		a.age(e.Name, e.Retain, r.History[i].At, r.History[i].Received)
	}
	for i := range o.History {
		e := c.Events[o.History[i].Name]
		if e == nil {
			continue
		}
		if len(o.History[i].Lines) > 0 && !hasLines(e) {
			a.foreign["lines of "+e.Name]++
		}
		for name := range o.History[i].Properties {
			a.things++
			if e.Properties[name] == nil {
				a.foreign["a property of "+e.Name]++
			}
		}
	}
	a.thief.person(c, l, o)
}

func hasLines(e *charter.Event) bool {
	for _, p := range e.Properties {
		if p.Type.Name == charter.TItems || p.Type.Name == charter.TItem {
			return true
		}
	}
	return false
}

// age counts what is older than its retention and two runs of the sweep. What is dated later than it came counts from when it came, as
// for tact: no source's clock keeps anything for longer.
func (a *atRest) age(name string, retain charter.Span, at, received person.Instant) {
	if retain.IsZero() {
		return
	}
	a.aged++
	if at == 0 || received != 0 && received < at {
		at = received
	}
	if retain.After(at).Add(2*a.home.Keep) < a.now {
		a.overdue[name]++
	}
}

// accounts counts the oldest receipt and the oldest look, which have a retention of their own: were one of them overdue, it would be
// the oldest.
func (a *atRest) accounts(receipt, look person.Instant) {
	c := a.home.House.Charter
	if receipt != 0 {
		a.age("receipts", c.Receipts.Retain, receipt, receipt)
	}
	if look != 0 {
		a.age("looks", c.Ledger.Retain, look, look)
	}
}

// undeclared says whether anything is kept that the charter in force does not name.
func (a *atRest) undeclared() Result {
	r := Result{Check: UndeclaredRest, Cases: a.things, Failed: a.foreign.sum() + a.unreadable}
	r.Detail = fmt.Sprintf("facts, events and properties looked at: %d", a.things)
	if len(a.foreign) > 0 {
		r.Detail += fmt.Sprintf("; not in the charter: %s", a.foreign)
	}
	if a.unreadable > 0 {
		r.Detail += fmt.Sprintf("; what cannot be opened, so that nobody can say what it is: %d", a.unreadable)
	}
	return r.needsCases()
}

func (a *atRest) retention() Result {
	r := Result{Check: Retention, Cases: a.aged, Failed: a.overdue.sum()}
	r.Detail = fmt.Sprintf("facts and events looked at, and the oldest receipt and look: %d, swept every %s", a.aged, short(a.home.Keep))
	if len(a.overdue) > 0 {
		r.Detail += fmt.Sprintf("; kept for too long: %s", a.overdue)
	}
	return r.needsCases()
}

func short(d time.Duration) string {
	if d >= time.Hour && d%time.Hour == 0 {
		return fmt.Sprintf("%d h", d/time.Hour)
	}
	return d.String()
}
