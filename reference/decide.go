package reference

import (
	"slices"
	"time"
)

// Ask is one question.
type Ask struct {
	Placement string
	At        time.Time // zero: now
	GPC       bool
}

// Hold is how many things of one name are held for one reason.
type Hold struct {
	Name   string
	Event  bool
	Reason string
}

// Expected is what must be true of the decision.
type Expected struct {
	Level      int
	Individual bool // otherwise by what many take, which needs nobody
	Held       map[Hold]int
	Capped     bool            // nothing is shown: a cap is reached
	NotThese   map[string]bool // items that may not be shown
	NotTagged  map[string]bool // tags of items that may not be shown
}

// Decide says what a decision about the person must be. learnt says whether there is a model.
func (w *World) Decide(p *Person, a Ask, learnt bool) Expected {
	c := w.InForce()
	at := a.At
	if at.IsZero() {
		at = w.Now
	}
	place := c.Placements[a.Placement]
	allowed, _, _ := w.Both(p, place.Purpose, at, a.GPC)

	// The level is the highest that bears itself out: what passes at it must reach it.
	out := Expected{}
	var reasons []string
	for out.Level = Confidant; ; out.Level-- {
		reasons = w.reasons(p, place, at, a.GPC, out.Level)
		if out.Level == Stranger || w.reached(p, reasons, at) == out.Level {
			break
		}
	}

	out.Held = map[Hold]int{}
	something := false
	for i, t := range p.Things {
		d := c.Data[t.Name]
		protective := !t.Event && d.Protective
		switch {
		case reasons[i] == "":
			something = something || t.Event && t.Name == "Order Completed" || !t.Event && d.Column && !protective
		case protective || slices.Contains(c.purposes(t.Name, t.Event), place.Purpose):
			out.Held[Hold{t.Name, t.Event, reasons[i]}]++
		}
	}

	out.Individual = learnt && allowed && !p.Restricted && out.Level >= place.Individual && something && !w.tooPersonal(p, a.Placement)
	out.NotTagged = w.removed(p, at, a.GPC)
	out.NotThese = map[string]bool{}
	if allowed && !p.Restricted {
		day, week := 0, 0
		for _, s := range p.Shown {
			if s.Placement != a.Placement {
				continue
			}
			if s.At.After(w.Now.Add(-Day)) {
				day++
			}
			if s.At.After(w.Now.Add(-7 * Day)) {
				week++
			}
			if place.NotAgain > 0 && !s.At.Before(w.Now.Add(-place.NotAgain)) {
				for _, item := range s.Items {
					out.NotThese[item] = true
				}
			}
		}
		out.Capped = place.PerDay > 0 && day >= place.PerDay || place.PerWeek > 0 && week >= place.PerWeek
	}
	last := map[string]Reply{}
	for _, r := range p.Replies {
		if (r.Kind == "not-for-me" || r.Kind == "useful") && !r.At.Before(last[r.Item].At) {
			last[r.Item] = r
		}
	}
	for item, r := range last {
		if r.Kind == "not-for-me" {
			out.NotThese[item] = true
		}
	}
	return out
}

// reasons gives, for each of the person's things, why it is held at that level; empty when it may be used.
func (w *World) reasons(p *Person, place Placement, at time.Time, gpc bool, level int) []string {
	out := make([]string, len(p.Things))
	for i := range p.Things {
		t := &p.Things[i]
		if d := w.InForce().Data[t.Name]; !t.Event && d.Protective {
			out[i], _ = w.shield(p, t, at, gpc)
			continue
		}
		if out[i] = w.first(p, t, place.Purpose, at, gpc); out[i] == "" {
			out[i] = w.second(t, place, level)
		}
	}
	return out
}

// first pass: may this be used at all, here and for this?
func (w *World) first(p *Person, t *Thing, purpose string, at time.Time, gpc bool) string {
	c := w.InForce()
	allowed, explicit, agreed := w.Both(p, purpose, at, gpc)
	d := c.Data[t.Name]
	switch {
	case p.Restricted:
		return "restricted"
	case !t.Event && len(d.Learnt) > 0 && !slices.Contains(d.Learnt, t.Learnt):
		return "not-chartered"
	case !slices.Contains(c.purposes(t.Name, t.Event), purpose), !w.worded(t, purpose, allowed, agreed):
		return "purpose"
	case !allowed, !w.serves(t, purpose):
		return "permission"
	case w.expired(t, at):
		return "expired"
	case t.At.After(w.Now.Add(Day)):
		return "doubtful"
	case !t.Event && d.Special && !explicit && !w.elsewhereExplicit(p, t, d, at, gpc):
		return "sensitive"
	}
	return ""
}

func (w *World) expired(t *Thing, at time.Time) bool {
	retain := w.InForce().Data[t.Name].Retain
	if t.Event {
		retain = w.InForce().Events[t.Name].Retain
	}
	late := at
	if w.Now.After(late) {
		late = w.Now
	}
	return t.since().Add(retain).Before(late)
}

// elsewhereExplicit: an explicit yes to another purpose of the datum, one that asks for it, does as well.
func (w *World) elsewhereExplicit(p *Person, t *Thing, d Datum, at time.Time, gpc bool) bool {
	for _, q := range d.Purposes {
		if allowed, explicit, agreed := w.Both(p, q, at, gpc); w.InForce().Purposes[q].Explicit && explicit && w.serves(t, q) && w.worded(t, q, allowed, agreed) {
			return true
		}
	}
	return false
}

// second pass: would it be welcome from somebody we know this well?
func (w *World) second(t *Thing, place Placement, level int) string {
	c := w.InForce()
	need, benefit := c.Events[t.Name].Level, true
	if !t.Event {
		need = c.Data[t.Name].Level
		benefit = c.Data[t.Name].Benefit || c.Purposes[place.Purpose].Fixed()
	}
	surprise := map[string]float64{"declared": 0, "observed": c.Observed, "acquired": c.Acquired}[t.Learnt]
	channel := c.Sources[t.Source].Channel
	if t.Own {
		channel = "web"
	}
	if channel != place.Channel {
		surprise += c.Elsewhere
	}
	if t.Learnt == "declared" { // told: they gave it
		surprise *= c.ToldFactor
	}
	switch {
	case need > level:
		return "too-soon"
	case surprise > place.Tolerates+1e-9:
		return "surprising"
	case !benefit:
		return "no-benefit"
	}
	return ""
}

// shield judges a protective fact, by its own purposes: leave first, then doubt.
func (w *World) shield(p *Person, t *Thing, at time.Time, gpc bool) (reason string, doubt bool) {
	d := w.InForce().Data[t.Name]
	order := []string{"restricted", "not-chartered", "purpose", "permission", "sensitive"}
	far := -1
	for _, q := range d.Purposes {
		rule := w.InForce().Purposes[q]
		allowed, explicit, agreed := w.Both(p, q, at, gpc)
		no := ""
		switch {
		case p.Restricted && !rule.Fixed():
			no = "restricted"
		case len(d.Learnt) > 0 && !slices.Contains(d.Learnt, t.Learnt):
			no = "not-chartered"
		case !w.worded(t, q, allowed, agreed):
			no = "purpose"
		case !allowed, !w.serves(t, q):
			no = "permission"
		case d.Special && !explicit:
			no = "sensitive"
		}
		if no == "" {
			far = len(order)
			break
		}
		far = max(far, slices.Index(order, no))
	}
	switch {
	case far < len(order):
		return order[far], false
	case w.expired(t, at):
		return "expired", true
	case t.At.After(w.Now.Add(Day)):
		return "doubtful", true
	}
	return "", false
}

// removed gives the tags that protective rules take away: the newest fact with leave decides; in doubt all that the rule could remove.
func (w *World) removed(p *Person, at time.Time, gpc bool) map[string]bool {
	out := map[string]bool{}
	for name, rule := range w.InForce().Removes {
		var clear, doubt []*Thing
		newest := func(all []*Thing) (when time.Time) {
			for _, t := range all {
				if t.At.After(when) {
					when = t.At
				}
			}
			return when
		}
		for i := range p.Things {
			t := &p.Things[i]
			if t.Event || t.Name != name {
				continue
			}
			if reason, doubtful := w.shield(p, t, at, gpc); doubtful {
				doubt = append(doubt, t)
			} else if reason == "" {
				clear = append(clear, t)
			}
		}
		unsure := len(doubt) > 0 && !newest(clear).After(newest(doubt))
		for value, tag := range rule {
			if unsure || slices.ContainsFunc(clear, func(t *Thing) bool { return t.Value == value }) {
				out[tag] = true
			}
		}
	}
	return out
}

// tooPersonal says whether the person found the placement too personal in the last ninety days.
func (w *World) tooPersonal(p *Person, placement string) bool {
	return slices.ContainsFunc(p.Replies, func(r Reply) bool {
		return r.Kind == "too-personal" && r.Placement == placement && r.At.After(w.Now.Add(-90*Day))
	})
}

// reached is the level that what passed bears out.
func (w *World) reached(p *Person, reasons []string, at time.Time) int {
	c := w.InForce()
	days, told := map[int64]bool{}, map[string]bool{}
	var first, last time.Time
	for i := range p.Things {
		t := &p.Things[i]
		if reasons[i] != "" || t.At.After(at) {
			continue
		}
		if t.Event {
			days[t.At.Unix()/int64(Day/time.Second)] = true
			if first.IsZero() || t.At.Before(first) {
				first = t.At
			}
			if t.At.After(last) {
				last = t.At
			}
		} else if t.Learnt == "declared" && !c.Data[t.Name].Protective {
			told[t.Name] = true
		}
	}
	level := Stranger
	for l := Acquaintance; l <= Confidant; l++ {
		r := c.Reach[l]
		if len(days) >= r.Days && len(told) >= r.ToldUs && (r.Tenure == 0 || len(days) > 0 && !first.Add(r.Tenure).After(at)) && (r.Within == 0 || len(days) > 0 && !last.Add(r.Within).Before(at)) {
			level = l
		}
	}
	if level > Stranger && w.strained(p, at) {
		level--
	}
	return level
}

// strained: an open complaint; within the charter's time, something too personal, or a yes taken back, or an objection.
func (w *World) strained(p *Person, at time.Time) bool {
	lately := func(t time.Time) bool { return !t.After(at) && !t.Add(w.InForce().Strain).Before(at) }
	for _, opened := range p.Complaints {
		if !opened.After(at) {
			return true
		}
	}
	for _, r := range p.Replies {
		if r.Kind == "too-personal" && lately(r.At) {
			return true
		}
	}
	said := map[string]int{} // 1 yes, 2 no
	answers := slices.Clone(p.Answers)
	slices.SortStableFunc(answers, func(a, b Answer) int {
		if c := a.At.Compare(b.At); c != 0 || a.Yes == b.Yes {
			return c
		}
		if a.Yes { // of two of one time the no is the later word
			return -1
		}
		return 1
	})
	for _, a := range answers {
		rule := w.InForce().Purposes[a.Purpose]
		if rule.Basis == "" || rule.Fixed() || a.Yes && rule.Explicit && !a.Explicit {
			continue
		}
		if !a.Yes && said[a.Purpose] != 2 && (said[a.Purpose] == 1 || rule.Basis == "legitimate-interest" && !rule.Explicit) && lately(a.At) {
			return true
		}
		said[a.Purpose] = 2
		if a.Yes {
			said[a.Purpose] = 1
		}
	}
	return false
}
