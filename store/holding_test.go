package store

import (
	"regexp"
	"slices"
	"testing"

	"github.com/rapporthq/rapport/trust/rights"
)

// aPerson are the names of columns that name a person, or find one.
var aPerson = regexp.MustCompile(`^(person|root|parent|blind|wrapped|label)$`)

// TestEveryTableOfPeopleHasAHolder fails when a migration adds a table, or a column that names people, that no Holding declares.
func TestEveryTableOfPeopleHasAHolder(t *testing.T) {
	s, err := Open(t.Context(), Options{Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	check := func() (undeclared []string) {
		columns := map[string][]string{}
		if err := s.engine.snapshot(t.Context(), func(c conn) error {
			for _, db := range []string{"main", "past"} {
				if err := c.do(t.Context(), query{
					text: "SELECT m.name, p.name FROM " + db + ".sqlite_schema m, pragma_table_info(m.name, '" + db + "') p WHERE m.type = 'table' AND m.name NOT LIKE 'sqlite_%'",
					scan: func(r row) error { columns[r.text(0)] = append(columns[r.text(0)], r.text(1)); return nil },
				}); err != nil {
					return err
				}
			}
			return nil
		}); err != nil {
			t.Fatal(err)
		}
		for table, names := range columns {
			at := slices.IndexFunc(holdings, func(h rights.Holding) bool { return h.Table == table })
			_, nobody := aboutNobody[table]
			names = slices.DeleteFunc(names, func(n string) bool { return !aPerson.MatchString(n) })
			switch {
			case at < 0 && !nobody, at >= 0 && nobody, nobody && len(names) > 0:
				undeclared = append(undeclared, table)
			case at >= 0 && len(names) > 0 && holdings[at].Forgets != rights.Stays && holdings[at].Column == "":
				undeclared = append(undeclared, table)
			}
		}
		for _, h := range holdings {
			if h.Table != "" && len(columns[h.Table]) == 0 && columns[h.Table] == nil {
				undeclared = append(undeclared, h.Table+" is declared and not there")
			}
		}
		return undeclared
	}
	if bad := check(); len(bad) > 0 {
		t.Errorf("no Holding says what of people is in %v: declare it in erase.go, and have ForgetPerson let go of it", bad)
	}
	for _, add := range []string{"CREATE TABLE favourite (person BLOB, item TEXT)", "CREATE TABLE scribble (note TEXT)", "ALTER TABLE tally ADD COLUMN person BLOB"} {
		if err := s.engine.transaction(t.Context(), func(c conn) error { return c.do(t.Context(), query{text: add}) }); err != nil {
			t.Fatal(err)
		}
	}
	bad := check()
	slices.Sort(bad)
	if !slices.Equal(bad, []string{"favourite", "scribble", "tally"}) {
		t.Errorf("tables that nobody declares are not found: %v", bad)
	}
}
