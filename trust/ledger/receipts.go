package ledger

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/rapporthq/rapport/person"
)

// Receipt is as much of the account of one automated decision as the ledger knows: its place, and a hash that tells nothing.
type Receipt struct {
	Number  int64 // rises in the order in which they were written; there may be gaps
	At      person.Instant
	Leaf    [32]byte
	Emptied bool // its person was forgotten: the leaf is all that is left of it
}

// ReceiptLeaf is the hash of one receipt: over its key, whose it is, its time and its sealed body. Nobody can make it without the body.
func ReceiptLeaf(key [16]byte, of person.ID, at person.Instant, head, body []byte) (leaf [32]byte) {
	open := append(make([]byte, 0, 64), "rapport receipt 1\n"...)
	open = append(append(open, key[:]...), of[:]...)
	open = binary.BigEndian.AppendUint64(open, uint64(at))
	open = binary.BigEndian.AppendUint32(open, uint32(len(head)))
	h := sha256.New()
	_, _ = h.Write(open)
	_, _ = h.Write(head)
	_, _ = h.Write(body)
	h.Sum(leaf[:0])
	return leaf
}

// ReceiptsRow makes the row that brings a batch of receipts into the ledger: all with a number above after, up to the last one's, in
// their order. Those that an erasure has emptied are among them: it makes no difference to the row whether that was before or after.
func ReceiptsRow(at person.Instant, after int64, receipts []Receipt, home Key) (Row, error) {
	if len(receipts) == 0 {
		return Row{}, errors.New("ledger: a batch of no receipts")
	}
	sum := sha256.New()
	for i := range receipts {
		_, _ = sum.Write(receipts[i].Leaf[:])
	}
	return leafed(Row{At: at, Kind: KindReceipts, Actor: "decide", Purpose: "account", Count: len(receipts),
		Filter: fmt.Sprintf("%d-%d %s%x", after+1, receipts[len(receipts)-1].Number, batchHash, sum.Sum(nil))}, home)
}

const batchHash = "sha256:"

// ofReceipts stands before the numbers of receipts in an entry's Fields: of those that an erasure has emptied, and of those whose time was over.
const ofReceipts = "receipts "

// batch is a row of receipts, read.
type batch struct {
	number, from, to int64
	n                int
	sum              [32]byte
	span             bool // older rows do not say of which numbers they are: nothing can be compared with them
}

func readBatch(r *Row) (batch, error) {
	b := batch{number: r.Number, n: r.Count}
	numbers, sum, ok := strings.Cut(r.Filter, " ")
	if !ok {
		if !strings.HasPrefix(r.Filter, batchHash) {
			return b, fmt.Errorf("ledger: %q is no batch", r.Filter)
		}
		return b, nil
	}
	from, to, ok := strings.Cut(numbers, "-")
	raw, err := hex.DecodeString(strings.TrimPrefix(sum, batchHash))
	if !ok || err != nil || len(raw) != len(b.sum) {
		return b, fmt.Errorf("ledger: %q is no batch", r.Filter)
	}
	copy(b.sum[:], raw)
	b.span = true
	if b.from, err = strconv.ParseInt(from, 10, 64); err == nil {
		b.to, err = strconv.ParseInt(to, 10, 64)
	}
	if err != nil || b.from < 1 || b.to < b.from {
		return b, fmt.Errorf("ledger: %q is no batch", r.Filter)
	}
	return b, nil
}

// excuses are the numbers of receipts that may be empty, and of those that may be gone.
type excuses struct{ emptied, swept []span }

// add takes what an entry says of receipts.
func (e *excuses) add(r *Row) error {
	list, ok := strings.CutPrefix(r.Fields, ofReceipts)
	if !ok {
		return nil
	}
	spans, err := parseNumbers(list)
	if err != nil {
		return err
	}
	if r.Kind == KindErasure {
		e.emptied = merge(append(e.emptied, spans...))
	} else {
		e.swept = merge(append(e.swept, spans...))
	}
	return nil
}

// overlap is how many numbers of a batch are in the spans.
func (b *batch) overlap(spans []span) (n int) {
	for _, s := range spans {
		n += int(max(0, min(s.to, b.to)-max(s.from, b.from)+1))
	}
	return n
}

// compare says how the receipts that are there differ from the batch. checked: all of its receipts are there and were compared.
func (b *batch) compare(there []Receipt, may excuses) (problems []Problem, checked bool) {
	sum, n := sha256.New(), 0
	for i := range there {
		r := &there[i]
		_, _ = sum.Write(r.Leaf[:])
		if !covers(may.swept, r.Number) { // a sweep goes on while this is read
			n++
		}
		if r.Emptied && !covers(may.emptied, r.Number) {
			problems = append(problems, Problem{b.number, ReceiptEmptied, fmt.Sprintf("Receipt %d, of entry %d, has lost its person, and no erasure covers it.", r.Number, b.number)})
		}
	}
	swept := b.overlap(may.swept)
	switch n += swept; {
	case n < b.n:
		problems = append(problems, Problem{b.number, ReceiptMissing, fmt.Sprintf("Entry %d is of %d receipts, from number %d to %d: %d of them are gone%s.", b.number, b.n, b.from, b.to, b.n-n, b.gaps(there, may.swept, b.n-n))})
	case n > b.n:
		problems = append(problems, Problem{b.number, ReceiptAdded, fmt.Sprintf("Entry %d is of %d receipts, from number %d to %d: there are %d more.", b.number, b.n, b.from, b.to, n-b.n)})
	case swept == 0 && !equal(sum, b.sum):
		problems = append(problems, Problem{b.number, ReceiptChanged, fmt.Sprintf("Of the %d receipts of entry %d, from number %d to %d, at least one was changed, or stands in another's place.", b.n, b.number, b.from, b.to)})
	}
	return problems, swept == 0
}

func equal(h hash.Hash, sum [32]byte) bool {
	var got [32]byte
	h.Sum(got[:0])
	return got == sum
}

// gaps names the numbers that are not there, when they are just as many as are missing.
func (b *batch) gaps(there []Receipt, swept []span, missing int) string {
	var numbers []int64
	i := 0
	for n := b.from; n <= b.to && len(numbers) <= missing; n++ {
		for i < len(there) && there[i].Number < n {
			i++
		}
		if (i == len(there) || there[i].Number != n) && !covers(swept, n) {
			numbers = append(numbers, n)
		}
	}
	if len(numbers) != missing || missing > 20 {
		return ""
	}
	return " (" + formatNumbers(numbers) + ")"
}

// receipts compares the receipts that are kept with the batches in the ledger.
func (v *verifying) receipts(ctx context.Context) error {
	whole := !v.broken && len(v.found) == 0 // else a batch may be among the entries that are named already
	upTo := int64(0)                        // the last number that is in a batch; -1: not known, since the last batch does not say
	for i := range v.batches {
		b := &v.batches[i]
		if !b.span {
			v.rep.ReceiptsUnchecked += int64(b.n)
			upTo = -1
			continue
		}
		from := upTo + 1
		if i == 0 {
			from = math.MinInt64
		}
		if upTo >= 0 && b.from > from && whole {
			if err := v.between(ctx, b, from); err != nil {
				return err
			}
		}
		upTo = max(upTo, b.to)
		may := v.may
		var problems []Problem
		checked := false
		for tries := 0; ; tries++ {
			there, err := v.kept(ctx, b.from, b.to)
			if err != nil {
				return err
			}
			if problems, checked = b.compare(there, may); len(problems) == 0 || tries == 3 {
				break
			}
			// The home may have forgotten or swept since the head was signed.
			if may, err = v.since(ctx); err != nil {
				return err
			}
		}
		for _, p := range problems {
			v.rep.add(p.Number, p.Fault, p.Says)
		}
		if checked {
			v.rep.Receipts += int64(b.n)
		} else {
			v.rep.ReceiptsUnchecked += int64(b.n)
		}
	}
	if upTo < 0 || !whole {
		return nil
	}
	return v.unaccounted(ctx, upTo)
}

// between names receipts that lie between two batches, where the ledger has none.
func (v *verifying) between(ctx context.Context, b *batch, from int64) error {
	there, err := v.kept(ctx, from, b.from-1)
	if err == nil && len(there) > 0 {
		v.rep.add(b.number, ReceiptAdded, fmt.Sprintf("There are %d receipts from number %d to %d, before those of entry %d, that no entry is of.", len(there), there[0].Number, there[len(there)-1].Number, b.number))
	}
	return err
}

// unaccounted names receipts after the last batch that should be in one by now: newer ones were made long after them.
func (v *verifying) unaccounted(ctx context.Context, upTo int64) error {
	var oldest, newest Receipt
	for from := upTo + 1; ; {
		there, err := v.l.store.Receipts(ctx, from, partSize)
		if err != nil {
			return err
		}
		for _, r := range there {
			if oldest.Number == 0 || r.At < oldest.At {
				oldest = r
			}
			if r.At > newest.At {
				newest = r
			}
			from = r.Number + 1
		}
		if len(there) < partSize {
			break
		}
	}
	if oldest.Number != 0 && oldest.At < newest.At.Add(-slow) {
		v.rep.add(0, ReceiptAdded, fmt.Sprintf("Receipts from number %d on were not brought into the ledger for more than %v.", upTo+1, time.Duration(slow)))
	}
	return nil
}

// kept reads the receipts of a span.
func (v *verifying) kept(ctx context.Context, from, to int64) (out []Receipt, err error) {
	for {
		some, err := v.l.store.Receipts(ctx, from, partSize)
		if err != nil {
			return nil, err
		}
		for _, r := range some {
			if r.Number > to {
				return out, nil
			}
			out = append(out, r)
			from = r.Number + 1
		}
		if len(some) < partSize {
			return out, nil
		}
	}
}

// since is what excuses receipts, with entries that came after the head that was walked. Theirs count when the home sealed them.
func (v *verifying) since(ctx context.Context) (excuses, error) {
	may := excuses{append([]span(nil), v.may.emptied...), append([]span(nil), v.may.swept...)}
	keys, err := v.keys(ctx, []person.ID{{}})
	if err != nil {
		return may, err
	}
	rows, err := v.l.store.Rows(ctx, v.size+1, mostWaiting)
	if err != nil {
		return may, err
	}
	waiting, err := v.l.store.Pending(ctx, mostWaiting)
	if err != nil {
		return may, err
	}
	for _, w := range waiting {
		rows = append(rows, w.Row)
	}
	for i := range rows {
		r := &rows[i]
		if r.Kind != KindErasure && r.Kind != KindRetention || leaf(*r, keys[person.ID{}]) != r.Leaf {
			continue
		}
		if err := may.add(r); err != nil {
			return may, err
		}
	}
	return may, nil
}
