package itemsapi

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"strconv"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/rapporthq/rapport/fault"
	"github.com/rapporthq/rapport/know/catalogue"
)

// The most that one PUT may bring.
const (
	mostBody  = 4 << 20
	mostItems = 2500
)

var (
	errLarge  = fault.New(fault.TooLarge, "The body is too large: send at most 4 MB at once.")
	errMany   = fault.New(fault.TooLarge, "These are too many items: send at most 2500 at once.")
	errNone   = fault.New(fault.Invalid, "The body holds no items: send at least one.")
	errBroken = fault.New(fault.Invalid, "The body broke off: send it whole.")
	errBody   = fault.New(fault.Invalid, `The body is not JSON as documented: send one item, a list of items, or {"items": […]} with nothing beside it.`)
)

// read takes the whole body in.
func read(w http.ResponseWriter, r *http.Request) ([]byte, error) {
	if r.ContentLength > mostBody {
		return nil, errLarge
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, mostBody))
	switch {
	case errors.As(err, new(*http.MaxBytesError)):
		return nil, errLarge
	case err != nil:
		return nil, errBroken
	}
	return body, nil
}

// parse reads one item, a list of items, or an object whose only member, items, is that list. The error names the first
// item that is none by its place, from 0.
func parse(body []byte) ([]catalogue.Item, error) {
	// Names that are twice in an item are ReadItem's to refuse, which says which.
	d := jsontext.NewDecoder(bytes.NewBuffer(body), jsontext.AllowDuplicateNames(true))
	switch d.PeekKind() {
	case '[':
		items, err := list(d)
		if err != nil {
			return nil, err
		}
		return items, end(d)
	case '{':
	default:
		return nil, errBody
	}
	_, _ = d.ReadToken()
	if t, err := d.ReadToken(); err != nil || t.Kind() != '"' || t.String() != "items" || d.PeekKind() != '[' {
		it, err := catalogue.ReadItem(body)
		if err != nil {
			return nil, placed("the item", err)
		}
		return []catalogue.Item{it}, nil
	}
	items, err := list(d)
	if err != nil {
		return nil, err
	}
	if t, err := d.ReadToken(); err != nil || t.Kind() != '}' {
		return nil, errBody
	}
	return items, end(d)
}

// list reads the list that is next. Of two items with one id nobody could say which was meant.
func list(d *jsontext.Decoder) ([]catalogue.Item, error) {
	_, _ = d.ReadToken()
	var items []catalogue.Item
	seen := make(map[string]bool)
	for d.PeekKind() != ']' {
		if len(items) == mostItems {
			return nil, errMany
		}
		raw, err := d.ReadValue()
		if err != nil {
			return nil, errBody
		}
		place := "items[" + strconv.Itoa(len(items)) + "]"
		it, err := catalogue.ReadItem(raw)
		if err != nil {
			return nil, placed(place, err)
		}
		if seen[it.ID] {
			return nil, fault.New(fault.Invalid, place+": id is that of an item before it: send each item once.")
		}
		seen[it.ID] = true
		items = append(items, it)
	}
	if len(items) == 0 {
		return nil, errNone
	}
	if _, err := d.ReadToken(); err != nil {
		return nil, errBody
	}
	return items, nil
}

// end says whether nothing comes after what was read.
func end(d *jsontext.Decoder) error {
	if _, err := d.ReadToken(); !errors.Is(err, io.EOF) {
		return errBody
	}
	return nil
}

// placed says of which item a fault is.
func placed(place string, err error) error {
	code, sentence := fault.Of(err)
	return fault.New(code, place+": "+sentence)
}
