package main

import (
	"encoding/csv"
	"encoding/json"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/rapporthq/rapport/demo"
)

// visitor is a browser of one person: it keeps cookies and sends forms as pages do.
type visitor struct {
	t      *testing.T
	client *http.Client
	base   string
}

func visit(t *testing.T, base string) *visitor {
	t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	return &visitor{t, &http.Client{Jar: jar}, base}
}

// page gets a page, or posts a form to it, and gives the status and what it says.
func (v *visitor) page(path string, form url.Values) (int, string) {
	v.t.Helper()
	method, body := http.MethodGet, io.Reader(nil)
	if form != nil {
		method, body = http.MethodPost, strings.NewReader(form.Encode())
	}
	req, err := http.NewRequest(method, v.base+path, body)
	if err != nil {
		v.t.Fatal(err)
	}
	if form != nil {
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	req.Header.Set("Sec-Fetch-Site", "same-origin")
	res, err := v.client.Do(req)
	if err != nil {
		v.t.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	raw, err := io.ReadAll(res.Body)
	if err != nil {
		v.t.Fatal(err)
	}
	return res.StatusCode, string(raw)
}

func (v *visitor) ok(path string, form url.Values) string {
	v.t.Helper()
	status, text := v.page(path, form)
	if status != http.StatusOK {
		v.t.Errorf("%s is answered with %d", path, status)
	}
	return text
}

// madeUp are the names, addresses and numbers of the demo's people, and their user ids.
func madeUp(t *testing.T) (values []string) {
	t.Helper()
	dir := t.TempDir()
	if _, err := demo.Write(dir, demo.Options{Now: time.Now()}, nil); err != nil {
		t.Fatal(err)
	}
	f, err := os.Open(filepath.Join(dir, "crm.csv"))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	rows, err := csv.NewReader(f).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	for i, column := range rows[0] {
		for _, row := range rows[1:] {
			if (column == "name" || column == "email" || column == "phone") && row[i] != "" {
				values = append(values, row[i])
			}
		}
	}
	if len(values) < 1000 {
		t.Fatalf("only %d values of the demo's people were found: nothing would be searched for", len(values))
	}
	return values
}

// TestNoLogTellsOfAnybody uses the demo through all its doors, rightly and wrongly, and reads its log.
func TestNoLogTellsOfAnybody(t *testing.T) {
	d := openDemo(t)
	values := madeUp(t)
	const stranger = "user-id-of-a-stranger-0451"
	mine := append([]string{stranger, "device-of-a-stranger-0451", "Unheard-Of Surname", "unheard.of@post.example", "query-of-a-stranger", "reason-of-a-look-0451"}, d.DecideToken, d.SourceKey, d.MarketerToken, d.PrivacyToken)
	user := d.UserIDs[len(d.UserIDs)-1]
	who := map[string]any{"person": map[string]string{"userId": user}, "placement": "basket"}

	var decision struct {
		Decision string
		Items    []struct{ ID string }
	}
	if status := post(t, d.URL+"/api/decide", d.DecideToken, who, &decision); status != http.StatusOK || len(decision.Items) == 0 {
		t.Fatalf("the decision: %d %+v", status, decision)
	}
	item := decision.Items[0].ID
	post(t, d.URL+"/api/shown", d.DecideToken, map[string]any{"decision": decision.Decision, "items": []string{item}}, nil)
	post(t, d.URL+"/api/feedback", d.DecideToken, map[string]any{"decision": decision.Decision, "item": item, "kind": "useful"}, nil)
	for _, p := range []map[string]string{{"userId": stranger}, {"anonymousId": mine[1]}, {"email": values[len(values)/2]}, {"email": mine[3]}, {"phone": values[len(values)-1]}} {
		post(t, d.URL+"/api/decide", d.DecideToken, map[string]any{"person": p, "placement": "home", "attested": true}, nil)
		post(t, d.URL+"/api/decide?userId="+stranger, d.DecideToken, map[string]any{"person": p, "placement": "no-" + stranger}, nil)
		post(t, d.URL+"/api/complaints", d.PrivacyToken, map[string]any{"person": p, "complaint": "c1", "state": "closed"}, nil)
	}
	facts := map[string]any{"name": mine[2], "email": mine[3], "phone": values[len(values)-1], mine[2]: mine[3]}
	sends(t, d.URL, d.SourceKey,
		map[string]any{"type": "identify", "messageId": "log-1", "userId": stranger, "anonymousId": mine[1], "traits": facts},
		map[string]any{"type": "track", "messageId": "log-2", "userId": stranger, "event": mine[2], "properties": facts},
		map[string]any{"type": "alias", "messageId": "log-3", "userId": stranger, "previousId": user})
	for _, body := range []string{`{"userId":"` + stranger, `{"person":{"userId":"` + stranger + `"},"placement":7}`, "\x00" + mine[3], `[]`} {
		for _, door := range []string{"/v1/track", "/v1/batch", "/v1/" + stranger, "/api/decide", "/api/shown", "/api/feedback", "/api/complaints", "/api/sign-in-links", "/" + stranger, "/trust/choose"} {
			if status, _, err := collects(d.URL+door+"?q="+mine[4], d.SourceKey, []byte(body), nil); err != nil || status >= 500 {
				t.Errorf("%s answers what is nothing with %d (%v)", door, status, err)
			}
		}
	}

	// The trust centre, by a link that the shop's server asked for, and with links that are none.
	var link struct{ URL string }
	if status := post(t, d.URL+"/api/sign-in-links", d.DecideToken, map[string]any{"person": map[string]string{"userId": user}, "attested": true}, &link); status != http.StatusOK {
		t.Fatalf("no sign-in link: %d", status)
	}
	customer := visit(t, d.URL)
	mine = append(mine, strings.TrimPrefix(link.URL, "/trust/enter/"))
	if text := customer.ok(link.URL, nil); !strings.Contains(text, "What we know") {
		t.Error("the link does not lead into the trust centre")
	}
	customer.ok("/trust/choose", url.Values{"purpose": {"email"}, "answer": {"no"}})
	customer.ok("/trust/feedback", url.Values{"decision": {decision.Decision}, "item": {item}, "kind": {"how-do-you-know"}})
	customer.page("/trust/choose", url.Values{"purpose": {stranger}, "answer": {"perhaps"}})
	customer.page("/trust/remove", url.Values{"fact": {mine[2]}})
	customer.page(link.URL, nil)
	customer.page("/trust/enter/"+stranger, nil)
	customer.ok("/trust/sign-out", url.Values{})
	// The shop and the console.
	shopper := visit(t, d.URL)
	shopper.ok("/shop/sign-in", url.Values{"userId": {user}})
	shopper.ok("/shop/search?q="+mine[4], nil)
	shopper.ok("/shop/your-data", url.Values{})
	shopper.page("/shop/feedback", url.Values{"decision": {stranger}, "item": {item}, "kind": {mine[4]}})
	shopper.page("/shop/product/"+stranger, nil)
	for _, token := range []string{d.PrivacyToken, d.MarketerToken, stranger} {
		staff := visit(t, d.URL)
		staff.page("/console/sign-in", url.Values{"token": {token}})
		try := url.Values{"placement": {"basket"}, "who": {user}, "purpose": {"service"}, "reason": {mine[5]}, "level": {"regular"}}
		if _, text := staff.page("/console/playground", try); token == d.PrivacyToken && !strings.Contains(text, "Held back") {
			t.Error("the playground does not show the decision")
		}
		try.Set("who", stranger)
		staff.page("/console/playground", try)
		try.Set("at", mine[4])
		staff.page("/console/playground", try)
	}
	// Commands through the socket, one that fails.
	must(t, "decide", "--home", d.Home, "--person", "userId="+user, "--placement", "basket", "--reason", mine[5])
	if _, _, code := try(t, "import", "--home", d.Home, "--source", "tills", filepath.Join(t.TempDir(), stranger)); code != 1 {
		t.Errorf("importing nothing: exit %d", code)
	}
	var log string
	until(t, "what failed is in the log", func() bool { log = d.log.String(); return strings.Contains(log, "operation failed") })
	wantSilent(t, log, append(values, mine...))
}

// wantSilent finds none of the values in a log, in any writing, and no line about a request that says whose it was.
func wantSilent(t *testing.T, log string, values []string) {
	t.Helper()
	for i, v := range values {
		quoted, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		for _, way := range []string{v, url.QueryEscape(v), url.PathEscape(v), strings.Trim(string(quoted), `"`)} {
			if strings.Contains(log, way) {
				t.Errorf("value %d of %d can be read in the log", i, len(values))
				break
			}
		}
	}
	for line := range strings.Lines(log) {
		for _, word := range []string{"userId", "anonymousId", "user_id", "/trust/enter/", "?q=", "Authorization"} {
			if strings.Contains(line, word) {
				t.Errorf("a line of the log says %s", word)
			}
		}
	}
}
