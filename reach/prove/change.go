package prove

import (
	"math/rand/v2"
	"slices"
	"strconv"
	"time"

	"github.com/rapporthq/rapport/charter"
	"github.com/rapporthq/rapport/person"
	"github.com/rapporthq/rapport/reach/decide"
	"github.com/rapporthq/rapport/trust/tact"
)

// change is one way in which something that is held about a person could be different, or not be there.
type change struct {
	name   string // of the fact, the event, or "items:" and the sensitive rule
	reason tact.Reason
	apply  func(m *decide.Made) // by the places of facts and events: it fits the person and the person as if nothing were held
}

// nameless is what is told of a name that the charter does not have: it could be anything.
const nameless = "something undeclared"

// fewValues of a fact are tried in the place of its own.
const fewValues = 3

// held lists the changes to what is held of the person at a placement: each fact deleted, and changed in a few ways; the events of one
// name and reason deleted, one of them deleted, and put on other items; lines of sensitive items that are not permitted likewise; and
// everything at once.
//
// A protective fact that may be read, or is in doubt, plays its declared part: ProtectiveOnlyRemoves looks at that. But of one in
// doubt the value must not matter, and one without leave plays no part at all.
func (p *Prover) held(h *decide.House, m *decide.Made, a decide.Ask) []change {
	c := h.Charter
	j := p.judged(h, m, a)
	r := p.random("held", m.Who.Root, a.Moment.Placement)
	b := changes{r: r, m: m, shelf: h}
	facts, events := map[int]bool{}, map[int]bool{}
	for i, reason := range j.FactReasons {
		if reason == "" {
			continue
		}
		d := c.Data[m.Facts[i].Name]
		name := nameless
		if d != nil {
			name = d.Name
		}
		if d == nil || !d.Protective || reason != tact.Expired && reason != tact.Doubtful {
			facts[i] = true
			gone, of := b.derived(map[int]bool{i: true}, m.Facts[i].Name)
			b.add(name, reason, func(m *decide.Made) { m.Facts, m.History = withoutFacts(m.Facts, gone), without(m.History, of) })
		}
		for _, v := range some(r, p.others(d, m.Facts[i].Value), fewValues) {
			b.add(name, reason, func(m *decide.Made) { m.Facts[i].Value = v })
		}
	}
	b.events(c, &j, events)
	b.lines(&j, p.marked(h))
	if len(facts)+len(events) > 1 {
		b.add("everything held", "", func(m *decide.Made) { m.Facts, m.History = withoutFacts(m.Facts, facts), without(m.History, events) })
	}
	return b.out
}

// changes gathers them.
type changes struct {
	r     *rand.Rand
	m     *decide.Made
	shelf *decide.House
	out   []change
}

func (b *changes) add(name string, reason tact.Reason, apply func(m *decide.Made)) {
	b.out = append(b.out, change{name, reason, apply})
}

// derived adds to facts, by place, what was derived from something of that name, and lists the events: with its input it goes, for it is
// derived again.
func (b *changes) derived(facts map[int]bool, name string) (map[int]bool, map[int]bool) {
	events := map[int]bool{}
	for names := []string{name}; len(names) > 0; names = names[1:] {
		for i := range b.m.Facts {
			if !facts[i] && slices.Contains(b.m.Facts[i].Inputs, names[0]) {
				facts[i] = true
				names = append(names, b.m.Facts[i].Name)
			}
		}
		for i := range b.m.History {
			if !events[i] && slices.Contains(b.m.History[i].Inputs, names[0]) {
				events[i] = true
				names = append(names, b.m.History[i].Name)
			}
		}
	}
	return facts, events
}

// events groups the held events by name and reason.
func (b *changes) events(c *charter.Charter, j *tact.Judgement, all map[int]bool) {
	type group struct {
		name   string
		reason tact.Reason
	}
	groups := map[group][]int{}
	var order []group
	for i, reason := range j.HistoryReasons {
		if reason == "" {
			continue
		}
		all[i] = true
		g := group{b.m.History[i].Name, reason}
		if groups[g] == nil {
			order = append(order, g)
		}
		groups[g] = append(groups[g], i)
	}
	for _, g := range order {
		at := groups[g]
		name := nameless
		if e := c.Events[g.name]; e != nil {
			name = e.Name
		}
		gone := map[int]bool{}
		for _, i := range at {
			gone[i] = true
		}
		facts, of := b.derived(map[int]bool{}, g.name)
		for i := range of {
			gone[i] = true
		}
		one := map[int]bool{at[b.r.IntN(len(at))]: true}
		b.add(name, g.reason, func(m *decide.Made) { m.Facts, m.History = withoutFacts(m.Facts, facts), without(m.History, gone) })
		b.add(name, g.reason, b.otherItems(at))
		if len(at) > 1 && len(of) == 0 && len(facts) == 0 {
			b.add(name, g.reason, func(m *decide.Made) { m.History = without(m.History, one) })
		}
	}
}

// lines are the lines of sensitive items in events that passed, where they did not.
func (b *changes) lines(j *tact.Judgement, marked map[string][]string) {
	at := map[string]map[[2]int]bool{}
	var rules []string
	for i, reason := range j.HistoryReasons {
		if reason != "" {
			continue
		}
		for l, line := range b.m.History[i].Lines {
			for _, rule := range b.shelf.Shelf.Sensitive(line.Item) {
				if j.Permit.Sensitive(rule) {
					continue
				}
				if at[rule] == nil {
					at[rule] = map[[2]int]bool{}
					rules = append(rules, rule)
				}
				at[rule][[2]int{i, l}] = true
			}
		}
	}
	for _, rule := range rules {
		in, others, start := at[rule], marked[rule], b.r.IntN(1<<30)
		b.add("items:"+rule, tact.Sensitive, func(m *decide.Made) {
			for i := range m.History {
				kept := make([]person.Line, 0, len(m.History[i].Lines))
				for l, line := range m.History[i].Lines {
					if !in[[2]int{i, l}] {
						kept = append(kept, line)
					}
				}
				m.History[i].Lines = kept
			}
		})
		if len(others) == 0 {
			continue
		}
		b.add("items:"+rule, tact.Sensitive, func(m *decide.Made) { // other items that the same rule marks
			for i := range m.History {
				lines := slices.Clone(m.History[i].Lines)
				for l := range lines {
					if in[[2]int{i, l}] {
						lines[l].Item = others[(start+l)%len(others)]
					}
				}
				m.History[i].Lines = lines
			}
		})
	}
}

// marked lists the items of each sensitive rule.
func (p *Prover) marked(h *decide.House) map[string][]string {
	if p.markedOf == h {
		return p.markedBy
	}
	by := map[string][]string{}
	for _, it := range h.Shelf.All() {
		for _, rule := range h.Shelf.Sensitive(it.ID) {
			by[rule] = append(by[rule], it.ID)
		}
	}
	p.markedOf, p.markedBy = h, by
	return by
}

// otherItems puts the lines of the events at these places on other items of the catalogue, drawn once so that both worlds get the same.
func (b *changes) otherItems(at []int) func(m *decide.Made) {
	items := b.shelf.Shelf.All()
	start, step := 0, 1
	if n := len(items); n > 1 {
		start, step = b.r.IntN(n), 1+b.r.IntN(n-1)
	}
	return func(m *decide.Made) {
		next := start
		for _, i := range at {
			lines := slices.Clone(m.History[i].Lines)
			for l := range lines {
				if len(items) > 0 {
					next = (next + step) % len(items)
					lines[l].Item = items[next].ID
				}
			}
			m.History[i].Lines = lines
		}
	}
}

func without(events []person.Event, gone map[int]bool) []person.Event {
	if len(gone) == 0 {
		return events
	}
	kept := make([]person.Event, 0, len(events))
	for i := range events {
		if !gone[i] {
			kept = append(kept, events[i])
		}
	}
	return kept
}

func withoutFacts(facts []person.Fact, gone map[int]bool) []person.Fact {
	if len(gone) == 0 {
		return facts
	}
	kept := make([]person.Fact, 0, len(facts))
	for i := range facts {
		if !gone[i] {
			kept = append(kept, facts[i])
		}
	}
	return kept
}

// some are up to n of the values, by chance.
func some(r *rand.Rand, values []string, n int) []string {
	if len(values) <= n {
		return values
	}
	r.Shuffle(len(values), func(i, j int) { values[i], values[j] = values[j], values[i] })
	return values[:n]
}

// others are values that a fact could have instead, in a slice of the caller's own.
func (p *Prover) others(d *charter.Datum, value string) []string {
	if d == nil {
		return []string{value + "?"}
	}
	var out []string
	switch {
	case d.Type.IsColumn():
		out = slices.Clone(d.Type.Columns())
	case d.Type.Name == charter.TDate:
		now := p.snap.Now.Time()
		for _, years := range []int{8, 30, 70} { // a child, a grown-up, an old person; today, soon, and not near today
			for _, days := range []int{0, 5, 100} {
				out = append(out, now.AddDate(-years, 0, days).Format(time.DateOnly))
			}
		}
	case d.Type.Name == charter.TBoolean:
		out = []string{"true", "false"}
	case d.Type.Name == charter.TNumber || d.Type.Name == charter.TInteger || d.Type.Name == charter.TMoney:
		for _, n := range []int{0, 1, 17, 100, 1000000} {
			out = append(out, strconv.Itoa(n))
		}
	default:
		out = []string{value + "?"}
	}
	return slices.DeleteFunc(out, func(v string) bool { return v == value })
}
