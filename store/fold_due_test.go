package store

import (
	"context"
	"sync/atomic"
	"testing"
	"time"

	"github.com/rapporthq/rapport/person"
	"github.com/rapporthq/rapport/store/pgtest"
	"github.com/rapporthq/rapport/trust/vault"
)

// lagMeter remembers the last lag that it was told.
type lagMeter struct {
	noMeter
	lag atomic.Int64
}

func (m *lagMeter) Lag(lag time.Duration) { m.lag.Store(int64(lag)) }

// TestManyEventsGatherForAFold has few events folded at once on PostgreSQL, and many when the oldest has waited four seconds; what waits is told as lag.
func TestManyEventsGatherForAFold(t *testing.T) {
	ctx := context.Background()
	now := person.At(time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC))
	var m lagMeter
	s, err := Open(ctx, Options{URL: pgtest.URL(t), Clock: func() person.Instant { return now }, Meter: &m})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	of := enrolMany(t, s, 1)[0]
	number := byte(0)
	comes := func(size int) {
		t.Helper()
		number++
		f := vault.Frame{Of: of, ID: person.EventID{number}, Stream: 1, At: now, Received: now, Body: make([]byte, size)}
		if err := s.Commit(ctx, vault.Change{Seen: []vault.Seen{{Root: of, Version: 1}}, Frames: []vault.Frame{f}}); err != nil {
			t.Fatal(err)
		}
	}
	folds := func(after time.Duration, wanted int, lag time.Duration) {
		t.Helper()
		now = now.Add(after)
		n, _, err := s.FoldWhenDue(ctx, 1000)
		if err != nil || n != wanted || time.Duration(m.lag.Load()) != lag {
			t.Errorf("%d folded, %v behind (%v), wanted %d and %v", n, time.Duration(m.lag.Load()), err, wanted, lag)
		}
	}
	folds(0, 0, 0)
	comes(100)
	folds(0, 1, 0)
	comes(3 << 20)
	folds(0, 0, 0)
	folds(3*time.Second, 0, 3*time.Second)
	comes(100)
	folds(time.Second, 2, 0)
	comes(3 << 20)
	folds(-time.Hour, 1, 0) // the clock was put back
}
