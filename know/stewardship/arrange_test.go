package stewardship

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/rapporthq/rapport/know/identity"
	"github.com/rapporthq/rapport/person"
)

func pair(a, b int32, score float32) identity.Pair { return identity.Pair{A: a, B: b, Score: score} }

// say writes an arrangement down: groups, then who waits.
func say(a arrangement) string {
	var groups [][]int32
	for _, g := range a.groups {
		slices.Sort(g.people)
		groups = append(groups, g.people)
	}
	var waiting [][2]int32
	for _, p := range a.waiting {
		waiting = append(waiting, [2]int32{p.A, p.B})
	}
	return fmt.Sprint(groups, waiting, a.contested)
}

func TestWhatBecomesOfPairs(t *testing.T) {
	one := []int32{1, 1, 1, 1, 1, 1}
	apart := []int32{1, 2, 3, 4, 5, 6}
	for _, c := range []struct {
		name      string
		pairs     []identity.Pair
		cluster   []int32
		join      bool
		different [][2]int32
		want      string
	}{
		{"sure ones of a cluster are joined, by the surest links", []identity.Pair{pair(0, 1, 9), pair(1, 2, 8), pair(0, 2, 7)}, one, true, nil, "[[0 1 2]] [] 0"},
		{"where the charter joins nobody, all wait, the surest first", []identity.Pair{pair(0, 1, 7), pair(1, 2, 9)}, one, false, nil, "[] [[1 2] [0 1]] 0"},
		{"a sure pair that the clusters keep apart waits", []identity.Pair{pair(0, 1, 9)}, apart, true, nil, "[] [[0 1]] 0"},
		{"a pair in doubt waits", []identity.Pair{pair(0, 1, 2)}, one, true, nil, "[] [[0 1]] 0"},
		{"two whom a steward called different do not", []identity.Pair{pair(0, 1, 9), pair(2, 3, 1)}, one, true, [][2]int32{{0, 1}, {2, 3}}, "[] [] 1"},
		{"a third who is surely both joins neither", []identity.Pair{pair(0, 2, 9), pair(1, 2, 8)}, one, true, [][2]int32{{0, 1}}, "[] [[0 2] [1 2]] 1"},
		{"nor by way of two others", []identity.Pair{pair(0, 2, 9), pair(2, 3, 9), pair(1, 3, 9), pair(4, 5, 9)}, one, true, [][2]int32{{1, 0}}, "[[4 5]] [[0 2] [1 3] [2 3]] 1"},
		{"what a group was said to be is said of all of it", []identity.Pair{pair(0, 1, 9), pair(1, 2, 3)}, one, true, [][2]int32{{2, 0}}, "[[0 1]] [] 0"},
		{"of two groups the surest pair waits", []identity.Pair{pair(0, 1, 9), pair(2, 3, 9), pair(0, 2, 1), pair(1, 3, 4)}, one, true, nil, "[[0 1] [2 3]] [[1 3]] 0"},
	} {
		if got := say(arrange(6, []int32{0, 1, 2, 3, 4, 5}, c.pairs, c.cluster, c.join, c.different)); got != c.want {
			t.Errorf("%s: %s, want %s", c.name, got, c.want)
		}
	}
}

// TestNoArrangementBringsTogetherWhoIsDifferent draws towns of people, some of several records, of pairs and of decisions.
func TestNoArrangementBringsTogetherWhoIsDifferent(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	joined := 0
	for range 3000 {
		n := 2 + r.IntN(12)
		of := make([]int32, n+r.IntN(5)) // by record: whose it is
		for i := range of {
			if of[i] = int32(i); i >= n {
				of[i] = int32(r.IntN(n))
			}
		}
		cluster := make([]int32, len(of))
		for i := range cluster {
			cluster[i] = int32(r.IntN(3))
		}
		var pairs []identity.Pair
		var different [][2]int32
		for a := range int32(len(of)) {
			for b := a + 1; b < int32(len(of)); b++ {
				switch r.IntN(6) {
				case 0, 1:
					pairs = append(pairs, pair(a, b, float32(r.IntN(14)-3)))
				case 2:
					if r.IntN(4) == 0 && of[a] != of[b] {
						different = append(different, [2]int32{of[b], of[a]})
					}
				}
			}
		}
		out := arrange(n, of, pairs, cluster, true, different)
		sets := newSets(n)
		for _, g := range out.groups {
			joined++
			for _, l := range g.links {
				if !sets.unite(of[l.A], of[l.B]) {
					t.Fatalf("%v joins who is one already: %v", l, g)
				}
			}
		}
		for _, p := range out.waiting {
			if sets.root(of[p.A]) == sets.root(of[p.B]) {
				t.Fatalf("%v are one person and wait: %v", p, out)
			}
		}
		for _, d := range different {
			if sets.root(d[0]) == sets.root(d[1]) {
				t.Fatalf("%v are one person: %v, %v", d, pairs, different)
			}
			for _, p := range out.waiting {
				a, b := sets.root(of[p.A]), sets.root(of[p.B])
				if x, y := sets.root(d[0]), sets.root(d[1]); a == x && b == y || a == y && b == x {
					t.Fatalf("%v was answered and waits: %v", p, different)
				}
			}
		}
	}
	if joined < 500 {
		t.Fatalf("only %d groups: nothing was tried", joined)
	}
}

// TestNoMoreWaitThanASteward can be given: the surest do.
func TestNoMoreWaitThanAStewardIsGiven(t *testing.T) {
	n := mostWaiting + 7
	var pairs []identity.Pair
	for i := range int32(n) {
		pairs = append(pairs, pair(2*i, 2*i+1, float32(i)/float32(n)))
	}
	each := make([]int32, 2*n)
	for i := range each {
		each[i] = int32(i)
	}
	out := arrange(2*n, each, pairs, make([]int32, 2*n), true, nil)
	if len(out.waiting) != mostWaiting || out.beyond != 7 || out.waiting[0].A != int32(2*(n-1)) {
		t.Errorf("%d wait, %d are beyond", len(out.waiting), out.beyond)
	}
}

// TestPartsInHundredthsAddUpToTheScore draws scores: their parts are whole hundredths, add up to the sum exactly, and are nobody else's.
func TestPartsInHundredthsAddUpToTheScore(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 6))
	for range 20_000 {
		parts := make([]identity.Part, 1+r.IntN(12))
		exact := 0.0
		var was []float64
		for i := range parts {
			parts[i].Weight = r.NormFloat64() * 8
			was = append(was, parts[i].Weight)
			exact += parts[i].Weight
		}
		score := hundredths(parts)
		sum := 0
		for i := range parts {
			if math.Abs(parts[i].Weight-was[i]) > 0.01+1e-9 {
				t.Fatalf("the part %v became %v", was[i], parts[i].Weight)
			}
			sum += int(math.Round(parts[i].Weight * 100))
		}
		if float64(sum) != math.Round(score*100) || score > exact+1e-5 || score < exact-0.01-1e-9 {
			t.Fatalf("the parts add up to %d hundredths, the score is %v, it was %v", sum, score, exact)
		}
	}
}

// TestAScoreIsShownInTheBandInWhichItIs draws scores about the limits: the engine's number and the shown one mean the same.
func TestAScoreIsShownInTheBandInWhichItIs(t *testing.T) {
	r := rand.New(rand.NewPCG(7, 8))
	for range 20_000 {
		limit := []float64{identity.Sure, identity.Review}[r.IntN(2)]
		exact := limit + (r.Float64()-.5)/40
		if r.IntN(10) == 0 {
			exact = limit
		}
		first := r.NormFloat64() * 5
		shown := hundredths([]identity.Part{{Weight: first}, {Weight: exact - first}})
		if math.Abs(exact-limit) > 1e-6 || exact == limit {
			if BandOf(shown) != BandOf(exact) {
				t.Fatalf("%v is %s and is shown as %v: %s", exact, BandOf(exact), shown, BandOf(shown))
			}
		}
	}
}

func TestBandsAreTheEngines(t *testing.T) {
	for score, want := range map[float64]Band{identity.Sure: Sure, identity.Sure - .01: Review, 0: Review, identity.Review: Review, identity.Review - .01: No, -40: No, 40: Sure} {
		if got := BandOf(score); got != want {
			t.Errorf("%v is %s, want %s", score, got, want)
		}
	}
	for score, want := range map[float64]int{0: 2, identity.Sure: 100, -identity.Sure: 100, identity.Review: 10, 60: 1_000_000} {
		if got := OneIn(score); got < want*99/100 || got > want*101/100 {
			t.Errorf("%v is one in %d, want %d", score, got, want)
		}
	}
}

// TestTheRecordsOfAPerson: what came by a sign-in is of the record to which it came, and whoever was joined stays one.
func TestTheRecordsOfAPerson(t *testing.T) {
	id := func(b byte) person.ID { return person.ID{b} }
	p := person.Person{Root: id(1), Also: []person.Join{
		{ID: id(2), Why: "sign-in"}, {ID: id(3), Why: "match"}, {ID: id(4), To: id(3), Why: "sign-in"}, {ID: id(5), To: id(2), Why: "steward"}, {ID: id(6), To: id(5), Why: "email"}, {ID: id(7), To: id(4), Why: "alias"}}}
	for of, want := range map[byte]byte{1: 1, 2: 1, 3: 3, 4: 3, 5: 5, 6: 6, 7: 3} {
		if got := recordOf(p, id(of)); got != id(want) {
			t.Errorf("%d is of the record %d, want %d", of, got[0], want)
		}
	}
	facts := []person.Fact{{Head: person.Head{Of: id(4)}, Value: "a"}, {Head: person.Head{Of: id(2)}, Value: "b"}, {Head: person.Head{Of: id(7)}, Value: "c"}}
	if own, others := split(facts, p, id(3)); len(own) != 2 || own[1].Value != "c" || len(others) != 1 || others[0].Value != "b" {
		t.Errorf("%v and %v", own, others)
	}
}

// TestThePartingOfAPerson lists the links that a split cuts: not those of the person's own sign-ins.
func TestThePartingOfAPerson(t *testing.T) {
	id := func(b byte) person.ID { return person.ID{b} }
	p := person.Person{Root: id(1), Also: []person.Join{
		{ID: id(2), Why: "sign-in"}, {ID: id(3), Why: "match"}, {ID: id(4), To: id(3), Why: "sign-in"}, {ID: id(5), To: id(2), Why: "steward"}, {ID: id(6), To: id(5), Why: "email"}}}
	for of, want := range map[byte]string{1: "[3 5]", 2: "[3 5]", 3: "[3]", 4: "[3]", 5: "[5 6]", 6: "[6]"} {
		var cuts []byte
		for _, j := range parting(p, id(of)) {
			cuts = append(cuts, j.ID[0])
		}
		if got := fmt.Sprint(cuts); got != want {
			t.Errorf("a split of %d cuts %s, want %s", of, got, want)
		}
	}
}
