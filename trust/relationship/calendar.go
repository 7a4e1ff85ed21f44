package relationship

import (
	"math"
	"slices"
	"sync"
	"time"
	_ "time/tzdata" // the same days on every machine, whether it keeps time zones or not

	"github.com/rapporthq/rapport/person"
)

// zones remembers the tables of time zones, which the library reads anew each time. It holds nothing about anybody.
var zones sync.Map

// zone is a time zone by its name; UTC when it has none that is known.
func zone(name string) *time.Location {
	if name == "" {
		return time.UTC
	}
	if z, ok := zones.Load(name); ok {
		return z.(*time.Location)
	}
	z, err := time.LoadLocation(name)
	if err != nil {
		return time.UTC
	}
	zones.Store(name, z)
	return z
}

// calendar numbers the days of a place. It remembers between which instants the place's clocks stay as they are, so that a sorted history
// costs two look-ups a year.
type calendar struct {
	place    *time.Location
	from, to person.Instant
	offset   int64 // seconds east of UTC from from until to
}

// of is the number of the day; days that follow one another have numbers that do.
func (c *calendar) of(i person.Instant) int64 {
	if i < c.from || i >= c.to {
		t := time.UnixMicro(int64(i)).In(c.place)
		_, east := t.Zone()
		c.offset, c.from, c.to = int64(east), math.MinInt64, math.MaxInt64
		start, end := t.ZoneBounds()
		if !start.IsZero() {
			c.from = person.At(start)
		}
		if !end.IsZero() {
			c.to = person.At(end)
		}
	}
	return person.Instant(int64(i) + c.offset*1e6).Day()
}

func distinct(days []int64) int {
	slices.Sort(days)
	return len(slices.Compact(days))
}
