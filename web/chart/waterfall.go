package chart

import (
	"html/template"
	"math"
	"strings"
)

// Limit is a threshold on the way: a line across the whole picture.
type Limit struct {
	At   float64
	Name string // in the table: "review from here"
}

// Fall is what Waterfall draws: parts that add up, each beginning where the one before ended.
type Fall struct {
	ID     string // unique on the page
	Title  string
	Says   string // one sentence for those who do not see it
	Parts  []Part
	Total  float64  // what the parts add up to, as the caller has it
	Limits []Limit  // rising
	Bands  []string // what lies below the first limit, between the limits, and above the last: one more than limits
	Part   string   // heads the table's columns: "Field"
	Adds   string   // "Adds"
	So     string   // "So far"
	Words  Words    // Sum names the last line
}

const (
	fallRow  = 46 // of a part: its words, and its bar under them
	fallBar  = 14
	fallHead = 26 // for the names of the bands
)

// Waterfall draws how a score comes about: a bar for each part from where the sum stood to where it stands, and the sum last, over bands that say what a sum
// means. The numbers are in the picture and, with the sum after each part and the limits, in the table.
func Waterfall(f Fall) template.HTML {
	w, id := f.Words.withDefaults(), name(f.ID)
	d := &drawing{}
	d.open(f.Title)
	if len(f.Parts) == 0 {
		return d.empty(w)
	}
	low, high, sum := math.Min(0, f.Total), math.Max(0, f.Total), 0.0
	for _, p := range f.Parts {
		if known(p.Value) {
			sum += p.Value
		}
		low, high = math.Min(low, sum), math.Max(high, sum)
	}
	for _, l := range f.Limits {
		low, high = math.Min(low, l.At), math.Max(high, l.At)
	}
	room := (high - low) * .1 // so that the outer bands are seen
	if room == 0 {
		room = 1
	}
	low, high = low-room, high+room
	x := func(v float64) float64 { return (v - low) / (high - low) * 100 }

	tall := float64(fallHead + fallRow*(len(f.Parts)+1))
	d.add(`<svg class="fall" role="img" aria-labelledby="%s-t %s-d" width="100%%" height="%s"><title id="%s-t">%s</title><desc id="%s-d">%s</desc>`,
		id, id, px(tall), id, esc(f.Title), id, esc(f.Says))
	d.bands(f, x, tall)
	sum = 0
	for i, p := range f.Parts {
		y := float64(fallHead + i*fallRow)
		from := sum
		if known(p.Value) {
			sum += p.Value
		}
		d.add(`<text class="part" x="0" y="%s">%s</text><text class="part" x="100%%" y="%s" text-anchor="end">%s</text>`, px(y+18), esc(p.Name), px(y+18), esc(w.number(p.Value)))
		side := "plus"
		if p.Value < 0 {
			side = "minus"
		}
		at, end := x(math.Min(from, sum)), x(math.Max(from, sum))
		d.add(`<rect class="%s" x="%s" width="%s" y="%s" height="%d" rx="2"/>`, side, share(at), share(math.Max(end-at, .4)), px(y+24), fallBar)
		d.add(`<line class="step" x1="%s" x2="%s" y1="%s" y2="%s"/>`, share(x(sum)), share(x(sum)), px(y+24), px(y+24+fallRow+fallBar))
	}
	y := float64(fallHead + len(f.Parts)*fallRow)
	d.add(`<text class="total" x="0" y="%s">%s</text><text class="total" x="100%%" y="%s" text-anchor="end">%s</text>`, px(y+18), esc(w.Sum), px(y+18), esc(w.number(f.Total)))
	d.add(`<rect class="sum" x="%s" width="%s" y="%s" height="%d" rx="2"/>`, share(x(math.Min(0, f.Total))), share(math.Max(math.Abs(x(f.Total)-x(0)), .4)), px(y+24), fallBar)
	d.add(`<line class="zero" x1="%s" x2="%s" y1="%d" y2="%s"/></svg>`, share(x(0)), share(x(0)), fallHead, px(tall))
	d.fallTable(f, w)
	return template.HTML(d.String())
}

func known(v float64) bool { return !math.IsNaN(v) && !math.IsInf(v, 0) }

// bands draws the grounds between the limits, with their names above.
func (d *drawing) bands(f Fall, x func(float64) float64, tall float64) {
	edges := []float64{0}
	for _, l := range f.Limits {
		edges = append(edges, x(l.At))
	}
	edges = append(edges, 100)
	for i := 0; i+1 < len(edges); i++ {
		if i%2 == 1 { // every other one has a ground: the lines tell the rest
			d.add(`<rect class="band" x="%s" width="%s" y="0" height="%s"/>`, share(edges[i]), share(edges[i+1]-edges[i]), px(tall))
		}
		if i < len(f.Bands) {
			d.add(`<text class="band" x="%s" y="16" text-anchor="middle">%s</text>`, share((edges[i]+edges[i+1])/2), esc(f.Bands[i]))
		}
	}
	for _, l := range f.Limits {
		d.add(`<line class="limit" x1="%s" x2="%s" y1="0" y2="%s"/>`, share(x(l.At)), share(x(l.At)), px(tall))
	}
}

// fallTable closes the figure with its numbers.
func (d *drawing) fallTable(f Fall, w Words) {
	d.add(`<details><summary>%s</summary><div class="scroll" role="region" aria-label="%s" tabindex="0"><table><thead><tr><th scope="col">%s</th><th scope="col" class="num">%s</th><th scope="col" class="num">%s</th></tr></thead><tbody>`,
		esc(w.Table), esc(f.Title), esc(f.Part), esc(f.Adds), esc(f.So))
	sum := 0.0
	for _, p := range f.Parts {
		if known(p.Value) {
			sum += p.Value
		}
		d.add(`<tr><th scope="row">%s</th><td class="num">%s</td><td class="num">%s</td></tr>`, esc(p.Name), esc(w.number(p.Value)), esc(w.number(math.Round(sum*1e6)/1e6)))
	}
	d.add(`<tr><th scope="row">%s</th><td class="num"></td><td class="num">%s</td></tr>`, esc(w.Sum), esc(w.number(f.Total)))
	var limits []string
	for _, l := range f.Limits {
		limits = append(limits, esc(l.Name)+" "+esc(w.number(l.At)))
	}
	d.add(`</tbody></table></div>`)
	if len(limits) > 0 {
		d.add(`<p>%s</p>`, strings.Join(limits, "; "))
	}
	d.add(`</details></figure>`)
}
