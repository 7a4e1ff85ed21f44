package vault

import (
	"bytes"
	"testing"
)

// What a gate remembers seals, and opens nothing; and it ends with the person's key.
func TestASealingSealsAndOpensNothing(t *testing.T) {
	k, err := newRing(nil, [16]byte{1}, make([]byte, 32))
	must(t, err)
	ring := k.small()
	small := &ring
	sealed := small.seal(nil, []byte("plain"), []byte("of"))
	if out, err := k.open(nil, sealed, []byte("of")); err != nil || string(out) != "plain" {
		t.Fatalf("%q, %v", out, err)
	}
	if out, err := small.open(nil, sealed, []byte("of")); err == nil {
		t.Fatalf("a small ring opened %q", out)
	}
	k.gone.Store(true)
	if _, err := small.LeafKey(); err == nil {
		t.Fatal("a small ring goes on after its key was forgotten")
	}
}

// As bytes and back it is the same: each key under its own pseudonym, what was removed and nothing else; and what is wiped seals no more.
func TestASealingIsKeptAsBytes(t *testing.T) {
	v, err := Create(t.TempDir())
	must(t, err)
	var s Sealing
	for n := range byte(3) {
		k, err := newRing(v, [16]byte{n + 1}, bytes.Repeat([]byte{n}, 32))
		must(t, err)
		s.keys = append(s.keys, k.small())
	}
	s.v, s.suppressed = v, [][8]byte{v.NameHalf(SuppressedRow, "household"), v.NameHalf(SuppressedRow, "email")}
	kept := s.Append(nil)
	var back Sealing
	v.Restore(&back, (&Sealing{v: v, keys: s.keys[:1]}).Append(nil)) // of somebody else before
	v.Restore(&back, kept)
	for i := range s.keys {
		k := back.Ring(s.keys[i].id)
		if k == nil || k.raw != s.keys[i].raw || k.v != v {
			t.Fatalf("key %d is another: %v", i, k)
		}
		if _, err := k.LeafKey(); err == nil {
			t.Error("a key out of memory makes leaves")
		}
	}
	if !back.Suppressed("household") || !back.Suppressed("email") || back.Suppressed("card") || back.Ring([16]byte{4}) != nil {
		t.Error("what was removed is another")
	}
	keys := back.keys
	back.Wipe()
	if back.Ring([16]byte{1}) != nil || back.Suppressed("household") || keys[0].raw != [32]byte{} || keys[2].raw != [32]byte{} {
		t.Error("something stays of what was wiped")
	}
	v.Restore(&back, nil)
	v.Restore(&back, kept[:20])
}
