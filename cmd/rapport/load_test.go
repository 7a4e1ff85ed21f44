package main

import (
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"math"
	"math/rand/v2"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/rapporthq/rapport/person"
	"github.com/rapporthq/rapport/reach/prove"
	"github.com/rapporthq/rapport/trust/consent"
	"github.com/rapporthq/rapport/trust/tact"
	"github.com/rapporthq/rapport/trust/vault"
)

// load sends batches of orders over several connections, each with somebody's choice, and looks at what one person was shown. It
// remembers what was acknowledged.
type load struct {
	key     string // a write key
	decides string // a token that asks for decisions
	looks   string // a token of the privacy team

	mu     sync.Mutex
	next   int
	acked  map[string]int64 // order ids whose batch got a 200, and the place then; the choice that came with the batch has the first one's name
	sent   map[string]bool
	first  map[string]bool // of sent: the first of their batch
	again  [][]string      // batches of which nobody knows whether they arrived: half of them are sent again
	odd    []int           // answers that are neither 200 nor the end of the connection
	look   int
	seen   map[string]int64 // reasons of looks that were answered with 200, and the place then
	asked  map[string]bool  // and of all
	unable int              // answers 503: the batch is sent again, as a client does that was told to
	place  func() int64     // where the record of the disk is; nil: there is none
}

const (
	connections = 6
	batchSize   = 20
	lookedAt    = "shopper-0" // who is looked at; in every batch
)

// newLoad makes the keys and tokens that a load needs in a home.
func newLoad(t *testing.T, at ...string) *load {
	t.Helper()
	return loadWith(func(role ...string) string { return must(t, append(append([]string{"token"}, role...), at...)...) })
}

func loadWith(token func(role ...string) string) *load {
	return &load{key: token("--role", "source", "--name", "signup"), decides: token("--role", "decide", "--name", "site", "--attest", "--explain"),
		looks: token("--role", "privacy", "--name", "pia"), acked: map[string]int64{}, sent: map[string]bool{}, first: map[string]bool{}, seen: map[string]int64{}, asked: map[string]bool{}}
}

func (l *load) batch() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	if n := len(l.again); n > 0 {
		ids := l.again[n-1]
		l.again = l.again[:n-1]
		return ids
	}
	ids := make([]string, batchSize)
	for i := range ids {
		ids[i] = fmt.Sprintf("order-%d", l.next)
		l.sent[ids[i]] = true
		l.next++
	}
	l.first[ids[0]] = true
	return ids
}

// body holds the orders, as many events that the charter refuses, and one choice.
func (l *load) body(ids []string) []byte {
	var b strings.Builder
	b.WriteString(`{"batch":[`)
	for i, id := range ids {
		fmt.Fprintf(&b, `{"type":"track","messageId":"m-%s","userId":"shopper-%d","event":"Order Completed","properties":{"order_id":"%s","secret":"refused","products":[{"product_id":"sku-%d","quantity":1}]}},`+
			`{"type":"track","messageId":"r-%s","userId":"shopper-%d","event":"Never Declared","properties":{"order_id":"%s"}},`, id, i*7%50, id, i, id, i*7%50, id)
	}
	fmt.Fprintf(&b, `{"type":"identify","messageId":"c-%s","userId":"chooser-%s","context":{"consent":{"categoryPreferences":{"personalization":true,"advertising":false}}}}]}`, ids[0], ids[0])
	return []byte(b.String())
}

// took notes what became of a batch, and says whether to go on.
func (l *load) took(ids []string, status int, err error) bool {
	place := l.now()
	l.mu.Lock()
	defer l.mu.Unlock()
	switch {
	case err != nil:
		if rand.IntN(2) == 0 {
			l.again = append(l.again, ids)
		}
	case status == http.StatusOK:
		for _, id := range ids {
			l.acked[id] = place
		}
	case status == http.StatusServiceUnavailable:
		l.unable++
		l.again = append(l.again, ids)
	default:
		l.odd = append(l.odd, status)
	}
	return err == nil && (status == http.StatusOK || status == http.StatusServiceUnavailable)
}

func (l *load) now() int64 {
	if l.place == nil {
		return 0
	}
	return l.place()
}

// upTo is the load as it was at a place of the record.
func (l *load) upTo(place int64) *load {
	late := func(_ string, at int64) bool { return at > place }
	out := &load{acked: maps.Clone(l.acked), sent: l.sent, first: l.first, seen: maps.Clone(l.seen), asked: l.asked}
	maps.DeleteFunc(out.acked, late)
	maps.DeleteFunc(out.seen, late)
	return out
}

// run sends until the server is gone. acknowledged is told of each 200.
func (l *load) run(url string, acknowledged func()) {
	var wg sync.WaitGroup
	for range connections {
		wg.Go(func() {
			for {
				ids := l.batch()
				status, _, err := collects(url+"/v1/batch", l.key, l.body(ids), nil)
				if !l.took(ids, status, err) {
					return
				}
				if status == http.StatusOK {
					acknowledged()
				}
			}
		})
	}
	wg.Go(func() { l.watch(url) })
	wg.Wait()
}

// watch looks at a decision about one person, again and again, each time for another reason, until the server is gone.
func (l *load) watch(url string) {
	ask := func(method, path, token, body, reason string) ([]byte, int, error) {
		req, err := http.NewRequest(method, url+path, strings.NewReader(body))
		if err != nil {
			return nil, 0, err
		}
		req.Header.Set("Authorization", "Bearer "+token)
		req.Header.Set("Content-Type", "application/json")
		if reason != "" {
			req.Header.Set("Rapport-Purpose", "service")
			req.Header.Set("Rapport-Reason", reason)
		}
		res, err := http.DefaultClient.Do(req)
		if err != nil {
			return nil, 0, err
		}
		defer func() { _ = res.Body.Close() }()
		raw, err := io.ReadAll(res.Body)
		return raw, res.StatusCode, err
	}
	decision := ""
	for {
		if decision == "" {
			raw, _, err := ask(http.MethodPost, "/api/decide", l.decides, `{"person":{"userId":"`+lookedAt+`"},"attested":true,"placement":"home"}`, "")
			if err != nil {
				return
			}
			var d struct{ Decision, Feedback string }
			if json.Unmarshal(raw, &d) == nil && d.Feedback != "" { // nobody is known before the first batch
				decision = d.Decision
			}
			continue
		}
		l.mu.Lock()
		reason := fmt.Sprintf("look-%d", l.look)
		l.look++
		l.asked[reason] = true
		l.mu.Unlock()
		_, status, err := ask(http.MethodGet, "/api/decisions/"+decision, l.looks, "", reason)
		if err != nil {
			return
		}
		place := l.now()
		l.mu.Lock()
		if status == http.StatusOK {
			l.seen[reason] = place
		} else if status != http.StatusServiceUnavailable {
			l.odd = append(l.odd, status)
		}
		l.mu.Unlock()
	}
}

// kept reads a home to its end: what was acknowledged of the load is there once, nothing else of it twice, nothing that was refused, nothing
// that nobody sent, the files are sound and the ledger is whole. also are orders that came another way and must be there once.
func (l *load) kept(t *testing.T, o homeOptions, also ...string) {
	t.Helper()
	c := l.compare(t, o, also...)
	if c.lost+c.twice+c.foreign > 0 || c.damage != "" {
		t.Errorf("of %d acknowledged orders and %d looks, with their choices, %d are lost; %d are there twice; %d things are there that should not be; %s", len(l.acked)+len(also), len(l.seen), c.lost, c.twice, c.foreign, c.damage)
	}
	t.Logf("%d orders and %d looks acknowledged; %d orders found", len(l.acked)+len(also), len(l.seen), c.found)
}

// compared is how a home differs from what was acknowledged.
type compared struct {
	lost, twice, foreign, found int
	damage                      string // of files and ledger
}

func (l *load) compare(t *testing.T, o homeOptions, also ...string) (c compared) {
	t.Helper()
	w := opened(t, o)
	defer w.h.Close()
	all := w.everybody()
	found := orders(all)
	c.found = len(found)
	want := map[string]int64{}
	for _, id := range also {
		want[id] = 0
	}
	for _, ids := range []map[string]int64{l.acked, want} {
		for id := range ids {
			if found[id] == 0 {
				c.lost++
			}
		}
	}
	for id, times := range found {
		if times > 1 {
			c.twice++
		}
		if _, brought := want[id]; !brought && !l.sent[id] {
			c.foreign++
		}
	}
	choices, choosers := map[person.ID]bool{}, 0
	for _, k := range all {
		for _, e := range k.Events {
			if _, there := e.Properties["secret"]; there || e.Name != "Order Completed" || len(e.Lines) != 1 {
				c.foreign++
			}
		}
		if len(k.Record.Choices) == 0 {
			continue
		}
		choosers++
		choices[k.Record.Who.Root] = true
		if k.said("personalise") != consent.Yes || k.said("email") != consent.No || len(k.Record.Choices) != 2 {
			c.foreign++
		}
	}
	for id := range l.first {
		if _, acked := l.acked[id]; !acked {
			continue
		}
		if k := w.person(vault.UserID, "chooser-"+id); k == nil || !choices[k.Record.Who.Root] {
			c.lost++
		}
	}
	if choosers > len(l.first) {
		c.foreign++
	}
	looks := w.reasons(lookedAt)
	for reason := range l.seen {
		if looks[reason] == 0 {
			c.lost++
		}
	}
	for reason, times := range looks {
		if strings.HasPrefix(reason, "look-") && (times > 1 || !l.asked[reason]) {
			c.twice++
		}
	}
	if health, err := w.h.store.Health(t.Context()); err != nil || len(health.Damage) > 0 {
		c.damage = fmt.Sprintf("the files: %v %v. ", err, health.Damage)
	}
	if rep, err := prove.VerifyLedger(t.Context(), w.h.proving("test", "")); err != nil || !rep.OK() {
		c.damage += fmt.Sprintf("The ledger: %v %+v", err, rep)
	}
	return c
}

// reasons counts the looks at a person by their reasons; empty when nobody has that name.
func (w *wholeHome) reasons(user string) map[string]int {
	w.t.Helper()
	out := map[string]int{}
	k := w.person(vault.UserID, user)
	if k == nil {
		return out
	}
	rows, err := w.h.store.Ledger().Looks(w.t.Context(), k.Record.Who.All(), math.MaxInt32)
	if err != nil {
		w.t.Fatal(err)
	}
	now := w.h.clock()
	permit := tact.ForSelf(k.Record.Who, w.h.charter().Position, now.Add(time.Hour))
	for _, row := range rows {
		if row.Of.IsZero() {
			continue
		}
		reason, err := k.Record.Reason(permit, now, row)
		if err != nil {
			w.t.Fatal(err)
		}
		out[reason]++
	}
	return out
}
