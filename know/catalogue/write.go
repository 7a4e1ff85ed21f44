package catalogue

import (
	"errors"
	"maps"
	"math"
	"slices"
	"strconv"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/rapporthq/rapport/person"
)

var errUnwritable = errors.New("an item holds a text that is not UTF-8, or a price that is no number")

// AppendItem writes the item behind b as the JSON object that ReadItem reads: what ReadItem gave comes back the same.
// It is the form of the documented API, whatever form a store keeps. What says nothing is left out, and so are Bare and
// an attribute that has the name of a field, which ReadItem never makes. It errs when a text is not UTF-8 or the price
// is not finite.
func AppendItem(b []byte, it *Item) ([]byte, error) {
	w := writer{b: append(b, '{')}
	w.text("id", it.ID)
	w.text("name", it.Name)
	w.text("department", it.Department)
	w.text("category", it.Category)
	w.text("type", it.Type)
	w.text("brand", it.Brand)
	w.text("size", it.Size)
	if it.Price != 0 {
		if math.IsNaN(it.Price) || math.IsInf(it.Price, 0) {
			return b, errUnwritable
		}
		w.name("price")
		w.b = strconv.AppendFloat(w.b, it.Price, 'f', -1, 64)
	}
	if len(it.Tags) > 0 {
		w.name("tags")
		for i, t := range it.Tags {
			w.b = append(w.b, "[,"[min(i, 1)])
			w.quote(t)
		}
		w.b = append(w.b, ']')
	}
	if it.Stock != nil {
		w.name("stock")
		w.b = strconv.AppendInt(w.b, int64(*it.Stock), 10)
	}
	w.instant("from", it.From)
	w.instant("until", it.Until)
	w.text("image", it.Image)
	w.text("url", it.URL)
	for _, name := range slices.Sorted(maps.Keys(it.Attributes)) {
		if !slices.Contains(fields, fold(name)) {
			w.text(name, it.Attributes[name])
		}
	}
	if w.err != nil {
		return b, errUnwritable
	}
	return append(w.b, '}'), nil
}

// writer writes the members of one object and keeps the first error.
type writer struct {
	b   []byte
	any bool
	err error
}

func (w *writer) name(s string) {
	if w.any {
		w.b = append(w.b, ',')
	}
	w.any = true
	w.quote(s)
	w.b = append(w.b, ':')
}

func (w *writer) text(name, s string) {
	if s != "" {
		w.name(name)
		w.quote(s)
	}
}

func (w *writer) instant(name string, at person.Instant) {
	if at != 0 {
		w.text(name, at.Time().Format(time.RFC3339Nano))
	}
}

func (w *writer) quote(s string) {
	b, err := jsontext.AppendQuote(w.b, s)
	if err != nil && w.err == nil {
		w.err = err
	}
	w.b = b
}
