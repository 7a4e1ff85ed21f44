package recommend

import (
	"context"
	"iter"

	"github.com/rapporthq/rapport/person"
)

// History is one person's permitted history, without a name. Learn copies what it needs: slices may be used again.
type History struct {
	Taken   []Taken
	Columns []string
}

// Options says how to learn. K is needed; the rest has good zero values.
type Options struct {
	K         int                   // the floor: no weight, count or column on fewer people
	Sensitive func(id string) bool  // items that the charter's rules mark; nil: none
	Candidate func(id string) bool  // items that may be ranked; nil: all that k people took
	Progress  func(share float64)   // called now and then with the share done, in [0,1]; may be nil
	Clock     func() person.Instant // for Quality.FitSeconds; nil: the system's
}

// Quality is what the hold-out of the last weeks said of the model, before it was fitted again on all.
type Quality struct {
	People, Items, Columns, Weights int
	HeldFrom                        person.Instant // the last weeks start here; zero when the histories have no times
	Judged                          int            // people by whom the figures are measured
	Recall20, NDCG100               float64        // strong generalisation: people the model never saw
	NDCG10, NDCG10New               float64        // the next weeks: bought products allowed, and new ones only
	FitSeconds                      float64        // the last fit, on all
}

// Learn learns from one history for each person: it counts, chooses its few numbers on the last weeks, measures, and
// fits again on everything. An error leaves no model. The order of the histories does not matter to the bytes.
func Learn(ctx context.Context, histories iter.Seq[History], opts Options) (*Model, Quality, error) {
	panic("not yet")
}
