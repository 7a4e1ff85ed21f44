package vault

import (
	"bytes"
	"math"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"

	"github.com/rapporthq/rapport/person"
	_ "github.com/rapporthq/rapport/person/seedtest" // draws the same each time
	"github.com/rapporthq/rapport/trust/consent"
)

func TestNumbersComeBackBitForBit(t *testing.T) {
	check := func(f float64) bool {
		r := reader{s: string(putNumber(nil, f))}
		got := r.number()
		return r.end() == nil && math.Float64bits(got) == math.Float64bits(f)
	}
	for _, f := range []float64{0, math.Copysign(0, -1), 1, -1, 0.01, 1.99, -12.5, 1e15, 4.5035996273704955e13, 1e300, math.Inf(1), math.Inf(-1),
		math.MaxFloat64, math.SmallestNonzeroFloat64, 0.1 + 0.2, 1 << 52, 1 << 53, 100.005} {
		if !check(f) {
			t.Errorf("%v does not come back", f)
		}
	}
	rapid.Check(t, func(t *rapid.T) {
		if f := rapid.Float64().Draw(t, "any"); !check(f) {
			t.Fatalf("%v does not come back", f)
		}
		if f := float64(rapid.Int64Range(-1e9, 1e9).Draw(t, "cents")) / 100; !check(f) {
			t.Fatalf("%v does not come back", f)
		}
	})
}

func TestBodiesComeBack(t *testing.T) {
	lines := []person.Line{{Item: "22423", Quantity: 2, Price: 12.75}, {Item: "", Quantity: -1, Price: 0.005}, {Item: "é", Quantity: 0.333}}
	props := map[string]any{"order_id": "o1", "total": 25.5, "gift": true, "late": false, "tags": []any{"a", 1.5, true, false}, "none": []any{}}
	b, err := AppendBody([]byte("before"), lines, props)
	must(t, err)
	if !bytes.HasPrefix(b, []byte("before")) {
		t.Fatal("AppendBody does not append")
	}
	b = b[len("before"):]
	gotLines, gotProps, err := ParseBody(b)
	must(t, err)
	if d := cmp.Diff(lines, gotLines); d != "" {
		t.Error(d)
	}
	if d := cmp.Diff(props, gotProps); d != "" {
		t.Error(d)
	}
	again, err := AppendBody(nil, lines, props)
	must(t, err)
	if !bytes.Equal(again, b) {
		t.Error("the same body is written in two ways")
	}
	for n := range b {
		if n > 0 && n < 4 { // a body may end after any entry; here only within the first
			if _, _, err := ParseBody(b[:n]); n > 1 && err == nil {
				t.Errorf("a body cut after %d bytes is taken", n)
			}
		}
	}
	for _, bad := range []any{1, nil, struct{}{}, []any{1}, []any{[]any{}}, map[string]any{}} {
		if _, err := AppendBody(nil, nil, map[string]any{"x": bad}); err == nil {
			t.Errorf("%T is taken as a property", bad)
		}
	}
}

func TestHeadsComeBack(t *testing.T) {
	id := person.NewID()
	h := person.Head{Of: id, Name: "diet", Learnt: person.Declared, Source: "signup", Channel: "web", At: noon, Received: noon + 7, Charter: 3,
		Quality: 0.85, Told: true, Verified: true, Doubts: person.Role | person.Mended | 1<<30, Inputs: []string{"a", "b"}}
	var got person.Head
	var m mark
	must(t, readFact(string(putFact(nil, &h, mark{1, 2, 3, 4, 5, 6, 7, 8})), id, noon, &got, &m))
	if d := cmp.Diff(h, got); d != "" || m != (mark{1, 2, 3, 4, 5, 6, 7, 8}) {
		t.Error(d, m)
	}
	first := append([]byte{headVersion, byte(h.Learnt), bits(true, true)}, putFact(nil, &h, m)[3+len(putUnsigned(nil, uint64(h.Doubts)))+len(m):]...)
	old, none := person.Head{}, mark{}
	must(t, readFact(string(first), id, noon, &old, &none))
	h.Doubts = 0
	if d := cmp.Diff(h, old); d != "" || none != (mark{}) {
		t.Error("a head of the first form reads otherwise", d)
	}
	for _, v := range []verdict{{name: "email", mark: m, doubt: person.Bounced, at: noon}, {name: "email", mark: m, own: true, at: noon}} {
		if back, err := readVerdict(string(putVerdict(nil, v.name, v.mark, v.doubt, v.own)), noon); err != nil || back != v {
			t.Error(back, err)
		}
	}
	for _, c := range []consent.Choice{
		{Of: id, Purpose: "p", Answer: consent.Yes, At: noon, Received: noon - 5, Explicit: true, Source: "web", Channel: "web", Charter: 2},
		{Of: id, Purpose: "p", Answer: consent.No, At: noon, Verified: true, Signal: true},
	} {
		back, err := readChoice(string(putChoice(nil, &c)), id, noon)
		must(t, err)
		if d := cmp.Diff(c, back); d != "" {
			t.Error(d)
		}
	}
	f := person.Feedback{Of: id, Kind: person.NotForMe, Decision: "d", Placement: "home", Item: "i", Sources: []string{"x"}, At: noon}
	fb, err := readFeedback(string(putFeedback(nil, &f)), id, noon)
	must(t, err)
	c := person.Complaint{Of: id, ID: "c", Opened: noon, Closed: noon + 1}
	cb, err := readComplaint(string(putComplaint(nil, &c)), id)
	must(t, err)
	s := person.Shown{Of: id, Decision: "d", Placement: "home", Items: []string{"a"}, At: noon}
	sb, err := readShown(string(putShown(nil, &s)), id, noon)
	must(t, err)
	e := consent.Evidence{Notice: "1", Language: "en", Words: "w", Channel: "web", Message: "m"}
	eb, err := readEvidence(string(putEvidence(nil, e)))
	must(t, err)
	if d := cmp.Diff([]any{f, c, s, e}, []any{fb, cb, sb, eb}); d != "" {
		t.Error(d)
	}
}

var bitwise = cmp.Comparer(func(a, b float64) bool { return math.Float64bits(a) == math.Float64bits(b) || (a != a && b != b) })

func FuzzBody(f *testing.F) {
	b, _ := AppendBody(nil, []person.Line{{Item: "a", Quantity: 1, Price: 2.5}}, map[string]any{"x": "y", "l": []any{"a", 1.0, true}, "n": 0.1})
	f.Add(b)
	f.Add([]byte{bodyVersion, tagList, 1, 'x', 0xff, 0xff, 0xff, 0xff, 0x7f})
	f.Add([]byte{bodyVersion, tagLine, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1})
	f.Fuzz(func(t *testing.T, b []byte) {
		lines, props, err := ParseBody(b)
		only, none, errOnly := parseBody(string(b), nil, false)
		if (err == nil) != (errOnly == nil) || none != nil || cmp.Diff(lines, only, bitwise, cmpopts.EquateEmpty()) != "" {
			t.Fatal("without properties a body reads otherwise")
		}
		if err != nil {
			if lines != nil || props != nil {
				t.Fatal("an error comes with values")
			}
			return
		}
		again, err := AppendBody(nil, lines, props)
		if err != nil {
			t.Fatal(err)
		}
		lines2, props2, err := ParseBody(again)
		if err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(lines, lines2, bitwise); d != "" {
			t.Fatal(d)
		}
		if d := cmp.Diff(props, props2, bitwise); d != "" {
			t.Fatal(d)
		}
	})
}

func FuzzHeads(f *testing.F) {
	h := person.Head{Name: "diet", Source: "s", Channel: "c", Received: noon, Quality: 0.5, Inputs: []string{"a"}}
	f.Add(putFact(nil, &h, mark{1}))
	f.Add(putVerdict(nil, "email", mark{1}, person.Bounced, true))
	f.Add(putChoice(nil, &consent.Choice{Purpose: "p", Answer: consent.Yes}))
	f.Add(putFeedback(nil, &person.Feedback{Kind: person.Useful, Sources: []string{"x"}}))
	f.Add(putNames(nil, true, []string{"a", "b"}))
	f.Add(putClaim(nil, UserID, Blind{1}))
	f.Fuzz(func(t *testing.T, b []byte) {
		s := string(b)
		var id person.ID
		var h person.Head
		var m mark
		if readFact(s, id, noon, &h, &m) == nil {
			if h.Learnt > person.Declared || h.Quality != h.Quality || h.Name == "" {
				t.Fatal("a head that says what no head says")
			}
			var again person.Head
			var same mark
			if err := readFact(string(putFact(nil, &h, m)), id, noon, &again, &same); err != nil || cmp.Diff(h, again) != "" || m != same {
				t.Fatal("a head does not come back", err)
			}
		}
		if c, err := readChoice(s, id, noon); err == nil && c.Answer > consent.Yes {
			t.Fatal("an answer that is none")
		}
		if fb, err := readFeedback(s, id, noon); err == nil && !fb.Kind.Valid() {
			t.Fatal("feedback of no kind")
		}
		_, _ = readComplaint(s, id)
		_, _ = readShown(s, id, noon)
		_, _ = readEvidence(s)
		_, _, _ = readNames(s)
		_, _, _ = readClaim(s)
		if v, err := readVerdict(s, noon); err == nil {
			if back, err := readVerdict(string(putVerdict(nil, v.name, v.mark, v.doubt, v.own)), noon); err != nil || back != v {
				t.Fatal("a verdict does not come back", err)
			}
		}
	})
}
