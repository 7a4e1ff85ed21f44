package storetest

import (
	"bytes"
	"testing"
	"time"

	"github.com/rapporthq/rapport/person"
	"github.com/rapporthq/rapport/trust/vault"
)

// meter counts what the store tells of.
type meter struct {
	duplicates int
	lag        time.Duration
}

func (m *meter) Duplicates(n int)      { m.duplicates += n }
func (m *meter) Lag(lag time.Duration) { m.lag = lag }
func (m *meter) Lost(int)              {}
func (m *meter) Looked(string)         {}

func folds(t *testing.T, h *Home) {
	m := &meter{}
	h.Options.Meter = m
	s := h.Open(t)
	enrol(t, s, 1, 2)
	if n, more, err := s.Fold(ctx, 10); n != 0 || more || err != nil {
		t.Fatal(n, more, err)
	}
	must(t, s.Commit(ctx, vault.Change{Frames: []vault.Frame{frame(1, 2, Noon+2), frame(2, 9, Noon), frame(1, 1, Noon+1)}}))
	must(t, s.Commit(ctx, vault.Change{Frames: []vault.Frame{frame(1, 3, Noon+3)}}))
	if n := len(load(t, s, 1).Frames); n != 0 && n != 3 {
		t.Fatalf("%d of 3 events before the fold: all or none", n)
	}
	h.Pass(int64(5 * time.Second / time.Microsecond))
	n, more, err := s.Fold(ctx, 1)
	must(t, err)
	switch {
	case !more && n == 4: // SQLite takes all
	case more && n == 3: // PostgreSQL one whole row, and that was of three
		if m.lag < 4*time.Second {
			t.Fatalf("an event of five seconds ago waits, and the lag is %v", m.lag)
		}
		if n, more, err = s.Fold(ctx, 1); n != 1 || more || err != nil {
			t.Fatal(n, more, err)
		}
	default:
		t.Fatalf("%d folded, more %v", n, more)
	}
	if m.lag != 0 {
		t.Fatalf("nothing waits, and the lag is %v", m.lag)
	}
	for range 2 {
		same(t, []vault.Frame{frame(1, 1, Noon+1), frame(1, 2, Noon+2), frame(1, 3, Noon+3)}, load(t, s, 1).Frames)
		same(t, []vault.Frame{frame(2, 9, Noon)}, load(t, s, 2).Frames)
		must(t, s.Close())
		s = h.Open(t)
		if n := foldAll(t, s); n != 0 {
			t.Fatalf("%d folded again after a restart", n)
		}
	}
	must(t, s.Commit(ctx, vault.Change{Frames: []vault.Frame{frame(1, 4, Noon+4)}})) // numbering goes on after a restart
	if n := foldAll(t, s); n != 1 || len(load(t, s, 1).Frames) != 4 {
		t.Fatalf("%d folded after a restart", n)
	}
}

func retries(t *testing.T, h *Home) {
	m := &meter{}
	h.Options.Meter = m
	s := h.Open(t)
	enrol(t, s, 1, 2)
	received := func(of, event uint64, at person.Instant) vault.Frame {
		f := frame(of, event, Noon)
		f.Received = at
		return f
	}
	day := person.Instant(24 * time.Hour / time.Microsecond)
	count := func(want, duplicates int, why string) {
		t.Helper()
		foldAll(t, s)
		if l := load(t, s, 1); len(l.Frames) != want || m.duplicates != duplicates {
			t.Fatalf("%s: %d events and %d duplicates, want %d and %d", why, len(l.Frames), m.duplicates, want, duplicates)
		}
	}
	must(t, s.Commit(ctx, vault.Change{Frames: []vault.Frame{received(1, 1, Noon), received(1, 1, Noon), received(2, 1, Noon)}}))
	count(1, 1, "twice in one request")
	must(t, s.Commit(ctx, vault.Change{Frames: []vault.Frame{received(1, 1, Noon+1)}}))
	must(t, s.Commit(ctx, vault.Change{Frames: []vault.Frame{received(1, 2, Noon+1)}}))
	count(2, 2, "again in a later fold")
	must(t, s.Close())
	s = h.Open(t)
	must(t, s.Commit(ctx, vault.Change{Frames: []vault.Frame{received(1, 1, Noon+2)}}))
	count(2, 3, "again after a restart")
	must(t, s.Close())
	s = h.Open(t)
	must(t, s.Commit(ctx, vault.Change{Frames: []vault.Frame{received(1, 3, Noon+3), received(1, 2, Noon+3)}}))
	must(t, s.Close()) // before it was folded
	s = h.Open(t)
	count(3, 4, "folded after a restart")
	// Behind many later events, and still within the day.
	for n := uint64(10); n < 1010; n += 100 {
		var c vault.Change
		for i := range uint64(100) {
			c.Frames = append(c.Frames, received(1, n+i, Noon+10))
		}
		must(t, s.Commit(ctx, c))
		foldAll(t, s)
	}
	count(1003, 4, "many")
	must(t, s.Commit(ctx, vault.Change{Frames: []vault.Frame{received(1, 1, Noon+day-1), received(1, 500, Noon+day-1)}}))
	count(1003, 6, "a thousand events later")
	must(t, s.Commit(ctx, vault.Change{Frames: []vault.Frame{received(1, 1, Noon+2*day)}}))
	count(1004, 6, "after the window it is a new event")
	must(t, s.Commit(ctx, vault.Change{Frames: []vault.Frame{received(2, 1, Noon+day)}})) // the last moment of the window
	foldAll(t, s)
	must(t, s.Commit(ctx, vault.Change{Frames: []vault.Frame{received(2, 1, Noon+2*day+1)}})) // the first after it, in a row that is read
	foldAll(t, s)
	if n := len(load(t, s, 2).Frames); n != 2 || m.duplicates != 7 {
		t.Fatalf("%d events and %d duplicates at the window's edge", n, m.duplicates)
	}
}

func chunks(t *testing.T, h *Home) {
	s := h.Open(t)
	enrol(t, s, 1, 2)
	var want []vault.Frame
	sizes := []int{0, 1, 400, 3000, 70_000, 5}
	for n := range uint64(400) {
		f := frame(1, n, Noon+person.Instant(n))
		f.Body = make([]byte, sizes[n%uint64(len(sizes))])
		for i := range f.Body {
			f.Body[i] = byte(n)
		}
		want = append(want, f)
	}
	for i := 0; i < len(want); {
		n := min(1+i%7*9, len(want)-i)
		must(t, s.Commit(ctx, vault.Change{Frames: want[i : i+n]}))
		if i%3 == 0 {
			foldAll(t, s)
		}
		i += n
	}
	foldAll(t, s)
	got := load(t, s, 1).Frames
	if len(got) != len(want) {
		t.Fatalf("%d of %d events", len(got), len(want))
	}
	for i := range want {
		if got[i].ID != want[i].ID || got[i].At != want[i].At || got[i].Of != want[i].Of || !bytes.Equal(got[i].Body, want[i].Body) {
			t.Fatalf("event %d is not as it was", i)
		}
	}
}

func journal(t *testing.T, h *Home) {
	for n := range uint64(3) {
		s := h.Open(t)
		if n == 0 {
			enrol(t, s, 1)
		}
		must(t, s.Commit(ctx, vault.Change{Frames: []vault.Frame{frame(1, n, Noon+person.Instant(n))}}))
		must(t, s.Close())
	}
	s := h.Open(t)
	if n := foldAll(t, s); n != 3 {
		t.Fatalf("%d of 3 events", n)
	}
	same(t, []vault.Frame{frame(1, 0, Noon), frame(1, 1, Noon+1), frame(1, 2, Noon+2)}, load(t, s, 1).Frames)
}
