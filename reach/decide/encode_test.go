package decide

import (
	"encoding/json"
	"math"
	"reflect"
	"testing"

	"pgregory.net/rapid"

	_ "github.com/rapporthq/rapport/person/seedtest" // draws the same each time
)

// Every field is drawn, those of later too: one that AppendJSON forgets is missed here.
func TestADecisionIsWrittenAsItsTagsSay(t *testing.T) {
	text := rapid.OneOf(rapid.SampledFrom([]string{"", "You bought Ham & eggs <b>", "last on 3 October", "août", "a\"b\\c\n\x00\x7f", "\xff", "\u2028"}), rapid.String())
	number := rapid.OneOf(rapid.SampledFrom([]float64{0, math.Copysign(0, -1), 1e-6, 9.99e-7, -1e-7, 1e21, 9.99e20, math.MaxFloat64, math.SmallestNonzeroFloat64, 0.1, -3}), rapid.Float64())
	decision := rapid.MakeCustom[Decision](rapid.MakeConfig{Types: map[reflect.Type]*rapid.Generator[any]{
		reflect.TypeFor[string](): text.AsAny(), reflect.TypeFor[float64](): number.AsAny(),
	}})
	rapid.Check(t, func(t *rapid.T) {
		d := decision.Draw(t, "decision")
		want, err := json.Marshal(d)
		if err != nil {
			t.Fatal(err)
		}
		if got := d.AppendJSON([]byte("before")); string(got) != "before"+string(want) {
			t.Fatalf("got  %s\nwant before%s", got, want)
		}
	})
}
