package collectapi

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/rapporthq/rapport/charter"
	"github.com/rapporthq/rapport/know/collect"
	"github.com/rapporthq/rapport/person"
	"github.com/rapporthq/rapport/store"
	"github.com/rapporthq/rapport/trust/access"
	"github.com/rapporthq/rapport/trust/tact"
	"github.com/rapporthq/rapport/trust/vault"
)

// home is a door over a real SQLite home.
type home struct {
	t      testing.TB
	dir    string
	store  *store.Store
	vault  *vault.Vault
	gate   *collect.Gate
	series charter.Series
	api    *API
	mux    http.Handler
	now    person.Instant
	log    bytes.Buffer
	faulty *faulty
}

// faulty is the real store, until it is told to fail, or to wait.
type faulty struct {
	*store.Store
	err   error
	holds chan struct{} // commits wait until it is closed; nil: they do not
}

func (f *faulty) Commit(ctx context.Context, c vault.Change) error {
	if f.holds != nil {
		<-f.holds
	}
	if f.err != nil {
		return f.err
	}
	return f.Store.Commit(ctx, c)
}

// keys are the write keys of the tests.
type keys map[string]access.Principal

func (k keys) Token(_ context.Context, text string) (access.Principal, error) {
	p, ok := k[text]
	if !ok {
		return access.Principal{}, access.ErrUnauthorised
	}
	return p, nil
}

func key(source string) string { return "rap_key-of-" + source }

func newHome(t testing.TB, limits Limits) *home {
	t.Helper()
	src, err := os.ReadFile("testdata/charter.yaml")
	if err != nil {
		t.Fatal(err)
	}
	c, problems := charter.Parse(src)
	if c == nil {
		t.Fatal(problems)
	}
	h := &home{t: t, dir: t.TempDir(), now: person.At(time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)), series: charter.NewSeries(c.Placed(1, 0))}
	if h.vault, err = vault.Create(h.dir); err != nil {
		t.Fatal(err)
	}
	clock := func() person.Instant { return h.now }
	if h.store, err = store.Open(context.Background(), store.Options{Dir: h.dir, Clock: clock}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = h.store.Close() })
	h.faulty = &faulty{Store: h.store}
	known := keys{key("decide"): {Role: access.Decide, Name: "shop"}, key("gone"): {Role: access.Source, Source: "gone"}}
	for _, s := range []string{"web", "tills", "signup", "bureau"} {
		known[key(s)] = access.Principal{Role: access.Source, Name: s, Source: s}
	}
	known[key("slow")] = access.Principal{Role: access.Source, Name: "slow", Source: "tills", Rate: 1, Key: [32]byte{1}}
	series := func() charter.Series { return h.series }
	h.gate = collect.New(collect.Parts{Vault: h.vault, Store: h.faulty, Charters: series, Clock: clock, Book: collect.NewBook(h.store, clock),
		Log: slog.New(slog.NewTextHandler(&h.log, &slog.HandlerOptions{Level: slog.LevelDebug}))})
	h.api = New(Parts{Gate: h.gate, Keys: known, Charters: series, Clock: clock, Limits: limits})
	table, err := access.NewTable(Doors()...)
	if err != nil {
		t.Fatal(err)
	}
	guard := access.Guard{
		Who: func(r *http.Request, d access.Door) (access.Principal, error) {
			if strings.HasPrefix(d.Pattern, "/v1/") {
				return access.Principal{}, nil
			}
			if user, _, ok := r.BasicAuth(); ok {
				return known.Token(r.Context(), user)
			}
			return access.Principal{Role: access.Role(r.Header.Get("Test-Role"))}, nil
		},
		Refuse: func(w http.ResponseWriter, _ *http.Request, _ access.Door, _ error) {
			w.WriteHeader(http.StatusUnauthorized)
		},
	}
	if h.mux, err = table.Mux(guard, h.api.Handlers()); err != nil {
		t.Fatal(err)
	}
	return h
}

func (h *home) do(method, path, source string, body []byte, headers map[string]string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, path, bytes.NewReader(body))
	if source != "" {
		r.SetBasicAuth(key(source), "")
	}
	for n, v := range headers {
		r.Header.Set(n, v)
	}
	w := httptest.NewRecorder()
	h.mux.ServeHTTP(w, r)
	return w
}

func zipped(body []byte) []byte {
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	_, _ = w.Write(body)
	_ = w.Close()
	return b.Bytes()
}

func (h *home) fold(ctx context.Context) error {
	for {
		if _, more, err := h.store.Fold(ctx, 10000); err != nil || !more {
			return err
		}
	}
}

// kept is what is kept of whoever an identifier leads to.
type kept struct {
	events []string
	facts  map[string]string
}

func (h *home) kept(kind vault.IdentifierKind, value string) kept {
	h.t.Helper()
	ctx := context.Background()
	if err := h.fold(ctx); err != nil {
		h.t.Fatal(err)
	}
	b, err := h.vault.Blind(kind, value)
	if err != nil {
		h.t.Fatal(err)
	}
	found, err := h.store.Find(ctx, []vault.Blind{b})
	if err != nil {
		h.t.Fatal(err)
	}
	k := kept{facts: map[string]string{}}
	streams, err := h.store.Streams(ctx)
	if err != nil {
		h.t.Fatal(err)
	}
	for _, ident := range found {
		l, err := h.store.Load(ctx, ident.Of)
		if err != nil {
			h.t.Fatal(err)
		}
		r, err := h.vault.Record(l, func(id vault.StreamID) (vault.Stream, bool) { s, ok := streams[id]; return s, ok }, &h.series, func(string) []string { return nil })
		if err != nil {
			h.t.Fatal(err)
		}
		o, err := r.Open(tact.ForSelf(r.Who, 1, h.now+1e6), h.now)
		if err != nil {
			h.t.Fatal(err)
		}
		for _, e := range o.History {
			s := e.Name
			for _, line := range e.Lines {
				s += " " + line.Item
			}
			k.events = append(k.events, s)
		}
		for _, f := range o.Facts {
			k.facts[f.Name] = f.Value
		}
	}
	return k
}

type problemBody struct {
	Type, Title, Detail, Code string
	Status                    int
}

func problemOf(t testing.TB, w *httptest.ResponseRecorder) problemBody {
	t.Helper()
	var p problemBody
	if got := w.Header().Get("Content-Type"); got != "application/problem+json" {
		t.Errorf("an error of type %q", got)
	}
	if err := json.Unmarshal(w.Body.Bytes(), &p); err != nil || p.Status != w.Code || p.Detail == "" {
		t.Errorf("no problem: %s", w.Body)
	}
	return p
}
