package bench

import (
	"context"
	"testing"
	"time"
)

func TestEachRequestIsDueOnceAndInItsTurn(t *testing.T) {
	begin := time.Now().Add(-time.Minute) // all of them are due
	lines := pace(context.Background(), begin, 3, 100, 200*time.Millisecond)
	var got []time.Duration
	for n := 0; ; n++ {
		due, more := <-lines[n%3]
		if !more {
			break
		}
		got = append(got, due.Sub(begin))
	}
	if len(got) != 21 {
		t.Fatalf("%d requests were due, wanted 21", len(got))
	}
	for n, at := range got {
		if want := time.Duration(n) * 10 * time.Millisecond; at != want {
			t.Errorf("request %d was due after %v, wanted %v", n, at, want)
		}
	}
}

func TestNothingIsDueBeforeItsTime(t *testing.T) {
	begin := time.Now()
	for _, line := range pace(context.Background(), begin, 2, 1000, 10*time.Millisecond) {
		for due := range line {
			if now := time.Now(); now.Before(due) {
				t.Errorf("a request due after %v was sent %v too early", due.Sub(begin), due.Sub(now))
			}
		}
	}
}

func TestWhoGivesUpIsNotKeptWaiting(t *testing.T) {
	ctx, stop := context.WithCancel(context.Background())
	stop()
	for _, line := range pace(ctx, time.Now(), 2, 1e9, time.Millisecond) {
		for range line {
			t.Fatal("a request was due for somebody who had given up")
		}
	}
}
