package bench

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"time"
)

// Grow measures how cost grows: events and decisions with the number of people, and both doors with the number of connections. It is
// the long one: with a million people some twenty minutes, or five when Home holds the homes of decisions that an earlier run made.
func Grow(ctx context.Context, o Options) ([]Figure, error) {
	sizes, lasting, baskets := []int{10_000, 100_000, 1_000_000}, 8*time.Second, 20
	if o.Quick {
		sizes, lasting, baskets = []int{1_000, 10_000}, 2*time.Second, 5
	}
	f := figures{bench: "grow"}
	conns := []int{1, 4, 16, 64}
	for i, people := range sizes {
		set := fmt.Sprintf("%d people", people)
		err := func() error {
			o := o
			o.Dir, o.Home = filepath.Join(o.Dir, fmt.Sprintf("collect-%d", people)), ""
			if err := os.Mkdir(o.Dir, 0o700); err != nil {
				return err
			}
			g, err := openCollectHome(ctx, o, people)
			if err != nil {
				return err
			}
			defer g.close()
			if err := g.warm(ctx); err != nil {
				return err
			}
			l, err := measure(ctx, g.ours, 16, 0, lasting, g.batch)
			if err != nil {
				return err
			}
			f.add(set, "batch_events_per_s", l.perSecond()*100, "", 0)
			f.add(set, "batch_cpu_us_per_event", l.cpuMicros()/100, "µs", 0)
			f.add(set, "collect_rss_mb", g.ours.rss(), "MB", 0)
			for _, n := range conns {
				if i > 0 {
					break
				}
				if l, err = measure(ctx, g.ours, n, 0, lasting/2, g.single); err != nil {
					return err
				}
				f.add(fmt.Sprintf("%d connections", n), "single_requests_per_s", l.perSecond(), "", 0)
				f.add(fmt.Sprintf("%d connections", n), "single_p50_ms", quantile(l.latencies, .5), "ms", 0)
			}
			return nil
		}()
		if err != nil {
			return f.all, err
		}
	}
	for i, people := range sizes {
		set := fmt.Sprintf("%d people", people)
		err := func() error {
			o := o
			name := fmt.Sprintf("decide-%d", people)
			if o.Dir = filepath.Join(o.Dir, name); o.Home != "" {
				o.Home = filepath.Join(o.Home, name)
			}
			if err := os.Mkdir(o.Dir, 0o700); err != nil {
				return err
			}
			c, err := openDecideHome(ctx, o, people, baskets)
			if err != nil {
				return err
			}
			defer c.close()
			if _, err := measure(ctx, c.ours, 32, 0, lasting/4, c.question); err != nil { // warm
				return err
			}
			l, err := measure(ctx, c.ours, 32, 0, lasting, c.question)
			if err != nil {
				return err
			}
			f.add(set, "decisions_per_s", l.perSecond(), "", 0)
			f.add(set, "cpu_us_per_decision", l.cpuMicros(), "µs", 0)
			f.add(set, "decide_rss_mb", c.ours.rss(), "MB", 0)
			for _, n := range conns {
				if i > 0 {
					break
				}
				if l, err = measure(ctx, c.ours, n, 0, lasting/2, c.question); err != nil {
					return err
				}
				f.add(fmt.Sprintf("%d connections", n), "decisions_per_s", l.perSecond(), "", 0)
				f.add(fmt.Sprintf("%d connections", n), "decision_p50_ms", quantile(l.latencies, .5), "ms", 0)
			}
			return nil
		}()
		if err != nil {
			return f.all, err
		}
	}
	return f.all, nil
}
