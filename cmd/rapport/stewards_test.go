package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/rapporthq/rapport/know/stewardship"
	"github.com/rapporthq/rapport/person"
	"github.com/rapporthq/rapport/store/pgtest"
	"github.com/rapporthq/rapport/trust/ledger"
	"github.com/rapporthq/rapport/trust/rights"
	"github.com/rapporthq/rapport/trust/vault"
)

// townsfolk makes the lines of an import: people of a town with their names, addresses, numbers and birthdays, of whom the first so many are there twice,
// as a till and a sign-up form write them: u0 is d0 as well. Every fifth of the doubles shares a name and a birthday with the first and nothing else.
func townsfolk(n, twice int) string {
	r := rand.New(rand.NewPCG(7, 7))
	pick := func(of ...string) string { return of[r.IntN(len(of))] }
	syllable := func() string {
		return pick("bra", "col", "der", "fen", "gar", "hol", "kin", "lun", "mor", "nes", "pen", "ral", "sto", "tar", "vin", "wes")
	}
	given := func() string {
		return pick("Ada", "Agnes", "Alban", "Arthur", "Beatrice", "Bruno", "Clara", "Cyril", "Daphne", "Edith", "Emil", "Felix", "Flora", "Greta", "Hector", "Hugo", "Ida", "Jasper", "Lena", "Mabel", "Nora", "Otto", "Petra", "Rosa", "Silas", "Thea", "Vera", "Zoe")
	}
	phone := func() string { return fmt.Sprintf("+4420%08d", 70000000+r.IntN(9999999)) }
	title := func(s string) string { return strings.ToUpper(s[:1]) + s[1:] }
	var b strings.Builder
	line := func(id, name, email, phone, birthday string) {
		raw, _ := json.Marshal(map[string]string{"userId": id, "name": name, "email": email, "phone": phone, "birthday": birthday})
		b.Write(append(raw, '\n'))
	}
	for i := range n {
		first, last := given(), title(syllable()+syllable()+pick("ton", "field", "worth", "ley", "ham", "by"))
		name := first + " " + last
		email := fmt.Sprintf("%s.%s%d@%s.example", strings.ToLower(first), strings.ToLower(last), r.IntN(90), pick("post", "letters", "mail"))
		number, day := phone(), fmt.Sprintf("%d-%02d-%02d", 1940+r.IntN(60), 1+r.IntN(12), 2+r.IntN(26))
		line(fmt.Sprintf("u%d", i), name, email, number, day)
		if i >= twice {
			continue
		}
		id := fmt.Sprintf("d%d", i)
		switch i % 5 {
		case 0:
			line(id, name, fmt.Sprintf("%s%d@other.example", strings.ToLower(last), r.IntN(90)), phone(), day)
		case 1:
			line(id, first[:1]+". "+last, email, number, day)
		case 2:
			line(id, last+" "+first, strings.ToUpper(email), "", day)
		case 3:
			line(id, name, "", number, day)
		case 4:
			line(id, first+" "+last[:len(last)-1], email, phone(), day)
		}
	}
	return b.String()
}

// townHome is an open home of such a town, on an engine.
func townHome(t *testing.T, database string, join string, people string) *house {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "home")
	source := edited(t, "join: sure", "join: "+join, "purposes: [personalise, email]\n    learnt: [declared]", "purposes: [service, personalise, email]\n    learnt: [declared]")
	source = regexp.MustCompile(`(?m)^    joins: .*\n`).ReplaceAll(source, nil) // nobody is joined before the match
	if err := makeHome(dir, source); err != nil {
		t.Fatal(err)
	}
	h, err := openHouse(context.Background(), homeOptions{Home: dir, Database: database})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(h.Close)
	imports(t, h, people)
	return h
}

func imports(t *testing.T, h *house, people string) {
	t.Helper()
	file := writeFile(t, "people.jsonl", people)
	if err := runImport(t.Context(), h, importArgs{Source: "signup", As: "people", Files: []string{file}}, quiet()); err != nil {
		t.Fatal(err)
	}
}

func quiet() *speaker { return &speaker{out: func(string) error { return nil }} }

// onBoth runs a test on both engines.
func onBoth(t *testing.T, run func(t *testing.T, database string)) {
	t.Run("SQLite", func(t *testing.T) { run(t, "") })
	t.Run("PostgreSQL", func(t *testing.T) { run(t, pgtest.URL(t)) })
}

// whom is the pseudonym of a user id.
func whom(t *testing.T, h *house, user string) person.ID {
	t.Helper()
	id, err := h.oneOf(t.Context(), "userId="+user)
	if err != nil {
		t.Fatal(err)
	}
	return id
}

// rootOf is the person of a user id, as the store has them.
func rootOf(t *testing.T, h *house, user string) person.ID {
	t.Helper()
	l, err := h.store.Rows(t.Context(), whom(t, h, user))
	if err != nil {
		t.Fatal(err)
	}
	return l.Who.Root
}

func together(t *testing.T, h *house, a, b string) bool { return rootOf(t, h, a) == rootOf(t, h, b) }

func match(t *testing.T, h *house) *stewardship.Counted {
	t.Helper()
	n, err := h.steward.Match(t.Context(), owner, nil)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func waiting(t *testing.T, h *house) []stewardship.Pair {
	t.Helper()
	pairs, err := h.steward.Pairs(t.Context(), vault.Proposed, 0, 1000)
	if err != nil {
		t.Fatal(err)
	}
	return pairs
}

var ann = stewardship.By{Actor: "Ann", Role: "privacy", Reason: "two accounts, one complaint"}

// TestAHomeFindsWhoIsThereTwice imports a town with doubles, matches, and finds the sure ones joined and the others waiting; again, and nothing is new.
func TestAHomeFindsWhoIsThereTwice(t *testing.T) {
	onBoth(t, func(t *testing.T, database string) {
		h := townHome(t, database, "sure", townsfolk(300, 60))
		n := match(t, h)
		if n.People != 360 || n.LeftOut != 0 || n.Joined < 40 || n.Joined > 60 {
			t.Fatalf("%+v", n)
		}
		right, wrong := 0, 0
		for i := range 60 {
			if together(t, h, fmt.Sprintf("u%d", i), fmt.Sprintf("d%d", i)) {
				right++
			}
		}
		wrong = n.Joined - right
		if right < 40 || wrong != 0 {
			t.Fatalf("%d of 60 were joined rightly, %d wrongly", right, wrong)
		}
		first := waiting(t, h)
		t.Logf("%+v, %d wait", n, len(first))
		again := match(t, h)
		if again.Joined != 0 || again.People != 360-n.Joined || again.Sure != 0 || again.Doubtful != n.Doubtful {
			t.Fatalf("a second match found what the first had done: %+v", again)
		}
		if got := questions(waiting(t, h)); got != questions(first) {
			t.Fatalf("what nobody had answered changed by asking again: %s, it was %s", got, questions(first))
		}
		for _, p := range append(first, waiting(t, h)...) {
			adds(t, p)
		}
		// What a steward joins changes nothing about the others.
		if err := h.steward.Same(t.Context(), first[0].A, first[0].B, ann); err != nil {
			t.Fatal(err)
		}
		match(t, h)
		if got := questions(waiting(t, h)); got != questions(first[1:]) {
			t.Fatalf("one answer changed the other questions: %s, they were %s", got, questions(first[1:]))
		}
	})
}

// questions writes down who waits, with what score, and in which band.
func questions(pairs []stewardship.Pair) string {
	var b strings.Builder
	for _, p := range pairs {
		fmt.Fprintf(&b, "%s %s %.2f %s\n", p.A, p.B, p.Score, p.Band)
	}
	return b.String()
}

// adds checks that the parts of a pair's score add up to it exactly, in hundredths.
func adds(t *testing.T, p stewardship.Pair) {
	t.Helper()
	sum := 0.0
	for _, part := range p.Parts {
		hundredth := math.Round(part.Weight * 100)
		if math.Abs(part.Weight*100-hundredth) > 1e-9 {
			t.Fatalf("the part %v is no hundredth", part)
		}
		sum += hundredth
	}
	if sum != math.Round(p.Score*100) || len(p.Parts) < 3 || p.Parts[0].Field != "prior" {
		t.Fatalf("the parts of %v add up to %v", p, sum/100)
	}
}

// TestWhatAStewardDecidedIsNeverContradicted says of each pair that waits that they are two, and of one that was joined that they are not: no later match asks
// again or joins them, not by way of a third who is like both either.
func TestWhatAStewardDecidedIsNeverContradicted(t *testing.T) {
	onBoth(t, func(t *testing.T, database string) {
		h := townHome(t, database, "sure", townsfolk(300, 60))
		match(t, h)
		for _, p := range waiting(t, h) {
			if err := h.steward.Different(t.Context(), p.A, p.B, ann); err != nil {
				t.Fatal(err)
			}
		}
		if !together(t, h, "u1", "d1") {
			t.Fatal("the test's own pair is not joined")
		}
		if err := h.steward.Different(t.Context(), whom(t, h, "u1"), whom(t, h, "d1"), ann); err != nil {
			t.Fatal(err)
		}
		if together(t, h, "u1", "d1") {
			t.Fatal("two who are different are one person")
		}
		n := match(t, h)
		if n.Joined != 0 || len(waiting(t, h)) != 0 || together(t, h, "u1", "d1") {
			t.Fatalf("a match went against a steward: %+v, %d asked again", n, len(waiting(t, h)))
		}
		// Somebody who is surely both: joining them to either and to the other would bring the two together.
		l, err := h.store.Rows(t.Context(), whom(t, h, "u1"))
		if err != nil || len(l.Rows) == 0 {
			t.Fatal(err)
		}
		for line := range strings.Lines(townsfolk(300, 60)) {
			if strings.Contains(line, `"userId":"d1"`) {
				imports(t, h, strings.Replace(line, `"userId":"d1"`, `"userId":"third"`, 1))
			}
		}
		n = match(t, h)
		if together(t, h, "u1", "d1") || n.Contested == 0 {
			t.Fatalf("two who are different were brought together by a third: %+v", n)
		}
		if left := waiting(t, h); len(left) != 2 {
			t.Fatalf("%d pairs wait: the third with each of the two is for a steward", len(left))
		}
		third := whom(t, h, "third")
		if err := h.steward.Same(t.Context(), third, whom(t, h, "u1"), ann); err != nil {
			t.Fatal(err)
		}
		if err := h.steward.Same(t.Context(), third, whom(t, h, "d1"), ann); !errors.Is(err, stewardship.ErrAnswered) {
			t.Fatalf("two who are different were brought together by a steward's two words: %v", err)
		}
		if match(t, h); len(waiting(t, h)) != 0 {
			t.Fatal("a pair waits whose answer follows from the others")
		}
		// What was said last counts.
		if _, err := h.steward.Split(t.Context(), third, ann); err != nil {
			t.Fatal(err)
		}
		if err := h.steward.Same(t.Context(), whom(t, h, "u1"), whom(t, h, "d1"), ann); err != nil {
			t.Fatal(err)
		}
		if !together(t, h, "u1", "d1") || together(t, h, "u1", "third") {
			t.Fatal("a steward may not think again")
		}
		r, err := h.steward.Report(t.Context())
		if err != nil || r.Same != 1 || r.Different < 12 || r.Matched == 0 || r.Waiting != 0 || len(r.Joining) == 0 {
			t.Fatalf("%+v %v", r, err)
		}
	})
}

// TestAMergeIsOnePersonAndASplitRestoresBoth looks at what a decision knows before, between and after.
func TestAMergeIsOnePersonAndASplitRestoresBoth(t *testing.T) {
	onBoth(t, func(t *testing.T, database string) {
		h := townHome(t, database, "nobody", `{"userId":"one","name":"Ada Fenton","email":"ada@post.example"}
{"userId":"two","name":"Ada Fenton","email":"fenton@post.example"}
`)
		file := writeFile(t, "orders.jsonl", `{"type":"track","messageId":"m1","userId":"one","event":"Order Completed","timestamp":"2026-11-01T10:00:00Z","properties":{"order_id":"o1","products":[{"product_id":"p1","quantity":1,"price":2}]}}
{"type":"track","messageId":"m2","userId":"two","event":"Order Completed","timestamp":"2026-11-02T10:00:00Z","properties":{"order_id":"o2","products":[{"product_id":"p2","quantity":1,"price":2}]}}
`)
		if err := runImport(t.Context(), h, importArgs{Source: "tills", As: "events", Files: []string{file}}, quiet()); err != nil {
			t.Fatal(err)
		}
		if err := h.fold(t.Context()); err != nil {
			t.Fatal(err)
		}
		history := func(user string) int {
			l, err := h.store.Load(t.Context(), whom(t, h, user))
			if err != nil {
				t.Fatal(err)
			}
			return len(l.Frames)
		}
		a, b := whom(t, h, "one"), whom(t, h, "two")
		if err := h.steward.Same(t.Context(), a, b, ann); err != nil {
			t.Fatal(err)
		}
		if !together(t, h, "one", "two") || history("one") != 2 || history("two") != 2 {
			t.Fatal("they are not one person")
		}
		if err := h.steward.Same(t.Context(), a, b, ann); !errors.Is(err, stewardship.ErrOne) {
			t.Fatalf("joined twice: %v", err)
		}
		if _, err := h.steward.Split(t.Context(), a, ann); err != nil {
			t.Fatal(err)
		}
		if together(t, h, "one", "two") || history("one") != 1 || history("two") != 1 {
			t.Fatal("the two are not as they were")
		}
		if _, err := h.steward.Split(t.Context(), a, ann); !errors.Is(err, stewardship.ErrAlone) {
			t.Fatalf("split from nobody: %v", err)
		}
	})
}

// TestWhoSaidNoIsNotCompared has one restrict all use and another say no to the purpose: neither is compared, joined or shown.
func TestWhoSaidNoIsNotCompared(t *testing.T) {
	onBoth(t, func(t *testing.T, database string) {
		h := townHome(t, database, "sure", townsfolk(300, 60))
		if err := h.acts.Restrict(t.Context(), whom(t, h, "d1"), true); err != nil {
			t.Fatal(err)
		}
		file := writeFile(t, "choices.jsonl", `{"userId":"d2","purpose":"service","answer":"no","at":"2026-01-02T10:00:00Z"}`+"\n")
		if err := runImport(t.Context(), h, importArgs{Source: "signup", As: "choices", Files: []string{file}}, quiet()); err != nil {
			t.Fatal(err)
		}
		n := match(t, h)
		if n.LeftOut != 2 || n.People != 358 || together(t, h, "u1", "d1") || together(t, h, "u2", "d2") {
			t.Fatalf("who said no was compared: %+v", n)
		}
		for _, user := range []string{"1", "2"} {
			if err := h.steward.Same(t.Context(), whom(t, h, "u"+user), whom(t, h, "d"+user), ann); !errors.Is(err, stewardship.ErrLeftOut) {
				t.Fatalf("who said no was joined: %v", err)
			}
			both, err := h.steward.Look(t.Context(), stewardship.Pair{A: whom(t, h, "u"+user), B: whom(t, h, "d"+user)}, ann)
			if err != nil || len(both[0]) == 0 || len(both[1]) != 0 {
				t.Fatalf("%d and %d things are shown: %v", len(both[0]), len(both[1]), err)
			}
		}
	})
}

// looksBy lists the looks of an actor, those that are not in the tree yet included.
func looksBy(t *testing.T, h *house, actor string, of ...person.ID) (out []ledger.Row) {
	t.Helper()
	rows, err := h.store.Ledger().Looks(t.Context(), of, 1000)
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range rows {
		if r.Actor == actor {
			out = append(out, r)
		}
	}
	return out
}

// TestEachMatchAndEachLookIsOnRecord counts the looks: one at the population for a match, one at each of two for a steward's look, none for what was refused.
func TestEachMatchAndEachLookIsOnRecord(t *testing.T) {
	onBoth(t, func(t *testing.T, database string) {
		h := townHome(t, database, "nobody", townsfolk(300, 60))
		match(t, h)
		match(t, h)
		looks := looksBy(t, h, "match")
		if len(looks) != 2 || looks[0].Count != 360 || looks[0].Purpose != "service" || looks[0].Fields != "birthday,email,name,phone" || len(looks[0].Reason) == 0 {
			t.Fatalf("%+v", looks)
		}
		p := waiting(t, h)[0]
		if _, err := h.steward.Look(t.Context(), p, stewardship.By{Actor: "Ann", Role: "privacy"}); !errors.Is(err, stewardship.ErrReason) || len(looksBy(t, h, "Ann", p.A, p.B)) != 0 {
			t.Fatalf("a look without a reason: %v", err)
		}
		both, err := h.steward.Look(t.Context(), p, ann)
		if err != nil || len(both[0]) < 3 || len(both[1]) < 3 {
			t.Fatal(both, err)
		}
		for _, id := range []person.ID{p.A, p.B} {
			if got := looksBy(t, h, "Ann", id); len(got) != 1 || got[0].Of != id || got[0].Role != "privacy" || len(got[0].Reason) == 0 || !strings.Contains(got[0].Fields, "email") {
				t.Fatalf("the look is not on record: %+v", got)
			}
		}
	})
}

// TestForgettingOneOfTwoForgetsThePair erases one of a pair that waits and of one that was decided about.
func TestForgettingOneOfTwoForgetsThePair(t *testing.T) {
	onBoth(t, func(t *testing.T, database string) {
		h := townHome(t, database, "nobody", townsfolk(300, 60))
		match(t, h)
		pairs := waiting(t, h)
		gone, decided := pairs[0], pairs[1]
		if err := h.steward.Different(t.Context(), decided.A, decided.B, ann); err != nil {
			t.Fatal(err)
		}
		for _, id := range []person.ID{gone.A, decided.B} {
			if _, err := h.erase(t.Context(), []rights.Erasure{{Person: id, Actor: "test", Role: "admin"}}); err != nil {
				t.Fatal(err)
			}
		}
		for _, p := range []stewardship.Pair{gone, decided} {
			if _, err := h.steward.Pair(t.Context(), p.ID); !errors.Is(err, stewardship.ErrNoPair) {
				t.Errorf("the pair of somebody who was forgotten is there: %v", err)
			}
			if said, err := h.store.PairingsOf(t.Context(), []person.ID{p.A, p.B}); err != nil || len(said) != 0 {
				t.Errorf("%d rows are left of it: %v", len(said), err)
			}
		}
		if got := len(waiting(t, h)); got != len(pairs)-2 {
			t.Errorf("%d pairs wait, not %d", got, len(pairs)-2)
		}
	})
}

// stopping is a store that dies at a commit.
type stopping struct {
	stewardship.Store
	left int
}

func (s *stopping) Commit(ctx context.Context, c vault.Change) error {
	if s.left--; s.left < 0 {
		return context.Canceled
	}
	return s.Store.Commit(ctx, c)
}

// TestAMatchThatIsCutOffIsRunAgain cuts it at each of its commits: the next match ends as one does that was never cut.
func TestAMatchThatIsCutOffIsRunAgain(t *testing.T) {
	whole := townHome(t, "", "sure", townsfolk(300, 60))
	match(t, whole)
	want := len(waiting(t, whole))
	for at := range 2 {
		h := townHome(t, "", "sure", townsfolk(300, 60))
		cut := h.newSteward()
		cut.Store = &stopping{h.store, at}
		if _, err := cut.Match(t.Context(), owner, nil); err == nil {
			t.Fatalf("it has no commit %d to be cut at", at)
		}
		match(t, h)
		if got := len(waiting(t, h)); got != want {
			t.Errorf("cut at commit %d: %d pairs wait, not %d", at, got, want)
		}
		for i := range 60 {
			a, b := fmt.Sprintf("u%d", i), fmt.Sprintf("d%d", i)
			if together(t, h, a, b) != together(t, whole, a, b) {
				t.Errorf("cut at commit %d: pair %d came out otherwise", at, i)
			}
		}
	}
}

// TestAHomeWhoseCharterSaysNothingComparesNobody asks a home for a match that its charter does not allow.
func TestAHomeWhoseCharterSaysNothingComparesNobody(t *testing.T) {
	h := townHome(t, "", "sure", townsfolk(10, 2))
	source := edited(t, "identity: {purpose: service, join: sure}", "# nobody is compared")
	if _, err := h.accept(t.Context(), source, "test"); err != nil {
		t.Fatal(err)
	}
	if _, err := h.steward.Match(t.Context(), owner, nil); !errors.Is(err, stewardship.ErrOff) || len(looksBy(t, h, "match")) != 0 {
		t.Fatal(err)
	}
	if err := h.steward.Same(t.Context(), whom(t, h, "u0"), whom(t, h, "d0"), ann); !errors.Is(err, stewardship.ErrLeftOut) {
		t.Fatal(err)
	}
}
