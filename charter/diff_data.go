package charter

import (
	"fmt"
	"strings"

	"github.com/rapporthq/rapport/person"
)

func (d *differ) titles(names []string, c *Charter) string {
	out := make([]string, len(names))
	for i, n := range names {
		out[i] = n
		if p := c.Purposes[n]; p != nil {
			out[i] = p.Title("en", &c.Brand)
		}
	}
	return strings.Join(out, ", ")
}

func (d *differ) data() {
	both(d.old.Order.Data, d.next.Order.Data, d.old.Data, d.next.Data,
		func(n string, x *Datum) {
			d.add("data."+n, Added, "%s may now be kept, for %s, used for %s.", x.Title("en", &d.next.Brand), x.Retain.Words("en"), d.titles(x.Purposes, d.next))
		},
		func(n string, x *Datum) {
			d.add("data."+n, Removed, "%s is no longer kept; what we have of it is deleted.", x.Title("en", &d.old.Brand)).Purge = true
		},
		func(n string, o, x *Datum) {
			path, t := "data."+n, x.Title("en", &d.next.Brand)
			d.text(path+".label", "The name of "+n, o.Label, x.Label)
			d.same(path+".kind", "The kind of "+t, string(o.Kind), string(x.Kind))
			d.typ(path+".type", t, o.Type, x.Type)
			d.same(path+".category", "The category of "+t, o.Category, x.Category)
			d.same(path+".sensitivity", "The sensitivity of "+t, o.Sensitivity, x.Sensitivity)
			d.flag(path+".condition", o.Condition != "", x.Condition != "", false, t+" now needs explicit consent.", t+" no longer needs explicit consent.")
			d.flag(path+".protective", o.Protective, x.Protective, false, t+" may now only remove offers.", t+" may now choose offers, not only remove them.")
			d.usedFor(path+".purposes", t, o.Purposes, x.Purposes)
			d.ways(path+".learnt", t, o.Learnt, x.Learnt)
			d.level(path+".level", "The use of "+t, o.Level, x.Level)
			d.number(path+".quality", "The quality from which "+t+" is used", o.Quality, x.Quality, false)
			d.retain(path+".retain", t, o.Retain, x.Retain)
			d.text(path+".benefit", "What people get from "+t, o.Benefit, x.Benefit)
			d.ask(path+".ask", t, o.Ask, x.Ask)
			d.traitRule(path+".rule", t, o.Rule, x.Rule)
		})
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
		func(w string) { d.add(path, Widened, "%s may now also be %s.", t, w) },
		func(w string) { d.add(path, Narrowed, "%s may no longer be %s.", t, w) })
}

func (d *differ) ask(path, t string, o, n *Ask) {
	switch {
	case o == nil && n == nil:
	case o == nil:
		d.add(path, Added, "We may now ask for %s: “%s”", t, n.Question.In("", &d.next.Brand))
	case n == nil:
		d.add(path, Removed, "We no longer ask for %s.", t)
	default:
		d.text(path+".question", "The question for "+t, o.Question, n.Question)
		d.level(path+".at", "The question for "+t, o.At, n.At)
		d.same(path+".reward", "The reward for telling "+t, o.Reward, n.Reward)
		if o.NotAgainFor != n.NotAgainFor {
			d.add(path+".not-again-for", way(n.NotAgainFor.Longer(o.NotAgainFor), false), "The time before we ask for %s again is %s instead of %s.", t, spanOr(n.NotAgainFor), spanOr(o.NotAgainFor))
		}
	}
}

func (d *differ) traitRule(path, t string, o, n *TraitRule) {
	if o == nil || n == nil {
		return // the kind has changed, which is said already
	}
	if o.Count != n.Count || o.Within != n.Within || o.Where != n.Where || o.AtLeast != n.AtLeast {
		d.add(path, Changed, "%s is now derived from at least %d of %s within %s%s.", t, n.AtLeast, n.Count, n.Within.Words("en"), whereWords(n.Where))
	}
}

func whereWords(rule string) string {
	if rule == "" {
		return ""
	}
	return fmt.Sprintf(" where %s", rule)
}

func (d *differ) events() {
	both(d.old.Order.Events, d.next.Order.Events, d.old.Events, d.next.Events,
		func(n string, e *Event) {
			d.add("events."+n, Added, "%s may now be kept, for %s, used for %s.", e.Title("en", &d.next.Brand), e.Retain.Words("en"), d.titles(e.Purposes, d.next))
		},
		func(n string, e *Event) {
			d.add("events."+n, Removed, "%s is no longer kept; what we have of it is deleted.", e.Title("en", &d.old.Brand)).Purge = true
		},
		func(n string, o, e *Event) {
			path, t := "events."+n, e.Title("en", &d.next.Brand)
			d.text(path+".label", "The name of "+n, o.Label, e.Label)
			d.same(path+".category", "The category of "+t, o.Category, e.Category)
			d.usedFor(path+".purposes", t, o.Purposes, e.Purposes)
			d.level(path+".level", "The use of "+t, o.Level, e.Level)
			d.retain(path+".retain", t, o.Retain, e.Retain)
			d.text(path+".benefit", "What people get from "+t, o.Benefit, e.Benefit)
			d.flag(path+".takes-back", o.TakesBack, e.TakesBack, false, "The items of "+t+" now count as going back, not as purchases.", "The items of "+t+" now count as purchases.")
			both(o.Order, e.Order, o.Properties, e.Properties,
				func(n string, p *Property) { d.add(path+".properties."+n, Added, "%s now keeps %s.", t, n) },
				func(n string, p *Property) {
					d.add(path+".properties."+n, Removed, "%s no longer keeps %s; what we have of it is deleted.", t, n).Purge = true
				},
				func(n string, a, b *Property) {
					at := path + ".properties." + n
					d.typ(at+".type", n+" of "+t, a.Type, b.Type)
					d.flag(at+".required", a.Required, b.Required, false, t+" is now refused without "+n+".", t+" is now kept without "+n+" too.")
					d.same(at+".from", "Where "+n+" of "+t+" is read", a.From, b.From)
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
			d.text("items.sensitive."+id+".label", "The name of "+id, a.Label, b.Label)
			d.rule("items.sensitive."+id+".where", "The items that are sensitive as "+id, a.Where.Text, b.Where.Text)
			d.same("items.sensitive."+id+".purpose", "The purpose that purchases of "+id+" need", a.Purpose, b.Purpose)
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
			d.text("protect."+id+".label", "The name of "+id, a.Label, b.Label)
			d.rule("protect."+id+".remove", "The offers that "+id+" removes", a.Remove.Text, b.Remove.Text)
			d.rule("protect."+id+".when", "The people whom "+id+" protects", a.When.Text, b.When.Text)
		})
}
