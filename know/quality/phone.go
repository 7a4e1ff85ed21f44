package quality

import (
	"github.com/rapporthq/rapport/person"
	"github.com/rapporthq/rapport/person/phone"
)

// phone judges a number in digits, with or without +. It is read by the person's country when that is known, else by the brand's.
func (j *Judged) phone(s Setting) {
	if idle(j.Value) {
		j.Doubts |= person.Placeholder
		return
	}
	for _, region := range [...]string{s.Country, s.Region} {
		if region == "" && j.Value[:min(1, len(j.Value))] != "+" {
			continue
		}
		if number, valid := phone.E164(j.Value, region); valid {
			j.Value = number
			return
		}
	}
	if s.Country == "" && s.Region == "" && j.Value != "" && j.Value[0] != '+' {
		j.Doubts |= person.Ambiguous // it may be a number of any country
		return
	}
	j.Doubts |= person.Impossible
}

// idle says whether a number is one finger held down or a walk along the keys: seven of one digit, nine in a row.
func idle(s string) bool {
	same, up, down := 1, 1, 1
	for i := 1; i < len(s); i++ {
		switch s[i] {
		case s[i-1]:
			same++
		default:
			same = 1
		}
		if s[i] == s[i-1]+1 || s[i-1] == '9' && s[i] == '0' {
			up++
		} else {
			up = 1
		}
		if s[i]+1 == s[i-1] {
			down++
		} else {
			down = 1
		}
	}
	return same >= 7 || up >= 9 || down >= 9
}
