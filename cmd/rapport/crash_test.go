package main

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/rapporthq/rapport/store/pgtest"
)

// load sends batches of orders over several connections and remembers which were acknowledged.
type load struct {
	key   string
	mu    sync.Mutex
	next  int
	acked map[string]bool // order ids whose batch got a 200
	sent  map[string]bool
	again [][]string // batches of which nobody knows whether they arrived: half of them are sent again
	odd   []int      // answers that are neither 200 nor the end of the connection
}

const (
	connections = 6
	batchSize   = 20
)

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
	return ids
}

// body holds the orders, and as many events that the charter refuses.
func (l *load) body(ids []string) []byte {
	var b strings.Builder
	b.WriteString(`{"batch":[`)
	for i, id := range ids {
		if i > 0 {
			b.WriteByte(',')
		}
		fmt.Fprintf(&b, `{"type":"track","messageId":"m-%s","userId":"shopper-%d","event":"Order Completed","properties":{"order_id":"%s","secret":"refused","products":[{"product_id":"sku-%d","quantity":1}]}},`+
			`{"type":"track","messageId":"r-%s","userId":"shopper-%d","event":"Never Declared","properties":{"order_id":"%s"}}`, id, i*7%50, id, i, id, i*7%50, id)
	}
	b.WriteString("]}")
	return []byte(b.String())
}

// run sends until the server is gone. first is told of the first 200.
func (l *load) run(url string, first func()) {
	var wg sync.WaitGroup
	for range connections {
		wg.Add(1)
		go func() {
			defer wg.Done()
			for {
				ids := l.batch()
				status, _, err := collects(url+"/v1/batch", l.key, l.body(ids), nil)
				l.mu.Lock()
				switch {
				case err != nil:
					if rand.IntN(2) == 0 {
						l.again = append(l.again, ids)
					}
				case status == http.StatusOK:
					for _, id := range ids {
						l.acked[id] = true
					}
					first()
				default:
					l.odd = append(l.odd, status)
				}
				l.mu.Unlock()
				if err != nil || status != http.StatusOK {
					return
				}
			}
		}()
	}
	wg.Wait()
}

// TestEveryAcknowledgedEventSurvivesKills kills a serving process in mid-load, again and again, on both engines.
func TestEveryAcknowledgedEventSurvivesKills(t *testing.T) {
	t.Run("SQLite", func(t *testing.T) { crashes(t, exampleHome(t), "") })
	t.Run("PostgreSQL", func(t *testing.T) { crashes(t, exampleHome(t), pgtest.URL(t)) })
}

func crashes(t *testing.T, home, database string) {
	const kills = 12
	at := []string{"--home", home}
	if database != "" {
		at = append(at, "--database", database)
	}
	l := &load{acked: map[string]bool{}, sent: map[string]bool{}}
	l.key = must(t, append([]string{"token", "--role", "source", "--name", "tills"}, at...)...)
	for n := range kills {
		s := startServing(t, append([]string{"serve", "--listen", "127.0.0.1:0"}, at...)...)
		began, once := make(chan struct{}), sync.Once{}
		go func() {
			if n%4 != 0 { // every fourth is killed as soon as it serves, whatever it is doing
				<-began
			}
			<-time.After(time.Duration(rand.Int64N(int64(250 * time.Millisecond))))
			_ = s.cmd.Process.Kill()
		}()
		l.run(s.URL, func() { once.Do(func() { close(began) }) })
		s.kill()
	}
	if len(l.odd) > 0 {
		t.Errorf("answers besides 200: %v", l.odd)
	}
	if len(l.acked) < kills*batchSize/2 || len(l.acked) == len(l.sent) {
		t.Fatalf("%d of %d orders were acknowledged: that tries too little", len(l.acked), len(l.sent))
	}

	w := opened(t, homeOptions{Home: home, Database: database})
	all := w.everybody()
	found := orders(all)
	lost, twice, foreign := 0, 0, 0
	for id := range l.acked {
		if found[id] == 0 {
			lost++
		}
	}
	for id, times := range found {
		if times > 1 {
			twice++
		}
		if !l.sent[id] {
			foreign++
		}
	}
	for _, k := range all {
		for _, e := range k.Events {
			if _, there := e.Properties["secret"]; there || e.Name != "Order Completed" || len(e.Lines) != 1 {
				foreign++
			}
		}
	}
	if lost+twice+foreign > 0 {
		t.Errorf("of %d acknowledged orders %d are lost; %d are there twice; %d things are there that should not be", len(l.acked), lost, twice, foreign)
	}
	t.Logf("%d kills, %d orders acknowledged, %d found", kills, len(l.acked), len(found))
}
