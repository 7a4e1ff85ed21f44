package bench

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"
)

// decideHome is a served home of made people with the real data's baskets, and a bare handler beside it.
type decideHome struct {
	people     int
	token      string
	ours, bare *server
	readyIn    time.Duration
}

func openDecideHome(ctx context.Context, o Options, people, events int) (c *decideHome, err error) {
	dir, made, set := o.Home, false, fmt.Sprintf("%d people of %d events", people, events)
	if dir != "" {
		if made, err = madeFor(dir, set); err != nil {
			return nil, err
		}
	}
	if !made {
		if dir, _, err = home(ctx, o); err != nil {
			return nil, err
		}
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
	if made {
		if err := readThrough(filepath.Join(dir, "database")); err != nil {
			return nil, err
		}
	}
	c = &decideHome{people: people}
	if c.token, err = command(ctx, o, withDatabase(o, "token", "--home", dir, "--role", "decide", "--name", "bench", "--attest")...); err != nil {
		return nil, err
	}
	if c.bare, err = start(ctx, o, "/readyz", "bench", "baseline", "--listen", "{addr}"); err != nil {
		return nil, err
	}
	begun := time.Now()
	if c.ours, err = start(ctx, o, "/readyz", withDatabase(o, "serve", "--home", dir, "--listen", "{addr}")...); err != nil {
		c.bare.stop()
		return nil, err
	}
	c.readyIn = time.Since(begun)
	return c, nil
}

func (c *decideHome) close() {
	c.ours.stop()
	c.bare.stop()
}

// question asks for one decision about somebody.
func (c *decideHome) question(conn int, n int64, dst []byte) []byte {
	i := int(mix(uint64(conn)<<32+uint64(n)) % uint64(c.people))
	return post(dst, "/api/decide", "Bearer "+c.token, fmt.Appendf(nil, `{"person":{"userId":"%s"},"placement":"home","limit":5}`, userID(i)))
}

// Decide measures the door for decisions on a home of made people with the real data's baskets: at an offered rate, then at
// saturation, each beside a bare handler under the same generator.
func Decide(ctx context.Context, o Options) ([]Figure, error) {
	people, events, offered, lasting := 100_000, 20, 1000.0, 20*time.Second
	set := "100k people"
	switch {
	case o.Quick:
		events, lasting, set = 5, 5*time.Second, "quick, 100k people, 5 baskets each"
	case o.Set == "1m":
		people, offered, set = 1_000_000, 2000, "1m people"
	}
	c, err := openDecideHome(ctx, o, people, events)
	if err != nil {
		return nil, err
	}
	defer c.close()
	if _, err := measure(ctx, c.ours, 32, offered, 2*time.Second, c.question); err != nil { // warm
		return nil, err
	}
	o.Log("%.0f decisions a second for %s", offered, lasting)
	base, err := measure(ctx, c.bare, 32, offered, lasting/2, c.question)
	if err != nil {
		return nil, err
	}
	got, err := measure(ctx, c.ours, 32, offered, lasting, c.question)
	if err != nil {
		return nil, err
	}
	f := figures{bench: "decide"}
	at := fmt.Sprintf("%s, %.0f/s offered", set, offered)
	f.add(at, "p50_ms", quantile(got.latencies, .5), "ms", quantile(base.latencies, .5))
	f.add(at, "p99_ms", quantile(got.latencies, .99), "ms", quantile(base.latencies, .99))
	if base, err = measure(ctx, c.bare, 32, 0, lasting/2, c.question); err != nil {
		return nil, err
	}
	if got, err = measure(ctx, c.ours, 32, 0, lasting/2, c.question); err != nil {
		return nil, err
	}
	f.add(set, "saturation_per_s", got.perSecond(), "", base.perSecond())
	f.add(set, "cpu_us_per_decision", got.cpuMicros(), "µs", base.cpuMicros())
	f.add(set, "rss_mb", c.ours.rss(), "MB", 0)
	f.add(set, "ready_s", c.readyIn.Seconds(), "s", 0)
	for _, r := range []string{"individual", "context", "generic"} {
		o.Log("decisions on the %s rung: %.0f", r, c.ours.metric(`rapport_decisions_total{placement="home",rung="`+r+`"}`))
	}
	return f.all, nil
}

// readThrough reads the files of a folder once, so that a home of an earlier run lies in the machine's memory as one does that was made just now: decisions are
// measured, and not the disk. A folder that is not there has none.
func readThrough(dir string) error {
	files, err := filepath.Glob(filepath.Join(dir, "*.db"))
	for _, name := range files {
		f, opened := os.Open(name)
		if opened != nil {
			return opened
		}
		_, read := io.Copy(io.Discard, f)
		err = errors.Join(err, read, f.Close())
	}
	return err
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
