package draft

import (
	"bufio"
	"bytes"
	"encoding/csv"
	"encoding/json"
	"errors"
	"io"
	"strings"
	"unicode/utf8"

	"golang.org/x/text/encoding/charmap"

	"github.com/rapporthq/rapport/fault"
)

// The faults of a file, each with what to do.
var (
	errEmpty    = fault.New(fault.Invalid, "there is nothing in it: name a file with rows.")
	errUTF16    = fault.New(fault.Invalid, "it is UTF-16: save it as UTF-8.")
	errList     = fault.New(fault.Invalid, "it is one JSON list: write one object on each line (JSON Lines).")
	errNoHeader = fault.New(fault.Invalid, "its first line has values where names of columns should be: add a line with the names above it.")
	errQuote    = fault.New(fault.Invalid, "its first line has an open quote: a CSV file begins with the names of its columns.")
	errReading  = fault.New(fault.Invalid, "it cannot be read to its end: check the disk.")
	errNoRows   = fault.New(fault.Invalid, "it has names of columns and no row: a draft is made from what is there.")
	errBinary   = fault.New(fault.Invalid, "it is no text: CSV and JSON Lines are read (unpack it first).")
)

const longestRow = 1 << 20 // bytes

// Read looks at a file: CSV with names in its first line, or JSON Lines (messages in the Segment format, or plain objects). It reads at most MostRows
// rows. The error is one sentence about the file, without what it holds.
func Read(file string, from io.Reader) (*Table, error) {
	b := bufio.NewReaderSize(from, 1<<16)
	head, err := b.Peek(1 << 12)
	if err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, bufio.ErrBufferFull) {
		return nil, errReading
	}
	if bytes.HasPrefix(head, []byte{0xff, 0xfe}) || bytes.HasPrefix(head, []byte{0xfe, 0xff}) {
		return nil, errUTF16
	}
	if bytes.HasPrefix(head, []byte("\xef\xbb\xbf")) {
		_, _ = b.Discard(3)
		head = head[3:]
	}
	first := bytes.TrimLeft(head, " \t\r\n")
	switch {
	case len(first) == 0:
		return nil, errEmpty
	case bytes.IndexByte(head, 0) >= 0:
		return nil, errBinary
	case first[0] == '[':
		return nil, errList
	}
	t := newTable(file)
	if first[0] == '{' {
		err = t.readJSON(b)
	} else {
		err = t.readCSV(b, first)
	}
	if err != nil {
		return nil, err
	}
	if t.Rows == 0 {
		return nil, errNoRows
	}
	t.recognise()
	return t, nil
}

// readable is text as UTF-8; what is none is read as Windows-1252.
func (t *Table) readable(s string) string {
	if utf8.ValidString(s) {
		return s
	}
	t.Latin = true
	out, err := charmap.Windows1252.NewDecoder().String(s)
	if err != nil {
		return strings.ToValidUTF8(s, "?")
	}
	return out
}

func (t *Table) readCSV(b *bufio.Reader, first []byte) error {
	t.csv = true
	r := csv.NewReader(b)
	r.FieldsPerRecord, r.LazyQuotes, r.ReuseRecord = -1, true, true
	r.Comma = ','
	line, _, _ := bytes.Cut(first, []byte{'\n'})
	for _, c := range []byte{';', '\t', '|'} {
		if bytes.Count(line, []byte{c}) > bytes.Count(line, []byte{byte(r.Comma)}) {
			r.Comma = rune(c)
		}
	}
	header, err := r.Read()
	if err != nil {
		return errQuote
	}
	values := 0
	columns := make([]*Column, len(header))
	for i, name := range header {
		name = strings.TrimSpace(t.readable(name))
		switch ShapeOf(name) {
		case Words, Code:
		case Boolean:
			if name == "yes" || name == "no" {
				values++
			}
		default:
			values++
		}
		if len(name) > 2*longestName || strings.ContainsAny(name, "\n\r") {
			return errQuote
		}
		if name != "" {
			columns[i] = t.column(name)
		}
	}
	if values > 0 {
		return errNoHeader
	}
	events := -1
	for i, c := range columns {
		if c != nil && (plain(c.Name) == "event" || plain(c.Name) == "eventname" || plain(c.Name) == "eventtype") {
			events = i
		}
	}
	for {
		row, err := r.Read()
		switch {
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			var bad *csv.ParseError
			if !errors.As(err, &bad) {
				return errReading
			}
			t.Bad++
			continue
		case len(row) > len(columns):
			t.Bad++
			continue
		}
		if t.Rows == MostRows {
			t.More = true
			return nil
		}
		t.Rows++
		var e *Event
		if events >= 0 && events < len(row) {
			if name := strings.TrimSpace(t.readable(row[events])); sensible(name) {
				if e = t.event(name); e != nil {
					e.Seen++
				}
			}
		}
		for i, v := range row {
			if v = strings.TrimSpace(t.readable(v)); v == "" || columns[i] == nil {
				continue
			}
			columns[i].add(v)
			if e != nil && i != events {
				e.properties.column(columns[i].Name).add(v)
			}
		}
	}
}

func (t *Table) readJSON(b *bufio.Reader) error {
	for {
		line, err := readLine(b)
		if len(bytes.TrimSpace(line)) > 0 {
			if t.Rows == MostRows {
				t.More = true
				return nil
			}
			t.Rows++
			var m map[string]json.RawMessage
			if json.Unmarshal(line, &m) != nil {
				t.Rows--
				t.Bad++
			} else {
				t.object(m)
			}
		}
		switch {
		case errors.Is(err, io.EOF):
			return nil
		case errors.Is(err, bufio.ErrTooLong):
			t.Bad++
		case err != nil:
			return errReading
		}
	}
}

// readLine reads a line; one that is too long is passed over with bufio.ErrTooLong.
func readLine(b *bufio.Reader) ([]byte, error) {
	var line []byte
	for {
		part, err := b.ReadSlice('\n')
		if len(line) <= longestRow {
			line = append(line, part...)
		}
		if errors.Is(err, bufio.ErrBufferFull) {
			continue
		}
		if len(line) > longestRow {
			if err == nil {
				err = bufio.ErrTooLong
			}
			return nil, err
		}
		return line, err
	}
}

// object looks at one line of JSON: a message, or a plain object of one row.
func (t *Table) object(m map[string]json.RawMessage) {
	name, event := textOf(m["event"]), m["event"] != nil
	switch textOf(m["type"]) {
	case "page", "screen":
		name, event = map[string]string{"page": "Page Viewed", "screen": "Screen Viewed"}[textOf(m["type"])], true
	}
	if event && sensible(name) {
		if e := t.event(name); e != nil {
			e.Seen++
			e.properties.members(m["properties"])
		}
	}
	if m["traits"] != nil {
		t.members(m["traits"])
	}
	wrapped := m["traits"] != nil || m["properties"] != nil || m["context"] != nil || textOf(m["type"]) != "" && (m["userId"] != nil || m["anonymousId"] != nil)
	for _, field := range sorted(m) {
		switch field {
		case "userId", "anonymousId", "messageId", "timestamp":
		case "type", "event":
			continue
		default:
			if wrapped {
				continue // the envelope of a message, and no facts
			}
		}
		t.member(field, m[field])
	}
}

func (t *Table) members(raw json.RawMessage) {
	var m map[string]json.RawMessage
	if json.Unmarshal(raw, &m) != nil {
		return
	}
	for _, name := range sorted(m) {
		t.member(name, m[name])
	}
}

func (t *Table) member(name string, raw json.RawMessage) {
	c := t.column(name)
	if c == nil || len(raw) == 0 {
		return
	}
	switch raw[0] {
	case 'n':
	case '"':
		c.add(strings.TrimSpace(textOf(raw)))
	case '[', '{':
		c.note(JSONShape(raw), 1)
	default:
		c.add(string(raw))
	}
}

// JSONShape says what a JSON value looks like: of a text its shape, of a list whether it could be the lines of an order.
func JSONShape(raw []byte) Shape {
	raw = bytes.TrimSpace(raw)
	if len(raw) == 0 {
		return Words
	}
	switch raw[0] {
	case '"':
		return ShapeOf(textOf(raw))
	case '[':
		if bytes.Contains(raw, []byte(`"product_id"`)) {
			return Items
		}
		return List
	case '{':
		return Object
	case 't', 'f':
		return Boolean
	}
	return ShapeOf(string(raw))
}

func textOf(raw json.RawMessage) string {
	var s string
	if json.Unmarshal(raw, &s) != nil {
		return ""
	}
	return s
}
