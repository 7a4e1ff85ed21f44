package tact

import "github.com/rapporthq/rapport/person"

// inherit holds what is derived when any of its inputs is held, with that input's reason: the earliest, of its own and its inputs'. An input
// is every head of that name: nobody knows which of them it was derived from. none judges an input of which no head is there.
func (j *judge) inherit(none func(input string) code) {
	// Reasons spread from inputs to what rests on them and only ever get earlier, so this ends.
	for changed := true; changed; {
		changed = false
		spread := func(heads []person.Head, marks []mark) {
			for i := range heads {
				m := &marks[i]
				g := &j.groups[m.group]
				if !g.derived || g.protective {
					continue
				}
				for _, in := range heads[i].Inputs {
					if c := earlier(m.code, j.worst(in, none)); c != m.code {
						m.code, changed = c, true
						g.worst = earlier(g.worst, c)
					}
				}
			}
		}
		spread(j.Facts, j.facts)
		spread(j.History, j.history)
	}
}

// worst is the earliest reason of all heads of the input's name.
func (j *judge) worst(input string, none func(input string) code) code {
	found, seen := passes, false
	for i := range j.groups {
		g := &j.groups[i]
		if g.name != input {
			continue
		}
		seen = true
		found = earlier(found, g.worst)
		if g.datum != nil && g.datum.Protective {
			found = earlier(found, purposeless) // it may only remove offers, never be the ground of anything
		}
	}
	if !seen {
		return none(input)
	}
	return found
}

// absent judges by its name alone an input that is not there (any more).
func (j *judge) absent(input string) code {
	datum, event := j.Charter.Data[input], j.Charter.Events[input]
	switch {
	case j.Restricted:
		return restricted
	case datum == nil && event == nil:
		return notChartered
	case !j.Charter.Allows(input, event != nil, j.purpose) || datum != nil && (datum.Protective || !datum.UsedAt(j.place())):
		return purposeless
	case !j.standing.Allowed:
		return permission
	case datum != nil && special(datum) && !j.standing.Explicit:
		return sensitive
	}
	return passes
}

// early is the second pass for an input that is not there.
func (j *judge) early(input string, level person.Level) code {
	if datum := j.Charter.Data[input]; datum != nil && datum.Level > level {
		return tooSoon
	}
	if event := j.Charter.Events[input]; event != nil && event.Level > level {
		return tooSoon
	}
	return passes
}
