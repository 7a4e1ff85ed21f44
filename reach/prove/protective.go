package prove

import (
	"fmt"
	"slices"
	"sort"
	"strings"

	"github.com/rapporthq/rapport/charter"
	"github.com/rapporthq/rapport/person"
	"github.com/rapporthq/rapport/reach/decide"
	"github.com/rapporthq/rapport/trust/consent"
)

// ProtectiveOnlyRemoves gives every person protective facts that make each rule fire, one that does not, one in doubt and one without leave,
// tries them with what they have too, and compares with the decision that a catalogue without the removed items would give: nothing is added, nothing
// changes places, and doubt removes all that the rules on it could. A case counts only if that catalogue gives another decision.
func (p *Prover) ProtectiveOnlyRemoves() Result {
	r := Result{Check: ProtectiveOnly}
	c := p.snap.House.Charter
	if len(c.Protect) == 0 {
		r.Detail = "the charter has no protective rules"
		return r
	}
	s := shelves{house: p.snap.House, by: map[string]*decide.House{}}
	counted, wrong := tally{}, tally{}
	for _, m := range p.snap.People {
		p.protectOne(&s, m, p.stripped(m), "as they are", counted, wrong)
		for _, d := range protectiveData(c) {
			for _, v := range p.trials(m, d) {
				bare := p.stripped(m)
				bare.Restricted = false
				p.permit(bare, d)
				with := copyOf(bare)
				head := p.fresh(m.Who.Root, person.Head{Name: d.Name, Channel: "web"}, c)
				what := d.Name
				if v.doubt {
					what += " in doubt"
					head.At = d.Retain.Before(head.At).Add(-24 * 60 * 60 * 1e9)
					head.Received = head.At
				}
				with.Facts = append(with.Facts, person.Fact{Head: head, Value: v.value})
				p.protectOne(&s, with, bare, what, counted, wrong)
				if !v.doubt && len(v.rules) > 0 && p.forbid(bare, d) {
					with.Choices = bare.Choices
					p.protectNone(&s, with, bare, v.rules, d.Name+" without leave", counted, wrong)
				}
			}
		}
	}
	r.Cases, r.Failed = counted.sum(), wrong.sum()
	r.Detail = fmt.Sprintf("decisions from which something was removed, by fact: %s", counted)
	if len(wrong) > 0 {
		r.Detail = fmt.Sprintf("more was done than removing, or less: %s; ", wrong) + r.Detail
	}
	return r.needsCases()
}

// protectOne compares, at each placement, the decision with the protective facts and the one without them over the shorter shelf.
func (p *Prover) protectOne(s *shelves, with, bare *decide.Made, what string, counted, wrong tally) {
	if len(with.Facts) == len(bare.Facts) || len(with.Lost) > 0 { // what cannot be opened lowers the decision besides, and says so
		return
	}
	for _, placement := range s.house.Charter.Order.Placements {
		a := p.ask(s.house, placement)
		rules := p.fired(with, a)
		plain := p.decided(s.house, bare, a)
		want := plain
		if len(rules) > 0 {
			want = p.decided(s.without(rules), bare, a)
		}
		got := p.decided(s.house, with, a)
		if got != want {
			counted[what]++
			wrong[what]++
		} else if want != plain {
			counted[what]++
		}
	}
}

// protectNone compares, at each placement, the decision with a protective fact for which there is no leave and the one without it: it plays
// no part. A case counts only if the rules would have removed something.
func (p *Prover) protectNone(s *shelves, with, bare *decide.Made, rules []string, what string, counted, wrong tally) {
	for _, placement := range s.house.Charter.Order.Placements {
		a := p.ask(s.house, placement)
		plain := p.decided(s.house, bare, a)
		if p.decided(s.house, with, a) != plain {
			counted[what]++
			wrong[what]++
		} else if p.decided(s.without(rules), bare, a) != plain {
			counted[what]++
		}
	}
}

// fired lists the rules that must remove, by what tact says of the person's protective facts and by the rules themselves.
func (p *Prover) fired(m *decide.Made, a decide.Ask) []string {
	j := p.judged(p.snap.House, m, a)
	var ids []string
	for _, rule := range p.snap.House.Charter.Protect {
		values := map[string][]string{}
		doubt := false
		for _, name := range rule.Facts {
			may, there := j.Protective[name]
			if !there {
				continue
			}
			doubt = doubt || !may || slices.Contains(m.Lost, name)
			for i := range m.Facts {
				if m.Facts[i].Name == name && j.FactReasons[i] == "" {
					values[name] = append(values[name], m.Facts[i].Value)
				}
			}
		}
		if doubt || len(values) > 0 && fires(rule, rule.Facts, values, map[string]string{}, a.Moment.At) {
			ids = append(ids, rule.ID)
		}
	}
	return ids
}

// fires tries every combination of values; a rule that cannot be decided removes.
func fires(rule *charter.ProtectRule, names []string, values map[string][]string, facts map[string]string, at person.Instant) bool {
	if len(names) == 0 {
		yes, err := rule.When.Matches(facts, at)
		return yes || err != nil
	}
	name := names[0]
	if len(values[name]) == 0 {
		return fires(rule, names[1:], values, facts, at)
	}
	for _, v := range values[name] {
		facts[name] = v
		if fires(rule, names[1:], values, facts, at) {
			return true
		}
	}
	delete(facts, name)
	return false
}

// shelves are the house without what some rules remove.
type shelves struct {
	house *decide.House
	by    map[string]*decide.House
}

func (s *shelves) without(rules []string) *decide.House {
	key := strings.Join(rules, "\x00")
	if s.by[key] == nil {
		removed := map[string]bool{}
		for _, rule := range rules {
			for _, id := range s.house.Removable(rule) {
				removed[id] = true
			}
		}
		s.by[key] = s.house.Without(removed)
	}
	return s.by[key]
}

// protectiveData are the data that protective rules read, in the charter's order.
func protectiveData(c *charter.Charter) []*charter.Datum {
	var out []*charter.Datum
	for _, name := range c.Order.Data {
		if c.Data[name].Protective && slices.ContainsFunc(c.Protect, func(r *charter.ProtectRule) bool { return slices.Contains(r.Facts, name) }) {
			out = append(out, c.Data[name])
		}
	}
	return out
}

// stripped is the person without protective facts.
func (p *Prover) stripped(m *decide.Made) *decide.Made {
	s := copyOf(m)
	s.Facts = slices.DeleteFunc(s.Facts, func(f person.Fact) bool {
		d := p.snap.House.Charter.Data[f.Name]
		return d != nil && d.Protective
	})
	return s
}

// permit is an express yes to the datum's own purposes.
func (p *Prover) permit(m *decide.Made, d *charter.Datum) {
	for _, purpose := range d.Purposes {
		m.Choices = slices.DeleteFunc(m.Choices, func(ch consent.Choice) bool { return ch.Purpose == purpose })
		m.Choices = append(m.Choices, yes(m.Who.Root, purpose, p.snap.Now, p.snap.House.Charter.Position))
	}
}

// forbid is a no to the datum's own purposes; it says whether the person can say it to all of them.
func (p *Prover) forbid(m *decide.Made, d *charter.Datum) bool {
	p.permit(m, d)
	for _, purpose := range d.Purposes {
		if pu := p.snap.House.Charter.Purposes[purpose]; pu == nil || !pu.Basis.Switchable() {
			return false
		}
		for i := range m.Choices {
			if m.Choices[i].Purpose == purpose {
				m.Choices[i].Answer = consent.No
			}
		}
	}
	return len(d.Purposes) > 0
}

// trial is a value that a protective fact is given.
type trial struct {
	value string
	rules []string // that fire by it
	doubt bool
}

// trials are for each rule on the datum a value by which it fires, one by which none does, and one in doubt.
func (p *Prover) trials(m *decide.Made, d *charter.Datum) []trial {
	values := p.others(d, "")
	r := p.random(ProtectiveOnly, m.Who.Root, d.Name)
	r.Shuffle(len(values), func(i, j int) { values[i], values[j] = values[j], values[i] })
	by := map[string]trial{} // which rules fire → the first value by which just these do
	for _, v := range values {
		var fired []string
		for _, rule := range p.snap.House.Charter.Protect {
			if slices.Contains(rule.Facts, d.Name) && fires(rule, rule.Facts, map[string][]string{d.Name: {v}}, map[string]string{}, p.snap.Now) {
				fired = append(fired, rule.ID)
			}
		}
		key := strings.Join(fired, "\x00")
		if _, ok := by[key]; !ok {
			by[key] = trial{value: v, rules: fired}
		}
	}
	var keys []string
	for key := range by {
		keys = append(keys, key)
	}
	sort.Strings(keys)
	var out []trial
	for _, key := range keys {
		out = append(out, by[key])
	}
	if len(values) > 0 {
		out = append(out, trial{value: values[0], doubt: true})
	}
	return out
}
