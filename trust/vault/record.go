package vault

import (
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
// What could not be opened stands for the person: an unreadable fact is a head of quality 0 that no readable fact of
// the same name outweighs, an unreadable choice is a no, an unreadable restriction is one, an unreadable complaint is open,
// an unreadable feedback is "too-personal".
type Record struct {
	Who        person.Person
	Version    int64
	Charter    int           // position of the charter in force when it was loaded
	Facts      []person.Head // one for each name: the one that holds
	Superseded []person.Head // facts that another of the same name outweighs; only the person themselves sees them
	History    []person.Head // one for each frame, oldest first
	Events     []person.EventID
	Choices    []consent.Choice
	Feedback   []person.Feedback
	Complaints []person.Complaint
	Shown      []person.Shown
	Restricted bool
	Claims     []Claim
	Removed    []string // names of facts that the person removed or corrected, as far as they can be read
	Unreadable int      // rows whose head could not be opened

	v          *Vault
	rings      map[person.ID]*KeyRing
	suppressed map[[8]byte]bool
	factRows   []*Row // of Facts, by index
	lostRows   []*Row // of Superseded, by index
	choiceRows []*Row
	claimRows  []*Row
	frames     []Frame
	marks      func(item string) []string
}

// Record opens the heads of a person. streams gives the store's interned streams; series the accepted charters; marks
// the ids of the charter's sensitive rules that an item falls under: without it no line of any event is opened but for
// the person themselves. It fails only with ErrNotFound, when nothing was loaded.
func (v *Vault) Record(l Loaded, streams func(StreamID) (Stream, bool), series *charter.Series, marks func(item string) []string) (*Record, error) {
	if l.Who.Root.IsZero() {
		return nil, ErrNotFound
	}
	r := &Record{
		Who: l.Who, Version: l.Version, Charter: l.Charter,
		v: v, rings: make(map[person.ID]*KeyRing, 1+len(l.Who.Also)), frames: l.Frames, marks: marks,
	}
	for _, id := range l.Who.All() {
		if k, err := v.Key(id, l.Wrapped[id]); err == nil {
			r.rings[id] = k
		}
	}
	var now *charter.Charter
	if series != nil {
		now = series.Current()
	}
	told := r.readRows(l.Rows, now)
	r.settleFacts()
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

// settleFacts keeps, for each name, the head that holds, and lists the others as superseded.
func (r *Record) settleFacts() {
	type seat struct{ i int }
	at := make(map[string]seat, len(r.Facts))
	heads, rows := r.Facts[:0:0], r.factRows[:0:0]
	for i := range r.Facts {
		h, row := r.Facts[i], r.factRows[i]
		if h.Source != "self" && h.Learnt != unreadable && r.Suppressed(h.Name) {
			r.Superseded, r.lostRows = append(r.Superseded, h), append(r.lostRows, row)
			continue
		}
		s, taken := at[h.Name]
		switch {
		case !taken:
			at[h.Name] = seat{len(heads)}
			heads, rows = append(heads, h), append(rows, row)
		case outweighs(&h, &heads[s.i]):
			r.Superseded, r.lostRows = append(r.Superseded, heads[s.i]), append(r.lostRows, rows[s.i])
			heads[s.i], rows[s.i] = h, row
		default:
			r.Superseded, r.lostRows = append(r.Superseded, h), append(r.lostRows, row)
		}
	}
	for i := range heads {
		if heads[i].Learnt == unreadable {
			heads[i].Learnt = person.Acquired
		}
	}
	for i := range r.Superseded {
		if r.Superseded[i].Learnt == unreadable {
			r.Superseded[i].Learnt = person.Acquired
		}
	}
	r.Facts, r.factRows = heads, rows
}

// unreadable marks a fact's head that could not be opened while facts are settled; no one outside sees it.
const unreadable person.Learnt = 255

// outweighs says whether fact a holds against fact b of the same name: what cannot be read before all (nobody can say that
// it is not a correction), then verified, then how it was learnt, then the newer. The source's name decides the rest, so that the order of rows does not.
func outweighs(a, b *person.Head) bool {
	switch {
	case (a.Learnt == unreadable) != (b.Learnt == unreadable):
		return a.Learnt == unreadable
	case a.Verified != b.Verified:
		return a.Verified
	case a.Learnt != b.Learnt:
		return a.Learnt > b.Learnt
	case a.At != b.At:
		return a.At > b.At
	case a.Received != b.Received:
		return a.Received > b.Received
	case a.Source != b.Source:
		return a.Source < b.Source
	}
	return string(a.Of[:]) < string(b.Of[:])
}

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
