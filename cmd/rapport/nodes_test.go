package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/rapporthq/rapport/person/seedtest"
	"github.com/rapporthq/rapport/store/pgtest"
	"github.com/rapporthq/rapport/torture"
	"github.com/rapporthq/rapport/trust/access"
)

// nodes are three processes over one PostgreSQL, and this process as a fourth, which does what commands do.
type nodes struct {
	t        *testing.T
	rand     *rand.Rand
	all      []*serving
	command  *house
	database string
	charter  string
	decide   string // a shop's token
	key      string // a server source's, which may put items as often as it likes
	degraded int    // decisions that said that they were
	at       string // for which all decisions are asked
	serial   int
	crowd    []string // people with a history, one for each thing that cannot be taken back
	cookies  map[string]*http.Cookie
	is       map[string]bool // what is so now, by kind and person
	level    map[string]string
}

// nodeAnswer is what a decision says, and all of it.
type nodeAnswer struct {
	Decision     string
	Rung         string
	Degraded     string
	Relationship struct{ Level string }
	Items        []struct{ ID, Name string }
	Held         []struct{ Fact, Reason string }
	Short        *struct{ Reason string }
	Charter      int
	Models       map[string]string
	all          map[string]any
}

func (a *nodeAnswer) shows(item string) bool {
	return slices.ContainsFunc(a.Items, func(i struct{ ID, Name string }) bool { return i.ID == item })
}

func (a *nodeAnswer) held(fact string) string {
	for _, h := range a.Held {
		if h.Fact == fact {
			return h.Reason
		}
	}
	return ""
}

// asks gives the next decision that is not degraded: a slow machine answers from a lower rung, and says so.
func (n *nodes) asks(s *serving, who, placement string) *nodeAnswer {
	n.t.Helper()
	for range 20 {
		var raw json.RawMessage
		if code := post(n.t, s.URL+"/api/decide", n.decide, map[string]any{"person": map[string]string{"userId": who}, "placement": placement, "attested": true, "context": map[string]string{"at": n.at}}, &raw); code != http.StatusOK {
			n.t.Fatalf("a decision was answered with %d: %s", code, raw)
		}
		a := &nodeAnswer{}
		for _, into := range []any{a, &a.all} {
			if err := json.Unmarshal(raw, into); err != nil {
				n.t.Fatal(err)
			}
		}
		if a.Degraded == "" {
			delete(a.all, "decision")
			delete(a.all, "feedback")
			return a
		}
		n.degraded++
	}
	n.t.Fatalf("every decision is degraded: %s", s.log)
	return nil
}

// signs gives the cookie of a new session of somebody.
func (n *nodes) signs(s *serving, who string) *http.Cookie {
	n.t.Helper()
	var link struct{ URL string }
	if code := post(n.t, s.URL+"/api/sign-in-links", n.decide, map[string]any{"person": map[string]string{"userId": who}, "attested": true}, &link); code != http.StatusOK {
		n.t.Fatalf("no sign-in link: %d", code)
	}
	res := n.visits(n.other(s), http.MethodGet, link.URL, nil, nil)
	for _, c := range res.Cookies() {
		if c.MaxAge >= 0 && c.Value != "" {
			return c
		}
	}
	n.t.Fatalf("the link lets nobody in: %d", res.StatusCode)
	return nil
}

func (n *nodes) visits(s *serving, method, path string, cookie *http.Cookie, form url.Values) *http.Response {
	n.t.Helper()
	req, err := http.NewRequest(method, s.URL+path, strings.NewReader(form.Encode()))
	if err != nil {
		n.t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.Header.Set("Sec-Fetch-Site", "same-origin")
	if cookie != nil {
		req.AddCookie(cookie)
	}
	client := http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	res, err := client.Do(req)
	if err != nil {
		n.t.Fatal(err)
	}
	body, err := io.ReadAll(res.Body)
	if err != nil {
		n.t.Fatal(err)
	}
	_ = res.Body.Close()
	res.Body = io.NopCloser(strings.NewReader(string(body)))
	return res
}

// says sends one form of the trust centre, which must be taken.
func (n *nodes) says(s *serving, who, door string, form url.Values) {
	n.t.Helper()
	res := n.visits(s, http.MethodPost, "/trust/"+door, n.cookies[who], form)
	if to := res.Header.Get("Location"); res.StatusCode != http.StatusSeeOther || strings.Contains(to, "said=ended") || !strings.Contains(to, "said=") {
		body, _ := io.ReadAll(res.Body)
		n.t.Fatalf("%s gave %d %s %s", door, res.StatusCode, to, body)
	}
}

func (n *nodes) any() *serving { return n.all[n.rand.IntN(len(n.all))] }

func (n *nodes) other(than *serving) *serving {
	for {
		if s := n.any(); s != than {
			return s
		}
	}
}

func (n *nodes) next() int { n.serial++; return n.serial }

// somebody is new: known at one node since a moment ago, with a yes.
func (n *nodes) somebody(s *serving) string {
	who := fmt.Sprintf("new-%d", n.next())
	sends(n.t, s.URL, n.key, map[string]any{"type": "identify", "messageId": who, "userId": who, "traits": map[string]any{"motto": "carpe diem"},
		"context": map[string]any{"consent": map[string]any{"categoryPreferences": map[string]bool{"suits": true}}}})
	return who
}

// one of a few people who are there for a kind of act.
func (n *nodes) one(kind string) string {
	who := fmt.Sprintf("%s-%d", kind, n.rand.IntN(3))
	if n.cookies[who] == nil {
		n.cookies[who] = n.signs(n.any(), who)
		if kind == "correction" { // of what needs an express yes
			n.says(n.any(), who, "choose", url.Values{"purpose": {"sensitive"}, "answer": {"yes"}})
			sends(n.t, n.any().URL, n.key, map[string]any{"type": "identify", "messageId": "diet of " + who, "userId": who, "traits": map[string]any{"diet": "none"}})
		}
	}
	return who
}

// flip turns what is so of somebody into its opposite, and gives what is so now.
func (n *nodes) flip(kind, who string) bool {
	n.is[kind+who] = !n.is[kind+who]
	return n.is[kind+who]
}

var answers = map[bool]string{true: "yes", false: "no"}

// acts are the kinds of things that may be done at one node. Each is done at a node and gives what must be so at every node from then on:
// empty when it is, else what is wrong.
var acts = map[string]func(n *nodes, at *serving) func(s *serving) string{
	"choice": func(n *nodes, at *serving) func(*serving) string {
		who := n.one("choice")
		no := n.flip("choice", who)
		n.says(at, who, "choose", url.Values{"purpose": {"personalise"}, "answer": {answers[!no]}})
		return func(s *serving) string {
			if got := n.asks(s, who, "brazen").held("Order Completed"); (got == "permission") != no {
				return fmt.Sprintf("said no: %v, and the orders are held for %q", no, got)
			}
			return ""
		}
	},
	"objection": func(n *nodes, at *serving) func(*serving) string {
		who := n.one("objection")
		objects := n.flip("objection", who)
		n.says(at, who, "choose", url.Values{"purpose": {"measure"}, "answer": {answers[!objects]}})
		return func(s *serving) string {
			if got := n.asks(s, who, "wall").held("Order Completed"); (got == "permission") != objects {
				return fmt.Sprintf("objects: %v, and the orders are held for %q", objects, got)
			}
			return ""
		}
	},
	"restriction": func(n *nodes, at *serving) func(*serving) string {
		who := n.one("restriction")
		on := n.flip("restriction", who)
		n.says(at, who, "restrict", url.Values{"on": {answers[on]}})
		return func(s *serving) string {
			if got := n.asks(s, who, "brazen").held("Order Completed"); (got == "restricted") != on {
				return fmt.Sprintf("restricted: %v, and the orders are held for %q", on, got)
			}
			return ""
		}
	},
	"correction": func(n *nodes, at *serving) func(*serving) string {
		who := n.one("correction")
		diabetic := n.flip("correction", who)
		n.says(at, who, "correct", url.Values{"fact": {"diet"}, "value": {map[bool]string{true: "diabetic", false: "none"}[diabetic]}})
		motto := fmt.Sprintf("motto %d", n.next())
		n.says(n.other(at), who, "correct", url.Values{"fact": {"motto"}, "value": {motto}})
		return func(s *serving) string {
			if body, _ := io.ReadAll(n.visits(s, http.MethodGet, "/trust/facts", n.cookies[who], nil).Body); !strings.Contains(string(body), motto) {
				return "a fact that was corrected is as it was"
			}
			for _, it := range n.asks(s, who, "brazen").Items {
				if diabetic && strings.HasPrefix(it.ID, "cake") {
					return "a diabetic is shown cake"
				}
			}
			return ""
		}
	},
	"removal": func(n *nodes, at *serving) func(*serving) string {
		who := n.somebody(n.any())
		n.cookies[who] = n.signs(n.any(), who)
		n.says(at, who, "remove", url.Values{"fact": {"motto"}})
		return func(s *serving) string {
			if body, _ := io.ReadAll(n.visits(s, http.MethodGet, "/trust/facts", n.cookies[who], nil).Body); strings.Contains(string(body), "carpe diem") {
				return "a fact that was removed is there"
			}
			return ""
		}
	},
	"complaint": func(n *nodes, at *serving) func(*serving) string {
		who := n.one("complaint")
		if n.level[who] == "" {
			n.level[who] = n.asks(at, who, "brazen").Relationship.Level
		}
		open := n.flip("complaint", who)
		if code := post(n.t, at.URL+"/api/complaints", n.decide, map[string]any{"person": map[string]string{"userId": who}, "complaint": "late", "state": map[bool]string{true: "open", false: "closed"}[open]}, nil); code != http.StatusOK {
			n.t.Fatalf("a complaint was answered with %d", code)
		}
		return func(s *serving) string {
			if got := n.asks(s, who, "brazen").Relationship.Level; (got != n.level[who]) != open {
				return fmt.Sprintf("a complaint is open: %v, and the level is %s as it was %s", open, got, n.level[who])
			}
			return ""
		}
	},
	"not again": func(n *nodes, at *serving) func(*serving) string {
		who := n.somebody(n.any())
		d := n.asks(n.any(), who, "brazen")
		item := d.Items[n.rand.IntN(len(d.Items))].ID
		n.feedback(at, d.Decision, item, "not-for-me")
		return func(s *serving) string {
			if n.asks(s, who, "brazen").shows(item) {
				return "an item that is not for them is shown again"
			}
			return ""
		}
	},
	"too personal": func(n *nodes, at *serving) func(*serving) string {
		if len(n.crowd) == 0 {
			return nil
		}
		who := n.crowd[0]
		n.crowd = n.crowd[1:]
		d := n.asks(n.any(), who, "brazen")
		n.feedback(at, d.Decision, d.Items[0].ID, "too-personal")
		return func(s *serving) string {
			if got := n.asks(s, who, "brazen").Relationship.Level; got == d.Relationship.Level {
				return "it was too personal, and the level is still " + got
			}
			return ""
		}
	},
	"cap": func(n *nodes, at *serving) func(*serving) string {
		who := n.somebody(n.any())
		for i := range 3 {
			s := n.any()
			d := n.asks(s, who, "brazen")
			if len(d.Items) == 0 {
				return func(*serving) string { return fmt.Sprintf("nothing is shown after %d times, and three are allowed", i) }
			}
			if code := post(n.t, n.other(s).URL+"/api/shown", n.decide, map[string]any{"decision": d.Decision, "items": []string{d.Items[0].ID}}, nil); code != http.StatusOK {
				n.t.Fatalf("what was shown was answered with %d", code)
			}
		}
		return func(s *serving) string {
			if d := n.asks(s, who, "brazen"); len(d.Items) > 0 || d.Short == nil || d.Short.Reason != "cap" {
				return fmt.Sprintf("shown three times, and %d items come", len(d.Items))
			}
			return ""
		}
	},
	"token": func(n *nodes, _ *serving) func(*serving) string {
		name := fmt.Sprintf("token-%d", n.next())
		token, err := n.command.mint(context.Background(), tokenArgs{Role: "decide", Name: name})
		if err != nil {
			n.t.Fatal(err)
		}
		try := func(s *serving) int {
			return post(n.t, s.URL+"/api/decide", token, map[string]any{"placement": "brazen"}, nil)
		}
		for _, s := range n.all {
			if code := try(s); code != http.StatusOK {
				n.t.Fatalf("a token that was made a moment ago is answered with %d", code)
			}
		}
		if revoked, err := n.command.revoke(context.Background(), named(name)); err != nil || revoked != 1 {
			n.t.Fatal(revoked, err)
		}
		return func(s *serving) string {
			if code := try(s); code != http.StatusUnauthorized {
				return fmt.Sprintf("a revoked token is answered with %d", code)
			}
			return ""
		}
	},
	"session": func(n *nodes, at *serving) func(*serving) string {
		cookie := n.signs(at, fmt.Sprintf("choice-%d", n.rand.IntN(3)))
		signedIn := func(s *serving) bool {
			body, _ := io.ReadAll(n.visits(s, http.MethodGet, "/trust", cookie, nil).Body)
			return strings.Contains(string(body), "/trust/sign-out")
		}
		for _, s := range n.all {
			if !signedIn(s) {
				n.t.Fatal("a session that began at one node is none at another")
			}
		}
		if res := n.visits(at, http.MethodPost, "/trust/sign-out", cookie, nil); res.StatusCode != http.StatusSeeOther {
			n.t.Fatalf("signing out gave %d", res.StatusCode)
		}
		return func(s *serving) string {
			if signedIn(s) {
				return "an ended session lets in"
			}
			return ""
		}
	},
	"catalogue": func(n *nodes, at *serving) func(*serving) string {
		gone := n.flip("catalogue", "")
		name := fmt.Sprintf("bread, baking %d", n.next())
		stock := 1
		if gone {
			stock = 0
		}
		if code := n.items(at, map[string]any{"id": "bread-3", "name": name, "stock": stock}); code != http.StatusOK {
			n.t.Fatalf("an item was answered with %d", code)
		}
		return func(s *serving) string {
			var it struct{ Name string }
			if code := gets(n.t, s.URL+"/api/items/bread-3", "", &it); code != http.StatusOK || it.Name != name {
				return fmt.Sprintf("the catalogue says %q (%d)", it.Name, code)
			}
			if gone && n.asks(s, "choice-0", "brazen").shows("bread-3") { // back in stock it waits for the next learning
				return "it is out of stock, and is offered"
			}
			return ""
		}
	},
	"model": func(n *nodes, _ *serving) func(*serving) string {
		learnt, err := n.command.learn(context.Background(), "learn", func(float64) {})
		if err != nil {
			n.t.Fatal(err)
		}
		return func(s *serving) string {
			if got := n.asks(s, "complaint-0", "brazen").Models["recommend"]; got != learnt.version {
				return fmt.Sprintf("model %s decides when %s was learnt", got, learnt.version)
			}
			return ""
		}
	},
	"charter": func(n *nodes, _ *serving) func(*serving) string {
		most := 3
		if n.flip("charter", "") {
			most = 5
		}
		source := strings.Replace(n.charter, "tolerates: 0.1, items: 3,", fmt.Sprintf("tolerates: 0.1, items: %d,", most), 1) + fmt.Sprintf("# version %d\n", n.next())
		a, err := n.command.accept(context.Background(), []byte(source), "test")
		if err != nil {
			n.t.Fatal(err)
		}
		return func(s *serving) string {
			if d := n.asks(s, n.somebody(s), "shy"); d.Charter != a.Position || len(d.Items) != most {
				return fmt.Sprintf("charter %d decides with %d items when %d is in force with %d", d.Charter, len(d.Items), a.Position, most)
			}
			return ""
		}
	},
}

func (n *nodes) feedback(s *serving, decision, item, kind string) {
	n.t.Helper()
	var said struct{ Remembered bool }
	if code := post(n.t, s.URL+"/api/feedback", n.decide, map[string]any{"decision": decision, "item": item, "kind": kind}, &said); code != http.StatusOK || !said.Remembered {
		n.t.Fatalf("feedback was answered with %d, remembered %v", code, said.Remembered)
	}
}

func (n *nodes) items(s *serving, items ...map[string]any) int {
	n.t.Helper()
	return send(n.t, http.MethodPut, s.URL+"/api/items", n.key, items, nil)
}

// severalNodes serves a home three times, with a catalogue, people with histories, and a model.
func severalNodes(t *testing.T, seed uint64, crowd int) *nodes {
	t.Helper()
	n := &nodes{t: t, rand: rand.New(rand.NewPCG(seed, 0)), cookies: map[string]*http.Cookie{}, is: map[string]bool{}, level: map[string]string{}}
	source, err := os.ReadFile("testdata/reference.yaml")
	if err != nil {
		t.Fatal(err)
	}
	n.charter = strings.NewReplacer("tolerates: 1.0, items: 4,", "tolerates: 1.0, items: 20,", "learnt: declared}", "learnt: declared, consent-categories: {suits: personalise}}").Replace(string(source))
	home, db := homeOf(t, []byte(n.charter)), pgtest.URL(t)
	n.database = db
	n.command, err = openHouse(t.Context(), homeOptions{Home: home, Database: db})
	if err != nil {
		t.Fatal(err)
	}
	n.command.log = slog.New(slog.DiscardHandler)
	t.Cleanup(n.command.Close)
	n.decide, err = n.command.mint(t.Context(), tokenArgs{Role: "decide", Name: "shop", Attest: true, Explain: true})
	if err != nil {
		t.Fatal(err)
	}
	text, kept, err := access.Mint(access.Token{Role: access.Source, Name: "signup", Source: "signup", Rate: 1e6, Issued: n.command.clock()})
	if err == nil {
		n.key, err = text, n.command.store.PutToken(t.Context(), kept)
	}
	if err != nil {
		t.Fatal(err)
	}
	for range 3 {
		n.all = append(n.all, serveHome(t, home, "--database", db))
	}
	now := time.Now().UTC()
	n.at = now.Add(6 * time.Hour).Format(time.RFC3339) // after all that is said here: permission must hold then too
	var shelf []map[string]any
	for i := range 8 {
		shelf = append(shelf, map[string]any{"id": fmt.Sprintf("bread-%d", i), "name": "bread"}, map[string]any{"id": fmt.Sprintf("cake-%d", i), "name": "cake", "tags": []string{"sweets"}})
	}
	if code := n.items(n.all[0], shelf...); code != http.StatusOK {
		t.Fatalf("the catalogue was answered with %d", code)
	}
	people := []string{}
	for _, kind := range []string{"choice", "objection", "restriction", "correction", "complaint"} {
		for i := range 3 {
			people = append(people, fmt.Sprintf("%s-%d", kind, i))
		}
	}
	for i := range crowd {
		n.crowd = append(n.crowd, fmt.Sprintf("crowd-%d", i))
	}
	for i, who := range append(people, n.crowd...) {
		messages := []map[string]any{{"type": "identify", "messageId": who, "userId": who, "traits": map[string]any{"motto": "carpe diem"}, "context": map[string]any{"consent": map[string]any{"categoryPreferences": map[string]bool{"suits": true}}}}}
		for day := range 5 {
			messages = append(messages, map[string]any{"type": "track", "event": "Order Completed", "messageId": fmt.Sprint(who, " ", day), "userId": who, "timestamp": now.AddDate(0, 0, -1-10*day).Format(time.RFC3339),
				"properties": map[string]any{"order_id": fmt.Sprint(who, day), "products": []any{map[string]any{"product_id": fmt.Sprintf("bread-%d", (2*i+day)%8), "quantity": 1}}}})
		}
		sends(t, n.any().URL, n.key, messages...)
	}
	if err := n.command.fold(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := n.command.learn(t.Context(), "learn", func(float64) {}); err != nil {
		t.Fatal(err)
	}
	return n
}

// TestSeveralNodesKeepNothingFromEachOther does something at one of three processes and looks at the very next decision of each, in random
// order, again and again: it must be in force everywhere, and all three must answer the same.
func TestSeveralNodesKeepNothingFromEachOther(t *testing.T) {
	seed := seedtest.Seed()
	rounds := torture.Rounds(150, 6000)
	t.Logf("seed %d", seed)
	n := severalNodes(t, seed, max(5, rounds/40))
	var kinds []string
	for kind := range acts {
		kinds = append(kinds, kind)
	}
	slices.Sort(kinds)
	done := map[string]int{}
	began := time.Now()
	for round := range rounds {
		kind := kinds[n.rand.IntN(len(kinds))]
		at := n.any()
		check := acts[kind](n, at)
		if check == nil {
			continue
		}
		done[kind]++
		for _, i := range n.rand.Perm(len(n.all)) {
			if wrong := check(n.all[i]); wrong != "" {
				t.Fatalf("seed %d, round %d: %s at node %d, and at node %d: %s", seed, round, kind, slices.Index(n.all, at), i, wrong)
			}
		}
		who := fmt.Sprintf("%s-%d", []string{"choice", "objection", "restriction", "correction", "complaint"}[n.rand.IntN(5)], n.rand.IntN(3))
		for _, placement := range []string{"brazen", "wall"} {
			first := n.asks(n.all[0], who, placement).all
			for _, s := range n.all[1:] {
				if d := cmp.Diff(first, n.asks(s, who, placement).all); d != "" {
					t.Fatalf("seed %d, round %d, after %s: two nodes decide otherwise: %s", seed, round, kind, d)
				}
			}
		}
	}
	for kind := range acts {
		if done[kind] == 0 {
			t.Errorf("no %s was tried", kind)
		}
	}
	t.Logf("%d rounds in %v, %d decisions degraded and asked again: %v", rounds, time.Since(began).Round(time.Millisecond), n.degraded, done)
	if out := must(t, "ledger", "verify", "--home", n.command.dir, "--database", n.database); !strings.Contains(out, "whole") {
		t.Errorf("the ledger: %s", out)
	}
}
