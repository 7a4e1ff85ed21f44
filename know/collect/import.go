package collect

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"sync"
	"time"

	"github.com/rapporthq/rapport/fault"
)

// Kind is what the lines of a file are.
type Kind string

// The kinds of files.
const (
	People     Kind = "people"     // userId (or anonymousId) and facts by the charter's names
	Events     Kind = "events"     // messages in the Segment format, or columns of the same names
	Choices    Kind = "choices"    // userId, purpose, answer, at, and the evidence
	Complaints Kind = "complaints" // userId, opened, closed
	Items      Kind = "items"      // of the catalogue: handed to Import.Items as they are
)

// Import brings a file through the gate: CSV or JSON Lines. The same file brought again, or again from where it was
// interrupted, loses nothing and doubles nothing: what is kept is named by its messageId, or by the file and the line.
type Import struct {
	Gate     *Gate
	Settings Settings // where checkpoints are kept; nil: none, each run begins at the beginning
	Source   string   // the charter's name of the source: a server's
	As       Kind
	Dry      bool // judge and count, but keep nothing and remember nothing
	Again    bool // begin at the beginning although the file was brought before

	// Columns says what a CSV file's columns are, by the names that its header has: names that Rapport knows (userId,
	// timestamp, product_id, …) or the charter's. LineNumber stands for a column that holds each line's number. Of an items
	// file nothing else is taken: what is not named may be about people, and a catalogue is public.
	Columns map[string]string
	// Event is the charter's name of the event of every line, where the file has no column event.
	Event string

	// Items takes the lines of an items file, and says which it cannot take. In a dry run it must keep nothing.
	Items func(ctx context.Context, lines []Line) ([]Problem, error)
	// Progress, when not nil, is told how many bytes of how many are done.
	Progress func(done, total int64)
	// Workers read and parse beside each other; 0: 2.
	Workers int
}

// Line is one line of an items file.
type Line struct {
	Number int64
	JSON   []byte            // of JSON Lines
	Fields map[string]string // of CSV, by column
}

// Problem is a line that could not be read or names nobody, and why. It never holds what the line says.
type Problem struct {
	Line   int64  `json:"line"`
	Reason string `json:"reason"`
}

// Report is what became of a file.
type Report struct {
	Lines    int64     `json:"lines"`    // lines that were read, this time or before an interruption
	Kept     int64     `json:"kept"`     // messages of which something was kept
	Refused  int64     `json:"refused"`  // messages of which the charter let nothing be kept
	Bad      int64     `json:"bad"`      // lines that could not be read
	Nobody   int64     `json:"nobody"`   // lines that could, and name nobody
	Latin    int64     `json:"latin"`    // lines that were not UTF-8 and were read as Windows-1252
	Resumed  bool      `json:"resumed"`  // it began where an earlier run was interrupted
	Before   bool      `json:"before"`   // the whole file had been brought before: nothing was done
	Problems []Problem `json:"problems"` // the first of the lines that could not be read or name nobody
	Counts   []Refusal `json:"counts"`   // what was refused, by the charter's names
}

const mostProblems = 100

// LineNumber is the column in Import.Columns that no file has: the number of the line, from 1.
const LineNumber = "#"

// checkpoint is how far a file was brought.
type checkpoint struct {
	Offset int64
	Line   int64
	Done   bool
	Report Report
}

// Run brings size bytes of a file. It returns what was done so far together with any error: a fault that says what to
// do, or the context's error when it was stopped; it can then be run again and goes on from there.
func (im Import) Run(ctx context.Context, file io.ReaderAt, size int64) (Report, error) {
	switch im.As {
	case People, Events, Choices, Complaints:
	case Items:
		if im.Items == nil {
			return Report{}, fault.New(fault.Invalid, "Items are brought into the catalogue, and none is at hand here.")
		}
	default:
		return Report{}, fault.New(fault.Invalid, "Say what the file holds: --as people, events, items, choices or complaints.")
	}
	if im.Workers <= 0 {
		im.Workers = 2
	}
	sum := sha256.New()
	_, _ = fmt.Fprintf(sum, "%s\x00%s\x00", im.Source, im.As)
	if len(im.Columns) > 0 || im.Event != "" { // read in another way it is another file
		_, _ = fmt.Fprintf(sum, "%v\x00%s\x00", im.Columns, im.Event) // fmt writes maps in the order of their keys
	}
	if _, err := io.Copy(sum, io.NewSectionReader(file, 0, size)); err != nil {
		return Report{}, fault.Wrap(fault.Invalid, "The file cannot be read: check that it is there and yours to read.", err)
	}
	hash := hex.EncodeToString(sum.Sum(nil)[:12])

	r := &run{Import: im, file: file, size: size, hash: hash, counts: map[Refusal]int64{}}
	if err := r.resume(ctx); err != nil {
		return Report{}, err
	}
	if r.at.Done {
		rep := r.at.Report
		rep.Before = true
		return rep, nil
	}
	err := r.all(ctx)
	rep := r.report()
	if err != nil && ctx.Err() != nil {
		err = ctx.Err()
	}
	return rep, err
}

// run is one run of an Import.
type run struct {
	Import
	file   io.ReaderAt
	size   int64
	hash   string
	layout *layout
	at     checkpoint
	counts map[Refusal]int64
	unsaid int // blocks since the last checkpoint
}

func (r *run) name() string { return "import " + r.hash }

func (r *run) resume(ctx context.Context) error {
	if r.Settings == nil || r.Dry || r.Again {
		return nil
	}
	text, err := r.Settings.Setting(ctx, r.name())
	if err != nil {
		return fault.Wrap(fault.Unavailable, "How far this file was brought before cannot be read just now: try again in a moment.", err)
	}
	if text == "" {
		return nil
	}
	var c checkpoint
	if json.Unmarshal([]byte(text), &c) != nil || c.Offset < 0 || c.Offset > r.size {
		return nil // unreadable: from the beginning, which doubles nothing
	}
	c.Report.Resumed = c.Offset > 0
	r.at = c
	for _, n := range c.Report.Counts {
		count := n.Count
		n.Count = 0
		r.counts[n] += count
	}
	return nil
}

// save remembers how far the file was brought. What was brought after a checkpoint and before an interruption is
// brought again, and doubles nothing.
func (r *run) save(ctx context.Context, done bool) error {
	r.unsaid = 0
	if r.Settings == nil || r.Dry {
		return nil
	}
	c := r.at
	c.Done, c.Report = done, r.report()
	text, err := json.Marshal(c)
	if err != nil {
		return err
	}
	if err := r.Settings.PutSetting(ctx, r.name(), string(text)); err != nil {
		return fault.Wrap(fault.Unavailable, "How far this file was brought cannot be kept just now: run the import again, nothing is lost or doubled.", err)
	}
	return nil
}

func (r *run) report() Report {
	rep := r.at.Report
	rep.Counts = make([]Refusal, 0, len(r.counts))
	for c, n := range r.counts {
		c.Count = n
		rep.Counts = append(rep.Counts, c)
	}
	return rep
}

const blocksPerCheckpoint = 8

// all reads, parses and brings the file: one goroutine cuts it into blocks, workers parse them beside each other, and
// the blocks are accepted in their order.
func (r *run) all(ctx context.Context) error {
	l, err := r.open()
	if err != nil {
		return err
	}
	r.layout = l
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)

	blocks := make(chan *block, r.Workers)
	inOrder := make(chan *block, 2*r.Workers)
	var workers sync.WaitGroup
	go func() {
		defer close(blocks)
		defer close(inOrder)
		cutter := r.cutter()
		for {
			b, err := cutter.next()
			if err != nil {
				if !errors.Is(err, io.EOF) {
					stop(fault.Wrap(fault.Invalid, "The file cannot be read to its end: check the disk and run the import again.", err))
				}
				return
			}
			b.parsed = make(chan struct{})
			select {
			case inOrder <- b:
			case <-ctx.Done():
				return
			}
			select {
			case blocks <- b:
			case <-ctx.Done():
				return
			}
		}
	}()
	for range r.Workers {
		workers.Add(1)
		go func() {
			defer workers.Done()
			for b := range blocks {
				r.parse(b)
				close(b.parsed)
			}
		}()
	}
	defer workers.Wait()
	for b := range inOrder {
		select {
		case <-b.parsed:
		case <-ctx.Done():
			return r.stopped(ctx)
		}
		if err := r.accept(ctx, b); err != nil {
			stop(err)
			_ = r.save(context.WithoutCancel(ctx), false)
			return err
		}
	}
	if ctx.Err() != nil {
		return r.stopped(ctx)
	}
	return r.save(ctx, true)
}

// stopped keeps how far it came.
func (r *run) stopped(ctx context.Context) error {
	_ = r.save(context.WithoutCancel(ctx), false)
	return context.Cause(ctx)
}

// accept brings one block through the gate and counts.
func (r *run) accept(ctx context.Context, b *block) error {
	rep := &r.at.Report
	if r.As == Items {
		if len(b.items) > 0 {
			bad, err := r.Items(ctx, b.items)
			if err != nil {
				return err
			}
			b.bad = append(b.bad, bad...)
			rep.Kept += int64(len(b.items) - len(bad))
		}
	} else if len(b.batch.Messages) > 0 {
		out, err := r.patiently(ctx, Arrival{Source: r.Source, Batch: &b.batch, Dry: r.Dry})
		if err != nil {
			return err
		}
		rep.Kept += int64(out.Kept)
		rep.Refused += int64(out.Refused)
		for _, c := range out.Counts {
			n := c.Count
			c.Count = 0
			r.counts[c] += n
		}
	}
	rep.Lines += b.lines
	rep.Latin += b.latin
	for _, p := range b.bad {
		if p.Reason == badWho {
			rep.Nobody++
		} else {
			rep.Bad++
		}
	}
	for _, p := range b.bad {
		if len(rep.Problems) == mostProblems {
			break
		}
		rep.Problems = append(rep.Problems, p)
	}
	r.at.Offset, r.at.Line = b.end, b.lastLine
	if r.Progress != nil {
		r.Progress(b.end, r.size)
	}
	if r.unsaid++; r.unsaid >= blocksPerCheckpoint {
		return r.save(ctx, false)
	}
	return nil
}

// patiently accepts, and waits a little when the store cannot take it now: an import is in no hurry.
func (r *run) patiently(ctx context.Context, a Arrival) (Outcome, error) {
	for pause := 50 * time.Millisecond; ; pause *= 2 {
		out, err := r.Gate.Accept(ctx, a)
		if code, _ := fault.Of(err); err == nil || code != fault.Unavailable || pause > 2*time.Second {
			return out, err
		}
		select {
		case <-time.After(pause):
		case <-ctx.Done():
			return Outcome{}, ctx.Err()
		}
	}
}
