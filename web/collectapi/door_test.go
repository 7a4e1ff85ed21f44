package collectapi

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/rapporthq/rapport/know/collect"
	"github.com/rapporthq/rapport/trust/vault"
)

func pageOf(id, user string) string {
	return `{"type":"page","messageId":"` + id + `","userId":"` + user + `"}`
}

func TestTooLarge(t *testing.T) {
	h := newHome(t, Limits{})
	big := `{"type":"page","messageId":"big","userId":"u","properties":{"path":"` + strings.Repeat("x", 33<<10) + `"}}`
	batch := func(n int) string {
		return `{"batch":[` + strings.TrimSuffix(strings.Repeat(pageOf("m", "u")+",", n), ",") + `]}`
	}
	full := pageOf("m", "u") + strings.Repeat(" ", collect.MaxBody-len(pageOf("m", "u")))
	bomb := zipped(bytes.Repeat([]byte(" "), 64<<20))
	for name, c := range map[string]struct {
		path, body string
		status     int
	}{
		"a message":          {"/v1/page", big, 413},
		"2,500 messages":     {"/v1/batch", batch(2500), 200},
		"2,501 messages":     {"/v1/batch", batch(2501), 413},
		"4 MB":               {"/v1/page", full, 200},
		"4 MB and a byte":    {"/v1/page", full + " ", 413},
		"4 MB, inflated":     {"/v1/page", string(zipped([]byte(full))), 200},
		"more, inflated":     {"/v1/page", string(zipped([]byte(full + " "))), 413},
		"a bomb":             {"/v1/page", string(bomb), 413},
		"a bomb that lies":   {"/v1/page", string(bomb[:len(bomb)-4]) + "\x10\x00\x00\x00", 413},
		"a cut gzip":         {"/v1/page", string(zipped([]byte(pageOf("m", "u")))[:20]), 400},
		"it says too much":   {"/v1/page", string(zipped([]byte(pageOf("m", "u")))[:24]) + "\xff\xff\xff\xff", 400},
		"a gzip of nothing":  {"/v1/page", "\x1f\x8b\x08", 400},
		"two gzips":          {"/v1/page", string(zipped([]byte(pageOf("m", "u")))) + string(zipped([]byte("  "))), 200},
		"a batch with one":   {"/v1/batch", `{"batch":[` + pageOf("n1", "v") + `,` + big + `,` + pageOf("n2", "v") + `]}`, 413},
		"deep":               {"/v1/page", `{"userId":"u","properties":` + strings.Repeat("[", 1<<20) + strings.Repeat("]", 1<<20) + `}`, 413},
		"deep and small":     {"/v1/page", `{"userId":"u","properties":` + strings.Repeat(`{"a":`, 100) + "1" + strings.Repeat("}", 100) + `}`, 400},
		"a length that lies": {"/v1/page", "", 400},
	} {
		w := h.do("POST", c.path, "tills", []byte(c.body), nil)
		if w.Code != c.status {
			t.Errorf("%s: status %d, want %d: %s", name, w.Code, c.status, w.Body)
		}
		if w.Code >= 400 {
			problemOf(t, w)
		}
	}
	if got := h.kept(vault.UserID, "v").events; len(got) != 2 {
		t.Errorf("the neighbours of a large message: %v", got)
	}
	if got := h.api.bytes.Load(); got != 0 {
		t.Errorf("%d bytes are still counted as under way", got)
	}
	if got := h.api.inFlight.Load(); got != 0 {
		t.Errorf("%d requests are still counted as under way", got)
	}
}

func TestALengthSaidToBeTooLargeIsNotRead(t *testing.T) {
	h := newHome(t, Limits{})
	read := &counting{}
	r := httptest.NewRequest("POST", "/v1/page", read)
	r.ContentLength = collect.MaxBody + 1
	r.SetBasicAuth(key("tills"), "")
	w := httptest.NewRecorder()
	h.mux.ServeHTTP(w, r)
	if w.Code != 413 || read.n != 0 {
		t.Errorf("status %d after %d bytes", w.Code, read.n)
	}
}

type counting struct{ n int }

func (c *counting) Read(p []byte) (int, error) {
	c.n += len(p)
	return len(p), nil
}

func TestTheKeyIsAskedBeforeTheBodyIsRead(t *testing.T) {
	h := newHome(t, Limits{})
	read := &counting{}
	r := httptest.NewRequest("POST", "/v1/page", io.LimitReader(read, 1<<20))
	r.SetBasicAuth("rap_unknown", "")
	w := httptest.NewRecorder()
	h.mux.ServeHTTP(w, r)
	if w.Code != 401 || read.n != 0 {
		t.Errorf("status %d after %d bytes", w.Code, read.n)
	}
}

// TestTooMuchUnderWay has as many requests wait for the store as may be under way, by their number or by their bytes: more are told to come
// again, nothing of them is kept, and once the first are answered the same requests are taken.
func TestTooMuchUnderWay(t *testing.T) {
	const most, more = 8, 8
	body := func(n int) []byte {
		return append([]byte(pageOf(fmt.Sprint(n), "u")), bytes.Repeat([]byte(" "), 10_000)...)[:10_000]
	}
	for name, limits := range map[string]Limits{"requests": {InFlight: most}, "bytes": {Bytes: most * 10_000}} {
		t.Run(name, func(t *testing.T) {
			h := newHome(t, limits)
			held := make(chan struct{})
			h.faulty.holds = held
			release := sync.OnceFunc(func() { close(held) })
			defer release()
			send := func(from, to int) <-chan *httptest.ResponseRecorder {
				answers := make(chan *httptest.ResponseRecorder, to-from)
				for n := from; n < to; n++ {
					go func() { answers <- h.do("POST", "/v1/page", "tills", body(n), nil) }()
				}
				return answers
			}
			late := time.After(time.Minute)
			first := send(0, most)
			for h.api.inFlight.Load() < most {
				select {
				case w := <-first:
					t.Fatalf("one that there is room for is answered with %d: %s", w.Code, w.Body)
				case <-late:
					t.Fatalf("%d of %d are under way", h.api.inFlight.Load(), most)
				case <-time.After(time.Millisecond):
				}
			}
			turnedAway := send(most, most+more)
			for range more {
				select {
				case w := <-turnedAway:
					if seconds, _ := strconv.Atoi(w.Header().Get("Retry-After")); w.Code != 429 || seconds < 1 {
						t.Errorf("one too many: status %d, Retry-After %q", w.Code, w.Header().Get("Retry-After"))
					}
				case <-first:
					t.Fatal("one was answered that the store holds up")
				case <-late:
					t.Fatal("one too many is let in")
				}
			}
			release()
			for range most {
				if w := <-first; w.Code != 200 {
					t.Errorf("who was under way is answered with %d: %s", w.Code, w.Body)
				}
			}
			if got := h.kept(vault.UserID, "u").events; len(got) != most {
				t.Errorf("%d are kept, want %d: nothing of those that were turned away", len(got), most)
			}
			again := send(most, most+more)
			for range more {
				if w := <-again; w.Code != 200 {
					t.Errorf("the same after the load: status %d: %s", w.Code, w.Body)
				}
			}
			if got := h.kept(vault.UserID, "u").events; len(got) != most+more {
				t.Errorf("%d are kept at the end, want %d", len(got), most+more)
			}
		})
	}
}

func TestRates(t *testing.T) {
	h := newHome(t, Limits{AddressRate: 10, Burst: 20})
	send := func(source, address string, n int) int {
		r := httptest.NewRequest("POST", "/v1/batch", strings.NewReader(`{"batch":[`+strings.TrimSuffix(strings.Repeat(`{"type":"page","anonymousId":"d"},`, n), ",")+`]}`))
		r.SetBasicAuth(key(source), "")
		r.RemoteAddr = address
		w := httptest.NewRecorder()
		h.mux.ServeHTTP(w, r)
		if w.Code == 429 && w.Header().Get("Retry-After") == "" {
			t.Error("no Retry-After")
		}
		return w.Code
	}
	for i, c := range []struct {
		source, address string
		n, status       int
	}{
		{"web", "192.0.2.1:1", 20, 200}, {"web", "192.0.2.1:2", 1, 429}, {"web", "192.0.2.2:1", 1, 200}, {"tills", "192.0.2.1:3", 500, 200},
		{"slow", "192.0.2.9:1", 1, 200}, {"slow", "192.0.2.9:1", 1, 200}, {"slow", "192.0.2.9:1", 1, 429},
	} {
		if got := send(c.source, c.address, c.n); got != c.status {
			t.Errorf("%d: %s from %s: status %d, want %d", i, c.source, c.address, got, c.status)
		}
	}
	h.now += 3e6
	if got := send("web", "192.0.2.1:1", 10); got != 200 {
		t.Errorf("status %d after three seconds", got)
	}
}

func TestAFailingStoreIs503AndEvery200IsTrue(t *testing.T) {
	h := newHome(t, Limits{})
	if w := h.do("POST", "/v1/page", "tills", []byte(pageOf("1", "u")), nil); w.Code != 200 {
		t.Fatal(w.Code)
	}
	h.faulty.err = vault.ErrUnavailable
	w := h.do("POST", "/v1/page", "tills", []byte(pageOf("2", "u")), nil)
	if w.Code != 503 || w.Header().Get("Retry-After") == "" {
		t.Errorf("status %d, Retry-After %q", w.Code, w.Header().Get("Retry-After"))
	}
	if p := problemOf(t, w); p.Code != "unavailable" {
		t.Error(p)
	}
	h.faulty.err = nil
	if got := h.kept(vault.UserID, "u").events; len(got) != 1 {
		t.Errorf("%v kept, of one that was acknowledged and one that was not", got)
	}
}

func TestPreflightAndSettings(t *testing.T) {
	h := newHome(t, Limits{})
	for _, path := range []string{"/v1/t", "/v1/batch", "/v1/projects/x/settings"} {
		w := h.do("OPTIONS", path, "", nil, map[string]string{"Origin": "https://shop.example", "Access-Control-Request-Method": "POST"})
		if w.Code != 204 || w.Header().Get("Access-Control-Allow-Origin") != "*" || w.Header().Get("Access-Control-Allow-Headers") != "authorization, content-type, x-retry-count, anonymousid" {
			t.Errorf("%s: %d %v", path, w.Code, w.Header())
		}
	}
	w := h.do("GET", "/v1/projects/"+key("web")+"/settings", "", nil, nil)
	var s struct {
		Integrations map[string]struct{ APIKey, APIHost, Protocol string }
	}
	if err := json.Unmarshal(w.Body.Bytes(), &s); err != nil || w.Code != 200 {
		t.Fatal(w.Code, err)
	}
	if i := s.Integrations["Segment.io"]; i.APIKey != key("web") || i.APIHost != "example.com/v1" || i.Protocol != "http" || w.Header().Get("Access-Control-Allow-Origin") != "*" {
		t.Errorf("%+v", i)
	}
	if w := h.do("GET", "/v1/projects/nobody/settings", "", nil, nil); w.Code != 401 {
		t.Errorf("status %d for an unknown key", w.Code)
	}
}

func TestWhatASourcesOwnerSees(t *testing.T) {
	h := newHome(t, Limits{})
	h.do("POST", "/v1/track", "tills", []byte(`{"messageId":"1","userId":"u","event":"Order Completed","properties":{"order_id":"o","products":[{"product_id":"p"}],"till_operator":"Jane"}}`), nil)
	h.do("POST", "/v1/track", "tills", []byte(`{"messageId":"2","userId":"u","event":"Danced"}`), nil)
	h.do("POST", "/v1/page", "web", []byte(`{"messageId":"3","anonymousId":"d"}`), map[string]string{"Sec-GPC": "1"})

	get := func(path, source, role string) (int, map[string]any) {
		headers := map[string]string{}
		if role != "" {
			headers["Test-Role"] = role
		}
		w := h.do("GET", path, source, nil, headers)
		var v map[string]any
		_ = json.Unmarshal(w.Body.Bytes(), &v)
		if strings.Contains(w.Body.String(), "Jane") {
			t.Error("a value is shown")
		}
		return w.Code, v
	}
	code, v := get("/api/refusals", "tills", "")
	if code != 200 || len(v["refusals"].([]any)) != 2 || len(v["names"].([]any)) != 2 {
		t.Errorf("%d %v", code, v)
	}
	first := v["refusals"].([]any)[0].(map[string]any)
	if first["day"] != "2026-11-20" || first["event"] != "Order Completed" || first["field"] != "undeclared" || first["reason"] != "unplanned-field" || first["count"] != 1.0 {
		t.Errorf("%v", first)
	}
	code, v = get("/api/events/recent", "tills", "")
	if code != 200 || len(v["events"].([]any)) != 2 {
		t.Fatalf("%d %v", code, v)
	}
	newest, older := v["events"].([]any)[0].(map[string]any), v["events"].([]any)[1].(map[string]any)
	if newest["event"] != "Danced" || newest["kept"] != false || newest["reason"] != "unplanned-event" || older["kept"] != true || fmt.Sprint(older["fields"]) != "[map[name:till_operator reason:unplanned-field]]" {
		t.Errorf("%v %v", newest, older)
	}
	for _, c := range []struct {
		path, source, role string
		status             int
	}{
		{"/api/refusals", "web", "", 403}, {"/api/events/recent", "web", "", 403}, {"/api/refusals", "", "", 401}, {"/api/events/recent", "", "marketer", 401}, {"/api/refusals", "decide", "", 401},
		{"/api/refusals?source=signup", "tills", "", 403}, {"/api/events/recent?source=web", "tills", "", 200}, {"/api/refusals", "", "privacy", 200}, {"/api/events/recent", "", "admin", 400},
		{"/api/events/recent?source=web", "", "admin", 200}, {"/api/refusals?days=0", "tills", "", 400}, {"/api/refusals?days=x", "tills", "", 400}, {"/api/refusals?source=nobody", "tills", "", 403},
	} {
		if code, _ := get(c.path, c.source, c.role); code != c.status {
			t.Errorf("%s as %s%s: status %d, want %d", c.path, c.source, c.role, code, c.status)
		}
	}
}

// TestWhatIsRefusedIsNowhere sends a marker in every way in which content can be refused, and looks for it in every
// file of the home, the write-ahead log included, and in the log.
func TestWhatIsRefusedIsNowhere(t *testing.T) {
	h := newHome(t, Limits{})
	const marker = "Zq7MarkerOfARefusedValue"
	order := func(extra string) string {
		return `{"messageId":"m","userId":"u","event":"Order Completed","properties":{"order_id":"o","products":[{"product_id":"p"}],` + extra + `}}`
	}
	for _, s := range []struct{ source, path, body string }{
		{"tills", "/v1/track", order(`"` + marker + `":1`)},
		{"tills", "/v1/track", order(`"note":"` + marker + `"`)},
		{"tills", "/v1/track", order(`"total":"` + marker + `"`)},
		{"tills", "/v1/track", order(`"coupons":["` + marker + `",1]`)},
		{"tills", "/v1/track", `{"userId":"` + marker + `","event":"Danced"}`},
		{"tills", "/v1/track", `{"userId":"u","event":"` + marker + `"}`},
		{"tills", "/v1/track", `{"userId":"u","event":"Order Completed","properties":{"note":"` + marker + `"}}`},
		{"tills", "/v1/track", `{"userId":"u","anonymousId":"` + marker + `","event":"Danced"}`},
		{"tills", "/v1/track", `{"userId":"u","event":"` + marker},
		{"tills", "/v1/track", `{"event":"` + marker + `"}`},
		{"tills", "/v1/batch", `{"batch":[{"type":"track","event":"` + marker + `"},{"type":"track","userId":"u","event":"` + marker + `","a":1,"a":2},"` + marker + `"]}`},
		{"web", "/v1/track", `{"anonymousId":"d","userId":"` + marker + `","event":"Product Viewed","properties":{"product_id":"` + marker + `"}}`},
		{"web", "/v1/identify", `{"anonymousId":"d2","traits":{"household":"` + marker + `","name":"` + marker + `"}}`},
		{"bureau", "/v1/identify", `{"userId":"u","traits":{"birthday":"` + marker + `","` + marker + `":1,"email":"` + marker + `@post.example"}}`},
		{"tills", "/v1/group", `{"userId":"u","groupId":"` + marker + `"}`},
		{"nobody", "/v1/track", `{"userId":"u","event":"` + marker + `"}`},
		{"tills", "/v1/page", `{"userId":"u","messageId":"` + marker + `","timestamp":"2001-01-01T00:00:00Z","properties":{"path":"` + marker + `"}}`},
		{"tills", "/v1/page", `{"userId":"v","messageId":"kept","context":{"ip":"198.51.100.77","userAgent":"` + marker + `","page":{"path":"/","url":"` + marker + `"}}}`},
	} {
		w := h.do("POST", s.path, s.source, []byte(s.body), map[string]string{"User-Agent": marker})
		if strings.Contains(w.Body.String(), marker) {
			t.Errorf("%s %s: the answer holds it", s.source, s.path)
		}
	}
	if err := h.gate.Book().Flush(context.Background()); err != nil {
		t.Fatal(err)
	}
	search := func() (files int) {
		err := filepath.WalkDir(h.dir, func(path string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() {
				return err
			}
			body, err := os.ReadFile(path)
			if err != nil {
				return err
			}
			files++
			for _, m := range []string{marker, strings.ToLower(marker), "198.51.100.77", "Danced"} {
				if bytes.Contains(body, []byte(m)) {
					t.Errorf("%s holds %q", filepath.Base(path), m)
				}
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		return files
	}
	if n := search(); n < 3 {
		t.Fatalf("%d files only were searched", n)
	}
	if strings.Contains(h.log.String(), marker) {
		t.Error("the log holds it")
	}
	if got := h.kept(vault.UserID, "v").events; len(got) != 1 {
		t.Fatalf("the search proves nothing: %v", got)
	}
	search()
	// The search itself finds what is there.
	if err := os.WriteFile(filepath.Join(h.dir, "planted"), []byte("x"+marker+"x"), 0o600); err != nil {
		t.Fatal(err)
	}
	if body, err := os.ReadFile(filepath.Join(h.dir, "planted")); err != nil || !bytes.Contains(body, []byte(marker)) {
		t.Error("a planted marker is not found")
	}
}

func TestManyAtOnceOnOneDevice(t *testing.T) {
	h := newHome(t, Limits{})
	const senders, each = 16, 5
	done := make(chan int, senders)
	for s := range senders {
		go func() {
			bad := 0
			for i := range each {
				for wait := time.Duration(0); ; wait += time.Millisecond {
					w := h.do("POST", "/v1/page", "web", fmt.Appendf(nil, `{"messageId":"%d-%d","anonymousId":"new","properties":{"path":"/"}}`, s, i), nil)
					if w.Code == http.StatusServiceUnavailable && wait < 50*time.Millisecond {
						continue // what a sender does
					}
					if w.Code != 200 {
						bad++
					}
					break
				}
			}
			done <- bad
		}()
	}
	for range senders {
		if bad := <-done; bad != 0 {
			t.Errorf("%d requests failed", bad)
		}
	}
	if got := h.kept(vault.AnonymousID, "new").events; len(got) != senders*each {
		t.Errorf("%d events kept of %d", len(got), senders*each)
	}
	b, _ := h.vault.Blind(vault.AnonymousID, "new")
	found, err := h.store.Find(context.Background(), []vault.Blind{b})
	if err != nil || len(found) != 1 {
		t.Errorf("%d pseudonyms for one device: %v", len(found), err)
	}
}
