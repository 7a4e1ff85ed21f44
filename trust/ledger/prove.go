package ledger

import (
	"context"
	"errors"
	"fmt"

	"golang.org/x/mod/sumdb/tlog"
)

// Proof shows that an entry is in the ledger over which Head was signed, to who has the ledger's public key, the row and no more.
type Proof struct {
	Number int64
	Size   int64
	Record tlog.Hash // the entry's hash in the tree
	Hashes tlog.RecordProof
	Head   []byte
}

// Extension shows that the ledger under Newer contains the one under Older, entry by entry.
type Extension struct {
	Older, Newer []byte
	Hashes       tlog.TreeProof
}

// reader reads the store's hashes for tlog.
type reader struct {
	ctx   context.Context
	store Store
}

func (r reader) ReadHashes(indexes []int64) ([]tlog.Hash, error) {
	return r.store.Hashes(r.ctx, indexes)
}

// ErrNumber says that the ledger has no such entry under its signed head.
var ErrNumber = errors.New("the ledger has no entry of this number: rows are folded within a second of the look")

// Prove makes the proof for an entry under the current head.
func (l *Ledger) Prove(ctx context.Context, number int64) (Proof, error) {
	signed, err := l.store.Head(ctx)
	if err != nil {
		return Proof{}, err
	}
	h, err := l.readHead(signed)
	if err != nil {
		return Proof{}, fmt.Errorf("%w (%w)", ErrTree, err)
	}
	if number < 1 || number > h.size {
		return Proof{}, ErrNumber
	}
	rows, err := l.store.Rows(ctx, number, 1)
	if err != nil {
		return Proof{}, err
	}
	var rec tlog.Hash
	if len(rows) == 1 && rows[0].Number == number {
		rec = record(rows[0])
	} else { // its time is over: the hash is what is left of it
		hashes, err := l.store.Hashes(ctx, []int64{tlog.StoredHashIndex(0, number-1)})
		if err != nil || len(hashes) != 1 {
			return Proof{}, ErrTree
		}
		rec = hashes[0]
	}
	hashes, err := tlog.ProveRecord(h.size, number-1, reader{ctx, l.store})
	if err != nil {
		return Proof{}, err
	}
	p := Proof{Number: number, Size: h.size, Record: rec, Hashes: hashes, Head: signed}
	if err := l.Check(p); err != nil {
		return Proof{}, ErrTree
	}
	return p, nil
}

// Check checks a proof with nothing but the ledger's public key.
func (l *Ledger) Check(p Proof) error {
	h, err := l.readHead(p.Head)
	if err != nil {
		return err
	}
	if p.Size != h.size {
		return errors.New("the proof is for a ledger of another size than its head")
	}
	if err := tlog.CheckRecord(p.Hashes, h.size, h.root, p.Number-1, p.Record); err != nil {
		return errors.New("the entry is not in the ledger over which this head was signed")
	}
	return nil
}

// CheckRow checks that the proof is of this row, as it is shown, and the proof itself.
func (l *Ledger) CheckRow(p Proof, r Row) error {
	if record(r) != p.Record {
		return errors.New("the row is not the one that is proved")
	}
	return l.Check(p)
}

// Extends makes the proof that the ledger contains an older one, by its signed head.
func (l *Ledger) Extends(ctx context.Context, older []byte) (Extension, error) {
	o, err := l.readHead(older)
	if err != nil {
		return Extension{}, err
	}
	signed, err := l.store.Head(ctx)
	if err != nil {
		return Extension{}, err
	}
	h, err := l.readHead(signed)
	if err != nil {
		return Extension{}, fmt.Errorf("%w (%w)", ErrTree, err)
	}
	x := Extension{Older: older, Newer: signed}
	if o.size > h.size {
		return Extension{}, errors.New("the ledger is shorter than the older head: it was cut back")
	}
	if o.size > 0 && o.size < h.size {
		if x.Hashes, err = tlog.ProveTree(h.size, o.size, reader{ctx, l.store}); err != nil {
			return Extension{}, err
		}
	}
	return x, l.CheckExtension(x)
}

// CheckExtension checks such a proof with nothing but the ledger's public key.
func (l *Ledger) CheckExtension(x Extension) error {
	o, err := l.readHead(x.Older)
	if err != nil {
		return err
	}
	n, err := l.readHead(x.Newer)
	if err != nil {
		return err
	}
	switch {
	case o.size == 0:
		return nil
	case o.size == n.size && o.root == n.root:
		return nil
	case o.size < n.size && tlog.CheckTree(x.Hashes, n.size, n.root, o.size, o.root) == nil:
		return nil
	}
	return errors.New("the newer ledger does not contain the older one: it was cut back or rewritten")
}
