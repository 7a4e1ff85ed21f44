package collectapi

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/rapporthq/rapport/know/collect"
	"github.com/rapporthq/rapport/torture"
)

// BenchmarkBatches is the gate and a real SQLite home without HTTP: batches of 100 events of known people, eight
// senders. The bench of the whole door is `rapport bench collect`.
func BenchmarkBatches(b *testing.B) {
	h := newHome(b, Limits{})
	body := hundred
	send := func(from, to int) {
		var next atomic.Int64
		next.Store(int64(from))
		var wg sync.WaitGroup
		for range 8 {
			wg.Go(func() {
				var batch collect.Batch
				for {
					i := int(next.Add(1)) - 1
					if i >= to {
						return
					}
					if err := batch.Parse(body(i), collect.BatchOf); err != nil {
						b.Error(err)
						return
					}
					if _, err := h.gate.Accept(context.Background(), collect.Arrival{Source: "tills", Batch: &batch}); err != nil {
						b.Error(err)
						return
					}
				}
			})
		}
		wg.Wait()
	}
	send(0, 200) // everybody is known after this
	b.ResetTimer()
	began := time.Now()
	send(200, 200+b.N)
	b.ReportMetric(float64(b.N*100)/time.Since(began).Seconds(), "events/s")
}

// BenchmarkSingles is the same for single events of 64 senders. Its cpu-µs is the processor time of the whole process for each.
func BenchmarkSingles(b *testing.B) {
	h := newHome(b, Limits{})
	bodies := make([][]byte, 0, 20_000)
	for n := range 200 {
		var batch collect.Batch
		if err := batch.Parse(hundred(n), collect.BatchOf); err != nil {
			b.Fatal(err)
		}
		if _, err := h.gate.Accept(context.Background(), collect.Arrival{Source: "tills", Batch: &batch}); err != nil {
			b.Fatal(err)
		}
		for i := range 100 {
			bodies = append(bodies, order(n*100+i))
		}
	}
	used := func() float64 {
		var r syscall.Rusage
		_ = syscall.Getrusage(syscall.RUSAGE_SELF, &r)
		return float64(r.Utime.Nano()+r.Stime.Nano()) / 1000
	}
	b.ResetTimer()
	before := used()
	var next atomic.Int64
	var wg sync.WaitGroup
	for range 64 {
		wg.Go(func() {
			var batch collect.Batch
			for i := next.Add(1) - 1; i < int64(b.N); i = next.Add(1) - 1 {
				if err := batch.Parse(bodies[i%int64(len(bodies))], collect.Track); err != nil {
					b.Error(err)
					return
				}
				if _, err := h.gate.Accept(context.Background(), collect.Arrival{Source: "tills", Batch: &batch}); err != nil {
					b.Error(err)
					return
				}
			}
		})
	}
	wg.Wait()
	b.ReportMetric((used()-before)/float64(b.N), "cpu-µs/op")
}

// hundred is the nth batch of a hundred orders of 20,000 people.
func hundred(n int) []byte {
	buf := []byte(`{"sentAt":"2026-11-20T11:00:00Z","batch":[`)
	for i := range 100 {
		if i > 0 {
			buf = append(buf, ',')
		}
		buf = append(buf, order(n*100+i)...)
	}
	return append(buf, `]}`...)
}

// order is an event of 500 bytes.
func order(n int) []byte {
	return fmt.Appendf(nil, `{"type":"track","messageId":"bench-%d-4f1c0a7e-9d1b","userId":"u%07d","timestamp":"2026-11-20T11:00:00Z","context":{"library":{"name":"analytics-node","version":"3.1.0"},"ip":"203.0.113.9","userAgent":"Mozilla/5.0 (X11; Linux x86_64) bench"},"event":"Order Completed","properties":{"order_id":"o%d","total":23.45,"products":[{"product_id":"1000001","quantity":1,"price":2.5},{"product_id":"1000002","quantity":1,"price":2.5},{"product_id":"1000003","quantity":1,"price":2.5}],"till_operator":"x"}}`, n, (n*7919)%20000, n)
}

// The texts of each event, the texts of its properties, its sealed body and the cipher of its person's key are its own; the rest is the batch's.
func TestTheGateAllocatesLittle(t *testing.T) {
	h := newHome(t, Limits{})
	var batch collect.Batch
	accept := func(body []byte) {
		if err := batch.Parse(body, collect.BatchOf); err != nil {
			t.Fatal(err)
		}
		if _, err := h.gate.Accept(context.Background(), collect.Arrival{Source: "tills", Batch: &batch}); err != nil {
			t.Fatal(err)
		}
	}
	for n := range 5 { // everybody of these is known after this
		accept(hundred(n))
	}
	var bodies [][]byte
	for n := range 22 {
		bodies = append(bodies, hundred(n%5))
	}
	n := 0
	if each := testing.AllocsPerRun(200, func() { accept(bodies[n%len(bodies)]); n++ }) / 100; each > 17 && !torture.Raced {
		t.Errorf("an event makes %.1f allocations", each)
	}
}

// taking takes an answer: a recorder would allocate as much as the door.
type taking struct {
	head   http.Header
	status int
}

func (w *taking) Header() http.Header         { return w.head }
func (w *taking) WriteHeader(status int)      { w.status = status }
func (w *taking) Write(p []byte) (int, error) { return len(p), nil }

// One event of somebody who is known, through its door and into the store: what a batch shares, such as the commit, a single event has for itself.
func TestASingleEventThroughItsDoorAllocatesLittle(t *testing.T) {
	h := newHome(t, Limits{})
	for n := range 5 { // everybody of these is known after this
		if w := h.do("POST", "/v1/batch", "tills", hundred(n), nil); w.Code != http.StatusOK {
			t.Fatal(w.Code, w.Body)
		}
	}
	var bodies [][]byte
	for n := range 300 {
		bodies = append(bodies, bytes.Replace(order(n), []byte("bench-"), []byte("alone-"), 1))
	}
	w := &taking{head: http.Header{}}
	read := bytes.NewReader(nil)
	r := httptest.NewRequest("POST", "/v1/track", io.NopCloser(read))
	r.SetBasicAuth(key("tills"), "")
	n := 0
	send := func() {
		clear(w.head)
		w.status = 0
		read.Reset(bodies[n])
		r.ContentLength = int64(len(bodies[n]))
		n++
		if h.mux.ServeHTTP(w, r); w.status != http.StatusOK {
			t.Fatal(w.status)
		}
	}
	for range 50 {
		send()
	}
	if each := testing.AllocsPerRun(200, send); each > 168 && !torture.Raced {
		t.Errorf("an event makes %.0f allocations", each)
	}
}
