package vault

import (
	"bytes"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/rapporthq/rapport/person"
	"github.com/rapporthq/rapport/trust/consent"
	"github.com/rapporthq/rapport/trust/ledger"
	"github.com/rapporthq/rapport/trust/tact"
)

func lookRow(h *household) ledger.Row {
	row, err := ledger.Seal(ledger.Look{Of: h.e.ID, At: noon, Actor: "ann", Role: "agent", Purpose: "service", Reason: "she called", Fields: []string{"name"}}, h.k)
	if err != nil {
		panic(err)
	}
	return row
}

// shopper is a person with a history long enough for a decision on their own history, who said yes.
func shopper(t testing.TB, frames, lines int) *household {
	t.Helper()
	h := newHousehold(t)
	for _, p := range []string{"personalise"} {
		h.put(h.k.SealChoice(consent.Choice{Purpose: p, Answer: consent.Yes, At: noon - 400*day, Received: noon - 400*day, Explicit: true, Verified: true, Charter: 1}, consent.Evidence{}, p))
	}
	h.put(h.k.SealFact(fact("household", "2", "signup", person.Declared, noon-300*day, true)))
	items := []string{"1042", "22423", "22720", "84991", "21212", "47566", "85099", "20725"}
	for i := range frames {
		var its []string
		for j := range lines {
			its = append(its, items[(i+j)%len(items)])
		}
		h.loaded.Frames = append(h.loaded.Frames, order(h.k, i, 1, noon-person.Instant(frames-i)*2*day-day, its...))
	}
	return h
}

// judged judges a decision at the placement over the record.
func (h *household) judged(t testing.TB, r *Record, placement string) tact.Judgement {
	t.Helper()
	c := h.series.Current()
	return tact.Judge(tact.Case{
		Series: h.series, Charter: c, Placement: c.Placements[placement],
		Moment: person.Moment{Placement: placement, At: noon, Now: noon}, Who: r.Who,
		Facts: r.Facts, History: r.History, Choices: r.Choices, Restricted: r.Restricted, Feedback: r.Feedback, Complaints: r.Complaints,
	})
}

func TestADecisionOpensWhatPassedAndNoMore(t *testing.T) {
	h := shopper(t, 30, 2)
	h.put(h.k.SealFact(fact("income_band", "low", "bureau", person.Acquired, noon-day, true))) // held: surprising, and too soon
	old := order(h.k, 99, 2, noon-800*day, "held")                                             // longer ago than a view is kept
	h.loaded.Frames = append([]Frame{old}, h.loaded.Frames...)
	r := h.record(t, noMarks)
	j := h.judged(t, r, "home")
	o, err := r.Open(j.Permit, noon)
	must(t, err)
	if len(o.History) == 0 {
		t.Fatalf("nothing was permitted, so nothing is tested: %v", j.Holds)
	}
	passed := 0
	for _, reason := range j.HistoryReasons {
		if reason == "" {
			passed++
		}
	}
	if len(o.History) != passed || passed != 30 {
		t.Errorf("%d events opened, %d passed", len(o.History), passed)
	}
	for _, e := range o.History {
		if e.ID == old.ID || len(e.Lines) != 2 || e.Lines[0].Item == "held" {
			t.Error("a held event was opened, or stands for another")
		}
	}
	for _, f := range o.Facts {
		if f.Name == "income_band" {
			t.Error("a held fact was opened")
		}
	}
	if len(o.Superseded) != 0 {
		t.Error("a decision sees superseded facts")
	}
}

func TestSensitiveLinesAreLeftOut(t *testing.T) {
	h := shopper(t, 30, 3)
	marks := func(item string) []string {
		if item == "22423" {
			return []string{"health"}
		}
		return nil
	}
	count := func(o *Opened) (marked, other int) {
		for _, e := range o.History {
			for _, l := range e.Lines {
				if l.Item == "22423" {
					marked++
				} else {
					other++
				}
			}
		}
		return marked, other
	}
	all, rest := count(h.open(t, h.record(t, marks)))
	if all == 0 || rest == 0 {
		t.Fatal("the household buys nothing sensitive: nothing is tested")
	}
	r := h.record(t, marks)
	o, err := r.Open(h.judged(t, r, "home").Permit, noon)
	must(t, err)
	if m, n := count(o); m != 0 || n != rest {
		t.Errorf("without an explicit yes: %d sensitive lines of %d, %d others of %d", m, all, n, rest)
	}
	r = h.record(t, nil) // nobody says which items are sensitive
	o, err = r.Open(h.judged(t, r, "home").Permit, noon)
	must(t, err)
	if m, n := count(o); m != 0 || n != 0 {
		t.Errorf("without marks: %d and %d lines", m, n)
	}
}

func TestStaffOpenWhatTheirTeamMay(t *testing.T) {
	h := shopper(t, 3, 2)
	h.put(h.k.SealFact(fact("name", "Jane", "signup", person.Declared, noon, true)), h.k.SealFact(fact("birthday", "1970-01-01", "signup", person.Declared, noon, true)))
	h.put(h.k.SealSuppressed("income_band", noon), h.k.SealFact(fact("income_band", "low", "bureau", person.Acquired, noon, true))) // superseded
	h.loaded.Frames = append(h.loaded.Frames, order(h.k, 9, 2, noon, "viewed"))
	r := h.record(t, noMarks)
	if len(r.Superseded) != 1 {
		t.Fatal("nothing is superseded, so nothing is tested")
	}
	p, err := tact.ForStaff(h.series.Current(), "care", "ann", "agent", "service", h.loaded.Who, soon)
	must(t, err)
	o, err := r.Open(p, noon)
	must(t, err)
	if len(o.Facts) != 1 || o.Facts[0].Name != "name" || o.Facts[0].Value != "Jane" || len(o.History) != 3 || len(o.Superseded) != 0 {
		t.Errorf("%+v", o)
	}
	for _, e := range o.History {
		if e.Name != "Order Completed" {
			t.Errorf("a %s was opened for a team that may not", e.Name)
		}
	}
}

func TestReceiptsAndReasonsComeBack(t *testing.T) {
	h := newHousehold(t)
	row := h.k.SealReceipt(Key{7}, noon, []byte("receipt"))
	r := h.record(t, nil)
	if b, err := r.Receipt(h.self(), noon, row); err != nil || string(b) != "receipt" {
		t.Fatal(string(b), err)
	}
	row.Key[0]++
	if _, err := r.Receipt(h.self(), noon, row); err == nil {
		t.Fatal("a receipt opens under another key")
	}
	look := lookRow(h)
	if s, err := r.Reason(h.self(), noon, look); err != nil || s != "she called" {
		t.Fatal(s, err)
	}
	if bytes.Contains(look.Reason, []byte("called")) {
		t.Fatal("the reason is readable at rest")
	}
	look.At++
	if _, err := r.Reason(h.self(), noon, look); err == nil {
		t.Fatal("a reason opens at another time")
	}
}

// No value, name or identifier is readable in what the store gets.
func TestNothingIsReadableAtRest(t *testing.T) {
	h := newHousehold(t)
	const marker = "ZZMARKERZZ"
	claim, err := h.k.SealClaim(UserID, marker, noon)
	must(t, err)
	rows := []Row{
		h.k.SealFact(person.Fact{Head: person.Head{Name: marker, Source: marker, Channel: marker, At: noon, Inputs: []string{marker}}, Value: marker}),
		h.k.SealChoice(consent.Choice{Purpose: marker, Source: marker, At: noon}, consent.Evidence{Words: marker}, marker),
		h.k.SealFeedback(person.Feedback{Kind: person.Useful, Decision: marker, Item: marker, Placement: marker, At: noon}),
		h.k.SealComplaint(person.Complaint{ID: marker, Opened: noon}),
		h.k.SealShown(person.Shown{Decision: marker, Items: []string{marker}, At: noon}),
		h.k.SealTold([]string{marker}, noon), h.k.SealSuppressed(marker, noon), claim,
		h.k.SealReceipt(Key{}, noon, []byte(marker)),
	}
	frame := h.k.SealEvent(person.EventID{}, 1, noon, noon, AppendText(StartBody(nil), marker, marker))
	for _, r := range rows {
		if bytes.Contains(append(append(append([]byte(nil), r.Key[:]...), r.Head...), r.Body...), []byte(marker)) {
			t.Errorf("kind %d is readable", r.Kind)
		}
	}
	if bytes.Contains(frame.Body, []byte(marker)) {
		t.Error("an event is readable")
	}
	if a, b := h.k.SealSuppressed("x", noon), h.k.SealSuppressed("x", noon); bytes.Equal(a.Head, b.Head) || a.Key != b.Key {
		t.Error("the same thing sealed twice must have one key and two texts")
	}
}

func TestAppendEventAddsToDst(t *testing.T) {
	h := newHousehold(t)
	f := Frame{Of: h.e.ID, ID: person.EventID{1}, Stream: 1, At: noon, Received: noon}
	body := AppendLine(StartBody(nil), person.Line{Item: "a", Quantity: 1})
	dst := h.k.AppendEvent([]byte("before"), f, body)
	f.Body = dst[len("before"):]
	if len(f.Body) != len(body)+Overhead || string(dst[:6]) != "before" {
		t.Fatal("AppendEvent does not append")
	}
	h.loaded.Frames = []Frame{f}
	o := h.open(t, h.record(t, noMarks))
	if d := cmp.Diff([]person.Line{{Item: "a", Quantity: 1}}, o.History[0].Lines); d != "" {
		t.Fatal(d)
	}
}
