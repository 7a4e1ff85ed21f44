package chart

import (
	"html/template"
	"math"
)

// Part is one addend of a sum: a reason with its weight.
type Part struct {
	Name  string
	Value float64
	New   bool // made to stand out
}

// Sum is what Bars draws.
type Sum struct {
	ID    string // unique on the page
	Title string // the table's name, not shown when Quiet
	Parts []Part
	Total float64 // what the parts add up to, as the caller has it
	Quiet bool    // the page names the figure itself: the title is for those who do not see it
	Words Words
}

// Bars draws addends from one zero line, to the right what adds and to the left what takes away, and the sum under a rule.
// It is a table with a bar in each row, so that names of any length wrap and every number stands where its bar is.
func Bars(s Sum) template.HTML {
	w, id := s.Words.withDefaults(), name(s.ID)
	d := &drawing{}
	class := ""
	if s.Quiet {
		class = ` class="unseen"`
	}
	if len(s.Parts) == 0 {
		d.open(s.Title)
		return d.empty(w)
	}
	low, high := 0.0, 0.0
	for _, p := range s.Parts {
		if !math.IsNaN(p.Value) && !math.IsInf(p.Value, 0) {
			low, high = math.Min(low, p.Value), math.Max(high, p.Value)
		}
	}
	width := high - low
	d.add(`<figure class="chart"><table class="sum" aria-labelledby="%s-t"><caption id="%s-t"%s>%s</caption><tbody>`, id, id, class, esc(s.Title))
	for _, p := range s.Parts {
		mark, end := "", ""
		if p.New {
			mark, end = "<mark>", "</mark>"
		}
		d.add(`<tr><th scope="row">%s%s%s<svg width="100%%" height="10" aria-hidden="true">`, mark, esc(p.Name), end)
		if width > 0 && !math.IsNaN(p.Value) && !math.IsInf(p.Value, 0) {
			zero, size := -low/width*100, math.Abs(p.Value)/width*100
			side, from := "plus", zero
			if p.Value < 0 {
				side, from = "minus", zero-size
			}
			d.add(`<rect class="%s" x="%s" width="%s" height="10" rx="2"/>`, side, share(from), share(math.Max(size, .5)))
			if low < 0 {
				d.add(`<line class="zero" x1="%s" x2="%s" y1="0" y2="10"/>`, share(zero), share(zero))
			}
		}
		d.add(`</svg></th><td class="num">%s</td></tr>`, esc(w.number(p.Value)))
	}
	d.add(`</tbody><tfoot><tr><th scope="row">%s</th><td class="num">%s</td></tr></tfoot></table></figure>`, esc(w.Sum), esc(w.number(s.Total)))
	return template.HTML(d.String())
}
