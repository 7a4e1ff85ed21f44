package main

import "testing"

func TestGarbageIsAboutTheSameForSmallHomesAndLarge(t *testing.T) {
	for _, c := range []struct {
		alive uint64
		want  int
	}{{0, 300}, {20 << 20, 300}, {48 << 20, 200}, {96 << 20, 100}, {200 << 20, 48}, {1 << 30, 40}} {
		if got := gcPercent(c.alive); got != c.want {
			t.Errorf("%d MB alive: %d, want %d", c.alive>>20, got, c.want)
		}
	}
}
