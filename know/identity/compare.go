package identity

import (
	"math/bits"
	"strings"

	"github.com/rapporthq/rapport/know/identity/similar"
)

// The levels at which two values of one comparison can agree. Missing says nothing, for or against.
const (
	missing = iota
	exact
	variant   // a nickname, day and month swapped, one holds the other
	typo      // one edit
	near      // alike
	part      // the same area, local part, most telling word
	elsewhere // the same word, in another part of the name
	swapped   // given name and surname changed places
	initial   // one is the other's first letter
	imprecise // dates: the same year, one of them only a year
	year      // dates: the same year
	different
	levels
)

var levelNames = [levels]string{"missing", "exact", "variant", "one edit", "alike", "a part", "elsewhere", "swapped", "initial", "year alone", "same year", "different"}

// most is how many comparisons two records can have; further columns are not looked at (recognise says so).
const most = 24

// vector is how two records compare: for each comparison a level, and how surprising what they share is.
type vector struct {
	level [most]uint8
	bits  [most]float32
}

// comparison is one line of a score.
type comparison struct {
	name  string
	field int       // of records.fields, or which part of the name: -1 given, -2 surname, -3 the rest
	has   []uint8   // the levels that can occur, apart from missing
	tf    []bool    // by level: what is shared has a frequency of its own
	start []float64 // by level: where learning begins
	own   bool      // it is a person's own for life and no household's: a given name, a date of birth, a number
}

func levelsOf(kind Kind) []uint8 {
	switch kind {
	case Given:
		return []uint8{exact, variant, typo, near, elsewhere, swapped, initial, different}
	case Surname:
		return []uint8{exact, typo, near, elsewhere, swapped, initial, different}
	case Middle:
		return []uint8{exact, part, near, initial, different}
	case Birth:
		return []uint8{exact, variant, typo, imprecise, part, year, different}
	case Email:
		return []uint8{exact, typo, part, near, different}
	case Phone, Postcode:
		return []uint8{exact, typo, part, different}
	case Code:
		return []uint8{exact, typo, near, different}
	case Number:
		return []uint8{exact, typo, different}
	case Category:
		return []uint8{exact, different}
	}
	return []uint8{exact, variant, typo, part, near, different}
}

// comparisons are the lines of a score over these records.
func (r *records) comparisons() []comparison {
	var out []comparison
	add := func(name string, field int, kind Kind) {
		if len(out) == most {
			return
		}
		c := comparison{name: name, field: field, has: levelsOf(kind), tf: make([]bool, levels), start: make([]float64, levels)}
		c.tf[exact], c.tf[swapped], c.tf[elsewhere] = true, true, true
		c.tf[part] = kind != Birth
		c.tf[variant] = kind != Birth && kind != Given
		for _, l := range c.has {
			c.start[l] = 0.2 / float64(len(c.has)-1)
		}
		c.start[exact] = 0.8
		c.own = kind == Given || kind == Birth || kind == Code
		out = append(out, c)
	}
	if r.names != nil {
		add("given name", -1, Given)
		add("surname", -2, Surname)
		if r.names.rest {
			add("other names", -3, Middle)
		}
	}
	for i, f := range r.fields {
		add(f.name, i, f.kind)
	}
	return out
}

// compare fills the vector of two records.
func (r *records) compare(i, j int32, v *vector) {
	x, y := r.row(i), r.row(j)
	at := 0
	if p := r.names; p != nil {
		at = 2
		if p.rest {
			at = 3
		}
		p.compare(x[0], y[0], v)
	}
	for k, f := range r.fields[:min(len(r.fields), most-at)] {
		v.level[at], v.bits[at] = f.compare(x[r.base+k], y[r.base+k])
		at++
	}
}

// marks has a bit for each letter and figure that a text has, whatever its place and number. Comparing marks settles most
// comparisons: an edit changes at most two of them.
func marks(s string) uint64 {
	m := uint64(0)
	for _, c := range s {
		switch {
		case c >= 'a' && c <= 'z':
			m |= 1 << (c - 'a')
		case c >= '0' && c <= '9':
			m |= 1 << (26 + c - '0')
		default:
			m |= 1 << (36 + c%28)
		}
	}
	return m
}

// within is similar.Within where the marks do not say that more than k edits are needed.
func within(a string, ma uint64, b string, mb uint64, k int) int {
	if bits.OnesCount64(ma^mb) > 2*k || len(a)-len(b) > 4*k || len(b)-len(a) > 4*k {
		return k + 1
	}
	return similar.Within(a, b, k)
}

// alikeAt says whether the Jaro-Winkler similarity is at least so much; marks that only one of both has are letters that cannot
// be common.
func alikeAt(a string, ma uint64, b string, mb uint64, least float64) bool {
	la, lb := float64(len(a)), float64(len(b))
	common := min(la-float64(bits.OnesCount64(ma&^mb)), lb-float64(bits.OnesCount64(mb&^ma)))
	if jaro := (common/la + common/lb + 1) / 3; jaro+0.4*(1-jaro) < least {
		return false
	}
	return similar.JaroWinkler(a, b) >= least
}

func (f *field) compare(a, b int32) (uint8, float32) {
	if a == 0 || b == 0 {
		return missing, 0
	}
	x := &f.values[a]
	if a == b {
		return exact, x.bits
	}
	y := &f.values[b]
	switch f.kind {
	case Birth:
		return compareDates(x, y, f.newYr), 0
	case Category:
		return different, 0
	case Number:
		if len(x.text) > 1 && len(y.text) > 1 && within(x.text, x.marks, y.text, y.marks, 1) == 1 {
			return typo, 0
		}
		return different, 0
	case Code:
		switch d := within(x.text, x.marks, y.text, y.marks, 2); {
		case d == 1 && max(len(x.text), len(y.text)) > 3:
			return typo, 0
		case d <= 2 && max(len(x.text), len(y.text)) > 5:
			return near, 0
		}
		return different, 0
	case Postcode, Phone:
		if w := f.sharedPart(x, y); w > 0 {
			if f.kind == Postcode && within(x.text, x.marks, y.text, y.marks, 1) == 1 {
				return typo, 0
			}
			return part, f.words[w].bits
		}
		if within(x.text, x.marks, y.text, y.marks, 1) == 1 && len(x.text) > 3 {
			return typo, 0
		}
		return different, 0
	case Email:
		if w := f.sharedPart(x, y); w > 0 {
			return part, f.words[w].bits
		}
		switch d := within(x.text, x.marks, y.text, y.marks, 2); {
		case d > 2 || otherFigures(x.text, y.text): // ann.lee7@ and ann.lee8@ are two people more often than one who slipped
			return different, 0
		case d == 1:
			return typo, 0
		}
		return near, 0
	}
	return f.compareTexts(x, y)
}

// otherFigures says whether two texts differ in their figures.
func otherFigures(a, b string) bool {
	i, j := 0, 0
	for {
		for i < len(a) && (a[i] < '0' || a[i] > '9') {
			i++
		}
		for j < len(b) && (b[j] < '0' || b[j] > '9') {
			j++
		}
		if i == len(a) || j == len(b) {
			return i < len(a) || j < len(b)
		}
		if a[i] != b[j] {
			return true
		}
		i++
		j++
	}
}

// sharedPart is the word that both values begin with in their lists, or 0: the area of a postcode, the local part of an address.
func (f *field) sharedPart(x, y *value) int32 {
	if a, b := f.wordsOf(x), f.wordsOf(y); len(a) > 0 && len(b) > 0 && a[0] == b[0] {
		return a[0]
	}
	return 0
}

// compareTexts compares places, streets and other words.
func (f *field) compareTexts(x, y *value) (uint8, float32) {
	if longer := max(len(x.text), len(y.text)); longer > 3 {
		if d := within(x.text, x.marks, y.text, y.marks, 2); d == 1 || d == 2 && longer > 7 {
			return typo, 0
		}
	}
	shared, at := 0, int32(0)
	ours, theirs := f.wordsOf(x), f.wordsOf(y)
	for _, w := range ours { // the most telling first
		for _, u := range theirs {
			if w == u {
				if shared == 0 {
					at = w
				}
				shared++
			}
		}
	}
	if shared > 0 {
		if shared == len(ours) || shared == len(theirs) {
			return variant, f.words[at].bits
		}
		if f.words[at].bits > 4 {
			return part, f.words[at].bits
		}
	}
	if alikeAt(x.text, x.marks, y.text, y.marks, 0.88) {
		return near, 0
	}
	return different, 0
}

func compareDates(a, b *value, newYr float32) uint8 {
	x, y := a.date, b.date
	same := 0
	if x.year == y.year {
		same++
	}
	if x.month == y.month {
		same++
	}
	if x.day == y.day {
		same++
	}
	switch {
	case x.year == y.year && x.month == y.day && x.day == y.month:
		return variant
	case x.year == y.year && (x.month == 0 || y.month == 0 || newYr > 4 && (x.month == 1 && x.day == 1 || y.month == 1 && y.day == 1)):
		return imprecise
	case within(a.text, a.marks, b.text, b.marks, 1) == 1:
		return typo
	case same == 2:
		return part
	case x.year == y.year:
		return year
	}
	return different
}

// compare fills the first two or three places of the vector.
func (p *names) compare(a, b int32, v *vector) {
	v.level[0], v.level[1] = missing, missing
	if p.rest {
		v.level[2] = missing
	}
	if a == 0 || b == 0 {
		return
	}
	x, y := &p.values[a], &p.values[b]
	if x.given != 0 && x.given == y.surname && x.surname == y.given && x.given != x.surname {
		v.level[0], v.bits[0] = swapped, p.words[x.given].bits
		v.level[1], v.bits[1] = swapped, p.words[x.surname].bits
	} else {
		v.level[0], v.bits[0] = p.compareGiven(x, y)
		v.level[1], v.bits[1] = p.compareSurnames(x, y)
	}
	if p.rest {
		v.level[2], v.bits[2] = p.compareRest(x, y)
	}
}

func (p *names) has(v *name, w int32) bool {
	if w == v.given || w == v.surname {
		return true
	}
	for _, u := range p.restOf(v) {
		if u == w {
			return true
		}
	}
	return false
}

func (p *names) compareGiven(x, y *name) (uint8, float32) {
	switch {
	case x.given == 0 || y.given == 0:
		return missing, 0
	case x.given == y.given:
		return exact, p.words[x.given].bitsGiven
	}
	g, h := &p.words[x.given], &p.words[y.given]
	if nicknamed(g.nick, h.nick) {
		return variant, 0
	}
	if l := alike(g, h); l != different {
		return l, 0
	}
	if bits, found := p.astray(x, x.given, y, y.given); found {
		return elsewhere, bits
	}
	return different, 0
}

// astray finds a word of one name anywhere in the other, and gives the bits of the more telling: the middle name by which one goes, or a
// surname in the wrong place.
func (p *names) astray(x *name, of int32, y *name, to int32) (bits float32, found bool) {
	at := int32(0)
	if p.has(y, of) {
		at = of
	}
	if p.has(x, to) && (at == 0 || p.words[to].bits > p.words[at].bits) {
		at = to
	}
	if at == 0 {
		return 0, false
	}
	return p.words[at].bits, true
}

// alike says how two words of names are alike that are not the same.
func alike(g, h *nameWord) uint8 {
	a, b := g.text, h.text
	if len(a) > len(b) {
		a, b = b, a
	}
	if len(a) == 1 {
		if b[0] == a[0] {
			return initial
		}
		return different
	}
	if len(b) > 2 && within(g.text, g.marks, h.text, h.marks, 1) == 1 {
		return typo
	}
	if len(a) > 2 && g.skeleton == h.skeleton && len(g.skeleton) > 2 || len(a) > 2 && strings.HasPrefix(b, a) || len(a) > 4 && alikeAt(g.text, g.marks, h.text, h.marks, 0.9) {
		return near
	}
	return different
}

func (p *names) compareSurnames(x, y *name) (uint8, float32) {
	switch {
	case x.surname == 0 || y.surname == 0:
		return missing, 0
	case x.surname == y.surname:
		return exact, p.words[x.surname].bitsName
	}
	if bits, found := p.astray(x, x.surname, y, y.surname); found {
		return elsewhere, bits
	}
	return alike(&p.words[x.surname], &p.words[y.surname]), 0
}

func (p *names) compareRest(x, y *name) (uint8, float32) {
	ours, theirs := p.restOf(x), p.restOf(y)
	if len(ours) == 0 || len(theirs) == 0 {
		return missing, 0
	}
	telling, shared := float32(0), 0
	for _, w := range ours {
		for _, u := range theirs {
			if w == u {
				if shared == 0 {
					telling = p.words[w].bits
				}
				shared++
			}
		}
	}
	switch {
	case shared == len(ours) && shared == len(theirs):
		return exact, telling
	case shared > 0:
		return part, telling
	}
	best := uint8(different)
	for _, w := range ours {
		for _, u := range theirs {
			switch l := alike(&p.words[w], &p.words[u]); l {
			case typo, near:
				return near, 0
			case initial:
				best = initial
			}
		}
	}
	return best, 0
}
