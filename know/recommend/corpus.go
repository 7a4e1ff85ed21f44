package recommend

import (
	"context"
	"encoding/binary"
	"errors"
	"hash/fnv"
	"iter"
	"math"
	"slices"

	"github.com/rapporthq/rapport/know/recommend/linear"
	"github.com/rapporthq/rapport/person"
)

// corpus holds the histories in flat arrays: about 12 bytes for each distinct item of a person, 8 for each time.
type corpus struct {
	items   []string // sorted
	columns []string // sorted
	first   []int    // person → first of their entries; one more than there are people
	item    []int32  // entry → item, rising within a person
	when    []uint32 // entry → first of its times; one more than there are entries
	times   []person.Instant
	colAt   []int // person → first of their columns
	col     []int32
	mark    []uint64 // person → a number made of what they took: chooses hold-outs in no order of people
	draw    []uint64 // person → what they drew: who is learnt from when there are too many
	end     person.Instant
	begin   person.Instant

	given int    // histories that came, whether they are in it or not
	most  int64  // what its people may cost together; see work
	spent int64  // what they do
	limit uint64 // who drew this or more is not in it
}

// ErrHistory says that a history cannot be learnt from.
var ErrHistory = errors.New("a history is not in order: an item has no times, times that do not rise, or comes twice")

// gather copies the histories, of so many people as may be learnt from.
func gather(ctx context.Context, histories iter.Seq[History], most int64, sample *Sample) (*corpus, error) {
	c := &corpus{first: []int{0}, when: []uint32{0}, colAt: []int{0}, most: most, limit: math.MaxUint64}
	items, columns := numbering{}, numbering{}
	shrink := func() {
		c.shrink()
		if sample != nil {
			sample.limit = c.limit
		}
		items.forget(c.item)
		columns.forget(c.col)
	}
	for h := range histories {
		if c.given++; c.given%1024 == 0 && ctx.Err() != nil {
			return nil, ctx.Err()
		}
		taken, times, mark := cut(h.Taken), 0, uint64(0)
		for _, t := range taken {
			if len(t.When) == 0 || !slices.IsSorted(t.When) {
				return nil, ErrHistory
			}
			times += len(lastTimes(t.When))
			mark += hash(t.Item, uint64(t.Last())) // a sum: the order of what they took does not matter
		}
		draw := h.Draw
		if draw == 0 {
			draw = mark
		}
		if draw >= c.limit {
			continue
		}
		for _, t := range taken {
			c.item = append(c.item, items.number(t.Item))
			c.times = append(c.times, lastTimes(t.When)...)
			c.when = append(c.when, uint32(len(c.times)))
		}
		for _, name := range h.Columns {
			c.col = append(c.col, columns.number(name))
		}
		c.first = append(c.first, len(c.item))
		c.colAt = append(c.colAt, len(c.col))
		c.mark, c.draw = append(c.mark, mark), append(c.draw, draw)
		if c.spent += work(len(taken), times); c.spent > c.most+c.most/4 {
			shrink()
		}
	}
	if c.spent > c.most {
		shrink()
	}
	c.items, c.columns = items.sort(c.item), columns.sort(c.col)
	c.span()
	return c, c.order()
}

// span says when the histories begin and end, as far as times are known.
func (c *corpus) span() {
	for _, t := range c.times {
		if t != 0 && (c.begin == 0 || t < c.begin) {
			c.begin = t
		}
		c.end = max(c.end, t)
	}
}

// hash is a number made of a text and a number; it is the same everywhere, and nobody chooses by it but hold-outs.
func hash(s string, n uint64) uint64 {
	h := fnv.New64a()
	h.Write([]byte(s))
	h.Write(binary.LittleEndian.AppendUint64(nil, n))
	x := h.Sum64() // FNV's low bits mix badly: finish as splitmix64 does
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}

// numbering gives numbers to names, in the order in which they come.
type numbering struct {
	list []string
	at   map[string]int32
}

func (n *numbering) number(name string) int32 {
	i, known := n.at[name]
	if !known {
		if n.at == nil {
			n.at = map[string]int32{}
		}
		i = int32(len(n.list))
		n.at[name] = i
		n.list = append(n.list, name)
	}
	return i
}

// forget leaves out the names to which nothing refers, and renumbers what does.
func (n *numbering) forget(refs []int32) {
	used := make([]bool, len(n.list))
	for _, r := range refs {
		used[r] = true
	}
	old := n.list
	*n = numbering{}
	to := make([]int32, len(old))
	for i, name := range old {
		if used[i] {
			to[i] = n.number(name)
		}
	}
	for i, r := range refs {
		refs[i] = to[r]
	}
}

// sort gives the names in order and renumbers what refers to them.
func (n *numbering) sort(refs []int32) []string {
	sorted := slices.Clone(n.list)
	slices.Sort(sorted)
	to := make([]int32, len(sorted))
	for i, name := range sorted {
		to[n.at[name]] = int32(i)
	}
	for i, r := range refs {
		refs[i] = to[r]
	}
	return sorted
}

// order sorts each person's entries by item and columns by name.
func (c *corpus) order() error {
	type entry struct {
		item int32
		when []person.Instant
	}
	var es []entry
	for p := range c.people() {
		es = es[:0]
		lo, hi := c.first[p], c.first[p+1]
		for e := lo; e < hi; e++ {
			es = append(es, entry{c.item[e], c.times[c.when[e]:c.when[e+1]]})
		}
		byItem := func(a, b entry) int { return int(a.item) - int(b.item) }
		if !slices.IsSortedFunc(es, byItem) {
			var times []person.Instant
			slices.SortFunc(es, byItem)
			for _, e := range es {
				times = append(times, e.when...)
			}
			at := c.when[lo]
			copy(c.times[at:], times)
			for i, e := range es {
				c.item[lo+i] = e.item
				at += uint32(len(e.when))
				c.when[lo+i+1] = at
			}
		}
		for e := lo + 1; e < hi; e++ {
			if c.item[e] == c.item[e-1] {
				return ErrHistory
			}
		}
		cols := c.col[c.colAt[p]:c.colAt[p+1]]
		slices.Sort(cols)
		for i := 1; i < len(cols); i++ {
			if cols[i] == cols[i-1] {
				return ErrHistory
			}
		}
	}
	return nil
}

func (c *corpus) people() int { return len(c.first) - 1 }

// view is a corpus before a time, without some people, cut down to the candidates and columns that k people have.
type view struct {
	*corpus
	until      person.Instant // events at or after it are not seen; MaxInt64: all are
	end        person.Instant // the latest time that may be seen
	out        func(p int) bool
	candidates []int32 // candidate → item
	candidate  []int32 // item → candidate, -1
	facts      []int32 // kept columns → column
	fact       []int32 // column → kept column, -1
}

// see makes a view. allow says which items may be candidates.
func (c *corpus) see(until person.Instant, k int, allow func(string) bool, out func(p int) bool) *view {
	v := &view{corpus: c, until: until, end: min(c.end, until), out: out}
	items, cols := make([]int32, len(c.items)), make([]int32, len(c.columns))
	for p := range c.people() {
		if out != nil && out(p) {
			continue
		}
		any := false
		for e := c.first[p]; e < c.first[p+1]; e++ {
			if c.times[c.when[e]] < until {
				items[c.item[e]]++
				any = true
			}
		}
		if !any {
			continue
		}
		for _, col := range c.col[c.colAt[p]:c.colAt[p+1]] {
			cols[col]++
		}
	}
	keep := func(n []int32, may func(i int) bool) (kept, at []int32) {
		at = make([]int32, len(n))
		for i := range n {
			at[i] = -1
			if int(n[i]) >= k && may(i) {
				at[i] = int32(len(kept))
				kept = append(kept, int32(i))
			}
		}
		return kept, at
	}
	v.candidates, v.candidate = keep(items, func(i int) bool { return allow == nil || allow(c.items[i]) })
	v.facts, v.fact = keep(cols, func(int) bool { return true })
	return v
}

// span is how many days the view covers.
func (v *view) span() float64 {
	if v.end == 0 {
		return 0
	}
	return float64(v.end-v.begin) / day
}

// before gives the times of an entry that are seen.
func (v *view) before(e int) []person.Instant {
	when := v.times[v.when[e]:v.when[e+1]]
	for len(when) > 0 && when[len(when)-1] >= v.until {
		when = when[:len(when)-1]
	}
	return when
}

// each calls do for each candidate that a person is seen to have taken, rising.
func (v *view) each(p int, do func(candidate int32, when []person.Instant)) {
	if v.out != nil && v.out(p) {
		return
	}
	for e := v.first[p]; e < v.first[p+1]; e++ {
		j := v.candidate[v.item[e]]
		if j < 0 {
			continue
		}
		if when := v.before(e); len(when) > 0 {
			do(j, when)
		}
	}
}

// rows makes the matrix to learn from. memory is the number of days by which the gain of having taken a thing falls to 1/e.
func (v *view) rows(memory float64) *linear.Rows {
	r := &linear.Rows{Cols: len(v.candidates) + len(v.facts), Start: []int{0}}
	var cols []int32
	var gains []uint16
	for p := range v.people() {
		cols, gains = cols[:0], gains[:0]
		v.each(p, func(j int32, when []person.Instant) {
			gain := 1.0
			if last := when[len(when)-1]; last != 0 && memory > 0 {
				gain = math.Exp(-float64(v.end-last) / day / memory)
			}
			cols = append(cols, j)
			gains = append(gains, uint16(math.Round(gain*linear.One)))
		})
		if len(cols) == 0 {
			continue
		}
		for _, c := range v.col[v.colAt[p]:v.colAt[p+1]] {
			if f := v.fact[c]; f >= 0 {
				cols = append(cols, int32(len(v.candidates))+f)
				gains = append(gains, 0)
			}
		}
		r.Add(cols, gains)
	}
	return r
}
