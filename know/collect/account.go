package collect

import (
	"github.com/rapporthq/rapport/person"
)

// account is what became of the messages of one batch. It holds names, never values.
type account struct {
	source   string
	received person.Instant
	verdicts []verdict
	fallen   []fallen
	counts   map[Refusal]int64 // keyed with Count 0
	kept     int
	refused  int
}

// verdict is what became of one message.
type verdict struct {
	t        *account
	kind     Type
	event    string // as it came
	known    bool   // the charter has this name
	kept     bool
	changed  bool   // a choice of it was kept
	reason   Reason // why nothing of it was kept
	field    string // of a required field that was missing or wrong: a name of the charter's
	from, to int    // its fallen fields
}

type fallen struct {
	name   string // as it came
	known  bool
	reason Reason
}

const mostFallen = 50 // of one message, by name: further ones are counted as undeclared

func (t *account) begin(source string, received person.Instant) {
	t.source, t.received = source, received
	t.verdicts, t.fallen = t.verdicts[:0], t.fallen[:0]
	t.kept, t.refused, t.counts = 0, 0, nil
}

func (t *account) clear() {
	clear(t.verdicts)
	clear(t.fallen)
	t.begin("", 0)
}

// open begins the verdict on a message. It is good until the next is opened.
func (t *account) open(m *Message, _ person.Instant) *verdict {
	t.verdicts = append(t.verdicts, verdict{t: t, kind: m.Type, event: m.Event, from: len(t.fallen), to: len(t.fallen)})
	return &t.verdicts[len(t.verdicts)-1]
}

func (v *verdict) name(event string, known bool) { v.event, v.known = event, known }

func (v *verdict) keep() {
	v.kept, v.reason = true, ""
}

func (v *verdict) refuse(r Reason) { v.kept, v.reason = false, r }

func (v *verdict) refuseFor(field string, r Reason) {
	v.refuse(r)
	v.field = field
	v.t.fallen = v.t.fallen[:v.from] // the message is refused as a whole: its other fields are not counted
	v.to = v.from
}

func (v *verdict) drop(name string, known bool, r Reason) {
	if v.to-v.from >= mostFallen {
		name, known = "", false
	}
	v.t.fallen = append(v.t.fallen, fallen{name, known, r})
	v.to = len(v.t.fallen)
}

func orUndeclared(name string, known bool) string {
	if known {
		return name
	}
	return Undeclared
}

// settle counts, once all verdicts are there.
func (t *account) settle() {
	if t.counts != nil {
		return
	}
	t.counts = make(map[Refusal]int64)
	day := t.received.Day()
	for i := range t.verdicts {
		v := &t.verdicts[i]
		event := orUndeclared(v.event, v.known)
		switch {
		case v.kept:
			t.kept++
		case v.reason != "":
			t.refused++
		}
		fields := t.fallen[v.from:v.to]
		if !v.kept && v.reason != "" && len(fields) == 0 {
			t.counts[Refusal{Day: day, Source: t.source, Event: event, Field: v.field, Reason: v.reason}]++
		}
		for _, f := range fields {
			t.counts[Refusal{Day: day, Source: t.source, Event: event, Field: orUndeclared(f.name, f.known), Reason: f.reason}]++
		}
	}
}

func (t *account) list() []Refusal {
	if len(t.counts) == 0 {
		return nil
	}
	out := make([]Refusal, 0, len(t.counts))
	for r, n := range t.counts {
		r.Count = n
		out = append(out, r)
	}
	return out
}

// reasons counts whole events and single fields by reason.
func (t *account) reasons() (events, fields map[Reason]int) {
	for i := range t.verdicts {
		v := &t.verdicts[i]
		if !v.kept && v.reason != "" {
			if events == nil {
				events = map[Reason]int{}
			}
			events[v.reason]++
		}
	}
	for i := range t.fallen {
		if fields == nil {
			fields = map[Reason]int{}
		}
		fields[t.fallen[i].reason]++
	}
	return events, fields
}
