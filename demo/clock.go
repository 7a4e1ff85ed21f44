package demo

import "time"

const (
	daySeconds  = 24 * 60 * 60
	weekSeconds = 7 * daySeconds
)

// sampleStart is the 1 January 2017, a Sunday, as if the shops' clock were UTC.
var sampleStart = time.Date(2017, 1, 1, 0, 0, 0, 0, time.UTC).Unix()

// summerOffset is how far the clocks of Great Britain are ahead of UTC when they show that wall clock: an hour from
// the last Sunday of March to the last of October. (A rule and not a database of zones, so that the files do not
// depend on the machine. In the hour that occurs twice it is still summer, in the one that does not occur it is.)
func summerOffset(wall int64) int64 {
	year := time.Unix(wall, 0).UTC().Year()
	utc := wall - 3600
	if utc >= lastSunday(year, time.March) && utc < lastSunday(year, time.October) {
		return 3600
	}
	return 0
}

// lastSunday is 01:00 UTC on the last Sunday of a month of 31 days, when the clocks change.
func lastSunday(year int, month time.Month) int64 {
	last := time.Date(year, month, 31, 1, 0, 0, 0, time.UTC)
	return last.AddDate(0, 0, -int(last.Weekday())).Unix()
}

// instant is the Unix time at which the clocks show that wall clock.
func instant(wall int64) int64 { return wall - summerOffset(wall) }

// calendar moves the sample's time to the demo's: by whole weeks, so that weekdays and hours hold.
type calendar struct {
	start int64 // wall clock of the sample's second 0
	now   int64 // Unix
}

// newCalendar moves the sample so that its last second lies in the seven days before now: later would be the future.
func newCalendar(last int64, now time.Time) calendar {
	c := calendar{start: sampleStart, now: now.Unix()}
	weeks := (c.now - instant(c.start+last)) / weekSeconds
	c.start += (weeks + 1) * weekSeconds
	for instant(c.start+last) > c.now {
		c.start -= weekSeconds
	}
	return c
}

// at is the Unix time of a second of the sample.
func (c calendar) at(second int64) int64 { return instant(c.start + second) }

// appendTime writes a second of the sample as RFC 3339 on Great Britain's clocks.
func (c calendar) appendTime(b []byte, second int64) []byte {
	return appendWall(b, c.start+second)
}

func appendWall(b []byte, wall int64) []byte {
	b = time.Unix(wall, 0).UTC().AppendFormat(b, "2006-01-02T15:04:05")
	if summerOffset(wall) != 0 {
		return append(b, "+01:00"...)
	}
	return append(b, 'Z')
}

// appendInstant writes a Unix time as RFC 3339 in UTC.
func appendInstant(b []byte, unix int64) []byte {
	return time.Unix(unix, 0).UTC().AppendFormat(b, time.RFC3339)
}
