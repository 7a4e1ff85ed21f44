package charter

import (
	"fmt"
	"slices"
	"strings"

	"github.com/rapporthq/rapport/person"
)

// ChangeKind says which way a change goes, seen by the person: widened allows the brand more, narrowed less.
type ChangeKind string

// The kinds of change.
const (
	Added    ChangeKind = "added"
	Removed  ChangeKind = "removed"
	Widened  ChangeKind = "widened"
	Narrowed ChangeKind = "narrowed"
	Reworded ChangeKind = "reworded"
	Changed  ChangeKind = "changed"
)

// Change is one difference between two charters, in a sentence that a committee can vote on.
type Change struct {
	Path string // such as data.birthday.retain
	Kind ChangeKind
	Text string // a sentence
	// Purge says that what is already kept must be deleted for it: see Narrowings.
	Purge bool
	// Choice says that what was kept before may be used in the new way only after a choice made under the new
	// words: the old ones did not cover it.
	Choice bool
}

// Diff lists what changes from one charter to the next, in the order of the file, in English or French. Other languages get
// English. A nil charter is an empty one. The same charters give no change.
func Diff(old, next *Charter, lang string) []Change {
	d := &differ{old: orEmpty(old), next: orEmpty(next), lang: lang}
	d.brand()
	d.purposes()
	d.data()
	d.events()
	d.sensitive()
	d.relationship()
	d.placements()
	d.terms()
	d.protect()
	d.sources()
	d.identity()
	d.rest()
	return d.out
}

func orEmpty(c *Charter) *Charter {
	if c == nil {
		return &Charter{Surprise: usualSurprise}
	}
	return c
}

type differ struct {
	old, next *Charter
	lang      string
	out       []Change
}

func (d *differ) add(path string, kind ChangeKind, format string, args ...any) *Change {
	d.out = append(d.out, Change{Path: path, Kind: kind, Text: d.phrase(format, args...)})
	return &d.out[len(d.out)-1]
}

// phrase is a sentence in the reader's language.
func (d *differ) phrase(format string, args ...any) string { return sayIn(d.lang, format, args...) }

// both walks the names of two charters: the next one's order first, then what is gone.
func both[V any](oldOrder, nextOrder []string, old, next map[string]V, added, removed func(string, V), kept func(string, V, V)) {
	for _, n := range nextOrder {
		if o, ok := old[n]; ok {
			kept(n, o, next[n])
		} else {
			added(n, next[n])
		}
	}
	for _, n := range oldOrder {
		if _, ok := next[n]; !ok {
			removed(n, old[n])
		}
	}
}

// text finds new words for people.
func (d *differ) text(path, what string, old, next Text) {
	if old == nil && next == nil {
		return
	}
	langs := names(union(old, next))
	for _, l := range append(slices.Clone(d.old.Brand.Languages), d.next.Brand.Languages...) {
		if !has(langs, l) {
			langs = append(langs, l)
		}
	}
	for _, l := range langs {
		if l == "" && len(langs) > 1 {
			continue // a text for every language is compared language by language
		}
		o, n, where := old.In(l, &d.old.Brand), next.In(l, &d.next.Brand), ""
		if l != "" && len(langs) > 1 {
			where = d.phrase(" in %s", l)
		}
		switch {
		case o == n:
		case o == "":
			d.add(path, Reworded, "%s now reads%s: “%s”", what, where, n)
		case n == "":
			d.add(path, Reworded, "%s is gone%s; it read: “%s”", what, where, o)
		default:
			d.add(path, Reworded, "%s now reads%s “%s” instead of “%s”.", what, where, n, o)
		}
	}
}

// way is the kind of a change from old to next where more means wider, or narrower when it does not.
func way(more, wider bool) ChangeKind {
	if more == wider {
		return Widened
	}
	return Narrowed
}

// span compares lengths of time. A longer one is wider.
func (d *differ) span(path, what string, old, next Span) *Change {
	if old == next {
		return nil
	}
	return d.add(path, way(next.Longer(old), true), "%s is %s instead of %s.", what, d.spanOr(next), d.spanOr(old))
}

func (d *differ) spanOr(s Span) string {
	if s.IsZero() {
		return d.phrase("not limited")
	}
	return s.Words(d.lang)
}

func (d *differ) number(path, what string, old, next float64, moreIsWider bool) {
	if old != next {
		d.add(path, way(next > old, moreIsWider), "%s is %s instead of %s.", what, numberText(next), numberText(old))
	}
}

func (d *differ) flag(path string, old, next, onIsWider bool, on, off string) {
	if old == next {
		return
	}
	text := off
	if next {
		text = on
	}
	d.out = append(d.out, Change{Path: path, Kind: way(next, onIsWider), Text: text})
}

func (d *differ) level(path, what string, old, next person.Level) {
	if old != next {
		d.add(path, way(next < old, true), "%s opens to %s instead of %s.", what, LevelWords(next, d.lang), LevelWords(old, d.lang))
	}
}

func (d *differ) same(path, what string, old, next string) {
	if old != next {
		d.add(path, Changed, "%s is %s instead of %s.", what, d.orNothing(next), d.orNothing(old))
	}
}

func (d *differ) orNothing(s string) string {
	if s == "" {
		return d.phrase("not said")
	}
	return d.phrase("“%s”", s)
}

// list calls gained for what is only in next, and lost for what is only in old.
func (d *differ) list(old, next []string, gained, lost func(string)) {
	for _, s := range next {
		if !has(old, s) {
			gained(s)
		}
	}
	for _, s := range old {
		if !has(next, s) {
			lost(s)
		}
	}
}

func (d *differ) brand() {
	o, n := &d.old.Brand, &d.next.Brand
	d.same("brand.name", d.phrase("The brand's name"), o.Name, n.Name)
	d.same("brand.controller", d.phrase("Who answers for the data"), o.Controller, n.Controller)
	d.same("brand.contact", d.phrase("Where to write about data"), o.Contact, n.Contact)
	d.same("brand.languages", d.phrase("The brand's languages"), strings.Join(o.Languages, ", "), strings.Join(n.Languages, ", "))
	d.same("brand.region", d.phrase("Where a person is when nothing says so"), o.Region, n.Region)
	d.same("brand.currency", d.phrase("The currency"), o.Currency, n.Currency)
	d.same("brand.time-zone", d.phrase("The time zone"), o.TimeZone, n.TimeZone)
	d.number("k", d.phrase("The fewest people that any group, count or weight rests on"), float64(d.old.K), float64(d.next.K), false)
}

func (d *differ) purposes() {
	both(d.old.Order.Purposes, d.next.Order.Purposes, d.old.Purposes, d.next.Purposes,
		func(n string, p *Purpose) {
			c := d.add("purposes."+n, Added, "There is a new purpose, %s, on the basis of %s: “%s”%s", p.Title(d.lang, &d.next.Brand), d.basis(p.Basis), p.Why.In(d.lang, &d.next.Brand), d.newWords(p))
			c.Choice = p.Basis == Consent
		},
		func(n string, p *Purpose) {
			d.add("purposes."+n, Removed, "The purpose %s is gone: nothing is used for it any more, and data that had no other purpose is deleted.", p.Title(d.lang, &d.old.Brand)).Purge = true
		},
		func(n string, o, p *Purpose) {
			path, t := "purposes."+n, p.Title(d.lang, &d.next.Brand)
			d.text(path+".label", d.phrase("The name of %s", n), o.Label, p.Label)
			d.list(o.Uses, p.Uses,
				func(u string) {
					d.add(path+".uses", Widened, "%s now also covers %s.", t, u).Choice = p.Basis == Consent
				},
				func(u string) { d.add(path+".uses", Narrowed, "%s no longer covers %s.", t, u) })
			if o.Basis != p.Basis {
				kind := Changed
				switch {
				case o.Basis == Consent:
					kind = Widened
				case p.Basis == Consent, p.Basis == LegitimateInterest && !o.Basis.Switchable():
					kind = Narrowed
				case o.Basis == LegitimateInterest:
					kind = Widened
				}
				d.add(path+".basis", kind, "%s now rests on %s instead of %s.%s", t, d.basis(p.Basis), d.basis(o.Basis), map[bool]string{true: d.phrase(" People can no longer say no to it.")}[o.Basis.Switchable() && !p.Basis.Switchable()]).Choice = p.Basis == Consent
			}
			d.text(path+".why", d.phrase("Why we have %s", t), o.Why, p.Why)
			d.text(path+".benefit", d.phrase("What people get from %s", t), o.Benefit, p.Benefit)
			d.again(path+".ask-again", t, o.AskAgain, p.AskAgain)
			d.flag(path+".learns", o.Learns, p.Learns, true, d.phrase("Models may now learn from what %s may use.", t), d.phrase("Models no longer learn from what %s may use.", t))
			d.flag(path+".explicit", o.Explicit, p.Explicit, false, d.phrase("%s now needs an explicit yes; other answers no longer count.", t), d.phrase("%s no longer needs an explicit yes.", t))
		})
	d.list(d.old.Signals.GPC, d.next.Signals.GPC,
		func(p string) { d.add("signals.gpc", Narrowed, "Global Privacy Control now says no to %s.", p) },
		func(p string) { d.add("signals.gpc", Widened, "Global Privacy Control no longer says no to %s.", p) })
}

// basis is a legal basis in words. In English they are the file's.
func (d *differ) basis(b Basis) string { return d.phrase(string(b)) }

func (d *differ) newWords(p *Purpose) string {
	switch p.Basis {
	case Consent:
		return d.phrase(" Nothing is used for it until people say yes to these words.")
	case LegitimateInterest:
		return d.phrase(" It begins for what is collected from now on, unless people object.")
	}
	return d.phrase(" People cannot switch it off.")
}

// again compares how long a choice stands: no limit is the widest.
func (d *differ) again(path, t string, o, n Span) {
	switch {
	case o == n:
	case n.IsZero():
		d.add(path, Widened, "A choice on %s now stands until it is changed, instead of %s.", t, o.Words(d.lang))
	case o.IsZero():
		d.add(path, Narrowed, "A choice on %s now stands for %s only, instead of until it is changed.", t, n.Words(d.lang))
	default:
		d.span(path, d.phrase("The time that a choice on %s stands", t), o, n)
	}
}

// usedFor compares the purposes of a datum or an event.
func (d *differ) usedFor(path, t string, old, next []string) {
	d.list(old, next,
		func(p string) {
			d.add(path, Widened, "%s may now also be used for %s; what was kept before stays out of it until a choice under the new words.", t, p).Choice = true
		},
		func(p string) { d.add(path, Narrowed, "%s is no longer used for %s.", t, p) })
}

func (d *differ) retain(path, t string, old, next Span) {
	if c := d.span(path, d.phrase("The time for which %s is kept", t), old, next); c != nil && c.Kind == Narrowed {
		c.Purge = true
		c.Text += d.phrase(" What is older is deleted.")
	}
}

func (d *differ) typ(path, t string, old, next Type) {
	if old.sameAs(next) {
		return
	}
	if old.Name == TEnum && next.Name == TEnum {
		d.list(old.Enum, next.Enum,
			func(w string) { d.add(path, Widened, "%s may now be “%s”.", t, w) },
			func(w string) {
				d.add(path, Narrowed, "%s may no longer be “%s”; what says so can no longer be read.", t, w)
			})
		return
	}
	d.add(path, Changed, "%s is now %s instead of %s; what does not fit can no longer be read.", t, next, old)
}

func (t Type) sameAs(u Type) bool {
	if t.Name != u.Name || t.Max != u.Max || !slices.Equal(t.Enum, u.Enum) || !slices.Equal(t.Band, u.Band) || (t.Of == nil) != (u.Of == nil) {
		return false
	}
	return t.Of == nil || t.Of.sameAs(*u.Of)
}

// String is the type as the file writes it.
func (t Type) String() string {
	switch t.Name {
	case TEnum:
		return "{enum: [" + strings.Join(t.Enum, ", ") + "]}"
	case TBand:
		bounds := make([]string, len(t.Band))
		for i, b := range t.Band {
			bounds[i] = numberText(b)
		}
		return "{band: [" + strings.Join(bounds, ", ") + "]}"
	case TList:
		if t.Of != nil {
			return fmt.Sprintf("{list: %s, max: %d}", t.Of, t.most(maxList))
		}
	}
	if t.Max > 0 {
		return fmt.Sprintf("%s (max: %d)", t.Name, t.Max)
	}
	return string(t.Name)
}
