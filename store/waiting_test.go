package store

import (
	"context"
	"encoding/binary"
	"errors"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/rapporthq/rapport/person"
	"github.com/rapporthq/rapport/trust/vault"
)

// On SQLite an event is in its person's history as soon as it is acknowledged, before, while and after it is folded, and once.
func TestAnAcknowledgedEventIsSeenAtOnce(t *testing.T) {
	ctx, dir := context.Background(), t.TempDir()
	s, err := Open(ctx, Options{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Commit(ctx, crashEnrolAll()); err != nil {
		t.Fatal(err)
	}
	stop := make(chan struct{})
	var folding, committing sync.WaitGroup
	folding.Add(1)
	go func() {
		defer folding.Done()
		for {
			select {
			case <-stop:
				return
			default:
			}
			if _, _, err := s.Fold(ctx, 3); err != nil {
				t.Error(err)
				return
			}
		}
	}()
	for of := range uint64(4) {
		committing.Add(1)
		go func() {
			defer committing.Done()
			for i := range uint64(60) {
				c := crashChange(of + crashPeople*i)
				c.Frames = append(c.Frames, c.Frames[0]) // and one of them twice
				if err := s.Commit(ctx, c); err != nil {
					t.Error(err)
					return
				}
				l, err := s.Load(ctx, crashPerson(of))
				if err != nil || len(l.Frames) != int(2*i+2) {
					t.Errorf("%d of %d events are seen: %v", len(l.Frames), 2*i+2, err)
					return
				}
			}
		}()
	}
	committing.Wait()
	close(stop)
	folding.Wait()
	// What waits is found again when the home is opened.
	last := crashChange(crashPeople * 1000)
	if err := s.Commit(ctx, last); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if l, err := s.Load(ctx, crashPerson(0)); err != nil || len(l.Frames) != 122 {
			t.Fatal(len(l.Frames), err)
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		if s, err = Open(ctx, Options{Dir: dir}); err != nil {
			t.Fatal(err)
		}
	}
	defer s.Close()
	n := 0
	if err := s.Each(ctx, lookAtAll(), func(l vault.Loaded) error { n += len(l.Frames); return nil }); err != nil || n != 4*120+2 {
		t.Fatalf("a walk over everybody sees %d events: %v", n, err)
	}
}

// A fold that is broken off, between its passes or before the journal's rows are deleted, is made good by the next.
func TestABrokenFoldLosesAndRepeatsNothing(t *testing.T) {
	ctx, dir := context.Background(), t.TempDir()
	s, err := Open(ctx, Options{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Commit(ctx, crashEnrolAll()); err != nil {
		t.Fatal(err)
	}
	acknowledged := map[uint64]bool{}
	for n := range uint64(200) {
		c := crashChange(n)
		for i := range c.Frames { // people on both sides of the passes
			c.Frames[i].Of = crashPerson(n)
		}
		if err := s.Commit(ctx, c); err != nil {
			t.Fatal(err)
		}
		acknowledged[n] = true
	}
	// All passes are written, the number is not.
	f := &folding{}
	old := s.waiting.freeze()
	for pass := range 3 {
		if err := s.engine.snapshot(ctx, func(c conn) error { return f.readPart(ctx, c, old, pass, 3) }); err != nil {
			t.Fatal(err)
		}
		if err := s.engine.fold(ctx, func(c conn) error { return f.write(ctx, c, s.window) }); err != nil {
			t.Fatal(err)
		}
	}
	if l, err := s.Load(ctx, crashPerson(3)); err != nil || len(l.Frames) != 20 {
		t.Fatalf("%d events while both have them: %v", len(l.Frames), err)
	}
	_ = s.Close()
	if s, err = Open(ctx, Options{Dir: dir}); err != nil {
		t.Fatal(err)
	}
	survived(t, s, acknowledged)
	// The number is written, the rows are not deleted.
	if err := s.Commit(ctx, crashChange(777)); err != nil {
		t.Fatal(err)
	}
	acknowledged[777] = true
	old = s.waiting.freeze()
	if err := s.engine.snapshot(ctx, func(c conn) error { return f.readPart(ctx, c, old, 0, 1) }); err != nil {
		t.Fatal(err)
	}
	if err := s.engine.fold(ctx, func(c conn) error {
		return errors.Join(f.write(ctx, c, s.window), c.do(ctx, query{text: "UPDATE folded SET seq = seq + 1"}))
	}); err != nil {
		t.Fatal(err)
	}
	_ = s.Close()
	if s, err = Open(ctx, Options{Dir: dir}); err != nil {
		t.Fatal(err)
	}
	survived(t, s, acknowledged)
	if err := s.Commit(ctx, crashChange(888)); err != nil { // its number is after those
		t.Fatal(err)
	}
	acknowledged[888] = true
	survived(t, s, acknowledged)
	_ = s.Close()
}

func TestAFoldIsDue(t *testing.T) {
	w := &waiting{young: newGeneration()}
	now := person.Instant(1e15)
	due := func(want bool, why string) {
		t.Helper()
		if w.due(now) != want {
			t.Fatal(why)
		}
	}
	due(false, "nothing waits")
	add := func(n int) {
		frames := make([]placed, n)
		for i := range frames {
			binary.BigEndian.PutUint32(frames[i].of[:], uint32(i))
		}
		w.add(1, now, frames, now)
	}
	add(1)
	due(false, "the door is busy")
	now = now.Add(foldQuiet)
	due(true, "the door is quiet")
	for range 58 {
		add(1)
		due(false, "the door is busy")
		now = now.Add(time.Second)
	}
	due(true, "a minute has gone")
	w.freeze()
	due(true, "a fold that failed is tried again")
	w.drop()
	due(false, "nothing waits any more")
	add(foldAt)
	due(true, "half a million wait")
	w.freeze()
	w.drop()
	add(1)
	now = now.Add(-365 * 24 * time.Hour)
	w.last = now
	due(true, "the clock went back a year")
}

// A process that is killed before it empties its log leaves it to the next: the log does not grow with the number of kills.
func TestTheLogDoesNotGrowWithKills(t *testing.T) {
	ctx, dir := context.Background(), filepath.Join(t.TempDir(), "0")
	for n := range 12 {
		s, err := Open(ctx, Options{Dir: dir})
		if err != nil {
			t.Fatal(err)
		}
		if n == 0 {
			if err := s.Commit(ctx, crashEnrolAll()); err != nil {
				t.Fatal(err)
			}
		}
		for i := range 10 {
			c := crashChange(uint64(n*100 + i))
			c.Frames[0].Body = make([]byte, 500_000)
			if err := s.Commit(ctx, c); err != nil {
				t.Fatal(err)
			}
		}
		l := s.engine.(*lite)
		l.writing.Lock() // the checker is between two of its steps, and nobody writes
		next := filepath.Join(filepath.Dir(dir), strconv.Itoa(n+1))
		err = os.CopyFS(next, os.DirFS(dir))
		l.writing.Unlock()
		if err != nil {
			t.Fatal(err)
		}
		_ = s.Close()
		dir = next
	}
	if size := sizeOf(filepath.Join(dir, mainFile+"-wal")); size > 2*logLimit {
		t.Errorf("after twelve kills the log has %d MB", size>>20)
	}
}

// Decisions on SQLite see what waits, so nobody would miss folds that fail: how long one has been overdue is told.
func TestAFoldThatIsOverdueIsTold(t *testing.T) {
	ctx := context.Background()
	now := person.At(time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC))
	var m lagMeter
	s, err := Open(ctx, Options{Dir: t.TempDir(), Clock: func() person.Instant { return now }, Meter: &m})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	of := enrolMany(t, s, 1)[0]
	if err := s.Commit(ctx, vault.Change{Frames: []vault.Frame{{Of: of, ID: person.EventID{1}, Stream: 1, At: now, Received: now, Body: []byte("a")}}}); err != nil {
		t.Fatal(err)
	}
	folds := func(after time.Duration, wanted int, fails bool, overdue time.Duration) {
		t.Helper()
		now = now.Add(after)
		n, _, err := s.FoldWhenDue(ctx, 1000)
		if told := time.Duration(m.lag.Load()); n != wanted || (err != nil) != fails || told != overdue {
			t.Errorf("%d folded, %v overdue (%v), wanted %d and %v", n, told, err, wanted, overdue)
		}
	}
	alter := func(text string) {
		t.Helper()
		if _, err := s.engine.(*lite).folder.c.Exec(text, nil); err != nil {
			t.Fatal(err)
		}
	}
	folds(time.Second, 0, false, 0)
	alter("ALTER TABLE history RENAME TO away")
	folds(time.Minute-time.Second, 0, true, 0)
	folds(90*time.Second, 0, true, 90*time.Second)
	alter("ALTER TABLE away RENAME TO history")
	folds(time.Second, 1, false, 0)
	folds(time.Hour, 0, false, 0)
}
