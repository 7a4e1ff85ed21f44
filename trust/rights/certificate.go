package rights

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"strings"
	"time"

	"golang.org/x/mod/sumdb/note"

	"github.com/rapporthq/rapport/person"
	"github.com/rapporthq/rapport/trust/ledger"
	"github.com/rapporthq/rapport/trust/vault"
)

// Certificate says that somebody was forgotten. It does not say who: only who knows an identifier of theirs, and has the home's keys, can tell by the
// tombstones whether it is about them.
type Certificate struct {
	ID       string    `json:"id"`
	Home     string    `json:"home"` // the name of the key that signs
	Asked    time.Time `json:"asked"`
	Done     time.Time `json:"done"`
	By       string    `json:"by"`
	Role     string    `json:"role"`
	Keys     int       `json:"keysDestroyed"` // data keys: one for each pseudonym
	Gone     []Part    `json:"gone"`
	Memory   []Part    `json:"memory"`     // what was let go of in memory
	Retained []Kept    `json:"retained"`   // what a law obliges to keep
	Stones   []string  `json:"tombstones"` // the one trace that stays
	Entry    Entry     `json:"ledger"`     // what the ledger says of it
	Pages    string    `json:"pages"`      // when no byte of it is left in the database's files
}

// Part is one holding, and how many rows of it went.
type Part struct {
	Name  string `json:"name"`
	Keeps string `json:"keeps"`
	How   string `json:"how"`
	Count int    `json:"count"`
}

// Kept is something that a law obliges the brand to keep, sealed and closed to every other purpose.
type Kept struct {
	What    string    `json:"what"` // the charter's name of the fact or event
	Purpose string    `json:"purpose"`
	Until   time.Time `json:"until"`
}

// Entry is the ledger's entry about an erasure.
type Entry struct {
	Number int64  `json:"number"`
	Leaf   string `json:"leaf"`
	From   int64  `json:"from"` // entries that there were before: it comes after them
}

const title = "rapport certificate of erasure 1\n"

// sign writes the certificate as a signed note.
func (c Certificate) sign(signer note.Signer) ([]byte, error) {
	raw, err := json.MarshalIndent(c, "", "  ")
	if err != nil {
		return nil, err
	}
	return note.Sign(&note.Note{Text: title + string(raw) + "\n"}, signer)
}

// Check reads a certificate and checks its signature with the public half of a home's ledger key. ErrCertificate when any byte of it was changed.
func Check(certificate []byte, key string) (Certificate, error) {
	v, err := note.NewVerifier(strings.TrimSpace(key))
	if err != nil {
		return Certificate{}, ErrCertificate
	}
	n, err := note.Open(certificate, note.VerifierList(v))
	if err != nil || len(n.Sigs) != 1 {
		return Certificate{}, ErrCertificate
	}
	// A signature can be spelt in several ways in base64: only the one that was written counts.
	raw, err := base64.StdEncoding.DecodeString(n.Sigs[0].Base64)
	if err != nil || string(certificate) != n.Text+"\n— "+n.Sigs[0].Name+" "+base64.StdEncoding.EncodeToString(raw)+"\n" {
		return Certificate{}, ErrCertificate
	}
	body, ok := strings.CutPrefix(n.Text, title)
	if !ok {
		return Certificate{}, ErrCertificate
	}
	var c Certificate
	d := json.NewDecoder(bytes.NewReader([]byte(body)))
	d.DisallowUnknownFields()
	if d.Decode(&c) != nil || c.Home != v.Name() {
		return Certificate{}, ErrCertificate
	}
	return c, nil
}

// About says whether the certificate is about whoever has one of these marks.
func (c Certificate) About(stones []vault.Tombstone) bool {
	for _, s := range stones {
		for _, t := range c.Stones {
			if t == hex.EncodeToString(s[:]) {
				return true
			}
		}
	}
	return false
}

// draft is what is kept of an erasure until its certificate is issued.
type draft struct {
	Certificate
	Now bool `json:"now"` // it waits for the pages
}

func (d *draft) fill(gone Gone, holdings []Holding, stones []vault.Tombstone, entry ledger.Row) {
	for _, h := range holdings {
		if h.Forgets == RunsOut {
			continue
		}
		p := Part{Name: h.Name, Keeps: h.Keeps, How: h.Forgets, Count: gone[h.Name]}
		if h.Table == "" {
			d.Memory = append(d.Memory, p)
		} else {
			d.Gone = append(d.Gone, p)
		}
	}
	for _, s := range stones {
		d.Stones = append(d.Stones, hex.EncodeToString(s[:]))
	}
	d.Entry.Leaf = hex.EncodeToString(entry.Leaf[:])
}

func when(at person.Instant) time.Time { return at.Time().UTC().Truncate(time.Second) }
