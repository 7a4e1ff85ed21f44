package page

import (
	"html/template"
	"math"

	"github.com/rapporthq/rapport/web/chart"
)

// sum draws the arithmetic of one item's score: its reasons, which add up to it. The page names the item itself.
func (s *Set) sum(lang, id, title string, score float64, reasons []chart.Part) template.HTML {
	digits := 3
	if math.Abs(score) < .1 { // what is popular is a share of everything
		digits = 5
	}
	return chart.Bars(chart.Sum{ID: id, Title: title, Parts: reasons, Total: score, Quiet: true, Words: chart.Words{Sum: s.Say(lang, "frame.sum"), Empty: s.Say(lang, "frame.sum.none"),
		Number: func(v float64) string { return Signed(lang, v, digits) }}})
}
