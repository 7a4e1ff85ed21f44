package collect

import (
	"errors"
	"hash/maphash"
	"strconv"
	"unicode/utf16"
	"unicode/utf8"
)

// errSyntax says that a body is not JSON at all: its messages cannot be told apart, so nothing of it is kept.
var errSyntax = errors.New("the body is not JSON")

// defect is what is wrong with a message that is JSON but not sound. The bounds of such a message are known, so only
// it is refused.
type defect uint8

const (
	sound defect = iota
	holdsNUL
	notUTF8
	namedTwice
	tooDeep
	hugeNumber
	wrongShape // a field of the envelope has the wrong type
	missing    // no id, no event name, no type
	tooLarge
	noTime // in a file
)

var defectWords = [...]string{
	sound:      "",
	holdsNUL:   "a text holds a NUL character",
	notUTF8:    "a text is not valid UTF-8",
	namedTwice: "an object has the same name twice",
	tooDeep:    "it is nested more than 32 deep",
	hugeNumber: "a number is too large",
	wrongShape: "a field has the wrong type",
	missing:    "it lacks a type, an event name, or both userId and anonymousId",
	tooLarge:   "it is larger than 32 KB",
	noTime:     badAt,
}

const maxDepth = 32

var hashSeed = maphash.MakeSeed()

// scanner walks over JSON text once, checks it strictly and copies nothing. It is reused.
type scanner struct {
	data    []byte
	pos     int
	defect  defect   // the first that was found since somebody cleared it
	names   []uint64 // hashes of the names of the objects that are open
	scratch []byte
}

func (s *scanner) flaw(d defect) {
	if s.defect == sound {
		s.defect = d
	}
}

func (s *scanner) space() {
	for s.pos < len(s.data) {
		switch s.data[s.pos] {
		case ' ', '\t', '\n', '\r':
			s.pos++
		default:
			return
		}
	}
}

// peek is the first byte of what comes next, 0 at the end.
func (s *scanner) peek() byte {
	s.space()
	if s.pos < len(s.data) {
		return s.data[s.pos]
	}
	return 0
}

// text is a string as it stands between its quotes.
type text struct {
	raw     []byte
	escaped bool
}

// str reads a string; pos is at its quote.
func (s *scanner) str() (text, error) {
	data, i := s.data, s.pos+1
	start := i
	ascii, escaped := true, false
	for {
		if i >= len(data) {
			return text{}, errSyntax
		}
		c := data[i]
		switch {
		case c == '"':
			raw := data[start:i]
			if !ascii && !utf8.Valid(raw) {
				s.flaw(notUTF8)
			}
			s.pos = i + 1
			return text{raw, escaped}, nil
		case c == '\\':
			escaped = true
			n, err := s.escape(data, i)
			if err != nil {
				return text{}, err
			}
			i += n
		case c == 0:
			s.flaw(holdsNUL)
			i++
		case c < ' ':
			return text{}, errSyntax
		case c >= utf8.RuneSelf:
			ascii = false
			i++
		default:
			i++
		}
	}
}

// escape checks the escape at i and gives its length.
func (s *scanner) escape(data []byte, i int) (int, error) {
	if i+1 >= len(data) {
		return 0, errSyntax
	}
	switch data[i+1] {
	case '"', '\\', '/', 'b', 'f', 'n', 'r', 't':
		return 2, nil
	case 'u':
	default:
		return 0, errSyntax
	}
	r, ok := hex4(data, i+2)
	if !ok {
		return 0, errSyntax
	}
	switch {
	case r == 0:
		s.flaw(holdsNUL)
	case utf16.IsSurrogate(r):
		low, ok := rune(0), false
		if i+7 < len(data) && data[i+6] == '\\' && data[i+7] == 'u' {
			low, ok = hex4(data, i+8)
		}
		if !ok || utf16.DecodeRune(r, low) == utf8.RuneError {
			s.flaw(notUTF8)
			return 6, nil
		}
		return 12, nil
	}
	return 6, nil
}

func hex4(data []byte, i int) (rune, bool) {
	if i+4 > len(data) {
		return 0, false
	}
	var r rune
	for _, c := range data[i : i+4] {
		switch {
		case c >= '0' && c <= '9':
			r = r<<4 | rune(c-'0')
		case c >= 'a' && c <= 'f':
			r = r<<4 | rune(c-'a'+10)
		case c >= 'A' && c <= 'F':
			r = r<<4 | rune(c-'A'+10)
		default:
			return 0, false
		}
	}
	return r, true
}

// bytes is the text without escapes; what it gives is valid until the next call.
func (s *scanner) bytes(t text) []byte {
	if !t.escaped {
		return t.raw
	}
	s.scratch = unescape(s.scratch[:0], t.raw)
	return s.scratch
}

// unescape appends raw without its escapes; raw was checked by str.
func unescape(dst, raw []byte) []byte {
	for i := 0; i < len(raw); {
		c := raw[i]
		if c != '\\' {
			dst = append(dst, c)
			i++
			continue
		}
		switch raw[i+1] {
		case 'b':
			dst = append(dst, '\b')
		case 'f':
			dst = append(dst, '\f')
		case 'n':
			dst = append(dst, '\n')
		case 'r':
			dst = append(dst, '\r')
		case 't':
			dst = append(dst, '\t')
		case 'u':
			r, _ := hex4(raw, i+2)
			if utf16.IsSurrogate(r) && i+7 < len(raw) && raw[i+6] == '\\' && raw[i+7] == 'u' {
				low, ok := hex4(raw, i+8)
				if both := utf16.DecodeRune(r, low); ok && both != utf8.RuneError {
					dst = utf8.AppendRune(dst, both)
					i += 12
					continue
				}
			}
			dst = utf8.AppendRune(dst, r)
			i += 6
			continue
		default:
			dst = append(dst, raw[i+1])
		}
		i += 2
	}
	return dst
}

// number reads a number; pos is at its first byte.
func (s *scanner) number() error {
	data, i := s.data, s.pos
	start := i
	if i < len(data) && data[i] == '-' {
		i++
	}
	whole := i
	switch {
	case i >= len(data):
		return errSyntax
	case data[i] == '0':
		i++
	case data[i] >= '1' && data[i] <= '9':
		i = digits(data, i)
	default:
		return errSyntax
	}
	long := i-whole > 300
	if i < len(data) && data[i] == '.' {
		j := digits(data, i+1)
		if j == i+1 {
			return errSyntax
		}
		i = j
	}
	if i < len(data) && (data[i] == 'e' || data[i] == 'E') {
		i++
		if i < len(data) && (data[i] == '+' || data[i] == '-') {
			i++
		}
		j := digits(data, i)
		if j == i {
			return errSyntax
		}
		i, long = j, true
	}
	if long {
		if _, err := strconv.ParseFloat(string(data[start:i]), 64); err != nil {
			s.flaw(hugeNumber)
		}
	}
	s.pos = i
	return nil
}

func digits(data []byte, i int) int {
	for i < len(data) && data[i] >= '0' && data[i] <= '9' {
		i++
	}
	return i
}

func (s *scanner) literal(word string) error {
	if len(s.data)-s.pos < len(word) || string(s.data[s.pos:s.pos+len(word)]) != word {
		return errSyntax
	}
	s.pos += len(word)
	return nil
}

// value checks and passes over any value and gives the bytes that it stands on. depth is how many objects and arrays
// are open around it.
func (s *scanner) value(depth int) ([]byte, error) {
	c := s.peek()
	start := s.pos
	var err error
	switch {
	case c == '"':
		_, err = s.str()
	case c == '{':
		err = s.object(depth, nil)
	case c == '[':
		err = s.array(depth, nil)
	case c == 't':
		err = s.literal("true")
	case c == 'f':
		err = s.literal("false")
	case c == 'n':
		err = s.literal("null")
	case c == '-' || (c >= '0' && c <= '9'):
		err = s.number()
	default:
		err = errSyntax
	}
	if err != nil {
		return nil, err
	}
	return s.data[start:s.pos], nil
}

// object walks over an object; pos is at its brace. member, when not nil, is called at each value with the unescaped
// name, valid until it returns, and must pass over the value; nil passes over all.
func (s *scanner) object(depth int, member func(name []byte, depth int) error) error {
	if depth >= maxDepth {
		return s.bury()
	}
	s.pos++
	base := len(s.names)
	defer func() { s.names = s.names[:base] }()
	if s.peek() == '}' {
		s.pos++
		return nil
	}
	var many map[uint64]struct{} // an object of many names: a list would take quadratic time
	for {
		if s.peek() != '"' {
			return errSyntax
		}
		t, err := s.str()
		if err != nil {
			return err
		}
		name := s.bytes(t)
		h := maphash.Bytes(hashSeed, name)
		if many != nil {
			if _, is := many[h]; is {
				s.flaw(namedTwice)
			}
			many[h] = struct{}{}
		} else {
			for _, other := range s.names[base:] {
				if other == h {
					s.flaw(namedTwice)
				}
			}
			s.names = append(s.names, h)
			if len(s.names)-base > 48 {
				many = make(map[uint64]struct{}, 128)
				for _, other := range s.names[base:] {
					many[other] = struct{}{}
				}
			}
		}
		if s.peek() != ':' {
			return errSyntax
		}
		s.pos++
		if member != nil {
			err = member(name, depth+1)
		} else {
			_, err = s.value(depth + 1)
		}
		if err != nil {
			return err
		}
		switch s.peek() {
		case ',':
			s.pos++
		case '}':
			s.pos++
			return nil
		default:
			return errSyntax
		}
	}
}

// array walks over an array; pos is at its bracket. element, when not nil, must pass over each value.
func (s *scanner) array(depth int, element func(depth int) error) error {
	if depth >= maxDepth {
		return s.bury()
	}
	s.pos++
	if s.peek() == ']' {
		s.pos++
		return nil
	}
	for {
		var err error
		if element != nil {
			s.space()
			err = element(depth + 1)
		} else {
			_, err = s.value(depth + 1)
		}
		if err != nil {
			return err
		}
		switch s.peek() {
		case ',':
			s.pos++
		case ']':
			s.pos++
			return nil
		default:
			return errSyntax
		}
	}
}

// bury passes over what is nested too deep by counting brackets only: its message is refused whatever it holds, and
// the stack stays small.
func (s *scanner) bury() error {
	s.flaw(tooDeep)
	open := 0
	for s.pos < len(s.data) {
		switch s.data[s.pos] {
		case '"':
			if _, err := s.str(); err != nil {
				return err
			}
			continue
		case '{', '[':
			open++
		case '}', ']':
			open--
		}
		s.pos++
		if open == 0 {
			return nil
		}
	}
	return errSyntax
}
