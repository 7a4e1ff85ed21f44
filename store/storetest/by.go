package storetest

import (
	"errors"
	"sync"
	"testing"

	"github.com/rapporthq/rapport/person"
	"github.com/rapporthq/rapport/trust/vault"
)

func loadedBy(t *testing.T, h *Home) {
	s := h.Open(t)
	enrol(t, s, 1, 2, 3, 4, 5)
	device := blind(50)
	bonded := vault.Identifier{Blind: blind(60), Of: id(2), Verified: true, Bond: vault.Bond(id(61)), Led: 3}
	change := vault.Change{Identifiers: []vault.Identifier{{Blind: device, Since: Noon - 9, Of: id(1)}, {Blind: device, Since: Noon - 3, Of: id(2)}, {Blind: device, Since: Noon - 5, Of: id(4), Verified: true}, bonded}}
	for n := range uint64(5) {
		change.Put = append(change.Put, row(n+1, vault.FactRow, n, Noon, "value"))
		change.Frames = append(change.Frames, frame(n+1, 10+n, Noon-100-person.Instant(n)), frame(n+1, 20+n, Noon-200-person.Instant(n)))
	}
	must(t, s.Commit(ctx, change))
	foldAll(t, s)
	change = vault.Change{Joins: []vault.Join{{ID: id(5), To: id(4), At: Noon, Why: "sign-in"}}}
	for n := range uint64(5) {
		change.Frames = append(change.Frames, frame(n+1, 30+n, Noon-300-person.Instant(n)), frame(n+1, 10+n, Noon-100-person.Instant(n))) // one anew, one again: not folded yet
	}
	must(t, s.Commit(ctx, change))
	many := []vault.Blind{device, blind(3)}
	for n := range uint64(400) {
		many = append(many, blind(1000+n))
	}
	for _, blinds := range [][]vault.Blind{{blind(1)}, {device}, {blind(5)}, {blind(4)}, {blind(60)}, {blind(1), device}, {device, blind(3)}, {blind(2), blind(2)}, {blind(1), blind(2), blind(3), blind(4), blind(60)}, many} {
		rows, err := s.Find(ctx, blinds)
		must(t, err)
		for _, r := range rows { // each that may be meant
			want, err := s.Load(ctx, r.Of)
			must(t, err)
			got, err := s.LoadBy(ctx, blinds, func(given []vault.Identifier) person.ID {
				if len(given) != len(rows) {
					t.Errorf("%d of %d rows are given", len(given), len(rows))
				}
				same(t, ofBlind(rows, r.Blind), ofBlind(given, r.Blind))
				return r.Of
			})
			must(t, err)
			same(t, want, got)
		}
		for what, choose := range map[string]func([]vault.Identifier) person.ID{
			"is meant":         func([]vault.Identifier) person.ID { return person.ID{} },
			"unknown is meant": func([]vault.Identifier) person.ID { return id(99) },
		} {
			if l, err := s.LoadBy(ctx, blinds, choose); !errors.Is(err, vault.ErrNotFound) || !l.Who.Root.IsZero() {
				t.Errorf("nobody %s: %v, %v", what, l.Who, err)
			}
		}
	}
	// Somebody who is found by none of the blinds can be named as well.
	got, err := s.LoadBy(ctx, []vault.Blind{blind(1)}, func([]vault.Identifier) person.ID { return id(3) })
	must(t, err)
	same(t, load(t, s, 3), got)
	for _, blinds := range [][]vault.Blind{nil, {blind(98)}} {
		if _, err := s.LoadBy(ctx, blinds, func(rows []vault.Identifier) person.ID {
			if len(rows) > 0 {
				t.Errorf("rows of nobody: %v", rows)
			}
			return person.ID{}
		}); !errors.Is(err, vault.ErrNotFound) {
			t.Error(err)
		}
	}
	must(t, s.Close())
	if _, err := s.LoadBy(ctx, []vault.Blind{blind(1)}, func([]vault.Identifier) person.ID { return id(1) }); !errors.Is(err, vault.ErrUnavailable) {
		t.Errorf("closed, and %v", err)
	}
}

// ofBlind is the rows of one blind, by since, which is different for each.
func ofBlind(rows []vault.Identifier, b vault.Blind) map[person.Instant]vault.Identifier {
	of := map[person.Instant]vault.Identifier{}
	for _, r := range rows {
		if r.Blind == b {
			of[r.Since] = r
		}
	}
	return of
}

// oneState moves an identifier on and writes beside it how far, in one change, while others read: what they see agrees.
func oneState(t *testing.T, h *Home) {
	s := h.Open(t)
	enrol(t, s, 1, 2)
	const steps = 150
	stop := make(chan struct{})
	var reading sync.WaitGroup
	for _, blinds := range [][]vault.Blind{{blind(50)}, {blind(50), blind(2)}} {
		reading.Add(1)
		go func() {
			defer reading.Done()
			for {
				select {
				case <-stop:
					return
				default:
				}
				var latest person.Instant
				l, err := s.LoadBy(ctx, blinds, func(rows []vault.Identifier) person.ID {
					latest = 0
					for _, r := range rows {
						latest = max(latest, r.Since)
					}
					return id(1)
				})
				if err != nil {
					t.Error(err)
					return
				}
				wrote := person.Instant(0)
				for _, r := range l.Rows {
					wrote = r.At
				}
				if wrote != latest {
					t.Errorf("the identifier leads from %d on, and the row is of %d", latest, wrote)
					return
				}
			}
		}()
	}
	for n := range uint64(steps) {
		at := person.Instant(n + 1)
		must(t, s.Commit(ctx, vault.Change{Identifiers: []vault.Identifier{{Blind: blind(50), Since: at, Of: id(1)}}, Put: []vault.Row{row(1, vault.FactRow, 1, at, "moved")}}))
	}
	close(stop)
	reading.Wait()
}
