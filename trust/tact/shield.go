package tact

import (
	"github.com/rapporthq/rapport/charter"
	"github.com/rapporthq/rapport/person"
)

// shield is what is known of one protective fact's name: the newest that may be read, and the newest that is in doubt.
type shield struct {
	name           string
	clear, doubt   person.Instant
	clears, doubts bool
}

// shield judges one protective fact: leave first, then doubt. See Judge.
func (j *judge) shield(g *group, h *person.Head) code {
	if g.first != passes {
		return g.first
	}
	found := passes
	if g.isExpired(h, j.late) {
		found = expired
	} else if j.isDoubtful(g, h) {
		found = doubtful
	}
	s := j.shieldOf(h.Name)
	if found == passes {
		s.clear, s.clears = max(s.clear, h.At), true
	} else {
		s.doubt, s.doubts = max(s.doubt, h.At), true
	}
	return found
}

func (j *judge) shieldOf(name string) *shield {
	for i := range j.shields {
		if j.shields[i].name == name {
			return &j.shields[i]
		}
	}
	j.shields = append(j.shields, shield{name: name})
	return &j.shields[len(j.shields)-1]
}

// leave says whether the person gave leave for one of a protective datum's own purposes; if not, why not, for the purpose that came furthest.
func (j *judge) leave(d *charter.Datum, h *person.Head) (why code, purpose, because string) {
	why = purposeless
	for _, q := range d.Purposes {
		w, b := j.leaveFor(d, h, q)
		if w == passes {
			return passes, q, ""
		}
		if purpose == "" || w > why {
			why, purpose, because = w, q, b
		}
	}
	return why, purpose, because
}

// leaveFor asks for one purpose. Of a head that could not be opened nobody knows how it was learnt, under which words it came and from
// which source: for all of that it is taken as one that may be used, so that doubt about it removes. What the person said of the purpose counts as ever.
func (j *judge) leaveFor(d *charter.Datum, h *person.Head, purpose string) (code, string) {
	p := j.Charter.Purposes[purpose]
	st := j.stands(purpose)
	switch {
	case p == nil:
		return purposeless, ""
	case j.Restricted && (p.Basis.Switchable() || p.Explicit):
		return restricted, ""
	case !h.Unreadable && !learntAs(d, h.Learnt):
		return notChartered, ""
	case !h.Unreadable && !j.worded(h, purpose, st):
		return purposeless, ""
	case !st.Allowed:
		return permission, st.Because
	case !h.Unreadable && !j.serves(h, purpose):
		return permission, ""
	case special(d) && !st.Explicit:
		return sensitive, ""
	}
	return passes, ""
}

// protective says of each name whether it may be read. The newest fact decides, and doubt where two are equally new.
func (j *judge) protective() map[string]bool {
	if len(j.shields) == 0 {
		return nil
	}
	out := make(map[string]bool, len(j.shields))
	for i := range j.shields {
		s := &j.shields[i]
		out[s.name] = s.clears && (!s.doubts || s.clear > s.doubt)
	}
	return out
}
