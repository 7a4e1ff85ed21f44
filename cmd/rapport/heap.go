package main

import (
	"math"
	"os"
	"runtime"
	"runtime/debug"
	"runtime/metrics"
	"sync/atomic"
)

// The garbage that a served home may hold before it is collected. Who holds little is not collected all the time: what is alive and garbage
// come to inAll, which the home of some hundred thousand people whose events come takes anyway, and stays under half a gigabyte in all;
// beyond large, processor time is dearer than memory.
const (
	inAll                = 250 << 20
	headroom             = 96 << 20 // at least
	large                = 200 << 20
	leastPart, mostParts = 40, 500 // in hundredths of what is alive
	whileLearning        = 25
	// most is what Go may take from the system for a home whose alive things stay under large: what is allocated while the collector is still
	// at work comes on top of inAll, and pages that were given back to nobody. With the program's own pages and SQLite's it is under half a gigabyte.
	most = 320 << 20
)

// learners is how many learn now. What learning holds is large, lives to its end and costs the collector little, having no pointers in it.
var learners atomic.Int32

// frugal has garbage collected more often until done is called, unless whoever started the process set GOGC.
func frugal() (done func()) {
	if os.Getenv("GOGC") != "" {
		return func() {}
	}
	learners.Add(1)
	before := debug.SetGCPercent(whileLearning)
	return func() {
		learners.Add(-1)
		debug.SetGCPercent(before)
	}
}

// gcPercent is Go's GOGC for so many bytes alive.
func gcPercent(alive uint64) int {
	if learners.Load() > 0 {
		return whileLearning
	}
	if alive >= large {
		return 100
	}
	garbage := max(headroom, inAll-alive)
	return int(min(max(garbage*100/max(alive, 1), leastPart), mostParts))
}

// memoryLimit is Go's GOMEMLIMIT for so many bytes alive; was is what it was before, by which alive bytes that go to and fro do not change it
// each time, for everything stops for a moment then.
func memoryLimit(alive uint64, was int64) int64 {
	if alive >= large || was == math.MaxInt64 && alive >= large*3/4 {
		return math.MaxInt64
	}
	return most
}

// tendHeap sets GOGC and GOMEMLIMIT after each collection by what was found alive, unless whoever started the process set them.
func tendHeap() {
	if os.Getenv("GOGC") != "" {
		return
	}
	type mark struct{ _ *byte } // found dead by each collection, and left again for the next
	percent, limit := 0, int64(0)
	limited := os.Getenv("GOMEMLIMIT") != ""
	var tend func(*mark)
	tend = func(m *mark) {
		s := []metrics.Sample{{Name: "/gc/heap/live:bytes"}}
		metrics.Read(s)
		alive := s[0].Value.Uint64()
		if l := memoryLimit(alive, limit); l != limit && !limited {
			limit = l
			debug.SetMemoryLimit(l)
		}
		if p := gcPercent(alive); p > percent+percent/8 || p < percent-percent/8 { // setting it stops everything for a moment
			percent = p
			debug.SetGCPercent(p)
		}
		runtime.SetFinalizer(m, tend)
	}
	runtime.SetFinalizer(new(mark), tend)
}
