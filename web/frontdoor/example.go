package frontdoor

import (
	"encoding/json"
	"regexp"
	"strings"
	"time"

	"github.com/rapporthq/rapport/charter"
)

// example is what an engineer can type as it stands: an event that the charter in force declares, and a question at a placement of its.
type example struct {
	Address   string // of this home, with its scheme
	Event     string // a JSON text each; empty when the charter declares no event
	Fields    string
	Placement string
}

// plainHost is a host that may stand in a line for a shell.
var plainHost = regexp.MustCompile(`^[A-Za-z0-9.\-]+(:[0-9]+)?$|^\[[0-9A-Fa-f:]+\](:[0-9]+)?$`)

func exampleOf(c *charter.Charter, host string, secure bool) example {
	x := example{Address: "http://127.0.0.1:8080"}
	if plainHost.MatchString(host) {
		x.Address = "http://" + host
		if secure {
			x.Address = "https://" + host
		}
	}
	if len(c.Order.Placements) > 0 {
		x.Placement = inShell(c.Order.Placements[0])
	}
	for _, name := range c.Order.Events {
		e := c.Events[name]
		if e.TakesBack {
			continue
		}
		x.Event = inShell(name)
		var fields []string
		for _, required := range []bool{true, false} {
			for _, n := range e.Order {
				if p := e.Properties[n]; p.Required == required && p.From == "" && (required || len(fields) == 0) {
					fields = append(fields, inShell(n)+": "+inShell(sample(p.Type)))
				}
			}
		}
		x.Fields = strings.Join(fields, ",\n    ")
		break
	}
	return x
}

// inShell is the JSON of a value, fit to stand between single quotes.
func inShell(v any) string {
	b, err := json.Marshal(v)
	if err != nil {
		return "null"
	}
	return strings.ReplaceAll(string(b), "'", `\u0027`)
}

// sample is a value of a type, about nobody.
func sample(t charter.Type) any {
	switch t.Name {
	case charter.TItems:
		return []map[string]any{{"product_id": "B1", "quantity": 1}}
	case charter.TItem:
		return "B1"
	case charter.TNumber, charter.TInteger, charter.TMoney:
		return 1
	case charter.TBoolean:
		return true
	case charter.TEnum:
		return t.Enum[0]
	case charter.TBand:
		return t.Columns()[0]
	case charter.TList:
		return []any{sample(*t.Of)}
	case charter.TDate:
		return time.Now().UTC().Format(time.DateOnly)
	case charter.TTime:
		return time.Now().UTC().Format(time.RFC3339)
	case charter.TEmail:
		return "a@example.com"
	case charter.TPhone:
		return "+441632960001"
	case charter.TPostcode:
		return "AB1 2CD"
	case charter.TCountry:
		return "FR"
	}
	return "1"
}
