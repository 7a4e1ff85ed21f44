package bench

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"time"

	"github.com/rapporthq/rapport/demo"
)

// Import measures how long the demo's real baskets take through the full gate by `rapport import`, to their histories on disk, beside
// encoding/json reading the same lines into maps and doing nothing with them.
func Import(ctx context.Context, o Options) ([]Figure, error) {
	dir := filepath.Join(o.Dir, "home")
	if _, err := command(ctx, o, "init", dir); err != nil {
		return nil, err
	}
	if err := os.WriteFile(filepath.Join(dir, "charter.yaml"), demo.Charter(), 0o600); err != nil {
		return nil, err
	}
	files := filepath.Join(o.Dir, "files")
	sum, err := demo.Write(files, demo.Options{Now: time.Now()}, nil)
	if err != nil {
		return nil, err
	}
	var took, base time.Duration
	var rss float64
	for _, f := range sum.Files {
		path := filepath.Join(files, f.Name)
		args := withDatabase(o, "import", "--home", dir, "--source", f.Source, "--as", f.As, path)
		if f.As != "events" {
			if _, err := command(ctx, o, args...); err != nil {
				return nil, err
			}
			continue
		}
		o.Log("%d baskets of %d lines", sum.Baskets, sum.Lines)
		begun := time.Now()
		if err := decode(path); err != nil {
			return nil, err
		}
		base += time.Since(begun)
		begun = time.Now()
		used, err := resources(ctx, o, args...)
		if err != nil {
			return nil, err
		}
		took += time.Since(begun)
		rss = max(rss, used)
	}
	figure := func(name string, value float64, unit string) Figure {
		return Figure{Bench: "import", Set: "the demo's baskets", Figure: name, Value: value, Unit: unit}
	}
	all := figure("seconds", took.Seconds(), "s")
	all.Baseline, all.Ratio = "encoding/json", took.Seconds()/base.Seconds()
	return []Figure{all,
		figure("baskets_per_s", float64(sum.Baskets)/took.Seconds(), ""),
		figure("lines_per_s", float64(sum.Lines)/took.Seconds(), ""),
		figure("rss_mb", rss, "MB")}, nil
}

// decode reads every line as Go's own decoder does.
func decode(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer func() { _ = f.Close() }()
	lines := bufio.NewScanner(f)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		var m map[string]any
		if err := json.Unmarshal(lines.Bytes(), &m); err != nil {
			return err
		}
	}
	return lines.Err()
}

// resources runs the binary to its end and gives its largest resident size in MB, as far as it was seen.
func resources(ctx context.Context, o Options, args ...string) (rss float64, err error) {
	s := &server{cmd: exec.CommandContext(ctx, o.Binary, args...)}
	var said bytes.Buffer
	s.cmd.Stdout, s.cmd.Stderr = &said, &said
	if err := s.cmd.Start(); err != nil {
		return 0, err
	}
	ended := make(chan error, 1)
	go func() { ended <- s.cmd.Wait() }()
	for tick := time.NewTicker(50 * time.Millisecond); ; {
		select {
		case err := <-ended:
			tick.Stop()
			if err != nil {
				err = fmt.Errorf("rapport %s: %w: %s", args[0], err, said.String())
			}
			return rss, err
		case <-tick.C:
			rss = max(rss, s.rss())
		}
	}
}
