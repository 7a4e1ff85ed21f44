package consent

import (
	"sort"

	"github.com/rapporthq/rapport/charter"
	"github.com/rapporthq/rapport/person"
)

// Meaning says what one choice in a history meant when it was made: a word for machines. Say puts it in a sentence.
type Meaning string

// The meanings of a choice.
const (
	Granted     Meaning = "granted"      // a yes that counts
	Renewed     Meaning = "renewed"      // a yes after a yes
	Refused     Meaning = "refused"      // a no where there was no yes to take back
	Withdrew    Meaning = "withdrew"     // a no after a yes, or an objection: an opt-out
	Repeated    Meaning = "repeated"     // a no after a no
	NotExplicit Meaning = "not-explicit" // a yes that does not count: the purpose needs an explicit one
	ClaimedYes  Meaning = "claimed-yes"  // what a browser said: it counts only while nobody is known behind the device
	ClaimedNo   Meaning = "claimed-no"   // what a browser said: it binds that device
	Signalled   Meaning = "signalled"    // a browser's signal: it binds that device
	NoEffect    Meaning = "no-effect"    // nothing stands on it: the purpose is not switchable, or the charter does not know it
)

// Entry is one choice and what it meant.
type Entry struct {
	Choice
	Meant Meaning
}

// History lists a person's choices for a purpose, oldest first, with what each meant. Choices of others are left out.
func History(c *charter.Charter, purpose string, who person.Person, choices []Choice) []Entry {
	var out []Entry
	for _, ch := range choices {
		if ch.Purpose == purpose && ch.Answer != Unanswered && who.Has(ch.Of) {
			out = append(out, Entry{Choice: ch})
		}
	}
	sort.SliceStable(out, func(i, j int) bool {
		a, b := out[i].when(), out[j].when()
		return a < b || a == b && out[i].Answer > out[j].Answer // of two at one time the no is the later word
	})
	var p *charter.Purpose
	if c != nil {
		p = c.Purposes[purpose]
	}
	last := Unanswered
	for i := range out {
		out[i].Meant, last = meant(p, out[i].Choice, last)
	}
	return out
}

// meant tells what a choice meant after the last verified answer, and what the last one is now.
func meant(p *charter.Purpose, c Choice, last Answer) (Meaning, Answer) {
	switch {
	case p == nil || fixed(p):
		return NoEffect, last
	case c.Signal && c.Answer == Yes:
		return NoEffect, last
	case c.Signal:
		return Signalled, last
	case c.Answer == Yes && p.Explicit && !c.Explicit:
		return NotExplicit, last
	case !c.Verified && c.Answer == Yes:
		return ClaimedYes, last
	case !c.Verified:
		return ClaimedNo, last
	case c.Answer == Yes && last == Yes:
		return Renewed, Yes
	case c.Answer == Yes:
		return Granted, Yes
	case last == No:
		return Repeated, No
	case last == Yes || !needsYes(p):
		return Withdrew, No
	}
	return Refused, No
}

// OptOuts lists when the person took back a yes or objected, verified, up to a time, oldest first: what may strain the relationship.
// A first no to a question is an answer, not an opt-out.
func OptOuts(c *charter.Charter, who person.Person, choices []Choice, upTo person.Instant) []person.Instant {
	if c == nil {
		return nil
	}
	var out []person.Instant
	var done []string
	for i := range choices {
		ch := &choices[i]
		if ch.Answer != No || ch.claim() || ch.when() > upTo || contains(done, ch.Purpose) {
			continue
		}
		done = append(done, ch.Purpose)
		for _, e := range History(c, ch.Purpose, who, choices) {
			if t := e.when(); e.Meant == Withdrew && t <= upTo {
				out = append(out, t)
			}
		}
	}
	sort.Slice(out, func(i, j int) bool { return out[i] < out[j] })
	return out
}

// Pending lists the claimed noes that no verified answer of the person has followed: what is put to them at their next sign-in.
func Pending(who person.Person, choices []Choice, now person.Instant) []Choice {
	var out []Choice
	for i := range choices {
		c := &choices[i]
		if c.Answer != No || c.Verified || c.Signal || c.when() > now || !who.Has(c.Of) {
			continue
		}
		settled := false
		for k := range choices {
			d := &choices[k]
			if d.Purpose == c.Purpose && d.Verified && !d.Signal && d.Answer != Unanswered && who.Has(d.Of) && d.when() > c.when() && d.when() <= now {
				settled = true
				break
			}
		}
		if !settled {
			out = append(out, *c)
		}
	}
	return out
}

// ForSplit says which choices to copy when pseudonyms leave a person: after a split, a no given while merged stays with both sides,
// a yes only with the session that gave it. who is the person before the split. The answer holds copies to write, each of the side
// that did not give it; everything else stays where it is.
func ForSplit(who person.Person, leaving []person.ID, choices []Choice) []Choice {
	leaves := func(id person.ID) bool {
		for _, l := range leaving {
			if l == id {
				return true
			}
		}
		return false
	}
	var stay, leave []person.ID
	for _, id := range who.All() {
		if leaves(id) {
			leave = append(leave, id)
		} else {
			stay = append(stay, id)
		}
	}
	if len(stay) == 0 || len(leave) == 0 {
		return nil
	}
	var out []Choice
	for i := range choices {
		c := &choices[i]
		if c.Answer != No || c.claim() || !who.Has(c.Of) {
			continue
		}
		others := stay
		if !leaves(c.Of) {
			others = leave
		}
		for _, other := range others {
			// Copied to each pseudonym that was joined when it was said, so that a further split keeps it too.
			if c.when() >= together(who, c.Of, other) {
				d := *c
				d.Of = other
				out = append(out, d)
			}
		}
	}
	return out
}

// together is since when two pseudonyms are one person's; where that is not known, always: a no is copied rather than lost.
func together(who person.Person, a, b person.ID) person.Instant {
	if t := who.Together(a, b); t != person.Never {
		return t
	}
	return always
}
