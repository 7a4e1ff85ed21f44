package itemsapi

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/rapporthq/rapport/charter"
	"github.com/rapporthq/rapport/fault"
	"github.com/rapporthq/rapport/know/catalogue"
	"github.com/rapporthq/rapport/person"
	"github.com/rapporthq/rapport/trust/access"
	"github.com/rapporthq/rapport/web/page"
)

// home is a catalogue in memory behind the doors.
type home struct {
	items   map[string]catalogue.Item
	version int64
	puts    int
	fails   error
	charter *charter.Charter
	shelf   *catalogue.Shelf
	follows error // what following a change comes to
	log     bytes.Buffer
	as      access.Principal // who comes
	mux     *http.ServeMux
}

func (h *home) PutItems(_ context.Context, items []catalogue.Item) (int64, error) {
	h.puts++
	if h.fails != nil {
		return 0, h.fails
	}
	for _, it := range items {
		h.items[it.ID] = it
	}
	h.version++
	return h.version, nil
}

func (h *home) Items(context.Context) (items []catalogue.Item, version int64, err error) {
	for _, it := range h.items {
		items = append(items, it)
	}
	return items, h.version, nil
}

func (h *home) ItemsVersion(context.Context) (int64, error) { return h.version, nil }

func (h *home) changed(ctx context.Context) error {
	if h.follows != nil {
		return h.follows
	}
	items, version, _ := h.Items(ctx)
	h.shelf = catalogue.NewShelf(items, nil, version)
	return nil
}

func open(t *testing.T) *home {
	t.Helper()
	h := &home{items: map[string]catalogue.Item{}, as: access.Principal{Role: access.Admin, Name: "ada"}}
	h.charter = &charter.Charter{Sources: map[string]*charter.Source{"tills": {Name: "tills", Kind: "server"}, "site": {Name: "site", Kind: "client"}}}
	api := New(Config{Store: h, Shelf: func() *catalogue.Shelf { return h.shelf }, Charter: func() *charter.Charter { return h.charter }, Changed: h.changed,
		With: func(id string) []string { return map[string][]string{"tea": {"milk"}}[id] }, Clock: func() person.Instant { return 1 }, Log: slog.New(slog.NewTextHandler(&h.log, nil))})
	table, err := access.NewTable(Doors()...)
	if err != nil {
		t.Fatal(err)
	}
	h.mux, err = table.Mux(access.Guard{
		Who: func(*http.Request, access.Door) (access.Principal, error) { return h.as, nil },
		Refuse: func(w http.ResponseWriter, _ *http.Request, _ access.Door, err error) {
			code := fault.Refused
			if errors.Is(err, access.ErrUnauthorised) {
				code = fault.Unauthorised
			}
			page.Problem(w, fault.Wrap(code, "No.", err))
		},
	}, api.Handlers())
	if err != nil {
		t.Fatal(err)
	}
	return h
}

func (h *home) ask(method, path, body string) (status int, answer string) {
	w := httptest.NewRecorder()
	h.mux.ServeHTTP(w, httptest.NewRequest(method, path, strings.NewReader(body)))
	if w.Code != http.StatusOK && w.Header().Get("Content-Type") != "application/problem+json" {
		return w.Code, "no problem: " + w.Header().Get("Content-Type")
	}
	return w.Code, strings.TrimSuffix(w.Body.String(), "\n")
}

func detail(t *testing.T, answer string) string {
	t.Helper()
	var p struct{ Detail string }
	if err := json.Unmarshal([]byte(answer), &p); err != nil {
		t.Fatal(err, answer)
	}
	return p.Detail
}

const marker = "sEcReT"

func TestPutAndGet(t *testing.T) {
	const one = `{"id":"a/1","name":"Tea & <cake>","price":3.5,"stock":0,"colour":"red"}`
	for name, body := range map[string]string{"one": one, "a list": " [" + one + "]\n", "an object": `{"items":[` + one + `]}`} {
		t.Run(name, func(t *testing.T) {
			h := open(t)
			if status, answer := h.ask("GET", "/api/items/a%2F1", ""); status != 404 {
				t.Error(status, answer)
			}
			if status, answer := h.ask("PUT", "/api/items", body); status != 200 || answer != `{"version":1,"items":1}` {
				t.Fatal(status, answer)
			}
			h.as = access.Principal{}
			status, answer := h.ask("GET", "/api/items/a%2F1", "")
			if status != 200 || answer != one {
				t.Error(status, answer)
			}
			h.as = access.Principal{Role: access.Admin}
			if status, answer = h.ask("PUT", "/api/items", answer); status != 200 || answer != `{"version":2,"items":1}` {
				t.Error("what GET answers, PUT does not take:", status, answer)
			}
		})
	}
}

func TestAnItemTakesThePlaceOfItsForerunner(t *testing.T) {
	h := open(t)
	h.ask("PUT", "/api/items", `[{"id":"a","name":"old","brand":"b"},{"id":"b"}]`)
	h.ask("PUT", "/api/items", `{"id":"a","name":"new"}`)
	if _, answer := h.ask("GET", "/api/items/a", ""); answer != `{"id":"a","name":"new"}` {
		t.Error(answer)
	}
	if _, answer := h.ask("GET", "/api/items/b", ""); answer != `{"id":"b"}` {
		t.Error(answer)
	}
}

func TestABareItemIsNotThere(t *testing.T) {
	h := open(t)
	h.items["x"] = catalogue.Item{Item: charter.Item{ID: "x"}, Bare: true}
	_ = h.changed(t.Context())
	if status, answer := h.ask("GET", "/api/items/x", ""); status != 404 || strings.Contains(answer, `"x"`) {
		t.Error(status, answer)
	}
}

func TestWhoMayPutItems(t *testing.T) {
	for _, c := range []struct {
		as   access.Principal
		want int
	}{
		{access.Principal{}, 401},
		{access.Principal{Role: access.Admin}, 200},
		{access.Principal{Role: access.Source, Source: "tills"}, 200},
		{access.Principal{Role: access.Source, Source: "site"}, 403},
		{access.Principal{Role: access.Source, Source: "gone"}, 403},
		{access.Principal{Role: access.Source}, 403},
		{access.Principal{Role: access.Decide}, 403},
		{access.Principal{Role: access.Marketer}, 403},
		{access.Principal{Role: access.Agent}, 403},
		{access.Principal{Role: access.Privacy}, 403},
		{access.Principal{Role: access.Partner}, 403},
		{access.Principal{Role: access.Customer}, 403},
	} {
		h := open(t)
		h.as = c.as
		status, _ := h.ask("PUT", "/api/items", `{"id":"a"}`)
		if status != c.want || (h.puts == 1) != (c.want == 200) {
			t.Errorf("%q of %q: %d, %d writes", c.as.Role, c.as.Source, status, h.puts)
		}
		if status, _ = h.ask("GET", "/api/items/none", ""); status != 404 {
			t.Errorf("%q reads: %d", c.as.Role, status)
		}
	}
	// The table itself turns away whom the handler would, before a body is read.
	for _, d := range Doors() {
		for _, role := range access.Roles() {
			want := d.Pattern == "/api/items/{id}" || role == access.Source || role == access.Admin && d.Method == "PUT" || role == access.Decide && d.Method == "GET"
			if d.Allow(access.Principal{Role: role}) != want {
				t.Errorf("%s is open to %q: %v", d.Key(), role, !want)
			}
		}
	}
	h := open(t)
	h.charter, h.as = nil, access.Principal{Role: access.Source, Source: "tills"}
	if status, _ := h.ask("PUT", "/api/items", `{"id":"a"}`); status != 403 {
		t.Error("without a charter a source writes:", status)
	}
	// The handler refuses by itself what the table would have refused.
	h.charter = open(t).charter
	w := httptest.NewRecorder()
	New(Config{Store: h, Charter: func() *charter.Charter { return h.charter }}).Handlers()["PUT /api/items"](w,
		httptest.NewRequest("PUT", "/api/items", strings.NewReader(`{"id":"a"}`)), access.Principal{Role: access.Decide, Source: "tills"})
	if w.Code != 403 || h.puts != 0 {
		t.Error("a decide token writes:", w.Code)
	}
}

func TestAnAdministratorsCookieFromAnotherSiteChangesNothing(t *testing.T) {
	h := open(t)
	h.as.Cookie = true
	r := httptest.NewRequest("PUT", "/api/items", strings.NewReader(`{"id":"a"}`))
	r.Header.Set("Sec-Fetch-Site", "cross-site")
	w := httptest.NewRecorder()
	h.mux.ServeHTTP(w, r)
	if w.Code != 403 || h.puts != 0 {
		t.Error(w.Code)
	}
}

func TestAllOrNone(t *testing.T) {
	many := func(n int) string {
		var b strings.Builder
		for i := range n {
			fmt.Fprintf(&b, `{"id":"%d"},`, i)
		}
		return "[" + strings.TrimSuffix(b.String(), ",") + "]"
	}
	for _, c := range []struct {
		why, body string
		status    int
		says      string
	}{
		{"nothing", "", 400, "The body is not JSON as documented"},
		{"a text", `"` + marker + `"`, 400, "The body is not JSON as documented"},
		{"null", `null`, 400, "The body is not JSON as documented"},
		{"an empty list", `[]`, 400, "no items"},
		{"an empty list in an object", `{"items":[]}`, 400, "no items"},
		{"no item", `{}`, 400, "the item: id is missing"},
		{"one without an id", `{"name":"` + marker + `"}`, 400, "the item: id is missing"},
		{"the second's price", `[{"id":"a"},{"id":"b","price":"` + marker + `"}]`, 400, "items[1]: price must be a number"},
		{"the third's stock, in an object", `{"items":[{"id":"a"},{"id":"b"},{"id":"c","stock":-1}]}`, 400, "items[2]: stock must be a whole number"},
		{"a name twice", `[{"id":"a","name":"` + marker + `","name":"b"}]`, 400, "items[0]: name is there twice"},
		{"an id twice", `[{"id":"` + marker + `"},{"id":"b"},{"id":"` + marker + `"}]`, 400, "items[2]: id is that of an item before it"},
		{"a list in it", `[{"id":"a"},[]]`, 400, "items[1]: it is not one JSON object"},
		{"null in it", `[{"id":"a"},null]`, 400, "items[1]: it is not one JSON object"},
		{"a comma too many", `[{"id":"a"},]`, 400, "The body is not JSON"},
		{"a comma too few", `[{"id":"a"}{"id":"b"}]`, 400, "The body is not JSON"},
		{"cut off", `[{"id":"a"},{"id":"b"`, 400, "The body is not JSON"},
		{"no end", `[{"id":"a"}`, 400, "The body is not JSON"},
		{"more after it", `[{"id":"a"}] ` + marker, 400, "The body is not JSON"},
		{"a list after it", `{"items":[{"id":"a"}]} []`, 400, "The body is not JSON"},
		{"a member beside", `{"items":[{"id":"a"}],"` + marker + `":1}`, 400, "The body is not JSON"},
		{"items twice", `{"items":[{"id":"a"}],"items":[{"id":"b"}]}`, 400, "The body is not JSON"},
		{"items behind", `{"id":"a","items":[{"id":"b"}]}`, 400, "the item: items must be a text"},
		{"deep", strings.Repeat("[", 1<<20), 400, "The body is not JSON"},
		{"one too many", many(2501), 413, "at most 2500"},
		{"too large", `[{"id":"a"}` + strings.Repeat(" ", 4<<20) + `]`, 413, "at most 4 MB"},
	} {
		t.Run(c.why, func(t *testing.T) {
			h := open(t)
			status, answer := h.ask("PUT", "/api/items", c.body)
			if d := detail(t, answer); status != c.status || !strings.Contains(d, c.says) {
				t.Errorf("%d %q, want %d %q", status, d, c.status, c.says)
			}
			if h.puts != 0 || strings.Contains(answer+h.log.String(), marker) {
				t.Errorf("%d writes; %s %s", h.puts, answer, h.log.String())
			}
		})
	}
	h := open(t)
	if status, answer := h.ask("PUT", "/api/items", many(2500)); status != 200 || answer != `{"version":1,"items":2500}` || h.puts != 1 || len(h.items) != 2500 {
		t.Error(status, answer, h.puts)
	}
}

func TestABodyWithoutALengthIsBoundedToo(t *testing.T) {
	h := open(t)
	r := httptest.NewRequest("PUT", "/api/items", io.MultiReader(strings.NewReader("["), strings.NewReader(strings.Repeat(" ", 5<<20))))
	r.ContentLength = -1
	w := httptest.NewRecorder()
	h.mux.ServeHTTP(w, r)
	if w.Code != 413 {
		t.Error(w.Code)
	}
	r = httptest.NewRequest("PUT", "/api/items", io.MultiReader(strings.NewReader(`{"id":"a"}`), broken{}))
	w = httptest.NewRecorder()
	h.mux.ServeHTTP(w, r)
	if w.Code != 400 || h.puts != 0 || !strings.Contains(w.Body.String(), "broke off") {
		t.Error(w.Code, w.Body)
	}
}

type broken struct{}

func (broken) Read([]byte) (int, error) { return 0, io.ErrUnexpectedEOF }

func TestWhenTheStoreFails(t *testing.T) {
	h := open(t)
	h.fails = errors.New("disk " + marker)
	status, answer := h.ask("PUT", "/api/items", `{"id":"a"}`)
	if status != 500 || strings.Contains(answer, marker) || !strings.Contains(h.log.String(), "disk") {
		t.Error(status, answer, h.log.String())
	}
	h.fails = fault.New(fault.Unavailable, "Not now.")
	if status, answer = h.ask("PUT", "/api/items", `{"id":"a"}`); status != 503 || detail(t, answer) != "Not now." {
		t.Error(status, answer)
	}
}

func TestWhatIsWrittenStaysWrittenWhenItIsNotSeenAtOnce(t *testing.T) {
	h := open(t)
	h.follows = errors.New("no")
	if status, answer := h.ask("PUT", "/api/items", `{"id":"a"}`); status != 200 || answer != `{"version":1,"items":1}` || !strings.Contains(h.log.String(), "not in use here yet") {
		t.Error(status, answer, h.log.String())
	}
}

func TestATokenKeepsToItsRate(t *testing.T) {
	h := open(t)
	h.as = access.Principal{Role: access.Source, Source: "tills", Rate: 2, Key: [32]byte{1}}
	var got []int
	for range 3 {
		status, _ := h.ask("PUT", "/api/items", `{"id":"a"}`)
		got = append(got, status)
	}
	h.as.Key = [32]byte{2}
	status, _ := h.ask("PUT", "/api/items", `{"id":"a"}`)
	if d := cmp.Diff([]int{200, 200, 429, 200}, append(got, status)); d != "" {
		t.Error(d)
	}
	h.as = access.Principal{Role: access.Admin, Key: [32]byte{3}}
	n := 0
	for status = 200; status == 200 && n < 100; n++ {
		status, _ = h.ask("PUT", "/api/items", `{"id":"a"}`)
	}
	if n != writeBurst+1 {
		t.Errorf("%d writes at once without a rate of one's own", n)
	}
}

func FuzzParse(f *testing.F) {
	for _, s := range []string{`{"id":"a"}`, `[{"id":"a"},{"id":"b"}]`, `{"items":[{"id":"a"}]}`, `{"items":[{"id":"a"}],"items":[]}`, `[`, `[{"id":"a"},]`, `{"items"`, `[,]`, `{"items":[}`} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		items, err := parse(body)
		if err != nil {
			if code, _ := fault.Of(err); code != fault.Invalid && code != fault.TooLarge {
				t.Fatal(err)
			}
			return
		}
		// What is taken is JSON by another reader's word too, and holds as many different items.
		var v any
		if json.Unmarshal(body, &v) != nil {
			t.Fatal("it is not JSON")
		}
		want := 1
		if m, ok := v.(map[string]any); ok {
			if inner, ok := m["items"].([]any); ok {
				v = inner
			}
		}
		if l, ok := v.([]any); ok {
			want = len(l)
		}
		ids := map[string]bool{}
		for _, it := range items {
			ids[it.ID] = true
		}
		if len(items) != want || len(ids) != want || want == 0 {
			t.Fatalf("%d items of %d ids, want %d", len(items), len(ids), want)
		}
	})
}

func TestWhatGoesWithAnItem(t *testing.T) {
	h := open(t)
	if status, answer := h.ask("PUT", "/api/items", `[{"id":"tea"},{"id":"milk"}]`); status != 200 {
		t.Fatal(status, answer)
	}
	h.as = access.Principal{Role: access.Decide}
	for path, want := range map[string]string{"/api/items/tea/goes-with": `{"items":["milk"]}`, "/api/items/milk/goes-with": `{"items":[]}`} {
		if status, answer := h.ask("GET", path, ""); status != 200 || answer != want {
			t.Errorf("%s gave %d %s", path, status, answer)
		}
	}
	if status, _ := h.ask("GET", "/api/items/none/goes-with", ""); status != 404 {
		t.Errorf("an item that is not there gave %d", status)
	}
	for _, p := range []access.Principal{{}, {Role: access.Customer}, {Role: access.Marketer}} {
		h.as = p
		if status, _ := h.ask("GET", "/api/items/tea/goes-with", ""); status != 401 && status != 403 {
			t.Errorf("%q was told, with %d", p.Role, status)
		}
	}
}
