package main

import (
	"archive/tar"
	"bufio"
	"bytes"
	"compress/gzip"
	"encoding/json"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/rapporthq/rapport/person"
)

// TestAnEarlierHomeIsBroughtUpToDateAndDecidesTheSame opens homes that earlier binaries left behind (see testdata/upgrade): upgrading is
// replacing the binary.
func TestAnEarlierHomeIsBroughtUpToDateAndDecidesTheSame(t *testing.T) {
	homes, err := filepath.Glob("testdata/upgrade/*.tar.gz")
	if err != nil || len(homes) == 0 {
		t.Fatalf("%v, %v", homes, err)
	}
	for _, archive := range homes {
		t.Run(filepath.Base(archive), func(t *testing.T) {
			home := filepath.Join(t.TempDir(), "home")
			unpack(t, archive, home)
			sameAsBefore(t, archive, homeOptions{Home: home})
		})
	}
}

// sameAsBefore opens the home of an archive with today's binary and wants it to decide what it decided then, and its ledger to be whole.
func sameAsBefore(t *testing.T, archive string, o homeOptions) {
	t.Helper()
	at := time.Date(2026, 11, 22, 6, 55, 0, 0, time.UTC)
	o.clock = func() person.Instant { return person.At(at) }
	h, err := openHouse(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	defer h.Close()
	wanted, err := os.Open(strings.TrimSuffix(archive, ".tar.gz") + ".jsonl")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = wanted.Close() }()
	n, personal := 0, 0
	for lines := bufio.NewScanner(wanted); lines.Scan(); n++ {
		var want struct {
			Person   string
			Decision map[string]any
		}
		if err := json.Unmarshal(lines.Bytes(), &want); err != nil {
			t.Fatal(err)
		}
		placement, _ := want.Decision["placement"].(string)
		got := h.decision(t, decideArgs{Person: "userId=" + want.Person, Placement: placement, At: "2026-11-22T06:45:00Z", Explain: true, Reason: "a test", Language: "en"})
		if d := cmp.Diff(figures(want.Decision), figures(got)); d != "" {
			t.Errorf("%s at %s is decided otherwise (-then +now):\n%s", want.Person, placement, d)
		}
		if want.Decision["rung"] == "individual" {
			personal++
		}
	}
	if n < 20 || personal < 10 {
		t.Errorf("%d decisions, %d of them personal: too few", n, personal)
	}
	var said bytes.Buffer
	if err := runVerify(t.Context(), h, ledgerArgs{}, into(&said)); err != nil {
		t.Errorf("the ledger: %v: %s", err, said.String())
	}
}

// into is a speaker that writes what is said.
func into(w io.Writer) *speaker {
	return &speaker{out: func(text string) error { _, err := io.WriteString(w, text); return err }}
}

// decision runs the command decide inside this process and gives what it says.
func (h *house) decision(t *testing.T, args decideArgs) map[string]any {
	t.Helper()
	var said bytes.Buffer
	if err := runDecide(t.Context(), h, args, into(&said)); err != nil {
		t.Fatal(err)
	}
	var d map[string]any
	if err := json.Unmarshal(said.Bytes(), &d); err != nil {
		t.Fatal(err)
	}
	return d
}

// figures is a decision without its name, and without sentences, which may be put better at any time: what was decided and why.
func figures(v any) any {
	switch v := v.(type) {
	case map[string]any:
		out := map[string]any{}
		for name, inner := range v {
			if _, sentence := inner.(string); name == "decision" || name == "feedback" || name == "text" || name == "because" && sentence {
				continue
			}
			out[name] = figures(inner)
		}
		return out
	case []any:
		out := make([]any, len(v))
		for i := range v {
			out[i] = figures(v[i])
		}
		return out
	}
	return v
}

func unpack(t *testing.T, archive, home string) {
	t.Helper()
	f, err := os.Open(archive)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	z, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	for r := tar.NewReader(z); ; {
		h, err := r.Next()
		if errors.Is(err, io.EOF) {
			return
		}
		if err != nil {
			t.Fatal(err)
		}
		path := filepath.Join(home, filepath.Clean("/"+h.Name))
		if h.Typeflag == tar.TypeDir {
			err = os.MkdirAll(path, 0o700)
		} else {
			var body []byte
			if body, err = io.ReadAll(r); err == nil {
				err = errors.Join(os.MkdirAll(filepath.Dir(path), 0o700), os.WriteFile(path, body, 0o600))
			}
		}
		if err != nil {
			t.Fatal(err)
		}
	}
}
