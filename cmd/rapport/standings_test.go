package main

import (
	"context"
	"time"

	"github.com/rapporthq/rapport/person"
	"github.com/rapporthq/rapport/trust/consent"
	"github.com/rapporthq/rapport/web/trustcentre"
)

// standing is what is compared of one: more would only say why.
type standing struct {
	Allowed, Explicit bool
	Words             int // the position of the newest words agreed to
}

// stands compares the person's standing for every purpose of the charter: what the trust centre tells them, now, and what a decision rests on,
// at the moment asked about and with the browser's signal.
func (x *trial) stands(user string, at time.Time, gpc bool) {
	ctx, who, p, c := context.Background(), x.who(user), x.people[user], x.world.InForce()
	if who.IsZero() {
		return // nothing is kept of them: no page of theirs can be opened
	}
	if at.IsZero() {
		at = x.world.Now
	}
	centre := trustcentre.Own{Acts: x.h.acts, Gate: x.h.gate, Decider: x.h.decider, Rows: x.h.store.Ledger(), Proofs: x.h.ledger}
	view, err := centre.View(ctx, who, "en")
	x.must(err)
	if len(view.Choices) != len(c.Purposes) {
		x.t.Fatalf("the trust centre tells of %d purposes, the charter has %d", len(view.Choices), len(c.Purposes))
	}
	for _, shown := range view.Choices {
		allowed, _, _ := x.world.Standing(p, shown.Purpose, x.world.Now, false)
		if want := allowed && !(p.Restricted && !c.Purposes[shown.Purpose].Fixed()); shown.Allowed != want {
			x.t.Fatalf("the trust centre tells %s that %s is allowed: %v (%s); the reference says %v of %+v", user, shown.Purpose, shown.Allowed, shown.Because, want, p)
		}
	}

	loaded, err := x.h.store.Load(ctx, who)
	x.must(err)
	record, err := x.h.vault.Record(loaded, x.h.streams.of, x.h.series(), nil)
	x.must(err)
	for purpose := range c.Purposes {
		var want standing
		want.Allowed, want.Explicit, want.Words = x.world.Both(p, purpose, at, gpc)
		st := consent.Both(x.h.charter(), purpose, record.Who, record.Choices, person.Moment{At: person.At(at), Now: x.now(), GPC: gpc})
		if got := (standing{st.Allowed, st.Explicit, st.Charter}); got != want && (got.Allowed || want.Allowed) {
			x.t.Fatalf("%s at %v, GPC %v: to %s the house says %+v (%s), the reference %+v of %+v", user, at, gpc, purpose, got, st.Because, want, p)
		}
	}
}
