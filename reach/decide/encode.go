package decide

import (
	"encoding/json"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// AppendJSON writes the decision to the end of dst, byte for byte as encoding/json does it by the tags, in a third of the time:
// answers are most of what this package makes. Its numbers are finite, as those of every decision are.
func (d *Decision) AppendJSON(dst []byte) []byte {
	w := encoder{dst}
	w.raw("{")
	if d.ID != "" {
		w.text(`"decision":`, d.ID)
		w.raw(",")
	}
	w.text(`"placement":`, d.Placement)
	w.text(`,"rung":`, d.Rung)
	w.text(`,"relationship":{"level":`, d.Relationship.Level)
	if d.Relationship.Because != "" {
		w.text(`,"because":`, d.Relationship.Because)
	}
	w.raw("}")
	list(&w, `,"items":`, d.Items, (*encoder).item)
	if d.Short != nil {
		w.text(`,"short":{"reason":`, d.Short.Reason)
		w.text(`,"text":`, d.Short.Text)
		w.raw("}")
	}
	if d.Holdout {
		w.raw(`,"holdout":true`)
	}
	if d.Degraded != "" {
		w.text(`,"degraded":`, d.Degraded)
	}
	if len(d.Held) > 0 {
		list(&w, `,"held":`, d.Held, (*encoder).held)
	}
	w.whole(`,"charter":`, d.Charter)
	if len(d.Models) > 0 {
		before := `,"models":{`
		for _, name := range slices.Sorted(maps.Keys(d.Models)) {
			w.text(before, name)
			w.text(":", d.Models[name])
			before = ","
		}
		w.raw("}")
	}
	if d.Feedback != "" {
		w.text(`,"feedback":`, d.Feedback)
	}
	if d.At != "" {
		w.text(`,"at":`, d.At)
	}
	if d.Now != "" {
		w.text(`,"decidedAt":`, d.Now)
	}
	w.raw("}")
	return w.b
}

func (w *encoder) item(it *Item) {
	w.text(`{"id":`, it.ID)
	w.text(`,"name":`, it.Name)
	w.number(`,"score":`, it.Score)
	list(w, `,"because":`, it.Because, (*encoder).reason)
	if len(it.Moved) > 0 {
		list(w, `,"moved":`, it.Moved, (*encoder).moved)
	}
	w.raw("}")
}

func (w *encoder) reason(r *Reason) {
	w.text(`{"text":`, r.Text)
	w.number(`,"weight":`, r.Weight)
	w.text(`,"source":`, r.Source)
	w.raw("}")
}

func (w *encoder) moved(m *Moved) {
	w.text(`{"text":`, m.Text)
	w.whole(`,"from":`, m.From)
	w.whole(`,"to":`, m.To)
	w.raw("}")
}

func (w *encoder) held(h *Held) {
	w.text(`{"fact":`, h.Fact)
	if h.Event {
		w.raw(`,"event":true`)
	}
	w.text(`,"reason":`, h.Reason)
	if h.Count != 0 {
		w.whole(`,"count":`, h.Count)
	}
	w.text(`,"text":`, h.Text)
	w.raw("}")
}

// encoder writes JSON. The first argument of its methods is what stands before the value.
type encoder struct{ b []byte }

func (w *encoder) raw(s string) { w.b = append(w.b, s...) }

func list[T any](w *encoder, before string, of []T, one func(*encoder, *T)) {
	w.raw(before)
	if of == nil {
		w.raw("null")
		return
	}
	w.raw("[")
	for i := range of {
		if i > 0 {
			w.raw(",")
		}
		one(w, &of[i])
	}
	w.raw("]")
}

func (w *encoder) whole(before string, n int) {
	w.b = strconv.AppendInt(append(w.b, before...), int64(n), 10)
}

func (w *encoder) number(before string, f float64) {
	w.raw(before)
	if a := math.Abs(f); a >= 1e-6 && a < 1e21 {
		w.b = strconv.AppendFloat(w.b, f, 'f', -1, 64)
		return
	}
	w.other(f)
}

// text writes a text as it stands where nothing in it needs another spelling.
func (w *encoder) text(before, s string) {
	w.raw(before)
	var high byte
	for i := range len(s) {
		c := s[i]
		if high |= c; c < ' ' || c == '"' || c == '\\' || c == '<' || c == '>' || c == '&' {
			w.other(s)
			return
		}
	}
	if high >= utf8.RuneSelf && (!utf8.ValidString(s) || strings.ContainsAny(s, "\u2028\u2029")) {
		w.other(s)
		return
	}
	w.b = append(append(append(w.b, '"'), s...), '"')
}

// other leaves to encoding/json what is rare.
func (w *encoder) other(v any) {
	b, err := json.Marshal(v)
	if err != nil { // a number that is none
		b = []byte("null")
	}
	w.b = append(w.b, b...)
}
