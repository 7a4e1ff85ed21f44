package draft

import (
	"net/netip"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// Shape is what a value looks like. It is all that is kept of a value that was only observed.
type Shape string

// The shapes of values.
const (
	Integer Shape = "integer"
	Whole   Shape = "whole" // an integer that came as 12.0
	Number  Shape = "number"
	Boolean Shape = "boolean"
	Date    Shape = "date"
	Time    Shape = "time"
	Email   Shape = "email"
	Phone   Shape = "phone" // with + and digits
	Address Shape = "address"
	Card    Shape = "card"    // 13 to 19 digits with a right check digit
	Account Shape = "account" // an IBAN
	Code    Shape = "code"    // two capital letters
	Words   Shape = "words"
	Long    Shape = "long" // more than 200 bytes
	List    Shape = "list"
	Items   Shape = "items" // a list of objects with a product_id
	Object  Shape = "object"
)

var layouts = []string{time.RFC3339Nano, "2006-01-02T15:04:05.999999999", "2006-01-02 15:04:05.999999999Z07:00", "2006-01-02 15:04:05.999999999", "2006-01-02 15:04"}

// ShapeOf says what a text looks like.
func ShapeOf(text string) Shape {
	text = strings.TrimSpace(text)
	switch {
	case len(text) > 200:
		return Long
	case !utf8.ValidString(text) || text == "":
		return Words
	}
	switch strings.ToLower(text) {
	case "true", "false", "yes", "no":
		return Boolean
	}
	if strings.Trim(text, "0123456789") == "" {
		if len(text) >= 13 && len(text) <= 19 && luhn(text) {
			return Card
		}
		return Integer
	}
	if _, err := strconv.ParseFloat(text, 64); err == nil && strings.Trim(text, "0123456789.+-eE") == "" {
		if rest, ok := strings.CutSuffix(text, ".0"); ok && strings.Trim(rest, "0123456789") == "" {
			return Whole
		}
		if rest, ok := strings.CutPrefix(text, "-"); ok && strings.Trim(rest, "0123456789") == "" {
			return Integer
		}
		if strings.HasPrefix(text, "+") {
			return Phone
		}
		return Number
	}
	if _, err := time.Parse(time.DateOnly, text); err == nil {
		return Date
	}
	if _, ok := readTime(text); ok {
		return Time
	}
	if at := strings.IndexByte(text, '@'); at > 0 && strings.Contains(text[at:], ".") && !strings.ContainsAny(text, " \t,;") {
		return Email
	}
	if bare := strings.NewReplacer(" ", "", "-", "", "(", "", ")", "", "/", "").Replace(text); len(bare) >= 8 && len(bare) <= 17 && (bare[0] == '+' || bare[0] == '0') && strings.Trim(bare[1:], "0123456789") == "" {
		return Phone
	} else if strings.Trim(bare, "0123456789") == "" && len(bare) >= 13 && len(bare) <= 19 && luhn(bare) {
		return Card
	}
	if _, err := netip.ParseAddr(text); err == nil {
		return Address
	}
	if iban(strings.ReplaceAll(text, " ", "")) {
		return Account
	}
	if len(text) == 2 && text == strings.ToUpper(text) && strings.Trim(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZ") == "" {
		return Code
	}
	return Words
}

func readTime(text string) (time.Time, bool) {
	if len(text) < 10 || len(text) > 40 || text[0] < '0' || text[0] > '9' {
		return time.Time{}, false
	}
	if t, err := time.Parse(time.DateOnly, text); err == nil {
		return t, true
	}
	for _, l := range layouts {
		if t, err := time.Parse(l, text); err == nil {
			return t, true
		}
	}
	return time.Time{}, false
}

func luhn(digits string) bool {
	sum := 0
	for i := range digits {
		d := int(digits[len(digits)-1-i] - '0')
		if i%2 == 1 {
			if d *= 2; d > 9 {
				d -= 9
			}
		}
		sum += d
	}
	return sum%10 == 0
}

// iban checks country, length and check digits of a bank account's number.
func iban(s string) bool {
	if len(s) < 15 || len(s) > 34 {
		return false
	}
	rest := 0
	for i := range s {
		c := s[(i+4)%len(s)]
		switch {
		case c >= '0' && c <= '9':
			rest = (rest*10 + int(c-'0')) % 97
		case c >= 'A' && c <= 'Z':
			rest = (rest*100 + int(c-'A') + 10) % 97
		default:
			return false
		}
	}
	return rest == 1 && s[0] >= 'A' && s[1] >= 'A' && s[2] <= '9' && s[3] <= '9'
}
