package ledger_test

import (
	"context"
	"encoding/json"
	"reflect"
	"strings"
	"testing"

	"golang.org/x/mod/sumdb/note"

	"github.com/rapporthq/rapport/person"
	"github.com/rapporthq/rapport/trust/ledger"
)

// taken is the file that somebody took away from a ledger of n looks.
func taken(t testing.TB, h *house, who int, most int) (ledger.Extract, []byte) {
	t.Helper()
	l, err := ledger.New(h.store, "", h.public)
	if err != nil {
		t.Fatal(err)
	}
	x, err := l.Extract(context.Background(), []person.ID{h.people[who]}, most, func(r ledger.Row) string { return "because " + r.Actor })
	if err != nil {
		t.Fatal(err)
	}
	raw, err := json.Marshal(x)
	if err != nil {
		t.Fatal(err)
	}
	return x, raw
}

func TestAnExtractIsCheckedWithThePublicKeyAlone(t *testing.T) {
	for _, n := range []int{0, 1, 2, 7, 40, 300} {
		h := filled(t, n)
		x, raw := taken(t, h, 2, 1000)
		want := 0
		for _, e := range h.store.Entries {
			if e.Row.Of == h.people[2] || e.Row.Of.IsZero() {
				want++
			}
		}
		_, rep, err := ledger.CheckExtract(raw, h.public)
		if err != nil || !rep.OK() || rep.Rows != int64(want) || len(x.Looks) != want || rep.Size != int64(n) || x.More {
			t.Errorf("%d looks, %d theirs: %+v %v", n, want, rep, err)
		}
		for _, id := range h.people {
			if strings.Contains(string(raw), id.String()) {
				t.Error("the file names a pseudonym")
			}
		}
		if strings.Contains(string(raw), h.public) {
			t.Error("the file vouches for itself")
		}
	}
	h := filled(t, 40)
	h.look(2, 50) // has no number yet
	if x, raw := taken(t, h, 2, 5); len(x.Looks) != 4 || x.Waiting != 1 || !x.More {
		t.Errorf("of five: %d, %d waiting, more %v", len(x.Looks), x.Waiting, x.More)
	} else if _, rep, err := ledger.CheckExtract(raw, h.public); err != nil || !rep.OK() || rep.Waiting != 1 {
		t.Errorf("%+v %v", rep, err)
	}
}

func TestEveryChangeOfAnExtractIsFoundAndNamed(t *testing.T) {
	h := filled(t, 40)
	_, raw := taken(t, h, 2, 1000)
	_, strange, err := note.GenerateKey(nil, "rapport-ledger")
	if err != nil {
		t.Fatal(err)
	}
	older := filledHead(h, 3)
	for name, c := range map[string]struct {
		tamper func(x *ledger.Extract)
		want   ledger.Fault
		key    string
	}{
		"who looked":       {tamper: func(x *ledger.Extract) { x.Looks[1].Actor = "bob" }, want: ledger.Changed},
		"in which role":    {tamper: func(x *ledger.Extract) { x.Looks[1].Role = "privacy" }, want: ledger.Changed},
		"of which team":    {tamper: func(x *ledger.Extract) { x.Looks[1].Team = "none" }, want: ledger.Changed},
		"what for":         {tamper: func(x *ledger.Extract) { x.Looks[1].Purpose = "protect" }, want: ledger.Changed},
		"what":             {tamper: func(x *ledger.Extract) { x.Looks[1].Fields = "name" }, want: ledger.Changed},
		"how many":         {tamper: func(x *ledger.Extract) { x.Looks[1].Count++ }, want: ledger.Changed},
		"which":            {tamper: func(x *ledger.Extract) { x.Looks[1].Filter = "nobody" }, want: ledger.Changed},
		"the kind":         {tamper: func(x *ledger.Extract) { x.Looks[1].Kind = ledger.KindReceipts }, want: ledger.Changed},
		"when":             {tamper: func(x *ledger.Extract) { x.Looks[1].At = "2026-01-01T00:00:00Z" }, want: ledger.Changed},
		"a time in words":  {tamper: func(x *ledger.Extract) { x.Looks[1].At = "yesterday" }, want: ledger.Changed},
		"a time elsewhere": {tamper: func(x *ledger.Extract) { x.Looks[1].At = strings.Replace(x.Looks[1].At, "Z", "+00:00", 1) }, want: ledger.Changed},
		"the leaf":         {tamper: func(x *ledger.Extract) { x.Looks[1].Leaf[0] ^= 1 }, want: ledger.Changed},
		"a short leaf":     {tamper: func(x *ledger.Extract) { x.Looks[1].Leaf = x.Looks[1].Leaf[:5] }, want: ledger.Changed},
		"the proof":        {tamper: func(x *ledger.Extract) { x.Looks[1].Proof[0][0] ^= 1 }, want: ledger.Changed},
		"no proof":         {tamper: func(x *ledger.Extract) { x.Looks[1].Proof = nil }, want: ledger.Changed},
		"another place":    {tamper: func(x *ledger.Extract) { x.Looks[1].Number-- }, want: ledger.Changed},
		"a place beyond":   {tamper: func(x *ledger.Extract) { x.Looks[1].Number = 41 }, want: ledger.Added},
		"no place":         {tamper: func(x *ledger.Extract) { x.Looks[1].Number = 0 }, want: ledger.Added},
		"twice":            {tamper: func(x *ledger.Extract) { x.Looks = append(x.Looks, x.Looks[1]) }, want: ledger.Twice},
		"the head":         {tamper: func(x *ledger.Extract) { x.Head = strings.Replace(x.Head, "\n40\n", "\n41\n", 1) }, want: ledger.BadSignature},
		"no head":          {tamper: func(x *ledger.Extract) { x.Head = "" }, want: ledger.Added},
		"an older head":    {tamper: func(x *ledger.Extract) { x.Head = string(older) }, want: ledger.Added},
		"another's key":    {tamper: func(*ledger.Extract) {}, want: ledger.BadSignature, key: strange},
		"another format":   {tamper: func(x *ledger.Extract) { x.Format = "looks" }, want: ledger.NoExtract},
	} {
		t.Run(name, func(t *testing.T) {
			var x ledger.Extract
			if err := json.Unmarshal(raw, &x); err != nil {
				t.Fatal(err)
			}
			c.tamper(&x)
			changed, err := json.Marshal(x)
			if err != nil {
				t.Fatal(err)
			}
			key := h.public
			if c.key != "" {
				key = c.key
			}
			_, rep, err := ledger.CheckExtract(changed, key)
			if err != nil || rep.OK() || rep.Problems[0].Fault != c.want || rep.Problems[0].Says == "" {
				t.Errorf("%+v %v, want %s", rep.Problems, err, c.want)
			}
		})
	}
	for _, text := range []string{"", "{}", "[]", "no", string(raw) + "{}", strings.Replace(string(raw), `"head"`, `"extra":1,"head"`, 1)} {
		if _, rep, err := ledger.CheckExtract([]byte(text), h.public); err != nil || rep.OK() || rep.Problems[0].Fault != ledger.NoExtract {
			t.Errorf("%.20q: %+v %v", text, rep, err)
		}
	}
	if _, _, err := ledger.CheckExtract(raw, "no key"); err == nil {
		t.Error("a key that is none was taken")
	}
}

// FuzzCheckExtract changes the file that somebody took away: what is found to be sound says of each look what the ledger says.
func FuzzCheckExtract(f *testing.F) {
	h := filled(f, 12)
	x, raw := taken(f, h, 2, 1000)
	said := map[int64]ledger.ExtractEntry{}
	for _, e := range x.Looks {
		e.Reason, e.Proof = "", nil // a reason is not proved, and a proof may be spelt in one way only
		said[e.Number] = e
	}
	f.Add(raw)
	f.Add(raw[:len(raw)/2])
	for _, change := range [][2]string{{`"actor":"ann"`, `"actor":"eve"`}, {`"actor":"ann"`, `"actor":"eve","Actor":"ann"`}, {`"people":120`, `"people":121`}, {`"number":`, `"number":1`}, {`"waiting":0`, `"waiting":-1`}, {`\n12\n`, `\n13\n`}, {`"proof":[`, `"proof":[null,`}, {`"leaf":"`, `"leaf":"\n`}, {`"at":"2`, `"at":"3`}, {`{`, `{"looks":[],`}, {`"people":120`, `"people":1e2`}} {
		f.Add([]byte(strings.Replace(string(raw), change[0], change[1], 1)))
	}
	first, err := json.Marshal(x.Looks[0])
	if err != nil {
		f.Fatal(err)
	}
	f.Add([]byte(strings.Replace(string(raw), `"looks":[`, `"looks":[`+string(first)+",", 1)))
	f.Add([]byte(strings.Replace(string(raw), `:00Z"`, `:00.0000001Z"`, 1)))
	f.Add([]byte(`{"format":"` + x.Format + `","head":"","looks":null}`))
	f.Fuzz(func(t *testing.T, file []byte) {
		got, rep, err := ledger.CheckExtract(file, h.public)
		if err != nil {
			t.Fatalf("a key that is one: %v", err)
		}
		if !rep.OK() {
			return
		}
		if rep.Rows != int64(len(got.Looks)) || rep.Size != 0 && got.Head != x.Head || rep.Size == 0 && len(got.Looks) > 0 {
			t.Fatalf("%+v of %d looks", rep, len(got.Looks))
		}
		seen := map[int64]bool{}
		for _, e := range got.Looks {
			e.Reason, e.Proof = "", nil
			if seen[e.Number] || !reflect.DeepEqual(e, said[e.Number]) {
				t.Fatalf("%+v is believed, and the ledger says %+v", e, said[e.Number])
			}
			seen[e.Number] = true
		}
	})
}
