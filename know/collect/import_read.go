package collect

import (
	"bytes"
	"io"
	"strconv"
	"strings"
	"unicode/utf8"

	"golang.org/x/text/encoding/charmap"

	"github.com/rapporthq/rapport/charter"
	"github.com/rapporthq/rapport/fault"
)

const (
	blockSize   = 512 << 10 // bytes of a file that are parsed and accepted together
	longestLine = 256 << 10 // bytes: more is no line of a message
	mostRows    = 2000      // of a block
)

// layout is what the beginning of a file tells about it.
type layout struct {
	csv     bool
	comma   byte
	columns []string // as the import names them
	taken   []bool   // of an items file with Import.Columns: the columns that it names; nil: all
	whole   []bool   // ids of a file with Import.Columns: "17850.0" is "17850"
	number  bool     // a last column is the line's number
	body    int64    // where the first line begins that is not the header
	key     []bool   // of ordered rows: the columns that the rows of one order have in common
	ordered bool     // the rows are lines of orders: product_id, and not a column that holds them all
}

// block is a piece of a file, cut at the end of a line.
type block struct {
	data      []byte
	firstLine int64 // number of its first line, from 1
	lastLine  int64 // number of the last line that is whole in it
	end       int64 // offset after it
	tooLong   bool  // it is one line that is too long to be read

	parsed chan struct{}
	batch  Batch
	items  []Line
	bad    []Problem
	lines  int64
	latin  int64
}

// open reads the beginning: byte order mark, CSV or JSON Lines, the header.
func (r *run) open() (*layout, error) {
	head := make([]byte, min(r.size, 64<<10))
	if _, err := r.file.ReadAt(head, 0); err != nil && err != io.EOF {
		return nil, fault.Wrap(fault.Invalid, "The file cannot be read: check that it is there and yours to read.", err)
	}
	if bytes.HasPrefix(head, []byte{0xff, 0xfe}) || bytes.HasPrefix(head, []byte{0xfe, 0xff}) {
		return nil, fault.New(fault.Invalid, "The file is UTF-16: save it as UTF-8 and import it again.")
	}
	l := &layout{}
	rest := bytes.TrimPrefix(head, []byte("\xef\xbb\xbf"))
	l.body = int64(len(head) - len(rest))
	first := bytes.TrimLeft(rest, " \t\r\n")
	if len(first) == 0 || first[0] == '{' {
		if len(r.Columns) > 0 && len(first) > 0 {
			return nil, fault.New(fault.Invalid, "The file is JSON Lines, and --map is for the columns of CSV: rename the members in the file.")
		}
		return l, nil
	}
	if first[0] == '[' {
		return nil, fault.New(fault.Invalid, "The file is one JSON list: write one object on each line (JSON Lines) and import it again.")
	}
	l.csv = true
	l.body += int64(len(rest) - len(first))
	end := bytes.IndexByte(first, '\n')
	if end < 0 {
		if int64(len(head)) < r.size {
			return nil, fault.New(fault.Invalid, "The file's first line is longer than 64 KB: a CSV file begins with the names of its columns.")
		}
		end = len(first) - 1
	}
	header := first[:end+1]
	l.body += int64(len(header))
	l.comma = separator(header)
	fields, ok := splitRow(bytes.TrimRight(header, "\r\n"), l.comma)
	if !ok {
		return nil, fault.New(fault.Invalid, "The file's first line has an open quote: a CSV file begins with the names of its columns.")
	}
	for _, f := range fields {
		name, _ := readable(f)
		l.columns = append(l.columns, strings.TrimSpace(name))
	}
	if err := l.rename(r.Columns, r.As); err != nil {
		return nil, err
	}
	l.ordered = r.As == Events && contains(l.columns, "product_id")
	if c := r.Gate.parts.Charters().Current(); c != nil {
		for _, e := range c.Events {
			if p := itemsProperty(e); p != "" && contains(l.columns, p) {
				l.ordered = false
			}
		}
		if l.ordered {
			l.key = orderColumns(l.columns, c)
		}
	}
	return l, nil
}

// orderColumns says which columns the rows of one order have in common: all but those of its lines, and but those that no event of the charter declares,
// such as a product's description, which fall anyway.
func orderColumns(columns []string, c *charter.Charter) []bool {
	key := make([]bool, len(columns))
	for i, name := range columns {
		if lineColumn(name) {
			continue
		}
		key[i] = envelope(name) || columnRole(name) != ""
		for _, e := range c.Events {
			key[i] = key[i] || e.Properties[strings.TrimPrefix(name, "properties.")] != nil
		}
	}
	return key
}

// rename gives columns the names that Import.Columns says.
func (l *layout) rename(columns map[string]string, as Kind) error {
	if len(columns) == 0 {
		return nil
	}
	known, renamed := map[string]bool{LineNumber: true}, map[string]bool{}
	for _, c := range l.columns {
		known[c] = true
	}
	for from, to := range columns {
		switch {
		case !known[from]:
			return fault.New(fault.Invalid, "The file has no column "+from+"; it has "+strings.Join(l.columns[:min(len(l.columns), 30)], ", ")+".")
		case renamed[to]:
			return fault.New(fault.Invalid, "Two columns are to be "+to+"; name one.")
		}
		renamed[to] = true
	}
	if columns[LineNumber] != "" {
		l.columns, l.number = append(l.columns, LineNumber), true
	}
	l.whole = make([]bool, len(l.columns))
	if as == Items {
		l.taken = make([]bool, len(l.columns))
	}
	for i, c := range l.columns {
		to := columns[c]
		if to == "" {
			if renamed[c] { // another column has taken its name
				l.columns[i] = c + " (as it was)"
			}
			continue
		}
		l.columns[i] = to
		l.whole[i] = to == "userId" || to == "anonymousId" || to == "product_id" || to == "order_id" || (as == Items && to == "id")
		if l.taken != nil {
			l.taken[i] = true
		}
	}
	return nil
}

// renamed brings a row's cells to what rename made of the columns: ids that a spreadsheet wrote as decimals are whole again.
func (l *layout) renamed(fields [][]byte, number int64) [][]byte {
	if l.number {
		for len(fields) < len(l.columns)-1 {
			fields = append(fields, nil)
		}
		fields = append(fields, strconv.AppendInt(nil, number, 10))
	}
	for i, f := range fields {
		if i < len(l.whole) && l.whole[i] {
			if whole, ok := bytes.CutSuffix(bytes.TrimSpace(f), []byte(".0")); ok && len(whole) > 0 && len(bytes.Trim(whole, "0123456789")) == 0 {
				fields[i] = whole
			}
		}
	}
	return fields
}

// separator is what separates the columns of a header: the most frequent of comma, semicolon and tab.
func separator(header []byte) byte {
	best, most := byte(','), bytes.Count(header, []byte{','})
	for _, c := range []byte{';', '\t'} {
		if n := bytes.Count(header, []byte{c}); n > most {
			best, most = c, n
		}
	}
	return best
}

// readable gives the text of bytes: UTF-8, or Windows-1252 where it is none, and says so.
func readable(b []byte) (text string, latin bool) {
	if utf8.Valid(b) {
		return string(b), false
	}
	out, err := charmap.Windows1252.NewDecoder().Bytes(b)
	if err != nil {
		return strings.ToValidUTF8(string(b), "?"), true
	}
	return string(out), true
}

// cutter cuts a file into blocks.
type cutter struct {
	from   io.ReaderAt
	layout *layout
	offset int64
	size   int64
	line   int64 // number of the line at offset
}

func (r *run) cutter() *cutter {
	c := &cutter{from: r.file, layout: r.layout, offset: r.layout.body, size: r.size, line: 1}
	if c.layout.csv {
		c.line = 2
	}
	if r.at.Offset > c.offset {
		c.offset, c.line = r.at.Offset, r.at.Line+1
	}
	return c
}

// next gives the next block, io.EOF at the end.
func (c *cutter) next() (*block, error) {
	for room := int64(blockSize); ; room *= 2 {
		left := c.size - c.offset
		if left <= 0 {
			return nil, io.EOF
		}
		data := make([]byte, min(room, left))
		if n, err := c.from.ReadAt(data, c.offset); n < len(data) {
			if err == nil || err == io.EOF {
				err = io.ErrUnexpectedEOF
			}
			return nil, err
		}
		last := int64(len(data)) == left
		cut, lines := c.cut(data, last)
		if cut == 0 && room <= longestLine*2 {
			continue
		}
		b := &block{firstLine: c.line}
		if cut == 0 {
			// One line, or what an open quote makes one, is too long: pass over its first line alone.
			b.tooLong = true
			cut, lines = c.passLine(data)
		} else {
			b.data = data[:cut]
		}
		c.offset += int64(cut)
		c.line += lines
		b.end, b.lastLine = c.offset, c.line-1
		return b, nil
	}
}

// cut says how much of data is whole rows, at most mostRows of them and never a part of an order, and how many lines
// that is.
func (c *cutter) cut(data []byte, last bool) (end int, lines int64) {
	var key, before []byte
	groupEnd, groupLines := 0, int64(0) // up to the beginning of the order that the last row belongs to
	rows, i := 0, 0
	for i < len(data) {
		n, inner, whole := c.layout.rowEnd(data[i:], last)
		if !whole {
			break
		}
		if c.layout.ordered {
			fields, _ := splitRow(bytes.TrimRight(data[i:i+n], "\r\n"), c.layout.comma)
			key = c.layout.orderKey(key[:0], fields)
			if !bytes.Equal(key, before) {
				groupEnd, groupLines = i, lines
				before = append(before[:0], key...)
			}
		} else {
			groupEnd, groupLines = i, lines
		}
		if rows >= mostRows && groupEnd == i {
			return i, lines
		}
		rows++
		i += n
		lines += inner
	}
	if c.layout.ordered && !(last && i == len(data)) && groupEnd > 0 {
		return groupEnd, groupLines
	}
	return i, lines
}

// rowEnd is the length of the first row of data with its line end, how many lines it is, and whether all of it is
// there; last says that nothing follows data. A quoted field of CSV may hold line ends: a quote that stays open to the
// end, or for longer than a line may be, or closes in the middle of a field, is a slip of the hand: its line stands
// alone, and the next is read as if nothing had happened.
func (l *layout) rowEnd(data []byte, last bool) (n int, lines int64, whole bool) {
	first := bytes.IndexByte(data, '\n')
	if first < 0 {
		return len(data), 1, last
	}
	if !l.csv || bytes.IndexByte(data[:first], '"') < 0 {
		return first + 1, 1, true
	}
	quoted, lines := false, int64(1)
	for i, b := range data {
		switch {
		case b == '"':
			quoted = !quoted
		case b == '\n' && !quoted:
			if lines > 1 {
				if _, ok := splitRow(bytes.TrimRight(data[:i], "\r"), l.comma); !ok {
					return first + 1, 1, true
				}
			}
			return i + 1, lines, true
		case b == '\n':
			if i > longestLine {
				return first + 1, 1, true
			}
			lines++
		}
	}
	switch {
	case last && !quoted:
		if _, ok := splitRow(data, l.comma); !ok && lines > 1 {
			return first + 1, 1, true
		}
		return len(data), lines, true
	case last || len(data) > longestLine:
		return first + 1, 1, true
	}
	return len(data), lines, false
}

// passLine passes over the line at the beginning, however long it is.
func (c *cutter) passLine(data []byte) (int, int64) {
	if i := bytes.IndexByte(data, '\n'); i >= 0 {
		return i + 1, 1
	}
	n := len(data)
	more := make([]byte, 64<<10)
	for int64(n) < c.size-c.offset {
		k, _ := c.from.ReadAt(more, c.offset+int64(n))
		if k == 0 {
			break
		}
		if i := bytes.IndexByte(more[:k], '\n'); i >= 0 {
			return n + i + 1, 1
		}
		n += k
	}
	return n, 1
}

// splitRow splits a row of CSV; ok is false when a quote stays open or stands where none may.
func splitRow(row []byte, comma byte) (fields [][]byte, ok bool) {
	for {
		if len(row) > 0 && row[0] == '"' {
			field, rest, ok := quotedField(row[1:])
			if !ok || (len(rest) > 0 && rest[0] != comma) {
				return nil, false
			}
			fields = append(fields, field)
			if len(rest) == 0 {
				return fields, true
			}
			row = rest[1:]
			continue
		}
		i := bytes.IndexByte(row, comma)
		if i < 0 {
			return append(fields, row), true
		}
		fields = append(fields, row[:i])
		row = row[i+1:]
	}
}

// quotedField reads up to the closing quote; two quotes are one.
func quotedField(row []byte) (field, rest []byte, ok bool) {
	from := 0
	for {
		i := bytes.IndexByte(row[from:], '"')
		if i < 0 {
			return nil, nil, false
		}
		field = append(field, row[from:from+i]...)
		from += i + 1
		if from < len(row) && row[from] == '"' {
			field = append(field, '"')
			from++
			continue
		}
		return field, row[from:], true
	}
}
