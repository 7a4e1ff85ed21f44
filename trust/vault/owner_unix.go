//go:build unix

package vault

import (
	"errors"
	"fmt"
	"os"
	"syscall"
)

func ownedByUs(info os.FileInfo) bool {
	st, ok := info.Sys().(*syscall.Stat_t)
	return ok && int(st.Uid) == os.Geteuid()
}

// lockFolder takes a folder for this process until the file is closed. A folder that cannot be locked is refused: some file systems that machines
// share cannot.
func lockFolder(dir string) (*os.File, error) {
	f, err := os.Open(dir)
	if err != nil {
		return nil, fmt.Errorf("%w: %s cannot be opened: %w", ErrKeys, dir, err)
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		_ = f.Close()
		if errors.Is(err, syscall.EWOULDBLOCK) {
			return nil, ErrRotating
		}
		return nil, fmt.Errorf("%w: %s cannot be locked, so two could change the keys at once: run it where the file system can: %w", ErrKeys, dir, err)
	}
	return f, nil
}
