package main

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/rapporthq/rapport/trust/consent"
	"github.com/rapporthq/rapport/trust/vault"
)

// consents is the consent object that a browser's tool sends along.
func consents(yes bool) map[string]any {
	return map[string]any{"consent": map[string]any{"categoryPreferences": map[string]any{"personalization": yes, "advertising": yes}}}
}

// viewed is what a browser sends when a product is looked at.
func viewed(message, device, user, item string, context map[string]any) map[string]any {
	m := map[string]any{"type": "track", "messageId": message, "event": "Product Viewed", "properties": map[string]any{"product_id": item}, "timestamp": time.Now().UTC().Format(time.RFC3339Nano)}
	for name, value := range map[string]string{"anonymousId": device, "userId": user} {
		if value != "" {
			m[name] = value
		}
	}
	if context != nil {
		m["context"] = context
	}
	return m
}

// asked asks for a decision at the basket; told says whether a reason tells of somebody's history.
func asked(t *testing.T, url, token string, who map[string]string, attested bool) (rung string, told bool) {
	t.Helper()
	var raw json.RawMessage
	if status := post(t, url+"/api/decide", token, map[string]any{"person": who, "attested": attested, "placement": "basket"}, &raw); status != http.StatusOK {
		t.Fatalf("a decision was answered with %d: %s", status, raw)
	}
	var d struct{ Rung string }
	if err := json.Unmarshal(raw, &d); err != nil {
		t.Fatal(err)
	}
	return d.Rung, strings.Contains(string(raw), "You bought")
}

// TestABrowserThatClaimsToBeSomebody holds the public write key of the shop's pages and tries to read, to allow and to change what
// is a known household's.
func TestABrowserThatClaimsToBeSomebody(t *testing.T) {
	home := exampleHome(t)
	s := serveHome(t, home)
	stock(t, home)
	must(t, "import", "--home", home, "--source", "signup", "--as", "choices", writeFile(t, "no.jsonl",
		`{"userId":"house-3","purpose":"personalise","answer":"no","at":"`+time.Now().UTC().Add(-time.Hour).Format(time.RFC3339)+`","channel":"web","language":"en","notice":"n1","words":"May we?"}`+"\n"))
	learnt := must(t, "learn", "--home", home)
	web := must(t, "token", "--home", home, "--role", "source", "--name", "web")
	page := must(t, "token", "--home", home, "--role", "decide", "--name", "page")
	server := must(t, "token", "--home", home, "--role", "decide", "--name", "server", "--attest", "--explain")
	itself := map[string]string{"userId": "house-7"}
	if rung, told := asked(t, s.URL, server, itself, true); rung != "individual" || !told {
		t.Fatalf("the household itself gets %s, told %v: nothing would be tried; learning said %s", rung, told, learnt)
	}

	// The claims: on a device, on no device, with a yes, with a no, with facts.
	facts := func(message, device, user string, context, traits map[string]any) map[string]any {
		m := map[string]any{"type": "identify", "messageId": message, "userId": user, "traits": traits, "context": context}
		if device != "" {
			m["anonymousId"] = device
		}
		return m
	}
	sends(t, s.URL, web,
		viewed("c1", "thief", "house-7", "sku-11", consents(true)),
		viewed("c2", "", "house-7", "sku-10", consents(true)),
		viewed("c3", "thief", "house-3", "sku-9", consents(true)),
		facts("c4", "thief", "house-7", consents(true), map[string]any{"name": "Mallory", "household": "4", "phone": "+442079469999", "email": "house7@post.example"}),
		facts("c5", "", "house-3", consents(true), map[string]any{"household": "4"}),
		facts("c6", "", "house-12", consents(false), map[string]any{"household": "4"}),
		map[string]any{"type": "alias", "messageId": "c7", "previousId": "thief", "userId": "house-7"},
	)
	thief := map[string]string{"anonymousId": "thief"}
	for _, attested := range []bool{false, true} {
		for _, token := range []string{page, server} {
			if rung, told := asked(t, s.URL, token, thief, attested); told {
				t.Errorf("the device that claims to be a household reads what it bought (%s, attested %v)", rung, attested)
			}
		}
	}
	if rung, told := asked(t, s.URL, server, map[string]string{"userId": "house-3"}, true); rung == "individual" || told {
		t.Error("a claim's yes is in force for the household that said no")
	}
	if rung, told := asked(t, s.URL, server, map[string]string{"userId": "house-12"}, true); rung != "individual" || !told {
		t.Errorf("a claim's no took away what the household allowed (%s)", rung)
	}
	if rung, told := asked(t, s.URL, server, map[string]string{"email": "house7@post.example"}, true); rung == "individual" || told {
		t.Error("an address that a browser made up leads to the household")
	}
	wantClosed(t, s.URL, web, page, itself)
	s.stop()

	w := opened(t, homeOptions{Home: home})
	for _, user := range []string{"house-7", "house-3", "house-12"} {
		k := w.person(vault.UserID, user)
		if len(k.Events) != 3 || len(k.Record.Who.Also) != 0 {
			t.Errorf("%s has %d events and %d joined pseudonyms; a claim added to them", user, len(k.Events), len(k.Record.Who.Also))
		}
		if len(k.Facts) != 2 || !strings.HasPrefix(k.fact("name"), "Wilhelmina") || !strings.HasPrefix(k.fact("phone"), "+4420794601") {
			t.Errorf("%s has other facts than before", user)
		}
		want := consent.Yes
		if user == "house-3" {
			want = consent.No
		}
		if k.said("personalise") != want || k.said("email") != consent.Unanswered {
			t.Errorf("%s has said %v to personalise and %v to e-mail", user, k.said("personalise"), k.said("email"))
		}
	}
	if d := w.person(vault.AnonymousID, "thief"); d == nil || len(d.Events) == 0 || d.Record.Who.Has(w.person(vault.UserID, "house-7").Record.Who.Root) {
		t.Error("the device's own history is not there apart from the household's: nothing was tried")
	}
	if w.person(vault.Email, "house7@post.example") != nil || w.person(vault.Phone, "+442079469999") != nil {
		t.Error("an address that a browser sent leads to somebody")
	}
}

// wantClosed finds that neither the public key nor a token that may not attest opens a door to the household's data.
func wantClosed(t *testing.T, url, web, page string, itself map[string]string) {
	t.Helper()
	body := map[string]any{"person": itself, "placement": "basket", "attested": true, "state": "open", "complaint": "x"}
	for _, door := range []string{"/api/events/recent", "/api/refusals"} {
		if status := gets(t, url+door, web, nil); status != http.StatusForbidden {
			t.Errorf("%s answers the public key with %d", door, status)
		}
	}
	for _, door := range []string{"/api/decide", "/api/sign-in-links", "/api/complaints"} {
		if status := post(t, url+door, web, body, nil); status != http.StatusForbidden {
			t.Errorf("%s answers the public key with %d", door, status)
		}
	}
	if status := post(t, url+"/api/sign-in-links", page, body, nil); status != http.StatusForbidden {
		t.Errorf("a token that may not attest got a way into the household's trust centre: %d", status)
	}
}

// TestTwoPeopleOnOneDevice signs A in and out and then B in, on one device: what each did is theirs. Another device has GPC on.
func TestTwoPeopleOnOneDevice(t *testing.T) {
	home := exampleHome(t)
	s := serveHome(t, home)
	web, signup := must(t, "token", "--home", home, "--role", "source", "--name", "web"), must(t, "token", "--home", home, "--role", "source", "--name", "signup")
	in := func(message, user string) map[string]any {
		return map[string]any{"type": "identify", "messageId": message, "anonymousId": "tablet", "userId": user, "traits": map[string]any{"name": "Known As " + user}, "timestamp": time.Now().UTC().Format(time.RFC3339Nano)}
	}
	sends(t, s.URL, web, viewed("1", "tablet", "", "sku-1", consents(true)))
	sends(t, s.URL, signup, in("2", "A"))
	sends(t, s.URL, web, viewed("3", "tablet", "", "sku-2", consents(true))) // A is gone; nobody said who sits there
	sends(t, s.URL, web, viewed("4", "tablet", "", "sku-3", nil))
	sends(t, s.URL, signup, in("5", "B"))
	sends(t, s.URL, web, viewed("6", "tablet", "", "sku-4", consents(true)))

	// With GPC a browser's own yes does not hold, and neither does the yes of before.
	sends(t, s.URL, web, viewed("7", "careful", "", "sku-5", consents(true)))
	body, err := json.Marshal(map[string]any{"batch": []any{viewed("8", "careful", "", "sku-6", consents(true)), viewed("9", "new", "", "sku-7", consents(true))}})
	if err != nil {
		t.Fatal(err)
	}
	if status, _, err := collects(s.URL+"/v1/batch", web, body, map[string]string{"Sec-GPC": "1"}); err != nil || status != http.StatusOK {
		t.Fatalf("%d (%v)", status, err)
	}
	if n := refusals(t, s.URL, signup, "web")["Product Viewed no-permission"]; n != 2 {
		t.Errorf("with GPC %d of 2 views were refused", n)
	}
	s.stop()

	w := opened(t, homeOptions{Home: home})
	for _, c := range []struct {
		what string
		k    *known
		want string
	}{
		{"A", w.person(vault.UserID, "A"), "sku-1"},
		{"B", w.person(vault.UserID, "B"), "sku-2 sku-3"},
		{"whoever sits there now", w.person(vault.AnonymousID, "tablet"), "sku-4"},
		{"the device with GPC", w.person(vault.AnonymousID, "careful"), "sku-5"},
		{"the device that always had GPC", w.person(vault.AnonymousID, "new"), ""},
	} {
		var ids []string
		if c.k != nil {
			for _, e := range c.k.Events {
				for _, l := range e.Lines {
					ids = append(ids, l.Item)
				}
			}
		}
		if got := strings.Join(ids, " "); got != c.want {
			t.Errorf("%s has %q, want %q", c.what, got, c.want)
		}
	}
	a, b := w.person(vault.UserID, "A"), w.person(vault.UserID, "B")
	if a.fact("name") != "Known As A" || b.fact("name") != "Known As B" || a.Record.Who.Has(b.Record.Who.Root) {
		t.Error("A and B are mixed up")
	}
}
