// Package anchor keeps signed heads of the ledger outside the home, in a file or with a witness, so that who can write everything in the
// home, its keys included, cannot put the ledger back to an earlier day, or make it anew, without being found.
//
// It promises: a head is kept only after the ledger was seen to contain the one that was kept before; a witness is believed only when its
// cosignature is right under the key that the operator gave. It does not promise that a place keeps what it was given: that is why it lies
// in other hands. It does not notice what was changed between two heads before the second was kept.
package anchor

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"path/filepath"

	"golang.org/x/mod/sumdb/note"

	"github.com/rapporthq/rapport/fault"
	"github.com/rapporthq/rapport/person"
	"github.com/rapporthq/rapport/trust/ledger"
)

// Place is where heads are kept.
type Place struct {
	Where string // the absolute path of a file, or the address of a witness
	Key   string // the witness's public key (vkey of c2sp.org/tlog-cosignature); empty for a file
}

// Receipt says what a place keeps.
type Receipt struct {
	Size int64          // entries under the last head that it has
	At   person.Instant // when that was confirmed, by the place's clock
}

// Conflict says that the ledger is not the one whose heads the place keeps: it was cut back or made anew.
type Conflict struct{ ledger.Problem }

// Error names the fault.
func (c *Conflict) Error() string { return string(c.Fault) + ": " + c.Says }

// Parse makes a place out of what an operator says.
func Parse(where, key string) (Place, error) {
	u, err := url.Parse(where)
	if err != nil || u.Scheme != "https" && u.Scheme != "http" {
		if key != "" {
			return Place{}, fault.New(fault.Invalid, "Only a witness has a key: leave it out, or give the witness's https address.")
		}
		path, err := filepath.Abs(where)
		if where == "" || err != nil {
			return Place{}, fault.New(fault.Invalid, "Name a file outside the home, or the https address of a witness.")
		}
		return Place{Where: path}, nil
	}
	if u.User != nil || u.RawQuery != "" || u.Fragment != "" || u.Host == "" || u.Scheme == "http" && !loopback(u.Hostname()) {
		return Place{}, fault.New(fault.Invalid, "A witness's address is https://host/path, without a name, question mark or anchor in it.")
	}
	if _, err := newVerifier(key); err != nil {
		return Place{}, fault.New(fault.Invalid, "Give the witness's public key: its operator publishes it, as name+digits+letters.")
	}
	return Place{Where: where, Key: key}, nil
}

// loopback says whether nobody is between: a witness on the same machine, behind a proxy of its own, or in a test.
func loopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// IsWitness says whether it is a witness, not a file.
func (p Place) IsWitness() bool { return p.Key != "" }

// Keep brings the ledger's head to the place, after seeing that the ledger contains the one that is kept there. old is what a witness was last
// known to have. A *Conflict says that it does not; any other error, that the place could not be asked. An empty ledger has no head to keep.
func (p Place) Keep(ctx context.Context, client *http.Client, l *ledger.Ledger, old int64, now person.Instant) (Receipt, error) {
	if p.IsWitness() {
		return p.cosign(ctx, client, l, old)
	}
	return p.keepLine(ctx, l, now)
}

// Heads are the heads that a file keeps, the earliest first. A witness gives none out: Keep asks it.
func (p Place) Heads() ([]ledger.Kept, error) {
	if p.IsWitness() {
		return nil, nil
	}
	return readLines(p.Where)
}

// failed is an error of a place that could not be asked; it names the place and nothing that the place said.
func (p Place) failed(says string, args ...any) error {
	return fault.New(fault.Unavailable, fmt.Sprintf("%s %s.", p.Where, fmt.Sprintf(says, args...)))
}

var _ note.Verifier = (*verifier)(nil)
