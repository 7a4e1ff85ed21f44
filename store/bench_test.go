//go:build unix

package store

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"fmt"
	mathrand "math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/rapporthq/rapport/person"
	"github.com/rapporthq/rapport/store/pgtest"
	"github.com/rapporthq/rapport/trust/vault"
)

// BenchmarkEvents is one event through Commit and Fold, in batches of a hundred from 16 callers, with the seen versions of
// everybody in the batch checked: spread evenly over 100,000 people (the worst case for folding), or ten people a batch, as
// visits come. The figures are events/s until acknowledged, and until everything is in history too.
func BenchmarkEvents(b *testing.B) {
	for _, engine := range []string{"sqlite", "postgres"} {
		for _, persons := range []int{100, 10} {
			b.Run(fmt.Sprintf("%s/%dpeople", engine, persons), func(b *testing.B) {
				o := Options{Dir: b.TempDir()}
				if engine == "postgres" {
					o = Options{URL: pgtest.URL(b)}
				}
				events(b, o, persons)
			})
		}
	}
}

func events(b *testing.B, o Options, persons int) {
	const people, batch, callers = 100_000, 100, 16
	ctx := context.Background()
	s, err := Open(ctx, o)
	if err != nil {
		b.Fatal(err)
	}
	defer s.Close()
	ids := enrolMany(b, s, people)
	body := make([]byte, 420)
	_, _ = rand.Read(body)
	b.ResetTimer()
	start, used := time.Now(), spent()
	var left atomic.Int64
	left.Store(int64((b.N + batch - 1) / batch))
	total := left.Load() * batch
	var folded atomic.Int64
	var folder, senders sync.WaitGroup
	stop := make(chan struct{})
	folder.Add(1)
	go func() {
		defer folder.Done()
		for {
			n, more, err := s.FoldWhenDue(ctx, 250_000) // as the serving process does
			if err != nil {
				b.Error(err)
				return
			}
			folded.Add(int64(n))
			if !more {
				select {
				case <-stop:
					for more := true; more; { // what is left at the end
						if _, more, err = s.Fold(ctx, 100_000); err != nil {
							b.Error(err)
						}
					}
					return
				case <-time.After(200 * time.Millisecond):
				}
			}
		}
	}()
	var number atomic.Uint64
	for w := range callers {
		senders.Add(1)
		go func() {
			defer senders.Done()
			r := mathrand.New(mathrand.NewPCG(1, uint64(w)))
			for left.Add(-1) >= 0 {
				var c vault.Change
				now := person.SystemClock()
				for i := range batch {
					if i < persons {
						c.Seen = append(c.Seen, vault.Seen{Root: ids[r.IntN(len(ids))], Version: 1})
					}
					f := vault.Frame{Of: c.Seen[i%persons].Root, Stream: 1, At: now, Received: now, Body: body}
					binary.BigEndian.PutUint64(f.ID[:], number.Add(1))
					c.Frames = append(c.Frames, f)
				}
				if err := s.Commit(ctx, c); err != nil {
					b.Error(err)
					return
				}
			}
		}()
	}
	senders.Wait()
	b.ReportMetric(float64(spent()-used)/1e3/float64(total), "cpu-µs/acknowledged") // a busy machine falsifies time, not this
	b.ReportMetric(float64(total)/time.Since(start).Seconds(), "acknowledged/s")
	close(stop)
	folder.Wait()
	b.ReportMetric(float64(spent()-used)/1e3/float64(total), "cpu-µs/folded")
	b.ReportMetric(float64(total)/time.Since(start).Seconds(), "folded/s")
}

func enrolMany(b testing.TB, s *Store, n int) []person.ID {
	ids := make([]person.ID, n)
	for i := 0; i < n; {
		var c vault.Change
		for ; i < n && len(c.Enrol) < 1000; i++ {
			ids[i] = person.NewID()
			var blind vault.Blind
			copy(blind[:], ids[i][:])
			c.Enrol = append(c.Enrol, vault.Enrolment{ID: ids[i], Wrapped: make([]byte, 60), At: 1, Identifiers: []vault.Identifier{{Blind: blind, Verified: true}}})
		}
		if err := s.Commit(context.Background(), c); err != nil {
			b.Fatal(err)
		}
	}
	return ids
}

// BenchmarkSingle is one act of one event with one seen version, from 64 callers: what a single request costs here.
func BenchmarkSingle(b *testing.B) {
	for _, engine := range []string{"sqlite", "postgres"} {
		b.Run(engine, func(b *testing.B) {
			o := Options{Dir: b.TempDir()}
			if engine == "postgres" {
				o = Options{URL: pgtest.URL(b)}
			}
			ctx := context.Background()
			s, err := Open(ctx, o)
			if err != nil {
				b.Fatal(err)
			}
			defer s.Close()
			ids := enrolMany(b, s, 20_000)
			body := make([]byte, 420)
			b.SetParallelism(32)
			b.ResetTimer()
			used := spent()
			b.RunParallel(func(pb *testing.PB) {
				for pb.Next() {
					f := vault.Frame{Of: ids[mathrand.IntN(len(ids))], ID: person.EventID(person.NewID()), Stream: 1, At: 1, Received: 1, Body: body}
					if err := s.Commit(ctx, vault.Change{Seen: []vault.Seen{{Root: f.Of, Version: 1}}, Frames: []vault.Frame{f}}); err != nil {
						b.Error(err)
						return
					}
				}
			})
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "acts/s")
			b.ReportMetric(float64(spent()-used)/1e3/float64(b.N), "cpu-µs/act")
		})
	}
}

// spent is the processor time of this process so far.
func spent() time.Duration {
	var u unix.Rusage
	_ = unix.Getrusage(unix.RUSAGE_SELF, &u)
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
