package recommend

import (
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/rapporthq/rapport/charter"
	"github.com/rapporthq/rapport/person"
)

func TestFiguresOf(t *testing.T) {
	at := func(i int) float64 { return 1 / math.Log2(float64(i+2)) }
	truth := map[string]bool{"a": true, "b": true, "z": true}
	got := figuresOf([]string{"a", "x", "b"}, truth)
	want := (at(0) + at(2)) / (at(0) + at(1) + at(2))
	if math.Abs(got.NDCG10-want) > 1e-12 || math.Abs(got.NDCG100-want) > 1e-12 || got.Recall10 != 2.0/3 || got.Recall20 != 2.0/3 || got.Hit10 != 1 {
		t.Errorf("%+v", got)
	}
	if got := figuresOf([]string{"x"}, truth); got != (Figures{}) {
		t.Errorf("nothing right: %+v", got)
	}
	// Recall at 20 is of what 20 places can hold, at 10 of all there is.
	many, top := map[string]bool{}, []string{}
	for i := range 40 {
		many[fmt.Sprint(i)] = true
		top = append(top, fmt.Sprint(i))
	}
	if got := figuresOf(top, many); got.Recall20 != 1 || got.Recall10 != 0.25 || math.Abs(got.NDCG100-1) > 1e-12 {
		t.Errorf("%+v", got)
	}
}

const shopCSV = "\ufeffInvoiceNo,StockCode,Quantity,InvoiceDate,CustomerID\n" +
	"1,a,2,2026-01-01 10:00:00,u1\n" +
	"1,a,1,2026-01-01 10:01:00,u1\n" + // the same order again: once
	"2,a,1,2026-01-05 10:00:00,u1\n" +
	"2,b,0,2026-01-05 10:00:00,u1\n" + // nothing
	"C3,b,-2,2026-01-06 10:00:00,u1\n" + // a return
	"4,b,1,2026-01-07 10:00:00,\n" + // nobody
	"5,b,1,2026-02-07 10:00:00,u2\n"

var shopTable = Table{User: "CustomerID", Item: "StockCode", Time: "InvoiceDate"}

func TestReadEvents(t *testing.T) {
	var zipped bytes.Buffer
	z := gzip.NewWriter(&zipped)
	io.WriteString(z, shopCSV)
	z.Close()
	for name, r := range map[string]io.Reader{"plain": strings.NewReader(shopCSV), "gzip": &zipped} {
		ev, err := readEvents(r, shopTable)
		if err != nil {
			t.Fatal(name, err)
		}
		at := func(s string) person.Instant {
			i, err := parseTime(s)
			if err != nil {
				t.Fatal(err)
			}
			return i
		}
		want := [][]Taken{{{Item: "a", When: []person.Instant{at("2026-01-01 10:00:00"), at("2026-01-05T10:00:00Z")}}}, {{Item: "b", When: []person.Instant{at("2026-02-07 10:00:00")}}}}
		if d := cmp.Diff(want, ev.histories(math.MaxInt64, nil)); d != "" {
			t.Error(name, d)
		}
		if d := cmp.Diff([][]Taken{want[0], nil}, ev.histories(at("2026-02-01"), nil)); d != "" {
			t.Error(name, d)
		}
		if d := cmp.Diff([]int{1, 0}, ev.peopleBy(at("2026-02-01"))); d != "" {
			t.Error(name, d)
		}
	}
}

func TestParseTime(t *testing.T) {
	want := person.At(time.Date(2026, 11, 20, 10, 0, 0, 0, time.UTC))
	for _, s := range []string{"2026-11-20T10:00:00Z", "2026-11-20 10:00:00", "2026-11-20 10:00", "2026-11-20T11:00:00+01:00", "11/20/2026 10:00", "1795168800", "1795168800000", "2026-11-20 10:00:00.000000000"} {
		if got, err := parseTime(s); err != nil || got != want {
			t.Errorf("%s: %v %v", s, got.Time(), err)
		}
	}
	for _, s := range []string{"", "yesterday", "NaN", "-5", "1e300", "2026-13-01"} {
		if got, err := parseTime(s); err == nil {
			t.Errorf("%q was read as %v", s, got.Time())
		}
	}
}

func TestWhatCannotBeEvaluated(t *testing.T) {
	good := Evaluation{Table: shopTable, Protocol: "time"}
	for name, c := range map[string]struct {
		csv  string
		e    Evaluation
		want error
		says string
	}{
		"no protocol":     {shopCSV, Evaluation{Table: shopTable}, ErrEvaluation, "strong or time"},
		"no time":         {shopCSV, Evaluation{Table: Table{User: "CustomerID", Item: "StockCode"}, Protocol: "time"}, ErrEvaluation, "column of the time"},
		"no column":       {shopCSV, Evaluation{Table: Table{User: "CustomerID", Item: "sku"}, Protocol: "strong"}, ErrEvents, `no column "sku"`},
		"no columns said": {shopCSV, Evaluation{Protocol: "strong"}, ErrEvents, "which columns"},
		"nothing":         {"", good, ErrEvents, "header"},
		"a header only":   {"CustomerID,StockCode,InvoiceDate\n", good, ErrEvaluation, "no line"},
		"no such time":    {"CustomerID,StockCode,InvoiceDate\nu,i,soon\n", good, ErrEvents, "line 2"},
		"nobody after":    {shopCSV, good, ErrEvaluation, "nobody"},
		"too few people":  {shopCSV, Evaluation{Table: shopTable, Protocol: "strong"}, ErrEvaluation, "fewer than 6"},
		"damaged gzip":    {"\x1f\x8b\x08nonsense", good, ErrEvents, ""},
	} {
		err := Evaluate(t.Context(), strings.NewReader(c.csv), c.e, func(Row) { t.Error(name, "gave a row") })
		if !errors.Is(err, c.want) || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// townCSV writes the made-up town as events.
func townCSV(people, items int) string {
	var b strings.Builder
	b.WriteString("user,item,time\n")
	for p, h := range town(people, items, 8) {
		for _, x := range h.Taken {
			for _, w := range x.When {
				fmt.Fprintf(&b, "u%03d,%s,%s\n", p, x.Item, w.Time().Format(time.RFC3339))
			}
		}
	}
	return b.String()
}

func TestEvaluateBothProtocols(t *testing.T) {
	csv := townCSV(400, 30)
	for _, protocol := range []string{"strong", "time"} {
		run := func() map[string]Row {
			rows := map[string]Row{}
			err := Evaluate(t.Context(), strings.NewReader(csv), Evaluation{Table: Table{User: "user", Item: "item", Time: "time"}, Protocol: protocol, K: 5, Clock: func() person.Instant { return 1 }},
				func(r Row) { rows[r.Method] = r })
			if err != nil {
				t.Fatal(err)
			}
			return rows
		}
		rows := run()
		ours, pop := rows["rapport"], rows["popular"]
		if ours.Judged < 50 || ours.Judged != pop.Judged || ours.Items < 25 || ours.Chosen == nil {
			t.Error(protocol, ours.Judged, pop.Judged, ours.Items, ours.Chosen)
		}
		if !(ours.NDCG10 > pop.NDCG10) || !(ours.Recall20 > 0 && ours.Recall20 <= 1) {
			t.Errorf("%s: ours %v, popular %v", protocol, ours, pop)
		}
		want := 4
		if protocol == "time" {
			want = 7
			if ours.New == nil || ours.JudgedNew == 0 || !(ours.New.NDCG10 > pop.New.NDCG10) {
				t.Errorf("%v", ours)
			}
		} else if ours.New != nil || ours.Seed != 42 {
			t.Errorf("%+v", ours)
		}
		if len(rows) != want {
			t.Error(len(rows))
		}
		if d := cmp.Diff(rows, run()); d != "" {
			t.Error("a second run differs", d)
		}
	}
}

// The future must not be known: what is bought after the split changes no ranking. If it did, a future in which everybody
// buys one item would move it up.
func TestTheSplitHidesWhatComesAfter(t *testing.T) {
	csv := townCSV(200, 20)
	split := daysAgo(28)
	chosen := func(more string) *Fixed {
		var got *Fixed
		err := Evaluate(t.Context(), strings.NewReader(csv+more), Evaluation{Table: Table{User: "user", Item: "item", Time: "time"}, Protocol: "time", SplitAt: split, K: 5, OursOnly: true}, func(r Row) { got = r.Chosen })
		if err != nil {
			t.Fatal(err)
		}
		return got
	}
	var more strings.Builder
	for p := range 200 {
		fmt.Fprintf(&more, "u%03d,%s,%s\n", p, itemName(1), daysAgo(2).Time().Format(time.RFC3339))
	}
	if d := cmp.Diff(chosen(""), chosen(more.String())); d != "" {
		t.Error("what comes after the split has a say", d)
	}
}

func TestTake(t *testing.T) {
	ev := func(id byte, name string, d float64, items ...string) person.Event {
		e := person.Event{Head: person.Head{Name: name, Event: true, At: daysAgo(d)}, ID: person.EventID{id}}
		for _, i := range items {
			e.Lines = append(e.Lines, person.Line{Item: i, Quantity: 1})
		}
		return e
	}
	returned := ev(5, "order", 1, "b")
	returned.Lines[0].Quantity = -1
	events := []person.Event{ev(2, "order", 3, "b", "a", "a"), ev(1, "order", 9, "a", ""), ev(3, "look", 2, "a", "c"), ev(4, "order", 3, "a"), returned}
	got := Take(events, func(n string) bool { return n == "order" })
	want := []Taken{
		{Item: "a", When: []person.Instant{daysAgo(9), daysAgo(3), daysAgo(3)}, Event: person.EventID{4}},
		{Item: "b", When: []person.Instant{daysAgo(3)}, Event: person.EventID{2}},
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
	if got[0].Times() != 3 || got[0].Last() != daysAgo(3) || (Taken{}).Last() != 0 {
		t.Error(got[0].Times(), got[0].Last())
	}
}

func TestCountsAndColumns(t *testing.T) {
	prop := func(n charter.TypeName) map[string]*charter.Property {
		return map[string]*charter.Property{"p": {Type: charter.Type{Name: n}}}
	}
	c := &charter.Charter{Events: map[string]*charter.Event{"order": {Properties: prop(charter.TItems)}, "look": {Properties: prop(charter.TItem)}, "page": {Properties: prop(charter.TString)},
		"refund": {TakesBack: true, Properties: prop(charter.TItems)}, "removed": {TakesBack: true, Properties: prop(charter.TItem)}},
		Data: map[string]*charter.Datum{
			"household": {Kind: charter.Attribute, Type: charter.Type{Name: charter.TEnum}}, "age": {Kind: charter.Attribute, Type: charter.Type{Name: charter.TBand}},
			"diet": {Kind: charter.Attribute, Type: charter.Type{Name: charter.TEnum}, Protective: true}, "name": {Kind: charter.Attribute, Type: charter.Type{Name: charter.TName}},
			"card": {Kind: charter.Identifier, Type: charter.Type{Name: charter.TEnum}}}}
	counts := Counts(c)
	if !counts("order") || counts("look") || counts("page") || counts("") || counts("refund") {
		t.Error("where there are orders, they alone count")
	}
	delete(c.Events, "order")
	if counts = Counts(c); !counts("look") || counts("page") || counts("removed") {
		t.Error("where there are no orders, looks count")
	}
	fact := func(n, v string) person.Fact { return person.Fact{Head: person.Head{Name: n}, Value: v} }
	got := Columns(c, []person.Fact{fact("household", "2"), fact("diet", "vegan"), fact("name", "Jo"), fact("age", "18-65"), fact("card", "x"), fact("household", "2"), fact("age", ""), fact("gone", "1")})
	if d := cmp.Diff([]string{"age=18-65", "household=2"}, got); d != "" {
		t.Error(d)
	}
}

func FuzzReadEvents(f *testing.F) {
	f.Add([]byte(shopCSV))
	f.Add([]byte("CustomerID,StockCode,InvoiceDate\nu,\"a\"\"b\",1\n"))
	f.Add([]byte("\x1f\x8b\x08\x00"))
	f.Fuzz(func(t *testing.T, b []byte) {
		ev, err := readEvents(bytes.NewReader(b), shopTable)
		if err != nil {
			if !errors.Is(err, ErrEvents) {
				t.Fatal(err)
			}
			return
		}
		n := 0
		for _, h := range ev.histories(math.MaxInt64, nil) {
			for _, x := range h {
				n += len(x.When)
			}
		}
		if n > len(ev.lines) || (n == 0) != (len(ev.lines) == 0) {
			t.Fatal(n, len(ev.lines))
		}
	})
}

// TestOnlineRetail holds the figures on real data where it is at hand, in RAPPORT_DATA or else beside the repository; the data is
// others' and not committed, so elsewhere there is nothing to measure and it says where to get it. The margins are far wider than
// what a change of the machine or of a library could do, so it has no false alarms.
func TestOnlineRetail(t *testing.T) {
	dir := os.Getenv("RAPPORT_DATA")
	if dir == "" {
		dir = filepath.Join("..", "..", "..", "shared", "data")
	}
	if _, err := os.Stat(dir); errors.Is(err, fs.ErrNotExist) && os.Getenv("RAPPORT_DATA") == "" {
		t.Log("set RAPPORT_DATA to the folder that holds online-retail/online-retail.csv.gz (UCI Online Retail, CC BY 4.0) to check the figures on real data")
		return
	}
	file, err := os.Open(filepath.Join(dir, "online-retail", "online-retail.csv.gz"))
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	e := Evaluation{Table: shopTable, Protocol: "time", SplitAt: person.At(time.Date(2011, 11, 1, 0, 0, 0, 0, time.UTC)), OursOnly: true}
	err = Evaluate(t.Context(), file, e, func(r Row) {
		t.Log(r)
		if r.Recall10 < 0.166 || r.NDCG10 < 0.352 || r.Hit10 < 0.83 || r.New.Recall10 < 0.065 || r.New.NDCG10 < 0.115 || r.New.Hit10 < 0.5 || r.Judged != 1544 || r.JudgedNew != 1453 {
			t.Error("worse than it was")
		}
	})
	if err != nil {
		t.Fatal(err)
	}
}
