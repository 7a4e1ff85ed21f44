package collect

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/rapporthq/rapport/charter"
	"github.com/rapporthq/rapport/fault"
	"github.com/rapporthq/rapport/know/recommend"
	"github.com/rapporthq/rapport/person"
	"github.com/rapporthq/rapport/trust/consent"
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

func (h *home) want(what string, out Outcome, kept int, reasons ...Reason) {
	h.t.Helper()
	var got []Reason
	for _, c := range out.Counts {
		for range c.Count {
			got = append(got, c.Reason)
		}
	}
	slices.Sort(got)
	slices.Sort(reasons)
	if out.Kept != kept || !slices.Equal(got, reasons) {
		h.t.Errorf("%s: kept %d for %v, want %d for %v", what, out.Kept, got, kept, reasons)
	}
}

func TestEveryReasonForWhichAnEventIsRefused(t *testing.T) {
	h := newHome(t)
	order := func(properties string) string {
		return `{"event":"Order Completed","userId":"u","properties":{` + properties + `}}`
	}
	const lines = `"products":[{"product_id":"p"}]`
	for _, c := range []struct {
		name, source, body string
		kept               int
		reasons            []Reason
	}{
		{"not in the charter", "tills", `{"event":"Danced","userId":"u"}`, 0, []Reason{UnplannedEvent}},
		{"required missing", "tills", order(lines), 0, []Reason{RequiredMissing}},
		{"required null", "tills", order(`"order_id":null,` + lines), 0, []Reason{RequiredMissing}},
		{"required of another type", "tills", order(`"order_id":7,` + lines), 0, []Reason{TypeMismatch}},
		{"lines of another type", "tills", order(`"order_id":"o","products":[{"sku":"p"}]`), 0, []Reason{TypeMismatch}},
		{"a return among the lines", "tills", order(`"order_id":"o","products":[{"product_id":"p","quantity":1},{"product_id":"q","quantity":-2},{"product_id":"r","quantity":-1}]`), 1, []Reason{Returned}},
		{"nothing but returns", "tills", order(`"order_id":"o","total":-3,"products":[{"product_id":"q","quantity":-2}]`), 0, []Reason{Returned}},
		{"a line that is neither", "tills", order(`"order_id":"o","products":[{"product_id":"p","quantity":1},{"product_id":"q","quantity":"-2"}]`), 0, []Reason{TypeMismatch}},
		{"a field of another type", "tills", order(`"order_id":"o","total":"a lot",` + lines), 1, []Reason{TypeMismatch}},
		{"a huge total", "tills", order(`"order_id":"o","total":1e300,` + lines), 1, []Reason{TypeMismatch}},
		{"a long list", "tills", order(`"order_id":"o","coupons":["1","2","3","4"],` + lines), 1, []Reason{TypeMismatch}},
		{"undeclared fields", "tills", order(`"order_id":"o","a":1,"b":{"c":[1]},` + lines), 1, []Reason{UnplannedField, UnplannedField}},
		{"null is as if it were not there", "tills", order(`"order_id":"o","total":null,` + lines), 1, nil},
		{"no purpose of the source", "bureau", `{"event":"Page Viewed","userId":"u"}`, 0, []Reason{NoPurpose}},
		{"no answer is no", "tills", `{"event":"Product Viewed","userId":"u","properties":{"product_id":"p"}}`, 0, []Reason{NoPermission}},
		{"unopposed interest", "tills", `{"type":"page","event":"Page Viewed","userId":"u","properties":{"path":"/a"}}`, 1, nil},
		{"older than it would be kept", "tills", `{"event":"Page Viewed","userId":"u","timestamp":"2026-08-19T12:00:00Z"}`, 0, []Reason{TooOld}},
		{"just not too old", "tills", `{"event":"Page Viewed","userId":"u","timestamp":"2026-08-21T12:00:00Z"}`, 1, nil},
	} {
		h.want(c.name, h.send(c.source, c.body, Track), c.kept, c.reasons...)
	}
	if _, err := h.try("nobody", order(`"order_id":"o",`+lines), Track); err == nil {
		t.Error("a source that the charter does not name was taken")
	}
}

// TestAReturnIsNoPurchase: the lines that go back are not on disk and not learnt from; the refusal is a field's, in the
// report, in the book and in the meter. An event that takes something back keeps its lines, and counts as no purchase either.
func TestAReturnIsNoPurchase(t *testing.T) {
	h := newHome(t)
	out := h.send("tills", `{"event":"Order Completed","userId":"u","messageId":"1","properties":{"order_id":"o","products":[
		{"product_id":"q","quantity":-2,"price":1.5},{"product_id":"p","quantity":1,"price":2},{"product_id":"r","quantity":-1},{"product_id":"s"}]}}`, Track)
	want := []Refusal{{Day: h.now.Day(), Source: "tills", Event: "Order Completed", Field: "products", Reason: Returned, Count: 1}}
	if d := cmp.Diff(want, out.Counts); d != "" || out.Refused != 0 {
		t.Errorf("%d refused: %s", out.Refused, d)
	}
	o := h.person(vault.UserID, "u", h.now)
	if d := cmp.Diff([]person.Line{{Item: "p", Quantity: 1, Price: 2}, {Item: "s"}}, o.History[0].Lines); d != "" {
		t.Error(d)
	}
	if r := h.gate.Book().Recent("tills")[0]; !r.Kept || r.Reason != "" || len(r.Fields) != 1 || r.Fields[0] != (Fell{"products", Returned}) {
		t.Errorf("recent: %+v", r)
	}
	h.send("tills", `{"event":"Order Refunded","userId":"u","messageId":"2","properties":{"products":[{"product_id":"p","quantity":-1}]}}`, Track)
	o = h.person(vault.UserID, "u", h.now)
	if len(o.History) != 2 || len(o.History[1].Lines) != 1 {
		t.Fatalf("a refund that the charter declares is kept as it came: %+v", o.History)
	}
	taken := recommend.Take(o.History, recommend.Counts(h.chart))
	if len(taken) != 2 || taken[0].Item != "p" || taken[0].Times() != 1 || taken[1].Item != "s" {
		t.Errorf("learnt from: %+v", taken)
	}
}

func TestNothingIsKeptOfWhomNothingMayBeKept(t *testing.T) {
	h := newHome(t)
	h.send("web", `{"event":"Product Viewed","anonymousId":"a","userId":"u","properties":{"product_id":"p"}}`, Track)
	h.send("web", `{"event":"Danced","anonymousId":"b"}`, Track, true)
	h.send("tills", `{"event":"Danced","userId":"u","anonymousId":"c"}`, Track)
	h.send("web", `{"anonymousId":"d","traits":{"birthday":"1990-01-01","shoe":43}}`, Identify)
	if n := len(h.store.root); n != 0 || h.store.commits != 0 {
		t.Errorf("%d pseudonyms in %d commits for people of whom nothing was kept", n, h.store.commits)
	}
}

func TestPagesAndScreens(t *testing.T) {
	h := newHome(t)
	h.want("page", h.send("tills", `{"userId":"u","name":"Home","properties":{"path":"/b","url":"x"},"context":{"page":{"path":"/a","url":"x"}}}`, Page), 1, UnplannedField)
	e := h.person(vault.UserID, "u", h.now).History[0]
	if e.Name != "Page Viewed" || e.Properties["path"] != "/a" || e.Properties["name"] != "Home" {
		t.Errorf("%s %v", e.Name, e.Properties)
	}
	h.want("screen", h.send("tills", `{"userId":"u","name":"Home"}`, Screen), 0, UnplannedEvent)
	h.want("group", h.send("tills", `{"userId":"u","groupId":"g","traits":{"size":4}}`, Group), 0, UnplannedEvent)
}

func TestFactsAndWhyTheyFall(t *testing.T) {
	h := newHome(t)
	h.want("unanswered", h.send("signup", `{"userId":"u","traits":{"name":" Ada  Applewick ","household":"2","diet":"vegan","birthday":"1990-02-30","shoe":43,"email":"ada@post.example"}}`, Identify),
		1, NoPermission, NoPermission, TypeMismatch, UnplannedField)
	if d := cmp.Diff(map[string]string{"name": "Ada Applewick", "email": "ada@post.example"}, h.person(vault.UserID, "u", h.now).facts()); d != "" {
		t.Error(d)
	}
	h.say("u", "personalise", consent.Yes, false)
	h.say("u", "protect", consent.Yes, false) // not in words that say what follows
	h.want("a yes that is not explicit", h.send("signup", `{"userId":"u","traits":{"household":"2","diet":"vegan","birthday":"1990-02-03"}}`, Identify), 1, NoPermission)
	h.say("u", "protect", consent.Yes, true)
	h.want("an explicit yes", h.send("signup", `{"userId":"u","traits":{"diet":"vegan"}}`, Identify), 1)
	o := h.person(vault.UserID, "u", h.now)
	for _, f := range o.Facts {
		if f.Learnt != person.Declared || !f.Verified || f.Source != "signup" || f.Charter != 1 {
			t.Errorf("head of %s: %+v", f.Name, f.Head)
		}
	}
	h.want("acquired, and declared only", h.send("bureau", `{"userId":"u","traits":{"birthday":"1990-02-03","household":"3"}}`, Identify), 1, NoPurpose)
	h.want("too old", h.send("bureau", `{"userId":"u","timestamp":"2024-01-01T00:00:00Z","traits":{"household":"3"}}`, Identify), 0, TooOld)
	h.want("null", h.send("signup", `{"userId":"u","traits":{"household":null}}`, Identify), 0)

	k := o.record.Ring(o.record.Who.Root)
	if err := h.store.Commit(context.Background(), vault.Change{Put: []vault.Row{k.SealSuppressed("household", h.now)}}); err != nil {
		t.Fatal(err)
	}
	h.want("the person removed it", h.send("signup", `{"userId":"u","traits":{"household":"5+"}}`, Identify), 0, Suppressed)
	if err := h.store.Commit(context.Background(), vault.Change{Put: []vault.Row{k.SealRestriction(h.now, true)}}); err != nil {
		t.Fatal(err)
	}
	h.want("restricted", h.send("tills", `{"event":"Product Viewed","userId":"u","properties":{"product_id":"p"}}`, Track), 0, NoPermission)
	h.want("restricted, but a contract", h.send("tills", `{"event":"Order Completed","userId":"u","properties":{"order_id":"o","products":[{"product_id":"p"}]}}`, Track), 1)
}

// say makes a verified choice of a user, as an import does.
func (h *home) say(user, purpose string, a consent.Answer, explicit bool) {
	h.t.Helper()
	h.now += 1e6
	b := Batch{Messages: []Message{{Type: choiceOf, UserID: user, ID: purpose + h.now.Time().String(), timestamp: h.now, choice: &Spoken{Purpose: purpose, Answer: a, Explicit: explicit}}}}
	if out, err := h.gate.Accept(context.Background(), Arrival{Source: "signup", Batch: &b}); err != nil || out.Kept != 1 {
		h.t.Fatal(out, err)
	}
}

func TestAnswersThatComeWithAMessage(t *testing.T) {
	const product = `"event":"Product Viewed","properties":{"product_id":"p"}`
	for name, c := range map[string]struct {
		context string
		kept    int
		yes, no []string
	}{
		"nothing":               {``, 0, nil, nil},
		"other context":         {`{"page":{}}`, 0, nil, nil},
		"empty":                 {`{"consent":{}}`, 0, nil, []string{"email", "personalise"}},
		"empty preferences":     {`{"consent":{"categoryPreferences":{}}}`, 0, nil, []string{"email", "personalise"}},
		"a missing category":    {`{"consent":{"categoryPreferences":{"personalization":true}}}`, 1, []string{"personalise"}, []string{"email"}},
		"all":                   {`{"consent":{"categoryPreferences":{"Personalization":true,"Advertising":true}}}`, 1, []string{"email", "personalise"}, nil},
		"a no":                  {`{"consent":{"categoryPreferences":{"personalization":false,"advertising":true}}}`, 0, []string{"email"}, []string{"personalise"}},
		"not plainly true":      {`{"consent":{"categoryPreferences":{"personalization":"true","advertising":1}}}`, 0, nil, []string{"email", "personalise"}},
		"unknown category":      {`{"consent":{"categoryPreferences":{"everything":true}}}`, 0, nil, []string{"email", "personalise"}},
		"RudderStack":           {`{"consentManagement":{"allowedConsentIds":["personalization"],"deniedConsentIds":["advertising"]}}`, 1, []string{"personalise"}, []string{"email"}},
		"RudderStack, both":     {`{"consentManagement":{"allowedConsentIds":["personalization"],"deniedConsentIds":["personalization"]}}`, 0, nil, []string{"email", "personalise"}},
		"RudderStack, empty":    {`{"consentManagement":{}}`, 0, nil, []string{"email", "personalise"}},
		"RudderStack, no lists": {`{"consentManagement":{"allowedConsentIds":"personalization"}}`, 0, nil, []string{"email", "personalise"}},
		"both, and they differ": {`{"consent":{"categoryPreferences":{"personalization":true,"advertising":true}},"consentManagement":{"allowedConsentIds":["advertising"]}}`, 0, []string{"email"}, []string{"personalise"}},
		"null":                  {`{"consent":null}`, 0, nil, nil},
	} {
		h := newHome(t)
		body := `{"messageId":"m","anonymousId":"d",` + product + `}`
		if c.context != "" {
			body = `{"messageId":"m","anonymousId":"d","context":` + c.context + `,` + product + `}`
		}
		out := h.send("web", body, Track)
		if out.Kept != c.kept {
			t.Errorf("%s: kept %d", name, out.Kept)
		}
		var yes, no []string
		if o := h.person(vault.AnonymousID, "d", h.now); o != nil {
			for _, ch := range o.record.Choices {
				if ch.Verified || ch.Source != "web" || ch.Charter != 1 {
					t.Errorf("%s: %+v", name, ch)
				}
				if ch.Answer == consent.Yes {
					yes = append(yes, ch.Purpose)
				} else {
					no = append(no, ch.Purpose)
				}
			}
		}
		slices.Sort(yes)
		slices.Sort(no)
		if !slices.Equal(yes, c.yes) || !slices.Equal(no, c.no) {
			t.Errorf("%s: yes to %v and no to %v, want %v and %v", name, yes, no, c.yes, c.no)
		}
	}
}

func TestAnswersAreKeptWhenTheyChangeAndActAtOnce(t *testing.T) {
	h := newHome(t)
	send := func(id, answer string, minute int, kept int) {
		t.Helper()
		if out := h.send("web", `{"messageId":"`+id+`","anonymousId":"d",`+at(minute)+`,"event":"Product Viewed","properties":{"product_id":"p"},"context":{"consent":{"categoryPreferences":{"personalization":`+answer+`}}}}`, Track); out.Kept != kept {
			t.Errorf("%s: kept %d, want %d", id, out.Kept, kept)
		}
	}
	choices := func(n int) {
		t.Helper()
		got := 0
		for _, c := range h.person(vault.AnonymousID, "d", h.now).record.Choices {
			if c.Purpose == "personalise" {
				got++
			}
		}
		if got != n {
			t.Errorf("%d choices, want %d", got, n)
		}
	}
	send("1", "true", 1, 1)
	send("2", "true", 2, 1)
	send("2", "true", 2, 1)
	choices(1)
	send("3", "false", 3, 0)
	choices(2)
	send("late yes", "true", 2, 0) // said before the no: it changes nothing
	choices(2)
	send("4", "true", 4, 1)
	choices(3)
	send("late no", "false", 1, 0) // its own no acts on it
	send("5", "true", 5, 1)
}

func TestAServersAnswersAreThePersons(t *testing.T) {
	h := newHome(t)
	h.want("yes", h.send("tills", `{"messageId":"1","userId":"u","event":"Product Viewed","properties":{"product_id":"p"},"context":{"consent":{"categoryPreferences":{"personalization":true}}}}`, Track), 1)
	h.want("no object changes nothing", h.send("tills", `{"messageId":"2","userId":"u","event":"Product Viewed","properties":{"product_id":"p"}}`, Track), 1)
	if c := h.person(vault.UserID, "u", h.now).record.Choices; len(c) != 1 || !c[0].Verified {
		t.Errorf("%+v", c)
	}
}

func TestABrowsersSignalBindsItsDeviceAtOnce(t *testing.T) {
	h := newHome(t)
	page := func(id, device string, gpc bool) Outcome {
		return h.send("web", `{"messageId":"`+id+`","anonymousId":"`+device+`",`+yesToAll+`}`, Page, gpc)
	}
	h.want("with the signal", page("1", "d", true), 0, NoPermission)
	h.want("a product too", h.send("web", `{"messageId":"2","anonymousId":"d",`+yesToAll+`,"event":"Product Viewed","properties":{"product_id":"p"}}`, Track, true), 0, NoPermission)
	signals := 0
	for _, c := range h.person(vault.AnonymousID, "d", h.now).record.Choices {
		if c.Signal && c.Answer == consent.No {
			signals++
		}
	}
	if signals != 2 {
		t.Errorf("%d signals kept, want one for each purpose", signals)
	}
	h.want("another device", page("3", "e", false), 1)
	h.want("a server's header says nothing", h.send("tills", `{"messageId":"4","userId":"u"}`, Page, true), 1)
}

func TestTheSameMessageAgainIsNoSecondOne(t *testing.T) {
	h := newHome(t)
	const body = `{"messageId":"m1","userId":"u","event":"Order Completed","context":{"consent":{"categoryPreferences":{"personalization":true}}},"properties":{"order_id":"o","products":[{"product_id":"p"}]}}`
	for range 3 {
		h.send("tills", body, Track)
		h.now += 5e6
	}
	o := h.person(vault.UserID, "u", h.now)
	if len(o.History) != 1 || len(o.record.Choices) != 1 || len(h.store.root) != 1 {
		t.Errorf("%d events, %d choices, %d pseudonyms", len(o.History), len(o.record.Choices), len(h.store.root))
	}
	// Another source cannot use up the ids of this one.
	h.send("signup", body, Track)
	if o := h.person(vault.UserID, "u", h.now); len(o.History) != 2 {
		t.Errorf("%d events after another source used the same id", len(o.History))
	}
}

func TestUnknownProductsAreSightedByServersOnly(t *testing.T) {
	h := newHome(t)
	var seen []vault.Sighting
	h.gate.parts.Catalogue = knows{"p1": true}
	h.store.sighted = func(s []vault.Sighting) { seen = append(seen, s...) }
	h.send("tills", `{"messageId":"1","userId":"u","event":"Order Completed","properties":{"order_id":"o","products":[{"product_id":"p1"},{"product_id":"p2"}]}}`, Track)
	h.send("web", `{"messageId":"2","anonymousId":"d",`+yesToAll+`,"event":"Product Viewed","properties":{"product_id":"p3"}}`, Track)
	if len(seen) != 1 || seen[0].ItemID != "p2" {
		t.Errorf("sightings %+v", seen)
	}
}

type knows map[string]bool

func (k knows) Knows(id string) bool { return k[id] }

func TestRefusalsAreCountedByTheChartersNamesAndSpeltOnlyInMemory(t *testing.T) {
	h := newHome(t)
	counters := &fakeCounters{}
	h.gate.parts.Book = NewBook(counters, func() person.Instant { return h.now })
	h.send("tills", `{"messageId":"1","userId":"u","event":"Order Completed","properties":{"order_id":"o","total":"x","jane@post.example":true,"products":[{"product_id":"p"}]}}`, Track)
	h.send("tills", `{"messageId":"2","userId":"u","event":"I am jane@post.example"}`, Track)
	h.send("tills", `{"batch":[{"type":"track","event":"jane@post.example"}]}`, BatchOf)
	if err := h.gate.Book().Flush(context.Background()); err != nil {
		t.Fatal(err)
	}
	want := []Refusal{
		{Day: h.now.Day(), Source: "tills", Event: "Order Completed", Field: "total", Reason: TypeMismatch, Count: 1},
		{Day: h.now.Day(), Source: "tills", Event: "Order Completed", Field: Undeclared, Reason: UnplannedField, Count: 1},
		{Day: h.now.Day(), Source: "tills", Event: Undeclared, Reason: Malformed, Count: 1},
		{Day: h.now.Day(), Source: "tills", Event: Undeclared, Reason: UnplannedEvent, Count: 1},
	}
	got, err := h.gate.Book().Refusals(context.Background(), "tills", 0)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
	if strings.Contains(fmt.Sprint(counters.kept), "jane") {
		t.Error("a name that may be personal reached the counters")
	}
	names := h.gate.Book().Names("tills")
	if len(names) != 3 {
		t.Errorf("names as spelt: %+v", names)
	}
	recent := h.gate.Book().Recent("tills")
	if len(recent) != 3 || recent[2].Kept != true || len(recent[2].Fields) != 2 || recent[1].Reason != UnplannedEvent {
		t.Errorf("recent: %+v", recent)
	}
	h.now += 3601e6
	if len(h.gate.Book().Names("tills")) != 0 || len(h.gate.Book().Recent("tills")) != 0 {
		t.Error("names are remembered for longer than an hour")
	}
	counters.fail = true
	h.send("tills", `{"messageId":"3","userId":"u","event":"Danced"}`, Track)
	if h.gate.Book().Flush(context.Background()) == nil {
		t.Fatal("no error")
	}
	counters.fail = false
	_ = h.gate.Book().Flush(context.Background())
	if got, _ := h.gate.Book().Refusals(context.Background(), "tills", 0); got[3].Count != 2 {
		t.Errorf("a failed write lost counts: %+v", got)
	}
}

func TestNamesInMemoryAreBounded(t *testing.T) {
	h := newHome(t)
	for i := range 40 {
		h.send("tills", `{"messageId":"`+fmt.Sprint(i)+`","userId":"u","event":"Order Completed","properties":{"order_id":"o","products":[{"product_id":"p"}],`+strings.ReplaceAll(names(60), `"n`, fmt.Sprintf(`"f%d-`, i))+`}}`, Track)
	}
	if n := len(h.gate.Book().Names("tills")); n > mostSpelt {
		t.Errorf("%d names in memory", n)
	}
	if got, _ := h.gate.Book().Refusals(context.Background(), "tills", 0); len(got) != 1 || got[0].Count != 40*60 {
		t.Errorf("counts %+v", got)
	}
}

func TestAFailingStoreKeepsNothingAndSaysSo(t *testing.T) {
	h := newHome(t)
	for _, fail := range []error{vault.ErrUnavailable, vault.ErrStale, errors.New("disk full of jane@post.example")} {
		h.store.fail = fail
		_, err := h.try("tills", `{"messageId":"1","userId":"u"}`, Page)
		code, sentence := fault.Of(err)
		if code != fault.Unavailable || strings.Contains(sentence, "jane") {
			t.Errorf("%v: %s %s", fail, code, sentence)
		}
	}
	if got, _ := h.gate.Book().Refusals(context.Background(), "", 0); len(got) != 0 {
		t.Error("what did not happen was counted")
	}
	h.store.fail = nil
	h.want("again", h.send("tills", `{"messageId":"1","userId":"u"}`, Page), 1)
}

func TestADryRunLeavesNoTrace(t *testing.T) {
	h := newHome(t)
	var b Batch
	if err := b.Parse([]byte(`{"userId":"u","event":"Danced"}`), Track); err != nil {
		t.Fatal(err)
	}
	out, err := h.gate.Accept(context.Background(), Arrival{Source: "tills", Batch: &b, Dry: true})
	if err != nil || out.Refused != 1 || len(out.Counts) != 1 {
		t.Error(out, err)
	}
	if h.store.commits != 0 || len(h.gate.Book().Recent("tills")) != 0 {
		t.Error("a dry run left traces")
	}
}

func TestACharterThatIsAheadOfUsKeepsNothing(t *testing.T) {
	h := newHome(t)
	h.send("tills", `{"messageId":"1","userId":"u"}`, Page)
	h.store.position = 2
	if _, err := h.try("tills", `{"messageId":"2","userId":"u"}`, Page); err == nil {
		t.Error("judged by an older charter than the one in force")
	}
}

type fakeCounters struct {
	kept []Refusal
	fail bool
}

func (f *fakeCounters) AddRefusals(_ context.Context, counts []Refusal) error {
	if f.fail {
		return vault.ErrUnavailable
	}
	f.kept = append(f.kept, counts...)
	return nil
}

func (f *fakeCounters) Refusals(context.Context, string, int64) ([]Refusal, error) {
	return f.kept, nil
}

// TestAnOldAnswerAgreesToNoNewWords: an answer keeps the charter that was in force when it was given, however late it comes, and
// when it comes again.
func TestAnOldAnswerAgreesToNoNewWords(t *testing.T) {
	h := newHome(t)
	day := func(n int) person.Instant { return h.now + person.Instant(n)*86_400_000_000 }
	series := charter.NewSeries(h.chart.Placed(1, day(-30)), h.chart.Placed(2, day(-10)))
	h.gate = New(Parts{Vault: h.vault, Store: h.store, Charters: func() charter.Series { return series }, Clock: func() person.Instant { return h.now }})
	for at, want := range map[person.Instant]int{day(-40): 1, day(-20): 1, day(-10): 2, day(-1): 2, day(9): 2} {
		b := Batch{Messages: []Message{{Type: choiceOf, UserID: "u", ID: at.Time().String(), timestamp: at, choice: &Spoken{Purpose: "personalise", Answer: consent.Yes}}}}
		for range 2 {
			if out, err := h.gate.Accept(context.Background(), Arrival{Source: "signup", Batch: &b}); err != nil || out.Kept != 1 {
				t.Fatal(out, err)
			}
		}
		found := false
		for _, c := range h.person(vault.UserID, "u", h.now).record.Choices {
			if c.At == at || at > h.now && c.At == h.now {
				if found = true; c.Charter != want {
					t.Errorf("an answer of day %d agrees to charter %d, not to %d", (at-h.now)/86_400_000_000, c.Charter, want)
				}
			}
		}
		if !found {
			t.Errorf("the answer of day %d is not there", (at-h.now)/86_400_000_000)
		}
	}
	// While the clock was back another charter was accepted, by that clock before an answer that comes again.
	series = charter.NewSeries(h.chart.Placed(1, day(-30)), h.chart.Placed(2, day(-10)), h.chart.Placed(3, day(-25)))
	for _, at := range []person.Instant{day(-20), day(-19)} {
		b := Batch{Messages: []Message{{Type: choiceOf, UserID: "u", ID: at.Time().String(), timestamp: at, choice: &Spoken{Purpose: "personalise", Answer: consent.Yes}}}}
		if out, err := h.gate.Accept(context.Background(), Arrival{Source: "signup", Batch: &b}); err != nil || out.Kept != 1 {
			t.Fatal(out, err)
		}
	}
	for _, c := range h.person(vault.UserID, "u", h.now).record.Choices {
		if c.At == day(-20) && c.Charter != 1 || c.At == day(-19) && c.Charter != 3 {
			t.Errorf("after the clock went back the answer of day %d agrees to charter %d", (c.At-h.now)/86_400_000_000, c.Charter)
		}
	}
}

func TestEveryReasonHasItsWords(t *testing.T) {
	for _, r := range []Reason{UnplannedEvent, UnplannedField, RequiredMissing, TypeMismatch, Returned, NoPurpose, NoPermission, Suppressed, TooOld, Malformed, TooLarge} {
		if r.Words() == "" {
			t.Errorf("%s has none", r)
		}
	}
}
