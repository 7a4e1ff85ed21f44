package bench

import (
	"math"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"testing"
)

func TestClustersAreJudgedByPairsAndByRecord(t *testing.T) {
	// People of five, two and seven records.
	truth := strings.Split("aaaaabbccccccc", "")
	found := strings.Split("11111223333333", "")
	if j := judge(found, truth); j.precision != 1 || j.recall != 1 || math.Abs(j.bPrecision-1) > 1e-12 || math.Abs(j.bRecall-1) > 1e-12 {
		t.Errorf("the truth itself: %+v", j)
	}
	found = strings.Split("11111221111111", "")
	if j := judge(found, truth); j.recall != 1 || math.Abs(j.precision-32.0/67) > 1e-12 || math.Abs(j.bPrecision-(2+25.0/12+49.0/12)/14) > 1e-12 {
		t.Errorf("five joined with seven: %+v", j)
	}
	if j := judge(strings.Split("abcdefghijklmn", ""), truth); j.f1() != 0 || math.Abs(j.bPrecision-1) > 1e-12 {
		t.Errorf("all apart: %+v", j)
	}
}

func made() *vocabulary {
	v := &vocabulary{header: []string{"rec_id"}}
	for _, f := range flaws {
		v.header = append(v.header, f.field)
		v.values = append(v.values, []string{f.field + "one", f.field + "two", "12345678", ""})
		v.flaws = append(v.flaws, f)
		v.total += f.often
	}
	return v
}

func TestMadeRecordsHaveErrorsAndNoTruth(t *testing.T) {
	v := made()
	p := v.oneFile(1000, 3)
	count := map[string]int{}
	for _, who := range p.truth {
		count[who]++
	}
	if len(p.files[0]) != 1000 || len(count) != 800 {
		t.Fatalf("%d records of %d people", len(p.files[0]), len(count))
	}
	for i, row := range p.files[0] {
		if len(row) != len(p.header) || row[0] != strconv.Itoa(i+1) {
			t.Fatalf("row %d is %v", i, row)
		}
	}
	again := v.oneFile(1000, 3)
	if !slices.EqualFunc(p.files[0], again.files[0], func(a, b []string) bool { return slices.Equal(a, b) }) {
		t.Error("one seed makes two files")
	}
	rng := rand.New(rand.NewPCG(1, 1))
	changed, fields := 0, 0
	for range 2000 {
		row := v.person(rng)
		for c, x := range v.again(row, rng) {
			if x != row[c] {
				fields++
			}
		}
		changed++
	}
	if mean := float64(fields) / float64(changed); mean < 1 || mean > 3 {
		t.Errorf("%.2f fields are changed in a record", mean)
	}
}
