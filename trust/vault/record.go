package vault

import (
	"errors"
	"slices"

	"github.com/rapporthq/rapport/charter"
	"github.com/rapporthq/rapport/person"
	"github.com/rapporthq/rapport/trust/consent"
)

// Claim is the head of a claimed identifier: which person it would lead to if it were verified, and not what it says.
type Claim struct {
	Of    person.ID
	Kind  IdentifierKind
	Blind Blind
	At    person.Instant
}

// Record is one person with the heads opened: enough to judge by, and no values. Values come from Open, with a permit.
//
// Facts has every head of every name, from each source and pseudonym: what may be used is judged of all of them, and only then is one chosen
// for a name (person.InUse). Were it chosen before, a fact that is held could keep out one that is permitted.
//
// What could not be opened stands for the person: an unreadable fact is a head of quality 0 beside which no other of its name can
// be used (protective ones can still remove), an unreadable choice is a no, an unreadable restriction is one, an unreadable complaint is open,
// an unreadable feedback is "too-personal", what was said of a fact and cannot be read is that every value of it is wrong.
type Record struct {
	Who        person.Person
	Version    int64
	Charter    int           // position of the charter in force when it was loaded
	Facts      []person.Head // of all sources, several for a name
	Superseded []person.Head // facts that the person removed or corrected, and those beside an unreadable one of their name; only they see them
	History    []person.Head // one for each frame, oldest first
	Events     []person.EventID
	Choices    []consent.Choice
	Feedback   []person.Feedback
	Complaints []person.Complaint
	Shown      []person.Shown
	Restricted bool
	RestrictAt person.Instant // when a restriction was last set or lifted; 0: never
	Claims     []Claim
	Removed    []string // names of facts that the person removed or corrected, as far as they can be read
	Unreadable int      // rows whose head could not be opened

	v           *Vault
	rings       map[person.ID]*KeyRing
	far         []person.ID // see person.Person.Far
	suppressed  map[[8]byte]bool
	factRows    []*Row // of Facts, by index
	marked      []mark // of Facts, by index
	verdicts    []verdict
	verdictRows []*Row // of verdicts, by index
	lostRows    []*Row // of Superseded, by index
	choiceRows  []*Row
	claimRows   []*Row
	frames      []Frame
	marks       func(item string) []string
}

// Record opens the heads of a person. streams gives the store's interned streams; series the accepted charters; marks
// the ids of the charter's sensitive rules that an item falls under: without it no line of any event is opened but for
// the person themselves. It fails with ErrNotFound when nothing was loaded, and with ErrUnavailable when nobody can tell now whether a key opens.
func (v *Vault) Record(l Loaded, streams func(StreamID) (Stream, bool), series *charter.Series, marks func(item string) []string) (*Record, error) {
	if l.Who.Root.IsZero() {
		return nil, ErrNotFound
	}
	r := &Record{
		Who: l.Who, Version: l.Version, Charter: l.Charter,
		v: v, far: l.Who.Far(), rings: make(map[person.ID]*KeyRing, 1+len(l.Who.Also)), frames: l.Frames, marks: marks,
	}
	for _, id := range l.Who.All() {
		k, err := v.Key(id, l.Wrapped[id])
		if errors.Is(err, ErrUnavailable) { // that a key cannot be asked for is not that it is gone
			return nil, err
		}
		if err == nil {
			r.rings[id] = k
		}
	}
	var now *charter.Charter
	if series != nil {
		now = series.Current()
	}
	told := r.readRows(l.Rows, now)
	r.settleFacts(now)
	r.judgeFacts()
	r.readHistory(streams, series)
	for i := range r.Facts {
		tell(&r.Facts[i], told)
	}
	for i := range r.History {
		tell(&r.History[i], told)
	}
	return r, nil
}

// tell marks what was declared, or shown to the person at or after it came.
func tell(h *person.Head, told map[string]person.Instant) {
	if h.Learnt == person.Declared && h.Verified {
		h.Told = true
	} else if at, ok := told[h.Name]; ok && at >= h.Received {
		h.Told = true
	}
}

// Suppressed says whether the person removed or corrected this fact, so that other sources must not bring it back.
func (r *Record) Suppressed(name string) bool {
	return len(r.suppressed) > 0 && r.suppressed[r.v.NameHalf(SuppressedRow, name)]
}

// Ring is the data key of one of the person's pseudonyms, for sealing; nil when it cannot be unwrapped.
func (r *Record) Ring(id person.ID) *KeyRing { return r.rings[id] }

// settleFacts lists as superseded what the person removed or corrected and another source brings all the same, and what stands beside an
// unreadable fact of its name, for nobody can say that this is not a correction of it. Protective facts stay beside it: they can only remove.
func (r *Record) settleFacts(c *charter.Charter) {
	var doubted []string
	for i := range r.Facts {
		if h := &r.Facts[i]; h.Learnt == unreadable {
			if d := c.Data[h.Name]; !d.Protective { // it has its name from the charter
				doubted = append(doubted, h.Name)
			}
		}
	}
	if len(doubted) == 0 && len(r.suppressed) == 0 && r.Unreadable == 0 {
		return
	}
	heads, rows, marked := r.Facts[:0], r.factRows[:0], r.marked[:0]
	for i := range r.Facts {
		h, row := r.Facts[i], r.factRows[i]
		switch {
		case h.Learnt == unreadable:
			h.Learnt = person.Acquired
		case h.Source != "self" && r.Suppressed(h.Name), slices.Contains(doubted, h.Name):
			r.Superseded, r.lostRows = append(r.Superseded, h), append(r.lostRows, row)
			continue
		}
		heads, rows, marked = append(heads, h), append(rows, row), append(marked, r.marked[i])
	}
	r.Facts, r.factRows, r.marked = heads, rows, marked
}

// unreadable marks a fact's head that could not be opened while facts are settled; no one outside sees it.
const unreadable person.Learnt = 255

// readHistory makes a head for each frame from its stream: no body is opened for it.
func (r *Record) readHistory(streams func(StreamID) (Stream, bool), series *charter.Series) {
	if len(r.frames) == 0 {
		return
	}
	r.History = make([]person.Head, len(r.frames))
	r.Events = make([]person.EventID, len(r.frames))
	known := make(map[StreamID]streamFacts, 8)
	alone := len(r.Who.Also) == 0
	for i := range r.frames {
		f := &r.frames[i]
		s, ok := known[f.Stream]
		if !ok {
			s = factsOf(f.Stream, streams, series)
			known[f.Stream] = s
		}
		r.Events[i] = f.ID
		r.History[i] = person.Head{
			Of: f.Of, Name: s.event, Event: true, Learnt: s.learnt, Source: s.source, Channel: s.channel,
			At: f.At, Received: f.Received, Charter: s.charter, Quality: s.quality,
			// What a browser sent counts as the person's own once its device was joined to them, or while nobody else is meant.
			Verified: s.server || (s.client && (alone || f.Of != r.Who.Root)),
		}
	}
}

// streamFacts is what all frames of a stream have in common.
type streamFacts struct {
	event, source, channel string
	charter                int
	learnt                 person.Learnt
	quality                float64
	server, client         bool
}

// factsOf reads a stream by the charter under which its frames came. A stream, charter or source that is not known leaves a
// head without name or channel, of quality 0 and not verified: nothing that it says can be used.
func factsOf(id StreamID, streams func(StreamID) (Stream, bool), series *charter.Series) streamFacts {
	if streams == nil {
		return streamFacts{}
	}
	st, ok := streams(id)
	if !ok {
		return streamFacts{}
	}
	s := streamFacts{event: st.Event, source: st.Source, charter: st.Charter}
	if series == nil {
		return s
	}
	if st.Source == "self" {
		s.learnt, s.quality, s.server, s.channel = person.Observed, 1, true, "web"
		return s
	}
	c := series.At(st.Charter)
	if c == nil {
		return s
	}
	src := c.Sources[st.Source]
	if src == nil {
		return s
	}
	s.learnt, s.quality, s.channel = person.Observed, 1, src.Channel
	s.server, s.client = src.Kind == "server", src.Kind == "client"
	return s
}
