package ledger

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sort"
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

	latest person.Instant // when the latest of those up to this one was made
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
		out = append(out, known{Kept: k, head: h, bad: err != nil})
	}
	slices.SortStableFunc(out, func(a, b known) int { return int(min(1, max(-1, a.head.size-b.head.size))) })
	for i := range out {
		if i > 0 {
			out[i].latest = out[i-1].latest
		}
		if !out[i].bad {
			out[i].latest = max(out[i].latest, out[i].At)
		}
	}
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
		p, err := v.l.compare(ctx, v.size, k)
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

// floor is when the latest of the kept heads that do not cover an entry was made.
func (v *verifying) floor(n int64) (at person.Instant) {
	i := sort.Search(len(v.known), func(i int) bool { return v.known[i].head.size >= n })
	if i > 0 {
		at = v.known[i-1].latest
	}
	return at
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
