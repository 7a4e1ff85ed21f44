// Package storetest is the store's conformance suite: every promise in the comments of vault.Store, ledger.Store and the
// other ports, asked of a home on any engine. Each case opens, closes and opens the home again as it likes.
package storetest

import (
	"context"
	"encoding/binary"
	"sync/atomic"
	"testing"

	"github.com/rapporthq/rapport/person"
	"github.com/rapporthq/rapport/store"
	"github.com/rapporthq/rapport/trust/ledger"
	"github.com/rapporthq/rapport/trust/vault"
)

// Home is where a case keeps its database: options that Open may be given again and again.
type Home struct {
	Options store.Options
	now     atomic.Int64
}

// Noon is when every case begins.
const Noon person.Instant = 1_795_000_000_000_000

// Clock is the case's own time.
func (h *Home) Clock() person.Instant { return Noon + person.Instant(h.now.Load()) }

// Pass lets time pass.
func (h *Home) Pass(micros int64) { h.now.Add(micros) }

// Open opens the home; it is closed when the case ends.
func (h *Home) Open(t testing.TB) *store.Store {
	t.Helper()
	o := h.Options
	if o.Clock == nil {
		o.Clock = h.Clock
	}
	s, err := store.Open(context.Background(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s
}

// Run asks everything of homes that fresh makes, one for each case.
func Run(t *testing.T, fresh func(t *testing.T) store.Options) {
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel() // most of a case is waiting for the disk
			c.run(t, &Home{Options: fresh(t)})
		})
	}
}

var cases = []struct {
	name string
	run  func(*testing.T, *Home)
}{
	{"enrolled people are found and loaded", found},
	{"what is unknown is not found", unknown},
	{"whom identifiers lead to is loaded as Find and Load give them", loadedBy},
	{"identifiers and whom they lead to are read in one state", oneState},
	{"the newer row stays", newerStays},
	{"versions rise with what changes permission", versions},
	{"a change judged by an old version is stale", stale},
	{"of a hundred enrolments of one person one is first", race},
	{"identifiers conflict by blind and since", identifiers},
	{"a failing act leaves nothing, and its neighbours stand", neighbours},
	{"joins move pseudonyms and splits undo them", joins},
	{"any walk of joins and splits agrees with a plain model", walk},
	{"what a steward said of two is kept, and no join goes against it", pairs},
	{"a match proposes, and decides nothing", proposals},
	{"a value of too many people makes its links doubtful", bonds},
	{"folding keeps every event once, in order", folds},
	{"a retry is recognised within the window, across folds and restarts", retries},
	{"many events of one person fill many chunks", chunks},
	{"events in the journal survive a restart", journal},
	{"looks are there before what was read", looked},
	{"a read and its look are one transaction", oneTransaction},
	{"receipts are kept, waited for or not", receipts},
	{"receipts of a person with hundreds of pseudonyms are in one order", receiptsOfMany},
	{"streams keep their numbers", streams},
	{"each sees everybody once", everybody},
	{"a snapshot is one state", snapshot},
	{"the gate sees what it needs and no more", gate},
	{"charters are a series", charters},
	{"models are replaced", models},
	{"items have versions", items},
	{"a bare item needs k people", sightings},
	{"tokens", tokens},
	{"sessions and links", sessions},
	{"sessions of staff", staffSessions},
	{"what may be used once is used once", spent},
	{"refusals are counts", refusals},
	{"what happens is counted by day", tallies},
	{"every look is counted once", counted},
	{"settings", settings},
	{"leases have one holder", leases},
	{"the ledger's tree is extended once", tree},
	{"a sweep removes what a rule names, in bounded steps", sweeps},
	{"receipts and marks are accounted for once", accounts},
	{"events are sealed anew in their places", resealed},
	{"somebody who is forgotten leaves nothing, and nothing comes after", forgotten},
	{"an erasure goes on where it was cut off", cutOff},
	{"a mark bars who was forgotten until it is lifted", barred},
	{"data keys are wrapped anew while people enrol", rewrapped},
	{"an index is lifted while people come and are found", lifted},
	{"a database of a newer binary is refused", newer},
}

var ctx = context.Background()

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func id(n uint64) (i person.ID) {
	i[0] = 1
	binary.BigEndian.PutUint64(i[8:], n)
	return i
}

func blind(n uint64) vault.Blind { return vault.Blind(id(n)) }

func key(n uint64) vault.Key { return vault.Key(id(n)) }

func enrolment(n uint64) vault.Enrolment {
	return vault.Enrolment{ID: id(n), Wrapped: []byte{byte(n), 1, 2}, At: Noon, Identifiers: []vault.Identifier{{Blind: blind(n), Of: id(n), Verified: true}}}
}

func enrol(t testing.TB, s *store.Store, ns ...uint64) {
	t.Helper()
	var c vault.Change
	for _, n := range ns {
		c.Enrol = append(c.Enrol, enrolment(n))
	}
	must(t, s.Commit(ctx, c))
}

func frame(of, event uint64, at person.Instant) vault.Frame {
	return vault.Frame{Of: id(of), ID: person.EventID(id(event)), Stream: 1, At: at, Received: at, Body: binary.BigEndian.AppendUint64([]byte("sealed"), event)}
}

func row(of uint64, kind vault.Kind, k uint64, at person.Instant, body string) vault.Row {
	return vault.Row{Of: id(of), Kind: kind, Key: key(k), At: at, Head: []byte("head"), Body: []byte(body)}
}

func look(of person.ID, reason string) ledger.Row {
	return ledger.Row{Of: of, At: Noon, Kind: "look", Actor: "ann", Role: "agent", Team: "care", Purpose: "service", Fields: "name", Count: 1, Reason: []byte(reason), Leaf: [32]byte{1}}
}

func load(t testing.TB, s *store.Store, n uint64) vault.Loaded {
	t.Helper()
	l, err := s.Load(ctx, id(n))
	must(t, err)
	return l
}

func foldAll(t testing.TB, s *store.Store) (folded int) {
	t.Helper()
	for {
		n, more, err := s.Fold(ctx, 1000)
		must(t, err)
		folded += n
		if !more {
			return folded
		}
	}
}
