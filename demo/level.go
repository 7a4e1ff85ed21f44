package demo

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/rapporthq/rapport/charter"
	"github.com/rapporthq/rapport/person"
)

// levelOf is the relationship level that the charter's rules should give where the purpose is personalise: the days
// with a basket, what was told on the form, and the strain of an open complaint or an opt-out of the last 90 days. It
// is what Summary expects, not what decides: that is the relationship package's.
func (g *generator) levelOf(c *charter.Charter, m *made) person.Level {
	if yes, _ := m.answer("personalise"); !yes || m.first == 0 {
		return person.Stranger // nothing passes the first pass
	}
	told := 0
	if m.declared {
		for _, v := range g.formRow(m)[1:] {
			if v != "" {
				told++
			}
		}
	}
	now := person.At(time.Unix(g.calendar.now, 0))
	holds := func(r *charter.LevelRule) bool {
		return r != nil && m.days >= r.DaysOfContact && told >= r.ToldUs &&
			(r.Tenure.IsZero() || r.Tenure.After(person.At(time.Unix(m.first, 0))) <= now) &&
			(r.Within.IsZero() || r.Within.After(person.At(time.Unix(m.last, 0))) >= now)
	}
	level := person.Stranger
	for l, r := range []*charter.LevelRule{c.Relationship.Acquaintance, c.Relationship.Regular, c.Relationship.Confidant} {
		if holds(r) {
			level = person.Level(l + 1)
		}
	}
	strained := m.complaint != nil && m.complaint.closed == 0
	for _, ch := range m.choices {
		strained = strained || !ch.yes && ch.at > g.calendar.now-90*daySeconds
	}
	if strained && level > person.Stranger {
		level--
	}
	return level
}

// wanted is how many of the twenty known people there are of each level: most said yes to personalise.
var wanted = map[person.Level]int{person.Confidant: 6, person.Regular: 7, person.Acquaintance: 5, person.Stranger: 2}

// known chooses the twenty: of each level those that stand evenly among it by days in the shop, so that the list shows
// newcomers and pillars alike. Levels with too few people give their places to the next.
func (g *generator) known(people []made, levels []person.Level) (ids, of []string) {
	short := 0
	for _, l := range []person.Level{person.Confidant, person.Regular, person.Acquaintance, person.Stranger} {
		var there []*made
		for i := range people {
			if levels[i] == l && people[i].first != 0 {
				there = append(there, &people[i])
			}
		}
		slices.SortFunc(there, func(a, b *made) int {
			if a.days != b.days {
				return b.days - a.days
			}
			return a.number - b.number
		})
		want := wanted[l] + short
		take := min(want, len(there))
		short = want - take
		for k := range take {
			ids = append(ids, strconv.Itoa(there[k*len(there)/take].number))
			of = append(of, strings.ToLower(l.String()))
		}
	}
	return ids, of
}

// spread is the expected levels by their word.
func spread(levels []person.Level) map[string]int {
	n := map[string]int{}
	for _, l := range levels {
		n[strings.ToLower(l.String())]++
	}
	return n
}
