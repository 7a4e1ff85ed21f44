package decide

import (
	"strconv"
	"strings"
	"time"

	"github.com/rapporthq/rapport/charter"
	"github.com/rapporthq/rapport/person"
)

// Words are made here, when a decision is read, in the language asked for; what is stored has none. The sentences of the
// charter (labels, terms, holds) are the charter's; these are the engine's own, in English and French.

// tongue is the engine's sentences in one language.
type tongue struct {
	months                                     [12]string
	bought, looked, did                        string // NAME; did: NAME, EVENT
	boughtOn, lookedOn, didOn                  string // with DATE
	boughtTimes, lookedTimes, didTimes         string // with TIMES and DATE
	popular, fact, factValue, catalogue, rest  string
	date, dateYear                             string
	movedSeen, movedElsewhere, movedUnwanted   string
	quiet, cap, already, nothing, fault, thing string
}

var tongues = map[string]*tongue{
	"en": {
		months:   [12]string{"January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November", "December"},
		bought:   "You bought NAME",
		boughtOn: "You bought NAME on DATE", boughtTimes: "You bought NAME TIMES times, last on DATE",
		looked:   "You looked at NAME",
		lookedOn: "You looked at NAME on DATE", lookedTimes: "You looked at NAME TIMES times, last on DATE",
		did:   "EVENT: NAME",
		didOn: "EVENT: NAME on DATE", didTimes: "EVENT: NAME, TIMES times, last on DATE",
		popular: "Popular this week", fact: "Your FACT", factValue: "Your FACT: VALUE",
		catalogue: "From our range, in its usual order", rest: "Several small reasons together",
		date: "D M", dateYear: "D M Y",
		movedSeen:      "What stood before it was shown to you lately",
		movedElsewhere: "What stood before it is shown elsewhere on this page",
		movedUnwanted:  "You said that what stood before it is not for you",
		quiet:          "We do not write at this hour.", cap: "You have heard enough from us for now.",
		already: "All that would suit was shown already.", nothing: "There is nothing more that we may offer here.",
		fault: "The recommendations are not to be had at this moment.", thing: "this",
	},
	"fr": {
		months:   [12]string{"janvier", "février", "mars", "avril", "mai", "juin", "juillet", "août", "septembre", "octobre", "novembre", "décembre"},
		bought:   "Vous avez acheté NAME",
		boughtOn: "Vous avez acheté NAME le DATE", boughtTimes: "Vous avez acheté NAME TIMES fois, la dernière le DATE",
		looked:   "Vous avez regardé NAME",
		lookedOn: "Vous avez regardé NAME le DATE", lookedTimes: "Vous avez regardé NAME TIMES fois, la dernière le DATE",
		did:   "EVENT : NAME",
		didOn: "EVENT : NAME, le DATE", didTimes: "EVENT : NAME, TIMES fois, la dernière le DATE",
		popular: "Très demandé cette semaine", fact: "Ce que vous nous avez dit : FACT", factValue: "FACT : VALUE",
		catalogue: "De notre assortiment, dans son ordre habituel", rest: "Plusieurs petites raisons ensemble",
		date: "D M", dateYear: "D M Y",
		movedSeen:      "Ce qui le précédait vous a été montré récemment",
		movedElsewhere: "Ce qui le précédait figure ailleurs sur cette page",
		movedUnwanted:  "Vous avez dit que ce qui le précédait n’est pas pour vous",
		quiet:          "Nous n’écrivons pas à cette heure.", cap: "Vous avez assez entendu parler de nous pour l’instant.",
		already: "Tout ce qui conviendrait a déjà été montré.", nothing: "Il n’y a plus rien que nous puissions proposer ici.",
		fault: "Les recommandations ne sont pas disponibles en ce moment.", thing: "ceci",
	},
}

// tongueOf picks the language asked for, else the brand's first that the engine speaks, else English.
func tongueOf(lang string, brand *charter.Brand) (*tongue, string) {
	try := []string{lang}
	if brand != nil {
		try = append(try, brand.Languages...)
	}
	for _, l := range try {
		base, _, _ := strings.Cut(strings.ToLower(l), "-")
		if t, ok := tongues[base]; ok {
			return t, base
		}
	}
	return tongues["en"], "en"
}

// day writes the day of an instant as the brand's clock has it; the year only when it is not near.
func (t *tongue) day(i, now person.Instant, place *time.Location) string {
	year, month, day := i.Time().In(place).Date()
	number := strconv.Itoa(day)
	if day == 1 && t == tongues["fr"] {
		number = "1er"
	}
	if away := now.Time().Sub(i.Time()); away > 300*24*time.Hour || away < -300*24*time.Hour {
		return fill(t.dateYear, "D", number, "M", t.months[month-1], "Y", strconv.Itoa(year))
	}
	return fill(t.date, "D", number, "M", t.months[month-1])
}

// fill puts the texts into the places of a sentence. What is put in is not searched for places again.
func fill(form string, pairs ...string) string {
	var room [256]byte
	b := room[:0]
next:
	for i := 0; i < len(form); {
		if c := form[i]; c < 'A' || c > 'Z' { // nothing to be filled in begins here
			b = append(b, c)
			i++
			continue
		}
		for p := 0; p+1 < len(pairs); p += 2 {
			if strings.HasPrefix(form[i:], pairs[p]) {
				b = append(b, pairs[p+1]...)
				i += len(pairs[p])
				continue next
			}
		}
		b = append(b, form[i])
		i++
	}
	return string(b)
}

// verb is what an event is called in a reason: buying, looking, or something of its own.
type verb uint8

const (
	didIt verb = iota
	boughtIt
	lookedAt
)

// verbOf reads the event's category in the charter.
func verbOf(c *charter.Charter, event string) verb {
	e := c.Events[event]
	switch {
	case e == nil:
		return didIt
	case strings.HasPrefix(e.Category, "user.behavior.purchase_history"):
		return boughtIt
	case strings.HasPrefix(e.Category, "user.behavior.browsing_history"):
		return lookedAt
	}
	for _, p := range e.Properties {
		if p.Type.Name == charter.TItems {
			return boughtIt
		}
	}
	return didIt
}

// taken is the sentence of a reason that comes from a thing taken.
func (t *tongue) taken(v verb, event, name string, times int, last, now person.Instant, place *time.Location) string {
	forms := [3][3]string{
		didIt:    {t.did, t.didOn, t.didTimes},
		boughtIt: {t.bought, t.boughtOn, t.boughtTimes},
		lookedAt: {t.looked, t.lookedOn, t.lookedTimes},
	}[v]
	form, date := forms[0], ""
	if last != 0 {
		date = t.day(last, now, place)
		form = forms[1]
		if times > 1 {
			form = forms[2]
		}
	}
	return fill(form, "NAME", name, "EVENT", event, "TIMES", strconv.Itoa(times), "DATE", date)
}
