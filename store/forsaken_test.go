package store

import (
	"context"
	"database/sql/driver"
	"errors"
	"testing"
	"time"

	"github.com/rapporthq/rapport/person"
	"github.com/rapporthq/rapport/store/pgtest"
	"github.com/rapporthq/rapport/trust/ledger"
	"github.com/rapporthq/rapport/trust/vault"
)

// TestWhoStopsInMidWorkHoldsUpNobody opens a fold in one process, which then says nothing more, as one that was stopped: another's fold goes on
// as soon as the server has had enough of it, and what the first had done is undone.
func TestWhoStopsInMidWorkHoldsUpNobody(t *testing.T) {
	ctx := context.Background()
	url := pgtest.URL(t)
	open := func(url string) *Store {
		s, err := Open(ctx, Options{URL: url})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = s.Close() })
		return s
	}
	stopped, other := open(url+"&"+forsakenSetting+"=300"), open(url)
	begun, woken := make(chan struct{}), make(chan struct{})
	ended := make(chan error, 1)
	go func() {
		ended <- stopped.engine.fold(ctx, func(c conn) error {
			if err := c.do(ctx, query{text: stopped.dialect.alone, scan: ignore}); err != nil {
				return err
			}
			if err := c.do(ctx, query{text: "INSERT INTO setting (name, value) VALUES ('half', 'done')"}); err != nil {
				return err
			}
			close(begun)
			<-woken
			return c.do(ctx, query{text: "INSERT INTO setting (name, value) VALUES ('more', 'done')"})
		})
	}()
	<-begun
	began := time.Now()
	patient, cancel := context.WithTimeout(ctx, 20*time.Second)
	defer cancel()
	if _, _, err := other.Fold(patient, 10); err != nil {
		t.Errorf("the other waits for it: %v", err)
	}
	t.Logf("the other waited %v", time.Since(began).Round(time.Millisecond))
	close(woken)
	if err := <-ended; !errors.Is(err, vault.ErrUnavailable) {
		t.Errorf("who woke up may go on: %v", err)
	}
	for _, name := range []string{"half", "more"} {
		if text, err := other.Setting(ctx, name); err != nil || text != "" {
			t.Errorf("%s is there: %q %v", name, text, err)
		}
	}
}

// TestALateReceiptIsAccountedFor writes a receipt that has waited for long, as after the server was away, in a transaction that is still open when a
// younger number is there to be accounted for: who accounts waits, and has both.
func TestALateReceiptIsAccountedFor(t *testing.T) {
	ctx := context.Background()
	now := person.At(time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC))
	s, err := Open(ctx, Options{URL: pgtest.URL(t), Clock: func() person.Instant { return now }})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	receipt := func(key byte) vault.Row {
		return vault.Row{Of: person.ID{1}, Kind: vault.ReceiptRow, Key: vault.Key{key}, At: now.Add(-time.Hour), Head: []byte{1}, Body: []byte{key}}
	}
	drawn, goOn, done := make(chan int64), make(chan struct{}), make(chan error, 1)
	go func() {
		done <- s.engine.transaction(ctx, func(c conn) error {
			rows := []vault.Row{receipt(1)}
			if err := s.outOfTheWay(ctx, c, rows); err != nil {
				return err
			}
			if err := c.do(ctx, receiptRow(&rows[0])); err != nil {
				return err
			}
			var self int64
			if err := c.do(ctx, query{text: "SELECT pg_backend_pid()", scan: func(r row) error { self = r.int(0); return nil }}); err != nil {
				return err
			}
			drawn <- self
			<-goOn
			return nil
		})
	}()
	writer := <-drawn
	later := receipt(2)
	if err := s.engine.transaction(ctx, func(c conn) error { return c.do(ctx, receiptRow(&later)) }); err != nil {
		t.Fatal(err)
	}
	counted := make(chan int, 1)
	go func() {
		receipts, err := s.ReceiptsAfter(ctx, 0, 10)
		if err != nil {
			t.Error(err)
		}
		counted <- len(receipts)
	}()
	n := -1
	for waits := false; !waits && n < 0; {
		select {
		case n = <-counted:
			t.Errorf("%d receipts are accounted for while an older number is still to come", n)
		default:
			if err := s.engine.ask(ctx, query{text: "SELECT 1 FROM pg_stat_activity WHERE $1 = ANY(pg_blocking_pids(pid))", args: []driver.Value{writer}, scan: func(row) error { waits = true; return nil }}); err != nil {
				t.Fatal(err)
			}
		}
	}
	close(goOn)
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	if n < 0 {
		n = <-counted
	}
	if n != 2 {
		t.Errorf("%d of 2 receipts are accounted for", n)
	}
}

// TestLooksThatEndAreSaidOnce has two processes end the same looks at the same time: their numbers are in one entry.
func TestLooksThatEndAreSaidOnce(t *testing.T) {
	ctx := context.Background()
	s, err := Open(ctx, Options{URL: pgtest.URL(t)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	old := ledger.Row{Kind: ledger.KindLook, At: 1, Number: 1, Reason: []byte{}}
	if err := s.update(ctx, func(ctx context.Context, c conn) error {
		return c.do(ctx, append(lookRows(old), query{text: "UPDATE look SET number = 1"})...)
	}); err != nil {
		t.Fatal(err)
	}
	entry := ledger.Row{Kind: "retention", At: 2, Reason: []byte{}}
	inner := 0
	_, err = s.EndLooks(ctx, 10, 10, func([]int64) (ledger.Row, error) {
		if inner++; inner == 1 { // another process, between the reading and the removing
			if n, err := s.EndLooks(ctx, 10, 10, func([]int64) (ledger.Row, error) { return entry, nil }); n != 1 || err != nil {
				t.Errorf("the other ended %d looks: %v", n, err)
			}
		}
		return entry, nil
	})
	if !errors.Is(err, vault.ErrStale) {
		t.Errorf("who came second ended them too: %v", err)
	}
	said := 0
	if err := s.engine.ask(ctx, query{text: "SELECT COUNT(*) FROM look WHERE kind = 'retention'", scan: func(r row) error { said = int(r.int(0)); return nil }}); err != nil {
		t.Fatal(err)
	}
	if said != 1 {
		t.Errorf("it is said %d times", said)
	}
}
