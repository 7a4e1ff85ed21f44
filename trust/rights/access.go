package rights

import (
	"context"
	"math"
	"time"

	"github.com/rapporthq/rapport/person"
	"github.com/rapporthq/rapport/trust/consent"
	"github.com/rapporthq/rapport/trust/ledger"
	"github.com/rapporthq/rapport/trust/tact"
)

// About is everything that is kept about a person, to be told or given to them.
type About struct {
	Facts   []Said   `json:"facts"`
	Events  []Done   `json:"events"`
	Choices []Chosen `json:"choices"`
}

// Said is one fact, with where it came from.
type Said struct {
	Name     string    `json:"fact"`
	Value    string    `json:"value"`
	Learnt   string    `json:"learnt"`
	Source   string    `json:"source"`
	At       time.Time `json:"at"`
	Verified bool      `json:"verified"`
	Quality  float64   `json:"quality"`          // in [0,1]: how sure the value is today
	Doubts   []string  `json:"doubts,omitempty"` // why it is less than 1, but for its age
}

// Done is one event.
type Done struct {
	Name       string         `json:"event"`
	At         time.Time      `json:"at"`
	Source     string         `json:"source"`
	Lines      []Line         `json:"lines,omitempty"`
	Properties map[string]any `json:"properties,omitempty"`
}

// Line is one thing of an event.
type Line struct {
	Item     string  `json:"item"`
	Quantity float64 `json:"quantity,omitempty"`
	Price    float64 `json:"price,omitempty"`
}

func linesOf(lines []person.Line) (out []Line) {
	for _, l := range lines {
		out = append(out, Line{l.Item, l.Quantity, l.Price})
	}
	return out
}

// Chosen is one choice.
type Chosen struct {
	Purpose string    `json:"purpose"`
	Yes     bool      `json:"yes"`
	At      time.Time `json:"at"`
	Source  string    `json:"source"`
}

// Access gives everything that is kept about a person, for an answer to them. The look, in which only who reads, in which role and why is asked for, is on disk
// before anything is given.
func (e *Eraser) Access(ctx context.Context, id person.ID, look ledger.Look) (*About, error) {
	first, err := e.Store.Load(ctx, id) // heads and key, to seal the reason
	if err != nil {
		return nil, said(err)
	}
	now, series := e.Clock(), e.Series()
	root := first.Who.Root
	key, err := e.Vault.Key(root, first.Wrapped[root])
	if err != nil {
		return nil, err
	}
	look.Of, look.At, look.Fields = root, now, []string{"everything"}
	row, err := ledger.Seal(look, key)
	if err != nil {
		return nil, err
	}
	loaded, err := e.Store.Load(ctx, id, row)
	if err != nil {
		return nil, said(err)
	}
	r, err := e.Vault.Record(loaded.Near(), e.Streams, series, e.Marks)
	if err != nil {
		return nil, said(err)
	}
	o, err := r.Open(tact.ForSelf(r.Who, series.Current().Position, now.Add(time.Minute)), now)
	if err != nil {
		return nil, err
	}
	a := &About{Facts: []Said{}, Events: []Done{}, Choices: []Chosen{}}
	for _, f := range append(o.Facts, o.Superseded...) {
		told := Said{Name: f.Name, Value: f.Value, Learnt: f.Learnt.String(), Source: f.Source, At: f.At.Time().UTC(), Verified: f.Verified, Quality: f.Quality}
		if d := series.Current().Data[f.Name]; d != nil {
			told.Quality = math.Round(100*d.Sure(&f.Head, now)) / 100
		}
		for doubt := range f.Doubts.Each {
			told.Doubts = append(told.Doubts, doubt.String())
		}
		a.Facts = append(a.Facts, told)
	}
	for i := range o.History {
		h := &o.History[i]
		a.Events = append(a.Events, Done{h.Name, h.At.Time().UTC(), h.Source, linesOf(h.Lines), h.Properties})
	}
	for _, c := range r.Choices {
		a.Choices = append(a.Choices, Chosen{c.Purpose, c.Answer == consent.Yes, c.At.Time().UTC(), c.Source})
	}
	return a, nil
}
