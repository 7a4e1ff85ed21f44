package decide

import (
	"encoding/json"
	"time"

	"github.com/rapporthq/rapport/charter"
	"github.com/rapporthq/rapport/person"
	"github.com/rapporthq/rapport/trust/relationship"
	"github.com/rapporthq/rapport/trust/tact"
)

// Reader is who reads a decision, and how.
type Reader struct {
	Language string
	Holds    bool              // sees what was held back
	Private  bool              // sees protective holds too, and what a decision by mere address knew: the person, the privacy team
	Values   map[string]string // values of facts that the words may have; nil: none
	Times    bool              // sees when it was decided
}

// Reader is how the principal reads: tokens that may explain see holds, the person and the privacy team see all of them.
func (p Principal) Reader(language string) Reader {
	return Reader{Language: language, Holds: p.Explain || p.Self || p.Privacy, Private: p.Self || p.Privacy}
}

// Read makes the words of a receipt, in the words of the charter by which it was decided and the names of today's
// catalogue. The same receipt, house and reader give the same decision.
func Read(r *Receipt, h *House, as Reader) Decision {
	c := h.Series.At(r.Charter)
	if c == nil {
		c = h.Charter
	}
	t, lang := tongueOf(as.Language, &c.Brand)
	place := h.place
	if c != h.Charter {
		place = c.Brand.Location()
	}
	d := Decision{
		ID: r.ID.String(), Placement: r.Placement, Rung: r.Rung.String(), Items: make([]Item, 0, len(r.Items)),
		Holdout: r.Holdout, Degraded: r.Degraded, Charter: r.Charter,
	}
	if r.Model != "" {
		d.Models = map[string]string{"recommend": r.Model}
	}
	if as.Times {
		d.At, d.Now = r.At.Time().Format(time.RFC3339Nano), r.Now.Time().Format(time.RFC3339Nano)
	}
	open := !r.Veiled || as.Private
	d.Relationship.Level = person.Stranger.String()
	if open {
		d.Relationship = Relationship{Level: r.Level.Level.String(), Because: because(c, r, lang)}
	}
	reasons := 0
	for i := range r.Items {
		reasons += len(r.Items[i].Parts)
	}
	say := teller{c: c, h: h, t: t, as: as, now: r.Now, place: place, reasons: make([]Reason, 0, reasons)}
	for i := range r.Items {
		d.Items = append(d.Items, say.item(&r.Items[i]))
	}
	if r.Short != "" {
		d.Short = &Short{r.Short, t.short(r.Short)}
	}
	if as.Holds && open {
		for _, hold := range r.Holds {
			if hold.Protective && !as.Private {
				continue
			}
			d.Held = append(d.Held, Held{Fact: hold.Name, Event: hold.Event, Reason: string(hold.Reason), Count: hold.Count, Text: tact.Text(c, hold, lang)})
		}
	}
	return d
}

// because is the sentence about the relationship.
func because(c *charter.Charter, r *Receipt, lang string) string {
	return relationship.Say(c, r.Level, r.At, lang).Because
}

func (t *tongue) short(reason string) string {
	switch reason {
	case ShortQuiet:
		return t.quiet
	case ShortCap:
		return t.cap
	case ShortAlready:
		return t.already
	case ShortFault:
		return t.fault
	}
	return t.nothing
}

// teller puts one decision's items into words.
type teller struct {
	c       *charter.Charter
	h       *House
	t       *tongue
	as      Reader
	now     person.Instant
	place   *time.Location
	reasons []Reason // of all items
}

func (s *teller) name(item string) string {
	if it := s.h.Shelf.Item(item); it != nil && it.Name != "" {
		return it.Name
	}
	return item
}

func (s *teller) item(c *Chosen) Item {
	from := len(s.reasons)
	for i := range c.Parts {
		p := &c.Parts[i]
		s.reasons = append(s.reasons, Reason{Text: s.reason(p), Weight: p.Weight, Source: p.Source()})
	}
	out := Item{ID: c.Item, Name: s.name(c.Item), Score: c.Score, Because: s.reasons[from:len(s.reasons):len(s.reasons)]}
	for _, m := range c.Moves {
		text := s.t.movedSeen
		switch m.Why {
		case MovedElsewhere:
			text = s.t.movedElsewhere
		case MovedUnwanted:
			text = s.t.movedUnwanted
		}
		out.Moved = append(out.Moved, Moved{text, m.From, m.To})
	}
	return out
}

func (s *teller) reason(p *Part) string {
	switch p.Kind {
	case PartTaken:
		return s.t.taken(verbOf(s.c, p.Of), s.event(p.Of), s.name(p.Name), p.Times, p.Last, s.now, s.place)
	case PartAgain:
		return s.t.taken(verbOf(s.c, p.Of), s.event(p.Of), s.t.thing, p.Times, p.Last, s.now, s.place)
	case PartTrend:
		return s.t.popular
	case PartFact:
		label := s.fact(p.Name)
		if v := s.as.Values[p.Name]; v != "" {
			return fill(s.t.factValue, "FACT", label, "VALUE", v)
		}
		return fill(s.t.fact, "FACT", label)
	case PartTerm:
		if term := s.c.Terms[p.Name]; term != nil {
			if text := term.Says.In(s.as.Language, &s.c.Brand); text != "" {
				return text
			}
		}
		return p.Name
	case PartCatalogue:
		return s.t.catalogue
	}
	return s.t.rest
}

func (s *teller) fact(name string) string {
	if d := s.c.Data[name]; d != nil {
		if l := d.Label.In(s.as.Language, &s.c.Brand); l != "" {
			return l
		}
	}
	return name
}

func (s *teller) event(name string) string {
	if e := s.c.Events[name]; e != nil {
		if l := e.Label.In(s.as.Language, &s.c.Brand); l != "" {
			return l
		}
	}
	return name
}

// Public is the decision as the page that asked gets it, without name, feedback token and holds, as bytes: what no held
// fact or event may change.
func (res *Result) Public(h *House, language string) []byte {
	r := res.Receipt
	r.ID = ID{}
	d := Read(&r, h, Reader{Language: language, Values: res.Values})
	b, err := json.Marshal(d)
	if err != nil { // a Decision is texts and finite numbers
		return []byte("unreadable: " + err.Error())
	}
	return b
}
