package shop

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
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

// decision is what the shop reads of POST /api/decide; interfaces for the rest can grow without it.
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
		Reason string `json:"reason"`
		Text   string `json:"text"`
	} `json:"short"`
	Feedback string `json:"feedback"`
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

// decide asks for several placements at once, so that no item stands twice on a page. An answer that does not come is no
// answer: the page goes on without recommendations.
func (d *doors) decide(ctx context.Context, p who, signedIn bool, gpc bool, lang string, placements ...string) ([]decision, error) {
	body := map[string]any{"person": p, "placements": placements, "attested": signedIn,
		"context": map[string]any{"language": lang}, "signals": map[string]any{"gpc": gpc}}
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

func (d *doors) feedback(ctx context.Context, decision, item, kind string) error {
	return d.call(ctx, "POST", "/api/feedback", d.token, map[string]any{"decision": decision, "item": item, "kind": kind}, nil)
}

// signInLink asks for a single-use way into the trust centre for the person who is signed in at the shop.
func (d *doors) signInLink(ctx context.Context, p who) (string, error) {
	var out struct {
		URL string `json:"url"`
	}
	err := d.call(ctx, "POST", "/api/sign-in-links", d.token, map[string]any{"person": p, "attested": true}, &out)
	return out.URL, err
}

// identify tells that this user signed in on this device.
func (d *doors) identify(ctx context.Context, user, device string) error {
	now := time.Now().UTC().Format(time.RFC3339Nano)
	return d.call(ctx, "POST", "/v1/identify", "", map[string]any{"type": "identify", "userId": user, "anonymousId": device, "messageId": "shop-" + newID(),
		"timestamp": now, "sentAt": now, "writeKey": d.sourceKey}, nil)
}

// track sends one event as a server does: the shop's own server knows who is signed in.
func (d *doors) track(ctx context.Context, p who, event string, properties map[string]any) error {
	id := newID()
	now := time.Now().UTC().Format(time.RFC3339Nano)
	body := map[string]any{"type": "track", "event": event, "properties": properties, "messageId": "shop-" + id, "timestamp": now, "sentAt": now}
	if p.UserID != "" {
		body["userId"] = p.UserID
	}
	if p.AnonymousID != "" {
		body["anonymousId"] = p.AnonymousID
	}
	body["writeKey"] = d.sourceKey
	return d.call(ctx, "POST", "/v1/track", "", body, nil)
}

var errDoor = errors.New("the door did not answer as expected")

func (d *doors) call(ctx context.Context, method, path, token string, body, into any) error {
	raw, err := json.Marshal(body)
	if err != nil {
		return err
	}
	req, err := http.NewRequestWithContext(ctx, method, d.base+path, bytes.NewReader(raw))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "application/json")
	if token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	res, err := d.client.Do(req)
	if err != nil {
		return err
	}
	defer func() { _ = res.Body.Close() }()
	answer, err := io.ReadAll(io.LimitReader(res.Body, 1<<20))
	if err != nil {
		return err
	}
	if res.StatusCode >= 300 {
		var p struct{ Code string }
		_ = json.Unmarshal(answer, &p)
		return fmt.Errorf("%w: %s %s gave %d %s", errDoor, method, path, res.StatusCode, p.Code)
	}
	if into == nil || len(answer) == 0 {
		return nil
	}
	return json.Unmarshal(answer, into)
}
