package identity

import (
	"math"
	"slices"
	"sync"
)

// model is what the engine has learnt about the records, without a label: for each comparison and level how often it occurs
// between two records of one person (m) and of two (u), and the share of all pairs that are one person's. The weight of a level
// is log2(m/u); where what is shared has a frequency of its own (a surname, a postcode) that takes the place of u. A pair's score
// is the log2 odds that it is one person: the prior and the weights added up (Fellegi and Sunter 1969; Winkler 1988 for learning
// by expectation and maximisation).
type model struct {
	lines  []comparison
	m, u   [][]float64
	weight [][]float32 // by line and level
	lambda float64     // the share of pairs that are matches
	prior  float64     // log2 odds of it
	rounds int
	enough float32 // bits shared in blocks below which matches are too few to look for
	likely float32 // the same at a glance, as it scores
	keeps  company // what strangers share together

	// Relatives: pairs of two persons who share what a household or a village shares. The class is there where the records show it.
	h    [][]float64 // by line and level, as m
	over [][]float32 // log2(h/m)
	kin  float64     // log2 of relatives over strangers among all pairs; -Inf where there are none
}

// sampled is how many pairs are drawn at random to learn what records of two persons share.
const sampled = 300_000

// chance counts how often each level occurs between random pairs.
func (r *records) chance(lines []comparison, d *draws) [][]float64 {
	u := make([][]float64, len(lines))
	for c := range lines {
		u[c] = make([]float64, levels)
	}
	pairs := make([][2]int32, 0, sampled)
	for range min(sampled, 40*r.n) {
		if i, j := r.pair(d); i != j {
			pairs = append(pairs, [2]int32{i, j})
		}
	}
	var mu sync.Mutex
	inParallel(len(pairs), func() func(from, to int32) {
		var v vector
		var own [most][levels]float64
		return func(from, to int32) {
			own = [most][levels]float64{}
			for _, p := range pairs[from:to] {
				r.compare(p[0], p[1], &v)
				for c := range lines {
					own[c][v.level[c]]++
				}
			}
			mu.Lock()
			for c := range lines {
				for l, n := range own[c][:] { // whole numbers: the order of adding changes nothing
					u[c][l] += n
				}
			}
			mu.Unlock()
		}
	})
	for c := range lines {
		said := 0.0
		for _, l := range lines[c].has {
			said += u[c][l]
		}
		for _, l := range lines[c].has {
			u[c][l] = (u[c][l] + 0.5) / (said + 0.5*float64(len(lines[c].has)))
		}
	}
	return u
}

// pair draws two records that might be linked.
func (r *records) pair(d *draws) (i, j int32) {
	if r.two {
		return int32(d.below(max(1, r.first))), int32(r.first + d.below(max(1, r.n-r.first)))
	}
	return int32(d.below(r.n)), int32(d.below(r.n))
}

// sample is compared pairs to learn from.
type sample struct {
	vectors []vector
	free    []uint32  // by pair: the sources that some block in which it met does not rest on
	bits    []float32 // by pair: what it shares in blocks
	asked   int       // records whose pairs these are
	space   float64   // the pairs among which these were found
}

// draw compares records, in the order given, with all that share blocks with them, or, by a model where one is given, enough of them,
// until there are enough pairs, or enough matches among them.
func (r *records) draw(order []int32, md *model) sample {
	const pairs, matches = 250_000, 10_000
	const together = 2 * chunk // records asked at once
	limit := 2 * r.limit()
	others := float64(r.n - 1)
	if r.two {
		others = float64(r.n - r.first)
	}
	seekers := sync.Pool{New: func() any { return r.seeker(md) }}
	var s sample
	found := 0 // pairs that are as likely as not, at least
	for len(order) > 0 && len(s.vectors) < pairs && found < matches {
		asked := order[:min(len(order), together)]
		order = order[len(asked):]
		own := make([]sample, (len(asked)+chunk-1)/chunk)
		inParallel(len(asked), func() func(from, to int32) {
			return func(from, to int32) {
				seek := seekers.Get().(*seeker)
				defer seekers.Put(seek)
				o := &own[from/chunk]
				for _, i := range asked[from:to] {
					for _, m := range seek.seek(i, true, limit) {
						var v vector
						r.compare(i, m.record, &v)
						o.vectors = append(o.vectors, v)
						o.free = append(o.free, m.free)
						o.bits = append(o.bits, m.bits)
					}
				}
			}
		})
		for _, o := range own { // in their order, whoever was faster
			s.vectors, s.free, s.bits = append(s.vectors, o.vectors...), append(s.free, o.free...), append(s.bits, o.bits...)
			for i := range o.vectors {
				if md != nil && md.score(&o.vectors[i]) > 0 {
					found++
				}
			}
		}
		s.asked += len(asked)
		s.space += float64(len(asked)) * others
	}
	return s
}

// source is the source of keys that a comparison reads.
func (r *records) source(c comparison) int {
	if c.field < 0 {
		return 0
	}
	if r.names != nil {
		return c.field + 1
	}
	return c.field
}

// study learns a model: from all pairs that meet in blocks of a sample of the records; then, where that was few of the records,
// from those pairs of many more that share enough.
func (r *records) study() *model {
	d := &draws{uint64(r.n)} // the same answer each time
	lines := r.comparisons()
	order := d.order(r.asking())
	md := &model{lines: lines, u: r.chance(lines, d), likely: float32(math.Inf(-1))}
	s := r.draw(order, nil)
	learn := func(relatives bool) bool {
		md.begin(r.n, relatives)
		r.learn(md, s, relatives)
		return !relatives || md.related()
	}
	relatives := learn(true)
	if !relatives {
		learn(false)
	}
	md.keeps = r.keeps(md, d)
	if !learn(relatives) {
		learn(false)
	}
	md.choose(s)
	if s.asked < len(order) {
		s = r.draw(order[s.asked:], md)
		r.learn(md, s, false)
		md.choose(s) // now that there are more matches to judge by
	}
	return md
}

// begin sets where learning begins: matches agree nearly everywhere, relatives in about half of what is not their own, and both are few.
func (md *model) begin(n int, relatives bool) {
	md.lambda, md.kin = 1/float64(2*n), math.Inf(-1)
	if relatives {
		md.kin = math.Log2(2 * md.lambda)
	}
	md.m, md.h = make([][]float64, len(md.lines)), make([][]float64, len(md.lines))
	md.weight, md.over = make([][]float32, len(md.lines)), make([][]float32, len(md.lines))
	for c, line := range md.lines {
		md.m[c], md.h[c] = slices.Clone(line.start), make([]float64, levels)
		for _, l := range line.has {
			md.h[c][l] = md.middle(c, l)
		}
		md.weight[c], md.over[c] = make([]float32, levels), make([]float32, levels)
	}
	md.weigh()
}

// middle is half way from matches to strangers; nearly a stranger's where it is a person's own.
func (md *model) middle(c int, level uint8) float64 {
	share := 0.5
	if md.lines[c].own {
		share = 0.1
	}
	return share*md.lines[c].start[level] + (1-share)*md.u[c][level]
}

func (md *model) hasKin() bool { return !math.IsInf(md.kin, -1) }

// related says whether what was learnt of relatives is of such: in some lines they share as matches do, and in two at least, where
// matches agree, they are strangers, one of them a person's own where there are such. Else the class has taken the poorer ones of
// the matches, or those who moved, and is given up.
func (md *model) related() bool {
	shared, own, said, apart := 0, 0, 0, 0
	for c, line := range md.lines {
		among := func(p []float64) float64 { // agreement beyond chance: 0 is a stranger's
			return 1 - p[different]/md.u[c][different]
		}
		if line.own && among(md.m[c]) >= 0.5 {
			said++
		}
		switch {
		case among(md.m[c]) < 0.5:
		case among(md.h[c]) < 0.15:
			own++
			if line.own {
				apart++
			}
		case among(md.h[c]) > 0.5:
			shared++
		}
	}
	return shared > 0 && own > 1 && (apart > 0 || said == 0)
}

// learn estimates m and the share of matches from the sample, u being known, and the same of relatives where that is asked for. A
// comparison learns only from pairs that some other column brought together: those that it brought itself agree on it by choice of
// ours.
func (r *records) learn(md *model, s sample, relatives bool) {
	live := make([]int32, len(s.vectors)) // the pairs that may be something
	for i := range live {
		live[i] = int32(i)
	}
	post, kin := make([]float64, len(live)), make([]float64, len(live))
	bits := make([]uint32, len(md.lines))
	for c, line := range md.lines {
		bits[c] = 1 << r.source(line)
	}
	for md.rounds = 0; md.rounds < 100; md.rounds++ {
		inParallel(len(live), func() func(from, to int32) {
			return func(from, to int32) {
				for i := from; i < to; i++ { // matches, relatives and strangers are as 2^odds, 2^related and 1
					odds, related := md.odds(&s.vectors[live[i]])
					match, relative := exp2(odds), exp2(related)
					post[i], kin[i] = match/(match+relative+1), relative/(match+relative+1)
				}
			}
		})
		sum, kinSum := 0.0, 0.0
		var ours, theirs [most][levels]float64 // by line and level: matches and relatives
		for i, at := range live {
			p, k := post[i], kin[i]
			sum += p
			kinSum += k
			if p+k < 1e-9 {
				continue
			}
			for c := range md.lines {
				if l := s.vectors[at].level[c]; l != missing && s.free[at]&bits[c] != 0 {
					ours[c][l] += p
					theirs[c][l] += k
				}
			}
		}
		for c, line := range md.lines {
			const prior = 50 // pairs as at the beginning
			all, kinAll := float64(prior), float64(prior)
			for _, l := range line.has {
				all += ours[c][l]
				kinAll += theirs[c][l]
			}
			for _, l := range line.has {
				md.m[c][l] = (ours[c][l] + prior*line.start[l]) / all
				if relatives {
					md.h[c][l] = (theirs[c][l] + prior*md.middle(c, l)) / kinAll
				}
			}
		}
		if md.rounds == 3 { // what is far from both by now will be neither, and most pairs are
			n := 0
			for i, at := range live {
				if post[i]+kin[i] > 1e-6 {
					live[n] = at
					n++
				}
			}
			live = live[:n]
		}
		was := md.lambda
		md.lambda = max(sum, 0.5) / max(s.space, 1)
		if relatives {
			md.kin = math.Log2(max(kinSum, 0.5) / max(s.space, 1))
		}
		md.weigh()
		if md.rounds > 5 && math.Abs(md.lambda/was-1) < 1e-3 {
			break
		}
	}
}

func (md *model) weigh() {
	for c := range md.lines {
		for _, l := range md.lines[c].has {
			w := math.Log2(md.m[c][l])
			if !md.lines[c].tf[l] {
				w -= math.Log2(md.u[c][l])
			}
			md.weight[c][l] = float32(w)
			md.over[c][l] = float32(math.Log2(md.h[c][l] / md.m[c][l]))
		}
	}
	md.prior = math.Log2(md.lambda / (1 - md.lambda))
}

// choose finds, by a sample, how much a pair must share in blocks, and at a glance, to be compared; never less than was asked of the
// pairs of the sample.
func (md *model) choose(s sample) {
	match, glanced := make([]float64, len(s.vectors)), make([]float32, len(s.vectors))
	unlike := md.unlike()
	for i := range s.vectors {
		match[i], glanced[i] = probability(md.score(&s.vectors[i])), md.glanced(&s.vectors[i], unlike)
	}
	md.enough = max(md.enough, byBits.threshold(s.bits, match, 1))
	md.likely = max(md.likely, byGlance.threshold(glanced, match, 1))
}

// odds are log2 of how probable it is that the two are one person's, and relatives', both over strangers.
func (md *model) odds(v *vector) (match, relatives float64) {
	s, k := float32(md.prior), float32(md.kin-md.prior)
	for c := range md.lines {
		s += md.part(c, v)
		k += md.over[c][v.level[c]]
	}
	return float64(s), float64(s + k)
}

// score is the log2 odds that the two records compared are one person's.
func (md *model) score(v *vector) float64 {
	match, relatives := md.odds(v)
	return match - beside(relatives)
}

// beside is what the chance of being relatives takes off a score: log2(1 + 2^odds).
func beside(relatives float64) float64 {
	if relatives < -20 {
		return 0
	}
	return math.Log2(1 + exp2(relatives))
}

// part is what one comparison adds to the score.
func (md *model) part(c int, v *vector) float32 {
	l := v.level[c]
	w := md.weight[c][l]
	if !md.lines[c].tf[l] {
		return w
	}
	return w + md.keeps.bound(md.lines, c, v)
}

// probability turns log2 odds into one.
func probability(odds float64) float64 { return 1 / (1 + math.Exp2(-odds)) }
