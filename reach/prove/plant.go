package prove

import (
	_ "embed"
	"maps"
	"slices"
	"strings"
	"sync"

	"github.com/rapporthq/rapport/charter"
	"github.com/rapporthq/rapport/know/catalogue"
	"github.com/rapporthq/rapport/know/recommend"
	"github.com/rapporthq/rapport/person"
	"github.com/rapporthq/rapport/reach/decide"
	"github.com/rapporthq/rapport/trust/consent"
	"github.com/rapporthq/rapport/trust/tact"
)

// What is planted: a charter of one placement at which everything of a person is welcome but one thing, held for one reason. Brand, floor,
// relationship and sensitive items are the home's own, and so are model, catalogue and the history of the people who are
// given the thing.

//go:embed planted.yaml
var plantedYAML []byte

var plantedCharter = sync.OnceValues(func() (*charter.Charter, error) {
	c, problems := charter.Parse(plantedYAML)
	return c, problems.Err()
})

const (
	plantedPlace   = "planted"
	plantedPurpose = "planted"
	plantedEvent   = "planted event"
	before, later  = 1, 2 // the places of the planted charters
	plantedShelf   = 400  // items that the planted house offers
	plantedPeople  = 8    // who are given the held things
)

// garden is where things are planted: both worlds, and what an event looks like.
type garden struct {
	world
	event string // the home's event that says what people took, empty when it has none
	items []string
}

// plant gives people one held thing after another, and tries them.
func (p *Prover) plant(f *findings) {
	g, err := p.garden()
	if err != nil {
		return // every reason that the home does not meet is then missing, and fails
	}
	tried := 0
	for _, m := range p.snap.People {
		base := p.planter(g, m)
		if base == nil {
			continue
		}
		for _, reason := range reasons {
			for _, with := range p.sowings(g, base, reason) {
				p.tryPlanted(g, with, reason, f)
			}
		}
		if tried++; tried == plantedPeople {
			return
		}
	}
}

// garden makes the two houses. Few items do: a house asks its rules about each.
func (p *Prover) garden() (*garden, error) {
	parsed, err := plantedCharter()
	if err != nil {
		return nil, err
	}
	c := parsed.Placed(later, 0)
	c.Data, c.Events = maps.Clone(c.Data), maps.Clone(c.Events)
	own := p.snap.House.Charter
	c.Brand, c.K, c.Relationship, c.Sensitive = own.Brand, own.K, own.Relationship, own.Sensitive
	c.Relationship.Confidant = nil // so that nobody gets there: it is always too soon for what asks for it
	useless := *c.Data["planted_useless"]
	useless.Benefit = nil
	c.Data[useless.Name] = &useless
	g := &garden{}
	counts := recommend.Counts(own)
	for _, name := range own.Order.Events {
		if counts(name) {
			g.event = name
			break
		}
	}
	if g.event != "" {
		for _, reason := range append([]tact.Reason{""}, eventReasons...) {
			e := *own.Events[g.event]
			e.Name, e.Level, e.Retain = plantedName(reason), person.Stranger, charter.Span{Years: 5}
			e.Purposes = []string{plantedPurpose}
			switch reason {
			case "":
				e.Retain = forever
			case tact.TooSoon:
				e.Level = person.Confidant
			}
			c.Events[e.Name] = &e
		}
	}
	offered := p.offered()
	for i := range offered {
		g.items = append(g.items, offered[i].ID)
	}
	old := c.Placed(before, 0)
	old.Data, old.Events = maps.Clone(c.Data), maps.Clone(c.Events)
	reworded := *c.Data["planted_reworded"]
	reworded.Purposes = []string{"planted_other"}
	old.Data[reworded.Name] = &reworded
	if e := c.Events[plantedName(tact.Purpose)]; e != nil {
		o := *e
		o.Purposes = []string{"planted_other"}
		old.Events[o.Name] = &o
	}
	now := c.Placed(later, 0)
	now.Data, now.Events = maps.Clone(c.Data), maps.Clone(c.Events)
	delete(now.Data, "planted_gone")
	delete(now.Events, plantedName(tact.NotChartered))

	parts := decide.Parts{Series: charter.NewSeries(old, now), Shelf: catalogue.NewShelf(offered, now, 1), Model: p.snap.House.Model, ModelVersion: p.snap.House.ModelVersion}
	if g.house, err = decide.NewHouse(parts); err != nil {
		return nil, err
	}
	g.twin, err = openHanded(g.house, c)
	return g, err
}

// offered is what the planted house offers: what most people take, else the first of the shelf.
func (p *Prover) offered() []catalogue.Item {
	var out []catalogue.Item
	shelf := p.snap.House.Shelf
	if model := p.snap.House.Model; model != nil {
		for _, s := range model.Generic() {
			if it := shelf.Item(s.ID); it != nil && len(out) < plantedShelf {
				out = append(out, *it)
			}
		}
	}
	if len(out) == 0 {
		out = slices.Clone(shelf.All()[:min(shelf.Len(), plantedShelf)])
	}
	for i := range out {
		out[i].Stock, out[i].From, out[i].Until = nil, 0, 0
	}
	return out
}

func plantedName(reason tact.Reason) string {
	return strings.TrimSpace(plantedEvent + " " + string(reason))
}

// planter is the person with nothing but what they took, permitted: nil when they took nothing.
func (p *Prover) planter(g *garden, m *decide.Made) *decide.Made {
	b := p.unheld(m, g.house.Charter)
	b.Facts, b.Marks = nil, g.house.Shelf.Sensitive
	b.History = slices.DeleteFunc(b.History, func(e person.Event) bool { return e.Name != g.event })
	for i := range b.History {
		b.History[i].Name = plantedEvent
	}
	if len(b.History) == 0 {
		return nil
	}
	return b
}

// eventReasons are those for which an event can be held: it is of no special category, and needs no benefit of its own.
var eventReasons = []tact.Reason{tact.Restricted, tact.NotChartered, tact.Purpose, tact.Permission, tact.Expired, tact.Doubtful, tact.TooSoon, tact.Surprising}

// maskReasons are those for which one source's word can be held while another's on the same thing is not.
var maskReasons = []tact.Reason{tact.Purpose, tact.Permission, tact.Expired, tact.Doubtful, tact.Surprising}

// sown is a person with one held thing, and where it is.
type sown struct {
	*decide.Made
	fact  int    // its place among the facts, -1 for none
	other string // what else it could say
	event []int  // the places of the events
	note  string
}

// sowings are the ways in which the person comes to have something that is held for the reason: as a fact, as events, and where that is a
// different thing, because of whom they are.
func (p *Prover) sowings(g *garden, base *decide.Made, reason tact.Reason) []sown {
	c := g.house.Charter
	var out []sown
	name := map[tact.Reason]string{
		tact.NotChartered: "planted_gone", tact.Purpose: "planted_reworded", tact.Doubtful: "planted_sure", tact.Sensitive: "planted_special",
		tact.TooSoon: "planted_late", tact.NoBenefit: "planted_useless",
	}[reason]
	if name == "" {
		name = "planted_plain"
	}
	m := copyOf(base)
	m.Facts = []person.Fact{{Head: p.fresh(m.Who.Root, person.Head{Name: name, Channel: "web"}, c), Value: "a"}}
	p.tilt(m, &m.Facts[0].Head, reason)
	out = append(out, sown{Made: m, fact: 0, other: "b", note: "a planted fact"})
	if reason == tact.Permission { // nothing serves a purpose that was not said yes to
		m := copyOf(base)
		m.Facts = []person.Fact{{Head: p.fresh(m.Who.Root, person.Head{Name: name, Channel: "web"}, c), Value: "a"}}
		m.Choices = slices.DeleteFunc(m.Choices, func(ch consent.Choice) bool { return ch.Purpose == plantedPurpose })
		out = append(out, sown{Made: m, fact: 0, other: "b", note: "a planted fact"})
	}
	if slices.Contains(maskReasons, reason) { // another source says something else of the same thing, and may be used
		m := copyOf(m)
		ok := p.fresh(m.Who.Root, person.Head{Name: name, Channel: "web"}, c)
		ok.Verified = false // it would come second, were the other not held
		m.Facts[0].Value = "b"
		m.Facts = append(m.Facts, person.Fact{Head: ok, Value: "a"})
		out = append(out, sown{Made: m, fact: 0, other: "a", note: "a planted fact beside a permitted one"})
	}
	if !slices.Contains(eventReasons, reason) || len(g.items) == 0 {
		return out
	}
	m = copyOf(base)
	r := p.random("plant "+string(reason), m.Who.Root, plantedPlace)
	var at []int
	for day := 12; day > 0; day-- { // on days enough to lift a relationship
		h := p.fresh(m.Who.Root, person.Head{Name: plantedName(reason), Event: true, Channel: "web"}, c)
		h.Learnt = person.Observed
		h.At = charter.Span{Days: 7 * day}.Before(p.snap.Now)
		h.Received = h.At
		p.tilt(m, &h, reason)
		e := person.Event{Head: h, ID: person.EventID{'p', 'l', 'a', 'n', 't', byte(day)}}
		for range 3 {
			e.Lines = append(e.Lines, person.Line{Item: g.items[r.IntN(len(g.items))], Quantity: 1})
		}
		at = append(at, len(m.History))
		m.History = append(m.History, e)
	}
	return append(out, sown{Made: m, fact: -1, event: at, note: "planted events"})
}

// tilt is the one thing that is held against the head.
func (p *Prover) tilt(m *decide.Made, h *person.Head, reason tact.Reason) {
	switch reason {
	case tact.Restricted:
		m.Restricted = true
	case tact.Purpose: // it came under words that did not name the purpose, and nobody has chosen since
		h.Charter = before
		for i := range m.Choices {
			m.Choices[i].Charter = before
		}
	case tact.Permission:
		h.Source = "planted_elsewhere"
	case tact.Expired:
		h.At = charter.Span{Years: 6}.Before(h.At)
		h.Received = h.At
	case tact.Doubtful:
		if h.Quality = 0.2; h.Event {
			h.Of = person.ID{'n', 'o', 'b', 'o', 'd', 'y'}
		}
	case tact.Sensitive:
		for i := range m.Choices {
			m.Choices[i].Explicit = false
		}
	case tact.Surprising:
		h.Learnt, h.Told = person.Acquired, false
		if h.Event {
			h.Learnt, h.Source, h.Channel = person.Observed, "planted_phone", "call-centre"
		}
	}
}

// tryPlanted tries the planted thing alone, if tact names its reason.
func (p *Prover) tryPlanted(g *garden, s sown, reason tact.Reason, f *findings) {
	a := p.ask(g.house, plantedPlace)
	j := p.judged(g.house, s.Made, a)
	var changes []change
	if s.fact >= 0 {
		if j.FactReasons[s.fact] != reason || len(j.FactReasons) > 1 && j.FactReasons[1-s.fact] != "" {
			return
		}
		changes = append(changes,
			change{s.note, reason, func(m *decide.Made) { m.Facts = withoutFacts(m.Facts, map[int]bool{s.fact: true}) }},
			change{s.note, reason, func(m *decide.Made) { m.Facts[s.fact].Value = "b" }})
	} else {
		gone := map[int]bool{}
		for _, i := range s.event {
			if j.HistoryReasons[i] != reason {
				return
			}
			gone[i] = true
		}
		b := changesOf(p, g.house, s.Made)
		changes = append(changes,
			change{s.note, reason, func(m *decide.Made) { m.History = without(m.History, gone) }},
			change{s.note, reason, b.otherItems(s.event)})
	}
	p.try(g.world, s.Made, p.unheld(s.Made, g.twin.Charter), a, changes, f, f.planted)
}

func changesOf(p *Prover, h *decide.House, m *decide.Made) *changes {
	return &changes{r: p.random("planted", m.Who.Root, plantedPlace), m: m, shelf: h}
}
