package prove

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/rapporthq/rapport/charter"
	"github.com/rapporthq/rapport/person"
	"github.com/rapporthq/rapport/reach/decide"
	"github.com/rapporthq/rapport/trust/vault"
)

func TestWeightsUnderKAreSeen(t *testing.T) {
	w := newTown(t)
	s := w.snapshot(6, 8)
	s.House = newTown(t).house(retail(t), 2) // the charter says 5: what rests on fewer is left out
	if r := prover(t, s, nil).WeightsOverK(); r.Failed != 0 || r.Cases == 0 {
		t.Errorf("%d of %d weights under k are used", r.Failed, r.Cases)
	}
	s.House.Model = s.House.Learnt
	r := prover(t, s, nil).WeightsOverK()
	if r.Failed == 0 || r.Cases <= r.Failed {
		t.Errorf("%d of %d weights under k were seen", r.Failed, r.Cases)
	}
	expect(t, inMemory(prover(t, s, nil)), []string{WeightsOverK})
}

func TestNothingLearntHasNoWeights(t *testing.T) {
	s := newTown(t).snapshot(6, 8)
	s.House = s.House.WithoutModel()
	if r := prover(t, s, nil).WeightsOverK(); r.Failed != 0 {
		t.Errorf("%+v", r)
	}
}

func TestACheckWithoutCasesFails(t *testing.T) {
	s := newTown(t).snapshot(0, 0)
	expect(t, inMemory(prover(t, s, nil)), []string{Noninterference, HoldsExercised, ReasonsAddUp, ProtectiveOnly})
	rest := newAtRest(Home{House: s.House}, now)
	for _, r := range []Result{rest.undeclared(), rest.retention(), rest.thief.sees("")} {
		if r.Failed == 0 {
			t.Errorf("%s passes without a case", r.Check)
		}
	}
}

func TestFactsThatPlayNoPartProveNothing(t *testing.T) {
	h := newTown(t).ours()
	m := &decide.Made{Who: person.Person{Root: person.ID{1}}, Marks: h.Shelf.Sensitive}
	know(m, "email", "somebody@nowhere.example", person.Declared)
	p := prover(t, Snapshot{House: h, People: []*decide.Made{m}, Now: now, Seed: 1}, nil)
	if r := p.NonInterference(); r.Cases != 0 || r.Failed != 1 || !strings.Contains(r.Detail, "plays no part in any decision here: email") {
		t.Errorf("%+v", r)
	}
	if r := p.HoldsExercised(); r.Failed != len(reasons) {
		t.Errorf("%+v", r)
	}
}

func TestSameSeedSameResults(t *testing.T) {
	s := newTown(t).snapshot(10, 8)
	one := inMemory(prover(t, s, nil))
	p := prover(t, s, nil)
	two := []Result{p.WeightsOverK(), p.ProtectiveOnlyRemoves(), p.ReasonsAddUp(), p.HoldsExercised(), p.NonInterference()} // in another order
	slices.Reverse(two)
	if !slices.Equal(one, two) {
		t.Errorf("the same seed gave\n%+v\nand\n%+v", one, two)
	}
	s.Seed = 2
	if three := inMemory(prover(t, s, nil)); slices.Equal(one, three) {
		t.Error("the seed plays no part")
	}
}

func TestTheSampleIsTheSeedsAndNotTheWalks(t *testing.T) {
	take := func(seed uint64, order []int) (ids []person.ID) {
		s := sample{most: 10, seed: seed}
		for _, i := range order {
			id := person.ID{byte(i), byte(i >> 8)}
			s.offer(id, func() sampled { return sampled{m: &decide.Made{Who: person.Person{Root: id}}} })
		}
		people, _ := s.taken()
		for _, m := range people {
			ids = append(ids, m.Who.Root)
		}
		return ids
	}
	var up, down []int
	for i := range 500 {
		up, down = append(up, i), append(down, 499-i)
	}
	one := take(1, up)
	if len(one) != 10 || !slices.Equal(one, take(1, down)) || slices.Equal(one, take(2, up)) {
		t.Error("the sample depends on the order in which people come, or not on the seed")
	}
}

func TestTheSnapshotIsNotChanged(t *testing.T) {
	s := newTown(t).snapshot(12, 8)
	before := fmt.Sprintf("%+v", deref(s.People))
	inMemory(prover(t, s, nil))
	if fmt.Sprintf("%+v", deref(s.People)) != before {
		t.Error("the people of the snapshot were changed")
	}
}

func deref(people []*decide.Made) (out []decide.Made) {
	for _, m := range people {
		c := *m
		c.Marks = nil
		out = append(out, c)
	}
	return out
}

func TestNoValueIsTold(t *testing.T) {
	w := newTown(t)
	s := w.snapshot(12, 8)
	for i, m := range s.People {
		for k := range m.Facts {
			if !slices.Contains([]string{"diet", "age_band", "household", "income_band"}, m.Facts[k].Name) {
				m.Facts[k].Value = mark
			}
		}
		know(m, mark+" undeclared", mark, person.Declared)
		e := m.History[0]
		e.Name, e.Properties = mark+" Seen", map[string]any{mark: mark}
		m.History = append(m.History, e)
		m.Complaints = append(m.Complaints, person.Complaint{Of: m.Who.Root, ID: mark, Opened: ago(3)})
		if i%2 == 0 {
			m.Feedback = append(m.Feedback, person.Feedback{Of: m.Who.Root, Kind: person.NotForMe, Placement: mark, Item: mark, Sources: []string{mark}, At: ago(3)})
		}
	}
	for _, compute := range []Compute{nil, breaks[0].compute, breaks[len(breaks)-5].compute} {
		for _, r := range inMemory(prover(t, s, compute)) {
			if strings.Contains(strings.ToUpper(r.Detail), mark) {
				t.Errorf("%s tells a value: %s", r.Check, r.Detail)
			}
		}
	}
}

func TestValuesInClearRowsAreSeen(t *testing.T) {
	c := retail(t)
	opened := &vault.Opened{Facts: []person.Fact{{Head: person.Head{Name: "email"}, Value: "somebody@nowhere.example"}}}
	for _, x := range []struct {
		name string
		l    vault.Loaded
		want int
	}{
		{"sealed", vault.Loaded{Rows: []vault.Row{{Head: []byte("xxxx"), Body: []byte("yyyy")}}}, 0},
		{"in a head", vault.Loaded{Rows: []vault.Row{{Head: []byte("a somebody@nowhere.example b")}}}, 1},
		{"in a body", vault.Loaded{Rows: []vault.Row{{Body: []byte("somebody@nowhere.example")}}}, 1},
		{"in an event", vault.Loaded{Frames: []vault.Frame{{Body: []byte(`{"email":"somebody@nowhere.example"}`)}}}, 1},
	} {
		th := newThief()
		th.person(c, &x.l, opened)
		r := th.sees("")
		if r.Failed != x.want || r.Cases != 1 || strings.Contains(r.Detail, "nowhere") {
			t.Errorf("%s: %+v", x.name, r)
		}
	}
}

func TestNeedlesAreFoundWhereverTheyAre(t *testing.T) {
	long := strings.Repeat("a very long name ", 40)
	for _, window := range []int{300, 1000, 4096} {
		for at := range 700 {
			n := newNeedles()
			n.add("Jane Doe", "name")
			n.add("Jane Dove", "other name")
			n.add(long, "long name")
			text := slices.Concat(bytes.Repeat([]byte("J"), at), []byte("Jane Doe"), bytes.Repeat([]byte("e"), 350), []byte(long))
			found := tally{}
			if err := n.read(bytes.NewReader(text), window, func(name string) { found[name]++ }); err != nil {
				t.Fatal(err)
			}
			if found["name"] != 1 || found["other name"] != 0 || found["long name"] == 0 {
				t.Fatalf("in windows of %d at %d: %s", window, at, found)
			}
		}
	}
}

func TestRulesOverSeveralFacts(t *testing.T) {
	rule := &charter.ProtectRule{ID: "r", Facts: []string{"diet", "age_band"}, When: retail(t).Protect[0].When}
	for _, x := range []struct {
		diets []string
		want  bool
	}{{[]string{"vegan"}, false}, {[]string{"vegan", "diabetic"}, true}, {[]string{"diabetic"}, true}} {
		if got := fires(rule, rule.Facts, map[string][]string{"diet": x.diets, "age_band": {"adult"}}, map[string]string{}, now); got != x.want {
			t.Errorf("%v: %t", x.diets, got)
		}
	}
}
