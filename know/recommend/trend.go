package recommend

import (
	"cmp"
	"math"
	"slices"

	"github.com/rapporthq/rapport/person"
)

// How long "lately" is, in days: a purchase loses its weight for the trend by 1/e in latelyFade days and counts no more
// after latelyEnd. A season's lift stays within [1/maxLift, maxLift]; it is known only from histories of a year, and a year
// alone tells a season from a fashion badly, so it is also drawn towards 1 as if seasonPrior more people had bought evenly.
const (
	latelyFade  = 20.0
	latelyEnd   = 60.0
	maxLift     = 3.0
	seasonPrior = 50.0
	seasonSpan  = 330.0
)

// repeatPrior is how many average takers are added to each item's own when it is worked out how apt it is to be taken again.
const repeatPrior = 5.0

// month is the month of the year at that time in UTC, from 0; January when the time is not known.
func month(at person.Instant) int {
	if at == 0 {
		return 0
	}
	return int(at.Time().Month()) - 1
}

// readyTrends works out what the trend adds in each month: what was popular lately when the model was learnt, moved by how
// the season of that month differs from the one in which it was learnt.
func (m *Model) readyTrends() {
	flat := make([]float64, m.candidates)
	for j, v := range m.lately {
		flat[j] = m.terms.Trend * float64(v)
	}
	for mo := range m.trends {
		m.trends[mo] = flat
		if len(m.season) != 12 || mo == month(m.learnt) {
			continue
		}
		moved := make([]float64, m.candidates)
		now := m.season[month(m.learnt)].lift
		for j, v := range flat {
			lift := float64(m.season[mo].lift[j]) / float64(now[j])
			moved[j] = v * min(maxLift, max(1/maxLift, lift))
		}
		m.trends[mo] = moved
	}
	m.byTrend = make([]int32, m.candidates)
	for i := range m.byTrend {
		m.byTrend[i] = int32(i)
	}
	slices.SortFunc(m.byTrend, func(a, b int32) int {
		return cmp.Or(cmp.Compare(m.people[b], m.people[a]), cmp.Compare(a, b))
	})
}

// Trend is the context rung: what many took lately, moved by the season of at; best first, sensitive items left out. It
// depends on nobody. Scores are in the unit of Rank: what SourceTrend would add.
func (m *Model) Trend(at person.Instant) []Scored {
	row := m.trends[month(at)]
	out := make([]Scored, 0, m.candidates)
	for j, v := range row {
		if !m.marked.Has(j) {
			out = append(out, Scored{Item: j, ID: m.ids[j], Score: v})
		}
	}
	// Where nothing is known of lately (all zero), what most people ever took comes first.
	slices.SortStableFunc(out, func(a, b Scored) int {
		return cmp.Or(cmp.Compare(b.Score, a.Score), cmp.Compare(m.people[b.Item], m.people[a.Item]))
	})
	return out
}

// Generic is the lowest rung: what most people took over all time, best first, sensitive items left out. It depends on nobody
// and on no time. Scores are shares of the most taken item.
func (m *Model) Generic() []Scored {
	out := make([]Scored, 0, m.candidates)
	for _, j := range m.byTrend {
		if !m.marked.Has(int(j)) {
			out = append(out, Scored{Item: int(j), ID: m.ids[j], Score: float64(m.people[j]) / float64(m.people[m.byTrend[0]])})
		}
	}
	return out
}

// popularity fills what the model knows of candidates alone: how many took them ever, lately and by month. Sums are of
// integers, so that the order of people does not matter.
func (m *Model) popularity(v *view) {
	n := m.candidates
	ever, twice, lately := make([]int32, n), make([]int32, n), make([]int32, n)
	fading := make([]int64, n)
	var monthly [12][]int32
	var active [12]int32
	seasons := v.span() >= seasonSpan
	if seasons {
		for mo := range monthly {
			monthly[mo] = make([]int32, n)
		}
	}
	for p := range v.people() {
		var busy [12]bool
		took := false
		v.each(p, func(j int32, when []person.Instant) {
			ever[j]++
			took = true
			if len(when) > 1 {
				twice[j]++
			}
			last := when[len(when)-1]
			if age := float64(v.end-last) / day; last != 0 && age <= latelyEnd {
				lately[j]++
				fading[j] += int64(math.Round(math.Exp(-age/latelyFade) * (1 << 20)))
			}
			if seasons {
				var seen [12]bool
				for _, w := range when {
					if mo := month(w); w != 0 && !seen[mo] {
						seen[mo], busy[mo] = true, true
						monthly[mo][j]++
					}
				}
			}
		})
		if took {
			m.all++
		}
		for mo, b := range busy {
			if b {
				active[mo]++
			}
		}
	}
	m.people, m.recent, m.lately = ever, make([]int32, n), make([]float32, n)
	most := int64(1)
	for j := range n {
		if int(lately[j]) >= m.k {
			m.recent[j] = lately[j]
			most = max(most, fading[j])
		}
	}
	for j := range n {
		if m.recent[j] > 0 {
			m.lately[j] = float32(float64(fading[j]) / float64(most))
		}
	}
	m.repeat = repeats(ever, twice)
	if seasons {
		m.season = lifts(monthly, active, m.k)
	}
}

// lifts says, by month and item, how much more of the people active in the month took the item than of those active in the
// average month. What fewer than k people took in a month says nothing: the lift is then 1.
func lifts(monthly [12][]int32, active [12]int32, k int) []season {
	n := len(monthly[0])
	out := make([]season, 12)
	for mo := range out {
		out[mo] = season{lift: make([]float32, n), people: make([]int32, n)}
	}
	for j := range n {
		sum, months := 0.0, 0
		for mo := range out {
			if active[mo] > 0 {
				sum += float64(monthly[mo][j]) / float64(active[mo])
				months++
			}
		}
		mean := sum / float64(max(1, months))
		for mo := range out {
			out[mo].lift[j] = 1
			if active[mo] == 0 || monthly[mo][j] < int32(k) || mean == 0 {
				continue
			}
			usual := mean * float64(active[mo])
			lift := (float64(monthly[mo][j]) + seasonPrior) / (usual + seasonPrior)
			out[mo].lift[j] = float32(min(maxLift, max(1/maxLift, lift)))
			out[mo].people[j] = monthly[mo][j]
		}
	}
	return out
}

// repeats says how apt each item is to be taken again: the share of its takers who did, drawn a little towards the share
// over all items, which is 1.
func repeats(ever, twice []int32) []float32 {
	all, again := 0.0, 0.0
	for j := range ever {
		all += float64(ever[j])
		again += float64(twice[j])
	}
	out := make([]float32, len(ever))
	for j := range out {
		out[j] = 1
		if again > 0 {
			mean := again / all
			out[j] = float32((float64(twice[j]) + repeatPrior*mean) / (float64(ever[j]) + repeatPrior) / mean)
		}
	}
	return out
}
