package prove

import (
	"fmt"
	"slices"
	"sort"
	"strings"
	"time"

	"github.com/rapporthq/rapport/charter"
	"github.com/rapporthq/rapport/person"
	"github.com/rapporthq/rapport/reach/decide"
	"github.com/rapporthq/rapport/trust/consent"
	"github.com/rapporthq/rapport/trust/tact"
)

func yes(of person.ID, purpose string, now person.Instant, position int) consent.Choice {
	return consent.Choice{Of: of, Purpose: purpose, Answer: consent.Yes, At: now - 1, Received: now - 1, Explicit: true, Verified: true, Source: "self", Charter: position}
}

// change is one way in which something about a person could be different, if it is there.
type change struct {
	name  string // of the fact, the event, or "items:" and the sensitive rule
	apply func(m *decide.Made)
}

// NonInterference changes and deletes what is held, for every person and placement, and compares the decisions byte for
// byte, models fixed (Goguen and Meseguer 1982: what is high does not interfere with what is low). A case counts only if
// the same change does alter the decision where nothing is held, so facts that play no part prove nothing.
func (p *Prover) NonInterference() Result {
	r := Result{Check: Noninterference}
	counted, leaks, idle := tally{}, tally{}, tally{}
	for _, m := range p.snap.People {
		for _, placement := range p.snap.House.Charter.Order.Placements {
			a := p.ask(placement)
			changes := p.held(m, a)
			if len(changes) == 0 {
				continue
			}
			base, _ := p.seen(p.snap.House, m, a)
			free := p.unheld(m)
			freeBase, _ := p.seen(p.twin, free, a)
			for _, ch := range changes {
				now := copyOf(m)
				ch.apply(now)
				got, _ := p.seen(p.snap.House, now, a)
				leaked := got != base
				if leaked {
					leaks[ch.name]++
				}
				freed := copyOf(free)
				ch.apply(freed)
				if freeGot, _ := p.seen(p.twin, freed, a); freeGot == freeBase && !leaked {
					idle[ch.name]++
					continue
				}
				counted[ch.name]++
				r.Cases++
				if leaked {
					r.Failed++
				}
			}
		}
	}
	r.Detail = fmt.Sprintf("changes that would have altered the decision were they permitted, by name: %s", counted)
	if len(leaks) > 0 {
		r.Detail = fmt.Sprintf("held, and altered the decision: %s; ", leaks) + r.Detail
	}
	var never []string
	for name := range idle {
		if counted[name] == 0 {
			never = append(never, name)
		}
	}
	if len(never) > 0 {
		sort.Strings(never)
		r.Detail += "; held, and plays no part in any decision here: " + strings.Join(never, ", ")
	}
	return r.needsCases()
}

// needsCases fails a check that met nothing: it proved nothing.
func (r Result) needsCases() Result {
	if r.Cases == 0 && r.Failed == 0 {
		r.Failed = 1
		r.Detail = strings.TrimSuffix("no case was met, so nothing was proved; "+r.Detail, "; ")
	}
	return r
}

// held lists the changes to what is held of the person at a placement: each fact deleted, and changed in each of a few ways; the
// events of one name and reason deleted, and put on other items; lines of sensitive items that are not permitted likewise.
func (p *Prover) held(m *decide.Made, a decide.Ask) []change {
	j := p.judge(m, a)
	var out []change
	for i, reason := range j.FactReasons {
		name := m.Facts[i].Name
		if reason == "" {
			continue
		}
		if _, read := j.Protective[name]; read { // it plays its declared part: ProtectiveOnlyRemoves looks at it
			continue
		}
		i := i
		out = append(out, change{name, func(m *decide.Made) { m.Facts = slices.Delete(slices.Clone(m.Facts), i, i+1) }})
		for _, v := range p.others(p.snap.House.Charter.Data[name], m.Facts[i].Value) {
			out = append(out, change{name, func(m *decide.Made) { m.Facts[i].Value = v }})
		}
	}
	type group struct {
		name   string
		reason tact.Reason
	}
	groups := map[group]map[int]bool{}
	var order []group
	sensitive := map[string]map[[2]int]bool{}
	var rules []string
	for i, reason := range j.HistoryReasons {
		if reason == "" {
			for l, line := range m.History[i].Lines {
				for _, rule := range p.snap.House.Shelf.Sensitive(line.Item) {
					if !j.Permit.Sensitive(rule) {
						if sensitive[rule] == nil {
							sensitive[rule] = map[[2]int]bool{}
							rules = append(rules, rule)
						}
						sensitive[rule][[2]int{i, l}] = true
					}
				}
			}
			continue
		}
		g := group{m.History[i].Name, reason}
		if groups[g] == nil {
			groups[g] = map[int]bool{}
			order = append(order, g)
		}
		groups[g][i] = true
	}
	for _, g := range order {
		at := groups[g]
		out = append(out,
			change{g.name, func(m *decide.Made) { m.History = without(m.History, at) }},
			change{g.name, p.otherItems(func(i, _ int) bool { return at[i] })})
		one := p.rng.IntN(len(at))
		for i := range m.History { // one of them alone
			if at[i] {
				if one == 0 {
					out = append(out, change{g.name, func(m *decide.Made) { m.History = without(m.History, map[int]bool{i: true}) }})
					break
				}
				one--
			}
		}
	}
	for _, rule := range rules {
		at := sensitive[rule]
		in := func(i, l int) bool { return at[[2]int{i, l}] }
		out = append(out,
			change{"items:" + rule, func(m *decide.Made) {
				for i := range m.History {
					var kept []person.Line
					for l, line := range m.History[i].Lines {
						if !in(i, l) {
							kept = append(kept, line)
						}
					}
					m.History[i].Lines = kept
				}
			}},
			change{"items:" + rule, p.otherMarked(rule, in)})
	}
	return out
}

func without(events []person.Event, at map[int]bool) []person.Event {
	kept := make([]person.Event, 0, len(events))
	for i := range events {
		if !at[i] {
			kept = append(kept, events[i])
		}
	}
	return kept
}

// otherItems puts the lines that in picks on other items of the catalogue, drawn once so that both worlds get the same.
func (p *Prover) otherItems(in func(i, l int) bool) func(m *decide.Made) {
	items := p.snap.House.Shelf.All()
	start, step := 0, 1
	if n := len(items); n > 1 {
		start, step = p.rng.IntN(n), 1+p.rng.IntN(n-1)
	}
	return func(m *decide.Made) {
		next := start
		for i := range m.History {
			lines := slices.Clone(m.History[i].Lines)
			for l := range lines {
				if in(i, l) && len(items) > 0 {
					next = (next + step) % len(items)
					lines[l].Item = items[next].ID
				}
			}
			m.History[i].Lines = lines
		}
	}
}

// otherMarked puts lines on other items that the same sensitive rule marks.
func (p *Prover) otherMarked(rule string, in func(i, l int) bool) func(m *decide.Made) {
	var marked []string
	for _, it := range p.snap.House.Shelf.All() {
		if slices.Contains(p.snap.House.Shelf.Sensitive(it.ID), rule) {
			marked = append(marked, it.ID)
		}
	}
	shift := 0
	if len(marked) > 0 {
		shift = 1 + p.rng.IntN(len(marked))
	}
	return func(m *decide.Made) {
		for i := range m.History {
			lines := slices.Clone(m.History[i].Lines)
			for l := range lines {
				if in(i, l) && len(marked) > 0 {
					lines[l].Item = marked[(l+shift)%len(marked)]
				}
			}
			m.History[i].Lines = lines
		}
	}
}

// others are values that a fact could have instead.
func (p *Prover) others(d *charter.Datum, value string) []string {
	if d == nil {
		return []string{value + "?"}
	}
	var out []string
	switch {
	case d.Type.IsColumn():
		out = d.Type.Columns()
	case d.Type.Name == charter.TDate:
		now := p.snap.Now.Time()
		for _, days := range []int{2, 5, 100} {
			out = append(out, now.AddDate(-30, 0, days).Format(time.DateOnly))
		}
	case d.Type.Name == charter.TBoolean:
		out = []string{"true", "false"}
	case d.Type.Name == charter.TNumber || d.Type.Name == charter.TInteger || d.Type.Name == charter.TMoney:
		out = []string{"0", "1", "1000000"}
	default:
		out = []string{value + "?"}
	}
	return slices.DeleteFunc(slices.Clone(out), func(v string) bool { return v == value })
}
