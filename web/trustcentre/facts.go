package trustcentre

import (
	"encoding/json"
	"slices"
	"sort"
	"strconv"
	"strings"
	"time"

	"github.com/rapporthq/rapport/charter"
	"github.com/rapporthq/rapport/person"
	"github.com/rapporthq/rapport/reach/decide"
	"github.com/rapporthq/rapport/trust/consent"
	"github.com/rapporthq/rapport/trust/self"
	"github.com/rapporthq/rapport/trust/tact"
	"github.com/rapporthq/rapport/trust/vault"
	"github.com/rapporthq/rapport/web/page"
)

// local is an instant as the brand's clocks have it.
func local(c *charter.Charter, i person.Instant) time.Time {
	if i == 0 {
		return time.Time{}
	}
	return i.Time().In(c.Brand.Location())
}

// facts lists what is known, by name, with each source's word: what is in use of a name comes first, then what may be, then the rest.
func facts(c *charter.Charter, r *vault.Record, o *vault.Opened, judged []tact.Judgement, now person.Instant, lang string) []Known {
	type known struct {
		Known
		head *person.Head
		of   int // 0 in use somewhere, 1 may be used, 2 held back
	}
	places := r.Places(o)
	used := map[int]bool{}
	for i := range judged {
		inUse(used, c, r.Facts, &judged[i])
	}
	all := make([]known, 0, len(o.Facts))
	for i := range o.Facts {
		f, at := &o.Facts[i], places[i]
		d := c.Data[f.Name]
		k := known{head: &f.Head, Known: Known{Name: f.Name, Title: f.Name, Value: shown(d, f.Value, lang), Raw: f.Value, Sworn: f.Confirmed != 0, Learnt: f.Learnt.String(), Source: f.Source, Where: f.Channel, When: local(c, f.At)}}
		if f.Source == self.Source {
			k.Source = ""
		}
		for doubt := range f.Doubts.Each {
			k.Doubts = append(k.Doubts, doubt.String())
		}
		if d != nil && d.Sure(&f.Head, now) < d.Quality && f.Quality >= d.Quality {
			k.Doubts = append(k.Doubts, "faded")
		}
		if d != nil {
			k.Title, k.Benefit = d.Title(lang, &c.Brand), d.Benefit.In(lang, &c.Brand)
			if !d.Retain.IsZero() {
				k.Until = local(c, d.Retain.After(f.At))
			}
			k.Why = whys(c, d.Purposes, lang)
		}
		var passed bool
		if k.Waiting, passed = waiting(c, at, f.Name, judged, lang); !passed {
			k.of = 2
		} else if !used[at] {
			k.of, k.Outweighed = 1, true
		} else {
			k.InUse = true
		}
		all = append(all, k)
	}
	sort.SliceStable(all, func(i, j int) bool {
		a, b := &all[i], &all[j]
		switch {
		case a.Name != b.Name:
			return a.Name < b.Name
		case a.of != b.of:
			return a.of < b.of
		}
		return person.Outweighs(a.head, b.head)
	})
	out := make([]Known, len(all))
	for i := range all {
		out[i] = all[i].Known
		out[i].Several = i > 0 && all[i-1].Name == all[i].Name || i+1 < len(all) && all[i+1].Name == all[i].Name
	}
	return out
}

// together makes one of all words on one thing, in the charter's order of things.
func together(c *charter.Charter, all []Known, lang string) []Fact {
	by := map[string]*Fact{}
	var names []string
	for _, k := range all {
		if f := by[k.Name]; f != nil {
			f.Others = append(f.Others, k)
			continue
		}
		d := c.Data[k.Name]
		f := &Fact{Known: k, Bound: self.Bound(c, k.Name), Contact: c.Brand.Contact, Yourself: k.Source == ""}
		if correctable(d) && !f.Bound {
			f.Correct = field(d, k.Raw, lang)
		}
		by[k.Name] = f
		names = append(names, k.Name)
	}
	place := func(name string) int {
		if i := slices.Index(c.Order.Data, name); i >= 0 {
			return i
		}
		return len(c.Order.Data)
	}
	sort.SliceStable(names, func(i, j int) bool { return place(names[i]) < place(names[j]) })
	out := make([]Fact, len(names))
	for i, n := range names {
		out[i] = *by[n]
	}
	return out
}

// gone lists what the person removed and nobody says any more.
func gone(c *charter.Charter, r *vault.Record, lang string) []Gone {
	var out []Gone
	for _, name := range c.Order.Data {
		d := c.Data[name]
		kept := slices.ContainsFunc(r.Facts, func(h person.Head) bool { return h.Name == name })
		if !slices.Contains(r.Removed, name) || kept {
			continue
		}
		g := Gone{Name: name, Title: d.Title(lang, &c.Brand)}
		if correctable(d) && !self.Bound(c, name) {
			g.Tell = field(d, "", lang)
		}
		out = append(out, g)
	}
	return out
}

// wishes lists what the person can ask to be spared and has not told.
func wishes(c *charter.Charter, r *vault.Record, now person.Instant, lang string) []Wish {
	var out []Wish
	for _, name := range c.Order.Data {
		d := c.Data[name]
		if !d.Protective || !correctable(d) || slices.Contains(r.Removed, name) || slices.ContainsFunc(r.Facts, func(h person.Head) bool { return h.Name == name }) {
			continue
		}
		w := Wish{Name: name, Title: d.Title(lang, &c.Brand), Benefit: d.Benefit.In(lang, &c.Brand), Why: whys(c, d.Purposes, lang), Tell: field(d, "", lang), Charter: c.Position}
		for _, purpose := range d.Purposes {
			p := c.Purposes[purpose]
			st := consent.Of(c, purpose, r.Who, r.Choices, person.Moment{At: now, Now: now, Session: true}, now)
			if st.Allowed && (!p.Explicit || st.Explicit) {
				w.Ask = nil
				break
			}
			if w.Ask == nil && p.Basis.Switchable() {
				w.Ask = &Choice{Purpose: purpose, Why: p.Why.In(lang, &c.Brand), Benefit: p.Benefit.In(lang, &c.Brand), Explicit: p.Explicit}
			}
		}
		out = append(out, w)
	}
	return out
}

// field is how a form asks for a value of a datum.
func field(d *charter.Datum, now, lang string) *Field {
	f := &Field{Kind: "text", Value: plain(now)}
	offer := func(values []string) {
		f.Kind = "select"
		for _, v := range values {
			f.Options = append(f.Options, Option{Value: v, Text: shown(d, v, lang), Here: v == now})
		}
	}
	switch d.Type.Name {
	case charter.TEnum:
		offer(d.Type.Enum)
	case charter.TBand:
		offer(d.Type.Labels)
	case charter.TBoolean:
		offer([]string{"true", "false"})
	case charter.TDate:
		f.Kind = "date"
	case charter.TEmail:
		f.Kind = "email"
	case charter.TPhone:
		f.Kind = "tel"
	case charter.TList:
		f.Value = strings.ReplaceAll(f.Value, ", ", "; ") // as charter.Type.CanonicalText reads it
	}
	return f
}

// inUse adds the places of the facts that a placement uses: of each name the one that outweighs the others that passed there, and every
// protective fact that passed, for each of these is asked.
func inUse(used map[int]bool, c *charter.Charter, heads []person.Head, j *tact.Judgement) {
	best := map[string]int{}
	for i, reason := range j.FactReasons {
		if reason != "" {
			continue
		}
		name := heads[i].Name
		if d := c.Data[name]; d != nil && d.Protective {
			used[i] = true
			continue
		}
		if k, ok := best[name]; !ok || person.Outweighs(&heads[i], &heads[k]) {
			best[name] = i
		}
	}
	for _, i := range best {
		used[i] = true
	}
}

// waiting is why a fact is used nowhere at present: empty when it may be used somewhere, or has no business at any placement.
func waiting(c *charter.Charter, i int, name string, judged []tact.Judgement, lang string) (why string, passed bool) {
	for _, j := range judged {
		if i >= len(j.FactReasons) {
			continue
		}
		if j.FactReasons[i] == "" {
			return "", true
		}
		for _, h := range j.Holds {
			if why == "" && !h.Event && h.Name == name && h.Reason == j.FactReasons[i] {
				why = tact.Text(c, h, lang)
			}
		}
	}
	return why, false
}

func history(h *decide.House, o *vault.Opened, lang string) []History {
	by := map[string]*History{}
	var order []string
	c := h.Charter
	for i := len(o.History) - 1; i >= 0; i-- { // newest first
		e := &o.History[i]
		at := local(c, e.At)
		g := by[e.Name]
		if g == nil {
			g = &History{Title: e.Name, First: at, Last: at}
			if ev := c.Events[e.Name]; ev != nil {
				g.Title, g.Why = ev.Title(lang, &c.Brand), whys(c, ev.Purposes, lang)
			}
			by[e.Name] = g
			order = append(order, e.Name)
		}
		g.Count++
		if at.Before(g.First) {
			g.First = at
		}
		if at.After(g.Last) {
			g.Last = at
		}
		if len(g.Recent) < mostRecent && len(e.Lines) > 0 {
			items, more := names(h, e.Lines)
			g.Recent = append(g.Recent, Occasion{When: at, Items: items, More: more})
		}
	}
	out := make([]History, len(order))
	for i, n := range order {
		out[i] = *by[n]
	}
	return out
}

func names(h *decide.House, lines []person.Line) (items []string, more int) {
	for i, l := range lines {
		if i == mostItems {
			return items, len(lines) - mostItems
		}
		name := l.Item
		if it := h.Shelf.Item(l.Item); it != nil && it.Name != "" {
			name = it.Name
		}
		items = append(items, name)
	}
	return items, 0
}

func whys(c *charter.Charter, purposes []string, lang string) []string {
	var out []string
	for _, n := range purposes {
		if p := c.Purposes[n]; p != nil {
			out = append(out, p.Why.In(lang, &c.Brand))
		}
	}
	return out
}

// shown is a value as people read it.
func shown(d *charter.Datum, value, lang string) string {
	if d == nil {
		return plain(value)
	}
	switch d.Type.Name {
	case charter.TBoolean:
		if value == "true" {
			return map[bool]string{true: "oui", false: "yes"}[lang == "fr"]
		}
		return map[bool]string{true: "non", false: "no"}[lang == "fr"]
	case charter.TDate:
		if t, err := time.Parse("2006-01-02", value); err == nil {
			return page.Day(lang, dated{t})
		}
	case charter.TMoney:
		if f, err := strconv.ParseFloat(value, 64); err == nil {
			return page.Money(lang, f, d.Type.Currency)
		}
	}
	return plain(value)
}

// dated is a day that may be the first of 1970.
type dated struct{ t time.Time }

// Time is the day.
func (d dated) Time() time.Time { return d.t }

// plain takes the quotes and brackets off a list's canonical form.
func plain(value string) string {
	var list []string
	if strings.HasPrefix(value, "[") && json.Unmarshal([]byte(value), &list) == nil {
		return strings.Join(list, ", ")
	}
	return value
}
