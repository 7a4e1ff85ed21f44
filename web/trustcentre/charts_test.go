package trustcentre

import (
	"log/slog"
	"strings"
	"testing"
	"time"
)

func TestTheCalendarOfLooks(t *testing.T) {
	place, err := time.LoadLocation("Europe/London")
	if err != nil {
		t.Fatal(err)
	}
	c := New(Config{Log: slog.New(slog.DiscardHandler)})
	l := Looks{Today: time.Date(2026, 10, 31, 9, 0, 0, 0, place), Days: map[string]int{"2026-10-31": 1, "2026-07-01": 3, "2025-11-01": 2}}
	for lang, wants := range map[string][]string{
		"en": {"November 2025", "October 2026", "31 October 2026", "1 July 2026", "1 November 2025", "The days as a table"},
		"fr": {"novembre 2025", "octobre 2026", "31 octobre 2026", "1er juillet 2026", "Les jours en tableau"},
	} {
		drawn := string(c.calendar(lang, l))
		for _, want := range wants {
			if !strings.Contains(drawn, want) {
				t.Errorf("the calendar in %s does not say %q", lang, want)
			}
		}
		if n := strings.Count(drawn, `class="month"`); n != 12 {
			t.Errorf("%d months", n)
		}
		if n := strings.Count(drawn, `class="day"`); n != 3 {
			t.Errorf("%d days are marked", n)
		}
	}
	if drawn := string(c.calendar("en", Looks{Today: l.Today})); strings.Contains(drawn, `class="day"`) || !strings.Contains(drawn, "Nobody has looked") {
		t.Error("a year in which nobody looked")
	}
}
