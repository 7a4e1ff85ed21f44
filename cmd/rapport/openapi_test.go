package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/rapporthq/rapport/person"
	"github.com/rapporthq/rapport/trust/access"
)

// TestNoDoorAtAllIsAProblemToo knocks where programs may and no door is: the answer has the form of all errors.
func TestNoDoorAtAllIsAProblemToo(t *testing.T) {
	c := contracted(t, newHouse(t))
	for q, want := range map[string]int{
		"GET /api/nothing": http.StatusNotFound, "GET /api/": http.StatusNotFound,
		"DELETE /api/items/x": http.StatusMethodNotAllowed, "GET /v1/track": http.StatusMethodNotAllowed, "POST /v1/projects/x/settings": http.StatusMethodNotAllowed,
	} {
		method, path, _ := strings.Cut(q, " ")
		r, err := http.NewRequest(method, c.base+path, nil)
		if err != nil {
			t.Fatal(err)
		}
		res, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		v, err := jsonschema.UnmarshalJSON(res.Body)
		_ = res.Body.Close()
		if err == nil {
			err = c.schema("#/components/schemas/Problem").Validate(v)
		}
		if err != nil || res.StatusCode != want || res.Header.Get("Content-Type") != "application/problem+json" || !wellFormedID.MatchString(res.Header.Get(requestIDHeader)) {
			t.Errorf("%s gave %d %v: %v", q, res.StatusCode, res.Header, err)
		}
	}
}

// jsonDoors are the rows of the table of doors that are not pages for people.
func jsonDoors(rows []access.Door) (keys []string) {
	for _, d := range rows {
		if strings.HasPrefix(d.Pattern, "/api/") || strings.HasPrefix(d.Pattern, "/v1/") || slices.Contains([]string{"/openapi.json", "/healthz", "/readyz", "/metrics"}, d.Pattern) {
			keys = append(keys, d.Key())
		}
	}
	return keys
}

// undescribed compares doors with operations, both ways.
func undescribed(doors, operations []string) (wrong []string) {
	mux := http.NewServeMux()
	for _, key := range doors {
		mux.HandleFunc(key, func(http.ResponseWriter, *http.Request) {})
	}
	led := map[string]bool{}
	for _, key := range operations {
		method, path, _ := strings.Cut(key, " ")
		r, err := http.NewRequest(method, "http://rapport.example"+strings.NewReplacer("{", "", "}", "").Replace(path), nil)
		if err != nil {
			wrong = append(wrong, key+": "+err.Error())
			continue
		}
		_, pattern := mux.Handler(r)
		if pattern == "" {
			wrong = append(wrong, key+" is described and is no door")
		}
		led[pattern] = true
	}
	for _, key := range doors {
		if !led[key] {
			wrong = append(wrong, key+" is a door without an operation in web/openapi/openapi.yaml")
		}
	}
	slices.Sort(wrong)
	return wrong
}

func TestEachJSONDoorIsDescribedAndTheReverse(t *testing.T) {
	h := newHouse(t)
	doors := jsonDoors(tableOf(t, h))
	operations := contracted(t, h).operations()
	for _, w := range undescribed(doors, operations) {
		t.Error(w)
	}
	got := undescribed(append(slices.Clone(doors), "DELETE /api/items/{id}"), append(slices.Clone(operations), "GET /api/nothing"))
	if want := []string{"DELETE /api/items/{id} is a door without an operation in web/openapi/openapi.yaml", "GET /api/nothing is described and is no door"}; !slices.Equal(got, want) {
		t.Errorf("found %v, want %v", got, want)
	}
}

// described is a home whose doors are called, with somebody in it and something to decide.
type described struct {
	*caller
	h      *house
	tokens map[access.Role]string
	plain  string // a decide token that may neither explain nor attest
	client string // a client source's key
	items  []string
	kept   string // a decision of somebody known
	stub   string // its feedback token
	pages  string // a decide token that may explain and attest
}

const shopper = "reader-of-the-document"

func describedHome(t *testing.T) *described {
	t.Helper()
	h := newHouse(t)
	d := &described{caller: contracted(t, h), h: h, tokens: credentialsOf(t, h)}
	ctx := context.Background()
	mint := func(a tokenArgs) string {
		t.Helper()
		text, err := h.mint(ctx, a)
		if err != nil {
			t.Fatal(err)
		}
		return text
	}
	d.plain = mint(tokenArgs{Role: "decide", Name: "plain", Placements: []string{h.charter().Order.Placements[0]}})
	d.pages = mint(tokenArgs{Role: "decide", Name: "pages", Explain: true, Attest: true})
	for name, s := range h.charter().Sources {
		if s.Kind != "server" {
			d.client = mint(tokenArgs{Role: "source", Name: name})
		}
	}
	var items []map[string]any
	for i := range 12 {
		id := fmt.Sprintf("item-%d", i)
		d.items = append(d.items, id)
		items = append(items, map[string]any{"id": id, "name": "Item " + id, "department": "GROCERY", "price": 1.5 + float64(i), "tags": []string{"new"}, "stock": 5, "from": "2026-01-01", "shade": "green", "url": "/p/" + id})
	}
	d.wants(200, call{method: "PUT", path: "/api/items", role: access.Admin, credential: d.tokens[access.Admin], body: items}, nil)
	d.wants(200, call{method: "POST", path: "/v1/batch", role: access.Source, credential: "", header: basic(d.tokens[access.Source]), body: map[string]any{"batch": []any{
		map[string]any{"type": "identify", "userId": shopper, "messageId": "described-1", "traits": map[string]any{"household": "2", "undeclared": 1}},
		map[string]any{"type": "track", "userId": shopper, "messageId": "described-2", "event": "Order Completed", "properties": map[string]any{"order_id": "o1", "total": 3.5, "products": []any{map[string]any{"product_id": "item-1", "quantity": 1, "price": 3.5}}}},
		map[string]any{"type": "track", "userId": shopper, "event": "Never Declared"}, "no message",
	}}}, nil)
	d.decide(t)
	return d
}

// decide asks for the one decision whose receipt the others speak of.
func (d *described) decide(t *testing.T) {
	t.Helper()
	var got struct {
		Decision, Feedback string
		Items              []struct{ ID string }
	}
	d.wants(200, call{method: "POST", path: "/api/decide", role: access.Decide, credential: d.pages,
		body: map[string]any{"person": map[string]any{"userId": shopper}, "placement": d.h.charter().Order.Placements[0], "limit": 5, "wait": true}}, &got)
	if got.Feedback == "" || len(got.Items) == 0 {
		t.Fatalf("no decision is kept of somebody known: %+v", got)
	}
	d.kept, d.stub = got.Decision, got.Feedback
	d.items = nil
	for _, it := range got.Items {
		d.items = append(d.items, it.ID)
	}
}

func basic(key string) map[string]string {
	r := &http.Request{Header: http.Header{}}
	r.SetBasicAuth(key, "")
	return map[string]string{"Authorization": r.Header.Get("Authorization")}
}

// TestEachDoorAnswersAsDescribed calls every operation and every status below 500 that the document names.
func TestEachDoorAnswersAsDescribed(t *testing.T) {
	d := describedHome(t)
	places := d.h.charter().Order.Placements
	who := map[string]any{"userId": shopper}
	admin, source := d.tokens[access.Admin], d.tokens[access.Source]
	post := func(path string, role access.Role, credential string, body any) call {
		return call{method: "POST", path: path, role: role, credential: credential, body: body}
	}
	get := func(path string, role access.Role, credential string) call {
		return call{method: "GET", path: path, role: role, credential: credential}
	}
	const wrong = "rap_decide_0000000000000000000000000000000000000000000"

	for path, body := range map[string]map[string]any{
		"/v1/batch": {"batch": []any{}}, "/v1/track": {"event": "Order Completed", "userId": shopper}, "/v1/identify": {"userId": shopper}, "/v1/page": {"anonymousId": "device"},
		"/v1/screen": {"anonymousId": "device"}, "/v1/group": {"userId": shopper, "groupId": "g"}, "/v1/alias": {"userId": shopper, "previousId": "before"},
	} {
		d.wants(200, call{method: "POST", path: path, header: basic(source), body: body}, nil)
		d.wants(401, call{method: "POST", path: path, body: body}, nil)
		d.wants(400, call{method: "POST", path: path, header: basic(source), raw: []byte(`{"batch`)}, nil)
		d.wants(413, call{method: "POST", path: path, header: basic(source), raw: []byte(`{"userId":"` + strings.Repeat("x", 5<<20) + `"}`)}, nil)
		slow := d.token(t, tokenArgs{Role: "source", Name: d.source(), Rate: 0.01})
		d.until(429, call{method: "POST", path: path, header: basic(slow), body: body})
		d.wants(204, call{method: "OPTIONS", path: path}, nil)
	}
	settings := "/v1/projects/" + d.client + "/settings"
	d.wants(200, get(settings, access.Anyone, ""), nil)
	d.wants(401, get("/v1/projects/nobodys/settings", access.Anyone, ""), nil)
	for _, path := range []string{settings, "/api/shown", "/api/feedback"} {
		d.wants(204, call{method: "OPTIONS", path: path}, nil)
	}
	for _, path := range []string{"/api/refusals", "/api/events/recent"} {
		d.wants(200, get(path+"?source="+d.source(), access.Admin, admin), nil)
		d.wants(200, get(path, access.Source, source), nil)
		d.wants(401, get(path, access.Anyone, ""), nil)
		d.wants(403, get(path, access.Source, d.client), nil)
	}
	d.wants(400, get("/api/refusals?days=many", access.Admin, admin), nil)
	d.wants(400, get("/api/events/recent", access.Admin, admin), nil)

	question := map[string]any{"person": who, "placements": places[:2]}
	d.wants(200, post("/api/decide", access.Decide, d.pages, question), nil)
	d.wants(400, post("/api/decide", access.Decide, d.pages, map[string]any{"person": who}), nil)
	d.wants(401, post("/api/decide", access.Decide, wrong, question), nil)
	d.wants(403, post("/api/decide", access.Source, source, question), nil)
	d.wants(403, post("/api/decide", access.Decide, d.plain, question), nil)
	d.wants(413, post("/api/decide", access.Decide, d.pages, map[string]any{"placement": strings.Repeat("x", 100<<10)}), nil)
	d.until(429, post("/api/decide", access.Decide, d.token(t, tokenArgs{Role: "decide", Name: "slow", Rate: 0.01}), question))
	looks := map[string]string{"Rapport-Purpose": d.h.charter().Order.Purposes[0], "Rapport-Reason": "a test of the document"}
	d.wants(200, call{method: "POST", path: "/api/decide", role: access.Privacy, credential: d.tokens[access.Privacy], header: looks, body: question}, nil)
	d.wants(400, post("/api/decide", access.Privacy, d.tokens[access.Privacy], question), nil)

	receipt := "/api/decisions/" + d.kept
	d.wants(200, get(receipt+"?lang=fr", access.Decide, d.pages), nil)
	d.wants(200, call{method: "GET", path: receipt, role: access.Privacy, credential: d.tokens[access.Privacy], header: looks}, nil)
	d.wants(400, get("/api/decisions/none", access.Decide, d.pages), nil)
	d.wants(401, get(receipt, access.Anyone, ""), nil)
	d.wants(403, get(receipt, access.Decide, d.plain), nil)
	d.wants(404, get(receipt, access.Customer, d.tokens[access.Customer]), nil)
	d.until(429, get(receipt, access.Decide, d.token(t, tokenArgs{Role: "decide", Name: "slow", Rate: 0.01})))

	for path, body := range map[string]map[string]any{"/api/shown": {"decision": d.kept, "items": d.items[:1]}, "/api/feedback": {"decision": d.kept, "item": d.items[0], "kind": "useful"}} {
		d.wants(200, post(path, access.Decide, d.pages, body), nil)
		d.wants(400, post(path, access.Decide, d.pages, map[string]any{"decision": "none"}), nil)
		d.wants(401, post(path, access.Anyone, "", body), nil)
		d.wants(403, call{method: "POST", path: path, role: access.Customer, credential: d.tokens[access.Customer], header: map[string]string{"Sec-Fetch-Site": "cross-site"}, body: body}, nil)
		d.wants(404, call{method: "POST", path: path, role: access.Customer, credential: d.tokens[access.Customer], header: map[string]string{"Sec-Fetch-Site": "same-origin"}, body: body}, nil)
		d.wants(413, post(path, access.Decide, d.pages, map[string]any{"decision": strings.Repeat("x", 20<<10)}), nil)
		body["feedback"] = d.stub
		d.wants(200, post(path, access.Anyone, "", body), nil)
	}
	for _, path := range []string{"/api/shown", "/api/feedback"} { // after the others: an address without a token has one rate for both
		d.until(429, post(path, access.Anyone, "", map[string]any{}))
	}

	complaint := map[string]any{"person": who, "complaint": "late-parcel", "state": "open"}
	d.wants(200, post("/api/complaints", access.Source, source, complaint), nil)
	d.wants(200, post("/api/complaints", access.Agent, d.tokens[access.Agent], map[string]any{"person": who, "complaint": "late-parcel", "state": "closed"}), nil)
	d.wants(400, post("/api/complaints", access.Agent, d.tokens[access.Agent], map[string]any{"person": who, "state": "half"}), nil)
	d.wants(401, post("/api/complaints", access.Anyone, "", complaint), nil)
	d.wants(403, post("/api/complaints", access.Source, d.client, complaint), nil)
	d.wants(404, post("/api/complaints", access.Agent, d.tokens[access.Agent], map[string]any{"person": map[string]any{"userId": "nobody-known"}}), nil)
	d.wants(413, post("/api/complaints", access.Agent, d.tokens[access.Agent], map[string]any{"complaint": strings.Repeat("x", 20<<10)}), nil)
	d.until(429, post("/api/complaints", access.Source, d.token(t, tokenArgs{Role: "source", Name: d.source(), Rate: 0.01}), complaint))

	signIn := map[string]any{"person": who, "attested": true}
	d.wants(200, post("/api/sign-in-links", access.Decide, d.pages, signIn), nil)
	d.wants(400, post("/api/sign-in-links", access.Decide, d.pages, map[string]any{"attested": true}), nil)
	d.wants(401, post("/api/sign-in-links", access.Anyone, "", signIn), nil)
	d.wants(403, post("/api/sign-in-links", access.Decide, d.plain, signIn), nil)

	leaver := map[string]any{"person": map[string]any{"userId": "a-leaver"}}
	d.wants(200, call{method: "POST", path: "/v1/track", role: access.Source, header: basic(source), body: map[string]any{"userId": "a-leaver", "event": "Order Completed",
		"properties": map[string]any{"order_id": "1", "products": []any{map[string]any{"product_id": "put-again"}}}}}, nil)
	d.wants(400, post("/api/rights/erase", access.Privacy, d.tokens[access.Privacy], map[string]any{"person": map[string]any{}}), nil)
	d.wants(401, post("/api/rights/erase", access.Anyone, "", leaver), nil)
	d.wants(403, post("/api/rights/erase", access.Admin, admin, leaver), nil)
	d.wants(413, post("/api/rights/erase", access.Privacy, d.tokens[access.Privacy], map[string]any{"person": strings.Repeat("x", 20<<10)}), nil)
	d.wants(200, post("/api/rights/erase", access.Privacy, d.tokens[access.Privacy], leaver), nil)
	d.wants(404, post("/api/rights/erase", access.Privacy, d.tokens[access.Privacy], leaver), nil)
	d.until(429, post("/api/rights/erase", access.Privacy, d.token(t, tokenArgs{Role: "privacy", Name: "slow", Rate: 0.01}), leaver))

	item := map[string]any{"id": "put-again", "name": "A lamp", "price": 12.5}
	put := func(role access.Role, credential string, body any) call {
		return call{method: "PUT", path: "/api/items", role: role, credential: credential, body: body}
	}
	for _, body := range []any{item, []any{item}, map[string]any{"items": []any{item}}} {
		d.wants(200, put(access.Source, source, body), nil)
	}
	d.wants(400, put(access.Admin, admin, map[string]any{"name": "nameless"}), nil)
	d.wants(401, put(access.Anyone, "", item), nil)
	d.wants(403, put(access.Source, d.client, item), nil)
	d.wants(413, call{method: "PUT", path: "/api/items", role: access.Admin, credential: admin, raw: []byte(strings.Repeat(" ", 5<<20))}, nil)
	d.until(429, put(access.Source, d.token(t, tokenArgs{Role: "source", Name: d.source(), Rate: 0.01}), item))
	d.wants(200, get("/api/items/put-again", access.Anyone, ""), nil)
	d.wants(404, get("/api/items/none", access.Anyone, ""), nil)
	d.wants(401, get("/api/items/put-again", access.Decide, wrong), nil)
	d.wants(200, get("/api/items/put-again/goes-with", access.Decide, d.plain), nil)
	d.wants(401, get("/api/items/put-again/goes-with", access.Anyone, ""), nil)
	d.wants(403, get("/api/items/put-again/goes-with", access.Marketer, d.tokens[access.Marketer]), nil)
	d.wants(404, get("/api/items/none/goes-with", access.Decide, d.plain), nil)
	for _, path := range []string{"/openapi.json", "/healthz", "/readyz", "/metrics"} {
		d.wants(200, get(path, access.Anyone, ""), nil)
		d.wants(401, get(path, access.Decide, wrong), nil)
	}

	d.flood(t)

	// What is described and never happens is no description.
	for _, key := range d.operations() {
		method, path, _ := strings.Cut(key, " ")
		responses, _, _ := d.at("paths", path, strings.ToLower(method), "responses")
		for status := range responses.(map[string]any) {
			// 409 needs somebody else at the same instant; 5xx a part that fails.
			if said := key + " " + status; status < "500" && status != "409" && !d.answered[said] {
				t.Errorf("%s is described and no call here came upon it", said)
			}
		}
	}
}

// flood asks without a token more often than an address may, at doors that take less than usual.
func (d *described) flood(t *testing.T) {
	t.Helper()
	d.h.rates = rates{reading: rate{0.01, 1}, sending: rate{0.01, 1}}
	slow := contracted(t, d.h)
	for _, key := range d.operations() {
		method, path, _ := strings.Cut(key, " ")
		if _, _, limited := d.at("paths", path, strings.ToLower(method), "responses", "429"); limited && !d.answered[key+" 429"] {
			q := call{method: method, path: strings.NewReplacer("{id}", "none").Replace(path), body: map[string]any{}}
			slow.do(q)
			slow.wants(http.StatusTooManyRequests, q, nil)
		}
	}
	slow.wants(200, call{method: "GET", path: "/api/refusals", role: access.Admin, credential: d.tokens[access.Admin]}, nil) // a good token is not slowed by others at its address
	for said := range slow.answered {
		d.answered[said] = true
	}
}

// source is the name of a server source.
func (d *described) source() string {
	for _, name := range d.h.charter().Order.Sources {
		if d.h.charter().Sources[name].Kind == "server" {
			return name
		}
	}
	d.t.Fatal("the charter has no server source")
	return ""
}

func (d *described) token(t *testing.T, a tokenArgs) string {
	t.Helper()
	text, err := d.h.mint(context.Background(), a)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// until sends the same until a status comes, which must be soon.
func (d *described) until(status int, q call) {
	d.t.Helper()
	for range 100 {
		if a, ok := d.do(q); !ok || a.status == status {
			return
		}
	}
	d.t.Errorf("%s %s never gave %d", q.method, q.path, status)
}

// TestTheDemosDecisionsAreAsDescribed reads decisions of all rungs, with what was held, and their receipts.
func TestTheDemosDecisionsAreAsDescribed(t *testing.T) {
	demo := openDemo(t)
	var doc json.RawMessage
	if status := gets(t, demo.URL+"/openapi.json", "", &doc); status != http.StatusOK {
		t.Fatal(status)
	}
	d := &caller{readContract(t, doc), demo.URL}
	rungs := map[string]int{}
	held := 0
	for _, user := range demo.UserIDs {
		for _, placement := range []string{"home", "basket"} {
			body := map[string]any{"person": map[string]any{"userId": user}, "placement": placement, "attested": true, "context": map[string]any{"at": time.Now().UTC().Format(time.RFC3339), "region": "GB", "weather": "rain"}}
			for _, q := range []call{
				{method: "POST", path: "/api/decide", role: access.Decide, credential: demo.DecideToken, body: body},
				{method: "POST", path: "/api/decide", role: access.Privacy, credential: demo.PrivacyToken, header: map[string]string{"Rapport-Purpose": "service", "Rapport-Reason": "a test of the document"}, body: body},
			} {
				var got struct {
					Decision, Rung string
					Held           []any
				}
				d.wants(200, q, &got)
				rungs[got.Rung]++
				held += len(got.Held)
				if q.role == access.Decide && got.Decision != "" {
					d.do(call{method: "GET", path: "/api/decisions/" + got.Decision, role: access.Privacy, credential: demo.PrivacyToken, header: map[string]string{"Rapport-Purpose": "service", "Rapport-Reason": "a test of the document"}})
				}
			}
		}
	}
	d.wants(200, call{method: "GET", path: "/api/items/1082185"}, nil)
	if rungs[person.Individual.String()] == 0 || rungs[person.Context.String()] == 0 || held == 0 {
		t.Errorf("decisions of few kinds were read: %v, %d held", rungs, held)
	}
}
