package store

import (
	"errors"
	"syscall"
	"testing"
)

// TestWorkBesideIsOfALowerPriority asks the kernel: its answer is 20 less the nice value. The thread that asked for the work keeps its own.
func TestWorkBesideIsOfALowerPriority(t *testing.T) {
	priority := func() int {
		p, err := syscall.Getpriority(syscall.PRIO_PROCESS, syscall.Gettid())
		if err != nil {
			t.Error(err)
		}
		return p
	}
	before, inside, failed := priority(), 0, errors.New("it failed")
	for range 3 {
		if err := beside(func() error { inside = priority(); return failed }); !errors.Is(err, failed) {
			t.Fatal(err)
		}
		if want := min(before, 10); inside != want || priority() != before {
			t.Fatalf("%d inside, %d before, %d after", inside, before, priority())
		}
	}
}
