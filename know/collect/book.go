package collect

import (
	"context"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/rapporthq/rapport/know/tally"
	"github.com/rapporthq/rapport/person"
)

// Book counts what was refused and shows the owner of a source what became of their latest messages. On disk it keeps
// counts by the charter's own names; names as they were spelt, which may be personal, live in memory only, for an hour
// at most. It never holds a value. It is safe for use by many goroutines.
type Book struct {
	counters Counters
	clock    person.Clock

	waiting *tally.Waiting[Refusal] // keyed with Count 0

	mu     sync.Mutex
	spelt  map[string]map[spelling]*Name
	recent map[string]*ring
	texts  map[string]string // names that were met, so that each is copied from a message once
	since  person.Instant    // when texts was empty
}

// Name is a name that the charter does not know, as a source spelt it.
type Name struct {
	Event  string         `json:"event"`
	Field  string         `json:"field,omitempty"`
	Reason Reason         `json:"reason"`
	Count  int64          `json:"count"`
	Last   person.Instant `json:"-"`
}

// Recent is what became of one message.
type Recent struct {
	Arrived person.Instant
	Type    string
	Event   string
	Kept    bool
	Reason  Reason // why nothing of it was kept
	Field   string // the field for which it was refused
	Fields  []Fell // which fields of it fell
}

// Fell is a field that was not kept, and why.
type Fell struct {
	Name   string `json:"name"`
	Reason Reason `json:"reason"`
}

const (
	memory     = time.Hour
	mostSpelt  = 500 // names of one source
	mostRecent = 100 // messages of one source
	mostShown  = 20  // fallen fields of one message
	mostTexts  = 10_000
	longest    = 100 // bytes of a name as it is shown
)

type spelling struct {
	event, field string
	reason       Reason
}

type ring struct {
	entries []Recent
	next    int
}

// NewBook makes a Book. Without counters the counts stay in memory.
func NewBook(counters Counters, clock person.Clock) *Book {
	if clock == nil {
		clock = person.SystemClock
	}
	return &Book{counters: counters, clock: clock, waiting: tally.NewWaiting[Refusal](), spelt: map[string]map[spelling]*Name{}, recent: map[string]*ring{}}
}

// add takes over the tally of one batch.
func (b *Book) add(t *account) {
	for r, n := range t.counts {
		b.waiting.Add(r, n)
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.texts == nil || t.received-b.since > person.Instant(memory.Microseconds()) || len(b.texts) > mostTexts {
		b.texts, b.since = map[string]string{}, t.received
	}
	b.spell(t)
	r := b.recent[t.source]
	if r == nil {
		r = &ring{}
		b.recent[t.source] = r
	}
	for i := max(0, len(t.verdicts)-mostRecent); i < len(t.verdicts); i++ {
		v := &t.verdicts[i]
		e := r.put()
		*e = Recent{Arrived: t.received, Type: kindWord(v.kind), Event: b.text(v.event), Kept: v.kept, Reason: v.reason, Field: v.field, Fields: e.Fields[:0]}
		for _, f := range t.fallen[v.from:v.to] {
			if len(e.Fields) == mostShown {
				break
			}
			e.Fields = append(e.Fields, Fell{b.text(f.name), f.reason})
		}
	}
}

func kindWord(t Type) string {
	switch t {
	case choiceOf:
		return "choice"
	case complaintOf:
		return "complaint"
	}
	return t.String()
}

// put makes room for one more, in place of the oldest.
func (r *ring) put() *Recent {
	if len(r.entries) < mostRecent {
		r.entries = append(r.entries, Recent{})
		return &r.entries[len(r.entries)-1]
	}
	e := &r.entries[r.next]
	r.next = (r.next + 1) % mostRecent
	return e
}

// spell notes the names that the charter does not know.
func (b *Book) spell(t *account) {
	names := b.spelt[t.source]
	note := func(s spelling) {
		if n := names[s]; n != nil {
			n.Count++
			n.Last = t.received
			return
		}
		if names == nil {
			names = map[spelling]*Name{}
			b.spelt[t.source] = names
		}
		if len(names) >= mostSpelt {
			for k, n := range names {
				if t.received-n.Last > person.Instant(memory.Microseconds()) {
					delete(names, k)
				}
			}
			if len(names) >= mostSpelt {
				return
			}
		}
		names[s] = &Name{Event: s.event, Field: s.field, Reason: s.reason, Count: 1, Last: t.received}
	}
	for i := range t.verdicts {
		v := &t.verdicts[i]
		if !v.known && v.event != "" && v.reason != "" {
			note(spelling{b.text(v.event), "", v.reason})
		}
		for _, f := range t.fallen[v.from:v.to] {
			if !f.known && f.name != "" {
				note(spelling{b.text(v.event), b.text(f.name), f.reason})
			}
		}
	}
}

// text is a name to be kept when its message is gone, cut to what is shown.
func (b *Book) text(s string) string {
	if len(s) > longest {
		return strings.ToValidUTF8(s[:longest], "") + "…"
	}
	kept, ok := b.texts[s]
	if !ok {
		kept = strings.Clone(s)
		b.texts[kept] = kept
	}
	return kept
}

// Flush writes the counts that are pending. After an error they stay pending.
func (b *Book) Flush(ctx context.Context) error {
	if b.counters == nil {
		return nil
	}
	return b.waiting.Flush(ctx, func(taken map[Refusal]int64) error {
		list := make([]Refusal, 0, len(taken))
		for r, n := range taken {
			r.Count = n
			list = append(list, r)
		}
		return b.counters.AddRefusals(ctx, list)
	})
}

// Run flushes until the context ends, and once more then.
func (b *Book) Run(ctx context.Context, every time.Duration) {
	tick := time.NewTicker(every)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
			_ = b.Flush(ctx)
		case <-ctx.Done():
			last, stop := context.WithTimeout(context.WithoutCancel(ctx), 2*time.Second)
			_ = b.Flush(last)
			stop()
			return
		}
	}
}

// Refusals gives the counts of a source (of every source when it is empty) from a day on, those on disk and those
// pending, by day, event, field and reason.
func (b *Book) Refusals(ctx context.Context, source string, fromDay int64) ([]Refusal, error) {
	wanted := func(r Refusal) bool { return (source == "" || r.Source == source) && r.Day >= fromDay }
	sum, err := b.waiting.Sum(ctx, wanted, func(add func(Refusal, int64)) error {
		if b.counters == nil {
			return nil
		}
		kept, err := b.counters.Refusals(ctx, source, fromDay)
		for _, r := range kept {
			n := r.Count
			r.Count = 0
			add(r, n)
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	out := make([]Refusal, 0, len(sum))
	for r, n := range sum {
		r.Count = n
		out = append(out, r)
	}
	slices.SortFunc(out, func(a, b Refusal) int {
		if a.Day != b.Day {
			return int(a.Day - b.Day)
		}
		return strings.Compare(a.Source+"\x00"+a.Event+"\x00"+a.Field+"\x00"+string(a.Reason), b.Source+"\x00"+b.Event+"\x00"+b.Field+"\x00"+string(b.Reason))
	})
	return out, nil
}

// Names gives the names of the last hour that the charter does not know, as the source spelt them.
func (b *Book) Names(source string) []Name {
	now := b.clock()
	b.mu.Lock()
	defer b.mu.Unlock()
	out := []Name{}
	for k, n := range b.spelt[source] {
		if now-n.Last > person.Instant(memory.Microseconds()) {
			delete(b.spelt[source], k)
			continue
		}
		out = append(out, *n)
	}
	slices.SortFunc(out, func(a, b Name) int {
		return strings.Compare(a.Event+"\x00"+a.Field+"\x00"+string(a.Reason), b.Event+"\x00"+b.Field+"\x00"+string(b.Reason))
	})
	return out
}

// Recent gives what became of the source's latest messages of the last hour, newest first.
func (b *Book) Recent(source string) []Recent {
	now := b.clock()
	b.mu.Lock()
	defer b.mu.Unlock()
	out := []Recent{}
	r := b.recent[source]
	if r == nil {
		return out
	}
	for i := len(r.entries) - 1; i >= 0; i-- {
		e := r.entries[(r.next+i)%len(r.entries)]
		if now-e.Arrived <= person.Instant(memory.Microseconds()) {
			e.Fields = slices.Clone(e.Fields) // the next message may take its room
			out = append(out, e)
		}
	}
	return out
}
