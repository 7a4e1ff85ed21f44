package consent

import (
	"testing"

	"github.com/rapporthq/rapport/person"
)

// An answer that is given now stays the last word, whatever the clock does: it is later than what was said before, and answers for every
// pseudonym that was joined before.
func TestTheLastWordIsDatedAfterTheOnesBeforeIt(t *testing.T) {
	root, device := person.NewID(), person.NewID()
	alone := person.Person{Root: root}
	joined := person.Person{Root: root, Also: []person.Join{{ID: device, At: 200}}}
	said := []Choice{{Purpose: "personalise", Answer: Yes, At: 100, Received: 100}, {Purpose: "personalise", Answer: No, At: 900, Received: 150}, {Purpose: "email", Answer: Yes, At: 500}}
	for name, c := range map[string]struct {
		who  person.Person
		now  person.Instant
		want person.Instant
	}{
		"a right clock":                          {alone, 300, 300},
		"a clock that went back":                 {alone, 120, 151},
		"a clock that went back behind the join": {joined, 120, 200},
		"at the very instant":                    {alone, 150, 151},
		"a right clock, joined":                  {joined, 300, 300},
	} {
		if got := Next(c.who, said, "personalise", c.now); got != c.want {
			t.Errorf("%s: %d, want %d", name, got, c.want)
		}
	}
}
