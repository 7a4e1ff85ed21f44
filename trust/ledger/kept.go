package ledger

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"golang.org/x/mod/sumdb/tlog"

	"github.com/rapporthq/rapport/person"
)

// Kept is a signed head that was kept outside the home: see the package anchor.
type Kept struct {
	Head  []byte
	At    person.Instant // when, by the clock of where it is kept; 0: not known
	Where string
}

// known is a kept head, read.
type known struct {
	Kept
	head head
	bad  bool
}

// slow is how long a look may wait for its number: an entry that is older than a head before it by more was not made when it says.
const slow = time.Hour

// readKept reads heads, the smaller first; equal ones are one, the earliest.
func (l *Ledger) readKept(kept []Kept) []known {
	out := make([]known, 0, len(kept))
	seen := map[string]bool{}
	for _, k := range kept {
		if seen[string(k.Head)] {
			continue
		}
		seen[string(k.Head)] = true
		h, err := l.readHead(k.Head)
		out = append(out, known{k, h, err != nil})
	}
	slices.SortStableFunc(out, func(a, b known) int { return int(min(1, max(-1, a.head.size-b.head.size))) })
	return out
}

// Compare says how the ledger does not contain a head that was kept elsewhere; nil when it does. The error is for a store that cannot be read.
func (l *Ledger) Compare(ctx context.Context, kept Kept) (*Problem, error) {
	signed, err := l.store.Head(ctx)
	if err != nil {
		return nil, err
	}
	h, err := l.readHead(signed)
	if err != nil {
		return &Problem{0, BadSignature, "The signed head is damaged or signed by another key."}, nil
	}
	return l.compare(ctx, h.size, l.readKept([]Kept{kept})[0])
}

// compare looks whether a ledger of that many entries contains a head.
func (l *Ledger) compare(ctx context.Context, size int64, k known) (*Problem, error) {
	switch {
	case k.bad:
		return &Problem{0, BadSignature, fmt.Sprintf("A head that was kept in %s is damaged or signed by another key.", k.Where)}, nil
	case k.head.size > size:
		return &Problem{size + 1, CutBack, fmt.Sprintf("A head that was kept in %s%s covers %d entries; the ledger has %d.", k.Where, when(k.At), k.head.size, size)}, nil
	}
	e, err := l.loadEdge(ctx, k.head.size)
	if err != nil && !errors.Is(err, ErrTree) {
		return nil, err
	}
	var root tlog.Hash
	if err == nil {
		root, err = e.root()
	}
	if err == nil && root == k.head.root {
		return nil, nil
	}
	return &Problem{0, Forked, fmt.Sprintf("The first %d entries are not those over which a head was signed that was kept in %s%s.", k.head.size, k.Where, when(k.At))}, nil
}

func when(at person.Instant) string {
	if at == 0 {
		return ""
	}
	return " on " + at.Time().UTC().Format("2 January 2006 15:04 UTC")
}

// compareAll checks the ledger against every head that was kept elsewhere, and names the first of each kind of fault.
func (v *verifying) compareAll(ctx context.Context) error {
	named := map[Fault]bool{}
	for _, k := range v.known {
		p, err := v.l.compare(ctx, v.edge.size, k)
		if err != nil {
			return err
		}
		if p != nil && !named[p.Fault] {
			named[p.Fault] = true
			v.rep.add(p.Number, p.Fault, p.Says)
		}
		v.rep.Heads++
	}
	return nil
}

// dated looks whether an entry is older than a head that does not cover it.
func (v *verifying) dated(r *Row) {
	for v.passed < len(v.known) && v.known[v.passed].head.size < r.Number {
		if k := &v.known[v.passed]; !k.bad {
			v.floor = max(v.floor, k.At)
		}
		v.passed++
	}
	if v.floor != 0 && r.At < v.floor.Add(-slow) {
		v.rep.add(r.Number, Backdated, fmt.Sprintf("Entry %d says that it was made%s, and a head that was kept elsewhere%s does not cover it: it was made later, or the clock was wrong.", r.Number, when(r.At), when(v.floor)))
	}
}

// Growth is the signed head, its size, and the proof that the first old entries of its tree are those of the tree of that size. old is not
// greater than the size, or the proof is empty.
func (l *Ledger) Growth(ctx context.Context, old int64) (signed []byte, size int64, proof tlog.TreeProof, err error) {
	if signed, err = l.store.Head(ctx); err != nil {
		return nil, 0, nil, err
	}
	h, err := l.readHead(signed)
	if err != nil {
		return nil, 0, nil, fmt.Errorf("%w (%w)", ErrTree, err)
	}
	if old > 0 && old < h.size {
		proof, err = tlog.ProveTree(h.size, old, reader{ctx, l.store})
	}
	return signed, h.size, proof, err
}
