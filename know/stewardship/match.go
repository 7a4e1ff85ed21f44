package stewardship

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/rapporthq/rapport/charter"
	"github.com/rapporthq/rapport/know/identity"
	"github.com/rapporthq/rapport/person"
	"github.com/rapporthq/rapport/trust/ledger"
	"github.com/rapporthq/rapport/trust/tact"
	"github.com/rapporthq/rapport/trust/vault"
)

// How a match works in the background.
const (
	lease    = "identity match"
	leaseFor = time.Minute // who was killed is followed by then
	atOnce   = 200         // pairs or groups in one change
	lookFor  = 24 * time.Hour
)

// who are the people of a match, by number: what the engine needs is in its table, so that of each this is all that stays.
type who struct {
	root    person.ID
	version int64
	records int // they are made of so many, sign-ins not counted
}

// population is everybody who may be compared. A row of the table is a record: what one till or form said of somebody, with what came by their own sign-ins. Who was
// joined has several, and each stays a row: so what is learnt from them does not change with what was joined, and another match of the same home finds the same.
type population struct {
	table   *identity.Table
	records []person.ID // by row: the pseudonym that names the record
	of      []int32     // by row: the number of whose it is
	people  []who
	decided map[person.ID]int32 // the number of who has this pseudonym, of those that pairs named different
	apart   [][2]person.ID      // those pairs
	counted Counted
	sizes   map[int]int
	links   map[string]int
}

// Match compares the people of the home, joins those who surely are one where the charter says so, and leaves the others for a steward. It holds one row of text for
// each record that may be compared, and what the engine makes of it, while it runs, and reads them one at a time; others go on reading and writing meanwhile. One
// match runs at a time: ErrBusy. progress, if it is not nil, hears how far it is. It is safe to run again at any time, and after it was cut off.
func (s *Steward) Match(ctx context.Context, by By, progress func(what string, done, total int64)) (*Counted, error) {
	series := s.Series()
	if tact.Matching(series.Current()) == nil {
		return nil, ErrOff
	}
	if !s.matching.TryLock() {
		return nil, ErrBusy
	}
	defer s.matching.Unlock()
	ctx, release, err := s.hold(ctx)
	if err != nil {
		return nil, err
	}
	defer release()
	if progress == nil {
		progress = func(string, int64, int64) {}
	}
	began := s.Clock()
	p, err := s.read(ctx, series, by, progress)
	if err != nil {
		return nil, outward(err)
	}
	c := series.Current()
	p.counted.At, p.counted.Purpose, p.counted.Fields = began.Time(), c.Identity.Purpose, tact.Matching(c)
	if err := s.settle(ctx, c, p, began, progress); err != nil {
		return nil, outward(err)
	}
	p.counted.Seconds = float64(s.Clock()-began) / 1e6
	text, err := json.Marshal(&p.counted)
	if err != nil {
		return nil, err
	}
	if err := s.Store.PutSetting(ctx, countedSetting, string(text)); err != nil {
		return nil, outward(err)
	}
	return &p.counted, nil
}

// hold takes the lease and keeps it until release: ctx ends when it is lost.
func (s *Steward) hold(ctx context.Context) (_ context.Context, release func(), err error) {
	holder := person.NewID().String()
	held, err := s.Leases.Acquire(ctx, lease, holder, leaseFor, s.Clock())
	if err != nil {
		return nil, nil, outward(err)
	}
	if !held {
		return nil, nil, ErrBusy
	}
	own, cancel := context.WithCancel(ctx)
	var renewing sync.WaitGroup
	renewing.Go(func() {
		again := time.NewTicker(leaseFor / 3)
		defer again.Stop()
		for {
			select {
			case <-own.Done():
				return
			case <-again.C:
				if held, err := s.Leases.Acquire(own, lease, holder, leaseFor, s.Clock()); err == nil && !held {
					cancel()
				}
			}
		}
	})
	return own, func() {
		cancel()
		renewing.Wait()
		end, stop := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
		defer stop()
		_ = s.Leases.Release(end, lease, holder) // else it runs out
	}, nil
}

// read makes the table of everybody who may be compared: one look at the population, on record before the first is read.
func (s *Steward) read(ctx context.Context, series *charter.Series, by By, progress func(string, int64, int64)) (*population, error) {
	c, now := series.Current(), s.Clock()
	names, _ := columnsOf(c)
	p := &population{table: identity.NewTable("this home", names), decided: map[person.ID]int32{}, sizes: map[int]int{}, links: map[string]int{}}
	if err := s.each(ctx, vault.Different, func(d *vault.Pairing) error {
		p.apart = append(p.apart, [2]person.ID{d.A, d.B})
		p.decided[d.A], p.decided[d.B] = -1, -1
		return nil
	}); err != nil {
		return nil, err
	}
	count, err := s.Store.People(ctx)
	if err != nil {
		return nil, err
	}
	permit, err := tact.ForMatching(c, "match", count, "everybody who may be compared", now.Add(lookFor))
	if err != nil {
		return nil, err
	}
	_, filter := permit.Population()
	look, err := ledger.Seal(ledger.Look{At: now, Actor: permit.Actor(), Role: permit.Role(), Team: by.Team, Purpose: permit.Purpose(), Reason: "finding who is in the home twice, asked for by " + by.Actor,
		Fields: permit.Fields(), Count: count, Filter: filter}, s.Vault.Home())
	if err != nil {
		return nil, err
	}
	row, done := make([]string, len(names)), 0
	err = s.Store.Each(ctx, look, func(l vault.Loaded) error {
		if done++; done%1024 == 0 {
			progress("reading people", int64(done), int64(count))
		}
		r, err := s.Vault.Record(l, s.Streams, series, nil)
		if err != nil {
			return err
		}
		w := who{root: r.Who.Root, version: r.Version, records: 1}
		for i := range r.Who.Also {
			j := &r.Who.Also[i]
			if own(j.Why) {
				continue
			}
			w.records++
			p.links[j.Why]++
			if j.Doubtful {
				p.counted.Shaky++
			}
		}
		p.sizes[w.records]++
		before := len(p.records)
		s.rows(series, r, names, row, func(record person.ID) {
			p.table.Add(row)
			p.records, p.of = append(p.records, record), append(p.of, int32(len(p.people)))
		})
		if len(p.records) == before {
			p.counted.LeftOut++
			return nil
		}
		if len(p.decided) > 0 {
			for _, id := range r.Who.All() {
				if _, ok := p.decided[id]; ok {
					p.decided[id] = int32(len(p.people))
				}
			}
		}
		p.people = append(p.people, w)
		return nil
	})
	p.counted.People = len(p.people)
	p.arrange()
	return p, err
}

// arrange puts the records in the order of their pseudonyms: people are read by whose they are now, and the engine's sums, and what it draws, are the same only
// for the same order.
func (p *population) arrange() {
	order := make([]int32, len(p.records))
	for i := range order {
		order[i] = int32(i)
	}
	slices.SortFunc(order, func(a, b int32) int { return bytes.Compare(p.records[a][:], p.records[b][:]) })
	records, of := make([]person.ID, len(order)), make([]int32, len(order))
	for to, from := range order {
		records[to], of[to] = p.records[from], p.of[from]
	}
	p.records, p.of = records, of
	p.table.Arrange(order)
}

// own says whether a join is the person's own doing: their sign-in on a device, or an alias that their source gave.
func own(why string) bool { return why == "sign-in" || why == "alias" || why == "" }

// rows calls with each record of a person of which something may be compared, when it has filled row with that.
func (s *Steward) rows(series *charter.Series, r *vault.Record, names, row []string, add func(record person.ID)) {
	facts := s.permitted(series, r, tact.Reader{Actor: "match", Role: "job"})
	for len(facts) > 0 {
		record := recordOf(r.Who, facts[0].Of)
		own, others := split(facts, r.Who, record)
		facts = others
		clear(row)
		said := false
		for _, f := range person.InUse(own) {
			row[slices.Index(names, f.Name)] = f.Value
			said = said || strings.TrimSpace(f.Value) != ""
		}
		if said {
			add(record)
		}
	}
}

// recordOf is the pseudonym that names the record in which another is: itself, or to whom it came by the person's own doing. It stays the same whatever is joined or split.
func recordOf(p person.Person, id person.ID) person.ID {
	for range p.Also {
		at := slices.IndexFunc(p.Also, func(j person.Join) bool { return j.ID == id })
		if at < 0 || !own(p.Also[at].Why) {
			break
		}
		if id = p.Also[at].To; id.IsZero() {
			return p.Root
		}
	}
	return id
}

// split parts facts in those of one record and the others.
func split(facts []person.Fact, p person.Person, record person.ID) (own, others []person.Fact) {
	for i := range facts {
		if recordOf(p, facts[i].Of) == record {
			own = append(own, facts[i])
		} else {
			others = append(others, facts[i])
		}
	}
	return own, others
}

// permitted opens what may be compared of one person, every value of each name.
func (s *Steward) permitted(series *charter.Series, r *vault.Record, by tact.Reader) []person.Fact {
	c := s.asked(series, r)
	o, err := r.Open(tact.JudgeMatching(c, by).Permit, c.Moment.Now)
	if err != nil {
		return nil // nothing of them may be compared
	}
	return o.Facts
}

// asked is the question to tact about one person, now.
func (s *Steward) asked(series *charter.Series, r *vault.Record) tact.Case {
	now := s.Clock()
	return tact.Case{Series: series, Charter: series.Current(), Who: r.Who, Facts: r.Facts, Choices: r.Choices, Restricted: r.Restricted, Moment: person.Moment{At: now, Now: now}}
}

// settle matches, keeps what waits, and joins.
func (s *Steward) settle(ctx context.Context, c *charter.Charter, p *population, began person.Instant, progress func(string, int64, int64)) error {
	_, as := columnsOf(c)
	res, err := identity.Link(ctx, []*identity.Table{p.table}, identity.Options{Map: as, Progress: progress})
	if err != nil {
		return err
	}
	var different [][2]int32
	for _, d := range p.apart {
		a, b := p.decided[d[0]], p.decided[d[1]]
		if a >= 0 && b >= 0 && a != b {
			different = append(different, [2]int32{a, b})
		}
	}
	plan := arrange(len(p.people), p.of, res.Pairs, res.Cluster, c.Identity.Join == charter.JoinSure, different)
	n := &p.counted
	n.Compared, n.Contested, n.Beyond = res.Compared, plan.contested, plan.beyond
	for _, pair := range res.Pairs {
		switch {
		case p.of[pair.A] == p.of[pair.B]: // records of one person
		case pair.Score >= identity.Sure:
			n.Sure++
		default:
			n.Doubtful++
		}
	}
	m := &matched{Steward: s, population: p, res: res, at: s.Clock()}
	if err := m.propose(ctx, plan.waiting); err != nil {
		return err
	}
	if err := m.join(ctx, plan.groups); err != nil {
		return err
	}
	// What an earlier match found and this one did not is asked no more.
	if err := s.Store.DropProposals(ctx, began); err != nil {
		return err
	}
	for size, count := range p.sizes {
		if count > 0 {
			n.Sizes = append(n.Sizes, identity.Size{Records: size, Clusters: count})
		}
	}
	slices.SortFunc(n.Sizes, func(a, b identity.Size) int { return a.Records - b.Records })
	n.Links = counts(p.links)
	return nil
}

// matched is a match whose pairs are being kept.
type matched struct {
	*Steward
	*population
	res *identity.Result
	at  person.Instant
}

// pairing is what is kept of a pair.
func (m *matched) pairing(p identity.Pair, state vault.PairState) (vault.Pairing, error) {
	score, parts := weigh(m.res, p.A, p.B)
	weights, err := encodeParts(parts)
	return vault.Pairing{A: m.records[p.A], B: m.records[p.B], State: state, Score: score, Weights: weights, At: m.at}, err
}

func (m *matched) seen(people ...int32) []vault.Seen {
	out := make([]vault.Seen, len(people))
	for i, n := range people {
		out[i] = vault.Seen{Root: m.people[n].root, Version: m.people[n].version}
	}
	return out
}

// propose keeps the pairs that wait for a steward.
func (m *matched) propose(ctx context.Context, waiting []identity.Pair) error {
	for part := range slices.Chunk(waiting, atOnce) {
		var c vault.Change
		for _, p := range part {
			kept, err := m.pairing(p, vault.Proposed)
			if err != nil {
				return err
			}
			c.Pairings = append(c.Pairings, kept)
		}
		if err := m.Store.Commit(ctx, c); err != nil { // of who is gone meanwhile nothing is kept
			return err
		}
		m.counted.Waiting += len(part)
	}
	return nil
}

// join joins groups, many in one change; where one of them cannot be, each for itself.
func (m *matched) join(ctx context.Context, groups []group) error {
	for part := range slices.Chunk(groups, atOnce) {
		err := m.joinAll(ctx, part)
		if len(part) == 1 || !refused(err) {
			if err != nil && !refused(err) {
				return err
			}
			m.tally(part, err)
			continue
		}
		for i := range part {
			err := m.joinAll(ctx, part[i:i+1])
			if err != nil && !refused(err) {
				return err
			}
			m.tally(part[i:i+1], err)
		}
	}
	return nil
}

// refused says that somebody in a change has changed or gone, or was called different meanwhile: the next match looks again.
func refused(err error) bool {
	return errors.Is(err, vault.ErrStale) || errors.Is(err, vault.ErrDifferent) || errors.Is(err, vault.ErrNotFound)
}

func (m *matched) tally(groups []group, err error) {
	if err != nil {
		m.counted.Missed += len(groups)
		return
	}
	for _, g := range groups {
		m.counted.Joined += len(g.people) - 1
		records := 0
		for _, i := range g.people {
			records += m.people[i].records
			m.sizes[m.people[i].records]--
		}
		m.sizes[records]++
		m.links["match"] += len(g.people) - 1
	}
}

// joinAll joins groups in one change. In each the surest links first: each brings the whole person on its one side to the one on the other.
func (m *matched) joinAll(ctx context.Context, groups []group) error {
	var c vault.Change
	for _, g := range groups {
		c.Seen = append(c.Seen, m.seen(g.people...)...)
		for _, l := range g.links {
			kept, err := m.pairing(l, vault.Matched)
			if err != nil {
				return err
			}
			c.Pairings = append(c.Pairings, kept)
			c.Joins = append(c.Joins, vault.Join{ID: kept.B, To: kept.A, At: m.at, Why: "match"})
		}
	}
	return m.Store.Commit(ctx, c)
}

// counts lists counts by how many, the most first.
func counts(of map[string]int) []Count {
	out := make([]Count, 0, len(of))
	for name, n := range of {
		if n > 0 {
			out = append(out, Count{name, n})
		}
	}
	slices.SortFunc(out, func(a, b Count) int { return cmp.Or(b.N-a.N, strings.Compare(a.Name, b.Name)) })
	return out
}
