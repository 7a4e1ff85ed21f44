package ledger

import (
	"context"
	"fmt"
	"math/bits"
	"runtime"
	"sync"

	"golang.org/x/mod/sumdb/tlog"

	"github.com/rapporthq/rapport/person"
)

// A walk goes in parts: each is read, hashed and checked by itself, with its whole subtree, by as many goroutines as there are processors; what
// was found is put together in the order of the entries.

const (
	partLevel = 12
	partSize  = 1 << partLevel // entries: a complete subtree, but for the last part
)

// part is what was found in the entries from … to.
type part struct {
	from, to int64
	err      error

	rows, keyed int64
	subtrees    []subtree           // complete ones over the entries, from left to right
	over        map[int64]tlog.Hash // stored hashes of larger subtrees, which end in this part
	notes       []Problem           // faults of single entries
	wrong       int64               // entry from which on inner hashes tell nothing, 0: none
	inner       []int64             // entries over which a stored hash is gone or wrong, before that
	broken      bool
	empties     []int64
	gone        []gone
	sweeps      []Row // sound entries of erasures and sweeps
	found       []found
	was         []tlog.Hash // stored hashes of those
}

type subtree struct {
	level int
	hash  tlog.Hash
}

// walk checks all entries that the head covers.
func (v *verifying) walk(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	workers := runtime.GOMAXPROCS(0)
	parts := int((v.size + partSize - 1) / partSize)
	slots := make([]chan *part, 2*workers) // the parts in their order, each in its turn
	for i := range slots {
		slots[i] = make(chan *part, 1)
	}
	free := make(chan struct{}, len(slots))
	var next int
	var mu sync.Mutex
	take := func() (int, bool) {
		select {
		case free <- struct{}{}:
		case <-ctx.Done():
			return 0, false
		}
		mu.Lock()
		defer mu.Unlock()
		next++
		return next - 1, next <= parts
	}
	var done sync.WaitGroup
	defer done.Wait()
	defer cancel() // before waiting
	for range min(workers, parts) {
		done.Add(1)
		go func() {
			defer done.Done()
			var w worker
			for i, ok := take(); ok; i, ok = take() {
				p := &part{from: int64(i)*partSize + 1, to: min(v.size, int64(i+1)*partSize)}
				p.err = w.check(ctx, v, p)
				slots[i%len(slots)] <- p
			}
		}()
	}
	for i := range parts {
		select {
		case p := <-slots[i%len(slots)]:
			<-free
			if p.err != nil {
				return p.err
			}
			if err := v.join(p); err != nil {
				return err
			}
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return nil
}

// join puts a part behind those before it.
func (v *verifying) join(p *part) error {
	v.rep.Rows += p.rows
	v.rep.Keyed += p.keyed
	for _, n := range p.notes {
		v.rep.add(n.Number, n.Fault, n.Says)
	}
	told := v.broken || len(v.found) > 0 || len(v.gone) > 0 // inner hashes tell nothing any more
	if !told {
		for _, n := range p.inner {
			v.inner(n)
		}
	}
	v.broken = v.broken || p.broken
	v.empties = append(v.empties, p.empties...)
	v.gone = append(v.gone, p.gone...)
	for i, f := range p.found {
		v.found, v.isFound[f.number] = append(v.found, f), true
		v.misplaced[p.was[i]] = f.number
	}
	for i := range p.sweeps {
		v.note(&p.sweeps[i])
	}
	for _, s := range p.subtrees {
		if err := v.grow(s, p, !told && p.wrong == 0); err != nil {
			return err
		}
	}
	return nil
}

func (v *verifying) inner(n int64) {
	v.rep.add(n, BadTree, fmt.Sprintf("A stored hash over entry %d is gone, or is not the hash of what is under it.", n))
}

// grow puts a complete subtree at the end of the tree, and compares the hashes of the larger ones that it completes.
func (v *verifying) grow(s subtree, p *part, compare bool) error {
	e := &v.edge
	h, level := s.hash, s.level
	for e.size>>level&1 == 1 {
		h, level = node(e.level[level], h), level+1
		if !compare || level <= partLevel {
			continue
		}
		end := e.size + 1<<s.level
		if was, there := p.over[tlog.StoredHashIndex(level, end>>level-1)]; !there || was != h {
			v.inner(end)
		}
	}
	e.level[level], e.have[level] = h, true
	e.size += 1 << s.level
	return nil
}

// worker checks parts, one after the other, in the same memory.
type worker struct {
	keys   map[person.ID][]byte // nil for who was forgotten
	bytes  []byte
	levels [partLevel + 1][]tlog.Hash // the hashes of the part's tree
}

// mostKeys bounds what a worker remembers: some 30 MB.
const mostKeys = 200_000

// check does one part.
func (w *worker) check(ctx context.Context, v *verifying, p *part) error {
	rows, err := v.rowsOf(ctx, p)
	if err != nil {
		return err
	}
	if err := w.learn(ctx, v, rows); err != nil {
		return err
	}
	first, stored, there, err := v.storedOf(ctx, p.from, p.to)
	if err != nil {
		return err
	}
	has := func(index int64) bool { return there == nil || there[index-first] }
	for l := range w.levels {
		w.levels[l] = w.levels[l][:0]
	}
	i := 0
	for n := p.from; n <= p.to; n++ {
		var row *Row
		if i < len(rows) && rows[i].Number == n {
			row = &rows[i]
			i++
		}
		at := tlog.StoredHashIndex(0, n-1)
		was, hashed := stored[at-first], has(at)
		h := was
		if row == nil {
			p.gone = append(p.gone, gone{n, hashed})
		} else {
			p.rows++
			h = w.record(row)
			w.compare(v, p, row, h, was, hashed)
		}
		w.levels[0] = append(w.levels[0], h)
		if p.wrong == 0 && (p.broken || len(p.found) > 0 || len(p.gone) > 0) {
			p.wrong = n
		}
		// The subtrees that this entry completes.
		for l, k := 0, n-p.from+1; k&1 == 0 && l < partLevel; l, k = l+1, k>>1 {
			below := w.levels[l]
			h := node(below[len(below)-2], below[len(below)-1])
			w.levels[l+1] = append(w.levels[l+1], h)
			if at := at + int64(l) + 1; p.wrong == 0 && (!has(at) || stored[at-first] != h) {
				p.inner = append(p.inner, n)
			}
		}
		for l := partLevel + 1; l <= bits.TrailingZeros64(uint64(n)); l++ { // larger ones are compared when what is before them is known
			if at := at + int64(l); has(at) {
				if p.over == nil {
					p.over = map[int64]tlog.Hash{}
				}
				p.over[at] = stored[at-first]
			}
		}
	}
	count := p.to - p.from + 1
	for l := partLevel; l >= 0; l-- {
		if count>>l&1 == 1 {
			p.subtrees = append(p.subtrees, subtree{l, w.levels[l][len(w.levels[l])-1]})
		}
	}
	return nil
}

// compare checks one row: its hash with the stored one, its leaf with its person's key, its time with the heads that were kept before it.
func (w *worker) compare(v *verifying, p *part, row *Row, h, was tlog.Hash, hashed bool) {
	n, sound := row.Number, true
	key := w.keys[row.Of]
	switch {
	case key != nil && w.leaf(row, key) == row.Leaf:
		p.keyed++
		if row.Kind == KindErasure || row.Kind == KindRetention || row.Kind == KindReceipts {
			p.sweeps = append(p.sweeps, *row)
		}
	case key != nil && !row.Of.IsZero():
		sound = false
	default: // sound only if an erasure covers it
		p.empties = append(p.empties, n)
	}
	switch {
	case !hashed:
		p.notes = append(p.notes, Problem{n, BadTree, fmt.Sprintf("The stored hash of entry %d is gone.", n)})
	case was != h:
		p.found = append(p.found, found{n, h})
		p.was = append(p.was, was)
	}
	if !sound && (!hashed || was == h) {
		p.broken = true
		p.notes = append(p.notes, Problem{n, Changed, fmt.Sprintf("Entry %d is not what its person's key sealed.", n)})
	}
	if floor := v.floor(n); floor != 0 && row.At < floor.Add(-slow) {
		p.notes = append(p.notes, Problem{n, Backdated, fmt.Sprintf("Entry %d says that it was made%s, and a head that was kept elsewhere%s does not cover it: it was made later, or the clock was wrong.", n, when(row.At), when(floor))})
	}
}

// rowsOf reads a part's rows. Of several of one number all but the first are named.
func (v *verifying) rowsOf(ctx context.Context, p *part) ([]Row, error) {
	var out []Row
	for next := p.from; next <= p.to; {
		limit := int(p.to - next + 1)
		rows, err := v.l.store.Rows(ctx, next, limit)
		if err != nil {
			return nil, err
		}
		if out == nil && len(rows) == limit && rows[limit-1].Number == p.to {
			return rows, nil // nothing is missing and nothing double, or it would not be just that many
		}
		for _, r := range rows {
			switch {
			case r.Number > p.to:
			case len(out) > 0 && out[len(out)-1].Number == r.Number:
				p.notes = append(p.notes, Problem{r.Number, Added, fmt.Sprintf("There are two rows with the number %d.", r.Number)})
				p.broken = true
			default:
				out = append(out, r)
			}
		}
		if len(rows) < limit {
			break
		}
		next = rows[len(rows)-1].Number + 1
	}
	return out, nil
}

// learn gets the keys of a part's people.
func (w *worker) learn(ctx context.Context, v *verifying, rows []Row) error {
	if len(w.keys) > mostKeys || w.keys == nil {
		w.keys = map[person.ID][]byte{}
	}
	var of []person.ID
	for i := range rows {
		if _, known := w.keys[rows[i].Of]; !known {
			w.keys[rows[i].Of] = nil
			of = append(of, rows[i].Of)
		}
	}
	if len(of) == 0 {
		return nil
	}
	keys, err := v.keys(ctx, of)
	for id, key := range keys {
		w.keys[id] = key
	}
	return err
}

// storedOf reads the hashes that were stored with these entries, those over them included, from the index first on; there says which there
// are, nil when all.
func (v *verifying) storedOf(ctx context.Context, from, to int64) (first int64, stored []tlog.Hash, there []bool, err error) {
	first = tlog.StoredHashIndex(0, from-1)
	indexes := make([]int64, tlog.StoredHashCount(to)-first)
	for i := range indexes {
		indexes[i] = first + int64(i)
	}
	if stored, err = v.l.store.Hashes(ctx, indexes); err == nil && len(stored) == len(indexes) {
		return first, stored, nil, nil
	}
	stored, there = make([]tlog.Hash, len(indexes)), make([]bool, len(indexes))
	for i, x := range indexes { // one of them is gone: find which
		if h, err := v.l.store.Hashes(ctx, []int64{x}); err == nil && len(h) == 1 {
			stored[i], there[i] = h[0], true
		}
	}
	return first, stored, there, ctx.Err()
}
