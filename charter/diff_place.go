package charter

import (
	"strings"

	"github.com/rapporthq/rapport/person"
)

func (d *differ) relationship() {
	o, n := &d.old.Relationship, &d.next.Relationship
	for _, l := range []struct {
		level     person.Level
		old, next *LevelRule
	}{{person.Acquaintance, o.Acquaintance, n.Acquaintance}, {person.Regular, o.Regular, n.Regular}, {person.Confidant, o.Confidant, n.Confidant}} {
		path, who := "relationship."+l.level.String(), LevelWords(l.level, d.lang)
		switch {
		case l.old == nil && l.next == nil:
		case l.old == nil:
			d.add(path, Widened, "People can now become %s.", who)
		case l.next == nil:
			d.add(path, Narrowed, "Nobody becomes %s any more.", who)
		default:
			d.number(path+".days-of-contact", d.phrase("The days of contact that make somebody %s", who), float64(l.old.DaysOfContact), float64(l.next.DaysOfContact), false)
			if l.old.Tenure != l.next.Tenure {
				d.add(path+".tenure", way(l.next.Tenure.Longer(l.old.Tenure), false), "The time that makes somebody %s is %s instead of %s.", who, d.spanOr(l.next.Tenure), d.spanOr(l.old.Tenure))
			}
			if l.old.Within != l.next.Within {
				wider := l.next.Within.IsZero() || (!l.old.Within.IsZero() && l.next.Within.Longer(l.old.Within))
				d.add(path+".within", way(wider, true), "The time since the last contact after which nobody is %s is %s instead of %s.", who, d.spanOr(l.next.Within), d.spanOr(l.old.Within))
			}
			d.number(path+".told-us", d.phrase("The things told that make somebody %s", who), float64(l.old.ToldUs), float64(l.next.ToldUs), false)
		}
	}
	strains := func(ss []Strain) []string {
		var out []string
		for _, s := range ss {
			if s.Within.IsZero() {
				out = append(out, s.What)
			} else {
				out = append(out, s.What+" in "+s.Within.String())
			}
		}
		return out
	}
	d.list(strains(o.Strain), strains(n.Strain),
		func(s string) {
			d.add("relationship.strain", Narrowed, "“%s” now lowers the relationship by one level.", s)
		},
		func(s string) {
			d.add("relationship.strain", Widened, "“%s” no longer lowers the relationship.", s)
		})
	a, b := &d.old.Surprise, &d.next.Surprise
	for _, s := range []struct {
		key       string
		old, next float64
	}{{"declared", a.Declared, b.Declared}, {"observed", a.Observed, b.Observed}, {"inferred", a.Inferred, b.Inferred}, {"acquired", a.Acquired, b.Acquired},
		{"other-channel", a.OtherChannel, b.OtherChannel}, {"told-factor", a.ToldFactor, b.ToldFactor}} {
		d.number("surprise."+s.key, d.phrase("How surprising it is when data is “%s”", s.key), s.old, s.next, false)
	}
}

func (d *differ) placements() {
	both(d.old.Order.Placements, d.next.Order.Placements, d.old.Placements, d.next.Placements,
		func(n string, p *Placement) {
			d.add("placements."+n, Added, "There is a new placement, %s (%s), for %s.", p.Title(d.lang, &d.next.Brand), ChannelWords(p.Channel, d.lang), p.Purpose)
		},
		func(n string, p *Placement) {
			d.add("placements."+n, Removed, "The placement %s is gone.", p.Title(d.lang, &d.old.Brand))
		},
		func(n string, o, p *Placement) {
			path, t := "placements."+n, p.Title(d.lang, &d.next.Brand)
			d.text(path+".label", d.phrase("The name of %s", n), o.Label, p.Label)
			d.same(path+".purpose", d.phrase("The purpose of %s", t), o.Purpose, p.Purpose)
			d.same(path+".channel", d.phrase("The channel of %s", t), o.Channel, p.Channel)
			d.number(path+".tolerates", d.phrase("The surprise that %s tolerates", t), o.Tolerates, p.Tolerates, true)
			d.number(path+".items", d.phrase("The number of items at %s", t), float64(o.Items), float64(p.Items), true)
			for _, r := range []person.Rung{person.Individual, person.CohortRung, person.Context, person.Generic} {
				a, had := o.Rungs[r]
				b, now := p.Rungs[r]
				at, what := path+".rungs."+r.String(), d.phrase("The %s rung at %s", d.phrase(r.String()), t)
				switch {
				case had && now:
					d.level(at, what, a, b)
				case now:
					d.add(at, Widened, "%s is now open to %s.", what, LevelWords(b, d.lang))
				case had:
					d.add(at, Narrowed, "%s is closed.", what)
				}
			}
			d.number(path+".holdout", d.phrase("The share of people who see %s without anything personal", t), o.Holdout, p.Holdout, false)
			d.cap(path+".caps.per-day", t, d.phrase("a day"), o.Caps.PerDay, p.Caps.PerDay)
			d.cap(path+".caps.per-week", t, d.phrase("a week"), o.Caps.PerWeek, p.Caps.PerWeek)
			d.cap(path+".caps.per-month", t, d.phrase("a month"), o.Caps.PerMonth, p.Caps.PerMonth)
			if o.NotAgainFor != p.NotAgainFor {
				d.add(path+".not-again-for", way(p.NotAgainFor.Longer(o.NotAgainFor), false), "The time before %s shows the same thing again is %s instead of %s.", t, d.spanOr(p.NotAgainFor), d.spanOr(o.NotAgainFor))
			}
			switch {
			case o.Quiet == p.Quiet:
			case p.Quiet == "":
				d.add(path+".quiet", Widened, "%s has no quiet hours any more; they were %s.", t, o.Quiet)
			case o.Quiet == "":
				d.add(path+".quiet", Narrowed, "%s is now quiet from %s.", t, strings.Replace(p.Quiet, "-", d.phrase(" to "), 1))
			default:
				d.add(path+".quiet", Changed, "%s is quiet %s instead of %s.", t, p.Quiet, o.Quiet)
			}
		})
}

// cap compares limits, where 0 is none.
func (d *differ) cap(path, t, per string, o, n int) {
	switch {
	case o == n:
	case n == 0:
		d.add(path, Widened, "%s has no limit %s any more; it was %d.", t, per, o)
	case o == 0:
		d.add(path, Narrowed, "%s now speaks at most %d times %s.", t, n, per)
	default:
		d.add(path, way(n > o, true), "%s speaks at most %d times %s instead of %d.", t, n, per, o)
	}
}

func (d *differ) terms() {
	both(d.old.Order.Terms, d.next.Order.Terms, d.old.Terms, d.next.Terms,
		func(n string, t *Term) {
			d.add("terms."+n, Added, "%s may now move items where %s, when %s, by %s.", readable(t.Fact), t.Items.Text, t.When.Text, numberText(t.Weight))
		},
		func(n string, t *Term) { d.add("terms."+n, Removed, "The term %s is gone.", n) },
		func(n string, o, t *Term) {
			path := "terms." + n
			d.same(path+".fact", d.phrase("The fact of %s", n), o.Fact, t.Fact)
			d.rule(path+".when", d.phrase("The people whom %s is for", n), o.When.Text, t.When.Text)
			d.rule(path+".items", d.phrase("The items that %s moves", n), o.Items.Text, t.Items.Text)
			if o.Weight != t.Weight {
				d.add(path+".weight", Changed, "The weight of %s is %s instead of %s.", n, numberText(t.Weight), numberText(o.Weight))
			}
			d.list(o.Placements, t.Placements,
				func(p string) { d.add(path+".placements", Widened, "%s now acts at %s too.", n, p) },
				func(p string) { d.add(path+".placements", Narrowed, "%s no longer acts at %s.", n, p) })
			d.text(path+".says", d.phrase("The reason of %s", n), o.Says, t.Says)
		})
}

func (d *differ) sources() {
	both(d.old.Order.Sources, d.next.Order.Sources, d.old.Sources, d.next.Sources,
		func(n string, s *Source) {
			d.add("sources."+n, Added, "There is a new source, %s (%s), for %s.", n, s.Channel, d.titles(s.Purposes, d.next))
		},
		func(n string, s *Source) {
			d.add("sources."+n, Removed, "The source %s is gone: it is refused from now on.", n)
		},
		func(n string, o, s *Source) {
			path := "sources." + n
			d.same(path+".kind", d.phrase("The kind of the source %s", n), o.Kind, s.Kind)
			d.same(path+".channel", d.phrase("The channel of the source %s", n), o.Channel, s.Channel)
			d.same(path+".dates", d.phrase("How the source %s writes days", n), string(o.Dates), string(s.Dates))
			d.same(path+".decimals", d.phrase("How the source %s writes numbers", n), string(o.Decimals), string(s.Decimals))
			d.list(o.Purposes, s.Purposes,
				func(p string) { d.add(path+".purposes", Widened, "Data from %s may now also be used for %s.", n, p) },
				func(p string) { d.add(path+".purposes", Narrowed, "Data from %s may no longer be used for %s.", n, p) })
			d.vouched(path+".learnt", d.phrase("facts from %s", n), o.LearntDefault, s.LearntDefault)
			for _, f := range names(union(o.LearntFacts, s.LearntFacts)) {
				d.vouched(path+".learnt."+f, d.phrase("%s from %s", f, n), o.LearntOf(f), s.LearntOf(f))
			}
			for _, c := range names(union(o.ConsentCategories, s.ConsentCategories)) {
				d.same(path+".consent-categories."+c, d.phrase("What the consent category %s of %s answers for", c, n), o.ConsentCategories[c], s.ConsentCategories[c])
			}
		})
}

// vouched compares how a source's facts were come by: less surprising is wider.
func (d *differ) vouched(path, what string, o, n person.Learnt) {
	if o != n {
		d.add(path, way(n > o, true), "%s count as %s instead of %s.", readable(what), d.phrase(n.String()), d.phrase(o.String()))
	}
}

func union[V any](a, b map[string]V) map[string]V {
	m := make(map[string]V, len(a)+len(b))
	for k, v := range a {
		m[k] = v
	}
	for k, v := range b {
		m[k] = v
	}
	return m
}

func (d *differ) identity() {
	o, n := d.old.Identity, d.next.Identity
	switch {
	case o.Purpose == n.Purpose:
	case o.Purpose == "":
		d.add("identity", Widened, "People are now compared with one another for %s, so that who is there twice is found.", d.next.Purposes[n.Purpose].Title(d.lang, &d.next.Brand))
	case n.Purpose == "":
		d.add("identity", Narrowed, "People are no longer compared with one another.")
	default:
		d.add("identity.purpose", Changed, "People are compared with one another for %s instead of %s.", n.Purpose, o.Purpose)
	}
	if n.Purpose != "" {
		d.flag("identity.join", o.Join == JoinSure, n.Join == JoinSure, true, d.phrase("Pairs that are sure are now joined without a steward's word."), d.phrase("A steward now decides about each pair."))
	}
}

func (d *differ) rest() {
	d.retain("receipts.retain", d.phrase("a receipt"), d.old.Receipts.Retain, d.next.Receipts.Retain)
	if o, n := d.old.Ledger.Retain, d.next.Ledger.Retain; o != n {
		// The ledger protects people: keeping it for less time is no gain for them.
		d.add("ledger.retain", Changed, "Looks are kept for %s instead of %s.", n.Words(d.lang), d.spanOr(o))
	}
	both(d.old.Order.Teams, d.next.Order.Teams, d.old.Teams, d.next.Teams,
		func(n string, t *Team) {
			d.add("teams."+n, Added, "There is a new team, %s, that sees %s.", n, d.seen(t))
		},
		func(n string, t *Team) { d.add("teams."+n, Removed, "The team %s is gone and sees nothing.", n) },
		func(n string, o, t *Team) {
			path := "teams." + n
			d.flag(path+".sees", o.Sees == "person", t.Sees == "person", true, d.phrase("The team %s now sees people's records.", n), d.phrase("The team %s now sees cohorts only.", n))
			d.list(o.Purposes, t.Purposes,
				func(p string) { d.add(path+".purposes", Widened, "The team %s may now look for %s.", n, p) },
				func(p string) { d.add(path+".purposes", Narrowed, "The team %s may no longer look for %s.", n, p) })
			d.list(o.Categories, t.Categories,
				func(p string) { d.add(path+".categories", Widened, "The team %s may now see %s.", n, p) },
				func(p string) { d.add(path+".categories", Narrowed, "The team %s may no longer see %s.", n, p) })
		})
	o, n := &d.old.Committee, &d.next.Committee
	d.same("committee.functions", d.phrase("The functions of the committee"), strings.Join(o.Functions, ", "), strings.Join(n.Functions, ", "))
	d.number("committee.quorum.members", d.phrase("The members needed for a vote"), float64(o.Quorum.Members), float64(n.Quorum.Members), false)
	d.number("committee.quorum.functions", d.phrase("The functions needed for a vote"), float64(o.Quorum.Functions), float64(n.Quorum.Functions), false)
	p, q := &d.old.Partners, &d.next.Partners
	d.number("partners.privacy-a-year.epsilon", d.phrase("What a year's answers to partners may give away (epsilon)"), p.PrivacyAYear.Epsilon, q.PrivacyAYear.Epsilon, true)
	d.number("partners.privacy-a-year.delta", d.phrase("What a year's answers to partners may give away (delta)"), p.PrivacyAYear.Delta, q.PrivacyAYear.Delta, true)
	if p.MinimumTermNotice != q.MinimumTermNotice {
		d.add("partners.minimum-term-notice", Changed, "The notice before an agreement ends is %s instead of %s.", d.spanOr(q.MinimumTermNotice), d.spanOr(p.MinimumTermNotice))
	}
	d.same("partners.onward-sharing", d.phrase("Whether partners may pass on what they were told"), p.OnwardSharing, q.OnwardSharing)
}

func (d *differ) seen(t *Team) string {
	if t.Sees == "person" {
		return d.phrase("people's records of %s", strings.Join(t.Categories, ", "))
	}
	return d.phrase("cohorts only")
}
