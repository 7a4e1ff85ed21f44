package bench

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"slices"
	"strings"
)

// Median gives, of the figures of several runs, each figure once: the median of its values and of its ratios, and their range. Figures
// keep the order of the first run.
func Median(runs [][]Figure) []Figure {
	var order []string
	by := map[string][]Figure{}
	for _, run := range runs {
		for _, f := range run {
			k := f.key()
			if by[k] == nil {
				order = append(order, k)
			}
			by[k] = append(by[k], f)
		}
	}
	out := make([]Figure, 0, len(order))
	for _, k := range order {
		all := by[k]
		f := all[0]
		values, ratios := make([]float64, len(all)), make([]float64, len(all))
		for i := range all {
			values[i], ratios[i] = all[i].Value, all[i].Ratio
		}
		slices.Sort(values)
		slices.Sort(ratios)
		f.Value, f.Ratio = middle(values), middle(ratios)
		if len(all) > 1 {
			f.Runs, f.Low, f.High = len(all), values[0], values[len(values)-1]
		}
		out = append(out, f)
	}
	return out
}

// middle is the median of sorted values, the lower of the two in the middle where there are two: a value that was measured.
func middle(sorted []float64) float64 { return sorted[(len(sorted)-1)/2] }

func (f Figure) key() string { return f.Bench + "\x00" + f.Set + "\x00" + f.Figure }

// Read reads figures as Print writes them with asJSON.
func Read(r io.Reader) ([]Figure, error) {
	var out []Figure
	lines := bufio.NewScanner(r)
	for n := 1; lines.Scan(); n++ {
		if strings.TrimSpace(lines.Text()) == "" {
			continue
		}
		var f Figure
		if err := json.Unmarshal(lines.Bytes(), &f); err != nil || f.Figure == "" {
			return nil, fmt.Errorf("line %d is no figure of `rapport bench --json`", n)
		}
		out = append(out, f)
	}
	return out, lines.Err()
}

// noise is by how much a figure may differ from run to run on a machine that others use too: less is not said to have moved.
const noise = 0.15

// Compare writes each figure beside what it was, and says which moved by more than 15%: by the ratio to the baseline where there is one, because
// that hardly depends on the machine, else by the value. It gives how many became worse.
func Compare(w io.Writer, before, now []Figure) (worse int, err error) {
	was := map[string]Figure{}
	for _, f := range before {
		was[f.key()] = f
	}
	for _, f := range now {
		line := fmt.Sprintf("%-10s %-34s %-26s %12.2f %-4s", f.Bench, f.Set, f.Figure, f.Value, f.Unit)
		old, known := was[f.key()]
		switch a, b := old.Value, f.Value; {
		case !known:
			line += "  new"
		default:
			by := "value"
			if old.Ratio > 0 && f.Ratio > 0 {
				a, b, by = old.Ratio, f.Ratio, "× "+f.Baseline
			}
			line += fmt.Sprintf("  was %.2f", old.Value)
			if old.Machine != "" && f.Machine != "" && old.Machine != f.Machine {
				line += " on another machine, kernel or Go"
			}
			if moved := math.Log(b / a); a > 0 && b > 0 && math.Abs(moved) > math.Log(1+noise) {
				word := "better"
				if (moved > 0) != f.more() {
					word = "WORSE"
					worse++
				}
				line += fmt.Sprintf("  %s: %.2f → %.2f %s", word, a, b, by)
			}
		}
		if _, err := fmt.Fprintln(w, strings.TrimRight(line, " ")); err != nil {
			return worse, err
		}
	}
	return worse, nil
}

// more says that a larger value is the better one.
func (f Figure) more() bool {
	return strings.Contains(f.Figure, "per_s") || strings.Contains(f.Figure, "f1") || strings.HasSuffix(f.Figure, "precision") || strings.HasSuffix(f.Figure, "recall")
}
