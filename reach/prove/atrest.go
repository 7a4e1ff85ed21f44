package prove

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"sort"
	"strings"

	"github.com/rapporthq/rapport/charter"
	"github.com/rapporthq/rapport/person"
	"github.com/rapporthq/rapport/trust/ledger"
	"github.com/rapporthq/rapport/trust/vault"
)

// atRest gathers, person by person, what is kept that should not be.
type atRest struct {
	home                    Home
	now                     person.Instant
	things, old, unreadable int
	foreign, overdue        tally
	values                  map[string]string // identifying value → the name of its fact: what a thief must not find
}

// mostValues bounds how many people's identifying values are searched for in the files.
const mostValues = 4000

func newAtRest(h Home, now person.Instant) *atRest {
	return &atRest{home: h, now: now, foreign: tally{}, overdue: tally{}, values: map[string]string{}}
}

func (a *atRest) person(r *vault.Record, o *vault.Opened) {
	c := a.home.House.Charter
	a.unreadable += r.Unreadable
	for _, heads := range [][]person.Head{r.Facts, r.Superseded} {
		for i := range heads {
			a.things++
			d := c.Data[heads[i].Name]
			if d == nil {
				a.foreign["a fact"]++
				continue
			}
			a.age(d.Name, d.Retain, heads[i].At, heads[i].Received)
		}
	}
	for i := range r.History {
		a.things++
		e := c.Events[r.History[i].Name]
		if e == nil {
			a.foreign["an event"]++
			continue
		}
		a.age(e.Name, e.Retain, r.History[i].At, r.History[i].Received)
	}
	for i := range o.History {
		e := c.Events[o.History[i].Name]
		if e == nil {
			continue
		}
		if len(o.History[i].Lines) > 0 && !hasLines(e) {
			a.foreign["lines of "+e.Name]++
		}
		for name := range o.History[i].Properties {
			a.things++
			if e.Properties[name] == nil {
				a.foreign["a property of "+e.Name]++
			}
		}
	}
	for _, f := range o.Facts {
		if d := c.Data[f.Name]; d != nil && len(a.values) < mostValues && identifying(d) && len(f.Value) >= 6 {
			a.values[f.Value] = f.Name
		}
	}
}

// identifying says whether a value of the datum, found in a file, would name its person.
func identifying(d *charter.Datum) bool {
	return d.Kind == charter.Identifier || d.Type.Name == charter.TName || d.Type.Name == charter.TEmail || d.Type.Name == charter.TPhone
}

func hasLines(e *charter.Event) bool {
	for _, p := range e.Properties {
		if p.Type.Name == charter.TItems || p.Type.Name == charter.TItem {
			return true
		}
	}
	return false
}

// age counts what is older than its retention and two runs of the sweep.
func (a *atRest) age(name string, retain charter.Span, at, received person.Instant) {
	if retain.IsZero() {
		return
	}
	if at == 0 {
		at = received
	}
	if retain.After(at).Add(2*a.home.Keep) < a.now {
		a.overdue[name]++
		a.old++
	}
}

// undeclared says whether anything is kept that the charter in force does not name.
func (a *atRest) undeclared() Result {
	r := Result{Check: UndeclaredRest, Cases: a.things}
	for _, n := range a.foreign {
		r.Failed += n
	}
	r.Detail = fmt.Sprintf("facts, events and properties looked at: %d", a.things)
	if len(a.foreign) > 0 {
		r.Detail += fmt.Sprintf("; not in the charter: %s", a.foreign)
	}
	if a.unreadable > 0 {
		r.Detail += fmt.Sprintf("; rows that cannot be opened: %d", a.unreadable)
		r.Failed += a.unreadable
	}
	return r.needsCases()
}

func (a *atRest) retention() Result {
	r := Result{Check: Retention, Cases: a.things, Failed: a.old, Detail: fmt.Sprintf("looked at: %d, swept every %s", a.things, a.home.Keep)}
	if len(a.overdue) > 0 {
		r.Detail += fmt.Sprintf("; kept for too long: %s", a.overdue)
	}
	return r.needsCases()
}

// thief reads every file of the home but the keys, as somebody who stole it would, and looks for what names a person.
func (a *atRest) thief() Result {
	r := Result{Check: ThiefSees}
	if a.home.Dir == "" {
		r.Detail = "the database is on another machine: what its files hold was not looked at; rows are sealed as on SQLite"
		r.Cases = 1
		return r
	}
	var names []string
	found := tally{}
	needles := newNeedles(a.values)
	err := filepath.WalkDir(a.home.Dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() {
			if d.Name() == "keys" && filepath.Dir(path) == filepath.Clean(a.home.Dir) {
				return filepath.SkipDir
			}
			return nil
		}
		if !d.Type().IsRegular() {
			return nil
		}
		rel, err := filepath.Rel(a.home.Dir, path)
		if err != nil {
			return err
		}
		names = append(names, rel)
		return needles.search(path, func(fact string) { found[fact+" in "+rel]++ })
	})
	r.Cases = len(a.values) * len(names)
	for _, n := range found {
		r.Failed += n
	}
	if err != nil {
		r.Failed++
		r.Detail = "a file could not be read to its end; "
	}
	sort.Strings(names)
	r.Detail += fmt.Sprintf("%d identifying values searched for in %s; in clear are: pseudonyms, times, numbers for kinds of rows and of events, who looked for what purpose, charter, catalogue, models", len(a.values), strings.Join(names, ", "))
	if len(found) > 0 {
		r.Detail = fmt.Sprintf("found in clear: %s; ", found) + r.Detail
	}
	return r.needsCases()
}

// needles finds many texts in a file in one pass: by their first six bytes, then whole.
type needles struct {
	by map[[6]byte][]string
	is map[string]string
}

func newNeedles(values map[string]string) *needles {
	n := &needles{by: map[[6]byte][]string{}, is: values}
	for v := range values {
		n.by[[6]byte([]byte(v)[:6])] = append(n.by[[6]byte([]byte(v)[:6])], v)
	}
	return n
}

func (n *needles) search(path string, found func(fact string)) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer func() { _ = f.Close() }()
	const window, overlap = 1 << 20, 512
	buf := make([]byte, 0, window+overlap)
	for {
		kept := len(buf)
		m, err := io.ReadFull(f, buf[kept:min(cap(buf), kept+window)])
		buf = buf[:kept+m]
		for i := 0; i+6 <= len(buf); i++ {
			for _, v := range n.by[[6]byte(buf[i:i+6])] {
				if i+len(v) <= len(buf) && i+len(v) > kept && bytes.HasPrefix(buf[i:], []byte(v)) {
					found(n.is[v])
				}
			}
		}
		if err == io.EOF || err == io.ErrUnexpectedEOF {
			return nil
		}
		if err != nil {
			return err
		}
		tail := min(overlap, len(buf))
		copy(buf, buf[len(buf)-tail:])
		buf = buf[:tail]
	}
}

// verify walks the ledger with everybody's keys.
func verify(ctx context.Context, h Home) Result {
	r := Result{Check: Ledger}
	report, err := VerifyLedger(ctx, h)
	if err != nil {
		return Result{Check: Ledger, Failed: 1, Detail: "the ledger could not be read to its end"}
	}
	r.Cases, r.Failed = int(report.Size), len(report.Problems)
	var said []string
	for i, p := range report.Problems {
		if i == 10 {
			said = append(said, "…")
			break
		}
		said = append(said, fmt.Sprintf("entry %d: %s", p.Number, p.Fault))
	}
	r.Detail = fmt.Sprintf("%d entries checked against the signed tree", report.Size)
	if len(said) > 0 {
		r.Detail += "; " + strings.Join(said, "; ")
	}
	return r.needsCases()
}

// VerifyLedger folds what waits and walks the ledger, with the key of every person of whom a row still tells.
func VerifyLedger(ctx context.Context, h Home) (ledger.Report, error) {
	if _, err := h.Ledger.Sequence(ctx); err != nil {
		return ledger.Report{}, err
	}
	keys := map[person.ID][]byte{}
	return h.Ledger.Verify(ctx, func(row ledger.Row) ([]byte, bool) {
		if row.Of.IsZero() {
			k, err := h.Vault.Home().LeafKey()
			return k, err == nil
		}
		if k, ok := keys[row.Of]; ok {
			return k, k != nil
		}
		keys[row.Of] = nil
		loaded, err := h.Store.Load(ctx, row.Of)
		if err != nil {
			return nil, false
		}
		ring, err := h.Vault.Key(row.Of, loaded.Wrapped[row.Of])
		if err != nil {
			return nil, false
		}
		k, err := ring.LeafKey()
		if err != nil {
			return nil, false
		}
		keys[row.Of] = k
		return k, true
	})
}
