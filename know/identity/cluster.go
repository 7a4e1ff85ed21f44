package identity

import (
	"cmp"
	"container/heap"
	"math"
	"slices"
	"sync"
)

// Clusters are grown from records by joining, again and again, the two clusters that most probably are one person, until no two
// probably are. Whether two clusters are is not asked of one pair, nor of the mean of all pairs, but of the clusters as such: each
// record is taken as a copy, with errors, of something that the person's other records copy too. How well a record fits a cluster
// is, for each field, how probable its value is as a copy of the value of one of the cluster's records, any of them, against a
// stranger's having it:
//
//	S(r, C) = sum over fields of log2( mean over c in C of m/u at (r, c) )
//
// so that a wrong birthplace on one card does not count against a person whose other cards agree, and a surname that is on one of
// twenty cards counts for a twentieth. The score of two clusters is the prior and the mean of S over the records of the smaller
// one. For two single records it is their score as a pair. Scores are log2 odds, so clusters are cut at 0, as likely as not; no
// label and no setting chooses that.
//
// Against chains, in which each record is a good copy of the one before and the ends are two people, the larger side is asked as well: where
// its records fit the smaller side on average as badly as only strangers do, the two are not joined.

// pair is two records, the lower number first, and their score.
type pair struct {
	a, b  int32
	score float32
}

// graph is the pairs by record.
type graph struct {
	start []int64
	to    []tie
}

// tie is one end of a pair: the other record, or the cluster that has it.
type tie struct {
	to    int32
	score float32
}

func newGraph(n int, pairs []pair) *graph {
	g := &graph{start: make([]int64, n+1), to: make([]tie, 2*len(pairs))}
	for _, p := range pairs {
		g.start[p.a+1]++
		g.start[p.b+1]++
	}
	for i := range n {
		g.start[i+1] += g.start[i]
	}
	next := slices.Clone(g.start)
	for _, p := range pairs {
		g.to[next[p.a]] = tie{p.b, p.score}
		next[p.a]++
		g.to[next[p.b]] = tie{p.a, p.score}
		next[p.b]++
	}
	return g
}

func (g *graph) of(i int32) []tie { return g.to[g.start[i]:g.start[i+1]] }

// speaking is how many records of a cluster speak for it: the cost of two clusters is at most its square.
const speaking = 32

// strangers is the score that hardly two records of one person have.
const strangers = -14

// hope is the score that one pair between two clusters must have for the clusters to be looked at.
const hope = -3

// growing is clusters on the way, among records that hang together by pairs that score above hope; there are as many such as there
// are islands, and each grows by itself. Clusters are numbered from 0: the records first, in their order. Each joining makes a new
// number, so that what the queue holds of the two old ones is known to be stale.
type growing struct {
	r      *records
	md     *model
	parent []int32   // by cluster: what it was joined into, or itself
	of     [][]int32 // by cluster: its records
	near   [][]tie   // by cluster: its neighbours
	queue  joins
	times  [][levels]float64 // by line and level: h over m
	left   fit
	right  fit
}

// join is two clusters that probably are one person.
type join struct {
	score float32
	a, b  int32
}

type joins []join

func (q joins) Len() int { return len(q) }
func (q joins) Less(i, j int) bool {
	if q[i].score != q[j].score {
		return q[i].score > q[j].score
	}
	return q[i].a < q[j].a || q[i].a == q[j].a && q[i].b < q[j].b
}
func (q joins) Swap(i, j int) { q[i], q[j] = q[j], q[i] }

// Push appends; container/heap asks for it.
func (q *joins) Push(x any) { *q = append(*q, x.(join)) }

// Pop takes the last; container/heap asks for it.
func (q *joins) Pop() any {
	old := *q
	x := old[len(old)-1]
	*q = old[:len(old)-1]
	return x
}

func (c *growing) find(a int32) int32 { return root(c.parent, a) }

// root finds the last of those into which a was joined.
func root(parent []int32, a int32) int32 {
	for parent[a] != a {
		parent[a] = parent[parent[a]]
		a = parent[a]
	}
	return a
}

// grow clusters the records by their pairs: for each record the number of one of its cluster.
func (r *records) grow(md *model, g *graph) []int32 {
	cluster, parent := make([]int32, r.n), make([]int32, r.n)
	for i := range int32(r.n) {
		cluster[i], parent[i] = i, i
	}
	for i := range int32(r.n) {
		for _, t := range g.of(i) {
			if a, b := root(parent, i), root(parent, t.to); t.score > hope && a != b {
				parent[max(a, b)] = min(a, b)
			}
		}
	}
	for i := range parent {
		parent[i] = root(parent, int32(i))
	}
	start, members := grouped(parent, r.n)
	var islands []int32
	for i := range r.n {
		if start[i+1]-start[i] > 1 {
			islands = append(islands, int32(i))
		}
	}
	place := parent // by record: its place in its island
	for _, i := range islands {
		for at, of := range members[start[i]:start[i+1]] {
			place[of] = int32(at)
		}
	}
	times := make([][levels]float64, len(md.lines))
	for l := range md.lines {
		for _, level := range md.lines[l].has {
			times[l][level] = md.h[l][level] / md.m[l][level]
		}
	}
	workers := sync.Pool{New: func() any { return &growing{r: r, md: md, times: times} }}
	each(len(islands), func(x int) {
		c := workers.Get().(*growing)
		defer workers.Put(c)
		i := islands[x]
		c.settle(g, members[start[i]:start[i+1]], place, cluster)
	})
	return cluster
}

// settle grows the clusters of one island.
func (c *growing) settle(g *graph, island, place, cluster []int32) {
	c.parent, c.of, c.near, c.queue = c.parent[:0], c.of[:0], c.near[:0], c.queue[:0]
	for at, i := range island {
		c.parent, c.of = append(c.parent, int32(at)), append(c.of, island[at:at+1:at+1])
		var near []tie
		for _, t := range g.of(i) {
			if t.score <= hope {
				continue
			}
			to := place[t.to]
			near = append(near, tie{to, t.score})
			if to > int32(at) && t.score > Cut {
				c.queue = append(c.queue, join{t.score, int32(at), to})
			}
		}
		c.near = append(c.near, near)
	}
	heap.Init(&c.queue)
	for len(c.queue) > 0 {
		j := heap.Pop(&c.queue).(join)
		if c.parent[j.a] == j.a && c.parent[j.b] == j.b {
			c.join(j.a, j.b)
		}
	}
	for id, of := range c.of {
		for _, i := range of { // those of clusters that were joined are nil
			cluster[i] = c.of[id][0]
		}
	}
}

func (c *growing) join(a, b int32) {
	id := int32(len(c.parent))
	c.parent = append(c.parent, id)
	c.of = append(c.of, append(c.of[a], c.of[b]...))
	c.parent[a], c.parent[b] = id, id
	near := append(c.near[a], c.near[b]...)
	c.near[a], c.near[b], c.of[a], c.of[b] = nil, nil, nil, nil
	out := near[:0]
	for _, t := range near {
		if t.to = c.find(t.to); t.to != id {
			out = append(out, t)
		}
	}
	slices.SortFunc(out, func(x, y tie) int { return cmp.Compare(x.to, y.to) })
	out = slices.CompactFunc(out, func(x, y tie) bool { return x.to == y.to })
	c.near = append(c.near, out)
	for _, t := range out {
		if s := c.agree(c.of[id], c.of[t.to]); s > Cut {
			heap.Push(&c.queue, join{s, min(id, t.to), max(id, t.to)})
		}
	}
}

// fit gathers how well each record of one side fits the other: for each field the sum of m/u over the other side's records that
// say something, the same of relatives, and their number.
type fit struct {
	match, kin, count [speaking][most]float64
}

func (f *fit) clear(n int) {
	for i := range n {
		f.match[i], f.kin[i], f.count[i] = [most]float64{}, [most]float64{}, [most]float64{}
	}
}

// mean is the mean of S over the first n records, each less what is taken off because it may be a relative's.
func (f *fit) mean(n int, md *model) float64 {
	total := 0.0
	for i := range n {
		match, kin := 0.0, 0.0
		for l := range md.lines {
			if k := f.count[i][l]; k > 0 {
				match += math.Log2(f.match[i][l] / k)
				if md.hasKin() {
					kin += math.Log2(f.kin[i][l] / k)
				}
			}
		}
		total += match - beside(md.kin+kin)
	}
	return total / float64(n)
}

// agree is the score of two clusters.
func (c *growing) agree(a, b []int32) float32 {
	a, b = speakers(a), speakers(b)
	if len(a) > len(b) {
		a, b = b, a
	}
	c.left.clear(len(a))
	c.right.clear(len(b))
	var v vector
	for i, x := range a {
		for j, y := range b {
			c.r.compare(x, y, &v)
			for l := range c.md.lines {
				if v.level[l] == missing {
					continue
				}
				match := exp2(float64(c.md.part(l, &v)))
				kin := match * c.times[l][v.level[l]]
				c.left.match[i][l] += match
				c.left.kin[i][l] += kin
				c.left.count[i][l]++
				c.right.match[j][l] += match
				c.right.kin[j][l] += kin
				c.right.count[j][l]++
			}
		}
	}
	s := c.left.mean(len(a), c.md)
	if len(b) > 1 {
		other := c.right.mean(len(b), c.md)
		if c.md.prior+other < strangers {
			return strangers
		}
		if len(a) == len(b) { // of two equal ones, the one that fits worse
			s = min(s, other)
		}
	}
	return float32(c.md.prior + s)
}

// speakers are the records that speak for a cluster: all, or some at even distances.
func speakers(of []int32) []int32 {
	if len(of) <= speaking {
		return of
	}
	out := make([]int32, speaking)
	for i := range out {
		out[i] = of[i*len(of)/speaking]
	}
	return out
}

// exp2 is 2 to the power of x within a few millionths, several times faster than math's; beyond 2^±1000 it is that.
func exp2(x float64) float64 {
	x = max(-1000, min(1000, x))
	whole := math.Floor(x)
	f := x - whole
	fraction := 1 + f*(0.693147180559945+f*(0.240226506959101+f*(0.0555041086648216+f*(0.00961812910762848+f*(0.00133335581464284+f*0.000154035303933816)))))
	return fraction * math.Float64frombits(uint64(int64(whole)+1023)<<52)
}
