package prove

import (
	"testing"
)

// inMemory are the checks that need no home.
func inMemory(p *Prover) []Result {
	return []Result{p.NonInterference(), p.HoldsExercised(), p.ReasonsAddUp(), p.ProtectiveOnlyRemoves(), p.WeightsOverK()}
}

func TestTheHonestHousePasses(t *testing.T) {
	p := prover(t, newTown(t).snapshot(40, 12), nil)
	least := map[string]int{Noninterference: 1500, HoldsExercised: 1500, ReasonsAddUp: 500, ProtectiveOnly: 50, WeightsOverK: 2000}
	for _, r := range inMemory(p) {
		t.Logf("%+v", r)
		if r.Failed != 0 {
			t.Errorf("%s fails: %s", r.Check, r.Detail)
		}
		if r.Cases < least[r.Check] {
			t.Errorf("%s has %d cases only", r.Check, r.Cases)
		}
	}
}

// BenchmarkChecks is what `rapport prove` does of a home of 60 people with 100 baskets of ten products each, but for reading it.
func BenchmarkChecks(b *testing.B) {
	w := newTown(b)
	w.each = 300
	s := w.snapshot(60, 100)
	for _, m := range s.People {
		for i := range m.History {
			for len(m.History[i].Lines) < 10 {
				m.History[i].Lines = append(m.History[i].Lines, m.History[i].Lines...)
			}
		}
	}
	cases := 0
	for b.Loop() {
		cases = 0
		for _, r := range inMemory(prover(b, s, nil)) {
			cases += r.Cases
		}
	}
	b.ReportMetric(float64(cases), "cases")
}
