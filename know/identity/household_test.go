package identity

import (
	"slices"
	"strconv"
	"testing"
)

// households makes a table of families: one surname, street, postcode, town and telephone for two to five people, some of whom
// stand twice.
func (t *town) households(n int, twice int) (table *Table, truth []int) {
	table = NewTable("families.csv", append(slices.Clone(personColumns), "phone"))
	who := 0
	for range n {
		home := t.person()
		phone := "07" + strconv.Itoa(100_000_000+t.d.below(800_000_000))
		for range 2 + t.d.below(4) {
			p := t.person()
			p[1], p[3], p[4], p[5] = home[1], home[3], home[4], home[5]
			table.Add(append(append([]string{strconv.Itoa(table.Rows)}, p...), phone))
			truth = append(truth, who)
			if t.d.below(100) < twice {
				table.Add(append(append([]string{strconv.Itoa(table.Rows)}, t.mistaken(p, 3)...), phone))
				truth = append(truth, who)
			}
			who++
		}
	}
	return table, truth
}

func TestAFamilyIsNotOnePerson(t *testing.T) {
	for _, twice := range []int{30, 5} {
		made := town{draws{41}}
		table, truth := made.households(700, twice)
		res := link(t, table)
		f1 := judged(res.Cluster, truth)
		t.Logf("%d in a hundred twice: %d records, F1 %.4f, sizes %v", twice, table.Rows, f1, res.Sizes)
		if f1 < 0.95 {
			t.Errorf("%d in a hundred twice: F1 %.4f, sizes %v", twice, f1, res.Sizes)
		}
	}
}

func TestWhereNobodyStandsTwiceNobodyIsJoined(t *testing.T) {
	made := town{draws{42}}
	table, _ := made.records(2000, 0, 0)
	if res := link(t, table); len(res.Sizes) > 1 {
		t.Errorf("sizes %v", res.Sizes)
		for i, c := range res.Cluster {
			for j := range i {
				if res.Cluster[j] == c {
					score, parts := res.Explain(i, j)
					t.Log(score, parts)
				}
			}
		}
	}
	table, _ = made.households(600, 0)
	if res := link(t, table); res.Sizes[0].Clusters < table.Rows*99/100 {
		t.Errorf("families: %d records, sizes %v", table.Rows, res.Sizes)
	}
}
