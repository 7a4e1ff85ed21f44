package ledger

import (
	"context"
	"sort"
	"sync"
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

// counted is what the rows so far come to. Numbered rows stay as they are but for what an erasure empties, which is not
// counted: so only new ones are read.
type counted struct {
	mu   sync.Mutex
	next int64 // the first row that was not counted, 0 for the first of all
	sums map[ofMonth]*Month
}

type ofMonth struct{ month, team, role, actor string }

func (c *counted) add(k ofMonth, people int) {
	m := c.sums[k]
	if m == nil {
		m = &Month{Month: k.month, Team: k.team, Role: k.role, Actor: k.actor}
		c.sums[k] = m
	}
	m.Looks++
	m.People += people
}

// Months counts looks by month, team and actor: for each month and team first the team's line, then its actors'. It reads no
// person and opens nothing. The first call of a process reads every row, each later one those that came since.
func (l *Ledger) Months(ctx context.Context) ([]Month, error) {
	c := &l.counted
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.sums == nil {
		c.next, c.sums = 1, map[ofMonth]*Month{}
	}
	for {
		rows, err := l.store.Rows(ctx, c.next, partSize)
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
			c.add(ofMonth{month, r.Team, "", ""}, r.Count)
			c.add(ofMonth{month, r.Team, r.Role, r.Actor}, r.Count)
		}
		c.next = rows[len(rows)-1].Number + 1
	}
	list := make([]Month, 0, len(c.sums))
	for k, m := range c.sums {
		line := *m
		if before := c.sums[ofMonth{monthBefore(k.month), k.team, k.role, k.actor}]; before != nil {
			line.Before = before.Looks
		}
		list = append(list, line)
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
