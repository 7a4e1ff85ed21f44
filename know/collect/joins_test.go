package collect_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"pgregory.net/rapid"

	"github.com/rapporthq/rapport/charter"
	"github.com/rapporthq/rapport/know/collect"
	"github.com/rapporthq/rapport/person"
	"github.com/rapporthq/rapport/store"
	"github.com/rapporthq/rapport/store/pgtest"
	"github.com/rapporthq/rapport/trust/consent"
	"github.com/rapporthq/rapport/trust/ledger"
	"github.com/rapporthq/rapport/trust/rights"
	"github.com/rapporthq/rapport/trust/self"
	"github.com/rapporthq/rapport/trust/vault"
)

// between lets somebody act between what the gate read and what it commits.
type between struct {
	*store.Store
	before func()
}

func (b *between) Commit(ctx context.Context, c vault.Change) error {
	if act := b.before; act != nil {
		b.before = nil
		act()
	}
	return b.Store.Commit(ctx, c)
}

const noon = person.Instant(1_795_000_000_000_000)

// shop is a home of the retail example, in which an e-mail address or a card joins two, behind one engine.
type shop struct {
	t     testing.TB
	store *between
	vault *vault.Vault
	gate  *collect.Gate
	law   *charter.Charter
	now   atomic.Int64
	n     int
}

func engines(t *testing.T, run func(t *testing.T, s *shop)) {
	for name, options := range map[string]func(t *testing.T) store.Options{
		"SQLite":     func(t *testing.T) store.Options { return store.Options{Dir: t.TempDir()} },
		"PostgreSQL": func(t *testing.T) store.Options { return store.Options{URL: pgtest.URL(t)} },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			run(t, open(t, options(t)))
		})
	}
}

func open(t testing.TB, o store.Options, edits ...string) *shop {
	t.Helper()
	text, _ := charter.Example("retail")
	text = []byte(strings.NewReplacer(edits...).Replace(string(text)))
	law, problems := charter.Parse(text)
	if law == nil {
		t.Fatal(problems)
	}
	s := &shop{t: t, law: law.Placed(1, 1)}
	s.now.Store(int64(noon))
	o.Clock = s.clock
	db, err := store.Open(context.Background(), o)
	s.must(err)
	t.Cleanup(func() { _ = db.Close() })
	s.store = &between{Store: db}
	s.vault, err = vault.Create(t.TempDir())
	s.must(err)
	series := charter.NewSeries(s.law)
	s.gate = collect.New(collect.Parts{Vault: s.vault, Store: s.store, Charters: func() charter.Series { return series }, Clock: s.clock, Tombs: s.store, Pairings: s.store})
	return s
}

func (s *shop) clock() person.Instant { return person.Instant(s.now.Load()) }

func (s *shop) must(err error) {
	s.t.Helper()
	if err != nil {
		s.t.Fatal(err)
	}
}

// send is what a source sends; each message has an id of its own and comes a second after the one before.
func (s *shop) send(source string, messages ...string) collect.Outcome {
	s.t.Helper()
	out, err := s.try(source, messages...)
	s.must(err)
	return out
}

func (s *shop) try(source string, messages ...string) (collect.Outcome, error) {
	s.t.Helper()
	for i := range messages {
		s.n++
		s.now.Add(1e6)
		messages[i] = fmt.Sprintf(`{"messageId":"m%d","timestamp":%q,%s}`, s.n, s.clock().Time().Format("2006-01-02T15:04:05.000000Z"), messages[i])
	}
	var b collect.Batch
	s.must(b.Parse([]byte(`{"batch":[`+strings.Join(messages, ",")+`]}`), collect.BatchOf))
	return s.gate.Accept(context.Background(), collect.Arrival{Source: source, Batch: &b})
}

func has(user, traits string) string {
	return fmt.Sprintf(`"type":"identify","userId":%q,"traits":{%s}`, user, traits)
}

func ordered(user, item string) string {
	return fmt.Sprintf(`"type":"track","userId":%q,"event":"Order Completed","properties":{"order_id":%q,"products":[{"product_id":%q,"quantity":1}]}`, user, "o-"+item, item)
}

func mail(address string) string { return fmt.Sprintf(`"email":%q`, address) }

// leads is where an identifier leads; zero when nowhere.
func (s *shop) leads(kind vault.IdentifierKind, value string) vault.Identifier {
	s.t.Helper()
	b, err := s.vault.Blind(kind, value)
	s.must(err)
	found, err := s.store.Find(context.Background(), []vault.Blind{b})
	s.must(err)
	if len(found) == 0 {
		return vault.Identifier{}
	}
	return slices.MaxFunc(found, func(a, b vault.Identifier) int { return int(a.Since - b.Since) })
}

func (s *shop) user(name string) vault.Loaded {
	s.t.Helper()
	for more := true; more; {
		var err error
		_, more, err = s.store.Fold(context.Background(), 1000)
		s.must(err)
	}
	l, err := s.store.Load(context.Background(), s.leads(vault.UserID, name).Of)
	s.must(err)
	return l
}

// one says whether these users are one person.
func (s *shop) one(users ...string) bool {
	root := s.user(users[0]).Who.Root
	return !slices.ContainsFunc(users, func(u string) bool { return s.user(u).Who.Root != root })
}

func (s *shop) record(l vault.Loaded) *vault.Record {
	s.t.Helper()
	series := charter.NewSeries(s.law)
	r, err := s.vault.Record(l, nil, &series, nil)
	s.must(err)
	return r
}

func TestAValueJoinsAsManyUsersAsTheCharterSays(t *testing.T) {
	engines(t, func(t *testing.T, s *shop) {
		s.send("signup", has("ann", mail("ann@post.example")))
		s.send("signup", has("bob", mail("bob@post.example")))
		s.send("tills", ordered("anna", "cup"))
		if s.one("ann", "anna") || s.one("ann", "bob") {
			t.Fatal("people were joined for no reason")
		}
		s.send("signup", has("anna", mail(" Ann@POST.example ")))
		l := s.user("anna")
		if !s.one("ann", "anna") || l.Who.Doubted() || len(l.Frames) != 1 {
			t.Fatalf("two users with one address are not one person: %+v", l.Who)
		}
		if j := l.Who.Also[0]; j.Why != "email" || j.At != s.clock() {
			t.Errorf("why they are joined is not told: %+v", j)
		}
		if n := s.leads(vault.Email, "ann@post.example").Led; n != 2 {
			t.Errorf("the address has led to %d people", n)
		}
		s.send("signup", has("anna", mail("ann@post.example"))) // said again
		if n := s.leads(vault.Email, "ann@post.example").Led; n != 2 {
			t.Errorf("said again, the address has led to %d people", n)
		}
		// One more: nobody is joined, and the link is in doubt.
		s.send("signup", has("cyd", mail("ann@post.example")))
		if s.one("ann", "cyd") || !s.one("ann", "anna") || !s.user("ann").Who.Doubted() {
			t.Fatalf("an address of three: %+v", s.user("ann").Who)
		}
		// Another value that both have puts it right.
		s.send("tills", has("ann", `"card":"AB 12-34"`))
		s.send("tills", has("anna", `"card":"ab1234"`))
		if l := s.user("ann"); l.Who.Doubted() || l.Who.Also[0].Why != string(vault.Joining("card")) {
			t.Fatalf("a card that both have says nothing: %+v", l.Who)
		}
		s.send("signup", has("dan", mail("ann@post.example")))
		if s.user("ann").Who.Doubted() {
			t.Fatal("what the card has said is in doubt again for the address")
		}
	})
}

func TestOneBatchCountsLikeMany(t *testing.T) {
	engines(t, func(t *testing.T, s *shop) {
		s.send("signup", has("ann", mail("amy@post.example")), has("bob", mail("amy@post.example")), ordered("bob", "cup"), has("cyd", mail("amy@post.example")))
		if !s.one("ann", "bob") || s.one("ann", "cyd") || !s.user("ann").Who.Doubted() || s.leads(vault.Email, "amy@post.example").Led != 3 {
			t.Errorf("%+v, %+v", s.user("ann").Who, s.user("cyd").Who)
		}
		s.send("signup", has("dan", mail("dee@post.example")), has("dan2", mail("dee@post.example")), has("dan", mail("dee@post.example")))
		if !s.one("dan", "dan2") || s.user("dan").Who.Doubted() {
			t.Errorf("%+v", s.user("dan").Who)
		}
	})
}

func TestOnlyWhatIsVerifiedAndSureJoins(t *testing.T) {
	engines(t, func(t *testing.T, s *shop) {
		s.send("signup", has("ann", mail("ann@post.example")+`,"phone":"+44 20 7946 0991","card":"1234567"`))
		for name, send := range map[string]func(user string){
			"a browser's claim":     func(u string) { s.send("web", `"anonymousId":"a-`+u+`",`+has(u, mail("ann@post.example"))) },
			"a telephone":           func(u string) { s.send("signup", has(u, `"phone":"020 7946 0991"`)) },
			"an office":             func(u string) { s.send("signup", has(u, mail("sales@post.example"))) },
			"an empty value":        func(u string) { s.send("signup", has(u, `"email":"","card":""`)) },
			"nothing but marks":     func(u string) { s.send("signup", has(u, `"email":" @ ","card":"---"`)) },
			"a number of one digit": func(u string) { s.send("signup", has(u, `"card":"1"`)) },
			"a placeholder":         func(u string) { s.send("signup", has(u, mail("test@test.com"))) },
		} {
			send("x1")
			send("x2")
			for _, u := range []string{"x1", "x2"} {
				if of := s.leads(vault.UserID, u).Of; !of.IsZero() && (s.one("ann", u) || len(s.user(u).Who.Also) > 0) {
					t.Errorf("%s has joined %+v", name, s.user(u).Who)
				}
			}
		}
		// One address in two writings of Unicode, and in another one's bytes.
		s.send("signup", has("eve", mail("zo\u00eb@post.example")))
		s.send("signup", has("eve2", mail("zoe\u0308@post.example")))
		if !s.one("eve", "eve2") {
			t.Error("one address in two writings is two")
		}
		out := s.send("signup", has("eve3", "\"email\":\"zo\xeb@post.example\""))
		if !s.leads(vault.UserID, "eve3").Of.IsZero() && s.one("eve", "eve3") {
			t.Errorf("an address that is no text joins: %+v", out)
		}
	})
}

func TestADeviceJoinsNoTwoUsersByAnAddress(t *testing.T) {
	engines(t, func(t *testing.T, s *shop) {
		// A tablet in a shop, on which the server was told two addresses; then both people come with accounts.
		for _, who := range []string{"ann", "bob"} {
			s.send("signup", `"type":"identify","anonymousId":"tablet","traits":{`+mail(who+"@post.example")+`}`)
		}
		s.send("signup", has("ann", mail("ann@post.example")))
		s.send("signup", has("bob", mail("bob@post.example")))
		if s.one("ann", "bob") || len(s.user("ann").Who.Also)+len(s.user("bob").Who.Also) > 0 {
			t.Errorf("joined through a device: %+v %+v", s.user("ann").Who, s.user("bob").Who)
		}
	})
}

// split is what a steward does.
func (s *shop) split(user string) {
	s.t.Helper()
	l := s.user(user)
	id := s.leads(vault.UserID, user).Of
	if id == l.Who.Root {
		id = l.Who.Also[0].ID
	}
	c, err := s.record(l).Split(id, s.clock(), "steward")
	s.must(err)
	s.must(s.store.Store.Commit(context.Background(), c))
}

func (s *shop) frames(user string) (n int) { return len(s.user(user).Frames) }

func TestASplitRestoresBothAndLeavesWhatCameSince(t *testing.T) {
	engines(t, func(t *testing.T, s *shop) {
		s.send("signup", has("ann", mail("amy@post.example")), ordered("ann", "a1"))
		s.send("signup", has("bob", `"name":"Robin Smith"`), ordered("bob", "b1"), ordered("bob", "b2"))
		s.send("signup", `"type":"identify","anonymousId":"phone-b","userId":"bob","traits":{}`)
		before := map[string]vault.Loaded{"ann": s.user("ann"), "bob": s.user("bob")}
		s.send("signup", has("bob", mail("amy@post.example")))
		if !s.one("ann", "bob") || s.frames("ann") != 3 {
			t.Fatalf("not joined: %+v", s.user("ann").Who)
		}
		s.send("tills", ordered("bob", "b3"))
		s.send("tills", ordered("ann", "a2"))
		s.send("signup", `"type":"identify","anonymousId":"tablet-b","userId":"bob","traits":{}`) // a session that began while they were one
		s.split("bob")
		if s.one("ann", "bob") || s.frames("ann") != 2 || s.frames("bob") != 3 {
			t.Fatalf("ann has %d events, bob %d", s.frames("ann"), s.frames("bob"))
		}
		if n := len(s.user("bob").Who.Also); n != 2 {
			t.Errorf("bob has left with %d of the 2 devices", n)
		}
		for user, was := range before {
			now := s.user(user)
			for _, row := range was.Rows {
				if !slices.ContainsFunc(now.Rows, func(r vault.Row) bool {
					return r.Of == row.Of && r.Kind == row.Kind && r.Key == row.Key && string(r.Head) == string(row.Head) && string(r.Body) == string(row.Body)
				}) {
					t.Errorf("%s has lost a row of kind %d", user, row.Kind)
				}
			}
		}
	})
}

func TestAStewardsWordHoldsWhoeverIsFirst(t *testing.T) {
	engines(t, func(t *testing.T, s *shop) {
		ctx := context.Background()
		s.send("signup", has("ann", mail("amy@post.example")))
		s.send("signup", has("bob", `"name":"Robin Smith"`))
		s.store.before = func() { // between the gate's judgement and its commit
			s.must(s.store.Store.Commit(ctx, vault.Change{Pairings: []vault.Pairing{{A: s.leads(vault.UserID, "ann").Of, B: s.leads(vault.UserID, "bob").Of, State: vault.Different, By: "eve", At: s.clock()}}}))
		}
		out := s.send("signup", has("bob", mail("amy@post.example")))
		if s.one("ann", "bob") || out.Kept != 1 {
			t.Fatalf("a steward's word was overruled, or what bob said is lost: %+v", out)
		}
		out = s.send("signup", has("bob", mail("amy@post.example")), ordered("bob", "cup"))
		if s.one("ann", "bob") || out.Kept != 2 || s.frames("bob") != 1 {
			t.Fatalf("a steward's word was overruled, or what bob did is lost: %+v", out)
		}
		// A session of somebody who is not the user either.
		s.send("web", `"type":"track","anonymousId":"kiosk","event":"Product Viewed","properties":{"product_id":"x"},"context":{"consent":{"categoryPreferences":{"personalization":true}}}`)
		kiosk := s.leads(vault.AnonymousID, "kiosk").Of
		if kiosk.IsZero() {
			t.Fatal("the kiosk's session was not kept")
		}
		s.must(s.store.Store.Commit(ctx, vault.Change{Pairings: []vault.Pairing{{A: kiosk, B: s.leads(vault.UserID, "bob").Of, State: vault.Different, By: "eve", At: s.clock()}}}))
		out = s.send("signup", `"type":"identify","anonymousId":"kiosk","userId":"bob","traits":{}`, ordered("bob", "mug"))
		if l, err := s.store.Load(ctx, kiosk); err != nil || l.Who.Has(s.leads(vault.UserID, "bob").Of) || out.Kept != 2 {
			t.Fatalf("a session was joined against a steward's word, or an order was lost: %+v %v", out, err)
		}
	})
}

func TestTwoMergesAtOnceMakeOnePersonWhicheverIsFirst(t *testing.T) {
	engines(t, func(t *testing.T, s *shop) {
		ctx := context.Background()
		join := func(a, b string) vault.Change {
			return vault.Change{Joins: []vault.Join{{ID: s.leads(vault.UserID, a).Of, To: s.leads(vault.UserID, b).Of, At: s.clock(), Why: "steward"}}}
		}
		for _, u := range []string{"ann", "bob", "cyd", "dan", "eve"} {
			s.send("signup", has(u, `"name":"Robin Smith"`), ordered(u, u))
		}
		race := func(changes ...vault.Change) {
			errs := make(chan error, len(changes))
			for _, c := range changes {
				go func() {
					for {
						err := s.store.Store.Commit(ctx, c)
						if !errors.Is(err, vault.ErrStale) { // somebody was quicker: judge again
							errs <- err
							return
						}
					}
				}()
			}
			for range changes {
				s.must(<-errs)
			}
		}
		race(join("ann", "bob"), join("bob", "ann"))
		race(join("cyd", "dan"), join("cyd", "eve"))
		if !s.one("ann", "bob") || s.frames("ann") != 2 || len(s.user("ann").Who.Also) != 1 {
			t.Errorf("to each other: %+v", s.user("ann").Who)
		}
		if !s.one("cyd", "dan", "eve") || s.frames("cyd") != 3 || len(s.user("cyd").Who.Also) != 2 {
			t.Errorf("to two: %+v", s.user("cyd").Who)
		}
		if s.one("ann", "cyd") {
			t.Error("strangers were joined")
		}
	})
}

func TestASplitDuringAnImportLosesNothing(t *testing.T) {
	engines(t, func(t *testing.T, s *shop) {
		s.send("signup", has("ann", mail("amy@post.example")))
		s.send("signup", has("bob", mail("amy@post.example")))
		s.store.before = func() { s.split("bob") }
		out := s.send("tills", ordered("bob", "b1"), ordered("ann", "a1"), ordered("bob", "b2"))
		if out.Kept != 3 || s.one("ann", "bob") || s.frames("ann") != 1 || s.frames("bob") != 2 {
			t.Errorf("%+v: ann has %d, bob %d", out, s.frames("ann"), s.frames("bob"))
		}
	})
}

// erase is what forgets a person: keys and rows.
func (s *shop) erase(user string) {
	s.t.Helper()
	l := s.user(user)
	f := rights.Forgetting{ID: [16]byte{9, byte(s.n)}, At: s.clock(), People: l.Who.All(), Seen: []vault.Seen{{Root: l.Who.Root, Version: l.Version}},
		Entry: func(looks, receipts []int64) (ledger.Row, error) {
			return ledger.ErasureRow(s.clock(), "eve", "privacy", looks, receipts, s.vault.Home())
		}}
	_, err := s.store.ForgetPerson(context.Background(), f)
	s.must(err)
	s.vault.Forget(f.People...)
	s.gate.Forget(f.People)
}

func TestAnErasureDuringAMergeForgetsWhoWasNamedAndLosesNobodyElse(t *testing.T) {
	engines(t, func(t *testing.T, s *shop) {
		s.send("signup", has("ann", mail("amy@post.example")), ordered("ann", "a1"))
		s.send("signup", has("bob", `"name":"Robin Smith"`), ordered("bob", "b1"))
		s.store.before = func() { s.erase("ann") } // whose address bob comes with
		out := s.send("signup", has("bob", mail("amy@post.example")), ordered("bob", "b2"))
		if out.Kept != 2 || s.frames("bob") != 2 || len(s.user("bob").Who.Also) != 0 {
			t.Fatalf("%+v: bob has %d events, %+v", out, s.frames("bob"), s.user("bob").Who)
		}
		if of := s.leads(vault.UserID, "ann").Of; !of.IsZero() {
			t.Fatal("who was forgotten is there")
		}
		if of := s.leads(vault.Email, "amy@post.example").Of; of != s.leads(vault.UserID, "bob").Of {
			t.Error("the address does not lead to bob, who has it")
		}
		// The other way about: who is brought is forgotten meanwhile.
		s.send("signup", has("cyd", `"name":"Robin Smith"`))
		s.store.before = func() { s.erase("cyd") }
		s.send("signup", has("cyd", mail("amy@post.example")))
		if s.frames("bob") != 2 {
			t.Error("bob has lost something")
		}
		// A merge by hand of somebody who is gone is refused, and a merged person is forgotten whole.
		gone := s.leads(vault.UserID, "bob").Of
		s.erase("bob")
		s.send("signup", has("dan", `"name":"Robin Smith"`))
		err := s.store.Store.Commit(context.Background(), vault.Change{Joins: []vault.Join{{ID: s.leads(vault.UserID, "dan").Of, To: gone, At: s.clock(), Why: "steward"}}})
		if !errors.Is(err, vault.ErrNotFound) {
			t.Errorf("somebody was joined to who is gone: %v", err)
		}
	})
}

func TestTenThousandPeopleWithOneTelephoneAreTenThousandPeople(t *testing.T) {
	for name, options := range map[string]func(t *testing.T) store.Options{
		"SQLite":     func(t *testing.T) store.Options { return store.Options{Dir: t.TempDir()} },
		"PostgreSQL": func(t *testing.T) store.Options { return store.Options{URL: pgtest.URL(t)} },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := open(t, options(t), "    type: phone\n", "    type: phone\n    joins: 2\n")
			const people, step = 10_000, 500
			for n := 0; n < people; n += step {
				var batch []string
				for i := n; i < n+step; i++ {
					batch = append(batch, has(fmt.Sprint("u", i), `"phone":"+44 20 7946 0991"`))
				}
				if out := s.send("signup", batch...); out.Kept != step {
					t.Fatalf("%+v", out)
				}
			}
			if n := s.leads(vault.Phone, "+442079460991").Led; n != people {
				t.Errorf("the number is said to be of %d people", n)
			}
			largest, all := 0, 0
			must := s.store.Each(context.Background(), ledger.Row{At: noon, Kind: ledger.KindLook, Actor: "t", Role: "job", Count: people, Leaf: [32]byte{1}}, func(l vault.Loaded) error {
				largest, all = max(largest, len(l.Who.All())), all+len(l.Who.All())
				if len(l.Who.Also) > 0 && !l.Who.Doubted() {
					t.Errorf("a link by it is not doubtful: %+v", l.Who)
				}
				return nil
			})
			s.must(must)
			if largest != 2 || all != people {
				t.Errorf("the largest of %d is %d pseudonyms", all, largest)
			}
		})
	}
}

func TestAnImportThatIsSentAgainJoinsAndCountsOnce(t *testing.T) {
	engines(t, func(t *testing.T, s *shop) {
		lines := []string{has("ann", mail("amy@post.example")), has("bob", mail("amy@post.example")), ordered("bob", "b1"), has("cyd", mail("col@post.example")), has("dan", mail("col@post.example")), has("eve", mail("col@post.example"))}
		s.send("signup", slices.Clone(lines[:4])...) // here it was killed
		s.send("signup", slices.Clone(lines)...)
		s.n -= len(lines) // and once more, with the same ids
		s.send("signup", slices.Clone(lines)...)
		if !s.one("ann", "bob") || s.user("ann").Who.Doubted() || s.leads(vault.Email, "amy@post.example").Led != 2 {
			t.Errorf("%+v", s.user("ann").Who)
		}
		if !s.one("cyd", "dan") || s.one("cyd", "eve") || !s.user("cyd").Who.Doubted() || s.leads(vault.Email, "col@post.example").Led != 3 {
			t.Errorf("%+v", s.user("cyd").Who)
		}
	})
}

// TestJoiningNeverWidensPermission plays random histories of choices, joins, doubts and splits, and asks after each what stands.
func TestJoiningNeverWidensPermission(t *testing.T) {
	s := open(t, store.Options{Dir: t.TempDir()})
	ctx := context.Background()
	series := charter.NewSeries(s.law)
	acts := &self.Acts{Store: s.store, Vault: s.vault, Series: func() *charter.Series { return &series }, Clock: s.clock}
	purposes := []string{"personalise", "measure", "share"}
	run := 0
	rapid.Check(t, func(r *rapid.T) {
		run++
		var users []string
		for _, n := range []string{"ann", "bob", "cyd", "dan"} {
			users = append(users, fmt.Sprint(n, run))
			s.send("signup", has(users[len(users)-1], `"name":"Robin Smith"`))
		}
		stands := func(l vault.Loaded, purpose string) consent.Standing {
			now := s.clock()
			return consent.Of(s.law, purpose, l.Who, s.record(l).Choices, person.Moment{At: now, Now: now}, now)
		}
		for range rapid.IntRange(1, 14).Draw(r, "steps") {
			s.now.Add(1e6)
			a, b := rapid.SampledFrom(users).Draw(r, "a"), rapid.SampledFrom(users).Draw(r, "b")
			la, lb := s.user(a), s.user(b)
			ida, idb := s.leads(vault.UserID, a).Of, s.leads(vault.UserID, b).Of
			switch rapid.IntRange(0, 3).Draw(r, "what") {
			case 0, 1: // a choice
				purpose := rapid.SampledFrom(purposes).Draw(r, "purpose")
				s.must(acts.Choose(ctx, ida, purpose, rapid.Bool().Draw(r, "yes"), consent.Evidence{Channel: "web", Words: "May we?"}))
			case 2: // a join
				doubtful := rapid.Bool().Draw(r, "doubtful")
				s.must(s.store.Store.Commit(ctx, vault.Change{Joins: []vault.Join{{ID: ida, To: idb, At: s.clock(), Why: "match", Doubtful: doubtful}}}))
				if la.Who.Root == lb.Who.Root {
					continue // that they are one now surely may give the word of one to the other
				}
				for _, purpose := range purposes {
					x, y, after := stands(la, purpose), stands(lb, purpose), stands(s.user(a), purpose)
					if after.Allowed && (x.Answer == consent.No || y.Answer == consent.No || !x.Allowed && !y.Allowed || doubtful && !x.Allowed) {
						r.Fatalf("%s is allowed after a join (doubtful: %v): %+v and %+v became %+v", purpose, doubtful, x, y, after)
					}
				}
			case 3: // a split
				if ida == la.Who.Root {
					continue
				}
				before := map[string]consent.Standing{}
				for _, purpose := range purposes {
					before[purpose] = stands(la, purpose)
				}
				c, err := s.record(la).Split(ida, s.clock(), "steward")
				s.must(err)
				s.must(s.store.Store.Commit(ctx, c))
				left, stayed := s.user(a), func() vault.Loaded {
					l, err := s.store.Load(ctx, la.Who.Root)
					s.must(err)
					return l
				}()
				if left.Who.Root == stayed.Who.Root || len(left.Who.All())+len(stayed.Who.All()) != len(la.Who.All()) {
					r.Fatalf("%+v and %+v were %+v", left.Who, stayed.Who, la.Who)
				}
				for _, row := range la.Rows {
					if !slices.ContainsFunc(slices.Concat(left.Rows, stayed.Rows), func(o vault.Row) bool {
						return o.Of == row.Of && o.Kind == row.Kind && o.Key == row.Key && o.At == row.At && string(o.Head) == string(row.Head) && string(o.Body) == string(row.Body)
					}) {
						r.Fatal("a row has changed or is lost")
					}
				}
				for purpose, was := range before {
					if was.Answer != consent.No || was.Since < la.Who.JoinedAt() {
						continue
					}
					for side, l := range map[string]vault.Loaded{"who left": left, "who stayed": stayed} {
						if got := stands(l, purpose); got.Allowed && !(got.Answer == consent.Yes && got.Since > was.Since) { // unless they answered since
							r.Fatalf("%s has forgotten the no to %s that was given while they were one: %+v", side, purpose, got)
						}
					}
				}
			}
		}
	})
}

// BenchmarkAJoin is what one identify message costs at the gate, in batches of 500 on SQLite: with an address that is nobody else's, and with one that
// another user has, where the charter lets it join them and where it does not.
func BenchmarkAJoin(b *testing.B) {
	for name, k := range map[string]struct{ joins, shared bool }{"alone": {true, false}, "shared, joins nobody": {false, true}, "shared, joins": {true, true}} {
		b.Run(name, func(b *testing.B) {
			var edits []string
			if !k.joins {
				edits = []string{"    joins: 2 ", "    #joins: 2 "}
			}
			s := open(b, store.Options{Dir: b.TempDir()}, edits...)
			const step = 500
			n := 0
			batch := func(kind string) []string {
				out := make([]string, step)
				for i := range out {
					address := fmt.Sprintf("person%d@post.example", n+i)
					if kind == "second" && !k.shared {
						address = "other" + address
					}
					out[i] = has(fmt.Sprint(kind, n+i), mail(address))
				}
				return out
			}
			b.ReportAllocs()
			for done := 0; done < b.N; done += step {
				b.StopTimer()
				s.send("signup", batch("first")...)
				second := batch("second")
				n += step
				b.StartTimer()
				s.send("signup", second...)
			}
			b.StopTimer()
			if k.joins && k.shared != s.one("first0", "second0") {
				b.Fatal("they are not joined as they should be")
			}
		})
	}
}
