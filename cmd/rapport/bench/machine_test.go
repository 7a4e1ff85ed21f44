package bench

import (
	"os"
	"runtime"
	"strings"
	"testing"
)

func TestTheMachineIsSaidInOneLine(t *testing.T) {
	const cpuinfo = "processor\t: 0\nmodel\t\t: 1\nmodel name\t: AMD EPYC 7B13   64-Core Processor \nmodel name\t: another\n"
	const meminfo = "MemFree: 1 kB\nMemTotal:        8142520 kB\n"
	rest := runtime.GOARCH + ", %, " + runtime.GOOS + " 6.1.0, " + runtime.Version()
	if got, want := machine(cpuinfo, meminfo, "6.1.0\n", 2), "AMD EPYC 7B13 64-Core Processor, 2 × "+strings.Replace(rest, "%", "7.8 GB", 1); got != want {
		t.Errorf("%q, not %q", got, want)
	}
	// Where /proc is not, or says other things, what is known is said.
	for _, odd := range []string{"", "model name\nMemTotal", "model name:\nMemTotal: x kB", ":::"} {
		if got, want := machine(odd, odd, "", 8), "8 × "+runtime.GOARCH+", "+runtime.GOOS+", "+runtime.Version(); got != want {
			t.Errorf("%q, not %q", got, want)
		}
	}
	if here := Machine(); strings.Contains(here, "\n") || !strings.Contains(here, runtime.Version()) {
		t.Errorf("%q", here)
	}
}

func TestFiguresSayWhatTheyWereMeasuredOn(t *testing.T) {
	figures := Measured([]Figure{{Bench: "decide", Set: "small", Figure: "p99_ms", Value: 3, Unit: "ms"}, {Bench: "decide", Set: "small", Figure: "rss_mb", Value: 90, Unit: "MB"}}, "one machine", "2026-11-20")
	var text, lines strings.Builder
	if err := Print(&text, figures, false); err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(text.String(), "on one machine, 2026-11-20\ndecide ") || strings.Count(text.String(), "\n") != 3 {
		t.Errorf("%s", text.String())
	}
	if err := Print(&lines, figures, true); err != nil {
		t.Fatal(err)
	}
	again, err := Read(strings.NewReader(lines.String()))
	if err != nil || len(again) != 2 || again[0] != figures[0] || again[1] != figures[1] {
		t.Errorf("%+v, %v", again, err)
	}
}

// Of the figures that are committed the older do not say their machine: they are read and compared with those that do.
func TestFiguresWithoutAMachineAreComparedToo(t *testing.T) {
	f, err := os.Open("../../../docs/figures.jsonl")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	before, err := Read(f)
	if err != nil || len(before) < 5 {
		t.Fatal(len(before), err)
	}
	before = Measured(before[:5], "", "")
	var out strings.Builder
	now := Measured(append([]Figure(nil), before...), "one machine", "2026-11-20")
	if worse, err := Compare(&out, before, now); err != nil || worse != 0 || strings.Contains(out.String(), "another") || strings.Count(out.String(), "  was ") != 5 {
		t.Errorf("%d worse, %v:\n%s", worse, err, out.String())
	}
	out.Reset()
	if _, err := Compare(&out, now, Measured(append([]Figure(nil), now...), "another machine", "2026-11-21")); err != nil || strings.Count(out.String(), " on another machine, kernel or Go") != 5 {
		t.Errorf("%v:\n%s", err, out.String())
	}
}
