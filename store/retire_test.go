package store

import (
	"context"
	"errors"
	"testing"

	"github.com/rapporthq/rapport/person"
	"github.com/rapporthq/rapport/store/pgtest"
	"github.com/rapporthq/rapport/trust/vault"
)

// TestWhoIsEnrolledAsAGenerationIsRetiredIsNotLost has somebody enrol under a wrapping key just as it is retired: the enrolment waits where the retirement holds it up, and
// must be refused then, for the pass over everybody who is there has not seen it.
func TestWhoIsEnrolledAsAGenerationIsRetiredIsNotLost(t *testing.T) {
	ctx := context.Background()
	url := pgtest.URL(t)
	open := func() *Store {
		s, err := Open(ctx, Options{URL: url})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = s.Close() })
		return s
	}
	enrols, retires := open(), open()
	wrapped := make([]byte, 60)
	copy(wrapped, []byte{1, 2, 3, 4, 5})
	g, _ := vault.GenerationOf(wrapped)
	enrol := func(n byte) error {
		return enrols.Commit(ctx, vault.Change{Enrol: []vault.Enrolment{{ID: person.NewID(), Wrapped: wrapped, Identifiers: []vault.Identifier{{Blind: vault.Blind{n}}}}}})
	}
	for n := range byte(8) { // each statement is known to each connection: a new one would wait where it is read, and not where it is done
		if err := enrol(n + 10); err != nil {
			t.Fatal(err)
		}
	}
	done := make(chan error, 1)
	if err := retires.engine.transaction(ctx, func(c conn) error {
		if err := c.do(ctx, query{text: "LOCK TABLE person IN SHARE ROW EXCLUSIVE MODE"}); err != nil {
			return err
		}
		go func() { done <- enrol(1) }()
		for waits := false; !waits; {
			select {
			case err := <-done:
				t.Fatalf("it did not wait: %v", err)
			default:
			}
			if err := c.do(ctx, query{text: "SELECT COUNT(*) FROM pg_locks WHERE NOT granted AND relation = 'person'::regclass", scan: func(r row) error { waits = r.int(0) > 0; return nil }}); err != nil {
				return err
			}
		}
		return c.do(ctx, putSetting(retired(g), "1"))
	}); err != nil {
		t.Fatal(err)
	}
	if err := <-done; !errors.Is(err, vault.ErrStale) {
		t.Errorf("somebody is enrolled under a key that is about to be destroyed: %v", err)
	}
	if n, err := retires.People(ctx); err != nil || n != 8 {
		t.Errorf("%d people, %v", n, err)
	}
}
