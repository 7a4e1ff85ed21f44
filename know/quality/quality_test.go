package quality

import (
	"os"
	"strings"
	"testing"
	"time"

	"gopkg.in/yaml.v3"
	"pgregory.net/rapid"

	"github.com/rapporthq/rapport/charter"
	"github.com/rapporthq/rapport/person"
	_ "github.com/rapporthq/rapport/person/seedtest" // draws the same each time
)

var received = person.At(time.Date(2026, 3, 2, 10, 0, 0, 0, time.UTC))

func datum(kind string, born bool) *charter.Datum {
	d := &charter.Datum{Type: charter.Type{Name: charter.TypeName(kind), Currency: "GBP"}}
	if born {
		d.Category = birth
	}
	return d
}

// TestEachValueIsJudgedAsItsCaseSays reads the cases of testdata/values.yaml.
func TestEachValueIsJudgedAsItsCaseSays(t *testing.T) {
	body, err := os.ReadFile("testdata/values.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var cases []struct {
		Type, Value, Country, Keeps, Doubts, Suggest string
		In                                           *string
		Own, Born                                    bool
	}
	if err := yaml.Unmarshal(body, &cases); err != nil {
		t.Fatal(err)
	}
	if len(cases) < 100 {
		t.Fatalf("%d cases only", len(cases))
	}
	met := person.Doubts(0)
	for _, c := range cases {
		s := Setting{Region: "GB", Country: c.Country, At: received, Own: c.Own}
		if c.In != nil {
			s.Region = *c.In
		}
		if c.Keeps == "" {
			c.Keeps = c.Value
		}
		j := Judge(datum(c.Type, c.Born), c.Value, s)
		if j.Value != c.Keeps || j.Doubts.String() != c.Doubts || j.Suggest != c.Suggest {
			t.Errorf("%s %q (%s in %s): keeps %q, doubts %q, suggests %q; the case says %q, %q, %q", c.Type, c.Value, c.Country, s.Region, j.Value, j.Doubts, j.Suggest, c.Keeps, c.Doubts, c.Suggest)
		}
		met |= j.Doubts
	}
	for _, d := range []person.Doubts{person.Placeholder, person.Misspelt, person.Disposable, person.Role, person.Impossible, person.Unlikely, person.Misfit, person.Ambiguous, person.Mended} {
		if !met.Has(d) {
			t.Errorf("no case is %s", d)
		}
	}
}

var kinds = []string{"email", "phone", "name", "date", "postcode", "country", "string", "text", "number", "integer", "money", "boolean"}

// standard says what is wrong with a judgement, whatever the value: it must be canonical still, stay as it is when it is judged again, and its
// quality must follow from its doubts.
func standard(t interface{ Fatalf(string, ...any) }, kind, value string, s Setting) {
	d := datum(kind, kind == "date")
	given, err := d.Type.CanonicalText(value)
	if err != nil {
		return
	}
	j := Judge(d, given, s)
	if again, err := d.Type.CanonicalText(j.Value); err != nil || again != j.Value {
		t.Fatalf("%s %q is kept as %q, which is not canonical: %q, %v", kind, given, j.Value, again, err)
	}
	second := Judge(d, j.Value, s)
	if second.Value != j.Value {
		t.Fatalf("%s %q is kept as %q, and that as %q", kind, given, j.Value, second.Value)
	}
	if second.Doubts != j.Doubts&^person.Mended {
		t.Fatalf("%s %q is doubted as %q, and its standard form %q as %q", kind, given, j.Doubts, j.Value, second.Doubts)
	}
	if q := j.Quality(); q < 0 || q > 1 || (q == 1) != (j.Doubts == 0) {
		t.Fatalf("%s %q has the quality %v with the doubts %q", kind, given, q, j.Doubts)
	}
	if j.Suggest != "" && !j.Doubts.Has(person.Misspelt) {
		t.Fatalf("%s %q: something else is suggested though nothing is misspelt", kind, given)
	}
	if j.Suggest != "" {
		if better := Judge(d, j.Suggest, s); better.Doubts.Has(person.Misspelt) {
			t.Fatalf("%s %q: what is suggested, %q, looks misspelt itself", kind, given, j.Suggest)
		}
	}
}

func TestTheStandardFormOfAValueIsItsOwn(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		kind := rapid.SampledFrom(kinds).Draw(t, "type")
		shape := map[string]string{
			"email":    `(info|test|[a-z.]{1,6})@(gm[aio]{2}l|hotm[ai]{2}l|yaho+|[a-z-]{1,8})\.(com|con|co|co\.uk|fr|[a-z]{2})`,
			"phone":    `(\+44|\+1|\+33|0)?[0-9]{4,12}`,
			"name":     `[A-Z]{1,9}( (VAN|DE|O'|MC|[A-Z]))?[- ][A-Z']{1,9}|[a-zé]{1,9} [a-z'ß.-]{1,9}`,
			"date":     `(18|19|20)[0-9]{2}-(01|1[0-2])-(01|[12][0-9])`,
			"postcode": `[A-Z]{0,2}[0-9]{1,5}[- ]?[0-9A-Z]{0,4}`,
			"country":  `[A-Z]{2}`,
		}[kind]
		if shape == "" {
			shape = `[-0-9.a-z/?]{1,10}`
		}
		s := Setting{Region: rapid.SampledFrom([]string{"GB", "FR", "US", ""}).Draw(t, "region"), Country: rapid.SampledFrom([]string{"", "FR", "NL", "KE"}).Draw(t, "country"), At: received}
		standard(t, kind, rapid.StringMatching(shape).Draw(t, "value"), s)
	})
}

func FuzzTheStandardFormOfAValueIsItsOwn(f *testing.F) {
	for i, v := range []string{"jane@gmial.com", "020 7946 0958", "SEAN O'BRIEN-MCKAY VAN DER ß", "1984-01-01", "yo17hh", "uk", "n/a", "?", "999999", "İSTANBUL ŞAHİN", "DŽ ŉ ǰ", "a\u0308 B"} {
		f.Add(i, v)
	}
	f.Fuzz(func(t *testing.T, kind int, value string) {
		if len(value) > 300 {
			return
		}
		for _, s := range []Setting{{Region: "GB", At: received}, {Region: "GB", Country: "FR", At: received}, {}} {
			standard(t, kinds[uint(kind)%uint(len(kinds))], value, s)
		}
	})
}

func FuzzAnInferenceIsAnAnswerOrNone(f *testing.F) {
	for _, v := range []string{"YO1 7HH", "75011", "Mozilla/5.0 (iPhone; …) Mobile", "jane@gmail.com", "Mr", "Jean-Pierre", ""} {
		f.Add(v)
	}
	f.Fuzz(func(t *testing.T, value string) {
		for name, a := range Augmenters() {
			if text, sure := a.Infer(value, Setting{Region: "GB"}); sure < 0 || sure >= 1 || (text == "") != (sure == 0) {
				t.Fatalf("%s of %q: %q with confidence %v", name, value, text, sure)
			}
		}
	})
}

func TestWhatIsInferredIsAsItsCaseSays(t *testing.T) {
	const iphone = "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.5 Mobile/15E148 Safari/604.1"
	for _, c := range []struct {
		by, from, in, want string
		sure               float64
	}{
		{charter.RegionOfPostcode, "YO1 7HH", "GB", "Yorkshire and the Humber", whole},
		{charter.RegionOfPostcode, "B1 1AA", "GB", "West Midlands", whole},
		{charter.RegionOfPostcode, "CH1 1AA", "GB", "North West", shared},
		{charter.RegionOfPostcode, "BX1 1LT", "GB", "", 0},
		{charter.RegionOfPostcode, "QQ1 1AA", "GB", "", 0},
		{charter.RegionOfPostcode, "75011", "FR", "Île-de-France", whole},
		{charter.RegionOfPostcode, "97110", "FR", "Guadeloupe", whole},
		{charter.RegionOfPostcode, "90210", "US", "California", whole},
		{charter.RegionOfPostcode, "73301", "US", "Texas", whole},
		{charter.RegionOfPostcode, "26900", "US", "", 0},
		{charter.RegionOfPostcode, "75011", "GB", "", 0},
		{charter.RegionOfPostcode, "1011", "DK", "", 0},
		{charter.DeviceOfUserAgent, iphone, "", "phone", 0.97},
		{charter.DeviceOfUserAgent, "Mozilla/5.0 (Linux; Android 14; Pixel 8) AppleWebKit/537.36 Chrome/126 Mobile Safari/537.36", "", "phone", 0.97},
		{charter.DeviceOfUserAgent, "Mozilla/5.0 (Linux; Android 13; SM-X700) AppleWebKit/537.36 Chrome/126 Safari/537.36", "", "tablet", 0.9},
		{charter.DeviceOfUserAgent, "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15", "", "computer", 0.85},
		{charter.DeviceOfUserAgent, "Mozilla/5.0 (Windows NT 10.0; Win64; x64)", "", "computer", 0.95},
		{charter.DeviceOfUserAgent, "Mozilla/5.0 (compatible; Googlebot/2.1; iPhone)", "", "", 0},
		{charter.KindOfMailDomain, "jane@gmail.com", "", "personal", 0.97},
		{charter.KindOfMailDomain, "jane@yahoo.fr", "", "personal", 0.97},
		{charter.KindOfMailDomain, "jane@gmial.com", "", "", 0},
		{charter.KindOfMailDomain, "jane@york.ac.uk", "", "school", 0.95},
		{charter.KindOfMailDomain, "jane@city.gov.uk", "", "government", 0.95},
		{charter.KindOfMailDomain, "jane@mailinator.com", "", "disposable", 0.99},
		{charter.KindOfMailDomain, "jane@marsden-farm.co.uk", "", "organisation", 0.7},
		{charter.GenderOfName, "Mary Shelley", "", "female", 0.9},
		{charter.GenderOfName, "Dr. John Watson", "", "male", 0.9},
		{charter.GenderOfName, "Mrs Evans", "", "female", 0.98},
		{charter.GenderOfName, "Jean Martin", "", "", 0},
		{charter.GenderOfName, "Jean-Pierre Martin", "", "", 0},
		{charter.GenderOfName, "Camille Leslie", "", "", 0},
	} {
		if got, sure := Augmenters()[c.by].Infer(c.from, Setting{Region: c.in}); got != c.want || sure != c.sure {
			t.Errorf("%s of %q in %s: %q with %v, not %q with %v", c.by, c.from, c.in, got, sure, c.want, c.sure)
		}
	}
	for name := range Augmenters() {
		if !strings.Contains(strings.Join(charter.Inferences, " "), name) {
			t.Errorf("%s is not among the charter's inferences", name)
		}
	}
	if len(Augmenters()) != len(charter.Inferences) {
		t.Errorf("%d inferences are named and %d are there", len(charter.Inferences), len(Augmenters()))
	}
}

// TestTheTablesHoldTogether finds what a slip of the hand in a list would do.
func TestTheTablesHoldTogether(t *testing.T) {
	for n := range female {
		if male[n] {
			t.Errorf("%s is in both lists of names", n)
		}
	}
	if len(inGB) != 126 {
		t.Errorf("%d British areas; there are 124 and two that are nowhere", len(inGB))
	}
	for a := range strings.FieldsSeq(sharedGB) {
		if inGB[a] == "" {
			t.Errorf("%s is shared, and no area", a)
		}
	}
	if len(inFR) != 95+11 {
		t.Errorf("%d French départements and territories", len(inFR))
	}
	for i := range inUS {
		if r := inUS[i]; r.first > r.last || i > 0 && r.first <= inUS[i-1].last {
			t.Errorf("the ZIP codes from %s do not follow", r.first)
		}
	}
	if n := len(countries) / 3; n != 250 || len(countries)%3 != 0 {
		t.Errorf("%d countries; the standard has 249, and XK", n)
	}
	for i := 3; i < len(countries); i += 3 {
		if countries[i:i+2] <= countries[i-3:i-1] && countries[i:i+2] != "XK" {
			t.Errorf("%s is not in its order", countries[i:i+2])
		}
	}
	for d := range disposables {
		if personal[d] || !isDomain(d) {
			t.Errorf("%s is a disposable and a lasting domain, or none", d)
		}
	}
	for d := range personal {
		if l := likelier(d); l != "" || !isDomain(d) {
			t.Errorf("%s is a house of mailboxes, and looks like %q", d, l)
		}
	}
	for i := range houses {
		h := &houses[i]
		ends := h.ends
		if ends == "" {
			ends = "com fr co.uk"
		}
		for end := range strings.FieldsSeq(ends) {
			if l := likelier(h.name + "." + end); l != "" {
				t.Errorf("%s.%s looks like %s", h.name, end, l)
			}
		}
	}
}

// TestJudgingAGoodValueAllocatesNothing keeps the gate as light as it is: only what is put right is made anew.
func TestJudgingAGoodValueAllocatesNothing(t *testing.T) {
	for _, c := range []struct{ kind, value string }{{"email", "jane.doe@marsden-farm.co.uk"}, {"name", "Jane Doe"}, {"postcode", "YO1 7HH"}, {"date", "1984-05-17"}, {"string", "green"}, {"country", "GB"}, {"boolean", "true"}} {
		d, s := datum(c.kind, c.kind == "date"), Setting{Region: "GB", At: received}
		limit := 0.0
		if c.kind == "postcode" {
			limit = 1
		}
		if n := testing.AllocsPerRun(200, func() { Judge(d, c.value, s) }); n > limit {
			t.Errorf("a %s takes %v allocations", c.kind, n)
		}
	}
}

func BenchmarkJudge(b *testing.B) {
	for _, c := range []struct{ kind, value string }{{"email", "jane.doe@marsden-farm.co.uk"}, {"name", "Jane Doe"}, {"name", "JANE DOE"}, {"phone", "+442079460958"}, {"phone", "02079460958"}, {"postcode", "YO1 7HH"}, {"date", "1984-05-17"}, {"string", "green"}} {
		b.Run(c.kind+" "+c.value, func(b *testing.B) {
			b.ReportAllocs()
			d, s := datum(c.kind, true), Setting{Region: "GB", At: received}
			for range b.N {
				Judge(d, c.value, s)
			}
		})
	}
}
