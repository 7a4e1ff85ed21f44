package vault

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/tink-crypto/tink-go/v2/aead"
	"github.com/tink-crypto/tink-go/v2/keyset"
	"github.com/tink-crypto/tink-go/v2/tink"

	"github.com/rapporthq/rapport/person"
	"github.com/rapporthq/rapport/trust/tact"
)

// localService is a key service in the process: a tink AEAD whose key never leaves it.
func localService(t *testing.T) tink.AEAD {
	t.Helper()
	h, err := keyset.NewHandle(aead.AES256GCMKeyTemplate())
	must(t, err)
	a, err := aead.New(h)
	must(t, err)
	return a
}

// TestARotationReadsThroughoutAndThenTheOldKeyIsDead rotates with and without a key service: at each step what was sealed opens, in this process and in one that opens the
// home then; afterwards what the old key wrapped opens nowhere, and the files of before open nothing.
func TestARotationReadsThroughoutAndThenTheOldKeyIsDead(t *testing.T) {
	for name, with := range map[string][]Option{"the owner's file": nil, "a key service": {KMS(localService(t))}} {
		t.Run(name, func(t *testing.T) {
			home := t.TempDir()
			v, err := Create(home, with...)
			must(t, err)
			e, k := enrolled(t, v)
			row := k.SealFact(fact("birthday", "1970-01-01", "self", person.Declared, noon, true))
			before, err := KeyFiles(home)
			must(t, err)
			reads := func(step string, v *Vault, wrapped []byte) {
				t.Helper()
				k, err := v.Key(e.ID, wrapped)
				if err != nil {
					t.Fatalf("%s: %v", step, err)
				}
				s := &scratch{}
				s.aad = bindRow(nil, e.ID, partBody, row.Kind, row.Key, row.At)
				if out, err := k.open(nil, row.Body, s.aad); err != nil || string(out[1:]) != "1970-01-01" {
					t.Fatalf("%s: %q %v", step, out, err)
				}
			}
			other, err := Open(home, with...) // another process of the home, which is told nothing
			must(t, err)
			must(t, v.Rotate())
			must(t, v.Rotate()) // cut off and run again: no third key
			now, old := v.Wrapping()
			if len(old) != 1 || now == old[0] {
				t.Fatalf("%x and %x", now, old)
			}
			reads("begun", v, e.Wrapped)
			again, err := Open(home, with...)
			must(t, err)
			reads("begun, opened again", again, e.Wrapped)
			fresh, err := v.Rewrap(e.ID, e.Wrapped)
			must(t, err)
			if g, _ := GenerationOf(fresh); g != now {
				t.Fatal("it is not wrapped by the new key")
			}
			if same, err := v.Rewrap(e.ID, fresh); err != nil || !bytes.Equal(same, fresh) {
				t.Fatal("what is wrapped anew is wrapped again")
			}
			reads("in the other process", other, fresh)
			must(t, v.Retire())
			reads("retired", v, fresh)
			last, err := Open(home, with...)
			must(t, err)
			reads("retired, opened again", last, fresh)
			for _, v := range []*Vault{v, last} {
				v.Forget(e.ID)
				if _, err := v.Key(e.ID, e.Wrapped); !errors.Is(err, ErrUnreadable) {
					t.Error("what the old key wrapped still opens")
				}
			}
			if x, y := blindOf(t, v, UserID, "7"), blindOf(t, last, UserID, "7"); x != y || string(v.Secret("x")) != string(last.Secret("x")) {
				t.Error("the other keys are others now")
			}
			// The wrapped files of before are dead under the keyset of now.
			mixed := t.TempDir()
			after, err := KeyFiles(home)
			must(t, err)
			before[wrappingFile] = after[wrappingFile]
			must(t, PlaceKeys(mixed, before))
			if _, err := Open(mixed, with...); !errors.Is(err, ErrKeys) {
				t.Errorf("an old copy of the keys opens under the new wrapping key: %v", err)
			}
			files, err := os.ReadDir(filepath.Join(home, "keys"))
			if err != nil || len(files) != len(secretNames)+1 {
				t.Errorf("the rotation left %v", files)
			}
			for _, f := range files {
				if info, err := f.Info(); err != nil || info.Mode().Perm() != 0o600 {
					t.Errorf("%s: %v %v", f.Name(), info.Mode(), err)
				}
			}
		})
	}
}

// TestTwoWhoRotateDoNotLoseEachOthersKey rotates in two processes of one home: one at a time, and the second from where the first left the keyset.
func TestTwoWhoRotateDoNotLoseEachOthersKey(t *testing.T) {
	home := t.TempDir()
	one, err := Create(home)
	must(t, err)
	e, _ := enrolled(t, one)
	two, err := Open(home)
	must(t, err)
	wrapped := e.Wrapped
	for n, v := range []*Vault{one, two, one} {
		release, err := v.Alone()
		must(t, err)
		for _, other := range []*Vault{one, two} {
			if again, err := other.Alone(); !errors.Is(err, ErrRotating) {
				again()
				t.Fatalf("round %d: two change the keys at once: %v", n, err)
			}
		}
		must(t, v.Rotate())
		wrapped, err = v.Rewrap(e.ID, wrapped)
		must(t, err)
		must(t, v.Retire())
		release()
		fresh, err := Open(home) // the other is told nothing before its turn
		must(t, err)
		if _, err := fresh.Key(e.ID, wrapped); err != nil {
			t.Fatalf("round %d: nobody can read any more: %v", n, err)
		}
	}
	for _, v := range []*Vault{one, two} {
		v.Forget(e.ID)
		if _, err := v.Key(e.ID, wrapped); err != nil {
			t.Fatal(err)
		}
	}
}

// TestWhatAKeyFileHeldIsOverwritten holds on to the file that a rotation replaces.
func TestWhatAKeyFileHeldIsOverwritten(t *testing.T) {
	home := t.TempDir()
	v, err := Create(home)
	must(t, err)
	old, err := os.Open(filepath.Join(home, "keys", wrappingFile))
	must(t, err)
	defer old.Close()
	must(t, v.Rotate())
	held := make([]byte, 64)
	_, err = old.ReadAt(held, 0)
	must(t, err)
	if !bytes.Equal(held, make([]byte, 64)) {
		t.Errorf("the old keyset can still be read: %q", held)
	}
}

func TestTombstonesAreUnderAKeyOfTheirOwn(t *testing.T) {
	v, w := newVault(t), newVault(t)
	b := blindOf(t, v, Email, "jane@example.com")
	mark := v.Tombstone(b)
	if mark == Tombstone(b) || mark == w.Tombstone(b) {
		t.Fatal("a mark is not keyed")
	}
	all, err := v.Tombstones(Email, "Jane@Example.com ")
	if err != nil || len(all) != 1 || all[0] != mark {
		t.Fatalf("%v, %v", all, err)
	}
	if _, err := v.Tombstones(Email, "nobody"); !errors.Is(err, ErrIdentifier) {
		t.Fatal(err)
	}
}

func TestWhatIsRetainedOpensForItsPurposeOnlyAndUntilItsEnd(t *testing.T) {
	v := newVault(t)
	_, series := retail(t)
	c := series.Current()
	law := ""
	for name := range c.Purposes {
		if tact.Obliged(c, []string{name}) != "" {
			law = name
		}
	}
	if law == "" {
		t.Fatal("the example has no legal obligation")
	}
	b := blindOf(t, v, UserID, "7")
	r := v.Retain(b, law, noon+day, []byte("an invoice"))
	if bytes.Contains(r.Body, []byte("invoice")) || r.Label == [16]byte(b) {
		t.Fatal("it lies open")
	}
	permit, err := tact.ForRetained(c, "ann", "privacy", law, noon+day*9)
	must(t, err)
	if got, err := v.OpenRetained(permit, noon, r); err != nil || string(got) != "an invoice" {
		t.Fatalf("%q, %v", got, err)
	}
	if _, err := tact.ForRetained(c, "ann", "privacy", "personalise", noon+day); err == nil {
		t.Error("a purpose that is no legal obligation opens it")
	}
	for what, spoil := range map[string]func(*Retained, *tact.Permit, *person.Instant){
		"no permit": func(_ *Retained, p *tact.Permit, _ *person.Instant) { *p = tact.Permit{} },
		"the person's own": func(_ *Retained, p *tact.Permit, _ *person.Instant) {
			*p = tact.ForSelf(person.Person{Root: person.NewID()}, 1, noon+day)
		},
		"another purpose":     func(r *Retained, _ *tact.Permit, _ *person.Instant) { r.Purpose = "personalise" },
		"after its end":       func(_ *Retained, _ *tact.Permit, at *person.Instant) { *at = noon + day },
		"its end put off":     func(r *Retained, _ *tact.Permit, _ *person.Instant) { r.Until += day },
		"under another label": func(r *Retained, _ *tact.Permit, _ *person.Instant) { r.Label[3]++ },
		"changed":             func(r *Retained, _ *tact.Permit, _ *person.Instant) { r.Body = bytes.Clone(r.Body); r.Body[20]++ },
	} {
		x, p, at := r, permit, noon
		spoil(&x, &p, &at)
		if got, err := v.OpenRetained(p, at, x); err == nil {
			t.Errorf("%s opens %q", what, got)
		}
	}
}

func TestABlankedFrameIsNobodysAndItsNeighboursStay(t *testing.T) {
	v := newVault(t)
	_, k := enrolled(t, v)
	var b []byte
	var at []int
	for n := range 3 {
		f := order(k, n, 1, noon+person.Instant(n), "item")
		at = append(at, len(b))
		b = AppendFrame(b, noon, &f)
	}
	whole := bytes.Clone(b)
	must(t, BlankFrame(b[at[1]:]))
	n := 0
	must(t, ParseFrames(b, noon, func(f Frame) error {
		if n++; n == 2 != f.Of.IsZero() || n == 2 && !bytes.Equal(f.Body, make([]byte, len(f.Body))) {
			t.Errorf("frame %d: %x", n, f.Of)
		}
		return nil
	}))
	if n != 3 || !bytes.Equal(b[:at[1]], whole[:at[1]]) || !bytes.Equal(b[at[2]:], whole[at[2]:]) {
		t.Error("its neighbours were touched")
	}
	for cut := range len(whole) - at[2] {
		if err := BlankFrame(bytes.Clone(whole[at[2] : at[2]+cut])); !errors.Is(err, ErrFrames) {
			t.Fatalf("a frame cut at %d: %v", cut, err)
		}
	}
}
