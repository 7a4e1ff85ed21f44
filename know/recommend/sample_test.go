package recommend

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/rapporthq/rapport/person"
)

// drawn gives each history a draw of its own.
func drawn(hs []History) []History {
	rng := rand.New(rand.NewPCG(9, 9))
	for i := range hs {
		hs[i].Draw = rng.Uint64()
	}
	return hs
}

// costOf is what all of them cost together.
func costOf(hs []History) (all int64) {
	for _, h := range hs {
		times := 0
		for _, t := range h.Taken {
			times += len(t.When)
		}
		all += work(len(h.Taken), times)
	}
	return all
}

func TestASampleIsLearntFromAsIfNobodyElseWereThere(t *testing.T) {
	hs := drawn(town(300, 20, 4))
	sorted := slices.Clone(hs)
	slices.SortFunc(sorted, func(a, b History) int {
		if a.Draw < b.Draw {
			return -1
		}
		return 1
	})
	for _, n := range []int{1, 60, 150, 299, 300} {
		in := sorted[:n]
		m, q := learn(t, hs, Options{Fixed: someTerms, most: costOf(in)})
		want, _ := learn(t, in, Options{Fixed: someTerms})
		if q.People != len(hs) || q.Learnt != n || string(bytesOf(t, m)) != string(bytesOf(t, want)) {
			t.Errorf("%d of %d people are learnt from, want %d and the model of them alone", q.Learnt, q.People, n)
		}
	}
}

func TestASampleHangsOnNoOrder(t *testing.T) {
	hs := drawn(town(300, 20, 5))
	o := Options{Items: catalogueOf(20), most: costOf(hs) / 2, choosing: costOf(hs) * 2 / 5}
	first, q := learn(t, hs, o)
	if q.Learnt < 100 || q.Learnt > 200 || q.Judged == 0 {
		t.Fatalf("%d of %d learnt from, %d judged: the test tests nothing", q.Learnt, q.People, q.Judged)
	}
	for range 3 {
		rand.Shuffle(len(hs), func(i, j int) { hs[i], hs[j] = hs[j], hs[i] })
		if m, r := learn(t, hs, o); string(bytesOf(t, m)) != string(bytesOf(t, first)) || r.Learnt != q.Learnt {
			t.Error("another order, another sample")
		}
	}
}

func TestWhoIsNotWantedNeedNotBeOpened(t *testing.T) {
	hs := drawn(town(300, 20, 5))
	for _, part := range []int64{2, 3, 10} {
		o := Options{K: testK, Fixed: someTerms, most: costOf(hs) / part}
		want, q := learn(t, hs, o)
		var s Sample
		o.Sample = &s
		opened := 0
		m, r, err := Learn(t.Context(), func(yield func(History) bool) {
			for _, h := range hs {
				if !s.Wants(h.Draw) {
					h = History{Draw: h.Draw}
				} else {
					opened++
				}
				if !yield(h) {
					return
				}
			}
		}, o)
		if err != nil {
			t.Fatal(err)
		}
		if string(bytesOf(t, m)) != string(bytesOf(t, want)) || r.People != q.People || r.Learnt != q.Learnt {
			t.Errorf("learnt from %d of %d, want %d of %d and the same model", r.Learnt, r.People, q.Learnt, q.People)
		}
		if opened > 290 {
			t.Errorf("%d of 300 were opened for a sample of %d", opened, q.Learnt)
		}
	}
}

// Of who took more than one may count, what they took last counts.
func TestOnePersonCannotCostMoreThanTheirShare(t *testing.T) {
	h := History{Draw: 1}
	for i := range mostTaken + 500 {
		h.Taken = append(h.Taken, Taken{Item: itemName(i%100) + string(rune('a'+i/100)), When: []person.Instant{daysAgo(float64(i))}})
	}
	for range mostTimes + 5 {
		h.Taken[0].When = append(h.Taken[0].When, h.Taken[0].When[0])
	}
	c, err := gather(t.Context(), slices.Values([]History{h}), math.MaxInt64, nil)
	if err != nil {
		t.Fatal(err)
	}
	if len(c.item) != mostTaken || len(c.times) != mostTaken+mostTimes-1 || slices.Min(c.times) != daysAgo(mostTaken-1) {
		t.Errorf("%d things at %d times are kept", len(c.item), len(c.times))
	}
}
