package collect

import (
	"testing"

	"github.com/rapporthq/rapport/trust/vault"
)

func TestAnOrderIsKeptCutDownToTheCharter(t *testing.T) {
	h := newHome(t)
	out := h.send("tills", `{"event":"Order Completed","userId":"u1","messageId":"m1","timestamp":"2026-11-20T11:00:00Z",
		"context":{"ip":"1.2.3.4"},"properties":{"order_id":"o1","total":12.5,"gift":true,"coupons":["A","B"],"colour":"red","products":[{"product_id":"p1","quantity":2,"price":3.25,"name":"x"},{"product_id":"p2"}]}}`, Track)
	if out.Kept != 1 || out.Refused != 0 {
		t.Fatalf("outcome %+v", out)
	}
	o := h.person(vault.UserID, "u1", h.now)
	if o == nil || len(o.History) != 1 {
		t.Fatalf("history %+v", o)
	}
	e := o.History[0]
	if len(e.Lines) != 2 || e.Lines[0].Item != "p1" || e.Lines[0].Quantity != 2 || e.Lines[0].Price != 3.25 {
		t.Errorf("lines %+v", e.Lines)
	}
	if e.Properties["order_id"] != "o1" || e.Properties["total"] != 12.5 || e.Properties["gift"] != true || e.Properties["colour"] != nil {
		t.Errorf("properties %+v", e.Properties)
	}
	if len(out.Counts) != 1 || out.Counts[0].Field != Undeclared || out.Counts[0].Reason != UnplannedField {
		t.Errorf("counts %+v", out.Counts)
	}
}
