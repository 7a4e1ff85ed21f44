package main

import (
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

// tendHeap sets GOGC after each collection by what was found alive, unless whoever started the process set one.
func tendHeap() {
	if os.Getenv("GOGC") != "" {
		return
	}
	type mark struct{ _ *byte } // found dead by each collection, and left again for the next
	percent := 0
	var tend func(*mark)
	tend = func(m *mark) {
		s := []metrics.Sample{{Name: "/gc/heap/live:bytes"}}
		metrics.Read(s)
		if p := gcPercent(s[0].Value.Uint64()); p > percent+percent/8 || p < percent-percent/8 { // setting it stops everything for a moment
			percent = p
			debug.SetGCPercent(p)
		}
		runtime.SetFinalizer(m, tend)
	}
	runtime.SetFinalizer(new(mark), tend)
}
