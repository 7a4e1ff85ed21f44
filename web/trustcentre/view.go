package trustcentre

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sort"
	"strings"
	"time"

	"github.com/rapporthq/rapport/charter"
	"github.com/rapporthq/rapport/fault"
	"github.com/rapporthq/rapport/person"
	"github.com/rapporthq/rapport/reach/decide"
	"github.com/rapporthq/rapport/trust/consent"
	"github.com/rapporthq/rapport/trust/ledger"
	"github.com/rapporthq/rapport/trust/relationship"
	"github.com/rapporthq/rapport/trust/self"
	"github.com/rapporthq/rapport/trust/tact"
	"github.com/rapporthq/rapport/trust/vault"
)

// Looks is the ledger's part: what is on record about these pseudonyms, and about populations.
type Looks interface {
	Looks(ctx context.Context, of []person.ID, limit int) ([]ledger.Row, error)
}

// Own is the trust centre's Self over a home.
type Own struct {
	Acts    *self.Acts
	Decider *decide.Decider
	Ledger  Looks
}

// How much a page shows: what is older stays in the export.
const (
	mostDecisions = 20
	mostLooks     = 50
	mostRecent    = 3
)

// View gathers everything that is known about the person of this pseudonym, and remembers that they have seen it.
func (o *Own) View(ctx context.Context, id person.ID, lang string) (View, error) {
	house := o.Decider.Live().House()
	if house == nil {
		return View{}, fault.New(fault.Unavailable, "This page is not ready yet; try again in a moment.")
	}
	loaded, err := o.Acts.Store.Load(ctx, id)
	if errors.Is(err, vault.ErrNotFound) {
		return View{}, fault.Wrap(fault.NotFound, "Nothing is kept under this session any more; sign in again.", err)
	}
	if err != nil {
		return View{}, fault.Wrap(fault.Unavailable, "What we know cannot be read just now; try again in a moment.", err)
	}
	if house, err = o.Decider.Live().Follow(ctx, loaded.Charter); err != nil {
		return View{}, fault.Wrap(fault.Unavailable, "What we know cannot be read just now; try again in a moment.", err)
	}
	series := house.Series
	r, err := o.Acts.Vault.Record(loaded, o.Acts.Streams, &series, house.Shelf.Sensitive)
	if err != nil {
		return View{}, err
	}
	now := o.Acts.Clock()
	permit := tact.ForSelf(r.Who, house.Charter.Position, now.Add(time.Minute))
	opened, err := r.Open(permit, now)
	if err != nil {
		return View{}, err
	}
	c := house.Charter
	judged := judgements(house, r, now, lang)
	v := View{Restricted: r.Restricted, Choices: choices(c, r, now, lang), Facts: facts(c, r, opened, judged, lang), History: history(house, opened, lang)}
	if len(judged) > 0 {
		st := judged[0].Level
		v.Level, v.Because, v.Next = st.Level, st.Because, st.Next
	}
	if v.Decisions, err = o.Decider.Owned(ctx, id, mostDecisions, lang); err != nil {
		return View{}, err
	}
	if v.Looks, err = o.looks(ctx, r, permit, now, c, lang); err != nil {
		return View{}, err
	}
	// Shown is told: from here on none of it is a surprise. When that cannot be written down they are simply told again.
	_ = o.Acts.Told(ctx, id, append(append([]person.Head(nil), r.Facts...), r.History...))
	return v, nil
}

// judgements asks tact for each placement, in the charter's order: what may be used of the person there now.
func judgements(h *decide.House, r *vault.Record, now person.Instant, lang string) []tact.Judgement {
	var all []tact.Judgement
	for _, name := range h.Charter.Order.Placements {
		j := tact.Judge(tact.Case{Series: &h.Series, Charter: h.Charter, Placement: h.Charter.Placements[name], Who: r.Who, Facts: r.Facts, History: r.History,
			Choices: r.Choices, Restricted: r.Restricted, Feedback: r.Feedback, Complaints: r.Complaints,
			Moment: person.Moment{Placement: name, At: now, Now: now, Session: true, Language: lang}})
		j.Level = relationship.Say(h.Charter, j.Level, now, lang)
		all = append(all, j)
	}
	return all
}

func choices(c *charter.Charter, r *vault.Record, now person.Instant, lang string) []Choice {
	var out []Choice
	for _, name := range c.Order.Purposes {
		p := c.Purposes[name]
		st := consent.Of(c, name, r.Who, r.Choices, person.Moment{At: now, Now: now, Session: true}, now)
		out = append(out, Choice{Purpose: name, Why: p.Why.In(lang, &c.Brand), Benefit: p.Benefit.In(lang, &c.Brand), Basis: p.Basis, Allowed: st.Allowed,
			Switchable: p.Basis.Switchable(), Explicit: p.Explicit, Because: st.Say(lang), Since: st.Since})
	}
	return out
}

// facts lists what is known, by name, with each source's word: what is in use of a name comes first, then what may be, then the rest.
func facts(c *charter.Charter, r *vault.Record, o *vault.Opened, judged []tact.Judgement, lang string) []Known {
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
		k := known{head: &f.Head, Known: Known{Name: f.Name, Title: f.Name, Value: plain(f.Value), Learnt: f.Learnt.String(), Source: f.Source, When: f.At}}
		if d != nil {
			k.Title, k.Benefit, k.Category = d.Title(lang, &c.Brand), d.Benefit.In(lang, &c.Brand), d.Category
			if !d.Retain.IsZero() {
				k.Until = d.Retain.After(f.At)
			}
			k.Why = whys(c, d.Purposes, lang)
		}
		var passed bool
		if k.Waiting, passed = waiting(c, at, f.Name, judged, lang); !passed {
			k.of = 2
		} else if !used[at] {
			k.of, k.Outweighed = 1, true
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
	for i := len(o.History) - 1; i >= 0; i-- { // newest first
		e := &o.History[i]
		g := by[e.Name]
		if g == nil {
			g = &History{Title: e.Name, First: e.At, Last: e.At}
			if ev := h.Charter.Events[e.Name]; ev != nil {
				g.Title, g.Why = ev.Title(lang, &h.Charter.Brand), whys(h.Charter, ev.Purposes, lang)
			}
			by[e.Name] = g
			order = append(order, e.Name)
		}
		g.Count++
		g.First, g.Last = min(g.First, e.At), max(g.Last, e.At)
		if len(g.Recent) < mostRecent && len(e.Lines) > 0 {
			g.Recent = append(g.Recent, e.At.Time().Format("2 January 2006")+": "+names(h, e.Lines))
		}
	}
	out := make([]History, len(order))
	for i, n := range order {
		out[i] = *by[n]
	}
	return out
}

func names(h *decide.House, lines []person.Line) string {
	const most = 8
	var out []string
	for i, l := range lines {
		if i == most {
			out = append(out, fmt.Sprintf("and %d more", len(lines)-most))
			break
		}
		name := l.Item
		if it := h.Shelf.Item(l.Item); it != nil && it.Name != "" {
			name = it.Name
		}
		out = append(out, name)
	}
	return strings.Join(out, "; ")
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

// plain takes the quotes and brackets off a list's canonical form.
func plain(value string) string {
	var list []string
	if strings.HasPrefix(value, "[") && json.Unmarshal([]byte(value), &list) == nil {
		return strings.Join(list, ", ")
	}
	return value
}

func (o *Own) looks(ctx context.Context, r *vault.Record, permit tact.Permit, now person.Instant, c *charter.Charter, lang string) ([]Look, error) {
	rows, err := o.Ledger.Looks(ctx, r.Who.All(), mostLooks)
	if err != nil {
		return nil, fault.Wrap(fault.Unavailable, "Who has looked cannot be read just now; try again in a moment.", err)
	}
	var out []Look
	for _, row := range rows {
		l := Look{At: row.At, Who: row.Actor, Purpose: row.Purpose, Fields: row.Fields, Many: row.Count}
		if row.Role != "" {
			l.Who += " (" + row.Role + ")"
		}
		if p := c.Purposes[row.Purpose]; p != nil {
			l.Purpose = p.Why.In(lang, &c.Brand)
		}
		// A reason that cannot be opened is left out: the look itself is what must be seen.
		if row.Of.IsZero() {
			l.Reason, _ = o.Acts.Vault.PopulationReason(permit, r.Who.Root, now, row)
		} else {
			l.Reason, _ = r.Reason(permit, now, row)
		}
		out = append(out, l)
	}
	return out, nil
}

// Choose records a yes or a no with the words that the page shows.
func (o *Own) Choose(ctx context.Context, id person.ID, purpose string, yes bool, lang string) error {
	c := o.Acts.Series().Current()
	e := consent.Evidence{Notice: c.Hash, Language: lang, Channel: "web"}
	if p := c.Purposes[purpose]; p != nil {
		e.Words = p.Why.In(lang, &c.Brand)
		if b := p.Benefit.In(lang, &c.Brand); b != "" {
			e.Words += " " + b
		}
	}
	return o.Acts.Choose(ctx, id, purpose, yes, e)
}

// Remove drops a fact and keeps imports from bringing it back.
func (o *Own) Remove(ctx context.Context, id person.ID, fact string) error {
	return o.Acts.Remove(ctx, id, fact)
}

// Restrict stops all use, or lets it go on.
func (o *Own) Restrict(ctx context.Context, id person.ID, on bool) error {
	return o.Acts.Restrict(ctx, id, on)
}

// Feedback answers one item of one of the person's own decisions.
func (o *Own) Feedback(ctx context.Context, id person.ID, decision, item string, kind person.FeedbackKind) error {
	d, err := decide.ParseID(decision)
	if err != nil {
		return fault.Wrap(fault.Invalid, "That decision cannot be found; look at the page again.", err)
	}
	_, err = o.Decider.Feedback(ctx, decide.Answer{Decision: d, Item: item, Kind: kind, By: id})
	return err
}
