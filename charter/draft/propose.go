package draft

import (
	"fmt"
	"strings"

	"github.com/rapporthq/rapport/charter"
)

// Propose drafts the lines that would let a charter take what it refused so many times as unplanned: an event, a property of one of its events (field), or,
// with the event "identify", a fact. Only the names are known, so the type is a question unless the name itself tells it. It gives where the lines go, as a
// path of the charter, and the lines; ok is false for what is not drafted: a name that may be somebody's own, and what is never to be kept.
func Propose(c *charter.Charter, event, field string, seen int) (under, lines string, ok bool) {
	x := &extension{charter: c}
	w := &writer{}
	switch {
	case field == "":
		if !sensible(event) || c.Events[event] != nil {
			return "", "", false
		}
		w.line("  # arrived %s", times(seen))
		w.event(drafted{name: event, seen: seen}, x.usual())
		return "events", asked(w.b.String()), true
	case event == "identify":
		column := &Column{Name: field, Seen: seen}
		column.rule = ruleOf(column)
		if !factWord.MatchString(field) || !sensible(field) || envelope[plain(field)] || c.Data[field] != nil || column.rule.never != "" {
			return "", "", false
		}
		x.facts(&Table{columns: []*Column{column}})
		text := strings.TrimPrefix(x.tail, "\ndata:\n")
		return "data", asked(strings.Replace(text, " while it was watched", "", 1)), text != ""
	}
	column := &Column{Name: field, Seen: seen}
	p, ok := column.property()
	if known := c.Events[event]; !ok || known == nil || known.Properties[field] != nil {
		return "", "", false
	}
	note := p.note
	if note == "" {
		note = "arrived " + times(seen)
	}
	return "events." + event + ".properties", asked(fmt.Sprintf("  # %s\n  %s: {type: %s}\n", note, quoted(p.name), p.typ)), true
}

func times(n int) string {
	if n == 1 {
		return "once"
	}
	return fmt.Sprintf("%d times", n)
}

// asked makes a question of the type that stands for one that is not known.
func asked(text string) string {
	var b strings.Builder
	for line := range strings.Lines(text) {
		bare := strings.TrimRight(line, "\n")
		if strings.HasSuffix(bare, "{type: string}") || strings.HasSuffix(bare, " type: string") {
			bare += "    # DECIDE: which type? string, integer, number, boolean, date, time, item, …"
		}
		b.WriteString(strings.TrimPrefix(bare, "  ") + "\n")
	}
	return b.String()
}
