package collect

import (
	"bytes"
	"context"
	"fmt"
	"reflect"
	"testing"

	"github.com/rapporthq/rapport/charter"
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

func (m *memo) led(b vault.Blind) []vault.Identifier {
	var st state
	return m.leads(&st, b)
}

func TestMemoryIsBoundedAndDropsAreNotOvertaken(t *testing.T) {
	m := memo{most: 3000}
	one := vault.Blind{1}
	before := m.now()
	lead := map[vault.Blind][]vault.Identifier{one: {{Blind: one}}}
	m.forget(nil, []vault.Blind{one})
	m.remember(lead, nil, before)
	if m.led(one) != nil {
		t.Error("what was read before a drop is remembered after it")
	}
	m.remember(lead, nil, m.now())
	if m.led(one) == nil {
		t.Error("what was read after a drop is not remembered")
	}
	for i := range 5 * m.most {
		b := vault.Blind{2, byte(i), byte(i >> 8), byte(i >> 16)}
		m.remember(map[vault.Blind][]vault.Identifier{b: {{Blind: b, Of: person.ID{3, byte(i), byte(i >> 8), byte(i >> 16)}}}}, nil, m.now())
		m.forget(nil, []vault.Blind{{4, byte(i), byte(i >> 8), byte(i >> 16)}})
	}
	n := 0
	for i := range m.ages {
		n += len(m.ages[i].idents) + len(m.ages[i].people) + len(m.dropped[i])
		if size := m.ages[i].arena.size(); size > mostArena+arenaPiece {
			t.Errorf("%d bytes", size)
		}
	}
	if n > 6*(m.most+2) {
		t.Errorf("%d entries", n)
	}
	m.remember(lead, nil, before)
	if m.led(one) != nil {
		t.Error("what was read long before the drops that are forgotten is remembered")
	}
}

// read is somebody of two pseudonyms with everything that a gate may know of them.
func (h *home) read(n byte) *subject {
	e, ring, err := h.vault.Enrol(h.now)
	if err != nil {
		h.t.Fatal(err)
	}
	series := charter.NewSeries(h.chart)
	put := []vault.Row{ring.SealSuppressed("household", h.now), ring.SealChoice(consent.Choice{Of: e.ID, Purpose: "measure", Answer: consent.No, At: h.now, Received: h.now + 1, Source: "tills"}, consent.Evidence{}, "")}
	other := person.ID{n, 1}
	who := person.Person{Root: e.ID, Also: []person.Join{{ID: other, At: h.now, To: e.ID, Why: "sign-in", Doubtful: true}}}
	r, err := h.vault.Record(vault.Loaded{Who: who, Wrapped: map[person.ID][]byte{e.ID: e.Wrapped}, Version: 7, Rows: put}, nil, &series, nil)
	if err != nil {
		h.t.Fatal(err)
	}
	return &subject{who: who, sealings: []*vault.Sealing{r.Sealing()}, restricted: true, read: h.now, seen: []vault.Seen{{Root: e.ID, Version: 7}},
		choices: append(r.Choices, consent.Choice{Of: other, Purpose: "personalise", Answer: consent.Yes, At: -5, Explicit: true, Verified: true, Signal: true, Source: "web", Channel: "app", Charter: 3}),
		claims:  []vault.Claim{{Of: other, Kind: vault.UserID, Blind: vault.Blind{n, 2}, At: 9}}}
}

func (g *Gate) known(id person.ID) *subject {
	return g.memo.person(&state{g: g}, id)
}

func TestWhoIsRememberedIsWhoWasRead(t *testing.T) {
	h := newHome(t)
	one, two := h.read(1), h.read(2)
	h.gate.memo.remember(nil, []*subject{one, two}, h.gate.memo.now())
	for _, want := range []*subject{one, two} {
		for _, id := range want.who.All() {
			got := h.gate.known(id)
			if got == nil {
				t.Fatal("nobody")
			}
			if !reflect.DeepEqual(got.who, want.who) || !reflect.DeepEqual(got.choices, want.choices) || !reflect.DeepEqual(got.claims, want.claims) ||
				!reflect.DeepEqual(got.seen, want.seen) || got.read != want.read || got.restricted != want.restricted {
				t.Errorf("%+v\nand not\n%+v", got, want)
			}
			root := want.who.Root
			if !got.suppressed("household") || got.suppressed("email") || got.ring(person.ID{9}) != nil {
				t.Error("what was removed is not remembered as it was")
			}
			row := got.ring(root).SealFact(person.Fact{Head: person.Head{Of: root, Name: "household", At: h.now}, Value: "2"})
			if k := want.ring(root); k == nil || row.Of != k.ID() || len(row.Body) == 0 {
				t.Error("the key is another's")
			}
		}
	}
	ident := []vault.Identifier{{Blind: vault.Blind{5}, Of: one.who.Root, Verified: true}, {Blind: vault.Blind{5}, Since: 4, Of: two.who.Root, Bond: vault.Bond{6}, Led: 2}}
	h.gate.memo.remember(map[vault.Blind][]vault.Identifier{{5}: ident}, nil, h.gate.memo.now())
	if got := h.gate.memo.led(vault.Blind{5}); !reflect.DeepEqual(got, ident) {
		t.Errorf("%+v", got)
	}
}

// A record may be overwritten while another pseudonym still leads to it: that pseudonym is then nobody's, and never somebody else's.
func TestNobodyIsTakenForWhoseRecordTookTheirPlace(t *testing.T) {
	h := newHome(t)
	m := &h.gate.memo
	one, two := h.read(1), h.read(1)
	other := one.who.Also[0].ID
	m.remember(nil, []*subject{one}, m.now())
	two.who.Root, two.seen[0].Root = one.who.Root, one.who.Root
	two.who.Also[0].ID = person.ID{8}
	m.remember(nil, []*subject{two}, m.now()) // as long, and in its place
	if sub := h.gate.known(other); sub != nil {
		t.Error("somebody was taken for another")
	}
	if sub := h.gate.known(person.ID{8}); sub == nil {
		t.Error("who was read last is not remembered")
	}
	before := m.now()
	m.forget([]person.ID{one.who.Root}, nil)
	if sub := h.gate.known(person.ID{8}); sub != nil {
		t.Error("a pseudonym leads to somebody who was dropped")
	}
	m.remember(nil, []*subject{one}, before)
	if sub := h.gate.known(one.who.Root); sub != nil {
		t.Error("who was read before they were dropped is remembered after it")
	}
}

// Of who is dropped no key stays, neither in the younger generation nor in the older.
func TestKeysOfWhoIsForgottenAreOverwritten(t *testing.T) {
	h := newHome(t)
	m := &h.gate.memo
	holds := func(b []byte) (found bool) {
		for i := range m.ages {
			for _, p := range m.ages[i].arena.pieces {
				found = found || bytes.Contains(p[:cap(p)], b)
			}
		}
		return found
	}
	one := h.read(1)
	root := one.who.Root
	sealing := one.sealings[0].Append(nil)
	key := sealing[1+16 : 1+48]
	m.remember(nil, []*subject{one}, m.now())
	if !holds(key) {
		t.Fatal("this test looks in the wrong place")
	}
	m.ages[0], m.ages[1] = m.ages[1], m.ages[0]
	m.remember(nil, []*subject{h.read(2)}, m.now())
	h.gate.Forget([]person.ID{root})
	if holds(key) || h.gate.known(root) != nil {
		t.Error("the key of somebody who was forgotten stays in memory")
	}
	st := h.gate.begin(context.Background(), charter.NewSeries(h.chart))
	m.remember(nil, []*subject{one}, m.now())
	kept := m.person(st, root).sealings[0]
	h.gate.end(st)
	if kept.Ring(root) != nil {
		t.Error("a key stays in the room of a batch that has ended")
	}
}
