package person

import (
	"strings"
	"testing"
)

// TestEachDoubtHasANameAndAFactor holds the table to the bits: a doubt more without its line would be read past the end of it.
func TestEachDoubtHasANameAndAFactor(t *testing.T) {
	n := 0
	for d := range Doubts(allDoubts).Each {
		if n++; d.String() == "" || strings.Contains(d.String(), ",") {
			t.Errorf("doubt %d is called %q", d, d)
		}
		if back, ok := ParseDoubt(d.String()); !ok || back != d {
			t.Errorf("%q is read as %v", d, back)
		}
		if q := d.Quality(); q < 0 || q > 1 || (q == 1) != (d == Guessed) {
			t.Errorf("%s has the factor %v", d, q)
		}
	}
	if n != len(doubts) {
		t.Errorf("%d doubts and %d lines", n, len(doubts))
	}
	if _, ok := ParseDoubt("nothing"); ok {
		t.Error("a doubt that is none is read as one")
	}
}

func TestMoreDoubtsNeverRaiseTheQuality(t *testing.T) {
	if q := Doubts(0).Quality(); q != 1 {
		t.Fatalf("without doubts it is %v", q)
	}
	for d := range Doubts(allDoubts) {
		for more := range Doubts(allDoubts &^ d).Each {
			if (d | more).Quality() > d.Quality() {
				t.Fatalf("%q with %q is surer than without", d, more)
			}
		}
	}
	if q := Doubts(1 << 31).Quality(); q != 1 {
		t.Errorf("a bit of a newer version counts as %v", q)
	}
}
