package collect

import (
	"context"
	"fmt"
	"testing"

	"github.com/rapporthq/rapport/person"
	"github.com/rapporthq/rapport/trust/consent"
	"github.com/rapporthq/rapport/trust/vault"
)

// elsewhere makes a verified choice of a user as another door does: the gate is not told.
func (h *home) elsewhere(user, purpose string, a consent.Answer) {
	h.t.Helper()
	o := h.person(vault.UserID, user, h.now)
	k := o.record.Ring(o.record.Who.Root)
	c := consent.Choice{Of: k.ID(), Purpose: purpose, Answer: a, At: h.now, Received: h.now, Verified: true, Source: "self"}
	if err := h.store.Commit(context.Background(), vault.Change{Put: []vault.Row{k.SealChoice(c, consent.Evidence{}, fmt.Sprint(h.now))}}); err != nil {
		h.t.Fatal(err)
	}
}

func TestWhatIsRememberedIsOnlyAGuess(t *testing.T) {
	h := newHome(t)
	reads := 0
	h.store.read = func() { reads++ }
	product := func(n int) Outcome {
		return h.send("tills", fmt.Sprintf(`{"messageId":"p%d","userId":"u","event":"Product Viewed","properties":{"product_id":"p"}}`, n), Track)
	}
	h.send("tills", `{"messageId":"1","userId":"u"}`, Page)
	h.send("tills", `{"messageId":"2","userId":"u"}`, Page)
	reads = 0
	for i := range 10 {
		h.send("tills", fmt.Sprintf(`{"messageId":"m%d","userId":"u"}`, i), Page)
	}
	if reads != 0 {
		t.Errorf("%d reads about somebody who was read a moment ago", reads)
	}
	h.want("before the yes", product(1), 0, NoPermission)
	h.elsewhere("u", "personalise", consent.Yes)
	h.want("a yes said elsewhere acts at once", product(2), 1)
	h.want("and is remembered", product(3), 1)
	h.now += 1
	h.elsewhere("u", "personalise", consent.No)
	h.want("a no said elsewhere acts at once", product(4), 0, NoPermission)
	h.now += 1
	h.elsewhere("u", "measure", consent.No)
	h.want("an objection too", h.send("tills", `{"messageId":"o","userId":"u"}`, Page), 0, NoPermission)

	reads = 0
	h.send("tills", `{"messageId":"x1","userId":"u","event":"Order Completed","properties":{"order_id":"o","products":[{"product_id":"p"}]}}`, Track)
	h.now += rememberFor + 1
	h.send("tills", `{"messageId":"x2","userId":"u","event":"Order Completed","properties":{"order_id":"o","products":[{"product_id":"p"}]}}`, Track)
	if reads == 0 {
		t.Error("somebody is remembered for ever")
	}
}

func TestWhoWasErasedIsNotRememberedBack(t *testing.T) {
	h := newHome(t)
	for i := range 3 {
		h.send("tills", fmt.Sprintf(`{"messageId":"m%d","userId":"u"}`, i), Page)
	}
	old := h.person(vault.UserID, "u", h.now).id
	b, _ := h.vault.Blind(vault.UserID, "u")
	delete(h.store.idents, b)
	delete(h.store.root, old)
	h.send("tills", `{"messageId":"again","userId":"u"}`, Page)
	if o := h.person(vault.UserID, "u", h.now); o == nil || o.id == old || len(o.History) != 1 {
		t.Error("an event went to somebody who was erased")
	}
}

func TestMemoryIsBoundedAndDropsAreNotOvertaken(t *testing.T) {
	var m memo
	one := vault.Blind{1}
	before := m.now()
	m.forget(nil, []vault.Blind{one})
	m.remember(map[vault.Blind][]vault.Identifier{one: {{Blind: one}}}, nil, before)
	if m.idents[0][one] != nil {
		t.Error("what was read before a drop is remembered after it")
	}
	m.remember(map[vault.Blind][]vault.Identifier{one: {{Blind: one}}}, nil, m.now())
	if m.idents[0][one] == nil {
		t.Error("what was read after a drop is not remembered")
	}
	for i := range 5 * mostRemembered {
		b := vault.Blind{2, byte(i), byte(i >> 8), byte(i >> 16)}
		id := person.ID{3, byte(i), byte(i >> 8), byte(i >> 16)}
		m.remember(map[vault.Blind][]vault.Identifier{b: {{Blind: b, Of: id}}}, []*subject{{who: person.Person{Root: id}}}, m.now())
		m.forget(nil, []vault.Blind{{4, byte(i), byte(i >> 8), byte(i >> 16)}})
	}
	if n := len(m.idents[0]) + len(m.idents[1]) + len(m.people[0]) + len(m.people[1]) + len(m.dropped[0]) + len(m.dropped[1]); n > 6*(mostRemembered+2) {
		t.Errorf("%d entries", n)
	}
	m.remember(map[vault.Blind][]vault.Identifier{one: {{Blind: one}}}, nil, before)
	if m.idents[0][one] != nil {
		t.Error("what was read long before the drops that are forgotten is remembered")
	}
}
