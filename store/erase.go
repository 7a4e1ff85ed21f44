package store

import (
	"bytes"
	"context"
	"database/sql/driver"
	"encoding/json"
	"fmt"
	"math"
	"slices"

	"github.com/rapporthq/rapport/person"
	"github.com/rapporthq/rapport/trust/access"
	"github.com/rapporthq/rapport/trust/ledger"
	"github.com/rapporthq/rapport/trust/rights"
	"github.com/rapporthq/rapport/trust/vault"
)

var (
	_ rights.Store  = (*Store)(nil)
	_ rights.Holder = (*Store)(nil)
)

// holdings are the tables in which something about people is kept. A table that is in neither list fails a test.
var holdings = []rights.Holding{
	{Name: "people", Keeps: "pseudonyms, which are one person, and their wrapped data keys", Table: "person", Column: "id", Forgets: rights.Deleted},
	{Name: "identifiers", Keeps: "keyed hashes by which they are found", Table: "identifier", Column: "person", Forgets: rights.Deleted},
	{Name: "facts, choices, feedback, complaints and the like", Keeps: "sealed rows", Table: "sealed", Column: "person", Forgets: rights.Deleted},
	{Name: "receipts", Keeps: "sealed accounts of decisions; of each its time stays, and a hash that nobody can make again", Table: "receipt", Column: "person", Forgets: rights.Emptied},
	{Name: "events", Keeps: "sealed history", Table: "history", Column: "person", Forgets: rights.Deleted},
	{Name: "events on their way", Keeps: "sealed events that are not in history yet", Table: "journal", Forgets: rights.Overwritten},
	{Name: "sessions", Keeps: "hashes of cookies, and whose they are", Table: "session", Column: "person", Forgets: rights.Deleted},
	{Name: "sign-in links", Keeps: "hashes of links, and whose they are", Table: "link", Forgets: rights.Deleted},
	{Name: "sightings", Keeps: "keyed hashes of people who bought a product that the catalogue does not know", Table: "sighting", Column: "person", Forgets: rights.Deleted},
	{Name: "values that join", Keeps: "pseudonyms that share a value, and a random name of the value", Table: "bearer", Column: "person", Forgets: rights.Deleted},
	{Name: "pairs", Keeps: "two pseudonyms that may be one person's, what each field weighs, and what a steward said", Table: "pairing", Column: "a", Forgets: rights.Deleted},
	{Name: "looks", Keeps: "whose data was looked at, and the sealed reason; who looked, when and for what stays", Table: "look", Column: "person", Forgets: rights.Emptied},
	{Name: "erasures under way", Keeps: "pseudonyms whose events are still to go", Table: "leaving", Column: "person", Forgets: rights.Deleted},
	{Name: "tombstones", Keeps: "keyed hashes of identifiers, under a key that nothing else uses", Table: "tombstone", Forgets: rights.Stays},
	{Name: "retained", Keeps: "what a law obliges to keep, sealed under a key of its own", Table: "retained", Forgets: rights.Stays},
	{Name: "certificates", Keeps: "that somebody was forgotten, and when", Table: "erasure", Forgets: rights.Stays},
	{Name: "where events lie", Keeps: "an index of the journal by pseudonym", Forgets: rights.Deleted},
	{Name: "versions of people", Keeps: "pseudonyms and numbers", Forgets: rights.Deleted},
	{Name: "receipts on their way", Keeps: "sealed receipts of the last moment", Forgets: rights.Deleted},
}

// aboutNobody are the other tables, and what is in them instead of people.
var aboutNobody = map[string]string{
	"charter": "charters", "item": "the catalogue: products that at least k people have", "model": "weights that rest on at least k people", "counter": "numbers",
	"setting": "marks of our own, and how far files were imported", "stream": "names of events and sources", "tree": "hashes of the ledger", "head": "the ledger's signed head",
	"token": "hashes of staff's and sources' tokens", "spent": "hashes of sign-in tokens that were used, until they run out", "refusal": "counts by the charter's names", "tally": "counts by day",
	"lease": "names of processes", "migration": "versions", "compatible": "versions", "folded": "a number",
}

// Holdings are the tables and the memory of the store that hold something about people. See rights.Holder.
func (s *Store) Holdings() []rights.Holding { return slices.Clone(holdings) }

// Forget drops receipts that wait to be written. The rest of what is in memory goes with the rows: see ForgetPerson.
func (s *Store) Forget(people []person.ID) {
	gone := make(map[person.ID]bool, len(people))
	for _, id := range people {
		gone[id] = true
	}
	k := &s.keep
	k.mu.Lock()
	defer k.mu.Unlock()
	k.waiting = slices.DeleteFunc(k.waiting, func(r vault.Row) bool { return gone[r.Of] })
}

// ForgetPerson destroys the keys of one person and removes their rows. See rights.Store.
func (s *Store) ForgetPerson(ctx context.Context, f rights.Forgetting) (sessions [][32]byte, err error) {
	return asked(ctx, s, func(ctx context.Context, c conn) ([][32]byte, error) {
		s.versions.forget(f.People)
		if err := s.still(ctx, c, f.Seen); err != nil {
			return nil, err
		}
		e := erasing{s: s, c: c, gone: rights.Gone{}}
		entry, err := e.accounts(ctx, f.People, f.Entry)
		if err != nil {
			return nil, err
		}
		blinds, err := e.rows(ctx, f)
		if err != nil {
			return nil, err
		}
		var qs []query
		var stones []vault.Tombstone
		var kept []vault.Retained
		if f.Draft != nil {
			s.unmarked.Store(false)
			stones, kept = f.Tombstones(blinds), f.Retained(blinds)
			draft, err := f.Draft(e.gone, stones, kept, entry)
			if err != nil {
				return nil, err
			}
			qs = append(qs, query{text: "INSERT INTO erasure (id, begun, ended, body) VALUES ($1, $2, 0, $3)", args: []driver.Value{f.ID[:], int64(f.At), draft}})
		}
		for i := range f.People {
			qs = append(qs, query{text: "INSERT INTO leaving (person, erasure) VALUES ($1, $2)", args: []driver.Value{f.People[i][:], f.ID[:]}})
		}
		for i := range stones {
			qs = append(qs, query{text: "INSERT INTO tombstone (hash, at) VALUES ($1, $2) ON CONFLICT (hash) DO UPDATE SET at = excluded.at", args: []driver.Value{stones[i][:], int64(f.At)}})
		}
		for i := range kept {
			qs = append(qs, query{text: "INSERT INTO retained (id, label, purpose, until, body) VALUES ($1, $2, $3, $4, $5)",
				args: []driver.Value{kept[i].ID[:], kept[i].Label[:], kept[i].Purpose, int64(kept[i].Until), kept[i].Body}})
		}
		return e.sessions, c.do(ctx, qs...)
	})
}

// still holds the person as they were seen.
func (s *Store) still(ctx context.Context, c conn, seen []vault.Seen) error {
	roots := make([]person.ID, len(seen))
	for i := range seen {
		roots[i] = seen[i].Root
	}
	held, err := s.hold(ctx, c, s.dialect.exclusive, roots)
	if err != nil {
		return err
	}
	return agrees(held, seen)
}

// erasing is one transaction that forgets somebody.
type erasing struct {
	s        *Store
	c        conn
	gone     rights.Gone
	sessions [][32]byte
}

// accounts empties the looks at these pseudonyms, and their receipts, and appends the row that says so. Without any there is a row too:
// somebody was forgotten.
func (e *erasing) accounts(ctx context.Context, people []person.ID, account rights.Account) (ledger.Row, error) {
	var numbers []int64
	waiting := false
	var ids []int64
	if err := e.s.latest(ctx, e.c, "look", "id", people, "id, number", "", math.MaxInt, func(r row) error {
		waiting = waiting || r[1] == nil
		ids, numbers = append(ids, r.int(0)), append(numbers, r.int(1))
		return nil
	}); err != nil {
		return ledger.Row{}, err
	}
	if waiting {
		return ledger.Row{}, rights.ErrUnnumbered
	}
	receipts, err := e.s.emptyReceipts(ctx, e.c, people)
	if err != nil {
		return ledger.Row{}, err
	}
	entry, err := account(numbers, receipts)
	if err != nil {
		return entry, err
	}
	e.gone["looks"] += len(numbers)
	e.gone["receipts"] += len(receipts)
	qs := lookRows(entry)
	for _, part := range portions(ids) {
		args := []driver.Value{bytes.Clone(ledger.Forgotten[:]), []byte{}}
		for i := range roundUp(len(part)) {
			args = append(args, part[min(i, len(part)-1)])
		}
		qs = append(qs, query{text: "UPDATE look SET person = $1, reason = $2 WHERE " + in("id", 3, len(part)), args: args})
	}
	return entry, e.c.do(ctx, qs...)
}

// rows removes the rows of the main database, and gives the blinds by which the person was found.
func (e *erasing) rows(ctx context.Context, f rights.Forgetting) (blinds []vault.Blind, err error) {
	var qs []query
	count := func(name string) func(row) error {
		return func(row) error { e.gone[name]++; return nil }
	}
	for _, part := range portions(f.People) {
		args := pad(nil, part)
		list := in("person", 1, len(part))
		qs = append(qs,
			query{text: "DELETE FROM identifier WHERE " + list + " RETURNING blind", args: args, scan: func(r row) error {
				e.gone["identifiers"]++
				if b := vault.Blind(r.id(0)); !slices.Contains(blinds, b) {
					blinds = append(blinds, b)
				}
				return nil
			}},
			query{text: "DELETE FROM sealed WHERE " + list + " RETURNING 1", args: args, scan: count("facts, choices, feedback, complaints and the like")},
			query{text: "DELETE FROM session WHERE " + list + " RETURNING hash", args: args, scan: func(r row) error {
				e.gone["sessions"]++
				e.sessions = append(e.sessions, [32]byte(r.bytes(0)))
				return nil
			}},
			query{text: "SELECT COUNT(*) FROM history WHERE " + list, args: args, scan: func(r row) error { e.gone["events"] += int(r.int(0)); return nil }},
			// Who was joined to them, or to whom they were, and is not forgotten, stands alone again.
			query{text: "UPDATE person SET root = id, parent = NULL, joined_at = 0, why = '', doubtful = 0, via = NULL, source = '', version = version + 1 WHERE " + in("root", 1, len(part)) + " AND NOT (" + in("id", 1, len(part)) + ") AND root <> id", args: args},
			query{text: "DELETE FROM person WHERE " + in("id", 1, len(part)) + " RETURNING 1", args: args, scan: count("people")},
		)
	}
	for _, part := range portions(f.People) {
		args := pad(nil, part)
		qs = append(qs,
			query{text: "DELETE FROM bearer WHERE " + in("person", 1, len(part)) + " RETURNING 1", args: args, scan: count("values that join")},
			query{text: "DELETE FROM pairing WHERE " + in("a", 1, len(part)) + " OR " + in("b", 1, len(part)) + " RETURNING 1", args: args, scan: count("pairs")})
	}
	for i := range f.Sightings {
		qs = append(qs, query{text: "DELETE FROM sighting WHERE person = $1 RETURNING 1", args: []driver.Value{f.Sightings[i].Person[:]}, scan: count("sightings")})
	}
	for i := range f.Claims {
		qs = append(qs, query{text: "DELETE FROM sealed WHERE kind = 9 AND key = $1 RETURNING 1", args: []driver.Value{f.Claims[i][:]}, scan: count("facts, choices, feedback, complaints and the like")})
	}
	var links [][]byte
	qs = append(qs, query{text: "SELECT hash, body FROM link", scan: func(r row) error { // as many as were asked for in the last minutes
		var l access.Link
		if err := json.Unmarshal(r.bytes(1), &l); err != nil || slices.Contains(f.People, l.Person) { // one that cannot be read leads nowhere
			links = append(links, r.bytes(0))
		}
		return nil
	}})
	if err := e.c.do(ctx, qs...); err != nil {
		return nil, err
	}
	qs = qs[:0]
	for _, hash := range links {
		e.gone["sign-in links"]++
		qs = append(qs, query{text: "DELETE FROM link WHERE hash = $1", args: []driver.Value{hash}})
	}
	return blinds, e.c.do(ctx, qs...)
}

// mostCleared is how many people one transaction of Clear takes.
const mostCleared = 1000

// Clear removes what is left of who was forgotten: events, and what others were writing at that moment. See rights.Store.
func (s *Store) Clear(ctx context.Context, entry rights.Account) error {
	s.folding.Lock() // nothing moves from the journal to history meanwhile
	defer s.folding.Unlock()
	for {
		var people []person.ID
		if err := s.engine.ask(ctx, query{text: "SELECT person FROM leaving ORDER BY person LIMIT $1", args: []driver.Value{int64(mostCleared)},
			scan: func(r row) error { people = append(people, r.id(0)); return nil }}); err != nil || len(people) == 0 {
			return err
		}
		if err := s.clearMain(ctx, people, entry); err != nil {
			return err
		}
		if err := s.engine.fold(ctx, func(c conn) error {
			if s.dialect.alone != "" {
				if err := c.do(ctx, query{text: s.dialect.alone, scan: ignore}); err != nil {
					return err
				}
				if err := blankAll(ctx, c, people); err != nil {
					return err
				}
			}
			var qs []query
			for _, part := range portions(people) {
				qs = append(qs, query{text: "DELETE FROM history WHERE " + in("person", 1, len(part)), args: pad(nil, part)})
			}
			return c.do(ctx, qs...)
		}); err != nil {
			return err
		}
		if err := s.update(ctx, func(ctx context.Context, c conn) error {
			var qs []query
			for _, part := range portions(people) {
				qs = append(qs, query{text: "DELETE FROM leaving WHERE " + in("person", 1, len(part)), args: pad(nil, part)})
			}
			return c.do(ctx, qs...)
		}); err != nil {
			return err
		}
	}
}

// clearMain removes what somebody was writing about people while they were forgotten, and their events from the journal of a home that has one to itself.
func (s *Store) clearMain(ctx context.Context, people []person.ID, account rights.Account) error {
	return s.update(ctx, func(ctx context.Context, c conn) error {
		if s.waiting != nil {
			return s.blankWaiting(ctx, c, people)
		}
		if err := c.do(ctx, query{text: s.dialect.still}); err != nil {
			return err
		}
		e := erasing{s: s, c: c, gone: rights.Gone{}}
		late := false
		for _, part := range portions(people) {
			args, found := pad(nil, part), func(row) error { late = true; return nil }
			if err := c.do(ctx, query{text: "SELECT id FROM look WHERE " + in("person", 1, len(part)), args: args, scan: found},
				query{text: "SELECT seq FROM receipt WHERE " + in("person", 1, len(part)), args: args, scan: found}); err != nil {
				return err
			}
		}
		if late {
			if _, err := e.accounts(ctx, people, account); err != nil {
				return err
			}
		}
		_, err := e.rows(ctx, rights.Forgetting{People: people})
		return err
	})
}

// blankWaiting overwrites these people's frames where they lie in the journal; the index knows where. What was folded before a crash and not deleted goes first.
func (s *Store) blankWaiting(ctx context.Context, c conn, people []person.ID) error {
	if err := c.do(ctx, query{text: "DELETE FROM journal WHERE seq <= (SELECT seq FROM folded)"}); err != nil {
		return err
	}
	at := map[int64][]int32{}
	for _, id := range people {
		for _, f := range s.waiting.find(id) {
			at[f.seq] = append(at[f.seq], f.offset)
		}
	}
	for seq, offsets := range at {
		var body []byte
		if err := c.do(ctx, query{text: "SELECT body FROM journal WHERE seq = $1", args: []driver.Value{seq}, scan: func(r row) error { body = slices.Clone(r.bytes(0)); return nil }}); err != nil {
			return err
		}
		for _, o := range offsets {
			if int(o) > len(body) {
				return vault.ErrFrames
			}
			if err := vault.BlankFrame(body[o:]); err != nil {
				return err
			}
		}
		if err := c.do(ctx, query{text: "UPDATE journal SET body = $2 WHERE seq = $1", args: []driver.Value{seq, body}}); err != nil {
			return err
		}
	}
	s.waiting.forget(people)
	return nil
}

// blankAll is blankWaiting where there is no index: it looks through all that waits, which is little.
func blankAll(ctx context.Context, c conn, people []person.ID) error {
	gone := make(map[person.ID]bool, len(people))
	for _, id := range people {
		gone[id] = true
	}
	var touched []query
	if err := c.do(ctx, query{text: "SELECT seq, received, body FROM journal ORDER BY seq", scan: func(r row) error {
		body, at, changed := slices.Clone(r.bytes(2)), 0, false
		var scratch []byte
		if err := vault.ParseFrames(r.bytes(2), r.at(1), func(f vault.Frame) error {
			scratch = vault.AppendFrame(scratch[:0], r.at(1), &f)
			from := at
			at += len(scratch)
			if !gone[f.Of] {
				return nil
			}
			changed = true
			return vault.BlankFrame(body[from:])
		}); err != nil {
			return err
		}
		if changed {
			touched = append(touched, query{text: "UPDATE journal SET body = $2 WHERE seq = $1", args: []driver.Value{r.int(0), body}})
		}
		return nil
	}}); err != nil {
		return err
	}
	return c.do(ctx, touched...)
}

// Unfinished gives the erasures without a certificate. See rights.Store.
func (s *Store) Unfinished(ctx context.Context) (all []rights.Pending, err error) {
	err = s.engine.ask(ctx, query{text: "SELECT id, begun, body FROM erasure WHERE ended = 0 ORDER BY begun, id", scan: func(r row) error {
		all = append(all, rights.Pending{ID: r.id(0), Begun: r.at(1), Draft: r.bytes(2)})
		return nil
	}})
	return all, err
}

// Issue keeps a certificate, once. See rights.Store.
func (s *Store) Issue(ctx context.Context, id [16]byte, at person.Instant, certificate []byte) error {
	return s.update(ctx, func(ctx context.Context, c conn) error {
		return c.do(ctx, query{text: "UPDATE erasure SET ended = $2, body = $3 WHERE id = $1 AND ended = 0", args: []driver.Value{id[:], int64(at), certificate}})
	})
}

// Certificate gives a certificate. See rights.Store.
func (s *Store) Certificate(ctx context.Context, id [16]byte) (certificate []byte, err error) {
	err = s.engine.ask(ctx, query{text: "SELECT body FROM erasure WHERE id = $1 AND ended <> 0", args: []driver.Value{id[:]}, scan: func(r row) error { certificate = r.bytes(0); return nil }})
	if err == nil && certificate == nil {
		err = vault.ErrNotFound
	}
	return certificate, err
}

// Certificates gives every certificate, the oldest first.
func (s *Store) Certificates(ctx context.Context, yield func(certificate []byte) error) error {
	return s.engine.ask(ctx, query{text: "SELECT body FROM erasure WHERE ended <> 0 ORDER BY ended, id", scan: func(r row) error { return yield(r.bytes(0)) }})
}

// Tombstoned says which marks there are. See rights.Store.
func (s *Store) Tombstoned(ctx context.Context, stones []vault.Tombstone) (map[vault.Tombstone]person.Instant, error) {
	found := map[vault.Tombstone]person.Instant{}
	if s.unmarked.Load() {
		return found, nil
	}
	for _, part := range portions(stones) {
		if err := s.engine.ask(ctx, query{text: "SELECT hash, at FROM tombstone WHERE " + in("hash", 1, len(part)), args: pad(nil, part),
			scan: func(r row) error { found[vault.Tombstone(r.id(0))] = r.at(1); return nil }}); err != nil {
			return nil, err
		}
	}
	return found, nil
}

// bars refuses a change that would bring somebody whose mark stays: they were forgotten after the gate had looked.
func (s *Store) bars(ctx context.Context, c conn, stones []vault.Tombstone) error {
	if s.unmarked.Load() {
		return nil
	}
	var qs []query
	for _, part := range portions(stones) {
		qs = append(qs, query{text: "SELECT 1 FROM tombstone WHERE " + in("hash", 1, len(part)), args: pad(nil, part), scan: func(row) error { return vault.ErrStale }})
	}
	return c.do(ctx, qs...)
}

func lift(qs []query, stones []vault.Tombstone) []query {
	for i := range stones {
		qs = append(qs, query{text: "DELETE FROM tombstone WHERE hash = $1", args: []driver.Value{stones[i][:]}})
	}
	return qs
}

// RetainedOf gives what is retained for one purpose under any of these labels, with the look in the same transaction.
func (s *Store) RetainedOf(ctx context.Context, labels [][16]byte, purpose string, look ledger.Row) ([]vault.Retained, error) {
	return read(ctx, s, []ledger.Row{look}, func(ctx context.Context, c conn) (out []vault.Retained, err error) {
		for _, part := range portions(labels) {
			if err := c.do(ctx, query{text: "SELECT id, label, purpose, until, body FROM retained WHERE purpose = $1 AND " + in("label", 2, len(part)) + " ORDER BY until, id", args: pad([]driver.Value{purpose}, part),
				scan: func(r row) error {
					out = append(out, vault.Retained{ID: r.id(0), Label: r.id(1), Purpose: r.text(2), Until: r.at(3), Body: r.bytes(4)})
					return nil
				}}); err != nil {
				return nil, err
			}
		}
		return out, nil
	})
}

// Rewrap puts other wrapped data keys in the place of those that wrap gives others for, a little at a time, and says how many. Others read and write meanwhile; a key that changed
// meanwhile stays as it is. It ends with a look at everybody while nobody enrols: when it returns, wrap was asked about every key there is.
func (s *Store) Rewrap(ctx context.Context, wrap func(id person.ID, wrapped []byte) ([]byte, error), progress func(done int)) (n int, err error) {
	const step = 2000
	done := 0
	var after person.ID
	for {
		got := 0
		var changed []query
		if err := s.engine.ask(ctx, query{text: "SELECT id, wrapped FROM person WHERE id > $1 ORDER BY id LIMIT $2", args: []driver.Value{after[:], int64(step)}, scan: func(r row) error {
			got++
			after = r.id(0)
			old := r.bytes(1)
			fresh, err := wrap(after, old)
			if err != nil || bytes.Equal(fresh, old) {
				return err
			}
			id := after
			changed = append(changed, query{text: "UPDATE person SET wrapped = $2 WHERE id = $1 AND wrapped = $3", args: []driver.Value{id[:], fresh, old}})
			return nil
		}}); err != nil {
			return n, err
		}
		if len(changed) > 0 {
			if err := s.update(ctx, func(ctx context.Context, c conn) error { return c.do(ctx, changed...) }); err != nil {
				return n, err
			}
			n += len(changed)
		}
		if done += got; progress != nil {
			progress(done)
		}
		if got < step {
			return n, nil
		}
	}
}

// Retire refuses from now on to enrol anybody whose data key is wrapped by this generation: what was judged before a rotation is judged again.
func (s *Store) Retire(ctx context.Context, g vault.Generation) error {
	if err := s.PutSetting(ctx, retired(g), "1"); err != nil || s.dialect.still == "" {
		return err
	}
	return s.engine.transaction(ctx, func(c conn) error { // who is enrolling just now has committed when this is granted
		return c.do(ctx, query{text: "LOCK TABLE person IN SHARE ROW EXCLUSIVE MODE"})
	})
}

func retired(g vault.Generation) string { return fmt.Sprintf("retired wrapping key %x", g[:]) }

// Keyless gives the pseudonyms whose data key is gone: those that a restored copy brought of who was forgotten since it was made.
func (s *Store) Keyless(ctx context.Context) (people []person.ID, err error) {
	err = s.engine.snapshot(ctx, func(c conn) error {
		people = people[:0]
		return c.do(ctx, query{text: "SELECT id FROM person WHERE LENGTH(wrapped) = 0 ORDER BY id", scan: func(r row) error { people = append(people, r.id(0)); return nil }})
	})
	return people, err
}
