package collect

import (
	"strings"

	"github.com/rapporthq/rapport/charter"
	"github.com/rapporthq/rapport/know/quality"
	"github.com/rapporthq/rapport/person"
)

// What arrives is judged beside its setting, some of it leads to a guess, and some events say how good a value is.

// inference is one datum that is inferred from a fact, or from a part of the message that is not kept.
type inference struct {
	plan *factPlan
	name string
	by   quality.Augmenter
	from []string // path in the message; nil when from a fact
}

// infer adds to a plan what the charter has inferred, as far as this gate knows how.
func (p *plan) infer(augmenters map[string]quality.Augmenter) {
	for _, name := range p.charter.Order.Data {
		d := p.charter.Data[name]
		if d.Infer == nil {
			continue
		}
		by, purposes := augmenters[d.Infer.By], common(d.Purposes, p.source.Purposes)
		if by == nil || len(purposes) == 0 {
			continue
		}
		one := inference{plan: &factPlan{datum: d, purposes: purposes}, name: d.Infer.By, by: by}
		if !d.Infer.Of() {
			one.from = strings.Split(d.Infer.From, ".")
			p.parts = append(p.parts, one)
		} else if from := p.facts[d.Infer.From]; from != nil {
			from.infers = append(from.infers, one)
		}
	}
}

// beside is what the facts of a message are judged beside.
func (st *state) beside(n *notes) quality.Setting {
	s := quality.Setting{Region: st.charter.Brand.Region, At: st.received, Own: st.plan.source.Name == ownSource}
	for i := range n.traits {
		if t := &n.traits[i]; t.plan != nil && !t.bad && t.plan.datum.Type.Name == charter.TCountry {
			s.Country = quality.Judge(t.plan.datum, t.value, quality.Setting{}).Value
		}
	}
	return s
}

// inferred keeps what follows from a fact that was kept, or takes away what followed from the one that stood in its place. What the person
// removed or corrected is not inferred again.
func (st *state) inferred(in *inference, from *person.Head, value string, beside quality.Setting, p place, moment person.Moment) {
	d := in.plan.datum
	if p.sub.suppressed(d.Name) {
		st.doubts(p)
		return
	}
	if !st.permits(p, from.At, in.plan.purposes, moment) {
		return
	}
	ring := p.sub.ring(p.id)
	if ring == nil {
		return
	}
	text, sure := answer(in.by, value, beside)
	text, err := d.Type.CanonicalText(text)
	if !(sure > 0 && sure <= 1) || err != nil {
		if st.new[p.id] == nil { // of somebody new there is nothing to take away
			st.change.Drop = append(st.change.Drop, ring.InferredRow(d.Name, from.Source, in.name))
		}
		return
	}
	h := *from
	h.Name, h.Learnt, h.Told, h.Inputs = d.Name, person.Inferred, false, nil
	if in.from == nil {
		h.Inputs = []string{from.Name}
	}
	h.Doubts |= person.Guessed
	h.Quality *= sure
	st.keep(p)
	st.change.Put = append(st.change.Put, ring.SealInferred(person.Fact{Head: h, Value: text}, in.name))
}

// answer asks an augmenter. One that breaks has no answer: it may be a brand's own.
func answer(by quality.Augmenter, value string, s quality.Setting) (text string, sure float64) {
	defer func() {
		if recover() != nil {
			text, sure = "", 0
		}
	}()
	return by.Infer(value, s)
}

// ofParts keeps what follows from parts of an identify message about somebody of whom anything is kept. The parts themselves are not kept.
func (st *state) ofParts(m *Message, n *notes, beside quality.Setting, p place, moment person.Moment, v *verdict) {
	if len(st.plan.parts) == 0 || !v.kept && !st.onDisk(p.id) {
		return
	}
	for k := range st.plan.parts {
		in := &st.plan.parts[k]
		raw := st.sketch.at(m.raw, in.from)
		if len(raw) == 0 || raw[0] != '"' {
			continue
		}
		value, err := decode(raw)
		text, ok := value.(string)
		if err != nil || !ok || in.plan.datum.Retain.Before(st.received) > n.at {
			continue
		}
		from := person.Head{Of: p.id, Source: st.plan.source.Name, Channel: st.plan.source.Channel, At: n.at, Received: st.received,
			Charter: st.charter.Position, Quality: 1, Verified: st.plan.server}
		st.inferred(in, &from, text, beside, p, moment)
	}
}

// verdicts are what events may say of a value, as a doubt; none is that it is right.
var verdicts = map[string]person.Doubts{"bounced": person.Bounced, "returned": person.Returned, "confirmed": 0}

// verdict keeps what an event of a server source, kept already, says of a fact's value: with each of the person's pseudonyms, so that a split
// forgets nothing. A browser's word is none.
func (st *state) verdict(ep *eventPlan, n *notes, p place) {
	judges := ep.event.Judges
	if judges == nil || !st.plan.server {
		return
	}
	d, at := st.charter.Data[judges.Fact], ep.index[judges.Fact]
	doubt, known := verdicts[judges.As]
	if d == nil || !known || at >= len(ep.fields) || ep.fields[at].property.Name != judges.Fact {
		return
	}
	value, err := canonical(&ep.fields[at].property.Type, st.values[at])
	if err != nil {
		return
	}
	value = quality.Judge(d, value, quality.Setting{Region: st.charter.Brand.Region, At: st.received}).Value
	for _, of := range p.sub.who.All() {
		if ring := p.sub.ring(of); ring != nil {
			st.change.Put = append(st.change.Put, ring.SealVerdict(judges.Fact, value, doubt, false, n.at))
		}
	}
}
