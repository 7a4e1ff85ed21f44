package main

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"iter"
	"slices"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"github.com/rapporthq/rapport/charter"
	"github.com/rapporthq/rapport/fault"
	"github.com/rapporthq/rapport/know/quality"
	"github.com/rapporthq/rapport/know/recommend"
	"github.com/rapporthq/rapport/know/tally"
	"github.com/rapporthq/rapport/person"
	"github.com/rapporthq/rapport/trust/ledger"
	"github.com/rapporthq/rapport/trust/tact"
	"github.com/rapporthq/rapport/trust/vault"
)

func init() { register("learn", runLearn) }

type learnArgs struct {
	JSON bool
}

func learnCommand() *cobra.Command {
	var home homeOptions
	var args learnArgs
	cmd := &cobra.Command{
		Use:     "learn --home DIR",
		Short:   "Learn the models from permitted histories, and print their measured quality",
		Example: "  rapport learn --home ./shop",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return perform(cmd.Context(), home, "learn", args, terminal(cmd))
		},
	}
	homeFlags(cmd.Flags(), &home)
	cmd.Flags().BoolVar(&args.JSON, "json", false, "print figures as JSON, one a line")
	return cmd
}

func runLearn(ctx context.Context, h *house, args learnArgs, say *speaker) error {
	if err := h.fold(ctx); err != nil {
		return err
	}
	q, err := h.learn(ctx, "learn", func(share float64) { say.Progress("learning", int64(share*1000), 1000) })
	if err != nil {
		return err
	}
	figures := []struct {
		name  string
		value float64
	}{{"recall@20", q.Recall20}, {"ndcg@100", q.NDCG100}, {"ndcg@10", q.NDCG10}, {"ndcg@10_new", q.NDCG10New}, {"fit_s", q.FitSeconds}}
	if args.JSON {
		for _, f := range figures {
			say.JSON(map[string]any{"bench": "learn", "set": "home", "figure": f.name, "value": f.value, "unit": ""})
		}
		return nil
	}
	people := fmt.Sprintf("%d people", q.People)
	if q.Learnt < q.People {
		people = fmt.Sprintf("a sample of %d of %d people", q.Learnt, q.People)
	}
	say.Printf("Model %s: %s, %d items, %d columns of facts, %d weights, none on fewer than %d people.\n", q.version, people, q.Items, q.Columns, q.Weights, h.charter().K)
	if q.People == 0 {
		say.Printf("%s\n", q.why(h.charter()))
		return nil
	}
	if q.Judged == 0 {
		say.Printf("Nothing could be measured: it needs people who say yes to a purpose that may be learnt from, and who came back in the last weeks.\n")
		return nil
	}
	say.Printf("Measured on the last weeks, which it had not seen (%d people): ", q.Judged)
	for _, f := range figures {
		say.Printf("%s %.3f  ", f.name, f.value)
	}
	say.Printf("\n")
	return nil
}

// lesson is a model that was learnt, and who was there to learn from.
type lesson struct {
	recommend.Quality
	version               string
	purpose               string // the first that may be learnt from
	known, chose, allowed int    // people; those who answered any purpose; those who allow that something is learnt
}

// why says in words why nobody was learnt from, and what to do.
func (l lesson) why(c *charter.Charter) string {
	switch {
	case l.known == 0:
		return "Nobody is known yet, so nothing was learnt: bring what people did with rapport import --as events, then learn again."
	case l.allowed > 0:
		return "Those who allow it have taken nothing that may be used and that the catalogue has today, so nothing was learnt: bring the catalogue (rapport import --as items) and, after the choices, events with items (rapport import --as events), then learn again."
	case c.Purposes[l.purpose].Basis == charter.Consent && l.chose == 0:
		return fmt.Sprintf("No choice was imported or given, and %s rests on consent: without a yes nobody is learnt from. Bring your consent records with rapport import --as choices, then learn again.", l.purpose)
	case c.Purposes[l.purpose].Basis == charter.Consent:
		return fmt.Sprintf("Nobody has said yes to %s, which rests on consent, so nobody is learnt from. Ask for it, or bring consent records with rapport import --as choices, then learn again.", l.purpose)
	}
	return fmt.Sprintf("Everybody has objected to %s, so nobody is learnt from: rapport charter show says what may be used for what.", l.purpose)
}

// learn makes a new model from what each person's choices let the charter's learning purposes use. It is one look at the
// population for the first such purpose, on record before anything is read: one model serves them all, and what another purpose alone
// would allow is left out of it.
func (h *house) learn(ctx context.Context, actor string, progress func(float64)) (lesson, error) {
	h.learning.Lock()
	defer h.learning.Unlock()
	defer frugal()()
	house := h.live.House()
	c := house.Charter
	purpose := ""
	for _, name := range c.Order.Purposes {
		if c.Purposes[name].Learns {
			purpose = name
			break
		}
	}
	if purpose == "" {
		return lesson{}, fmt.Errorf("no purpose of the charter may be learnt from: say learns: true at one that may")
	}
	count, err := h.store.People(ctx)
	if err != nil {
		return lesson{}, err
	}
	now := h.clock()
	permit, err := tact.ForLearning(c, actor, purpose, count, "everybody who allows it", now.Add(6*time.Hour))
	if err != nil {
		return lesson{}, err
	}
	_, filter := permit.Population()
	look, err := ledger.Seal(ledger.Look{At: now, Actor: actor, Role: permit.Role(), Purpose: purpose, Reason: "learning the recommender's model, and counting how good what is kept is", Fields: permit.Fields(), Count: count, Filter: filter}, h.vault.Home())
	if err != nil {
		return lesson{}, err
	}
	l := lesson{purpose: purpose, known: count}
	counts := recommend.Counts(c)
	gone := map[string]bool{}
	for _, it := range house.Shelf.All() {
		if !it.Available(now) {
			gone[it.ID] = true
		}
	}
	var failed error
	var census *quality.Census
	var sample recommend.Sample
	histories := iter.Seq[recommend.History](func(yield func(recommend.History) bool) {
		stopped := fmt.Errorf("enough")
		census = quality.NewCensus(c, now)
		failed = h.store.Each(ctx, look, func(loaded vault.Loaded) error {
			r, err := h.vault.Record(loaded, h.streams.of, &house.Series, house.Shelf.Sensitive)
			if err != nil {
				return err
			}
			if len(r.Choices) > 0 {
				l.chose++
			}
			if !r.Restricted {
				census.Add(r.Facts, r.SameValue)
			}
			j := tact.JudgeLearning(tact.Case{Series: &house.Series, Charter: c, Who: r.Who, Facts: r.Facts, History: r.History, Choices: r.Choices, Restricted: r.Restricted,
				Feedback: r.Feedback, Complaints: r.Complaints, Moment: person.Moment{At: now, Now: h.clock()}}, purpose)
			if j.Standing.Allowed {
				l.allowed++
			}
			drawn := draw(r.Who.Root)
			if j.Standing.Allowed && !sample.Wants(drawn) { // what nobody learns from stays closed
				if !yield(recommend.History{Draw: drawn}) {
					return stopped
				}
				return nil
			}
			o, err := r.OpenLines(j.Permit, h.clock()) // where they allow nothing it opens nothing
			if err != nil {
				return err
			}
			one := recommend.History{Taken: recommend.Take(o.History, counts), Columns: recommend.Columns(c, person.InUse(o.Facts)), Draw: drawn}
			// What cannot be had today (a coupon, petrol, what is out of stock) is neither offered nor a reason until the next learning.
			if len(gone) > 0 {
				one.Taken = slices.DeleteFunc(one.Taken, func(t recommend.Taken) bool { return gone[t.Item] })
			}
			if len(one.Taken) == 0 {
				return nil
			}
			if !yield(one) {
				return stopped
			}
			return nil
		})
		if failed == stopped {
			failed, census = nil, nil
		}
	})
	var items []string
	for _, it := range house.Shelf.All() {
		if !it.Bare {
			items = append(items, it.ID)
		}
	}
	m, q, err := recommend.Learn(ctx, histories, recommend.Options{K: c.K, Items: items, Sensitive: func(id string) bool { return len(house.Shelf.Sensitive(id)) > 0 },
		Candidate: func(id string) bool { return house.Shelf.Item(id) != nil }, Progress: progress, Clock: h.clock, Sample: &sample})
	l.Quality = q
	if failed != nil {
		err = failed
	}
	if err != nil {
		return l, err
	}
	body, err := m.MarshalBinary()
	if err != nil {
		return l, err
	}
	l.version = now.Time().Format("2006-01-02T15:04:05.000000Z") // two of one second are two: processes follow by the version
	if err := h.store.PutModel(ctx, modelName, l.version, now, body); errors.Is(err, vault.ErrStale) {
		return l, fault.Wrap(fault.Conflict, "Another process began to learn later and was done first: its model stays.", err)
	} else if err != nil {
		return l, err
	}
	if err := h.keepCensus(ctx, census); err != nil {
		return l, err
	}
	return l, h.follow(ctx)
}

// draw is what a person draws where more come than can be learnt from: the same each time, and no clue to who they are.
func draw(id person.ID) uint64 {
	sum := sha256.Sum256(append([]byte("learning"), id[:]...))
	return binary.BigEndian.Uint64(sum[:8])
}

// keepCensus keeps how good what is kept is, as counted today. Without a whole count the last one stays.
func (h *house) keepCensus(ctx context.Context, census *quality.Census) error {
	if census == nil {
		return nil
	}
	counts := make(map[string]int64, len(census.Counts()))
	for line, n := range census.Counts() {
		counts[line.String()] = n
	}
	if err := h.meter.days.Set(ctx, tally.Census, counts); err != nil {
		return err
	}
	return h.store.PutSetting(ctx, countedSetting, strconv.FormatInt(int64(h.clock()), 10))
}

// countedSetting says when how good what is kept is was last counted.
const countedSetting = "quality counted"

// countIfDue counts it by itself when the count is a day old: where nothing may be learnt, or learning fails, nobody else does. It is one look at the
// population, of heads alone.
func (h *house) countIfDue(ctx context.Context) error {
	text, err := h.store.Setting(ctx, countedSetting)
	if err != nil {
		return err
	}
	now := h.clock()
	if last, _ := strconv.ParseInt(text, 10, 64); last != 0 && now < person.Instant(last).Add(learnEvery-time.Minute) {
		return nil
	}
	house := h.live.House()
	c := house.Charter
	count, err := h.store.People(ctx)
	if err != nil {
		return err
	}
	permit, err := tact.ForCheck("quality", "everybody", count, c.Position, now.Add(time.Hour))
	if err != nil {
		return err
	}
	look, err := ledger.Seal(ledger.Look{At: now, Actor: "quality", Role: permit.Role(), Purpose: permit.Purpose(), Reason: "counting how good what is kept is", Fields: permit.Fields(), Count: count, Filter: "everybody"}, h.vault.Home())
	if err != nil {
		return err
	}
	census := quality.NewCensus(c, now)
	if err := h.store.Each(ctx, look, func(loaded vault.Loaded) error {
		r, err := h.vault.Record(loaded, h.streams.of, &house.Series, house.Shelf.Sensitive)
		if err == nil && !r.Restricted {
			census.Add(r.Facts, r.SameValue)
		}
		return err
	}); err != nil {
		return err
	}
	return h.keepCensus(ctx, census)
}

// learnAndCount is the daily work on models and counts. That one fails does not keep back the other.
func (h *house) learnAndCount(ctx context.Context) error {
	return errors.Join(h.learnIfDue(ctx), h.countIfDue(ctx))
}

// learnIfDue learns when the model is a day old, for what somebody withdrew is out of it within a day, and when it was learnt for a
// smaller k than the charter's.
func (h *house) learnIfDue(ctx context.Context) error {
	if err := h.follow(ctx); err != nil { // another process may have learnt a moment ago
		return err
	}
	house := h.live.House()
	learns := false
	for _, p := range house.Charter.Purposes {
		learns = learns || p.Learns
	}
	if !learns {
		return nil
	}
	fewer := house.Learnt != nil && house.Learnt.MinSupport() < house.Charter.K // what decisions leave out may have something in its place
	if at, err := time.Parse("2006-01-02T15:04:05Z", house.ModelVersion); err == nil && !fewer {
		if now, at := h.clock(), person.At(at); now < at.Add(learnEvery-time.Minute) && now > at.Add(-learnEvery) { // a model from further ahead is from before the clock went back
			return nil
		}
	}
	_, err := h.learn(ctx, "learn", func(float64) {})
	return err
}
