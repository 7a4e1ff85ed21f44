package quality

import (
	"strings"

	"github.com/rapporthq/rapport/person"
)

// forms are how the postcodes of a country are written: A a letter, 9 a digit, a space or a hyphen itself. Spaces and hyphens are put where the form
// has them. The first that fits holds.
var forms = map[string][]string{
	"GB": {"A9 9AA", "A99 9AA", "AA9 9AA", "AA99 9AA", "A9A 9AA", "AA9A 9AA"},
	"FR": {"99999"}, "DE": {"99999"}, "ES": {"99999"}, "IT": {"99999"}, "FI": {"99999"}, "HR": {"99999"}, "EE": {"99999"}, "TR": {"99999"}, "MX": {"99999"},
	"US": {"99999", "99999-9999"},
	"CA": {"A9A 9A9"},
	"NL": {"9999 AA"},
	"IE": {"A99 AAAA", "A99 A999", "A99 9AAA", "A99 AA99", "A99 A9AA", "A99 AAA9", "A99 9999", "A99 99AA", "A99 9A9A", "A99 9AA9", "A99 A99A", "A99 AA9A", "A99 A9A9", "A99 99A9", "A99 999A", "A99 9A99", "D6W AAAA", "D6W A999"},
	"BE": {"9999"}, "AT": {"9999"}, "CH": {"9999"}, "DK": {"9999"}, "NO": {"9999"}, "AU": {"9999"}, "NZ": {"9999"}, "ZA": {"9999"}, "HU": {"9999"}, "LU": {"9999"}, "BG": {"9999"}, "SI": {"9999"},
	"SE": {"999 99"}, "CZ": {"999 99"}, "SK": {"999 99"}, "GR": {"999 99"},
	"PT": {"9999-999"}, "PL": {"99-999"}, "BR": {"99999-999"}, "JP": {"999-9999"},
	"IN": {"999999"}, "RO": {"999999"}, "SG": {"999999"}, "CN": {"999999"}, "RU": {"999999"},
}

// postcode judges a postcode in capitals with single spaces.
func (j *Judged) postcode(s Setting) {
	var room [12]byte
	bare := room[:0]
	for i := 0; i < len(j.Value) && len(bare) < len(room); i++ {
		if c := j.Value[i]; c != ' ' && c != '-' {
			bare = append(bare, c)
		}
	}
	if nothing(bare) {
		j.Doubts |= person.Placeholder
		return
	}
	country := s.Country
	if country == "" {
		country = s.Region
	}
	for _, form := range forms[country] {
		if !fits(bare, form) {
			continue
		}
		if !placed(j.Value, bare, form) {
			j.Value = place(bare, form)
		}
		if !exists(country, bare) {
			j.Doubts |= person.Impossible
		}
		return
	}
	switch {
	case forms[country] == nil: // nobody here knows how they are written there
	case s.Country != "":
		j.Doubts |= person.Misfit
	default:
		j.Doubts |= person.Ambiguous // they may live elsewhere
	}
}

// nothing says whether it is written where there is no postcode: one sign throughout, or 12345. 11111, 22222 and the like exist in places.
func nothing(bare []byte) bool {
	if len(bare) < 3 {
		return false
	}
	for _, c := range bare {
		if c != bare[0] {
			return false
		}
	}
	switch bare[0] {
	case '0', '9', 'X', 'A':
		return true
	}
	return false
}

func fits(bare []byte, form string) bool {
	k := 0
	for i := 0; i < len(form); i++ {
		f := form[i]
		if f == ' ' || f == '-' {
			continue
		}
		if k == len(bare) {
			return false
		}
		c := bare[k]
		if f == 'A' && (c < 'A' || c > 'Z') || f == '9' && (c < '0' || c > '9') || f != 'A' && f != '9' && c != f {
			return false
		}
		k++
	}
	return k == len(bare)
}

// placed says whether the text is written as the form has it.
func placed(text string, bare []byte, form string) bool {
	if len(text) != len(form) {
		return false
	}
	k := 0
	for i := 0; i < len(form); i++ {
		if f := form[i]; f == ' ' || f == '-' {
			if text[i] != f {
				return false
			}
		} else if text[i] != bare[k] {
			return false
		} else {
			k++
		}
	}
	return true
}

func place(bare []byte, form string) string {
	var b strings.Builder
	b.Grow(len(form))
	k := 0
	for i := 0; i < len(form); i++ {
		if f := form[i]; f == ' ' || f == '-' {
			b.WriteByte(f)
		} else {
			b.WriteByte(bare[k])
			k++
		}
	}
	return b.String()
}

// exists says whether the country has an area of that beginning, where this package knows its areas.
func exists(country string, bare []byte) bool {
	switch country {
	case "GB":
		return regionGB(string(bare)) != ""
	case "FR":
		return regionFR(string(bare)) != ""
	case "US":
		return regionUS(string(bare)) != ""
	}
	return true
}
