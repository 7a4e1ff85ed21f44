package access

import (
	"context"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/rapporthq/rapport/person"
)

// Keeper recognises tokens and sessions, with a short memory of what the store said: never longer than Staleness.
type Keeper struct {
	tokens   Tokens
	sessions Sessions
	clock    person.Clock

	knownTokens   memory[Token]
	knownSessions memory[Session]
}

// NewKeeper makes a Keeper.
func NewKeeper(tokens Tokens, sessions Sessions, clock person.Clock) *Keeper {
	return &Keeper{tokens: tokens, sessions: sessions, clock: clock}
}

// Token is the principal who bears this token. ErrUnauthorised when there is none, the store's error when it cannot say.
func (k *Keeper) Token(ctx context.Context, text string) (Principal, error) {
	if !strings.HasPrefix(text, "rap_") || len(text) > 100 {
		return Principal{}, ErrUnauthorised
	}
	t, ok, err := k.knownTokens.get(ctx, HashOf(text), k.clock, k.tokens.TokenByHash)
	if err != nil {
		return Principal{}, err
	}
	if ok {
		if p, ok := t.principal(k.clock()); ok {
			return p, nil
		}
	}
	return Principal{}, ErrUnauthorised
}

// Session is the principal of this cookie value. ErrUnauthorised when there is none, the store's error when it cannot say.
func (k *Keeper) Session(ctx context.Context, cookie string) (Principal, error) {
	if len(cookie) != 43 {
		return Principal{}, ErrUnauthorised
	}
	s, ok, err := k.knownSessions.get(ctx, HashOf(cookie), k.clock, k.sessions.SessionByHash)
	if err != nil {
		return Principal{}, err
	}
	if ok {
		if p, ok := s.principal(k.clock()); ok {
			return p, nil
		}
	}
	return Principal{}, ErrUnauthorised
}

// Bearer is the principal of the request's Authorization header: a bearer token, or the user name of Basic, as Segment's
// SDKs send their write key. Without the header it is nobody, and no error.
func (k *Keeper) Bearer(r *http.Request) (Principal, error) {
	h := r.Header.Get("Authorization")
	if h == "" {
		return Principal{}, nil
	}
	if user, _, ok := r.BasicAuth(); ok {
		return k.Token(r.Context(), user)
	}
	if scheme, text, ok := strings.Cut(h, " "); ok && strings.EqualFold(scheme, "bearer") {
		return k.Token(r.Context(), strings.TrimSpace(text))
	}
	return Principal{}, ErrUnauthorised
}

// Visitor is the principal of the request's session cookie, the customer's or the staff's as asked. Without one, or with one
// that has run out, it is nobody, and no error: pages then show themselves as to a stranger.
func (k *Keeper) Visitor(r *http.Request, customer, tls bool) (Principal, error) {
	c, err := r.Cookie(CookieName(customer, tls))
	if err != nil {
		return Principal{}, nil
	}
	p, err := k.Session(r.Context(), c.Value)
	if err == ErrUnauthorised || (err == nil && (p.Role == Customer) != customer) {
		return Principal{}, nil
	}
	return p, err
}

// Dropped makes this process forget what it remembers of a token or session at once, as after a sign-out here.
func (k *Keeper) Dropped(key [32]byte) {
	k.knownTokens.drop(key)
	k.knownSessions.drop(key)
}

// memory remembers the store's answers for less than Staleness, in bounded room.
type memory[T any] struct {
	mu sync.Mutex
	at map[[32]byte]*answer[T]
}

type answer[T any] struct {
	value  T
	known  bool
	asked  person.Instant
	asking bool
}

const memoryHolds = 8192

// get asks the store again when half of Staleness has passed; one caller asks, the others go on with what is known until all of it has.
func (m *memory[T]) get(ctx context.Context, hash [32]byte, clock person.Clock, ask func(context.Context, [32]byte) (T, bool, error)) (T, bool, error) {
	now := clock()
	m.mu.Lock()
	a := m.at[hash]
	if a != nil {
		age := now - a.asked
		fresh := age >= 0 && age < person.Instant((Staleness/2)/time.Microsecond)
		usable := age >= 0 && age < person.Instant(Staleness/time.Microsecond)
		if fresh || (usable && a.asking) {
			v, known := a.value, a.known
			m.mu.Unlock()
			return v, known, nil
		}
		a.asking = true
	}
	m.mu.Unlock()

	v, known, err := ask(ctx, hash) // now was read before: an answer is never older than it says

	m.mu.Lock()
	defer m.mu.Unlock()
	if err != nil {
		if a != nil {
			a.asking = false
		}
		var zero T
		return zero, false, err
	}
	if m.at == nil {
		m.at = make(map[[32]byte]*answer[T])
	}
	if _, there := m.at[hash]; !there && len(m.at) >= memoryHolds {
		for k := range m.at { // any one: what is dropped is asked for again
			delete(m.at, k)
			break
		}
	}
	if known {
		m.at[hash] = &answer[T]{value: v, known: true, asked: now}
	} else {
		delete(m.at, hash) // guesses must not push out what is known
	}
	return v, known, nil
}

func (m *memory[T]) drop(hash [32]byte) {
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.at, hash)
}
