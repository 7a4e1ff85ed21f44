package console

import (
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/rapporthq/rapport/charter/draft"
	"github.com/rapporthq/rapport/know/collect"
)

// arrival is one message in the event debugger: names and reasons, never a value.
type arrival struct {
	Source, Clock string
	collect.Recent
}

// arrivals is the page of the event debugger.
type arrivals struct {
	Sources []string
	Source  string // the one that is looked at; empty: all
	Still   bool   // the page does not refresh itself
	Again   string // the address of this very page
	Turned  string // and that of the one that does the opposite of Still
	Events  []arrival
}

const mostArrivals = 50

func (c *Console) arrivals(w http.ResponseWriter, r *http.Request) {
	s, ok := c.staff(w, r)
	if !ok {
		return
	}
	a := arrivals{Sources: c.cfg.Charter().Order.Sources, Source: r.FormValue("source"), Still: r.FormValue("still") == "yes"}
	if !slices.Contains(a.Sources, a.Source) {
		a.Source = ""
	}
	a.Again, a.Turned = a.address(a.Still), a.address(!a.Still)
	for _, source := range a.Sources {
		if a.Source != "" && a.Source != source {
			continue
		}
		for _, e := range c.cfg.Home.Recent(source) {
			a.Events = append(a.Events, arrival{source, e.Arrived.Time().Format("15:04:05"), e})
		}
	}
	slices.SortStableFunc(a.Events, func(x, y arrival) int { return int(y.Arrived - x.Arrived) })
	a.Events = a.Events[:min(len(a.Events), mostArrivals)]
	f := c.frame(r, s, c.say(r, "arrivals.title"), a)
	f.Live = !a.Still
	if r.Header.Get("HX-Request") == "true" {
		c.pages.ShowPart(w, http.StatusOK, "arrivals", "arrived", f)
		return
	}
	c.pages.Show(w, http.StatusOK, "arrivals", f)
}

func (a arrivals) address(still bool) string {
	q := url.Values{}
	if a.Source != "" {
		q.Set("source", a.Source)
	}
	if still {
		q.Set("still", "yes")
	}
	return strings.TrimSuffix("/console/events?"+q.Encode(), "?")
}

// refused is a name that the charter does not know, with what would let it in.
type refused struct {
	Source string
	collect.Name
	Times int
	Under string // where in the charter the lines go; empty: nothing is proposed
	Lines string
}

type refusals struct {
	Names []refused
}

func (c *Console) refusals(w http.ResponseWriter, r *http.Request) {
	s, ok := c.staff(w, r)
	if !ok {
		return
	}
	ch := c.cfg.Charter()
	var body refusals
	for _, source := range ch.Order.Sources {
		for _, n := range c.cfg.Home.Names(source) {
			one := refused{Source: source, Name: n, Times: int(n.Count)}
			if n.Reason == collect.UnplannedEvent || n.Reason == collect.UnplannedField {
				one.Under, one.Lines, _ = draft.Propose(ch, n.Event, n.Field, int(n.Count))
			}
			body.Names = append(body.Names, one)
		}
	}
	slices.SortStableFunc(body.Names, func(a, b refused) int { return int(b.Count - a.Count) })
	c.pages.Show(w, http.StatusOK, "refusals", c.frame(r, s, c.say(r, "refusals.title"), body))
}
