package ledger

import (
	"context"
	"sort"
	"time"
)

// Month is what one team, or one actor in it, looked at in a month.
type Month struct {
	Month  string // "2026-11", UTC
	Team   string
	Role   string
	Actor  string // empty in a team's line
	Looks  int    // reads
	People int    // people covered by these reads, the same one as often as they were looked at
	Before int    // looks of the same team or actor in the month before: fewer is what is praised
}

// Months counts looks by month, team and actor: for each month and team first the team's line, then its actors'. It reads no
// person and opens nothing.
func (l *Ledger) Months(ctx context.Context) ([]Month, error) {
	type key struct{ month, team, role, actor string }
	sums := map[key]*Month{}
	count := func(k key, people int) {
		m := sums[k]
		if m == nil {
			m = &Month{Month: k.month, Team: k.team, Role: k.role, Actor: k.actor}
			sums[k] = m
		}
		m.Looks++
		m.People += people
	}
	for next := int64(1); ; {
		rows, err := l.store.Rows(ctx, next, verifyAtOnce)
		if err != nil {
			return nil, err
		}
		if len(rows) == 0 {
			break
		}
		for _, r := range rows {
			if r.Kind != KindLook {
				continue
			}
			month := r.At.Time().Format("2006-01")
			count(key{month, r.Team, "", ""}, r.Count)
			count(key{month, r.Team, r.Role, r.Actor}, r.Count)
		}
		next = rows[len(rows)-1].Number + 1
	}
	list := make([]Month, 0, len(sums))
	for k, m := range sums {
		if before := sums[key{monthBefore(k.month), k.team, k.role, k.actor}]; before != nil {
			m.Before = before.Looks
		}
		list = append(list, *m)
	}
	sort.Slice(list, func(i, j int) bool {
		a, b := list[i], list[j]
		switch {
		case a.Month != b.Month:
			return a.Month < b.Month
		case a.Team != b.Team:
			return a.Team < b.Team
		case a.Actor != b.Actor:
			return a.Actor < b.Actor
		}
		return a.Role < b.Role
	})
	return list, nil
}

func monthBefore(month string) string {
	t, err := time.Parse("2006-01", month)
	if err != nil {
		return ""
	}
	return t.AddDate(0, -1, 0).Format("2006-01")
}
