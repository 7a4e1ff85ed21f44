package rights

import (
	"bytes"
	"crypto/rand"
	"errors"
	"testing"
	"time"

	"golang.org/x/mod/sumdb/note"

	"github.com/rapporthq/rapport/trust/ledger"
	"github.com/rapporthq/rapport/trust/vault"
)

func signed(t testing.TB, c Certificate) (raw []byte, key string) {
	t.Helper()
	private, public, err := note.GenerateKey(rand.Reader, "rapport-ledger/test")
	if err != nil {
		t.Fatal(err)
	}
	signer, err := note.NewSigner(private)
	if err != nil {
		t.Fatal(err)
	}
	c.Home = signer.Name()
	if raw, err = c.sign(signer); err != nil {
		t.Fatal(err)
	}
	return raw, public
}

func sample() Certificate {
	at := time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)
	d := draft{Certificate: Certificate{ID: "ab", Asked: at, Done: at, By: "ann", Role: "privacy", Keys: 2, Retained: []Kept{{What: "invoice", Purpose: "tax", Until: at.AddDate(7, 0, 0)}}}}
	d.fill(Gone{"rows": 3}, []Holding{{Name: "rows", Table: "row", Forgets: Deleted}, {Name: "a cache", Forgets: Deleted}, {Name: "counts", Forgets: RunsOut}}, []vault.Tombstone{{1, 2}}, ledger.Row{Leaf: [32]byte{9}})
	return d.Certificate
}

func TestACertificateIsReadBackAndEveryByteCounts(t *testing.T) {
	want := sample()
	raw, key := signed(t, want)
	c, err := Check(raw, key+"\n")
	if err != nil {
		t.Fatal(err)
	}
	if c.By != "ann" || len(c.Gone) != 1 || c.Gone[0].Count != 3 || len(c.Memory) != 1 || len(c.Retained) != 1 || !c.Retained[0].Until.Equal(want.Retained[0].Until) {
		t.Errorf("%+v", c)
	}
	if !c.About([]vault.Tombstone{{5}, {1, 2}}) || c.About([]vault.Tombstone{{5}}) || c.About(nil) {
		t.Error("whom it is about is told wrongly")
	}
	for i := range raw {
		for _, bit := range []byte{1, 0x20, 0x80} {
			spoilt := bytes.Clone(raw)
			spoilt[i] ^= bit
			if _, err := Check(spoilt, key); !errors.Is(err, ErrCertificate) {
				t.Fatalf("byte %d changed by %x: %v", i, bit, err)
			}
		}
	}
	for i := range raw {
		if _, err := Check(raw[:i], key); !errors.Is(err, ErrCertificate) {
			t.Fatalf("cut at %d: %v", i, err)
		}
	}
	if _, err := Check(append(bytes.Clone(raw), '\n'), key); !errors.Is(err, ErrCertificate) {
		t.Error("with a line more it is read")
	}
	_, other := signed(t, want)
	if _, err := Check(raw, other); !errors.Is(err, ErrCertificate) {
		t.Error("another home's key checks it")
	}
	if _, err := Check(raw, "no key"); !errors.Is(err, ErrCertificate) {
		t.Error(err)
	}
}

// TestWhatElseAHomeSignsIsNoCertificate checks a note of another kind under the same key, as the head of a ledger is.
func TestWhatElseAHomeSignsIsNoCertificate(t *testing.T) {
	private, public, err := note.GenerateKey(rand.Reader, "rapport-ledger/test")
	if err != nil {
		t.Fatal(err)
	}
	signer, err := note.NewSigner(private)
	if err != nil {
		t.Fatal(err)
	}
	for _, text := range []string{"rapport-ledger/test\n17\nAAAA\n", "rapport certificate of erasure 2\n{}\n", title + "{}\n", title + `{"home":"rapport-ledger/test","more":1}` + "\n", title + "no JSON\n"} {
		raw, err := note.Sign(&note.Note{Text: text}, signer)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := Check(raw, public); !errors.Is(err, ErrCertificate) {
			t.Errorf("%q is taken for a certificate", text)
		}
	}
}

// FuzzCheck reads anything as a certificate.
func FuzzCheck(f *testing.F) {
	raw, key := signed(f, sample())
	f.Add(raw)
	f.Add([]byte(title))
	f.Fuzz(func(t *testing.T, b []byte) {
		if _, err := Check(b, key); err == nil && !bytes.Equal(b, raw) {
			t.Errorf("%q is taken for a certificate", b)
		}
	})
}
