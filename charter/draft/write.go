package draft

import (
	"encoding/json"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"time"
)

// Retentions that a draft suggests.
const (
	keepEvents = 5 // years; more where the files reach further back
	keepFacts  = 2
	mostYears  = 30 // what seems older is likelier a fault of the file
)

// Write makes the draft of a charter from what was read. now says how old the files' times are.
func Write(tables []*Table, now time.Time) []byte {
	w := &writer{now: now, facts: map[string]*Column{}}
	for _, t := range tables {
		w.gather(t)
	}
	w.head(tables)
	w.purposes()
	w.data()
	w.eventSection(tables)
	w.rest()
	return []byte(w.b.String())
}

// writer gathers facts and events of all files and writes the charter.
type writer struct {
	b     strings.Builder
	now   time.Time
	facts map[string]*Column
	order []string
	never []*Column

	special, mail bool
	events        []drafted
	fields        int       // properties of all of them
	past          time.Time // the files' oldest time
}

// drafted is an event as it goes into the charter.
type drafted struct {
	name       string
	seen       int
	properties []property
}

type property struct {
	name, typ, note string
	required        bool
}

func (w *writer) gather(t *Table) {
	for _, c := range t.columns {
		if c.role == when && !c.first.IsZero() && (w.past.IsZero() || c.first.Before(w.past)) {
			w.past = c.first
		}
	}
	for _, c := range t.factColumns() {
		c.rule = ruleOf(c)
		if c.rule.never != "" {
			w.never = append(w.never, c)
			continue
		}
		c.fact = w.factName(c.Name)
		if had := w.facts[c.fact]; had != nil {
			continue // the same fact in two files
		}
		if len(w.order) == mostFacts {
			t.Unread++
			continue
		}
		w.facts[c.fact] = c
		w.order = append(w.order, c.fact)
		w.special = w.special || c.rule.sensitive == "special"
		w.mail = w.mail || c.rule.typ == "email"
	}
	for _, e := range t.draftedEvents() {
		if w.fields += len(e.properties); w.fields > mostFields {
			t.Unread++
			continue
		}
		w.events = append(w.events, e)
	}
}

// factColumns are the columns that say something about the person themselves.
func (t *Table) factColumns() []*Column {
	if t.kind != people && (t.kind != named || t.csv) {
		return nil
	}
	var out []*Column
	for _, c := range t.columns {
		if c.role == noRole && !c.mostly(Object) && !c.mostly(List) && !c.mostly(Items) {
			out = append(out, c)
		}
	}
	return out
}

var factWord = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9_]{0,63}$`)

// factName is a name that a charter can give a fact: the column's own where it can be.
func (w *writer) factName(name string) string {
	if factWord.MatchString(name) && !envelope[plain(name)] {
		return name
	}
	s := spaced(name)
	for strings.Contains(s, "__") {
		s = strings.ReplaceAll(s, "__", "_")
	}
	if s == "" || s[0] < 'a' || s[0] > 'z' || envelope[plain(s)] {
		s = "fact_" + s
	}
	if len(s) > longestName-4 {
		s = s[:longestName-4]
	}
	s = strings.Trim(s, "_")
	for n := 2; w.facts[s] != nil && w.facts[s].Name != name; n++ {
		s = fmt.Sprintf("%s_%d", strings.TrimRight(s, "0123456789_"), n)
		if len(s) > longestName {
			s = fmt.Sprintf("fact_%d", len(w.facts)+n)
		}
	}
	return s
}

// envelope are names that mean something else in a message.
var envelope = map[string]bool{"userid": true, "anonymousid": true, "messageid": true, "timestamp": true, "at": true, "time": true, "type": true, "event": true, "context": true, "integrations": true, "default": true}

func (t *Table) draftedEvents() []drafted {
	switch t.kind {
	case orders:
		e := drafted{name: "Item Taken", seen: t.Rows}
		lines := t.has(quantity) != nil || t.has(price) != nil || t.has(order) != nil
		if lines {
			e.name = "Order Completed"
			if t.has(order) != nil {
				e.properties = append(e.properties, property{"order_id", "string", "", false})
			}
			e.properties = append(e.properties, property{"products", "items", "the rows of one order: product_id, quantity, price", true})
		} else {
			e.properties = append(e.properties, property{"product_id", "item", "", true})
		}
		return []drafted{t.withOthers(e)}
	case visits:
		return []drafted{t.withOthers(drafted{name: title(t.File), seen: t.Rows})}
	case named:
		var out []drafted
		for _, name := range t.order {
			e := drafted{name: name, seen: t.events[name].Seen}
			said := t.lines(name) // an event says at most once which items it is about
			if said {
				e.properties = append(e.properties, property{"products", "items", "the rows of one order: product_id, quantity, price", true})
			}
			for _, c := range t.events[name].properties.columns {
				if p, ok := c.property(); ok && !(t.csv && t.index[c.Name] != nil && t.index[c.Name].role != noRole && t.index[c.Name].role != item && t.index[c.Name].role != order) {
					if t.csv {
						switch t.index[c.Name].role {
						case item:
							p = property{name: string(item), typ: "item"}
						case order:
							p = property{name: string(order), typ: "string"}
						}
					}
					if p.typ == "item" || p.typ == "items" {
						if said {
							continue
						}
						said = true
					}
					e.properties = append(e.properties, p)
				}
			}
			out = append(out, e)
		}
		return out
	}
	return nil
}

// lines says whether the rows of an event in a CSV file are lines of orders: items of which there are so many, or that share a number.
func (t *Table) lines(event string) bool {
	seen := map[role]bool{}
	for _, c := range t.events[event].properties.columns {
		if of := t.index[c.Name]; of != nil && c.Seen > 0 {
			seen[of.role] = true
		}
	}
	return t.csv && seen[item] && (seen[quantity] || seen[order])
}

// withOthers adds the columns that have no role.
func (t *Table) withOthers(e drafted) drafted {
	for _, c := range t.columns {
		if p, ok := c.property(); ok && c.role == noRole && c != t.has(itemName) {
			if p.typ == "item" || p.typ == "items" {
				p.typ = "string"
			}
			e.properties = append(e.properties, p)
		}
	}
	return e
}

// property is a column as a property of an event; false for what is left out.
func (c *Column) property() (property, bool) {
	r := ruleOf(c)
	if r.never != "" || c.mostly(Object) || !sensible(c.Name) {
		return property{}, false
	}
	p := property{name: c.Name, typ: c.typ(r)}
	switch {
	case c.mostly(Items):
		p.typ = "items"
	case slices.Contains([]string{"productid", "sku", "itemid", "offerid", "contentid"}, plain(c.Name)):
		p.typ = "item"
	case r.kind == "identifier" || r.typ == "name":
		p.note = "DECIDE: who it is stands in the message already; better left out"
	case r.sensitive != "":
		p.note = "DECIDE: sensitive (" + r.category + "); better left out"
	}
	return p, true
}

// typ is the charter's type of a column.
func (c *Column) typ(r *rule) string {
	switch {
	case r.typ != "":
		return r.typ
	case c.mostly(Boolean) || c.zeroOne():
		return "boolean"
	case r.category == "user.demographic.age_range" && c.mostly(Integer, Whole, Number):
		return "{band: [18, 25, 35, 45, 55, 65]}"
	case c.Seen > 0 && c.Shapes[Integer] == c.Seen:
		return "integer"
	case c.mostly(Integer, Whole, Number):
		return "number"
	case c.mostly(Date):
		return "date"
	case c.mostly(Date, Time):
		return "time"
	case c.mostly(Code) && r.category == "user.contact.address.country":
		return "country"
	case c.mostly(List):
		return "{list: string}"
	case c.longest > 200 || c.Shapes[Long] > 0:
		return "text"
	}
	if words := c.enum(); words != "" {
		return words
	}
	return "string"
}

func (c *Column) zeroOne() bool {
	return len(c.words) == 2 && c.words["0"] > 0 && c.words["1"] > 0 || len(c.words) == 2 && c.words["0.0"] > 0 && c.words["1.0"] > 0
}

// enum lists a column's words when they are few and each is many rows'.
func (c *Column) enum() string {
	if c.words == nil || c.Seen < fewRows || len(c.words) < 2 {
		return ""
	}
	folded := map[string]bool{}
	var words []string
	for _, word := range slices.Sorted(maps.Keys(c.words)) {
		s := ShapeOf(word)
		if c.words[word] < fewOfWord || s != Words && s != Code && s != Boolean || folded[strings.ToLower(word)] || strings.ContainsFunc(word, control) {
			return ""
		}
		folded[strings.ToLower(word)] = true
		words = append(words, quoted(word))
	}
	return "{enum: [" + strings.Join(words, ", ") + "]}"
}

func control(c rune) bool {
	return c < ' ' || c == 0x7f || c == '\u0085' || c == '\u2028' || c == '\u2029' || c == '\ufeff' || c == '\ufffd'
}

// quoted is a text as YAML and JSON write it.
func quoted(s string) string {
	b, err := json.Marshal(s)
	if err != nil {
		return `""`
	}
	return strings.NewReplacer(`\u003c`, "<", `\u003e`, ">", `\u0026`, "&").Replace(string(b))
}

// sensible says whether a name can stand in a charter: short, without anything that looks like somebody's own.
func sensible(name string) bool {
	if name == "" || len(name) > longestName || strings.ContainsFunc(name, control) || strings.TrimSpace(name) != name {
		return false
	}
	switch ShapeOf(name) {
	case Words, Code, Boolean:
		return !strings.Contains(name, "@") && !digits.MatchString(name)
	}
	return false
}

// digits are those of a telephone or card number, or of an id, in the midst of a name.
var digits = regexp.MustCompile(`[0-9]{5,}`)

// title makes the name of an event of a file's.
func title(file string) string {
	name := file[strings.LastIndexAny(file, `/\`)+1:]
	name, _, _ = strings.Cut(name, ".")
	words := strings.Fields(strings.ReplaceAll(spaced(name), "_", " "))
	for i, word := range words {
		words[i] = strings.ToUpper(word[:1]) + word[1:]
	}
	if out := strings.Join(words, " "); sensible(out) {
		return out
	}
	return "Visit"
}

func sorted[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }
