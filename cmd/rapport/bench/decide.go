package bench

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"time"
)

// Decide measures the door for decisions on a home of made people with the real data's baskets: at an offered rate, then at
// saturation, each beside a bare handler under the same generator.
func Decide(ctx context.Context, o Options) ([]Figure, error) {
	people, events, offered, lasting := 100_000, 20, 500.0, 20*time.Second
	set := "100k people"
	switch {
	case o.Quick:
		events, lasting, set = 5, 5*time.Second, "quick, 100k people, 5 baskets each"
	case o.Set == "1m":
		people, offered, set = 1_000_000, 2000, "1m people"
	}
	dir, made, err := o.Home, false, error(nil)
	if dir != "" {
		if made, err = madeFor(dir, set); err != nil {
			return nil, err
		}
	}
	if !made {
		if dir, _, err = home(ctx, o); err != nil {
			return nil, err
		}
	}
	token, err := command(ctx, o, withDatabase(o, "token", "--home", dir, "--role", "decide", "--name", "bench", "--attest")...)
	if err != nil {
		return nil, err
	}
	if !made {
		now := time.Now()
		real, items, err := households(o, now)
		if err != nil {
			return nil, err
		}
		if err := fill(ctx, o, dir, people, events, real, items, now); err != nil {
			return nil, err
		}
		if err := os.WriteFile(filepath.Join(dir, madeFile), []byte(set), 0o600); err != nil {
			return nil, err
		}
	}
	bare, err := start(ctx, o, "/readyz", "bench", "baseline", "--listen", "{addr}")
	if err != nil {
		return nil, err
	}
	defer bare.stop()
	begun := time.Now()
	ours, err := start(ctx, o, "/readyz", withDatabase(o, "serve", "--home", dir, "--listen", "{addr}")...)
	if err != nil {
		return nil, err
	}
	defer ours.stop()
	readyIn := time.Since(begun)

	build := func(conn int, n int64, dst []byte) []byte {
		i := int(mix(uint64(conn)<<32+uint64(n)) % uint64(people))
		return post(dst, "/api/decide", "Bearer "+token, fmt.Appendf(nil, `{"person":{"userId":"%s"},"placement":"home","limit":5}`, userID(i)))
	}
	measure := func(s *server, rate float64, d time.Duration) (load, error) {
		before := s.cpu()
		l, err := drive(ctx, s.addr, 32, rate, d, build)
		l.cpu = s.cpu() - before
		if err == nil {
			err = l.fault()
		}
		if err != nil {
			return l, fmt.Errorf("%w: %s", err, s.said())
		}
		return l, nil
	}
	if _, err := measure(ours, offered, 2*time.Second); err != nil { // warm
		return nil, err
	}
	o.Log("%.0f decisions a second for %s", offered, lasting)
	base, err := measure(bare, offered, lasting/2)
	if err != nil {
		return nil, err
	}
	got, err := measure(ours, offered, lasting)
	if err != nil {
		return nil, err
	}
	at := fmt.Sprintf("%s, %.0f/s offered", set, offered)
	figures := []Figure{
		{Bench: "decide", Set: at, Figure: "p50_ms", Value: quantile(got.latencies, .5), Unit: "ms", Baseline: "bare handler", Ratio: quantile(got.latencies, .5) / quantile(base.latencies, .5)},
		{Bench: "decide", Set: at, Figure: "p99_ms", Value: quantile(got.latencies, .99), Unit: "ms", Baseline: "bare handler", Ratio: quantile(got.latencies, .99) / quantile(base.latencies, .99)},
	}
	if base, err = measure(bare, 0, lasting/2); err != nil {
		return nil, err
	}
	if got, err = measure(ours, 0, lasting/2); err != nil {
		return nil, err
	}
	figures = append(figures,
		Figure{Bench: "decide", Set: set, Figure: "saturation_per_s", Value: got.perSecond(), Baseline: "bare handler", Ratio: got.perSecond() / base.perSecond()},
		Figure{Bench: "decide", Set: set, Figure: "cpu_us_per_decision", Value: got.cpuMicros(), Unit: "µs", Baseline: "bare handler", Ratio: got.cpuMicros() / base.cpuMicros()},
		Figure{Bench: "decide", Set: set, Figure: "rss_mb", Value: ours.rss(), Unit: "MB"},
		Figure{Bench: "decide", Set: set, Figure: "ready_s", Value: readyIn.Seconds(), Unit: "s"})
	for _, r := range []string{"individual", "context", "generic"} {
		o.Log("decisions on the %s rung: %.0f", r, ours.metric(`rapport_decisions_total{placement="home",rung="`+r+`"}`))
	}
	return figures, nil
}

// madeFile says in a bench's home that it is whole, and for which set.
const madeFile = "bench"

// madeFor says whether there is a whole home for the set already. A folder with anything else in it is refused.
func madeFor(dir, set string) (bool, error) {
	said, err := os.ReadFile(filepath.Join(dir, madeFile))
	switch {
	case err == nil && string(said) == set:
		return true, nil
	case err == nil:
		return false, fmt.Errorf("%s holds a home for %q, not for %q: name another folder", dir, said, set)
	}
	if found, err := os.ReadDir(dir); err == nil && len(found) > 0 {
		return false, fmt.Errorf("%s is not empty and holds no whole home of a bench: name another folder", dir)
	}
	return false, nil
}
