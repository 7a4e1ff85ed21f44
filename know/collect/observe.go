package collect

import (
	"sync"

	"github.com/rapporthq/rapport/charter/draft"
)

// Observer notes the names and shapes of what a gate refuses as unplanned, for as long as it is attached. It keeps no value, and no name that could be
// somebody's own. It is safe for many goroutines.
type Observer struct {
	mu       sync.Mutex
	messages int
	arrived  *draft.Table
	scan     scanner
}

// Observe attaches an observer to the gate until stop is called. One at a time: a later one takes the place of the one before.
func (g *Gate) Observe() (o *Observer, stop func()) {
	o = &Observer{arrived: draft.Arrivals()}
	g.observer.Store(o)
	return o, func() { g.observer.CompareAndSwap(o, nil) }
}

// Arrived gives what was noted and of how many messages. Call it after stop.
func (o *Observer) Arrived() (t *draft.Table, messages int) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.arrived, o.messages
}

// watched shows a batch that was accepted to who observes.
func (g *Gate) watched(a Arrival) {
	o := g.observer.Load()
	if o == nil || a.Dry {
		return
	}
	series := g.parts.Charters()
	if c := series.Current(); c != nil {
		if p := g.planOf(c, a.Source); p != nil {
			o.note(p, a.Batch)
		}
	}
}

// note looks at the messages of a batch that has been judged.
func (o *Observer) note(p *plan, b *Batch) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for i := range b.Messages {
		m := &b.Messages[i]
		if m.defect != sound {
			continue
		}
		o.messages++
		switch m.Type {
		case Identify:
			o.each(m.traits, func(name string, raw []byte) {
				if p.facts[name] == nil && (!m.flat || !envelope(name)) {
					o.arrived.Fact(name, draft.JSONShape(raw))
				}
			})
		case Track, Page, Screen:
			ep := p.events[m.Event]
			if ep == nil {
				o.arrived.Event(m.Event)
			}
			o.each(m.properties, func(name string, raw []byte) {
				if ep != nil {
					if _, planned := ep.index[name]; planned {
						return
					}
				}
				o.arrived.Property(m.Event, name, draft.JSONShape(raw))
			})
		}
	}
}

func (o *Observer) each(raw []byte, f func(name string, raw []byte)) {
	if raw == nil {
		return
	}
	s := &o.scan
	s.data, s.pos, s.defect, s.names = raw, 0, sound, s.names[:0]
	_ = s.object(0, func(name []byte, depth int) error {
		v, err := s.value(depth)
		if err == nil && len(v) > 0 && v[0] != 'n' {
			f(string(name), v)
		}
		return err
	})
	s.data = nil
}
