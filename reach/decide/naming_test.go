package decide

import (
	"bytes"
	"context"
	"encoding/binary"
	"slices"
	"testing"

	"github.com/rapporthq/rapport/person"
	"github.com/rapporthq/rapport/trust/vault"
)

// Names are found again whichever way they were made, lie in the order of time, and say nothing of it.
func TestANameIsWhereItsReceiptLies(t *testing.T) {
	x := newHome(t)
	ordered, drawn := newNaming(x.vault, false), newNaming(x.vault, true)
	var keys []vault.Key
	for i := range 2000 {
		at := now + person.Instant(i)
		id, key := ordered.kept(at)
		old, oldKey := drawn.kept(at)
		if old != ID(oldKey) {
			t.Fatal("a name that is drawn is not its key")
		}
		for _, n := range []*naming{ordered, drawn} { // a home may come to be shared, and no longer
			if got := n.of(&vault.Row{Key: key, At: at}); got != id || n.keys(id)[0] != key {
				t.Fatalf("the receipt of %v at %v is found as %v", id, at, got)
			}
			if got := n.of(&vault.Row{Key: oldKey, At: at}); got != old || !slices.Contains(n.keys(old), oldKey) {
				t.Fatalf("the receipt of %v is found as %v", old, got)
			}
		}
		if ordered.isUnkept(id) || ordered.isUnkept(old) || !ordered.isUnkept(ordered.unkept()) {
			t.Fatal("which decisions have a receipt is not to be told")
		}
		when := binary.BigEndian.AppendUint64(nil, uint64(at))
		if bytes.Contains(id[:], when[2:]) { // by chance once in 2^45 runs
			t.Fatalf("%v says when", id)
		}
		keys = append(keys, key)
	}
	if !slices.IsSortedFunc(keys, func(a, b vault.Key) int { return bytes.Compare(a[:], b[:]) }) {
		t.Error("keys are not in the order of their times")
	}
	other := newNaming(newHome(t).vault, false)
	if id, key := ordered.kept(now); slices.Contains(other.keys(id), key) {
		t.Error("another home reads the name")
	}
}

// What a home decided while it was shared is found when it is not, and the other way round; so it is after a restart, and in the person's own list.
func TestDecisionsAreFoundByWhicheverNameTheyHave(t *testing.T) {
	x := newHome(t)
	ctx := context.Background()
	decide := func(d *Decider) ID {
		t.Helper()
		x.time.Add(1)
		out, err := d.Decide(ctx, Request{Person: Ref{UserID: "13085"}, Placements: []string{"home"}, Wait: true}, explaining)
		if err != nil {
			t.Fatal(err)
		}
		id, err := ParseID(out[0].ID)
		if err != nil {
			t.Fatal(err)
		}
		return id
	}
	begin := func(shared bool) *Decider {
		return New(x.live, x.vault, x.store, Options{Clock: x.clock, Shared: shared})
	}
	var ids []ID
	for _, shared := range []bool{false, true, false} {
		ids = append(ids, decide(begin(shared)))
	}
	for _, shared := range []bool{false, true} {
		for _, id := range ids {
			if d, err := begin(shared).Own(ctx, x.who, id, "en"); err != nil || d.ID != id.String() {
				t.Errorf("%v, shared %v: %v %v", id, shared, d.ID, err)
			}
		}
		list, _, err := begin(shared).Owned(ctx, x.who, 0, 10, "en")
		if err != nil || len(list) != 3 || list[0].ID != ids[2].String() || list[1].ID != ids[1].String() || list[2].ID != ids[0].String() {
			t.Errorf("shared %v: the list of %d is not what was decided (%v)", shared, len(list), err)
		}
	}
	if _, err := begin(false).Own(ctx, x.who, NewID(), "en"); err == nil {
		t.Error("a name that nobody gave is found")
	}
}
