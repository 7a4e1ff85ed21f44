package decide

import (
	"strconv"
	"time"

	"github.com/rapporthq/rapport/charter"
	"github.com/rapporthq/rapport/person"
	"github.com/rapporthq/rapport/trust/consent"
)

// MadeUp is a person who does not exist, of the given level by the charter's own rules: as many days of contact as the level asks for,
// over as long, with a yes to everything, and each fact as a form would have it. What they bought is what most people buy. It is for
// trying things out without anybody's record; where the charter has no way to a level, they come out on a lower one.
func MadeUp(h *House, level person.Level, now person.Instant) *Made {
	c := h.Charter
	id := person.ID{'m', 'a', 'd', 'e', ' ', 'u', 'p', byte(level) + 1}
	m := &Made{Who: person.Person{Root: id}, Marks: h.Shelf.Sensitive}
	head := func(name string, event bool, at person.Instant) person.Head {
		hd := person.Head{Of: id, Name: name, Event: event, Learnt: person.Declared, Source: "self", Channel: "web", At: at, Received: at, Charter: c.Position, Quality: 1, Told: true, Verified: true}
		if event {
			hd.Learnt, hd.Told = person.Observed, false
			hd.Source, hd.Channel = sourceFor(c, name)
		}
		return hd
	}
	begin := now.Add(-2 * 24 * time.Hour)
	rule := levelRule(c, level)
	days := 0
	if rule != nil {
		days = max(rule.DaysOfContact, 1)
		if !rule.Tenure.IsZero() {
			begin = min(begin, rule.Tenure.Before(now).Add(-24*time.Hour))
		}
		begin = min(begin, now.Add(-time.Duration(days)*24*time.Hour))
	}
	for _, name := range c.Order.Purposes {
		m.Choices = append(m.Choices, consent.Choice{Of: id, Purpose: name, Answer: consent.Yes, At: begin, Received: begin, Explicit: c.Purposes[name].Explicit, Verified: true, Source: "self", Channel: "web", Charter: c.Position})
	}
	if level == person.Stranger {
		return m
	}
	for _, name := range c.Order.Data {
		d := c.Data[name]
		if d.Protective || d.Kind != charter.Attribute || d.Sensitivity == "special" {
			continue
		}
		if cols := d.Type.Columns(); len(cols) > 0 {
			m.Facts = append(m.Facts, person.Fact{Head: head(name, false, begin), Value: cols[len(cols)/2]})
		}
	}
	order := ""
	for _, name := range c.Order.Events {
		if h.counts(name) {
			order = name
			break
		}
	}
	if order == "" || h.Model == nil {
		return m
	}
	popular := h.Model.Generic()
	step := now.Add(-time.Hour) - begin
	for i := range days {
		at := begin
		if days > 1 {
			at += person.Instant(int64(step) / int64(days-1) * int64(i))
		}
		e := person.Event{Head: head(order, true, at), ID: person.EventID{'m', byte(i), byte(i >> 8)}}
		for l := range 3 {
			if len(popular) > 0 {
				e.Lines = append(e.Lines, person.Line{Item: popular[(i*3+l)%min(len(popular), 20)].ID, Quantity: 1})
			}
		}
		e.Properties = map[string]any{"order_id": "made-up-" + strconv.Itoa(i)}
		m.History = append(m.History, e)
	}
	return m
}

// levelRule is the charter's rule for a level, nil when it has none.
func levelRule(c *charter.Charter, level person.Level) *charter.LevelRule {
	switch level {
	case person.Acquaintance:
		return c.Relationship.Acquaintance
	case person.Regular:
		return c.Relationship.Regular
	case person.Confidant:
		return c.Relationship.Confidant
	}
	return nil
}

// sourceFor is a server source that may bring the event for the most of its purposes, and its channel.
func sourceFor(c *charter.Charter, event string) (name, channel string) {
	best := -1
	for _, n := range c.Order.Sources {
		s := c.Sources[n]
		if s.Kind != "server" {
			continue
		}
		fits := 0
		for _, p := range s.Purposes {
			if e := c.Events[event]; e != nil && e.HasPurpose(p) {
				fits++
			}
		}
		if fits > best {
			best, name, channel = fits, n, s.Channel
		}
	}
	return name, channel
}
