package decide

import (
	"math"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/rapporthq/rapport/know/recommend"
	"github.com/rapporthq/rapport/person"
)

// A learnt model in place of the toy: what is said of the first few reasons is what the whole explanation says.
func TestReasonsOfALearntModel(t *testing.T) {
	h := grocerHouse(t)
	m := shopper(h)
	a := at("home")
	a.Limit = 100
	res := Compute(h, m, a)
	r := res.Receipt
	if r.Rung.String() != "individual" || len(r.Items) != 100 {
		t.Fatalf("%s, %d items", r.Rung, len(r.Items))
	}
	addUp(t, r)
	rests := 0
	for _, c := range r.Items {
		for _, p := range c.Parts {
			if p.Kind == PartRest {
				rests++
			}
		}
	}
	if rests == 0 {
		t.Error("no item has more reasons than are named")
	}
	in := recommend.Input{At: now, Columns: []string{"household=2"}}
	for _, e := range m.History {
		for _, l := range e.Lines {
			known := false
			for i := range in.Taken {
				known = known || in.Taken[i].Item == l.Item
			}
			if !known {
				in.Taken = append(in.Taken, recommend.Taken{Item: l.Item, When: []person.Instant{e.At}, Event: e.ID})
			}
		}
	}
	ranked := h.Model.Rank(nil, in)
	for _, n := range []int{0, 1, 4, 7, 1000} {
		for i, s := range ranked[:200] {
			whole := h.Model.Explain(in, s.ID)
			short := h.Model.Reasons(in, []string{"nothing", s.ID}, n)
			if len(short[0].Parts) != 0 || short[0].More != 0 {
				t.Fatal("an unknown item has reasons")
			}
			cut := min(n, len(whole))
			if d := cmp.Diff(append([]recommend.Part{}, whole[:cut]...), append([]recommend.Part{}, short[1].Parts...)); d != "" || short[1].More != len(whole)-cut {
				t.Fatalf("item %d, the first %d: more %d of %d, %s", i, n, short[1].More, len(whole), d)
			}
			sum := 0.0
			for _, p := range whole {
				sum += p.Weight
			}
			if math.Abs(sum-s.Score) > 1e-9 {
				t.Fatal("the whole explanation does not add up")
			}
		}
	}
}
