package identity

import (
	"bufio"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
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

	seen map[string]int32
}

// NewTable is a table without rows. Columns are called by their place where a name is empty.
func NewTable(name string, columns []string) *Table {
	t := &Table{Name: name, Columns: make([]Column, len(columns))}
	for i, c := range columns {
		if c = strings.TrimSpace(c); c == "" {
			c = fmt.Sprintf("column %d", i+1)
		}
		t.Columns[i] = Column{Name: c, Values: []string{""}, seen: map[string]int32{"": 0}}
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
		at, ok := c.seen[v]
		if !ok {
			at = int32(len(c.Values))
			v = strings.Clone(v) // the row's own text may be one long string
			c.Values = append(c.Values, v)
			c.seen[v] = at
		}
		c.Of = append(c.Of, at)
	}
	t.Rows++
}

// longest is how many bytes of one value are kept: no value of a person is longer, and a file that is no CSV has such.
const longest = 1000

// ReadCSV reads a table from CSV with a header, separated by commas, semicolons or tabs. UTF-8 with or without a mark, UTF-16
// with one, and values in Windows-1252 among others are understood; quotes that are not closed properly are taken as they
// stand. Progress, if it is not nil, hears the rows read so far.
func ReadCSV(r io.Reader, name string, progress func(rows int)) (*Table, error) {
	in := bufio.NewReaderSize(transform.NewReader(r, unicode.BOMOverride(transform.Nop)), 1<<16)
	head, err := in.Peek(4096)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, fault.Wrap(fault.Invalid, name+" cannot be read.", err)
	}
	first, _, _ := strings.Cut(string(head), "\n")
	rows := csv.NewReader(in)
	rows.FieldsPerRecord, rows.LazyQuotes, rows.ReuseRecord, rows.TrimLeadingSpace = -1, true, true, true
	for _, c := range ";\t|" {
		if strings.Count(first, string(c)) > strings.Count(first, string(rows.Comma)) {
			rows.Comma = c
		}
	}
	header, err := rows.Read()
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
		row, err := rows.Read()
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
		t.Columns[i].seen = nil
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
