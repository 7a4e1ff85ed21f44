package access

import (
	"fmt"
	"testing"
	"time"
)

func TestLimiter(t *testing.T) {
	l := NewLimiter()
	for i := range 10 {
		if ok, _ := l.Take("a", 5, 10, start); !ok {
			t.Fatalf("request %d of a burst of 10 is refused", i)
		}
	}
	ok, wait := l.Take("a", 5, 10, start)
	if ok || wait != 200*time.Millisecond {
		t.Fatalf("%v %v", ok, wait)
	}
	if ok, _ := l.Take("b", 5, 10, start); !ok {
		t.Fatal("one address slows another")
	}
	if ok, _ := l.Take("a", 5, 10, start.Add(wait)); !ok {
		t.Fatal("refused after the wait that was told")
	}
	if ok, _ := l.Take("a", 5, 10, start.Add(wait)); ok {
		t.Fatal("two let in where one came back")
	}
	now := start.Add(time.Hour)
	for range 10 {
		if ok, _ := l.Take("a", 5, 10, now); !ok {
			t.Fatal("a rested bucket is not full")
		}
	}
	if ok, _ := l.Take("a", 5, 10, now); ok {
		t.Fatal("a rested bucket is fuller than full")
	}
	if ok, _ := l.Take("a", 5, 10, now.Add(-time.Hour)); ok {
		t.Fatal("a clock that goes back fills buckets")
	}
	more := 0
	for ; more < 20; more++ {
		if ok, _ := l.Take("a", 5, 10, now); !ok {
			break
		}
	}
	if more > 10 {
		t.Fatal("a clock that goes back and comes again fills a bucket more than once")
	}
	for range 1000 {
		if ok, _ := l.Take("a", 0, 10, now); !ok {
			t.Fatal("no rate is no limit")
		}
	}
}

func TestAClockThatGoesBackKeepsNobodyOut(t *testing.T) {
	l := NewLimiter()
	year := 365 * 24 * time.Hour
	now := start.Add(year)
	for range 3 {
		l.Take("a", 1, 2, now)
	}
	now = now.Add(-year)
	if ok, wait := l.Take("a", 1, 2, now); ok || wait > time.Second {
		t.Errorf("just after: %v, %v", ok, wait)
	}
	if ok, wait := l.Take("a", 1, 2, now.Add(3*time.Second)); !ok {
		t.Errorf("when the bucket could be full it is still to wait %v", wait)
	}
}

func TestLimiterOfBatches(t *testing.T) {
	l := NewLimiter()
	if ok, _ := l.TakeMany("a", 100, 10, 20, start); !ok {
		t.Fatal("a batch over the burst is let in when the bucket is full")
	}
	ok, wait := l.Take("a", 10, 20, start)
	if ok || wait < 8*time.Second {
		t.Fatalf("and pays for it afterwards: %v %v", ok, wait)
	}
}

func TestLimiterForgets(t *testing.T) {
	l := NewLimiter()
	for i := range limiterShards * limiterHolds * 3 {
		l.Take(fmt.Sprint(i), 0.001, 1, start)
	}
	n := 0
	for i := range l.shard {
		n += len(l.shard[i].at)
	}
	if n > limiterShards*(limiterHolds+1) {
		t.Fatalf("%d addresses are kept", n)
	}
	if other := NewLimiter(); other.seed == l.seed {
		t.Fatal("two limiters share a key")
	}
}

func BenchmarkTake(b *testing.B) {
	l := NewLimiter()
	b.ReportAllocs()
	for b.Loop() {
		l.Take("192.0.2.1", 1e9, 1e9, start)
	}
}
