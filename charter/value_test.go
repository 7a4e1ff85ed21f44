package charter

import (
	"encoding/json"
	"math"
	"os"
	"reflect"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"gopkg.in/yaml.v3"

	"github.com/rapporthq/rapport/person"
)

type valueCase struct {
	Type  string
	Max   int
	Value string
	Keeps *string
}

func (c valueCase) typ(t testing.TB) Type {
	t.Helper()
	var doc yaml.Node
	if err := yaml.Unmarshal([]byte(c.Type), &doc); err != nil {
		t.Fatal(err)
	}
	r := newReader(nil)
	r.c.Brand.Currency = "GBP"
	typ := r.typ(at{doc.Content[0], "type"}, true)
	if r.problems.Err() != nil {
		t.Fatal(r.problems)
	}
	if c.Max > 0 {
		typ.Max = c.Max
	}
	return typ
}

func valueCases(t testing.TB) (cases struct{ JSON, Text []valueCase }) {
	t.Helper()
	raw, err := os.ReadFile("testdata/values.yaml")
	if err != nil {
		t.Fatal(err)
	}
	if err := yaml.Unmarshal(raw, &cases); err != nil {
		t.Fatal(err)
	}
	return cases
}

func (c valueCase) check(t *testing.T, got string, err error) {
	t.Helper()
	switch {
	case c.Keeps == nil && err == nil:
		t.Errorf("%s %s: %q is kept, and it should be refused", c.Type, c.Value, got)
	case c.Keeps == nil && got != "":
		t.Errorf("%s %s: refused and kept as %q", c.Type, c.Value, got)
	case c.Keeps != nil && (err != nil || got != *c.Keeps):
		t.Errorf("%s %s: %q, %v; want %q", c.Type, c.Value, got, err, *c.Keeps)
	}
}

func TestValues(t *testing.T) {
	cases := valueCases(t)
	for _, c := range cases.JSON {
		var v any
		if err := json.Unmarshal([]byte(c.Value), &v); err != nil {
			t.Fatal(c.Value, err)
		}
		typ := c.typ(t)
		got, err := typ.Canonical(v)
		c.check(t, got, err)
		plain, verr := typ.Value(v)
		if (verr == nil) != (err == nil) {
			t.Errorf("%s %s: Canonical says %v and Value says %v", c.Type, c.Value, err, verr)
		}
		if err == nil && typ.Name != TItems {
			back, err := typ.Read(got)
			if err != nil || !reflect.DeepEqual(back, plain) {
				t.Errorf("%s %s: reads back as %v, %v; want %v", c.Type, c.Value, back, err, plain)
			}
		}
	}
	for _, c := range cases.Text {
		got, err := c.typ(t).CanonicalText(c.Value)
		c.check(t, got, err)
	}
}

// TestErrorsHoldNoValue plants a marker in every kind of refused value and looks for it in the sentence.
func TestErrorsHoldNoValue(t *testing.T) {
	const marker = "Zanzibar7"
	for _, name := range append(typeWords, "{enum: [a]}", "{band: [0]}", "{list: integer}") {
		typ := valueCase{Type: name}.typ(t)
		for _, v := range []any{marker + "\x00", []any{marker}, map[string]any{marker: marker}, map[string]any{"amount": marker, "currency": marker},
			[]any{map[string]any{"product_id": marker + "\x00"}}, marker + strings.Repeat(" long", 5000)} {
			_, err := typ.Canonical(v)
			if err == nil {
				t.Errorf("%s keeps what it should refuse", name)
			} else if strings.Contains(err.Error(), marker) || strings.Contains(err.Error(), "\n") {
				t.Errorf("%s: the error holds the value or is more than a sentence", name)
			}
		}
	}
}

func TestNumbersThatAreNone(t *testing.T) {
	for _, name := range []string{"number", "integer", "money", "{band: [0]}"} {
		for _, f := range []float64{math.NaN(), math.Inf(1), math.Inf(-1)} {
			if got, err := (valueCase{Type: name}).typ(t).Canonical(f); err == nil {
				t.Errorf("%s keeps %q", name, got)
			}
		}
	}
}

func TestZeroTypeKeepsNothing(t *testing.T) {
	for _, v := range []any{"x", 1.0, true, nil, []any{"x"}, map[string]any{}} {
		if got, err := (Type{}).Canonical(v); err == nil {
			t.Errorf("a type that nobody declared keeps %q", got)
		}
		if got, err := (Type{}).Value(v); err == nil {
			t.Errorf("a type that nobody declared keeps %v", got)
		}
	}
	if got, err := (Type{Name: TList}).Canonical([]any{"x"}); err == nil {
		t.Errorf("a list of nothing declared keeps %q", got)
	}
}

func TestColumns(t *testing.T) {
	for typ, want := range map[string]string{"{enum: [low, high]}": "low high", "{band: [0, 18, 65]}": "0-18 18-65 65+", "{band: [-1.5, 0.25]}": "-1.5-0.25 0.25+", "string": ""} {
		if got := strings.Join(valueCase{Type: typ}.typ(t).Columns(), " "); got != want {
			t.Errorf("the columns of %s are %q, want %q", typ, got, want)
		}
	}
	if got := strings.Join(Type{Name: TBand, Band: []float64{0, 18}}.Columns(), " "); got != "0-18 18+" {
		t.Errorf("the columns of a band made by hand are %q", got)
	}
}

func TestLines(t *testing.T) {
	got, err := Lines([]any{map[string]any{"product_id": "a", "quantity": 2.0, "price": 1.5}, map[string]any{"product_id": "b"}})
	want := []person.Line{{Item: "a", Quantity: 2, Price: 1.5}, {Item: "b"}}
	if err != nil || !cmp.Equal(got, want) {
		t.Errorf("%v, %v; want %v", got, err, want)
	}
	if _, err := Lines(make([]any, maxItems+1)); err != errListLong {
		t.Errorf("too many lines: %v", err)
	}
}

// FuzzCanonical looks for values that stop the house, and for canonical text that is not canonical when it is read
// and written again.
func FuzzCanonical(f *testing.F) {
	cases := valueCases(f)
	for _, c := range append(cases.JSON, cases.Text...) {
		f.Add(c.Type, c.Value)
	}
	f.Fuzz(func(t *testing.T, name, value string) {
		if len(value) > 10_000 || len(name) > 200 {
			return
		}
		var doc yaml.Node
		if yaml.Unmarshal([]byte(name), &doc) != nil || len(doc.Content) == 0 {
			return
		}
		r := newReader(nil)
		r.c.Brand.Currency = "GBP"
		n := 0
		if !r.sound(doc.Content[0], 0, &n) {
			return
		}
		typ := r.typ(at{doc.Content[0], "type"}, true)
		if r.problems.Err() != nil {
			return
		}
		again := func(s string, err error) {
			if err != nil {
				return
			}
			if s == "" || strings.ContainsRune(s, 0) {
				t.Fatalf("%s keeps nothing or a NUL", typ)
			}
			v, err := typ.Read(s)
			if err != nil {
				t.Fatalf("%s: canonical text cannot be read: %v", typ, err)
			}
			if typ.Name == TItems {
				v, err = typ.readList(s)
				if err != nil {
					t.Fatal(err)
				}
			}
			if s2, err := typ.Canonical(v); err != nil || s2 != s {
				t.Fatalf("%s: canonical text changes when it is read and written: %v", typ, err)
			}
			if s2, err := typ.CanonicalText(s); (err != nil || s2 != s) && typ.Name != TString && typ.Name != TText && typ.Name != TItem && typ.Name != TEnum {
				t.Fatalf("%s: canonical text is not canonical as text of a file: %v", typ, err)
			}
		}
		again(typ.CanonicalText(value))
		var v any
		if json.Unmarshal([]byte(value), &v) == nil {
			again(typ.Canonical(v))
		}
	})
}

func BenchmarkCanonical(b *testing.B) {
	for _, c := range []struct {
		name string
		v    any
	}{{"string", "A-2231"}, {"number", 12.5}, {"date", "1980-05-17"}, {"email", "ann@example.com"}, {"{enum: [a, b, c]}", "c"}, {"{band: [0, 18, 65]}", 42.0},
		{"items", []any{map[string]any{"product_id": "22423", "quantity": 2.0, "price": 3.5}}}} {
		typ := valueCase{Type: c.name}.typ(b)
		b.Run(strings.Fields(strings.Trim(c.name, "{"))[0], func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if typ.Name == TItems {
					_, _ = typ.Lines(c.v)
				} else {
					_, _ = typ.Value(c.v)
				}
			}
		})
	}
}
