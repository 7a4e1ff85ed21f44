package identity

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"unicode/utf8"

	"golang.org/x/text/encoding/unicode"
	"golang.org/x/text/transform"

	"github.com/rapporthq/rapport/fault"
)

// Table is one file of records: columns of text, each distinct value kept once.
type Table struct {
	Name    string // how the table is called in messages
	Columns []Column
	Rows    int
}

// Column is one column of a table.
type Column struct {
	Name   string
	Values []string // the distinct values; the first is the empty one
	Of     []int32  // for each row the place of its value in Values

	seen places
}

// NewTable is a table without rows. Columns are called by their place where a name is empty, and numbered where one comes again.
func NewTable(name string, columns []string) *Table {
	t := &Table{Name: name, Columns: make([]Column, len(columns))}
	for i, c := range columns {
		if c = strings.TrimSpace(c); c == "" {
			c = fmt.Sprintf("column %d", i+1)
		}
		for once, n := c, 2; slices.ContainsFunc(t.Columns[:i], func(was Column) bool { return plain(was.Name) == plain(c) }); n++ {
			c = fmt.Sprintf("%s %d", once, n)
		}
		t.Columns[i] = Column{Name: c, Values: []string{""}}
	}
	return t
}

// Add appends a row. Values that are missing at its end are empty; more values than columns are left out.
func (t *Table) Add(row []string) {
	for i := range t.Columns {
		v := ""
		if i < len(row) {
			v = strings.TrimSpace(row[i])
		}
		c := &t.Columns[i]
		at, known := int32(0), true
		if v != "" {
			at, known = c.seen.at(hashOf(v), len(c.Values), func(at int32) bool { return c.Values[at] == v })
		}
		if !known {
			c.Values = append(c.Values, strings.Clone(v)) // the row's own text may be one long string
		}
		c.Of = append(c.Of, at)
	}
	t.Rows++
}

// Arrange puts the rows in another order, given as the numbers of rows as they are now: as if they had been added so. Nothing may be added afterwards.
func (t *Table) Arrange(order []int32) {
	for i := range t.Columns {
		c := &t.Columns[i]
		values, of, renamed := make([]string, 1, len(c.Values)), make([]int32, len(order)), make([]int32, len(c.Values))
		for to, from := range order {
			was := c.Of[from]
			if was != 0 && renamed[was] == 0 {
				renamed[was] = int32(len(values))
				values = append(values, c.Values[was])
			}
			of[to] = renamed[was]
		}
		c.Values, c.Of, c.seen = values, of, places{}
	}
}

// longest is how many bytes of one value are kept: no value of a person is longer, and a file that is no CSV has such.
const longest = 1000

// ReadCSV reads a table from CSV with a header, separated by commas, semicolons or tabs. UTF-8 with or without a mark, UTF-16
// with one, and values in Windows-1252 among others are understood; quotes that are not closed are taken as they
// stand. Of a line no more than its first million bytes are read, of a value no more than its first thousand. Progress, if it is not nil, hears the rows read so far.
func ReadCSV(r io.Reader, name string, progress func(rows int)) (*Table, error) {
	rows := newRowReader(transform.NewReader(r, unicode.BOMOverride(transform.Nop)))
	head, err := rows.in.Peek(4096)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, fault.Wrap(fault.Invalid, name+" cannot be read.", err)
	}
	if bytes.IndexByte(head, 0) >= 0 {
		return nil, fault.New(fault.Invalid, name+" is no text: save it as CSV, in UTF-8.")
	}
	first, _, _ := strings.Cut(string(head), "\n")
	for _, c := range []byte(";\t|") {
		if strings.Count(first, string(c)) > strings.Count(first, string(rows.separator)) {
			rows.separator = c
		}
	}
	header, err := rows.read()
	if err != nil {
		return nil, fault.New(fault.Invalid, name+" has no header line: give it one, with a name for each column.")
	}
	names := make([]string, len(header))
	for i, h := range header {
		if !utf8.ValidString(h) {
			h = fromWindows(h)
		}
		names[i] = strings.Clone(h)
	}
	t := NewTable(name, names)
	for {
		row, err := rows.read()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, fault.Wrap(fault.Invalid, fmt.Sprintf("%s cannot be read after row %d.", name, t.Rows), err)
		}
		for i, v := range row {
			if len(v) > longest {
				row[i] = strings.ToValidUTF8(v[:longest], "")
			}
		}
		t.Add(row)
		if progress != nil && t.Rows&(1<<14-1) == 0 {
			progress(t.Rows)
		}
	}
	for i := range t.Columns {
		t.Columns[i].seen = places{}
	}
	return t, nil
}

// Column finds a column by its name, without regard to case and what separates words; nil where there is none.
func (t *Table) Column(name string) *Column {
	if at := t.place(name); at >= 0 {
		return &t.Columns[at]
	}
	return nil
}
