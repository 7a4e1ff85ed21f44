package tact

import (
	"testing"

	"github.com/rapporthq/rapport/person"
	"github.com/rapporthq/rapport/trust/consent"
)

// A protective fact of which not even the head can be opened removes all that its rules could, unless the person gave no leave to use such
// facts at all. Nothing else is used of an unreadable head.
func TestAnUnreadableHeadIsDoubt(t *testing.T) {
	for _, answer := range []consent.Answer{consent.Yes, consent.No} {
		c := usual(testSeries(t), 20)
		for i := range c.Choices {
			if c.Choices[i].Purpose == "protect" {
				c.Choices[i].Answer = answer
			}
		}
		for i := range c.Facts {
			if n := c.Facts[i].Name; n == "diet" || n == "age_band" || n == "birthday" {
				c.Facts[i] = person.Head{Of: id("a"), Name: n, At: c.Facts[i].At, Received: c.Facts[i].Received, Unreadable: true}
			}
		}
		j := Judge(c)
		if may, there := j.Protective["diet"]; there != (answer == consent.Yes) || may {
			t.Errorf("protect answered %d: diet in doubt %v, may be read %v", answer, there, may)
		}
		if may, there := j.Protective["age_band"]; !there || may {
			t.Errorf("the law's fact cannot be read and removes nothing: %v %v", there, may)
		}
		for i := range c.Facts {
			if c.Facts[i].Unreadable && j.FactReasons[i] == "" {
				t.Errorf("%s cannot be read and passed", c.Facts[i].Name)
			}
		}
	}
}
