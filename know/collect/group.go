package collect

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/rapporthq/rapport/fault"
	"github.com/rapporthq/rapport/person"
)

// Small requests go through the gate together. While groups are under way, those who arrive wait in a line; whoever is first in it when
// a group has ended takes all who wait along: one reading of the people concerned, one pass of judging, one change. A request that finds
// nobody under way waits for nobody. What goes wrong with a group, be it somebody's change of mind, a fault of the store or a panic, is
// told to none of its requests: each is then judged by itself, and what was wrong with one is the answer of that one.
const (
	fewMessages  = 16  // of a request: one of more shares enough with itself
	mostTogether = 256 // messages of a group
	mostGroups   = 2   // under way at once: one is synced while the next is judged
)

// turn is a request on its way through the gate. Its batch is read until its answer is there, so nobody leaves before.
type turn struct {
	Arrival
	ctx      context.Context
	received person.Instant
	afresh   bool // judge by the store at once
	out      Outcome
	err      error // its own: others of its group go on

	leads bool // under the line's lock: it was told to
	word  chan word
}

// word is what a waiting request is told, once.
type word int

const (
	lead     word = iota // take who waits, and be the group
	answered             // the answer is there
	alone                // go by yourself
)

// line is the small requests that wait for a group.
type line struct {
	mu      sync.Mutex
	under   int // groups under way
	waiting []*turn
}

// enter begins a group of t, or puts it in the line.
func (l *line) enter(t *turn) (group []*turn) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.under < mostGroups && len(l.waiting) == 0 {
		l.under++
		return []*turn{t}
	}
	l.waiting = append(l.waiting, t)
	return nil
}

// leave takes t out of the line; false when it is in a group already, or must lead one.
func (l *line) leave(t *turn) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	at := slices.Index(l.waiting, t)
	if at < 0 || t.leads {
		return false
	}
	l.waiting = slices.Delete(l.waiting, at, at+1)
	return true
}

// gather takes a group from the front of the line; who was told to lead stands first.
func (l *line) gather() []*turn {
	l.mu.Lock()
	defer l.mu.Unlock()
	n := 0
	for messages := 0; n < len(l.waiting) && messages < mostTogether; n++ {
		messages += len(l.waiting[n].Batch.Messages)
	}
	group := slices.Clone(l.waiting[:n])
	l.waiting = slices.Delete(l.waiting, 0, n)
	if l.under < mostGroups {
		l.under++
		l.call()
	}
	return group
}

// next ends a group, and the next one begins.
func (l *line) next() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.call()
}

// call has the first of the line lead a group. When nobody waits, or that one was called already and takes all the others along, there is one group less.
func (l *line) call() {
	if len(l.waiting) == 0 || l.waiting[0].leads {
		l.under--
		return
	}
	l.waiting[0].leads = true
	l.waiting[0].word <- lead
}

// shared takes a small request through the gate with those who come at the same time.
func (g *Gate) shared(t *turn) (Outcome, error) {
	group := g.line.enter(t)
	if group == nil {
		said := alone
		select {
		case said = <-t.word:
		case <-t.ctx.Done():
			if g.line.leave(t) {
				return Outcome{}, unkept(t.ctx.Err())
			}
			said = <-t.word // others read its batch
		}
		switch said {
		case answered:
			return t.out, t.err
		case alone:
			return g.alone(t)
		}
		group = g.line.gather()
	}
	if len(group) == 1 {
		defer g.line.next()
		return g.alone(t)
	}
	if g.led(t, group) == answered {
		return t.out, t.err
	}
	return g.alone(t)
}

// led takes a group through the gate and tells the others of it what came of it.
func (g *Gate) led(t *turn, group []*turn) (say word) {
	say = alone
	defer func() { // whatever happens, nobody waits for ever
		g.line.next()
		for _, o := range group {
			if o != t {
				o.word <- say
			}
		}
	}()
	if g.together(group) == nil {
		say = answered
	}
	return say
}

// together is one attempt at a group. Its own end is not one of its requests' end: it goes on as long as the most patient of them would.
func (g *Gate) together(group []*turn) (err error) {
	defer func() {
		if p := recover(); p != nil { // it comes again where it belongs, and is reported there
			err = fmt.Errorf("a panic: %T", p)
		}
	}()
	ctx := context.WithoutCancel(group[0].ctx)
	var last time.Time
	for _, t := range group {
		until, ends := t.ctx.Deadline()
		if !ends {
			last = time.Time{}
			break
		}
		if until.After(last) {
			last = until
		}
	}
	if !last.IsZero() {
		var stop context.CancelFunc
		ctx, stop = context.WithDeadline(ctx, last)
		defer stop()
	}
	if err := g.attempt(ctx, group, false, false); err != nil {
		for _, t := range group {
			t.afresh = true
		}
		return err
	}
	for _, t := range group {
		if t.err == nil {
			g.watched(t.Arrival)
		}
	}
	return nil
}

// unkept is the answer where it cannot be said that something is kept.
func unkept(cause error) error {
	return fault.Wrap(fault.Unavailable, "This cannot be kept just now: send the same again in a moment.", cause)
}
