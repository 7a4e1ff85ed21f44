package collect_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/rapporthq/rapport/charter"
	"github.com/rapporthq/rapport/demo"
	"github.com/rapporthq/rapport/know/collect"
	"github.com/rapporthq/rapport/store"
	"github.com/rapporthq/rapport/trust/vault"
)

// realHome is a gate over a real SQLite home.
func realHome(t testing.TB, src []byte) (*collect.Gate, *store.Store, string) {
	t.Helper()
	c, problems := charter.Parse(src)
	if c == nil {
		t.Fatal(problems)
	}
	dir := t.TempDir()
	v, err := vault.Create(dir)
	if err != nil {
		t.Fatal(err)
	}
	st, err := store.Open(context.Background(), store.Options{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = st.Close() })
	series := charter.NewSeries(c.Placed(1))
	g := collect.New(collect.Parts{Vault: v, Store: st, Charters: func() charter.Series { return series }, Book: collect.NewBook(st, nil)})
	return g, st, dir
}

func TestZZDemo(t *testing.T) {
	dir := t.TempDir()
	sum, err := demo.Write(dir, demo.Options{Now: time.Now()}, nil)
	if err != nil {
		t.Fatal(err)
	}
	g, st, _ := realHome(t, demo.Charter())
	for _, pass := range []string{"choices", "people", "complaints", "events"} {
		for _, f := range sum.Files {
			if f.As != pass {
				continue
			}
			file, err := os.Open(filepath.Join(dir, f.Name))
			if err != nil {
				t.Fatal(err)
			}
			info, _ := file.Stat()
			began := time.Now()
			rep, err := collect.Import{Gate: g, Settings: st, Source: f.Source, As: collect.Kind(f.As)}.Run(context.Background(), file, info.Size())
			if err != nil {
				t.Fatal(err)
			}
			t.Logf("%s %d bytes %v: lines %d kept %d refused %d bad %d", f.Name, info.Size(), time.Since(began), rep.Lines, rep.Kept, rep.Refused, rep.Bad)
		}
	}
}

func BenchmarkBatches(b *testing.B) {
	src, _ := os.ReadFile("testdata/charter.yaml")
	g, _, _ := realHome(b, src)
	var serial atomic.Int64
	body := func() []byte {
		buf := []byte(`{"sentAt":"2026-11-20T11:00:00Z","batch":[`)
		for i := range 100 {
			n := serial.Add(1)
			if i > 0 {
				buf = append(buf, ',')
			}
			buf = fmt.Appendf(buf, `{"type":"track","messageId":"bench-%d-4f1c0a7e-9d1b","userId":"u%07d","timestamp":"2026-11-20T11:00:00Z","context":{"library":{"name":"analytics-node","version":"3.1.0"},"ip":"203.0.113.9","userAgent":"Mozilla/5.0 (X11; Linux x86_64) bench"},"event":"Order Completed","properties":{"order_id":"o%d","total":23.45,"products":[{"product_id":"1000001","quantity":1,"price":2.5},{"product_id":"1000002","quantity":1,"price":2.5},{"product_id":"1000003","quantity":1,"price":2.5}],"till_operator":"x"}}`, n, (n*7919)%20000, n)
		}
		return append(buf, `]}`...)
	}
	bodies := make([][]byte, b.N)
	for i := range bodies {
		bodies[i] = body()
	}
	b.ResetTimer()
	began := time.Now()
	var next atomic.Int64
	var wg sync.WaitGroup
	for range 8 {
		wg.Add(1)
		go func() {
			defer wg.Done()
			var batch collect.Batch
			for {
				i := int(next.Add(1)) - 1
				if i >= len(bodies) {
					return
				}
				if err := batch.Parse(bodies[i], collect.BatchOf); err != nil {
					b.Error(err)
					return
				}
				if _, err := g.Accept(context.Background(), collect.Arrival{Source: "tills", Batch: &batch}); err != nil {
					b.Error(err)
					return
				}
			}
		}()
	}
	wg.Wait()
	b.ReportMetric(float64(b.N*100)/time.Since(began).Seconds(), "events/s")
}
