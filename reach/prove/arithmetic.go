package prove

import (
	"fmt"
	"math"
	"slices"

	"github.com/rapporthq/rapport/person"
	"github.com/rapporthq/rapport/reach/decide"
	"github.com/rapporthq/rapport/trust/consent"
)

// exact is how close the reasons of an item must come to its score.
const exact = 1e-6

// ReasonsAddUp decides for every person and placement and adds up the reasons that are shown: they are the score. A decision on
// the individual rung whose items all have a single reason would be a story, not arithmetic, so there must be others.
func (p *Prover) ReasonsAddUp() Result {
	r := Result{Check: ReasonsAddUp}
	rungs := tally{}
	several := 0
	for _, m := range p.snap.People {
		for _, placement := range p.snap.House.Charter.Order.Placements {
			_, res := p.seen(p.snap.House, m, p.ask(placement))
			d := decide.Read(&res.Receipt, p.snap.House, decide.Reader{Language: "en", Values: res.Values})
			rungs[d.Rung]++
			for _, it := range d.Items {
				sum := 0.0
				for _, b := range it.Because {
					sum += b.Weight
				}
				r.Cases++
				if !(math.Abs(sum-it.Score) <= exact) {
					r.Failed++
				}
				if len(it.Because) > 1 {
					several++
				}
			}
		}
	}
	r.Detail = fmt.Sprintf("decisions by rung: %s; items with more than one reason: %d", rungs, several)
	return r.needsCases()
}

// ProtectiveOnlyRemoves gives every person every value of every protective fact, and compares with the decision that a catalogue
// without the removed items would give: nothing is added, nothing changes places.
func (p *Prover) ProtectiveOnlyRemoves() Result {
	r := Result{Check: ProtectiveOnly}
	c := p.snap.House.Charter
	removing := tally{}
	for _, m := range p.snap.People {
		for _, rule := range c.Protect {
			for _, fact := range rule.Facts {
				d := c.Data[fact]
				for _, v := range p.others(d, "") {
					with := p.withFact(m, fact, v)
					bare := copyOf(with)
					bare.Facts = slices.DeleteFunc(slices.Clone(bare.Facts), func(f person.Fact) bool { return f.Name == fact })
					removed := map[string]bool{}
					for _, other := range c.Protect {
						if !slices.Contains(other.Facts, fact) {
							continue
						}
						if yes, err := other.When.Matches(map[string]string{fact: v}, p.snap.Now); yes || err != nil {
							for _, id := range p.snap.House.Removable(other.ID) {
								removed[id] = true
							}
						}
					}
					for _, placement := range c.Order.Placements {
						a := p.ask(placement)
						got, _ := p.seen(p.snap.House, with, a)
						want, _ := p.seen(p.snap.House.Without(removed), bare, a)
						plain, _ := p.seen(p.snap.House, bare, a)
						if got == plain && len(removed) > 0 && want == plain {
							continue // nothing of what it removes would have been offered: says nothing
						}
						if len(removed) == 0 && got == plain {
							continue
						}
						r.Cases++
						removing[fact]++
						if got != want {
							r.Failed++
						}
					}
				}
			}
		}
	}
	r.Detail = fmt.Sprintf("decisions from which something was removed, by fact: %s", removing)
	if len(c.Protect) == 0 {
		r.Detail = "the charter has no protective rules"
		return r
	}
	return r.needsCases()
}

// withFact is the person with a protective fact that may be read: declared, sure, and with an express yes to its purposes.
func (p *Prover) withFact(m *decide.Made, name, value string) *decide.Made {
	w := copyOf(m)
	w.Restricted = false
	w.Facts = slices.DeleteFunc(w.Facts, func(f person.Fact) bool { return f.Name == name })
	head := p.fresh(m.Who.Root, person.Head{Name: name, Source: "self"})
	w.Facts = append(w.Facts, person.Fact{Head: head, Value: value})
	if d := p.snap.House.Charter.Data[name]; d != nil {
		choices := slices.Clone(w.Choices)
		for _, purpose := range d.Purposes {
			choices = slices.DeleteFunc(choices, func(ch consent.Choice) bool { return ch.Purpose == purpose })
			choices = append(choices, yes(m.Who.Root, purpose, p.snap.Now, p.snap.House.Charter.Position))
		}
		w.Choices = choices
	}
	return w
}

// WeightsOverK asks the model for the people behind every weight.
func (p *Prover) WeightsOverK() Result {
	r := Result{Check: WeightsOverK}
	model := p.snap.House.Model
	if model == nil {
		r.Detail = "nothing was learnt yet: there is no weight"
		return r
	}
	k := p.snap.House.Charter.K
	least := math.MaxInt
	model.Supports(func(_, _ string, people int) bool {
		r.Cases++
		least = min(least, people)
		if people < k {
			r.Failed++
		}
		return true
	})
	if r.Cases > 0 {
		r.Detail = fmt.Sprintf("k is %d; the least support of a weight is %d", k, least)
	}
	return r
}
