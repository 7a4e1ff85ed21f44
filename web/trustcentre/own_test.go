package trustcentre

import (
	"context"
	"encoding/json"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/rapporthq/rapport/charter"
	"github.com/rapporthq/rapport/fault"
	"github.com/rapporthq/rapport/know/catalogue"
	"github.com/rapporthq/rapport/know/collect"
	"github.com/rapporthq/rapport/person"
	"github.com/rapporthq/rapport/reach/decide"
	"github.com/rapporthq/rapport/store"
	"github.com/rapporthq/rapport/store/pgtest"
	"github.com/rapporthq/rapport/trust/consent"
	"github.com/rapporthq/rapport/trust/ledger"
	"github.com/rapporthq/rapport/trust/self"
	"github.com/rapporthq/rapport/trust/vault"
)

// lived is a home over a store, with two people in it.
type lived struct {
	t    *testing.T
	own  *Own
	now  person.Instant
	tree *ledger.Ledger
	ann  person.ID
	bob  person.ID
	deci *decide.Decider
}

func live(t *testing.T, o store.Options) *lived {
	t.Helper()
	ctx := context.Background()
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	text, ok := charter.Example("retail")
	if !ok {
		t.Fatal("there is no retail charter")
	}
	parsed, problems := charter.Parse(text)
	must(problems.Err())
	h := &lived{t: t, now: person.At(time.Date(2026, 11, 18, 12, 0, 0, 0, time.UTC))}
	clock := func() person.Instant { return h.now }
	c := parsed.Placed(1, h.now.Add(-900*24*time.Hour))
	v, err := vault.Create(t.TempDir())
	must(err)
	o.Clock = clock
	s, err := store.Open(ctx, o)
	must(err)
	t.Cleanup(func() { _ = s.Close() })
	must(s.AcceptCharter(ctx, 0, charter.Accepted{Position: 1, Hash: c.Hash, Source: text, At: h.now}, ledger.Row{}))
	shelf := catalogue.NewShelf([]catalogue.Item{{Item: charter.Item{ID: "b1"}}}, c, 1)
	house, err := decide.NewHouse(decide.Parts{Series: charter.NewSeries(c), Shelf: shelf, Salt: v.Secret("holdout")})
	must(err)
	series := charter.NewSeries(c)
	signer, verifier := v.TreeKey()
	h.tree, err = ledger.New(s.Ledger(), signer, verifier)
	must(err)
	h.deci = decide.New(decide.NewLive(house, nil), v, s, decide.Options{Clock: clock})
	acts := &self.Acts{Store: s, Vault: v, Series: func() *charter.Series { return &series }, Streams: func(vault.StreamID) (vault.Stream, bool) { return vault.Stream{}, false }, Clock: clock}
	gate := collect.New(collect.Parts{Vault: v, Store: s, Charters: func() charter.Series { return series }, Clock: clock})
	h.own = &Own{Acts: acts, Gate: gate, Decider: h.deci, Rows: s.Ledger(), Proofs: h.tree}

	for _, who := range []*person.ID{&h.ann, &h.bob} {
		e, k, err := v.Enrol(h.now)
		must(err)
		*who = e.ID
		blind, err := v.Blind(vault.UserID, e.ID.String())
		must(err)
		e.Identifiers = []vault.Identifier{{Blind: blind, Of: e.ID, Verified: true}}
		fact := func(name, value, source string, learnt person.Learnt) vault.Row {
			return k.SealFact(person.Fact{Head: person.Head{Of: e.ID, Name: name, Learnt: learnt, Source: source, Channel: "web", At: h.now, Received: h.now, Charter: 1, Quality: 1, Verified: true}, Value: value})
		}
		look, err := ledger.Seal(ledger.Look{Of: e.ID, At: h.now, Actor: "Paul", Role: "privacy", Purpose: "service", Reason: "about " + e.ID.String(), Fields: []string{"name"}}, k)
		must(err)
		many, err := ledger.Seal(ledger.Look{At: h.now, Actor: "learn", Role: "job", Purpose: "personalise", Reason: "learning", Fields: []string{"name"}, Count: 2}, v.Home())
		must(err)
		must(s.Commit(ctx, vault.Change{Enrol: []vault.Enrolment{e}, Looks: []ledger.Row{look, many}, Put: []vault.Row{
			fact("name", "Ann Old", "signup", person.Declared), fact("household", "4", "bureau", person.Acquired), fact("household", "3", "signup", person.Declared),
			fact("birthday", "1980-02-01", "signup", person.Declared), fact("age_band", "adult", "signup", person.Declared),
			k.SealChoice(consent.Choice{Of: e.ID, Purpose: "personalise", Answer: consent.Yes, At: h.now - 1, Received: h.now - 1, Verified: true, Source: "signup", Channel: "web", Charter: 1}, consent.Evidence{Words: "May we?"}, "m"),
		}}))
	}
	return h
}

func TestThePagesOverAHome(t *testing.T) {
	for name, o := range map[string]func(t *testing.T) store.Options{
		"SQLite": func(t *testing.T) store.Options { return store.Options{Dir: t.TempDir()} }, "PostgreSQL": func(t *testing.T) store.Options { return store.Options{URL: pgtest.URL(t)} },
	} {
		t.Run(name, func(t *testing.T) {
			h := live(t, o(t))
			ctx := context.Background()
			view := func() (View, map[string]Fact) {
				t.Helper()
				v, err := h.own.View(ctx, h.ann, "en")
				if err != nil {
					t.Fatal(err)
				}
				by := map[string]Fact{}
				for _, f := range v.Facts {
					by[f.Name] = f
				}
				return v, by
			}
			v, by := view()
			if len(by) != 4 || v.Facts[0].Name != "name" || len(by["household"].Others) != 1 || by["household"].Value != "3" || by["birthday"].Value != "1 February 1980" {
				t.Errorf("%+v", v.Facts)
			}
			if f := by["age_band"]; !f.Bound || f.Correct != nil || f.Contact == "" {
				t.Errorf("what a law asks for: %+v", f)
			}
			if f := by["household"].Correct; f == nil || f.Kind != "select" || len(f.Options) != 5 || !f.Options[2].Here {
				t.Errorf("a choice of words: %+v", f)
			}
			if f := by["birthday"].Correct; f == nil || f.Kind != "date" || f.Value != "1980-02-01" {
				t.Errorf("a day: %+v", f)
			}
			for _, c := range v.Choices {
				if c.Purpose == "personalise" && (!c.Allowed || !c.SaidYes() || len(c.History) != 1 || c.History[0].Words != "May we?" || c.History[0].Self) {
					t.Errorf("%+v", c)
				}
				if c.Purpose == "email" && (c.Allowed || c.SaidNo() || c.SaidYes() || len(c.History) != 0) {
					t.Errorf("unanswered is neither: %+v", c)
				}
			}
			if len(v.Steps) != 4 || len(v.Ways) == 0 || v.Word == "" {
				t.Errorf("the relationship: %+v %+v", v.Steps, v.Ways)
			}

			h.now += 1e6
			if err := h.own.Correct(ctx, h.ann, "household", "5+"); err != nil {
				t.Fatal(err)
			}
			if err := h.own.Remove(ctx, h.ann, "birthday"); err != nil {
				t.Fatal(err)
			}
			if err := h.own.Choose(ctx, h.ann, "email", true, consent.Evidence{Words: "here"}); err != nil {
				t.Fatal(err)
			}
			v, by = view()
			if f := by["household"]; f.Value != "5+" || !f.Yourself || f.Learnt != "declared" || len(f.Others) != 0 {
				t.Errorf("corrected: %+v", f)
			}
			if len(v.Gone) != 1 || v.Gone[0].Name != "birthday" || v.Gone[0].Tell == nil {
				t.Errorf("removed: %+v", v.Gone)
			}
			for _, c := range v.Choices {
				if c.Purpose == "email" && (!c.Allowed || len(c.History) != 1 || c.History[0].Words != "here" || !c.History[0].Self) {
					t.Errorf("%+v", c)
				}
			}
			if err := h.own.Restrict(ctx, h.ann, true); err != nil {
				t.Fatal(err)
			}
			v, _ = view()
			for _, c := range v.Choices {
				if !v.Restricted || c.Allowed && c.Switchable {
					t.Errorf("paused: %+v", c)
				}
			}

			l, err := h.own.Looks(ctx, h.ann, "en")
			if err != nil || len(l.Looks) != 1 || len(l.Work) != 1 || l.Work[0].Times != 2 || l.Looks[0].Reason != "about "+h.ann.String() || l.Days["2026-11-18"] != 1 || l.Looks[0].Number != 0 {
				t.Errorf("%+v %v", l, err)
			}
			if _, err := h.tree.Sequence(ctx); err != nil {
				t.Fatal(err)
			}
			x, err := h.own.Extract(ctx, h.ann)
			if err != nil {
				t.Fatal(err)
			}
			raw, err := json.Marshal(x)
			if err != nil {
				t.Fatal(err)
			}
			if _, rep, err := ledger.CheckExtract(raw, l.Key); err != nil || !rep.OK() || rep.Rows != 3 {
				t.Errorf("%+v %v", rep, err)
			}
			if strings.Contains(string(raw), h.bob.String()) {
				t.Error("the file tells of somebody else")
			}

			// Decisions are their person's alone.
			d, err := h.own.Decider.Decide(ctx, decide.Request{Person: decide.Ref{UserID: h.bob.String()}, Placements: []string{"home"}}, decide.Principal{Any: true, Attest: true})
			if err != nil || len(d) != 1 {
				t.Fatal(d, err)
			}
			if _, err := h.own.Decision(ctx, h.bob, d[0].ID, "en"); err != nil {
				t.Errorf("their own: %v", err)
			}
			for _, id := range []string{d[0].ID, "dec_nothing", ""} {
				if _, err := h.own.Decision(ctx, h.ann, id, "en"); func() fault.Code { c, _ := fault.Of(err); return c }() != fault.NotFound {
					t.Errorf("%q of another: %v", id, err)
				}
			}
			if _, err := h.own.View(ctx, person.NewID(), "en"); func() fault.Code { c, _ := fault.Of(err); return c }() != fault.NotFound {
				t.Errorf("somebody who is not there: %v", err)
			}

			// Shown is told.
			untold := func() (names []string) {
				v, err := h.own.View(ctx, h.bob, "en")
				if err != nil {
					t.Fatal(err)
				}
				for _, head := range v.told {
					if !head.Told {
						names = append(names, head.Name+" by "+head.Source)
					}
				}
				h.now += 1e6
				h.own.Shown(ctx, h.bob, v)
				return names
			}
			if first := untold(); len(first) != 1 || first[0] != "household by bureau" {
				t.Errorf("before it was shown, untold is %v", first)
			}
			if then := untold(); len(then) != 0 {
				t.Errorf("shown, and not told: %v", then)
			}
		})
	}
}

// reads counts how often a person is read.
type reads struct {
	vault.Store
	n int
}

func (r *reads) Load(ctx context.Context, id person.ID, looks ...ledger.Row) (vault.Loaded, error) {
	r.n++
	return r.Store.Load(ctx, id, looks...)
}

func TestTheOverviewReadsThePersonOnce(t *testing.T) {
	h := live(t, store.Options{Dir: t.TempDir()})
	ctx := context.Background()
	view, err := h.own.View(ctx, h.ann, "fr")
	if err != nil {
		t.Fatal(err)
	}
	looks, err := h.own.Looks(ctx, h.ann, "fr")
	if err != nil {
		t.Fatal(err)
	}
	counted := &reads{Store: h.own.Acts.Store}
	h.own.Acts.Store = counted
	v, l, err := h.own.Overview(ctx, h.ann, "fr")
	if err != nil || !reflect.DeepEqual(v, view) || !reflect.DeepEqual(l, looks) || len(l.Looks) == 0 || len(v.Facts) == 0 {
		t.Errorf("the overview is not what its parts are: %v\n%+v\n%+v", err, v, l)
	}
	if counted.n != 1 {
		t.Errorf("the person was read %d times", counted.n)
	}
	if _, _, err := h.own.Overview(ctx, person.NewID(), "fr"); err == nil {
		t.Error("nobody has an overview")
	}
}
