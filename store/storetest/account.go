package storetest

import (
	"errors"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/rapporthq/rapport/charter"
	"github.com/rapporthq/rapport/person"
	"github.com/rapporthq/rapport/store"
	"github.com/rapporthq/rapport/trust/ledger"
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
	sealed := func(of, n uint64) [32]byte {
		return ledger.ReceiptLeaf(key(n), id(of), old, row(of, vault.ReceiptRow, n, old, "").Head, []byte{byte('a' + n - 1)})
	}
	if receipt, _, err := s.Oldest(ctx); err != nil || receipt != old {
		t.Fatalf("the oldest receipt is of %d, not of %d: %v", receipt, old, err)
	}
	two, err := s.ReceiptsAfter(ctx, 0, 2)
	if err != nil || len(two) != 2 || two[0].Leaf != sealed(1, 1) || two[1].Leaf != sealed(2, 2) {
		t.Fatal(two, err)
	}
	third, err := s.ReceiptsAfter(ctx, two[1].Number, 10)
	if err != nil || len(third) != 1 || third[0].Leaf != sealed(2, 3) {
		t.Fatalf("%d receipts, one is of just now: %v", len(third), err)
	}
	if none, err := s.ReceiptsAfter(ctx, third[0].Number, 10); err != nil || len(none) != 0 {
		t.Fatal(none, err)
	}
	if all, err := s.Ledger().Receipts(ctx, two[1].Number, 10); err != nil || len(all) != 3 || all[0] != two[1] || all[1] != third[0] {
		t.Fatalf("receipts as the ledger reads them: %+v, %v", all, err)
	}
	// What is dated a year on was made before the clock went back: it keeps nothing back.
	must(t, s.Keep(ctx, []vault.Row{row(1, vault.ReceiptRow, 6, h.Clock()+person.Instant(365*24*time.Hour/time.Microsecond), "f")}, true))
	h.Pass(int64(time.Minute / time.Microsecond))
	if late, err := s.ReceiptsAfter(ctx, third[0].Number, 10); err != nil || len(late) != 2 {
		t.Fatalf("%d of 2 receipts, one of which is dated a year on: %v", len(late), err)
	}
	// Numbers rise even when everything was swept away, and what goes is named in the ledger.
	var swept []int64
	if _, err := s.Sweep(ctx, store.SweepRules{Receipts: store.Everything, ReceiptsEntry: func(numbers []int64) (ledger.Row, error) {
		swept = numbers
		return look(person.ID{}, "retention"), nil
	}}); err != nil {
		t.Fatal(err)
	}
	if waits, err := s.Ledger().Pending(ctx, 100); err != nil || len(waits) != 1 || len(swept) != 5 {
		t.Fatalf("%d entries about the %d receipts that went: %v", len(waits), len(swept), err)
	}
	must(t, s.Keep(ctx, []vault.Row{row(1, vault.ReceiptRow, 5, old, "e")}, true))
	if after, err := s.ReceiptsAfter(ctx, third[0].Number, 10); err != nil || len(after) != 1 || after[0].Number <= slices.Max(swept) {
		t.Fatalf("a receipt after a sweep is not accounted for: %+v %v", after, err)
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
