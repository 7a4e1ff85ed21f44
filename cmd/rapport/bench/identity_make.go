package bench

import (
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"strconv"
)

// Records as FEBRL's generator makes them (Christen 2005): values drawn from its own files, and errors whose kinds and shares are
// those counted between the two files of its fourth set.

// flaw is how often a field is changed, and how: shares of a thousand of edits, other values, the other field's value, and nothing.
type flaw struct {
	field                         string
	often                         int
	edit, other, exchanged, empty int
	with                          string // the field with which it is exchanged
}

var flaws = []flaw{
	{"given_name", 341, 450, 330, 130, 90, "surname"},
	{"surname", 326, 600, 230, 130, 40, "given_name"},
	{"street_number", 155, 650, 150, 0, 200, ""},
	{"address_1", 383, 760, 90, 80, 70, "address_2"},
	{"address_2", 431, 650, 60, 70, 220, "address_1"},
	{"suburb", 245, 740, 210, 0, 50, ""},
	{"postcode", 156, 950, 50, 0, 0, ""},
	{"state", 49, 480, 280, 0, 240, ""},
	{"date_of_birth", 89, 260, 480, 0, 260, ""},
	{"soc_sec_id", 88, 560, 440, 0, 0, ""},
}

// changes is how often, of a thousand, so many fields less one of a record are changed.
var changes = []int{298, 338, 231, 96, 30, 7}

// vocabulary is what FEBRL's records are drawn from: each column as it stands in its file, so that what is frequent is drawn often.
type vocabulary struct {
	header []string
	values [][]string // by column after the id
	flaws  []flaw     // by column after the id
	total  int
}

func readVocabulary() (*vocabulary, error) {
	rows, err := readCSV(filepath.Join(dataDir(), "febrl4", "dataset4a.csv"))
	if err != nil {
		return nil, err
	}
	v := &vocabulary{header: rows[0]}
	for c, name := range v.header[1:] {
		column := make([]string, 0, len(rows)-1)
		for _, row := range rows[1:] {
			column = append(column, row[c+1])
		}
		v.values = append(v.values, column)
		at := -1
		for i := range flaws {
			if flaws[i].field == name {
				at = i
			}
		}
		if at < 0 {
			return nil, fmt.Errorf("dataset4a.csv has a column %s that its errors are not known of", name)
		}
		v.flaws = append(v.flaws, flaws[at])
		v.total += flaws[at].often
	}
	return v, nil
}

// draw draws a value of a column. Dates and numbers of persons are new ones, the others are drawn as often as they stand in the file.
func (v *vocabulary) draw(c int, rng *rand.Rand) string {
	was := v.values[c][rng.IntN(len(v.values[c]))]
	switch {
	case was == "":
		return ""
	case v.flaws[c].field == "date_of_birth":
		return fmt.Sprintf("%04d%02d%02d", 1900+rng.IntN(100), 1+rng.IntN(12), 1+rng.IntN(28))
	case v.flaws[c].field == "soc_sec_id":
		return fmt.Sprintf("%07d", 1_000_000+rng.IntN(9_000_000))
	}
	return was
}

func (v *vocabulary) person(rng *rand.Rand) []string {
	row := make([]string, len(v.header))
	for c := range v.values {
		row[c+1] = v.draw(c, rng)
	}
	return row
}

// again is the person's record with errors.
func (v *vocabulary) again(row []string, rng *rand.Rand) []string {
	out := append([]string(nil), row...)
	many, n := rng.IntN(1000), 1
	for i, share := range changes {
		if many < share {
			n = i + 1
			break
		}
		many -= share
	}
	done := map[int]bool{}
	for len(done) < n {
		at, c := rng.IntN(v.total), 0
		for at >= v.flaws[c].often {
			at -= v.flaws[c].often
			c++
		}
		if done[c] {
			continue
		}
		done[c] = true
		f := v.flaws[c]
		switch kind := rng.IntN(1000); {
		case kind < f.edit:
			for range 1 + rng.IntN(20)/18 { // one in ten twice
				out[c+1] = edited(out[c+1], rng)
			}
		case kind < f.edit+f.other:
			out[c+1] = v.draw(c, rng)
		case kind < f.edit+f.other+f.exchanged:
			for d := range v.flaws {
				if v.flaws[d].field == f.with {
					out[c+1], out[d+1] = out[d+1], out[c+1]
				}
			}
		default:
			out[c+1] = ""
		}
	}
	return out
}

// edited is the text with one letter or figure left out, put in, replaced, or exchanged with the next.
func edited(s string, rng *rand.Rand) string {
	if s == "" {
		return s
	}
	at := rng.IntN(len(s))
	letter := byte('a' + rng.IntN(26))
	if s[at] >= '0' && s[at] <= '9' {
		letter = byte('0' + rng.IntN(10))
	}
	b := []byte(s)
	switch kind := rng.IntN(4); {
	case kind == 0 && len(s) > 1:
		return s[:at] + s[at+1:]
	case kind == 1:
		return s[:at] + string(letter) + s[at:]
	case kind == 2 && at+1 < len(s) && s[at] != s[at+1]:
		b[at], b[at+1] = b[at+1], b[at]
	default:
		b[at] = letter
	}
	return string(b)
}

// twoFiles are n people, and each again with errors in a second file.
func (v *vocabulary) twoFiles(n int, seed uint64) *people {
	rng := rand.New(rand.NewPCG(seed, 4))
	var a, b [][]string
	for i := range n {
		row := v.person(rng)
		row[0] = strconv.Itoa(i)
		a, b = append(a, row), append(b, v.again(row, rng))
	}
	inNoOrder(a, seed+100)
	inNoOrder(b, seed+200)
	p := &people{header: v.header, files: [][][]string{a, b}}
	p.takeTruth()
	return p
}

// oneFile is n records, a fifth of which are earlier ones with errors.
func (v *vocabulary) oneFile(n int, seed uint64) *people {
	rng := rand.New(rand.NewPCG(seed, 4))
	rows := make([][]string, 0, n)
	for i := range n {
		var row []string
		if i < n/5*4 {
			row = v.person(rng)
			row[0] = strconv.Itoa(i)
		} else {
			row = v.again(rows[rng.IntN(n/5*4)], rng)
		}
		rows = append(rows, row)
	}
	inNoOrder(rows, seed+100)
	p := &people{header: v.header, files: [][][]string{rows}}
	p.takeTruth()
	return p
}

// takeTruth takes the person out of the column of ids and puts numbers of rows there.
func (p *people) takeTruth() {
	for _, rows := range p.files {
		for i, row := range rows {
			p.truth = append(p.truth, row[0])
			row[0] = strconv.Itoa(i + 1)
		}
	}
}

// inNoOrder puts rows in another order.
func inNoOrder(rows [][]string, seed uint64) {
	rng := rand.New(rand.NewPCG(seed, 9))
	rng.Shuffle(len(rows), func(i, j int) { rows[i], rows[j] = rows[j], rows[i] })
}
