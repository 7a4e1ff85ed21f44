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
	keys     keys
}

// field is one column made comparable.
type field struct {
	name   string
	kind   Kind
	of     []int32 // for each record its value
	values []value
	words  []word // words of texts, areas of postcodes, local parts of addresses, ends of telephone numbers
	filled int
	newYr  float32 // dates: how much oftener the first of January is than any day should be
}

// value is one distinct standardised value of a field.
type value struct {
	text  string
	bits  float32 // how surprising it is that a record has it: log2 of records that say anything over those that say this
	count int32
	date  date
	words []int32 // ascending by how many records have them: the most telling first
	marks uint64  // of its letters, see marks
}

// word is a part of values that is compared by itself.
type word struct {
	text  string
	count int32
	bits  float32
}

// names holds the names of persons: parts in one dictionary, for a given name may stand as a surname.
type names struct {
	of     []int32
	values []name
	words  []nameWord
	rest   bool // some record has more than a given name and a surname
}

// name is one distinct name: a given name, a surname and what else there is, as words.
type name struct {
	given, surname int32
	rest           []int32
	count          int32
}

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
	r.keys = newKeys(r)
	return r
}

// newField reads one column of each table.
func newField(tables []*Table, c Recognised, n int) *field {
	f := &field{name: c.Column, kind: c.Kind, of: make([]int32, 0, n), values: make([]value, 1), words: make([]word, 1)}
	f.newYr = 1
	byText, byWord := map[string]int32{"": 0}, map[string]int32{}
	for _, t := range tables {
		col := &t.Columns[t.place(c.Column)]
		o := dayFirst
		if c.Kind == Birth {
			o = orderOf(col.Values)
		}
		to := make([]int32, len(col.Values))
		for i, raw := range col.Values {
			v := f.read(raw, o)
			at, ok := byText[v.text]
			if !ok {
				at = int32(len(f.values))
				byText[v.text] = at
				v.marks = marks(v.text)
				for _, w := range f.parts(v.text) {
					id, ok := byWord[w]
					if !ok {
						id = int32(len(f.words))
						byWord[w] = id
						f.words = append(f.words, word{text: w})
					}
					if !slices.Contains(v.words, id) {
						v.words = append(v.words, id)
					}
				}
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
			return value{text: d.text, date: d}
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
		for _, w := range v.words {
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
		slices.SortFunc(f.values[i].words, func(a, b int32) int { return int(f.words[a].count) - int(f.words[b].count) })
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
	byWord, byName := map[string]int32{"": 0}, map[string]int32{"": 0}
	word := func(w string) int32 {
		id, ok := byWord[w]
		if !ok {
			id = int32(len(p.words))
			byWord[w] = id
			p.words = append(p.words, nameWord{text: w, nick: byNickname[w], skeleton: skeleton(w), marks: marks(w)})
		}
		return id
	}
	for _, t := range tables {
		cols := make([]*Column, len(parts))
		split := make([][][]int32, len(parts)) // for each column and value its words
		for i, c := range parts {
			cols[i] = &t.Columns[t.place(columns[c].Column)]
			split[i] = make([][]int32, len(cols[i].Values))
			for j, raw := range cols[i].Values {
				for _, w := range nameWords(raw, columns[c].Kind) {
					split[i][j] = append(split[i][j], word(w))
				}
			}
		}
		key := make([]byte, 0, 4*len(parts))
		seen := map[string]int32{} // by the raw values' places
		for row := range t.Rows {
			key = key[:0]
			for _, c := range cols {
				at := c.Of[row]
				key = append(key, byte(at), byte(at>>8), byte(at>>16), byte(at>>24))
			}
			at, ok := seen[string(key)]
			if !ok {
				v := assemble(cols, split, columns, parts, row)
				own := v.key()
				if at, ok = byName[own]; !ok {
					at = int32(len(p.values))
					if own == "" {
						at = 0
					} else {
						p.values = append(p.values, v)
					}
					byName[own] = at
				}
				seen[string(key)] = at
			}
			p.of = append(p.of, at)
		}
	}
	p.count()
	return p
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

// assemble makes one name of a row's columns: given name and surname from their own columns, or the first and the last word of
// the whole; all other words are the rest.
func assemble(cols []*Column, split [][][]int32, columns []Recognised, parts []int, row int) name {
	var v name
	var all []int32
	haveGiven, haveSurname := false, false
	for i, c := range parts {
		words := split[i][cols[i].Of[row]]
		switch columns[c].Kind {
		case Given:
			haveGiven = true
			if len(words) > 0 && v.given == 0 {
				v.given = words[0]
			}
		case Surname:
			haveSurname = true
			if len(words) > 0 && v.surname == 0 {
				v.surname = words[len(words)-1]
			}
		}
	}
	for i, c := range parts {
		words := split[i][cols[i].Of[row]]
		if columns[c].Kind == FullName && len(words) > 0 {
			if !haveGiven && v.given == 0 {
				v.given = words[0]
			}
			if !haveSurname && v.surname == 0 && len(words) > 1 {
				v.surname = words[len(words)-1]
			}
		}
		all = append(all, words...)
	}
	for _, w := range all {
		if w != v.given && w != v.surname && !slices.Contains(v.rest, w) && len(v.rest) < 8 {
			v.rest = append(v.rest, w)
		}
	}
	slices.Sort(v.rest)
	return v
}

func (v *name) key() string {
	if v.given == 0 && v.surname == 0 && len(v.rest) == 0 {
		return ""
	}
	b := make([]byte, 0, 8+4*len(v.rest))
	put := func(w int32) { b = append(b, byte(w), byte(w>>8), byte(w>>16), byte(w>>24)) }
	put(v.given)
	put(v.surname)
	for _, w := range v.rest {
		put(w)
	}
	return string(b)
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
		for _, w := range v.rest {
			p.words[w].count += v.count
		}
		if len(v.rest) > 0 {
			rest += int(v.count)
		}
	}
	p.rest = rest*100 > any
	for i := 1; i < len(p.words); i++ {
		w := &p.words[i]
		w.bits, w.bitsGiven, w.bitsName = surprise(w.count, any), surprise(w.given, given), surprise(w.surname, surname)
	}
	for i := range p.values {
		slices.SortFunc(p.values[i].rest, func(a, b int32) int { return int(p.words[a].count) - int(p.words[b].count) })
	}
}
