package access

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"

	"github.com/rapporthq/rapport/fresh"
	"github.com/rapporthq/rapport/person"
)

// Keeper recognises tokens and sessions. Where this process is the only one, it has a short memory of what the store said: never
// longer than Staleness. Where others share the store, it asks each time: what was ended anywhere is ended here.
type Keeper struct {
	tokens   Tokens
	sessions Sessions
	clock    person.Clock

	knownTokens   memory[Token]
	knownSessions memory[Session]
}

// NewKeeper makes a Keeper. shared says that other processes end tokens and sessions too.
func NewKeeper(tokens Tokens, sessions Sessions, clock person.Clock, shared bool) *Keeper {
	k := &Keeper{tokens: tokens, sessions: sessions, clock: clock}
	k.knownTokens.shared, k.knownSessions.shared = shared, shared
	return k
}

// Token is the principal who bears this token. ErrUnauthorised when there is none, the store's error when it cannot say. That error
// is ErrUnsure too where the store knew the token when it was last asked: the principal comes with it, for doors that give such a
// caller what they would give a stranger.
func (k *Keeper) Token(ctx context.Context, text string) (Principal, error) {
	if !strings.HasPrefix(text, "rap_") || len(text) > 100 {
		return Principal{}, ErrUnauthorised
	}
	t, ok, err := k.knownTokens.get(ctx, HashOf(text), k.clock, k.tokens.TokenByHash)
	if err != nil && !errors.Is(err, ErrUnsure) {
		return Principal{}, err
	}
	if ok {
		if p, ok := t.principal(k.clock()); ok {
			return p, err
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

// memory remembers the store's answers in bounded room: for less than Staleness, unless the store is shared, and for the time when
// it cannot say.
type memory[T any] struct {
	shared bool
	fresh  fresh.Answers[[32]byte, answer[T]]

	mu    sync.Mutex
	at    map[[32]byte]*answer[T]
	drops int // what was asked before one is not kept after it
}

type answer[T any] struct {
	value  T
	known  bool
	asked  person.Instant
	asking bool // somebody asks again, and nobody waits for it
}

const memoryHolds = 8192

// afresh asks the store, together with those who ask for the same at the same time. When it cannot say, what it said last comes
// with ErrUnsure.
func (m *memory[T]) afresh(ctx context.Context, hash [32]byte, now person.Instant, ask func(context.Context, [32]byte) (T, bool, error)) (T, bool, error) {
	a, err := m.fresh.Ask(ctx, hash, func(ctx context.Context) (a answer[T], err error) {
		m.mu.Lock()
		drops := m.drops
		m.mu.Unlock()
		a.asked = now // before the question: an answer is never older than it says
		a.value, a.known, err = ask(ctx, hash)
		m.mu.Lock()
		defer m.mu.Unlock()
		if last := m.at[hash]; last != nil {
			last.asking = false
		}
		if err == nil && m.drops == drops {
			m.keep(hash, a) // here, where answers of one key come in their order
		}
		return a, err
	})
	if err == nil {
		return a.value, a.known, nil
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if last := m.at[hash]; last != nil {
		return last.value, true, fmt.Errorf("%w: %w", ErrUnsure, err)
	}
	var zero T
	return zero, false, err
}

// keep remembers an answer; guesses must not push out what is known.
func (m *memory[T]) keep(hash [32]byte, a answer[T]) {
	if !a.known {
		delete(m.at, hash)
		return
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
	m.at[hash] = &a
}

// get gives what the store said less than Staleness ago, and has it asked again when half of that has passed, for which nobody waits: a store
// that is slow just then would hold up a caller who is known. Whatever is older, or of a shared store, is asked for now.
func (m *memory[T]) get(ctx context.Context, hash [32]byte, clock person.Clock, ask func(context.Context, [32]byte) (T, bool, error)) (T, bool, error) {
	now := clock()
	if m.shared {
		return m.afresh(ctx, hash, now, ask)
	}
	m.mu.Lock()
	a := m.at[hash]
	if a == nil || now < a.asked || now >= a.asked.Add(Staleness) {
		m.mu.Unlock()
		return m.afresh(ctx, hash, now, ask)
	}
	defer m.mu.Unlock()
	if now >= a.asked.Add(Staleness/2) && !a.asking {
		a.asking = true
		go func() { _, _, _ = m.afresh(context.WithoutCancel(ctx), hash, now, ask) }()
	}
	return a.value, a.known, nil
}

func (m *memory[T]) drop(hash [32]byte) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.drops++
	delete(m.at, hash)
}
