package store

import (
	"errors"
	"sync/atomic"
	"testing"
)

func TestTheLogIsEmptiedAgainUntilNothingCameMeanwhile(t *testing.T) {
	broken := errors.New("broken")
	for name, c := range map[string]struct {
		came, left []bool // in each pass
		err        error  // of the last
		want       int
	}{
		"nothing came":                       {came: []bool{false}, left: []bool{false}, want: 1},
		"something came into the first pass": {came: []bool{true, false}, left: []bool{false, false}, want: 2},
		"a reader kept some of it":           {came: []bool{false, false}, left: []bool{true, false}, want: 2},
		"something comes into every pass":    {came: []bool{true, true, true, true, true}, left: []bool{false, false, false, false, false}, want: mostPasses},
		"the file cannot be written":         {came: []bool{true}, left: []bool{false}, err: broken, want: 1},
	} {
		t.Run(name, func(t *testing.T) {
			var commits atomic.Int64
			n := 0
			err := passes(&commits, func() (bool, error) {
				if n++; n > len(c.came) {
					t.Fatalf("pass %d, after nothing was left to do", n)
				}
				if c.came[n-1] {
					commits.Add(1)
				}
				return !c.left[n-1], c.err
			})
			if n != c.want || !errors.Is(err, c.err) {
				t.Errorf("%d passes and the error %v, wanted %d and %v", n, err, c.want, c.err)
			}
		})
	}
}

func TestEachCommitIsCountedForWhoEmptiesTheLog(t *testing.T) {
	l, err := openLite(t.TempDir(), "FULL")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.close() }()
	before := l.commits.Load()
	if err := l.transaction(t.Context(), func(c conn) error { return c.do(t.Context(), query{text: "CREATE TABLE note (n BIGINT)"}) }); err != nil {
		t.Fatal(err)
	}
	if n := l.commits.Load() - before; n != 1 {
		t.Errorf("one transaction was counted %d times", n)
	}
}
