// Package bench measures Rapport from outside, as its callers meet it: a served home in a process of its own, loaded over
// HTTP by this one, beside a bare server under the same load in the same run. It promises figures as they were measured,
// with the machine's noise; quote ratios rather than single values.
package bench

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Figure is one measured value.
type Figure struct {
	Bench    string  `json:"bench"`
	Set      string  `json:"set"`
	Figure   string  `json:"figure"`
	Value    float64 `json:"value"`
	Unit     string  `json:"unit"`
	Baseline string  `json:"baseline,omitempty"`
	Ratio    float64 `json:"ratio,omitempty"` // our value over the baseline's, of the same run

	// Of several runs Value and Ratio are the medians; these are the least and the largest value.
	Runs int     `json:"runs,omitempty"`
	Low  float64 `json:"low,omitempty"`
	High float64 `json:"high,omitempty"`

	// Older figures do not say what they were measured on, and when.
	Machine string `json:"machine,omitempty"`
	Date    string `json:"date,omitempty"` // 2026-11-20
}

// figures are those of one bench.
type figures struct {
	bench string
	all   []Figure
}

// add notes a figure, beside the bare handler's where there is one.
func (f *figures) add(set, figure string, value float64, unit string, base float64) {
	n := Figure{Bench: f.bench, Set: set, Figure: figure, Value: value, Unit: unit}
	if base > 0 {
		n.Baseline, n.Ratio = "bare handler", value/base
	}
	f.all = append(f.all, n)
}

// Options says how to measure.
type Options struct {
	Binary   string // this program, to start servers from
	Dir      string // where homes are made; removed by the caller
	Database string // PostgreSQL URL; empty: SQLite in the home
	Quick    bool   // smaller and shorter: the sets say so
	Set      string // a named size, where the bench has several
	Against  string // identity: a reference that links the same files in the same run: splink, or splink=FOLDER
	Home     string // decide, grow: where the homes are made and left, and taken again; empty: made anew each time
	Log      func(format string, args ...any)

	splink *splink // Against, once it is ready
}

// server is a child process under load.
type server struct {
	cmd  *exec.Cmd
	addr string
	logs *os.File
}

// asking is for questions beside the load: a server that does not answer one holds up no bench.
var asking = &http.Client{Timeout: 10 * time.Second}

func freeAddr() (string, error) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	defer func() { _ = ln.Close() }()
	return ln.Addr().String(), nil
}

// start runs the binary with the arguments, {addr} replaced by a free address, and waits until ready answers.
func start(ctx context.Context, o Options, ready string, args ...string) (*server, error) {
	addr, err := freeAddr()
	if err != nil {
		return nil, err
	}
	for i := range args {
		args[i] = strings.ReplaceAll(args[i], "{addr}", addr)
	}
	logs, err := os.CreateTemp(o.Dir, "server-*.log")
	if err != nil {
		return nil, err
	}
	cmd := exec.CommandContext(ctx, o.Binary, args...)
	cmd.Stdout, cmd.Stderr = logs, logs
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	s := &server{cmd: cmd, addr: addr, logs: logs}
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	deadline := time.After(3 * time.Minute) // a demo makes its home first
	for {
		select {
		case <-ctx.Done():
			s.stop()
			return nil, ctx.Err()
		case <-deadline:
			said := s.said()
			s.stop()
			return nil, fmt.Errorf("the server did not become ready: %s", said)
		case <-tick.C:
			res, err := asking.Get("http://" + addr + ready)
			if err != nil {
				continue
			}
			_ = res.Body.Close()
			if res.StatusCode < 300 {
				return s, nil
			}
		}
	}
}

// said is the end of what the server wrote.
func (s *server) said() string {
	raw, err := os.ReadFile(s.logs.Name())
	if err != nil {
		return err.Error()
	}
	return string(raw[max(0, len(raw)-2000):])
}

func (s *server) stop() {
	if s.cmd.Process != nil {
		_ = s.cmd.Process.Signal(os.Interrupt)
		done := make(chan struct{})
		go func() { _ = s.cmd.Wait(); close(done) }()
		select {
		case <-done:
		case <-time.After(20 * time.Second):
			_ = s.cmd.Process.Kill()
			<-done
		}
	}
	_ = s.logs.Close()
}

// rss is the process's largest resident size so far, in MB, and zero where /proc is not.
func (s *server) rss() float64 {
	raw, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(s.cmd.Process.Pid), "status"))
	if err != nil {
		return 0
	}
	return highWater(strings.Split(string(raw), "\n"))
}

// highWater finds the largest resident size among the lines of a process's status.
func highWater(lines []string) float64 {
	for _, line := range lines {
		if rest, ok := strings.CutPrefix(line, "VmHWM:"); ok {
			kb, err := strconv.ParseFloat(strings.Fields(rest)[0], 64)
			if err == nil {
				return kb / 1024
			}
		}
	}
	return 0
}

// cpu is the processor time that the process has used so far, in seconds, and zero where /proc is not. Unlike a rate it hardly
// depends on what else the machine does.
func (s *server) cpu() float64 { return processor(strconv.Itoa(s.cmd.Process.Pid)) }

// processor is the processor time that a process has used so far, in seconds, by its name in /proc.
func processor(process string) float64 {
	raw, err := os.ReadFile(filepath.Join("/proc", process, "stat"))
	if err != nil {
		return 0
	}
	_, rest, ok := strings.Cut(string(raw), ") ") // the name before may hold spaces
	fields := strings.Fields(rest)
	if !ok || len(fields) < 13 {
		return 0
	}
	const ticks = 100 // USER_HZ, the same on every Linux that Go runs on
	user, err := strconv.ParseFloat(fields[11], 64)
	if err != nil {
		return 0
	}
	system, err := strconv.ParseFloat(fields[12], 64)
	if err != nil {
		return 0
	}
	return (user + system) / ticks
}

// metric reads one unlabelled Prometheus figure of the server, zero when it has none.
func (s *server) metric(name string) float64 {
	res, err := asking.Get("http://" + s.addr + "/metrics")
	if err != nil {
		return 0
	}
	defer func() { _ = res.Body.Close() }()
	lines := bufio.NewScanner(res.Body)
	for lines.Scan() {
		if rest, ok := strings.CutPrefix(lines.Text(), name+" "); ok {
			v, err := strconv.ParseFloat(strings.TrimSpace(rest), 64)
			if err == nil {
				return v
			}
		}
	}
	return 0
}

// command runs the binary to its end and gives what it printed. One that takes long is told of every half minute.
func command(ctx context.Context, o Options, args ...string) (string, error) {
	cmd := exec.CommandContext(ctx, o.Binary, args...)
	var errs strings.Builder
	cmd.Stderr = &errs
	ended := make(chan struct{})
	defer close(ended)
	go func() {
		tick, began := time.NewTicker(30*time.Second), time.Now()
		defer tick.Stop()
		for {
			select {
			case <-ended:
				return
			case <-tick.C:
				o.Log("rapport %s has run for %v", args[0], time.Since(began).Round(time.Second))
			}
		}
	}()
	out, err := cmd.Output()
	if err != nil {
		return "", fmt.Errorf("rapport %s: %w: %s", args[0], err, errs.String())
	}
	return strings.TrimSpace(string(out)), nil
}

// Baseline serves a bare handler that reads and discards: what the same generator reaches against net/http alone.
func Baseline(ctx context.Context, addr string) error {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /readyz", func(http.ResponseWriter, *http.Request) {})
	mux.HandleFunc("GET /{bytes}", func(w http.ResponseWriter, r *http.Request) {
		n, err := strconv.Atoi(r.PathValue("bytes"))
		if err != nil || n < 0 || n > 1<<20 {
			http.NotFound(w, r)
			return
		}
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		_, _ = w.Write(make([]byte, n))
	})
	mux.HandleFunc("POST /", func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		w.Header().Set("Content-Type", "application/json")
		_, _ = io.WriteString(w, `{"success":true}`)
	})
	srv := &http.Server{Addr: addr, Handler: mux, ReadHeaderTimeout: 10 * time.Second}
	go func() { <-ctx.Done(); _ = srv.Close() }()
	if err := srv.ListenAndServe(); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}

// Print writes figures for people, below a line that says what they were measured on, or one JSON object a line.
func Print(w io.Writer, figures []Figure, asJSON bool) error {
	if !asJSON && len(figures) > 0 && figures[0].Machine != "" {
		if _, err := fmt.Fprintf(w, "on %s, %s\n", figures[0].Machine, figures[0].Date); err != nil {
			return err
		}
	}
	for _, f := range figures {
		if asJSON {
			raw, err := json.Marshal(f)
			if err != nil {
				return err
			}
			if _, err := fmt.Fprintf(w, "%s\n", raw); err != nil {
				return err
			}
			continue
		}
		digits := 2
		if f.Unit == "" && f.Value <= 1 { // a share
			digits = 4
		}
		line := fmt.Sprintf("%-10s %-34s %-24s %12.*f %-5s", f.Bench, f.Set, f.Figure, digits, f.Value, f.Unit)
		if f.Runs > 1 {
			line += fmt.Sprintf(" (%.*f to %.*f in %d runs)", digits, f.Low, digits, f.High, f.Runs)
		}
		if f.Baseline != "" {
			line += fmt.Sprintf("  %.2f × %s", f.Ratio, f.Baseline)
		}
		if _, err := fmt.Fprintln(w, strings.TrimRight(line, " ")); err != nil {
			return err
		}
	}
	return nil
}

// quantile is the q-th quantile of the durations, in milliseconds; it sorts them.
func quantile(d []time.Duration, q float64) float64 {
	if len(d) == 0 {
		return 0
	}
	slices.Sort(d)
	return float64(d[min(len(d)-1, int(q*float64(len(d))))]) / float64(time.Millisecond)
}
