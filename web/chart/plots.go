package chart

import (
	"fmt"
	"html/template"
	"math"
	"strings"
)

// Lines draws each series as a line from point to point: how something went over time. A Hidden number is a gap.
func Lines(p Plot) template.HTML {
	w, id := p.Words.withDefaults(), name(p.ID)
	d := &drawing{}
	d.open(p.Title)
	if !p.known() {
		return d.empty(w)
	}
	low, high := 0.0, 0.0
	for _, s := range p.Series {
		for i := range p.Points {
			if v := s.at(i); !math.IsNaN(v) {
				low, high = math.Min(low, v), math.Max(high, v)
			}
		}
	}
	sc := scaleOf(low, high)
	place := func(i int) float64 {
		if len(p.Points) == 1 {
			return 50
		}
		return float64(i) / float64(len(p.Points)-1) * 100
	}
	d.legend(p.Series, func(c int) string { return fmt.Sprintf(`<line class="line s%d" x1="0" x2="26" y1="6" y2="6"/>`, c) })
	d.svg(id, p.Title, p.Says, top+height+bottom)
	d.grid(sc, w, p.Points, place)
	// Shapes are stretched to the width; their strokes are not.
	d.add(`<svg width="100%%" height="%d" viewBox="0 0 100 %d" preserveAspectRatio="none" overflow="visible">`, top+height+bottom, top+height+bottom)
	for k, s := range p.Series {
		if path := line(s, len(p.Points), place, sc.y); path != "" {
			d.add(`<path class="line s%d" vector-effect="non-scaling-stroke" d="%s"/>`, class(k), path)
		}
	}
	d.add(`</svg>`)
	for k, s := range p.Series {
		for i := range p.Points {
			v := s.at(i)
			// A mark where the line ends, and where a number stands alone and a line would not show it.
			if !math.IsNaN(v) && (i == len(p.Points)-1 || math.IsNaN(s.before(i)) && math.IsNaN(s.at(i+1))) {
				d.add(`<circle class="mark s%d" cx="%s" cy="%s" r="4"/>`, class(k), share(place(i)), px(sc.y(v)))
			}
		}
	}
	d.add(`</svg>`)
	d.table(p, w)
	return template.HTML(d.String())
}

func (s Series) before(i int) float64 {
	if i == 0 {
		return Hidden
	}
	return s.at(i - 1)
}

// line is the path of a series; it is lifted at gaps.
func line(s Series, n int, x func(i int) float64, y func(v float64) float64) string {
	var b strings.Builder
	up := true
	for i := range n {
		v := s.at(i)
		switch {
		case math.IsNaN(v):
			up = true
			continue
		case up:
			b.WriteByte('M')
		default:
			b.WriteByte('L')
		}
		up = false
		fmt.Fprintf(&b, "%.2f %s", x(i), px(y(v)))
	}
	return b.String()
}

// Columns draws the series of each point on top of one another: how much there was in all, and of what. What is below zero
// goes down from it.
func Columns(p Plot) template.HTML {
	w, id := p.Words.withDefaults(), name(p.ID)
	d := &drawing{}
	d.open(p.Title)
	if !p.known() {
		return d.empty(w)
	}
	low, high := 0.0, 0.0
	for i := range p.Points {
		below, above := 0.0, 0.0
		for _, s := range p.Series {
			if v := s.at(i); v < 0 {
				below += v
			} else if v > 0 {
				above += v
			}
		}
		low, high = math.Min(low, below), math.Max(high, above)
	}
	sc := scaleOf(low, high)
	n := float64(len(p.Points))
	gap := 0.22
	if n > 60 {
		gap = 0.1
	}
	place := func(i int) float64 { return (float64(i) + .5) / n * 100 }
	d.legend(p.Series, func(c int) string {
		return fmt.Sprintf(`<rect class="fill s%d" width="26" height="12" rx="2"/>%s`, c, pattern(id, c, `width="26" height="12" rx="2"`))
	})
	d.svg(id, p.Title, p.Says, top+height+bottom)
	d.patterns(id, min(len(p.Series), most))
	d.grid(sc, w, p.Points, place)
	for i := range p.Points {
		up, down := 0.0, 0.0
		for k, s := range p.Series {
			v := s.at(i)
			if math.IsNaN(v) || v == 0 {
				continue
			}
			from := up
			if v < 0 {
				from = down
				down += v
			} else {
				up += v
			}
			y, end := sc.y(math.Max(from, from+v)), sc.y(math.Min(from, from+v))
			high := math.Max(1, end-y)
			box := fmt.Sprintf(`x="%s" width="%s" y="%s" height="%s"`, share(place(i)-(1-gap)/2/n*100), share((1-gap)/n*100), px(y), px(high))
			d.add(`<rect class="fill s%d" %s/>%s`, class(k), box, pattern(id, class(k), box))
		}
	}
	d.add(`</svg>`)
	d.table(p, w)
	return template.HTML(d.String())
}

// hatches are the drawings that lie over a colour, so that it is not the colour alone that tells; the first series is plain.
var hatches = [most + 1]string{2: "M0 8L8 0M-2 2L2 -2M6 10L10 6", 3: "M0 4H8", 4: "M4 0V8", 5: "M0 0L8 8M-2 6L2 10M6 -2L10 2", 6: "M0 4H8M4 0V8"}

func (d *drawing) patterns(id string, n int) {
	if n < 2 {
		return
	}
	d.add(`<defs>`)
	for c := 2; c <= n; c++ {
		d.add(`<pattern id="%s-p%d" width="8" height="8" patternUnits="userSpaceOnUse"><path class="hatch" d="%s"/></pattern>`, id, c, hatches[c])
	}
	d.add(`</defs>`)
}

func pattern(id string, c int, box string) string {
	if hatches[c] == "" {
		return ""
	}
	return fmt.Sprintf(`<rect %s fill="url(#%s-p%d)"/>`, box, id, c)
}
