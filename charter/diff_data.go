package charter

import (
	"strings"

	"github.com/rapporthq/rapport/person"
)

func (d *differ) titles(names []string, c *Charter) string {
	out := make([]string, len(names))
	for i, n := range names {
		out[i] = n
		if p := c.Purposes[n]; p != nil {
			out[i] = p.Title(d.lang, &c.Brand)
		}
	}
	return strings.Join(out, ", ")
}

func (d *differ) data() {
	both(d.old.Order.Data, d.next.Order.Data, d.old.Data, d.next.Data,
		func(n string, x *Datum) {
			d.add("data."+n, Added, "%s may now be kept, for %s, used for %s.", x.Title(d.lang, &d.next.Brand), x.Retain.Words(d.lang), d.titles(x.Purposes, d.next))
		},
		func(n string, x *Datum) {
			d.add("data."+n, Removed, "%s is no longer kept; what we have of it is deleted.", x.Title(d.lang, &d.old.Brand)).Purge = true
		},
		func(n string, o, x *Datum) {
			path, t := "data."+n, x.Title(d.lang, &d.next.Brand)
			d.text(path+".label", d.phrase("The name of %s", n), o.Label, x.Label)
			d.same(path+".kind", d.phrase("The kind of %s", t), string(o.Kind), string(x.Kind))
			d.typ(path+".type", t, o.Type, x.Type)
			d.same(path+".category", d.phrase("The category of %s", t), o.Category, x.Category)
			d.same(path+".sensitivity", d.phrase("The sensitivity of %s", t), o.Sensitivity, x.Sensitivity)
			d.flag(path+".condition", o.Condition != "", x.Condition != "", false, d.phrase("%s now needs explicit consent.", t), d.phrase("%s no longer needs explicit consent.", t))
			d.flag(path+".protective", o.Protective, x.Protective, false, d.phrase("%s may now only remove offers.", t), d.phrase("%s may now choose offers, not only remove them.", t))
			d.usedFor(path+".purposes", t, o.Purposes, x.Purposes)
			d.ways(path+".learnt", t, o.Learnt, x.Learnt)
			d.level(path+".level", d.phrase("The use of %s", t), o.Level, x.Level)
			d.number(path+".quality", d.phrase("The quality from which %s is used", t), o.Quality, x.Quality, false)
			d.number(path+".joins", d.phrase("How many people one value of %s may join", t), float64(o.Joins), float64(x.Joins), true)
			d.fades(path+".fades", t, o.Fades, x.Fades)
			d.onlyAt(path+".only-at", t, o.OnlyAt, x.OnlyAt)
			d.same(path+".infer", d.phrase("What %s is inferred from", t), inferWords(o.Infer), inferWords(x.Infer))
			d.retain(path+".retain", t, o.Retain, x.Retain)
			d.text(path+".benefit", d.phrase("What people get from %s", t), o.Benefit, x.Benefit)
			d.ask(path+".ask", t, o.Ask, x.Ask)
			d.traitRule(path+".rule", t, o.Rule, x.Rule)
		})
}

// fades compares half-lives: a shorter one makes values doubtful sooner.
func (d *differ) fades(path, t string, o, n Span) {
	switch {
	case o == n:
	case o.IsZero():
		d.add(path, Narrowed, "What we know of %s now becomes less sure with time: half as sure after %s.", t, n.Words(d.lang))
	case n.IsZero():
		d.add(path, Widened, "What we know of %s no longer becomes less sure with time.", t)
	default:
		d.add(path, way(n.Longer(o), true), "What we know of %s is half as sure after %s instead of %s.", t, n.Words(d.lang), o.Words(d.lang))
	}
}

// onlyAt compares the placements to which a datum is kept; without any it may be used at all.
func (d *differ) onlyAt(path, t string, o, n []string) {
	switch {
	case sameWords(o, n):
	case len(o) == 0:
		d.add(path, Narrowed, "%s may now be used at these placements only: %s.", t, strings.Join(n, ", "))
	case len(n) == 0:
		d.add(path, Widened, "%s may now be used at every placement of its purposes.", t)
	default:
		d.list(o, n, func(p string) { d.add(path, Widened, "%s may now also be used at %s.", t, p) }, func(p string) { d.add(path, Narrowed, "%s may no longer be used at %s.", t, p) })
	}
}

// ways compares how something may be learnt; an empty list is every way.
func (d *differ) ways(path, t string, old, next []person.Learnt) {
	all := func(ls []person.Learnt) []string {
		if len(ls) == 0 {
			return learntWords
		}
		var out []string
		for _, l := range ls {
			out = append(out, l.String())
		}
		return out
	}
	d.list(all(old), all(next),
		func(w string) { d.add(path, Widened, "%s may now also be %s.", t, d.phrase(w)) },
		func(w string) { d.add(path, Narrowed, "%s may no longer be %s.", t, d.phrase(w)) })
}

func (d *differ) ask(path, t string, o, n *Ask) {
	switch {
	case o == nil && n == nil:
	case o == nil:
		d.add(path, Added, "We may now ask for %s: “%s”", t, n.Question.In(d.lang, &d.next.Brand))
	case n == nil:
		d.add(path, Removed, "We no longer ask for %s.", t)
	default:
		d.text(path+".question", d.phrase("The question for %s", t), o.Question, n.Question)
		d.level(path+".at", d.phrase("The question for %s", t), o.At, n.At)
		d.same(path+".reward", d.phrase("The reward for telling %s", t), o.Reward, n.Reward)
		if o.NotAgainFor != n.NotAgainFor {
			d.add(path+".not-again-for", way(n.NotAgainFor.Longer(o.NotAgainFor), false), "The time before we ask for %s again is %s instead of %s.", t, d.spanOr(n.NotAgainFor), d.spanOr(o.NotAgainFor))
		}
	}
}

func (d *differ) traitRule(path, t string, o, n *TraitRule) {
	if o == nil || n == nil {
		return // the kind has changed, which is said already
	}
	if o.Count != n.Count || o.Within != n.Within || o.Where != n.Where || o.AtLeast != n.AtLeast {
		d.add(path, Changed, "%s is now derived from at least %d of %s within %s%s.", t, n.AtLeast, n.Count, n.Within.Words(d.lang), d.whereWords(n.Where))
	}
}

func judgesWords(j *Judgement) string {
	if j == nil {
		return ""
	}
	return j.Fact + ": " + j.As
}

func (d *differ) whereWords(rule string) string {
	if rule == "" {
		return ""
	}
	return d.phrase(" where %s", rule)
}

func (d *differ) events() {
	both(d.old.Order.Events, d.next.Order.Events, d.old.Events, d.next.Events,
		func(n string, e *Event) {
			d.add("events."+n, Added, "%s may now be kept, for %s, used for %s.", e.Title(d.lang, &d.next.Brand), e.Retain.Words(d.lang), d.titles(e.Purposes, d.next))
		},
		func(n string, e *Event) {
			d.add("events."+n, Removed, "%s is no longer kept; what we have of it is deleted.", e.Title(d.lang, &d.old.Brand)).Purge = true
		},
		func(n string, o, e *Event) {
			path, t := "events."+n, e.Title(d.lang, &d.next.Brand)
			d.text(path+".label", d.phrase("The name of %s", n), o.Label, e.Label)
			d.same(path+".category", d.phrase("The category of %s", t), o.Category, e.Category)
			d.usedFor(path+".purposes", t, o.Purposes, e.Purposes)
			d.level(path+".level", d.phrase("The use of %s", t), o.Level, e.Level)
			d.retain(path+".retain", t, o.Retain, e.Retain)
			d.text(path+".benefit", d.phrase("What people get from %s", t), o.Benefit, e.Benefit)
			d.same(path+".judges", d.phrase("What %s says of a value", t), judgesWords(o.Judges), judgesWords(e.Judges))
			d.flag(path+".takes-back", o.TakesBack, e.TakesBack, false, d.phrase("The items of %s now count as going back, not as purchases.", t), d.phrase("The items of %s now count as purchases.", t))
			both(o.Order, e.Order, o.Properties, e.Properties,
				func(n string, p *Property) { d.add(path+".properties."+n, Added, "%s now keeps %s.", t, n) },
				func(n string, p *Property) {
					d.add(path+".properties."+n, Removed, "%s no longer keeps %s; what we have of it is deleted.", t, n).Purge = true
				},
				func(n string, a, b *Property) {
					at := path + ".properties." + n
					d.typ(at+".type", d.phrase("%s of %s", n, t), a.Type, b.Type)
					d.flag(at+".required", a.Required, b.Required, false, d.phrase("%s is now refused without %s.", t, n), d.phrase("%s is now kept without %s too.", t, n))
					d.same(at+".from", d.phrase("Where %s of %s is read", n, t), a.From, b.From)
				})
		})
}

func (d *differ) sensitive() {
	byID := func(rs []*SensitiveRule) (map[string]*SensitiveRule, []string) {
		m, order := map[string]*SensitiveRule{}, []string{}
		for _, r := range rs {
			m[r.ID], order = r, append(order, r.ID)
		}
		return m, order
	}
	o, oldOrder := byID(d.old.Sensitive)
	n, nextOrder := byID(d.next.Sensitive)
	both(oldOrder, nextOrder, o, n,
		func(id string, r *SensitiveRule) {
			d.add("items.sensitive."+id, Narrowed, "Purchases of %s (%s) now need %s.", id, r.Where.Text, r.Purpose)
		},
		func(id string, r *SensitiveRule) {
			d.add("items.sensitive."+id, Widened, "Purchases of %s (%s) no longer need %s.", id, r.Where.Text, r.Purpose).Choice = true
		},
		func(id string, a, b *SensitiveRule) {
			d.text("items.sensitive."+id+".label", d.phrase("The name of %s", id), a.Label, b.Label)
			d.rule("items.sensitive."+id+".where", d.phrase("The items that are sensitive as %s", id), a.Where.Text, b.Where.Text)
			d.same("items.sensitive."+id+".purpose", d.phrase("The purpose that purchases of %s need", id), a.Purpose, b.Purpose)
		})
}

func (d *differ) rule(path, what, old, next string) {
	if old != next {
		d.add(path, Changed, "%s are now those where %s, instead of %s.", what, next, old)
	}
}

func (d *differ) protect() {
	byID := func(rs []*ProtectRule) (map[string]*ProtectRule, []string) {
		m, order := map[string]*ProtectRule{}, []string{}
		for _, r := range rs {
			m[r.ID], order = r, append(order, r.ID)
		}
		return m, order
	}
	o, oldOrder := byID(d.old.Protect)
	n, nextOrder := byID(d.next.Protect)
	both(oldOrder, nextOrder, o, n,
		func(id string, r *ProtectRule) {
			d.add("protect."+id, Narrowed, "%s: offers are now removed where %s, when %s.", readable(id), r.Remove.Text, r.When.Text)
		},
		func(id string, r *ProtectRule) {
			d.add("protect."+id, Widened, "%s: offers are no longer removed where %s, when %s.", readable(id), r.Remove.Text, r.When.Text)
		},
		func(id string, a, b *ProtectRule) {
			d.text("protect."+id+".label", d.phrase("The name of %s", id), a.Label, b.Label)
			d.rule("protect."+id+".remove", d.phrase("The offers that %s removes", id), a.Remove.Text, b.Remove.Text)
			d.rule("protect."+id+".when", d.phrase("The people whom %s protects", id), a.When.Text, b.When.Text)
		})
}
