package store

import (
	"context"
	"database/sql/driver"
	"encoding/json"

	"github.com/rapporthq/rapport/person"
	"github.com/rapporthq/rapport/trust/access"
)

var (
	_ access.Tokens   = (*Store)(nil)
	_ access.Sessions = (*Store)(nil)
)

// PutToken keeps a new token. See access.Tokens.
func (s *Store) PutToken(ctx context.Context, t access.Token) error {
	body, err := json.Marshal(&t)
	if err != nil {
		return err
	}
	return s.update(ctx, func(ctx context.Context, c conn) error {
		return c.do(ctx, query{
			text: "INSERT INTO token (hash, issued, revoked, body) VALUES ($1, $2, $3, $4)",
			args: []driver.Value{t.Hash[:], int64(t.Issued), int64(t.Revoked), body},
		})
	})
}

func scanToken(into func(access.Token)) func(row) error {
	return func(r row) error {
		var t access.Token
		if err := json.Unmarshal(r.bytes(1), &t); err != nil {
			return err
		}
		copy(t.Hash[:], r.bytes(0))
		t.Revoked = r.at(2)
		into(t)
		return nil
	}
}

// TokenByHash finds a token. See access.Tokens.
func (s *Store) TokenByHash(ctx context.Context, hash [32]byte) (token access.Token, found bool, err error) {
	err = s.engine.ask(ctx, query{
		text: "SELECT hash, body, revoked FROM token WHERE hash = $1", args: []driver.Value{hash[:]},
		scan: scanToken(func(t access.Token) { token, found = t, true }),
	})
	if err != nil {
		return access.Token{}, false, err
	}
	return token, found, nil
}

// AllTokens lists tokens by when they were issued. See access.Tokens.
func (s *Store) AllTokens(ctx context.Context) ([]access.Token, error) {
	var all []access.Token
	err := s.engine.snapshot(ctx, func(c conn) error {
		all = all[:0]
		return c.do(ctx, query{text: "SELECT hash, body, revoked FROM token ORDER BY issued, hash", scan: scanToken(func(t access.Token) { all = append(all, t) })})
	})
	if err != nil {
		return nil, err
	}
	return all, nil
}

// RevokeToken ends a token from then on. See access.Tokens.
func (s *Store) RevokeToken(ctx context.Context, hash [32]byte, at person.Instant) error {
	return s.update(ctx, func(ctx context.Context, c conn) error {
		return c.do(ctx, query{text: "UPDATE token SET revoked = $2 WHERE hash = $1 AND revoked = 0", args: []driver.Value{hash[:], int64(at)}})
	})
}

// PutSession keeps a session. See access.Sessions.
func (s *Store) PutSession(ctx context.Context, n access.Session) error {
	body, err := json.Marshal(&n)
	if err != nil {
		return err
	}
	return s.update(ctx, func(ctx context.Context, c conn) error {
		return c.do(ctx, query{
			text: "INSERT INTO session (hash, person, expires, revoked, body) VALUES ($1, $2, $3, $4, $5)",
			args: []driver.Value{n.Hash[:], n.Person[:], int64(n.Expires), int64(n.Revoked), body},
		})
	})
}

// SessionByHash finds a session. See access.Sessions.
func (s *Store) SessionByHash(ctx context.Context, hash [32]byte) (session access.Session, found bool, err error) {
	err = s.engine.ask(ctx, query{
		text: "SELECT hash, body, revoked FROM session WHERE hash = $1", args: []driver.Value{hash[:]},
		scan: func(r row) error {
			if err := json.Unmarshal(r.bytes(1), &session); err != nil {
				return err
			}
			session.Revoked, found = r.at(2), true
			return nil
		},
	})
	if err != nil {
		return access.Session{}, false, err
	}
	return session, found, nil
}

// RevokeSession ends a session from then on. See access.Sessions.
func (s *Store) RevokeSession(ctx context.Context, hash [32]byte, at person.Instant) error {
	return s.update(ctx, func(ctx context.Context, c conn) error {
		return c.do(ctx, query{text: "UPDATE session SET revoked = $2 WHERE hash = $1 AND revoked = 0", args: []driver.Value{hash[:], int64(at)}})
	})
}

// RevokeSessionsOf ends all sessions of a customer, under whichever of their pseudonyms they began. See access.Sessions.
func (s *Store) RevokeSessionsOf(ctx context.Context, id person.ID, at person.Instant) error {
	return s.update(ctx, func(ctx context.Context, c conn) error {
		return c.do(ctx, query{
			text: `UPDATE session SET revoked = $2 WHERE revoked = 0 AND (person = $1
				OR person IN (SELECT id FROM person WHERE id = (SELECT root FROM person WHERE id = $1))
				OR person IN (SELECT id FROM person WHERE root = (SELECT root FROM person WHERE id = $1) AND root <> id))`,
			args: []driver.Value{id[:], int64(at)},
		})
	})
}

// RevokeStaffSessions ends all sessions of a member of staff that have not ended, and gives their hashes. They are few: each lasts hours.
func (s *Store) RevokeStaffSessions(ctx context.Context, member [32]byte, at person.Instant) (ended [][32]byte, err error) {
	return asked(ctx, s, func(ctx context.Context, c conn) (ended [][32]byte, err error) {
		var nobody person.ID
		err = c.do(ctx, query{
			text: "SELECT hash, body FROM session WHERE person = $1 AND revoked = 0 AND expires > $2", args: []driver.Value{nobody[:], int64(at)},
			scan: func(r row) error {
				var n access.Session
				if err := json.Unmarshal(r.bytes(1), &n); err != nil {
					return err
				}
				if n.Member == member && n.Role.Staff() {
					ended = append(ended, [32]byte(r.bytes(0)))
				}
				return nil
			},
		})
		for i := 0; err == nil && i < len(ended); i++ {
			err = c.do(ctx, query{text: "UPDATE session SET revoked = $2 WHERE hash = $1", args: []driver.Value{ended[i][:], int64(at)}})
		}
		return ended, err
	})
}

// PutLink keeps a sign-in link. See access.Sessions.
func (s *Store) PutLink(ctx context.Context, l access.Link) error {
	body, err := json.Marshal(&l)
	if err != nil {
		return err
	}
	return s.update(ctx, func(ctx context.Context, c conn) error {
		return c.do(ctx, query{text: "INSERT INTO link (hash, expires, body) VALUES ($1, $2, $3)", args: []driver.Value{l.Hash[:], int64(l.Expires), body}})
	})
}

// TakeLink gives a sign-in link and removes it, in one act. See access.Sessions.
func (s *Store) TakeLink(ctx context.Context, hash [32]byte) (link access.Link, found bool, err error) {
	taken, err := asked(ctx, s, func(ctx context.Context, c conn) (taken *access.Link, err error) {
		err = c.do(ctx, query{
			text: "DELETE FROM link WHERE hash = $1 RETURNING body", args: []driver.Value{hash[:]},
			scan: func(r row) error {
				taken = new(access.Link)
				return json.Unmarshal(r.bytes(0), taken)
			},
		})
		return taken, err
	})
	if taken == nil {
		return access.Link{}, false, err
	}
	return *taken, true, nil
}

// Spend remembers what may be used once. See access.Spent.
func (s *Store) Spend(ctx context.Context, hash [32]byte, until person.Instant) (first bool, err error) {
	return asked(ctx, s, func(ctx context.Context, c conn) (first bool, err error) {
		err = c.do(ctx, query{
			text: "INSERT INTO spent (hash, until) VALUES ($1, $2) ON CONFLICT (hash) DO NOTHING RETURNING 1", args: []driver.Value{hash[:], int64(until)},
			scan: func(row) error { first = true; return nil },
		})
		return first, err
	})
}
