package catalogue

import (
	"bytes"
	"errors"
	"io"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/rapporthq/rapport/fault"
	"github.com/rapporthq/rapport/person"
)

// How much an item may say. Texts are in bytes.
const (
	longestID      = 200
	longestText    = 1000 // of a field, a tag, or an attribute's name or value
	mostTags       = 50
	mostAttributes = 100
	mostContent    = 32 << 10        // of all texts together
	longestRaw     = 8 * mostContent // of the JSON, in which one byte of text can be written as six
	mostStock      = 1_000_000_000
	highestPrice   = 1e15 // beyond it cents are not exact
)

// fields are the names that an item's JSON and columns have; any other is an attribute's.
var fields = []string{"id", "name", "department", "category", "type", "brand", "size", "price", "tags", "stock", "from", "until", "image", "url"}

var (
	errJSON  = fault.New(fault.Invalid, "it is not one JSON object as documented: check names, types and quotes.")
	errLarge = fault.New(fault.Invalid, "the item says more than is taken: at most 32 KB of text.")
	errMany  = fault.New(fault.Invalid, "the item has more than 100 attributes: leave out what nobody decides by.")
	errTags  = fault.New(fault.Invalid, "tags must be a list of at most 50 texts of at most 1000 bytes each, without control characters.")
	errNoID  = fault.New(fault.Invalid, "id is missing: every item needs one.")
	errSpan  = fault.New(fault.Invalid, "until must be later than from.")
)

// ReadItem reads one item from a JSON object with the members id (required), name, department, category, type, brand,
// size, image, url (texts), price (a number), tags (a list of texts), stock (a whole number), from and until (RFC 3339 or
// a date, which begins at midnight UTC; until is not included). A member of any other name is an attribute, and must be a
// text, a number, true or false. null says nothing, and neither does an empty text. A name of ours in other letters, such
// as Category, is refused: as an attribute it would pass by the rules that read category.
//
// The error is a fault of one sentence that names the field and never repeats what it holds.
func ReadItem(raw []byte) (Item, error) {
	if len(raw) > longestRaw {
		return Item{}, errLarge
	}
	d := decoders.Get().(*jsontext.Decoder)
	defer decoders.Put(d)
	d.Reset(bytes.NewBuffer(raw))
	defer d.Reset(new(bytes.Buffer)) // a decoder in the pool holds on to nobody's bytes
	if t, err := d.ReadToken(); err != nil || t.Kind() != '{' {
		return Item{}, errJSON
	}
	var b builder
	for {
		t, err := d.ReadToken()
		if err != nil {
			return Item{}, syntax(err)
		}
		if t.Kind() == '}' {
			break
		}
		if err := b.member(d, t.String()); err != nil {
			return Item{}, err
		}
	}
	if _, err := d.ReadToken(); !errors.Is(err, io.EOF) {
		return Item{}, errJSON
	}
	return b.item()
}

// decoders refuse double names and what is not UTF-8, as jsontext does unless told otherwise.
var decoders = sync.Pool{New: func() any { return jsontext.NewDecoder(new(bytes.Buffer)) }}

// syntax says what is wrong with the JSON, by the name where one is there twice.
func syntax(err error) error {
	var s *jsontext.SyntacticError
	if errors.Is(err, jsontext.ErrDuplicateName) && errors.As(err, &s) {
		return wrong(s.JSONPointer.LastToken(), "is there twice: send each name once.")
	}
	return errJSON
}

// ReadRow reads one item from the columns of a CSV file: those of ReadItem, whatever the case of their names and the
// spaces around them. tags are separated by ; or |. An empty cell says nothing.
func ReadRow(row map[string]string) (Item, error) {
	var b builder
	ours := make(map[string]string, len(fields))
	var others []string
	for column, cell := range row {
		cell = strings.TrimSpace(cell)
		if cell == "" {
			continue
		}
		name := fold(column)
		if !slices.Contains(fields, name) {
			others = append(others, column)
			continue
		}
		if _, twice := ours[name]; twice {
			return Item{}, wrong(name, "is there twice: keep one column of that name.")
		}
		ours[name] = cell
	}
	for _, name := range fields {
		cell, ok := ours[name]
		if !ok {
			continue
		}
		if name == "tags" {
			if err := b.tags(strings.FieldsFunc(cell, func(c rune) bool { return c == ';' || c == '|' }), true); err != nil {
				return Item{}, err
			}
			continue
		}
		if err := b.set(name, cell, anything); err != nil {
			return Item{}, err
		}
	}
	slices.Sort(others) // of several faults always the same is said
	for _, column := range others {
		name := strings.TrimSpace(column)
		if _, twice := b.it.Attributes[name]; twice {
			return Item{}, wrong(name, "is there twice: keep one column of that name.")
		}
		if err := b.attribute(name, strings.TrimSpace(row[column])); err != nil {
			return Item{}, err
		}
	}
	return b.item()
}

// fold is how a name is compared with ours. A byte order mark is what some programs leave before the first column.
func fold(name string) string {
	return strings.ToLower(strings.TrimFunc(name, func(c rune) bool { return c == '\ufeff' || unicode.IsSpace(c) }))
}

// kind is what a value was written as.
type kind uint8

const (
	text kind = iota
	number
	truth
	anything // a cell, of which nobody knows
)

// builder gathers an item and how much it says.
type builder struct {
	it      Item
	content int
}

// member reads the value of one member.
func (b *builder) member(d *jsontext.Decoder, name string) error {
	if name == "tags" && d.PeekKind() == '[' {
		return b.list(d)
	}
	if folded := fold(name); folded != name && slices.Contains(fields, folded) {
		return wrong(folded, "must be written so, in small letters and without spaces.")
	}
	t, err := d.ReadToken()
	if err != nil {
		return syntax(err)
	}
	switch t.Kind() {
	case 'n':
		return nil
	case '"':
		return b.set(name, t.String(), text)
	case '0':
		return b.set(name, t.String(), number)
	case 't', 'f':
		return b.set(name, t.String(), truth)
	}
	if name == "tags" || slices.Contains(fields, name) {
		return b.set(name, "", truth) // which no field of ours is
	}
	return wrong(name, "must be a text, a number, true or false: write each attribute as a member of its own.")
}

// list reads the JSON list of tags.
func (b *builder) list(d *jsontext.Decoder) error {
	if _, err := d.ReadToken(); err != nil {
		return syntax(err)
	}
	var tags []string
	for {
		t, err := d.ReadToken()
		switch {
		case err != nil:
			return syntax(err)
		case t.Kind() == ']':
			return b.tags(tags, false)
		case t.Kind() != '"' || len(tags) > 10*mostTags:
			return errTags
		}
		tags = append(tags, t.String())
	}
}

// tags keeps each that says something once, in their order.
func (b *builder) tags(tags []string, cells bool) error {
	kept := tags[:0]
	for _, t := range tags {
		if cells {
			t = strings.TrimSpace(t)
		}
		switch {
		case t == "" || slices.Contains(kept, t):
			continue
		case len(kept) == mostTags || !b.says(t, longestText):
			return errTags
		}
		kept = append(kept, t)
	}
	if len(kept) > 0 {
		b.it.Tags = kept
	}
	return nil
}

// set keeps the value of one field, or an attribute.
func (b *builder) set(name, value string, as kind) error {
	var to *string
	switch name {
	case "id":
		to = &b.it.ID
	case "name":
		to = &b.it.Name
	case "department":
		to = &b.it.Department
	case "category":
		to = &b.it.Category
	case "type":
		to = &b.it.Type
	case "brand":
		to = &b.it.Brand
	case "size":
		to = &b.it.Size
	case "image":
		to = &b.it.Image
	case "url":
		to = &b.it.URL
	case "tags":
		if as != text || value != "" {
			return errTags
		}
		return nil
	case "price":
		return b.price(value, as)
	case "stock":
		return b.stock(value, as)
	case "from":
		return b.instant(name, value, as, &b.it.From)
	case "until":
		return b.instant(name, value, as, &b.it.Until)
	default:
		return b.attribute(name, value)
	}
	longest, say := longestText, "must be a text of at most 1000 bytes, without control characters."
	if name == "id" {
		longest, say = longestID, "must be a text of at most 200 bytes, without control characters and without spaces around it."
	}
	if (as != text && as != anything) || !b.says(value, longest) || (name == "id" && strings.TrimSpace(value) != value) {
		return wrong(name, say)
	}
	if (name == "image" || name == "url") && value != "" && !address(value) {
		return wrong(name, "must be an address that begins with https://, http:// or one /.")
	}
	*to = value
	return nil
}

func (b *builder) attribute(name, value string) error {
	switch {
	case value == "":
		return nil
	case strings.TrimSpace(name) == "":
		return fault.New(fault.Invalid, "a value has no name: name its column, or take it away.")
	case !b.says(name, longestText) || !b.says(value, longestText):
		return wrong(name, "must be of at most 1000 bytes, name and value, without control characters.")
	case len(b.it.Attributes) == mostAttributes:
		return errMany
	}
	if b.it.Attributes == nil {
		b.it.Attributes = make(map[string]string)
	}
	b.it.Attributes[name] = value
	return nil
}

// price reads a plain decimal: no hexadecimal, no Inf, no comma, which in one country is the point of another.
func (b *builder) price(value string, as kind) error {
	f, err := strconv.ParseFloat(value, 64)
	if (as != number && as != anything) || err != nil || strings.Trim(value, "0123456789.eE+-") != "" || !(f >= 0 && f <= highestPrice) {
		return wrong("price", "must be a number from 0 up, with a point before the cents and without a currency: 3.50.")
	}
	b.it.Price = f + 0 // minus zero is zero
	return nil
}

// stock reads a whole number, also as spreadsheets write it: 12.0. 1.000 is refused: it is a thousand in half of Europe.
func (b *builder) stock(value string, as kind) error {
	whole := strings.TrimSuffix(value, ".0")
	n, err := strconv.Atoi(whole)
	if (as != number && as != anything) || err != nil || strings.Trim(whole, "0123456789") != "" || n > mostStock {
		return wrong("stock", "must be a whole number from 0 to 1000000000; leave it out when pieces are not counted.")
	}
	b.it.Stock = &n
	return nil
}

func (b *builder) instant(name, value string, as kind, to *person.Instant) error {
	if value == "" && as == text {
		return nil
	}
	layout := time.RFC3339Nano
	if len(value) == len(time.DateOnly) {
		layout = time.DateOnly
	}
	t, err := time.Parse(layout, value)
	// The Instant 0 would say "for ever" where the shop said "long over".
	if (as != text && as != anything) || err != nil || t.UTC().Year() > 9999 || person.At(t) <= 0 {
		return wrong(name, "must be a date such as 2026-11-20 or a time such as 2026-11-20T10:00:00Z, after 1970.")
	}
	*to = person.At(t)
	return nil
}

// says counts a text towards what an item may say, and tells whether it can be shown. That all of it is not too much is
// asked at the end.
func (b *builder) says(s string, longest int) bool {
	b.content += len(s)
	return len(s) <= longest && utf8.ValidString(s) && strings.IndexFunc(s, unshown) < 0
}

// unshown are control characters, line breaks, and what turns the direction of the text after it.
func unshown(c rune) bool {
	return unicode.IsControl(c) || c == '\u2028' || c == '\u2029' || (c >= '\u202a' && c <= '\u202e') || (c >= '\u2066' && c <= '\u2069')
}

// item gives what was gathered, when it is an item.
func (b *builder) item() (Item, error) {
	switch {
	case b.it.ID == "":
		return Item{}, errNoID
	case b.content > mostContent:
		return Item{}, errLarge
	case b.it.Until != 0 && b.it.Until <= b.it.From:
		return Item{}, errSpan
	}
	return b.it, nil
}

// address says whether a page can link to it without running it or leaving for a site that it does not name.
func address(s string) bool {
	if strings.HasPrefix(s, "/") {
		return !strings.HasPrefix(s, "//") && !strings.Contains(s, `\`)
	}
	u, err := url.Parse(s)
	return err == nil && (u.Scheme == "https" || u.Scheme == "http") && u.Host != ""
}

// wrong is the fault of one field. A name that is more than a word could be content, and is not repeated.
func wrong(name, must string) error {
	if name == "" || len(name) > 40 || strings.IndexFunc(name, func(c rune) bool {
		return c != '_' && c != '-' && c != '.' && (c > unicode.MaxASCII || !unicode.IsLetter(c) && !unicode.IsDigit(c))
	}) >= 0 {
		name = "an attribute"
	}
	return fault.New(fault.Invalid, name+" "+must)
}
