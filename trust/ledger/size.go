package ledger

import (
	"context"
	"slices"
)

// Size is how many entries the signed head covers, and how many rows wait to be folded (up to a thousand). An error means that the
// head is not signed by this home's key, or that the store cannot be read. It does not walk the tree: Verify does.
func (l *Ledger) Size(ctx context.Context) (entries int64, waiting int, err error) {
	signed, err := l.store.Head(ctx)
	if err != nil {
		return 0, 0, err
	}
	h, err := l.readHead(signed)
	if err != nil {
		return 0, 0, err
	}
	rows, err := l.store.Pending(ctx, 1000)
	return h.size, len(rows), err
}

// Latest gives the looks among the last n numbered entries, the newest first, as their rows: sealed reasons stay sealed.
func (l *Ledger) Latest(ctx context.Context, n int) ([]Row, error) {
	size, _, err := l.Size(ctx)
	if err != nil {
		return nil, err
	}
	rows, err := l.store.Rows(ctx, max(1, size-int64(n)+1), n)
	if err != nil {
		return nil, err
	}
	rows = slices.DeleteFunc(rows, func(r Row) bool { return r.Kind != KindLook })
	slices.Reverse(rows)
	return rows, nil
}
