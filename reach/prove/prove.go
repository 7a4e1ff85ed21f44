// Package prove checks the promises against a home as it is: its real people, its charter, its model, its ledger.
//
// It promises that a check that passed has met cases that could have failed: each says how many it counted, a check without
// cases fails, and no value of anybody is in its words. It changes nothing: people are copied into memory and changed
// there. The same home and seed give the same results. It does not prove what it did not try; run it again after a change of
// charter or code.
package prove

import (
	"encoding/binary"
	"fmt"
	"hash/fnv"
	"math/rand/v2"
	"slices"
	"sort"
	"strings"

	"github.com/rapporthq/rapport/person"
	"github.com/rapporthq/rapport/reach/decide"
	"github.com/rapporthq/rapport/trust/relationship"
	"github.com/rapporthq/rapport/trust/tact"
)

// The names of the checks.
const (
	Noninterference = "noninterference"
	HoldsExercised  = "holds-exercised"
	ReasonsAddUp    = "reasons-add-up"
	ProtectiveOnly  = "protective-only-removes"
	WeightsOverK    = "weights-over-k"
	Ledger          = "ledger"
	UndeclaredRest  = "nothing-undeclared-at-rest"
	Retention       = "retention"
	ThiefSees       = "thief-sees"
)

// Checks lists the names of the checks, in the order in which Run gives their results.
var Checks = []string{Noninterference, HoldsExercised, ReasonsAddUp, ProtectiveOnly, WeightsOverK, Ledger, UndeclaredRest, Retention, ThiefSees}

// Result is what one check found. Detail holds names of the charter, and counts, never values.
type Result struct {
	Check  string `json:"check"`
	Cases  int    `json:"cases"`
	Failed int    `json:"failed"`
	Detail string `json:"detail"`
}

// needsCases fails a check that met nothing: it proved nothing.
func (r Result) needsCases() Result {
	if r.Cases == 0 && r.Failed == 0 {
		r.Failed = 1
		r.Detail = strings.TrimSuffix("no case was met, so nothing was proved; "+r.Detail, "; ")
	}
	return r
}

// Snapshot is a home in memory: what decisions depend on, and people with everything about them opened.
type Snapshot struct {
	House  *decide.House
	People []*decide.Made
	AtRest []Rest // those of the people of whom several sources say the same thing, from their rows
	Now    person.Instant
	Seed   uint64 // of the choices that the checks make among many
}

// Compute is how a decision is made: decide.Compute, or a broken one by which the checks themselves are tested.
type Compute func(h *decide.House, s decide.Subject, a decide.Ask) decide.Result

// Prover runs checks over a snapshot. It is not safe for several goroutines.
type Prover struct {
	snap    Snapshot
	compute Compute
	judge   func(tact.Case) tact.Judgement // tact.Judge, or a broken one
	home    world
	found   *findings // what noninterference found, for the checks that read it; nil before

	markedOf *decide.House // whose marked items markedBy lists
	markedBy map[string][]string
}

// world is a house, and the same house under a charter that holds nothing back.
type world struct {
	house, twin *decide.House
}

// New makes a prover. compute may be nil: then it is decide.Compute.
func New(s Snapshot, compute Compute) (*Prover, error) {
	if compute == nil {
		compute = decide.Compute
	}
	if s.House == nil || s.House.Charter == nil {
		return nil, decide.ErrHouse
	}
	twin, err := openHanded(s.House, s.House.Charter)
	if err != nil {
		return nil, fmt.Errorf("a house that holds nothing back cannot be made: %w", err)
	}
	return &Prover{snap: s, compute: compute, judge: tact.Judge, home: world{s.House, twin}}, nil
}

func (p *Prover) ask(h *decide.House, placement string) decide.Ask {
	return decide.Ask{
		Moment:  person.Moment{Placement: placement, At: p.snap.Now, Now: p.snap.Now, Region: h.Charter.Brand.Region, Language: "en"},
		Ceiling: person.Individual,
	}
}

// random gives the choices of one check about one person at one placement: they depend on nothing else, so that the same home and
// seed give the same results in whatever order checks run.
func (p *Prover) random(check string, who person.ID, placement string) *rand.Rand {
	h := fnv.New64a()
	_, _ = h.Write([]byte(check + "\x00" + placement + "\x00"))
	_, _ = h.Write(who[:])
	return rand.New(rand.NewPCG(p.snap.Seed, h.Sum64()))
}

// rank orders people by the seed alone, whatever the order in which they are met.
func rank(seed uint64, who person.ID) uint64 {
	h := fnv.New64a()
	_, _ = h.Write(binary.LittleEndian.AppendUint64(nil, seed))
	_, _ = h.Write(who[:])
	x := h.Sum64() // mixed further, for FNV leaves near names near (the finaliser of MurmurHash3)
	x ^= x >> 33
	x *= 0xff51afd7ed558ccd
	x ^= x >> 33
	return x
}

// decided is everything of a decision but its holds, byte for byte: the receipt, and the page that asked.
func (p *Prover) decided(h *decide.House, s decide.Subject, a decide.Ask) string {
	res := p.compute(h, s, a)
	page := res.Public(h, "en")
	res.Receipt.Holds = nil
	return string(res.Receipt.Append(page))
}

// effect is what a decision does: items, scores, reasons, rung and level, without the numbers from which the level comes.
func (p *Prover) effect(h *decide.House, m *decide.Made, a decide.Ask) string {
	res := p.compute(h, m, a)
	res.Receipt.Holds = nil
	res.Receipt.Level = relationship.Standing{Level: res.Receipt.Level.Level}
	return string(res.Receipt.Append(nil))
}

// judged asks tact what is held of this person at this placement, by the places of their facts and events.
func (p *Prover) judged(h *decide.House, m *decide.Made, a decide.Ask) tact.Judgement {
	return p.judgedHeads(h, m.Heads(), a)
}

func (p *Prover) judgedHeads(h *decide.House, heads decide.Heads, a decide.Ask) tact.Judgement {
	return p.judge(tact.Case{
		Series: &h.Series, Charter: h.Charter, Placement: h.Charter.Placements[a.Moment.Placement], Moment: a.Moment, Who: heads.Who,
		Facts: heads.Facts, History: heads.History, Choices: heads.Choices, Restricted: heads.Restricted, Feedback: heads.Feedback, Complaints: heads.Complaints,
	})
}

// copyOf is a copy of which facts, choices, events and their lines can be changed: lines are to be replaced, not written to.
func copyOf(m *decide.Made) *decide.Made {
	c := *m
	c.Facts = slices.Clone(m.Facts)
	c.History = slices.Clone(m.History)
	c.Choices = slices.Clone(m.Choices)
	return &c
}

// tally counts by name and says it in a fixed order: "birthday 12, diet 3".
type tally map[string]int

func (t tally) String() string {
	names := make([]string, 0, len(t))
	for n := range t {
		names = append(names, n)
	}
	sort.Strings(names)
	for i, n := range names {
		names[i] = fmt.Sprintf("%s %d", n, t[n])
	}
	return strings.Join(names, ", ")
}

func (t tally) sum() int {
	n := 0
	for _, k := range t {
		n += k
	}
	return n
}
