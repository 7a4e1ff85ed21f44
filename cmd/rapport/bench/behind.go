package bench

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"time"
)

// How far people's histories are behind is not asked of the server: somebody of whom nothing was known has two orders of different days
// acknowledged, and is asked about until a decision knows them for an acquaintance, which two days of contact make them.

const (
	probes     = 1000 // people whom no other message of the bench is about
	probeEvery = 400 * time.Millisecond
	mostBehind = time.Minute
)

// behind probes histories until it is stopped, and gives the longest time from an acknowledgement until a decision rested on it, and how often
// was looked.
type behind struct {
	g *collectHome

	mu    sync.Mutex
	worst time.Duration
	seen  int
	err   error
}

// follow begins to probe; what it gives ends that, waits for the last ones, and says what was found.
func (g *collectHome) follow(ctx context.Context) (stop func() (worst time.Duration, seen int, err error)) {
	b := &behind{g: g}
	ctx, cancel := context.WithCancel(ctx)
	ended := make(chan struct{})
	var under sync.WaitGroup
	go func() {
		defer close(ended)
		tick := time.NewTicker(probeEvery)
		defer tick.Stop()
		for n := range probes {
			select {
			case <-ctx.Done():
				return
			case <-tick.C:
			}
			under.Add(1)
			go func() { defer under.Done(); b.probe(context.WithoutCancel(ctx), userID(g.people+n), n) }()
		}
	}()
	return func() (time.Duration, int, error) {
		cancel()
		<-ended
		under.Wait()
		return b.worst, b.seen, b.err
	}
}

func (b *behind) probe(ctx context.Context, user string, n int) {
	took, err := b.untilKnown(ctx, user, n)
	b.mu.Lock()
	defer b.mu.Unlock()
	if err != nil {
		b.err = err
		return
	}
	b.worst, b.seen = max(b.worst, took), b.seen+1
}

func (b *behind) untilKnown(ctx context.Context, user string, n int) (time.Duration, error) {
	ctx, cancel := context.WithTimeout(ctx, mostBehind)
	defer cancel()
	if level, err := b.level(ctx, user); err != nil || level != "stranger" {
		return 0, fmt.Errorf("nothing was sent of %s, and the level is %q (%w)", user, level, err)
	}
	now := time.Now().UTC()
	order := func(day int) string {
		return fmt.Sprintf(`{"type":"track","messageId":"probe-%d-%d-%d","userId":"%s","timestamp":"%s","event":"Order Completed","properties":{"order_id":"p%d","products":[{"product_id":"1000001","quantity":1,"price":2.5}]}}`,
			b.g.run, n, day, user, now.AddDate(0, 0, -day).Format(stamp), day)
	}
	if _, err := b.ask(ctx, "/v1/batch", b.g.auth, `{"batch":[`+order(0)+`,`+order(1)+`]}`); err != nil {
		return 0, err
	}
	acknowledged := time.Now()
	again := time.NewTicker(20 * time.Millisecond)
	defer again.Stop()
	for {
		level, err := b.level(ctx, user)
		if err != nil {
			return 0, err
		}
		if level == "acquaintance" {
			return time.Since(acknowledged), nil // with the time that this last decision took
		}
		<-again.C
	}
}

func (b *behind) level(ctx context.Context, user string) (string, error) {
	raw, err := b.ask(ctx, "/api/decide", "Bearer "+b.g.decides, fmt.Sprintf(`{"person":{"userId":"%s"},"placement":"home","limit":1}`, user))
	if err != nil {
		return "", err
	}
	var d struct {
		Relationship struct {
			Level string `json:"level"`
		} `json:"relationship"`
	}
	err = json.Unmarshal(raw, &d)
	return d.Relationship.Level, err
}

func (b *behind) ask(ctx context.Context, path, auth, body string) ([]byte, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://"+b.g.ours.addr+path, strings.NewReader(body))
	if err != nil {
		return nil, err
	}
	req.Header.Set("Authorization", auth)
	req.Header.Set("Content-Type", "application/json")
	res, err := asking.Do(req)
	if err != nil {
		return nil, err
	}
	defer func() { _ = res.Body.Close() }()
	raw, err := io.ReadAll(io.LimitReader(res.Body, 1<<20))
	if err == nil && res.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s answered %s", path, res.Status)
	}
	return raw, err
}
