package recommend

import (
	"bytes"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/rapporthq/rapport/person"
)

// A charter that asks for more people is in force at once: what a model knows from fewer is not used, and the rest is as it was.
func TestWhatTooFewSupportIsLeftOut(t *testing.T) {
	year := town(80, 12, 5)
	for i := range year {
		for k := range year[i].Taken {
			x := &year[i].Taken[k]
			x.When = append([]person.Instant{daysAgo(400 - float64(i))}, x.When...)
		}
	}
	m, _ := learn(t, year, Options{Fixed: someTerms})
	before := bytesOf(t, m)
	if m.AtLeast(testK) != m || m.AtLeast(0) != m || (*Model)(nil).AtLeast(3) != nil {
		t.Error("nothing was to be left out, and it is another model")
	}
	type pair struct{ i, j string }
	supports := func(m *Model) map[pair][]int {
		out := map[pair][]int{}
		m.Supports(func(i, j string, people int) bool {
			out[pair{i, j}] = append(out[pair{i, j}], people)
			return true
		})
		return out
	}
	whole := supports(m)
	var dropped [3]int // weights, candidates, columns over all k
	for _, k := range []int{testK + 1, 8, 12, 20, 25, 40, 81} {
		r := m.AtLeast(k)
		if r.MinSupport() != k || r.Items() != m.Items() || r.Learnt() != m.Learnt() {
			t.Fatalf("k %d: %d, %d items", k, r.MinSupport(), r.Items())
		}
		dropped[1] += m.Candidates() - r.Candidates()
		dropped[2] += len(m.Columns()) - len(r.Columns())
		left := supports(r)
		for p, people := range whole {
			want := slices.DeleteFunc(slices.Clone(people), func(n int) bool { return n < k })
			j, _ := r.Index(p.j)
			if i, ok := r.Index(p.i); ok && i >= r.Candidates() || j >= r.Candidates() {
				want = nil // one of the two is taken by too few
			}
			dropped[0] += len(people) - len(want)
			if !slices.Equal(left[p], want) {
				t.Fatalf("k %d: %v rests on %v, want %v of %v", k, p, left[p], want, people)
			}
		}
		if len(left) > len(whole) {
			t.Fatalf("k %d: %d numbers of %d", k, len(left), len(whole))
		}
		var back Model
		if err := back.UnmarshalBinary(bytesOf(t, r)); err != nil || !bytes.Equal(bytesOf(t, &back), bytesOf(t, r)) {
			t.Fatalf("k %d: it does not come back: %v", k, err)
		}
		rapid.Check(t, func(t *rapid.T) {
			in := anyInput(m).Draw(t, "in")
			in.Allow = nil
			ranked := r.Rank(nil, in)
			for _, s := range ranked {
				if at, _ := r.Index(s.ID); at >= r.Candidates() {
					continue
				}
				were := m.Explain(in, s.ID)
				sum := 0.0
				for _, p := range r.Explain(in, s.ID) {
					sum += p.Weight
					if p.Source != SourceTrend && !slices.Contains(were, p) {
						t.Fatalf("%s has a part that it had not: %+v", s.ID, p)
					}
				}
				if d := sum - s.Score; d > 1e-9 || d < -1e-9 {
					t.Fatalf("%s: parts add up to %g, not %g", s.ID, sum, s.Score)
				}
			}
		})
	}
	if dropped[0] == 0 || dropped[1] == 0 || dropped[2] == 0 {
		t.Errorf("nothing of a kind was left out: %v", dropped)
	}
	if !bytes.Equal(before, bytesOf(t, m)) {
		t.Error("the model itself has changed")
	}
}
