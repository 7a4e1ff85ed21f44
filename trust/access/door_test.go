package access

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

func TestTableRefusesWhatIsNoDoor(t *testing.T) {
	ok := Door{Method: "GET", Pattern: "/trust", Roles: []Role{Customer}}
	if _, err := NewTable(ok); err != nil {
		t.Fatal(err)
	}
	for says, doors := range map[string][]Door{
		"open to nobody": {{Method: "GET", Pattern: "/x"}},
		"does not exist": {{Method: "GET", Pattern: "/x", Roles: []Role{"root"}}},
		"twice":          {ok, ok},
		"needs a method": {{Pattern: "/x", Roles: []Role{Admin}}},
		"capitals":       {{Method: "get", Pattern: "/x", Roles: []Role{Admin}}},
		"a path":         {{Method: "GET", Pattern: "x", Roles: []Role{Admin}}},
		"cannot be open": {{Method: "GET", Pattern: "/x", Roles: []Role{Anyone}, Looks: true}},
	} {
		if _, err := NewTable(doors...); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%s: %v", says, err)
		}
	}
}

func TestAllow(t *testing.T) {
	table, err := NewTable(
		Door{Method: "GET", Pattern: "/healthz", Roles: []Role{Anyone}},
		Door{Method: "POST", Pattern: "/api/decide", Roles: []Role{Decide, Privacy}},
	)
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range Roles() {
		p := Principal{Role: r}
		if !table.Allow("GET /healthz", p) {
			t.Errorf("the open door is shut to %q", r)
		}
		if got := table.Allow("POST /api/decide", p); got != (r == Decide || r == Privacy) {
			t.Errorf("decide for %q: %v", r, got)
		}
		for _, no := range []string{"GET /api/decide", "POST /api/decide/", "", "GET /new"} {
			if table.Allow(no, p) {
				t.Errorf("%q, which is no door, is open to %q", no, r)
			}
		}
	}
}

func TestNoHandlerWithoutARowAndNoRowWithoutAHandler(t *testing.T) {
	table, err := NewTable(Door{Method: "GET", Pattern: "/a", Roles: []Role{Anyone}})
	if err != nil {
		t.Fatal(err)
	}
	g := Guard{Who: func(*http.Request, Door) (Principal, error) { return Principal{}, nil }, Refuse: func(http.ResponseWriter, *http.Request, Door, error) {}}
	h := func(http.ResponseWriter, *http.Request, Principal) {}
	if _, err := table.Mux(g, map[string]Handler{"GET /a": h}); err != nil {
		t.Fatal(err)
	}
	for name, hs := range map[string]map[string]Handler{
		"handler without row": {"GET /a": h, "GET /b": h},
		"row without handler": {},
		"nil handler":         {"GET /a": nil},
	} {
		if m, err := table.Mux(g, hs); err == nil || m != nil {
			t.Errorf("%s: a mux is made", name)
		}
	}
	if _, err := table.Mux(Guard{}, map[string]Handler{"GET /a": h}); err == nil {
		t.Error("a mux without a guard is made")
	}
}

func TestTheGuardStandsBeforeEveryDoor(t *testing.T) {
	table, err := NewTable(
		Door{Method: "GET", Pattern: "/trust", Roles: []Role{Customer}},
		Door{Method: "POST", Pattern: "/trust/choice", Roles: []Role{Customer}},
		Door{Method: "POST", Pattern: "/api/decide", Roles: []Role{Decide}},
	)
	if err != nil {
		t.Fatal(err)
	}
	var who Principal
	var whoErr error
	entered := 0
	enter := func(_ http.ResponseWriter, _ *http.Request, p Principal) {
		if p.Role != who.Role {
			t.Error("the handler is told of somebody else")
		}
		entered++
	}
	var refused error
	mux, err := table.Mux(Guard{
		Who:    func(*http.Request, Door) (Principal, error) { return who, whoErr },
		Refuse: func(_ http.ResponseWriter, _ *http.Request, _ Door, err error) { refused = err },
	}, map[string]Handler{"GET /trust": enter, "POST /trust/choice": enter, "POST /api/decide": enter})
	if err != nil {
		t.Fatal(err)
	}
	customer := Principal{Role: Customer, Cookie: true}
	broken := errors.New("the store is away")
	for name, tc := range map[string]struct {
		who    Principal
		err    error
		method string
		path   string
		site   string
		want   error
	}{
		"customer reads":                 {who: customer, method: "GET", path: "/trust"},
		"customer reads from elsewhere":  {who: customer, method: "GET", path: "/trust", site: "cross-site"},
		"customer chooses":               {who: customer, method: "POST", path: "/trust/choice", site: "same-origin"},
		"another site chooses":           {who: customer, method: "POST", path: "/trust/choice", site: "cross-site", want: ErrCrossSite},
		"a sister site chooses":          {who: customer, method: "POST", path: "/trust/choice", site: "same-site", want: ErrCrossSite},
		"nobody says from where":         {who: customer, method: "POST", path: "/trust/choice", want: ErrCrossSite},
		"stranger":                       {method: "GET", path: "/trust", want: ErrUnauthorised},
		"marketer":                       {who: Principal{Role: Marketer}, method: "GET", path: "/trust", want: ErrRefused},
		"machine without cookie":         {who: Principal{Role: Decide}, method: "POST", path: "/api/decide"},
		"customer at the machines' door": {who: customer, method: "POST", path: "/api/decide", site: "same-origin", want: ErrRefused},
		"who cannot be told":             {who: customer, err: broken, method: "GET", path: "/trust", want: broken},
	} {
		who, whoErr, refused, entered = tc.who, tc.err, nil, 0
		r := httptest.NewRequest(tc.method, tc.path, nil)
		if tc.site != "" {
			r.Header.Set("Sec-Fetch-Site", tc.site)
		}
		mux.ServeHTTP(httptest.NewRecorder(), r)
		if !errors.Is(refused, tc.want) || (entered == 1) != (tc.want == nil) {
			t.Errorf("%s: refused %v, entered %d", name, refused, entered)
		}
	}
}

func TestSameOrigin(t *testing.T) {
	for name, tc := range map[string]struct {
		site, origin, referer string
		ok                    bool
	}{
		"browser, same origin":      {site: "same-origin", ok: true},
		"browser, by hand":          {site: "none"},
		"browser, cross site":       {site: "cross-site", origin: "http://example.com"},
		"its word outweighs Origin": {site: "cross-site", origin: "http://example.com", referer: "http://example.com/"},
		"older, same origin":        {origin: "http://example.com", ok: true},
		"older, other case":         {origin: "HTTP://EXAMPLE.com", ok: true},
		"older, another port":       {origin: "http://example.com:8080"},
		"older, another host":       {origin: "http://evil.example"},
		"older, suffix":             {origin: "http://example.com.evil.example"},
		"opaque":                    {origin: "null"},
		"opaque, good referer":      {origin: "null", referer: "http://example.com/x"},
		"referer only":              {referer: "http://example.com/x", ok: true},
		"another referer":           {referer: "http://evil.example/?http://example.com"},
		"no scheme":                 {origin: "example.com"},
		"another scheme":            {origin: "file://example.com"},
		"nothing":                   {},
	} {
		r := httptest.NewRequest("POST", "http://example.com/x", nil)
		for h, v := range map[string]string{"Sec-Fetch-Site": tc.site, "Origin": tc.origin, "Referer": tc.referer} {
			if v != "" {
				r.Header.Set(h, v)
			}
		}
		if err := SameOrigin(r); (err == nil) != tc.ok {
			t.Errorf("%s: %v", name, err)
		}
	}
}
