package stewardship

import (
	"encoding/json"
	"math"

	"github.com/rapporthq/rapport/know/identity"
)

// Part is one addend of a score.
type Part = identity.Part

// Band is what a score means.
type Band string

// The bands, as know/identity has them.
const (
	Sure   Band = "sure"
	Review Band = "review"
	No     Band = "no"
)

// BandOf is the band of a score in log2 odds.
func BandOf(score float64) Band {
	switch {
	case score >= identity.Sure:
		return Sure
	case score >= identity.Review:
		return Review
	}
	return No
}

// weigh is the score of two records and its parts, in whole hundredths that add up to it exactly: what is kept and shown is the same
// sum. No part differs from what the engine gave by more than a hundredth, and the score by one.
func weigh(res *identity.Result, a, b int32) (score float64, parts []identity.Part) {
	_, parts = res.Explain(int(a), int(b))
	return hundredths(parts), parts
}

// hundredths cuts parts down so that they add up to their sum, cut down: each is the step from one running sum to the next. Rounded to the nearest, a score just below a
// band's limit, which is whole hundredths, would be shown in the band above and yet be treated as below.
func hundredths(parts []identity.Part) (sum float64) {
	const noise = 1e-4 // hundredths: what adding in another order, or in 32 bits, makes
	running, before := 0.0, 0.0
	for i := range parts {
		running += parts[i].Weight
		now := math.Floor(running*100 + noise)
		parts[i].Weight = (now - before) / 100
		before = now
	}
	return before / 100
}

func encodeParts(parts []identity.Part) ([]byte, error) { return json.Marshal(parts) }

// decodeParts reads what was kept; none when it cannot be read.
func decodeParts(raw []byte) []identity.Part {
	var parts []identity.Part
	if json.Unmarshal(raw, &parts) != nil {
		return nil
	}
	return parts
}

// OneIn says a score as one in how many: of so many pairs with that score one is wrong where the score is for a match, and one is right where it is against. At most a million.
func OneIn(score float64) int {
	return int(math.Round(1 + math.Exp2(min(math.Abs(score), 19.93))))
}
