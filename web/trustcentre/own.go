package trustcentre

import (
	"context"
	"errors"
	"slices"
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

// Rows is the ledger's store, as far as one person's looks go.
type Rows interface {
	Looks(ctx context.Context, of []person.ID, limit int) ([]ledger.Row, error)
}

// Proofs is the ledger, as far as one person may take it away.
type Proofs interface {
	Extract(ctx context.Context, of []person.ID, most int, reason func(ledger.Row) string) (ledger.Extract, error)
	Public() string
}

// Corrections is the gate, as far as the person's own word goes.
type Corrections interface {
	Correct(ctx context.Context, id person.ID, name, text string) error
}

// Own is the trust centre's Self over a home.
type Own struct {
	Acts    *self.Acts
	Gate    Corrections
	Decider *decide.Decider
	Rows    Rows
	Proofs  Proofs
}

// How much a page shows. Older decisions are on further pages; older looks are in the file that the person can take away.
const (
	mostDecisions = 10
	mostPages     = 10_000 // of them
	mostLooks     = 1000
	mostRecent    = 3
	mostItems     = 8
)

var errSession = fault.New(fault.NotFound, "Nothing is kept under this session any more; sign in again.")

// one is a person as loaded for themselves.
type one struct {
	record *vault.Record
	house  *decide.House // that the newest charter asks for
	permit tact.Permit
	now    person.Instant
}

// load reads the person once, for all that a page shows of them.
func (o *Own) load(ctx context.Context, id person.ID) (*one, error) {
	fail := func(err error) (*one, error) {
		if errors.Is(err, vault.ErrNotFound) {
			return nil, errSession
		}
		return nil, fault.Wrap(fault.Unavailable, "What we know cannot be read just now; try again in a moment.", err)
	}
	loaded, err := o.Acts.Store.Load(ctx, id)
	if err != nil {
		return fail(err)
	}
	house, err := o.Decider.Live().Follow(ctx, loaded.Charter)
	if err != nil || house == nil {
		return fail(err)
	}
	r, err := o.Acts.Vault.Record(loaded.Near(), o.Acts.Streams, &house.Series, house.Shelf.Sensitive)
	if err != nil {
		return fail(err)
	}
	now := o.Acts.Clock()
	return &one{r, house, tact.ForSelf(r.Who, house.Charter.Position, now.Add(time.Minute)), now}, nil
}

// View gathers everything that is known about the person of this pseudonym.
func (o *Own) View(ctx context.Context, id person.ID, lang string) (View, error) {
	p, err := o.load(ctx, id)
	if err != nil {
		return View{}, err
	}
	return p.view(lang)
}

// Overview gathers both at once.
func (o *Own) Overview(ctx context.Context, id person.ID, lang string) (View, Looks, error) {
	p, err := o.load(ctx, id)
	if err != nil {
		return View{}, Looks{}, err
	}
	v, err := p.view(lang)
	if err != nil {
		return View{}, Looks{}, err
	}
	l, err := o.lookedAt(ctx, p, lang)
	return v, l, err
}

func (p *one) view(lang string) (View, error) {
	r, house, permit, now := p.record, p.house, p.permit, p.now
	opened, err := r.Open(permit, now)
	if err != nil {
		return View{}, err
	}
	c := house.Charter
	judged := judgements(house, r, now, lang)
	v := View{Restricted: r.Restricted, Facts: together(c, facts(c, r, opened, judged, now, lang), lang), Gone: gone(c, r, lang), Wishes: wishes(c, r, now, lang), History: history(house, opened, lang),
		Word: relationship.Word(person.Stranger, lang)}
	evidence := func(i int) consent.Evidence {
		e, err := r.Evidence(permit, now, i)
		if err != nil { // the choice itself is what counts
			return consent.Evidence{}
		}
		return e
	}
	v.Choices = choices(c, r.Who, r.Choices, evidence, r.Restricted, now, lang)
	if len(judged) > 0 {
		st := judged[0].Level
		v.Level, v.Word, v.Because = st.Level, relationship.Word(st.Level, lang), st.Because
		v.Ways = relationship.Ways(c, st, now, lang)
	}
	for l := person.Stranger; l <= person.Confidant; l++ {
		v.Steps = append(v.Steps, Step{Word: relationship.Word(l, lang), Here: l == v.Level, Past: l < v.Level})
	}
	v.told = append(append(v.told, r.Facts...), r.History...)
	return v, nil
}

// Shown is told: from here on none of it is a surprise. When that cannot be written down they are simply told again.
func (o *Own) Shown(ctx context.Context, id person.ID, v View) { _ = o.Acts.Told(ctx, id, v.told) }

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

// Decisions are a page of the person's, newest first.
func (o *Own) Decisions(ctx context.Context, id person.ID, from int, lang string) ([]decide.Decision, bool, error) {
	return o.Decider.Owned(ctx, id, from, mostDecisions, lang)
}

// Decision is one of the person's own.
func (o *Own) Decision(ctx context.Context, id person.ID, decision, lang string) (decide.Decision, error) {
	d, err := decide.ParseID(decision)
	if err != nil {
		return decide.Decision{}, errDecision
	}
	return o.Decider.Own(ctx, id, d, lang)
}

var errDecision = fault.New(fault.NotFound, "That decision cannot be found; look at the page again.")

// reason opens the words of a look's reason. One that cannot be opened is left out: the look itself is what must be seen.
func (o *Own) reason(p *one, row ledger.Row) string {
	var text string
	if row.Of.IsZero() {
		text, _ = o.Acts.Vault.PopulationReason(p.permit, p.record.Who.Root, p.now, row)
	} else {
		text, _ = p.record.Reason(p.permit, p.now, row)
	}
	return text
}

// Looks are who has looked, within what the ledger keeps.
func (o *Own) Looks(ctx context.Context, id person.ID, lang string) (Looks, error) {
	p, err := o.load(ctx, id)
	if err != nil {
		return Looks{}, err
	}
	return o.lookedAt(ctx, p, lang)
}

func (o *Own) lookedAt(ctx context.Context, p *one, lang string) (Looks, error) {
	rows, err := o.Rows.Looks(ctx, p.record.Who.All(), mostLooks)
	if err != nil {
		return Looks{}, fault.Wrap(fault.Unavailable, "Who has looked cannot be read just now; try again in a moment.", err)
	}
	v := looks(p.house.Charter, rows, func(row ledger.Row) string { return o.reason(p, row) }, p.now, lang)
	v.Key = o.Proofs.Public()
	return v, nil
}

// Extract is the person's looks with their proofs.
func (o *Own) Extract(ctx context.Context, id person.ID) (ledger.Extract, error) {
	p, err := o.load(ctx, id)
	if err != nil {
		return ledger.Extract{}, err
	}
	x, err := o.Proofs.Extract(ctx, p.record.Who.All(), mostLooks, func(row ledger.Row) string { return o.reason(p, row) })
	if err != nil {
		return ledger.Extract{}, fault.Wrap(fault.Unavailable, "The proofs cannot be made just now; try again in a moment.", err)
	}
	return x, nil
}

// Choose records a yes or a no with the words that were shown.
func (o *Own) Choose(ctx context.Context, id person.ID, purpose string, yes bool, shown consent.Evidence) error {
	return o.Acts.Choose(ctx, id, purpose, yes, shown)
}

// Correct puts the person's own word in the place of a fact.
func (o *Own) Correct(ctx context.Context, id person.ID, fact, value string) error {
	return o.Gate.Correct(ctx, id, fact, value)
}

// Judge records that the person says a value is right or wrong.
func (o *Own) Judge(ctx context.Context, id person.ID, fact, value string, right bool) error {
	return o.Acts.Judge(ctx, id, fact, value, right)
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
		return errDecision
	}
	_, err = o.Decider.Feedback(ctx, decide.Answer{Decision: d, Item: item, Kind: kind, By: id})
	return err
}

// correctable says whether a person may put a fact of this kind in their own words: the rule of the gate.
func correctable(d *charter.Datum) bool {
	return d != nil && d.Kind != charter.Trait && (len(d.Learnt) == 0 || slices.Contains(d.Learnt, person.Declared))
}
