package trustcentre

import (
	"strings"

	"github.com/rapporthq/rapport/charter"
	"github.com/rapporthq/rapport/person"
	"github.com/rapporthq/rapport/trust/ledger"
)

// looks puts the ledger's rows, newest first, before the person: those at them one by one, and what was done over many people at once
// by who did it and what for.
func looks(c *charter.Charter, rows []ledger.Row, reason func(ledger.Row) string, now person.Instant, lang string) Looks {
	v := Looks{Days: map[string]int{}, Today: local(c, now)}
	year := v.Today.AddDate(-1, 0, 0)
	type key struct{ who, purpose string }
	work := map[key]int{}
	for _, row := range rows {
		purpose := row.Purpose
		if p := c.Purposes[row.Purpose]; p != nil {
			purpose = p.Why.In(lang, &c.Brand)
		}
		when := local(c, row.At)
		if row.Of.IsZero() {
			k := key{row.Actor, row.Purpose}
			i, known := work[k]
			if !known {
				i = len(v.Work)
				work[k] = i
				v.Work = append(v.Work, Work{Who: row.Actor, Purpose: purpose, Reason: reason(row), Last: when, Many: row.Count})
			}
			v.Work[i].Times++
			continue
		}
		v.Looks = append(v.Looks, Look{When: when, Number: row.Number, Who: row.Actor, Role: row.Role, Team: row.Team, Purpose: purpose, Reason: reason(row), Fields: fieldsIn(c, row.Fields, lang)})
		if when.After(year) {
			v.Days[when.Format(dayForm)]++
		}
	}
	return v
}

// fieldsIn are the names of what was read, in words.
func fieldsIn(c *charter.Charter, fields, lang string) string {
	names := strings.Split(fields, ",")
	for i, n := range names {
		if d := c.Data[n]; d != nil {
			names[i] = d.Title(lang, &c.Brand)
		} else if e := c.Events[n]; e != nil {
			names[i] = e.Title(lang, &c.Brand)
		}
	}
	return strings.Join(names, ", ")
}
