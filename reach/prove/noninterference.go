package prove

import (
	"fmt"
	"sort"
	"strings"

	"github.com/rapporthq/rapport/reach/decide"
	"github.com/rapporthq/rapport/trust/tact"
)

// findings is what changing all that is held has shown.
type findings struct {
	met     tally // facts and events that are held in this home, by reason
	reasons tally // cases that counted, by reason, of the home's people as they are
	planted tally // cases that counted, by reason, of what was planted
	counted tally // cases that counted, by name
	leaks   tally // changes that moved a decision though they were held, by name
	idle    map[string]bool
	rows    int // held rows that were left out at rest
}

// NonInterference changes and deletes what is held, for every person and placement, and compares the decisions byte for
// byte, models fixed (Goguen and Meseguer 1982: what is high does not interfere with what is low). A case counts only if
// the same change does alter the decision where nothing is held: items, scores, reasons, rung or level. Facts that play no part
// prove nothing, and are named. To the home's people come some of them with one more thing that is held, for each reason (see plant),
// and those of whom several sources say the same thing, read again without a row that is held (see Rest).
func (p *Prover) NonInterference() Result {
	f := p.find()
	r := Result{Check: Noninterference, Cases: f.counted.sum(), Failed: f.leaks.sum()}
	r.Detail = fmt.Sprintf("changes that would have altered the decision were they permitted, by name: %s", f.counted)
	if len(f.leaks) > 0 {
		r.Detail = fmt.Sprintf("held, and altered the decision: %s; ", f.leaks) + r.Detail
	}
	if f.rows > 0 {
		r.Detail += fmt.Sprintf("; rows left out at rest beside others of their name: %d", f.rows)
	}
	var never []string
	for name := range f.idle {
		if f.counted[name] == 0 {
			never = append(never, name)
		}
	}
	if len(never) > 0 {
		sort.Strings(never)
		r.Detail += "; held, and plays no part in any decision here: " + strings.Join(never, ", ")
	}
	return r.needsCases()
}

// find does the work of noninterference once.
func (p *Prover) find() *findings {
	if p.found != nil {
		return p.found
	}
	f := &findings{met: tally{}, reasons: tally{}, planted: tally{}, counted: tally{}, leaks: tally{}, idle: map[string]bool{}}
	for _, m := range p.snap.People {
		free := p.unheld(m, p.home.twin.Charter)
		for _, placement := range p.snap.House.Charter.Order.Placements {
			a := p.ask(p.snap.House, placement)
			p.try(p.home, m, free, a, p.held(p.snap.House, m, a), f, f.reasons)
			j := p.judged(p.snap.House, m, a)
			for _, reasons := range [2][]tact.Reason{j.FactReasons, j.HistoryReasons} {
				for _, reason := range reasons {
					if reason != "" {
						f.met[string(reason)]++
					}
				}
			}
		}
	}
	p.plant(f)
	f.rows = p.rest(f)
	p.found = f
	return f
}

// try compares the decisions about a person before and after each change, and the same in the world where nothing is held.
func (p *Prover) try(w world, m, free *decide.Made, a decide.Ask, changes []change, f *findings, reasons tally) {
	if len(changes) == 0 {
		return
	}
	base := p.decided(w.house, m, a)
	freeBase := p.effect(w.twin, free, a)
	for _, ch := range changes {
		now := copyOf(m)
		ch.apply(now)
		leaked := p.decided(w.house, now, a) != base
		freed := copyOf(free)
		ch.apply(freed)
		switch {
		case leaked:
			f.leaks[ch.name]++
		case p.effect(w.twin, freed, a) == freeBase:
			f.idle[ch.name] = true
			continue
		}
		f.counted[ch.name]++
		if ch.reason != "" {
			reasons[string(ch.reason)]++
		}
	}
}
