package prove

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/rapporthq/rapport/person"
	"github.com/rapporthq/rapport/trust/ledger"
	"github.com/rapporthq/rapport/trust/vault"
)

// verify walks the ledger with everybody's keys, and finds the look under which this very check read everybody.
func verify(ctx context.Context, h Home, own ledger.Row, before int64) Result {
	r := Result{Check: Ledger}
	report, err := VerifyLedger(ctx, h)
	if err != nil {
		return Result{Check: Ledger, Failed: 1, Detail: "the ledger could not be read to its end"}
	}
	r.Cases, r.Failed = int(report.Size+report.Receipts), len(report.Problems)
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
	r.Detail = fmt.Sprintf("%d entries checked against the signed tree, %d of them with their keys; the look of this check is among them; %d receipts compared with their entries", report.Size, report.Keyed, report.Receipts)
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

// VerifyLedger brings receipts into the ledger, folds what waits and walks the ledger, with the key of every person of whom a row still tells, and compares it with heads that
// were kept elsewhere.
func VerifyLedger(ctx context.Context, h Home, kept ...ledger.Kept) (ledger.Report, error) {
	// A batch that somebody else has brought in meanwhile is in the ledger all the same.
	if h.Account != nil {
		if err := h.Account(ctx); err != nil && !errors.Is(err, vault.ErrStale) {
			return ledger.Report{}, err
		}
	}
	// When somebody else folds at the same moment, what waits is in the tree all the same. And nothing is folded into a tree that does not
	// agree with its head: the walk is what names the fault.
	if _, err := h.Ledger.Sequence(ctx); err != nil && !errors.Is(err, ledger.ErrMoved) && !errors.Is(err, ledger.ErrTree) {
		return ledger.Report{}, err
	}
	return h.Ledger.Verify(ctx, h.leafKeys, kept...)
}

// leafKeys are the keys of people's leaves, and the home's.
func (h Home) leafKeys(ctx context.Context, of []person.ID) (map[person.ID][]byte, error) {
	out := make(map[person.ID][]byte, len(of))
	people := make([]person.ID, 0, len(of))
	for _, id := range of {
		if !id.IsZero() {
			people = append(people, id)
		} else if k, err := h.Vault.Home().LeafKey(); err == nil {
			out[id] = k
		}
	}
	loaded, err := h.Store.Gate(ctx, people)
	if err != nil {
		return nil, err
	}
	for i, id := range people {
		ring, err := h.Vault.Key(id, loaded[i].Wrapped[id])
		if err != nil {
			continue // gone: only an erasure may say so
		}
		if k, err := ring.LeafKey(); err == nil {
			out[id] = k
		}
	}
	return out, nil
}
