package identity

import (
	"math"
	"slices"
	"strings"
	"sync"
)

// records are the rows of the tables made comparable: the first table's rows, then the second's. Values are numbered; 0 is
// nothing said.
type records struct {
	n, first int // rows in all, and of the first table
	two      bool
	names    *names // nil where no column is a part of a name
	fields   []*field
	cells    []int32 // what the records say, see row
	width    int     // of a row
	base     int     // where in a row the fields begin
	keys     keys
}

// field is one column made comparable.
type field struct {
	name   string
	kind   Kind
	of     []int32 // for each record its value, until it is in the rows
	values []value
	words  []word  // words of texts, areas of postcodes, local parts of addresses, ends of telephone numbers; the first is none
	lists  []int32 // of all values one after the other, see wordsOf
	filled int
	newYr  float32 // dates: how much oftener the first of January is than any day should be
}

// value is one distinct standardised value of a field.
type value struct {
	text     string
	marks    uint64  // of its letters, see marks
	bits     float32 // how surprising it is that a record has it: log2 of records that say anything over those that say this
	count    int32
	from, to uint32 // its words in the field's lists
	date     day
}

// day is a date without its text.
type day struct {
	year       int16
	month, day int8
}

// wordsOf are the words of a value, ascending by how many records have them: the most telling first.
func (f *field) wordsOf(v *value) []int32 { return f.lists[v.from:v.to] }

// word is a part of values that is compared by itself.
type word struct {
	text  string
	count int32
	bits  float32
}

// names holds the names of persons: parts in one dictionary, for a given name may stand as a surname.
type names struct {
	of     []int32 // for each record its name, until it is in the rows
	values []name
	words  []nameWord
	lists  []int32 // of all names one after the other, see restOf
	rest   bool    // some record has more than a given name and a surname
}

// name is one distinct name: a given name, a surname and what else there is, as words.
type name struct {
	given, surname int32
	count          int32
	from, to       uint32 // its other words in the lists
}

// restOf are the words of a name that are neither given name nor surname, ascending by how many records have them.
func (p *names) restOf(v *name) []int32 { return p.lists[v.from:v.to] }

// nameWord is a word of names with how many records have it anywhere, as given name and as surname.
type nameWord struct {
	text                      string
	count, given, surname     int32
	bits, bitsGiven, bitsName float32
	nick                      []int16
	skeleton                  string
	marks                     uint64
}

// standardise makes the records of the tables.
func standardise(tables []*Table, columns []Recognised) *records {
	r := &records{first: tables[0].Rows, two: len(tables) > 1}
	for _, t := range tables {
		r.n += t.Rows
	}
	var parts []int
	var all sync.WaitGroup
	fields := make([]*field, len(columns))
	for i, c := range columns {
		switch c.Kind {
		case ID, Ignored:
		case Given, Surname, FullName, Middle:
			parts = append(parts, i)
		default:
			all.Go(func() { fields[i] = newField(tables, c, r.n) })
		}
	}
	if len(parts) > 0 {
		all.Go(func() { r.names = newNames(tables, columns, parts, r.n) })
	}
	all.Wait()
	for _, f := range fields {
		if f != nil && f.filled > 0 && len(f.values) > 2 {
			r.fields = append(r.fields, f)
		}
	}
	r.asRows()
	return r
}

// newField reads one column of each table.
func newField(tables []*Table, c Recognised, n int) *field {
	f := &field{name: c.Column, kind: c.Kind, of: make([]int32, 0, n), values: make([]value, 1), words: make([]word, 1)}
	f.newYr = 1
	var byText, byWord places
	for _, t := range tables {
		col := &t.Columns[t.place(c.Column)]
		o := dayFirst
		if c.Kind == Birth {
			o = orderOf(col.Values)
		}
		to := make([]int32, len(col.Values))
		for i, raw := range col.Values {
			v := f.read(raw, o)
			if v.text == "" {
				continue
			}
			at, known := byText.at(hashOf(v.text), len(f.values), func(at int32) bool { return f.values[at].text == v.text })
			if !known {
				v.marks = marks(v.text)
				v.from = uint32(len(f.lists))
				for _, w := range f.parts(v.text) {
					id, known := byWord.at(hashOf(w), len(f.words), func(at int32) bool { return f.words[at].text == w })
					if !known {
						f.words = append(f.words, word{text: w})
					}
					if !slices.Contains(f.lists[v.from:], id) {
						f.lists = append(f.lists, id)
					}
				}
				v.to = uint32(len(f.lists))
				f.values = append(f.values, v)
			}
			to[i] = at
		}
		for _, at := range col.Of {
			f.of = append(f.of, to[at])
		}
	}
	f.count()
	return f
}

// place is where a table has the column, or -1: the tables may order theirs differently.
func (t *Table) place(name string) int {
	for i := range t.Columns {
		if plain(t.Columns[i].Name) == plain(name) {
			return i
		}
	}
	return -1
}

// read standardises one value.
func (f *field) read(raw string, o order) value {
	switch f.kind {
	case Birth:
		if d, ok := parseDate(raw, o); ok {
			return value{text: d.text, date: day{int16(d.year), int8(d.month), int8(d.day)}}
		}
		return value{}
	case Phone:
		d := strings.TrimLeft(digits(raw), "0")
		if len(d) < 5 {
			return value{}
		}
		return value{text: d}
	case Email:
		v := strings.ToLower(strings.TrimSpace(raw))
		if !strings.Contains(v, "@") {
			v = said(v)
		}
		return value{text: v}
	case Postcode, Code, Number:
		v := strings.ReplaceAll(said(raw), " ", "")
		if f.kind != Number && strings.Trim(v, "0") == "" {
			v = ""
		}
		return value{text: v}
	}
	return value{text: said(raw)}
}

// parts are what of a value is compared, and looked up, by itself.
func (f *field) parts(text string) []string {
	switch f.kind {
	case Place, Street, Text:
		return strings.Fields(text)
	case Postcode: // the outward code, or all but the last figures
		switch n := len(text); {
		case n >= 5 && text[0] >= 'a':
			return []string{text[:n-3]}
		case n >= 4:
			return []string{text[:n-2]}
		}
	case Email:
		if local, _, ok := strings.Cut(text, "@"); ok {
			return []string{local}
		}
	case Phone:
		if len(text) > 7 {
			return []string{text[len(text)-7:]}
		}
	}
	return nil
}

// count counts values and words, and finds how surprising each is.
func (f *field) count() {
	for _, at := range f.of {
		f.values[at].count++
	}
	f.filled = len(f.of) - int(f.values[0].count)
	january, days := 0, 0
	for i := range f.values {
		if i == 0 {
			continue
		}
		v := &f.values[i]
		v.bits = surprise(v.count, f.filled)
		for _, w := range f.wordsOf(v) {
			f.words[w].count += v.count
		}
		if f.kind == Birth && v.date.month > 0 {
			days += int(v.count)
			if v.date.month == 1 && v.date.day == 1 {
				january += int(v.count)
			}
		}
	}
	for i := 1; i < len(f.words); i++ {
		f.words[i].bits = surprise(f.words[i].count, f.filled)
	}
	for i := range f.values {
		slices.SortFunc(f.wordsOf(&f.values[i]), func(a, b int32) int { return int(f.words[a].count) - int(f.words[b].count) })
	}
	if days > 0 {
		f.newYr = float32(january) / float32(days) * 365
	}
}

// surprise is log2 of n over count.
func surprise(count int32, n int) float32 {
	if count <= 0 || n <= 0 {
		return 0
	}
	return float32(math.Log2(float64(n) / float64(count)))
}

// newNames reads the columns that hold names.
func newNames(tables []*Table, columns []Recognised, parts []int, n int) *names {
	p := &names{of: make([]int32, 0, n), values: make([]name, 1), words: make([]nameWord, 1)}
	var byWord, byName places
	word := func(w string) int32 {
		id, known := byWord.at(hashOf(w), len(p.words), func(at int32) bool { return p.words[at].text == w })
		if !known {
			p.words = append(p.words, nameWord{text: w, nick: byNickname[w], skeleton: skeleton(w), marks: marks(w)})
		}
		return id
	}
	for _, t := range tables {
		cols := make([]*Column, len(parts))
		kinds := make([]Kind, len(parts))
		split := make([][][]int32, len(parts)) // for each column and value its words
		for i, c := range parts {
			cols[i], kinds[i] = &t.Columns[t.place(columns[c].Column)], columns[c].Kind
			split[i] = make([][]int32, len(cols[i].Values))
			for j, raw := range cols[i].Values {
				for _, w := range nameWords(raw, kinds[i]) {
					split[i][j] = append(split[i][j], word(w))
				}
			}
		}
		own := make([][]int32, len(parts))
		var rest []int32
		for row := range t.Rows {
			for i, c := range cols {
				own[i] = split[i][c.Of[row]]
			}
			var v name
			if v.given, v.surname, rest = assemble(own, kinds, rest[:0]); v.given == 0 && v.surname == 0 && len(rest) == 0 {
				p.of = append(p.of, 0)
				continue
			}
			hash := mixed(mixed(0, v.given), v.surname)
			for _, w := range rest {
				hash = mixed(hash, w)
			}
			at, known := byName.at(hash, len(p.values), func(at int32) bool {
				u := &p.values[at]
				return u.given == v.given && u.surname == v.surname && slices.Equal(p.restOf(u), rest)
			})
			if !known {
				v.from = uint32(len(p.lists))
				p.lists = append(p.lists, rest...)
				v.to = uint32(len(p.lists))
				p.values = append(p.values, v)
			}
			p.of = append(p.of, at)
		}
	}
	p.count()
	return p
}

// mixed takes one more number into a hash (the mixing of SplitMix64).
func mixed(hash uint64, with int32) uint64 {
	d := draws{hash ^ uint64(uint32(with))}
	return d.next()
}

// nameWords are the words of a name without titles. "Clifford, Thomas" in one column is turned.
func nameWords(raw string, kind Kind) []string {
	text := said(raw)
	if kind == FullName {
		if last, first, ok := strings.Cut(raw, ","); ok && !strings.Contains(strings.TrimSpace(last), " ") && first != "" {
			if f := said(first); f != "" && !titles[f] {
				text = f + " " + said(last)
			}
		}
	}
	words := strings.Fields(text)
	return slices.DeleteFunc(words, func(w string) bool { return titles[w] })
}

// assemble makes one name of a row's words by column: given name and surname from their own columns, or the first and the last word
// of the whole; all other words are the rest, which is appended to what is given.
func assemble(words [][]int32, kinds []Kind, rest []int32) (given, surname int32, _ []int32) {
	haveGiven, haveSurname := false, false
	for i, own := range words {
		switch kinds[i] {
		case Given:
			haveGiven = true
			if len(own) > 0 && given == 0 {
				given = own[0]
			}
		case Surname:
			haveSurname = true
			if len(own) > 0 && surname == 0 {
				surname = own[len(own)-1]
			}
		}
	}
	for i, own := range words {
		if kinds[i] == FullName && len(own) > 0 {
			if !haveGiven && given == 0 {
				given = own[0]
			}
			if !haveSurname && surname == 0 && len(own) > 1 {
				surname = own[len(own)-1]
			}
		}
	}
	for _, own := range words {
		for _, w := range own {
			if w != given && w != surname && !slices.Contains(rest, w) && len(rest) < 8 {
				rest = append(rest, w)
			}
		}
	}
	slices.Sort(rest)
	return given, surname, rest
}

func (p *names) count() {
	for _, at := range p.of {
		p.values[at].count++
	}
	var given, surname, any int
	rest := 0
	for i := 1; i < len(p.values); i++ {
		v := &p.values[i]
		any += int(v.count)
		if v.given > 0 {
			p.words[v.given].given += v.count
			p.words[v.given].count += v.count
			given += int(v.count)
		}
		if v.surname > 0 {
			p.words[v.surname].surname += v.count
			surname += int(v.count)
			if v.surname != v.given {
				p.words[v.surname].count += v.count
			}
		}
		for _, w := range p.restOf(v) {
			p.words[w].count += v.count
		}
		if v.to > v.from {
			rest += int(v.count)
		}
	}
	p.rest = rest*100 > any
	for i := 1; i < len(p.words); i++ {
		w := &p.words[i]
		w.bits, w.bitsGiven, w.bitsName = surprise(w.count, any), surprise(w.given, given), surprise(w.surname, surname)
	}
	for i := range p.values {
		slices.SortFunc(p.restOf(&p.values[i]), func(a, b int32) int { return int(p.words[a].count) - int(p.words[b].count) })
	}
}
