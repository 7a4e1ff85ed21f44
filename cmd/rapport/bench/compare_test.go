package bench

import (
	"strings"
	"testing"
)

func TestWhatMovedIsSaid(t *testing.T) {
	f := func(name string, value, ratio float64) Figure {
		g := Figure{Bench: "collect", Set: "small", Figure: name, Value: value, Ratio: ratio}
		if ratio > 0 {
			g.Baseline = "bare handler"
		}
		return g
	}
	before := []Figure{f("events_per_s", 1000, .5), f("p99_ms", 10, 2), f("rss_mb", 300, 0), f("ready_s", 1, 0)}
	now := []Figure{f("events_per_s", 500, .5), f("p99_ms", 11, 3), f("rss_mb", 200, 0), f("ready_s", 1.1, 0), f("lag_s", 0, 0)}
	var out strings.Builder
	worse, err := Compare(&out, before, now)
	if err != nil || worse != 1 {
		t.Errorf("%d became worse, %v", worse, err)
	}
	lines := strings.Split(out.String(), "\n")
	for i, want := range []string{"", "WORSE: 2.00 → 3.00 × bare handler", "better: 300.00 → 200.00 value", "", "new"} {
		said := strings.Contains(lines[i], "WORSE") || strings.Contains(lines[i], "better") || strings.HasSuffix(lines[i], "new")
		if !strings.Contains(lines[i], want) || said != (want != "") {
			t.Errorf("of %s is said: %s", now[i].Figure, lines[i])
		}
	}
}

func TestTheMedianIsOneThatWasMeasured(t *testing.T) {
	var runs [][]Figure
	for _, v := range []float64{5, 1, 9, 2, 7} {
		runs = append(runs, []Figure{{Bench: "b", Figure: "a", Value: v, Ratio: 10 - v}, {Bench: "b", Figure: "b", Value: 1}})
	}
	m := Median(runs)
	if len(m) != 2 || m[0].Value != 5 || m[0].Ratio != 5 || m[0].Low != 1 || m[0].High != 9 || m[0].Runs != 5 {
		t.Errorf("%+v", m)
	}
	var out strings.Builder
	if err := Print(&out, m, true); err != nil {
		t.Fatal(err)
	}
	back, err := Read(strings.NewReader(out.String()))
	if err != nil || len(back) != 2 || back[0] != m[0] {
		t.Errorf("%+v %v", back, err)
	}
	if _, err := Read(strings.NewReader("{}")); err == nil {
		t.Error("what is no figure was read")
	}
}

func TestTheChartShowsEachFigure(t *testing.T) {
	var figures []Figure
	for _, p := range panels {
		figures = append(figures, Figure{Bench: "grow", Set: "10000 " + p.by, Figure: p.figure, Value: 1234.5}, Figure{Bench: "grow", Set: "1 " + p.by, Figure: p.figure, Value: 2.25})
	}
	var out strings.Builder
	if err := Draw(&out, figures); err != nil {
		t.Fatal(err)
	}
	if n := strings.Count(out.String(), "<rect"); n != 2*len(panels) {
		t.Errorf("%d bars", n)
	}
	for _, want := range []string{">1,234<", ">2.2<", ">10,000 people<", ">1 connections<"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("%s is not in it", want)
		}
	}
	if err := Draw(&out, figures[1:2]); err == nil {
		t.Error("what was not measured was drawn")
	}
}
