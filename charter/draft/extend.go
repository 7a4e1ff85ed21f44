package draft

import (
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"gopkg.in/yaml.v3"

	"github.com/rapporthq/rapport/charter"
	"github.com/rapporthq/rapport/fault"
)

// Arrivals makes an empty Table for what arrives: Event, Property and Fact are told names and shapes, never values. It is not safe for several goroutines.
func Arrivals() *Table { return newTable("") }

// Event notes that an event of that name arrived.
func (t *Table) Event(name string) {
	if sensible(name) {
		if e := t.event(name); e != nil {
			e.Seen++
		}
	}
}

// Property notes a property of an event and its shape.
func (t *Table) Property(event, name string, s Shape) {
	if sensible(event) && sensible(name) {
		if e := t.event(event); e != nil {
			e.properties.column(name).note(s, 1)
		}
	}
}

// Fact notes a fact about a person and its shape.
func (t *Table) Fact(name string, s Shape) {
	if sensible(name) {
		t.column(name).note(s, 1)
	}
}

// insert is text that goes into a file.
type insert struct {
	line, at int // before that line (from 1); at > 0: into it, behind so many runes
	text     string
}

// Extend writes what arrived into a charter as a proposal: events and facts that it does not name, and properties that its events lack. What arrived fewer
// than least times is left out: a rare name may be somebody's own. It gives the proposal and what was added, as paths; the source itself when there was
// nothing. The rest of the file stays as it is written.
func Extend(source []byte, arrived *Table, least int) (proposal []byte, added []string, err error) {
	c, problems := charter.Parse(source)
	if c == nil {
		return nil, nil, problems.Err()
	}
	var root yaml.Node
	if err := yaml.Unmarshal(source, &root); err != nil || len(root.Content) == 0 {
		return nil, nil, fault.Wrap(fault.Invalid, "The charter cannot be read as YAML.", err)
	}
	x := &extension{charter: c, root: root.Content[0], least: least}
	x.events(arrived)
	x.facts(arrived)
	if len(x.added) == 0 {
		return source, nil, nil
	}
	out := x.into(string(source))
	if c, problems := charter.Parse([]byte(out)); c == nil {
		return nil, nil, fault.Wrap(fault.Invalid, "What arrived cannot be written into this charter by itself: write its sections with one name on each line and try again.", problems.Err())
	}
	return []byte(out), x.added, nil
}

type extension struct {
	charter *charter.Charter
	root    *yaml.Node
	least   int
	inserts []insert
	tail    string // sections that the file lacks
	added   []string
	fields  int
}

// under finds the value of a key of a mapping.
func under(n *yaml.Node, key string) *yaml.Node {
	if n == nil || n.Kind != yaml.MappingNode {
		return nil
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		if n.Content[i].Value == key {
			return n.Content[i+1]
		}
	}
	return nil
}

// put inserts entries, written for an indent of two, before the first of a mapping; flow is the same on one line.
func (x *extension) put(n *yaml.Node, block, flow string) {
	if n.Style&yaml.FlowStyle != 0 {
		if len(n.Content) == 0 {
			flow = strings.TrimSuffix(flow, ", ")
		}
		x.inserts = append(x.inserts, insert{n.Line, n.Column, flow})
		return
	}
	first := n.Content[0]
	x.inserts = append(x.inserts, insert{line: first.Line, text: indented(block, first.Column-1)})
}

// indented moves text from an indent of two to another.
func indented(block string, to int) string {
	var b strings.Builder
	for line := range strings.Lines(block) {
		b.WriteString(strings.Repeat(" ", to) + strings.TrimPrefix(line, "  "))
	}
	return b.String()
}

func (x *extension) events(arrived *Table) {
	fresh := &writer{}
	for _, name := range slices.Sorted(slices.Values(arrived.order)) {
		e := arrived.events[name]
		if known := x.charter.Events[name]; known != nil {
			x.properties(known, e)
			continue
		}
		if e.Seen < x.least {
			continue
		}
		d := drafted{name: name, seen: e.Seen}
		said := false
		for _, c := range e.properties.columns {
			if p, ok := c.property(); ok && c.Seen >= x.least && x.room() {
				if p.typ == "item" || p.typ == "items" {
					if said {
						continue
					}
					said = true
				}
				d.properties = append(d.properties, p)
			}
		}
		fresh.line("  # arrived %s while it was watched", times(e.Seen))
		fresh.event(d, x.usual())
		x.added = append(x.added, "events."+name)
	}
	x.section("events", fresh.b.String())
}

// room says whether another property may be added.
func (x *extension) room() bool { x.fields++; return x.fields <= mostFields/2 }

// usual are the purposes of the charter's first event, or its first purpose.
func (x *extension) usual() []string {
	if n := x.charter.Order.Events; len(n) > 0 {
		return x.charter.Events[n[0]].Purposes
	}
	return x.charter.Order.Purposes[:min(1, len(x.charter.Order.Purposes))]
}

// properties adds to an event what arrived with it and it does not declare.
func (x *extension) properties(known *charter.Event, e *Event) {
	block, flow := "", ""
	items := false
	for _, p := range known.Properties {
		items = items || p.Type.Name == charter.TItem || p.Type.Name == charter.TItems
	}
	for _, c := range e.properties.columns {
		p, ok := c.property()
		if !ok || c.Seen < x.least || !x.room() || known.Properties[c.Name] != nil {
			continue
		}
		if p.typ == "item" || p.typ == "items" {
			if items {
				continue
			}
			items = true
		}
		note := p.note
		if note == "" {
			note = fmt.Sprintf("DECIDE: arrived %s while it was watched", times(c.Seen))
		}
		entry := quoted(p.name) + ": {type: " + p.typ + "}"
		block += "  " + entry + "    # " + note + "\n"
		flow += entry + ", "
		x.added = append(x.added, "events."+known.Name+".properties."+p.name)
	}
	event := under(under(x.root, "events"), known.Name)
	if block == "" || event == nil {
		return
	}
	switch n := under(event, "properties"); {
	case n != nil && n.Kind == yaml.MappingNode && (len(n.Content) > 0 || n.Style&yaml.FlowStyle != 0):
		x.put(n, block, flow)
	default:
		x.put(event, "  properties:\n"+indented(block, 4), "properties: {"+strings.TrimSuffix(flow, ", ")+"}, ")
	}
}

func (x *extension) facts(arrived *Table) {
	w := &writer{facts: map[string]*Column{}}
	purposes := x.charter.Order.Purposes[:min(1, len(x.charter.Order.Purposes))]
	explicit := ""
	for _, name := range x.charter.Order.Purposes {
		p := x.charter.Purposes[name]
		if p.Basis == charter.Consent && (explicit == "" || p.Explicit && !x.charter.Purposes[explicit].Explicit) {
			explicit = name
		}
	}
	for _, c := range arrived.columns {
		if c.Seen < x.least || len(w.facts) == mostFacts/2 || x.charter.Data[c.Name] != nil || !factWord.MatchString(c.Name) || envelope[plain(c.Name)] || c.mostly(Object) || c.mostly(Items) {
			continue
		}
		if c.rule = ruleOf(c); c.rule.never != "" || c.rule.sensitive == "special" && explicit == "" {
			continue
		}
		w.facts[c.Name] = c
		w.line("  # arrived %s while it was watched", times(c.Seen))
		w.datum(c.Name, c, purposes, explicit)
		x.added = append(x.added, "data."+c.Name)
	}
	text := w.b.String()
	if len(purposes) > 0 { // what a draft of its own would name may not be there
		text = strings.ReplaceAll(strings.ReplaceAll(text, "purposes: [service]", "purposes: ["+purposes[0]+"]"), "purposes: [service, email]", "purposes: ["+purposes[0]+"]")
	}
	x.section("data", text)
}

// section puts entries into a section of the file, or makes it.
func (x *extension) section(name, block string) {
	if block == "" {
		return
	}
	n := under(x.root, name)
	switch {
	case n == nil:
		x.tail += "\n" + name + ":\n" + block
	case n.Kind == yaml.MappingNode && len(n.Content) > 0 && n.Style&yaml.FlowStyle == 0:
		x.put(n, block, "")
	default:
		x.tail += "\n" + name + ":\n" + block // twice the same name: Parse says so
	}
}

// into writes the inserts, the last first, so that the places of the others hold.
func (x *extension) into(source string) string {
	lines := strings.SplitAfter(source, "\n")
	if last := len(lines) - 1; lines[last] != "" {
		lines[last] += "\n"
	}
	slices.SortStableFunc(x.inserts, func(a, b insert) int { return b.line - a.line })
	for _, in := range x.inserts {
		at := in.line - 1
		if in.at == 0 {
			lines = slices.Insert(lines, at, in.text)
			continue
		}
		cut := 0
		for range in.at {
			_, size := utf8.DecodeRuneInString(lines[at][cut:])
			cut += size
		}
		lines[at] = lines[at][:cut] + in.text + lines[at][cut:]
	}
	return strings.Join(lines, "") + x.tail
}
