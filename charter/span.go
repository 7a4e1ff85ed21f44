package charter

import (
	"errors"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"time"
	_ "time/tzdata" // a charter that is valid here is valid on every machine

	"github.com/rapporthq/rapport/person"
)

// ErrSpan says that a text is no length of time.
var ErrSpan = errors.New("that is no length of time: a number and d, w, mo, y or h are expected, such as 30d, 18mo, 5y or 12h")

// ParseSpan reads 30d, 4w, 18mo, 5y or 12h. It takes up to a hundred years, and never nothing.
func ParseSpan(s string) (Span, error) {
	i := 0
	for i < len(s) && s[i] >= '0' && s[i] <= '9' {
		i++
	}
	n, err := strconv.Atoi(s[:i])
	if err != nil || i > 6 || n < 1 {
		return Span{}, ErrSpan
	}
	var sp Span
	switch s[i:] {
	case "h":
		sp.Hours = n
	case "d":
		sp.Days = n
	case "w":
		sp.Days = 7 * n
	case "mo":
		sp.Months = n
	case "y":
		sp.Years = n
	default:
		return Span{}, ErrSpan
	}
	if sp.approxHours() > 100*366*24 {
		return Span{}, ErrSpan
	}
	return sp, nil
}

// String is the span as the file writes it; empty for the zero Span.
func (s Span) String() string {
	var b strings.Builder
	for _, p := range []struct {
		n    int
		unit string
	}{{s.Years, "y"}, {s.Months, "mo"}, {s.Days, "d"}, {s.Hours, "h"}} {
		if p.n != 0 {
			b.WriteString(strconv.Itoa(p.n) + p.unit)
		}
	}
	return b.String()
}

// Longer says whether s is longer than t, months counted as a twelfth of a year.
func (s Span) Longer(t Span) bool { return s.approxHours() > t.approxHours() }

func (s Span) approxHours() float64 {
	return float64(s.Years)*365.25*24 + float64(s.Months)*365.25*2 + float64(s.Days)*24 + float64(s.Hours)
}

var quietText = regexp.MustCompile(`^([01][0-9]|2[0-3]):([0-5][0-9])-([01][0-9]|2[0-3]):([0-5][0-9])$`)

// Hours is the part of a day in which nothing is sent, in minutes after midnight; it may pass midnight.
// The zero Hours is none.
type Hours struct{ From, To int }

// ParseHours reads "21:00-08:00". The empty text is no hours.
func ParseHours(s string) (Hours, bool) {
	if s == "" {
		return Hours{}, true
	}
	m := quietText.FindStringSubmatch(s)
	if m == nil {
		return Hours{}, false
	}
	n := func(i int) int { v, _ := strconv.Atoi(m[i]); return v } // the pattern leaves digits only
	h := Hours{60*n(1) + n(2), 60*n(3) + n(4)}
	return h, h.From != h.To
}

// Holds says whether the instant falls into the hours, by the clock of the place.
func (h Hours) Holds(i person.Instant, place *time.Location) bool {
	if h.From == h.To {
		return false
	}
	t := i.Time().In(place)
	m := 60*t.Hour() + t.Minute()
	if h.From < h.To {
		return m >= h.From && m < h.To
	}
	return m >= h.From || m < h.To
}

// IsQuiet says whether the placement is to say nothing at that instant, in the brand's time zone unless another is given.
func (p *Placement) IsQuiet(i person.Instant, place *time.Location) bool {
	h, ok := ParseHours(p.Quiet)
	return !ok || h.Holds(i, place)
}

// Location is the brand's time zone, UTC when it has none.
func (b *Brand) Location() *time.Location {
	if b == nil || b.TimeZone == "" {
		return time.UTC
	}
	if l, ok := zones.Load(b.TimeZone); ok {
		return l.(*time.Location)
	}
	l, err := time.LoadLocation(b.TimeZone)
	if err != nil {
		return time.UTC
	}
	zones.Store(b.TimeZone, l)
	return l
}

// zones keeps time zones that were read once: reading one is too slow for every decision.
var zones sync.Map
