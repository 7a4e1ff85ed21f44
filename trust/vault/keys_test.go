package vault

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/tink-crypto/tink-go/v2/aead"
	"github.com/tink-crypto/tink-go/v2/keyset"
	"github.com/tink-crypto/tink-go/v2/tink"
)

func TestKeysAreTheOwnersOnly(t *testing.T) {
	home := t.TempDir()
	if _, err := Create(home); err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(filepath.Join(home, "keys"))
	if err != nil || info.Mode().Perm() != 0o700 {
		t.Fatalf("keys folder: %v %v", info.Mode(), err)
	}
	files, err := os.ReadDir(filepath.Join(home, "keys"))
	if err != nil || len(files) != len(secretNames)+1 {
		t.Fatalf("files: %v %v", files, err)
	}
	for _, f := range files {
		info, err := f.Info()
		if err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%s: %v %v", f.Name(), info.Mode(), err)
		}
	}
	if _, err := Create(home); !errors.Is(err, ErrKeys) {
		t.Fatalf("a second Create must refuse, got %v", err)
	}
}

func TestKeysThatCannotBeTrustedAreRefused(t *testing.T) {
	other := t.TempDir()
	if _, err := Create(other); err != nil {
		t.Fatal(err)
	}
	for name, tc := range map[string]struct {
		spoil func(t *testing.T, keys string)
		says  string
	}{
		"file readable by group": {func(t *testing.T, k string) { must(t, os.Chmod(filepath.Join(k, "blind.key"), 0o640)) }, "chmod 600"},
		"keyset readable by all": {func(t *testing.T, k string) { must(t, os.Chmod(filepath.Join(k, wrappingFile), 0o604)) }, "chmod 600"},
		"folder open to others":  {func(t *testing.T, k string) { must(t, os.Chmod(k, 0o755)) }, "chmod 700"},
		"file missing":           {func(t *testing.T, k string) { must(t, os.Remove(filepath.Join(k, "names.key"))) }, "missing"},
		"keyset missing":         {func(t *testing.T, k string) { must(t, os.Remove(filepath.Join(k, wrappingFile))) }, "missing"},
		"folder missing":         {func(t *testing.T, k string) { must(t, os.RemoveAll(k)) }, "missing"},
		"file is a link":         {func(t *testing.T, k string) { link(t, filepath.Join(k, "doors.key")) }, "no link"},
		"keyset is not a keyset": {func(t *testing.T, k string) {
			must(t, os.WriteFile(filepath.Join(k, wrappingFile), []byte("{}"), 0o600))
		}, "backup"},
		"file damaged": {func(t *testing.T, k string) { flip(t, filepath.Join(k, "ledger.key")) }, "damaged"},
		"another home's file": {func(t *testing.T, k string) {
			swap(t, filepath.Join(other, "keys", "blind.key"), filepath.Join(k, "blind.key"))
		}, "another home"},
		"two files interchanged": {func(t *testing.T, k string) { swap(t, filepath.Join(k, "names.key"), filepath.Join(k, "blind.key")) }, "damaged"},
		"tree key damaged":       {func(t *testing.T, k string) { flip(t, filepath.Join(k, "tree.key")) }, "damaged"},
	} {
		t.Run(name, func(t *testing.T) {
			home := t.TempDir()
			_, err := Create(home)
			must(t, err)
			tc.spoil(t, filepath.Join(home, "keys"))
			_, err = Open(home)
			if !errors.Is(err, ErrKeys) || !strings.Contains(err.Error(), tc.says) {
				t.Fatalf("want a refusal that says %q, got %v", tc.says, err)
			}
		})
	}
}

func TestKeysOpenAgainAsTheSame(t *testing.T) {
	home := t.TempDir()
	v, err := Create(home, Region("GB"))
	must(t, err)
	e, k := enrolled(t, v)
	row := k.SealFact(fact("birthday", "1970-01-01", "self", 3, noon, true))
	w, err := Open(home)
	must(t, err)
	a, err := v.Blind(UserID, "7")
	must(t, err)
	b, err := w.Blind(UserID, "7")
	must(t, err)
	if a != b || v.Name(FactRow, "x", "y") != w.Name(FactRow, "x", "y") || v.EventID("m") != w.EventID("m") {
		t.Fatal("hashes differ after opening again")
	}
	if string(v.Secret("x")) != string(w.Secret("x")) || string(v.Secret("x")) == string(v.Secret("y")) {
		t.Fatal("secrets are not by name")
	}
	k2, err := w.Key(e.ID, e.Wrapped)
	must(t, err)
	if _, err := k2.open(nil, row.Head, bindRow(nil, e.ID, partHead, FactRow, row.Key, row.At)); err != nil {
		t.Fatal(err)
	}
	s1, p1 := v.TreeKey()
	s2, p2 := w.TreeKey()
	if s1 != s2 || p1 != p2 || s1 == "" || p1 == "" {
		t.Fatal("the ledger's signing key changed")
	}
}

func TestKeyServiceHoldsTheKeyset(t *testing.T) {
	kms, other := newAEAD(t), newAEAD(t)
	home := t.TempDir()
	v, err := Create(home, KMS(kms))
	must(t, err)
	e, _ := enrolled(t, v)
	if _, err := Open(home); !errors.Is(err, ErrKeys) || !strings.Contains(err.Error(), "key service") {
		t.Fatalf("without the service: %v", err)
	}
	if _, err := Open(home, KMS(other)); !errors.Is(err, ErrKeys) {
		t.Fatalf("with another service: %v", err)
	}
	w, err := Open(home, KMS(kms))
	must(t, err)
	if _, err := w.Key(e.ID, e.Wrapped); err != nil {
		t.Fatal(err)
	}
}

func newAEAD(t *testing.T) tink.AEAD {
	t.Helper()
	h, err := keyset.NewHandle(aead.AES256GCMKeyTemplate())
	must(t, err)
	a, err := aead.New(h)
	must(t, err)
	return a
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func link(t *testing.T, path string) {
	t.Helper()
	must(t, os.Rename(path, path+".real"))
	must(t, os.Symlink(path+".real", path))
}

func flip(t *testing.T, path string) {
	t.Helper()
	b, err := os.ReadFile(path)
	must(t, err)
	b[len(b)/2] ^= 1
	must(t, os.WriteFile(path, b, 0o600))
}

func swap(t *testing.T, from, to string) {
	t.Helper()
	b, err := os.ReadFile(from)
	must(t, err)
	must(t, os.WriteFile(to, b, 0o600))
}
