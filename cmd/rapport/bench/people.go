package bench

import (
	"bufio"
	"context"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"iter"
	"os"
	"path/filepath"
	"sort"
	"time"

	"github.com/rapporthq/rapport/charter"
	"github.com/rapporthq/rapport/demo"
	"github.com/rapporthq/rapport/know/catalogue"
	"github.com/rapporthq/rapport/know/recommend"
	"github.com/rapporthq/rapport/person"
	"github.com/rapporthq/rapport/store"
	"github.com/rapporthq/rapport/trust/consent"
	"github.com/rapporthq/rapport/trust/vault"
)

// household is a real household's baskets, from which made people's are drawn.
type household struct {
	baskets []basket
}

type basket struct {
	at    person.Instant
	lines []person.Line
}

// households reads the real data that the binary carries, through the demo's own files.
func households(o Options, now time.Time) ([]household, []catalogue.Item, error) {
	dir := filepath.Join(o.Dir, "files")
	sum, err := demo.Write(dir, demo.Options{Now: now}, nil)
	if err != nil {
		return nil, nil, err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	by := map[string]*household{}
	for _, f := range sum.Files {
		if f.As != "events" {
			continue
		}
		file, err := os.Open(filepath.Join(dir, f.Name))
		if err != nil {
			return nil, nil, err
		}
		lines := bufio.NewScanner(file)
		lines.Buffer(nil, 1<<20)
		for lines.Scan() {
			var m struct {
				UserID     string    `json:"userId"`
				Timestamp  time.Time `json:"timestamp"`
				Properties struct {
					Products []struct {
						ID       string  `json:"product_id"`
						Quantity float64 `json:"quantity"`
						Price    float64 `json:"price"`
					} `json:"products"`
				} `json:"properties"`
			}
			if err := json.Unmarshal(lines.Bytes(), &m); err != nil {
				return nil, nil, err
			}
			h := by[m.UserID]
			if h == nil {
				h = &household{}
				by[m.UserID] = h
			}
			b := basket{at: person.At(m.Timestamp)}
			for _, p := range m.Properties.Products {
				b.lines = append(b.lines, person.Line{Item: p.ID, Quantity: p.Quantity, Price: p.Price})
			}
			h.baskets = append(h.baskets, b)
		}
		if err := lines.Err(); err != nil {
			return nil, nil, err
		}
		_ = file.Close()
	}
	var ids []string
	for id := range by {
		ids = append(ids, id)
	}
	sort.Strings(ids)
	var all []household
	for _, id := range ids {
		h := by[id]
		sort.Slice(h.baskets, func(i, j int) bool { return h.baskets[i].at < h.baskets[j].at })
		all = append(all, *h)
	}
	known, err := demo.Catalogue()
	if err != nil {
		return nil, nil, err
	}
	items := make([]catalogue.Item, len(known))
	for i := range known {
		items[i] = catalogue.Item{Item: known[i]}
	}
	return all, items, nil
}

// fill makes people in a home: each takes a run of a real household's baskets, one in ten has said no, one in three told the
// household's size. It writes through the store's own Commit and Fold; only the parser is left out.
func fill(ctx context.Context, o Options, dir string, people, events int, real []household, items []catalogue.Item, now time.Time) error {
	v, err := vault.Open(dir)
	if err != nil {
		return err
	}
	so := store.Options{Dir: filepath.Join(dir, "database"), URL: o.Database}
	if o.Database != "" {
		so.Dir = ""
	}
	s, err := store.Open(ctx, so)
	if err != nil {
		return err
	}
	defer func() { _ = s.Close() }()
	if _, err := s.PutItems(ctx, items); err != nil {
		return err
	}
	c, problems := charter.Parse(benchCharter)
	if c == nil {
		return problems
	}
	position, err := s.CharterPosition(ctx)
	if err != nil {
		return err
	}
	order, err := s.Intern(ctx, vault.Stream{Event: "Order Completed", Source: "tills", Charter: position})
	if err != nil {
		return err
	}
	const together = 500
	at := person.At(now)
	var change vault.Change
	for i := range people {
		blind, err := v.Blind(vault.UserID, userID(i))
		if err != nil {
			return err
		}
		begun := at.Add(-300 * 24 * time.Hour)
		e, ring, err := v.Enrol(begun)
		if err != nil {
			return err
		}
		e.Identifiers = []vault.Identifier{{Blind: blind, Of: e.ID, Verified: true}}
		change.Enrol = append(change.Enrol, e)
		answer := consent.Yes
		if i%10 == 9 {
			answer = consent.No
		}
		change.Put = append(change.Put, ring.SealChoice(consent.Choice{Of: e.ID, Purpose: "personalise", Answer: answer, At: begun, Received: begun, Verified: true, Source: "tills", Channel: "web", Charter: position},
			consent.Evidence{Notice: "1", Language: "en", Words: "To show you what suits you."}, "bench"))
		if i%3 == 0 {
			change.Put = append(change.Put, ring.SealFact(person.Fact{Head: person.Head{Of: e.ID, Name: "household", Learnt: person.Declared, Source: "tills", Channel: "web", At: begun, Received: begun, Charter: position, Quality: 1, Verified: true},
				Value: []string{"1", "2", "3", "4", "5+"}[i%5]}))
		}
		h := real[int(mix(uint64(i))%uint64(len(real)))]
		first := 0
		if n := len(h.baskets) - events; n > 0 {
			first = int(mix(uint64(i)+1) % uint64(n+1))
		}
		for b := range min(events, len(h.baskets)) {
			from := h.baskets[first+b]
			body, err := vault.AppendBody(nil, from.lines, map[string]any{"order_id": fmt.Sprintf("o%d-%d", i, b)})
			if err != nil {
				return err
			}
			var id person.EventID
			binary.BigEndian.PutUint64(id[:], uint64(i))
			binary.BigEndian.PutUint64(id[8:], uint64(b))
			change.Frames = append(change.Frames, ring.SealEvent(id, order, from.at, at, body))
		}
		if (i+1)%together == 0 || i == people-1 {
			if err := s.Commit(ctx, change); err != nil {
				return err
			}
			change = vault.Change{}
		}
		if (i+1)%(together*40) == 0 || i == people-1 {
			for more := true; more; {
				if _, more, err = s.Fold(ctx, 200_000); err != nil {
					return err
				}
			}
			o.Log("%d of %d people are in the home", i+1, people)
		}
	}
	histories := iter.Seq[recommend.History](func(yield func(recommend.History) bool) {
		for _, h := range real {
			var es []person.Event
			for _, b := range h.baskets {
				es = append(es, person.Event{Head: person.Head{Name: "Order Completed", Event: true, At: b.at}, Lines: b.lines})
			}
			if !yield(recommend.History{Taken: recommend.Take(es, recommend.Counts(c))}) {
				return
			}
		}
	})
	m, _, err := recommend.Learn(ctx, histories, recommend.Options{K: c.K})
	if err != nil {
		return err
	}
	raw, err := m.MarshalBinary()
	if err != nil {
		return err
	}
	return s.PutModel(ctx, "recommend", now.UTC().Format("2006-01-02T15:04:05Z"), at, raw)
}
