package draft

import (
	"fmt"
	"strings"

	"github.com/rapporthq/rapport/charter"
)

func (w *writer) line(format string, args ...any) { fmt.Fprintf(&w.b, format+"\n", args...) }

// comment is text for a comment: one line, whatever a file's name was.
func comment(s string) string {
	return strings.Map(func(c rune) rune {
		if control(c) {
			return '?'
		}
		return c
	}, strings.ToValidUTF8(s, "?"))
}

func (w *writer) head(tables []*Table) {
	w.line("# A draft of a charter: law, notice and configuration in one file. What it does not name is refused.")
	w.line("# Made from:")
	for _, t := range tables {
		said := fmt.Sprintf("%d rows", t.Rows)
		if t.More {
			said = fmt.Sprintf("its first %d rows", t.Rows)
		}
		w.line("#   %s: %s of %s", comment(t.File), said, map[kind]string{people: "people", orders: "who took what", named: "events by name", visits: "who was there when", things: "a catalogue"}[t.kind])
		for _, c := range t.columns {
			if c.role != noRole && string(c.role) != c.Name {
				w.line("#     %s is %s", quoted(comment(c.Name)), c.role)
			}
		}
		switch {
		case t.Bad > 0:
			w.line("#     %d lines could not be read", t.Bad)
		case t.Latin:
			w.line("#     not UTF-8: read as Windows-1252")
		}
		if t.Unread > 0 {
			w.line("#     more columns or events than a draft has room for: the first are here")
		}
		if t.kind != things && t.has(user) == nil && t.has(anonymous) == nil {
			w.line("#     no column says who it is: the number of the line stands in")
		}
	}
	for _, t := range tables {
		if c := t.has(quantity); c != nil && c.minus > 0 {
			w.line("#   %d rows of %s have a quantity below zero: returns are no purchase; they fall and are counted, the other rows of the order are kept", c.minus, comment(t.File))
		}
	}
	if LacksItems(tables) {
		w.line("# No file names what can be offered: bring a catalogue too, such as a CSV with the columns id,name:")
		w.line("#   rapport import --home home --source files --as items items.csv")
	}
	w.line("# What you must decide stands at DECIDE. Then, with this file as charter.yaml:")
	for _, c := range Commands(tables, "charter.yaml", "home") {
		w.line("#   %s", comment(c))
	}
	if len(w.never) > 0 {
		w.line("# Left out on purpose:")
		for _, c := range w.never {
			w.line("#   %s: %s", quoted(comment(c.Name)), c.rule.never)
		}
	}
	w.line("charter: 1")
	w.line("brand:")
	w.line("  name: My brand                  # DECIDE: the name that customers know")
	w.line("  controller: My brand Ltd        # DECIDE: legal name and address of who answers for the data")
	w.line("  contact: privacy@brand.example  # DECIDE: where to write about personal data")
	w.line("  languages: [en]                 # DECIDE: add yours; texts are then {en: …, fr: …}")
	w.line("  region: GB                      # DECIDE")
	w.line("  currency: GBP                   # DECIDE: of all money")
	w.line("  time-zone: Europe/London        # DECIDE")
	w.line("k: 25                             # nothing is learnt from, or shown of, fewer people")
	w.line("")
}

// LacksItems says that none of the files has in it what can be offered: a catalogue must be brought too.
func LacksItems(tables []*Table) bool {
	for _, t := range tables {
		if t.has(item) != nil && (t.kind == things || t.has(itemName) != nil) {
			return false
		}
	}
	return true
}

func (w *writer) purposes() {
	w.line("purposes:                         # DECIDE: what you do, on which basis, in words that customers read")
	w.line("  service:")
	w.line("    uses: [essential.service]")
	w.line("    basis: contract               # cannot be switched off: only what the contract needs")
	w.line("    why: To do what you asked us to do and put right what went wrong.")
	w.line("  personalise:")
	w.line("    uses: [personalize.content]")
	w.line("    basis: consent                # DECIDE: consent is no until somebody said yes (bring choices first);")
	w.line("                                  #         legitimate-interest is yes until they object, and needs a balance on paper")
	w.line("    why: To show you what suits you instead of everything.")
	w.line("    benefit: Less searching.")
	w.line("    ask-again: 24mo")
	w.line("    learns: true")
	if w.special {
		w.line("  sensitive:                      # DECIDE: do you need this at all? Only an explicit yes opens it")
		w.line("    uses: [personalize.content]")
		w.line("    basis: consent")
		w.line("    explicit: true")
		w.line("    why: To use what is most private to you, for you.")
		w.line("    benefit: Nothing is left out.")
	}
	if w.mail {
		w.line("  email:")
		w.line("    uses: [marketing.communications.email]")
		w.line("    basis: consent")
		w.line("    why: To write to you about what suits you.")
		w.line("    benefit: Only what you would miss.")
		w.line("    ask-again: 24mo")
	}
	w.line("  measure:")
	w.line("    uses: [analytics.reporting]")
	w.line("    basis: legitimate-interest")
	w.line("    why: To learn in totals what works.")
	w.line("    benefit: A better service for all.")
	w.line("")
	w.line("signals: {gpc: [personalise]}     # what a browser's Global Privacy Control says no to")
	w.line("")
}

func (w *writer) data() {
	if len(w.order) == 0 {
		w.line("# data: no facts about people were found beside what they did.")
		w.line("")
		return
	}
	w.line("data:                             # DECIDE: delete what you would not miss")
	for _, name := range w.order {
		w.datum(name, w.facts[name], []string{"personalise", "measure"}, "sensitive")
	}
	w.line("")
}

// datum writes one fact. purposes are those that it may have when it is nothing special.
func (w *writer) datum(name string, c *Column, purposes []string, explicit string) {
	r := c.rule
	kind := "attribute"
	if r.kind != "" {
		kind = r.kind
	}
	w.line("  %s:", name)
	w.line("    label: %s", quoted(label(c.Name)))
	w.line("    kind: %s", kind)
	w.line("    type: %s", c.typ(r))
	w.line("    category: %-22s # %s", r.category, map[bool]string{true: "DECIDE: nothing was recognised; see Fideslang's list", false: "by its name and contents"}[r == &anything])
	switch {
	case r.sensitive == "special":
		w.line("    sensitivity: special          # DECIDE: a special category (GDPR Art. 9). Better left out")
		w.line("    condition: explicit-consent")
		w.line("    purposes: [%s]", explicit)
	case r.kind == "identifier" || r.typ == "name":
		if r.typ == "email" && len(purposes) > 1 {
			w.line("    purposes: [service, email]")
		} else {
			w.line("    purposes: [service]")
		}
	default:
		if r.sensitive != "" {
			w.line("    sensitivity: %-16s # DECIDE: do you need it?", r.sensitive)
		}
		w.line("    purposes: [%s]    # DECIDE: which of them?", strings.Join(purposes, ", "))
	}
	if r.level != "" {
		w.line("    level: %-22s # welcome from this relationship on", r.level)
	}
	w.line("    retain: %-21s # DECIDE: how long, and why that long?", fmt.Sprintf("%dy", keepFacts))
	if r.kind != "identifier" {
		w.line("    # benefit: …                  # DECIDE: what do they get from it? Without it, it is held back")
	}
	if r.note != "" {
		w.line("    # %s", r.note)
	}
}

// keeps is the retention of events in years that takes the whole of the files with a month to spare, and at least keepEvents.
func (w *writer) keeps() int {
	years := keepEvents
	for !w.past.IsZero() && years < mostYears && w.past.Before(w.now.AddDate(-years, 1, 0)) {
		years++
	}
	return years
}

// label is a name as people read it.
func label(name string) string {
	s := strings.Join(strings.Fields(strings.ReplaceAll(spaced(name), "_", " ")), " ")
	if s == "" {
		s = "Fact"
	}
	return strings.ToUpper(s[:1]) + s[1:]
}

func (w *writer) eventSection(tables []*Table) {
	if len(w.events) == 0 {
		w.line("# events: nothing that people did was found in the files.")
		w.line("")
		return
	}
	w.line("events:")
	seen := map[string]bool{}
	for _, e := range w.events {
		if seen[e.name] {
			continue
		}
		seen[e.name] = true
		w.event(e, []string{"service", "personalise", "measure"})
	}
	w.line("")
}

func (w *writer) event(e drafted, purposes []string) {
	category := "user.behavior"
	for _, p := range e.properties {
		switch p.typ {
		case "items":
			category = "user.behavior.purchase_history"
		case "item":
			category = "user.behavior.browsing_history"
		}
	}
	w.line("  %s:", quoted(e.name))
	w.line("    category: %s", category)
	if category == "user.behavior.purchase_history" && charter.SoundsLikeReturn(e.name) {
		w.line("    takes-back: true               # its items go back: nothing is learnt from them as bought")
	}
	w.line("    purposes: [%s]    # DECIDE: which of them?", strings.Join(purposes, ", "))
	years := w.keeps()
	w.line("    retain: %-21s # DECIDE: how long, and why that long?", fmt.Sprintf("%dy", years))
	if years > keepEvents {
		w.line("    #                               so long because your files reach back to %s: what is older than you decide falls", w.past.Format("2006-01"))
	}
	w.line("    benefit: You find again what you had.    # DECIDE: what do they get from it?")
	if len(e.properties) == 0 {
		return
	}
	w.line("    properties:")
	had := map[string]bool{}
	for _, p := range e.properties {
		if had[p.name] {
			continue
		}
		had[p.name] = true
		required := ""
		if p.required {
			required = ", required: true"
		}
		note := ""
		if p.note != "" {
			note = "    # " + p.note
		}
		w.line("      %s: {type: %s%s}%s", quoted(p.name), p.typ, required, note)
	}
}

func (w *writer) rest() {
	w.line("relationship:                     # DECIDE: how well do you know somebody, from what?")
	w.line("  acquaintance: {days-of-contact: 2}")
	if len(w.events) > 0 { // without events nobody has been here for long
		w.line("  regular:      {days-of-contact: 6, tenure: 60d, within: 120d}")
		w.line("  confidant:    {days-of-contact: 20, tenure: 1y, within: 60d}")
	} else {
		w.line("  regular:      {days-of-contact: 6, within: 120d}")
		w.line("  confidant:    {days-of-contact: 20, within: 60d}")
	}
	w.line("  strain:       [complaint-open, too-personal in 90d, opt-out in 90d]")
	w.line("")
	w.line("placements:                       # DECIDE: where something is shown, said or sent")
	w.line("  home: {label: Front page, purpose: personalise, channel: web, tolerates: 0.5, items: 5, rungs: {individual: acquaintance}}")
	if len(w.events) == 0 {
		w.line("  #                               your files tell of no contact, so everybody is a stranger, and nothing is personal yet")
	}
	if w.mail {
		w.line("  letter: {label: Letter, purpose: email, channel: email, tolerates: 0.3, items: 3, caps: {per-week: 1}, quiet: \"21:00-08:00\"}")
	}
	purposes := []string{"service", "personalise", "measure"}
	if w.special {
		purposes = append(purposes, "sensitive")
	}
	if w.mail {
		purposes = append(purposes, "email")
	}
	w.line("")
	w.line("sources:")
	w.line("  files: {kind: server, purposes: [%s], channel: import, learnt: acquired}    # DECIDE: learnt: declared where people told you themselves, observed where you saw it", strings.Join(purposes, ", "))
	w.line("  web:   {kind: client, purposes: [personalise, measure], channel: web}")
	w.line("")
	w.line("receipts: {retain: 13mo}")
	w.line("ledger:   {retain: 6y}")
	w.line("")
	w.line("teams:                            # DECIDE: who may see what")
	w.line("  marketing: {sees: cohorts, purposes: [personalise, measure]}")
	w.line("  privacy:   {sees: person, purposes: [service], categories: [user]}")
}
