//go:build !unix

package vault

import (
	"fmt"
	"os"
)

// ownedByUs cannot be told here; the mode is all there is.
func ownedByUs(os.FileInfo) bool { return true }

// lockFolder refuses: without flock nothing keeps a second process from changing the keys.
func lockFolder(dir string) (*os.File, error) {
	return nil, fmt.Errorf("%w: %s cannot be locked here: rotate the keys on a Unix system", ErrKeys, dir)
}
