package person

import (
	"math/rand/v2"
	"os"
	"testing"

	"gopkg.in/yaml.v3"
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

// TestOfEachPairTheRightWordCounts reads testdata/outweighs.yaml, and tries each pair of what it lists in both orders, whatever else is to be said of either.
func TestOfEachPairTheRightWordCounts(t *testing.T) {
	body, err := os.ReadFile("testdata/outweighs.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var list []struct {
		Verified, Newer bool
		Learnt          string
	}
	if err := yaml.Unmarshal(body, &list); err != nil {
		t.Fatal(err)
	}
	var facts []Fact
	type word struct {
		verified bool
		learnt   Learnt
		at       Instant
	}
	listed := map[word]bool{}
	for _, l := range list {
		learnt, ok := ParseLearnt(l.Learnt)
		if !ok {
			t.Fatal(l.Learnt)
		}
		at := Instant(1)
		if l.Newer {
			at = 2
		}
		listed[word{l.Verified, learnt, at}] = true
		facts = append(facts, Fact{Head: Head{Name: "household", Verified: l.Verified, Learnt: learnt, At: at}, Value: "4"})
	}
	if want := 2 * len(learntWords) * 2; len(listed) != want || len(list) != want {
		t.Fatalf("%d different words of %d, and there are %d", len(listed), len(list), want)
	}
	for i := range facts {
		for k := range facts[i+1:] {
			wins, loses := facts[i], facts[i+1+k]
			wins.Value = "wins"
			for _, other := range []Head{{Received: 9, Source: "a", Quality: 1, Told: true}, {Received: 1, Source: "z", Quality: 0.5}} {
				loses.Received, loses.Source, loses.Quality, loses.Told = other.Received, other.Source, other.Quality, other.Told
				wins.Received, wins.Source, wins.Quality = 5, "m", 0.7
				for _, both := range [][]Fact{{wins, loses}, {loses, wins}} {
					if got := InUse(both); len(got) != 1 || got[0].Value != "wins" {
						t.Errorf("%+v does not outweigh %+v", wins.Head, loses.Head)
					}
				}
			}
		}
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
