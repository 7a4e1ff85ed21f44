package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/rapporthq/rapport/charter"
	"github.com/rapporthq/rapport/fault"
	"github.com/rapporthq/rapport/person"
	"github.com/rapporthq/rapport/trust/vault"
)

// homeOptions say which home, and how to reach its database. They are all that plumbing needs; what may be done with data is the charter's.
type homeOptions struct {
	Home     string // the folder
	Database string // PostgreSQL URL; empty: SQLite in the home
	KMS      string // the key of an external key service that seals the wrapping key; empty: none does
	KMSToken string // file of the service's token; empty: the environment's VAULT_TOKEN

	clock person.Clock // nil: the system's; tests stand still
}

// A home is a folder: charter.yaml (the proposal that is edited), keys/, database/, lake/.
const (
	charterFile = "charter.yaml"
	databaseDir = "database"
	lakeDir     = "lake" // empty until history is kept there
)

// makeHome makes the folder of a home with a charter to edit, and its keys. A folder that holds something else is refused.
func makeHome(dir string, source []byte, with ...vault.Option) error {
	if _, problems := charter.Parse(source); problems.Err() != nil {
		return flawed("The charter has errors, so nothing was made", problems)
	}
	entries, err := os.ReadDir(dir)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("%s cannot be read: %w", dir, err)
	}
	if len(entries) > 0 {
		return fault.New(fault.Conflict, "There is something in "+dir+" already; name an empty folder or one that does not exist.")
	}
	for _, d := range []string{dir, filepath.Join(dir, databaseDir), filepath.Join(dir, lakeDir)} {
		if err := os.MkdirAll(d, 0o700); err != nil {
			return fmt.Errorf("%s cannot be made: %w", d, err)
		}
	}
	if err := os.WriteFile(filepath.Join(dir, charterFile), source, 0o600); err != nil {
		return err
	}
	if _, err = vault.Create(dir, with...); err != nil {
		for _, made := range []string{"keys", charterFile, databaseDir, lakeDir} { // it was empty, and can be tried again
			_ = os.RemoveAll(filepath.Join(dir, made))
		}
		return err
	}
	// What is synced in a folder is no good without the folder.
	return errors.Join(syncFolder(dir), syncFolder(filepath.Dir(dir)))
}

// isHome says whether the folder holds a home.
func isHome(dir string) bool {
	_, err := os.Stat(filepath.Join(dir, "keys"))
	return err == nil
}
