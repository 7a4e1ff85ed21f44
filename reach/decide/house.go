package decide

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/rapporthq/rapport/charter"
	"github.com/rapporthq/rapport/know/catalogue"
	"github.com/rapporthq/rapport/know/recommend"
	"github.com/rapporthq/rapport/person"
)

// House is an immutable snapshot of all that a decision depends on besides the person and the moment: charter,
// catalogue, model. It has asked every protective rule and every declared term about every item once, so that a
// decision asks bits. It is safe for many goroutines. Make it with NewHouse.
type House struct {
	Series       charter.Series
	Charter      *charter.Charter // the one in force
	Shelf        *catalogue.Shelf
	Learnt       *recommend.Model // nil: nothing was learnt yet
	Model        *recommend.Model // of it what rests on at least the charter's k people: all, unless the charter has asked for more since
	ModelVersion string

	ranker ranker // Model; nil without one
	salt   []byte // of the holdout's hash
	place  *time.Location
	counts func(event string) bool
	offer  bits           // items of the shelf that may be offered at all; Without takes some out
	marked []mark         // items that a sensitive rule marks, one for each rule
	guards []guard        // by protective rule
	terms  []declaredTerm // in the charter's order
	shelf  []int32        // the model's item → the shelf's, -1 when it is not on the shelf
	maker  *sets
	trend  trendCache

	shelved struct { // the shelf in the order of the generic rung, made when it is first asked for
		once  sync.Once
		order []recommend.Scored
	}
}

// mark is a sensitive rule with the items that it marks.
type mark struct {
	rule  *charter.SensitiveRule
	items bits
}

// guard is a protective rule with the items that it could remove. An item about which the rule could not be decided is
// one of them.
type guard struct {
	rule    *charter.ProtectRule
	removes bits
}

// declaredTerm is a term of the charter with the items to which it adds. An item about which it could not be decided
// is none of them.
type declaredTerm struct {
	*charter.Term
	items bits
}

// sets keeps what is hidden for each combination of sensitive rules that a person may permit.
type sets struct {
	mu sync.Mutex
	by map[string]*hides
}

// Parts are what NewHouse makes a House of.
type Parts struct {
	Series       charter.Series
	Shelf        *catalogue.Shelf
	Model        *recommend.Model // may be nil
	ModelVersion string
	Salt         []byte // the home's secret for the holdout: vault.Secret("holdout")
}

// ErrHouse says that a house cannot be made of these parts.
var ErrHouse = errors.New("a house needs a charter in force and a catalogue, however small: give both")

// NewHouse makes the snapshot. It costs one question to each rule for each item of the catalogue, so make one when
// charter, catalogue or model change, and not for a decision.
func NewHouse(p Parts) (*House, error) {
	c := p.Series.Current()
	if c == nil || p.Shelf == nil {
		return nil, ErrHouse
	}
	items := p.Shelf.All()
	h := &House{
		Series: p.Series, Charter: c, Shelf: p.Shelf, Learnt: p.Model, Model: p.Model.AtLeast(c.K), ModelVersion: p.ModelVersion,
		salt: slices.Clone(p.Salt), place: c.Brand.Location(), counts: recommend.Counts(c),
		offer: newBits(len(items)), maker: &sets{by: map[string]*hides{}},
	}
	for i := range items {
		h.offer.set(i)
	}
	for _, r := range c.Sensitive {
		m := mark{r, newBits(len(items))}
		for i := range items {
			if slices.Contains(p.Shelf.Sensitive(items[i].ID), r.ID) {
				m.items.set(i)
			}
		}
		h.marked = append(h.marked, m)
	}
	for _, r := range c.Protect {
		g := guard{r, newBits(len(items))}
		for i := range items {
			if items[i].Bare { // nothing is known of it but its id: the rule cannot say that it is harmless
				g.removes.set(i)
			} else if yes, err := matches(r.Remove, &items[i].Item); yes || err != nil {
				g.removes.set(i)
			}
		}
		h.guards = append(h.guards, g)
	}
	for _, name := range c.Order.Terms {
		t := c.Terms[name]
		if t == nil || t.Items == nil || t.When == nil {
			continue
		}
		d := declaredTerm{t, newBits(len(items))}
		for i := range items {
			if yes, err := matches(t.Items, &items[i].Item); yes && err == nil {
				d.items.set(i)
			}
		}
		h.terms = append(h.terms, d)
	}
	if h.Model != nil {
		h.rankBy(h.Model)
	}
	return h, nil
}

// ranker is what a decision needs of a recommend.Model; tests break one on purpose.
type ranker interface {
	Items() int
	ID(item int) string
	Set(in func(id string) bool) *recommend.Set
	Rank(dst []recommend.Scored, in recommend.Input) []recommend.Scored
	Reasons(in recommend.Input, items []string, n int) []recommend.Reasons
	Leave(room *recommend.Room)
	Trend(at person.Instant) []recommend.Scored
	Neighbours(item string) []recommend.Neighbour
}

// rankBy puts the ranker's items beside the shelf's.
func (h *House) rankBy(r ranker) {
	h.ranker, h.maker = r, &sets{by: map[string]*hides{}}
	h.shelf = make([]int32, r.Items())
	for i := range h.shelf {
		h.shelf[i] = int32(h.Shelf.Index(r.ID(i)))
	}
}

// matches asks a rule about an item; a rule that panics could not be decided.
func matches(r *charter.ItemRule, it *charter.Item) (yes bool, err error) {
	defer func() {
		if p := recover(); p != nil {
			yes, err = false, errRulePanic
		}
	}()
	if r == nil {
		return false, errNoRule
	}
	return r.Matches(it)
}

var (
	errRulePanic = errors.New("a rule failed while it ran")
	errNoRule    = errors.New("the rule is missing")
)

// Without is the house with a catalogue that does not offer these items: their names are still known, so that history
// about them can be named. It is what a protective rule's decision must equal.
func (h *House) Without(removed map[string]bool) *House {
	w := h.copy()
	w.offer = slices.Clone(h.offer)
	for id := range removed {
		if i := h.Shelf.Index(id); i >= 0 {
			w.offer.clear(i)
		}
	}
	return w
}

// WithoutModel is the house before anything was learnt.
func (h *House) WithoutModel() *House {
	w := h.copy()
	w.Learnt, w.Model, w.ranker, w.ModelVersion, w.shelf, w.maker = nil, nil, nil, "", nil, &sets{by: map[string]*hides{}}
	return w
}

func (h *House) copy() *House {
	return &House{
		Series: h.Series, Charter: h.Charter, Shelf: h.Shelf, Learnt: h.Learnt, Model: h.Model, ranker: h.ranker, ModelVersion: h.ModelVersion, salt: h.salt,
		place: h.place, counts: h.counts, offer: h.offer, marked: h.marked, guards: h.guards, terms: h.terms, shelf: h.shelf,
		maker: h.maker,
	}
}

// Removable lists the items that the protective rule of that id could remove, by id.
func (h *House) Removable(rule string) []string {
	var ids []string
	for _, g := range h.guards {
		if g.rule.ID != rule {
			continue
		}
		for i := range h.Shelf.All() {
			if g.removes.has(i) {
				ids = append(ids, h.Shelf.All()[i].ID)
			}
		}
	}
	return ids
}

// hides is what one combination of permitted sensitive rules leaves out, for the shelf and for the model.
type hides struct {
	items bits           // may neither be offered nor be a reason; nil when there are none
	allow *recommend.Set // the model's items that may; nil without a model
}

// hidden gives what is left out for who permits these sensitive rules: the items that a rule marks which is not permitted.
func (h *House) hidden(permitted func(rule string) bool) *hides {
	key := make([]byte, len(h.marked), 32)
	for i, m := range h.marked {
		if permitted(m.rule.ID) {
			key[i] = 1
		}
	}
	h.maker.mu.Lock()
	defer h.maker.mu.Unlock()
	if s, ok := h.maker.by[string(key)]; ok {
		return s
	}
	s := &hides{}
	all := true
	for i, m := range h.marked {
		if key[i] == 1 {
			continue
		}
		if all {
			all, s.items = false, newBits(h.Shelf.Len())
		}
		s.items.or(m.items)
	}
	if h.ranker != nil {
		s.allow = h.ranker.Set(func(id string) bool {
			i := h.Shelf.Index(id)
			if i < 0 { // not on the shelf: marked by every rule
				return all
			}
			return !s.items.has(i)
		})
	}
	h.maker.by[string(key)] = s
	return s
}

// trendCache keeps the context rung's ranking of the last time for which it was asked: it depends on nobody.
type trendCache struct {
	last atomic.Pointer[trendAt]
}

type trendAt struct {
	at     person.Instant
	ranked []recommend.Scored
}

// trending is the model's trend in the hour of that time, best first: what is popular does not turn by the second, and so everybody who
// asks within the hour is given the same work. Do not change it.
func (h *House) trending(at person.Instant) []recommend.Scored {
	at -= at % person.Instant(time.Hour.Microseconds())
	if t := h.trend.last.Load(); t != nil && t.at == at {
		return t.ranked
	}
	t := &trendAt{at, h.ranker.Trend(at)}
	h.trend.last.Store(t)
	return t.ranked
}

// Live holds the house in force and follows the charter. Make it with NewLive.
type Live struct {
	now     atomic.Pointer[House]
	refresh func(ctx context.Context, charter int) (*House, error)
	mu      sync.Mutex // one refresh at a time
}

// NewLive starts with a house. refresh makes a house whose charter is at that position or later; it may be nil, then
// nothing is followed and a newer charter lowers every decision until Set brings it.
func NewLive(h *House, refresh func(ctx context.Context, charter int) (*House, error)) *Live {
	l := &Live{refresh: refresh}
	l.now.Store(h)
	return l
}

// House is the house in force; nil before there is one.
func (l *Live) House() *House { return l.now.Load() }

// Set puts a house in force, unless it has an older charter than the one there: a charter is never taken back.
func (l *Live) Set(h *House) {
	for {
		old := l.now.Load()
		if old != nil && h.Charter.Position < old.Charter.Position {
			return
		}
		if l.now.CompareAndSwap(old, h) {
			return
		}
	}
}

// Follow is the house in force, made anew first when its charter is older than that position. An error means that the
// newer charter could not be had: nothing may be decided by the older one that the newer might forbid.
func (l *Live) Follow(ctx context.Context, position int) (*House, error) {
	h := l.House()
	if h != nil && h.Charter.Position >= position {
		return h, nil
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	h = l.House()
	if h != nil && h.Charter.Position >= position {
		return h, nil
	}
	if l.refresh == nil {
		return h, fmt.Errorf("%w: %d is in force", errOlder, position)
	}
	fresh, err := l.refresh(ctx, position)
	if err != nil {
		return h, fmt.Errorf("%w: %w", errOlder, err)
	}
	if fresh == nil || fresh.Charter.Position < position {
		return h, errOlder
	}
	l.Set(fresh)
	return l.House(), nil
}

var errOlder = errors.New("this process has an older charter than the one in force")

// bits is a set of places on the shelf. The nil set is empty.
type bits []uint64

func newBits(n int) bits { return make(bits, (n+63)/64) }

func (b bits) set(i int)   { b[i>>6] |= 1 << (i & 63) }
func (b bits) clear(i int) { b[i>>6] &^= 1 << (i & 63) }

func (b bits) has(i int) bool { return i >= 0 && i>>6 < len(b) && b[i>>6]&(1<<(i&63)) != 0 }

func (b bits) or(o bits) {
	for i := range o {
		b[i] |= o[i]
	}
}
