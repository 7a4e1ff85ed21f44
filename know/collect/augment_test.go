package collect

import (
	"fmt"
	"math"
	"slices"
	"testing"
	"time"

	"github.com/rapporthq/rapport/charter"
	"github.com/rapporthq/rapport/know/quality"
	"github.com/rapporthq/rapport/person"
	"github.com/rapporthq/rapport/torture"
	"github.com/rapporthq/rapport/trust/consent"
	"github.com/rapporthq/rapport/trust/self"
	"github.com/rapporthq/rapport/trust/vault"
)

// heads are the facts of a name, as text: value, quality, doubts and how each was learnt.
func (o *opened) heads(name string) []string {
	var out []string
	if o == nil {
		return nil
	}
	for _, f := range o.Facts {
		if f.Name == name {
			out = append(out, fmt.Sprintf("%s %.4g [%s] %s by %s", f.Value, f.Quality, f.Doubts, f.Learnt, f.Source))
		}
	}
	slices.Sort(out)
	return out
}

func (h *home) wantFacts(what, name string, want ...string) {
	h.t.Helper()
	if got := h.person(vault.UserID, "u", h.now).heads(name); fmt.Sprint(got) != fmt.Sprint(want) {
		h.t.Errorf("%s: %s is %q, not %q", what, name, got, want)
	}
}

func (h *home) traits(source, traits string) Outcome {
	h.t.Helper()
	h.now = h.now.Add(time.Minute)
	return h.send(source, fmt.Sprintf(`{"userId":"u","messageId":"m%d","timestamp":%q,"traits":%s}`, h.now, h.now.Time().Format(time.RFC3339), traits), Identify)
}

// TestWhatComesInIsPutRightAndJudged keeps a value in its standard form, with how sure it is and why.
func TestWhatComesInIsPutRightAndJudged(t *testing.T) {
	h := newHome(t)
	h.want("good and bad values", h.traits("signup", `{"name":"ANN O'HARA","email":"ann@gmial.com","phone":"020 7946 0958","postcode":"yo17hh","country":"uk"}`), 1)
	h.wantFacts("a name in capitals", "name", "Ann O'Hara 0.95 [mended] declared by signup")
	h.wantFacts("a slip of the hand", "email", "ann@gmial.com 0.3 [misspelt] declared by signup")
	h.wantFacts("a national number", "phone", "+442079460958 1 [] declared by signup")
	h.wantFacts("a postcode without its space", "postcode", "YO1 7HH 1 [] declared by signup")
	h.wantFacts("a code that is not the standard's", "country", "GB 1 [] declared by signup")
	h.traits("signup", `{"name":"TEST","postcode":"75011","country":"FR","phone":"06 12 34 56 78"}`)
	h.wantFacts("a name that is none", "name", "TEST 0.05 [placeholder] declared by signup")
	h.wantFacts("a postcode beside its country", "postcode", "75011 1 [] declared by signup")
	h.wantFacts("a number beside its country", "phone", "+33612345678 1 [] declared by signup")
}

// TestDatesAndAmountsAreReadAsTheirSourceWritesThem sends the forms that other programs write: one reading is kept, of two the one that the charter says of the
// source; where it says nothing a fact is kept in doubt, and a property of an event, which nothing could hold, is refused.
func TestDatesAndAmountsAreReadAsTheirSourceWritesThem(t *testing.T) {
	h := newHome(t)
	h.say("u", "personalise", consent.Yes, false)
	h.want("one reading", h.traits("signup", `{"birthday":"31/12/1980","credit":"£1,234.50"}`), 1)
	h.wantFacts("one reading", "birthday", "1980-12-31 1 [] declared by signup")
	h.wantFacts("one reading", "credit", "1234.5 1 [] declared by signup")
	h.traits("signup", `{"birthday":"1/2/1980","credit":"1,234"}`)
	h.wantFacts("two readings", "birthday", "1980-02-01 0.4 [unsettled] declared by signup")
	h.wantFacts("two readings", "credit", "1234 0.4 [unsettled] declared by signup")
	h.want("no reading, and another currency", h.traits("signup", `{"birthday":"31/13/1980","credit":"12 EUR"}`), 0, TypeMismatch, TypeMismatch)
	h.traits("legacy", `{"birthday":"1/2/1980","credit":"1.234"}`)
	h.wantFacts("the source's reading", "birthday", "1980-01-02 1 [] declared by legacy", "1980-02-01 0.4 [unsettled] declared by signup")
	h.wantFacts("the source's reading", "credit", "1234 0.4 [unsettled] declared by signup", "1234 1 [] declared by legacy")
	h.traits("legacy", `{"birthday":"1/1/1980"}`)
	h.wantFacts("what is doubted of the value stays", "birthday", "1980-01-01 0.7 [ambiguous] declared by legacy", "1980-02-01 0.4 [unsettled] declared by signup")
	buys := func(source, id, total string) Outcome {
		return h.send(source, fmt.Sprintf(`{"userId":"u","messageId":%q,"timestamp":%q,"event":"Order Completed","properties":{"order_id":%q,"total":%s,"products":[{"product_id":"A"}]}}`, id, h.now.Time().Format(time.RFC3339), id, total), Track)
	}
	h.want("money as it is written", buys("tills", "o1", `"£12.50"`), 1)
	h.want("money of two readings in an event", buys("tills", "o2", `"1,234"`), 1, TypeMismatch)
	h.want("money as the source writes it", buys("legacy", "o3", `"1.234"`), 1)
	var totals []string
	for _, e := range h.person(vault.UserID, "u", h.now).History {
		totals = append(totals, fmt.Sprint(e.Properties["total"]))
	}
	if slices.Sort(totals); fmt.Sprint(totals) != "[12.5 1234 <nil>]" {
		t.Errorf("the orders are of %v", totals)
	}
}

// TestAFileIsReadAsItsSourceWrites brings the same rows for a source that writes days and fractions in its own way and for one of which nothing is said.
func TestAFileIsReadAsItsSourceWrites(t *testing.T) {
	h := newHome(t)
	h.say("u", "personalise", consent.Yes, false)
	const people = "userId;birthday;credit\nu;2/1/1980;1.234\n"
	h.wantReport("people", h.bring(People, "legacy", people), 1, 1, 0)
	h.wantReport("people", h.bring(People, "signup", people), 1, 1, 0)
	h.wantFacts("a day", "birthday", "1980-01-02 0.4 [unsettled] declared by signup", "1980-02-01 1 [] declared by legacy")
	h.wantFacts("an amount", "credit", "1.234 1 [] declared by signup", "1234 1 [] declared by legacy")
	const orders = "userId;event;order_id;total;product_id;quantity;price\nu;Order Completed;o1;1.234,50;A;1;1.234,50\n"
	h.wantReport("orders", h.bring(Events, "legacy", orders), 1, 1, 0)
	for _, e := range h.person(vault.UserID, "u", h.now).History {
		if e.Properties["total"] != 1234.5 || len(e.Lines) != 1 || e.Lines[0].Price != 1234.5 {
			t.Errorf("the order is %v of %v", e.Properties, e.Lines)
		}
	}
}

// TestAPlaceholderLeadsToNobody keeps the test address of one person from being the address of all who type it.
func TestAPlaceholderLeadsToNobody(t *testing.T) {
	h := newHome(t)
	h.traits("signup", `{"email":"test@test.com"}`)
	if got := h.person(vault.Email, "test@test.com", h.now); got != nil {
		t.Error("an address that nobody has leads to somebody")
	}
	h.traits("signup", `{"email":"ann@marsden-farm.co.uk"}`)
	if got := h.person(vault.Email, "ann@marsden-farm.co.uk", h.now); got == nil {
		t.Error("an address leads to nobody")
	}
}

// TestWhatFollowsIsKeptAsInferred keeps a guess as one, beside what it is from, and takes it away with it.
func TestWhatFollowsIsKeptAsInferred(t *testing.T) {
	h := newHome(t)
	h.say("u", "personalise", consent.Yes, false)
	h.traits("signup", `{"postcode":"YO1 7HH"}`)
	h.wantFacts("a whole area", "region", "Yorkshire and the Humber 0.97 [guessed] inferred by signup")
	o := h.person(vault.UserID, "u", h.now)
	for _, f := range o.Facts {
		if f.Name == "region" && (len(f.Inputs) != 1 || f.Inputs[0] != "postcode" || f.Told || !f.Verified) {
			t.Errorf("the guess has the head %+v", f.Head)
		}
	}
	h.traits("signup", `{"postcode":"CH1 1AA"}`)
	h.wantFacts("an area of two regions", "region", "North West 0.75 [guessed] inferred by signup")
	h.traits("signup", `{"postcode":"75011"}`)
	h.wantFacts("a postcode from which nothing follows", "region")
	h.traits("signup", `{"postcode":"YO1 7HH"}`)
	h.traits("signup", `{"region":"Wales"}`)
	h.wantFacts("what they say stands beside it", "region", "Wales 1 [] declared by signup", "Yorkshire and the Humber 0.97 [guessed] inferred by signup")
	if used := person.InUse(h.person(vault.UserID, "u", h.now).Facts); fmt.Sprint(valuesOf(used, "region")) != "[Wales]" {
		t.Errorf("in use is %v", valuesOf(used, "region"))
	}
}

func valuesOf(facts []person.Fact, name string) (out []string) {
	for _, f := range facts {
		if f.Name == name {
			out = append(out, f.Value)
		}
	}
	return out
}

// TestNothingIsInferredWithoutLeave asks for leave for the guess itself: leave for what it is from is not enough.
func TestNothingIsInferredWithoutLeave(t *testing.T) {
	h := newHome(t)
	h.want("a postcode, kept for service", h.traits("signup", `{"postcode":"YO1 7HH"}`), 1)
	h.wantFacts("no yes to personalise", "region")
	h.say("u", "personalise", consent.Yes, false)
	h.want("a source that may not serve what the guess is for", h.traits("web", `{"postcode":"YO1 7HH"}`), 0, NoPermission)
	h.traits("signup", `{"postcode":"YO1 7HH"}`)
	id := h.person(vault.UserID, "u", h.now).id
	acts := self.Acts{Store: h.store, Vault: h.vault, Series: func() *charter.Series { s := charter.NewSeries(h.chart); return &s },
		Streams: func(vault.StreamID) (vault.Stream, bool) { return vault.Stream{}, false }, Clock: func() person.Instant { return h.now }}
	if err := acts.Remove(t.Context(), id, "region"); err != nil {
		t.Fatal(err)
	}
	h.traits("signup", `{"postcode":"YO1 7HH"}`)
	h.wantFacts("they removed the guess", "region")
	if n := len(h.open(id).record.Superseded); n > 0 {
		t.Errorf("what they removed is kept aside, %d times", n)
	}
	if err := h.correct(id, "postcode", "B1 1AA"); err != nil {
		t.Fatal(err)
	}
	h.wantFacts("they removed the guess, and say another postcode", "region")
}

// TestAGuessGoesWithWhatItWasFrom: a correction and a removal take it away, and a correction brings the next.
func TestAGuessGoesWithWhatItWasFrom(t *testing.T) {
	h := newHome(t)
	h.say("u", "personalise", consent.Yes, false)
	h.traits("signup", `{"postcode":"YO1 7HH"}`)
	id := h.person(vault.UserID, "u", h.now).id
	h.now = h.now.Add(time.Minute)
	if err := h.correct(id, "postcode", "b1 1aa"); err != nil {
		t.Fatal(err)
	}
	h.wantFacts("corrected", "postcode", "B1 1AA 1 [] declared by self")
	h.wantFacts("corrected", "region", "West Midlands 0.97 [guessed] inferred by self")
	acts := self.Acts{Store: h.store, Vault: h.vault, Series: func() *charter.Series { s := charter.NewSeries(h.chart); return &s },
		Streams: func(vault.StreamID) (vault.Stream, bool) { return vault.Stream{}, false }, Clock: func() person.Instant { return h.now }}
	if err := acts.Remove(t.Context(), id, "postcode"); err != nil {
		t.Fatal(err)
	}
	h.wantFacts("removed", "postcode")
	h.wantFacts("removed", "region")
}

// TestAPartOfAMessageIsReadAndNotKept infers what device it is, and keeps nothing else of what the browser says of itself.
func TestAPartOfAMessageIsReadAndNotKept(t *testing.T) {
	h := newHome(t)
	h.say("u", "personalise", consent.Yes, false)
	h.want("an identify message", h.send("signup", `{"userId":"u","messageId":"d1","context":{"userAgent":"Mozilla/5.0 (iPhone; x) Mobile"},"traits":{"name":"Ann Old"}}`, Identify), 1)
	h.wantFacts("a phone", "device", "phone 0.97 [guessed] inferred by signup")
	h.want("a television, which the charter has no word for", h.send("signup", `{"userId":"u","messageId":"d2","context":{"userAgent":"Mozilla/5.0 (SMART-TV)"},"traits":{"name":"Ann Old"}}`, Identify), 1)
	h.wantFacts("a television", "device")
	h.want("somebody new of whom nothing is kept", h.send("signup", `{"userId":"n","messageId":"d3","context":{"userAgent":"Mozilla/5.0 (iPhone; x) Mobile"},"traits":{"colour":"red"}}`, Identify), 0, UnplannedField)
	if h.person(vault.UserID, "n", h.now) != nil {
		t.Error("a guess alone makes somebody known")
	}
}

// TestABrandAddsItsOwnInference gives the gate one more, and one that breaks.
func TestABrandAddsItsOwnInference(t *testing.T) {
	h := newHome(t)
	own := quality.Augmenters()
	own["own.tier"] = quality.AugmenterFunc(func(name string, _ quality.Setting) (string, float64) {
		switch name {
		case "Ann Old":
			return "gold", 0.6
		case "Ann Odd":
			return "silver", 0.9 // no word of the charter's
		case "Ann Off":
			return "gold", math.NaN()
		}
		panic("a brand's own fault")
	})
	parts := h.gate.parts
	parts.Augmenters = own
	h.gate = New(parts)
	h.traits("signup", `{"name":"ANN OLD"}`)
	h.wantFacts("of a name that was mended", "tier", "gold 0.57 [mended, guessed] inferred by signup")
	for _, name := range []string{"Ann Odd", "Ann Off", "Ann Out"} {
		h.traits("signup", `{"name":"Ann Old"}`)
		h.want(name, h.traits("signup", fmt.Sprintf(`{"name":%q}`, name)), 1)
		h.wantFacts(name, "tier")
	}
}

// TestWhatAnEventSaysOfAValueHoldsForIt lowers an address that bounced, whoever sends it again, and raises one that answered.
func TestWhatAnEventSaysOfAValueHoldsForIt(t *testing.T) {
	h := newHome(t)
	n := 0
	event := func(source, event, properties string) Outcome {
		n++
		h.now = h.now.Add(time.Minute)
		return h.send(source, fmt.Sprintf(`{"userId":"u","messageId":"e%d","event":%q,"timestamp":%q,"properties":%s}`, n, event, h.now.Time().Format(time.RFC3339), properties), Track)
	}
	h.traits("signup", `{"email":"Ann@marsden-farm.co.uk","postcode":"YO1 7HH"}`)
	h.want("another address", event("signup", "Email Bounced", `{"email":"bea@marsden-farm.co.uk"}`), 1)
	h.wantFacts("another address bounced", "email", "Ann@marsden-farm.co.uk 1 [] declared by signup")
	h.want("theirs", event("signup", "Email Bounced", `{"email":"Ann@MARSDEN-FARM.co.uk"}`), 1)
	h.wantFacts("theirs bounced", "email", "Ann@marsden-farm.co.uk 0.1 [bounced] declared by signup")
	h.traits("signup", `{"email":"Ann@marsden-farm.co.uk"}`)
	h.wantFacts("it came again", "email", "Ann@marsden-farm.co.uk 0.1 [bounced] declared by signup")
	h.want("without a value", event("signup", "Email Answered", `{}`), 1)
	h.wantFacts("an answer to nothing", "email", "Ann@marsden-farm.co.uk 0.1 [bounced] declared by signup")
	h.want("it answered", event("signup", "Email Answered", `{"email":"Ann@marsden-farm.co.uk"}`), 1)
	h.wantFacts("it answered", "email", "Ann@marsden-farm.co.uk 1 [] declared by signup")
	h.traits("signup", `{"email":"cat@marsden-farm.co.uk"}`)
	h.wantFacts("a new address", "email", "cat@marsden-farm.co.uk 1 [] declared by signup")
	h.want("a browser's word", event("web", "Letter Returned", `{"postcode":"YO1 7HH"}`), 0, NoPermission)
	h.want("a letter came back, written otherwise", event("signup", "Letter Returned", `{"postcode":"yo17hh"}`), 1)
	h.wantFacts("a letter came back", "postcode", "YO1 7HH 0.2 [returned] declared by signup")
}

// TestABrowserSaysNothingOfAValue: the event is kept, and judges nothing.
func TestABrowserSaysNothingOfAValue(t *testing.T) {
	h := newHome(t)
	h.want("a yes and a postcode", h.send("web", `{"anonymousId":"d","messageId":"w1","context":{"consent":{"categoryPreferences":{"personalization":true}}},"traits":{"postcode":"YO1 7HH"}}`, Identify), 1)
	h.want("a browser's word", h.send("web", `{"anonymousId":"d","messageId":"w2","event":"Letter Returned","properties":{"postcode":"YO1 7HH"}}`, Track), 1)
	if got := h.person(vault.AnonymousID, "d", h.now).heads("postcode"); fmt.Sprint(got) != "[YO1 7HH 1 [] acquired by web]" {
		t.Errorf("it is %q", got)
	}
}

// TestAFactCostsTheGateLittle pins what a message of four good values costs, so that judging them stays cheap.
func TestAFactCostsTheGateLittle(t *testing.T) {
	h := newHome(t)
	h.traits("signup", `{"email":"ann@marsden-farm.co.uk"}`)
	n := 0
	cost := testing.AllocsPerRun(200, func() {
		n++
		h.send("signup", fmt.Sprintf(`{"userId":"u","messageId":"c%d","traits":{"name":"Ann Old","email":"ann@marsden-farm.co.uk","country":"GB","phone":"+442079460958"}}`, n), Identify)
	})
	if cost > 90 && !torture.Raced {
		t.Errorf("a message of four facts makes %.0f allocations", cost)
	}
	t.Logf("%.0f allocations", cost)
}
