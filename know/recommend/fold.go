package recommend

import (
	"bytes"
	"cmp"
	"math/bits"
	"slices"

	"github.com/rapporthq/rapport/person"
)

// folding is the room in which a model folds events to the items that it knows: a chain of events for each of them.
type folding struct {
	latest []int32  // by item: its latest link's place plus one; all zero between two foldings
	met    []uint64 // items that have a chain, as bits: they come in the order of the model's indexes; all zero too
	links  []link
	events []int32
	when   []person.Instant
}

// link is an event that had the item.
type link struct{ event, before int32 }

// fold gives every item that the model knows and the input's events had, in the order of indexes: the times of those events, and the latest of them. It is Take
// without a name looked at twice; when is overwritten by the next.
func (m *Model) fold(f *folding, in *Input, yield func(at int32, when []person.Instant, event person.EventID)) {
	if f.latest == nil {
		f.latest, f.met = make([]int32, len(m.ids)), make([]uint64, (len(m.ids)+63)/64)
	}
	events := in.Events
	f.links = f.links[:0]
	for i := range events {
		e := &events[i]
		if !in.Counts(e.Name) {
			continue
		}
		for j := range e.Lines {
			l := &e.Lines[j]
			if l.Item == "" || l.Quantity < 0 {
				continue
			}
			at, known := m.index.Find(l.Item)
			if !known {
				continue
			}
			before := f.latest[at]
			if before > 0 && f.links[before-1].event == int32(i) { // a second line of the same event
				continue
			}
			f.links = append(f.links, link{int32(i), before})
			f.latest[at] = int32(len(f.links))
			f.met[at>>6] |= 1 << (at & 63)
		}
	}
	sooner := func(a, b int32) int {
		return cmp.Or(cmp.Compare(events[a].At, events[b].At), bytes.Compare(events[a].ID[:], events[b].ID[:]))
	}
	for word := range f.met {
		for some := f.met[word]; some != 0; some &= some - 1 {
			at := int32(word<<6 + bits.TrailingZeros64(some))
			had := f.events[:0]
			for n := f.latest[at]; n > 0; n = f.links[n-1].before {
				had = append(had, f.links[n-1].event)
			}
			f.latest[at] = 0
			slices.Reverse(had)
			if !slices.IsSortedFunc(had, sooner) { // a history comes oldest first
				slices.SortFunc(had, sooner)
			}
			when := f.when[:0]
			for i, e := range had {
				if i == 0 || sooner(had[i-1], e) != 0 { // else the same event twice
					when = append(when, events[e].At)
				}
			}
			f.events, f.when = had, when
			yield(at, when, events[had[len(had)-1]].ID)
		}
		f.met[word] = 0
	}
}
