package ledger

import (
	"context"
	"fmt"
	"sort"

	"golang.org/x/mod/sumdb/tlog"

	"github.com/rapporthq/rapport/person"
)

// Fault is how an entry, or the ledger as a whole, is wrong.
type Fault string

// The faults.
const (
	Changed      Fault = "changed"       // the row is not what was folded
	Missing      Fault = "missing"       // a numbered row is gone, and nothing says that it may be
	Added        Fault = "added"         // a row has a number that the signed head does not cover, or one that is taken
	Swapped      Fault = "swapped"       // two rows stand in each other's place
	CutBack      Fault = "cut-back"      // the ledger is shorter than a head that was signed before
	Forked       Fault = "forked"        // the ledger is not the one that a known head was signed over
	BadSignature Fault = "bad-signature" // the head is not signed by this home's key
	BadTree      Fault = "bad-tree"      // a stored hash is not the hash of what is under it
	BadRoot      Fault = "bad-root"      // the rows' root is not the signed one
	Emptied      Fault = "emptied"       // a row has lost its person without an erasure that says so
	BadErasure   Fault = "bad-erasure"   // an erasure names entries that it cannot
	Backdated    Fault = "backdated"     // an entry says that it was made before a head that was kept elsewhere, which does not cover it

	// Of the receipts of automated decisions: the entry is that of the batch in which they are.
	ReceiptChanged Fault = "receipt-changed" // a receipt is not what was brought into the ledger
	ReceiptMissing Fault = "receipt-missing" // a receipt is gone, and nothing says that it may be
	ReceiptAdded   Fault = "receipt-added"   // there is a receipt that the ledger does not know
	ReceiptEmptied Fault = "receipt-emptied" // a receipt has lost its person without an erasure that says so
)

// Problem is one thing that is wrong: the entry's number (0: the ledger as a whole), how, and a sentence.
type Problem struct {
	Number int64
	Fault  Fault
	Says   string
}

// Report is what Verify found.
type Report struct {
	Size      int64     // entries under the signed head
	Rows      int64     // numbered rows that were read
	Keyed     int64     // rows whose leaf was made again with its key
	Erased    int64     // rows that an erasure or the end of their time emptied
	Waiting   int       // rows without a number, up to a thousand: a serving home folds them within a second
	Problems  []Problem // at most a hundred
	More      int64     // problems beyond these
	Heads     int64     // heads kept elsewhere that it was compared with
	Unchecked int64     // rows whose person's key is gone and whose open part and place alone could be checked

	Receipts          int64 // receipts that were compared with the batches in the ledger
	ReceiptsUnchecked int64 // receipts of batches that have partly run out of their time, of which only the count was compared, or that an older version made
}

// OK says that nothing is wrong.
func (r Report) OK() bool { return len(r.Problems) == 0 }

func (r *Report) add(n int64, f Fault, says string) {
	if len(r.Problems) >= 100 {
		r.More++
		return
	}
	r.Problems = append(r.Problems, Problem{n, f, says})
}

// Keys gives the keys that make the leaves of looks at these people (zero: the home's, for a population). Who was forgotten is left out. It is
// called by several goroutines at once.
type Keys func(ctx context.Context, of []person.ID) (map[person.ID][]byte, error)

// Verify walks the whole ledger: it makes every row's leaf again with its key, the tree again from the rows, and compares with
// the stored hashes and the signed head. keys gives the keys of rows by their Of.
// known are heads that were signed before and kept elsewhere: the ledger must contain each, and no entry after one may be older; without
// any, a ledger that was put back whole to an earlier state, head and all, looks right, and so does one that who holds all keys made anew.
//
// What it finds is in the Report; the error is only for a store, or keys, that cannot be read. It holds some thousand rows for each processor
// in memory, and of what is wrong or emptied the numbers.
func (l *Ledger) Verify(ctx context.Context, keys Keys, known ...Kept) (Report, error) {
	v := verifying{l: l, keys: keys, misplaced: map[tlog.Hash]int64{}, isFound: map[int64]bool{}, known: l.readKept(known)}
	rep := &v.rep
	signed, err := l.store.Head(ctx)
	if err != nil {
		return Report{}, err
	}
	waiting, err := l.store.Pending(ctx, mostWaiting)
	if err != nil {
		return Report{}, err
	}
	rep.Waiting = len(waiting)
	h, err := l.readHead(signed)
	trusted := err == nil
	if !trusted {
		rep.add(0, BadSignature, "The signed head is damaged or signed by another key: compare with a head that was kept elsewhere.")
		if h.size, err = l.last(ctx); err != nil {
			return Report{}, err
		}
	}
	v.size = h.size
	if err := v.walk(ctx); err != nil {
		return Report{}, err
	}
	if trusted {
		if err := v.beyond(ctx); err != nil {
			return Report{}, err
		}
	}
	root, err := v.edge.root()
	if err != nil {
		return Report{}, err
	}
	rowsRight := trusted && root == h.root
	v.judgeEmpties()
	v.judgeMisplaced(rowsRight)
	rep.Size = v.size
	if trusted && !rowsRight && !v.broken {
		rep.add(0, BadRoot, "The rows and stored hashes agree with each other and not with the signed head: they were replaced together.")
	}
	if err := v.compareAll(ctx); err != nil {
		return Report{}, err
	}
	if err := v.receipts(ctx); err != nil {
		return Report{}, err
	}
	sort.SliceStable(rep.Problems, func(i, j int) bool { return rep.Problems[i].Number < rep.Problems[j].Number })
	return v.rep, nil
}

const mostWaiting = 1000

// last is the highest number that a row has, found by asking for ever later rows.
func (l *Ledger) last(ctx context.Context) (int64, error) {
	low, high := int64(0), int64(1)<<62 // there is a row from low on (if not 0), and none from high on
	for step := int64(1); low+1 < high; {
		ask := min(low+step, low+(high-low)/2)
		rows, err := l.store.Rows(ctx, max(1, ask), 1)
		if err != nil {
			return 0, err
		}
		if len(rows) == 0 {
			high, step = ask, max(1, step/2)
			continue
		}
		low, step = max(ask, rows[0].Number), step*2
	}
	return low, nil
}

// beyond names the rows whose numbers the signed head does not cover.
func (v *verifying) beyond(ctx context.Context) error {
	for from := v.size + 1; ; {
		rows, err := v.l.store.Rows(ctx, from, partSize)
		if err != nil || len(rows) == 0 {
			return err
		}
		for _, r := range rows {
			v.rep.add(r.Number, Added, fmt.Sprintf("Row %d lies beyond the signed head, which covers %d.", r.Number, v.size))
		}
		from = rows[len(rows)-1].Number + 1
	}
}

// verifying is one walk.
type verifying struct {
	l     *Ledger
	keys  Keys
	rep   Report
	size  int64 // by the signed head; without one that can be trusted, the highest number
	edge  edge  // the tree made again from the rows
	known []known

	broken    bool                // a row or hash was found wrong: the root cannot be right
	empties   []int64             // rows whose leaf cannot be made for want of a person
	gone      []gone              // numbers without a row
	erasures  []erasure           // what may be empty or gone
	misplaced map[tlog.Hash]int64 // hash that the store has at a number whose row has another
	found     []found             // those rows
	batches   []batch             // of receipts, in their order
	may       excuses             // what erasures and sweeps say of receipts
	isFound   map[int64]bool
}

type gone struct {
	number int64
	hashed bool // the store still has its hash
}

type erasure struct {
	by        int64
	retention bool
	spans     []span
}

type found struct {
	number int64
	have   tlog.Hash // the row's
}

// note keeps what an erasure or a sweep allows to be empty, and of which receipts a batch is. Its own leaf is right: what the home has not sealed allows nothing.
func (v *verifying) note(r *Row) {
	if v.isFound[r.Number] {
		return
	}
	if r.Kind == KindReceipts {
		b, err := readBatch(r)
		if err != nil {
			v.rep.add(r.Number, BadErasure, fmt.Sprintf("Entry %d does not say which receipts it is of.", r.Number))
			return
		}
		v.batches = append(v.batches, b)
		return
	}
	spans, err := parseNumbers(r.Filter)
	if err == nil {
		err = v.may.add(r)
	}
	if err != nil {
		v.rep.add(r.Number, BadErasure, fmt.Sprintf("Entry %d does not say which entries it empties.", r.Number))
		return
	}
	for _, s := range spans {
		if s.to >= r.Number {
			v.rep.add(r.Number, BadErasure, fmt.Sprintf("Entry %d empties entries that come after it.", r.Number))
			return
		}
	}
	v.erasures = append(v.erasures, erasure{by: r.Number, retention: r.Kind == KindRetention, spans: spans})
}

// allow brings the entries that may be empty, or gone, into order for covers.
func allow(erasures []erasure, retention bool) []span {
	var all []span
	for _, e := range erasures {
		if e.retention || !retention {
			all = append(all, e.spans...)
		}
	}
	return merge(all)
}

// merge puts spans in order, those that touch as one.
func merge(all []span) []span {
	sort.Slice(all, func(i, j int) bool { return all[i].from < all[j].from })
	merged := all[:0]
	for _, s := range all {
		if n := len(merged); n > 0 && s.from <= merged[n-1].to+1 {
			merged[n-1].to = max(merged[n-1].to, s.to)
			continue
		}
		merged = append(merged, s)
	}
	return merged
}

func covers(spans []span, n int64) bool {
	i := sort.Search(len(spans), func(i int) bool { return spans[i].to >= n })
	return i < len(spans) && spans[i].from <= n
}

// judgeEmpties decides, when all erasures are known, which empty and missing entries may be so.
func (v *verifying) judgeEmpties() {
	mayBeEmpty, mayBeGone := allow(v.erasures, false), allow(v.erasures, true)
	for _, n := range v.empties {
		switch {
		case v.isFound[n]: // named as changed or swapped
		case covers(mayBeEmpty, n):
			v.rep.Erased++
			v.rep.Unchecked++
		default:
			v.rep.add(n, Emptied, fmt.Sprintf("Entry %d has lost its person, or was changed, and no erasure covers it.", n))
		}
	}
	cut := v.size
	for i := len(v.gone) - 1; i >= 0 && v.gone[i].number == cut; i-- {
		cut--
	}
	for _, g := range v.gone {
		switch {
		case covers(mayBeGone, g.number) && g.hashed:
			v.rep.Erased++
		case covers(mayBeGone, g.number):
			v.broken = true
			v.rep.add(g.number, BadTree, fmt.Sprintf("The stored hash of entry %d is gone.", g.number))
		case g.number > cut:
			v.broken = true
		default:
			v.broken = true
			v.rep.add(g.number, Missing, fmt.Sprintf("Entry %d is gone.", g.number))
		}
	}
	if cut < v.size && !covers(mayBeGone, v.size) {
		v.rep.add(cut+1, CutBack, fmt.Sprintf("The signed head covers %d entries; those from %d on are gone.", v.size, cut+1))
	}
}

// judgeMisplaced tells rows that stand in another's place from rows that were changed, and both from a stored hash that
// was changed while the rows are right, as the signed root shows.
func (v *verifying) judgeMisplaced(rowsRight bool) {
	for _, f := range v.found {
		if rowsRight {
			v.rep.add(f.number, BadTree, fmt.Sprintf("The stored hash of entry %d is not that of its row.", f.number))
			continue
		}
		v.broken = true
		if other, ok := v.misplaced[f.have]; ok && other != f.number {
			v.rep.add(f.number, Swapped, fmt.Sprintf("The row of entry %d stands at %d.", other, f.number))
			continue
		}
		v.rep.add(f.number, Changed, fmt.Sprintf("Entry %d was changed after it was folded.", f.number))
	}
}
