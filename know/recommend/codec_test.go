package recommend

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"math/rand/v2"
	"reflect"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/rapporthq/rapport/person"
	_ "github.com/rapporthq/rapport/person/seedtest" // draws the same each time
)

func TestAModelComesBackTheSame(t *testing.T) {
	year := town(80, 12, 5)
	for i := range year {
		for k := range year[i].Taken {
			x := &year[i].Taken[k]
			x.When = append([]person.Instant{daysAgo(400 - float64(i))}, x.When...)
		}
	}
	seasons, _ := learn(t, year, Options{Fixed: someTerms})
	if seasons.season == nil {
		t.Fatal("there are no seasons: the test tests nothing of them")
	}
	empty, _ := learn(t, nil, Options{Fixed: someTerms})
	for name, m := range map[string]*Model{"a town": townModel(t), "seasons": seasons, "nothing": empty} {
		raw := bytesOf(t, m)
		var back Model
		if err := back.UnmarshalBinary(raw); err != nil {
			t.Fatal(name, err)
		}
		for i := range reflect.TypeFor[Model]().NumField() {
			field := reflect.TypeFor[Model]().Field(i).Name
			if name != "nothing" && field != "scratch" && !reflect.ValueOf(m).Elem().Field(i).IsZero() && reflect.ValueOf(&back).Elem().Field(i).IsZero() {
				t.Fatalf("%s: %s is not there in the one that was read", name, field)
			}
		}
		if !bytes.Equal(raw, bytesOf(t, &back)) {
			t.Errorf("%s: written again it is other bytes", name)
		}
		raw2 := slices.Clone(raw)
		for i := range raw {
			raw[i] = 0xee
		}
		if !bytes.Equal(raw2, bytesOf(t, &back)) {
			t.Errorf("%s: the model holds on to the bytes it was read from", name)
		}
		rapid.Check(t, func(t *rapid.T) {
			in := anyInput(m).Draw(t, "in")
			if in.Allow != nil {
				in.Allow = nil
			}
			want := m.Rank(nil, in)
			if d := cmp.Diff(want, back.Rank(nil, in)); d != "" {
				t.Fatal(d)
			}
			for _, s := range want {
				if d := cmp.Diff(m.Explain(in, s.ID), back.Explain(in, s.ID)); d != "" {
					t.Fatal(d)
				}
			}
			if d := cmp.Diff(m.Trend(in.At), back.Trend(in.At)); d != "" {
				t.Fatal(d)
			}
		})
	}
}

// sealed puts a right sum under changed bytes, so that what is read behind the sum is tried too.
func sealed(b []byte) []byte {
	body := b[:max(0, len(b)-4)]
	return binary.LittleEndian.AppendUint32(slices.Clone(body), crc32.Checksum(body, castagnoli))
}

func TestADamagedModelIsRefused(t *testing.T) {
	raw := bytesOf(t, townModel(t))
	refused := func(what string, b []byte) {
		t.Helper()
		var m Model
		if err := m.UnmarshalBinary(b); !errors.Is(err, ErrModel) || m.Items() != 0 || m.k != 0 {
			t.Errorf("%s: %v", what, err)
		}
	}
	for i := 0; i < len(raw); i += 7 {
		b := slices.Clone(raw)
		b[i] ^= 1 << (i % 8)
		refused(fmt.Sprint("a bit at ", i), b)
	}
	for i := 0; i < len(raw); i += 11 {
		refused(fmt.Sprint("cut at ", i), raw[:i])
		if i > len(magic) {
			refused(fmt.Sprint("cut at with a right sum ", i), sealed(raw[:i]))
		}
	}
	refused("more behind it", sealed(append(slices.Clone(raw), 1, 2, 3)))
	old := slices.Clone(raw)
	old[len(magic)-1]++
	refused("another version", sealed(old))
	used := townModel(t)
	if err := used.UnmarshalBinary(raw); err == nil {
		t.Error("a model in use was overwritten")
	}
}

func TestAModelOfTooFewPeopleIsRefused(t *testing.T) {
	for name, plant := range map[string]func(m *Model){
		"a weight":       func(m *Model) { m.shared[0] = testK - 1 },
		"a candidate":    func(m *Model) { m.people[0] = testK - 1 },
		"a trend":        func(m *Model) { m.recent[0], m.lately[0] = testK-1, 0.5 },
		"no floor":       func(m *Model) { m.k = 1 },
		"a target twice": func(m *Model) { m.to[1] = m.to[0] },
		"ids that fall":  func(m *Model) { m.ids[0], m.ids[1] = m.ids[1], m.ids[0] },
	} {
		m := townModel(t)
		plant(m)
		b, _ := m.MarshalBinary()
		if err := new(Model).UnmarshalBinary(b); !errors.Is(err, ErrModel) {
			t.Error(name, err)
		}
	}
}

func FuzzUnmarshal(f *testing.F) {
	m, _ := learn(f, town(30, 6, 1), Options{Fixed: someTerms, Items: catalogueOf(7), Sensitive: sensitive})
	raw := bytesOf(f, m)
	f.Add(raw)
	f.Add(raw[:len(raw)/2])
	f.Add([]byte(magic + "\x02\x00"))
	f.Fuzz(func(t *testing.T, b []byte) {
		for _, b := range [][]byte{b, sealed(b)} {
			var m Model
			if m.UnmarshalBinary(b) != nil {
				continue
			}
			in := Input{At: today, Columns: m.Columns()}
			for i := range min(m.Items(), 50) {
				in.Taken = append(in.Taken, Taken{Item: m.ID(i), When: []person.Instant{daysAgo(2)}})
			}
			for _, s := range m.Rank(nil, in) {
				m.Explain(in, s.ID)
				m.Neighbours(s.ID)
			}
			m.Trend(today)
			m.Generic()
			m.Supports(func(i, j string, people int) bool {
				if people < m.MinSupport() {
					t.Fatalf("%d people behind a number", people)
				}
				return true
			})
			if again, err := m.MarshalBinary(); err != nil || new(Model).UnmarshalBinary(again) != nil {
				t.Fatal("what was read cannot be written and read again")
			}
		}
	})
}

// large is a model of the size of the grocer's: 4,200 items with about 80 neighbours each.
func large(tb testing.TB) *Model {
	tb.Helper()
	const items, near = 4200, 80
	m := &Model{k: 25, learnt: today, candidates: items, terms: terms(*someTerms), start: []int32{0}}
	rng := rand.New(rand.NewPCG(1, 1))
	for i := range items {
		m.ids = append(m.ids, fmt.Sprintf("%07d", i))
		m.people, m.recent, m.repeat, m.lately = append(m.people, 100), append(m.recent, 50), append(m.repeat, 1), append(m.lately, rng.Float32())
		to := rng.Perm(items)[:near]
		slices.Sort(to)
		for _, t := range to {
			m.to, m.weight, m.shared = append(m.to, int32(t)), append(m.weight, rng.Float32()*0.1), append(m.shared, 30)
		}
		m.start = append(m.start, int32(len(m.to)))
	}
	m.marked = newSet(items)
	m.ready()
	return m
}

func bigInput(m *Model) Input {
	in := Input{At: today}
	for i := range 100 {
		x := Taken{Item: m.ID(i * 41)}
		for k := range 1 + i%4 {
			x.When = append(x.When, daysAgo(float64(100-k*20-i%7)))
		}
		in.Taken = append(in.Taken, x)
	}
	return in
}

func BenchmarkRank(b *testing.B) {
	m := large(b)
	in := bigInput(m)
	buf := m.Rank(nil, in)
	b.ReportAllocs()
	for b.Loop() {
		buf = m.Rank(buf, in)
	}
}

func BenchmarkRankTheBest(b *testing.B) {
	m := large(b)
	in := bigInput(m)
	in.Most = 64
	buf := m.Rank(nil, in)
	b.ReportAllocs()
	for b.Loop() {
		buf = m.Rank(buf, in)
	}
}

func BenchmarkExplain(b *testing.B) {
	m := large(b)
	in := bigInput(m)
	top := m.Rank(nil, in)[0].ID
	b.ReportAllocs()
	for b.Loop() {
		m.Explain(in, top)
	}
}

func BenchmarkUnmarshal(b *testing.B) {
	raw := bytesOf(b, large(b))
	b.SetBytes(int64(len(raw)))
	b.ReportAllocs()
	for b.Loop() {
		if err := new(Model).UnmarshalBinary(raw); err != nil {
			b.Fatal(err)
		}
	}
}
