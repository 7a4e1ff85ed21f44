package identity

import (
	"strings"
	"time"
	"unicode/utf8"
)

// order is in which order a column writes day and month where the year stands last.
type order int

const (
	dayFirst order = iota
	monthFirst
)

// date is what a text says of a day. Parts that are out of their range are kept as they were written: a typing mistake in
// one part leaves the others.
type date struct {
	year, month, day int
	text             string // yyyymmdd, as written
}

var months = func() map[string]int {
	m := map[string]int{}
	for i := time.January; i <= time.December; i++ {
		m[strings.ToLower(i.String())] = int(i)
		m[strings.ToLower(i.String()[:3])] = int(i)
	}
	m["sept"] = 9
	for _, language := range []string{
		"januar februar maerz april mai juni juli august september oktober november dezember",
		"jaenner februar marz april mai juni juli august september okt november dez",
		"janvier fevrier mars avril mai juin juillet aout septembre octobre novembre decembre",
		"janv fevr mars avr mai juin juil aout sept oct nov dec",
		"enero febrero marzo abril mayo junio julio agosto septiembre octubre noviembre diciembre",
		"ene feb mar abr may jun jul ago setiembre oct nov dic",
		"gennaio febbraio marzo aprile maggio giugno luglio agosto settembre ottobre novembre dicembre",
		"januari februari maart april mei juni juli augustus september oktober november december",
		"janeiro fevereiro marco abril maio junho julho agosto setembro outubro novembro dezembro",
	} {
		for i, name := range strings.Fields(language) {
			if m[name] == 0 {
				m[name] = i + 1
			}
		}
	}
	return m
}()

// between are words that stand between the parts of a date.
var between = map[string]bool{"t": true, "z": true, "st": true, "nd": true, "rd": true, "th": true, "de": true, "del": true, "den": true, "le": true, "of": true, "er": true}

// parseDate reads 1862-04-01, 18620401, 01/04/1862, 1.4.1862, 1 Apr 1862, April 1 1862, with or without a time after it, and
// a year alone. Months may be named in English, German, French, Spanish, Italian, Dutch and Portuguese. Nothing but zeros is no date. Two figures of a year are of the hundred years before 2030.
func parseDate(s string, o order) (date, bool) {
	for i := 0; i < len(s); i++ {
		if s[i] >= utf8.RuneSelf { // März, 1º de août
			s = fold(s)
			break
		}
	}
	var parts [4]int
	var widths [4]int
	n, named := 0, -1
	for i := 0; i < len(s) && n < 4; {
		c := s[i]
		switch {
		case c >= '0' && c <= '9':
			j := i
			v := 0
			for j < len(s) && s[j] >= '0' && s[j] <= '9' && j-i < 9 {
				v = v*10 + int(s[j]-'0')
				j++
			}
			if n == 3 { // the time of day
				n = 4
				break
			}
			parts[n], widths[n] = v, j-i
			n++
			i = j
		case c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z':
			j := i
			for j < len(s) && (s[j] >= 'a' && s[j] <= 'z' || s[j] >= 'A' && s[j] <= 'Z') {
				j++
			}
			w := strings.ToLower(s[i:j])
			if m := months[w]; m > 0 && named < 0 && n < 3 {
				named = n
				parts[n], widths[n] = m, 2
				n++
			} else if !between[w] {
				return date{}, false
			}
			i = j
		case c == '-' || c == '/' || c == '.' || c == ' ' || c == ',' || c == ':' || c == '+':
			i++
		default:
			return date{}, false
		}
	}
	var d date
	switch {
	case n == 1 && widths[0] == 8:
		d.year, d.month, d.day = parts[0]/10000, parts[0]/100%100, parts[0]%100
		if o := d.year / 100; (o < 16 || o > 20) && parts[0]%10000 >= 1600 && parts[0]%10000 < 2100 { // 01041862
			d.day, d.month, d.year = parts[0]/1000000, parts[0]/10000%100, parts[0]%10000
		}
	case n == 1 && widths[0] == 4:
		d.year = parts[0]
	case n >= 3 && (widths[0] == 4 || widths[0] == 3):
		d.year, d.month, d.day = parts[0], parts[1], parts[2]
	case n >= 3 && (widths[2] == 4 || widths[2] == 2):
		d.year = parts[2]
		if widths[2] == 2 {
			if d.year += 1900; d.year < 1930 {
				d.year += 100
			}
		}
		d.day, d.month = parts[0], parts[1]
		if named == 0 || named < 0 && o == monthFirst {
			d.day, d.month = d.month, d.day
		}
	default:
		return date{}, false
	}
	if d.year == 0 && d.month == 0 && d.day == 0 || d.year > 9999 || d.month > 99 || d.day > 99 {
		return date{}, false
	}
	var b [8]byte
	for i, v := 0, d.year*10000+d.month*100+d.day; i < 8; i++ {
		b[7-i] = byte('0' + v%10)
		v /= 10
	}
	d.text = string(b[:])
	return d, true
}

// orderOf says in which order a column writes day and month: as no value can be read otherwise, or day first.
func orderOf(values []string) order {
	day, month := 0, 0
	for i := 1; i < len(values); i += max(1, len(values)/5000) {
		d, ok := parseDate(values[i], dayFirst)
		switch {
		case !ok:
		case d.month > 12 && d.day <= 12 && d.day > 0:
			month++
		case d.day > 12 && d.month <= 12:
			day++
		}
	}
	if month > day {
		return monthFirst
	}
	return dayFirst
}
