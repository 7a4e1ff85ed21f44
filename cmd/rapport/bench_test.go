package main

import (
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/rapporthq/rapport/cmd/rapport/bench"
	"github.com/rapporthq/rapport/web/shop"
)

// TestTheBenchAsksEveryPage holds the bench's list to the doors: a new page is timed with the others.
func TestTheBenchAsksEveryPage(t *testing.T) {
	doors := shop.Routes()
	for _, door := range tableOf(t, newHouse(t)) {
		doors = append(doors, door.Key())
	}
	asked := func(route string) bool {
		return slices.ContainsFunc(bench.Asked, func(p bench.Page) bool {
			u, err := url.Parse(p.Path)
			if err != nil {
				t.Fatal(err)
			}
			return fits(strings.TrimSuffix(route, "{$}"), u.Path)
		})
	}
	for _, door := range doors {
		path, get := strings.CutPrefix(door, "GET ")
		if get && !slices.ContainsFunc(notPages, func(p string) bool { return strings.HasPrefix(path, p) }) && !strings.HasPrefix(path, "/console/sign-in/") && !asked(path) {
			t.Errorf("rapport bench pages does not ask for %s", path)
		}
	}
}

// fits says whether a path is one of a route: what stands in brackets is anything.
func fits(route, path string) bool {
	r, p := strings.Split(route, "/"), strings.Split(path, "/")
	if len(r) != len(p) {
		return false
	}
	for i := range r {
		if r[i] != p[i] && !strings.HasPrefix(r[i], "{") {
			return false
		}
	}
	return true
}
