package main

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/rapporthq/rapport/reach/prove"
)

// TestThePromisesHoldOnTheDemosHome runs every self-check against real data, through the socket of the home that is served meanwhile.
func TestThePromisesHoldOnTheDemosHome(t *testing.T) {
	d := openDemo(t)
	out, errs, code := try(t, "prove", "--home", d.Home, "--people", "40", "--json")
	if code != 0 {
		t.Errorf("prove gave %d: %s", code, errs)
	}
	cases := map[string]int{}
	for _, line := range strings.Split(strings.TrimSpace(out), "\n") {
		var r prove.Result
		if err := json.Unmarshal([]byte(line), &r); err != nil {
			t.Fatalf("%q: %v", line, err)
		}
		cases[r.Check] = r.Cases
		if r.Failed > 0 {
			t.Errorf("%s: %d of %d failed: %s", r.Check, r.Failed, r.Cases, r.Detail)
		}
	}
	for _, check := range prove.Checks {
		if cases[check] == 0 {
			t.Errorf("%s met no case", check)
		}
	}
	if cases[prove.Noninterference] < 1000 {
		t.Errorf("noninterference counted %d cases only", cases[prove.Noninterference])
	}
}
