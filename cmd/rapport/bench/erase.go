package bench

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"time"
)

// Erase forgets people of a home of made people, one after the other by the door for it, each with all their baskets, while the home is served; then one more and waits until the
// database's files are written anew.
func Erase(ctx context.Context, o Options) ([]Figure, error) {
	sizes, events := []int{10_000, 100_000}, 20
	switch {
	case o.Quick:
		sizes = []int{2_000, 20_000}
	case o.Set == "1m":
		sizes = []int{1_000_000}
	case o.Set != "":
		return nil, fmt.Errorf("there is no set %q: 1m", o.Set)
	}
	given := o.Home
	var out []Figure
	for _, people := range sizes {
		set := fmt.Sprintf("%dk people", people/1000)
		if people == 1_000_000 {
			set = "1m people"
		}
		o.Home = filepath.Join(o.Dir, fmt.Sprint(people))
		if given != "" && len(sizes) == 1 {
			o.Home = given
		}
		if o.Home != given {
			if err := os.MkdirAll(o.Home, 0o700); err != nil {
				return nil, err
			}
		}
		figures, err := erase(ctx, o, set, people, events)
		if err != nil {
			return nil, err
		}
		out = append(out, figures...)
	}
	return out, nil
}

func erase(ctx context.Context, o Options, set string, people, events int) ([]Figure, error) {
	c, err := openDecideHome(ctx, o, people, events)
	if err != nil {
		return nil, err
	}
	defer c.close()
	dir := o.Home
	token, err := command(ctx, o, withDatabase(o, "token", "--home", dir, "--role", "privacy", "--name", "bench", "--rate", "10000")...)
	if err != nil {
		return nil, err
	}
	if o.Database != "" {
		set += ", PostgreSQL"
	}
	n := 0
	one := func() (time.Duration, error) {
		for ; ; n++ {
			i := int(mix(uint64(n)) % uint64(people))
			raw, err := json.Marshal(map[string]any{"person": map[string]any{"userId": userID(i)}})
			if err != nil {
				return 0, err
			}
			req, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://"+c.ours.addr+"/api/rights/erase", bytes.NewReader(raw))
			if err != nil {
				return 0, err
			}
			req.Header.Set("Authorization", "Bearer "+token)
			began := time.Now()
			res, err := http.DefaultClient.Do(req)
			if err != nil {
				return 0, err
			}
			_ = res.Body.Close()
			switch res.StatusCode {
			case http.StatusOK:
				n++
				return time.Since(began), nil
			case http.StatusNotFound: // forgotten by an earlier run
			default:
				return 0, fmt.Errorf("an erasure was answered with %d", res.StatusCode)
			}
		}
	}
	const times = 100
	o.Log("%d people of %d, one after the other", times, people)
	var took []time.Duration
	for range times {
		d, err := one()
		if err != nil {
			return nil, err
		}
		took = append(took, d)
	}
	slowest := took[0]
	for _, d := range took {
		slowest = max(slowest, d)
	}
	figure := func(name string, value float64, unit string) Figure {
		return Figure{Bench: "erase", Set: set, Figure: name, Value: value, Unit: unit}
	}
	out := []Figure{figure("erase_p50_ms", quantile(took, .5), "ms"), figure("erase_max_ms", float64(slowest)/1e6, "ms")}
	if o.Database == "" {
		o.Log("one more, with --now, in files of %d MB", sizeOf(dir)>>20)
		var began time.Time
		for ; ; n++ {
			began = time.Now()
			if _, err = command(ctx, o, "rights", "erase", "--home", dir, "--person", "userId="+userID(int(mix(uint64(n))%uint64(people))), "--now"); err == nil || n > 10_000 {
				break
			}
		}
		if err != nil {
			return nil, err
		}
		out = append(out, figure("erase_now_s", time.Since(began).Seconds(), "s"), figure("home_mb", float64(sizeOf(dir))/(1<<20), "MB"))
	}
	return append(out, figure("rss_mb", c.ours.rss(), "MB")), nil
}

func sizeOf(dir string) (n int64) {
	_ = filepath.WalkDir(dir, func(_ string, d fs.DirEntry, err error) error {
		if info, fault := d.Info(); err == nil && fault == nil {
			n += info.Size()
		}
		return nil
	})
	return n
}
