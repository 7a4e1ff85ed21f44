package charter

import (
	"encoding/json"
	"strconv"
	"strings"

	"github.com/rapporthq/rapport/person"
)

// Lines reads the items of an event with the bounds of a type that says nothing else; see Type.Lines.
func Lines(v any) ([]person.Line, error) { return Type{Name: TItems}.Lines(v) }

// Lines reads a list of {product_id, quantity, price} from decoded JSON. product_id is required and may have no
// other spelling; a quantity or price that is not there is 0. A quantity below zero is a return: what becomes of it is
// the gate's to say. Whatever else a line holds is left behind: the catalogue knows it. The error is one sentence that never holds a value.
func (t Type) Lines(v any) ([]person.Line, error) {
	in, ok := v.([]any)
	if !ok {
		return nil, errItems
	}
	if len(in) == 0 {
		return nil, errEmpty
	}
	if len(in) > t.most(maxItems) {
		return nil, errListLong
	}
	out := make([]person.Line, len(in))
	for i, e := range in {
		m, ok := e.(map[string]any)
		if !ok {
			return nil, errItems
		}
		id, ok := m["product_id"].(string)
		if !ok || checkText(id, maxItemID, false) != nil {
			return nil, errItems
		}
		out[i].Item = id
		if q, said := m["quantity"]; said {
			f, ok := q.(float64)
			if !ok || !(f >= -1e9 && f <= 1e9) {
				return nil, errQuantity
			}
			out[i].Quantity = f
		}
		if p, said := m["price"]; said {
			f, err := Type{Name: TMoney, Currency: t.Currency}.amount(p)
			if err != nil || f < -1e9 || f > 1e9 {
				return nil, errPrice
			}
			out[i].Price = f
		}
	}
	return out, nil
}

func linesText(lines []person.Line) string {
	b := make([]byte, 0, 64*len(lines))
	b = append(b, '[')
	for i, l := range lines {
		if i > 0 {
			b = append(b, ',')
		}
		b = appendQuoted(append(b, `{"product_id":`...), l.Item)
		b = append(append(b, `,"quantity":`...), numberText(l.Quantity)...)
		b = append(append(b, `,"price":`...), numberText(l.Price)...)
		b = append(b, '}')
	}
	return string(append(b, ']'))
}

func (t Type) elements(v any) ([]any, error) {
	in, ok := v.([]any)
	switch {
	case !ok:
		return nil, errList
	case t.Of == nil || t.Of.Name == TList || t.Of.Name == TItems:
		return nil, errType
	case len(in) == 0:
		return nil, errEmpty
	case len(in) > t.most(maxList):
		return nil, errListLong
	}
	return in, nil
}

// listText is a list as JSON, its elements canonical: numbers and booleans bare, all else in quotes.
func (t Type) listText(v any) (string, error) {
	in, err := t.elements(v)
	if err != nil {
		return "", err
	}
	b := append(make([]byte, 0, 16*len(in)), '[')
	for i, e := range in {
		s, err := t.Of.Canonical(e)
		if err != nil {
			return "", err
		}
		if i > 0 {
			b = append(b, ',')
		}
		switch t.Of.Name {
		case TNumber, TInteger, TMoney, TBoolean:
			b = append(b, s...)
		default:
			b = appendQuoted(b, s)
		}
	}
	return string(append(b, ']')), nil
}

// appendQuoted writes s, which was checked to be valid, as a JSON text.
func appendQuoted(b []byte, s string) []byte {
	const hex = "0123456789abcdef"
	b = append(b, '"')
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case c == '"' || c == '\\':
			b = append(b, '\\', c)
		case c < ' ':
			b = append(b, '\\', 'u', '0', '0', hex[c>>4], hex[c&15])
		default:
			b = append(b, c)
		}
	}
	return append(b, '"')
}

// readList reads a list from text: JSON, or elements with ; between them.
func (t Type) readList(s string) ([]any, error) {
	if len(s) > 1<<16 {
		return nil, errListLong
	}
	if strings.HasPrefix(s, "[") {
		var v []any
		if json.Unmarshal([]byte(s), &v) != nil {
			return nil, errList
		}
		return v, nil
	}
	if t.Of == nil {
		return nil, errList
	}
	parts := strings.Split(s, ";")
	if len(parts) > t.most(maxList) {
		return nil, errListLong
	}
	out := make([]any, len(parts))
	for i, p := range parts {
		p = strings.TrimSpace(p)
		switch t.Of.Name {
		case TNumber, TInteger, TMoney:
			f, err := readNumber(p)
			if err != nil {
				return nil, err
			}
			out[i] = f
		case TBoolean:
			b, err := strconv.ParseBool(p)
			if err != nil {
				return nil, errBoolean
			}
			out[i] = b
		default:
			out[i] = p
		}
	}
	return out, nil
}
