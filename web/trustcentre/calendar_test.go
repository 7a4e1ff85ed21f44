package trustcentre

import (
	"testing"
	"time"
)

func TestTheCalendarHasASquareForEachDay(t *testing.T) {
	place, err := time.LoadLocation("Europe/London")
	if err != nil {
		t.Fatal(err)
	}
	at := func(y int, m time.Month, d, h int) time.Time { return time.Date(y, m, d, h, 0, 0, 0, place) }
	l := Looks{Today: at(2026, 11, 20, 9), Days: map[string]int{"2026-11-20": 1, "2026-11-02": 3, "2026-10-25": 9, "2025-12-01": 2}}
	for _, when := range []time.Time{at(2026, 11, 20, 8), at(2026, 11, 2, 8), at(2026, 11, 2, 7), at(2026, 11, 2, 6), at(2026, 10, 25, 23), at(2025, 12, 1, 1), at(2024, 1, 1, 1)} {
		l.Looks = append(l.Looks, Look{When: when})
	}
	all := months("en", l)
	if len(all) != 12 || all[0].Name != "December 2025" || all[11].Name != "November 2026" || months("fr", l)[0].Name != "décembre 2025" {
		t.Fatalf("%d months, from %s to %s", len(all), all[0].Name, all[len(all)-1].Name)
	}
	days, marked := 0, map[string]int{}
	for _, m := range all {
		seen := map[Square]bool{}
		for _, d := range m.Days {
			d.Class, seen[Square{X: d.X, Y: d.Y}] = "", true
			if d.X < 0 || d.X > 6*square || d.Y < 0 || d.Y >= m.High {
				t.Errorf("%s: a square stands at %d, %d", m.Name, d.X, d.Y)
			}
		}
		if len(seen) != len(m.Days) {
			t.Errorf("%s: squares lie on one another", m.Name)
		}
		for _, d := range m.Days {
			marked[d.Class]++
		}
		days += len(m.Days)
	}
	if days != 355 || marked["l1"] != 1 || marked["l2"] != 2 || marked["l3"] != 1 {
		t.Errorf("%d days, %v", days, marked)
	}
	if n := all[11].Days; len(n) != 20 || n[0] != (Square{6 * square, 0, "l0"}) || n[1] != (Square{0, square, "l2"}) || n[19].Class != "l1" {
		t.Errorf("November: %+v", n)
	}
	var got []int
	for _, b := range busy(l) {
		got = append(got, b.Count)
	}
	if len(got) != 4 || got[0] != 1 || got[1] != 3 || got[2] != 9 || got[3] != 2 {
		t.Errorf("the table has %v", got)
	}
	if months("en", Looks{}) != nil {
		t.Error("a calendar without a day")
	}
}
