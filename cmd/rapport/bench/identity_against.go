package bench

import (
	"context"
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

//go:embed against_splink.py
var splinkScript []byte

// splinkPackages are the reference and all that it needs, each pinned.
var splinkPackages = []string{"splink==5.0.0", "duckdb==2.0.0", "pyarrow==26.0.1", "sqlglot==30.30.0"}

// splinkName is how figures call the reference.
const splinkName = "Splink 5.0.0"

// splink is the reference, ready to run.
type splink struct{ python, script string }

// openSplink finds the reference in a folder of its own, which is the user's cache where none is named, and puts it there first where
// it is not yet: a Python environment with the packages as they are pinned. Its errors are one sentence.
func openSplink(ctx context.Context, o Options) (*splink, error) {
	name, dir, _ := strings.Cut(o.Against, "=")
	if name != "splink" {
		return nil, fmt.Errorf("nothing is known of %q: --against splink, or splink=FOLDER", o.Against)
	}
	if dir == "" {
		cache, err := os.UserCacheDir()
		if err != nil {
			return nil, fmt.Errorf("%s is not compared with: there is no folder for it, name one with --against splink=FOLDER", splinkName)
		}
		dir = filepath.Join(cache, "rapport", "splink-5.0.0")
	}
	s := &splink{python: filepath.Join(dir, "bin", "python"), script: filepath.Join(o.Dir, "against_splink.py")}
	if err := os.WriteFile(s.script, splinkScript, 0o600); err != nil {
		return nil, err
	}
	if s.there(ctx) {
		return s, nil
	}
	python, err := exec.LookPath("python3")
	if err != nil {
		return nil, fmt.Errorf("%s is not compared with: there is no python3 on this machine", splinkName)
	}
	o.Log("putting %s and DuckDB into %s", splinkName, dir)
	for _, args := range [][]string{{python, "-m", "venv", dir}, append([]string{s.python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"}, splinkPackages...)} {
		if said, err := exec.CommandContext(ctx, args[0], args[1:]...).CombinedOutput(); err != nil {
			return nil, fmt.Errorf("%s is not compared with: %s failed: %s", splinkName, strings.Join(args[:min(4, len(args))], " "), lastLine(said, err))
		}
	}
	if !s.there(ctx) {
		return nil, fmt.Errorf("%s is not compared with: it does not start from %s, remove that folder and try again", splinkName, dir)
	}
	return s, nil
}

// there says whether the environment has the packages as they are pinned.
func (s *splink) there(ctx context.Context) bool {
	raw, err := exec.CommandContext(ctx, s.python, "-c", "from importlib.metadata import version\nfor p in '"+strings.Join(splinkPackages, " ")+"'.split():\n  n, v = p.split('==')\n  assert version(n) == v").CombinedOutput()
	return err == nil && len(raw) == 0
}

// lastLine is the last thing that a program said, or why it did not run.
func lastLine(said []byte, err error) string {
	lines := strings.Split(strings.TrimSpace(string(said)), "\n")
	if last := lines[len(lines)-1]; last != "" {
		return last
	}
	return err.Error()
}

// against links the same files with the reference, and sets each of our figures beside its.
func (s *splink) against(ctx context.Context, o Options, p *people, paths []string, ours []Figure) ([]Figure, error) {
	kind := "febrl"
	if p.set == "historical" {
		kind = "historical"
	}
	o.Log("the same with %s", splinkName)
	out, err := os.MkdirTemp(o.Dir, "splink-")
	if err != nil {
		return ours, err
	}
	began := time.Now()
	cmd := exec.CommandContext(ctx, s.python, append([]string{s.script, kind, out}, paths...)...)
	var errs strings.Builder
	cmd.Stderr = &errs
	said, err := cmd.Output()
	if err != nil {
		return ours, fmt.Errorf("linking with %s: %s", splinkName, lastLine([]byte(errs.String()), err))
	}
	seconds := time.Since(began).Seconds()
	var report struct {
		PeakMB float64 `json:"peakMB"`
	}
	if err := json.Unmarshal(said, &report); err != nil {
		return ours, err
	}
	place := map[string]int{} // by the script's name of a record
	for i, n := 0, 0; i < len(paths); i++ {
		for row := range p.rows[i] {
			place[fmt.Sprintf("%d:%d", i, row+1)] = n
			n++
		}
	}
	links, err := readCSV(filepath.Join(out, "links.csv"))
	if err != nil {
		return ours, err
	}
	right := 0
	for _, row := range links[1:] {
		a, ok := place[row[0]]
		b, known := place[row[1]]
		if !ok || !known {
			return ours, errors.New("a record is linked by " + splinkName + " that it was not given")
		}
		if p.truth[a] == p.truth[b] {
			right++
		}
	}
	clusters, err := readCSV(filepath.Join(out, "clusters.csv"))
	if err != nil {
		return ours, err
	}
	found := make([]string, len(p.truth))
	for _, row := range clusters[1:] {
		found[place[row[0]]] = row[1]
	}
	j := judge(found, p.truth)
	linksF1 := 2 * float64(right) / (float64(len(links)-1) + pairsOf(p.truth))
	theirs := map[string]float64{"f1": max(linksF1, j.f1()), "precision": j.precision, "recall": j.recall, "bcubed_precision": j.bPrecision, "bcubed_recall": j.bRecall,
		"bcubed_f1": harmonic(j.bPrecision, j.bRecall), "seconds": seconds, "cpu_s": (cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()).Seconds(), "rss_mb": report.PeakMB}
	for i, f := range ours {
		if base := theirs[f.Figure]; base > 0 {
			ours[i].Baseline, ours[i].Ratio = splinkName, f.Value/base
		}
	}
	figure := func(name string, value float64, unit string) {
		ours = append(ours, Figure{Bench: "identity", Set: p.set, Figure: "splink_" + name, Value: value, Unit: unit})
	}
	figure("f1_links", linksF1, "")
	figure("f1_clusters", j.f1(), "")
	figure("seconds", seconds, "s")
	figure("cpu_s", theirs["cpu_s"], "s")
	figure("rss_mb", report.PeakMB, "MB")
	return ours, os.RemoveAll(out)
}

// pairsOf is how many pairs of records are one person's.
func pairsOf(truth []string) (pairs float64) {
	count := map[string]float64{}
	for _, t := range truth {
		count[t]++
	}
	for _, n := range count {
		pairs += n * (n - 1) / 2
	}
	return pairs
}
