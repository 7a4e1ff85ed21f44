package tact

import (
	"slices"

	"github.com/rapporthq/rapport/charter"
	"github.com/rapporthq/rapport/person"
	"github.com/rapporthq/rapport/trust/consent"
)

// Reader is who reads: a job, or a member of staff in their role.
type Reader struct {
	Actor, Role, Team string
}

// Matching lists the data by which the charter lets people be compared with one another, in its order: what says who somebody is and has the
// purpose that the charter's identity section names. Nil when the charter lets nobody be compared.
func Matching(c *charter.Charter) []string {
	if c == nil || c.Identity.Purpose == "" {
		return nil
	}
	var names []string
	for _, n := range c.Order.Data {
		if d := c.Data[n]; d.Identifies() && d.HasPurpose(c.Identity.Purpose) && d.UsedAt("") {
			names = append(names, n)
		}
	}
	return names
}

// ForMatching is a job's leave to compare a counted population: the permit of the look. It names what is looked at and opens nothing: what may be
// opened is judged person by person, with JudgeMatching. ErrPurpose when the charter lets nobody be compared.
func ForMatching(c *charter.Charter, actor string, count int, filter string, expires person.Instant) (Permit, error) {
	names := Matching(c)
	if names == nil {
		return Permit{}, ErrPurpose
	}
	permit, err := ForJob(c, actor, c.Identity.Purpose, count, filter, expires)
	if err != nil {
		return Permit{}, err
	}
	permit.shut, permit.facts, permit.events = true, map[string]bool{}, nil
	for _, n := range names {
		permit.facts[n] = true
	}
	return permit, nil
}

// JudgeMatching decides what of one person may be compared with what is known of others, or be shown to a steward who compares two: the first pass
// alone, and of what passed only what says who they are. Nothing passes of who restricted all use, and of who said no to the purpose, though it
// may be one that nobody can switch off: they may have reasons to be two. The look is the reader's to record.
func JudgeMatching(c Case, by Reader) Judgement {
	names := Matching(c.Charter)
	if names == nil || by.Actor == "" || by.Role == "" || LeftOut(c) {
		return withheld(&c)
	}
	c.History = nil
	j := judge{Case: &c, purpose: c.Charter.Identity.Purpose}
	kind := Staff
	if by.Role == "job" {
		kind = Job
	}
	out := j.run(Permit{kind: kind, actor: by.Actor, role: by.Role, team: by.Team, count: 1})
	out.Permit = out.Permit.Narrow(names...)
	for i := range out.FactReasons {
		if !slices.Contains(names, c.Facts[i].Name) {
			out.FactReasons[i] = Purpose
		}
	}
	return out
}

// LeftOut says whether a person is not to be compared with others, nor joined to them by a steward: the charter lets nobody be, they restricted all use, said no
// to the purpose, or their standing does not allow it.
func LeftOut(c Case) bool {
	return Matching(c.Charter) == nil || c.Restricted || declined(&c, c.Charter.Identity.Purpose) || !consent.Both(c.Charter, c.Charter.Identity.Purpose, c.Who, c.Choices, c.Moment).Allowed
}

// declined says whether the last that one of the person's pseudonyms answered to a purpose is a no, whatever the purpose rests on.
func declined(c *Case, purpose string) bool {
	last := map[person.ID]*consent.Choice{}
	for i := range c.Choices {
		h := &c.Choices[i]
		if h.Purpose != purpose || !c.Who.Has(h.Of) || h.Answer == consent.Unanswered || h.Answer == consent.Yes && (!h.Verified || h.Signal) {
			continue // a browser's word lifts no no
		}
		if was := last[h.Of]; was == nil || h.At > was.At || h.At == was.At && h.Answer == consent.No {
			last[h.Of] = h
		}
	}
	for _, h := range last {
		if h.Answer == consent.No {
			return true
		}
	}
	return false
}
