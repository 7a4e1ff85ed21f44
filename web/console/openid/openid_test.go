package openid

import (
	"bufio"
	"context"
	"errors"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/rapporthq/rapport/person"
	"github.com/rapporthq/rapport/trust/access"
)

// startProvider runs the pinned provider of cmd/rapport/testdata/oidc and gives its issuer.
func startProvider(t *testing.T) string {
	t.Helper()
	if _, err := os.Stat("../../../cmd/rapport/testdata/oidc/node_modules/oidc-provider/package.json"); err != nil {
		t.Fatal("The pinned provider is not installed: run make test, which installs it.")
	}
	cmd := exec.Command("node", "provider.mjs")
	cmd.Dir, cmd.Env = "../../../cmd/rapport/testdata/oidc", append(os.Environ(), "NODE_ENV=production")
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = in.Close(); _ = cmd.Wait() })
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		if strings.HasPrefix(lines.Text(), "http://127.0.0.1:") {
			return lines.Text()
		}
	}
	t.Fatal("the provider did not start")
	return ""
}

// once remembers what was spent.
type once struct {
	mu   sync.Mutex
	seen map[[32]byte]bool
	err  error
}

func (o *once) Spend(_ context.Context, h [32]byte, _ person.Instant) (bool, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	first := !o.seen[h]
	o.seen[h] = true
	return first && o.err == nil, o.err
}

var roles = map[string]access.Role{"brand-marketing": access.Marketer, "brand-privacy": access.Privacy, "brand-admin": access.Admin}

func configOf(issuer string) Config {
	return Config{Issuer: issuer, ClientID: "rapport", Secret: "a secret of the tests", Claim: "groups", Roles: roles, Spent: &once{seen: map[[32]byte]bool{}}, Clock: person.SystemClock}
}

func providerOf(t *testing.T, cfg Config) *Provider {
	t.Helper()
	p, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

const back = "http://127.0.0.1:9/console/sign-in/callback"

// answer walks the provider's pages as somebody and gives what the browser would come back with.
func answer(t *testing.T, address, as string) url.Values {
	t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	u, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	jar.SetCookies(u, []*http.Cookie{{Name: "as", Value: as}})
	var came url.Values
	client := &http.Client{Jar: jar, CheckRedirect: func(r *http.Request, via []*http.Request) error {
		if len(via) > 10 {
			return errors.New("the provider leads in circles")
		}
		if strings.HasPrefix(r.URL.String(), back) {
			came = r.URL.Query()
			return http.ErrUseLastResponse
		}
		return nil
	}}
	res, err := client.Get(address)
	if err != nil {
		t.Fatal(err)
	}
	_ = res.Body.Close()
	if came == nil {
		t.Fatalf("the provider answered %s at %s", res.Status, res.Request.URL)
	}
	return came
}

func begin(t *testing.T, p *Provider) (address, kept string) {
	t.Helper()
	address, kept, err := p.Begin(context.Background(), back)
	if err != nil {
		t.Fatal(err)
	}
	return address, kept
}

func TestAtARealProvider(t *testing.T) {
	issuer := startProvider(t)
	ctx := context.Background()
	cfg := configOf(issuer)
	p := providerOf(t, cfg)

	address, kept := begin(t, p)
	for _, part := range []string{"code_challenge_method=S256", "state=", "nonce=", "response_type=code"} {
		if !strings.Contains(address, part) {
			t.Errorf("%s is not asked for", part)
		}
	}
	came := answer(t, address, "marie")
	who, err := p.Finish(ctx, back, kept, came)
	if err != nil || who != (Who{"marie", access.Marketer, access.Member(p.cfg.Issuer, "marie")}) {
		t.Fatalf("%+v, %v", who, err)
	}
	refused := func(what string, want error, p *Provider, kept string, came url.Values) {
		t.Helper()
		if who, err := p.Finish(ctx, back, kept, came); !errors.Is(err, want) || who != (Who{}) {
			t.Errorf("%s: %+v, %v", what, who, err)
		}
	}
	refused("an answer that was given before", ErrRefused, p, kept, came)
	refused("a code that was used, to a process that does not remember", ErrRefused, providerOf(t, configOf(issuer)), kept, came)

	fresh := func(as string) (string, url.Values) {
		address, kept := begin(t, p)
		return kept, answer(t, address, as)
	}
	kept, came = fresh("guest")
	refused("nobody's group", ErrNoRole, p, kept, came)
	kept, came = fresh("ada")
	refused("two roles", ErrNoRole, p, kept, came)

	kept, came = fresh("paul")
	other, otherCame := fresh("paul")
	refused("the answer to another browser", ErrRefused, p, other, came)
	refused("no cookie", ErrRefused, p, "", came)
	refused("half a cookie", ErrRefused, p, "a.b", came)
	came.Set("state", strings.Repeat("A", 26))
	refused("another state", ErrRefused, p, kept, came)
	parts := strings.Split(other, ".")
	refused("another nonce", ErrRefused, p, parts[0]+".another."+parts[2], otherCame)

	kept, came = fresh("paul")
	parts = strings.Split(kept, ".")
	refused("another verifier", ErrRefused, p, parts[0]+"."+parts[1]+"."+strings.Repeat("v", 43), came)
	kept, came = fresh("paul")
	came.Del("code")
	refused("no code", ErrRefused, p, kept, came)

	kept, came = fresh("paul")
	late := cfg
	late.Clock = func() person.Instant { return person.SystemClock().Add(2 * time.Hour) }
	refused("a token that has run out", ErrRefused, providerOf(t, late), kept, came)

	// A token of the same provider for another client is for nobody here.
	cfg.ClientID = "another"
	another := providerOf(t, cfg)
	address, kept = begin(t, another)
	tk, _ := readTicket(kept)
	known, err := another.reach(ctx)
	if err != nil {
		t.Fatal(err)
	}
	raw, err := another.exchange(ctx, known, back, tk, answer(t, address, "paul").Get("code"))
	if err != nil {
		t.Fatal(err)
	}
	if who, err := another.check(ctx, known, raw, tk.nonce); err != nil || who.Role != access.Privacy {
		t.Errorf("its own client: %+v, %v", who, err)
	}
	if who, err := p.check(ctx, known, raw, tk.nonce); !errors.Is(err, ErrRefused) || who != (Who{}) {
		t.Errorf("another client's token: %+v, %v", who, err)
	}
	if _, err := another.check(ctx, known, raw[:len(raw)-6]+"AAAAAA", tk.nonce); !errors.Is(err, ErrRefused) {
		t.Errorf("a forged token: %v", err)
	}

	spent := cfg
	spent.Spent = &once{seen: map[[32]byte]bool{}, err: errors.New("no disk")}
	kept, came = fresh("paul")
	if who, err := providerOf(t, spent).Finish(ctx, back, kept, came); err == nil || who != (Who{}) {
		t.Error("somebody came in though nobody can say whether it was the first time")
	}
}

func TestProvidersThatAreNone(t *testing.T) {
	good := configOf("https://id.example")
	providerOf(t, good)
	for what, change := range map[string]func(*Config){
		"no issuer": func(c *Config) { c.Issuer = "" }, "plain http": func(c *Config) { c.Issuer = "http://id.example" }, "no client": func(c *Config) { c.ClientID = "" },
		"no secret": func(c *Config) { c.Secret = "" }, "no claim": func(c *Config) { c.Claim = "" }, "no roles": func(c *Config) { c.Roles = nil },
		"a machine's role": func(c *Config) { c.Roles = map[string]access.Role{"x": access.Decide} }, "nobody's role": func(c *Config) { c.Roles = map[string]access.Role{"x": ""} },
	} {
		cfg := good
		change(&cfg)
		if _, err := New(cfg); !errors.Is(err, ErrConfig) {
			t.Errorf("%s: %v", what, err)
		}
	}
	cfg := good
	cfg.Issuer = "http://127.0.0.1:1"
	if _, _, err := providerOf(t, cfg).Begin(context.Background(), back); err == nil {
		t.Error("a provider that does not answer was asked")
	}
}
