// Package reference tells the rules of the product a second time, slowly and plainly: what the gate keeps, what a person's
// choices mean, how well they are known, what is held and why, how personal a decision may be and what may not be in it.
//
// It promises to be easy to read beside the product's page, and nothing else: it has no store, no cache, no concurrency, no
// speed, and it shares no code with the rooms that do the work. The house is tried against it with random histories; where
// they differ, one of them is wrong, and the page says which.
//
// It leaves out: claims and signals kept from browsers (a browser here says nothing for itself), traits, several people on one
// device, splits, doubtful joins, holdouts and quiet hours.
package reference

import (
	"slices"
	"time"
)

// Day is how long a day is: the reference counts in days of UTC.
const Day = 24 * time.Hour

// The relationship levels, in their order.
const (
	Stranger = iota
	Acquaintance
	Regular
	Confidant
)

// Levels are their names.
var Levels = []string{"stranger", "acquaintance", "regular", "confidant"}

// Charter is as much of a charter as the reference tells of.
type Charter struct {
	Since      time.Time // when it was accepted
	Purposes   map[string]Purpose
	Data       map[string]Datum
	Events     map[string]Event
	Sources    map[string]Source
	Placements map[string]Placement
	Reach      [4]Condition // by level
	Strain     time.Duration
	Removes    map[string]map[string]string // protective fact → its value → the tag that it removes
	GPC        []string
	Observed   float64
	Acquired   float64
	Elsewhere  float64
	ToldFactor float64
}

// Purpose is what data may be used for.
type Purpose struct {
	Basis    string
	Explicit bool
	AskAgain time.Duration // 0: never
}

// Datum is a declared fact.
type Datum struct {
	Purposes   []string
	Level      int
	Retain     time.Duration
	Learnt     []string // empty: in any way
	Special    bool
	Protective bool
	Benefit    bool
	Column     bool // an enum or a band: a column of the model
}

// Event is a declared event.
type Event struct {
	Purposes []string
	Level    int
	Retain   time.Duration
}

// Source brings events and facts.
type Source struct {
	Server   bool
	Purposes []string
	Channel  string
	Learnt   string // of its facts
}

// Placement is where something is shown.
type Placement struct {
	Purpose, Channel string
	Tolerates        float64
	Individual       int // the level from which a decision may be individual
	Items            int
	PerDay, PerWeek  int           // caps; 0: none
	NotAgain         time.Duration // 0: again at once
}

// Condition is what a level asks for.
type Condition struct {
	Days           int
	Tenure, Within time.Duration
	ToldUs         int
}

// Thing is one fact or event that was kept.
type Thing struct {
	Name, Source, Value string
	Event               bool
	At, Received        time.Time
	Charter             int    // position of the charter under which it came, from 1
	Own                 bool   // the person said it in their own session
	Session             int    // the session under whose pseudonym it came; 0: their own
	Learnt              string // how it was come by, as its source's line said when it came
}

// Answer is one verified choice.
type Answer struct {
	Purpose       string
	Yes, Explicit bool
	At            time.Time
	Charter       int
	Session       int // the session that gave it; 0: the person themselves
}

// Reply is feedback about an item, or about how personal a placement is.
type Reply struct {
	Kind, Placement, Item string
	At                    time.Time
}

// Showing is what was really shown.
type Showing struct {
	Placement string
	Items     []string
	At        time.Time
}

// Person is all that is known of one.
type Person struct {
	Things     []Thing
	Answers    []Answer
	Replies    []Reply
	Shown      []Showing
	Complaints []time.Time // opened, and open still
	Removed    map[string]bool
	Restricted bool
	Joined     []Joined // how session 1, 2, … came to be theirs
}

// Joined is how a session, or another user id of theirs, came to be somebody's.
type Joined struct {
	At time.Time
	To int // the session to which it was joined; 0: the person as they were first known
}

// Join brings an anonymous session, or somebody who turns out to be they, to one of a person's sessions. What each did and said stays its own.
// It gives the session that the other is now.
func (p *Person) Join(other *Person, to int, at time.Time) int {
	n := len(p.Joined) + 1
	p.Joined = append(p.Joined, Joined{at, to})
	for _, j := range other.Joined {
		p.Joined = append(p.Joined, Joined{j.At, j.To + n})
	}
	for _, t := range other.Things {
		t.Session += n
		p.Things = append(p.Things, t)
	}
	for _, a := range other.Answers {
		a.Session += n
		p.Answers = append(p.Answers, a)
	}
	p.Replies, p.Shown, p.Complaints = append(p.Replies, other.Replies...), append(p.Shown, other.Shown...), append(p.Complaints, other.Complaints...)
	p.Restricted = p.Restricted || other.Restricted
	for name := range other.Removed {
		p.Removed[name] = true
	}
	p.Things = slices.DeleteFunc(p.Things, func(t Thing) bool { return !t.Event && !t.Own && p.Removed[t.Name] })
	return n
}

// together is since when two sessions are one person's: the latest of the joins between them.
func (p *Person) together(a, b int) (since time.Time) {
	up := func(s int) (way []int) {
		for ; s != 0; s = p.Joined[s-1].To {
			way = append(way, s)
		}
		return way
	}
	x, y := up(a), up(b)
	for _, s := range append(slices.Clone(x), y...) {
		if slices.Contains(x, s) != slices.Contains(y, s) && p.Joined[s-1].At.After(since) {
			since = p.Joined[s-1].At
		}
	}
	return since
}

// Next is the time of an answer that the person gives now, in the trust centre: after all that they said to the purpose, so that the last
// word stays the last when the clock goes back, and no earlier than when each session became theirs, so that it answers for it.
func (p *Person) Next(purpose string, now time.Time) time.Time {
	for _, a := range p.Answers {
		if a.Purpose == purpose && !now.After(a.At) {
			now = a.At.Add(time.Microsecond)
		}
	}
	for _, joined := range p.Joined {
		if now.Before(joined.At) {
			now = joined.At
		}
	}
	return now
}

// World is the charters that were in force, the last one now, and the time.
type World struct {
	Charters []Charter
	Now      time.Time
}

// Words is the position of the charter under which an answer was given that says when: the last of those accepted by then. By a clock that
// went back that is an older one, which agrees to less.
func (w *World) Words(at time.Time) int {
	words := 1
	for i := range w.Charters {
		if !w.Charters[i].Since.After(at) {
			words = i + 1
		}
	}
	return words
}

// InForce is the charter in force.
func (w *World) InForce() *Charter { return &w.Charters[len(w.Charters)-1] }

// Fixed says whether nobody can say no to it.
func (p Purpose) Fixed() bool { return p.Basis == "contract" || p.Basis == "legal-obligation" }

// Standing is what the person's answers mean for a purpose at a time: whether it is permitted, whether by a yes that was said to it by name,
// and the position of the newest words to which they agreed, 0 when to none.
func (w *World) Standing(p *Person, purpose string, at time.Time, gpc bool) (allowed, explicit bool, words int) {
	c := w.InForce()
	rule, ok := c.Purposes[purpose]
	if !ok {
		return false, false, 0
	}
	if rule.Fixed() {
		return true, false, 0
	}
	last := make([]*Answer, 1+len(p.Joined)) // of each session
	for i := range p.Answers {
		a := &p.Answers[i]
		if a.Purpose != purpose || a.Yes && (a.At.After(at) || a.At.After(w.Now) || rule.Explicit && !a.Explicit) {
			continue
		}
		if !a.Yes && a.At.After(at) && !a.At.After(w.Now) { // a no from beyond the clock was said before the clock went back
			continue
		}
		if l := last[a.Session]; l == nil || a.At.After(l.At) || a.At.Equal(l.At) && a.grantsLess(*l) {
			last[a.Session] = a
		}
	}
	yes := false
	for session, a := range last {
		if a == nil || slices.ContainsFunc(last, func(b *Answer) bool { // they have answered again since they are one
			return b != nil && b.At.After(a.At) && !p.together(session, b.Session).After(b.At)
		}) {
			continue
		}
		if !a.Yes { // the stricter of the answers
			return false, false, 0
		}
		interest := rule.Basis == "legitimate-interest" && !rule.Explicit
		if !interest && rule.AskAgain > 0 && at.After(a.At.Add(rule.AskAgain)) {
			continue
		}
		yes, explicit, words = true, explicit || a.Explicit, max(words, a.Charter)
	}
	switch {
	case gpc && slices.Contains(c.GPC, purpose):
		return false, false, 0
	case rule.Basis == "legitimate-interest" && !rule.Explicit:
		return true, explicit, words
	}
	return yes, explicit && yes, words
}

// grantsLess decides between two answers of the same time.
func (a Answer) grantsLess(b Answer) bool {
	switch {
	case a.Yes != b.Yes:
		return b.Yes
	case a.Explicit != b.Explicit:
		return b.Explicit
	}
	return a.Charter < b.Charter
}

// Both is the standing at the moment and by the clock: permission must hold then and now.
func (w *World) Both(p *Person, purpose string, at time.Time, gpc bool) (allowed, explicit bool, words int) {
	a1, e1, w1 := w.Standing(p, purpose, at, gpc)
	a2, e2, w2 := w.Standing(p, purpose, w.Now, gpc)
	return a1 && a2, a1 && a2 && e1 && e2, min(w1, w2)
}

// learnt is how a thing that arrives is come by.
func (w *World) learnt(t *Thing) string {
	switch {
	case t.Own:
		return "declared"
	case t.Event:
		return "observed"
	case w.InForce().Sources[t.Source].Learnt != "":
		return w.InForce().Sources[t.Source].Learnt
	}
	return "acquired"
}

// purposes are what a charter lets the name be used for.
func (c *Charter) purposes(name string, event bool) []string {
	if event {
		return c.Events[name].Purposes
	}
	return c.Data[name].Purposes
}

// worded says whether the words under which the thing came covered the purpose, or newer words that do were agreed to.
func (w *World) worded(t *Thing, purpose string, allowed bool, agreed int) bool {
	if slices.Contains(w.Charters[t.Charter-1].purposes(t.Name, t.Event), purpose) {
		return true
	}
	if w.InForce().Purposes[purpose].Basis != "consent" || !allowed || agreed == 0 {
		return false
	}
	since := len(w.Charters) // the first position from which every charter has covered it
	for since > 1 && slices.Contains(w.Charters[since-2].purposes(t.Name, t.Event), purpose) {
		since--
	}
	return agreed >= since
}

// serves says whether what the source brings may be used for the purpose.
func (w *World) serves(t *Thing, purpose string) bool {
	return t.Own || slices.Contains(w.InForce().Sources[t.Source].Purposes, purpose)
}

// Keep is the gate: it adds the thing to the person, or says why it is refused. Of a fact the latest of each source stays.
func (w *World) Keep(p *Person, t Thing, gpc bool) (refused string) {
	c := w.InForce()
	purposes, retain, declared := []string(nil), time.Duration(0), false
	if t.Event {
		e, ok := c.Events[t.Name]
		purposes, retain, declared = e.Purposes, e.Retain, ok
	} else {
		d, ok := c.Data[t.Name]
		purposes, retain, declared = d.Purposes, d.Retain, ok
	}
	if !declared {
		return "unplanned"
	}
	var served []string
	for _, q := range purposes {
		if w.serves(&t, q) {
			served = append(served, q)
		}
	}
	allowed := false
	for _, q := range served {
		yes, _, _ := w.Standing(p, q, w.Now, gpc)
		allowed = allowed || yes && !(p.Restricted && !c.Purposes[q].Fixed())
	}
	t.Learnt = w.learnt(&t)
	if d := c.Data[t.Name]; !t.Event && len(d.Learnt) > 0 && !slices.Contains(d.Learnt, t.Learnt) {
		return "no-purpose"
	}
	switch {
	case len(served) == 0:
		return "no-purpose"
	case t.At.Before(w.Now.Add(-retain)):
		return "too-old"
	case !t.Event && !t.Own && p.Removed[t.Name]:
		return "suppressed"
	case !allowed:
		return "no-permission"
	}
	t.Received, t.Charter = w.Now, len(w.Charters)
	if !t.Event { // one of each name and source
		same := func(o Thing) bool {
			return !o.Event && o.Name == t.Name && o.Source == t.Source && o.Session == t.Session
		}
		p.Things = slices.DeleteFunc(p.Things, func(o Thing) bool { return same(o) && !o.At.After(t.At) })
		if slices.ContainsFunc(p.Things, same) {
			return ""
		}
	}
	p.Things = append(p.Things, t)
	return ""
}

// Accept puts a charter in force and drops what it does not declare, or has kept for long enough.
func (w *World) Accept(c Charter, people ...*Person) {
	c.Since = w.Now
	w.Charters = append(w.Charters, c)
	for _, p := range people {
		p.Things = slices.DeleteFunc(p.Things, func(t Thing) bool {
			retain, ok := c.Data[t.Name].Retain, c.Data[t.Name].Purposes != nil
			if t.Event {
				retain, ok = c.Events[t.Name].Retain, c.Events[t.Name].Purposes != nil
			}
			return !ok || t.since().Add(retain).Before(w.Now)
		})
	}
}

// since is from when retention counts: a source's clock that runs ahead keeps nothing for longer.
func (t *Thing) since() time.Time {
	if t.Received.Before(t.At) {
		return t.Received
	}
	return t.At
}
