package frontdoor

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/rapporthq/rapport/charter"
)

// TestAnExampleFitsItsType asks the charter's own rules whether they would take each value.
func TestAnExampleFitsItsType(t *testing.T) {
	text := &charter.Type{Name: charter.TString}
	for _, typ := range []charter.Type{{Name: charter.TItems}, {Name: charter.TItem}, {Name: charter.TNumber}, {Name: charter.TInteger}, {Name: charter.TMoney, Currency: "GBP"}, {Name: charter.TBoolean},
		{Name: charter.TEnum, Enum: []string{"a", "b"}}, {Name: charter.TBand, Band: []float64{0, 18}}, {Name: charter.TList, Of: text}, {Name: charter.TDate}, {Name: charter.TTime}, {Name: charter.TEmail},
		{Name: charter.TPhone}, {Name: charter.TPostcode}, {Name: charter.TCountry}, {Name: charter.TString}, {Name: charter.TText}, {Name: charter.TName}} {
		var v any
		if err := json.Unmarshal([]byte(inShell(sample(typ))), &v); err != nil {
			t.Fatal(err)
		}
		if _, err := typ.Canonical(v); err != nil {
			t.Errorf("of type %s: %v", typ.Name, err)
		}
	}
}

// TestNoNameBreaksOutOfTheExample: a charter's words, and a host that somebody made up, stay inside the quotes of the shell.
func TestNoNameBreaksOutOfTheExample(t *testing.T) {
	c := &charter.Charter{Events: map[string]*charter.Event{"It's": {Order: []string{"a'b"}, Properties: map[string]*charter.Property{"a'b": {Required: true, Type: charter.Type{Name: charter.TString}}}}}}
	c.Order.Events, c.Order.Placements = []string{"It's"}, []string{"h'me"}
	x := exampleOf(c, "x';rm -rf .", true)
	if strings.ContainsAny(x.Event+x.Fields+x.Placement+x.Address, "';") {
		t.Errorf("%+v", x)
	}
	if x.Address != "http://127.0.0.1:8080" || exampleOf(c, "shop.example:8443", true).Address != "https://shop.example:8443" || exampleOf(c, "[::1]:80", false).Address != "http://[::1]:80" {
		t.Errorf("the address is %s", x.Address)
	}
	if x := exampleOf(&charter.Charter{}, "a", false); x.Event != "" || x.Placement != "" {
		t.Errorf("an empty charter gives %+v", x)
	}
}
