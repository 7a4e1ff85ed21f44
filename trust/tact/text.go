package tact

import (
	"strings"

	"github.com/rapporthq/rapport/charter"
	"github.com/rapporthq/rapport/person"
	"github.com/rapporthq/rapport/trust/consent"
	"github.com/rapporthq/rapport/trust/relationship"
)

// Text is a hold in one plain sentence, in the charter's words, in French or else English: "We use your birthday once you are a regular."
// It says names and rules, never a value, and a name that the charter does not know only as something.
func Text(c *charter.Charter, h Hold, lang string) string {
	if c == nil {
		c = &charter.Charter{}
	}
	w := sentence{c: c, lang: lang, french: lang == "fr" || strings.HasPrefix(lang, "fr-")}
	what := w.what(h)
	switch h.Reason {
	case Restricted:
		return w.say("You asked us to use nothing about you, so we leave ", what, " alone.",
			"Vous nous avez demandé de ne rien utiliser de vous : nous n'utilisons pas ", what, ".")
	case NotChartered:
		return w.say("Our charter does not let us use ", what, ".", "Notre charte ne nous permet pas d'utiliser ", what, ".")
	case Purpose:
		return w.say("We did not ask for ", what, " for this"+w.aim(h.Purpose)+".", "Nous n'avons pas demandé ", what, " pour cela"+w.aim(h.Purpose)+".")
	case Permission:
		return w.permission(what, h)
	case Expired:
		if h.Protective {
			return w.say("We have had ", what, " for too long to rely on it, so we leave out everything that it could speak against.",
				"Nous avons ", what, " depuis trop longtemps pour nous y fier : nous écartons tout ce à quoi cela pourrait s'opposer.")
		}
		return w.say("We have had ", what, " for longer than we said we would keep it.", "Nous avons ", what, " depuis plus longtemps que la durée annoncée.")
	case Doubtful:
		if h.Protective {
			return w.say("We are not sure enough of ", what, ", so we leave out everything that it could speak against.",
				"Nous ne sommes pas assez sûrs de ", what, " : nous écartons tout ce à quoi cela pourrait s'opposer.")
		}
		return w.say("We are not sure enough of ", what, " to use it.", "Nous ne sommes pas assez sûrs de ", what, " pour l'utiliser.")
	case Sensitive:
		return w.say("We use ", what, " only if you say yes to it by name.", "Nous n'utilisons ", what, " que si vous dites oui expressément.")
	case TooSoon:
		level := relationship.Word(w.level(h), lang)
		return w.say("We use ", what, " once you are "+level+".", "Nous utilisons ", what, " quand vous êtes "+level+".")
	case Surprising:
		return w.say("You have not told us ", what, " yourself, and its use here would surprise you.",
			"Vous ne nous avez pas dit vous-même ", what, ", et son usage ici vous surprendrait.")
	case NoBenefit:
		return w.say("We cannot say what you would have from our using ", what, ", so we do not.",
			"Nous ne pouvons pas dire ce que l'usage de ", what, " vous apporterait : nous ne l'utilisons pas.")
	}
	return w.say("We do not use ", what, ".", "Nous n'utilisons pas ", what, ".")
}

type sentence struct {
	c      *charter.Charter
	lang   string
	french bool
}

// say puts the subject between the words of the language.
func (w sentence) say(before, what, after, avant, quoi, apres string) string {
	if w.french {
		return avant + quoi + apres
	}
	return before + what + after
}

func (w sentence) permission(what string, h Hold) string {
	if h.Because == "" {
		return w.say("The source of ", what, " may not be used for this"+w.aim(h.Purpose)+".",
			"La source de ", what, " ne peut pas servir à cela"+w.aim(h.Purpose)+".")
	}
	why := consent.Standing{Because: h.Because}.Say(w.lang)
	return w.say("We do not use ", what, " for this"+w.aim(h.Purpose)+". "+why,
		"Nous n'utilisons pas ", what, " pour cela"+w.aim(h.Purpose)+". "+why)
}

// what is the subject: "your birthday", "your history of orders" by the label of the charter.
func (w sentence) what(h Hold) string {
	if h.Event {
		e := w.c.Events[h.Name]
		if e == nil {
			return w.pick("something you did", "quelque chose que vous avez fait")
		}
		label := e.Label.In(w.lang, &w.c.Brand)
		if label == "" {
			label = h.Name
		}
		return w.pick("your history of “"+label+"”", "votre historique « "+label+" »")
	}
	d := w.c.Data[h.Name]
	if d == nil {
		return w.pick("something we once kept", "une donnée que nous avons gardée")
	}
	if label := d.Label.In(w.lang, &w.c.Brand); label != "" {
		return w.pick("your "+lowered(label), "« "+label+" »")
	}
	name := strings.ReplaceAll(h.Name, "_", " ")
	return w.pick("your "+name, "« "+name+" »")
}

// aim is what the purpose is for, in the charter's words.
func (w sentence) aim(purpose string) string {
	p := w.c.Purposes[purpose]
	if p == nil {
		return ""
	}
	label := p.Label.In(w.lang, &w.c.Brand)
	if label == "" {
		label = strings.TrimRight(p.Why.In(w.lang, &w.c.Brand), ".!? ")
	}
	if label == "" {
		return ""
	}
	return w.pick(" (“"+label+"”)", " (« "+label+" »)")
}

func (w sentence) pick(en, fr string) string {
	if w.french {
		return fr
	}
	return en
}

// lowered begins a label small, as it stands inside a sentence, unless it is an abbreviation.
func lowered(s string) string {
	if len(s) > 1 && s[0] >= 'A' && s[0] <= 'Z' && s[1] >= 'a' && s[1] <= 'z' {
		return string(s[0]+'a'-'A') + s[1:]
	}
	return s
}

// level is the one from which the charter welcomes the use of what was held: a trait's, or that of the event it is derived from.
func (w sentence) level(h Hold) person.Level {
	if h.Event {
		return w.eventLevel(h.Name)
	}
	d := w.c.Data[h.Name]
	switch {
	case d == nil:
		return person.Confidant
	case d.Rule != nil:
		return max(d.Level, w.eventLevel(d.Rule.Count))
	}
	return d.Level
}

func (w sentence) eventLevel(name string) person.Level {
	if e := w.c.Events[name]; e != nil {
		return e.Level
	}
	return person.Confidant
}
