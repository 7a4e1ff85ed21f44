package consent

import (
	"math"

	"github.com/rapporthq/rapport/charter"
	"github.com/rapporthq/rapport/person"
)

// Standing is what a person's choices mean for one purpose at one time. The zero Standing allows nothing.
type Standing struct {
	Allowed    bool
	Explicit   bool           // it rests on a yes said to this purpose by name (GDPR Art. 9)
	Switchable bool           // the person can say no to it
	Basis      charter.Basis  // the purpose's legal basis; empty when the charter does not know the purpose
	Answer     Answer         // what stands: an aged yes, or one that does not count, is Unanswered
	Since      person.Instant // when the answer that decides was given; zero when none did
	Charter    int            // highest position of a charter under whose words a verified yes that stands was given; 0 when none
	Because    string         // one of the words below
}

// Why a standing is as it is: words for machines. Say puts them in sentences.
const (
	BecauseUnknown     = "unknown-purpose" // the charter does not name the purpose
	BecauseYes         = "yes"             // the person said yes
	BecauseNo          = "no"              // the person said no
	BecauseObjected    = "objected"        // the person objected to a legitimate interest
	BecauseUnopposed   = "unopposed"       // a legitimate interest, and nobody objected
	BecauseUnanswered  = "unanswered"      // nobody said anything
	BecauseAged        = "aged"            // the yes is older than the charter's ask-again
	BecauseNotExplicit = "not-explicit"    // there is a yes, but not an explicit one
	BecauseClaimed     = "claimed"         // there is a yes, but only a browser's claim about a known person
	BecauseSignal      = "signal"          // the browser's signal says no
	// For bases that nobody can switch off, Because is the basis itself: contract, legal-obligation, vital-interest, public-task.
)

// always stands for "before everything": the root was never brought to anybody.
const always = person.Instant(math.MinInt64)

// when is the time from which a choice counts. A no counts from when it came, if its source dates it later than that:
// a wrong clock must not keep a no from working. A yes counts from no earlier than its own time.
func (c *Choice) when() person.Instant {
	t := c.At
	if t == 0 {
		t = c.Received
	}
	if c.Answer == No && c.Received != 0 {
		t = min(t, c.Received)
	}
	return t
}

// claim says whether the choice binds its device only: a browser's claim, or a browser's signal.
func (c *Choice) claim() bool { return !c.Verified || c.Signal }

// counts says whether the choice is one at all, at that time, by the server's clock.
func (c *Choice) counts(p *charter.Purpose, who *person.Person, at, now person.Instant) bool {
	if c.Purpose != p.Name || !who.Has(c.Of) {
		return false
	}
	t := c.when()
	switch c.Answer {
	case Yes:
		// A signal only ever says no. Without a clock no yes can be placed.
		return !c.Signal && t != 0 && t <= at && t <= now
	case No:
		// A no from later than now was said before the clock went back: it stands.
		return t <= at || now != 0 && t > now
	}
	return false
}

// needsYes says whether the purpose stands on a yes only. An explicit purpose does, whatever basis it names besides.
func needsYes(p *charter.Purpose) bool { return p.Basis == charter.Consent || p.Explicit }

// fixed says whether the person has no say: a contract, a law's duty, a vital interest, a public task.
func fixed(p *charter.Purpose) bool {
	if p.Explicit {
		return false
	}
	switch p.Basis {
	case charter.Contract, charter.LegalObligation, charter.VitalInterest, charter.PublicTask:
		return true
	}
	return false
}

// voice is what one pseudonym's choices say together at one time.
type voice struct {
	of     person.ID
	said   answer // latest verified answer
	device answer // latest claim or signal of the device, when this device is asked about
}

// answer is the latest of several choices, and from when it counts; nil when there is none.
type answer struct {
	*Choice
	at person.Instant
}

// hear keeps the later of two; of two at the same time the no, and of two equal answers the one that grants less, so that the
// order of rows does not matter.
func (a *answer) hear(c *Choice) {
	t := c.when()
	if a.Choice == nil || t > a.at || t == a.at && stricter(c, a.Choice) {
		*a = answer{c, t}
	}
}

func stricter(a, b *Choice) bool {
	switch {
	case a.Answer != b.Answer:
		return a.Answer == No
	case a.Signal != b.Signal: // the person's own word tells more than their browser's
		return b.Signal
	case a.Explicit != b.Explicit:
		return b.Explicit
	case a.Verified != b.Verified:
		return b.Verified
	}
	return a.Charter < b.Charter
}

// Of gives the standing of a person for a purpose at a time: at is the time asked about, m the moment of the decision
// (its Now bounds what can have been said yet, its GPC and Device say which browser asks).
//
//   - consent: only a yes that has not aged. legitimate-interest: unless there is a no. Other bases: always, and not switchable.
//   - An explicit purpose counts only an explicit yes, whatever its basis.
//   - The latest answer stands; of two at the same time the no.
//   - What a browser claims never grants anything for a known person: an unverified yes counts only while the person is nothing
//     but that device's pseudonym, and never lifts a verified no. An unverified no, and a signal kept as a choice, bind that device:
//     until it, or the person, answers again.
//   - A joined person has the stricter of the answers given by each pseudonym, until a verified answer given when the pseudonyms
//     concerned were already joined. Unanswered is not a choice.
//   - Where a link is doubtful only who asked (person.Person.By) can have said yes, and a no of anybody who may be they holds.
//   - What the charter does not name is not allowed.
func Of(c *charter.Charter, purpose string, who person.Person, choices []Choice, m person.Moment, at person.Instant) Standing {
	if c == nil || c.Purposes[purpose] == nil {
		return Standing{Because: BecauseUnknown}
	}
	p := c.Purposes[purpose]
	if who.Doubted() {
		return ofSides(c, purpose, who, choices, m, at)
	}
	st := Standing{Basis: p.Basis, Switchable: !fixed(p)}
	if fixed(p) {
		st.Allowed, st.Because = true, string(p.Basis)
		return st
	}
	var few [8]voice
	h := hear(p, who, choices, m, at, few[:0])
	h.decide(p, &who, at, &st)
	if m.GPC && st.Answer != No && contains(c.Signals.GPC, purpose) {
		st.Allowed, st.Explicit, st.Answer, st.Since, st.Charter, st.Because = false, false, No, 0, 0, BecauseSignal
	}
	return st
}

// ofSides is the standing of whoever asked, where a doubtful link takes several people for one: a no of any of them holds, and a yes only of who asked.
func ofSides(c *charter.Charter, purpose string, who person.Person, choices []Choice, m person.Moment, at person.Instant) Standing {
	sides := who.Sides()
	st := Of(c, purpose, sides[0], choices, m, at)
	for _, side := range sides[1:] {
		if o := Of(c, purpose, side, choices, m, at); o.Answer == No && st.Answer != No {
			st = o
		}
	}
	return st
}

// Both gives the standing for a decision: it allows only what is allowed at the moment's time and by the server's clock too.
func Both(c *charter.Charter, purpose string, who person.Person, choices []Choice, m person.Moment) Standing {
	now := Of(c, purpose, who, choices, m, m.Now)
	if !now.Allowed || m.At == m.Now {
		return now
	}
	then := Of(c, purpose, who, choices, m, m.At)
	if !then.Allowed {
		return then
	}
	now.Explicit = now.Explicit && then.Explicit
	now.Charter = min(now.Charter, then.Charter)
	return now
}

// hearing is what was said to one purpose, by whom.
type hearing struct {
	voices []voice
	sole   bool // the person is one pseudonym only
	soft   bool // there was a yes that was not explicit enough
	hollow bool // there was a yes that was only claimed
}

func hear(p *charter.Purpose, who person.Person, choices []Choice, m person.Moment, at person.Instant, voices []voice) hearing {
	h := hearing{sole: len(who.Also) == 0}
	h.voices = append(voices, voice{of: who.Root})
	for i := range who.Also {
		h.voices = append(h.voices, voice{of: who.Also[i].ID})
	}
	for i := range choices {
		c := &choices[i]
		if !c.counts(p, &who, at, m.Now) {
			continue
		}
		v := &h.voices[index(who, c.Of)]
		if c.claim() {
			h.hearClaim(p, v, c, &m)
			continue
		}
		if c.Answer == Yes && p.Explicit && !c.Explicit {
			h.soft = true
			continue
		}
		v.said.hear(c)
	}
	return h
}

func (h *hearing) hearClaim(p *charter.Purpose, v *voice, c *Choice, m *person.Moment) {
	here := h.sole || m.Device == c.Of
	if c.Answer == Yes {
		h.hollow = h.hollow || !h.sole
		if p.Explicit && !c.Explicit { // no answer to this question: it lifts nothing either
			h.soft = h.soft || h.sole
			return
		}
	}
	if here {
		v.device.hear(c)
	}
}

// superseded says whether something the pseudonym said at t was answered again since by one with whom it was one person already.
func (h *hearing) superseded(who *person.Person, v *voice, t person.Instant) bool {
	for i := range h.voices {
		o := &h.voices[i]
		if o.said.Choice != nil && o.said.at > t && o.said.at >= who.Together(v.of, o.of) {
			return true
		}
	}
	return false
}

// decide puts what was said together.
func (h *hearing) decide(p *charter.Purpose, who *person.Person, at person.Instant, st *Standing) {
	var aged person.Instant
	for i := range h.voices {
		v := &h.voices[i]
		if v.said.Choice != nil && !h.superseded(who, v, v.said.at) {
			st.take(p, &v.said, at, &aged)
		}
		if d := &v.device; d.Choice != nil && !h.superseded(who, v, d.at) {
			switch {
			case d.Answer == No:
				if v.said.Choice == nil || d.at >= v.said.at {
					st.take(p, d, at, &aged)
				}
			case h.sole: // a verified no of the same pseudonym was taken above, and outweighs it
				st.take(p, d, at, &aged)
			}
		}
	}
	switch {
	case st.Answer == No:
		st.Allowed, st.Explicit, st.Charter = false, false, 0
	case !needsYes(p):
		st.Allowed = true
		if st.Answer != Yes {
			st.Because = BecauseUnopposed
		}
	case st.Answer == Yes:
		st.Allowed = true
	case aged != 0:
		st.Since, st.Because = aged, BecauseAged
	case h.soft:
		st.Because = BecauseNotExplicit
	case h.hollow:
		st.Because = BecauseClaimed
	default:
		st.Because = BecauseUnanswered
	}
}

// take adds one answer that stands: a no outweighs every yes.
func (st *Standing) take(p *charter.Purpose, a *answer, at person.Instant, aged *person.Instant) {
	if a.Answer == No {
		if st.Answer != No || a.at > st.Since {
			st.Answer, st.Since = No, a.at
			switch {
			case a.Signal:
				st.Because = BecauseSignal
			case p.Basis == charter.LegitimateInterest:
				st.Because = BecauseObjected
			default:
				st.Because = BecauseNo
			}
		}
		return
	}
	if needsYes(p) && !p.AskAgain.IsZero() && at > p.AskAgain.After(a.at) {
		*aged = max(*aged, a.at)
		return
	}
	if st.Answer == No {
		return
	}
	if st.Answer != Yes || a.at > st.Since {
		st.Answer, st.Since, st.Because = Yes, a.at, BecauseYes
	}
	st.Explicit = st.Explicit || a.Explicit
	if !a.claim() {
		st.Charter = max(st.Charter, a.Charter)
	}
}

// index is the place of a pseudonym among the person's, root first; the caller knows that it is one of them.
func index(who person.Person, id person.ID) int {
	for i, j := range who.Also {
		if j.ID == id && id != who.Root {
			return i + 1
		}
	}
	return 0
}

func contains(names []string, name string) bool {
	for _, n := range names {
		if n == name {
			return true
		}
	}
	return false
}
