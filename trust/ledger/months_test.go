package ledger_test

import (
	"context"
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/rapporthq/rapport/trust/ledger"
)

func TestMonths(t *testing.T) {
	h := filled(t, 96) // an hour apart from 30 March noon: three months' ends would be too slow to wait for
	got, err := h.ledger.Months(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	sum := map[string]int{}
	for _, m := range got {
		if m.Actor == "" {
			sum[m.Month+m.Team] += m.Looks
			if m.Month == "2026-04" && m.Before == 0 {
				t.Error("no trend")
			}
		}
		if m.Actor == "learn" && m.People != 120*m.Looks {
			t.Errorf("%+v", m)
		}
	}
	if d := cmp.Diff(map[string]int{"2026-03": 6, "2026-03care": 30, "2026-04": 10, "2026-04care": 50}, sum); d != "" {
		t.Error(d)
	}
}

// counting counts the rows that are read, and fails when it is told to.
type counting struct {
	ledger.Store
	read   int
	failed bool
}

func (c *counting) Rows(ctx context.Context, from int64, limit int) ([]ledger.Row, error) {
	if c.failed {
		return nil, errors.New("not now")
	}
	rows, err := c.Store.Rows(ctx, from, limit)
	c.read += len(rows)
	return rows, err
}

func TestMonthsReadOnlyWhatCameSince(t *testing.T) {
	h := filled(t, 40)
	store := &counting{Store: h.store}
	l, err := ledger.New(store, "", h.public)
	if err != nil {
		t.Fatal(err)
	}
	months := func(l *ledger.Ledger) []ledger.Month {
		t.Helper()
		list, err := l.Months(context.Background())
		if err != nil {
			t.Fatal(err)
		}
		return list
	}
	months(l)
	if store.read != 40 {
		t.Errorf("%d of 40 rows were read", store.read)
	}
	for i := range 90 {
		h.look(i%6-1, 40+i)
	}
	months(l) // not numbered yet
	h.sequence()
	store.failed = true
	if _, err := l.Months(context.Background()); err == nil {
		t.Error("rows that cannot be read are not missed")
	}
	store.failed = false
	got := months(l)
	if store.read != 130 {
		t.Errorf("%d rows were read of 130", store.read)
	}
	fresh, err := ledger.New(h.store, "", h.public)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(months(fresh), got); d != "" {
		t.Errorf("counted bit by bit it is not as counted at once:\n%s", d)
	}
	if d := cmp.Diff(got, months(l)); d != "" {
		t.Errorf("asked again:\n%s", d)
	}
}
