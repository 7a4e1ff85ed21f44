package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/rapporthq/rapport/fault"
	"github.com/rapporthq/rapport/store/backup"
	"github.com/rapporthq/rapport/trust/vault"
)

func init() { register("backup", runBackup) }

type backupArgs struct{ File, Keys, Wrapping string }

func backupCommand() *cobra.Command {
	var home homeOptions
	var args backupArgs
	cmd := &cobra.Command{
		Use:   "backup --home DIR FILE --keys FILE",
		Short: "Copy a home into files, also while it serves: its data, sealed, its keys, wrapped, and what unwraps them",
		Long: "Everything that was acknowledged before the command began is in the copy. FILE must not be there yet; the keys file is\n" +
			"replaced, for it must always be the current one: whoever was forgotten since FILE was made is not in it, and cannot be read.\n" +
			"What unwraps the keys is in neither: it goes into a third file, which is replaced too. Keep the three apart, and no old ones\n" +
			"of the last two: who has all three reads everything. Sessions are not copied: people sign in again.",
		Example: "  rapport backup --home ./shop /backups/shop-2026-11-22 --keys /elsewhere/shop-keys",
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, files []string) error {
			if args.Keys == "" {
				return usage{errors.New("say where the keys go with --keys FILE: they never travel with the data")}
			}
			var err error
			if args.File, err = filepath.Abs(files[0]); err != nil {
				return err
			}
			if args.Keys, err = filepath.Abs(args.Keys); err != nil {
				return err
			}
			if args.Wrapping, err = wrappingPath(args.Wrapping, args.Keys); err != nil {
				return err
			}
			if args.File == args.Keys || args.Wrapping == args.File || args.Wrapping == args.Keys {
				return usage{errors.New("data, keys and the wrapping key go into files of their own; keep them apart")}
			}
			return perform(cmd.Context(), home, "backup", args, terminal(cmd))
		},
	}
	homeFlags(cmd.Flags(), &home)
	cmd.Flags().StringVar(&args.Keys, "keys", "", "file for the keys, to be kept elsewhere than the data")
	cmd.Flags().StringVar(&args.Wrapping, "wrapping", "", "file for the wrapping key, to be kept elsewhere than both (default: the keys file's name with .wrapping)")
	return cmd
}

func wrappingPath(given, keys string) (string, error) {
	if given == "" {
		given = keys + ".wrapping"
	}
	return filepath.Abs(given)
}

func runBackup(ctx context.Context, h *house, args backupArgs, say *speaker) error {
	if _, err := os.Lstat(args.File); err == nil {
		return fault.New(fault.Conflict, args.File+" is there already; name a file that is not.")
	}
	if err := h.book.Flush(ctx); err != nil { // counts that are in memory only
		return err
	}
	keys, err := vault.KeyFiles(h.dir)
	if err != nil {
		return err
	}
	proposal, err := os.ReadFile(filepath.Join(h.dir, charterFile))
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	wrapping := keys[vault.WrappingFile]
	delete(keys, vault.WrappingFile)
	_, name := h.vault.TreeKey()
	about := backup.Home{Name: name, Secret: h.vault.Secret(backupSecret), Version: version, Charter: proposal, Files: keys, Now: h.clock().Time()}
	var counts backup.Counts
	err = writeWhole(args.Keys, func(k io.Writer) error {
		return writeWhole(args.File, func(d io.Writer) error {
			var err error
			counts, err = backup.Write(ctx, h.store, about, d, k)
			return err
		})
	})
	if err == nil {
		err = writeWhole(args.Wrapping, func(w io.Writer) error { _, err := w.Write(wrapping); return err })
	}
	if err != nil {
		return err
	}
	rows := int64(0)
	for _, n := range counts {
		rows += n
	}
	say.Printf("%s holds %d pseudonyms and %d rows in all, sealed. %s holds the keys: keep it elsewhere, and destroy older ones. %s opens those: keep it elsewhere again.\n", args.File, counts["person"], rows, args.Keys, args.Wrapping)
	return nil
}

// backupSecret names the secret that signs a backup's files.
const backupSecret = "backup"

// writeWhole makes a file whole or not at all: it is written beside its place, synced, and moved there.
func writeWhole(path string, write func(io.Writer) error) error {
	f, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+".*")
	if err != nil {
		return fault.Wrap(fault.Invalid, "Nothing can be written to "+filepath.Dir(path)+"; name another folder.", err)
	}
	err = write(f)
	if err == nil {
		err = f.Sync()
	}
	if closed := f.Close(); err == nil {
		err = closed
	}
	if err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		_ = os.Remove(f.Name())
		return err
	}
	return syncFolder(filepath.Dir(path))
}

func syncFolder(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	defer func() { _ = d.Close() }()
	return d.Sync()
}

// refusal says by name why a file of a backup is not used.
func refusal(path string, err error) error {
	for _, r := range []struct {
		err  error
		says string
	}{
		{backup.ErrForeign, "%s is no file of rapport backup; give the data as FILE and the keys with --keys."},
		{backup.ErrCut, "%s is cut short: its end is missing; take another copy of it."},
		{backup.ErrChanged, "%s was changed or damaged after it was written; take another copy of it."},
		{backup.ErrWrongKeys, "%s holds the keys of another home; give those of this backup's home."},
		{backup.ErrOldKeys, "%s is older than the backup: it lacks keys of people who came later, and does not know who was forgotten since; give the one that was written with it, or a newer one."},
		{backup.ErrNewer, "%s was made by a newer rapport; restore it with that one."},
	} {
		if errors.Is(err, r.err) {
			return fault.Wrap(fault.Invalid, fmt.Sprintf(r.says, path), err)
		}
	}
	if errors.Is(err, os.ErrNotExist) {
		return fault.Wrap(fault.NotFound, path+" cannot be read.", err)
	}
	return err
}
