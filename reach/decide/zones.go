package decide

import (
	"strings"
	"sync"
	"time"
)

// regions names the time zones of countries that brands write to most: the only one, or the outermost ones of several, so
// that an hour that is quiet in one of them is quiet. Other countries go by the brand's clock.
var regions = map[string]string{
	"AT": "Europe/Vienna", "AU": "Australia/Sydney Australia/Perth", "BE": "Europe/Brussels", "BR": "America/Sao_Paulo America/Rio_Branco",
	"CA": "America/St_Johns America/Vancouver", "CH": "Europe/Zurich", "CZ": "Europe/Prague", "DE": "Europe/Berlin", "DK": "Europe/Copenhagen",
	"ES": "Europe/Madrid Atlantic/Canary", "FI": "Europe/Helsinki", "FR": "Europe/Paris", "GB": "Europe/London", "GR": "Europe/Athens",
	"HU": "Europe/Budapest", "IE": "Europe/Dublin", "IN": "Asia/Kolkata", "IT": "Europe/Rome", "JP": "Asia/Tokyo", "LU": "Europe/Luxembourg",
	"MX": "America/Cancun America/Tijuana", "NL": "Europe/Amsterdam", "NO": "Europe/Oslo", "NZ": "Pacific/Auckland", "PL": "Europe/Warsaw",
	"PT": "Europe/Lisbon Atlantic/Azores", "RO": "Europe/Bucharest", "SE": "Europe/Stockholm", "US": "America/New_York Pacific/Honolulu",
	"ZA": "Africa/Johannesburg",
}

var zones sync.Map // region → []*time.Location

// zonesOf gives the zones of a region, none when it is not in the table or this machine does not know them.
func zonesOf(region string) []*time.Location {
	region = strings.ToUpper(region)
	if z, ok := zones.Load(region); ok {
		return z.([]*time.Location)
	}
	names, ok := regions[region]
	if !ok {
		return nil // not kept: callers name regions, and could name any number
	}
	var out []*time.Location
	for _, n := range strings.Fields(names) {
		if l, err := time.LoadLocation(n); err == nil {
			out = append(out, l)
		}
	}
	zones.Store(region, out)
	return out
}
