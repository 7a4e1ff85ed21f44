package main

import (
	"fmt"
	"io"
	"net/http"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/rapporthq/rapport/torture"
)

// TestASourceThatFloodsSlowsNobodyElse has one source send as fast as it can with a key that has a rate, and one with a key that has none. The
// first is told to come again and when, before anything breaks, is let in again then, and never more often than its rate says; what it was
// refused is not kept. Another source's requests are all taken, and hardly later than beside as many who ask as fast for next to nothing: what a
// crowd costs that only shares the processor, here with this test too, is not the flood's. All are asked in short turns one after the other, of which
// the best count, for whatever else the machine has to do falls on some of them.
func TestASourceThatFloodsSlowsNobodyElse(t *testing.T) {
	const rate, saved = 50, 100 // a key may save up two seconds of its rate
	home := exampleHome(t)
	l := newLoad(t, "--home", home)
	rated := &flood{t: t, key: must(t, "token", "--home", home, "--role", "source", "--name", "tills", "--rate", strconv.Itoa(rate)), name: "rated"}
	open := &flood{t: t, key: l.key, name: "open"}
	s := serveHome(t, home)
	rated.url, open.url = s.URL, s.URL
	l.latency(t, s.URL, 50)
	var looks atomic.Int64
	look := func() {
		if res, err := http.Get(s.URL + "/healthz"); err == nil {
			_, _ = io.Copy(io.Discard, res.Body)
			_ = res.Body.Close()
			looks.Add(1)
		}
	}
	var alone, crowded, besideRated, besideOpen waits
	began := time.Now()
	for range torture.Rounds(4, 20) {
		alone.least(l.latency(t, s.URL, turnLength()))
		crowded.least(l.crowded(t, s.URL, look, &looks))
		besideRated.least(l.crowded(t, s.URL, rated.sends, &rated.sent))
		besideOpen.least(l.crowded(t, s.URL, open.sends, &open.sent))
	}
	if most := saved + 1 + int64(rate*time.Since(began).Seconds()); rated.taken.Load() > most || rated.turnedAway.Load() < 100 {
		t.Errorf("in %v a key was let in %d times and turned away %d times; its rate allows %d", time.Since(began), rated.taken.Load(), rated.turnedAway.Load(), most)
	}
	until(t, "it is let in again", func() bool {
		before := rated.taken.Load()
		rated.sends()
		return rated.taken.Load() > before || t.Failed()
	})
	t.Logf("another source, at best: alone %v, beside a crowd %v, beside a flood with a rate %v, without one %v (%d turned away, %d taken)", alone, crowded, besideRated, besideOpen, rated.turnedAway.Load(), rated.taken.Load()+open.taken.Load())
	for what, w := range map[string]waits{"with a rate": besideRated, "without a rate": besideOpen} {
		if w.median > 10*time.Millisecond+3*crowded.median || w.p99 > 50*time.Millisecond+4*crowded.p99 {
			t.Errorf("beside a flood %s another source waits %v, beside a crowd %v", what, w, crowded)
		}
	}
	if open.turnedAway.Load() > 0 {
		t.Errorf("a key without a rate was turned away %d times", open.turnedAway.Load())
	}
	if len(l.odd)+l.unable > 0 {
		t.Errorf("the other source's answers besides 200: %v, %d times 503", l.odd, l.unable)
	}
	s.stop()
	l.kept(t, homeOptions{Home: home}, append(rated.kept, open.kept...)...)
}

// flood is a source that sends one order after the other.
type flood struct {
	t                       *testing.T
	url, key, name          string
	sent, taken, turnedAway atomic.Int64

	mu   sync.Mutex
	kept []string // what was taken of it
}

func (f *flood) sends() {
	n := f.sent.Add(1)
	id := fmt.Sprintf("%s-%d", f.name, n)
	status, header, err := collects(f.url+"/v1/track", f.key, fmt.Appendf(nil, `{"type":"track","messageId":"%s","userId":"%s-%d","event":"Order Completed","properties":{"order_id":"%s","products":[{"product_id":"sku-1","quantity":1}]}}`, id, f.name, n%50, id), nil)
	wait, _ := strconv.Atoi(header.Get("Retry-After"))
	switch {
	case err == nil && status == http.StatusOK:
		f.mu.Lock()
		f.kept = append(f.kept, id)
		f.mu.Unlock()
		f.taken.Add(1)
	case err == nil && status == http.StatusTooManyRequests && wait >= 1:
		f.turnedAway.Add(1)
	default:
		f.t.Errorf("a flood is answered with %d, Retry-After %d (%v)", status, wait, err)
	}
}

// waits is how long a request waits.
type waits struct{ median, p99 time.Duration }

func (w waits) String() string {
	return fmt.Sprintf("%v at the median, %v at p99", w.median.Round(10*time.Microsecond), w.p99.Round(10*time.Microsecond))
}

// least keeps the better of two turns.
func (w *waits) least(median, p99 time.Duration) {
	if w.median == 0 {
		*w = waits{median, p99}
	}
	w.median, w.p99 = min(w.median, median), min(w.p99, p99)
}

func turnLength() int { return torture.Rounds(15, 200) }

// crowded is latency while 32 others do something as fast as they can, once that was done a hundred times.
func (l *load) crowded(t *testing.T, url string, does func(), done *atomic.Int64) (median, p99 time.Duration) {
	t.Helper()
	var over atomic.Bool
	var others sync.WaitGroup
	defer func() { over.Store(true); others.Wait() }()
	for range 32 {
		others.Go(func() {
			for !over.Load() && !t.Failed() {
				does()
			}
		})
	}
	before := done.Load()
	until(t, "many ask at once", func() bool { return done.Load() > before+100 || t.Failed() })
	return l.latency(t, url, turnLength())
}
