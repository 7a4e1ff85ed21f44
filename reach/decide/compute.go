package decide

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/rapporthq/rapport/charter"
	"github.com/rapporthq/rapport/know/recommend"
	"github.com/rapporthq/rapport/person"
	"github.com/rapporthq/rapport/trust/tact"
	"github.com/rapporthq/rapport/trust/vault"
)

// Ask is one question to Compute. The zero Ask decides nothing.
type Ask struct {
	Moment  person.Moment // Placement names the placement
	Limit   int           // 0: as many items as the placement has
	Already []string      // items that this session was shown
	Exclude []string      // items of the other decisions of this call
	Ceiling person.Rung   // the most personal rung that may be used; its zero value is the least personal
	Veiled  bool          // who the person is was said by an address only: neither relationship nor holds are told to who asks
	Doubt   bool          // the person's record could not be read: protective rules remove all that they could
	Lowered string        // why, a word of Decision.Degraded
}

// Result is what Compute decided: the receipt, without a name yet, and what words may need besides.
type Result struct {
	Receipt Receipt
	Values  map[string]string // permitted facts that are reasons: words of this one answer may have them, receipts never do
	Permit  tact.Permit       // by which values were opened; the zero Permit when none were
}

// long is how long one "too personal" keeps a placement a rung lower.
const long = 90 * 24 * time.Hour

// Compute decides. It is a function of the house, the subject and the ask: it reads no clock, no store and no randomness,
// and what tact holds back cannot change what it gives but Receipt.Holds. A nil subject is nobody known.
//
// A part that fails lowers the rung and is named in Receipt.Degraded; doubt about protective facts removes.
func Compute(h *House, s Subject, a Ask) (res Result) {
	c := h.Charter
	p := c.Placements[a.Moment.Placement]
	r := &res.Receipt
	*r = Receipt{Placement: a.Moment.Placement, At: a.Moment.At, Now: a.Moment.Now, Charter: c.Position, Veiled: a.Veiled, Degraded: a.Lowered}
	if p == nil {
		r.Short = ShortFault
		return res
	}
	r.Asked = a.Limit
	if r.Asked <= 0 {
		r.Asked = max(p.Items, 1)
	}
	if h.ranker == nil {
		r.degrade(DegradedModel)
	} else {
		r.Model = h.ModelVersion
	}

	// What may be used, and what would be welcome.
	var heads Heads
	if s != nil {
		heads = s.Heads()
	}
	if heads.Unreadable > 0 {
		r.degrade(DegradedRecord)
	}
	j := tact.Judge(tact.Case{
		Series: &h.Series, Charter: c, Placement: p, Moment: a.Moment, Who: heads.Who, Facts: heads.Facts, History: heads.History,
		Choices: heads.Choices, Restricted: heads.Restricted, Feedback: heads.Feedback, Complaints: heads.Complaints,
	})
	r.Level, r.Holds = j.Level, j.Holds
	allowed := s != nil && !heads.Restricted && j.Standing.Allowed
	r.Remembered = allowed

	// The ladder: the most personal rung that all agree to. What is not needed for it is not opened.
	rung, heldOut := h.ladder(p, heads, j, a)
	var o *vault.Opened
	guard := protection{all: a.Doubt, doubt: doubted(j)}
	if permit, need := needed(c, j, rung); need && s != nil {
		var err error
		o, err = open(s, permit, a.Moment.Now)
		if err != nil {
			rung = min(rung, person.Context)
			r.degrade(DegradedRecord)
			guard.lose(j)
		} else {
			res.Permit = permit
			if len(o.Unreadable) > 0 {
				r.degrade(DegradedRecord)
			}
			guard.learn(c, j, o)
		}
	}

	// Rank, and say so when the rung had to be left.
	muted, unwanted := answers(heads.Feedback)
	hidden := h.hidden(res.Permit.Sensitive)
	var ranked *ranking
	var v values
	if rung == person.Individual && o != nil {
		v = permittedValues(c, h.counts, o.Facts, o.History)
		var done func()
		var err error
		ranked, done, err = h.tryIndividual(v, muted, hidden, p.Name, r.Asked, a.Moment.At)
		defer done()
		if err != nil {
			r.degrade(DegradedModel)
		}
	}
	if ranked == nil && rung >= person.Context {
		var err error
		if ranked, err = h.tryContext(a.Moment.At); err != nil {
			r.degrade(DegradedModel)
		}
	}
	if ranked == nil {
		ranked = h.generic()
	}
	r.Rung = ranked.rung
	r.Holdout = heldOut

	// Guard.
	shown := heads.Shown
	if !allowed {
		shown = nil // who has not said yes is remembered for the session only, by the caller
	}
	r.Spoken = spoken(shown, p.Name, a.Moment.Now)
	switch {
	case h.isQuiet(p, a.Moment):
		r.Short = ShortQuiet
		return res
	case r.Spoken.over(p.Caps):
		r.Short = ShortCap
		return res
	}
	before := seen{}
	before.add(MovedElsewhere, a.Exclude...)
	for id := range unwanted {
		before.add(MovedUnwanted, id)
	}
	before.add(MovedSeen, a.Already...)
	before.lately(p, shown, a.Moment.Now)
	gone := []bits{h.removed(guard, a.Moment.At, a.Moment.Now), hidden.items}
	picked, already := h.pick(ranked, r.Asked, gone, before, a.Moment.At, a.Moment.Now)
	scored := make([]recommend.Scored, len(picked))
	for i, k := range picked {
		scored[i] = k.scored
	}
	explained := ranked.explain(scored)
	r.Items = slices.Grow(r.Items, len(picked))
	for i, k := range picked {
		parts := explained[i]
		nameEvents(parts, v.events)
		r.Items = append(r.Items, Chosen{Item: k.scored.ID, Score: k.scored.Score, Parts: parts, Moves: k.moves})
		for _, part := range parts {
			if part.Kind == PartFact {
				if res.Values == nil {
					res.Values = map[string]string{}
				}
				res.Values[part.Name] = v.facts[part.Name]
			}
		}
	}
	if len(r.Items) < r.Asked {
		r.Short = ShortNothing
		if already {
			r.Short = ShortAlready
		}
	}
	return res
}

// ladder is the most personal rung that placement, relationship, standing, feedback and the caller allow, before anything
// is opened; and whether the person is held out of it.
func (h *House) ladder(p *charter.Placement, heads Heads, j tact.Judgement, a Ask) (person.Rung, bool) {
	rung := min(a.Ceiling, person.Individual)
	if rung > person.Context {
		if need, ok := p.Rungs[person.Individual]; !ok || j.Level.Level < need || !j.Standing.Allowed || heads.Restricted || h.ranker == nil || !somethingPassed(h, heads, j) {
			rung = h.cohort(p, j)
		}
	}
	if rung > person.Context && tooPersonal(heads.Feedback, p.Name, a.Moment.Now) {
		rung-- // from individual to cohort
		if rung == person.CohortRung {
			rung = h.cohort(p, j)
		}
	}
	if rung > person.Context && h.heldOut(p, heads.Who.Root) {
		return person.Context, true
	}
	return rung, false
}

// cohort is the place of the rung between individual and context: nobody is in a cohort yet, so it is the one below.
func (h *House) cohort(*charter.Placement, tact.Judgement) person.Rung { return person.Context }

// somethingPassed says whether any event, or any fact that is a column, passed both passes: an individual decision needs one.
func somethingPassed(h *House, heads Heads, j tact.Judgement) bool {
	for i := range j.HistoryReasons {
		if j.HistoryReasons[i] == "" && h.counts(heads.History[i].Name) {
			return true
		}
	}
	for i := range j.FactReasons {
		if d := h.Charter.Data[heads.Facts[i].Name]; j.FactReasons[i] == "" && d != nil && !d.Protective && d.Type.IsColumn() {
			return true
		}
	}
	return false
}

// tooPersonal says whether the person found the placement too personal lately, by the server's clock.
func tooPersonal(feedback []person.Feedback, placement string, now person.Instant) bool {
	for i := range feedback {
		f := &feedback[i]
		if f.Kind == person.TooPersonal && (f.Placement == placement || f.Placement == "") && f.At > now.Add(-long) {
			return true
		}
	}
	return false
}

// answers reads what the person said was not for them: the reasons that lose their weight, and the items not to be offered
// again. The latest answer to an item stands.
func answers(feedback []person.Feedback) (muted, items map[string]bool) {
	last := map[string]*person.Feedback{}
	for i := range feedback {
		f := &feedback[i]
		if f.Kind != person.NotForMe && f.Kind != person.Useful {
			continue
		}
		if l := last[f.Item]; l == nil || f.At > l.At || f.At == l.At && f.Kind == person.NotForMe {
			last[f.Item] = f
		}
	}
	muted, items = map[string]bool{}, map[string]bool{}
	for item, f := range last {
		if f.Kind != person.NotForMe {
			continue
		}
		items[item] = true
		for _, s := range f.Sources {
			muted[s] = true
		}
	}
	return muted, items
}

// doubted lists the protective facts that are there and may not be read for sure.
func doubted(j tact.Judgement) map[string]bool {
	d := map[string]bool{}
	for name, may := range j.Protective {
		if !may {
			d[name] = true
		}
	}
	return d
}

// needed is the permit for what the rung needs: all that passed, or the protective facts alone; and whether there is anything.
func needed(c *charter.Charter, j tact.Judgement, rung person.Rung) (tact.Permit, bool) {
	if rung == person.Individual {
		return j.Permit, true
	}
	var protective []string
	for name, may := range j.Protective {
		if may {
			protective = append(protective, name)
		}
	}
	slices.Sort(protective)
	return j.Permit.Narrow(protective...), len(protective) > 0
}

// lose is when nothing could be opened: every protective fact is in doubt.
func (p *protection) lose(j tact.Judgement) {
	for name := range j.Protective {
		p.doubt[name] = true
	}
}

// learn takes the protective facts that were opened. One that should have been there and was not is in doubt.
func (p *protection) learn(c *charter.Charter, j tact.Judgement, o *vault.Opened) {
	p.read = map[string][]string{}
	for i := range o.Facts {
		f := &o.Facts[i]
		if d := c.Data[f.Name]; d != nil && d.Protective && j.Protective[f.Name] {
			p.read[f.Name] = append(p.read[f.Name], f.Value)
		}
	}
	for name := range j.Protective {
		if len(p.read[name]) == 0 || slices.Contains(o.Unreadable, name) {
			p.doubt[name] = true
		}
	}
}

// open opens; a subject that panics could not be opened.
func open(s Subject, p tact.Permit, now person.Instant) (o *vault.Opened, err error) {
	defer func() {
		if x := recover(); x != nil {
			o, err = nil, fmt.Errorf("%w: it failed while it was opened", vault.ErrUnreadable)
		}
	}()
	o, err = s.Open(p, now)
	if err == nil && o == nil {
		err = vault.ErrUnreadable
	}
	return o, err
}

var errModel = errors.New("the model failed while it ranked")

// tryIndividual is individual; a model that panics gives nothing and says so.
func (h *House) tryIndividual(v values, muted map[string]bool, hidden *hides, placement string, limit int, at person.Instant) (r *ranking, done func(), err error) {
	done = func() {}
	defer func() {
		if x := recover(); x != nil {
			r, err = nil, errModel
		}
	}()
	r, done = h.individual(v, muted, hidden.allow, placement, limit, at)
	return r, done, nil
}

func (h *House) tryContext(at person.Instant) (r *ranking, err error) {
	defer func() {
		if x := recover(); x != nil {
			r, err = nil, errModel
		}
	}()
	return h.context(at), nil
}
