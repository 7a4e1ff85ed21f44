package trustcentre

import (
	"html/template"
	"strings"
	"time"

	"github.com/rapporthq/rapport/reach/decide"
	"github.com/rapporthq/rapport/web/chart"
	"github.com/rapporthq/rapport/web/page"
)

// dayForm names a day of the brand's clocks.
const dayForm = "2006-01-02"

// calendar draws the looks of the last twelve months.
func (c *Centre) calendar(lang string, l Looks) template.HTML {
	y := chart.Year{ID: "looks", Title: c.pages.Say(lang, "looks.calendar"), Says: c.pages.Say(lang, "looks.calendar.says"), To: l.Today,
		From:   time.Date(l.Today.Year(), l.Today.Month()-11, 1, 0, 0, 0, 0, time.UTC),
		Across: c.pages.Say(lang, "looks.day"), Counted: c.pages.Say(lang, "looks.count"),
		Month: func(t time.Time) string {
			_, name, _ := strings.Cut(page.Day(lang, t), " ")
			return name
		},
		Day:   func(t time.Time) string { return page.Day(lang, t) },
		Words: chart.Words{Table: c.pages.Say(lang, "looks.table"), Empty: c.pages.Say(lang, "looks.none")},
	}
	for day, n := range l.Days {
		if t, err := time.Parse(dayForm, day); err == nil {
			y.Days = append(y.Days, chart.Day{Date: t, Count: n})
		}
	}
	return chart.Calendar(y)
}

// parts are the reasons of an item as they are drawn.
func parts(reasons []decide.Reason) []chart.Part {
	out := make([]chart.Part, len(reasons))
	for i, r := range reasons {
		out[i] = chart.Part{Name: r.Text, Value: r.Weight}
	}
	return out
}
