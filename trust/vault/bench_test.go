package vault

import (
	"testing"

	"github.com/rapporthq/rapport/person"
)

func BenchmarkSealEvent300(b *testing.B) {
	v := newVault(b)
	_, k := enrolled(b, v)
	body, dst := make([]byte, 300), make([]byte, 0, 400)
	f := Frame{Of: k.ID(), Stream: 1, At: noon, Received: noon}
	b.ReportAllocs()
	for b.Loop() {
		k.AppendEvent(dst, f, body)
	}
}

func BenchmarkSealFact(b *testing.B) {
	v := newVault(b)
	_, k := enrolled(b, v)
	f := fact("birthday", "1970-01-01", "signup", person.Declared, noon, true)
	b.ReportAllocs()
	for b.Loop() {
		k.SealFact(f)
	}
}

func BenchmarkBlindUserID(b *testing.B) {
	v := newVault(b)
	b.ReportAllocs()
	for b.Loop() {
		_, _ = v.Blind(UserID, "household-13085")
	}
}

func BenchmarkUnwrap(b *testing.B) {
	v := newVault(b, Cached(1))
	e, _ := enrolled(b, v)
	b.ReportAllocs()
	for b.Loop() {
		v.rings.drop(e.ID)
		_, _ = v.Key(e.ID, e.Wrapped)
	}
}

func BenchmarkKeyCached(b *testing.B) {
	v := newVault(b)
	e, _ := enrolled(b, v)
	b.ReportAllocs()
	for b.Loop() {
		_, _ = v.Key(e.ID, e.Wrapped)
	}
}

func BenchmarkEnrol(b *testing.B) {
	v := newVault(b)
	b.ReportAllocs()
	for b.Loop() {
		_, _, _ = v.Enrol(noon)
	}
}

func BenchmarkRecord100Events(b *testing.B) {
	h := shopper(b, 100, 5)
	b.ReportAllocs()
	for b.Loop() {
		h.record(b, noMarks)
	}
}

func BenchmarkOpen100EventsOf5Lines(b *testing.B) {
	h := shopper(b, 100, 5)
	r := h.record(b, noMarks)
	p := h.judged(b, r, "home").Permit
	o, err := r.Open(p, noon)
	if err != nil || len(o.History) == 0 {
		b.Fatal(err)
	}
	b.ReportMetric(float64(len(o.History)), "events")
	b.ReportAllocs()
	for b.Loop() {
		_, _ = r.Open(p, noon)
	}
}

func BenchmarkOpenLines100EventsOf5Lines(b *testing.B) {
	h := shopper(b, 100, 5)
	r := h.record(b, noMarks)
	p := h.judged(b, r, "home").Permit
	b.ReportAllocs()
	for b.Loop() {
		_, _ = r.OpenLines(p, noon)
	}
}
