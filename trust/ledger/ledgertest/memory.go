// Package ledgertest is the ledger's store in memory, for tests, and the way to tamper with it.
// It keeps nothing and promises nothing to a home.
package ledgertest

import (
	"context"
	"fmt"
	"sort"
	"sync"

	"golang.org/x/mod/sumdb/tlog"

	"github.com/rapporthq/rapport/person"
	"github.com/rapporthq/rapport/trust/ledger"
)

// Memory is a ledger.Store in memory. Its fields are open so that a test can tamper with what a thief could.
type Memory struct {
	mu      sync.Mutex
	Entries []ledger.Waiting       // in the order in which they were committed; numbered ones have their Row.Number
	Kept    []ledger.Receipt       // by number
	Stored  map[int64]tlog.Hash    // hashes by index
	Signed  []byte                 // the head
	Fail    error                  // when set, every call fails with it
	Before  func(f ledger.Folding) // called before a Fold, to come between
	next    int64
}

// Add commits rows, as vault.Store does with the looks of a read.
func (m *Memory) Add(rows ...ledger.Row) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, r := range rows {
		m.next++
		m.Entries = append(m.Entries, ledger.Waiting{ID: m.next, Row: r})
	}
}

// Clone is a copy that can be tampered with apart.
func (m *Memory) Clone() *Memory {
	m.mu.Lock()
	defer m.mu.Unlock()
	c := &Memory{Entries: append([]ledger.Waiting(nil), m.Entries...), Kept: append([]ledger.Receipt(nil), m.Kept...), Stored: map[int64]tlog.Hash{}, Signed: append([]byte(nil), m.Signed...), next: m.next}
	for i := range c.Entries {
		c.Entries[i].Row.Reason = append([]byte(nil), c.Entries[i].Row.Reason...)
	}
	for k, v := range m.Stored {
		c.Stored[k] = v
	}
	return c
}

// Pending is ledger.Store's.
func (m *Memory) Pending(_ context.Context, limit int) ([]ledger.Waiting, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	var out []ledger.Waiting
	for _, e := range m.Entries {
		if e.Row.Number == 0 && len(out) < limit {
			out = append(out, e)
		}
	}
	return out, m.Fail
}

// Fold is ledger.Store's.
func (m *Memory) Fold(_ context.Context, f ledger.Folding) error {
	if m.Before != nil {
		m.Before(f)
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.Fail != nil {
		return m.Fail
	}
	top, at := int64(0), map[int64]int{}
	for i, e := range m.Entries {
		top = max(top, e.Row.Number)
		at[e.ID] = i
	}
	if top != f.First-1 {
		return ledger.ErrMoved
	}
	for _, w := range f.Rows {
		if i, ok := at[w.ID]; !ok || m.Entries[i].Row.Number != 0 {
			return ledger.ErrMoved
		}
	}
	for _, w := range f.Rows {
		m.Entries[at[w.ID]].Row.Number = w.Row.Number
	}
	if m.Stored == nil {
		m.Stored = map[int64]tlog.Hash{}
	}
	for _, h := range f.Hashes {
		m.Stored[h.Index] = h.Hash
	}
	m.Signed = f.Head
	return nil
}

// Head is ledger.Store's.
func (m *Memory) Head(context.Context) ([]byte, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.Signed, m.Fail
}

// Hashes is ledger.Store's.
func (m *Memory) Hashes(_ context.Context, indexes []int64) ([]tlog.Hash, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	out := make([]tlog.Hash, len(indexes))
	for i, x := range indexes {
		h, ok := m.Stored[x]
		if !ok {
			return nil, fmt.Errorf("ledgertest: no hash at %d", x)
		}
		out[i] = h
	}
	return out, m.Fail
}

// Rows is ledger.Store's.
func (m *Memory) Rows(_ context.Context, from int64, limit int) ([]ledger.Row, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	var out []ledger.Row
	for _, e := range m.Entries {
		if e.Row.Number >= from && e.Row.Number > 0 {
			out = append(out, e.Row)
		}
	}
	sort.SliceStable(out, func(i, j int) bool { return out[i].Number < out[j].Number })
	if len(out) > limit {
		out = out[:limit]
	}
	return out, m.Fail
}

// Receipts is ledger.Store's.
func (m *Memory) Receipts(_ context.Context, from int64, limit int) ([]ledger.Receipt, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	var out []ledger.Receipt
	for _, r := range m.Kept {
		if r.Number >= from && len(out) < limit {
			out = append(out, r)
		}
	}
	return out, m.Fail
}

// Looks is ledger.Store's.
func (m *Memory) Looks(_ context.Context, of []person.ID, limit int) ([]ledger.Row, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	var out []ledger.Row
	for i := len(m.Entries) - 1; i >= 0 && len(out) < limit; i-- {
		r := m.Entries[i].Row
		if r.Kind != ledger.KindLook {
			continue
		}
		for _, id := range append([]person.ID{{}}, of...) {
			if r.Of == id {
				out = append(out, r)
				break
			}
		}
	}
	return out, m.Fail
}
