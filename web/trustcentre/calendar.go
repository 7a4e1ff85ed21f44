package trustcentre

import (
	"strings"
	"time"

	"github.com/rapporthq/rapport/web/page"
)

// Month is one month of the calendar of looks: a square for each day, weeks from Monday as rows.
type Month struct {
	Name string
	Days []Square
	High int // of the drawing
}

// Square is one day.
type Square struct {
	X, Y  int
	Class string // l0 for none, l1 to l3 for more
}

// Busy is a day on which somebody looked.
type Busy struct {
	Day   time.Time
	Count int
}

const square = 10 // wide and high, with its gap

// months are the last twelve, up to today, the oldest first.
func months(lang string, l Looks) []Month {
	var out []Month
	if l.Today.IsZero() {
		return nil
	}
	this := time.Date(l.Today.Year(), l.Today.Month(), 1, 0, 0, 0, 0, l.Today.Location())
	for back := 11; back >= 0; back-- {
		first := this.AddDate(0, -back, 0)
		_, name, _ := strings.Cut(page.Day(lang, first), " ")
		m := Month{Name: name, High: 6 * square}
		row := 0
		for day := first; day.Month() == first.Month() && !day.After(l.Today); day = day.AddDate(0, 0, 1) {
			column := (int(day.Weekday()) + 6) % 7
			if column == 0 && day.Day() > 1 {
				row++
			}
			m.Days = append(m.Days, Square{X: column * square, Y: row * square, Class: shade(l.Days[day.Format(dayForm)])})
		}
		out = append(out, m)
	}
	return out
}

const dayForm = "2006-01-02"

func shade(looks int) string {
	switch {
	case looks == 0:
		return "l0"
	case looks == 1:
		return "l1"
	case looks <= 3:
		return "l2"
	}
	return "l3"
}

// busy are the days on which somebody looked, the latest first: the calendar's table.
func busy(l Looks) []Busy {
	var out []Busy
	for _, x := range l.Looks { // newest first
		n := l.Days[x.When.Format(dayForm)]
		if n == 0 || len(out) > 0 && out[len(out)-1].Day.Format(dayForm) == x.When.Format(dayForm) {
			continue
		}
		out = append(out, Busy{Day: x.When, Count: n})
	}
	return out
}
