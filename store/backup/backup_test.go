package backup

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/rapporthq/rapport/person"
	"github.com/rapporthq/rapport/store"
	"github.com/rapporthq/rapport/trust/ledger"
	"github.com/rapporthq/rapport/trust/rights"
	"github.com/rapporthq/rapport/trust/vault"
)

var about = Home{Name: "the home", Secret: []byte("secret"), Version: "1", Charter: []byte("charter: 1\n"), Files: map[string][]byte{"wrapping.json": []byte("the keyset")}, Now: time.Unix(1_800_000_000, 0).UTC()}

func wrappedKey(n int) []byte { return []byte(fmt.Sprintf("wrapped key number %d", n)) }

// small is a home of some people.
func small(t testing.TB, people int) *store.Store {
	t.Helper()
	s, err := store.Open(context.Background(), store.Options{Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	enrol(t, s, 0, people)
	return s
}

func enrol(t testing.TB, s *store.Store, from, to int) {
	t.Helper()
	var c vault.Change
	for n := from; n < to; n++ {
		var id person.ID
		id[0] = 1
		binary.BigEndian.PutUint64(id[8:], uint64(n)*7919%10007)
		c.Enrol = append(c.Enrol, vault.Enrolment{ID: id, Wrapped: wrappedKey(n), At: 1})
	}
	if err := s.Commit(context.Background(), c); err != nil {
		t.Fatal(err)
	}
}

func write(t testing.TB, s *store.Store, h Home) (data, keys []byte, counts Counts) {
	t.Helper()
	var d, k bytes.Buffer
	counts, err := Write(context.Background(), s, h, &d, &k)
	if err != nil {
		t.Fatal(err)
	}
	return d.Bytes(), k.Bytes(), counts
}

func open(b []byte, k Kind) (*File, error) { return Open(bytes.NewReader(b), int64(len(b)), k) }

func TestABackupComesBackAndItsKeysTravelApart(t *testing.T) {
	data, keys, counts := write(t, small(t, 9), about)
	d, err := open(data, Data)
	if err != nil {
		t.Fatal(err)
	}
	k, err := open(keys, Keys)
	if err != nil {
		t.Fatal(err)
	}
	if d.Home != "the home" || string(d.Charter) != "charter: 1\n" || !d.At.Equal(about.Now) || d.Schema["main"] == 0 || string(k.Files["wrapping.json"]) != "the keyset" || d.Files != nil {
		t.Errorf("headers: %+v %+v", d.Header, k.Header)
	}
	if !d.Signed(about.Secret) || !k.Signed(about.Secret) || d.Signed([]byte("another")) {
		t.Error("the signature says nothing")
	}
	n := 0
	rows := Join(d, k, func() { t.Error("somebody is told to be forgotten") })
	for {
		r, more, err := rows()
		if err != nil {
			t.Fatal(err)
		}
		if !more {
			break
		}
		if r.Table == "person" {
			n++
			if got := r.Values[len(r.Values)-1].([]byte); !bytes.HasPrefix(got, []byte("wrapped key")) || r.Columns[len(r.Columns)-1] != "wrapped" {
				t.Errorf("a key is %q", got)
			}
		}
	}
	if n != 9 || counts["person"] != 9 || d.Counts["person"] != 9 {
		t.Errorf("%d people, %v", n, counts)
	}
	for _, secret := range [][]byte{[]byte("wrapped key"), []byte("the keyset"), about.Secret} {
		if bytes.Contains(data, secret) {
			t.Errorf("the data file holds %q", secret)
		}
	}
	if bytes.Contains(keys, about.Secret) {
		t.Error("the keys file holds the secret")
	}
}

// TestNoByteCanBeChanged changes each byte of both files, and cuts them at each length.
func TestNoByteCanBeChanged(t *testing.T) {
	data, keys, _ := write(t, small(t, 2), about)
	for kind, whole := range map[Kind][]byte{Data: data, Keys: keys} {
		for i := range whole {
			changed := bytes.Clone(whole)
			changed[i] ^= 1
			f, err := open(changed, kind)
			named := errors.Is(err, ErrChanged) || errors.Is(err, ErrCut) && i >= len(whole)-len(mark) || (errors.Is(err, ErrForeign) || errors.Is(err, ErrNewer)) && i < len(line(kind))
			if err == nil {
				named = !f.Signed(about.Secret) // the signature itself
			}
			if !named {
				t.Fatalf("%s: with byte %d of %d changed: %v", kind, i, len(whole), err)
			}
			if _, err := open(whole[:i], kind); !errors.Is(err, ErrCut) {
				t.Fatalf("%s: cut at %d of %d: %v", kind, i, len(whole), err)
			}
		}
		if _, err := open(append(bytes.Clone(whole), 0), kind); err == nil {
			t.Errorf("%s: with a byte more it is read", kind)
		}
	}
	if _, err := open(keys, Data); !errors.Is(err, ErrForeign) {
		t.Errorf("keys as data: %v", err)
	}
}

func TestKeysThatAreTooOldAreRefusedAndNewerOnesDo(t *testing.T) {
	s := small(t, 5)
	before, oldKeys, _ := write(t, s, about)
	enrol(t, s, 5, 9)
	data, newKeys, _ := write(t, s, about)
	all := func(data, keys []byte) error {
		d, err := open(data, Data)
		if err != nil {
			t.Fatal(err)
		}
		k, err := open(keys, Keys)
		if err != nil {
			t.Fatal(err)
		}
		rows := Join(d, k, func() { t.Error("somebody is told to be forgotten") })
		for {
			if _, more, err := rows(); err != nil || !more {
				return err
			}
		}
	}
	if err := all(before, newKeys); err != nil {
		t.Errorf("an older backup with the current keys: %v", err)
	}
	if err := all(data, oldKeys); !errors.Is(err, ErrOldKeys) {
		t.Errorf("a backup with older keys: %v", err)
	}
}

// TestWhoHasNoKeyInANewerKeysFileWasForgotten joins a backup with keys that were written later, of a home that knows fewer people and has marks of them.
func TestWhoHasNoKeyInANewerKeysFileWasForgotten(t *testing.T) {
	data, _, _ := write(t, small(t, 9), about)
	later := about
	later.Now = later.Now.Add(time.Hour)
	fewer := small(t, 6)
	mark := vault.Tombstone{7, 7, 7}
	if _, err := fewer.ForgetPerson(t.Context(), rights.Forgetting{
		Entry:      func(_, _ []int64) (ledger.Row, error) { return ledger.Row{Kind: ledger.KindErasure}, nil },
		Tombstones: func([]vault.Blind) []vault.Tombstone { return []vault.Tombstone{mark} }, Retained: func([]vault.Blind) []vault.Retained { return nil },
		Draft: func(rights.Gone, []vault.Tombstone, []vault.Retained, ledger.Row) ([]byte, error) {
			return []byte("draft"), nil
		},
	}); err != nil {
		t.Fatal(err)
	}
	other, keys, _ := write(t, fewer, later)
	if bytes.Contains(other, mark[:]) || !bytes.Contains(keys, mark[:]) {
		t.Error("the marks must be as new as the keys, so they go with those")
	}
	d, err := open(data, Data)
	if err != nil {
		t.Fatal(err)
	}
	k, err := open(keys, Keys)
	if err != nil {
		t.Fatal(err)
	}
	forgotten, keyless, marks := 0, 0, 0
	rows := Join(d, k, func() { forgotten++ })
	for {
		r, more, err := rows()
		if err != nil {
			t.Fatal(err)
		}
		if !more {
			break
		}
		switch r.Table {
		case "person":
			if len(r.Values[len(r.Values)-1].([]byte)) == 0 {
				keyless++
			}
		case "tombstone":
			marks++
		}
	}
	if forgotten != 3 || keyless != 3 || marks != 1 {
		t.Errorf("%d forgotten, %d without a key, %d marks", forgotten, keyless, marks)
	}
}

// FuzzOpen reads anything as a file whose end has been made right: what a thief who can count hashes could hand in.
func FuzzOpen(f *testing.F) {
	data, keys, _ := write(f, small(f, 2), about)
	f.Add(data[:len(data)-tailSize])
	f.Add(keys[:len(keys)-tailSize])
	f.Add([]byte(line(Data)))
	f.Fuzz(func(t *testing.T, body []byte) {
		sum := sha256.Sum256(body)
		file := append(append(bytes.Clone(body), sum[:]...), sign(about.Secret, sum[:])...)
		file = append(binary.BigEndian.AppendUint64(file, uint64(len(body))), mark...)
		for _, k := range []Kind{Data, Keys} {
			read, err := open(file, k)
			if err != nil {
				continue
			}
			rows := read.Rows()
			for range 10_000 {
				if _, more, err := rows(); err != nil || !more {
					break
				}
			}
		}
	})
}
