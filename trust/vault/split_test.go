package vault

import (
	"errors"
	"testing"

	"github.com/rapporthq/rapport/person"
	"github.com/rapporthq/rapport/trust/consent"
)

func TestASplitTakesACopyOfEachNoAlong(t *testing.T) {
	v := newVault(t)
	_, series := retail(t)
	one, first := enrolled(t, v)
	two, second := enrolled(t, v)
	joined := noon + 100
	say := func(k *KeyRing, answer consent.Answer, at person.Instant, verified bool, message string) Row {
		return k.SealChoice(consent.Choice{Of: k.ID(), Purpose: "personalise", Answer: answer, At: at, Received: at, Verified: verified, Channel: "web"}, consent.Evidence{Words: "w"}, message)
	}
	l := Loaded{
		Who:     person.Person{Root: one.ID, Also: []person.Join{{ID: two.ID, At: joined, To: one.ID, Why: "email"}}},
		Wrapped: map[person.ID][]byte{one.ID: one.Wrapped, two.ID: two.Wrapped}, Version: 7,
		Rows: []Row{say(first, consent.No, joined-1, true, "before"), say(first, consent.No, joined+1, true, "a"), say(first, consent.No, joined+2, true, "b"),
			say(first, consent.Yes, joined+3, true, "yes"), say(second, consent.No, joined+4, true, "c"), say(second, consent.No, joined+5, false, "claim")},
	}
	r, err := v.Record(l, nil, series, nil)
	must(t, err)
	for _, id := range []person.ID{one.ID, person.NewID()} {
		if _, err := r.Split(id, noon, "steward"); !errors.Is(err, ErrNotFound) {
			t.Errorf("somebody was taken out who is not in: %v", err)
		}
	}
	c, err := r.Split(two.ID, joined+9, "steward")
	must(t, err)
	if len(c.Splits) != 1 || c.Splits[0] != (Split{two.ID, joined + 9, "steward"}) || len(c.Seen) != 1 || c.Seen[0] != (Seen{one.ID, 7}) {
		t.Fatalf("%+v", c)
	}
	l.Who.Also, l.Rows = nil, c.Put
	for id, want := range map[person.ID][]person.Instant{one.ID: {joined + 4}, two.ID: {joined + 1, joined + 2}} {
		side := l
		side.Who.Root, side.Rows = id, nil
		for _, row := range c.Put {
			if row.Of == id {
				side.Rows = append(side.Rows, row)
			}
		}
		half, err := v.Record(side, nil, series, nil)
		must(t, err)
		if len(half.Choices) != len(want) || len(side.Rows) != len(want) || half.Unreadable != 0 {
			t.Fatalf("copies: %+v", half.Choices)
		}
		keys := map[Key]bool{}
		for i, c := range half.Choices {
			keys[side.Rows[i].Key] = true
			if c.At != want[i] || c.Answer != consent.No || !c.Verified || c.Of != id {
				t.Errorf("copied: %+v", c)
			}
		}
		if len(keys) != len(want) {
			t.Error("one copy is written over another")
		}
	}
}
