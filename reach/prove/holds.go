package prove

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/rapporthq/rapport/charter"
	"github.com/rapporthq/rapport/person"
	"github.com/rapporthq/rapport/reach/decide"
	"github.com/rapporthq/rapport/trust/tact"
)

// reasons are all the reasons for a hold, in tact's order.
var reasons = []tact.Reason{tact.Restricted, tact.NotChartered, tact.Purpose, tact.Permission, tact.Expired, tact.Doubtful, tact.Sensitive, tact.TooSoon, tact.Surprising, tact.NoBenefit}

// HoldsExercised counts every reason for a hold among the home's people. A reason that nobody there meets is planted in the
// snapshot: a person is made to meet it, tact must name it, and the held thing must not move the decision. A reason never
// exercised fails.
func (p *Prover) HoldsExercised() Result {
	r := Result{Check: HoldsExercised}
	met := tally{}
	for _, m := range p.snap.People {
		for _, placement := range p.snap.House.Charter.Order.Placements {
			j := p.judge(m, p.ask(placement))
			for _, reason := range slices.Concat(j.FactReasons, j.HistoryReasons) {
				if reason != "" {
					met[string(reason)]++
				}
			}
		}
	}
	planted := tally{}
	var missing []string
	for _, reason := range reasons {
		if met[string(reason)] > 0 {
			r.Cases++
			continue
		}
		tried, leaked := p.plant(reason)
		if tried == 0 {
			missing = append(missing, string(reason))
			r.Failed++
			continue
		}
		planted[string(reason)] = tried
		r.Cases += tried
		r.Failed += leaked
	}
	r.Detail = fmt.Sprintf("met in this home: %s", met)
	if len(planted) > 0 {
		r.Detail += fmt.Sprintf("; planted: %s", planted)
	}
	if len(missing) > 0 {
		r.Detail += "; never exercised: " + strings.Join(missing, ", ")
	}
	return r
}

// plant makes people meet the reason and counts those for whom tact named it, and those whose decision it moved.
func (p *Prover) plant(reason tact.Reason) (tried, leaked int) {
	const enough = 20
	for _, m := range p.snap.People {
		for _, placement := range p.snap.House.Charter.Order.Placements {
			for _, made := range p.meeting(reason, m, placement) {
				own := p
				if made.house != nil {
					own = &Prover{snap: p.snap, compute: p.compute, rng: p.rng, twin: p.twin}
					own.snap.House = made.house
				}
				a := own.ask(placement)
				j := own.judge(made.person, a)
				at := slices.Index(j.FactReasons, reason)
				if at < 0 {
					continue
				}
				tried++
				base, _ := own.seen(own.snap.House, made.person, a)
				gone := copyOf(made.person)
				gone.Facts = slices.Delete(gone.Facts, at, at+1)
				if got, _ := own.seen(own.snap.House, gone, a); got != base {
					leaked++
				}
				if tried >= enough {
					return tried, leaked
				}
			}
		}
	}
	return tried, leaked
}

// planting is a person made to meet a reason, and the house where they do, when it is not the home's own.
type planting struct {
	person *decide.Made
	house  *decide.House
}

// meeting makes the person meet the reason at a placement in as few ways as it takes; it gives nothing where the charter has nothing
// that could be held for it.
func (p *Prover) meeting(reason tact.Reason, m *decide.Made, placement string) []planting {
	c := p.snap.House.Charter
	pl := c.Placements[placement]
	var out []planting
	for _, name := range c.Order.Data {
		d := c.Data[name]
		if d.Protective || d.Kind == charter.Trait || !slices.Contains(d.Purposes, pl.Purpose) {
			continue
		}
		w := p.withFact(p.unheld(m), name, p.value(d))
		last := len(w.Facts) - 1
		var house *decide.House
		switch reason {
		case tact.Restricted:
			w.Restricted = true
		case tact.NotChartered:
			w.Facts[last].Name = "not in the charter"
		case tact.Purpose: // it came under words that did not name the purpose, and nobody has chosen since
			house = p.amended(func(before *charter.Charter) {
				o := *d
				o.Purposes = slices.DeleteFunc(slices.Clone(d.Purposes), func(n string) bool { return n == pl.Purpose })
				before.Data[name] = &o
			}, nil)
			w.Facts[last].Charter = c.Position
			for i := range w.Choices {
				w.Choices[i].At, w.Choices[i].Received, w.Choices[i].Charter = p.snap.Now-10, p.snap.Now-10, c.Position
			}
		case tact.Permission:
			for i := range w.Choices {
				if w.Choices[i].Purpose == pl.Purpose {
					w.Choices = slices.Delete(slices.Clone(w.Choices), i, i+1)
					break
				}
			}
		case tact.Expired:
			w.Facts[last].At = charter.Span{Years: 60}.Before(p.snap.Now)
			w.Facts[last].Received = w.Facts[last].At
		case tact.Doubtful:
			w.Facts[last].Quality = 0
			house = p.amended(nil, func(now *charter.Charter) {
				o := *d
				o.Quality = 0.5
				now.Data[name] = &o
			})
		case tact.Sensitive:
			house = p.amended(nil, func(now *charter.Charter) {
				o := *d
				o.Sensitivity, o.Condition = "special", "explicit-consent"
				now.Data[name] = &o
			})
			for i := range w.Choices {
				w.Choices[i].Explicit = false
			}
		case tact.TooSoon:
			w.History, w.Facts = nil, w.Facts[last:]
			house = p.amended(nil, func(now *charter.Charter) {
				o := *d
				o.Level = person.Confidant
				now.Data[name] = &o
			})
		case tact.Surprising:
			w.Facts[last].Learnt, w.Facts[last].Told = person.Acquired, false
			house = p.amended(nil, func(now *charter.Charter) {
				o := *d
				o.Level, o.Learnt = person.Stranger, nil
				now.Data[name] = &o
				q := *pl
				q.Tolerates = 0
				now.Placements[placement] = &q
			})
		case tact.NoBenefit:
			house = p.amended(nil, func(now *charter.Charter) {
				o := *d
				o.Level, o.Benefit = person.Stranger, nil
				now.Data[name] = &o
				q := *now.Purposes[pl.Purpose]
				q.Benefit = nil
				now.Purposes[pl.Purpose] = &q
			})
		}
		out = append(out, planting{w, house})
	}
	return out
}

// value is some value that the datum could have.
func (p *Prover) value(d *charter.Datum) string {
	if vs := p.others(d, ""); len(vs) > 0 {
		return vs[0]
	}
	return "x"
}

// amended is the home's house under a series of two charters: as it was before, and as it is now.
func (p *Prover) amended(before, now func(*charter.Charter)) *decide.House {
	h := p.snap.House
	clone := func(change func(*charter.Charter), position int) *charter.Charter {
		c := *h.Charter
		c.Position = position
		c.Data = maps.Clone(c.Data)
		c.Placements = maps.Clone(c.Placements)
		c.Purposes = maps.Clone(c.Purposes)
		if change != nil {
			change(&c)
		}
		return &c
	}
	house, err := decide.NewHouse(decide.Parts{Series: charter.NewSeries(clone(before, h.Charter.Position), clone(now, h.Charter.Position+1)), Shelf: h.Shelf, Model: h.Model, ModelVersion: h.ModelVersion})
	if err != nil {
		return nil
	}
	return house
}
