package console

import (
	"cmp"
	"context"
	"html/template"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/rapporthq/rapport/know/quality"
	"github.com/rapporthq/rapport/know/tally"
	"github.com/rapporthq/rapport/web/chart"
	"github.com/rapporthq/rapport/web/page"
)

// Census is what the page of data quality is made of: counts of people by source and fact, nobody's data.
type Census struct {
	Today  int64         // UTC days since 1970
	Counts []tally.Count // of the kind tally.Census, of the last Days days
}

// Quality is what the console reads of how good the home's data is.
type Quality interface {
	// Census gives the counts of the last Days days.
	Census(ctx context.Context) (Census, error)
}

// qualityPage is the page. Numbers of people are rounded down to a multiple of K, and 0 stands for fewer than K.
type qualityPage struct {
	K     int
	Day   string // when it was last counted; empty: never
	Worst []worst
	Lines []qualityLine
	Chart template.HTML
}

// worst is a place where much is held.
type worst struct {
	Source, Fact string
	Share        int64 // of a hundred people
	Why          string
}

// qualityLine is one fact of one source.
type qualityLine struct {
	Source, Fact string
	People, Held int64
	Share        int64 // of a hundred people; 0 when either is not shown
	Why          []qualityWhy
}

type qualityWhy struct {
	What   string
	People int64
}

func (c *Console) quality(w http.ResponseWriter, r *http.Request) {
	s, ok := c.staff(w, r)
	if !ok {
		return
	}
	census, err := c.cfg.Quality.Census(r.Context())
	if err != nil {
		c.pages.Fail(w, r, c.frame(r, s, "", nil), err)
		return
	}
	f := c.frame(r, s, c.say(r, "quality.title"), c.qualityOf(r, census))
	f.Charts = true
	c.pages.Show(w, http.StatusOK, "quality", f)
}

// mostWorst is how many places are named as the worst.
const mostWorst = 5

func (c *Console) qualityOf(r *http.Request, census Census) qualityPage {
	ch, lang := c.cfg.Charter(), c.lang(r)
	k := max(ch.K, 1)
	p := qualityPage{K: ch.K}
	source := func(name string) string {
		if name == "self" {
			return c.say(r, "quality.self")
		}
		return name
	}
	fact := func(name string) string {
		if d := ch.Data[name]; d != nil {
			return cmp.Or(d.Label.In(lang, &ch.Brand), name)
		}
		return name
	}
	last := int64(0)
	var held []tally.Count
	for _, n := range census.Counts {
		if n.N > 0 && n.Day <= census.Today {
			last = max(last, n.Day)
		}
		if l, ok := quality.ParseLine(n.Name); ok && l.What == quality.Held {
			held = append(held, tally.Count{Day: n.Day, Name: source(l.Source) + " · " + fact(l.Fact), N: n.N})
		}
	}
	p.Chart = chart.Lines(c.plot(r, "held", census.Today, held, nil, func(s string) string { return s }, k))
	if last == 0 {
		return p
	}
	p.Day = page.Day(lang, time.Unix(last*86_400, 0).UTC())
	at := map[[2]string]*qualityLine{}
	for _, n := range census.Counts {
		l, ok := quality.ParseLine(n.Name)
		if !ok || n.Day != last || n.N <= 0 {
			continue
		}
		key := [2]string{source(l.Source), fact(l.Fact)}
		line := at[key]
		if line == nil {
			line = &qualityLine{Source: key[0], Fact: key[1]}
			at[key] = line
		}
		shown, ok := tally.Rounded(n.N, k)
		if !ok {
			continue // fewer than k, of whatever is the matter, looks like nobody
		}
		switch l.What {
		case quality.Kept:
			line.People = shown
		case quality.Held:
			line.Held = shown
		default:
			line.Why = append(line.Why, qualityWhy{l.What, shown})
		}
	}
	for _, line := range at {
		if line.People > 0 {
			line.Share = 100 * line.Held / line.People
		}
		slices.SortFunc(line.Why, func(a, b qualityWhy) int {
			return cmp.Or(cmp.Compare(b.People, a.People), strings.Compare(a.What, b.What))
		})
		p.Lines = append(p.Lines, *line)
	}
	slices.SortFunc(p.Lines, func(a, b qualityLine) int {
		return cmp.Or(cmp.Compare(b.Share, a.Share), cmp.Compare(b.Held, a.Held), strings.Compare(a.Source, b.Source), strings.Compare(a.Fact, b.Fact))
	})
	for _, l := range p.Lines {
		if l.Share > 0 && len(p.Worst) < mostWorst {
			one := worst{Source: l.Source, Fact: l.Fact, Share: l.Share}
			if len(l.Why) > 0 {
				one.Why = l.Why[0].What
			}
			p.Worst = append(p.Worst, one)
		}
	}
	return p
}
