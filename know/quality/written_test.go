package quality

import (
	"os"
	"testing"

	"gopkg.in/yaml.v3"

	"github.com/rapporthq/rapport/charter"
	"github.com/rapporthq/rapport/person"
)

// TestWhatPeopleWriteIsReadAsItsCaseSays reads the cases of testdata/written.yaml.
func TestWhatPeopleWriteIsReadAsItsCaseSays(t *testing.T) {
	body, err := os.ReadFile("testdata/written.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var cases []struct {
		Type, Text, Value, Doubts, In, Dates, Decimals, Currency string
		Born                                                     bool
	}
	if err := yaml.Unmarshal(body, &cases); err != nil {
		t.Fatal(err)
	}
	if len(cases) < 80 {
		t.Fatalf("%d cases only", len(cases))
	}
	for _, c := range cases {
		if c.In == "" {
			c.In = "GB"
		}
		if c.Currency == "" {
			c.Currency = "GBP"
		}
		kind := charter.Type{Name: charter.TypeName(c.Type), Currency: c.Currency}
		s := Setting{Region: c.In, At: received, Dates: charter.DateOrder(c.Dates), Decimals: charter.Decimals(c.Decimals)}
		value, doubts, ok := Written(&kind, c.Text, s, c.Born)
		if value != c.Value || doubts.String() != c.Doubts || ok != (c.Value != "") {
			t.Errorf("%s %q (%+v): %q, %q, %v; the case says %q, %q", c.Type, c.Text, s, value, doubts, ok, c.Value, c.Doubts)
		}
	}
}

// FuzzWhatIsReadIsCanonical reads anything as a date and as money: what comes out is in the charter's form, or nothing is; what is in that form already is itself.
func FuzzWhatIsReadIsCanonical(f *testing.F) {
	for _, s := range []string{"31/12/1980", "1.2.80", "31 Dec 1980", "19801231", "£12.50", "1.234,56 €", "1 234 567,8", "-£1'234.50", "kr", "\u202f", "R", "1980-12-31", "12.5"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		for _, kind := range []charter.Type{{Name: charter.TDate}, {Name: charter.TMoney, Currency: "GBP"}, {Name: charter.TNumber}} {
			for _, s := range []Setting{{Region: "GB", At: received}, {At: received, Dates: charter.MonthFirst, Decimals: charter.Comma}, {}} {
				value, doubts, ok := Written(&kind, text, s, true)
				switch again, err := kind.CanonicalText(value); {
				case !ok && (value != "" || doubts != 0):
					t.Fatalf("%q is refused and gives %q, %q", text, value, doubts)
				case ok && (err != nil || again != value):
					t.Fatalf("%q is read as %q, which is not canonical: %q, %v", text, value, again, err)
				case ok && doubts.Has(person.Unsettled) && s.Dates != "" && s.Decimals != "" && kind.Name != charter.TDate:
					t.Fatalf("%q is unsettled though the source says how it writes", text)
				}
			}
		}
	})
}
