package collect

import (
	"context"
	"strings"
	"testing"

	"github.com/rapporthq/rapport/trust/vault"
)

// TestForeignColumnsAreNamed brings a file whose columns have other names, ids as a spreadsheet writes them, and no event.
func TestForeignColumnsAreNamed(t *testing.T) {
	h := newHome(t)
	const text = "Invoice,Sku,Qty,Day,Price,Customer\n100,a1.0,2,2026-11-01 10:00:00,1.5,7.0\n100,85123,1,2026-11-01 10:00:00,2,7.0\n101,85123.0,1,2026-11-02 10:00:00,2,7.0\n"
	settings := fakeSettings{}
	bring := func(columns map[string]string) (Report, error) {
		return Import{Gate: h.gate, Settings: settings, Source: "signup", As: Events, Event: "Order Completed", Columns: columns}.Run(context.Background(), strings.NewReader(text), int64(len(text)))
	}
	columns := map[string]string{"Invoice": "order_id", "Sku": "product_id", "Qty": "quantity", "Day": "timestamp", "Price": "price", "Customer": "userId"}
	rep, err := bring(columns)
	if err != nil {
		t.Fatal(err)
	}
	h.wantReport("orders", rep, 3, 2, 0)
	h.wantItems("7: whole numbers lose their .0, names keep it", h.person(vault.UserID, "7", h.now), "85123", "85123", "a1.0")

	if rep, err = bring(columns); err != nil || !rep.Before {
		t.Errorf("the same file again: %+v, %v", rep, err)
	}
	columns["Price"] = "total" // read in another way, it is another file
	if rep, err = bring(columns); err != nil || rep.Before {
		t.Errorf("another reading of the same file is taken for the same: %v", err)
	}
	for what, columns := range map[string]map[string]string{
		"no such column": {"Nothing": "userId"}, "two for one": {"Invoice": "userId", "Sku": "userId"},
	} {
		if _, err := bring(columns); err == nil {
			t.Errorf("%s: it is brought all the same", what)
		}
	}
	if _, err := (Import{Gate: h.gate, Source: "signup", As: Events, Columns: map[string]string{"a": "b"}}).Run(context.Background(), strings.NewReader(`{"a":1}`), 7); err == nil {
		t.Error("columns of JSON Lines are mapped")
	}
}

// TestALineNumberCanName: a file of people without a name for each is brought by the numbers of its lines, and a row that is too short or too
// long does not move the number.
func TestALineNumberCanName(t *testing.T) {
	h := newHome(t)
	const text = "name,email\nAda,ada@post.example\nBea\nCleo,cleo@post.example,more\n"
	rep, err := Import{Gate: h.gate, Source: "signup", As: People, Columns: map[string]string{LineNumber: "userId"}}.Run(context.Background(), strings.NewReader(text), int64(len(text)))
	if err != nil {
		t.Fatal(err)
	}
	h.wantReport("people", rep, 3, 2, 0, 4)
	if got := h.person(vault.UserID, "3", h.now).facts()["name"]; got != "Bea" {
		t.Errorf("line 3 is %q", got)
	}
}

// TestOfAnItemsFileOnlyWhatIsNamedIsTaken: a file of orders is also one of items, and who ordered must not get into the catalogue.
func TestOfAnItemsFileOnlyWhatIsNamedIsTaken(t *testing.T) {
	h := newHome(t)
	const text = "Sku,What,Customer,name\n7.0,Lamp,jane@example.org,x\n"
	var got []Line
	im := Import{Gate: h.gate, Source: "signup", As: Items, Columns: map[string]string{"Sku": "id", "What": "name"},
		Items: func(_ context.Context, lines []Line) ([]Problem, error) { got = append(got, lines...); return nil, nil }}
	if _, err := im.Run(context.Background(), strings.NewReader(text), int64(len(text))); err != nil {
		t.Fatal(err)
	}
	if len(got) != 1 || len(got[0].Fields) != 2 || got[0].Fields["id"] != "7" || got[0].Fields["name"] != "Lamp" {
		t.Errorf("taken: %+v", got)
	}
}

// TestRowsOfOneOrderMayDifferInWhatFalls: a product's description is another in each row, the charter does not declare it, and the rows are one order all the same.
func TestRowsOfOneOrderMayDifferInWhatFalls(t *testing.T) {
	h := newHome(t)
	const text = "order_id,product_id,what,timestamp,userId\n1,a,lamp,2026-11-01,7\n1,b,clock,2026-11-01,7\n1,c,vase,2026-11-01,\n2,c,vase,2026-11-01,7\n"
	rep, err := Import{Gate: h.gate, Source: "signup", As: Events, Event: "Order Completed"}.Run(context.Background(), strings.NewReader(text), int64(len(text)))
	if err != nil {
		t.Fatal(err)
	}
	h.wantReport("orders", rep, 4, 2, 0, 4)
	if len(rep.Problems) != 1 || rep.Problems[0].Reason != badWho {
		t.Errorf("a row without anybody: %+v", rep.Problems)
	}
}

// TestLinesThatNameNobodyAreCountedApart brings, of each kind, one line without an id and one that cannot be read.
func TestLinesThatNameNobodyAreCountedApart(t *testing.T) {
	h := newHome(t)
	for what, c := range map[string]struct {
		as   Kind
		text string
	}{
		"events as CSV":   {Events, "event,order_id,product_id,timestamp,userId\nOrder Completed,1,a,2026-11-01,\nOrder Completed,2,a,2026-11-01,7,more\n"},
		"events as JSON":  {Events, `{"type":"track","event":"Order Completed","timestamp":"2026-11-01T10:00:00Z"}` + "\n{\n"},
		"people as CSV":   {People, "userId,name\n,Ada\n7,Bea,more\n"},
		"people as JSON":  {People, `{"name":"Ada"}` + "\n{\n"},
		"choices as CSV":  {Choices, "userId,purpose,answer,at\n,personalise,yes,2026-11-01T10:00:00Z\n7,personalise,perhaps,2026-11-01T10:00:00Z\n"},
		"complaints JSON": {Complaints, `{"opened":"2026-11-01T10:00:00Z"}` + "\n{\n"},
	} {
		rep, err := Import{Gate: h.gate, Source: "signup", As: c.as, Dry: true}.Run(context.Background(), strings.NewReader(c.text), int64(len(c.text)))
		if err != nil || rep.Lines != 2 || rep.Nobody != 1 || rep.Bad != 1 {
			t.Errorf("%s: %d name nobody and %d cannot be read, want 1 and 1: %+v, %v", what, rep.Nobody, rep.Bad, rep.Problems, err)
		}
	}
}
