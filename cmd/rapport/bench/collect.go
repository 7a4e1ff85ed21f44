package bench

import (
	"context"
	_ "embed"
	"encoding/base64"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"sync/atomic"
	"time"
)

//go:embed charter.yaml
var benchCharter []byte

// home makes a home with the benches' charter and a source key for it.
func home(ctx context.Context, o Options) (dir, key string, err error) {
	if dir = o.Home; dir == "" {
		dir = filepath.Join(o.Dir, "home")
	}
	if _, err = command(ctx, o, "init", dir); err != nil {
		return "", "", err
	}
	file := filepath.Join(dir, "charter.yaml")
	if err = os.WriteFile(file, benchCharter, 0o600); err != nil {
		return "", "", err
	}
	// It is in force from the first time the home is opened.
	key, err = command(ctx, o, withDatabase(o, "token", "--home", dir, "--role", "source", "--name", "tills")...)
	return dir, key, err
}

func withDatabase(o Options, args ...string) []string {
	if o.Database != "" {
		args = append(args, "--database", o.Database)
	}
	return args
}

// choices writes a file of choices: nine people in ten say yes, one in ten said no after a yes; those behind them, who are probes, say yes.
func choices(path string, people, probes int) error {
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	defer func() { _ = f.Close() }()
	at := time.Now().UTC().Add(-30 * 24 * time.Hour).Format(time.RFC3339)
	later := time.Now().UTC().Add(-10 * 24 * time.Hour).Format(time.RFC3339)
	for i := range people + probes {
		if _, err := fmt.Fprintf(f, `{"userId":"%s","purpose":"personalise","answer":"yes","at":"%s","channel":"web","language":"en","notice":"1","words":"To show you what suits you."}`+"\n", userID(i), at); err != nil {
			return err
		}
		if i < people && i%10 == 9 {
			if _, err := fmt.Fprintf(f, `{"userId":"%s","purpose":"personalise","answer":"no","at":"%s","channel":"web","language":"en","notice":"1","words":"To show you what suits you."}`+"\n", userID(i), later); err != nil {
				return err
			}
		}
	}
	return f.Close()
}

// shelved is how many products the catalogue has; messages name these.
const shelved = 5000

// products writes the catalogue that messages speak of.
func products(path string) error {
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	defer func() { _ = f.Close() }()
	for i := range shelved {
		if _, err := fmt.Fprintf(f, `{"id":"10%05d","name":"Product %d","department":"Bench","price":2.5}`+"\n", i, i); err != nil {
			return err
		}
	}
	return f.Close()
}

func userID(i int) string { return fmt.Sprintf("u%07d", i) }

// message writes one event of about 500 bytes. Of a hundred, five are not declared, four are traits, forty are views and the
// rest orders; every third carries a field that falls. serial makes its messageId, and picks the person.
func message(dst []byte, serial uint64, people int, now string) []byte {
	i := int(mix(serial) % uint64(people))
	kind := serial % 100
	typ := "track"
	if kind >= 5 && kind < 9 {
		typ = "identify"
	}
	dst = append(dst, `{"type":"`...)
	dst = append(dst, typ...)
	dst = append(dst, `","messageId":"bench-`...)
	dst = strconv.AppendUint(dst, serial, 10)
	dst = append(dst, `-4f1c0a7e-9d1b","userId":"u`...)
	dst = appendPadded(dst, i, 7)
	dst = append(dst, `","timestamp":"`...)
	dst = append(dst, now...)
	dst = append(dst, `","context":{"library":{"name":"analytics-node","version":"3.1.0"},"ip":"203.0.113.9","userAgent":"Mozilla/5.0 (X11; Linux x86_64) bench"}`...)
	switch {
	case kind < 5:
		dst = append(dst, `,"event":"Coupon Wallet Opened","properties":{"wallet":"summer","coupons":17,"note":"not declared by the charter, so it is refused and not kept"}}`...)
	case kind < 9:
		dst = append(dst, `,"traits":{"household":"2","favourite_colour":"not declared","shoe_size":43}}`...)
	case kind < 49:
		dst = append(dst, `,"event":"Product Viewed","properties":{"product_id":"10`...)
		dst = appendPadded(dst, int(mix(serial+1)%shelved), 5)
		dst = append(dst, `","referrer_campaign":"not declared","list":"shelf-7","position":4,"variant":"blue"}}`...)
	default:
		dst = append(dst, `,"event":"Order Completed","properties":{"order_id":"o`...)
		dst = strconv.AppendUint(dst, serial, 10)
		dst = append(dst, `","total":23.45,"products":[`...)
		for l := range 3 {
			if l > 0 {
				dst = append(dst, ',')
			}
			dst = append(dst, `{"product_id":"10`...)
			dst = appendPadded(dst, int(mix(serial+uint64(l)+7)%shelved), 5)
			dst = append(dst, `","quantity":1,"price":2.5}`...)
		}
		dst = append(dst, ']')
		if kind%3 == 0 {
			dst = append(dst, `,"till_operator":"not declared"`...)
		}
		dst = append(dst, `}}`...)
	}
	return dst
}

func appendPadded(dst []byte, n, digits int) []byte {
	var b [20]byte
	for i := digits - 1; i >= 0; i-- {
		b[i] = byte('0' + n%10)
		n /= 10
	}
	return append(dst, b[:digits]...)
}

// mix spreads serial numbers (splitmix64), so that people and products come in no order.
func mix(x uint64) uint64 {
	x += 0x9e3779b97f4a7c15
	x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9
	x = (x ^ (x >> 27)) * 0x94d049bb133111eb
	return x ^ (x >> 31)
}

// collectHome is a served home with choices and a catalogue, and a bare handler beside it.
type collectHome struct {
	o          Options
	people     int
	auth       string
	decides    string // a token that may ask for decisions
	run        uint64 // makes the messages of this run others than those of the last
	ours, bare *server
}

func openCollectHome(ctx context.Context, o Options, people int) (g *collectHome, err error) {
	dir, key, err := home(ctx, o)
	if err != nil {
		return nil, err
	}
	file := filepath.Join(o.Dir, "choices.jsonl")
	if err := choices(file, people, probes); err != nil {
		return nil, err
	}
	o.Log("importing the choices of %d people", people)
	if _, err := command(ctx, o, withDatabase(o, "import", "--home", dir, "--source", "tills", "--as", "choices", file)...); err != nil {
		return nil, err
	}
	shelf := filepath.Join(o.Dir, "items.jsonl")
	if err := products(shelf); err != nil {
		return nil, err
	}
	if _, err := command(ctx, o, withDatabase(o, "import", "--home", dir, "--source", "tills", "--as", "items", shelf)...); err != nil {
		return nil, err
	}
	g = &collectHome{o: o, people: people, auth: "Basic " + base64.StdEncoding.EncodeToString([]byte(key+":")), run: uint64(time.Now().UnixNano()) << 8}
	if g.decides, err = command(ctx, o, withDatabase(o, "token", "--home", dir, "--role", "decide", "--name", "probe", "--attest")...); err != nil {
		return nil, err
	}
	if g.bare, err = start(ctx, o, "/readyz", "bench", "baseline", "--listen", "{addr}"); err != nil {
		return nil, err
	}
	if g.ours, err = start(ctx, o, "/readyz", withDatabase(o, "serve", "--home", dir, "--listen", "{addr}")...); err != nil {
		g.bare.stop()
		return nil, err
	}
	return g, nil
}

func (g *collectHome) close() {
	g.ours.stop()
	g.bare.stop()
}

const stamp = "2006-01-02T15:04:05.000Z"

// batch is a hundred messages.
func (g *collectHome) batch(conn int, n int64, dst []byte) []byte {
	now := time.Now().UTC().Format(stamp)
	body := append(make([]byte, 0, 64<<10), `{"batch":[`...)
	for i := range 100 {
		if i > 0 {
			body = append(body, ',')
		}
		body = message(body, g.run+uint64(conn)<<40+uint64(n)*100+uint64(i), g.people, now)
	}
	body = append(body, `],"sentAt":"`...)
	body = append(body, now...)
	body = append(body, `"}`...)
	return post(dst, "/v1/batch", g.auth, body)
}

// single is one message.
func (g *collectHome) single(conn int, n int64, dst []byte) []byte {
	serial := g.run + 1<<39 + uint64(conn)<<40 + uint64(n)
	if k := serial % 100; k >= 5 && k < 9 { // the single door here is /v1/track
		serial += 50
	}
	return post(dst, "/v1/track", g.auth, message(nil, serial, g.people, time.Now().UTC().Format(stamp)))
}

// measure drives one of the servers; an answer other than 200 is an error.
func measure(ctx context.Context, s *server, conns int, rate float64, d time.Duration, build next) (load, error) {
	before := s.cpu()
	l, err := drive(ctx, s.addr, conns, rate, d, build)
	l.cpu = s.cpu() - before
	if err == nil {
		err = l.fault()
	}
	if err != nil {
		return l, fmt.Errorf("%w: %s", err, s.said())
	}
	return l, nil
}

// warm lets everybody be seen once before anything is measured: a gate that has just started reads each person once, and a bench of
// seconds would measure little else.
func (g *collectHome) warm(ctx context.Context) error {
	g.o.Log("everybody once")
	var seen atomic.Int64
	once := func(_ int, _ int64, dst []byte) []byte {
		now := time.Now().UTC().Format(stamp)
		first := seen.Add(100) - 100
		body := append(make([]byte, 0, 64<<10), `{"batch":[`...)
		for i := range int64(100) {
			if i > 0 {
				body = append(body, ',')
			}
			body = fmt.Appendf(body, `{"type":"track","messageId":"warm-%d-%d","userId":"%s","timestamp":"%s","event":"Product Viewed","properties":{"product_id":"1000001"}}`,
				g.run, first+i, userID(int((first+i)%int64(g.people))), now)
		}
		return post(dst, "/v1/batch", g.auth, append(body, `]}`...))
	}
	for seen.Load() < int64(g.people) {
		if _, err := measure(ctx, g.ours, 16, 0, 5*time.Second, once); err != nil {
			return err
		}
		g.o.Log("%d of %d", min(seen.Load(), int64(g.people)), g.people)
	}
	return nil
}

// Collect measures the door for events: batches of 100, single requests at saturation, and single requests at an offered
// rate, each beside a bare handler under the same generator.
func Collect(ctx context.Context, o Options) ([]Figure, error) {
	people, batchFor, singleFor := 100_000, 30*time.Second, 10*time.Second
	set := "100k people"
	switch {
	case o.Quick:
		people, batchFor, singleFor, set = 10_000, 5*time.Second, 3*time.Second, "quick, 10k people"
	case o.Set == "5m":
		batchFor, set = 5*time.Minute, "100k people, five minutes"
	}
	g, err := openCollectHome(ctx, o, people)
	if err != nil {
		return nil, err
	}
	defer g.close()
	if err := g.warm(ctx); err != nil {
		return nil, err
	}
	f := figures{bench: "collect"}
	o.Log("batches of 100 for %s", batchFor)
	base, err := measure(ctx, g.bare, 16, 0, min(batchFor/3, 10*time.Second), g.batch)
	if err != nil {
		return nil, err
	}
	followed := g.follow(ctx)
	got, err := measure(ctx, g.ours, 16, 0, batchFor, g.batch)
	lag, looks, behind := followed()
	if err = errors.Join(err, behind); err != nil {
		return nil, err
	}
	o.Log("histories were asked for %d times: what had been acknowledged was there within %s", looks, lag.Round(time.Millisecond))
	f.add(set, "batch_events_per_s", got.perSecond()*100, "", base.perSecond()*100)
	f.add(set, "batch_p99_ms", quantile(got.latencies, .99), "ms", quantile(base.latencies, .99))
	f.add(set, "batch_cpu_us_per_event", got.cpuMicros()/100, "µs", base.cpuMicros()/100)
	f.add(set, "history_lag_s", lag.Seconds(), "s", 0)

	o.Log("single requests for %s", singleFor)
	if base, err = measure(ctx, g.bare, 64, 0, singleFor, g.single); err != nil {
		return f.all, err
	}
	if got, err = measure(ctx, g.ours, 64, 0, singleFor, g.single); err != nil {
		return f.all, err
	}
	f.add(set, "single_requests_per_s", got.perSecond(), "", base.perSecond())
	f.add(set, "single_cpu_us_per_request", got.cpuMicros(), "µs", base.cpuMicros())
	rate := offered(got.perSecond())
	if base, err = measure(ctx, g.bare, 64, rate, singleFor, g.single); err != nil {
		return f.all, err
	}
	if got, err = measure(ctx, g.ours, 64, rate, singleFor, g.single); err != nil {
		return f.all, err
	}
	f.add(fmt.Sprintf("%s, %.0f/s offered", set, rate), "single_p99_ms", quantile(got.latencies, .99), "ms", quantile(base.latencies, .99))
	f.add(set, "rss_mb", g.ours.rss(), "MB", 0)
	return f.all, nil
}

// offered is the rate at which latency is measured: the largest of a few round ones that leaves a quarter of what the server can do.
func offered(saturation float64) float64 {
	rate := 500.0
	for _, r := range []float64{1000, 2000, 5000, 10_000} {
		if r <= saturation*.75 {
			rate = r
		}
	}
	return rate
}
