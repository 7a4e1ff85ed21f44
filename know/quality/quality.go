// Package quality puts values into their standard form and says how sure each is, with the reasons.
//
// It promises that the same value beside the same setting is judged the same, that a value in standard form stays as it is, and that
// what it changes is only the form: a phone number becomes + and digits, a postcode has its space, a name in capitals becomes a name.
// It never puts another value in the place of one that it doubts: a likelier one is suggested to whoever can know. It refuses nothing:
// what is doubted is kept and held back by tact, and the person can see it and put it right.
//
// It does not know whether an address has an owner. Its lists (domains, offices, areas) are short and in this package.
package quality

import (
	"strings"

	"github.com/rapporthq/rapport/charter"
	"github.com/rapporthq/rapport/person"
)

// Setting is what a value is judged beside.
type Setting struct {
	Region  string         // the brand's region, two capitals: what a number or postcode without a country is read by. Empty: unknown
	Country string         // what the same message says of the person's country; empty: nothing
	At      person.Instant // when it came
	Own     bool           // the person wrote it in their own signed session: its form is theirs

	Dates    charter.DateOrder // how the source writes days; empty: it is not said. See Written
	Decimals charter.Decimals  // how it writes numbers; empty: it is not said
}

// Judged is a value as it is kept.
type Judged struct {
	Value   string        // in standard form, canonical for its type
	Doubts  person.Doubts // why the quality is less than 1
	Suggest string        // a likelier value, when it looks misspelt
}

// Quality is how sure the value is, in [0,1].
func (j Judged) Quality() float64 { return j.Doubts.Quality() }

// Judge judges a value of a datum in the canonical form of its type. A value that is not canonical is judged as text.
func Judge(d *charter.Datum, value string, s Setting) Judged {
	j := Judged{Value: value}
	switch d.Type.Name {
	case charter.TEmail:
		j.email()
	case charter.TPhone:
		j.phone(s)
	case charter.TName:
		j.name(s)
	case charter.TDate:
		j.date(s, Born(d))
	case charter.TPostcode:
		j.postcode(s)
	case charter.TCountry:
		j.country()
	case charter.TString, charter.TText:
		if len(value) <= longestPlaceholder && placeholders[strings.ToLower(strings.TrimSpace(value))] {
			j.Doubts |= person.Placeholder
		}
	case charter.TNumber, charter.TInteger, charter.TMoney:
		j.number()
	}
	return j
}

// Born says whether a datum is a date of birth.
func Born(d *charter.Datum) bool { return d.Category == birth }

// birth is the category of dates of birth in the vocabulary of charters.
const birth = "user.demographic.date_of_birth"

// placeholders are texts, in lower case, that stand for a value that nobody gave. "none" and "no" are answers, and not among them.
var placeholders = setOf(`test testing tester asdf asdfgh asdfasdf qwerty qwertz azerty xxx xxxx xxxxx n/a n.a. na nil null undefined
unknown unspecified tbc tbd todo dummy fake sample lorem . .. ... - -- --- ? ?? ??? x xx abc abcd foo bar foobar blah nan #n/a`)

const longestPlaceholder = 16 // bytes

func setOf(words string) map[string]bool {
	set := map[string]bool{}
	for _, w := range strings.Fields(words) {
		set[w] = true
	}
	return set
}

// number doubts what people and programs write where there is no number: six nines or more.
func (j *Judged) number() {
	digits := strings.TrimPrefix(j.Value, "-")
	whole, _, _ := strings.Cut(digits, ".")
	if len(whole) >= 6 && strings.Trim(whole, "9") == "" {
		j.Doubts |= person.Placeholder
	}
}

// country doubts codes that no country has, and writes the usual other codes as the standard has them.
func (j *Judged) country() {
	switch j.Value {
	case "UK":
		j.Value = "GB"
	case "EL":
		j.Value = "GR"
	}
	if !isCountry(j.Value) {
		j.Doubts |= person.Impossible
	}
}

// isCountry says whether ISO 3166-1 gives the code to a country. XK (Kosovo) is in wide use and let pass.
func isCountry(code string) bool {
	if len(code) != 2 {
		return false
	}
	for i := 0; i+2 < len(countries); i += 3 {
		if countries[i:i+2] == code {
			return true
		}
	}
	return false
}

// The codes of ISO 3166-1 alpha-2 that are assigned, and XK.
const countries = "AD AE AF AG AI AL AM AO AQ AR AS AT AU AW AX AZ BA BB BD BE BF BG BH BI BJ BL BM BN BO BQ BR BS BT BV BW BY BZ CA CC CD CF CG CH CI " +
	"CK CL CM CN CO CR CU CV CW CX CY CZ DE DJ DK DM DO DZ EC EE EG EH ER ES ET FI FJ FK FM FO FR GA GB GD GE GF GG GH GI GL GM GN GP GQ GR GS GT GU " +
	"GW GY HK HM HN HR HT HU ID IE IL IM IN IO IQ IR IS IT JE JM JO JP KE KG KH KI KM KN KP KR KW KY KZ LA LB LC LI LK LR LS LT LU LV LY MA MC MD ME " +
	"MF MG MH MK ML MM MN MO MP MQ MR MS MT MU MV MW MX MY MZ NA NC NE NF NG NI NL NO NP NR NU NZ OM PA PE PF PG PH PK PL PM PN PR PS PT PW PY QA RE " +
	"RO RS RU RW SA SB SC SD SE SG SH SI SJ SK SL SM SN SO SR SS ST SV SX SY SZ TC TD TF TG TH TJ TK TL TM TN TO TR TT TV TW TZ UA UG UM US UY UZ VA " +
	"VC VE VG VI VN VU WF WS XK YE YT ZA ZM ZW "
