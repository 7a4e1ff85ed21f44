package ledger

import (
	"testing"

	"golang.org/x/mod/sumdb/note"
)

func TestNumbersComeBack(t *testing.T) {
	for in, want := range map[string][]int64{"": nil, "3": {3}, "3-5": {5, 3, 4}, "1,3-4,9": {9, 1, 3, 4, 4}} {
		if got := formatNumbers(want); got != in {
			t.Errorf("%v is written %q, want %q", want, got, in)
		}
		if _, err := parseNumbers(in); err != nil {
			t.Error(err)
		}
	}
	for _, bad := range []string{"x", "-1", "0", "5-3", "1,", "1--2", "1-2-3", "99999999999999999999"} {
		if _, err := parseNumbers(bad); err == nil {
			t.Errorf("%q is taken", bad)
		}
	}
}

func FuzzHead(f *testing.F) {
	f.Add("3,7-9", []byte("rapport-ledger\n1\n"))
	_, public, err := note.GenerateKey(nil, "rapport-ledger")
	if err != nil {
		f.Fatal(err)
	}
	l, err := New(nil, "", public)
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, numbers string, head []byte) {
		if spans, err := parseNumbers(numbers); err == nil {
			for _, s := range spans {
				if s.from < 1 || s.to < s.from {
					t.Fatal("a run of entries that is none")
				}
			}
		}
		if len(head) > 0 {
			if _, err := l.readHead(head); err == nil {
				t.Fatal("a head that nobody signed")
			}
		}
	})
}
