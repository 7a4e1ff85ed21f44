package bench

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/mod/sumdb/tlog"

	"github.com/rapporthq/rapport/person"
	"github.com/rapporthq/rapport/reach/prove"
	"github.com/rapporthq/rapport/store"
	"github.com/rapporthq/rapport/trust/ledger"
	"github.com/rapporthq/rapport/trust/vault"
)

// Ledger measures the ledger by itself, in this process: reads of people with their looks, as staff and jobs make them, and the sequencer
// beside them; then a walk of the whole ledger, at several sizes. The baseline of the reads is the same reads without looks; that of the walk
// is SHA-256 over as many bytes as the walk must hash, on as many processors.
func Ledger(ctx context.Context, o Options) ([]Figure, error) {
	people, sizes, during := 100_000, []int64{1_000_000, 3_000_000, 10_000_000}, 10*time.Second
	set := "10m"
	switch o.Set {
	case "", "10m":
	case "1m":
		sizes, set = sizes[:1], "1m"
	default:
		return nil, fmt.Errorf("there is no set %q: 1m or 10m", o.Set)
	}
	if o.Quick {
		people, sizes, during, set = 10_000, []int64{30_000, 100_000}, 3*time.Second, "quick"
	}
	if o.Database != "" {
		set += ", PostgreSQL"
	}
	dir := filepath.Join(o.Dir, "home")
	if _, err := command(ctx, o, "init", dir); err != nil {
		return nil, err
	}
	b, err := openLedger(ctx, o, dir)
	if err != nil {
		return nil, err
	}
	defer func() { _ = b.store.Close() }()
	var out []Figure
	figure := func(name string, value float64, unit, baseline string, ratio float64) {
		out = append(out, Figure{Bench: "ledger", Set: set, Figure: name, Value: value, Unit: unit, Baseline: baseline, Ratio: ratio})
	}
	o.Log("making %d people", people)
	if err := b.enrol(ctx, people); err != nil {
		return nil, err
	}
	o.Log("reading people for %v without looks, and five times for %v with them", during, during)
	bare, bareCPU, err := b.reads(ctx, during, false)
	if err != nil {
		return nil, err
	}
	var rates, costs []float64
	for range 5 {
		rate, cpu, err := b.reads(ctx, during, true)
		if err != nil {
			return nil, err
		}
		rates, costs = append(rates, rate), append(costs, cpu)
	}
	slices.Sort(rates)
	slices.Sort(costs)
	figure("looks_per_s", rates[2], "1/s", "the same reads without looks", rates[2]/bare)
	figure("look_cpu_us", costs[2], "µs", "the same reads without looks", costs[2]/bareCPU)
	for _, size := range sizes {
		o.Log("making entries up to %d", size)
		began := time.Now()
		made, err := b.grow(ctx, o, size)
		if err != nil {
			return out, err
		}
		if made > 0 {
			figure(fmt.Sprintf("folded_per_s_to_%s", short(size)), float64(made)/time.Since(began).Seconds(), "1/s", "", 0)
		}
		o.Log("walking %d entries, three times", size)
		seconds, cpu, bytes, rss, err := b.walk(ctx, size)
		if err != nil {
			return out, err
		}
		bare := hashing(bytes)
		figure(fmt.Sprintf("verify_s_%s", short(size)), seconds, "s", "hashing alone", seconds/bare)
		figure(fmt.Sprintf("verify_cpu_us_%s", short(size)), cpu, "µs", "", 0)
		figure(fmt.Sprintf("verify_rss_mb_%s", short(size)), rss, "MB", "", 0)
	}
	return out, nil
}

func short(n int64) string {
	if n >= 1_000_000 {
		return fmt.Sprintf("%dm", n/1_000_000)
	}
	return fmt.Sprintf("%dk", n/1000)
}

// ledgerBench is an open home without doors.
type ledgerBench struct {
	store  *store.Store
	vault  *vault.Vault
	ledger *ledger.Ledger
	rings  []*vault.KeyRing
	at     atomic.Int64
}

func openLedger(ctx context.Context, o Options, dir string) (*ledgerBench, error) {
	v, err := vault.Open(dir)
	if err != nil {
		return nil, err
	}
	so := store.Options{Dir: filepath.Join(dir, "database")}
	if o.Database != "" {
		so = store.Options{URL: o.Database}
	}
	s, err := store.Open(ctx, so)
	if err != nil {
		return nil, err
	}
	b := &ledgerBench{store: s, vault: v}
	b.at.Store(int64(person.At(time.Now())))
	signer, public := v.TreeKey()
	b.ledger, err = ledger.New(s.Ledger(), signer, public)
	return b, err
}

func (b *ledgerBench) enrol(ctx context.Context, people int) error {
	for len(b.rings) < people {
		var c vault.Change
		for range min(1000, people-len(b.rings)) {
			e, ring, err := b.vault.Enrol(person.At(time.Now()))
			if err != nil {
				return err
			}
			c.Enrol = append(c.Enrol, e)
			for _, name := range []string{"household", "taste", "income"} { // a little to be read
				c.Put = append(c.Put, ring.SealFact(person.Fact{Head: person.Head{Of: e.ID, Name: name, Source: "bench", At: e.At, Received: e.At, Charter: 1, Quality: 1, Verified: true}, Value: "two"}))
			}
			b.rings = append(b.rings, ring)
		}
		if err := b.store.Commit(ctx, c); err != nil {
			return err
		}
	}
	return nil
}

// look seals a look at somebody.
func (b *ledgerBench) look(ring *vault.KeyRing) (ledger.Row, error) {
	return ledger.Seal(ledger.Look{Of: ring.ID(), At: person.Instant(b.at.Add(1)), Actor: "anna", Role: "agent", Team: "care", Purpose: "service", Reason: "a call about an order",
		Fields: []string{"name", "email", "Order Completed"}}, ring)
}

// reads loads people one after the other, by many at once, while the sequencer runs; it gives how many a second were read, and with looks were
// folded too (what waits at the end is folded before the clock stops), and the processor time of each.
func (b *ledgerBench) reads(ctx context.Context, during time.Duration, looks bool) (rate, cpu float64, err error) {
	const readers = 256
	began, spent := time.Now(), processor("self")
	stop := make(chan struct{})
	var n atomic.Int64
	var failed error
	var once sync.Once
	fail := func(err error) { once.Do(func() { failed = err }) }
	var all, sequencer sync.WaitGroup
	for i := range readers {
		all.Add(1)
		go func() {
			defer all.Done()
			random := rand.New(rand.NewPCG(1, uint64(i)))
			for {
				select {
				case <-stop:
					return
				default:
				}
				ring := b.rings[random.IntN(len(b.rings))]
				var rows []ledger.Row
				if looks {
					row, err := b.look(ring)
					if err != nil {
						fail(err)
						return
					}
					rows = []ledger.Row{row}
				}
				if _, err := b.store.Load(ctx, ring.ID(), rows...); err != nil {
					fail(err)
					return
				}
				n.Add(1)
			}
		}()
	}
	done := make(chan struct{})
	sequencer.Add(1)
	go func() {
		defer sequencer.Done()
		tick := time.NewTicker(500 * time.Millisecond)
		defer tick.Stop()
		for {
			select {
			case <-done:
				return
			case <-tick.C:
				if _, err := b.ledger.Sequence(ctx); err != nil {
					fail(err)
					return
				}
			}
		}
	}()
	timer := time.NewTimer(during)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
		fail(ctx.Err())
	}
	close(stop)
	all.Wait()
	close(done)
	sequencer.Wait()
	if _, err := b.ledger.Sequence(ctx); err != nil {
		fail(err)
	}
	each := float64(max(1, n.Load()))
	return each / time.Since(began).Seconds(), (processor("self") - spent) * 1e6 / each, failed
}

// grow makes entries until there are so many, through the store's own Commit and the sequencer; only the reads are left out.
func (b *ledgerBench) grow(ctx context.Context, o Options, size int64) (made int64, err error) {
	now, _, err := b.ledger.Size(ctx)
	if err != nil {
		return 0, err
	}
	for i := 0; now+made < size; {
		var c vault.Change
		for range min(2000, size-now-made) {
			row, err := b.look(b.rings[i%len(b.rings)])
			if err != nil {
				return made, err
			}
			c.Looks = append(c.Looks, row)
			i += 7919 // spread over people, as looks are
			made++
		}
		if err := b.store.Commit(ctx, c); err != nil {
			return made, err
		}
		if made%20_000 == 0 || now+made == size {
			if _, err := b.ledger.Sequence(ctx); err != nil {
				return made, err
			}
		}
		if made%500_000 == 0 {
			o.Log("%d of %d", now+made, size)
		}
	}
	return made, nil
}

// walk verifies the whole ledger three times with keys that are not unwrapped yet, and gives the median's seconds and its processor time for an
// entry, about how many bytes it hashes, and the process's largest resident size during it.
func (b *ledgerBench) walk(ctx context.Context, size int64) (seconds, cpu float64, bytes int64, rss float64, err error) {
	rows, err := b.store.Ledger().Rows(ctx, size, 1)
	if err != nil || len(rows) != 1 {
		return 0, 0, 0, 0, errors.Join(err, errors.New("the last entry is not there"))
	}
	r := rows[0]
	text := int64(len(r.Kind) + len(r.Actor) + len(r.Role) + len(r.Team) + len(r.Purpose) + len(r.Fields) + len(r.Filter))
	bytes = size * (2*(text+65) + int64(len(r.Reason)) + 16 + 64 + 96 + 65) // the record, the keyed hash of two passes, a node of the tree
	var took, costs []float64
	runtime.GC()
	peak()
	for range 3 {
		began, spent := time.Now(), processor("self")
		rep, err := prove.VerifyLedger(ctx, prove.Home{Store: b.store, Vault: b.vault, Ledger: b.ledger})
		if err != nil {
			return 0, 0, 0, 0, err
		}
		if !rep.OK() || rep.Size < size || rep.Keyed != rep.Size {
			return 0, 0, 0, 0, fmt.Errorf("the ledger that was made is not whole: %+v", rep)
		}
		took, costs = append(took, time.Since(began).Seconds()), append(costs, (processor("self")-spent)*1e6/float64(rep.Size))
	}
	slices.Sort(took)
	slices.Sort(costs)
	return took[1], costs[1], bytes, PeakMB(), nil
}

// hashing is how long SHA-256 alone takes for so many bytes, in pieces as a walk hashes them, on all processors.
func hashing(bytes int64) float64 {
	const piece = 200
	began := time.Now()
	var all sync.WaitGroup
	for range runtime.GOMAXPROCS(0) {
		all.Add(1)
		go func() {
			defer all.Done()
			var b [piece]byte
			for range bytes / piece / int64(runtime.GOMAXPROCS(0)) {
				h := tlog.Hash(sha256.Sum256(b[:]))
				b[0] = h[0]
			}
		}()
	}
	all.Wait()
	return time.Since(began).Seconds()
}

// peak forgets the largest resident size so far, where the system can.
func peak() { _ = os.WriteFile("/proc/self/clear_refs", []byte("5"), 0) }

// PeakMB is the largest resident size of this process so far, in MB, and zero where /proc is not.
func PeakMB() float64 {
	raw, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return 0
	}
	return highWater(strings.Split(string(raw), "\n"))
}
