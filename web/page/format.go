package page

import (
	"fmt"
	"math"
	"strings"
	"time"

	"golang.org/x/text/language"
	"golang.org/x/text/message"
	xnumber "golang.org/x/text/number"
)

// months and the words between the parts of a date. The library for numbers knows no dates.
var months = map[string][12]string{
	"en": {"January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November", "December"},
	"fr": {"janvier", "février", "mars", "avril", "mai", "juin", "juillet", "août", "septembre", "octobre", "novembre", "décembre"},
}

// printers write numbers as each language does.
var printers = map[string]*message.Printer{"en": message.NewPrinter(language.BritishEnglish), "fr": message.NewPrinter(language.French)}

func printer(lang string) *message.Printer {
	if p := printers[lang]; p != nil {
		return p
	}
	return printers["en"]
}

// moment understands what pages call a time: a time.Time, anything that can tell one, or text as APIs write it. The zone is
// the one that it carries. What is no time, or the zero one, is not ok.
func moment(v any) (t time.Time, ok bool) {
	switch m := v.(type) {
	case time.Time:
		t = m
	case interface{ Time() time.Time }:
		t = m.Time()
	case string:
		var err error
		if t, err = time.Parse(time.RFC3339Nano, m); err != nil {
			return t, false
		}
	default:
		return t, false
	}
	return t, !t.IsZero() && t.Unix() != 0
}

// Day writes a day: 12 March 2026, 1er mars 2026. What is no time is "".
func Day(lang string, v any) string {
	t, ok := moment(v)
	if !ok {
		return ""
	}
	names, known := months[lang]
	if !known {
		names = months["en"]
	}
	day := fmt.Sprint(t.Day())
	if lang == "fr" && t.Day() == 1 {
		day = "1er"
	}
	return fmt.Sprintf("%s %s %d", day, names[t.Month()-1], t.Year())
}

// ShortDay writes a day without its year, for the scale of a chart: 12 March, 12 mars. What is no time is "".
func ShortDay(lang string, v any) string {
	day := Day(lang, v)
	if i := strings.LastIndexByte(day, ' '); i > 0 {
		return day[:i]
	}
	return day
}

// When writes a day with its time: 12 March 2026, 14:05 or 12 mars 2026 à 14:05. What is no time is "".
func When(lang string, v any) string {
	t, ok := moment(v)
	if !ok {
		return ""
	}
	between := ", "
	if lang == "fr" {
		between = " à "
	}
	return Day(lang, v) + between + t.Format("15:04")
}

func number(lang string, v any) string { return printer(lang).Sprint(xnumber.Decimal(v)) }

// Decimal writes a number with that many digits after the point.
func Decimal(lang string, v float64, digits int) string {
	return printer(lang).Sprint(xnumber.Decimal(v, xnumber.Scale(digits)))
}

// Signed writes a number with its sign, a real minus where it is one: what adds to a score and what takes from it.
func Signed(lang string, v float64, digits int) string {
	text := Decimal(lang, math.Abs(v), digits)
	if v < 0 {
		return "−" + text
	}
	return "+" + text
}

// signs of currencies; another one is written by its code.
var signs = map[string]string{"GBP": "£", "EUR": "€", "USD": "$"}

// Money writes an amount: £12.50 or 12,50 £. Sums are for reading, not for counting with.
func Money(lang string, v float64, currency string) string {
	sign, short := signs[currency]
	if !short {
		sign = currency
	}
	minus := ""
	if v < 0 {
		minus = "−"
	}
	amount := Decimal(lang, math.Abs(v), 2)
	switch {
	case lang == "fr":
		return minus + amount + "\u00a0" + sign
	case short:
		return minus + sign + amount
	}
	return minus + sign + "\u00a0" + amount
}

// Percent writes a share of one as whole hundredths: 12% or 12 %.
func Percent(lang string, v float64) string {
	space := ""
	if lang == "fr" {
		space = "\u00a0"
	}
	return strings.ReplaceAll(Decimal(lang, v*100, 0), "-", "−") + space + "%"
}
