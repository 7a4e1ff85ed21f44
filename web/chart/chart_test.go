package chart

import (
	"encoding/xml"
	"fmt"
	"html"
	"html/template"
	"io"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"
)

func plot() Plot {
	return Plot{ID: "events", Title: "Events", Says: "Most on the second day.", Across: "Day", Points: []string{"1 May", "2 May", "3 May"},
		Series: []Series{{"kept", []float64{10, 1234, 7}}, {"refused", []float64{1, Hidden, -3}}},
		Words:  Words{Table: "Numbers", Hidden: "under 10", Number: func(v float64) string { return fmt.Sprintf("%.1f", v) }}}
}

func year() Year {
	return Year{ID: "looks", Title: "Looks", Says: "Staff looked on 2 days.", From: day("2026-01-01"), To: day("2026-12-31"), Across: "Day", Counted: "Looks",
		Days: []Day{{day("2026-03-12"), 4}, {day("2026-12-31"), 1}, {day("2026-03-12"), 2}}}
}

func day(s string) time.Time {
	t, err := time.Parse(time.DateOnly, s)
	if err != nil {
		panic(err)
	}
	return t.Add(15 * time.Hour)
}

func sum() Sum {
	return Sum{ID: "why", Title: "Why", Parts: []Part{{"You bought tea", 0.5, false}, {"Popular", 0.3, false}, {"Shown often", -0.2, false}}, Total: 0.6}
}

func fall() Fall {
	return Fall{ID: "score", Title: "Score", Says: "Together 4.5: to review.", Parts: []Part{{"At random", -9.5, false}, {"Surname", 12.25, false}, {"Birthday", 3, false}, {"Relatives", -1.25, false}}, Total: 4.5,
		Limits: []Limit{{-3, "review from"}, {6.5, "sure from"}}, Bands: []string{"no", "review", "sure"}, Part: "Field", Adds: "Adds", So: "So far"}
}

// all is every drawing, by name.
func all() map[string]template.HTML {
	return map[string]template.HTML{"lines": Lines(plot()), "columns": Columns(plot()), "bars": Bars(sum()), "waterfall": Waterfall(fall()), "calendar": Calendar(year())}
}

// wellFormed reads the HTML as XML, which everything written here is, and fails on what is not closed.
func wellFormed(t *testing.T, name string, h template.HTML) {
	t.Helper()
	d := xml.NewDecoder(strings.NewReader("<body>" + string(h) + "</body>"))
	for {
		if _, err := d.Token(); err == io.EOF {
			return
		} else if err != nil {
			t.Fatalf("%s is not well formed: %v\n%s", name, err, h)
		}
	}
}

var ids = regexp.MustCompile(` id="([^"]+)"`)

func TestEveryPictureHasANameThatIsThere(t *testing.T) {
	refs := regexp.MustCompile(`aria-labelledby="([^"]+)"`)
	for name, h := range all() {
		wellFormed(t, name, h)
		there := map[string]bool{}
		for _, m := range ids.FindAllStringSubmatch(string(h), -1) {
			if there[m[1]] {
				t.Errorf("%s has the id %s twice", name, m[1])
			}
			there[m[1]] = true
		}
		found := refs.FindAllStringSubmatch(string(h), -1)
		if len(found) == 0 {
			t.Errorf("%s names nothing", name)
		}
		for _, m := range found {
			for _, id := range strings.Fields(m[1]) {
				if !there[id] {
					t.Errorf("%s is labelled by %s, which is not there", name, id)
				}
			}
		}
		for _, m := range regexp.MustCompile(`url\(#([^)]+)\)`).FindAllStringSubmatch(string(h), -1) {
			if !there[m[1]] {
				t.Errorf("%s is filled by %s, which is not there", name, m[1])
			}
		}
		if strings.Contains(string(h), "style=") || strings.Contains(string(h), "<script") {
			t.Errorf("%s has an inline style or script", name)
		}
	}
}

// cells gives the texts of a drawing's table, row by row.
func cells(h template.HTML) [][]string {
	var rows [][]string
	for _, row := range regexp.MustCompile(`(?s)<tr>(.*?)</tr>`).FindAllStringSubmatch(string(h), -1) {
		var texts []string
		for _, c := range regexp.MustCompile(`(?s)<t[hd][^>]*>(.*?)</t[hd]>`).FindAllStringSubmatch(row[1], -1) {
			text := regexp.MustCompile(`(?s)<small>.*?</small>|<svg.*?</svg>`).ReplaceAllString(c[1], "")
			texts = append(texts, html.UnescapeString(text))
		}
		rows = append(rows, texts)
	}
	return rows
}

func TestTheTableHasTheSameNumbers(t *testing.T) {
	want := "[[Day kept refused] [1 May 10.0 1.0] [2 May 1234.0 under 10] [3 May 7.0 -3.0]]"
	for name, h := range map[string]template.HTML{"lines": Lines(plot()), "columns": Columns(plot())} {
		if got := fmt.Sprint(cells(h)); got != want {
			t.Errorf("%s: the table is %s, want %s", name, got, want)
		}
	}
	if got, want := fmt.Sprint(cells(Calendar(year()))), "[[Day Looks] [12 March 2026 6] [31 December 2026 1]]"; got != want {
		t.Errorf("calendar: the table is %s, want %s", got, want)
	}
	if got, want := fmt.Sprint(cells(Bars(sum()))), "[[You bought tea 0.5] [Popular 0.3] [Shown often -0.2] [Together 0.6]]"; got != want {
		t.Errorf("bars: the table is %s, want %s", got, want)
	}
	if got, want := fmt.Sprint(cells(Waterfall(fall()))), "[[Field Adds So far] [At random -9.5 -9.5] [Surname 12.25 2.75] [Birthday 3 5.75] [Relatives -1.25 4.5] [Together  4.5]]"; got != want {
		t.Errorf("waterfall: the table is %s, want %s", got, want)
	}
}

func TestWhatIsGivenIsEscaped(t *testing.T) {
	bad := `<script>"x"&'y'`
	p := plot()
	p.ID, p.Title, p.Says, p.Across, p.Points[0], p.Series[0].Name = bad, bad, bad, bad, bad, bad
	p.Words = Words{Table: bad, Hidden: bad, Number: func(float64) string { return bad }}
	s := sum()
	s.ID, s.Title, s.Parts[0] = bad, bad, Part{bad, 1, true}
	s.Words = Words{Sum: bad, Number: func(float64) string { return bad }}
	f := fall()
	f.ID, f.Title, f.Says, f.Part, f.Adds, f.So, f.Parts[0], f.Limits[0].Name, f.Bands[0] = bad, bad, bad, bad, bad, bad, Part{bad, 1, false}, bad, bad
	f.Words = Words{Sum: bad, Table: bad, Number: func(float64) string { return bad }}
	y := year()
	y.ID, y.Title, y.Says, y.Across, y.Counted = bad, bad, bad, bad, bad
	y.Month = func(time.Time) string { return bad }
	y.Day = y.Month
	for name, h := range map[string]template.HTML{"lines": Lines(p), "columns": Columns(p), "bars": Bars(s), "waterfall": Waterfall(f), "calendar": Calendar(y),
		"empty": Lines(Plot{Title: bad, Words: Words{Empty: bad}})} {
		wellFormed(t, name, h)
		if strings.Contains(string(h), "<script") || strings.Contains(string(h), `"x"`) {
			t.Errorf("%s is not escaped:\n%s", name, h)
		}
	}
}

func TestWithoutDataItSaysSo(t *testing.T) {
	none := Plot{Title: "Events", Points: []string{"1 May"}, Series: []Series{{"kept", []float64{Hidden}}, {"short", nil}}, Words: Words{Empty: "Nothing came."}}
	for name, h := range map[string]template.HTML{"lines": Lines(none), "columns": Columns(none), "no points": Lines(Plot{Title: "Events", Words: none.Words}),
		"bars": Bars(Sum{Title: "Events", Words: none.Words}), "calendar": Calendar(Year{Title: "Events", From: day("2026-01-01"), To: day("2026-03-31"), Words: none.Words})} {
		wellFormed(t, name, h)
		if !strings.Contains(string(h), "Nothing came.") || !strings.Contains(string(h), "Events") || strings.Contains(string(h), "<table") {
			t.Errorf("%s does not say that there is nothing: %s", name, h)
		}
	}
}

func TestOnePointIsSeen(t *testing.T) {
	p := Plot{ID: "one", Title: "One", Points: []string{"1 May"}, Series: []Series{{"kept", []float64{5}}}}
	h := string(Lines(p))
	if !strings.Contains(h, `<circle class="mark s1" cx="50%"`) {
		t.Errorf("one point is no mark in the middle: %s", h)
	}
	if h := string(Columns(p)); strings.Count(h, `<rect class="fill s1"`) != 1 {
		t.Errorf("one column is not drawn once: %s", h)
	}
	alone := Plot{ID: "alone", Title: "Alone", Points: []string{"a", "b", "c"}, Series: []Series{{"kept", []float64{Hidden, 5, Hidden}}}}
	if h := string(Lines(alone)); strings.Count(h, "<circle") != 1 {
		t.Errorf("a number between gaps is not marked: %s", h)
	}
}

func TestAGapIsNotDrawnOver(t *testing.T) {
	p := Plot{ID: "gap", Title: "Gap", Points: []string{"a", "b", "c", "d", "e"}, Series: []Series{{"kept", []float64{1, 2, Hidden, 4, 5}}}}
	path := regexp.MustCompile(`<path[^>]* d="([^"]+)"`).FindStringSubmatch(string(Lines(p)))
	if path == nil || strings.Count(path[1], "M") != 2 || strings.Count(path[1], "L") != 2 {
		t.Errorf("the line is %v, want two pieces", path)
	}
}

// attrs reads a number of every shape that has it.
func attrs(h, shape, attr string) []float64 {
	var out []float64
	for _, m := range regexp.MustCompile(`<`+shape+`[^>]*? `+attr+`="(-?[0-9.]+)%?"`).FindAllStringSubmatch(h, -1) {
		v, _ := strconv.ParseFloat(m[1], 64)
		out = append(out, v)
	}
	return out
}

func TestNegativeNumbersGoDownFromZero(t *testing.T) {
	p := Plot{ID: "signed", Title: "Signed", Points: []string{"a", "b"}, Series: []Series{{"net", []float64{4, -4}}}}
	h := string(Columns(p))
	zero := attrs(h, `line class="zero"`, "y1")
	ys, highs := attrs(h, `rect class="fill s1"`, "y"), attrs(h, `rect class="fill s1"`, "height")
	if len(zero) != 1 || len(ys) != 2 || ys[0]+highs[0] != zero[0] || ys[1] != zero[0] || highs[0] != highs[1] {
		t.Errorf("columns of 4 and −4 stand at %v with heights %v, zero at %v", ys, highs, zero)
	}
	mixed := string(Columns(Plot{ID: "mixed", Title: "Mixed", Points: []string{"a"}, Series: []Series{{"in", []float64{4}}, {"out", []float64{-3}}}}))
	zero, ys = attrs(mixed, `line class="zero"`, "y1"), attrs(mixed, `rect class="fill s2" x`, "y")
	if len(zero) != 1 || len(ys) != 1 || ys[0] != zero[0] {
		t.Errorf("−3 beside 4 begins at %v, zero is at %v", ys, zero)
	}
	b := string(Bars(sum()))
	s := sum()
	s.Parts[1].New = true
	if marked := string(Bars(s)); strings.Contains(b, "<mark>") || strings.Count(marked, "<mark>") != 1 || !strings.Contains(marked, "<mark>Popular</mark>") {
		t.Errorf("what is new does not stand out alone: %s", marked)
	}
	xs, widths := attrs(b, "rect", "x"), attrs(b, "rect", "width")
	if len(xs) != 3 || xs[0] != xs[1] || round(xs[2]+widths[2]) != round(xs[0]) {
		t.Errorf("bars begin at %v with widths %v: they do not share a zero line", xs, widths)
	}
	if round(widths[0]/widths[2]) != 2.5 {
		t.Errorf("bars of 0.5 and −0.2 are %v and %v wide", widths[0], widths[2])
	}
}

func round(v float64) float64 { return float64(int(v*10+.5)) / 10 }

// TestTheFallBeginsWhereThePartBeforeEnded measures the bars: each begins where the one before ended, to the right what adds and to the left what takes away,
// and the last reaches from zero to the score; the limits stand where they are.
func TestTheFallBeginsWhereThePartBeforeEnded(t *testing.T) {
	f := fall()
	h := string(Waterfall(f))
	low, high := -9.5, 6.5
	room := (high - low) * .1
	at := func(v float64) float64 { return (v - low + room) / (high - low + 2*room) * 100 }
	box := regexp.MustCompile(`<rect class="(plus|minus|sum)" x="([0-9.]+)%" width="([0-9.]+)%"`)
	bars := box.FindAllStringSubmatch(h, -1)
	if len(bars) != len(f.Parts)+1 {
		t.Fatalf("%d bars", len(bars))
	}
	near := func(what, text string, want float64) {
		t.Helper()
		got, err := strconv.ParseFloat(text, 64)
		if err != nil || got < want-.02 || got > want+.02 {
			t.Errorf("%s is at %s, want %.2f", what, text, want)
		}
	}
	sum := 0.0
	for i, p := range f.Parts {
		from, to, class := sum, sum+p.Value, "plus"
		if p.Value < 0 {
			from, to, class = to, from, "minus"
		}
		if bars[i][1] != class {
			t.Errorf("%s is drawn as %s", p.Name, bars[i][1])
		}
		near(p.Name, bars[i][2], at(from))
		near(p.Name+"'s width", bars[i][3], at(to)-at(from))
		sum += p.Value
	}
	near("the score", bars[4][2], at(0))
	near("the score's width", bars[4][3], at(4.5)-at(0))
	for i, m := range regexp.MustCompile(`<line class="limit" x1="([0-9.]+)%"`).FindAllStringSubmatch(h, -1) {
		near("a limit", m[1], at(f.Limits[i].At))
	}
	for _, band := range f.Bands {
		if !strings.Contains(h, ">"+band+"</text>") {
			t.Errorf("the band %s has no name", band)
		}
	}
}

func TestStackedColumnsStandOnOneAnother(t *testing.T) {
	h := string(Columns(Plot{ID: "stack", Title: "Stack", Points: []string{"a"}, Series: []Series{{"x", []float64{30}}, {"y", []float64{10}}}}))
	y1, h1 := attrs(h, `rect class="fill s1" x`, "y"), attrs(h, `rect class="fill s1" x`, "height")
	y2, h2 := attrs(h, `rect class="fill s2" x`, "y"), attrs(h, `rect class="fill s2" x`, "height")
	if len(y1) != 1 || len(y2) != 1 || y2[0]+h2[0] != y1[0] || h1[0] != 3*h2[0] {
		t.Errorf("30 is at %v, %v high; 10 is at %v, %v high", y1, h1, y2, h2)
	}
	if !strings.Contains(h, `id="stack-p2"`) {
		t.Error("the second series has no pattern")
	}
}

func TestNothingLiesOutsideThePicture(t *testing.T) {
	for n := 1; n < 400; n += 13 {
		p := Plot{ID: "wide", Title: "Wide"}
		values := make([]float64, n)
		for i := range n {
			p.Points = append(p.Points, strconv.Itoa(i))
			values[i] = float64(i*7919%1000) - 500
		}
		p.Series = []Series{{"a", values}, {"b", values}}
		for _, h := range []string{string(Lines(p)), string(Columns(p))} {
			for _, x := range append(attrs(h, "rect", "x"), attrs(h, "circle", "cx")...) {
				if x < 0 || x > 100 {
					t.Fatalf("%d points: a shape stands at %v%%", n, x)
				}
			}
			for _, y := range append(attrs(h, "rect", "y"), attrs(h, "text", "y")...) {
				if y < 0 || y > top+height+bottom {
					t.Fatalf("%d points: a shape stands at %v", n, y)
				}
			}
			if got := strings.Count(h, "<text"); got > 12 {
				t.Errorf("%d points: %d labels are too many for a phone", n, got)
			}
		}
	}
}

func TestScalesAreRound(t *testing.T) {
	for _, c := range []struct{ low, high, wantLow, wantHigh, step float64 }{
		{0, 0, 0, 1, 1}, {0, 1234, 0, 1500, 500}, {0, 4, 0, 4, 1}, {-3, 1234, -500, 1500, 500}, {-9, -1, -10, 0, 5}, {0, .07, 0, .08, .02}, {5, 100, 0, 100, 50},
	} {
		s := scaleOf(c.low, c.high)
		if round(s.low*100) != round(c.wantLow*100) || round(s.high*100) != round(c.wantHigh*100) || round(s.step*100) != round(c.step*100) {
			t.Errorf("%v to %v: scale %v", c.low, c.high, s)
		}
	}
}

func TestTheCalendarHasEveryDayOfItsMonths(t *testing.T) {
	h := string(Calendar(year()))
	if n := strings.Count(h, "<circle"); n != 365 {
		t.Errorf("2026 has %d days", n)
	}
	if n := strings.Count(h, `class="day"`); n != 2 {
		t.Errorf("%d days have looks, want 2", n)
	}
	// 12 March 2026 is a Thursday in the third week of its month: fourth column, third row.
	if !strings.Contains(h, `<circle class="day" cx="42" cy="30"`) {
		t.Errorf("12 March is not where it belongs: %s", h)
	}
}
