package quality

import (
	"strings"

	"github.com/rapporthq/rapport/charter"
)

// Augmenter infers one thing about a person from a value that is known of them. What it says is kept as inferred, with its confidence as
// quality, beside the name of what it was inferred from: it is held whenever that is held, and below the charter's floor it is not used.
type Augmenter interface {
	// Infer gives what follows from the value, as text of the type of the fact that it is for, and how often that is right, in [0,1].
	// A confidence of 0, or a text that is none of the type's, is no answer. It keeps nothing of what it was asked.
	Infer(value string, s Setting) (text string, confidence float64)
}

// AugmenterFunc is a function as an Augmenter.
type AugmenterFunc func(value string, s Setting) (text string, confidence float64)

// Infer calls the function.
func (f AugmenterFunc) Infer(value string, s Setting) (text string, confidence float64) {
	return f(value, s)
}

// Augmenters are those that every home has, by the names in charter.Inferences. A brand adds its own to a copy of the map, by names that begin
// with "own.", and gives it to the gate.
func Augmenters() map[string]Augmenter {
	return map[string]Augmenter{
		charter.RegionOfPostcode:  AugmenterFunc(regionOfPostcode),
		charter.DeviceOfUserAgent: AugmenterFunc(deviceOfUserAgent),
		charter.KindOfMailDomain:  AugmenterFunc(kindOfMailDomain),
		charter.GenderOfName:      AugmenterFunc(genderOfName),
	}
}

// deviceOfUserAgent infers phone, tablet, computer or television from what a browser says of itself. Programs that read pages are none.
func deviceOfUserAgent(agent string, _ Setting) (string, float64) {
	has := func(words ...string) bool {
		for _, w := range words {
			if strings.Contains(agent, w) {
				return true
			}
		}
		return false
	}
	switch {
	case has("bot", "Bot", "crawl", "spider", "Headless", "curl/", "python-"):
		return "", 0
	case has("SmartTV", "SMART-TV", "AppleTV", "GoogleTV", "BRAVIA", "Web0S", "CrKey"):
		return "television", 0.95
	case has("iPad", "Tablet", "Kindle", "Silk/"), has("Android") && !has("Mobile"):
		return "tablet", 0.9
	case has("iPhone", "iPod", "Mobile", "Mobi/", "Windows Phone"):
		return "phone", 0.97
	case has("Macintosh"):
		return "computer", 0.85 // tablets of the same maker say so too
	case has("Windows NT", "X11", "CrOS"):
		return "computer", 0.95
	}
	return "", 0
}

// kindOfMailDomain infers what an address says of its owner: personal, organisation, school, government or disposable.
func kindOfMailDomain(address string, _ Setting) (string, float64) {
	at := strings.LastIndexByte(address, '@')
	if at < 1 {
		return "", 0
	}
	d := strings.ToLower(address[at+1:])
	switch {
	case !isDomain(d), reserved(d), likelier(d) != "":
		return "", 0
	case under(d, disposables):
		return "disposable", 0.99
	case under(d, personal), isHouse(d):
		return "personal", 0.97
	case strings.HasSuffix(d, ".edu"), strings.Contains(d, ".ac."), strings.Contains(d, ".edu."), strings.Contains(d, ".sch."):
		return "school", 0.95
	case strings.HasSuffix(d, ".gov"), strings.Contains(d, ".gov."), strings.HasSuffix(d, ".gouv.fr"), strings.HasSuffix(d, ".mil"):
		return "government", 0.95
	}
	return "organisation", 0.7 // or somebody's own domain, or a house of mailboxes that is not in the lists
}

func isHouse(d string) bool {
	name, end, _ := strings.Cut(d, ".")
	for i := range houses {
		if h := &houses[i]; h.name == name && (h.ends == "" && manyEnds[end] || hasWord(h.ends, end)) {
			return true
		}
	}
	return false
}

// personal are houses of mailboxes beside those in houses.
var personal = setOf(`live.com live.co.uk live.fr live.nl live.de msn.com me.com mac.com aol.com aol.co.uk aim.com ymail.com rocketmail.com mail.com email.com
gmx.com gmx.net gmx.de gmx.fr gmx.at gmx.ch web.de proton.me pm.me tutanota.com tuta.io fastmail.com fastmail.fm hey.com zoho.com yandex.com yandex.ru mail.ru
orange.fr free.fr sfr.fr neuf.fr bbox.fr numericable.fr club-internet.fr aliceadsl.fr sky.com virgin.net tiscali.co.uk btopenworld.com o2.co.uk
libero.it virgilio.it tiscali.it alice.it terra.es telefonica.net ziggo.nl kpnmail.nl planet.nl telenet.be skynet.be bluewin.ch att.net cox.net charter.net
earthlink.net juno.com shaw.ca rogers.com sympatico.ca bigpond.com optusnet.com.au qq.com 163.com 126.com naver.com rediffmail.com uol.com.br bol.com.br`)
