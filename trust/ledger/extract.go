package ledger

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"

	"github.com/rapporthq/rapport/person"
)

// ExtractFormat is what a file of looks calls itself.
const ExtractFormat = "rapport looks 1"

// Extract is what one person takes away of the ledger: the looks at their data, each with the proof that it is in the ledger over
// which Head was signed. It names no pseudonym, and holds no key: who checks it brings the ledger's public key from elsewhere.
//
// What it proves: who looked, when, for what purpose, at what, and in which place of the ledger. The words of a reason are bound by
// Leaf, under a key of the person's that stays in the home; and no proof can show a look that the file leaves out.
type Extract struct {
	Format  string         `json:"format"`
	Head    string         `json:"head"`
	Looks   []ExtractEntry `json:"looks"`
	Waiting int            `json:"waiting"` // looks that had no number yet, and so are not in it
	More    bool           `json:"more"`    // there are older ones
}

// ExtractEntry is one look of an Extract.
type ExtractEntry struct {
	Number  int64            `json:"number"`
	At      string           `json:"at"`
	Kind    string           `json:"kind"`
	Actor   string           `json:"actor"`
	Role    string           `json:"role"`
	Team    string           `json:"team"`
	Purpose string           `json:"purpose"`
	Fields  string           `json:"fields"`
	Count   int              `json:"people"`
	Filter  string           `json:"filter"`
	Reason  string           `json:"reason"` // in the actor's words, as the home opened them: not proved
	Leaf    []byte           `json:"leaf"`
	Proof   tlog.RecordProof `json:"proof"`
}

// Public is the ledger's public key, in the note package's text form.
func (l *Ledger) Public() string { return l.public }

// Signed is the signed head, empty before the first look.
func (l *Ledger) Signed(ctx context.Context) ([]byte, error) { return l.store.Head(ctx) }

// Extract makes the file of the latest looks at these pseudonyms, and at populations, up to most. reason opens the words of a look's
// reason, or gives none.
func (l *Ledger) Extract(ctx context.Context, of []person.ID, most int, reason func(Row) string) (Extract, error) {
	rows, err := l.store.Looks(ctx, of, most+1)
	if err != nil {
		return Extract{}, err
	}
	signed, err := l.store.Head(ctx) // after the rows: it covers every number among them
	if err != nil {
		return Extract{}, err
	}
	h, err := l.readHead(signed)
	if err != nil {
		return Extract{}, fmt.Errorf("%w (%w)", ErrTree, err)
	}
	x := Extract{Format: ExtractFormat, Head: string(signed), Looks: []ExtractEntry{}, More: len(rows) > most}
	for _, r := range rows[:min(len(rows), most)] {
		if r.Number == 0 {
			x.Waiting++
			continue
		}
		proof, err := tlog.ProveRecord(h.size, r.Number-1, reader{ctx, l.store})
		if err != nil {
			return Extract{}, err
		}
		x.Looks = append(x.Looks, ExtractEntry{
			Number: r.Number, At: r.At.Time().Format(time.RFC3339Nano), Kind: r.Kind, Actor: r.Actor, Role: r.Role, Team: r.Team, Purpose: r.Purpose,
			Fields: r.Fields, Count: r.Count, Filter: r.Filter, Reason: reason(r), Leaf: r.Leaf[:], Proof: proof,
		})
	}
	return x, nil
}

// The faults of an Extract, beside those of the ledger.
const (
	NoExtract Fault = "not-an-extract" // the file is not one, or was changed so that it is none any more
	Twice     Fault = "twice"          // one entry stands in it more than once
)

// CheckExtract checks such a file with nothing but the ledger's public key, and says what is wrong with it. The error is for a key that
// is none.
func CheckExtract(file []byte, public string) (Extract, Report, error) {
	verifier, err := note.NewVerifier(public)
	if err != nil {
		return Extract{}, Report{}, errors.New("that is not a ledger's public key: copy it from the page where the file came from")
	}
	var x Extract
	var rep Report
	d := json.NewDecoder(bytes.NewReader(file))
	d.DisallowUnknownFields()
	if err := d.Decode(&x); err != nil || x.Format != ExtractFormat || d.More() || x.Waiting < 0 {
		rep.add(0, NoExtract, "This is no file of looks, or it was changed so that it is none any more.")
		return Extract{}, rep, nil
	}
	l := &Ledger{verifier: verifier}
	h, err := l.readHead([]byte(x.Head))
	if err != nil {
		rep.add(0, BadSignature, "The head in the file is not signed by the key that you gave: the file was changed, or is another brand's.")
		return x, rep, nil
	}
	rep.Size, rep.Waiting = h.size, x.Waiting
	seen := make(map[int64]bool, len(x.Looks))
	for i := range x.Looks {
		e := &x.Looks[i]
		rep.Rows++
		switch r, err := e.row(); {
		case seen[e.Number]:
			rep.add(e.Number, Twice, fmt.Sprintf("Entry %d is in the file twice.", e.Number))
		case e.Number < 1 || e.Number > h.size:
			rep.add(e.Number, Added, fmt.Sprintf("The signed head does not cover an entry %d.", e.Number))
		case err != nil || tlog.CheckRecord(e.Proof, h.size, h.root, e.Number-1, record(r)) != nil:
			rep.add(e.Number, Changed, fmt.Sprintf("Entry %d is not in the ledger as the file has it: the entry or its proof was changed.", e.Number))
		}
		seen[e.Number] = true
	}
	return x, rep, nil
}

// row is the look as the ledger has it, as far as the tree binds it.
func (e *ExtractEntry) row() (Row, error) {
	at, err := time.Parse(time.RFC3339Nano, e.At)
	if err != nil || len(e.Leaf) != len(Row{}.Leaf) || e.Count < 0 || person.At(at).Time().Format(time.RFC3339Nano) != e.At {
		return Row{}, errors.New("the entry is none")
	}
	r := Row{Number: e.Number, At: person.At(at), Kind: e.Kind, Actor: e.Actor, Role: e.Role, Team: e.Team, Purpose: e.Purpose, Fields: e.Fields, Count: e.Count, Filter: e.Filter}
	copy(r.Leaf[:], e.Leaf)
	return r, nil
}
