package access

import (
	"context"
	"errors"
	"sync"

	"github.com/rapporthq/rapport/person"
)

// memoryStore is Tokens and Sessions in memory.
type memoryStore struct {
	mu       sync.Mutex
	tokens   map[[32]byte]Token
	sessions map[[32]byte]Session
	links    map[[32]byte]Link
	asked    int
	fail     error
}

func newMemory() *memoryStore {
	return &memoryStore{tokens: map[[32]byte]Token{}, sessions: map[[32]byte]Session{}, links: map[[32]byte]Link{}}
}

func (m *memoryStore) PutToken(_ context.Context, t Token) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if _, there := m.tokens[t.Hash]; there {
		return errors.New("there already")
	}
	m.tokens[t.Hash] = t
	return m.fail
}

func (m *memoryStore) TokenByHash(_ context.Context, h [32]byte) (Token, bool, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.asked++
	t, ok := m.tokens[h]
	return t, ok, m.fail
}

func (m *memoryStore) AllTokens(context.Context) ([]Token, error) { return nil, m.fail }

func (m *memoryStore) RevokeToken(_ context.Context, h [32]byte, at person.Instant) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	t := m.tokens[h]
	t.Revoked = at
	m.tokens[h] = t
	return m.fail
}

func (m *memoryStore) PutSession(_ context.Context, s Session) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.sessions[s.Hash] = s
	return m.fail
}

func (m *memoryStore) SessionByHash(_ context.Context, h [32]byte) (Session, bool, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	s, ok := m.sessions[h]
	return s, ok, m.fail
}

func (m *memoryStore) RevokeSession(_ context.Context, h [32]byte, at person.Instant) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	s := m.sessions[h]
	s.Revoked = at
	m.sessions[h] = s
	return m.fail
}

func (m *memoryStore) RevokeSessionsOf(_ context.Context, id person.ID, at person.Instant) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	for h, s := range m.sessions {
		if s.Person == id {
			s.Revoked = at
			m.sessions[h] = s
		}
	}
	return m.fail
}

func (m *memoryStore) PutLink(_ context.Context, l Link) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.links[l.Hash] = l
	return m.fail
}

func (m *memoryStore) TakeLink(_ context.Context, h [32]byte) (Link, bool, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	l, ok := m.links[h]
	delete(m.links, h)
	return l, ok, m.fail
}
