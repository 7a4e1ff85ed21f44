package person

import (
	"math/rand/v2"
	"testing"
)

func TestInUseIsTheSameInAnyOrder(t *testing.T) {
	fact := func(name, value, source string, learnt Learnt, at Instant) Fact {
		return Fact{Head: Head{Of: ID{1}, Name: name, Source: source, Learnt: learnt, At: at, Received: at, Verified: true}, Value: value}
	}
	facts := []Fact{
		fact("household", "1", "a", Declared, 5), fact("household", "2", "a", Declared, 5), fact("income", "low", "b", Declared, 5),
		fact("household", "0", "c", Acquired, 9), fact("household", "0", "b", Declared, 4),
	}
	for range 50 {
		rand.Shuffle(len(facts), func(i, j int) { facts[i], facts[j] = facts[j], facts[i] })
		given := [5]Fact(facts)
		got := map[string]string{}
		for _, f := range InUse(facts) {
			got[f.Name] += f.Value
		}
		if len(got) != 2 || got["household"] != "1" || got["income"] != "low" {
			t.Fatalf("%v are used of %+v", got, given)
		}
		for i := range given {
			if given[i].Value != facts[i].Value || given[i].Source != facts[i].Source {
				t.Fatal("the facts given were changed")
			}
		}
	}
	one := facts[:1]
	if n := testing.AllocsPerRun(10, func() { InUse(one) }); n != 0 {
		t.Errorf("%v pieces of memory though no name is there twice", n)
	}
}

func TestOutweighsIsAnOrder(t *testing.T) {
	var heads []Head
	for _, verified := range []bool{false, true} {
		for _, learnt := range []Learnt{Acquired, Declared} {
			for _, at := range []Instant{1, 2} {
				for _, received := range []Instant{3, 4} {
					for _, source := range []string{"a", "b"} {
						heads = append(heads, Head{Of: ID{byte(at)}, Verified: verified, Learnt: learnt, At: at, Received: received, Source: source})
					}
				}
			}
		}
	}
	for i := range heads {
		for k := range heads {
			if a, b := Outweighs(&heads[i], &heads[k]), Outweighs(&heads[k], &heads[i]); a == b && i != k || a && i == k {
				t.Fatalf("%+v and %+v: %v and %v", heads[i], heads[k], a, b)
			}
		}
	}
}
