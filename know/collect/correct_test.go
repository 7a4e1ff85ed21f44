package collect

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/rapporthq/rapport/fault"
	"github.com/rapporthq/rapport/person"
	"github.com/rapporthq/rapport/trust/consent"
	"github.com/rapporthq/rapport/trust/vault"
)

// known is a home in which u has a household by the bureau's word and by a form's, and a name.
func known(t *testing.T) (*home, person.ID) {
	h := newHome(t)
	h.say("u", "personalise", consent.Yes, false)
	h.send("bureau", `{"userId":"u","messageId":"b1","timestamp":"2026-11-02T10:00:00Z","traits":{"household":"4"}}`, Identify)
	h.send("signup", `{"userId":"u","messageId":"s1","timestamp":"2026-11-03T10:00:00Z","traits":{"household":"3","name":"Ann Old","email":"ann@nowhere.example"}}`, Identify)
	o := h.person(vault.UserID, "u", h.now)
	if o == nil || len(o.Facts) != 4 {
		t.Fatalf("it begins with %+v", o)
	}
	return h, o.id
}

func (h *home) correct(id person.ID, name, text string) error {
	return h.gate.Correct(context.Background(), id, name, text)
}

func TestACorrectionIsTheOnlyWordFromThenOn(t *testing.T) {
	h, id := known(t)
	h.now = h.now.Add(time.Hour)
	if err := h.correct(id, "household", " 2 "); err != nil {
		t.Fatal(err)
	}
	mine := func(what string) {
		t.Helper()
		n := 0
		for _, f := range h.open(id).Facts {
			if f.Name != "household" {
				continue
			}
			n++
			if f.Value != "2" || f.Source != "self" || f.Learnt != person.Declared || !f.Verified || !f.Told || f.Charter != 1 || f.Channel != "web" {
				t.Errorf("%s: %+v", what, f)
			}
		}
		if gone := h.open(id).Superseded; len(gone) != 0 {
			t.Errorf("%s: %d old words are still kept", what, len(gone))
		}
		if n != 1 {
			t.Errorf("%s: %d say what the household is", what, n)
		}
	}
	mine("corrected")
	for _, source := range []string{"bureau", "signup"} { // the old value, and one of a later day
		h.want("the old value again", h.send(source, `{"userId":"u","messageId":"again-`+source+`","timestamp":"2026-11-02T10:00:00Z","traits":{"household":"4"}}`, Identify), 0, Suppressed)
		h.want("a later value", h.send(source, `{"userId":"u","messageId":"later-`+source+`","timestamp":"2026-11-20T11:59:00Z","traits":{"household":"5+"}}`, Identify), 0, Suppressed)
	}
	mine("after imports")
	h.now = h.now.Add(time.Hour)
	if err := h.correct(id, "household", "1"); err != nil {
		t.Fatal(err)
	}
	if got := h.open(id).facts()["household"]; got != "1" {
		t.Errorf("corrected again, it is %q", got)
	}
}

func TestACorrectionGoesThroughTheGate(t *testing.T) {
	h, id := known(t)
	for _, c := range []struct {
		name, text string
		code       fault.Code
	}{
		{"household", "seven", fault.Invalid}, {"household", "", fault.Invalid}, {"email", "not an address", fault.Invalid}, {"birthday", "31 February", fault.Invalid},
		{"colour", "blue", fault.Refused}, {"birthday", "1980-02-03", fault.NotFound},
	} {
		err := h.correct(id, c.name, c.text)
		if code, says := fault.Of(err); code != c.code || c.text != "" && strings.Contains(says, c.text) {
			t.Errorf("%s: %s %q", c.name, code, says)
		}
	}
	if err := h.correct(person.NewID(), "name", "Nobody"); func() fault.Code { c, _ := fault.Of(err); return c }() != fault.NotFound {
		t.Errorf("somebody who is not there: %v", err)
	}
	if got := h.open(id).facts(); len(got) != 3 || got["name"] != "Ann Old" {
		t.Errorf("what was refused changed something: %v", got)
	}

	// No to the only purpose: not a new value either, and what service needs can still be put right.
	h.say("u", "personalise", consent.No, false)
	if code, _ := fault.Of(h.correct(id, "household", "2")); code != fault.Refused {
		t.Errorf("without leave: %s", code)
	}
	if err := h.correct(id, "name", "Ann New"); err != nil {
		t.Errorf("a name that service needs: %v", err)
	}
}

func TestACorrectionWhileAllIsPaused(t *testing.T) {
	h, id := known(t)
	ring := h.open(id).record.Ring(id)
	if err := h.store.Commit(context.Background(), vault.Change{Put: []vault.Row{ring.SealRestriction(h.now, true)}}); err != nil {
		t.Fatal(err)
	}
	if err := h.correct(id, "household", "2"); err != nil {
		t.Fatal(err)
	}
	if o := h.open(id); o.facts()["household"] != "2" || !o.record.Restricted {
		t.Errorf("%v, paused %v", o.facts(), o.record.Restricted)
	}
}

func TestACorrectedAddressFindsNobody(t *testing.T) {
	h, id := known(t)
	if err := h.correct(id, "email", "boss@nowhere.example"); err != nil {
		t.Fatal(err)
	}
	if h.person(vault.Email, "boss@nowhere.example", h.now) != nil {
		t.Error("an address that nobody verified leads to somebody")
	}
}

func TestACorrectionIsJudgedAgainWhenSomethingChanged(t *testing.T) {
	h, id := known(t)
	others := 0
	h.store.before = func() {
		if others++; others == 1 {
			h.store.version[id]++
		}
	}
	if err := h.correct(id, "household", "2"); err != nil || others != 2 {
		t.Errorf("%v after %d tries", err, others)
	}
	h.store.before, h.store.fail = nil, errors.New("full")
	err := h.correct(id, "household", "1")
	if code, says := fault.Of(err); code != fault.Unavailable || !strings.Contains(says, "nothing was changed") {
		t.Errorf("%s %q", code, says)
	}
	if got := h.open(id).facts()["household"]; got != "2" {
		t.Errorf("it is %q", got)
	}
}

func TestWhatWasRemovedCanBeToldAgain(t *testing.T) {
	h, id := known(t)
	o := h.open(id)
	drop := append(o.record.FactRows("name"), o.record.FactRows("birthday")...)
	if err := h.store.Commit(context.Background(), vault.Change{Drop: drop, Put: []vault.Row{o.record.Ring(id).SealSuppressed("name", h.now)}}); err != nil {
		t.Fatal(err)
	}
	if err := h.correct(id, "name", "Ann Again"); err != nil {
		t.Fatal(err)
	}
	if got := h.open(id).facts()["name"]; got != "Ann Again" {
		t.Errorf("it is %q", got)
	}
}

// TestAWishThatProtectsCanBeToldUnasked tells a protective fact of which nothing was kept: with the leave that it needs, and for it alone.
func TestAWishThatProtectsCanBeToldUnasked(t *testing.T) {
	h, id := known(t)
	refused := func(what string, err error, code fault.Code) {
		t.Helper()
		var f *fault.Error
		if !errors.As(err, &f) || f.Code != code {
			t.Errorf("%s: %v", what, err)
		}
	}
	refused("without an express yes", h.correct(id, "diet", "diabetic"), fault.Refused)
	h.say("u", "protect", consent.Yes, false)
	refused("with a yes that was not express", h.correct(id, "diet", "diabetic"), fault.Refused)
	if got := h.open(id).facts()["diet"]; got != "" {
		t.Fatalf("it is kept without leave: %q", got)
	}
	h.say("u", "protect", consent.Yes, true)
	refused("what does not protect, told unasked", h.correct(id, "birthday", "1980-12-31"), fault.NotFound)
	refused("a value that there is not", h.correct(id, "diet", "keto"), fault.Invalid)
	if err := h.correct(id, "diet", "diabetic"); err != nil {
		t.Fatal(err)
	}
	if got := h.open(id).facts()["diet"]; got != "diabetic" {
		t.Errorf("it is kept as %q", got)
	}
	h.now = h.now.Add(time.Hour)
	h.want("a source that would undo it", h.send("signup", `{"userId":"u","messageId":"undo","timestamp":"2026-11-20T11:59:00Z","traits":{"diet":"none"}}`, Identify), 0, Suppressed)
	if err := h.correct(id, "diet", "none"); err != nil {
		t.Error(err)
	}
}
