package bench

import (
	"fmt"
	"html"
	"io"
	"strconv"
	"strings"
)

// panels are what Draw draws of Grow's figures, in this order: two beside each other.
var panels = []struct{ figure, by, title string }{
	{"batch_events_per_s", "people", "Events a second, in batches of 100"},
	{"decisions_per_s", "people", "Decisions a second, 32 connections"},
	{"batch_cpu_us_per_event", "people", "Processor time for an event, µs"},
	{"cpu_us_per_decision", "people", "Processor time for a decision, µs"},
	{"collect_rss_mb", "people", "Memory while events come, MB"},
	{"decide_rss_mb", "people", "Memory while decisions are asked for, MB"},
	{"single_requests_per_s", "connections", "Requests with one event, a second"},
	{"decisions_per_s", "connections", "Decisions a second"},
}

// Draw writes Grow's figures as one SVG of bars, for light and dark pages; its text says the numbers too.
func Draw(w io.Writer, figures []Figure) error {
	const wide, high, left, row = 360, 150, 120, 24
	var b strings.Builder
	rows := (len(panels) + 1) / 2
	fmt.Fprintf(&b, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" role="img" aria-label="How cost grows with people and with connections" font-family="system-ui,sans-serif" font-size="12">`+
		`<style>text{fill:#1d2a26}.t{font-weight:600}.b{fill:#2f7d5b}@media (prefers-color-scheme:dark){text{fill:#e6ece9}.b{fill:#63b98f}}</style>`+"\n", 2*wide, rows*high)
	for i, p := range panels {
		x, y := i%2*wide, i/2*high
		var bars []Figure
		largest := 0.0
		for _, f := range figures {
			if f.Bench == "grow" && f.Figure == p.figure && strings.HasSuffix(f.Set, " "+p.by) {
				bars = append(bars, f)
				largest = max(largest, f.Value)
			}
		}
		if len(bars) == 0 {
			return fmt.Errorf("the figures say nothing of %s by %s: measure them with `rapport bench grow --json`", p.figure, p.by)
		}
		fmt.Fprintf(&b, `<text class="t" x="%d" y="%d">%s</text>`+"\n", x+8, y+20, html.EscapeString(p.title))
		for j, f := range bars {
			at := y + 32 + j*row
			length := max(1, int(f.Value/largest*(wide-left-80)))
			fmt.Fprintf(&b, `<text x="%d" y="%d" text-anchor="end">%s</text><rect class="b" x="%d" y="%d" width="%d" height="16" rx="2"/><text x="%d" y="%d">%s</text>`+"\n",
				x+left-6, at+13, html.EscapeString(spaced(f.Set)), x+left, at, length, x+left+length+6, at+13, amount(f.Value))
		}
	}
	b.WriteString("</svg>\n")
	_, err := io.WriteString(w, b.String())
	return err
}

// spaced writes the number at the beginning of a set's name with commas.
func spaced(set string) string {
	number, rest, _ := strings.Cut(set, " ")
	n, err := strconv.ParseFloat(number, 64)
	if err != nil {
		return set
	}
	return amount(n) + " " + rest
}

// amount writes a number as people read it: whole and with commas from ten on, else with one decimal.
func amount(v float64) string {
	if v < 10 && v != float64(int64(v)) {
		return strconv.FormatFloat(v, 'f', 1, 64)
	}
	s := strconv.FormatFloat(v, 'f', 0, 64)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}
