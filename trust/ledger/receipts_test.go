package ledger_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/rapporthq/rapport/person"
	"github.com/rapporthq/rapport/trust/ledger"
	"github.com/rapporthq/rapport/trust/ledger/ledgertest"
)

// decided is a ledger with three batches of ten receipts each; the numbers leave out 5, as a database's may. The second batch is entry 2.
func decided(t *testing.T) *house {
	h := newHouse(t)
	for i := range int64(31) {
		if i != 4 {
			h.store.Kept = append(h.store.Kept, ledger.Receipt{Number: i + 1, At: march.Add(time.Duration(i) * time.Second), Leaf: [32]byte{byte(i + 1), 7}})
		}
	}
	after := int64(0)
	for part := range slices.Chunk(h.store.Kept, 10) {
		h.entry(ledger.ReceiptsRow(march, after, part, key{}))
		after = part[len(part)-1].Number
	}
	h.sequence()
	return h
}

func (h *house) entry(r ledger.Row, err error) {
	h.t.Helper()
	if err != nil {
		h.t.Fatal(err)
	}
	h.store.Add(r)
}

func (h *house) receipt(m *ledgertest.Memory, number int64) *ledger.Receipt {
	for i := range m.Kept {
		if m.Kept[i].Number == number {
			return &m.Kept[i]
		}
	}
	h.t.Fatalf("there is no receipt %d", number)
	return nil
}

func dropReceipt(m *ledgertest.Memory, number int64) {
	m.Kept = slices.DeleteFunc(m.Kept, func(r ledger.Receipt) bool { return r.Number == number })
}

func addReceipt(m *ledgertest.Memory, r ledger.Receipt) {
	i := slices.IndexFunc(m.Kept, func(k ledger.Receipt) bool { return k.Number > r.Number })
	if i < 0 {
		i = len(m.Kept)
	}
	m.Kept = slices.Insert(m.Kept, i, r)
}

func faultsOf(rep ledger.Report) []string {
	out := []string{}
	for _, p := range rep.Problems {
		out = append(out, fmt.Sprintf("%d %s", p.Number, p.Fault))
	}
	return out
}

func TestEveryTamperingWithReceiptsIsFoundAndNamed(t *testing.T) {
	h := decided(t)
	if rep := h.verify(h.store); !rep.OK() || rep.Receipts != 30 || rep.ReceiptsUnchecked != 0 {
		t.Fatalf("%+v", rep)
	}
	for name, c := range map[string]struct {
		tamper func(m *ledgertest.Memory)
		want   string
		says   string
	}{
		"changed":                          {func(m *ledgertest.Memory) { h.receipt(m, 15).Leaf[9]++ }, "2 receipt-changed", ""},
		"dropped":                          {func(m *ledgertest.Memory) { dropReceipt(m, 15) }, "2 receipt-missing", "Entry 2 is of 10 receipts, from number 12 to 21: 1 of them are gone (15)."},
		"dropped, where numbers have gaps": {func(m *ledgertest.Memory) { dropReceipt(m, 2) }, "1 receipt-missing", "Entry 1 is of 10 receipts, from number 1 to 11: 1 of them are gone."},
		"the last one dropped":             {func(m *ledgertest.Memory) { dropReceipt(m, 31) }, "3 receipt-missing", ""},
		"all dropped":                      {func(m *ledgertest.Memory) { m.Kept = nil }, "1 receipt-missing 2 receipt-missing 3 receipt-missing", ""},
		"added before all others":          {func(m *ledgertest.Memory) { addReceipt(m, ledger.Receipt{Number: -3, At: march}) }, "1 receipt-added", ""},
		"added in a gap":                   {func(m *ledgertest.Memory) { addReceipt(m, ledger.Receipt{Number: 5, At: march}) }, "1 receipt-added", ""},
		"one dropped and one added":        {func(m *ledgertest.Memory) { dropReceipt(m, 2); addReceipt(m, ledger.Receipt{Number: 5, At: march}) }, "1 receipt-changed", ""},
		"swapped": {func(m *ledgertest.Memory) {
			a, b := h.receipt(m, 15), h.receipt(m, 16)
			a.Leaf, b.Leaf = b.Leaf, a.Leaf
		}, "2 receipt-changed", ""},
		"moved to another batch": {func(m *ledgertest.Memory) {
			r := *h.receipt(m, 15)
			dropReceipt(m, 15)
			r.Number = 5
			addReceipt(m, r)
		}, "1 receipt-added 2 receipt-missing", ""},
		"emptied without an erasure": {func(m *ledgertest.Memory) { h.receipt(m, 15).Emptied = true }, "2 receipt-emptied", ""},
		"added and never brought in": {func(m *ledgertest.Memory) {
			addReceipt(m, ledger.Receipt{Number: 40, At: march})
			addReceipt(m, ledger.Receipt{Number: 41, At: march.Add(2 * time.Hour)})
		}, "0 receipt-added", ""},
		"just made":           {func(m *ledgertest.Memory) { addReceipt(m, ledger.Receipt{Number: 40, At: march}) }, "", ""},
		"the batch's count":   {func(m *ledgertest.Memory) { m.Entries[1].Row.Count = 9 }, "2 changed", ""},
		"the batch's numbers": {func(m *ledgertest.Memory) { m.Entries[1].Row.Filter = "1" + m.Entries[1].Row.Filter }, "2 changed", ""},
	} {
		t.Run(name, func(t *testing.T) {
			m := h.store.Clone()
			c.tamper(m)
			rep := h.verify(m)
			got := ""
			for i, f := range faultsOf(rep) {
				if i > 0 {
					got += " "
				}
				got += f
			}
			if got != c.want || c.says != "" && rep.Problems[0].Says != c.says {
				t.Errorf("%q: %+v", got, rep.Problems)
			}
		})
	}
}

func TestReceiptsMayBeEmptyOrGoneWhereAnEntrySaysSo(t *testing.T) {
	h := decided(t)
	for _, n := range []int64{3, 15, 31} {
		h.receipt(h.store, n).Emptied = true
	}
	h.entry(ledger.ErasureRow(march, "privacy", "privacy", nil, []int64{3, 15, 31}, key{}))
	// While it waits for its number the receipts are empty already: a home that is served is read between two acts.
	if rep := h.verify(h.store); !rep.OK() || rep.Receipts != 30 {
		t.Fatalf("an erasure that waits: %+v", rep)
	}
	forged := h.store.Clone()
	forged.Entries[3].Row.Leaf[0] ^= 1
	if d := cmp.Diff([]string{"1 receipt-emptied", "2 receipt-emptied", "3 receipt-emptied"}, faultsOf(h.verify(forged))); d != "" {
		t.Errorf("an erasure that the home did not seal:\n%s", d)
	}
	h.sequence()
	if rep := h.verify(h.store); !rep.OK() || rep.Receipts != 30 {
		t.Fatalf("%+v", rep)
	}
	more := h.store.Clone()
	h.receipt(more, 16).Emptied = true
	if d := cmp.Diff([]string{"2 receipt-emptied"}, faultsOf(h.verify(more))); d != "" {
		t.Errorf("one more:\n%s", d)
	}
	changed := h.store.Clone()
	h.receipt(changed, 15).Leaf[0]++
	if d := cmp.Diff([]string{"2 receipt-changed"}, faultsOf(h.verify(changed))); d != "" {
		t.Errorf("what is left of one is changed:\n%s", d)
	}

	// The first batch and half of the second run out of their time.
	var swept []int64
	for n := int64(1); n <= 16; n++ {
		if n != 5 {
			swept = append(swept, n)
			dropReceipt(h.store, n)
		}
	}
	h.entry(ledger.ReceiptsRetentionRow(march, swept, key{}))
	for _, waits := range []bool{true, false} {
		if rep := h.verify(h.store); !rep.OK() || rep.Receipts != 10 || rep.ReceiptsUnchecked != 20 {
			t.Fatalf("swept, waiting for its number %v: %+v", waits, rep)
		}
		h.sequence()
	}
	dropReceipt(h.store, 17)
	if rep := h.verify(h.store); !slices.Equal(faultsOf(rep), []string{"2 receipt-missing"}) {
		t.Errorf("one more is gone than the sweep says: %+v", rep.Problems)
	}
}

func TestBatchesOfAnOlderVersionAreNotCompared(t *testing.T) {
	h := newHouse(t)
	old, err := ledger.ReceiptsRow(march, 0, []ledger.Receipt{{Number: 4}}, key{})
	if err != nil {
		t.Fatal(err)
	}
	old = h.sealed(old, 4, "sha256:00")
	for n := range int64(12) {
		h.store.Kept = append(h.store.Kept, ledger.Receipt{Number: n + 1, At: march})
	}
	h.store.Add(old)
	h.entry(ledger.ReceiptsRow(march, 8, h.store.Kept[8:12], key{}))
	h.sequence()
	if rep := h.verify(h.store); !rep.OK() || rep.Receipts != 4 || rep.ReceiptsUnchecked != 4 {
		t.Fatalf("%+v", rep)
	}
	dropReceipt(h.store, 12)
	if d := cmp.Diff([]string{"2 receipt-missing"}, faultsOf(h.verify(h.store))); d != "" {
		t.Error(d)
	}
}

// sealed is the row with another count and filter, as the home would have sealed it.
func (h *house) sealed(r ledger.Row, count int, filter string) ledger.Row {
	r.Count, r.Filter = count, filter
	k, err := key{}.LeafKey()
	if err != nil {
		h.t.Fatal(err)
	}
	r.Leaf = ledger.LeafOf(r, k)
	return r
}

func TestAReceiptsLeafIsOfAllThatItIs(t *testing.T) {
	key, of := [16]byte{1}, person.ID{2}
	leaf := ledger.ReceiptLeaf(key, of, 3, []byte("head"), []byte("body"))
	for name, other := range map[string][32]byte{
		"key":   ledger.ReceiptLeaf([16]byte{9}, of, 3, []byte("head"), []byte("body")),
		"whose": ledger.ReceiptLeaf(key, person.ID{9}, 3, []byte("head"), []byte("body")),
		"time":  ledger.ReceiptLeaf(key, of, 4, []byte("head"), []byte("body")),
		"head":  ledger.ReceiptLeaf(key, of, 3, []byte("heat"), []byte("body")),
		"body":  ledger.ReceiptLeaf(key, of, 3, []byte("head"), []byte("bodi")),
		"split": ledger.ReceiptLeaf(key, of, 3, []byte("headb"), []byte("ody")),
	} {
		if other == leaf {
			t.Errorf("the %s is not in it", name)
		}
	}
}
