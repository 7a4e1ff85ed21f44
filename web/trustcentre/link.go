package trustcentre

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"

	strict "github.com/go-json-experiment/json"

	"github.com/rapporthq/rapport/fault"
	"github.com/rapporthq/rapport/person"
	"github.com/rapporthq/rapport/trust/access"
	"github.com/rapporthq/rapport/trust/vault"
	"github.com/rapporthq/rapport/web/page"
)

// Links makes single-use ways into the trust centre for the brand's own server, which knows who is signed in there: its word
// counts only with a token that may attest. A person of whom nothing is kept yet gets a pseudonym, so that they can say no.
type Links struct {
	Store    vault.Store
	Vault    *vault.Vault
	Sessions access.Sessions
	Clock    person.Clock
	Limiter  *access.Limiter // by person: nil for none
	Tombs    Tombs           // nil: nobody was ever forgotten
}

// Tombs knows the marks that stay of people who were forgotten. rights.Store is one.
type Tombs interface {
	// Tombstoned says which of these marks there are, and since when.
	Tombstoned(ctx context.Context, stones []vault.Tombstone) (map[vault.Tombstone]person.Instant, error)
}

// How many links a second come back for one person, and how many there may be at once: a page that asks in a loop must not fill the store.
const linkRate, linkBurst = 1, 60

var errLinks = fault.New(fault.TooMany, "Too many links were asked for this person: wait as long as Retry-After says, and use the last one.")

// LinkDoor is its row in the table of doors.
var LinkDoor = access.Door{Method: "POST", Pattern: "/api/sign-in-links", Roles: []access.Role{access.Decide}, Says: "a single-use way into the trust centre for who is signed in at the brand"}

type linkRequest struct {
	Person struct {
		UserID      string `json:"userId"`
		AnonymousID string `json:"anonymousId"`
	} `json:"person"`
	Attested bool `json:"attested"`
}

var errLink = fault.New(fault.Invalid, `Send {"person": {"userId": "…"}, "attested": true}, or anonymousId in the place of userId.`)

// readLink reads whose link is asked for. Double names and bytes that are no UTF-8 are refused: each could let somebody else in.
func readLink(body []byte) (kind vault.IdentifierKind, value string, attested bool, err error) {
	var req linkRequest
	if strict.Unmarshal(body, &req) != nil || (req.Person.UserID == "") == (req.Person.AnonymousID == "") {
		return "", "", false, errLink
	}
	if req.Person.UserID != "" {
		return vault.UserID, req.Person.UserID, req.Attested, nil
	}
	return vault.AnonymousID, req.Person.AnonymousID, req.Attested, nil
}

// Make answers the door with {"url": "/trust/enter/…"}.
func (l *Links) Make(w http.ResponseWriter, r *http.Request, p access.Principal) {
	url, err := l.make(w, r, p)
	if err != nil {
		page.Problem(w, err)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	_ = json.NewEncoder(w).Encode(map[string]string{"url": url})
}

func (l *Links) make(w http.ResponseWriter, r *http.Request, p access.Principal) (string, error) {
	body, err := io.ReadAll(io.LimitReader(r.Body, 16<<10))
	if err != nil {
		return "", errLink
	}
	kind, value, attested, err := readLink(body)
	if err != nil {
		return "", err
	}
	if !attested || !p.MayAttest {
		return "", fault.New(fault.Refused, "Only a token that may attest a sign-in can ask for a link, and it must say so: make one with rapport token --attest.")
	}
	index := l.Vault.Index()
	blind, err := index.Blind(kind, value)
	if err != nil {
		return "", fault.Wrap(fault.Invalid, "That identifier cannot be used; send it as the events have it.", err)
	}
	if l.Limiter != nil {
		if ok, wait := l.Limiter.Take("link "+string(blind[:]), linkRate, linkBurst, l.Clock()); !ok {
			page.RetryIn(w, wait)
			return "", errLinks
		}
	}
	id, err := l.find(r.Context(), index, kind, value)
	if err != nil {
		return "", fault.Wrap(fault.Unavailable, "A link cannot be made just now; try again in a moment.", err)
	}
	text, err := access.NewLink(r.Context(), l.Sessions, access.Link{Person: id}, l.Clock())
	if err != nil {
		return "", fault.Wrap(fault.Unavailable, "A link cannot be made just now; try again in a moment.", err)
	}
	return "/trust/enter/" + text, nil
}

// User gives the pseudonym of a userId for whom the brand vouches. Errors are faults.
func (l *Links) User(ctx context.Context, userID string) (person.ID, error) {
	index := l.Vault.Index()
	if _, err := index.Blind(vault.UserID, userID); err != nil {
		return person.ID{}, ErrEntry
	}
	id, err := l.find(ctx, index, vault.UserID, userID)
	if err != nil {
		return person.ID{}, fault.Wrap(fault.Unavailable, "You cannot be signed in just now; try again in a moment.", err)
	}
	return id, nil
}

// ErrEntry is what whoever comes in with a link or token that is not good is told, whatever is wrong with it.
var ErrEntry = fault.New(fault.Unauthorised, "This way in has been used, has run out, or is not ours; go back to the shop and come in again from there.")

// find gives the pseudonym to which the blind leads now, and makes one when there is none. Of two who make it at once one wins. Who was forgotten comes in as
// somebody of whom nothing is kept until they choose.
func (l *Links) find(ctx context.Context, index vault.Index, kind vault.IdentifierKind, value string) (person.ID, error) {
	for range 3 {
		blind, err := index.Blind(kind, value)
		if err != nil {
			return person.ID{}, err
		}
		now := l.Clock()
		rows, err := l.Store.Find(ctx, []vault.Blind{blind})
		if err != nil {
			return person.ID{}, err
		}
		var best vault.Identifier
		for _, row := range rows {
			if row.Since <= now && (best.Of.IsZero() || row.Since > best.Since) {
				best = row
			}
		}
		if !best.Of.IsZero() {
			return best.Of, nil
		}
		e, key, err := l.Vault.Enrol(now)
		if err != nil {
			return person.ID{}, err
		}
		e.Identifiers = []vault.Identifier{{Blind: blind, Of: e.ID, Verified: true}}
		change := vault.Change{Enrol: []vault.Enrolment{e}, Blinds: index.Generation()}
		if l.Tombs != nil {
			marks, err := l.Vault.Tombstones(kind, value)
			if err != nil {
				return person.ID{}, err
			}
			found, err := l.Tombs.Tombstoned(ctx, marks)
			if err != nil {
				return person.ID{}, err
			}
			if len(found) > 0 {
				change.Put = append(change.Put, key.SealSuppressed(vault.Everything, now))
			} else {
				change.Unless = marks
			}
		}
		err = l.Store.Commit(ctx, change)
		if err == nil {
			return e.ID, nil
		}
		if !errors.Is(err, vault.ErrStale) {
			return person.ID{}, err
		}
		index = l.Vault.Index()
	}
	return person.ID{}, vault.ErrUnavailable
}
