package ledger

import "context"

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
