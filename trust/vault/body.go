package vault

import (
	"fmt"
	"sort"

	"github.com/rapporthq/rapport/person"
)

// An event's body is a version byte and then any number of tagged entries: lines and properties, in any order.
const (
	bodyVersion = 1
	tagLine     = 1
	tagText     = 2
	tagNumber   = 3
	tagTrue     = 4
	tagFalse    = 5
	tagList     = 6
)

// StartBody begins an event's body at the end of dst. The other Append functions add to it without building maps.
func StartBody(dst []byte) []byte { return append(dst, bodyVersion) }

// AppendLine adds a line to a body.
func AppendLine(dst []byte, l person.Line) []byte {
	dst = putString(append(dst, tagLine), l.Item)
	return putNumber(putNumber(dst, l.Quantity), l.Price)
}

// AppendText adds a property with a text.
func AppendText(dst []byte, name, value string) []byte {
	return putString(putString(append(dst, tagText), name), value)
}

// AppendNumber adds a property with a number.
func AppendNumber(dst []byte, name string, value float64) []byte {
	return putNumber(putString(append(dst, tagNumber), name), value)
}

// AppendBool adds a property that is true or false.
func AppendBool(dst []byte, name string, value bool) []byte {
	if value {
		return putString(append(dst, tagTrue), name)
	}
	return putString(append(dst, tagFalse), name)
}

// AppendList adds a property with a list whose elements are string, float64 or bool.
func AppendList(dst []byte, name string, list []any) ([]byte, error) {
	dst = putUnsigned(putString(append(dst, tagList), name), uint64(len(list)))
	for _, e := range list {
		switch e := e.(type) {
		case string:
			dst = putString(append(dst, tagText), e)
		case float64:
			dst = putNumber(append(dst, tagNumber), e)
		case bool:
			if e {
				dst = append(dst, tagTrue)
			} else {
				dst = append(dst, tagFalse)
			}
		default:
			return nil, fmt.Errorf("vault: a list in an event holds texts, numbers and booleans, not %T", e)
		}
	}
	return dst, nil
}

// AppendBody writes a whole body: lines in their order, then properties by name. Values are string, float64, bool,
// []any of these, []string or []float64; others are an error and dst is not to be used.
func AppendBody(dst []byte, lines []person.Line, properties map[string]any) ([]byte, error) {
	dst = StartBody(dst)
	for _, l := range lines {
		dst = AppendLine(dst, l)
	}
	names := make([]string, 0, len(properties))
	for n := range properties {
		names = append(names, n)
	}
	sort.Strings(names)
	var err error
	for _, n := range names {
		switch v := properties[n].(type) {
		case string:
			dst = AppendText(dst, n, v)
		case float64:
			dst = AppendNumber(dst, n, v)
		case bool:
			dst = AppendBool(dst, n, v)
		case []any:
			dst, err = AppendList(dst, n, v)
		case []string:
			dst, err = AppendList(dst, n, anyList(v))
		case []float64:
			dst, err = AppendList(dst, n, anyList(v))
		default:
			err = fmt.Errorf("vault: a property is a text, a number, a boolean or a list of these, not %T", v)
		}
		if err != nil {
			return nil, err
		}
	}
	return dst, nil
}

func anyList[T any](list []T) []any {
	out := make([]any, len(list))
	for i, e := range list {
		out[i] = e
	}
	return out
}

// ParseBody reads a body before it is sealed, or one that a test holds. It opens nothing.
func ParseBody(body []byte) (lines []person.Line, properties map[string]any, err error) {
	lines, properties, err = parseBody(string(body), nil, true)
	if len(lines) == 0 {
		lines = nil
	}
	return lines, properties, err
}

// parseBody appends the lines to the slab; after an error the slab is as it was. All texts are parts of s. Properties are
// read over when nobody wants them.
func parseBody(s string, slab []person.Line, wanted bool) ([]person.Line, map[string]any, error) {
	r := reader{s: s}
	if r.byte() != bodyVersion {
		return slab, nil, errCodec
	}
	from := len(slab)
	var properties map[string]any
	set := func(name string, v any) {
		if properties == nil {
			properties = make(map[string]any, 4)
		}
		properties[name] = v
	}
	skip := func(tag byte) {
		switch tag {
		case tagText:
			r.string()
		case tagNumber:
			r.number()
		case tagTrue, tagFalse:
		default:
			r.fail()
		}
	}
	for len(r.s) > 0 && !r.bad {
		tag := r.byte()
		if tag != tagLine && !wanted {
			r.string()
			if tag != tagList {
				skip(tag)
				continue
			}
			for n := r.count(); n > 0 && !r.bad; n-- {
				skip(r.byte())
			}
			continue
		}
		switch tag {
		case tagLine:
			slab = append(slab, person.Line{Item: r.string(), Quantity: r.number(), Price: r.number()})
		case tagText:
			name := r.string()
			set(name, r.string())
		case tagNumber:
			name := r.string()
			set(name, r.number())
		case tagTrue:
			set(r.string(), true)
		case tagFalse:
			set(r.string(), false)
		case tagList:
			name := r.string()
			list := make([]any, r.count())
			for i := range list {
				switch r.byte() {
				case tagText:
					list[i] = r.string()
				case tagNumber:
					list[i] = r.number()
				case tagTrue:
					list[i] = true
				case tagFalse:
					list[i] = false
				default:
					r.fail()
				}
			}
			set(name, list)
		default:
			r.fail()
		}
	}
	if err := r.end(); err != nil {
		return slab[:from], nil, err
	}
	return slab, properties, nil
}
