//go:build !unix

package store

import (
	"errors"
	"os"
)

// lockDir refuses: without flock nothing keeps a second process from the files.
func lockDir(string) (*os.File, error) {
	return nil, errors.New("a SQLite home needs a Unix system: use --database with a PostgreSQL URL here")
}
