package quality

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/rapporthq/rapport/person"
)

// name judges a name whose spaces are single. Names are as many as people: only what nearly nobody is called is doubted.
func (j *Judged) name(s Setting) {
	letters, upper, lower, figures, at := 0, 0, 0, false, false
	for _, r := range j.Value {
		switch {
		case unicode.IsUpper(r):
			upper++
			letters++
		case unicode.IsLower(r):
			lower++
			letters++
		case unicode.IsLetter(r):
			letters++
		case unicode.IsDigit(r):
			figures = true
		case r == '@':
			at = true
		}
	}
	switch {
	case noName(j.Value):
		j.Doubts |= person.Placeholder
		return
	case letters < 2 && !ideographs(j.Value), figures, at:
		j.Doubts |= person.Unlikely
		return
	}
	if s.Own || letters < 2 || upper+lower < letters || upper > 0 && lower > 0 {
		return
	}
	if mended := capitals(j.Value, upper > 0); mended != j.Value {
		j.Value = mended
		j.Doubts |= person.Mended
	}
}

// ideographs says whether one letter is a whole name, as in Chinese.
func ideographs(s string) bool {
	for _, r := range s {
		if unicode.In(r, unicode.Han, unicode.Hangul) {
			return true
		}
	}
	return false
}

// noName says whether each word of the name, titles aside, is one that is written where there is no name.
func noName(s string) bool {
	some := false
	for words := s; words != ""; {
		var w string
		w, words, _ = strings.Cut(words, " ")
		w = strings.Trim(w, ".,-_/?*#")
		if len(w) > longestPlaceholder {
			return false
		}
		var room [longestPlaceholder]byte
		low := lowered(room[:0], w)
		switch {
		case w == "" || titles[string(low)]:
			continue
		case !noNames[string(low)] && !keyboard(w) && !held(w):
			return false
		}
		some = true
	}
	return some || strings.Trim(s, " .,-_/?*#") == ""
}

// lowered is an ASCII text in small letters.
func lowered(dst []byte, s string) []byte {
	for i := 0; i < len(s); i++ {
		c := s[i]
		if c >= 'A' && c <= 'Z' {
			c |= 0x20
		}
		dst = append(dst, c)
	}
	return dst
}

// held is one letter three times or more.
func held(s string) bool {
	if len(s) < 3 {
		return false
	}
	for i := range len(s) {
		if s[i]|0x20 != s[0]|0x20 || s[0] >= utf8.RuneSelf {
			return false
		}
	}
	return true
}

var noNames = setOf(`test tests testing tester test1 test2 test123 asdf qwerty azerty na n/a nil null none unknown undefined anonymous anon guest user username
customer client kunde name firstname lastname first last surname prenom prénom nom vorname nachname nobody noname no someone dummy fake sample demo admin
foo bar foobar blah abc xxx xx x`)

var titles = setOf("mr mrs ms miss mx dr prof sir m mme mlle herr frau")

// small are words within names that begin small, but at the beginning.
var small = setOf("van von der den de du des la le da di do dos del della bin ibn al el y e zu zum af av ter ten")

// capitals writes a name that came in one case only with capitals where names have them. Which words are small, and where Mc stands,
// goes by the commonest; a person who writes it otherwise says so once and it stays.
func capitals(s string, upper bool) string {
	var b strings.Builder
	b.Grow(len(s))
	for words, first := s, true; words != ""; first = false {
		w, rest, more := strings.Cut(words, " ")
		if words = rest; !first {
			b.WriteByte(' ')
		}
		low := strings.ToLower(w)
		switch {
		case !first && more && small[low]:
			b.WriteString(low)
		case upper && keptUpper(w):
			b.WriteString(w)
		default:
			capital(&b, low)
		}
	}
	return b.String()
}

// keptUpper says whether a word in capitals stays so: a number of a dynasty, initials without a vowel.
func keptUpper(w string) bool {
	switch w {
	case "II", "III", "IV", "VI":
		return true
	}
	return len(w) == 2 && !strings.ContainsAny(w, "AEIOUYaeiouy") && w != "MR" && w != "MS" && w != "DR" && w != "JR" && w != "SR" && w != "ST" && w != "MC"
}

// capital writes one word, in small letters so far: a capital at the beginning, after a hyphen, after an apostrophe that follows one
// letter (O'Brien, not Anna's), and after Mc.
func capital(b *strings.Builder, low string) {
	up, since := true, 0
	for i, r := range low {
		if up && unicode.IsLetter(r) {
			b.WriteRune(unicode.ToTitle(r))
			up = false
		} else {
			b.WriteRune(r)
		}
		since++
		switch {
		case r == '-':
			up, since = true, 0
		case (r == '\'' || r == '’') && since == 2:
			up, since = true, 0
		case r == 'c' && since == 2 && strings.HasPrefix(low[i-1:], "mc") && len(low)-i > 3:
			up = true
		case r == '.':
			up, since = true, 0
		}
	}
}
