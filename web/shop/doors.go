package shop

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"time"
)

// doors speaks to Rapport as any brand's server does: over its public HTTP API with a source key and a decide token.
type doors struct {
	client    *http.Client
	base      string
	sourceKey string
	token     string
}

// who is the person in the words of the API: the shop knows a user id after sign-in, and a random device id before.
type who struct {
	UserID      string `json:"userId,omitempty"`
	AnonymousID string `json:"anonymousId,omitempty"`
}

// decision is what the shop reads of POST /api/decide; the answer may grow without it.
type decision struct {
	ID           string `json:"decision"`
	Placement    string `json:"placement"`
	Rung         string `json:"rung"`
	Relationship struct {
		Level   string `json:"level"`
		Because string `json:"because"`
	} `json:"relationship"`
	Items []offer `json:"items"`
	Short struct {
		Text string `json:"text"`
	} `json:"short"`
	Held     []held `json:"held"` // only for a token that may explain
	Charter  int    `json:"charter"`
	Degraded string `json:"degraded"`
}

// offer is one item that was decided on, with the arithmetic that brought it here.
type offer struct {
	ID      string  `json:"id"`
	Name    string  `json:"name"`
	Score   float64 `json:"score"`
	Because []part  `json:"because"`
	Moved   []struct {
		Text string `json:"text"`
		From int    `json:"from"`
		To   int    `json:"to"`
	} `json:"moved"`
}

// part is one contribution to a score; the parts add up to it.
type part struct {
	Text   string  `json:"text"`
	Weight float64 `json:"weight"`
	Source string  `json:"source"`
}

// held is what could have been used and was not.
type held struct {
	Fact   string `json:"fact"`
	Reason string `json:"reason"`
	Count  int    `json:"count"`
	Text   string `json:"text"`
}

// question is what the shop asks: about whom, said how, and what this visit knows.
type question struct {
	person   who
	attested bool // the shop itself saw this person sign in
	gpc      bool
	language string
	already  []string // products not to be offered
}

// decide asks for several placements at once, so that no item stands twice on a page. An answer that does not come is no
// answer: the page goes on without recommendations.
func (d *doors) decide(ctx context.Context, q question, placements ...string) ([]decision, error) {
	body := map[string]any{"person": q.person, "placements": placements, "attested": q.attested, "already": q.already,
		"context": map[string]any{"language": q.language}, "signals": map[string]any{"gpc": q.gpc}}
	var out struct {
		Decisions []decision `json:"decisions"`
	}
	if err := d.call(ctx, "POST", "/api/decide", d.token, body, &out); err != nil {
		return nil, err
	}
	return out.Decisions, nil
}

// shown tells what was really on the page: caps and exposure count that.
func (d *doors) shown(ctx context.Context, dec decision) error {
	ids := make([]string, len(dec.Items))
	for i, it := range dec.Items {
		ids[i] = it.ID
	}
	return d.call(ctx, "POST", "/api/shown", d.token, map[string]any{"decision": dec.ID, "items": ids}, nil)
}

// feedback passes on what the person says of an item. It is remembered only for people who said yes to that.
func (d *doors) feedback(ctx context.Context, decision, item, kind string) (remembered bool, err error) {
	var out struct {
		Remembered bool `json:"remembered"`
	}
	err = d.call(ctx, "POST", "/api/feedback", d.token, map[string]any{"decision": decision, "item": item, "kind": kind}, &out)
	return out.Remembered, err
}

// signInLink asks for a single-use way into the trust centre for the person who is signed in at the shop.
func (d *doors) signInLink(ctx context.Context, p who) (string, error) {
	var out struct {
		URL string `json:"url"`
	}
	err := d.call(ctx, "POST", "/api/sign-in-links", d.token, map[string]any{"person": p, "attested": true}, &out)
	return out.URL, err
}

// goesWith lists what others take with a product. It is the same for everybody.
func (d *doors) goesWith(ctx context.Context, id string) ([]string, error) {
	var out struct {
		Items []string `json:"items"`
	}
	err := d.call(ctx, "GET", "/api/items/"+url.PathEscape(id)+"/goes-with", d.token, nil, &out)
	return out.Items, err
}

// sent is an event on its way: when it left, and when the door had it on disk.
type sent struct {
	Event      string
	Fields     []string // names only
	Left, Done time.Time
}

// track sends one event as a server does: the shop's own server knows who is signed in.
func (d *doors) track(ctx context.Context, p who, event string, properties map[string]any) (sent, error) {
	return d.message(ctx, p, event, map[string]any{"type": "track", "event": event, "properties": properties}, properties)
}

// identify tells that this user signed in on this device: both ids together are a sign-in when a server says them.
func (d *doors) identify(ctx context.Context, user, device string) (sent, error) {
	return d.message(ctx, who{UserID: user, AnonymousID: device}, "identify", map[string]any{"type": "identify"}, nil)
}

// choose passes on a choice, in the words that consent tools use. The charter says which purpose the category stands for.
func (d *doors) choose(ctx context.Context, p who, yes bool) (sent, error) {
	consent := map[string]any{"categoryPreferences": map[string]bool{"personalization": yes}}
	return d.message(ctx, p, "identify", map[string]any{"type": "identify", "context": map[string]any{"consent": consent}}, nil)
}

// message fills in what all messages have. A retry of the same message would carry the same messageId, and count once.
func (d *doors) message(ctx context.Context, p who, name string, m, properties map[string]any) (sent, error) {
	s := sent{Event: name, Fields: slices.Sorted(maps.Keys(properties)), Left: time.Now()}
	now := s.Left.UTC().Format(time.RFC3339Nano)
	m["messageId"], m["timestamp"], m["sentAt"], m["writeKey"] = "shop-"+newID(), now, now, d.sourceKey
	if p.UserID != "" {
		m["userId"] = p.UserID
	}
	if p.AnonymousID != "" {
		m["anonymousId"] = p.AnonymousID
	}
	err := d.call(ctx, "POST", "/v1/"+m["type"].(string), "", m, nil)
	s.Done = time.Now()
	return s, err
}

// arrival is what became of one message, as its source's owner may read it: names of fields and reasons, no values.
type arrival struct {
	Arrived time.Time `json:"arrived"`
	Event   string    `json:"event"`
	Kept    bool      `json:"kept"`
	Reason  string    `json:"reason"`
	Field   string    `json:"field"`
	Fields  []struct {
		Name   string `json:"name"`
		Reason string `json:"reason"`
	} `json:"fields"`
}

// recent lists what became of the latest messages of this shop's source.
func (d *doors) recent(ctx context.Context) ([]arrival, error) {
	var out struct {
		Events []arrival `json:"events"`
	}
	err := d.call(ctx, "GET", "/api/events/recent", d.sourceKey, nil, &out)
	return out.Events, err
}

var errDoor = errors.New("the door did not answer as expected")

// longest is the longest answer that is read, in bytes.
const longest = 1 << 20

func (d *doors) call(ctx context.Context, method, path, token string, body, into any) error {
	var raw []byte
	if body != nil {
		var err error
		if raw, err = json.Marshal(body); err != nil {
			return err
		}
	}
	req, err := http.NewRequestWithContext(ctx, method, d.base+path, bytes.NewReader(raw))
	if err != nil {
		return err
	}
	if body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	if token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	res, err := d.client.Do(req)
	if err != nil {
		return err
	}
	defer func() { _ = res.Body.Close() }()
	answer, err := io.ReadAll(io.LimitReader(res.Body, longest))
	if err != nil {
		return err
	}
	if res.StatusCode >= 300 {
		var p struct{ Code string }
		_ = json.Unmarshal(answer, &p)
		return fmt.Errorf("%w: %s gave %d %s", errDoor, method, res.StatusCode, p.Code)
	}
	if into == nil || len(answer) == 0 {
		return nil
	}
	return json.Unmarshal(answer, into)
}
