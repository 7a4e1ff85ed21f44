package vault

import "testing"

// What a gate remembers seals, and opens nothing; and it ends with the person's key.
func TestASealingSealsAndOpensNothing(t *testing.T) {
	k, err := newRing(nil, [16]byte{1}, make([]byte, 32))
	must(t, err)
	small := k.small()
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
