package console

import (
	"cmp"
	"context"
	"html/template"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/rapporthq/rapport/charter"
	"github.com/rapporthq/rapport/know/collect"
	"github.com/rapporthq/rapport/know/tally"
	"github.com/rapporthq/rapport/trust/ledger"
	"github.com/rapporthq/rapport/web/chart"
	"github.com/rapporthq/rapport/web/page"
)

// Days is how many days the overview's charts cover, today with them.
const Days = 30

// Home is what the console reads of a home: counts and names of the charter, nobody's data.
type Home interface {
	// Overview gives the counts of the last Days days.
	Overview(ctx context.Context) (Overview, error)
	// Recent gives what became of a source's latest messages, newest first.
	Recent(source string) []collect.Recent
	// Names gives the names of the last hour that the charter does not know, as the source spelt them.
	Names(source string) []collect.Name
	// Ledger tells who looked.
	Ledger(ctx context.Context) (Ledger, error)
	// Verify walks the whole ledger.
	Verify(ctx context.Context) (ledger.Report, error)
}

// Overview is what the console's first page is made of.
type Overview struct {
	Today    int64 // UTC days since 1970
	Counts   []tally.Count
	Refusals []collect.Refusal
	Models   string
	Entries  int  // of the ledger
	Sound    bool // the ledger's head is signed by this home's key
}

// figure is what the page says of the overview.
type figure struct {
	Charter   *charter.Charter
	Models    string
	Entries   int
	Sound     bool
	K         int
	Kept      int64
	Refused   int64
	Decisions int64
	Held      int64
	Charts    []template.HTML
	Refusals  []collect.Refusal // of all days together, the most frequent first
}

func (c *Console) overview(w http.ResponseWriter, r *http.Request) {
	s, ok := c.staff(w, r)
	if !ok {
		return
	}
	o, err := c.cfg.Home.Overview(r.Context())
	if err != nil {
		c.pages.Fail(w, r, c.frame(r, s, "", nil), err)
		return
	}
	f := c.frame(r, s, c.say(r, "overview.title"), c.figures(r, o))
	f.Charts = true
	c.pages.Show(w, http.StatusOK, "overview", f)
}

// mostRefusals is how many lines the table of refusals has.
const mostRefusals = 20

func (c *Console) figures(r *http.Request, o Overview) figure {
	ch := c.cfg.Charter()
	f := figure{Charter: ch, Models: o.Models, Entries: o.Entries, Sound: o.Sound, K: ch.K}
	refused := make([]tally.Count, 0, len(o.Refusals))
	sums := map[collect.Refusal]int64{}
	for _, n := range o.Refusals {
		refused = append(refused, tally.Count{Day: n.Day, Name: string(n.Reason), N: n.Count})
		f.Refused += n.Count
		sum := n.Count
		n.Day, n.Count = 0, 0
		sums[n] += sum
	}
	for n, sum := range sums {
		n.Count = sum
		f.Refusals = append(f.Refusals, n)
	}
	slices.SortFunc(f.Refusals, func(a, b collect.Refusal) int {
		if a.Count != b.Count {
			return int(b.Count - a.Count)
		}
		return strings.Compare(a.Source+a.Event+a.Field+string(a.Reason), b.Source+b.Event+b.Field+string(b.Reason))
	})
	f.Refusals = f.Refusals[:min(len(f.Refusals), mostRefusals)]
	by := map[string][]tally.Count{}
	for _, n := range o.Counts {
		if n.Day <= o.Today-Days || n.Day > o.Today {
			continue
		}
		by[n.Kind] = append(by[n.Kind], n)
		switch n.Kind {
		case tally.Events:
			f.Kept += n.N
		case tally.Decisions:
			f.Decisions += n.N
		case tally.Holds:
			f.Held += n.N
		}
	}
	name := func(begin string) func(string) string {
		return func(key string) string { return c.say(r, begin+key) }
	}
	purpose := func(key string) string {
		if p := ch.Purposes[key]; p != nil {
			key = cmp.Or(p.Label.In(c.lang(r), &ch.Brand), key)
		}
		return key
	}
	f.Charts = []template.HTML{
		chart.Columns(c.plot(r, "events", o.Today, by[tally.Events], []string{""}, func(string) string { return c.say(r, "chart.kept") }, 0)),
		chart.Lines(c.plot(r, "refusals", o.Today, refused, nil, name("reason."), 0)),
		chart.Columns(c.plot(r, "decisions", o.Today, by[tally.Decisions], []string{"generic", "context", "cohort", "individual"}, name("made."), 0)),
		chart.Lines(c.plot(r, "holds", o.Today, by[tally.Holds], nil, name("hold."), 0)),
		chart.Lines(c.plot(r, "yes", o.Today, by[tally.Yes], nil, purpose, ch.K)),
		chart.Lines(c.plot(r, "no", o.Today, by[tally.No], nil, purpose, ch.K)),
	}
	return f
}

// mostSeries are told apart in one chart; what is rarer is counted together.
const mostSeries = 6

// plot is a chart of counts over the last days. Series stand in the order of names, or the most frequent first; rarer ones are
// counted together. With a k the counts are of people: fewer than k are not shown, more are rounded down to it, and rarer
// series are left out, because their people may be the same.
func (c *Console) plot(r *http.Request, id string, today int64, counts []tally.Count, names []string, label func(string) string, k int) chart.Plot {
	lang := c.lang(r)
	p := chart.Plot{ID: id, Title: c.say(r, "chart."+id), Across: c.say(r, "chart.day"), Words: chart.Words{Table: c.say(r, "chart.table"), Empty: c.say(r, "chart."+id+".empty"),
		Hidden: c.say(r, "chart.hidden", k), Number: func(v float64) string { return page.Decimal(lang, v, 0) }}}
	sums := map[string]int64{}
	for _, n := range counts {
		sums[n.Name] += n.N
	}
	if names == nil {
		for n := range sums {
			names = append(names, n)
		}
		slices.SortFunc(names, func(a, b string) int {
			if sums[a] != sums[b] {
				return int(sums[b] - sums[a])
			}
			return strings.Compare(a, b)
		})
	}
	rest := len(names) > mostSeries
	if rest {
		names = names[:mostSeries]
		if k == 0 {
			names = names[:mostSeries-1]
		}
	}
	if len(counts) == 0 {
		return p
	}
	values := map[string][]float64{}
	for day := today - Days + 1; day <= today; day++ {
		p.Points = append(p.Points, page.ShortDay(lang, time.Unix(day*86_400, 0).UTC()))
	}
	other := make([]float64, Days)
	for _, name := range names {
		values[name] = make([]float64, Days)
	}
	for _, n := range counts {
		at := n.Day - today + Days - 1
		if at < 0 || at >= Days {
			continue
		}
		if v := values[n.Name]; v != nil {
			v[at] += float64(n.N)
		} else {
			other[at] += float64(n.N)
		}
	}
	for _, name := range names {
		v := values[name]
		for i := range v {
			if k > 0 {
				if shown, ok := tally.Rounded(int64(v[i]), k); ok {
					v[i] = float64(shown)
				} else {
					v[i] = chart.Hidden
				}
			}
		}
		p.Series = append(p.Series, chart.Series{Name: label(name), Values: v})
	}
	if rest && k == 0 {
		p.Series = append(p.Series, chart.Series{Name: c.say(r, "chart.other"), Values: other})
	}
	return p
}
