package identity

import (
	"math"
	"slices"
)

// A glance at two records tells which of their values are the same, and no more: one comparison of numbers for each field, on numbers
// that stand side by side. It settles most pairs that share a block by chance, so that only the others are compared letter by letter.

// row is what a record says, as numbers: where there are names, that of its name, its given name and its surname, then its values.
func (r *records) row(i int32) []int32 {
	return r.cells[int(i)*r.width : (int(i)+1)*r.width]
}

// asRows puts the columns of numbers side by side, and gives them up.
func (r *records) asRows() {
	r.base = 0
	if r.names != nil {
		r.base = 3
	}
	r.width = r.base + len(r.fields)
	r.cells = make([]int32, r.n*r.width)
	inParallel(r.n, func() func(from, to int32) {
		return func(from, to int32) {
			for i := from; i < to; i++ {
				row := r.row(i)
				if p := r.names; p != nil {
					v := &p.values[p.of[i]]
					row[0], row[1], row[2] = p.of[i], v.given, v.surname
				}
				for f := range r.fields {
					row[r.base+f] = r.fields[f].of[i]
				}
			}
		}
	})
	if r.names != nil {
		r.names.of = nil
	}
	for _, f := range r.fields {
		f.of = nil
	}
}

// cell is where in a row a line finds what it compares, or -1.
func (r *records) cell(line comparison) int {
	switch line.field {
	case -1:
		return 1
	case -2:
		return 2
	case -3:
		return -1
	}
	return r.base + line.field
}

// column gives one column of the rows.
func (r *records) column(cell int) []int32 {
	out := make([]int32, r.n)
	for i := range out {
		out[i] = r.cells[i*r.width+cell]
	}
	return out
}

// unlike is what it weighs by line that two values are not the same, however alike they may be.
func (md *model) unlike() []float32 {
	out := make([]float32, len(md.lines))
	for c := range out {
		out[c] = float32(math.Log2((1 - min(md.m[c][exact], 0.9999)) / (1 - min(md.u[c][exact], 0.9999))))
	}
	return out
}

// glanced is what a glance at two records that were compared gives.
func (md *model) glanced(v *vector, unlike []float32) float32 {
	s := float32(md.prior)
	for c, line := range md.lines {
		switch {
		case line.field == -3 || v.level[c] == missing:
		case v.level[c] != exact:
			s += unlike[c]
		default:
			s += md.weight[c][exact] + v.bits[c]
		}
	}
	return s
}

// glance looks at other records from one. Each worker has its own.
type glance struct {
	r      *records
	md     *model
	cells  []int // by line that is looked at
	unlike []float32
	like   []float32 // what it weighs that another's value is the same as this record's
	own    []int32
}

func (r *records) glance(md *model) *glance {
	g := &glance{r: r, md: md}
	unlike := md.unlike()
	for c, line := range md.lines {
		if cell := r.cell(line); cell >= 0 {
			g.cells, g.unlike = append(g.cells, cell), append(g.unlike, unlike[c])
		}
	}
	g.like, g.own = make([]float32, len(g.cells)), make([]int32, len(g.cells))
	return g
}

// from says which record looks.
func (g *glance) from(i int32) {
	row, at := g.r.row(i), 0
	for c, line := range g.md.lines {
		cell := g.r.cell(line)
		if cell < 0 {
			continue
		}
		bits, value := float32(0), row[cell]
		switch line.field {
		case -1:
			bits = g.r.names.words[value].bitsGiven
		case -2:
			bits = g.r.names.words[value].bitsName
		default:
			bits = g.r.fields[line.field].values[value].bits
		}
		g.own[at], g.like[at] = value, g.md.weight[c][exact]+bits
		at++
	}
}

// at looks at another record.
func (g *glance) at(j int32) float32 {
	row := g.r.row(j)
	s := float32(g.md.prior)
	for x, cell := range g.cells {
		switch other := row[cell]; {
		case other == 0 || g.own[x] == 0:
		case other == g.own[x]:
			s += g.like[x]
		default:
			s += g.unlike[x]
		}
	}
	return s
}

// bargain is what share of the matches may be given up unseen, and how many pairs that must save for each of them.
type bargain struct{ missed, worth float64 }

var (
	byBits   = bargain{0.001, 20_000} // to share too little in blocks saves a glance
	byGlance = bargain{0.0005, 2_000} // to be too unlike at a glance saves a comparison
)

// threshold finds how large a measure of pairs must be for a pair to be worth going on with: as large as leaves out many pairs, and
// few of the matches that are expected. What is left a little below is kept, for those of a sample are not all.
func (b bargain) threshold(measure []float32, match []float64, slack float32) float32 {
	order := make([]int32, len(measure))
	sum := 0.0
	for i := range order {
		order[i] = int32(i)
		sum += match[i]
	}
	slices.SortFunc(order, func(a, b int32) int {
		switch {
		case measure[a] < measure[b]:
			return -1
		case measure[a] > measure[b]:
			return 1
		}
		return int(a - b)
	})
	given, pairs, lost, enough := 0.0, 0.0, 0.0, float32(math.Inf(-1)) // given up in all; pairs and matches since the last threshold that paid
	for at, i := range order {
		given += match[i]
		lost += match[i]
		pairs++
		if given > b.missed*sum {
			break
		}
		if pairs >= b.worth*lost && at+1 < len(order) {
			pairs, lost, enough = 0, 0, measure[order[at+1]]
		}
	}
	return enough - slack
}
