package names

import (
	"testing"

	"pgregory.net/rapid"

	_ "github.com/rapporthq/rapport/person/seedtest" // draws the same each time
)

// TestNamesAreFoundAsInAMap compares with a map: names of all lengths that begin alike, and such as differ only in what stands for nothing.
func TestNamesAreFoundAsInAMap(t *testing.T) {
	name := rapid.Custom(func(t *rapid.T) string {
		return rapid.SampledFrom([]string{"", "a", "a\x00", "\x00", "85123", "1234567", "12345678"}).Draw(t, "begins") + rapid.StringOfN(rapid.RuneFrom([]rune("ab\x00é")), 0, 4, -1).Draw(t, "ends")
	})
	rapid.Check(t, func(t *rapid.T) {
		all := rapid.SliceOfDistinct(name, func(s string) string { return s }).Draw(t, "all")
		table, plain := New(all), map[string]int32{}
		for i, s := range all {
			plain[s] = int32(i)
		}
		for _, s := range append(all, rapid.SliceOf(name).Draw(t, "others")...) {
			want, known := plain[s]
			if got, ok := table.Find(s); ok != known || got != want {
				t.Fatalf("%q: %d %v, want %d %v", s, got, ok, want, known)
			}
		}
	})
	if _, ok := (*Table)(nil).Find("a"); ok {
		t.Error("no table has a name")
	}
}
