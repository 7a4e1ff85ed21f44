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

const verifyAtOnce = 1000

// Verify walks the whole ledger: it makes every row's leaf again with its key, the tree again from the rows, and compares with
// the stored hashes and the signed head. leafKey gives the key of a row by its Of (the home's when that is zero), false when the person is gone.
// known are heads that were signed before and kept elsewhere: the ledger must contain each, and no entry after one may be older; without
// any, a ledger that was put back whole to an earlier state, head and all, looks right, and so does one that who holds all keys made anew.
//
// What it finds is in the Report; the error is only for a store that cannot be read.
func (l *Ledger) Verify(ctx context.Context, leafKey func(Row) ([]byte, bool), known ...Kept) (Report, error) {
	v := verifying{l: l, leafKey: leafKey, misplaced: map[tlog.Hash]int64{}, isFound: map[int64]bool{}, known: l.readKept(known)}
	rep := &v.rep
	signed, err := l.store.Head(ctx)
	if err != nil {
		return Report{}, err
	}
	waiting, err := l.store.Pending(ctx, verifyAtOnce)
	if err != nil {
		return Report{}, err
	}
	rep.Waiting = len(waiting)
	h, err := l.readHead(signed)
	trusted := err == nil
	if !trusted {
		rep.add(0, BadSignature, "The signed head is damaged or signed by another key: compare with a head that was kept elsewhere.")
	}
	v.size, v.trusted = h.size, trusted
	if err := v.walk(ctx); err != nil {
		return Report{}, err
	}
	root, err := v.edge.root()
	if err != nil {
		return Report{}, err
	}
	rowsRight := trusted && v.edge.size == h.size && root == h.root
	v.judgeEmpties()
	v.judgeMisplaced(rowsRight)
	rep.Size = v.edge.size
	if trusted {
		rep.Size = h.size
	}
	if trusted && !rowsRight && !v.broken {
		rep.add(0, BadRoot, "The rows and stored hashes agree with each other and not with the signed head: they were replaced together.")
	}
	if err := v.compareAll(ctx); err != nil {
		return Report{}, err
	}
	sort.SliceStable(rep.Problems, func(i, j int) bool { return rep.Problems[i].Number < rep.Problems[j].Number })
	return v.rep, nil
}

// verifying is one walk.
type verifying struct {
	l       *Ledger
	leafKey func(Row) ([]byte, bool)
	rep     Report
	size    int64 // by the signed head
	trusted bool
	edge    edge // the tree made again from the rows
	broken  bool // a row or hash was found wrong: the root cannot be right

	empties   []int64             // rows whose leaf cannot be made for want of a person
	gone      []gone              // numbers without a row
	erasures  []erasure           // what may be empty or gone
	misplaced map[tlog.Hash]int64 // hash that the store has at a number whose row has another
	known     []known             // heads that were kept elsewhere, the smaller first
	passed    int                 // how many of them the walk has left behind
	floor     person.Instant      // when the latest of those was made
	found     []found             // those rows
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

// walk reads all rows in order.
func (v *verifying) walk(ctx context.Context) error {
	next := int64(1)
	for {
		rows, err := v.l.store.Rows(ctx, next, verifyAtOnce+1)
		if err != nil {
			return err
		}
		// The numbers of this batch, with those that are missing between.
		var batch []Row
		have := map[int64]bool{}
		upTo := next + verifyAtOnce - 1
		if n := len(rows); n > 0 {
			upTo = min(upTo, max(next, rows[n-1].Number))
		} else {
			upTo = min(upTo, v.size)
		}
		for _, r := range rows {
			switch {
			case r.Number < next || have[r.Number]:
				v.rep.add(r.Number, Added, fmt.Sprintf("There are two rows with the number %d.", r.Number))
				v.broken = true
			case r.Number <= upTo:
				have[r.Number] = true
				batch = append(batch, r)
			}
		}
		if next > upTo {
			return nil
		}
		if err := v.check(ctx, next, upTo, batch); err != nil {
			return err
		}
		next = upTo + 1
	}
}

// check compares the rows numbered from … to with the stored hashes, and adds them to the tree.
func (v *verifying) check(ctx context.Context, from, to int64, rows []Row) error {
	covered := to
	if v.trusted {
		covered = min(to, v.size)
	}
	stored, err := v.stored(ctx, from, covered)
	if err != nil {
		return err
	}
	i := 0
	for n := from; n <= to; n++ {
		var row *Row
		if i < len(rows) && rows[i].Number == n {
			row = &rows[i]
			i++
		}
		if n > covered {
			if row != nil {
				v.rep.add(n, Added, fmt.Sprintf("Row %d lies beyond the signed head, which covers %d.", n, v.size))
			}
			continue
		}
		was, there := stored[tlog.StoredHashIndex(0, n-1)]
		h := was
		if row == nil {
			v.gone = append(v.gone, gone{n, there})
		} else {
			v.rep.Rows++
			h = record(*row)
			sound := v.keyed(row)
			switch {
			case !there:
				v.rep.add(n, BadTree, fmt.Sprintf("The stored hash of entry %d is gone.", n))
			case was != h:
				v.misplaced[was] = n
				v.found = append(v.found, found{n, h})
				v.isFound[n] = true
			}
			if !sound && (!there || was == h) {
				v.broken = true
				v.rep.add(n, Changed, fmt.Sprintf("Entry %d is not what its person's key sealed.", n))
			}
			v.note(row)
			v.dated(row)
		}
		if err := v.grow(n, h, stored); err != nil {
			return err
		}
	}
	return nil
}

// stored reads the hashes that were stored for these entries, those over them included. One that is gone is left out.
func (v *verifying) stored(ctx context.Context, from, to int64) (map[int64]tlog.Hash, error) {
	out := map[int64]tlog.Hash{}
	if to < from {
		return out, nil
	}
	var indexes []int64
	for i := tlog.StoredHashIndex(0, from-1); i < tlog.StoredHashCount(to); i++ {
		indexes = append(indexes, i)
	}
	hashes, err := v.l.store.Hashes(ctx, indexes)
	if err == nil && len(hashes) == len(indexes) {
		for i, x := range indexes {
			out[x] = hashes[i]
		}
		return out, nil
	}
	for _, x := range indexes { // one of them is gone: find which
		if h, err := v.l.store.Hashes(ctx, []int64{x}); err == nil && len(h) == 1 {
			out[x] = h[0]
		}
	}
	return out, ctx.Err()
}

// grow adds a record to the tree and compares the hashes over it with the stored ones, until a row is found wrong.
func (v *verifying) grow(n int64, h tlog.Hash, stored map[int64]tlog.Hash) error {
	hashes, err := v.edge.add(h)
	if err != nil {
		return err
	}
	if v.broken || len(v.found) > 0 || len(v.gone) > 0 {
		return nil
	}
	for _, x := range hashes[1:] {
		if was, there := stored[x.Index]; !there || was != x.Hash {
			v.rep.add(n, BadTree, fmt.Sprintf("A stored hash over entry %d is gone, or is not the hash of what is under it.", n))
		}
	}
	return nil
}

// keyed makes the row's leaf again. A row whose key is not to be had is set aside: it is sound only if an erasure covers it.
func (v *verifying) keyed(r *Row) bool {
	if key, ok := v.leafKey(*r); ok {
		if leaf(*r, key) == r.Leaf {
			v.rep.Keyed++
			return true
		}
		if !r.Of.IsZero() {
			return false
		}
	}
	v.empties = append(v.empties, r.Number)
	return true
}

// note keeps what an erasure or a sweep allows to be empty. It counts only if its own leaf is right, which keyed has seen to.
func (v *verifying) note(r *Row) {
	if r.Kind != KindErasure && r.Kind != KindRetention {
		return
	}
	if n := len(v.empties); n > 0 && v.empties[n-1] == r.Number {
		return // not sealed by the home: it allows nothing
	}
	if v.isFound[r.Number] {
		return
	}
	spans, err := parseNumbers(r.Filter)
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
