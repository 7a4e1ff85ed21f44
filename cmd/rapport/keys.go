package main

import (
	"context"
	"errors"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"github.com/rapporthq/rapport/fault"
	"github.com/rapporthq/rapport/person"
	"github.com/rapporthq/rapport/trust/vault"
)

func init() { register("keys-rotate", runRotate) }

type keysArgs struct{ Index bool }

func keysCommand() *cobra.Command {
	var home homeOptions
	var args keysArgs
	cmd := &cobra.Command{
		Use: "keys", Short: "The keys of a home: rotate the one that wraps all others or that of the index of identifiers, have a key service seal them", Example: "  rapport keys rotate --home ./shop", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	homeFlags(cmd.PersistentFlags(), &home)
	rotate := &cobra.Command{
		Use: "rotate --home DIR", Short: "Wrap every data key by a new wrapping key and destroy the old one, while the home is served",
		Long: "Nothing that is sealed is sealed anew: only the small keys that people's data is sealed by are wrapped again. Copies of the keys that were made\n" +
			"before open nothing afterwards. It may be run again after it was cut off. A serving home on SQLite does it by itself within two days after somebody was\n" +
			"forgotten. On PostgreSQL every process must see the same folder keys/: each takes up the new key by itself. Make a new backup afterwards.\n" +
			"With --index it is the index by which people are found that is brought to a new key instead: both find people until all of it is.",
		Example: "  rapport keys rotate --home ./shop\n  rapport keys rotate --home ./shop --index", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return perform(cmd.Context(), home, "keys-rotate", args, terminal(cmd))
		},
	}
	rotate.Flags().BoolVar(&args.Index, "index", false, "bring the index of identifiers to a new key")
	cmd.AddCommand(rotate, sealCommand(&home))
	return cmd
}

func runRotate(ctx context.Context, h *house, args keysArgs, say *speaker) error {
	if args.Index {
		err := h.rotateIndex(ctx, say)
		if err == nil {
			say.Printf("People are found by a new key, and what the old one made is gone. Make a new backup.\n")
		}
		return err
	}
	n, err := h.rotate(ctx, say)
	if err == nil {
		say.Printf("%d data keys are wrapped by a new key, and the old one is destroyed. Make a new backup: the keys file of an older one opens nothing any more.\n", n)
	}
	return err
}

// rotate wraps every data key by a new wrapping key and destroys the old one. Cut off at any point, everything can still be read, and the next goes on.
func (h *house) rotate(ctx context.Context, say *speaker) (wrapped int, err error) {
	h.rotating.Lock()
	defer h.rotating.Unlock()
	release, err := h.alone()
	if err != nil {
		return 0, err
	}
	defer release()
	if err := h.vault.Rotate(); err != nil {
		return 0, err
	}
	people, err := h.store.People(ctx)
	if err != nil {
		return 0, err
	}
	pass := func() error {
		n, err := h.store.Rewrap(ctx, func(id person.ID, old []byte) ([]byte, error) {
			fresh, err := h.vault.Rewrap(id, old)
			if errors.Is(err, vault.ErrUnreadable) {
				return old, nil // nobody could open it before either
			}
			return fresh, err
		}, func(done int) { say.Progress("wrapping", int64(done), int64(people)) })
		wrapped += n
		return err
	}
	if err := pass(); err != nil {
		return wrapped, err
	}
	_, old := h.vault.Wrapping()
	for _, g := range old {
		if err := h.store.Retire(ctx, g); err != nil { // from here on nobody comes whose key the old one wraps
			return wrapped, err
		}
	}
	if err := pass(); err != nil {
		return wrapped, err
	}
	if err := h.vault.Retire(); err != nil {
		return wrapped, err
	}
	return wrapped, errors.Join(h.store.PutSetting(ctx, erasedSetting, ""), h.store.PutSetting(ctx, rotatedSetting, strconv.FormatInt(int64(h.clock()), 10)))
}

// alone keeps other processes of the home from changing its keys.
func (h *house) alone() (release func(), err error) {
	release, err = h.vault.Alone()
	if errors.Is(err, vault.ErrRotating) {
		return nil, fault.Wrap(fault.Conflict, "Another process is changing the keys of this home; wait until it is done.", err)
	}
	return release, err
}

// After somebody was forgotten the wrapping key is rotated, at most once a day: a copy of the wrapped keys that was made before is dead then too.
const (
	rotateEvery    = 24 * time.Hour
	rotatedSetting = "keys rotated"
)

func (h *house) rotateIfDue(ctx context.Context) error {
	if h.shared() {
		return nil // whether the processes share the folder of keys only their keeper knows: it is a command there
	}
	erased, err := h.store.Setting(ctx, erasedSetting)
	if err != nil || erased == "" {
		return err
	}
	text, err := h.store.Setting(ctx, rotatedSetting)
	if err != nil {
		return err
	}
	now := h.clock()
	last, _ := strconv.ParseInt(text, 10, 64)
	if last == 0 || last > int64(now) { // a day's grace: the next who are forgotten go with these
		return h.store.PutSetting(ctx, rotatedSetting, strconv.FormatInt(int64(now), 10))
	}
	if now < person.Instant(last).Add(rotateEvery) {
		return nil
	}
	_, err = h.rotate(ctx, &speaker{out: func(string) error { return nil }})
	return err
}

// serveIndex makes vault and store serve the generation that the home is at, and removes what a rotation that was cut off left of the one before.
func (h *house) serveIndex(ctx context.Context) error {
	served, lifting, err := h.store.IndexAt(ctx)
	if err != nil {
		return err
	}
	if err := h.vault.ServeIndex(served); err != nil || h.shared() {
		return err // other processes may find people by the one before; the next rotation removes it
	}
	if err := h.store.ServeIndex(ctx, served); err != nil || lifting != served {
		return err
	}
	return h.store.DropIndex(ctx, served)
}

// othersFollow is how long what is served no more stays where other processes may be in the midst of looking somebody up by it. They take up what is served
// before each answer.
const othersFollow = 2 * time.Second

// rotateIndex brings the index by which people are found to a new key while the home is served. A blind of the new key is made of the old blind, for nobody keeps identifiers. In between people are
// found by both. Cut off at any point people are found, and the next goes on.
func (h *house) rotateIndex(ctx context.Context, say *speaker) error {
	h.rotating.Lock()
	defer h.rotating.Unlock()
	release, err := h.alone()
	if err != nil {
		return err
	}
	defer release()
	from, lifting, err := h.store.IndexAt(ctx)
	if err != nil {
		return err
	}
	if err := h.vault.ServeIndex(from); err != nil {
		return err
	}
	if lifting == from { // what one that was cut off left
		if err := h.store.DropIndex(ctx, from); err != nil {
			return err
		}
	}
	people, err := h.store.People(ctx)
	if err != nil {
		return err
	}
	if err := h.vault.PrepareIndex(); err != nil {
		return err
	}
	lift, err := h.vault.Lifter(from)
	if err != nil {
		return err
	}
	if err := h.store.LiftIndex(ctx, from, lift, func(done int) { say.Progress("index", int64(done), int64(people)) }); err != nil {
		return err
	}
	if err := h.store.ServeIndex(ctx, from+1); err != nil { // what was hashed by the old key and is not written yet is judged again
		return err
	}
	if h.shared() {
		select {
		case <-time.After(othersFollow):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return errors.Join(h.store.DropIndex(ctx, from+1), h.store.PutSetting(ctx, slackSetting, "1"))
}
