package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/rapporthq/rapport/fault"
	"github.com/rapporthq/rapport/reach/prove"
	"github.com/rapporthq/rapport/store"
	"github.com/rapporthq/rapport/store/backup"
	"github.com/rapporthq/rapport/trust/access"
	"github.com/rapporthq/rapport/trust/vault"
)

func restoreCommand() *cobra.Command {
	var home homeOptions
	var keys, wrapping string
	var keep bool
	cmd := &cobra.Command{
		Use:   "restore FILE --keys FILE --home DIR",
		Short: "Make a home of a backup, and check the whole of it before it says done",
		Long: "DIR must be empty or not there, and so must a database named with --database; a backup of SQLite can be restored into\n" +
			"PostgreSQL and the other way round. Every token of the backup is ended, for one that was revoked since it was taken would be\n" +
			"good again: make new ones. With --keep-tokens they stay as they were.",
		Example: "  rapport restore /backups/shop-2026-11-22 --keys /elsewhere/shop-keys --home ./shop",
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, files []string) error {
			switch {
			case home.Home == "":
				return usage{errors.New("say where the home is to be with --home DIR")}
			case keys == "":
				return usage{errors.New("give the keys of the backup with --keys FILE")}
			}
			return restore(cmd.Context(), files[0], keys, wrapping, keep, home, terminal(cmd))
		},
	}
	homeFlags(cmd.Flags(), &home)
	cmd.Flags().StringVar(&keys, "keys", "", "the keys file that was written with the backup, or a newer one")
	cmd.Flags().StringVar(&wrapping, "wrapping", "", "the file of the wrapping key that was written with the keys file (default: the keys file's name with .wrapping)")
	cmd.Flags().BoolVar(&keep, "keep-tokens", false, "leave the tokens as they were: only when none was revoked since the backup")
	return cmd
}

// restore makes the home beside its place and moves it there when all of it has been checked.
func restore(ctx context.Context, data, keys, wrapping string, keep bool, o homeOptions, say *speaker) (err error) {
	if o.Home, err = filepath.Abs(o.Home); err != nil {
		return err
	}
	if entries, err := os.ReadDir(o.Home); err == nil && len(entries) > 0 {
		return fault.New(fault.Conflict, "There is something in "+o.Home+" already; name an empty folder or one that does not exist.")
	}
	d, closeData, err := openBackup(data, backup.Data)
	if err != nil {
		return refusal(data, err)
	}
	defer closeData()
	k, closeKeys, err := openBackup(keys, backup.Keys)
	if err != nil {
		return refusal(keys, err)
	}
	defer closeKeys()
	if d.Home != k.Home {
		return refusal(keys, backup.ErrWrongKeys)
	}
	if _, older := k.Files[vault.WrappingFile]; !older { // earlier versions wrote it there
		if wrapping, err = wrappingPath(wrapping, keys); err != nil {
			return err
		}
		text, err := os.ReadFile(wrapping)
		if err != nil {
			return fault.Wrap(fault.NotFound, "The wrapping key "+wrapping+" cannot be read; name the file that was written with the keys file with --wrapping.", err)
		}
		k.Files[vault.WrappingFile] = text
	}
	if err := os.MkdirAll(filepath.Dir(o.Home), 0o700); err != nil {
		return err
	}
	beside, err := os.MkdirTemp(filepath.Dir(o.Home), "."+filepath.Base(o.Home)+".*")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(beside) }() // moved away when all went well
	at := o
	at.Home = beside
	forgotten, err := fillHome(ctx, d, k, data, keys, at, say)
	if err != nil {
		return err
	}
	tokens := 0
	if tokens, err = checkHome(ctx, at, keep); err != nil {
		if o.Database != "" {
			return fmt.Errorf("%w (the database holds what was restored: empty it)", err)
		}
		return err
	}
	if err := os.Remove(o.Home); err != nil && !errors.Is(err, os.ErrNotExist) { // it is empty
		return err
	}
	if err := os.Rename(beside, o.Home); err != nil {
		return err
	}
	if err := syncFolder(filepath.Dir(o.Home)); err != nil {
		return err
	}
	say.Printf("The home of %s is in %s: %d pseudonyms, every row as it was, the ledger whole.\n", d.At.UTC().Format("2 January 2006 15:04 UTC"), o.Home, d.Counts["person"])
	if forgotten > 0 {
		say.Printf("%d of these pseudonyms were forgotten since: what the backup held of them could not be read, and was removed before anything else.\n", forgotten)
	}
	if tokens > 0 {
		say.Printf("Its tokens (%d) are ended, for one that was revoked after the backup would be good again: make new ones with rapport token.\n", tokens)
	}
	return nil
}

func openBackup(path string, kind backup.Kind) (*backup.File, func(), error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, nil, err
	}
	info, err := f.Stat()
	if err == nil && !info.Mode().IsRegular() {
		err = backup.ErrForeign
	}
	var b *backup.File
	if err == nil {
		b, err = backup.Open(f, info.Size(), kind)
	}
	if err != nil {
		_ = f.Close()
		return nil, nil, err
	}
	return b, func() { _ = f.Close() }, nil
}

// fillHome writes keys, charter and rows, and reads the rows back.
func fillHome(ctx context.Context, d, k *backup.File, data, keys string, at homeOptions, say *speaker) (forgotten int, err error) {
	if err := vault.PlaceKeys(at.Home, k.Files); err != nil {
		return 0, err
	}
	service, err := at.keyService()
	if err != nil {
		return 0, err
	}
	v, err := vault.Open(at.Home, service...)
	if errors.Is(err, vault.ErrKeyService) {
		return 0, err
	}
	if err != nil {
		return 0, fault.Wrap(fault.Invalid, "The keys cannot be opened by that wrapping key: it was rotated since, belongs to another home, or is sealed by a key service that is not the one named. Give the two that were written together, and the service with --kms.", err)
	}
	// Whoever changed a file and made its hash anew has not the home's secret.
	secret := v.Secret(backupSecret)
	if _, name := v.TreeKey(); name != k.Home || !k.Signed(secret) {
		return 0, refusal(keys, backup.ErrChanged)
	}
	if !d.Signed(secret) {
		return 0, refusal(data, backup.ErrChanged)
	}
	if err := os.WriteFile(filepath.Join(at.Home, charterFile), d.Charter, 0o600); err != nil {
		return 0, err
	}
	dir := filepath.Join(at.Home, databaseDir)
	if err := errors.Join(os.Mkdir(dir, 0o700), os.Mkdir(filepath.Join(at.Home, lakeDir), 0o700)); err != nil {
		return 0, err
	}
	o := store.Options{Dir: dir, URL: at.Database}
	if at.Database != "" {
		o.Dir = ""
	}
	into, err := store.Open(ctx, o)
	if err != nil {
		return 0, err
	}
	wrote, done := sha256.New(), int64(0)
	add := func(h interface{ Write([]byte) (int, error) }, r store.CopyRow) {
		_, _ = h.Write(backup.AppendValues(append([]byte(r.Table), 0), r.Values))
	}
	rows := backup.Join(d, k, func() { forgotten++ })
	err = into.Fill(ctx, func() (store.CopyRow, bool, error) {
		r, more, err := rows()
		if more {
			add(wrote, r)
			if done++; done%1000 == 0 {
				say.Progress("restoring", done, done)
			}
		}
		return r, more, err
	})
	if closed := into.Close(); err == nil {
		err = closed
	}
	switch {
	case errors.Is(err, store.ErrNotEmpty):
		return 0, fault.New(fault.Conflict, "The database holds a home already; name an empty one.")
	case errors.Is(err, store.ErrForeignCopy):
		return 0, refusal(data, backup.ErrNewer)
	case errors.Is(err, backup.ErrOldKeys):
		return 0, refusal(keys, err)
	case err != nil:
		return 0, refusal(data, err)
	}
	if into, err = store.Open(ctx, o); err != nil {
		return 0, err
	}
	read := sha256.New()
	err = into.Copy(ctx, func(r store.CopyRow) error { add(read, r); return nil })
	if closed := into.Close(); err == nil {
		err = closed
	}
	if err == nil && !bytes.Equal(wrote.Sum(nil), read.Sum(nil)) {
		err = fault.New(fault.Internal, "What was restored is not what the backup holds; check the disk and try again.")
	}
	return forgotten, err
}

// checkHome opens the restored home as any command would, walks its ledger with the keys, and ends its tokens unless they are kept: this is before
// the home is in its place, so nobody ever serves it with a token that was revoked. It says how many it ended.
func checkHome(ctx context.Context, at homeOptions, keep bool) (ended int, err error) {
	h, err := openHouse(ctx, at)
	if err != nil {
		return 0, err
	}
	defer h.Close()
	if err := h.forgetAgain(ctx); err != nil {
		return 0, err
	}
	rep, err := prove.VerifyLedger(ctx, h.proving("restore", ""))
	if err != nil {
		return 0, err
	}
	if !rep.OK() {
		return 0, fault.New(fault.Invalid, fmt.Sprintf("The ledger of the backup is not whole (%d faults), so it is not restored: take an older backup.", len(rep.Problems)))
	}
	if keep {
		return 0, nil
	}
	return h.revoke(ctx, func(access.Token) bool { return true })
}

// forgetAgain does again what was done to people since the backup was made: whose key is gone is forgotten, before anybody is served.
func (h *house) forgetAgain(ctx context.Context) error {
	people, err := h.store.Keyless(ctx)
	if err != nil || len(people) == 0 {
		return err
	}
	if err := h.eraser.Again(ctx, people); err != nil {
		return err
	}
	return h.store.Rewrite(ctx)
}
