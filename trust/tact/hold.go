package tact

import "sort"

// tally gathers holds, one line for each name and reason.
type tally struct{ holds, apart []Hold }

func (t *tally) add(j *judge, g *group) {
	for c := passes + 1; c < codes; c++ {
		if g.count[c] == 0 {
			continue
		}
		h := Hold{Name: g.name, Event: g.event, Reason: reasons[c], Count: int(g.count[c]), Protective: g.protective, Purpose: g.purpose}
		if c == permission {
			h.Because = g.because
			if h.Because == "" && !j.standing.Allowed {
				h.Because = j.standing.Because // inherited from an input
			}
		}
		if g.apart {
			t.apart = put(t.apart, h)
		} else {
			t.holds = put(t.holds, h)
		}
	}
}

// put adds a hold to its line. Where the lines differ in more than the count, the smaller word stays, so that no order of heads shows.
func put(lines []Hold, h Hold) []Hold {
	for i := range lines {
		l := &lines[i]
		if l.Name == h.Name && l.Event == h.Event && l.Reason == h.Reason && l.Protective == h.Protective {
			l.Count += h.Count
			l.Purpose, l.Because = min(l.Purpose, h.Purpose), min(l.Because, h.Because)
			return lines
		}
	}
	return append(lines, h)
}

// lines gives the holds in their order: facts before events, by name, then by the order of the reasons.
func (t *tally) lines() (holds, apart []Hold) {
	for _, lines := range [][]Hold{t.holds, t.apart} {
		sort.Slice(lines, func(a, b int) bool {
			x, y := &lines[a], &lines[b]
			switch {
			case x.Event != y.Event:
				return y.Event
			case x.Name != y.Name:
				return x.Name < y.Name
			case x.Reason != y.Reason:
				return rank(x.Reason) < rank(y.Reason)
			}
			return !x.Protective && y.Protective
		})
	}
	return t.holds, t.apart
}

func rank(r Reason) code {
	for c, s := range reasons {
		if s == r {
			return code(c)
		}
	}
	return codes
}
