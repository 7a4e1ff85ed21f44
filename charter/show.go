package charter

import (
	"fmt"
	"strings"

	"github.com/rapporthq/rapport/person"
)

// Show is the charter as a customer would read it, in lang: plain words in Markdown. The words of the house are in
// English or French (English for other languages), the charter's own as the charter has them.
func (c *Charter) Show(lang string) string {
	s := &shower{c: c, lang: lang, w: speech(lang)}
	s.line("# "+s.w["title"], c.Brand.Name)
	s.line("%s", s.w["intro"])
	switch {
	case c.Brand.Controller != "" && c.Brand.Contact != "":
		s.line(s.w["controller"], strings.TrimSuffix(c.Brand.Controller, "."), c.Brand.Contact)
	case c.Brand.Controller != "":
		s.line(s.w["name"], strings.TrimSuffix(c.Brand.Controller, "."))
	}
	s.purposes()
	s.data()
	s.events()
	s.sensitive()
	s.levels()
	s.protect()
	s.places()
	s.sources()
	s.identity()
	s.teams()
	return s.b.String()
}

type shower struct {
	c    *Charter
	lang string
	w    map[string]string
	b    strings.Builder
}

func (s *shower) line(format string, args ...any) {
	fmt.Fprintf(&s.b, format+"\n\n", args...)
}

// points writes a list under a heading and a sentence.
func (s *shower) points(points []string) {
	for _, p := range points {
		s.b.WriteString("- " + p + "\n")
	}
	if len(points) > 0 {
		s.b.WriteString("\n")
	}
}

func (s *shower) say(key string, args ...any) string { return fmt.Sprintf(s.w[key], args...) }

func (s *shower) text(t Text) string { return t.In(s.lang, &s.c.Brand) }

func (s *shower) purposeTitles(names []string) string {
	out := make([]string, len(names))
	for i, n := range names {
		out[i] = s.c.Purposes[n].Title(s.lang, &s.c.Brand)
	}
	return strings.Join(out, ", ")
}

func (s *shower) purposes() {
	if len(s.c.Order.Purposes) == 0 {
		return
	}
	s.line("## %s", s.w["purposes"])
	for _, name := range s.c.Order.Purposes {
		p := s.c.Purposes[name]
		s.line("### %s", p.Title(s.lang, &s.c.Brand))
		s.line("%s", s.text(p.Why))
		var points []string
		if p.Benefit != nil {
			points = append(points, s.say("benefit", s.text(p.Benefit)))
		}
		basis := map[Basis]string{Consent: "consent", LegitimateInterest: "legitimate", Contract: "contract", LegalObligation: "law", VitalInterest: "vital", PublicTask: "public"}
		points = append(points, s.w[basis[p.Basis]])
		if p.Explicit {
			points = append(points, s.w["explicit"])
		}
		if !p.AskAgain.IsZero() && p.Basis.Switchable() {
			points = append(points, s.say("again", p.AskAgain.Words(s.lang)))
		}
		if has(s.c.Signals.GPC, name) {
			points = append(points, s.w["signal"])
		}
		if p.Learns {
			points = append(points, s.say("learns", s.c.K))
		}
		points = append(points, s.with(name))
		s.points(points)
	}
}

// with lists what a purpose may use.
func (s *shower) with(purpose string) string {
	var titles []string
	for _, n := range s.c.Order.Data {
		if d := s.c.Data[n]; d.HasPurpose(purpose) {
			titles = append(titles, d.Title(s.lang, &s.c.Brand))
		}
	}
	for _, n := range s.c.Order.Events {
		if e := s.c.Events[n]; e.HasPurpose(purpose) {
			titles = append(titles, e.Title(s.lang, &s.c.Brand))
		}
	}
	var items []string
	for _, r := range s.c.Sensitive {
		if r.Purpose == purpose {
			items = append(items, r.Title(s.lang, &s.c.Brand))
		}
	}
	switch {
	case len(titles) == 0 && len(items) > 0:
		return s.say("with items", strings.Join(items, ", "))
	case len(titles) == 0:
		return s.w["with none"]
	}
	return s.say("with", strings.Join(titles, ", "))
}

func (s *shower) since(l person.Level, purposes []string) string {
	if l == person.Stranger {
		return s.w["from start"]
	}
	for _, p := range purposes {
		if !s.c.Purposes[p].Basis.Switchable() { // what is owed by contract or law does not wait for a relationship
			return s.say("for level", LevelWords(l, s.lang))
		}
	}
	return s.say("from level", LevelWords(l, s.lang))
}

func (s *shower) data() {
	if len(s.c.Order.Data) == 0 {
		return
	}
	s.line("## %s", s.w["data"])
	for _, name := range s.c.Order.Data {
		d := s.c.Data[name]
		s.line("### %s", d.Title(s.lang, &s.c.Brand))
		points := []string{s.say("used for", s.purposeTitles(d.Purposes))}
		if d.Benefit != nil {
			points = append(points, s.say("benefit", s.text(d.Benefit)))
		}
		switch {
		case d.Sensitivity == "special" || d.Condition != "":
			points = append(points, s.w["special"])
		case d.Sensitivity == "high":
			points = append(points, s.w["high"])
		}
		if d.Protective {
			points = append(points, s.w["protective"])
		} else {
			points = append(points, s.since(d.Level, d.Purposes))
		}
		points = append(points, s.say("kept", d.Retain.Words(s.lang)))
		if d.Joins > 0 {
			points = append(points, s.w["joins"])
		}
		if len(d.Learnt) > 0 && d.Kind != Trait {
			var ways []string
			for _, l := range d.Learnt {
				ways = append(ways, LearntWords(l, s.lang))
			}
			points = append(points, s.say("only learnt", strings.Join(ways, s.w["or"])))
		}
		if d.Rule != nil {
			points = append(points, s.say("trait", s.c.Events[d.Rule.Count].Title(s.lang, &s.c.Brand), d.Rule.AtLeast, d.Rule.Within.Words(s.lang)))
		}
		if d.Ask != nil {
			points = append(points, s.say("asked", s.text(d.Ask.Question)))
		}
		s.points(points)
	}
}

func (s *shower) events() {
	if len(s.c.Order.Events) == 0 {
		return
	}
	s.line("## %s", s.w["events"])
	for _, name := range s.c.Order.Events {
		e := s.c.Events[name]
		s.line("### %s", e.Title(s.lang, &s.c.Brand))
		points := []string{s.say("used for", s.purposeTitles(e.Purposes))}
		if e.Benefit != nil {
			points = append(points, s.say("benefit", s.text(e.Benefit)))
		}
		points = append(points, s.since(e.Level, e.Purposes), s.say("kept", e.Retain.Words(s.lang)))
		var fields []string
		for _, p := range e.Order {
			fields = append(fields, strings.ReplaceAll(p, "_", " "))
		}
		if len(fields) > 0 {
			points = append(points, s.say("of it", strings.Join(fields, ", ")))
		} else {
			points = append(points, s.w["of it none"])
		}
		s.points(points)
	}
}

func (s *shower) sensitive() {
	if len(s.c.Sensitive) == 0 {
		return
	}
	s.line("## %s", s.w["sensitive"])
	var points []string
	for _, r := range s.c.Sensitive {
		points = append(points, s.say("sensitive 1", r.Title(s.lang, &s.c.Brand), s.purposeTitles([]string{r.Purpose})))
	}
	s.points(points)
}

func (s *shower) levels() {
	rel := &s.c.Relationship
	if rel.Acquaintance == nil && rel.Regular == nil && rel.Confidant == nil {
		return
	}
	s.line("## %s", s.w["levels"])
	s.line("%s", s.w["levels 1"])
	var points []string
	for _, l := range []struct {
		level person.Level
		rule  *LevelRule
	}{{person.Acquaintance, rel.Acquaintance}, {person.Regular, rel.Regular}, {person.Confidant, rel.Confidant}} {
		if l.rule == nil {
			continue
		}
		var when []string
		if n := l.rule.DaysOfContact; n > 0 {
			when = append(when, s.say("contact", n))
		}
		if !l.rule.Tenure.IsZero() {
			when = append(when, s.say("tenure", l.rule.Tenure.Words(s.lang)))
		}
		if n := l.rule.ToldUs; n > 0 {
			when = append(when, s.say("told", n))
		}
		if len(when) == 0 {
			when = append(when, s.w["at once"])
		}
		text := strings.Join(when, s.w["and"])
		if !l.rule.Within.IsZero() {
			text += ", " + s.say("within", l.rule.Within.Words(s.lang))
		}
		points = append(points, s.say("level is", LevelWords(l.level, s.lang), text))
	}
	var strains []string
	for _, st := range rel.Strain {
		if st.Within.IsZero() {
			strains = append(strains, s.w[st.What])
		} else {
			strains = append(strains, s.say(st.What, st.Within.Words(s.lang)))
		}
	}
	if len(strains) > 0 {
		points = append(points, s.say("strain", strings.Join(strains, s.w["; "])))
	}
	s.points(points)
}

func (s *shower) protect() {
	if len(s.c.Protect) == 0 {
		return
	}
	s.line("## %s", s.w["protect"])
	var points []string
	for _, p := range s.c.Protect {
		var facts []string
		for _, f := range p.Facts {
			facts = append(facts, s.c.Data[f].Title(s.lang, &s.c.Brand))
		}
		points = append(points, s.say("protect 1", p.Title(s.lang, &s.c.Brand), strings.Join(facts, ", ")))
	}
	s.points(points)
}

func (s *shower) places() {
	if len(s.c.Order.Placements) == 0 {
		return
	}
	s.line("## %s", s.w["places"])
	var points []string
	for _, name := range s.c.Order.Placements {
		p := s.c.Placements[name]
		text := []string{s.say("place", p.Title(s.lang, &s.c.Brand), ChannelWords(p.Channel, s.lang), s.purposeTitles([]string{p.Purpose}))}
		if l, ok := p.Rungs[person.Individual]; !ok {
			text = append(text, s.w["place never"])
		} else if l > person.Stranger {
			text = append(text, s.say("place individual", LevelWords(l, s.lang)))
		}
		for _, c := range []struct {
			key string
			n   int
		}{{"per day", p.Caps.PerDay}, {"per week", p.Caps.PerWeek}, {"per month", p.Caps.PerMonth}} {
			if c.n > 0 {
				text = append(text, s.say(c.key, c.n))
			}
		}
		if !p.NotAgainFor.IsZero() {
			text = append(text, s.say("not again", p.NotAgainFor.Words(s.lang)))
		}
		if from, to, ok := strings.Cut(p.Quiet, "-"); ok {
			text = append(text, s.say("quiet", from, to))
		}
		if p.Holdout > 0 {
			text = append(text, s.say("holdout", s.say("%", numberText(round(100*p.Holdout)))))
		}
		points = append(points, strings.Join(text, s.w["; "])+".")
	}
	s.points(points)
}

func round(f float64) float64 { return float64(int64(f*100+0.5)) / 100 }

func (s *shower) sources() {
	if len(s.c.Order.Sources) == 0 {
		return
	}
	s.line("## %s", s.w["sources"])
	var points []string
	for _, name := range s.c.Order.Sources {
		src := s.c.Sources[name]
		text := s.say("source", readable(name), ChannelWords(src.Channel, s.lang))
		if src.Kind == "server" {
			text += s.say("source learnt", LearntWords(src.LearntDefault, s.lang))
		}
		points = append(points, text+".")
	}
	s.points(points)
}

func (s *shower) identity() {
	i := s.c.Identity
	if i.Purpose == "" {
		return
	}
	s.line("## %s", s.w["identity"])
	var titles []string
	for _, n := range s.c.Order.Data {
		if d := s.c.Data[n]; d.Identifies() && d.HasPurpose(i.Purpose) {
			titles = append(titles, d.Title(s.lang, &s.c.Brand))
		}
	}
	points := []string{s.say("identity 1", s.purposeTitles([]string{i.Purpose}), strings.Join(titles, ", ")), s.w["identity "+i.Join]}
	s.points(points)
}

func (s *shower) teams() {
	if len(s.c.Order.Teams) > 0 {
		s.line("## %s", s.w["teams"])
		var points []string
		for _, name := range s.c.Order.Teams {
			t := s.c.Teams[name]
			if t.Sees == "person" {
				points = append(points, s.say("team person", readable(name), s.purposeTitles(t.Purposes)))
			} else {
				points = append(points, s.say("team cohorts", readable(name), s.c.K))
			}
		}
		s.points(points)
	}
	if s.c.Partners.OnwardSharing != "" {
		s.line("## %s", s.w["partners"])
		key := "partners never"
		if s.c.Partners.OnwardSharing != "never" {
			key = "partners agreed"
		}
		s.line("%s", s.w[key])
	}
	s.line("## %s", s.w["account"])
	s.points([]string{s.say("receipts", s.c.Receipts.Retain.Words(s.lang)), s.say("ledger", s.c.Ledger.Retain.Words(s.lang))})
}
