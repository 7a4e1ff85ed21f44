package prove

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/rapporthq/rapport/person"
	"github.com/rapporthq/rapport/trust/ledger"
)

// verify walks the ledger with everybody's keys, and finds the look under which this very check read everybody.
func verify(ctx context.Context, h Home, own ledger.Row, before int64) Result {
	r := Result{Check: Ledger}
	report, err := VerifyLedger(ctx, h)
	if err != nil {
		return Result{Check: Ledger, Failed: 1, Detail: "the ledger could not be read to its end"}
	}
	r.Cases, r.Failed = int(report.Size), len(report.Problems)
	var said []string
	for i, p := range report.Problems {
		if i == 10 {
			said = append(said, "…")
			break
		}
		said = append(said, fmt.Sprintf("entry %d: %s", p.Number, p.Fault))
	}
	if found, err := recorded(ctx, h, own, before); err != nil || !found {
		r.Failed++
		said = append(said, "the look under which this check has read everybody was not recorded")
	}
	r.Detail = fmt.Sprintf("%d entries checked against the signed tree, %d of them with their keys; the look of this check is among them", report.Size, report.Keyed)
	if len(said) > 0 {
		r.Detail = fmt.Sprintf("%d entries checked against the signed tree; %s", report.Size, strings.Join(said, "; "))
	}
	return r.needsCases()
}

// recorded looks for a row among the entries from before on, by its keyed hash.
func recorded(ctx context.Context, h Home, own ledger.Row, before int64) (bool, error) {
	size, _, err := h.Ledger.Size(ctx)
	if err != nil {
		return false, err
	}
	for n := size; n > before; n-- {
		proof, err := h.Ledger.Prove(ctx, n)
		if err != nil {
			return false, err
		}
		row := own
		row.Number = n
		if h.Ledger.CheckRow(proof, row) == nil {
			return true, nil
		}
	}
	return false, nil
}

// VerifyLedger folds what waits and walks the ledger, with the key of every person of whom a row still tells, and compares it with heads that
// were kept elsewhere.
func VerifyLedger(ctx context.Context, h Home, kept ...ledger.Kept) (ledger.Report, error) {
	// When somebody else folds at the same moment, what waits is in the tree all the same. And nothing is folded into a tree that does not
	// agree with its head: the walk is what names the fault.
	if _, err := h.Ledger.Sequence(ctx); err != nil && !errors.Is(err, ledger.ErrMoved) && !errors.Is(err, ledger.ErrTree) {
		return ledger.Report{}, err
	}
	keys := map[person.ID][]byte{}
	return h.Ledger.Verify(ctx, func(row ledger.Row) ([]byte, bool) {
		if row.Of.IsZero() {
			k, err := h.Vault.Home().LeafKey()
			return k, err == nil
		}
		if k, ok := keys[row.Of]; ok {
			return k, k != nil
		}
		keys[row.Of] = nil
		loaded, err := h.Store.Load(ctx, row.Of)
		if err != nil {
			return nil, false
		}
		ring, err := h.Vault.Key(row.Of, loaded.Wrapped[row.Of])
		if err != nil {
			return nil, false
		}
		k, err := ring.LeafKey()
		if err != nil {
			return nil, false
		}
		keys[row.Of] = k
		return k, true
	}, kept...)
}
