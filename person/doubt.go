package person

import "math/bits"

// Doubts are the reasons for which a fact's quality is less than 1, a bit each. The bits are on disk: never renumber them.
type Doubts uint32

// The doubts. All but Guessed lower the quality by a factor of their own: see Quality.
const (
	Placeholder Doubts = 1 << iota // stands for a value that nobody gave: TEST, ASDF, 00000, 1900-01-01
	Misspelt                       // looks like a slip of the hand: gmial.com
	Disposable                     // an address that is made to be thrown away
	Role                           // an address of an office, not of a person: sales@
	Impossible                     // of the right shape, but there is no such thing: a number that is not assigned, a postcode of no area
	Unlikely                       // hardly true: somebody of 130 years, a name with figures in it
	Misfit                         // does not go with another value that came with it: a postcode and a country
	Ambiguous                      // can be read in two ways; the likelier was kept
	Mended                         // came in a careless form and was put right by a rule: capitals
	Guessed                        // inferred; the quality is the confidence of the rule that inferred it
	Bounced                        // mail to it came back
	Returned                       // a letter to it came back
	Disputed                       // the person said that it is wrong
	Unsettled                      // can be read in two ways, and nobody knows which: 1/2/1980
	allDoubts   = 1<<iota - 1
)

var doubts = [...]struct {
	name   string
	factor float64
}{
	{"placeholder", 0.05}, {"misspelt", 0.3}, {"disposable", 0.4}, {"role", 0.7}, {"impossible", 0.1}, {"unlikely", 0.3}, {"misfit", 0.4},
	{"ambiguous", 0.7}, {"mended", 0.95}, {"guessed", 1}, {"bounced", 0.1}, {"returned", 0.2}, {"disputed", 0}, {"unsettled", 0.4},
}

// Quality is the product of the factors of the doubts: 1 without any. The factors are chosen, not measured: those that make a value
// useless stand under the floor of 0.5 that a charter has when it names none, those that make it a little less sure stand over it.
func (d Doubts) Quality() float64 {
	if d == 0 {
		return 1
	}
	q := 1.0
	for d &= allDoubts; d != 0; d &= d - 1 {
		q *= doubts[bits.TrailingZeros32(uint32(d))].factor
	}
	return q
}

// Has says whether all of these doubts are among them.
func (d Doubts) Has(these Doubts) bool { return d&these == these }

// Each gives the doubts one by one, in their order.
func (d Doubts) Each(yield func(Doubts) bool) {
	for d &= allDoubts; d != 0; d &= d - 1 {
		if !yield(d & -d) {
			return
		}
	}
}

// String is the doubts' names in their order with a comma between, empty when there are none.
func (d Doubts) String() string {
	s := ""
	for one := range d.Each {
		if s != "" {
			s += ", "
		}
		s += doubts[bits.TrailingZeros32(uint32(one))].name
	}
	return s
}

// ParseDoubt is the doubt of that name.
func ParseDoubt(name string) (Doubts, bool) {
	for i := range doubts {
		if doubts[i].name == name {
			return 1 << i, true
		}
	}
	return 0, false
}
