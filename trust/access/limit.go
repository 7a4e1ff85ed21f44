package access

import (
	"hash/maphash"
	"math"
	"sync"
	"time"

	"github.com/rapporthq/rapport/person"
)

// Limiter keeps requests under a rate, by address or token. It keeps addresses only as hashes under a key that is made
// at start and never leaves memory. It forgets whom it has no reason to slow.
type Limiter struct {
	seed  maphash.Seed
	shard [limiterShards]limiterShard
}

const (
	limiterShards = 32
	limiterHolds  = 4096 // in each shard
)

type limiterShard struct {
	mu sync.Mutex
	at map[uint64]bucket
}

type bucket struct {
	left float64
	at   person.Instant
	rate float64
	full float64
}

// NewLimiter makes a Limiter with a key of its own.
func NewLimiter() *Limiter {
	l := &Limiter{seed: maphash.MakeSeed()}
	for i := range l.shard {
		l.shard[i].at = make(map[uint64]bucket)
	}
	return l
}

// Take takes one of who's requests: rate of them a second come back, up to burst. When there is none left it says after
// how long there is one. A rate of 0 or less is no limit.
func (l *Limiter) Take(who string, rate, burst float64, now person.Instant) (ok bool, wait time.Duration) {
	return l.TakeMany(who, 1, rate, burst, now)
}

// TakeMany is Take for n at once, such as the messages of a batch: a batch larger than the burst is let in when the bucket is full.
func (l *Limiter) TakeMany(who string, n, rate, burst float64, now person.Instant) (ok bool, wait time.Duration) {
	if rate <= 0 || math.IsNaN(rate) {
		return true, 0
	}
	burst = math.Max(burst, 1)
	need := math.Min(n, burst)
	h := maphash.String(l.seed, who)
	s := &l.shard[h%limiterShards]
	s.mu.Lock()
	defer s.mu.Unlock()
	b, known := s.at[h]
	if !known {
		if len(s.at) >= limiterHolds {
			s.sweep(now)
		}
		b = bucket{left: burst, at: now}
	}
	if most := now.Add(time.Duration(burst / rate * float64(time.Second))); b.at > most { // the clock went back: nobody waits for longer than an empty bucket takes
		b.at = most
	}
	if now > b.at {
		b.left = math.Min(burst, b.left+rate*(now.Time().Sub(b.at.Time())).Seconds())
		b.at = now
	}
	b.rate, b.full = rate, burst
	if b.left < need {
		s.at[h] = b
		return false, time.Duration(math.Ceil((need - b.left) / rate * float64(time.Second)))
	}
	b.left -= n // a batch over the burst leaves a debt
	s.at[h] = b
	return true, 0
}

// sweep forgets who would have a full bucket by now; when that is nobody, one in two, any: a flood of addresses must not fill memory.
func (s *limiterShard) sweep(now person.Instant) {
	before := len(s.at)
	for h, b := range s.at {
		if b.left+b.rate*float64(max(0, now-b.at))/1e6 >= b.full {
			delete(s.at, h)
		}
	}
	if len(s.at) < before {
		return
	}
	odd := false
	for h := range s.at {
		if odd = !odd; odd {
			delete(s.at, h)
		}
	}
}
