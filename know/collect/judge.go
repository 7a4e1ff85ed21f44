package collect

import (
	"encoding/hex"

	"github.com/rapporthq/rapport/charter"
	"github.com/rapporthq/rapport/know/quality"
	"github.com/rapporthq/rapport/person"
	"github.com/rapporthq/rapport/trust/consent"
	"github.com/rapporthq/rapport/trust/vault"
)

// GroupFact is the name that a charter gives the fact in which it wants the groupId of group messages.
const GroupFact = "group"

// trait is one fact that a message brings, as the first pass reads it.
type trait struct {
	name  string
	plan  *factPlan // nil: the charter does not declare it
	value string
	bad   bool          // not of the declared type
	doubt person.Doubts // of how it was written
	blind vault.Blind
	kind  vault.IdentifierKind // email, phone, or a kind that joins, when a verified one leads to the person
}

// read is the first pass: times, identifiers and facts, and the blinds by which people are found.
func (st *state) read() []vault.Blind {
	blinds := make([]vault.Blind, 0, 2*len(st.notes))
	seen := make(map[vault.Blind]bool, 2*len(st.notes))
	ask := func(kind vault.IdentifierKind, value string) (vault.Blind, bool) {
		b, err := st.index.Blind(kind, value)
		if err != nil {
			return b, false
		}
		if !seen[b] {
			seen[b] = true
			blinds = append(blinds, b)
			st.asked = append(st.asked, asked{b, kind, value})
		}
		return b, true
	}
	for k := range st.parts {
		st.turn(k)
		for i := range st.arrival.Batch.Messages {
			st.look(&st.arrival.Batch.Messages[i], &st.notes[st.first+i], ask)
		}
	}
	return blinds
}

// look reads what one message names. ask notes an identifier that must be looked up, and gives its blind.
func (st *state) look(m *Message, n *notes, ask func(vault.IdentifierKind, string) (vault.Blind, bool)) {
	if m.defect != sound {
		return
	}
	n.at = m.when(st.received)
	if m.Anonymous != "" {
		if n.device, n.hasDevice = ask(vault.AnonymousID, m.Anonymous); !n.hasDevice {
			m.defect = wrongShape
		}
	}
	if m.UserID != "" {
		if st.plan.server {
			n.user, n.hasUser = ask(vault.UserID, m.UserID)
		} else if n.user, _ = st.index.Blind(vault.UserID, m.UserID); n.user != (vault.Blind{}) {
			n.hasUser = true
			st.asked = append(st.asked, asked{n.user, vault.UserID, m.UserID})
			if !n.hasDevice {
				n.claimed, n.hasUser = ask(vault.ClaimedUser, vault.ClaimedAs(st.plan.source.Name, m.UserID))
			}
		}
		if !n.hasUser {
			m.defect = wrongShape
		}
	}
	switch m.Type {
	case Identify:
		n.traits = st.traits(m.traits, m.flat)
	case Group:
		if fp := st.plan.facts[GroupFact]; fp != nil {
			t := trait{name: GroupFact, plan: fp}
			var err error
			if t.value, err = fp.datum.Type.Canonical(m.GroupID); err != nil {
				t.value, t.bad = "", true
			}
			n.traits = []trait{t}
		}
	case Alias:
		if st.plan.server {
			n.previous, _ = ask(vault.UserID, m.Previous)
			n.before, _ = ask(vault.AnonymousID, m.Previous)
		}
	}
	for j := range n.traits {
		if t := &n.traits[j]; t.kind != "" {
			var ok bool
			if t.blind, ok = ask(t.kind, t.value); !ok {
				t.kind = ""
			}
		}
	}
}

// traits reads the traits of an identify message.
func (st *state) traits(raw []byte, flat bool) []trait {
	if raw == nil {
		return nil
	}
	var out []trait
	st.sketch.each(raw, func(name string, v []byte) {
		if len(v) == 0 || v[0] == 'n' || (flat && envelope(name)) {
			return
		}
		t := trait{name: name, plan: st.plan.facts[name]}
		if t.plan != nil {
			d := t.plan.datum
			var err error
			if t.value, err = canonical(&d.Type, v); err != nil {
				t.value, t.doubt, t.bad = st.written(&d.Type, v, quality.Born(d))
				t.bad = !t.bad
			} else if st.plan.server && d.Kind == charter.Identifier {
				switch d.Type.Name {
				case charter.TEmail:
					t.kind = vault.Email
				case charter.TPhone:
					t.kind = vault.Phone
				case charter.TString:
					if d.Joins > 0 {
						t.kind = vault.Joining(d.Name)
					}
				}
			}
		}
		out = append(out, t)
	})
	return out
}

// envelope says whether a member of a flat line of people is no fact.
func envelope(name string) bool {
	switch name {
	case "userId", "anonymousId", "messageId", "timestamp", "at", "type", "context", "integrations":
		return true
	}
	return false
}

// message judges one message and adds what may be kept to the change.
func (st *state) message(i int) error {
	m, n := &st.arrival.Batch.Messages[i], &st.notes[st.first+i]
	v := st.tally.open(m, st.received)
	if m.defect != sound {
		if m.defect == tooLarge {
			v.refuse(TooLarge)
		} else {
			v.refuse(Malformed)
		}
		return nil
	}
	st.own = m.answers(st.own[:0], st.plan.source, &st.sketch)
	barred := st.barred(m, n)
	switch m.Type {
	case Alias:
		if barred {
			v.name("alias", true)
			v.refuse(Suppressed)
			return nil
		}
		return st.alias(m, n, v)
	case Group:
		v.name("group", true)
		if st.plan.facts[GroupFact] == nil {
			v.refuse(UnplannedEvent)
			return nil
		}
	case Identify:
		v.name("identify", true)
	case choiceOf:
		v.name("choice", true)
	case complaintOf:
		v.name("complaint", true)
	default:
		ep := st.plan.events[m.Event]
		v.name(m.Event, ep != nil)
	}
	if barred {
		v.refuse(Suppressed)
		return nil
	}
	p, ok, err := st.whose(n)
	if err != nil {
		return err
	}
	if !ok {
		v.refuse(NoPermission) // the person's key is gone: nothing can be kept for them
		return nil
	}
	device := person.ID{}
	if !st.plan.server || !n.hasUser {
		device = p.id
	}
	if p.sub.suppressed(vault.Everything) {
		if !st.chose(m) {
			v.refuse(Suppressed)
			st.doubts(p)
			return nil
		}
		st.welcome(p)
	}
	st.heed(m, n, p, v)
	signed := st.plan.server && n.hasUser && n.hasDevice
	if signed {
		// A session of which something is known is joined whatever becomes of the message: who signed in is true all the same.
		if err := st.signIn(p, n.user, n.device, n.at, "sign-in", false); err != nil {
			return err
		}
	}
	moment := st.moment(device)
	switch m.Type {
	case Identify, Group:
		st.facts(m, n, p, moment, v)
		if signed && v.reason == "" {
			v.keep()
		}
	case choiceOf:
		st.spoken(m, n, p, v)
	case complaintOf:
		st.complained(m, p, v)
	default:
		if err := st.event(m, n, p, moment, v); err != nil {
			return err
		}
	}
	if v.kept {
		st.keep(p)
		if signed {
			if err := st.signIn(p, n.user, n.device, n.at, "sign-in", true); err != nil {
				return err
			}
		}
		st.claim(m, n, p)
	}
	st.meet(p, n.at)
	st.signal(p)
	return nil
}

// heed keeps the answers that came with a message as choices: only those that differ from what the pseudonym's last
// answer of the same standing was, for a consent tool repeats itself with every message.
func (st *state) heed(m *Message, n *notes, p place, v *verdict) {
	for _, o := range st.own {
		if st.charter.Purposes[o.purpose] == nil || p.sub.inForce(p.id, o.purpose, st.plan.server, n.at) == o.answer {
			continue
		}
		st.say(p, consent.Choice{Of: p.id, Purpose: o.purpose, Answer: o.answer, At: n.at, Received: st.received, Verified: st.plan.server,
			Source: st.plan.source.Name, Channel: st.plan.source.Channel, Charter: st.words(n.at)},
			consent.Evidence{Channel: st.plan.source.Channel, Message: m.ID}, st.occasion(m))
		v.changed = true
	}
}

// occasion tells messages apart where there can be several rows of one name.
func (st *state) occasion(m *Message) string {
	if m.ID != "" {
		return st.plan.source.Name + "\x00" + m.ID
	}
	id := st.eventID(m)
	return hex.EncodeToString(id[:])
}

// eventID names the event by its messageId, so that a retry has the same; without one, by its content and the time of
// receipt.
func (st *state) eventID(m *Message) person.EventID {
	if m.ID != "" {
		return st.g.parts.Vault.EventID(st.plan.source.Name + "\x00" + m.ID)
	}
	return st.g.parts.Vault.EventID(st.plan.source.Name + "\x01" + st.received.Time().Format("20060102150405.000000") + string(m.raw))
}

// claim keeps that a browser said who sits there.
func (st *state) claim(m *Message, n *notes, p place) {
	if st.plan.server || !n.hasUser || p.sub.claimed(st.g.parts.Vault, p.id, n.user) {
		return
	}
	ring := p.sub.ring(p.id)
	if ring == nil {
		return
	}
	row, err := ring.SealClaim(vault.UserID, m.UserID, n.at)
	if err != nil {
		return
	}
	st.change.Put = append(st.change.Put, row)
	p.sub.claims = append(p.sub.claims[:len(p.sub.claims):len(p.sub.claims)], vault.Claim{Of: p.id, Kind: vault.UserID, Blind: n.user, At: n.at})
}

// signal keeps what the browser's signal says no to, for a device of which anything is kept.
func (st *state) signal(p place) {
	if !st.gpc || !st.onDisk(p.id) {
		return
	}
	for _, purpose := range st.charter.Signals.GPC {
		if p.sub.signalled(p.id, purpose) {
			continue
		}
		st.say(p, consent.Choice{Of: p.id, Purpose: purpose, Answer: consent.No, At: st.received, Received: st.received, Signal: true,
			Source: st.plan.source.Name, Channel: st.plan.source.Channel, Charter: st.charter.Position},
			consent.Evidence{Channel: st.plan.source.Channel, Words: "Sec-GPC: 1"}, "gpc "+st.plan.source.Name)
	}
}

// event judges a track, page or screen message: its name, its purposes, its age, the person's standing, and only then
// its content.
func (st *state) event(m *Message, n *notes, p place, moment person.Moment, v *verdict) error {
	ep := st.plan.events[m.Event]
	switch {
	case ep == nil:
		v.refuse(UnplannedEvent)
		return nil
	case len(ep.purposes) == 0:
		v.refuse(NoPurpose)
		return nil
	case !ep.event.Retain.IsZero() && n.at < ep.event.Retain.Before(st.received):
		v.refuse(TooOld)
		return nil
	case !st.permits(p, n.at, ep.purposes, moment):
		v.refuse(NoPermission)
		return nil
	}
	ring := p.sub.ring(p.id)
	if ring == nil {
		v.refuse(NoPermission)
		return nil
	}
	if !st.body(m, ep, v) {
		return nil
	}
	stream, err := st.g.streamOf(st.ctx, st.plan, ep)
	if err != nil {
		return err
	}
	st.keep(p)
	st.change.Frames = append(st.change.Frames, ring.SealEvent(st.eventID(m), stream, n.at, st.received, st.sketch.body))
	v.keep()
	st.verdict(ep, n, p)
	if cat := st.g.parts.Catalogue; cat != nil && st.plan.server {
		for _, l := range st.sketch.lines {
			if !cat.Knows(l.Item) {
				st.change.Sightings = append(st.change.Sightings, st.g.parts.Vault.SightingOf(l.Item, p.sub.who.Root))
			}
		}
	}
	return nil
}

// body makes the body of an event out of its declared properties; false when the event is refused for what it lacks.
func (st *state) body(m *Message, ep *eventPlan, v *verdict) bool {
	k := &st.sketch
	if cap(st.values) < len(ep.fields) {
		st.values = make([][]byte, len(ep.fields)+8)
	}
	values := st.values[:len(ep.fields)]
	clear(values)
	if m.properties != nil {
		s := &k.scan
		s.data, s.pos, s.defect, s.names = m.properties, 0, sound, s.names[:0]
		_ = s.object(0, func(name []byte, depth int) error {
			i, planned := ep.index[string(name)]
			if !planned {
				v.drop(string(name), false, UnplannedField)
				_, err := s.value(depth)
				return err
			}
			raw, err := s.value(depth)
			values[i] = raw
			return err
		})
	}
	k.start(ep.event.TakesBack)
	for i := range ep.fields {
		f := &ep.fields[i]
		raw := values[i]
		switch {
		case f.from != nil:
			if found := k.at(m.raw, f.from); found != nil {
				raw = found
			}
		case raw == nil && m.Type != Track && (f.property.Name == "name" || f.property.Name == "category"):
			raw = k.at(m.raw, []string{f.property.Name})
		}
		err := k.add(f.property.Name, &f.property.Type, raw)
		if err != nil && err != errAbsent && err != errReturned {
			// As people write it, where there is one reading: an event has no quality by which it could be held.
			if value, doubt, ok := st.written(&f.property.Type, raw, false); ok && doubt == 0 {
				err = k.add(f.property.Name, &f.property.Type, asJSON(&f.property.Type, value))
			}
		}
		switch {
		case err == nil:
		case err == errAbsent && f.property.Required:
			v.refuseFor(f.property.Name, RequiredMissing)
			return false
		case err == errAbsent:
		case err == errReturned && f.property.Required && len(k.lines) == 0:
			v.refuseFor(f.property.Name, Returned) // all of it goes back: there is no purchase to keep
			return false
		case err == errReturned:
			v.drop(f.property.Name, true, Returned)
		case f.property.Required:
			v.refuseFor(f.property.Name, TypeMismatch)
			return false
		default:
			v.drop(f.property.Name, true, TypeMismatch)
		}
	}
	return true
}

// facts judges the facts of an identify or group message one by one.
func (st *state) facts(m *Message, n *notes, p place, moment person.Moment, v *verdict) {
	src, server := st.plan.source, st.plan.server
	if m.Type == Group && m.traits != nil {
		st.sketch.each(m.traits, func(name string, _ []byte) { v.drop(name, false, UnplannedField) })
	}
	var last Reason
	beside := st.beside(n)
	for i := range n.traits {
		t := &n.traits[i]
		var why Reason
		switch {
		case t.plan == nil:
			why = UnplannedField
		case t.bad:
			why = TypeMismatch
		case len(t.plan.purposes) == 0:
			why = NoPurpose
		case !t.plan.datum.Retain.IsZero() && n.at < t.plan.datum.Retain.Before(st.received):
			why = TooOld
		case src.Name != ownSource && p.sub.suppressed(t.name):
			why = Suppressed
			st.doubts(p)
		case !st.permits(p, n.at, t.plan.purposes, moment):
			why = NoPermission
		}
		ring := p.sub.ring(p.id)
		if why == "" && ring == nil {
			why = NoPermission
		}
		if why != "" {
			v.drop(t.name, t.plan != nil, why)
			last = why
			continue
		}
		learnt := src.LearntOf(t.name)
		st.keep(p)
		j := quality.Judge(t.plan.datum, t.value, beside)
		j.Doubts |= t.doubt
		fact := person.Fact{Head: person.Head{Of: p.id, Name: t.name, Learnt: learnt, Source: src.Name, Channel: src.Channel,
			At: n.at, Received: st.received, Charter: st.charter.Position, Quality: j.Quality(), Doubts: j.Doubts, Told: learnt == person.Declared && server, Verified: server}, Value: j.Value}
		st.change.Put = append(st.change.Put, ring.SealFact(fact))
		for k := range t.plan.infers {
			st.inferred(&t.plan.infers[k], &fact.Head, j.Value, beside, p, moment)
		}
		st.leads(t, p, server && n.hasUser, j.Doubts)
		v.keep()
	}
	if m.Type == Identify {
		st.ofParts(m, n, beside, p, moment, v)
	}
	if !v.kept && last != "" && !v.changed {
		v.reason = last // nothing of it was kept
	}
}

// identifier lets a further identifier lead to a pseudonym of this change or of before.
func (st *state) identifier(ident vault.Identifier) {
	st.lead(ident)
	if n := st.new[ident.Of]; n != nil && n.at != 0 {
		e := &st.change.Enrol[n.at-1]
		e.Identifiers = append(e.Identifiers, ident)
		return
	}
	st.change.Identifiers = append(st.change.Identifiers, ident)
}

// alias joins an earlier anonymous id to a user. Only a server source may say so; two users never join.
func (st *state) alias(m *Message, n *notes, v *verdict) error {
	v.name("alias", true)
	if !st.plan.server {
		v.refuse(UnplannedEvent)
		return nil
	}
	user, ok, err := st.named(n.user, true)
	if err != nil {
		return err
	}
	if !ok || len(st.idents[n.previous]) > 0 {
		v.refuse(NoPermission)
		return nil
	}
	if err := st.signIn(user, n.user, n.before, n.at, "alias", true); err != nil {
		return err
	}
	v.keep()
	return nil
}
