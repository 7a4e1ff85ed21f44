package storetest

import (
	"crypto/sha256"
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/rapporthq/rapport/charter"
	"github.com/rapporthq/rapport/person"
	"github.com/rapporthq/rapport/store"
	"github.com/rapporthq/rapport/trust/vault"
)

func accounts(t *testing.T, h *Home) {
	s := h.Open(t)
	enrol(t, s, 1, 2, 3)
	join(t, s, 3, 1, Noon)
	if n, err := s.People(ctx); err != nil || n != 2 {
		t.Fatalf("%d people in three pseudonyms: %v", n, err)
	}
	old := h.Clock() - person.Instant(time.Minute/time.Microsecond)
	must(t, s.Keep(ctx, []vault.Row{row(1, vault.ReceiptRow, 1, old, "a"), row(2, vault.ReceiptRow, 2, old, "b"), row(2, vault.ReceiptRow, 3, old, "c")}, true))
	must(t, s.Keep(ctx, []vault.Row{row(1, vault.ReceiptRow, 4, h.Clock(), "just now")}, true))
	sum := func(rows ...uint64) (hash [32]byte) {
		all := sha256.New()
		for _, n := range rows {
			k, body := key(n), sha256.Sum256([]byte{byte('a' + n - 1)})
			all.Write(k[:])
			all.Write(body[:])
		}
		all.Sum(hash[:0])
		return hash
	}
	if receipt, _, err := s.Oldest(ctx); err != nil || receipt != old {
		t.Fatalf("the oldest receipt is of %d, not of %d: %v", receipt, old, err)
	}
	last, n, hash, err := s.ReceiptsAfter(ctx, 0, 2)
	if err != nil || n != 2 || hash != sum(1, 2) {
		t.Fatal(n, err)
	}
	first := last
	if last, n, hash, err = s.ReceiptsAfter(ctx, last, 10); err != nil || n != 1 || hash != sum(3) {
		t.Fatalf("%d receipts, one is of just now: %v", n, err)
	}
	if again, n, _, err := s.ReceiptsAfter(ctx, last, 10); err != nil || n != 0 || again != last {
		t.Fatal(again, n, err)
	}
	// Numbers rise even when everything was swept away.
	if _, err := s.Sweep(ctx, store.SweepRules{Receipts: store.Everything}); err != nil {
		t.Fatal(err)
	}
	must(t, s.Keep(ctx, []vault.Row{row(1, vault.ReceiptRow, 5, old, "e")}, true))
	if last, n, _, err = s.ReceiptsAfter(ctx, last, 10); err != nil || n != 1 || last <= first {
		t.Fatalf("a receipt after a sweep is not accounted for: %d %v", n, err)
	}

	pending := func() int {
		rows, err := s.Ledger().Pending(ctx, 100)
		must(t, err)
		return len(rows)
	}
	before := pending()
	var all sync.WaitGroup
	results := make(chan error, 8)
	for range 8 {
		all.Add(1)
		go func() { defer all.Done(); results <- s.PutMark(ctx, "receipts", "", "17", look(person.ID{}, "batch")) }()
	}
	all.Wait()
	close(results)
	done := 0
	for err := range results {
		if err == nil {
			done++
		} else if !errors.Is(err, vault.ErrStale) {
			t.Fatal(err)
		}
	}
	if text, err := s.Setting(ctx, "receipts"); err != nil || text != "17" || done != 1 || pending() != before+1 {
		t.Fatalf("a mark was made %d times, %d rows: %v", done, pending()-before, err)
	}
	must(t, s.AcceptCharter(ctx, 0, charter.Accepted{Position: 1, Hash: "1"}, look(person.ID{}, "accepted")))
	if err := s.AcceptCharter(ctx, 0, charter.Accepted{Position: 1, Hash: "2"}, look(person.ID{}, "accepted")); !errors.Is(err, vault.ErrStale) || pending() != before+2 {
		t.Fatalf("a charter and its row are not one act: %v", err)
	}
}

func resealed(t *testing.T, h *Home) {
	s := h.Open(t)
	enrol(t, s, 1, 2)
	var want []vault.Frame
	for n := range uint64(30) {
		want = append(want, frame(1, n, Noon+person.Instant(n)))
	}
	must(t, s.Commit(ctx, vault.Change{Frames: append(want, frame(2, 3, Noon))}))
	foldAll(t, s)
	must(t, s.Reseal(ctx, id(1), nil))
	must(t, s.Reseal(ctx, id(1), map[person.EventID][]byte{want[3].ID: []byte("cut"), want[29].ID: {}, person.EventID(id(999)): []byte("nobody's")}))
	want[3].Body, want[29].Body = []byte("cut"), []byte{}
	same(t, want, load(t, s, 1).Frames)
	same(t, []vault.Frame{frame(2, 3, Noon)}, load(t, s, 2).Frames)
}
