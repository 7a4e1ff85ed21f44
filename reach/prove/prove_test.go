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
	least := map[string]int{Noninterference: 1500, HoldsExercised: 1500, ReasonsAddUp: 500, ProtectiveOnly: 80, WeightsOverK: 2000}
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
