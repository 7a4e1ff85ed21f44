package collect

import (
	"github.com/rapporthq/rapport/person"
	"github.com/rapporthq/rapport/trust/consent"
)

// The importer brings choices and complaints as messages of their own, through the same gate.
const (
	choiceOf    Type = 20
	complaintOf Type = 21
)

// Spoken is a choice as a file has it.
type Spoken struct {
	Purpose  string
	Answer   consent.Answer
	Explicit bool
	Evidence consent.Evidence
}

// Complained is a complaint as a file has it.
type Complained struct {
	ID     string
	Closed person.Instant // zero while open
}

// spoken keeps a choice from a file. Unlike the answers in a message's context it is always kept as history, once for
// its message id.
func (st *state) spoken(m *Message, n *notes, p place, v *verdict) {
	c := m.choice
	if st.charter.Purposes[c.Purpose] == nil {
		v.drop(c.Purpose, false, UnplannedField)
		v.refuse(UnplannedField)
		return
	}
	if p.sub.ring(p.id) == nil {
		v.refuse(NoPermission)
		return
	}
	e := c.Evidence
	if e.Channel == "" {
		e.Channel = st.plan.source.Channel
	}
	if e.Message == "" {
		e.Message = m.ID
	}
	st.say(p, consent.Choice{Of: p.id, Purpose: c.Purpose, Answer: c.Answer, At: n.at, Received: st.received, Explicit: c.Explicit, Verified: st.plan.server,
		Source: st.plan.source.Name, Channel: e.Channel, Charter: st.words(n.at)}, e, st.occasion(m))
	v.keep()
}

// complained keeps a complaint, or that it was closed. Only a server source speaks for the complaints desk.
func (st *state) complained(m *Message, p place, v *verdict) {
	ring := p.sub.ring(p.id)
	if ring == nil || !st.plan.server {
		v.refuse(NoPermission)
		return
	}
	st.keep(p)
	at := m.when(st.received)
	st.change.Put = append(st.change.Put, ring.SealComplaint(person.Complaint{Of: p.id, ID: m.complaint.ID, Opened: at, Closed: m.complaint.Closed}))
	v.keep()
}
