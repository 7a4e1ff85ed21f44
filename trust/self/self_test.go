package self_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/rapporthq/rapport/charter"
	"github.com/rapporthq/rapport/fault"
	"github.com/rapporthq/rapport/know/collect"
	"github.com/rapporthq/rapport/person"
	"github.com/rapporthq/rapport/store"
	"github.com/rapporthq/rapport/store/pgtest"
	"github.com/rapporthq/rapport/trust/consent"
	"github.com/rapporthq/rapport/trust/ledger"
	"github.com/rapporthq/rapport/trust/self"
	"github.com/rapporthq/rapport/trust/tact"
	"github.com/rapporthq/rapport/trust/vault"
)

var noon = person.At(time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC))

// between is a store with somebody who acts between its reads and its writes, and that may fail.
type between struct {
	vault.Store
	before  func()
	fail    error
	commits int
}

func (b *between) Commit(ctx context.Context, c vault.Change) error {
	b.commits++
	if b.before != nil {
		b.before()
	}
	if b.fail != nil {
		return b.fail
	}
	return b.Store.Commit(ctx, c)
}

func (b *between) Load(ctx context.Context, id person.ID, looks ...ledger.Row) (vault.Loaded, error) {
	return b.Store.Load(ctx, id, looks...)
}

// home is one person with two pseudonyms, of whom three sources have told things.
type home struct {
	t      *testing.T
	store  *between
	vault  *vault.Vault
	series charter.Series
	acts   *self.Acts
	gate   *collect.Gate
	id     person.ID // of the session
	other  person.ID
	now    person.Instant
}

func newHome(t *testing.T, o store.Options) *home {
	t.Helper()
	source, ok := charter.Example("retail")
	if !ok {
		t.Fatal("the example is missing")
	}
	c, problems := charter.Parse(source)
	if c == nil {
		t.Fatal(problems)
	}
	v, err := vault.Create(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	h := &home{t: t, vault: v, series: charter.NewSeries(c.Placed(1, 1)), now: noon}
	o.Clock = h.clock
	s, err := store.Open(context.Background(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	h.store = &between{Store: s}
	h.acts = &self.Acts{Store: h.store, Vault: v, Series: func() *charter.Series { return &h.series }, Clock: h.clock}
	h.gate = collect.New(collect.Parts{Vault: v, Store: h.store, Charters: func() charter.Series { return h.series }, Clock: h.clock})

	one, ring, err := v.Enrol(noon)
	h.must(err)
	two, second, err := v.Enrol(noon)
	h.must(err)
	h.id, h.other = one.ID, two.ID
	blind, err := v.Blind(vault.UserID, "u")
	h.must(err)
	one.Identifiers = []vault.Identifier{{Blind: blind, Of: one.ID, Verified: true}}
	fact := func(k *vault.KeyRing, name, value, source string, learnt person.Learnt) vault.Row {
		return k.SealFact(person.Fact{Head: person.Head{Of: k.ID(), Name: name, Learnt: learnt, Source: source, Channel: "web", At: noon, Received: noon, Charter: 1, Quality: 1, Verified: true}, Value: value})
	}
	h.must(h.store.Store.Commit(context.Background(), vault.Change{Enrol: []vault.Enrolment{one, two}, Joins: []vault.Join{{ID: two.ID, To: one.ID, At: noon, Why: "sign-in"}}, Put: []vault.Row{
		fact(ring, "household", "4", "bureau", person.Acquired), fact(ring, "household", "3", "signup", person.Declared), fact(second, "household", "2", "signup", person.Declared),
		fact(ring, "name", "Ann Old", "signup", person.Declared), fact(ring, "age_band", "child", "signup", person.Declared),
	}}))
	return h
}

func (h *home) clock() person.Instant { return h.now }

func (h *home) must(err error) {
	h.t.Helper()
	if err != nil {
		h.t.Fatal(err)
	}
}

func (h *home) record() *vault.Record {
	h.t.Helper()
	l, err := h.store.Store.Load(context.Background(), h.id)
	h.must(err)
	r, err := h.vault.Record(l, nil, &h.series, nil)
	h.must(err)
	return r
}

func (h *home) facts() map[string]string {
	h.t.Helper()
	r := h.record()
	o, err := r.Open(tact.ForSelf(r.Who, 1, h.now+1), h.now)
	h.must(err)
	out := map[string]string{}
	for _, f := range o.Facts {
		out[f.Name] += f.Value + " by " + f.Source + ";"
	}
	return out
}

func code(err error) fault.Code {
	c, _ := fault.Of(err)
	return c
}

// engines runs a test on both stores.
func engines(t *testing.T, test func(t *testing.T, h *home)) {
	t.Run("SQLite", func(t *testing.T) { test(t, newHome(t, store.Options{Dir: t.TempDir()})) })
	t.Run("PostgreSQL", func(t *testing.T) { test(t, newHome(t, store.Options{URL: pgtest.URL(t)})) })
}

func TestAChoiceKeepsTheWordsThatWereShown(t *testing.T) {
	engines(t, func(t *testing.T, h *home) {
		ctx := context.Background()
		for i, yes := range []bool{true, false, true} {
			h.now += 1e6
			h.must(h.acts.Choose(ctx, h.id, "sensitive", yes, consent.Evidence{Notice: "sha", Language: "fr", Words: fmt.Sprint("words ", i), Channel: "web"}))
		}
		r := h.record()
		permit := tact.ForSelf(r.Who, 1, h.now+1)
		var got []string
		for i, c := range r.Choices {
			e, err := r.Evidence(permit, h.now, i)
			h.must(err)
			got = append(got, fmt.Sprintf("%s at %d: %v explicit %v, %s in %s by %s", e.Words, (c.At-noon)/1e6, c.Answer == consent.Yes, c.Explicit, c.Purpose, e.Language, c.Source))
			if !c.Verified || c.Of != h.id || c.Charter != 1 {
				t.Errorf("%+v", c)
			}
		}
		all := strings.Join(got, "\n")
		for _, want := range []string{"words 0 at 1: true explicit true, sensitive in fr by self", "words 1 at 2: false explicit false", "words 2 at 3: true explicit true"} {
			if !strings.Contains(all, want) {
				t.Errorf("%q is missing:\n%s", want, all)
			}
		}
		now := person.Moment{At: h.now, Now: h.now}
		if st := consent.Of(h.series.Current(), "sensitive", r.Who, r.Choices, now, h.now); !st.Allowed || !st.Explicit {
			t.Errorf("the last yes does not stand: %+v", st)
		}
		for purpose, want := range map[string]fault.Code{"service": fault.Refused, "young": fault.Refused, "nothing": fault.NotFound} {
			if err := h.acts.Choose(ctx, h.id, purpose, false, consent.Evidence{}); code(err) != want {
				t.Errorf("%s: %v", purpose, err)
			}
		}
		if n := len(h.record().Choices); n != 3 {
			t.Errorf("%d choices are kept", n)
		}
	})
}

func TestWhatIsRemovedStaysAway(t *testing.T) {
	engines(t, func(t *testing.T, h *home) {
		ctx := context.Background()
		h.must(h.acts.Remove(ctx, h.id, "household"))
		if f := h.facts(); f["household"] != "" || f["name"] == "" {
			t.Errorf("%v", f)
		}
		r := h.record()
		if !r.Suppressed("household") || r.Suppressed("name") || len(r.Superseded) != 0 {
			t.Error("it is not kept from coming back, or another is")
		}
		// After a split each half remembers.
		h.must(h.store.Store.Commit(ctx, vault.Change{Splits: []vault.Split{{ID: h.other, At: h.now, Why: "steward"}}}))
		for _, id := range []person.ID{h.id, h.other} {
			l, err := h.store.Store.Load(ctx, id)
			h.must(err)
			half, err := h.vault.Record(l, nil, &h.series, nil)
			h.must(err)
			if !half.Suppressed("household") {
				t.Error("one half has forgotten the removal")
			}
		}
		for name, want := range map[string]fault.Code{"household": fault.NotFound, "nothing": fault.NotFound, "age_band": fault.Refused} {
			if err := h.acts.Remove(ctx, h.id, name); code(err) != want {
				t.Errorf("%s: %v", name, err)
			}
		}
		if f := h.facts(); f["age_band"] == "" {
			t.Error("what a law asks for was removed by a form")
		}
	})
}

// TestWhatThePersonSaysOfAValueHoldsForIt lowers a value and raises it again, whichever source sends it, and leaves the others alone.
func TestWhatThePersonSaysOfAValueHoldsForIt(t *testing.T) {
	engines(t, func(t *testing.T, h *home) {
		ctx := context.Background()
		want := func(what string, qualities ...string) {
			t.Helper()
			var got []string
			for _, f := range h.record().Facts {
				if f.Name == "household" {
					got = append(got, fmt.Sprintf("%s %v %s", f.Source, f.Quality, f.Doubts))
				}
			}
			slices.Sort(got)
			if fmt.Sprint(got) != fmt.Sprint(qualities) {
				t.Errorf("%s: %q, not %q", what, got, qualities)
			}
		}
		want("before", "bureau 1 ", "signup 1 ", "signup 1 ")
		h.now += 1e6
		h.must(h.acts.Judge(ctx, h.id, "household", "4", false))
		want("the bureau's is wrong", "bureau 0 disputed", "signup 1 ", "signup 1 ")
		h.now -= 1e9 // a clock that goes back
		h.must(h.acts.Judge(ctx, h.id, "household", "4", true))
		want("or is it right", "bureau 1 ", "signup 1 ", "signup 1 ")
		h.must(h.acts.Judge(ctx, h.id, "household", "2", false))
		want("that of the other pseudonym", "bureau 1 ", "signup 0 disputed", "signup 1 ")
		if err := h.acts.Judge(ctx, h.id, "household", "5+", false); code(err) != fault.NotFound {
			t.Errorf("what nobody says: %v", err)
		}
		if err := h.acts.Judge(ctx, h.id, "age_band", "child", true); code(err) != fault.Refused {
			t.Errorf("what a law asks for is right because they say so: %v", err)
		}
		h.must(h.acts.Judge(ctx, h.id, "age_band", "child", false)) // doubt about it removes
		h.must(h.acts.Remove(ctx, h.id, "household"))
		want("removed")
		if n := len(h.record().FactRows("household")); n > 0 {
			t.Errorf("%d rows still speak of it", n)
		}
	})
}

func TestACorrectionInTheStore(t *testing.T) {
	engines(t, func(t *testing.T, h *home) {
		ctx := context.Background()
		h.must(h.acts.Choose(ctx, h.id, "personalise", true, consent.Evidence{}))
		h.now += 1e6
		h.must(h.gate.Correct(ctx, h.id, "household", "1"))
		if f := h.facts(); f["household"] != "1 by self;" {
			t.Errorf("%v", f)
		}
		for _, source := range []string{"bureau", "signup"} {
			h.now += 1e6
			var b collect.Batch
			h.must(b.Parse([]byte(`{"userId":"u","messageId":"again-`+source+`","traits":{"household":"4"}}`), collect.Identify))
			if out, err := h.gate.Accept(ctx, collect.Arrival{Source: source, Batch: &b}); err != nil || out.Kept != 0 {
				t.Errorf("%s brings the old value back: %+v %v", source, out, err)
			}
		}
		if f := h.facts(); f["household"] != "1 by self;" {
			t.Errorf("%v", f)
		}
		if err := h.gate.Correct(ctx, h.id, "age_band", "adult"); code(err) != fault.Refused {
			t.Errorf("what a law asks for was corrected by a form: %v", err)
		}
		h.must(h.acts.Remove(ctx, h.id, "household"))
		h.now += 1e6
		h.must(h.gate.Correct(ctx, h.id, "household", "2"))
		if f := h.facts(); f["household"] != "2 by self;" {
			t.Errorf("told anew: %v", f)
		}
	})
}

func TestAPauseHoldsEverywhereUntilItIsLifted(t *testing.T) {
	engines(t, func(t *testing.T, h *home) {
		for _, on := range []bool{true, true, false, true} {
			h.now += 1e6
			h.must(h.acts.Restrict(context.Background(), h.id, on))
			if r := h.record(); r.Restricted != on {
				t.Errorf("paused %v", r.Restricted)
			}
		}
	})
}

func TestWhatWasShownIsTold(t *testing.T) {
	engines(t, func(t *testing.T, h *home) {
		told := func() (n int) {
			for _, f := range h.record().Facts {
				if f.Name == "household" && f.Source == "bureau" && f.Told {
					n++
				}
			}
			return n
		}
		if told() != 0 {
			t.Fatal("it is told before it was shown")
		}
		h.now += 1e6
		h.must(h.acts.Told(context.Background(), h.id, h.record().Facts))
		if told() != 1 {
			t.Error("shown, and not told")
		}
		before := h.store.commits
		h.must(h.acts.Told(context.Background(), h.id, h.record().Facts))
		if h.store.commits != before {
			t.Error("what was told is written again")
		}
	})
}

func TestActsWhenOthersActAndWhenTheStoreFails(t *testing.T) {
	h := newHome(t, store.Options{Dir: t.TempDir()})
	ctx := context.Background()
	acts := map[string]func() error{
		"choose":   func() error { return h.acts.Choose(ctx, h.id, "personalise", true, consent.Evidence{}) },
		"remove":   func() error { return h.acts.Remove(ctx, h.id, "name") },
		"restrict": func() error { return h.acts.Restrict(ctx, h.id, true) },
	}
	elsewhere := func() {
		h.now += 1e6
		r := h.record()
		ch := consent.Choice{Of: h.id, Purpose: "email", Answer: consent.No, At: h.now, Received: h.now, Verified: true, Source: "signup", Charter: 1}
		h.must(h.store.Store.Commit(ctx, vault.Change{Put: []vault.Row{r.Ring(h.id).SealChoice(ch, consent.Evidence{}, fmt.Sprint(h.now))}}))
	}
	for name, act := range acts {
		tries := 0
		h.store.before = func() {
			if tries++; tries <= 2 {
				elsewhere()
			}
		}
		if err := act(); err != nil || tries != 3 {
			t.Errorf("%s, while somebody changes the person twice: %v after %d tries", name, err, tries)
		}
		h.store.before = elsewhere
		if name == "remove" {
			continue // it is gone by now
		}
		if err := act(); code(err) != fault.Conflict {
			t.Errorf("%s, while somebody never stops: %v", name, err)
		}
	}
	h.store.before = nil
	for _, c := range []struct {
		err  error
		want fault.Code
	}{{fmt.Errorf("disk: %w", vault.ErrUnavailable), fault.Unavailable}, {vault.ErrNotFound, fault.NotFound}} {
		h.store.fail = c.err
		for _, name := range []string{"choose", "restrict"} {
			err := acts[name]()
			if _, says := fault.Of(err); code(err) != c.want || strings.Contains(says, "disk") {
				t.Errorf("%s: %v %q", name, err, says)
			}
		}
	}
	h.store.fail = nil
	stranger := person.NewID()
	if err := h.acts.Choose(ctx, stranger, "personalise", true, consent.Evidence{}); code(err) != fault.NotFound || errors.Is(err, vault.ErrUnavailable) {
		t.Errorf("somebody who is not there: %v", err)
	}
}
