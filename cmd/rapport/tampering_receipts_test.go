package main

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/rapporthq/rapport/person"
	"github.com/rapporthq/rapport/reach/prove"
	"github.com/rapporthq/rapport/store/pgtest"
	"github.com/rapporthq/rapport/trust/ledger"
	"github.com/rapporthq/rapport/trust/rights"
	"github.com/rapporthq/rapport/trust/vault"
)

// receiptTamperings are the kinds. Receipts 1 to 10 are those of entry 42, 11 to 20 those of entry 43, of five people in turn.
var receiptTamperings = []struct {
	name       string
	statements []string
	want       map[int64]ledger.Fault
}{
	{"changed: what was decided", []string{"UPDATE receipt SET body = (SELECT body FROM receipt WHERE seq = 14) WHERE seq = 13"}, faults(ledger.ReceiptChanged, 43)},
	{"changed: for whom", []string{"UPDATE receipt SET person = (SELECT person FROM receipt WHERE seq = 14) WHERE seq = 13"}, faults(ledger.ReceiptChanged, 43)},
	{"changed: when", []string{"UPDATE receipt SET at = at - 86400000000 WHERE seq = 13"}, faults(ledger.ReceiptChanged, 43)},
	{"changed: its name", []string{"UPDATE receipt SET key = (SELECT id FROM person ORDER BY id LIMIT 1) WHERE seq = 13"}, faults(ledger.ReceiptChanged, 43)},
	{"dropped", []string{"DELETE FROM receipt WHERE seq = 13"}, faults(ledger.ReceiptMissing, 43)},
	{"the last one dropped", []string{"DELETE FROM receipt WHERE seq = 20"}, faults(ledger.ReceiptMissing, 43)},
	{"all of one person dropped", []string{"DELETE FROM receipt WHERE person = (SELECT person FROM receipt WHERE seq = 3)"}, faults(ledger.ReceiptMissing, 42, 43)},
	{"all dropped", []string{"DELETE FROM receipt"}, faults(ledger.ReceiptMissing, 42, 43)},
	{"two swapped", []string{"UPDATE receipt SET seq = 1000 WHERE seq = 13", "UPDATE receipt SET seq = 13 WHERE seq = 14", "UPDATE receipt SET seq = 14 WHERE seq = 1000"}, faults(ledger.ReceiptChanged, 43)},
	{"one brought to another batch", []string{"UPDATE receipt SET seq = 1000 WHERE seq = 13", "UPDATE receipt SET seq = 13 WHERE seq = 3", "UPDATE receipt SET seq = 3 WHERE seq = 1000"}, faults(ledger.ReceiptChanged, 42, 43)},
	{"added before all others", []string{addedReceipt("0")}, faults(ledger.ReceiptAdded, 42)},
	{"one put in the place of another", []string{"DELETE FROM receipt WHERE seq = 13", addedReceipt("13")}, faults(ledger.ReceiptChanged, 43)},
	{"emptied without an erasure", []string{"UPDATE receipt SET person = %nobody%, body = %leaf% WHERE seq = 13"}, map[int64]ledger.Fault{43: ledger.ReceiptEmptied}},
	{"added, and the mark moved on so that it is never brought in", []string{addedReceipt("5000"), "UPDATE receipt SET at = at - 86400000000 WHERE seq = 5000", addedReceipt("5001"), "UPDATE setting SET value = %6000% WHERE name = '" + receiptMark + "'"}, faults(ledger.ReceiptAdded, 0)},
}

// addedReceipt is a statement that puts in a copy of the fourteenth receipt with another number and name.
func addedReceipt(seq string) string {
	return "INSERT INTO receipt (seq, key, person, at, head, body) SELECT " + seq + ", (SELECT id FROM person ORDER BY id LIMIT 1 OFFSET " + string('0'+(seq[len(seq)-1]-'0')%2) + "), person, at, head, body FROM receipt WHERE seq = 14"
}

// TestEveryTamperingWithAHomesReceiptsIsFoundAndNamed is the same for the accounts of decisions, which enter the ledger a batch at a time.
func TestEveryTamperingWithAHomesReceiptsIsFoundAndNamed(t *testing.T) {
	for _, engine := range []string{"SQLite", "PostgreSQL"} {
		t.Run(engine, func(t *testing.T) {
			database := ""
			if engine == "PostgreSQL" {
				database = pgtest.URL(t)
			}
			s := stage(t, database, nil)
			s.decide(10)
			s.decide(10)
			restore := s.kept()
			if d := cmp.Diff(faults(""), s.found(ledgerArgs{})); d != "" {
				t.Fatalf("receipts that nobody touched:\n%s", d)
			}
			for _, kind := range receiptTamperings {
				t.Run(kind.name, func(t *testing.T) {
					restore()
					here := *s
					here.t = t
					for _, text := range kind.statements {
						here.sql(here.written(text))
					}
					if d := cmp.Diff(kind.want, here.found(ledgerArgs{})); d != "" {
						t.Error(d)
					}
				})
			}
			t.Run("what the home itself empties and sweeps", func(t *testing.T) {
				restore()
				here := *s
				here.t = t
				here.open(func(h *house) {
					_, err := h.eraser.Erase(context.Background(), rights.Erasure{Person: here.people[2], Actor: "ann", Role: "privacy", Now: true})
					here.must(err)
					if rep := here.whole(h); rep.Receipts != 20 || rep.ReceiptsUnchecked != 0 {
						t.Errorf("after an erasure: %+v", rep)
					}
					s.clock = h.charter().Receipts.Retain.After(s.clock.Add(-155 * time.Second)) // the second batch began 150 s ago
					here.must(h.sweep(context.Background()))
					if rep := here.whole(h); rep.Receipts != 10 || rep.ReceiptsUnchecked != 10 {
						t.Errorf("after a sweep: %+v", rep)
					}
				})
				here.sql("DELETE FROM receipt WHERE seq = 14")
				if d := cmp.Diff(faults(ledger.ReceiptMissing, 43), here.found(ledgerArgs{})); d != "" {
					t.Error(d)
				}
			})
		})
	}
}

// written puts bytes into a statement as the engine spells them.
func (s *scene) written(text string) string {
	s.t.Helper()
	var leaf []byte
	s.open(func(h *house) {
		if r, err := h.store.Ledger().Receipts(context.Background(), 13, 1); err != nil || len(r) == 1 {
			s.must(err)
			leaf = r[0].Leaf[:]
		}
	})
	return strings.NewReplacer("%nobody%", s.bytes(ledger.Forgotten[:]), "%leaf%", s.bytes(leaf), "%6000%", s.bytes([]byte("6000"))).Replace(text)
}

func (s *scene) whole(h *house) ledger.Report {
	s.t.Helper()
	rep, err := prove.VerifyLedger(context.Background(), h.proving("test", ""))
	s.must(err)
	if !rep.OK() {
		s.t.Errorf("it is not whole: %+v", rep.Problems)
	}
	return rep
}

// decide leaves receipts as decisions do, and brings them into the ledger when they have settled.
func (s *scene) decide(n int) {
	s.open(func(h *house) {
		for i := range n {
			s.clock = s.clock.Add(10 * time.Second)
			id := s.people[i%len(s.people)]
			loaded, err := h.store.Load(context.Background(), id)
			s.must(err)
			key, err := h.vault.Key(id, loaded.Wrapped[id])
			s.must(err)
			row := key.SealReceipt(vault.Key(person.NewID()), s.clock, []byte("what was decided, and why"))
			s.must(h.store.Keep(context.Background(), []vault.Row{row}, true))
		}
		s.clock = s.clock.Add(time.Minute)
		s.must(h.receiptsToLedger(context.Background()))
		_, err := h.ledger.Sequence(context.Background())
		s.must(err)
	})
}
