package vault

import (
	"errors"
	"math/rand/v2"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/rapporthq/rapport/person"
	"github.com/rapporthq/rapport/trust/consent"
)

func TestRecordReadsWhatWasSealed(t *testing.T) {
	h := newHousehold(t)
	id := h.e.ID
	claim, err := h.k.SealClaim(UserID, "13085", noon)
	must(t, err)
	h.put(
		h.k.SealFact(fact("birthday", "1970-05-01", "signup", person.Declared, noon, true)),
		h.k.SealChoice(consent.Choice{Purpose: "personalise", Answer: consent.Yes, At: noon, Received: noon, Verified: true}, consent.Evidence{Words: "we ask"}, "m1"),
		h.k.SealChoice(consent.Choice{Purpose: "personalise", Answer: consent.No, At: noon + 1, Received: noon + 1, Verified: true}, consent.Evidence{}, "m2"),
		h.k.SealFeedback(person.Feedback{Kind: person.NotForMe, Decision: "dec_1", Placement: "home", Item: "22423", Sources: []string{"evt_1"}, At: noon}),
		h.k.SealComplaint(person.Complaint{ID: "c1", Opened: noon}),
		h.k.SealRestriction(noon, true),
		h.k.SealShown(person.Shown{Decision: "dec_1", Placement: "home", Items: []string{"22423"}, At: noon}),
		h.k.SealTold([]string{"Order Completed"}, noon+2000),
		h.k.SealSuppressed("income_band", noon),
		claim,
	)
	h.loaded.Frames = []Frame{order(h.k, 1, 1, noon, "22423", "22720"), order(h.k, 2, 2, noon+day, "22423")}
	h.loaded.Version = 7
	r := h.record(t, noMarks)

	want := person.Head{Of: id, Name: "birthday", Learnt: person.Declared, Source: "signup", Channel: "web", At: noon, Received: noon + 5, Charter: 1, Quality: 1, Told: true, Verified: true}
	if d := cmp.Diff([]person.Head{want}, r.Facts); d != "" {
		t.Error(d)
	}
	if len(r.Choices) != 2 || r.Choices[0].Answer != consent.Yes || r.Choices[1].Answer != consent.No || r.Choices[0].Of != id {
		t.Errorf("choices: %v", r.Choices)
	}
	if len(r.Feedback) != 1 || len(r.Complaints) != 1 || len(r.Shown) != 1 || !r.Restricted || r.Version != 7 || r.Unreadable != 0 {
		t.Errorf("record: %+v", r)
	}
	if !r.Suppressed("income_band") || r.Suppressed("birthday") || len(r.Removed) != 1 {
		t.Error("what the person removed is not known")
	}
	if len(r.Claims) != 1 || r.Claims[0].Blind != blindOf(t, h.v, UserID, "13085") || r.Claims[0].Kind != UserID {
		t.Errorf("claims: %+v", r.Claims)
	}
	wantHistory := []person.Head{
		{Of: id, Name: "Order Completed", Event: true, Learnt: person.Observed, Source: "tills", Channel: "store", At: noon, Received: noon + 1000, Charter: 1, Quality: 1, Told: true, Verified: true},
		{Of: id, Name: "Product Viewed", Event: true, Learnt: person.Observed, Source: "web", Channel: "web", At: noon + day, Received: noon + day + 1000, Charter: 1, Quality: 1, Verified: true},
	}
	if d := cmp.Diff(wantHistory, r.History); d != "" {
		t.Error(d)
	}

	o := h.open(t, r)
	if len(o.Facts) != 1 || o.Facts[0].Value != "1970-05-01" || len(o.History) != 2 || len(o.Unreadable) != 0 {
		t.Fatalf("opened: %+v", o)
	}
	if d := cmp.Diff([]person.Line{{Item: "22423", Quantity: 1, Price: 1.99}, {Item: "22720", Quantity: 2, Price: 1.99}}, o.History[0].Lines); d != "" {
		t.Error(d)
	}
	if o.History[1].ID != h.loaded.Frames[1].ID || o.History[1].Properties["total"] != 12.5 || o.History[0].Properties["order_id"] != "o1" {
		t.Errorf("events: %+v", o.History)
	}
	e, err := r.Evidence(h.self(), noon, 0)
	if err != nil || e.Words != "we ask" {
		t.Errorf("evidence: %v %v", e, err)
	}
	claims, err := r.Claimed(h.self(), noon)
	if err != nil || len(claims) != 1 || claims[0].Value != "13085" {
		t.Errorf("claims: %v %v", claims, err)
	}
	if h.v.Forget(id); true {
		if _, err := r.Evidence(h.self(), noon, 0); !errors.Is(err, ErrUnreadable) {
			t.Errorf("a record of somebody forgotten still opens: %v", err)
		}
	}
}

func TestNobodyHasNoRecord(t *testing.T) {
	v := newVault(t)
	if _, err := v.Record(Loaded{}, nil, nil, nil); !errors.Is(err, ErrNotFound) {
		t.Fatal(err)
	}
}

// Whatever of a row is changed, its head no longer opens; a head never opens as a body, nor a body as a head.
func TestRowsAreBound(t *testing.T) {
	h := newHousehold(t)
	k2 := h.join(t)
	row := h.k.SealFact(fact("birthday", "1970-05-01", "signup", person.Declared, noon, true))
	same := k2.SealFact(fact("birthday", "1970-05-01", "signup", person.Declared, noon, true))
	for name, change := range map[string]func(r *Row){
		"nothing":        func(*Row) {},
		"pseudonym":      func(r *Row) { r.Of = k2.ID() },
		"kind":           func(r *Row) { r.Kind = SuppressedRow },
		"key":            func(r *Row) { r.Key[15] ^= 1 },
		"time":           func(r *Row) { r.At++ },
		"head":           func(r *Row) { r.Head = append([]byte(nil), r.Head...); r.Head[14] ^= 1 },
		"head cut":       func(r *Row) { r.Head = r.Head[:20] },
		"no head":        func(r *Row) { r.Head = nil },
		"body for head":  func(r *Row) { r.Head = r.Body },
		"another's head": func(r *Row) { r.Head = same.Head },
	} {
		changed := row
		change(&changed)
		h.loaded.Rows = []Row{changed}
		r := h.record(t, nil)
		if got := r.Unreadable == 0; got != (name == "nothing") {
			t.Errorf("%s changed: readable %v", name, got)
		}
		for _, f := range r.Facts {
			if name != "nothing" && (f.Quality != 0 || f.Verified || f.Told || f.Learnt != person.Acquired) {
				t.Errorf("%s changed: the head still says something", name)
			}
		}
		if o := h.open(t, r); name != "nothing" && len(o.Facts) != 0 {
			t.Errorf("%s changed: a value was opened", name)
		}
	}
	for name, change := range map[string]func(r *Row){
		"body":          func(r *Row) { r.Body = append([]byte(nil), r.Body...); r.Body[14] ^= 1 },
		"no body":       func(r *Row) { r.Body = nil },
		"head for body": func(r *Row) { r.Body = r.Head },
		"another's":     func(r *Row) { r.Body = same.Body },
	} {
		changed := row
		change(&changed)
		h.loaded.Rows = []Row{changed}
		o := h.open(t, h.record(t, nil))
		if len(o.Facts) != 0 || len(o.Unreadable) != 1 || o.Unreadable[0] != "birthday" {
			t.Errorf("%s changed: %+v", name, o)
		}
	}
}

func TestEventsAreBound(t *testing.T) {
	h := newHousehold(t)
	k2 := h.join(t)
	f := order(h.k, 1, 1, noon, "a")
	for name, change := range map[string]func(f *Frame){
		"nothing":   func(*Frame) {},
		"pseudonym": func(f *Frame) { f.Of = k2.ID() },
		"id":        func(f *Frame) { f.ID[3] ^= 1 },
		"stream":    func(f *Frame) { f.Stream = 2 },
		"time":      func(f *Frame) { f.At++ },
		"received":  func(f *Frame) { f.Received++ },
		"body":      func(f *Frame) { f.Body = append([]byte(nil), f.Body...); f.Body[20] ^= 1 },
		"no body":   func(f *Frame) { f.Body = nil },
		"nobody":    func(f *Frame) { f.Of = person.NewID() },
	} {
		changed := f
		change(&changed)
		h.loaded.Frames = []Frame{changed, order(h.k, 2, 1, noon, "b")}
		o := h.open(t, h.record(t, noMarks))
		want := 1
		if name == "nothing" {
			want = 2
		}
		if len(o.History) != want || len(o.Unreadable) != 2-want || o.History[want-1].Lines[0].Item != "b" {
			t.Errorf("%s changed: %d events, unreadable %v", name, len(o.History), o.Unreadable)
		}
	}
}

func TestWhatCannotBeReadProtects(t *testing.T) {
	h := newHousehold(t)
	spoilt := func(r Row) Row { r.Head = append([]byte(nil), r.Head...); r.Head[13] ^= 1; return r }
	h.put(
		h.k.SealFact(fact("diet", "none", "signup", person.Declared, noon+day, true)),
		spoilt(h.k.SealFact(fact("diet", "diabetic", "tills", person.Declared, noon, true))),
		h.k.SealFact(fact("income_band", "low", "signup", person.Declared, noon+day, true)),
		spoilt(h.k.SealFact(fact("income_band", "high", "tills", person.Declared, noon, true))),
		spoilt(h.k.SealChoice(consent.Choice{Purpose: "personalise", Answer: consent.Yes, At: noon, Verified: true}, consent.Evidence{}, "m")),
		spoilt(h.k.SealRestriction(noon, false)),
		spoilt(h.k.SealComplaint(person.Complaint{ID: "c", Opened: noon, Closed: noon + 1})),
		spoilt(h.k.SealFeedback(person.Feedback{Kind: person.Useful, Placement: "home", Decision: "d", Item: "i", At: noon})),
		spoilt(h.k.SealShown(person.Shown{Placement: "home", Decision: "d", At: noon})),
		spoilt(h.k.SealSuppressed("household", noon)),
		spoilt(h.k.SealTold([]string{"diet"}, noon)),
	)
	r := h.record(t, nil)
	if len(r.Facts) != 3 || r.Facts[1].Name != "diet" || r.Facts[1].Quality != 0 || r.Facts[1].Verified || r.Facts[1].Learnt != person.Acquired {
		t.Errorf("an unreadable protective fact must stand, in doubt: %+v", r.Facts)
	}
	if r.Facts[0].Name != "diet" || r.Facts[0].Quality != 1 {
		t.Errorf("what an unreadable fact stands beside can still protect: %+v", r.Facts)
	}
	if r.Facts[2].Name != "income_band" || r.Facts[2].Quality != 0 || len(r.Superseded) != 1 || r.Superseded[0].Name != "income_band" || r.Superseded[0].Quality != 1 {
		t.Errorf("an unreadable fact may be a correction of the others of its name: %+v, superseded %+v", r.Facts, r.Superseded)
	}
	if len(r.Choices) != 1 || r.Choices[0].Answer != consent.No || r.Choices[0].Purpose != "personalise" || r.Choices[0].At != noon {
		t.Errorf("an unreadable choice is a no: %+v", r.Choices)
	}
	if !r.Restricted {
		t.Error("an unreadable restriction is one")
	}
	if len(r.Complaints) != 1 || r.Complaints[0].Closed != 0 {
		t.Errorf("an unreadable complaint is open: %+v", r.Complaints)
	}
	if len(r.Feedback) != 1 || r.Feedback[0].Kind != person.TooPersonal || r.Feedback[0].Placement != "home" {
		t.Errorf("an unreadable feedback is too-personal: %+v", r.Feedback)
	}
	if len(r.Shown) != 1 || r.Shown[0].Placement != "home" {
		t.Errorf("shown: %+v", r.Shown)
	}
	if !r.Suppressed("household") || r.Unreadable != 9 {
		t.Errorf("suppressed, unreadable: %d", r.Unreadable)
	}
	o := h.open(t, r)
	if len(o.Facts) != 1 || o.Facts[0].Value != "none" || len(o.Unreadable) != 2 {
		t.Errorf("a value without its head was opened: %+v", o)
	}
	if d := cmp.Diff([]int{0}, r.Places(o)); d != "" {
		t.Error("the places of what was opened:", d)
	}
}

func TestAllIsInDoubtWhenTheKeyIsGone(t *testing.T) {
	h := newHousehold(t)
	h.put(
		h.k.SealFact(fact("diet", "none", "signup", person.Declared, noon, true)),
		h.k.SealChoice(consent.Choice{Purpose: "personalise", Answer: consent.Yes, At: noon, Verified: true}, consent.Evidence{}, "m"),
	)
	h.loaded.Frames = []Frame{order(h.k, 1, 1, noon, "a")}
	h.loaded.Wrapped = nil
	r := h.record(t, noMarks)
	if r.Unreadable != 2 || r.Facts[0].Quality != 0 || r.Choices[0].Answer != consent.No {
		t.Fatalf("%+v", r)
	}
	if o := h.open(t, r); len(o.Facts) != 0 || len(o.History) != 0 || len(o.Unreadable) != 2 {
		t.Fatalf("%+v", o)
	}
}

// A row whose name cannot be told could be any: every protective fact is in doubt, every purpose has a no.
func TestUnreadableRowsWithoutANameAreAny(t *testing.T) {
	h := newHousehold(t)
	f := h.k.SealFact(fact("diet", "none", "signup", person.Declared, noon, true))
	c := h.k.SealChoice(consent.Choice{Purpose: "personalise", Answer: consent.Yes, At: noon, Verified: true}, consent.Evidence{}, "m")
	f.Key, c.Key = Key{1}, Key{1}
	h.put(f, c)
	r := h.record(t, nil)
	cur := h.series.Current()
	protective := 0
	for _, d := range cur.Data {
		if d.Protective {
			protective++
		}
	}
	if protective == 0 || len(r.Facts) != protective || len(r.Choices) != len(cur.Purposes) {
		t.Fatalf("%d facts of %d, %d choices of %d", len(r.Facts), protective, len(r.Choices), len(cur.Purposes))
	}
}

// Every source's fact of a name is there to be judged; of those that are opened one is used.
func TestWhichFactIsUsed(t *testing.T) {
	type is struct {
		source   string
		learnt   person.Learnt
		at       person.Instant
		verified bool
	}
	for name, tc := range map[string]struct{ winner, loser is }{
		"verified beats declared":        {is{"a", person.Acquired, noon, true}, is{"b", person.Declared, noon, false}},
		"verified beats newer":           {is{"a", person.Observed, noon, true}, is{"b", person.Observed, noon + day, false}},
		"declared beats observed, newer": {is{"a", person.Declared, noon, true}, is{"b", person.Observed, noon + day, true}},
		"observed beats inferred":        {is{"a", person.Observed, noon, true}, is{"b", person.Inferred, noon + day, true}},
		"inferred beats acquired":        {is{"a", person.Inferred, noon, true}, is{"b", person.Acquired, noon + day, true}},
		"newer beats older":              {is{"b", person.Declared, noon + 1, true}, is{"a", person.Declared, noon, true}},
		"source's name decides the rest": {is{"a", person.Declared, noon, true}, is{"b", person.Declared, noon, true}},
	} {
		for range 4 {
			h := newHousehold(t)
			k2 := h.join(t)
			rows := []Row{
				h.k.SealFact(fact("household", "1", tc.winner.source, tc.winner.learnt, tc.winner.at, tc.winner.verified)),
				k2.SealFact(fact("household", "2", tc.loser.source, tc.loser.learnt, tc.loser.at, tc.loser.verified)),
				h.k.SealFact(fact("income_band", "low", "c", person.Acquired, noon, true)),
			}
			rand.Shuffle(len(rows), func(i, j int) { rows[i], rows[j] = rows[j], rows[i] })
			h.put(rows...)
			r := h.record(t, nil)
			o := h.open(t, r)
			if len(r.Facts) != 3 || len(o.Facts) != 3 || len(o.Superseded) != 0 {
				t.Fatalf("%s: not all are there to be judged: %+v", name, o)
			}
			used := person.InUse(o.Facts)
			if len(used) != 2 || len(o.Facts) != 3 {
				t.Fatalf("%s: %+v", name, used)
			}
			for _, f := range used {
				if f.Name == "household" && f.Value != "1" {
					t.Errorf("%s: the other one is used", name)
				}
			}
			if ids := r.FactRows("household"); len(ids) != 2 {
				t.Errorf("%s: %d rows would go when the person removes it", name, len(ids))
			}
			for i, at := range r.Places(o) {
				if at != i || r.FactRow(at) != (RowID{rows[at].Of, FactRow, rows[at].Key}) {
					t.Errorf("%s: fact %d is at %d", name, i, at)
				}
			}
		}
	}
}

func TestRemovedFactsComeBackFromThePersonOnly(t *testing.T) {
	h := newHousehold(t)
	h.put(
		h.k.SealSuppressed("household", noon),
		h.k.SealFact(fact("household", "4", "bureau", person.Declared, noon+day, true)),
	)
	if r := h.record(t, nil); len(r.Facts) != 0 || len(r.Superseded) != 1 {
		t.Fatalf("an import brought back what the person removed: %+v", r.Facts)
	}
	h.put(h.k.SealFact(fact("household", "2", "self", person.Declared, noon, true)))
	r := h.record(t, nil)
	if o := h.open(t, r); len(o.Facts) != 1 || o.Facts[0].Value != "2" {
		t.Fatalf("the person's own word does not hold: %+v", o)
	}
}

func TestVerifiedHistory(t *testing.T) {
	h := newHousehold(t)
	h.loaded.Frames = []Frame{
		order(h.k, 1, 1, noon, "a"),  // server
		order(h.k, 2, 2, noon, "a"),  // client
		order(h.k, 3, 3, noon, "a"),  // source that the charter does not have
		order(h.k, 4, 4, noon, "a"),  // charter that the series does not have
		order(h.k, 5, 5, noon, "a"),  // the person's own session
		order(h.k, 6, 99, noon, "a"), // stream that the store does not have
	}
	verified := func(r *Record) (out []bool) {
		for _, e := range r.History {
			out = append(out, e.Verified)
		}
		return out
	}
	if d := cmp.Diff([]bool{true, true, false, false, true, false}, verified(h.record(t, nil))); d != "" {
		t.Error("alone:", d)
	}
	k2 := h.join(t)
	h.loaded.Frames = append(h.loaded.Frames, order(k2, 7, 2, noon, "a"))
	r := h.record(t, nil)
	if d := cmp.Diff([]bool{true, false, false, false, true, false, true}, verified(r)); d != "" {
		t.Error("joined:", d)
	}
	for i, head := range r.History {
		if (head.Quality == 0) != (i == 2 || i == 3 || i == 5) {
			t.Errorf("head %d has quality %v", i, head.Quality)
		}
	}
}

func TestTold(t *testing.T) {
	h := newHousehold(t)
	h.put(
		h.k.SealFact(fact("household", "1", "bureau", person.Acquired, noon, true)),
		h.k.SealFact(fact("income_band", "low", "bureau", person.Acquired, noon, true)),
		h.k.SealFact(fact("birthday", "1970-01-01", "signup", person.Declared, noon, true)),
		h.k.SealFact(fact("diet", "none", "web", person.Declared, noon, false)),
		h.k.SealTold([]string{"household"}, noon+5),   // at the very time it came
		h.k.SealTold([]string{"income_band"}, noon+4), // before it came
	)
	got := map[string]bool{}
	for _, f := range h.record(t, nil).Facts {
		got[f.Name] = f.Told
	}
	if d := cmp.Diff(map[string]bool{"household": true, "income_band": false, "birthday": true, "diet": false}, got); d != "" {
		t.Error(d)
	}
}
