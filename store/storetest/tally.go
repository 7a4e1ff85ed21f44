package storetest

import (
	"testing"

	"github.com/rapporthq/rapport/know/tally"
	"github.com/rapporthq/rapport/store"
	"github.com/rapporthq/rapport/trust/ledger"
	"github.com/rapporthq/rapport/trust/vault"
)

func tallies(t *testing.T, h *Home) {
	s := h.Open(t)
	day := Noon.Day()
	old := tally.Count{Day: day - 1, Kind: tally.Events, N: 7}
	one := tally.Count{Day: day, Kind: tally.Decisions, Name: "generic", N: 2}
	must(t, s.AddTally(ctx, []tally.Count{old, one}))
	must(t, s.AddTally(ctx, []tally.Count{one, one}))
	must(t, s.AddTally(ctx, nil))
	must(t, s.Close())
	s = h.Open(t)
	one.N = 6
	got, err := s.Tally(ctx, day)
	must(t, err)
	if len(got) != 1 || got[0] != one {
		t.Fatal(got)
	}
	if got, err = s.Tally(ctx, day-1); err != nil || len(got) != 2 {
		t.Fatal(got, err)
	}
	census := tally.Count{Day: day, Kind: tally.Census, Name: "tills\x1femail\x1fkept", N: 5}
	less := census
	less.N = -2
	must(t, s.AddTally(ctx, []tally.Count{census}))
	must(t, s.AddTally(ctx, []tally.Count{less}))
	census.N = 3
	if got, err = s.TallyOf(ctx, tally.Census, day); err != nil || len(got) != 1 || got[0] != census {
		t.Fatal("the census", got, err)
	}
	if got, err = s.TallyOf(ctx, tally.Census, day+1); err != nil || len(got) != 0 {
		t.Fatal("the census of another day", got, err)
	}
	if got, err = s.Tally(ctx, day-1); err != nil || len(got) != 2 {
		t.Fatal("the other counts", got, err)
	}
	if _, err := s.Sweep(ctx, store.SweepRules{Refusals: Noon}); err != nil {
		t.Fatal(err)
	}
	if got, err = s.Tally(ctx, day-1); err != nil || len(got) != 1 || got[0] != one {
		t.Fatal("after the sweep", got, err)
	}
}

// metered counts looks, and nothing else.
type metered struct {
	store.Meter
	roles map[string]int
}

func (m metered) Looked(role string) { m.roles[role]++ }

// counted is every way that a look takes into the ledger: the meter is told of each, and of none that was not done.
func counted(t *testing.T, h *Home) {
	asked := func(role string) ledger.Row {
		r := look(id(1), "")
		r.Role = role
		return r
	}
	roles := map[string]int{}
	h.Options.Meter = metered{&meter{}, roles}
	s := h.Open(t)
	enrol(t, s, 1)
	must(t, s.Commit(ctx, vault.Change{Looks: []ledger.Row{asked("agent")}}))
	_, err := s.Load(ctx, id(1), asked("privacy"))
	must(t, err)
	_, err = s.Receipts(ctx, id(1), 0, 1, asked("admin"))
	must(t, err)
	must(t, s.Each(ctx, asked("job"), func(vault.Loaded) error { return nil }))
	must(t, s.Snapshot(ctx, asked("export"), func(*store.View) error { return nil }))
	if err := s.Commit(ctx, vault.Change{Looks: []ledger.Row{asked("nobody")}, Seen: []vault.Seen{{Root: id(1), Version: 99}}}); err == nil {
		t.Fatal("a stale change was done")
	}
	if _, err := s.Load(ctx, id(9), asked("nobody")); err == nil {
		t.Fatal("somebody unknown was read")
	}
	same(t, map[string]int{"agent": 1, "privacy": 1, "admin": 1, "job": 1, "export": 1}, roles)
}
