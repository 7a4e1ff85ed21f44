package store

import (
	"bytes"
	"context"
	"database/sql/driver"
	"math"
	"slices"
	"time"

	"github.com/rapporthq/rapport/person"
	"github.com/rapporthq/rapport/trust/vault"
)

// The shape of a history. A fold adds each person one row with their new events: appending to a row would write all of it
// again. When the last mergeAt rows are small they become one, so that reading a person takes few rows and every event is
// written a small number of times. See docs/decisions/0001-the-journal.md.
const (
	chunkFrames = 64
	chunkBytes  = 24 << 10
	smallBytes  = 4 << 10
	mergeAt     = 8
)

// tail is the end of a person's history: the rows that may be merged, and the events that a retry may repeat.
type tail struct {
	of     []vault.Frame // the new frames of one pseudonym
	cutoff person.Instant
	next   int64  // number of the next row
	small  int    // how many of the last rows are small
	closed bool   // a row that is not small came before them
	merge  int64  // number of the earliest of the small ones
	heads  []byte // of the small ones, when they are merged
	body   []byte
	oldest person.Instant // received, of the oldest row that was read
	lowest int64          // its number; above all when none was read
	read   int
	ids    []person.EventID // of the new frames, sorted
	known  []bool           // which of those are in the history already
}

// write adds the frames to their persons' histories, person by person in the order of their keys.
func (f *folding) write(ctx context.Context, c conn, window time.Duration) error {
	f.duplicates = 0
	order := make([]int32, len(f.frames))
	for i := range order {
		order[i] = int32(i)
	}
	slices.SortFunc(order, func(a, b int32) int {
		if n := bytes.Compare(f.frames[a].Of[:], f.frames[b].Of[:]); n != 0 {
			return n
		}
		return int(a) - int(b)
	})
	people := 256
	if f.arrays {
		people = 2048
	}
	for len(order) > 0 {
		tails := make([]*tail, 0, people)
		for len(order) > 0 && len(tails) < people {
			of := f.frames[order[0]].Of
			n := 1
			for n < len(order) && f.frames[order[n]].Of == of {
				n++
			}
			own := make([]vault.Frame, n)
			for i, at := range order[:n] {
				own[i] = f.frames[at]
			}
			tails = append(tails, newTail(own, window))
			order = order[n:]
		}
		if err := f.append(ctx, c, tails); err != nil {
			return err
		}
	}
	return nil
}

func newTail(of []vault.Frame, window time.Duration) *tail {
	earliest, ids := of[0].Received, make([]person.EventID, len(of))
	for i := range of {
		earliest, ids[i] = min(earliest, of[i].Received), of[i].ID
	}
	slices.SortFunc(ids, byID)
	return &tail{of: of, cutoff: earliest.Add(-window), lowest: math.MaxInt64, ids: ids, known: make([]bool, len(ids))}
}

func byID(a, b person.EventID) int { return bytes.Compare(a[:], b[:]) }

// place is where in ids an event stands, -1 when it does not.
func (t *tail) place(id person.EventID) int {
	if len(t.ids) <= 8 { // quicker than by halves
		return slices.Index(t.ids, id)
	}
	if i, is := slices.BinarySearchFunc(t.ids, id, byID); is {
		return i
	}
	return -1
}

// look reads the heads of the latest rows before those that were read.
func (t *tail) look(limit int) query {
	t.read = 0
	return query{
		text: "SELECT chunk, last, heads FROM history WHERE person = $1 AND chunk < $2 ORDER BY chunk DESC LIMIT $3",
		args: []driver.Value{t.of[0].Of[:], t.lowest, int64(limit)},
		scan: func(r row) error { return t.saw(r.int(0), r.at(1), r.bytes(2)) },
	}
}

// saw takes note of a row, the latest first.
func (t *tail) saw(number int64, last person.Instant, heads []byte) error {
	t.read++
	t.lowest, t.oldest = number, last
	t.next = max(t.next, t.lowest+1)
	size := 0
	err := vault.ParseHeads(heads, 0, func(fr vault.Frame, length int) error {
		size += length
		if fr.Received >= t.cutoff { // looked for among the new ones, which are few, where the others may be hundreds
			if i := t.place(fr.ID); i >= 0 {
				t.known[i] = true
			}
		}
		return nil
	})
	if t.closed = t.closed || size >= smallBytes; !t.closed {
		t.small++
		t.merge = t.lowest
	}
	return err
}

// more says whether older rows may still hold events within the window.
func (t *tail) more(limit int) bool { return t.read == limit && t.oldest >= t.cutoff && t.lowest > 0 }

// merging reads the small rows whole.
func (t *tail) merging() query {
	return query{
		text: "SELECT heads, body FROM history WHERE person = $1 AND chunk >= $2 ORDER BY chunk",
		args: []driver.Value{t.of[0].Of[:], t.merge},
		scan: func(r row) error { t.merges(r.bytes(0), r.bytes(1)); return nil },
	}
}

func (t *tail) merges(heads, body []byte) {
	t.heads = append(t.heads, heads...)
	t.body = append(t.body, body...)
}

func (f *folding) append(ctx context.Context, c conn, tails []*tail) error {
	limit := mergeAt
	for looking := tails; len(looking) > 0; limit = 64 {
		if err := f.look(ctx, c, looking, limit); err != nil {
			return err
		}
		var further []*tail
		for _, t := range looking {
			if t.more(limit) {
				further = append(further, t)
			}
		}
		looking = further
	}
	var merging []*tail
	for _, t := range tails {
		if t.small >= mergeAt {
			merging = append(merging, t)
		}
	}
	if err := f.readMerging(ctx, c, merging); err != nil {
		return err
	}
	var e extension
	for _, t := range tails {
		if err := f.extend(&e, t); err != nil {
			return err
		}
	}
	return f.writeExtension(ctx, c, &e)
}

// extension is what a fold changes of some people's histories: rows that go because they are in others now, and new rows.
type extension struct {
	gone []*tail
	rows []chunk
}

// look, readMerging and writeExtension are statements by person, in one round trip; arrays of them where the engine has arrays.
func (f *folding) look(ctx context.Context, c conn, tails []*tail, limit int) error {
	if f.arrays {
		return lookAll(ctx, c, tails, limit)
	}
	qs := make([]query, len(tails))
	for i, t := range tails {
		qs[i] = t.look(limit)
	}
	return c.do(ctx, qs...)
}

func (f *folding) readMerging(ctx context.Context, c conn, tails []*tail) error {
	if f.arrays {
		return mergeAll(ctx, c, tails)
	}
	qs := make([]query, len(tails))
	for i, t := range tails {
		qs[i] = t.merging()
	}
	return c.do(ctx, qs...)
}

func (f *folding) writeExtension(ctx context.Context, c conn, e *extension) error {
	if f.arrays {
		return e.writeAll(ctx, c)
	}
	qs := make([]query, 0, len(e.gone)+len(e.rows))
	for _, t := range e.gone {
		qs = append(qs, query{text: "DELETE FROM history WHERE person = $1 AND chunk >= $2", args: []driver.Value{t.of[0].Of[:], t.merge}})
	}
	for i := range e.rows {
		r := &e.rows[i]
		qs = append(qs, query{
			text: "INSERT INTO history (person, chunk, last, heads, body) VALUES ($1, $2, $3, $4, $5)",
			args: []driver.Value{r.of[:], r.number, int64(r.last), r.heads, r.body},
		})
	}
	return c.do(ctx, qs...)
}

// fresh takes out the frames that are there already, and of those that came twice the second.
func (f *folding) fresh(t *tail) []vault.Frame {
	out := make([]vault.Frame, 0, len(t.of))
	for i := range t.of {
		at := t.place(t.of[i].ID)
		if t.known[at] {
			f.duplicates++
			continue
		}
		t.known[at] = true
		out = append(out, t.of[i])
	}
	return out
}

// extend puts one person's new frames behind their last row, together with the small rows when those are merged.
func (f *folding) extend(e *extension, t *tail) error {
	frames := f.fresh(t)
	if len(frames) == 0 {
		return nil
	}
	of := t.of[0].Of
	if len(t.heads) > 0 {
		old := make([]vault.Frame, 0, len(frames)+16)
		body := t.body
		if err := vault.ParseHeads(t.heads, 0, func(fr vault.Frame, length int) error {
			if length > len(body) {
				return vault.ErrFrames
			}
			fr.Body, body = body[:length:length], body[length:]
			old = append(old, fr)
			return nil
		}); err != nil {
			return err
		}
		frames = append(old, frames...)
		t.next = t.merge
		e.gone = append(e.gone, t)
	}
	for len(frames) > 0 {
		n, size := 0, 0
		for n < len(frames) && n < chunkFrames && (n == 0 || size+len(frames[n].Body) <= chunkBytes) {
			size += len(frames[n].Body)
			n++
		}
		heads, body := make([]byte, 0, 34*n), make([]byte, 0, size)
		var last person.Instant
		for i := range frames[:n] {
			heads = vault.AppendHead(heads, 0, &frames[i])
			body = append(body, frames[i].Body...)
			last = max(last, frames[i].Received)
		}
		e.rows = append(e.rows, chunk{of: of, number: t.next, last: last, heads: heads, body: body})
		t.next++
		frames = frames[n:]
	}
	return nil
}
