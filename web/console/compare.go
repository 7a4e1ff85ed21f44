package console

import (
	"strings"

	"github.com/rapporthq/rapport/reach/decide"
)

// answer is one side's decision with the marks of what the other side has not.
type answer struct {
	decide.Decision
	Side  int // 1, or 2
	Of    int // sides there are
	Goods []good
	Holds []hold
}

// good is one item with its place on the other side: 0 when it is not there.
type good struct {
	decide.Item
	Place, There int
	New          map[string]bool // texts of reasons that the other side's item has not, or weighs otherwise
}

// hold is one line of what was held back.
type hold struct {
	decide.Held
	Only bool // not on the other side
}

// difference is one line of what differs: what, and how it is on each side.
type difference struct {
	What          string // rung, level, items, held, short, degraded
	First, Second string
}

// beside lays decisions side by side: each marked with what the other has not, and the differences in short. One decision
// alone has no marks.
func beside(ds []decide.Decision) ([]answer, []difference) {
	out := make([]answer, len(ds))
	for i, d := range ds {
		out[i] = answer{Decision: d, Side: i + 1, Of: len(ds)}
		for n, item := range d.Items {
			out[i].Goods = append(out[i].Goods, good{Item: item, Place: n + 1})
		}
		for _, h := range d.Held {
			out[i].Holds = append(out[i].Holds, hold{Held: h})
		}
	}
	if len(ds) != 2 {
		return out, nil
	}
	out[0].mark(&ds[1])
	out[1].mark(&ds[0])
	a, b := &ds[0], &ds[1]
	var differs []difference
	line := func(what, first, second string) {
		if first != second {
			differs = append(differs, difference{what, first, second})
		}
	}
	line("rung", a.Rung, b.Rung)
	line("level", a.Relationship.Level, b.Relationship.Level)
	line("items", itemNames(a), itemNames(b))
	line("held", held(out[0].Holds), held(out[1].Holds))
	line("short", shortOf(a), shortOf(b))
	line("degraded", a.Degraded, b.Degraded)
	return out, differs
}

func (a *answer) mark(other *decide.Decision) {
	for i := range a.Goods {
		g := &a.Goods[i]
		for n := range other.Items {
			if o := &other.Items[n]; o.ID == g.ID {
				g.There, g.New = n+1, reasonsNotIn(g.Because, o.Because)
			}
		}
	}
	for i := range a.Holds {
		h := &a.Holds[i]
		h.Only = true
		for _, o := range other.Held {
			h.Only = h.Only && (o.Fact != h.Fact || o.Event != h.Event || o.Reason != h.Reason)
		}
	}
}

func reasonsNotIn(these, those []decide.Reason) map[string]bool {
	there := map[decide.Reason]bool{}
	for _, r := range those {
		there[r] = true
	}
	var out map[string]bool
	for _, r := range these {
		if !there[r] {
			if out == nil {
				out = map[string]bool{}
			}
			out[r.Text] = true
		}
	}
	return out
}

func itemNames(d *decide.Decision) string {
	all := make([]string, len(d.Items))
	for i := range d.Items {
		all[i] = d.Items[i].Name
	}
	return strings.Join(all, ", ")
}

// held names what only one side holds back, and why.
func held(all []hold) string {
	var only []string
	for _, h := range all {
		if h.Only {
			only = append(only, h.Fact+" ("+h.Reason+")")
		}
	}
	return strings.Join(only, ", ")
}

func shortOf(d *decide.Decision) string {
	if d.Short == nil {
		return ""
	}
	return d.Short.Text
}
