package decide

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"math"
	"slices"
	"time"

	"github.com/rapporthq/rapport/charter"
	"github.com/rapporthq/rapport/know/recommend"
	"github.com/rapporthq/rapport/person"
)

// Guards take away, in this order: what protective rules, the sensitive rules and the catalogue leave out (the decision is
// then the one that a catalogue without them would give), then what was shown already.

// protection is what is known of the facts that protective rules read.
type protection struct {
	read  map[string][]string // fact → the values that may be read
	doubt map[string]bool     // fact → there is one, and it may not or cannot be read
	all   bool                // nothing is known: every rule removes
}

// most is how many combinations of values one rule is asked about; beyond it the rule removes.
const most = 64

// removed is the set of items that the protective rules take away, nil when there are none.
func (h *House) removed(p protection, at, now person.Instant) bits {
	var out bits
	for _, g := range h.guards {
		if !p.fires(g.rule, at, now) {
			continue
		}
		if out == nil {
			out = newBits(h.Shelf.Len())
		}
		out.or(g.removes)
	}
	return out
}

// fires says whether a rule removes: it holds for some of the values at the moment or by the server's clock, it cannot be decided, or a fact that it reads is in
// doubt. A fact that is not there at all makes no rule fire.
func (p protection) fires(r *charter.ProtectRule, at, now person.Instant) bool {
	if p.all {
		return true
	}
	some := false
	combinations := 1
	for _, f := range r.Facts {
		if p.doubt[f] {
			return true
		}
		if n := len(p.read[f]); n > 0 {
			some = true
			combinations *= n
		}
		if combinations > most {
			return true
		}
	}
	if !some {
		return false
	}
	facts := make(map[string]string, len(r.Facts))
	for k := range combinations {
		clear(facts)
		for _, f := range r.Facts {
			if n := len(p.read[f]); n > 0 {
				facts[f] = p.read[f][k%n]
				k /= n
			}
		}
		for _, t := range [...]person.Instant{at, now} {
			if yes, err := holds(r.When, facts, t); yes || err != nil {
				return true
			}
			if at == now {
				break
			}
		}
	}
	return false
}

func holds(r *charter.FactRule, facts map[string]string, at person.Instant) (yes bool, err error) {
	defer func() {
		if p := recover(); p != nil {
			yes, err = false, errRulePanic
		}
	}()
	if r == nil {
		return false, errNoRule
	}
	return r.Matches(facts, at)
}

// Counts is how often a placement spoke to the person lately, by what was really shown.
type Counts struct{ Day, Week, Month int }

// spoken counts the placement's showings by the server's clock.
func spoken(shown []person.Shown, placement string, now person.Instant) Counts {
	var n Counts
	for i := range shown {
		s := &shown[i]
		if s.Placement != placement {
			continue
		}
		switch {
		case s.At > now.Add(-24*time.Hour):
			n.Day++
			fallthrough
		case s.At > now.Add(-7*24*time.Hour):
			n.Week++
			fallthrough
		case s.At > now.Add(-30*24*time.Hour):
			n.Month++
		}
	}
	return n
}

// over says whether a cap is reached.
func (n Counts) over(c charter.Caps) bool {
	return c.PerDay > 0 && n.Day >= c.PerDay || c.PerWeek > 0 && n.Week >= c.PerWeek || c.PerMonth > 0 && n.Month >= c.PerMonth
}

// seen is what is not to be offered, by reason: in another decision of this call, not wanted by the person, shown before.
type seen map[string]MoveReason

// add keeps the first reason for an item.
func (s seen) add(why MoveReason, ids ...string) {
	for _, id := range ids {
		if s[id] == 0 {
			s[id] = why
		}
	}
}

// lately adds what the placement showed within its not-again-for.
func (s seen) lately(p *charter.Placement, shown []person.Shown, now person.Instant) {
	if p.NotAgainFor.IsZero() {
		return
	}
	since := p.NotAgainFor.Before(now)
	for i := range shown {
		if shown[i].Placement != p.Name || shown[i].At < since {
			continue
		}
		s.add(MovedSeen, shown[i].Items...)
	}
}

// choice is an item that passed, with where it stood and what moved it.
type choice struct {
	scored recommend.Scored
	moves  []Move
}

// Move is what changed an item's place after scoring, as a receipt keeps it. Places count from 1.
type Move struct {
	Why      MoveReason
	From, To int
}

// MoveReason is why an item moved. The numbers are in receipts: never renumber.
type MoveReason uint8

// The reasons of moves: what stood before the item was shown lately, stands elsewhere in the same call, or was said to be
// not for this person.
const (
	MovedSeen      MoveReason = 1
	MovedElsewhere MoveReason = 2
	MovedUnwanted  MoveReason = 3
)

// pick takes the first items that pass all guards. What gone leaves out leaves no gap: places are counted without it.
func (h *House) pick(r *ranking, limit int, gone []bits, s seen, at, now person.Instant) (out []choice, already bool) {
	place := 0
	var skipped [MovedUnwanted + 1]int
	items := h.Shelf.All()
	out = make([]choice, 0, min(limit, len(r.scored)))
next:
	for i := 0; len(out) < limit; i++ {
		if i == len(r.scored) && r.all != nil {
			r.scored, r.all = r.all(), nil
		}
		if i >= len(r.scored) {
			break
		}
		k := r.place(i)
		if k < 0 || !h.offer.has(k) || !items[k].Available(at) || at != now && !items[k].Available(now) {
			continue
		}
		for _, g := range gone {
			if g.has(k) {
				continue next
			}
		}
		place++
		if why := s[r.scored[i].ID]; why != 0 {
			skipped[why]++
			continue
		}
		c := choice{scored: r.scored[i]}
		from := place
		for _, why := range [...]MoveReason{MovedUnwanted, MovedSeen, MovedElsewhere} {
			if n := skipped[why]; n > 0 {
				c.moves = append(c.moves, Move{why, from, from - n})
				from -= n
			}
		}
		out = append(out, c)
	}
	return out, len(s) > 0 && skipped != [MovedUnwanted + 1]int{}
}

// heldOut says whether the person is one of the placement's holdout, by a keyed hash of pseudonym and placement: stable,
// and chosen without looking at anything about them.
func (h *House) heldOut(p *charter.Placement, who person.ID) bool {
	if p.Holdout <= 0 || who.IsZero() {
		return false
	}
	m := hmac.New(sha256.New, h.salt)
	_, _ = m.Write(who[:])
	_, _ = m.Write([]byte(p.Name))
	x := binary.BigEndian.Uint64(m.Sum(nil)[:8])
	return float64(x>>11)/(1<<53) < math.Min(p.Holdout, 1)
}

// messages are the channels that come to the person by themselves; only they have quiet hours.
var messages = []string{"email", "sms", "push", "post"}

// isQuiet says whether a message may not be sent at that instant: it is a quiet hour somewhere in the person's region, or by
// the brand's clock when the region says nothing.
func (h *House) isQuiet(p *charter.Placement, m person.Moment) bool {
	if p.Quiet == "" || !slices.Contains(messages, p.Channel) {
		return false
	}
	zones := zonesOf(m.Region)
	if len(zones) == 0 {
		zones = []*time.Location{h.place}
	}
	for _, z := range zones {
		if p.IsQuiet(m.At, z) {
			return true
		}
	}
	return false
}
