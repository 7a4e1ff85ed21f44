package charter

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/rapporthq/rapport/person"
)

// lint finds what is well written and yet breaks a promise (an error) or does nothing (a warning).
// It runs after everything is read, so that it may look across sections.
func (r *reader) lint() {
	r.lintPurposes()
	r.lintData()
	r.lintEvents()
	r.lintInferences()
	r.lintPlacements()
	r.lintTerms()
	r.lintProtect()
	r.lintIdentity()
	r.lintLevels()
	r.lintKept()
	r.lintTexts()
}

// place is where a path stands; the nearest thing above it when it is not in the file.
func (r *reader) place(path string) at {
	for p := path; ; {
		if n := r.places[p]; n != nil {
			return at{n, path}
		}
		i := strings.LastIndexByte(p, '.')
		if i < 0 {
			return at{r.places[""], path}
		}
		p = p[:i]
	}
}

func (r *reader) lintPurposes() {
	for _, name := range r.c.Order.Purposes {
		p, path := r.c.Purposes[name], "purposes."+name
		if (p.Basis == Consent || p.Basis == LegitimateInterest) && p.Benefit == nil {
			r.note(Warning, r.place(path), say("the purpose has no benefit for the customer"), say("add benefit: what they get from it"))
		}
		if p.Explicit && p.Basis != "" && p.Basis != Consent {
			r.fail(r.place(path+".explicit"), say("explicit consent needs consent as the legal basis"), say("say basis: consent, or remove explicit"))
		}
		if !p.AskAgain.IsZero() && !p.Basis.Switchable() {
			r.note(Warning, r.place(path+".ask-again"), say("there is no choice to ask for again: this purpose cannot be switched off"), say("remove ask-again"))
		}
	}
	for _, name := range r.c.Signals.GPC {
		if p := r.c.Purposes[name]; p != nil && !p.Basis.Switchable() {
			r.fail(r.place("signals.gpc"), say("a signal cannot say no to %s, which is no matter of choice", name), say("remove it from the list"))
		}
	}
}

// specialCategories are those of GDPR Art. 9 as Fideslang names them.
var specialCategories = []string{"user.health_and_medical", "user.biometric", "user.authorization.biometric", "user.demographic.race_ethnicity",
	"user.demographic.political_opinion", "user.demographic.religious_belief", "user.demographic.sexual_orientation"}

// covers says whether a category is another or stands under it.
func covers(category, under string) bool {
	return category == under || strings.HasPrefix(category, under+".")
}

func isSpecial(category string) bool {
	for _, s := range specialCategories {
		if covers(category, s) {
			return true
		}
	}
	return false
}

func (r *reader) lintIdentity() {
	purpose := r.c.Identity.Purpose
	if purpose == "" {
		return
	}
	for _, d := range r.c.Data {
		if d.Identifies() && d.HasPurpose(purpose) {
			return
		}
	}
	r.note(Warning, r.place("identity.purpose"), say("nothing that says who somebody is has the purpose %s, so nobody can be compared", purpose), say("give the purpose to a name, an e-mail address, a phone number, a date of birth, an address or a postcode"))
}

func (r *reader) lintData() {
	for _, name := range r.c.Order.Data {
		d, path := r.c.Data[name], "data."+name
		switch {
		case d.Sensitivity == "special" && d.Condition != "explicit-consent":
			r.fail(r.place(path), say("special-category data needs explicit consent"), say("add condition: explicit-consent"))
		case isSpecial(d.Category) && d.Condition != "explicit-consent":
			r.fail(r.place(path+".category"), say("%s is a special category (GDPR Art. 9) and needs explicit consent", d.Category), say("add sensitivity: special and condition: explicit-consent"))
		case isSpecial(d.Category) && d.Sensitivity != "special":
			r.fail(r.place(path+".category"), say("%s is a special category (GDPR Art. 9)", d.Category), say("add sensitivity: special"))
		}
		for _, p := range d.Purposes {
			if d.Condition == "explicit-consent" && r.c.Purposes[p].Basis != Consent {
				r.fail(r.place(path+".purposes"), say("nobody can give explicit consent to %s, whose basis is %s", p, r.c.Purposes[p].Basis), say("use a purpose whose basis is consent"))
			}
		}
		if d.Condition == "explicit-consent" && len(d.Purposes) > 0 && !slices.ContainsFunc(d.Purposes, func(p string) bool { return r.c.Purposes[p].Explicit }) {
			r.note(Warning, r.place(path+".condition"), say("no purpose of it asks for an explicit yes, so what people answer here never counts for it"), say("add explicit: true to one of its purposes"))
		}
		if d.Kind == Trait && len(d.Learnt) > 0 && !hasLearnt(d.Learnt, person.Inferred) {
			r.fail(r.place(path+".learnt"), say("a trait is inferred, and learnt does not allow it"), say("remove learnt"))
		}
		if d.Kind != Identifier && !d.Protective && d.Benefit == nil && r.anySwitchable(d.Purposes) {
			r.note(Warning, r.place(path), say("the datum has no benefit for the customer, so personalisation will hold it back"), say("add benefit: what they get from it"))
		}
		if d.Protective && !r.protects(name) {
			r.note(Warning, r.place(path+".protective"), say("no rule under protect reads it, so it protects nobody"), say("add a rule or remove protective"))
		}
		if !r.reachable(d.Level) {
			r.note(Warning, r.place(path+".level"), say("nobody becomes %s, so it can never be used", d.Level), say("add the level to relationship"))
		}
		if a := d.Ask; a != nil {
			if !r.reachable(a.At) {
				r.note(Warning, r.place(path+".ask.at"), say("nobody becomes %s, so it is never asked", a.At), say("add the level to relationship"))
			}
			if d.Kind == Trait || (len(d.Learnt) > 0 && !hasLearnt(d.Learnt, person.Declared)) {
				r.note(Warning, r.place(path+".ask"), say("what people answer is declared, and this may not be"), say("remove ask or allow learnt: [declared]"))
			}
		}
		r.lintJoins(d, path+".joins")
		if t := d.Rule; t != nil && r.c.Events[t.Count] != nil && t.Within.Longer(r.c.Events[t.Count].Retain) {
			r.note(Warning, r.place(path+".rule.within"), say("%s is not kept that long", t.Count), say("shorten within or lengthen its retain"))
		}
	}
}

// lintJoins finds values that cannot tell people apart, and those that join nobody.
func (r *reader) lintJoins(d *Datum, path string) {
	server := slices.ContainsFunc(r.c.Order.Sources, func(n string) bool { return r.c.Sources[n].Kind == "server" })
	switch {
	case d.Joins == 0:
	case d.Joins == 1:
		r.fail(r.place(path), say("one person is nobody to be joined with"), say("say 2 or more, or remove joins"))
	case d.Kind != Identifier:
		r.fail(r.place(path), say("only an identifier joins people"), say("say kind: identifier, or remove joins"))
	case d.Type.Name != TEmail && d.Type.Name != TPhone && d.Type.Name != TString:
		r.fail(r.place(path), say("people who share a value of type %s are many", d.Type.Name), say("use email, phone or string, or remove joins"))
	case d.Type.Name == TPhone:
		r.note(Warning, r.place(path), say("a household has one telephone number, and would be taken for one person"), say("remove joins"))
	case !server:
		r.note(Warning, r.place(path), say("only what a server source sends joins people, and there is none"), say("remove joins, or add a source of kind: server"))
	}
}

func hasLearnt(ls []person.Learnt, l person.Learnt) bool {
	for _, x := range ls {
		if x == l {
			return true
		}
	}
	return false
}

func (r *reader) anySwitchable(purposes []string) bool {
	for _, p := range purposes {
		if q := r.c.Purposes[p]; q != nil && q.Basis.Switchable() {
			return true
		}
	}
	return false
}

func (r *reader) protects(fact string) bool {
	for _, p := range r.c.Protect {
		if has(p.Facts, fact) {
			return true
		}
	}
	return false
}

// reachable says whether anybody can have a level: a rule for it, or for a higher one.
func (r *reader) reachable(l person.Level) bool {
	rel := &r.c.Relationship
	switch {
	case l == person.Stranger || rel.Confidant != nil:
		return true
	case l <= person.Regular && rel.Regular != nil:
		return true
	}
	return l <= person.Acquaintance && rel.Acquaintance != nil
}

func (r *reader) lintEvents() {
	for _, name := range r.c.Order.Events {
		e, path := r.c.Events[name], "events."+name
		for _, p := range e.Purposes {
			if q := r.c.Purposes[p]; isSpecial(e.Category) && (!q.Explicit || q.Basis != Consent) {
				r.fail(r.place(path+".purposes"), say("%s is a special category (GDPR Art. 9), and %s does not ask for explicit consent", e.Category, p), say("use a purpose with basis: consent and explicit: true"))
			}
		}
		if !r.reachable(e.Level) {
			r.note(Warning, r.place(path+".level"), say("nobody becomes %s, so it can never be used", e.Level), say("add the level to relationship"))
		}
		r.lintJudgement(e, path)
		if SoundsLikeReturn(name) && r.places[path+".takes-back"] == nil && slices.ContainsFunc(e.Order, func(n string) bool { return e.Properties[n].Type.Name == TItems }) {
			r.note(Warning, r.place(path), say("its name says that something goes back, and its items count as purchases"), say("add takes-back: true, or takes-back: false if they are purchases all the same"))
		}
	}
}

var goesBack = regexp.MustCompile(`(?i)\b(refund|return|cancell?|remov)(e?d|s|ation)?\b`)

// SoundsLikeReturn says whether an event's name says that something goes back, as Order Refunded does: the charter should then
// say takes-back.
func SoundsLikeReturn(event string) bool { return goesBack.MatchString(event) }

func (r *reader) lintPlacements() {
	for _, name := range r.c.Order.Placements {
		p, path := r.c.Placements[name], "placements."+name
		individual, personal := p.Rungs[person.Individual]
		if personal && p.Purpose != "" && !r.served(p.Purpose) {
			r.note(Warning, r.place(path+".rungs.individual"), say("no datum and no event has the purpose %s, so it can never be personal", p.Purpose), say("give one that purpose or remove the rung"))
		}
		for _, rung := range []person.Rung{person.CohortRung, person.Individual} {
			if l, ok := p.Rungs[rung]; ok && !r.reachable(l) {
				r.note(Warning, r.place(path+".rungs."+rung.String()), say("nobody becomes %s, so this rung is never reached", l), say("add the level to relationship"))
			}
		}
		if cohort, ok := p.Rungs[person.CohortRung]; ok && personal && cohort > individual {
			r.note(Warning, r.place(path+".rungs.cohort"), say("the cohort rung opens later than the individual rung, so it is never reached"), say("let the less personal rung open first"))
		}
		for _, w := range []string{"context", "generic"} {
			if rung, _ := person.ParseRung(w); p.Rungs[rung] > person.Stranger {
				r.note(Warning, r.place(path+".rungs."+w), say("this rung is always open: it uses nothing about the person"), say("remove it"))
			}
		}
		if p.Holdout == 1 {
			r.note(Warning, r.place(path+".holdout"), say("everybody is held out, so nothing is ever personal here"), say("hold out a small share, such as 0.05"))
		}
	}
}

// served says whether any datum that may choose, or any event, has the purpose.
func (r *reader) served(purpose string) bool {
	for _, d := range r.c.Data {
		if !d.Protective && d.HasPurpose(purpose) {
			return true
		}
	}
	for _, e := range r.c.Events {
		if e.HasPurpose(purpose) {
			return true
		}
	}
	return false
}

func (r *reader) lintTerms() {
	for _, name := range r.c.Order.Terms {
		t, path := r.c.Terms[name], "terms."+name
		if t.Weight == 0 {
			r.note(Warning, r.place(path+".weight"), say("the term has no weight, so it changes nothing"), say("give it a weight such as 0.3"))
		}
		if t.When != nil && t.Fact != "" && !has(t.When.Reads, t.Fact) {
			r.fail(r.place(path+".when"), say("the reason would name %s, which the rule does not read", t.Fact), say("read facts.%s in when, or name the fact that it reads", t.Fact))
		}
		if t.When == nil {
			continue
		}
		for _, place := range t.Placements {
			p := r.c.Placements[place]
			for _, fact := range t.When.Reads {
				if p != nil && p.Purpose != "" && !r.c.Data[fact].HasPurpose(p.Purpose) {
					r.note(Warning, r.place(path+".placements"), say("%s may not be used for %s, so the term never acts at %s", fact, p.Purpose, place), say("give %s that purpose or remove the placement", fact))
				}
			}
		}
	}
}

func (r *reader) lintProtect() {
	for i, p := range r.c.Protect {
		path := fmt.Sprintf("protect[%d]", i)
		for _, fact := range p.Facts {
			d := r.c.Data[fact]
			if d.Quality > 0.95 {
				r.note(Warning, r.place(path+".when"), say("%s is doubtful below a quality of %v, and doubt removes offers from nearly everybody", fact, d.Quality), say("lower its quality floor"))
			}
		}
	}
}

func (r *reader) lintLevels() {
	rel := &r.c.Relationship
	tellable := 0
	for _, d := range r.c.Data {
		if d.Kind != Trait && (len(d.Learnt) == 0 || hasLearnt(d.Learnt, person.Declared)) {
			tellable++
		}
	}
	for _, l := range []struct {
		name string
		rule *LevelRule
	}{{"acquaintance", rel.Acquaintance}, {"regular", rel.Regular}, {"confidant", rel.Confidant}} {
		if l.rule == nil {
			continue
		}
		path := "relationship." + l.name
		if l.rule.ToldUs > tellable {
			r.note(Warning, r.place(path+".told-us"), say("there is too little that people can tell us (%d), so nobody becomes %s", tellable, l.name), say("lower told-us"))
		}
		if longest := r.longestKept(); l.rule.Tenure.Longer(longest) {
			r.note(Warning, r.place(path+".tenure"), say("no event is kept that long, so nobody becomes %s", l.name), say("shorten tenure or keep an event longer"))
		}
	}
}

func (r *reader) longestKept() Span {
	var longest Span
	for _, e := range r.c.Events {
		if e.Retain.Longer(longest) {
			longest = e.Retain
		}
	}
	return longest
}

// lintKept says how long receipts and the ledger are kept where the charter does not: never for ever.
func (r *reader) lintKept() {
	for _, k := range []struct {
		name  string
		says  *sentence
		to    *Retention
		usual Span
	}{{"receipts", say("the charter does not say how long receipts are kept; %s is taken", Span{Months: 13}), &r.c.Receipts, Span{Months: 13}},
		{"ledger", say("the charter does not say how long looks in the ledger are kept; %s is taken", Span{Years: 6}), &r.c.Ledger, Span{Years: 6}}} {
		if k.to.Retain.IsZero() && r.places[k.name] == nil {
			k.to.Retain = k.usual
			r.note(Warning, r.place(k.name), k.says, say("add %s: {retain: %s}", k.name, k.usual))
		}
	}
}

// lintTexts finds texts that a customer who speaks one of the brand's languages could not read.
func (r *reader) lintTexts() {
	check := func(path string, t Text) {
		if _, all := t[""]; t == nil || all {
			return
		}
		var missing []string
		for _, l := range r.c.Brand.Languages {
			if _, ok := t[l]; !ok {
				missing = append(missing, l)
			}
		}
		if len(missing) > 0 {
			r.note(Warning, r.place(path), say("the text is missing in %s", list(missing)), say("write it in every language of the brand"))
		}
		for _, l := range names(t) {
			if !has(r.c.Brand.Languages, l) {
				r.note(Warning, r.place(path+"."+l), say("%q is none of the brand's languages", l), say("add it to brand.languages or remove the text"))
			}
		}
	}
	for n, p := range r.c.Purposes {
		check("purposes."+n+".label", p.Label)
		check("purposes."+n+".why", p.Why)
		check("purposes."+n+".benefit", p.Benefit)
	}
	for n, d := range r.c.Data {
		check("data."+n+".label", d.Label)
		check("data."+n+".benefit", d.Benefit)
		if d.Ask != nil {
			check("data."+n+".ask.question", d.Ask.Question)
		}
	}
	for n, e := range r.c.Events {
		check("events."+n+".label", e.Label)
		check("events."+n+".benefit", e.Benefit)
	}
	for n, p := range r.c.Placements {
		check("placements."+n+".label", p.Label)
	}
	for i, p := range r.c.Protect {
		check(fmt.Sprintf("protect[%d].label", i), p.Label)
	}
	for i, s := range r.c.Sensitive {
		check(fmt.Sprintf("items.sensitive[%d].label", i), s.Label)
	}
	for n, t := range r.c.Terms {
		check("terms."+n+".says", t.Says)
	}
}
