package vault

import (
	"math"
	"testing"

	"github.com/rapporthq/rapport/person"
)

// TestWhatIsSaidOfAValueHoldsForThatValueWhoeverSaysItAgain goes through who says what of which value, and when.
func TestWhatIsSaidOfAValueHoldsForThatValueWhoeverSaysItAgain(t *testing.T) {
	type say struct {
		value string
		doubt person.Doubts
		own   bool
		at    person.Instant
	}
	const old, later, latest = noon + 1, noon + 2, noon + 3
	for _, c := range []struct {
		name      string
		value     string
		says      []say
		quality   float64
		doubts    person.Doubts
		confirmed person.Instant
	}{
		{"nothing", "a@b.co", nil, 0.7, person.Role, 0},
		{"it bounced", "a@b.co", []say{{"a@b.co", person.Bounced, false, later}}, 0.07, person.Role | person.Bounced, 0},
		{"another value bounced", "a@b.co", []say{{"x@b.co", person.Bounced, false, later}}, 0.7, person.Role, 0},
		{"the same value came again after it bounced", "a@b.co", []say{{"a@b.co", person.Bounced, false, noon - 5}}, 0.07, person.Role | person.Bounced, 0},
		{"it is right", "a@b.co", []say{{"a@b.co", 0, false, later}}, 1, 0, later},
		{"it bounced and is right since", "a@b.co", []say{{"a@b.co", person.Bounced, false, old}, {"a@b.co", 0, false, later}}, 1, 0, later},
		{"it was right and bounced since", "a@b.co", []say{{"a@b.co", 0, false, old}, {"a@b.co", person.Bounced, false, later}}, 0.07, person.Role | person.Bounced, 0},
		{"they say that it is wrong", "a@b.co", []say{{"a@b.co", person.Disputed, true, old}}, 0, person.Role | person.Disputed, 0},
		{"they say that it is wrong, and a program says later that it is right", "a@b.co", []say{{"a@b.co", person.Disputed, true, old}, {"a@b.co", 0, false, latest}}, 0, person.Role | person.Disputed, 0},
		{"they say that it is right, and a program later that it bounced", "a@b.co", []say{{"a@b.co", 0, true, old}, {"a@b.co", person.Bounced, false, latest}}, 1, 0, old},
		{"they say that it is wrong and then that it is right", "a@b.co", []say{{"a@b.co", person.Disputed, true, old}, {"a@b.co", 0, true, later}}, 1, 0, later},
	} {
		h := newHousehold(t)
		f := fact("email", c.value, "signup", person.Acquired, noon, true)
		f.Quality, f.Doubts = 0.7, person.Role
		h.put(h.k.SealFact(f), h.k.SealFact(fact("name", c.value, "signup", person.Acquired, noon, true)))
		for _, s := range c.says {
			row := h.k.SealVerdict("email", s.value, s.doubt, s.own, s.at)
			for i := range h.loaded.Rows { // as a store does
				if h.loaded.Rows[i].Key == row.Key && h.loaded.Rows[i].Kind == row.Kind {
					h.loaded.Rows[i].Kind = 0
				}
			}
			rows := h.loaded.Rows[:0]
			for _, r := range h.loaded.Rows {
				if r.Kind != 0 {
					rows = append(rows, r)
				}
			}
			h.loaded.Rows = append(rows, row)
		}
		r := h.record(t, nil)
		if len(r.Facts) != 2 || r.Unreadable != 0 {
			t.Fatalf("%s: %d facts, %d unreadable rows", c.name, len(r.Facts), r.Unreadable)
		}
		if g := r.Facts[0]; math.Abs(g.Quality-c.quality) > 1e-9 || g.Doubts != c.doubts || g.Confirmed != c.confirmed {
			t.Errorf("%s: quality %v, %q, confirmed %d", c.name, g.Quality, g.Doubts, g.Confirmed)
		}
		if g := r.Facts[1]; g.Quality != 1 || g.Doubts != 0 || g.Confirmed != 0 {
			t.Errorf("%s: a fact of another name with the same value: %v, %q", c.name, g.Quality, g.Doubts)
		}
		if n := len(r.FactRows("email")); n != len(h.loaded.Rows)-1 {
			t.Errorf("%s: %d rows go with the fact, of %d", c.name, n, len(h.loaded.Rows)-1)
		}
	}
}

// TestTheSameValueIsKnownWithoutOpeningIt compares facts of one name and of two.
func TestTheSameValueIsKnownWithoutOpeningIt(t *testing.T) {
	h := newHousehold(t)
	k2 := h.join(t)
	h.put(h.k.SealFact(fact("email", "a@b.co", "signup", person.Declared, noon, true)), k2.SealFact(fact("email", "a@b.co", "tills", person.Declared, noon, true)),
		h.k.SealFact(fact("email", "c@b.co", "bureau", person.Declared, noon, true)), h.k.SealFact(fact("name", "a@b.co", "signup", person.Declared, noon, true)))
	r := h.record(t, nil)
	for i := range 4 {
		for j := range 4 {
			if same := r.SameValue(i, j); same != (i == j || i+j == 1) {
				t.Errorf("the facts %d and %d are the same: %v", i, j, same)
			}
		}
	}
}

// TestAVerdictIsOfThePersonWhoseverPseudonymItCameUnder holds after a join, and for both after a split when it was sealed with each.
func TestAVerdictIsOfThePersonWhoseverPseudonymItCameUnder(t *testing.T) {
	h := newHousehold(t)
	k2 := h.join(t)
	h.put(k2.SealFact(fact("email", "a@b.co", "signup", person.Declared, noon, true)), h.k.SealVerdict("email", "a@b.co", person.Bounced, false, noon+1))
	if r := h.record(t, nil); r.Facts[0].Quality > 0.2 || r.Facts[0].Doubts != person.Bounced {
		t.Errorf("under another pseudonym of theirs: %+v", r.Facts[0])
	}
	a, b := h.k.SealVerdict("email", "a@b.co", person.Bounced, false, noon), k2.SealVerdict("email", "a@b.co", person.Bounced, false, noon)
	if a.Key == b.Key {
		t.Error("the same value of two pseudonyms has one key at rest: who has the database sees that they share it")
	}
}

// TestAVerdictThatCannotBeReadDoubtsTheFact doubts every value of its name; when not even the name is known, every fact.
func TestAVerdictThatCannotBeReadDoubtsTheFact(t *testing.T) {
	h := newHousehold(t)
	broken := h.k.SealVerdict("birthday", "1970-05-01", 0, true, noon+1)
	broken.Head = append([]byte(nil), broken.Head...)
	broken.Head[20] ^= 1
	h.put(h.k.SealFact(fact("birthday", "1971-05-01", "signup", person.Declared, noon, true)), h.k.SealFact(fact("diet", "none", "signup", person.Declared, noon, true)), broken,
		h.k.SealVerdict("birthday", "1971-05-01", 0, true, noon+2))
	r := h.record(t, nil)
	if r.Unreadable != 1 || r.Facts[0].Quality != 0 || r.Facts[1].Quality != 1 {
		t.Errorf("%d unreadable; the birthday has quality %v, the diet %v", r.Unreadable, r.Facts[0].Quality, r.Facts[1].Quality)
	}
	h.loaded.Rows[2].Key[0] ^= 1
	if r = h.record(t, nil); r.Facts[0].Quality != 0 || r.Facts[1].Quality != 0 {
		t.Errorf("of an unknown name: the birthday has quality %v, the diet %v", r.Facts[0].Quality, r.Facts[1].Quality)
	}
}
