package tact

import (
	"slices"
	"time"

	"github.com/rapporthq/rapport/charter"
	"github.com/rapporthq/rapport/person"
	"github.com/rapporthq/rapport/trust/consent"
	"github.com/rapporthq/rapport/trust/relationship"
)

// permitLasts is how long after the judgement its permit opens: long enough for one decision, too short to be kept.
const permitLasts = time.Minute

// ahead is how far in the future something may be dated before it is doubtful: sources' clocks differ, but not by days.
const ahead = 24 * time.Hour

// code numbers the reasons in their order; 0 is that it passed.
type code uint8

const (
	passes code = iota
	restricted
	notChartered
	purposeless
	permission
	expired
	doubtful
	sensitive
	tooSoon
	surprising
	noBenefit
	codes
)

var reasons = [codes]Reason{"", Restricted, NotChartered, Purpose, Permission, Expired, Doubtful, Sensitive, TooSoon, Surprising, NoBenefit}

// earlier is the reason that comes first in the order, of two that may both be none.
func earlier(a, b code) code {
	if a == passes || b != passes && b < a {
		return b
	}
	return a
}

// Judge decides a case. It is a function of its Case alone. What passed both passes is in the Permit, by the places of
// Case.Facts and Case.History: Record.Open must be asked with the same heads. Several facts may have one name: each is judged for
// itself, and which of those that passed is used is for whoever opens them to choose.
//
// Protective facts go their own way. They are judged by their own purposes, not the placement's; the second pass is not theirs.
// First leave, then doubt: where the person gave no leave (restricted, not-chartered, purpose, permission, sensitive) the fact
// plays no part at all. Where there is leave but the fact is in doubt (expired, doubtful: dated in the future, only claimed about somebody
// who is known, or under the datum's quality floor), Protective says false and everything that its rules could remove is removed.
// Of several facts of one name that have leave the newest decides whether there is doubt, and doubt where two are equally new.
// A restriction takes away the leave for purposes that the person could say no to, and leaves those that rest on a law or a contract.
func Judge(c Case) Judgement {
	if c.Charter == nil || c.Placement == nil {
		return withheld(&c)
	}
	j := judge{Case: &c, purpose: c.Placement.Purpose, second: true}
	return j.run(Permit{kind: Decision})
}

// JudgeLearning decides what a model may learn from one person for a purpose that learns: the first pass alone, with no placement,
// and without protective facts, which may only ever take away. Its Permit is a job's; the look at the population is the job's to record.
func JudgeLearning(c Case, purpose string) Judgement {
	if c.Charter == nil || c.Charter.Purposes[purpose] == nil || !c.Charter.Purposes[purpose].Learns {
		return withheld(&c)
	}
	j := judge{Case: &c, purpose: purpose}
	return j.run(Permit{kind: Job, role: "job", actor: "learn", count: 1})
}

// withheld is the judgement when there is nothing to judge by: nothing passes.
func withheld(c *Case) Judgement {
	out := Judgement{FactReasons: make([]Reason, len(c.Facts)), HistoryReasons: make([]Reason, len(c.History))}
	for i := range out.FactReasons {
		out.FactReasons[i] = NotChartered
	}
	for i := range out.HistoryReasons {
		out.HistoryReasons[i] = NotChartered
	}
	return out
}

// judge is the work on one case.
type judge struct {
	*Case
	purpose   string
	second    bool // there is a placement, and so a second pass
	standing  consent.Standing
	standings []named
	far       []person.ID    // whose facts and events may be somebody else's
	late      person.Instant // the later of the moment and the server's clock: what is past then is past
	groups    []group
	index     map[key]int // of groups, once there are many
	last      int32       // the group of the head before: histories come in runs
	facts     []mark
	history   []mark
	edges     []edge
	shields   []shield
	holds     tally
}

// named is the standing for one purpose, worked out once.
type named struct {
	purpose string
	consent.Standing
}

// mark is what was found about one head.
type mark struct {
	group int32
	code  code
	told  bool // the person knows that we know
}

func (j *judge) run(permit Permit) Judgement {
	j.late = max(j.Moment.At, j.Moment.Now)
	j.far = j.Who.Far()
	j.standing = j.stands(j.purpose)
	marks := make([]mark, len(j.Facts)+len(j.History))
	j.facts, j.history = marks[:len(j.Facts):len(j.Facts)], marks[len(j.Facts):]
	j.groups = make([]group, 0, len(j.Facts)+4)
	j.standings = make([]named, 0, 4)
	j.edges = make([]edge, 0, 4)

	j.firstPass()
	out := Judgement{Standing: j.standing}
	if j.second {
		out.Level = j.settle()
	}
	out.FactReasons, out.HistoryReasons = j.reasons()
	out.Holds, out.Apart = j.holds.lines()
	out.Protective = j.protective()
	out.Permit = j.permit(permit)
	return out
}

// stands is the person's standing for a purpose, at the moment and by the server's clock.
func (j *judge) stands(purpose string) consent.Standing {
	for i := range j.standings {
		if j.standings[i].purpose == purpose {
			return j.standings[i].Standing
		}
	}
	st := consent.Both(j.Charter, purpose, j.Who, j.Choices, j.Moment)
	j.standings = append(j.standings, named{purpose, st})
	return st
}

// firstPass: may this be used at all, here and for this?
func (j *judge) firstPass() {
	derived := false
	for i := range j.Facts {
		h := &j.Facts[i]
		g := j.group(h, &j.facts[i])
		if g.protective {
			j.facts[i].code = j.shield(g, h)
			continue
		}
		j.facts[i].code = j.first(g, h)
		g.worst = earlier(g.worst, j.facts[i].code)
		derived = derived || g.derived
	}
	for i := range j.History {
		h := &j.History[i]
		g := j.group(h, &j.history[i])
		j.history[i].code = j.first(g, h)
		g.worst = earlier(g.worst, j.history[i].code)
		derived = derived || g.derived
	}
	if derived {
		j.inherit(j.absent)
	}
}

// first finds the reason of one head.
func (j *judge) first(g *group, h *person.Head) code {
	if g.first != passes {
		return g.first
	}
	if g.isExpired(h, j.late) {
		return expired
	}
	if j.isDoubtful(g, h) {
		return doubtful
	}
	return g.sensitive
}

// isDoubtful: dated in the future, of nobody or of somebody else, of somebody who may be another than who asked, under the quality floor, or a fact that was only claimed about somebody known.
func (j *judge) isDoubtful(g *group, h *person.Head) bool {
	if h.At > j.Moment.Now.Add(ahead) || h.Of.IsZero() || h.Of != j.Who.Root && !j.Who.Has(h.Of) {
		return true
	}
	if len(j.far) > 0 && slices.Contains(j.far, h.Of) {
		return true
	}
	if h.Event {
		return false
	}
	sure := h.Quality
	if g.fades {
		sure = g.datum.Sure(h, j.late)
	}
	return h.Unreadable || !(sure >= g.floor) || !h.Verified && len(j.Who.Also) > 0
}

// place is the name of the placement; a model that learns is at none.
func (j *judge) place() string {
	if j.second {
		return j.Placement.Name
	}
	return ""
}

// settle finds the relationship level and does the second pass by it.
//
// The level rests on what passed the first pass, and the second pass on the level; but what the second pass holds must not show through the level
// either, or a decision would tell of it (promise 4). So the level is the highest that those who pass both passes bear out by themselves: it begins
// with all that passed the first pass and falls until nothing that it rests on is held. More contacts never lower a level, so there is one such
// level, and taking away what is held, or changing it as long as it stays held, never moves it.
func (j *judge) settle() relationship.Standing {
	for i := range j.groups {
		j.groups[i].worstFirst = j.groups[i].worst
	}
	optOuts := consent.OptOuts(j.Charter, j.Who, j.Choices, j.Moment.At)
	e := j.evidence(make([]person.Instant, 0, len(j.History)), optOuts)
	st := relationship.Reach(j.Charter, e, j.Moment.At)
	for j.secondPass(st.Level) { // it held something that the level may rest on
		e = j.evidence(e.Contacts[:0], optOuts)
		level := st.Level
		if st = relationship.Reach(j.Charter, e, j.Moment.At); st.Level == level {
			break
		}
	}
	return relationship.Say(j.Charter, st, j.Moment.At, j.Moment.Language)
}

// evidence is what has passed so far and is not later than the moment.
func (j *judge) evidence(contacts []person.Instant, optOuts []person.Instant) relationship.Evidence {
	for i := range j.History {
		if j.history[i].code == passes {
			contacts = append(contacts, j.History[i].At)
		}
	}
	var told [8]string
	names := told[:0]
	for i := range j.Facts {
		if h := &j.Facts[i]; j.facts[i].code == passes && j.tells(h, &j.facts[i]) && h.At <= j.Moment.At && !contains(names, h.Name) {
			names = append(names, h.Name)
		}
	}
	return relationship.Evidence{Contacts: contacts, ToldUs: len(names), Feedback: j.Feedback, Complaints: j.Complaints, OptOuts: optOuts}
}

// tells says whether a fact counts as told by the person. What may only remove offers counts for nothing else.
func (j *judge) tells(h *person.Head, m *mark) bool {
	return h.Learnt == person.Declared && !j.groups[m.group].protective
}

// secondPass: would it be welcome from somebody whom we know this well? It says whether it held anything that a level may rest on.
func (j *judge) secondPass(level person.Level) (rested bool) {
	for i := range j.groups {
		g := &j.groups[i]
		g.welcome(j, level)
		g.worst = g.worstFirst
	}
	derived := false
	pass := func(marks []mark) {
		for i := range marks {
			m := &marks[i]
			g := &j.groups[m.group]
			if g.protective || m.code != passes && m.code < tooSoon {
				continue
			}
			if m.code = g.second[0]; m.told {
				m.code = g.second[1]
			}
			g.worst = earlier(g.worst, m.code)
			derived = derived || g.derived
		}
	}
	pass(j.facts)
	pass(j.history)
	if derived {
		j.inherit(func(input string) code { return j.early(input, level) })
	}
	for i := range j.history {
		if j.history[i].code >= tooSoon {
			return true
		}
	}
	for i := range j.facts {
		if j.facts[i].code >= tooSoon && j.tells(&j.Facts[i], &j.facts[i]) {
			return true
		}
	}
	return false
}

// reasons gives the reason of each head, and counts the holds.
func (j *judge) reasons() (facts, history []Reason) {
	all := make([]Reason, len(j.facts)+len(j.history))
	facts, history = all[:len(j.facts):len(j.facts)], all[len(j.facts):]
	for i, m := range j.facts {
		facts[i] = reasons[m.code]
		j.groups[m.group].count[m.code]++
	}
	for i, m := range j.history {
		history[i] = reasons[m.code]
		j.groups[m.group].count[m.code]++
	}
	for i := range j.groups {
		j.holds.add(j, &j.groups[i])
	}
	return facts, history
}

// permit completes the permit with what passed.
func (j *judge) permit(p Permit) Permit {
	if j.Who.Root.IsZero() {
		return Permit{}
	}
	p.judged, p.who, p.purpose = true, j.Who, j.purpose
	p.charter, p.expires = j.Charter.Position, j.Moment.Now.Add(permitLasts)
	h := &passed{facts: j.Facts, history: j.History, fields: make([]string, 0, len(j.groups))}
	pass := make([]bool, len(j.facts)+len(j.history))
	h.factPass, h.eventsPass = pass[:len(j.facts):len(j.facts)], pass[len(j.facts):]
	for i, m := range j.facts {
		h.factPass[i] = m.code == passes
	}
	for i, m := range j.history {
		h.eventsPass[i] = m.code == passes
	}
	for i := range j.groups {
		if g := &j.groups[i]; g.count[passes] > 0 {
			h.fields = append(h.fields, g.name)
		}
	}
	p.heads = h
	if !j.Restricted {
		for _, r := range j.Charter.Sensitive {
			if st := j.stands(r.Purpose); st.Allowed && st.Explicit {
				p.items = append(p.items, r.ID)
			}
		}
	}
	return p
}

// explicit says whether the datum may be used for the placement's purpose though it is of a special category: the person said an
// explicit yes to that purpose, or to a purpose of the datum that the charter marks explicit, under words that covered the datum.
func (j *judge) explicit(d *charter.Datum, h *person.Head) bool {
	if j.standing.Explicit {
		return true
	}
	for _, q := range d.Purposes {
		if p := j.Charter.Purposes[q]; p != nil && p.Explicit && j.serves(h, q) {
			if st := j.stands(q); st.Allowed && st.Explicit && j.worded(h, q, st) {
				return true
			}
		}
	}
	return false
}

// serves says whether what the head's source brings may be used for a purpose. The person's own signed session serves every purpose;
// what was derived here has no source, and its inputs have theirs; a source that the charter does not know serves none.
func (j *judge) serves(h *person.Head, purpose string) bool {
	if s := j.Charter.Sources[h.Source]; s != nil {
		return contains(s.Purposes, purpose)
	}
	return h.Source == "self" || h.Source == "" && len(h.Inputs) > 0
}

// worded says whether the words under which it came covered the purpose, or a verified yes was given under newer words that do. The newer
// words are those since which every charter has given it the purpose. Where the basis is not consent only the old words count.
func (j *judge) worded(h *person.Head, purpose string, st consent.Standing) bool {
	if h.Charter >= 1 {
		if h.Charter == j.Charter.Position || j.Series != nil && j.Series.At(h.Charter).Allows(h.Name, h.Event, purpose) {
			return true
		}
	}
	p := j.Charter.Purposes[purpose]
	if p == nil || p.Basis != charter.Consent && !p.Explicit || !st.Allowed || st.Charter < 1 || j.Charter.Position < 1 {
		return false
	}
	since := j.Charter.Position
	for since-1 > max(h.Charter, 0) && j.Series != nil && j.Series.At(since-1).Allows(h.Name, h.Event, purpose) {
		since--
	}
	return since > h.Charter && st.Charter >= since
}
