//go:build !linux

package bench

import "time"

// rest sleeps.
func rest(d time.Duration) { time.Sleep(d) }
