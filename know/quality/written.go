package quality

import (
	"strconv"
	"strings"
	"time"

	"github.com/rapporthq/rapport/charter"
	"github.com/rapporthq/rapport/person"
)

// Written reads a date or an amount as people and other programs write them, where it is not in the charter's form: 31/12/1980, 1.2.80, 31 Dec 1980,
// £12.50, 1.234,56 €. It gives the value in the canonical form of the datum's type; false when it is none. What can be read in two ways is read by what the
// setting says of the source; where that says nothing, it is unsettled.
func Written(t *charter.Type, text string, s Setting, born bool) (value string, doubts person.Doubts, ok bool) {
	text = strings.TrimSpace(text)
	if text == "" || len(text) > longestWritten {
		return "", 0, false
	}
	switch t.Name {
	case charter.TDate:
		value, doubts, ok = writtenDate(text, s, born)
	case charter.TMoney, charter.TNumber:
		value, doubts, ok = amount(text, t, s.Decimals)
	default:
		return "", 0, false
	}
	if !ok {
		return "", 0, false
	}
	value, err := t.CanonicalText(value)
	if err != nil {
		return "", 0, false
	}
	return value, doubts, true
}

const longestWritten = 40 // bytes

// months are their names in small letters, whole and short, in English, French and German.
var months = func() map[string]int {
	m := map[string]int{}
	for i, words := range [...]string{"january jan janvier janv januar jän", "february feb février fevrier févr fevr fév februar", "march mar mars märz mär", "april apr avril avr",
		"may mai", "june jun juin juni", "july jul juillet juil juli", "august aug août aout", "september sep sept septembre", "october oct octobre oktober okt",
		"november nov novembre", "december dec décembre decembre déc dezember dez"} {
		for w := range strings.FieldsSeq(words) {
			m[w] = i + 1
		}
	}
	return m
}()

func writtenDate(text string, s Setting, born bool) (string, person.Doubts, bool) {
	if len(text) == 8 && number(text) >= 0 {
		return day(number(text[:4]), number(text[4:6]), number(text[6:]), 0)
	}
	parts := strings.FieldsFunc(strings.ToLower(text), func(r rune) bool { return strings.ContainsRune("/.- ,", r) })
	if len(parts) != 3 || !between(text) {
		return "", 0, false
	}
	var n [3]int
	named := -1
	for i, p := range parts {
		if m := months[p]; m > 0 && named < 0 {
			n[i], named = m, i
		} else if n[i] = number(p); n[i] < 0 || len(p) > 4 || len(p) == 3 {
			return "", 0, false
		}
	}
	if len(parts[0]) == 4 && named != 0 { // 1980/12/31: nobody writes the day second
		return day(n[0], n[1], n[2], 0)
	}
	year, doubts, ok := writtenYear(parts[2], n[2], s, born)
	if !ok || named == 2 || len(parts[0]) > 2 && named != 0 || len(parts[1]) > 2 && named != 1 {
		return "", 0, false
	}
	first, second := n[0], n[1]
	monthFirst := s.Dates == charter.MonthFirst
	switch {
	case named >= 0:
		monthFirst = named == 0
	case first == second:
	case first > 12 || second > 12: // there is one reading
		if only := second > 12; s.Dates != "" && only != monthFirst {
			doubts |= person.Ambiguous // but not by the source's own rule
		}
		monthFirst = second > 12
	case s.Dates != "":
	case strings.Contains(text, "."): // with points the day is first wherever they are written
	default:
		monthFirst = s.Region == "US"
		doubts |= person.Unsettled
	}
	if monthFirst {
		first, second = second, first
	}
	return day(year, second, first, doubts)
}

// between says whether the three parts are parted as dates are: by one sign twice, and spaces and commas beside names.
func between(text string) bool {
	slashes, points, lines := strings.Count(text, "/"), strings.Count(text, "."), strings.Count(text, "-")
	switch {
	case slashes > 0:
		return slashes == 2 && points+lines == 0
	case lines > 0:
		return lines == 2 && points == 0
	}
	return points <= 3
}

// writtenYear reads a year of two or four figures. Of two figures it is the century in which somebody can have been born, or else the one that makes
// the day the nearest.
func writtenYear(text string, n int, s Setting, born bool) (int, person.Doubts, bool) {
	switch {
	case len(text) == 4:
		return n, 0, n > 0
	case len(text) != 2 || s.At == 0 || n < 0:
		return 0, 0, false
	}
	now := s.At.Time().Year()
	late := now - now%100 + n
	if late > now+20 || born && late > now {
		late -= 100
	}
	switch {
	case !born:
		return late, person.Ambiguous, true
	case now-(late-100) <= oldest: // a small child, or somebody very old
		return late, person.Unsettled, true
	}
	return late, 0, true
}

func day(year, month, day int, doubts person.Doubts) (string, person.Doubts, bool) {
	t := time.Date(year, time.Month(month), day, 0, 0, 0, 0, time.UTC)
	if year < 1000 || year > 9999 || t.Year() != year || int(t.Month()) != month || t.Day() != day {
		return "", 0, false
	}
	return t.Format(time.DateOnly), doubts, true
}

// number is a text of figures alone as a number, else -1.
func number(s string) int {
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return -1
		}
	}
	n, err := strconv.Atoi(s)
	if err != nil {
		return -1
	}
	return n
}

// signs are how currencies are written, the longest first where one begins another.
var signs = []struct{ sign, codes string }{
	{"£", "GBP FKP GIP SHP EGP LBP SSP SDG SYP"}, {"€", "EUR"}, {"US$", "USD"}, {"CA$", "CAD"}, {"C$", "CAD NIO"}, {"A$", "AUD"}, {"NZ$", "NZD"}, {"HK$", "HKD"}, {"S$", "SGD"}, {"R$", "BRL"},
	{"$", "USD CAD AUD NZD HKD SGD TWD MXN ARS CLP COP UYU DOP JMD BBD BSD BZD BMD TTD XCD FJD GYD KYD LRD NAD SBD SRD CUP"},
	{"¥", "JPY CNY"}, {"₹", "INR"}, {"₽", "RUB"}, {"₺", "TRY"}, {"₴", "UAH"}, {"₪", "ILS"}, {"₩", "KRW"}, {"₫", "VND"}, {"₱", "PHP"}, {"₦", "NGN"}, {"฿", "THB"}, {"₡", "CRC"},
	{"zł", "PLN"}, {"Kč", "CZK"}, {"kr.", "DKK NOK SEK ISK"}, {"kr", "SEK NOK DKK ISK"}, {"Ft", "HUF"}, {"lei", "RON MDL"}, {"лв.", "BGN"}, {"Fr.", "CHF"}, {"R", "ZAR"},
}

// amount reads a number with the marks that people put into it. Money may name its currency, before or after; another than the type's is refused.
func amount(text string, t *charter.Type, decimals charter.Decimals) (string, person.Doubts, bool) {
	minus := ""
	sign := func() {
		for _, m := range []string{"-", "−"} {
			if rest, ok := strings.CutPrefix(text, m); ok && minus == "" {
				text, minus = strings.TrimLeft(rest, spaces), "-"
			}
		}
	}
	sign()
	if t.Name == charter.TMoney {
		var ok bool
		if text, ok = withoutCurrency(text, t.Currency); !ok {
			return "", 0, false
		}
		sign()
	}
	text, doubts, ok := plainNumber(text, decimals)
	return minus + text, doubts, ok
}

const spaces = " \u00a0\u2009\u202f\t"

// withoutCurrency takes the currency's sign or code off; false when it is another's.
func withoutCurrency(text, currency string) (string, bool) {
	if n := len(text); n > 3 {
		for _, cut := range [][2]string{{text[:3], text[3:]}, {text[n-3:], text[:n-3]}} {
			if code := strings.ToUpper(cut[0]); charter.IsCurrency(code) {
				return strings.Trim(cut[1], spaces), code == currency
			}
		}
	}
	for _, s := range signs {
		rest, ok := strings.CutPrefix(text, s.sign)
		if !ok {
			rest, ok = strings.CutSuffix(text, s.sign)
		}
		if ok {
			return strings.Trim(rest, spaces), strings.Contains(s.codes, currency) && currency != ""
		}
	}
	return text, true
}

// plainNumber writes a number with a point before its fraction and nothing between its thousands.
func plainNumber(text string, decimals charter.Decimals) (string, person.Doubts, bool) {
	for _, between := range []string{" ", "\u00a0", "\u2009", "\u202f", "'", "’"} { // between thousands only
		if strings.Contains(text, between) {
			whole, mark, rest := text, "", ""
			if i := strings.IndexAny(text, ".,"); i >= 0 {
				whole, mark, rest = text[:i], text[i:i+1], text[i+1:]
			}
			if !thousands(strings.Split(whole, between)) || number(rest) < 0 && rest != "" || mark != "" && rest == "" {
				return "", 0, false
			}
			text = strings.ReplaceAll(whole, between, "")
			if mark != "" {
				text += "." + rest
			}
			return text, 0, true
		}
	}
	points, commas := strings.Count(text, "."), strings.Count(text, ",")
	point := strings.LastIndexByte(text, '.')
	comma := strings.LastIndexByte(text, ',')
	switch {
	case points+commas == 0:
		return text, 0, number(text) >= 0
	case points > 0 && commas > 0: // the last begins the fraction
		mark, other := ",", "."
		if point > comma {
			mark, other = ".", ","
		}
		whole, rest, _ := strings.Cut(text, mark)
		if strings.Count(text, mark) > 1 || !thousands(strings.Split(whole, other)) || number(rest) < 0 || rest == "" {
			return "", 0, false
		}
		return strings.ReplaceAll(whole, other, "") + "." + rest, against(mark, decimals), true
	case points+commas > 1:
		mark := ","
		if points > 0 {
			mark = "."
		}
		if !thousands(strings.Split(text, mark)) {
			return "", 0, false
		}
		return strings.ReplaceAll(text, mark, ""), 0, true
	}
	mark := ","
	if points > 0 {
		mark = "."
	}
	whole, rest, _ := strings.Cut(text, mark)
	if number(whole) < 0 || number(rest) < 0 || whole == "" || rest == "" {
		return "", 0, false
	}
	couldBe := len(rest) == 3 && len(whole) <= 3 && whole[0] != '0' // thousands
	switch {
	case !couldBe:
		return whole + "." + rest, against(mark, decimals), true
	case decimals == "":
		return whole + rest, person.Unsettled, true
	case string(decimals) == word(mark):
		return whole + "." + rest, 0, true
	}
	return whole + rest, 0, true
}

func word(mark string) string {
	if mark == "," {
		return string(charter.Comma)
	}
	return string(charter.Point)
}

// against doubts a number whose one reading is not by the source's own rule.
func against(mark string, decimals charter.Decimals) person.Doubts {
	if decimals != "" && string(decimals) != word(mark) {
		return person.Ambiguous
	}
	return 0
}

// thousands says whether these are the groups of one number: up to three figures, then three each.
func thousands(groups []string) bool {
	for i, g := range groups {
		if number(g) < 0 || g == "" || len(g) > 3 || i > 0 && len(g) != 3 {
			return false
		}
	}
	return true
}
