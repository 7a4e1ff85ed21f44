package shop

import (
	"encoding/json"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/rapporthq/rapport/web/page"
)

// The drawer "look inside" tells what just happened, by what the public doors answer: the event that came and what the gate
// made of it, and the last decision with what each pass of tact let by. It needs a token that may explain, which a shop that
// sells does not have.

// happened is what the shop did last for a visit.
type happened struct {
	sent     *sent     // the last event
	decision *decision // the last decision
	word     string    // what was said last: a kind of feedback, or a choice
	kept     bool      // and whether it may be remembered
}

func (v *visit) sent(e sent) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.trace.sent = &e
}

func (v *visit) decided(d decision) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.trace.decision = &d
}

func (v *visit) answered(word string, kept bool) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.trace.word, v.trace.kept = word, kept
}

// inside is what the drawer shows.
type inside struct {
	Open     bool   `json:"-"`
	Alone    bool   `json:"-"` // it is the page, not a drawer of another one
	Path     string `json:"-"` // of the page beside it
	Who      string // the user id of a household, empty for a stranger
	Event    *eventInside
	Decision *decisionInside
	Word     string
	Kept     bool
	Tag      string `json:"-"` // changes with what is shown
}

// eventInside is an event and what became of it.
type eventInside struct {
	Name   string
	Fields []fieldInside
	Known  bool // the door has told what became of it
	Kept   bool
	Reason string // why nothing of it was kept
	Passed int
	Fell   int
	Way    way
}

type fieldInside struct{ Name, Reason string }

// decisionInside is a decision, step by step.
type decisionInside struct {
	decision
	First, Second []held // what each pass of tact held back
	Used          int    // kinds of things of the person's that the reasons name: what they did is one, each fact is one
	Asked         int    // kinds of things that could have been used
	Levels, Rungs []step
	Way           way
}

type step struct {
	Name string
	Here bool
}

// firstPass are the reasons of tact's first pass: may this be used at all? The others are the second's: would it be welcome?
var firstPass = []string{"restricted", "not-chartered", "purpose", "permission", "expired", "doubtful", "sensitive"}

var (
	levels = []string{"stranger", "acquaintance", "regular", "confidant"}
	rungs  = []string{"generic", "context", "cohort", "individual"}
)

func steps(names []string, here string) []step {
	var all []step
	for _, n := range names {
		all = append(all, step{n, n == here})
	}
	return all
}

// inside makes what the drawer shows now, what the page beside it just sent included.
func (s *Shop) inside(r *http.Request, v *visit) *inside {
	v.settled(r.Context())
	v.mu.Lock()
	t := v.trace
	in := &inside{Open: v.looking, Path: r.URL.Path, Who: v.userID, Word: t.word, Kept: t.kept}
	v.mu.Unlock()
	if t.sent != nil {
		in.Event = s.arrived(r, *t.sent)
	}
	if t.decision != nil {
		in.Decision = explain(*t.decision)
	}
	shown, _ := json.Marshal(in) // it has nothing that cannot be written
	in.Tag = strconv.FormatUint(uint64(hash(string(shown))), 36)
	return in
}

// arrived finds what became of an event: the one of its name that the door took between its leaving and the answer.
func (s *Shop) arrived(r *http.Request, e sent) *eventInside {
	out := &eventInside{Name: e.Event}
	fell := map[string]string{}
	recent, err := s.doors.recent(r.Context())
	if err != nil {
		s.cfg.Log.Warn("what became of an event is not known", "error", err)
	}
	for _, a := range recent {
		if a.Event == e.Event && !a.Arrived.Before(e.Left) && !a.Arrived.After(e.Done) {
			out.Known, out.Kept, out.Reason = true, a.Kept, a.Reason
			for _, f := range a.Fields {
				fell[f.Name] = f.Reason
			}
			break
		}
	}
	for _, name := range e.Fields {
		f := fieldInside{name, fell[name]}
		if out.Known && !out.Kept && f.Reason == "" {
			f.Reason = out.Reason
		}
		if f.Reason == "" {
			out.Passed++
		} else {
			out.Fell++
		}
		out.Fields = append(out.Fields, f)
	}
	out.Way = newWay(0, max(len(out.Fields), 1), out.Fell)
	return out
}

// explain lays a decision out step by step.
func explain(d decision) *decisionInside {
	out := &decisionInside{decision: d, Levels: steps(levels, d.Relationship.Level), Rungs: steps(rungs, d.Rung)}
	for _, h := range d.Held {
		if slices.Contains(firstPass, h.Reason) {
			out.First = append(out.First, h)
		} else {
			out.Second = append(out.Second, h)
		}
	}
	used := map[string]bool{}
	for _, it := range d.Items {
		for _, p := range it.Because {
			if strings.HasPrefix(p.Source, "evt_") {
				used["history"] = true
			} else if strings.HasPrefix(p.Source, "fact:") {
				used[p.Source] = true
			}
		}
	}
	out.Used = len(used)
	out.Asked = len(out.First) + len(out.Second) + out.Used
	out.Way = newWay(2, out.Asked, len(out.First), len(out.Second))
	return out
}

// way is a drawing: a band that goes from left to right through gates, and what falls at each.
type way struct {
	Bands []band
	Falls []fall
	End   float64 // where the arrow's point is; 0 when nothing arrives
}

type band struct{ X, Y, Width, Height float64 }

type fall struct {
	X, Y  float64 // of the gate's foot
	Count int
	Thick float64
}

// The measures of the drawing, in units of its view box: 340 wide, the middle of the band at 34.
const (
	wayStart, wayEnd = 8.0, 318.0
	wayMiddle        = 34.0
	wayThick         = 30.0
)

// newWay draws all things, of which some fall at each gate. The band is as thick as what is left of it, and never vanishes
// from sight while something is left. Where nothing is, it is as thick as bare: a decision goes on without anything of the
// person's, an event does not.
func newWay(bare float64, all int, falls ...int) way {
	thick := func(n int) float64 {
		if n <= 0 || all <= 0 {
			return 0
		}
		return max(wayThick*float64(n)/float64(all), 3)
	}
	var w way
	left, stretch := all, (wayEnd-wayStart)/float64(len(falls)+1)
	for i := range len(falls) + 1 {
		t := max(thick(left), bare)
		x := wayStart + float64(i)*stretch
		w.Bands = append(w.Bands, band{x, wayMiddle - t/2, stretch, t})
		if i < len(falls) {
			left -= falls[i]
			w.Falls = append(w.Falls, fall{x + stretch, wayMiddle, falls[i], thick(falls[i])})
		}
	}
	if w.Bands[len(falls)].Height > 0 {
		w.End = wayEnd
	}
	return w
}

// insidePage is the drawer as a page of its own.
func (s *Shop) insidePage(w http.ResponseWriter, r *http.Request) {
	v := s.visits.of(w, r, s.cfg.Secure)
	if !s.cfg.Inside {
		s.fail(w, r, v, errInside)
		return
	}
	in := s.inside(r, v)
	in.Alone, in.Open = true, true
	f := s.frame(v, r, "inside.title", nil)
	f.Aside, f.Live = in, true
	s.pages.Show(w, http.StatusOK, "inside", f)
}

// insideNow is the part of the drawer that changes, for a browser that asks again. Nothing new is answered with no content.
func (s *Shop) insideNow(w http.ResponseWriter, r *http.Request) {
	v := s.visits.of(w, r, s.cfg.Secure)
	if !s.cfg.Inside {
		s.fail(w, r, v, errInside)
		return
	}
	in := s.inside(r, v)
	if r.URL.Query().Get("seen") == in.Tag {
		w.Header().Set("Cache-Control", "no-store")
		w.WriteHeader(http.StatusNoContent)
		return
	}
	s.pages.ShowPart(w, http.StatusOK, "inside", "now", page.Frame{Lang: s.language(r), Aside: in})
}

// drawer opens or shuts the drawer for this visit.
func (s *Shop) drawer(w http.ResponseWriter, r *http.Request, v *visit) {
	v.mu.Lock()
	v.looking = r.PostFormValue("drawer") == "open"
	v.mu.Unlock()
	back(w, r, "")
}
