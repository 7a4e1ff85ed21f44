package identity

import "math"

// A sum of weights takes it that what strangers share by chance they share independently, and they do not: who lives in one
// village has one postcode, a household has one surname and one telephone. So it is learnt how often two strangers who share one
// thing share another, by how rare the first is, and where the first is shared the second weighs no more than that leaves it.
//
// Strangers are met where a value is so common that few of the pairs that have it can be one person's; what those few add is
// taken off. For rarer values, among which strangers cannot be told from matches, the rarest class that could be learnt speaks.

// rarities is how many classes of rarity are told apart: a class is a doubling.
const rarities = 24

// rarity is the class of so many bits.
func rarity(bits float32) int { return max(0, min(rarities-1, int(bits))) }

// company is, by earlier and later line, the most bits of the later one where the earlier is shared, by the earlier one's bits.
type company [][][rarities]float32

// unbounded is more bits than any value has.
const unbounded = 100

// items gives what a line compares exactly, for each record a number, and how many numbers there are.
func (r *records) items(line comparison) ([]int32, int) {
	cell := r.cell(line)
	switch {
	case cell < 0:
		return nil, 0
	case line.field < 0:
		return r.column(cell), len(r.names.words)
	}
	return r.column(cell), len(r.fields[line.field].values)
}

// keeps learns what keeps company with what.
func (r *records) keeps(md *model, d *draws) company {
	const (
		pairs  = 8000 // for each line
		common = 16   // times as many records as one person has
		safe   = 1.5  // times what matches are expected to add is taken off
		clear  = 4    // standard deviations above chance
	)
	mates := md.lambda * float64(r.n) // further records of a person
	if r.two {
		mates = md.lambda * float64(max(r.first, r.n-r.first))
	}
	shares := make([]float64, len(md.lines)) // how often matches share it
	usual := make([]float64, len(md.lines))  // how often strangers do
	for g, line := range md.lines {
		for _, l := range line.has {
			if line.tf[l] {
				shares[g] += md.m[g][l]
				usual[g] += md.u[g][l]
			}
		}
	}
	out := make(company, len(md.lines))
	var v vector
	for f, line := range md.lines {
		out[f] = make([][rarities]float32, len(md.lines))
		for g := range out[f] {
			for at := range rarities {
				out[f][g][at] = unbounded
			}
		}
		of, n := r.items(line)
		if n == 0 || f == len(md.lines)-1 {
			continue
		}
		start, members := grouped(of, n)
		var tried, shared, matches [most][rarities]float64
		for try, done := 0, 0; done < pairs && try < 20*pairs; try++ {
			i := int32(d.below(r.n))
			item := of[i]
			size := float64(start[item+1] - start[item])
			if item == 0 || size < common*(1+mates) {
				continue
			}
			j := members[int(start[item])+d.below(int(size))]
			if i == j || r.two && (int(i) < r.first) == (int(j) < r.first) {
				continue
			}
			done++
			r.compare(i, j, &v)
			at := rarity(v.bits[f])
			for g := f + 1; g < len(md.lines); g++ {
				l := v.level[g]
				if l == missing {
					continue
				}
				tried[g][at]++
				matches[g][at] += safe * mates * shares[f] / size
				if md.lines[g].tf[l] {
					shared[g][at]++
				}
			}
		}
		for g := f + 1; g < len(md.lines); g++ {
			last := float32(unbounded)
			for at := range rarities {
				if tried[g][at] >= 200 {
					strangers := tried[g][at] - matches[g][at]
					together := shared[g][at] - matches[g][at]*shares[g]
					last = unbounded
					if together > 2*usual[g]*strangers && together-usual[g]*strangers > clear*math.Sqrt(shared[g][at]) {
						last = float32(-math.Log2(together / strangers))
					}
				}
				out[f][g][at] = last
			}
		}
	}
	return out
}

// grouped gives the records of each number: those of n are members[start[n]:start[n+1]].
func grouped(of []int32, n int) (start, members []int32) {
	start = make([]int32, n+1)
	for _, v := range of {
		start[v+1]++
	}
	for v := range n {
		start[v+1] += start[v]
	}
	members = make([]int32, len(of))
	next := make([]int32, n)
	copy(next, start)
	for i, v := range of {
		members[next[v]] = int32(i)
		next[v]++
	}
	return start, members
}

// bound is the most bits that a line is worth in a comparison, for what is shared before it.
func (k company) bound(lines []comparison, c int, v *vector) float32 {
	bits := v.bits[c]
	if k == nil {
		return bits
	}
	for f := range c {
		if l := v.level[f]; l != missing && lines[f].tf[l] {
			bits = min(bits, k[f][c][rarity(v.bits[f])])
		}
	}
	return bits
}
