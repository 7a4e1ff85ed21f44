package prove

import (
	"fmt"
	"math"
	"math/rand/v2"

	"github.com/rapporthq/rapport/person"
	"github.com/rapporthq/rapport/reach/decide"
)

// exact is how close the reasons of an item must come to its score.
const exact = 1e-6

// ReasonsAddUp decides for every person and placement and adds up the reasons that are shown: they are the score. That alone a
// story could do too, so a named reason is also taken away, as a person does who says that it is not for them: the score must then
// fall by what the reason said, no more and no less.
func (p *Prover) ReasonsAddUp() Result {
	r := Result{Check: ReasonsAddUp}
	rungs := tally{}
	several, taken := 0, 0
	wrong := tally{}
	h := p.snap.House
	for _, m := range p.snap.People {
		for _, placement := range h.Charter.Order.Placements {
			a := p.ask(h, placement)
			res := p.compute(h, m, a)
			rungs[res.Receipt.Rung.String()]++
			d := decide.Read(&res.Receipt, h, decide.Reader{Language: "en", Values: res.Values})
			for i, it := range d.Items {
				sum := 0.0
				for _, b := range it.Because {
					sum += b.Weight
				}
				if !(math.Abs(sum-it.Score) <= exact) || i >= len(res.Receipt.Items) || res.Receipt.Items[i].Score != it.Score {
					wrong["sums"]++
				} else if it.Score == 0 && len(it.Because) <= 1 {
					continue // nothing equals nothing
				}
				r.Cases++
				if len(it.Because) > 1 {
					several++
				}
			}
			n, bad := p.takeAway(m, a, &res.Receipt)
			r.Cases += n
			taken += n
			wrong["reasons taken away"] += bad
		}
	}
	r.Failed = wrong.sum()
	r.Detail = fmt.Sprintf("decisions by rung: %s; items with more than one reason: %d; reasons taken away to see the score fall: %d", rungs, several, taken)
	if r.Failed > 0 {
		r.Detail = fmt.Sprintf("wrong: %s; ", wrong) + r.Detail
	}
	return r.needsCases()
}

// takeAway takes one named reason from one item of the decision, drawn by chance, and says whether that could be seen and was wrong.
func (p *Prover) takeAway(m *decide.Made, a decide.Ask, r *decide.Receipt) (tried, wrong int) {
	if len(r.Items) == 0 {
		return 0, 0
	}
	rng := p.random(ReasonsAddUp, m.Who.Root, a.Moment.Placement)
	it := &r.Items[rng.IntN(len(r.Items))]
	part, ok := p.aReason(rng, it)
	if !ok {
		return 0, 0
	}
	muted := copyOf(m)
	source := part.Name
	if part.Kind == decide.PartTerm {
		source = part.Source()
	}
	muted.Feedback = append(append([]person.Feedback(nil), m.Feedback...), person.Feedback{
		Of: m.Who.Root, Kind: person.NotForMe, Placement: a.Moment.Placement, Item: "\x00 no item", Sources: []string{source}, At: p.snap.Now - 1,
	})
	wide := a
	wide.Limit = r.Asked + 20 // it may fall some places
	after := p.compute(p.snap.House, muted, wide)
	for i := range after.Receipt.Items {
		now := &after.Receipt.Items[i]
		if now.Item != it.Item {
			continue
		}
		if !(math.Abs(it.Score-part.Weight-now.Score) <= exact) {
			return 1, 1
		}
		return 1, 0
	}
	return 0, 0
}

// aReason draws a named reason of the item that can be taken away by itself: not one on which another rests that is not named.
func (p *Prover) aReason(rng *rand.Rand, it *decide.Chosen) (decide.Part, bool) {
	rest := false
	for _, part := range it.Parts {
		rest = rest || part.Kind == decide.PartRest
	}
	var out []decide.Part
	for _, part := range it.Parts {
		alone := part
		switch part.Kind {
		case decide.PartTaken:
			if part.Name == it.Item {
				continue // it would take "again" away too
			}
		case decide.PartFact:
			terms := 0
			for _, t := range p.snap.House.Charter.Terms {
				if t.Fact == part.Name {
					terms++
				}
			}
			if terms > 0 && rest {
				continue
			}
			for _, other := range it.Parts { // a declared term rests on its fact, and goes with it
				if t := p.snap.House.Charter.Terms[other.Name]; other.Kind == decide.PartTerm && t != nil && t.Fact == part.Name {
					alone.Weight += other.Weight
				}
			}
		case decide.PartTerm:
		default:
			continue
		}
		if part.Name != "" && math.Abs(part.Weight) > 1e3*exact*exact {
			out = append(out, alone)
		}
	}
	if len(out) == 0 {
		return decide.Part{}, false
	}
	return out[rng.IntN(len(out))], true
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
	return r.needsCases()
}
