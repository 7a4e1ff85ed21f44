package person

import (
	"slices"
	"testing"
)

func TestWhatIsJoinedByADoubtfulLinkIsFar(t *testing.T) {
	a, b, c, d, e := ID{1}, ID{2}, ID{3}, ID{4}, ID{5}
	// b and c were brought to a, d to b, e to d; that b and e came is doubtful.
	p := Person{Root: a, Also: []Join{{ID: d, At: 1, To: b}, {ID: e, At: 2, To: d, Doubtful: true}, {ID: b, At: 3, To: a, Doubtful: true}, {ID: c, At: 4, To: a}}}
	for by, want := range map[ID][]ID{
		{}:   {d, e, b},
		a:    {d, e, b},
		c:    {d, e, b},
		b:    {a, e, c},
		d:    {a, e, c},
		e:    {a, d, b, c},
		{99}: {d, e, b},
	} {
		p.By = by
		if got := p.Far(); !slices.Equal(got, want) {
			t.Errorf("asked by %v: far are %v, not %v", by[0], got, want)
		}
	}
	if got := p.Under(b); !slices.Equal(got, []ID{b, d, e}) {
		t.Errorf("with b leave %v", got)
	}
	if got := p.Under(a); len(got) != 5 {
		t.Errorf("with the root leave %v", got)
	}
	for pair, want := range map[[2]ID]ID{{a, b}: b, {a, c}: c, {c, d}: b, {b, e}: e, {b, d}: d, {a, e}: b} {
		if got, ok := p.Cut(pair[0], pair[1]); !ok || got != want {
			t.Errorf("to part %d and %d, %d is split off", pair[0][0], pair[1][0], got[0])
		}
		if got, ok := p.Cut(pair[1], pair[0]); !ok || got != want {
			t.Errorf("to part %d and %d, %d is split off", pair[1][0], pair[0][0], got[0])
		}
	}
	if _, ok := p.Cut(a, ID{99}); ok {
		t.Error("somebody who is not there was parted")
	}
	for i := range p.Also {
		p.Also[i].Doubtful = false
	}
	if p.Doubted() || p.Far() != nil {
		t.Error("nothing is doubtful, and somebody is far")
	}
}
