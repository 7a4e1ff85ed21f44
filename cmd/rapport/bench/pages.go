package bench

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/rapporthq/rapport/demo"
)

// Soon is within how many milliseconds a page answers, 99 times of 100, on a quiet machine.
const Soon = 20

// Page is one page that the bench asks for, again and again.
type Page struct {
	Name string
	Path string // {decision} is one of the visitor's own, {pair} one that waits for a steward
	As   string // nobody, shopper, looker (the drawer is open), buyer (has ordered), customer, staff
	Form url.Values
	Want int // the status; 0: 200
}

const product = "/shop/product/1082185"

// side fills in the playground's form.
func side(more ...string) url.Values {
	v := url.Values{"level": {"regular"}, "placement": {"home"}}
	for i := 0; i < len(more); i += 2 {
		v.Set(more[i], more[i+1])
	}
	return v
}

// Asked are all pages, in the order in which they are asked.
var Asked = []Page{
	{Name: "front door", Path: "/"},
	{Name: "no such page", Path: "/nowhere", Want: http.StatusNotFound},
	{Name: "problem", Path: "/problems/not-found"},
	{Name: "shop", Path: "/shop", As: "shopper"},
	{Name: "shop, a stranger", Path: "/shop", As: "stranger"},
	{Name: "department", Path: "/shop/department/bakery", As: "shopper"},
	{Name: "search", Path: "/shop/search?q=bananas", As: "shopper"},
	{Name: "product", Path: product, As: "shopper"},
	{Name: "product, drawer open", Path: product, As: "looker"},
	{Name: "look inside", Path: "/shop/inside", As: "looker"},
	{Name: "basket", Path: "/shop/basket", As: "shopper"},
	{Name: "checkout", Path: "/shop/checkout", As: "shopper"},
	{Name: "thanks", Path: "/shop/thanks", As: "buyer"},
	{Name: "shop sign-in", Path: "/shop/sign-in"},
	{Name: "trust, a stranger", Path: "/trust"},
	{Name: "trust", Path: "/trust", As: "customer"},
	{Name: "facts", Path: "/trust/facts", As: "customer"},
	{Name: "choices", Path: "/trust/choices", As: "customer"},
	{Name: "decisions", Path: "/trust/decisions", As: "customer"},
	{Name: "decision", Path: "/trust/decisions/{decision}", As: "customer"},
	{Name: "looks", Path: "/trust/looks", As: "customer"},
	{Name: "looks, the file", Path: "/trust/looks.json", As: "customer"},
	{Name: "ledger's head", Path: "/trust/ledger/head"},
	{Name: "console sign-in", Path: "/console/sign-in"},
	{Name: "console", Path: "/console", As: "staff"},
	{Name: "playground", Path: "/console/playground", As: "staff"},
	{Name: "playground, a decision", Path: "/console/playground", As: "staff", Form: side()},
	{Name: "playground, two", Path: "/console/playground", As: "staff", Form: side("off", "personalise", "placement2", "basket")},
	{Name: "charter", Path: "/console/charter", As: "staff"},
	{Name: "charter, versions", Path: "/console/charter?from=1&to=2", As: "staff"},
	{Name: "catalogue", Path: "/console/catalogue", As: "staff"},
	{Name: "catalogue, search", Path: "/console/catalogue?q=organic+milk", As: "staff"},
	{Name: "sources", Path: "/console/sources", As: "staff"},
	{Name: "events", Path: "/console/events?still=yes", As: "staff"},
	{Name: "refusals", Path: "/console/refusals", As: "staff"},
	{Name: "ledger", Path: "/console/ledger", As: "staff"},
	{Name: "quality", Path: "/console/quality", As: "staff"},
	{Name: "who is who", Path: "/console/identity", As: "staff"},
	{Name: "pair", Path: "/console/identity/{pair}", As: "staff"},
	{Name: "you", Path: "/console/you", As: "staff"},
}

// visitor is one browser with its session.
type visitor struct {
	http.Client
	base     string
	decision string // one of theirs
	pair     string // one that waits
}

// ask reads a page to its end, or sends a form that the same site would.
func (v *visitor) ask(ctx context.Context, path string, form url.Values) (status int, body []byte, err error) {
	method, in := http.MethodGet, io.Reader(http.NoBody)
	if form != nil {
		method, in = http.MethodPost, strings.NewReader(form.Encode())
	}
	r, err := http.NewRequestWithContext(ctx, method, v.base+strings.NewReplacer("{decision}", v.decision, "{pair}", v.pair).Replace(path), in)
	if err != nil {
		return 0, nil, err
	}
	if form != nil {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		r.Header.Set("Sec-Fetch-Site", "same-origin")
	}
	res, err := v.Do(r)
	if err != nil {
		return 0, nil, err
	}
	defer func() { _ = res.Body.Close() }()
	body, err = io.ReadAll(res.Body)
	return res.StatusCode, body, err
}

// does sends forms one after the other: path, then key and value, for each.
func (v *visitor) does(ctx context.Context, forms ...[]string) error {
	for _, f := range forms {
		form := url.Values{}
		for i := 1; i < len(f); i += 2 {
			form.Set(f[i], f[i+1])
		}
		if status, _, err := v.ask(ctx, f[0], form); err != nil || status != http.StatusOK {
			return fmt.Errorf("the form of %s was answered with %d: %w", f[0], status, err)
		}
	}
	return nil
}

// A person and a session have each their rate, so several of them ask in turn.
const (
	strangers  = 4
	staffDesks = 12
)

var (
	decided = regexp.MustCompile(`/trust/decisions/(dec_\w+)`)
	paired  = regexp.MustCompile(`/console/identity/([\w-]+)`)
)

// visitors come in by the front: as households at the shop, who go on to the trust centre, and as staff by a token.
func visitors(ctx context.Context, base, token string, users []string) (map[string][]*visitor, error) {
	wire := &http.Transport{DisableCompression: true, MaxIdleConnsPerHost: 4}
	fresh := func() *visitor {
		jar, err := cookiejar.New(nil)
		if err != nil {
			panic(err) // no options, no error
		}
		return &visitor{Client: http.Client{Transport: wire, Jar: jar, Timeout: 30 * time.Second}, base: base}
	}
	all := map[string][]*visitor{"": {fresh()}}
	for range strangers {
		all["stranger"] = append(all["stranger"], fresh())
	}
	for _, user := range users {
		enter, basket := []string{"/shop/sign-in", "userId", user}, []string{"/shop/basket", "id", strings.TrimPrefix(product, "/shop/product/")}
		for as, forms := range map[string][][]string{"shopper": {enter, basket}, "looker": {enter, {"/shop/inside", "drawer", "open"}},
			"buyer": {enter, basket, {"/shop/checkout", "delivery", "collect"}}, "customer": {enter, {"/shop/your-data"}}} {
			v := fresh()
			if err := v.does(ctx, forms...); err != nil {
				return nil, err
			}
			if as == "looker" { // so that the drawer has something to show, and the trust centre a decision
				if status, _, err := v.ask(ctx, product, nil); err != nil || status != http.StatusOK {
					return nil, fmt.Errorf("a product was answered with %d: %w", status, err)
				}
			}
			all[as] = append(all[as], v)
		}
	}
	for _, v := range all["customer"] {
		_, page, err := v.ask(ctx, "/trust/decisions", nil)
		if err != nil {
			return nil, err
		}
		found := decided.FindSubmatch(page)
		if found == nil {
			return nil, errors.New("a customer has no decision of their own to look at")
		}
		v.decision = string(found[1])
	}
	if token == "" {
		return all, nil // the bare handler has no staff
	}
	for range staffDesks {
		v := fresh()
		if err := v.does(ctx, []string{"/console/sign-in", "token", token}); err != nil {
			return nil, err
		}
		_, page, err := v.ask(ctx, "/console/identity", nil)
		if err != nil {
			return nil, err
		}
		found := paired.FindSubmatch(page)
		if found == nil {
			return nil, errors.New("no pair waits for a steward in the demo")
		}
		v.pair = string(found[1])
		all["staff"] = append(all["staff"], v)
	}
	return all, nil
}

// Pages measures every page of the demo: one request after the other, by several sessions in turn, beside a bare handler
// that sends as many bytes. CPU is what the server took for a request, its work behind the page included: on a machine that
// others use too it says more than the times.
func Pages(ctx context.Context, o Options) ([]Figure, error) {
	if o.Database != "" {
		return nil, errors.New("the demo keeps its own SQLite: leave out --database and RAPPORT_DATABASE")
	}
	times, set := 300, "300 times"
	if o.Quick {
		times, set = 50, "quick, 50 times"
	}
	bare, err := start(ctx, o, "/readyz", "bench", "baseline", "--listen", "{addr}")
	if err != nil {
		return nil, err
	}
	defer bare.stop()
	o.Log("making the demo's home")
	home := filepath.Join(o.Dir, "demo")
	ours, err := start(ctx, o, "/readyz", "demo", "--home", home, "--listen", "{addr}", "--json")
	if err != nil {
		return nil, err
	}
	defer ours.stop()
	if err := anotherCharter(ctx, o, home); err != nil {
		return nil, err
	}
	raw, err := os.ReadFile(filepath.Join(home, "demo.json"))
	if err != nil {
		return nil, err
	}
	var kept struct {
		PrivacyToken string   `json:"privacyToken"`
		UserIDs      []string `json:"userIds"`
	}
	if err := json.Unmarshal(raw, &kept); err != nil {
		return nil, err
	}
	all, err := visitors(ctx, "http://"+ours.addr, kept.PrivacyToken, kept.UserIDs)
	if err != nil {
		return nil, fmt.Errorf("%w: %s", err, ours.said())
	}
	plain, err := visitors(ctx, "http://"+bare.addr, "", nil)
	if err != nil {
		return nil, err
	}
	f := figures{bench: "pages"}
	var late []string
	for _, p := range Asked {
		took, size, cpu, err := again(ctx, p, times, ours, all[p.As])
		if err != nil {
			return f.all, fmt.Errorf("%w: %s", err, ours.said())
		}
		base, _, _, err := again(ctx, Page{Name: "bare", Path: "/" + strconv.Itoa(size)}, times, bare, plain[""])
		if err != nil {
			return f.all, err
		}
		of := p.Name + ", " + set
		p50, p99 := quantile(took, .5), quantile(took, .99)
		f.add(of, "p50_ms", p50, "ms", quantile(base, .5))
		f.add(of, "p99_ms", p99, "ms", quantile(base, .99))
		f.add(of, "cpu_ms", cpu, "ms", 0)
		f.add(of, "bytes", float64(size), "B", 0)
		if p99 > Soon {
			late = append(late, p.Name)
		}
	}
	if o.Log("pages over %d ms at p99: %d of %d", Soon, len(late), len(Asked)); len(late) > 0 {
		o.Log("  %s", strings.Join(late, "; "))
	}
	f.add(set, "over_20_ms", float64(len(late)), "", 0)
	return f.all, nil
}

// again asks for a page so often, by one visitor after the other, each of whom has asked once before.
func again(ctx context.Context, p Page, times int, s *server, by []*visitor) (took []time.Duration, size int, cpu float64, err error) {
	want := p.Want
	if want == 0 {
		want = http.StatusOK
	}
	var before float64
	for i := -len(by); i < times; i++ {
		if i == 0 {
			before = s.cpu()
		}
		begin := time.Now()
		status, body, err := by[(i+len(by))%len(by)].ask(ctx, p.Path, p.Form)
		if err != nil || status != want {
			return nil, 0, 0, fmt.Errorf("%s was answered with %d: %w", p.Name, status, err)
		}
		if i >= 0 {
			took, size = append(took, time.Since(begin)), max(size, len(body))
		}
	}
	return took, size, (s.cpu() - before) * 1000 / float64(times), nil
}

// anotherCharter has the demo accept a second charter, so that there are two to compare.
func anotherCharter(ctx context.Context, o Options, home string) error {
	file := filepath.Join(o.Dir, "next.yaml")
	next := strings.Replace(string(demo.Charter()), "retain: ", "retain: 1", 1) // something is kept longer
	if err := os.WriteFile(file, []byte(next), 0o600); err != nil {
		return err
	}
	_, err := command(ctx, o, "charter", "--home", home, "accept", file)
	return err
}
