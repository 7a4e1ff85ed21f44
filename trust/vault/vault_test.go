package vault

import (
	"fmt"
	"testing"

	"github.com/rapporthq/rapport/charter"
	"github.com/rapporthq/rapport/person"
	"github.com/rapporthq/rapport/trust/tact"
)

const (
	day  = person.Instant(24 * 3600 * 1_000_000)
	noon = person.Instant(1_760_000_000_000_000) // some noon or other
	soon = noon + 3600*1_000_000
)

func newVault(t testing.TB, with ...Option) *Vault {
	t.Helper()
	v, err := Create(t.TempDir(), with...)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func enrolled(t testing.TB, v *Vault) (Enrolment, *KeyRing) {
	t.Helper()
	e, k, err := v.Enrol(noon)
	if err != nil {
		t.Fatal(err)
	}
	return e, k
}

// retail is the example charter at position 1 of a series.
func retail(t testing.TB) (*charter.Charter, *charter.Series) {
	t.Helper()
	src, ok := charter.Example("retail")
	if !ok {
		t.Fatal("the retail example is gone")
	}
	c, problems := charter.Parse(src)
	if c == nil {
		t.Fatal(problems)
	}
	s := charter.NewSeries(c.Placed(1, 0))
	return s.Current(), &s
}

// household is one person with everything kept about them.
type household struct {
	v      *Vault
	e      Enrolment
	k      *KeyRing
	series *charter.Series
	loaded Loaded
}

func newHousehold(t testing.TB) *household {
	t.Helper()
	v := newVault(t)
	e, k := enrolled(t, v)
	_, series := retail(t)
	return &household{v: v, e: e, k: k, series: series, loaded: Loaded{
		Who: person.Person{Root: e.ID}, Wrapped: map[person.ID][]byte{e.ID: e.Wrapped}, Charter: 1,
	}}
}

func (h *household) put(rows ...Row) { h.loaded.Rows = append(h.loaded.Rows, rows...) }

// join brings a second pseudonym to the person.
func (h *household) join(t testing.TB) *KeyRing {
	t.Helper()
	e, k := enrolled(t, h.v)
	h.loaded.Who.Also = append(h.loaded.Who.Also, person.Join{ID: e.ID, At: noon})
	h.loaded.Wrapped[e.ID] = e.Wrapped
	return k
}

var testStreams = map[StreamID]Stream{
	1: {Event: "Order Completed", Source: "tills", Charter: 1},
	2: {Event: "Product Viewed", Source: "web", Charter: 1},
	3: {Event: "Order Completed", Source: "nobody", Charter: 1},
	4: {Event: "Order Completed", Source: "tills", Charter: 9},
	5: {Event: "Product Viewed", Source: "self", Charter: 1},
}

func streams(id StreamID) (Stream, bool) { s, ok := testStreams[id]; return s, ok }

func noMarks(string) []string { return nil }

func (h *household) record(t testing.TB, marks func(string) []string) *Record {
	t.Helper()
	r, err := h.v.Record(h.loaded, streams, h.series, marks)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func (h *household) self() tact.Permit { return tact.ForSelf(h.loaded.Who, 1, soon) }

func (h *household) open(t testing.TB, r *Record) *Opened {
	t.Helper()
	o, err := r.Open(h.self(), noon)
	if err != nil {
		t.Fatal(err)
	}
	return o
}

func fact(name, value, source string, learnt person.Learnt, at person.Instant, verified bool) person.Fact {
	return person.Fact{Head: person.Head{
		Name: name, Source: source, Channel: "web", Learnt: learnt, At: at, Received: at + 5, Charter: 1, Quality: 1, Verified: verified,
	}, Value: value}
}

func order(k *KeyRing, n int, stream StreamID, at person.Instant, items ...string) Frame {
	b := StartBody(nil)
	for i, it := range items {
		b = AppendLine(b, person.Line{Item: it, Quantity: float64(i + 1), Price: 1.99})
	}
	b = AppendText(b, "order_id", fmt.Sprintf("o%d", n))
	b = AppendNumber(b, "total", 12.5)
	return k.SealEvent(person.EventID{byte(n), byte(n >> 8), 1}, stream, at, at+1000, b)
}
