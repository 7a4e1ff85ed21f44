package similar

import (
	"math"
	"testing"
	"unicode/utf8"

	"github.com/agnivade/levenshtein"
	"github.com/antzucaro/matchr"
	_ "github.com/rapporthq/rapport/person/seedtest" // draws the same each time
	"pgregory.net/rapid"

	"github.com/rapporthq/rapport/torture"
)

// words draws strings that are often alike: few letters, some of them of several bytes, and long ones too.
func words() *rapid.Generator[string] {
	return rapid.Custom(func(t *rapid.T) string {
		letters := []rune("aabbcdé中ÿ𝒜")
		return rapid.StringOfN(rapid.SampledFrom(letters), 0, rapid.SampledFrom([]int{4, 9, 100}).Draw(t, "longest"), -1).Draw(t, "word")
	})
}

func TestLevenshteinIsThatOfTwoPublicLibraries(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a, b := words().Draw(t, "a"), words().Draw(t, "b")
		got := Levenshtein(a, b)
		if want := levenshtein.ComputeDistance(a, b); got != want {
			t.Fatalf("%q %q: %d, agnivade/levenshtein says %d", a, b, got, want)
		}
		if want := matchr.Levenshtein(a, b); got != want {
			t.Fatalf("%q %q: %d, matchr says %d", a, b, got, want)
		}
	})
}

// matchr.OSA overlooks a swap of the first two runes, so both words are put behind a word that is in neither.
func TestDistanceIsThatOfAPublicLibrary(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a, b := words().Draw(t, "a"), words().Draw(t, "b")
		got := Distance(a, b)
		if want := matchr.OSA("##"+a, "##"+b); got != want {
			t.Fatalf("%q %q: %d, matchr says %d", a, b, got, want)
		}
		for k := range 5 {
			if w := Within(a, b, k); w != min(got, k+1) {
				t.Fatalf("%q %q: within %d is %d, the distance is %d", a, b, k, w, got)
			}
		}
	})
}

func TestJaroWinklerIsThatOfAPublicLibrary(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a, b := words().Draw(t, "a"), words().Draw(t, "b")
		if a == "" || b == "" {
			return // below: matchr says 0 for two empty strings
		}
		if got, want := Jaro(a, b), matchr.Jaro(a, b); math.Abs(got-want) > 1e-12 {
			t.Fatalf("%q %q: Jaro %v, matchr says %v", a, b, got, want)
		}
		if got, want := JaroWinkler(a, b), matchr.JaroWinkler(a, b, false); math.Abs(got-want) > 1e-12 {
			t.Fatalf("%q %q: Jaro-Winkler %v, matchr says %v", a, b, got, want)
		}
	})
}

func TestPublishedValues(t *testing.T) {
	for _, c := range []struct {
		a, b     string
		distance int
		jw       float64
	}{
		{"MARTHA", "MARHTA", 1, 0.961}, {"DWAYNE", "DUANE", 2, 0.840}, {"DIXON", "DICKSONX", 4, 0.813}, // Winkler 1990
		{"ba", "ab", 1, 0}, {"", "", 0, 1}, {"", "abc", 3, 0}, {"ca", "abc", 3, 0}, {"sárközi", "sarkozi", 2, 0.829},
	} {
		if got := Distance(c.a, c.b); got != c.distance {
			t.Errorf("%s %s: distance %d, expected %d", c.a, c.b, got, c.distance)
		}
		if got := JaroWinkler(c.a, c.b); math.Abs(got-c.jw) > 0.0006 {
			t.Errorf("%s %s: Jaro-Winkler %.4f, expected %.3f", c.a, c.b, got, c.jw)
		}
	}
}

func TestNothingIsAllocated(t *testing.T) {
	pairs := [][2]string{{"katherine", "catharina"}, {"müller", "mueller"}, {"сергей", "sergei"}}
	long := [2]string{}
	for range 40 {
		long[0], long[1] = long[0]+"aéc", long[1]+"abc"
	}
	for _, p := range append(pairs, long) {
		if n := testing.AllocsPerRun(200, func() { Distance(p[0], p[1]); JaroWinkler(p[0], p[1]); Levenshtein(p[0], p[1]) }); n > 0.05 && !torture.Raced {
			t.Errorf("%d runes: %v allocations", utf8.RuneCountInString(p[0]), n)
		}
	}
}

func FuzzSimilar(f *testing.F) {
	f.Add("abc", "abd")
	f.Add("\xffé", "é\xff")
	f.Fuzz(func(t *testing.T, a, b string) {
		d, l, s := Distance(a, b), Levenshtein(a, b), JaroWinkler(a, b)
		if d != Distance(b, a) || d > l || l > max(utf8.RuneCountInString(a), utf8.RuneCountInString(b)) || (d == 0) != (string([]rune(a)) == string([]rune(b))) && a == b {
			t.Errorf("%q %q: distance %d, Levenshtein %d", a, b, d, l)
		}
		if l != levenshtein.ComputeDistance(a, b) && utf8.ValidString(a) && utf8.ValidString(b) {
			t.Errorf("%q %q: Levenshtein %d", a, b, l)
		}
		if s < 0 || s > 1+1e-12 || math.IsNaN(s) {
			t.Errorf("%q %q: similarity %v", a, b, s)
		}
	})
}

func BenchmarkWithin(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		Within("chudleigh", "chydleigh", 2)
		Within("brightman", "robertson", 2)
	}
}

func BenchmarkJaroWinkler(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		JaroWinkler("chudleigh", "chydleigh")
	}
}
