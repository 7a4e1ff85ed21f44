// Package chart draws figures on the server as accessible SVG, without JavaScript: lines, stacked columns, signed bars that
// add up, and a calendar of days. It takes plain data and the page's own words, and gives HTML.
//
// It promises: every number of a picture stands in a table beside it, as the caller's words write numbers; a picture has a
// name and a description for those who do not see it; series are told apart without colour (by dash, pattern, size or
// place); text keeps its size on a phone, because positions are shares of the width and only shapes are stretched; nothing
// needs an inline style, colours come from classes (.s1 to .s6). Everything given is escaped. It does not read clocks,
// languages or stores, and it decides nothing about what may be shown: a number that must not be seen is given as Hidden.
package chart

import (
	"fmt"
	"html/template"
	"math"
	"strconv"
	"strings"
)

// Hidden is the value of a number that is not shown (fewer people than the charter's k, or none known): a gap in the
// picture, and Words.Hidden in the table.
var Hidden = math.NaN()

// Words are the page's words and numbers. Zero fields have plain English defaults, so that a test needs none.
type Words struct {
	Table  string                 // what opens the table: "The numbers as a table"
	Empty  string                 // instead of a picture without data
	Hidden string                 // in the table for a number that is not shown: "fewer than 10"
	Sum    string                 // the last line of Bars: "Together"
	Number func(v float64) string // how a number is written; nil: as short as it goes
}

// Series is one thing counted along the chart's points.
type Series struct {
	Name   string
	Values []float64 // one for each point; missing ones are Hidden
}

// Plot is what Lines and Columns draw.
type Plot struct {
	ID     string   // unique on the page: letters, digits and dashes
	Title  string   // the picture's name, shown above it
	Says   string   // one sentence for those who do not see it
	Across string   // what the points are: "Day"; heads the table's first column
	Points []string // each point's name, in order
	Series []Series // at most six are told apart
	Words  Words
}

const (
	height = 220 // of the plot in pixels: it does not grow with the width
	left   = 8   // from the plot to the numbers of its scale, which stand in the margin that the stylesheet leaves
	top    = 14
	bottom = 26
	most   = 6 // series that have a look of their own
)

// withDefaults fills what was left out.
func (w Words) withDefaults() Words {
	for _, d := range []struct {
		to   *string
		word string
	}{{&w.Table, "The numbers as a table"}, {&w.Empty, "There is nothing to show yet."}, {&w.Hidden, "not shown"}, {&w.Sum, "Together"}} {
		if *d.to == "" {
			*d.to = d.word
		}
	}
	if w.Number == nil {
		w.Number = func(v float64) string { return strconv.FormatFloat(v, 'f', -1, 64) }
	}
	return w
}

func (w Words) number(v float64) string {
	if math.IsNaN(v) || math.IsInf(v, 0) {
		return w.Hidden
	}
	return w.Number(v)
}

// at gives the value of a point, Hidden when the series is too short.
func (s Series) at(i int) float64 {
	if i >= len(s.Values) || math.IsInf(s.Values[i], 0) {
		return Hidden
	}
	return s.Values[i]
}

// name makes an ID safe for an attribute and a reference.
func name(id string) string {
	clean := strings.Map(func(r rune) rune {
		switch {
		case r >= 'a' && r <= 'z', r >= 'A' && r <= 'Z', r >= '0' && r <= '9', r == '-':
			return r
		}
		return '-'
	}, id)
	if clean == "" {
		return "chart"
	}
	return clean
}

func esc(s string) string { return template.HTMLEscapeString(s) }

// share writes a share of the width as SVG wants it, never outside the picture.
func share(v float64) string {
	return strconv.FormatFloat(math.Round(math.Min(100, math.Max(0, v))*100)/100, 'f', -1, 64) + "%"
}

func px(v float64) string { return strconv.FormatFloat(math.Round(v*10)/10, 'f', -1, 64) }

// drawing writes one figure.
type drawing struct{ strings.Builder }

func (d *drawing) add(format string, args ...any) { fmt.Fprintf(d, format, args...) }

func (d *drawing) open(title string) {
	d.add(`<figure class="chart"><figcaption>%s</figcaption>`, esc(title))
}

// empty is a figure without data: its name and one sentence.
func (d *drawing) empty(w Words) template.HTML {
	d.add(`<p class="empty">%s</p></figure>`, esc(w.Empty))
	return template.HTML(d.String())
}

// svg opens a picture with its name and description. Its width is the page's, its height in pixels.
func (d *drawing) svg(id, title, says string, high float64) {
	labels := id + "-t"
	if says != "" {
		labels += " " + id + "-d"
	}
	d.add(`<svg class="plot" role="img" aria-labelledby="%s" width="100%%" height="%s" overflow="visible"><title id="%s-t">%s</title>`, labels, px(high), id, esc(title))
	if says != "" {
		d.add(`<desc id="%s-d">%s</desc>`, id, esc(says))
	}
}

// scale is the numbers of one axis: from at most zero to at least zero, at round steps.
type scale struct{ low, high, step float64 }

// scaleOf makes a scale of two to five round steps that holds both values and zero.
func scaleOf(low, high float64) scale {
	low, high = math.Min(0, low), math.Max(0, high)
	if low == high {
		return scale{0, 1, 1}
	}
	step := math.Pow(10, math.Floor(math.Log10((high-low)/4)))
	for _, m := range []float64{1, 2, 5, 10} {
		if (high-low)/(step*m) <= 4 {
			step *= m
			break
		}
	}
	return scale{math.Floor(low/step) * step, math.Ceil(high/step) * step, step}
}

func (s scale) y(v float64) float64 { return top + (s.high-v)/(s.high-s.low)*height }

// grid draws the scale and names the points: first, middle and last, and on a wide page those between.
func (d *drawing) grid(s scale, w Words, points []string, place func(i int) float64) {
	for i := 0; ; i++ {
		v := s.low + float64(i)*s.step
		if v > s.high+s.step/2 {
			break
		}
		v = math.Round(v/s.step) * s.step // −0 and 0.30000000000000004
		if v == 0 {
			v = 0
		}
		class := "grid"
		if v == 0 {
			class = "zero"
		}
		d.add(`<line class="%s" x1="0" x2="100%%" y1="%s" y2="%s"/><text class="scale" x="-%d" y="%s" text-anchor="end">%s</text>`,
			class, px(s.y(v)), px(s.y(v)), left, px(s.y(v)+4), esc(w.number(v)))
	}
	last := len(points) - 1
	for n, i := range []int{0, last / 4, last / 2, last * 3 / 4, last} {
		if n > 0 && i == []int{0, 0, last / 4, last / 2, last * 3 / 4}[n] {
			continue // few points: named already
		}
		anchor, class := "middle", ""
		x := place(i)
		switch {
		case i == 0 && last > 0:
			anchor, x = "start", 0
		case i == last && last > 0:
			anchor, x = "end", 100
		case n == 1 || n == 3:
			class = ` class="wide-only"`
		}
		d.add(`<text%s x="%s" y="%d" text-anchor="%s">%s</text>`, class, share(x), top+height+bottom-6, anchor, esc(points[i]))
	}
}

// legend names the series with the look that each has in the picture. One series needs none: the title names it.
func (d *drawing) legend(series []Series, swatch func(class int) string) {
	if len(series) < 2 {
		return
	}
	d.add(`<ul class="legend">`)
	for i, s := range series {
		d.add(`<li><svg width="26" height="12" aria-hidden="true">%s</svg>%s</li>`, swatch(class(i)), esc(s.Name))
	}
	d.add(`</ul>`)
}

// class is the number of a series' class.
func class(i int) int { return i%most + 1 }

// table closes the figure with the picture's numbers.
func (d *drawing) table(p Plot, w Words) {
	d.add(`<details><summary>%s</summary><div class="scroll" role="region" aria-label="%s" tabindex="0"><table><thead><tr><th scope="col">%s</th>`, esc(w.Table), esc(p.Title), esc(p.Across))
	for _, s := range p.Series {
		d.add(`<th scope="col" class="num">%s</th>`, esc(s.Name))
	}
	d.add(`</tr></thead><tbody>`)
	for i, point := range p.Points {
		d.add(`<tr><th scope="row">%s</th>`, esc(point))
		for _, s := range p.Series {
			d.add(`<td class="num">%s</td>`, esc(w.number(s.at(i))))
		}
		d.add(`</tr>`)
	}
	d.add(`</tbody></table></div></details></figure>`)
}

// known says whether any number may be drawn.
func (p Plot) known() bool {
	for _, s := range p.Series {
		for i := range p.Points {
			if !math.IsNaN(s.at(i)) {
				return true
			}
		}
	}
	return false
}
