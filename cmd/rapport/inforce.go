package main

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/rapporthq/rapport/charter"
	"github.com/rapporthq/rapport/fault"
	"github.com/rapporthq/rapport/fresh"
	"github.com/rapporthq/rapport/know/catalogue"
	"github.com/rapporthq/rapport/know/recommend"
	"github.com/rapporthq/rapport/reach/decide"
	"github.com/rapporthq/rapport/store"
	"github.com/rapporthq/rapport/trust/vault"
)

// modelName is the recommender's name in the store.
const modelName = "recommend"

// following is how this process keeps to what is in force: charter, catalogue and model.
type following struct {
	asked    fresh.Answers[struct{}, struct{}]
	building sync.Mutex    // one new decide.House at a time
	seen     store.InForce // what the one in force was made of
}

// How long who comes to a door waits to be told what is in force. A decision is then made without knowing, on the generic rung.
const (
	doorPatience   = 2 * time.Second
	decidePatience = 250 * time.Millisecond
)

// current brings a process that shares its home to what is in force now: whoever comes in is served by the charter, the catalogue
// and the model that were in force when they came, wherever those were changed. Those who come at the same time share the
// question. A process that has its home alone changes them itself and has nothing to ask.
func (h *house) current(ctx context.Context) error {
	if !h.shared() {
		return nil
	}
	_, err := h.following.asked.Ask(ctx, struct{}{}, func(ctx context.Context) (struct{}, error) { return struct{}{}, h.followTo(ctx, false) })
	return err
}

// follow brings this process to what is in force, bare items that the store wrote by itself too.
func (h *house) follow(ctx context.Context) error { return h.followTo(ctx, true) }

func (h *house) followTo(ctx context.Context, sighted bool) error {
	f := &h.following
	f.building.Lock()
	defer f.building.Unlock()
	asking, cancel := context.WithTimeout(ctx, doorPatience)
	v, err := h.store.InForce(asking, modelName)
	cancel()
	if err != nil {
		return err
	}
	if !sighted {
		v.Sighted = f.seen.Sighted
	}
	if v == f.seen {
		return nil
	}
	made, v, err := h.build(ctx)
	if err != nil {
		return err
	}
	h.live.Set(made)
	h.vault.SetRegion(made.Charter.Brand.Region)
	if h.shared() && v.Index != h.vault.Index().Generation() { // another process has brought the index to a new key
		if err := h.vault.ServeIndex(v.Index); err != nil {
			return err
		}
	}
	f.seen = v
	return nil
}

// build makes what decisions depend on from the store: the charter in force, the catalogue, the model. Its versions were read before
// all else, so that what is changed meanwhile is followed next.
func (h *house) build(ctx context.Context) (*decide.House, store.InForce, error) {
	v, err := h.store.InForce(ctx, modelName)
	if err != nil {
		return nil, v, err
	}
	now := h.live.House()
	p := decide.Parts{Salt: h.vault.Secret("holdout")}
	if p.Series, err = h.accepted(ctx, now); err != nil {
		return nil, v, err
	}
	c := p.Series.Current()
	if c == nil {
		return nil, v, fault.New(fault.Unavailable, "The charter in force cannot be read just now; try again in a moment.")
	}
	items, itemsVersion, err := h.store.Items(ctx)
	if err != nil {
		return nil, v, err
	}
	p.Shelf = catalogue.NewShelf(items, c, itemsVersion)
	if now != nil && now.ModelVersion == v.Model {
		p.Model, p.ModelVersion = now.Learnt, now.ModelVersion
	} else if p.Model, p.ModelVersion, err = h.model(ctx); err != nil {
		return nil, v, err
	}
	made, err := decide.NewHouse(p)
	return made, v, err
}

// accepted is the series of charters, as far as it is known here, with those that were accepted since.
func (h *house) accepted(ctx context.Context, now *decide.House) (charter.Series, error) {
	var known charter.Series
	if now != nil {
		known = now.Series
	}
	all, err := h.store.Charters(ctx)
	if err != nil {
		return known, err
	}
	for _, a := range all {
		if known.At(a.Position) != nil {
			continue
		}
		c, problems := charter.Parse(a.Source)
		if c == nil {
			return known, fmt.Errorf("the accepted charter %d cannot be read by this version: %w", a.Position, problems.Err())
		}
		known = known.Append(c.Placed(a.Position, a.At))
	}
	return known, nil
}

// model is what was learnt last; none before that, or when this version cannot read it.
func (h *house) model(ctx context.Context) (*recommend.Model, string, error) {
	version, body, err := h.store.Model(ctx, modelName)
	if errors.Is(err, vault.ErrNotFound) {
		return nil, "", nil
	}
	if err != nil {
		return nil, "", err
	}
	m := new(recommend.Model)
	if err := m.UnmarshalBinary(body); err != nil {
		h.log.Error("the model cannot be read, so decisions go on without it: run rapport learn", "error", err)
		return nil, "", nil
	}
	return m, version, nil
}
