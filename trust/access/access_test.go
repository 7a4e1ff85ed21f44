package access

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/rapporthq/rapport/person"
)

const start = person.Instant(1_760_000_000_000_000)

var ctx = context.Background()

// keeper is a Keeper over memory whose clock the test moves.
func keeper(t *testing.T) (*Keeper, *memoryStore, *person.Instant) {
	t.Helper()
	store, now := newMemory(), start
	return NewKeeper(store, store, func() person.Instant { return now }, false), store, &now
}

func minted(t *testing.T, store *memoryStore, d Token) string {
	t.Helper()
	text, kept, err := Mint(d)
	if err != nil {
		t.Fatal(err)
	}
	if err := store.PutToken(ctx, kept); err != nil {
		t.Fatal(err)
	}
	return text
}

func TestMint(t *testing.T) {
	seen := map[string]bool{}
	form := regexp.MustCompile(`^rap_source_[0-9A-Za-z]{43}$`)
	for range 200 {
		text, kept, err := Mint(Token{Role: Source, Name: "tills", Source: "tills"})
		if err != nil || !form.MatchString(text) || seen[text] {
			t.Fatalf("%q %v", text, err)
		}
		seen[text] = true
		if kept.Hash != HashOf(text) || strings.Contains(fmt.Sprintf("%+v", kept), text) {
			t.Fatal("what is kept must be the hash only")
		}
	}
	for name, bad := range map[string]Token{
		"nobody's":              {Name: "x"},
		"a customer's":          {Role: Customer, Name: "x"},
		"unknown role":          {Role: "root", Name: "x"},
		"no name":               {Role: Admin},
		"blank name":            {Role: Admin, Name: "  "},
		"source without source": {Role: Source, Name: "x"},
		"decide without places": {Role: Decide, Name: "x"},
		"another role's source": {Role: Decide, Name: "x", Source: "web", Placements: []string{"home"}},
		"a rate below nothing":  {Role: Admin, Name: "x", Rate: -1},
	} {
		if text, _, err := Mint(bad); !errors.Is(err, ErrToken) || text != "" {
			t.Errorf("%s: %q %v", name, text, err)
		}
	}
}

func TestTokensLetInWhoBearsThem(t *testing.T) {
	k, store, now := keeper(t)
	text := minted(t, store, Token{Role: Decide, Name: "shop", Team: "web", Placements: []string{"home"}, Rate: 5, MayExplain: true, MayAttest: true, Expires: start.Add(time.Hour)})
	p, err := k.Token(ctx, text)
	if err != nil || p.Role != Decide || p.Name != "shop" || p.Team != "web" || !p.MayExplain || !p.MayAttest || p.Rate != 5 || p.Cookie {
		t.Fatalf("%+v %v", p, err)
	}
	if !p.MayPlace("home") || p.MayPlace("basket") || p.MayPlace("") || (Principal{}).MayPlace("home") {
		t.Error("a decide token is for its placements")
	}
	for name, bad := range map[string]string{
		"none": "", "no prefix": text[4:], "longer": text + "0", "other case": strings.ToUpper(text), "very long": "rap_" + strings.Repeat("x", 1<<16),
		"another": "rap_decide_" + strings.Repeat("0", 43), "its hash": fmt.Sprintf("%x", p.Key),
	} {
		if got, err := k.Token(ctx, bad); !errors.Is(err, ErrUnauthorised) || got.Role != Anyone {
			t.Errorf("%s: %+v %v", name, got, err)
		}
	}
	*now = start.Add(time.Hour)
	if _, err := k.Token(ctx, text); !errors.Is(err, ErrUnauthorised) {
		t.Errorf("a token that has run out: %v", err)
	}
}

func TestRevokedWithinASecond(t *testing.T) {
	k, store, now := keeper(t)
	text := minted(t, store, Token{Role: Admin, Name: "ann"})
	if _, err := k.Token(ctx, text); err != nil {
		t.Fatal(err)
	}
	asked := store.asked
	for range 100 {
		if _, err := k.Token(ctx, text); err != nil {
			t.Fatal(err)
		}
	}
	if store.asked != asked {
		t.Errorf("the store is asked %d times for one token in an instant", store.asked-asked)
	}
	if err := store.RevokeToken(ctx, HashOf(text), start); err != nil {
		t.Fatal(err)
	}
	*now = start.Add(Staleness)
	if _, err := k.Token(ctx, text); !errors.Is(err, ErrUnauthorised) {
		t.Fatalf("revoked a second ago: %v", err)
	}
	// A clock that goes back must not keep it alive either.
	k, store, now = keeper(t)
	text = minted(t, store, Token{Role: Admin, Name: "ann"})
	if _, err := k.Token(ctx, text); err != nil {
		t.Fatal(err)
	}
	if err := store.RevokeToken(ctx, HashOf(text), start); err != nil {
		t.Fatal(err)
	}
	*now = start.Add(-time.Hour)
	if _, err := k.Token(ctx, text); !errors.Is(err, ErrUnauthorised) {
		t.Fatalf("revoked, and the clock set back: %v", err)
	}
	k, store, _ = keeper(t)
	text = minted(t, store, Token{Role: Admin, Name: "ann"})
	if _, err := k.Token(ctx, text); err != nil {
		t.Fatal(err)
	}
	if err := store.RevokeToken(ctx, HashOf(text), start); err != nil {
		t.Fatal(err)
	}
	k.Dropped(HashOf(text))
	if _, err := k.Token(ctx, text); !errors.Is(err, ErrUnauthorised) {
		t.Fatalf("dropped: %v", err)
	}
}

// Where others share the store, it is asked each time; when it cannot say, who was known is named and not let in.
func TestInASharedHomeTheStoreIsAskedEachTime(t *testing.T) {
	store := newMemory()
	k := NewKeeper(store, store, func() person.Instant { return start }, true)
	text := minted(t, store, Token{Role: Decide, Name: "shop", Placements: []string{"home"}})
	if _, err := k.Token(ctx, text); err != nil {
		t.Fatal(err)
	}
	store.fail = errors.New("gone")
	if p, err := k.Token(ctx, text); !errors.Is(err, ErrUnsure) || !errors.Is(err, store.fail) || p.Name != "shop" {
		t.Errorf("%+v %v", p, err)
	}
	if p, err := k.Token(ctx, "rap_decide_"+strings.Repeat("0", 43)); err == nil || errors.Is(err, ErrUnsure) || p.Role != Anyone {
		t.Errorf("who was never known: %+v %v", p, err)
	}
	store.fail = nil
	if err := store.RevokeToken(ctx, HashOf(text), start); err != nil {
		t.Fatal(err)
	}
	for _, fail := range []error{nil, errors.New("gone again")} {
		store.fail = fail
		if p, err := k.Token(ctx, text); !errors.Is(err, ErrUnauthorised) || p.Role != Anyone {
			t.Errorf("revoked elsewhere, the store says %v: %+v %v", fail, p, err)
		}
	}
	store.fail = nil
	session := Session{Hash: HashOf(strings.Repeat("s", 43)), Role: Customer, Person: person.ID{7}, Expires: start.Add(time.Hour)}
	if err := store.PutSession(ctx, session); err != nil {
		t.Fatal(err)
	}
	if p, err := k.Session(ctx, strings.Repeat("s", 43)); err != nil || p.Person != session.Person {
		t.Fatalf("%+v %v", p, err)
	}
	session.Revoked = start
	if err := store.PutSession(ctx, session); err != nil {
		t.Fatal(err)
	}
	if p, err := k.Session(ctx, strings.Repeat("s", 43)); !errors.Is(err, ErrUnauthorised) || p.Role != Anyone {
		t.Errorf("ended elsewhere: %+v %v", p, err)
	}
}

// When the store cannot say, nobody is let in, once what was known has aged; who was known is named.
func TestOnErrorNobody(t *testing.T) {
	k, store, now := keeper(t)
	text := minted(t, store, Token{Role: Admin, Name: "ann"})
	if _, err := k.Token(ctx, text); err != nil {
		t.Fatal(err)
	}
	store.fail = errors.New("disk")
	*now = start.Add(Staleness)
	if p, err := k.Token(ctx, text); !errors.Is(err, ErrUnsure) || !errors.Is(err, store.fail) || p.Name != "ann" {
		t.Fatalf("%+v %v", p, err)
	}
	if p, err := k.Token(ctx, "rap_admin_"+strings.Repeat("0", 43)); err == nil || errors.Is(err, ErrUnsure) || p.Role != Anyone {
		t.Errorf("who was never known: %+v %v", p, err)
	}
	cookie := strings.Repeat("s", 43)
	if err := store.PutSession(ctx, Session{Hash: HashOf(cookie), Role: Customer, Person: person.ID{7}, Expires: start.Add(time.Hour)}); err == nil {
		t.Fatal("the store does not fail")
	}
	if p, err := k.Session(ctx, cookie); err == nil || p.Role != Anyone {
		t.Errorf("a session: %+v %v", p, err)
	}
	store.fail = nil
	if _, err := k.Token(ctx, text); err != nil {
		t.Fatalf("after the store came back: %v", err)
	}
}

// slowStore says what it knows of a token when it is let.
type slowStore struct {
	*memoryStore
	asked, let chan struct{}
}

func (s *slowStore) TokenByHash(ctx context.Context, h [32]byte) (Token, bool, error) {
	t, ok, err := s.memoryStore.TokenByHash(ctx, h)
	s.asked <- struct{}{}
	<-s.let
	return t, ok, err
}

// Who is known is held up by no store: it is asked again beside them, and what it said before a sign-out is not kept after it.
func TestNobodyKnownWaitsForASlowStore(t *testing.T) {
	store := &slowStore{memoryStore: newMemory(), asked: make(chan struct{}, 9), let: make(chan struct{}, 9)}
	var now atomic.Int64
	now.Store(int64(start))
	k := NewKeeper(store, store, func() person.Instant { return person.Instant(now.Load()) }, false)
	text := minted(t, store.memoryStore, Token{Role: Decide, Name: "shop", Placements: []string{"home"}})
	asks := func() {
		t.Helper()
		if _, err := k.Token(ctx, text); err != nil {
			t.Fatal(err)
		}
	}
	store.let <- struct{}{}
	asks()
	<-store.asked
	now.Store(int64(start.Add(Staleness / 2)))
	for range 3 { // the store is not let: waiting for it would take for ever
		asks()
	}
	<-store.asked
	if err := store.RevokeToken(ctx, HashOf(text), start); err != nil {
		t.Fatal(err)
	}
	k.Dropped(HashOf(text))
	store.let <- struct{}{} // says what it read before
	behind := func(context.Context) (answer[Token], error) { return answer[Token]{}, nil }
	if _, err := k.knownTokens.fresh.Ask(ctx, HashOf(text), behind); err != nil { // by now it has said it
		t.Fatal(err)
	}
	store.let <- struct{}{}
	if _, err := k.Token(ctx, text); !errors.Is(err, ErrUnauthorised) {
		t.Errorf("signed out while the store was asked: %v", err)
	}
	if len(store.asked) != 1 {
		t.Errorf("asked %d times more", len(store.asked))
	}
}

func TestGuessesDoNotFillMemory(t *testing.T) {
	k, store, _ := keeper(t)
	text := minted(t, store, Token{Role: Admin, Name: "ann"})
	if _, err := k.Token(ctx, text); err != nil {
		t.Fatal(err)
	}
	for i := range 1000 {
		_, _ = k.Token(ctx, fmt.Sprintf("rap_admin_%043d", i))
	}
	if n := len(k.knownTokens.at); n != 1 {
		t.Fatalf("%d are remembered", n)
	}
	for range memoryHolds + 100 {
		_, _ = k.Token(ctx, minted(t, store, Token{Role: Admin, Name: "x"}))
	}
	if n := len(k.knownTokens.at); n > memoryHolds {
		t.Fatalf("%d are remembered", n)
	}
}

func TestBearer(t *testing.T) {
	k, store, _ := keeper(t)
	text := minted(t, store, Token{Role: Source, Name: "tills", Source: "tills"})
	for name, tc := range map[string]struct {
		set  func(r *http.Request)
		role Role
		err  error
	}{
		"none":              {func(*http.Request) {}, Anyone, nil},
		"bearer":            {func(r *http.Request) { r.Header.Set("Authorization", "Bearer "+text) }, Source, nil},
		"basic, as Segment": {func(r *http.Request) { r.SetBasicAuth(text, "") }, Source, nil},
		"basic, unknown":    {func(r *http.Request) { r.SetBasicAuth("x", "") }, Anyone, ErrUnauthorised},
		"in the password":   {func(r *http.Request) { r.SetBasicAuth("", text) }, Anyone, ErrUnauthorised},
		"another scheme":    {func(r *http.Request) { r.Header.Set("Authorization", "Digest "+text) }, Anyone, ErrUnauthorised},
		"no scheme":         {func(r *http.Request) { r.Header.Set("Authorization", text) }, Anyone, ErrUnauthorised},
	} {
		r := httptest.NewRequest("POST", "/", nil)
		tc.set(r)
		p, err := k.Bearer(r)
		if p.Role != tc.role || !errors.Is(err, tc.err) {
			t.Errorf("%s: %+v %v", name, p, err)
		}
	}
}

func TestSessions(t *testing.T) {
	k, store, now := keeper(t)
	id := person.NewID()
	cookie, err := Begin(ctx, store, Session{Role: Customer, Person: id, Name: "not kept for customers"}, start)
	if err != nil {
		t.Fatal(err)
	}
	visit := func(value string, customer, tls bool) Principal {
		r := httptest.NewRequest("GET", "/", nil)
		r.AddCookie(&http.Cookie{Name: CookieName(customer, tls), Value: value})
		p, err := k.Visitor(r, customer, tls)
		if err != nil {
			t.Fatal(err)
		}
		return p
	}
	if p := visit(cookie, true, false); p.Role != Customer || p.Person != id || !p.Cookie || p.Name != "" {
		t.Fatalf("%+v", p)
	}
	staff, err := Begin(ctx, store, Session{Role: Agent, Name: "ann", Team: "care", Member: Member("https://id.example", "1"), Expires: start.Add(1000 * time.Hour)}, start)
	if err != nil {
		t.Fatal(err)
	}
	if p := visit(staff, false, true); p.Role != Agent || p.Name != "ann" || p.Team != "care" || p.Member != Member("https://id.example", "1") {
		t.Fatalf("%+v", p)
	}
	for name, p := range map[string]Principal{
		"customer's cookie as staff": visit(cookie, false, false),
		"staff's cookie as customer": visit(staff, true, false),
		"unknown":                    visit(strings.Repeat("a", 43), true, false),
		"empty":                      visit("", true, false),
		"the other cookie's name": func() Principal {
			r := httptest.NewRequest("GET", "/", nil)
			r.AddCookie(&http.Cookie{Name: "rapport-me", Value: cookie})
			p, _ := k.Visitor(r, true, true)
			return p
		}(),
	} {
		if p.Role != Anyone || !p.Person.IsZero() {
			t.Errorf("%s: %+v", name, p)
		}
	}
	*now = start.Add(StaffStays)
	if p := visit(staff, false, false); p.Role != Anyone {
		t.Error("a staff session outlives its hours, whatever was asked for")
	}
	if err := store.RevokeSessionsOf(ctx, id, *now); err != nil {
		t.Fatal(err)
	}
	*now = now.Add(Staleness)
	if p := visit(cookie, true, false); p.Role != Anyone {
		t.Error("a revoked session lives on")
	}
	for name, bad := range map[string]Session{
		"of nobody": {Role: Customer}, "no name": {Role: Agent, Member: [32]byte{1}}, "nobody of staff": {Role: Agent, Name: "x"}, "no role": {Name: "x", Member: [32]byte{1}},
		"a machine's": {Role: Source, Name: "x", Member: [32]byte{1}}, "decide": {Role: Decide, Name: "x", Member: [32]byte{1}},
	} {
		if c, err := Begin(ctx, store, bad, start); err == nil || c != "" {
			t.Errorf("%s: a session begins", name)
		}
	}
}

func TestCookies(t *testing.T) {
	c := Cookie(true, true, "v")
	if c.Name != "__Host-rapport-me" || !c.Secure || !c.HttpOnly || c.Path != "/" || c.Domain != "" || c.SameSite != http.SameSiteLaxMode || c.MaxAge <= 0 {
		t.Errorf("%+v", c)
	}
	if c := Cookie(false, false, ""); c.Name != "rapport-staff" || c.Secure || c.MaxAge >= 0 {
		t.Errorf("%+v", c)
	}
}

func TestLinksAreGoodOnce(t *testing.T) {
	k, store, now := keeper(t)
	id := person.NewID()
	text, err := NewLink(ctx, store, Link{Person: id}, start)
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	var mu sync.Mutex
	var cookies []string
	for range 8 {
		wg.Add(1)
		go func() {
			defer wg.Done()
			if c, s, err := UseLink(ctx, store, text, start); err == nil && s.Person == id {
				mu.Lock()
				cookies = append(cookies, c)
				mu.Unlock()
			}
		}()
	}
	wg.Wait()
	if len(cookies) != 1 {
		t.Fatalf("a link was good %d times", len(cookies))
	}
	if p, err := k.Session(ctx, cookies[0]); err != nil || p.Person != id {
		t.Fatal(err)
	}
	late, err := NewLink(ctx, store, Link{Person: id}, start)
	if err != nil {
		t.Fatal(err)
	}
	*now = start.Add(LinkStays)
	if _, _, err := UseLink(ctx, store, late, *now); !errors.Is(err, ErrUnauthorised) {
		t.Fatalf("a link that has run out: %v", err)
	}
	if _, err := NewLink(ctx, store, Link{}, start); err == nil {
		t.Error("a link is made for nobody")
	}
}

func TestFeedbackStub(t *testing.T) {
	s, other := NewStub(make([]byte, 32)), NewStub([]byte(strings.Repeat("k", 32)))
	token := s.Sign("dec_1", start.Add(time.Hour))
	if err := s.Check("dec_1", token, start); err != nil {
		t.Fatal(err)
	}
	longer := s.Sign("dec_1", start.Add(2*time.Hour))
	for name, err := range map[string]error{
		"another decision": s.Check("dec_2", token, start),
		"no decision":      s.Check("", s.Sign("", start.Add(time.Hour)), start),
		"too late":         s.Check("dec_1", token, start.Add(time.Hour)),
		"another's key":    other.Check("dec_1", token, start),
		"longer life":      s.Check("dec_1", longer[:8]+token[8:], start),
		"empty":            s.Check("dec_1", "", start),
		"cut":              s.Check("dec_1", token[:20], start),
		"no base64":        s.Check("dec_1", "!!!", start),
	} {
		if !errors.Is(err, ErrUnauthorised) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
