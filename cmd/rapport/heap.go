package main

import (
	"os"
	"runtime"
	"runtime/debug"
	"runtime/metrics"
)

// The garbage that a served home may hold before it is collected. Small homes are not collected all the time; those of some hundred
// thousand people stay under half a gigabyte in all; beyond large, processor time is dearer than memory.
const (
	headroom             = 96 << 20
	large                = 200 << 20
	leastPart, mostParts = 40, 300 // in hundredths of what is alive
)

// gcPercent is Go's GOGC for so many bytes alive.
func gcPercent(alive uint64) int {
	if alive >= large {
		return 100
	}
	return int(min(max(headroom*100/max(alive, 1), leastPart), mostParts))
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
