package openid

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/rapporthq/rapport/person"
	"github.com/rapporthq/rapport/trust/access"
)

const (
	issuer = "https://id.example"
	canary = "Zaphod" // stands in what the provider sends, and nowhere else
	moment = person.Instant(1_760_000_000_000_000)
)

var signing = ed25519.NewKeyFromSeed(bytes.Repeat([]byte{7}, 32))

// idToken is a token of these claims, signed by the key or with a signature that is none.
func idToken(claims []byte, sound bool) string {
	b64 := base64.RawURLEncoding.EncodeToString
	text := b64([]byte(`{"alg":"EdDSA","kid":"1"}`)) + "." + b64(claims)
	sig := ed25519.Sign(signing, []byte(text))
	if !sound {
		sig[0] ^= 1
	}
	return text + "." + b64(sig)
}

// good are the claims of somebody who may come in.
const good = `{"iss":"https://id.example","aud":"rapport","sub":"1","exp":1760000600,"iat":1760000000,"nonce":"nonce","groups":["brand-marketing"],"name":"Zaphod","email":"zaphod@shop.example"}`

// said is what a provider answers; discovery, keys and token are its three doors.
type said struct {
	status int
	kind   string
	body   []byte
}

type provider map[string]said

func (p provider) RoundTrip(r *http.Request) (*http.Response, error) {
	s := p[r.URL.Path]
	return &http.Response{StatusCode: s.status, Status: fmt.Sprint(s.status, " ", canary), Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1, Header: http.Header{"Content-Type": {s.kind}}, Body: io.NopCloser(bytes.NewReader(s.body)), Request: r}, nil
}

func soundProvider(token string) provider {
	json := func(format string, a ...any) said {
		return said{200, "application/json", fmt.Appendf(nil, format, a...)}
	}
	return provider{
		"/.well-known/openid-configuration": json(`{"issuer":%q,"authorization_endpoint":"https://id.example/auth","token_endpoint":"https://id.example/token","jwks_uri":"https://id.example/keys","id_token_signing_alg_values_supported":["EdDSA"]}`, issuer),
		"/keys":                             json(`{"keys":[{"kty":"OKP","crv":"Ed25519","use":"sig","alg":"EdDSA","kid":"1","x":%q}]}`, base64.RawURLEncoding.EncodeToString(signing.Public().(ed25519.PublicKey))),
		"/token":                            json(`{"access_token":"a","token_type":"Bearer","id_token":%q}`, token),
	}
}

// comes is somebody who was at this provider and comes back.
func comes(t testing.TB, at provider) (Who, error) {
	cfg := configOf(issuer)
	cfg.Clock = func() person.Instant { return moment }
	p, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	p.client.Transport = bounded{at}
	return p.Finish(context.Background(), back, "state.nonce.verifier", url.Values{"state": {"state"}, "code": {"code"}})
}

func silent(t *testing.T, err error) {
	t.Helper()
	if err != nil && strings.Contains(strings.ToLower(err.Error()), strings.ToLower(canary)) {
		t.Fatalf("an error repeats what the provider sent: %v", err)
	}
}

// FuzzWhatAProviderSays has one of a provider's three doors say anything: nobody comes in but by the token that was signed, and no error repeats what was said.
func FuzzWhatAProviderSays(f *testing.F) {
	sound := soundProvider(idToken([]byte(good), true))
	doors := []string{"/.well-known/openid-configuration", "/keys", "/token"}
	for i, door := range doors {
		s := sound[door]
		f.Add(byte(i), 200, s.kind, s.body)
		f.Add(byte(i), 500, "text/html", []byte("<h1>Zaphod</h1>"))
		f.Add(byte(i), 400, "application/json", []byte(`{"error":"invalid_client","error_description":"Zaphod"}`))
		f.Add(byte(i), 400, "application/json", []byte(`{"error":"Zaphod","error_uri":"Zaphod"}`))
		f.Add(byte(i), 200, "application/json", []byte(`{"issuer":"https://Zaphod.example"}`))
		f.Add(byte(i), 200, "application/json", []byte(`"Zaphod`))
		f.Add(byte(i), 302, "Zaphod", []byte(nil))
		f.Add(byte(i), 200, "application/x-www-form-urlencoded", []byte("access_token=a&id_token=Zaphod&expires_in=Zaphod%zz"))
	}
	forged := idToken([]byte(good), false)
	for _, token := range []string{forged, idToken([]byte(strings.Replace(good, `"rapport"`, `"Zaphod"`, 1)), true), idToken([]byte(strings.Replace(good, "id.example", "Zaphod.example", 1)), true), idToken([]byte(strings.Replace(good, "1760000600", "1760000000", 1)), true),
		"Zaphod.Zaphod.Zaphod", base64.RawURLEncoding.EncodeToString([]byte(`{"alg":"none"}`)) + strings.TrimPrefix(forged[:strings.LastIndexByte(forged, '.')+1], forged[:strings.IndexByte(forged, '.')])} {
		f.Add(byte(2), 200, "application/json", soundProvider(token)["/token"].body)
	}
	f.Add(byte(1), 200, "application/json", []byte(`{"keys":[{"kty":"oct","k":"Zaphod"}]}`))
	f.Fuzz(func(t *testing.T, door byte, status int, kind string, body []byte) {
		if status < 200 || status > 599 {
			status = 200
		}
		at := soundProvider(idToken([]byte(good), true))
		at[doors[int(door)%len(doors)]] = said{status, kind, body}
		who, err := comes(t, at)
		silent(t, err)
		if (err == nil) != (who != Who{}) {
			t.Fatalf("%+v, %v", who, err)
		}
		if err == nil && who != (Who{canary, access.Marketer, access.Member(issuer, "1")}) {
			t.Fatalf("somebody else comes in: %+v", who)
		}
	})
}

// FuzzClaims has the provider sign anything: who comes in has one role of the home's, a name, and the identity of issuer and subject; the same claims for
// another sign-in, or of another issuer, let nobody in.
func FuzzClaims(f *testing.F) {
	for _, change := range [][2]string{{"", ""}, {`["brand-marketing"]`, `"brand-admin"`}, {`["brand-marketing"]`, `["brand-marketing","brand-admin"]`}, {`["brand-marketing"]`, `["x","brand-privacy","brand-privacy"]`}, {`["brand-marketing"]`, `[1]`}, {`["brand-marketing"]`, `null`},
		{`"sub":"1"`, `"sub":""`}, {`"sub":"1"`, `"sub":1`}, {`"name":"Zaphod"`, `"name":"  "`}, {`"name":"Zaphod"`, `"name":"` + strings.Repeat("Zaphod", 40) + `"`}, {`"aud":"rapport"`, `"aud":["Zaphod","rapport"]`}, {`"aud":"rapport"`, `"aud":["other","rapport"],"azp":"rapport"`}, {`"aud":"rapport"`, `"aud":"rapport","azp":"Zaphod"`}, {`"exp":1760000600`, `"exp":"Zaphod"`},
		{`"exp":1760000600`, `"exp":1e400`}, {`"nonce":"nonce"`, `"nonce":"Zaphod"`}, {`"nonce":"nonce"`, `"nbf":1760009999`}, {`"email"`, `"_claim_names":{"groups":"src"},"_claim_sources":{"src":{"endpoint":"https://Zaphod.example"}},"email"`}, {`{`, `{"sub":"2",`}} {
		f.Add([]byte(strings.Replace(good, change[0], change[1], 1)))
	}
	f.Add([]byte(`[]`))
	f.Add([]byte("Zaphod"))
	f.Fuzz(func(t *testing.T, claims []byte) {
		who, err := comes(t, soundProvider(idToken(claims, true)))
		silent(t, err)
		if err != nil {
			if who != (Who{}) || !errors.Is(err, ErrRefused) && !errors.Is(err, ErrNoRole) {
				t.Fatalf("%+v, %v", who, err)
			}
			return
		}
		var says struct {
			Iss, Sub, Nonce string
			Aud             any
			Azp             *string
			Exp             float64
		}
		if err := json.Unmarshal(claims, &says); err != nil {
			t.Fatalf("claims that cannot be read let somebody in: %v", err)
		}
		if says.Iss != issuer || says.Nonce != "nonce" || says.Exp < float64(moment)/1e6-1 || !strings.Contains(fmt.Sprint(says.Aud), "rapport") {
			t.Fatalf("%+v let %+v in", says, who)
		}
		if several, _ := says.Aud.([]any); says.Azp == nil && len(several) > 1 || says.Azp != nil && *says.Azp != "rapport" {
			t.Fatalf("what was issued to another client let %+v in", who)
		}
		if says.Sub == "" || who.Member != access.Member(issuer, says.Sub) || strings.TrimSpace(who.Name) != who.Name || who.Name == "" || len(who.Name) > 200 {
			t.Fatalf("%+v let %+v in", says, who)
		}
		for word, role := range roles {
			if role == who.Role && !bytes.Contains(claims, []byte(word)) && !bytes.Contains(claims, []byte(`\u`)) {
				t.Fatalf("%s without the word for it", role)
			}
		}
		if says.Exp > 1e11 { // no clock of ours goes there
			return
		}
		for what, change := range map[string]func(*Config){
			"another client":      func(c *Config) { c.ClientID = "another-client" },
			"when it has run out": func(c *Config) { c.Clock = func() person.Instant { return person.Instant(says.Exp*1e6) + 2e6 } },
			"another's issuer":    func(c *Config) { c.Issuer = "https://id.example/other" },
		} {
			cfg := configOf(issuer)
			cfg.Clock = func() person.Instant { return moment }
			change(&cfg)
			p := providerOf(t, cfg)
			p.client.Transport = bounded{soundProvider(idToken(claims, true))}
			if who, err := p.Finish(context.Background(), back, "state.nonce.verifier", url.Values{"state": {"state"}, "code": {"code"}}); err == nil && !strings.Contains(fmt.Sprint(says.Aud), cfg.ClientID) || err == nil && cfg.ClientID == "rapport" {
				t.Fatalf("%s: %+v comes in", what, who)
			}
		}
	})
}

// A provider that sends without end is read as far as an answer can be long, and one that answers with a page says only with what.
func TestAnAnswerWithoutEndIsNotReadToItsEnd(t *testing.T) {
	for _, door := range []string{"/.well-known/openid-configuration", "/keys", "/token"} {
		at := soundProvider(idToken([]byte(good), true))
		s := at[door]
		s.body = append(bytes.Repeat([]byte(" "), mostAnswer), s.body...)
		at[door] = s
		if who, err := comes(t, at); err == nil || who != (Who{}) {
			t.Errorf("%s: %+v came in by an answer of more than a megabyte", door, who)
		}
	}
	if who, err := comes(t, soundProvider(idToken([]byte(good), true))); err != nil || who.Name != canary {
		t.Errorf("a sound provider: %+v, %v", who, err)
	}
}

// leading is a provider whose door for tokens sends on to another host.
type leading struct {
	provider
	elsewhere int
}

func (l *leading) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.URL.Host != "id.example" {
		l.elsewhere++
	}
	res, err := l.provider.RoundTrip(r)
	if err == nil && r.URL.Host == "id.example" && r.URL.Path == "/token" {
		res.StatusCode = http.StatusTemporaryRedirect
		res.Header.Set("Location", "https://Zaphod.example/token")
	}
	return res, err
}

func TestWhatIsSecretIsNotSentOn(t *testing.T) {
	cfg := configOf(issuer)
	cfg.Clock = func() person.Instant { return moment }
	p := providerOf(t, cfg)
	to := &leading{provider: soundProvider(idToken([]byte(good), true))}
	p.client.Transport = bounded{to}
	who, err := p.Finish(context.Background(), back, "state.nonce.verifier", url.Values{"state": {"state"}, "code": {"code"}})
	silent(t, err)
	if err == nil || who != (Who{}) || to.elsewhere > 0 {
		t.Errorf("%+v, %v: another host was asked %d times, with the code and the secret", who, err, to.elsewhere)
	}
}
