package quality

import (
	"strings"

	"github.com/rapporthq/rapport/person"
)

// email judges an address in the charter's canonical form: something, @, a domain in lower case.
func (j *Judged) email() {
	at := strings.LastIndexByte(j.Value, '@')
	if at < 1 {
		j.Doubts |= person.Impossible
		return
	}
	local, domain := j.Value[:at], j.Value[at+1:]
	if local[0] == '.' || local[at-1] == '.' || !isDomain(domain) || reserved(domain) {
		j.Doubts |= person.Impossible
	}
	first, _, _ := strings.Cut(domain, ".")
	if nobody(local) || keyboard(local) || strings.EqualFold(local, first) && (nobody(first) || keyboard(first) || len(first) < 3) {
		j.Doubts |= person.Placeholder
	}
	if isRole(local) {
		j.Doubts |= person.Role
	}
	if under(domain, disposables) {
		j.Doubts |= person.Disposable
	}
	if likely := likelier(domain); likely != "" {
		j.Doubts |= person.Misspelt
		j.Suggest = local + "@" + likely
	}
}

// isDomain says whether a text in lower case can be a domain with mail: labels of letters, digits and hyphens, the last of no digit alone.
// Letters beyond ASCII pass.
func isDomain(d string) bool {
	label, digits, dots := 0, true, 0
	for i := 0; i < len(d); i++ {
		switch c := d[i]; {
		case c == '.':
			if label == 0 || label > 63 || d[i-1] == '-' {
				return false
			}
			dots++
			label, digits = 0, true
			continue
		case c >= '0' && c <= '9':
		case c == '-':
			if label == 0 {
				return false
			}
		case c >= 'a' && c <= 'z' || c >= 0x80:
			digits = false
		default:
			return false
		}
		label++
	}
	return dots > 0 && label > 1 && label <= 63 && !digits && d[len(d)-1] != '-'
}

// reserved says whether the domain is one of those that exist for examples and tests (RFC 2606, RFC 6761) and that people type: no mail
// reaches it. Names under .example pass: nobody types them but whoever tries this program out.
func reserved(d string) bool {
	switch d[strings.LastIndexByte(d, '.')+1:] {
	case "test", "invalid", "localhost":
		return true
	}
	return under(d, examples)
}

var examples = setOf("example.com example.net example.org")

// under says whether the domain, or one above it, is in the set.
func under(d string, set map[string]bool) bool {
	for {
		if set[d] {
			return true
		}
		_, above, ok := strings.Cut(d, ".")
		if !ok {
			return false
		}
		d = above
	}
}

// nobody says whether the part before the @ is written where there is no address.
func nobody(local string) bool { return len(local) <= 16 && nobodies[strings.ToLower(local)] }

var nobodies = setOf(`test tests testing tester test1 test123 asdf asdfgh qwerty azerty none noemail no-email nomail noone nobody nil null na n/a unknown
anonymous fake dummy xxx xxxx xx x aaa aa abc abc123 example email mail e-mail name user username firstname lastname first.last sample foo bar
blah nope a b`)

// isRole says whether the part before the @ names an office and not a person (RFC 2142, and what is usual in English, French and German).
func isRole(local string) bool {
	base, _, _ := strings.Cut(local, "+")
	return len(base) <= 24 && roles[strings.ToLower(base)]
}

var roles = setOf(`info sales admin administrator support contact contacts office hello hi noreply no-reply donotreply do-not-reply webmaster postmaster
hostmaster abuse security billing accounts accounting accountspayable invoices finance hr jobs careers recruitment enquiries inquiries enquiry help
helpdesk team marketing media press service services customerservice customerservices customercare orders order shop store reception reservations
bookings booking mail mailbox newsletter news root sysadmin it legal privacy dpo feedback
kontakt buero büro verwaltung bewerbung rechnung bestellung
accueil commercial comptabilite comptabilité direction secretariat secrétariat service-client serviceclient facturation recrutement mairie`)

// disposables are makers of addresses to throw away: the best known. There are thousands more.
var disposables = setOf(`mailinator.com guerrillamail.com guerrillamail.net guerrillamail.org guerrillamail.biz guerrillamail.de guerrillamailblock.com
sharklasers.com grr.la spam4.me pokemail.net 10minutemail.com 10minutemail.net 20minutemail.com temp-mail.org temp-mail.io tempmail.com tempmail.net
tempmail.dev tempmailo.com tempr.email tempinbox.com tempail.com throwawaymail.com throwaway.email trashmail.com trashmail.net trashmail.de trash-mail.com
yopmail.com yopmail.fr yopmail.net cool.fr.nf jetable.org jetable.fr.nf nospam.ze.tm maildrop.cc mailnesia.com mailcatch.com mailnull.com mailexpire.com
mailmoat.com mailtemp.net mytemp.email mytrashmail.com mintemail.com moakt.com mohmal.com getnada.com nada.email getairmail.com dispostable.com
discard.email discardmail.com fakeinbox.com fakemail.net fakemailgenerator.com emailondeck.com emailfake.com emltmp.com burnermail.io inboxkitten.com
inboxbear.com incognitomail.com spamgourmet.com spambox.us spamex.com spamfree24.org anonbox.net deadaddress.com dropmail.me minuteinbox.com
wegwerfmail.de wegwerfemail.de byom.de einrot.com armyspy.com cuvox.de dayrep.com fleckens.hu gustr.com jourrapide.com rhyta.com superrito.com teleworm.us`)

// house is a house of many mailboxes: its name, and what may follow it. A name that nobody else has at one letter's distance is worth a guess.
type house struct{ name, ends string }

var houses = []house{
	{"gmail", "com"}, {"googlemail", "com"}, {"yahoo", ""}, {"hotmail", ""}, {"outlook", ""}, {"icloud", "com"}, {"protonmail", "com ch"},
	{"btinternet", "com"}, {"talktalk", "net"}, {"virginmedia", "com"}, {"ntlworld", "com"}, {"blueyonder", "co.uk"},
	{"wanadoo", "fr"}, {"laposte", "net"}, {"comcast", "net"}, {"bellsouth", "net"}, {"verizon", "net"}, {"sbcglobal", "net"}, {"t-online", "de"}, {"freenet", "de"},
}

// others are real domains that look like a slip of one of the houses.
var others = setOf("email ymail fmail hmail tmail umail zmail jmail kmail mail cloud")

// slips are ends that are a slip for com. Some are a country's too, but none of the houses is there.
var slips = setOf("con cmo ocm vom xom cim comm coom cm co om c0m coml come cpm dom net.com com.com ccom")

// likelier is the domain that was probably meant, empty when the domain is as likely as any.
func likelier(domain string) string {
	name, end, ok := strings.Cut(domain, ".")
	if !ok || len(name) < 4 || len(name) > 12 || others[name] {
		return ""
	}
	for i := range houses {
		h := &houses[i]
		exact := name == h.name
		if !exact && (len(h.name) < 5 || !near(name, h.name)) {
			continue
		}
		want := end
		switch {
		case h.ends == "": // in many countries
			if slips[end] {
				want = "com"
			} else if !exact && !manyEnds[end] {
				continue
			}
		case !hasWord(h.ends, end):
			if !exact && !slips[end] || exact && !slips[end] && h.name != "gmail" && h.name != "googlemail" {
				continue
			}
			want, _, _ = strings.Cut(h.ends, " ")
		}
		if exact && want == end {
			return ""
		}
		return h.name + "." + want
	}
	return ""
}

// manyEnds are the ends with which a house of many countries is meant.
var manyEnds = setOf("com co.uk fr de it es nl be ca com.au com.br co.in in ie at ch")

func hasWord(words, w string) bool {
	for words != "" {
		var first string
		if first, words, _ = strings.Cut(words, " "); first == w {
			return true
		}
	}
	return false
}

// near says whether the two differ by one slip: a letter left out, put in, changed, or two swapped. Bytes count, for domains are ASCII or nearly.
func near(a, b string) bool {
	if len(a) > len(b) {
		a, b = b, a
	}
	if len(b)-len(a) > 1 {
		return false
	}
	i := 0
	for i < len(a) && a[i] == b[i] {
		i++
	}
	if len(a) < len(b) {
		return a[i:] == b[i+1:]
	}
	if i == len(a) {
		return false // the same
	}
	return a[i+1:] == b[i+1:] || i+1 < len(a) && a[i] == b[i+1] && a[i+1] == b[i] && a[i+2:] == b[i+2:]
}

// keyboard says whether a text is a run along the keys or one key held: asdf, qwerty, aaaa. Four at least.
func keyboard(s string) bool {
	if len(s) < 4 || len(s) > 16 {
		return false
	}
	same, along := true, true
	row, place := -1, 0
	for i := 0; i < len(s); i++ {
		c := s[i] | 0x20
		if c < 'a' || c > 'z' {
			return false
		}
		same = same && c == s[0]|0x20
		r, p := keyOf(c)
		along = along && (i == 0 || r == row && p == place+1)
		row, place = r, p
	}
	return same || along
}

var keys = [...]string{"qwertyuiop", "asdfghjkl", "zxcvbnm"}

func keyOf(c byte) (row, place int) {
	for r, k := range keys {
		if p := strings.IndexByte(k, c); p >= 0 {
			return r, p
		}
	}
	return -1, 0
}
