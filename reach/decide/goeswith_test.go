package decide

import (
	"slices"
	"strings"
	"testing"

	"github.com/rapporthq/rapport/person"
)

func TestGoesWith(t *testing.T) {
	r := newToy()
	r.weights["bread"]["test"] = 0.9 // marked by a sensitive rule of the charter
	r.weights["bread"]["bread"] = 0.8
	items := shop()
	for i := range items {
		switch items[i].ID {
		case "wine":
			items[i].Until = now
		case "beer":
			items[i].Bare = true
		}
	}
	r.weights["milk"]["wine"], r.weights["milk"]["beer"], r.weights["milk"]["not-on-the-shelf"] = 0.7, 0.6, 0.9
	h := houseOf(t, items, r)
	for _, c := range []struct {
		item string
		n    int
		want string
	}{
		{"bread", 8, "milk cake"}, {"bread", 1, "milk"}, {"milk", 8, "tea bread"}, {"test", 8, ""}, {"nothing", 8, ""},
	} {
		if got := strings.Join(h.GoesWith(c.item, c.n, now), " "); got != c.want {
			t.Errorf("with %s goes %q, want %q", c.item, got, c.want)
		}
	}
	if got := h.Without(map[string]bool{"milk": true}).GoesWith("bread", 8, now); slices.Contains(got, "milk") {
		t.Error("what is not offered goes with something")
	}
	r.broken = "Neighbours"
	var none *House
	for _, h := range []*House{none, h.WithoutModel(), h} {
		if got := h.GoesWith("bread", 8, person.Instant(now)); len(got) != 0 {
			t.Errorf("without a model that works bread goes with %v", got)
		}
	}
}
