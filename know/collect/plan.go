package collect

import (
	"context"
	"strings"
	"sync/atomic"

	"github.com/rapporthq/rapport/charter"
	"github.com/rapporthq/rapport/trust/vault"
)

// plan is what one charter lets one source do, worked out once.
type plan struct {
	charter *charter.Charter
	source  *charter.Source
	server  bool
	events  map[string]*eventPlan
	facts   map[string]*factPlan
	parts   []inference // from parts of an identify message
}

type eventPlan struct {
	event    *charter.Event
	purposes []string // the event's that are the source's too
	fields   []fieldPlan
	index    map[string]int
	stream   atomic.Uint64 // number of the stream plus one; 0 while nobody asked for it
}

type fieldPlan struct {
	property *charter.Property
	from     []string // path in the message, nil when under properties
}

type factPlan struct {
	datum    *charter.Datum
	purposes []string // the datum's that are the source's too; none when the source may not supply it
	infers   []inference
}

type planKey struct {
	charter *charter.Charter
	source  string
}

// planOf gives the plan of a source under a charter, nil when the charter does not name the source.
func (g *Gate) planOf(c *charter.Charter, source string) *plan {
	key := planKey{c, source}
	if p, ok := g.plans.Load(key); ok {
		return p.(*plan)
	}
	src := c.Sources[source]
	if src == nil {
		return nil
	}
	p := newPlan(c, src)
	p.infer(g.parts.Augmenters)
	got, _ := g.plans.LoadOrStore(key, p)
	return got.(*plan)
}

// newPlan works out what a charter lets a source do.
func newPlan(c *charter.Charter, src *charter.Source) *plan {
	p := &plan{charter: c, source: src, server: src.Kind == "server", events: map[string]*eventPlan{}, facts: map[string]*factPlan{}}
	for name, e := range c.Events {
		ep := &eventPlan{event: e, purposes: common(e.Purposes, src.Purposes), index: map[string]int{}}
		for _, n := range propertyNames(e) {
			f := fieldPlan{property: e.Properties[n]}
			if f.property.From != "" {
				f.from = strings.Split(f.property.From, ".")
			}
			ep.index[n] = len(ep.fields)
			ep.fields = append(ep.fields, f)
		}
		p.events[name] = ep
	}
	for name, d := range c.Data {
		if d.Kind == charter.Trait {
			continue // derived here, never sent
		}
		fp := &factPlan{datum: d}
		if learntAllowed(d, src) {
			fp.purposes = common(d.Purposes, src.Purposes)
		}
		p.facts[name] = fp
	}
	return p
}

// propertyNames are the names in the file's order; what the order lacks comes after.
func propertyNames(e *charter.Event) []string {
	names := append([]string(nil), e.Order...)
	for n := range e.Properties {
		if !contains(names, n) {
			names = append(names, n)
		}
	}
	kept := names[:0]
	for _, n := range names {
		if e.Properties[n] != nil {
			kept = append(kept, n)
		}
	}
	return kept
}

// learntAllowed says whether the charter lets the datum be learnt in the way in which this source learns it.
func learntAllowed(d *charter.Datum, src *charter.Source) bool {
	if len(d.Learnt) == 0 {
		return true
	}
	how := src.LearntOf(d.Name)
	for _, l := range d.Learnt {
		if l == how {
			return true
		}
	}
	return false
}

// streamOf gives the number of the event's stream, asked of the store once.
func (g *Gate) streamOf(ctx context.Context, p *plan, e *eventPlan) (vault.StreamID, error) {
	if n := e.stream.Load(); n != 0 {
		return vault.StreamID(n - 1), nil
	}
	id, err := g.parts.Store.Intern(ctx, vault.Stream{Event: e.event.Name, Source: p.source.Name, Charter: p.charter.Position})
	if err != nil {
		return 0, err
	}
	e.stream.Store(uint64(id) + 1)
	return id, nil
}

func common(a, b []string) []string {
	var out []string
	for _, n := range a {
		if contains(b, n) {
			out = append(out, n)
		}
	}
	return out
}

func contains(names []string, name string) bool {
	for _, n := range names {
		if n == name {
			return true
		}
	}
	return false
}
