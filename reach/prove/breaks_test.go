package prove

import (
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/rapporthq/rapport/charter"
	"github.com/rapporthq/rapport/person"
	"github.com/rapporthq/rapport/reach/decide"
	"github.com/rapporthq/rapport/trust/consent"
	"github.com/rapporthq/rapport/trust/tact"
)

// changed is decide.Compute about a subject that somebody has changed on the way.
func changed(how func(h *decide.House, m *decide.Made, j tact.Judgement, a *decide.Ask)) Compute {
	return func(h *decide.House, s decide.Subject, a decide.Ask) decide.Result {
		m := copyOf(s.(*decide.Made))
		heads := m.Heads()
		j := tact.Judge(tact.Case{
			Series: &h.Series, Charter: h.Charter, Placement: h.Charter.Placements[a.Moment.Placement], Moment: a.Moment, Who: heads.Who, Facts: heads.Facts,
			History: heads.History, Choices: heads.Choices, Restricted: heads.Restricted, Feedback: heads.Feedback, Complaints: heads.Complaints,
		})
		how(h, m, j, &a)
		return decide.Compute(h, m, a)
	}
}

// spoilt is decide.Compute with its result changed afterwards.
func spoilt(how func(h *decide.House, m *decide.Made, a decide.Ask, res *decide.Result)) Compute {
	return func(h *decide.House, s decide.Subject, a decide.Ask) decide.Result {
		res := decide.Compute(h, s, a)
		how(h, s.(*decide.Made), a, &res)
		return res
	}
}

// launder makes what is held for the reason pass as if it were told here and now.
func launder(reason tact.Reason, events bool) Compute {
	return changed(func(h *decide.House, m *decide.Made, j tact.Judgement, _ *decide.Ask) {
		for i, why := range j.FactReasons {
			if d := h.Charter.Data[m.Facts[i].Name]; why == reason && !events && d != nil && !d.Protective {
				wash(&m.Facts[i].Head, m.Who.Root, h.Charter.Position)
			}
		}
		for i, why := range j.HistoryReasons {
			if why == reason && events {
				wash(&m.History[i].Head, m.Who.Root, h.Charter.Position)
			}
		}
	})
}

func wash(h *person.Head, of person.ID, position int) {
	h.Of, h.Learnt, h.Source, h.Channel, h.Quality, h.Told, h.Verified, h.Charter = of, person.Declared, "self", "web", 1, true, true, position
	if h.At < ago(300) {
		h.At, h.Received = ago(300), ago(300)
	}
}

// under is decide.Compute under a charter that somebody has changed on the way.
func under(how func(h *decide.House, c *charter.Charter)) Compute {
	houses := map[*decide.House]*decide.House{}
	return func(h *decide.House, s decide.Subject, a decide.Ask) decide.Result {
		lax := houses[h]
		if lax == nil {
			c := h.Charter.Placed(h.Charter.Position, 0)
			c.Data, c.Events = maps.Clone(c.Data), maps.Clone(c.Events)
			how(h, c)
			series := charter.NewSeries(c)
			for i := range c.Position {
				if old := h.Series.At(i); old != nil {
					series = series.Append(old)
				}
			}
			lax = h.Without(nil)
			lax.Series, lax.Charter = series, c
			houses[h] = lax
		}
		return decide.Compute(lax, s, a)
	}
}

// protectedBy lists the protective facts that may be read, or in doubt, of the person at the placement.
func protectedBy(h *decide.House, m *decide.Made, a decide.Ask, may bool) []string {
	heads := m.Heads()
	j := tact.Judge(tact.Case{
		Series: &h.Series, Charter: h.Charter, Placement: h.Charter.Placements[a.Moment.Placement], Moment: a.Moment, Who: heads.Who, Facts: heads.Facts,
		History: heads.History, Choices: heads.Choices, Restricted: heads.Restricted, Feedback: heads.Feedback, Complaints: heads.Complaints,
	})
	var names []string
	for n, ok := range j.Protective {
		if ok == may {
			names = append(names, n)
		}
	}
	slices.Sort(names)
	return names
}

// A break is one broken promise; fails names the checks that must see it, and no other may.
var breaks = []struct {
	name    string
	compute Compute
	judge   func(tact.Case) tact.Judgement
	fails   []string
}{
	{"facts that are surprising pass", launder(tact.Surprising, false), nil, []string{Noninterference}},
	{"facts and events that came too soon pass", under(func(_ *decide.House, c *charter.Charter) {
		for name, d := range c.Data {
			o := *d
			o.Level = person.Stranger
			c.Data[name] = &o
		}
		for name, e := range c.Events {
			o := *e
			o.Level = person.Stranger
			c.Events[name] = &o
		}
	}), nil, []string{Noninterference}},
	{"facts without a benefit pass", under(func(_ *decide.House, c *charter.Charter) {
		for name, d := range c.Data {
			o := *d
			o.Benefit = charter.Text{"": "said"}
			c.Data[name] = &o
		}
	}), nil, []string{Noninterference}},
	{"what is not declared any more passes", under(func(h *decide.House, c *charter.Charter) {
		if old := h.Series.At(before); old != nil {
			for name, d := range old.Data {
				if c.Data[name] == nil {
					c.Data[name] = d
				}
			}
		}
	}), nil, []string{Noninterference}},
	{"facts from sources that may not serve pass", launder(tact.Permission, false), nil, []string{Noninterference}},
	{"doubtful facts pass", launder(tact.Doubtful, false), nil, []string{Noninterference}},
	{"expired facts pass", launder(tact.Expired, false), nil, []string{Noninterference}},
	{"facts under older words pass", launder(tact.Purpose, false), nil, []string{Noninterference}},
	{"expired events pass", launder(tact.Expired, true), nil, []string{Noninterference}},
	{"events of a source that may not serve pass", launder(tact.Permission, true), nil, []string{Noninterference}},
	{"events under older words pass", launder(tact.Purpose, true), nil, []string{Noninterference}},
	{"a restriction is overlooked", changed(func(_ *decide.House, m *decide.Made, _ tact.Judgement, _ *decide.Ask) { m.Restricted = false }), nil, []string{Noninterference}},
	{"silence is a yes", changed(func(h *decide.House, m *decide.Made, _ tact.Judgement, a *decide.Ask) {
		purpose := h.Charter.Placements[a.Moment.Placement].Purpose
		if !slices.ContainsFunc(m.Choices, func(c consent.Choice) bool { return c.Purpose == purpose }) {
			m.Choices = append(m.Choices, yes(m.Who.Root, purpose, now, h.Charter.Position))
		}
	}), nil, []string{Noninterference}},
	{"a plain yes is an express one", changed(func(_ *decide.House, m *decide.Made, _ tact.Judgement, _ *decide.Ask) {
		for i := range m.Choices {
			m.Choices[i].Explicit = true
		}
	}), nil, []string{Noninterference}},
	{"health in the basket is like the rest", changed(func(h *decide.House, m *decide.Made, _ tact.Judgement, _ *decide.Ask) {
		m.Choices = append(m.Choices, yes(m.Who.Root, "sensitive", now, h.Charter.Position))
	}), nil, []string{Noninterference}},
	{"held events count for the relationship", spoilt(func(h *decide.House, m *decide.Made, _ decide.Ask, res *decide.Result) {
		days := map[int64]bool{}
		for i := range m.History {
			days[m.History[i].At.Day()] = true
		}
		if len(days) >= 10 && res.Receipt.Level.Level < person.Regular {
			res.Receipt.Level.Level = person.Regular
		}
	}), nil, []string{Noninterference}},
	{"held values are in the order of what is offered", spoilt(func(h *decide.House, m *decide.Made, _ decide.Ask, res *decide.Result) {
		for i := range m.Facts {
			if m.Facts[i].Value == "high" || m.Facts[i].Value == "b" {
				slices.Reverse(res.Receipt.Items)
			}
		}
	}), nil, []string{Noninterference}},
	{"the page is told how much is held", spoilt(func(_ *decide.House, _ *decide.Made, _ decide.Ask, res *decide.Result) {
		if len(res.Receipt.Holds) > 0 {
			res.Receipt.Degraded = decide.DegradedRecord
		}
	}), nil, []string{Noninterference, ProtectiveOnly}},

	{"a reason says more than it weighed", spoilt(func(_ *decide.House, _ *decide.Made, _ decide.Ask, res *decide.Result) {
		for i := range res.Receipt.Items {
			if parts := res.Receipt.Items[i].Parts; len(parts) > 1 {
				parts[0].Weight *= 1.5
			}
		}
	}), nil, []string{ReasonsAddUp}},
	{"a reason is left out", spoilt(func(_ *decide.House, _ *decide.Made, _ decide.Ask, res *decide.Result) {
		for i := range res.Receipt.Items {
			if it := &res.Receipt.Items[i]; len(it.Parts) > 1 {
				it.Parts = it.Parts[:len(it.Parts)-1]
			}
		}
	}), nil, []string{ReasonsAddUp}},
	{"the weights are in the wrong order", spoilt(func(_ *decide.House, _ *decide.Made, _ decide.Ask, res *decide.Result) {
		for i := range res.Receipt.Items { // they still add up
			if parts := res.Receipt.Items[i].Parts; len(parts) > 1 {
				parts[0].Weight, parts[1].Weight = parts[1].Weight, parts[0].Weight
			}
		}
	}), nil, []string{ReasonsAddUp}},
	{"another story that adds up", spoilt(func(_ *decide.House, _ *decide.Made, _ decide.Ask, res *decide.Result) {
		for i := range res.Receipt.Items {
			it := &res.Receipt.Items[i]
			for k := range it.Parts {
				it.Parts[k].Weight = it.Score / float64(len(it.Parts))
			}
		}
	}), nil, []string{ReasonsAddUp}},

	{"a protective fact reorders", spoilt(func(h *decide.House, m *decide.Made, a decide.Ask, res *decide.Result) {
		if len(protectedBy(h, m, a, true)) > 0 {
			slices.Reverse(res.Receipt.Items)
		}
	}), nil, []string{ProtectiveOnly}},
	{"a protective fact adds", spoilt(func(h *decide.House, m *decide.Made, a decide.Ask, res *decide.Result) {
		if len(protectedBy(h, m, a, true)) > 0 {
			res.Receipt.Items = append(res.Receipt.Items, decide.Chosen{Item: "fruit-0", Score: 0.25, Parts: []decide.Part{{Kind: decide.PartTrend, Weight: 0.25}}})
		}
	}), nil, []string{ProtectiveOnly}},
	{"a protective fact removes nothing", changed(func(h *decide.House, m *decide.Made, _ tact.Judgement, a *decide.Ask) {
		gone := protectedBy(h, m, *a, true)
		m.Facts = slices.DeleteFunc(m.Facts, func(f person.Fact) bool { return slices.Contains(gone, f.Name) })
	}), nil, []string{ProtectiveOnly}},
	{"protective doubt removes nothing", changed(func(h *decide.House, m *decide.Made, _ tact.Judgement, a *decide.Ask) {
		gone := protectedBy(h, m, *a, false)
		m.Facts = slices.DeleteFunc(m.Facts, func(f person.Fact) bool { return slices.Contains(gone, f.Name) })
	}), nil, []string{ProtectiveOnly}},
	{"a protective fact without leave removes", changed(func(h *decide.House, m *decide.Made, j tact.Judgement, _ *decide.Ask) {
		for i, why := range j.FactReasons {
			if d := h.Charter.Data[m.Facts[i].Name]; d != nil && d.Protective && why == tact.Permission {
				for _, purpose := range d.Purposes {
					m.Choices = append(m.Choices, yes(m.Who.Root, purpose, now, h.Charter.Position))
				}
			}
		}
	}), nil, []string{ProtectiveOnly}},

	{"tact knows no surprise", nil, forget(tact.Surprising), []string{HoldsExercised}},
	{"tact knows no doubt", nil, forget(tact.Doubtful), []string{HoldsExercised}},
	{"tact knows no benefit", nil, forget(tact.NoBenefit), []string{HoldsExercised}},
}

// forget is a tact that does not give the reason any more.
func forget(reason tact.Reason) func(tact.Case) tact.Judgement {
	return func(c tact.Case) tact.Judgement {
		j := tact.Judge(c)
		for _, reasons := range [2][]tact.Reason{j.FactReasons, j.HistoryReasons} {
			for i := range reasons {
				if reasons[i] == reason {
					reasons[i] = ""
				}
			}
		}
		return j
	}
}

func TestPlantedBreaksAreSeen(t *testing.T) {
	w := newTown(t)
	s := w.snapshot(12, 8)
	for _, b := range breaks {
		t.Run(b.name, func(t *testing.T) {
			t.Parallel()
			p := prover(t, s, b.compute)
			if b.judge != nil {
				p.judge = b.judge
			}
			expect(t, inMemory(p), b.fails)
		})
	}
}

// expect says which checks failed that should not, or did not that should.
func expect(t *testing.T, results []Result, fails []string) {
	t.Helper()
	for _, r := range results {
		if failed := r.Failed > 0; failed != slices.Contains(fails, r.Check) {
			t.Errorf("%s: %d of %d failed, and %s should fail: %s", r.Check, r.Failed, r.Cases, strings.Join(fails, ", "), r.Detail)
		}
	}
}
