package decide

import (
	"bytes"
	"encoding/json"
	"math"
	"testing"
)

func show(t interface{ Fatal(...any) }, r *Receipt, h *House, as Reader) string {
	b, err := json.Marshal(Read(r, h, as))
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func FuzzParseReceipt(f *testing.F) {
	h := toyHouse(f)
	for _, p := range placements {
		res := Compute(h, regular(h), at(p))
		f.Add(res.Receipt.Append(nil))
	}
	f.Add([]byte{})
	f.Add([]byte{1, 0, 0xff, 0xff, 0xff, 0xff, 0x0f})
	f.Fuzz(func(t *testing.T, raw []byte) {
		r, err := ParseReceipt(ID{9}, raw)
		if err != nil {
			return
		}
		for _, c := range r.Items {
			if math.IsNaN(c.Score) || math.IsInf(c.Score, 0) {
				t.Fatal("a score that is no number was read")
			}
		}
		one := r.Append(nil)
		again, err := ParseReceipt(ID{9}, one)
		if err != nil {
			t.Fatal("what was read cannot be written and read again")
		}
		if !bytes.Equal(one, again.Append(nil)) {
			t.Fatal("it reads as something else the second time")
		}
		show(t, &r, h, Reader{Language: "fr", Holds: true, Private: true})
	})
}

func TestNamesOfDecisionsHaveOneSpelling(t *testing.T) {
	id := NewID()
	back, err := ParseID(id.String())
	if err != nil || back != id {
		t.Fatalf("%v, %v", back, err)
	}
	s := id.String()
	for _, bad := range []string{"", "dec_", s[4:], s + "a", s[:len(s)-1], "DEC_" + s[4:], "dec_" + s[4:len(s)-1] + "0", s[:len(s)-1] + "9"} {
		if bad == s {
			continue
		}
		if _, err := ParseID(bad); err == nil && bad != s {
			t.Errorf("%q was read as a decision", bad)
		}
	}
	if (ID{}).String() != "" {
		t.Error("the zero ID has a name")
	}
}
