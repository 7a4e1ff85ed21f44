package decide

import (
	"github.com/rapporthq/rapport/know/recommend"
	"github.com/rapporthq/rapport/person"
)

// GoesWith lists at most n items that the model says are taken with this one, nearest first (recommend.Model.Neighbours). It is about items only and the
// same for everybody: no pair rests on fewer than the charter's k people, and an item that a sensitive rule marks is
// neither asked about nor listed. Empty without a model.
func (h *House) GoesWith(item string, n int, at person.Instant) []string {
	if h == nil || h.ranker == nil {
		return nil
	}
	hides := h.hidden(func(string) bool { return false })
	if hides.items.has(h.Shelf.Index(item)) {
		return nil
	}
	var with []string
	for _, p := range h.neighbours(item) {
		i := h.Shelf.Index(p.Item)
		if len(with) == n {
			break
		}
		if p.Item != item && h.offer.has(i) && !hides.items.has(i) && h.Shelf.Available(i, at) && !h.Shelf.All()[i].Bare {
			with = append(with, p.Item)
		}
	}
	return with
}

// neighbours are the model's; one that panics has none.
func (h *House) neighbours(item string) (near []recommend.Neighbour) {
	defer func() {
		if x := recover(); x != nil {
			near = nil
		}
	}()
	return h.ranker.Neighbours(item)
}
