package tally

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"testing/synctest"
)

// TestACountIsFoundOnceWhileItIsWritten asks for the sum at the two moments at which a count could be missed or found twice: after it was taken
// to be written and before it is, and after it is written and before the flush ends.
func TestACountIsFoundOnceWhileItIsWritten(t *testing.T) { synctest.Test(t, foundOnce) }

func foundOnce(t *testing.T) {
	ctx := t.Context()
	w := NewWaiting[string]()
	var written atomic.Int64
	sum := func(ctx context.Context) (int64, error) {
		got, err := w.Sum(ctx, func(string) bool { return true }, func(add func(string, int64)) error {
			add("a", written.Load())
			return nil
		})
		return got["a"], err
	}
	w.Add("a", 5)
	var asked []chan int64
	ask := func() {
		answer := make(chan int64, 1)
		asked = append(asked, answer)
		go func() {
			n, err := sum(ctx)
			if err != nil {
				t.Error(err)
			}
			answer <- n
		}()
		synctest.Wait() // it has its answer, or waits for the flush
	}
	if err := w.Flush(ctx, func(counts map[string]int64) error {
		ask()
		w.Add("a", 2) // nobody who counts waits for the disk
		written.Add(counts["a"])
		ask()
		gone, stop := context.WithCancel(ctx)
		stop()
		if _, err := sum(gone); !errors.Is(err, context.Canceled) {
			t.Errorf("who gives up waiting is told %v", err)
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	for i, answer := range asked {
		if n := <-answer; n != 7 && (i > 0 || n != 5) {
			t.Errorf("question %d finds %d", i, n)
		}
	}
	if err := w.Flush(ctx, func(map[string]int64) error { return errors.New("the disk is full") }); err == nil {
		t.Error("a failed write is no error")
	}
	if n, err := sum(ctx); n != 7 || err != nil {
		t.Errorf("after a write that failed there are %d: %v", n, err)
	}
	if _, err := w.Sum(ctx, func(string) bool { return true }, func(func(string, int64)) error { return errors.New("away") }); err == nil {
		t.Error("what cannot be read has a sum")
	}
}
