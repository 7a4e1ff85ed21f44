package vault

import (
	"bytes"
	"errors"
	"sync"
	"testing"

	"github.com/rapporthq/rapport/person"
)

func TestWrappedKeyIsItsPseudonymsOnly(t *testing.T) {
	v := newVault(t)
	e, k := enrolled(t, v)
	if got, err := v.Key(e.ID, e.Wrapped); err != nil || got != k {
		t.Fatalf("the ring of an enrolment is remembered: %v", err)
	}
	v.Forget(e.ID)
	again, err := v.Key(e.ID, e.Wrapped)
	if err != nil || again == k {
		t.Fatalf("a forgotten ring is unwrapped anew: %v", err)
	}
	if _, err := v.Key(person.NewID(), e.Wrapped); !errors.Is(err, ErrUnreadable) {
		t.Fatalf("somebody else's wrapped key: %v", err)
	}
	for i := range e.Wrapped {
		bad := bytes.Clone(e.Wrapped)
		bad[i] ^= 1
		if _, err := v.Key(e.ID, bad); err == nil {
			t.Fatalf("byte %d of the wrapped key may be changed", i)
		}
	}
	for _, bad := range [][]byte{nil, {}, e.Wrapped[:20], e.Wrapped[:len(e.Wrapped)-1]} {
		if _, err := v.Key(e.ID, bad); !errors.Is(err, ErrUnreadable) {
			t.Fatalf("short wrapped key: %v", err)
		}
	}
	if _, err := v.Key(person.ID{}, e.Wrapped); !errors.Is(err, ErrUnreadable) {
		t.Fatalf("nobody's key: %v", err)
	}
}

func TestForgottenRingOpensNothing(t *testing.T) {
	v := newVault(t)
	e, k := enrolled(t, v)
	row := k.SealFact(fact("birthday", "1970-01-01", "self", person.Declared, noon, true))
	aad := bindRow(nil, e.ID, partHead, FactRow, row.Key, row.At)
	if _, err := k.open(nil, row.Head, aad); err != nil {
		t.Fatal(err)
	}
	if _, err := k.LeafKey(); err != nil {
		t.Fatal(err)
	}
	v.Forget(e.ID)
	if _, err := k.open(nil, row.Head, aad); !errors.Is(err, ErrUnreadable) {
		t.Fatalf("open after Forget: %v", err)
	}
	if _, err := k.LeafKey(); !errors.Is(err, ErrUnreadable) {
		t.Fatalf("leaf after Forget: %v", err)
	}
}

func TestLeafKeyIsStableAndOwn(t *testing.T) {
	v := newVault(t)
	e, k := enrolled(t, v)
	_, other := enrolled(t, v)
	a, _ := k.LeafKey()
	v.Forget(e.ID)
	again, err := v.Key(e.ID, e.Wrapped)
	must(t, err)
	b, _ := again.LeafKey()
	c, _ := other.LeafKey()
	h, _ := v.Home().LeafKey()
	if len(a) != 32 || !bytes.Equal(a, b) || bytes.Equal(a, c) || bytes.Equal(a, h) {
		t.Fatal("leaf keys are one for each pseudonym, and stay")
	}
}

func TestCacheIsBounded(t *testing.T) {
	const room = 256
	v := newVault(t, Cached(room))
	type kept struct {
		id      person.ID
		wrapped []byte
	}
	var all []kept
	for range 4 * room {
		e, _ := enrolled(t, v)
		all = append(all, kept{e.ID, e.Wrapped})
	}
	if n := v.rings.len(); n > room {
		t.Fatalf("%d rings are kept, %d is the bound", n, room)
	}
	// One that is used at every turn stays; all others are unwrapped again and are right.
	hot, err := v.Key(all[0].id, all[0].wrapped)
	must(t, err)
	for _, k := range all {
		ring, err := v.Key(k.id, k.wrapped)
		must(t, err)
		if ring.ID() != k.id {
			t.Fatal("the cache gave somebody else's ring")
		}
		if now, _ := v.Key(all[0].id, all[0].wrapped); now != hot {
			t.Fatal("the clock evicted what was just used")
		}
	}
	for _, k := range all {
		v.Forget(k.id)
	}
	if n := v.rings.len(); n != 0 {
		t.Fatalf("%d rings outlive Forget", n)
	}
	for _, k := range all { // slots that were emptied are used again
		_, err := v.Key(k.id, k.wrapped)
		must(t, err)
	}
	if n := v.rings.len(); n > room {
		t.Fatalf("%d rings after forgetting, %d is the bound", n, room)
	}
}

func TestCacheUnderManyHands(t *testing.T) {
	v := newVault(t, Cached(64))
	var es []Enrolment
	for range 200 {
		e, _ := enrolled(t, v)
		es = append(es, e)
	}
	var wg sync.WaitGroup
	for g := range 8 {
		wg.Add(1)
		go func() {
			defer wg.Done()
			for i := range 2000 {
				e := es[(i*7+g*13)%len(es)]
				k, err := v.Key(e.ID, e.Wrapped)
				if err != nil || k.ID() != e.ID {
					t.Errorf("ring %v", err)
					return
				}
				if i%50 == g {
					v.Forget(e.ID)
				}
				_ = k.SealRestriction(noon, true)
			}
		}()
	}
	wg.Wait()
}
