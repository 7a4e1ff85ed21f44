package console

import (
	"cmp"
	"context"
	"html/template"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/rapporthq/rapport/charter"
	"github.com/rapporthq/rapport/fault"
	"github.com/rapporthq/rapport/know/identity"
	"github.com/rapporthq/rapport/know/stewardship"
	"github.com/rapporthq/rapport/person"
	"github.com/rapporthq/rapport/trust/vault"
	"github.com/rapporthq/rapport/web/chart"
	"github.com/rapporthq/rapport/web/page"
)

// Identity is what the console reads and asks of who is who: a *stewardship.Steward.
type Identity interface {
	Report(ctx context.Context) (stewardship.Report, error)
	Pairs(ctx context.Context, state vault.PairState, from, limit int) ([]stewardship.Pair, error)
	Pair(ctx context.Context, id string) (stewardship.Pair, error)
	// Look opens what says who the two are: a look at each is on record before anything is returned.
	Look(ctx context.Context, p stewardship.Pair, by stewardship.By) ([2][]stewardship.Known, error)
	Same(ctx context.Context, a, b person.ID, by stewardship.By) error
	Different(ctx context.Context, a, b person.ID, by stewardship.By) error
}

// pairsShown is how many pairs the list has on a page, and decisionsShown how many of the latest decisions.
const (
	pairsShown     = 50
	decisionsShown = 20
)

var (
	errSteward  = fault.New(fault.Refused, "Deciding who is who is for the privacy team; ask one of them.")
	errDecision = fault.New(fault.Invalid, "Say whether the two are the same person, different ones, or that you decide later.")
)

// identityPage is the list of pairs that wait, and how the home stands.
type identityPage struct {
	On        bool // the charter lets people be compared
	Join      string
	Report    stewardship.Report
	Pairs     []listed
	Before    string // where the page before is; empty: this is the first
	After     string
	Decisions []listed
	Sizes     template.HTML
	Single    int                 // people made of one record
	Joining   []stewardship.Count // what spoke for those who are joined, by the page's names
	Links     []stewardship.Count // what joined them, by the page's names
}

// listed is a pair in a list.
type listed struct {
	stewardship.Pair
	Number int
	Why    string // what spoke for it most
}

func (c *Console) identity(w http.ResponseWriter, r *http.Request) {
	s, ok := c.staff(w, r)
	if !ok {
		return
	}
	from, err := strconv.Atoi(r.FormValue("from"))
	if err != nil || from < 0 {
		from = 0
	}
	body, err := c.identityOf(r, from)
	if err != nil {
		c.pages.Fail(w, r, c.frame(r, s, "", nil), err)
		return
	}
	f := c.frame(r, s, c.say(r, "identity.title"), body)
	f.Charts = true
	c.pages.Show(w, http.StatusOK, "identity", f)
}

func (c *Console) identityOf(r *http.Request, from int) (identityPage, error) {
	ch := c.cfg.Charter()
	p := identityPage{On: ch.Identity.Purpose != "", Join: ch.Identity.Join}
	var err error
	if p.Report, err = c.cfg.Identity.Report(r.Context()); err != nil {
		return p, err
	}
	waiting, err := c.cfg.Identity.Pairs(r.Context(), vault.Proposed, from, pairsShown)
	if err != nil {
		return p, err
	}
	for i, pair := range waiting {
		p.Pairs = append(p.Pairs, listed{pair, from + i + 1, c.mostly(r, pair.Parts)})
	}
	if from > 0 {
		p.Before = "/console/identity?from=" + strconv.Itoa(max(0, from-pairsShown))
	}
	if from+pairsShown < p.Report.Waiting {
		p.After = "/console/identity?from=" + strconv.Itoa(from+pairsShown)
	}
	for _, state := range []vault.PairState{vault.Same, vault.Different, vault.Matched} {
		decided, err := c.cfg.Identity.Pairs(r.Context(), state, 0, 10*decisionsShown)
		if err != nil {
			return p, err
		}
		for _, pair := range decided {
			p.Decisions = append(p.Decisions, listed{Pair: pair})
		}
	}
	slices.SortStableFunc(p.Decisions, func(a, b listed) int { return cmp.Compare(b.At, a.At) })
	p.Decisions = p.Decisions[:min(len(p.Decisions), decisionsShown)]
	p.Sizes, p.Single = c.sizes(r, p.Report.Last)
	for _, n := range p.Report.Joining {
		p.Joining = append(p.Joining, stewardship.Count{Name: c.fieldName(r, n.Name), N: n.N})
	}
	if p.Report.Last != nil {
		for _, n := range p.Report.Last.Links {
			name := c.fieldName(r, n.Name)
			if n.Name == "match" || n.Name == "steward" {
				name = c.say(r, "link."+n.Name)
			}
			p.Links = append(p.Links, stewardship.Count{Name: name, N: n.N})
		}
	}
	return p, nil
}

// sizes draws how many records people are made of, of those who are made of several.
func (c *Console) sizes(r *http.Request, last *stewardship.Counted) (template.HTML, int) {
	lang, single := c.lang(r), 0
	p := chart.Plot{ID: "sizes", Title: c.say(r, "identity.sizes"), Says: c.say(r, "identity.sizes.says"), Across: c.say(r, "identity.records"), Series: []chart.Series{{Name: c.say(r, "identity.people")}},
		Words: chart.Words{Table: c.say(r, "chart.table"), Empty: c.say(r, "identity.sizes.empty"), Number: func(v float64) string { return page.Decimal(lang, v, 0) }}}
	if last != nil {
		for _, s := range last.Sizes {
			if s.Records == 1 {
				single = s.Clusters
				continue
			}
			p.Points = append(p.Points, strconv.Itoa(s.Records))
			p.Series[0].Values = append(p.Series[0].Values, float64(s.Clusters))
		}
	}
	return chart.Columns(p), single
}

// mostly names the fields that spoke for a pair, the strongest first.
func (c *Console) mostly(r *http.Request, parts []identity.Part) string {
	parts = slices.Clone(parts)
	slices.SortStableFunc(parts, func(a, b identity.Part) int { return cmp.Compare(b.Weight, a.Weight) })
	var names []string
	for _, p := range parts {
		if p.Weight > 0 && len(names) < 3 {
			names = append(names, c.partName(r, p))
		}
	}
	return strings.Join(names, ", ")
}

// partName is what a part of a score is called: the field, and how the two agree in it.
func (c *Console) partName(r *http.Request, p identity.Part) string {
	field := c.fieldName(r, p.Field)
	if p.Level == "" || p.Field == "relatives" {
		return field
	}
	return c.say(r, "identity.part", field, c.say(r, "agree."+strings.ReplaceAll(p.Level, " ", "-")))
}

// ownFields are the parts of a score that are no datum of the charter.
var ownFields = []string{"prior", "given name", "surname", "other names", "relatives"}

// fieldName is what a field is called: as the charter does, or as the page does where it is none of the charter's.
func (c *Console) fieldName(r *http.Request, name string) string {
	if slices.Contains(ownFields, name) {
		return c.say(r, "field."+strings.ReplaceAll(name, " ", "-"))
	}
	if d := c.cfg.Charter().Data[name]; d != nil {
		return d.Title(c.lang(r), &c.cfg.Charter().Brand)
	}
	return name
}

// pairPage is one pair: how its score comes about, and what may be decided.
type pairPage struct {
	stewardship.Pair
	Steward bool // may decide, and see values
	Fall    template.HTML
	Odds    string // the score in words
	Values  []beheld
	Looked  bool
	Reason  string // as it was filled in
	Refused string
	Next    string // the next pair that waits
	Waits   string // the word for why a sure pair waits; empty: it does not
}

// beheld is one thing that says who somebody is, of both.
type beheld struct{ Name, A, B string }

// Names are the two pseudonyms, short enough to tell them apart.
func (p pairPage) Names() [2]string { return [2]string{p.A.String(), p.B.String()} }

func (c *Console) pair(w http.ResponseWriter, r *http.Request) { c.showPair(w, r, nil) }

// showPair shows a pair. What more there is to it, such as a look, is done to the page first.
func (c *Console) showPair(w http.ResponseWriter, r *http.Request, more func(s Staff, p *pairPage) error) {
	s, ok := c.staff(w, r)
	if !ok {
		return
	}
	here := "/console/identity/" + url.PathEscape(r.PathValue("pair"))
	pair, err := c.cfg.Identity.Pair(r.Context(), r.PathValue("pair"))
	if err != nil {
		f := c.frame(r, s, "", nil)
		f.Path = "/console/identity"
		c.pages.Fail(w, r, f, err)
		return
	}
	p := pairPage{Pair: pair, Steward: s.Role == "privacy", Odds: c.odds(r, pair.Score), Fall: c.fall(r, pair)}
	if pair.State == vault.Proposed && pair.Band == stewardship.Sure && !pair.Together {
		p.Waits = "pair.waits.doubt"
		if c.cfg.Charter().Identity.Join != charter.JoinSure {
			p.Waits = "pair.waits.charter"
		}
	}
	status := http.StatusOK
	if more != nil {
		if err := more(s, &p); err != nil {
			code, _ := fault.Of(err)
			status, p.Refused = page.Status(code), c.pages.Sentence(c.lang(r), err)
			if code == fault.Internal {
				c.cfg.Log.ErrorContext(r.Context(), "a pair could not be looked at or decided", "error", err)
			}
		}
	}
	p.Next = c.nextPair(r.Context(), pair.ID)
	f := c.frame(r, s, c.say(r, "pair.title"), p)
	f.Charts, f.Path = true, here
	c.pages.Show(w, status, "pair", f)
}

// nextPair is where the next pair that waits is; empty: none does.
func (c *Console) nextPair(ctx context.Context, after string) string {
	waiting, err := c.cfg.Identity.Pairs(ctx, vault.Proposed, 0, pairsShown)
	if err != nil {
		return ""
	}
	at := slices.IndexFunc(waiting, func(p stewardship.Pair) bool { return p.ID == after })
	for i := range waiting {
		if next := waiting[(at+1+i)%len(waiting)]; next.ID != after {
			return "/console/identity/" + next.ID
		}
	}
	return ""
}

// by is who acts, for the record.
func by(s Staff, reason string) stewardship.By {
	return stewardship.By{Actor: s.Name, Role: s.Role, Team: s.Team, Reason: reason}
}

// lookAtPair shows what says who the two are: for the privacy team, with a reason, and on record.
func (c *Console) lookAtPair(w http.ResponseWriter, r *http.Request) {
	if !c.fromHere(w, r) {
		return
	}
	c.showPair(w, r, func(s Staff, p *pairPage) error {
		if s.Role != "privacy" {
			return errSteward
		}
		p.Reason = strings.TrimSpace(r.FormValue("reason"))
		if len(p.Reason) > 500 {
			return errLong
		}
		both, err := c.cfg.Identity.Look(r.Context(), p.Pair, by(s, p.Reason))
		if err != nil {
			return err
		}
		p.Looked = true
		p.Values = c.beheld(r, both)
		return nil
	})
}

// beheld lays the two beside each other, in the charter's order.
func (c *Console) beheld(r *http.Request, both [2][]stewardship.Known) []beheld {
	var out []beheld
	for _, name := range c.cfg.Charter().Order.Data {
		row, found := beheld{}, false
		for i := range both {
			for _, k := range both[i] {
				if k.Name == name {
					found = true
					if i == 0 {
						row.A = k.Value
					} else {
						row.B = k.Value
					}
				}
			}
		}
		if found {
			row.Name = c.cfg.Charter().Data[name].Title(c.lang(r), &c.cfg.Charter().Brand)
			out = append(out, row)
		}
	}
	return out
}

// decidePair keeps what a steward says of a pair.
func (c *Console) decidePair(w http.ResponseWriter, r *http.Request) {
	if !c.fromHere(w, r) {
		return
	}
	s, ok := c.staff(w, r)
	if !ok {
		return
	}
	here := "/console/identity/" + url.PathEscape(r.PathValue("pair"))
	act := func() error {
		if s.Role != "privacy" {
			return errSteward
		}
		p, err := c.cfg.Identity.Pair(r.Context(), r.PathValue("pair"))
		if err != nil {
			return err
		}
		switch r.FormValue("say") {
		case "same":
			return c.cfg.Identity.Same(r.Context(), p.A, p.B, by(s, ""))
		case "different":
			return c.cfg.Identity.Different(r.Context(), p.A, p.B, by(s, ""))
		case "later":
			here = cmp.Or(c.nextPair(r.Context(), p.ID), "/console/identity")
			return nil
		}
		return errDecision
	}
	if err := act(); err != nil {
		c.showPair(w, r, func(Staff, *pairPage) error { return err })
		return
	}
	http.Redirect(w, r, here, http.StatusSeeOther)
}

// mostForm is how many bytes a form may have that holds no charter.
const mostForm = 16 << 10

// fromHere reads a form, and refuses one that another site sent.
func (c *Console) fromHere(w http.ResponseWriter, r *http.Request) bool {
	err := c.cfg.Sessions.SameOrigin(r)
	if err == nil {
		err = page.ReadForm(w, r, mostForm)
	}
	if err != nil {
		c.pages.Fail(w, r, c.frame(r, Staff{}, "", nil), err)
		return false
	}
	return true
}

// fall draws how a pair's score comes about.
func (c *Console) fall(r *http.Request, p stewardship.Pair) template.HTML {
	lang := c.lang(r)
	f := chart.Fall{ID: "score", Title: c.say(r, "pair.score"), Says: c.say(r, "pair.score.says", page.Decimal(lang, p.Score, 2), c.say(r, "band."+string(p.Band))), Total: p.Score,
		Limits: []chart.Limit{{At: identity.Review, Name: c.say(r, "pair.limit.review")}, {At: identity.Sure, Name: c.say(r, "pair.limit.sure")}},
		Bands:  []string{c.say(r, "band.no"), c.say(r, "band.review"), c.say(r, "band.sure")},
		Part:   c.say(r, "pair.field"), Adds: c.say(r, "pair.adds"), So: c.say(r, "pair.sofar"),
		Words: chart.Words{Table: c.say(r, "chart.table"), Empty: c.say(r, "pair.unscored"), Sum: c.say(r, "pair.sum"), Number: func(v float64) string { return page.Decimal(lang, v, 2) }}}
	for _, part := range p.Parts {
		f.Parts = append(f.Parts, chart.Part{Name: c.partName(r, part), Value: part.Weight})
	}
	return chart.Waterfall(f)
}

// odds says a score in words: one in how many such pairs is wrong, or right.
func (c *Console) odds(r *http.Request, score float64) string {
	n := stewardship.OneIn(score)
	text := page.Decimal(c.lang(r), float64(n), 0)
	if score >= 0 {
		return c.say(r, "pair.odds.for", text)
	}
	return c.say(r, "pair.odds.against", text)
}
