package tact

import (
	"time"

	"github.com/rapporthq/rapport/charter"
	"github.com/rapporthq/rapport/person"
)

// key is what heads share that rules ask for by name: a history of thousands has a handful of them.
type key struct {
	name, source, channel string
	charter               int
	learnt                person.Learnt
	event, derived        bool
	unreadable            bool
}

// group is the heads that share a key, and what the rules say of all of them.
type group struct {
	key
	datum      *charter.Datum // nil for events and what the charter does not name
	protective bool
	apart      bool // the charter in force does not give it the purpose: no business of this placement
	first      code // restricted, not-chartered, purpose or permission; for protective facts sensitive too
	sensitive  code
	worst      code   // the earliest reason of its heads, so far
	worstFirst code   // the same, after the first pass
	purpose    string // what it was judged for: the placement's purpose, or a protective fact's own
	because    string // of a permission that is missing
	floor      float64
	fades      bool
	retain     charter.Span
	past, kept person.Instant // what is dated before past is expired, what is dated after kept is not; between, the calendar says
	second     [2]code        // too-soon, surprising or no-benefit; by whether the person was told
	count      [codes]int32
	level      person.Level
	benefits   bool // there is something to tell the person, or it needs nothing
}

// is says whether a head belongs to the group.
func (g *group) is(h *person.Head) bool {
	return g.charter == h.Charter && g.learnt == h.Learnt && g.event == h.Event && g.derived == (len(h.Inputs) > 0) &&
		g.name == h.Name && g.source == h.Source && g.channel == h.Channel && g.unreadable == h.Unreadable
}

// few is up to how many groups a walk through them is quicker than a map.
const few = 24

// group finds the group of a head and notes it in the mark.
func (j *judge) group(h *person.Head, m *mark) *group {
	m.told = h.Told || h.Learnt == person.Declared // they gave it, or saw it signed in
	if int(j.last) < len(j.groups) && j.groups[j.last].is(h) {
		m.group = j.last
		return &j.groups[j.last]
	}
	i, found := j.find(h)
	if !found {
		j.groups = append(j.groups, group{key: keyOf(h)})
		j.judgeGroup(&j.groups[i], h)
	}
	j.last, m.group = int32(i), int32(i)
	return &j.groups[i]
}

func keyOf(h *person.Head) key {
	return key{h.Name, h.Source, h.Channel, h.Charter, h.Learnt, h.Event, len(h.Inputs) > 0, h.Unreadable}
}

// find gives the place of the head's group, or the place that it will have.
func (j *judge) find(h *person.Head) (place int, found bool) {
	if j.index == nil {
		for i := len(j.groups) - 1; i >= 0; i-- { // history comes last, and is longest
			if j.groups[i].is(h) {
				return i, true
			}
		}
		if len(j.groups) < few {
			return len(j.groups), false
		}
		j.index = make(map[key]int, 4*few)
		for i := range j.groups {
			j.index[j.groups[i].key] = i
		}
	} else if i, ok := j.index[keyOf(h)]; ok {
		return i, true
	}
	j.index[keyOf(h)] = len(j.groups)
	return len(j.groups), false
}

// margin is more than any two ways of counting months back and forth can differ by.
const margin = 5 * 24 * time.Hour

// judgeGroup says of the group what depends on the key alone. h is any head of it.
func (j *judge) judgeGroup(g *group, h *person.Head) {
	known := false
	if g.event {
		if e := j.Charter.Events[g.name]; e != nil {
			known, g.retain, g.level, g.benefits = true, e.Retain, e.Level, true
		}
	} else if d := j.Charter.Data[g.name]; d != nil {
		known, g.datum, g.retain, g.level, g.floor, g.fades = true, d, d.Retain, d.Level, d.Quality, !d.Fades.IsZero()
		g.protective = d.Protective && j.second
		g.benefits = d.Kind == charter.Identifier || says(d.Benefit) || !needsBenefit(j.Charter.Purposes[j.purpose])
	}
	edge := j.edge(g.retain)
	g.past, g.kept = edge.Add(-margin), edge.Add(margin)

	gives := j.Charter.Allows(g.name, g.event, j.purpose) && !(g.datum != nil && (g.datum.Protective || !g.datum.UsedAt(j.place())))
	g.apart = known && !gives && !g.protective
	g.purpose = j.purpose
	switch {
	case g.protective:
		g.first, g.purpose, g.because = j.leave(g.datum, h)
	case j.Restricted:
		g.first = restricted
	case !known || g.datum != nil && !learntAs(g.datum, g.learnt):
		g.first = notChartered
	case !gives || !j.worded(h, j.purpose, j.standing):
		g.first = purposeless
	case !j.standing.Allowed:
		g.first, g.because = permission, j.standing.Because
	case !j.serves(h, j.purpose):
		g.first = permission
	case g.datum != nil && special(g.datum) && !j.explicit(g.datum, h):
		g.sensitive = sensitive
	}
}

// edge is the retention's span before the later of moment and clock, worked out once for each span.
func (j *judge) edge(s charter.Span) person.Instant {
	for i := range j.edges {
		if j.edges[i].span == s {
			return j.edges[i].at
		}
	}
	at := s.Before(j.late)
	j.edges = append(j.edges, edge{s, at})
	return at
}

type edge struct {
	span charter.Span
	at   person.Instant
}

// isExpired says whether it should be gone by then. What is dated later than it came counts from when it came, and what has no date never lasts.
func (g *group) isExpired(h *person.Head, then person.Instant) bool {
	t := h.At
	if t == 0 || h.Received != 0 && h.Received < t {
		t = h.Received
	}
	switch {
	case g.retain.IsZero() || t < g.past:
		return true
	case t > g.kept:
		return false
	}
	return g.retain.After(t) < then
}

// welcome is the second pass for the group, at a level.
func (g *group) welcome(j *judge, level person.Level) {
	s := &j.Charter.Surprise
	var base float64
	switch g.learnt {
	case person.Declared:
		base = s.Declared
	case person.Observed:
		base = s.Observed
	case person.Inferred:
		base = s.Inferred
	default:
		base = s.Acquired
	}
	if g.channel != j.Placement.Channel {
		base += s.OtherChannel
	}
	g.second = [2]code{}
	for told, surprise := range [2]float64{base, base * s.ToldFactor} {
		switch {
		case g.level > level:
			g.second[told] = tooSoon
		case surprise > j.Placement.Tolerates+1e-9: // sums of tenths are not exact
			g.second[told] = surprising
		case !g.benefits:
			g.second[told] = noBenefit
		}
	}
}

// needsBenefit says whether using something for the purpose must bring the person something that they can be told of. What a contract, a law, a
// life or a public task needs is used for its own reason.
func needsBenefit(p *charter.Purpose) bool { return p == nil || p.Basis.Switchable() || p.Explicit }

func says(t charter.Text) bool {
	for _, s := range t {
		if s != "" {
			return true
		}
	}
	return false
}

// learntAs says whether the charter lets the datum be learnt in this way.
func learntAs(d *charter.Datum, l person.Learnt) bool {
	for _, w := range d.Learnt {
		if w == l {
			return true
		}
	}
	return len(d.Learnt) == 0
}
