package main

import (
	"math"
	"testing"
)

func TestGarbageIsKeptByTheSizeOfTheHome(t *testing.T) {
	for _, c := range []struct {
		alive uint64
		want  int
	}{{0, 500}, {20 << 20, 500}, {56 << 20, 346}, {140 << 20, 78}, {160 << 20, 60}, {192 << 20, 50}, {199 << 20, 48}, {200 << 20, 100}, {1 << 30, 100}} {
		if got := gcPercent(c.alive); got != c.want {
			t.Errorf("%d MB alive: %d, want %d", c.alive>>20, got, c.want)
		}
	}
	done := frugal()
	if got := gcPercent(1 << 30); got != whileLearning {
		t.Errorf("while learning: %d, want %d", got, whileLearning)
	}
	if done(); gcPercent(1<<30) != 100 {
		t.Error("garbage is still collected as while learning")
	}
}

func TestASmallHomeTakesNoMoreThanItMay(t *testing.T) {
	const none = math.MaxInt64
	for _, c := range []struct {
		alive     uint64
		was, want int64
	}{{0, 0, most}, {199 << 20, most, most}, {200 << 20, most, none}, {160 << 20, none, none}, {149 << 20, none, most}, {1 << 30, 0, none}} {
		if got := memoryLimit(c.alive, c.was); got != c.want {
			t.Errorf("%d MB alive, behind a limit of %d: %d, want %d", c.alive>>20, c.was, got, c.want)
		}
	}
}
