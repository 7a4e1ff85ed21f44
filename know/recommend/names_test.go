package recommend

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// TestNamesAreFoundAsInAMap compares with a map: names of all lengths that begin alike, and such as differ only in what stands for nothing.
func TestNamesAreFoundAsInAMap(t *testing.T) {
	name := rapid.Custom(func(t *rapid.T) string {
		return rapid.SampledFrom([]string{"", "a", "a\x00", "\x00", "85123", "1234567", "12345678"}).Draw(t, "begins") + rapid.StringOfN(rapid.RuneFrom([]rune("ab\x00é")), 0, 4, -1).Draw(t, "ends")
	})
	rapid.Check(t, func(t *rapid.T) {
		all := rapid.SliceOfDistinct(name, func(s string) string { return s }).Draw(t, "all")
		n, plain := newNames(all), map[string]int32{}
		for i, s := range all {
			plain[s] = int32(i)
		}
		for _, s := range append(all, rapid.SliceOf(name).Draw(t, "others")...) {
			want, known := plain[s]
			if got, ok := n.find(s); ok != known || got != want {
				t.Fatalf("%q: %d %v, want %d %v", s, got, ok, want, known)
			}
		}
	})
}

func BenchmarkNames(b *testing.B) {
	r := rand.New(rand.NewPCG(1, 2))
	var all, asked []string
	plain := map[string]int32{}
	for i := range 4000 {
		all = append(all, fmt.Sprintf("%05d%c", 20000+i*17, 'A'+i%3))
		plain[all[i]] = int32(i)
	}
	for range 20_000 { // as lines come: each with letters of its own
		asked = append(asked, strings.Clone(all[r.IntN(len(all))]))
	}
	n := newNames(all)
	for name, find := range map[string]func(string) (int32, bool){"table": n.find, "map": func(s string) (int32, bool) { at, ok := plain[s]; return at, ok }} {
		b.Run(name, func(b *testing.B) {
			i := 0
			for b.Loop() {
				if _, ok := find(asked[i]); !ok {
					b.Fatal(asked[i])
				}
				if i++; i == len(asked) {
					i = 0
				}
			}
		})
	}
}
