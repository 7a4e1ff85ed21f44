package charter

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/rapporthq/rapport/person"
)

// Title is what people call the purpose, in lang.
func (p *Purpose) Title(lang string, b *Brand) string { return title(p.Label, p.Name, lang, b) }

// Title is what people call the datum, in lang.
func (d *Datum) Title(lang string, b *Brand) string { return title(d.Label, d.Name, lang, b) }

// Title is what people call the event, in lang.
func (e *Event) Title(lang string, b *Brand) string { return title(e.Label, e.Name, lang, b) }

// Title is what people call the placement, in lang.
func (p *Placement) Title(lang string, b *Brand) string { return title(p.Label, p.Name, lang, b) }

// Title is what people call the rule, in lang.
func (r *ProtectRule) Title(lang string, b *Brand) string { return title(r.Label, r.ID, lang, b) }

// Title is what people call what the items reveal, in lang.
func (r *SensitiveRule) Title(lang string, b *Brand) string { return title(r.Label, r.ID, lang, b) }

func title(label Text, name, lang string, b *Brand) string {
	if s := label.In(lang, b); s != "" {
		return s
	}
	return readable(name)
}

// readable makes a name of the file into words: income_band is Income band.
func readable(name string) string {
	s := strings.NewReplacer("_", " ", "-", " ").Replace(name)
	c, n := utf8.DecodeRuneInString(s)
	return string(unicode.ToUpper(c)) + s[n:]
}

// Words is the span in plain words, in English or French: "5 years", "18 mois". Other languages get English.
func (s Span) Words(lang string) string {
	w := speech(lang)
	var out []string
	for _, p := range []struct {
		n         int
		one, many string
	}{{s.Years, "year", "years"}, {s.Months, "month", "months"}, {s.Days, "day", "days"}, {s.Hours, "hour", "hours"}} {
		switch {
		case p.n == 1:
			out = append(out, "1 "+w[p.one])
		case p.n != 0:
			out = append(out, fmt.Sprintf("%d %s", p.n, w[p.many]))
		}
	}
	return strings.Join(out, " ")
}

// LevelWords is a relationship level in plain words, in English or French: "a regular". Other languages get English.
func LevelWords(l person.Level, lang string) string { return speech(lang)[l.String()] }

// LearntWords is how a fact was come by in plain words, in English or French. Other languages get English.
func LearntWords(l person.Learnt, lang string) string { return speech(lang)[l.String()] }

// ChannelWords is a channel in plain words, in English or French. Other languages get English.
func ChannelWords(channel, lang string) string {
	if s, ok := speech(lang)["at "+channel]; ok {
		return s
	}
	return readable(channel)
}

func speech(lang string) map[string]string {
	base, _, _ := strings.Cut(lang, "-")
	if w, ok := speeches[base]; ok {
		return w
	}
	return speeches["en"]
}

// speeches holds the words of the house around the words of the charter, for each language that the house speaks.
var speeches = map[string]map[string]string{
	"en": {
		"year": "year", "years": "years", "month": "month", "months": "months", "day": "day", "days": "days", "hour": "hour", "hours": "hours",
		"stranger": "a stranger", "acquaintance": "an acquaintance", "regular": "a regular", "confidant": "a confidant",
		"declared": "you told us", "observed": "we saw it in what you do with us", "inferred": "we worked it out", "acquired": "somebody else told us",
		"at web": "on our website", "at app": "in our app", "at email": "by e-mail", "at sms": "by text message", "at push": "by notification", "at post": "by post",
		"at phone": "by phone", "at call-centre": "when you call us", "at store": "in our shops", "at kiosk": "at our kiosks", "at social": "on social networks",
		"at advertising": "in advertising", "at partner": "at a partner's", "at import": "from files",

		"title":       "What %s may know about you, and what for",
		"intro":       "What is not on this page, we do not keep.",
		"controller":  "%s answers for your data. Write to %s.",
		"name":        "%s answers for your data.",
		"purposes":    "What we use data for",
		"benefit":     "What you get: %s",
		"consent":     "You decide: without your yes it does not happen, and you can take a yes back at any time.",
		"explicit":    "Only a yes to exactly this counts.",
		"legitimate":  "It happens unless you say no. You can say no at any time.",
		"contract":    "It is part of what you ordered from us, so it cannot be switched off.",
		"law":         "The law asks it of us, so it cannot be switched off.",
		"vital":       "It protects somebody's life, so it cannot be switched off.",
		"public":      "It is a task in the public interest, so it cannot be switched off.",
		"again":       "A choice stands for %s, then we ask again.",
		"signal":      "If your browser sends Global Privacy Control, we take it as a no.",
		"learns":      "Our recommendations learn from it, never from fewer than %d people together.",
		"with":        "With: %s.",
		"with none":   "With nothing about you yet.",
		"with items":  "With: purchases that could reveal something (%s).",
		"; ":          "; ",
		"data":        "What we may know about you",
		"events":      "What we keep of what you do",
		"used for":    "Used for: %s.",
		"kept":        "Kept for %s.",
		"from start":  "Used from the start.",
		"joins":       "Accounts of yours that have the same one are taken for one person's.",
		"from level":  "Used only once you are %s.",
		"for level":   "In all else it is used only once you are %s.",
		"only learnt": "We keep it only when %s.",
		"or":          " or ",
		"special":     "It is especially sensitive: we use it only after you have explicitly said yes.",
		"high":        "It is sensitive.",
		"protective":  "It only ever takes offers away that are not for you.",
		"trait":       "We work it out: %s, at least %d within %s. It is used only where all that it comes from may be.",
		"asked":       "We may ask: “%s”",
		"of it":       "We keep of it: %s.",
		"of it none":  "We keep only that it happened, and when.",
		"sensitive":   "What your purchases could reveal",
		"sensitive 1": "%s: such purchases are used for recommendations only if you said yes to “%s”.",
		"protect":     "What protects you",
		"protect 1":   "%s. It uses: %s.",
		"levels":      "How well we know each other",
		"levels 1":    "How personal we may be depends on it. You begin as a stranger.",
		"level is":    "You are %s after %s.",
		"contact":     "%d days on which we were in touch",
		"tenure":      "%s since the first time",
		"within":      "if the last time was no more than %s ago",
		"told":        "%d things that you chose to tell us",
		"at once":     "the first moment",
		"and":         " and ",
		"strain":      "We step back by one level: %s.",

		"complaint-open": "while a complaint of yours is open", "too-personal": "for %s after you said that something was too personal", "opt-out": "for %s after you said no to a purpose",

		"places": "Where it shows", "place": "%s (%s): for “%s”", "place individual": "personal once you are %s", "place never": "never personal",
		"per day": "at most %d a day", "per week": "at most %d a week", "per month": "at most %d a month", "quiet": "never from %s to %s", "not again": "the same thing not again for %s",
		"holdout": "%s of people see it without anything personal, so that we can tell whether it helps",
		"sources": "Where it comes from", "source": "%s (%s)", "source learnt": "; what it says about you counts as: %s",
		"identity": "When you are there twice", "identity 1": "So that you are one person to us, we compare what says who people are (%[2]s), for “%[1]s”. It is never compared once you have restricted all use.",
		"identity sure": "Records that are surely yours are joined; of those that may be, somebody of ours decides. It can be undone.", "identity nobody": "Somebody of ours decides about each. It can be undone.",
		"teams": "Who may look", "team cohorts": "%s sees groups of at least %d people, never you.", "team person": "%s may look at your record for: %s. Every look is recorded, and you can see it.",
		"receipts": "The account of each decision is kept for %s.", "ledger": "The record of who looked is kept for %s.", "account": "What we keep account of",
		"partners": "Partners", "partners never": "Partners get answers in totals, never your record, and may not pass them on.",
		"partners agreed": "Partners get answers in totals, never your record, and may pass them on only where an agreement says so.", "%": "%s%%",
	},
	"fr": {
		"year": "an", "years": "ans", "month": "mois", "months": "mois", "day": "jour", "days": "jours", "hour": "heure", "hours": "heures",
		"stranger": "une personne inconnue", "acquaintance": "une connaissance", "regular": "une personne habituée", "confidant": "une personne de confiance",
		"declared": "vous nous l’avez dit", "observed": "nous l’avons vu dans ce que vous faites chez nous", "inferred": "nous l’avons déduit", "acquired": "quelqu’un d’autre nous l’a dit",
		"at web": "sur notre site", "at app": "dans notre application", "at email": "par courriel", "at sms": "par SMS", "at push": "par notification", "at post": "par la poste",
		"at phone": "par téléphone", "at call-centre": "quand vous nous appelez", "at store": "dans nos magasins", "at kiosk": "à nos bornes", "at social": "sur les réseaux sociaux",
		"at advertising": "dans la publicité", "at partner": "chez un partenaire", "at import": "par des fichiers",

		"title":       "Ce que %s peut savoir de vous, et pour quoi faire",
		"intro":       "Ce qui n’est pas sur cette page, nous ne le gardons pas.",
		"controller":  "%s répond de vos données. Écrivez à %s.",
		"name":        "%s répond de vos données.",
		"purposes":    "À quoi servent les données",
		"benefit":     "Ce que vous y gagnez : %s",
		"consent":     "Vous décidez : sans votre oui, rien ne se fait, et vous pouvez reprendre un oui à tout moment.",
		"explicit":    "Seul compte un oui à exactement cela.",
		"legitimate":  "Cela se fait tant que vous ne dites pas non. Vous pouvez dire non à tout moment.",
		"contract":    "Cela fait partie de votre commande et ne peut pas être désactivé.",
		"law":         "La loi nous le demande ; cela ne peut pas être désactivé.",
		"vital":       "Cela protège la vie de quelqu’un ; cela ne peut pas être désactivé.",
		"public":      "C’est une mission d’intérêt public ; cela ne peut pas être désactivé.",
		"again":       "Un choix vaut %s, puis nous redemandons.",
		"signal":      "Si votre navigateur envoie Global Privacy Control, nous le prenons pour un non.",
		"learns":      "Nos recommandations en apprennent, jamais sur moins de %d personnes ensemble.",
		"with":        "Avec : %s.",
		"with none":   "Encore sans rien qui vous concerne.",
		"with items":  "Avec : des achats qui pourraient révéler quelque chose (%s).",
		"; ":          " ; ",
		"data":        "Ce que nous pouvons savoir de vous",
		"events":      "Ce que nous gardons de ce que vous faites",
		"used for":    "Sert à : %s.",
		"kept":        "Gardé %s.",
		"from start":  "Utilisé dès le début.",
		"joins":       "Vos comptes qui ont le même sont considérés comme ceux d’une seule personne.",
		"from level":  "Utilisé seulement quand vous êtes %s.",
		"for level":   "Pour tout le reste, utilisé seulement quand vous êtes %s.",
		"only learnt": "Nous ne le gardons que si %s.",
		"or":          " ou ",
		"special":     "C’est particulièrement sensible : nous ne l’utilisons qu’après votre oui explicite.",
		"high":        "C’est sensible.",
		"protective":  "Cela ne fait que retirer des offres qui ne sont pas pour vous.",
		"trait":       "Nous le déduisons : %s, au moins %d en %s. Cela ne sert que là où tout ce dont il vient peut servir.",
		"asked":       "Nous pouvons demander : « %s »",
		"of it":       "Nous en gardons : %s.",
		"of it none":  "Nous gardons seulement que c’est arrivé, et quand.",
		"sensitive":   "Ce que vos achats pourraient révéler",
		"sensitive 1": "%s : ces achats ne servent aux recommandations que si vous avez dit oui à « %s ».",
		"protect":     "Ce qui vous protège",
		"protect 1":   "%s. Cela utilise : %s.",
		"levels":      "À quel point nous nous connaissons",
		"levels 1":    "De là dépend à quel point nous pouvons être personnels. Au début, nous ne vous connaissons pas.",
		"level is":    "Vous êtes %s après %s.",
		"contact":     "%d jours de contact",
		"tenure":      "%s depuis la première fois",
		"within":      "si la dernière fois ne remonte pas à plus de %s",
		"told":        "%d choses que vous avez choisi de nous dire",
		"at once":     "le premier instant",
		"and":         " et ",
		"strain":      "Nous reculons d’un niveau : %s.",

		"complaint-open": "tant qu’une de vos réclamations est ouverte", "too-personal": "pendant %s après que vous avez trouvé quelque chose trop personnel", "opt-out": "pendant %s après un non à un usage",

		"places": "Où cela se voit", "place": "%s (%s) : pour « %s »", "place individual": "personnel quand vous êtes %s", "place never": "jamais personnel",
		"per day": "au plus %d par jour", "per week": "au plus %d par semaine", "per month": "au plus %d par mois", "quiet": "jamais de %s à %s", "not again": "pas deux fois la même chose en %s",
		"holdout": "%s des gens le voient sans rien de personnel, pour que nous sachions si cela aide",
		"sources": "D’où cela vient", "source": "%s (%s)", "source learnt": " ; ce qu’elle dit de vous compte comme : %s",
		"identity": "Quand vous y êtes deux fois", "identity 1": "Pour que vous soyez une seule personne pour nous, nous comparons ce qui dit qui sont les gens (%[2]s), pour « %[1]s ». Rien n’est comparé dès que vous avez restreint tout usage.",
		"identity sure": "Les dossiers qui sont sûrement les vôtres sont réunis ; de ceux qui le sont peut-être, quelqu’un de chez nous décide. Cela peut être défait.", "identity nobody": "Quelqu’un de chez nous décide de chacun. Cela peut être défait.",
		"teams": "Qui peut regarder", "team cohorts": "%s voit des groupes d’au moins %d personnes, jamais vous.", "team person": "%s peut regarder votre dossier pour : %s. Chaque regard est noté, et vous pouvez le voir.",
		"receipts": "Le compte de chaque décision est gardé %s.", "ledger": "La liste des regards est gardée %s.", "account": "Ce dont nous tenons le compte",
		"partners": "Partenaires", "partners never": "Les partenaires reçoivent des totaux, jamais votre dossier, et ne peuvent pas les transmettre.",
		"partners agreed": "Les partenaires reçoivent des totaux, jamais votre dossier, et ne peuvent les transmettre que si un accord le dit.", "%": "%s %%",
	},
}
