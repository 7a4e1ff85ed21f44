package recommend

import (
	"cmp"
	"math"
	"slices"

	"github.com/rapporthq/rapport/person"
)

// Learning from one history costs the square of how many things it has, for pairs are counted, and room for each time that one was taken.
// What is learnt from is bounded by the sum of both over people (see work): of more people a sample is taken, which History.Draw decides.
const (
	mostWork   = 3_000_000_000 // to fit on
	chooseWork = 1_000_000_000 // to choose the model's few numbers by
	roomOfOne  = 200           // what a time weighs beside a pair
	mostTaken  = 4_096         // of one person who took more things, those taken last count
	mostTimes  = 1_000         // and of each of them the last times
)

// Sample says, while histories come to Learn, whose need not be opened any more. It belongs to the goroutine that gives them.
type Sample struct{ limit uint64 }

// Wants says whether somebody who drew this may still be learnt from. Of others a History with nothing but their Draw is given, so that
// they are counted.
func (s *Sample) Wants(draw uint64) bool { return s.limit == 0 || draw < s.limit }

// work says what a person costs who took so many things, so many times in all.
func work(things, times int) int64 { return int64(things)*int64(things) + roomOfOne*int64(times) }

// cut leaves of somebody who took more than anybody counts for what they took last.
func cut(taken []Taken) []Taken {
	if len(taken) > mostTaken {
		taken = slices.Clone(taken)
		slices.SortFunc(taken, func(a, b Taken) int { return cmp.Or(cmp.Compare(b.Last(), a.Last()), cmp.Compare(a.Item, b.Item)) })
		taken = taken[:mostTaken]
	}
	return taken
}

func lastTimes(when []person.Instant) []person.Instant { return when[max(0, len(when)-mostTimes):] }

// work is what a person of the corpus costs.
func (c *corpus) work(p int) int64 {
	return work(c.first[p+1]-c.first[p], int(c.when[c.first[p+1]]-c.when[c.first[p]]))
}

// below gives the number below which people must have drawn so that together they cost at most most: as many as fit, in the order of their
// numbers. Which they are depends on nothing but the people and their numbers.
func (c *corpus) below(most int64) uint64 {
	order := make([]int32, c.people())
	for p := range order {
		order[p] = int32(p)
	}
	slices.SortFunc(order, func(a, b int32) int { return cmp.Compare(c.draw[a], c.draw[b]) })
	for _, p := range order {
		if most -= c.work(int(p)); most < 0 {
			return c.draw[p]
		}
	}
	return math.MaxUint64
}

// shrink leaves out who does not fit.
func (c *corpus) shrink() {
	c.limit = c.below(c.most)
	people, items, times, cols := 0, 0, 0, 0
	c.spent = 0
	for p := range c.people() {
		lo, hi, colLo, colHi := c.first[p], c.first[p+1], c.colAt[p], c.colAt[p+1]
		if c.draw[p] >= c.limit {
			continue
		}
		c.spent += c.work(p)
		c.mark[people], c.draw[people] = c.mark[p], c.draw[p]
		people++
		for e := lo; e < hi; e++ {
			at, end := c.when[e], c.when[e+1]
			c.item[items] = c.item[e]
			items++
			times += copy(c.times[times:], c.times[at:end])
			c.when[items] = uint32(times)
		}
		c.first[people] = items
		cols += copy(c.col[cols:], c.col[colLo:colHi])
		c.colAt[people] = cols
	}
	c.mark, c.draw, c.first, c.colAt = c.mark[:people], c.draw[:people], c.first[:people+1], c.colAt[:people+1]
	c.item, c.when, c.times, c.col = c.item[:items], c.when[:items+1], c.times[:times], c.col[:cols]
}
