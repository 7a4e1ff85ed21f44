package console

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/rapporthq/rapport/person"
)

// FuzzForms sends forms of every kind as an admin and as the privacy team would: what is done was said, wholly and once, by who may; every answer is a page or the way
// to one of ours, and what is refused is not repeated outside the field in which it was filled in.
func FuzzForms(f *testing.F) {
	for i, body := range []string{"level=regular&placement=home&at=2026-05-01T10%3A00&off=personalise&off=measure&level2=confidant&charter2=1&gpc=yes", "role=decide&name=website&placement=home&placement=search&days=90&explain=yes&attest=yes", "name=website", "say=same", "reason=She+asked&say=later",
		"who=Zaphod&purpose=personalise&reason=She+asked+us&placement=home", "who=p_Zaphod&charter=proposal&proposal=brand%3A+Zaphod", "name=website&name=Zaphod", "role=source&source=tills&name=a&days=90&days=0", "say=same&say=different", "reason=Zaphod%zz", "at=Zaphod&level=regular&placement=home", "off=Zaphod&level=regular&placement=home", "level=%ff"} {
		f.Add(uint8(i), i%2 == 0, body)
	}
	play, tokens, pairs := &asked{}, &fakeTokens{}, twoPairs()
	admin, privacy := deskOf(f, signedIn{who: Staff{Name: "Ann", Role: "admin"}}, nil), deskOf(f, signedIn{who: paul}, nil)
	for _, c := range []*Console{admin, privacy} {
		c.cfg.Playground, c.cfg.Tokens, c.cfg.Identity, c.cfg.Home = play, tokens, pairs, &fakeHome{}
		c.cfg.Clock = func() person.Instant { return 9 * dayLong }
	}
	doors := []string{"/console/playground", "/console/tokens", "/console/tokens/revoke", "/console/identity/one", "/console/identity/one/values", "/console/ledger/verify", "/console/sign-in"}
	f.Fuzz(func(t *testing.T, door uint8, private bool, body string) {
		*play, *tokens, pairs.said, pairs.looks = asked{}, fakeTokens{}, nil, nil
		c := admin
		if private {
			c = privacy
		}
		mux := http.NewServeMux()
		for _, route := range c.Routes() {
			mux.HandleFunc(route.Key, route.Handle)
		}
		path := doors[int(door)%len(doors)]
		r := httptest.NewRequest(http.MethodPost, path+"?say=same&name=website&who=42&reason=because", strings.NewReader(body))
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		w := httptest.NewRecorder()
		mux.ServeHTTP(w, r)
		if w.Code == http.StatusSeeOther {
			if there, err := r.URL.Parse(w.Header().Get("Location")); err != nil || there.Host != r.URL.Host || !strings.HasPrefix(there.Path, "/console") {
				t.Fatalf("%q leads to %q", body, w.Header().Get("Location"))
			}
		} else if w.Code != http.StatusOK && (w.Code < 400 || w.Code >= 500) {
			t.Fatalf("%s, %q: %d", path, body, w.Code)
		}
		did := len(tokens.made) + len(tokens.revoked) + len(pairs.said) + len(pairs.looks)
		if len(play.try.Sides) > 0 {
			did++
		}
		if did == 0 {
			return
		}
		said, err := url.ParseQuery(body)
		for name, values := range said {
			if len(values) > 1 && name != "off" && name != "placement" {
				err = url.EscapeError(name)
			}
		}
		if err != nil || did > 1 {
			t.Fatalf("%q does %d things: %v", body, did, err)
		}
		for _, made := range tokens.made {
			if private || made.Name == "" || made.Explain != (said.Get("explain") == "yes") || made.Attest != (said.Get("attest") == "yes") || !slices.Equal(made.Placements, said["placement"]) || made.Days > 0 != (said.Get("days") == "90" || said.Get("days") == "365") {
				t.Fatalf("%q makes %+v", body, made)
			}
		}
		for _, name := range tokens.revoked {
			if private || name != said.Get("name") {
				t.Fatalf("%q revokes %q", body, name)
			}
		}
		for _, pair := range pairs.said {
			if !private || pair != said.Get("say")+" Paul" {
				t.Fatalf("%q says %q", body, pair)
			}
		}
		for _, look := range pairs.looks {
			if !private || look.Reason != strings.TrimSpace(said.Get("reason")) {
				t.Fatalf("%q looks for %q", body, look.Reason)
			}
		}
		if play.real && (!private || play.try.Reason != strings.TrimSpace(said.Get("reason")) || len(play.try.Reason) < 5 || strings.TrimSpace(said.Get("who")) == "") {
			t.Fatalf("%q asks %+v", body, play.try)
		}
	})
}
