package consent

import "strings"

// French and English: the languages of the house's own sentences. Other languages read English.
func french(lang string) bool { return lang == "fr" || strings.HasPrefix(lang, "fr-") }

var becauseWords = map[string][2]string{
	BecauseUnknown:     {"We no longer have this purpose.", "Nous n'avons plus cette finalité."},
	BecauseYes:         {"You said yes.", "Vous avez dit oui."},
	BecauseNo:          {"You said no.", "Vous avez dit non."},
	BecauseObjected:    {"You objected.", "Vous vous y êtes opposé."},
	BecauseUnopposed:   {"We have a legitimate interest, and you have not objected.", "Nous y avons un intérêt légitime, et vous ne vous y êtes pas opposé."},
	BecauseUnanswered:  {"You have not said yes.", "Vous n'avez pas dit oui."},
	BecauseAged:        {"Your yes is too old to count: we have to ask again.", "Votre oui est trop ancien pour compter : nous devons redemander."},
	BecauseNotExplicit: {"You have not said yes to this by name.", "Vous n'avez pas dit oui à cela expressément."},
	BecauseClaimed:     {"A browser said yes, but not while you were signed in.", "Un navigateur a dit oui, mais sans que vous soyez connecté."},
	BecauseSignal:      {"Your browser's signal says no.", "Le signal de votre navigateur dit non."},
	"contract":         {"We need it to keep our contract with you.", "Nous en avons besoin pour tenir notre contrat avec vous."},
	"legal-obligation": {"The law obliges us.", "La loi nous y oblige."},
	"vital-interest":   {"It protects somebody's life.", "Cela protège la vie de quelqu'un."},
	"public-task":      {"It is a task in the public interest.", "C'est une mission d'intérêt public."},
}

// Say is the standing's Because in one sentence, in English or French.
func (s Standing) Say(lang string) string { return pick(becauseWords[s.Because], lang) }

var meaningWords = map[Meaning][2]string{
	Granted:     {"You said yes.", "Vous avez dit oui."},
	Renewed:     {"You said yes again.", "Vous avez redit oui."},
	Refused:     {"You said no.", "Vous avez dit non."},
	Withdrew:    {"You took back your leave.", "Vous avez retiré votre accord."},
	Repeated:    {"You said no again.", "Vous avez redit non."},
	NotExplicit: {"A yes that does not count here: this needs one said to it by name.", "Un oui qui ne compte pas ici : il en faut un donné expressément."},
	ClaimedYes:  {"A browser said yes: it counts for that device alone, while we do not know you.", "Un navigateur a dit oui : cela ne compte que pour cet appareil, tant que nous ne vous connaissons pas."},
	ClaimedNo:   {"A browser said no: it binds that device.", "Un navigateur a dit non : cela vaut pour cet appareil."},
	Signalled:   {"A browser's signal said no: it binds that device.", "Le signal d'un navigateur a dit non : cela vaut pour cet appareil."},
	NoEffect:    {"This changes nothing: it is not a matter of choice.", "Cela ne change rien : ce n'est pas une question de choix."},
}

// Say is the meaning in one sentence, in English or French.
func (m Meaning) Say(lang string) string { return pick(meaningWords[m], lang) }

func pick(w [2]string, lang string) string {
	if french(lang) {
		return w[1]
	}
	return w[0]
}
