package main

import "testing"

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
