package charter

import (
	"errors"
	"math"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// What is wrong with a value. The sentences never hold the value: they go to logs and to the source's owner.
var (
	errText     = errors.New("text is expected here")
	errEmpty    = errors.New("the value is empty: leave it out instead")
	errLong     = errors.New("the text is longer than the charter allows")
	errChars    = errors.New("the text holds characters that are not allowed: invalid UTF-8, NUL or control characters")
	errNumber   = errors.New("a number is expected here")
	errHuge     = errors.New("the number is too large to be kept exactly")
	errInteger  = errors.New("a whole number is expected here")
	errBoolean  = errors.New("true or false is expected here")
	errDate     = errors.New("a date such as 2006-01-02 is expected here")
	errTime     = errors.New("a time such as 2006-01-02T15:04:05Z is expected here")
	errEmail    = errors.New("an e-mail address is expected here")
	errPhone    = errors.New("a phone number is expected here, in digits, best with + and the country code")
	errPostcode = errors.New("a postcode is expected here: letters, digits, spaces and hyphens")
	errCountry  = errors.New("a country code of two letters is expected here")
	errMoney    = errors.New("money is expected here: a number, or an amount and a currency")
	errCurrency = errors.New("the money is not in the brand's currency")
	errItem     = errors.New("an item's id is expected here: text of up to 100 characters")
	errEnum     = errors.New("the value is none of the words that the charter lists")
	errBand     = errors.New("the value is in none of the charter's bands")
	errList     = errors.New("a list is expected here")
	errListLong = errors.New("the list is longer than the charter allows")
	errType     = errors.New("the charter gives this no type that can be kept")
	errItems    = errors.New("a list of items is expected here, each with a product_id")
	errQuantity = errors.New("an item's quantity must be a number of at most 1,000,000,000")
	errPrice    = errors.New("an item's price must be a number in the brand's currency")
)

// The longest texts and lists when the charter says nothing else.
const (
	maxString = 200
	maxText   = 5000
	maxItemID = 100
	maxList   = 50
	maxItems  = 500
	maxNumber = 1e15 // beyond it a decimal with cents is not exact in 64 bits
	maxExact  = 1 << 53
)

// Canonical checks a decoded JSON value (string, float64, bool, []any, map[string]any) against the type and gives
// the canonical text that person.Fact.Value keeps. The error is one sentence that never holds the value.
// A number that comes as text is refused; for text of CSV files see CanonicalText.
func (t Type) Canonical(v any) (string, error) {
	switch t.Name {
	case TNumber, TMoney:
		f, err := t.amount(v)
		if err != nil {
			return "", err
		}
		return numberText(f), nil
	case TInteger:
		f, err := integer(v)
		if err != nil {
			return "", err
		}
		return strconv.FormatInt(int64(f), 10), nil
	case TBoolean:
		b, ok := v.(bool)
		if !ok {
			return "", errBoolean
		}
		return strconv.FormatBool(b), nil
	case TBand:
		if f, ok := v.(float64); ok {
			return t.band(f)
		}
	case TList:
		return t.listText(v)
	case TItems:
		lines, err := t.Lines(v)
		if err != nil {
			return "", err
		}
		return linesText(lines), nil
	}
	s, ok := v.(string)
	if !ok {
		return "", t.want()
	}
	return t.ofString(s)
}

// CanonicalText is Canonical for text from a file without types, such as CSV: numbers, booleans and lists
// (as JSON, or with ; between the elements) are read from the text, and spaces around it do not count.
func (t Type) CanonicalText(s string) (string, error) {
	s = strings.TrimSpace(s)
	if s == "" {
		return "", errEmpty
	}
	switch t.Name {
	case TNumber, TInteger:
		f, err := readNumber(s)
		if err != nil {
			return "", err
		}
		return t.Canonical(f)
	case TMoney:
		if rest, ok := strings.CutSuffix(s, t.Currency); ok && t.Currency != "" {
			s = strings.TrimSpace(rest)
		}
		f, err := readNumber(s)
		if err != nil {
			return "", errMoney
		}
		return t.Canonical(f)
	case TBoolean:
		switch strings.ToLower(s) {
		case "true", "yes", "1":
			return "true", nil
		case "false", "no", "0":
			return "false", nil
		}
		return "", errBoolean
	case TBand:
		if f, err := readNumber(s); err == nil {
			return t.band(f)
		}
	case TEnum:
		for _, w := range t.Enum {
			if strings.EqualFold(w, s) {
				return w, nil
			}
		}
		return "", errEnum
	case TList, TItems:
		v, err := t.readList(s)
		if err != nil {
			return "", err
		}
		return t.Canonical(v)
	}
	return t.ofString(s)
}

// Value checks a decoded JSON value as Canonical does and gives it in the form that person.Event.Properties keeps:
// float64 for numbers and money, bool for booleans, []any for lists, canonical text for the rest.
func (t Type) Value(v any) (any, error) {
	switch t.Name {
	case TNumber, TMoney:
		f, err := t.amount(v)
		if err != nil {
			return nil, err
		}
		return f, nil
	case TInteger:
		f, err := integer(v)
		if err != nil {
			return nil, err
		}
		return f, nil
	case TBoolean:
		if b, ok := v.(bool); ok {
			return b, nil
		}
		return nil, errBoolean
	case TList:
		in, err := t.elements(v)
		if err != nil {
			return nil, err
		}
		out := make([]any, len(in))
		for i, e := range in {
			if out[i], err = t.Of.Value(e); err != nil {
				return nil, err
			}
		}
		return out, nil
	}
	s, err := t.Canonical(v)
	if err != nil {
		return nil, err
	}
	return s, nil
}

// ValueText is Value for text from a file without types, such as CSV.
func (t Type) ValueText(s string) (any, error) {
	s, err := t.CanonicalText(s)
	if err != nil {
		return nil, err
	}
	return t.Read(s)
}

// Read is the value of canonical text, in the form of Value. The error says that the text is not canonical.
func (t Type) Read(s string) (any, error) {
	switch t.Name {
	case TNumber, TMoney, TInteger:
		return readNumber(s)
	case TBoolean:
		if s != "true" && s != "false" {
			return nil, errBoolean
		}
		return s == "true", nil
	case TList:
		v, err := t.readList(s)
		if err != nil {
			return nil, err
		}
		return t.Value(v)
	}
	return s, nil
}

// Columns lists the words of an enum or the labels of a band: the columns of the item-item model. Nil for other types.
func (t Type) Columns() []string {
	switch {
	case t.Name == TEnum:
		return t.Enum
	case t.Name == TBand && len(t.Labels) == len(t.Band):
		return t.Labels
	case t.Name == TBand:
		return bandLabels(t.Band)
	}
	return nil
}

func bandLabels(bounds []float64) []string {
	labels := make([]string, len(bounds))
	for i, b := range bounds {
		if i+1 < len(bounds) {
			labels[i] = numberText(b) + "-" + numberText(bounds[i+1])
		} else {
			labels[i] = numberText(b) + "+"
		}
	}
	return labels
}

// band is the label of the band that holds f: from its bound to below the next.
func (t Type) band(f float64) (string, error) {
	if math.IsNaN(f) || math.IsInf(f, 0) || len(t.Band) == 0 || f < t.Band[0] {
		return "", errBand
	}
	i := len(t.Band) - 1
	for f < t.Band[i] {
		i--
	}
	return t.Columns()[i], nil
}

func (t Type) want() error {
	switch t.Name {
	case TDate:
		return errDate
	case TTime:
		return errTime
	case TEmail:
		return errEmail
	case TPhone:
		return errPhone
	case TPostcode:
		return errPostcode
	case TCountry:
		return errCountry
	case TItem:
		return errItem
	case TEnum:
		return errEnum
	case TBand:
		return errBand
	case TString, TText, TName:
		return errText
	}
	return errType
}

func (t Type) ofString(s string) (string, error) {
	switch t.Name {
	case TEnum:
		if has(t.Enum, s) {
			return s, nil
		}
		return "", errEnum
	case TBand:
		if has(t.Columns(), s) {
			return s, nil
		}
		return "", errBand
	case TDate:
		return dateText(s)
	case TTime:
		return timeText(s)
	case TItem:
		return checked(s, maxItemID, false)
	case TString:
		return checked(s, t.most(maxString), false)
	case TText:
		return checked(s, t.most(maxText), true)
	case TName:
		return nameText(s, t.most(maxString))
	case TEmail:
		return emailText(s)
	case TPhone:
		return phoneText(s)
	case TPostcode:
		return postcodeText(s)
	case TCountry:
		return countryText(s)
	}
	return "", errType
}

func (t Type) most(otherwise int) int {
	if t.Max > 0 {
		return t.Max
	}
	return otherwise
}

// checked gives s when it may be kept, and nothing when it may not.
func checked(s string, most int, breaks bool) (string, error) {
	if err := checkText(s, most, breaks); err != nil {
		return "", err
	}
	return s, nil
}

// checkText refuses what no text may be. Plain ASCII, which is nearly all of it, is checked in one pass.
func checkText(s string, most int, breaks bool) error {
	if s == "" {
		return errEmpty
	}
	ascii := true
	for i := 0; i < len(s); i++ {
		c := s[i]
		if c >= utf8.RuneSelf {
			ascii = false
		} else if (c < ' ' && !(breaks && (c == '\n' || c == '\t' || c == '\r'))) || c == 0x7f {
			return errChars
		}
	}
	n := len(s)
	if !ascii {
		n = 0
		for i, c := range s {
			if c == utf8.RuneError {
				if _, size := utf8.DecodeRuneInString(s[i:]); size == 1 {
					return errChars
				}
			}
			if c >= 0x80 && c < 0xa0 { // control characters of the second set
				return errChars
			}
			n++
		}
	}
	if n > most {
		return errLong
	}
	return nil
}

func numberText(f float64) string {
	if f == 0 {
		return "0" // not "-0"
	}
	return strconv.FormatFloat(f, 'f', -1, 64)
}

func checkNumber(f float64) (float64, error) {
	if math.IsNaN(f) {
		return 0, errNumber
	}
	if f > maxNumber || f < -maxNumber {
		return 0, errHuge
	}
	if f != 0 && f < 1e-15 && f > -1e-15 {
		return 0, nil // smaller than anything a brand can mean, and too long to write out
	}
	return f, nil
}

// amount reads a number, or money in the brand's currency.
func (t Type) amount(v any) (float64, error) {
	switch v := v.(type) {
	case float64:
		return checkNumber(v)
	case map[string]any:
		if t.Name != TMoney {
			return 0, errNumber
		}
		f, isNumber := v["amount"].(float64)
		c, isText := v["currency"].(string)
		if !isNumber || !isText || len(v) != 2 {
			return 0, errMoney
		}
		if c != t.Currency || c == "" {
			return 0, errCurrency
		}
		return checkNumber(f)
	}
	if t.Name == TMoney {
		return 0, errMoney
	}
	return 0, errNumber
}

func integer(v any) (float64, error) {
	f, ok := v.(float64)
	if !ok || f != math.Trunc(f) || math.IsInf(f, 0) {
		return 0, errInteger
	}
	if f > maxExact || f < -maxExact {
		return 0, errHuge
	}
	return f + 0, nil
}

// readNumber reads a plain decimal: no hexadecimal, no underscores, no NaN.
func readNumber(s string) (float64, error) {
	if s == "" || len(s) > 40 {
		return 0, errNumber
	}
	for i := 0; i < len(s); i++ {
		c := s[i]
		if (c < '0' || c > '9') && c != '.' && c != '-' && c != '+' && c != 'e' && c != 'E' {
			return 0, errNumber
		}
	}
	f, err := strconv.ParseFloat(s, 64)
	if err != nil {
		return 0, errNumber
	}
	return checkNumber(f)
}

// believable bounds the years of dates: outside them a date is a slip of the hand.
func believable(t time.Time) bool { return t.Year() >= 1800 && t.Year() <= 2200 }

func dateText(s string) (string, error) {
	if len(s) > len(time.DateOnly) {
		// A time says its day too; the day is taken as written, not moved to another zone.
		t, err := time.Parse(time.RFC3339Nano, s)
		if err != nil || !believable(t) {
			return "", errDate
		}
		return s[:len(time.DateOnly)], nil
	}
	t, err := time.Parse(time.DateOnly, s)
	if err != nil || !believable(t) {
		return "", errDate
	}
	return s, nil
}

func timeText(s string) (string, error) {
	if len(s) > 40 {
		return "", errTime
	}
	t, err := time.Parse(time.RFC3339Nano, s)
	if err != nil || !believable(t.UTC()) {
		return "", errTime
	}
	return t.UTC().Truncate(time.Microsecond).Format(time.RFC3339Nano), nil
}

func nameText(s string, most int) (string, error) {
	s = strings.Join(strings.Fields(s), " ")
	return checked(s, most, false)
}

// emailText lower-cases the domain and keeps the rest as written: only the receiver's server knows what it means.
func emailText(s string) (string, error) {
	s = strings.TrimSpace(s)
	i := strings.LastIndexByte(s, '@')
	if i < 1 || i > 64 || len(s) > 254 || checkText(s, 254, false) != nil {
		return "", errEmail
	}
	local, domain := s[:i], strings.ToLower(s[i+1:])
	dot := strings.LastIndexByte(domain, '.')
	if dot < 1 || dot == len(domain)-1 || domain[0] == '.' || domain[0] == '-' || strings.Contains(domain, "..") ||
		strings.ContainsAny(s, " <>()[],;:\\\"") || strings.Contains(local, "@") || strings.Contains(local, "..") {
		return "", errEmail
	}
	return local + "@" + domain, nil
}

// phoneText keeps the digits and a leading plus. Making national numbers international needs the region and is the
// work of those who match people.
func phoneText(s string) (string, error) {
	var b [24]byte
	n, digits := 0, 0
	for i, c := range strings.TrimSpace(s) {
		switch {
		case c >= '0' && c <= '9':
			digits++
		case c == '+' && i == 0:
		case c == ' ' || c == '-' || c == '.' || c == '(' || c == ')' || c == '/' || c == '\u00a0':
			continue
		default:
			return "", errPhone
		}
		if n == len(b) {
			return "", errPhone
		}
		b[n] = byte(c)
		n++
	}
	if digits < 5 || digits > 18 {
		return "", errPhone
	}
	return string(b[:n]), nil
}

func postcodeText(s string) (string, error) {
	s = strings.ToUpper(strings.Join(strings.Fields(s), " "))
	if len(s) < 2 || len(s) > 12 {
		return "", errPostcode
	}
	for i := 0; i < len(s); i++ {
		if c := s[i]; (c < '0' || c > '9') && (c < 'A' || c > 'Z') && c != ' ' && c != '-' {
			return "", errPostcode
		}
	}
	return s, nil
}

func countryText(s string) (string, error) {
	if len(s) != 2 {
		return "", errCountry
	}
	a, b := s[0]&^0x20, s[1]&^0x20
	if a < 'A' || a > 'Z' || b < 'A' || b > 'Z' {
		return "", errCountry
	}
	return string([]byte{a, b}), nil
}
