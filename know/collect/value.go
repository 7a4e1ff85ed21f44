package collect

import (
	"encoding/json"
	"errors"
	"slices"
	"strconv"

	"github.com/rapporthq/rapport/charter"
	"github.com/rapporthq/rapport/know/quality"
	"github.com/rapporthq/rapport/person"
	"github.com/rapporthq/rapport/trust/vault"
)

// Values are read out of raw JSON that the parser has checked already. Nothing here keeps what it refuses.

// errAbsent says that a value is null: as if the field were not there.
var errAbsent = errors.New("null")

// errReturned says that lines of items were returns: they are left out, and the others, if any, are in the body.
var errReturned = errors.New("a line is a return")

var errValue = errors.New("the value is not of the declared type")

// sketch is the body of one event while it is made: entries as package vault seals them.
type sketch struct {
	body  []byte
	lines []person.Line // those of this event, for the catalogue
	back  bool          // the event takes something back: its lines may be returns
	found []person.Line // room for the lines of one property
	scan  scanner
}

func (k *sketch) start(back bool) {
	k.back = back
	k.body = vault.StartBody(k.body[:0])
	k.lines = k.lines[:0]
}

// add puts one declared property into the body, or says why it cannot.
func (k *sketch) add(name string, t *charter.Type, raw []byte) error {
	if len(raw) == 0 || raw[0] == 'n' {
		return errAbsent
	}
	switch t.Name {
	case charter.TItems:
		lines, err := k.items(t, raw)
		if err != nil {
			return err
		}
		all := len(lines)
		if !k.back {
			lines = slices.DeleteFunc(lines, func(l person.Line) bool { return l.Quantity < 0 })
		}
		for _, l := range lines {
			k.body = vault.AppendLine(k.body, l)
		}
		k.lines = append(k.lines, lines...)
		if len(lines) < all {
			return errReturned
		}
		return nil
	case charter.TItem:
		s, err := canonical(t, raw)
		if err != nil {
			return err
		}
		l := person.Line{Item: s, Quantity: 1}
		k.body = vault.AppendLine(k.body, l)
		k.lines = append(k.lines, l)
		return nil
	case charter.TNumber, charter.TInteger, charter.TMoney, charter.TBoolean, charter.TList:
		v, err := decode(raw)
		if err != nil {
			return err
		}
		if v, err = t.Value(v); err != nil {
			return err
		}
		switch v := v.(type) {
		case float64:
			k.body = vault.AppendNumber(k.body, name, v)
		case bool:
			k.body = vault.AppendBool(k.body, name, v)
		case []any:
			b, err := vault.AppendList(k.body, name, v)
			if err != nil {
				return err
			}
			k.body = b
		default:
			return errValue
		}
		return nil
	}
	s, err := canonical(t, raw)
	if err != nil {
		return err
	}
	k.body = vault.AppendText(k.body, name, s)
	return nil
}

// canonical is the canonical text of a value, as facts keep it.
func canonical(t *charter.Type, raw []byte) (string, error) {
	if len(raw) == 0 || raw[0] == 'n' {
		return "", errAbsent
	}
	v, err := decode(raw)
	if err != nil {
		return "", err
	}
	return t.Canonical(v)
}

// written reads a text that is not in the charter's form as people and other programs write dates and amounts; false when it is none. Numbers that are no
// money come as text from those sources only of which the charter says how they write them.
func (st *state) written(t *charter.Type, raw []byte, born bool) (value string, doubts person.Doubts, ok bool) {
	if len(raw) == 0 || raw[0] != '"' || t.Name == charter.TNumber && st.plan.source.Decimals == "" {
		return "", 0, false
	}
	v, err := decode(raw)
	text, is := v.(string)
	if err != nil || !is {
		return "", 0, false
	}
	return quality.Written(t, text, quality.Setting{Region: st.charter.Brand.Region, At: st.received, Dates: st.plan.source.Dates, Decimals: st.plan.source.Decimals}, born)
}

// asJSON writes the canonical text of a date or a number as JSON.
func asJSON(t *charter.Type, value string) []byte {
	if t.Name == charter.TDate {
		return appendText(nil, []byte(value))
	}
	return []byte(value)
}

// decode gives a JSON value as encoding/json would, without its cost for plain texts, numbers and booleans.
func decode(raw []byte) (any, error) {
	switch c := raw[0]; {
	case c == '"':
		inner := raw[1 : len(raw)-1]
		for _, b := range inner {
			if b == '\\' {
				return string(unescape(make([]byte, 0, len(inner)), inner)), nil
			}
		}
		return string(inner), nil
	case c == 't':
		return true, nil
	case c == 'f':
		return false, nil
	case c == '-' || (c >= '0' && c <= '9'):
		return number(raw)
	}
	var v any
	if err := json.Unmarshal(raw, &v); err != nil {
		return nil, errValue
	}
	return v, nil
}

var tens = [...]float64{1, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15}

// number reads a checked JSON number. Short decimals are read exactly without strconv: a whole number below 2^53
// divided by a power of ten that is exact is rounded once.
func number(raw []byte) (float64, error) {
	var whole uint64
	i, scale, point, n := 0, 0, false, 0
	minus := raw[0] == '-'
	if minus {
		i++
	}
	for ; i < len(raw); i++ {
		c := raw[i]
		switch {
		case c >= '0' && c <= '9':
			whole = whole*10 + uint64(c-'0')
			if n++; n > 15 {
				return slowNumber(raw)
			}
			if point {
				scale++
			}
		case c == '.':
			point = true
		default:
			return slowNumber(raw)
		}
	}
	f := float64(whole) / tens[scale]
	if minus {
		f = -f
	}
	return f, nil
}

func slowNumber(raw []byte) (float64, error) {
	f, err := strconv.ParseFloat(string(raw), 64)
	if err != nil {
		return 0, errValue
	}
	return f, nil
}

const mostItems = 500 // of one event, when the charter says nothing else: as charter.Type.Lines has it

// items reads a list of {product_id, quantity, price}: what is plain in one pass, anything else by way of
// charter.Type.Lines, whose rules these are.
func (k *sketch) items(t *charter.Type, raw []byte) ([]person.Line, error) {
	if raw[0] != '[' {
		return nil, errValue
	}
	most := t.Max
	if most == 0 {
		most = mostItems
	}
	plain := true
	lines := k.found[:0]
	defer func() { k.found = lines[:0] }()
	s := &k.scan
	s.data, s.pos, s.defect, s.names = raw, 0, sound, s.names[:0]
	var line person.Line
	member := func(name []byte, depth int) error {
		switch string(name) {
		case "product_id":
			if s.peek() != '"' {
				plain = false
				break
			}
			v, err := s.str()
			if err != nil {
				return err
			}
			id := string(s.bytes(v))
			if len(id) > 100 || !printable(id) {
				plain = false // a longer or rarer id may be good all the same
			}
			line.Item = id
			return nil
		case "quantity":
			return s.amount(depth, &line.Quantity, &plain)
		case "price":
			return s.amount(depth, &line.Price, &plain)
		}
		_, err := s.value(depth)
		return err
	}
	err := s.array(0, func(depth int) error {
		if s.peek() != '{' {
			plain = false
			_, err := s.value(depth)
			return err
		}
		line = person.Line{}
		if err := s.object(depth, member); err != nil {
			return err
		}
		if line.Item == "" {
			plain = false
		}
		lines = append(lines, line)
		return nil
	})
	if err != nil {
		return nil, errValue
	}
	if plain && len(lines) > 0 && len(lines) <= most {
		return lines, nil
	}
	v, err := decode(raw)
	if err != nil {
		return nil, err
	}
	return t.Lines(v)
}

// amount reads a plain number of at most a thousand millions, below zero or above; anything else is not plain.
func (s *scanner) amount(depth int, to *float64, plain *bool) error {
	raw, err := s.value(depth)
	if err != nil {
		return err
	}
	if c := raw[0]; c == '-' || (c >= '0' && c <= '9') {
		f, err := number(raw)
		if err == nil && f >= -1e9 && f <= 1e9 && (f == 0 || f > 1e-9 || f < -1e-9) {
			*to = f
			return nil
		}
	}
	*plain = false
	return nil
}

func printable(s string) bool {
	for i := 0; i < len(s); i++ {
		if s[i] < ' ' || s[i] >= 0x7f {
			return false
		}
	}
	return s != ""
}

// at finds the value at a path of names, such as context.page.path, in a checked JSON object; nil when it is not there.
func (k *sketch) at(raw []byte, path []string) []byte {
	for _, want := range path {
		if len(raw) == 0 || raw[0] != '{' {
			return nil
		}
		var found []byte
		s := &k.scan
		s.data, s.pos, s.defect, s.names = raw, 0, sound, s.names[:0]
		err := s.object(0, func(name []byte, depth int) error {
			is := string(name) == want
			v, err := s.value(depth)
			if is {
				found = v
			}
			return err
		})
		if err != nil {
			return nil
		}
		raw = found
	}
	return raw
}
