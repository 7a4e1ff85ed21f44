package chart

import (
	"html/template"
	"math"
	"time"
)

// Day is how often something happened on one day.
type Day struct {
	Date  time.Time // its UTC day counts
	Count int
}

// Year is what Calendar draws.
type Year struct {
	ID       string // unique on the page
	Title    string
	Says     string    // one sentence: "Staff looked on 3 days; most on 12 March, 4 times."
	From, To time.Time // the first and last day that are drawn; whole months
	Days     []Day     // those with a count; others are none
	Across   string    // heads the table's first column: "Day"
	Counted  string    // heads its second: "Looks"
	Month    func(t time.Time) string
	Day      func(t time.Time) string
	Words    Words
}

// Calendar draws each day as a dot in its month, larger the more happened, months wrapping with the width of the page.
// The table has the days on which something happened.
func Calendar(y Year) template.HTML {
	w, id := y.Words.withDefaults(), name(y.ID)
	if y.Month == nil {
		y.Month = func(t time.Time) string { return t.Format("January 2006") }
	}
	if y.Day == nil {
		y.Day = func(t time.Time) string { return t.Format("2 January 2006") }
	}
	d := &drawing{}
	d.open(y.Title)
	counts, largest := map[int64]int{}, 0
	for _, day := range y.Days {
		counts[number(day.Date)] += day.Count
		largest = max(largest, counts[number(day.Date)])
	}
	first := time.Date(y.From.UTC().Year(), y.From.UTC().Month(), 1, 0, 0, 0, 0, time.UTC)
	if y.To.Before(y.From) || y.To.Sub(y.From) > 3*366*24*time.Hour {
		return d.empty(w)
	}
	labels := id + "-t"
	if y.Says != "" {
		labels += " " + id + "-d"
	}
	d.add(`<div class="months" role="img" aria-labelledby="%s"><span class="unseen" id="%s-t">%s</span>`, labels, id, esc(y.Title))
	if y.Says != "" {
		d.add(`<span class="unseen" id="%s-d">%s</span>`, id, esc(y.Says))
	}
	for month := first; !month.After(y.To); month = month.AddDate(0, 1, 0) {
		d.month(month, y.Month(month), counts, largest)
	}
	d.add(`</div>`)
	if largest == 0 {
		return d.empty(w)
	}
	d.add(`<details><summary>%s</summary><table><thead><tr><th scope="col">%s</th><th scope="col" class="num">%s</th></tr></thead><tbody>`, esc(w.Table), esc(y.Across), esc(y.Counted))
	for day := first; day.Before(first.AddDate(3, 1, 0)); day = day.AddDate(0, 0, 1) {
		if n := counts[number(day)]; n > 0 {
			d.add(`<tr><th scope="row">%s</th><td class="num">%s</td></tr>`, esc(y.Day(day)), esc(w.number(float64(n))))
		}
	}
	d.add(`</tbody></table></details></figure>`)
	return template.HTML(d.String())
}

func number(t time.Time) int64 { return t.UTC().Unix() / 86400 }

// month draws one month: weeks are rows, Monday first.
func (d *drawing) month(first time.Time, title string, counts map[int64]int, largest int) {
	const cell = 12
	lead := (int(first.Weekday()) + 6) % 7
	days := first.AddDate(0, 1, -1).Day()
	d.add(`<div class="month"><span>%s</span><svg viewBox="0 0 %d %d" aria-hidden="true">`, esc(title), 7*cell, 6*cell)
	for i := range days {
		n := counts[number(first)+int64(i)]
		x, y := (lead+i)%7*cell+cell/2, (lead+i)/7*cell+cell/2
		if n == 0 {
			d.add(`<circle class="none" cx="%d" cy="%d" r="1.6"/>`, x, y)
			continue
		}
		d.add(`<circle class="day" cx="%d" cy="%d" r="%s"/>`, x, y, px(2.6+2.9*math.Sqrt(float64(n)/float64(largest))))
	}
	d.add(`</svg></div>`)
}
