package identity

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/unicode/norm"
)

// letters are written out where taking marks off is not enough: ligatures, letters with strokes, and the Cyrillic and Greek
// alphabets as passports and libraries write them most often.
var letters = map[rune]string{
	'ß': "ss", 'æ': "ae", 'œ': "oe", 'ø': "o", 'ł': "l", 'đ': "d", 'ð': "d", 'þ': "th", 'ħ': "h", 'ı': "i", 'ŋ': "n",
	'а': "a", 'б': "b", 'в': "v", 'г': "g", 'д': "d", 'е': "e", 'ж': "zh", 'з': "z", 'и': "i", 'й': "i", 'к': "k", 'л': "l", 'м': "m",
	'н': "n", 'о': "o", 'п': "p", 'р': "r", 'с': "s", 'т': "t", 'у': "u", 'ф': "f", 'х': "kh", 'ц': "ts", 'ч': "ch", 'ш': "sh",
	'щ': "shch", 'ъ': "", 'ы': "y", 'ь': "", 'э': "e", 'ю': "yu", 'я': "ya", 'і': "i", 'є': "ye", 'ґ': "g", 'ў': "u", 'ј': "j",
	'љ': "lj", 'њ': "nj", 'ћ': "c", 'ђ': "dj", 'џ': "dz",
	'α': "a", 'β': "v", 'γ': "g", 'δ': "d", 'ε': "e", 'ζ': "z", 'η': "i", 'θ': "th", 'ι': "i", 'κ': "k", 'λ': "l", 'μ': "m", 'ν': "n",
	'ξ': "x", 'ο': "o", 'π': "p", 'ρ': "r", 'σ': "s", 'ς': "s", 'τ': "t", 'υ': "y", 'φ': "f", 'χ': "ch", 'ψ': "ps", 'ω': "o",
}

// fold makes text comparable: small letters, no marks, other alphabets in Latin letters, words of letters and digits with one
// space between. Apostrophes join (o'neill is oneill), all else separates. Bytes that are no UTF-8 are read as Windows-1252,
// which is what files of mixed origin hold most often.
func fold(s string) string {
	clean := true
	for i := 0; i < len(s) && clean; i++ {
		c := s[i]
		clean = c >= 'a' && c <= 'z' || c >= '0' && c <= '9' || c == ' ' && i > 0 && s[i-1] != ' ' && i < len(s)-1
	}
	if clean {
		return s
	}
	if !utf8.ValidString(s) {
		s = fromWindows(s)
	}
	var b strings.Builder
	b.Grow(len(s))
	space := false
	put := func(r rune) {
		if space && b.Len() > 0 {
			b.WriteByte(' ')
		}
		space = false
		b.WriteRune(r)
	}
	for _, r := range norm.NFKD.String(s) {
		switch r = unicode.ToLower(r); {
		case r >= 'a' && r <= 'z' || r >= '0' && r <= '9':
			put(r)
		case unicode.Is(unicode.Mn, r) || r == '\'' || r == '’' || r == '`' || r == '´' || r == 'ʼ':
		case letters[r] != "":
			for _, l := range letters[r] {
				put(l)
			}
		case r == 'ъ' || r == 'ь':
		case unicode.IsLetter(r) || unicode.IsDigit(r):
			put(r)
		default:
			space = true
		}
	}
	return b.String()
}

// fromWindows reads what is no UTF-8 as Windows-1252, and leaves what is.
func fromWindows(s string) string {
	var b strings.Builder
	for len(s) > 0 {
		r, n := utf8.DecodeRuneInString(s)
		if r == utf8.RuneError && n == 1 {
			r = charmap.Windows1252.DecodeByte(s[0])
		}
		b.WriteRune(r)
		s = s[n:]
	}
	return b.String()
}

// nothing are the words by which people say that they know nothing.
var nothing = map[string]bool{"na": true, "n a": true, "none": true, "null": true, "nil": true, "nan": true, "unknown": true, "not known": true, "unbekannt": true,
	"inconnu": true, "not available": true, "not applicable": true, "missing": true, "test": true, "asdf": true, "xxx": true, "xx": true, "tba": true, "tbc": true}

// said is folded text, empty where it says that nothing is known.
func said(s string) string {
	s = fold(s)
	if nothing[s] {
		return ""
	}
	return s
}

// digits are the digits of s, of any alphabet as far as Unicode folds them.
func digits(s string) string {
	only := true
	for i := 0; i < len(s) && only; i++ {
		only = s[i] >= '0' && s[i] <= '9'
	}
	if only {
		return s
	}
	return strings.Map(func(r rune) rune {
		if r >= '0' && r <= '9' {
			return r
		}
		return -1
	}, norm.NFKD.String(s))
}

// skeleton is a word by its sound, roughly: consonants that are written in several ways as one, no vowels after the first
// letter, no letter twice. Names that differ in a vowel, a double letter or a habit of spelling have one skeleton.
func skeleton(w string) string {
	var b [16]byte
	n := 0
	put := func(c byte) {
		if n < len(b) && (n == 0 || b[n-1] != c) {
			b[n] = c
			n++
		}
	}
	for i := 0; i < len(w); i++ {
		c, next := w[i], byte(0)
		if i+1 < len(w) {
			next = w[i+1]
		}
		switch c {
		case 'a', 'e', 'i', 'o', 'u', 'y':
			if i == 0 {
				put('a')
			}
		case 'h', 'w':
			if i == 0 {
				put(c)
			}
		case 'p':
			if next == 'h' {
				c = 'f'
			}
			put(c)
		case 'c':
			switch next {
			case 'h':
				put('c')
			case 'e', 'i', 'y':
				put('s')
			default:
				put('k')
			}
		case 'q', 'k', 'g':
			if c == 'g' && next == 'h' {
				continue
			}
			put(map[byte]byte{'q': 'k', 'k': 'k', 'g': 'g'}[c])
		case 'z', 's':
			put('s')
		case 'v', 'f':
			put('f')
		case 'd', 't':
			put('t')
		case 'm', 'n':
			put('n')
		case 'j':
			put('g')
		case 'x':
			put('k')
			put('s')
		default:
			put(c)
		}
	}
	return string(b[:n])
}
